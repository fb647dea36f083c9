//! Internet gateways: without one, no public address leads into a VPC.

use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, Refused, Thing, ec2, interfaces,
    networks::Vpc,
    request::{Noun, Owned, Request},
    tags,
    xml::Xml,
};
use crate::lookalike::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InternetGateway {
    pub owned: Owned,
    pub vpc: Option<String>,
}

impl Noun for InternetGateway {
    const PREFIX: &'static str = "igw-0";
    const NOT_FOUND: &'static str = "InvalidInternetGatewayID.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::InternetGateway(gateway) = thing { Some(gateway) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::InternetGateway(gateway) = thing { Some(gateway) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::InternetGateway(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        Some(match name {
            "internet-gateway-id" => vec![id.to_owned()],
            "attachment.vpc-id" => self.vpc.iter().cloned().collect(),
            "attachment.state" => self.vpc.iter().map(|_| "available".to_owned()).collect(),
            _ => return None,
        })
    }

    fn missing(id: &str) -> String {
        format!("The internetGateway ID '{id}' does not exist")
    }
}

/// Whether the VPC has a way to and from the internet; then it may not go either.
pub fn is_attached(world: &World<Aws>, vpc: &str) -> bool {
    let mut all = world.under(InternetGateway::PREFIX).filter_map(|(_, thing)| InternetGateway::of(thing));
    all.any(|gateway| gateway.vpc.as_deref() == Some(vpc))
}

/// As a default VPC has one.
pub fn put_attached(world: &mut World<Aws>, owned: Owned, vpc: &str) {
    world.put(ec2::id(InternetGateway::PREFIX), InternetGateway { owned, vpc: Some(vpc.to_owned()) }.wrap());
}

pub fn create(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let gateway = InternetGateway { owned: request.owned(world, "internet-gateway"), vpc: None };
    let id = ec2::id(InternetGateway::PREFIX);
    xml.within("internetGateway", |xml| write(xml, &id, &gateway));
    world.put(id, gateway.wrap());
    Ok(())
}

pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (gateways, next) = request.describe::<InternetGateway>(world, "InternetGatewayId")?;
    xml.set("internetGatewaySet", gateways, |xml, (id, gateway)| write(xml, id, gateway));
    xml.maybe("nextToken", next);
    Ok(())
}

fn write(xml: &mut Xml, id: &str, gateway: &InternetGateway) {
    xml.text("internetGatewayId", id);
    xml.text("ownerId", &gateway.owned.account);
    xml.set("attachmentSet", &gateway.vpc, |xml, vpc| {
        xml.text("vpcId", vpc);
        xml.text("state", "available");
    });
    tags::write(xml, &gateway.owned.tags);
}

pub fn attach(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (id, vpc) = (request.text("InternetGatewayId")?.to_owned(), request.text("VpcId")?.to_owned());
    let gateway = request.find::<InternetGateway>(world, &id)?;
    request.find::<Vpc>(world, &vpc)?;
    if gateway.vpc.is_some() || is_attached(world, &vpc) {
        let message = format!("resource {id} is already attached to network {vpc}");
        return Err(Refused::new("Resource.AlreadyAssociated", message));
    }
    world.change(&id, |thing| InternetGateway::of_mut(thing).map(|gateway| gateway.vpc = Some(vpc)));
    xml.text("return", true);
    Ok(())
}

pub fn detach(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (id, vpc) = (request.text("InternetGatewayId")?.to_owned(), request.text("VpcId")?.to_owned());
    if request.find::<InternetGateway>(world, &id)?.vpc.as_deref() != Some(&vpc) {
        return Err(Refused::new("Gateway.NotAttached", format!("resource {id} is not attached to network {vpc}")));
    }
    if interfaces::is_public(world, &vpc) {
        let message = format!(
            "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
        );
        return Err(Refused::new("DependencyViolation", message));
    }
    world.change(&id, |thing| InternetGateway::of_mut(thing).map(|gateway| gateway.vpc = None));
    xml.text("return", true);
    Ok(())
}

pub fn delete(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("InternetGatewayId")?.to_owned();
    if request.find::<InternetGateway>(world, &id)?.vpc.is_some() {
        let message = format!("The internetGateway '{id}' has dependencies and cannot be deleted.");
        return Err(Refused::new("DependencyViolation", message));
    }
    world.remove(&id);
    xml.text("return", true);
    Ok(())
}
