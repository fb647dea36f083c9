//! The next calls, decided from what was seen and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use uuid::Uuid;

use super::{
    foreign, layout,
    link::{Link, Rule, Wanted, known, links, spare, wanted},
    report::rules,
    seen::{Seen, is_gateway},
    step::{Put, Step},
};
use crate::{ConnectionWish, Peer, Subject, Wish};

pub(super) fn plan(wish: &Wish, seen: &Seen) -> Vec<(Subject, Step)> {
    let links = links(wish, seen);
    let wanted = wanted(wish, &links);
    let mut steps = Vec::new();
    for connection in &wish.connections {
        let link = links.get(&connection.id).copied();
        let next = one(wish, seen, &wanted, connection, link);
        steps.extend(next.into_iter().map(|step| (Subject::Connection(connection.id), step)));
    }
    steps.extend(network(wish, seen, &wanted, &links).into_iter().map(|step| (Subject::Network, step)));
    steps.retain(|(_, step)| {
        let call = format!("{step:?}");
        !seen.held.iter().any(|held| held.call == call)
    });
    steps
}

fn network(wish: &Wish, seen: &Seen, wanted: &Wanted, links: &BTreeMap<Uuid, Link<'_>>) -> Vec<Step> {
    let stray = stray(wish, seen, wanted, links);
    if wish.present {
        let spare = seen.spare.iter().map(|vpc| Step::DeleteVpc(vpc.vpc_id.clone()));
        return layout::missing(wish, seen).into_iter().chain(stray).chain(spare).collect();
    }
    // Nobody may lose a network while something still leads into it.
    let Some(vpc) = &seen.vpc else { return layout::surplus(seen) };
    let mut steps: Vec<Step> = Vec::new();
    let ours: BTreeSet<&str> = links.values().map(|link| link.id()).collect();
    let mut waits = false;
    for peering in seen.peerings.iter().filter(|peering| peering.requester_vpc_info.vpc_id == vpc.vpc_id) {
        let link = Link::Peering(peering);
        waits |= !link.is_ended();
        if !link.is_ended() && !link.is_ending() && !ours.contains(link.id()) {
            steps.push(Step::DeletePeering(link.id().to_owned()));
        }
    }
    match &seen.attachments {
        Err(failure) => steps.push(Step::Tell(failure.clone())),
        Ok(attachments) => {
            let is_asked_for = |link: Link<'_>| {
                ours.contains(link.id()) || wish.connections.iter().any(|connection| link.is_tagged(connection.id))
            };
            for link in attachments.iter().map(Link::Gateway).filter(|link| !link.is_ended()) {
                // One of others is named with all that is theirs.
                waits |= link.is_ending() || !link.is_of_others(links);
                if !link.is_ending() && !link.is_of_others(links) && !is_asked_for(link) {
                    steps.push(end(link));
                }
            }
        }
    }
    if !waits && steps.is_empty() {
        match foreign::told(seen) {
            Some(failure) => steps.push(Step::Tell(failure)),
            None => steps.extend(layout::surplus(seen)),
        }
    }
    steps
}

/// What belongs to connections that the console has forgotten.
fn stray(wish: &Wish, seen: &Seen, wanted: &Wanted, links: &BTreeMap<Uuid, Link<'_>>) -> Vec<Step> {
    let targets: BTreeSet<&str> = links.values().map(|link| link.target()).collect();
    let mut remove = Vec::new();
    for table in &seen.tables {
        for route in &table.route_set.item {
            let (Some(range), Some(target)) = (route.destination_cidr_block, route.target()) else { continue };
            // A route of the operator's own stays, unless it leads nowhere.
            if route.is_blackhole() && !targets.contains(target) && !wanted.routes.contains_key(&range) {
                remove.push((table.route_table_id.clone(), range));
            }
        }
    }
    let mut steps = Vec::new();
    if !remove.is_empty() {
        steps.push(Step::Route { put: Vec::new(), remove });
    }
    // So do openings of the operator's own, which name no connection.
    let unknown = |named: &Option<Uuid>| {
        named.is_some_and(|named| !wish.connections.iter().any(|connection| connection.id == named))
    };
    steps.extend(revoke(seen, wanted, unknown));
    steps
}

