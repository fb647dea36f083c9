//! What agents and the console say to each other, and what a host is found to be.
//!
//! A host is a gateway's or a service node's. An agent speaks four sentences: *enrol* (once, with a token), *give me a document newer
//! than this one*, *this is what I found*, and *give me a new credential*. Paths are under
//! `/agent/v1/`. Bodies are JSON; the credential is a bearer token.

use std::{fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::{
    Cidr, GatewayId, NodeId, PublicKey, Timestamp,
    peer::Endpoint,
    service::node::NodeReport,
    tunnel::{Change, Document, FORMAT, Version},
};

/// What a host is for. Its agent keeps nothing else on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostRole {
    /// WireGuard, routes and the firewall between them.
    Gateway,
    /// The firewall before a service's ports.
    Node,
}

impl HostRole {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Node => "node",
        }
    }

    /// What goes on without the console.
    pub fn stays(self) -> &'static str {
        match self {
            Self::Gateway => "the tunnels stay as they are",
            Self::Node => "the firewall stays as it is",
        }
    }

    /// Where a person finds it.
    pub fn page(self) -> &'static str {
        match self {
            Self::Gateway => "the gateway's page",
            Self::Node => "the service's page",
        }
    }
}

impl fmt::Display for HostRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose host it is. The names of the variants are fields of what agents and their state folders hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostId {
    Gateway(GatewayId),
    Node(NodeId),
}

impl HostId {
    pub fn role(self) -> HostRole {
        match self {
            Self::Gateway(_) => HostRole::Gateway,
            Self::Node(_) => HostRole::Node,
        }
    }

    pub fn gateway(self) -> Option<GatewayId> {
        match self {
            Self::Gateway(id) => Some(id),
            Self::Node(_) => None,
        }
    }

    pub fn node(self) -> Option<NodeId> {
        match self {
            Self::Gateway(_) => None,
            Self::Node(id) => Some(id),
        }
    }
}

/// The bare id: no two hosts have one, whatever they are for.
impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway(id) => id.fmt(f),
            Self::Node(id) => id.fmt(f),
        }
    }
}

impl From<GatewayId> for HostId {
    fn from(id: GatewayId) -> Self {
        Self::Gateway(id)
    }
}

impl From<NodeId> for HostId {
    fn from(id: NodeId) -> Self {
        Self::Node(id)
    }
}

/// How long an enrolment token is good (architecture, "Security, by design").
pub const TOKEN_SECONDS: i64 = 3600;

/// What is kept of a token that is random: its SHA-256 in lower-case hexadecimal digits.
pub fn token_digest(token: &str) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `POST /agent/v1/enrol`. Answered by [`Enrolled`]; 401 if the token is unknown, used or older than an hour.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    pub token: String,
    /// Made on the host; the private half never leaves it.
    pub public_key: PublicKey,
    pub facts: HostFacts,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enrolled {
    /// `gateway` or `node`: an agent that knows no nodes does not understand, and stays what it is.
    #[serde(flatten)]
    pub host: HostId,
    /// A bearer token of this agent's own.
    pub credential: String,
}

/// `GET /agent/v1/document?epoch=&generation=&hash=&wait=SECONDS`: answered at once if there is a newer document, else after
/// `wait` with 204. 410: the gateway or node is gone, remove everything. 401: the credential was revoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    Full {
        version: Version,
        document: Document,
    },
    /// What changed since the version that the agent said it has.
    Changes {
        from: Version,
        version: Version,
        change: Change,
    },
}

/// A document as an agent reads it, which may be older than the console.
#[derive(Clone, Debug, PartialEq)]
pub enum Offer {
    Understood(Box<Delivery>),
    /// It says something that must not be ignored and that this agent does not know.
    Beyond(Version),
}

