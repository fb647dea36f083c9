use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, hooks::use_query_map, lazy_route};

use super::{
    differences::Differences,
    instruments::{Compare, Instruments},
    peers::Peers,
};
use crate::{
    api::{
        ApiError,
        gateways::{GatewayReading, read_gateway},
    },
    components::{Badge, ButtonLink, Command, Glyph, Kind, Menu, MenuLink, MenuRule, Notice, PageHead, Tone},
    domain::{
        ProjectName,
        change::Topic,
        gateway::{ConfigSync, Gateway, GatewayStatus},
    },
    live::use_live,
    pages::{
        fresh::{living, page_name},
        here::{project_for_links, use_project, use_segment},
        route_list::RoutesToAdd,
        tones::{gateway_tone, sync_tone},
    },
    routes,
};

pub type Reading = Resource<Result<GatewayReading, ApiError>>;

/// The gateway of the path with those of its peers that the query asks for, and the network's rules, read again when any of them changes.
pub fn reading() -> Reading {
    let (live, project, id) = (use_live(), use_project(), use_segment("gateway"));
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(|query| ["q", "page"].map(|name| query.get(name).unwrap_or_default())));
    Resource::new(
        move || {
            (
                project.get(),
                id.get(),
                asked.get(),
                live.version(Topic::Gateways),
                live.version(Topic::Peers),
                live.version(Topic::Vpcs),
            )
        },
        |(project, id, [text, page], ..)| read_gateway(project, id, text, page),
    )
}

/// The same, read once: for a page that ends with the gateway.
pub fn last_reading() -> Reading {
    let (project, id) = (use_project(), use_segment("gateway"));
    Resource::new(
        move || (project.get(), id.get()),
        |(project, id)| read_gateway(project, id, String::new(), String::new()),
    )
}

pub struct GatewayDetail;

#[lazy_route]
impl LazyRoute for GatewayDetail {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        view! { <Detail reading titled=true/> }.into_any()
    }
}

/// The page itself; also what lies behind every panel about this gateway.
#[component]
pub fn Detail(
    reading: Reading,
    /// Whether the page is called by the gateway's name, and not by what lies over it.
    #[prop(optional)]
    titled: bool,
) -> impl IntoView {
    living(reading, move |read| view! { <Shown read titled/> }.into_any())
}

#[component]
fn Shown(read: Signal<GatewayReading>, titled: bool) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let gateway = Memo::new(move |_| read.with(|read| read.gateway.clone()));
    let routes = Memo::new(move |_| {
        read.with(|read| (read.network.routes_inside(read.gateway.id), read.gateway.private_address))
    });
    let (of_head, of_troubles, of_instruments) = (project.clone(), project.clone(), project.clone());
    view! {
        {titled.then(|| view! { <Title text=page_name(gateway, |gateway| gateway.name.to_string())/> })}
        {move || gateway.with(|gateway| head(gateway, &of_head))}
        {move || gateway.with(|gateway| troubles(gateway, &of_troubles))}
        <Differences read/>
        {move || view! { <Instruments gateway=gateway.get() project=of_instruments.clone()/> }}
        <Peers read project/>
        {move || view! { <Compare gateway=gateway.get()/> }}
        {move || {
            let (routes, next_hop) = routes.get();
            view! { <RoutesToAdd routes next_hop/> }
        }}
    }
}

