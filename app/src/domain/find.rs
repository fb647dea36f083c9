//! What the command palette finds: things by name, key or id, and by any address or range.
//!
//! The index is made once per reading of the project and asked at every key press, in the
//! browser; without a script the server asks it once. The same words always give the same
//! order: better matches first, then the kind of thing, then its name.

mod deed;
mod entries;

use std::{collections::BTreeSet, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

pub use deed::Deed;

use super::{
    Cidr, GatewayId,
    attention::Snapshot,
    gateway::own_tunnel_address,
    peering::PeeringState,
    standing::{Standing, Target},
};

/// At most so many of one kind are shown; more words find fewer.
const MOST: usize = 8;

/// A kind of thing, in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noun {
    Vpc,
    Gateway,
    Peering,
    Connection,
    Service,
    Node,
    Site,
    RoadWarrior,
    Planned,
}

impl Noun {
    pub const ALL: [Self; 9] = [
        Self::Vpc,
        Self::Gateway,
        Self::Peering,
        Self::Connection,
        Self::Service,
        Self::Node,
        Self::Site,
        Self::RoadWarrior,
        Self::Planned,
    ];

    /// The title over several of them.
    pub fn title(self) -> &'static str {
        match self {
            Self::Vpc => "VPCs",
            Self::Gateway => "VPN gateways",
            Self::Peering => "VPC peerings",
            Self::Connection => "Peering connections",
            Self::Service => "Services",
            Self::Node => "Nodes of services",
            Self::Site => "Sites",
            Self::RoadWarrior => "Road warriors",
            Self::Planned => "Planned networks",
        }
    }
}

/// One thing that can be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub noun: Noun,
    pub name: String,
    /// Where it is or what it belongs to: "Oslo", "gw-oslo".
    pub home: String,
    pub target: Target,
    pub standing: Standing,
    id: String,
    key: String,
    /// The ranges that are its own, the main one first.
    ranges: Vec<Cidr>,
    /// Addresses that are its own, and what each is to it.
    addresses: Vec<(Ipv4Addr, Role)>,
}

/// What an address is to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Public,
    Private,
    Own,
    Tunnel,
    Endpoint,
    LastSeen,
}

impl Role {
    fn words(self) -> &'static str {
        match self {
            Self::Public => "its public address",
            Self::Private => "its address in the VPC",
            Self::Own => "its private address",
            Self::Tunnel => "its tunnel address",
            Self::Endpoint => "its endpoint",
            Self::LastSeen => "where it was last seen",
        }
    }
}

impl Entry {
    /// The fact beside the name: its range, else its first address.
    pub fn fact(&self) -> String {
        let range = self.ranges.first().map(Cidr::to_string);
        range.or_else(|| self.addresses.first().map(|(address, _)| address.to_string())).unwrap_or_default()
    }
}

/// A way from a gateway to a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Way {
    gateway: GatewayId,
    range: Cidr,
    by: By,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    OwnVpc,
    OwnTunnel,
    Site(String),
    Peering(String, PeeringState),
}

impl By {
    fn words(&self) -> String {
        match self {
            Self::OwnVpc => "it stands in this VPC".to_owned(),
            Self::OwnTunnel => "its own tunnel subnet".to_owned(),
            Self::Site(name) => format!("through {name}"),
            Self::Peering(remote, PeeringState::Established) => format!("by VPC peering with {remote}"),
            // A way that does not carry packets now is no way, but it explains itself.
            Self::Peering(remote, state) => format!("by VPC peering with {remote}: {}", state.word().to_lowercase()),
        }
    }
}

/// Everything that can be found in a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    pub entries: Vec<Entry>,
    ways: Vec<Way>,
}

