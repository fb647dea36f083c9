//! The lab: a small internet of network namespaces on one machine, with real wireguard-go and
//! the real agent in each gateway host. It is the demo, and the stage of the network tests.
//!
//! Every host is a process that holds its own network and mount namespace (a private `/run`,
//! because WireGuard's sockets are file paths), and all of them live in one PID namespace
//! under one supervisor. When the supervisor ends, by whatever signal, the kernel ends the
//! rest and removes every interface, route and rule: nothing is left behind.
//!
//! - [`layout`]: the hosts, their links and addresses, as data
//! - [`hold`]: the supervisor (`causeway lab up` starts it)
//! - [`control`]: what is asked of a supervisor, over a socket in the lab's folder
//! - [`demo`]: "Build the lab network", through the ordinary functions of the console
//! - [`command`]: `causeway lab up | status | exec | agent | down`

pub mod command;
pub mod control;
pub mod demo;
pub mod hold;
pub mod layout;

use app::{
    api::{ApiError, lab::LabState},
    backend::SharedBackend,
    domain::ProjectName,
};
use async_trait::async_trait;
use tokio::sync::oneshot;

/// What the console can do with a lab on its own machine.
#[async_trait]
pub trait LabControl: Send + Sync + 'static {
    async fn state(&self) -> LabState;
    /// Starts building, as whoever `backend` belongs to, and returns; progress wakes the `lab` topic. What it returns hears
    /// when the lab is built, and is dropped if it could not be.
    async fn build(&self, project: &ProjectName, backend: SharedBackend) -> Result<oneshot::Receiver<()>, ApiError>;
    /// Deletes what building made, and ends the hosts. Returns as [`LabControl::build`] does.
    async fn remove(&self, project: &ProjectName, backend: SharedBackend) -> Result<oneshot::Receiver<()>, ApiError>;
}

/// Whether this machine can hold a lab; why not, in a sentence.
pub fn unavailable() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("The lab needs Linux: it is made of network namespaces.".to_owned());
    }
    for (program, package) in [
        ("ip", "iproute2"),
        ("nft", "nftables"),
        ("wg", "wireguard-tools"),
        ("wireguard-go", "wireguard-go"),
        ("unshare", "util-linux"),
        ("nsenter", "util-linux"),
        ("ping", "iputils-ping"),
    ] {
        if !in_path(program) {
            return Some(format!(
                "The lab needs {program}, which is not installed on this machine (Debian package {package})."
            ));
        }
    }
    if let Err(error) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun") {
        return Some(format!("The lab needs /dev/net/tun, which cannot be opened here: {error}."));
    }
    let may = std::process::Command::new("unshare")
        .args(hold::namespace_flags())
        .args(["--net", "--mount", "--propagation", "private", "true"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    match may {
        Ok(status) if status.success() => None,
        _ => Some("The lab needs network namespaces, which this user may not make here. Run Causeway as root, or allow unprivileged user namespaces.".to_owned()),
    }
}

pub(crate) fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder| folder.join(program).is_file())
}
