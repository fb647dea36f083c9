//! Instances, as far as networks see them: an interface in a subnetwork, and at most one external address.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Answer, Google, Refused, Subnetwork, Thing,
    addresses::{self, external},
    answer::{About, id_of, name, number, page, stamp, url},
    operations::{Change, begin},
};
use crate::lookalike::{Call, Reply, World};

const INTERFACE: &str = "nic0";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instance {
    pub project: String,
    pub zone: String,
    pub name: String,
    pub id: u64,
    pub subnetwork: String,
    pub address: Ipv4Addr,
    pub nat: Option<Nat>,
    pub made_at: i64,
}

/// An access configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Nat {
    pub name: String,
    pub address: Ipv4Addr,
}

pub fn all(world: &World<Google>) -> impl Iterator<Item = (&str, &Instance)> {
    world.under("projects/").filter_map(|(id, thing)| match thing {
        Thing::Instance(instance) => Some((id, instance)),
        _ => None,
    })
}

fn path(about: &About, zone: &str, name: &str) -> String {
    format!("projects/{}/zones/{zone}/instances/{name}", about.project)
}

fn one(world: &World<Google>, about: &About, zone: &str, name: &str) -> Result<(String, Instance), Refused> {
    let id = path(about, zone, name);
    match world.get(&id) {
        Some(Thing::Instance(instance)) if world.settled(instance.made_at) => Ok((id, instance.clone())),
        _ => Err(Refused::not_found(&id)),
    }
}

/// `europe-west1` of `europe-west1-b`.
fn region(zone: &str) -> &str {
    zone.rsplit_once('-').map_or(zone, |(region, _)| region)
}

pub fn insert(world: &mut World<Google>, about: &About, zone: &str, body: &Value) -> Answer {
    let name = name(body)?;
    let id = path(about, zone, &name);
    if world.get(&id).is_some() {
        return Err(Refused::new(409, "alreadyExists", format!("The resource '{id}' already exists")));
    }
    let interface = &body["networkInterfaces"][0];
    let subnetwork = interface["subnetwork"].as_str().and_then(id_of);
    let found = subnetwork.as_deref().and_then(|id| world.get(id));
    let (Some(subnetwork), Some(Thing::Subnetwork(Subnetwork { range, region: home, .. }))) = (subnetwork, found)
    else {
        return Err(Refused::invalid("resource.networkInterfaces[0].subnetwork", &interface["subnetwork"]));
    };
    if home != region(zone) {
        return Err(Refused::invalid("resource.networkInterfaces[0].subnetwork", &interface["subnetwork"]));
    }
    let taken: Vec<Ipv4Addr> =
        all(world).filter(|(_, one)| one.subnetwork == subnetwork).map(|(_, one)| one.address).collect();
    // The first address is the gateway's.
    let address = range.hosts().skip(1).find(|host| !taken.contains(host));
    let address = address.ok_or_else(|| Refused::new(403, "quotaExceeded", "The subnetwork is full."))?;
    let nat = match interface["accessConfigs"].get(0) {
        None => None,
        Some(wanted) => Some(configured(world, about, zone, wanted)?),
    };
    let instance = Instance {
        project: about.project.clone(),
        zone: zone.to_owned(),
        name,
        id: number(),
        subnetwork,
        address,
        nat,
        made_at: world.now(),
    };
    Ok(begin(world, about, "instances.insert", &id, Change::Put(Box::new(Thing::Instance(instance)))))
}

/// With an address that was reserved, or one for as long as the instance has it.
fn configured(world: &World<Google>, about: &About, zone: &str, wanted: &Value) -> Result<Nat, Refused> {
    let name = wanted["name"].as_str().unwrap_or("External NAT").to_owned();
    let Some(given) = wanted["natIP"].as_str() else {
        let address = external(world).ok_or_else(|| Refused::new(403, "quotaExceeded", "No address is left."))?;
        return Ok(Nat { name, address });
    };
    let not_found = || {
        let message = format!(
            "Invalid value for field 'resource.natIP': '{given}'. The specified external IP address '{given}' was not found in region '{}'.",
            region(zone)
        );
        Refused::new(400, "invalid", message)
    };
    let address: Ipv4Addr = given.parse().map_err(|_| not_found())?;
    if !addresses::is_reserved(world, &about.project, region(zone), address) {
        return Err(not_found());
    }
    match all(world).find(|(_, one)| one.nat.as_ref().is_some_and(|nat| nat.address == address)) {
        None => Ok(Nat { name, address }),
        Some((user, _)) => {
            let message = format!("External IP address: {address} is already in-use by '{user}'.");
            Err(Refused::new(400, "externalIpInUse", message))
        }
    }
}

