//! Gateway hosts: which document each should have, who may speak for it, and what it was seen to be.
//!
//! Wished (`document`, `enrolment`, `credential`) and observed (`host`, `observed_peer`) never share
//! a table. Only reconcilers write the observed ones. No document's body is kept: it is derived from
//! the network whenever it is needed, so that preshared keys are at rest in one place only.

mod credentials;
mod documents;
mod figures;
mod leftovers;

use std::collections::HashMap;

use app::domain::{
    GatewayId, GatewayName, ProjectId, PublicKey, Timestamp,
    gateway::GatewayObservation,
    host::{Drift, HostFacts, WireGuardKind},
};
use sqlx::{Any, Executor, Row, any::AnyRow};

pub use self::{
    credentials::{Bearer, Enrolling, Standing},
    documents::Step,
    figures::{Figures, SLOT_SECONDS, SLOTS, Sample},
    leftovers::PairSeen,
};
pub use app::domain::host::token_digest as digest;

use super::{Result, Store, StoreError, Tx, people::parsed};

/// What is known of a gateway's host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostRow {
    pub gateway: GatewayId,
    /// A host holds a credential for this gateway.
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

/// A host, and the gateway that it serves.
#[derive(Clone, Debug)]
pub struct HostScope {
    pub project: ProjectId,
    pub name: GatewayName,
    pub deleting: bool,
    pub row: HostRow,
    pub cleaned: bool,
    /// The status that the event log was told last; empty before the first.
    pub noted_status: String,
}

impl HostScope {
    /// Who speaks in the event log.
    pub fn actor(&self) -> String {
        format!("agent of {}", self.name)
    }
}

const COLUMNS: &str = "select g.id as gateway_id, g.project_id, g.name, g.deleting_at,
    coalesce(h.public_key, '') as public_key, coalesce(h.facts, '') as facts, coalesce(h.last_seen, 0) as last_seen,
    coalesce(h.applied, 0) as applied, coalesce(h.verified, 0) as verified, coalesce(h.apply_error, '') as apply_error,
    coalesce(h.drift, '[]') as drift, coalesce(h.cleaned, 0) as cleaned, coalesce(h.noted_status, '') as noted_status,
    coalesce(d.epoch, 0) as epoch, coalesce(d.generation, 0) as generation,
    (select count(*) from credential c where c.gateway_id = g.id) as credentials
    from gateway g left join host h on h.gateway_id = g.id left join document d on d.gateway_id = g.id";

impl Store {
    /// Every gateway of the project, those that are being deleted too.
    pub async fn hosts(&self, project: ProjectId) -> Result<HashMap<GatewayId, HostRow>> {
        hosts(self.pool(), project).await
    }

    pub async fn host(&self, gateway: GatewayId) -> Result<Option<HostScope>> {
        host(self.pool(), gateway).await
    }

    /// The hosts of every project.
    pub async fn every_host(&self) -> Result<Vec<HostScope>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(COLUMNS)).fetch_all(self.pool()).await?;
        rows.iter().map(scope).collect()
    }
}

impl Tx {
    pub async fn hosts(&mut self, project: ProjectId) -> Result<HashMap<GatewayId, HostRow>> {
        hosts(self.connection(), project).await
    }

    pub async fn host(&mut self, gateway: GatewayId) -> Result<Option<HostScope>> {
        host(self.connection(), gateway).await
    }

    /// Stores what a host was seen to be. `row`'s wished parts are not written.
    pub async fn observe_host(&mut self, seen: &HostScope) -> Result<()> {
        let row = &seen.row;
        sqlx::query(
            "insert into host (gateway_id, public_key, facts, last_seen, applied, verified, apply_error, drift, cleaned, noted_status)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             on conflict (gateway_id) do update set public_key = excluded.public_key, facts = excluded.facts,
                 last_seen = excluded.last_seen, applied = excluded.applied, verified = excluded.verified,
                 apply_error = excluded.apply_error, drift = excluded.drift, cleaned = excluded.cleaned, noted_status = excluded.noted_status",
        )
        .bind(row.gateway.to_string())
        .bind(row.public_key.map_or_else(String::new, |key| key.to_string()))
        .bind(row.facts.as_ref().map_or_else(String::new, json))
        .bind(row.last_seen.map_or(0, |seen| seen.0))
        .bind(number(row.applied))
        .bind(number(row.verified))
        .bind(row.apply_error.clone().unwrap_or_default())
        .bind(json(&row.drift))
        .bind(i64::from(seen.cleaned))
        .bind(seen.noted_status.clone())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The last contact of each host.
    pub async fn see_hosts(&mut self, seen: &[(GatewayId, Timestamp)]) -> Result<()> {
        for (gateway, at) in seen {
            sqlx::query("update host set last_seen = $2 where gateway_id = $1 and last_seen < $2")
                .bind(gateway.to_string())
                .bind(at.0)
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    pub async fn note_host_status(&mut self, gateway: GatewayId, status: &str) -> Result<()> {
        sqlx::query("update host set noted_status = $2 where gateway_id = $1")
            .bind(gateway.to_string())
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
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} where g.project_id = $1")))
        .bind(project.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter().map(|row| Ok((parsed(row, "gateway", "gateway_id")?, host_row(row)?))).collect()
}

async fn host<'e>(executor: impl Executor<'e, Database = Any>, gateway: GatewayId) -> Result<Option<HostScope>> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} where g.id = $1")))
        .bind(gateway.to_string())
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(scope).transpose()
}

fn scope(row: &AnyRow) -> Result<HostScope> {
    Ok(HostScope {
        project: parsed(row, "gateway", "project_id")?,
        name: parsed(row, "gateway", "name")?,
        deleting: row.try_get::<i64, _>("deleting_at")? != 0,
        row: host_row(row)?,
        cleaned: row.try_get::<i64, _>("cleaned")? != 0,
        noted_status: row.try_get("noted_status")?,
    })
}

fn host_row(row: &AnyRow) -> Result<HostRow> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let count = |column: &str| -> Result<u64> { Ok(row.try_get::<i64, _>(column)?.unsigned_abs()) };
    let seen: i64 = row.try_get("last_seen")?;
    let (key, facts, error) = (text("public_key")?, text("facts")?, text("apply_error")?);
    Ok(HostRow {
        gateway: parsed(row, "gateway", "gateway_id")?,
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
    })
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data serializes")
}

fn read_json<T: serde::de::DeserializeOwned>(table: &'static str, column: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(table, column, error))
}

/// Numbers above `i64::MAX` are refused where they come in.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
