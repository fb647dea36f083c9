//! Which of two joined gateways calls first.
//!
//! Both hear of a VPC peering in the same moment. Two that call each other at once hang up on
//! each other, since a handshake that comes in ends the one that was begun, and WireGuard calls
//! again after five seconds. So the one with the lower public key calls. The other one is given
//! its peer without endpoint and keepalive, so that neither it nor the traffic of its VPC can
//! call, and gets both as soon as it was called, or when nobody has called for [`COURTESY`]: the
//! first call may have come before it knew the caller, the caller may be dead or behind a router
//! that lets nobody in. Whoever is told late is then called within a second instead of five.

use std::collections::BTreeMap;

use super::{HostState, Peers, SetPeer, Step};
use crate::domain::{PublicKey, peer::PeerKind, tunnel::TunnelPeer};

/// Milliseconds: longer than two agents hear of one peering apart, and than a handshake is on its way; short for a person who waits.
pub const COURTESY: u64 = 600;

/// Whether this host lets that peer call first. Of two gateways one does.
pub fn is_called(own: PublicKey, peer: &TunnelPeer) -> bool {
    peer.kind == PeerKind::VpcPeering && peer.endpoint.is_some() && peer.keepalive > 0 && own > peer.public_key
}

/// What is due of the peers that were left to call, with the milliseconds that each was given. `None`: wait on.
pub fn calls_due(waiting: &BTreeMap<PublicKey, u64>, peers: &Peers, found: &HostState) -> Option<Step> {
    let (mut remove, mut set) = (Vec::new(), Vec::new());
    for (key, waited) in waiting {
        let (Some(peer), Some(there)) = (peers.get(key), found.peers.get(key)) else { continue };
        if there.handshake.is_some() {
            // It called: its endpoint is where it came from.
            set.push(SetPeer { exists: true, keepalive: true, ..SetPeer::none_of(peer) });
        } else if *waited >= COURTESY {
            // Anew, since traffic may have tried to call without an endpoint, and would be let try again after five seconds only.
            remove.push(*key);
            set.push(SetPeer::all_of(peer));
        }
    }
    (!set.is_empty()).then_some(Step::SetPeers { remove, set })
}

impl SetPeer {
    /// A peer that the host does not have yet.
    pub(super) fn first_of(own: Option<PublicKey>, peer: &TunnelPeer) -> Self {
        match own {
            Some(own) if is_called(own, peer) => {
                let quiet = TunnelPeer { endpoint: None, keepalive: 0, ..peer.clone() };
                Self { answering: true, endpoint: false, ..Self::all_of(&quiet) }
            }
            _ => Self::all_of(peer),
        }
    }
}
