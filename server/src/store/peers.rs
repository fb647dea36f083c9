//! Peer rows. Preshared keys stay sealed in here; only [`super::wishes`] and the files that people download open them.

use std::{collections::HashMap, net::Ipv4Addr};

use app::domain::{
    Cidr, GatewayId, GatewayName, PairId, PeerId, PeerName, PresharedKey, ProjectId, PublicKey, Timestamp,
    peer::{Endpoint, Neighbours, PeerKind, SESSION_SECONDS},
    road_warrior::WayIn,
};

use super::{
    Result, StoreError, Tx,
    gateways::{GatewayRow, number},
};
use crate::seal::Sealer;

/// What is stored of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRow {
    pub id: PeerId,
    pub gateway: GatewayId,
    pub kind: PeerKind,
    pub name: PeerName,
    pub public_key: PublicKey,
    /// Opened by [`PeerRow::preshared_key`].
    pub sealed_preshared_key: Option<String>,
    pub tunnel_address: Ipv4Addr,
    pub endpoint: Option<Endpoint>,
    pub keepalive: u16,
    /// Of a VPC peering: what both rows share, and the other gateway.
    pub pair: Option<PairId>,
    pub remote: Option<(GatewayId, GatewayName)>,
    pub enabled: bool,
    /// The first generation of the gateway's document that can hold it.
    pub generation: u64,
    /// The file that was last downloaded.
    pub downloaded: Option<Downloaded>,
    pub created_at: Timestamp,
    /// What lies behind a site; sorted.
    pub networks: Vec<Cidr>,
}

/// What is remembered of a file that was handed out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Downloaded {
    Whole {
        ranges: Vec<Cidr>,
        way_in: WayIn,
    },
    /// As it was noted once: the ranges only.
    Ranges(Vec<Cidr>),
}

impl Downloaded {
    pub fn ranges(&self) -> &[Cidr] {
        match self {
            Self::Whole { ranges, .. } | Self::Ranges(ranges) => ranges,
        }
    }

    pub fn way_in(&self) -> Option<&WayIn> {
        match self {
            Self::Whole { way_in, .. } => Some(way_in),
            Self::Ranges(_) => None,
        }
    }
}

impl PeerRow {
    /// Seals a preshared key for one peer's row: it opens nowhere else.
    pub fn seal(sealer: &Sealer, id: PeerId, key: PresharedKey) -> String {
        sealer.seal(&seal_purpose(id), key.as_bytes())
    }

    /// # Errors
    /// If it was sealed with another master key.
    pub fn preshared_key(&self, sealer: &Sealer) -> Result<Option<PresharedKey>> {
        let Some(sealed) = &self.sealed_preshared_key else { return Ok(None) };
        let bytes = sealer.open(&seal_purpose(self.id), sealed).map_err(|error| StoreError::Seal(error.to_string()))?;
        let bytes: [u8; 32] =
            bytes.try_into().map_err(|_| StoreError::Seal("a preshared key has 32 bytes".to_owned()))?;
        Ok(Some(PresharedKey::from_bytes(bytes)))
    }
}

/// What a peer's preshared key is sealed for.
pub(in crate::store) fn seal_purpose(id: PeerId) -> String {
    format!("preshared key of peer {id}")
}

#[derive(sqlx::FromRow)]
pub(in crate::store) struct Raw {
    #[sqlx(try_from = "String")]
    id: PeerId,
    #[sqlx(try_from = "String")]
    gateway_id: GatewayId,
    kind: String,
    #[sqlx(try_from = "String")]
    name: PeerName,
    #[sqlx(try_from = "String")]
    public_key: PublicKey,
    sealed_preshared_key: String,
    tunnel_address: i64,
    endpoint: String,
    keepalive: i64,
    pair_id: String,
    remote_id: String,
    remote_name: String,
    enabled: i64,
    generation: i64,
    downloaded: String,
    created_at: i64,
}

