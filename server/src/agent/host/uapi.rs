//! WireGuard through the configuration socket of a userspace implementation.
//!
//! Hand-written: the protocol is two verbs, and libraries lose its error numbers
//! (dataplane 2.4). `replace_peers` is never sent, since it drops every session; zeros are
//! sent explicitly, since what is left out stays. An answer that ends before its `errno`
//! line is a failure.

use std::{collections::BTreeMap, fmt::Write as _, io};

use anyhow::{Context, Result, bail};
use app::domain::{
    Cidr, PresharedKey, PublicKey, Timestamp,
    host::WireGuardKind,
    plan::{Device, FoundPeer, SetPeer},
    tunnel::INTERFACE,
};
use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::{Duration, timeout},
};

use super::{WireGuard, key::PrivateKey};

/// A first apply of 10,000 peers takes a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where implementations put their socket.
pub fn socket() -> String {
    format!("/run/wireguard/{INTERFACE}.sock")
}

/// Whether somebody listens there; a process that was killed leaves its file behind.
pub fn answers() -> bool {
    std::os::unix::net::UnixStream::connect(socket()).is_ok()
}

pub struct Uapi;

#[async_trait]
impl WireGuard for Uapi {
    fn kind(&self) -> WireGuardKind {
        WireGuardKind::Uapi
    }

    async fn read(&self) -> Result<Option<(Device, BTreeMap<PublicKey, FoundPeer>)>> {
        let Some(answer) = ask("get=1\n\n").await? else { return Ok(None) };
        parse(&answer).map(Some)
    }

    async fn set_device(&self, key: Option<&PrivateKey>, listen_port: Option<u16>) -> Result<()> {
        let mut text = "set=1\n".to_owned();
        if let Some(key) = key {
            let _ = writeln!(text, "private_key={}", key.to_hex());
        }
        if let Some(port) = listen_port {
            let _ = writeln!(text, "listen_port={port}");
        }
        set(text).await
    }

    async fn set_peers(&self, remove: &[PublicKey], set_peers: &[SetPeer]) -> Result<()> {
        let mut text = "set=1\n".to_owned();
        for key in remove {
            let _ = write!(text, "public_key={}\nremove=true\n", key.to_hex());
        }
        for peer in set_peers {
            write_peer(&mut text, peer);
        }
        set(text).await
    }
}

fn write_peer(text: &mut String, set: &SetPeer) {
    let peer = &set.peer;
    let _ = writeln!(text, "public_key={}", peer.public_key.to_hex());
    if set.exists {
        // A peer that was removed meanwhile is not made again by halves.
        text.push_str("update_only=true\n");
    }
    if set.preshared_key {
        let hex = peer.preshared_key.map_or_else(|| "0".repeat(64), PresharedKey::to_hex);
        let _ = writeln!(text, "preshared_key={hex}");
    }
    if let Some(endpoint) = peer.endpoint.filter(|_| set.endpoint) {
        let _ = writeln!(text, "endpoint={endpoint}");
    }
    if set.keepalive {
        let _ = writeln!(text, "persistent_keepalive_interval={}", peer.keepalive);
    }
    if set.allowed_ips {
        text.push_str("replace_allowed_ips=true\n");
        for range in &peer.allowed_ips {
            let _ = writeln!(text, "allowed_ip={range}");
        }
    }
}

async fn set(mut text: String) -> Result<()> {
    text.push('\n');
    match ask(&text).await? {
        Some(_) => Ok(()),
        None => bail!("Nobody answers at {}: WireGuard has stopped. The agent starts it again.", socket()),
    }
}

/// One question, one answer without its `errno` line; `None`: nobody listens.
async fn ask(question: &str) -> Result<Option<String>> {
    match UnixStream::connect(socket()).await {
        Ok(stream) => timeout(PATIENCE, converse(stream, question))
            .await
            .context("WireGuard did not answer within a minute")?
            .map(Some),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => bail!("{} cannot be opened: {error}. The agent and WireGuard must run as one user.", socket()),
    }
}

