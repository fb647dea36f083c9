use proptest::prelude::*;

use super::*;
use crate::domain::{
    fixtures::{Town, harbor},
    gateway::{ConfigSync, GatewayStatus},
    network::PlannedRange,
    permission::Permission,
};

/// Oslo, Hamburg and Bergen, with a person, a site and a plan.
fn town() -> Town {
    let mut town = harbor();
    town.road_warrior("hq-oslo", "laptop-mira").observed.endpoint =
        Some("198.51.100.23:40112".parse().expect("an endpoint"));
    town.site("dc-hamburg", "site-altona", "192.168.88.0/24").endpoint =
        Some("198.51.100.7:51820".parse().expect("an endpoint"));
    town.network.planned.push(PlannedRange {
        name: "office-plan".parse().expect("a name"),
        cidr: "172.16.0.0/12".parse().expect("a range"),
    });
    town
}

/// The answer as text: titles, then "name fact why".
fn answered(town: &Town, text: &str) -> Vec<String> {
    let index = Index::of(&town.snapshot());
    let answer = find(&index, text);
    let mut lines = Vec::new();
    for group in &answer.groups {
        lines.push(format!("{}:", group.title));
        lines.extend(
            group.hits.iter().map(|hit| format!("{} {} {}", hit.entry.name, hit.fact, hit.why).trim_end().to_owned()),
        );
    }
    lines.extend(answer.deeds.iter().map(|deed| format!("> {}", deed.label(&index))));
    lines.extend(answer.sentence);
    lines
}

fn names(town: &Town, text: &str) -> Vec<String> {
    let index = Index::of(&town.snapshot());
    find(&index, text).groups.iter().flat_map(|group| group.hits.iter().map(|hit| hit.entry.name.clone())).collect()
}

#[test]
fn an_address_finds_its_vpc_where_it_lies_in_it_and_who_reaches_it() {
    let town = town();
    assert_eq!(
        answered(&town, "172.28.4.7"),
        [
            "An address. It lies in:",
            "dc-hamburg 172.28.0.0/16",
            "office-plan 172.16.0.0/12 planned",
            "Reaches it:",
            "gw-dc-hamburg 172.28.0.0/16 it stands in this VPC",
            "gw-hq-oslo 172.28.0.0/16 by VPC peering with gw-dc-hamburg",
            "> Create VPC Peering from gw-dc-hamburg",
        ]
    );
    let index = Index::of(&town.snapshot());
    let answer = find(&index, " 172.28.4.7:5432 ");
    let position = answer.groups[0].hits[0].at;
    assert_eq!(position, Some((town.vpcs[1].cidr, Ipv4Addr::new(172, 28, 4, 7))), "a port does not matter");
}

#[test]
fn a_tunnel_address_finds_the_person_who_has_it() {
    let town = town();
    let address = town.peers[0].tunnel_address.to_string();
    let lines = answered(&town, &address);
    assert_eq!(
        lines[..4],
        [
            "An address. It belongs to:".to_owned(),
            format!("laptop-mira {address} its tunnel address"),
            "An address. It lies in:".into(),
            "gw-hq-oslo 10.200.1.0/24 its tunnel subnet".into()
        ]
    );
    assert_eq!(answered(&town, "203.0.113.2")[1], "gw-dc-hamburg 203.0.113.2 its public address");
    assert_eq!(answered(&town, "10.200.2.1")[1], "gw-dc-hamburg 10.200.2.1 its tunnel address");
    assert_eq!(answered(&town, "198.51.100.23")[1], "laptop-mira 198.51.100.23 where it was last seen");
}

#[test]
fn an_address_behind_a_site_is_reached_through_it() {
    assert_eq!(
        answered(&town(), "192.168.88.9"),
        [
            "An address. It lies in:",
            "site-altona 192.168.88.0/24 a network behind it",
            "Reaches it:",
            "gw-dc-hamburg 192.168.88.0/24 through site-altona",
        ]
    );
}

#[test]
fn a_lost_peering_is_not_sold_as_a_way() {
    let mut town = town();
    town.peerings[0].state = PeeringState::Lost;
    assert!(
        answered(&town, "172.28.4.7")
            .contains(&"gw-hq-oslo 172.28.0.0/16 by VPC peering with gw-dc-hamburg: lost".to_owned())
    );
}

#[test]
fn an_address_that_nobody_has_says_so() {
    assert_eq!(answered(&town(), "10.99.0.1"), ["No range of this project holds 10.99.0.1."]);
}

#[test]
fn a_range_says_what_it_overlaps_or_that_it_is_free() {
    let town = town();
    assert_eq!(
        answered(&town, "192.168.0.0/16"),
        [
            "A range. It overlaps:",
            "lab-bergen 192.168.40.0/22 lies inside it",
            "site-altona 192.168.88.0/24 a network behind it, lies inside it"
        ]
    );
    assert_eq!(
        answered(&town, "10.99.0.5/16"),
        ["> Create VPC with 10.99.0.0/16", "10.99.0.0/16 is free: nothing in this project overlaps it."]
    );
    assert_eq!(answered(&town, "172.20.0.0/16")[1], "hq-oslo 172.20.0.0/16 the same range");
    assert_eq!(
        answered(&town, "127.0.0.0/8"),
        ["127.0.0.0/8 is free: nothing in this project overlaps it."],
        "but no VPC may have it"
    );
}

