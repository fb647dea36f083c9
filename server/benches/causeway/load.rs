//! Everything that a browser asks for when somebody first opens the VPC list.
//!
//! Chromium itself, through a proxy that adds the session and counts the bytes of every
//! answer as they were sent. What a page prefetches therefore counts, and what a route does
//! not need does not.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use tokio::time::sleep;

use super::{
    console::{Answer, Console, send},
    page,
    table::print_sizes,
};

/// A browser that asks for nothing more for so long has loaded.
const CALM: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(90);
const LARGEST_BODY: usize = 1_000_000;

struct Proxy {
    port: u16,
    cookie: String,
    loaded: Mutex<Vec<Loaded>>,
}

struct Loaded {
    path: String,
    coding: String,
    bytes: usize,
    at: Instant,
}

pub async fn run() -> Result<()> {
    let Some(browser) = browser() else {
        println!("\nload is skipped: there is no Chromium (Debian package chromium, or CAUSEWAY_CHROMIUM=PATH).");
        return Ok(());
    };
    let mut console = Console::signed_in().await?;
    page::add_vpcs(&mut console, 10).await?;
    let proxy = Arc::new(Proxy { port: console.port(), cookie: console.cookie().to_owned(), loaded: Mutex::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}{}", listener.local_addr()?, page::path());
    let router = Router::new().fallback(forward).with_state(Arc::clone(&proxy));
    let served = tokio::spawn(async move { axum::serve(listener, router).await });

    let profile = tempfile::tempdir()?;
    let began = Instant::now();
    let chromium = Chromium::open(&browser, profile.path(), &address)?;
    while !proxy.is_calm() {
        if began.elapsed() > PATIENCE {
            bail!("Chromium loaded no WASM within {} s; asked for: {}", PATIENCE.as_secs(), proxy.paths());
        }
        sleep(Duration::from_millis(200)).await;
    }
    drop(chromium);
    served.abort();

    let loaded = std::mem::take(&mut *proxy.loaded());
    let total: usize = loaded.iter().map(|one| one.bytes).sum();
    let mut rows: Vec<(String, String, &str)> =
        loaded.iter().map(|one| (format!("{} {}", one.path, one.coding), kilobytes(one.bytes), "")).collect();
    rows.push((format!("{} answers", loaded.len()), kilobytes(total), "goal ≤ 300 kB with fonts"));
    print_sizes("load: the VPC list for the first time, bodies as they were sent", &rows);
    Ok(())
}

fn kilobytes(bytes: usize) -> String {
    format!("{}.{} kB", bytes / 1000, bytes / 100 % 10)
}

fn browser() -> Option<String> {
    let named = std::env::var("CAUSEWAY_CHROMIUM").ok();
    named.or_else(|| {
        let path = std::env::var_os("PATH")?;
        let found = std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|file| file.is_file())?;
        Some(found.to_string_lossy().into_owned())
    })
}

impl Proxy {
    fn loaded(&self) -> std::sync::MutexGuard<'_, Vec<Loaded>> {
        self.loaded.lock().expect("no holder of this lock panics")
    }

    fn is_calm(&self) -> bool {
        let loaded = self.loaded();
        let hydrates = loaded.iter().any(|one| one.path.ends_with(".wasm"));
        hydrates && loaded.last().is_some_and(|last| last.at.elapsed() > CALM)
    }

    fn paths(&self) -> String {
        self.loaded().iter().map(|one| one.path.as_str()).collect::<Vec<_>>().join(", ")
    }

    async fn ask(&self, request: Request) -> Result<Answer> {
        let path = request.uri().path_and_query().context("a path")?.to_string();
        let method = request.method().to_string();
        let own = own_headers(&request);
        let mut headers = vec![("cookie", self.cookie.as_str()), ("accept-encoding", "br")];
        headers.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
        let body = axum::body::to_bytes(request.into_body(), LARGEST_BODY).await?;
        let answer = send(self.port, &method, &path, &headers, &body).await?;
        let coding =
            answer.header("content-encoding").map_or_else(|| "(as it is)".to_owned(), |name| format!("({name})"));
        self.loaded().push(Loaded { path, coding, bytes: answer.body.len(), at: Instant::now() });
        Ok(answer)
    }
}

/// Those of the browser's headers that the console decides by.
fn own_headers(request: &Request) -> [(&'static str, String); 3] {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ["accept", "content-type", "sec-fetch-site"].map(|name| (name, text(name).to_owned()))
}

async fn forward(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    // The stream of changes never ends; this answer ends it for good.
    if request.uri().path() == "/events" {
        return StatusCode::NO_CONTENT.into_response();
    }
    let answer = match proxy.ask(request).await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in answer.headers.iter().filter(|(name, _)| is_kept(name)) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// What the answer is, not how it came.
fn is_kept(header: &str) -> bool {
    matches!(header, "content-type" | "content-encoding" | "content-security-policy" | "cache-control" | "location")
}

/// A browser in a process group of its own, which ends with us.
struct Chromium(Child);

impl Chromium {
    fn open(browser: &str, profile: &std::path::Path, address: &str) -> Result<Self> {
        let mut command = Command::new(browser);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        // Keeps it open after the page has loaded.
        command.arg("--remote-debugging-port=0").arg(format!("--user-data-dir={}", profile.display())).arg(address);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Ok(Self(command.spawn().with_context(|| format!("{browser} cannot be started"))?))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.0.id())
            && let Some(group) = rustix::process::Pid::from_raw(id)
        {
            // It may have ended by itself.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.0.wait();
    }
}
