//! The address plan: who holds which range, where two holders meet, and what is still free.
//!
//! The planner page, the suggestions under the VPC form and the list of what needs a person
//! all read this module, so they never disagree about what is taken. Whether a range may be
//! *made* is decided by [`Network`]; here it is only shown what that decision will run into.

pub mod question;

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::{
    Cidr, CloudName, ConnectionId, GatewayId, InvalidCidr, Network, PeerId, PersonId, VpcId,
    cidr::{PRIVATE, RESERVED, merge},
    peer::PeerKind,
};

/// A range and its holder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owned {
    pub cidr: Cidr,
    /// What people call it: the VPC, the gateway of a tunnel subnet, the site, the planned network.
    pub name: String,
    pub holder: Holder,
}

/// What a range is used for, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    Vpc {
        id: VpcId,
        cloud: CloudName,
    },
    /// The tunnel subnet of a gateway.
    Tunnel {
        gateway: GatewayId,
        owner: PersonId,
        vpc: VpcId,
    },
    /// A network behind a site, routed by this gateway.
    Site {
        gateway: GatewayId,
        peer: PeerId,
        owner: PersonId,
        vpc: VpcId,
    },
    /// The network at the other end of a cloud VPC's peering connection.
    Connection {
        id: ConnectionId,
        vpc: VpcId,
    },
    Planned,
}

impl Holder {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Vpc { .. } => "VPC",
            Self::Tunnel { .. } => "Tunnel subnet",
            Self::Site { .. } => "Site",
            Self::Connection { .. } => "Peer network",
            Self::Planned => "Planned",
        }
    }
}

/// Every range of a project, by address. The routes of a VPC peering are left out: they are the other VPC's own.
pub fn owned(network: &Network) -> Vec<Owned> {
    let vpcs = network.vpcs.iter().map(|vpc| Owned {
        cidr: vpc.cidr,
        name: vpc.name.to_string(),
        holder: Holder::Vpc { id: vpc.id, cloud: vpc.cloud.clone() },
    });
    let tunnels = network.gateways.iter().map(|gateway| Owned {
        cidr: gateway.tunnel,
        name: gateway.name.to_string(),
        holder: Holder::Tunnel { gateway: gateway.id, owner: gateway.owner, vpc: gateway.vpc },
    });
    let sites = network.routed.iter().filter(|routed| routed.kind == PeerKind::Site).filter_map(|routed| {
        let gateway = network.gateway(routed.gateway)?;
        let holder = Holder::Site { gateway: gateway.id, peer: routed.peer, owner: gateway.owner, vpc: gateway.vpc };
        Some(Owned { cidr: routed.cidr, name: routed.peer_name.to_string(), holder })
    });
    let planned = network.planned.iter().map(|planned| Owned {
        cidr: planned.cidr,
        name: planned.name.to_string(),
        holder: Holder::Planned,
    });
    let connected = network.routing_connections().flat_map(|connection| {
        let holder = Holder::Connection { id: connection.id, vpc: connection.vpc };
        let name = connection.peer.vpc();
        connection.ranges().map(move |cidr| Owned { cidr, name: name.to_owned(), holder: holder.clone() })
    });
    let mut all: Vec<Owned> = vpcs.chain(tunnels).chain(sites).chain(connected).chain(planned).collect();
    all.sort();
    all
}

/// What it means that two ranges overlap. Declared worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// One network would have an address twice: it is refused when it is made, so it should not be there.
    Error,
    /// Both work, but a peering between the two is refused.
    CannotBePeered,
    /// No rule forbids it; nothing will ever reach both.
    Warning,
}

impl Conflict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "Taken twice",
            Self::CannotBePeered => "Cannot be peered",
            Self::Warning => "Overlap",
        }
    }

    /// What follows from it, in a sentence.
    pub fn consequence(self) -> &'static str {
        match self {
            Self::Error => "The same addresses exist twice in one network. Delete one of the two.",
            Self::CannotBePeered => "The two cannot be peered.",
            Self::Warning => "No network can be peered with both.",
        }
    }
}

