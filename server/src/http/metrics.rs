//! Figures for Prometheus: on a listener of their own, or at `/metrics` for whoever has the token.

use std::{fmt::Write, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use sha2::{Digest, Sha256};

use super::{Site, observe::Class, refusal::refuse};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: &'static str,
}

/// What is counted as it happens; the rest is read when it is asked for.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
}

impl Metrics {
    pub fn new() -> Self {
        let requests = Family::<Answered, Counter>::default();
        let seconds = Family::<Route, Histogram>::new_with_constructor(|| {
            Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0])
        });
        let mut registry = Registry::with_prefix("causeway");
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "Time to the first byte of the answer", seconds.clone());
        Self { registry, requests, seconds }
    }

    pub fn count(&self, class: Class, status: StatusCode, took: Duration) {
        let route = class.as_str();
        self.requests.get_or_create(&Answered { route, status: status.as_u16() }).inc();
        // Streams and long-polls last as long as they like.
        if !matches!(class, Class::Events | Class::Agent) {
            self.seconds.get_or_create(&Route { route }).observe(took.as_secs_f64());
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// `/metrics` for whoever has the token; without one it is not there.
pub async fn by_token(State(site): State<Site>, request: Request) -> Response {
    let Some(token) = &site.metrics_token else { return StatusCode::NOT_FOUND.into_response() };
    if !bears(request.headers(), &token.0) {
        return refuse(
            request.headers(),
            StatusCode::UNAUTHORIZED,
            "Send the token of metrics.token as Authorization: Bearer TOKEN.",
        );
    }
    scrape(&site).await
}

/// Compared by digests, so that the time it takes tells nothing of the token.
fn bears(headers: &HeaderMap, token: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    given.is_some_and(|given| Sha256::digest(given) == Sha256::digest(token))
}

/// The listener that serves nothing else.
pub fn router(site: Site) -> Router {
    Router::new().route("/metrics", get(async |State(site): State<Site>| scrape(&site).await)).with_state(site)
}

async fn scrape(site: &Arc<super::Inner>) -> Response {
    let mut text = String::new();
    encode(&mut text, &site.metrics.registry).expect("a string takes any text");
    text.truncate(text.trim_end_matches("# EOF\n").len());
    observed(site, &mut text).await.expect("a string takes any text");
    text.push_str("# EOF\n");
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}

async fn observed(site: &super::Inner, text: &mut String) -> std::fmt::Result {
    let mut gauge = |name: &str, help: &str, value: f64| {
        write!(text, "# HELP causeway_{name} {help}.\n# TYPE causeway_{name} gauge\ncauseway_{name} {value}\n")
    };
    #[expect(clippy::cast_precision_loss, reason = "figures of this size are exact enough")]
    let number = |value: u64| value as f64;
    gauge("change_seq", "Number of the last change", number(site.store.feed().now().seq))?;
    gauge("database_up", "Whether the database answers", f64::from(u8::from(site.store.ping().await.is_ok())))?;
    gauge("agents_connected", "Agents that are waiting for documents", number(site.agents_connected()))?;
    if let Some(bytes) = resident() {
        gauge("process_resident_memory_bytes", "Resident memory", number(bytes))?;
    }
    let statuses = site.shared.statuses.all();
    let rows = |text: &mut String,
                name: &str,
                help: &str,
                kind: &str,
                value: &dyn Fn(&app::domain::reconciler::ControllerStatus) -> f64| {
        let suffix = if kind == "counter" { "_total" } else { "" };
        write!(text, "# HELP causeway_controller_{name} {help}.\n# TYPE causeway_controller_{name} {kind}\n")?;
        statuses.iter().try_for_each(|status| {
            writeln!(text, "causeway_controller_{name}{suffix}{{controller=\"{}\"}} {}", status.name, value(status))
        })
    };
    rows(text, "runs", "Passes of a controller", "counter", &|status| number(status.runs))?;
    rows(text, "seconds", "Duration of the last pass", "gauge", &|status| number(status.duration_micros) / 1e6)?;
    rows(text, "keys", "Things that the controller answers for", "gauge", &|status| number(status.keys))?;
    rows(
        text,
        "failing",
        "Things that failed in the last pass",
        "gauge",
        &|status| number(status.failures.len() as u64),
    )
}

/// Of this process, from Linux.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
