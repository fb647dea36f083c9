//! What passed the firewall of a service, rule by rule, and whom its nodes refused; of a node's page, of that node.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::refused::Narrowed;
use crate::{
    api::{
        ApiError,
        traffic::{TrafficReading, read_traffic},
    },
    components::{Bars, BarsAxis, Block, Bytes, Column, Mark, Segment, Segments, Table, Tone, grouped},
    domain::{
        change::Topic,
        service::traffic::{Lane, Span},
    },
    live::use_live,
    pages::{
        fresh::living,
        here::{use_project, use_segment},
    },
};

pub type TrafficResource = Resource<Result<TrafficReading, ApiError>>;

/// Of the service of the path, and of its node where the path names one. Read again when a host reports.
pub fn traffic() -> TrafficResource {
    let (live, project, query) = (use_live(), use_project(), use_query_map());
    let (service, node) = (use_segment("service"), use_segment("node"));
    let span = Memo::new(move |_| query.with(|query| query.get("span")).unwrap_or_default());
    Resource::new(
        move || (project.get(), service.get(), node.get(), span.get(), live.version(Topic::Services)),
        |(project, service, node, span, _)| read_traffic(project, service, node, span),
    )
}

#[component]
pub fn Traffic(
    resource: TrafficResource,
    /// The page that it stands on.
    page: String,
    /// It is a node's page: of which node stands above.
    #[prop(optional)]
    of_node: bool,
) -> impl IntoView {
    living(resource, move |read| view! { <Shown read page=page.clone() of_node/> }.into_any())
}

#[component]
fn Shown(read: Signal<TrafficReading>, page: String, of_node: bool) -> impl IntoView {
    let span = Memo::new(move |_| read.with(|read| read.span));
    let chart = Memo::new(move |_| read.with(|read| (read.span, read.lanes.clone())));
    let of_segments = page.clone();
    let segments = Signal::derive(move || {
        let segment = |one: Span| {
            Segment::new(one.word(), format!("{of_segments}?span={}#h-traffic", one.as_str()), one == span.get())
        };
        Span::ALL.map(segment).to_vec()
    });
    let aside = move || view! { <Segments label="Reaches back" segments/> };
    view! {
        <Block id="h-traffic" title="Traffic" lead="Packets that came to the service's ports, by the rule that let them in." aside>
            {move || chart.with(|(span, lanes)| chart_of(*span, lanes))}
        </Block>
        <Narrowed read page of_node/>
    }
}

fn chart_of(span: Span, lanes: &[Lane]) -> impl IntoView + use<> {
    let rows = lanes.iter().map(|lane| row(span, lane)).collect_view();
    let axis = span.axis();
    view! {
        <Table
            label="Traffic"
            columns=vec![
                Column::number("Rule"), Column::text("Reason"), Column::text("Packets over time"), Column::number("Most"),
                Column::number("Packets"), Column::number("Amount"),
            ]
            stack=true
        >
            {rows}
            <tr class="axis-row" aria-hidden="true">
                <td></td>
                <td></td>
                <td><BarsAxis words=axis/></td>
                <td></td>
                <td></td>
                <td></td>
            </tr>
        </Table>
    }
}

fn row(span: Span, lane: &Lane) -> impl IntoView + use<> {
    let tone = lane.refused.then_some(Tone::Bad);
    let amount = grouped(lane.packets);
    let label = format!("{}, {amount} packets in {}", lane.label, span.word());
    let most = lane.bars.iter().copied().max().unwrap_or(0);
    let peak = match most {
        0 => view! { <span class="quiet">"none"</span> }.into_any(),
        most => view! { <span class="fact">{grouped(most)}</span> <small class="quiet">{format!(" in {}", span.bar_words())}</small> }.into_any(),
    };
    let number = lane.number.map(|number| number.to_string());
    let name = if lane.refused {
        view! { <span class="flow nowrap"><Mark tone=Tone::Off/>{lane.label.clone()}</span> }.into_any()
    } else {
        view! { <span>{lane.label.clone()}</span> }.into_any()
    };
    let quiet = lane.packets == 0;
    view! {
        <tr>
            <th scope="row" class="num fact" data-at="b2">{number}</th>
            <td data-at="a1">{name}</td>
            <td class="bars-cell" data-at="c"><Bars bars=lane.bars.clone() label tone/></td>
            <td class="num nowrap" data-at="b1">{peak}</td>
            <td class="num fact" class:quiet=quiet data-at="a2">{amount}</td>
            <td class="num"><Bytes count=lane.bytes/></td>
        </tr>
    }
}
