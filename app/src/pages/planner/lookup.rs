use std::net::Ipv4Addr;

use leptos::prelude::*;

use super::named;
use crate::{
    components::{Block, Button, Copy, Field, Glyph, Prose, RangeBar},
    domain::{
        Cidr, ProjectName,
        find::Question,
        planner::{
            Owned,
            question::{Place, place},
        },
    },
    pages::{
        failure::encode,
        here::{project_for_links, query, use_project},
    },
    routes,
};

/// Where one address lives.
#[component]
pub fn Lookup(owned: Memo<Vec<Owned>>) -> impl IntoView {
    let project = use_project();
    let text = RwSignal::new(query::<String>("address").unwrap_or_default());
    let question = Memo::new(move |_| text.with(|text| Question::read(text)));
    let error = Signal::derive(move || match question.get() {
        Question::Nothing | Question::Address(_) => None,
        Question::Range(_) | Question::Words(_) => Some("Enter an IPv4 address, for example 10.20.4.7.".to_owned()),
    });
    let found = move || match question.get() {
        Question::Address(address) => owned.with(|owned| found(owned, address, &project_for_links(&project.get()))),
        _ => ().into_any(),
    };
    view! {
        <Block id="h-lookup" title="Where does an address live?">
            <form class="asking" method="get" action=move || format!("{}#h-lookup", routes::planner(&project_for_links(&project.get())))>
                <Field name="address" label="Address" value=text error placeholder="10.20.4.7" fact=true/>
                <Button icon=Glyph::Search>"Look up"</Button>
            </form>
            <div aria-live="polite">{found}</div>
        </Block>
    }
}

fn found(owned: &[Owned], address: Ipv4Addr, project: &ProjectName) -> AnyView {
    let holders = match place(owned, address) {
        Place::Held(holders) => holders,
        Place::Free(range) => {
            return said(format!(
                "Nothing of this project holds {address}. The widest free range around it is {range}."
            ));
        }
        Place::Reserved(range) => {
            return said(format!("{address} lies in {range}, which is reserved: no network can use it."));
        }
        Place::Public => {
            return said(format!("Nothing of this project holds {address}, and it is not a private address."));
        }
    };
    let all: Vec<Cidr> = owned.iter().map(|owned| owned.cidr).collect();
    let row = |owned: &Owned| {
        view! {
            <li>
                <span class="strong">{named(owned, project)}</span>
                <span class="muted">{owned.holder.word()}</span>
                <Copy value=owned.cidr.to_string()/>
                <RangeBar own=owned.cidr others=all.clone() at=address/>
            </li>
        }
    };
    let rows = holders.into_iter().map(row).collect_view();
    let more = format!("{}?q={}", routes::find(project), encode(&address.to_string()));
    view! {
        <ul class="lives">{rows}</ul>
        <p class="said"><a href=more>"Who else has it, and who reaches it"</a></p>
    }
    .into_any()
}

fn said(text: String) -> AnyView {
    view! { <p class="muted said"><Prose text/></p> }.into_any()
}
