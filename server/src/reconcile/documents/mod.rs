//! Derives the desired document of every host; a new hash is a new generation. Those of nodes have a file of their own: [`nodes`].
//!
//! A pass asks the event log which rows may matter and looks again at those only: one edited road
//! warrior costs one row, whatever the number of its neighbours. The log is a hint. Everything is
//! derived from scratch when the console starts, when a step has failed, and once a period, so that
//! correctness rests on [`app::domain::tunnel::derive`] alone. A version is committed before an agent
//! may see it: after a restart, one number never stands for two documents.

mod derived;
pub mod nodes;
mod serve;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use app::domain::{
    GatewayId, PeerId, ProjectId,
    change::{ChangeKind, Topic},
    host::{HostId, HostRole},
    tunnel::{Document, Hash, Version, Wish, WishedPeer, derive},
};
use async_trait::async_trait;
use tokio::sync::watch;

use self::derived::Derived;
pub use self::serve::Answer;
use super::{Controller, Next};
use crate::{
    clock,
    seal::Sealer,
    store::{Store, transact},
};

/// How often everything is derived from scratch.
pub const PERIOD: Duration = Duration::from_secs(60);
/// Of more changes than this at once, looking at everything is no slower.
const MOST_STEPS: u32 = 500;

/// The desired documents, as they are served to agents.
pub struct Documents {
    store: Store,
    sealer: Sealer,
    slots: Mutex<HashMap<HostId, Arc<Slot>>>,
    pass: tokio::sync::Mutex<PassState>,
}

/// One host's document.
struct Slot {
    /// Held while the version moves.
    turn: tokio::sync::Mutex<()>,
    derived: Mutex<Derived>,
    /// The version that is served; `None` before the first was derived by this process.
    served: watch::Sender<Option<Version>>,
}

impl Slot {
    fn new(version: Version) -> Arc<Self> {
        Arc::new(Self {
            turn: tokio::sync::Mutex::default(),
            derived: Mutex::new(Derived::new(version)),
            served: watch::Sender::new(None),
        })
    }

    fn derived(&self) -> std::sync::MutexGuard<'_, Derived> {
        self.derived.lock().expect("nobody panics while holding it")
    }
}

/// What one pass knows; filled by `keys`, used up by `reconcile`.
#[derive(Default)]
struct PassState {
    /// The last change that was looked at; `None` before the first pass.
    seen: Option<u64>,
    epoch: u64,
    due: BTreeMap<GatewayId, Due>,
    outlines: HashMap<GatewayId, Wish>,
}

/// What of a gateway's document has to be looked at.
#[derive(Clone, Default)]
struct Due {
    everything: bool,
    /// All but its road warriors: the gateway itself, sites and VPC peerings.
    outline: bool,
    /// `None`: it is gone.
    road_warriors: BTreeMap<PeerId, Option<WishedPeer>>,
}

impl Documents {
    /// # Errors
    /// If the versions of the documents cannot be read.
    pub async fn open(store: Store, sealer: Sealer) -> anyhow::Result<Self> {
        let slots = store.versions().await?.into_iter().map(|(host, version)| (host, Slot::new(version))).collect();
        Ok(Self { store, sealer, slots: Mutex::new(slots), pass: tokio::sync::Mutex::default() })
    }

    fn slot(&self, host: HostId) -> Option<Arc<Slot>> {
        self.slots.lock().expect("nobody panics while holding it").get(&host).cloned()
    }

    /// The version that is wanted of a host.
    pub fn version(&self, of: impl Into<HostId>) -> Option<Version> {
        Some(self.slot(of.into())?.derived().version.clone())
    }

    /// What is wanted of a host, as far as this process has derived it.
    pub fn wanted(&self, of: impl Into<HostId>) -> Option<Arc<Document>> {
        self.slot(of.into())?.derived().current()
    }

    /// The hash of an older version, while it is remembered.
    pub fn remembered_hash(&self, host: HostId, epoch: u64, generation: u64) -> Option<Hash> {
        self.slot(host)?.derived().remembered_hash(epoch, generation)
    }

