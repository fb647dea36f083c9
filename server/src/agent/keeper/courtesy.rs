//! Lets the other gateway call first, and calls it when it is time.

use std::collections::BTreeMap;

use app::domain::plan::{HostState, Step, calls_due};
use tokio::time::Instant;

use super::Keeper;

impl Keeper {
    /// Remembers whom a step that was done left to call us.
    pub(super) fn note_waiting(&mut self, step: &Step) {
        match step {
            Step::SetPeers { remove, set } => {
                for key in remove.iter().chain(set.iter().filter(|set| set.keepalive).map(|set| &set.peer.public_key)) {
                    self.waiting.remove(key);
                }
                let added = set.iter().filter(|set| set.answering).map(|set| set.peer.public_key);
                self.waiting.extend(added.map(|key| (key, Instant::now())));
            }
            Step::RemoveInterface => self.waiting.clear(),
            _ => {}
        }
    }

    /// Tells a host that was read which of its peers are left to call us.
    pub(super) fn mark_waiting(&self, found: &mut HostState) {
        for (key, peer) in &mut found.peers {
            peer.answering = self.waiting.contains_key(key);
        }
    }

    /// Completes the peers that have called, or had time to. True: some peer was not complete when this began.
    pub(super) async fn call_back(&mut self, found: &HostState) -> bool {
        let Some(held) = &self.held else { return false };
        // Whoever is no longer wanted, or was taken off the host, is the plan's business.
        self.waiting.retain(|key, _| held.document.peers.contains_key(key) && found.peers.contains_key(key));
        if self.waiting.is_empty() {
            return false;
        }
        let milliseconds = |since: &Instant| since.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        let waited: BTreeMap<_, _> = self.waiting.iter().map(|(key, since)| (*key, milliseconds(since))).collect();
        if let Some(step) = calls_due(&waited, &held.document.peers, found) {
            self.turn += 1;
            if let Err(error) = self.perform(&[step]).await {
                self.fail(&error);
            }
        }
        true
    }
}
