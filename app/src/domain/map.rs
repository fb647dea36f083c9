//! The topology as a line map: what is drawn where, and the same facts as rows.
//!
//! Drawn from one snapshot, without chance and without the order in which rows were read,
//! so server and browser draw the same picture and a person finds a thing where it was
//! yesterday. Plain shapes with names: a component turns them into SVG.
//!
//! Columns: index of tunnels, people, lanes, gateways, VPCs, sites. Rows: places by their
//! first address, in them VPCs by address. The geometry is in [`layout`].

mod layout;
mod rows;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Cidr, ConnectionId, GatewayId, PairId, PeerId, Timestamp, VpcId,
    attention::{Snapshot, lasting},
    connection::{Connection, ConnectionState},
    gateway::Gateway,
    peer::{Peer, PeerKind, PeerStatus},
    peering::{Peering, PeeringState},
    standing::{Standing, Target},
    vpc::Vpc,
};

pub use self::rows::{Row, RowKind};

/// A thing on the map that can be pointed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    Vpc(VpcId),
    Gateway(GatewayId),
    Peering(PairId),
    Site(PeerId),
    /// A network on the far side of a peering connection.
    Network(ConnectionId),
    /// The road warriors of a gateway.
    People(GatewayId),
}

/// What every shape carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    pub node: Node,
    pub standing: Standing,
    /// Where it leads.
    pub target: Target,
    /// All of it in a line, for a pointer that rests on it.
    pub title: String,
}

/// A line over a column or a place: text above, a hairline below.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heading {
    pub text: String,
    pub from: f64,
    pub to: f64,
    pub y: f64,
}

/// A VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    pub thing: Thing,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub name: String,
    pub range: String,
    /// The state in a word, unless it is as asked.
    pub said: String,
    /// Name and range on one line: many VPCs.
    pub flat: bool,
}

/// A gateway: a capsule as tall as its lines, joined with its VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Port {
    pub thing: Thing,
    pub x: f64,
    pub y: f64,
    /// From the centre to the end of the straight part.
    pub half: f64,
    /// Where the VPC begins.
    pub vpc_x: f64,
    pub name: String,
}

/// A VPC peering: leaves a gateway to its lane and enters another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tunnel {
    pub thing: Thing,
    pub number: usize,
    pub gateway_x: f64,
    pub lane_x: f64,
    pub from_y: f64,
    pub to_y: f64,
    pub weight: f64,
    pub bullet_y: f64,
    /// Where the line is cut, if its tunnel is lost.
    pub cut_x: Option<f64>,
    /// The entry of the index.
    pub name: String,
    pub said: Said,
    pub index_x: f64,
    pub index_y: f64,
}

/// The road warriors of a gateway, on a line of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct People {
    pub thing: Thing,
    pub x: f64,
    pub gateway_x: f64,
    pub y: f64,
    /// Unknown while the gateway is silent.
    pub connected: Option<usize>,
    pub all: usize,
}

/// A site, or a network on the far side of a peering connection: a terminus beyond its VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terminus {
    pub thing: Thing,
    pub from_x: f64,
    pub x: f64,
    pub y: f64,
    pub text_x: f64,
    pub text_end: f64,
    pub name: String,
    /// Whose it is, where that is not said by the name: the account in the cloud.
    pub owner: String,
    /// The first range, and how many more.
    pub networks: String,
    /// For its range bar.
    pub ranges: Vec<Cidr>,
    pub said: String,
    /// Whether a look-alike answers for its cloud: no packets.
    pub simulated: bool,
    pub flat: bool,
}

/// The end of a line of the index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Bytes in two hours, both ways.
    Traffic(u64),
    Words(String),
}

/// A small sentence on the map: what there was no room for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub x: f64,
    pub y: f64,
    pub text: String,
}

/// What a legend explains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Of what WireGuard carries.
    pub standings: BTreeSet<Standing>,
    /// Of peering connections in a cloud.
    pub clouds: BTreeSet<Standing>,
    pub simulated: bool,
    /// Whether a line's weight says what went through it.
    pub traffic: bool,
}

/// Shapes and rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Map {
    pub width: f64,
    pub height: f64,
    pub headings: Vec<Heading>,
    pub vpcs: Vec<Block>,
    pub gateways: Vec<Port>,
    pub tunnels: Vec<Tunnel>,
    pub people: Vec<People>,
    pub sites: Vec<Terminus>,
    /// On the far side of peering connections.
    pub networks: Vec<Terminus>,
    pub notes: Vec<Note>,
    /// Worst first.
    pub rows: Vec<Row>,
    /// Each gateway with its VPC, then each pair of joined gateways: what a path is made of.
    ports: Vec<(GatewayId, VpcId)>,
    /// Whether it carries packets stands last.
    joined: Vec<(PairId, [GatewayId; 2], bool)>,
    sites_of: Vec<(PeerId, GatewayId)>,
    /// Whether it carries packets stands last.
    networks_of: Vec<(ConnectionId, VpcId, bool)>,
}

