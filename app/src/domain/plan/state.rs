//! What a host was read to be, and what it would be after a step.
//!
//! The second half is a model of a host: property tests plan against it, the recording
//! host is it, and a change between two documents is planned against what the first one left.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::Ipv4Addr,
};

use super::{Frame, Peers, Step, plan};
use crate::domain::{
    Cidr, PresharedKey, PublicKey, Timestamp,
    peer::{Endpoint, SESSION_SECONDS},
    tunnel::TunnelPeer,
};

/// A host as it was read. The default is a host that has nothing of ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostState {
    /// `None`: there is no interface, or nobody answers for it.
    pub device: Option<Device>,
    pub peers: BTreeMap<PublicKey, FoundPeer>,
    pub link: Link,
    /// Destinations of our own routes: our protocol number, out of our interface.
    pub routes: BTreeSet<Cidr>,
    /// Everybody else's routes in the main table that do not lead to our interface.
    pub foreign: Vec<ForeignRoute>,
    pub firewall: Option<Firewall>,
    /// Only those that were asked for.
    pub sysctls: BTreeMap<String, String>,
}

/// The WireGuard device, without its peers and never with its private key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// `None`: nobody has configured it since it was made.
    pub public_key: Option<PublicKey>,
    pub listen_port: u16,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundPeer {
    pub preshared_key: Option<PresharedKey>,
    /// `None`: unknown, or over IPv6.
    pub endpoint: Option<Endpoint>,
    pub keepalive: u16,
    /// Sorted.
    pub allowed_ips: Vec<Cidr>,
    /// Ranges that are not IPv4, which nobody of us set.
    pub alien_ips: Vec<String>,
    pub handshake: Option<Timestamp>,
    pub received: u64,
    pub sent: u64,
    /// The agent lets it call first and has not told its endpoint and keepalive yet. Only the agent knows.
    pub answering: bool,
}

/// The network interface that WireGuard is behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub up: bool,
    pub mtu: Option<u32>,
    /// IPv4 addresses with their prefix lengths.
    pub addresses: BTreeSet<(Ipv4Addr, u8)>,
}

/// Somebody else's route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForeignRoute {
    pub destination: Cidr,
    pub metric: u32,
    pub via: Option<Ipv4Addr>,
    pub interface: Option<String>,
    /// Who made it, as rtnetlink(7) numbers them.
    pub protocol: u8,
}

/// Our nftables table in canonical form: sets are ordered, rules are texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firewall {
    pub sets: BTreeMap<String, Set>,
    /// By name: what they have counted is no state of the table.
    pub counters: BTreeSet<String>,
    pub chains: BTreeMap<String, Chain>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// What it holds: type, flags, size and timeout.
    pub kind: String,
    /// None of a set that the kernel fills by itself.
    pub elements: BTreeSet<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Where it hangs: type, hook, priority and policy.
    pub hook: String,
    pub rules: Vec<String>,
}

impl FoundPeer {
    /// A peer that shows its document, with nothing heard of it.
    pub fn showing(peer: &TunnelPeer) -> Self {
        Self {
            preshared_key: peer.preshared_key,
            endpoint: peer.endpoint,
            keepalive: peer.keepalive,
            allowed_ips: peer.allowed_ips.clone(),
            ..Self::default()
        }
    }

    /// In whatever order somebody wrote them; what was read is sorted.
    pub(super) fn allowed_ips_are_wrong(&self, wanted: &TunnelPeer) -> bool {
        let differs = || {
            let mut sorted = wanted.allowed_ips.clone();
            sorted.sort();
            sorted.dedup();
            self.allowed_ips != sorted
        };
        !self.alien_ips.is_empty() || (self.allowed_ips != wanted.allowed_ips && differs())
    }

    /// A peer with a session has roamed to where it is, by WireGuard's own rules: that is no mistake to correct.
    pub(super) fn endpoint_is_wrong(&self, wanted: &TunnelPeer, now: Timestamp) -> bool {
        let session = self.handshake.is_some_and(|at| at.age_seconds(now) <= SESSION_SECONDS);
        wanted.endpoint.is_some() && self.endpoint != wanted.endpoint && !session && !self.answering
    }

    pub(super) fn keepalive_is_wrong(&self, wanted: &TunnelPeer) -> bool {
        self.keepalive != wanted.keepalive && !self.answering
    }
}

