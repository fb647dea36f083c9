//! Where a VPC may be: the operator's own places, and the regions of the clouds that have an account (domain 1.2).
//!
//! Without a script it is one list, grouped by cloud. Alive, a cloud is chosen first and narrows the list.

use leptos::prelude::*;

use crate::{
    components::{Choice, Prose, SegmentField, Select},
    domain::{CloudName, Network, Provider, catalogue, location::CloudOffer},
};

/// Beside a cloud that nothing can be made in.
const NOT_CONFIGURED: &str = "not configured";

pub fn provider_of(cloud: &str) -> Option<Provider> {
    cloud.parse::<CloudName>().ok().map(|cloud| cloud.provider())
}

/// The place that a form begins with: the first of the operator's own, else the first region that is offered.
pub fn begin(network: &Network) -> String {
    let local = network.locations.first().map(|location| location.cloud.to_string());
    local.or_else(|| network.clouds.iter().find_map(|offer| first(network, offer.provider))).unwrap_or_default()
}

/// Where a cloud's first VPC would be: beside its others, else in its first region.
fn first(network: &Network, provider: Provider) -> Option<String> {
    let beside = network.vpcs.iter().find(|vpc| vpc.cloud.provider() == provider).map(|vpc| vpc.cloud.to_string());
    let places = places(network, Some(provider));
    beside.or_else(|| places.into_iter().find(|place| place.refused.is_none()).map(|place| place.value))
}

/// The clouds to tell of: none at all where the console can reach none.
fn told(network: &Network) -> &'static [Provider] {
    if network.clouds.is_empty() { &[] } else { &Provider::CLOUDS }
}

/// Every place, grouped by cloud; of a cloud without an account one line that says so.
fn places(network: &Network, only: Option<Provider>) -> Vec<Choice> {
    let mut choices = Vec::new();
    for provider in told(network).iter().copied().filter(|provider| only.is_none_or(|only| only == *provider)) {
        match network.offer(provider) {
            None => choices.push(
                Choice::new("", provider.label()).under(provider.label()).refused(Some(NOT_CONFIGURED.to_owned())),
            ),
            Some(offer) => {
                let group = group(offer);
                let region = |region: catalogue::Region| {
                    let cloud = region.cloud();
                    Choice::new(cloud.to_string(), region.label())
                        .detail(cloud.provider_region().into_owned())
                        .under(group.clone())
                };
                choices.extend(catalogue::regions(provider).map(region));
            }
        }
    }
    if only.is_none_or(|only| only == Provider::Local) {
        let own = |location: &crate::domain::location::Location| {
            Choice::new(location.cloud.to_string(), location.label.clone()).under("Local: networks of your own")
        };
        choices.extend(network.locations.iter().map(own));
    }
    choices
}

fn group(offer: &CloudOffer) -> String {
    let simulated = if offer.simulated { " (simulated)" } else { "" };
    format!("{}{simulated}", offer.provider)
}

fn clouds(network: &Network) -> Vec<Choice> {
    let cloud = |provider: Provider| {
        let offered = provider == Provider::Local || network.offer(provider).is_some();
        let reason = format!("{provider} is {NOT_CONFIGURED}. Add a cloud account first.");
        Choice::new(provider.as_str(), provider.label()).refused((!offered).then_some(reason))
    };
    Provider::ALL
        .into_iter()
        .filter(|one| *one != Provider::Local || !network.locations.is_empty())
        .map(cloud)
        .collect()
}

/// The provider's and the region's fields. `narrowed` is the chosen provider once the page is alive.
#[component]
pub fn Where(
    network: Signal<Network>,
    cloud: RwSignal<String>,
    narrowed: RwSignal<Option<Provider>>,
    error: Signal<Option<String>>,
) -> impl IntoView {
    let chosen = provider_of(&cloud.get_untracked()).unwrap_or(Provider::Local);
    let provider = RwSignal::new(chosen.as_str().to_owned());
    Effect::new(move || {
        let wanted = provider.with(|text| Provider::from_text(text));
        // The place first, so that the shorter list has it.
        if let Some(wanted) = wanted
            && cloud.with_untracked(|cloud| provider_of(cloud)) != Some(wanted)
            && let Some(place) = network.with_untracked(|network| first(network, wanted))
        {
            cloud.set(place);
        }
        narrowed.set(wanted);
    });
    let options = Signal::derive(move || network.with(|network| places(network, narrowed.get())));
    let fake = move || {
        let provider = cloud.with(|cloud| provider_of(cloud))?;
        let fake = network.with(|network| network.offer(provider).is_some_and(|offer| offer.simulated));
        let said = format!("Simulated: a look-alike answers for {provider}, and no packet passes.");
        fake.then(|| view! { <p class="hint"><Prose text=said/></p> })
    };
    let all = network.with_untracked(|network| (!told(network).is_empty()).then(|| clouds(network)));
    view! {
        {all.map(|all| view! {
            <div class="live-only"><SegmentField name="provider" legend="Cloud provider" options=all value=provider/></div>
        })}
        <div class="field">
            <Select name="cloud" label="Region" options value=cloud error/>
            {fake}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::Town;

    fn network() -> Network {
        let mut town = Town::default();
        town.vpc("alpha", "oslo", "10.20.0.0/24");
        town.network.clouds.push(CloudOffer {
            provider: Provider::Aws,
            simulated: true,
            vpn_gateway_enabled: false,
            identity: None,
        });
        town.network
    }

    #[test]
    fn a_cloud_without_an_account_is_listed_and_cannot_be_chosen() {
        let places = places(&network(), None);
        let azure: Vec<&Choice> = places.iter().filter(|place| place.group.starts_with("Azure")).collect();
        assert_eq!(azure.len(), 1);
        assert_eq!(azure[0].refused.as_deref(), Some("not configured"));
        assert!(clouds(&network()).iter().any(|cloud| cloud.label == "UpCloud" && cloud.refused.is_some()));
    }

    #[test]
    fn a_console_that_reaches_no_cloud_tells_of_none() {
        let places = places(&Town::default().network, None);
        assert!(places.iter().all(|place| place.value.starts_with("local-")), "{places:?}");
    }

    #[test]
    fn a_simulated_cloud_says_so_and_its_regions_carry_their_country_and_the_providers_own_name() {
        let places = places(&network(), Some(Provider::Aws));
        assert!(places.iter().all(|place| place.group == "AWS (simulated)"));
        let frankfurt = places.iter().find(|place| place.value == "aws-eu-central-1").expect("a region");
        assert_eq!((frankfurt.label.as_str(), frankfurt.detail.as_str()), ("Germany - AWS: Frankfurt", "eu-central-1"));
    }

    #[test]
    fn a_form_begins_with_a_place_of_the_operators_own() {
        assert_eq!(begin(&network()), "local-oslo");
        let clouds_only = Network { locations: Vec::new(), vpcs: Vec::new(), ..network() };
        assert_eq!(provider_of(&begin(&clouds_only)), Some(Provider::Aws));
    }
}
