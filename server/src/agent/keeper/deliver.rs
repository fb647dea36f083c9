//! Takes a document or refuses it, and applies what it changes.

use std::collections::BTreeSet;

use anyhow::Result;
use app::domain::{
    PublicKey,
    host::{ApplyError, Delivery, HostRole, Offer},
    peer::PeerKind,
    plan::{Peers, plan_change},
    tunnel::{Change, Document, PeerSum, Version},
};
use tokio::time::Instant;

use super::{Keeper, number, sum_of};
use crate::{agent::poll::Next, clock};

/// Why a document is not taken.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(
        "The console offered document {offered}, which is older than {held}, the one in force. It was refused; if an old copy of the database was put back, raise its epoch."
    )]
    Older { offered: String, held: String },
    #[error(
        "The console offered another document with the same number {0}. It was refused: one number has one meaning."
    )]
    Changed(String),
    #[error("Document {0} does not have the hash that came with it. It was refused.")]
    Hash(String),
    #[error(
        "This agent ({agent}) is older than the console, and document {offered} asks for something that it does not know. It was refused, and {stays}. Install the console's Causeway on this host and restart the agent.",
        agent = env!("CARGO_PKG_VERSION")
    )]
    Beyond { offered: String, stays: &'static str },
    #[error("Document {offered} is for the host of a {theirs}, and this is the host of a {ours}. It was refused.")]
    Role { offered: String, theirs: HostRole, ours: HostRole },
}

impl Keeper {
    /// Takes a document, or says no. Applied when this returns.
    pub async fn deliver(&mut self, offer: Offer) -> Next {
        match offer {
            Offer::Understood(delivery) => match *delivery {
                Delivery::Full { version, document } => self.deliver_full(version, document).await,
                Delivery::Changes { from, version, change } => self.deliver_change(&from, version, change).await,
            },
            Offer::Beyond(version) => {
                let refused = self.admit(&version).err().unwrap_or_else(|| Refused::Beyond {
                    offered: number(&version),
                    stays: self.role().unwrap_or(HostRole::Gateway).stays(),
                });
                self.refuse(version, &refused)
            }
        }
    }

    async fn deliver_full(&mut self, version: Version, document: Document) -> Next {
        if let Err(refused) = self.admit(&version) {
            return self.refuse(version, &refused);
        }
        let sum = sum_of(&document);
        if document.hash_with(&sum) != version.hash {
            return self.refuse(version.clone(), &Refused::Hash(number(&version)));
        }
        if let (Some(ours), Some(theirs)) = (self.role, document.role())
            && ours != theirs
        {
            let offered = number(&version);
            return self.refuse(version, &Refused::Role { offered, theirs, ours });
        }
        if self.held.as_ref().is_some_and(|held| held.version == version) {
            return self.next();
        }
        let stored = self.state.set_document(&version, &document);
        self.to_store.document |= stored.is_err();
        match &self.held {
            Some(held) if !held.document.is_empty() => {
                let change = held.document.change_to(&document);
                self.change(version, change, sum, stored).await
            }
            _ => {
                let held = self.hold(version, document, sum);
                self.whole = true;
                self.apply_whole(stored.and(held)).await
            }
        }
    }

    async fn deliver_change(&mut self, from: &Version, version: Version, change: Change) -> Next {
        if let Err(refused) = self.admit(&version) {
            return self.refuse(version, &refused);
        }
        let Some(held) = self.held.as_ref().filter(|held| held.version == *from) else {
            // Not made for what we have: ask for the whole.
            return Next { have: None, refused: false };
        };
        let mut sum = held.sum;
        let touched = change.set.iter().map(|peer| &peer.public_key).chain(&change.removed);
        touched.filter_map(|key| held.document.peers.get(key)).for_each(|peer| sum.remove(peer));
        change.set.iter().for_each(|peer| sum.add(peer));
        let gateway = change.gateway.clone().unwrap_or_else(|| held.document.gateway.clone());
        let node = change.node.clone().unwrap_or_else(|| held.document.node.clone());
        if (Document { gateway, node, peers: Peers::new() }).hash_with(&sum) != version.hash {
            tracing::warn!(
                generation = version.generation,
                "a change does not lead to its hash; asking for the whole document"
            );
            return Next { have: None, refused: false };
        }
        let stored = self.state.add_change(from, &version, &change);
        self.to_store.document |= *stored.as_ref().unwrap_or(&true);
        self.change(version, change, sum, stored.map(drop)).await
    }

    /// Older news is none; one number has one meaning.
    fn admit(&self, version: &Version) -> Result<(), Refused> {
        let Some(held) = &self.held else { return Ok(()) };
        let order = |version: &Version| (version.epoch, version.generation);
        if order(version) < order(&held.version) {
            return Err(Refused::Older { offered: number(version), held: number(&held.version) });
        }
        if order(version) == order(&held.version) && version.hash != held.version.hash {
            return Err(Refused::Changed(number(version)));
        }
        Ok(())
    }

    fn refuse(&mut self, version: Version, refused: &Refused) -> Next {
        let message = refused.to_string();
        // It is offered again every few seconds.
        if self.logged.as_ref() != Some(&message) {
            tracing::error!("{message}");
            self.logged = Some(message.clone());
        }
        self.status.error = Some(ApplyError { version, message });
        self.outbox.set_status(&self.status);
        Next { have: self.have(), refused: true }
    }

    /// The console has nothing newer than what is in force: what it was refused for is settled.
    pub fn settled(&mut self) {
        let held = self.held.as_ref().map(|held| &held.version);
        if self.status.error.as_ref().is_some_and(|error| Some(&error.version) != held) {
            self.status.error = None;
            self.outbox.set_status(&self.status);
        }
    }

    /// From the document in force to the next one, by what changed.
    async fn change(&mut self, version: Version, change: Change, sum: PeerSum, stored: Result<()>) -> Next {
        let began = Instant::now();
        let held = self.held.as_mut().expect("a change has something to change");
        let touched: BTreeSet<PublicKey> =
            change.set.iter().map(|peer| peer.public_key).chain(change.removed.iter().copied()).collect();
        let only = |peers: &Peers| -> Peers {
            touched.iter().filter_map(|key| peers.get(key)).map(|peer| (peer.public_key, peer.clone())).collect()
        };
        let old = only(&held.document.peers);
        let before = held.document.repairs();
        let gateway_changed = change.gateway.is_some() || change.node.is_some();
        held.document.apply(change);
        (held.version, held.sum) = (version, sum);
        let new = only(&held.document.peers);
        self.whole |= held.document.repairs() > before;

        // Routes and firewall follow from everything but road warriors.
        let routed = |peers: &Peers| peers.values().any(|peer| peer.kind != PeerKind::RoadWarrior);
        let same = !gateway_changed && !routed(&old) && !routed(&new);
        if self.whole || held.document.is_empty() {
            let reframed = self.reframe();
            self.whole = true;
            return self.apply_whole(stored.and(reframed)).await;
        }
        let now = clock::now();
        let steps = if same {
            plan_change((&held.frame, &old), (&held.frame, &new), now)
        } else {
            let was = held.frame.clone();
            if let Err(error) = self.reframe() {
                self.fail(&error);
            }
            let held = self.held.as_ref().expect("still held");
            plan_change((&was, &old), (&held.frame, &new), now)
        };
        let done = self.perform(&steps).await;
        self.applied(done.and(stored), began, steps.len());
        self.next()
    }
}
