//! Endpoint services: what an account offers to the endpoints of others, and to whom.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, Refused, Thing,
    balancing::Balancer,
    ec2,
    endpoints::{self, Endpoint},
    request::{Noun, Owned, Request},
    tags,
    xml::Xml,
};
use crate::lookalike::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Service {
    pub owned: Owned,
    pub balancers: Vec<String>,
    /// Whether every endpoint has to be accepted by hand.
    pub acceptance: bool,
    /// With the id of each permission.
    principals: BTreeMap<String, String>,
    /// Beside its own.
    regions: BTreeSet<String>,
    token: Option<String>,
    pub state: State,
    pub due: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Pending,
    Available,
    Deleting,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Available => "Available",
            Self::Deleting => "Deleting",
        }
    }
}

impl Service {
    pub fn name(&self, id: &str) -> String {
        format!("com.amazonaws.vpce.{}.{id}", self.owned.region)
    }

    pub fn dns(&self, id: &str) -> String {
        format!("{id}.{}.vpce.amazonaws.com", self.owned.region)
    }

    /// Whether the account may make endpoints: each has one user only here, whose name is `causeway`.
    pub fn permits(&self, account: &str) -> bool {
        let own = [format!("arn:aws:iam::{account}:root"), format!("arn:aws:iam::{account}:user/causeway")];
        self.owned.account == account || self.principals.keys().any(|one| one == "*" || own.contains(one))
    }

    pub fn is_in(&self, region: &str) -> bool {
        self.owned.region == region || self.regions.contains(region)
    }

    /// Where its load balancers are.
    pub fn zones(&self, world: &World<Aws>) -> BTreeSet<String> {
        let balancers = self.balancers.iter().filter_map(|arn| world.get(arn).and_then(Balancer::of));
        balancers.flat_map(Balancer::zones).map(str::to_owned).collect()
    }
}

impl Noun for Service {
    const PREFIX: &'static str = "vpce-svc-0";
    const NOT_FOUND: &'static str = "InvalidVpcEndpointServiceId.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Service(service) = thing { Some(service) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Service(service) = thing { Some(service) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Service(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        Some(match name {
            "service-id" => vec![id.to_owned()],
            "service-name" => vec![self.name(id)],
            "service-state" => vec![self.state.name().to_owned()],
            _ => return None,
        })
    }

    fn missing(id: &str) -> String {
        format!("The VpcEndpointService Id '{id}' does not exist")
    }
}

pub fn all(world: &World<Aws>) -> impl Iterator<Item = (&str, &Service)> {
    world.under(Service::PREFIX).filter_map(|(id, thing)| Some((id, Service::of(thing)?)))
}

/// Whether a load balancer may not go because of one.
pub fn uses(world: &World<Aws>, balancer: &str) -> bool {
    all(world).any(|(_, service)| service.balancers.iter().any(|arn| arn == balancer))
}

pub fn create(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let balancers = request.list("NetworkLoadBalancerArn");
    if balancers.is_empty() {
        request.text("NetworkLoadBalancerArn")?;
    }
    let token = request.maybe("ClientToken").map(str::to_owned);
    let own = |owned: &Owned| owned.account == request.account && owned.region == request.region;
    let repeated = |service: &Service| token.is_some() && service.token == token && own(&service.owned);
    if let Some((id, service)) = all(world).find(|(_, service)| repeated(service)) {
        xml.within("serviceConfiguration", |xml| write(xml, world, id, service));
        return Ok(());
    }
    for arn in &balancers {
        let balancer = world.get(arn).and_then(Balancer::of);
        let own = arn.contains(&format!(":{}:{}:", request.region, request.account));
        if !balancer.is_some_and(|balancer| own && balancer.active) {
            let message = format!("The load balancer {arn} does not exist or is not in the active state.");
            return Err(Refused::new("InvalidParameter", message));
        }
        if uses(world, arn) {
            let message = format!("The load balancer {arn} is already associated with another endpoint service.");
            return Err(Refused::new("InvalidParameter", message));
        }
    }
    let (id, due) = (ec2::id(Service::PREFIX), world.due("VpcEndpointService/pending"));
    let service = Service {
        owned: request.owned(world, "vpc-endpoint-service"),
        balancers,
        acceptance: request.maybe("AcceptanceRequired") != Some("false"),
        principals: BTreeMap::new(),
        regions: regions(request, "SupportedRegion")?,
        token,
        state: State::Pending,
        due,
    };
    xml.within("serviceConfiguration", |xml| write(xml, world, &id, &service));
    world.put(id, service.wrap());
    Ok(())
}

