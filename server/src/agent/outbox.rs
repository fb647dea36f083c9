//! What the agent has to tell, and the task that tells it.
//!
//! At once when something was applied, verified or drifted; else every five seconds, with
//! the figures that changed. Whoever fills the outbox never waits for the console. A
//! difference that was repaired before it could be told is told first, so that nothing that
//! happened on a host stays unseen.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use app::domain::{
    PublicKey,
    host::{ApplyError, Drift, HostFacts, PeerReport, Report},
    service::node::NodeReport,
    tunnel::Version,
};
use tokio::{sync::Notify, time::timeout};

use super::{backoff::Backoff, client::Client, credential::Bearer};

const PERIOD: Duration = Duration::from_secs(5);

/// Filled by the keeper, emptied by [`Outbox::tell`].
#[derive(Default)]
pub struct Outbox {
    contents: Mutex<Contents>,
    wake: Notify,
}

#[derive(Default)]
struct Contents {
    status: Status,
    /// Seen and repaired since the last report.
    passed: Option<Vec<Drift>>,
    facts: Option<HostFacts>,
    facts_told: bool,
    figures: BTreeMap<PublicKey, PeerReport>,
    told: BTreeMap<PublicKey, PeerReport>,
    node: Option<NodeReport>,
    node_told: Option<NodeReport>,
}

/// Where the host stands. Every change of it is worth a report of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    pub applied: Option<Version>,
    pub verified: Option<Version>,
    pub error: Option<ApplyError>,
    pub drift: Vec<Drift>,
    pub cleaned: bool,
}

impl Outbox {
    pub fn set_status(&self, status: &Status) {
        let mut contents = self.contents();
        if contents.status == *status {
            return;
        }
        if contents.passed.is_none() && !contents.status.drift.is_empty() && status.drift.is_empty() {
            contents.passed = Some(std::mem::take(&mut contents.status.drift));
        }
        contents.status = status.clone();
        self.wake.notify_one();
    }

    pub fn set_facts(&self, facts: &HostFacts) {
        let mut contents = self.contents();
        if contents.facts.as_ref() != Some(facts) {
            contents.facts = Some(facts.clone());
            contents.facts_told = false;
            self.wake.notify_one();
        }
    }

    pub fn facts(&self) -> Option<HostFacts> {
        self.contents().facts.clone()
    }

    pub fn set_figures(&self, figures: BTreeMap<PublicKey, PeerReport>) {
        self.contents().figures = figures;
    }

    pub fn set_node(&self, node: NodeReport) {
        self.contents().node = Some(node);
    }

    fn contents(&self) -> std::sync::MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next report, and whether another one has to follow at once.
    fn compose(&self) -> (Report, bool) {
        let contents = self.contents();
        let Status { applied, verified, error, drift, cleaned } = contents.status.clone();
        let more = contents.passed.is_some();
        let drift = contents.passed.clone().unwrap_or(drift);
        let changed = contents.figures.values().filter(|peer| contents.told.get(&peer.public_key) != Some(peer));
        let peers = changed.cloned().collect();
        let facts = contents.facts.clone().filter(|_| !contents.facts_told);
        let node = contents.node.clone().filter(|_| contents.node != contents.node_told);
        (Report { applied, verified, error, drift, peers, node, facts, cleaned }, more)
    }

    fn answered(&self, report: Report, resend: bool) {
        let mut contents = self.contents();
        if contents.passed.as_ref() == Some(&report.drift) {
            contents.passed = None;
        }
        if resend {
            contents.facts_told = false;
            contents.told.clear();
            contents.node_told = None;
            return;
        }
        if report.facts.is_some() && report.facts == contents.facts {
            contents.facts_told = true;
        }
        if report.node.is_some() {
            contents.node_told = report.node;
        }
        let Contents { told, figures, .. } = &mut *contents;
        told.extend(report.peers.into_iter().map(|peer| (peer.public_key, peer)));
        if told.len() > figures.len() {
            told.retain(|key, _| figures.contains_key(key));
        }
    }

    /// Tells the console for as long as the process lives.
    pub async fn tell(&self, mut client: Client, bearer: Bearer) {
        let mut backoff = Backoff::default();
        let mut at_once = true;
        loop {
            if !at_once {
                let _ = timeout(PERIOD, self.wake.notified()).await;
            }
            let (report, more) = self.compose();
            match client.report(&bearer.get(), &report).await {
                Ok(resend) => {
                    backoff.reset();
                    at_once = more || resend;
                    self.answered(report, resend);
                    if resend {
                        // Twice in a row: not at once again.
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
                Err(trouble) => {
                    // The long-poll says so in the log, and knows what to do.
                    tracing::debug!(%trouble, "a report was not taken");
                    backoff.wait().await;
                    at_once = true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use app::domain::{Timestamp, service::node::RuleCounter};

    use super::*;

    fn figure(key: u8, received: u64) -> (PublicKey, PeerReport) {
        let public_key = PublicKey::from_bytes([key; 32]);
        (public_key, PeerReport { public_key, handshake: None, received, sent: 0, endpoint: None })
    }

    fn drift() -> Drift {
        let text = |text: &str| text.to_owned();
        Drift {
            subject: text("route"),
            field: text("10.0.0.0/16"),
            wanted: text("dev wg0"),
            found: text("missing"),
            since: Timestamp(1),
        }
    }

    #[test]
    fn only_figures_that_changed_are_told_again_until_the_console_wants_all() {
        let outbox = Outbox::default();
        outbox.set_figures([figure(1, 10), figure(2, 20)].into());
        let (report, _) = outbox.compose();
        assert_eq!(report.peers.len(), 2);
        outbox.answered(report, false);
        outbox.set_figures([figure(1, 10), figure(2, 21)].into());
        let (report, _) = outbox.compose();
        assert_eq!(report.peers.iter().map(|peer| peer.received).collect::<Vec<_>>(), [21]);
        outbox.answered(report, true);
        assert_eq!(outbox.compose().0.peers.len(), 2);
    }

    #[test]
    fn what_a_node_counted_is_told_when_it_changed_and_when_the_console_wants_all() {
        let outbox = Outbox::default();
        let counted = |packets| NodeReport {
            counters: vec![RuleCounter { rule: "peered".to_owned(), packets, bytes: 60 }],
            refused: Vec::new(),
        };
        assert_eq!(outbox.compose().0.node, None, "a gateway's host has none");
        outbox.set_node(counted(1));
        outbox.answered(outbox.compose().0, false);
        outbox.set_node(counted(1));
        assert_eq!(outbox.compose().0.node, None);
        outbox.set_node(counted(2));
        assert_eq!(outbox.compose().0.node, Some(counted(2)));
        outbox.answered(outbox.compose().0, true);
        assert_eq!(outbox.compose().0.node, Some(counted(2)));
    }

    #[test]
    fn a_report_that_was_not_answered_is_told_again() {
        let outbox = Outbox::default();
        outbox.set_figures([figure(1, 10)].into());
        assert_eq!(outbox.compose(), outbox.compose());
    }

    #[test]
    fn a_difference_that_was_repaired_before_anybody_asked_is_told_before_the_repair() {
        let outbox = Outbox::default();
        outbox.set_status(&Status { drift: vec![drift()], ..Status::default() });
        outbox.set_status(&Status::default());
        let (report, more) = outbox.compose();
        assert_eq!((report.drift.len(), more), (1, true));
        outbox.answered(report, false);
        let (report, more) = outbox.compose();
        assert_eq!((report.drift.len(), more), (0, false));
    }
}
