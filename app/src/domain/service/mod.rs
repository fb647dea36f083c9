//! Services that operators run: placed in networks, reached by routes, guarded on their hosts (domain 1.6 to 1.10).
//!
//! Causeway runs no database. It decides where a service is placed, which names and addresses it has and who may
//! reach it, and its agent on each node enforces that.

pub mod catalogue;
pub mod firewall;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod form;
pub mod ip_filter;
pub mod member;
pub mod migration;
pub mod node;
pub mod placement;
pub mod route;
pub mod static_ip;

use std::{fmt, net::IpAddr, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    CloudName, NodeId, NodeName, ProjectName, Refusal, ServiceId, ServiceName, Timestamp, VpcId, VpcName,
    gateway::{ConfigSync, DriftPolicy},
    host::Drift,
    text_newtype,
    vpc::VpcState,
};
pub use catalogue::{Plan, ServiceType};
pub use ip_filter::IpFilter;

/// A component of a service, such as `schema_registry`: lower-case letters, digits and underscores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ComponentName(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "A component is named in lower-case letters, digits and underscores, starts with a letter and has at most 40 characters."
)]
pub struct InvalidComponentName;

impl ComponentName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ComponentName {
    type Err = InvalidComponentName;
    fn from_str(text: &str) -> Result<Self, InvalidComponentName> {
        let text = text.trim();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let fits = text.len() <= 40 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidComponentName) }
    }
}

impl fmt::Display for ComponentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_newtype!(ComponentName, InvalidComponentName);

/// What of a service can be reached, and by which routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    pub name: ComponentName,
    /// Where the operator's software listens; TCP.
    pub port: u16,
    /// Only means something in a VPC; kept on a public service for the day that it moves (domain 3.6).
    pub public_access: bool,
    pub private_access: bool,
    pub privatelink_access: bool,
}

/// Where a service is, or where it shall go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub cloud: CloudName,
    /// `None`: in public.
    pub vpc: Option<VpcId>,
}

/// The states of domain 2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ServiceState {
    /// Nodes are missing, or are being replaced.
    Rebuilding,
    Running,
    Rebalancing,
    Poweroff,
}

impl ServiceState {
    const ALL: [Self; 4] = [Self::Rebuilding, Self::Running, Self::Rebalancing, Self::Poweroff];

    pub fn word(self) -> &'static str {
        match self {
            Self::Rebuilding => "Rebuilding",
            Self::Running => "Running",
            Self::Rebalancing => "Rebalancing",
            Self::Poweroff => "Powered off",
        }
    }

    /// As the API and the database write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rebuilding => "REBUILDING",
            Self::Running => "RUNNING",
            Self::Rebalancing => "REBALANCING",
            Self::Poweroff => "POWEROFF",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// The states of a node (domain 1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// No agent has called yet, or its first document is not applied.
    SettingUpVm,
    /// In place of another node, before names are switched to it.
    SyncingData,
    Running,
    /// Names no longer lead to it.
    Leaving,
    /// Its agent has been silent for too long.
    TimingOut,
    /// Listed without an agent: nobody tells.
    Unknown,
}

impl NodeState {
    pub fn word(self) -> &'static str {
        match self {
            Self::SettingUpVm => "Setting up",
            Self::SyncingData => "Syncing data",
            Self::Running => "Running",
            Self::Leaving => "Leaving",
            Self::TimingOut => "Silent",
            Self::Unknown => "Not enforced",
        }
    }
}

/// A host of a service as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub id: NodeId,
    pub name: NodeName,
    pub state: NodeState,
    pub place: Place,
    pub settings: member::NodeSettings,
    /// In the VPC's range: declared, or else as the agent reports it.
    pub private_address: Option<Ipv4Addr>,
    pub public_address: Option<IpAddr>,
    pub replaces: Option<NodeId>,
    /// What its host calls itself.
    pub host_name: Option<String>,
    pub last_seen: Option<Timestamp>,
    /// How its firewall stands to what was asked for; `None` where no agent keeps it, or none has called.
    pub sync: Option<ConfigSync>,
    /// Why it cannot serve, or why its host refused its firewall.
    pub trouble: Option<String>,
    pub drift: Vec<Drift>,
}

impl Node {
    /// Every address that the other members know it by.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.private_address.map(IpAddr::V4).into_iter().chain(self.public_address)
    }

    /// Whether names lead to it.
    pub fn serves(&self) -> bool {
        let there = !matches!(self.state, NodeState::Leaving | NodeState::SyncingData | NodeState::SettingUpVm);
        // Whose data has not arrived serves nobody, however long its agent has been silent.
        there && self.replaces.is_none()
    }
}

/// The VPC that a service is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcBrief {
    pub id: VpcId,
    pub name: VpcName,
    pub cidr: super::Cidr,
    pub state: VpcState,
}