async fn converse(mut stream: UnixStream, question: &str) -> Result<String> {
    let mut answer = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    stream.write_all(question.as_bytes()).await.context("WireGuard hung up")?;
    // Only the end of an answer is an empty line.
    while !answer.ends_with(b"\n\n") {
        let read = stream.read(&mut chunk).await.context("WireGuard hung up")?;
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&chunk[..read]);
    }
    let mut answer = String::from_utf8(answer).context("WireGuard answered with something that is not text")?;
    let whole = answer.ends_with("\n\n");
    let body = answer.trim_end_matches('\n');
    let at = body.rfind('\n').map_or(0, |newline| newline + 1);
    let number =
        body[at..].strip_prefix("errno=").filter(|_| whole).context("WireGuard hung up in the middle of its answer")?;
    let number: i32 = number.parse().context("WireGuard answered with a strange errno")?;
    // wireguard-go answers with negative numbers.
    match number.unsigned_abs() {
        0 => {
            answer.truncate(at);
            Ok(answer)
        }
        // EADDRINUSE
        98 => bail!(
            "The listen port is taken by another program on this host. Stop it, or choose another port for the gateway."
        ),
        number => {
            let error = io::Error::from_raw_os_error(i32::try_from(number).unwrap_or(i32::MAX));
            bail!("WireGuard refused the change: {error}")
        }
    }
}

fn parse(answer: &str) -> Result<(Device, BTreeMap<PublicKey, FoundPeer>)> {
    let mut device = Device::default();
    let mut peers: Vec<(PublicKey, FoundPeer)> = Vec::new();
    let (mut seconds, mut nanoseconds) = (0i64, 0i64);
    for line in answer.lines() {
        let (key, value) = line
            .split_once('=')
            .with_context(|| format!("WireGuard wrote an unknown line of {} characters", line.len()))?;
        match (key, peers.last_mut()) {
            ("private_key", _) => device.public_key = Some(PrivateKey::from_bytes(bytes(value)?).public()),
            ("listen_port", _) => device.listen_port = value.parse()?,
            ("public_key", _) => {
                (seconds, nanoseconds) = (0, 0);
                peers.push((PublicKey::from_bytes(bytes(value)?), FoundPeer::default()));
            }
            (_, None) => {}
            ("preshared_key", Some((_, peer))) => {
                peer.preshared_key = Some(bytes(value)?).filter(|key| *key != [0; 32]).map(PresharedKey::from_bytes);
            }
            ("endpoint", Some((_, peer))) => peer.endpoint = value.parse().ok(),
            ("persistent_keepalive_interval", Some((_, peer))) => peer.keepalive = value.parse()?,
            ("rx_bytes", Some((_, peer))) => peer.received = value.parse()?,
            ("tx_bytes", Some((_, peer))) => peer.sent = value.parse()?,
            ("last_handshake_time_sec" | "last_handshake_time_nsec", Some((_, peer))) => {
                let number = value.parse()?;
                if key.ends_with("nsec") {
                    nanoseconds = number
                } else {
                    seconds = number
                }
                peer.handshake = (seconds > 0).then_some(Timestamp(seconds * 1000 + nanoseconds / 1_000_000));
            }
            ("allowed_ip", Some((_, peer))) => match value.parse::<Cidr>() {
                Ok(range) => peer.allowed_ips.push(range),
                Err(_) => peer.alien_ips.push(value.to_owned()),
            },
            _ => {}
        }
    }
    for (_, peer) in &mut peers {
        peer.allowed_ips.sort();
    }
    Ok((device, peers.into_iter().collect()))
}

