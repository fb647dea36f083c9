//! Peerings: each network has its own, and two that name each other are connected.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Answer, Azure, Refused, Thing, access,
    answer::{At, page},
    key,
    networks::{meet, network},
    operations::{self, Asked, begin},
    text,
    tokens::Caller,
};
use crate::lookalike::{Call, Reply, Side, World};

/// Peerings of one network.
const MOST: usize = 500;
const WRITE: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write";
const PEER: &str = "Microsoft.Network/virtualNetworks/peer/action";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Peering {
    pub id: String,
    pub name: String,
    /// The key of its own network.
    pub network: String,
    /// The id of the other one, as it was sent.
    pub remote: String,
    pub allows_access: bool,
    pub forwards: bool,
    pub allows_transit: bool,
    pub uses_remote_gateways: bool,
    pub state: String,
    pub provisioning: String,
    /// The other network's prefixes as they were agreed on.
    pub agreed: Vec<String>,
    pub guid: Uuid,
    pub made_at: i64,
    pub version: u64,
}

pub fn of<'a>(world: &'a World<Azure>, network: &str) -> Vec<&'a Peering> {
    let all = world.under(&format!("{network}/virtualnetworkpeerings/")).filter_map(|(_, thing)| match thing {
        Thing::Peering(peering) => Some(peering),
        _ => None,
    });
    all.collect()
}

/// The other network's peering with this one.
fn reverse<'a>(world: &'a World<Azure>, network: &str, remote: &str) -> Option<&'a Peering> {
    of(world, remote).into_iter().find(|other| key(&other.remote) == network)
}

fn prefixes(world: &World<Azure>, network_key: &str) -> Option<Vec<String>> {
    network(world, network_key).map(|network| network.prefixes.clone())
}

pub fn shown(world: &World<Azure>, peering: &Peering) -> Value {
    let remote = key(&peering.remote);
    let (ours, theirs) = (prefixes(world, &peering.network), prefixes(world, &remote));
    let theirs_now = theirs.clone().unwrap_or_else(|| peering.agreed.clone());
    let connected = peering.state == "Connected";
    let theirs_differ = connected && theirs_now != peering.agreed;
    let ours_differ = connected
        && reverse(world, &peering.network, &remote).is_some_and(|other| Some(&other.agreed) != ours.as_ref());
    let level = match (ours_differ, theirs_differ) {
        (false, false) => "FullyInSync",
        (false, true) => "RemoteNotInSync",
        (true, false) => "LocalNotInSync",
        (true, true) => "LocalAndRemoteNotInSync",
    };
    json!({
        "id": peering.id,
        "name": peering.name,
        "type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "etag": format!("W/\"{}-{}\"", peering.guid, peering.version),
        "properties": {
            "provisioningState": peering.provisioning,
            "resourceGuid": peering.guid,
            "peeringState": peering.state,
            "peeringSyncLevel": level,
            "remoteVirtualNetwork": {"id": peering.remote},
            "allowVirtualNetworkAccess": peering.allows_access,
            "allowForwardedTraffic": peering.forwards,
            "allowGatewayTransit": peering.allows_transit,
            "useRemoteGateways": peering.uses_remote_gateways,
            "doNotVerifyRemoteGateways": false,
            "peerCompleteVnets": true,
            "remoteAddressSpace": {"addressPrefixes": peering.agreed},
            "remoteVirtualNetworkAddressSpace": {"addressPrefixes": theirs_now},
        },
    })
}

fn id(at: &At, name: &str) -> String {
    format!("{}/virtualNetworkPeerings/{name}", at.id())
}

pub fn list(world: &World<Azure>, at: &At, call: &Call) -> Answer {
    if network(world, &at.key()).is_none() {
        return Err(at.no_parent());
    }
    Ok(page(call, of(world, &at.key()).into_iter().map(|peering| shown(world, peering)).collect()))
}

pub fn get(world: &World<Azure>, at: &At, name: &str) -> Answer {
    match world.get(&key(&id(at, name))) {
        Some(Thing::Peering(peering)) if operations::visible(world, peering.made_at, &peering.provisioning) => {
            Ok(Reply::json(200, &shown(world, peering)))
        }
        _ => Err(Refused::not_found(&id(at, name))),
    }
}

pub fn no_reference(missing: &str, by: &str) -> Refused {
    let message = format!(
        "Resource {missing} referenced by resource {by} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region."
    );
    Refused::new(400, "InvalidResourceReference", message)
}

pub fn not_provisioned(busy: &str, by: &str) -> Refused {
    let message = format!(
        "Cannot proceed with operation because resource {busy} used by resource {by} is not in Succeeded state. Resource is in Updating state."
    );
    Refused::new(400, "ReferencedResourceNotProvisioned", message)
}