fn head(gateway: &Gateway, project: &ProjectName) -> impl IntoView + use<> {
    let crumbs = vec![("VPN Gateways".to_owned(), routes::gateways(project))];
    let (id, name, lead) = (gateway.id, gateway.name.to_string(), lead(gateway));
    let (status, sync) = (gateway.status, gateway.sync);
    let badge = move || {
        // Nothing was asked of a host that is not there, and what is being deleted is in step with nothing.
        let config = !matches!(status, GatewayStatus::Provisioning | GatewayStatus::Deleting);
        view! {
            <Badge tone=gateway_tone(status) word=status.word()/>
            {config.then(|| view! { <Badge tone=sync_tone(status, sync) word=sync.word()/> })}
        }
    };
    let gone = (status == GatewayStatus::Deleting).then(|| format!("{name} is being deleted."));
    let enrolled = gateway.enrolled();
    let (enrol_kind, peering_kind) =
        if enrolled { (Kind::Default, Kind::Primary) } else { (Kind::Primary, Kind::Default) };
    let enrol_word = if enrolled { "Install command" } else { "Enrol host" };
    let menu = format!("More actions for {name}");
    let (settings, delete) = (routes::gateway_settings(project, id), routes::gateway_delete(project, id));
    let (site, revoke) = (routes::site_new(project, id), routes::gateway_revoke(project, id));
    let no_credential = match (enrolled, gateway.mute) {
        (false, _) => Some("No host has enrolled yet.".to_owned()),
        (true, true) => Some("Its agent has no credential any more.".to_owned()),
        (true, false) => None,
    };
    let (enrol, peer, peering) =
        (routes::gateway_enrol(project, id), routes::road_warrior_new(project, id), routes::peering_new(project, id));
    view! {
        <PageHead title=name crumbs lead badge>
            <ButtonLink href=enrol icon=Glyph::Terminal kind=enrol_kind reason=gone.clone()>{enrol_word}</ButtonLink>
            <ButtonLink href=peer icon=Glyph::Plus reason=gone.clone()>"Add peer"</ButtonLink>
            <ButtonLink href=peering icon=Glyph::Cable kind=peering_kind reason=gone.clone()>"Create VPC Peering"</ButtonLink>
            <Menu label=menu>
                <MenuLink href=site icon=Glyph::Router label="Add site" reason=gone.clone()/>
                <MenuLink href=settings icon=Glyph::Pencil label="Settings" reason=gone.clone()/>
                <MenuLink href=revoke icon=Glyph::Key label="Revoke credential" reason=no_credential/>
                <MenuRule/>
                <MenuLink href=delete icon=Glyph::Trash label="Delete VPN gateway" kind=Kind::Danger reason=gone/>
            </Menu>
        </PageHead>
    }
}

/// The page's answer in a sentence.
fn lead(gateway: &Gateway) -> String {
    let vpc = &gateway.vpc_name;
    match gateway.status {
        GatewayStatus::Provisioning if !gateway.enrolled() => {
            format!("Waits for its host. Run the install command on the host that joins {vpc}.")
        }
        GatewayStatus::Provisioning => "Its host has enrolled and has not applied the configuration yet.".to_owned(),
        GatewayStatus::Deleting if gateway.silent() => {
            "Deleted here, but its host does not answer. It keeps its tunnels until its agent answers and cleans up. If the host is gone for good, revoke its credential."
                .to_owned()
        }
        GatewayStatus::Deleting => "Its host removes the tunnels, routes and rules of this gateway.".to_owned(),
        GatewayStatus::Recorded => "Driven by a recording host: no packet will ever pass.".to_owned(),
        GatewayStatus::Error if gateway.revoked() => {
            "Its agent's credential was revoked: what its host does is not known.".to_owned()
        }
        GatewayStatus::Error if gateway.silent() => "Its agent does not answer.".to_owned(),
        GatewayStatus::Error => "Its host refused the configuration.".to_owned(),
        GatewayStatus::Active => format!("Joins {vpc} ({}) to other VPCs, sites and people.", gateway.vpc_cidr),
    }
}

/// What is wrong with the host as a whole.
fn troubles(gateway: &Gateway, project: &ProjectName) -> impl IntoView + use<> {
    let refused = gateway.apply_error.clone().map(|message| {
        let title = format!("The host refused generation {}", gateway.wanted);
        let kept = if gateway.applied > 0 {
            format!("It keeps generation {}. In its own words:", gateway.applied)
        } else {
            "In its own words:".to_owned()
        };
        view! {
            <section class="trouble">
                <Notice tone=Tone::Bad title text=kept/>
                <Command text=message label="what the host said"/>
            </section>
        }
    });
    let enrol = routes::gateway_enrol(project, gateway.id);
    let title = if gateway.revoked() { "The agent has no credential" } else { "The agent is silent" };
    let silent = (gateway.sync == ConfigSync::Silent && gateway.status != GatewayStatus::Deleting).then(|| {
        let text = match gateway.last_seen {
            _ if gateway.revoked() => {
                "Its credential was revoked. The host's tunnels go on with what they have. Enrol it again, or another host.".to_owned()
            }
            Some(at) => format!(
                "Last heard of at {}. Its tunnels go on with what they have. Check that the host runs, that causeway-agent runs on it, and that it reaches this console.",
                crate::components::exact(at)
            ),
            None => "It has never reported. Check that causeway-agent runs on the host and reaches this console.".to_owned(),
        };
        view! {
            <Notice tone=Tone::Bad title text>
                <ButtonLink href=enrol small=true icon=Glyph::Terminal>"Install command"</ButtonLink>
            </Notice>
        }
    });
    view! {
        {silent}
        {refused}
    }
}
