//! Peers of a gateway: road warriors, sites, and the rows that a VPC peering makes (domain 1.13).

use std::{fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    Cidr, GatewayId, GatewayName, InvalidCidr, PairId, PeerId, PeerName, PublicKey, Refusal, Refusals, Timestamp,
    refusal::Parse, road_warrior::Stale, text_newtype,
};

/// WireGuard refuses a session after this many seconds (REJECT_AFTER_TIME); an older handshake is not "connected".
pub const SESSION_SECONDS: u64 = 180;
/// The usual keepalive behind NAT.
pub const DEFAULT_KEEPALIVE: u16 = 25;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerKind {
    RoadWarrior,
    Site,
    VpcPeering,
}

impl PeerKind {
    pub const ALL: [Self; 3] = [Self::RoadWarrior, Self::Site, Self::VpcPeering];

    pub fn word(self) -> &'static str {
        match self {
            Self::RoadWarrior => "Road warrior",
            Self::Site => "Site",
            Self::VpcPeering => "VPC peering",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::RoadWarrior => "road_warrior",
            Self::Site => "site",
            Self::VpcPeering => "vpc_peering",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where a peer is reached: an IPv4 address and a port. WireGuard's socket takes no host names, and neither do we.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint {
    pub address: Ipv4Addr,
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Enter an address and a port, for example 198.51.100.7:51820.")]
pub struct InvalidEndpoint;

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;
    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let (address, port) = text.trim().rsplit_once(':').ok_or(InvalidEndpoint)?;
        let address: Ipv4Addr = address.parse().map_err(|_| InvalidEndpoint)?;
        let port: u16 = port.parse().map_err(|_| InvalidEndpoint)?;
        if port == 0 || address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
            return Err(InvalidEndpoint);
        }
        Ok(Self { address, port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.address, self.port)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

text_newtype!(Endpoint, InvalidEndpoint);

/// A person's device. Its private key is made in the browser and never seen here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRoadWarrior {
    pub name: PeerName,
    pub public_key: PublicKey,
}

impl NewRoadWarrior {
    /// Fields `name` and `public_key`.
    pub fn parse(name: &str, public_key: &str) -> Result<Self, Refusals> {
        let mut parse = Parse::default();
        let name = parse.keep("name", PeerName::chosen(name));
        let public_key = parse.field("public_key", public_key);
        parse.done()?;
        Ok(Self { name: name.expect("nothing was refused"), public_key: public_key.expect("nothing was refused") })
    }
}

/// A network behind somebody else's WireGuard router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSite {
    pub name: PeerName,
    pub public_key: PublicKey,
    /// None: the site calls us.
    pub endpoint: Option<Endpoint>,
    /// What lies behind it; sorted, without duplicates.
    pub networks: Vec<Cidr>,
    pub keepalive: u16,
    /// Whether the console makes a preshared key for the tunnel.
    pub preshared: bool,
}

/// The texts of the site form, as they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteForm {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub public_key: String,
    #[serde(default)]
    pub endpoint: String,
    /// Ranges separated by commas or white space.
    #[serde(default)]
    pub networks: String,
    #[serde(default)]
    pub keepalive: String,
    #[serde(default)]
    pub preshared: String,
}

impl SiteForm {
    /// Fields carry the names of this struct.
    pub fn parse(&self) -> Result<NewSite, Refusals> {
        let mut parse = Parse::default();
        let name = parse.keep("name", PeerName::chosen(&self.name));
        let public_key = parse.field("public_key", &self.public_key);
        let endpoint = parse.optional("endpoint", &self.endpoint);
        let networks = parse.keep("networks", networks(&self.networks));
        let keepalive = match self.keepalive.trim() {
            "" => Some(DEFAULT_KEEPALIVE),
            text => parse.keep("keepalive", text.parse().map_err(|_| "Enter seconds from 0 (off) to 65535.")),
        };
        parse.done()?;
        Ok(NewSite {
            name: name.expect("nothing was refused"),
            public_key: public_key.expect("nothing was refused"),
            endpoint,
            networks: networks.expect("nothing was refused"),
            keepalive: keepalive.expect("nothing was refused"),
            preshared: super::gateway::checked(&self.preshared),
        })
    }
}

