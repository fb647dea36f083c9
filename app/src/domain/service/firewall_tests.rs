use std::net::Ipv4Addr;

use proptest::{
    prelude::{ProptestConfig, Strategy, any, prop_assert_eq, proptest},
    sample::select,
};

use super::*;
use crate::domain::{
    fixtures::Town,
    service::{
        fixtures::{component, node},
        ip_filter::IpFilterEntry,
    },
};

const VPC: Cidr = Cidr::literal([10, 0, 0, 0], 24);

fn filter(ranges: &str) -> IpFilter {
    IpFilter::parse(ranges, 0).expect("a list")
}

fn peering(by: Way, range: &str) -> Peered {
    Peered { by, name: "beta".to_owned(), range: range.parse().expect("a range") }
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

struct Scene {
    private: Option<Cidr>,
    components: Vec<Component>,
    peered: Vec<Peered>,
    filter: IpFilter,
    nodes: Vec<Node>,
    integrations: Vec<Integrated>,
}

impl Scene {
    fn in_vpc() -> Self {
        Self {
            private: Some(VPC),
            components: vec![component("pg", 5432), component("pgbouncer", 6432)],
            peered: vec![peering(Way::Connection, "10.1.0.0/16"), peering(Way::RoadWarriors, "10.200.1.0/24")],
            filter: IpFilter::default(),
            nodes: vec![
                node(1, Some([10, 0, 0, 4]), Some([203, 0, 113, 4])),
                node(2, Some([10, 0, 0, 5]), Some([203, 0, 113, 5])),
            ],
            integrations: Vec::new(),
        }
    }

    fn effective(&self) -> Firewall {
        effective(&Around {
            private: self.private,
            components: &self.components,
            peered: &self.peered,
            filter: &self.filter,
            nodes: &self.nodes,
            integrations: &self.integrations,
        })
    }

    fn admits(&self, from: &str, to: Destination, port: u16) -> bool {
        matches!(self.effective().verdict(address(from), to, port), Verdict::Admitted(_))
    }
}

#[test]
fn row_30_a_service_in_a_vpc_lets_peered_networks_and_its_own_nodes_in_and_nobody_else() {
    let scene = Scene::in_vpc();
    assert!(scene.admits("10.1.7.8", Destination::Private, 5432));
    assert!(scene.admits("10.200.1.9", Destination::Private, 6432), "road warriors");
    assert!(scene.admits("10.0.0.5", Destination::Private, 5432), "the other node");
    assert!(!scene.admits("10.0.0.77", Destination::Private, 5432), "a stranger in the same VPC");
    assert!(!scene.admits("10.2.0.1", Destination::Private, 5432), "a network that is not peered");
    assert!(!scene.admits("198.51.100.7", Destination::Public, 5432), "although the filter is open to everyone");
    assert_eq!(scene.effective().verdict(address("198.51.100.7"), Destination::Public, 22), Verdict::NotGuarded);
}

#[test]
fn row_60_every_rule_says_why_it_is_there() {
    let firewall = Scene::in_vpc().effective();
    let lines: Vec<String> = firewall
        .rules
        .iter()
        .map(|rule| {
            let from: Vec<String> = rule.from.iter().map(ToString::to_string).collect();
            format!("{}: {}", rule.reason, from.join(" "))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "Other nodes of this service: 10.0.0.4/31 203.0.113.4/31",
            "Peering connections of the VPC: 10.1.0.0/16",
            "Road warriors of the VPN gateway: 10.200.1.0/24",
        ]
    );
}

#[test]
fn row_37_public_access_of_one_component_opens_that_port_to_the_filter_and_no_other() {
    let mut scene = Scene::in_vpc();
    scene.components[0].public_access = true;
    scene.filter = filter("198.51.100.0/24");
    assert!(scene.admits("198.51.100.7", Destination::Public, 5432));
    assert!(!scene.admits("198.51.101.7", Destination::Public, 5432));
    assert!(!scene.admits("198.51.100.7", Destination::Public, 6432));
    assert!(!scene.admits("198.51.100.7", Destination::Private, 5432), "not by a private address");
}

#[test]
fn row_40_with_public_access_the_filter_is_asked_on_the_private_route_too() {
    let mut scene = Scene::in_vpc();
    scene.components[0].public_access = true;
    scene.filter = filter("198.51.100.0/24\n10.1.2.0/24");
    assert!(scene.admits("10.1.2.9", Destination::Private, 6432));
    assert!(!scene.admits("10.1.3.9", Destination::Private, 6432), "peered, but not in the list");
    assert!(scene.admits("10.0.0.5", Destination::Private, 6432), "the service itself needs no entry");
    let firewall = scene.effective();
    assert!(firewall.rules.iter().any(|rule| rule.narrowed && rule.reason == Reason::Peered(Way::Connection)));
}

#[test]
fn row_39_the_filter_of_a_service_without_public_access_decides_nothing() {
    let mut scene = Scene::in_vpc();
    let before = scene.effective();
    scene.filter = filter("192.0.2.1");
    assert_eq!(scene.effective(), before);
}

#[test]
fn a_service_in_public_asks_its_filter_alone() {
    let mut scene = Scene::in_vpc();
    (scene.private, scene.filter) = (None, filter("192.0.2.0/24\n2001:db8::/32"));
    assert!(scene.admits("192.0.2.9", Destination::Public, 5432));
    assert!(scene.admits("2001:db8::1", Destination::Public, 5432));
    assert!(!scene.admits("10.1.7.8", Destination::Private, 5432), "peered networks mean nothing to it");
    scene.filter = IpFilter::new(Vec::new(), 0).expect("an empty list");
    assert!(!scene.admits("192.0.2.9", Destination::Public, 5432));
    assert!(scene.admits("203.0.113.5", Destination::Public, 5432), "its own node");
}

#[test]
fn row_65_an_integration_opens_the_components_that_it_uses_to_the_other_service() {
    let mut scene = Scene::in_vpc();
    scene.integrations = vec![Integrated {
        service: "grafana".parse().expect("a name"),
        components: ["pg".parse().expect("a name")].into(),
        addresses: vec![address("10.0.0.40")],
    }];
    assert!(scene.admits("10.0.0.40", Destination::Private, 5432));
    assert!(!scene.admits("10.0.0.40", Destination::Private, 6432));
}

#[test]
fn the_peered_ranges_of_a_vpc_are_those_of_its_gateway_and_its_connections() {
    let mut town = Town::default();
    town.vpc("alpha", "oslo", "172.16.0.0/16");
    town.vpc("beta", "bergen", "10.0.0.0/16");
    town.gateway("alpha");
    town.gateway("beta");
    town.peering("alpha", "beta");
    let peered = peered(&town.network, town.vpcs[0].id);
    let lines: Vec<String> =
        peered.iter().map(|one| format!("{} {} {}", one.by.label(), one.name, one.range)).collect();
    assert_eq!(
        lines,
        [
            "vpc-peerings vpc-peering-gw-beta 10.0.0.0/16",
            "vpc-peerings vpc-peering-gw-beta 10.200.2.0/24",
            "road-warriors gw-alpha 10.200.1.0/24",
        ]
    );
}

#[test]
fn a_node_behind_address_translation_lets_public_clients_in_at_any_address() {
    let mut scene = Scene::in_vpc();
    scene.components[0].public_access = true;
    let firewall = scene.effective();
    let destinations = |translated| {
        let mut node = scene.nodes[0].clone();
        node.settings.translated = translated;
        let service = "orders".parse().expect("a name");
        let told = node_firewall(&firewall, &service, scene.private, &node, DriftPolicy::Repair, 0);
        told.rules.into_iter().find(|rule| rule.name == "filter").expect("a rule").to
    };
    assert_eq!((destinations(false), destinations(true)), (Destination::Public, Destination::Any));
}

/// The rules of domain 3.6 once more, one packet at a time and without a list of rules.
fn by_hand(scene: &Scene, from: IpAddr, to: Destination, port: u16) -> bool {
    let Some(component) = scene.components.iter().find(|component| component.port == port) else { return false };
    if scene.nodes.iter().any(|node| node.addresses().any(|address| address == from)) {
        return true;
    }
    let in_filter = scene.filter.networks().any(|range| range.net().contains(&from));
    if scene.private.is_none() {
        return in_filter;
    }
    match to {
        Destination::Private => {
            let IpAddr::V4(from) = from else { return false };
            let peered = scene.peered.iter().any(|peered| peered.range.contains(from));
            let asks_the_filter = scene.components.iter().any(|component| component.public_access);
            peered && (in_filter || !asks_the_filter)
        }
        _ => component.public_access && in_filter,
    }
}

fn ranges() -> impl Strategy<Value = AddressRange> {
    // Few addresses, so that ranges meet.
    (any::<bool>(), any::<u8>(), any::<u8>(), 0u8..=32).prop_map(|(v4, a, b, prefix)| {
        let text = if v4 {
            let net = Cidr::around(Ipv4Addr::new(10, a % 4, b, a), prefix).expect("a prefix length");
            net.to_string()
        } else {
            let net = ipnet::Ipv6Net::new(std::net::Ipv6Addr::from(u128::from(b) << 100), prefix * 4);
            net.expect("a prefix length").trunc().to_string()
        };
        text.parse().expect("a range")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_list_of_rules_agrees_with_looking_at_each_packet(
        allowed in proptest::collection::vec(ranges(), 0..12),
        peers in proptest::collection::vec((ranges(), 0usize..4), 0..8),
        public in any::<[bool; 2]>(),
        in_vpc in any::<bool>(),
        packets in proptest::collection::vec((any::<[u8; 3]>(), any::<bool>(), select(vec![5432u16, 6432, 22])), 1..60),
    ) {
        let mut scene = Scene::in_vpc();
        scene.private = in_vpc.then_some(VPC);
        let mut seen = BTreeSet::new();
        let entries = allowed.into_iter().filter(|range| seen.insert(*range));
        let entries = entries.map(|network| IpFilterEntry { network, description: String::new() }).collect();
        scene.filter = IpFilter::new(entries, 0).expect("a list");
        let ways = [Way::Connection, Way::VpcPeering, Way::Site, Way::RoadWarriors];
        scene.peered = peers
            .into_iter()
            .filter_map(|(range, way)| {
                let range = range.to_string().parse().ok()?;
                Some(Peered { by: ways[way], name: "beta".to_owned(), range })
            })
            .collect();
        for (component, public) in scene.components.iter_mut().zip(public) {
            component.public_access = public;
        }
        let firewall = scene.effective();
        for ([a, b, c], private, port) in packets {
            let to = if private { Destination::Private } else { Destination::Public };
            let v6 = std::net::Ipv6Addr::from((u128::from(a) << 100) | u128::from(c));
            for from in [IpAddr::from([10, a % 4, b, c]), IpAddr::from(v6), address("10.0.0.5")] {
                let admitted = matches!(firewall.verdict(from, to, port), Verdict::Admitted(_));
                prop_assert_eq!(admitted, by_hand(&scene, from, to, port), "{} to {:?} {}", from, to, port);
            }
        }
    }
}

#[test]
fn row_64_a_refused_attempt_says_why_by_the_rules_as_they_are_now() {
    let said = |scene: &Scene, from: &str, port| scene.effective().cause(address(from), port).to_string();
    let pure = Scene::in_vpc();
    assert_eq!(said(&pure, "198.51.100.7", 5432), "Default deny: no rule lets it in");
    assert_eq!(said(&pure, "198.51.100.7", 22), "No port of the service any more");
    let peered = "Let in at private addresses only: Peering connections of the VPC";
    assert_eq!(said(&pure, "10.1.7.8", 5432), peered);
    assert_eq!(said(&pure, "10.0.0.5", 5432), "Let in by now: Other nodes of this service");
    let mut open = Scene::in_vpc();
    open.components[0].public_access = true;
    open.filter = filter("198.51.100.0/24\n10.1.0.0/17");
    assert_eq!(said(&open, "198.51.100.7", 5432), "Let in at public addresses only: IP filter");
    assert_eq!(said(&open, "203.0.113.99", 5432), "Default deny: not in the IP filter");
    assert_eq!(said(&open, "10.1.200.1", 5432), "The IP filter leaves out beta");
}
