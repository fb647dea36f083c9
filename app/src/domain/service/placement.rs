//! Where a service may be placed (domain 3.5 and 6.1).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Place;
use crate::domain::{CloudName, Network, Provider, Refusal, catalogue, network::VpcRange, vpc::VpcState};

/// A line of the region list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOption {
    pub place: Place,
    pub label: String,
    /// Why it cannot be chosen yet.
    pub unavailable: Option<String>,
}

/// Beside a VPC that is being made (checklist 26).
pub const CREATING: &str = "Creating… It can take a few minutes until a new VPC can be chosen.";
/// What is no place at all.
pub const CHOOSE: &str = "Choose a region or a VPC.";
/// Between two providers no data moves by itself (domain 3.5).
pub const OTHER_PROVIDER: &str = "Automatic migration between VPCs of different providers is not supported. Create a service in the target VPC, replicate, cut over.";

impl Place {
    /// As a form and a URL write it: `aws-eu-west-1`, or `aws-eu-west-1/<VPC id>`.
    pub fn value(&self) -> String {
        self.vpc.map_or_else(|| self.cloud.to_string(), |vpc| format!("{}/{vpc}", self.cloud))
    }
}

impl PlaceOption {
    /// As a target of a service that is somewhere already.
    pub fn target_for(self, network: &Network, from: &Place) -> Self {
        let refused = || admit_migration(network, from, &self.place).err().map(|refusal| refusal.sentence);
        Self { unavailable: self.unavailable.clone().or_else(refused), ..self }
    }
}

impl FromStr for Place {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (cloud, vpc) = text.trim().split_once('/').map_or((text, None), |(cloud, vpc)| (cloud, Some(vpc)));
        let cloud = cloud.parse().map_err(|_| CHOOSE)?;
        let vpc = vpc.map(str::parse).transpose().map_err(|_| CHOOSE)?;
        Ok(Self { cloud, vpc })
    }
}

/// The project's VPCs as places, by label: the tab "VPC".
pub fn vpc_places(network: &Network) -> Vec<PlaceOption> {
    let mut places: Vec<PlaceOption> = network
        .vpcs
        .iter()
        .filter(|vpc| !matches!(vpc.state, VpcState::Deleting | VpcState::Deleted))
        .map(|vpc| of_vpc(network, vpc))
        .collect();
    places.sort_by(|a, b| a.label.cmp(&b.label));
    places
}

/// What people call the VPCs of a region, such as "Belgium - Google Cloud: Belgium - Project VPC".
pub fn region_of_vpcs(network: &Network, cloud: &CloudName) -> String {
    let own = network.location(cloud).map(|location| format!("{} - Project VPC", location.label));
    own.unwrap_or_else(|| cloud.label_of_vpc())
}

fn of_vpc(network: &Network, vpc: &VpcRange) -> PlaceOption {
    PlaceOption {
        place: Place { cloud: vpc.cloud.clone(), vpc: Some(vpc.id) },
        label: format!("{} ({}, {})", region_of_vpcs(network, &vpc.cloud), vpc.name, vpc.cidr),
        unavailable: (vpc.state == VpcState::Approved).then(|| CREATING.to_owned()),
    }
}

/// The regions as public places: local ones first, then the clouds' by label.
pub fn public_places(network: &Network) -> Vec<PlaceOption> {
    let public = |cloud: CloudName, label| PlaceOption { place: Place { cloud, vpc: None }, label, unavailable: None };
    let local = network.locations.iter().map(|location| public(location.cloud.clone(), location.label.clone()));
    let mut places: Vec<PlaceOption> = local.collect();
    let mut clouds: Vec<PlaceOption> = Provider::CLOUDS
        .into_iter()
        .flat_map(catalogue::regions)
        .map(|region| public(region.cloud(), region.label()))
        .collect();
    clouds.sort_by(|a, b| a.label.cmp(&b.label));
    places.extend(clouds);
    places
}

/// What people call a place.
pub fn label(network: &Network, place: &Place) -> String {
    if let Some(vpc) = place.vpc.and_then(|id| network.vpc(id)) {
        return of_vpc(network, vpc).label;
    }
    network.location(&place.cloud).map_or_else(|| place.cloud.label(), |location| location.label.clone())
}

/// Whether a service may be placed there. A VPC that is not the project's is not in its network.
pub fn admit_place(network: &Network, place: &Place) -> Result<(), Refusal> {
    let Some(id) = place.vpc else {
        let known = place.cloud.provider().is_cloud() || network.location(&place.cloud).is_some();
        return if known { Ok(()) } else { Err(Refusal::malformed("place", CHOOSE)) };
    };
    let Some(vpc) = network.vpc(id) else {
        let sentence = format!("VPC {id} is not in this project. A service can only use VPCs of its own project.");
        return Err(Refusal::malformed("place", sentence));
    };
    if vpc.cloud != place.cloud {
        return Err(Refusal::malformed("place", format!("VPC {id} is in {}.", vpc.cloud)));
    }
    if vpc.state != VpcState::Active {
        let sentence = format!("Project VPC {id} is in state {}, not ACTIVE", vpc.state.as_str());
        return Err(Refusal::conflict("place", sentence));
    }
    Ok(())
}

