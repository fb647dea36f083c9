//! From what a host should show and what it does show to the steps in between: the agent's brain.
//!
//! Pure: `plan` reads nothing and does nothing, so that a planned repair can be tested
//! without a host, and what is already right is never touched. The order never changes:
//! firewall, sysctls, WireGuard peers, address and link, routes. The guard is therefore up
//! before anything can pass, and a revoked peer is gone before its route is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::Ipv4Addr,
};

use super::{
    Cidr, PublicKey, Timestamp,
    host::HostFacts,
    tunnel::{Document, INTERFACE, TunnelPeer},
};

mod courtesy;
mod drift;
mod state;

pub use courtesy::{COURTESY, calls_due, is_called};
pub use drift::{DRIFT_SHOWN, drift};
pub use state::{Chain, Device, Firewall, ForeignRoute, FoundPeer, HostState, Link, Set};

/// A document's peers.
pub type Peers = BTreeMap<PublicKey, TunnelPeer>;

/// The interfaces of a host that its gateway stands between. Both may be one: the usual cloud machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The one with an address inside the VPC; `None`: the host is not in its VPC, and serves nothing.
    pub lan: Option<String>,
    /// The default route's.
    pub wan: Option<String>,
}

impl Surroundings {
    pub fn of(facts: &HostFacts, vpc: Cidr) -> Self {
        Self { lan: facts.address_in(vpc).map(|(name, _)| name.to_owned()), wan: facts.wan.clone() }
    }
}

/// Everything that a host should show but its peers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// `None`: a node's host, or nothing of ours.
    pub device: Option<WantedDevice>,
    pub firewall: Option<Firewall>,
    /// Keys are paths below /proc/sys.
    pub sysctls: BTreeMap<String, String>,
    pub routes: BTreeSet<Cidr>,
}

/// The WireGuard interface that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedDevice {
    /// The public half of the key that only this host has.
    pub public_key: PublicKey,
    pub listen_port: u16,
    pub mtu: u32,
    pub address: Ipv4Addr,
    pub tunnel: Cidr,
}

impl Frame {
    /// What a document asks of this host. The firewall is rendered by whoever knows its language.
    pub fn of(document: &Document, own_key: PublicKey, around: &Surroundings, firewall: Option<Firewall>) -> Self {
        let Some(gateway) = &document.gateway else {
            // All that a node asks for, and an empty document asks for nothing.
            return Self { firewall: firewall.filter(|_| !document.is_empty()), ..Self::default() };
        };
        Self {
            device: Some(WantedDevice {
                public_key: own_key,
                listen_port: gateway.listen_port,
                mtu: gateway.mtu.into(),
                address: gateway.address,
                tunnel: gateway.tunnel,
            }),
            firewall,
            sysctls: sysctls(around),
            routes: document.routes().into_iter().collect(),
        }
    }

    /// Nothing of ours, and the sysctls as they were before us.
    pub fn cleaned(before: BTreeMap<String, String>) -> Self {
        let own = format!("/{INTERFACE}/");
        Self { sysctls: before.into_iter().filter(|(key, _)| !key.contains(&own)).collect(), ..Self::default() }
    }
}

/// A host that forwards, never tells a road warrior of a shorter way, and takes packets from where WireGuard says they come.
fn sysctls(around: &Surroundings) -> BTreeMap<String, String> {
    let conf = |interface: &str, key: &str| format!("net/ipv4/conf/{interface}/{key}");
    let mut wanted = BTreeMap::from([
        ("net/ipv4/ip_forward".to_owned(), "1".to_owned()),
        // The effective value is the "or" of both.
        (conf("all", "send_redirects"), "0".to_owned()),
        (conf(INTERFACE, "send_redirects"), "0".to_owned()),
        (conf(INTERFACE, "rp_filter"), "2".to_owned()),
    ]);
    if let Some(lan) = &around.lan {
        wanted.insert(conf(lan, "send_redirects"), "0".to_owned());
    }
    wanted
}

/// One thing to do. Doing it twice is doing it once.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// In one transaction.
    ReplaceFirewall(Firewall),
    MakeInterface,
    SetSysctl {
        key: String,
        value: String,
    },
    SetDevice {
        key: bool,
        listen_port: Option<u16>,
    },
    SetPeers {
        remove: Vec<PublicKey>,
        set: Vec<SetPeer>,
    },
    SetMtu(u32),
    AddAddress {
        address: Ipv4Addr,
        prefix: u8,
    },
    RemoveAddress {
        address: Ipv4Addr,
        prefix: u8,
    },
    LinkUp,
    RemoveShadow(ForeignRoute),
    RemoveRoute(Cidr),
    AddRoute(Cidr),
    /// Flows of removed peers that the host still remembers.
    ForgetFlows(Vec<Cidr>),
    RemoveInterface,
    RemoveFirewall,
}

/// A peer, and which of its fields have to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct SetPeer {
    pub peer: TunnelPeer,
    /// The host has it already.
    pub exists: bool,
    pub preshared_key: bool,
    pub endpoint: bool,
    pub keepalive: bool,
    pub allowed_ips: bool,
    /// It is let call first: endpoint and keepalive come later, by [`calls_due`].
    pub answering: bool,
}

