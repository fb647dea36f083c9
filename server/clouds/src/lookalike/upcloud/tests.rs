//! The driver against the look-alike: a whole life, what the other side can do to it, and what goes wrong on the way.

mod routers;

use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Class, Cloud, ConnectionWish, NetworkStanding, Pass, Peer, Reference, Secret, Wish,
    http::Http,
    lookalike::{Effect, Fault, Lookalikes, Settings, Side},
    pass,
    upcloud::{UpCloud, UpCloudAccount, UpCloudEndpoints},
};

/// A console with one VPC, and a person with an account of their own.
struct Town {
    clouds: Lookalikes,
    cloud: UpCloud,
    wish: Wish,
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
        let endpoints = UpCloudEndpoints { api: Url::parse(&format!("{}/1.3", clouds.upcloud.url())).expect("a URL") };
        let account = clouds.upcloud.account(Side::Ours).await;
        let token = clouds.upcloud.account(Side::Theirs).await.token.expose().to_owned();
        let account = UpCloudAccount::Password { username: account.username, password: account.password };
        let cloud = UpCloud::new(account, endpoints, Http::new(3).expect("a client"));
        let wish = Wish {
            id: Uuid::now_v7(),
            name: "alpha".to_owned(),
            region: "de-fra1".to_owned(),
            cidr: "10.20.0.0/24".parse().expect("a range"),
            present: true,
            reference: Reference::new(),
            connections: Vec::new(),
            openings: Vec::new(),
            now: clouds.now(),
        };
        Self { clouds, cloud, wish, token, client: reqwest::Client::new(), _folder: folder }
    }

    /// What the reconciler does: a pass, and what it learned is kept.
    async fn pass(&mut self) -> Pass {
        self.wish.now = self.clouds.now();
        let pass = pass(&self.cloud, &self.wish).await.expect("a pass");
        self.wish.reference = pass.report.network.reference.clone();
        for connection in &mut self.wish.connections {
            let told = &pass.report.connections[&connection.id];
            connection.reference = told.reference.clone();
            connection.was_active |= told.state.as_deref() == Some("active");
        }
        pass
    }

    /// Passes until one has nothing to do.
    async fn settle(&mut self) -> Pass {
        for _ in 0..20 {
            let pass = self.pass().await;
            if !pass.moved() && pass.failed.is_empty() {
                // What it did last has come about by now.
                return self.pass().await;
            }
        }
        panic!("twenty passes and still not done");
    }

    fn connect(&mut self, peer: &str) -> Uuid {
        let id = Uuid::new_v4();
        self.wish.connections.push(ConnectionWish {
            id,
            peer: Peer::UpCloud { network: peer.to_owned() },
            present: true,
            ranges: Vec::new(),
            reference: Reference::new(),
            sent_at: None,
            was_active: false,
        });
        id
    }

    fn state(&self, pass: &Pass) -> String {
        let connection = pass.report.connections.values().next().expect("a connection");
        connection.state.clone().unwrap_or_default()
    }

    /// A request of the peer, as documented.
    async fn peer(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/1.3/{path}", self.clouds.upcloud.url());
        let request =
            self.client.request(method, url).bearer_auth(&self.token).header("content-type", "application/json");
        let response = request.body(if body.is_null() { String::new() } else { body.to_string() }).send().await;
        let response = response.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn peers_network(&self, name: &str) -> String {
        let (_, networks) = self.peer(Method::GET, "network", Value::Null).await;
        let networks = networks["networks"]["network"].as_array().expect("networks").clone();
        let found = networks.into_iter().find(|network| network["name"] == name).expect("the network");
        found["uuid"].as_str().expect("a UUID").to_owned()
    }

    fn ours(&self) -> String {
        self.wish.reference["network_uuid"].as_str().expect("a network").to_owned()
    }

    /// The peer makes its side of the connection.
    async fn accept(&self, theirs: &str) -> String {
        let body = json!({"network_peering": {
            "name": "to the console", "configured_status": "active",
            "network": {"uuid": theirs}, "peer_network": {"uuid": self.ours()},
        }});
        let (status, answer) = self.peer(Method::POST, "network-peering", body).await;
        assert_eq!(status, 201, "{answer}");
        answer["network_peering"]["uuid"].as_str().expect("a UUID").to_owned()
    }

    /// A request of somebody in the console's own account.
    async fn operator(&self, method: Method, path: &str, body: Value) -> Value {
        let account = self.clouds.upcloud.account(Side::Ours).await;
        let url = format!("{}/1.3/{path}", self.clouds.upcloud.url());
        let request = self.client.request(method, url).bearer_auth(account.token.expose());
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
    }

    /// How many things of a kind the console's account has.
    async fn count(&self, list: &str) -> usize {
        self.count_of(&format!("{list}?label=causeway-vpc")).await
    }

    async fn count_of(&self, list: &str) -> usize {
        let answer = self.operator(Method::GET, list, Value::Null).await;
        let lists = answer.as_object().and_then(|outer| outer.values().next()).and_then(Value::as_object);
        lists.and_then(|inner| inner.values().next()).and_then(Value::as_array).map_or(0, Vec::len)
    }
}

