//! The same facts as a table, worst first: for whoever does not see the drawing, and for what it had no room for.

use serde::{Deserialize, Serialize};

use super::{people, people_standing, site_state, sites, traffic, traffic_of_pair};
use crate::domain::{
    Cidr, Timestamp,
    attention::Snapshot,
    connection::{Connection, ConnectionType},
    peer::Peer,
    standing::{Standing, Target},
    vpc::Vpc,
};

/// One line of the same facts as a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub kind: RowKind,
    pub from: String,
    pub to: String,
    /// Whose it is and which ranges lie there, as far as known: "111122223333, 10.20.0.0/16".
    pub detail: String,
    pub standing: Standing,
    /// The state in words: "Established", "6 of 9 connected".
    pub state: String,
    pub handshake: Option<Timestamp>,
    /// Bytes in two hours, both ways, where they are known.
    pub traffic: Option<u64>,
    pub target: Target,
    /// Whether a look-alike answers for its cloud: no packets.
    pub simulated: bool,
}

/// What joins the two ends of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    Peering,
    /// A peering connection with a network in the VPC's cloud.
    Connection(ConnectionType),
    Site,
    People,
    Gateway,
    /// A VPC that nothing joins yet.
    Alone,
}

impl RowKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Connection(kind) => kind.word(),
            Self::Peering => "VPC peering",
            Self::Site => "Site",
            Self::People => "Road warriors",
            Self::Gateway => "VPN gateway",
            Self::Alone => "VPC",
        }
    }
}

pub(super) fn rows(seen: &Snapshot<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = seen
        .peerings
        .iter()
        .map(|peering| {
            let [a, b] = &peering.sides;
            Row {
                kind: RowKind::Peering,
                from: a.vpc_name.to_string(),
                to: b.vpc_name.to_string(),
                detail: String::new(),
                standing: peering.standing(seen.now),
                state: peering.state.word().to_owned(),
                handshake: a.handshake.max(b.handshake),
                traffic: traffic_of_pair(seen, peering.id),
                target: Target::Peering(peering.id, a.gateway),
                simulated: false,
            }
        })
        .collect();
    for vpc in seen.vpcs {
        rows.extend(vpc.connections.iter().map(|connection| network(vpc, connection)));
        let Some(gateway) = seen.gateways.iter().find(|gateway| gateway.vpc == vpc.id) else {
            if vpc.connections.is_empty() {
                rows.push(alone(vpc));
            }
            continue;
        };
        let row = |kind, to: String, standing, state: String, target| Row {
            kind,
            from: gateway.vpc_name.to_string(),
            to,
            detail: String::new(),
            standing,
            state,
            handshake: None,
            traffic: None,
            target,
            simulated: false,
        };
        let target = Target::Gateway(gateway.id);
        rows.push(row(
            RowKind::Gateway,
            gateway.name.to_string(),
            gateway.standing(),
            gateway.status.word().to_owned(),
            target,
        ));
        if let Some((connected, all)) = people(seen, gateway) {
            let (standing, state) = match connected {
                Some(connected) => (people_standing(connected), format!("{connected} of {all} connected")),
                None => (Standing::Off, format!("{all}, not known how many are connected")),
            };
            rows.push(row(RowKind::People, gateway.name.to_string(), standing, state, target));
        }
        for peer in sites(seen).filter(|peer| peer.gateway == gateway.id) {
            let (standing, state) = site_state(peer, gateway, seen.now);
            let handshake = peer.observed.handshake;
            let target = Target::Peer(peer.id, gateway.id);
            rows.push(Row {
                detail: networks(peer).map(Cidr::to_string).collect::<Vec<_>>().join(", "),
                handshake,
                traffic: traffic(peer),
                ..row(RowKind::Site, peer.name.to_string(), standing, state, target)
            });
        }
    }
    rows.sort_by(|a, b| (a.standing, a.kind, &a.from, &a.to).cmp(&(b.standing, b.kind, &b.from, &b.to)));
    rows
}

fn alone(vpc: &Vpc) -> Row {
    Row {
        kind: RowKind::Alone,
        from: vpc.name.to_string(),
        to: String::new(),
        detail: String::new(),
        standing: vpc.standing(),
        state: vpc.state.word().to_owned(),
        handshake: None,
        traffic: None,
        target: Target::Vpc(vpc.id),
        simulated: vpc.simulated,
    }
}

fn network(vpc: &Vpc, connection: &Connection) -> Row {
    Row {
        kind: RowKind::Connection(connection.kind()),
        from: vpc.name.to_string(),
        to: connection.name().to_owned(),
        detail: theirs(connection),
        standing: connection.standing(),
        state: connection.state.word().to_owned(),
        handshake: None,
        traffic: None,
        target: Target::Connection(connection.id, vpc.id),
        simulated: connection.simulated,
    }
}

/// "111122223333, 10.20.0.0/16, 10.21.0.0/16"; of many ranges the first, and how many more.
pub(super) fn theirs(connection: &Connection) -> String {
    const MOST: usize = 4;
    let ranges = connection.ranges();
    let more = ranges.len().checked_sub(MOST).filter(|more| *more > 0).map(|more| format!("{more} more"));
    let account = std::iter::once(connection.peer.cloud_account().to_owned());
    account.chain(ranges.iter().take(MOST).map(Cidr::to_string)).chain(more).collect::<Vec<_>>().join(", ")
}

/// What lies behind a site, without its own tunnel address.
pub(super) fn networks(peer: &Peer) -> impl Iterator<Item = &Cidr> {
    peer.allowed_ips.iter().filter(|range| range.prefix() < 32)
}
