//! Judges what time alone changes: an agent that fell silent or came back, a VPC peering that was established or lost.
//!
//! Reports are judged when they come in; this controller compares what the event log was told
//! last with what is true now, so that nothing is told twice and a restart forgets nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex},
};

use app::domain::{
    PairId,
    change::{ChangeKind, Facts, Topic},
    host::HostId,
    peering::PeeringState,
};
use async_trait::async_trait;

use super::{Controller, Next, reports::Intake, transitions};
use crate::{
    clock,
    store::{
        Note, Store,
        hosts::{HostScope, PairSeen},
        transact,
    },
};

/// A host or a VPC peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Host(HostId),
    Pair(PairId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(id) => write!(f, "{} {id}", id.role()),
            Self::Pair(id) => write!(f, "VPC peering {id}"),
        }
    }
}

/// Notices who is there.
pub struct Presence {
    store: Store,
    intake: Arc<Intake>,
    silent_after: u64,
    seen: Mutex<Seen>,
}

/// What a pass read at its start: two statements, however many gateways there are.
#[derive(Default)]
struct Seen {
    hosts: BTreeMap<HostId, HostScope>,
    pairs: BTreeMap<PairId, PairSeen>,
}

impl Presence {
    pub fn new(store: Store, intake: Arc<Intake>, silent_after: u64) -> Self {
        Self { store, intake, silent_after, seen: Mutex::default() }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics while holding it")
    }

    async fn judge_host(&self, id: HostId) -> anyhow::Result<()> {
        let Some(host) = self.seen().hosts.remove(&id) else { return Ok(()) };
        let now = clock::now();
        let contact = self.intake.last_contact(id);
        let status = |host: &HostScope| host.row.observation(host.deleting).status(now, self.silent_after);
        let freshly_seen = |mut host: HostScope| {
            host.row.last_seen = host.row.last_seen.map(|seen| seen.max(contact));
            host
        };
        if status(&freshly_seen(host.clone())).word() == host.noted_status {
            return Ok(());
        }
        transact!(self.store, now, |tx| {
            let Some(host) = tx.host(id).await? else { return Ok(()) };
            let mut host = freshly_seen(host);
            transitions::note_status(tx, &mut host, self.silent_after).await?;
            tx.note_host_status(id, &host.noted_status).await
        })?;
        Ok(())
    }

    async fn judge_pair(&self, id: PairId) -> anyhow::Result<()> {
        let Some(pair) = self.seen().pairs.remove(&id) else { return Ok(()) };
        let now = clock::now();
        let state = PeeringState::of(pair.sides, now);
        let told = pair.noted_state.as_str();
        if state.word() == told {
            return Ok(());
        }
        // Who joins two gateways or switches a side off has noted that already.
        let news = match state {
            PeeringState::Established | PeeringState::Lost => true,
            PeeringState::Pending | PeeringState::Disabled | PeeringState::Recorded => false,
        };
        transact!(self.store, now, |tx| {
            if !tx.note_pair_state(id, state.word()).await? {
                return Ok(());
            }
            if news {
                let before = if told.is_empty() { PeeringState::Pending.word() } else { told };
                tx.note(Note {
                    actor: transitions::AUTOMATION,
                    kind: ChangeKind::VpnPeeringStateChange,
                    topic: Topic::Peers,
                    project: Some(pair.project),
                    object: id.to_string(),
                    object_name: pair.name.clone(),
                    before: Facts::from([("state".to_owned(), before.to_owned())]),
                    after: Facts::from([("state".to_owned(), state.word().to_owned())]),
                })
                .await?;
            }
            tx.within(pair.project);
            tx.touch(Topic::Peers);
            tx.touch(Topic::Gateways);
            Ok(())
        })?;
        Ok(())
    }
}

#[async_trait]
impl Controller for Presence {
    type Key = Subject;
    const NAME: &'static str = "presence";

    async fn keys(&self) -> anyhow::Result<BTreeSet<Subject>> {
        let hosts: BTreeMap<_, _> =
            self.store.every_host().await?.into_iter().map(|host| (host.row.host, host)).collect();
        let pairs = self.store.pairs_seen().await?;
        let keys = hosts.keys().map(|id| Subject::Host(*id)).chain(pairs.keys().map(|id| Subject::Pair(*id))).collect();
        *self.seen() = Seen { hosts, pairs };
        Ok(keys)
    }

    async fn reconcile(&self, key: &Subject) -> anyhow::Result<Next> {
        match key {
            Subject::Host(id) => self.judge_host(*id).await?,
            Subject::Pair(id) => self.judge_pair(*id).await?,
        }
        Ok(Next::Settled)
    }
}
