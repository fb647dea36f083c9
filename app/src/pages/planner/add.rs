use leptos::prelude::*;

use crate::{
    api::{ApiError, planner::AddPlannedNetwork},
    components::{Block, Button, Consequences, Field, Glyph, Lens, Prose, Refusal, Tone},
    domain::{
        Cidr, Network, Refusals, VpcName,
        network::PlannedRange,
        planner::{self, Conflict, Holder, Overlap, Owned},
        refusal::Parse,
    },
    pages::{
        form::{Memory, at, beside},
        here::use_project,
    },
};

/// What a range already in the plan means for a new one; more lines than this say no more.
const MOST_LINES: usize = 6;

/// Puts a network into the plan that this project does not make itself.
#[component]
pub fn Add(
    network: Signal<Network>,
    owned: Memo<Vec<Owned>>,
    memory: Memory,
    add: ServerAction<AddPlannedNetwork>,
    reason: Option<String>,
) -> impl IntoView {
    let project = use_project();
    let (name, cidr) = (memory.text("name", ""), memory.text("cidr", ""));
    let remote = memory.error(add);
    // The browser asks the same questions that the server will ask.
    let local = Signal::derive(move || {
        network.with(|network| local(network, &name.get(), &cidr.get()).err().map(ApiError::Refused))
    });
    let typed = Memo::new(move |_| cidr.with(|cidr| Cidr::canonicalize(cidr).ok()));
    let known = Signal::derive(move || {
        owned.with(|owned| owned.iter().map(|owned| (owned.cidr, owned.name.clone())).collect::<Vec<_>>())
    });
    let note = move || {
        let typed = cidr.with(|cidr| planner::read(cidr).ok())?;
        let size = format!("{} has {} addresses.", typed.cidr, crate::components::grouped(typed.cidr.size()));
        Some(typed.note.map_or(size.clone(), |note| format!("{note} {size}")))
    };
    let meets = move || {
        let lines = typed.get().map(|range| owned.with(|owned| meets(owned, range))).unwrap_or_default();
        (!lines.is_empty()).then(|| view! { <Consequences lines/> })
    };
    // What was added leaves the form empty for the next one.
    Effect::new(move || {
        if let Some(Ok(())) = add.value().get() {
            name.set(String::new());
            cidr.set(String::new());
        }
    });
    view! {
        <Block id="h-add" title="Add a network you own or plan">
            <ActionForm action=add attr:class="plan-add">
                <input type="hidden" name="project" value=move || project.get()/>
                <Field name="name" label="Name" value=name error=at("name", local, remote) placeholder="office-turku" required=true/>
                <Field
                    name="cidr"
                    label="IP range"
                    value=cidr
                    error=at("cidr", local, remote)
                    placeholder="10.0.0.0/24"
                    fact=true
                    required=true
                >
                    <Lens own=typed known/>
                    <p class="hint" role="status">{move || note().map(|text| view! { <Prose text/> })}</p>
                </Field>
                {meets}
                <Refusal id="add-refusal" error=beside(&["name", "cidr"], remote)/>
                <div class="flow">
                    <Button icon=Glyph::Plus reason busy=add.pending()>"Add network"</Button>
                </div>
            </ActionForm>
        </Block>
    }
}

/// What can be said of the fields that were filled in.
fn local(network: &Network, name: &str, cidr: &str) -> Result<(), Refusals> {
    let mut parse = Parse::default();
    let name: Option<VpcName> = parse.optional("name", name);
    let cidr = if cidr.trim().is_empty() { None } else { parse.keep("cidr", Cidr::canonicalize(cidr)) };
    if let Some(name) = name
        // The rule is about the name; any range will do to ask it.
        && let Err(refusal) = network.admit_planned(&PlannedRange { name, cidr: cidr.unwrap_or(crate::domain::cidr::PRIVATE[0]) })
    {
        parse.refuse(refusal);
    }
    parse.done()
}

/// Whom the range would meet, and what follows.
fn meets(owned: &[Owned], range: Cidr) -> Vec<(Tone, String)> {
    let new = Owned { cidr: range, name: "It".to_owned(), holder: Holder::Planned };
    let met = owned.iter().filter_map(|other| Some((planner::conflict(&new, other)?, other)));
    met.take(MOST_LINES)
        .map(|(conflict, other)| (super::conflict_tone(conflict), sentence(conflict, &new, other)))
        .collect()
}

fn sentence(conflict: Conflict, new: &Owned, other: &Owned) -> String {
    let (inner, outer) = if other.cidr.covers(new.cidr) { (new, other) } else { (other, new) };
    let said = if inner.cidr == outer.cidr {
        format!("{} has the same range.", other.name)
    } else if inner == new {
        Overlap { conflict, inner: inner.clone(), outer: outer.clone() }.predicate()
    } else {
        format!("{} {} lies inside {}.", other.name, other.cidr, new.cidr)
    };
    format!("{said} {}", conflict.consequence())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(name: &str, range: &str) -> Owned {
        Owned { cidr: range.parse().expect("a range"), name: name.to_owned(), holder: Holder::Planned }
    }

    fn said(range: &str) -> Vec<String> {
        let all = [planned("alpha", "10.20.0.0/16"), planned("beta", "10.30.0.0/16")];
        meets(&all, range.parse().expect("a range")).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn whom_a_planned_range_meets_is_said_before_it_is_added() {
        assert_eq!(
            said("10.20.9.0/24"),
            ["10.20.9.0/24 lies inside alpha 10.20.0.0/16. No network can be peered with both."]
        );
        assert_eq!(said("10.20.0.0/16"), ["alpha has the same range. No network can be peered with both."]);
        assert_eq!(
            said("10.0.0.0/8")[1],
            "beta 10.30.0.0/16 lies inside 10.0.0.0/8. No network can be peered with both."
        );
        assert_eq!(said("10.40.0.0/16"), Vec::<String>::new());
    }
}
