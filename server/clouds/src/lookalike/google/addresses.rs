//! External addresses of a region. All of them are of the ranges that are kept for documentation: they lead nowhere.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Answer, Google, Refused, Thing,
    answer::{About, name, number, page, stamp, url},
    instances,
    operations::{Change, begin},
};
use crate::lookalike::{Call, Reply, World};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Address {
    pub project: String,
    pub region: String,
    pub name: String,
    pub id: u64,
    pub description: String,
    pub address: Ipv4Addr,
    pub made_at: i64,
}

fn all(world: &World<Google>) -> impl Iterator<Item = &Address> {
    world.under("projects/").filter_map(|(_, thing)| match thing {
        Thing::Address(address) => Some(address),
        _ => None,
    })
}

/// One that nobody has.
pub fn external(world: &World<Google>) -> Option<Ipv4Addr> {
    let nets = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
    let pool = nets.into_iter().flat_map(|[a, b, c]| (1..=254).map(move |last| Ipv4Addr::new(a, b, c, last)));
    let taken = |one: &Ipv4Addr| {
        all(world).any(|address| address.address == *one)
            || instances::all(world).any(|(_, instance)| instance.nat.as_ref().is_some_and(|nat| nat.address == *one))
    };
    let free: Vec<Ipv4Addr> = pool.filter(|one| !taken(one)).collect();
    free.get(rand::random_range(0..free.len().max(1))).copied()
}

pub fn is_reserved(world: &World<Google>, project: &str, region: &str, address: Ipv4Addr) -> bool {
    all(world).any(|one| one.project == project && one.region == region && one.address == address)
}

fn path(about: &About, region: &str, name: &str) -> String {
    format!("projects/{}/regions/{region}/addresses/{name}", about.project)
}

fn one<'a>(
    world: &'a World<Google>,
    about: &About,
    region: &str,
    name: &str,
) -> Result<(String, &'a Address), Refused> {
    let id = path(about, region, name);
    match world.get(&id) {
        Some(Thing::Address(address)) if world.settled(address.made_at) => Ok((id, address)),
        _ => Err(Refused::not_found(&id)),
    }
}

pub fn insert(world: &mut World<Google>, about: &About, region: &str, body: &Value) -> Answer {
    let name = name(body)?;
    let id = path(about, region, &name);
    if world.get(&id).is_some() {
        return Err(Refused::new(409, "alreadyExists", format!("The resource '{id}' already exists")));
    }
    if body["addressType"].as_str().is_some_and(|kind| kind != "EXTERNAL") {
        return Err(Refused::invalid("resource.addressType", &body["addressType"]));
    }
    let address = external(world);
    let address = address.ok_or_else(|| Refused::new(403, "quotaExceeded", "Quota 'STATIC_ADDRESSES' exceeded."))?;
    let address = Address {
        project: about.project.clone(),
        region: region.to_owned(),
        name,
        id: number(),
        description: body["description"].as_str().unwrap_or_default().to_owned(),
        address,
        made_at: world.now(),
    };
    Ok(begin(world, about, "addresses.insert", &id, Change::Put(Box::new(Thing::Address(address)))))
}

pub fn get(world: &World<Google>, about: &About, region: &str, name: &str) -> Answer {
    let (id, address) = one(world, about, region, name)?;
    Ok(Reply::json(200, &shown(world, &id, address)))
}

pub fn list(world: &World<Google>, about: &About, region: &str, call: &Call) -> Answer {
    let prefix = format!("projects/{}/regions/{region}/addresses", about.project);
    let own =
        all(world).filter(|one| one.project == about.project && one.region == region && world.settled(one.made_at));
    let shown = own.map(|one| shown(world, &path(about, region, &one.name), one)).collect();
    Ok(page(call, "addressList", &prefix, shown))
}

fn users(world: &World<Google>, address: &Address) -> Vec<String> {
    let has = |instance: &instances::Instance| instance.nat.as_ref().is_some_and(|nat| nat.address == address.address);
    instances::all(world).filter(|(_, instance)| has(instance)).map(|(id, _)| url(id)).collect()
}

fn shown(world: &World<Google>, id: &str, address: &Address) -> Value {
    let users = users(world, address);
    let mut shown = json!({
        "kind": "compute#address",
        "id": address.id.to_string(),
        "name": address.name,
        "description": address.description,
        "selfLink": url(id),
        "creationTimestamp": stamp(address.made_at),
        "address": address.address,
        "addressType": "EXTERNAL",
        "networkTier": "PREMIUM",
        "region": url(&format!("projects/{}/regions/{}", address.project, address.region)),
        "status": if users.is_empty() { "RESERVED" } else { "IN_USE" },
    });
    if !users.is_empty() {
        shown["users"] = json!(users);
    }
    shown
}

pub fn delete(world: &mut World<Google>, about: &About, region: &str, name: &str) -> Answer {
    let (id, address) = one(world, about, region, name)?;
    if let Some(user) = users(world, address).first() {
        let message = format!("The address resource '{id}' is already being used by '{user}'");
        return Err(Refused::new(400, "resourceInUseByAnotherResource", message));
    }
    Ok(begin(world, about, "addresses.delete", &id, Change::Remove))
}
