//! Networks and subnetworks.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::{
    Answer, Google, Network, Refused, Subnetwork, Thing,
    answer::{About, id_of, name, number, page, stamp, url},
    instances,
    operations::{Change, begin},
    peering,
};
use crate::lookalike::{Call, Reply, Side, World};

/// The peer has a network of its own.
pub fn found(world: &mut World<Google>) {
    let project = world.account(Side::Theirs).project.clone();
    let network = format!("projects/{project}/global/networks/main");
    world.put(
        network.clone(),
        Thing::Network(Network {
            project: project.clone(),
            name: "main".to_owned(),
            id: number(),
            description: "The other side".to_owned(),
            auto_create_subnetworks: false,
            routing_mode: "REGIONAL".to_owned(),
            peerings: Vec::new(),
            made_at: 0,
        }),
    );
    let region = "europe-west1".to_owned();
    let range: Ipv4Net = "10.92.0.0/20".parse().expect("a range");
    world.put(
        format!("projects/{project}/regions/{region}/subnetworks/main"),
        Thing::Subnetwork(Subnetwork {
            project,
            region,
            name: "main".to_owned(),
            id: number(),
            network,
            range,
            made_at: 0,
        }),
    );
}

pub fn network<'a>(world: &'a World<Google>, id: &str) -> Option<&'a Network> {
    match world.get(id)? {
        Thing::Network(network) => Some(network),
        _ => None,
    }
}

/// # Errors
/// As Google says it.
pub fn one<'a>(world: &'a World<Google>, about: &About, name: &str) -> Result<(String, &'a Network), Refused> {
    let id = format!("projects/{}/global/networks/{name}", about.project);
    let found = network(world, &id).ok_or_else(|| Refused::not_found(&id))?;
    Ok((id, found))
}

/// Of one network, whatever their region.
pub fn subnetworks<'a>(world: &'a World<Google>, network: &str) -> Vec<&'a Subnetwork> {
    let Some(project) = network.split('/').nth(1) else { return Vec::new() };
    let all = world.under("projects/").filter_map(|(_, thing)| match thing {
        Thing::Subnetwork(subnetwork) if subnetwork.project == project && subnetwork.network == network => {
            Some(subnetwork)
        }
        _ => None,
    });
    all.collect()
}

fn path(subnetwork: &Subnetwork) -> String {
    let Subnetwork { project, region, name, .. } = subnetwork;
    format!("projects/{project}/regions/{region}/subnetworks/{name}")
}

fn shown(world: &World<Google>, id: &str, network: &Network) -> Value {
    let subnetworks: Vec<String> =
        subnetworks(world, id).into_iter().map(|subnetwork| url(&path(subnetwork))).collect();
    let mut shown = json!({
        "kind": "compute#network",
        "id": network.id.to_string(),
        "name": network.name,
        "description": network.description,
        "selfLink": url(id),
        "creationTimestamp": stamp(network.made_at),
        "autoCreateSubnetworks": network.auto_create_subnetworks,
        "routingConfig": {"routingMode": network.routing_mode},
        "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
    });
    if !subnetworks.is_empty() {
        shown["subnetworks"] = json!(subnetworks);
    }
    if !network.peerings.is_empty() {
        let peerings = network.peerings.iter().map(|peering| peering::shown(world, id, peering));
        shown["peerings"] = peerings.collect();
    }
    shown
}

pub fn list(world: &World<Google>, about: &About, call: &Call) -> Answer {
    let prefix = format!("projects/{}/global/networks/", about.project);
    let networks = world.under(&prefix).filter_map(|(id, thing)| match thing {
        Thing::Network(network) if world.settled(network.made_at) => Some(shown(world, id, network)),
        _ => None,
    });
    Ok(page(call, "networkList", prefix.trim_end_matches('/'), networks.collect()))
}

pub fn get(world: &World<Google>, about: &About, name: &str) -> Answer {
    let (id, network) = one(world, about, name)?;
    if !world.settled(network.made_at) {
        return Err(Refused::not_found(&id));
    }
    Ok(Reply::json(200, &shown(world, &id, network)))
}

pub fn insert(world: &mut World<Google>, about: &About, body: &Value) -> Answer {
    let name = name(body)?;
    let id = format!("projects/{}/global/networks/{name}", about.project);
    if world.get(&id).is_some() {
        return Err(Refused::new(409, "alreadyExists", format!("The resource '{id}' already exists")));
    }
    let text = |value: &Value, otherwise: &str| value.as_str().unwrap_or(otherwise).to_owned();
    let network = Network {
        project: about.project.clone(),
        name,
        id: number(),
        description: text(&body["description"], ""),
        auto_create_subnetworks: body["autoCreateSubnetworks"].as_bool().unwrap_or(true),
        routing_mode: text(&body["routingConfig"]["routingMode"], "REGIONAL"),
        peerings: Vec::new(),
        made_at: world.now(),
    };
    Ok(begin(world, about, "networks.insert", &id, Change::Put(Box::new(Thing::Network(network)))))
}

