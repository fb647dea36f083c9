use std::collections::BTreeSet;

use leptos::prelude::*;

use super::{CLOUD, cased};
use crate::{
    components::{
        Tone,
        drawing::Drawing,
        legend::{Key, legend},
    },
    domain::{map::Lines, standing::Standing},
};

/// What the lines of [`Topology`] mean; only those that it has.
#[component]
pub fn TopologyLegend(lines: Lines) -> impl IntoView {
    let Lines { standings, clouds, simulated, traffic } = lines;
    let line = |standing: Standing, tunnel: bool| {
        let (word, d) = match standing {
            Standing::Failed => (failed(&standings, &clouds), "M0 6H5M15 6H20"),
            Standing::YourTurn => ("Your turn", "M0 6H20"),
            Standing::Moving => ("In progress", "M0 6H20"),
            Standing::AsAsked if tunnel => ("WireGuard", "M0 6H20"),
            Standing::AsAsked => ("Cloud peering", "M0 6H20"),
            Standing::Off => ("No packets", "M0 6H20"),
        };
        let mut drawing = Drawing::default();
        if standing == Standing::AsAsked && !tunnel {
            cased(&mut drawing, d, CLOUD, false);
        } else {
            cased(&mut drawing, d, 4.4, standing == Standing::AsAsked);
        }
        if standing == Standing::Failed {
            drawing.path("cross", "M7 3l6 6m0 -6l-6 6");
        }
        Key { tone: Some(Tone::from(standing).as_str()), inside: drawing.done(), word }
    };
    // What is right first: the others are told by how they differ.
    let mut keys: Vec<Key> = Vec::new();
    if standings.contains(&Standing::AsAsked) {
        keys.push(line(Standing::AsAsked, true));
    }
    if clouds.contains(&Standing::AsAsked) {
        keys.push(line(Standing::AsAsked, false));
    }
    let told = |standing: &Standing| standings.contains(standing) || clouds.contains(standing);
    let others = [Standing::Moving, Standing::YourTurn, Standing::Failed, Standing::Off];
    keys.extend(others.into_iter().filter(told).map(|standing| line(standing, true)));
    if simulated {
        let mut drawing = Drawing::default();
        drawing.stroke("line", "M0 6H10", CLOUD);
        drawing.circle("bullet", 15.0, 6.0, 4.0);
        keys.push(Key { tone: Some(Tone::Good.as_str()), inside: drawing.done(), word: "Simulated, no packets" });
    }
    let weight = traffic.then(|| view! { <span class="muted">"Weight is traffic"</span> });
    view! { {legend("topology", keys)} {weight} }
}

/// A tunnel is lost; a connection was refused, rejected, deleted or is in error.
fn failed(tunnels: &BTreeSet<Standing>, clouds: &BTreeSet<Standing>) -> &'static str {
    match (tunnels.contains(&Standing::Failed), clouds.contains(&Standing::Failed)) {
        (true, true) => "Lost or failed",
        (true, false) => "Lost",
        _ => "Failed",
    }
}
