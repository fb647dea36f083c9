//! The driver against the look-alike: a whole life, what the other side can do to it, and what goes wrong on the way.

use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Class, Cloud, ConnectionWish, NetworkStanding, Opening, Pass, Peer, Reference, Secret, Wish,
    google::{Google, GoogleAccount, GoogleCredentials, GoogleEndpoints},
    http::Http,
    lookalike::{Effect, Fault, Lookalikes, Settings, Side},
    pass,
};

/// A console with one VPC, and a person with a project of their own.
struct Town {
    clouds: Lookalikes,
    cloud: Google,
    wish: Wish,
    /// The peer's project and its token, got as Google's Python client gets it.
    project: String,
    token: String,
    /// One for all requests of a test: making one reads the system's certificates.
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Town {
    async fn new() -> Self {
        Self::with(Settings::immediate()).await
    }

    async fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("clouds.db").display());
        let clouds = Lookalikes::start(&url, &settings).await.expect("look-alikes");
        let cloud = driver(&clouds, &clouds.google.url()).await;
        let theirs = clouds.google.account(Side::Theirs).await;
        let wish = Wish {
            id: Uuid::now_v7(),
            name: "alpha".to_owned(),
            region: "europe-west1".to_owned(),
            cidr: "10.20.0.0/24".parse().expect("a range"),
            present: true,
            reference: Reference::new(),
            connections: Vec::new(),
            openings: vec![Opening::Tcp { from: 5432, to: 5433 }],
            now: clouds.now(),
        };
        let client = reqwest::Client::new();
        let token = token(&client, &clouds.google.url(), &theirs.client_email, theirs.private_key.expose()).await;
        Self { clouds, cloud, wish, project: theirs.project, token, client, _folder: folder }
    }

    /// What the reconciler does: a pass, and what it learned is kept.
    async fn pass(&mut self) -> Pass {
        self.wish.now = self.clouds.now();
        let pass = pass(&self.cloud, &self.wish).await.expect("a pass");
        for connection in &mut self.wish.connections {
            connection.was_active |= pass.report.connections[&connection.id].state.as_deref() == Some("ACTIVE");
        }
        pass
    }

    /// Passes until one has nothing to do.
    async fn settle(&mut self) -> Pass {
        for _ in 0..30 {
            let pass = self.pass().await;
            if !pass.moved() && pass.failed.is_empty() {
                return pass;
            }
        }
        panic!("thirty passes and still not done");
    }

    fn connect(&mut self, project: &str, network: &str) -> Uuid {
        let id = Uuid::now_v7();
        self.wish.connections.push(ConnectionWish {
            id,
            peer: Peer::Google { project: project.to_owned(), network: network.to_owned() },
            present: true,
            ranges: Vec::new(),
            reference: Reference::new(),
            sent_at: None,
            was_active: false,
        });
        id
    }

    fn network(&self) -> String {
        let id = self.wish.id.simple().to_string();
        format!("causeway-{}", &id[20..])
    }

    /// A request of the peer in its own project; operations are over at once.
    async fn peer(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/compute/v1/projects/{}/{path}", self.clouds.google.url(), self.project);
        let request = self.client.request(method, url).bearer_auth(&self.token);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let response = request.body(body).send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.expect("a body")).expect("JSON"))
    }

    async fn peer_adds(&self, network: &str) -> Value {
        let project = self.clouds.google.account(Side::Ours).await.project;
        let peering = json!({"name": "to-the-console", "exchangeSubnetRoutes": true,
            "network": format!("projects/{project}/global/networks/{}", self.network())});
        let body = json!({"networkPeering": peering});
        let (status, begun) = self.peer(Method::POST, &format!("global/networks/{network}/addPeering"), body).await;
        assert_eq!(status, 200, "{begun}");
        let path = format!("global/operations/{}", begun["name"].as_str().expect("a name"));
        self.peer(Method::GET, &path, Value::Null).await.1
    }

    async fn peer_removes(&self, network: &str) {
        let path = format!("global/networks/{network}/removePeering");
        assert_eq!(self.peer(Method::POST, &path, json!({"name": "to-the-console"})).await.0, 200);
    }
}