/// The text of a column that is `''` if absent.
pub(in crate::store) fn optional<T: std::str::FromStr<Err: std::fmt::Display>>(
    column: &'static str,
    text: &str,
) -> Result<Option<T>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| StoreError::corrupt("peer", column, error))
}

impl TryFrom<Raw> for PeerRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self> {
        let remote = match optional("remote_id", &raw.remote_id)? {
            None => None,
            Some(id) => {
                Some((id, raw.remote_name.parse().map_err(|error| StoreError::corrupt("gateway", "name", error))?))
            }
        };
        let downloaded = match raw.downloaded.as_str() {
            "" => None,
            text => Some(serde_json::from_str(text).map_err(|error| StoreError::corrupt("peer", "downloaded", error))?),
        };
        Ok(Self {
            id: raw.id,
            gateway: raw.gateway_id,
            kind: PeerKind::from_text(&raw.kind).ok_or_else(|| StoreError::corrupt("peer", "kind", &raw.kind))?,
            name: raw.name,
            public_key: raw.public_key,
            sealed_preshared_key: Some(raw.sealed_preshared_key).filter(|sealed| !sealed.is_empty()),
            tunnel_address: address(raw.tunnel_address)?,
            endpoint: optional("endpoint", &raw.endpoint)?,
            keepalive: u16::try_from(raw.keepalive).map_err(|error| StoreError::corrupt("peer", "keepalive", error))?,
            pair: optional("pair_id", &raw.pair_id)?,
            remote,
            enabled: raw.enabled != 0,
            generation: raw.generation.unsigned_abs(),
            downloaded,
            created_at: Timestamp(raw.created_at),
            networks: Vec::new(),
        })
    }
}

/// An address from a column that can be counted up.
pub(in crate::store) fn address(number: i64) -> Result<Ipv4Addr> {
    u32::try_from(number).map(Ipv4Addr::from).map_err(|error| StoreError::corrupt("peer", "tunnel_address", error))
}

/// Every column of [`Raw`]; the caller adds what it looks for.
macro_rules! select_peers {
    ($rest:literal) => {
        concat!(
            "select p.id, p.gateway_id, p.kind, p.name, p.public_key, p.sealed_preshared_key, p.tunnel_address, p.endpoint, p.keepalive,
               p.pair_id, p.remote_id, coalesce(r.name, '') as remote_name, p.enabled, p.generation, p.downloaded,
               p.created_at
             from peer p left join gateway r on r.id = p.remote_id ",
            $rest
        )
    };
}

pub(in crate::store) use select_peers;

impl Tx {
    /// Every peer of a gateway, ordered by kind, then name.
    pub async fn peers(&mut self, gateway: GatewayId) -> Result<Vec<PeerRow>> {
        let rows: Vec<Raw> = sqlx::query_as(select_peers!("where p.gateway_id = $1"))
            .bind(gateway.to_string())
            .fetch_all(self.connection())
            .await?;
        let networks: Vec<(String, String)> = sqlx::query_as(
            "select n.peer_id, n.cidr from peer_network n join peer p on p.id = n.peer_id where p.gateway_id = $1",
        )
        .bind(gateway.to_string())
        .fetch_all(self.connection())
        .await?;
        let mut peers = rows.into_iter().map(PeerRow::try_from).collect::<Result<Vec<_>>>()?;
        fill_networks(&mut peers, &networks)?;
        peers.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Ok(peers)
    }

    /// Every site and VPC peering of a project, by its gateway.
    pub(in crate::store) async fn linked_peers(
        &mut self,
        project: ProjectId,
    ) -> Result<HashMap<GatewayId, Vec<PeerRow>>> {
        let rows: Vec<Raw> = sqlx::query_as(select_peers!(
            "join gateway g on g.id = p.gateway_id where g.project_id = $1 and p.kind in ('site', 'vpc_peering')"
        ))
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        let networks: Vec<(String, String)> = sqlx::query_as(
            "select n.peer_id, n.cidr from gateway g join peer p on p.gateway_id = g.id and p.kind = 'site'
             join peer_network n on n.peer_id = p.id where g.project_id = $1",
        )
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        let mut peers = rows.into_iter().map(PeerRow::try_from).collect::<Result<Vec<_>>>()?;
        fill_networks(&mut peers, &networks)?;
        let mut by_gateway: HashMap<GatewayId, Vec<PeerRow>> = HashMap::new();
        for peer in peers {
            by_gateway.entry(peer.gateway).or_default().push(peer);
        }
        Ok(by_gateway)
    }

