//! Network load balancers: an address in each of their subnets, active after a while.

use serde::{Deserialize, Serialize};

use super::{listeners, page, prefix};
use crate::lookalike::{
    World,
    aws::{
        Answer, Aws, Refused, Thing,
        interfaces::{self, Purpose},
        networks::Subnet,
        request::{Request, Tags},
        services,
        signature::timestamp,
        xml::Xml,
    },
};

const KIND: &str = "loadbalancer/net";
const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";

/// Kept under its ARN.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Balancer {
    pub name: String,
    /// The end of its ARN, which its listeners' ARNs hold too.
    pub path: String,
    pub scheme: String,
    pub vpc: String,
    /// With their zones.
    pub subnets: Vec<(String, String)>,
    interfaces: Vec<String>,
    cross_zone: bool,
    made_at: i64,
    tags: Tags,
    pub active: bool,
    pub due: Option<i64>,
}

impl Balancer {
    pub fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Balancer(balancer) = thing { Some(balancer) } else { None }
    }

    pub fn zones(&self) -> impl Iterator<Item = &str> {
        self.subnets.iter().map(|(_, zone)| zone.as_str())
    }
}

/// The caller's, if it may be known by now.
///
/// # Errors
/// If there is no such load balancer.
pub fn find<'a>(world: &'a World<Aws>, request: &Request, arn: &str) -> Answer<&'a Balancer> {
    let own = arn.starts_with(&prefix(request, KIND));
    let found = world.get(arn).and_then(Balancer::of).filter(|balancer| own && world.settled(balancer.made_at));
    found.ok_or_else(|| not_found(arn))
}

fn not_found(what: &str) -> Refused {
    Refused::new("LoadBalancerNotFound", format!("Load balancer '{what}' not found"))
}

fn all<'a>(world: &'a World<Aws>, request: &Request) -> impl Iterator<Item = (&'a str, &'a Balancer)> + use<'a> {
    world.under(&prefix(request, KIND)).filter_map(|(arn, thing)| Some((arn, Balancer::of(thing)?)))
}

pub fn create(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let name = super::name(request, "load balancer")?;
    if request.maybe("Type") != Some("network") {
        return Err(Refused::new("InvalidConfigurationRequest", "Only network load balancers are simulated."));
    }
    let scheme = request.maybe("Scheme").unwrap_or("internet-facing").to_owned();
    if !matches!(scheme.as_str(), "internal" | "internet-facing") {
        return Err(Refused::new("InvalidScheme", format!("The scheme '{scheme}' is not valid")));
    }
    let ids = request.list("Subnets.member");
    let (mut subnets, mut vpc) = (Vec::new(), None);
    for id in &ids {
        let subnet = request.find::<Subnet>(world, id);
        let subnet =
            subnet.map_err(|_| Refused::new("SubnetNotFound", format!("The subnet ID '{id}' does not exist")))?;
        if *vpc.get_or_insert_with(|| subnet.vpc.clone()) != subnet.vpc {
            return Err(Refused::new("InvalidConfigurationRequest", "All subnets must belong to the same VPC"));
        }
        if subnets.iter().any(|(_, other): &(String, Subnet)| other.zone == subnet.zone) {
            let message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
            return Err(Refused::new("InvalidConfigurationRequest", message));
        }
        subnets.push((id.clone(), subnet.clone()));
    }
    let Some(vpc) = vpc else {
        return Err(Refused::new("ValidationError", "At least one subnet must be specified"));
    };
    let there = all(world, request).find(|(_, other)| other.name == name);
    if let Some((arn, there)) = there {
        let same = there.scheme == scheme && there.subnets.iter().map(|(id, _)| id).eq(&ids);
        if !same {
            let message = format!("A load balancer with the name '{name}' already exists with different settings");
            return Err(Refused::new("DuplicateLoadBalancerName", message));
        }
        xml.members("LoadBalancers", [(arn, there)], |xml, (arn, balancer)| write(xml, request, arn, balancer));
        return Ok(());
    }
    let path = format!("{name}/{}", super::hexadecimal());
    let arn = format!("{}{path}", prefix(request, KIND));
    let mut interfaces = Vec::new();
    for (id, subnet) in &subnets {
        let purpose = Purpose { kind: "network_load_balancer", description: format!("ELB net/{path}"), instance: None };
        interfaces.push(interfaces::put(world, id, subnet, purpose)?);
    }
    let balancer = Balancer {
        name,
        path,
        scheme,
        vpc,
        subnets: subnets.into_iter().map(|(id, subnet)| (id, subnet.zone)).collect(),
        interfaces,
        cross_zone: false,
        made_at: world.now(),
        tags: super::tags(request),
        active: false,
        due: world.due("LoadBalancer/provisioning"),
    };
    xml.members("LoadBalancers", [&balancer], |xml, balancer| write(xml, request, &arn, balancer));
    world.put(&arn, Thing::Balancer(balancer));
    Ok(())
}

pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (names, arns) = (request.list("Names.member"), request.list("LoadBalancerArns.member"));
    let known = || all(world, request).filter(|(_, balancer)| world.settled(balancer.made_at));
    if let Some(missing) = names.iter().find(|name| !known().any(|(_, balancer)| balancer.name == **name)) {
        return Err(not_found(missing));
    }
    for arn in &arns {
        find(world, request, arn)?;
    }
    let asked = |arn: &str, balancer: &Balancer| {
        (names.is_empty() && arns.is_empty())
            || names.contains(&balancer.name)
            || arns.iter().any(|wanted| wanted == arn)
    };
    let ids = known().filter(|(arn, balancer)| asked(arn, balancer)).map(|(arn, _)| arn.to_owned()).collect();
    let (ids, next) = page(request, ids)?;
    xml.members("LoadBalancers", ids, |xml, arn| {
        if let Some(balancer) = world.get(&arn).and_then(Balancer::of) {
            write(xml, request, &arn, balancer);
        }
    });
    xml.maybe("NextMarker", next);
    Ok(())
}

fn write(xml: &mut Xml, request: &Request, arn: &str, balancer: &Balancer) {
    let hexadecimal = balancer.path.rsplit('/').next().unwrap_or_default();
    xml.text("LoadBalancerArn", arn);
    xml.text("DNSName", format!("{}-{hexadecimal}.elb.{}.amazonaws.com", balancer.name, request.region));
    xml.text("CanonicalHostedZoneId", "Z2IFOLAFXWLO4F");
    xml.text("CreatedTime", timestamp(balancer.made_at));
    xml.text("LoadBalancerName", &balancer.name);
    xml.text("Scheme", &balancer.scheme);
    xml.text("VpcId", &balancer.vpc);
    xml.within("State", |xml| xml.text("Code", if balancer.active { "active" } else { "provisioning" }));
    xml.text("Type", "network");
    xml.members("AvailabilityZones", &balancer.subnets, |xml, (subnet, zone)| {
        xml.text("ZoneName", zone);
        xml.text("SubnetId", subnet);
        xml.text("LoadBalancerAddresses", "");
    });
    xml.text("IpAddressType", "ipv4");
}

pub fn describe_attributes(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let balancer = find(world, request, request.text("LoadBalancerArn")?)?;
    write_attributes(xml, balancer.cross_zone);
    Ok(())
}

fn write_attributes(xml: &mut Xml, cross_zone: bool) {
    let attributes = [("deletion_protection.enabled", false), (CROSS_ZONE, cross_zone)];
    xml.members("Attributes", attributes, |xml, (key, value)| {
        xml.text("Key", key);
        xml.text("Value", value);
    });
}

pub fn modify_attributes(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let arn = request.text("LoadBalancerArn")?.to_owned();
    let mut cross_zone = find(world, request, &arn)?.cross_zone;
    for (key, value) in request.pairs("Attributes.member") {
        if key != CROSS_ZONE || !matches!(value.as_str(), "true" | "false") {
            let message = format!("Load balancer attribute key '{key}' with the value '{value}' is not recognized");
            return Err(Refused::new("InvalidConfigurationRequest", message));
        }
        cross_zone = value == "true";
    }
    world.change(&arn, |thing| {
        if let Thing::Balancer(balancer) = thing {
            balancer.cross_zone = cross_zone;
        }
    });
    write_attributes(xml, cross_zone);
    Ok(())
}

/// That there is none is a success, as the vendor says.
pub fn delete(world: &mut World<Aws>, request: &Request, _xml: &mut Xml) -> Answer<()> {
    let arn = request.text("LoadBalancerArn")?.to_owned();
    let own = arn.starts_with(&prefix(request, KIND));
    let Some(balancer) = world.get(&arn).and_then(Balancer::of).filter(|_| own).cloned() else { return Ok(()) };
    if services::uses(world, &arn) {
        let message =
            format!("Load balancer '{arn}' cannot be deleted because it is currently associated with another service");
        return Err(Refused::new("ResourceInUse", message));
    }
    listeners::remove_all(world, &arn);
    for interface in &balancer.interfaces {
        world.remove(interface);
    }
    world.remove(&arn);
    Ok(())
}

/// What becomes of it by itself.
pub fn ripen(world: &mut World<Aws>, arn: &str, balancer: &Balancer) {
    world.put(arn, Thing::Balancer(Balancer { active: true, due: None, ..balancer.clone() }));
}
