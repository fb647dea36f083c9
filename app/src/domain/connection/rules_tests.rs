use uuid::Uuid;

use super::{super::ConnectionForm, *};
use crate::domain::{
    CloudName, GatewayId, PeerId, PersonId, Provider,
    cidr::RESERVED,
    location::CloudOffer,
    network::{GatewayRange, RoutedRange},
    peer::PeerKind,
    planner,
};

fn cidr(text: &str) -> Cidr {
    text.parse().expect("a range")
}

fn vpc(number: u128) -> VpcId {
    VpcId::from_uuid(Uuid::from_u128(number))
}

fn id(number: u128) -> ConnectionId {
    ConnectionId::from_uuid(Uuid::from_u128(number))
}

fn offer(provider: Provider, vpn_gateway_enabled: bool) -> CloudOffer {
    CloudOffer { provider, simulated: true, vpn_gateway_enabled, identity: None }
}

/// harbor in AWS Ireland with 10.0.0.0/24, and a look-alike for every cloud.
fn network() -> Network {
    let mut network =
        Network { clouds: Provider::CLOUDS.map(|provider| offer(provider, true)).to_vec(), ..Network::default() };
    network.vpcs.push(VpcRange {
        id: vpc(1),
        name: "harbor".parse().expect("a name"),
        cloud: "aws-eu-west-1".parse().expect("a region"),
        cidr: cidr("10.0.0.0/24"),
        state: VpcState::Active,
        cloud_id: Some("vpc-0000000000000000a".into()),
    });
    network
}

fn asked(account: &str, peer: &str, cidrs: &str) -> NewConnection {
    let form = ConnectionForm {
        peer_cloud_account: account.into(),
        peer_vpc: peer.into(),
        user_peer_network_cidrs: cidrs.into(),
        ..ConnectionForm::default()
    };
    NewConnection::parse(&"aws-eu-west-1".parse().expect("a region"), &form).expect("a form")
}

const PEER: &str = "vpc-0123456789abcdef0";

/// Adds a connection of harbor.
fn connect(
    network: &mut Network,
    number: u128,
    peer: &str,
    state: ConnectionState,
    user: &[&str],
    discovered: &[&str],
) {
    network.connections.push(ConnectionRange {
        id: id(number),
        vpc: vpc(1),
        peer: asked("111122223333", peer, "").peer,
        state,
        cloud_id: Some(format!("pcx-{number}")),
        user: user.iter().map(|range| cidr(range)).collect(),
        discovered: discovered.iter().map(|range| cidr(range)).collect(),
    });
}

fn refusal(network: &Network, new: &NewConnection, field: &str) -> Option<String> {
    network.admit_connection(vpc(1), new).err()?.at(field).map(str::to_owned)
}

#[test]
fn row_24_two_peers_of_one_vpc_are_admitted() {
    let mut network = network();
    let new = asked("111122223333", PEER, "10.20.0.0/16");
    assert_eq!(network.admit_connection(vpc(1), &new), Ok(()));
    connect(&mut network, 1, PEER, ConnectionState::Active, &["10.20.0.0/16"], &[]);
    assert_eq!(network.admit_connection(vpc(1), &asked("444455556666", PEER, "10.30.0.0/16")), Ok(()));
}

#[test]
fn a_vpc_that_is_going_or_local_gets_no_connection() {
    let new = asked("111122223333", PEER, "");
    let mut going = network();
    going.vpcs[0].state = VpcState::Deleting;
    assert_eq!(refusal(&going, &new, "").as_deref(), Some("VPC harbor is being deleted."));
    let mut early = network();
    early.vpcs[0].state = VpcState::Approved;
    assert_eq!(early.admit_connection(vpc(1), &new), Ok(()), "it waits until the VPC is there");
    let mut local = network();
    local.vpcs[0].cloud = CloudName::default_local();
    assert!(refusal(&local, &new, "peer_vpc").is_some_and(|sentence| sentence.contains("VPN gateway")));
    let gone = network().admit_connection(vpc(9), &new).unwrap_err();
    assert_eq!(gone.at(""), Some("This VPC no longer exists."));
}

