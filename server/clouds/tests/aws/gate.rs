//! A gate before moto that breaks what passes through it, by rule or by chance.

use std::{
    collections::{HashMap, VecDeque},
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Throttle,
    /// 500 before anything was changed.
    Broken,
    /// 500 after it was changed.
    BrokenAfter,
    /// The connection breaks after it was changed.
    Lost,
    ExpiredToken,
    /// The answer of an earlier time: another server of the cloud, which does not know yet.
    Stale,
}

#[derive(Default)]
struct Rules {
    once: VecDeque<(String, Fault)>,
    chance: Option<(StdRng, f64)>,
    earlier: HashMap<Bytes, String>,
    /// How often each action reached the cloud, or was asked for.
    asked: HashMap<String, usize>,
    applied: HashMap<String, usize>,
    answers: Vec<String>,
}

#[derive(Clone)]
pub struct Gate {
    rules: Arc<Mutex<Rules>>,
    target: String,
    client: reqwest::Client,
    pub base: String,
}

impl Gate {
    pub async fn before(target: &str) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let base = format!("http://{}/", listener.local_addr().expect("it listens"));
        let gate = Self { rules: Arc::default(), target: target.to_owned(), client: super::client(), base };
        let router = Router::new().fallback(pass).with_state(gate.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        gate
    }

    /// The next call of this action goes wrong so.
    pub fn once(&self, action: &str, fault: Fault) {
        self.lock().once.push_back((action.to_owned(), fault));
    }

    /// Of all calls so many go wrong; the same for the same seed.
    pub fn by_chance(&self, seed: u64, share: f64) {
        self.lock().chance = Some((StdRng::seed_from_u64(seed), share));
    }

    pub fn calm(&self) {
        self.lock().chance = None;
    }

    pub fn asked(&self, action: &str) -> usize {
        self.lock().asked.get(action).copied().unwrap_or_default()
    }

    pub fn applied(&self, action: &str) -> usize {
        self.lock().applied.get(action).copied().unwrap_or_default()
    }

    pub fn answers(&self) -> Vec<String> {
        self.lock().answers.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Rules> {
        self.rules.lock().expect("no test panics with it")
    }

    fn choose(&self, action: &str) -> Option<Fault> {
        let mut rules = self.lock();
        *rules.asked.entry(action.to_owned()).or_default() += 1;
        if let Some(at) = rules.once.iter().position(|(of, _)| of == action) {
            return rules.once.remove(at).map(|(_, fault)| fault);
        }
        let (random, share) = rules.chance.as_mut()?;
        let all = [Fault::Throttle, Fault::Broken, Fault::BrokenAfter, Fault::Lost, Fault::ExpiredToken, Fault::Stale];
        random.random_bool(*share).then(|| all[random.random_range(0..all.len())])
    }
}

fn refuse(status: u16, code: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\"?><Response><Errors><Error><Code>{code}</Code><Message>By the gate.</Message></Error></Errors><RequestID>1</RequestID></Response>"
    );
    (StatusCode::from_u16(status).expect("is a status"), body).into_response()
}

async fn pass(State(gate): State<Gate>, headers: HeaderMap, body: Bytes) -> Response {
    let action = url::form_urlencoded::parse(&body).find(|(key, _)| key == "Action");
    let action = action.map(|(_, value)| value.into_owned()).unwrap_or_default();
    let fault = gate.choose(&action);
    match fault {
        Some(Fault::Throttle) => return refuse(503, "RequestLimitExceeded"),
        Some(Fault::Broken) => return refuse(500, "InternalError"),
        Some(Fault::ExpiredToken) => return refuse(400, "ExpiredToken"),
        Some(Fault::Stale) => {
            let earlier = gate.lock().earlier.get(&body).cloned();
            if let Some(earlier) = earlier.filter(|_| action.starts_with("Describe")) {
                return earlier.into_response();
            }
        }
        _ => {}
    }
    let mut request = gate.client.post(&gate.target).body(body.clone());
    for (name, value) in headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
        request = request.header(name, value);
    }
    let answer = request.send().await.expect("the target answers");
    let (status, text) = (answer.status(), answer.text().await.expect("the answer is text"));
    {
        let mut rules = gate.lock();
        if status.is_success() {
            *rules.applied.entry(action).or_default() += 1;
            rules.earlier.insert(body, text.clone());
        }
        rules.answers.push(text.clone());
    }
    match fault {
        Some(Fault::BrokenAfter) => refuse(500, "InternalError"),
        Some(Fault::Lost) => {
            let cut = std::io::Error::other("the gate cut it off");
            Response::new(Body::from_stream(futures::stream::iter([Err::<Bytes, _>(cut)])))
        }
        _ => (StatusCode::from_u16(status.as_u16()).expect("is a status"), text).into_response(),
    }
}
