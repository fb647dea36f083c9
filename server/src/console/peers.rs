//! Road warriors and sites, and the files that their owners carry away.
//!
//! Tunnel addresses are given out in the transaction that writes the peer. Private keys are never
//! seen here; a preshared key leaves its seal only for the host's document and its owner's file.

use std::collections::HashMap;

use app::{
    api::ApiError,
    backend::Peers,
    domain::{
        Cidr, GatewayId, Network, PeerId, PeerName, PresharedKey, ProjectId, ProjectName, PublicKey, Refusal,
        change::{ChangeKind, Facts, Topic},
        peer::{Endpoint, Neighbours, NewRoadWarrior, NewSite, Peer, PeerKind, PeerObserved},
        permission::Permission,
        road_warrior::{FileFacts, SiteExport, WayIn},
    },
};
use async_trait::async_trait;
use uuid::Uuid;

use super::{Console, facts, failed, gateways::live, list};
use crate::{
    clock, seal,
    store::{
        Result as StoreResult, StoreError, Tx,
        gateways::GatewayRow,
        hosts::HostRow,
        network::public_address,
        peers::{Downloaded, PeerRow},
        transact,
    },
};

#[async_trait]
impl Peers for Console {
    async fn peers(&self, project: &ProjectName, gateway: GatewayId) -> Result<Vec<Peer>, ApiError> {
        let project = self.enter(project, Permission::NetworkingRead).await?;
        let vantage = self.vantage(clock::now());
        let read = async {
            let mut tx = self.store().snapshot().await?;
            let here = tx.gateway(project.id, gateway).await?;
            let rows = tx.peers(gateway).await?;
            Ok((here, rows, tx.network(project.id, &vantage).await?, tx.hosts(project.id).await?))
        };
        let (here, rows, network, hosts) = read.await.map_err(failed)?;
        let mut observed = self.store().observed(project.id).await.map_err(failed)?;
        let mut samples = self.store().samples(project.id, vantage.now).await.map_err(failed)?;
        let around = Around::of(&network, &here, hosts.get(&gateway));
        let shown = |row: PeerRow| {
            let (seen, samples) =
                (observed.remove(&row.id).unwrap_or_default(), samples.remove(&row.id).unwrap_or_default());
            around.shown(row, seen, samples)
        };
        Ok(rows.into_iter().map(shown).collect())
    }

    async fn peer(&self, project: &ProjectName, id: PeerId) -> Result<Peer, ApiError> {
        let project = self.enter(project, Permission::NetworkingRead).await?;
        let vantage = self.vantage(clock::now());
        let read = async {
            let mut tx = self.store().snapshot().await?;
            let row = tx.peer(project.id, id).await?;
            let here = tx.gateway(project.id, row.gateway).await?;
            Ok((here, row, tx.network(project.id, &vantage).await?, tx.hosts(project.id).await?))
        };
        let (here, row, network, hosts) = read.await.map_err(failed)?;
        let (observed, samples) = self.store().peer_figures(id, vantage.now).await.map_err(failed)?;
        Ok(Around::of(&network, &here, hosts.get(&row.gateway)).shown(row, observed, samples))
    }

    async fn neighbours(
        &self,
        project: &ProjectName,
        gateway: GatewayId,
        name: &PeerName,
        key: PublicKey,
    ) -> Result<Neighbours, ApiError> {
        let project = self.enter(project, Permission::NetworkingRead).await?;
        let read = async {
            let mut tx = self.store().snapshot().await?;
            let here = live(&mut tx, project.id, gateway).await?;
            let own = tx.hosts(project.id).await?.remove(&gateway).and_then(|host| host.public_key);
            tx.neighbours(&here, own, name, key).await
        };
        read.await.map_err(failed)
    }

