//! Hosts of gateways and of service nodes: which document each should have, who may speak for it, and what it was seen to be.
//!
//! Wished (`document`, `enrolment`, `credential`) and observed (`host`, `observed_peer`, `observed_node`, `node_traffic`) never share
//! a table. Only reconcilers write the observed ones. No document's body is kept: it is derived from
//! the network whenever it is needed, so that preshared keys are at rest in one place only.

mod credentials;
mod documents;
mod figures;
mod leftovers;
mod nodes;

use std::collections::HashMap;

use app::domain::{
    GatewayId, NodeId, ProjectId, PublicKey, ServiceId, Timestamp,
    gateway::GatewayObservation,
    host::{Drift, HostFacts, HostId, HostRole, WireGuardKind},
};
use sqlx::{Any, Executor, Row, any::AnyRow};

pub use self::{
    credentials::{Bearer, Enrolling, Standing},
    documents::Step,
    figures::{Figures, SLOT_SECONDS, SLOTS, Sample},
    leftovers::PairSeen,
    nodes::{ATTEMPTS, Counted, NodeFigures, Refused},
};
pub use app::domain::host::token_digest as digest;

use super::{Result, Store, StoreError, Tx, people::parsed};

/// What is known of a host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostRow {
    pub host: HostId,
    /// Somebody holds a credential for it.
    pub enrolled: bool,
    pub public_key: Option<PublicKey>,
    pub facts: Option<HostFacts>,
    pub last_seen: Option<Timestamp>,
    pub epoch: u64,
    /// The generation of the desired document; 0 before the first.
    pub wanted: u64,
    pub applied: u64,
    pub verified: u64,
    pub apply_error: Option<String>,
    pub drift: Vec<Drift>,
    /// What it showed last is that nothing of ours is left on it.
    pub cleaned: bool,
}

impl HostRow {
    pub fn recorded(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.wireguard == WireGuardKind::Recording)
    }

    /// What status and sync are computed from.
    pub fn observation(&self, deleting: bool) -> GatewayObservation {
        GatewayObservation {
            deleting,
            enrolled: self.enrolled,
            recorded: self.recorded(),
            last_seen: self.last_seen,
            wanted: self.wanted,
            applied: self.applied,
            verified: self.verified,
            apply_error: self.apply_error.is_some(),
            drift: !self.drift.is_empty(),
        }
    }
}

/// A host, and what it serves.
#[derive(Clone, Debug)]
pub struct HostScope {
    pub project: ProjectId,
    /// The gateway's, or the service's and the node's.
    pub name: String,
    /// Of a node.
    pub service: Option<ServiceId>,
    pub deleting: bool,
    pub row: HostRow,
    /// The status that the event log was told last; empty before the first.
    pub noted_status: String,
}

impl HostScope {
    /// Who speaks in the event log.
    pub fn actor(&self) -> String {
        format!("agent of {}", self.name)
    }
}

/// Every host of one role, whatever was seen of it.
macro_rules! select_hosts {
    ($role:literal, $columns:literal, $from:literal) => {
        concat!(
            "select '",
            $role,
            "' as role, ",
            $columns,
            ", coalesce(h.public_key, '') as public_key, coalesce(h.facts, '') as facts, coalesce(h.last_seen, 0) as last_seen,
    coalesce(h.applied, 0) as applied, coalesce(h.verified, 0) as verified, coalesce(h.apply_error, '') as apply_error,
    coalesce(h.drift, '[]') as drift, coalesce(h.cleaned, 0) as cleaned, coalesce(h.noted_status, '') as noted_status,
    coalesce(d.epoch, 0) as epoch, coalesce(d.generation, 0) as generation,
    (select count(*) from credential c where c.host_id = o.id) as credentials
    from ",
            $from,
            " left join host h on h.host_id = o.id left join document d on d.host_id = o.id"
        )
    };
}
const GATEWAYS: &str =
    select_hosts!("gateway", "o.id as host_id, o.project_id, o.name, o.deleting_at, '' as service_id", "gateway o");
/// Of a node that was removed, and of every node of a service that was deleted, everything is taken off.
const NODES: &str = select_hosts!(
    "node",
    "o.id as host_id, s.project_id, s.name || '/' || o.name as name,
     case when o.tombstone <> '' then 1 else s.deleting_at end as deleting_at, o.service_id",
    "node o join service s on s.id = o.service_id"
);

impl Store {
    /// Every gateway of the project, those that are being deleted too.
    pub async fn hosts(&self, project: ProjectId) -> Result<HashMap<GatewayId, HostRow>> {
        hosts(self.pool(), project).await
    }

    pub async fn host(&self, of: impl Into<HostId> + Send) -> Result<Option<HostScope>> {
        host(self.pool(), of.into()).await
    }

    /// The hosts of every project.
    pub async fn every_host(&self) -> Result<Vec<HostScope>> {
        let mut rows = sqlx::query(sqlx::AssertSqlSafe(GATEWAYS)).fetch_all(self.pool()).await?;
        // A node that is only listed has no host that could tell anything.
        let nodes = sqlx::AssertSqlSafe(format!("{NODES} where o.enforced <> 0"));
        rows.extend(sqlx::query(nodes).fetch_all(self.pool()).await?);
        rows.iter().map(scope).collect()
    }
}

impl Tx {
    pub async fn hosts(&mut self, project: ProjectId) -> Result<HashMap<GatewayId, HostRow>> {
        hosts(self.connection(), project).await
    }

