//! Target groups and the addresses in them.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::{listeners, page, port, prefix};
use crate::lookalike::{
    World,
    aws::{
        Answer, Aws, Refused, Thing,
        networks::Vpc,
        request::{Request, Tags},
        xml::Xml,
    },
};

const KIND: &str = "targetgroup";

/// Kept under its ARN.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    vpc: String,
    port: u16,
    /// By `address:port`.
    targets: BTreeMap<String, Target>,
    made_at: i64,
    tags: Tags,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Target {
    state: State,
    due: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Initial,
    Unavailable,
    Draining,
}

impl Group {
    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::TargetGroup(group) = thing { Some(group) } else { None }
    }
}

/// When one of its targets changes next.
pub fn due(group: &Group) -> Option<i64> {
    group.targets.values().filter_map(|target| target.due).min()
}

/// # Errors
/// If the caller has no such group, or may not know of it yet.
pub fn find<'a>(world: &'a World<Aws>, request: &Request, arn: &str) -> Answer<&'a Group> {
    let own = arn.starts_with(&prefix(request, KIND));
    let found = world.get(arn).and_then(Group::of).filter(|group| own && world.settled(group.made_at));
    found.ok_or_else(|| not_found(arn))
}

fn not_found(what: &str) -> Refused {
    Refused::new("TargetGroupNotFound", format!("Target group '{what}' not found"))
}

fn all<'a>(world: &'a World<Aws>, request: &Request) -> impl Iterator<Item = (&'a str, &'a Group)> + use<'a> {
    world.under(&prefix(request, KIND)).filter_map(|(arn, thing)| Some((arn, Group::of(thing)?)))
}

pub fn create(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let name = super::name(request, "target group")?;
    if (request.maybe("Protocol"), request.maybe("TargetType")) != (Some("TCP"), Some("ip")) {
        let message = "Only target groups of addresses for TCP are simulated.";
        return Err(Refused::new("InvalidConfigurationRequest", message));
    }
    let (port, vpc) = (port(request.maybe("Port"))?, request.maybe("VpcId").unwrap_or_default().to_owned());
    request.find::<Vpc>(world, &vpc).map_err(|refused| Refused::new("ValidationError", refused.message))?;
    let there = all(world, request).find(|(_, group)| group.name == name);
    if let Some((arn, there)) = there {
        if there.port != port || there.vpc != vpc {
            let message = format!("A target group with the same name '{name}' exists, but with different settings");
            return Err(Refused::new("DuplicateTargetGroupName", message));
        }
        let balancers = listeners::leading_to(world, arn);
        xml.members("TargetGroups", [there], |xml, group| write(xml, arn, group, &balancers));
        return Ok(());
    }
    let arn = format!("{}{name}/{}", prefix(request, KIND), super::hexadecimal());
    let (targets, tags) = (BTreeMap::new(), super::tags(request));
    let group = Group { name, vpc, port, targets, made_at: world.now(), tags };
    xml.members("TargetGroups", [&group], |xml, group| write(xml, &arn, group, &[]));
    world.put(&arn, Thing::TargetGroup(group));
    Ok(())
}

pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (names, arns) = (request.list("Names.member"), request.list("TargetGroupArns.member"));
    let known = || all(world, request).filter(|(_, group)| world.settled(group.made_at));
    if let Some(missing) = names.iter().find(|name| !known().any(|(_, group)| group.name == **name)) {
        return Err(not_found(missing));
    }
    for arn in &arns {
        find(world, request, arn)?;
    }
    let balancer = request.maybe("LoadBalancerArn");
    let asked = |arn: &str, group: &Group| {
        let named = names.is_empty() && arns.is_empty()
            || names.contains(&group.name)
            || arns.iter().any(|wanted| wanted == arn);
        let leads = || listeners::leading_to(world, arn);
        named && balancer.is_none_or(|balancer| leads().iter().any(|other| other == balancer))
    };
    let ids = known().filter(|(arn, group)| asked(arn, group)).map(|(arn, _)| arn.to_owned()).collect();
    let (ids, next) = page(request, ids)?;
    xml.members("TargetGroups", ids, |xml, arn| {
        if let Some(group) = world.get(&arn).and_then(Group::of) {
            write(xml, &arn, group, &listeners::leading_to(world, &arn));
        }
    });
    xml.maybe("NextMarker", next);
    Ok(())
}

