//! What was seen, in the cloud's own words.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use serde_json::Value;

use super::{
    keyring::time,
    layout,
    link::{Link, Rule, links, ranges, wanted},
    seen::{ATTACHMENT, GROUP, PEERING, SUBNETS, Seen, TABLES, VPC, is_gateway},
};
use crate::{ConnectionReport, ConnectionWish, NetworkReport, NetworkStanding, Reference, Report, Subject, Wish};

pub(super) fn report(wish: &Wish, seen: &Seen) -> Report {
    let links = links(wish, seen);
    let connections = wish.connections.iter();
    let connections =
        connections.map(|connection| (connection.id, one(wish, seen, connection, links.get(&connection.id).copied())));
    Report { network: network(wish, seen), connections: connections.collect() }
}

fn network(wish: &Wish, seen: &Seen) -> NetworkReport {
    // Asked for moments ago, it may be there and not visible yet.
    let held = seen.held.iter().any(|held| held.creates == Some(Subject::Network));
    let standing = match &seen.vpc {
        None if held => NetworkStanding::Partial,
        None => NetworkStanding::Absent,
        Some(_) if layout::is_ready(wish, seen) => NetworkStanding::Ready,
        Some(_) => NetworkStanding::Partial,
    };
    let Some(vpc) = &seen.vpc else { return NetworkReport { standing, reference: wish.reference.clone() } };
    let mut reference = Reference::new();
    reference.insert(VPC.into(), vpc.vpc_id.clone().into());
    let subnets = seen.subnets.iter().map(|subnet| Value::from(subnet.subnet_id.as_str()));
    reference.insert(SUBNETS.into(), Value::Array(subnets.collect()));
    let tables = seen.tables.iter().map(|table| Value::from(table.route_table_id.as_str()));
    reference.insert(TABLES.into(), Value::Array(tables.collect()));
    if let Some(group) = &seen.group {
        reference.insert(GROUP.into(), group.group_id.clone().into());
    }
    NetworkReport { standing, reference }
}

fn one(wish: &Wish, seen: &Seen, connection: &ConnectionWish, link: Option<Link<'_>>) -> ConnectionReport {
    let mut report = ConnectionReport { reference: connection.reference.clone(), ..ConnectionReport::default() };
    report.identifiers = identifiers(wish, seen, connection, link);
    let Some(link) = link else {
        let recent = connection.sent_at.is_some_and(|sent| wish.now - sent < seen.settle);
        let held = seen.held.iter().any(|held| held.creates == Some(Subject::Connection(connection.id)));
        // What cannot be read may well be there.
        let unreadable = is_gateway(connection) && seen.attachments.is_err();
        report.settling = recent || held || unreadable;
        return report;
    };
    let key = if is_gateway(connection) { ATTACHMENT } else { PEERING };
    report.reference.insert(key.into(), link.id().into());
    report.state = Some(link.state().to_owned());
    if let Link::Peering(peering) = link {
        report.message = peering.status.message.clone();
        report.expires_at = peering.expiration_time.as_deref().and_then(millis);
    }
    report.peer_ranges = link.peer_ranges();
    let (routed, blackhole) = routed(seen, link);
    report.routed = routed;
    if !blackhole.is_empty() {
        let text: Vec<String> = blackhole.iter().map(Ipv4Net::to_string).collect();
        report.details.insert("blackhole".into(), text.join(", "));
    }
    report.opened = opened(wish, seen, connection, link);
    // What has ended cannot be deleted: it is as good as gone once nothing leads there.
    if !(wish.present && connection.present) && link.is_ended() && !leaves_something(wish, seen, connection, link) {
        report.details.insert("last_state".into(), link.state().to_owned());
        report.state = None;
    }
    report
}

