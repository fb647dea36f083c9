use leptos::prelude::*;

use crate::{
    components::{Block, Column, Occupancy, Table, grouped},
    domain::planner::{Holder, Owned, Utilisation, utilisation},
};

/// More /16s than this are only counted.
const MOST: usize = 64;

/// How full each /16 is that holds something.
pub fn blocks(owned: &[Owned]) -> AnyView {
    let mut blocks = utilisation(owned);
    if blocks.is_empty() {
        return ().into_any();
    }
    let hidden = blocks.len().saturating_sub(MOST);
    blocks.truncate(MOST);
    let rows = blocks.iter().map(row).collect_view();
    view! {
        <Block id="h-blocks" title="Use of each /16" lead="What is held twice counts once.">
            <Table
                label="Use of each /16"
                columns=vec![
                    Column::text("Block").ascending(), Column::text("Use"), Column::number("Used"), Column::number("Addresses"),
                    Column::number("Planned"), Column::text("Held by"),
                ]
                stack=true
            >
                {rows}
            </Table>
            {(hidden > 0).then(|| view! { <p class="quiet">{format!("{} more blocks are in use.", grouped(hidden as u64))}</p> })}
        </Block>
    }
    .into_any()
}

fn row(block: &Utilisation) -> impl IntoView + use<> {
    let planned = if block.planned > 0 { grouped(block.planned) } else { String::new() };
    let parts = block.holders.iter().map(|owned| (owned.cidr, owned.holder != Holder::Planned)).collect::<Vec<_>>();
    view! {
        <tr>
            <th scope="row" class="nowrap" data-at="a1"><span class="fact">{block.block.to_string()}</span></th>
            <td class="bar-cell" data-at="b1"><Occupancy block=block.block parts/></td>
            <td class="num fact nowrap" data-at="a2">{block.percent()}</td>
            <td class="num fact" data-at="b2">{grouped(block.used)}</td>
            <td class="num fact">{planned}</td>
            <td class="muted" data-at="c1">{names(block)}</td>
        </tr>
    }
}

/// Each holder once, by address.
fn names(block: &Utilisation) -> String {
    let mut names: Vec<&str> = Vec::new();
    for owned in &block.holders {
        if !names.contains(&owned.name.as_str()) {
            names.push(&owned.name);
        }
    }
    match names.len().saturating_sub(4) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..4].join(", ")),
    }
}
