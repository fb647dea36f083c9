//! Resource groups, virtual networks and their subnets.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Answer, Azure, Refused, Thing, addresses,
    answer::{At, page},
    key,
    operations::{self, Asked, begin},
    peerings, text,
};
use crate::lookalike::{Call, Reply, Side, World};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    pub id: String,
    pub name: String,
    pub location: String,
    pub tags: Value,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Network {
    pub id: String,
    pub name: String,
    pub subscription: String,
    pub location: String,
    pub tags: Value,
    pub prefixes: Vec<String>,
    pub subnets: Vec<Subnet>,
    pub guid: Uuid,
    pub provisioning: String,
    pub made_at: i64,
    /// Counts its changes.
    pub version: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subnet {
    pub name: String,
    pub prefix: String,
    /// The id of its security group.
    pub security_group: Option<String>,
}

impl Network {
    pub fn ranges(&self) -> Vec<Ipv4Net> {
        self.prefixes.iter().filter_map(|prefix| prefix.parse().ok()).collect()
    }
}

/// Both subscriptions have a resource group, and the peer a network.
pub fn found(world: &mut World<Azure>) {
    let location = "westeurope";
    for side in Side::BOTH {
        let account = world.account(side).clone();
        let id = format!("/subscriptions/{}/resourceGroups/{}", account.subscription, account.resource_group);
        let group =
            Group { id: id.clone(), name: account.resource_group, location: location.to_owned(), tags: json!({}) };
        world.put(key(&id), Thing::Group(group));
        if side == Side::Theirs {
            let name = "main".to_owned();
            let subnet = Subnet { name: "default".to_owned(), prefix: "10.94.0.0/24".to_owned(), security_group: None };
            let network = Network {
                id: format!("{id}/providers/Microsoft.Network/virtualNetworks/{name}"),
                name,
                subscription: account.subscription,
                location: location.to_owned(),
                tags: json!({}),
                prefixes: vec!["10.94.0.0/20".to_owned()],
                subnets: vec![subnet],
                guid: Uuid::new_v4(),
                provisioning: "Succeeded".to_owned(),
                made_at: 0,
                version: 1,
            };
            world.put(key(&network.id), Thing::Network(network));
        }
    }
}

pub fn network<'a>(world: &'a World<Azure>, key: &str) -> Option<&'a Network> {
    match world.get(key)? {
        Thing::Network(network) => Some(network),
        _ => None,
    }
}

/// Two ranges that share an address.
pub fn meet(ours: &[Ipv4Net], theirs: &[Ipv4Net]) -> Option<(Ipv4Net, Ipv4Net)> {
    let pairs = ours.iter().flat_map(|one| theirs.iter().map(move |other| (*one, *other)));
    pairs.into_iter().find(|(one, other)| one.contains(other) || other.contains(one))
}

pub fn shown(world: &World<Azure>, network: &Network) -> Value {
    let own = key(&network.id);
    let subnets: Vec<Value> = network.subnets.iter().map(|subnet| shown_subnet(network, subnet)).collect();
    let peerings = peerings::of(world, &own)
        .into_iter()
        .filter(|peering| operations::visible(world, peering.made_at, &peering.provisioning));
    let peerings: Vec<Value> = peerings.map(|peering| peerings::shown(world, peering)).collect();
    let locked = operations::lock(world, &own).is_some() && network.provisioning == "Succeeded";
    json!({
        "id": network.id,
        "name": network.name,
        "type": "Microsoft.Network/virtualNetworks",
        "location": network.location,
        "etag": etag(network),
        "tags": network.tags,
        "properties": {
            "provisioningState": if locked { "Updating" } else { &network.provisioning },
            "resourceGuid": network.guid,
            "addressSpace": {"addressPrefixes": network.prefixes},
            "subnets": subnets,
            "virtualNetworkPeerings": peerings,
            "enableDdosProtection": false,
        },
    })
}

fn etag(network: &Network) -> String {
    format!("W/\"{}-{}\"", network.guid, network.version)
}

fn shown_subnet(network: &Network, subnet: &Subnet) -> Value {
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "addressPrefix": subnet.prefix,
        "delegations": [],
        "privateEndpointNetworkPolicies": "Disabled",
        "privateLinkServiceNetworkPolicies": "Enabled",
    });
    if let Some(group) = &subnet.security_group {
        properties["networkSecurityGroup"] = json!({ "id": group });
    }
    json!({
        "id": format!("{}/subnets/{}", network.id, subnet.name),
        "name": subnet.name,
        "type": "Microsoft.Network/virtualNetworks/subnets",
        "etag": etag(network),
        "properties": properties,
    })
}

pub fn list_groups(world: &World<Azure>, prefix: &str, call: &Call) -> Answer {
    let all = world.under(prefix).filter_map(|(_, thing)| match thing {
        Thing::Group(group) => Some(shown_group(group)),
        _ => None,
    });
    Ok(page(call, all.collect()))
}

