//! How a thing stands: one scale for every noun, so that a mark, a badge, a line of the map
//! and the count in the top bar never disagree.

use serde::{Deserialize, Serialize};

use super::{
    ConnectionId, GatewayId, NodeId, PairId, PeerId, ServiceId, Timestamp, VpcId,
    gateway::{ConfigSync, DriftPolicy, Gateway, GatewayBrief, GatewayStatus},
    peer::{Peer, PeerKind, PeerStatus},
    peering::{Peering, PeeringState},
    service::{Node, NodeState, Service, ServiceState},
    vpc::{Vpc, VpcState},
};

/// What a state asks of a person. Declared worst first, so that sorting puts what needs them in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Failed,
    /// It waits for a person.
    YourTurn,
    /// It moves by itself.
    Moving,
    /// It is what was asked for, as far as the last report goes.
    AsAsked,
    /// Switched off, never there, or no packets by design.
    Off,
}

/// Where a thing is shown; pages turn it into a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Vpc(VpcId),
    Gateway(GatewayId),
    /// A pair, and a gateway that it is listed on.
    Peering(PairId, GatewayId),
    Peer(PeerId, GatewayId),
    /// A peering connection, and the cloud VPC that it is of.
    Connection(ConnectionId, VpcId),
    Service(ServiceId),
    Node(ServiceId, NodeId),
    /// The address plan.
    Plan,
}

/// After this long without a first handshake, waiting will not help: WireGuard itself gives up (REKEY_ATTEMPT_TIME).
const HANDSHAKE_PATIENCE: u64 = 90;

impl Vpc {
    pub fn standing(&self) -> Standing {
        match self.state {
            VpcState::Approved | VpcState::Deleting if self.build_error.is_some() => Standing::Failed,
            VpcState::Approved | VpcState::Deleting => Standing::Moving,
            VpcState::Active => Standing::AsAsked,
            VpcState::Deleted => Standing::Off,
        }
    }
}

impl Node {
    pub fn standing(&self) -> Standing {
        match (self.state, self.sync) {
            (NodeState::TimingOut, _) | (_, Some(ConfigSync::Failed)) => Standing::Failed,
            (NodeState::Unknown, _) => Standing::Off,
            // Nobody takes its firewall off but a person, or its host when it answers.
            (NodeState::Leaving, Some(ConfigSync::Silent)) if self.removed => Standing::YourTurn,
            (NodeState::Leaving | NodeState::SyncingData, _) => Standing::Moving,
            (NodeState::SettingUpVm, _) if self.trouble.is_some() => Standing::Failed,
            // Its host has not called.
            (NodeState::SettingUpVm, None) | (_, Some(ConfigSync::Drift)) => Standing::YourTurn,
            (NodeState::SettingUpVm, Some(_)) | (_, Some(ConfigSync::Pending)) => Standing::Moving,
            (NodeState::Running, _) => Standing::AsAsked,
        }
    }
}

impl Service {
    /// The worst of its nodes; of one that waits for nodes, that it waits.
    pub fn standing(&self) -> Standing {
        let worst = self.nodes.iter().map(Node::standing).min();
        match self.state {
            _ if self.deleting => Standing::Moving,
            ServiceState::Poweroff => Standing::Off,
            ServiceState::Rebalancing => Standing::Moving,
            ServiceState::Rebuilding => {
                let there = self.nodes.iter().filter(|node| !node.removed).count();
                let short = there < usize::from(self.node_count);
                worst.unwrap_or(Standing::Moving).min(if short { Standing::YourTurn } else { Standing::Moving })
            }
            ServiceState::Running => worst.unwrap_or(Standing::AsAsked).min(Standing::AsAsked),
        }
    }
}

impl GatewayBrief {
    /// What one line can tell; [`Gateway::standing`] knows more.
    pub fn standing(&self) -> Standing {
        match (self.status, self.sync) {
            (GatewayStatus::Recorded, _) => Standing::Off,
            (GatewayStatus::Deleting, ConfigSync::Silent) | (_, ConfigSync::Drift) => Standing::YourTurn,
            (GatewayStatus::Deleting, _) => Standing::Moving,
            (GatewayStatus::Error, _) | (_, ConfigSync::Silent | ConfigSync::Failed) => Standing::Failed,
            (GatewayStatus::Provisioning, _) | (_, ConfigSync::Pending) => Standing::Moving,
            (GatewayStatus::Active, ConfigSync::InSync) => Standing::AsAsked,
        }
    }
}

impl Gateway {
    /// Whether a host has ever joined: key pairs are made there.
    pub fn enrolled(&self) -> bool {
        self.public_key.is_some()
    }

    /// Whether its host's agent had a credential and has none now.
    pub fn revoked(&self) -> bool {
        self.mute && self.enrolled() && self.applied > 0
    }

    pub fn silent(&self) -> bool {
        self.sync == ConfigSync::Silent
    }

    pub fn drifted(&self) -> bool {
        self.sync == ConfigSync::Drift || !self.drift.is_empty()
    }

    pub fn standing(&self) -> Standing {
        match self.status {
            GatewayStatus::Recorded => Standing::Off,
            GatewayStatus::Deleting if self.silent() => Standing::YourTurn,
            GatewayStatus::Deleting => Standing::Moving,
            _ if !self.enrolled() => Standing::YourTurn,
            GatewayStatus::Error => Standing::Failed,
            _ if self.silent() || self.sync == ConfigSync::Failed => Standing::Failed,
            _ if self.drifted() && self.settings.drift_policy == DriftPolicy::Ask => Standing::YourTurn,
            _ if self.drifted() || self.sync == ConfigSync::Pending => Standing::Moving,
            GatewayStatus::Provisioning => Standing::Moving,
            GatewayStatus::Active => Standing::AsAsked,
        }
    }
}

impl Peering {
    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.state {
            PeeringState::Lost => Standing::Failed,
            PeeringState::Pending if self.unanswered(now) => Standing::YourTurn,
            PeeringState::Pending => Standing::Moving,
            PeeringState::Established => Standing::AsAsked,
            PeeringState::Disabled | PeeringState::Recorded => Standing::Off,
        }
    }

    /// Both hosts have it, yet WireGuard has given up on a first handshake: something between them drops UDP.
    pub fn unanswered(&self, now: Timestamp) -> bool {
        self.state == PeeringState::Pending
            && self.sides.iter().all(|side| side.applied)
            && self.created_at.age_seconds(now) > HANDSHAKE_PATIENCE
    }
}

impl Peer {
    /// A person's device may be away; a site that was there and is gone is a failure. The rows of a VPC peering stand as their pair does.
    pub fn standing(&self, now: Timestamp) -> Standing {
        match (self.kind, self.status(now)) {
            (_, PeerStatus::Disabled | PeerStatus::Recorded) => Standing::Off,
            (PeerKind::RoadWarrior, _) if self.file_outdated() => Standing::YourTurn,
            (_, PeerStatus::Connected) => Standing::AsAsked,
            (PeerKind::RoadWarrior, _) => Standing::Off,
            (PeerKind::Site, PeerStatus::NeverConnected) => Standing::YourTurn,
            (PeerKind::Site, PeerStatus::Idle) => Standing::Failed,
            (PeerKind::VpcPeering, PeerStatus::NeverConnected) => Standing::Moving,
            (PeerKind::VpcPeering, PeerStatus::Idle) => Standing::Failed,
        }
    }
}
