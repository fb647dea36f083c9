//! Keeps hosts the way the network says they should be, and says how far they are.
//!
//! A controller is told only *that* something may have changed. It reads what should be, reads
//! what is, and takes the next step; a missed wake-up costs one period, never correctness.
//! Observed values are written in here and nowhere else: [`reports`] takes what agents found,
//! [`presence`] judges what time alone changes.

pub mod cleanup;
pub mod clouds;
mod credential;
pub mod documents;
pub mod enrolment;
pub mod presence;
mod pulse;
pub mod reports;
mod run;
mod schedule;
mod services;
mod transitions;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use app::domain::change::Topic;
use async_trait::async_trait;

use self::{
    cleanup::Cleanup,
    clouds::{Accounts, CloudVpcs, Drivers},
    documents::{Documents, nodes::NodeDocuments},
    presence::Presence,
    reports::Intake,
    services::Lives,
};
pub use self::{
    pulse::Pulse,
    run::{Statuses, Wakes, run},
};
use crate::{crew::Crew, seal::Sealer, store::Store};

/// Agents' numbers are stored with a sign, and an epoch may be raised above what an agent claims.
pub const LARGEST_NUMBER: u64 = i64::MAX as u64 / 2;

/// When to look at a key again if nothing wakes us first.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Settled; the periodic sweep is enough.
    Settled,
    /// In motion; look again after this long.
    After(Duration),
}

/// How long a key may wait, and beside which others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    pub after: Duration,
    /// Keys of one lane wait for each other's steps; no lane waits for another.
    pub lane: String,
}

#[async_trait]
pub trait Controller: Send + Sync + 'static {
    type Key: Ord + Clone + Send + Sync + std::fmt::Display;
    const NAME: &'static str;
    /// How many keys of a lane may be under way at once.
    const AT_ONCE: usize = 1;

    /// Everything this controller answers for.
    async fn keys(&self) -> anyhow::Result<BTreeSet<Self::Key>>;

    /// The same with how long each may wait: it saves looking at what is not due.
    async fn due(&self) -> anyhow::Result<BTreeMap<Self::Key, Due>> {
        Ok(self.keys().await?.into_iter().map(|key| (key, Due::default())).collect())
    }

    /// Moves one thing a step closer to its desired state. Idempotent; compares before it writes.
    async fn reconcile(&self, key: &Self::Key) -> anyhow::Result<Next>;
}

/// Why an agent's request was not followed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("{0}")]
    Malformed(String),
    #[error("{0}")]
    Unauthenticated(String),
    /// The gateway or node was removed for good.
    #[error("{0}")]
    Gone(String),
    /// At odds with what the console knows.
    #[error("{0}")]
    Conflict(String),
    /// Ours, not the agent's.
    #[error(transparent)]
    Failed(anyhow::Error),
}

impl Refused {
    fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self::Failed(error.into())
    }
}

/// Every controller, running.
pub struct Reconcilers {
    pub statuses: Statuses,
    pub documents: Arc<Documents>,
    pub intake: Arc<Intake>,
    crew: Crew,
}

/// How the controllers of clouds work.
pub struct CloudSettings {
    pub drivers: Arc<dyn Drivers>,
    /// The longest time between two looks at a cloud VPC; `None`: each state has its own.
    pub interval: Option<Duration>,
}

/// Starts every controller. `silent_after`: seconds without a word from an agent until its gateway is in error.
///
/// # Errors
/// If the versions of the documents cannot be read.
pub async fn start(
    store: Store,
    sealer: Sealer,
    silent_after: u64,
    clouds: CloudSettings,
) -> anyhow::Result<Reconcilers> {
    let pulse = Pulse::new(store.feed().clone());
    let statuses = Statuses::new(pulse.clone());
    let documents = Arc::new(Documents::open(store.clone(), sealer).await?);
    let intake = Arc::new(Intake::new(store.clone(), documents.clone(), pulse.clone(), silent_after));
    let presence = Arc::new(Presence::new(store.clone(), intake.clone(), silent_after));
    let cleanup = Arc::new(Cleanup::new(store.clone()));
    let feed = store.feed();

    let mut crew = Crew::default();
    crew.spawn("the controller of documents", run(
        documents.clone(),
        "Derives the desired document of every gateway's host from the whole network; what differs becomes its next generation.",
        Wakes::numbered(feed),
        documents::PERIOD,
        statuses.clone(),
    ));
    crew.spawn(
        "the controller of node documents",
        run(
            Arc::new(NodeDocuments::new(documents.clone())),
            "Derives the firewall of every service node's host from the services and networks of its project; what differs becomes its next generation.",
            Wakes::numbered(feed),
            documents::PERIOD,
            statuses.clone(),
        ),
    );
    crew.spawn(
        "the controller of services",
        run(
            Arc::new(Lives::new(store.clone(), silent_after)),
            "Says that a service runs once every node serves, and takes old hosts away after a migration.",
            // What agents report is no change; the period is for states that follow from it.
            Wakes::numbered(feed),
            Duration::from_secs(5),
            statuses.clone(),
        ),
    );
    crew.spawn(
        "the controller of presence",
        run(
            presence,
            "Notices agents that fall silent or come back, and VPC peerings that are established or lost.",
            Wakes::topics(feed, &[Topic::Gateways, Topic::Peers, Topic::Services]),
            Duration::from_secs(5),
            statuses.clone(),
        ),
    );
    crew.spawn(
        "the controller of cleanup",
        run(
            cleanup,
            "Removes gateways and nodes whose host has cleaned up, and enrolment tokens that have expired.",
            Wakes::topics(feed, &[Topic::Gateways, Topic::Services]),
            Duration::from_secs(60),
            statuses.clone(),
        ),
    );
    crew.spawn(
        "the controller of clouds",
        run(
            Arc::new(CloudVpcs::new(store.clone(), clouds.drivers.clone(), clouds.interval)),
            "Makes cloud VPCs and their peering connections what was asked for, one call at a time, and reads what became of them.",
            Wakes::topics(feed, &[Topic::Vpcs, Topic::Connections, Topic::Accounts]),
            Duration::from_secs(60),
            statuses.clone(),
        ),
    );
    crew.spawn(
        "the controller of cloud accounts",
        run(
            Arc::new(Accounts::new(store.clone(), clouds.drivers)),
            "Asks every cloud whether it still knows the console, so that a revoked key is seen before somebody needs it.",
            Wakes::numbered(feed),
            Duration::from_secs(60),
            statuses.clone(),
        ),
    );
    crew.spawn("the writer of agents' reports", {
        let intake = intake.clone();
        async move { intake.keep_flushing().await }
    });
    crew.spawn("the pulse of observed values", async move { pulse.run().await });
    Ok(Reconcilers { statuses, documents, intake, crew })
}

impl Reconcilers {
    /// Which of them has ended, which none should. Never, while all run.
    pub async fn ended(&mut self) -> String {
        self.crew.ended().await
    }

    /// Stops the controllers between two steps and writes what agents have told so far.
    pub async fn stop(mut self) {
        self.crew.shutdown().await;
        if let Err(error) = self.intake.flush().await {
            tracing::error!(error = %error, "the last figures of the hosts could not be written");
        }
    }
}