#[test]
fn the_same_peer_is_asked_once_and_again_after_it_is_deleted() {
    let mut network = network();
    let new = asked("111122223333", PEER, "");
    connect(&mut network, 1, PEER, ConnectionState::DeletedByPeer, &[], &[]);
    assert_eq!(
        refusal(&network, &new, "peer_vpc").as_deref(),
        Some("A peering connection to vpc-0123456789abcdef0 already exists.")
    );
    network.connections[0].state = ConnectionState::Deleting;
    assert_eq!(
        refusal(&network, &new, "peer_vpc").as_deref(),
        Some("The previous peering connection is still being deleted. Try again in a minute.")
    );
    network.connections.clear();
    assert_eq!(network.admit_connection(vpc(1), &new), Ok(()));
}

#[test]
fn a_network_cannot_be_peered_with_itself() {
    let new = asked("111122223333", "vpc-0000000000000000a", "");
    assert_eq!(refusal(&network(), &new, "peer_vpc").as_deref(), Some("A network cannot be peered with itself."));
}

#[test]
fn routed_ranges_keep_clear_of_the_vpc_and_belong_to_one_connection() {
    let mut network = network();
    connect(&mut network, 1, "vpc-01234567", ConnectionState::PendingPeer, &["10.20.0.0/16"], &[]);
    let sentence = |network: &Network, range: &str| {
        refusal(network, &asked("111122223333", PEER, range), "user_peer_network_cidrs")
    };
    assert_eq!(
        sentence(&network, "10.0.0.0/16").as_deref(),
        Some("The peer network 10.0.0.0/16 overlaps with the VPC range 10.0.0.0/24.")
    );
    assert_eq!(
        sentence(&network, "10.20.0.0/16").as_deref(),
        Some("10.20.0.0/16 is already routed through connection vpc-01234567.")
    );
    assert_eq!(sentence(&network, "10.20.1.0/24"), None, "a part of it is only warned of");
    network.connections[0].state = ConnectionState::RejectedByPeer;
    assert_eq!(sentence(&network, "10.20.0.0/16"), None, "what is closed routes nothing");
}

#[test]
fn row_59_ranges_can_be_changed_while_it_lives() {
    let mut network = network();
    connect(&mut network, 1, "tgw-0123456789abcdef0", ConnectionState::Active, &["10.20.0.0/16"], &[]);
    let ranges = |text: &str| text.parse::<PeerCidrs>().expect("ranges");
    assert_eq!(network.admit_peer_cidrs(id(1), &ranges("10.20.0.0/16 10.30.0.0/16")), Ok(()));
    let error = network.admit_peer_cidrs(id(1), &ranges("10.0.0.128/25")).unwrap_err();
    assert_eq!(
        error.at("user_peer_network_cidrs"),
        Some("The peer network 10.0.0.128/25 overlaps with the VPC range 10.0.0.0/24.")
    );
    network.connections[0].state = ConnectionState::DeletedByPeer;
    let error = network.admit_peer_cidrs(id(1), &ranges("")).unwrap_err();
    assert_eq!(
        error.at(""),
        Some("This peering connection is closed (deleted by peer). Delete it and create a new one.")
    );
}

#[test]
fn two_peers_with_one_range_are_warned_of_on_both_sides() {
    let mut network = network();
    connect(&mut network, 1, PEER, ConnectionState::Active, &[], &["10.20.0.0/16"]);
    connect(&mut network, 2, "vpc-01234567", ConnectionState::Active, &["10.20.4.0/24"], &[]);
    let [warning] = network.connection_warnings(id(2)).try_into().expect("one warning");
    assert_eq!(
        warning.message,
        "The peer range 10.20.4.0/24 is also used by connection vpc-0123456789abcdef0. Traffic goes to only one of them."
    );
    assert_eq!(warning.conflicting_aws_account_id.as_deref(), Some("111122223333"));
    assert_eq!(warning.conflicting_aws_vpc_id.as_deref(), Some(PEER));
    assert_eq!(warning.conflicting_aws_vpc_peering_connection_id.as_deref(), Some("pcx-1"));
    assert_eq!(network.connection_warnings(id(1)).len(), 1);
    let json = serde_json::to_value(&warning).expect("JSON");
    assert_eq!(json["type"], "overlapping-peer-vpc-ip-ranges");
    network.connections[0].state = ConnectionState::Deleting;
    assert_eq!(network.connection_warnings(id(2)), []);
}

