use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::vpcs::{get_network, get_vpc},
    components::{
        Badge, Block, ButtonLink, Column, Copy, Empty, Fact, Facts, Glyph, PageHead, RangeBar, Table, Time, grouped,
    },
    domain::{
        Network, ProjectName,
        change::Topic,
        peering::Peering,
        planner::{self, Holder},
        vpc::Vpc,
    },
    live::use_live,
    pages::{
        failure::settle,
        here::{project_for_links, use_project, use_segment},
        route_list::RoutesToAdd,
        tones::{gateway_tone, peering_tone, sync_tone, vpc_tone},
    },
    routes,
};

pub struct VpcDetail;

#[lazy_route]
impl LazyRoute for VpcDetail {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project, id) = (use_live(), use_project(), use_segment("vpc"));
        let vpc = Resource::new(
            move || {
                (
                    project.get(),
                    id.get(),
                    live.version(Topic::Vpcs),
                    live.version(Topic::Gateways),
                    live.version(Topic::Peers),
                )
            },
            |(project, id, ..)| async move { Ok((get_vpc(project.clone(), id).await?, get_network(project).await?)) },
        );
        view! {
            <Transition>
                {move || Suspend::new(async move {
                    let project = project_for_links(&project.get_untracked());
                    settle(vpc.await, |(vpc, network)| shown(vpc, &network, &project).into_any())
                })}
            </Transition>
        }
        .into_any()
    }
}

fn shown(vpc: Vpc, network: &Network, project: &ProjectName) -> impl IntoView + use<> {
    // Not the rows of VPC peerings: they say the same ranges again, and this VPC would overlap itself.
    let others: Vec<_> = planner::owned(network)
        .into_iter()
        .filter(|owned| !matches!(owned.holder, Holder::Planned))
        .map(|owned| owned.cidr)
        .collect();
    let crumbs = vec![("VPCs".to_owned(), routes::vpcs(project))];
    let (state, sentence, name, own) = (vpc.state, vpc.sentence(), vpc.name.to_string(), vpc.cidr);
    let (place, cloud, id, created) = (vpc.place.clone(), vpc.cloud.to_string(), vpc.id.to_string(), vpc.created_at);
    let refusal = vpc.deletion_refusal().map(|refusal| refusal.sentence);
    let delete = routes::vpc_delete(project, vpc.id);
    let routes_to_add = vpc.gateway.as_ref().map(|gateway| {
        let (routes, next_hop) = (network.routes_inside(gateway.id), gateway.private_address);
        view! { <RoutesToAdd routes next_hop/> }
    });
    view! {
        <Title text=name.clone()/>
        <PageHead title=name crumbs lead=sentence badge=move || view! { <Badge tone=vpc_tone(state) word=state.word()/> }>
            <ButtonLink href=delete icon=Glyph::Trash reason=refusal>"Delete VPC"</ButtonLink>
        </PageHead>
        <Block id="h-overview" title="Overview">
            <div class="instruments">
                <div><RangeBar own others width=416.0/></div>
                <Facts>
                    <Fact label="IP range"><Copy value=own.to_string()/></Fact>
                    <Fact label="Addresses"><span class="fact">{grouped(own.size())}</span></Fact>
                    <Fact label="Place">{place} " " <span class="fact muted">{cloud}</span></Fact>
                </Facts>
                <Facts>
                    <Fact label="Internal ID"><Copy value=id/></Fact>
                    <Fact label="Created"><Time at=created/></Fact>
                </Facts>
            </div>
        </Block>
        {gateway(&vpc, project)}
        {peerings(&vpc, project)}
        {routes_to_add}
    }
}

fn gateway(vpc: &Vpc, project: &ProjectName) -> impl IntoView + use<> {
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
                    <Fact label="Config"><Badge tone=sync_tone(gateway.sync) word=gateway.sync.word()/></Fact>
                    <Fact label="Address in the VPC">{address}</Fact>
                </Facts>
            }
            .into_any()
        }
    };
    view! { <Block id="h-gateway" title="VPN gateway">{body}</Block> }
}

fn peerings(vpc: &Vpc, project: &ProjectName) -> impl IntoView + use<> {
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
