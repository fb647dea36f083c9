use std::net::Ipv4Addr;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{
    network::{GatewayRange, PlannedRange, RoutedRange, VpcRange},
    vpc::VpcState,
};

fn cidr(text: &str) -> Cidr {
    text.parse().expect("a range")
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// alpha and beta in two places, a gateway in each, and a site behind alpha's.
fn network() -> Network {
    let mut network = Network::default();
    for (number, name, cloud, range, tunnel) in [
        (1, "alpha", "local-oslo", "10.16.0.0/20", "10.200.1.0/24"),
        (2, "beta", "local-bergen", "10.20.0.0/16", "10.200.2.0/24"),
    ] {
        let vpc = VpcId::from_uuid(id(number));
        network.vpcs.push(VpcRange {
            id: vpc,
            name: name.parse().expect("a name"),
            cloud: cloud.parse().expect("a place"),
            cidr: cidr(range),
            state: VpcState::Active,
            cloud_id: None,
        });
        network.gateways.push(GatewayRange {
            id: GatewayId::from_uuid(id(number)),
            name: format!("gw-{name}").parse().expect("a name"),
            owner: PersonId::from_uuid(id(1)),
            vpc,
            tunnel: cidr(tunnel),
            active: true,
            inactive_because: String::new(),
            public_address: None,
            listen_port: 51820,
            next_tunnel_address: None,
            generation: 1,
        });
    }
    route(&mut network, 1, PeerKind::Site, "site-altona", "192.168.88.0/24");
    route(&mut network, 1, PeerKind::VpcPeering, "vpc-peering-gw-beta", "10.20.0.0/16");
    network
}

fn route(network: &mut Network, gateway: u128, kind: PeerKind, name: &str, range: &str) {
    network.routed.push(RoutedRange {
        gateway: GatewayId::from_uuid(id(gateway)),
        peer: PeerId::from_uuid(id(90)),
        peer_name: name.parse().expect("a name"),
        kind,
        pair: None,
        remote: None,
        cidr: cidr(range),
    });
}

fn plan(network: &mut Network, name: &str, range: &str) {
    network.planned.push(PlannedRange { name: name.parse().expect("a name"), cidr: cidr(range) });
}

fn found(network: &Network) -> Vec<(Conflict, String)> {
    overlaps(&owned(network), 100).into_iter().map(|overlap| (overlap.conflict, overlap.to_string())).collect()
}

#[test]
fn each_range_is_listed_once_and_a_peerings_routes_are_the_other_vpcs_own() {
    let mut network = network();
    plan(&mut network, "office", "172.16.0.0/12");
    let lines: Vec<String> =
        owned(&network).iter().map(|range| format!("{} {} {}", range.cidr, range.holder.word(), range.name)).collect();
    assert_eq!(
        lines,
        [
            "10.16.0.0/20 VPC alpha",
            "10.20.0.0/16 VPC beta",
            "10.200.1.0/24 Tunnel subnet gw-alpha",
            "10.200.2.0/24 Tunnel subnet gw-beta",
            "172.16.0.0/12 Planned office",
            "192.168.88.0/24 Site site-altona",
        ]
    );
    assert_eq!(found(&network), []);
}

#[test]
fn an_overlap_says_which_lies_in_which_and_what_follows() {
    let mut network = network();
    network.vpcs[1].cidr = cidr("10.16.8.0/24");
    assert_eq!(
        found(&network),
        [(Conflict::CannotBePeered, "beta 10.16.8.0/24 lies inside alpha 10.16.0.0/20.".into())]
    );
    network.vpcs[1].cloud = network.vpcs[0].cloud.clone();
    assert_eq!(found(&network)[0].0, Conflict::Error, "one region holds an address once");
    network.vpcs[1].cidr = cidr("10.16.0.0/20");
    assert_eq!(found(&network)[0].1, "beta and alpha are both 10.16.0.0/20.");
}

#[test]
fn a_planned_network_is_only_a_warning() {
    let mut network = network();
    plan(&mut network, "office", "10.16.0.0/12");
    let conflicts = found(&network);
    assert_eq!(conflicts.len(), 2, "{conflicts:?}");
    assert!(conflicts.iter().all(|(conflict, _)| *conflict == Conflict::Warning));
}

#[test]
fn a_site_quarrels_with_its_own_gateway_and_with_the_peering_of_another() {
    let mut network = network();
    route(&mut network, 1, PeerKind::Site, "site-lab", "10.200.1.128/25");
    assert_eq!(
        found(&network),
        [(Conflict::Error, "site-lab 10.200.1.128/25 lies inside gw-alpha 10.200.1.0/24.".into())]
    );
    network.routed.pop();
    route(&mut network, 1, PeerKind::Site, "site-lab", "10.20.4.0/24");
    assert_eq!(
        found(&network),
        [(Conflict::CannotBePeered, "site-lab 10.20.4.0/24 lies inside beta 10.20.0.0/16.".into())]
    );
    network.routed.pop();
    route(&mut network, 2, PeerKind::Site, "site-lab", "192.168.88.0/25");
    assert_eq!(found(&network)[0].0, Conflict::Warning, "sites of two gateways never meet in one table");
}

#[test]
fn tunnel_subnets_of_two_people_are_never_joined() {
    let mut network = network();
    network.gateways[1].tunnel = cidr("10.200.1.0/25");
    assert_eq!(found(&network)[0].0, Conflict::CannotBePeered);
    network.gateways[1].owner = PersonId::from_uuid(id(2));
    assert_eq!(found(&network)[0].0, Conflict::Warning);
}

#[test]
fn overlaps_that_cannot_be_peered_are_what_the_peering_rule_refuses() {
    let mut network = network();
    network.routed.clear();
    let ask = |network: &Network| {
        network
            .admit_peering(GatewayId::from_uuid(id(1)), GatewayId::from_uuid(id(2)))
            .err()
            .map(|refusal| refusal.sentence)
    };
    network.gateways[1].tunnel = cidr("10.16.3.0/24");
    assert_eq!(found(&network)[0].0, Conflict::CannotBePeered);
    assert_eq!(ask(&network).as_deref(), Some("A tunnel subnet overlaps with the remote VPC CIDR"));
}

#[test]
fn the_matrix_is_symmetric_and_its_diagonal_empty() {
    let mut network = network();
    plan(&mut network, "office", "10.16.0.0/12");
    let matrix = Matrix::of(&owned(&network), 24);
    assert_eq!((matrix.ranges.len(), matrix.left_out), (6, 0));
    for row in 0..6 {
        assert_eq!(matrix.at(row, row), None);
        for column in 0..6 {
            assert_eq!(matrix.at(row, column), matrix.at(column, row));
        }
    }
    let small = Matrix::of(&owned(&network), 3);
    assert_eq!(small.ranges.iter().map(|range| range.name.as_str()).collect::<Vec<_>>(), ["office", "alpha", "beta"]);
    assert_eq!(small.left_out, 3);
}

#[test]
fn a_block_is_as_full_as_its_distinct_addresses() {
    let mut network = network();
    plan(&mut network, "office", "10.16.0.0/16");
    network.vpcs[1].cidr = cidr("10.16.0.0/24");
    let blocks: Vec<String> = utilisation(&owned(&network))
        .iter()
        .map(|block| format!("{} {} planned {}", block.block, block.percent(), block.planned))
        .collect();
    assert_eq!(
        blocks,
        ["10.16.0.0/16 6 % planned 61440", "10.200.0.0/16 1 % planned 0", "192.168.0.0/16 <1 % planned 0"]
    );
}

#[test]
fn a_percentage_is_never_rounded_to_empty_or_full() {
    let block = |used| Utilisation { block: cidr("10.0.0.0/16"), used, planned: 0, holders: vec![] }.percent();
    assert_eq!([0, 1, 32_768, 65_535, 65_536].map(block), ["0 %", "<1 %", "50 %", ">99 %", "100 %"]);
}

#[test]
fn the_planner_reads_a_range_with_host_bits_and_says_so() {
    assert_eq!(read(" 10.0.0.0/8 "), Ok(Typed { cidr: cidr("10.0.0.0/8"), note: None }));
    let typed = read("11.1.1.0/8").expect("a range");
    assert_eq!((typed.cidr, typed.note.as_deref()), (cidr("11.0.0.0/8"), Some("11.1.1.0/8 was read as 11.0.0.0/8.")));
    assert_eq!(read("ten"), Err(InvalidCidr::Shape));
}

#[test]
fn free_ranges_are_found_around_what_is_taken() {
    let used = [cidr("10.0.0.0/24"), cidr("10.0.2.0/24")];
    assert_eq!(
        free(&[cidr("10.0.0.0/8")], &used, 24, 3),
        [cidr("10.0.1.0/24"), cidr("10.0.3.0/24"), cidr("10.0.4.0/24")]
    );
    assert_eq!(free(&[cidr("10.0.0.0/22")], &used, 23, 3), []);
    assert_eq!(free(&[cidr("10.0.0.0/22")], &used, 33, 3), []);
    assert_eq!(free(&PRIVATE, &[], 8, 9), [cidr("10.0.0.0/8")]);
}

#[test]
fn the_widest_free_range_comes_first() {
    assert_eq!(widest(&PRIVATE, &[cidr("10.0.0.0/9")], 2), [cidr("10.128.0.0/9"), cidr("172.16.0.0/12")]);
    assert_eq!(widest(&[cidr("0.0.0.0/0")], &[], 2), [cidr("0.0.0.0/0")]);
    assert_eq!(widest(&[cidr("255.255.255.254/31")], &[cidr("255.255.255.255/32")], 2), [cidr("255.255.255.254/32")]);
}

#[test]
fn near_a_taken_range_the_form_offers_as_large_smaller_and_an_empty_block() {
    let used = [cidr("10.16.0.0/20"), cidr("10.16.16.0/20")];
    let offers: Vec<String> =
        near(cidr("10.16.24.0/21"), &used).iter().map(|offer| format!("{} {}", offer.cidr, offer.why)).collect();
    assert_eq!(
        offers,
        [
            "10.16.32.0/21 as large as asked",
            "10.16.40.0/21 as large as asked",
            "10.16.48.0/22 half the size",
            "10.17.0.0/21 an empty /16"
        ]
    );
    assert_eq!(near(cidr("10.0.0.0/16"), &[cidr("10.0.0.0/8")]), []);
    assert!(
        near(cidr("8.8.8.0/24"), &[]).iter().all(|offer| offer.cidr.is_private()),
        "a public wish is answered privately"
    );
}

/// Ranges inside one /24, so that every address can be asked.
fn small() -> impl Strategy<Value = Cidr> {
    (any::<u8>(), 24u8..=32)
        .prop_map(|(last, prefix)| Cidr::around(Ipv4Addr::new(10, 9, 8, last), prefix).expect("24 to 32"))
}

fn within() -> Cidr {
    cidr("10.9.8.0/24")
}

fn any_range() -> impl Strategy<Value = Cidr> {
    (any::<u32>(), 0u8..=32).prop_map(|(address, prefix)| Cidr::around(address.into(), prefix).expect("0 to 32"))
}

proptest! {
    #[test]
    fn free_is_exactly_every_aligned_range_that_touches_nothing(used in prop::collection::vec(small(), 0..9), prefix in 24u8..=32) {
        let step = 1usize << (32 - prefix);
        let brute: Vec<Cidr> = (0..256)
            .step_by(step)
            .map(|start| Cidr::around(Ipv4Addr::from(within().first() + start), prefix).expect("24 to 32"))
            .filter(|range| !used.iter().any(|used| used.overlaps(*range)))
            .collect();
        prop_assert_eq!(free(&[within()], &used, prefix, 1000), brute);
    }

    #[test]
    fn the_widest_ranges_fill_exactly_what_is_free(used in prop::collection::vec(small(), 0..9)) {
        let filled = widest(&[within()], &used, 1000);
        for last in 0..=255 {
            let address = Ipv4Addr::new(10, 9, 8, last);
            let taken = used.iter().any(|range| range.contains(address));
            prop_assert_eq!(filled.iter().filter(|range| range.contains(address)).count(), usize::from(!taken));
        }
    }

    #[test]
    fn nothing_that_is_offered_is_taken(used in prop::collection::vec(any_range(), 0..20), wish in any_range(), prefix in 0u8..=32) {
        let offered = near(wish, &used).into_iter().map(|offer| offer.cidr);
        for range in free(&PRIVATE, &used, prefix, 5).into_iter().chain(widest(&PRIVATE, &used, 5)).chain(offered) {
            prop_assert!(range.is_private() && !used.iter().any(|used| used.overlaps(range)), "{}", range);
        }
    }

    #[test]
    fn every_overlap_is_found_once(ranges in prop::collection::vec(small(), 0..12)) {
        let owned: Vec<Owned> = ranges.iter().map(|cidr| Owned { cidr: *cidr, name: "x".into(), holder: Holder::Planned }).collect();
        let pairs = (0..ranges.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
        let brute = pairs.filter(|(a, b)| ranges[*a].overlaps(ranges[*b])).count();
        let found = overlaps(&owned, 1000);
        prop_assert_eq!(found.len(), brute);
        prop_assert!(found.iter().all(|overlap| overlap.outer.cidr.covers(overlap.inner.cidr)));
    }
}
