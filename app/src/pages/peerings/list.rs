use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::peerings::read_peerings,
    components::{Age, Badge, Column, Copy, Filter, Glyph, Kind, Menu, MenuLink, MenuRule, Table, Time, Tone},
    domain::{
        PairId, ProjectName, Timestamp,
        change::Topic,
        peering::{Peering, PeeringState},
    },
    live::use_live,
    pages::{
        fresh::living,
        here::{project_for_links, use_project},
        listing::{Listing, listing},
    },
    routes,
};

pub struct PeeringList;

#[lazy_route]
impl LazyRoute for PeeringList {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project) = (use_live(), use_project());
        let peerings = Resource::new(
            move || (project.get(), live.version(Topic::Peers), live.version(Topic::Gateways)),
            |(project, ..)| read_peerings(project),
        );
        view! {
            <Title text="VPC peerings"/>
            {living(peerings, |read| view! { <Shown read/> }.into_any())}
        }
        .into_any()
    }
}

#[component]
fn Shown(read: Signal<(Vec<Peering>, Timestamp)>) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let frame = Listing {
        title: "VPC peerings",
        href: routes::gateways(&project),
        icon: Glyph::Router,
        kind: Kind::Default,
        word: "VPN Gateways",
        reason: None,
        begin: "Open VPN Gateways",
        empty: (
            "No VPC peering yet.",
            "A VPC peering joins two VPCs through their gateways, so that hosts reach each other with their own addresses. It begins on a gateway's page.",
        ),
    };
    let lead = Signal::derive(move || read.with(|(peerings, _)| lead(peerings)));
    let empty = Memo::new(move |_| read.with(|(peerings, _)| peerings.is_empty()));
    listing(frame, lead, empty, move || view! { <Rows read project=project.clone()/> }.into_any())
}

#[component]
fn Rows(read: Signal<(Vec<Peering>, Timestamp)>, project: ProjectName) -> impl IntoView {
    let query = RwSignal::new(String::new());
    let found = Memo::new(move |_| {
        let wanted = query.get();
        read.with(|(peerings, _)| {
            peerings.iter().filter(|peering| matches(peering, &wanted)).map(|peering| peering.id).collect::<Vec<_>>()
        })
    });
    let nothing = move || {
        found.with(Vec::is_empty).then(|| {
            let said = format!("No VPC peering has “{}” in its VPCs, gateways or ranges.", query.get());
            view! { <tr><td colspan="9" class="quiet">{said}</td></tr> }
        })
    };
    let shown = move |id: PairId| {
        let project = project.clone();
        let this = Memo::new(move |_| {
            read.with(|(peerings, now)| {
                peerings
                    .iter()
                    .find(|peering| peering.id == id)
                    .map(|peering| (peering.clone(), peering.unanswered(*now)))
            })
        });
        move || this.get().map(|(peering, _)| row(&peering, read.with_untracked(|read| read.1), &project))
    };
    view! {
        <div class="toolbar">
            <Filter label="Filter VPC peerings" placeholder="VPC, gateway or range" value=query/>
        </div>
        <section class="block" aria-label="VPC peerings">
            <Table
                label="VPC peerings"
                columns=vec![
                    Column::text("VPCs"), Column::text("Network CIDR"), Column::text("Gateway"), Column::text("Peer network CIDR"),
                    Column::text("Remote gateway"), Column::text("Handshakes"), Column::text("State"), Column::number("Created").wide(), Column::actions(),
                ]
                stack=true
            >
                <For each=move || found.get() key=|id| *id children=shown/>
                {nothing}
            </Table>
        </section>
    }
}

fn lead(peerings: &[Peering]) -> String {
    let up = peerings.iter().filter(|peering| peering.state == PeeringState::Established).count();
    match peerings.len() {
        0 => "VPCs that are joined through their gateways.".to_owned(),
        1 if up == 1 => "One peering, established.".to_owned(),
        1 => "One peering.".to_owned(),
        many => format!("{many} peerings, {up} established."),
    }
}

fn matches(peering: &Peering, wanted: &str) -> bool {
    let wanted = wanted.trim().to_lowercase();
    peering.sides.iter().any(|side| {
        wanted.parse().is_ok_and(|address| side.vpc_cidr.contains(address))
            || [side.vpc_name.to_string(), side.gateway_name.to_string(), side.vpc_cidr.to_string()]
                .iter()
                .any(|text| text.contains(&wanted))
    })
}

fn row(peering: &Peering, now: Timestamp, project: &ProjectName) -> impl IntoView + use<> {
    let [a, b] = &peering.sides;
    let (view_here, delete) =
        (routes::peer(project, a.gateway, a.peer), routes::peer_delete(project, a.gateway, a.peer));
    let idle = matches!(peering.state, PeeringState::Disabled | PeeringState::Recorded);
    let age = |at: Option<Timestamp>| at.map(|at| at.age_seconds(now));
    let unanswered = peering.unanswered(now).then(|| {
        "Both hosts have it, and neither has seen the other. Check that UDP reaches both endpoints.".to_owned()
    });
    let name = format!("{} – {}", a.vpc_name, b.vpc_name);
    let actions = format!("Actions for {name}");
    let menu_view = view_here.clone();
    let badge = match unanswered {
        Some(title) => view! { <Badge tone=Tone::from(peering.standing(now)) word="No handshake" title/> }.into_any(),
        None => view! { <Badge tone=Tone::from(peering.standing(now)) word=peering.state.word()/> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="nowrap" data-at="a1"><a href=view_here>{name}</a></th>
            <td class="nowrap" data-at="b1"><Copy value=a.vpc_cidr.to_string()/></td>
            <td class="nowrap"><a href=routes::gateway(project, a.gateway)>{a.gateway_name.to_string()}</a></td>
            <td class="nowrap" data-at="c1"><Copy value=b.vpc_cidr.to_string()/></td>
            <td class="nowrap"><a href=routes::gateway(project, b.gateway)>{b.gateway_name.to_string()}</a></td>
            <td class="nowrap" data-at="b2">
                <span class="both"><Age seconds=age(a.handshake) idle/> <Age seconds=age(b.handshake) idle/></span>
            </td>
            <td class="nowrap" data-at="a2">{badge}</td>
            <td class="num quiet nowrap wide"><Time at=peering.created_at short=true/></td>
            <td class="act">
                <Menu label=actions>
                    <MenuLink href=menu_view icon=Glyph::ArrowUpRight label="View"/>
                    <MenuRule/>
                    <MenuLink href=delete icon=Glyph::Trash label="Delete VPC peering" kind=Kind::Danger/>
                </Menu>
            </td>
        </tr>
    }
}