impl Offer {
    /// # Errors
    /// If it is no document at all.
    pub fn read(text: &[u8]) -> Result<Self, serde_json::Error> {
        /// What is said of every document, whatever is in it.
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Heading {
            Full { version: Version },
            Changes { version: Version },
        }
        match serde_json::from_slice::<Delivery>(text) {
            Ok(delivery) if delivery.needs() <= FORMAT => Ok(Self::Understood(Box::new(delivery))),
            Ok(Delivery::Full { version, .. } | Delivery::Changes { version, .. }) => Ok(Self::Beyond(version)),
            Err(error) => match serde_json::from_slice(text) {
                Ok(Heading::Full { version } | Heading::Changes { version }) => Ok(Self::Beyond(version)),
                Err(_) => Err(error),
            },
        }
    }
}

impl Delivery {
    fn needs(&self) -> u32 {
        let (gateway, node) = match self {
            Self::Full { document, .. } => (document.gateway.as_ref(), document.node.as_ref()),
            // What did not change was taken before.
            Self::Changes { change, .. } => {
                (change.gateway.as_ref().and_then(Option::as_ref), change.node.as_ref().and_then(Option::as_ref))
            }
        };
        gateway.map_or(0, |gateway| gateway.needs).max(node.map_or(0, |node| node.needs))
    }
}

/// `POST /agent/v1/report`. Sent at once when something was applied or drifted, else every 5 s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The last document that was applied; `None` before the first.
    pub applied: Option<Version>,
    /// The last document that the host, read back, showed.
    pub verified: Option<Version>,
    /// Why the newest document could not be applied.
    pub error: Option<ApplyError>,
    /// What differs on the host right now.
    pub drift: Vec<Drift>,
    /// Peers whose figures changed since the last report that was answered.
    pub peers: Vec<PeerReport>,
    /// What the host of a node counted, if that changed since the last report that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeReport>,
    /// Sent when they changed, and with the first report of a process.
    pub facts: Option<HostFacts>,
    /// The agent has removed everything that an empty document asked it to.
    pub cleaned: bool,
}

/// The document that was refused by the host, and in which words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyError {
    pub version: Version,
    /// What was tried, what the host said, and what to do.
    pub message: String,
}

/// One difference between what was asked for and what the host shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Drift {
    /// What it is about: `peer`, `route`, `firewall`, `interface`, `sysctl`.
    pub subject: String,
    /// Which one: a public key, a range, a rule; and the field, as in `allowed_ips`.
    pub field: String,
    pub wanted: String,
    pub found: String,
    /// When the agent saw it first.
    pub since: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerReport {
    pub public_key: PublicKey,
    pub handshake: Option<Timestamp>,
    /// The host's counters; they restart at zero with its WireGuard.
    pub received: u64,
    pub sent: u64,
    pub endpoint: Option<Endpoint>,
}

/// Which WireGuard the agent drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireGuardKind {
    /// wireguard-go, through its configuration socket.
    Uapi,
    /// The kernel's, through `wg`.
    Wg,
    /// None at all: a recording host, for tests only.
    Recording,
}

/// What the host is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    pub agent_version: String,
    pub host_name: String,
    pub wireguard: WireGuardKind,
    pub interfaces: Vec<Interface>,
    /// The interface of the default route.
    pub wan: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    pub name: String,
    pub addresses: Vec<Ipv4Addr>,
}

impl HostFacts {
    /// The first address of the default route's interface: what peers most likely reach.
    pub fn wan_address(&self) -> Option<Ipv4Addr> {
        let wan = self.wan.as_deref()?;
        self.interfaces.iter().find(|interface| interface.name == wan)?.addresses.first().copied()
    }

    /// The host's address inside a range, and the interface that has it.
    pub fn address_in(&self, range: Cidr) -> Option<(&str, Ipv4Addr)> {
        self.interfaces.iter().find_map(|interface| {
            let address = interface.addresses.iter().find(|address| range.contains(**address))?;
            Some((interface.name.as_str(), *address))
        })
    }
}