#[tokio::test]
async fn a_vpc_is_peered_used_and_taken_down_again() {
    let mut town = Town::new().await;
    assert_eq!(town.cloud.check().await.expect("credentials"), "causeway");
    let theirs = town.peers_network("main").await;
    let id = town.connect(&theirs);
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Ready);
    assert_eq!(town.state(&pass), "pending-peer");
    assert_eq!(pass.report.connections[&id].peer_ranges, None);
    assert_eq!(pass.report.connections[&id].identifiers["to_network_uuid"], town.ours());

    let reverse = town.accept(&theirs).await;
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "active");
    let told = &pass.report.connections[&id];
    assert_eq!(told.peer_ranges, Some(vec!["10.90.0.0/24".parse().expect("a range")]));
    assert_eq!(told.routed, ["10.90.0.0/24".parse().expect("a range")]);

    // The peer disables its side, then takes it away.
    let disabled = json!({"network_peering": {"configured_status": "disabled"}});
    let path = format!("network-peering/{reverse}");
    let (status, refused) = town.peer(Method::DELETE, &path, Value::Null).await;
    assert_eq!(
        (status, refused["type"].as_str().map(|kind| kind.ends_with("#ERROR_PEERING_NOT_DISABLED"))),
        (409, Some(true))
    );
    town.peer(Method::PATCH, &path, disabled).await;
    town.pass().await;
    let pass = town.pass().await;
    assert_eq!(town.state(&pass), "peer-disabled");
    assert_eq!(town.peer(Method::DELETE, &path, Value::Null).await.0, 204);
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "pending-peer");

    town.wish.connections[0].present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state, None);
    town.wish.connections.clear();
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
    assert_eq!(town.count("network").await + town.count("router").await + town.count("network-peering").await, 0);
}

#[tokio::test]
async fn a_vpc_that_is_deleted_takes_its_peerings_with_it() {
    let mut town = Town::new().await;
    let theirs = town.peers_network("main").await;
    town.connect(&theirs);
    town.settle().await;
    town.accept(&theirs).await;
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "active");
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
    assert_eq!(town.count("network").await + town.count("router").await + town.count("network-peering").await, 0);
}

#[tokio::test]
async fn a_peering_whose_network_cannot_be_found_any_more_is_not_left_behind() {
    let mut town = Town::new().await;
    let theirs = town.peers_network("main").await;
    town.connect(&theirs);
    town.settle().await;
    // A VPC that has forgotten its network, and cannot find it by its label.
    (town.wish.id, town.wish.reference, town.wish.present) = (Uuid::now_v7(), Reference::new(), false);
    town.settle().await;
    assert_eq!(town.count("network-peering").await, 0);
}

#[tokio::test]
async fn a_peer_that_made_its_side_first_is_active_at_once() {
    let mut town = Town::new().await;
    town.settle().await;
    let theirs = town.peers_network("main").await;
    town.accept(&theirs).await;
    town.connect(&theirs);
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "active");
}

