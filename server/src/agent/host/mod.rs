//! The host that the agent drives: a file per tool, each with `read_*` and `ensure_*`.
//!
//! These functions act and do not decide: what has to be done is planned by
//! `app::domain::plan`, one step at a time is done here. All of it needs CAP_NET_ADMIN and
//! nothing else.

use std::{collections::BTreeMap, fmt, net::Ipv4Addr, str::FromStr};

use anyhow::Result;
use app::domain::{
    PublicKey,
    host::{HostFacts, HostRole, Interface, WireGuardKind},
    plan::{Device, FoundPeer, HostState, SetPeer, Step},
    service::node::NodeReport,
};
use async_trait::async_trait;

mod command;
pub mod fake;
mod flows;
mod interface;
pub mod key;
pub mod nft;
mod route;
mod sysctl;
mod uapi;
mod wg;

use key::PrivateKey;
use route::{Netlink, Paths};

/// Which host is driven, by which WireGuard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostChoice {
    /// The socket of a userspace WireGuard if there is one, else the kernel's, else a new `wireguard-go`.
    #[default]
    Auto,
    Uapi,
    Wg,
    /// For tests. The addresses are those of eth0, eth1 and so on.
    Recording(Vec<Ipv4Addr>),
}

impl FromStr for HostChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "uapi" => Ok(Self::Uapi),
            "wg" => Ok(Self::Wg),
            "recording" => Ok(Self::Recording(vec![Ipv4Addr::new(192, 0, 2, 10)])),
            _ => match text.strip_prefix("recording:") {
                Some(list) => {
                    let addresses = list.split(',').map(str::parse).collect::<Result<_, _>>();
                    addresses.map(Self::Recording).map_err(|_| format!("{list} is not a list of IPv4 addresses"))
                }
                None => Err(format!("{text} is not a WireGuard; choose auto, uapi or wg")),
            },
        }
    }
}

impl fmt::Display for HostChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Uapi => f.write_str("uapi"),
            Self::Wg => f.write_str("wg"),
            Self::Recording(_) => f.write_str("recording"),
        }
    }
}

/// A host as it was read at one moment.
#[derive(Clone, Debug)]
pub struct Reading {
    pub state: HostState,
    pub facts: HostFacts,
    /// What the table of a node has counted; empty without one.
    pub node: NodeReport,
}

/// What to read of a host.
#[derive(Clone, Debug)]
pub struct Question {
    /// On a node's host a tunnel is somebody else's, whatever its name.
    pub role: HostRole,
    /// The keys that matter.
    pub sysctls: Vec<String>,
}

impl Question {
    pub fn of(role: HostRole) -> Self {
        Self { role, sysctls: Vec::new() }
    }
}

#[async_trait]
pub trait Host: Send + Sync {
    /// Everything that a plan is made from.
    async fn read(&self, question: &Question) -> Result<Reading>;
    /// Does one step; doing it again changes nothing.
    async fn perform(&self, step: &Step) -> Result<()>;
}

/// A WireGuard device, however it is spoken to.
#[async_trait]
trait WireGuard: Send + Sync {
    fn kind(&self) -> WireGuardKind;
    /// `None`: there is no device, or nobody answers for it.
    async fn read(&self) -> Result<Option<(Device, BTreeMap<PublicKey, FoundPeer>)>>;
    async fn set_device(&self, key: Option<&PrivateKey>, listen_port: Option<u16>) -> Result<()>;
    async fn set_peers(&self, remove: &[PublicKey], set: &[SetPeer]) -> Result<()>;
}

/// The machine that the agent runs on.
pub struct LiveHost {
    choice: HostChoice,
    key: PrivateKey,
    netlink: Netlink,
}

impl LiveHost {
    pub fn open(choice: HostChoice, key: PrivateKey) -> Result<Self> {
        Ok(Self { choice, key, netlink: Netlink::open()? })
    }

