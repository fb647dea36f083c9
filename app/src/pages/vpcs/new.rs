use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::list::{List, vpcs};
use crate::{
    api::{
        ApiError,
        vpcs::{CreateVpc, get_network},
    },
    components::{
        Button, ButtonLink, Choice, Field, Kind, Lens, Panel, PanelBody, PanelFoot, Prose, SegmentField, Select,
        grouped,
    },
    domain::{Cidr, CloudName, Network, Refusals, VpcName, change::Topic, planner, refusal::Parse, vpc::SUGGESTIONS},
    live::use_live,
    pages::{
        failure::settle,
        form::{Memory, at, beside, flash},
        fresh::{fresh, once},
        here::{project_for_links, query, use_project},
    },
    routes,
};

pub struct VpcNew;

#[lazy_route]
impl LazyRoute for VpcNew {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project) = (use_live(), use_project());
        let network = Resource::new(
            move || (project.get(), live.version(Topic::Vpcs), live.version(Topic::Plan)),
            |(project, ..)| get_network(project),
        );
        let vpcs = vpcs();
        let flash = flash();
        let close = routes::vpcs(&project_for_links(&use_project().get_untracked()));
        view! {
            <Title text="Create VPC"/>
            <List vpcs/>
            <Panel title="Create a VPC for this project" close=close.clone()>
                <Suspense>
                    {move || {
                        let close = close.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<CreateVpc>(flash.await);
                            settle(once(network).await, |first| view! { <Form resource=network first memory close/> }.into_any())
                        })
                    }}
                </Suspense>
            </Panel>
        }
        .into_any()
    }
}

#[component]
fn Form(resource: Resource<Result<Network, ApiError>>, first: Network, memory: Memory, close: String) -> impl IntoView {
    let create = ServerAction::<CreateVpc>::new();
    let cloud = first.locations.first().map(|location| location.cloud.to_string()).unwrap_or_default();
    // A free range of the planner may have led here.
    let offered = query::<Cidr>("cidr").map(|range| range.to_string()).unwrap_or_default();
    let (name, cidr, cloud) = (memory.text("name", ""), memory.text("cidr", offered), memory.text("cloud", cloud));
    let remote = memory.error(create);
    let project = use_project().get_untracked();

    let places: Vec<Choice> = first
        .locations
        .iter()
        .map(|location| {
            Choice::new(location.cloud.to_string(), location.label.clone()).detail(location.cloud.provider().label())
        })
        .collect();
    let offers = suggestions(&first);
    let network = fresh(resource, first);
    let known = Signal::derive(move || {
        network.with(|network| {
            planner::owned(network).into_iter().map(|owned| (owned.cidr, owned.name)).collect::<Vec<_>>()
        })
    });

    // The browser asks the same questions that the server will ask.
    let local = Signal::derive(move || {
        network.with(|network| local(network, &name.get(), &cloud.get(), &cidr.get()).err().map(ApiError::Refused))
    });
    let typed = Memo::new(move |_| cidr.with(|cidr| Cidr::canonicalize(cidr).ok()));
    let warnings = move || {
        let place = cloud.with(|cloud| cloud.parse::<CloudName>().ok());
        let range = cidr.with(|cidr| cidr.parse::<Cidr>().ok());
        place
            .zip(range)
            .map(|(place, range)| network.with(|network| network.vpc_warnings(&place, range)))
            .unwrap_or_default()
    };
    let free = offers.clone();
    let offer = move |range: Cidr| {
        view! {
            <li>
                <button class="button" data-size="small" type="button" on:click=move |_| cidr.set(range.to_string())>
                    <span class="fact">{range.to_string()}</span>
                </button>
                <span class="muted">{format!("{} addresses", grouped(range.size()))}</span>
            </li>
        }
    };
    let size = move || {
        typed.get().map_or_else(
            || "A range of your own, where nothing of yours lies yet. Local takes /16 to /28. It never changes afterwards.".to_owned(),
            |range| format!("{range} has {} addresses, {} to {}.", grouped(range.size()), range.network(), range.net().broadcast()),
        )
    };
    let blocked = Signal::derive(move || None::<String>);
    let many = places.len() > 6;
    view! {
        <ActionForm action=create>
            <PanelBody>
                <input type="hidden" name="project" value=project/>
                <Field name="name" label="Name" value=name error=at("name", local, remote) placeholder="harbor-oslo" autofocus=true required=true/>
                {if many {
                    view! { <Select name="cloud" label="Place" options=places value=cloud error=at("cloud", local, remote)/> }.into_any()
                } else {
                    view! { <SegmentField name="cloud" legend="Place" options=places value=cloud error=at("cloud", local, remote)/> }.into_any()
                }}
                <Field name="cidr" label="IP range" value=cidr error=at("cidr", local, remote) placeholder="10.0.0.0/24" fact=true required=true>
                    <Lens own=typed known free/>
                    <p class="hint"><Prose text=size()/></p>
                </Field>
                <div class="field">
                    <h3>"Free ranges"</h3>
                    <ul class="offers">{offers.into_iter().map(offer).collect_view()}</ul>
                </div>
                {move || {
                    let warnings = warnings();
                    (!warnings.is_empty()).then(|| view! {
                        <ul class="consequences">
                            {warnings.into_iter().map(|text| view! { <li data-tone="wait"><crate::components::Mark tone=crate::components::Tone::Wait/><span><Prose text/></span></li> }).collect_view()}
                        </ul>
                    })
                }}
            </PanelBody>
            <PanelFoot error=beside(&["name", "cloud", "cidr"], remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary reason=blocked busy=create.pending()>"Create VPC"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

/// What can be said of the fields that were filled in.
fn local(network: &Network, name: &str, cloud: &str, cidr: &str) -> Result<(), Refusals> {
    let mut parse = Parse::default();
    let name: Option<VpcName> = parse.optional("name", name);
    let cloud: Option<CloudName> = parse.optional("cloud", cloud);
    let cidr: Option<Cidr> = parse.optional("cidr", cidr);
    if let Some(name) = &name
        && network.vpcs.iter().any(|vpc| vpc.name == *name)
    {
        parse.refuse(Network::name_taken(name));
    }
    if let Some((cloud, cidr)) = cloud.zip(cidr)
        && let Err(refusal) = network.admit_vpc_cidr(&cloud, cidr)
    {
        parse.refuse(refusal);
    }
    parse.done()
}

/// The specified suggestions as far as they are free, else free ranges of the same sizes.
fn suggestions(network: &Network) -> Vec<Cidr> {
    let used = planner::taken(network);
    let mut offers: Vec<Cidr> = Vec::new();
    for wish in SUGGESTIONS {
        let blocked: Vec<Cidr> = used.iter().chain(&offers).copied().collect();
        let home = crate::domain::cidr::PRIVATE.into_iter().find(|block| block.covers(wish));
        let free = if blocked.iter().any(|range| range.overlaps(wish)) {
            planner::free(&home.into_iter().collect::<Vec<_>>(), &blocked, wish.prefix(), 1).into_iter().next()
        } else {
            Some(wish)
        };
        offers.extend(free);
    }
    offers
}
