//! A console's machine room, and an agent that speaks to it through the real router and keeps the real rules.

use std::{sync::Arc, time::Duration};

use app::backend::{Changes, Gateways};
use app::domain::{
    GatewayId, PublicKey, Timestamp,
    change::{Change, ChangeFilter, ChangeKind},
    host::{ApplyError, Delivery, Drift, Enrolled, HostFacts, HostId, Interface, PeerReport, Report, WireGuardKind},
    tunnel::{Document, Version, derive},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};
use server::{
    clock,
    http::agents::{AgentsState, router},
    reconcile::{
        self, CloudSettings, Reconcilers,
        clouds::{Endpoints, RealDrivers},
        enrolment::Registry,
    },
    seal::Sealer,
};
use tower::ServiceExt;

use crate::common::{SILENT_AFTER, Stage};

/// The reconcilers and the agents' endpoint on a stage's store.
pub struct Desk {
    pub reconcilers: Reconcilers,
    pub router: Router,
}

impl Desk {
    pub async fn open(stage: &Stage) -> Self {
        Self::with(stage, SILENT_AFTER).await
    }

    pub async fn with(stage: &Stage, silent_after: u64) -> Self {
        Self::start(stage, silent_after, [7; 32]).await
    }

    /// A console that has another master key than the stage's.
    pub async fn sealed_with(stage: &Stage, key: [u8; 32]) -> Self {
        Self::start(stage, SILENT_AFTER, key).await
    }

    async fn start(stage: &Stage, silent_after: u64, key: [u8; 32]) -> Self {
        let sealer = Sealer::new(key);
        let http = clouds::http::Http::new(1).expect("a client");
        let drivers = Arc::new(RealDrivers::new(http, Endpoints::default(), sealer.clone(), None));
        let clouds = CloudSettings { drivers, interval: None };
        let reconcilers =
            reconcile::start(stage.store.clone(), sealer.clone(), silent_after, clouds).await.expect("a start");
        let state = AgentsState {
            store: stage.store.clone(),
            registry: Registry::new(stage.store.clone(), sealer),
            documents: Arc::clone(&reconcilers.documents),
            intake: Arc::clone(&reconcilers.intake),
        };
        Self { reconcilers, router: router(state) }
    }
}

pub async fn send(router: &Router, request: Request<Body>) -> (StatusCode, Vec<u8>) {
    let response = router.clone().oneshot(request).await.expect("the router answers");
    let status = response.status();
    (status, to_bytes(response.into_body(), usize::MAX).await.expect("a body").to_vec())
}

