//! External addresses: the driver against the look-alike, with Google's own clients as the operator who runs instances.

use std::time::Duration;

use clouds::{
    AddressReport, AddressStanding, Class, Failure, NetworkStanding, Opening, Reference, Wish,
    google::{Google, GoogleAccount, GoogleCredentials, GoogleEndpoints},
    http::Http,
    lookalike::{Effect, Fault, Lookalikes, Settings, Side},
    pass,
};
use google_cloud_auth::credentials::service_account;
use google_cloud_compute_v1::{
    client::{Addresses, Instances},
    model,
};
use reqwest::Url;
use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

use super::{errand::Errand, here, vendors};

const REGION: &str = "europe-west1";
const ZONE: &str = "europe-west1-b";

struct Town {
    clouds: Lookalikes,
    errand: Errand<Google>,
    project: String,
    key: String,
    subnetwork: String,
    folder: TempDir,
}

fn brisk() -> Settings {
    let delay = Duration::from_millis(10)..=Duration::from_millis(80);
    Settings { delay, settle: Duration::from_millis(100), ..Settings::immediate() }
}

impl Town {
    /// With a network that is ready.
    async fn new(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = format!("sqlite:{}", folder.path().join("clouds.db").display());
        let clouds = Lookalikes::start(&database, settings).await.expect("the clouds start");
        let ours = clouds.google.account(Side::Ours).await;
        let key = ours.key_file(&clouds.google.url());
        let account = GoogleAccount {
            project: ours.project.clone(),
            credentials: GoogleCredentials::ServiceAccount(key.clone()),
        };
        let endpoints = GoogleEndpoints { compute: Url::parse(&clouds.google.url()).expect("a URL") };
        let google = Google::new(account, endpoints, Http::new(2).expect("a client"));
        let mut network = Wish {
            id: Uuid::from_u128(rand::random()),
            name: "alpha".into(),
            region: REGION.into(),
            cidr: "10.20.0.0/24".parse().expect("a range"),
            present: true,
            reference: Reference::new(),
            connections: vec![],
            openings: vec![Opening::All],
            now: clouds.now(),
        };
        for _ in 0..300 {
            network.now = clouds.now();
            let told = pass(&google, &network).await.expect("a pass").report;
            if told.network.standing == NetworkStanding::Ready {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let id = network.id.simple().to_string();
        let subnetwork = format!("projects/{}/regions/{REGION}/subnetworks/causeway-{}", ours.project, &id[20..]);
        let (key, project) = (key.expose().to_owned(), ours.project);
        Self { clouds, errand: Errand::new(google, REGION), project, key, subnetwork, folder }
    }

    async fn until(&mut self, is_so: impl Fn(&AddressReport) -> bool) -> AddressReport {
        self.errand.until(&self.clouds, is_so).await
    }

    async fn refusal(&mut self) -> Failure {
        self.errand.refusal(&self.clouds).await
    }

    /// As the operator would, by Google's own client.
    async fn run(&self, name: &str, access: Option<model::AccessConfig>) -> String {
        let instances = Instances::builder().with_endpoint(self.clouds.google.url());
        let instances = instances.with_credentials(self.credentials()).build().await.expect("a client");
        let interface = model::NetworkInterface::new().set_subnetwork(&self.subnetwork).set_access_configs(access);
        let body = model::Instance::new().set_name(name).set_network_interfaces([interface]);
        let insert = instances.insert().set_project(&self.project).set_zone(ZONE).set_body(body);
        insert.send().await.expect("it is accepted");
        for _ in 0..200 {
            let get = instances.get().set_project(&self.project).set_zone(ZONE).set_instance(name);
            if get.send().await.is_ok() {
                return format!("{ZONE}/{name}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the instance runs");
    }

    fn credentials(&self) -> google_cloud_auth::credentials::Credentials {
        let key = serde_json::from_str(&self.key).expect("JSON");
        service_account::Builder::new(key).build().expect("a key")
    }

    async fn count(&self) -> usize {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let addresses = Addresses::builder().with_endpoint(self.clouds.google.url());
        let addresses = addresses.with_credentials(self.credentials()).build().await.expect("a client");
        let list = addresses.list().set_project(&self.project).set_region(REGION);
        list.send().await.expect("they can be read").items.len()
    }
}

#[tokio::test]
async fn an_address_goes_from_instance_to_instance_and_is_released() {
    let mut town = Town::new(&brisk()).await;
    let (first, second) = (town.run("db-1", None).await, town.run("db-2", None).await);
    let told = town.until(|told| told.standing == AddressStanding::Reserved).await;
    assert_eq!(told.words["status"], "RESERVED");
    assert_eq!(town.count().await, 1);
    for instance in [&first, &second] {
        town.errand.wish.instance = Some(instance.clone());
        let moved = town.until(|told| told.instance.as_ref() == Some(instance)).await;
        assert_eq!((moved.standing, moved.address), (AddressStanding::Attached, told.address));
    }
    town.errand.wish.present = false;
    town.until(|told| told.standing == AddressStanding::Absent).await;
    assert_eq!(town.count().await, 0);
    assert_eq!(town.errand.made.iter().filter(|made| made.starts_with("Attach")).count(), 2);
}

#[tokio::test]
async fn an_instance_of_nobody_or_with_another_address_cannot_have_it() {
    let mut town = Town::new(&brisk()).await;
    town.errand.wish.instance = Some(format!("{ZONE}/ghost"));
    let failure = town.refusal().await;
    assert_eq!(failure.class, Class::Specification, "{failure}");
    assert_eq!(failure.message, format!("{ZONE}/ghost is no instance of this account's project."));
    let ephemeral = model::AccessConfig::new().set_type(model::access_config::Type::OneToOneNat);
    town.errand.wish.instance = Some(town.run("db-1", Some(ephemeral)).await);
    assert!(town.refusal().await.message.contains("has the external address"));
    town.errand.wish.instance = None;
    town.until(|told| told.standing == AddressStanding::Reserved).await;
}

#[tokio::test]
async fn no_trouble_makes_a_second_address() {
    let mut town = Town::new(&brisk()).await;
    let instance = town.run("db-1", None).await;
    for action in ["addresses.insert", "instances.addAccessConfig", "instances.deleteAccessConfig", "addresses.delete"]
    {
        for fault in [
            Fault::refuse(action, 403, "rateLimitExceeded"),
            Fault::refuse(action, 503, "backendError").after_apply(),
            Fault::once(action, Effect::Lose).after_apply(),
            Fault::once(action, Effect::Lose),
        ] {
            town.clouds.google.add_fault(fault.for_side(Side::Ours)).await.expect("the rule is kept");
        }
        // Accepted, and gone wrong afterwards.
        let fault = Fault::refuse(format!("Operation/{action}/done"), 400, "INTERNAL_ERROR");
        town.clouds.google.add_fault(fault).await.expect("the rule is kept");
    }
    town.errand.wish.instance = Some(instance.clone());
    town.until(|told| told.instance.as_ref() == Some(&instance)).await;
    assert_eq!(town.count().await, 1);
    town.errand.wish.present = false;
    town.until(|told| told.standing == AddressStanding::Absent).await;
    assert_eq!(town.count().await, 0);
}

#[tokio::test]
async fn googles_python_client_runs_the_instance_and_sees_its_address() {
    let Some(vendors) = vendors() else { return };
    let mut town = Town::new(&brisk()).await;
    let key = town.folder.path().join("ours.json");
    std::fs::write(&key, &town.key).expect("a key file");
    let url = town.clouds.google.url();
    let play = async |arguments: &[&str]| {
        let mut python = Command::new(vendors.join("python/bin/python"));
        python.arg(here("python/google_operator.py")).arg(&url).arg(&key).args(arguments).kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(120), python.output()).await;
        let output = output.expect("within two minutes").expect("Python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    };
    let made = play(&["run", ZONE, "db-1", &town.subnetwork]).await;
    assert_eq!(made["public"], serde_json::json!([]));
    town.errand.wish.instance = Some(format!("{ZONE}/db-1"));
    let told = town.until(|told| told.standing == AddressStanding::Attached).await;
    let address = told.address.expect("it has one").to_string();
    let seen = play(&["show", ZONE, "db-1"]).await;
    assert_eq!(seen["public"], serde_json::json!([address]));
    let all = play(&["addresses", REGION]).await;
    assert_eq!((&all[0][0], &all[0][1]), (&address.into(), &"IN_USE".into()), "{all}");
}
