//! Which request is which, and what all of them share: lists with pages and labels.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Refused, UpCloud, networks, peerings};
use crate::lookalike::{Call, Reply, Side, World};

/// The most that one page holds, and what it holds where nobody asks.
const PAGE: usize = 100;

pub fn action(call: &Call) -> String {
    let segments = call.segments();
    let one = segments.len() > 2;
    let verb = match call.method.as_str() {
        "GET" if one => "Get",
        "GET" => "List",
        "POST" => "Create",
        "PUT" | "PATCH" => "Modify",
        "DELETE" => "Delete",
        _ => "Unknown",
    };
    let noun = match segments.get(1).map(String::as_str) {
        Some("account") => return "GetAccount".to_owned(),
        Some("router") => "Router",
        Some("network") => "Network",
        Some("network-peering") => "NetworkPeering",
        _ => "",
    };
    format!("{verb}{noun}")
}

pub fn route(world: &mut World<UpCloud>, side: Side, call: &Call) -> Answer {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = call.method.as_str();
    match (method, parts.as_slice()) {
        ("GET", ["1.3", "account"]) => Ok(account(world, side)),
        ("GET", ["1.3", "router"]) => networks::routers(world, side, call),
        ("POST", ["1.3", "router"]) => networks::create_router(world, side, &body(call, "router")?),
        ("GET", ["1.3", "router", uuid]) => networks::router(world, side, id(uuid, "ROUTER_NOT_FOUND")?),
        ("PATCH", ["1.3", "router", uuid]) => {
            networks::modify_router(world, side, id(uuid, "ROUTER_NOT_FOUND")?, &body(call, "router")?)
        }
        ("DELETE", ["1.3", "router", uuid]) => networks::delete_router(world, side, id(uuid, "ROUTER_NOT_FOUND")?),
        ("GET", ["1.3", "network"]) => networks::list(world, side, call),
        ("POST", ["1.3", "network"]) => networks::create(world, side, &body(call, "network")?),
        ("GET", ["1.3", "network", uuid]) => networks::get(world, side, id(uuid, "NETWORK_NOT_FOUND")?),
        ("PUT", ["1.3", "network", uuid]) => {
            networks::modify(world, side, id(uuid, "NETWORK_NOT_FOUND")?, &body(call, "network")?)
        }
        ("DELETE", ["1.3", "network", uuid]) => networks::delete(world, side, id(uuid, "NETWORK_NOT_FOUND")?),
        ("GET", ["1.3", "network-peering"]) => peerings::list(world, side, call),
        ("POST", ["1.3", "network-peering"]) => peerings::create(world, side, &body(call, "network_peering")?),
        ("GET", ["1.3", "network-peering", uuid]) => peerings::get(world, side, id(uuid, "PEERING_NOT_FOUND")?),
        ("PATCH", ["1.3", "network-peering", uuid]) => {
            peerings::modify(world, side, id(uuid, "PEERING_NOT_FOUND")?, &body(call, "network_peering")?)
        }
        ("DELETE", ["1.3", "network-peering", uuid]) => peerings::delete(world, side, id(uuid, "PEERING_NOT_FOUND")?),
        _ => Err(Refused::new(404, "NOT_FOUND", "The requested resource is not simulated.")),
    }
}

fn account(world: &World<UpCloud>, side: Side) -> Reply {
    let limits = json!({"networks": 100, "detached_floating_ips": 0, "public_ipv4": 100, "public_ipv6": 100});
    let username = &world.account(side).username;
    Reply::json(200, &json!({"account": {"credits": 9000.0, "resource_limits": limits, "username": username}}))
}

fn id(text: &str, code: &'static str) -> Result<Uuid, Refused> {
    text.parse().map_err(|_| Refused::new(404, code, "The UUID is of nothing that is here."))
}

/// What is wrapped in `field`.
fn body(call: &Call, field: &str) -> Result<Value, Refused> {
    let sent =
        call.json().map_err(|error| Refused::new(400, "BAD_REQUEST", format!("The body is no JSON: {error}.")))?;
    match sent.get(field) {
        Some(inner) if inner.is_object() => Ok(inner.clone()),
        _ => Err(invalid(field, "is missing")),
    }
}

pub fn invalid(field: &str, reason: &str) -> Refused {
    Refused::new(400, "INVALID_REQUEST", format!("Validation error. {field}: {reason}"))
}

/// 1 to 255 characters.
pub fn name(body: &Value) -> Result<String, Refused> {
    let name = body["name"].as_str().unwrap_or_default();
    if name.is_empty() || name.chars().count() > 255 {
        return Err(invalid("name", "1 to 255 characters are required"));
    }
    Ok(name.to_owned())
}

pub fn labels(body: &Value) -> Result<Value, Refused> {
    let Some(labels) = body.get("labels") else { return Ok(json!([])) };
    let fits = |label: &Value| {
        let length = |field: &str| label[field].as_str().map(str::len);
        length("key").is_some_and(|length| (2..=32).contains(&length))
            && length("value").is_some_and(|length| length <= 255)
    };
    match labels.as_array() {
        Some(list) if list.iter().all(fits) => Ok(labels.clone()),
        _ => Err(invalid("labels", "a list of keys of 2 to 32 and values of at most 255 characters is required")),
    }
}

/// The page of a list that was asked for, of things that carry every label that was asked for.
pub fn page(call: &Call, outer: &str, inner: &str, all: Vec<Value>) -> Reply {
    let number = |name: &str| call.parameter(name).and_then(|text| text.parse::<usize>().ok());
    let wanted: Vec<String> = url::form_urlencoded::parse(call.query.as_bytes())
        .filter(|(key, _)| key == "label")
        .map(|(_, value)| value.into_owned())
        .collect();
    let carries = |thing: &Value, wanted: &String| {
        let (key, value) = wanted.split_once('=').map_or((wanted.as_str(), None), |(key, value)| (key, Some(value)));
        let matches = |label: &Value| label["key"] == key && value.is_none_or(|value| label["value"] == value);
        thing["labels"].as_array().is_some_and(|labels| labels.iter().any(matches))
    };
    let items = all.into_iter().filter(|thing| wanted.iter().all(|wanted| carries(thing, wanted)));
    let limit = number("limit").unwrap_or(PAGE).clamp(1, PAGE);
    let items: Vec<Value> = items.skip(number("offset").unwrap_or(0)).take(limit).collect();
    let mut lists = serde_json::Map::new();
    lists.insert(outer.to_owned(), json!({ inner: items }));
    Reply::json(200, &Value::Object(lists))
}
