//! Derives the firewall of every node's host.
//!
//! One edit of a peering may concern a thousand services, so a project is read once per pass: all
//! firewalls follow from it, and only those that differ get a new version, in one transaction.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use app::domain::{
    Cidr, NodeId, ProjectId, VpcId,
    change::Topic,
    host::{HostId, HostRole},
    service::{
        IpFilter, Node,
        firewall::{Around, Firewall, Peered, effective, node_firewall, peered},
    },
    tunnel::Document,
};
use async_trait::async_trait;

use super::{Documents, MOST_STEPS, Slot, concerns_no_document};
use crate::{
    clock,
    reconcile::{Controller, Next},
    store::{firewalls::FirewallScene, nodes::NodeRow, services::ServiceRow, transact},
};

/// The controller of nodes' documents. They are served with the others.
pub struct NodeDocuments {
    documents: Arc<Documents>,
    pass: tokio::sync::Mutex<Pass>,
}

#[derive(Default)]
struct Pass {
    /// The last change that was looked at; `None` before the first pass.
    seen: Option<u64>,
    epoch: u64,
    due: BTreeSet<ProjectId>,
    nodes: BTreeMap<ProjectId, Vec<NodeId>>,
}

impl NodeDocuments {
    pub fn new(documents: Arc<Documents>) -> Self {
        Self { documents, pass: tokio::sync::Mutex::default() }
    }

    /// Reads the event log on from where the last pass stopped, and says which projects have to be looked at.
    async fn look(&self, pass: &mut Pass) -> anyhow::Result<()> {
        let store = &self.documents.store;
        let Some(seen) = pass.seen else {
            // The number first: what is committed while we read is looked at again.
            pass.seen = Some(store.last_seq().await?);
            pass.due = pass.nodes.keys().copied().collect();
            return Ok(());
        };
        let steps = store.changes_after(seen, MOST_STEPS + 1).await?;
        let Some(last) = steps.last().map(|step| step.seq) else { return Ok(()) };
        if steps.len() > MOST_STEPS as usize {
            pass.seen = None;
            return Box::pin(self.look(pass)).await;
        }
        let matters = steps.into_iter().filter(|step| !concerns_no_document(step.kind));
        pass.due.extend(matters.filter_map(|step| step.project));
        pass.seen = Some(last);
        Ok(())
    }

    async fn derive(&self, project: ProjectId, nodes: &[NodeId], epoch: u64) -> anyhow::Result<()> {
        let documents = &self.documents;
        let started = Instant::now();
        let mut wanted = wanted(&documents.store.firewall_scene(project).await?);
        let slots: Vec<(HostId, Arc<Slot>)> =
            nodes.iter().filter_map(|id| Some(((*id).into(), documents.slot((*id).into())?))).collect();
        let mut due = Vec::new();
        for (host, slot) in &slots {
            let Some(document) = host.node().and_then(|id| wanted.remove(&id)) else { continue };
            let turn = slot.turn.lock().await;
            let change = slot.derived().change_to(&document);
            let (next, sum) = slot.derived().next_version(&change, epoch);
            due.push((*host, slot, turn, change, next, sum));
        }
        let news: Vec<_> = due
            .iter()
            .filter(|(_, slot, _, _, next, _)| slot.derived().version != *next)
            .map(|(host, _, _, _, next, _)| (*host, next.clone()))
            .collect();
        let mut gone = BTreeSet::new();
        if !news.is_empty() {
            gone = transact!(documents.store, clock::now(), |tx| {
                let mut gone = BTreeSet::new();
                for (host, next) in &news {
                    if !tx.set_version(*host, next).await? {
                        gone.insert(*host);
                    }
                }
                tx.within(project);
                tx.touch(Topic::Services);
                Ok(gone)
            })?;
            tracing::debug!(project.id = %project, documents = news.len(), of = due.len(), duration_ms = started.elapsed().as_secs_f64() * 1000.0, "nodes have new documents");
        }
        for (host, slot, _turn, change, next, sum) in due {
            if gone.contains(&host) {
                continue;
            }
            let mut derived = slot.derived();
            derived.advance(change, next.clone(), sum);
            derived.derived_whole(HashMap::new(), started);
            drop(derived);
            slot.served.send_if_modified(|served| {
                let differs = served.as_ref() != Some(&next);
                *served = Some(next);
                differs
            });
        }
        Ok(())
    }
}

