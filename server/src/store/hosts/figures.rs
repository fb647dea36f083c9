//! What WireGuard says of peers: handshakes, byte totals that survive the host's counters, and two hours of samples.
//!
//! One row per peer, rewritten whole: the samples are a ring of 24 slots, so the table is bounded by the
//! number of peers.

use std::collections::HashMap;

use app::domain::{
    PeerId, ProjectId, PublicKey, Timestamp,
    peer::{Endpoint, PeerObserved},
};
use sqlx::{Row, any::AnyRow};

use super::{GatewayId, Result, Store, StoreError, Tx, number, parsed, read_json};

pub const SLOT_SECONDS: i64 = 300;
pub const SLOTS: usize = 24;

/// Bytes received and sent in one slot of five minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Slots since 1970.
    pub slot: i64,
    pub received: u64,
    pub sent: u64,
}

/// A peer's totals, and the host's counters that they were summed from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub observed: PeerObserved,
    pub host_received: u64,
    pub host_sent: u64,
    /// Only slots in which something passed; oldest first.
    pub samples: Vec<Sample>,
}

impl Figures {
    /// Takes the host's counters over. A decrease is a restart from zero, so that all of the new value has passed since.
    pub fn count(&mut self, received: u64, sent: u64, now: Timestamp) {
        let passed = |before: u64, after: u64| if after < before { after } else { after - before };
        let (more_received, more_sent) = (passed(self.host_received, received), passed(self.host_sent, sent));
        (self.host_received, self.host_sent) = (received, sent);
        if more_received == 0 && more_sent == 0 {
            return;
        }
        self.observed.received = self.observed.received.saturating_add(more_received);
        self.observed.sent = self.observed.sent.saturating_add(more_sent);
        let slot = now.seconds().div_euclid(SLOT_SECONDS);
        let oldest = slot - SLOTS as i64 + 1;
        self.samples.retain(|sample| sample.slot >= oldest && sample.slot <= slot);
        match self.samples.last_mut() {
            Some(last) if last.slot == slot => {
                last.received = last.received.saturating_add(more_received);
                last.sent = last.sent.saturating_add(more_sent);
            }
            _ => self.samples.push(Sample { slot, received: more_received, sent: more_sent }),
        }
    }
}

/// Every slot of the two hours that end now, oldest first.
fn dense(samples: &[(i64, u64, u64)], now: Timestamp) -> Vec<(u64, u64)> {
    let slot = now.seconds().div_euclid(SLOT_SECONDS);
    let mut dense = vec![(0, 0); SLOTS];
    for (at, received, sent) in samples {
        let back = slot - at;
        if let Some(place) = usize::try_from(back).ok().and_then(|back| (SLOTS - 1).checked_sub(back)) {
            dense[place] = (*received, *sent);
        }
    }
    dense
}

macro_rules! select_figures {
    ($rest:literal) => {
        concat!(
            "select p.id, p.public_key, coalesce(o.handshake, 0) as handshake, coalesce(o.received, 0) as received,
               coalesce(o.sent, 0) as sent, coalesce(o.host_received, 0) as host_received, coalesce(o.host_sent, 0) as host_sent,
               coalesce(o.endpoint, '') as endpoint, coalesce(o.samples, '[]') as samples
             from peer p left join observed_peer o on o.peer_id = p.id ",
            $rest
        )
    };
}

impl Store {
    /// What was seen of each peer; those without a row were never seen.
    pub async fn observed(&self, project: ProjectId) -> Result<HashMap<PeerId, PeerObserved>> {
        let rows = sqlx::query(
            "select o.peer_id, o.handshake, o.received, o.sent, o.endpoint from observed_peer o
             join peer p on p.id = o.peer_id join gateway g on g.id = p.gateway_id where g.project_id = $1",
        )
        .bind(project.to_string())
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(|row| Ok((parsed(row, "observed_peer", "peer_id")?, observed(row)?))).collect()
    }