fn networks(text: &str) -> Result<Vec<Cidr>, String> {
    let parts: Vec<&str> =
        text.split([',', ' ', '\n', '\r', '\t']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err("Enter the networks behind the site, for example 192.168.88.0/24.".to_owned());
    }
    if parts.len() > 128 {
        return Err("Enter at most 128 networks.".to_owned());
    }
    let mut cidrs = Vec::with_capacity(parts.len());
    for part in parts {
        let cidr: Cidr = part.parse().map_err(|error: InvalidCidr| {
            let sentence = error.to_string();
            // Of several networks the sentence must say which one it means, once.
            if sentence.contains(part) { sentence } else { format!("{part}: {sentence}") }
        })?;
        if let Some(range) = cidr.reserved() {
            return Err(format!("{cidr} overlaps with the reserved range {range}."));
        }
        cidrs.push(cidr);
    }
    cidrs.sort();
    cidrs.dedup();
    Ok(cidrs)
}

/// What a new peer meets on its gateway. Looked up one by one, because a gateway may have 10,000 peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbours {
    pub gateway: GatewayName,
    /// `None` until its host was enrolled.
    pub gateway_key: Option<PublicKey>,
    pub name_taken: bool,
    pub key_taken: bool,
    /// The lowest free address of the tunnel subnet.
    pub free_address: Option<Ipv4Addr>,
}

impl Neighbours {
    /// Domain 3.7 about every peer that a person adds; gives its tunnel address. Fields `name` and `public_key`.
    pub fn admit(&self, name: &PeerName, key: PublicKey) -> Result<Ipv4Addr, Refusals> {
        let mut refusals = Vec::new();
        if self.name_taken {
            refusals.push(Refusal::conflict(
                "name",
                format!("A peer named {name} already exists on gateway {}.", self.gateway),
            ));
        }
        if self.gateway_key == Some(key) {
            refusals.push(Refusal::conflict("public_key", "This is the key of the gateway itself."));
        } else if self.key_taken {
            refusals.push(Refusal::conflict("public_key", "Another peer uses this key."));
        }
        if self.free_address.is_none() {
            refusals.push(Refusal::conflict("", format!("No free tunnel address on gateway {}.", self.gateway)));
        }
        match self.free_address {
            Some(address) if refusals.is_empty() => Ok(address),
            _ => Err(Refusals(refusals)),
        }
    }
}

/// What WireGuard says of a peer, as the agent reported it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerObserved {
    pub handshake: Option<Timestamp>,
    /// Bytes, summed over restarts of the host's counters.
    pub received: u64,
    pub sent: u64,
    pub endpoint: Option<Endpoint>,
}

/// The runtime status of domain 2.8, computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PeerStatus {
    Connected,
    /// The last handshake is too old for a session.
    Idle,
    NeverConnected,
    Disabled,
    /// On a recording host.
    Recorded,
}

impl PeerStatus {
    pub fn word(self) -> &'static str {
        match self {
            Self::Connected => "Connected",
            Self::Idle => "Idle",
            Self::NeverConnected => "Never connected",
            Self::Disabled => "Disabled",
            Self::Recorded => "Recorded, no packets",
        }
    }
}