fn revoke(seen: &Seen, wanted: &Wanted, whose: impl Fn(&Option<Uuid>) -> bool) -> Option<Step> {
    let group = seen.group.as_ref()?.group_id.clone();
    let stale = rules(seen).into_iter().filter(|(rule, named)| !wanted.rules.contains_key(rule) && whose(named));
    let stale: Vec<Rule> = stale.map(|(rule, _)| rule).collect();
    (!stale.is_empty()).then_some(Step::Revoke { group, rules: stale })
}

fn one(wish: &Wish, seen: &Seen, wanted: &Wanted, connection: &ConnectionWish, link: Option<Link<'_>>) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Err(failure) = &seen.attachments
        && is_gateway(connection)
    {
        return vec![Step::Tell(failure.clone())];
    }
    let present = wish.present && connection.present;
    match link {
        None if present => steps.extend(request(wish, seen, connection)),
        None => {}
        Some(link) => {
            if present && !link.is_tagged(connection.id) && !link.is_ended() && !link.is_ending() {
                steps.push(Step::Tag { id: link.id().to_owned(), connection: connection.id });
            }
            steps.extend(route(seen, wanted, connection, link));
        }
    }
    steps.extend(authorize(seen, wanted, connection));
    steps.extend(revoke(seen, wanted, |named| *named == Some(connection.id)));
    if let Some(link) = link.filter(|link| !present && !link.is_ended() && !link.is_ending()) {
        steps.push(end(link));
    }
    steps.extend(spare(connection, seen, link).into_iter().map(end));
    steps
}

fn end(link: Link<'_>) -> Step {
    match link {
        Link::Peering(_) => Step::DeletePeering(link.id().to_owned()),
        Link::Gateway(_) => Step::Detach(link.id().to_owned()),
    }
}

/// Asked for once the network is ready; never again once it had an id: what is gone was taken away.
fn request(wish: &Wish, seen: &Seen, connection: &ConnectionWish) -> Option<Step> {
    let vpc = seen.vpc.as_ref()?.vpc_id.clone();
    if known(connection).is_some() || !layout::is_ready(wish, seen) {
        return None;
    }
    let id = connection.id;
    match &connection.peer {
        Peer::AwsVpc { account, vpc: peer, region } => Some(Step::RequestPeering {
            connection: id,
            vpc,
            account: account.clone(),
            peer: peer.clone(),
            region: region.clone().filter(|region| *region != wish.region),
        }),
        Peer::AwsTransitGateway { account, gateway } => Some(Step::Attach {
            connection: id,
            vpc,
            account: account.clone(),
            gateway: gateway.clone(),
            subnets: seen.subnets.iter().map(|subnet| subnet.subnet_id.clone()).collect(),
        }),
        _ => None,
    }
}

/// The routes of its own ranges into it, and none of other ranges.
fn route(seen: &Seen, wanted: &Wanted, connection: &ConnectionWish, link: Link<'_>) -> Option<Step> {
    let (mut put, mut remove) = (Vec::new(), Vec::new());
    let mine: BTreeSet<Ipv4Net> =
        wanted.routes.iter().filter(|(_, of)| **of == connection.id).map(|(range, _)| *range).collect();
    for table in &seen.tables {
        let routes = &table.route_set.item;
        for range in &mine {
            let there = routes.iter().find(|route| route.destination_cidr_block == Some(*range));
            if there.and_then(|route| route.target()) != Some(link.target()) {
                let (table, target) = (table.route_table_id.clone(), link.target().to_owned());
                put.push(Put { table, range: *range, target, replace: there.is_some() });
            }
        }
        for route in routes.iter().filter(|route| route.target() == Some(link.target())) {
            // Another connection that claims the range puts its own route in this one's place.
            if let Some(range) = route.destination_cidr_block.filter(|range| !wanted.routes.contains_key(range)) {
                remove.push((table.route_table_id.clone(), range));
            }
        }
    }
    (!put.is_empty() || !remove.is_empty()).then_some(Step::Route { put, remove })
}

fn authorize(seen: &Seen, wanted: &Wanted, connection: &ConnectionWish) -> Option<Step> {
    let group = seen.group.as_ref()?.group_id.clone();
    let there = rules(seen);
    let mine = wanted.rules.iter().filter(|(_, of)| **of == connection.id).map(|(rule, _)| rule);
    let missing: Vec<Rule> = mine.filter(|rule| !there.contains_key(rule)).cloned().collect();
    (!missing.is_empty()).then_some(Step::Authorize { group, rules: missing, connection: connection.id })
}
