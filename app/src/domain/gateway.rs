//! VPN gateways: what is asked for, what is shown, and the states of domain 2.7.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{
    Cidr, CloudName, GatewayId, GatewayName, PersonId, PublicKey, Refusal, Refusals, Timestamp, VpcId, VpcName,
    host::{Drift, HostFacts},
    refusal::Parse,
};

/// The port that WireGuard uses by convention.
pub const DEFAULT_LISTEN_PORT: u16 = 51820;
/// An underlay of 1500 less WireGuard's 80 bytes over IPv6 (wg-quick(8)).
pub const DEFAULT_MTU: u16 = 1420;
/// Tunnel subnets are suggested from here.
pub const TUNNEL_SPACE: Cidr = Cidr::literal([10, 200, 0, 0], 16);

/// What the agent does when the host differs from what was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// Put it right at once.
    #[default]
    Repair,
    /// Show it and wait for a person.
    Ask,
}

impl DriftPolicy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Repair => "repair",
            Self::Ask => "ask",
        }
    }
}

impl std::str::FromStr for DriftPolicy {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.trim() {
            "" | "repair" => Ok(Self::Repair),
            "ask" => Ok(Self::Ask),
            _ => Err("Choose whether the agent repairs a difference or asks."),
        }
    }
}

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewGateway {
    pub name: GatewayName,
    pub vpc: VpcId,
    pub settings: GatewaySettings,
    pub tunnel: Cidr,
}

/// What can be changed later without a new gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewaySettings {
    /// Where peers reach it from outside. `None`: the address of the default route's interface, as the agent reports it.
    pub public_address: Option<Ipv4Addr>,
    pub listen_port: u16,
    pub mtu: u16,
    /// Put into road warriors' files.
    pub dns: Vec<Ipv4Addr>,
    /// Source NAT toward the VPC for tunnels whose network the VPC cannot route back to (domain 5.6).
    pub masquerade_vpc: bool,
    /// The gateway is the VPC's way to the internet.
    pub internet_egress: bool,
    pub drift_policy: DriftPolicy,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            public_address: None,
            listen_port: DEFAULT_LISTEN_PORT,
            mtu: DEFAULT_MTU,
            dns: Vec::new(),
            masquerade_vpc: false,
            internet_egress: false,
            drift_policy: DriftPolicy::Repair,
        }
    }
}

/// The texts of the gateway form, as they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayForm {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub vpc: String,
    #[serde(default)]
    pub public_address: String,
    #[serde(default)]
    pub tunnel: String,
    #[serde(default)]
    pub listen_port: String,
    #[serde(default)]
    pub mtu: String,
    #[serde(default)]
    pub dns: String,
    /// A check box: absent, `on` or `true`.
    #[serde(default)]
    pub masquerade_vpc: String,
    #[serde(default)]
    pub internet_egress: String,
    #[serde(default)]
    pub drift_policy: String,
}

/// A check box as forms send it.
pub fn checked(text: &str) -> bool {
    matches!(text, "on" | "true" | "1")
}

impl GatewayForm {
    /// Fields carry the names of this struct.
    pub fn parse(&self) -> Result<NewGateway, Refusals> {
        let mut parse = Parse::default();
        let name = parse.field("name", &self.name);
        let vpc = parse.keep("vpc", self.vpc.parse().map_err(|_| "Choose a VPC."));
        let tunnel: Option<Cidr> = parse.field("tunnel", &self.tunnel);
        if let Some(tunnel) = tunnel {
            if !(16..=29).contains(&tunnel.prefix()) {
                parse.refuse(Refusal::malformed("tunnel", "The prefix length must be between /16 and /29."));
            } else if !tunnel.is_private() {
                parse.refuse(Refusal::malformed(
                    "tunnel",
                    format!("{tunnel} is not a private range. Tunnel subnets are private, for example 10.200.1.0/24."),
                ));
            }
        }
        let settings = self.settings(&mut parse);
        parse.done()?;
        Ok(NewGateway {
            name: name.expect("nothing was refused"),
            vpc: vpc.expect("nothing was refused"),
            settings,
            tunnel: tunnel.expect("nothing was refused"),
        })
    }

    /// The part that can be changed later.
    pub fn parse_settings(&self) -> Result<GatewaySettings, Refusals> {
        let mut parse = Parse::default();
        let settings = self.settings(&mut parse);
        parse.done()?;
        Ok(settings)
    }