/// All but the service's own.
fn regions(request: &Request, name: &str) -> Answer<BTreeSet<String>> {
    let regions: BTreeSet<String> = request.list(name).into_iter().filter(|one| *one != request.region).collect();
    match regions.iter().find(|region| !super::is_region(region)) {
        Some(wrong) => Err(Refused::new("InvalidParameter", format!("The region {wrong} is not valid."))),
        None => Ok(regions),
    }
}

pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (services, next) = request.describe::<Service>(world, "ServiceId")?;
    xml.set("serviceConfigurationSet", services, |xml, (id, service)| write(xml, world, id, service));
    xml.maybe("nextToken", next);
    Ok(())
}

fn write(xml: &mut Xml, world: &World<Aws>, id: &str, service: &Service) {
    xml.set("serviceType", ["Interface"], |xml, kind| xml.text("serviceType", kind));
    xml.text("serviceId", id);
    xml.text("serviceName", service.name(id));
    xml.text("serviceState", service.state.name());
    xml.set("availabilityZoneSet", service.zones(world), |xml, zone| xml.raw(&zone));
    xml.text("acceptanceRequired", service.acceptance);
    xml.text("managesVpcEndpoints", false);
    xml.set("networkLoadBalancerArnSet", &service.balancers, |xml, arn| xml.raw(arn));
    xml.set("supportedIpAddressTypeSet", ["ipv4"], |xml, kind| xml.raw(kind));
    xml.set("baseEndpointDnsNameSet", [service.dns(id)], |xml, name| xml.raw(&name));
    let regions = std::iter::once(&service.owned.region).chain(&service.regions);
    xml.set("supportedRegionSet", regions, |xml, region| {
        xml.text("region", region);
        xml.text("serviceState", service.state.name());
    });
    tags::write(xml, &service.owned.tags);
}

pub fn modify(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("ServiceId")?.to_owned();
    let mut service = request.find::<Service>(world, &id)?.clone();
    service.regions.extend(regions(request, "AddSupportedRegion")?);
    let gone = regions(request, "RemoveSupportedRegion")?;
    service.regions.retain(|region| !gone.contains(region));
    if let Some(acceptance) = request.maybe("AcceptanceRequired") {
        service.acceptance = acceptance == "true";
    }
    world.put(id, service.wrap());
    xml.text("return", true);
    Ok(())
}

/// What is refused is told in an answer that is a success.
pub fn delete(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let ids = request.list("ServiceId");
    if ids.is_empty() {
        request.text("ServiceId")?;
    }
    let mut refused = Vec::new();
    for id in ids {
        let service = match request.find::<Service>(world, &id) {
            Err(reason) => {
                refused.push((id, reason));
                continue;
            }
            Ok(service) => service.clone(),
        };
        if endpoints::of_service(world, &id).any(|(_, endpoint)| endpoint.state.is_live()) {
            let message = format!("Service {id} has existing active VPC Endpoint connections!");
            refused.push((id, Refused::new("ExistingVpcEndpointConnections", message)));
            continue;
        }
        let due = world.due("VpcEndpointService/deleting");
        world.put(&id, Service { state: State::Deleting, due, ..service }.wrap());
    }
    unsuccessful(xml, refused);
    Ok(())
}

pub fn unsuccessful(xml: &mut Xml, refused: Vec<(String, Refused)>) {
    xml.set("unsuccessful", refused, |xml, (id, refused)| {
        xml.text("resourceId", id);
        xml.within("error", |xml| {
            xml.text("code", &refused.code);
            xml.text("message", &refused.message);
        });
    });
}

pub fn describe_permissions(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("ServiceId")?;
    let service = request.find::<Service>(world, id)?;
    xml.set("allowedPrincipals", &service.principals, |xml, (principal, permission)| {
        xml.text("principalType", kind(principal));
        xml.text("principal", principal);
        xml.text("servicePermissionId", permission);
        xml.text("serviceId", id);
    });
    Ok(())
}

fn kind(principal: &str) -> &'static str {
    match principal {
        "*" => "All",
        principal if principal.contains(":role/") => "Role",
        principal if principal.contains(":user/") => "User",
        _ => "Account",
    }
}