    /// Traffic of two hours, 24 slots of five minutes, oldest first; peers without traffic are left out.
    pub async fn samples(&self, project: ProjectId, now: Timestamp) -> Result<HashMap<PeerId, Vec<(u64, u64)>>> {
        let rows = sqlx::query(
            "select o.peer_id, o.samples from observed_peer o
             join peer p on p.id = o.peer_id join gateway g on g.id = p.gateway_id
             where g.project_id = $1 and o.samples <> '[]'",
        )
        .bind(project.to_string())
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let samples: Vec<(i64, u64, u64)> =
                    read_json("observed_peer", "samples", &row.try_get::<String, _>("samples")?)?;
                Ok((parsed(row, "observed_peer", "peer_id")?, dense(&samples, now)))
            })
            .collect()
    }

    /// What was seen of one peer, and its traffic of two hours.
    pub async fn peer_figures(&self, peer: PeerId, now: Timestamp) -> Result<(PeerObserved, Vec<(u64, u64)>)> {
        let row = sqlx::query(
            "select peer_id, handshake, received, sent, endpoint, samples from observed_peer where peer_id = $1",
        )
        .bind(peer.to_string())
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok((PeerObserved::default(), Vec::new())) };
        let samples: Vec<(i64, u64, u64)> =
            read_json("observed_peer", "samples", &row.try_get::<String, _>("samples")?)?;
        let samples = if samples.is_empty() { Vec::new() } else { dense(&samples, now) };
        Ok((observed(&row)?, samples))
    }

    /// As [`Store::samples`], summed over the peers of each gateway; gateways without traffic are left out.
    pub async fn gateway_samples(
        &self,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<HashMap<GatewayId, Vec<(u64, u64)>>> {
        let rows = sqlx::query(
            "select p.gateway_id, o.samples from observed_peer o
             join peer p on p.id = o.peer_id join gateway g on g.id = p.gateway_id
             where g.project_id = $1 and o.samples <> '[]'",
        )
        .bind(project.to_string())
        .fetch_all(self.pool())
        .await?;
        let mut sums: HashMap<GatewayId, Vec<(u64, u64)>> = HashMap::new();
        for row in &rows {
            let samples: Vec<(i64, u64, u64)> =
                read_json("observed_peer", "samples", &row.try_get::<String, _>("samples")?)?;
            let sum = sums.entry(parsed(row, "peer", "gateway_id")?).or_insert_with(|| vec![(0, 0); SLOTS]);
            for (sum, (received, sent)) in sum.iter_mut().zip(dense(&samples, now)) {
                *sum = (sum.0.saturating_add(received), sum.1.saturating_add(sent));
            }
        }
        Ok(sums)
    }

    /// Every peer of a gateway with its figures; those that were never seen have empty ones.
    pub async fn figures(&self, gateway: GatewayId) -> Result<HashMap<PublicKey, (PeerId, Figures)>> {
        let rows = sqlx::query(select_figures!("where p.gateway_id = $1"))
            .bind(gateway.to_string())
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(|row| Ok((parsed(row, "peer", "public_key")?, figures(row)?))).collect()
    }

    /// The same of one peer; `None` if the gateway has no peer with this key.
    pub async fn figures_of(&self, gateway: GatewayId, key: PublicKey) -> Result<Option<(PeerId, Figures)>> {
        let row = sqlx::query(select_figures!("where p.gateway_id = $1 and p.public_key = $2"))
            .bind(gateway.to_string())
            .bind(key.to_string())
            .fetch_optional(self.pool())
            .await?;
        row.as_ref().map(figures).transpose()
    }
}

fn figures(row: &AnyRow) -> Result<(PeerId, Figures)> {
    let samples: Vec<(i64, u64, u64)> = read_json("observed_peer", "samples", &row.try_get::<String, _>("samples")?)?;
    let figures = Figures {
        observed: observed(row)?,
        host_received: row.try_get::<i64, _>("host_received")?.unsigned_abs(),
        host_sent: row.try_get::<i64, _>("host_sent")?.unsigned_abs(),
        samples: samples.into_iter().map(|(slot, received, sent)| Sample { slot, received, sent }).collect(),
    };
    Ok((parsed(row, "peer", "id")?, figures))
}

