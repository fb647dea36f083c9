//! Keeps the host as the last document says.
//!
//! A newer document is stored, then applied as the difference to the last one, on a host
//! that is believed to show it: one changed peer costs one message, however many there are.
//! Belief is checked: the host is read back within a second of every change and every two
//! seconds anyway, and what differs is repaired, or told and left alone where a person wants
//! to be asked. A host that was restarted is put right in either case.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Result;
use app::domain::{
    PublicKey, Timestamp,
    gateway::DriftPolicy,
    host::{ApplyError, HostFacts, HostRole, PeerReport},
    plan::{FoundPeer, Frame, HostState, Peers, Step, Surroundings, drift, plan},
    tunnel::{Document, PeerSum, Version},
};
use tokio::time::{Duration, Instant};

use super::{
    host::{Host, Question, Reading, key::PrivateKey, nft},
    outbox::{Outbox, Status},
    poll::Next,
    state::{StateFolder, Stored},
};
use crate::clock;

mod courtesy;
mod deliver;

/// How often the host is read for differences.
const PERIOD: Duration = Duration::from_millis(1800);
/// After an apply: long enough for the next one of a series to come first, ...
const SETTLE: Duration = Duration::from_millis(150);
/// ... but not for ever.
const VERIFY_WITHIN: Duration = Duration::from_millis(600);

pub struct Keeper {
    host: Arc<dyn Host>,
    state: Arc<StateFolder>,
    outbox: Arc<Outbox>,
    key: PublicKey,
    /// `None`: not enrolled yet.
    role: Option<HostRole>,
    held: Option<Held>,
    status: Status,
    facts: Option<HostFacts>,
    around: Surroundings,
    /// The newest document was not applied, or a person wants everything put right: plan against the whole host.
    whole: bool,
    /// Raised by every apply: a reading that began before it says nothing about it.
    turn: u64,
    read_at: Instant,
    unverified_since: Option<Instant>,
    /// The last reading showed a difference, which was repaired.
    repaired: bool,
    /// The last reading failed.
    unreadable: bool,
    /// Gateways that were left to call us, and since when.
    waiting: BTreeMap<PublicKey, Instant>,
    /// The document on disk is a long journal, or its last apply is not noted yet.
    to_store: ToStore,
    /// The last failure that was logged.
    logged: Option<String>,
}

#[derive(Default)]
struct ToStore {
    document: bool,
    applied: bool,
}

/// The document in force, with what can be worked out from it once.
struct Held {
    version: Version,
    document: Document,
    sum: PeerSum,
    frame: Frame,
}

impl Keeper {
    /// Boots from the last document, if there is one.
    pub fn new(host: Arc<dyn Host>, state: Arc<StateFolder>, outbox: Arc<Outbox>, key: &PrivateKey) -> Result<Self> {
        let mut keeper = Self {
            host,
            outbox,
            key: key.public(),
            role: state.credential()?.map(|known| known.host.role()),
            held: None,
            status: Status { applied: state.applied()?, ..Status::default() },
            facts: None,
            around: Surroundings::default(),
            whole: false,
            turn: 0,
            read_at: Instant::now(),
            unverified_since: None,
            repaired: false,
            unreadable: false,
            waiting: BTreeMap::new(),
            to_store: ToStore::default(),
            logged: None,
            state,
        };
        if let Some(Stored { version, document }) = keeper.state.document()? {
            tracing::info!(
                epoch = version.epoch,
                generation = version.generation,
                peers = document.peers.len(),
                rules = document.node.as_ref().map(|node| node.rules.len()),
                "booting from the last document"
            );
            keeper.whole = keeper.status.applied.as_ref() != Some(&version);
            let sum = sum_of(&document);
            keeper.hold(version, document, sum)?;
        }
        Ok(keeper)
    }

    pub fn have(&self) -> Option<Version> {
        self.held.as_ref().map(|held| held.version.clone())
    }

    #[cfg(test)]
    fn status(&self) -> &Status {
        &self.status
    }

    /// When the host should be read next.
    pub fn read_at(&self) -> Instant {
        self.read_at
    }

