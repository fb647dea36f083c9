//! What Compute Engine has, cut down to what is looked at here. Plain data: the client's own types stay in `calls`.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use uuid::Uuid;

use crate::{ConnectionWish, Failure, Opening, Subject, Wish};

#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub network: Option<Network>,
    pub firewalls: Vec<Firewall>,
    /// The peer's ranges, as Google tells of peerings that are active.
    pub incoming: BTreeMap<Uuid, Vec<Ipv4Net>>,
    /// Operations that were begun and have not come to a good end.
    pub operations: BTreeMap<Subject, Operation>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// URLs.
    pub subnetworks: Vec<String>,
    pub peerings: Vec<Peering>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peering {
    pub name: String,
    /// The URL of the other network.
    pub network: String,
    pub state: String,
    pub details: String,
    pub exchanges_subnet_routes: bool,
    pub imports_custom_routes: bool,
}

/// A rule for what comes in from peers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firewall {
    pub name: String,
    pub ranges: Vec<Ipv4Net>,
    pub openings: Vec<Opening>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Running {
        touches_peering: bool,
    },
    /// Google said "done", and that it went wrong.
    Failed(Failure),
}

/// What things are called in the project. Names are keys there, so that a second request finds what the first one made.
pub fn network_name(wish: &Wish) -> String {
    let id = wish.id.simple().to_string();
    format!("causeway-{}", &id[id.len() - 12..])
}

/// The network as the other side names it.
pub fn peer_path(project: &str, network: &str) -> String {
    format!("projects/{project}/global/networks/{network}")
}

impl Network {
    /// Subnetworks of the VPC: the one of its range is called as the network is.
    pub fn has_subnetwork(&self, wish: &Wish) -> bool {
        let end = format!("/regions/{}/subnetworks/{}", wish.region, network_name(wish));
        self.subnetworks.iter().any(|url| url.ends_with(&end))
    }

    pub fn peering(&self, connection: &ConnectionWish) -> Option<&Peering> {
        let name = connection.name();
        self.peerings.iter().find(|peering| peering.name == name)
    }
}
