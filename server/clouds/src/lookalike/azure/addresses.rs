//! Public IP addresses and network interfaces. All addresses are of the ranges that are kept for documentation: they
//! lead nowhere.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Answer, Azure, Refused, Thing,
    answer::{At, page},
    key,
    networks::Network,
    operations::{Asked, begin, visible},
    text,
};
use crate::lookalike::{Call, Reply, World};

/// A public IP address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Address {
    pub id: String,
    pub name: String,
    pub location: String,
    pub tags: Value,
    pub address: Ipv4Addr,
    pub guid: Uuid,
    pub provisioning: String,
    pub made_at: i64,
    pub version: u64,
}

/// A network interface. Azure makes them with machines; here somebody makes them by themselves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Interface {
    pub id: String,
    pub name: String,
    pub location: String,
    pub tags: Value,
    pub configurations: Vec<Configuration>,
    pub guid: Uuid,
    pub provisioning: String,
    pub made_at: i64,
    pub version: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Configuration {
    name: String,
    subnet: String,
    private: Ipv4Addr,
    public: Option<String>,
    primary: bool,
}

fn address<'a>(world: &'a World<Azure>, key: &str) -> Option<&'a Address> {
    match world.get(key)? {
        Thing::Address(address) => Some(address),
        _ => None,
    }
}

fn addresses(world: &World<Azure>) -> impl Iterator<Item = &Address> {
    world.under("/subscriptions/").filter_map(|(_, thing)| match thing {
        Thing::Address(address) => Some(address),
        _ => None,
    })
}

fn interfaces(world: &World<Azure>) -> impl Iterator<Item = &Interface> {
    world.under("/subscriptions/").filter_map(|(_, thing)| match thing {
        Thing::Interface(interface) => Some(interface),
        _ => None,
    })
}

/// The configuration that has a public address.
fn user(world: &World<Azure>, address: &str) -> Option<String> {
    interfaces(world).find_map(|interface| {
        let has = |one: &&Configuration| one.public.as_deref().map(key).as_deref() == Some(address);
        let found = interface.configurations.iter().find(has)?;
        Some(format!("{}/ipConfigurations/{}", interface.id, found.name))
    })
}

/// Who is in a network, so that it may not go.
pub fn within(world: &World<Azure>, network: &str) -> Option<String> {
    let prefix = format!("{network}/subnets/");
    let is_in = |one: &Configuration| key(&one.subnet).starts_with(&prefix);
    let found = interfaces(world).find(|interface| interface.configurations.iter().any(is_in))?;
    Some(found.id.clone())
}

fn etag(guid: Uuid, version: u64) -> String {
    format!("W/\"{guid}-{version}\"")
}

fn shown_address(world: &World<Azure>, address: &Address) -> Value {
    let mut properties = json!({
        "provisioningState": address.provisioning,
        "resourceGuid": address.guid,
        "ipAddress": address.address,
        "publicIPAddressVersion": "IPv4",
        "publicIPAllocationMethod": "Static",
        "idleTimeoutInMinutes": 4,
        "ipTags": [],
    });
    if let Some(user) = user(world, &key(&address.id)) {
        properties["ipConfiguration"] = json!({ "id": user });
    }
    json!({
        "id": address.id, "name": address.name, "type": "Microsoft.Network/publicIPAddresses",
        "location": address.location, "etag": etag(address.guid, address.version), "tags": address.tags,
        "sku": {"name": "Standard", "tier": "Regional"}, "properties": properties,
    })
}

fn shown_interface(interface: &Interface) -> Value {
    let etag = etag(interface.guid, interface.version);
    let configuration = |one: &Configuration| {
        let mut properties = json!({
            "provisioningState": interface.provisioning,
            "privateIPAddress": one.private,
            "privateIPAllocationMethod": "Dynamic",
            "privateIPAddressVersion": "IPv4",
            "primary": one.primary,
            "subnet": {"id": one.subnet},
        });
        if let Some(public) = &one.public {
            properties["publicIPAddress"] = json!({ "id": public });
        }
        json!({
            "id": format!("{}/ipConfigurations/{}", interface.id, one.name), "name": one.name, "etag": etag,
            "type": "Microsoft.Network/networkInterfaces/ipConfigurations", "properties": properties,
        })
    };
    let configurations: Vec<Value> = interface.configurations.iter().map(configuration).collect();
    json!({
        "id": interface.id, "name": interface.name, "type": "Microsoft.Network/networkInterfaces",
        "location": interface.location, "etag": etag, "tags": interface.tags,
        "properties": {
            "provisioningState": interface.provisioning, "resourceGuid": interface.guid,
            "ipConfigurations": configurations, "enableIPForwarding": false, "enableAcceleratedNetworking": false,
        },
    })
}

