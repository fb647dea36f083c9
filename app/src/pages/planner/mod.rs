//! The CIDR planner: who holds which range, where two meet, and what is still free.
//!
//! Every answer is computed from one reading of the project's ranges by
//! [`crate::domain::planner`], so what stands here is what the forms' rules run into. The two
//! questions are plain GET forms: an answer has an address, and alive it follows the typing.

mod add;
mod blocks;
mod finder;
mod lookup;
mod matrix;
mod ranges;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::{
        ApiError,
        planner::{AddPlannedNetwork, RemovePlannedNetwork},
        vpcs::get_network,
    },
    components::{Block, ButtonLink, Empty, Glyph, Kind, PageHead, Space, SpaceLegend, Tone, grouped},
    domain::{
        Network, ProjectName,
        change::Topic,
        cidr::merge,
        permission::Permission,
        person::Viewer,
        planner::{self, Conflict, Holder, Owned},
    },
    live::use_live,
    pages::{
        failure::settle,
        form::{Memory, flash},
        fresh::{fresh, once},
        here::{project_for_links, target, use_project},
        overview::held,
    },
    routes,
};

type NetworkResource = Resource<Result<Network, ApiError>>;

pub struct PlannerPage;

#[lazy_route]
impl LazyRoute for PlannerPage {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project) = (use_live(), use_project());
        let (add, remove) = (ServerAction::new(), ServerAction::new());
        let topics = [Topic::Vpcs, Topic::Gateways, Topic::Peers, Topic::Plan];
        let network = Resource::new(
            move || {
                (project.get(), topics.map(|topic| live.version(topic)), add.version().get(), remove.version().get())
            },
            |(project, ..)| get_network(project),
        );
        let flash = flash();
        let viewer = expect_context::<Resource<Result<Viewer, ApiError>>>();
        view! {
            <Title text="CIDR planner"/>
            <Transition>
                {move || Suspend::new(async move {
                    let flash = flash.await;
                    let (first, viewer) = (once(network).await, once(viewer).await);
                    settle(first.and_then(|first| Ok((first, viewer?))), |(first, viewer)| {
                        let page = Page {
                            may_write: viewer.may_write(&project_for_links(&project.get_untracked())),
                            adding: Memory::of::<AddPlannedNetwork>(flash.clone()),
                            removing: Memory::of::<RemovePlannedNetwork>(flash),
                            add,
                            remove,
                        };
                        view! { <Plan resource=network first page/> }.into_any()
                    })
                })}
            </Transition>
        }
        .into_any()
    }
}

/// What the page's forms need besides the ranges.
struct Page {
    may_write: bool,
    adding: Memory,
    removing: Memory,
    add: ServerAction<AddPlannedNetwork>,
    remove: ServerAction<RemovePlannedNetwork>,
}

#[component]
fn Plan(resource: NetworkResource, first: Network, page: Page) -> impl IntoView {
    let network = fresh(resource, first);
    let owned = Memo::new(move |_| network.with(planner::owned));
    let project = use_project();
    let links = move || project_for_links(&project.get());
    // The sentence of the refusal that the server would answer with.
    let reason = (!page.may_write).then(|| {
        let (permission, scope) = (Permission::NetworkingWrite, project.get_untracked());
        ApiError::Forbidden { permission, scope }.to_string()
    });
    let refused = page.removing.error(page.remove);
    let (remove, removal) = (page.remove, reason.clone());
    view! {
        {move || owned.with(|owned| head(owned, &links()).into_any())}
        {move || network.with(|network| owned.with(|owned| space(network, owned, &links())))}
        {move || network.with(|network| owned.with(|owned| ranges::ranges(network, owned, &links(), remove, refused, removal.clone())))}
        <div class="cols" data-split="main">
            <finder::Finder network reason=reason.clone()/>
            <div class="plan-side">
                <lookup::Lookup owned/>
                <add::Add network owned memory=page.adding add=page.add reason/>
            </div>
        </div>
        {move || owned.with(|owned| blocks::blocks(owned))}
        {move || owned.with(|owned| matrix::matrix(owned))}
    }
}

fn head(owned: &[Owned], project: &ProjectName) -> impl IntoView + use<> {
    let new = routes::vpc_new(project);
    view! {
        <PageHead title="CIDR planner" lead=lead(owned)>
            <ButtonLink kind=Kind::Primary href=new icon=Glyph::Plus>"Create VPC"</ButtonLink>
        </PageHead>
    }
}

/// How much is held, and whether anything is held twice.
fn lead(owned: &[Owned]) -> String {
    const MOST: usize = 1_000;
    if owned.is_empty() {
        return "Who holds which addresses, and which are free.".to_owned();
    }
    let used = owned.iter().filter(|owned| owned.holder != Holder::Planned).map(|owned| owned.cidr);
    let addresses: u64 = merge(used).into_iter().map(crate::domain::Cidr::size).sum();
    let ranges =
        if owned.len() == 1 { "One range".to_owned() } else { format!("{} ranges", grouped(owned.len() as u64)) };
    let overlaps = match planner::overlaps(owned, MOST).len() {
        0 => "No two overlap.".to_owned(),
        1 => "One pair overlaps.".to_owned(),
        MOST => format!("More than {} pairs overlap.", grouped(MOST as u64 - 1)),
        many => format!("{} pairs overlap.", grouped(many as u64)),
    };
    format!("{ranges}, {} addresses in use. {overlaps}", grouped(addresses))
}

/// The whole private space, or what this page is for as long as nothing is in it.
fn space(network: &Network, owned: &[Owned], project: &ProjectName) -> AnyView {
    if owned.is_empty() {
        let new = routes::vpc_new(project);
        return view! {
            <Empty
                what="No range yet."
                why="Every VPC, tunnel subnet and site stands here with its addresses. Add the networks that you own or plan elsewhere, so that no address is given out twice."
            >
                <ButtonLink href=new icon=Glyph::Plus>"Create VPC"</ButtonLink>
            </Empty>
        }
        .into_any();
    }
    let held = held(network);
    let keys = held.clone();
    view! {
        <Block id="h-space" title="Address space" aside=move || view! { <SpaceLegend held=keys/> }>
            <Space held/>
        </Block>
    }
    .into_any()
}

/// Only what may not be is lit red; what nothing forbids is only noted.
fn conflict_tone(conflict: Conflict) -> Tone {
    match conflict {
        Conflict::Error => Tone::Bad,
        Conflict::CannotBePeered => Tone::Wait,
        Conflict::Warning => Tone::Off,
    }
}

/// The page of whoever holds a range; a planned one has none.
fn holder_path(holder: &Holder, project: &ProjectName) -> Option<String> {
    use crate::domain::standing::Target;
    let to = match holder {
        Holder::Vpc { id, .. } => Target::Vpc(*id),
        Holder::Tunnel { gateway, .. } => Target::Gateway(*gateway),
        Holder::Site { gateway, peer, .. } => Target::Peer(*peer, *gateway),
        Holder::Connection { id, vpc } => Target::Connection(*id, *vpc),
        Holder::Planned => return None,
    };
    Some(target(project, &to))
}

/// A holder's name, as a link if it has a page.
fn named(owned: &Owned, project: &ProjectName) -> AnyView {
    let name = owned.name.clone();
    match holder_path(&owned.holder, project) {
        Some(href) => view! { <a href=href>{name}</a> }.into_any(),
        None => name.into_any(),
    }
}