    /// Asked anew every time: a userspace WireGuard may have been started or stopped meanwhile.
    fn wireguard(&self) -> &'static dyn WireGuard {
        match self.choice {
            HostChoice::Uapi => &uapi::Uapi,
            HostChoice::Auto if uapi::answers() => &uapi::Uapi,
            _ => &wg::WgTool,
        }
    }

    async fn read_device_of(&self, role: HostRole) -> Result<Option<(Device, BTreeMap<PublicKey, FoundPeer>)>> {
        match role {
            HostRole::Gateway => self.read_device().await,
            HostRole::Node => Ok(None),
        }
    }

    async fn read_device(&self) -> Result<Option<(Device, BTreeMap<PublicKey, FoundPeer>)>> {
        let wireguard = self.wireguard();
        // Without an interface the tool is not needed, and may not be there.
        if wireguard.kind() == WireGuardKind::Wg && self.netlink.index().await?.is_none() {
            return Ok(None);
        }
        wireguard.read().await
    }
}

#[async_trait]
impl Host for LiveHost {
    async fn read(&self, question: &Question) -> Result<Reading> {
        let (device, paths, table) =
            tokio::join!(self.read_device_of(question.role), self.netlink.read_paths(), nft::read_table());
        let (device, paths, table) = (device?, paths?, table?);
        let (firewall, node) = table.map_or((None, NodeReport::default()), |(firewall, node)| (Some(firewall), node));
        // A socket that answers for an interface that is gone, or the other way round, is no device.
        let (device, peers) =
            device.filter(|_| paths.present).map_or((None, BTreeMap::new()), |(device, peers)| (Some(device), peers));
        let facts = facts(&paths, self.wireguard().kind());
        let sysctls = sysctl::read_sysctls(&question.sysctls);
        let Paths { link, own, foreign, .. } = paths;
        let state = match question.role {
            HostRole::Gateway => {
                HostState { device, peers, link, routes: own.into_iter().collect(), foreign, firewall, sysctls }
            }
            HostRole::Node => HostState { firewall, sysctls, ..HostState::default() },
        };
        Ok(Reading { state, facts, node })
    }

    async fn perform(&self, step: &Step) -> Result<()> {
        match step {
            Step::ReplaceFirewall(firewall) => nft::ensure_table(firewall).await,
            Step::RemoveFirewall => nft::remove_table().await,
            Step::MakeInterface => interface::make_interface(&self.netlink, self.choice != HostChoice::Uapi).await,
            Step::RemoveInterface => self.netlink.remove_interface().await,
            Step::SetSysctl { key, value } => sysctl::ensure_sysctl(key, value),
            Step::SetDevice { key, listen_port } => {
                let wireguard = self.wireguard();
                if *key {
                    wireguard.set_device(Some(&self.key), None).await?;
                }
                let Some(port) = *listen_port else { return Ok(()) };
                let ours = self.read_device().await?.is_some_and(|(device, _)| device.listen_port == port);
                if !ours {
                    interface::ensure_port_is_free(port)?;
                }
                wireguard.set_device(None, Some(port)).await
            }
            Step::SetPeers { remove, set } => self.wireguard().set_peers(remove, set).await,
            Step::SetMtu(mtu) => self.netlink.ensure_mtu(*mtu).await,
            Step::AddAddress { address, prefix } => self.netlink.ensure_address(*address, *prefix).await,
            Step::RemoveAddress { address, prefix } => self.netlink.remove_address(*address, *prefix).await,
            Step::LinkUp => self.netlink.ensure_up().await,
            Step::RemoveShadow(route) => self.netlink.remove_shadow(route).await,
            Step::RemoveRoute(range) => self.netlink.remove_route(*range).await,
            Step::AddRoute(range) => self.netlink.ensure_route(*range).await,
            Step::ForgetFlows(ranges) => {
                let ranges = ranges.clone();
                tokio::spawn(async move { flows::forget_flows(&ranges).await });
                Ok(())
            }
        }
    }
}

fn facts(paths: &Paths, wireguard: WireGuardKind) -> HostFacts {
    let interface =
        |(name, addresses): &(String, Vec<Ipv4Addr>)| Interface { name: name.clone(), addresses: addresses.clone() };
    HostFacts {
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        host_name: host_name(),
        wireguard,
        interfaces: paths.interfaces.iter().map(interface).collect(),
        wan: paths.wan.clone(),
    }
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
