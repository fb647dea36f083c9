//! What the firewalls of nodes have counted, and whom they have refused.
//!
//! All of it is bounded: the totals of a node are one row, its traffic is in slots of which a day and a month are kept, and
//! of refused attempts each service keeps the latest.

use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, Ipv4Addr},
};

use app::domain::{
    NodeId, PeerName, ProjectId, ServiceId, Timestamp,
    peer::PeerKind,
    service::{
        node::{RefusedAttempt, RuleCounter},
        traffic::{Passed, Slot, Span},
    },
};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{Result, StoreError, Tx, json, number, parsed, read_json};

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

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFigures {
    pub counters: Vec<Counted>,
    /// The slots that are being filled, at most one per span.
    pub open: Vec<Slot>,
    /// Those that were filled since they were written last.
    pub closed: Vec<Slot>,
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
        let since = |before: u64, after: u64| if after < before { after } else { after - before };
        for known in &mut self.counters {
            if counters.iter().all(|counter| counter.rule != known.rule) {
                // Should the rule come back, its counter starts anew.
                (known.host_packets, known.host_bytes) = (0, 0);
            }
        }
        for counter in counters {
            let at = self.counters.iter().position(|known| known.rule == counter.rule).unwrap_or_else(|| {
                self.counters.push(Counted { rule: counter.rule.clone(), ..Counted::default() });
                self.counters.len() - 1
            });
            let known = &mut self.counters[at];
            let packets = since(known.host_packets, counter.packets);
            let bytes = since(known.host_bytes, counter.bytes);
            known.packets = known.packets.saturating_add(packets);
            known.bytes = known.bytes.saturating_add(bytes);
            (known.host_packets, known.host_bytes) = (counter.packets, counter.bytes);
            if packets > 0 || bytes > 0 {
                let passed = Passed { rule: counter.rule.clone(), packets, bytes };
                Span::ALL.into_iter().for_each(|span| self.fill(span, &passed, now));
            }
        }
        if self.counters.len() > MOST_RULES {
            self.counters.retain(|known| counters.iter().any(|counter| counter.rule == known.rule));
        }
    }

    fn fill(&mut self, span: Span, passed: &Passed, now: Timestamp) {
        // A clock that was put back goes on in the slot that is open.
        let number = span.slot(now);
        let open = self.open.iter().position(|slot| slot.span == span);
        if let Some(at) = open.filter(|at| self.open[*at].number < number) {
            let closed = self.open.swap_remove(at);
            self.closed.push(closed);
        }
        let at = self.open.iter().position(|slot| slot.span == span).unwrap_or_else(|| {
            self.open.push(Slot { span, number, passed: Vec::new() });
            self.open.len() - 1
        });
        let slot = &mut self.open[at];
        match slot.passed.iter_mut().find(|known| known.rule == passed.rule) {
            Some(known) => {
                known.packets = known.packets.saturating_add(passed.packets);
                known.bytes = known.bytes.saturating_add(passed.bytes);
            }
            None => slot.passed.push(passed.clone()),
        }
    }

    /// What passed since the node was first heard of.
    pub fn totals(&self) -> Vec<Passed> {
        let total = |known: &Counted| Passed { rule: known.rule.clone(), packets: known.packets, bytes: known.bytes };
        self.counters.iter().map(total).collect()
    }
}

impl Tx {
    /// The totals of each node of a service; those without a row have never told.
    pub async fn node_totals(&mut self, service: ServiceId) -> Result<HashMap<NodeId, Vec<Passed>>> {
        let rows = sqlx::query(
            "select f.node_id, f.counters from observed_node f join node n on n.id = f.node_id where n.service_id = $1",
        )
        .bind(service.to_string())
        .fetch_all(self.connection())
        .await?;
        rows.iter()
            .map(|row| {
                let figures = NodeFigures { counters: counters(row)?, ..NodeFigures::default() };
                Ok((parsed(row, "observed_node", "node_id")?, figures.totals()))
            })
            .collect()
    }

