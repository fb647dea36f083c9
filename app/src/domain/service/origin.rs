//! Whose an address is that came to a service: a node, a road warrior, a network of the project, or nobody known.

use std::{collections::HashMap, fmt, net::IpAddr, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::{
    Node, NodeName, ServiceName,
    firewall::{Peered, Way},
};
use crate::domain::{
    AddressRange, Cidr, GatewayName, Network, PeerName, VpcName,
    cidr::{CARRIER, PRIVATE},
    gateway::own_tunnel_address,
};

/// Where a packet came from, as far as the project knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Node(ServiceName, NodeName),
    Gateway(GatewayName),
    RoadWarrior(PeerName),
    /// In the tunnel subnet of a gateway, and no peer that there is now.
    Tunnel(GatewayName),
    Vpc(VpcName),
    /// Behind a peering connection, a VPC peering or a site.
    Peered(Way, String),
    /// For private use, and of no network of the project.
    Private,
    Internet,
}

/// What the project knows of addresses.
pub struct Known<'a> {
    pub network: &'a Network,
    /// What reaches the service's VPC.
    pub peered: &'a [Peered],
    pub nodes: Vec<(&'a ServiceName, &'a Node)>,
    pub road_warriors: &'a HashMap<Ipv4Addr, PeerName>,
}

impl Known<'_> {
    /// The closest owner: an address of one's own counts before a range.
    pub fn origin(&self, from: IpAddr) -> Origin {
        let node = self.nodes.iter().find(|(_, node)| node.addresses().any(|own| own == from));
        if let Some((service, node)) = node {
            return Origin::Node((*service).clone(), node.name.clone());
        }
        let IpAddr::V4(from) = from else { return outside(from) };
        let gateways = &self.network.gateways;
        let gateway = gateways
            .iter()
            .find(|gateway| gateway.public_address == Some(from) || own_tunnel_address(gateway.tunnel) == from);
        if let Some(gateway) = gateway {
            return Origin::Gateway(gateway.name.clone());
        }
        if let Some(name) = self.road_warriors.get(&from) {
            return Origin::RoadWarrior(name.clone());
        }
        if let Some(gateway) = gateways.iter().find(|gateway| gateway.tunnel.contains(from)) {
            return Origin::Tunnel(gateway.name.clone());
        }
        if let Some(vpc) = self.network.vpcs.iter().find(|vpc| vpc.cidr.contains(from)) {
            return Origin::Vpc(vpc.name.clone());
        }
        let holds = |peered: &&Peered| peered.range.contains(from);
        // The narrowest range is the truest answer.
        if let Some(peered) = self.peered.iter().filter(holds).max_by_key(|peered| peered.range.prefix()) {
            return Origin::Peered(peered.by, peered.name.clone());
        }
        outside(from.into())
    }
}

fn outside(from: IpAddr) -> Origin {
    let private = match from {
        IpAddr::V4(from) => {
            let holds = |range: &Cidr| range.contains(from);
            PRIVATE.iter().any(holds) || holds(&CARRIER) || from.is_link_local() || from.is_loopback()
        }
        IpAddr::V6(_) => ["fc00::/7", "fe80::/10", "::1/128"]
            .iter()
            .any(|range| range.parse::<AddressRange>().is_ok_and(|range| range.contains(from))),
    };
    if private { Origin::Private } else { Origin::Internet }
}

impl fmt::Display for Origin {
    /// As a column of a table says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(service, node) => write!(f, "node {node} of {service}"),
            Self::Gateway(name) => write!(f, "VPN gateway {name}"),
            Self::RoadWarrior(name) => write!(f, "road warrior {name}"),
            Self::Tunnel(gateway) => write!(f, "tunnel subnet of {gateway}"),
            Self::Vpc(name) => write!(f, "VPC {name}"),
            Self::Peered(Way::Connection, name) => write!(f, "peering connection {name}"),
            Self::Peered(Way::Site, name) => write!(f, "site {name}"),
            Self::Peered(Way::VpcPeering | Way::RoadWarriors, name) => f.write_str(name),
            Self::Private => f.write_str("a private address of no network here"),
            Self::Internet => f.write_str("the internet"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{fixtures::harbor, service::fixtures::node};

    #[test]
    fn row_64_a_source_is_called_by_what_the_project_knows_of_it() {
        let town = harbor();
        let peered = [
            Peered {
                by: Way::Connection,
                name: "vpc-0123".to_owned(),
                range: "10.60.0.0/16".parse().expect("a range"),
            },
            Peered { by: Way::Site, name: "altona".to_owned(), range: "10.60.9.0/24".parse().expect("a range") },
        ];
        let (service, member) = ("orders".parse().expect("a name"), node(1, None, Some([198, 51, 100, 4])));
        let mira = ([10, 200, 1, 10].into(), "laptop-mira".parse().expect("a name"));
        let known = Known {
            network: &town.network,
            peered: &peered,
            nodes: vec![(&service, &member)],
            road_warriors: &HashMap::from([mira]),
        };
        let said = |text: &str| known.origin(text.parse().expect("an address")).to_string();
        for (address, expected) in [
            ("198.51.100.4", "node orders-1 of orders"),
            ("203.0.113.2", "VPN gateway gw-dc-hamburg"),
            ("10.200.1.10", "road warrior laptop-mira"),
            ("10.200.1.77", "tunnel subnet of gw-hq-oslo"),
            ("172.28.4.7", "VPC dc-hamburg"),
            ("10.60.1.1", "peering connection vpc-0123"),
            ("10.60.9.1", "site altona"),
            ("10.99.0.1", "a private address of no network here"),
            ("100.64.0.1", "a private address of no network here"),
            ("fd00::7", "a private address of no network here"),
            ("198.51.100.7", "the internet"),
            ("2001:db8::1", "the internet"),
        ] {
            assert_eq!(said(address), expected, "{address}");
        }
    }
}
