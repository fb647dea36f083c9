//! The version of each host's desired document, and the key of each of its peers.

use std::collections::HashMap;

use app::domain::{
    GatewayId, PeerId, ProjectId, PublicKey,
    change::ChangeKind,
    host::{HostId, HostRole},
    tunnel::{Hash, Version},
};
use sqlx::Row;

use super::{Result, Store, StoreError, Tx, number, parsed, whose};

/// What of a change decides which documents it may concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub seq: u64,
    pub kind: ChangeKind,
    pub object: String,
    pub project: Option<ProjectId>,
}

impl Store {
    /// The changes of every project after one, oldest first.
    pub async fn changes_after(&self, seq: u64, limit: u32) -> Result<Vec<Step>> {
        let rows = sqlx::query("select seq, kind, object, project_id from change where seq > $1 order by seq limit $2")
            .bind(number(seq))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.iter()
            .map(|row| {
                let (kind, project): (String, String) = (row.try_get("kind")?, row.try_get("project_id")?);
                Ok(Step {
                    seq: row.try_get::<i64, _>("seq")?.unsigned_abs(),
                    kind: ChangeKind::from_text(&kind).ok_or_else(|| StoreError::corrupt("change", "kind", &kind))?,
                    object: row.try_get("object")?,
                    project: if project.is_empty() { None } else { Some(parsed(row, "change", "project_id")?) },
                })
            })
            .collect()
    }

    /// What was wanted of each host last. An empty hash means that a new generation is due whatever the network says.
    pub async fn versions(&self) -> Result<HashMap<HostId, Version>> {
        let rows =
            sqlx::query("select host_id, role, epoch, generation, hash from document").fetch_all(self.pool()).await?;
        rows.iter()
            .map(|row| {
                let version = Version {
                    epoch: row.try_get::<i64, _>("epoch")?.unsigned_abs(),
                    generation: row.try_get::<i64, _>("generation")?.unsigned_abs(),
                    hash: Hash(row.try_get("hash")?),
                };
                Ok((whose(row, "document")?, version))
            })
            .collect()
    }

    /// The epoch of the installation: no document has a lower one.
    pub async fn epoch(&self) -> Result<u64> {
        let row = sqlx::query("select value from counter where name = 'epoch'").fetch_one(self.pool()).await?;
        Ok(row.try_get::<i64, _>("value")?.unsigned_abs())
    }

    /// Whether the key is a peer of some other gateway.
    pub async fn is_peer_elsewhere(&self, gateway: GatewayId, key: PublicKey) -> Result<bool> {
        let row = sqlx::query("select id from peer where public_key = $2 and gateway_id <> $1 limit 1")
            .bind(gateway.to_string())
            .bind(key.to_string())
            .fetch_optional(self.pool())
            .await?;
        Ok(row.is_some())
    }
}

impl Tx {
    /// The road warriors of a gateway and their keys, disabled ones too.
    pub async fn road_warrior_keys(&mut self, gateway: GatewayId) -> Result<HashMap<PeerId, PublicKey>> {
        let rows = sqlx::query("select id, public_key from peer where gateway_id = $1 and kind = 'road_warrior'")
            .bind(gateway.to_string())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| Ok((parsed(row, "peer", "id")?, parsed(row, "peer", "public_key")?))).collect()
    }

    /// `None` if the gateway or node is gone by now.
    pub async fn project_of(&mut self, host: HostId) -> Result<Option<ProjectId>> {
        let statement = match host.role() {
            HostRole::Gateway => "select project_id from gateway where id = $1",
            HostRole::Node => "select s.project_id from node n join service s on s.id = n.service_id where n.id = $1",
        };
        let row = sqlx::query(statement).bind(host.to_string()).fetch_optional(self.connection()).await?;
        row.map(|row| parsed(&row, "gateway", "project_id")).transpose()
    }

    /// `false` if the gateway or node is gone by now.
    pub async fn set_version(&mut self, host: HostId, version: &Version) -> Result<bool> {
        let now = self.at().0;
        macro_rules! upsert {
            ($role:literal) => {
                concat!(
                    "insert into document (host_id, role, epoch, generation, hash, derived_at)
             select id, '",
                    $role,
                    "', $2, $3, $4, $5 from ",
                    $role,
                    " where id = $1
             on conflict (host_id) do update set epoch = excluded.epoch, generation = excluded.generation,
                 hash = excluded.hash, derived_at = excluded.derived_at"
                )
            };
        }
        let done = sqlx::query(match host.role() {
            HostRole::Gateway => upsert!("gateway"),
            HostRole::Node => upsert!("node"),
        })
        .bind(host.to_string())
        .bind(number(version.epoch))
        .bind(number(version.generation))
        .bind(version.hash.to_string())
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }
}