    /// The slots of the nodes of a service from `oldest` on, oldest first.
    pub async fn node_traffic(&mut self, service: ServiceId, span: Span, oldest: i64) -> Result<Vec<(NodeId, Slot)>> {
        let rows = sqlx::query(
            "select t.node_id, t.slot, t.passed from node_traffic t join node n on n.id = t.node_id
             where n.service_id = $1 and t.slot_seconds = $2 and t.slot >= $3 order by t.slot, t.node_id",
        )
        .bind(service.to_string())
        .bind(span.slot_seconds())
        .bind(oldest)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| Ok((parsed(row, "node_traffic", "node_id")?, slot(row, span)?))).collect()
    }

    /// What was counted on a node so far, with the slots that are being filled.
    pub async fn figures_of_node(&mut self, node: NodeId, now: Timestamp) -> Result<NodeFigures> {
        let row = sqlx::query("select counters from observed_node where node_id = $1")
            .bind(node.to_string())
            .fetch_optional(self.connection())
            .await?;
        let counters = row.as_ref().map(counters).transpose()?.unwrap_or_default();
        let mut open = Vec::new();
        for span in Span::ALL {
            let row = sqlx::query(
                "select slot, passed from node_traffic where node_id = $1 and slot_seconds = $2 and slot >= $3
                 order by slot desc limit 1",
            )
            .bind(node.to_string())
            .bind(span.slot_seconds())
            .bind(span.slot(now))
            .fetch_optional(self.connection())
            .await?;
            if let Some(row) = row {
                open.push(slot(&row, span)?);
            }
        }
        Ok(NodeFigures { counters, open, closed: Vec::new() })
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

    /// The names of the road warriors among the sources of attempts.
    pub async fn road_warriors_at(
        &mut self,
        project: ProjectId,
        refused: &[Refused],
    ) -> Result<HashMap<Ipv4Addr, PeerName>> {
        let sources: BTreeSet<Ipv4Addr> = refused
            .iter()
            .filter_map(|attempt| if let IpAddr::V4(from) = attempt.source { Some(from) } else { None })
            .collect();
        let mut names = HashMap::new();
        // Few lengths, so that few statements are prepared; what is left of the last is asked for again.
        for some in sources.into_iter().collect::<Vec<_>>().chunks(50) {
            let places: Vec<String> = (0..50).map(|at| format!("${}", at + 3)).collect();
            let sql = format!(
                "select p.tunnel_address, p.name from peer p join gateway g on g.id = p.gateway_id
                 where g.project_id = $1 and p.kind = $2 and p.tunnel_address in ({})",
                places.join(", ")
            );
            let mut query =
                sqlx::query(sqlx::AssertSqlSafe(sql)).bind(project.to_string()).bind(PeerKind::RoadWarrior.as_str());
            for at in 0..50 {
                query = query.bind(i64::from(some[at.min(some.len() - 1)].to_bits()));
            }
            for row in &query.fetch_all(self.connection()).await? {
                let address: i64 = row.try_get("tunnel_address")?;
                let address =
                    u32::try_from(address).map_err(|error| StoreError::corrupt("peer", "tunnel_address", error))?;
                names.insert(Ipv4Addr::from(address), parsed(row, "peer", "name")?);
            }
        }
        Ok(names)
    }

    /// Rewrites what a node has counted, and notes whom it has refused since. A node that is gone by now is passed over.
    pub async fn write_node_figures(
        &mut self,
        node: NodeId,
        figures: &NodeFigures,
        refused: &[RefusedAttempt],
    ) -> Result<()> {
        let row = sqlx::query("select service_id from node where id = $1")
            .bind(node.to_string())
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else { return Ok(()) };
        let service: String = row.try_get("service_id")?;
        sqlx::query(
            "insert into observed_node (node_id, counters) values ($1, $2)
             on conflict (node_id) do update set counters = excluded.counters",
        )
        .bind(node.to_string())
        .bind(json(&figures.counters))
        .execute(self.connection())
        .await?;
        for slot in figures.closed.iter().chain(&figures.open) {
            self.write_slot(node, slot).await?;
        }
        if !figures.closed.is_empty() {
            self.forget_slots(node, &figures.open).await?;
        }
        for attempt in refused {
            self.note_refused(node, &service, attempt).await?;
        }
        if refused.is_empty() { Ok(()) } else { self.forget_refused(&service).await }
    }

    async fn write_slot(&mut self, node: NodeId, slot: &Slot) -> Result<()> {
        sqlx::query(
            "insert into node_traffic (node_id, slot_seconds, slot, passed) values ($1, $2, $3, $4)
             on conflict (node_id, slot_seconds, slot) do update set passed = excluded.passed",
        )
        .bind(node.to_string())
        .bind(slot.span.slot_seconds())
        .bind(slot.number)
        .bind(json(&slot.passed))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn forget_slots(&mut self, node: NodeId, open: &[Slot]) -> Result<()> {
        for Slot { span, number, .. } in open {
            sqlx::query("delete from node_traffic where node_id = $1 and slot_seconds = $2 and slot < $3")
                .bind(node.to_string())
                .bind(span.slot_seconds())
                .bind(span.oldest(*number))
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// The sum ends where the engines' integers do: what a host counts is its own word.
    async fn note_refused(&mut self, node: NodeId, service: &str, attempt: &RefusedAttempt) -> Result<()> {
        let now = self.at().0;
        sqlx::query(
            "insert into refused_attempt (service_id, node_id, source, port, packets, host_packets, first_at, last_at)
             values ($1, $2, $3, $4, $5, $5, $6, $6)
             on conflict (node_id, source, port) do update set
                 packets = case
                     when excluded.host_packets < refused_attempt.host_packets
                         then refused_attempt.packets
                             + case when excluded.host_packets > $7 - refused_attempt.packets then $7 - refused_attempt.packets
                                 else excluded.host_packets end
                     when excluded.host_packets - refused_attempt.host_packets > $7 - refused_attempt.packets then $7
                     else refused_attempt.packets + (excluded.host_packets - refused_attempt.host_packets) end,
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
        .bind(i64::MAX)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Above the bound the oldest go.
    async fn forget_refused(&mut self, service: &str) -> Result<()> {
        // By key: what one report brought has one time.
        sqlx::query(
            "delete from refused_attempt where service_id = $1 and (node_id, source, port) not in (
                 select node_id, source, port from refused_attempt where service_id = $2
                 order by last_at desc, node_id, source, port limit $3)",
        )
        .bind(service.to_owned())
        .bind(service.to_owned())
        .bind(ATTEMPTS as i64)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

fn counters(row: &sqlx::any::AnyRow) -> Result<Vec<Counted>> {
    read_json("observed_node", "counters", &row.try_get::<String, _>("counters")?)
}

fn slot(row: &sqlx::any::AnyRow, span: Span) -> Result<Slot> {
    let passed = read_json("node_traffic", "passed", &row.try_get::<String, _>("passed")?)?;
    Ok(Slot { span, number: row.try_get("slot")?, passed })
}

#[cfg(test)]
mod tests {
    use app::domain::service::node::DROPPED;

    use super::*;

    fn counter(rule: &str, packets: u64, bytes: u64) -> RuleCounter {
        RuleCounter { rule: rule.to_owned(), packets, bytes }
    }

    #[test]
    fn a_table_that_was_loaded_anew_counts_from_zero_and_the_totals_keep_growing() {
        let now = Timestamp::from_seconds(3_000_000);
        let mut figures = NodeFigures::default();
        figures.count(&[counter("members", 10, 600), counter(DROPPED, 2, 80)], now);
        figures.count(&[counter("members", 4, 240), counter(DROPPED, 3, 120)], now);
        let totals: Vec<_> =
            figures.counters.iter().map(|known| (known.rule.as_str(), known.packets, known.bytes)).collect();
        assert_eq!(totals, [("members", 14, 840), (DROPPED, 3, 120)]);
        figures.count(&[counter(DROPPED, 3, 120)], now);
        figures.count(&[counter("members", 9, 9), counter(DROPPED, 3, 120)], now);
        assert_eq!(figures.counters[0].packets, 23, "a rule that came back has a counter of its own again");
    }

    #[test]
    fn row_64_what_passed_is_gathered_in_a_slot_of_the_day_and_one_of_the_month() {
        let now = Timestamp::from_seconds(36_000_000);
        let mut figures = NodeFigures::default();
        figures.count(&[counter("filter", 10, 600)], now);
        figures.count(&[counter("filter", 15, 900), counter(DROPPED, 1, 40)], now.plus_seconds(299));
        assert_eq!((figures.open.len(), figures.closed.len()), (2, 0));
        figures.count(&[counter("filter", 16, 960), counter(DROPPED, 1, 40)], now.plus_seconds(300));
        assert_eq!((figures.open.len(), figures.closed.len()), (2, 1), "the hour goes on");
        let passed = |rule: &str, packets, bytes| Passed { rule: rule.to_owned(), packets, bytes };
        assert_eq!(figures.closed[0].passed, [passed("filter", 15, 900), passed(DROPPED, 1, 40)]);
        let of = |span| figures.open.iter().find(|slot| slot.span == span).map(|slot| slot.passed.clone());
        assert_eq!(of(Span::Day), Some(vec![passed("filter", 1, 60)]));
        assert_eq!(of(Span::Month), Some(vec![passed("filter", 16, 960), passed(DROPPED, 1, 40)]));
    }
}