async fn driver(clouds: &Lookalikes, url: &str) -> Google {
    let account = clouds.google.account(Side::Ours).await;
    let credentials = GoogleCredentials::ServiceAccount(account.key_file(url));
    let endpoints = GoogleEndpoints { compute: Url::parse(url).expect("a URL") };
    Google::new(GoogleAccount { project: account.project, credentials }, endpoints, Http::new(5).expect("a client"))
}

/// Signs an assertion with `key` and exchanges it, as Google's Python client does.
async fn token(client: &reqwest::Client, url: &str, email: &str, key: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use rsa::pkcs8::DecodePrivateKey;

    let key = rsa::RsaPrivateKey::from_pkcs8_pem(key).expect("a key");
    let key = rsa::pkcs8::EncodePrivateKey::to_pkcs8_der(&key).expect("a key");
    let key = ring::signature::RsaKeyPair::from_pkcs8(key.as_bytes()).expect("a key");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": email, "aud": format!("{url}/token"), "iat": now, "exp": now + 600});
    let signed = format!("{}.{}", part(json!({"alg": "RS256", "typ": "JWT"})), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    key.sign(&ring::signature::RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).expect("a signature");
    let assertion = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &assertion)
        .finish();
    let answer = client.post(format!("{url}/token")).body(form).send().await.expect("an answer");
    let answer: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test]
async fn a_vpc_is_peered_used_and_taken_down_again() {
    let mut town = Town::new().await;
    let checked = town.cloud.check().await.expect("credentials");
    assert!(checked.starts_with("networks@console-"), "{checked}");
    let project = town.project.clone();
    let id = town.connect(&project, "main");
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Ready);
    let told = &pass.report.connections[&id];
    assert_eq!(told.state.as_deref(), Some("INACTIVE"));
    assert!(told.message.ends_with("Waiting for peer network to connect."), "{}", told.message);
    assert_eq!((told.peer_ranges.as_ref(), told.opened.len()), (None, 0));

    let over = town.peer_adds("main").await;
    assert_eq!((over["status"].as_str(), over.get("error")), (Some("DONE"), None), "{over}");
    let pass = town.settle().await;
    let told = &pass.report.connections[&id];
    assert_eq!(told.state.as_deref(), Some("ACTIVE"));
    let theirs = vec!["10.92.0.0/20".parse().expect("a range")];
    assert_eq!((told.peer_ranges.as_ref(), &told.routed, &told.opened), (Some(&theirs), &theirs, &theirs));

    // The peer grows a subnet; its route and the opening follow.
    let subnet = json!({"name": "more", "network": format!("projects/{project}/global/networks/main"), "ipCidrRange": "10.93.0.0/20"});
    assert_eq!(town.peer(Method::POST, "regions/europe-west4/subnetworks", subnet).await.0, 200);
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].opened.len(), 2);

    town.peer_removes("main").await;
    let pass = town.settle().await;
    let told = &pass.report.connections[&id];
    assert_eq!((told.state.as_deref(), told.opened.len()), (Some("INACTIVE"), 0));
    assert!(town.wish.connections[0].was_active);

    town.wish.connections[0].present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state, None);
    town.wish.connections.clear();
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
}

/// What a person in the console's own project reads.
async fn rules(town: &Town) -> usize {
    let ours = town.clouds.google.account(Side::Ours).await;
    let url = town.clouds.google.url();
    let token = token(&town.client, &url, &ours.client_email, ours.private_key.expose()).await;
    let list = town.client.get(format!("{url}/compute/v1/projects/{}/global/firewalls", ours.project));
    let answer = list.bearer_auth(token).send().await.expect("an answer").text().await.expect("a body");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    answer["items"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_connection_that_the_peer_ended_leaves_no_rule_although_nobody_deletes_it() {
    let mut town = Town::new().await;
    let project = town.project.clone();
    let id = town.connect(&project, "main");
    town.settle().await;
    town.peer_adds("main").await;
    town.settle().await;
    assert_eq!(rules(&town).await, 1);
    town.peer_removes("main").await;
    let refused = Fault::refuse("firewalls.delete", 429, "rateLimitExceeded").for_side(Side::Ours).times(5);
    town.clouds.google.add_fault(refused).await.expect("a rule");
    let pass = town.pass().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("INACTIVE"));
    assert_eq!((pass.failed.len(), rules(&town).await), (1, 1));
    // From now on it is closed: the reconciler asks for it no more.
    let closed = std::mem::take(&mut town.wish.connections);
    town.settle().await;
    assert_eq!(rules(&town).await, 0);
    // The peering is the person's to delete, and goes with the connection.
    town.wish.connections = closed;
    town.wish.connections[0].present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state, None);
}

