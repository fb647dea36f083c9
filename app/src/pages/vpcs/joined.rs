//! What joins a VPC through WireGuard: its VPN gateway and the VPC peerings of that.

use leptos::prelude::*;

use crate::{
    components::{Badge, Block, ButtonLink, Column, Copy, Empty, Fact, Facts, Glyph, Table, Time},
    domain::{ProjectName, peering::Peering, vpc::Vpc},
    pages::tones::{gateway_tone, peering_tone, sync_tone},
    routes,
};

pub fn gateway(vpc: &Vpc, project: &ProjectName) -> impl IntoView + use<> {
    let body = match vpc.gateway.clone() {
        None => {
            let href = format!("{}?vpc={}", routes::gateway_new(project), vpc.id);
            view! {
                <Empty
                    what="No VPN gateway yet."
                    why="A gateway is a Linux host of yours in this network. It joins the VPC to other VPCs, sites and people through WireGuard."
                >
                    <ButtonLink href icon=Glyph::Plus>"Create VPN gateway"</ButtonLink>
                </Empty>
            }
            .into_any()
        }
        Some(gateway) => {
            let href = routes::gateway(project, gateway.id);
            let address = match gateway.private_address {
                Some(address) => view! { <Copy value=address.to_string()/> }.into_any(),
                None => view! { <span class="quiet">"not reported yet"</span> }.into_any(),
            };
            view! {
                <Facts row=true>
                    <Fact label="Name"><a class="strong" href=href>{gateway.name.to_string()}</a></Fact>
                    <Fact label="Status"><Badge tone=gateway_tone(gateway.status) word=gateway.status.word()/></Fact>
                    <Fact label="Config"><Badge tone=sync_tone(gateway.status, gateway.sync) word=gateway.sync.word()/></Fact>
                    <Fact label="Address in the VPC">{address}</Fact>
                </Facts>
            }
            .into_any()
        }
    };
    view! { <Block id="h-gateway" title="VPN gateway">{body}</Block> }
}

pub fn peerings(vpc: &Vpc, project: &ProjectName) -> impl IntoView + use<> {
    let create = vpc.gateway.as_ref().map(|gateway| routes::peering_new(project, gateway.id));
    let action = create.clone();
    let body = if vpc.peerings.is_empty() {
        view! {
            <Empty what="No peering connection yet: nothing can reach services in this VPC." why="A VPC peering joins two VPCs through their gateways. Hosts keep their own addresses.">
                {create.map(|href| view! { <ButtonLink href icon=Glyph::Cable>"Create VPC Peering"</ButtonLink> })}
            </Empty>
        }
        .into_any()
    } else {
        let rows = vpc.peerings.iter().map(|peering| peering_row(peering, vpc, project)).collect_view();
        view! {
            <Table
                label="VPC peerings"
                columns=vec![Column::text("Peer VPC"), Column::text("Network CIDR"), Column::text("Remote gateway"), Column::text("State"), Column::number("Created")]
            >
                {rows}
            </Table>
        }
        .into_any()
    };
    let aside = move || {
        action.map(|href| view! { <ButtonLink href small=true icon=Glyph::Cable>"Create VPC Peering"</ButtonLink> })
    };
    view! { <Block id="h-peerings" title="VPC peerings" aside>{body}</Block> }
}

fn peering_row(peering: &Peering, vpc: &Vpc, project: &ProjectName) -> impl IntoView + use<> {
    let there = peering.sides.iter().find(|side| side.vpc != vpc.id).unwrap_or(&peering.sides[1]);
    view! {
        <tr>
            <th scope="row"><a href=routes::vpc(project, there.vpc)>{there.vpc_name.to_string()}</a></th>
            <td><Copy value=there.vpc_cidr.to_string()/></td>
            <td><a href=routes::gateway(project, there.gateway)>{there.gateway_name.to_string()}</a></td>
            <td><Badge tone=peering_tone(peering.state) word=peering.state.word()/></td>
            <td class="num quiet nowrap"><Time at=peering.created_at short=true/></td>
        </tr>
    }
}