    /// What a reading has to tell, and which turn it belongs to.
    pub fn question(&self) -> (u64, Question) {
        let sysctls = self.held.as_ref().map(|held| held.frame.sysctls.keys().cloned().collect());
        (self.turn, self.ask(sysctls.unwrap_or_default()))
    }

    fn ask(&self, sysctls: Vec<String>) -> Question {
        // Whoever does not know yet what the host is for reads what both need.
        Question { role: self.role.unwrap_or(HostRole::Node), sysctls }
    }

    pub fn role(&self) -> Option<HostRole> {
        self.role
    }

    /// The host was enrolled. `other`: for another one than before, whose numbers start anew; what only the former role keeps goes.
    pub async fn speak_for(&mut self, role: HostRole, other: bool) {
        if other {
            self.held = None;
            self.status = Status::default();
        }
        if self.role.is_some_and(|former| former != role)
            && let Err(error) = self.take_off().await
        {
            tracing::error!("{error:#}");
        }
        self.role = Some(role);
    }

    fn next(&self) -> Next {
        Next { have: self.have(), refused: false }
    }

    fn hold(&mut self, version: Version, document: Document, sum: PeerSum) -> Result<()> {
        self.role = self.role.or(document.role());
        if let (Some(facts), Some(gateway)) = (&self.facts, &document.gateway) {
            self.around = Surroundings::of(facts, gateway.vpc);
        }
        let frame = self.frame(&document)?;
        // Something is asked of the host again, whether or not it will apply.
        self.status.cleaned &= document.is_empty();
        self.held = Some(Held { version, document, sum, frame });
        Ok(())
    }

    /// Reads what the host is, before anything is asked of it.
    pub async fn look_around(&mut self) -> Result<()> {
        let reading = self.host.read(&self.ask(Vec::new())).await?;
        self.see(&reading);
        Ok(())
    }

    fn frame(&self, document: &Document) -> Result<Frame> {
        if document.is_empty() {
            return Ok(Frame::cleaned(self.state.sysctls_before()?));
        }
        Ok(Frame::of(document, self.key, &self.around, nft::ruleset(document, &self.around)))
    }

    fn reframe(&mut self) -> Result<()> {
        let Some(held) = &self.held else { return Ok(()) };
        let frame = self.frame(&held.document)?;
        self.held.as_mut().expect("just seen").frame = frame;
        Ok(())
    }

    /// Reads the host and puts right whatever differs.
    async fn apply_whole(&mut self, stored: Result<()>) -> Next {
        let began = Instant::now();
        self.turn += 1;
        let (_, question) = self.question();
        match self.host.read(&question).await {
            Ok(mut reading) => {
                self.see(&reading);
                self.mark_waiting(&mut reading.state);
                let done = self.put_right(&reading.state).await;
                let steps = done.as_ref().map_or(0, |steps| *steps);
                self.applied(done.map(drop).and(stored), began, steps);
            }
            Err(error) => {
                self.fail(&error);
                self.read_later();
            }
        }
        self.next()
    }

    fn applied(&mut self, done: Result<()>, began: Instant, steps: usize) {
        self.turn += 1;
        let version = self.have();
        match done {
            Ok(()) => {
                let generation = version.as_ref().map(|version| version.generation);
                tracing::info!(generation, steps, duration_ms = began.elapsed().as_secs_f64() * 1000.0, "applied");
                self.whole = false;
                self.status.applied = version;
                self.status.error = None;
                self.logged = None;
                self.to_store.applied = true;
                self.outbox.set_status(&self.status);
            }
            Err(error) => {
                self.whole = true;
                self.fail(&error);
                return self.read_later();
            }
        }
        self.read_soon();
    }

    fn read_soon(&mut self) {
        let now = Instant::now();
        let since = *self.unverified_since.get_or_insert(now);
        self.read_at = (now + SETTLE).min(since + VERIFY_WITHIN);
    }

    fn read_later(&mut self) {
        self.unverified_since = None;
        self.read_at = Instant::now() + PERIOD;
    }

