//! Networks and routers.

use ipnet::Ipv4Net;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Answer, Network, Refused, Router, Thing, UpCloud,
    answer::{invalid, labels, name, page},
    state,
};
use crate::lookalike::{Call, Reply, Side, World};

/// UpCloud's own network of the zone, and two of the peer's: one that can be peered and one that lacks a router.
pub fn found(world: &mut World<UpCloud>) {
    let range = |text: &str| text.parse::<Ipv4Net>().expect("the ranges below are ranges");
    let router = Router {
        side: Side::Theirs,
        uuid: numbered(4),
        name: "main router".to_owned(),
        labels: json!([]),
        made_at: world.now(),
    };
    let network = |side: Option<Side>, name: &str, kind: &str, cidr: &str, router: Option<Uuid>| Network {
        side,
        uuid: numbered(3),
        name: name.to_owned(),
        kind: kind.to_owned(),
        zone: "de-fra1".to_owned(),
        range: range(cidr),
        dhcp: json!({"dhcp": "yes", "dhcp_default_route": if kind == "public" { "yes" } else { "no" }}),
        router,
        labels: json!([]),
        made_at: 0,
    };
    let networks = [
        network(None, "Public 94.237.96.0/22", "public", "94.237.96.0/22", None),
        network(Some(Side::Theirs), "main", "private", "10.90.0.0/24", Some(router.uuid)),
        network(Some(Side::Theirs), "no router yet", "private", "10.91.0.0/24", None),
    ];
    world.put(format!("router/{}", router.uuid), Thing::Router(router));
    for network in networks {
        world.put(format!("network/{}", network.uuid), Thing::Network(network));
    }
}

/// UpCloud's UUIDs say in their first two digits what they are of: 03 networks, 04 routers, 0f peerings.
pub fn numbered(kind: u8) -> Uuid {
    let mut bytes = *Uuid::new_v4().as_bytes();
    bytes[0] = kind;
    Uuid::from_bytes(bytes)
}

fn ours(world: &World<UpCloud>, side: Side) -> impl Iterator<Item = &Network> {
    world.under("network/").filter_map(move |(_, thing)| match thing {
        Thing::Network(network) if network.side.is_none_or(|owner| owner == side) => Some(network),
        _ => None,
    })
}

/// One that this account may read.
///
/// # Errors
/// As UpCloud says it: what belongs to others is not there.
fn one(world: &World<UpCloud>, side: Side, uuid: Uuid) -> Result<&Network, Refused> {
    let missing = || Refused::new(404, "NETWORK_NOT_FOUND", format!("The network {uuid} does not exist."));
    state::network(world, uuid).filter(|network| network.side.is_none_or(|owner| owner == side)).ok_or_else(missing)
}

fn one_router(world: &World<UpCloud>, side: Side, uuid: Uuid) -> Result<&Router, Refused> {
    match world.get(&format!("router/{uuid}")) {
        Some(Thing::Router(router)) if router.side == side => Ok(router),
        _ => Err(Refused::new(404, "ROUTER_NOT_FOUND", format!("The router {uuid} does not exist."))),
    }
}

pub fn shown(network: &Network) -> Value {
    let mut range = network.dhcp.clone();
    range["address"] = json!(network.range);
    range["family"] = json!("IPv4");
    let first = network.range.hosts().next();
    range["gateway"] = range.get("gateway").cloned().unwrap_or_else(|| json!(first));
    let mut shown = json!({
        "uuid": network.uuid, "name": network.name, "type": network.kind, "zone": network.zone,
        "labels": network.labels, "ip_networks": {"ip_network": [range]},
    });
    if let Some(router) = network.router {
        shown["router"] = json!(router);
    }
    shown
}

fn shown_router(world: &World<UpCloud>, router: &Router) -> Value {
    let attached = ours(world, router.side).filter(|network| network.router == Some(router.uuid));
    let attached: Vec<Value> = attached.map(|network| json!({"uuid": network.uuid})).collect();
    json!({
        "uuid": router.uuid, "name": router.name, "type": "normal", "labels": router.labels,
        "attached_networks": {"network": attached}, "static_routes": [],
    })
}

pub fn list(world: &World<UpCloud>, side: Side, call: &Call) -> Answer {
    let zone = call.parameter("zone");
    let visible = ours(world, side).filter(|network| world.settled(network.made_at));
    let wanted = visible.filter(|network| zone.as_ref().is_none_or(|zone| *zone == network.zone));
    Ok(page(call, "networks", "network", wanted.map(shown).collect()))
}

pub fn get(world: &World<UpCloud>, side: Side, uuid: Uuid) -> Answer {
    let network = one(world, side, uuid)?;
    if !world.settled(network.made_at) {
        return Err(Refused::new(404, "NETWORK_NOT_FOUND", format!("The network {uuid} does not exist.")));
    }
    Ok(Reply::json(200, &json!({"network": shown(network)})))
}

