//! Public IP addresses: the driver against the look-alike, with an operator whose interfaces get them.

use std::{process::Stdio, time::Duration};

use clouds::{
    AddressReport, AddressStanding, Class, Failure, NetworkStanding,
    azure::Azure,
    lookalike::{Effect, Fault, Settings, Side, azure::Account},
};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{
    client::{here, vendors},
    errand::Errand,
    town::Town,
};

struct Street {
    town: Town,
    errand: Errand<Azure>,
    ours: Account,
    subnet: String,
    token: String,
}

fn brisk() -> Settings {
    let delay = Duration::from_millis(5)..=Duration::from_millis(40);
    Settings { delay, settle: Duration::from_millis(80), ..Settings::immediate() }
}

impl Street {
    /// With a network that is ready.
    async fn new(settings: &Settings) -> Self {
        let mut town = Town::with(settings).await;
        for _ in 0..300 {
            if town.pass().await.report.network.standing == NetworkStanding::Ready {
                break;
            }
            town.clouds.advance(Duration::from_secs(1)).await.expect("the clock moves");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ours = town.clouds.azure.account(Side::Ours).await;
        let id = town.wish.id.simple().to_string();
        let group = format!("/subscriptions/{}/resourceGroups/{}", ours.subscription, ours.resource_group);
        let network = format!("{group}/providers/Microsoft.Network/virtualNetworks/causeway-{}", &id[20..]);
        let url = format!("{}/{}/oauth2/v2.0/token", town.clouds.azure.url(), ours.tenant);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", ours.client_id.as_str()),
            ("client_secret", ours.client_secret.expose()),
            ("scope", "https://management.azure.com/.default"),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = reqwest::Client::new().post(url).body(body);
        let answer = request.header("content-type", "application/x-www-form-urlencoded").send().await;
        let text = answer.expect("an answer").text().await.expect("a text");
        let told: Value = serde_json::from_str(&text).expect("JSON");
        let token = told["access_token"].as_str().expect("a token").to_owned();
        let subnet = format!("{network}/subnets/default");
        let errand = Errand::new(town.azure.clone(), "westeurope");
        Self { town, errand, ours, subnet, token }
    }

    async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}?api-version=2024-05-01", self.town.clouds.azure.url());
        let request = reqwest::Client::new().put(url).bearer_auth(&self.token).body(body.to_string());
        let answer = request.header("content-type", "application/json").send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.expect("a text")).unwrap_or_default())
    }

    fn path(&self, kind: &str, name: &str) -> String {
        let Account { subscription, resource_group, .. } = &self.ours;
        format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.Network/{kind}/{name}"
        )
    }

    /// As the operator would.
    async fn interface(&self, name: &str, public: Option<&str>) -> String {
        let path = self.path("networkInterfaces", name);
        let mut properties = json!({"subnet": {"id": self.subnet}, "primary": true});
        if let Some(public) = public {
            properties["publicIPAddress"] = json!({"id": public});
        }
        let configurations = [json!({"name": "main", "properties": properties})];
        let tags = json!({"owner": "somebody"});
        let body = json!({"location": "westeurope", "tags": tags, "properties": {"ipConfigurations": configurations}});
        let (status, answer) = self.put(&path, &body).await;
        assert_eq!(status, 201, "{answer}");
        tokio::time::sleep(Duration::from_millis(120)).await;
        path
    }

    async fn until(&mut self, is_so: impl Fn(&AddressReport) -> bool) -> AddressReport {
        self.errand.until(&self.town.clouds, is_so).await
    }

    async fn refusal(&mut self) -> Failure {
        self.errand.refusal(&self.town.clouds).await
    }
}