    /// Keeps one slot per host of a role.
    fn keep_slots(&self, role: HostRole, hosts: &BTreeSet<HostId>, epoch: u64) {
        let mut slots = self.slots.lock().expect("nobody panics while holding it");
        slots.retain(|host, _| host.role() != role || hosts.contains(host));
        for host in hosts {
            slots
                .entry(*host)
                .or_insert_with(|| Slot::new(Version { epoch, generation: 0, hash: Hash(String::new()) }));
        }
    }

    /// Reads the event log on from where the last pass stopped, and says what has to be looked at.
    async fn look(&self, pass: &mut PassState, gateways: &BTreeSet<GatewayId>) -> anyhow::Result<()> {
        let Some(seen) = pass.seen else {
            // The number first: what is committed while we read is looked at again.
            pass.seen = Some(self.store.last_seq().await?);
            pass.due = gateways.iter().map(|gateway| (*gateway, Due { everything: true, ..Due::default() })).collect();
            return Ok(());
        };
        let steps = self.store.changes_after(seen, MOST_STEPS + 1).await?;
        let Some(last) = steps.last().map(|step| step.seq) else { return Ok(()) };
        if steps.len() > MOST_STEPS as usize {
            pass.seen = None;
            return Box::pin(self.look(pass, gateways)).await;
        }
        let mut projects: BTreeSet<ProjectId> = BTreeSet::new();
        let mut peers: BTreeMap<PeerId, Option<ProjectId>> = BTreeMap::new();
        for step in steps {
            match (step.kind, step.object.parse::<PeerId>()) {
                (ChangeKind::VpnPeerCreate | ChangeKind::VpnPeerUpdate | ChangeKind::VpnPeerDelete, Ok(peer)) => {
                    peers.insert(peer, step.project);
                }
                (kind, _) if concerns_no_document(kind) || concerns_services(kind) => {}
                _ => projects.extend(step.project),
            }
        }
        self.look_at_peers(pass, &peers, &mut projects).await?;
        for project in projects {
            for (gateway, wish) in self.store.outlines(project, &self.sealer).await? {
                let due = pass.due.entry(gateway).or_default();
                match wish {
                    Some(wish) => {
                        due.outline = true;
                        pass.outlines.insert(gateway, wish);
                    }
                    None => due.everything = true,
                }
            }
        }
        pass.seen = Some(last);
        Ok(())
    }

    /// Road warriors concern one row of one document; of other peers the whole project may know.
    async fn look_at_peers(
        &self,
        pass: &mut PassState,
        peers: &BTreeMap<PeerId, Option<ProjectId>>,
        projects: &mut BTreeSet<ProjectId>,
    ) -> anyhow::Result<()> {
        let ids: Vec<PeerId> = peers.keys().copied().collect();
        let mut found = self.store.wished_road_warriors(&ids, &self.sealer).await?;
        let slots: Vec<(GatewayId, Arc<Slot>)> = self
            .slots
            .lock()
            .expect("nobody panics while holding it")
            .iter()
            .filter_map(|(host, slot)| Some((host.gateway()?, slot.clone())))
            .collect();
        for (peer, project) in peers {
            if let Some((gateway, wished)) = found.remove(peer) {
                pass.due.entry(gateway).or_default().road_warriors.insert(*peer, Some(wished));
            } else if let Some((gateway, _)) = slots.iter().find(|(_, slot)| slot.derived().has_road_warrior(*peer)) {
                pass.due.entry(*gateway).or_default().road_warriors.insert(*peer, None);
            } else {
                projects.extend(*project);
            }
        }
        Ok(())
    }

