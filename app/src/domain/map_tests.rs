use proptest::prelude::*;

use super::*;
use crate::domain::{
    fixtures::{Town, harbor, minutes_ago},
    gateway::{ConfigSync, GatewayStatus},
};

fn map(town: &Town) -> Map {
    Map::of(&town.snapshot())
}

/// The harbor with people in Oslo and a site behind Hamburg.
fn busy() -> Town {
    let mut town = harbor();
    for name in ["laptop-mira", "laptop-jonas", "phone-jonas"] {
        town.road_warrior("hq-oslo", name);
    }
    town.peers[2].observed.handshake = None;
    town.site("dc-hamburg", "site-altona", "192.168.88.0/24");
    town
}

#[test]
fn a_project_without_vpcs_has_an_empty_map() {
    let map = map(&Town::default());
    assert!(map.is_empty() && map.headings.is_empty() && map.rows.is_empty());
    assert_eq!(map.describe(), "0 VPCs, 0 VPN gateways, 0 VPC peerings");
}

#[test]
fn a_lonely_vpc_is_drawn_and_said_to_be_alone() {
    let mut town = Town::default();
    town.vpc("alpha", "oslo", "10.0.0.0/16");
    let map = map(&town);
    assert_eq!((map.vpcs.len(), map.gateways.len(), map.tunnels.len()), (1, 0, 0));
    assert_eq!(map.headings.iter().map(|heading| heading.text.as_str()).collect::<Vec<_>>(), ["Oslo"]);
    assert_eq!((map.rows[0].kind, map.rows[0].state.as_str()), (RowKind::Alone, "Active"));
    assert_eq!(map.describe(), "1 VPC, 0 VPN gateways, 0 VPC peerings");
}

#[test]
fn vpcs_stand_by_address_within_their_place_and_places_by_their_first() {
    let mut town = Town::default();
    for (name, place, range) in [
        ("c", "oslo", "10.3.0.0/16"),
        ("b", "bergen", "10.2.0.0/16"),
        ("a", "oslo", "10.1.0.0/16"),
        ("d", "bergen", "10.0.0.0/16"),
    ] {
        town.vpc(name, place, range);
    }
    let map = map(&town);
    let names: Vec<&str> = map.vpcs.iter().map(|block| block.name.as_str()).collect();
    assert_eq!(names, ["d", "b", "a", "c"]);
    assert!(map.vpcs.is_sorted_by(|a, b| a.y + a.height < b.y));
}

#[test]
fn a_tunnel_is_solid_dashed_or_cut_as_it_stands() {
    let mut town = harbor();
    let tunnel = |town: &Town| map(town).tunnels[0].clone();
    assert_eq!(
        (tunnel(&town).thing.standing, tunnel(&town).cut_x, tunnel(&town).said),
        (Standing::AsAsked, None, Said::Words(String::new()))
    );
    town.peerings[0].state = PeeringState::Pending;
    town.peerings[0].sides[0].applied = false;
    assert_eq!((tunnel(&town).thing.standing, tunnel(&town).said), (Standing::Moving, Said::Words("applying".into())));
    town.peerings[0].state = PeeringState::Lost;
    for side in &mut town.peerings[0].sides {
        side.handshake = Some(minutes_ago(41));
    }
    let lost = tunnel(&town);
    assert_eq!((lost.thing.standing, lost.said), (Standing::Failed, Said::Words("lost 41 min".into())));
    assert!(lost.cut_x.is_some_and(|x| lost.lane_x < x && x < lost.gateway_x));
    town.peerings[0].state = PeeringState::Recorded;
    assert_eq!(tunnel(&town).thing.standing, Standing::Off, "a recording host joins nothing");
}

