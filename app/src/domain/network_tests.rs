use uuid::Uuid;

use super::*;
use crate::domain::{gateway::GatewaySettings, vpc::VpcState};

fn cidr(text: &str) -> Cidr {
    text.parse().expect("a range")
}

fn vpc_id(number: u128) -> VpcId {
    VpcId::from_uuid(Uuid::from_u128(number))
}

fn gateway_id(number: u128) -> GatewayId {
    GatewayId::from_uuid(Uuid::from_u128(number))
}

fn owner(number: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(number))
}

fn local() -> CloudName {
    CloudName::default_local()
}

/// Two VPCs, alpha and beta, with an active gateway each.
fn two_gateways() -> Network {
    let mut network = Network {
        locations: vec![Location { cloud: local(), label: "Default location".into(), vpn_gateway_enabled: true }],
        ..Network::default()
    };
    for (number, name, range, tunnel) in
        [(1, "alpha", "172.16.0.0/16", "10.200.1.0/24"), (2, "beta", "10.0.0.0/16", "10.200.2.0/24")]
    {
        network.vpcs.push(VpcRange {
            id: vpc_id(number),
            name: name.parse().expect("a name"),
            cloud: local(),
            cidr: cidr(range),
            state: VpcState::Active,
            cloud_id: None,
        });
        network.gateways.push(GatewayRange {
            id: gateway_id(number),
            name: format!("gw-{name}").parse().expect("a name"),
            owner: owner(1),
            vpc: vpc_id(number),
            tunnel: cidr(tunnel),
            active: true,
            inactive_because: String::new(),
            public_address: Some(Ipv4Addr::new(203, 0, 113, u8::try_from(number).expect("small"))),
            listen_port: 51820,
            next_tunnel_address: Some(Ipv4Addr::from(cidr(tunnel).first() + 2)),
            generation: 1,
        });
    }
    network
}

fn routed(network: &mut Network, gateway: u128, remote: Option<u128>, range: &str, name: &str) {
    network.routed.push(RoutedRange {
        gateway: gateway_id(gateway),
        peer: PeerId::from_uuid(Uuid::from_u128(99)),
        peer_name: name.parse().expect("a name"),
        kind: if remote.is_some() { PeerKind::VpcPeering } else { PeerKind::Site },
        pair: None,
        remote: remote.map(gateway_id),
        cidr: cidr(range),
    });
}

fn peering(network: &Network) -> Result<(), String> {
    let there = network.admit_peering(gateway_id(1), gateway_id(2)).map_err(|refusal| refusal.sentence);
    let back = network.admit_peering(gateway_id(2), gateway_id(1)).map_err(|refusal| refusal.sentence);
    assert_eq!(there, back, "the answer does not depend on the side that asks");
    there
}

#[test]
fn two_active_gateways_in_different_vpcs_may_be_peered() {
    assert_eq!(peering(&two_gateways()), Ok(()));
}

#[test]
fn row_81_the_five_checks_answer_in_their_order_and_words() {
    // Everything is wrong at once; each step mends the first complaint.
    let mut network = two_gateways();
    network.gateways[1].vpc = vpc_id(1);
    network.gateways[1].tunnel = cidr("10.200.1.0/25");
    network.vpcs[1].cidr = cidr("172.16.128.0/17");
    routed(&mut network, 1, Some(2), "10.0.0.0/16", "vpc-peering-gw-beta");
    routed(&mut network, 2, Some(1), "172.16.0.0/16", "vpc-peering-gw-alpha");
    assert_eq!(peering(&network), Err("Cannot peer gateways in the same VPC".into()));

    network.gateways[1].vpc = vpc_id(2);
    assert_eq!(peering(&network), Err("A peering already exists between these gateways".into()));

    network.routed.clear();
    assert_eq!(peering(&network), Err("The VPC CIDRs of the two gateways overlap".into()));

    network.vpcs[1].cidr = cidr("10.200.0.0/16");
    assert_eq!(peering(&network), Err("The tunnel subnets of the two gateways overlap".into()));

    network.gateways[1].tunnel = cidr("10.201.0.0/24");
    assert_eq!(peering(&network), Err("A tunnel subnet overlaps with the remote VPC CIDR".into()));

    network.vpcs[1].cidr = cidr("10.0.0.0/16");
    assert_eq!(peering(&network), Ok(()));
}

#[test]
fn row_82_both_gateways_must_be_active() {
    let mut network = two_gateways();
    network.gateways[1].active = false;
    network.gateways[1].inactive_because = "gw-beta has been silent for 41 min.".into();
    assert_eq!(peering(&network), Err("Both gateways must be active. gw-beta has been silent for 41 min.".into()));
}

