//! Network security groups: rules are kept as they were sent, with what Azure adds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Answer, Azure, Refused, Thing,
    answer::{At, page},
    key,
    operations::{Asked, begin},
    text,
};
use crate::lookalike::{Call, Reply, World};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub id: String,
    pub name: String,
    pub location: String,
    pub tags: Value,
    pub rules: Vec<Value>,
    pub guid: Uuid,
    pub provisioning: String,
    pub made_at: i64,
    pub version: u64,
}

/// Name, priority, direction, access, source and destination of the rules that every group has.
const DEFAULT: [(&str, i64, &str, &str, &str, &str); 6] = [
    ("AllowVnetInBound", 65_000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
    ("AllowAzureLoadBalancerInBound", 65_001, "Inbound", "Allow", "AzureLoadBalancer", "*"),
    ("DenyAllInBound", 65_500, "Inbound", "Deny", "*", "*"),
    ("AllowVnetOutBound", 65_000, "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
    ("AllowInternetOutBound", 65_001, "Outbound", "Allow", "*", "Internet"),
    ("DenyAllOutBound", 65_500, "Outbound", "Deny", "*", "*"),
];

fn user(world: &World<Azure>, group: &str) -> Option<String> {
    world.under("/subscriptions/").find_map(|(_, thing)| match thing {
        Thing::Network(network) => {
            let of =
                |subnet: &&super::networks::Subnet| subnet.security_group.as_deref().map(key).as_deref() == Some(group);
            network.subnets.iter().find(of).map(|subnet| format!("{}/subnets/{}", network.id, subnet.name))
        }
        _ => None,
    })
}

fn shown(world: &World<Azure>, group: &SecurityGroup) -> Value {
    let etag = format!("W/\"{}-{}\"", group.guid, group.version);
    let rule = |kind: &str, name: &str, properties: &Value| {
        let mut properties = properties.clone();
        properties["provisioningState"] = json!("Succeeded");
        json!({
            "id": format!("{}/{kind}/{name}", group.id),
            "name": name,
            "type": format!("Microsoft.Network/networkSecurityGroups/{kind}"),
            "etag": etag,
            "properties": properties,
        })
    };
    let own: Vec<Value> =
        group.rules.iter().map(|own| rule("securityRules", text(&own["name"], ""), &own["properties"])).collect();
    let default: Vec<Value> = DEFAULT
        .iter()
        .map(|(name, priority, direction, access, source, destination)| {
            let properties = json!({
                "priority": priority, "direction": direction, "access": access, "protocol": "*",
                "sourceAddressPrefix": source, "destinationAddressPrefix": destination,
                "sourcePortRange": "*", "destinationPortRange": "*",
            });
            rule("defaultSecurityRules", name, &properties)
        })
        .collect();
    let mut properties = json!({
        "provisioningState": group.provisioning,
        "resourceGuid": group.guid,
        "securityRules": own,
        "defaultSecurityRules": default,
    });
    if let Some(subnet) = user(world, &key(&group.id)) {
        properties["subnets"] = json!([{ "id": subnet }]);
    }
    json!({
        "id": group.id, "name": group.name, "type": "Microsoft.Network/networkSecurityGroups",
        "location": group.location, "etag": etag, "tags": group.tags, "properties": properties,
    })
}

pub fn list(world: &World<Azure>, prefix: &str, call: &Call) -> Answer {
    let all = world.under(prefix).filter_map(|(_, thing)| match thing {
        Thing::SecurityGroup(group) if world.settled(group.made_at) => Some(shown(world, group)),
        _ => None,
    });
    Ok(page(call, all.collect()))
}

pub fn get(world: &World<Azure>, at: &At) -> Answer {
    match world.get(&at.key()) {
        Some(Thing::SecurityGroup(group)) if world.settled(group.made_at) => Ok(Reply::json(200, &shown(world, group))),
        _ => Err(at.not_found()),
    }
}

fn checked(rules: &[Value]) -> Result<(), Refused> {
    let mut taken: BTreeMap<(String, i64), String> = BTreeMap::new();
    for rule in rules {
        let (name, properties) = (text(&rule["name"], "").to_owned(), &rule["properties"]);
        let priority = properties["priority"].as_i64().unwrap_or_default();
        if !(100..=4_096).contains(&priority) {
            let message =
                format!("Security rule {name} has invalid priority {priority}. Value should be between 100 and 4096.");
            return Err(Refused::new(400, "SecurityRuleInvalidPriority", message));
        }
        for field in ["direction", "access", "protocol", "sourcePortRange"] {
            let list = format!("{field}s");
            if properties[field].as_str().is_none() && !properties[&list].is_array() {
                let message =
                    format!("Required security rule parameters are missing for security rule {name}: {field}.");
                return Err(Refused::new(400, "SecurityRuleParameterMissing", message));
            }
        }
        let both = |one: &str, many: &str| {
            properties[one].is_string() && !properties[many].as_array().is_none_or(Vec::is_empty)
        };
        if both("sourceAddressPrefix", "sourceAddressPrefixes") || both("destinationPortRange", "destinationPortRanges")
        {
            let message = format!("Security rule {name} has both a value and a list of values.");
            return Err(Refused::new(400, "SecurityRuleInvalidParameter", message));
        }
        let place = (text(&properties["direction"], "").to_owned(), priority);
        if let Some(other) = taken.insert(place, name.clone()) {
            let message = format!(
                "Security rule {name} conflicts with rule {other}. Rules cannot have the same Priority and Direction."
            );
            return Err(Refused::new(400, "SecurityRuleConflict", message));
        }
    }
    Ok(())
}

pub fn put(world: &mut World<Azure>, asked: &Asked<'_>, at: &At, body: &Value) -> Answer {
    if world.get(&at.group_key()).is_none() {
        return Err(at.no_group());
    }
    let rules = body["properties"]["securityRules"].as_array().cloned().unwrap_or_default();
    checked(&rules)?;
    let before = match world.get(&at.key()) {
        Some(Thing::SecurityGroup(group)) => Some(group.clone()),
        _ => None,
    };
    let plain = |rule: &Value| {
        let mut properties = rule["properties"].clone();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("provisioningState");
            // An empty list is as good as none, and is not shown again.
            properties.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
        }
        json!({"name": rule["name"], "properties": properties})
    };
    let group = SecurityGroup {
        id: at.id(),
        name: at.name.clone(),
        location: text(&body["location"], "").to_owned(),
        tags: if body["tags"].is_object() { body["tags"].clone() } else { json!({}) },
        rules: rules.iter().map(plain).collect(),
        guid: before.as_ref().map_or_else(Uuid::new_v4, |before| before.guid),
        provisioning: "Updating".to_owned(),
        made_at: before.as_ref().map_or(world.now(), |before| before.made_at),
        version: before.as_ref().map_or(1, |before| before.version + 1),
    };
    world.put(at.key(), Thing::SecurityGroup(group.clone()));
    let reply = Reply::json(if before.is_some() { 200 } else { 201 }, &shown(world, &group));
    Ok(begin(world, asked, &at.key(), false, Vec::new(), reply))
}

pub fn delete(world: &mut World<Azure>, asked: &Asked<'_>, at: &At) -> Answer {
    if world.get(&at.key()).is_none() {
        return Ok(Reply::empty(204));
    }
    if let Some(user) = user(world, &at.key()) {
        let message = format!(
            "Network security group {} cannot be deleted because it is in use by the following resources: {user}.",
            at.id()
        );
        return Err(Refused::new(400, "InUseNetworkSecurityGroupCannotBeDeleted", message));
    }
    world.change(&at.key(), |thing| {
        if let Thing::SecurityGroup(group) = thing {
            group.provisioning = "Deleting".to_owned();
        }
    });
    Ok(begin(world, asked, &at.key(), true, Vec::new(), Reply::empty(202)))
}
