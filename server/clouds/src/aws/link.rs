//! Which of the cloud's connections is which of the console's, and what should be routed and opened through it.
//!
//! Two connections may claim one range. The older has it; what is narrower or wider than another claim is routed
//! beside it, and the longest prefix wins, as in every router.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use uuid::Uuid;

use super::{
    seen::{ATTACHMENT, CONNECTION_TAG, PEERING, Seen, text},
    wire::{Attachment, Peering, Permission},
};
use crate::{ConnectionWish, Opening, Peer, Wish};

/// A connection as the cloud has it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Link<'a> {
    Peering(&'a Peering),
    Gateway(&'a Attachment),
}

impl<'a> Link<'a> {
    pub fn id(self) -> &'a str {
        match self {
            Self::Peering(peering) => &peering.vpc_peering_connection_id,
            Self::Gateway(attachment) => &attachment.transit_gateway_attachment_id,
        }
    }

    /// What a route leads to.
    pub fn target(self) -> &'a str {
        match self {
            Self::Peering(peering) => &peering.vpc_peering_connection_id,
            Self::Gateway(attachment) => &attachment.transit_gateway_id,
        }
    }

    pub fn state(self) -> &'a str {
        match self {
            Self::Peering(peering) => &peering.status.code,
            Self::Gateway(attachment) => &attachment.state,
        }
    }

    /// The other side's ranges, once they are told. A transit gateway tells of none.
    pub fn peer_ranges(self) -> Option<Vec<Ipv4Net>> {
        match self {
            Self::Peering(peering) if self.carries() => peering.accepter_vpc_info.ranges(),
            _ => None,
        }
    }

    fn tag(self) -> Option<&'a str> {
        match self {
            Self::Peering(peering) => peering.tag_set.get(CONNECTION_TAG),
            Self::Gateway(attachment) => attachment.tag_set.get(CONNECTION_TAG),
        }
    }

    pub fn is_tagged(self, connection: Uuid) -> bool {
        self.tag() == Some(&connection.to_string())
    }

    /// Whether it was made beside the console: without a tag of ours, and found for no connection.
    pub fn is_of_others(self, links: &BTreeMap<Uuid, Link<'_>>) -> bool {
        self.tag().is_none() && !links.values().any(|link| link.id() == self.id())
    }

    pub fn carries(self) -> bool {
        matches!(self.state(), "active" | "available" | "modifying")
    }

    /// Nothing comes of it any more, and nothing can be done about it.
    pub fn is_ended(self) -> bool {
        matches!(self.state(), "failed" | "rejected" | "expired" | "deleted")
    }

    pub fn is_ending(self) -> bool {
        matches!(self.state(), "deleting" | "rejecting" | "failing" | "rollingBack")
    }

    fn is_to(self, peer: &Peer) -> bool {
        match (self, peer) {
            (Self::Peering(peering), Peer::AwsVpc { account, vpc, .. }) => {
                let side = &peering.accepter_vpc_info;
                side.owner_id == *account && side.vpc_id == *vpc
            }
            (Self::Gateway(attachment), Peer::AwsTransitGateway { gateway, .. }) => {
                attachment.transit_gateway_id == *gateway
            }
            _ => false,
        }
    }
}

fn all<'a>(seen: &'a Seen, peer: &Peer) -> Vec<Link<'a>> {
    match peer {
        Peer::AwsVpc { .. } => seen.peerings.iter().map(Link::Peering).collect(),
        Peer::AwsTransitGateway { .. } => seen.attachments.iter().flatten().map(Link::Gateway).collect(),
        _ => Vec::new(),
    }
}

/// The id that the cloud gave it, if the console knows it.
pub(super) fn known(connection: &ConnectionWish) -> Option<&str> {
    let key = match connection.peer {
        Peer::AwsTransitGateway { .. } => ATTACHMENT,
        _ => PEERING,
    };
    text(&connection.reference, key)
}

