//! The file that a road warrior loads (domain 5.7), and the one for a site's router (5.8).
//!
//! The text is made where the private key is: in the browser. Elsewhere the key is a
//! placeholder comment.

use std::{fmt::Write, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::{Cidr, GatewayName, PeerName, PresharedKey, PublicKey, peer::Endpoint};

/// Everything of the file but the private key. Holds the preshared key: given only to who may see the peer's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    pub gateway: GatewayName,
    pub peer: PeerName,
    pub address: Ipv4Addr,
    pub dns: Vec<Ipv4Addr>,
    pub mtu: u16,
    pub gateway_key: PublicKey,
    pub preshared_key: Option<PresharedKey>,
    pub allowed_ips: Vec<Cidr>,
    pub endpoint: Endpoint,
}

/// What a file says of its gateway. Kept with each download, so that a file that is no longer true is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayIn {
    pub key: PublicKey,
    pub endpoint: Endpoint,
    pub mtu: u16,
    pub dns: Vec<Ipv4Addr>,
}

/// What of a downloaded file is no longer true of its gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stale {
    Key,
    Endpoint,
    Mtu,
    Dns,
}

impl Stale {
    /// As in "the gateway's key has changed".
    pub fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Endpoint => "address",
            Self::Mtu => "MTU",
            Self::Dns => "DNS",
        }
    }

    /// "The gateway's key and address have changed." Empty if nothing has.
    pub fn sentence(all: &[Self]) -> String {
        let words: Vec<&str> = all.iter().map(|stale| stale.word()).collect();
        match words.as_slice() {
            [] => String::new(),
            [one] => format!("The gateway's {one} has changed."),
            [first @ .., last] => format!("The gateway's {} and {last} have changed.", first.join(", ")),
        }
    }
}

impl WayIn {
    pub fn stale(&self, now: &Self) -> Vec<Stale> {
        [
            (Stale::Key, self.key != now.key),
            (Stale::Endpoint, self.endpoint != now.endpoint),
            (Stale::Mtu, self.mtu != now.mtu),
            (Stale::Dns, self.dns != now.dns),
        ]
        .into_iter()
        .filter_map(|(what, differs)| differs.then_some(what))
        .collect()
    }
}

/// Stands where the private key is filled in by its owner.
pub const KEY_PLACEHOLDER: &str =
    "# PrivateKey = the key that was made when this peer was added; Causeway never had it";

impl FileFacts {
    /// wg-quick(8) form.
    pub fn render(&self, private_key: Option<&str>) -> String {
        let mut file = String::from("[Interface]\n");
        let key = private_key.map_or_else(|| KEY_PLACEHOLDER.to_owned(), |key| format!("PrivateKey = {key}"));
        let lines = [
            Some(key),
            Some(format!("Address = {}/32", self.address)),
            (!self.dns.is_empty()).then(|| format!("DNS = {}", join(&self.dns))),
            Some(format!("MTU = {}", self.mtu)),
            Some(String::new()),
            Some("[Peer]".to_owned()),
            Some(format!("PublicKey = {}", self.gateway_key)),
            self.preshared_key.map(|key| format!("PresharedKey = {key}")),
            Some(format!("AllowedIPs = {}", join(&self.allowed_ips))),
            Some(format!("Endpoint = {}", self.endpoint)),
            Some("PersistentKeepalive = 25".to_owned()),
        ];
        for line in lines.into_iter().flatten() {
            writeln!(file, "{line}").expect("a string takes any text");
        }
        file
    }

    /// The private key of an older copy of the file, if it has one: renews everything else around it.
    pub fn private_key_of(old: &str) -> Option<&str> {
        old.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            let value = value.trim();
            (name.trim().eq_ignore_ascii_case("PrivateKey") && value.len() == 44).then_some(value)
        })
    }

    pub fn file_name(&self) -> String {
        file_name(&self.gateway, &self.peer)
    }
}

