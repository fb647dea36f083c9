//! What the security group of a network lets in: the network itself, each connected peer as far as it is opened, and
//! nothing else from networks that it is peered with, which Azure would let in by itself.
//!
//! The group is written whole. Rules of others are read, kept and sent back as they are.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::seen::{Network, Seen};
use crate::{ConnectionWish, Opening, Wish, wish::is_name_of_a_connection};

const OWN: &str = "causeway-own";
const REST: &str = "causeway-rest";
/// Rules with smaller numbers come first; there are numbers from 100 to 4096.
const FIRST: i64 = 1_000;
const OWN_PRIORITY: i64 = 4_095;
const REST_PRIORITY: i64 = 4_096;

/// An inbound rule, as far as those of the console differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub name: String,
    pub priority: i64,
    pub allow: bool,
    pub protocol: String,
    pub sources: BTreeSet<String>,
    pub ports: BTreeSet<String>,
}

impl Rule {
    fn new(name: &str, priority: i64, allow: bool, source: &str) -> Self {
        let all = || BTreeSet::from(["*".to_owned()]);
        let sources = BTreeSet::from([source.to_owned()]);
        Self { name: name.to_owned(), priority, allow, protocol: "*".to_owned(), sources, ports: all() }
    }

    /// `None`: it is of a kind that the console does not write.
    fn read(rule: &Value) -> Option<Self> {
        let properties = &rule["properties"];
        let text = |name: &str| properties[name].as_str();
        let every = |one: &str, many: &str| -> BTreeSet<String> {
            let listed = properties[many].as_array().into_iter().flatten().filter_map(Value::as_str);
            listed.chain(text(one)).filter(|text| !text.is_empty()).map(str::to_owned).collect()
        };
        let anywhere = text("sourcePortRange") == Some("*") && text("destinationAddressPrefix") == Some("*");
        (anywhere && text("direction") == Some("Inbound")).then_some(())?;
        Some(Self {
            name: rule["name"].as_str()?.to_owned(),
            priority: properties["priority"].as_i64()?,
            allow: text("access") == Some("Allow"),
            protocol: text("protocol")?.to_owned(),
            sources: every("sourceAddressPrefix", "sourceAddressPrefixes"),
            ports: every("destinationPortRange", "destinationPortRanges"),
        })
    }

    pub fn written(&self) -> Value {
        let mut properties = json!({
            "priority": self.priority,
            "direction": "Inbound",
            "access": if self.allow { "Allow" } else { "Deny" },
            "protocol": self.protocol,
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
        });
        let mut put = |one: &str, many: &str, values: &BTreeSet<String>| match values.first() {
            Some(value) if values.len() == 1 => properties[one] = json!(value),
            _ => properties[many] = json!(values),
        };
        put("sourceAddressPrefix", "sourceAddressPrefixes", &self.sources);
        put("destinationPortRange", "destinationPortRanges", &self.ports);
        json!({"name": self.name, "properties": properties})
    }
}

fn is_ours(rule: &Value) -> bool {
    rule["name"].as_str().is_some_and(|name| name == OWN || name == REST || is_name_of_a_connection(name))
}

fn raw(seen: &Seen) -> &[Value] {
    seen.group.as_ref().map(|group| group.properties.security_rules.as_slice()).unwrap_or_default()
}

/// The rules of others, without what Azure adds and does not take back.
pub fn kept(seen: &Seen) -> Vec<Value> {
    let others = raw(seen).iter().filter(|rule| !is_ours(rule));
    let plain = |rule: &Value| {
        let mut properties = rule["properties"].clone();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("provisioningState");
        }
        json!({"name": rule["name"], "properties": properties})
    };
    others.map(plain).collect()
}

/// The ranges that the group lets in from a peer.
pub fn opened(seen: &Seen, connection: &ConnectionWish) -> Vec<Ipv4Net> {
    let name = connection.name();
    let rule = raw(seen).iter().filter_map(Rule::read).find(|rule| rule.name == name && rule.allow);
    let mut ranges: Vec<Ipv4Net> =
        rule.iter().flat_map(|rule| &rule.sources).filter_map(|source| source.parse().ok()).collect();
    ranges.sort();
    ranges
}

/// Everything of ours that should be in the group.
pub fn wanted(wish: &Wish, seen: &Seen) -> Vec<Rule> {
    let there: Vec<Rule> = raw(seen).iter().filter(|rule| is_ours(rule)).filter_map(Rule::read).collect();
    let inbound = raw(seen).iter().filter(|rule| rule["properties"]["direction"] != "Outbound");
    let mut taken: BTreeSet<i64> = inbound.filter_map(|rule| rule["properties"]["priority"].as_i64()).collect();
    let mut rules = Vec::new();
    for connection in wish.connections.iter().filter(|connection| connection.present && wish.present) {
        let (protocol, ports) = openings(wish);
        let sources = sources(seen.network.as_ref(), connection);
        if sources.is_empty() || ports.is_empty() {
            continue;
        }
        let name = connection.name();
        let before = there.iter().find(|rule| rule.name == name).map(|rule| rule.priority);
        let Some(priority) = before.or_else(|| (FIRST..OWN_PRIORITY).find(|free| !taken.contains(free))) else {
            continue;
        };
        taken.insert(priority);
        rules.push(Rule { name, priority, allow: true, protocol, sources, ports });
    }
    rules.push(Rule::new(OWN, OWN_PRIORITY, true, &wish.cidr.to_string()));
    rules.push(Rule::new(REST, REST_PRIORITY, false, "VirtualNetwork"));
    rules
}

/// Whether the group has these rules of ours and no others.
pub fn is_as_wished(seen: &Seen, wanted: &[Rule]) -> bool {
    let there: Vec<Option<Rule>> = raw(seen).iter().filter(|rule| is_ours(rule)).map(Rule::read).collect();
    there.len() == wanted.len() && wanted.iter().all(|rule| there.iter().flatten().any(|other| other == rule))
}

fn sources(network: Option<&Network>, connection: &ConnectionWish) -> BTreeSet<String> {
    let peering = network.and_then(|network| network.peering(connection));
    match peering {
        Some(peering) if peering.state() == Some("Connected") => {
            peering.carried().iter().chain(&connection.ranges).map(ToString::to_string).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn openings(wish: &Wish) -> (String, BTreeSet<String>) {
    if wish.openings.contains(&Opening::All) {
        return ("*".to_owned(), BTreeSet::from(["*".to_owned()]));
    }
    let port = |opening: &Opening| match opening {
        Opening::All => None,
        Opening::Tcp { from, to } if from == to => Some(from.to_string()),
        Opening::Tcp { from, to } => Some(format!("{from}-{to}")),
    };
    ("Tcp".to_owned(), wish.openings.iter().filter_map(port).collect())
}