    async fn create_road_warrior(
        &self,
        project: &ProjectName,
        gateway: GatewayId,
        new: NewRoadWarrior,
    ) -> Result<PeerId, ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        let id = PeerId::from_uuid(Uuid::now_v7());
        transact!(self.store(), clock::now(), |tx| self.add_road_warrior(tx, project.id, gateway, id, &new).await)
            .map_err(failed)
    }

    async fn issue_road_warrior(
        &self,
        project: &ProjectName,
        gateway: GatewayId,
        new: NewRoadWarrior,
    ) -> Result<(PeerId, FileFacts), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        let id = PeerId::from_uuid(Uuid::now_v7());
        transact!(self.store(), clock::now(), |tx| {
            self.add_road_warrior(tx, project.id, gateway, id, &new).await?;
            let (file, _) = self.hand_out(tx, project.id, id, PeerKind::RoadWarrior).await?;
            Ok((id, file))
        })
        .map_err(failed)
    }

    async fn create_site(&self, project: &ProjectName, gateway: GatewayId, new: NewSite) -> Result<PeerId, ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        let id = PeerId::from_uuid(Uuid::now_v7());
        transact!(self.store(), clock::now(), |tx| {
            let here = live(tx, project.id, gateway).await?;
            let host = tx.hosts(project.id).await?.remove(&gateway);
            let key = host.as_ref().and_then(|host| host.public_key);
            let ranges = tx.network(project.id, &self.vantage(tx.at())).await?.admit_site(gateway, &new);
            let place = tx.neighbours(&here, key, &new.name, new.public_key).await?.admit(&new.name, new.public_key);
            let address = match (place, ranges) {
                (Ok(address), Ok(())) => address,
                (Err(mut refusals), Err(more)) => {
                    refusals.0.extend(more.0);
                    return Err(refusals.into());
                }
                (Err(refusals), _) | (_, Err(refusals)) => return Err(refusals.into()),
            };
            let preshared = new.preshared.then(|| PresharedKey::from_bytes(seal::random()));
            let row = PeerRow {
                id,
                gateway,
                kind: PeerKind::Site,
                name: new.name.clone(),
                public_key: new.public_key,
                sealed_preshared_key: preshared.map(|key| PeerRow::seal(&self.shared.sealer, id, key)),
                tunnel_address: address,
                endpoint: new.endpoint,
                keepalive: new.keepalive,
                pair: None,
                remote: None,
                enabled: true,
                generation: next_generation(host.as_ref()),
                downloaded: None,
                created_at: tx.at(),
                networks: new.networks.clone(),
            };
            self.add(tx, &here, &row).await
        })
        .map_err(failed)
    }

    async fn enable_peer(&self, project: &ProjectName, id: PeerId, enabled: bool) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = tx.peer(project.id, id).await?;
            let rows = match row.pair {
                Some(pair) => tx.pair_rows(pair).await?,
                None => vec![row],
            };
            for row in rows.iter().filter(|row| row.enabled != enabled) {
                tx.enable_peer(row.id, enabled).await?;
                let state = |on: bool| facts([("enabled", if on { "yes" } else { "no" }.to_owned())]);
                let mut note = self.note(ChangeKind::VpnPeerUpdate, Topic::Peers, project.id, row.id, &row.name);
                (note.before, note.after) = (state(row.enabled), state(enabled));
                tx.note(note).await?;
                wake(tx, row.kind);
            }
            Ok(())
        })
        .map_err(failed)
    }

    async fn delete_peer(&self, project: &ProjectName, id: PeerId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = tx.peer(project.id, id).await?;
            if let Some(pair) = row.pair {
                return self.part(tx, project.id, pair).await;
            }
            let gateway = tx.gateway(project.id, row.gateway).await?;
            tx.delete_peer(id).await?;
            let mut note = self.note(ChangeKind::VpnPeerDelete, Topic::Peers, project.id, id, &row.name);
            note.before = about(&row, &gateway);
            tx.note(note).await?;
            wake(tx, row.kind);
            Ok(())
        })
        .map_err(failed)
    }

    async fn road_warrior_file(&self, project: &ProjectName, id: PeerId) -> Result<FileFacts, ApiError> {
        let (file, _) = self.download(project, id, PeerKind::RoadWarrior).await?;
        Ok(file)
    }

    async fn site_export(&self, project: &ProjectName, id: PeerId) -> Result<SiteExport, ApiError> {
        let (file, networks) = self.download(project, id, PeerKind::Site).await?;
        Ok(SiteExport { file, networks })
    }
}

impl Console {
    async fn add(&self, tx: &mut Tx, gateway: &GatewayRow, row: &PeerRow) -> StoreResult<PeerId> {
        tx.insert_peer(row).await?;
        let mut note = self.note(ChangeKind::VpnPeerCreate, Topic::Peers, gateway.project, row.id, &row.name);
        note.after = about(row, gateway);
        tx.note(note).await?;
        wake(tx, row.kind);
        Ok(row.id)
    }

