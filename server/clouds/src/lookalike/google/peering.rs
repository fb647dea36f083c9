//! Peerings: each network keeps its own word, and two that agree are connected.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::{
    Answer, Google, Peering, Refused, Thing,
    answer::{About, id_of, name, page, stamp, url},
    networks::{network, one, subnetworks},
    operations::{Change, begin, running_peerings},
};
use crate::lookalike::{Call, Reply, World};

/// Peerings of one network.
const MOST: usize = 25;

/// Whether the other network is there and names this one.
fn agreed(world: &World<Google>, ours: &str, peering: &Peering) -> bool {
    network(world, &peering.peer).is_some_and(|theirs| theirs.peerings.iter().any(|other| other.peer == ours))
}

pub fn shown(world: &World<Google>, ours: &str, peering: &Peering) -> Value {
    let active = agreed(world, ours, peering);
    let details = if active { "Connected." } else { "Waiting for peer network to connect." };
    json!({
        "name": peering.name,
        "network": url(&peering.peer),
        "state": if active { "ACTIVE" } else { "INACTIVE" },
        "stateDetails": format!("[{}]: {details}", stamp(peering.changed_at)),
        "autoCreateRoutes": true,
        "exchangeSubnetRoutes": true,
        "importCustomRoutes": peering.import_custom_routes,
        "exportCustomRoutes": peering.export_custom_routes,
        "importSubnetRoutesWithPublicIp": false,
        "exportSubnetRoutesWithPublicIp": true,
        "stackType": "IPV4_ONLY",
    })
}

/// One change of a peering at a time, across the networks that it concerns.
fn free(world: &World<Google>, networks: &[&str]) -> Result<(), Refused> {
    let concerns = |operation: &super::operations::Operation| {
        let peer = match &operation.change {
            Change::AddPeering(peering) | Change::UpdatePeering(peering) => Some(peering.peer.as_str()),
            Change::RemovePeering(name) => network(world, &operation.target)
                .and_then(|network| network.peerings.iter().find(|peering| peering.name == *name))
                .map(|peering| peering.peer.as_str()),
            Change::Put(_) | Change::Remove | Change::SetAccess(_) => None,
        };
        networks.contains(&operation.target.as_str()) || peer.is_some_and(|peer| networks.contains(&peer))
    };
    if running_peerings(world).any(concerns) {
        let message = "There is a peering operation in progress on the local or peer network. Try again later.";
        return Err(Refused::new(400, "badRequest", message));
    }
    Ok(())
}

pub fn add(world: &mut World<Google>, about: &About, network_name: &str, body: &Value) -> Answer {
    let (id, network) = one(world, about, network_name)?;
    // The older form has the same fields one level higher.
    let asked = if body["networkPeering"].is_object() { &body["networkPeering"] } else { body };
    let peer = asked["network"].as_str().or_else(|| asked["peerNetwork"].as_str()).and_then(id_of);
    let peer = peer.ok_or_else(|| Refused::invalid("networkPeering.network", &asked["network"]))?;
    let name = name(asked)?;
    if peer == id {
        return Err(Refused::new(400, "invalid", "A network cannot be peered with itself."));
    }
    if network.peerings.iter().any(|other| other.name == name || other.peer == peer) {
        let message = format!("The network '{id}' has a peering '{name}' or one with '{peer}' already");
        return Err(Refused::new(409, "alreadyExists", message));
    }
    free(world, &[&id, &peer])?;
    let peering = Peering {
        name,
        peer,
        import_custom_routes: asked["importCustomRoutes"].as_bool().unwrap_or(false),
        export_custom_routes: asked["exportCustomRoutes"].as_bool().unwrap_or(false),
        changed_at: world.now(),
    };
    Ok(begin(world, about, "networks.addPeering", &id, Change::AddPeering(peering)))
}

pub fn update(world: &mut World<Google>, about: &About, network_name: &str, body: &Value) -> Answer {
    let (id, network) = one(world, about, network_name)?;
    let asked = &body["networkPeering"];
    let mut peering = existing(network, &id, asked["name"].as_str().unwrap_or_default())?.clone();
    free(world, &[&id, &peering.peer])?;
    let flag = |name: &str, now: bool| asked[name].as_bool().unwrap_or(now);
    peering.import_custom_routes = flag("importCustomRoutes", peering.import_custom_routes);
    peering.export_custom_routes = flag("exportCustomRoutes", peering.export_custom_routes);
    Ok(begin(world, about, "networks.updatePeering", &id, Change::UpdatePeering(peering)))
}

pub fn remove(world: &mut World<Google>, about: &About, network_name: &str, body: &Value) -> Answer {
    let (id, network) = one(world, about, network_name)?;
    let name = body["name"].as_str().unwrap_or_default().to_owned();
    let peer = existing(network, &id, &name)?.peer.clone();
    free(world, &[&id, &peer])?;
    Ok(begin(world, about, "networks.removePeering", &id, Change::RemovePeering(name)))
}