pub fn get(world: &World<Google>, about: &About, zone: &str, name: &str) -> Answer {
    let (id, instance) = one(world, about, zone, name)?;
    Ok(Reply::json(200, &shown(&id, &instance)))
}

pub fn list(world: &World<Google>, about: &About, zone: &str, call: &Call) -> Answer {
    let prefix = format!("projects/{}/zones/{zone}/instances", about.project);
    let own = all(world).filter(|(id, one)| id.starts_with(&format!("{prefix}/")) && world.settled(one.made_at));
    let shown = own.map(|(id, instance)| shown(id, instance)).collect();
    Ok(page(call, "instanceList", &prefix, shown))
}

fn shown(id: &str, instance: &Instance) -> Value {
    let mut interface = json!({
        "kind": "compute#networkInterface",
        "name": INTERFACE,
        "subnetwork": url(&instance.subnetwork),
        "networkIP": instance.address,
    });
    if let Some(nat) = &instance.nat {
        let config = json!({
            "kind": "compute#accessConfig", "type": "ONE_TO_ONE_NAT", "name": nat.name, "natIP": nat.address,
            "networkTier": "PREMIUM",
        });
        interface["accessConfigs"] = json!([config]);
    }
    json!({
        "kind": "compute#instance",
        "id": instance.id.to_string(),
        "name": instance.name,
        "selfLink": url(id),
        "creationTimestamp": stamp(instance.made_at),
        "zone": url(&format!("projects/{}/zones/{}", instance.project, instance.zone)),
        "status": "RUNNING",
        "networkInterfaces": [interface],
    })
}

pub fn delete(world: &mut World<Google>, about: &About, zone: &str, name: &str) -> Answer {
    let (id, _) = one(world, about, zone, name)?;
    Ok(begin(world, about, "instances.delete", &id, Change::Remove))
}

/// The interface that a call names has to be the only one that there is.
fn interface(call: &Call) -> Result<(), Refused> {
    let named = call.parameter("networkInterface").unwrap_or_default();
    if named == INTERFACE { Ok(()) } else { Err(Refused::invalid("networkInterface", &json!(named))) }
}

pub fn add_access(
    world: &mut World<Google>,
    about: &About,
    (zone, name): (&str, &str),
    call: &Call,
    body: &Value,
) -> Answer {
    let (id, instance) = one(world, about, zone, name)?;
    interface(call)?;
    if instance.nat.is_some() {
        let message = "At most one access config currently supported.";
        return Err(Refused::new(400, "invalid", message));
    }
    let nat = configured(world, about, zone, body)?;
    Ok(begin(world, about, "instances.addAccessConfig", &id, Change::SetAccess(Some(nat))))
}

pub fn delete_access(world: &mut World<Google>, about: &About, (zone, name): (&str, &str), call: &Call) -> Answer {
    let (id, instance) = one(world, about, zone, name)?;
    interface(call)?;
    let named = call.parameter("accessConfig").unwrap_or_default();
    if instance.nat.is_none_or(|nat| nat.name != named) {
        let message = format!("Invalid value for field 'accessConfig': '{named}'. Access config does not exist.");
        return Err(Refused::new(400, "invalid", message));
    }
    Ok(begin(world, about, "instances.deleteAccessConfig", &id, Change::SetAccess(None)))
}

/// An operation is over: whoever was faster has the address.
///
/// # Errors
/// If somebody was.
pub fn set_access(world: &mut World<Google>, id: &str, nat: Option<Nat>) -> Result<(), (String, String)> {
    if let Some(nat) = &nat
        && let Some((user, _)) =
            all(world).find(|(_, one)| one.nat.as_ref().is_some_and(|own| own.address == nat.address))
    {
        let message = format!("External IP address: {} is already in-use by '{user}'.", nat.address);
        return Err(("EXTERNAL_IP_IN_USE".to_owned(), message));
    }
    world.change(id, |thing| {
        if let Thing::Instance(instance) = thing {
            instance.nat = nat;
        }
    });
    Ok(())
}
