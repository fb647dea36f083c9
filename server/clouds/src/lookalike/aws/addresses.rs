//! Elastic IP addresses. All of them are of the ranges that are kept for documentation: they lead nowhere.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, Refused, Thing, ec2,
    instances::{Instance, State},
    interfaces::Interface,
    internet,
    request::{Noun, Owned, Request},
    tags,
    xml::Xml,
};
use crate::lookalike::World;

/// The most of a region; the vendor's default of five, raised as operators of many nodes have it raised.
const MOST: usize = 200;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Address {
    pub owned: Owned,
    pub public: Ipv4Addr,
    pub association: Option<Association>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Association {
    pub id: String,
    pub interface: String,
    pub instance: Option<String>,
    pub private: Ipv4Addr,
}

impl Noun for Address {
    const PREFIX: &'static str = "eipalloc-0";
    const NOT_FOUND: &'static str = "InvalidAllocationID.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Address(address) = thing { Some(address) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Address(address) = thing { Some(address) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Address(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        let association =
            |get: fn(&Association) -> Option<String>| self.association.as_ref().and_then(get).into_iter().collect();
        Some(match name {
            "allocation-id" => vec![id.to_owned()],
            "public-ip" => vec![self.public.to_string()],
            "domain" => vec!["vpc".to_owned()],
            "association-id" => association(|one| Some(one.id.clone())),
            "instance-id" => association(|one| one.instance.clone()),
            "network-interface-id" => association(|one| Some(one.interface.clone())),
            "private-ip-address" => association(|one| Some(one.private.to_string())),
            _ => return None,
        })
    }

    fn missing(id: &str) -> String {
        format!("The allocation ID '{id}' does not exist")
    }
}

fn all(world: &World<Aws>) -> impl Iterator<Item = (&str, &Address)> {
    world.under(Address::PREFIX).filter_map(|(id, thing)| Some((id, Address::of(thing)?)))
}

/// The public address of an interface.
pub fn of_interface<'a>(world: &'a World<Aws>, interface: &str) -> Option<(&'a str, &'a Address)> {
    all(world).find(|(_, address)| address.association.as_ref().is_some_and(|one| one.interface == interface))
}

/// The interface is going: its address is nobody's from here on.
pub fn let_go(world: &mut World<Aws>, interface: &str) {
    if let Some(id) = of_interface(world, interface).map(|(id, _)| id.to_owned()) {
        world.change(&id, |thing| Address::of_mut(thing).map(|address| address.association = None));
    }
}

pub fn allocate(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let own = |owned: &Owned| owned.account == request.account && owned.region == request.region;
    if all(world).filter(|(_, address)| own(&address.owned)).count() >= MOST {
        return Err(Refused::new("AddressLimitExceeded", "The maximum number of addresses has been reached."));
    }
    let nets = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
    let pool = nets.into_iter().flat_map(|[a, b, c]| (1..=254).map(move |last| Ipv4Addr::new(a, b, c, last)));
    let free: Vec<Ipv4Addr> = pool.filter(|one| !all(world).any(|(_, taken)| taken.public == *one)).collect();
    let Some(public) = free.get(rand::random_range(0..free.len().max(1))).copied() else {
        return Err(Refused::new(
            "InsufficientAddressCapacity",
            "Not enough available addresses to satisfy the request.",
        ));
    };
    let (id, owned) = (ec2::id(Address::PREFIX), request.owned(world, "elastic-ip"));
    xml.text("publicIp", public);
    xml.text("domain", "vpc");
    xml.text("allocationId", &id);
    xml.text("publicIpv4Pool", "amazon");
    xml.text("networkBorderGroup", &request.region);
    world.put(id, Address { owned, public, association: None }.wrap());
    Ok(())
}

pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (addresses, _) = request.describe::<Address>(world, "AllocationId")?;
    xml.set("addressesSet", addresses, |xml, (id, address)| {
        xml.maybe("instanceId", address.association.as_ref().and_then(|one| one.instance.as_ref()));
        xml.text("publicIp", address.public);
        xml.text("allocationId", id);
        if let Some(association) = &address.association {
            xml.text("associationId", &association.id);
            xml.text("networkInterfaceId", &association.interface);
            xml.text("networkInterfaceOwnerId", &address.owned.account);
            xml.text("privateIpAddress", association.private);
        }
        xml.text("domain", "vpc");
        tags::write(xml, &address.owned.tags);
        xml.text("publicIpv4Pool", "amazon");
        xml.text("networkBorderGroup", &address.owned.region);
    });
    Ok(())
}

/// The interface that is meant: an instance's, or by its own id.
fn meant(world: &World<Aws>, request: &Request) -> Answer<(String, Option<String>)> {
    if let Some(id) = request.maybe("InstanceId") {
        let instance = request.find::<Instance>(world, id)?;
        if instance.state != State::Running {
            let message = format!("The pending instance '{id}' is not in a valid state for this operation.");
            return Err(Refused::new("InvalidInstanceID", message));
        }
        return Ok((instance.interface.clone(), Some(id.to_owned())));
    }
    let id = request.text("NetworkInterfaceId")?;
    Ok((id.to_owned(), request.find::<Interface>(world, id)?.instance.clone()))
}

pub fn associate(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("AllocationId")?.to_owned();
    let address = request.find::<Address>(world, &id)?.clone();
    let (interface_id, instance) = meant(world, request)?;
    let interface = request.find::<Interface>(world, &interface_id)?;
    if !internet::is_attached(world, &interface.vpc) {
        let message = format!("Network {} is not attached to any internet gateway", interface.vpc);
        return Err(Refused::new("Gateway.NotAttached", message));
    }
    let (private, moves) = (interface.address, request.maybe("AllowReassociation") != Some("false"));
    if let Some(there) = address.association.as_ref().filter(|there| there.interface == interface_id) {
        xml.text("return", true);
        xml.text("associationId", &there.id);
        return Ok(());
    }
    if let Some(there) = address.association.as_ref().filter(|_| !moves) {
        let message = format!("resource {id} is already associated with associate-id {}", there.id);
        return Err(Refused::new("Resource.AlreadyAssociated", message));
    }
    if let Some((other, _)) = of_interface(world, &interface_id) {
        if !moves {
            let message = format!("resource {interface_id} is already associated with address {other}");
            return Err(Refused::new("Resource.AlreadyAssociated", message));
        }
        let_go(world, &interface_id);
    }
    let association = Association { id: ec2::id("eipassoc-0"), interface: interface_id, instance, private };
    xml.text("return", true);
    xml.text("associationId", &association.id);
    world.put(&id, Address { association: Some(association), ..address }.wrap());
    Ok(())
}

pub fn disassociate(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let wanted = request.text("AssociationId")?;
    let own = |owned: &Owned| owned.account == request.account && owned.region == request.region;
    let found = all(world).find(|(_, address)| {
        own(&address.owned) && address.association.as_ref().is_some_and(|there| there.id == wanted)
    });
    let Some((id, _)) = found else {
        let message = format!("The association ID '{wanted}' does not exist");
        return Err(Refused::new("InvalidAssociationID.NotFound", message));
    };
    let id = id.to_owned();
    world.change(&id, |thing| Address::of_mut(thing).map(|address| address.association = None));
    xml.text("return", true);
    Ok(())
}

pub fn release(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("AllocationId")?.to_owned();
    let address = request.find::<Address>(world, &id)?;
    if address.association.is_some() {
        return Err(Refused::new("InvalidIPAddress.InUse", format!("Address {} is in use.", address.public)));
    }
    world.remove(&id);
    xml.text("return", true);
    Ok(())
}
