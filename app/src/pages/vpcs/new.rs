use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    list::{List, vpcs},
    regions::{Where, begin, provider_of},
};
use crate::{
    api::{
        ApiError,
        vpcs::{CreateVpc, get_network},
    },
    components::{
        Button, ButtonLink, Check, Consequences, Field, Kind, Lens, Panel, PanelBody, PanelFoot, Prose, Tone, grouped,
    },
    domain::{
        Cidr, CloudName, Network, Provider, Refusals, VpcName, change::Topic, planner, refusal::Parse, vpc::SUGGESTIONS,
    },
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
            move || {
                let topics = [Topic::Vpcs, Topic::Plan, Topic::Accounts];
                (project.get(), topics.map(|topic| live.version(topic)))
            },
            |(project, _)| get_network(project),
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
    let place = begin(&first);
    // A free range of the planner may have led here.
    let offered = query::<Cidr>("cidr").map(|range| range.to_string()).unwrap_or_default();
    let (name, cidr, cloud) = (memory.text("name", ""), memory.text("cidr", offered), memory.text("cloud", place));
    let connect = memory.ticked("connect", false);
    let remote = memory.error(create);
    let project = use_project().get_untracked();

    // The provider, once a script narrows the form to it.
    let narrowed = RwSignal::new(None::<Provider>);
    let free = suggestions(&first, provider_of(&cloud.get_untracked()).unwrap_or(Provider::Local));
    let network = fresh(resource, first);
    let offers = Memo::new(move |_| match narrowed.get() {
        Some(provider) => network.with(|network| suggestions(network, provider)),
        None => free.clone(),
    });
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
    let page = routes::vpc_new(&project_for_links(&project));
    let offer = move |range: Cidr| {
        let take = move |event: leptos::ev::MouseEvent| {
            event.prevent_default();
            cidr.set(range.to_string());
        };
        // Without a script the page begins again with the range.
        view! {
            <li>
                <a class="button" data-size="small" href=format!("{page}?cidr={range}") on:click=take>
                    <span class="fact">{range.to_string()}</span>
                </a>
                <span class="muted">{format!("{} addresses", grouped(range.size()))}</span>
            </li>
        }
    };
    let size = move || {
        typed.get().map_or_else(
            || {
                let provider = cloud.with(|cloud| provider_of(cloud)).unwrap_or(Provider::Local);
                let (least, most) = provider.prefix_bounds();
                format!("A range of your own, where nothing of yours lies yet. {provider} takes /{least} to /{most}. It never changes afterwards.")
            },
            |range| format!("{range} has {} addresses, {} to {}.", grouped(range.size()), range.network(), range.net().broadcast()),
        )
    };
    view! {
        <ActionForm action=create>
            <PanelBody>
                <input type="hidden" name="project" value=project/>
                <Field name="name" label="Name" value=name error=at("name", local, remote) placeholder="harbor-oslo" autofocus=true required=true/>
                <Where network cloud narrowed error=at("cloud", local, remote)/>
                <Field name="cidr" label="IP range" value=cidr error=at("cidr", local, remote) placeholder="10.0.0.0/24" fact=true required=true>
                    <Lens own=typed known free=Signal::derive(move || offers.get())/>
                    <p class="hint">{move || view! { <Prose text=size()/> }}</p>
                </Field>
                <div class="field">
                    <h3>"Free ranges"</h3>
                    <ul class="offers">{move || offers.get().into_iter().map(offer.clone()).collect_view()}</ul>
                </div>
                {move || {
                    let lines: Vec<(Tone, String)> = warnings().into_iter().map(|text| (Tone::Wait, text)).collect();
                    (!lines.is_empty()).then(|| view! { <Consequences lines/> })
                }}
                {move || (narrowed.get() != Some(Provider::Local) && network.with(|network| !network.clouds.is_empty())).then(|| view! {
                    <Check
                        name="connect"
                        label="Add peering connection now"
                        checked=connect
                        hint="For a VPC in a cloud: the next page asks for your network there. You can add connections at any time."
                    />
                })}
            </PanelBody>
            <PanelFoot error=beside(&["name", "cloud", "cidr"], remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary busy=create.pending()>"Create VPC"</Button>
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

/// The specified suggestions of a size that the provider takes, as far as they are free; else free ranges as large.
fn suggestions(network: &Network, provider: Provider) -> Vec<Cidr> {
    let (least, most) = provider.prefix_bounds();
    let used = planner::taken(network);
    let mut offers: Vec<Cidr> = Vec::new();
    for wish in SUGGESTIONS.into_iter().filter(|wish| (least..=most).contains(&wish.prefix())) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::Town;

    fn offered(town: &Town, provider: Provider) -> Vec<String> {
        suggestions(&town.network, provider).iter().map(Cidr::to_string).collect()
    }

    #[test]
    fn row_5_ranges_are_suggested_in_the_sizes_that_the_provider_takes() {
        assert_eq!(offered(&Town::default(), Provider::Aws), ["10.0.0.0/24", "10.1.0.0/23", "192.168.0.0/24"]);
        for provider in Provider::ALL {
            let (least, most) = provider.prefix_bounds();
            let all = suggestions(&Town::default().network, provider);
            assert!(!all.is_empty() && all.iter().all(|range| (least..=most).contains(&range.prefix())), "{provider}");
        }
    }

    #[test]
    fn row_5_a_suggestion_that_is_taken_is_replaced_by_a_free_range_of_its_size() {
        let mut town = Town::default();
        town.vpc("alpha", "oslo", "10.0.0.0/22");
        town.vpc("beta", "oslo", "192.168.0.0/16");
        let all = suggestions(&town.network, Provider::Aws);
        let sizes: Vec<u8> = all.iter().map(|range| range.prefix()).collect();
        assert_eq!(sizes, [24, 23], "the third block is full");
        for range in &all {
            assert!(town.network.vpcs.iter().all(|vpc| !vpc.cidr.overlaps(*range)), "{range} is free");
        }
        assert!(!all[0].overlaps(all[1]), "both can be taken: {all:?}");
    }

    #[test]
    fn row_5_an_overlap_is_said_while_it_is_typed() {
        let mut town = Town::default();
        town.vpc("alpha", "oslo", "10.0.0.0/16");
        let refused = local(&town.network, "beta", "local-oslo", "10.0.4.0/24").expect_err("it overlaps");
        assert!(format!("{refused:?}").contains("overlaps with VPC alpha (10.0.0.0/16)"), "{refused:?}");
        assert!(local(&town.network, "beta", "local-oslo", "10.1.4.0/24").is_ok());
    }
}
