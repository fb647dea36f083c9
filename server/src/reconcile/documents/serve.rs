//! Documents as agents are given them: at once if there is a newer one, else when there is, else not.

use std::{sync::Arc, time::Duration};

use app::domain::{
    PublicKey,
    change::Facts,
    host::HostId,
    tunnel::{Change, Document, Hash, Version},
};
use serde::Serialize;
use tokio::time::Instant;

use super::{Documents, Slot};
use crate::{
    clock,
    reconcile::transitions::{self, AUTOMATION},
    store::{StoreError, transact},
};

/// What an agent that asks for a document is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// A [`app::domain::host::Delivery`], in JSON.
    Newer(Vec<u8>),
    /// It has the newest one.
    Nothing,
    /// The gateway or node was removed while the agent waited.
    Gone,
    /// What the agent says it has is beyond anything that this host can have been given.
    Beyond,
}

/// How far a host can be ahead of a database that was put back: edits of one gateway, and restores. An agent that lies within
/// it moves its own host's numbers on; that they never end takes a bound.
const MOST_AHEAD: u64 = 1 << 24;

fn is_beyond(held: &Version, current: &Version) -> bool {
    held.generation > current.generation.saturating_add(MOST_AHEAD)
        || held.epoch > current.epoch.saturating_add(MOST_AHEAD)
}

/// [`app::domain::host::Delivery`] without owning a document of 10,000 peers. Both must have the same text; a test compares them.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Borrowed<'a> {
    Full { version: &'a Version, document: &'a Document },
    Changes { from: &'a Version, version: &'a Version, change: &'a Change },
}

impl Documents {
    /// Waits at most this long for a document other than the one that the agent has.
    ///
    /// # Errors
    /// If the database cannot take a raised epoch.
    pub async fn newer(&self, host: HostId, held: Option<&Version>, wait: Duration) -> anyhow::Result<Answer> {
        let until = Instant::now() + wait;
        let Some(slot) = self.slot_soon(host, until).await else { return Ok(Answer::Gone) };
        let mut served = slot.served.subscribe();
        // The slot must not keep its own channel open while we wait: a removed gateway ends the wait.
        let weak = Arc::downgrade(&slot);
        drop(slot);
        loop {
            let current = served.borrow_and_update().clone();
            if let Some(current) = current {
                let Some(slot) = weak.upgrade() else { return Ok(Answer::Gone) };
                if held != Some(&current) {
                    match held {
                        Some(held) if is_beyond(held, &current) => return Ok(Answer::Beyond),
                        Some(held) if (held.epoch, held.generation) >= (current.epoch, current.generation) => {
                            self.raise_epoch(host, &slot, held).await?;
                        }
                        _ => {
                            if let Some(delivery) = delivery(&slot, held) {
                                return Ok(Answer::Newer(delivery));
                            }
                        }
                    }
                }
            }
            match tokio::time::timeout_at(until, served.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ok(Answer::Gone),
                Err(_) => return Ok(Answer::Nothing),
            }
        }
    }

    /// A gateway or node that was made a moment ago has its slot after the next pass.
    async fn slot_soon(&self, host: HostId, until: Instant) -> Option<Arc<Slot>> {
        loop {
            if let Some(slot) = self.slot(host) {
                return Some(slot);
            }
            if Instant::now() >= until {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The agent has a document that this database never made, so an older copy of it was put back. The next document gets
    /// an epoch above the agent's, which no agent refuses. Only this host's: one lying agent disturbs nobody else.
    async fn raise_epoch(&self, host: HostId, slot: &Slot, held: &Version) -> anyhow::Result<()> {
        let _turn = slot.turn.lock().await;
        let before = slot.derived().version.clone();
        if (before.epoch, before.generation) > (held.epoch, held.generation) {
            return Ok(());
        }
        let generation = before.generation.max(held.generation);
        let epoch = before.epoch.max(held.epoch) + 1;
        // The commit wakes whoever derives, who must not find the document settled before it is raised here, too.
        slot.derived().forget_freshness();
        let raised = transact!(self.store, clock::now(), |tx| {
            let Some(scope) = tx.host(host).await? else { return Err(StoreError::NotFound) };
            tx.set_version(host, &Version { epoch, generation, hash: Hash(String::new()) }).await?;
            let number = |epoch, generation| ("document".to_owned(), format!("epoch {epoch}, generation {generation}"));
            let reason = format!(
                "The agent already has epoch {}, generation {}: an older copy of the database was put back.",
                held.epoch, held.generation
            );
            let was = Facts::from([number(before.epoch, before.generation)]);
            let is = Facts::from([number(epoch, generation + 1), ("reason".to_owned(), reason)]);
            transitions::note_as(tx, AUTOMATION, &scope, transitions::kinds(&scope).state, was, is).await
        });
        match raised {
            Ok(_) => {}
            Err(StoreError::NotFound) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        tracing::warn!(host.id = %host, role = %host.role(), epoch, held.epoch, held.generation, "an agent has a newer document than the database knows; its host's epoch was raised");
        slot.derived().raise_epoch(epoch, generation);
        Ok(())
    }

    /// Whether the host's document holds or lately held a peer with this key.
    pub fn knows_peer(&self, of: impl Into<HostId>, key: PublicKey) -> bool {
        self.slot(of.into()).is_some_and(|slot| {
            let derived = slot.derived();
            derived.document.peers.contains_key(&key) || derived.held_lately(key)
        })
    }
}

/// `None` while the epoch has been raised and the next document is being derived.
fn delivery(slot: &Slot, held: Option<&Version>) -> Option<Vec<u8>> {
    let (version, document, change) = {
        let derived = slot.derived();
        (derived.version.clone(), derived.document.clone(), held.and_then(|held| derived.change_since(held)))
    };
    if version.hash.0.is_empty() {
        return None;
    }
    let borrowed = match (held, &change) {
        (Some(from), Some(change)) => Borrowed::Changes { from, version: &version, change },
        _ => Borrowed::Full { version: &version, document: &document },
    };
    Some(serde_json::to_vec(&borrowed).expect("plain data serializes"))
}

#[cfg(test)]
mod tests {
    use app::domain::{host::Delivery, tunnel::Hash};

    use super::*;

    #[test]
    fn what_is_lent_has_the_same_text_as_what_is_owned() {
        let version = Version { epoch: 1, generation: 2, hash: Hash("ab".to_owned()) };
        let (document, change) = (Document::empty(), Change::default());
        let lent = Borrowed::Full { version: &version, document: &document };
        let owned = Delivery::Full { version: version.clone(), document: document.clone() };
        assert_eq!(serde_json::to_string(&lent).ok(), serde_json::to_string(&owned).ok());
        let lent = Borrowed::Changes { from: &version, version: &version, change: &change };
        let owned = Delivery::Changes { from: version.clone(), version: version.clone(), change: change.clone() };
        assert_eq!(serde_json::to_string(&lent).ok(), serde_json::to_string(&owned).ok());
    }
}
