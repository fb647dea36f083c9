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
pub mod origin;
pub mod placement;
pub mod route;
pub mod static_ip;
pub mod traffic;

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
    /// It was removed, or its service was: no member any more, and its host still has to take its firewall off.
    pub removed: bool,
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
        let known = self.private_address.map(IpAddr::V4).into_iter().chain(self.public_address);
        known.filter(|_| !self.removed)
    }

    /// Whether it is one of those that are to stay: neither removed, nor left behind by a move, nor still to take over.
    pub fn stays(&self) -> bool {
        self.state != NodeState::Leaving && self.replaces.is_none()
    }

    /// Why nothing can be changed of it any more.
    pub fn going(&self) -> Option<String> {
        self.removed.then(|| Self::leaving(&self.name).sentence)
    }

    pub fn leaving(name: &NodeName) -> Refusal {
        Refusal::conflict("", format!("Node {name} was removed: its host still has to take its firewall off."))
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

    /// Whether its IP filter decides anything (domain 3.6); of a service that moves, at either place.
    pub fn filter_applies(&self) -> bool {
        let other = self.migration.as_ref().and_then(|migration| migration.other.as_ref());
        self.place.vpc.is_none() || self.has_public_access() || other.is_some_and(|side| side.place.vpc.is_none())
    }

    /// As it stands at the place that its names do not lead to, while it moves: what its hosts there let in is
    /// [`Service::firewall`] of this.
    pub fn elsewhere(&self) -> Option<Self> {
        let side = self.migration.as_ref()?.other.clone()?;
        Some(Self { place: side.place, place_label: side.label, vpc: side.vpc, peered: side.peered, ..self.clone() })
    }

    /// What its hosts let in at the place that its names do not lead to, with what people call that place.
    pub fn firewall_elsewhere(&self) -> Option<(String, firewall::Firewall)> {
        self.elsewhere().map(|there| (there.place_label.clone(), there.firewall()))
    }

    /// As it stands at the place of a host of its own: its names lead there, or to the other one while it moves.
    pub fn at(&self, place: &Place) -> Self {
        let other = if self.place == *place { None } else { self.elsewhere() };
        other.filter(|there| there.place == *place).unwrap_or_else(|| self.clone())
    }

    /// As it will be once its names are switched, with the replacement hosts that are ready.
    pub fn switched(&self) -> Option<Self> {
        let migration = self.migration.as_ref().filter(|migration| migration.drains_until.is_none())?;
        let mut there = self.elsewhere()?;
        for node in &mut there.nodes {
            if migration.is_old(node) {
                node.state = NodeState::Leaving;
            } else if node.state == NodeState::SyncingData {
                (node.state, node.replaces) = (NodeState::Running, None);
            }
        }
        Some(there)
    }

    /// The range that private addresses at a place of its own are in; `None` in public.
    pub fn range_at(&self, place: &Place) -> Option<super::Cidr> {
        let here = (self.place == *place).then_some(self.vpc.as_ref()).flatten();
        let other = self.migration.as_ref().and_then(|migration| migration.other.as_ref());
        let there = other.filter(|side| side.place == *place).and_then(|side| side.vpc.as_ref());
        here.or(there).map(|vpc| vpc.cidr)
    }

    /// How many nodes are to serve: as its plan says, or all that were added.
    pub fn wanted(&self) -> usize {
        self.nodes.iter().filter(|node| node.stays()).count().max(usize::from(self.node_count))
    }

    /// How many nodes names lead to.
    pub fn serving(&self) -> usize {
        self.nodes.iter().filter(|node| node.serves()).count()
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
        self.nodes.iter().filter(|node| !node.settings.enforced && !node.removed).count()
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
        let (running, wanted) = (self.serving(), self.wanted());
        if self.deleting {
            return "Being deleted: its hosts still have to take their firewalls off.".to_owned();
        }
        if let Some(migration) = &self.migration {
            let (target, switched) = (&migration.target_label, migration.drains_until.is_some());
            return if switched {
                format!("It has moved to {target}; the old hosts leave last.")
            } else {
                format!("It moves to {target}. Until the names are switched, the old hosts serve.")
            };
        }
        match self.state {
            ServiceState::Rebuilding => {
                format!("{running} of {wanted} nodes serve. Enrol the others, or list them without an agent.")
            }
            ServiceState::Running if self.nodes.iter().any(|node| node.state == NodeState::TimingOut) => {
                "A node is silent. What its firewall was told last stays in force.".to_owned()
            }
            ServiceState::Running if running < wanted => format!("{running} of {wanted} nodes serve."),
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