/// What two holders have against each other; nothing if their ranges do not overlap.
pub fn conflict(a: &Owned, b: &Owned) -> Option<Conflict> {
    use Holder::{Connection, Planned, Site, Tunnel, Vpc};
    if !a.cidr.overlaps(b.cidr) {
        return None;
    }
    let owners = |a: PersonId, b: PersonId| if a == b { Conflict::CannotBePeered } else { Conflict::Warning };
    Some(match (&a.holder, &b.holder) {
        (Planned, _) | (_, Planned) => Conflict::Warning,
        // A range that a person routes may be a part of what the cloud told.
        (Connection { id: a, .. }, Connection { id: b, .. }) if a == b => return None,
        // The VPC's own range, its gateway's and its peers' are one routing table.
        (Connection { vpc, .. }, Vpc { id, .. }) | (Vpc { id, .. }, Connection { vpc, .. }) if id == vpc => {
            Conflict::Error
        }
        (Connection { vpc: a, .. }, Tunnel { vpc: b, .. } | Site { vpc: b, .. })
        | (Tunnel { vpc: b, .. } | Site { vpc: b, .. }, Connection { vpc: a, .. })
            if a == b =>
        {
            Conflict::Error
        }
        // Peering connections carry nothing further.
        (Connection { .. }, _) | (_, Connection { .. }) => Conflict::Warning,
        (Vpc { cloud: a, .. }, Vpc { cloud: b, .. }) if a == b => Conflict::Error,
        (Vpc { .. }, Vpc { .. }) => Conflict::CannotBePeered,
        // A gateway's own VPC, its tunnel subnet and its sites are one routing table.
        (Vpc { id, .. }, Tunnel { vpc, .. } | Site { vpc, .. })
        | (Tunnel { vpc, .. } | Site { vpc, .. }, Vpc { id, .. })
            if id == vpc =>
        {
            Conflict::Error
        }
        (Vpc { .. }, Tunnel { .. } | Site { .. }) | (Tunnel { .. } | Site { .. }, Vpc { .. }) => {
            Conflict::CannotBePeered
        }
        (Site { gateway, .. }, Tunnel { gateway: other, .. } | Site { gateway: other, .. })
        | (Tunnel { gateway, .. }, Site { gateway: other, .. })
            if gateway == other =>
        {
            Conflict::Error
        }
        // A peering carries VPCs and tunnel subnets, never the networks of sites.
        (Site { .. }, Site { .. }) => Conflict::Warning,
        (Tunnel { owner: a, .. } | Site { owner: a, .. }, Tunnel { owner: b, .. } | Site { owner: b, .. }) => {
            owners(*a, *b)
        }
    })
}

/// Two ranges that overlap. `outer` holds `inner`, or they are the same range.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Overlap {
    pub conflict: Conflict,
    pub inner: Owned,
    pub outer: Owned,
}

impl Overlap {
    /// What stands after the inner range's name: "10.64.0.0/24 lies inside corp-backbone 10.64.0.0/22."
    pub fn predicate(&self) -> String {
        let (inner, outer) = (&self.inner, &self.outer);
        if inner.cidr == outer.cidr {
            format!("and {} are both {}.", outer.name, outer.cidr)
        } else {
            format!("{} lies inside {} {}.", inner.cidr, outer.name, outer.cidr)
        }
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.inner.name, self.predicate())
    }
}

/// Every two ranges that overlap, worst first; looks no further after `most`, since the pairs of n equal ranges are n²/2.
pub fn overlaps(owned: &[Owned], most: usize) -> Vec<Overlap> {
    let mut by_start: Vec<&Owned> = owned.iter().collect();
    // At one address the wider range first, so that whatever holds a range is met before it.
    by_start.sort_by_key(|owned| (owned.cidr.first(), owned.cidr.prefix()));
    let mut found = Vec::new();
    // Ranges that overlap contain one another: the open ones are nested like brackets.
    let mut open: Vec<&Owned> = Vec::new();
    'all: for inner in by_start {
        open.retain(|outer| outer.cidr.last() >= inner.cidr.first());
        for outer in &open {
            if found.len() == most {
                break 'all;
            }
            if let Some(conflict) = conflict(inner, outer) {
                found.push(Overlap { conflict, inner: inner.clone(), outer: (*outer).clone() });
            }
        }
        open.push(inner);
    }
    found.sort();
    found
}

/// Holder against holder. Asks [`conflict`] per cell; rows and columns are the same ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    pub ranges: Vec<Owned>,
    /// How many ranges are left out because they overlap with nothing, or because there is no room.
    pub left_out: usize,
}

