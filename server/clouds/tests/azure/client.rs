//! Microsoft's own words: its Python client plays the peer, and its schema stands between both sides and the look-alike.
//!
//! Where the vendors' clients are not installed (`cargo xtask` installs them), these tests say so and pass.

use std::{path::PathBuf, process::Stdio, time::Duration};

use clouds::{
    NetworkStanding,
    azure::{Azure, AzureEndpoints},
    http::Http,
    lookalike::Side,
};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::process::Command;
use uuid::Uuid;

use super::{
    prism,
    town::{Town, account, endpoints},
};

/// The vendors' clients; `None` where there are none.
pub fn vendors() -> Option<PathBuf> {
    let given = std::env::var_os("CAUSEWAY_VENDORS").map(PathBuf::from);
    let tree = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/vendors");
    let folder = given.unwrap_or(tree);
    if folder.join("python/bin/python").exists() && folder.join("node_modules/.bin/prism").exists() {
        return Some(folder);
    }
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!in_ci, "the vendors' clients are not installed (CAUSEWAY_VENDORS), and in CI that is a failure");
    eprintln!("The vendors' clients are not installed (CAUSEWAY_VENDORS): nothing was tried.");
    None
}

pub fn here(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(file)
}

/// Microsoft's client, signed in as the neighbour.
struct Peer {
    vendors: PathBuf,
    /// Where it reaches Resource Manager.
    url: String,
}

impl Peer {
    async fn does(&self, town: &Town, verb: &str, with: &[&str]) -> Value {
        let file = town.folder.path().join("peer.json");
        std::fs::write(&file, serde_json::to_string(&town.neighbour.account).expect("JSON")).expect("a file");
        let mut python = Command::new(self.vendors.join("python/bin/python"));
        // Tokens come from the look-alike itself: the schema knows networks only.
        python.arg(here("python/azure_peer.py")).arg(&self.url).arg(town.clouds.azure.url()).arg(file);
        python.arg(verb).args(with).stderr(Stdio::piped()).kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(120), python.output()).await;
        let output = output.expect("the client answers within two minutes").expect("Python runs");
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("the script prints JSON")
    }

    /// From request to Connected to deleted on the peer's side to gone.
    async fn lives(&self, town: &mut Town) {
        town.neighbour.grants().await;
        let id = town.connect("main");
        let pass = town.settle().await;
        let told = &pass.report.connections[&id];
        assert_eq!(told.state.as_deref(), Some("Initiated"));
        let with = [told.identifiers["to-tenant-id"].as_str(), told.identifiers["to-network-id"].as_str()];
        let seen = self.does(town, "peer", &with).await;
        let ours = json!({"state": "Connected", "level": "FullyInSync", "remote": ["10.20.0.0/24"]});
        assert_eq!(seen["peerings"]["to-the-console"], ours);
        let pass = town.settle().await;
        assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Connected"));
        let seen = self.does(town, "grow", &[]).await;
        assert_eq!(seen["peerings"]["to-the-console"]["level"], "LocalNotInSync", "{seen}");
        let pass = town.settle().await;
        let told = &pass.report.connections[&id];
        assert_eq!((told.routed.len(), told.opened.len()), (2, 2));
        assert_eq!(self.does(town, "show", &[]).await["peerings"]["to-the-console"]["level"], "FullyInSync");
        let seen = self.does(town, "leave", &[]).await;
        assert_eq!(seen["peerings"], json!({}));
        let pass = town.settle().await;
        assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Disconnected"));
        town.wish.present = false;
        let pass = town.settle().await;
        assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
    }
}

#[tokio::test]
async fn microsofts_own_python_client_plays_the_peer() {
    let Some(vendors) = vendors() else { return };
    let mut town = Town::new().await;
    let peer = Peer { vendors, url: town.clouds.azure.url() };
    peer.lives(&mut town).await;
}

#[tokio::test]
async fn both_sides_speak_as_microsofts_schema_has_it() {
    let Some(vendors) = vendors() else { return };
    let mut town = Town::new().await;
    let schema = prism::azure_schema(&vendors, town.folder.path()).await;
    let prism = prism::Prism::start(&vendors, &schema, &town.clouds.azure.url()).await;
    let ours = town.clouds.azure.account(Side::Ours).await;
    let arm = Url::parse(&prism.url).expect("a URL");
    let through = AzureEndpoints { arm, ..endpoints(&town.clouds.azure.url()) };
    town.azure = Azure::new(account(ours), through, Http::new(3).expect("a client"));
    town.wish.id = Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_00aa);
    let peer = Peer { vendors, url: prism.url.clone() };
    peer.lives(&mut town).await;
    // The proxy is no mere pipe: what the schema does not have is refused before it reaches the look-alike.
    let network = format!("{}{}?api-version=2024-05-01", prism.url, town.neighbour.network());
    let request = reqwest::Client::new().put(network).bearer_auth("x").header("content-type", "application/json");
    let answer = request.body(r#"{"location":"westeurope","properties":{"adressSpace":{}}}"#).send().await;
    assert_eq!(answer.expect("an answer").status().as_u16(), 422);
}
