//! What differs between a document and a host, field by field, in words.
//!
//! Empty exactly when there is nothing to plan. A difference keeps the moment at which it
//! was first seen for as long as it lasts.

use std::collections::{BTreeMap, BTreeSet};

use super::{Chain, Frame, HostState, Peers, Set, shadows, wrong_sysctls};
use crate::domain::{
    Cidr, PublicKey, Timestamp,
    host::Drift,
    peer::Endpoint,
    tunnel::{INTERFACE, TunnelPeer},
};

/// A host that lost everything is told in this many differences and a sum.
pub const DRIFT_SHOWN: usize = 100;

/// Every difference, in a stable order.
pub fn drift(frame: &Frame, peers: &Peers, found: &HostState, now: Timestamp, previous: &[Drift]) -> Vec<Drift> {
    let first_seen: BTreeMap<(&str, &str), Timestamp> =
        previous.iter().map(|drift| ((drift.subject.as_str(), drift.field.as_str()), drift.since)).collect();
    let mut all = Differences::default();
    interface(&mut all, frame, found);
    sysctls(&mut all, frame, found);
    firewall(&mut all, frame, found);
    if frame.device.is_some() {
        routes(&mut all, frame, found);
        // Without an interface there are no peers, and 10,000 lines that say so help nobody.
        if found.device.is_some() {
            for_each_peer(&mut all, peers, found, now);
        }
    }
    let more = all.0.len().saturating_sub(DRIFT_SHOWN);
    all.0.truncate(DRIFT_SHOWN);
    if more > 0 {
        all.add("host", "more", "none", &format!("{more} more differences"));
    }
    for drift in &mut all.0 {
        drift.since = first_seen.get(&(drift.subject.as_str(), drift.field.as_str())).copied().unwrap_or(now);
    }
    all.0
}

#[derive(Default)]
struct Differences(Vec<Drift>);

impl Differences {
    fn add(&mut self, subject: &str, field: impl Into<String>, wanted: &str, found: &str) {
        self.0.push(Drift {
            subject: subject.to_owned(),
            field: field.into(),
            wanted: wanted.to_owned(),
            found: found.to_owned(),
            since: Timestamp::default(),
        });
    }

    fn compare(&mut self, subject: &str, field: impl Into<String>, wanted: &str, found: &str) {
        if wanted != found {
            self.add(subject, field, wanted, found);
        }
    }
}

fn interface(all: &mut Differences, frame: &Frame, found: &HostState) {
    let (wanted, device) = match (&frame.device, &found.device) {
        (None, None) => return,
        (None, Some(_)) => return all.add("interface", INTERFACE, "absent", "present"),
        (Some(_), None) => return all.add("interface", INTERFACE, "present", "missing"),
        (Some(wanted), Some(device)) => (wanted, device),
    };
    let key = device.public_key.map_or_else(|| "none".to_owned(), |key| key.to_string());
    all.compare("interface", format!("{INTERFACE} public_key"), &wanted.public_key.to_string(), &key);
    let ports = (wanted.listen_port.to_string(), device.listen_port.to_string());
    all.compare("interface", format!("{INTERFACE} listen_port"), &ports.0, &ports.1);
    let mtu = found.link.mtu.map_or_else(|| "unknown".to_owned(), |mtu| mtu.to_string());
    all.compare("interface", format!("{INTERFACE} mtu"), &wanted.mtu.to_string(), &mtu);
    let own = (wanted.address, wanted.tunnel.prefix());
    if !found.link.addresses.contains(&own) {
        all.add("interface", format!("{INTERFACE} address"), &format!("{}/{}", own.0, own.1), "missing");
    }
    for (address, prefix) in found.link.addresses.iter().filter(|other| **other != own) {
        all.add("interface", format!("{INTERFACE} address {address}/{prefix}"), "absent", "present");
    }
    all.compare("interface", format!("{INTERFACE} link"), "up", if found.link.up { "up" } else { "down" });
}

fn sysctls(all: &mut Differences, frame: &Frame, found: &HostState) {
    for (key, wanted) in wrong_sysctls(frame, found) {
        all.compare("sysctl", key, wanted, found.sysctls.get(key).map_or("unknown", String::as_str));
    }
}