impl Matrix {
    /// All ranges if they are at most `most`; else only those that overlap, as many as fit.
    pub fn of(owned: &[Owned], most: usize) -> Self {
        let ranges = if owned.len() <= most {
            owned.to_vec()
        } else {
            let involved: BTreeSet<Owned> =
                overlaps(owned, most * most).into_iter().flat_map(|overlap| [overlap.inner, overlap.outer]).collect();
            involved.into_iter().take(most).collect()
        };
        Self { left_out: owned.len() - ranges.len(), ranges }
    }

    /// The conflict of a row and a column; nothing on the diagonal.
    pub fn at(&self, row: usize, column: usize) -> Option<Conflict> {
        if row == column { None } else { conflict(self.ranges.get(row)?, self.ranges.get(column)?) }
    }
}

/// How full one /16 is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utilisation {
    pub block: Cidr,
    /// Addresses of VPCs, tunnel subnets and sites; those held twice count once.
    pub used: u64,
    /// Addresses that are only planned.
    pub planned: u64,
    /// Who is in here, by address.
    pub holders: Vec<Owned>,
}

impl Utilisation {
    /// "13 %", "<1 %", "100 %": rounded, but never to empty or full.
    pub fn percent(&self) -> String {
        let size = self.block.size();
        match (self.used * 200 + size) / (2 * size) {
            0 if self.used > 0 => "<1 %".to_owned(),
            100 if self.used < size => ">99 %".to_owned(),
            percent => format!("{percent} %"),
        }
    }
}

/// Each /16 that holds something, by address. Networks wider than a /16 that are only planned open no block of their own.
pub fn utilisation(owned: &[Owned]) -> Vec<Utilisation> {
    let mut blocks = BTreeSet::new();
    for range in owned.iter().filter(|range| range.holder != Holder::Planned || range.cidr.prefix() >= 16) {
        // A site may route 10.0.0.0/8; its blocks beyond the first few hundred say nothing.
        let starts = (range.cidr.first() >> 16..=range.cidr.last() >> 16).take(256);
        blocks.extend(starts.filter_map(|start| Cidr::around((start << 16).into(), 16)));
    }
    blocks
        .into_iter()
        .map(|block| {
            let holders: Vec<Owned> = owned.iter().filter(|range| range.cidr.overlaps(block)).cloned().collect();
            let held = |planned: bool| {
                let ranges =
                    holders.iter().filter(|range| planned || range.holder != Holder::Planned).map(|range| range.cidr);
                merge(ranges).into_iter().map(|range| range.size().min(block.size())).sum::<u64>()
            };
            let used = held(false);
            Utilisation { block, used, planned: held(true) - used, holders }
        })
        .collect()
}

/// What a new range must keep clear of: everything held, and what no VPC may use.
pub fn taken(network: &Network) -> Vec<Cidr> {
    merge(network.ranges().chain(RESERVED))
}

/// What a person typed into the planner: host bits are cleared, and that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    pub cidr: Cidr,
    /// "11.1.1.0/8 was read as 11.0.0.0/8."
    pub note: Option<String>,
}

/// Reads a range leniently (domain 3.1, check 2).
pub fn read(text: &str) -> Result<Typed, InvalidCidr> {
    let cidr = Cidr::canonicalize(text)?;
    let text = text.trim();
    let note = (cidr.to_string() != text).then(|| format!("{text} was read as {cidr}."));
    Ok(Typed { cidr, note })
}

/// A run of free addresses, first to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Gap {
    first: u32,
    last: u32,
}

impl Gap {
    /// The range of this prefix length that starts at or after `from`, if it ends in the gap.
    fn aligned(self, from: u32, prefix: u8) -> Option<Cidr> {
        let size = 1_u64 << (32 - prefix);
        let start = u64::from(from.max(self.first)).div_ceil(size) * size;
        (start + size - 1 <= u64::from(self.last))
            .then(|| Cidr::around(u32::try_from(start).expect("it ends in the gap").into(), prefix))?
    }

    /// The ranges of this prefix length in the gap, by address.
    fn ranges(self, prefix: u8) -> impl Iterator<Item = Cidr> {
        let after = move |range: &Cidr| range.last().checked_add(1).and_then(|from| self.aligned(from, prefix));
        std::iter::successors(self.aligned(self.first, prefix), after)
    }

