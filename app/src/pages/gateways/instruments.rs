use std::net::Ipv4Addr;

use leptos::prelude::*;

use crate::{
    components::{Block, Column, Copy, Fact, Facts, Table, Tape, Time, shortened},
    domain::{
        ProjectName,
        gateway::{DriftPolicy, Gateway, own_tunnel_address},
        host::{HostFacts, WireGuardKind},
    },
    routes,
};

/// Generations, and the gateway's facts.
#[component]
pub fn Instruments(gateway: Gateway, project: ProjectName) -> impl IntoView {
    let reported = |generation: u64| (generation > 0).then_some(generation);
    let (wanted, applied, verified) = (gateway.wanted, reported(gateway.applied), reported(gateway.verified));
    let vpc = routes::vpc(&project, gateway.vpc);
    let endpoint = match gateway.public_address {
        Some(address) => view! { <Copy value=format!("{address}:{}", gateway.settings.listen_port)/> }.into_any(),
        None => view! { <span class="quiet">"not reported yet"</span> }.into_any(),
    };
    let key = match gateway.public_key.map(|key| key.to_string()) {
        Some(key) => view! { <Copy shown=shortened(&key) value=key/> }.into_any(),
        None => view! { <span class="quiet">"made on the host when it enrols"</span> }.into_any(),
    };
    let agent = match gateway.last_seen {
        Some(at) => {
            let version = gateway.host.as_ref().map(|host| format!(" version {}", host.agent_version));
            view! { <Time at/> <span class="quiet">{version}</span> }.into_any()
        }
        None => view! { <span class="quiet">"never"</span> }.into_any(),
    };
    let (tunnel, vpc_name, vpc_cidr, mtu) =
        (gateway.tunnel.to_string(), gateway.vpc_name.to_string(), gateway.vpc_cidr.to_string(), gateway.settings.mtu);
    view! {
        <section class="block" aria-label="Configuration and facts">
            <div class="instruments">
                <div>
                    <h2>"Configuration"</h2>
                    <Tape wanted applied verified/>
                </div>
                <Facts>
                    <Fact label="Endpoint">{endpoint}</Fact>
                    <Fact label="Tunnel"><Copy value=tunnel/></Fact>
                    <Fact label="VPC"><a href=vpc>{vpc_name}</a> " " <span class="fact">{vpc_cidr}</span></Fact>
                </Facts>
                <Facts>
                    <Fact label="Public key">{key}</Fact>
                    <Fact label="Agent">{agent}</Fact>
                    <Fact label="MTU"><span class="fact">{mtu}</span></Fact>
                </Facts>
            </div>
        </section>
    }
}

/// What was asked of the host, beside what it reports.
#[component]
pub fn Compare(gateway: Gateway) -> impl IntoView {
    let rows = compared(&gateway);
    view! {
        <Block id="h-compared" title="Desired against observed" lead="What was asked for, and what the host reports.">
            <Table label="Desired against observed" columns=vec![Column::text("What"), Column::text("Desired"), Column::text("Observed")]>
                {rows.into_iter().map(|row| view! {
                    <tr>
                        <th scope="row" class="nowrap">{row.what}</th>
                        <td class="fact">{row.desired}</td>
                        <td class="fact" class:quiet=row.nothing>{row.observed}</td>
                    </tr>
                }).collect_view()}
            </Table>
        </Block>
    }
}

#[derive(Debug, PartialEq)]
struct Compared {
    what: &'static str,
    desired: String,
    observed: String,
    /// Nothing was reported.
    nothing: bool,
}

