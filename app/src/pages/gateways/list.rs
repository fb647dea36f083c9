use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::{ApiError, gateways::list_gateways},
    components::{Badge, Column, Copy, Filter, Glyph, Kind, Menu, MenuLink, MenuRule, Spark, Table, Time, spark_scale},
    domain::{
        GatewayId, ProjectName,
        change::Topic,
        gateway::{Gateway, GatewayStatus},
    },
    live::use_live,
    pages::{
        fresh::living,
        here::{project_for_links, use_project},
        listing::{Listing, listing},
        tones::{gateway_tone, sync_tone},
    },
    routes,
};

pub type GatewaysResource = Resource<Result<Vec<Gateway>, ApiError>>;

/// Every gateway of the project, read again when one changes, reports, or gets a peer.
pub fn gateways() -> GatewaysResource {
    let (live, project) = (use_live(), use_project());
    Resource::new(
        move || (project.get(), live.version(Topic::Gateways), live.version(Topic::Peers)),
        |(project, ..)| list_gateways(project),
    )
}

pub struct GatewayList;

#[lazy_route]
impl LazyRoute for GatewayList {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let gateways = gateways();
        view! {
            <Title text="VPN Gateways"/>
            <List gateways/>
        }
        .into_any()
    }
}

/// The page itself; also what lies behind the panel that makes a gateway.
#[component]
pub fn List(gateways: GatewaysResource) -> impl IntoView {
    living(gateways, |gateways| view! { <Shown gateways/> }.into_any())
}

#[component]
fn Shown(gateways: Signal<Vec<Gateway>>) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let frame = Listing {
        title: "VPN Gateways",
        href: routes::gateway_new(&project),
        icon: Glyph::Plus,
        kind: Kind::Primary,
        word: "Create VPN gateway",
        reason: None,
        begin: "Create VPN gateway",
        empty: (
            "No VPN gateway yet.",
            "A gateway is a Linux host of yours in a VPC. It joins the VPC to other VPCs, sites and people through WireGuard.",
        ),
    };
    let lead = Signal::derive(move || gateways.with(|gateways| lead(gateways)));
    let empty = Memo::new(move |_| gateways.with(Vec::is_empty));
    listing(frame, lead, empty, move || view! { <Rows gateways project=project.clone()/> }.into_any())
}

#[component]
fn Rows(gateways: Signal<Vec<Gateway>>, project: ProjectName) -> impl IntoView {
    let query = RwSignal::new(String::new());
    let found = Memo::new(move |_| {
        let wanted = query.get();
        gateways.with(|gateways| {
            gateways.iter().filter(|gateway| matches(gateway, &wanted)).map(|gateway| gateway.id).collect::<Vec<_>>()
        })
    });
    let scale =
        Memo::new(move |_| gateways.with(|gateways| spark_scale(gateways.iter().map(|gateway| &gateway.samples[..]))));
    let nothing = move || {
        found.with(Vec::is_empty).then(|| {
            let said = format!("No VPN gateway has “{}” in its name, VPC or addresses.", query.get());
            view! { <tr><td colspan="11" class="quiet">{said}</td></tr> }
        })
    };
    let shown = move |id: GatewayId| {
        let project = project.clone();
        let gateway =
            Memo::new(move |_| gateways.with(|gateways| gateways.iter().find(|gateway| gateway.id == id).cloned()));
        move || gateway.get().map(|gateway| row(&gateway, scale.get(), &project))
    };
    view! {
        <div class="toolbar">
            <Filter label="Filter VPN gateways" placeholder="Name, VPC or address" value=query/>
        </div>
        <section class="block" aria-label="VPN gateways">
            <Table
                label="VPN gateways"
                columns=vec![
                    Column::text("Name").ascending(), Column::text("VPC"), Column::text("Location"), Column::text("Public IP"),
                    Column::text("Tunnel subnet"), Column::text("Status"), Column::text("Config"), Column::number("Peers"),
                    Column::text("Traffic · 2 h"), Column::number("Last seen").wide(), Column::actions(),
                ]
                stack=true
            >
                <For each=move || found.get() key=|id| *id children=shown/>
                {nothing}
            </Table>
        </section>
    }
}