    /// The fewest ranges that fill the gap, by address.
    fn cover(self) -> Vec<Cidr> {
        let mut ranges = Vec::new();
        let mut from = Some(self.first);
        while let Some(start) = from.filter(|start| *start <= self.last) {
            let widest = (0..=32).find_map(|prefix| self.aligned(start, prefix).filter(|range| range.first() == start));
            let range = widest.expect("a single address always fits");
            from = range.last().checked_add(1);
            ranges.push(range);
        }
        ranges
    }

    /// The range of this prefix length that lies closest to an address.
    fn closest(self, to: u32, prefix: u8) -> Option<Cidr> {
        let size = 1_u64 << (32 - prefix);
        let above = self.aligned(to, prefix);
        // The last one that ends before it.
        let end = (u64::from(self.last.min(to)) + 1) / size * size;
        let start = end.checked_sub(size).filter(|start| *start >= u64::from(self.first));
        let below = start.and_then(|start| Cidr::around(u32::try_from(start).ok()?.into(), prefix));
        [below, above].into_iter().flatten().min_by_key(|range| range.first().abs_diff(to))
    }
}

/// The free runs inside `within`, by address.
fn gaps(within: &[Cidr], used: &[Cidr]) -> Vec<Gap> {
    let used = merge(used.iter().copied());
    let mut gaps = Vec::new();
    for block in merge(within.iter().copied()) {
        let mut from = Some(block.first());
        for range in used.iter().filter(|range| range.overlaps(block)) {
            if let Some(first) = from.filter(|first| *first < range.first()) {
                gaps.push(Gap { first, last: range.first() - 1 });
            }
            from = from.and_then(|first| range.last().checked_add(1).map(|next| next.max(first)));
        }
        if let Some(first) = from.filter(|first| *first <= block.last()) {
            gaps.push(Gap { first, last: block.last() });
        }
    }
    gaps
}

/// The first `most` free ranges of a prefix length, by address.
pub fn free(within: &[Cidr], used: &[Cidr], prefix: u8, most: usize) -> Vec<Cidr> {
    if prefix > 32 {
        return Vec::new();
    }
    gaps(within, used).into_iter().flat_map(|gap| gap.ranges(prefix)).take(most).collect()
}

/// The `most` widest free ranges, widest first, then by address.
pub fn widest(within: &[Cidr], used: &[Cidr], most: usize) -> Vec<Cidr> {
    let mut ranges: Vec<Cidr> = gaps(within, used).into_iter().flat_map(Gap::cover).collect();
    ranges.sort_by_key(|range| (range.prefix(), range.first()));
    ranges.truncate(most);
    ranges
}

/// A free range beside one that is taken, and why it is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    pub cidr: Cidr,
    pub why: &'static str,
}

/// Free ranges near a wish, for the form: two as large as asked, one of half the size, one in an empty /16.
pub fn near(wish: Cidr, used: &[Cidr]) -> Vec<Offer> {
    let home: Vec<Cidr> = PRIVATE.into_iter().filter(|block| block.overlaps(wish)).collect();
    let home = if home.is_empty() { PRIVATE.to_vec() } else { home };
    let neighbours = Cidr::around(wish.network(), 16).unwrap_or(wish);
    let mut used = used.to_vec();
    // What is offered is taken for the next offer, so that the four can be chosen side by side.
    let mut closest = |prefix: u8| {
        let free = gaps(&home, &used).into_iter().filter_map(|gap| gap.closest(wish.first(), prefix));
        let found = free
            .min_by_key(|range| (!neighbours.overlaps(*range), range.first().abs_diff(wish.first()), range.first()));
        used.extend(found);
        found
    };
    let mut offers: Vec<Offer> = [closest(wish.prefix()), closest(wish.prefix())]
        .into_iter()
        .flatten()
        .map(|cidr| Offer { cidr, why: "as large as asked" })
        .collect();
    // A local VPC is a /28 at the smallest.
    if wish.prefix() < 28 {
        offers.extend(closest(wish.prefix() + 1).map(|cidr| Offer { cidr, why: "half the size" }));
    }
    if wish.prefix() > 16 {
        let inside = closest(16).and_then(|block| Cidr::around(block.network(), wish.prefix()));
        offers.extend(inside.map(|cidr| Offer { cidr, why: "an empty /16" }));
    }
    offers
}

#[cfg(test)]
#[path = "planner_tests.rs"]
mod tests;