    /// Those of the peers that are road warriors, of whatever project.
    pub(in crate::store) async fn road_warriors(&mut self, ids: &[PeerId]) -> Result<Vec<PeerRow>> {
        let mut peers = Vec::with_capacity(ids.len());
        for id in ids {
            let row: Option<Raw> = sqlx::query_as(select_peers!("where p.id = $1 and p.kind = 'road_warrior'"))
                .bind(id.to_string())
                .fetch_optional(self.connection())
                .await?;
            if let Some(row) = row {
                peers.push(row.try_into()?);
            }
        }
        Ok(peers)
    }

    /// A peer of a live gateway of this project.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is none.
    pub async fn peer(&mut self, project: ProjectId, id: PeerId) -> Result<PeerRow> {
        let row: Option<Raw> = sqlx::query_as(select_peers!(
            "join gateway g on g.id = p.gateway_id where p.id = $1 and g.project_id = $2 and g.tombstone = ''"
        ))
        .bind(id.to_string())
        .bind(project.to_string())
        .fetch_optional(self.connection())
        .await?;
        let peer: PeerRow = row.ok_or(StoreError::NotFound)?.try_into()?;
        let networks: Vec<(String, String)> =
            sqlx::query_as("select peer_id, cidr from peer_network where peer_id = $1")
                .bind(id.to_string())
                .fetch_all(self.connection())
                .await?;
        let mut peers = [peer];
        fill_networks(&mut peers, &networks)?;
        let [peer] = peers;
        Ok(peer)
    }

    /// The rows that joined other gateways to this one.
    pub async fn mirrors(&mut self, gateway: GatewayId) -> Result<Vec<PeerRow>> {
        let rows: Vec<Raw> = sqlx::query_as(select_peers!("where p.remote_id = $1"))
            .bind(gateway.to_string())
            .fetch_all(self.connection())
            .await?;
        rows.into_iter().map(PeerRow::try_from).collect()
    }

    /// What a new peer with this name and key meets on its gateway.
    pub async fn neighbours(
        &mut self,
        gateway: &GatewayRow,
        gateway_key: Option<PublicKey>,
        name: &PeerName,
        key: PublicKey,
    ) -> Result<Neighbours> {
        let same: Vec<(String, String)> = sqlx::query_as(
            "select name, public_key from peer where gateway_id = $1 and (name = $2 or public_key = $3)",
        )
        .bind(gateway.id.to_string())
        .bind(name.to_string())
        .bind(key.to_string())
        .fetch_all(self.connection())
        .await?;
        Ok(Neighbours {
            gateway: gateway.name.clone(),
            gateway_key,
            name_taken: same.iter().any(|(taken, _)| taken == name.as_str()),
            key_taken: same.iter().any(|(_, taken)| *taken == key.to_string()),
            free_address: self.free_tunnel_address(gateway).await?,
        })
    }