    /// The file of a peer as it is now, and what lies behind it. Whoever holds it can join, so reading is not enough of a right.
    async fn download(
        &self,
        project: &ProjectName,
        id: PeerId,
        kind: PeerKind,
    ) -> Result<(FileFacts, Vec<Cidr>), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| self.hand_out(tx, project.id, id, kind).await).map_err(failed)
    }

    async fn hand_out(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        id: PeerId,
        kind: PeerKind,
    ) -> StoreResult<(FileFacts, Vec<Cidr>)> {
        let row = tx.peer(project, id).await?;
        if row.kind != kind {
            return Err(StoreError::NotFound);
        }
        let gateway = live(tx, project, row.gateway).await?;
        let host = tx.hosts(project).await?.remove(&row.gateway);
        let way_in = way_in(&gateway, host.as_ref())?;
        let network = tx.network(project, &self.vantage(tx.at())).await?;
        let allowed_ips = reach(&network, &row);
        tx.note_download(id, &Downloaded::Whole { ranges: allowed_ips.clone(), way_in: way_in.clone() }).await?;
        let mut note = self.note(ChangeKind::VpnConfigDownload, Topic::Peers, project, id, &row.name);
        note.after = facts([("gateway", gateway.name.to_string()), ("allowed_ips", list(&allowed_ips))]);
        tx.note(note).await?;
        let file = FileFacts {
            gateway: gateway.name,
            peer: row.name.clone(),
            address: row.tunnel_address,
            dns: way_in.dns,
            mtu: way_in.mtu,
            gateway_key: way_in.key,
            preshared_key: row.preshared_key(&self.shared.sealer)?,
            allowed_ips,
            endpoint: way_in.endpoint,
        };
        Ok((file, row.networks))
    }

    async fn add_road_warrior(
        &self,
        tx: &mut Tx,
        project: ProjectId,
        gateway: GatewayId,
        id: PeerId,
        new: &NewRoadWarrior,
    ) -> StoreResult<PeerId> {
        let here = live(tx, project, gateway).await?;
        let host = tx.hosts(project).await?.remove(&gateway);
        let key = host.as_ref().and_then(|host| host.public_key);
        let address = tx.neighbours(&here, key, &new.name, new.public_key).await?.admit(&new.name, new.public_key)?;
        let preshared = PresharedKey::from_bytes(seal::random());
        let row = PeerRow {
            id,
            gateway,
            kind: PeerKind::RoadWarrior,
            name: new.name.clone(),
            public_key: new.public_key,
            sealed_preshared_key: Some(PeerRow::seal(&self.shared.sealer, id, preshared)),
            tunnel_address: address,
            endpoint: None,
            // Its file keeps the session alive; a gateway that called out would only be in the way of roaming.
            keepalive: 0,
            pair: None,
            remote: None,
            enabled: true,
            generation: next_generation(host.as_ref()),
            downloaded: None,
            created_at: tx.at(),
            networks: Vec::new(),
        };
        self.add(tx, &here, &row).await
    }
}

/// What a gateway's peers need to find it.
fn way_in(gateway: &GatewayRow, host: Option<&HostRow>) -> Result<WayIn, Refusal> {
    let refuse = |sentence: String| Refusal::conflict("", sentence);
    let name = &gateway.name;
    let key = host
        .and_then(|host| host.public_key)
        .ok_or_else(|| refuse(format!("Gateway {name} has no key yet: its host makes one when it is enrolled. Enrol a host, then download the file.")))?;
    let address = public_address(&gateway.settings, host).ok_or_else(|| {
        refuse(format!("Gateway {name} has no public address. Enter one in its settings, then download the file."))
    })?;
    let settings = &gateway.settings;
    let endpoint = Endpoint { address, port: settings.listen_port };
    Ok(WayIn { key, endpoint, mtu: settings.mtu, dns: settings.dns.clone() })
}

/// What the file of a peer routes to its gateway.
fn reach(network: &Network, row: &PeerRow) -> Vec<Cidr> {
    match row.kind {
        PeerKind::Site => network.reach_of_site(row.gateway),
        _ => network.reach_of(row.gateway),
    }
}

