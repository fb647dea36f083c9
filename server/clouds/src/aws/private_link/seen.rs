//! What AWS has of one link: the load balancer and target groups by their names, the endpoint service by its tag.

use std::{collections::BTreeSet, net::SocketAddrV4};

use serde::de::DeserializeOwned;

use super::wire::{
    Attribute, Balancer, Described, EndpointConnection, Health, Listener, Principal, Service, TargetGroup,
};
use crate::{
    Class, Failure, LinkWish, Outcome,
    aws::{form::Form, query::Query, seen::text, trail::Held, wire},
};

/// On everything of a link: its id in the console.
pub(super) const LINK_TAG: &str = "causeway:link";
/// The key of a [`Reference`](crate::Reference).
pub(super) const SERVICE: &str = "endpoint_service_id";
pub(super) const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";

/// More pages than any account fills.
const MOST_PAGES: usize = 200;

#[derive(Clone, Debug, PartialEq)]
pub struct SeenLink {
    pub(super) balancer: Option<Balancer>,
    /// Whether a target in one zone serves endpoints in all of them.
    pub(super) cross_zone: bool,
    pub(super) listeners: Vec<Listener>,
    pub(super) groups: Vec<SeenGroup>,
    pub(super) service: Option<Service>,
    /// Further ones with the tag.
    pub(super) surplus: Vec<Service>,
    pub(super) principals: BTreeSet<String>,
    /// That they cannot be read is no reason to read nothing else.
    pub(super) connections: Outcome<Vec<EndpointConnection>>,
    pub(super) held: Vec<Held>,
    /// For how long absence means nothing, in milliseconds.
    pub(super) settle: i64,
}

/// A target group, which is named for the port that it serves.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SeenGroup {
    pub port: u16,
    pub arn: String,
    /// Where it leads, with the cloud's word for the target's health.
    pub targets: Vec<(SocketAddrV4, String)>,
}

impl SeenGroup {
    /// Those that are not on their way out.
    pub fn registered(&self) -> BTreeSet<SocketAddrV4> {
        self.targets.iter().filter(|(_, health)| health != "draining").map(|(target, _)| *target).collect()
    }
}

pub(super) fn group_name(wish: &LinkWish, port: u16) -> String {
    format!("{}-{port}", wish.named())
}

pub(super) async fn observe(query: &Query, wish: &LinkWish, held: Vec<Held>, settle: i64) -> Outcome<SeenLink> {
    let (balancer, groups, services) =
        tokio::try_join!(balancer(query, wish), groups(query, wish), services(query, wish))?;
    let known = text(&wish.reference, SERVICE);
    let mut services = services;
    services.sort_by_key(|one| (Some(one.service_id.as_str()) != known, one.is_ending(), one.service_id.clone()));
    let mut services = services.into_iter();
    let (service, surplus) = (services.next(), services.collect());
    let mut seen = SeenLink {
        balancer,
        cross_zone: false,
        listeners: Vec::new(),
        groups,
        service,
        surplus,
        principals: BTreeSet::new(),
        connections: Ok(Vec::new()),
        held,
        settle,
    };
    if let Some(balancer) = &seen.balancer {
        let of = |action: &str| Form::elb(action).with("LoadBalancerArn", &balancer.load_balancer_arn);
        let (listeners, attributes) = tokio::try_join!(
            pages::<Listener>(query, &wish.region, of("DescribeListeners")),
            pages::<Attribute>(query, &wish.region, of("DescribeLoadBalancerAttributes")),
        )?;
        seen.listeners = listeners;
        seen.cross_zone = attributes.iter().any(|one| one.key == CROSS_ZONE && one.value == "true");
    }
    if let Some(service) = seen.service.as_ref().filter(|service| !service.is_ending()) {
        let (principals, connections) =
            tokio::join!(principals(query, wish, &service.service_id), connections(query, wish, &service.service_id));
        seen.principals = principals?;
        seen.connections = connections;
    }
    Ok(seen)
}