fn compared(gateway: &Gateway) -> Vec<Compared> {
    let row = |what, desired: String, observed: Option<String>| {
        let nothing = observed.is_none();
        Compared { what, desired, observed: observed.unwrap_or_else(|| "not reported yet".to_owned()), nothing }
    };
    let host = gateway.host.as_ref();
    let generation =
        (gateway.applied > 0).then(|| format!("applied {}, verified {}", gateway.applied, gateway.verified));
    let public =
        gateway.settings.public_address.map_or_else(|| "as the host reports".to_owned(), |address| address.to_string());
    let wan = host.and_then(|host| Some(placed(host.wan.as_deref()?, host.wan_address()?)));
    let inside = host.map(|host| {
        host.address_in(gateway.vpc_cidr)
            .map_or_else(|| "none of its addresses".to_owned(), |(interface, address)| placed(interface, address))
    });
    let policy = match gateway.settings.drift_policy {
        DriftPolicy::Repair => "repaired at once",
        DriftPolicy::Ask => "shown, applied by a person",
    };
    let differences = (gateway.verified > 0 || !gateway.drift.is_empty()).then(|| match gateway.drift.len() {
        0 => "none".to_owned(),
        1 => "1 field".to_owned(),
        many => format!("{many} fields"),
    });
    let peers = (gateway.applied > 0).then(|| format!("{} connected", gateway.peers_connected));
    vec![
        row("Generation", gateway.wanted.to_string(), generation),
        row("Differences", policy.to_owned(), differences),
        row("Public address", public, wan),
        row("Address in the VPC", format!("one of {}", gateway.vpc_cidr), inside),
        row(
            "Tunnel address",
            format!("{}/{}", own_tunnel_address(gateway.tunnel), gateway.tunnel.prefix()),
            tunnel_seen(gateway),
        ),
        row("Peers", gateway.peers.to_string(), peers),
        row("Host", "Linux with WireGuard and nftables".to_owned(), host.map(said)),
    ]
}

fn placed(interface: &str, address: Ipv4Addr) -> String {
    format!("{address} on {interface}")
}

/// A host that showed a whole generation once says by its differences what became of it.
fn tunnel_seen(gateway: &Gateway) -> Option<String> {
    let differs = gateway.drift.iter().any(|drift| drift.subject == "interface");
    (gateway.verified > 0).then(|| if differs { "differs, see above".to_owned() } else { "as desired".to_owned() })
}

fn said(host: &HostFacts) -> String {
    let tool = match host.wireguard {
        WireGuardKind::Uapi => "wireguard-go",
        WireGuardKind::Wg => "kernel WireGuard",
        WireGuardKind::Recording => "recording, no packets",
    };
    format!("{}, {tool}", host.host_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{fixtures::Town, host::Interface};

    #[test]
    fn what_the_host_reports_stands_beside_what_was_asked() {
        let mut town = Town::default();
        town.vpc("oslo", "oslo", "10.10.0.0/16");
        let gateway = town.gateway("oslo");
        gateway.host = Some(HostFacts {
            agent_version: "0.1.0".into(),
            host_name: "oslo-1".into(),
            wireguard: WireGuardKind::Uapi,
            interfaces: vec![
                Interface { name: "eth0".into(), addresses: vec![Ipv4Addr::new(203, 0, 113, 7)] },
                Interface { name: "eth1".into(), addresses: vec![Ipv4Addr::new(10, 10, 0, 4)] },
            ],
            wan: Some("eth0".into()),
        });
        let rows = compared(gateway);
        let observed = |what: &str| rows.iter().find(|row| row.what == what).expect("a row").observed.clone();
        assert_eq!(observed("Generation"), "applied 1, verified 1");
        assert_eq!(observed("Public address"), "203.0.113.7 on eth0");
        assert_eq!(observed("Address in the VPC"), "10.10.0.4 on eth1");
        assert_eq!(observed("Host"), "oslo-1, wireguard-go");
    }

    #[test]
    fn a_gateway_without_a_host_claims_nothing() {
        let mut town = Town::default();
        town.vpc("oslo", "oslo", "10.10.0.0/16");
        let gateway = town.gateway("oslo");
        (gateway.applied, gateway.verified) = (0, 0);
        assert!(compared(gateway).iter().all(|row| row.nothing), "{:?}", compared(gateway));
    }
}