#[tokio::test]
async fn a_peer_that_comes_back_is_let_in_again() {
    let mut town = Town::new().await;
    let project = town.project.clone();
    let id = town.connect(&project, "main");
    town.settle().await;
    for rounds in 0..2 {
        town.peer_adds("main").await;
        let pass = town.settle().await;
        assert_eq!((pass.report.connections[&id].opened.len(), rules(&town).await), (1, 1), "round {rounds}");
        town.peer_removes("main").await;
        let pass = town.settle().await;
        assert_eq!((pass.report.connections[&id].opened.len(), rules(&town).await), (0, 0), "round {rounds}");
    }
}

#[tokio::test]
async fn a_vpc_that_is_deleted_takes_peerings_and_rules_with_it() {
    let mut town = Town::new().await;
    let project = town.project.clone();
    town.connect(&project, "main");
    town.settle().await;
    town.peer_adds("main").await;
    town.settle().await;
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
    let (_, network) = town.peer(Method::GET, "global/networks/main", Value::Null).await;
    assert_eq!(network["peerings"][0]["state"], "INACTIVE");
}

#[tokio::test]
async fn ranges_that_overlap_are_refused_in_the_operation_and_told() {
    let mut town = Town::new().await;
    let project = town.project.clone();
    let subnet = json!({"name": "same", "network": format!("projects/{project}/global/networks/main"), "ipCidrRange": "10.20.0.0/16"});
    assert_eq!(town.peer(Method::POST, "regions/europe-west1/subnetworks", subnet).await.0, 200);
    town.settle().await;
    town.peer_adds("main").await;
    town.connect(&project, "main");
    let mut failures = Vec::new();
    for _ in 0..3 {
        failures.extend(town.pass().await.failed);
    }
    let (_, failure) = failures.first().expect("a failure");
    assert_eq!((failure.class, failure.code.as_str()), (Class::Specification, "INVALID_USAGE"), "{failure}");
    assert!(failure.message.contains("10.20.0.0/16) overlaps with an IP range (10.20.0.0/24)"), "{failure}");
}

#[tokio::test]
async fn a_network_that_does_not_exist_stays_inactive_as_google_has_it() {
    let mut town = Town::new().await;
    let id = town.connect("nobodys-project", "main");
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("INACTIVE"));
}

#[tokio::test]
async fn two_peerings_of_one_network_are_added_one_after_the_other() {
    // Operations take a while, so that the second would meet the first.
    let delay = Duration::from_millis(30);
    let mut town = Town::with(Settings { delay: delay..=delay, ..Settings::immediate() }).await;
    town.connect("customer-one", "main");
    town.connect("customer-two", "main");
    for _ in 0..60 {
        let pass = town.pass().await;
        assert!(pass.failed.is_empty(), "{:?}", pass.failed);
        let states = pass.report.connections.values().filter(|told| told.state.is_some()).count();
        if states == 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the second peering never came");
}

#[tokio::test]
async fn a_peering_operation_of_somebody_else_is_waited_out() {
    let mut town = Town::new().await;
    let project = town.project.clone();
    town.settle().await;
    let slow = Fault::once("Operation/networks.addPeering", Effect::Delay { ms: 700 });
    town.clouds.google.add_fault(slow).await.expect("a rule");
    let (_, begun) = {
        let project = town.clouds.google.account(Side::Ours).await.project;
        let peering = json!({"name": "to-the-console", "network": format!("projects/{project}/global/networks/{}", town.network())});
        town.peer(Method::POST, "global/networks/main/addPeering", json!({"networkPeering": peering})).await
    };
    assert_eq!(begun["status"], "RUNNING");
    let id = town.connect(&project, "main");
    for _ in 0..40 {
        let pass = town.pass().await;
        for (_, failure) in &pass.failed {
            assert_eq!((failure.class, failure.code.as_str()), (Class::Retry, "badRequest"), "{failure}");
            assert!(failure.message.contains("peering operation in progress"), "{failure}");
        }
        if pass.report.connections[&id].state.as_deref() == Some("ACTIVE") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never active");
}

#[tokio::test]
async fn a_lost_answer_creates_nothing_twice() {
    let mut town = Town::new().await;
    let lost = |action: &str| Fault::once(action, Effect::Lose).after_apply();
    let broken = |action: &str| Fault::refuse(action, 502, "backendError").after_apply();
    let faults = [
        broken("networks.insert"),
        lost("subnetworks.insert"),
        lost("networks.addPeering"),
        broken("firewalls.insert"),
    ];
    for fault in faults {
        town.clouds.google.add_fault(fault).await.expect("a rule");
    }
    let project = town.project.clone();
    let id = town.connect(&project, "main");
    town.settle().await;
    town.peer_adds("main").await;
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("ACTIVE"));
    assert_eq!(pass.report.connections[&id].opened.len(), 1);
    assert_eq!(town.clouds.google.uses().await.expect("uses").len(), 4);
    for action in ["firewalls.delete", "networks.removePeering", "subnetworks.delete", "networks.delete"] {
        town.clouds.google.add_fault(lost(action)).await.expect("a rule");
    }
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
}

#[tokio::test]
async fn a_console_that_forgot_its_operations_finds_what_came_of_them() {
    let mut town = Town::new().await;
    let project = town.project.clone();
    let id = town.connect(&project, "main");
    for _ in 0..5 {
        town.pass().await;
        // Killed and started anew.
        town.cloud = driver(&town.clouds, &town.clouds.google.url()).await;
    }
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("INACTIVE"));
    assert!(pass.failed.is_empty(), "{:?}", pass.failed);
}