/// The way from `found` to what is wanted; empty if there is nothing to do.
pub fn plan(frame: &Frame, peers: &Peers, found: &HostState, now: Timestamp) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(firewall) = frame.firewall.as_ref().filter(|firewall| found.firewall.as_ref() != Some(firewall)) {
        steps.push(Step::ReplaceFirewall(firewall.clone()));
    }
    let Some(wanted) = &frame.device else {
        steps.extend(removal(frame, found));
        return steps;
    };
    if found.device.is_none() {
        steps.push(Step::MakeInterface);
    }
    steps.extend(sysctl_steps(frame, found));

    let device = found.device.as_ref();
    let key = device.and_then(|device| device.public_key) != Some(wanted.public_key);
    let port = device.is_none_or(|device| device.listen_port != wanted.listen_port).then_some(wanted.listen_port);
    if key || port.is_some() {
        steps.push(Step::SetDevice { key, listen_port: port });
    }
    let (peer_step, forget) = plan_peers(Some(wanted.public_key), peers, &found.peers, now);
    steps.extend(peer_step);

    if found.link.mtu != Some(wanted.mtu) {
        steps.push(Step::SetMtu(wanted.mtu));
    }
    let own = (wanted.address, wanted.tunnel.prefix());
    if !found.link.addresses.contains(&own) {
        steps.push(Step::AddAddress { address: own.0, prefix: own.1 });
    }
    let others = found.link.addresses.iter().filter(|other| **other != own);
    steps.extend(others.map(|&(address, prefix)| Step::RemoveAddress { address, prefix }));
    if !found.link.up {
        steps.push(Step::LinkUp);
    }

    steps.extend(found.routes.difference(&frame.routes).map(|route| Step::RemoveRoute(*route)));
    steps.extend(shadows(frame, found).map(|(_, shadow)| Step::RemoveShadow(shadow.clone())));
    steps.extend(frame.routes.difference(&found.routes).map(|route| Step::AddRoute(*route)));
    steps.extend(forget);
    steps
}

/// The way from one document to the next on a host that is believed to show the first: costs what changed, not what there is.
/// `old` and `new` hold the peers that changed and no others.
pub fn plan_change(was: (&Frame, &Peers), is: (&Frame, &Peers), now: Timestamp) -> Vec<Step> {
    let ((was, old), (is, new)) = (was, is);
    if was == is {
        let before = old.iter().map(|(key, peer)| (*key, FoundPeer::showing(peer))).collect();
        let own = is.device.as_ref().map(|device| device.public_key);
        let (step, forget) = plan_peers(own, new, &before, now);
        return step.into_iter().chain(forget).collect();
    }
    plan(is, new, &HostState::showing(was, old), now)
}

fn plan_peers(
    own: Option<PublicKey>,
    wanted: &Peers,
    found: &BTreeMap<PublicKey, FoundPeer>,
    now: Timestamp,
) -> (Option<Step>, Option<Step>) {
    let mut forget = BTreeSet::new();
    let mut remove: Vec<PublicKey> = Vec::new();
    for (key, peer) in found.iter().filter(|(key, _)| !wanted.contains_key(key)) {
        remove.push(*key);
        forget.extend(&peer.allowed_ips);
    }
    let mut set = Vec::new();
    for (key, peer) in wanted {
        let there = found.get(key);
        if let Some(there) = there {
            forget.extend(there.allowed_ips.iter().filter(|range| !peer.allowed_ips.contains(range)));
            // A session outlives its preshared key by three minutes, unless the peer goes with it.
            if there.preshared_key != peer.preshared_key {
                remove.push(*key);
                set.push(SetPeer::first_of(own, peer));
                continue;
            }
        }
        set.extend(SetPeer::difference(own, peer, there, now));
    }
    let step = (!remove.is_empty() || !set.is_empty()).then_some(Step::SetPeers { remove, set });
    let forget = (!forget.is_empty()).then(|| Step::ForgetFlows(forget.into_iter().collect()));
    (step, forget)
}

impl SetPeer {
    fn none_of(peer: &TunnelPeer) -> Self {
        Self {
            peer: peer.clone(),
            exists: false,
            preshared_key: false,
            endpoint: false,
            keepalive: false,
            allowed_ips: false,
            answering: false,
        }
    }

    fn all_of(peer: &TunnelPeer) -> Self {
        Self { preshared_key: true, endpoint: true, keepalive: true, allowed_ips: true, ..Self::none_of(peer) }
    }

    fn difference(
        own: Option<PublicKey>,
        peer: &TunnelPeer,
        there: Option<&FoundPeer>,
        now: Timestamp,
    ) -> Option<Self> {
        let Some(there) = there else { return Some(Self::first_of(own, peer)) };
        let step = Self {
            exists: true,
            endpoint: there.endpoint_is_wrong(peer, now),
            keepalive: there.keepalive_is_wrong(peer),
            allowed_ips: there.allowed_ips_are_wrong(peer),
            ..Self::none_of(peer)
        };
        (step.endpoint || step.keepalive || step.allowed_ips).then_some(step)
    }
}

