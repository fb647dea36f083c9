use uuid::Uuid;

use super::*;
use crate::domain::service::node::{Destination, NodeRule};

fn peer(number: u8, enabled: bool) -> WishedPeer {
    WishedPeer {
        name: format!("laptop-{number}").parse().expect("a name"),
        public_key: PublicKey::from_bytes([number; 32]),
        preshared_key: Some(PresharedKey::from_bytes([number; 32])),
        keepalive: 0,
        enabled,
        role: Role::RoadWarrior { address: Ipv4Addr::new(10, 200, 1, number) },
    }
}

fn wish(peers: Vec<WishedPeer>) -> Wish {
    Wish {
        id: GatewayId::from_uuid(Uuid::from_u128(1)),
        name: "gw-alpha".parse().expect("a name"),
        settings: GatewaySettings::default(),
        tunnel: Cidr::literal([10, 200, 1, 0], 24),
        vpc: Cidr::literal([172, 16, 0, 0], 16),
        repairs: 0,
        guarded: Vec::new(),
        peers,
    }
}

#[test]
fn the_order_of_the_rows_does_not_change_the_hash_and_a_key_does() {
    let one = derive(&wish(vec![peer(2, true), peer(3, true)]));
    let other = derive(&wish(vec![peer(3, true), peer(2, true)]));
    assert_eq!(one.hash(), other.hash());
    let mut rekeyed = peer(3, true);
    rekeyed.preshared_key = None;
    assert_ne!(one.hash(), derive(&wish(vec![peer(2, true), rekeyed])).hash());
}

#[test]
fn a_disabled_peer_is_not_in_the_document() {
    assert_eq!(derive(&wish(vec![peer(2, true), peer(3, false)])), derive(&wish(vec![peer(2, true)])));
}

#[test]
fn a_change_leads_from_one_document_to_the_other_and_so_does_the_sum() {
    let old = derive(&wish(vec![peer(2, true), peer(3, true)]));
    let new = derive(&wish(vec![peer(3, true), peer(4, true)]));
    let change = old.change_to(&new);
    assert_eq!((change.set.len(), change.removed.len(), change.gateway.is_none()), (1, 1, true));

    let mut sum = PeerSum::default();
    old.peers.values().for_each(|peer| sum.add(peer));
    sum.remove(&old.peers[&change.removed[0]]);
    sum.add(&change.set[0]);
    assert_eq!(new.hash_with(&sum), new.hash());

    let mut changed = old;
    changed.apply(change);
    assert_eq!(changed, new);
}

#[test]
fn row_76_a_vpc_peering_allows_the_remote_vpc_and_the_remote_tunnel_subnet_and_nothing_else() {
    let mut other = peer(9, true);
    other.role = Role::VpcPeering {
        vpc: Cidr::literal([10, 0, 0, 0], 16),
        tunnel: Cidr::literal([10, 200, 2, 0], 24),
        endpoint: "203.0.113.20:51820".parse().expect("an endpoint"),
    };
    let document = derive(&wish(vec![other, peer(2, true)]));
    let rendered = &document.peers[&PublicKey::from_bytes([9; 32])];
    assert_eq!(rendered.allowed_ips, [Cidr::literal([10, 0, 0, 0], 16), Cidr::literal([10, 200, 2, 0], 24)]);
    assert_eq!(document.routes(), rendered.allowed_ips, "road warriors live in the connected tunnel subnet");
}

#[test]
fn a_site_may_send_from_its_networks_and_from_the_address_that_its_export_names() {
    let mut site = peer(9, true);
    let address = Ipv4Addr::new(10, 200, 1, 9);
    let network = Cidr::literal([192, 168, 88, 0], 24);
    site.role = Role::Site { address, networks: vec![network], endpoint: None };
    let document = derive(&wish(vec![site, peer(2, true)]));
    let rendered = &document.peers[&PublicKey::from_bytes([9; 32])];
    assert_eq!(rendered.allowed_ips, [alone(address), network]);
    assert_eq!(document.routes(), [network], "its address lives in the connected tunnel subnet");
}

/// A console that knows one field more of each, and puts it where it likes.
#[derive(Serialize)]
struct Newer<'a> {
    mark: u32,
    #[serde(flatten)]
    known: &'a Value,
    zone: Option<&'a str>,
}