    /// The same of a project's nodes.
    pub async fn node_hosts(&mut self, project: ProjectId) -> Result<HashMap<NodeId, HostRow>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{NODES} where s.project_id = $1")))
            .bind(project.to_string())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| Ok((parsed(row, "node", "host_id")?, host_row(row)?))).collect()
    }

    pub async fn host(&mut self, of: impl Into<HostId> + Send) -> Result<Option<HostScope>> {
        host(self.connection(), of.into()).await
    }

    /// Everything that is kept of a host whose gateway or node is removed; [`Tx::bury_credentials`] comes before it.
    pub(in crate::store) async fn forget_host(&mut self, of: HostId) -> Result<()> {
        for statement in [
            "delete from document where host_id = $1",
            "delete from enrolment where host_id = $1",
            "delete from credential where host_id = $1",
            "delete from host where host_id = $1",
        ] {
            sqlx::query(statement).bind(of.to_string()).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Stores what a host was seen to be. `row`'s wished parts are not written.
    pub async fn observe_host(&mut self, seen: &HostScope) -> Result<()> {
        let row = &seen.row;
        sqlx::query(
            "insert into host (host_id, public_key, facts, last_seen, applied, verified, apply_error, drift, cleaned, noted_status)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             on conflict (host_id) do update set public_key = excluded.public_key, facts = excluded.facts,
                 last_seen = excluded.last_seen, applied = excluded.applied, verified = excluded.verified,
                 apply_error = excluded.apply_error, drift = excluded.drift, cleaned = excluded.cleaned, noted_status = excluded.noted_status",
        )
        .bind(row.host.to_string())
        .bind(row.public_key.map_or_else(String::new, |key| key.to_string()))
        .bind(row.facts.as_ref().map_or_else(String::new, json))
        .bind(row.last_seen.map_or(0, |seen| seen.0))
        .bind(number(row.applied))
        .bind(number(row.verified))
        .bind(row.apply_error.clone().unwrap_or_default())
        .bind(json(&row.drift))
        .bind(i64::from(row.cleaned))
        .bind(seen.noted_status.clone())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The last contact of each host.
    pub async fn see_hosts(&mut self, seen: &[(HostId, Timestamp)]) -> Result<()> {
        for (host, at) in seen {
            sqlx::query("update host set last_seen = $2 where host_id = $1 and last_seen < $2")
                .bind(host.to_string())
                .bind(at.0)
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    pub async fn note_host_status(&mut self, host: HostId, status: &str) -> Result<()> {
        sqlx::query("update host set noted_status = $2 where host_id = $1")
            .bind(host.to_string())
            .bind(status)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

async fn hosts<'e>(
    executor: impl Executor<'e, Database = Any>,
    project: ProjectId,
) -> Result<HashMap<GatewayId, HostRow>> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{GATEWAYS} where o.project_id = $1")))
        .bind(project.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter().map(|row| Ok((parsed(row, "gateway", "host_id")?, host_row(row)?))).collect()
}

async fn host<'e>(executor: impl Executor<'e, Database = Any>, host: HostId) -> Result<Option<HostScope>> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{} where o.id = $1", every(host.role()))))
        .bind(host.to_string())
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(scope).transpose()
}

fn every(role: HostRole) -> &'static str {
    match role {
        HostRole::Gateway => GATEWAYS,
        HostRole::Node => NODES,
    }
}

/// Whose host a row tells of: its columns `host_id` and `role`.
fn whose(row: &AnyRow, table: &'static str) -> Result<HostId> {
    match row.try_get::<String, _>("role")?.as_str() {
        "gateway" => Ok(HostId::Gateway(parsed(row, table, "host_id")?)),
        "node" => Ok(HostId::Node(parsed(row, table, "host_id")?)),
        other => Err(StoreError::corrupt(table, "role", other)),
    }
}

fn scope(row: &AnyRow) -> Result<HostScope> {
    let service: String = row.try_get("service_id")?;
    Ok(HostScope {
        project: parsed(row, "host", "project_id")?,
        name: row.try_get("name")?,
        service: if service.is_empty() { None } else { Some(parsed(row, "node", "service_id")?) },
        deleting: row.try_get::<i64, _>("deleting_at")? != 0,
        row: host_row(row)?,
        noted_status: row.try_get("noted_status")?,
    })
}

fn host_row(row: &AnyRow) -> Result<HostRow> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let count = |column: &str| -> Result<u64> { Ok(row.try_get::<i64, _>(column)?.unsigned_abs()) };
    let seen: i64 = row.try_get("last_seen")?;
    let (key, facts, error) = (text("public_key")?, text("facts")?, text("apply_error")?);
    Ok(HostRow {
        host: whose(row, "host")?,
        enrolled: count("credentials")? > 0,
        public_key: if key.is_empty() { None } else { Some(parsed(row, "host", "public_key")?) },
        facts: if facts.is_empty() { None } else { Some(read_json("host", "facts", &facts)?) },
        last_seen: (seen != 0).then_some(Timestamp(seen)),
        epoch: count("epoch")?,
        wanted: count("generation")?,
        applied: count("applied")?,
        verified: count("verified")?,
        apply_error: (!error.is_empty()).then_some(error),
        drift: read_json("host", "drift", &text("drift")?)?,
        cleaned: count("cleaned")? != 0,
    })
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data serializes")
}

fn read_json<T: serde::de::DeserializeOwned>(table: &'static str, column: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(table, column, error))
}

/// Numbers above `i64::MAX` are refused where they come in.
pub(in crate::store) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
