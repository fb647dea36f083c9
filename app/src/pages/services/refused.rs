//! Whom the nodes of a service refused, the latest first.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    api::{services::ServiceReading, traffic::TrafficReading},
    components::{Block, Column, Copy, Filter, Table, Time, grouped},
    domain::service::traffic::{Attempt, Span},
    pages::here::{project_for_links, use_project},
    routes,
};

/// More rows than this are counted: the list can be narrowed.
const MOST: usize = 100;

/// On the service's own page: the latest, and the way to the others.
#[component]
pub fn Latest(read: Signal<ServiceReading>) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let page = read.with_untracked(|read| routes::service_firewall(&project, read.service.id));
    let shown = Memo::new(move |_| read.with(|read| (read.refused.clone(), read.refused_of)));
    let watched = Memo::new(move |_| read.with(|read| read.service.nodes.iter().any(|node| node.sync.is_some())));
    let aside = move || view! { <a href=format!("{page}#h-refused")>"All that are kept"</a> };
    view! {
        <Block id="h-refused" title="Refused attempts" lead="Who tried to reach a port of the service, and no rule let in." aside>
            {move || shown.with(|(latest, of)| match latest.len() {
                0 => none(watched.get()).into_any(),
                here => {
                    let said = (here < *of).then(|| format!("The latest {here} of {}.", grouped(*of as u64)));
                    view! {
                        {table(latest, true)}
                        {said.map(|said| view! { <p class="muted said">{said}</p> })}
                    }
                    .into_any()
                }
            })}
        </Block>
    }
}

/// Everything that is kept, narrowed by what is typed. A GET form, so that a narrowed list has an address.
#[component]
pub fn Narrowed(read: Signal<TrafficReading>, page: String, of_node: bool) -> impl IntoView {
    let asked = use_query_map().with_untracked(|query| query.get("source").unwrap_or_default());
    let wanted = RwSignal::new(asked);
    let found = Memo::new(move |_| {
        let wanted = wanted.get();
        read.with(|read| read.refused.iter().filter(|attempt| attempt.matches(&wanted)).cloned().collect::<Vec<_>>())
    });
    let some = Memo::new(move |_| read.with(|read| !read.refused.is_empty()));
    let watched = Memo::new(move |_| read.with(|read| read.watched));
    let span = Signal::derive(move || read.with(|read| read.span.as_str()));
    let usual = Span::default().as_str();
    let aside = move || {
        some.get().then(|| {
            view! {
                <form method="get" action=format!("{page}#h-refused") role="search">
                    {(span.get() != usual).then(|| view! { <input type="hidden" name="span" value=span.get()/> })}
                    <Filter label="Filter refused attempts" placeholder="Address, range, name or port" value=wanted name="source"/>
                </form>
            }
        })
    };
    let body = move || match (some.get(), found.with(Vec::len)) {
        (false, _) => none(watched.get()).into_any(),
        (true, 0) => {
            view! { <p class="quiet said">{format!("No refused attempt is about “{}”.", wanted.get())}</p> }.into_any()
        }
        (true, many) => {
            let more = many.saturating_sub(MOST);
            let said = (more > 0).then(|| {
                format!("And {} more. Narrow the list by an address, a range, a name or a port.", grouped(more as u64))
            });
            view! {
                {found.with(|found| table(&found[..many.min(MOST)], !of_node))}
                {said.map(|said| view! { <p class="muted said">{said}</p> })}
            }
            .into_any()
        }
    };
    view! {
        <Block id="h-refused" title="Refused attempts" lead="The latest first; of a service the last 500 sources are kept." aside>
            {body}
        </Block>
    }
}

fn none(watched: bool) -> impl IntoView {
    let said = if watched {
        "No node has told of a refused attempt."
    } else {
        "No agent guards a node yet, so nobody is refused and nobody counts."
    };
    view! { <p class="muted said">{said}</p> }
}

fn table(attempts: &[Attempt], nodes: bool) -> impl IntoView + use<> {
    let mut columns = vec![Column::text("From"), Column::text("Whose"), Column::text("Port")];
    columns.extend(nodes.then(|| Column::text("Node")));
    columns.extend([
        Column::text("Why"),
        Column::number("Packets"),
        Column::number("First").wide(),
        Column::number("Last").descending(),
    ]);
    let rows = attempts.iter().map(|attempt| row(attempt, nodes)).collect_view();
    view! { <Table label="Refused attempts" columns stack=true>{rows}</Table> }
}

fn row(attempt: &Attempt, nodes: bool) -> impl IntoView + use<> {
    let node = nodes.then(|| view! { <td class="nowrap">{attempt.node_name.to_string()}</td> });
    let component = attempt.component.as_ref().map(|name| view! { " " <span class="quiet">{name.to_string()}</span> });
    view! {
        <tr>
            <th scope="row" class="fact" data-at="a1"><Copy value=attempt.from.to_string()/></th>
            <td data-at="b1">{attempt.origin.to_string()}</td>
            <td class="nowrap" data-at="b2"><span class="fact">{attempt.port}</span>{component}</td>
            {node}
            <td data-at="c">{attempt.cause.to_string()}</td>
            <td class="num fact">{grouped(attempt.packets)}</td>
            <td class="num quiet nowrap wide"><Time at=attempt.first_at short=true/></td>
            <td class="num quiet nowrap" data-at="a2"><Time at=attempt.last_at short=true/></td>
        </tr>
    }
}
