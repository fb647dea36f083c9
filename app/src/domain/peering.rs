//! VPC peerings: two gateways of one owner, joined by a pair of peers (domain 3.7 and 5.3).

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{
    Cidr, GatewayId, GatewayName, PairId, PeerId, PeerName, Timestamp, VpcId, VpcName,
    peer::{Endpoint, SESSION_SECONDS},
};

/// Row state of a pair (domain 2.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeeringState {
    /// A side has not applied it yet, or has seen no handshake.
    Pending,
    /// Both sides saw a handshake within WireGuard's 180 s.
    Established,
    /// It was established and a side has lost it.
    Lost,
    /// A side is switched off.
    Disabled,
    /// On recording hosts.
    Recorded,
}

impl PeeringState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Established => "Established",
            Self::Lost => "Lost",
            Self::Disabled => "Disabled",
            Self::Recorded => "Recorded, no packets",
        }
    }
}

/// What the state of a VPC peering is computed from, on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideSeen {
    pub enabled: bool,
    pub recorded: bool,
    pub handshake: Option<Timestamp>,
}

impl PeeringState {
    /// A side that applied nothing yet has no handshake either, so handshakes decide (domain 2.8).
    pub fn of(sides: [SideSeen; 2], now: Timestamp) -> Self {
        if sides.iter().any(|side| !side.enabled) {
            return Self::Disabled;
        }
        if sides.iter().any(|side| side.recorded) {
            return Self::Recorded;
        }
        let [Some(a), Some(b)] = sides.map(|side| side.handshake) else { return Self::Pending };
        if [a, b].into_iter().all(|at| at.age_seconds(now) <= SESSION_SECONDS) { Self::Established } else { Self::Lost }
    }
}

/// One end of a VPC peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringSide {
    pub gateway: GatewayId,
    pub gateway_name: GatewayName,
    pub vpc: VpcId,
    pub vpc_name: VpcName,
    pub vpc_cidr: Cidr,
    /// The row on this gateway.
    pub peer: PeerId,
    pub applied: bool,
    pub handshake: Option<Timestamp>,
}

/// A VPC peering as the console shows it. `sides` are ordered by gateway name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peering {
    pub id: PairId,
    pub state: PeeringState,
    pub sides: [PeeringSide; 2],
    pub created_at: Timestamp,
}

impl Peering {
    /// This gateway's side and the other one.
    pub fn seen_from(&self, gateway: GatewayId) -> (&PeeringSide, &PeeringSide) {
        let [a, b] = &self.sides;
        if b.gateway == gateway { (b, a) } else { (a, b) }
    }

    /// Says what deleting it does (domain 5.9).
    pub fn deletion_sentence(&self) -> String {
        let [a, b] = &self.sides;
        format!("This removes the peering on both gateways. Traffic between {} and {} stops.", a.vpc_name, b.vpc_name)
    }
}

/// What a VPC peering will make on one gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSide {
    pub gateway: GatewayId,
    pub gateway_name: GatewayName,
    pub peer: PeerName,
    pub tunnel_address: Ipv4Addr,
    pub allowed_ips: [Cidr; 2],
    pub endpoint: Endpoint,
    pub generation: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peering_is_established_while_both_sides_have_a_fresh_handshake() {
        let now = Timestamp::from_seconds(1000);
        let side = |handshake: Option<i64>| SideSeen {
            enabled: true,
            recorded: false,
            handshake: handshake.map(Timestamp::from_seconds),
        };
        assert_eq!(PeeringState::of([side(None), side(Some(999))], now), PeeringState::Pending);
        assert_eq!(PeeringState::of([side(Some(820)), side(Some(999))], now), PeeringState::Established);
        assert_eq!(PeeringState::of([side(Some(819)), side(Some(999))], now), PeeringState::Lost);
        let off = SideSeen { enabled: false, ..side(Some(999)) };
        assert_eq!(PeeringState::of([off, side(Some(999))], now), PeeringState::Disabled);
        let recorded = SideSeen { recorded: true, ..side(None) };
        assert_eq!(PeeringState::of([side(Some(999)), recorded], now), PeeringState::Recorded);
    }
}
