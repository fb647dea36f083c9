use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::renew::{File, Renewal};
use crate::{
    api::{
        ApiError,
        flash::Flash,
        peers::{EnablePeer, GetSiteExport, PeerReading, read_peer},
    },
    components::{
        Age, Badge, Block, Button, ButtonLink, Bytes, Column, Command, Copy, Fact, Facts, Glyph, Kind, Mark, PageHead, Refusal, Spark, Table, Time, Tone,
        shortened, spark_scale,
    },
    domain::{
        ProjectName, Timestamp,
        change::Topic,
        gateway::GatewayStatus,
        peer::PeerKind,
        peering::{Peering, PeeringSide},
    },
    live::use_live,
    pages::{
        failure::settle,
        form::{FlashResource, Memory, beside, flash},
        here::{project_for_links, use_project, use_segment},
        tones::{peer_tone, peering_tone},
    },
    routes,
};

pub struct PeerDetail {
    peer: Resource<Result<PeerReading, ApiError>>,
    flash: FlashResource,
}

#[lazy_route]
impl LazyRoute for PeerDetail {
    fn data() -> Self {
        let (live, project, id) = (use_live(), use_project(), use_segment("peer"));
        let peer = Resource::new(
            move || (project.get(), id.get(), live.version(Topic::Peers), live.version(Topic::Gateways), live.version(Topic::Vpcs)),
            |(project, id, ..)| read_peer(project, id),
        );
        Self { peer, flash: flash() }
    }

    fn view(this: Self) -> AnyView {
        let project = use_project();
        // Outside of what is rendered again with every report.
        let deeds = Deeds { enable: ServerAction::new(), export: ServerAction::new(), renewed: Renewal::new() };
        view! {
            <Transition>
                {move || Suspend::new(async move {
                    let project = project_for_links(&project.get_untracked());
                    let flash = this.flash.await;
                    settle(this.peer.await, |read| shown(read, project, deeds, flash).into_any())
                })}
            </Transition>
        }
        .into_any()
    }
}

/// What can be done here, and how it went.
#[derive(Clone, Copy)]
struct Deeds {
    enable: ServerAction<EnablePeer>,
    export: ServerAction<GetSiteExport>,
    renewed: Renewal,
}

fn shown(read: PeerReading, project: ProjectName, deeds: Deeds, flash: Option<Flash>) -> impl IntoView {
    let error = beside(&[], Memory::of::<EnablePeer>(flash.clone()).error(deeds.enable));
    let kind = match read.peer.kind {
        PeerKind::RoadWarrior => {
            let (peer, network) = (read.peer.clone(), read.network.clone());
            view! { <File peer network project=project.clone() renewed=deeds.renewed/> }.into_any()
        }
        PeerKind::Site => {
            let memory = Memory::of::<GetSiteExport>(flash);
            view! { <Export read=read.clone() project=project.clone() memory export=deeds.export/> }.into_any()
        }
        PeerKind::VpcPeering => read.peering.as_ref().map(|peering| pair(peering, &project, read.now)).into_any(),
    };
    view! {
        <Title text=read.peer.name.to_string()/>
        {head(&read, &project, deeds.enable)}
        <Refusal id="peer-refusal" error/>
        {facts(&read)}
        {kind}
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
    let (switch, icon) = if peer.enabled { (format!("Disable{both}"), Glyph::PowerOff) } else { (format!("Enable{both}"), Glyph::Power) };
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
        (None, Some(asked)) => view! { <Copy value=asked.to_string()/> <span class="quiet">" not seen yet"</span> }.into_any(),
        (None, None) => none(),
    };
    let allowed = peer.allowed_ips.iter().map(|range| view! { <li><Copy value=range.to_string()/></li> }).collect_view();
    let seconds = peer.observed.handshake.map(|at| at.age_seconds(read.now));
    let idle = peer.kind == PeerKind::RoadWarrior || !peer.enabled;
    let keepalive = match peer.keepalive {
        0 => "off".to_owned(),
        seconds => format!("{seconds} s"),
    };
    let key = peer.public_key.to_string();
    let (kind, tunnel, preshared, created) = (peer.kind.word(), peer.tunnel_address.to_string(), peer.preshared, peer.created_at);
    let (received, sent, samples) = (peer.observed.received, peer.observed.sent, peer.samples.clone());
    let scale = spark_scale([&samples[..]]);
    view! {
        <section class="block" aria-label="Facts">
            <div class="instruments">
                <Facts>
                    <Fact label="Handshake"><Age seconds idle/></Fact>
                    <Fact label="Received"><Bytes count=received/></Fact>
                    <Fact label="Sent"><Bytes count=sent/></Fact>
                    <Fact label="2 h"><Spark samples scale/></Fact>
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
        </section>
    }
}

/// What the site's router needs (domain 5.8). It may hold the preshared key, so it is shown to who asks for it, and that is noted.
#[component]
fn Export(read: PeerReading, project: ProjectName, memory: Memory, export: ServerAction<GetSiteExport>) -> impl IntoView {
    let gateway = &read.gateway;
    let reason = (gateway.public_key.is_none() || gateway.public_address.is_none())
        .then(|| format!("{} has no key or no public address yet. Enrol its host first.", gateway.name));
    let missing = reason.clone().map(|text| view! { <p class="muted">{text}</p> });
    let href = routes::peer_file(&project, read.peer.gateway, read.peer.id);
    let (answer, error) = (memory.answer(export), beside(&[], memory.error(export)));
    let (project, id) = (project.to_string(), read.peer.id.to_string());
    let download = reason.clone();
    view! {
        <Block id="h-export" title="For the site's router" lead="The peer section, addresses and routes. Its private key is its own business.">
            {missing}
            <div class="flow export">
                <ActionForm action=export>
                    <input type="hidden" name="project" value=project/>
                    <input type="hidden" name="id" value=id/>
                    <Button icon=Glyph::Terminal reason busy=export.pending()>"Show the configuration"</Button>
                </ActionForm>
                <ButtonLink href icon=Glyph::Download reason=download attr:download="">"Download export"</ButtonLink>
            </div>
            <Refusal id="export-refusal" error/>
            {move || answer.get().map(|export| view! { <Command text=export.render() label="the configuration for the router"/> })}
        </Block>
    }
}

/// Both sides of a VPC peering.
fn pair(peering: &Peering, project: &ProjectName, now: Timestamp) -> impl IntoView + use<> {
    let rows = peering.sides.iter().map(|side| side_row(side, project, now)).collect_view();
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

fn side_row(side: &PeeringSide, project: &ProjectName, now: Timestamp) -> impl IntoView + use<> {
    let applied = if side.applied { (Tone::Good, "Applied") } else { (Tone::Move, "Pending") };
    view! {
        <tr>
            <th scope="row"><a href=routes::gateway(project, side.gateway)>{side.gateway_name.to_string()}</a></th>
            <td><a href=routes::vpc(project, side.vpc)>{side.vpc_name.to_string()}</a></td>
            <td><Copy value=side.vpc_cidr.to_string()/></td>
            <td class="nowrap"><Mark tone=applied.0/> " " {applied.1}</td>
            <td class="nowrap"><Age seconds=side.handshake.map(|at| at.age_seconds(now))/></td>
        </tr>
    }
}
