//! Peering connections of cloud VPCs: what is asked for, what is shown, and how they move (domain 1.4, 1.5, 2.2).
//!
//! The VPC peerings between WireGuard gateways are another noun, [`super::peering`]. A connection here has one end in a
//! VPC that the console made in a cloud and the other in a network that a person owns there. Its states are the field's
//! own; [`transition`] is the only thing that moves them.

pub mod field;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod peer;
mod rules;
pub mod schedule;
mod sentence;
mod sight;
pub mod transition;
mod trouble;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{Cidr, ConnectionId, Provider, Timestamp, VpcId, standing::Standing};

pub use self::{
    field::PeerCidrs,
    peer::{ConnectionForm, NewConnection, Peer, PeerKey},
    rules::UpCloudNetwork,
    transition::{Event, Known, Sight, Told, transition},
    trouble::{Failed, FailureClass, reason},
};

/// `vpc_peering_connection_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionType {
    AwsVpcPeeringConnection,
    AwsTgwVpcAttachment,
    GoogleVpcPeering,
    AzureVnetPeering,
    UpcloudVpcPeering,
}

impl ConnectionType {
    pub const ALL: [Self; 5] = [
        Self::AwsVpcPeeringConnection,
        Self::AwsTgwVpcAttachment,
        Self::GoogleVpcPeering,
        Self::AzureVnetPeering,
        Self::UpcloudVpcPeering,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwsVpcPeeringConnection => "aws-vpc-peering-connection",
            Self::AwsTgwVpcAttachment => "aws-tgw-vpc-attachment",
            Self::GoogleVpcPeering => "google-vpc-peering",
            Self::AzureVnetPeering => "azure-vnet-peering",
            Self::UpcloudVpcPeering => "upcloud-vpc-peering",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub fn provider(self) -> Provider {
        match self {
            Self::AwsVpcPeeringConnection | Self::AwsTgwVpcAttachment => Provider::Aws,
            Self::GoogleVpcPeering => Provider::Google,
            Self::AzureVnetPeering => Provider::Azure,
            Self::UpcloudVpcPeering => Provider::UpCloud,
        }
    }

    /// What people call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::AwsVpcPeeringConnection => "AWS VPC peering",
            Self::AwsTgwVpcAttachment => "Transit Gateway VPC Attachment",
            Self::GoogleVpcPeering => "Google VPC peering",
            Self::AzureVnetPeering => "Azure VNet peering",
            Self::UpcloudVpcPeering => "UpCloud network peering",
        }
    }
}

/// The states of domain 2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConnectionState {
    /// The request is stored, nothing is built yet.
    Approved,
    /// Sent, unconfirmed.
    ApprovedPeerRequested,
    /// Our side exists; theirs is missing or has not accepted.
    PendingPeer,
    Active,
    /// It cannot be built, for a reason that the person controls.
    InvalidSpecification,
    RejectedByPeer,
    DeletedByPeer,
    /// A failure that the person does not control; it is tried again.
    Error,
    Deleting,
    Deleted,
}

impl ConnectionState {
    pub const ALL: [Self; 10] = [
        Self::Approved,
        Self::ApprovedPeerRequested,
        Self::PendingPeer,
        Self::Active,
        Self::InvalidSpecification,
        Self::RejectedByPeer,
        Self::DeletedByPeer,
        Self::Error,
        Self::Deleting,
        Self::Deleted,
    ];

