use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;

use crate::{
    api::{gateways::GatewayReading, peers::EnablePeer},
    components::{
        Age, Badge, Block, ButtonLink, Bytes, Column, Copy, Empty, Filter, Glyph, Kind, Mark, Menu, MenuButton,
        MenuLink, MenuRule, Refusal, Spark, Table, Tone, spark_scale,
    },
    domain::{
        PeerId, ProjectName, Timestamp,
        gateway::GatewayStatus,
        peer::{Peer, PeerKind, PeerStatus},
    },
    pages::{
        form::{Memory, beside},
        peers::outdated,
        tones::{peer_tone, peering_tone},
    },
    routes,
};

/// A gateway may have 10,000 peers; more rows than this are found by the filter.
const MOST_ROWS: usize = 200;

/// What a row shows besides its peer. Compared with what it was: a row is rendered again only if it differs.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    peer: Peer,
    state: (Tone, &'static str),
    /// What the owner of its file must do.
    mark: Option<String>,
    /// Its gateway is being deleted.
    gone: bool,
}

#[component]
pub fn Peers(read: Signal<GatewayReading>, project: ProjectName) -> impl IntoView {
    let enable = ServerAction::<EnablePeer>::new();
    let error = beside(&[], Memory::default().error(enable));
    let query = RwSignal::new(String::new());
    let empty = Memo::new(move |_| read.with(|read| read.peers.is_empty()));
    let lead = move || {
        let (connected, all) = read.with(|read| {
            (read.peers.iter().filter(|peer| peer.status(read.now) == PeerStatus::Connected).count(), read.peers.len())
        });
        view! { <p>{format!("{connected} of {all} connected. Handshake on WireGuard's clock: rekey 120 s, refused 180 s.")}</p> }
    };
    move || {
        if empty.get() {
            return none(&read.read(), &project).into_any();
        }
        let project = project.clone();
        view! {
            <section class="block" aria-labelledby="h-peers">
                <header>
                    <h2 id="h-peers">"Peers"</h2>
                    {lead}
                    <div class="flow"><Filter label="Filter peers" placeholder="Name, key or address" value=query/></div>
                </header>
                <Refusal id="peers-refusal" error/>
                <Table
                    label="Peers"
                    columns=vec![
                        Column::text("Name"), Column::text("Kind"), Column::text("Tunnel IP"), Column::text("AllowedIPs").wider(), Column::text("Endpoint"),
                        Column::text("Handshake"), Column::text("Received, sent · 2 h"), Column::number("Received"), Column::number("Sent"),
                        Column::text("State"), Column::actions(),
                    ]
                    stack=true
                >
                    <Rows read query project enable/>
                </Table>
            </section>
        }
        .into_any()
    }
}

fn none(read: &GatewayReading, project: &ProjectName) -> impl IntoView + use<> {
    let gateway = &read.gateway;
    let gone = (gateway.status == GatewayStatus::Deleting).then(|| format!("{} is being deleted.", gateway.name));
    let (peer, peering) = (routes::road_warrior_new(project, gateway.id), routes::peering_new(project, gateway.id));
    view! {
        <Block id="h-peers" title="Peers">
            <Empty what="No peer yet." why="A peer is a person's device, a site behind another router, or the gateway of another VPC.">
                <ButtonLink href=peering icon=Glyph::Cable reason=gone.clone()>"Create VPC Peering"</ButtonLink>
                <ButtonLink href=peer icon=Glyph::Laptop reason=gone>"Add peer"</ButtonLink>
            </Empty>
        </Block>
    }
}

