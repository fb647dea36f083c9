//! One HTTP client for all clouds: retries, limits and counts in one place.
//!
//! A request is tried again with full jitter where the cloud asks for patience; whatever it answers,
//! the words that a person or a reconciler needs are kept. Plain http goes to loopback only, and
//! redirects are never followed, so that credentials reach nobody else.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::{Method, Url, header::HeaderMap};

use crate::{Class, Failure, Outcome};

/// The longest answer that is read.
const MOST_BYTES: usize = 32 << 20;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Shared by every driver; cloning shares the connections and the count.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    attempts: u32,
    sent: Arc<AtomicU64>,
}

/// What came back, whatever its status. Its body may be a token, and is not printed.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

/// A request that can be sent again. Its body may hold a secret, and is not printed.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: String,
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, body } = self;
        let body = format_args!("{} bytes", body.len());
        formatter.debug_struct("Answer").field("status", status).field("headers", headers).field("body", &body).finish()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, url, headers, body } = self;
        let (origin, path) = (url.origin().ascii_serialization(), url.path());
        let (to, body) = (format_args!("{method} {origin}{path}"), format_args!("{} bytes", body.len()));
        formatter.debug_struct("Request").field("to", &to).field("headers", headers).field("body", &body).finish()
    }
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// `Retry-After` in seconds; the form with a date is used by none of the four clouds.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

impl Http {
    /// `attempts`: how often one request is sent at most (`http.max_attempts`).
    ///
    /// # Errors
    /// If the system's certificates cannot be used.
    pub fn new(attempts: u32) -> anyhow::Result<Self> {
        // Whoever came first has chosen; the console and its tests all choose ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            .user_agent(concat!("causeway/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, attempts: attempts.max(1), sent: Arc::default() })
    }

    /// The same client, which asks once only: for a call that must not be made twice.
    pub fn single(&self) -> Self {
        Self { attempts: 1, ..self.clone() }
    }

    /// How many requests were sent since the start.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Sends until the answer is no reason to try again or the attempts are used up.
    ///
    /// `build` makes every attempt anew, because a signature holds its time. `judge` says of an answer whether
    /// it is a failure; one of [`Class::Retry`] and [`Class::Unreachable`] is tried again.
    ///
    /// # Errors
    /// The last failure.
    pub async fn send(
        &self,
        build: impl Fn() -> Outcome<Request> + Send,
        judge: impl Fn(&Answer) -> Option<Failure> + Send,
    ) -> Outcome<Answer> {
        let mut attempt = 1;
        loop {
            let failure = match Box::pin(self.once(build()?)).await {
                Ok(answer) => match judge(&answer) {
                    None => return Ok(answer),
                    Some(mut failure) => {
                        failure.retry_after = failure.retry_after.or_else(|| answer.retry_after());
                        failure
                    }
                },
                Err(failure) => failure,
            };
            tokio::time::sleep(self.patience(failure, attempt)?).await;
            attempt += 1;
        }
    }

    /// The same for a vendor's client, which sends by itself.
    ///
    /// # Errors
    /// The last failure.
    pub(crate) async fn patiently<T, F>(&self, ask: impl Fn() -> F + Send) -> Outcome<T>
    where
        F: Future<Output = Outcome<T>> + Send,
    {
        let mut attempt = 1;
        loop {
            self.count();
            match Box::pin(ask()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => tokio::time::sleep(self.patience(failure, attempt)?).await,
            }
            attempt += 1;
        }
    }

    /// How long to wait before the next attempt.
    ///
    /// # Errors
    /// The failure, if there should be none.
    fn patience(&self, failure: Failure, attempt: u32) -> Outcome<Duration> {
        let patience = failure.retry_after.unwrap_or_else(|| wait(attempt));
        let again = matches!(failure.class, Class::Retry | Class::Unreachable);
        // A longer wait is the reconciler's: it holds no worker meanwhile.
        if !again || attempt >= self.attempts || patience > LONGEST_WAIT {
            return Err(failure);
        }
        tracing::debug!(code = failure.code, attempt, ?patience, "a cloud asked for patience");
        Ok(patience)
    }

    fn count(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    async fn once(&self, request: Request) -> Outcome<Answer> {
        let Request { method, url, headers, body } = request;
        guard(&url)?;
        self.count();
        let response = self.client.request(method, url).headers(headers).body(body).send().await;
        let mut response = response.map_err(|error| unreachable_because(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable_because(&error))? {
            if bytes.len() + chunk.len() > MOST_BYTES {
                return Err(Failure::new(Class::Unexpected, "transport", "The answer is longer than 32 MB."));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() })
    }
}

/// Full jitter: anything up to the doubled wait.
fn wait(attempt: u32) -> Duration {
    let most = FIRST_WAIT.saturating_mul(1 << attempt.min(16)).min(LONGEST_WAIT);
    most.mul_f64(rand::random::<f64>())
}

/// # Errors
/// If credentials would travel in the clear.
pub(crate) fn guard(url: &Url) -> Outcome<()> {
    let loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "https" || (url.scheme() == "http" && loopback) {
        return Ok(());
    }
    Err(Failure::new(
        Class::Operator,
        "endpoint",
        format!("{} is neither https nor on this machine.", url.origin().ascii_serialization()),
    ))
}

/// Without the URL, whose query may name what nobody else should read.
fn unreachable_because(error: &reqwest::Error) -> Failure {
    let mut words = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    let reason = if error.is_timeout() { "it did not answer in time".to_owned() } else { words.join(": ") };
    Failure::new(Class::Unreachable, "transport", format!("The cloud could not be reached: {reason}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_request_nor_an_answer_prints_its_body() {
        let url = Url::parse("https://login.example/t/token?code=swordfish").expect("is a URL");
        let body = "client_secret=hunter2".to_owned();
        let request = Request { method: Method::POST, url, headers: HeaderMap::new(), body: body.clone() };
        let answer = Answer { status: 200, headers: HeaderMap::new(), body };
        let text = format!("{request:?} {answer:?}");
        assert!(!text.contains("hunter2") && !text.contains("swordfish"), "{text}");
        assert!(text.contains("POST https://login.example/t/token") && text.contains("21 bytes"), "{text}");
    }
}
