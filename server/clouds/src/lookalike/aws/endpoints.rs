//! Interface endpoints: a service of somebody else under addresses of one's own subnets.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, Refused, Thing, ec2,
    interfaces::{self, Purpose},
    networks::{Subnet, Vpc},
    request::{Noun, Owned, Request},
    services::{self, Service},
    signature::timestamp,
    tags,
    xml::Xml,
};
use crate::lookalike::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    pub owned: Owned,
    pub service: String,
    service_name: String,
    service_region: String,
    vpc: String,
    subnets: Vec<String>,
    interfaces: Vec<String>,
    groups: Vec<String>,
    dns: String,
    pub state: State,
    pub due: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    PendingAcceptance,
    Pending,
    Available,
    Rejected,
    Deleting,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::PendingAcceptance => "pendingAcceptance",
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Rejected => "rejected",
            Self::Deleting => "deleting",
        }
    }

    /// Traffic passes, or may.
    pub fn is_live(self) -> bool {
        matches!(self, Self::PendingAcceptance | Self::Pending | Self::Available)
    }
}

impl Noun for Endpoint {
    const PREFIX: &'static str = "vpce-0";
    const NOT_FOUND: &'static str = "InvalidVpcEndpointId.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Endpoint(endpoint) = thing { Some(endpoint) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Endpoint(endpoint) = thing { Some(endpoint) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Endpoint(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        Some(match name {
            "vpc-endpoint-id" => vec![id.to_owned()],
            "vpc-id" => vec![self.vpc.clone()],
            "service-name" => vec![self.service_name.clone()],
            "vpc-endpoint-state" => vec![self.state.name().to_owned()],
            "vpc-endpoint-type" => vec!["Interface".to_owned()],
            _ => return None,
        })
    }

    fn missing(id: &str) -> String {
        format!("The Vpc Endpoint Id '{id}' does not exist")
    }
}

pub fn all(world: &World<Aws>) -> impl Iterator<Item = (&str, &Endpoint)> {
    world.under(Endpoint::PREFIX).filter_map(|(id, thing)| Some((id, Endpoint::of(thing)?)))
}

pub fn of_service<'a>(world: &'a World<Aws>, service: &'a str) -> impl Iterator<Item = (&'a str, &'a Endpoint)> {
    all(world).filter(move |(_, endpoint)| endpoint.service == service)
}

/// The service of this name, if the caller may use it; to all others there is none.
fn offered<'a>(world: &'a World<Aws>, request: &Request, name: &str) -> Answer<(&'a str, &'a Service)> {
    let fits = |id: &str, service: &Service| {
        service.name(id) == name && service.state == services::State::Available && usable(service, request)
    };
    let found = services::all(world).find(|(id, service)| fits(id, service));
    found.ok_or_else(|| Refused::new("InvalidServiceName", format!("The Vpc Endpoint Service '{name}' does not exist")))
}

/// From another region only where its owner offers it there, and where the caller says that it means the other region.
fn usable(service: &Service, request: &Request) -> bool {
    let asked = request.maybe("ServiceRegion").unwrap_or(&request.region);
    service.permits(&request.account) && service.owned.region == asked && service.is_in(&request.region)
}

pub fn create(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    if request.maybe("VpcEndpointType") != Some("Interface") {
        return Err(Refused::new("InvalidParameter", "Only endpoints of the type Interface are simulated."));
    }
    let vpc = request.text("VpcId")?.to_owned();
    request.find::<Vpc>(world, &vpc)?;
    let name = request.text("ServiceName")?.to_owned();
    let (service_id, service) = offered(world, request, &name)?;
    let (service_id, service) = (service_id.to_owned(), service.clone());
    let here = service.owned.region == request.region;
    let (zones, subnet_ids) = (service.zones(world), request.list("SubnetId"));
    let (mut subnets, mut taken) = (Vec::new(), BTreeSet::new());
    for id in &subnet_ids {
        let subnet = request.find::<Subnet>(world, id)?.clone();
        if subnet.vpc != vpc {
            return Err(Refused::new("InvalidParameter", format!("The subnet {id} is not in the VPC {vpc}.")));
        }
        if here && !zones.contains(&subnet.zone) {
            let message =
                format!("The VPC endpoint service {name} does not support the availability zone of the subnet: {id}.");
            return Err(Refused::new("InvalidParameter", message));
        }
        if !taken.insert(subnet.zone.clone()) {
            let message = format!("Found another VPC endpoint subnet in the availability zone of {id}.");
            return Err(Refused::new("DuplicateSubnetsInSameZone", message));
        }
        subnets.push((id.clone(), subnet));
    }
    let id = ec2::id(Endpoint::PREFIX);
    let mut interfaces = Vec::new();
    for (subnet_id, subnet) in &subnets {
        let description = format!("VPC Endpoint Interface {id}");
        let purpose = Purpose { kind: "vpc_endpoint", description, instance: None };
        interfaces.push(interfaces::put(world, subnet_id, subnet, purpose)?);
    }
    let state = if service.acceptance { State::PendingAcceptance } else { State::Pending };
    let due = if service.acceptance { None } else { world.due("VpcEndpoint/pending") };
    let endpoint = Endpoint {
        owned: request.owned(world, "vpc-endpoint"),
        dns: format!("{id}-{}.{}", super::random(b"abcdefghijklmnopqrstuvwxyz0123456789", 8), service.dns(&service_id)),
        service: service_id,
        service_name: name,
        service_region: service.owned.region.clone(),
        vpc,
        subnets: subnet_ids,
        interfaces,
        groups: request.list("SecurityGroupId"),
        state,
        due,
    };
    xml.within("vpcEndpoint", |xml| write(xml, &id, &endpoint));
    world.put(id, endpoint.wrap());
    Ok(())
}

pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (endpoints, next) = request.describe::<Endpoint>(world, "VpcEndpointId")?;
    xml.set("vpcEndpointSet", endpoints, |xml, (id, endpoint)| write(xml, id, endpoint));
    xml.maybe("nextToken", next);
    Ok(())
}

fn write(xml: &mut Xml, id: &str, endpoint: &Endpoint) {
    xml.text("vpcEndpointId", id);
    xml.text("vpcEndpointType", "Interface");
    xml.text("vpcId", &endpoint.vpc);
    xml.text("serviceName", &endpoint.service_name);
    xml.text("state", endpoint.state.name());
    xml.set("subnetIdSet", &endpoint.subnets, |xml, subnet| xml.raw(subnet));
    xml.set("groupSet", &endpoint.groups, |xml, group| xml.text("groupId", group));
    xml.text("ipAddressType", "ipv4");
    xml.text("privateDnsEnabled", false);
    xml.text("requesterManaged", false);
    xml.set("networkInterfaceIdSet", &endpoint.interfaces, |xml, interface| xml.raw(interface));
    write_dns(xml, endpoint);
    xml.text("creationTimestamp", timestamp(endpoint.owned.made_at));
    tags::write(xml, &endpoint.owned.tags);
    xml.text("ownerId", &endpoint.owned.account);
    xml.text("serviceRegion", &endpoint.service_region);
}

/// Known once the endpoint is accepted.
pub fn write_dns(xml: &mut Xml, endpoint: &Endpoint) {
    let told = matches!(endpoint.state, State::Pending | State::Available);
    xml.set("dnsEntrySet", told.then_some(&endpoint.dns), |xml, name| {
        xml.text("dnsName", name);
        xml.text("hostedZoneId", "Z7HUB22UULQXV");
    });
}

/// The services that the caller may use.
pub fn describe_services(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let names = request.list("ServiceName");
    for name in &names {
        offered(world, request, name)?;
    }
    let found: Vec<_> = services::all(world)
        .filter(|(id, service)| usable(service, request) && (names.is_empty() || names.contains(&service.name(id))))
        .collect();
    xml.set("serviceNameSet", &found, |xml, (id, service)| xml.raw(&service.name(id)));
    xml.set("serviceDetailSet", &found, |xml, (id, service)| {
        xml.text("serviceName", service.name(id));
        xml.text("serviceId", id);
        xml.set("serviceType", ["Interface"], |xml, kind| xml.text("serviceType", kind));
        xml.text("serviceRegion", &service.owned.region);
        xml.set("availabilityZoneSet", service.zones(world), |xml, zone| xml.raw(&zone));
        xml.text("owner", &service.owned.account);
        xml.set("baseEndpointDnsNameSet", [service.dns(id)], |xml, name| xml.raw(&name));
        xml.text("vpcEndpointPolicySupported", false);
        xml.text("acceptanceRequired", service.acceptance);
    });
    Ok(())
}

/// What is refused is told in an answer that is a success.
pub fn delete(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let ids = request.list("VpcEndpointId");
    if ids.is_empty() {
        request.text("VpcEndpointId")?;
    }
    let mut refused = Vec::new();
    for id in ids {
        match request.find::<Endpoint>(world, &id).cloned() {
            Err(reason) => refused.push((id, reason)),
            Ok(endpoint) => {
                let due = world.due("VpcEndpoint/deleting");
                world.put(&id, Endpoint { state: State::Deleting, due, ..endpoint }.wrap());
            }
        }
    }
    services::unsuccessful(xml, refused);
    Ok(())
}

/// What the owner of the service says to it.
pub fn judged(world: &mut World<Aws>, id: &str, endpoint: &Endpoint, accept: bool) -> Answer<()> {
    let (state, due) = match (accept, endpoint.state) {
        (true, State::PendingAcceptance) => (State::Pending, world.due("VpcEndpoint/pending")),
        (false, state) if state.is_live() => (State::Rejected, None),
        (_, state) => {
            let message = format!("The VPC endpoint {id} is in the state {}.", state.name());
            return Err(Refused::new("InvalidState", message));
        }
    };
    world.put(id, Endpoint { state, due, ..endpoint.clone() }.wrap());
    Ok(())
}

/// What becomes of it by itself.
pub fn ripen(world: &mut World<Aws>, id: &str, endpoint: &Endpoint) {
    if endpoint.state == State::Deleting {
        for interface in &endpoint.interfaces {
            world.remove(interface);
        }
        world.remove(id);
        return;
    }
    let state = if endpoint.state == State::Pending { State::Available } else { endpoint.state };
    world.put(id, Endpoint { state, due: None, ..endpoint.clone() }.wrap());
}