async fn balancer(query: &Query, wish: &LinkWish) -> Outcome<Option<Balancer>> {
    let name = wish.named();
    let form = Form::elb("DescribeLoadBalancers").list("Names.member", [&name]);
    match pages::<Balancer>(query, &wish.region, form).await {
        Ok(found) => Ok(found.into_iter().find(|balancer| balancer.load_balancer_name == name)),
        Err(failure) if failure.class == Class::Gone => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Also those that no load balancer uses: the answer to a call between the two may have been lost.
async fn groups(query: &Query, wish: &LinkWish) -> Outcome<Vec<SeenGroup>> {
    let form = Form::elb("DescribeTargetGroups").with("PageSize", 400);
    let found: Vec<TargetGroup> = pages(query, &wish.region, form).await?;
    let mut groups = Vec::new();
    for group in found {
        let port = group.target_group_name.strip_prefix(&wish.named()).and_then(|rest| rest.strip_prefix('-'));
        let Some(port) = port.and_then(|port| port.parse().ok()) else { continue };
        let form = Form::elb("DescribeTargetHealth").with("TargetGroupArn", &group.target_group_arn);
        let health: Vec<Health> = match pages(query, &wish.region, form).await {
            Err(failure) if failure.class == Class::Gone => continue,
            other => other?,
        };
        let target = |one: Health| {
            let address = one.target.id.parse().ok()?;
            Some((SocketAddrV4::new(address, one.target.port), one.target_health.state))
        };
        let targets = health.into_iter().filter_map(target).collect();
        groups.push(SeenGroup { port, arn: group.target_group_arn, targets });
    }
    groups.sort_by_key(|group| group.port);
    Ok(groups)
}

async fn services(query: &Query, wish: &LinkWish) -> Outcome<Vec<Service>> {
    let form = || Form::ec2("DescribeVpcEndpointServiceConfigurations");
    let tagged = form().filter(&format!("tag:{LINK_TAG}"), [wish.id]).with("MaxResults", 1000);
    let mut found: Vec<Service> = query.pages(&wish.region, tagged).await?;
    let ours = wish.id.to_string();
    found.retain(|service| service.tag_set.get(LINK_TAG) == Some(&ours));
    let Some(known) = text(&wish.reference, SERVICE) else { return Ok(found) };
    if found.iter().any(|service| service.service_id == known) {
        return Ok(found);
    }
    // Somebody may have taken the tag away.
    match query.pages::<Service>(&wish.region, form().list("ServiceId", [known])).await {
        Ok(untagged) => found.extend(untagged.into_iter().filter(|service| service.service_id == known)),
        Err(failure) if failure.class == Class::Gone => {}
        Err(failure) => return Err(failure),
    }
    Ok(found)
}

async fn principals(query: &Query, wish: &LinkWish, service: &str) -> Outcome<BTreeSet<String>> {
    let form = Form::ec2("DescribeVpcEndpointServicePermissions").with("ServiceId", service).with("MaxResults", 1000);
    let found: Vec<Principal> = query.pages(&wish.region, form).await?;
    Ok(found.into_iter().map(|one| one.principal).collect())
}

async fn connections(query: &Query, wish: &LinkWish, service: &str) -> Outcome<Vec<EndpointConnection>> {
    let form = Form::ec2("DescribeVpcEndpointConnections").filter("service-id", [service]).with("MaxResults", 1000);
    let mut found: Vec<EndpointConnection> = query.pages(&wish.region, form).await?;
    found.retain(|connection| connection.service_id == service);
    Ok(found)
}

/// Everything that a `Describe...` call of Elastic Load Balancing finds.
async fn pages<T: DeserializeOwned>(query: &Query, region: &str, form: Form) -> Outcome<Vec<T>> {
    let mut found = Vec::new();
    let mut next: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let asked = next.iter().fold(form.clone(), |form, marker| form.with("Marker", marker));
        let page: Described<T> = wire::read(&query.elb(region, &asked).await?, form.action())?;
        found.extend(page.result.members.member);
        let marker = page.result.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() || marker == next {
            return Ok(found);
        }
        next = marker;
    }
    Err(Failure::new(Class::Unexpected, "answer", format!("AWS's answer to {} does not end.", form.action())))
}
