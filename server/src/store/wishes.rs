//! What a gateway's document is derived from: everything that people asked for and that touches this host.
//!
//! Endpoints and ranges of VPC peerings are read from the other gateway as it is now, so that
//! a new address or port there reaches this host without anybody copying it.

use std::collections::HashMap;

use app::domain::{
    GatewayId, Network, PeerId, ProjectId, PublicKey, Timestamp,
    peer::{Endpoint, PeerKind},
    tunnel::{Role, Wish, WishedPeer},
};

use super::{Result, Store, StoreError, Tx, gateways::GatewayRow, network::Vantage, peers::PeerRow};
use crate::seal::Sealer;

impl Store {
    /// What the host of a gateway should be; `None`: nothing at all, because the gateway is being deleted or gone.
    pub async fn wish(&self, gateway: GatewayId, sealer: &Sealer) -> Result<Option<Wish>> {
        self.snapshot().await?.wish(gateway, sealer).await
    }

    /// The same, and the key of each road warrior that it was made from, disabled ones too. Both of one moment: a row that
    /// was in one and not in the other would stay in the document after its end.
    pub async fn wish_and_road_warriors(
        &self,
        gateway: GatewayId,
        sealer: &Sealer,
    ) -> Result<(Option<Wish>, HashMap<PeerId, PublicKey>)> {
        let mut tx = self.snapshot().await?;
        let keys = tx.road_warrior_keys(gateway).await?;
        Ok((tx.wish(gateway, sealer).await?, keys))
    }

    /// The wishes of a project's gateways without their road warriors, which are many and concern one document each.
    /// `None`: being deleted.
    pub async fn outlines(&self, project: ProjectId, sealer: &Sealer) -> Result<HashMap<GatewayId, Option<Wish>>> {
        let mut tx = self.snapshot().await?;
        let from =
            Vantage { now: tx.at(), silent_after: u64::MAX, listening_since: Timestamp::default(), locations: &[] };
        let network = tx.ranges(project, &from, &HashMap::new()).await?;
        let mut linked = tx.linked_peers(project).await?;
        let gateways = tx.gateways(project).await?;
        let outline = |gateway: GatewayRow| {
            let id = gateway.id;
            if gateway.deleting_at.is_some() {
                return Ok((id, None));
            }
            let peers = linked.remove(&id).unwrap_or_default();
            Ok((id, Some(wished(gateway, &peers, &network, sealer)?)))
        };
        gateways.into_iter().map(outline).collect()
    }

    /// Those of the peers that are road warriors, and their gateways.
    pub async fn wished_road_warriors(
        &self,
        ids: &[PeerId],
        sealer: &Sealer,
    ) -> Result<HashMap<PeerId, (GatewayId, WishedPeer)>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let peers = self.snapshot().await?.road_warriors(ids).await?;
        let none = HashMap::new();
        peers.iter().map(|peer| Ok((peer.id, (peer.gateway, wished_peer(peer, &none, sealer)?)))).collect()
    }
}

impl Tx {
    /// As [`Store::wish`], inside a transaction.
    pub async fn wish(&mut self, gateway: GatewayId, sealer: &Sealer) -> Result<Option<Wish>> {
        let Some(row) = self.any_gateway(gateway).await?.filter(|row| row.deleting_at.is_none()) else {
            return Ok(None);
        };
        let peers = self.peers(gateway).await?;
        // Neither the clock nor the locations decide anything in a document.
        let from =
            Vantage { now: self.at(), silent_after: u64::MAX, listening_since: Timestamp::default(), locations: &[] };
        let network = self.ranges(row.project, &from, &HashMap::new()).await?;
        wished(row, &peers, &network, sealer).map(Some)
    }
}

fn wished(gateway: GatewayRow, peers: &[PeerRow], network: &Network, sealer: &Sealer) -> Result<Wish> {
    let remotes = remotes(network);
    let peers = peers.iter().map(|peer| wished_peer(peer, &remotes, sealer)).collect::<Result<Vec<_>>>()?;
    Ok(Wish {
        id: gateway.id,
        name: gateway.name,
        settings: gateway.settings,
        tunnel: gateway.tunnel,
        vpc: gateway.vpc_cidr,
        repairs: gateway.repairs,
        guarded: network.guarded(),
        peers,
    })
}

fn wished_peer(peer: &PeerRow, remotes: &HashMap<GatewayId, Remote>, sealer: &Sealer) -> Result<WishedPeer> {
    Ok(WishedPeer {
        name: peer.name.clone(),
        public_key: peer.public_key,
        preshared_key: peer.preshared_key(sealer)?,
        keepalive: peer.keepalive,
        enabled: peer.enabled,
        role: role(peer, remotes)?,
    })
}

/// Another gateway as a peering sees it.
struct Remote {
    vpc: app::domain::Cidr,
    tunnel: app::domain::Cidr,
    endpoint: Option<Endpoint>,
}

fn remotes(network: &Network) -> HashMap<GatewayId, Remote> {
    let vpcs: HashMap<_, _> = network.vpcs.iter().map(|vpc| (vpc.id, vpc.cidr)).collect();
    let remote = |gateway: &app::domain::network::GatewayRange| {
        let endpoint = gateway.public_address.map(|address| Endpoint { address, port: gateway.listen_port });
        Some((gateway.id, Remote { vpc: *vpcs.get(&gateway.vpc)?, tunnel: gateway.tunnel, endpoint }))
    };
    network.gateways.iter().filter_map(remote).collect()
}

fn role(peer: &PeerRow, remotes: &HashMap<GatewayId, Remote>) -> Result<Role> {
    Ok(match peer.kind {
        PeerKind::RoadWarrior => Role::RoadWarrior { address: peer.tunnel_address },
        PeerKind::Site => {
            Role::Site { address: peer.tunnel_address, networks: peer.networks.clone(), endpoint: peer.endpoint }
        }
        PeerKind::VpcPeering => {
            let broken = |what: &str| StoreError::corrupt("peer", "remote_id", format!("{} has no {what}", peer.name));
            let remote =
                peer.remote.as_ref().and_then(|(id, _)| remotes.get(id)).ok_or_else(|| broken("other gateway"))?;
            // Where it was when the two were joined, if nobody knows where it is now.
            let endpoint = remote.endpoint.or(peer.endpoint).ok_or_else(|| broken("endpoint"))?;
            Role::VpcPeering { vpc: remote.vpc, tunnel: remote.tunnel, endpoint }
        }
    })
}