/// A peer as the console shows it. Never holds the preshared key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    pub id: PeerId,
    pub gateway: GatewayId,
    pub kind: PeerKind,
    pub name: PeerName,
    pub public_key: PublicKey,
    pub preshared: bool,
    pub tunnel_address: Ipv4Addr,
    /// What the gateway accepts from it and routes to it.
    pub allowed_ips: Vec<Cidr>,
    /// The configured endpoint; the one in use is in `observed`.
    pub endpoint: Option<Endpoint>,
    pub keepalive: u16,
    pub pair: Option<PairId>,
    pub remote: Option<(GatewayId, GatewayName)>,
    pub enabled: bool,
    pub observed: PeerObserved,
    /// Traffic of two hours, oldest first: bytes received and sent per slot.
    pub samples: Vec<(u64, u64)>,
    /// The networks of its file when it was last downloaded; `None` if it never was.
    pub downloaded: Option<Vec<Cidr>>,
    /// What else of that file is no longer true.
    pub stale: Vec<Stale>,
    /// The networks that its file has now; none for a VPC peering, which has no file.
    pub reaches: Vec<Cidr>,
    pub recorded: bool,
    pub created_at: Timestamp,
}

impl Peer {
    pub fn status(&self, now: Timestamp) -> PeerStatus {
        if !self.enabled {
            return PeerStatus::Disabled;
        }
        if self.recorded {
            return PeerStatus::Recorded;
        }
        match self.observed.handshake {
            None => PeerStatus::NeverConnected,
            Some(at) if at.age_seconds(now) <= SESSION_SECONDS => PeerStatus::Connected,
            Some(_) => PeerStatus::Idle,
        }
    }

    /// Its downloaded file lacks networks, has too many, or leads to where the gateway no longer is: it must be downloaded again.
    pub fn file_outdated(&self) -> bool {
        !self.stale.is_empty() || self.downloaded.as_ref().is_some_and(|downloaded| *downloaded != self.reaches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_and_a_port() {
        assert_eq!("198.51.100.7:51820".parse::<Endpoint>().map(|e| e.to_string()), Ok("198.51.100.7:51820".into()));
        for text in
            ["198.51.100.7", "host.example:51820", "198.51.100.7:0", "0.0.0.0:1", "[::1]:51820", "1.2.3.4:65536"]
        {
            assert_eq!(text.parse::<Endpoint>(), Err(InvalidEndpoint), "{text}");
        }
    }

    #[test]
    fn a_new_peer_is_told_everything_that_is_in_its_way() {
        let key = PublicKey::from_bytes([7; 32]);
        let name: PeerName = "laptop".parse().expect("a name");
        let gateway: GatewayName = "gw-oslo".parse().expect("a name");
        let address = Some(Ipv4Addr::new(10, 200, 1, 2));
        let free =
            Neighbours { gateway, gateway_key: None, name_taken: false, key_taken: false, free_address: address };
        assert_eq!(free.admit(&name, key).ok(), address);

        let full = Neighbours { name_taken: true, key_taken: true, free_address: None, ..free.clone() };
        let refusals = full.admit(&name, key).unwrap_err();
        assert_eq!(refusals.at("name"), Some("A peer named laptop already exists on gateway gw-oslo."));
        assert_eq!(refusals.at("public_key"), Some("Another peer uses this key."));
        assert_eq!(refusals.at(""), Some("No free tunnel address on gateway gw-oslo."));

        let own = Neighbours { gateway_key: Some(key), ..free };
        assert_eq!(own.admit(&name, key).unwrap_err().at("public_key"), Some("This is the key of the gateway itself."));
    }

    #[test]
    fn a_site_names_each_bad_network() {
        let form = SiteForm { networks: "192.168.88.1/24".into(), ..SiteForm::default() };
        let refusals = form.parse().unwrap_err();
        assert_eq!(refusals.at("networks"), Some("192.168.88.1/24 has host bits set. Use 192.168.88.0/24 instead."));
        let form = SiteForm { networks: "10.0.0.0/8, office".into(), ..form };
        assert_eq!(
            form.parse().unwrap_err().at("networks"),
            Some("office: Enter an IPv4 range in CIDR notation, for example 10.0.0.0/24.")
        );
        assert_eq!(refusals.at("public_key"), Some("Enter a WireGuard public key."));
        let form = SiteForm { networks: "127.0.0.0/8".into(), ..form };
        assert_eq!(
            form.parse().unwrap_err().at("networks"),
            Some("127.0.0.0/8 overlaps with the reserved range 127.0.0.0/8.")
        );
    }
}
