use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, hooks::use_query_map, lazy_route};

use super::{href, tone};
use crate::{
    api::changes::list_changes,
    components::{Button, ButtonLink, Choice, Column, Empty, Field, Mark, PageHead, Select, Table, Time, grouped},
    domain::{
        ProjectName,
        change::{Change, ChangeFilter, ChangeKind, Topic},
    },
    live::use_live,
    pages::{
        failure::settle,
        here::{project_for_links, use_project},
    },
    routes,
};

const PAGE: u32 = 50;

pub struct Changes;

/// The filter stands in the address, so that a view of the log can be sent to a colleague.
fn filter(text: impl Fn(&str) -> Option<String>) -> ChangeFilter {
    let some = |name: &str| text(name).filter(|text| !text.is_empty());
    ChangeFilter {
        object: some("object"),
        kind: some("kind").and_then(|kind| ChangeKind::from_text(&kind)),
        actor: some("actor"),
        before: some("before").and_then(|seq| seq.parse().ok()),
        limit: PAGE,
    }
}

#[lazy_route]
impl LazyRoute for Changes {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project, query) = (use_live(), use_project(), use_query_map());
        let asked = Memo::new(move |_| query.with(|query| filter(|name| query.get(name))));
        let changes = Resource::new(
            move || (project.get(), asked.get(), Topic::ALL.map(|topic| live.version(topic))),
            |(project, filter, _)| list_changes(project, filter),
        );
        view! {
            <Title text="Changes"/>
            <PageHead title="Changes" lead="Every change with who made it, what was before and what is after. Newest first."/>
            {move || {
                let filter = query.with(|query| filter(|name| query.get(name)));
                view! { <Filters filter/> }
            }}
            <Transition>
                {move || Suspend::new(async move {
                    let project = project_for_links(&project.get_untracked());
                    let filter = query.with_untracked(|query| filter(|name| query.get(name)));
                    settle(changes.await, |changes| log(&changes, &filter, &project).into_any())
                })}
            </Transition>
        }
        .into_any()
    }
}

/// A plain form with `GET`: works without a script, and its result has an address.
#[component]
fn Filters(filter: ChangeFilter) -> impl IntoView {
    let kinds: Vec<Choice> = ChangeKind::ALL.into_iter().map(|kind| Choice::new(kind.as_str(), kind.words())).collect();
    let kind = RwSignal::new(filter.kind.map_or("", ChangeKind::as_str).to_owned());
    let actor = RwSignal::new(filter.actor.unwrap_or_default());
    view! {
        <form class="toolbar" method="get">
            <Select name="kind" label="Kind" options=kinds value=kind nothing="Every kind"/>
            <Field name="actor" label="Actor" value=actor placeholder="ingrid@example.com"/>
            {filter.object.map(|object| view! { <input type="hidden" name="object" value=object/> })}
            <Button>"Filter"</Button>
        </form>
    }
}

fn log(changes: &[Change], filter: &ChangeFilter, project: &ProjectName) -> impl IntoView + use<> {
    if changes.is_empty() {
        return view! { <Empty what="No change matches." why="The log holds every change of this project and of the installation."/> }.into_any();
    }
    let older = (changes.len() == PAGE as usize)
        .then(|| changes.last().map(|change| older(project, filter, change.seq)))
        .flatten();
    let rows = changes.iter().map(|change| row(change, project)).collect_view();
    view! {
        <section class="block" aria-label="Changes">
            <Table
                label="Changes"
                columns=vec![
                    Column::number("Number").descending(), Column::text("Time"), Column::text("What"), Column::text("Object"),
                    Column::text("Before and after"), Column::text("Actor"),
                ]
                stack=true
            >
                {rows}
            </Table>
        </section>
        {older.map(|href| view! { <div class="flow"><ButtonLink href>"Older changes"</ButtonLink></div> })}
    }
    .into_any()
}

fn older(project: &ProjectName, filter: &ChangeFilter, seq: u64) -> String {
    let mut path = format!("{}?before={seq}", routes::changes(project));
    if let Some(kind) = filter.kind {
        path.push_str(&format!("&kind={}", kind.as_str()));
    }
    for (name, value) in [("actor", &filter.actor), ("object", &filter.object)] {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", crate::pages::failure::encode(value)));
        }
    }
    path
}

fn row(change: &Change, project: &ProjectName) -> impl IntoView + use<> {
    let difference = |(field, before, after): (String, Option<String>, Option<String>)| {
        view! {
            <div class="change">
                <span class="muted">{field}</span>
                " "
                {before.map(|before| view! { <del class="fact">{before}</del> })}
                " "
                {after.map(|after| view! { <ins class="fact">{after}</ins> })}
            </div>
        }
    };
    let name = change.object_name.clone();
    let object = match href(change, project) {
        Some(href) => view! { <a href=href>{name}</a> }.into_any(),
        None => name.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="num fact">{grouped(change.seq)}</th>
            <td class="nowrap quiet" data-at="a2"><Time at=change.at/></td>
            <td class="nowrap" data-at="a1"><span class="flow"><Mark tone=tone(change)/>{change.kind.words()}</span></td>
            <td class="nowrap" data-at="b1">{object}</td>
            <td data-at="c">{change.differences().into_iter().map(difference).collect_view()}</td>
            <td class="nowrap quiet" data-at="b2">{change.actor.clone()}</td>
        </tr>
    }
}
