//! The next calls for a link, decided from what was seen and nothing else.

use std::{collections::BTreeSet, net::SocketAddrV4};

use super::{
    seen::{SERVICE, SeenGroup, SeenLink, group_name},
    step::LinkStep,
    wire::{Listener, Service},
};
use crate::{
    LinkPart, LinkWish, Verdict,
    aws::seen::{SUBNETS, VPC, text},
};

pub(super) fn plan(wish: &LinkWish, seen: &SeenLink) -> Vec<(LinkPart, LinkStep)> {
    if wish.present { build(wish, seen) } else { take_down(seen) }
}

fn build(wish: &LinkWish, seen: &SeenLink) -> Vec<(LinkPart, LinkStep)> {
    let mut steps = Vec::new();
    let (vpc, subnets) = (text(&wish.network_reference, VPC), subnets(wish));
    let Some(balancer) = &seen.balancer else {
        // A link waits for its network.
        if vpc.is_some() && !subnets.is_empty() && !was_taken_away(wish, seen) {
            steps.push((LinkPart::Service, LinkStep::CreateBalancer { subnets }));
        }
        return steps;
    };
    if !seen.cross_zone {
        steps.push((LinkPart::Service, LinkStep::CrossZone(balancer.load_balancer_arn.clone())));
    }
    for (port, targets) in &wish.ports {
        let next = open(wish, seen, *port, targets, vpc);
        steps.extend(next.into_iter().map(|step| (LinkPart::Port(*port), step)));
    }
    steps.extend(close(wish, seen));
    match seen.service.as_ref().filter(|service| !service.is_ending()) {
        None if was_taken_away(wish, seen) => {}
        None if balancer.state.code == "active" => {
            let balancer = balancer.load_balancer_arn.clone();
            steps.push((LinkPart::Service, LinkStep::CreateService { balancer }));
        }
        None => {}
        Some(service) => {
            steps.extend(permit(wish, seen, service).map(|step| (LinkPart::AllowList, step)));
            steps.extend(spread(wish, service).map(|step| (LinkPart::Regions, step)));
            steps.extend(reject(wish, seen, service));
        }
    }
    if let Err(failure) = &seen.connections {
        steps.push((LinkPart::Connection(String::new()), LinkStep::Unreadable(failure.clone())));
    }
    let surplus = seen.surplus.iter().filter(|service| !service.is_ending());
    steps.extend(surplus.map(|service| (LinkPart::Service, LinkStep::DeleteService(service.service_id.clone()))));
    steps
}

/// A service that was there and is gone would be another with another name: those who use it must hear of that.
fn was_taken_away(wish: &LinkWish, seen: &SeenLink) -> bool {
    text(&wish.reference, SERVICE).is_some() && seen.service.as_ref().is_none_or(Service::is_ending)
}

fn subnets(wish: &LinkWish) -> Vec<String> {
    let ids = wish.network_reference.get(SUBNETS).and_then(|ids| ids.as_array());
    ids.into_iter().flatten().filter_map(|id| id.as_str()).map(str::to_owned).collect()
}

fn leads_to(listener: &Listener, group: &SeenGroup) -> bool {
    listener.default_actions.member.iter().any(|action| action.target_group_arn.as_deref() == Some(&group.arn))
}

/// A group, its targets, and the listener that leads to it.
fn open(
    wish: &LinkWish,
    seen: &SeenLink,
    port: u16,
    targets: &BTreeSet<SocketAddrV4>,
    vpc: Option<&str>,
) -> Vec<LinkStep> {
    let Some(group) = seen.groups.iter().find(|group| group.port == port) else {
        let (name, vpc) = (group_name(wish, port), vpc.map(str::to_owned));
        return vpc.map(|vpc| LinkStep::CreateGroup { name, port, vpc }).into_iter().collect();
    };
    let mut steps = Vec::new();
    let there = group.registered();
    let missing: Vec<SocketAddrV4> = targets.difference(&there).copied().collect();
    if !missing.is_empty() {
        steps.push(LinkStep::Register { group: group.arn.clone(), targets: missing });
    }
    let stale: Vec<SocketAddrV4> = there.difference(targets).copied().collect();
    if !stale.is_empty() {
        steps.push(LinkStep::Deregister { group: group.arn.clone(), targets: stale });
    }
    match seen.listeners.iter().find(|listener| listener.port == port) {
        Some(listener) if leads_to(listener, group) => {}
        Some(listener) => steps.push(LinkStep::DeleteListener(listener.listener_arn.clone())),
        None => {
            let balancer = seen.balancer.as_ref().map(|balancer| balancer.load_balancer_arn.clone());
            let listen = |balancer| LinkStep::CreateListener { balancer, port, group: group.arn.clone() };
            steps.extend(balancer.map(listen));
        }
    }
    steps
}

