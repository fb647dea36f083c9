use leptos::prelude::*;

use crate::{
    components::{Block, Button, ButtonLink, Column, Copy, Field, Glyph, Prose, RangeBar, Table, grouped},
    domain::{
        Cidr, Network, ProjectName,
        planner::{
            self,
            question::{Size, within},
        },
    },
    pages::here::{project_for_links, query, use_project},
    routes,
};

/// How many free ranges are listed; the rest is only more of the same.
const MOST: usize = 12;
/// How many of the widest are named where none is as large as asked.
const MOST_WIDEST: usize = 3;

/// Finds free ranges of a size in a block.
#[component]
pub fn Finder(network: Signal<Network>, reason: Option<String>) -> impl IntoView {
    let project = use_project();
    let size = RwSignal::new(query::<String>("size").unwrap_or_else(|| "/24".to_owned()));
    let block = RwSignal::new(query::<String>("within").unwrap_or_default());
    let parsed = Memo::new(move |_| (size.with(|text| text.parse::<Size>()), block.with(|text| within(text))));
    let size_error = Signal::derive(move || parsed.with(|(size, _)| size.as_ref().err().map(ToString::to_string)));
    let block_error = Signal::derive(move || parsed.with(|(_, block)| block.as_ref().err().map(ToString::to_string)));
    let note = move || {
        parsed.with(|(size, _)| {
            size.as_ref().ok().map(|size| format!("/{}, {} addresses.", size.prefix, grouped(size.addresses())))
        })
    };
    let read = move || block.with(|text| planner::read(text).ok().and_then(|typed| typed.note));
    let found = move || match parsed.get() {
        (Ok(size), Ok(within)) => {
            let links = project_for_links(&project.get());
            network.with(|network| found(network, size, &within, &links, reason.as_ref()))
        }
        _ => ().into_any(),
    };
    view! {
        <Block id="h-free" title="Free ranges" lead="Clear of every range above and of what is reserved.">
            <form class="asking" method="get" action=move || format!("{}#h-free", routes::planner(&project_for_links(&project.get())))>
                <Field name="size" label="Size" value=size error=size_error placeholder="/24 or 500" fact=true required=true>
                    <p class="hint">{move || note().map(|text| view! { <Prose text/> })}</p>
                </Field>
                <Field name="within" label="Within" value=block error=block_error placeholder="the private space" fact=true optional=true>
                    <p class="hint">{move || read().map(|text| view! { <Prose text/> })}</p>
                </Field>
                <Button icon=Glyph::Search>"Find free ranges"</Button>
            </form>
            <div aria-live="polite">{found}</div>
        </Block>
    }
}

fn found(network: &Network, size: Size, within: &[Cidr], project: &ProjectName, reason: Option<&String>) -> AnyView {
    let used = planner::taken(network);
    let free = planner::free(within, &used, size.prefix, MOST);
    if free.is_empty() {
        let text = none(size, within, &planner::widest(within, &used, MOST_WIDEST));
        return view! { <p class="muted said"><Prose text/></p> }.into_any();
    }
    let more = free.len() == MOST;
    let row = |range: Cidr| {
        let href = routes::vpc_new_with(project, range);
        let reason = reason.cloned().or_else(|| unfit(network, range));
        view! {
            <tr>
                <th scope="row" class="nowrap" data-at="a1"><Copy value=range.to_string()/></th>
                <td class="bar-cell" data-at="b1"><RangeBar own=range others=used.clone()/></td>
                <td class="num fact" data-at="b2">{grouped(range.size())}</td>
                <td class="num" data-at="a2"><ButtonLink small=true href reason>"Use for a new VPC"</ButtonLink></td>
            </tr>
        }
    };
    let rows = free.into_iter().map(row).collect_view();
    view! {
        <Table
            label="Free ranges"
            columns=vec![Column::text("IP range").ascending(), Column::range("Position"), Column::number("Addresses"), Column::actions()]
            stack=true
        >
            {rows}
        </Table>
        {more.then(|| view! { <p class="quiet">{format!("The first {MOST}; there are more.")}</p> })}
    }
    .into_any()
}

/// What there is instead.
fn none(size: Size, within: &[Cidr], widest: &[Cidr]) -> String {
    let place = match within {
        [block] => block.to_string(),
        _ => "the private space".to_owned(),
    };
    let widest: Vec<String> = widest.iter().map(Cidr::to_string).collect();
    let instead = if widest.is_empty() {
        "Nothing is free there.".to_owned()
    } else {
        format!("The widest there: {}.", widest.join(", "))
    };
    format!("No /{} is free in {place}. {instead}", size.prefix)
}

/// Why no VPC may have this range, in any place; nothing if one may.
pub fn unfit(network: &Network, range: Cidr) -> Option<String> {
    let mut answers = network.locations.iter().map(|location| network.admit_vpc_cidr(&location.cloud, range));
    let first = answers.next()?;
    if first.is_ok() || answers.any(|answer| answer.is_ok()) {
        return None;
    }
    first.err().map(|refusal| refusal.sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::harbor;

    fn cidr(text: &str) -> Cidr {
        text.parse().expect("a range")
    }

    #[test]
    fn where_nothing_is_large_enough_the_widest_is_named() {
        let text = none(Size { prefix: 12 }, &[cidr("172.16.0.0/12")], &[cidr("172.24.0.0/14")]);
        assert_eq!(text, "No /12 is free in 172.16.0.0/12. The widest there: 172.24.0.0/14.");
        assert_eq!(none(Size { prefix: 8 }, &[], &[]), "No /8 is free in the private space. Nothing is free there.");
    }

    #[test]
    fn a_range_that_no_place_takes_says_why() {
        let network = harbor().network;
        assert_eq!(
            unfit(&network, cidr("10.99.0.0/30")).as_deref(),
            Some("The prefix length must be between /16 and /28.")
        );
        assert_eq!(unfit(&network, cidr("10.99.0.0/24")), None);
    }
}
