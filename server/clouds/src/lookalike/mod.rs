//! Clouds on loopback that the real drivers cannot tell from the vendors': the default where there is no account.
//!
//! Each vendor has a listener of its own that speaks its wire format, checks its credentials and keeps
//! its world in tables that nobody else reads. Whatever comes of itself falls due by the clock, never
//! because somebody looked. The other side of a peering is a second account that signs in separately
//! and acts by the same API; no call sets a state. Every answer says that it is simulated.
//!
//! # A vendor
//! is one [`Vendor`]: plain functions over its [`World`], without I/O and without waiting. What it
//! changes in the world is committed before the caller hears of it, and taken back if it answers
//! `Err`. It adds a field to [`Lookalikes`] and a line to [`Lookalikes::start`], and no table: a thing is
//! a value of its enum, kept as JSON under an id that is unique in its world and sorts by kind
//! (`vpc-0a…`, `projects/p/global/networks/n`), so that [`World::under`] lists one kind.
//!
//! - Delays are drawn by [`World::due`]`("VpcPeeringConnection/provisioning")`: the name is what a [`Fault`] can hold up.
//!   The thing keeps the moment, [`Vendor::due`] tells it, [`Vendor::ripen`] makes the transition, at its own time.
//! - What was made less than `settle` ago may be unknown to a read yet: [`World::settled`].
//! - Failures by rule need nothing of a vendor but [`Vendor::action`] (the name of a call) and
//!   [`Vendor::refusal`] (how this vendor writes an error).

pub mod aws;
pub mod azure;
mod clock;
mod fault;
pub mod google;
mod listen;
mod store;
pub mod theirs;
pub mod upcloud;
mod wire;
mod world;

use std::{net::SocketAddr, ops::RangeInclusive, sync::Arc, time::Duration};

pub use self::{
    clock::Clock,
    fault::{Effect, Fault, Standing, Use},
    listen::Running,
    wire::{Call, Reply},
    world::{Side, Vendor, World},
};

/// How the simulated clouds behave, and where they listen.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long what happens by itself takes; drawn anew each time.
    pub delay: RangeInclusive<Duration>,
    /// For how long what was just made may be unknown to a read.
    pub settle: Duration,
    /// Port 0 is any that is free. Only loopback is accepted.
    pub aws: SocketAddr,
    pub google: SocketAddr,
    pub azure: SocketAddr,
    pub upcloud: SocketAddr,
}

impl Default for Settings {
    fn default() -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            delay: Duration::from_secs(2)..=Duration::from_secs(15),
            settle: Duration::from_millis(500),
            aws: anywhere,
            google: anywhere,
            azure: anywhere,
            upcloud: anywhere,
        }
    }
}

impl Settings {
    /// For tests: everything that is due happens before the next call.
    pub fn immediate() -> Self {
        Self { delay: Duration::ZERO..=Duration::ZERO, settle: Duration::ZERO, ..Self::default() }
    }
}

/// All look-alike clouds of one installation, running. They stop when this is dropped.
pub struct Lookalikes {
    pub aws: Running<aws::Aws>,
    pub google: Running<google::Google>,
    pub azure: Running<azure::Azure>,
    pub upcloud: Running<upcloud::UpCloud>,
    clock: Arc<Clock>,
    settle: Duration,
}

impl Lookalikes {
    /// Opens the world (`sqlite:PATH` or `postgres://…`), makes accounts if there are none, and listens.
    ///
    /// # Errors
    /// In a sentence, if the database cannot be used or an address cannot be listened on.
    pub async fn start(database_url: &str, settings: &Settings) -> anyhow::Result<Self> {
        let store = store::Store::open(database_url).await?;
        let clock = Arc::new(Clock::at(store.fact("clock.ahead").await?.and_then(|text| text.parse().ok())));
        let pace = world::Pace::of(settings);
        Ok(Self {
            aws: Running::start(settings.aws, pace.clone(), store.clone(), clock.clone()).await?,
            google: Running::start(settings.google, pace.clone(), store.clone(), clock.clone()).await?,
            azure: Running::start(settings.azure, pace.clone(), store.clone(), clock.clone()).await?,
            upcloud: Running::start(settings.upcloud, pace.clone(), store.clone(), clock.clone()).await?,
            clock,
            settle: settings.settle,
        })
    }

    /// For how long what was just made may be unknown to a read.
    pub fn settle(&self) -> Duration {
        self.settle
    }

    /// What time it is in the simulated clouds, in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Moves the clock of all simulated clouds ahead, for good: for tests of what takes days.
    ///
    /// # Errors
    /// If it could not be written down.
    pub async fn advance(&self, by: Duration) -> anyhow::Result<()> {
        let ahead = self.clock.advance(by);
        self.aws.note("clock.ahead", &ahead.to_string()).await
    }
}

/// For accounts, whose secrets have to be written down to be checked.
fn exposed<S: serde::Serializer>(secret: &crate::Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}
