//! The whole agent on a recording host, against a console of one gateway on a unix socket.

use std::{
    collections::VecDeque,
    net::Ipv4Addr,
    path::Path,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use app::domain::{
    Cidr, GatewayId,
    gateway::DriftPolicy,
    host::{Delivery, Enrol, Enrolled, Report, WireGuardKind},
    tunnel::{Document, Interface, Version},
};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::{net::UnixListener, time::sleep};

use super::*;

const GATEWAY: &str = "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10";

#[derive(Default)]
struct Console {
    token: Option<String>,
    credential: String,
    enrolled: Option<Enrol>,
    deliveries: VecDeque<Delivery>,
    asked: Vec<Option<u64>>,
    reports: Vec<Report>,
    resend: bool,
    gone: bool,
}

type Shared = Arc<Mutex<Console>>;

fn lock(console: &Shared) -> MutexGuard<'_, Console> {
    console.lock().expect("no test panics while it holds this")
}

fn refuse(message: &str) -> Response {
    (StatusCode::UNAUTHORIZED, Json(serde_json::json!({ "message": message }))).into_response()
}

fn known(console: &Console, headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| *value == format!("Bearer {}", console.credential))
}

async fn enrol(State(console): State<Shared>, Json(enrol): Json<Enrol>) -> Response {
    let mut console = lock(&console);
    if console.token.take_if(|token| *token == enrol.token).is_none() {
        return refuse("The token was used already.");
    }
    console.enrolled = Some(enrol);
    console.credential = "its-own-credential".into();
    let gateway = GATEWAY.parse::<GatewayId>().expect("an id");
    Json(Enrolled { host: gateway.into(), credential: console.credential.clone() }).into_response()
}

#[derive(serde::Deserialize)]
struct Have {
    generation: Option<u64>,
}

