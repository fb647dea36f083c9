//! What can be found of services and of peers.

use std::net::IpAddr;

use super::{Entry, Noun, Role};
use crate::domain::{
    GatewayId,
    attention::Snapshot,
    peer::{Endpoint, PeerKind},
    standing::Target,
};

/// Services, and their nodes, which have the addresses.
pub(super) fn services(seen: &Snapshot<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for service in seen.services {
        entries.push(Entry {
            noun: Noun::Service,
            name: service.name.to_string(),
            home: service.place_label.clone(),
            target: Target::Service(service.id),
            standing: service.standing(),
            id: service.id.to_string(),
            key: String::new(),
            ranges: Vec::new(),
            addresses: Vec::new(),
        });
        for node in &service.nodes {
            let public = node.public_address.and_then(|address| match address {
                IpAddr::V4(address) => Some((address, Role::Public)),
                IpAddr::V6(_) => None,
            });
            entries.push(Entry {
                noun: Noun::Node,
                name: node.name.to_string(),
                home: service.name.to_string(),
                target: Target::Node(service.id, node.id),
                standing: node.standing(),
                id: node.id.to_string(),
                key: String::new(),
                ranges: Vec::new(),
                addresses: node.private_address.map(|own| (own, Role::Own)).into_iter().chain(public).collect(),
            });
        }
    }
    entries
}

pub(super) fn peers(seen: &Snapshot<'_>) -> Vec<Entry> {
    let named =
        |id: GatewayId| seen.gateways.iter().find(|gateway| gateway.id == id).map(|gateway| gateway.name.to_string());
    let own = seen.peers.iter().filter(|peer| peer.kind != PeerKind::VpcPeering);
    own.map(|peer| {
        let at = |endpoint: Option<Endpoint>, role| endpoint.map(|endpoint| (endpoint.address, role));
        let endpoints = [at(peer.endpoint, Role::Endpoint), at(peer.observed.endpoint, Role::LastSeen)];
        Entry {
            noun: if peer.kind == PeerKind::Site { Noun::Site } else { Noun::RoadWarrior },
            name: peer.name.to_string(),
            home: named(peer.gateway).unwrap_or_default(),
            target: Target::Peer(peer.id, peer.gateway),
            standing: peer.standing(seen.now),
            id: peer.id.to_string(),
            key: peer.public_key.to_string(),
            // Its own /32 is the tunnel address below.
            ranges: peer.allowed_ips.iter().copied().filter(|range| range.prefix() < 32).collect(),
            addresses: std::iter::once((peer.tunnel_address, Role::Tunnel))
                .chain(endpoints.into_iter().flatten())
                .collect(),
        }
    })
    .collect()
}