#[tokio::test]
async fn a_peer_without_a_router_is_waited_for_and_joined_when_it_has_one() {
    let mut town = Town::new().await;
    let theirs = town.peers_network("no router yet").await;
    town.connect(&theirs);
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "missing-peer-router");
    let (_, routers) = town.peer(Method::GET, "router", Value::Null).await;
    let router = &routers["routers"]["router"][0]["uuid"];
    town.peer(Method::PUT, &format!("network/{theirs}"), json!({"network": {"router": router}})).await;
    town.accept(&theirs).await;
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "active");
    town.peer(Method::PUT, &format!("network/{theirs}"), json!({"network": {"router": null}})).await;
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "missing-peer-router");
}

#[tokio::test]
async fn our_own_network_gets_back_the_router_that_somebody_took_away() {
    let mut town = Town::new().await;
    let theirs = town.peers_network("main").await;
    town.connect(&theirs);
    town.settle().await;
    let detached = json!({"network": {"router": null}});
    town.operator(Method::PUT, &format!("network/{}", town.ours()), detached).await;
    let pass = town.pass().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Partial);
    assert_eq!(town.state(&pass), "missing-local-router");
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Ready);
    assert_eq!(town.state(&pass), "pending-peer");
    assert_eq!(town.count("router").await, 1);
}

#[tokio::test]
async fn ranges_that_overlap_and_networks_that_vanish_are_told_by_a_state() {
    let mut town = Town::new().await;
    let body = json!({"network": {"name": "same", "zone": "de-fra1",
        "ip_networks": {"ip_network": [{"address": "10.20.0.0/24", "dhcp": "yes", "family": "IPv4"}]}}});
    let (status, same) = town.peer(Method::POST, "network/", body).await;
    assert_eq!(status, 201);
    let same = same["network"]["uuid"].as_str().expect("a UUID").to_owned();
    town.connect(&same);
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "conflict-subnet");
    assert_eq!(town.peer(Method::DELETE, &format!("network/{same}"), Value::Null).await.0, 204);
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "deleted-peer-network");
    town.wish.connections[0].present = false;
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "");
}

#[tokio::test]
async fn what_can_never_be_peered_is_refused_with_the_reason() {
    let mut town = Town::new().await;
    let elsewhere = json!({"network": {"name": "elsewhere", "zone": "fi-hel1",
        "ip_networks": {"ip_network": [{"address": "10.40.0.0/24", "dhcp": "yes", "family": "IPv4"}]}}});
    let (_, elsewhere) = town.peer(Method::POST, "network/", elsewhere).await;
    let public = town.peers_network("Public 94.237.96.0/22").await;
    town.settle().await;
    let nowhere = Uuid::new_v4().to_string();
    let own = town.ours();
    let zone = elsewhere["network"]["uuid"].as_str().expect("a UUID");
    for (peer, code) in [
        (nowhere.as_str(), "PEER_NETWORK_NOT_FOUND"),
        (public.as_str(), "NETWORK_TYPE_INVALID"),
        (zone, "ZONE_MISMATCH"),
        (own.as_str(), "PEERING_WITH_ITSELF"),
    ] {
        town.wish.connections.clear();
        town.connect(peer);
        let pass = town.pass().await;
        let (_, failure) = pass.failed.first().expect("a refusal");
        assert_eq!((failure.code.as_str(), failure.class), (code, Class::Specification), "{failure}");
    }
    assert_eq!(town.count("network-peering").await, 0);
}

#[tokio::test]
async fn a_peering_that_somebody_disabled_on_our_side_comes_back() {
    let mut town = Town::new().await;
    let theirs = town.peers_network("main").await;
    town.connect(&theirs);
    town.settle().await;
    let peering = town.wish.connections[0].reference["peering_uuid"].as_str().expect("a UUID").to_owned();
    let path = format!("{}/1.3/network-peering/{peering}", town.clouds.upcloud.url());
    let account = town.clouds.upcloud.account(Side::Ours).await;
    let disabled = json!({"network_peering": {"configured_status": "disabled"}}).to_string();
    town.client.patch(path).bearer_auth(account.token.expose()).body(disabled).send().await.expect("an answer");
    let pass = town.pass().await;
    assert_eq!(town.state(&pass), "disabled");
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "pending-peer");
}