#[test]
fn a_gateway_that_goes_or_is_gone_is_not_joined_and_the_sentence_says_which() {
    let mut network = two_gateways();
    let beta = network.gateways.pop().expect("beta");
    let GatewayRange { id, name, owner, vpc, .. } = beta;
    network.leaving.push(LeavingGateway { id, name, owner, vpc });
    assert_eq!(peering(&network), Err("Gateway gw-beta is being deleted.".into()));
    network.leaving.clear();
    assert_eq!(peering(&network), Err("This gateway no longer exists. Choose another one.".into()));
}

#[test]
fn gateways_of_two_people_are_never_joined() {
    let mut network = two_gateways();
    network.gateways[1].owner = owner(2);
    assert_eq!(peering(&network), Err("Both gateways must belong to the same user.".into()));
    network.vpcs[1].cidr = network.vpcs[0].cidr;
    assert_eq!(
        peering(&network),
        Err("The VPC CIDRs of the two gateways overlap".into()),
        "the guide's checks come first"
    );
}

#[test]
fn a_route_that_a_site_has_is_not_stolen_by_a_peering() {
    let mut network = two_gateways();
    routed(&mut network, 1, None, "10.0.4.0/24", "site-altona");
    assert_eq!(peering(&network), Err("10.0.0.0/16 is already routed by peer site-altona on gateway gw-alpha.".into()));
}

#[test]
fn an_exhausted_tunnel_subnet_is_named() {
    let mut network = two_gateways();
    network.gateways[0].next_tunnel_address = None;
    assert_eq!(peering(&network), Err("No free tunnel address on gateway gw-alpha.".into()));
}

#[test]
fn rows_76_and_77_a_planned_peering_has_exactly_two_allowed_ips_and_the_other_sides_public_address() {
    let [a, b] = two_gateways().plan_peering(gateway_id(1), gateway_id(2)).expect("a good pair");
    assert_eq!(a.allowed_ips, [cidr("10.0.0.0/16"), cidr("10.200.2.0/24")]);
    assert_eq!(b.allowed_ips, [cidr("172.16.0.0/16"), cidr("10.200.1.0/24")]);
    assert_eq!(
        (a.endpoint.to_string(), b.endpoint.to_string()),
        ("203.0.113.2:51820".into(), "203.0.113.1:51820".into())
    );
    assert_eq!((a.peer.as_str(), b.peer.as_str()), ("vpc-peering-gw-beta", "vpc-peering-gw-alpha"));
}

fn vpc_sentence(network: &Network, range: &str) -> Option<String> {
    network.admit_vpc_cidr(&local(), cidr(range)).err().map(|refusal| refusal.sentence)
}

#[test]
fn a_vpc_range_is_checked_in_the_specified_order() {
    let network = two_gateways();
    assert_eq!(
        vpc_sentence(&network, "127.0.0.0/8").as_deref(),
        Some("The prefix length must be between /16 and /28.")
    );
    assert_eq!(
        vpc_sentence(&network, "169.254.0.0/24").as_deref(),
        Some("169.254.0.0/24 overlaps with the reserved range 169.254.0.0/16.")
    );
    assert_eq!(
        vpc_sentence(&network, "10.0.9.0/24").as_deref(),
        Some("10.0.9.0/24 overlaps with VPC beta (10.0.0.0/16) in the same region.")
    );
    assert_eq!(vpc_sentence(&network, "10.1.0.0/16"), None);
}

#[test]
fn an_overlap_in_another_region_or_the_planner_is_a_warning() {
    let mut network = two_gateways();
    let elsewhere: CloudName = "local-oslo".parse().expect("a location");
    network.planned.push(PlannedRange { name: "office".parse().expect("a name"), cidr: cidr("10.0.0.0/8") });
    assert_eq!(network.admit_vpc_cidr(&elsewhere, cidr("10.0.0.0/24")), Ok(()));
    assert_eq!(
        network.vpc_warnings(&elsewhere, cidr("10.0.0.0/24")),
        [
            "10.0.0.0/24 overlaps with beta (10.0.0.0/16). You will not be able to peer both with the same network.",
            "10.0.0.0/24 overlaps with office (10.0.0.0/8). You will not be able to peer both with the same network.",
        ]
    );
    assert_eq!(
        network.vpc_warnings(&elsewhere, cidr("191.161.0.0/24")),
        [
            "191.161.0.0/24 is not a private range. Hosts on the internet with these addresses become unreachable from the VPC."
        ]
    );
}

