//! The desired document of a host: of a gateway's, or of a service node's.
//!
//! A gateway's is derived from the whole network by [`derive`], a pure function, and hashed. Typed data
//! only: never a private key, nft text or a sysctl; the agent renders those, so that one
//! thing has one meaning. Documents are ordered by (epoch, generation); a new hash is a new
//! generation, so nobody bumps a counter by hand. The hash of the peers is a sum over the
//! peers, so that changing one of 10,000 costs one.
//!
//! A newer console may say more than an agent knows. The agent keeps what it does not know,
//! hashes it with the rest and otherwise ignores it. Where that would be wrong, since the field
//! takes access away, the console says in [`Interface::needs`] which [`FORMAT`] an agent must
//! know, and an older one refuses the document. A new field is left out of the text while it has
//! its default, so that a newer agent finds the hash of an older console too.

use std::{collections::BTreeMap, fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Cidr, GatewayId, GatewayName, PeerName, PresharedKey, PublicKey,
    gateway::{DriftPolicy, GatewaySettings, own_tunnel_address},
    host::HostRole,
    peer::{Endpoint, PeerKind},
    service::node::NodeFirewall,
};

mod sum;

pub use sum::PeerSum;
use sum::{canonical, hexadecimal};

/// What this build knows of documents. Raised with a field that an older agent must not ignore.
pub const FORMAT: u32 = 1;

/// Fields of a newer console.
pub type Unknown = BTreeMap<String, Value>;

/// The interface that the agent makes.
pub const INTERFACE: &str = "wg0";

/// SHA-256 of a document, as lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(pub String);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}

/// Which document: ordered by epoch, which a restored backup raises, then by generation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    pub epoch: u64,
    pub generation: u64,
    pub hash: Hash,
}

/// What a host should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Neither this nor `node`: remove everything. The last document of a deleted host.
    pub gateway: Option<Interface>,
    /// Part of the hash, so that an agent that does not know it refuses the document instead of reading "remove everything".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeFirewall>,
    #[serde(with = "peers_as_list")]
    pub peers: BTreeMap<PublicKey, TunnelPeer>,
}

/// Everything but the peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    pub id: GatewayId,
    pub name: GatewayName,
    /// The gateway's own address in the tunnel subnet.
    pub address: Ipv4Addr,
    pub tunnel: Cidr,
    pub vpc: Cidr,
    pub listen_port: u16,
    pub mtu: u16,
    pub masquerade_vpc: bool,
    pub internet_egress: bool,
    pub drift_policy: DriftPolicy,
    /// A person asked that what was found be put right, this many times; a higher number than the agent has seen means now.
    pub repairs: u64,
    /// Ranges that never leave the host unencrypted; merged, in order.
    pub guarded: Vec<Cidr>,
    /// The [`FORMAT`] that an agent must know to take this document.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub needs: u32,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A peer as WireGuard is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelPeer {
    pub name: PeerName,
    pub kind: PeerKind,
    pub public_key: PublicKey,
    pub preshared_key: Option<PresharedKey>,
    /// `None`: the peer calls us, and the endpoint that it came from is left alone.
    pub endpoint: Option<Endpoint>,
    /// Seconds; 0 is off.
    pub keepalive: u16,
    /// Sorted, without duplicates.
    pub allowed_ips: Vec<Cidr>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde lends it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

mod peers_as_list {
    use super::{BTreeMap, Deserialize, PublicKey, Serialize, TunnelPeer};

    pub fn serialize<S: serde::Serializer>(peers: &BTreeMap<PublicKey, TunnelPeer>, to: S) -> Result<S::Ok, S::Error> {
        peers.values().collect::<Vec<_>>().serialize(to)
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<PublicKey, TunnelPeer>, D::Error> {
        let peers = Vec::<TunnelPeer>::deserialize(from)?;
        Ok(peers.into_iter().map(|peer| (peer.public_key, peer)).collect())
    }
}

/// What differs between two documents of one host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The new value of everything but the peers, if it changed.
    pub gateway: Option<Option<Interface>>,
    /// As `gateway`. It is all that a node's document has, so that such a one is always sent whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Option<NodeFirewall>>,
    pub set: Vec<TunnelPeer>,
    pub removed: Vec<PublicKey>,
}

impl Change {
    pub fn is_empty(&self) -> bool {
        self.gateway.is_none() && self.node.is_none() && self.set.is_empty() && self.removed.is_empty()
    }
}

impl Document {
    /// "Remove everything."
    pub fn empty() -> Self {
        Self { gateway: None, node: None, peers: BTreeMap::new() }
    }

    pub fn of_gateway(gateway: Interface, peers: BTreeMap<PublicKey, TunnelPeer>) -> Self {
        Self { gateway: Some(gateway), node: None, peers }
    }

    pub fn of_node(firewall: NodeFirewall) -> Self {
        Self { node: Some(firewall), ..Self::empty() }
    }

    pub fn is_empty(&self) -> bool {
        self.role().is_none()
    }

    /// Which host it is for; `None`: an empty one is for any.
    pub fn role(&self) -> Option<HostRole> {
        let gateway = self.gateway.as_ref().map(|_| HostRole::Gateway);
        gateway.or_else(|| self.node.as_ref().map(|_| HostRole::Node))
    }

    pub fn drift_policy(&self) -> DriftPolicy {
        let gateway = self.gateway.as_ref().map(|gateway| gateway.drift_policy);
        gateway.or_else(|| self.node.as_ref().map(|node| node.drift_policy)).unwrap_or(DriftPolicy::Repair)
    }

