use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, hooks::use_query_map, lazy_route};

use super::listed;
use crate::{
    api::find::{FindAnswer, find},
    components::{
        Aside, Badge, Button, Column, Field, Found, FoundGroup, Glyph, Icon, PageHead, Prose, RangeBar, Table,
    },
    domain::ProjectName,
    pages::{
        failure::settle,
        here::{project_for_links, use_project},
    },
};

/// What the palette finds, as a page with an address.
pub struct FindPage;

#[lazy_route]
impl LazyRoute for FindPage {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (project, query) = (use_project(), use_query_map());
        let asked = Memo::new(move |_| query.with(|query| query.get("q").unwrap_or_default()));
        let answer = Resource::new(move || (project.get(), asked.get()), |(project, text)| find(project, text));
        let value = RwSignal::new(asked.get_untracked());
        view! {
            <Title text="Find"/>
            <PageHead title="Find" lead="By name, place, key or id, and by any address or range: 10.20.4.7 finds its VPC."/>
            <form class="asking" method="get" role="search">
                <Field name="q" label="Name, address or key" value kind="search" fact=true autofocus=true/>
                <Button icon=Glyph::Search>"Find"</Button>
            </form>
            <Transition>
                {move || Suspend::new(async move {
                    let project = project_for_links(&project.get_untracked());
                    settle(answer.await, |answer| found(answer, &project).into_any())
                })}
            </Transition>
        }
        .into_any()
    }
}

fn found(answer: FindAnswer, project: &ProjectName) -> impl IntoView + use<> {
    let note = answer.sentence.clone().map(|text| view! { <p role="status"><Prose text/></p> });
    let groups = listed(answer, project).into_iter().map(group).collect_view();
    view! {
        {note}
        {groups}
    }
}

fn group(group: FoundGroup) -> impl IntoView {
    let (title, label) = (group.title.clone(), group.title.clone());
    // What can be done has no address and no place.
    let things = group.found.iter().any(|found| !found.fact.is_empty());
    let body = if things {
        let rows = group.found.into_iter().map(row).collect_view();
        view! {
            <Table label columns=vec![Column::text("Name"), Column::text("Address"), Column::text("Detail")]>
                {rows}
            </Table>
        }
        .into_any()
    } else {
        view! { <ul class="deeds">{group.found.into_iter().map(|found| view! { <li>{link(&found)}</li> }).collect_view()}</ul> }.into_any()
    };
    view! {
        <section class="block found-group" aria-label=group.title>
            <header><h2>{title}</h2></header>
            {body}
        </section>
    }
}

fn row(found: Found) -> impl IntoView {
    let name = link(&found);
    let aside = match found.aside {
        Aside::Nothing => ().into_any(),
        Aside::Words(words) => view! { <span class="muted">{words}</span> }.into_any(),
        Aside::State(tone, word) => view! { <Badge tone word/> }.into_any(),
        Aside::Range(own, others, at) => view! { <RangeBar own others at/> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td class="fact nowrap">{found.fact}</td>
            <td>{aside}</td>
        </tr>
    }
}

/// Leads there, or says which permission is missing.
fn link(found: &Found) -> impl IntoView + use<> {
    let refused = found.refused.clone().map(|why| view! { <span class="quiet"><Prose text=why/></span> });
    let off = refused.is_some();
    let (href, name) = ((!off).then(|| found.href.clone()), found.name.clone());
    view! {
        <span class="flow">
            <a class="flow" href=href aria-disabled=off.then_some("true") role=off.then_some("link")>
                <Icon glyph=found.glyph/>
                {name}
            </a>
            {refused}
        </span>
    }
}