#[test]
fn the_heaviest_tunnel_is_the_thickest_and_says_what_it_carried() {
    let mut town = busy();
    let carrying = |town: &mut Town, pair: usize, bytes: u64| {
        let mut peer = town.peers[0].clone();
        (peer.kind, peer.pair, peer.samples) =
            (PeerKind::VpcPeering, Some(town.peerings[pair].id), vec![(bytes, 0), (0, bytes)]);
        town.peers.push(peer);
    };
    carrying(&mut town, 0, 200_000_000);
    carrying(&mut town, 1, 2_000_000);
    let map = map(&town);
    assert_eq!(
        map.tunnels.iter().map(|tunnel| tunnel.said.clone()).collect::<Vec<_>>(),
        [Said::Traffic(400_000_000), Said::Traffic(4_000_000)]
    );
    assert!(map.tunnels[0].weight > map.tunnels[1].weight);
    assert_eq!(map.rows.iter().find(|row| row.kind == RowKind::Peering).and_then(|row| row.traffic), Some(400_000_000));
}

#[test]
fn people_are_counted_unless_their_gateway_is_silent() {
    let mut town = busy();
    let people = &map(&town).people[0];
    assert_eq!((people.connected, people.all, people.thing.standing), (Some(2), 3, Standing::AsAsked));
    let gateway = &mut town.gateways[0];
    (gateway.status, gateway.sync) = (GatewayStatus::Error, ConfigSync::Silent);
    let people = &map(&town).people[0];
    assert_eq!((people.connected, people.all, people.thing.standing), (None, 3, Standing::Off));
}

#[test]
fn a_site_is_a_terminus_and_what_has_no_room_is_counted() {
    let mut town = busy();
    town.peers[3].observed.handshake = Some(minutes_ago(7));
    let site = map(&town).sites[0].clone();
    assert_eq!(
        (site.name.as_str(), site.networks.as_str(), site.said.as_str()),
        ("site-altona", "192.168.88.0/24", "Idle 7 min")
    );
    for number in 0..8 {
        town.site("dc-hamburg", &format!("branch-{number}"), &format!("192.168.{}.0/24", 100 + number));
    }
    let map = map(&town);
    assert_eq!(
        (map.sites.len(), map.sites[0].name.as_str()),
        (6, "site-altona"),
        "the one that failed is among those shown"
    );
    assert_eq!(map.notes[0].text, "3 more sites in the table");
    assert_eq!(map.rows.iter().filter(|row| row.kind == RowKind::Site).count(), 9);
}

#[test]
fn a_long_state_does_not_cut_the_name_of_a_site() {
    let mut town = busy();
    town.site("dc-hamburg", "warehouse-hafencity", "192.168.90.0/24").observed.handshake = None;
    town.site("dc-hamburg", "site-recorded", "192.168.91.0/24").recorded = true;
    let told = |map: &Map, name: &str| {
        map.sites.iter().find(|site| site.name == name).map(|site| (site.said.clone(), site.text_end <= map.width))
    };
    let map = map(&town);
    assert_eq!(told(&map, "warehouse-hafencity"), Some(("Never connected".to_owned(), true)));
    assert_eq!(told(&map, "site-recorded"), Some(("no packets".to_owned(), true)));
}

#[test]
fn the_table_has_the_same_facts_worst_first() {
    let mut town = busy();
    town.peerings[1].state = PeeringState::Lost;
    let rows: Vec<String> = map(&town)
        .rows
        .iter()
        .map(|row| format!("{} {} {} {}", row.kind.word(), row.from, row.to, row.state))
        .collect();
    assert_eq!(
        rows,
        [
            "VPC peering hq-oslo lab-bergen Lost",
            "VPC peering dc-hamburg hq-oslo Established",
            "Site dc-hamburg site-altona Connected",
            "Road warriors hq-oslo gw-hq-oslo 2 of 3 connected",
            "VPN gateway dc-hamburg gw-dc-hamburg Active",
            "VPN gateway hq-oslo gw-hq-oslo Active",
            "VPN gateway lab-bergen gw-lab-bergen Active",
        ]
    );
}

