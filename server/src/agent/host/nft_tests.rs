use app::domain::{
    Cidr, GatewayId, PublicKey,
    gateway::DriftPolicy,
    peer::PeerKind,
    tunnel::{Interface, TunnelPeer},
};

use super::*;

fn cidr(text: &str) -> Cidr {
    text.parse().expect("a range")
}

fn peer(number: u8, kind: PeerKind, ranges: &[&str]) -> TunnelPeer {
    TunnelPeer {
        name: format!("peer-{number}").parse().expect("a name"),
        kind,
        public_key: PublicKey::from_bytes([number; 32]),
        preshared_key: None,
        endpoint: None,
        keepalive: 0,
        allowed_ips: ranges.iter().map(|range| cidr(range)).collect(),
        unknown: Default::default(),
    }
}

fn document() -> Document {
    let gateway = Interface {
        id: "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10".parse::<GatewayId>().expect("an id"),
        name: "gw-alpha".parse().expect("a name"),
        address: [10, 200, 1, 1].into(),
        tunnel: cidr("10.200.1.0/24"),
        vpc: cidr("172.16.0.0/16"),
        listen_port: 51820,
        mtu: 1420,
        masquerade_vpc: false,
        internet_egress: false,
        drift_policy: DriftPolicy::Repair,
        repairs: 0,
        guarded: ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/24"].map(cidr).to_vec(),
        needs: 0,
        unknown: Default::default(),
    };
    let peers = [
        peer(2, PeerKind::VpcPeering, &["10.0.0.0/16", "10.200.2.0/24"]),
        peer(3, PeerKind::Site, &["192.168.88.0/24", "192.168.89.0/24", "198.51.100.9/32"]),
        peer(4, PeerKind::RoadWarrior, &["10.200.1.2/32"]),
    ];
    Document::of_gateway(gateway, peers.into_iter().map(|peer| (peer.public_key, peer)).collect())
}

fn two() -> Surroundings {
    Surroundings { lan: Some("eth1".into()), wan: Some("eth0".into()) }
}

fn one() -> Surroundings {
    Surroundings { lan: Some("eth0".into()), wan: Some("eth0".into()) }
}

fn rendered(document: &Document, around: &Surroundings) -> String {
    script(&ruleset(document, around).expect("a gateway"))
}

#[test]
fn a_host_with_two_interfaces() {
    insta::assert_snapshot!(rendered(&document(), &two()));
}

#[test]
fn a_host_with_one_interface_that_is_the_way_to_the_internet_and_translates_toward_the_vpc() {
    let mut document = document();
    let gateway = document.gateway.as_mut().expect("a gateway");
    (gateway.internet_egress, gateway.masquerade_vpc) = (true, true);
    insta::assert_snapshot!(rendered(&document, &one()));
}

#[test]
fn a_host_outside_its_vpc_serves_nothing_but_the_hairpin() {
    insta::assert_snapshot!(rendered(&document(), &Surroundings { lan: None, wan: Some("eth0".into()) }));
}

#[test]
fn the_guard_is_first_on_every_host() {
    for around in [two(), one(), Surroundings::default()] {
        let firewall = ruleset(&document(), &around).expect("a gateway");
        assert_eq!(
            firewall.chains["forward"].rules[0],
            r#"oifname != "wg0" ip daddr @guarded ip daddr != @local drop"#
        );
        assert_eq!(
            firewall.chains["post"].rules[0], r#"oifname "wg0" accept"#,
            "nothing is translated into the tunnel"
        );
    }
}

#[test]
fn an_empty_document_asks_for_no_table() {
    assert_eq!(ruleset(&Document::empty(), &two()), None);
}

#[test]
fn what_nobody_rendered_shows_as_what_it_is() {
    let listing = serde_json::json!({ "nftables": [
        { "chain": { "family": "inet", "table": "causeway", "name": "forward", "type": "filter", "hook": "forward", "prio": 0, "policy": "accept" } },
        { "rule": { "chain": "forward", "expr": [{ "counter": { "packets": 1 } }, { "accept": null }] } },
        { "set": { "name": "local", "elem": ["1.2.3.4", { "range": ["10.0.0.1", "10.0.0.9"] }] } },
    ]});
    let found = listing::canonical(&listing);
    assert_eq!(found.chains["forward"].hook, "type filter hook forward priority 0; policy accept;");
    assert_eq!(found.chains["forward"].rules, [r#"{"counter":{"packets":1}} accept"#]);
    assert_eq!(found.sets["local"].elements.iter().collect::<Vec<_>>(), ["1.2.3.4/32", "10.0.0.1-10.0.0.9"]);
}
