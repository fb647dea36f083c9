//! Google's own words: its Python client plays the peer, and its schema stands between the driver and the look-alike.
//!
//! Where the vendors' clients are not installed (`cargo xtask` installs them), these tests say so and pass.

mod addresses;
#[path = "../stage/errand.rs"]
mod errand;
mod prism;

use std::{path::PathBuf, process::Stdio, time::Duration};

use clouds::{
    ConnectionWish, NetworkStanding, Opening, Pass, Peer, Reference, Wish,
    google::{Google, GoogleAccount, GoogleCredentials, GoogleEndpoints},
    http::Http,
    lookalike::{Lookalikes, Settings, Side},
    pass,
};
use reqwest::Url;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

/// The vendors' clients; `None` where there are none.
fn vendors() -> Option<PathBuf> {
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

fn here(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(file)
}

struct Town {
    clouds: Lookalikes,
    google: Google,
    wish: Wish,
    folder: TempDir,
    vendors: PathBuf,
    /// Where both sides reach Google.
    url: String,
}

impl Town {
    async fn new(vendors: PathBuf, clouds: Lookalikes, folder: TempDir, url: String) -> Self {
        let ours = clouds.google.account(Side::Ours).await;
        let theirs = clouds.google.account(Side::Theirs).await;
        // Tokens come from the look-alike itself: the schema knows Compute Engine only.
        let token = clouds.google.url();
        std::fs::write(folder.path().join("peer.json"), theirs.key_file(&token).expose()).expect("a key file");
        let credentials = GoogleCredentials::ServiceAccount(ours.key_file(&token));
        let account = GoogleAccount { project: ours.project, credentials };
        let endpoints = GoogleEndpoints { compute: Url::parse(&url).expect("a URL") };
        let google = Google::new(account, endpoints, Http::new(1).expect("a client"));
        let wish = Wish {
            id: Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_00aa),
            name: "alpha".to_owned(),
            region: "europe-west1".to_owned(),
            cidr: "10.20.0.0/24".parse().expect("a range"),
            present: true,
            reference: Reference::new(),
            connections: vec![ConnectionWish {
                id: Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_00bb),
                peer: Peer::Google { project: theirs.project, network: "main".to_owned() },
                present: true,
                ranges: Vec::new(),
                reference: Reference::new(),
                sent_at: None,
                was_active: false,
            }],
            openings: vec![Opening::Tcp { from: 443, to: 443 }, Opening::Tcp { from: 5432, to: 5440 }],
            now: clouds.now(),
        };
        Self { clouds, google, wish, folder, vendors, url }
    }

    async fn settle(&mut self) -> Pass {
        for _ in 0..40 {
            self.wish.now = self.clouds.now();
            let pass = pass(&self.google, &self.wish).await.expect("a pass");
            assert!(pass.failed.is_empty(), "{:?}", pass.failed);
            if !pass.moved() {
                return pass;
            }
        }
        panic!("forty passes and still not done");
    }

    fn state(&self, pass: &Pass) -> Option<String> {
        pass.report.connections.values().next().and_then(|told| told.state.clone())
    }

    async fn peer(&self, verb: &str) -> Value {
        let project = self.clouds.google.account(Side::Ours).await.project;
        let id = self.wish.id.simple().to_string();
        let mut python = Command::new(self.vendors.join("python/bin/python"));
        python.arg(here("python/google_peer.py")).arg(&self.url).arg(self.folder.path().join("peer.json"));
        python.args([verb, &project, &format!("causeway-{}", &id[20..])]).stderr(Stdio::piped()).kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(120), python.output()).await;
        let output = output.expect("the client answers within two minutes").expect("Python runs");
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("the script prints JSON")
    }

    /// From request to active to deleted on the peer's side to gone, both sides as Google's clients see it.
    async fn live(&mut self) {
        let pass = self.settle().await;
        assert_eq!(self.state(&pass).as_deref(), Some("INACTIVE"));
        let seen = self.peer("add").await;
        assert_eq!(seen["states"]["to-the-console"], "ACTIVE", "{seen}");
        assert_eq!(seen["routes"], serde_json::json!(["10.20.0.0/24"]));
        let pass = self.settle().await;
        assert_eq!(self.state(&pass).as_deref(), Some("ACTIVE"));
        self.peer("grow").await;
        let pass = self.settle().await;
        let told = pass.report.connections.values().next().expect("a connection");
        let both = ["10.92.0.0/20", "10.94.0.0/20"].map(|text| text.parse().expect("a range"));
        assert_eq!((told.opened.as_slice(), told.routed.as_slice()), (both.as_slice(), both.as_slice()));
        let seen = self.peer("remove").await;
        assert_eq!(seen["states"], serde_json::json!({}));
        let pass = self.settle().await;
        assert_eq!(self.state(&pass).as_deref(), Some("INACTIVE"));
        self.wish.present = false;
        let pass = self.settle().await;
        assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
    }
}

async fn lookalikes() -> (Lookalikes, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("clouds.db").display());
    (Lookalikes::start(&url, &Settings::immediate()).await.expect("look-alikes"), folder)
}

#[tokio::test]
async fn googles_own_python_client_plays_the_peer() {
    let Some(vendors) = vendors() else { return };
    let (clouds, folder) = lookalikes().await;
    let url = clouds.google.url();
    Town::new(vendors, clouds, folder, url).await.live().await;
}

#[tokio::test]
async fn both_sides_speak_as_googles_schema_has_it() {
    let Some(vendors) = vendors() else { return };
    let (clouds, folder) = lookalikes().await;
    let schema = prism::google_schema(&vendors, folder.path()).await;
    let prism = prism::Prism::start(&vendors, &schema, &clouds.google.url()).await;
    let url = prism.url.clone();
    Town::new(vendors, clouds, folder, url).await.live().await;
    // The proxy is no mere pipe: what the schema does not have is refused before it reaches the look-alike.
    let request = reqwest::Client::new().post(format!("{}/compute/v1/projects/p/global/networks", prism.url));
    let request = request.bearer_auth("x").header("content-type", "application/json").body(r#"{"nmae":"alpha"}"#);
    assert_eq!(request.send().await.expect("an answer").status().as_u16(), 422);
}
