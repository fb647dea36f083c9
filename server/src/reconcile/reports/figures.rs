//! The figures of one gateway's peers between two writes.

use std::collections::{BTreeSet, HashMap};

use app::domain::{GatewayId, PeerId, PublicKey, Timestamp, host::PeerReport};

use super::node::NodeDesk;
use crate::{
    reconcile::{Refused, documents::Documents},
    store::{Store, hosts::Figures},
};

/// Above this many unknown keys in one report, all peers are read at once.
const FEW: usize = 50;
/// The rows of one write: others want to write too.
const BATCH: usize = 400;

/// What one agent has told: of a gateway's peers, or of a node's firewall.
#[derive(Default)]
pub struct Desk {
    pub node: NodeDesk,
    known: HashMap<PublicKey, (PeerId, Figures)>,
    dirty: BTreeSet<PublicKey>,
    /// The agent was asked for everything since this process started.
    pub told_everything: bool,
}

impl Desk {
    /// Learns the peers that a report tells of. `current`: the host claims to have the newest document.
    ///
    /// # Errors
    /// If the report tells of another gateway's peers. A host that is behind may tell of peers that were removed by now,
    /// and what nobody knows is passed over.
    pub async fn know(
        &mut self,
        store: &Store,
        documents: &Documents,
        gateway: GatewayId,
        peers: &[PeerReport],
        current: bool,
    ) -> Result<(), Refused> {
        let unknown = |desk: &Self| -> Vec<PublicKey> {
            peers.iter().map(|peer| peer.public_key).filter(|key| !desk.known.contains_key(key)).collect()
        };
        let mut missing = unknown(self);
        if missing.len() > FEW {
            for (key, row) in store.figures(gateway).await.map_err(Refused::failed)? {
                self.known.entry(key).or_insert(row);
            }
        } else {
            for key in missing {
                if let Some(row) = store.figures_of(gateway, key).await.map_err(Refused::failed)? {
                    self.known.insert(key, row);
                }
            }
        }
        missing = unknown(self);
        if !current {
            return Ok(());
        }
        for key in missing.into_iter().filter(|key| !documents.knows_peer(gateway, *key)).take(FEW) {
            if store.is_peer_elsewhere(gateway, key).await.map_err(Refused::failed)? {
                return Err(Refused::Conflict(format!(
                    "{} is no peer of this gateway, but of another one.",
                    key.short()
                )));
            }
        }
        Ok(())
    }

    /// Takes figures over in memory. Tells whether there is anything to write.
    pub fn take(&mut self, peers: &[PeerReport], now: Timestamp) -> bool {
        for peer in peers {
            let Some((_, figures)) = self.known.get_mut(&peer.public_key) else { continue };
            let before = figures.clone();
            figures.count(peer.received, peer.sent, now);
            // A host's clock may run ahead; a handshake from the future would count as fresh for ever.
            let handshake = peer.handshake.filter(|at| at.0 > 0).map(|at| at.min(now));
            figures.observed.handshake = figures.observed.handshake.max(handshake);
            figures.observed.endpoint = peer.endpoint;
            if *figures != before {
                self.dirty.insert(peer.public_key);
            }
        }
        !self.dirty.is_empty()
    }

    /// Some of what has to be written. It is no longer due; [`Desk::again`] takes it back.
    pub fn due(&mut self) -> Vec<(PublicKey, (PeerId, Figures))> {
        let keys: Vec<PublicKey> = self.dirty.iter().take(BATCH).copied().collect();
        for key in &keys {
            self.dirty.remove(key);
        }
        keys.into_iter().filter_map(|key| Some((key, self.known.get(&key)?.clone()))).collect()
    }

    /// The write has failed.
    pub fn again(&mut self, keys: impl IntoIterator<Item = PublicKey>) {
        self.dirty.extend(keys);
    }

    /// One of the peers was deleted, and perhaps made anew with the same key: their rows are looked up again.
    pub fn forget(&mut self, keys: impl IntoIterator<Item = PublicKey>) {
        for key in keys {
            self.known.remove(&key);
            self.dirty.remove(&key);
        }
    }
}