    fn settings(&self, parse: &mut Parse) -> GatewaySettings {
        let public_address = match self.public_address.trim() {
            "" => None,
            text => parse.keep("public_address", public_address(text)),
        };
        let listen_port = or_default(
            parse,
            "listen_port",
            &self.listen_port,
            DEFAULT_LISTEN_PORT,
            1..=65535,
            "Enter a port from 1 to 65535.",
        );
        let mtu = or_default(parse, "mtu", &self.mtu, DEFAULT_MTU, 1280..=9000, "Enter an MTU from 1280 to 9000.");
        let dns = parse.keep("dns", addresses(&self.dns)).unwrap_or_default();
        let drift_policy = parse.field("drift_policy", &self.drift_policy).unwrap_or_default();
        GatewaySettings {
            public_address,
            listen_port,
            mtu,
            dns,
            masquerade_vpc: checked(&self.masquerade_vpc),
            internet_egress: checked(&self.internet_egress),
            drift_policy,
        }
    }
}

fn public_address(text: &str) -> Result<Ipv4Addr, String> {
    let address: Ipv4Addr = text.parse().map_err(|_| "Enter an IPv4 address, for example 203.0.113.10.".to_owned())?;
    if address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_link_local()
    {
        return Err(format!("{address} cannot be reached from another host. Enter the address that peers connect to."));
    }
    Ok(address)
}

fn or_default(
    parse: &mut Parse,
    field: &'static str,
    text: &str,
    default: u16,
    bounds: std::ops::RangeInclusive<u16>,
    sentence: &'static str,
) -> u16 {
    if text.trim().is_empty() {
        return default;
    }
    parse
        .keep(field, text.trim().parse().ok().filter(|number| bounds.contains(number)).ok_or(sentence))
        .unwrap_or(default)
}

/// IPv4 addresses separated by commas or white space.
fn addresses(text: &str) -> Result<Vec<Ipv4Addr>, String> {
    let parts: Vec<&str> = text.split([',', ' ', '\n', '\t']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > 4 {
        return Err("Enter at most four DNS servers.".to_owned());
    }
    parts.into_iter().map(|part| part.parse().map_err(|_| format!("{part} is not an IPv4 address."))).collect()
}

/// Whether the gateway does its work (domain 2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatewayStatus {
    /// No agent has applied a document yet.
    Provisioning,
    Active,
    /// The agent is silent, or the host refused the document.
    Error,
    /// Deleted here; its host has not cleaned up yet.
    Deleting,
    /// Driven by a recording host: no packet will ever pass. Tests only.
    Recorded,
}

impl GatewayStatus {
    pub fn word(self) -> &'static str {
        match self {
            Self::Provisioning => "Provisioning",
            Self::Active => "Active",
            Self::Error => "Error",
            Self::Deleting => "Deleting",
            Self::Recorded => "Recorded, no packets",
        }
    }
}

/// How far the host is from what was asked for (domain 2.7, "Config sync").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigSync {
    /// The host, read back, shows the wanted generation.
    InSync,
    Pending,
    Failed,
    Drift,
    Silent,
}

impl ConfigSync {
    pub fn word(self) -> &'static str {
        match self {
            Self::InSync => "In sync",
            Self::Pending => "Pending",
            Self::Failed => "Failed",
            Self::Drift => "Drift",
            Self::Silent => "Silent",
        }
    }
}

/// What status and sync are computed from: rows that reconcilers wrote, and a clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayObservation {
    pub deleting: bool,
    pub enrolled: bool,
    pub recorded: bool,
    /// The last contact, of whatever kind.
    pub last_seen: Option<Timestamp>,
    pub wanted: u64,
    pub applied: u64,
    pub verified: u64,
    pub apply_error: bool,
    pub drift: bool,
}

impl GatewayObservation {
    /// The pure transition function of domain 2.7. `silent_after` in seconds.
    pub fn status(&self, now: Timestamp, silent_after: u64) -> GatewayStatus {
        if self.deleting {
            GatewayStatus::Deleting
        } else if self.revoked() {
            GatewayStatus::Error
        } else if !self.enrolled || self.applied == 0 {
            if self.apply_error { GatewayStatus::Error } else { GatewayStatus::Provisioning }
        } else if self.recorded {
            GatewayStatus::Recorded
        } else if self.apply_error || self.silent(now, silent_after) {
            GatewayStatus::Error
        } else {
            GatewayStatus::Active
        }
    }