/// 64 hexadecimal digits.
fn bytes(hex: &str) -> Result<[u8; 32]> {
    let digits = hex.as_bytes();
    if digits.len() != 64 {
        bail!("WireGuard wrote a key of {} characters", digits.len());
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).context("WireGuard wrote a key that is not hexadecimal");
    let mut key = [0; 32];
    for (at, pair) in digits.chunks_exact(2).enumerate() {
        key[at] = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).expect("two digits are a byte");
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use app::domain::{peer::PeerKind, tunnel::TunnelPeer};

    use super::*;

    #[test]
    fn an_answer_is_read_field_by_field() {
        let (one, two, psk) = ("11".repeat(32), "22".repeat(32), "33".repeat(32));
        let zero = "00".repeat(32);
        let answer = format!(
            "private_key={one}\nlisten_port=51820\npublic_key={two}\npreshared_key={psk}\nprotocol_version=1\nendpoint=203.0.113.20:51820\n\
             last_handshake_time_sec=1700000000\nlast_handshake_time_nsec=250000000\ntx_bytes=92\nrx_bytes=148\n\
             persistent_keepalive_interval=25\nallowed_ip=10.200.2.0/24\nallowed_ip=10.0.0.0/16\nallowed_ip=fd00::/64\n\
             public_key={one}\npreshared_key={zero}\nprotocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\n\
             tx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0"
        );
        let (device, peers) = parse(&answer).expect("an answer");
        assert_eq!((device.public_key, device.listen_port), (Some(PrivateKey::from_bytes([0x11; 32]).public()), 51820));
        let beta = &peers[&PublicKey::from_bytes([0x22; 32])];
        assert_eq!(format!("{:?}", beta.allowed_ips), "[10.0.0.0/16, 10.200.2.0/24]");
        assert_eq!((beta.received, beta.sent, beta.handshake), (148, 92, Some(Timestamp(1_700_000_000_250))));
        assert_eq!((beta.preshared_key, beta.alien_ips.len()), (Some(PresharedKey::from_bytes([0x33; 32])), 1));
        let other = &peers[&PublicKey::from_bytes([0x11; 32])];
        assert_eq!((other.preshared_key, other.handshake), (None, None));
    }

    async fn answered(answer: &str) -> Result<String> {
        let (ours, mut theirs) = UnixStream::pair()?;
        theirs.write_all(answer.as_bytes()).await?;
        theirs.shutdown().await?;
        converse(ours, "get=1\n\n").await
    }

    #[tokio::test]
    async fn an_answer_counts_only_with_its_errno_and_negative_numbers_are_errors_too() {
        assert_eq!(answered("listen_port=51820\nerrno=0\n\n").await.expect("whole"), "listen_port=51820\n");
        assert_eq!(answered("errno=0\n\n").await.expect("whole"), "");
        for (answer, sentence) in [
            ("", "WireGuard hung up in the middle of its answer"),
            ("listen_port=51820\n", "WireGuard hung up in the middle of its answer"),
            ("listen_port=51820\nerrno=0", "WireGuard hung up in the middle of its answer"),
            ("errno=zero\n\n", "WireGuard answered with a strange errno"),
            (
                "errno=-98\n\n",
                "The listen port is taken by another program on this host. Stop it, or choose another port for the gateway.",
            ),
            ("errno=-22\n\n", "WireGuard refused the change: Invalid argument (os error 22)"),
        ] {
            assert_eq!(answered(answer).await.expect_err(answer).to_string(), sentence);
        }
    }

    #[test]
    fn a_change_tells_what_changed_and_nothing_else() {
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
        let mut text = String::new();
        let change = SetPeer {
            peer,
            exists: true,
            preshared_key: false,
            endpoint: true,
            keepalive: true,
            allowed_ips: false,
            answering: false,
        };
        write_peer(&mut text, &change);
        assert_eq!(
            text,
            format!("public_key={}\nupdate_only=true\npersistent_keepalive_interval=0\n", "07".repeat(32))
        );
        let mut text = String::new();
        write_peer(&mut text, &SetPeer { exists: false, preshared_key: true, allowed_ips: true, ..change });
        assert!(text.contains(&format!("preshared_key={}\n", "00".repeat(32))), "a zero says: none");
        assert!(text.ends_with("replace_allowed_ips=true\nallowed_ip=10.200.1.7/32\n"));
        assert!(!text.contains("replace_peers"));
    }
}
