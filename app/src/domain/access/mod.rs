//! The ways in which clients reach a service, and what sets them apart (domain 6.1, "Networking overview").
//!
//! Facts only, in the words of the page that compares them: who gets in, at which address, over whose wires, and what
//! each asks in return. What a person should take is [`choice`]'s to say; what shields and encrypts is [`protection`]'s.

pub mod choice;
pub mod protection;

use super::Provider;

/// A way to a service. The first four are the access types; the other two join whole networks, as VPC peering does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    Public,
    VpcPeering,
    PrivateLink,
    StaticIps,
    TransitGateway,
    VpnGateway,
}

/// What sets a way apart, each fact short enough for a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Who gets in.
    pub clients: &'static str,
    /// What they connect to.
    pub address: &'static str,
    /// Whose wires carry the packets.
    pub wires: &'static str,
    /// What it asks of the address ranges.
    pub ranges: &'static str,
    /// Where there is such a thing.
    pub providers: &'static [Provider],
}

/// What cannot be compared: what it is, when it is right, and what to know before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub what: &'static str,
    pub take_it: &'static str,
    pub mind: &'static str,
    pub cost: &'static str,
}

impl Access {
    pub const ALL: [Self; 6] =
        [Self::Public, Self::VpcPeering, Self::PrivateLink, Self::StaticIps, Self::TransitGateway, Self::VpnGateway];

    pub fn label(self) -> &'static str {
        match self {
            Self::Public => "Public access",
            Self::VpcPeering => "VPC peering",
            Self::PrivateLink => "PrivateLink",
            Self::StaticIps => "Static IPs",
            Self::TransitGateway => "Transit Gateway",
            Self::VpnGateway => "VPN gateways",
        }
    }

    /// Its name in an address.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Public => "public-access",
            Self::VpcPeering => "vpc-peering",
            Self::PrivateLink => "privatelink",
            Self::StaticIps => "static-ips",
            Self::TransitGateway => "transit-gateway",
            Self::VpnGateway => "vpn-gateways",
        }
    }

    pub fn comparison(self) -> Comparison {
        const EVERYWHERE: &[Provider] = &Provider::ALL;
        const LINKED: &[Provider] = &[Provider::Aws, Provider::Google, Provider::Azure];
        let (clients, address, wires, ranges, providers) = match self {
            Self::Public => {
                ("Anybody whom the IP filter lets in", "public, of its nodes", "the internet", "any", EVERYWHERE)
            }
            Self::VpcPeering => (
                "Your networks in the same cloud",
                "private, in the VPC",
                "the cloud's own",
                "must not overlap",
                &Provider::CLOUDS as &[Provider],
            ),
            Self::PrivateLink => (
                "One network of yours, by an endpoint in it",
                "private, in your network",
                "the cloud's own",
                "may overlap",
                LINKED,
            ),
            Self::StaticIps => (
                "Those whose own firewall lists addresses",
                "public, and it stays",
                "the internet",
                "any",
                &Provider::CLOUDS as &[Provider],
            ),
            Self::TransitGateway => (
                "Everything that hangs on your hub",
                "private, in the VPC",
                "the cloud's own",
                "must not overlap",
                &[Provider::Aws] as &[Provider],
            ),
            Self::VpnGateway => (
                "Offices, laptops, other clouds, other VPCs",
                "private, in the VPC",
                "the internet, in a tunnel",
                "must not overlap",
                EVERYWHERE,
            ),
        };
        Comparison { clients, address, wires, ranges, providers }
    }

    pub fn explanation(self) -> Explanation {
        let (what, take_it, mind, cost) = match self {
            Self::Public => (
                "The service answers at public addresses, and an IP filter says who may knock.",
                "Clients are many, on the move, or in a place that cannot be joined to the VPC.",
                "A filter begins with 0.0.0.0/0 and ::/0: open to every address. Take them out once narrower entries are in. In a VPC public access is off until a component asks for it.",
                "The cloud's price for traffic to the internet.",
            ),
            Self::VpcPeering => (
                "Two private networks are joined, and packets go between them as if they were one.",
                "Your applications run in the same cloud, in networks that you plan yourself.",
                "It joins everything on both sides: peer with networks that you trust. It is not transitive: what is joined to your network does not reach the VPC through it. UpCloud joins networks of one zone only.",
                "The cloud's price for traffic between networks, often nothing in one zone.",
            ),
            Self::PrivateLink => (
                "An endpoint in your own network leads to one service. Connections are opened from your side only.",
                "Ranges overlap, or the other network shall reach this service and nothing else.",
                "No peering connection is needed, and no route. The service stands in a VPC; each component has a port of its own at the endpoint. Google calls it Private Service Connect, Azure Private Link.",
                "Per endpoint and hour, and per gigabyte.",
            ),
            Self::StaticIps => (
                "The nodes get public addresses that are yours: a replaced node hands its address on.",
                "Somebody's firewall lists the addresses that may be connected to, and changing that list takes weeks.",
                "It fixes where clients connect to, not who they are: the IP filter counts all the same. Switching it on replaces the nodes one by one, and takes spare addresses.",
                "Per address and hour, also while the service is powered off: delete what you do not need.",
            ),
            Self::TransitGateway => (
                "The VPC is attached to the hub that your own VPCs and data centres hang on already.",
                "There are many networks in AWS, and routing between them has a centre.",
                "The hub is shared with the console's AWS account and lies in the VPC's region. It does not tell which ranges lie behind it: you name them, and may change them later without a rebuild.",
                "Per attachment and hour, and per gigabyte.",
            ),
            Self::VpnGateway => (
                "A host of yours in the VPC ends WireGuard tunnels: from sites, from people, from other VPCs.",
                "Clients are not in the VPC's cloud, or the VPC is in no cloud at all.",
                "The gateway's line and host are the limit, and its public address must be reachable by UDP. Tunnels keep running while this console is away.",
                "The host, and the cloud's price for traffic to the internet.",
            ),
        };
        Explanation { what, take_it, mind, cost }
    }

    /// The way in a sentence, for those who do not see it drawn.
    pub fn drawn(self) -> &'static str {
        match self {
            Self::Public => "From the internet through the IP filter to the service",
            Self::VpcPeering => "Your network and the VPC, joined edge to edge, both ways",
            Self::PrivateLink => "From an endpoint in your network to the service, one way",
            Self::StaticIps => "From the internet to addresses that stay while the nodes behind them change",
            Self::TransitGateway => "Three networks and the VPC on one hub",
            Self::VpnGateway => "A laptop and an office, by tunnels, to a gateway on the VPC's edge",
        }
    }
}