fn new_gateway(vpc: u128, tunnel: &str) -> NewGateway {
    NewGateway {
        name: "gw-new".parse().expect("a name"),
        vpc: vpc_id(vpc),
        settings: GatewaySettings::default(),
        tunnel: cidr(tunnel),
    }
}

#[test]
fn row_83_a_tunnel_subnet_is_unique_and_apart_from_its_vpc() {
    let mut network = two_gateways();
    network.vpcs.push(VpcRange {
        id: vpc_id(3),
        name: "gamma".parse().expect("a name"),
        cloud: local(),
        cidr: cidr("10.7.0.0/16"),
        state: VpcState::Active,
        cloud_id: None,
    });
    let refusal = |tunnel: &str, owner| {
        network
            .admit_gateway(&new_gateway(3, tunnel), owner)
            .err()
            .and_then(|refusals| refusals.at("tunnel").map(str::to_owned))
    };
    assert_eq!(
        refusal("10.7.9.0/24", owner(1)).as_deref(),
        Some("The tunnel subnet overlaps with the CIDR of the VPC.")
    );
    assert_eq!(
        refusal("10.200.1.128/25", owner(1)).as_deref(),
        Some("Tunnel subnet 10.200.1.0/24 is already used by gateway gw-alpha.")
    );
    assert_eq!(refusal("10.200.1.128/25", owner(2)), None, "uniqueness is per owner");
    assert_eq!(refusal("10.200.3.0/24", owner(1)), None);
}

#[test]
fn row_69_a_vpc_gets_one_gateway_and_only_where_the_location_allows_it() {
    let mut network = two_gateways();
    let refusal = |network: &Network, vpc| {
        network
            .admit_gateway(&new_gateway(vpc, "10.200.9.0/24"), owner(1))
            .err()
            .and_then(|r| r.at("vpc").map(str::to_owned))
    };
    assert_eq!(refusal(&network, 1).as_deref(), Some("This VPC already has a VPN gateway."));
    network.gateways.clear();
    network.locations[0].vpn_gateway_enabled = false;
    assert_eq!(refusal(&network, 1).as_deref(), Some("VPN gateways are not enabled in Default location."));
}

#[test]
fn a_suggested_tunnel_subnet_touches_nothing() {
    let mut network = two_gateways();
    assert_eq!(network.suggest_tunnel(), Some(cidr("10.200.3.0/24")));
    network.planned.push(PlannedRange { name: "tunnels".parse().expect("a name"), cidr: cidr("10.200.0.0/17") });
    assert_eq!(network.suggest_tunnel(), Some(cidr("10.200.128.0/24")));
    network.planned.push(PlannedRange { name: "all".parse().expect("a name"), cidr: cidr("10.0.0.0/8") });
    assert_eq!(network.suggest_tunnel(), None);
}

#[test]
fn a_sites_network_is_refused_with_what_it_overlaps() {
    let mut network = two_gateways();
    routed(&mut network, 1, None, "192.168.88.0/24", "site-altona");
    let site = |range: &str| NewSite {
        name: "site-new".parse().expect("a name"),
        public_key: crate::domain::PublicKey::from_bytes([7; 32]),
        endpoint: None,
        networks: vec![cidr(range)],
        keepalive: 25,
        preshared: true,
    };
    let refusal =
        |range| network.admit_site(gateway_id(1), &site(range)).err().and_then(|r| r.at("networks").map(str::to_owned));
    assert_eq!(refusal("172.16.9.0/24").as_deref(), Some("172.16.9.0/24 overlaps with VPC alpha (172.16.0.0/16)."));
    assert_eq!(
        refusal("10.200.1.0/28").as_deref(),
        Some("10.200.1.0/28 overlaps with the tunnel subnet 10.200.1.0/24.")
    );
    assert_eq!(
        refusal("192.168.0.0/16").as_deref(),
        Some("192.168.0.0/16 overlaps with peer site-altona (192.168.88.0/24).")
    );
    assert_eq!(refusal("192.168.89.0/24"), None);
}

#[test]
fn row_84_a_road_warrior_reaches_its_vpc_and_every_directly_peered_one() {
    let mut network = two_gateways();
    assert_eq!(network.reach_of(gateway_id(1)), [cidr("10.200.1.0/24"), cidr("172.16.0.0/16")]);
    routed(&mut network, 1, Some(2), "10.0.0.0/16", "vpc-peering-gw-beta");
    assert_eq!(network.reach_of(gateway_id(1)), [cidr("10.0.0.0/16"), cidr("10.200.1.0/24"), cidr("172.16.0.0/16")]);
    assert_eq!(network.reach_of_site(gateway_id(1)), [cidr("10.200.1.0/24"), cidr("172.16.0.0/16")]);
}
