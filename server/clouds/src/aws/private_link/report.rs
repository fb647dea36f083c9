//! What was seen of a link, in the cloud's own words.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    plan,
    seen::{SERVICE, SeenLink},
    wire::{EndpointConnection, Service},
};
use crate::{LinkConnection, LinkPart, LinkReport, LinkStanding, LinkWish, Reference};

pub(super) fn report(wish: &LinkWish, seen: &SeenLink) -> LinkReport {
    let service = seen.service.as_ref();
    let recent = wish.asked_at.is_some_and(|asked| wish.now - asked < seen.settle);
    let held = seen.held.iter().any(|held| held.creates.is_some());
    let mut report = LinkReport {
        standing: standing(wish, seen),
        words: words(seen),
        allowed: seen.principals.clone(),
        connections: seen.connections.as_ref().ok().map(|all| all.iter().map(connection).collect()),
        settling: wish.present && service.is_none() && (recent || held),
        reference: wish.reference.clone(),
        ..LinkReport::default()
    };
    if let Some(service) = service {
        report.identifiers.insert("aws_service_id".into(), service.service_id.clone());
        report.identifiers.insert("aws_service_name".into(), service.service_name.clone());
        let mut reference = Reference::new();
        reference.insert(SERVICE.into(), service.service_id.clone().into());
        report.reference = reference;
    }
    report
}

fn standing(wish: &LinkWish, seen: &SeenLink) -> LinkStanding {
    let services = seen.service.iter().chain(&seen.surplus).any(|service| service.service_state != "Deleted");
    let held = seen.held.iter().any(|held| held.creates.is_some());
    if seen.balancer.is_none() && seen.groups.is_empty() && !services {
        return if held { LinkStanding::Partial } else { LinkStanding::Absent };
    }
    let missing = plan::plan(wish, seen);
    // An endpoint that is to be rejected, or another region, takes nothing from the service.
    let builds = |part: &LinkPart| matches!(part, LinkPart::Service | LinkPart::Port(_) | LinkPart::AllowList);
    let complete = wish.present && !missing.iter().any(|(part, _)| builds(part));
    if complete && seen.service.as_ref().is_some_and(|service| service.service_state == "Available") {
        LinkStanding::Ready
    } else {
        LinkStanding::Partial
    }
}

fn words(seen: &SeenLink) -> BTreeMap<String, String> {
    let mut words = BTreeMap::new();
    let mut tell = |name: String, word: &str| {
        if !word.is_empty() {
            words.insert(name, word.to_owned());
        }
    };
    if let Some(balancer) = &seen.balancer {
        tell("loadBalancer".into(), &balancer.state.code);
        tell("loadBalancerReason".into(), balancer.state.reason.as_deref().unwrap_or_default());
    }
    if let Some(Service { service_state, supported_region_set, .. }) = &seen.service {
        tell("serviceState".into(), service_state);
        for region in &supported_region_set.item {
            tell(format!("region.{}", region.region), region.service_state.as_deref().unwrap_or_default());
        }
    }
    for group in &seen.groups {
        let states: BTreeSet<&str> = group.targets.iter().map(|(_, health)| health.as_str()).collect();
        let states: Vec<&str> = states.into_iter().collect();
        tell(format!("targetHealth.{}", group.port), &states.join(", "));
    }
    words
}

fn connection(connection: &EndpointConnection) -> LinkConnection {
    LinkConnection {
        id: connection.vpc_endpoint_id.clone(),
        state: connection.vpc_endpoint_state.clone(),
        owner: Some(connection.vpc_endpoint_owner.clone()).filter(|owner| !owner.is_empty()),
        endpoint: Some(connection.vpc_endpoint_id.clone()),
        address: None,
        dns_name: connection.dns_entry_set.item.first().map(|entry| entry.dns_name.clone()),
        message: String::new(),
    }
}