    /// As the API and the database write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::ApprovedPeerRequested => "APPROVED_PEER_REQUESTED",
            Self::PendingPeer => "PENDING_PEER",
            Self::Active => "ACTIVE",
            Self::InvalidSpecification => "INVALID_SPECIFICATION",
            Self::RejectedByPeer => "REJECTED_BY_PEER",
            Self::DeletedByPeer => "DELETED_BY_PEER",
            Self::Error => "ERROR",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The badge: sentence case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approved => "Approved",
            Self::ApprovedPeerRequested => "Approved peer requested",
            Self::PendingPeer => "Pending peer",
            Self::Active => "Active",
            Self::InvalidSpecification => "Invalid specification",
            Self::RejectedByPeer => "Rejected by peer",
            Self::DeletedByPeer => "Deleted by peer",
            Self::Error => "Error",
            Self::Deleting => "Deleting",
            Self::Deleted => "Deleted",
        }
    }

    /// Whether only deleting it leads out of here.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::InvalidSpecification | Self::RejectedByPeer | Self::DeletedByPeer)
    }

    /// Whether the cloud's word still moves it.
    pub fn is_live(self) -> bool {
        !self.is_closed() && !matches!(self, Self::Deleting | Self::Deleted)
    }

    /// The legal moves (domain 2.2). A live state goes wherever the cloud's word maps to; only a failure goes back to
    /// the beginning.
    pub fn may_become(self, next: Self) -> bool {
        match (self, next) {
            _ if self == next => false,
            (Self::Deleted, _) => false,
            (Self::Deleting, next) => next == Self::Deleted,
            (_, Self::Deleting) => true,
            (closed, _) if closed.is_closed() => false,
            (_, Self::Deleted) => false,
            (live, Self::Approved) => live == Self::Error,
            _ => true,
        }
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a warning is about (domain 1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
    OverlappingPeerVpcIpRanges,
    UpcloudPeeringInError,
    /// Ours: a transit gateway attachment without a range routes nothing (domain 3.8).
    NoPeerNetworkRanges,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    #[serde(rename = "type")]
    pub kind: WarningKind,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicting_aws_account_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicting_aws_vpc_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicting_aws_vpc_peering_connection_id: Option<String>,
}

impl Warning {
    pub fn new(kind: WarningKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            conflicting_aws_account_id: None,
            conflicting_aws_vpc_id: None,
            conflicting_aws_vpc_peering_connection_id: None,
        }
    }
}

/// The extra keys of `state_info`, such as `aws_vpc_peering_connection_id`.
pub type Identifiers = BTreeMap<String, String>;

/// Why the state is what it is, and what a person needs for the other side. Never empty (domain 8.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateInfo {
    pub message: String,
    /// Such as `aws-vpc-peering-connection-active`.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// In the API these stand beside `message` and `type`.
    #[serde(default)]
    pub extra: Identifiers,
}

impl StateInfo {
    /// What a request has the moment it is stored.
    pub fn at_first(kind: ConnectionType, warnings: Vec<Warning>) -> Self {
        Self {
            message: sentence::APPROVED.to_owned(),
            kind: Self::kind_of(kind, ConnectionState::Approved),
            warnings,
            extra: Identifiers::new(),
        }
    }

    pub fn kind_of(kind: ConnectionType, state: ConnectionState) -> String {
        format!("{}-{}", kind.as_str(), state.as_str().to_lowercase().replace('_', "-"))
    }

    /// What the next state has: what was told, and every identifier that was ever learnt.
    #[must_use]
    pub fn after(&self, kind: ConnectionType, told: &Told, learnt: &Identifiers) -> Self {
        let mut next = Self {
            message: told.message.clone(),
            kind: Self::kind_of(kind, told.state),
            warnings: told.warnings.clone(),
            extra: self.extra.clone(),
        };
        next.learn(learnt);
        next
    }

    /// Keeps identifiers; a later value replaces an earlier one, an empty one nothing.
    pub fn learn(&mut self, learnt: &Identifiers) {
        let told = learnt.iter().filter(|(_, value)| !value.is_empty());
        self.extra.extend(told.map(|(key, value)| (key.clone(), value.clone())));
    }
}