    /// Tells why the document in force is not on the host.
    fn fail(&mut self, error: &anyhow::Error) {
        let message = format!("{error:#}");
        if self.logged.as_ref() != Some(&message) {
            tracing::error!("{message}");
            self.logged = Some(message.clone());
        }
        if let Some(version) = self.have() {
            self.status.error = Some(ApplyError { version, message });
            self.outbox.set_status(&self.status);
        }
    }

    /// Step by step. Without its firewall nothing else happens; any other failure does not keep the rest from being done.
    async fn perform(&mut self, steps: &[Step]) -> Result<()> {
        let mut failures = Vec::new();
        for step in steps {
            match self.host.perform(step).await {
                Ok(()) => self.note_waiting(step),
                Err(error) => {
                    failures.push(format!("{error:#}"));
                    if matches!(step, Step::ReplaceFirewall(_) | Step::MakeInterface) {
                        break;
                    }
                }
            }
        }
        failures.dedup();
        if failures.is_empty() { Ok(()) } else { Err(anyhow::anyhow!(failures.join(" "))) }
    }

    async fn put_right(&mut self, found: &HostState) -> Result<usize> {
        let Some(held) = &self.held else { return Ok(0) };
        let steps = plan(&held.frame, &held.document.peers, found, clock::now());
        let before: BTreeMap<String, String> = (steps.iter())
            .filter_map(|step| match step {
                Step::SetSysctl { key, .. } if !held.document.is_empty() => {
                    Some((key.clone(), found.sysctls.get(key)?.clone()))
                }
                _ => None,
            })
            .collect();
        self.state.remember_sysctls(&before)?;
        self.perform(&steps).await?;
        Ok(steps.len())
    }

    /// Takes note of the host itself. True: it stands elsewhere than before, and its rules follow.
    fn see(&mut self, reading: &Reading) -> bool {
        let first = self.facts.is_none();
        if self.facts.as_ref() != Some(&reading.facts) {
            self.facts = Some(reading.facts.clone());
            self.outbox.set_facts(&reading.facts);
        }
        let Some(held) = &self.held else { return false };
        let Some(gateway) = &held.document.gateway else { return false };
        let around = Surroundings::of(&reading.facts, gateway.vpc);
        if around == self.around {
            return false;
        }
        if around.lan.is_none() {
            tracing::warn!(
                "no interface of this host has an address in the VPC's range {}; nothing can be forwarded into it",
                gateway.vpc
            );
        }
        self.around = around;
        if let Err(error) = self.reframe() {
            self.fail(&error);
        }
        !first
    }

    /// Compares what was read with what was asked for.
    pub async fn watch(&mut self, turn: u64, reading: Result<Reading>) {
        self.store();
        if turn != self.turn {
            // Something was applied meanwhile.
            return self.read_soon();
        }
        self.read_later();
        let mut reading = match reading {
            Ok(reading) => reading,
            // A WireGuard that was just stopped hangs up once.
            Err(_) if !std::mem::replace(&mut self.unreadable, true) => {
                self.read_at = Instant::now() + SETTLE;
                return;
            }
            Err(error) => return self.fail(&error.context("The host cannot be read")),
        };
        self.unreadable = false;
        let moved = self.see(&reading);
        self.mark_waiting(&mut reading.state);
        let waiting = self.call_back(&reading.state).await;
        let Some(held) = &self.held else { return };
        self.outbox.set_figures(figures(&held.document.peers, &reading.state));
        if held.document.node.is_some() {
            self.outbox.set_node(reading.node);
        }
        let now = clock::now();
        let differences = drift(&held.frame, &held.document.peers, &reading.state, now, &self.status.drift);
        if differences.is_empty() && !self.whole {
            // Until the last endpoint is told, the host does not show its document.
            return if waiting { self.read_at = Instant::now() + SETTLE } else { self.verified() };
        }
        // What was never applied is not drift, and a host that moved has not drifted.
        let applied = self.status.applied.as_ref() == Some(&held.version) && !self.whole;
        let policy = held.document.drift_policy();
        if applied && !moved && self.status.drift != differences {
            for difference in differences.iter().filter(|new| !self.status.drift.contains(new)).take(10) {
                tracing::warn!(
                    subject = difference.subject,
                    field = difference.field,
                    wanted = difference.wanted,
                    found = difference.found,
                    "the host differs"
                );
            }
            self.status.drift = differences;
            self.outbox.set_status(&self.status);
        }
        let repair = !applied || moved || policy == DriftPolicy::Repair || reading.state.is_fresh(&held.frame);
        if repair {
            let began = Instant::now();
            let done = self.put_right(&reading.state).await;
            let steps = done.as_ref().map_or(0, |steps| *steps);
            if done.is_ok() && applied && steps == 0 {
                // Only what cannot be planned away is left.
                return;
            }
            self.applied(done.map(drop), began, steps);
            if std::mem::replace(&mut self.repaired, true) {
                // Somebody keeps undoing it: no race.
                self.read_later();
            }
        }
    }