#[test]
fn fields_of_a_newer_console_are_kept_and_hashed_as_it_hashes_them() {
    let known = serde_json::to_value(derive(&wish(vec![peer(2, true)]))).expect("plain data");
    let newer = |known| serde_json::to_string(&Newer { mark: 7, known, zone: None }).expect("plain data");
    let (gateway, peer) = (newer(&known["gateway"]), newer(&known["peers"][0]));
    // What its own hash is made of: the same texts, each in the order of its names.
    let sorted =
        |text: &str| serde_json::to_string(&serde_json::from_str::<BTreeMap<String, Value>>(text).expect("an object"));
    let digest = |text: &str| Sha256::digest(sorted(text).expect("plain data"));
    let mut whole = Sha256::new();
    whole.update(sorted(&gateway).expect("plain data"));
    whole.update(digest(&peer));
    let expected = Hash(hexadecimal(&whole.finalize()));

    let text = format!(r#"{{"gateway":{gateway},"peers":[{peer}]}}"#);
    let document: Document = serde_json::from_str(&text).expect("what is not known is no mistake");
    assert_eq!(document.hash(), expected);
    let stored = serde_json::to_string(&document).expect("plain data");
    let again: Document = serde_json::from_str(&stored).expect("its own text");
    assert_eq!((again.hash(), again == document), (expected, true), "it survives the agent's disk");
    let mut changed = document.clone();
    changed.peers.first_entry().expect("a peer").get_mut().unknown.insert("mark".to_owned(), 8.into());
    assert_eq!(document.change_to(&changed).set.len(), 1, "and a change of it is a change");
}

#[test]
fn a_document_says_nothing_of_a_field_that_has_its_default() {
    let text = serde_json::to_string(&derive(&wish(vec![peer(2, true)]))).expect("plain data");
    assert!(!text.contains("needs") && !text.contains("unknown"), "{text}");
}

fn guarded(address: &str) -> NodeFirewall {
    NodeFirewall {
        id: crate::domain::NodeId::from_uuid(Uuid::from_u128(7)),
        service: "orders".parse().expect("a name"),
        private: Some(Cidr::literal([10, 0, 0, 0], 16)),
        guarded: [5432].into(),
        rules: vec![NodeRule {
            name: "peered".to_owned(),
            to: Destination::Private,
            ports: [5432].into(),
            from: vec![address.parse().expect("a range")],
        }],
        drift_policy: DriftPolicy::Repair,
        repairs: 0,
        needs: 0,
        unknown: Unknown::new(),
    }
}

#[test]
fn an_agent_that_knows_no_nodes_never_reads_a_nodes_document_as_an_empty_one() {
    let document = Document::of_node(guarded("10.1.0.0/16"));
    let mut text = serde_json::to_value(&document).expect("plain data");
    text.as_object_mut().expect("an object").remove("node").expect("what it does not know");
    let read: Document = serde_json::from_value(text).expect("that is how it reads it");
    assert_eq!(read, Document::empty(), "it would remove everything");
    assert_ne!(read.hash(), document.hash(), "but that is not what came with it");
    assert_ne!(document.hash(), Document::of_node(guarded("10.2.0.0/16")).hash());
}

#[test]
fn a_rule_whose_name_is_no_label_makes_no_document() {
    let mut text = serde_json::to_value(Document::of_node(guarded("10.1.0.0/16"))).expect("plain data");
    assert!(serde_json::from_value::<Document>(text.clone()).is_ok());
    text["node"]["rules"][0]["name"] = "x { } flush ruleset".into();
    assert!(serde_json::from_value::<Document>(text).is_err());
}

#[test]
fn the_hash_of_a_gateways_document_is_what_it_was_before_there_were_nodes() {
    let hash = derive(&wish(vec![peer(2, true), peer(3, true)])).hash();
    assert_eq!(hash.0, "fc33dedf060689faa613ab839201f5552561fac6908f61853267d071ac45dd92");
    assert_eq!(Document::empty().hash().0, "d979ed7ba82c01930c28b65252d1c8bb07cf8428d5953efdfa1542eeffd105ee");
}

#[test]
fn a_document_survives_its_text() {
    let document = derive(&wish(vec![peer(2, true)]));
    let text = serde_json::to_string(&document).expect("plain data");
    assert_eq!(serde_json::from_str::<Document>(&text).expect("its own text"), document);
}
