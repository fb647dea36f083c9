use std::collections::BTreeMap;

use leptos::prelude::*;

use super::{conflict_tone, named};
use crate::{
    api::{ApiError, planner::RemovePlannedNetwork},
    components::{
        Badge, Block, Column, Copy, Glyph, Menu, MenuButton, MenuLink, MenuRule, RangeBar, Refusal, Table, grouped,
    },
    domain::{
        Cidr, Network, ProjectName,
        planner::{self, Conflict, Holder, Owned},
    },
    pages::form::beside,
    routes,
};

/// Beyond this many overlaps a row no longer tells with whom.
const MOST_OVERLAPS: usize = 1_000;

/// Every range with who holds it and what it runs into, by address.
pub fn ranges(
    network: &Network,
    owned: &[Owned],
    project: &ProjectName,
    remove: ServerAction<RemovePlannedNetwork>,
    refused: Signal<Option<ApiError>>,
    reason: Option<String>,
) -> AnyView {
    if owned.is_empty() {
        return ().into_any();
    }
    let all: Vec<Cidr> = owned.iter().map(|owned| owned.cidr).collect();
    let met = met(owned);
    let rows = owned
        .iter()
        .map(|owned| row(owned, &all, met.get(owned), network, project, remove, reason.clone()))
        .collect_view();
    view! {
        <Block id="h-ranges" title="Ranges" lead="Owned and planned, by address.">
            <Refusal id="remove-refusal" error=beside(&[], refused)/>
            <Table
                label="Ranges"
                columns=vec![
                    Column::text("Name"), Column::text("Use"), Column::text("IP range").ascending(), Column::range("Position"),
                    Column::number("Addresses"), Column::text("Where"), Column::text("Overlap"), Column::actions(),
                ]
                stack=true
            >
                {rows}
            </Table>
        </Block>
    }
    .into_any()
}

/// Whom each range meets, worst first.
fn met(owned: &[Owned]) -> BTreeMap<Owned, Vec<(Conflict, String)>> {
    let mut met: BTreeMap<Owned, Vec<(Conflict, String)>> = BTreeMap::new();
    for overlap in planner::overlaps(owned, MOST_OVERLAPS) {
        let (inner, outer) = (overlap.inner.name.clone(), overlap.outer.name.clone());
        met.entry(overlap.inner).or_default().push((overlap.conflict, outer));
        met.entry(overlap.outer).or_default().push((overlap.conflict, inner));
    }
    met
}

fn row(
    owned: &Owned,
    all: &[Cidr],
    met: Option<&Vec<(Conflict, String)>>,
    network: &Network,
    project: &ProjectName,
    remove: ServerAction<RemovePlannedNetwork>,
    reason: Option<String>,
) -> impl IntoView + use<> {
    let place = place(&owned.holder, network);
    let overlap = met.and_then(|met| Some((met.first()?.0, names(met)))).map_or_else(
        || view! { <span class="quiet">"none"</span> }.into_any(),
        |(conflict, names)| {
            view! {
                <span class="flow">
                    <Badge tone=conflict_tone(conflict) word=conflict.word() title=conflict.consequence()/>
                    <span class="muted">{names}</span>
                </span>
            }
            .into_any()
        },
    );
    let menu = menu(owned, network, project, remove, reason);
    view! {
        <tr>
            <th scope="row" data-at="a1">{named(owned, project)}</th>
            <td class="nowrap muted" data-at="a2">{owned.holder.word()}</td>
            <td class="nowrap" data-at="b1"><Copy value=owned.cidr.to_string()/></td>
            <td class="bar-cell" data-at="c1"><RangeBar own=owned.cidr others=all.to_vec()/></td>
            <td class="num fact">{grouped(owned.cidr.size())}</td>
            <td class="nowrap" data-at="b2">{place}</td>
            <td data-at="c2">{overlap}</td>
            <td class="act">{menu}</td>
        </tr>
    }
}

fn names(met: &[(Conflict, String)]) -> String {
    let names = met.iter().take(2).map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
    match met.len().saturating_sub(2) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

fn place(holder: &Holder, network: &Network) -> String {
    match holder {
        Holder::Vpc { cloud, .. } => {
            network.location(cloud).map_or_else(|| cloud.to_string(), |location| location.label.clone())
        }
        Holder::Tunnel { vpc, .. } => {
            network.vpc(*vpc).map(|vpc| format!("gateway in {}", vpc.name)).unwrap_or_default()
        }
        Holder::Site { gateway, .. } => {
            network.gateway(*gateway).map(|gateway| format!("behind {}", gateway.name)).unwrap_or_default()
        }
        Holder::Connection { vpc, .. } => {
            network.vpc(*vpc).map(|vpc| format!("peer of {}", vpc.name)).unwrap_or_default()
        }
        Holder::Planned => "elsewhere".to_owned(),
    }
}

fn menu(
    owned: &Owned,
    network: &Network,
    project: &ProjectName,
    remove: ServerAction<RemovePlannedNetwork>,
    reason: Option<String>,
) -> impl IntoView + use<> {
    let (label, name, range) = (format!("Actions for {}", owned.name), owned.name.clone(), owned.cidr);
    let entries = match super::holder_path(&owned.holder, project) {
        Some(href) => view! { <MenuLink href icon=Glyph::ArrowUpRight label="View"/> }.into_any(),
        None => {
            let href = routes::vpc_new_with(project, range);
            let unfit = reason.clone().or_else(|| super::finder::unfit(network, range));
            let project = project.to_string();
            view! {
                <MenuLink href icon=Glyph::Plus label="Create VPC with it" reason=unfit/>
                <MenuRule/>
                <ActionForm action=remove>
                    <input type="hidden" name="project" value=project/>
                    <input type="hidden" name="name" value=name/>
                    <MenuButton icon=Glyph::Trash label="Remove from the plan" reason/>
                </ActionForm>
            }
            .into_any()
        }
    };
    view! { <Menu label>{entries}</Menu> }
}