fn lead(gateways: &[Gateway]) -> String {
    let connected: usize = gateways.iter().map(|gateway| gateway.peers_connected).sum();
    let peers: usize = gateways.iter().map(|gateway| gateway.peers).sum();
    match gateways.len() {
        0 => "Hosts that join VPCs to each other, to sites and to people.".to_owned(),
        1 => format!("One gateway; {connected} of its {peers} peers connected."),
        many => format!("{many} gateways; {connected} of {peers} peers connected."),
    }
}

/// By name, VPC, place or any of its addresses.
fn matches(gateway: &Gateway, wanted: &str) -> bool {
    let wanted = wanted.trim().to_lowercase();
    let inside =
        wanted.parse().is_ok_and(|address| gateway.tunnel.contains(address) || gateway.vpc_cidr.contains(address));
    let public = gateway.public_address.map(|address| address.to_string()).unwrap_or_default();
    let texts = [
        gateway.name.to_string(),
        gateway.vpc_name.to_string(),
        gateway.place.to_lowercase(),
        gateway.tunnel.to_string(),
        public,
    ];
    inside || texts.iter().any(|text| text.contains(&wanted))
}

fn row(gateway: &Gateway, scale: u64, project: &ProjectName) -> impl IntoView + use<> {
    let (href, vpc) = (routes::gateway(project, gateway.id), routes::vpc(project, gateway.vpc));
    let (enrol, peering) = (routes::gateway_enrol(project, gateway.id), routes::peering_new(project, gateway.id));
    let (peer, delete) = (routes::road_warrior_new(project, gateway.id), routes::gateway_delete(project, gateway.id));
    let going = gateway.status == GatewayStatus::Deleting;
    let gone = move || going.then(|| "It is being deleted.".to_owned());
    let public = match gateway.public_address {
        Some(address) => view! { <Copy value=address.to_string()/> }.into_any(),
        None => view! { <span class="quiet">"not reported yet"</span> }.into_any(),
    };
    let seen = match gateway.last_seen {
        Some(at) => view! { <Time at short=true/> }.into_any(),
        None => "never".into_any(),
    };
    // Nothing was asked of a host that is not there.
    let config = match gateway.status {
        GatewayStatus::Provisioning if !gateway.enrolled() => {
            view! { <span class="quiet">"no host yet"</span> }.into_any()
        }
        _ => view! { <Badge tone=sync_tone(gateway.status, gateway.sync) word=gateway.sync.word()/> }.into_any(),
    };
    let enrol_word = if gateway.enrolled() { "Install command" } else { "Enrol host" };
    let connected = format!("{} of {} connected", gateway.peers_connected, gateway.peers);
    view! {
        <tr data-state=going.then_some("going")>
            <th scope="row" data-at="a1"><a href=href.clone()>{gateway.name.to_string()}</a></th>
            <td class="nowrap" data-at="b1"><a href=vpc>{gateway.vpc_name.to_string()}</a></td>
            <td class="nowrap">{gateway.place.clone()}</td>
            <td class="nowrap">{public}</td>
            <td class="nowrap"><Copy value=gateway.tunnel.to_string()/></td>
            <td class="nowrap" data-at="a2"><Badge tone=gateway_tone(gateway.status) word=gateway.status.word()/></td>
            <td class="nowrap" data-at="b2">{config}</td>
            <td class="num fact" title=connected data-at="c2">{format!("{}/{}", gateway.peers_connected, gateway.peers)}</td>
            <td data-at="c1"><Spark samples=gateway.samples.clone() scale/></td>
            <td class="num quiet nowrap wide">{seen}</td>
            <td class="act">
                <Menu label=format!("Actions for {}", gateway.name)>
                    <MenuLink href icon=Glyph::ArrowUpRight label="View"/>
                    <MenuLink href=enrol icon=Glyph::Terminal label=enrol_word reason=gone()/>
                    <MenuLink href=peering icon=Glyph::Cable label="Create VPC Peering" reason=gone()/>
                    <MenuLink href=peer icon=Glyph::Laptop label="Add peer" reason=gone()/>
                    <MenuRule/>
                    <MenuLink href=delete icon=Glyph::Trash label="Delete" kind=Kind::Danger reason=gone()/>
                </Menu>
            </td>
        </tr>
    }
}
