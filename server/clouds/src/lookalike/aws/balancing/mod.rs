//! Elastic Load Balancing, version 2015-12-01: network load balancers with target groups and listeners.
//!
//! Names are unique in an account and region, so that asking twice makes nothing twice. Nothing here carries a
//! packet, so nobody's health is known: a target is `initial` and then `unavailable`, never `healthy`.

mod balancers;
mod listeners;
mod targets;

use super::{
    Answer, Aws, Refused,
    request::{Request, Tags},
    xml::Xml,
};
use crate::lookalike::{Reply, World};

pub use self::{
    balancers::{Balancer, ripen as ripen_balancer},
    listeners::Listener,
    targets::{Group, due, ripen as ripen_group},
};

const NAMESPACE: &str = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
const VERSION: &str = "2015-12-01";

type Operation = fn(&mut World<Aws>, &Request, &mut Xml) -> Answer<()>;

pub fn answer(world: &mut World<Aws>, request: &Request) -> Answer<Reply> {
    let action = request.action();
    let Some(operation) = operation(action).filter(|_| request.maybe("Version") == Some(VERSION)) else {
        let message = format!("Could not find operation {action} for version {VERSION}");
        return Err(Refused::new("InvalidAction", message));
    };
    let mut inner = Xml::default();
    operation(world, request, &mut inner)?;
    let body = Xml::document(&format!("{action}Response"), NAMESPACE, |xml| {
        xml.within(&format!("{action}Result"), |xml| xml.append(inner));
        xml.within("ResponseMetadata", |xml| xml.text("RequestId", uuid::Uuid::new_v4()));
    });
    Ok(Reply::xml(200, body))
}

fn operation(action: &str) -> Option<Operation> {
    Some(match action {
        "CreateLoadBalancer" => balancers::create,
        "DescribeLoadBalancers" => balancers::describe,
        "DescribeLoadBalancerAttributes" => balancers::describe_attributes,
        "ModifyLoadBalancerAttributes" => balancers::modify_attributes,
        "DeleteLoadBalancer" => balancers::delete,
        "CreateTargetGroup" => targets::create,
        "DescribeTargetGroups" => targets::describe,
        "DeleteTargetGroup" => targets::delete,
        "RegisterTargets" => targets::register,
        "DeregisterTargets" => targets::deregister,
        "DescribeTargetHealth" => targets::describe_health,
        "CreateListener" => listeners::create,
        "DescribeListeners" => listeners::describe,
        "DeleteListener" => listeners::delete,
        _ => return None,
    })
}

pub fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = Xml::document("ErrorResponse", NAMESPACE, |xml| {
        xml.within("Error", |xml| {
            xml.text("Type", if status < 500 { "Sender" } else { "Receiver" });
            xml.text("Code", code);
            xml.text("Message", message);
        });
        xml.text("RequestId", uuid::Uuid::new_v4());
    });
    Reply::xml(status, body)
}

/// `arn:aws:elasticloadbalancing:REGION:ACCOUNT:KIND/`: how the ids of the caller's things of a kind begin.
fn prefix(request: &Request, kind: &str) -> String {
    format!("arn:aws:elasticloadbalancing:{}:{}:{kind}/", request.region, request.account)
}

fn hexadecimal() -> String {
    super::random(b"0123456789abcdef", 16)
}

/// What load balancers and target groups may be called.
fn name(request: &Request, what: &str) -> Answer<String> {
    let name = request.maybe("Name").unwrap_or_default();
    let fine = name.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-');
    if name.is_empty() || name.len() > 32 || !fine || name.starts_with('-') || name.ends_with('-') {
        let message = format!("The {what} name '{name}' must be 1 to 32 letters, digits and hyphens.");
        return Err(Refused::new("ValidationError", message));
    }
    Ok(name.to_owned())
}

fn port(text: Option<&str>) -> Answer<u16> {
    let port = text.and_then(|text| text.parse().ok()).filter(|port| *port > 0);
    port.ok_or_else(|| Refused::new("ValidationError", "A port from 1 to 65535 is required."))
}

fn tags(request: &Request) -> Tags {
    request.pairs("Tags.member").into_iter().collect()
}

/// One page of ids that are in order, and the marker of the next: the last id.
fn page(request: &Request, mut ids: Vec<String>) -> Answer<(Vec<String>, Option<String>)> {
    let size = request.maybe("PageSize").map_or(Some(400), |text| text.parse().ok());
    let Some(size @ 1..=400) = size else {
        return Err(Refused::new("ValidationError", "PageSize is a number from 1 to 400."));
    };
    ids.sort();
    if let Some(marker) = request.maybe("Marker") {
        ids.retain(|id| id.as_str() > marker);
    }
    let more = ids.len() > size;
    ids.truncate(size);
    let next = ids.last().filter(|_| more).cloned();
    Ok((ids, next))
}

impl Xml {
    /// A list as Elastic Load Balancing writes it.
    fn members<T>(&mut self, name: &str, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Self, T)) {
        self.within(name, |xml| {
            for item in items {
                xml.within("member", |xml| write(xml, item));
            }
        });
    }
}
