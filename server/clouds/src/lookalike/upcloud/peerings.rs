//! Network peerings.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Answer, Peering, Refused, Thing, UpCloud,
    answer::{invalid, labels, name, page},
    networks::numbered,
    state,
};
use crate::lookalike::{Call, Reply, Side, World};

fn one(world: &World<UpCloud>, side: Side, uuid: Uuid) -> Result<&Peering, Refused> {
    match world.get(&format!("peering/{uuid}")) {
        Some(Thing::Peering(peering)) if peering.side == side => Ok(peering),
        _ => Err(Refused::new(404, "PEERING_NOT_FOUND", format!("The network peering {uuid} does not exist."))),
    }
}

/// The peer's ranges are told only once it has agreed.
fn shown(world: &World<UpCloud>, peering: &Peering) -> Value {
    let end = |uuid: Uuid, told: bool| match state::network(world, uuid) {
        Some(network) if told => {
            json!({"uuid": uuid, "ip_networks": {"ip_network": [{"address": network.range, "family": "IPv4"}]}})
        }
        _ => json!({"uuid": uuid}),
    };
    let agreed = matches!(peering.state.as_str(), "active" | "peer-disabled");
    json!({
        "uuid": peering.uuid, "name": peering.name, "labels": peering.labels,
        "configured_status": peering.configured_status, "state": peering.state,
        "network": end(peering.network, true), "peer_network": end(peering.peer_network, agreed),
    })
}

pub fn list(world: &World<UpCloud>, side: Side, call: &Call) -> Answer {
    let ours = state::peerings(world).filter(|peering| peering.side == side && world.settled(peering.made_at));
    Ok(page(call, "network_peerings", "network_peering", ours.map(|peering| shown(world, peering)).collect()))
}

pub fn get(world: &World<UpCloud>, side: Side, uuid: Uuid) -> Answer {
    let peering = one(world, side, uuid)?;
    if !world.settled(peering.made_at) {
        return Err(Refused::new(404, "PEERING_NOT_FOUND", format!("The network peering {uuid} does not exist.")));
    }
    Ok(Reply::json(200, &json!({"network_peering": shown(world, peering)})))
}

pub fn create(world: &mut World<UpCloud>, side: Side, body: &Value) -> Answer {
    let uuid_of = |field: &str| body[field]["uuid"].as_str().and_then(|text| text.parse::<Uuid>().ok());
    let network = uuid_of("network").ok_or_else(|| invalid("network.uuid", "a UUID is required"))?;
    let peer_network = uuid_of("peer_network").ok_or_else(|| invalid("peer_network.uuid", "a UUID is required"))?;
    if network == peer_network {
        return Err(invalid("peer_network.uuid", "a network cannot be peered with itself"));
    }
    let ours = state::network(world, network).filter(|network| network.side == Some(side));
    let ours =
        ours.ok_or_else(|| Refused::new(404, "NETWORK_NOT_FOUND", format!("The network {network} does not exist.")))?;
    let theirs = state::network(world, peer_network).filter(|network| network.kind == "private").ok_or_else(|| {
        Refused::new(404, "PEER_NETWORK_NOT_FOUND", format!("The peer network {peer_network} does not exist."))
    })?;
    if ours.zone != theirs.zone {
        let message = format!("The networks are in the zones {} and {}.", ours.zone, theirs.zone);
        return Err(Refused::new(409, "ZONE_MISMATCH", message));
    }
    if ours.router.is_none() {
        let message = format!("The network {network} is attached to no router.");
        return Err(Refused::new(409, "LOCAL_NETWORK_NO_ROUTER", message));
    }
    if state::peerings(world).any(|other| other.network == network && other.peer_network == peer_network) {
        return Err(Refused::new(409, "PEERING_CONFLICT", "A peering between these networks exists already."));
    }
    let uuid = numbered(0x0f);
    let peering = Peering {
        side,
        uuid,
        name: name(body)?,
        network,
        peer_network,
        configured_status: configured(body)?.unwrap_or("active").to_owned(),
        state: String::new(),
        due: None,
        labels: labels(body)?,
        made_at: world.now(),
    };
    world.put(format!("peering/{uuid}"), Thing::Peering(peering));
    state::provision(world, uuid);
    state::stir(world, network);
    Ok(Reply::json(201, &json!({"network_peering": shown(world, one(world, side, uuid)?)})))
}

fn configured(body: &Value) -> Result<Option<&str>, Refused> {
    match body.get("configured_status").map(Value::as_str) {
        None => Ok(None),
        Some(Some(status @ ("active" | "disabled"))) => Ok(Some(status)),
        Some(_) => Err(invalid("configured_status", "is active or disabled")),
    }
}

pub fn modify(world: &mut World<UpCloud>, side: Side, uuid: Uuid, body: &Value) -> Answer {
    let mut changed = one(world, side, uuid)?.clone();
    if body.get("name").is_some() {
        changed.name = name(body)?;
    }
    if body.get("labels").is_some() {
        changed.labels = labels(body)?;
    }
    let status = configured(body)?;
    if let Some(status) = status {
        changed.configured_status = status.to_owned();
    }
    let network = changed.network;
    world.put(format!("peering/{uuid}"), Thing::Peering(changed));
    if status.is_some() {
        state::provision(world, uuid);
        state::stir(world, network);
    }
    Ok(Reply::json(200, &json!({"network_peering": shown(world, one(world, side, uuid)?)})))
}

pub fn delete(world: &mut World<UpCloud>, side: Side, uuid: Uuid) -> Answer {
    let peering = one(world, side, uuid)?;
    if peering.configured_status != "disabled" || peering.state != "disabled" {
        let message =
            format!("The network peering {uuid} is {}; only disabled peerings can be deleted.", peering.state);
        return Err(Refused::new(409, "PEERING_NOT_DISABLED", message));
    }
    let network = peering.network;
    world.remove(&format!("peering/{uuid}"));
    state::stir(world, network);
    Ok(Reply::empty(204))
}
