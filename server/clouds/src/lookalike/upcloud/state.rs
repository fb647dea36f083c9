//! What a peering is, from what its two sides are: known at once, shown a while later.

use uuid::Uuid;

use super::{Network, Peering, Thing, UpCloud};
use crate::lookalike::World;

/// The state that follows from everything as it is now.
pub fn settled(world: &World<UpCloud>, peering: &Peering) -> &'static str {
    let (ours, theirs) = (network(world, peering.network), network(world, peering.peer_network));
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return if peering.configured_status == "disabled" { "disabled" } else { "deleted-peer-network" };
    };
    let overlaps = ours.range.contains(&theirs.range) || theirs.range.contains(&ours.range);
    match reverse(world, peering) {
        _ if peering.configured_status == "disabled" => "disabled",
        _ if overlaps => "conflict-subnet",
        _ if ours.router.is_none() => "missing-local-router",
        _ if theirs.router.is_none() => "missing-peer-router",
        None => "pending-peer",
        Some(reverse) if reverse.configured_status == "disabled" => "peer-disabled",
        Some(_) => "active",
    }
}

pub fn network(world: &World<UpCloud>, uuid: Uuid) -> Option<&Network> {
    match world.get(&format!("network/{uuid}"))? {
        Thing::Network(network) => Some(network),
        Thing::Router(_) | Thing::Peering(_) => None,
    }
}

pub fn peerings(world: &World<UpCloud>) -> impl Iterator<Item = &Peering> {
    world.under("peering/").filter_map(|(_, thing)| match thing {
        Thing::Peering(peering) => Some(peering),
        Thing::Router(_) | Thing::Network(_) => None,
    })
}

fn reverse<'a>(world: &'a World<UpCloud>, peering: &Peering) -> Option<&'a Peering> {
    let is_reverse = |other: &&Peering| other.network == peering.peer_network && other.peer_network == peering.network;
    peerings(world).find(is_reverse)
}

/// Something about this network changed: every peering of it that is not what it should be begins to follow.
pub fn stir(world: &mut World<UpCloud>, changed: Uuid) {
    let stale = |peering: &&Peering| {
        let concerned = peering.network == changed || peering.peer_network == changed;
        // One that is being provisioned follows its own wish, or is held up by a rule.
        let idle = peering.due.is_none() && peering.state != "provisioning";
        concerned && idle && peering.state != settled(world, peering)
    };
    let stale: Vec<Uuid> = peerings(world).filter(stale).map(|peering| peering.uuid).collect();
    for uuid in stale {
        let due = world.due("NetworkPeering/follow");
        edit(world, uuid, |peering| peering.due = due);
    }
}

/// A new wish for this peering: its transition begins anew.
pub fn provision(world: &mut World<UpCloud>, uuid: Uuid) {
    let due = world.due("NetworkPeering/provisioning");
    edit(world, uuid, |peering| {
        peering.state = "provisioning".to_owned();
        peering.due = due;
    });
}

pub fn ripen(world: &mut World<UpCloud>, id: &str) {
    let Some(Thing::Peering(peering)) = world.get(id) else { return };
    let (uuid, network) = (peering.uuid, peering.network);
    let state = settled(world, peering);
    let state = if world.fails("NetworkPeering/active").is_some() { "error" } else { state };
    edit(world, uuid, |peering| {
        peering.state = state.to_owned();
        peering.due = None;
    });
    stir(world, network);
}

pub fn edit(world: &mut World<UpCloud>, uuid: Uuid, change: impl FnOnce(&mut Peering)) {
    world.change(&format!("peering/{uuid}"), |thing| {
        if let Thing::Peering(peering) = thing {
            change(peering);
        }
    });
}
