use leptos::prelude::*;

use crate::{
    components::{Block, Mark, Prose, Tone, grouped},
    domain::{
        Network,
        access::PRACTICES,
        planner::{self, Holder},
    },
    pages::here::{project_for_links, use_project},
    routes,
};

/// More overlaps than this are not counted.
const MOST: usize = 100;

/// What to do before and after; the first is held against the project's own plan.
#[component]
pub fn Practices(network: Signal<Network>) -> impl IntoView {
    let project = use_project();
    let plan = move || routes::planner(&project_for_links(&project.get()));
    let item = move |(index, (title, text)): (usize, (&'static str, &'static str))| {
        let own = (index == 0).then(|| {
            view! {
                <p class="plan-state">
                    {move || {
                        let (tone, text) = network.with(state);
                        view! { <span><Mark tone/></span> <span><Prose text/>" "</span> }
                    }}
                    <a href=plan>"Open the CIDR planner"</a>
                </p>
            }
        });
        view! {
            <li>
                <p><span class="strong">{title}</span>" "<Prose text/></p>
                {own}
            </li>
        }
    };
    view! {
        <Block id="h-practices" title="Best practices">
            <ol class="practices">{PRACTICES.into_iter().enumerate().map(item).collect_view()}</ol>
        </Block>
    }
}

/// How the project's plan stands: what is written down, and whether anything overlaps.
fn state(network: &Network) -> (Tone, String) {
    let owned = planner::owned(network);
    if owned.is_empty() {
        return (Tone::Off, "Nothing is planned here yet.".to_owned());
    }
    let planned = owned.iter().filter(|owned| owned.holder == Holder::Planned).count();
    let ranges =
        format!("{} in your plan, {} of them for later.", count(owned.len(), "range"), grouped(planned as u64));
    match planner::overlaps(&owned, MOST).len() {
        0 => (Tone::Good, format!("{ranges} No two overlap.")),
        1 => (Tone::Wait, format!("{ranges} One pair overlaps.")),
        MOST => (Tone::Wait, format!("{ranges} {MOST} pairs overlap, or more.")),
        pairs => (Tone::Wait, format!("{ranges} {pairs} pairs overlap.")),
    }
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(number as u64)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{fixtures::harbor, network::PlannedRange};

    #[test]
    fn row_63_a_range_that_is_planned_over_another_is_flagged_before_it_is_built() {
        let mut network = harbor().network;
        let (before, sentence) = state(&network);
        assert!(before == Tone::Good && sentence.ends_with("No two overlap."), "{sentence}");
        let taken = network.vpcs[0].cidr;
        network.planned.push(PlannedRange { name: "office".parse().expect("a name"), cidr: taken });
        let (after, sentence) = state(&network);
        assert!(after == Tone::Wait && sentence.contains("1 of them for later. One pair overlaps."), "{sentence}");
    }

    #[test]
    fn a_project_without_ranges_has_no_plan_yet() {
        assert_eq!(state(&Network::default()), (Tone::Off, "Nothing is planned here yet.".to_owned()));
    }
}
