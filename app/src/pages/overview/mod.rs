//! What needs a person, how the networks hang together, and what happened last.

mod first_run;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    failure::settle,
    frame::severity_tone,
    here::{project_for_links, target, use_project},
    record::line,
};
use crate::{
    api::{
        attention::{Attention, get_attention},
        overview::{OverviewReading, read_overview},
    },
    components::{
        Block, ButtonLink, Column, Glyph, Held, Holding, Kind, Mark, PageHead, Prose, Space, SpaceLegend, Spark, Table,
        Time, Tone, Topology, TopologyLegend, bytes, spark_scale,
    },
    domain::{
        Network, ProjectName,
        change::Topic,
        gateway::Gateway,
        planner::{self, Holder},
    },
    live::use_live,
    routes,
};

pub struct Overview;

#[lazy_route]
impl LazyRoute for Overview {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project) = (use_live(), use_project());
        let topics = [Topic::Vpcs, Topic::Gateways, Topic::Peers, Topic::Services, Topic::Plan, Topic::Lab];
        let reading = Resource::new(
            move || (project.get(), topics.map(|topic| live.version(topic))),
            |(project, _)| async move { Ok((read_overview(project.clone()).await?, get_attention(project).await?)) },
        );
        view! {
            <Title text="Overview"/>
            <Transition>
                {move || Suspend::new(async move {
                    let project = project_for_links(&project.get_untracked());
                    settle(reading.await, |(reading, attention)| shown(reading, &attention, &project).into_any())
                })}
            </Transition>
        }
        .into_any()
    }
}

fn shown(reading: OverviewReading, attention: &Attention, project: &ProjectName) -> impl IntoView + use<> {
    let OverviewReading { gateways, map, network, changes, lab, .. } = reading;
    if network.vpcs.is_empty() && attention.summary.services.count == 0 {
        return first_run::first_run(lab, project).into_any();
    }
    let link = {
        let project = project.clone();
        Callback::new(move |to| target(&project, &to))
    };
    let (map_page, plan_page, log_page) = (routes::map(project), routes::planner(project), routes::changes(project));
    let has_gateway = !gateways.is_empty();
    let peer = gateways
        .first()
        .map_or_else(|| routes::gateway_new(project), |gateway| routes::peering_new(project, gateway.id));
    let rows = changes.iter().map(|change| line(change, project)).collect_view();
    let held = held(&network);
    let (lines, ranges) = (map.lines(), held.clone());
    let new = routes::vpc_new(project);
    view! {
        <PageHead title=attention.summary.headline() lead=attention.summary.lead()>
            {has_gateway.then(|| view! { <ButtonLink href=peer icon=Glyph::Cable>"Create VPC Peering"</ButtonLink> })}
            <ButtonLink kind=Kind::Primary href=new icon=Glyph::Plus>"Create VPC"</ButtonLink>
        </PageHead>
        {first_run::lab_notice(lab)}
        <div class="cols" data-split="main">
            {needs(attention, project)}
            {gateway_table(&gateways, project)}
        </div>
        <Block id="h-map" title="Topology" aside=move || view! { <TopologyLegend lines/> <span class="nowrap"><a href=map_page>"Open map"</a></span> }>
            <Topology map link/>
        </Block>
        <Block id="h-space" title="Address space" aside=move || view! { <SpaceLegend held=ranges/> <span class="nowrap"><a href=plan_page>"Open plan"</a></span> }>
            <Space held/>
        </Block>
        <Block id="h-log" title="Recent changes" aside=move || view! { <a href=log_page>"All changes"</a> }>
            <ul class="log">{rows}</ul>
        </Block>
    }
    .into_any()
}

/// Every range of the plan, as the strip draws it.
pub fn held(network: &Network) -> Vec<Held> {
    planner::owned(network)
        .into_iter()
        .map(|owned| {
            let holding = match owned.holder {
                Holder::Vpc { .. } => Holding::Vpc,
                Holder::Tunnel { .. } => Holding::Tunnel,
                _ => Holding::Peer,
            };
            Held::new(owned.cidr, owned.name, holding)
        })
        .collect()
}

fn needs(attention: &Attention, project: &ProjectName) -> impl IntoView + use<> {
    let row = |need: &crate::domain::attention::Need| {
        let href = target(project, &need.target);
        let since = need.since.map(|since| view! { <Time at=since short=true/> });
        let label = need.act.label();
        view! {
            <li>
                <Mark tone=severity_tone(need.severity)/>
                <div>
                    <span>
                        <strong>{need.subject.clone()}</strong>
                        " "
                        <Prose text=need.sentence.clone()/>
                    </span>
                    <p><Prose text=need.detail.clone()/></p>
                </div>
                <span class="since fact">{since}</span>
                <ButtonLink small=true href>{label}</ButtonLink>
            </li>
        }
    };
    let rows = attention.needs.iter().map(row).collect_view();
    let none = attention.needs.is_empty();
    view! {
        <section class="block attention" aria-labelledby="h-needs">
            <header>
                <h2 id="h-needs">"Needs you"</h2>
                <p>{if none { "nothing" } else { "worst first" }}</p>
            </header>
            {if none {
                view! { <p class="quiet">"Every network is what was asked for, as far as the last reports go."</p> }.into_any()
            } else {
                view! { <ul>{rows}</ul> }.into_any()
            }}
        </section>
    }
}

fn gateway_table(gateways: &[Gateway], project: &ProjectName) -> impl IntoView + use<> {
    let scale = spark_scale(gateways.iter().map(|gateway| gateway.samples.as_slice()));
    let row = |gateway: &Gateway| {
        let total: u64 = gateway.samples.iter().map(|(received, sent)| received + sent).sum();
        let peers = format!("{} of {}", gateway.peers_connected, gateway.peers);
        view! {
            <tr>
                <th scope="row">
                    <a class="flow nowrap" href=routes::gateway(project, gateway.id)>
                        <Mark tone=Tone::from(gateway.standing()) label=gateway.status.word()/>
                        {gateway.name.to_string()}
                    </a>
                </th>
                <td class="num fact nowrap">{peers}</td>
                <td><Spark samples=gateway.samples.clone() scale/></td>
                <td class="num fact nowrap">{bytes(total)}</td>
            </tr>
        }
    };
    let rows = gateways.iter().take(8).map(row).collect_view();
    let new = routes::gateway_new(project);
    let none = gateways.is_empty();
    view! {
        <Block id="h-gateways" title="VPN gateways" lead="2 h of traffic, one scale">
            {if none {
                view! {
                    <p class="quiet">"No gateway yet. " <a href=new>"Create VPN gateway"</a></p>
                }
                .into_any()
            } else {
                view! {
                    <Table label="VPN gateways" columns=vec![Column::text("Name"), Column::number("Connected"), Column::text("Traffic"), Column::number("Amount")]>
                        {rows}
                    </Table>
                }
                .into_any()
            }}
        </Block>
    }
}