/// A service as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub id: ServiceId,
    pub name: ServiceName,
    pub kind: ServiceType,
    pub plan: Plan,
    pub node_count: u16,
    pub place: Place,
    /// What people call the place, such as "Belgium - Google Cloud: Belgium - Project VPC".
    pub place_label: String,
    pub vpc: Option<VpcBrief>,
    pub state: ServiceState,
    pub termination_protection: bool,
    pub static_ips: bool,
    pub drift_policy: DriftPolicy,
    pub components: Vec<Component>,
    pub nodes: Vec<Node>,
    pub filter: IpFilter,
    /// What reaches its VPC; none in public.
    pub peered: Vec<firewall::Peered>,
    /// The domain of its host names.
    pub zone: route::Zone,
    pub migration: Option<migration::Migration>,
    pub deleting: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Service {
    /// The tag of domain 6.1.
    pub fn placement_word(&self) -> &'static str {
        if self.place.vpc.is_some() { "Project VPC" } else { "Public Internet" }
    }

    /// Whether any component of it is open to the internet although it is in a VPC.
    pub fn has_public_access(&self) -> bool {
        self.place.vpc.is_some() && self.components.iter().any(|component| component.public_access)
    }

    /// Whether its IP filter decides anything (domain 3.6).
    pub fn filter_applies(&self) -> bool {
        self.place.vpc.is_none() || self.has_public_access()
    }

    /// Everything that is let in to its nodes.
    pub fn firewall(&self) -> firewall::Firewall {
        firewall::effective(&firewall::Around {
            private: self.vpc.as_ref().map(|vpc| vpc.cidr),
            components: &self.components,
            peered: &self.peered,
            filter: &self.filter,
            nodes: &self.nodes,
            integrations: &[],
        })
    }

    /// Every way to its components.
    pub fn accesses(&self, project: &ProjectName) -> Vec<route::Access> {
        route::accesses(&self.name, project, &self.zone, self.place.vpc.is_some(), &self.components, &self.nodes)
    }

    /// The peered networks that its filter does not let in, while it decides.
    pub fn uncovered(&self) -> Vec<(String, super::Cidr)> {
        if !self.has_public_access() {
            return Vec::new();
        }
        let peered: Vec<(String, super::Cidr)> =
            self.peered.iter().map(|peered| (peered.name.clone(), peered.range)).collect();
        self.filter.uncovered(&peered)
    }

    /// How many of its nodes nobody's agent guards.
    pub fn not_enforced(&self) -> usize {
        self.nodes.iter().filter(|node| !node.settings.enforced).count()
    }

    /// The word on its badge.
    pub fn word(&self) -> &'static str {
        if self.deleting { "Deleting" } else { self.state.word() }
    }

    /// Why nothing more can be done with it.
    pub fn going(&self) -> Option<String> {
        self.deleting.then(|| format!("Service {} is being deleted.", self.name))
    }

    /// Who gets in, in a few words.
    pub fn access_words(&self) -> String {
        if !self.filter_applies() {
            return "Peered networks".to_owned();
        }
        match self.filter.entries().len() {
            _ if self.filter.is_open() => ip_filter::OPEN_HINT.trim_end_matches('.').to_owned(),
            0 => "Nobody".to_owned(),
            1 => "1 range".to_owned(),
            many => format!("{many} ranges"),
        }
    }

    /// The sentence under its badge.
    pub fn sentence(&self) -> String {
        let wanted = usize::from(self.node_count);
        let running = self.nodes.iter().filter(|node| node.serves()).count();
        if self.deleting {
            return "Being deleted: its hosts still have to take their firewalls off.".to_owned();
        }
        match self.state {
            ServiceState::Rebuilding => {
                format!("{running} of {wanted} nodes serve. Enrol the others, or list them without an agent.")
            }
            ServiceState::Running if self.nodes.iter().any(|node| node.state == NodeState::TimingOut) => {
                "A node is silent. What its firewall was told last stays in force.".to_owned()
            }
            ServiceState::Running => "Every node serves.".to_owned(),
            ServiceState::Rebalancing => "Its data is being redistributed.".to_owned(),
            ServiceState::Poweroff => "Powered off by its operator.".to_owned(),
        }
    }

    /// Why it cannot be deleted now.
    pub fn deletion_refusal(&self) -> Option<Refusal> {
        self.termination_protection.then(Self::protected)
    }

    pub fn protected() -> Refusal {
        Refusal::conflict("", "Termination protection is on.")
    }

    pub fn moving(name: &ServiceName) -> Refusal {
        Refusal::conflict(
            "",
            format!("Service {name} is being migrated. Finish that first, or let it stay where it was."),
        )
    }

    pub fn stays() -> Refusal {
        Refusal::conflict("", "No migration of this service is under way.")
    }

    /// Whether it may have one node more than it has.
    pub fn admit_node(nodes: usize) -> Result<(), Refusal> {
        let most = usize::from(form::MOST_NODES);
        if nodes < most { Ok(()) } else { Err(Refusal::conflict("", format!("A service has at most {most} nodes."))) }
    }
}
