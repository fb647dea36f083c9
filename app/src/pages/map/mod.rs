//! The line map: which VPC reaches which, by which gateways; the same facts as a table.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    failure::settle,
    here::{project_for_links, target, use_project},
};
use crate::{
    api::overview::{OverviewReading, read_overview},
    components::{
        Age, Badge, Block, ButtonLink, Column, Empty, Glyph, PageHead, Table, Tone, Topology, TopologyLegend, bytes,
    },
    domain::{ProjectName, change::Topic, map::Row},
    live::use_live,
    routes,
};

pub struct MapPage;

#[lazy_route]
impl LazyRoute for MapPage {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project) = (use_live(), use_project());
        let topics = [Topic::Vpcs, Topic::Gateways, Topic::Peers];
        let reading = Resource::new(
            move || (project.get(), topics.map(|topic| live.version(topic))),
            |(project, _)| read_overview(project),
        );
        view! {
            <Title text="Map"/>
            <Transition>
                {move || Suspend::new(async move {
                    let project = project_for_links(&project.get_untracked());
                    settle(reading.await, |reading| shown(reading, &project).into_any())
                })}
            </Transition>
        }
        .into_any()
    }
}

fn shown(reading: OverviewReading, project: &ProjectName) -> impl IntoView + use<> {
    let OverviewReading { map, now, .. } = reading;
    let lead = map.describe();
    if map.is_empty() {
        let href = routes::vpc_new(project);
        return view! {
            <PageHead title="Map" lead="Which network reaches which"/>
            <Empty what="Nothing to draw yet." why="The map shows VPCs, their gateways and what joins them, as the agents report it.">
                <ButtonLink href icon=Glyph::Plus>"Create VPC"</ButtonLink>
            </Empty>
        }
        .into_any();
    }
    let link = {
        let project = project.clone();
        Callback::new(move |to| target(&project, &to))
    };
    let row = |row: &Row| {
        let href = target(project, &row.target);
        let age = row.handshake.map(|at| at.age_seconds(now));
        let traffic = row.traffic.map_or_else(|| "".to_owned(), bytes);
        let detail = (!row.detail.is_empty()).then(|| view! { <small class="fact muted">{row.detail.clone()}</small> });
        let fake = row.simulated.then(|| view! { " " <Badge tone=Tone::Off word="Simulated" title="A look-alike answers for this cloud: no packet passes."/> });
        view! {
            <tr>
                <th scope="row"><a href=href>{row.from.clone()}</a></th>
                <td class="beyond">{row.to.clone()} {detail}</td>
                <td class="nowrap">{row.kind.word()}</td>
                <td><Badge tone=Tone::from(row.standing) word=row.state.clone()/> {fake}</td>
                <td>{age.map(|age| view! { <Age seconds=Some(age)/> })}</td>
                <td class="num fact nowrap">{traffic}</td>
            </tr>
        }
    };
    let rows = map.rows.iter().map(row).collect_view();
    let lines = map.lines();
    view! {
        <PageHead title="Map" lead/>
        <section class="block" aria-label="Topology">
            <Topology map link/>
            <TopologyLegend lines/>
        </section>
        <Block id="h-facts" title="The same as a table" lead="worst first">
            <Table
                label="Connections"
                columns=vec![Column::text("From"), Column::text("To"), Column::text("By"), Column::text("State"), Column::text("Handshake"), Column::number("2 h")]
            >
                {rows}
            </Table>
        </Block>
    }
    .into_any()
}