#[test]
fn row_58_a_transit_gateway_without_ranges_routes_nothing_and_says_so() {
    let new = asked("111122223333", "tgw-0123456789abcdef0", "");
    assert_eq!(network().admit_connection(vpc(1), &new), Ok(()));
    let warnings = network().new_connection_warnings(vpc(1), &new);
    assert_eq!(warnings[0].message, "Add at least one peer network range: nothing is routed yet.");
    let with = asked("111122223333", "tgw-0123456789abcdef0", "10.20.0.0/16");
    assert_eq!(network().new_connection_warnings(vpc(1), &with), []);
}

#[test]
fn a_connections_ranges_take_part_in_every_rule_of_a_gateway_in_the_vpc() {
    let mut network = network();
    connect(&mut network, 1, PEER, ConnectionState::Active, &[], &["10.200.1.0/24"]);
    let here = network.vpcs[0].clone();
    let owner = PersonId::from_uuid(Uuid::from_u128(1));
    assert_eq!(network.admit_gateway_in(&here), Ok(()), "the cloud's flag allows it");
    assert_eq!(
        network.admit_tunnel(cidr("10.200.1.0/24"), Some(&here), owner).unwrap_err().sentence,
        "The tunnel subnet overlaps with 10.200.1.0/24 of connection vpc-0123456789abcdef0."
    );
    assert_ne!(network.suggest_tunnel(), Some(cidr("10.200.1.0/24")));
    assert!(network.guarded().iter().any(|range| range.covers(cidr("10.200.1.0/24"))));
    assert!(planner::taken(&network).iter().any(|range| range.covers(cidr("10.200.1.0/24"))));
    let warnings = network.vpc_warnings(&"aws-us-east-1".parse().expect("a region"), cidr("10.200.0.0/20"));
    assert!(warnings[0].contains("overlaps with vpc-0123456789abcdef0 (10.200.1.0/24)"), "{warnings:?}");

    // And the other way round: what the gateway routes is taken for connections.
    let gateway = GatewayId::from_uuid(Uuid::from_u128(1));
    network.gateways.push(GatewayRange {
        id: gateway,
        name: "gw-harbor".parse().expect("a name"),
        owner,
        vpc: vpc(1),
        tunnel: cidr("10.201.0.0/24"),
        active: true,
        inactive_because: String::new(),
        public_address: None,
        listen_port: 51820,
        next_tunnel_address: None,
        generation: 1,
    });
    network.routed.push(RoutedRange {
        gateway,
        peer: PeerId::from_uuid(Uuid::from_u128(1)),
        peer_name: "quay".parse().expect("a name"),
        kind: PeerKind::Site,
        pair: None,
        remote: None,
        cidr: cidr("192.168.7.0/24"),
    });
    let sentence = |range: &str| {
        refusal(&network, &asked("444455556666", PEER, range), "user_peer_network_cidrs").expect("refused")
    };
    assert_eq!(
        sentence("10.201.0.0/25"),
        "10.201.0.0/25 overlaps with the tunnel subnet 10.201.0.0/24 of gateway gw-harbor."
    );
    assert_eq!(sentence("192.168.0.0/16"), "192.168.0.0/16 is already routed by peer quay on gateway gw-harbor.");
}

