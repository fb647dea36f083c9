//! A console of one host on a unix socket: hands out what it is given, keeps every report with its moment.

#![allow(dead_code, reason = "each test program uses its own part of the console")]

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use app::domain::{
    GatewayId,
    host::{Delivery, Enrolled, HostId, Report},
};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::{net::UnixListener, sync::Notify, time::timeout};

#[derive(Default)]
pub struct Console {
    inner: Mutex<Inner>,
    offered: Notify,
}

#[derive(Default)]
struct Inner {
    /// `None`: a gateway's.
    host: Option<HostId>,
    delivery: Option<Delivery>,
    gone: bool,
    reports: Vec<(Instant, Report)>,
}

impl Console {
    pub fn listen(path: &Path) -> Arc<Self> {
        let console = Arc::<Self>::default();
        let listener = UnixListener::bind(path).expect("a socket");
        let router = Router::new()
            .route("/agent/v1/enrol", post(enrol))
            .route("/agent/v1/document", get(document))
            .route("/agent/v1/report", post(report))
            .with_state(console.clone());
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        console
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while holding this")
    }

    pub fn offer(&self, delivery: Delivery) {
        self.inner().delivery = Some(delivery);
        self.offered.notify_one();
    }

    /// From now on who enrols speaks for this one.
    pub fn expect(&self, host: impl Into<HostId>) {
        self.inner().host = Some(host.into());
    }

    pub fn delete_gateway(&self) {
        self.inner().gone = true;
        self.offered.notify_one();
    }

    /// How long after `since` the first report came of which this is true.
    pub async fn reported(&self, since: Instant, what: &str, is: impl Fn(&Report) -> bool) -> Duration {
        for _ in 0..1000 {
            let found = self.inner().reports.iter().find(|(at, report)| *at >= since && is(report)).map(|(at, _)| *at);
            if let Some(at) = found {
                return at - since;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{what} was not reported within 10 s; the last report: {:#?}", self.inner().reports.last());
    }
}

async fn enrol(State(console): State<Arc<Console>>) -> Json<Enrolled> {
    let gateway: GatewayId = "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10".parse().expect("an id");
    let host = console.inner().host.unwrap_or(gateway.into());
    Json(Enrolled { host, credential: "credential".into() })
}

async fn document(State(console): State<Arc<Console>>) -> Response {
    let answer = |console: &Console| {
        let mut inner = console.inner();
        if inner.gone {
            return Some(StatusCode::GONE.into_response());
        }
        inner.delivery.take().map(|delivery| Json(delivery).into_response())
    };
    if let Some(answer) = answer(&console) {
        return answer;
    }
    let _ = timeout(Duration::from_secs(5), console.offered.notified()).await;
    answer(&console).unwrap_or_else(|| StatusCode::NO_CONTENT.into_response())
}

async fn report(State(console): State<Arc<Console>>, Json(report): Json<Report>) -> Json<serde_json::Value> {
    console.inner().reports.push((Instant::now(), report));
    Json(serde_json::json!({ "resend": false }))
}
