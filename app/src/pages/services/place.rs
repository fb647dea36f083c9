//! Where a service goes, new or moved: a region in public or its VPC from one list, or a VPC from a list of its own (domain 6.1).
//!
//! The tabs are buttons that ask for the page again with all that was typed; alive, they only switch.

use leptos::prelude::*;

use crate::{
    components::{ButtonLink, Choice, Choices, Empty, Glyph, Refusal, Select},
    domain::{
        Network, Provider,
        service::{
            Place,
            placement::{PlaceOption, public_places, region_of_vpcs, vpc_places},
        },
    },
    pages::here::{project_for_links, use_project},
    routes,
};

/// Which of the two lists is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Cloud,
    Vpc,
}

impl Tab {
    const ALL: [Self; 2] = [Self::Cloud, Self::Vpc];

    fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Vpc => "vpc",
        }
    }

    /// As the window calls it: that of a new service, or that of one that moves.
    fn word(self, moves: bool) -> &'static str {
        match (self, moves) {
            (Self::Cloud, false) => "Cloud",
            (Self::Cloud, true) => "Clouds",
            (Self::Vpc, false) => "VPC",
            (Self::Vpc, true) => "VPCs",
        }
    }

    pub fn from_text(text: &str) -> Self {
        Self::ALL.into_iter().find(|tab| tab.as_str() == text).unwrap_or_default()
    }
}

/// What a list begins with: what was chosen before if it has it, else the first that can be chosen. `from`: where the
/// service is, if it moves.
pub fn begin(network: &Network, tab: Tab, chosen: &str, from: Option<&Place>) -> String {
    let places = listed(network, tab, from);
    let can = |place: &&PlaceOption| place.unavailable.is_none();
    let there = places.iter().filter(can).any(|place| place.place.value() == chosen);
    if there {
        return chosen.to_owned();
    }
    places.iter().find(can).map(|place| place.place.value()).unwrap_or_default()
}

fn listed(network: &Network, tab: Tab, from: Option<&Place>) -> Vec<PlaceOption> {
    match tab {
        Tab::Cloud => combined(network, from).into_iter().map(|(_, place)| place).collect(),
        Tab::Vpc => inside(network, from),
    }
}

/// The VPCs, with what keeps the service from going there.
fn inside(network: &Network, from: Option<&Place>) -> Vec<PlaceOption> {
    vpc_places(network).into_iter().map(|place| offered(network, from, place)).collect()
}

fn offered(network: &Network, from: Option<&Place>, place: PlaceOption) -> PlaceOption {
    match from {
        Some(from) => place.target_for(network, from),
        None => place,
    }
}

/// Every region, and after it the VPCs that are in it, by provider.
fn combined(network: &Network, from: Option<&Place>) -> Vec<(Provider, PlaceOption)> {
    let public: Vec<PlaceOption> =
        public_places(network).into_iter().map(|place| offered(network, from, place)).collect();
    let inside = inside(network, from);
    let mut all = Vec::new();
    for provider in [Provider::Local].into_iter().chain(Provider::CLOUDS) {
        let of = |place: &&PlaceOption| place.place.cloud.provider() == provider;
        for region in public.iter().filter(of) {
            all.push((provider, region.clone()));
            let here = inside.iter().filter(|vpc| vpc.place.cloud == region.place.cloud);
            all.extend(here.map(|vpc| (provider, vpc.clone())));
        }
        // A place that is listed no longer may still have a VPC.
        let known = |place: &&PlaceOption| public.iter().any(|region| region.place.cloud == place.place.cloud);
        all.extend(inside.iter().filter(of).filter(|vpc| !known(vpc)).map(|vpc| (provider, vpc.clone())));
    }
    all
}

fn options(network: &Network, from: Option<&Place>) -> Vec<Choice> {
    let option = |(provider, place): (Provider, PlaceOption)| {
        let group = if provider.is_cloud() { provider.label() } else { "Local: networks of your own" };
        Choice::new(place.place.value(), place.label).under(group).refused(place.unavailable)
    };
    combined(network, from).into_iter().map(option).collect()
}

fn vpcs(network: &Network, from: Option<&Place>) -> Vec<Choice> {
    let choice = |place: PlaceOption| {
        let vpc = place.place.vpc.and_then(|id| network.vpc(id));
        let (name, range) = vpc.map(|vpc| (vpc.name.to_string(), vpc.cidr.to_string())).unwrap_or_default();
        let region = region_of_vpcs(network, &place.place.cloud);
        Choice::new(place.place.value(), name).detail(region).fact(range).refused(place.unavailable)
    };
    inside(network, from).into_iter().map(choice).collect()
}