#[test]
fn the_planner_shows_peer_networks_and_what_they_conflict_with() {
    let mut network = network();
    connect(&mut network, 1, PEER, ConnectionState::Active, &["10.20.4.0/24"], &["10.20.0.0/16", "10.0.0.0/25"]);
    let owned = planner::owned(&network);
    let peers = owned.iter().filter(|owned| owned.holder.word() == "Peer network").count();
    assert_eq!(peers, 3);
    let overlaps = planner::overlaps(&owned, 10);
    assert_eq!(overlaps.len(), 1, "a range inside its own peer network is no conflict: {overlaps:?}");
    assert_eq!(overlaps[0].conflict, planner::Conflict::Error);
}

#[test]
fn cloud_vpcs_have_their_own_bounds_and_forbidden_ranges() {
    let network = network();
    let sentence = |cloud: &str, range: &str| {
        let cloud = cloud.parse().expect("a region");
        network.admit_vpc_cidr(&cloud, cidr(range)).err().map(|refusal| refusal.sentence)
    };
    for cloud in ["aws-us-east-1", "google-europe-west1", "azure-westeurope", "upcloud-de-fra"] {
        let bounds = Some("The prefix length must be between /20 and /24.".to_owned());
        assert_eq!(sentence(cloud, "10.64.0.0/19"), bounds);
        assert_eq!(sentence(cloud, "10.64.0.0/25"), bounds);
        assert_eq!(sentence(cloud, "10.64.0.0/24"), None);
        assert_eq!(sentence(cloud, "10.64.0.0/20"), None);
    }
    assert_eq!(
        sentence("google-europe-west1", "172.24.16.0/20").as_deref(),
        Some("172.24.16.0/20 overlaps with 172.24.0.0/16, which is reserved for Private Service Connect.")
    );
    assert_eq!(sentence("aws-us-east-1", "172.24.16.0/20"), None);
    assert_eq!(
        sentence("azure-westeurope", "168.63.128.0/20").as_deref(),
        Some("168.63.128.0/20 overlaps with the reserved range 168.63.129.16/32.")
    );
    assert_eq!(sentence("aws-us-east-1", "168.63.128.0/20"), None);
    assert_eq!(
        sentence("aws-us-east-1", "169.254.0.0/20").as_deref(),
        Some("169.254.0.0/20 overlaps with the reserved range 169.254.0.0/16.")
    );
    assert_eq!(RESERVED.len(), 5);
    assert_eq!(
        sentence("aws-eu-west-1", "10.0.0.0/23").as_deref(),
        Some("10.0.0.0/23 overlaps with VPC harbor (10.0.0.0/24) in the same region.")
    );
    assert_eq!(sentence("aws-us-east-1", "10.0.0.0/23"), None, "another region is only warned of");
}

#[test]
fn a_cloud_without_an_account_says_so() {
    let mut network = network();
    network.clouds.retain(|offer| offer.provider != Provider::Azure);
    let name = "quay".parse().expect("a name");
    let refusals =
        network.admit_vpc(&name, &"azure-westeurope".parse().expect("a region"), cidr("10.64.0.0/24")).unwrap_err();
    assert_eq!(
        refusals.at("cloud"),
        Some("Azure is not configured. Add an account for Azure under Cloud accounts, or choose another provider.")
    );
    assert_eq!(refusals.status(), 409);
    assert_eq!(network.admit_vpc(&name, &"aws-us-east-1".parse().expect("a region"), cidr("10.64.0.0/24")), Ok(()));
    network.clouds = vec![offer(Provider::Aws, false)];
    let sentence = network.admit_gateway_in(&network.vpcs[0]).unwrap_err().sentence;
    assert_eq!(sentence, "VPN gateways are not enabled in Ireland - AWS: Ireland.");
}

#[test]
fn row_21_a_connection_is_asked_for_together_with_its_vpc() {
    let new = NewVpc::parse("quay", "aws-us-east-1", "10.64.0.0/24").expect("a VPC");
    let with = |range: &str| network().admit_connection_of_new(&new, &asked("111122223333", PEER, range));
    assert_eq!(with("10.20.0.0/16"), Ok(()));
    assert_eq!(
        with("10.64.0.0/16").unwrap_err().at("user_peer_network_cidrs"),
        Some("The peer network 10.64.0.0/16 overlaps with the VPC range 10.64.0.0/24.")
    );
}
