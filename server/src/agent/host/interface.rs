//! Makes the WireGuard interface: the kernel's if there is one, else a `wireguard-go` of its own.
//!
//! A separate process, in its own process group: it survives the agent, and so do the tunnels.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use app::domain::tunnel::INTERFACE;
use tokio::{
    process::Command,
    time::{Instant, sleep, timeout},
};

use super::{route::Netlink, uapi};

const PROGRAM: &str = "wireguard-go";

/// `kernel`: whether to ask the kernel first.
pub async fn make_interface(netlink: &Netlink, kernel: bool) -> Result<()> {
    if kernel && netlink.make_kernel_interface().await? {
        return Ok(());
    }
    start_daemon().await
}

/// A device that is down takes any port without a word, and one that is up gives up its old one first: so we ask before.
pub fn ensure_port_is_free(port: u16) -> Result<()> {
    let wildcards = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    for error in wildcards.into_iter().filter_map(|address| UdpSocket::bind((address, port)).err()) {
        if error.kind() == ErrorKind::AddrInUse {
            bail!(
                "UDP port {port} is taken by another program on this host ({error}). `ss -lunp sport = :{port}` names it. Stop it, or choose another listen port for the gateway; the agent goes on by itself."
            );
        }
    }
    Ok(())
}

async fn start_daemon() -> Result<()> {
    let mut command = Command::new(PROGRAM);
    // With a log level the daemon keeps our standard error open for ever.
    command.arg(INTERFACE).env_remove("LOG_LEVEL").process_group(0);
    // Nothing that we were given is any business of its.
    for secret in ["CAUSEWAY_TOKEN", "CAUSEWAY_AGENT_TOKEN"] {
        command.env_remove(secret);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let started = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "This kernel has no WireGuard and {PROGRAM} is not installed. Install the package {PROGRAM}, then the agent goes on by itself."
        ),
        Err(error) => bail!("{PROGRAM} cannot be started: {error}"),
    };
    // It goes to the background when the interface is there, and ends otherwise.
    let ended = timeout(Duration::from_secs(15), started.wait_with_output());
    let output = ended.await.with_context(|| format!("{PROGRAM} did not make {INTERFACE} within 15 s"))??;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        // Its banner says nothing; the last line says why.
        let why = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it did not say why").to_owned();
        bail!(
            "{PROGRAM} could not make {INTERFACE}: {why}. It needs CAP_NET_ADMIN and a /dev/net/tun that it may open."
        );
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while !uapi::answers() {
        if Instant::now() > deadline {
            bail!("{PROGRAM} made {INTERFACE} but no {}", uapi::socket());
        }
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_somebody_has_is_named_with_what_to_do_and_one_that_nobody_has_is_free() {
        let thief = UdpSocket::bind(("127.0.0.1", 0)).expect("a free port");
        let port = thief.local_addr().expect("bound").port();
        let error = ensure_port_is_free(port).expect_err("it is taken").to_string();
        assert!(error.starts_with(&format!("UDP port {port} is taken by another program on this host")), "{error}");
        drop(thief);
        ensure_port_is_free(port).expect("given back");
    }
}
