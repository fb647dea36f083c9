//! The HTTP doors: pages and server functions for browsers, `/agent/v1` for agents, files, the event stream, health and figures.
//!
//! A request passes, from the outside in: its line in the log, who is at the other end, the
//! headers of every answer, the host name, the assets, the origin of writes, the session;
//! then it is led to a page, a server function or a stream.

pub mod agents;
mod assets;
mod client;
mod compression;
mod csrf;
mod events;
mod files;
mod flash;
mod metrics;
mod observe;
mod refusal;
mod security;
mod session;
mod status;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use app::{App, api::ApiError, backend::SharedBackend, shell};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header::CONTENT_SECURITY_POLICY, request::Parts},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use ipnet::IpNet;
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list};
use tokio_util::sync::CancellationToken;

pub use self::metrics::{Metrics, router as metrics_router};
use self::{
    client::Client,
    flash::Flashes,
    observe::Class,
    security::HostNames,
    session::{RequestDoor, Visitor},
};
use crate::{
    config::{Config, Hidden},
    console::{Actor, Console, Shared, door::Entrance, internal},
    listen::Entry,
    store::{Store, sessions::Session},
};

/// What every handler shares.
pub type Site = Arc<Inner>;

pub struct Inner {
    pub store: Store,
    pub shared: Arc<Shared>,
    pub entrance: Arc<Entrance>,
    pub metrics: Metrics,
    /// Cancelled when the console stops: streams and long-polls end.
    pub stop: CancellationToken,
    flashes: Flashes,
    host_names: HostNames,
    trusted_proxies: Vec<IpNet>,
    metrics_token: Option<Hidden<String>>,
    session_seconds: u64,
    /// Where the set-up link was written.
    set_up_link: PathBuf,
    /// Agents that are waiting for a document.
    agents: AtomicU64,
}

impl Inner {
    pub fn new(config: &Config, shared: Arc<Shared>, entrance: Arc<Entrance>, stop: CancellationToken) -> Self {
        Self {
            store: shared.store.clone(),
            shared,
            entrance,
            metrics: Metrics::new(),
            stop,
            flashes: Flashes::default(),
            host_names: HostNames::of(config),
            trusted_proxies: config.trusted_proxies.clone(),
            metrics_token: config.metrics_token.clone(),
            session_seconds: config.session.absolute.as_secs(),
            set_up_link: set_up_link_file(config),
            agents: AtomicU64::new(0),
        }
    }

    /// The console of whoever a session belongs to, with the roles that they have now.
    async fn console_of(&self, session: &Session) -> Result<SharedBackend, ApiError> {
        let person = &session.person;
        let memberships = self.store.memberships(person.id).await.map_err(internal)?;
        let actor =
            Actor { person: person.id, email: person.email.clone(), super_admin: person.is_super_admin, memberships };
        Ok(Arc::new(Console::for_actor(Arc::clone(&self.shared), actor)))
    }

    /// The link has been used: nobody needs its file.
    fn forget_set_up_link(&self) {
        _ = std::fs::remove_file(&self.set_up_link);
    }

    fn agents_connected(&self) -> u64 {
        self.agents.load(Ordering::Relaxed)
    }
}

/// Where the set-up link is written if nobody watches the terminal.
pub fn set_up_link_file(config: &Config) -> PathBuf {
    config.data.join("setup-link")
}

/// What a kind of listener answers. `agents` is the agents' part.
pub fn router(site: &Site, entry: Entry, agents: Router) -> Router {
    let agents = agents
        .layer(from_fn_with_state(Arc::clone(site), wait_for_no_longer_than_the_console))
        .layer(from_fn(tls_or_socket_only));
    let health = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::by_token))
        .with_state(Arc::clone(site));
    let router = match entry {
        Entry::Http | Entry::Https => health.merge(agents).merge(browsers(site)),
        Entry::Unix => health.merge(agents).fallback(async |headers: HeaderMap| {
            refusal::refuse(
                &headers,
                StatusCode::NOT_FOUND,
                "This socket is for agents. Browsers have a listener of their own.",
            )
        }),
    };
    router
        .layer(from_fn_with_state(Arc::clone(site), client::recognize))
        .layer(from_fn_with_state(Arc::clone(site), observe::observe))
}

