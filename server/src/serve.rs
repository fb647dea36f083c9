//! `causeway serve`: the wiring, in reading order. Settings, lock, store, listeners, console, controllers, router; and the way back.

use std::{io::IsTerminal, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::Router;
use clouds::{
    http::Http,
    lookalike::{self, Lookalikes, theirs::Theirs},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    config::{Clouds, Config, write_private},
    console::{
        EnrolmentAddress, Shared,
        door::{Entrance, SET_UP_LINK_HOURS, Token},
    },
    crew::Crew,
    http::{self, Inner, Site, agents},
    lab::{control, demo::Demo},
    listen::{Bound, Listen},
    other_side::{NoOtherSides, OtherSides},
    reconcile::{
        self, CloudSettings, Reconcilers,
        clouds::{Endpoints, RealDrivers},
        enrolment::Registry,
    },
    seal::Sealer,
    store::{Store, lock::Lock},
    tls::Tls,
};

/// How long requests under way may take after the console was told to stop.
const GRACE: Duration = Duration::from_secs(8);
const SWEEP: Duration = Duration::from_secs(3600);
const LOCK_CHECK: Duration = Duration::from_secs(5);

/// A console that serves.
pub struct Serving {
    /// As they are bound: port 0 has become a port.
    pub listening: Vec<Listen>,
    stop: CancellationToken,
    doors: Crew,
    chores: Crew,
    reconcilers: Reconcilers,
}

/// Serves until the process is told to stop.
///
/// # Errors
/// In a sentence, if the console cannot start.
pub async fn run(config: Config) -> Result<()> {
    let mut serving = Serving::start(config).await?;
    let lost = serving.stop.clone();
    let early = tokio::select! {
        biased;
        told = told_to_stop() => told.map(|()| None)?,
        () = lost.cancelled() => Some("the database's lock was lost, and another console may have taken over".to_owned()),
        ended = serving.ended() => Some(ended),
    };
    tracing::info!("stopping");
    serving.stop().await;
    match early {
        None => Ok(()),
        Some(why) => anyhow::bail!("The console cannot go on: {why}. It has stopped; its log says more."),
    }
}

impl Serving {
    /// # Errors
    /// In a sentence, if the console cannot start.
    pub async fn start(mut config: Config) -> Result<Self> {
        let lock = Lock::take(&config.database_url.0).await?;
        let store = Store::open(&config.database_url.0).await?;
        let key = config.keys().settled(&store).await?;
        let tls = match config.listen.iter().any(|listen| matches!(listen, Listen::Https(_))) {
            true => Some(Tls::load(&config)?),
            false => None,
        };
        let mut bound = Vec::new();
        for listen in &config.listen {
            bound.push(Bound::bind(listen).await?);
        }
        config.listen = bound.iter().map(|bound| bound.listen.clone()).collect();
        let metrics = match config.metrics_listen {
            Some(address) => Some(
                TcpListener::bind(address)
                    .await
                    .with_context(|| format!("The figures' listener {address} cannot be bound"))?,
            ),
            None => None,
        };

        let stop = CancellationToken::new();
        let silent_after = config.agent_silent_after.as_secs();
        let lookalikes = lookalikes(&config).await?;
        let http = Http::new(config.clouds.max_attempts)?;
        let other_sides: Arc<dyn OtherSides> = match &lookalikes {
            Some(lookalikes) => Arc::new(Theirs::sign_in(lookalikes.clone(), http.clone()).await?),
            None => Arc::new(NoOtherSides),
        };
        let drivers = Arc::new(RealDrivers::new(http, endpoints(&config.clouds), Sealer::new(key), lookalikes));
        let clouds = CloudSettings { drivers, interval: config.clouds.interval };
        let reconcilers = reconcile::start(store.clone(), Sealer::new(key), silent_after, clouds).await?;
        let entrance = Arc::new(Entrance::new(store.clone(), config.session));
        let shared = Arc::new(Shared {
            store: store.clone(),
            sealer: Sealer::new(key),
            locations: config.locations.clone(),
            silent_after,
            listening_since: clock::now(),
            statuses: reconcilers.statuses.clone(),
            other_sides,
            support: config.support.clone(),
            zone: config.services_domain.clone(),
            enrolment: enrolment_address(&config, tls.as_ref()),
            lab: Arc::new(Demo::new(
                control::default_folder(&config.data),
                agents_socket(&config).to_owned(),
                store.feed().clone(),
            )),
        });
        let site: Site = Arc::new(Inner::new(&config, shared, Arc::clone(&entrance), stop.clone()));
        offer_set_up(&config, &entrance).await?;

        let agents = agents::router(agents::AgentsState {
            store: store.clone(),
            registry: Registry::new(store.clone(), Sealer::new(key)),
            documents: Arc::clone(&reconcilers.documents),
            intake: Arc::clone(&reconcilers.intake),
        });
        let mut doors = Crew::default();
        for bound in bound {
            tracing::info!("listening on {}", bound.listen);
            let router = http::router(&site, bound.listen.entry(), agents.clone());
            let name = format!("the listener on {}", bound.listen);
            doors.spawn(name, bound.serve(router, tls.as_ref().map(|tls| tls.acceptor.clone()), stop.clone()));
        }
        if let Some(listener) = metrics {
            let router = http::metrics_router(Arc::clone(&site));
            doors.spawn("the figures' listener", serve_metrics(listener, router, stop.clone()));
        }
        let mut chores = Crew::default();
        chores.spawn("the sweep of what is old", sweep(entrance, store, config.changes_keep_days, stop.clone()));
        chores.spawn("the watch over the database's lock", watch(lock, stop.clone()));
        Ok(Self { listening: config.listen, stop, doors, chores, reconcilers })
    }

    /// Which part of the console has ended, which none should.
    async fn ended(&mut self) -> String {
        tokio::select! {
            ended = self.doors.ended() => ended,
            ended = self.chores.ended() => ended,
            ended = self.reconcilers.ended() => ended,
        }
    }

    /// Ends streams and long-polls, lets requests finish, then the controllers.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(GRACE, self.doors.finish()).await.is_err() {
            tracing::warn!("some requests did not finish in time");
            self.doors.abort();
        }
        self.reconcilers.stop().await;
    }
}