fn existing<'a>(network: &'a super::Network, id: &str, name: &str) -> Result<&'a Peering, Refused> {
    let found = network.peerings.iter().find(|peering| peering.name == name);
    found.ok_or_else(|| Refused::new(404, "notFound", format!("There is no peering '{name}' in '{id}'")))
}

/// # Errors
/// What the operation ends with: limits and overlaps are found late.
pub fn added(world: &mut World<Google>, id: &str, mut peering: Peering) -> Result<(), (String, String)> {
    let Some(ours) = network(world, id) else {
        return Err(("RESOURCE_NOT_FOUND".to_owned(), format!("The resource '{id}' was not found")));
    };
    if ours.peerings.len() >= MOST {
        let message = format!("Quota 'PEERINGS_PER_NETWORK' exceeded. Limit: {MOST}.0");
        return Err(("QUOTA_EXCEEDED".to_owned(), message));
    }
    if agreed(world, id, &peering) {
        overlap(world, id, &peering.peer)?;
    }
    peering.changed_at = world.now();
    let peer = peering.peer.clone();
    world.change(id, |thing| {
        if let Thing::Network(network) = thing {
            network.peerings.push(peering);
        }
    });
    touch_one(world, &peer, id);
    Ok(())
}

/// Neither network's ranges, nor those of networks that it is connected to, may meet.
fn overlap(world: &World<Google>, ours: &str, theirs: &str) -> Result<(), (String, String)> {
    let mut local: Vec<Ipv4Net> = subnetworks(world, ours).into_iter().map(|subnetwork| subnetwork.range).collect();
    let mut whose = vec!["the local network"; local.len()];
    for peering in network(world, ours).map(|network| network.peerings.as_slice()).unwrap_or_default() {
        if agreed(world, ours, peering) {
            let ranges = subnetworks(world, &peering.peer).into_iter().map(|subnetwork| subnetwork.range);
            local.extend(ranges);
            whose.resize(local.len(), "an active peer of the local network");
        }
    }
    for subnetwork in subnetworks(world, theirs) {
        let range = subnetwork.range;
        let meets = |other: &Ipv4Net| other.contains(&range) || range.contains(other);
        if let Some(at) = local.iter().position(meets) {
            let message = format!(
                "An IP range in the peer network ({range}) overlaps with an IP range ({}) in {}.",
                local[at], whose[at]
            );
            return Err(("INVALID_USAGE".to_owned(), message));
        }
    }
    Ok(())
}

pub fn updated(world: &mut World<Google>, id: &str, changed: &Peering) {
    world.change(id, |thing| {
        if let Thing::Network(network) = thing {
            for peering in network.peerings.iter_mut().filter(|peering| peering.name == changed.name) {
                peering.import_custom_routes = changed.import_custom_routes;
                peering.export_custom_routes = changed.export_custom_routes;
            }
        }
    });
}

pub fn removed(world: &mut World<Google>, id: &str, name: &str) {
    let peer = world.change(id, |thing| match thing {
        Thing::Network(network) => {
            let at = network.peerings.iter().position(|peering| peering.name == name)?;
            Some(network.peerings.remove(at).peer)
        }
        _ => None,
    });
    if let Some(peer) = peer.flatten() {
        touch_one(world, &peer, id);
    }
}

/// The moment at which the state of everybody's word about this network changed.
pub fn touch(world: &mut World<Google>, changed: &str) {
    let concerned = world.under("projects/").filter_map(|(id, thing)| match thing {
        Thing::Network(network) if network.peerings.iter().any(|peering| peering.peer == changed) => {
            Some(id.to_owned())
        }
        _ => None,
    });
    for id in concerned.collect::<Vec<_>>() {
        touch_one(world, &id, changed);
    }
}

fn touch_one(world: &mut World<Google>, id: &str, peer: &str) {
    let now = world.now();
    if network(world, id).is_some() {
        world.change(id, |thing| {
            if let Thing::Network(network) = thing {
                for peering in network.peerings.iter_mut().filter(|peering| peering.peer == peer) {
                    peering.changed_at = now;
                }
            }
        });
    }
}

pub fn routes(world: &World<Google>, about: &About, network_name: &str, call: &Call) -> Answer {
    let (id, network) = one(world, about, network_name)?;
    let name = call.parameter("peeringName").unwrap_or_default();
    let peering = existing(network, &id, &name)?;
    let from = match call.parameter("direction").as_deref() {
        Some("INCOMING") => peering.peer.as_str(),
        Some("OUTGOING") => id.as_str(),
        other => return Err(Refused::invalid("direction", &json!(other))),
    };
    let active = agreed(world, &id, peering);
    let routes = subnetworks(world, from).into_iter().filter(|_| active).map(|subnetwork| {
        json!({
            "destRange": subnetwork.range,
            "imported": true,
            "nextHopRegion": subnetwork.region,
            "priority": 0,
            "type": "SUBNET_PEERING_ROUTE",
        })
    });
    Ok(Reply { ..page(call, "exchangedPeeringRoutesList", &format!("{id}/listPeeringRoutes"), routes.collect()) })
}