#[test]
fn a_path_lights_what_packets_can_get_to_and_the_way_there() {
    let town = busy();
    let map = map(&town);
    let (oslo, hamburg, bergen) = (&town.gateways[0], &town.gateways[1], &town.gateways[2]);
    let port = |gateway: &Gateway| [Node::Gateway(gateway.id), Node::Vpc(gateway.vpc)];

    let from_bergen = map.path(Node::Vpc(bergen.vpc));
    assert!(port(oslo).iter().chain(&port(bergen)).all(|node| from_bergen.contains(node)));
    assert!(!from_bergen.contains(&Node::Gateway(hamburg.id)), "peerings are not passed on");

    let people = map.path(Node::People(oslo.id));
    assert!(port(hamburg).iter().chain(&port(bergen)).all(|node| people.contains(node)));
    assert!(!people.contains(&Node::Site(town.peers[3].id)));

    let site = map.path(Node::Site(town.peers[3].id));
    assert_eq!(site.len(), 3, "a site reaches its VPC: {site:?}");
    let pair = map.path(Node::Peering(town.peerings[1].id));
    assert_eq!(pair.len(), 5, "{pair:?}");
}

#[test]
fn a_path_ends_where_a_tunnel_is_lost() {
    let mut town = harbor();
    town.peerings[1].state = PeeringState::Lost;
    let path = map(&town).path(Node::Vpc(town.gateways[0].vpc));
    assert!(
        path.contains(&Node::Vpc(town.gateways[1].vpc)) && !path.contains(&Node::Vpc(town.gateways[2].vpc)),
        "{path:?}"
    );
}

#[test]
fn two_hundred_vpcs_fit_and_no_tunnel_is_lost_from_the_count() {
    let mut town = Town::default();
    for number in 0..200 {
        let name = format!("vpc-{number:03}");
        town.vpc(&name, ["oslo", "bergen"][number % 2], &format!("10.{number}.0.0/16"));
        town.gateway(&name);
    }
    for number in 1..200 {
        town.peering("vpc-000", &format!("vpc-{number:03}"));
    }
    let map = map(&town);
    assert_eq!((map.vpcs.len(), map.gateways.len(), map.rows.len()), (200, 200, 399));
    assert!(map.vpcs.iter().all(|block| block.flat));
    let undrawn: usize = map.notes[0].text.trim_end_matches(" more in the table").parse().expect("a number");
    assert_eq!(map.tunnels.len() + undrawn, 199);
    well_drawn(&map);
}

/// What makes a drawing legible, whatever it shows.
fn well_drawn(map: &Map) {
    assert!(map.vpcs.is_sorted_by(|a, b| a.y + a.height < b.y), "blocks are apart");
    for (port, block) in map.gateways.iter().filter_map(|port| {
        Some((port, map.vpcs.iter().find(|block| (block.y..block.y + block.height).contains(&port.y))?))
    }) {
        assert!(
            port.half + 6.0 <= block.height / 2.0 + 3.5,
            "a capsule is no taller than its row: {} {}",
            port.half,
            block.height
        );
    }
    for (at, a) in map.tunnels.iter().enumerate() {
        assert!(a.from_y < a.to_y && a.lane_x < a.gateway_x && a.lane_x > a.index_x, "{a:?}");
        assert!((a.from_y..a.to_y).contains(&a.bullet_y), "{a:?}");
        for b in &map.tunnels[at + 1..] {
            let apart = a.to_y < b.from_y || b.to_y < a.from_y;
            assert!(a.lane_x != b.lane_x || apart, "two tunnels in one lane: {a:?} {b:?}");
            assert!(
                [a.from_y, a.to_y].iter().all(|y| *y != b.from_y && *y != b.to_y),
                "two lines in one place: {a:?} {b:?}"
            );
            let (outer, inner) = if a.lane_x < b.lane_x { (a, b) } else { (b, a) };
            // Lines of one gateway that go the same way never cross there: 9 px a line, so they are close.
            for port in &map.gateways {
                let here = |y: f64| (y - port.y).abs() <= port.half;
                if here(outer.from_y) && here(inner.from_y) {
                    assert!(outer.from_y < inner.from_y, "going down, the outer is above: {outer:?} {inner:?}");
                }
                if here(outer.to_y) && here(inner.to_y) {
                    assert!(outer.to_y > inner.to_y, "going up, the outer is below: {outer:?} {inner:?}");
                }
            }
        }
    }
    let bottom = map.vpcs.last().map_or(0.0, |block| block.y + block.height);
    assert!(map.height >= bottom && map.vpcs.iter().all(|block| block.x + block.width <= map.width));
}

