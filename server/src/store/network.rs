//! The snapshot of a project's ranges that the domain's rules ask, read in a constant number of statements.
//!
//! The same code serves a page, a reconciler and the transaction that writes: whoever asks
//! inside [`Store::begin`] gets the authoritative answer. Gateways being deleted are left
//! out, so that what they held is free again at once.

use std::{collections::HashMap, net::Ipv4Addr};

use app::domain::{
    Cidr, GatewayId, Network, PairId, PeerId, PeerName, ProjectId, Timestamp, VpcId,
    gateway::GatewaySettings,
    location::Location,
    network::{GatewayRange, LeavingGateway, RoutedRange, VpcRange},
    peer::PeerKind,
};

use super::{
    Result, Store, StoreError, Tx,
    accounts::offers,
    cloud_networks::CloudVpcRow,
    connections::ConnectionRow,
    gateways::GatewayRow,
    hosts::HostRow,
    peers::{address, optional},
};

/// Where one looks from: what the database does not know.
#[derive(Clone, Copy, Debug)]
pub struct Vantage<'a> {
    pub now: Timestamp,
    /// Seconds after which an agent counts as silent.
    pub silent_after: u64,
    /// Since when agents could be heard.
    pub listening_since: Timestamp,
    pub locations: &'a [Location],
}

/// Where peers reach a gateway: the settings' address, else what its agent reported.
pub fn public_address(settings: &GatewaySettings, host: Option<&HostRow>) -> Option<Ipv4Addr> {
    settings.public_address.or_else(|| host?.facts.as_ref()?.wan_address())
}

/// The address after the first unbroken run that starts with the gateway's own. A subnet without gaps, the usual one,
/// is told by counting; else the index is followed to the first gap.
macro_rules! select_free {
    ($rest:literal) => {
        concat!(
            "select g.id,
               case (select count(*) from peer p where p.gateway_id = g.id)
               when coalesce((select max(p.tunnel_address) from peer p where p.gateway_id = g.id), g.tunnel_address) - g.tunnel_address
               then coalesce((select max(p.tunnel_address) from peer p where p.gateway_id = g.id), g.tunnel_address) + 1
               else (
                 select min(t.address) from (
                   select g.tunnel_address + 1 as address
                   union all
                   select * from (
                     select p.tunnel_address + 1 as address from peer p
                     where p.gateway_id = g.id and not exists (
                       select 1 from peer q where q.gateway_id = p.gateway_id and q.tunnel_address = p.tunnel_address + 1)
                     order by p.tunnel_address limit 1
                   ) gap
                 ) t where not exists (select 1 from peer q where q.gateway_id = g.id and q.tunnel_address = t.address)
               ) end as free
             from gateway g ",
            $rest
        )
    };
}
impl Store {
    /// As [`Tx::network`], at one moment.
    pub async fn network(&self, project: ProjectId, from: &Vantage<'_>) -> Result<Network> {
        self.snapshot().await?.network(project, from).await
    }
}

impl Tx {
    /// Every range of a project that the rules know of.
    pub async fn network(&mut self, project: ProjectId, from: &Vantage<'_>) -> Result<Network> {
        let free = self.free_tunnel_addresses(project).await?;
        self.ranges(project, from, &free).await
    }

    /// The same for whoever gives out no address: finding a free one reads every peer.
    pub(in crate::store) async fn ranges(
        &mut self,
        project: ProjectId,
        from: &Vantage<'_>,
        free: &HashMap<GatewayId, Ipv4Addr>,
    ) -> Result<Network> {
        let vpcs = self.vpcs(project).await?;
        let gateways = self.gateways(project).await?;
        let hosts = self.hosts(project).await?;
        let planned = self.planned(project).await?;
        let in_clouds: HashMap<VpcId, CloudVpcRow> =
            self.cloud_vpcs(project).await?.into_iter().map(|row| (row.id, row)).collect();
        let vpcs: Vec<VpcRange> = vpcs
            .into_iter()
            .map(|vpc| {
                let in_cloud = in_clouds.get(&vpc.id);
                VpcRange {
                    id: vpc.id,
                    name: vpc.name,
                    cloud: vpc.cloud,
                    cidr: vpc.cidr,
                    state: in_cloud.map_or(vpc.state, CloudVpcRow::state),
                    cloud_id: in_cloud.and_then(|row| row.seen.cloud_id.clone()),
                }
            })
            .collect();
        let connections = match in_clouds.is_empty() {
            true => Vec::new(),
            false => self.connections(project).await?.into_values().flatten().map(ConnectionRow::range).collect(),
        };
        let clouds = offers(&self.accounts_of_project(project).await?);
        let (leaving, staying): (Vec<_>, Vec<_>) =
            gateways.into_iter().partition(|gateway| gateway.deleting_at.is_some());
        let leaving = leaving
            .into_iter()
            .map(|GatewayRow { id, name, owner, vpc, .. }| LeavingGateway { id, name, owner, vpc })
            .collect();
        let gateways: Vec<GatewayRange> = staying
            .iter()
            .map(|gateway| range(gateway, hosts.get(&gateway.id), free.get(&gateway.id).copied(), from))
            .collect();
        let routed = self.routed(project, &vpcs, &gateways).await?;
        let locations = from.locations.to_vec();
        Ok(Network { locations, clouds, vpcs, gateways, leaving, routed, connections, planned })
    }

