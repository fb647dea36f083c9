use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::{
    api::{gateways::GatewayReading, peers::EnablePeer},
    components::{
        Age, Badge, Block, ButtonLink, Bytes, Column, Copy, Empty, Filter, Glyph, Kind, Mark, Menu, MenuButton, MenuLink, MenuRule, Refusal, Spark, Table,
        Tone, spark_scale,
    },
    domain::{
        PairId, ProjectName, Timestamp,
        gateway::GatewayStatus,
        peer::{Peer, PeerKind, PeerStatus},
        peering::PeeringState,
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

/// What every row needs besides its peer.
#[derive(Clone)]
struct Around {
    project: ProjectName,
    now: Timestamp,
    scale: u64,
    pairs: BTreeMap<PairId, PeeringState>,
    gone: bool,
    enable: ServerAction<EnablePeer>,
}

#[component]
pub fn Peers(read: GatewayReading, project: ProjectName, query: RwSignal<String>) -> impl IntoView {
    let enable = ServerAction::<EnablePeer>::new();
    let error = beside(&[], Memory::default().error(enable));
    let GatewayReading { gateway, peers, peerings, network, now } = read;
    if peers.is_empty() {
        let gone = (gateway.status == GatewayStatus::Deleting).then(|| format!("{} is being deleted.", gateway.name));
        let (peer, peering) = (routes::road_warrior_new(&project, gateway.id), routes::peering_new(&project, gateway.id));
        return view! {
            <Block id="h-peers" title="Peers">
                <Empty what="No peer yet." why="A peer is a person's device, a site behind another router, or the gateway of another VPC.">
                    <ButtonLink href=peering icon=Glyph::Cable reason=gone.clone()>"Create VPC Peering"</ButtonLink>
                    <ButtonLink href=peer icon=Glyph::Laptop reason=gone>"Add peer"</ButtonLink>
                </Empty>
            </Block>
        }
        .into_any();
    }
    let connected = peers.iter().filter(|peer| peer.status(now) == PeerStatus::Connected).count();
    let lead = format!("{connected} of {} connected. Handshake on WireGuard's clock: rekey 120 s, refused 180 s.", peers.len());
    let around = Around {
        project,
        now,
        scale: spark_scale(peers.iter().map(|peer| &peer.samples[..])),
        pairs: peerings.iter().map(|peering| (peering.id, peering.state)).collect(),
        gone: gateway.status == GatewayStatus::Deleting,
        enable,
    };
    let marked: Vec<(Peer, Option<String>)> = peers.into_iter().map(|peer| (outdated(&peer, &network), peer)).map(|(mark, peer)| (peer, mark)).collect();
    let rows = move || {
        let wanted = query.get();
        let found: Vec<_> = marked.iter().filter(|(peer, _)| matches(peer, &wanted)).collect();
        let said = match found.len() {
            0 => Some(format!("No peer has “{wanted}” in its name, key or addresses.")),
            many if many > MOST_ROWS => Some(format!("{MOST_ROWS} of {many} shown. Filter by name, key or address to find the others.")),
            _ => None,
        };
        view! {
            {found.into_iter().take(MOST_ROWS).map(|(peer, mark)| row(peer, mark.clone(), &around)).collect_view()}
            {said.map(|said| view! { <tr><td colspan="11" class="quiet">{said}</td></tr> })}
        }
    };
    view! {
        <Block id="h-peers" title="Peers" lead aside=move || view! { <Filter label="Filter peers" placeholder="Name, key or address" value=query/> }>
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
                {rows}
            </Table>
        </Block>
    }
    .into_any()
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
fn state(peer: &Peer, around: &Around) -> (Tone, &'static str) {
    match peer.pair.and_then(|pair| around.pairs.get(&pair)) {
        Some(state) => (peering_tone(*state), state.word()),
        None => {
            let status = peer.status(around.now);
            (peer_tone(peer.kind, status), status.word())
        }
    }
}

fn row(peer: &Peer, mark: Option<String>, around: &Around) -> impl IntoView + use<> {
    let Around { project, now, scale, gone, enable, .. } = around.clone();
    let (tone, word) = state(peer, around);
    let href = routes::peer(&project, peer.gateway, peer.id);
    let (file, delete) = (routes::peer_file(&project, peer.gateway, peer.id), routes::peer_delete(&project, peer.gateway, peer.id));
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