fn browsers(site: &Site) -> Router {
    let options = LeptosOptions::builder().output_name("causeway").site_pkg_dir("pkg").build();
    let pages = Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context(site), {
            let options = options.clone();
            move || shell(options.clone())
        })
        .with_state(options.clone());
    Router::new()
        .route("/events", get(events::events))
        .route(files::PATH, get(files::file))
        .route(files::AUTHORITY, get(files::authority))
        .route(files::ZONE, get(files::zone))
        .route(files::CERTIFICATE, get(files::service_certificate))
        .with_state(Arc::clone(site))
        .merge(pages)
        .fallback({
            let site = Arc::clone(site);
            move |request: Request| nothing_here(site.clone(), options.clone(), request)
        })
        .method_not_allowed_fallback(async |headers: HeaderMap| {
            refusal::refuse(
                &headers,
                StatusCode::METHOD_NOT_ALLOWED,
                "This address does not take this method. Server functions take POST.",
            )
        })
        .layer(from_fn_with_state(Arc::clone(site), dispatch))
        .layer(from_fn_with_state(Arc::clone(site), session::identify))
        .layer(from_fn(csrf::same_origin_only))
        .layer(compression::layer())
        .layer(from_fn(assets_first))
        .layer(from_fn_with_state(Arc::clone(site), security::check_host))
        .layer(from_fn(security::add_headers))
}

/// What pages and server functions find in Leptos' context: the door, and the console of whoever is there.
fn context(site: &Site) -> impl Fn() + Clone + Send + Sync + 'static {
    let site = Arc::clone(site);
    move || {
        // Absent while the route list is made.
        let (Some(request), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>()) else {
            return;
        };
        if let Some(visitor) = request.extensions.get::<Visitor>() {
            provide_context::<SharedBackend>(Arc::clone(&visitor.console));
        }
        if let Some(nonce) = use_nonce()
            && let Ok(policy) = security::page_policy(&nonce).parse()
        {
            response.insert_header(CONTENT_SECURITY_POLICY, policy);
        }
        provide_context(RequestDoor::of(Arc::clone(&site), &request, response));
    }
}

/// Server functions get their statuses, pages their visitors.
async fn dispatch(site: State<Site>, request: Request, next: Next) -> Response {
    match Class::of(request.uri().path()) {
        Class::Api => status::answer(site, request, next).await,
        Class::Page if client::accepts_html(request.headers()) => session::lead(site, request, next).await,
        _ => next.run(request).await,
    }
}

async fn assets_first(request: Request, next: Next) -> Response {
    match assets::asset(request.method(), request.uri().path(), request.headers()) {
        Some(asset) => asset,
        None => next.run(request).await,
    }
}

/// 404: the app's own page for a person, JSON for a program.
async fn nothing_here(site: Site, options: LeptosOptions, request: Request) -> Response {
    let is_page = Class::of(request.uri().path()) == Class::Page
        && request.method() == Method::GET
        && client::accepts_html(request.headers());
    if !is_page {
        return refusal::error(request.headers(), &ApiError::NotFound);
    }
    let render = leptos_axum::render_app_async_with_context(context(&site), move || shell(options.clone()));
    let mut response = render(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

async fn ready(State(site): State<Site>) -> Response {
    match site.store.ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "The database does not answer.\n").into_response()
        }
    }
}

/// Agents speak TLS, their own or a trusted proxy's, or the unix socket.
async fn tls_or_socket_only(request: Request, next: Next) -> Response {
    let arrival = request.extensions().get::<crate::listen::Arrival>().map(|arrival| arrival.entry);
    let secure = request.extensions().get::<Client>().is_some_and(|client| client.secure);
    if secure || arrival == Some(Entry::Unix) {
        return next.run(request).await;
    }
    let sentence = "Agents are not served by plain http. Use the console's unix socket, or an https listener (--listen https://ADDRESS:PORT).";
    refusal::refuse(request.headers(), StatusCode::FORBIDDEN, sentence)
}

/// A waiting agent is let go when the console stops; it asks again.
async fn wait_for_no_longer_than_the_console(State(site): State<Site>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    let _waiting = Waiting::count(&site);
    tokio::select! {
        answer = next.run(request) => answer,
        () = site.stop.cancelled() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// An agent that waits, counted until it is answered or hangs up.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn count(site: &'a Inner) -> Self {
        site.agents.fetch_add(1, Ordering::Relaxed);
        Self(&site.agents)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