async fn document(State(console): State<Shared>, Query(have): Query<Have>, headers: HeaderMap) -> Response {
    for _ in 0..50 {
        {
            let mut console = lock(&console);
            if !known(&console, &headers) {
                return refuse("The credential was revoked.");
            }
            if console.gone {
                return StatusCode::GONE.into_response();
            }
            if let Some(delivery) = console.deliveries.pop_front() {
                console.asked.push(have.generation);
                return Json(delivery).into_response();
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn report(State(console): State<Shared>, headers: HeaderMap, Json(report): Json<Report>) -> Response {
    let mut console = lock(&console);
    if !known(&console, &headers) {
        return refuse("The credential was revoked.");
    }
    console.reports.push(report);
    let resend = std::mem::take(&mut console.resend);
    Json(serde_json::json!({ "resend": resend })).into_response()
}

async fn rotate(State(console): State<Shared>, headers: HeaderMap) -> Response {
    let mut console = lock(&console);
    if !known(&console, &headers) {
        return refuse("The credential was revoked.");
    }
    console.credential = "a-newer-credential".into();
    let gateway = GATEWAY.parse::<GatewayId>().expect("an id");
    Json(Enrolled { host: gateway.into(), credential: console.credential.clone() }).into_response()
}

fn listen(path: &Path, console: &Shared) -> JoinHandle<()> {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).expect("a socket");
    let router = Router::new()
        .route("/agent/v1/enrol", post(enrol))
        .route("/agent/v1/document", get(document))
        .route("/agent/v1/report", post(report))
        .route("/agent/v1/credential", post(rotate))
        .with_state(console.clone());
    tokio::spawn(async move { drop(axum::serve(listener, router).await) })
}

fn alpha(mtu: u16) -> Document {
    let gateway = Interface {
        id: GATEWAY.parse().expect("an id"),
        name: "gw-alpha".parse().expect("a name"),
        address: Ipv4Addr::new(10, 200, 1, 1),
        tunnel: Cidr::literal([10, 200, 1, 0], 24),
        vpc: Cidr::literal([172, 16, 0, 0], 16),
        listen_port: 51820,
        mtu,
        masquerade_vpc: false,
        internet_egress: false,
        drift_policy: DriftPolicy::Repair,
        repairs: 0,
        guarded: Vec::new(),
        needs: 0,
        unknown: Default::default(),
    };
    Document::of_gateway(gateway, Default::default())
}

fn version(document: &Document, generation: u64) -> Version {
    Version { epoch: 1, generation, hash: document.hash() }
}

fn offer(console: &Shared, document: &Document, generation: u64) {
    let full = Delivery::Full { version: version(document, generation), document: document.clone() };
    lock(console).deliveries.push_back(full);
}

/// Waits for a report of which this is true.
async fn reported(console: &Shared, what: &str, is: impl Fn(&Report) -> bool) {
    for _ in 0..500 {
        if lock(console).reports.iter().any(&is) {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} was not reported: {:#?}", lock(console).reports);
}

struct Stage {
    folder: tempfile::TempDir,
    console: Shared,
    server: JoinHandle<()>,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let console = Shared::default();
        lock(&console).token = Some("one-time-token".into());
        std::fs::write(folder.path().join("token"), "one-time-token\n").expect("written");
        let server = listen(&folder.path().join("console.sock"), &console);
        Self { folder, console, server }
    }

    fn agent(&self) -> JoinHandle<Result<()>> {
        let path = |name: &str| self.folder.path().join(name);
        tokio::spawn(run(AgentArguments {
            console: ConsoleAddress::Unix(path("console.sock")),
            token_file: Some(path("token")),
            ca: None,
            state: path("state"),
            host: HostChoice::Recording(vec![Ipv4Addr::new(203, 0, 113, 10), Ipv4Addr::new(172, 16, 0, 2)]),
        }))
    }
}

#[tokio::test]
async fn an_agent_enrols_applies_verifies_cleans_up_and_ends_when_its_gateway_is_gone() {
    let stage = Stage::new();
    let agent = stage.agent();
    offer(&stage.console, &alpha(1420), 1);
    reported(&stage.console, "applied", |report| report.applied == Some(version(&alpha(1420), 1))).await;
    reported(&stage.console, "verified", |report| report.verified == Some(version(&alpha(1420), 1))).await;
    let facts = lock(&stage.console).enrolled.as_ref().expect("enrolled").facts.clone();
    assert_eq!(
        (facts.wireguard, facts.wan_address()),
        (WireGuardKind::Recording, Some(Ipv4Addr::new(203, 0, 113, 10)))
    );
    offer(&stage.console, &Document::empty(), 2);
    reported(&stage.console, "cleaned", |report| {
        report.cleaned && report.verified == Some(version(&Document::empty(), 2))
    })
    .await;
    assert_eq!(lock(&stage.console).asked, [None, Some(1)]);
    lock(&stage.console).gone = true;
    agent.await.expect("no panic").expect("a clean end");
    let left: Vec<_> = std::fs::read_dir(stage.folder.path().join("state"))
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(left, ["lock"], "key, credential and document are gone");
}

#[tokio::test]
async fn an_agent_outlives_its_console_and_tells_a_new_one_everything_it_wants_to_know() {
    let stage = Stage::new();
    let agent = stage.agent();
    offer(&stage.console, &alpha(1420), 1);
    reported(&stage.console, "verified", |report| report.verified.is_some() && report.facts.is_none()).await;
    stage.server.abort();
    let _ = stage.server.await;
    sleep(Duration::from_millis(100)).await;
    lock(&stage.console).reports.clear();
    lock(&stage.console).resend = true;
    offer(&stage.console, &alpha(1300), 2);
    let _server = listen(&stage.folder.path().join("console.sock"), &stage.console);
    reported(&stage.console, "the newer document", |report| report.verified == Some(version(&alpha(1300), 2))).await;
    reported(&stage.console, "what the host is", |report| report.facts.is_some()).await;
    agent.abort();
}

#[tokio::test]
async fn a_used_token_is_refused_with_what_to_do_and_an_enrolled_host_needs_none() {
    let stage = Stage::new();
    lock(&stage.console).token = None;
    let error = stage.agent().await.expect("no panic").expect_err("the token is used").to_string();
    assert_eq!(
        error,
        "The console refused the enrolment token: The token was used already. Make a new one on the gateway's page, or on the service's; each works once, for an hour."
    );
    lock(&stage.console).token = Some("one-time-token".into());
    let agent = stage.agent();
    reported(&stage.console, "the host", |report| report.facts.is_some()).await;
    agent.abort();
    let _ = agent.await;
    // The same token again, in the file that nobody removed.
    lock(&stage.console).reports.clear();
    let agent = stage.agent();
    reported(&stage.console, "the host again", |report| report.facts.is_some()).await;
    agent.abort();
    let _ = agent.await;
    std::fs::remove_file(stage.folder.path().join("token")).expect("there");
    let agent = stage.agent();
    sleep(Duration::from_millis(300)).await;
    assert!(!agent.is_finished());
    agent.abort();
}

#[tokio::test]
async fn a_host_that_was_never_enrolled_and_has_no_token_is_told_how_to_get_one() {
    let stage = Stage::new();
    std::fs::remove_file(stage.folder.path().join("token")).expect("there");
    let error = stage.agent().await.expect("no panic").expect_err("no token").to_string();
    assert!(error.starts_with("This host is not enrolled. Make an enrolment token on the gateway's page"), "{error}");
}

#[tokio::test]
async fn a_revoked_credential_ends_nothing() {
    let stage = Stage::new();
    let agent = stage.agent();
    offer(&stage.console, &alpha(1420), 1);
    reported(&stage.console, "verified", |report| report.verified.is_some()).await;
    lock(&stage.console).credential = "another".into();
    sleep(Duration::from_millis(700)).await;
    assert!(!agent.is_finished());
    agent.abort();
}

#[tokio::test]
async fn a_credential_is_renewed_when_it_is_a_month_old() {
    let stage = Stage::new();
    let agent = stage.agent();
    reported(&stage.console, "the host", |report| report.facts.is_some()).await;
    agent.abort();
    let _ = agent.await;
    let path = stage.folder.path().join("state/credential.json");
    let mut stored: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("there")).expect("its own text");
    stored["issued_at"] = (crate::clock::now().0 - 31 * 24 * 3600 * 1000).into();
    std::fs::write(&path, stored.to_string()).expect("written");
    lock(&stage.console).reports.clear();
    let agent = stage.agent();
    reported(&stage.console, "the host", |report| report.facts.is_some()).await;
    assert_eq!(lock(&stage.console).credential, "a-newer-credential");
    assert!(std::fs::read_to_string(&path).expect("there").contains("a-newer-credential"));
    agent.abort();
}