fn sysctl_steps<'a>(frame: &'a Frame, found: &'a HostState) -> impl Iterator<Item = Step> + 'a {
    wrong_sysctls(frame, found).map(|(key, value)| Step::SetSysctl { key: key.clone(), value: value.clone() })
}

/// A cleaned host is not asked for the settings of an interface that it no longer has.
fn wrong_sysctls<'a>(frame: &'a Frame, found: &'a HostState) -> impl Iterator<Item = (&'a String, &'a String)> {
    let needed = |key: &String| frame.device.is_some() || found.sysctls.contains_key(key);
    frame.sysctls.iter().filter(move |(key, value)| needed(key) && found.sysctls.get(*key) != Some(value))
}

/// The guard goes last: while anything forwards, it watches.
fn removal(frame: &Frame, found: &HostState) -> Vec<Step> {
    // Routes and sessions go with the interface.
    let interface = found.device.is_some().then_some(Step::RemoveInterface);
    let firewall = (found.firewall.is_some() && frame.firewall.is_none()).then_some(Step::RemoveFirewall);
    interface.into_iter().chain(sysctl_steps(frame, found)).chain(firewall).collect()
}

/// Foreign routes that take traffic away from a wanted one, with the range that they take it from.
fn shadows<'a>(frame: &'a Frame, found: &'a HostState) -> impl Iterator<Item = (Cidr, &'a ForeignRoute)> + 'a {
    found.foreign.iter().filter_map(|foreign| Some((shadowed(frame, foreign)?, foreign)))
}

fn shadowed(frame: &Frame, foreign: &ForeignRoute) -> Option<Cidr> {
    if foreign.belongs_to_the_host() {
        return None;
    }
    let tunnel = frame.device.as_ref().map(|device| device.tunnel);
    let to = foreign.destination;
    (0..=to.prefix())
        .rev()
        .filter_map(|prefix| Cidr::around(to.network(), prefix))
        .find(|range| frame.routes.contains(range) || tunnel == Some(*range))
        // At equal length the lower metric wins, and ours is zero.
        .filter(|range| to != *range || foreign.metric == 0)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReplaceFirewall(firewall) => {
                let rules: usize = firewall.chains.values().map(|chain| chain.rules.len()).sum();
                write!(f, "replace the firewall table ({} sets, {rules} rules)", firewall.sets.len())
            }
            Self::MakeInterface => write!(f, "make interface {INTERFACE}"),
            Self::SetSysctl { key, value } => write!(f, "set {key} = {value}"),
            Self::SetDevice { key, listen_port } => {
                f.write_str("set the device's")?;
                if *key {
                    f.write_str(" private key")?;
                }
                match listen_port {
                    Some(port) if *key => write!(f, " and listen port {port}"),
                    Some(port) => write!(f, " listen port {port}"),
                    None => Ok(()),
                }
            }
            Self::SetPeers { remove, set } => {
                let removals = remove.iter().map(|key| format!("remove peer {}", key.short()));
                let all: Vec<String> = removals.chain(set.iter().map(ToString::to_string)).collect();
                f.write_str(&all.join("\n"))
            }
            Self::SetMtu(mtu) => write!(f, "set MTU {mtu} on {INTERFACE}"),
            Self::AddAddress { address, prefix } => write!(f, "add address {address}/{prefix} to {INTERFACE}"),
            Self::RemoveAddress { address, prefix } => write!(f, "remove address {address}/{prefix} from {INTERFACE}"),
            Self::LinkUp => write!(f, "bring {INTERFACE} up"),
            Self::RemoveShadow(route) => write!(f, "remove foreign route {route}"),
            Self::RemoveRoute(range) => write!(f, "remove route {range} dev {INTERFACE}"),
            Self::AddRoute(range) => write!(f, "add route {range} dev {INTERFACE}"),
            Self::ForgetFlows(ranges) => {
                let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
                write!(f, "forget flows of {}", ranges.join(", "))
            }
            Self::RemoveInterface => write!(f, "remove interface {INTERFACE}"),
            Self::RemoveFirewall => f.write_str("remove the firewall table"),
        }
    }
}

impl fmt::Display for SetPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.exists { "change" } else { "add" };
        write!(f, "{verb} peer {} ({})", self.peer.public_key.short(), self.peer.name)?;
        if self.preshared_key && self.peer.preshared_key.is_some() {
            f.write_str(" preshared key")?;
        }
        if let Some(endpoint) = self.peer.endpoint.filter(|_| self.endpoint) {
            write!(f, " endpoint {endpoint}")?;
        }
        if self.keepalive {
            write!(f, " keepalive {}", self.peer.keepalive)?;
        }
        if self.allowed_ips {
            let ranges: Vec<String> = self.peer.allowed_ips.iter().map(ToString::to_string).collect();
            write!(f, " allowed-ips {}", ranges.join(", "))?;
        }
        if self.answering {
            f.write_str(", and let it call first")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
