//! Who may reach a service: the effective firewall of its nodes (domain 3.6).
//!
//! Default deny. A packet to a port of the service gets through if one rule admits it, and every rule says why it is
//! there. The page shows [`Firewall`], the hosts enforce [`node_firewall`], and [`Firewall::verdict`] tells what happens
//! to one packet: the three are one list.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{
    Component, ComponentName, IpFilter, Node,
    node::{Destination, NodeFirewall, NodeRule},
};
use crate::domain::{
    AddressRange, Cidr, Network, ServiceName, VpcId, gateway::DriftPolicy, peer::PeerKind, tunnel::Unknown,
};

/// What the firewall of a service is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around<'a> {
    /// The range of its VPC; `None`: in public.
    pub private: Option<Cidr>,
    pub components: &'a [Component],
    /// What its VPC is joined to: [`peered`].
    pub peered: &'a [Peered],
    pub filter: &'a IpFilter,
    pub nodes: &'a [Node],
    /// Services that use components of this one over the private route.
    pub integrations: &'a [Integrated],
}

/// A range that reaches a VPC, and by what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Peered {
    pub by: Way,
    /// The peering connection, the gateway or the site, as people call it.
    pub name: String,
    pub range: Cidr,
}

/// By what a range reaches a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    Connection,
    VpcPeering,
    Site,
    RoadWarriors,
}

/// Another service that uses components of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integrated {
    pub service: ServiceName,
    pub components: BTreeSet<ComponentName>,
    pub addresses: Vec<IpAddr>,
}

/// Why a rule is there. Each reason has one rule per destination.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The other nodes of the service.
    Members,
    Peered(Way),
    /// The IP filter, on public routes.
    Filter,
    Integration(ServiceName),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub reason: Reason,
    pub to: Destination,
    pub components: Vec<ComponentName>,
    pub ports: BTreeSet<u16>,
    /// Merged, in order.
    pub from: Vec<AddressRange>,
    /// Of a peered rule: what its ranges are called.
    pub peered: Vec<Peered>,
    /// The IP filter takes addresses of the peered networks away.
    pub narrowed: bool,
}

/// Everything that is let in; nothing else is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firewall {
    pub guarded: BTreeSet<u16>,
    pub rules: Vec<Rule>,
}

/// What becomes of a connection attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    Admitted(&'a Rule),
    /// Default deny.
    Refused,
    /// No port of the service: the host's own business.
    NotGuarded,
}

/// Why an attempt was refused, by the rules as they are now: they may be others than those that refused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No rule admits it. `filtered`: an IP filter decides about public addresses, and it is not in it either.
    Deny { filtered: bool },
    /// A peered network of that name, which the IP filter leaves out.
    Narrowed(String),
    /// A rule admits it, but only to these addresses.
    Elsewhere(Reason, Destination),
    /// A rule admits it by now.
    AdmittedNow(Reason),
    /// No port of the service any more.
    NotGuarded,
}

impl fmt::Display for Cause {
    /// As a column of the page says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deny { filtered: false } => f.write_str("Default deny: no rule lets it in"),
            Self::Deny { filtered: true } => f.write_str("Default deny: not in the IP filter"),
            Self::Narrowed(name) => write!(f, "The IP filter leaves out {name}"),
            Self::Elsewhere(reason, Destination::Private) => write!(f, "Let in at private addresses only: {reason}"),
            Self::Elsewhere(reason, _) => write!(f, "Let in at public addresses only: {reason}"),
            Self::AdmittedNow(reason) => write!(f, "Let in by now: {reason}"),
            Self::NotGuarded => f.write_str("No port of the service any more"),
        }
    }
}

