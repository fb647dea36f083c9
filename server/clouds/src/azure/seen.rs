//! What Azure has, cut down to what is looked at here. Fields that an answer may leave out are optional.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::names;
use crate::{ConnectionWish, Failure, Outcome, Subject};

#[derive(Clone, Debug)]
pub struct Seen {
    pub network: Option<Network>,
    pub group: Option<SecurityGroup>,
    /// The role assignments on the network.
    pub grants: Outcome<Vec<Grant>>,
    /// Whether the role is defined; looked at only where a grant is missing.
    pub role: Outcome<bool>,
    /// By application, whose grant is missing: its service principal in our tenant.
    pub principals: BTreeMap<String, Outcome<Option<String>>>,
    /// Operations that were begun and have not come to a good end.
    pub operations: BTreeMap<Subject, Operation>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            network: None,
            group: None,
            grants: Ok(Vec::new()),
            role: Ok(false),
            principals: BTreeMap::new(),
            operations: BTreeMap::new(),
        }
    }
}

/// The version of something that was read, Azure's `etag`: a change that is sent with it is refused if somebody was
/// faster. It is no part of what a step says of itself, or one that has to be repeated would seem to be another.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Version(Option<String>);

impl Version {
    pub fn as_read(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl From<&Value> for Version {
    fn from(thing: &Value) -> Self {
        Self(thing["etag"].as_str().map(str::to_owned))
    }
}

impl std::fmt::Debug for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.0.is_some() { "as read" } else { "new" })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Running {
        locks: bool,
    },
    /// Azure had accepted it, and it went wrong.
    Failed(Failure),
}

/// That somebody may do something with the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub name: Uuid,
    pub principal: String,
    /// The role's id.
    pub role: String,
    /// The id of what it is about: this network, or something that the network is part of.
    pub scope: String,
}

impl Grant {
    pub fn is_of(&self, role: &Uuid) -> bool {
        self.role.to_lowercase().ends_with(&role.to_string())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Network {
    pub id: String,
    #[serde(default)]
    pub etag: Version,
    #[serde(default)]
    pub properties: NetworkProperties,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkProperties {
    pub provisioning_state: String,
    pub subnets: Vec<Subnet>,
    pub virtual_network_peerings: Vec<Peering>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Subnet {
    pub name: String,
    #[serde(default)]
    pub etag: Version,
    #[serde(default)]
    pub properties: SubnetProperties,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubnetProperties {
    pub network_security_group: Option<Named>,
}

/// A reference to something by its id.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Named {
    pub id: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Peering {
    pub name: String,
    #[serde(default)]
    pub etag: Version,
    #[serde(default)]
    pub properties: PeeringProperties,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PeeringProperties {
    pub remote_virtual_network: Named,
    pub allow_virtual_network_access: bool,
    pub allow_forwarded_traffic: bool,
    pub peering_state: Option<String>,
    pub peering_sync_level: Option<String>,
    pub provisioning_state: Option<String>,
    /// What the peering carries.
    pub remote_address_space: Option<AddressSpace>,
    /// What the other network has now.
    pub remote_virtual_network_address_space: Option<AddressSpace>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AddressSpace {
    pub address_prefixes: Vec<String>,
}

impl AddressSpace {
    /// The IPv4 ranges; a network may have IPv6 beside them, which nothing here routes.
    pub fn ranges(&self) -> Vec<Ipv4Net> {
        let mut ranges: Vec<Ipv4Net> = self
            .address_prefixes
            .iter()
            .filter_map(|prefix| prefix.parse::<Ipv4Net>().ok())
            .map(|net| net.trunc())
            .collect();
        ranges.sort();
        ranges
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct SecurityGroup {
    #[serde(default)]
    pub etag: Version,
    #[serde(default)]
    pub properties: SecurityGroupProperties,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecurityGroupProperties {
    pub provisioning_state: String,
    /// As they came: those of others are sent back as they are.
    pub security_rules: Vec<Value>,
}

/// Whether something is as it will be for a while.
pub fn is_at_rest(provisioning: &str) -> bool {
    matches!(provisioning, "Succeeded" | "Failed" | "Canceled")
}

impl Network {
    pub fn subnet(&self) -> Option<&Subnet> {
        self.properties.subnets.iter().find(|subnet| names::same(&subnet.name, names::SUBNET))
    }

    pub fn peering(&self, connection: &ConnectionWish) -> Option<&Peering> {
        let name = connection.name();
        self.properties.virtual_network_peerings.iter().find(|peering| names::same(&peering.name, &name))
    }

    /// Another change of its peerings would be refused.
    pub fn is_locked(&self) -> bool {
        !is_at_rest(&self.properties.provisioning_state)
            || self.properties.virtual_network_peerings.iter().any(|peering| !peering.is_at_rest())
    }
}

impl Peering {
    pub fn state(&self) -> Option<&str> {
        self.properties.peering_state.as_deref()
    }

    pub fn is_at_rest(&self) -> bool {
        self.properties.provisioning_state.as_deref().is_none_or(is_at_rest)
    }

    /// The other network's ranges as they are now.
    pub fn peer_ranges(&self) -> Option<Vec<Ipv4Net>> {
        let now = self.properties.remote_virtual_network_address_space.as_ref();
        now.or(self.properties.remote_address_space.as_ref()).map(AddressSpace::ranges)
    }

    /// What is carried to it while it is connected.
    pub fn carried(&self) -> Vec<Ipv4Net> {
        match (self.state(), &self.properties.remote_address_space) {
            (Some("Connected"), Some(space)) => space.ranges(),
            _ => Vec::new(),
        }
    }

    /// The other network's ranges have changed since they were agreed on.
    pub fn is_out_of_date(&self) -> bool {
        matches!(self.properties.peering_sync_level.as_deref(), Some("RemoteNotInSync" | "LocalAndRemoteNotInSync"))
    }
}