/// `<gateway>-<peer>.conf`, cut so that wg-quick(8) takes it: an interface name has at most 15 characters.
pub fn file_name(gateway: &GatewayName, peer: &PeerName) -> String {
    const MOST: usize = 15;
    let whole = format!("{gateway}-{peer}");
    if whole.len() <= MOST {
        return format!("{whole}.conf");
    }
    // The peer's name tells files of one person apart, so it is kept longest.
    let peer: String = peer.as_str().chars().take(10).collect();
    let room = MOST - 1 - peer.len();
    let gateway: String = gateway.as_str().chars().take(room).collect();
    format!("{}-{}.conf", gateway.trim_end_matches('-'), peer.trim_end_matches('-'))
}

/// What a site's router needs to join (domain 5.8). Its private key is its own business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteExport {
    pub file: FileFacts,
    /// The networks behind the site, which the gateway routes to it.
    pub networks: Vec<Cidr>,
}

impl SiteExport {
    /// A `[Peer]` section and the commands of a Linux router.
    pub fn render(&self) -> String {
        let FileFacts { gateway, gateway_key, preshared_key, allowed_ips, endpoint, address, mtu, .. } = &self.file;
        let mut text = format!(
            "# On the router of {}: the peer section for {gateway}\n[Peer]\nPublicKey = {gateway_key}\n",
            self.file.peer
        );
        if let Some(key) = preshared_key {
            writeln!(text, "PresharedKey = {key}").expect("a string takes any text");
        }
        write!(
            text,
            "AllowedIPs = {}\nEndpoint = {endpoint}\nPersistentKeepalive = 25\n\n# Address, MTU and routes of the router's interface\n",
            join(allowed_ips)
        )
        .expect("a string takes any text");
        writeln!(text, "ip address add {address}/32 dev wg0\nip link set dev wg0 mtu {mtu} up")
            .expect("a string takes any text");
        for range in allowed_ips {
            writeln!(text, "ip route replace {range} dev wg0").expect("a string takes any text");
        }
        text
    }
}

fn join<T: std::fmt::Display>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> FileFacts {
        FileFacts {
            gateway: "gw-alpha".parse().expect("a name"),
            peer: "laptop-mira".parse().expect("a name"),
            address: Ipv4Addr::new(10, 200, 1, 10),
            dns: vec![],
            mtu: 1420,
            gateway_key: PublicKey::from_bytes([1; 32]),
            preshared_key: Some(PresharedKey::from_bytes([2; 32])),
            allowed_ips: vec![Cidr::literal([10, 0, 0, 0], 16), Cidr::literal([172, 16, 0, 0], 16)],
            endpoint: "203.0.113.10:51820".parse().expect("an endpoint"),
        }
    }

    #[test]
    fn row_84_the_file_has_every_peered_range_and_the_key_that_the_browser_made() {
        let text = facts().render(Some("aBrowserMadeThisKeyaBrowserMadeThisKeyaBrow="));
        insta::assert_snapshot!(text, @r"
        [Interface]
        PrivateKey = aBrowserMadeThisKeyaBrowserMadeThisKeyaBrow=
        Address = 10.200.1.10/32
        MTU = 1420

        [Peer]
        PublicKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=
        PresharedKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=
        AllowedIPs = 10.0.0.0/16, 172.16.0.0/16
        Endpoint = 203.0.113.10:51820
        PersistentKeepalive = 25
        ");
    }

    #[test]
    fn a_later_download_has_a_placeholder_and_an_old_file_gives_its_key_back() {
        assert!(facts().render(None).contains(KEY_PLACEHOLDER));
        assert_eq!(FileFacts::private_key_of(&facts().render(None)), None);
        let key = "aBrowserMadeThisKeyaBrowserMadeThisKeyaBrow=";
        assert_eq!(FileFacts::private_key_of(&facts().render(Some(key))), Some(key));
    }

    #[test]
    fn a_file_name_is_an_interface_name() {
        assert_eq!(facts().file_name(), "gw-a-laptop-mir.conf");
        let short = file_name(&"oslo".parse().expect("a name"), &"mira".parse().expect("a name"));
        assert_eq!(short, "oslo-mira.conf");
    }
}