#[component]
fn Rows(
    read: Signal<GatewayReading>,
    query: RwSignal<String>,
    project: ProjectName,
    enable: ServerAction<EnablePeer>,
) -> impl IntoView {
    let found = Memo::new(move |_| {
        let wanted = query.get();
        read.with(|read| {
            let found = read.peers.iter().filter(|peer| matches(peer, &wanted));
            let ids: Vec<PeerId> = found.clone().take(MOST_ROWS).map(|peer| peer.id).collect();
            (ids, found.count())
        })
    });
    // By id: 200 rows that each look through 10,000 peers would be felt.
    let rows = Memo::new(move |_| {
        found.with(|(ids, _)| {
            let ids: BTreeSet<&PeerId> = ids.iter().collect();
            read.with(|read| {
                read.peers
                    .iter()
                    .filter(|peer| ids.contains(&peer.id))
                    .map(|peer| (peer.id, row_of(peer, read)))
                    .collect::<BTreeMap<_, _>>()
            })
        })
    });
    let scale = Memo::new(move |_| read.with(|read| spark_scale(read.peers.iter().map(|peer| &peer.samples[..]))));
    let said = move || {
        let text = match found.with(|(_, all)| *all) {
            0 => Some(format!("No peer has “{}” in its name, key or addresses.", query.get())),
            many if many > MOST_ROWS => {
                Some(format!("{MOST_ROWS} of {many} shown. Filter by name, key or address to find the others."))
            }
            _ => None,
        };
        text.map(|text| view! { <tr><td colspan="11" class="quiet">{text}</td></tr> })
    };
    let shown = move |id: PeerId| {
        let project = project.clone();
        let this = Memo::new(move |_| rows.with(|rows| rows.get(&id).cloned()));
        move || this.get().map(|this| row(&this, read.with_untracked(|read| read.now), scale.get(), &project, enable))
    };
    view! {
        <For each=move || found.get().0 key=|id| *id children=shown/>
        {said}
    }
}

fn row_of(peer: &Peer, read: &GatewayReading) -> Row {
    Row {
        peer: peer.clone(),
        state: state(peer, read),
        mark: outdated(peer, &read.network),
        gone: read.gateway.status == GatewayStatus::Deleting,
    }
}

/// By name, public key, or an address that it has or that lies behind it.
fn matches(peer: &Peer, wanted: &str) -> bool {
    let wanted = wanted.trim();
    if peer.public_key.to_string().starts_with(wanted) {
        return true;
    }
    let lower = wanted.to_lowercase();
    let behind = wanted.parse().is_ok_and(|address| peer.allowed_ips.iter().any(|range| range.contains(address)));
    let endpoint = peer.observed.endpoint.or(peer.endpoint).map(|endpoint| endpoint.to_string()).unwrap_or_default();
    let ranges = peer.allowed_ips.iter().map(ToString::to_string);
    let texts = [peer.name.to_string(), peer.kind.word().to_lowercase(), peer.tunnel_address.to_string(), endpoint];
    behind || texts.into_iter().chain(ranges).any(|text| text.contains(&lower))
}

/// The state of a row of a VPC peering is that of the pair; of another peer its own.
fn state(peer: &Peer, read: &GatewayReading) -> (Tone, &'static str) {
    match peer.pair.and_then(|pair| read.peerings.iter().find(|peering| peering.id == pair)) {
        Some(peering) => (peering_tone(peering.state), peering.state.word()),
        None => {
            let status = peer.status(read.now);
            (peer_tone(peer.kind, status), status.word())
        }
    }
}

