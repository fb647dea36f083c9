//! The tone of every state: one place, so that no two pages colour a word differently.

use crate::{
    components::Tone,
    domain::{
        gateway::{ConfigSync, GatewayStatus},
        peer::{PeerKind, PeerStatus},
        peering::PeeringState,
        service::Node,
    },
};

pub fn peering_tone(state: PeeringState) -> Tone {
    match state {
        PeeringState::Established => Tone::Good,
        PeeringState::Pending => Tone::Move,
        PeeringState::Lost => Tone::Bad,
        PeeringState::Disabled | PeeringState::Recorded => Tone::Off,
    }
}

pub fn gateway_tone(status: GatewayStatus) -> Tone {
    match status {
        GatewayStatus::Active => Tone::Good,
        GatewayStatus::Provisioning => Tone::Wait,
        GatewayStatus::Deleting => Tone::Move,
        GatewayStatus::Error => Tone::Bad,
        GatewayStatus::Recorded => Tone::Off,
    }
}

/// A recording host has nothing to bring about, so nothing of it moves.
pub fn sync_tone(status: GatewayStatus, sync: ConfigSync) -> Tone {
    match sync {
        ConfigSync::InSync => Tone::Good,
        ConfigSync::Pending if status == GatewayStatus::Recorded => Tone::Off,
        ConfigSync::Pending => Tone::Move,
        ConfigSync::Drift => Tone::Wait,
        ConfigSync::Failed | ConfigSync::Silent => Tone::Bad,
    }
}

/// How a node's firewall stands; a node has no states but those of its service.
pub fn node_sync_tone(sync: ConfigSync) -> Tone {
    sync_tone(GatewayStatus::Active, sync)
}

pub fn node_tone(node: &Node) -> Tone {
    node.standing().into()
}

/// A person's device may be away; a site that was there and is gone is a failure.
pub fn peer_tone(kind: PeerKind, status: PeerStatus) -> Tone {
    match (kind, status) {
        (_, PeerStatus::Connected) => Tone::Good,
        (_, PeerStatus::Disabled | PeerStatus::Recorded) | (PeerKind::RoadWarrior, _) => Tone::Off,
        (PeerKind::Site, PeerStatus::NeverConnected) => Tone::Wait,
        (PeerKind::VpcPeering, PeerStatus::NeverConnected) => Tone::Move,
        (PeerKind::Site | PeerKind::VpcPeering, PeerStatus::Idle) => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_on_a_recording_host() {
        assert_eq!(sync_tone(GatewayStatus::Recorded, ConfigSync::Pending), Tone::Off);
        assert_eq!(sync_tone(GatewayStatus::Active, ConfigSync::Pending), Tone::Move);
    }
}