#[tokio::test]
async fn an_address_goes_from_interface_to_interface_and_is_released() {
    let mut street = Street::new(&brisk()).await;
    let (first, second) = (street.interface("db-1", None).await, street.interface("db-2", None).await);
    let told = street.until(|told| told.standing == AddressStanding::Reserved).await;
    assert_eq!(told.words["provisioningState"], "Succeeded");
    for interface in [&first, &second] {
        street.errand.wish.instance = Some(interface.clone());
        let moved = street.until(|told| told.instance.as_ref() == Some(interface)).await;
        assert_eq!((moved.standing, moved.address), (AddressStanding::Attached, told.address));
    }
    street.errand.wish.present = false;
    street.until(|told| told.standing == AddressStanding::Absent).await;
    assert_eq!(street.errand.made.iter().filter(|made| *made == "Put").count(), 1);
}

#[tokio::test]
async fn an_interface_of_nobody_of_others_or_with_an_address_cannot_have_it() {
    let mut street = Street::new(&brisk()).await;
    street.errand.wish.instance = Some(street.path("networkInterfaces", "ghost"));
    let failure = street.refusal().await;
    assert_eq!(failure.class, Class::Specification, "{failure}");
    assert!(failure.message.ends_with("is no network interface of this account."), "{failure}");
    let theirs = &street.town.neighbour.account.subscription;
    street.errand.wish.instance =
        Some(street.path("networkInterfaces", "db-1").replace(&street.ours.subscription, theirs));
    assert_eq!(street.refusal().await.code, "subscription");
    let foreign = street.path("publicIPAddresses", "theirs");
    let body = json!({
        "location": "westeurope", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"},
    });
    assert_eq!(street.put(&foreign, &body).await.0, 201);
    street.errand.wish.instance = Some(street.interface("db-1", Some(&foreign)).await);
    assert!(street.refusal().await.message.contains("publicIPAddresses/theirs"));
    street.errand.wish.instance = None;
    street.until(|told| told.standing == AddressStanding::Reserved).await;
}

#[tokio::test]
async fn no_trouble_makes_a_second_address() {
    let mut street = Street::new(&brisk()).await;
    let interface = street.interface("db-1", None).await;
    for action in ["PublicIPAddresses_CreateOrUpdate", "NetworkInterfaces_CreateOrUpdate", "PublicIPAddresses_Delete"] {
        for fault in [
            Fault::refuse(action, 429, "TooManyRequests"),
            Fault::refuse(action, 500, "InternalServerError").after_apply(),
            Fault::once(action, Effect::Lose).after_apply(),
            Fault::once(action, Effect::Lose),
        ] {
            street.town.clouds.azure.add_fault(fault.for_side(Side::Ours)).await.expect("the rule is kept");
        }
    }
    street.errand.wish.instance = Some(interface.clone());
    let first = street.until(|told| told.instance.as_ref() == Some(&interface)).await;
    street.until(|told| told.address == first.address && told.standing == AddressStanding::Attached).await;
    street.errand.wish.present = false;
    street.until(|told| told.standing == AddressStanding::Absent).await;
}

#[tokio::test]
async fn microsofts_own_python_client_makes_the_interface_and_sees_its_address() {
    let Some(vendors) = vendors() else { return };
    let mut street = Street::new(&brisk()).await;
    let file = street.town.folder.path().join("ours.json");
    std::fs::write(&file, serde_json::to_string(&street.ours).expect("JSON")).expect("a file");
    let url = street.town.clouds.azure.url();
    let play = async |arguments: &[&str]| {
        let mut python = Command::new(vendors.join("python/bin/python"));
        python.arg(here("python/azure_operator.py")).arg(&url).arg(&url).arg(&file).args(arguments);
        python.stderr(Stdio::piped()).kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(120), python.output()).await;
        let output = output.expect("within two minutes").expect("Python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let made = play(&["run", "db-1", &street.subnet]).await;
    assert_eq!(made["addresses"], json!([["10.20.0.4", null]]));
    street.errand.wish.instance = Some(made["id"].as_str().expect("an id").to_owned());
    let told = street.until(|told| told.standing == AddressStanding::Attached).await;
    let all = play(&["addresses"]).await;
    assert_eq!(all[0][1], told.address.expect("it has one").to_string());
    assert_eq!(all[0][2], "Standard");
    assert_eq!(play(&["show", "db-1"]).await["addresses"][0][1], all[0][0]);
}