#[component]
pub fn Places(
    network: Signal<Network>,
    tab: RwSignal<Tab>,
    place: RwSignal<String>,
    error: Signal<Option<String>>,
    /// The window's own address: a tab asks for it again.
    page: String,
    /// Where the service is, if it moves.
    #[prop(optional, into)]
    from: Option<Place>,
) -> impl IntoView {
    let vpc_new = routes::vpc_new(&project_for_links(&use_project().get_untracked()));
    let (moves, from) = (from.is_some(), StoredValue::new(from));
    let show = move |wanted: Tab| {
        let begin =
            |network: &Network| from.with_value(|from| begin(network, wanted, &place.get_untracked(), from.as_ref()));
        place.set(network.with_untracked(begin));
        tab.set(wanted);
    };
    let button = move |one: Tab| {
        let pressed = move || if tab.get() == one { "true" } else { "false" };
        let switch = move |event: leptos::ev::MouseEvent| {
            event.prevent_default();
            show(one);
        };
        view! {
            <button
                type="submit"
                name="tab"
                value=one.as_str()
                formmethod="get"
                formaction=page.clone()
                formnovalidate=true
                aria-pressed=pressed
                on:click=switch
            >
                {one.word(moves)}
            </button>
        }
    };
    let regions =
        Signal::derive(move || network.with(|network| from.with_value(|from| options(network, from.as_ref()))));
    let inside = Signal::derive(move || network.with(|network| from.with_value(|from| vpcs(network, from.as_ref()))));
    let none = Memo::new(move |_| inside.with(Vec::is_empty));
    view! {
        <section class="field places" aria-labelledby="places-title">
            <h3 id="places-title">"Select service region"</h3>
            // Before the buttons: what is pressed counts.
            <input type="hidden" name="tab" value=move || tab.get().as_str()/>
            <div class="seg" role="group" aria-label="Region or VPC">{Tab::ALL.map(button)}</div>
            {move || match tab.get() {
                Tab::Cloud => view! {
                    <Select
                        name="form[place]"
                        id="place"
                        label="Region"
                        options=regions
                        value=place
                        error
                        hint="A region alone is the public internet; with Project VPC the nodes have private addresses, and only peered networks reach them."
                    />
                }
                .into_any(),
                Tab::Vpc if none.get() => {
                    let href = vpc_new.clone();
                    view! {
                    <Empty what="No VPC in this project." why="A service in a VPC is reached from peered networks only.">
                        <ButtonLink href icon=Glyph::Plus>"Create VPC"</ButtonLink>
                    </Empty>
                    <Refusal id="place-refusal" error/>
                    }
                    .into_any()
                }
                Tab::Vpc => view! {
                    <Choices
                        name="form[place]"
                        legend="VPC"
                        options=inside
                        value=place
                        error
                        hint="A new VPC can be chosen once it is active. A service can only use VPCs of its own project."
                    />
                }
                .into_any(),
            }}
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{fixtures::Town, vpc::VpcState};

    fn town() -> Town {
        let mut town = Town::default();
        town.vpc("alpha", "oslo", "172.16.0.0/16");
        town.vpc("beta", "oslo", "10.0.0.0/16");
        town.network.vpcs[0].cloud = "google-europe-west1".parse().expect("a region");
        town
    }

    #[test]
    fn row_27_a_region_with_a_vpc_is_listed_twice_and_the_vpc_stands_under_its_region() {
        let town = town();
        let labels: Vec<String> = options(&town.network, None).into_iter().map(|option| option.label).collect();
        let at = labels.iter().position(|label| label == "Belgium - Google Cloud: Belgium").expect("the region");
        assert_eq!(labels[at + 1], "Belgium - Google Cloud: Belgium - Project VPC (alpha, 172.16.0.0/16)");
    }

    #[test]
    fn row_25_the_tab_of_vpcs_lists_the_projects_own_with_their_ranges() {
        let listed = vpcs(&town().network, None);
        let facts: Vec<(&str, &str)> = listed.iter().map(|vpc| (vpc.label.as_str(), vpc.fact.as_str())).collect();
        assert!(facts.contains(&("alpha", "172.16.0.0/16")) && facts.contains(&("beta", "10.0.0.0/16")), "{facts:?}");
        assert!(listed.iter().all(|vpc| vpc.detail.ends_with("Project VPC")), "{listed:?}");
    }

    #[test]
    fn row_26_a_vpc_that_is_being_made_is_never_what_a_list_begins_with() {
        let mut town = town();
        town.network.vpcs.truncate(1);
        town.network.vpcs[0].state = VpcState::Approved;
        let waiting = vpcs(&town.network, None).remove(0);
        assert!(waiting.refused.as_deref().is_some_and(|why| why.starts_with("Creating…")), "{waiting:?}");
        assert_eq!(begin(&town.network, Tab::Vpc, &waiting.value, None), "");
    }

    #[test]
    fn what_was_chosen_stays_where_the_list_has_it() {
        let town = town();
        let beta = vpcs(&town.network, None).into_iter().find(|vpc| vpc.label == "beta").expect("a VPC").value;
        assert_eq!(begin(&town.network, Tab::Cloud, &beta, None), beta);
        assert!(!begin(&town.network, Tab::Vpc, "google-europe-west1", None).is_empty());
        assert!(!begin(&town.network, Tab::Cloud, "nowhere", None).contains('/'), "in public at first");
    }

    #[test]
    fn row_31_a_target_where_a_service_cannot_go_says_why_and_is_never_what_the_list_begins_with() {
        let town = town();
        let alpha = Place { cloud: town.network.vpcs[0].cloud.clone(), vpc: Some(town.network.vpcs[0].id) };
        let refused: Vec<Option<String>> =
            vpcs(&town.network, Some(&alpha)).into_iter().map(|vpc| vpc.refused).collect();
        assert!(refused.iter().all(Option::is_some), "it is in one, and the other is another provider's: {refused:?}");
        assert_eq!(begin(&town.network, Tab::Vpc, &alpha.value(), Some(&alpha)), "");
    }
}
