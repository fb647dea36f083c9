//! The agent: makes one host match its desired document, and tells the console what it found.
//!
//! A host is a gateway's (WireGuard, routes, nftables) or a service node's (nftables only); its
//! enrolment says which. Three tasks. `poll` asks the console for newer documents; the keeper, in [`run`]'s loop,
//! stores, applies and watches; `outbox` tells. None waits for another's network, and the
//! tunnels need none of them: they stay up while the agent or the console is down, and a
//! rebooted host gets them back from its own disk.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use app::domain::host::HostRole;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::sleep_until,
};

mod backoff;
pub mod client;
mod credential;
pub mod host;
mod keeper;
mod outbox;
mod pin;
mod poll;
pub mod state;

use backoff::Backoff;
use client::{Client, ConsoleAddress};
use credential::{Bearer, Token};
use host::{Host, HostChoice, LiveHost, Reading, fake::RecordingHost};
use keeper::Keeper;
use outbox::Outbox;
use poll::News;
use state::StateFolder;

/// `causeway agent`. Every flag can also be given as an environment variable.
#[derive(Clone, Debug, clap::Args)]
pub struct AgentArguments {
    /// The console: https://host:port#sha256=<digest of its certificate>, or unix:PATH
    #[arg(long, env = "CAUSEWAY_AGENT_CONSOLE", value_name = "ADDRESS")]
    pub console: ConsoleAddress,
    /// File with the one-time enrolment token; `-` is standard input. Without it: the variable CAUSEWAY_TOKEN
    #[arg(long, env = "CAUSEWAY_AGENT_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Certificates of the authorities that may vouch for the console, in PEM
    #[arg(long, env = "CAUSEWAY_AGENT_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Where the host's private key, the credential and the last document are kept
    #[arg(long, env = "CAUSEWAY_AGENT_STATE", value_name = "DIR", default_value = "/var/lib/causeway-agent")]
    pub state: PathBuf,
    /// Which WireGuard to drive on a gateway: auto, uapi (a userspace one, by its socket) or wg (the kernel's, by its tool)
    #[arg(long, env = "CAUSEWAY_AGENT_HOST", value_name = "KIND", default_value = "auto")]
    pub host: HostChoice,
}

/// Runs until it is told to stop, or until the gateway or node is deleted and the host is clean.
pub async fn run(arguments: AgentArguments) -> Result<()> {
    let mut stop = Stop::listen()?;
    let token = Token::read(arguments.token_file.as_deref(), std::env::var("CAUSEWAY_TOKEN").ok())?;
    let mut client = Client::new(arguments.console.clone(), arguments.ca.as_deref())?;
    let state = Arc::new(StateFolder::open(&arguments.state)?);
    let enrol = credential::enrolment_due(&state, token.as_ref())?;
    let key = state.private_key()?;
    let host: Arc<dyn Host> = match arguments.host {
        HostChoice::Recording(addresses) => Arc::new(RecordingHost::new(key.public(), addresses)),
        choice => Arc::new(LiveHost::open(choice, key.clone())?),
    };
    let outbox = Arc::new(Outbox::default());
    let mut keeper = Keeper::new(host.clone(), state.clone(), outbox.clone(), &key)?;
    if let Err(error) = keeper.look_around().await {
        if enrol {
            return Err(error.context("This host cannot be enrolled yet"));
        }
        tracing::error!("{error:#}");
    }
    // Tunnels first: the console may be behind one of them, or away.
    let (turn, question) = keeper.question();
    let reading = host.read(&question).await;
    keeper.watch(turn, reading).await;

    if let Some(token) = token.filter(|_| enrol) {
        let facts = outbox.facts().context("the host was read")?;
        let enrolled = tokio::select! {
            enrolled = credential::enrol(&mut client, &state, &token, &key, facts) => enrolled?,
            () = stop.requested() => return Ok(()),
        };
        let (role, other) = enrolled;
        keeper.speak_for(role, other).await;
    }
    let role = keeper.role().context("Its enrolment says what a host is for")?;

    let bearer = Bearer::of(&state)?;
    let (tell_news, mut news) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    let (reporter, telling) = (client.another(), outbox.clone());
    let (polling, have, credential) = (state.clone(), keeper.have(), bearer.clone());
    tasks.spawn(async move { poll::poll(client, &polling, role, credential, have, tell_news).await });
    tasks.spawn(async move {
        telling.tell(reporter, bearer).await;
        Ok(())
    });

    let mut reading: Option<JoinHandle<(u64, Result<Reading>)>> = None;
    loop {
        tokio::select! {
            biased;
            () = stop.requested() => {
                keeper.store();
                tracing::info!("stopping; {}", role.stays());
                return Ok(());
            }
            event = news.recv() => match event {
                Some(News::Document(offer, tell)) => {
                    let next = keeper.deliver(*offer).await;
                    // Nobody waits for it if the task was stopped.
                    let _ = tell.send(next);
                }
                Some(News::Nothing) => keeper.settled(),
                Some(News::Gone) => {
                    match role {
                        HostRole::Gateway => tracing::info!("the gateway was deleted; taking its tunnels off this host"),
                        HostRole::Node => tracing::info!("the node was removed; taking its firewall off this host"),
                    }
                    clean(&mut keeper, &mut stop).await;
                    return Ok(());
                }
                None => return failed(&mut tasks).await,
            },
            (turn, found) = finished(&mut reading) => {
                reading = None;
                keeper.watch(turn, found).await;
            }
            () = sleep_until(keeper.read_at()), if reading.is_none() => {
                let (turn, question) = keeper.question();
                let host = host.clone();
                reading = Some(tokio::spawn(async move { (turn, host.read(&question).await) }));
            }
        }
    }
}

/// The reading that is under way; never, if none is.
async fn finished(reading: &mut Option<JoinHandle<(u64, Result<Reading>)>>) -> (u64, Result<Reading>) {
    match reading {
        None => std::future::pending().await,
        Some(task) => task
            .await
            .unwrap_or_else(|error| (u64::MAX, Err(anyhow::anyhow!("reading the host was broken off: {error}")))),
    }
}

/// Until it is done: what was deleted must not stay.
async fn clean(keeper: &mut Keeper, stop: &mut Stop) {
    let mut backoff = Backoff::default();
    while let Err(error) = keeper.clean().await {
        tracing::error!("{error:#}");
        let pause = backoff.next();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.requested() => return,
        }
    }
    tracing::info!("nothing of ours is left on this host");
}

/// The long-poll ended: why?
async fn failed(tasks: &mut JoinSet<Result<()>>) -> Result<()> {
    match tasks.join_next().await {
        Some(ended) => ended?.context("The agent cannot go on"),
        None => Ok(()),
    }
}

/// SIGTERM or SIGINT.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn requested(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
#[path = "agent_tests.rs"]
mod tests;