/// The ranges that reach a VPC by peering connections and by its gateway, each with its name.
pub fn peered(network: &Network, vpc: VpcId) -> Vec<Peered> {
    let mut all = Vec::new();
    for connection in network.routing_connections().filter(|connection| connection.vpc == vpc) {
        let name = connection.peer.vpc().to_owned();
        all.extend(connection.ranges().map(|range| Peered { by: Way::Connection, name: name.clone(), range }));
    }
    for gateway in network.gateways.iter().filter(|gateway| gateway.vpc == vpc) {
        let road_warriors = Peered { by: Way::RoadWarriors, name: gateway.name.to_string(), range: gateway.tunnel };
        all.push(road_warriors);
        for routed in network.routed.iter().filter(|routed| routed.gateway == gateway.id) {
            let by = if routed.kind == PeerKind::Site { Way::Site } else { Way::VpcPeering };
            all.push(Peered { by, name: routed.peer_name.to_string(), range: routed.cidr });
        }
    }
    all.sort();
    all.dedup();
    all
}

/// The firewall of a service: a pure function of what is around it.
pub fn effective(around: &Around) -> Firewall {
    let ports = |wanted: &dyn Fn(&Component) -> bool| -> (Vec<ComponentName>, BTreeSet<u16>) {
        let wanted = around.components.iter().filter(|component| wanted(component));
        wanted.map(|component| (component.name.clone(), component.port)).unzip()
    };
    let everything = ports(&|_| true);
    let mut rules = Vec::new();
    let mut add = |reason, to, (components, ports): (Vec<ComponentName>, BTreeSet<u16>), from: Vec<AddressRange>| {
        if !from.is_empty() && !ports.is_empty() {
            rules.push(Rule { reason, to, components, ports, from, peered: Vec::new(), narrowed: false });
        }
    };
    let members = around.nodes.iter().flat_map(Node::addresses).map(AddressRange::alone);
    add(Reason::Members, Destination::Any, everything.clone(), AddressRange::merge(members));
    for integrated in around.integrations {
        let used = ports(&|component| integrated.components.contains(&component.name));
        let from = AddressRange::merge(integrated.addresses.iter().copied().map(AddressRange::alone));
        let to = if around.private.is_some() { Destination::Private } else { Destination::Any };
        add(Reason::Integration(integrated.service.clone()), to, used, from);
    }
    let filter = AddressRange::merge(around.filter.networks());
    if around.private.is_none() {
        // In public every route is public.
        add(Reason::Filter, Destination::Any, everything.clone(), filter);
        return Firewall { guarded: everything.1, rules };
    }
    let public = ports(&|component| component.public_access);
    let is_public = !public.1.is_empty();
    add(Reason::Filter, Destination::Public, public, filter.clone());
    for way in [Way::Connection, Way::VpcPeering, Way::Site, Way::RoadWarriors] {
        let peered: Vec<Peered> = around.peered.iter().filter(|peered| peered.by == way).cloned().collect();
        let mut from = AddressRange::merge(peered.iter().map(|peered| peered.range.into()));
        let mut narrowed = false;
        // A service with public access asks its filter on every route (domain 3.6).
        if is_public {
            let allowed = shared(&from, &filter);
            narrowed = allowed != from;
            from = allowed;
        }
        if from.is_empty() {
            continue;
        }
        let (components, ports) = everything.clone();
        let (reason, to) = (Reason::Peered(way), Destination::Private);
        rules.push(Rule { reason, to, components, ports, from, peered, narrowed });
    }
    Firewall { guarded: everything.1, rules }
}

/// The addresses that both lists hold; both merged and in order.
fn shared(peered: &[AddressRange], filter: &[AddressRange]) -> Vec<AddressRange> {
    let mut both = Vec::new();
    for range in peered {
        // Disjoint and in order: what overlaps stands together.
        let first = filter.partition_point(|other| other < range && !other.covers(*range));
        let overlapping = filter[first..].iter().take_while(|other| other.overlaps(*range));
        both.extend(overlapping.filter_map(|other| other.shared(*range)));
    }
    AddressRange::merge(both)
}