    fn verified(&mut self) {
        self.repaired = false;
        self.status.drift.clear();
        self.status.applied = self.have();
        // A refused document is not what was verified.
        self.status.error.take_if(|error| Some(&error.version) == self.status.applied.as_ref());
        if self.status.verified != self.status.applied {
            tracing::info!(generation = self.status.applied.as_ref().map(|version| version.generation), "verified");
            self.status.verified.clone_from(&self.status.applied);
        }
        self.status.cleaned = self.held.as_ref().is_some_and(|held| held.document.is_empty());
        self.outbox.set_status(&self.status);
    }

    /// What can wait until nobody waits for it.
    pub fn store(&mut self) {
        let Some(held) = &self.held else { return };
        let mut due = std::mem::take(&mut self.to_store);
        // Who starts again in the middle of a courtesy must not take it for done.
        self.to_store.applied = due.applied && !self.waiting.is_empty();
        due.applied &= self.waiting.is_empty();
        let mut done = Ok(());
        if due.document {
            done = self.state.set_document(&held.version, &held.document);
        }
        if due.applied
            && let Some(applied) = &self.status.applied
        {
            done = done.and(self.state.set_applied(applied));
        }
        if let Err(error) = done {
            self.to_store.document |= due.document;
            self.to_store.applied |= due.applied;
            self.fail(&error);
        }
    }

    /// What the host was for is gone: takes everything of ours off it. Ok when the host, read back, shows none of it.
    pub async fn clean(&mut self) -> Result<()> {
        self.take_off().await?;
        self.state.forget_everything()
    }

    async fn take_off(&mut self) -> Result<()> {
        self.held = None;
        let frame = Frame::cleaned(self.state.sysctls_before()?);
        let question = self.ask(frame.sysctls.keys().cloned().collect());
        for _ in 0..3 {
            let state = self.host.read(&question).await?.state;
            let steps = plan(&frame, &Peers::new(), &state, Timestamp(0));
            if steps.is_empty() {
                return Ok(());
            }
            self.perform(&steps).await?;
        }
        match question.role {
            HostRole::Gateway => anyhow::bail!(
                "This host does not let go of its tunnels; remove interface wg0 and the nftables table inet causeway by hand."
            ),
            HostRole::Node => anyhow::bail!(
                "This host does not let go of its firewall; remove the nftables table inet causeway by hand."
            ),
        }
    }
}

fn sum_of(document: &Document) -> PeerSum {
    let mut sum = PeerSum::default();
    document.peers.values().for_each(|peer| sum.add(peer));
    sum
}

fn number(version: &Version) -> String {
    format!("{}.{}", version.epoch, version.generation)
}

fn figures(peers: &Peers, found: &HostState) -> BTreeMap<PublicKey, PeerReport> {
    let report = |(public_key, peer): (&PublicKey, &FoundPeer)| PeerReport {
        public_key: *public_key,
        handshake: peer.handshake,
        received: peer.received,
        sent: peer.sent,
        endpoint: peer.endpoint,
    };
    let ours = found.peers.iter().filter(|(key, _)| peers.contains_key(key));
    ours.map(|peer| (*peer.0, report(peer))).collect()
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