    /// `share_peered` is a column that nothing reads any more.
    pub async fn insert_peer(&mut self, peer: &PeerRow) -> Result<()> {
        sqlx::query(
            "insert into peer (id, gateway_id, kind, name, public_key, sealed_preshared_key, tunnel_address, endpoint, keepalive,
               pair_id, remote_id, enabled, share_peered, generation, downloaded, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, '', $14)",
        )
        .bind(peer.id.to_string())
        .bind(peer.gateway.to_string())
        .bind(peer.kind.as_str())
        .bind(peer.name.to_string())
        .bind(peer.public_key.to_string())
        .bind(peer.sealed_preshared_key.clone().unwrap_or_default())
        .bind(number(peer.tunnel_address))
        .bind(peer.endpoint.map(|endpoint| endpoint.to_string()).unwrap_or_default())
        .bind(i64::from(peer.keepalive))
        .bind(peer.pair.map(|pair| pair.to_string()).unwrap_or_default())
        .bind(peer.remote.as_ref().map(|(remote, _)| remote.to_string()).unwrap_or_default())
        .bind(i64::from(peer.enabled))
        .bind(i64::try_from(peer.generation).unwrap_or(i64::MAX))
        .bind(peer.created_at.0)
        .execute(self.connection())
        .await?;
        for cidr in &peer.networks {
            sqlx::query("insert into peer_network (peer_id, cidr) values ($1, $2)")
                .bind(peer.id.to_string())
                .bind(cidr.to_string())
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    pub async fn enable_peer(&mut self, id: PeerId, enabled: bool) -> Result<()> {
        sqlx::query("update peer set enabled = $2 where id = $1")
            .bind(id.to_string())
            .bind(i64::from(enabled))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Remembers what a downloaded file says.
    pub async fn note_download(&mut self, id: PeerId, file: &Downloaded) -> Result<()> {
        sqlx::query("update peer set downloaded = $2 where id = $1")
            .bind(id.to_string())
            .bind(serde_json::to_string(file).expect("plain data serializes"))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    pub async fn delete_peer(&mut self, id: PeerId) -> Result<()> {
        sqlx::query("delete from peer where id = $1").bind(id.to_string()).execute(self.connection()).await?;
        Ok(())
    }

    /// Every peer of a gateway, and what joined other gateways to it.
    pub async fn delete_peers_with(&mut self, gateway: GatewayId) -> Result<()> {
        sqlx::query("delete from peer where gateway_id = $1 or remote_id = $1")
            .bind(gateway.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// How many peers each gateway of a project has, and how many of them have a session.
    pub async fn peer_counts(&mut self, project: ProjectId) -> Result<HashMap<GatewayId, Count>> {
        let since = Timestamp::from_seconds(self.at().seconds())
            .plus_seconds(-i64::try_from(SESSION_SECONDS).unwrap_or(i64::MAX));
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "select p.gateway_id, count(*) as peers,
               sum(case when p.enabled = 1 and coalesce(o.handshake, 0) >= $2 then 1 else 0 end) as connected
             from gateway g join peer p on p.gateway_id = g.id left join observed_peer o on o.peer_id = p.id
             where g.project_id = $1 group by p.gateway_id",
        )
        .bind(project.to_string())
        .bind(since.0)
        .fetch_all(self.connection())
        .await?;
        let parsed = |(id, peers, connected): (String, i64, i64)| {
            let id = id.parse().map_err(|error| StoreError::corrupt("peer", "gateway_id", error))?;
            let count = |number: i64| usize::try_from(number).unwrap_or_default();
            Ok((id, Count { peers: count(peers), connected: count(connected) }))
        };
        rows.into_iter().map(parsed).collect()
    }
}

/// Peers of a gateway, and those of them that have a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub peers: usize,
    pub connected: usize,
}

fn fill_networks(peers: &mut [PeerRow], networks: &[(String, String)]) -> Result<()> {
    let mut by_peer: HashMap<&str, Vec<Cidr>> = HashMap::new();
    for (peer, cidr) in networks {
        let cidr = cidr.parse().map_err(|error| StoreError::corrupt("peer_network", "cidr", error))?;
        by_peer.entry(peer).or_default().push(cidr);
    }
    if by_peer.is_empty() {
        return Ok(());
    }
    for peer in peers {
        if let Some(mut ranges) = by_peer.remove(peer.id.to_string().as_str()) {
            ranges.sort();
            peer.networks = ranges;
        }
    }
    Ok(())
}