    pub fn sync(&self, now: Timestamp, silent_after: u64) -> ConfigSync {
        // A recording host promises nothing, so its silence breaks no promise.
        if self.revoked() || self.enrolled && !self.recorded && self.silent(now, silent_after) {
            ConfigSync::Silent
        } else if self.apply_error {
            ConfigSync::Failed
        } else if self.drift {
            ConfigSync::Drift
        } else if self.wanted > 0 && self.verified >= self.wanted {
            ConfigSync::InSync
        } else {
            ConfigSync::Pending
        }
    }

    /// Why it cannot be peered, and what to do; `None` if it can. A recording host can, so that tests see every state.
    pub fn not_peerable(&self, name: &GatewayName, now: Timestamp, silent_after: u64) -> Option<String> {
        match self.status(now, silent_after) {
            GatewayStatus::Active | GatewayStatus::Recorded => None,
            GatewayStatus::Deleting => Some(format!("{name} is being deleted.")),
            GatewayStatus::Error if self.revoked() => {
                Some(format!("The credential of {name}'s agent was revoked. Enrol its host again, or another one."))
            }
            GatewayStatus::Error if self.apply_error => {
                Some(format!("The host of {name} refused its configuration; its page says why."))
            }
            GatewayStatus::Error => {
                Some(format!("The agent of {name} is silent. Check that its host runs and reaches the console."))
            }
            GatewayStatus::Provisioning if self.enrolled => {
                Some(format!("The host of {name} has not applied its configuration yet. Wait a moment."))
            }
            GatewayStatus::Provisioning => Some(format!("{name} has no host yet. Enrol one first.")),
        }
    }

    /// A host has applied something once and nobody may speak for it now: what it does is not known.
    fn revoked(&self) -> bool {
        !self.enrolled && self.applied > 0
    }

    /// Nobody listened before this moment: that the console was away is no silence of the agent's.
    pub fn listened_to_since(mut self, moment: Timestamp) -> Self {
        self.last_seen = self.last_seen.map(|seen| seen.max(moment));
        self
    }

    fn silent(&self, now: Timestamp, silent_after: u64) -> bool {
        self.last_seen.is_none_or(|seen| seen.age_seconds(now) > silent_after)
    }
}

/// A gateway in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayBrief {
    pub id: GatewayId,
    pub name: GatewayName,
    pub status: GatewayStatus,
    pub sync: ConfigSync,
    pub private_address: Option<Ipv4Addr>,
}

/// A gateway as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateway {
    pub id: GatewayId,
    pub name: GatewayName,
    pub owner: PersonId,
    pub owner_email: String,
    pub vpc: VpcId,
    pub vpc_name: VpcName,
    pub vpc_cidr: Cidr,
    pub cloud: CloudName,
    pub place: String,
    pub settings: GatewaySettings,
    pub tunnel: Cidr,
    /// The settings' address, or the one that the agent reported.
    pub public_address: Option<Ipv4Addr>,
    /// The host's address inside the VPC: the next hop of the VPC's routes.
    pub private_address: Option<Ipv4Addr>,
    pub public_key: Option<PublicKey>,
    /// Its host's agent has no credential any more, or none yet.
    pub mute: bool,
    pub status: GatewayStatus,
    pub sync: ConfigSync,
    /// The generation of the wanted document; 0 before the first.
    pub wanted: u64,
    /// The last generation that the host's tools accepted.
    pub applied: u64,
    /// The last generation that the host, read back, showed.
    pub verified: u64,
    pub apply_error: Option<String>,
    pub drift: Vec<Drift>,
    pub last_seen: Option<Timestamp>,
    pub host: Option<HostFacts>,
    pub peers: usize,
    pub peers_connected: usize,
    /// Traffic of all peers in two hours, oldest first: bytes received and sent per slot.
    pub samples: Vec<(u64, u64)>,
    pub created_at: Timestamp,
}

/// The first usable address of the tunnel subnet is the gateway's own (domain 5.2).
pub fn own_tunnel_address(tunnel: Cidr) -> Ipv4Addr {
    Ipv4Addr::from(tunnel.first() + 1)
}

/// The lowest free address for a peer: network, gateway and broadcast are never given out. `None` if the subnet is exhausted.
pub fn free_tunnel_address(tunnel: Cidr, taken: &std::collections::BTreeSet<Ipv4Addr>) -> Option<Ipv4Addr> {
    (tunnel.first() + 2..tunnel.last()).map(Ipv4Addr::from).find(|address| !taken.contains(address))
}

#[cfg(test)]
#[path = "gateway_tests.rs"]
mod tests;
