//! The firewall before the ports of a service.
//!
//! It stands after conntrack and before any translation of addresses, so that a service in a
//! container behind published ports is guarded as well. Only TCP packets for a guarded port of
//! this host are judged: whatever else the host does is the operator's own business. There is no
//! `established`: every packet is judged, so that access that is taken away ends live flows at once.
//! Answers to what the host opened itself from a guarded port are known by the SYN that it sent.
//! Asking conntrack for the direction would not do: it takes the first packet that it sees of a
//! flow for the opening one, and of a flow that is older than this table that may be the service's.

use std::collections::BTreeMap;

use app::domain::{
    plan::{Chain, Firewall, Set},
    service::node::{DROPPED, Destination, NodeFirewall, NodeRule, REFUSED_SHOWN},
};

use super::{IPV4, IPV6};

/// Before the name of a rule: its counter.
pub const ADMITS: &str = "admits-";
/// Before the family: who was refused at which port.
pub const REFUSED: &str = "refused-";

const PREROUTING: &str = "type filter hook prerouting priority -150; policy accept;";
/// After the source is translated: as the answers will name it.
const POSTROUTING: &str = "type filter hook postrouting priority 150; policy accept;";
const OPENING: &str = "tcp flags & (ack | fin | rst | syn) == syn";
/// Seconds that a refused source is remembered after its last attempt.
const REFUSED_SECONDS: u32 = 600;
const OPENED_SECONDS: u32 = 86_400;
const OPENED: u32 = 4096;

/// A family of addresses, in nft's words.
struct Family {
    digit: char,
    protocol: &'static str,
    address: &'static str,
    ranges: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family { digit: '4', protocol: "ip", address: "ipv4_addr", ranges: IPV4 },
    Family { digit: '6', protocol: "ip6", address: "ipv6_addr", ranges: IPV6 },
];

pub fn ruleset(node: &NodeFirewall) -> Firewall {
    let guarded = node.guarded.iter().map(ToString::to_string).collect();
    let mut sets =
        BTreeMap::from([("guarded".to_owned(), Set { kind: "type inet_service;".to_owned(), elements: guarded })]);
    let mut arriving = vec![
        r#"iifname "lo" accept"#.to_owned(),
        "fib daddr type != local accept".to_owned(),
        "meta l4proto != tcp accept".to_owned(),
        "tcp dport != @guarded accept".to_owned(),
    ];
    let mut leaving = Vec::new();
    let mut last = Vec::new();
    for Family { digit, protocol, address, .. } in &FAMILIES {
        let kind = |rest: &str, size: u32, timeout: u32| {
            let kind =
                format!("type {address} . inet_service{rest}; flags dynamic,timeout; size {size}; timeout {timeout}s;");
            Set { kind, ..Set::default() }
        };
        sets.insert(format!("opened-{digit}"), kind(" . inet_service", OPENED, OPENED_SECONDS));
        sets.insert(format!("{REFUSED}{digit}"), kind("", REFUSED_SHOWN.try_into().unwrap_or(256), REFUSED_SECONDS));
        arriving.push(format!("{protocol} saddr . tcp sport . tcp dport @opened-{digit} ct direction reply accept"));
        leaving.push(format!(
            "tcp sport @guarded {OPENING} update @opened-{digit} {{ {protocol} daddr . tcp dport . tcp sport }}"
        ));
        // A full set ends the rule, not the packet: the drop is a rule of its own.
        last.push(format!("{OPENING} update @{REFUSED}{digit} {{ {protocol} saddr . tcp dport counter }}"));
    }
    for rule in &node.rules {
        for family in &FAMILIES {
            let Some((text, from)) = admission(node, rule, family) else { continue };
            arriving.push(text);
            sets.insert(source(rule, family), from);
        }
    }
    arriving.extend(last);
    arriving.push(format!("counter name {DROPPED:?} drop"));

    let counters = node.rules.iter().map(|rule| format!("{ADMITS}{}", rule.name)).chain([DROPPED.to_owned()]);
    let chain = |hook: &str, rules| Chain { hook: hook.to_owned(), rules };
    let chains = BTreeMap::from([
        ("prerouting".to_owned(), chain(PREROUTING, arriving)),
        ("postrouting".to_owned(), chain(POSTROUTING, leaving)),
    ]);
    Firewall { sets, counters: counters.collect(), chains }
}

/// The name of the set of a rule's sources.
fn source(rule: &NodeRule, family: &Family) -> String {
    format!("from-{}-{}", rule.name, family.digit)
}

/// `None`: nothing of this family can match.
fn admission(node: &NodeFirewall, rule: &NodeRule, family: &Family) -> Option<(String, Set)> {
    let ranges = rule.from.iter().filter(|range| range.is_ipv4() == (family.digit == '4'));
    let elements: std::collections::BTreeSet<String> = ranges.map(ToString::to_string).collect();
    let ports = match rule.ports.iter().map(ToString::to_string).collect::<Vec<_>>() {
        ports if ports.is_empty() => return None,
        ports if ports.len() == 1 => ports.concat(),
        ports => format!("{{ {} }}", ports.join(", ")),
    };
    // Private addresses are IPv4, as every VPC is.
    let private = node.private.filter(|_| family.digit == '4');
    let to = match (rule.to, private) {
        (Destination::Private, None) => return None,
        (Destination::Private, Some(range)) => format!("ip daddr {range} "),
        (Destination::Public, Some(range)) => format!("ip daddr != {range} "),
        (Destination::Public, None) | (Destination::Any, _) => String::new(),
    };
    if elements.is_empty() {
        return None;
    }
    let text = format!(
        "{} saddr @{} {to}tcp dport {ports} counter name \"{ADMITS}{}\" accept",
        family.protocol,
        source(rule, family),
        rule.name
    );
    Some((text, Set { kind: family.ranges.to_owned(), elements }))
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