/// Ports that nobody wants any more: first the listener, then what it led to.
fn close(wish: &LinkWish, seen: &SeenLink) -> Vec<(LinkPart, LinkStep)> {
    let unwanted = |port: u16| !wish.present || !wish.ports.contains_key(&port);
    let listeners = seen.listeners.iter().filter(|listener| unwanted(listener.port));
    let listeners = listeners
        .map(|listener| (LinkPart::Port(listener.port), LinkStep::DeleteListener(listener.listener_arn.clone())));
    let groups = seen.groups.iter().filter(|group| unwanted(group.port));
    let groups = groups.filter(|group| !seen.listeners.iter().any(|listener| leads_to(listener, group)));
    let groups = groups.map(|group| (LinkPart::Port(group.port), LinkStep::DeleteGroup(group.arn.clone())));
    listeners.chain(groups).collect()
}

/// The list as a whole, in one call.
fn permit(wish: &LinkWish, seen: &SeenLink, service: &Service) -> Option<LinkStep> {
    let add: Vec<String> = wish.allowed.difference(&seen.principals).cloned().collect();
    let remove: Vec<String> = seen.principals.difference(&wish.allowed).cloned().collect();
    let changed = !add.is_empty() || !remove.is_empty();
    changed.then(|| LinkStep::Permit { service: service.service_id.clone(), add, remove })
}

/// The service's own region is always one of them.
fn spread(wish: &LinkWish, service: &Service) -> Option<LinkStep> {
    if service.service_state != "Available" {
        return None;
    }
    let regions = service.supported_region_set.item.iter();
    // One that is on its way out is still listed.
    let regions = regions.filter(|one| one.service_state.as_deref().is_none_or(|state| !state.starts_with("Delet")));
    let there: BTreeSet<String> =
        regions.map(|one| one.region.clone()).filter(|region| *region != wish.region).collect();
    let wanted: BTreeSet<String> = wish.regions.iter().filter(|region| **region != wish.region).cloned().collect();
    let add: Vec<String> = wanted.difference(&there).cloned().collect();
    let remove: Vec<String> = there.difference(&wanted).cloned().collect();
    let changed = !add.is_empty() || !remove.is_empty();
    changed.then(|| LinkStep::Spread { service: service.service_id.clone(), add, remove })
}

/// Endpoints that somebody decided against; all others are approved by the list.
fn reject(wish: &LinkWish, seen: &SeenLink, service: &Service) -> Vec<(LinkPart, LinkStep)> {
    let live = seen.connections.iter().flatten().filter(|connection| connection.is_live());
    let refused = live.filter(|one| wish.verdicts.get(&one.vpc_endpoint_id) == Some(&Verdict::Rejected));
    let step =
        |endpoint: &str| LinkStep::Reject { service: service.service_id.clone(), endpoints: vec![endpoint.to_owned()] };
    refused.map(|one| (LinkPart::Connection(one.vpc_endpoint_id.clone()), step(&one.vpc_endpoint_id))).collect()
}

/// Endpoints, service, listeners, groups, load balancer: each is refused while the one before is there.
fn take_down(seen: &SeenLink) -> Vec<(LinkPart, LinkStep)> {
    let mut steps = Vec::new();
    let services: Vec<&Service> = seen.service.iter().chain(&seen.surplus).collect();
    if let Some(service) = services.iter().find(|service| !service.is_ending()) {
        let service = service.service_id.clone();
        let live = seen.connections.iter().flatten().filter(|one| one.service_id == service && one.is_live());
        let endpoints: Vec<String> = live.map(|one| one.vpc_endpoint_id.clone()).collect();
        if !endpoints.is_empty() {
            steps.push((LinkPart::Service, LinkStep::Reject { service, endpoints }));
            return steps;
        }
        steps.push((LinkPart::Service, LinkStep::DeleteService(service)));
        return steps;
    }
    if services.iter().any(|service| service.service_state == "Deleting") {
        return steps;
    }
    let unwanted = seen.listeners.iter();
    steps.extend(unwanted.map(|one| (LinkPart::Port(one.port), LinkStep::DeleteListener(one.listener_arn.clone()))));
    let unused = seen.groups.iter().filter(|group| !seen.listeners.iter().any(|listener| leads_to(listener, group)));
    steps.extend(unused.map(|group| (LinkPart::Port(group.port), LinkStep::DeleteGroup(group.arn.clone()))));
    if let Some(balancer) = seen.balancer.as_ref().filter(|_| seen.listeners.is_empty()) {
        steps.push((LinkPart::Service, LinkStep::DeleteBalancer(balancer.load_balancer_arn.clone())));
    }
    steps
}