pub fn get_group(world: &World<Azure>, at: &At) -> Answer {
    match world.get(&at.group_key()) {
        Some(Thing::Group(group)) => Ok(Reply::json(200, &shown_group(group))),
        _ => Err(at.no_group()),
    }
}

pub fn put_group(world: &mut World<Azure>, at: &At, body: &Value) -> Answer {
    let Some(location) = body["location"].as_str() else {
        return Err(Refused::new(400, "LocationRequired", "The location property is required for this definition."));
    };
    let there = world.get(&at.group_key()).is_some();
    let group = Group {
        id: at.group_id(),
        name: at.group.clone(),
        location: location.to_owned(),
        tags: if body["tags"].is_object() { body["tags"].clone() } else { json!({}) },
    };
    let reply = Reply::json(if there { 200 } else { 201 }, &shown_group(&group));
    world.put(at.group_key(), Thing::Group(group));
    Ok(reply)
}

fn shown_group(group: &Group) -> Value {
    let Group { id, name, location, tags } = group;
    json!({
        "id": id, "name": name, "location": location, "tags": tags, "type": "Microsoft.Resources/resourceGroups",
        "properties": {"provisioningState": "Succeeded"},
    })
}

pub fn list(world: &World<Azure>, prefix: &str, call: &Call) -> Answer {
    let all = world.under(prefix).filter_map(|(_, thing)| match thing {
        Thing::Network(network) if operations::visible(world, network.made_at, &network.provisioning) => {
            Some(shown(world, network))
        }
        _ => None,
    });
    Ok(page(call, all.collect()))
}

pub fn get(world: &World<Azure>, at: &At) -> Answer {
    match network(world, &at.key()) {
        Some(network) if operations::visible(world, network.made_at, &network.provisioning) => {
            Ok(Reply::json(200, &shown(world, network)))
        }
        _ => Err(at.not_found()),
    }
}

fn parsed_prefixes(body: &Value) -> Result<Vec<String>, Refused> {
    let prefixes = body["properties"]["addressSpace"]["addressPrefixes"].as_array();
    let range = |prefix: &Value| {
        let text = prefix.as_str().unwrap_or_default();
        let good = text.parse::<Ipv4Net>().is_ok_and(|net| net == net.trunc());
        good.then(|| text.to_owned()).ok_or_else(|| {
            Refused::new(
                400,
                "InvalidCIDRNotation",
                format!("The address prefix {prefix} has an invalid CIDR notation."),
            )
        })
    };
    let prefixes: Vec<String> = prefixes.into_iter().flatten().map(range).collect::<Result<_, _>>()?;
    if prefixes.is_empty() {
        return Err(Refused::new(400, "InvalidRequestFormat", "The virtual network has no address space."));
    }
    Ok(prefixes)
}

fn parsed_subnet(world: &World<Azure>, name: &str, body: &Value, within: &[Ipv4Net]) -> Result<Subnet, Refused> {
    let properties = &body["properties"];
    let prefix = properties["addressPrefix"].as_str().or_else(|| properties["addressPrefixes"][0].as_str());
    let prefix = prefix.unwrap_or_default();
    let net: Option<Ipv4Net> = prefix.parse().ok();
    if !net.is_some_and(|net| within.iter().any(|range| range.contains(&net)) && net.prefix_len() <= 29) {
        let message = format!("Subnet '{name}' is not valid in its virtual network: {prefix}.");
        return Err(Refused::new(400, "NetcfgInvalidSubnet", message));
    }
    let security_group = properties["networkSecurityGroup"]["id"].as_str().map(str::to_owned);
    if let Some(group) = &security_group {
        match world.get(&key(group)) {
            Some(Thing::SecurityGroup(found)) if found.provisioning == "Succeeded" => {}
            Some(Thing::SecurityGroup(_)) => return Err(peerings::not_provisioned(group, name)),
            _ => return Err(peerings::no_reference(group, name)),
        }
    }
    Ok(Subnet { name: name.to_owned(), prefix: prefix.to_owned(), security_group })
}