fn shown(world: &World<Azure>, thing: &Thing) -> Option<Value> {
    match thing {
        Thing::Address(address) if visible(world, address.made_at, &address.provisioning) => {
            Some(shown_address(world, address))
        }
        Thing::Interface(interface) if visible(world, interface.made_at, &interface.provisioning) => {
            Some(shown_interface(interface))
        }
        _ => None,
    }
}

fn is_of(thing: &Thing, kind: &str) -> bool {
    match thing {
        Thing::Address(_) => kind == "publicIPAddresses",
        Thing::Interface(_) => kind == "networkInterfaces",
        _ => false,
    }
}

pub fn list(world: &World<Azure>, prefix: &str, kind: &str, call: &Call) -> Answer {
    let all = world.under(prefix).filter(|(_, thing)| is_of(thing, kind));
    Ok(page(call, all.filter_map(|(_, thing)| shown(world, thing)).collect()))
}

pub fn get(world: &World<Azure>, at: &At) -> Answer {
    let found = world.get(&at.key()).and_then(|thing| shown(world, thing));
    found.map(|found| Reply::json(200, &found)).ok_or_else(|| at.not_found())
}

pub fn put(world: &mut World<Azure>, asked: &Asked<'_>, at: &At, body: &Value) -> Answer {
    if world.get(&at.group_key()).is_none() {
        return Err(at.no_group());
    }
    let there = world.get(&at.key()).cloned();
    let thing = match (at.kind, &there) {
        ("publicIPAddresses", there) => Thing::Address(asked_address(world, at, body, there.as_ref())?),
        (_, there) => Thing::Interface(asked_interface(world, at, body, there.as_ref())?),
    };
    world.put(at.key(), thing.clone());
    let body = match &thing {
        Thing::Address(address) => shown_address(world, address),
        Thing::Interface(interface) => shown_interface(interface),
        _ => Value::Null,
    };
    let reply = Reply::json(if there.is_some() { 200 } else { 201 }, &body);
    Ok(begin(world, asked, &at.key(), false, Vec::new(), reply))
}

fn tags(body: &Value) -> Value {
    if body["tags"].is_object() { body["tags"].clone() } else { json!({}) }
}

fn asked_address(world: &World<Azure>, at: &At, body: &Value, there: Option<&Thing>) -> Result<Address, Refused> {
    let (sku, method) =
        (text(&body["sku"]["name"], "Basic"), text(&body["properties"]["publicIPAllocationMethod"], "Dynamic"));
    if (sku, method) != ("Standard", "Static") {
        let message =
            format!("Public IP addresses are of the SKU Standard and Static; {sku} and {method} were asked for.");
        return Err(Refused::new(400, "PublicIPAddressSkuNotSupported", message));
    }
    let before = match there {
        Some(Thing::Address(address)) => Some(address),
        _ => None,
    };
    let address = match before {
        Some(before) => before.address,
        None => free(world).ok_or_else(|| {
            Refused::new(400, "PublicIPCountLimitReached", "Cannot create more than 762 public IP addresses.")
        })?,
    };
    Ok(Address {
        id: at.id(),
        name: at.name.clone(),
        location: text(&body["location"], "").to_owned(),
        tags: tags(body),
        address,
        guid: before.map_or_else(Uuid::new_v4, |before| before.guid),
        provisioning: "Updating".to_owned(),
        made_at: before.map_or(world.now(), |before| before.made_at),
        version: before.map_or(1, |before| before.version + 1),
    })
}

fn free(world: &World<Azure>) -> Option<Ipv4Addr> {
    let nets = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
    let pool = nets.into_iter().flat_map(|[a, b, c]| (1..=254).map(move |last| Ipv4Addr::new(a, b, c, last)));
    let free: Vec<Ipv4Addr> = pool.filter(|one| !addresses(world).any(|taken| taken.address == *one)).collect();
    free.get(rand::random_range(0..free.len().max(1))).copied()
}

