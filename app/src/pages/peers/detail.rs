use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::renew::File;
use crate::{
    api::peers::{EnablePeer, GetSiteExport, PeerReading, read_peer},
    components::{
        Age, Badge, Block, Button, ButtonLink, Bytes, Column, Command, Copy, Fact, Facts, Glyph, Kind, PageHead,
        Refusal, Spark, Table, Time, Tone, shortened, spark_scale,
    },
    domain::{
        ProjectName, Timestamp,
        change::Topic,
        gateway::GatewayStatus,
        peer::PeerKind,
        peering::{Peering, PeeringSide, PeeringState},
        road_warrior::SiteExport,
    },
    live::use_live,
    pages::{
        form::{Memory, beside, flash},
        fresh::{living, once, page_name},
        here::{project_for_links, use_project, use_segment},
        tones::{peer_tone, peering_tone},
    },
    routes,
};

pub struct PeerDetail;

#[lazy_route]
impl LazyRoute for PeerDetail {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project, id) = (use_live(), use_project(), use_segment("peer"));
        let peer = Resource::new(
            move || {
                (
                    project.get(),
                    id.get(),
                    live.version(Topic::Peers),
                    live.version(Topic::Gateways),
                    live.version(Topic::Vpcs),
                )
            },
            |(project, id, ..)| read_peer(project, id),
        );
        let flash = flash();
        let (enable, export) = (ServerAction::<EnablePeer>::new(), ServerAction::<GetSiteExport>::new());
        view! {
            <Transition>
                {move || Suspend::new(async move {
                    let flash = once(flash).await;
                    let error = beside(&[], Memory::of::<EnablePeer>(flash.clone()).error(enable));
                    let exported = Exported::of(&Memory::of::<GetSiteExport>(flash), export);
                    living(peer, move |read| view! { <Shown read enable error exported/> }.into_any())
                })}
            </Transition>
        }
        .into_any()
    }
}

#[component]
fn Shown(
    read: Signal<PeerReading>,
    enable: ServerAction<EnablePeer>,
    error: Signal<Option<String>>,
    exported: Exported,
) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let kind = Memo::new(move |_| read.with(|read| read.peer.kind));
    let of_head = project.clone();
    view! {
        <Title text=page_name(read, |read| read.peer.name.to_string())/>
        {move || read.with(|read| head(read, &of_head, enable))}
        <section class="block" aria-label="Facts">
            <Refusal id="peer-refusal" error/>
            {move || read.with(facts)}
        </section>
        {move || {
            let project = project.clone();
            match kind.get() {
                PeerKind::RoadWarrior => view! { <File read project/> }.into_any(),
                PeerKind::Site => view! { <Export read project exported/> }.into_any(),
                PeerKind::VpcPeering => {
                    (move || read.with(|read| read.peering.as_ref().map(|peering| pair(peering, &project, read.now)))).into_any()
                }
            }
        }}
    }
}

fn head(read: &PeerReading, project: &ProjectName, enable: ServerAction<EnablePeer>) -> impl IntoView + use<> {
    let (peer, gateway) = (&read.peer, &read.gateway);
    let crumbs = vec![
        ("VPN Gateways".to_owned(), routes::gateways(project)),
        (gateway.name.to_string(), routes::gateway(project, gateway.id)),
    ];
    let status = peer.status(read.now);
    let (tone, word) = match &read.peering {
        Some(peering) => (peering_tone(peering.state), peering.state.word()),
        None => (peer_tone(peer.kind, status), status.word()),
    };
    let lead = match (&peer.remote, peer.kind) {
        (Some((_, remote)), _) => format!("One side of the VPC peering of {} and {remote}.", gateway.name),
        (None, PeerKind::Site) => format!("A site that {} routes to.", gateway.name),
        (None, _) => format!("A person's device that may reach {} and the VPCs peered with it.", gateway.vpc_name),
    };
    let going = (gateway.status == GatewayStatus::Deleting).then(|| format!("{} is being deleted.", gateway.name));
    let both = if peer.kind == PeerKind::VpcPeering { " on both gateways" } else { "" };
    let (switch, icon) = if peer.enabled {
        (format!("Disable{both}"), Glyph::PowerOff)
    } else {
        (format!("Enable{both}"), Glyph::Power)
    };
    let delete_word = if peer.kind == PeerKind::VpcPeering { "Delete VPC peering" } else { "Delete peer" };
    let delete = routes::peer_delete(project, gateway.id, peer.id);
    let (name, enabled) = (peer.name.to_string(), (!peer.enabled).to_string());
    let (project, gateway, id) = (project.to_string(), gateway.id.to_string(), peer.id.to_string());
    let gone = going.clone();
    view! {
        <PageHead title=name crumbs lead badge=move || view! { <Badge tone word/> }>
            <ActionForm action=enable>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="gateway" value=gateway/>
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="enabled" value=enabled/>
                <Button icon reason=going busy=enable.pending()>{switch}</Button>
            </ActionForm>
            <ButtonLink href=delete icon=Glyph::Trash kind=Kind::Danger reason=gone>{delete_word}</ButtonLink>
        </PageHead>
    }
}

