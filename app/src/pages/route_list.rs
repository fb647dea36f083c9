//! What the hosts of a gateway's VPC need to know (domain 5.4), on the VPC's page and on the gateway's.

use std::net::Ipv4Addr;

use leptos::prelude::*;

use crate::{
    components::{Block, Command, Prose},
    domain::Cidr,
};

/// The routes as commands and as a DHCP option. Nothing before the host has reported its address in the VPC.
#[component]
pub fn RoutesToAdd(routes: Vec<Cidr>, next_hop: Option<Ipv4Addr>) -> impl IntoView {
    let next_hop = next_hop?;
    let commands =
        routes.iter().map(|range| format!("ip route replace {range} via {next_hop}")).collect::<Vec<_>>().join("\n");
    let option = routes.iter().map(|range| format!("{range},{next_hop}")).collect::<Vec<_>>().join(",");
    Some(view! {
        <Block id="h-routes" title="Routes to add" lead="Hosts in this VPC need them, unless the gateway is their default route.">
            <Command text=commands label="the routes"/>
            <p class="muted">"As DHCP option 121 (classless static routes):"</p>
            <Command text=option label="DHCP option 121"/>
            <p class="muted"><Prose text="In a cloud, switch off the source/destination check of the gateway's network interface."/></p>
        </Block>
    })
}
