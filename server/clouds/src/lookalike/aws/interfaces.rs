//! Network interfaces: what has an address in a subnet, be it an instance, a load balancer or an endpoint.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, Refused, Thing, addresses, ec2,
    networks::Subnet,
    request::{Noun, Owned, Request, Tags},
    tags,
    xml::Xml,
};
use crate::lookalike::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Interface {
    pub owned: Owned,
    pub vpc: String,
    pub subnet: String,
    pub zone: String,
    pub address: Ipv4Addr,
    /// `interface`, `network_load_balancer`, `vpc_endpoint`, `transit_gateway`.
    pub kind: String,
    pub description: String,
    pub instance: Option<String>,
}

impl Noun for Interface {
    const PREFIX: &'static str = "eni-0";
    const NOT_FOUND: &'static str = "InvalidNetworkInterfaceID.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Interface(interface) = thing { Some(interface) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Interface(interface) = thing { Some(interface) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Interface(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        Some(match name {
            "network-interface-id" => vec![id.to_owned()],
            "vpc-id" => vec![self.vpc.clone()],
            "subnet-id" => vec![self.subnet.clone()],
            "availability-zone" => vec![self.zone.clone()],
            "description" => vec![self.description.clone()],
            "interface-type" => vec![self.kind.clone()],
            "private-ip-address" | "addresses.private-ip-address" => vec![self.address.to_string()],
            "attachment.instance-id" => self.instance.iter().cloned().collect(),
            _ => return None,
        })
    }

    fn missing(id: &str) -> String {
        format!("The networkInterface ID '{id}' does not exist")
    }
}

/// What a new interface is for.
pub struct Purpose<'a> {
    pub kind: &'a str,
    pub description: String,
    pub instance: Option<String>,
}

/// A new interface with the lowest free address of the subnet; the vendor keeps five of each for itself.
///
/// # Errors
/// If there is none left.
pub fn put(world: &mut World<Aws>, subnet_id: &str, subnet: &Subnet, purpose: Purpose<'_>) -> Answer<String> {
    let taken: Vec<Ipv4Addr> = within(world, subnet_id).map(|(_, one)| one.address).collect();
    let last = subnet.cidr.broadcast();
    let free = subnet.cidr.hosts().filter(|host| u32::from(*host) >= u32::from(subnet.cidr.network()) + 4);
    let address = free.filter(|host| *host != last).find(|host| !taken.contains(host)).ok_or_else(|| {
        let message = format!("There are not enough free addresses in subnet '{subnet_id}' to satisfy the request.");
        Refused::new("InsufficientFreeAddressesInSubnet", message)
    })?;
    let interface = Interface {
        owned: Owned { made_at: world.now(), tags: Tags::new(), ..subnet.owned.clone() },
        vpc: subnet.vpc.clone(),
        subnet: subnet_id.to_owned(),
        zone: subnet.zone.clone(),
        address,
        kind: purpose.kind.to_owned(),
        description: purpose.description,
        instance: purpose.instance,
    };
    let id = ec2::id(Interface::PREFIX);
    world.put(&id, interface.wrap());
    Ok(id)
}

pub fn remove_described(world: &mut World<Aws>, description: &str) {
    let all = world.under(Interface::PREFIX).filter_map(|(id, thing)| Some((id, Interface::of(thing)?)));
    let gone: Vec<String> =
        all.filter(|(_, one)| one.description == description).map(|(id, _)| id.to_owned()).collect();
    for id in gone {
        world.remove(&id);
    }
}

fn within<'a>(world: &'a World<Aws>, subnet: &'a str) -> impl Iterator<Item = (&'a str, &'a Interface)> {
    let all = world.under(Interface::PREFIX).filter_map(|(id, thing)| Some((id, Interface::of(thing)?)));
    all.filter(move |(_, interface)| interface.subnet == subnet)
}

/// Whether a subnet may not go because something has an address in it.
pub fn hold(world: &World<Aws>, subnet: &str) -> bool {
    within(world, subnet).next().is_some()
}

/// Whether a public address leads into the VPC.
pub fn is_public(world: &World<Aws>, vpc: &str) -> bool {
    let all = world.under(Interface::PREFIX).filter_map(|(id, thing)| Some((id, Interface::of(thing)?)));
    all.filter(|(_, interface)| interface.vpc == vpc).any(|(id, _)| addresses::of_interface(world, id).is_some())
}

pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (interfaces, next) = request.describe::<Interface>(world, "NetworkInterfaceId")?;
    xml.set("networkInterfaceSet", interfaces, |xml, (id, interface)| write(xml, world, id, interface));
    xml.maybe("nextToken", next);
    Ok(())
}

pub fn write(xml: &mut Xml, world: &World<Aws>, id: &str, interface: &Interface) {
    xml.text("networkInterfaceId", id);
    xml.text("subnetId", &interface.subnet);
    xml.text("vpcId", &interface.vpc);
    xml.text("availabilityZone", &interface.zone);
    xml.text("description", &interface.description);
    xml.text("ownerId", &interface.owned.account);
    xml.text("requesterManaged", interface.kind != "interface");
    xml.text("status", "in-use");
    xml.text("privateIpAddress", interface.address);
    xml.text("interfaceType", &interface.kind);
    if let Some(instance) = &interface.instance {
        xml.within("attachment", |xml| {
            xml.text("instanceId", instance);
            xml.text("instanceOwnerId", &interface.owned.account);
            xml.text("deviceIndex", 0);
            xml.text("status", "attached");
        });
    }
    if let Some((allocation, address)) = addresses::of_interface(world, id) {
        xml.within("association", |xml| {
            xml.text("publicIp", address.public);
            xml.text("ipOwnerId", &interface.owned.account);
            xml.text("allocationId", allocation);
            xml.maybe("associationId", address.association.as_ref().map(|one| &one.id));
        });
    }
    xml.set("privateIpAddressesSet", [interface.address], |xml, address| {
        xml.text("privateIpAddress", address);
        xml.text("primary", true);
    });
    tags::write(xml, &interface.owned.tags);
}
