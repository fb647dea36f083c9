//! The agents' endpoint: enrol, fetch a document, report, renew the credential.
//!
//! Mounted behind a check that lets only TLS and unix sockets through. Every refusal is a JSON
//! object with one sentence, and none repeats a token.

use std::{pin::pin, sync::Arc, time::Duration};

use app::domain::{
    change::Topic,
    host::{Enrol, Enrolled, HostId, HostRole, Report},
    tunnel::{Hash, Version},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{
        DefaultBodyLimit, Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    reconcile::{
        LARGEST_NUMBER, Refused,
        documents::{Answer, Documents},
        enrolment::Registry,
        reports::{Intake, Receipt},
    },
    store::Store,
};

const SMALL_BODY: usize = 64 * 1024;
/// The figures of 10,000 peers are 2 MB.
const REPORT_BODY: usize = 8 * 1024 * 1024;
/// Below the minute after which proxies give up on a silent answer.
const LONGEST_WAIT: u64 = 55;

#[derive(Clone)]
pub struct AgentsState {
    pub store: Store,
    pub registry: Registry,
    pub documents: Arc<Documents>,
    pub intake: Arc<Intake>,
}

pub fn router(state: AgentsState) -> Router {
    Router::new()
        .route("/agent/v1/enrol", post(enrol).layer(DefaultBodyLimit::max(SMALL_BODY)))
        .route("/agent/v1/document", get(document))
        .route("/agent/v1/report", post(report).layer(DefaultBodyLimit::max(REPORT_BODY)))
        .route("/agent/v1/credential", post(credential).layer(DefaultBodyLimit::max(SMALL_BODY)))
        .with_state(state)
}

async fn enrol(
    State(state): State<AgentsState>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Enrolled>, Refusal> {
    let enrolled = state.registry.enrol(&read::<Enrol>(body)?).await?;
    state.intake.welcome(enrolled.host).await;
    Ok(Json(enrolled))
}

/// Which document the agent has, and how long it would wait for a newer one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    #[serde(default)]
    epoch: u64,
    #[serde(default)]
    generation: u64,
    #[serde(default)]
    hash: String,
    #[serde(default)]
    wait: u64,
}

impl Held {
    fn version(&self) -> Result<Option<Version>, Refusal> {
        if self.generation == 0 && self.epoch == 0 && self.hash.is_empty() {
            return Ok(None);
        }
        let hash_is_one =
            self.hash.len() == 64 && self.hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !hash_is_one || self.generation == 0 || self.epoch > LARGEST_NUMBER || self.generation > LARGEST_NUMBER {
            return Err(malformed(
                "This is no version of a document. Name the epoch, the generation and the hash of the one that the host has, or none of them.",
            ));
        }
        Ok(Some(Version { epoch: self.epoch, generation: self.generation, hash: Hash(self.hash.clone()) }))
    }
}

async fn document(
    State(state): State<AgentsState>,
    headers: HeaderMap,
    query: Result<Query<Held>, QueryRejection>,
) -> Result<Response, Refusal> {
    let host = authenticated(&state, &headers).await?;
    let Query(held) =
        query.map_err(|_| malformed("Ask with epoch, generation, hash and wait, or with none of them."))?;
    let version = held.version()?;
    let wait = Duration::from_secs(held.wait.min(LONGEST_WAIT));
    let mut feed = state.store.feed().subscribe();
    // Never begun again: what it writes wakes this loop, and it has more to do after that.
    let mut newer = pin!(state.documents.newer(host, version.as_ref(), wait));
    loop {
        let before = *feed.borrow_and_update();
        let answer = tokio::select! {
            answer = &mut newer => answer,
            // A revoked credential ends the wait: whoever changed a gateway or a service may have done that.
            () = changed(host.role(), &mut feed, before) => {
                authenticated(&state, &headers).await?;
                continue;
            }
        };
        return match answer.map_err(Refused::Failed)? {
            Answer::Newer(text) => Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response()),
            Answer::Nothing => Ok(StatusCode::NO_CONTENT.into_response()),
            Answer::Beyond => Err(Refusal(
                StatusCode::CONFLICT,
                format!(
                    "This {} was never given a document of such a number. Remove the agent's stored document, or enrol the host again.",
                    host.role()
                ),
            )),
            // Its credential says whether it was removed for good.
            Answer::Gone => {
                authenticated(&state, &headers).await?;
                Ok(StatusCode::NO_CONTENT.into_response())
            }
        };
    }
}

async fn changed(
    role: HostRole,
    feed: &mut tokio::sync::watch::Receiver<crate::store::Wake>,
    before: crate::store::Wake,
) {
    let topic = match role {
        HostRole::Gateway => Topic::Gateways,
        HostRole::Node => Topic::Services,
    };
    loop {
        if feed.changed().await.is_err() {
            return std::future::pending().await;
        }
        let now = *feed.borrow_and_update();
        if now.seq != before.seq && now.count(topic) != before.count(topic) {
            return;
        }
    }
}

async fn report(
    State(state): State<AgentsState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Receipt>, Refusal> {
    let host = authenticated(&state, &headers).await?;
    Ok(Json(state.intake.receive(host, read::<Report>(body)?).await?))
}

async fn credential(State(state): State<AgentsState>, headers: HeaderMap) -> Result<Json<Enrolled>, Refusal> {
    let host = authenticated(&state, &headers).await?;
    Ok(Json(state.registry.rotate(host).await?))
}

async fn authenticated(state: &AgentsState, headers: &HeaderMap) -> Result<HostId, Refusal> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let Some(token) = bearer.filter(|token| !token.is_empty() && token.len() <= 512) else {
        return Err(Refusal(StatusCode::UNAUTHORIZED, "Send the agent's credential as a bearer token.".to_owned()));
    };
    let host = state.registry.authenticate(token).await?;
    state.intake.contact(host);
    Ok(host)
}

/// Says what is wrong with a body without repeating any of it: it may hold a token.
fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Refusal> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than this request may be.".to_owned())
        }
        status => Refusal(status, "The body could not be read.".to_owned()),
    })?;
    serde_json::from_slice(&body).map_err(|error| {
        Refusal(
            StatusCode::BAD_REQUEST,
            format!(
                "The body is not what this request takes, at line {} column {}. Agent and console may be of different versions.",
                error.line(),
                error.column()
            ),
        )
    })
}

/// A status and one sentence.
struct Refusal(StatusCode, String);

#[derive(Serialize)]
struct Message<'a> {
    message: &'a str,
}

fn message(status: StatusCode, text: &str) -> Response {
    (status, Json(Message { message: text })).into_response()
}

fn malformed(text: &str) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, text.to_owned())
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        message(self.0, &self.1)
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let status = match &refused {
            Refused::Malformed(_) => StatusCode::BAD_REQUEST,
            Refused::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Refused::Gone(_) => StatusCode::GONE,
            Refused::Conflict(_) => StatusCode::CONFLICT,
            Refused::Failed(error) => {
                let reference = uuid::Uuid::new_v4();
                tracing::error!(error = format!("{error:#}"), %reference, "an agent's request failed");
                return Self(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    format!("Something went wrong in the console; the log has it under {reference}. Try again."),
                );
            }
        };
        Self(status, refused.to_string())
    }
}