pub fn create(world: &mut World<UpCloud>, side: Side, body: &Value) -> Answer {
    let zone = body["zone"].as_str().filter(|zone| zone.contains('-'));
    let zone = zone.ok_or_else(|| Refused::new(400, "ZONE_INVALID", "The zone is missing or invalid."))?.to_owned();
    let asked = &body["ip_networks"]["ip_network"][0];
    let address = asked["address"].as_str().unwrap_or_default();
    let range = address.parse::<Ipv4Net>().ok().filter(|range| *range == range.trunc());
    let range = range.ok_or_else(|| invalid("ip_networks.ip_network.address", "is no network address"))?;
    let router = attachable(world, side, &body["router"])?;
    let mut dhcp = json!({
        "dhcp": asked.get("dhcp").unwrap_or(&json!("no")),
        "dhcp_default_route": asked.get("dhcp_default_route").unwrap_or(&json!("no")),
    });
    for field in ["dhcp_dns", "dhcp_routes", "gateway"] {
        if let Some(value) = asked.get(field) {
            dhcp[field] = value.clone();
        }
    }
    let uuid = numbered(3);
    let network = Network {
        side: Some(side),
        uuid,
        name: name(body)?,
        kind: "private".to_owned(),
        zone,
        range,
        dhcp,
        router,
        labels: labels(body)?,
        made_at: world.now(),
    };
    let reply = Reply::json(201, &json!({"network": shown(&network)}));
    world.put(format!("network/{uuid}"), Thing::Network(network));
    Ok(reply)
}

fn attachable(world: &World<UpCloud>, side: Side, router: &Value) -> Result<Option<Uuid>, Refused> {
    if router.is_null() {
        return Ok(None);
    }
    let uuid = router.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| invalid("router", "is no UUID"))?;
    one_router(world, side, uuid)?;
    Ok(Some(uuid))
}

pub fn modify(world: &mut World<UpCloud>, side: Side, uuid: Uuid, body: &Value) -> Answer {
    let network = one(world, side, uuid)?;
    if network.side != Some(side) {
        return Err(Refused::new(403, "NETWORK_FORBIDDEN", format!("The network {uuid} is not yours to change.")));
    }
    let mut changed = network.clone();
    if body.get("name").is_some() {
        changed.name = name(body)?;
    }
    if body.get("labels").is_some() {
        changed.labels = labels(body)?;
    }
    if let Some(router) = body.get("router") {
        changed.router = attachable(world, side, router)?;
    }
    let reply = Reply::json(200, &json!({"network": shown(&changed)}));
    world.put(format!("network/{uuid}"), Thing::Network(changed));
    state::stir(world, uuid);
    Ok(reply)
}

pub fn delete(world: &mut World<UpCloud>, side: Side, uuid: Uuid) -> Answer {
    if one(world, side, uuid)?.side != Some(side) {
        return Err(Refused::new(403, "NETWORK_FORBIDDEN", format!("The network {uuid} is not yours to delete.")));
    }
    let ours: Vec<Uuid> =
        state::peerings(world).filter(|peering| peering.network == uuid).map(|peering| peering.uuid).collect();
    for peering in ours {
        world.remove(&format!("peering/{peering}"));
    }
    world.remove(&format!("network/{uuid}"));
    state::stir(world, uuid);
    Ok(Reply::empty(204))
}

pub fn routers(world: &World<UpCloud>, side: Side, call: &Call) -> Answer {
    let routers = world.under("router/").filter_map(|(_, thing)| match thing {
        Thing::Router(router) if router.side == side && world.settled(router.made_at) => Some(router),
        _ => None,
    });
    Ok(page(call, "routers", "router", routers.map(|router| shown_router(world, router)).collect()))
}

pub fn router(world: &World<UpCloud>, side: Side, uuid: Uuid) -> Answer {
    let router = one_router(world, side, uuid)?;
    Ok(Reply::json(200, &json!({"router": shown_router(world, router)})))
}

pub fn create_router(world: &mut World<UpCloud>, side: Side, body: &Value) -> Answer {
    let router = Router { side, uuid: numbered(4), name: name(body)?, labels: labels(body)?, made_at: world.now() };
    let reply = Reply::json(201, &json!({"router": shown_router(world, &router)}));
    world.put(format!("router/{}", router.uuid), Thing::Router(router));
    Ok(reply)
}

pub fn modify_router(world: &mut World<UpCloud>, side: Side, uuid: Uuid, body: &Value) -> Answer {
    let mut router = one_router(world, side, uuid)?.clone();
    if body.get("name").is_some() {
        router.name = name(body)?;
    }
    if body.get("labels").is_some() {
        router.labels = labels(body)?;
    }
    let reply = Reply::json(200, &json!({"router": shown_router(world, &router)}));
    world.put(format!("router/{uuid}"), Thing::Router(router));
    Ok(reply)
}

pub fn delete_router(world: &mut World<UpCloud>, side: Side, uuid: Uuid) -> Answer {
    one_router(world, side, uuid)?;
    if ours(world, side).any(|network| network.router == Some(uuid)) {
        return Err(Refused::new(409, "ROUTER_ATTACHED", format!("The router {uuid} is attached to a network.")));
    }
    world.remove(&format!("router/{uuid}"));
    Ok(Reply::empty(204))
}
