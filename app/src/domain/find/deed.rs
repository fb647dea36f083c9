//! What the palette offers to do: pages to go to, and the next step for what was typed.

use serde::{Deserialize, Serialize};

use super::{By, Entry, Index, MOST, Noun, Question};
use crate::domain::{Cidr, GatewayId, VpcId, permission::Permission, standing::Target};

/// Something to do. Pages know the paths, and ask whether the person may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    Overview,
    Map,
    Networking,
    Vpcs,
    Peerings,
    Gateways,
    Services,
    Planner,
    Accounts,
    Changes,
    Reconcilers,
    Settings,
    /// With the range that was typed, if it is free.
    NewVpc(Option<Cidr>),
    NewGateway(Option<VpcId>),
    NewPeering(GatewayId),
    NewService,
}

impl Deed {
    const ALWAYS: [Self; 15] = [
        Self::NewVpc(None),
        Self::NewGateway(None),
        Self::NewService,
        Self::Overview,
        Self::Map,
        Self::Networking,
        Self::Vpcs,
        Self::Peerings,
        Self::Gateways,
        Self::Services,
        Self::Planner,
        Self::Accounts,
        Self::Changes,
        Self::Reconcilers,
        Self::Settings,
    ];

    /// `index` names the thing that it starts from.
    pub fn label(self, index: &Index) -> String {
        let name =
            |target| index.entries.iter().find(|entry| entry.target == target).map_or("", |entry| entry.name.as_str());
        match self {
            Self::Overview => "Overview".to_owned(),
            Self::Map => "Map".to_owned(),
            Self::Networking => "Networking overview".to_owned(),
            Self::Vpcs => "VPCs".to_owned(),
            Self::Peerings => "VPC peerings".to_owned(),
            Self::Gateways => "VPN Gateways".to_owned(),
            Self::Services => "Services".to_owned(),
            Self::Planner => "CIDR planner".to_owned(),
            Self::Accounts => "Cloud accounts".to_owned(),
            Self::Changes => "Changes".to_owned(),
            Self::Reconcilers => "Reconcilers".to_owned(),
            Self::Settings => "Settings".to_owned(),
            Self::NewVpc(None) => "Create VPC".to_owned(),
            Self::NewVpc(Some(range)) => format!("Create VPC with {range}"),
            Self::NewGateway(None) => "Create VPN gateway".to_owned(),
            Self::NewGateway(Some(vpc)) => format!("Create VPN gateway in {}", name(Target::Vpc(vpc))),
            Self::NewService => "Create service".to_owned(),
            Self::NewPeering(gateway) => format!("Create VPC Peering from {}", name(Target::Gateway(gateway))),
        }
    }

    /// What one must be allowed, to do it.
    pub fn needs(self) -> Permission {
        match self {
            Self::NewVpc(_) | Self::NewGateway(_) | Self::NewPeering(_) => Permission::NetworkingWrite,
            Self::NewService => Permission::ServicesWrite,
            Self::Services => Permission::ServicesRead,
            Self::Accounts => Permission::CloudAccountsRead,
            Self::Changes => Permission::EventLogsRead,
            _ => Permission::NetworkingRead,
        }
    }
}

pub(super) fn deeds(index: &Index, question: &Question) -> Vec<Deed> {
    match question {
        Question::Nothing => Deed::ALWAYS.to_vec(),
        Question::Words(words) => {
            let mut deeds = Deed::ALWAYS.to_vec();
            // Beginning at a gateway that is named is only offered if the other words ask for a peering.
            let gateways = index
                .entries
                .iter()
                .filter_map(|entry| if let Target::Gateway(id) = entry.target { Some(id) } else { None });
            deeds.extend(gateways.map(Deed::NewPeering));
            let asked = |label: &str| {
                // People also say new and add.
                let label = label.to_lowercase().replace("create", "create new add");
                words.iter().all(|word| label.split_whitespace().any(|part| part.starts_with(&word.to_lowercase())))
            };
            deeds.retain(|deed| asked(&deed.label(index)));
            deeds.truncate(MOST);
            deeds
        }
        Question::Address(address) => index
            .entries
            .iter()
            .filter(|entry| entry.noun == Noun::Vpc && entry.ranges[0].contains(*address))
            .filter_map(|vpc| from_vpc(index, vpc))
            .collect(),
        Question::Range(range) => {
            let free = !index.entries.iter().any(|entry| entry.ranges.iter().any(|own| own.overlaps(*range)));
            let whole = index.entries.iter().filter(|entry| entry.noun == Noun::Vpc && entry.ranges[0] == *range);
            let mut deeds: Vec<Deed> = whole.filter_map(|vpc| from_vpc(index, vpc)).collect();
            deeds.extend((free && range.reserved().is_none()).then_some(Deed::NewVpc(Some(*range))));
            deeds
        }
    }
}

/// What comes next for a VPC: a gateway, then a peering.
fn from_vpc(index: &Index, vpc: &Entry) -> Option<Deed> {
    let Target::Vpc(id) = vpc.target else { return None };
    let own = index.ways.iter().find(|way| way.by == By::OwnVpc && way.range == vpc.ranges[0]);
    Some(own.map_or(Deed::NewGateway(Some(id)), |way| Deed::NewPeering(way.gateway)))
}