impl Map {
    pub fn of(seen: &Snapshot<'_>) -> Self {
        let mut map = layout::draw(&facts(seen), seen.now);
        map.rows = rows::rows(seen);
        map.ports = seen.gateways.iter().map(|gateway| (gateway.id, gateway.vpc)).collect();
        map.joined = seen
            .peerings
            .iter()
            .map(|peering| {
                (
                    peering.id,
                    [peering.sides[0].gateway, peering.sides[1].gateway],
                    peering.state == PeeringState::Established,
                )
            })
            .collect();
        map.sites_of = sites(seen).map(|peer| (peer.id, peer.gateway)).collect();
        map.networks_of = seen
            .vpcs
            .iter()
            .flat_map(|vpc| &vpc.connections)
            .map(|connection| (connection.id, connection.vpc, connection.state == ConnectionState::Active))
            .collect();
        map
    }

    pub fn is_empty(&self) -> bool {
        self.vpcs.is_empty()
    }

    /// Where the gateways begin, and with them their VPCs: where to begin if not all of it can be seen.
    pub fn begin(&self) -> f64 {
        const MARGIN: f64 = 12.0;
        let gateways = self.gateways.iter().map(|port| port.x);
        let first = gateways.chain(self.vpcs.iter().map(|block| block.x)).reduce(f64::min);
        (first.unwrap_or(0.0) - MARGIN).max(0.0)
    }

    /// What there are lines of.
    pub fn lines(&self) -> Lines {
        let tunnels = self.tunnels.iter().map(|tunnel| tunnel.thing.standing);
        let people = self.people.iter().map(|people| people.thing.standing);
        let sites = self.sites.iter().map(|site| site.thing.standing);
        // A gateway is joined with its VPC by a plain line; only what it waits for is drawn as elsewhere.
        let gateways = self.gateways.iter().map(|port| port.thing.standing);
        let gateways = gateways.filter(|standing| matches!(standing, Standing::YourTurn | Standing::Moving));
        Lines {
            standings: tunnels.chain(people).chain(sites).chain(gateways).collect(),
            clouds: self.networks.iter().map(|network| network.thing.standing).collect(),
            simulated: self.networks.iter().any(|network| network.simulated),
            traffic: self.tunnels.iter().any(|tunnel| matches!(tunnel.said, Said::Traffic(_))),
        }
    }

    /// "3 VPCs, 3 VPN gateways, 2 VPC peerings".
    pub fn describe(&self) -> String {
        let count = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let mut parts = vec![
            count(self.vpcs.len(), "VPC"),
            count(self.ports.len(), "VPN gateway"),
            count(self.joined.len(), "VPC peering"),
        ];
        for (things, word) in [(self.sites_of.len(), "site"), (self.networks_of.len(), "peering connection")] {
            if things > 0 {
                parts.push(count(things, word));
            }
        }
        parts.join(", ")
    }

    /// What to light when a thing is pointed at: whatever packets from it can get to, and the way there.
    pub fn path(&self, node: Node) -> BTreeSet<Node> {
        let mut lit = BTreeSet::from([node]);
        let from = match node {
            Node::Peering(pair) => {
                let ends = self.joined.iter().find(|(id, ..)| *id == pair).map(|(_, ends, _)| *ends);
                for gateway in ends.into_iter().flatten() {
                    self.light(gateway, &mut lit);
                }
                return lit;
            }
            Node::Network(connection) => {
                let own = self.networks_of.iter().find(|(id, ..)| *id == connection);
                lit.extend(own.map(|(_, vpc, _)| Node::Vpc(*vpc)));
                return lit;
            }
            Node::Vpc(vpc) => self.ports.iter().find(|(_, of)| *of == vpc).map(|(gateway, _)| *gateway),
            Node::Gateway(gateway) | Node::People(gateway) => Some(gateway),
            Node::Site(site) => self.sites_of.iter().find(|(id, _)| *id == site).map(|(_, gateway)| *gateway),
        };
        // A cloud peering carries its own VPC, and nothing that comes through a gateway of it.
        if let Node::Vpc(vpc) = node {
            let own = self.networks_of.iter().filter(|(_, of, carries)| *of == vpc && *carries);
            lit.extend(own.map(|(connection, ..)| Node::Network(*connection)));
        }
        let Some(from) = from else { return lit };
        self.light(from, &mut lit);
        // A peering carries VPCs, not the networks of sites (domain 5.7).
        if matches!(node, Node::Site(_)) {
            return lit;
        }
        for (pair, ends, _) in self.joined.iter().filter(|(_, ends, carries)| *carries && ends.contains(&from)) {
            lit.insert(Node::Peering(*pair));
            for gateway in ends {
                self.light(*gateway, &mut lit);
            }
        }
        if !matches!(node, Node::People(_)) {
            lit.extend(self.sites_of.iter().filter(|(_, gateway)| *gateway == from).map(|(site, _)| Node::Site(*site)));
            lit.insert(Node::People(from));
        }
        lit
    }