/// By its id; else by its tag; else by its two ends, if nobody else claims it: so a lost answer is adopted.
pub(super) fn links<'a>(wish: &Wish, seen: &'a Seen) -> BTreeMap<Uuid, Link<'a>> {
    let others: BTreeSet<String> = wish.connections.iter().map(|connection| connection.id.to_string()).collect();
    let ids: BTreeSet<&str> = wish.connections.iter().filter_map(known).collect();
    let find = |connection: &ConnectionWish| {
        let all = all(seen, &connection.peer);
        if let Some(id) = known(connection) {
            return all.into_iter().find(|link| link.id() == id);
        }
        let tagged = all.iter().filter(|link| link.is_tagged(connection.id));
        let tagged = tagged.min_by_key(|link| (link.is_ended(), link.is_ending(), link.id()));
        let between = all.iter().filter(|link| {
            let claimed = ids.contains(link.id()) || link.tag().is_some_and(|tag| others.contains(tag));
            link.is_to(&connection.peer) && !link.is_ended() && !link.is_ending() && !claimed
        });
        tagged.or_else(|| between.min_by_key(|link| link.id())).copied()
    };
    wish.connections.iter().filter_map(|connection| Some((connection.id, find(connection)?))).collect()
}

/// Further ones with the connection's tag, which nobody wants.
pub(super) fn spare<'a>(connection: &ConnectionWish, seen: &'a Seen, link: Option<Link<'_>>) -> Vec<Link<'a>> {
    let is_spare = |other: &Link<'_>| {
        other.is_tagged(connection.id)
            && !other.is_ended()
            && !other.is_ending()
            && link.is_none_or(|link| link.id() != other.id())
    };
    all(seen, &connection.peer).into_iter().filter(is_spare).collect()
}

/// An entry of a security group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    pub protocol: String,
    pub ports: Option<(i32, i32)>,
    pub range: Ipv4Net,
}

impl Rule {
    pub fn new(opening: Opening, range: Ipv4Net) -> Self {
        match opening {
            Opening::All => Self { protocol: "-1".into(), ports: None, range },
            Opening::Tcp { from, to } => Self { protocol: "tcp".into(), ports: Some((from.into(), to.into())), range },
        }
    }

    /// With the connection that its description names.
    pub fn of(permission: &Permission) -> impl Iterator<Item = (Self, Option<Uuid>)> {
        let ports = permission.from_port.zip(permission.to_port).filter(|_| permission.ip_protocol != "-1");
        permission.ip_ranges.item.iter().filter_map(move |entry| {
            let named = entry.description.as_deref().and_then(|text| text.strip_prefix(CONNECTION_TAG));
            let named = named.and_then(|text| text.strip_prefix('=')?.parse().ok());
            Some((Self { protocol: permission.ip_protocol.clone(), ports, range: entry.cidr_ip? }, named))
        })
    }
}

/// What should be in the route tables and in the security group, and for whom.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub routes: BTreeMap<Ipv4Net, Uuid>,
    pub rules: BTreeMap<Rule, Uuid>,
}

pub(super) fn wanted(wish: &Wish, links: &BTreeMap<Uuid, Link<'_>>) -> Wanted {
    let mut wanted = Wanted::default();
    let mut order: Vec<&ConnectionWish> = wish.connections.iter().collect();
    order.sort_by_key(|connection| (connection.sent_at.unwrap_or(i64::MAX), connection.id));
    for connection in order.into_iter().filter(|connection| wish.present && connection.present) {
        for range in ranges(wish, connection, links.get(&connection.id).copied()) {
            wanted.routes.entry(range).or_insert(connection.id);
            for opening in &wish.openings {
                wanted.rules.entry(Rule::new(*opening, range)).or_insert(connection.id);
            }
        }
    }
    wanted
}

/// What the connection would carry: nothing while it carries nothing, and never a part of the VPC itself.
pub(super) fn ranges(wish: &Wish, connection: &ConnectionWish, link: Option<Link<'_>>) -> BTreeSet<Ipv4Net> {
    let Some(link) = link.filter(|link| link.carries()) else { return BTreeSet::new() };
    let told = link.peer_ranges().unwrap_or_default();
    let given = connection.ranges.iter().map(Ipv4Net::trunc);
    told.into_iter().chain(given).filter(|range| !wish.cidr.contains(range)).collect()
}