#[tokio::test]
async fn a_lost_answer_creates_nothing_twice() {
    let mut town = Town::new().await;
    let lose = |action: &str| Fault::once(action, Effect::Lose).after_apply();
    let broken = |action: &str| Fault::refuse(action, 502, "BAD_GATEWAY").after_apply();
    for fault in [lose("CreateRouter"), broken("CreateNetwork"), lose("CreateNetworkPeering")] {
        town.clouds.upcloud.add_fault(fault).await.expect("a rule");
    }
    let theirs = town.peers_network("main").await;
    town.connect(&theirs);
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "pending-peer");
    assert_eq!(town.clouds.upcloud.uses().await.expect("uses").len(), 3);
    assert_eq!(
        (town.count("router").await, town.count("network").await, town.count("network-peering").await),
        (1, 1, 1)
    );
    for action in ["DeleteNetworkPeering", "DeleteNetwork", "DeleteRouter", "ModifyNetworkPeering"] {
        town.clouds.upcloud.add_fault(lose(action)).await.expect("a rule");
    }
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
}

#[tokio::test]
async fn what_is_not_visible_yet_is_not_made_again() {
    let settings = Settings { settle: Duration::from_secs(3_600), ..Settings::immediate() };
    let mut town = Town::with(settings).await;
    for _ in 0..4 {
        let pass = town.pass().await;
        assert!(pass.failed.is_empty(), "{:?}", pass.failed);
    }
    town.clouds.advance(Duration::from_secs(3_600)).await.expect("a clock");
    town.settle().await;
    town.clouds.advance(Duration::from_secs(3_600)).await.expect("a clock");
    assert_eq!((town.count("router").await, town.count("network").await), (1, 1));
}

#[tokio::test]
async fn throttling_and_an_outage_are_waited_out_and_nothing_is_stuck() {
    let mut town = Town::new().await;
    for fault in [
        Fault::refuse("*", 429, "TOO_MANY_REQUESTS").times(2),
        Fault::refuse("CreateNetwork", 503, "SERVICE_UNAVAILABLE"),
        Fault::refuse("ListNetworkPeering", 500, "INTERNAL_ERROR"),
    ] {
        town.clouds.upcloud.add_fault(fault.for_side(Side::Ours)).await.expect("a rule");
    }
    let theirs = town.peers_network("main").await;
    town.connect(&theirs);
    for _ in 0..8 {
        town.pass().await;
        // The driver waits a while before it believes that a lost request made nothing.
        town.clouds.advance(Duration::from_secs(6)).await.expect("a clock");
    }
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "pending-peer");
    assert_eq!((town.count("router").await, town.count("network").await), (1, 1));
}

#[tokio::test]
async fn revoked_credentials_are_told_and_no_secret_is() {
    let town = Town::new().await;
    let endpoints = UpCloudEndpoints { api: Url::parse(&format!("{}/1.3", town.clouds.upcloud.url())).expect("a URL") };
    let account = UpCloudAccount::Token(Secret::new("ucat_wrong"));
    let cloud = UpCloud::new(account, endpoints, Http::new(2).expect("a client"));
    let failure = cloud.check().await.expect_err("a refusal");
    assert_eq!((failure.class, failure.code.as_str()), (Class::Credentials, "AUTHENTICATION_FAILED"));
    assert!(!format!("{cloud:?} {failure:?}").contains("ucat_wrong"));
}

#[tokio::test]
async fn the_transition_that_is_stuck_is_left_alone() {
    let mut town = Town::new().await;
    let stuck = Fault::once("NetworkPeering/provisioning", Effect::Lose);
    town.clouds.upcloud.add_fault(stuck).await.expect("a rule");
    let theirs = town.peers_network("main").await;
    town.connect(&theirs);
    let pass = town.settle().await;
    assert_eq!(town.state(&pass), "provisioning");
    town.wish.connections[0].present = false;
    assert!(!town.pass().await.moved());
}