fn row(
    row: &Row,
    now: Timestamp,
    scale: u64,
    project: &ProjectName,
    enable: ServerAction<EnablePeer>,
) -> impl IntoView + use<> {
    let Row { peer, state: (tone, word), mark, gone } = row;
    let (tone, word, mark, project) = (*tone, *word, mark.clone(), project.clone());
    let href = routes::peer(&project, peer.gateway, peer.id);
    let (file, delete) =
        (routes::peer_file(&project, peer.gateway, peer.id), routes::peer_delete(&project, peer.gateway, peer.id));
    let going = gone.then(|| "Its gateway is being deleted.".to_owned());
    let allowed = if peer.kind == PeerKind::RoadWarrior {
        view! { <span class="quiet">"own address"</span> }.into_any()
    } else {
        let ranges = peer.allowed_ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        view! { <span class="fact">{ranges}</span> }.into_any()
    };
    let endpoint = peer.observed.endpoint.or(peer.endpoint).map_or_else(
        || view! { <span class="quiet">"none yet"</span> }.into_any(),
        |endpoint| endpoint.to_string().into_any(),
    );
    let seconds = peer.observed.handshake.map(|at| at.age_seconds(now));
    let idle = peer.kind == PeerKind::RoadWarrior || !peer.enabled;
    let has_file = peer.kind != PeerKind::VpcPeering;
    let (switch, glyph) = match (peer.kind, peer.enabled) {
        (PeerKind::VpcPeering, true) => ("Disable on both gateways", Glyph::PowerOff),
        (PeerKind::VpcPeering, false) => ("Enable on both gateways", Glyph::Power),
        (_, true) => ("Disable", Glyph::PowerOff),
        (_, false) => ("Enable", Glyph::Power),
    };
    let file_word = if peer.kind == PeerKind::Site { "Download export" } else { "Download configuration" };
    let delete_word = if peer.kind == PeerKind::VpcPeering { "Delete VPC peering" } else { "Delete" };
    let (name, stuck) = (peer.name.to_string(), going.clone());
    let (gateway, id, enabled) = (peer.gateway.to_string(), peer.id.to_string(), (!peer.enabled).to_string());
    view! {
        <tr>
            <th scope="row" data-at="a1">
                <a class="nowrap" href=href.clone()>{name.clone()}</a>
                {mark.map(|text| view! {
                    <a class="again" href=href.clone()><Mark tone=Tone::Wait/><small>{text}</small></a>
                })}
            </th>
            <td class="nowrap">{peer.kind.word()}</td>
            <td class="nowrap" data-at="b1"><Copy value=peer.tunnel_address.to_string()/></td>
            <td class="wider">{allowed}</td>
            <td class="fact nowrap">{endpoint}</td>
            <td class="nowrap" data-at="b2"><Age seconds idle/></td>
            <td data-at="c1"><Spark samples=peer.samples.clone() scale/></td>
            <td class="num"><Bytes count=peer.observed.received/></td>
            <td class="num"><Bytes count=peer.observed.sent/></td>
            <td class="nowrap" data-at="a2"><Badge tone word/></td>
            <td class="act">
                <Menu label=format!("Actions for {name}")>
                    <MenuLink href icon=Glyph::ArrowUpRight label="View"/>
                    {has_file.then(|| view! { <MenuLink href=file icon=Glyph::Download label=file_word attr:download=""/> })}
                    <ActionForm action=enable>
                        <input type="hidden" name="project" value=project.to_string()/>
                        <input type="hidden" name="gateway" value=gateway/>
                        <input type="hidden" name="id" value=id/>
                        <input type="hidden" name="enabled" value=enabled/>
                        <MenuButton icon=glyph label=switch reason=stuck/>
                    </ActionForm>
                    <MenuRule/>
                    <MenuLink href=delete icon=Glyph::Trash label=delete_word kind=Kind::Danger reason=going/>
                </Menu>
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::Town;

    #[test]
    fn a_peer_is_found_by_its_name_its_key_and_an_address_behind_it() {
        let mut town = Town::default();
        town.vpc("oslo", "oslo", "10.10.0.0/16");
        town.gateway("oslo");
        let site = town.site("oslo", "altona", "192.168.88.0/24").clone();
        let key = site.public_key.to_string();
        for wanted in ["", "alto", "ALTONA", "site", &key, &key[..6], "192.168.88.7", "192.168.88.0/24"] {
            assert!(matches(&site, wanted), "{wanted}");
        }
        for wanted in ["oslo", "192.168.89.7", "zzz"] {
            assert!(!matches(&site, wanted), "{wanted}");
        }
    }
}