/// Whether a service may be migrated from one place to another.
pub fn admit_migration(network: &Network, from: &Place, to: &Place) -> Result<(), Refusal> {
    if from == to {
        return Err(Refusal::conflict("place", "The service is there already."));
    }
    admit_place(network, to)?;
    let both_in_vpcs = from.vpc.is_some() && to.vpc.is_some();
    if both_in_vpcs && from.cloud.provider() != to.cloud.provider() {
        return Err(Refusal::malformed("place", OTHER_PROVIDER));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{VpcId, fixtures::Town};

    fn town() -> Town {
        let mut town = Town::default();
        town.vpc("alpha", "oslo", "172.16.0.0/16");
        town.vpc("beta", "bergen", "10.0.0.0/16");
        for (at, cloud) in ["google-europe-west1", "aws-eu-west-1"].into_iter().enumerate() {
            town.network.vpcs[at].cloud = cloud.parse().expect("a region");
        }
        town
    }

    fn place(town: &Town, at: usize) -> Place {
        Place { cloud: town.network.vpcs[at].cloud.clone(), vpc: Some(town.network.vpcs[at].id) }
    }

    #[test]
    fn row_25_and_27_vpcs_are_offered_as_regions_of_their_own() {
        let town = town();
        let labels: Vec<String> = vpc_places(&town.network).into_iter().map(|place| place.label).collect();
        assert_eq!(
            labels,
            [
                "Belgium - Google Cloud: Belgium - Project VPC (alpha, 172.16.0.0/16)",
                "Ireland - AWS: Ireland - Project VPC (beta, 10.0.0.0/16)",
            ]
        );
        let public = public_places(&town.network);
        assert!(public.iter().any(|place| place.label == "Belgium - Google Cloud: Belgium"));
        for place in vpc_places(&town.network) {
            assert_eq!(place.place.value().parse(), Ok(place.place));
        }
    }

    #[test]
    fn row_26_a_vpc_that_is_being_made_is_shown_and_cannot_be_chosen_yet() {
        let mut town = town();
        town.network.vpcs[0].state = VpcState::Approved;
        let offered = vpc_places(&town.network).remove(0);
        assert_eq!(offered.unavailable.as_deref(), Some(CREATING));
        let refusal = admit_place(&town.network, &offered.place).unwrap_err();
        let id = town.network.vpcs[0].id;
        assert_eq!(refusal.sentence, format!("Project VPC {id} is in state APPROVED, not ACTIVE"));
    }

    #[test]
    fn row_29_a_vpc_of_another_project_is_refused() {
        let town = town();
        let mut theirs = place(&town, 0);
        theirs.vpc = Some(VpcId::from_uuid(uuid::Uuid::from_u128(99)));
        let refusal = admit_place(&town.network, &theirs).unwrap_err();
        assert!(refusal.sentence.ends_with("A service can only use VPCs of its own project."), "{}", refusal.sentence);
    }

    #[test]
    fn a_vpc_is_where_it_is() {
        let town = town();
        let mut wrong = place(&town, 0);
        wrong.cloud = "aws-eu-west-1".parse().expect("a region");
        let id = town.network.vpcs[0].id;
        let refusal = admit_place(&town.network, &wrong).unwrap_err();
        assert_eq!(refusal.sentence, format!("VPC {id} is in google-europe-west1."));
    }

    #[test]
    fn row_31_a_service_moves_between_public_and_vpcs_but_not_between_vpcs_of_two_providers() {
        let town = town();
        let (google, aws) = (place(&town, 0), place(&town, 1));
        let public = Place { cloud: google.cloud.clone(), vpc: None };
        for (from, to) in [(&public, &google), (&google, &public), (&public, &aws)] {
            assert_eq!(admit_migration(&town.network, from, to), Ok(()));
        }
        assert_eq!(admit_migration(&town.network, &google, &aws).unwrap_err().sentence, OTHER_PROVIDER);
        let there = admit_migration(&town.network, &aws, &aws).unwrap_err();
        assert_eq!(there.sentence, "The service is there already.");
        let offered =
            vpc_places(&town.network).into_iter().map(|place| place.target_for(&town.network, &aws).unavailable);
        let expected = [Some(OTHER_PROVIDER.to_owned()), Some("The service is there already.".to_owned())];
        assert_eq!(offered.collect::<Vec<_>>(), expected, "the list says so before anybody asks");
    }
}