impl Index {
    pub fn of(seen: &Snapshot<'_>) -> Self {
        let mut entries = Vec::new();
        for vpc in seen.vpcs {
            entries.push(Entry {
                noun: Noun::Vpc,
                name: vpc.name.to_string(),
                home: vpc.place.clone(),
                target: Target::Vpc(vpc.id),
                standing: vpc.standing(),
                id: vpc.id.to_string(),
                key: String::new(),
                ranges: vec![vpc.cidr],
                addresses: Vec::new(),
            });
        }
        for (vpc, connection) in seen.vpcs.iter().flat_map(|vpc| vpc.connections.iter().map(move |one| (vpc, one))) {
            entries.push(Entry {
                noun: Noun::Connection,
                name: connection.name().to_owned(),
                home: vpc.name.to_string(),
                target: Target::Connection(connection.id, vpc.id),
                standing: connection.standing(),
                id: connection.id.to_string(),
                // The cloud's own id, such as pcx-….
                key: connection.cloud_id().unwrap_or_default().to_owned(),
                ranges: connection.ranges(),
                addresses: Vec::new(),
            });
        }
        for gateway in seen.gateways {
            let addresses = [
                gateway.public_address.map(|address| (address, Role::Public)),
                gateway.private_address.map(|address| (address, Role::Private)),
                Some((own_tunnel_address(gateway.tunnel), Role::Tunnel)),
            ];
            entries.push(Entry {
                noun: Noun::Gateway,
                name: gateway.name.to_string(),
                home: gateway.vpc_name.to_string(),
                target: Target::Gateway(gateway.id),
                standing: gateway.standing(),
                id: gateway.id.to_string(),
                key: gateway.public_key.map(|key| key.to_string()).unwrap_or_default(),
                ranges: vec![gateway.tunnel],
                addresses: addresses.into_iter().flatten().collect(),
            });
        }
        for peering in seen.peerings {
            let [a, b] = &peering.sides;
            entries.push(Entry {
                noun: Noun::Peering,
                name: format!("{} – {}", a.vpc_name, b.vpc_name),
                home: format!("{} – {}", a.gateway_name, b.gateway_name),
                target: Target::Peering(peering.id, a.gateway),
                standing: peering.standing(seen.now),
                id: peering.id.to_string(),
                key: String::new(),
                ranges: Vec::new(),
                addresses: Vec::new(),
            });
        }
        entries.extend(entries::services(seen));
        entries.extend(entries::peers(seen));
        for planned in &seen.network.planned {
            entries.push(Entry {
                noun: Noun::Planned,
                name: planned.name.to_string(),
                home: "address plan".to_owned(),
                target: Target::Plan,
                standing: Standing::AsAsked,
                id: String::new(),
                key: String::new(),
                ranges: vec![planned.cidr],
                addresses: Vec::new(),
            });
        }
        entries.sort_by(|a, b| (a.noun, &a.name, &a.id).cmp(&(b.noun, &b.name, &b.id)));
        Self { entries, ways: ways(seen) }
    }

    fn gateway(&self, id: GatewayId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.target == Target::Gateway(id))
    }
}

fn ways(seen: &Snapshot<'_>) -> Vec<Way> {
    let own = seen.gateways.iter().flat_map(|gateway| {
        [(gateway.vpc_cidr, By::OwnVpc), (gateway.tunnel, By::OwnTunnel)].map(|(range, by)| Way {
            gateway: gateway.id,
            range,
            by,
        })
    });
    let routed = seen.network.routed.iter().filter_map(|routed| {
        let by = match routed.remote {
            None => By::Site(routed.peer_name.to_string()),
            Some(remote) => {
                let remote = seen.gateways.iter().find(|gateway| gateway.id == remote)?.name.to_string();
                let peering = seen.peerings.iter().find(|peering| Some(peering.id) == routed.pair)?;
                By::Peering(remote, peering.state)
            }
        };
        Some(Way { gateway: routed.gateway, range: routed.cidr, by })
    });
    own.chain(routed).collect()
}

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    Nothing,
    Address(Ipv4Addr),
    Range(Cidr),
    Words(Vec<String>),
}

