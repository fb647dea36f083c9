//! What is over, and what the event log was told of VPC peerings.

use std::collections::BTreeMap;

use app::domain::{PairId, ProjectId, Timestamp, host::HostId, peering::SideSeen};
use sqlx::Row;

use super::{Result, Store, Tx, WireGuardKind, parsed, read_json, whose};

/// A VPC peering as both of its hosts see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairSeen {
    pub project: ProjectId,
    /// The two gateways' names.
    pub name: String,
    pub sides: [SideSeen; 2],
    /// The state that the event log was told last; empty before the first.
    pub noted_state: String,
}

impl Store {
    /// Every VPC peering of every project. One that has lost a row in the middle of a read is left out.
    pub async fn pairs_seen(&self) -> Result<BTreeMap<PairId, PairSeen>> {
        let rows = sqlx::query(
            "select p.pair_id, p.enabled, g.project_id, g.name, coalesce(o.handshake, 0) as handshake, coalesce(h.facts, '') as facts,
                    coalesce(n.noted_state, '') as noted_state
             from peer p join gateway g on g.id = p.gateway_id left join observed_peer o on o.peer_id = p.id
             left join host h on h.host_id = g.id left join observed_pair n on n.pair_id = p.pair_id
             where p.pair_id <> '' order by p.pair_id, g.name",
        )
        .fetch_all(self.pool())
        .await?;
        let mut pairs = BTreeMap::new();
        for two in
            rows.chunk_by(|a, b| a.try_get::<String, _>("pair_id").ok() == b.try_get::<String, _>("pair_id").ok())
        {
            let [one, other] = two else { continue };
            let side = |row: &sqlx::any::AnyRow| -> Result<SideSeen> {
                let (handshake, facts): (i64, String) = (row.try_get("handshake")?, row.try_get("facts")?);
                let recorded = !facts.is_empty()
                    && read_json::<super::HostFacts>("host", "facts", &facts)?.wireguard == WireGuardKind::Recording;
                Ok(SideSeen {
                    enabled: row.try_get::<i64, _>("enabled")? != 0,
                    recorded,
                    handshake: (handshake != 0).then_some(Timestamp(handshake)),
                })
            };
            let seen = PairSeen {
                project: parsed(one, "gateway", "project_id")?,
                name: format!("{} and {}", one.try_get::<String, _>("name")?, other.try_get::<String, _>("name")?),
                sides: [side(one)?, side(other)?],
                noted_state: one.try_get("noted_state")?,
            };
            pairs.insert(parsed(one, "peer", "pair_id")?, seen);
        }
        Ok(pairs)
    }

    /// Deleted gateways and removed nodes whose host has cleaned up, or that no host can answer for.
    pub async fn removable_hosts(&self) -> Result<Vec<HostId>> {
        let rows = sqlx::query(
            "select o.id as host_id, o.role from (
               select id, 'gateway' as role from gateway where deleting_at <> 0
               union all
               select n.id, 'node' as role from node n join service s on s.id = n.service_id
               where n.tombstone <> '' or s.deleting_at <> 0
             ) o left join host h on h.host_id = o.id
             where coalesce(h.cleaned, 0) = 1 or not exists (select 1 from credential c where c.host_id = o.id)",
        )
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(|row| whose(row, "host")).collect()
    }

    /// Whether [`Tx::remove_leftovers`] has anything to do.
    pub async fn has_leftovers(&self, now: Timestamp, forget_before: Timestamp) -> Result<bool> {
        let row = sqlx::query(
            "select 1 as found from enrolment where used_at <> 0 or expires_at <= $1
             union all select 1 as found from departed where removed_at < $2
             union all select 1 as found from observed_pair o where not exists (select 1 from peer p where p.pair_id = o.pair_id)
             limit 1",
        )
        .bind(now.0)
        .bind(forget_before.0)
        .fetch_optional(self.pool())
        .await?;
        Ok(row.is_some())
    }
}

impl Tx {
    /// Remembers what the event log is told of a VPC peering; `false` if it is gone by now.
    pub async fn note_pair_state(&mut self, pair: PairId, state: &str) -> Result<bool> {
        let done = sqlx::query(
            "insert into observed_pair (pair_id, noted_state)
             select distinct pair_id, $2 from peer where pair_id = $1
             on conflict (pair_id) do update set noted_state = excluded.noted_state",
        )
        .bind(pair.to_string())
        .bind(state.to_owned())
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends tokens that nobody can use any more, forgets credentials of hosts removed before a moment, and remarks about
    /// VPC peerings that are gone.
    pub async fn remove_leftovers(&mut self, forget_before: Timestamp) -> Result<()> {
        let now = self.at().0;
        sqlx::query("delete from enrolment where used_at <> 0 or expires_at <= $1")
            .bind(now)
            .execute(self.connection())
            .await?;
        sqlx::query("delete from departed where removed_at < $1")
            .bind(forget_before.0)
            .execute(self.connection())
            .await?;
        sqlx::query(
            "delete from observed_pair where not exists (select 1 from peer p where p.pair_id = observed_pair.pair_id)",
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