#[tokio::test]
async fn throttling_and_an_outage_are_waited_out() {
    let mut town = Town::new().await;
    for fault in [
        Fault::refuse("*", 403, "rateLimitExceeded").times(2),
        Fault::refuse("subnetworks.insert", 503, "backendError"),
        Fault::refuse("networks.get", 500, "internalError"),
    ] {
        town.clouds.google.add_fault(fault.for_side(Side::Ours)).await.expect("a rule");
    }
    let project = town.project.clone();
    let id = town.connect(&project, "main");
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("INACTIVE"));
}

#[tokio::test]
async fn an_operation_that_is_done_and_failed_is_no_success() {
    let mut town = Town::new().await;
    let quota = Fault::refuse("Operation/networks.insert/done", 403, "QUOTA_EXCEEDED");
    town.clouds.google.add_fault(quota).await.expect("a rule");
    let mut failures = Vec::new();
    for _ in 0..3 {
        failures.extend(town.pass().await.failed);
    }
    let (_, failure) = failures.first().expect("a failure");
    assert_eq!((failure.class, failure.code.as_str()), (Class::Operator, "QUOTA_EXCEEDED"));
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Ready);
}

#[tokio::test]
async fn a_key_of_somebody_else_is_refused_and_never_shown() {
    let town = Town::new().await;
    let url = town.clouds.google.url();
    let (ours, theirs) = (town.clouds.google.account(Side::Ours).await, town.clouds.google.account(Side::Theirs).await);
    let mut forged: Value = serde_json::from_str(ours.key_file(&url).expose()).expect("JSON");
    forged["private_key"] = json!(theirs.private_key.expose());
    let account = GoogleAccount {
        project: ours.project.clone(),
        credentials: GoogleCredentials::ServiceAccount(Secret::new(forged.to_string())),
    };
    let endpoints = GoogleEndpoints { compute: Url::parse(&url).expect("a URL") };
    let cloud = Google::new(account, endpoints, Http::new(2).expect("a client"));
    let failure = cloud.check().await.expect_err("a refusal");
    assert_eq!((failure.class, failure.code.as_str()), (Class::Credentials, "authError"));
    assert!(!format!("{cloud:?} {failure:?}").contains("PRIVATE KEY"));
}

#[tokio::test]
async fn another_project_is_not_ours_to_change() {
    let town = Town::new().await;
    let theirs = GoogleAccount {
        project: town.project.clone(),
        credentials: GoogleCredentials::ServiceAccount(
            town.clouds.google.account(Side::Ours).await.key_file(&town.clouds.google.url()),
        ),
    };
    let endpoints = GoogleEndpoints { compute: Url::parse(&town.clouds.google.url()).expect("a URL") };
    let failure = Google::new(theirs, endpoints, Http::new(2).expect("a client")).check().await.expect_err("a refusal");
    assert_eq!((failure.class, failure.code.as_str()), (Class::Denied, "forbidden"), "{failure}");
}