/// Whether the caller may join the other network, which may be in another tenant.
fn linked(world: &World<Azure>, caller: &Caller, at: &At, remote: &str) -> Result<(), Refused> {
    let scope = at.id();
    let subscription = remote.split('/').nth(2).unwrap_or_default().to_lowercase();
    let owner =
        Side::BOTH.into_iter().map(|side| world.account(side)).find(|account| account.subscription == subscription);
    let tenant = owner.map(|owner| owner.tenant.as_str());
    let own = (tenant == Some(caller.tenant.as_str())).then_some(caller.principal.as_str());
    let elsewhere = caller.elsewhere.iter().find(|(at, _)| Some(at.as_str()) == tenant).map(|(_, id)| id.as_str());
    let Some(principal) = own.or(elsewhere) else {
        let message = format!(
            "The client has permission to perform action '{PEER}' on scope '{scope}', however the current tenant '{}' is not authorized to access linked subscription '{subscription}'.",
            caller.tenant
        );
        return Err(Refused::new(403, "LinkedAuthorizationFailed", message));
    };
    if access::is_allowed(world, principal, PEER, remote) {
        return Ok(());
    }
    let (application, object) = (&caller.application, &caller.principal);
    let message = format!(
        "The client '{application}' with object id '{object}' has permission to perform action '{WRITE}' on scope '{scope}'; however, it does not have permission to perform action(s) '{PEER}' on the linked scope(s) '{remote}' (respectively) or the linked scope(s) are invalid."
    );
    Err(Refused::new(403, "LinkedAuthorizationFailed", message))
}

/// # Errors
/// If the two networks cannot be peered.
fn checked(world: &World<Azure>, at: &At, id: &str, remote: &str) -> Result<(), Refused> {
    let (own, other) = (at.key(), key(remote));
    let ours = network(world, &own).ok_or_else(|| at.no_parent())?;
    let theirs = network(world, &other).ok_or_else(|| no_reference(remote, id))?;
    if own == other {
        let message = format!("Virtual network {} cannot be peered with itself.", at.id());
        return Err(Refused::new(400, "InvalidRequestFormat", message));
    }
    let peerings = of(world, &own);
    if let Some(twin) = peerings.iter().find(|twin| key(&twin.remote) == other && key(&twin.id) != key(id)) {
        let message = format!(
            "Peering {} already references remote virtual network {remote}. Cannot add another peering {id} referencing the same remote virtual network.",
            twin.id
        );
        return Err(Refused::new(400, "AnotherPeeringAlreadyReferencesRemoteVnet", message));
    }
    if peerings.iter().any(|before| key(&before.id) == key(id) && key(&before.remote) != other) {
        let message = format!("The remote virtual network of peering {id} cannot be changed.");
        return Err(Refused::new(400, "InvalidRequestFormat", message));
    }
    if peerings.len() >= MOST {
        let message = format!("Virtual network {} cannot have more than {MOST} peerings.", at.id());
        return Err(Refused::new(400, "VnetPeeringCountLimitReached", message));
    }
    operations::free(world, &own)?;
    if operations::lock(world, &other).is_some() || theirs.provisioning != "Succeeded" {
        return Err(not_provisioned(remote, id));
    }
    if let Some(stale) = reverse(world, &own, &other).filter(|reverse| reverse.state == "Disconnected") {
        let message = format!(
            "Cannot create or update peering {id} because remote peering {} referencing parent virtual network {} is in Disconnected state. Update or re-create the remote peering to get it back to Initiated state. Peering gets Disconnected when remote vnet or remote peering is deleted and re-created.",
            stale.id,
            at.id()
        );
        return Err(Refused::new(400, "RemotePeeringIsDisconnected", message));
    }
    if let Some((one, two)) = meet(&ours.ranges(), &theirs.ranges()) {
        let message = format!(
            "Cannot create or update peering {id}. Virtual networks {} and {remote} cannot be peered because their address spaces overlap. Overlapping address prefixes: {one}, {two}",
            at.id()
        );
        return Err(Refused::new(400, "VnetAddressSpacesOverlap", message));
    }
    beside(world, &own, &other, &theirs.ranges(), remote)
}

/// The ranges of a network that is, or is to be, a peer of this one may not meet those of its other peers.
fn beside(world: &World<Azure>, own: &str, but: &str, ranges: &[Ipv4Net], whose: &str) -> Result<(), Refused> {
    for peering in of(world, own).into_iter().filter(|peering| key(&peering.remote) != but) {
        let there: Vec<Ipv4Net> = peering.agreed.iter().filter_map(|prefix| prefix.parse().ok()).collect();
        if let Some((one, two)) = meet(ranges, &there) {
            let message = format!(
                "Cannot create or update peering. The address space of virtual network {whose} overlaps with that of virtual network {} that {own} is already peered with. Overlapping address prefixes: {one}, {two}",
                peering.remote
            );
            return Err(Refused::new(400, "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet", message));
        }
    }
    Ok(())
}