/// Those who lose their permission keep the endpoints that they have.
pub fn modify_permissions(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("ServiceId")?.to_owned();
    let mut service = request.find::<Service>(world, &id)?.clone();
    let (add, remove) = (request.list("AddAllowedPrincipals"), request.list("RemoveAllowedPrincipals"));
    for principal in add.iter().chain(&remove) {
        if !is_principal(principal) {
            return Err(Refused::new("InvalidPrincipal", format!("Invalid Principal: '{principal}'")));
        }
    }
    for principal in &add {
        service.principals.entry(principal.clone()).or_insert_with(|| ec2::id("vpce-svc-perm-0"));
    }
    service.principals.retain(|principal, _| !remove.contains(principal));
    xml.set("addedPrincipalSet", &add, |xml, principal| {
        xml.text("principalType", kind(principal));
        xml.text("principal", principal);
        xml.text("serviceId", &id);
    });
    xml.text("return", true);
    world.put(&id, service.wrap());
    Ok(())
}

fn is_principal(text: &str) -> bool {
    let Some((account, who)) = text.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(':')) else {
        return text == "*";
    };
    let digits = account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
    digits && (who == "root" || who.starts_with("user/") || who.starts_with("role/"))
}

/// The endpoints of a service that the caller owns.
fn connections<'a>(world: &'a World<Aws>, request: &'a Request) -> Vec<(&'a str, &'a Endpoint)> {
    let own = |service: &str| request.find::<Service>(world, service).is_ok();
    let known = |endpoint: &Endpoint| own(&endpoint.service) && world.settled(endpoint.owned.made_at);
    endpoints::all(world).filter(|(_, endpoint)| known(endpoint)).collect()
}

pub fn describe_connections(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let mut found = connections(world, request);
    for (name, wanted) in request.filter_values() {
        if !matches!(name.as_str(), "service-id" | "vpc-endpoint-id" | "vpc-endpoint-owner" | "vpc-endpoint-state") {
            return Err(Refused::new("InvalidParameterValue", format!("The filter '{name}' is invalid")));
        }
        found.retain(|(id, endpoint)| {
            let looked_at = match name.as_str() {
                "service-id" => &endpoint.service,
                "vpc-endpoint-id" => *id,
                "vpc-endpoint-owner" => &endpoint.owned.account,
                _ => endpoint.state.name(),
            };
            wanted.iter().any(|one| one == looked_at)
        });
    }
    xml.set("vpcEndpointConnectionSet", found, |xml, (id, endpoint)| {
        xml.text("serviceId", &endpoint.service);
        xml.text("vpcEndpointId", id);
        xml.text("vpcEndpointOwner", &endpoint.owned.account);
        xml.text("vpcEndpointState", endpoint.state.name());
        xml.text("creationTimestamp", super::signature::timestamp(endpoint.owned.made_at));
        endpoints::write_dns(xml, endpoint);
        let service = world.get(&endpoint.service).and_then(Service::of);
        xml.set("networkLoadBalancerArnSet", service.iter().flat_map(|one| &one.balancers), |xml, arn| xml.raw(arn));
        xml.text("ipAddressType", "ipv4");
        xml.text("vpcEndpointConnectionId", id.replace("vpce-", "vpce-con-"));
        xml.text("vpcEndpointRegion", &endpoint.owned.region);
    });
    Ok(())
}

pub fn accept_connections(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    judge(world, request, xml, true)
}

pub fn reject_connections(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    judge(world, request, xml, false)
}

fn judge(world: &mut World<Aws>, request: &Request, xml: &mut Xml, accept: bool) -> Answer<()> {
    let service = request.text("ServiceId")?.to_owned();
    request.find::<Service>(world, &service)?;
    let ids = request.list("VpcEndpointId");
    if ids.is_empty() {
        request.text("VpcEndpointId")?;
    }
    let mut refused = Vec::new();
    for id in ids {
        let found = world.get(&id).and_then(Endpoint::of).filter(|endpoint| endpoint.service == service).cloned();
        let Some(endpoint) = found else {
            let reason = Refused::new(Endpoint::NOT_FOUND, Endpoint::missing(&id));
            refused.push((id, reason));
            continue;
        };
        if let Err(reason) = endpoints::judged(world, &id, &endpoint, accept) {
            refused.push((id, reason));
        }
    }
    unsuccessful(xml, refused);
    Ok(())
}

/// What becomes of it by itself.
pub fn ripen(world: &mut World<Aws>, id: &str, service: &Service) {
    match service.state {
        State::Deleting => drop(world.remove(id)),
        State::Pending | State::Available => {
            world.put(id, Service { state: State::Available, due: None, ..service.clone() }.wrap());
        }
    }
}