fn facts(read: &PeerReading) -> impl IntoView + use<> {
    let peer = &read.peer;
    let none = || view! { <span class="quiet">"none yet"</span> }.into_any();
    let endpoint = match (peer.observed.endpoint, peer.endpoint) {
        (Some(seen), asked) => {
            let moved = asked.filter(|asked| *asked != seen).map(|asked| format!(" asked for {asked}"));
            view! { <Copy value=seen.to_string()/> <span class="quiet">{moved}</span> }.into_any()
        }
        (None, Some(asked)) => {
            view! { <Copy value=asked.to_string()/> <span class="quiet">" not seen yet"</span> }.into_any()
        }
        (None, None) => none(),
    };
    let allowed =
        peer.allowed_ips.iter().map(|range| view! { <li><Copy value=range.to_string()/></li> }).collect_view();
    let seconds = peer.observed.handshake.map(|at| at.age_seconds(read.now));
    let idle = peer.kind == PeerKind::RoadWarrior || !peer.enabled;
    let keepalive = match peer.keepalive {
        0 => "off".to_owned(),
        seconds => format!("{seconds} s"),
    };
    let key = peer.public_key.to_string();
    let (kind, tunnel, preshared, created) =
        (peer.kind.word(), peer.tunnel_address.to_string(), peer.preshared, peer.created_at);
    let (received, sent, samples) = (peer.observed.received, peer.observed.sent, peer.samples.clone());
    let scale = spark_scale([&samples[..]]);
    view! {
        <div class="instruments">
                <Facts>
                    <Fact label="Handshake"><Age seconds idle/></Fact>
                    <Fact label="Received"><Bytes count=received/></Fact>
                    <Fact label="Sent"><Bytes count=sent/></Fact>
                    <Fact label="Traffic · 2 h"><Spark samples scale/></Fact>
                </Facts>
                <Facts>
                    <Fact label="Kind">{kind}</Fact>
                    <Fact label="Tunnel IP"><Copy value=tunnel/></Fact>
                    <Fact label="AllowedIPs"><ul>{allowed}</ul></Fact>
                    <Fact label="Endpoint">{endpoint}</Fact>
                </Facts>
                <Facts>
                    <Fact label="Public key"><Copy shown=shortened(&key) value=key/></Fact>
                    <Fact label="Preshared key">{if preshared { "yes" } else { "no" }}</Fact>
                    <Fact label="Keepalive"><span class="fact">{keepalive}</span></Fact>
                    <Fact label="Created"><Time at=created/></Fact>
                </Facts>
        </div>
    }
}

/// How the last asking for a site's configuration went.
#[derive(Clone, Copy)]
struct Exported {
    ask: ServerAction<GetSiteExport>,
    answer: Signal<Option<SiteExport>>,
    error: Signal<Option<String>>,
}

impl Exported {
    fn of(memory: &Memory, ask: ServerAction<GetSiteExport>) -> Self {
        Self { ask, answer: memory.answer(ask), error: beside(&[], memory.error(ask)) }
    }
}

/// What the site's router needs (domain 5.8). It may hold the preshared key, so it is shown to who asks for it, and that is noted.
#[component]
fn Export(read: Signal<PeerReading>, project: ProjectName, exported: Exported) -> impl IntoView {
    let Exported { ask, answer, error } = exported;
    let reason = Signal::derive(move || {
        read.with(|read| {
            let gateway = &read.gateway;
            (gateway.public_key.is_none() || gateway.public_address.is_none())
                .then(|| format!("{} has no key or no public address yet. Enrol its host first.", gateway.name))
        })
    });
    let (gateway, id) = read.with_untracked(|read| (read.peer.gateway, read.peer.id));
    let href = routes::peer_file(&project, gateway, id);
    view! {
        <Block id="h-export" title="For the site's router" lead="The peer section, addresses and routes. Its private key is its own business.">
            {move || reason.get().map(|text| view! { <p class="muted">{text}</p> })}
            <div class="flow export">
                <ActionForm action=ask>
                    <input type="hidden" name="project" value=project.to_string()/>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <Button icon=Glyph::Terminal reason busy=ask.pending()>"Show the configuration"</Button>
                </ActionForm>
                <ButtonLink href icon=Glyph::Download reason attr:download="">"Download export"</ButtonLink>
            </div>
            <Refusal id="export-refusal" error/>
            {move || answer.get().map(|export| view! { <Command text=export.render() label="the configuration for the router"/> })}
        </Block>
    }
}

/// Both sides of a VPC peering.
fn pair(peering: &Peering, project: &ProjectName, now: Timestamp) -> impl IntoView + use<> {
    let recorded = peering.state == PeeringState::Recorded;
    let rows = peering.sides.iter().map(|side| side_row(side, recorded, project, now)).collect_view();
    view! {
        <Block id="h-sides" title="Both sides" lead="One row on each gateway; they are made, switched and deleted together.">
            <Table
                label="Both sides"
                columns=vec![Column::text("Gateway"), Column::text("VPC"), Column::text("Network CIDR"), Column::text("Configuration"), Column::text("Handshake")]
            >
                {rows}
            </Table>
        </Block>
    }
}

fn side_row(side: &PeeringSide, recorded: bool, project: &ProjectName, now: Timestamp) -> impl IntoView + use<> {
    let applied = match side.applied {
        true => (Tone::Good, "Applied"),
        false => (if recorded { Tone::Off } else { Tone::Move }, "Pending"),
    };
    view! {
        <tr>
            <th scope="row"><a href=routes::gateway(project, side.gateway)>{side.gateway_name.to_string()}</a></th>
            <td><a href=routes::vpc(project, side.vpc)>{side.vpc_name.to_string()}</a></td>
            <td><Copy value=side.vpc_cidr.to_string()/></td>
            <td class="nowrap"><Badge tone=applied.0 word=applied.1/></td>
            <td class="nowrap"><Age seconds=side.handshake.map(|at| at.age_seconds(now))/></td>
        </tr>
    }
}