    /// A gateway and its VPC.
    fn light(&self, gateway: GatewayId, lit: &mut BTreeSet<Node>) {
        lit.insert(Node::Gateway(gateway));
        lit.extend(self.ports.iter().filter(|(id, _)| *id == gateway).map(|(_, vpc)| Node::Vpc(*vpc)));
    }
}

/// A VPC and all that hangs on it.
struct VpcFacts<'a> {
    vpc: &'a Vpc,
    gateway: Option<&'a Gateway>,
    /// Connected and all; nothing if it has no road warriors.
    people: Option<(Option<usize>, usize)>,
    /// Worst first.
    beyond: Vec<Beyond<'a>>,
}

/// What hangs on a VPC beyond it.
#[derive(Clone, Copy)]
enum Beyond<'a> {
    Site(&'a Peer, &'a Gateway),
    Network(&'a Connection),
}

struct TunnelFacts<'a> {
    peering: &'a Peering,
    standing: Standing,
    traffic: Option<u64>,
}

/// What the layout draws: sorted, so that the order of rows does not matter.
struct Facts<'a> {
    vpcs: Vec<VpcFacts<'a>>,
    tunnels: Vec<TunnelFacts<'a>>,
}

fn facts<'a>(seen: &Snapshot<'a>) -> Facts<'a> {
    let mut vpcs: Vec<VpcFacts<'a>> = seen
        .vpcs
        .iter()
        .map(|vpc| {
            let gateway = seen.gateways.iter().find(|gateway| gateway.vpc == vpc.id);
            let own =
                sites(seen).filter_map(|peer| Some(Beyond::Site(peer, gateway.filter(|own| own.id == peer.gateway)?)));
            let mut beyond: Vec<Beyond<'a>> = own.chain(vpc.connections.iter().map(Beyond::Network)).collect();
            beyond.sort_by_cached_key(|one| one.order(seen.now));
            VpcFacts { vpc, gateway, people: gateway.and_then(|gateway| people(seen, gateway)), beyond }
        })
        .collect();
    vpcs.sort_by_key(|facts| (facts.vpc.cidr, facts.vpc.id));
    let mut tunnels: Vec<TunnelFacts<'a>> = seen
        .peerings
        .iter()
        .map(|peering| TunnelFacts {
            peering,
            standing: peering.standing(seen.now),
            traffic: traffic_of_pair(seen, peering.id),
        })
        .collect();
    tunnels.sort_by_key(|tunnel| tunnel.peering.id);
    Facts { vpcs, tunnels }
}

fn sites<'a>(seen: &Snapshot<'a>) -> impl Iterator<Item = &'a Peer> {
    seen.peers.iter().filter(|peer| peer.kind == PeerKind::Site)
}

/// How many of a gateway's road warriors are connected, of those that may be.
fn people(seen: &Snapshot<'_>, gateway: &Gateway) -> Option<(Option<usize>, usize)> {
    let own = || {
        seen.peers
            .iter()
            .filter(|peer| peer.gateway == gateway.id && peer.kind == PeerKind::RoadWarrior && peer.enabled)
    };
    let connected = own().filter(|peer| peer.status(seen.now) == PeerStatus::Connected).count();
    let all = own().count();
    (all > 0).then(|| ((!gateway.silent()).then_some(connected), all))
}

fn traffic(peer: &Peer) -> Option<u64> {
    (!peer.samples.is_empty()).then(|| peer.samples.iter().map(|(received, sent)| received.saturating_add(*sent)).sum())
}

/// Both rows of a pair count the same packets; the fuller count missed fewer.
fn traffic_of_pair(seen: &Snapshot<'_>, pair: PairId) -> Option<u64> {
    seen.peers.iter().filter(|peer| peer.pair == Some(pair)).filter_map(traffic).max()
}

/// "lost 41 min": what the index and a title say of a tunnel.
fn said(peering: &Peering, now: Timestamp) -> String {
    let heard = peering.sides[0].handshake.max(peering.sides[1].handshake);
    match (peering.state, heard) {
        (PeeringState::Lost, Some(at)) => format!("lost {}", lasting(at.age_seconds(now))),
        (PeeringState::Pending, _) if peering.sides.iter().any(|side| !side.applied) => "applying".to_owned(),
        (PeeringState::Pending, _) => "no handshake".to_owned(),
        (PeeringState::Recorded, _) => "no packets".to_owned(),
        (state, _) => state.word().to_lowercase(),
    }
}

fn people_standing(connected: usize) -> Standing {
    if connected > 0 { Standing::AsAsked } else { Standing::Off }
}

/// What a gateway says of a site counts only while it speaks.
fn site_state(peer: &Peer, gateway: &Gateway, now: Timestamp) -> (Standing, String) {
    if gateway.silent() {
        (Standing::Off, "Not known".to_owned())
    } else {
        (peer.standing(now), peer.status(now).word().to_owned())
    }
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;

#[cfg(test)]
mod networks_tests;