#[test]
fn a_name_is_found_by_its_beginning_by_a_part_and_by_its_inside_in_this_order() {
    let mut town = Town::default();
    for (name, range) in
        [("shop-lab", "10.1.0.0/16"), ("collab", "10.2.0.0/16"), ("lab", "10.3.0.0/16"), ("lab-two", "10.4.0.0/16")]
    {
        town.vpc(name, "oslo", range);
    }
    assert_eq!(names(&town, "lab"), ["lab", "lab-two", "shop-lab", "collab"]);
    assert_eq!(names(&town, "LAB"), names(&town, "lab"));
    assert_eq!(names(&town, "two lab"), ["lab-two"], "all words must be met");
}

#[test]
fn a_key_an_id_a_place_and_half_an_address_find_things_too() {
    let town = town();
    let key = town.peers[0].public_key.to_string();
    assert_eq!(names(&town, &key), ["laptop-mira"]);
    assert_eq!(names(&town, &key[..6]), ["laptop-mira"]);
    assert_eq!(names(&town, &key[..6].to_lowercase()), Vec::<String>::new(), "keys have upper and lower case");
    assert_eq!(names(&town, &town.vpcs[2].id.to_string()).first().map(String::as_str), Some("lab-bergen"));
    assert_eq!(answered(&town, "203.0.113")[1], "gw-dc-hamburg 203.0.113.2 dc-hamburg");
    assert_eq!(names(&town, "192.168.88"), ["site-altona"]);
    assert_eq!(names(&town, "hamburg")[0], "dc-hamburg");
    assert_eq!(names(&town, "road"), ["laptop-mira"]);
    assert_eq!(answered(&town, "zzz"), ["Nothing here is called zzz."]);
}

#[test]
fn what_can_be_done_is_found_by_its_words() {
    let town = town();
    assert_eq!(
        answered(&town, "create vpc"),
        [
            "> Create VPC",
            "> Create VPC Peering from gw-dc-hamburg",
            "> Create VPC Peering from gw-hq-oslo",
            "> Create VPC Peering from gw-lab-bergen",
        ]
    );
    assert_eq!(answered(&town, "new vpc")[0], "> Create VPC", "people also say new and add");
    assert_eq!(answered(&town, "peering from gw-lab"), ["> Create VPC Peering from gw-lab-bergen"]);
    assert_eq!(Deed::NewVpc(None).needs(), Permission::NetworkingWrite);
    let mut bare = Town::default();
    bare.vpc("hq-oslo", "oslo", "172.20.0.0/16");
    assert!(answered(&bare, "172.20.0.1").contains(&"> Create VPN gateway in hq-oslo".to_owned()));
}

#[test]
fn before_anything_is_typed_stands_what_needs_you() {
    let mut town = town();
    assert_eq!(names(&town, ""), Vec::<String>::new());
    let gateway = &mut town.gateways[2];
    (gateway.status, gateway.sync) = (GatewayStatus::Error, ConfigSync::Silent);
    let lines = answered(&town, " ");
    assert_eq!(lines[..3], ["Needs you:", "gw-lab-bergen 10.200.3.0/24 lab-bergen", "> Create VPC"]);
}

proptest! {
    #[test]
    fn any_text_gives_the_same_answer_twice_and_never_a_thing_twice_in_a_group(text in "\\PC{0,40}") {
        let town = town();
        let index = Index::of(&town.snapshot());
        let answer = find(&index, &text);
        prop_assert_eq!(&answer, &find(&index, &text));
        for group in &answer.groups {
            let shown: BTreeSet<_> = group.hits.iter().map(|hit| (hit.entry.noun, &hit.entry.name, &hit.fact)).collect();
            prop_assert_eq!(shown.len(), group.hits.len());
        }
    }

    #[test]
    fn an_address_is_found_exactly_in_the_vpcs_that_hold_it(address in any::<u32>()) {
        let town = town();
        let index = Index::of(&town.snapshot());
        let address = Ipv4Addr::from(address & 0x000f_ffff | 0xac10_0000);
        let answer = find(&index, &address.to_string());
        let found: Vec<&str> = answer.groups.iter().flat_map(|group| &group.hits).filter(|hit| hit.entry.noun == Noun::Vpc).map(|hit| hit.entry.name.as_str()).collect();
        let holds: Vec<&str> = town.vpcs.iter().filter(|vpc| vpc.cidr.contains(address)).map(|vpc| vpc.name.as_str()).collect();
        prop_assert_eq!(found, holds);
    }
}
