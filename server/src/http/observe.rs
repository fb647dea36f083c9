//! One line per request, its figures, and an answer even if a handler panics.
//!
//! Lines name the path and never the query, since a set-up link's token is one. What is
//! asked all the time (assets, streams, agents that wait) is told at debug level.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode},
    middleware::Next,
    response::Response,
};
use futures::FutureExt;
use tracing::Instrument;
use uuid::Uuid;

use super::{Site, refusal, status::Meant};
use crate::console::internal;

/// What a request is for; the label of its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    Page,
    Api,
    Agent,
    Events,
    Asset,
    Health,
}

impl Class {
    pub fn of(path: &str) -> Self {
        let under =
            |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match path {
            _ if under("/api") => Self::Api,
            _ if under("/agent") => Self::Agent,
            "/events" => Self::Events,
            "/healthz" | "/readyz" | "/metrics" => Self::Health,
            _ if under("/pkg") || under("/fonts") || path == "/favicon.svg" => Self::Asset,
            _ => Self::Page,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Api => "api",
            Self::Agent => "agent",
            Self::Events => "events",
            Self::Asset => "asset",
            Self::Health => "health",
        }
    }

    fn is_noisy(self) -> bool {
        !matches!(self, Self::Page | Self::Api)
    }
}

pub async fn observe(State(site): State<Site>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = Uuid::now_v7();
    let (method, path, headers) =
        (request.method().clone(), request.uri().path().to_owned(), request.headers().clone());
    let class = Class::of(&path);
    let span = tracing::info_span!("request", id = %id);
    async {
        let mut response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(panic) => {
                refusal::error(&headers, &internal(format_args!("a handler panicked: {}", words_of(&*panic))))
            }
        };
        // The connection shows who is at the other end; this, which lines of the log are about it.
        let value = HeaderValue::try_from(id.to_string()).expect("a UUID");
        response.headers_mut().insert("x-request-id", value);
        let took = started.elapsed();
        let status = response.extensions().get::<Meant>().map_or(response.status(), |meant| meant.0);
        site.metrics.count(class, status, took);
        tell(&method, &path, class, status, took);
        response
    }
    .instrument(span)
    .await
}

fn tell(method: &Method, path: &str, class: Class, status: StatusCode, took: Duration) {
    let status = status.as_u16();
    let duration_ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
    if status >= 500 {
        tracing::warn!(status, duration_ms, "{method} {path} {status}");
    } else if class.is_noisy() {
        tracing::debug!(status, duration_ms, "{method} {path} {status}");
    } else {
        tracing::info!(status, duration_ms, "{method} {path} {status}");
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