pub fn delete(world: &mut World<Google>, about: &About, name: &str) -> Answer {
    let (id, network) = one(world, about, name)?;
    let user = subnetworks(world, &id).first().map(|subnetwork| path(subnetwork));
    let user = user
        .or_else(|| firewall_of(world, &id))
        .or_else(|| network.peerings.first().map(|peering| peering.name.clone()));
    if let Some(user) = user {
        let message = format!("The network resource '{id}' is already being used by '{user}'");
        return Err(Refused::new(400, "resourceInUseByAnotherResource", message));
    }
    Ok(begin(world, about, "networks.delete", &id, Change::Remove))
}

fn firewall_of(world: &World<Google>, network: &str) -> Option<String> {
    world.under("projects/").find_map(|(id, thing)| match thing {
        Thing::Firewall(firewall) if firewall.network == network => Some(id.to_owned()),
        _ => None,
    })
}

/// What follows for others when something is taken away: a peer's network that is gone answers nobody.
pub fn removed(world: &mut World<Google>, id: &str) {
    if network(world, id).is_some() {
        peering::touch(world, id);
    }
}

fn shown_subnetwork(subnetwork: &Subnetwork) -> Value {
    let mut hosts = subnetwork.range.hosts();
    json!({
        "kind": "compute#subnetwork",
        "id": subnetwork.id.to_string(),
        "name": subnetwork.name,
        "selfLink": url(&path(subnetwork)),
        "creationTimestamp": stamp(subnetwork.made_at),
        "network": url(&subnetwork.network),
        "region": url(&format!("projects/{}/regions/{}", subnetwork.project, subnetwork.region)),
        "ipCidrRange": subnetwork.range,
        "gatewayAddress": hosts.next(),
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
    })
}

pub fn list_subnetworks(world: &World<Google>, about: &About, region: &str, call: &Call) -> Answer {
    let prefix = format!("projects/{}/regions/{region}/subnetworks/", about.project);
    let all = world.under(&prefix).filter_map(|(_, thing)| match thing {
        Thing::Subnetwork(subnetwork) if world.settled(subnetwork.made_at) => Some(shown_subnetwork(subnetwork)),
        _ => None,
    });
    Ok(page(call, "subnetworkList", prefix.trim_end_matches('/'), all.collect()))
}

pub fn get_subnetwork(world: &World<Google>, about: &About, region: &str, name: &str) -> Answer {
    let id = format!("projects/{}/regions/{region}/subnetworks/{name}", about.project);
    match world.get(&id) {
        Some(Thing::Subnetwork(subnetwork)) => Ok(Reply::json(200, &shown_subnetwork(subnetwork))),
        _ => Err(Refused::not_found(&id)),
    }
}

pub fn insert_subnetwork(world: &mut World<Google>, about: &About, region: &str, body: &Value) -> Answer {
    let name = name(body)?;
    let id = format!("projects/{}/regions/{region}/subnetworks/{name}", about.project);
    if world.get(&id).is_some() {
        return Err(Refused::new(409, "alreadyExists", format!("The resource '{id}' already exists")));
    }
    let network = body["network"].as_str().and_then(id_of).filter(|id| self::network(world, id).is_some());
    let network = network.ok_or_else(|| Refused::invalid("resource.network", &body["network"]))?;
    let range = body["ipCidrRange"].as_str().and_then(|text| text.parse::<Ipv4Net>().ok());
    let range = range.filter(|range| *range == range.trunc() && range.prefix_len() <= 29);
    let range = range.ok_or_else(|| Refused::invalid("resource.ipCidrRange", &body["ipCidrRange"]))?;
    let overlaps = |other: &Ipv4Net| other.contains(&range) || range.contains(other);
    if let Some(other) = subnetworks(world, &network).into_iter().find(|other| overlaps(&other.range)) {
        let message = format!(
            "Invalid IPCidrRange: {range} conflicts with existing subnetwork '{}' in region '{region}'.",
            other.name
        );
        return Err(Refused::new(400, "invalid", message));
    }
    let made_at = world.now();
    let subnetwork = Subnetwork {
        project: about.project.clone(),
        region: region.to_owned(),
        name,
        id: number(),
        network,
        range,
        made_at,
    };
    Ok(begin(world, about, "subnetworks.insert", &id, Change::Put(Box::new(Thing::Subnetwork(subnetwork)))))
}

pub fn delete_subnetwork(world: &mut World<Google>, about: &About, region: &str, name: &str) -> Answer {
    let id = format!("projects/{}/regions/{region}/subnetworks/{name}", about.project);
    match world.get(&id) {
        Some(Thing::Subnetwork(_)) => {
            let user = instances::all(world).find(|(_, one)| one.subnetwork == id).map(|(user, _)| user.to_owned());
            let Some(user) = user else { return Ok(begin(world, about, "subnetworks.delete", &id, Change::Remove)) };
            let message = format!("The subnetwork resource '{id}' is already being used by '{user}'");
            Err(Refused::new(400, "resourceInUseByAnotherResource", message))
        }
        _ => Err(Refused::not_found(&id)),
    }
}