    /// Derives what is due of one gateway, and commits a new generation if its hash differs.
    async fn derive(
        &self,
        gateway: GatewayId,
        slot: &Slot,
        due: Due,
        outline: Option<Wish>,
        epoch: u64,
    ) -> anyhow::Result<()> {
        let _turn = slot.turn.lock().await;
        let everything = due.everything || slot.derived().is_stale();
        let (change, road_warriors) = if everything {
            let started = Instant::now();
            let (wish, road_warriors) = self.store.wish_and_road_warriors(gateway, &self.sealer).await?;
            let document = wish.as_ref().map_or_else(Document::empty, derive);
            (slot.derived().change_to(&document), Some((road_warriors, started)))
        } else {
            (slot.derived().partial_change(outline.as_ref(), &due.road_warriors), None)
        };

        let (next, sum) = slot.derived().next_version(&change, epoch);
        let current = slot.derived().version.clone();
        if next != current {
            let now = clock::now();
            let stored = transact!(self.store, now, |tx| {
                if let Some(project) = tx.project_of(gateway.into()).await? {
                    tx.within(project);
                }
                tx.touch(Topic::Gateways);
                tx.set_version(gateway.into(), &next).await
            })?;
            if !stored {
                return Ok(());
            }
            tracing::debug!(gateway.id = %gateway, epoch = next.epoch, generation = next.generation, peers_set = change.set.len(), peers_removed = change.removed.len(), "a gateway has a new document");
        }
        let mut derived = slot.derived();
        derived.advance(change, next.clone(), sum);
        match road_warriors {
            Some((keys, started)) => derived.derived_whole(keys, started),
            None => derived.derived_partly(&due.road_warriors),
        }
        drop(derived);
        slot.served.send_if_modified(|served| {
            let differs = served.as_ref() != Some(&next);
            *served = Some(next);
            differs
        });
        Ok(())
    }
}

/// Entries that tell what was seen, or who may do what: no document is derived from that.
fn concerns_no_document(kind: ChangeKind) -> bool {
    matches!(
        kind,
        ChangeKind::VpnGatewayStateChange
            | ChangeKind::VpnPeeringStateChange
            | ChangeKind::VpnGatewayEnrolmentToken
            | ChangeKind::VpnGatewayCredentialRotate
            | ChangeKind::VpnGatewayCredentialRevoke
            | ChangeKind::VpnConfigDownload
            | ChangeKind::AdministratorCreate
            | ChangeKind::PersonCreate
            | ChangeKind::PasswordSet
            | ChangeKind::SignIn
            | ChangeKind::SignOutEverywhere
            | ChangeKind::ServiceNodeEnrolmentToken
            | ChangeKind::ServiceNodeCredentialRotate
            | ChangeKind::ServiceNodeCredentialRevoke
    )
}

/// Entries about services: no gateway's document is derived from that.
fn concerns_services(kind: ChangeKind) -> bool {
    matches!(
        kind,
        ChangeKind::ServiceCreate
            | ChangeKind::ServiceUpdate
            | ChangeKind::ServiceDelete
            | ChangeKind::ServiceMigrate
            | ChangeKind::ServiceStateChange
            | ChangeKind::IpFilterUpdate
            | ChangeKind::ServiceNodeCreate
            | ChangeKind::ServiceNodeDelete
            | ChangeKind::ServiceNodeEnrol
            | ChangeKind::ServiceNodeStateChange
            | ChangeKind::ServiceNodeRepair
    )
}

#[async_trait]
impl Controller for Documents {
    type Key = GatewayId;
    const NAME: &'static str = "documents";

    async fn keys(&self) -> anyhow::Result<BTreeSet<GatewayId>> {
        let mut pass = self.pass.lock().await;
        pass.epoch = self.store.epoch().await?;
        let gateways = self.store.wishing_gateways().await?;
        let hosts = gateways.iter().copied().map(HostId::from).collect();
        self.keep_slots(HostRole::Gateway, &hosts, pass.epoch);
        pass.outlines.clear();
        self.look(&mut pass, &gateways).await?;
        Ok(gateways)
    }

    async fn reconcile(&self, gateway: &GatewayId) -> anyhow::Result<Next> {
        let (due, outline, epoch) = {
            let mut pass = self.pass.lock().await;
            (pass.due.remove(gateway), pass.outlines.remove(gateway), pass.epoch)
        };
        let Some(slot) = self.slot((*gateway).into()) else { return Ok(Next::Settled) };
        let idle = due.is_none() && !slot.derived().is_stale() && slot.derived().version.epoch >= epoch;
        if idle {
            return Ok(Next::Settled);
        }
        if let Err(error) = self.derive(*gateway, &slot, due.unwrap_or_default(), outline, epoch).await {
            slot.derived().forget_freshness();
            return Err(error);
        }
        Ok(Next::Settled)
    }
}