async fn told_to_stop() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// The simulated clouds, if they are wanted.
async fn lookalikes(config: &Config) -> Result<Option<Arc<Lookalikes>>> {
    let Some(delay) = &config.clouds.lookalike else { return Ok(None) };
    let settings = lookalike::Settings { delay: delay.clone(), ..lookalike::Settings::default() };
    Ok(Some(Arc::new(Lookalikes::start(&lookalike_url(config), &settings).await?)))
}

fn endpoints(clouds: &Clouds) -> Endpoints {
    let mut endpoints = Endpoints::default();
    endpoints.aws.ec2.clone_from(&clouds.aws_ec2);
    endpoints.aws.sts.clone_from(&clouds.aws_sts);
    endpoints.aws.ram.clone_from(&clouds.aws_ram);
    endpoints.aws.elb.clone_from(&clouds.aws_elb);
    if let Some(url) = &clouds.gcp {
        endpoints.google.compute = url.clone();
    }
    for (url, place) in [
        (&clouds.azure, &mut endpoints.azure.arm),
        (&clouds.azure_authority, &mut endpoints.azure.authority),
        (&clouds.azure_graph, &mut endpoints.azure.graph),
    ] {
        if let Some(url) = url {
            place.clone_from(url);
        }
    }
    if let Some(url) = &clouds.upcloud {
        endpoints.upcloud.api = url.clone();
    }
    endpoints
}

/// The simulated world is not the console's: beside SQLite's file it has one of its own, in PostgreSQL tables of its own.
fn lookalike_url(config: &Config) -> String {
    let url = &config.database_url.0;
    match url.starts_with("sqlite:") {
        true => format!("sqlite:{}?mode=rwc", config.data.join("lookalike.db").display()),
        false => url.clone(),
    }
}

fn agents_socket(config: &Config) -> &Path {
    let socket = config.listen.iter().find_map(|listen| match listen {
        Listen::Unix(path) => Some(path.as_path()),
        Listen::Http(_) | Listen::Https(_) => None,
    });
    socket.expect("the settings always have one")
}

/// For an agent that cannot tell by itself whether to believe the certificate.
const OWN_CERTIFICATE: &str = "The certificate is one of your own, so the agent knows this console by its name and its issuer. If the host does not trust the issuer already, give the agent the issuer's certificate by --ca FILE (CAUSEWAY_AGENT_CA).";

/// What agents are told to call: an address that reaches this console from elsewhere if there is one, else the socket. Only the
/// self-signed certificate is pinned, which is kept for ever; the operator's own is renewed, and a pin would lock agents out then.
fn enrolment_address(config: &Config, tls: Option<&Tls>) -> EnrolmentAddress {
    let public = config.public_url.as_ref().filter(|url| url.https);
    let own = config.listen.iter().find_map(|listen| match listen {
        Listen::Https(address) => Some(*address),
        Listen::Http(_) | Listen::Unix(_) => None,
    });
    let self_signed = tls.filter(|_| config.certificate.is_none());
    let pin = self_signed.map_or_else(String::new, |tls| format!("#sha256={}", tls.fingerprint));
    let by_its_issuer = self_signed.is_none().then(|| OWN_CERTIFICATE.to_owned());
    match (public, own) {
        (Some(url), _) => {
            EnrolmentAddress { console: format!("https://{}:{}{pin}", url.host, url.port), hint: by_its_issuer }
        }
        (None, Some(address)) if address.ip().is_unspecified() => EnrolmentAddress {
            console: format!("https://{}:{}{pin}", crate::tls::host_name().unwrap_or_else(|| "localhost".to_owned()), address.port()),
            hint: Some("This is the machine's own name. If gateways do not know it, start the console with --public-url https://NAME:PORT.".to_owned()),
        },
        (None, Some(address)) => EnrolmentAddress { console: format!("https://{address}{pin}"), hint: by_its_issuer },
        (None, None) => EnrolmentAddress {
            console: format!("unix:{}", agents_socket(config).display()),
            hint: Some(
                "Only agents on this machine reach the console as it is configured. For others start it with --listen https://0.0.0.0:8443 and --public-url https://NAME:8443.".to_owned(),
            ),
        },
    }
}

