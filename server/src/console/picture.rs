//! What several pages show of the same rows: gateways in one line, and VPC peerings with their state.
//!
//! Read at one moment in a constant number of statements, however many VPCs and peers there are.

use std::collections::HashMap;

use app::domain::{
    GatewayId, PairId, PeerId, ProjectId, Timestamp, VpcId,
    gateway::{GatewayBrief, GatewayObservation},
    peering::{Peering, PeeringSide, PeeringState, SideSeen},
};

use crate::store::{Result, Tx, gateways::GatewayRow, hosts::HostRow, network::Vantage, peers::PeerRow};

/// The gateways of a project, their hosts and what joins them.
pub struct Picture {
    pub now: Timestamp,
    pub silent_after: u64,
    listening_since: Timestamp,
    /// Ordered by name; those being deleted too.
    pub gateways: Vec<GatewayRow>,
    pub hosts: HashMap<GatewayId, HostRow>,
    /// Both rows of every VPC peering.
    rows: Vec<PeerRow>,
    handshakes: HashMap<PeerId, Timestamp>,
}

impl Picture {
    pub async fn read(tx: &mut Tx, project: ProjectId, from: &Vantage<'_>) -> Result<Self> {
        Ok(Self {
            now: tx.at(),
            silent_after: from.silent_after,
            listening_since: from.listening_since,
            gateways: tx.gateways(project).await?,
            hosts: tx.hosts(project).await?,
            rows: tx.peering_rows(project).await?,
            handshakes: tx.peering_handshakes(project).await?,
        })
    }

    pub fn host(&self, gateway: GatewayId) -> Option<&HostRow> {
        self.hosts.get(&gateway)
    }

    /// What status and sync are computed from.
    pub fn observation(&self, gateway: &GatewayRow) -> GatewayObservation {
        let deleting = gateway.deleting_at.is_some();
        let unseen = GatewayObservation { deleting, ..GatewayObservation::default() };
        let seen = self.host(gateway.id).map_or(unseen, |host| host.observation(deleting));
        seen.listened_to_since(self.listening_since)
    }

    /// The live gateway of each VPC.
    pub fn briefs(&self) -> HashMap<VpcId, GatewayBrief> {
        let live = self.gateways.iter().filter(|gateway| gateway.deleting_at.is_none());
        live.map(|gateway| (gateway.vpc, self.brief(gateway))).collect()
    }

    fn brief(&self, gateway: &GatewayRow) -> GatewayBrief {
        let seen = self.observation(gateway);
        let facts = self.host(gateway.id).and_then(|host| host.facts.as_ref());
        GatewayBrief {
            id: gateway.id,
            name: gateway.name.clone(),
            status: seen.status(self.now, self.silent_after),
            sync: seen.sync(self.now, self.silent_after),
            private_address: facts.and_then(|facts| facts.address_in(gateway.vpc_cidr)).map(|(_, address)| address),
        }
    }

    /// Every VPC peering, ordered by the names of its gateways.
    pub fn peerings(&self) -> Vec<Peering> {
        let gateways: HashMap<GatewayId, &GatewayRow> =
            self.gateways.iter().map(|gateway| (gateway.id, gateway)).collect();
        let mut pairs: HashMap<PairId, Vec<&PeerRow>> = HashMap::new();
        for row in &self.rows {
            if let Some(pair) = row.pair {
                pairs.entry(pair).or_default().push(row);
            }
        }
        let mut peerings: Vec<Peering> = pairs
            .into_iter()
            .filter_map(|(id, rows)| {
                let [a, b] = rows.try_into().ok()?;
                Some(self.peering(id, [(a, gateways.get(&a.gateway)?), (b, gateways.get(&b.gateway)?)]))
            })
            .collect();
        peerings.sort_by(|x, y| {
            let names = |peering: &Peering| peering.sides.each_ref().map(|side| side.gateway_name.clone());
            (names(x), x.id).cmp(&(names(y), y.id))
        });
        peerings
    }

    fn peering(&self, id: PairId, rows: [(&PeerRow, &GatewayRow); 2]) -> Peering {
        let seen = rows.map(|(row, gateway)| SideSeen {
            enabled: row.enabled,
            recorded: self.host(gateway.id).is_some_and(HostRow::recorded),
            handshake: self.handshakes.get(&row.id).copied(),
        });
        let mut sides = rows.map(|(row, gateway)| self.side(row, gateway));
        sides.sort_by(|a, b| (&a.gateway_name, a.gateway).cmp(&(&b.gateway_name, b.gateway)));
        Peering { id, state: PeeringState::of(seen, self.now), sides, created_at: rows[0].0.created_at }
    }

    fn side(&self, row: &PeerRow, gateway: &GatewayRow) -> PeeringSide {
        let handshake = self.handshakes.get(&row.id).copied();
        let applied = self.host(gateway.id).is_some_and(|host| host.applied >= row.generation);
        PeeringSide {
            gateway: gateway.id,
            gateway_name: gateway.name.clone(),
            vpc: gateway.vpc,
            vpc_name: gateway.vpc_name.clone(),
            vpc_cidr: gateway.vpc_cidr,
            peer: row.id,
            applied: applied || handshake.is_some(),
            handshake,
        }
    }
}
