//! What the firewalls of nodes have counted, and whom they have refused.
//!
//! Both are bounded: one row per node with a ring of samples, and the latest attempts of each service.

use std::{collections::HashMap, net::IpAddr};

use app::domain::{
    NodeId, ProjectId, ServiceId, Timestamp,
    service::node::{DROPPED, RefusedAttempt, RuleCounter},
};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{Result, SLOT_SECONDS, SLOTS, StoreError, Tx, json, number, parsed, read_json};

/// How many attempts are kept of a service.
pub const ATTEMPTS: usize = 500;
/// Rules that a node's firewall no longer has are forgotten above this.
const MOST_RULES: usize = 128;

/// The totals of one rule, and the host's counters that they were summed from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub rule: String,
    pub packets: u64,
    pub bytes: u64,
    pub host_packets: u64,
    pub host_bytes: u64,
}

/// One slot of five minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeSample {
    /// Slots since 1970.
    pub slot: i64,
    /// Bytes that rules admitted.
    pub admitted: u64,
    /// Packets that none did.
    pub dropped: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFigures {
    pub counters: Vec<Counted>,
    /// Only slots in which something passed; oldest first.
    pub samples: Vec<NodeSample>,
}

/// Attempts from one source at one port of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub node: NodeId,
    pub source: IpAddr,
    pub port: u16,
    pub packets: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

impl NodeFigures {
    /// Takes the host's counters over. A decrease is a restart from zero.
    pub fn count(&mut self, counters: &[RuleCounter], now: Timestamp) {
        let passed = |before: u64, after: u64| if after < before { after } else { after - before };
        for known in &mut self.counters {
            if counters.iter().all(|counter| counter.rule != known.rule) {
                // Should the rule come back, its counter starts anew.
                (known.host_packets, known.host_bytes) = (0, 0);
            }
        }
        let (mut admitted, mut dropped) = (0_u64, 0_u64);
        for counter in counters {
            let at = self.counters.iter().position(|known| known.rule == counter.rule).unwrap_or_else(|| {
                self.counters.push(Counted { rule: counter.rule.clone(), ..Counted::default() });
                self.counters.len() - 1
            });
            let known = &mut self.counters[at];
            let packets = passed(known.host_packets, counter.packets);
            let bytes = passed(known.host_bytes, counter.bytes);
            known.packets = known.packets.saturating_add(packets);
            known.bytes = known.bytes.saturating_add(bytes);
            (known.host_packets, known.host_bytes) = (counter.packets, counter.bytes);
            if counter.rule == DROPPED {
                dropped = dropped.saturating_add(packets);
            } else {
                admitted = admitted.saturating_add(bytes);
            }
        }
        if self.counters.len() > MOST_RULES {
            self.counters.retain(|known| counters.iter().any(|counter| counter.rule == known.rule));
        }
        if admitted > 0 || dropped > 0 {
            self.sample(admitted, dropped, now);
        }
    }

    fn sample(&mut self, admitted: u64, dropped: u64, now: Timestamp) {
        let slot = now.seconds().div_euclid(SLOT_SECONDS);
        let oldest = slot - SLOTS as i64 + 1;
        self.samples.retain(|sample| sample.slot >= oldest && sample.slot <= slot);
        match self.samples.last_mut() {
            Some(last) if last.slot == slot => {
                last.admitted = last.admitted.saturating_add(admitted);
                last.dropped = last.dropped.saturating_add(dropped);
            }
            _ => self.samples.push(NodeSample { slot, admitted, dropped }),
        }
    }

    /// Every slot of the two hours that end now, oldest first: bytes admitted, packets dropped.
    pub fn dense(&self, now: Timestamp) -> Vec<(u64, u64)> {
        let samples: Vec<_> =
            self.samples.iter().map(|sample| (sample.slot, sample.admitted, sample.dropped)).collect();
        super::figures::dense(&samples, now)
    }
}