fn asked_interface(world: &World<Azure>, at: &At, body: &Value, there: Option<&Thing>) -> Result<Interface, Refused> {
    let before = match there {
        Some(Thing::Interface(interface)) => Some(interface),
        _ => None,
    };
    let wanted = body["properties"]["ipConfigurations"].as_array().filter(|all| !all.is_empty());
    let wanted = wanted.ok_or_else(|| {
        let message = format!("Network interface {} must have at least one IP configuration.", at.id());
        Refused::new(400, "NetworkInterfaceMustHaveIpConfiguration", message)
    })?;
    let mut configurations: Vec<Configuration> = Vec::new();
    for one in wanted {
        let name = text(&one["name"], "").to_owned();
        let known = before.and_then(|before| before.configurations.iter().find(|known| known.name == name));
        let public = one["properties"]["publicIPAddress"]["id"].as_str();
        let public = public.map(|public| given(world, at, public)).transpose()?;
        let subnet = text(&one["properties"]["subnet"]["id"], "").to_owned();
        let private = match known {
            Some(known) if key(&known.subnet) == key(&subnet) => known.private,
            _ => next(world, &subnet, &configurations)?,
        };
        let primary = one["properties"]["primary"].as_bool().unwrap_or(configurations.is_empty());
        configurations.push(Configuration { name, subnet, private, public, primary });
    }
    Ok(Interface {
        id: at.id(),
        name: at.name.clone(),
        location: text(&body["location"], "").to_owned(),
        tags: tags(body),
        configurations,
        guid: before.map_or_else(Uuid::new_v4, |before| before.guid),
        provisioning: "Updating".to_owned(),
        made_at: before.map_or(world.now(), |before| before.made_at),
        version: before.map_or(1, |before| before.version + 1),
    })
}

/// A public address that is there and that nobody else has.
fn given(world: &World<Azure>, at: &At, public: &str) -> Result<String, Refused> {
    let Some(found) = address(world, &key(public)) else {
        let message = format!(
            "Resource {public} referenced by resource {} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.",
            at.id()
        );
        return Err(Refused::new(400, "InvalidResourceReference", message));
    };
    if found.provisioning == "Deleting" {
        let message = format!("Cannot proceed with operation because resource {public} is not in Succeeded state.");
        return Err(Refused::new(429, "ReferencedResourceNotProvisioned", message));
    }
    match user(world, &key(public)) {
        Some(user) if !key(&user).starts_with(&format!("{}/", at.key())) => {
            let message = format!(
                "Resource {} is referencing public IP address {public} that is already allocated to resource {user}.",
                at.id()
            );
            Err(Refused::new(400, "PublicIPAddressInUse", message))
        }
        _ => Ok(found.id.clone()),
    }
}

/// The lowest free address of a subnet; Azure keeps four at its beginning and one at its end.
fn next(world: &World<Azure>, subnet: &str, also: &[Configuration]) -> Result<Ipv4Addr, Refused> {
    let missing = || {
        let message = format!("Resource {subnet} referenced by a network interface was not found.");
        Refused::new(400, "InvalidResourceReference", message)
    };
    let (network, name) = subnet.rsplit_once("/subnets/").ok_or_else(missing)?;
    let network: &Network = match world.get(&key(network)) {
        Some(Thing::Network(network)) => network,
        _ => return Err(missing()),
    };
    let found = network.subnets.iter().find(|one| one.name.eq_ignore_ascii_case(name)).ok_or_else(missing)?;
    let range: ipnet::Ipv4Net = found.prefix.parse().map_err(|_| missing())?;
    let own = |one: &Configuration| (key(&one.subnet) == key(subnet)).then_some(one.private);
    let taken: Vec<Ipv4Addr> =
        interfaces(world).flat_map(|interface| &interface.configurations).chain(also).filter_map(own).collect();
    range
        .hosts()
        .skip(3)
        .find(|host| !taken.contains(host))
        .ok_or_else(|| Refused::new(400, "SubnetIsFull", format!("Subnet {subnet} does not have enough capacity.")))
}

pub fn delete(world: &mut World<Azure>, asked: &Asked<'_>, at: &At) -> Answer {
    if !world.get(&at.key()).is_some_and(|thing| is_of(thing, at.kind)) {
        return Ok(Reply::empty(204));
    }
    if let Some(user) = user(world, &at.key()) {
        let message = format!(
            "Public IP address {} can not be deleted since it is still allocated to resource {user}. In order to delete the public IP, disassociate/detach the Public IP address from the resource.",
            at.id()
        );
        return Err(Refused::new(400, "PublicIPAddressCannotBeDeleted", message));
    }
    over(world, &at.key(), "Deleting");
    Ok(begin(world, asked, &at.key(), true, Vec::new(), Reply::empty(202)))
}

/// What a change came to.
pub fn over(world: &mut World<Azure>, key: &str, outcome: &str) {
    world.change(key, |thing| match thing {
        Thing::Address(address) => address.provisioning = outcome.to_owned(),
        Thing::Interface(interface) => interface.provisioning = outcome.to_owned(),
        _ => {}
    });
}