/// A connection as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub id: ConnectionId,
    pub vpc: VpcId,
    pub peer: Peer,
    pub state: ConnectionState,
    pub state_info: StateInfo,
    /// What a person routes through it beside the peer's own ranges.
    pub user_peer_network_cidrs: PeerCidrs,
    /// The peer's ranges as the cloud tells them; `None` until it does.
    pub discovered_peer_cidrs: Option<Vec<Cidr>>,
    /// For which routes are in place.
    pub routed_cidrs: Vec<Cidr>,
    /// Which the VPC's firewall lets in.
    pub opened_cidrs: Vec<Cidr>,
    /// The cloud's own word for its state, and its own sentence.
    pub cloud_state: Option<String>,
    pub cloud_message: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When the cloud was last asked, and when it will be asked again.
    pub last_look_at: Option<Timestamp>,
    pub next_look_at: Option<Timestamp>,
    /// When the cloud gives the request up.
    pub expires_at: Option<Timestamp>,
    /// Whether a look-alike answers for the cloud: no packets.
    pub simulated: bool,
}

impl Connection {
    pub fn kind(&self) -> ConnectionType {
        self.peer.kind()
    }

    /// What people call it: the peer's network.
    pub fn name(&self) -> &str {
        self.peer.vpc()
    }

    /// An identifier, once it is known.
    pub fn identifier(&self, key: &str) -> Option<&str> {
        self.state_info.extra.get(key).map(String::as_str)
    }

    /// What the cloud calls the connection itself, where it gives it an id.
    pub fn cloud_id(&self) -> Option<&str> {
        ["aws_vpc_peering_connection_id", "aws_tgw_vpc_attachment_id"].into_iter().find_map(|key| self.identifier(key))
    }

    /// Every range that lies behind it, as far as known, by address.
    pub fn ranges(&self) -> Vec<Cidr> {
        let discovered = self.discovered_peer_cidrs.iter().flatten().copied();
        let all: std::collections::BTreeSet<Cidr> = self.user_peer_network_cidrs.iter().chain(discovered).collect();
        all.into_iter().collect()
    }

    pub fn standing(&self) -> Standing {
        match self.state {
            ConnectionState::PendingPeer if self.accepted() => Standing::Moving,
            ConnectionState::PendingPeer => Standing::YourTurn,
            ConnectionState::Approved | ConnectionState::ApprovedPeerRequested | ConnectionState::Deleting => {
                Standing::Moving
            }
            ConnectionState::Active if !self.state_info.warnings.is_empty() => Standing::YourTurn,
            ConnectionState::Active => Standing::AsAsked,
            ConnectionState::InvalidSpecification
            | ConnectionState::RejectedByPeer
            | ConnectionState::DeletedByPeer
            | ConnectionState::Error => Standing::Failed,
            ConnectionState::Deleted => Standing::Off,
        }
    }

    /// AWS has the other side's word and is still at work.
    fn accepted(&self) -> bool {
        self.kind().provider() == Provider::Aws && self.cloud_state.as_deref() == Some("provisioning")
    }

    /// What deleting it does (domain 6.1); one sentence per line.
    pub fn deletion_consequences(&self) -> Vec<String> {
        let cloud = self.peer.provider();
        let (name, account) = (self.name(), self.peer.cloud_account());
        let other_side = match self.kind() {
            ConnectionType::AwsVpcPeeringConnection => {
                format!("The peering connection is deleted in AWS for account {account}, too.")
            }
            ConnectionType::AwsTgwVpcAttachment => {
                format!("The attachment to transit gateway {name} is deleted, in account {account}, too.")
            }
            ConnectionType::GoogleVpcPeering => {
                format!("The peering in project {account} becomes INACTIVE; delete it there, too.")
            }
            ConnectionType::AzureVnetPeering => {
                format!("The peering of virtual network {name} becomes Disconnected; delete it there, too.")
            }
            ConnectionType::UpcloudVpcPeering => {
                format!("The peering of UpCloud network {name} waits for its peer again; delete it there, too.")
            }
        };
        let mut lines = vec![other_side];
        if self.state == ConnectionState::Active {
            lines.insert(0, format!("Traffic between the VPC and {name} stops."));
        }
        if !self.routed_cidrs.is_empty() {
            let ranges: Vec<String> = self.routed_cidrs.iter().map(Cidr::to_string).collect();
            lines.push(format!("Routes and firewall openings for {} are removed.", ranges.join(", ")));
        }
        lines.push(format!("To connect again, both sides create a new peering in {cloud}."));
        lines
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
