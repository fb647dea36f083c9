//! UpCloud's API 1.3 in JSON: the parts that are sent and read here.
//!
//! Every field that an answer may leave out is optional, and unknown fields are ignored: a peering that is
//! `pending-peer` names its peer by uuid alone, and a network without a router has no field `router`.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{Class, Failure, Outcome, http::Answer};

/// The label that names the VPC in the console.
pub const VPC: &str = "causeway-vpc";
/// The label that names the peering connection in the console.
pub const CONNECTION: &str = "causeway-connection";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pub key: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpNetwork {
    pub address: String,
    #[serde(default)]
    pub family: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpNetworks {
    #[serde(default)]
    pub ip_network: Vec<IpNetwork>,
}

impl IpNetworks {
    /// The IPv4 ranges; a private network may have IPv6 beside it, which nothing here routes.
    pub fn ranges(&self) -> Vec<Ipv4Net> {
        self.ip_network.iter().filter_map(|network| network.address.parse().ok()).collect()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Network {
    pub uuid: Uuid,
    #[serde(default)]
    pub name: String,
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub zone: String,
    /// Absent, null or empty where none is attached.
    #[serde(default)]
    pub router: Option<String>,
    #[serde(default)]
    pub ip_networks: IpNetworks,
    #[serde(default)]
    pub labels: Vec<Label>,
}

impl Network {
    pub fn router(&self) -> Option<Uuid> {
        self.router.as_deref()?.parse().ok()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Router {
    pub uuid: Uuid,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub labels: Vec<Label>,
    #[serde(default)]
    pub attached_networks: AttachedNetworks,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct AttachedNetworks {
    #[serde(default)]
    pub network: Vec<AttachedNetwork>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AttachedNetwork {
    pub uuid: Uuid,
}

impl Router {
    /// What is attached to it beside these networks.
    pub fn others(&self, networks: &BTreeSet<Uuid>) -> Vec<Uuid> {
        let attached = self.attached_networks.network.iter().map(|network| network.uuid);
        attached.filter(|network| !networks.contains(network)).collect()
    }
}

/// One end of a peering.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct End {
    pub uuid: Uuid,
    #[serde(default)]
    pub ip_networks: Option<IpNetworks>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Peering {
    pub uuid: Uuid,
    #[serde(default)]
    pub name: String,
    /// What was asked for: `active` or `disabled`.
    #[serde(default)]
    pub configured_status: String,
    /// What is.
    #[serde(default)]
    pub state: String,
    pub network: End,
    pub peer_network: End,
    #[serde(default)]
    pub labels: Vec<Label>,
}

impl Peering {
    /// The connection that its label names.
    pub fn connection(&self) -> Option<Uuid> {
        labelled(&self.labels, CONNECTION)
    }
}

pub fn labelled(labels: &[Label], key: &str) -> Option<Uuid> {
    labels.iter().find(|label| label.key == key)?.value.parse().ok()
}

#[derive(Debug, Deserialize)]
pub struct Account {
    pub username: String,
}

/// `{"account": {…}}` and its kin: every answer is wrapped in the name of what it holds.
macro_rules! wrapped {
    ($($name:ident { $field:ident: $inner:ty })*) => {$(
        #[derive(Debug, Deserialize)]
        pub struct $name {
            pub $field: $inner,
        }
    )*};
}

wrapped! {
    OneAccount { account: Account }
    OneNetwork { network: Network }
    OnePeering { network_peering: Peering }
    OneRouter { router: Router }
}

/// What a list answers, and how its items are reached.
pub trait List: DeserializeOwned {
    type Item;
    const PATH: &'static str;
    fn items(self) -> Vec<Self::Item>;
    fn uuid(item: &Self::Item) -> Uuid;
}

// Lists have two levels: `{"networks": {"network": [..]}}`.

#[derive(Deserialize)]
pub struct Networks {
    networks: NetworkList,
}
#[derive(Deserialize)]
struct NetworkList {
    #[serde(default)]
    network: Vec<Network>,
}

#[derive(Deserialize)]
pub struct Routers {
    routers: RouterList,
}
#[derive(Deserialize)]
struct RouterList {
    #[serde(default)]
    router: Vec<Router>,
}

#[derive(Deserialize)]
pub struct Peerings {
    network_peerings: PeeringList,
}
#[derive(Deserialize)]
struct PeeringList {
    #[serde(default)]
    network_peering: Vec<Peering>,
}

impl List for Networks {
    type Item = Network;
    const PATH: &'static str = "network";
    fn items(self) -> Vec<Network> {
        self.networks.network
    }
    fn uuid(item: &Network) -> Uuid {
        item.uuid
    }
}

impl List for Routers {
    type Item = Router;
    const PATH: &'static str = "router";
    fn items(self) -> Vec<Router> {
        self.routers.router
    }
    fn uuid(item: &Router) -> Uuid {
        item.uuid
    }
}

impl List for Peerings {
    type Item = Peering;
    const PATH: &'static str = "network-peering";
    fn items(self) -> Vec<Peering> {
        self.network_peerings.network_peering
    }
    fn uuid(item: &Peering) -> Uuid {
        item.uuid
    }
}

pub fn read<T: DeserializeOwned>(answer: &Answer) -> Outcome<T> {
    serde_json::from_str(&answer.body).map_err(|error| {
        Failure::new(Class::Unexpected, "answer", format!("UpCloud's answer was not understood: {error}."))
    })
}