    /// How often a person asked that what was found be put right.
    pub fn repairs(&self) -> u64 {
        let gateway = self.gateway.as_ref().map(|gateway| gateway.repairs);
        gateway.or_else(|| self.node.as_ref().map(|node| node.repairs)).unwrap_or(0)
    }

    pub fn hash(&self) -> Hash {
        let mut sum = PeerSum::default();
        for peer in self.peers.values() {
            sum.add(peer);
        }
        self.hash_with(&sum)
    }

    /// The hash, when the sum over the peers is known already.
    pub fn hash_with(&self, peers: &PeerSum) -> Hash {
        let mut digest = Sha256::new();
        digest.update(canonical(&self.gateway));
        for limb in peers.0 {
            digest.update(limb.to_be_bytes());
        }
        if let Some(node) = &self.node {
            digest.update(canonical(node));
        }
        Hash(hexadecimal(&digest.finalize()))
    }

    /// What to do to `self` to get `new`.
    pub fn change_to(&self, new: &Self) -> Change {
        Change {
            gateway: (self.gateway != new.gateway).then(|| new.gateway.clone()),
            node: (self.node != new.node).then(|| new.node.clone()),
            set: new.peers.values().filter(|peer| self.peers.get(&peer.public_key) != Some(peer)).cloned().collect(),
            removed: self.peers.keys().filter(|key| !new.peers.contains_key(key)).copied().collect(),
        }
    }

    pub fn apply(&mut self, change: Change) {
        if let Some(gateway) = change.gateway {
            self.gateway = gateway;
        }
        if let Some(node) = change.node {
            self.node = node;
        }
        for key in change.removed {
            self.peers.remove(&key);
        }
        for peer in change.set {
            self.peers.insert(peer.public_key, peer);
        }
    }

    /// Ranges that are routed into the tunnel: the AllowedIPs but for addresses of our own tunnel subnet, which is connected.
    pub fn routes(&self) -> Vec<Cidr> {
        let connected = self.gateway.as_ref().map(|gateway| gateway.tunnel);
        let mut routes: Vec<Cidr> = self
            .peers
            .values()
            .filter(|peer| peer.kind != PeerKind::RoadWarrior)
            .flat_map(|peer| peer.allowed_ips.iter().copied())
            .filter(|range| connected.is_none_or(|tunnel| !tunnel.overlaps(*range)))
            .collect();
        routes.sort();
        routes.dedup();
        routes
    }
}

/// What a gateway's document is derived from.
#[derive(Clone, Debug)]
pub struct Wish {
    pub id: GatewayId,
    pub name: GatewayName,
    pub settings: GatewaySettings,
    pub tunnel: Cidr,
    pub vpc: Cidr,
    pub repairs: u64,
    pub guarded: Vec<Cidr>,
    /// Enabled and disabled ones.
    pub peers: Vec<WishedPeer>,
}

#[derive(Clone, Debug)]
pub struct WishedPeer {
    pub name: PeerName,
    pub public_key: PublicKey,
    pub preshared_key: Option<PresharedKey>,
    pub keepalive: u16,
    pub enabled: bool,
    pub role: Role,
}

/// What a peer is for decides its AllowedIPs and its endpoint.
#[derive(Clone, Debug)]
pub enum Role {
    RoadWarrior { address: Ipv4Addr },
    Site { address: Ipv4Addr, networks: Vec<Cidr>, endpoint: Option<Endpoint> },
    VpcPeering { vpc: Cidr, tunnel: Cidr, endpoint: Endpoint },
}

/// The document of one gateway. Disabled peers are not in it: their sessions end.
pub fn derive(wish: &Wish) -> Document {
    let interface = Interface {
        id: wish.id,
        name: wish.name.clone(),
        address: own_tunnel_address(wish.tunnel),
        tunnel: wish.tunnel,
        vpc: wish.vpc,
        listen_port: wish.settings.listen_port,
        mtu: wish.settings.mtu,
        masquerade_vpc: wish.settings.masquerade_vpc,
        internet_egress: wish.settings.internet_egress,
        drift_policy: wish.settings.drift_policy,
        repairs: wish.repairs,
        guarded: wish.guarded.clone(),
        needs: 0,
        unknown: Unknown::new(),
    };
    let peers =
        wish.peers.iter().filter(|peer| peer.enabled).map(|peer| (peer.public_key, tunnel_peer(peer))).collect();
    Document::of_gateway(interface, peers)
}

fn alone(address: Ipv4Addr) -> Cidr {
    Cidr::around(address, 32).expect("32 is a prefix length")
}

/// One enabled peer as WireGuard is told.
pub fn tunnel_peer(peer: &WishedPeer) -> TunnelPeer {
    let (kind, endpoint, mut allowed_ips) = match &peer.role {
        Role::RoadWarrior { address } => (PeerKind::RoadWarrior, None, vec![alone(*address)]),
        // What its router sends by itself comes from the address that its export gives it.
        Role::Site { address, networks, endpoint } => {
            (PeerKind::Site, *endpoint, networks.iter().copied().chain([alone(*address)]).collect())
        }
        // Domain 5.3, step 4: exactly these two.
        Role::VpcPeering { vpc, tunnel, endpoint } => (PeerKind::VpcPeering, Some(*endpoint), vec![*vpc, *tunnel]),
    };
    allowed_ips.sort();
    allowed_ips.dedup();
    TunnelPeer {
        name: peer.name.clone(),
        kind,
        public_key: peer.public_key,
        preshared_key: peer.preshared_key,
        endpoint,
        keepalive: peer.keepalive,
        allowed_ips,
        unknown: Unknown::new(),
    }
}

#[cfg(test)]
#[path = "tunnel_tests.rs"]
mod tests;