impl Question {
    /// An address may carry a port, a range may have host bits; everything else is words.
    pub fn read(text: &str) -> Self {
        let text = text.trim();
        let address = text.trim_end_matches('/');
        let address = address
            .split_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(address, |(address, _)| address);
        if text.is_empty() {
            Self::Nothing
        } else if let Ok(address) = address.parse() {
            Self::Address(address)
        } else if let Ok(range) = Cidr::canonicalize(text) {
            Self::Range(range)
        } else {
            // Nobody types more words than this, and each is looked for in everything.
            Self::Words(text.split_whitespace().take(8).map(str::to_owned).collect())
        }
    }
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit<'a> {
    pub entry: &'a Entry,
    /// In mono: the range or address that matched.
    pub fact: String,
    /// Why it is here, if the title does not say it: "its tunnel address".
    pub why: String,
    /// Where in its range the address lies, for a range bar.
    pub at: Option<(Cidr, Ipv4Addr)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    pub title: &'static str,
    pub hits: Vec<Hit<'a>>,
}

/// What was found; `sentence` says what there is to say if that is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    pub groups: Vec<Group<'a>>,
    pub deeds: Vec<Deed>,
    pub sentence: Option<String>,
}

/// Asks the index.
pub fn find<'a>(index: &'a Index, text: &str) -> Answer<'a> {
    let question = Question::read(text);
    let groups = match &question {
        Question::Nothing => at_rest(index),
        Question::Address(address) => of_address(index, *address),
        Question::Range(range) => of_range(index, *range),
        Question::Words(words) => of_words(index, words),
    };
    let groups: Vec<Group<'_>> = groups.into_iter().filter(|group| !group.hits.is_empty()).collect();
    let deeds = deed::deeds(index, &question);
    let nothing = groups.is_empty();
    let sentence = match question {
        Question::Address(address) if nothing => Some(format!("No range of this project holds {address}.")),
        Question::Range(range) if nothing => Some(format!("{range} is free: nothing in this project overlaps it.")),
        Question::Words(_) if nothing && deeds.is_empty() => Some(format!("Nothing here is called {}.", text.trim())),
        _ => None,
    };
    Answer { groups, deeds, sentence }
}

/// Before anything is typed: what needs somebody.
fn at_rest(index: &Index) -> Vec<Group<'_>> {
    let mut waiting: Vec<&Entry> = index.entries.iter().filter(|entry| entry.standing <= Standing::YourTurn).collect();
    waiting.sort_by_key(|entry| entry.standing);
    let hits = waiting.into_iter().take(MOST).map(plain).collect();
    vec![Group { title: "Needs you", hits }]
}

fn plain(entry: &Entry) -> Hit<'_> {
    Hit { fact: entry.fact(), why: entry.home.clone(), at: None, entry }
}

fn of_address(index: &Index, address: Ipv4Addr) -> Vec<Group<'_>> {
    let mut owners = Vec::new();
    let mut holders: Vec<(Cidr, Hit<'_>)> = Vec::new();
    for entry in &index.entries {
        // A site's endpoint is also where it was last seen: once is enough.
        if let Some((_, role)) = entry.addresses.iter().find(|(own, _)| *own == address) {
            owners.push(Hit { entry, fact: address.to_string(), why: role.words().to_owned(), at: None });
        }
        for range in entry.ranges.iter().filter(|range| range.contains(address)) {
            holders.push((
                *range,
                Hit { entry, fact: range.to_string(), why: holding(entry).to_owned(), at: Some((*range, address)) },
            ));
        }
    }
    // The narrowest range is the truest answer.
    holders.sort_by_key(|(range, _)| std::cmp::Reverse(range.prefix()));
    vec![
        Group { title: "An address. It belongs to", hits: owners },
        Group { title: "An address. It lies in", hits: holders.into_iter().map(|(_, hit)| hit).collect() },
        reach(index, |way| way.range.contains(address)),
    ]
}

fn holding(entry: &Entry) -> &'static str {
    match entry.noun {
        Noun::Gateway => "its tunnel subnet",
        Noun::Site => "a network behind it",
        Noun::Connection => "the network of its peer",
        Noun::Planned => "planned",
        Noun::Vpc | Noun::Peering | Noun::RoadWarrior | Noun::Service | Noun::Node => "",
    }
}

