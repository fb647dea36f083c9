//! The shape of [`Cloud`](crate::Cloud) for what stands beside a network: static addresses and private links.
//!
//! A wish is about one thing; what is made of it in the cloud is found again by its id. A look is read, told
//! (pure), judged (pure), and every part of the thing that is not as wished gets one call.

use std::{collections::BTreeSet, fmt::Debug};

use uuid::Uuid;

use crate::{Failure, Outcome};

/// What a thing is called in clouds where things have names: its kind and the id's last twelve digits. Not its
/// first ones: ids are made of the time, and those of one minute begin alike.
pub(crate) fn named(kind: &str, id: Uuid) -> String {
    let id = id.simple().to_string();
    format!("{}{}", prefix(kind), &id[id.len() - 12..])
}

/// How the names of all things of a kind begin.
pub(crate) fn prefix(kind: &str) -> String {
    format!("console-{kind}-")
}

/// A thing as it should be.
pub trait Want: Send + Sync {
    /// What of the thing a call is about: a part that is stuck does not hold up the others.
    type Part: Clone + Debug + Ord + Send;
    type Report: Debug + Send;
}

/// An account of a cloud that has such things.
pub trait Provides<W: Want>: Send + Sync {
    /// What the cloud has of the thing, as its API tells it.
    type Seen: Send + Sync;
    /// One call that changes something.
    type Step: Send + Debug;

    /// Reads the thing. Changes nothing.
    fn observe(&self, wish: &W) -> impl Future<Output = Outcome<Self::Seen>> + Send;

    /// What the console keeps and shows of it.
    fn report(&self, wish: &W, seen: &Self::Seen) -> W::Report;

    /// The calls that are left to make; the first of each part is next.
    fn plan(&self, wish: &W, seen: &Self::Seen) -> Vec<(W::Part, Self::Step)>;

    /// Makes one call. Doing it twice is doing it once.
    fn step(&self, wish: &W, step: Self::Step) -> impl Future<Output = Outcome<()>> + Send;
}

/// What one look at a thing brought.
#[derive(Debug)]
pub struct Provided<W: Want> {
    /// What was seen before anything was changed.
    pub report: W::Report,
    /// The calls that were made, as text for the log; secrets are in none of them.
    pub made: Vec<(W::Part, String)>,
    /// What went wrong, and with what. The other parts went on.
    pub failed: Vec<(W::Part, Failure)>,
}

impl<W: Want> Provided<W> {
    /// Whether another pass at once would find more to do. A cloud that asked for patience has it first.
    pub fn moved(&self) -> bool {
        !self.made.is_empty() && self.failed.iter().all(|(_, failure)| failure.retry_after.is_none())
    }
}

/// Observes, then makes the next call for every part that needs one.
///
/// # Errors
/// If the thing could not be read at all; then nothing was changed.
pub async fn provide<W: Want, C: Provides<W>>(cloud: &C, wish: &W) -> Outcome<Provided<W>> {
    let seen = cloud.observe(wish).await?;
    let mut provided = Provided { report: cloud.report(wish, &seen), made: Vec::new(), failed: Vec::new() };
    let mut done = BTreeSet::new();
    for (part, step) in cloud.plan(wish, &seen) {
        if !done.insert(part.clone()) {
            continue;
        }
        let text = format!("{step:?}");
        match cloud.step(wish, step).await {
            Ok(()) => provided.made.push((part, text)),
            Err(failure) => provided.failed.push((part, failure)),
        }
    }
    Ok(provided)
}