fn observed(row: &AnyRow) -> Result<PeerObserved> {
    let count = |column: &str| -> Result<u64> { Ok(row.try_get::<i64, _>(column)?.unsigned_abs()) };
    let handshake: i64 = row.try_get("handshake")?;
    let endpoint: String = row.try_get("endpoint")?;
    let endpoint: Option<Endpoint> = if endpoint.is_empty() {
        None
    } else {
        Some(endpoint.parse().map_err(|error| StoreError::corrupt("observed_peer", "endpoint", error))?)
    };
    Ok(PeerObserved {
        handshake: (handshake != 0).then_some(Timestamp(handshake)),
        received: count("received")?,
        sent: count("sent")?,
        endpoint,
    })
}

impl Tx {
    /// Rewrites what was seen of some peers, and tells of how many. Peers that are gone by now are passed over.
    pub async fn write_figures(&mut self, figures: &[(PeerId, Figures)]) -> Result<u64> {
        let mut rest = figures;
        let mut written = 0;
        while !rest.is_empty() {
            // Few lengths, so that few statements are prepared.
            let length =
                [200, 20, 1].into_iter().find(|length| *length <= rest.len()).expect("one is at most any length");
            let (batch, later) = rest.split_at(length);
            let sql = upsert(length);
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
            for (peer, figures) in batch {
                let samples: Vec<(i64, u64, u64)> =
                    figures.samples.iter().map(|sample| (sample.slot, sample.received, sample.sent)).collect();
                query = query
                    .bind(peer.to_string())
                    .bind(figures.observed.handshake.map_or(0, |at| at.0))
                    .bind(number(figures.observed.received))
                    .bind(number(figures.observed.sent))
                    .bind(number(figures.host_received))
                    .bind(number(figures.host_sent))
                    .bind(figures.observed.endpoint.map_or_else(String::new, |endpoint| endpoint.to_string()))
                    .bind(super::json(&samples));
            }
            written += query.execute(self.connection()).await?.rows_affected();
            rest = later;
        }
        Ok(written)
    }
}

fn upsert(rows: usize) -> String {
    let values: Vec<String> = (0..rows)
        .map(|row| {
            let columns: Vec<String> = (1..=8).map(|column| format!("${}", row * 8 + column)).collect();
            format!("({})", columns.join(", "))
        })
        .collect();
    format!(
        "insert into observed_peer (peer_id, handshake, received, sent, host_received, host_sent, endpoint, samples)
         select p.id, v.column2, v.column3, v.column4, v.column5, v.column6, v.column7, v.column8
         from (values {}) as v join peer p on p.id = v.column1 where true
         on conflict (peer_id) do update set handshake = excluded.handshake, received = excluded.received, sent = excluded.sent,
             host_received = excluded.host_received, host_sent = excluded.host_sent, endpoint = excluded.endpoint,
             samples = excluded.samples",
        values.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_went_back_is_a_restart_and_the_total_keeps_growing() {
        let now = Timestamp::from_seconds(3_000_000);
        let mut figures = Figures::default();
        figures.count(100, 10, now);
        figures.count(150, 10, now);
        figures.count(30, 4, now.plus_seconds(SLOT_SECONDS));
        assert_eq!((figures.observed.received, figures.observed.sent), (180, 14));
        let slot = now.seconds() / SLOT_SECONDS;
        assert_eq!(
            figures.samples,
            [Sample { slot, received: 150, sent: 10 }, Sample { slot: slot + 1, received: 30, sent: 4 }]
        );
    }

    #[test]
    fn no_more_than_two_hours_of_samples_are_kept_and_shown() {
        let mut figures = Figures::default();
        for slot in 0..100 {
            figures.count(slot + 1, 0, Timestamp::from_seconds(i64::try_from(slot).expect("small") * SLOT_SECONDS));
        }
        assert_eq!(figures.samples.len(), SLOTS);
        let sparse: Vec<_> = figures.samples.iter().map(|sample| (sample.slot, sample.received, sample.sent)).collect();
        let shown = dense(&sparse, Timestamp::from_seconds(101 * SLOT_SECONDS));
        assert_eq!((shown.len(), shown[0], shown[21], shown[23]), (24, (1, 0), (1, 0), (0, 0)));
    }
}