impl ForeignRoute {
    /// Made by the kernel with an address, by a router advertisement or by DHCP: taking these away would cut the host off.
    pub(super) fn belongs_to_the_host(&self) -> bool {
        matches!(self.protocol, 2 | 9 | 16)
    }
}

impl fmt::Display for ForeignRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.destination)?;
        if let Some(via) = self.via {
            write!(f, " via {via}")?;
        }
        if let Some(interface) = &self.interface {
            write!(f, " dev {interface}")?;
        }
        if self.metric != 0 {
            write!(f, " metric {}", self.metric)?;
        }
        write!(f, " proto {}", self.protocol)
    }
}

impl HostState {
    /// A host on which this was applied.
    pub fn showing(frame: &Frame, peers: &Peers) -> Self {
        let mut state = Self::default();
        for step in plan(frame, &Peers::new(), &state, Timestamp(0)) {
            state.perform(&step);
        }
        if let (Some(device), Some(wanted)) = (&mut state.device, &frame.device) {
            device.public_key = Some(wanted.public_key);
        }
        state.peers = peers.iter().map(|(key, peer)| (*key, FoundPeer::showing(peer))).collect();
        state
    }

    /// Nobody has configured it since it was made: the host or its WireGuard was restarted.
    pub fn is_fresh(&self, frame: &Frame) -> bool {
        match &frame.device {
            Some(_) => self.device.is_none_or(|device| device.public_key.is_none()),
            None => self.firewall.is_none(),
        }
    }

    /// What a step makes of a host. The private key of the model is all ones.
    pub fn perform(&mut self, step: &Step) {
        match step {
            Step::ReplaceFirewall(firewall) => self.firewall = Some(firewall.clone()),
            Step::MakeInterface => {
                self.device.get_or_insert_default();
            }
            Step::SetSysctl { key, value } => {
                self.sysctls.insert(key.clone(), value.clone());
            }
            Step::SetDevice { key, listen_port } => {
                let device = self.device.get_or_insert_default();
                if *key {
                    device.public_key = Some(MODEL_KEY);
                }
                device.listen_port = listen_port.unwrap_or(device.listen_port);
            }
            Step::SetPeers { remove, set } => {
                remove.iter().for_each(|key| drop(self.peers.remove(key)));
                set.iter().for_each(|set| self.set_peer(set));
            }
            Step::SetMtu(mtu) => self.link.mtu = Some(*mtu),
            Step::AddAddress { address, prefix } => drop(self.link.addresses.insert((*address, *prefix))),
            Step::RemoveAddress { address, prefix } => drop(self.link.addresses.remove(&(*address, *prefix))),
            Step::LinkUp => self.link.up = true,
            Step::RemoveShadow(shadow) => self.foreign.retain(|route| route != shadow),
            Step::RemoveRoute(range) => drop(self.routes.remove(range)),
            Step::AddRoute(range) => drop(self.routes.insert(*range)),
            Step::ForgetFlows(_) => {}
            Step::RemoveInterface => {
                (self.device, self.link) = (None, Link::default());
                self.peers.clear();
                self.routes.clear();
            }
            Step::RemoveFirewall => self.firewall = None,
        }
    }

    fn set_peer(&mut self, set: &super::SetPeer) {
        if set.exists && !self.peers.contains_key(&set.peer.public_key) {
            return;
        }
        if set.allowed_ips {
            // The same range added to a second peer moves away from the first (WireGuard's own rule).
            for peer in self.peers.values_mut() {
                peer.allowed_ips.retain(|range| !set.peer.allowed_ips.contains(range));
            }
        }
        let peer = self.peers.entry(set.peer.public_key).or_default();
        if !set.exists || set.keepalive {
            peer.answering = set.answering;
        }
        if set.preshared_key {
            peer.preshared_key = set.peer.preshared_key;
        }
        if set.endpoint && set.peer.endpoint.is_some() {
            peer.endpoint = set.peer.endpoint;
        }
        if set.keepalive {
            peer.keepalive = set.peer.keepalive;
        }
        if set.allowed_ips {
            peer.allowed_ips.clone_from(&set.peer.allowed_ips);
            peer.alien_ips.clear();
        }
    }
}

/// What a modelled host says its public key is.
pub(super) const MODEL_KEY: PublicKey = PublicKey::from_bytes([1; 32]);
