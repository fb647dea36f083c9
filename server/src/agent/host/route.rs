//! The interface, its addresses and routes, by rtnetlink(7).
//!
//! Our routes carry protocol 201, so that nobody else's is ever taken for ours. A route is
//! added exclusively: replacing would overwrite the host's own connected route and cut it off.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result, anyhow, bail};
use app::domain::{
    Cidr,
    plan::{ForeignRoute, Link},
    tunnel::INTERFACE,
};
use futures::TryStreamExt;
use rtnetlink::{
    AddressMessageBuilder, Handle, LinkUnspec, LinkWireguard, RouteMessageBuilder,
    packet_route::{
        AddressFamily,
        address::AddressAttribute,
        link::{LinkAttribute, LinkFlags},
        route::{RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteProtocol, RouteScope, RouteType},
    },
};

/// Whose routes are ours.
pub const PROTOCOL: u8 = 201;
/// The routing table that everybody uses.
const MAIN: u32 = 254;

const EEXIST: i32 = 17;
const ESRCH: i32 = 3;
const EADDRNOTAVAIL: i32 = 99;

/// One socket to the kernel. Its network namespace is that of the thread that opens it.
#[derive(Clone)]
pub struct Netlink(Handle);

/// Everything that this module reads.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// Whether our interface is there at all.
    pub present: bool,
    pub link: Link,
    pub own: Vec<Cidr>,
    pub foreign: Vec<ForeignRoute>,
    /// Everybody else's interfaces with their IPv4 addresses, without loopback.
    pub interfaces: Vec<(String, Vec<Ipv4Addr>)>,
    /// The interface of the default route with the lowest metric.
    pub wan: Option<String>,
}

impl Netlink {
    pub fn open() -> Result<Self> {
        let (connection, handle, _) =
            rtnetlink::new_connection().context("The kernel's routing socket cannot be opened")?;
        tokio::spawn(connection);
        Ok(Self(handle))
    }

    pub async fn read_paths(&self) -> Result<Paths> {
        let mut paths = Paths::default();
        let links: Vec<_> = self.0.link().get().execute().try_collect().await?;
        let mut names: Vec<(u32, String)> = Vec::with_capacity(links.len());
        for link in links {
            let up = link.header.flags.contains(LinkFlags::Up);
            let (mut name, mut mtu) = (String::new(), None);
            for attribute in link.attributes {
                match attribute {
                    LinkAttribute::IfName(text) => name = text,
                    LinkAttribute::Mtu(number) => mtu = Some(number),
                    _ => {}
                }
            }
            if name == INTERFACE {
                paths.present = true;
                paths.link = Link { up, mtu, ..Link::default() };
            } else if !link.header.flags.contains(LinkFlags::Loopback) {
                paths.interfaces.push((name.clone(), Vec::new()));
            }
            names.push((link.header.index, name));
        }
        let name_of = |index: u32| names.iter().find(|(other, _)| *other == index).map(|(_, name)| name.as_str());
        let addresses: Vec<_> = self.0.address().get().execute().try_collect().await?;
        for message in addresses.iter().filter(|message| message.header.family == AddressFamily::Inet) {
            // On a point-to-point link "address" is the far end; "local" is ours.
            let local = message.attributes.iter().find_map(|attribute| match attribute {
                AddressAttribute::Local(IpAddr::V4(address)) => Some(*address),
                _ => None,
            });
            let (Some(address), Some(name)) = (local, name_of(message.header.index)) else { continue };
            if name == INTERFACE {
                paths.link.addresses.insert((address, message.header.prefix_len));
            } else if let Some((_, list)) = paths.interfaces.iter_mut().find(|(other, _)| other == name) {
                list.push(address);
            }
        }
        let mut default_metric = u32::MAX;
        let routes: Vec<_> =
            self.0.route().get(RouteMessageBuilder::<Ipv4Addr>::new().build()).execute().try_collect().await?;
        for (route, protocol, table) in routes.iter().filter_map(route) {
            if table != MAIN {
                continue;
            }
            let interface = route.1.and_then(name_of);
            let route = ForeignRoute { interface: interface.map(str::to_owned), ..route.0 };
            let ours = interface == Some(INTERFACE);
            if ours && protocol == PROTOCOL {
                paths.own.push(route.destination);
            } else if !ours {
                if route.destination.prefix() == 0 && route.interface.is_some() && route.metric < default_metric {
                    (default_metric, paths.wan) = (route.metric, route.interface.clone());
                }
                paths.foreign.push(route);
            }
        }
        Ok(paths)
    }

    /// Asks the kernel for a WireGuard interface; false if it does not know what that is.
    pub async fn make_kernel_interface(&self) -> Result<bool> {
        match self.0.link().add(LinkWireguard::new(INTERFACE).build()).execute().await {
            Ok(()) => Ok(true),
            // EEXIST: somebody was quicker. EOPNOTSUPP: no such kind.
            Err(error) if code(&error) == EEXIST => Ok(true),
            Err(error) if matches!(code(&error), 95 | 19 | 22) => Ok(false),
            Err(error) => Err(sentence(&format!("Interface {INTERFACE} cannot be made"), &error)),
        }
    }

    pub async fn remove_interface(&self) -> Result<()> {
        let Some(index) = self.index().await? else { return Ok(()) };
        self.0
            .link()
            .del(index)
            .execute()
            .await
            .map_err(|error| sentence(&format!("{INTERFACE} cannot be removed"), &error))
    }

    pub async fn ensure_mtu(&self, mtu: u32) -> Result<()> {
        let message = LinkUnspec::new_with_index(self.existing().await?).mtu(mtu).build();
        self.0
            .link()
            .set(message)
            .execute()
            .await
            .map_err(|error| sentence(&format!("MTU {mtu} cannot be set"), &error))
    }

