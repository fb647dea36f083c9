//! What the nodes of services let in and refused: read as their hosts told it, and called by the project's names.

use std::collections::{BTreeMap, HashMap};

use app::{
    api::ApiError,
    backend::Traffic,
    domain::{
        NodeId, ProjectName, ServiceId,
        permission::Permission,
        service::{
            Node,
            origin::Known,
            traffic::{Attempt, NodeTraffic, SAMPLES, Slot, Span, samples},
        },
    },
};
use async_trait::async_trait;

use super::{Console, failed};
use crate::{
    clock,
    store::{Result as StoreResult, StoreError, hosts::Refused, people::Project},
};

#[async_trait]
impl Traffic for Console {
    async fn node_traffic(&self, project: &ProjectName, id: ServiceId) -> Result<Vec<NodeTraffic>, ApiError> {
        let project = self.enter(project, Permission::ServicesRead).await?;
        let now = clock::now();
        let read = async {
            let mut tx = self.store().snapshot().await?;
            tx.service(project.id, id).await?;
            let oldest = Span::Day.slot(now) - SAMPLES as i64 + 1;
            let mut slots: BTreeMap<NodeId, Vec<Slot>> = BTreeMap::new();
            for (node, slot) in tx.node_traffic(id, Span::Day, oldest).await? {
                slots.entry(node).or_default().push(slot);
            }
            let line = |(node, totals)| {
                let samples = samples(slots.get(&node).map_or(&[], Vec::as_slice), now);
                NodeTraffic { node, samples, totals }
            };
            let mut lines: Vec<NodeTraffic> = tx.node_totals(id).await?.into_iter().map(line).collect();
            lines.sort_by_key(|line| line.node);
            Ok::<_, StoreError>(lines)
        };
        read.await.map_err(failed)
    }

    async fn service_traffic(
        &self,
        project: &ProjectName,
        id: ServiceId,
        node: Option<NodeId>,
        span: Span,
    ) -> Result<Vec<Slot>, ApiError> {
        let project = self.enter(project, Permission::ServicesRead).await?;
        let read = async {
            let mut tx = self.store().snapshot().await?;
            tx.service(project.id, id).await?;
            let slots = tx.node_traffic(id, span, span.oldest(span.slot(clock::now()))).await?;
            let asked = |of: &NodeId| node.is_none_or(|node| node == *of);
            Ok::<_, StoreError>(slots.into_iter().filter(|(of, _)| asked(of)).map(|(_, slot)| slot).collect())
        };
        read.await.map_err(failed)
    }

    async fn refused_attempts(&self, project: &ProjectName, id: ServiceId) -> Result<Vec<Attempt>, ApiError> {
        let project = self.enter(project, Permission::ServicesRead).await?;
        self.attempts(&project, id).await.map_err(failed)
    }
}

impl Console {
    async fn attempts(&self, project: &Project, id: ServiceId) -> StoreResult<Vec<Attempt>> {
        let vantage = self.vantage(clock::now());
        let mut tx = self.store().snapshot().await?;
        let refused = tx.refused_attempts(id).await?;
        let scene = tx.service_scene(project.id, &vantage).await?;
        let row = scene.services.iter().find(|row| row.id == id).ok_or(StoreError::NotFound)?;
        let road_warriors = tx.road_warriors_at(project.id, &refused).await?;
        drop(tx);
        let shown = self.shown_service(row, &scene, &vantage);
        let elsewhere = shown.elsewhere();
        let members: Vec<(ServiceId, Node)> = scene
            .services
            .iter()
            .flat_map(|service| scene.nodes_of(service, &vantage).into_iter().map(|node| (service.id, node)))
            .collect();
        let names: HashMap<ServiceId, _> = scene.services.iter().map(|service| (service.id, &service.name)).collect();
        // While the service moves, each of its two places has a firewall and neighbours of its own.
        let sides = std::iter::once(&shown).chain(&elsewhere).map(|side| {
            let known = Known {
                network: &scene.network,
                peered: &side.peered,
                nodes: members.iter().filter_map(|(service, node)| Some((*names.get(service)?, node))).collect(),
                road_warriors: &road_warriors,
            };
            (&side.place, side.firewall(), known)
        });
        let sides: Vec<_> = sides.collect();
        let attempt = |refused: Refused| {
            let node = scene.nodes.iter().find(|node| node.id == refused.node)?;
            let side = sides.iter().find(|(place, ..)| **place == node.place);
            let (_, firewall, known) = side.or(sides.first())?;
            let component = shown.components.iter().find(|component| component.port == refused.port);
            Some(Attempt {
                node: node.id,
                node_name: node.name.clone(),
                from: refused.source,
                origin: known.origin(refused.source),
                port: refused.port,
                component: component.map(|component| component.name.clone()),
                packets: refused.packets,
                first_at: refused.first_at,
                last_at: refused.last_at,
                cause: firewall.cause(refused.source, refused.port),
            })
        };
        Ok(refused.into_iter().filter_map(attempt).collect())
    }
}