    /// What sites and VPC peerings take, by gateway and address.
    async fn routed(
        &mut self,
        project: ProjectId,
        vpcs: &[VpcRange],
        gateways: &[GatewayRange],
    ) -> Result<Vec<RoutedRange>> {
        #[derive(sqlx::FromRow)]
        struct Raw {
            #[sqlx(try_from = "String")]
            id: PeerId,
            #[sqlx(try_from = "String")]
            gateway_id: GatewayId,
            #[sqlx(try_from = "String")]
            name: PeerName,
            pair_id: String,
            remote_id: String,
            cidr: String,
        }
        let rows: Vec<Raw> = sqlx::query_as(
            "select p.id, p.gateway_id, p.name, p.pair_id, p.remote_id, coalesce(n.cidr, '') as cidr
             from gateway g join peer p on p.gateway_id = g.id left join peer_network n on n.peer_id = p.id
             where g.project_id = $1 and g.tombstone = '' and p.kind in ('site', 'vpc_peering')",
        )
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        let vpcs: HashMap<_, Cidr> = vpcs.iter().map(|vpc| (vpc.id, vpc.cidr)).collect();
        let remotes: HashMap<GatewayId, [Cidr; 2]> = gateways
            .iter()
            .filter_map(|gateway| Some((gateway.id, [*vpcs.get(&gateway.vpc)?, gateway.tunnel])))
            .collect();
        let mut routed = Vec::with_capacity(rows.len());
        for row in rows {
            let pair: Option<PairId> = optional("pair_id", &row.pair_id)?;
            let remote: Option<GatewayId> = optional("remote_id", &row.remote_id)?;
            let kind = if remote.is_some() { PeerKind::VpcPeering } else { PeerKind::Site };
            let site: Option<Cidr> = optional("cidr", &row.cidr)?;
            let ranges = remote.and_then(|remote| remotes.get(&remote)).into_iter().flatten().copied().chain(site);
            routed.extend(ranges.map(|cidr| RoutedRange {
                gateway: row.gateway_id,
                peer: row.id,
                peer_name: row.name.clone(),
                kind,
                pair,
                remote,
                cidr,
            }));
        }
        routed.sort_by_key(|range| (range.gateway, range.cidr, range.peer));
        Ok(routed)
    }

    /// The lowest free tunnel address of every live gateway.
    async fn free_tunnel_addresses(&mut self, project: ProjectId) -> Result<HashMap<GatewayId, Ipv4Addr>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(select_free!("where g.project_id = $1 and g.tombstone = ''"))
            .bind(project.to_string())
            .fetch_all(self.connection())
            .await?;
        let parsed = |(id, free): (String, i64)| {
            Ok((id.parse().map_err(|error| StoreError::corrupt("gateway", "id", error))?, address(free)?))
        };
        rows.into_iter().map(parsed).collect()
    }

    /// The lowest free tunnel address of one gateway; `None` if its subnet is exhausted.
    pub async fn free_tunnel_address(&mut self, gateway: &GatewayRow) -> Result<Option<Ipv4Addr>> {
        let (_, free): (String, i64) = sqlx::query_as(select_free!("where g.id = $1"))
            .bind(gateway.id.to_string())
            .fetch_one(self.connection())
            .await?;
        Ok(Some(address(free)?).filter(|free| *free < Ipv4Addr::from(gateway.tunnel.last())))
    }
}

fn range(gateway: &GatewayRow, host: Option<&HostRow>, free: Option<Ipv4Addr>, from: &Vantage<'_>) -> GatewayRange {
    let seen = host.map(|host| host.observation(false)).unwrap_or_default().listened_to_since(from.listening_since);
    let inactive_because = seen.not_peerable(&gateway.name, from.now, from.silent_after);
    GatewayRange {
        id: gateway.id,
        name: gateway.name.clone(),
        owner: gateway.owner,
        vpc: gateway.vpc,
        tunnel: gateway.tunnel,
        active: inactive_because.is_none(),
        inactive_because: inactive_because.unwrap_or_default(),
        public_address: public_address(&gateway.settings, host),
        listen_port: gateway.settings.listen_port,
        // The broadcast address is never given out.
        next_tunnel_address: free.filter(|free| *free < Ipv4Addr::from(gateway.tunnel.last())),
        generation: host.map_or(0, |host| host.wanted),
    }
}