    pub async fn ensure_up(&self) -> Result<()> {
        let message = LinkUnspec::new_with_index(self.existing().await?).up().build();
        self.0
            .link()
            .set(message)
            .execute()
            .await
            .map_err(|error| sentence(&format!("{INTERFACE} cannot be brought up"), &error))
    }

    pub async fn ensure_address(&self, address: Ipv4Addr, prefix: u8) -> Result<()> {
        let added = self.0.address().add(self.existing().await?, address.into(), prefix).execute().await;
        tolerate(added, EEXIST, || format!("Address {address}/{prefix} cannot be added to {INTERFACE}"))
    }

    pub async fn remove_address(&self, address: Ipv4Addr, prefix: u8) -> Result<()> {
        let index = self.existing().await?;
        let message = AddressMessageBuilder::<Ipv4Addr>::new().index(index).address(address, prefix).build();
        let removed = self.0.address().del(message).execute().await;
        tolerate(removed, EADDRNOTAVAIL, || format!("Address {address}/{prefix} cannot be removed from {INTERFACE}"))
    }

    pub async fn ensure_route(&self, range: Cidr) -> Result<()> {
        let index = self.existing().await?;
        let added = self.0.route().add(own_route(range, index)).execute().await;
        let Err(error) = added else { return Ok(()) };
        if code(&error) != EEXIST {
            return Err(sentence(&format!("Route {range} cannot be added"), &error));
        }
        let paths = self.read_paths().await?;
        if paths.own.contains(&range) {
            return Ok(());
        }
        let there = paths.foreign.iter().find(|route| route.destination == range);
        let there = there.map_or_else(|| "another route".to_owned(), |route| format!("this host's own route {route}"));
        bail!(
            "Route {range} cannot be added: {there} is in the way. The host is itself in that range; it cannot be reached through a tunnel from here."
        )
    }

    pub async fn remove_route(&self, range: Cidr) -> Result<()> {
        let Some(index) = self.index().await? else { return Ok(()) };
        let removed = self.0.route().del(own_route(range, index)).execute().await;
        tolerate(removed, ESRCH, || format!("Route {range} cannot be removed"))
    }

    /// Takes away the one foreign route, whatever its kind: it may be unreachable or a black hole.
    pub async fn remove_shadow(&self, route: &ForeignRoute) -> Result<()> {
        let mut message = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(route.destination.network(), route.destination.prefix())
            .protocol(route.protocol.into())
            .scope(RouteScope::NoWhere)
            .kind(RouteType::Unspec);
        if route.metric != 0 {
            message = message.priority(route.metric);
        }
        if let Some(via) = route.via {
            message = message.gateway(via);
        }
        let removed = self.0.route().del(message.build()).execute().await;
        tolerate(removed, ESRCH, || format!("Foreign route {route} cannot be removed"))
    }

    async fn existing(&self) -> Result<u32> {
        self.index().await?.with_context(|| format!("Interface {INTERFACE} has vanished; the agent makes it again"))
    }

    pub async fn index(&self) -> Result<Option<u32>> {
        let found = self.0.link().get().match_name(INTERFACE.to_owned()).execute().try_next().await;
        match found {
            Ok(link) => Ok(link.map(|link| link.header.index)),
            // ENODEV
            Err(error) if code(&error) == 19 => Ok(None),
            Err(error) => Err(sentence(&format!("{INTERFACE} cannot be looked up"), &error)),
        }
    }
}

fn own_route(range: Cidr, index: u32) -> RouteMessage {
    RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(range.network(), range.prefix())
        .output_interface(index)
        .scope(RouteScope::Link)
        .protocol(RouteProtocol::Other(PROTOCOL))
        .build()
}

/// A route, its protocol and its table; the interface by index.
type Read = ((ForeignRoute, Option<u32>), u8, u32);

fn route(message: &RouteMessage) -> Option<Read> {
    let header = &message.header;
    let mut destination = Ipv4Addr::UNSPECIFIED;
    let (mut metric, mut via, mut interface, mut table) = (0, None, None, u32::from(header.table));
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(address)) => destination = *address,
            RouteAttribute::Gateway(RouteAddress::Inet(address)) => via = Some(*address),
            RouteAttribute::Priority(number) => metric = *number,
            RouteAttribute::Oif(index) => interface = Some(*index),
            RouteAttribute::Table(number) => table = *number,
            RouteAttribute::MultiPath(hops) => interface = hops.first().map(|hop| hop.interface_index),
            _ => {}
        }
    }
    // A cloned route is what the kernel learned of a path, such as its MTU: nobody's wish.
    if header.address_family != AddressFamily::Inet || header.flags.contains(RouteFlags::Cloned) {
        return None;
    }
    let destination = Cidr::around(destination, header.destination_prefix_length)?;
    let protocol = u8::from(header.protocol);
    Some(((ForeignRoute { destination, metric, via, interface: None, protocol }, interface), protocol, table))
}

/// The kernel's error number; zero if it was not the kernel that said no.
fn code(error: &rtnetlink::Error) -> i32 {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.raw_code().abs(),
        _ => 0,
    }
}

fn tolerate(result: Result<(), rtnetlink::Error>, tolerated: i32, what: impl Fn() -> String) -> Result<()> {
    match result {
        Err(error) if code(&error) != tolerated => Err(sentence(&what(), &error)),
        _ => Ok(()),
    }
}

fn sentence(what: &str, error: &rtnetlink::Error) -> anyhow::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) if message.raw_code().abs() == 1 => {
            anyhow!("{what}: not permitted. The agent needs CAP_NET_ADMIN.")
        }
        rtnetlink::Error::NetlinkError(message) => anyhow!("{what}: {}", message.to_io()),
        other => anyhow!("{what}: {other}"),
    }
}