/// Whether a network may have these ranges in spite of its peers.
pub fn admits(world: &World<Azure>, own: &str, ranges: &[Ipv4Net]) -> Result<(), Refused> {
    beside(world, own, "", ranges, own)
}

pub fn put(world: &mut World<Azure>, caller: &Caller, asked: &Asked<'_>, at: &At, name: &str, body: &Value) -> Answer {
    let (own, id) = (at.key(), id(at, name));
    let properties = &body["properties"];
    let remote = text(&properties["remoteVirtualNetwork"]["id"], "").trim_end_matches('/').to_owned();
    if network(world, &own).is_none() {
        return Err(at.no_parent());
    }
    if !remote.to_lowercase().contains("/providers/microsoft.network/virtualnetworks/") {
        let message = format!(
            "Property id '{remote}' at path 'properties.remoteVirtualNetwork.id' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{{subscriptionId}}' or '/providers/{{resourceProviderNamespace}}/'."
        );
        return Err(Refused::new(400, "LinkedInvalidPropertyId", message));
    }
    linked(world, caller, at, &remote)?;
    checked(world, at, &id, &remote)?;
    let before = match world.get(&key(&id)) {
        Some(Thing::Peering(peering)) => Some(peering.clone()),
        _ => None,
    };
    let syncs = asked.call.parameter("syncRemoteAddressSpace").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let flag = |name: &str, otherwise: bool| properties[name].as_bool().unwrap_or(otherwise);
    let state = before.as_ref().map(|before| before.state.clone()).filter(|state| state != "Disconnected");
    let agreed = match &before {
        Some(before) if before.state == "Connected" && !syncs => before.agreed.clone(),
        _ => prefixes(world, &key(&remote)).unwrap_or_default(),
    };
    let peering = Peering {
        id: id.clone(),
        name: name.to_owned(),
        network: own.clone(),
        remote: remote.clone(),
        allows_access: flag("allowVirtualNetworkAccess", true),
        forwards: flag("allowForwardedTraffic", false),
        allows_transit: flag("allowGatewayTransit", false),
        uses_remote_gateways: flag("useRemoteGateways", false),
        state: state.unwrap_or_else(|| "Initiated".to_owned()),
        provisioning: "Updating".to_owned(),
        agreed,
        guid: before.as_ref().map_or_else(Uuid::new_v4, |before| before.guid),
        made_at: before.as_ref().map_or(world.now(), |before| before.made_at),
        version: before.as_ref().map_or(1, |before| before.version + 1),
    };
    world.put(key(&id), Thing::Peering(peering.clone()));
    let reply = Reply::json(if before.is_some() { 200 } else { 201 }, &shown(world, &peering));
    Ok(begin(world, asked, &key(&id), false, vec![own, key(&remote)], reply))
}

pub fn delete(world: &mut World<Azure>, asked: &Asked<'_>, at: &At, name: &str) -> Answer {
    let (own, target) = (at.key(), key(&id(at, name)));
    let Some(Thing::Peering(peering)) = world.get(&target) else { return Ok(Reply::empty(204)) };
    let remote = key(&peering.remote);
    operations::free(world, &own)?;
    edit(world, &target, |peering| peering.provisioning = "Deleting".to_owned());
    Ok(begin(world, asked, &target, true, vec![own, remote], Reply::empty(202)))
}

fn edit(world: &mut World<Azure>, key: &str, change: impl FnOnce(&mut Peering)) {
    world.change(key, |thing| {
        if let Thing::Peering(peering) = thing {
            change(peering);
            peering.version += 1;
        }
    });
}

/// It has been provisioned: with one of the other side that names this network, both are connected.
pub fn over(world: &mut World<Azure>, target: &str, outcome: &str) {
    let Some(Thing::Peering(peering)) = world.get(target).cloned() else { return };
    let other = reverse(world, &peering.network, &key(&peering.remote));
    let other = other.filter(|other| other.state != "Disconnected" && other.provisioning == "Succeeded");
    let other = other.map(|other| key(&other.id));
    edit(world, target, |peering| peering.provisioning = outcome.to_owned());
    if outcome != "Succeeded" {
        return;
    }
    if let Some(other) = other {
        for id in [target, &other] {
            edit(world, id, |peering| peering.state = "Connected".to_owned());
        }
    }
}

/// What was connected with it is disconnected from now on.
pub fn removed(world: &mut World<Azure>, target: &str) {
    let Some(Thing::Peering(peering)) = world.remove(target) else { return };
    let other = reverse(world, &peering.network, &key(&peering.remote));
    if let Some(other) = other.filter(|other| other.state == "Connected").map(|other| key(&other.id)) {
        edit(world, &other, |peering| peering.state = "Disconnected".to_owned());
    }
}
