//! The four clouds as the console uses them: drivers that speak the vendors' APIs, and look-alikes
//! that answer to them on loopback where there is no account.
//!
//! This crate knows nothing of the console: a [`Wish`] comes in, a [`Pass`] goes out. States and
//! messages leave it as the cloud wrote them; what they mean to a person is `app::domain`'s to say.
//! It is a crate of its own, and not a user of `app`, so that editing a page never compiles it.
//!
//! A driver reads what is there ([`Cloud::observe`]), says what it saw ([`Cloud::report`], pure),
//! decides what is missing ([`Cloud::plan`], pure) and makes one idempotent call at a time
//! ([`Cloud::step`]). It compares before it writes and adopts what a lost answer left behind.

mod address;
pub mod aws;
pub mod azure;
mod failure;
pub mod google;
pub mod http;
pub mod lookalike;
mod private_link;
mod provide;
mod secret;
pub mod upcloud;
mod wish;

use std::collections::BTreeSet;

pub use self::{
    address::{AddressPart, AddressReport, AddressStanding, AddressWish},
    failure::{Class, Failure, Outcome},
    private_link::{LinkConnection, LinkPart, LinkReport, LinkStanding, LinkWish, Verdict},
    provide::{Provided, Provides, Want, provide},
    secret::Secret,
    wish::{
        ConnectionReport, ConnectionWish, NetworkReport, NetworkStanding, Opening, Peer, Reference, Report, Subject,
        Wish,
    },
};
pub(crate) use self::{failure::listed, provide::named};

/// One cloud account.
pub trait Cloud: Send + Sync {
    /// What the cloud has of one network and its connections, as its API tells it.
    type Seen: Send + Sync;
    /// One call that changes something.
    type Step: Send + std::fmt::Debug;

    /// Whether the credentials are good: who they belong to, in the cloud's words.
    fn check(&self) -> impl Future<Output = Outcome<String>> + Send;

    /// Reads the network and all of its connections. Changes nothing.
    fn observe(&self, wish: &Wish) -> impl Future<Output = Outcome<Self::Seen>> + Send;

    /// What the console keeps and shows of it.
    fn report(&self, wish: &Wish, seen: &Self::Seen) -> Report;

    /// The next call for every subject that is not as wished; in the order in which they should be made.
    fn plan(&self, wish: &Wish, seen: &Self::Seen) -> Vec<(Subject, Self::Step)>;

    /// Makes one call. Doing it twice is doing it once.
    fn step(&self, wish: &Wish, step: Self::Step) -> impl Future<Output = Outcome<()>> + Send;
}

/// What one look at a network brought.
#[derive(Debug)]
pub struct Pass {
    /// What was seen before anything was changed.
    pub report: Report,
    /// The calls that were made, as text for the log; secrets are in none of them.
    pub made: Vec<(Subject, String)>,
    /// What went wrong, and with what. The other subjects went on.
    pub failed: Vec<(Subject, Failure)>,
}

impl Pass {
    /// Whether another pass at once would find more to do. A cloud that asked for patience has it first.
    pub fn moved(&self) -> bool {
        !self.made.is_empty() && self.failed.iter().all(|(_, failure)| failure.retry_after.is_none())
    }
}

/// Observes, then makes the next call for every subject that needs one.
///
/// # Errors
/// If the network could not be read at all; then nothing was changed.
pub async fn pass<C: Cloud>(cloud: &C, wish: &Wish) -> Outcome<Pass> {
    let seen = cloud.observe(wish).await?;
    let mut pass = Pass { report: cloud.report(wish, &seen), made: Vec::new(), failed: Vec::new() };
    let mut done = BTreeSet::new();
    for (subject, step) in cloud.plan(wish, &seen) {
        if !done.insert(subject) {
            continue;
        }
        let text = format!("{step:?}");
        match cloud.step(wish, step).await {
            Ok(()) => pass.made.push((subject, text)),
            Err(failure) => pass.failed.push((subject, failure)),
        }
    }
    Ok(pass)
}
