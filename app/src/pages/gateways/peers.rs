use std::{collections::BTreeMap, time::Duration};

use leptos::{ev, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use crate::{
    api::{gateways::GatewayReading, peers::EnablePeer},
    components::{
        Age, Badge, Block, Button, ButtonLink, Bytes, Column, Copy, Empty, Filter, Glyph, Kind, Mark, Menu, MenuButton,
        MenuLink, MenuRule, Refusal, Spark, Table, Tone, grouped, spark_scale,
    },
    domain::{
        GatewayId, PeerId, ProjectName, Timestamp,
        gateway::GatewayStatus,
        peer::{Peer, PeerKind},
        roster::Roster,
    },
    pages::{
        failure::encode,
        form::{Memory, beside},
        peers::outdated,
        tones::{peer_tone, peering_tone},
    },
    routes,
};

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
    let wanted = RwSignal::new(read.with_untracked(|read| read.peers.asked.text.clone()));
    // The palette leads from one gateway to another without this page being built again.
    let gateway = Memo::new(move |_| read.with(|read| read.gateway.id));
    let of_links = project.clone();
    let page = Memo::new(move |_| routes::gateway(&of_links, gateway.get()));
    Effect::new(move |before: Option<GatewayId>| {
        let now = gateway.get();
        if before.is_some_and(|before| before != now) {
            wanted.set(read.with_untracked(|read| read.peers.asked.text.clone()));
        }
        now
    });
    follow(wanted, page);
    let empty = Memo::new(move |_| read.with(|read| read.peers.all == 0));
    let lead = move || {
        let (connected, all) = read.with(|read| (grouped(read.peers.connected as u64), grouped(read.peers.all as u64)));
        view! { <p>{format!("{connected} of {all} connected. Handshake on WireGuard's clock: rekey 120 s, refused 180 s.")}</p> }
    };
    move || {
        if empty.get() {
            return none(&read.read(), &project).into_any();
        }
        let project = project.clone();
        // Alive, the list follows the typing.
        let stay = |event: ev::SubmitEvent| event.prevent_default();
        view! {
            <section class="block" aria-labelledby="h-peers">
                <header>
                    <h2 id="h-peers">"Peers"</h2>
                    {lead}
                    <form class="flow" method="get" action=move || page.get() on:submit=stay>
                        <Filter label="Filter peers" placeholder="Name, key or address" value=wanted/>
                        <span class="still-only"><Button small=true>"Filter"</Button></span>
                    </form>
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
                    <Rows read project enable/>
                </Table>
                {move || read.with(|read| pager(&read.peers, &page.get()))}
            </section>
        }
        .into_any()
    }
}

/// Puts what is typed into the address, once it has rested: the console looks through the peers.
fn follow(wanted: RwSignal<String>, page: Memo<String>) {
    const PAUSE: Duration = Duration::from_millis(150);
    let navigate = use_navigate();
    Effect::new(move |before: Option<String>| {
        let text = wanted.get();
        if before.is_some_and(|before| before != text) {
            let (text, navigate) = (text.clone(), navigate.clone());
            set_timeout(
                move || {
                    if wanted.try_get_untracked().is_some_and(|now| now == text) {
                        let stay = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
                        navigate(&address(&page.get_untracked(), &text, 1), stay);
                    }
                },
                PAUSE,
            );
        }
        text
    });
}

/// The address of a page of the rows.
fn address(page: &str, text: &str, number: usize) -> String {
    match (text.trim(), number) {
        ("", 1) => page.to_owned(),
        ("", number) => format!("{page}?page={number}"),
        (text, 1) => format!("{page}?q={}", encode(text)),
        (text, number) => format!("{page}?q={}&page={number}", encode(text)),
    }
}

/// Which rows these are, and the way to the others.
fn pager(roster: &Roster, page: &str) -> Option<impl IntoView + use<>> {
    let (first, last, found) = roster.place()?;
    let at = roster.asked.page;
    let to = |number: usize| address(page, &roster.asked.text, number);
    let back = (at > 1).then(|| view! { <ButtonLink small=true href=to(at - 1)>"Previous peers"</ButtonLink> });
    let on = (at < roster.pages()).then(|| view! { <ButtonLink small=true href=to(at + 1)>"More peers"</ButtonLink> });
    let said = format!("{} to {} of {}", grouped(first as u64), grouped(last as u64), grouped(found as u64));
    Some(view! { <nav class="flow" aria-label="Pages of peers">{back} {on} <p class="quiet">{said}</p></nav> })
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
fn Rows(read: Signal<GatewayReading>, project: ProjectName, enable: ServerAction<EnablePeer>) -> impl IntoView {
    let shown_now =
        Memo::new(move |_| read.with(|read| read.peers.rows.iter().map(|peer| peer.id).collect::<Vec<PeerId>>()));
    let rows = Memo::new(move |_| {
        read.with(|read| read.peers.rows.iter().map(|peer| (peer.id, row_of(peer, read))).collect::<BTreeMap<_, _>>())
    });
    let scale = Memo::new(move |_| read.with(|read| spark_scale(read.peers.rows.iter().map(|peer| &peer.samples[..]))));
    let said = move || {
        let text = read.with(|read| (read.peers.found == 0).then(|| read.peers.asked.text.trim().to_owned()));
        text.map(|text| {
            let said = format!("No peer has “{text}” in its name, key or addresses.");
            view! { <tr><td colspan="11" class="quiet">{said}</td></tr> }
        })
    };
    let shown = move |id: PeerId| {
        let project = project.clone();
        let this = Memo::new(move |_| rows.with(|rows| rows.get(&id).cloned()));
        move || this.get().map(|this| row(&this, read.with_untracked(|read| read.now), scale.get(), &project, enable))
    };
    view! {
        <For each=move || shown_now.get() key=|id| *id children=shown/>
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

    #[test]
    fn a_page_of_the_rows_has_an_address() {
        assert_eq!(address("/g", " ", 1), "/g");
        assert_eq!(address("/g", "", 3), "/g?page=3");
        assert_eq!(address("/g", "10.0.0.0/24 & co", 1), "/g?q=10.0.0.0/24%20%26%20co");
        assert_eq!(address("/g", "mira", 2), "/g?q=mira&page=2");
    }
}
