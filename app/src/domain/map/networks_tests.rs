//! Networks on the far side of peering connections.

use super::*;
use crate::domain::{
    ConnectionId,
    connection::{
        ConnectionType, Warning, WarningKind,
        fixtures::{AWS, AZURE, TGW, UPCLOUD, connection},
    },
    fixtures::{Town, harbor},
};

/// A connection of a VPC; ids count on.
fn peer(town: &mut Town, vpc: usize, kind: ConnectionType, state: ConnectionState) -> ConnectionId {
    let number = town.vpcs.iter().map(|vpc| vpc.connections.len()).sum::<usize>() + 1;
    let id = ConnectionId::from_uuid(uuid::Uuid::from_u128(number as u128));
    let vpc = &mut town.vpcs[vpc];
    vpc.connections.push(Connection { id, vpc: vpc.id, ..connection(kind, state) });
    id
}

fn map(town: &Town) -> Map {
    Map::of(&town.snapshot())
}

#[test]
fn a_peer_network_is_a_terminus_with_its_owner_and_its_ranges() {
    let mut town = harbor();
    peer(&mut town, 0, AWS, ConnectionState::Active);
    let map = map(&town);
    let [network] = map.networks.as_slice() else { panic!("one network: {:?}", map.networks) };
    assert_eq!(
        (network.name.as_str(), network.owner.as_str(), network.networks.as_str(), network.said.as_str()),
        ("vpc-0123456789abcdef0", "111122223333", "10.20.0.0/16 +1", "")
    );
    assert_eq!(network.ranges.len(), 2, "the peer's own and the one that a person routes");
    assert_eq!(
        network.thing.title,
        "AWS VPC peering with vpc-0123456789abcdef0, 111122223333, 10.20.0.0/16, 10.20.4.0/24: Active"
    );
    let block = map.vpcs.iter().find(|block| block.thing.node == Node::Vpc(town.vpcs[0].id)).expect("its VPC");
    assert!((block.y..block.y + block.height).contains(&network.y), "beside its VPC");
    assert!(map.describe().ends_with(", 1 peering connection"), "{}", map.describe());
}

#[test]
fn the_link_stands_as_the_connection_and_says_so_unless_it_is_as_asked() {
    let told = |state: ConnectionState| {
        let mut town = harbor();
        peer(&mut town, 0, AWS, state);
        let network = map(&town).networks[0].clone();
        (network.thing.standing, network.said)
    };
    for (state, standing, said) in [
        (ConnectionState::Approved, Standing::Moving, "Approved"),
        (ConnectionState::PendingPeer, Standing::YourTurn, "Pending peer"),
        (ConnectionState::Active, Standing::AsAsked, ""),
        (ConnectionState::InvalidSpecification, Standing::Failed, "Invalid specification"),
        (ConnectionState::DeletedByPeer, Standing::Failed, "Deleted by peer"),
        (ConnectionState::Error, Standing::Failed, "Error"),
        (ConnectionState::Deleting, Standing::Moving, "Deleting"),
    ] {
        assert_eq!(told(state), (standing, said.to_owned()), "{state}");
    }
    let mut town = harbor();
    peer(&mut town, 0, TGW, ConnectionState::Active);
    town.vpcs[0].connections[0].state_info.warnings = vec![Warning::new(WarningKind::NoPeerNetworkRanges, "No range.")];
    assert_eq!(map(&town).networks[0].said, "1 warning");
}

#[test]
fn an_owner_is_named_by_what_people_know_it_by() {
    let mut town = harbor();
    peer(&mut town, 0, AZURE, ConnectionState::PendingPeer);
    peer(&mut town, 1, UPCLOUD, ConnectionState::PendingPeer);
    let map = map(&town);
    let owner = |at: usize| {
        let node = Node::Network(town.vpcs[at].connections[0].id);
        map.networks.iter().find(|one| one.thing.node == node).map(|one| one.owner.clone())
    };
    assert_eq!((owner(0), owner(1)), (Some("quay".to_owned()), Some(String::new())));
}

#[test]
fn a_vpc_with_a_peer_network_is_not_alone_and_the_table_has_every_fact() {
    let mut town = Town::default();
    town.vpc("orders", "oslo", "10.0.0.0/24");
    peer(&mut town, 0, AWS, ConnectionState::RejectedByPeer);
    town.vpcs[0].connections[0].simulated = true;
    let rows = map(&town).rows;
    let [row] = rows.as_slice() else { panic!("one row: {rows:?}") };
    assert_eq!((row.from.as_str(), row.to.as_str()), ("orders", "vpc-0123456789abcdef0"));
    assert_eq!((row.kind.word(), row.state.as_str(), row.simulated), ("AWS VPC peering", "Rejected by peer", true));
    assert_eq!(row.detail, "111122223333, 10.20.0.0/16, 10.20.4.0/24");
}

#[test]
fn a_simulated_cloud_says_so_over_its_vpcs() {
    let mut town = Town::default();
    town.vpc("orders", "oslo", "10.0.0.0/24");
    town.vpc("ledger", "oslo", "10.0.1.0/24");
    let heading = |town: &Town| map(town).headings[0].text.clone();
    assert_eq!(heading(&town), "Oslo");
    town.vpcs[0].simulated = true;
    assert_eq!(heading(&town), "Oslo (partly simulated)");
    town.vpcs[1].simulated = true;
    assert_eq!(heading(&town), "Oslo (simulated)");
}