fn write(xml: &mut Xml, arn: &str, group: &Group, balancers: &[String]) {
    xml.text("TargetGroupArn", arn);
    xml.text("TargetGroupName", &group.name);
    xml.text("Protocol", "TCP");
    xml.text("Port", group.port);
    xml.text("VpcId", &group.vpc);
    xml.text("HealthCheckProtocol", "TCP");
    xml.text("HealthCheckPort", "traffic-port");
    xml.text("HealthCheckEnabled", true);
    xml.text("HealthCheckIntervalSeconds", 30);
    xml.text("HealthCheckTimeoutSeconds", 10);
    xml.text("HealthyThresholdCount", 5);
    xml.text("UnhealthyThresholdCount", 2);
    xml.members("LoadBalancerArns", balancers, |xml, arn| xml.raw(arn));
    xml.text("TargetType", "ip");
    xml.text("IpAddressType", "ipv4");
}

pub fn delete(world: &mut World<Aws>, request: &Request, _xml: &mut Xml) -> Answer<()> {
    let arn = request.text("TargetGroupArn")?.to_owned();
    let own = arn.starts_with(&prefix(request, KIND));
    if !listeners::leading_to(world, &arn).is_empty() {
        let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
        return Err(Refused::new("ResourceInUse", message));
    }
    if own && world.get(&arn).and_then(Group::of).is_some() {
        world.remove(&arn);
    }
    Ok(())
}

/// `Targets.member.N.Id` and `.Port`, which is the group's where it is left out.
fn targets(request: &Request, group: &Group) -> Answer<Vec<String>> {
    let one = |prefix: String| {
        let id = request.maybe(&format!("{prefix}Id")).unwrap_or_default();
        let address = id.parse::<Ipv4Addr>().ok().filter(Ipv4Addr::is_private);
        let address = address
            .ok_or_else(|| Refused::new("InvalidTarget", format!("The IP address '{id}' is not a valid target")))?;
        let given = request.maybe(&format!("{prefix}Port"));
        let port = given.map_or(Ok(group.port), |given| port(Some(given)))?;
        Ok(format!("{address}:{port}"))
    };
    request.groups("Targets.member").into_iter().map(one).collect()
}

pub fn register(world: &mut World<Aws>, request: &Request, _xml: &mut Xml) -> Answer<()> {
    let arn = request.text("TargetGroupArn")?.to_owned();
    let mut group = find(world, request, &arn)?.clone();
    for target in targets(request, &group)? {
        let there = group.targets.get(&target).is_some_and(|one| one.state != State::Draining);
        if !there {
            let due = world.due("Target/initial");
            group.targets.insert(target, Target { state: State::Initial, due });
        }
    }
    world.put(&arn, Thing::TargetGroup(group));
    Ok(())
}

pub fn deregister(world: &mut World<Aws>, request: &Request, _xml: &mut Xml) -> Answer<()> {
    let arn = request.text("TargetGroupArn")?.to_owned();
    let mut group = find(world, request, &arn)?.clone();
    for target in targets(request, &group)? {
        if let Some(target) = group.targets.get_mut(&target).filter(|one| one.state != State::Draining) {
            *target = Target { state: State::Draining, due: world.due("Target/draining") };
        }
    }
    world.put(&arn, Thing::TargetGroup(group));
    Ok(())
}

pub fn describe_health(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let arn = request.text("TargetGroupArn")?;
    let group = find(world, request, arn)?;
    let used = !listeners::leading_to(world, arn).is_empty();
    xml.members("TargetHealthDescriptions", &group.targets, |xml, (name, target)| {
        let (address, port) = name.split_once(':').unwrap_or((name, ""));
        xml.within("Target", |xml| {
            xml.text("Id", address);
            xml.text("Port", port);
        });
        xml.text("HealthCheckPort", port);
        xml.within("TargetHealth", |xml| {
            let (state, reason, description) = match target.state {
                State::Draining => {
                    ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
                }
                _ if !used => (
                    "unused",
                    "Target.NotInUse",
                    "Target group is not configured to receive traffic from the load balancer",
                ),
                State::Initial => ("initial", "Elb.RegistrationInProgress", "Target registration is in progress"),
                State::Unavailable => {
                    ("unavailable", "Target.HealthCheckDisabled", "A simulated cloud carries no packets")
                }
            };
            xml.text("State", state);
            xml.text("Reason", reason);
            xml.text("Description", description);
        });
    });
    Ok(())
}

/// What becomes of its targets by themselves.
pub fn ripen(world: &mut World<Aws>, arn: &str, group: &Group) {
    let (mut next, now) = (group.clone(), world.now());
    let is_due = |target: &Target| target.due.is_some_and(|due| due <= now);
    next.targets.retain(|_, target| !(is_due(target) && target.state == State::Draining));
    for target in next.targets.values_mut().filter(|target| is_due(target)) {
        *target = Target { state: State::Unavailable, due: None };
    }
    world.put(arn, Thing::TargetGroup(next));
}