impl Firewall {
    /// What becomes of a connection attempt from an address to a port, at an address of the node's.
    pub fn verdict(&self, from: IpAddr, to: Destination, port: u16) -> Verdict<'_> {
        if !self.guarded.contains(&port) {
            return Verdict::NotGuarded;
        }
        self.rules.iter().find(|rule| rule.admits(from, to, port)).map_or(Verdict::Refused, Verdict::Admitted)
    }

    /// Why an attempt was refused, of which nobody knows at which of the node's addresses it arrived.
    pub fn cause(&self, from: IpAddr, port: u16) -> Cause {
        match self.verdict(from, Destination::Any, port) {
            Verdict::NotGuarded => Cause::NotGuarded,
            Verdict::Admitted(first) => {
                let all = || self.rules.iter().filter(|rule| rule.admits(from, Destination::Any, port));
                let somewhere = [Destination::Private, Destination::Public]
                    .into_iter()
                    .all(|to| all().any(|rule| rule.admits(from, to, port)));
                let reason = first.reason.clone();
                if somewhere { Cause::AdmittedNow(reason) } else { Cause::Elsewhere(reason, first.to) }
            }
            Verdict::Refused => match self.narrowed(from) {
                Some(name) => Cause::Narrowed(name.to_owned()),
                None => Cause::Deny { filtered: self.rules.iter().any(|rule| rule.reason == Reason::Filter) },
            },
        }
    }

    /// The peered network that holds an address which the IP filter takes away.
    pub fn narrowed(&self, from: IpAddr) -> Option<&str> {
        self.rules.iter().filter(|rule| rule.narrowed).find_map(|rule| rule.whose(from))
    }
}

impl Rule {
    pub fn admits(&self, from: IpAddr, to: Destination, port: u16) -> bool {
        let there = self.to == to || self.to == Destination::Any || to == Destination::Any;
        there && self.ports.contains(&port) && self.holds(from)
    }

    /// Whether an address is in one of its ranges, which are disjoint and in order.
    fn holds(&self, from: IpAddr) -> bool {
        let alone = AddressRange::alone(from);
        let after = self.from.partition_point(|range| *range <= alone);
        after.checked_sub(1).is_some_and(|at| self.from[at].contains(from))
    }

    /// The peering that an address comes by.
    pub fn whose(&self, from: IpAddr) -> Option<&str> {
        let IpAddr::V4(from) = from else { return None };
        self.peered.iter().find(|peered| peered.range.contains(from)).map(|peered| peered.name.as_str())
    }

    /// The name of its counter.
    pub fn counter(&self) -> String {
        match &self.reason {
            Reason::Members => "members".to_owned(),
            Reason::Peered(way) => way.label().to_owned(),
            Reason::Filter => "filter".to_owned(),
            Reason::Integration(service) => format!("integration-{service}"),
        }
    }
}

impl Way {
    fn label(self) -> &'static str {
        match self {
            Self::Connection => "connections",
            Self::VpcPeering => "vpc-peerings",
            Self::Site => "sites",
            Self::RoadWarriors => "road-warriors",
        }
    }
}

impl fmt::Display for Reason {
    /// As a column of the page says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Members => f.write_str("Other nodes of this service"),
            Self::Peered(Way::Connection) => f.write_str("Peering connections of the VPC"),
            Self::Peered(Way::VpcPeering) => f.write_str("VPC peerings of the VPN gateway"),
            Self::Peered(Way::Site) => f.write_str("Sites of the VPN gateway"),
            Self::Peered(Way::RoadWarriors) => f.write_str("Road warriors of the VPN gateway"),
            Self::Filter => f.write_str("IP filter"),
            Self::Integration(service) => write!(f, "Integration of service {service}"),
        }
    }
}

/// What one node is told. A public address that is translated before the host is not seen by it: what is meant for it
/// arrives at a private one.
pub fn node_firewall(
    firewall: &Firewall,
    service: &ServiceName,
    private: Option<Cidr>,
    node: &Node,
    drift_policy: DriftPolicy,
    repairs: u64,
) -> NodeFirewall {
    let rule = |rule: &Rule| NodeRule {
        name: rule.counter(),
        to: if rule.to == Destination::Public && node.settings.translated { Destination::Any } else { rule.to },
        ports: rule.ports.clone(),
        from: rule.from.clone(),
    };
    NodeFirewall {
        id: node.id,
        service: service.clone(),
        private,
        guarded: firewall.guarded.clone(),
        rules: firewall.rules.iter().map(rule).collect(),
        drift_policy,
        repairs,
        needs: 0,
        unknown: Unknown::new(),
    }
}

#[cfg(test)]
#[path = "firewall_tests.rs"]
mod tests;