pub async fn post(router: &Router, path: &str, credential: Option<&str>, body: impl Into<Body>) -> (StatusCode, Value) {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(credential) = credential {
        request = request.header(header::AUTHORIZATION, format!("Bearer {credential}"));
    }
    let (status, body) = send(router, request.body(body.into()).expect("a request")).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

pub fn facts(last: u8) -> HostFacts {
    HostFacts {
        agent_version: "0.1.0".into(),
        host_name: format!("host-{last}"),
        wireguard: WireGuardKind::Uapi,
        interfaces: vec![Interface { name: "eth0".into(), addresses: vec![[203, 0, 113, last].into()] }],
        wan: Some("eth0".into()),
    }
}

/// A host's agent: what it holds and how it asks.
#[derive(Clone)]
pub struct Agent {
    pub host: HostId,
    pub credential: String,
    pub held: Option<Version>,
    pub document: Document,
    /// How often it was sent a whole document.
    pub whole: u32,
}

impl Agent {
    pub async fn enrol(stage: &Stage, desk: &Desk, gateway: GatewayId, key: PublicKey) -> Self {
        let enrolment = stage.ingrid.issue_enrolment(&stage.harbor, gateway).await.expect("an enrolment token");
        let (status, answer) = enrol(desk, &enrolment.token, key).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let enrolled: Enrolled = serde_json::from_value(answer).expect("a credential");
        assert_eq!(enrolled.host, gateway.into());
        Self::of(enrolled.host, enrolled.credential)
    }

    pub fn of(host: HostId, credential: String) -> Self {
        Self { host, credential, held: None, document: Document::empty(), whole: 0 }
    }

    /// The gateway that it speaks for.
    pub fn gateway(&self) -> GatewayId {
        self.host.gateway().expect("a gateway's agent")
    }

    /// Asks once for something newer, and takes it. Refuses what a real agent refuses.
    pub async fn fetch(&mut self, desk: &Desk, wait: u64) -> StatusCode {
        let mut query = format!("wait={wait}");
        if let Some(held) = &self.held {
            query += &format!("&epoch={}&generation={}&hash={}", held.epoch, held.generation, held.hash);
        }
        let (status, body) = self.get(desk, &query).await;
        if status != StatusCode::OK {
            return status;
        }
        let version = match serde_json::from_slice(&body).expect("a delivery") {
            Delivery::Full { version, document } => {
                self.document = document;
                self.whole += 1;
                version
            }
            Delivery::Changes { from, version, change } => {
                assert_eq!(Some(from), self.held, "changes lead on from what the agent has");
                self.document.apply(change);
                version
            }
        };
        assert_eq!(self.document.hash(), version.hash, "what was delivered adds up");
        let number = |version: &Version| (version.epoch, version.generation);
        assert!(
            self.held.as_ref().is_none_or(|held| number(&version) > number(held)),
            "{version:?} is not newer than {:?}",
            self.held
        );
        self.held = Some(version);
        status
    }

    pub async fn get(&self, desk: &Desk, query: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::get(format!("/agent/v1/document?{query}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.credential))
            .body(Body::empty());
        send(&desk.router, request.expect("a request")).await
    }

    pub fn idle(&self) -> Report {
        Report {
            applied: self.held.clone(),
            verified: self.held.clone(),
            error: None,
            drift: Vec::new(),
            peers: Vec::new(),
            node: None,
            facts: None,
            cleaned: false,
        }
    }

    pub async fn report(&self, desk: &Desk, report: &Report) -> (StatusCode, Value) {
        post(&desk.router, "/agent/v1/report", Some(&self.credential), serde_json::to_vec(report).expect("a report"))
            .await
    }

    /// Reports, and is believed.
    pub async fn tell(&self, desk: &Desk, report: &Report) {
        let (status, answer) = self.report(desk, report).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// Fetches until it has what the network says now, and reports that it is applied and verified.
    pub async fn catch_up(&mut self, stage: &Stage, desk: &Desk) {
        for _ in 0..50 {
            let wanted = stage.wish(self.gateway()).await.as_ref().map_or_else(Document::empty, derive);
            if self.held.as_ref().is_some_and(|held| held.hash == wanted.hash()) {
                return self.tell(desk, &self.idle()).await;
            }
            self.fetch(desk, 2).await;
        }
        panic!("{} never got the document that the network says", self.host);
    }
}

pub async fn enrol(desk: &Desk, token: &str, key: PublicKey) -> (StatusCode, Value) {
    let body = json!({ "token": token, "public_key": key, "facts": facts(10 + key.as_bytes()[0] % 200) });
    post(&desk.router, "/agent/v1/enrol", None, body.to_string()).await
}

pub fn error(agent: &Agent, message: &str) -> ApplyError {
    ApplyError { version: agent.held.clone().expect("a document"), message: message.to_owned() }
}

pub fn drift(field: &str) -> Drift {
    Drift {
        subject: "route".into(),
        field: field.into(),
        wanted: "dev wg0".into(),
        found: "dev eth0".into(),
        since: Timestamp::from_seconds(1_795_145_619),
    }
}

pub fn figures(key: PublicKey, handshake: Option<Timestamp>, received: u64, sent: u64) -> PeerReport {
    PeerReport { public_key: key, handshake, received, sent, endpoint: None }
}

/// Asks until the answer is right.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..300 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("15 s later it is still not so that {what}");
}

/// The event log of one kind, oldest first.
pub async fn log(stage: &Stage, kind: ChangeKind) -> Vec<Change> {
    let filter = ChangeFilter { kind: Some(kind), limit: 200, ..ChangeFilter::default() };
    let mut changes = stage.ingrid.changes(&stage.harbor, filter).await.expect("the event log");
    changes.reverse();
    changes
}

pub fn now() -> Timestamp {
    clock::now()
}