/// Advice that outlives any one service; the first is about [`super::planner`].
pub const PRACTICES: [(&str, &str); 7] = [
    (
        "Plan ranges before anything is built.",
        "A VPC keeps its range for life, and two networks whose ranges overlap can never be joined. Write down what you own elsewhere too.",
    ),
    (
        "Leave room.",
        "Give networks different ranges even where nobody joins them today; a company that you buy brings 10.0.0.0/16 along.",
    ),
    ("Private first.", "Give a service a VPC, and public access only to the component that somebody outside needs."),
    (
        "Narrow what is public.",
        "List the addresses that may connect, each with a word who it is, and take 0.0.0.0/0 and ::/0 out.",
    ),
    (
        "One VPC for what may see each other.",
        "Peering joins whole networks: keep production and trial apart in VPCs, not in agreements.",
    ),
    (
        "Let clients check who answers.",
        "TLS with the project's CA as the only root; no public CA knows the names inside a VPC.",
    ),
    ("Change a range by moving.", "Make a VPC with the new range, peer it, move the service, then delete the old one."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn row_47_four_access_types_and_two_that_join_networks_are_told_apart() {
        let labels = Access::ALL.map(Access::label);
        assert_eq!(labels[..4], ["Public access", "VPC peering", "PrivateLink", "Static IPs"]);
        let told: BTreeSet<String> = Access::ALL.iter().map(|way| format!("{:?}", way.comparison())).collect();
        assert_eq!(told.len(), Access::ALL.len(), "no two are the same in every column");
        let slugs: BTreeSet<&str> = Access::ALL.into_iter().map(Access::slug).collect();
        assert_eq!(slugs.len(), Access::ALL.len());
    }

    #[test]
    fn only_what_routes_forbids_overlapping_ranges() {
        let forbid = |way: Access| way.comparison().ranges == "must not overlap";
        let routing: Vec<Access> = Access::ALL.into_iter().filter(|way| forbid(*way)).collect();
        assert_eq!(routing, [Access::VpcPeering, Access::TransitGateway, Access::VpnGateway]);
        assert_eq!(Access::PrivateLink.comparison().ranges, "may overlap");
    }

    #[test]
    fn a_transit_gateway_is_an_aws_thing_and_upcloud_has_no_privatelink() {
        assert_eq!(Access::TransitGateway.comparison().providers, [Provider::Aws]);
        assert!(!Access::PrivateLink.comparison().providers.contains(&Provider::UpCloud));
    }
}
