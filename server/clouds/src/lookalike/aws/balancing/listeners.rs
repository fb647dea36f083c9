//! Listeners: a port of a load balancer, and the target group that it leads to.

use serde::{Deserialize, Serialize};

use super::{balancers, page, port, prefix, targets};
use crate::lookalike::{
    World,
    aws::{Answer, Aws, Refused, Thing, request::Request, xml::Xml},
};

const KIND: &str = "listener/net";

/// Kept under its ARN.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listener {
    balancer: String,
    port: u16,
    group: String,
}

fn of(thing: &Thing) -> Option<&Listener> {
    if let Thing::Listener(listener) = thing { Some(listener) } else { None }
}

fn all(world: &World<Aws>) -> impl Iterator<Item = (&str, &Listener)> {
    world.under("arn:aws:elasticloadbalancing:").filter_map(|(arn, thing)| Some((arn, of(thing)?)))
}

/// The load balancers that lead to a target group.
pub fn leading_to(world: &World<Aws>, group: &str) -> Vec<String> {
    let mut balancers: Vec<String> =
        all(world).filter(|(_, one)| one.group == group).map(|(_, one)| one.balancer.clone()).collect();
    balancers.sort();
    balancers.dedup();
    balancers
}

pub fn remove_all(world: &mut World<Aws>, balancer: &str) {
    let gone: Vec<String> =
        all(world).filter(|(_, one)| one.balancer == balancer).map(|(arn, _)| arn.to_owned()).collect();
    for arn in gone {
        world.remove(&arn);
    }
}

pub fn create(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let balancer_arn = request.text("LoadBalancerArn")?.to_owned();
    let path = balancers::find(world, request, &balancer_arn)?.path.clone();
    let action = |name: &str| request.maybe(&format!("DefaultActions.member.1.{name}"));
    if (request.maybe("Protocol"), action("Type")) != (Some("TCP"), Some("forward")) {
        return Err(Refused::new("InvalidConfigurationRequest", "Only listeners that forward TCP are simulated."));
    }
    let (port, group) = (port(request.maybe("Port"))?, action("TargetGroupArn").unwrap_or_default().to_owned());
    targets::find(world, request, &group)?;
    if all(world).any(|(_, one)| one.balancer == balancer_arn && one.port == port) {
        let message = format!("A listener already exists on this port for this load balancer '{balancer_arn}'");
        return Err(Refused::new("DuplicateListener", message));
    }
    let elsewhere = leading_to(world, &group).into_iter().any(|other| other != balancer_arn);
    if elsewhere {
        let message =
            format!("The following target groups cannot be associated with more than one load balancer: {group}");
        return Err(Refused::new("TargetGroupAssociationLimit", message));
    }
    let arn = format!("{}{path}/{}", prefix(request, KIND), super::hexadecimal());
    let listener = Listener { balancer: balancer_arn, port, group };
    xml.members("Listeners", [&listener], |xml, listener| write(xml, &arn, listener));
    world.put(&arn, Thing::Listener(listener));
    Ok(())
}

pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let balancer = request.text("LoadBalancerArn")?;
    balancers::find(world, request, balancer)?;
    let ids = all(world).filter(|(_, one)| one.balancer == balancer).map(|(arn, _)| arn.to_owned()).collect();
    let (ids, next) = page(request, ids)?;
    xml.members("Listeners", ids, |xml, arn| {
        if let Some(listener) = world.get(&arn).and_then(of) {
            write(xml, &arn, listener);
        }
    });
    xml.maybe("NextMarker", next);
    Ok(())
}

fn write(xml: &mut Xml, arn: &str, listener: &Listener) {
    xml.text("ListenerArn", arn);
    xml.text("LoadBalancerArn", &listener.balancer);
    xml.text("Port", listener.port);
    xml.text("Protocol", "TCP");
    xml.members("DefaultActions", [&listener.group], |xml, group| {
        xml.text("Type", "forward");
        xml.text("TargetGroupArn", group);
    });
}

pub fn delete(world: &mut World<Aws>, request: &Request, _xml: &mut Xml) -> Answer<()> {
    let arn = request.text("ListenerArn")?.to_owned();
    let own = arn.starts_with(&prefix(request, KIND));
    if !own || world.get(&arn).and_then(of).is_none() {
        return Err(Refused::new("ListenerNotFound", format!("Listener '{arn}' not found")));
    }
    world.remove(&arn);
    Ok(())
}
