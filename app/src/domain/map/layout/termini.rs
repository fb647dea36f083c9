//! What hangs on a VPC beyond it: sites, and the networks on the far side of its peering connections. Worst first; what
//! has no room is counted and stands in the table.

use super::{
    Line,
    columns::Columns,
    text::{MONO, NAME, SANS, cut, letters},
};
use crate::domain::{
    Cidr, Provider, Timestamp,
    attention::lasting,
    connection::Connection,
    gateway::Gateway,
    map::{Beyond, Map, Node, Note, Terminus, Thing, rows, site_state},
    peer::{Peer, PeerStatus},
    standing::{Standing, Target},
};

/// As much of an account as tells it from others.
const OWNER: usize = 14;
/// A range bar, with the space before it.
const BAR: f64 = 66.0;

/// Between a name and what stands at the end of its line, at least.
const GAP: f64 = 12.0;

fn width(text: &str, letter: f64) -> f64 {
    text.chars().count() as f64 * letter
}

/// How many have a line of their own.
fn most(flat: bool) -> usize {
    if flat { 3 } else { 6 }
}

fn pitch(flat: bool) -> f64 {
    if flat { 19.0 } else { 30.0 }
}

/// How many lines stand beside a VPC: one more than fit, to say how many did not.
fn places(all: usize, flat: bool) -> usize {
    all.min(most(flat) + 1)
}

/// The height of all of them.
pub(super) fn height(all: usize, flat: bool) -> f64 {
    places(all, flat) as f64 * pitch(flat)
}

impl Beyond<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Site(peer, _) => peer.name.as_str(),
            Self::Network(connection) => connection.name(),
        }
    }

    /// Worst first, then by name; what is of one name in two clouds by its id.
    pub(in crate::domain::map) fn order(&self, now: Timestamp) -> (Standing, bool, String, u128) {
        let name = self.name().to_owned();
        match self {
            Self::Site(peer, _) => (peer.standing(now), false, name, peer.id.key()),
            Self::Network(connection) => (connection.standing(), true, name, connection.id.key()),
        }
    }

    /// What stands beside the name: nothing if it is as asked. Short, since the name is what it is known by.
    fn said(&self, now: Timestamp) -> String {
        match self {
            Self::Site(peer, gateway) => said_of_site(peer, gateway, now),
            Self::Network(connection) if connection.standing() == Standing::AsAsked => String::new(),
            Self::Network(connection) => match connection.state_info.warnings.len() {
                0 => connection.state.word().to_owned(),
                1 => "1 warning".to_owned(),
                count => format!("{count} warnings"),
            },
        }
    }

    /// How long what stands at the end of the name's line is: the state, or the ranges where they have no line of
    /// their own.
    fn beside(&self, flat: bool, now: Timestamp) -> f64 {
        let said = self.said(now);
        match self {
            Self::Network(connection) if flat && said.is_empty() => width(&short(&connection.ranges()), MONO),
            _ => width(&said, SANS),
        }
    }

    /// How long its lines want to be.
    pub(super) fn wanted(&self, flat: bool, now: Timestamp) -> f64 {
        let first = width(self.name(), NAME) + GAP + self.beside(flat, now);
        match self {
            Self::Network(connection) if !flat => {
                let second = [owner(connection), short(&connection.ranges())].map(|text| width(&text, MONO) + 10.0);
                first.max(second.iter().sum::<f64>() + BAR)
            }
            _ => first,
        }
    }
}

fn said_of_site(peer: &Peer, gateway: &Gateway, now: Timestamp) -> String {
    let (standing, state) = site_state(peer, gateway, now);
    match (standing, peer.observed.handshake) {
        (Standing::AsAsked, _) => String::new(),
        (Standing::Failed, Some(at)) => format!("{state} {}", lasting(at.age_seconds(now))),
        _ if state == PeerStatus::Recorded.word() => "no packets".to_owned(),
        _ => state,
    }
}

/// The account; the resource group where the account is a number that nobody knows by heart. UpCloud has none to name.
fn owner(connection: &Connection) -> String {
    match connection.peer.provider() {
        Provider::UpCloud => String::new(),
        _ => cut(connection.peer.resource_group().unwrap_or(connection.peer.cloud_account()), OWNER),
    }
}

/// The first range, and how many more.
fn short(ranges: &[Cidr]) -> String {
    match ranges {
        [] => String::new(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} +{}", rest.len()),
    }
}

pub(super) fn draw(map: &mut Map, line: &Line<'_>, columns: &Columns, flat: bool, now: Timestamp) {
    let all = &line.facts.beyond;
    let places = places(all.len(), flat);
    let y = |place: usize| line.middle() + (place as f64 - (places - 1) as f64 / 2.0) * pitch(flat);
    for (place, one) in all.iter().take(most(flat)).enumerate() {
        let terminus = terminus(one, columns, y(place), flat, now);
        match one {
            Beyond::Site(..) => map.sites.push(terminus),
            Beyond::Network(_) => map.networks.push(terminus),
        }
    }
    if all.len() > most(flat) {
        let left = &all[most(flat)..];
        let sites = left.iter().filter(|one| matches!(one, Beyond::Site(..))).count();
        let what = match left.len() - sites {
            0 => "sites",
            networks if networks == left.len() => "peer networks",
            _ => "sites and peer networks",
        };
        let text = format!("{} more {what} in the table", left.len());
        map.notes.push(Note { x: columns.terminus + TEXT, y: y(most(flat)) + 4.0, text });
    }
}

/// From a terminus to its name.
pub(super) const TEXT: f64 = 14.0;

fn terminus(one: &Beyond<'_>, columns: &Columns, y: f64, flat: bool, now: Timestamp) -> Terminus {
    let said = one.said(now);
    let text_x = columns.terminus + TEXT;
    let room = columns.beyond_text - GAP - one.beside(flat, now);
    let (thing, owner, ranges) = match one {
        Beyond::Site(peer, gateway) => {
            let (standing, state) = site_state(peer, gateway, now);
            let ranges: Vec<Cidr> = rows::networks(peer).copied().collect();
            let list = ranges.iter().map(Cidr::to_string).collect::<Vec<_>>().join(", ");
            let title = format!("Site {} on {}, {list}: {state}", peer.name, gateway.name);
            let target = Target::Peer(peer.id, gateway.id);
            (Thing { node: Node::Site(peer.id), standing, target, title }, String::new(), ranges)
        }
        Beyond::Network(connection) => {
            let simulated = if connection.simulated { ", simulated" } else { "" };
            let (name, theirs) = (connection.name(), rows::theirs(connection));
            let (kind, state) = (connection.kind().word(), connection.state.word());
            let thing = Thing {
                node: Node::Network(connection.id),
                standing: connection.standing(),
                target: Target::Connection(connection.id, connection.vpc),
                title: format!("{kind} with {name}, {theirs}: {state}{simulated}"),
            };
            (thing, owner(connection), connection.ranges())
        }
    };
    let network = matches!(one, Beyond::Network(_));
    Terminus {
        thing,
        from_x: columns.vpc_end,
        x: columns.terminus,
        y,
        text_x,
        text_end: text_x + columns.beyond_text,
        name: cut(one.name(), letters(room, NAME)),
        owner,
        networks: short(&ranges),
        ranges: if network { ranges } else { Vec::new() },
        said,
        simulated: matches!(one, Beyond::Network(connection) if connection.simulated),
        flat,
    }
}