impl Tx {
    /// What was counted on each node of a project; those without a row have never told.
    pub async fn node_figures(&mut self, project: ProjectId) -> Result<HashMap<NodeId, NodeFigures>> {
        let rows = sqlx::query(
            "select f.node_id, f.counters, f.samples from observed_node f
             join node n on n.id = f.node_id join service s on s.id = n.service_id where s.project_id = $1",
        )
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| Ok((parsed(row, "observed_node", "node_id")?, figures(row)?))).collect()
    }

    /// The same of one node.
    pub async fn figures_of_node(&mut self, node: NodeId) -> Result<NodeFigures> {
        let row = sqlx::query("select counters, samples from observed_node where node_id = $1")
            .bind(node.to_string())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map_or_else(|| Ok(NodeFigures::default()), figures)
    }

    /// The attempts that the nodes of a service have refused, the latest first.
    pub async fn refused_attempts(&mut self, service: ServiceId) -> Result<Vec<Refused>> {
        let rows = sqlx::query(
            "select node_id, source, port, packets, first_at, last_at from refused_attempt
             where service_id = $1 order by last_at desc, source, port, node_id",
        )
        .bind(service.to_string())
        .fetch_all(self.connection())
        .await?;
        rows.iter()
            .map(|row| {
                let port: i64 = row.try_get("port")?;
                Ok(Refused {
                    node: parsed(row, "refused_attempt", "node_id")?,
                    source: parsed(row, "refused_attempt", "source")?,
                    port: u16::try_from(port).map_err(|error| StoreError::corrupt("refused_attempt", "port", error))?,
                    packets: row.try_get::<i64, _>("packets")?.unsigned_abs(),
                    first_at: Timestamp(row.try_get("first_at")?),
                    last_at: Timestamp(row.try_get("last_at")?),
                })
            })
            .collect()
    }

    /// Rewrites what a node has counted, and notes whom it has refused since. A node that is gone by now is passed over.
    pub async fn write_node_figures(
        &mut self,
        node: NodeId,
        figures: &NodeFigures,
        refused: &[RefusedAttempt],
    ) -> Result<()> {
        let samples: Vec<(i64, u64, u64)> =
            figures.samples.iter().map(|sample| (sample.slot, sample.admitted, sample.dropped)).collect();
        let row = sqlx::query("select service_id from node where id = $1")
            .bind(node.to_string())
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else { return Ok(()) };
        let service: String = row.try_get("service_id")?;
        sqlx::query(
            "insert into observed_node (node_id, counters, samples) values ($1, $2, $3)
             on conflict (node_id) do update set counters = excluded.counters, samples = excluded.samples",
        )
        .bind(node.to_string())
        .bind(json(&figures.counters))
        .bind(json(&samples))
        .execute(self.connection())
        .await?;
        for attempt in refused {
            self.note_refused(node, &service, attempt).await?;
        }
        if refused.is_empty() { Ok(()) } else { self.forget_refused(&service).await }
    }

    async fn note_refused(&mut self, node: NodeId, service: &str, attempt: &RefusedAttempt) -> Result<()> {
        let now = self.at().0;
        sqlx::query(
            "insert into refused_attempt (service_id, node_id, source, port, packets, host_packets, first_at, last_at)
             values ($1, $2, $3, $4, $5, $5, $6, $6)
             on conflict (node_id, source, port) do update set
                 packets = refused_attempt.packets + excluded.host_packets
                     - case when excluded.host_packets < refused_attempt.host_packets then 0 else refused_attempt.host_packets end,
                 last_at = case when excluded.host_packets = refused_attempt.host_packets then refused_attempt.last_at
                     else excluded.last_at end,
                 host_packets = excluded.host_packets",
        )
        .bind(service.to_owned())
        .bind(node.to_string())
        .bind(attempt.from.to_string())
        .bind(i64::from(attempt.port))
        .bind(number(attempt.packets))
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Above the bound the oldest go.
    async fn forget_refused(&mut self, service: &str) -> Result<()> {
        let row = sqlx::query(
            "select last_at from refused_attempt where service_id = $1 order by last_at desc limit 1 offset $2",
        )
        .bind(service.to_owned())
        .bind(ATTEMPTS as i64)
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else { return Ok(()) };
        sqlx::query("delete from refused_attempt where service_id = $1 and last_at <= $2")
            .bind(service.to_owned())
            .bind(row.try_get::<i64, _>("last_at")?)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn figures(row: &sqlx::any::AnyRow) -> Result<NodeFigures> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let samples: Vec<(i64, u64, u64)> = read_json("observed_node", "samples", &text("samples")?)?;
    Ok(NodeFigures {
        counters: read_json("observed_node", "counters", &text("counters")?)?,
        samples: samples.into_iter().map(|(slot, admitted, dropped)| NodeSample { slot, admitted, dropped }).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_was_loaded_anew_counts_from_zero_and_the_totals_keep_growing() {
        let now = Timestamp::from_seconds(3_000_000);
        let counter = |rule: &str, packets, bytes| RuleCounter { rule: rule.to_owned(), packets, bytes };
        let mut figures = NodeFigures::default();
        figures.count(&[counter("members", 10, 600), counter(DROPPED, 2, 80)], now);
        figures.count(&[counter("members", 4, 240), counter(DROPPED, 3, 120)], now.plus_seconds(SLOT_SECONDS));
        let totals: Vec<_> =
            figures.counters.iter().map(|known| (known.rule.as_str(), known.packets, known.bytes)).collect();
        assert_eq!(totals, [("members", 14, 840), (DROPPED, 3, 120)]);
        figures.count(&[counter(DROPPED, 3, 120)], now.plus_seconds(SLOT_SECONDS));
        figures.count(&[counter("members", 9, 9), counter(DROPPED, 3, 120)], now.plus_seconds(SLOT_SECONDS));
        assert_eq!(figures.counters[0].packets, 23, "a rule that came back has a counter of its own again");
        let shown = figures.dense(now.plus_seconds(SLOT_SECONDS));
        assert_eq!(shown[SLOTS - 2..], [(600, 2), (249, 1)]);
    }
}