/// Says how to come in. While there is no administrator: by a link, on the terminal if somebody watches it, else in a file.
async fn offer_set_up(config: &Config, entrance: &Entrance) -> Result<()> {
    let file = http::set_up_link_file(config);
    _ = std::fs::remove_file(&file);
    let (address, is_watched) = (config.browser_address(), std::io::stderr().is_terminal());
    let Some(Token { text, .. }) = entrance.issue_set_up_link().await? else {
        if is_watched {
            eprintln!("\nSign in at {address}\n");
        }
        return Ok(());
    };
    let link = format!("{address}{}?token={text}", app::routes::SET_UP);
    if is_watched {
        eprintln!(
            "\nNobody can sign in yet. Open this link within {SET_UP_LINK_HOURS} hours to make the administrator:\n\n  {link}\n"
        );
    } else {
        write_private(&file, &format!("{link}\n"))?;
        tracing::info!("nobody can sign in yet: the link to make the administrator is in {}", file.display());
    }
    Ok(())
}

async fn serve_metrics(listener: TcpListener, router: Router, stop: CancellationToken) {
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "the figures' listener ended");
    }
}

/// `keep_days`: how far back the event log reaches; 0: for ever.
async fn sweep(entrance: Arc<Entrance>, store: Store, keep_days: u32, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
        if let Err(error) = entrance.sweep().await {
            tracing::warn!(%error, "old sessions could not be removed");
        }
        if keep_days == 0 {
            continue;
        }
        match store.forget_changes(clock::now().plus_seconds(-i64::from(keep_days) * 86_400)).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "old entries of the event log were removed"),
            Err(error) => tracing::warn!(%error, "old entries of the event log could not be removed"),
        }
    }
}

/// Keeps the lock for as long as the console runs, and stops the console if it is lost.
async fn watch(mut lock: Lock, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(LOCK_CHECK)).await.is_some() {
        if !lock.is_held().await {
            tracing::error!("the connection that holds the database's lock was lost");
            stop.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DatabaseArguments, ServeArguments};

    fn config(data: &Path, listen: &[&str], public_url: Option<&str>) -> Config {
        let arguments = ServeArguments {
            listen: listen.iter().map(|text| text.parse().expect("an address")).collect(),
            database: DatabaseArguments { data: Some(data.to_owned()), database_url: None },
            public_url: public_url.map(str::to_owned),
            ..ServeArguments::default()
        };
        Config::load(arguments).expect("good settings")
    }

    #[test]
    fn agents_are_told_an_address_with_the_certificates_digest_else_the_socket_and_what_to_set() {
        let data = tempfile::tempdir().expect("a folder");
        let of = |listen: &[&str], public_url: Option<&str>| {
            let config = config(data.path(), listen, public_url);
            let tls =
                listen.iter().any(|text| text.starts_with("https")).then(|| Tls::load(&config).expect("a certificate"));
            (enrolment_address(&config, tls.as_ref()), tls.map(|tls| tls.fingerprint))
        };
        let (local, _) = of(&["127.0.0.1:3000"], None);
        assert_eq!(local.console, format!("unix:{}", data.path().join("agent.sock").display()));
        assert!(local.hint.expect("a hint").contains("--listen https://"));

        let (own, digest) = of(&["https://10.1.2.3:8443"], None);
        let digest = digest.expect("a certificate");
        assert_eq!((own.console, own.hint), (format!("https://10.1.2.3:8443#sha256={digest}"), None));

        let (public, again) = of(&["https://0.0.0.0:8443"], Some("https://console.example.com"));
        assert_eq!(again.as_deref(), Some(digest.as_str()), "the certificate is kept: agents have pinned it");
        assert_eq!((public.console, public.hint), (format!("https://console.example.com:443#sha256={digest}"), None));

        let mut renewed = config(data.path(), &["https://0.0.0.0:8443"], Some("https://console.example.com"));
        renewed.certificate = Some((data.path().join("tls/certificate.pem"), data.path().join("tls/key.pem")));
        let tls = Tls::load(&renewed).expect("a certificate");
        let own = enrolment_address(&renewed, Some(&tls));
        assert_eq!(
            own.console, "https://console.example.com:443",
            "the operator renews it: a pin would lock agents out"
        );
        assert!(own.hint.expect("a hint").contains("--ca"));

        let (proxied, _) = of(&["127.0.0.1:3000"], Some("https://console.example.com"));
        assert_eq!(proxied.console, "https://console.example.com:443");
        assert!(proxied.hint.expect("a hint").contains("--ca"));
    }
}