pub fn put(world: &mut World<Azure>, asked: &Asked<'_>, at: &At, body: &Value) -> Answer {
    let own = at.key();
    if world.get(&at.group_key()).is_none() {
        return Err(at.no_group());
    }
    operations::free(world, &own)?;
    let prefixes = parsed_prefixes(body)?;
    let ranges: Vec<Ipv4Net> = prefixes.iter().filter_map(|prefix| prefix.parse().ok()).collect();
    let before = network(world, &own).cloned();
    let subnets = match body["properties"]["subnets"].as_array() {
        Some(subnets) => {
            let one = |subnet: &Value| parsed_subnet(world, text(&subnet["name"], ""), subnet, &ranges);
            subnets.iter().map(one).collect::<Result<Vec<_>, _>>()?
        }
        None => before.as_ref().map(|before| before.subnets.clone()).unwrap_or_default(),
    };
    peerings::admits(world, &own, &ranges)?;
    let location = text(&body["location"], "").to_owned();
    if location.is_empty() || before.as_ref().is_some_and(|before| before.location != location) {
        let message = format!("The resource '{}' needs a location, and keeps the one that it has.", at.name);
        return Err(Refused::new(409, "InvalidResourceLocation", message));
    }
    let network = Network {
        id: at.id(),
        name: at.name.clone(),
        subscription: at.subscription.clone(),
        location,
        tags: if body["tags"].is_object() { body["tags"].clone() } else { json!({}) },
        prefixes,
        subnets,
        guid: before.as_ref().map_or_else(Uuid::new_v4, |before| before.guid),
        provisioning: "Updating".to_owned(),
        made_at: before.as_ref().map_or(world.now(), |before| before.made_at),
        version: before.as_ref().map_or(1, |before| before.version + 1),
    };
    let status = if before.is_some() { 200 } else { 201 };
    world.put(own.clone(), Thing::Network(network.clone()));
    let reply = Reply::json(status, &shown(world, &network));
    Ok(begin(world, asked, &own, false, vec![own.clone()], reply))
}

pub fn delete(world: &mut World<Azure>, asked: &Asked<'_>, at: &At) -> Answer {
    let own = at.key();
    if network(world, &own).is_none() {
        return Ok(Reply::empty(204));
    }
    if let Some(user) = addresses::within(world, &own) {
        let message = format!("Virtual network {} is in use by {user} and cannot be deleted.", at.id());
        return Err(Refused::new(400, "InUseSubnetCannotBeDeleted", message));
    }
    operations::free(world, &own)?;
    edit(world, &own, |network| network.provisioning = "Deleting".to_owned());
    Ok(begin(world, asked, &own, true, vec![own.clone()], Reply::empty(202)))
}

pub fn get_subnet(world: &World<Azure>, at: &At, name: &str) -> Answer {
    let network = network(world, &at.key()).ok_or_else(|| at.not_found())?;
    let found = network.subnets.iter().find(|subnet| subnet.name.eq_ignore_ascii_case(name));
    let found = found.ok_or_else(|| Refused::not_found(&format!("{}/subnets/{name}", network.id)))?;
    Ok(Reply::json(200, &shown_subnet(network, found)))
}

pub fn put_subnet(world: &mut World<Azure>, asked: &Asked<'_>, at: &At, name: &str, body: &Value) -> Answer {
    let own = at.key();
    let network = network(world, &own).ok_or_else(|| at.no_parent())?;
    operations::free(world, &own)?;
    let subnet = parsed_subnet(world, name, body, &network.ranges())?;
    let others = network.subnets.iter().filter(|other| !other.name.eq_ignore_ascii_case(name));
    let others: Vec<Ipv4Net> = others.filter_map(|other| other.prefix.parse().ok()).collect();
    let ranges: Vec<Ipv4Net> = subnet.prefix.parse().into_iter().collect();
    if meet(&ranges, &others).is_some() {
        let message = format!(
            "Subnet '{name}' is not valid because its IP address range overlaps with that of an existing subnet."
        );
        return Err(Refused::new(400, "NetcfgSubnetRangesOverlap", message));
    }
    let mut there = false;
    edit(world, &own, |network| {
        there = network.subnets.iter().any(|other| other.name.eq_ignore_ascii_case(name));
        network.subnets.retain(|other| !other.name.eq_ignore_ascii_case(name));
        network.subnets.push(subnet.clone());
        network.version += 1;
    });
    let network = self::network(world, &own).ok_or_else(|| at.not_found())?;
    let reply = Reply::json(if there { 200 } else { 201 }, &shown_subnet(network, &subnet));
    Ok(begin(world, asked, &own, false, vec![own.clone()], reply))
}

pub fn edit(world: &mut World<Azure>, key: &str, change: impl FnOnce(&mut Network)) {
    world.change(key, |thing| {
        if let Thing::Network(network) = thing {
            change(network);
        }
    });
}

/// A network or a security group has been provisioned, or could not be.
pub fn over(world: &mut World<Azure>, key: &str, outcome: &str) {
    world.change(key, |thing| match thing {
        Thing::Network(network) => network.provisioning = outcome.to_owned(),
        Thing::SecurityGroup(group) => group.provisioning = outcome.to_owned(),
        _ => {}
    });
    addresses::over(world, key, outcome);
}

/// What is gone takes with it what lies in it.
pub fn removed(world: &mut World<Azure>, key: &str) {
    for peering in peerings::of(world, key).into_iter().map(|peering| super::key(&peering.id)).collect::<Vec<_>>() {
        peerings::removed(world, &peering);
    }
    let within: Vec<String> = world.under(&format!("{key}/")).map(|(id, _)| id.to_owned()).collect();
    for id in within {
        world.remove(&id);
    }
    world.remove(key);
}