/// The document of every node. Of one that was removed, whose service was, or that shall have no agent any more, it is empty.
fn wanted(scene: &FirewallScene) -> BTreeMap<NodeId, Document> {
    let mut all = BTreeMap::new();
    let mut nodes: HashMap<_, Vec<&NodeRow>> = HashMap::new();
    for row in &scene.nodes {
        nodes.entry(row.service).or_default().push(row);
    }
    let mut ways: HashMap<VpcId, Vec<_>> = HashMap::new();
    for service in &scene.services {
        let rows = nodes.remove(&service.id).unwrap_or_default();
        let (kept, removed): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| !row.removed && service.deleting_at.is_none());
        let unguarded = removed.iter().chain(kept.iter().filter(|row| !row.settings.enforced));
        all.extend(unguarded.map(|row| (row.id, Document::empty())));
        let members: Vec<Node> = kept.iter().map(|row| scene.member(row)).collect();
        // While a service moves, its nodes are in two places.
        let mut firewalls: HashMap<Option<VpcId>, Firewall> = HashMap::new();
        for (row, member) in kept.iter().zip(&members).filter(|(row, _)| row.settings.enforced) {
            let vpc = row.place.vpc;
            let private = vpc.and_then(|vpc| scene.range(vpc));
            if vpc.is_some() && private.is_none() {
                // Its VPC is not known: in public it is not, and what its host has stays.
                continue;
            }
            let firewall = firewalls.entry(vpc).or_insert_with(|| {
                let peered: &[Peered] = match vpc {
                    Some(vpc) => ways.entry(vpc).or_insert_with(|| peered(&scene.network, vpc)),
                    None => &[],
                };
                whole(scene, service, &members, private, peered)
            });
            let repairs = row.repairs;
            let told = node_firewall(firewall, &service.name, private, member, service.drift_policy, repairs);
            all.insert(row.id, Document::of_node(told));
        }
    }
    all
}

fn whole(
    scene: &FirewallScene,
    service: &ServiceRow,
    nodes: &[Node],
    private: Option<Cidr>,
    peered: &[Peered],
) -> Firewall {
    // A new service has a filter that lets everybody in; one that is missing lets nobody in.
    let nobody = IpFilter::new(Vec::new(), 0).expect("an empty list is a good one");
    effective(&Around {
        private,
        components: &service.components,
        peered,
        filter: scene.filters.get(&service.id).unwrap_or(&nobody),
        nodes,
        integrations: &[],
    })
}

#[async_trait]
impl Controller for NodeDocuments {
    type Key = ProjectId;
    const NAME: &'static str = "node-documents";

    /// Every project that has a node with an agent.
    async fn keys(&self) -> anyhow::Result<BTreeSet<ProjectId>> {
        let mut pass = self.pass.lock().await;
        pass.epoch = self.documents.store.epoch().await?;
        let nodes = self.documents.store.told_nodes().await?;
        let hosts = nodes.keys().copied().map(HostId::from).collect();
        self.documents.keep_slots(HostRole::Node, &hosts, pass.epoch);
        pass.nodes.clear();
        for (node, project) in nodes {
            pass.nodes.entry(project).or_default().push(node);
        }
        self.look(&mut pass).await?;
        Ok(pass.nodes.keys().copied().collect())
    }

    async fn reconcile(&self, project: &ProjectId) -> anyhow::Result<Next> {
        let (due, nodes, epoch) = {
            let mut pass = self.pass.lock().await;
            (pass.due.remove(project), pass.nodes.get(project).cloned().unwrap_or_default(), pass.epoch)
        };
        let is_due = |node: &NodeId| {
            let slot = self.documents.slot((*node).into());
            slot.is_some_and(|slot| slot.derived().is_stale() || slot.derived().version.epoch < epoch)
        };
        if !due && !nodes.iter().any(is_due) {
            return Ok(Next::Settled);
        }
        if let Err(error) = self.derive(*project, &nodes, epoch).await {
            self.pass.lock().await.due.insert(*project);
            return Err(error);
        }
        Ok(Next::Settled)
    }
}
