//! WireGuard through its own tool, for kernels that have it.
//!
//! New and changed peers go in by `wg addconf`, which never touches another peer; removals
//! by `wg set`. `setconf` and `syncconf` reset what a file does not say, so neither is used.
//! Every field is written, zeros too: what is left out would stay as it was.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Context, Result, bail};
use app::domain::{
    Cidr, PresharedKey, PublicKey, Timestamp,
    host::WireGuardKind,
    peer::Endpoint,
    plan::{Device, FoundPeer, SetPeer},
    tunnel::INTERFACE,
};
use async_trait::async_trait;

use super::{WireGuard, command, key::PrivateKey};

/// 32 zero bytes: no preshared key.
const NONE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// Keys per command line.
const AT_ONCE: usize = 500;

pub struct WgTool;

#[async_trait]
impl WireGuard for WgTool {
    fn kind(&self) -> WireGuardKind {
        WireGuardKind::Wg
    }

    async fn read(&self) -> Result<Option<(Device, BTreeMap<PublicKey, FoundPeer>)>> {
        let said = command::run("wg", &["show", INTERFACE, "dump"], b"").await?;
        if said.success {
            let text = std::str::from_utf8(&said.stdout).context("wg wrote something that is not text")?;
            return parse_dump(text).map(Some);
        }
        // The latter: no interface, and a kernel that does not know WireGuard.
        if ["No such device", "Protocol not supported"].iter().any(|none| said.stderr.contains(none)) {
            return Ok(None);
        }
        bail!("wg cannot show {INTERFACE}: {}", said.stderr)
    }

    async fn set_device(&self, key: Option<&PrivateKey>, listen_port: Option<u16>) -> Result<()> {
        let port = listen_port.map(|port| port.to_string());
        let mut arguments = vec!["set", INTERFACE];
        if let Some(port) = &port {
            arguments.extend(["listen-port", port]);
        }
        let secret = key.map(PrivateKey::to_base64).unwrap_or_default();
        if key.is_some() {
            arguments.extend(["private-key", "/dev/stdin"]);
        }
        command::run_well("wg", &arguments, secret.as_bytes()).await.map(drop)
    }

    async fn set_peers(&self, remove: &[PublicKey], set: &[SetPeer]) -> Result<()> {
        for keys in remove.chunks(AT_ONCE) {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let mut arguments = vec!["set", INTERFACE];
            for key in &keys {
                arguments.extend(["peer", key, "remove"]);
            }
            command::run_well("wg", &arguments, b"").await?;
        }
        if !set.is_empty() {
            command::run_well("wg", &["addconf", INTERFACE, "/dev/stdin"], configuration(set).as_bytes()).await?;
        }
        Ok(())
    }
}

fn configuration(set: &[SetPeer]) -> String {
    let mut text = String::new();
    for SetPeer { peer, endpoint, .. } in set {
        let preshared = peer.preshared_key.map_or_else(|| NONE.to_owned(), |key| key.to_string());
        let _ = writeln!(text, "[Peer]\nPublicKey = {}\nPresharedKey = {preshared}", peer.public_key);
        if let Some(endpoint) = peer.endpoint.filter(|_| *endpoint) {
            let _ = writeln!(text, "Endpoint = {endpoint}");
        }
        let ranges: Vec<String> = peer.allowed_ips.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "PersistentKeepalive = {}\nAllowedIPs = {}", peer.keepalive, ranges.join(", "));
    }
    text
}

/// The first line is the device, every other one a peer; fields are separated by tabs.
fn parse_dump(text: &str) -> Result<(Device, BTreeMap<PublicKey, FoundPeer>)> {
    let mut lines = text.lines();
    let device: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let [_, public_key, listen_port, _] = device[..] else { bail!("wg show dump began with an unknown line") };
    let device = Device {
        public_key: public_key.parse().ok(),
        listen_port: listen_port.parse().context("wg show dump has no listen port")?,
    };
    let mut peers = BTreeMap::new();
    for line in lines {
        let fields: Vec<&str> = line.split('\t').collect();
        let [public_key, preshared, endpoint, allowed, handshake, received, sent, keepalive] = fields[..] else {
            bail!("wg show dump has a peer of {} fields", fields.len());
        };
        let mut peer = FoundPeer {
            preshared_key: preshared.parse::<PresharedKey>().ok(),
            endpoint: endpoint.parse::<Endpoint>().ok(),
            keepalive: keepalive.parse().unwrap_or(0),
            handshake: handshake.parse().ok().filter(|seconds| *seconds > 0).map(Timestamp::from_seconds),
            received: received.parse().context("wg show dump has a bad counter")?,
            sent: sent.parse().context("wg show dump has a bad counter")?,
            ..FoundPeer::default()
        };
        for range in allowed.split(',').filter(|range| !range.is_empty() && *range != "(none)") {
            match range.parse::<Cidr>() {
                Ok(range) => peer.allowed_ips.push(range),
                Err(_) => peer.alien_ips.push(range.to_owned()),
            }
        }
        peer.allowed_ips.sort();
        peers.insert(public_key.parse().context("wg show dump has a bad public key")?, peer);
    }
    Ok((device, peers))
}

#[cfg(test)]
mod tests {
    use app::domain::{peer::PeerKind, tunnel::TunnelPeer};

    use super::*;

    const DUMP: &str = "\
        yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\te06Qm72lwlRuZK0MmsxlBVIAucCl5qlMz4Cl4fZsOyo=\t51820\toff\n\
        xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\t(none)\t203.0.113.20:51820\t10.200.2.0/24,10.0.0.0/16,fd00::/64\t1700000000\t148\t92\t25\n\
        TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\t/UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=\t(none)\t(none)\t0\t0\t0\toff\n";

    #[test]
    fn a_dump_is_read_without_its_private_key() {
        let (device, peers) = parse_dump(DUMP).expect("a dump of wg(8)");
        assert_eq!(device.listen_port, 51820);
        let beta = &peers[&"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=".parse().expect("a key")];
        assert_eq!(format!("{:?}", beta.allowed_ips), "[10.0.0.0/16, 10.200.2.0/24]");
        assert_eq!((beta.alien_ips.len(), beta.keepalive, beta.received, beta.sent), (1, 25, 148, 92));
        assert_eq!(beta.handshake, Some(Timestamp::from_seconds(1_700_000_000)));
        let other = &peers[&"TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=".parse().expect("a key")];
        assert!(other.preshared_key.is_some() && other.handshake.is_none() && other.endpoint.is_none());
        assert!(parse_dump("interface: wg0\n").is_err());
    }

    #[test]
    fn a_peer_is_written_with_explicit_zeros() {
        let peer = TunnelPeer {
            name: "laptop".parse().expect("a name"),
            kind: PeerKind::RoadWarrior,
            public_key: PublicKey::from_bytes([7; 32]),
            preshared_key: None,
            endpoint: None,
            keepalive: 0,
            allowed_ips: vec![Cidr::literal([10, 200, 1, 7], 32)],
            unknown: Default::default(),
        };
        let set = SetPeer {
            peer,
            exists: true,
            preshared_key: false,
            endpoint: false,
            keepalive: true,
            allowed_ips: false,
            answering: false,
        };
        insta::assert_snapshot!(configuration(&[set]), @r"
        [Peer]
        PublicKey = BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=
        PresharedKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
        PersistentKeepalive = 0
        AllowedIPs = 10.200.1.7/32
        ");
    }
}