fn firewall(all: &mut Differences, frame: &Frame, found: &HostState) {
    let (wanted, found) = match (&frame.firewall, &found.firewall) {
        (None, None) => return,
        (None, Some(_)) if frame.device.is_some() => return,
        (None, Some(_)) => return all.add("firewall", "table inet causeway", "absent", "present"),
        (Some(_), None) => return all.add("firewall", "table inet causeway", "present", "missing"),
        (Some(wanted), Some(found)) => (wanted, found),
    };
    let none = Set::default();
    for name in wanted.sets.keys().chain(found.sets.keys()).collect::<BTreeSet<_>>() {
        let (want, have) = (wanted.sets.get(name), found.sets.get(name));
        if want.is_none() || have.is_none() {
            all.add("firewall", format!("set {name}"), asked(want.is_some()), seen(have.is_some()));
        }
        let both = want.is_some() && have.is_some();
        let (want, have) = (want.unwrap_or(&none), have.unwrap_or(&none));
        if both {
            all.compare("firewall", format!("set {name} type"), &want.kind, &have.kind);
        }
        for element in want.elements.symmetric_difference(&have.elements) {
            let field = format!("set {name}: {element}");
            all.add("firewall", field, asked(want.elements.contains(element)), seen(have.elements.contains(element)));
        }
    }
    for name in wanted.counters.symmetric_difference(&found.counters) {
        let field = format!("counter {name}");
        all.add("firewall", field, asked(wanted.counters.contains(name)), seen(found.counters.contains(name)));
    }
    let empty = Chain::default();
    for name in wanted.chains.keys().chain(found.chains.keys()).collect::<BTreeSet<_>>() {
        let (want, have) = (wanted.chains.get(name).unwrap_or(&empty), found.chains.get(name).unwrap_or(&empty));
        chain(all, name, want, have);
    }
}

fn chain(all: &mut Differences, name: &str, wanted: &Chain, found: &Chain) {
    let or_missing = |hook: &str| if hook.is_empty() { "missing".to_owned() } else { hook.to_owned() };
    all.compare("firewall", format!("chain {name}"), &or_missing(&wanted.hook), &or_missing(&found.hook));
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    wanted.rules.iter().for_each(|rule| *counts.entry(rule).or_default() += 1);
    found.rules.iter().for_each(|rule| *counts.entry(rule).or_default() -= 1);
    let before = all.0.len();
    for (rule, count) in counts.into_iter().filter(|(_, count)| *count != 0) {
        all.add("firewall", format!("{name}: {rule}"), asked(count > 0), seen(count < 0));
    }
    if all.0.len() == before && wanted.rules != found.rules {
        all.add("firewall", format!("{name}: order of rules"), "as rendered", "another order");
    }
}

fn routes(all: &mut Differences, frame: &Frame, found: &HostState) {
    for range in frame.routes.difference(&found.routes) {
        all.add("route", range.to_string(), &format!("dev {INTERFACE}"), "missing");
    }
    for range in found.routes.difference(&frame.routes) {
        all.add("route", range.to_string(), "absent", &format!("dev {INTERFACE}"));
    }
    for (range, shadow) in shadows(frame, found) {
        all.add("route", format!("{range} shadowed"), &format!("dev {INTERFACE}"), &shadow.to_string());
    }
}

fn for_each_peer(all: &mut Differences, peers: &Peers, found: &HostState, now: Timestamp) {
    for key in found.peers.keys().filter(|key| !peers.contains_key(key)) {
        all.add("peer", key.to_string(), "absent", "present");
    }
    for (key, wanted) in peers {
        match found.peers.get(key) {
            None => all.add("peer", key.to_string(), &format!("present ({})", wanted.name), "missing"),
            Some(there) => peer(all, *key, wanted, there, now),
        }
    }
}

fn peer(all: &mut Differences, key: PublicKey, wanted: &TunnelPeer, found: &super::FoundPeer, now: Timestamp) {
    if wanted.preshared_key != found.preshared_key {
        let word = |there: bool, yes: &'static str| if there { yes } else { "none" };
        let console = word(wanted.preshared_key.is_some(), "the console's");
        all.add("peer", format!("{key} preshared_key"), console, word(found.preshared_key.is_some(), "another"));
    }
    if found.endpoint_is_wrong(wanted, now) {
        let word =
            |endpoint: Option<Endpoint>| endpoint.map_or_else(|| "none".to_owned(), |endpoint| endpoint.to_string());
        all.add("peer", format!("{key} endpoint"), &word(wanted.endpoint), &word(found.endpoint));
    }
    if found.keepalive_is_wrong(wanted) {
        all.add("peer", format!("{key} keepalive"), &wanted.keepalive.to_string(), &found.keepalive.to_string());
    }
    if found.allowed_ips_are_wrong(wanted) {
        let mut there = list(&found.allowed_ips);
        for alien in &found.alien_ips {
            there = format!("{there}, {alien}");
        }
        all.add("peer", format!("{key} allowed_ips"), &list(&wanted.allowed_ips), &there);
    }
}

fn list(ranges: &[Cidr]) -> String {
    if ranges.is_empty() {
        return "none".to_owned();
    }
    ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn asked(for_it: bool) -> &'static str {
    if for_it { "present" } else { "absent" }
}

fn seen(there: bool) -> &'static str {
    if there { "present" } else { "missing" }
}