/// A town of some VPCs, some with gateways, some of these joined.
fn any_town() -> impl Strategy<Value = Town> {
    let pairs = prop::collection::btree_set((0usize..12, 0usize..12), 0..30);
    (1usize..12, prop::collection::vec(any::<bool>(), 12), pairs, prop::collection::vec(0usize..12, 0..12)).prop_map(
        |(count, with_gateway, pairs, crowd)| {
            let mut town = Town::default();
            let name = |number: usize| format!("vpc-{number}");
            for number in 0..count {
                town.vpc(
                    &name(number),
                    ["oslo", "bergen", "hamburg"][number * 7 % 3],
                    &format!("10.{}.0.0/16", number * 37 % 200),
                );
                if with_gateway[number] {
                    town.gateway(&name(number));
                }
            }
            for (a, b) in pairs {
                if a < b && b < count && with_gateway[a] && with_gateway[b] {
                    town.peering(&name(a), &name(b));
                }
            }
            for (number, vpc) in crowd.into_iter().enumerate().filter(|(_, vpc)| *vpc < count && with_gateway[*vpc]) {
                if number % 3 == 0 {
                    town.site(&name(vpc), &format!("site-{number}"), &format!("192.168.{number}.0/24"));
                } else {
                    town.road_warrior(&name(vpc), &format!("laptop-{number}"));
                }
            }
            town
        },
    )
}

proptest! {
    #[test]
    fn every_town_is_well_drawn(town in any_town()) {
        let map = map(&town);
        prop_assert_eq!(map.vpcs.len(), town.vpcs.len());
        let undrawn = map.notes.iter().any(|note| note.text.ends_with("more in the table"));
        prop_assert!(undrawn || map.tunnels.len() == town.peerings.len());
        well_drawn(&map);
    }

    #[test]
    fn the_order_in_which_rows_were_read_does_not_matter(town in any_town()) {
        let mut shuffled = Town { network: town.network.clone(), ..Town::default() };
        shuffled.vpcs = town.vpcs.iter().rev().cloned().collect();
        shuffled.gateways = town.gateways.iter().rev().cloned().collect();
        shuffled.peerings = town.peerings.iter().rev().cloned().collect();
        shuffled.peers = town.peers.iter().rev().cloned().collect();
        let (one, other) = (map(&town), map(&shuffled));
        prop_assert_eq!((&one.vpcs, &one.gateways, &one.tunnels, &one.people), (&other.vpcs, &other.gateways, &other.tunnels, &other.people));
        prop_assert_eq!((&one.sites, &one.rows, &one.headings, &one.notes), (&other.sites, &other.rows, &other.headings, &other.notes));
    }

    #[test]
    fn a_path_holds_its_own_thing_and_only_things_of_the_map(town in any_town()) {
        let map = map(&town);
        let shown: BTreeSet<Node> = map.vpcs.iter().map(|block| block.thing.node)
            .chain(map.gateways.iter().map(|port| port.thing.node))
            .chain(town.peerings.iter().map(|peering| Node::Peering(peering.id)))
            .chain(town.peers.iter().map(|peer| Node::Site(peer.id)))
            .chain(town.gateways.iter().map(|gateway| Node::People(gateway.id)))
            .collect();
        for node in map.vpcs.iter().map(|block| block.thing.node).chain(map.tunnels.iter().map(|tunnel| tunnel.thing.node)) {
            let path = map.path(node);
            prop_assert!(path.contains(&node) && path.is_subset(&shown), "{:?}", path);
        }
    }
}