fn of_range(index: &Index, asked: Cidr) -> Vec<Group<'_>> {
    let mut hits = Vec::new();
    for entry in &index.entries {
        for range in entry.ranges.iter().filter(|range| range.overlaps(asked)) {
            let how = if *range == asked {
                "the same range"
            } else if range.covers(asked) {
                "holds it"
            } else {
                "lies inside it"
            };
            let what = holding(entry);
            let why = if what.is_empty() { how.to_owned() } else { format!("{what}, {how}") };
            hits.push((range.prefix().abs_diff(asked.prefix()), Hit { entry, fact: range.to_string(), why, at: None }));
        }
    }
    hits.sort_by_key(|(distance, _)| *distance);
    vec![
        Group { title: "A range. It overlaps", hits: hits.into_iter().take(MOST).map(|(_, hit)| hit).collect() },
        reach(index, |way| way.range.covers(asked)),
    ]
}

/// The gateways that have a way there, each once, the closest way first.
fn reach(index: &Index, leads: impl Fn(&Way) -> bool) -> Group<'_> {
    let mut told = BTreeSet::new();
    let mut hits = Vec::new();
    for way in index.ways.iter().filter(|way| leads(way)) {
        let Some(entry) = index.gateway(way.gateway).filter(|_| told.insert(way.gateway)) else { continue };
        hits.push(Hit { entry, fact: way.range.to_string(), why: way.by.words(), at: None });
    }
    Group { title: "Reaches it", hits }
}

fn of_words<'a>(index: &'a Index, words: &[String]) -> Vec<Group<'a>> {
    let mut ranked: Vec<(u8, &Entry)> =
        index.entries.iter().filter_map(|entry| Some((rank(entry, words)?, entry))).collect();
    // Stable: entries are sorted by noun and name already.
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut order: Vec<Noun> = Vec::new();
    for (_, entry) in &ranked {
        if !order.contains(&entry.noun) {
            order.push(entry.noun);
        }
    }
    order
        .into_iter()
        .map(|noun| {
            let of_noun = ranked.iter().filter(|(_, entry)| entry.noun == noun).take(MOST);
            Group { title: noun.title(), hits: of_noun.map(|(_, entry)| matched(entry, words)).collect() }
        })
        .collect()
}

/// The fact that was asked for, if it was one.
fn matched<'a>(entry: &'a Entry, words: &[String]) -> Hit<'a> {
    let asked = |text: &str| words.iter().any(|word| text.starts_with(word.as_str()));
    let fact = facts(entry).find(|fact| asked(fact));
    Hit { fact: fact.unwrap_or_else(|| entry.fact()), ..plain(entry) }
}

fn facts(entry: &Entry) -> impl Iterator<Item = String> {
    let addresses = entry.addresses.iter().map(|(address, _)| address.to_string());
    entry.ranges.iter().map(Cidr::to_string).chain(addresses)
}

/// How well an entry answers all words; 0 is best, `None` not at all.
fn rank(entry: &Entry, words: &[String]) -> Option<u8> {
    words.iter().map(|word| rank_of(entry, word)).try_fold(0, |worst, rank| Some(worst.max(rank?)))
}

fn rank_of(entry: &Entry, word: &str) -> Option<u8> {
    let lower = word.to_lowercase();
    let starts = |text: &str| text.to_lowercase().split([' ', '-']).any(|part| part.starts_with(&lower));
    // Four characters of a key or an id are no accident, fewer are.
    let long = word.len() >= 4;
    if entry.name == lower {
        Some(0)
    } else if entry.name.starts_with(&lower) || long && entry.key == word {
        Some(1)
    } else if starts(&entry.name)
        || facts(entry).any(|fact| fact.starts_with(&lower))
        || long && entry.key.starts_with(word)
        || long && entry.id.starts_with(&lower)
    {
        Some(2)
    } else if entry.name.contains(&lower) {
        Some(3)
    } else if starts(&entry.home) || starts(entry.noun.title()) {
        Some(4)
    } else {
        None
    }
}

#[cfg(test)]
#[path = "find_tests.rs"]
mod tests;
