//! Firewall rules: kept as they were sent, with what Google adds.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::{
    Answer, Firewall, Google, Refused, Thing,
    answer::{About, id_of, name, number, page, passes, stamp, url},
    networks::network,
    operations::{Change, begin},
};
use crate::lookalike::{Call, Reply, World};

/// The fields of a rule that a caller may set.
const FIELDS: [&str; 12] = [
    "description",
    "priority",
    "sourceRanges",
    "destinationRanges",
    "sourceTags",
    "targetTags",
    "sourceServiceAccounts",
    "targetServiceAccounts",
    "allowed",
    "denied",
    "direction",
    "disabled",
];

fn id(about: &About, name: &str) -> String {
    format!("projects/{}/global/firewalls/{name}", about.project)
}

fn one<'a>(world: &'a World<Google>, id: &str) -> Result<&'a Firewall, Refused> {
    match world.get(id) {
        Some(Thing::Firewall(firewall)) => Ok(firewall),
        _ => Err(Refused::not_found(id)),
    }
}

fn shown(id: &str, firewall: &Firewall) -> Value {
    let mut shown = json!({
        "kind": "compute#firewall",
        "id": firewall.id.to_string(),
        "name": firewall.name,
        "network": url(&firewall.network),
        "selfLink": url(id),
        "creationTimestamp": stamp(firewall.made_at),
        "logConfig": {"enable": false},
    });
    for (field, value) in firewall.rule.as_object().into_iter().flatten() {
        shown[field] = value.clone();
    }
    shown
}

/// What was asked for, over what was there.
fn written(before: Value, body: &Value) -> Result<Value, Refused> {
    let mut rule = before;
    for field in FIELDS {
        if let Some(value) = body.get(field) {
            rule[field] = value.clone();
        }
    }
    let ranges = rule["sourceRanges"].as_array().cloned().unwrap_or_default();
    let good = |range: &Value| range.as_str().is_some_and(|text| text.parse::<Ipv4Net>().is_ok());
    if let Some(bad) = ranges.iter().find(|range| !good(range)) {
        return Err(Refused::invalid("resource.sourceRanges", bad));
    }
    if rule["allowed"].as_array().is_none_or(Vec::is_empty) && rule["denied"].as_array().is_none_or(Vec::is_empty) {
        return Err(Refused::invalid("resource.allowed", &rule["allowed"]));
    }
    Ok(rule)
}

pub fn list(world: &World<Google>, about: &About, call: &Call) -> Answer {
    let prefix = id(about, "");
    let all = world.under(&prefix).filter_map(|(id, thing)| match thing {
        Thing::Firewall(firewall) if passes(call, &url(&firewall.network)) && world.settled(firewall.made_at) => {
            Some(shown(id, firewall))
        }
        _ => None,
    });
    Ok(page(call, "firewallList", prefix.trim_end_matches('/'), all.collect()))
}

pub fn get(world: &World<Google>, about: &About, name: &str) -> Answer {
    let id = id(about, name);
    Ok(Reply::json(200, &shown(&id, one(world, &id)?)))
}

pub fn insert(world: &mut World<Google>, about: &About, body: &Value) -> Answer {
    let name = name(body)?;
    let id = id(about, &name);
    if world.get(&id).is_some() {
        return Err(Refused::new(409, "alreadyExists", format!("The resource '{id}' already exists")));
    }
    let network = body["network"].as_str().and_then(id_of).filter(|id| network(world, id).is_some());
    let network = network.ok_or_else(|| Refused::invalid("resource.network", &body["network"]))?;
    let rule = written(json!({"direction": "INGRESS", "priority": 1000, "disabled": false}), body)?;
    let firewall = Firewall { project: about.project.clone(), name, id: number(), network, rule, made_at: world.now() };
    Ok(begin(world, about, "firewalls.insert", &id, Change::Put(Box::new(Thing::Firewall(firewall)))))
}

pub fn update(world: &mut World<Google>, about: &About, name: &str, body: &Value) -> Answer {
    let id = id(about, name);
    let mut firewall = one(world, &id)?.clone();
    firewall.rule = written(firewall.rule, body)?;
    Ok(begin(world, about, "firewalls.patch", &id, Change::Put(Box::new(Thing::Firewall(firewall)))))
}

pub fn delete(world: &mut World<Google>, about: &About, name: &str) -> Answer {
    let id = id(about, name);
    one(world, &id)?;
    Ok(begin(world, about, "firewalls.delete", &id, Change::Remove))
}