/// What the other side is told, filled as soon as it is known.
fn identifiers(
    wish: &Wish,
    seen: &Seen,
    connection: &ConnectionWish,
    link: Option<Link<'_>>,
) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    let mut tell = |key: &str, value: &str| told.insert(key.to_owned(), value.to_owned());
    tell("requester_region", &wish.region);
    tell("requester_cidr", &wish.cidr.to_string());
    if let Some(vpc) = &seen.vpc {
        tell("requester_vpc_id", &vpc.vpc_id);
        if let Some(owner) = &vpc.owner_id {
            tell("requester_account_id", owner);
        }
    }
    match link {
        Some(Link::Peering(peering)) => {
            tell("aws_vpc_peering_connection_id", link.map_or("", Link::id));
            let (requester, accepter) = (&peering.requester_vpc_info, &peering.accepter_vpc_info);
            tell("requester_account_id", &requester.owner_id);
            tell("requester_vpc_id", &requester.vpc_id);
            tell("peer_region", accepter.region.as_deref().unwrap_or(&wish.region));
        }
        Some(Link::Gateway(attachment)) => {
            tell("aws_tgw_vpc_attachment_id", &attachment.transit_gateway_attachment_id);
        }
        None => {
            let key =
                if is_gateway(connection) { "aws_tgw_vpc_attachment_id" } else { "aws_vpc_peering_connection_id" };
            if let Some(id) = super::link::known(connection) {
                tell(key, id);
            }
        }
    }
    told
}

fn millis(text: &str) -> Option<i64> {
    let since = time(text)?.duration_since(std::time::UNIX_EPOCH).ok()?;
    since.as_millis().try_into().ok()
}

/// The ranges that every own route table sends through it, and those that lead nowhere.
fn routed(seen: &Seen, link: Link<'_>) -> (Vec<Ipv4Net>, BTreeSet<Ipv4Net>) {
    let mut blackhole = BTreeSet::new();
    let mut common: Option<BTreeSet<Ipv4Net>> = None;
    for table in &seen.tables {
        let routes = table.route_set.item.iter().filter(|route| route.target() == Some(link.target()));
        let (dead, alive): (Vec<_>, Vec<_>) = routes.partition(|route| route.is_blackhole());
        blackhole.extend(dead.iter().filter_map(|route| route.destination_cidr_block));
        let alive: BTreeSet<Ipv4Net> = alive.iter().filter_map(|route| route.destination_cidr_block).collect();
        common = Some(common.map_or(alive.clone(), |common| &common & &alive));
    }
    (common.unwrap_or_default().into_iter().collect(), blackhole)
}

/// The ranges for which every opening is in the security group.
fn opened(wish: &Wish, seen: &Seen, connection: &ConnectionWish, link: Link<'_>) -> Vec<Ipv4Net> {
    let there = rules(seen);
    let named = there.iter().filter(|(_, named)| **named == Some(connection.id)).map(|(rule, _)| rule.range);
    let candidates: BTreeSet<Ipv4Net> = named.chain(ranges(wish, connection, Some(link))).collect();
    let is_open =
        |range: &Ipv4Net| wish.openings.iter().all(|opening| there.contains_key(&Rule::new(*opening, *range)));
    candidates.into_iter().filter(|range| !wish.openings.is_empty() && is_open(range)).collect()
}

pub(super) fn rules(seen: &Seen) -> BTreeMap<Rule, Option<uuid::Uuid>> {
    seen.group.iter().flat_map(|group| &group.ip_permissions.item).flat_map(Rule::of).collect()
}

fn leaves_something(wish: &Wish, seen: &Seen, connection: &ConnectionWish, link: Link<'_>) -> bool {
    let leads_there =
        seen.tables.iter().flat_map(|table| &table.route_set.item).any(|route| route.target() == Some(link.target()));
    let wanted = wanted(wish, &links(wish, seen));
    let is_open =
        rules(seen).iter().any(|(rule, named)| *named == Some(connection.id) && !wanted.rules.contains_key(rule));
    leads_there || is_open
}
