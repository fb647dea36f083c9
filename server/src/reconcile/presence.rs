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
    GatewayId, PairId,
    change::{ChangeKind, Facts, Topic},
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

/// A gateway's host or a VPC peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Gateway(GatewayId),
    Pair(PairId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway(id) => write!(f, "gateway {id}"),
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
    hosts: BTreeMap<GatewayId, HostScope>,
    pairs: BTreeMap<PairId, PairSeen>,
}

impl Presence {
    pub fn new(store: Store, intake: Arc<Intake>, silent_after: u64) -> Self {
        Self { store, intake, silent_after, seen: Mutex::default() }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics while holding it")
    }

    async fn judge_host(&self, gateway: GatewayId) -> anyhow::Result<()> {
        let Some(host) = self.seen().hosts.remove(&gateway) else { return Ok(()) };
        let now = clock::now();
        let contact = self.intake.last_contact(gateway);
        let status = |host: &HostScope| host.row.observation(host.deleting).status(now, self.silent_after);
        let freshly_seen = |mut host: HostScope| {
            host.row.last_seen = host.row.last_seen.map(|seen| seen.max(contact));
            host
        };
        if status(&freshly_seen(host.clone())).word() == host.noted_status {
            return Ok(());
        }
        transact!(self.store, now, |tx| {
            let Some(host) = tx.host(gateway).await? else { return Ok(()) };
            let mut host = freshly_seen(host);
            transitions::note_status(tx, &mut host, self.silent_after).await?;
            tx.note_host_status(gateway, &host.noted_status).await
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
            self.store.every_host().await?.into_iter().map(|host| (host.row.gateway, host)).collect();
        let pairs = self.store.pairs_seen().await?;
        let keys =
            hosts.keys().map(|id| Subject::Gateway(*id)).chain(pairs.keys().map(|id| Subject::Pair(*id))).collect();
        *self.seen() = Seen { hosts, pairs };
        Ok(keys)
    }

    async fn reconcile(&self, key: &Subject) -> anyhow::Result<Next> {
        match key {
            Subject::Gateway(id) => self.judge_host(*id).await?,
            Subject::Pair(id) => self.judge_pair(*id).await?,
        }
        Ok(Next::Settled)
    }
}
