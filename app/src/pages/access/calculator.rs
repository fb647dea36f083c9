use leptos::prelude::*;

use crate::{
    components::{Block, Button, Field, Glyph},
    domain::service::static_ip,
    pages::here::{project_for_links, query, use_project},
    routes,
};

/// More nodes than this are a typing error.
const MOST: u16 = 1_000;
/// As many are drawn one by one.
const DRAWN: u16 = 60;
/// The examples that everybody knows.
const KNOWN: [u16; 3] = [3, 6, 9];

/// How many static addresses a service of so many nodes needs (domain 3.8).
#[component]
pub fn Calculator() -> impl IntoView {
    let project = use_project();
    let nodes = RwSignal::new(query::<String>("nodes").unwrap_or_else(|| "3".to_owned()));
    let parsed = Memo::new(move |_| nodes.with(|text| read(text)));
    let error = Signal::derive(move || parsed.get().err());
    let action = move || format!("{}#h-calculator", routes::networking(&project_for_links(&project.get())));
    let known = KNOWN.map(|nodes| {
        view! {
            <tr>
                <td class="num fact">{nodes}</td>
                <td class="num fact">{static_ip::required(nodes)}</td>
            </tr>
        }
    });
    view! {
        <Block id="h-calculator" title="How many static IPs?">
            <form class="asking" method="get" action=action>
                <Field name="nodes" label="Nodes of the service" value=nodes error fact=true required=true/>
                <Button icon=Glyph::Ruler>"Calculate"</Button>
            </form>
            <div aria-live="polite">{move || parsed.get().ok().map(answer)}</div>
            <table class="table known" aria-label="Known examples">
                <thead>
                    <tr><th scope="col" class="num">"Nodes"</th><th scope="col" class="num">"Static IPs"</th></tr>
                </thead>
                <tbody>{known}</tbody>
            </table>
            <p class="muted said">
                "Twice the nodes, but never more than six to spare: a node that takes over has an address before the former one lets go of its own. Billed per hour each."
            </p>
        </Block>
    }
}

fn read(text: &str) -> Result<u16, String> {
    let nodes = text.trim().parse().ok().filter(|nodes| (1..=MOST).contains(nodes));
    nodes.ok_or_else(|| format!("Enter a number of nodes between 1 and {MOST}."))
}

fn answer(nodes: u16) -> impl IntoView {
    let drawn = (nodes <= DRAWN).then(|| {
        let cell = |spare: bool| view! { <i data-spare=spare.then_some("")></i> };
        let cells = (0..static_ip::required(nodes)).map(|number| cell(number >= nodes)).collect_view();
        view! { <div class="cells" aria-hidden="true">{cells}</div> }
    });
    view! {
        <p class="needed">{sentence(nodes)}</p>
        {drawn}
    }
}

fn sentence(nodes: u16) -> String {
    let required = static_ip::required(nodes);
    let subject = if nodes == 1 { "1 node needs".to_owned() } else { format!("{nodes} nodes need") };
    format!("{subject} {required} static IP addresses: {nodes} in use, {} to spare.", required - nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_55_the_calculator_says_three_need_six_six_need_twelve_and_nine_need_fifteen() {
        assert_eq!(sentence(3), "3 nodes need 6 static IP addresses: 3 in use, 3 to spare.");
        assert_eq!(sentence(6), "6 nodes need 12 static IP addresses: 6 in use, 6 to spare.");
        assert_eq!(sentence(9), "9 nodes need 15 static IP addresses: 9 in use, 6 to spare.");
        assert_eq!(sentence(1), "1 node needs 2 static IP addresses: 1 in use, 1 to spare.");
    }

    #[test]
    fn what_is_no_number_of_nodes_is_refused_with_the_bounds() {
        for text in ["", "0", "-3", "1001", "three", "65536", "3.5"] {
            assert_eq!(read(text), Err("Enter a number of nodes between 1 and 1000.".to_owned()), "{text}");
        }
        assert_eq!(read(" 9 "), Ok(9));
    }
}