#[test]
fn networks_without_room_are_counted_and_the_failed_ones_are_shown() {
    let mut town = harbor();
    for _ in 0..9 {
        peer(&mut town, 0, AWS, ConnectionState::Active);
    }
    let lost = peer(&mut town, 0, AWS, ConnectionState::Error);
    let seen = map(&town);
    assert_eq!((seen.networks.len(), seen.networks[0].thing.node), (6, Node::Network(lost)));
    assert_eq!(seen.notes[0].text, "4 more peer networks in the table");
    assert_eq!(seen.rows.iter().filter(|row| matches!(row.kind, RowKind::Connection(_))).count(), 10);
    for number in 0..7 {
        town.site("hq-oslo", &format!("branch-{number}"), &format!("192.168.{number}.0/24"));
    }
    let seen = map(&town);
    assert_eq!(seen.networks.iter().map(|one| one.thing.node).collect::<Vec<_>>(), [Node::Network(lost)]);
    assert_eq!(seen.notes[0].text, "11 more sites and peer networks in the table", "{:?}", seen.notes);
}

#[test]
fn a_path_lights_the_networks_that_a_vpc_reaches_by_itself() {
    let mut town = harbor();
    let (active, waiting) =
        (peer(&mut town, 0, AWS, ConnectionState::Active), peer(&mut town, 0, AWS, ConnectionState::PendingPeer));
    let (oslo, gateway) = (town.vpcs[0].id, town.gateways[0].id);
    let other = town.vpcs[2].id;
    let map = map(&town);
    let from = map.path(Node::Vpc(oslo));
    assert!(from.contains(&Node::Network(active)) && !from.contains(&Node::Network(waiting)), "{from:?}");
    assert_eq!(map.path(Node::Network(active)), [Node::Vpc(oslo), Node::Network(active)].into());
    for node in [Node::Vpc(other), Node::People(gateway), Node::Gateway(gateway)] {
        assert!(!map.path(node).contains(&Node::Network(active)), "a cloud's peering passes nothing on: {node:?}");
    }
}

#[test]
fn five_hundred_vpcs_with_two_thousand_connections_stay_a_map() {
    let mut town = Town::default();
    for number in 0..500 {
        let range = format!("10.{}.{}.0/24", number / 250, number % 250);
        town.vpc(&format!("vpc-{number:03}"), ["oslo", "bergen", "fra", "waw"][number % 4], &range);
        for at in 0..4 {
            let state = if at == 0 { ConnectionState::PendingPeer } else { ConnectionState::Active };
            peer(&mut town, number, AWS, state);
        }
    }
    let map = map(&town);
    assert_eq!((map.vpcs.len(), map.networks.len(), map.rows.len()), (500, 1500, 2000));
    assert_eq!(map.notes.len(), 500, "each VPC says how many more there are");
    assert!(map.vpcs.is_sorted_by(|a, b| a.y + a.height < b.y), "blocks are apart");
    assert!(map.networks.is_sorted_by(|a, b| b.y - a.y >= 18.0), "lines are apart");
    assert!(map.networks.iter().all(|one| one.text_x < one.text_end && one.text_end <= map.width));
    assert!(map.networks.iter().all(|one| one.y < map.height));
}

/// Where a name ends, and where what stands at the end of its line begins; a letter of each has its own width.
fn meet(one: &Terminus) -> (f64, f64) {
    let wide = |text: &str, letter: f64| text.chars().count() as f64 * letter;
    let beside = if one.said.is_empty() { wide(&one.networks, 6.9) } else { wide(&one.said, 6.3) };
    (one.text_x + wide(&one.name, 7.2), one.text_end - beside)
}

#[test]
fn a_long_name_of_a_peer_network_and_its_ranges_never_meet_on_the_single_line_of_a_large_map() {
    for long in ["net", "vpc-0123456789abcdef0", "the-network-of-the-warehouse-in-the-north-harbor-of-gdansk"] {
        let mut town = Town::default();
        for number in 0..40 {
            town.vpc(&format!("vpc-{number:02}"), "oslo", &format!("10.1.{number}.0/24"));
            let state = if number % 2 == 0 { ConnectionState::Active } else { ConnectionState::InvalidSpecification };
            peer(&mut town, number, AZURE, state);
            let connection = &mut town.vpcs[number].connections[0];
            if let crate::domain::connection::Peer::Azure { vnet, .. } = &mut connection.peer {
                *vnet = long.parse().expect("a name");
            }
            connection.discovered_peer_cidrs = Some(vec!["100.100.100.192/27".parse().expect("a range")]);
        }
        let map = map(&town);
        assert!(map.networks.iter().all(|one| one.flat) && map.networks.len() == 40);
        for one in &map.networks {
            let (name, beside) = meet(one);
            assert!(beside - name >= 11.9, "{:?} ends at {name}, {:?} begins at {beside}", one.name, one.networks);
            let whole = one.name == long;
            assert!(whole || one.name.ends_with('…') && one.name.chars().count() >= 12, "{:?}", one.name);
            assert!(one.thing.title.contains(long), "the whole name is told: {}", one.thing.title);
        }
    }
}

#[test]
fn the_order_in_which_connections_were_read_does_not_matter() {
    let mut town = harbor();
    for state in [ConnectionState::Active, ConnectionState::Error, ConnectionState::Active, ConnectionState::Approved] {
        peer(&mut town, 0, AWS, state);
    }
    let one = map(&town);
    town.vpcs[0].connections.reverse();
    let other = map(&town);
    assert_eq!((one.networks, one.rows.len()), (other.networks, other.rows.len()));
}