fn next_generation(host: Option<&HostRow>) -> u64 {
    host.map_or(0, |host| host.wanted) + 1
}

/// Road warriors take no range; sites do, and VPC peerings show everywhere.
fn wake(tx: &mut Tx, kind: PeerKind) {
    tx.touch(Topic::Gateways);
    match kind {
        PeerKind::RoadWarrior => {}
        PeerKind::Site => tx.touch(Topic::Plan),
        PeerKind::VpcPeering => super::peerings::wake_all(tx),
    }
}

/// What a gateway's peers look like from the rest of the network.
struct Around<'a> {
    network: &'a Network,
    /// What a road warrior's file has now.
    reaches: Vec<Cidr>,
    /// The ranges and the endpoint of every other gateway.
    remotes: HashMap<GatewayId, (Vec<Cidr>, Option<Endpoint>)>,
    /// What a file would say of the gateway now; `None` if there could be none.
    way_in: Option<WayIn>,
    recorded: bool,
}

impl<'a> Around<'a> {
    fn of(network: &'a Network, here: &GatewayRow, host: Option<&HostRow>) -> Self {
        let gateway = here.id;
        let mut remotes: HashMap<GatewayId, (Vec<Cidr>, Option<Endpoint>)> = HashMap::new();
        for routed in network.routed.iter().filter(|routed| routed.gateway == gateway) {
            if let Some(remote) = routed.remote {
                remotes.entry(remote).or_insert_with(|| (Vec::new(), endpoint_of(network, remote))).0.push(routed.cidr);
            }
        }
        let (way_in, recorded) = (way_in(here, host).ok(), host.is_some_and(HostRow::recorded));
        Self { network, reaches: network.reach_of(gateway), remotes, way_in, recorded }
    }

    fn shown(&self, row: PeerRow, observed: PeerObserved, samples: Vec<(u64, u64)>) -> Peer {
        let remote = row.remote.as_ref().and_then(|(id, _)| self.remotes.get(id));
        let alone = Cidr::around(row.tunnel_address, 32);
        let (allowed_ips, endpoint) = match row.kind {
            PeerKind::RoadWarrior => (alone.into_iter().collect(), None),
            PeerKind::Site => (alone.into_iter().chain(row.networks.iter().copied()).collect(), row.endpoint),
            PeerKind::VpcPeering => {
                let (ranges, endpoint) = remote.cloned().unwrap_or_default();
                (ranges, endpoint.or(row.endpoint))
            }
        };
        let reaches = match row.kind {
            PeerKind::RoadWarrior => self.reaches.clone(),
            PeerKind::Site => reach(self.network, &row),
            PeerKind::VpcPeering => Vec::new(),
        };
        Peer {
            id: row.id,
            gateway: row.gateway,
            kind: row.kind,
            name: row.name,
            public_key: row.public_key,
            preshared: row.sealed_preshared_key.is_some(),
            tunnel_address: row.tunnel_address,
            allowed_ips,
            endpoint,
            keepalive: row.keepalive,
            pair: row.pair,
            remote: row.remote,
            enabled: row.enabled,
            observed,
            samples,
            stale: match (row.downloaded.as_ref().and_then(Downloaded::way_in), &self.way_in) {
                (Some(then), Some(now)) => then.stale(now),
                _ => Vec::new(),
            },
            downloaded: row.downloaded.map(|file| file.ranges().to_vec()),
            reaches,
            recorded: self.recorded,
            created_at: row.created_at,
        }
    }
}

fn endpoint_of(network: &Network, gateway: GatewayId) -> Option<Endpoint> {
    let gateway = network.gateway(gateway)?;
    Some(Endpoint { address: gateway.public_address?, port: gateway.listen_port })
}

fn about(row: &PeerRow, gateway: &GatewayRow) -> Facts {
    let mut facts = facts([
        ("gateway", gateway.name.to_string()),
        ("kind", row.kind.word().to_owned()),
        ("tunnel_address", row.tunnel_address.to_string()),
    ]);
    if row.kind == PeerKind::Site {
        facts.insert("networks".to_owned(), list(&row.networks));
        facts.insert("endpoint".to_owned(), row.endpoint.map(|endpoint| endpoint.to_string()).unwrap_or_default());
    }
    facts
}
