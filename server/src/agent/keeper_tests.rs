use std::net::Ipv4Addr;

use app::domain::{
    Cidr, GatewayId,
    host::{Delivery, Offer},
    peer::PeerKind,
    service::node::{Destination, NodeFirewall, NodeRule},
    tunnel::{Hash, Interface, TunnelPeer},
};
use tempfile::TempDir;

use super::*;
use crate::agent::{host::fake::RecordingHost, poll::Next};

/// An agent on a recording host, and a console's hand.
struct Scene {
    folder: TempDir,
    host: Arc<RecordingHost>,
    outbox: Arc<Outbox>,
    keeper: Keeper,
}

impl Scene {
    async fn new() -> Self {
        Self::on(tempfile::tempdir().expect("a folder"), None).await
    }

    async fn on(folder: TempDir, host: Option<Arc<RecordingHost>>) -> Self {
        let state = Arc::new(StateFolder::open(folder.path()).expect("a folder of ours"));
        let key = state.private_key().expect("a key");
        let addresses = vec![Ipv4Addr::new(203, 0, 113, 10), Ipv4Addr::new(172, 16, 0, 2)];
        let host = host.unwrap_or_else(|| Arc::new(RecordingHost::new(key.public(), addresses)));
        let outbox = Arc::new(Outbox::default());
        let mut keeper = Keeper::new(host.clone(), state, outbox.clone(), &key).expect("a state folder");
        keeper.look_around().await.expect("a host");
        Self { folder, host, outbox, keeper }
    }

    /// The agent is killed and started again.
    async fn restarted(self) -> Self {
        let Self { folder, host, keeper, .. } = self;
        drop(keeper);
        Self::on(folder, Some(host)).await
    }

    async fn deliver(&mut self, document: &Document, generation: u64) -> Next {
        let full = Delivery::Full { version: version(document, generation), document: document.clone() };
        self.keeper.deliver(Offer::Understood(Box::new(full))).await
    }

    async fn watch(&mut self) {
        let (turn, keys) = self.keeper.question();
        let reading = self.host.read(&keys).await;
        self.keeper.watch(turn, reading).await;
    }

    fn status(&self) -> &Status {
        self.keeper.status()
    }

    fn drift(&self) -> Vec<String> {
        self.status().drift.iter().map(|drift| format!("{} {}", drift.subject, drift.field)).collect()
    }

    async fn host_state(&self) -> HostState {
        self.host.read(&Question::of(HostRole::Gateway)).await.expect("a recording host").state
    }
}

fn version(document: &Document, generation: u64) -> Version {
    Version { epoch: 1, generation, hash: document.hash() }
}

fn document(peers: u8) -> Document {
    let gateway = Interface {
        id: "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10".parse::<GatewayId>().expect("an id"),
        name: "gw-alpha".parse().expect("a name"),
        address: Ipv4Addr::new(10, 200, 1, 1),
        tunnel: Cidr::literal([10, 200, 1, 0], 24),
        vpc: Cidr::literal([172, 16, 0, 0], 16),
        listen_port: 51820,
        mtu: 1420,
        masquerade_vpc: false,
        internet_egress: false,
        drift_policy: DriftPolicy::Repair,
        repairs: 0,
        guarded: vec![Cidr::literal([10, 0, 0, 0], 8)],
        needs: 0,
        unknown: Default::default(),
    };
    let peer = |number: u8| TunnelPeer {
        name: format!("laptop-{number}").parse().expect("a name"),
        kind: if number == 1 { PeerKind::VpcPeering } else { PeerKind::RoadWarrior },
        public_key: PublicKey::from_bytes([number; 32]),
        preshared_key: None,
        endpoint: None,
        keepalive: 0,
        allowed_ips: vec![if number == 1 {
            Cidr::literal([10, 0, 0, 0], 16)
        } else {
            Cidr::literal([10, 200, 1, number], 32)
        }],
        unknown: Default::default(),
    };
    Document::of_gateway(gateway, (1..=peers).map(peer).map(|peer| (peer.public_key, peer)).collect())
}

fn asking(repairs: u64) -> Document {
    let mut document = document(3);
    let gateway = document.gateway.as_mut().expect("a gateway");
    (gateway.drift_policy, gateway.repairs) = (DriftPolicy::Ask, repairs);
    document
}

#[tokio::test]
async fn a_document_is_applied_first_and_verified_when_the_host_was_read_back() {
    let mut scene = Scene::new().await;
    let wanted = document(3);
    scene.deliver(&wanted, 1).await;
    assert_eq!((&scene.status().applied, &scene.status().verified), (&Some(version(&wanted, 1)), &None));
    scene.watch().await;
    assert_eq!(scene.status().verified, Some(version(&wanted, 1)));
    assert_eq!(scene.host_state().await.peers.len(), 3);
}

#[tokio::test]
async fn a_change_is_taken_only_by_the_document_that_it_was_made_for_and_only_with_its_hash() {
    let mut scene = Scene::new().await;
    let (one, two) = (document(2), document(3));
    scene.deliver(&one, 1).await;
    let change = |from: Version, version: Version| {
        Offer::Understood(Box::new(Delivery::Changes { from, version, change: one.change_to(&two) }))
    };
    let wrong = Version { hash: Hash("0".repeat(64)), ..version(&two, 2) };
    assert_eq!(scene.keeper.deliver(change(version(&one, 1), wrong)).await.have, None, "asks for the whole");
    assert_eq!(scene.keeper.deliver(change(version(&two, 9), version(&two, 10))).await.have, None);
    assert_eq!(scene.host_state().await.peers.len(), 2);
    assert_eq!(scene.keeper.deliver(change(version(&one, 1), version(&two, 2))).await.have, Some(version(&two, 2)));
    scene.watch().await;
    assert_eq!(scene.status().verified, Some(version(&two, 2)));
    // The journal brings it back.
    let mut scene = scene.restarted().await;
    assert_eq!(scene.keeper.have(), Some(version(&two, 2)));
    scene.watch().await;
    scene.watch().await;
    assert_eq!(scene.status().verified, Some(version(&two, 2)));
}

#[tokio::test]
async fn a_change_after_a_line_that_a_power_failure_cut_off_is_not_lost() {
    let mut scene = Scene::new().await;
    let (one, two, three) = (document(2), document(3), document(4));
    let change = |from: &Document, at: u64, to: &Document| {
        let change =
            Delivery::Changes { from: version(from, at), version: version(to, at + 1), change: from.change_to(to) };
        Offer::Understood(Box::new(change))
    };
    scene.deliver(&one, 1).await;
    scene.keeper.deliver(change(&one, 1, &two)).await;
    let journal = scene.folder.path().join("changes.jsonl");
    for torn in [&b"{\"from\":{\"epo"[..], b"\xff\xfe\n", b"{}"] {
        let mut text = std::fs::read(&journal).expect("a journal");
        text.extend_from_slice(torn);
        std::fs::write(&journal, text).expect("a journal");
        scene = scene.restarted().await;
        assert_eq!(scene.keeper.have(), Some(version(&two, 2)), "what was whole stands");
    }
    scene.keeper.deliver(change(&two, 2, &three)).await;
    let scene = scene.restarted().await;
    assert_eq!(scene.keeper.have(), Some(version(&three, 3)), "and what came after it, too");
}

#[tokio::test]
async fn older_news_and_one_number_with_two_meanings_are_refused_until_the_console_is_right_again() {
    let mut scene = Scene::new().await;
    scene.deliver(&document(3), 5).await;
    assert!(scene.deliver(&document(2), 4).await.refused);
    let message = scene.status().error.as_ref().expect("told").message.clone();
    assert!(message.starts_with("The console offered document 1.4, which is older than 1.5"), "{message}");
    assert!(scene.deliver(&document(2), 5).await.refused);
    scene.watch().await;
    assert!(scene.status().error.is_some(), "verifying what is in force settles nothing");
    assert_eq!(scene.host_state().await.peers.len(), 3);
    scene.keeper.settled();
    assert_eq!(scene.status().error, None);
    // A restored backup raises its epoch: newer, whatever the generation.
    let restored = document(1);
    let version = Version { epoch: 2, ..version(&restored, 1) };
    let full = Delivery::Full { version: version.clone(), document: restored };
    scene.keeper.deliver(Offer::Understood(Box::new(full))).await;
    assert_eq!(scene.keeper.have(), Some(version));
    assert_eq!(scene.host_state().await.peers.len(), 1);
}

#[tokio::test]
async fn a_document_that_does_not_have_its_hash_is_refused() {
    let mut scene = Scene::new().await;
    let mut forged = document(3);
    let version = version(&forged, 1);
    forged.peers.pop_first();
    let full = Delivery::Full { version, document: forged };
    assert!(scene.keeper.deliver(Offer::Understood(Box::new(full))).await.refused);
    assert_eq!(scene.host_state().await.peers.len(), 0);
}

#[tokio::test]
async fn drift_is_named_told_and_repaired_at_once() {
    let mut scene = Scene::new().await;
    scene.deliver(&document(3), 1).await;
    scene.watch().await;
    scene.host.tamper(|host| {
        host.peers.pop_first();
        host.firewall.as_mut().expect("a table").chains.get_mut("forward").expect("a chain").rules.remove(0);
        host.routes.clear();
    });
    scene.watch().await;
    let key = PublicKey::from_bytes([1; 32]);
    assert_eq!(
        scene.drift(),
        [
            r#"firewall forward: oifname != "wg0" ip daddr @guarded ip daddr != @local drop"#.to_owned(),
            "route 10.0.0.0/16".to_owned(),
            format!("peer {key}"),
        ]
    );
    scene.watch().await;
    assert_eq!(scene.drift(), [""; 0]);
    assert_eq!(scene.host_state().await.peers.len(), 3);
}

#[tokio::test]
async fn a_gateway_that_asks_is_left_as_it_is_until_a_person_wants_it_repaired() {
    let mut scene = Scene::new().await;
    scene.deliver(&asking(0), 1).await;
    scene.watch().await;
    scene.host.tamper(|host| host.routes.clear());
    scene.watch().await;
    scene.watch().await;
    assert_eq!((scene.drift(), scene.host_state().await.routes.len()), (vec!["route 10.0.0.0/16".to_owned()], 0));
    // An unrelated change is applied and repairs nothing.
    let mut renamed = asking(0);
    renamed.gateway.as_mut().expect("a gateway").mtu = 1300;
    scene.deliver(&renamed, 2).await;
    scene.watch().await;
    assert_eq!((scene.host_state().await.link.mtu, scene.host_state().await.routes.len()), (Some(1300), 0));
    // Neither does a restart of the agent.
    let mut scene = scene.restarted().await;
    scene.keeper.store();
    scene.watch().await;
    assert_eq!(scene.host_state().await.routes.len(), 0);
    scene.deliver(&asking(1), 3).await;
    scene.watch().await;
    assert_eq!((scene.drift().len(), scene.host_state().await.routes.len()), (0, 1));
}

#[tokio::test]
async fn a_restarted_host_gets_everything_back_from_disk_even_where_a_person_is_asked() {
    let mut scene = Scene::new().await;
    scene.deliver(&asking(0), 1).await;
    scene.watch().await;
    scene.host.tamper(|host| *host = HostState::default());
    let mut scene = scene.restarted().await;
    scene.watch().await;
    scene.watch().await;
    assert_eq!((scene.host_state().await.peers.len(), scene.status().verified.is_some()), (3, true));
}

#[tokio::test]
async fn an_empty_document_cleans_the_host_and_says_so() {
    let mut scene = Scene::new().await;
    scene.deliver(&document(3), 1).await;
    scene.watch().await;
    scene.deliver(&Document::empty(), 2).await;
    assert!(!scene.status().cleaned, "not before the host was read back");
    scene.watch().await;
    assert!(scene.status().cleaned);
    let host = scene.host_state().await;
    assert_eq!((host.device, host.firewall, host.peers.len(), host.routes.len()), (None, None, 0, 0));
    assert_eq!(scene.outbox.facts().map(|facts| facts.wireguard), Some(app::domain::host::WireGuardKind::Recording));
}

#[tokio::test]
async fn a_reading_from_before_a_change_is_not_held_against_it() {
    let mut scene = Scene::new().await;
    scene.deliver(&document(2), 1).await;
    let (turn, keys) = scene.keeper.question();
    let before = scene.host.read(&keys).await;
    scene.deliver(&document(3), 2).await;
    scene.keeper.watch(turn, before).await;
    assert_eq!((scene.drift().len(), scene.status().verified.clone()), (0, None));
    assert!(scene.keeper.read_at() <= Instant::now() + VERIFY_WITHIN, "it is read again soon");
}

/// A document of a gateway that lets its only peer call first: hardly a key is below this one.
fn joined() -> Document {
    let mut document = asking(0);
    let mut peer = document.peers.pop_first().expect("the VPC peering").1;
    let mut lowest = [0; 32];
    lowest[31] = 1;
    peer.public_key = PublicKey::from_bytes(lowest);
    peer.endpoint = Some("203.0.113.20:51820".parse().expect("an endpoint"));
    peer.keepalive = 25;
    document.peers = Peers::from([(peer.public_key, peer)]);
    document
}

#[tokio::test]
async fn a_joined_gateway_is_let_call_first_and_is_called_if_it_does_not() {
    let mut scene = Scene::new().await;
    let document = joined();
    scene.deliver(&document, 1).await;
    scene.watch().await;
    let keepalive = |host: HostState| host.peers.values().next().expect("the VPC peering").keepalive;
    assert_eq!((keepalive(scene.host_state().await), scene.drift().len()), (0, 0));
    assert_eq!(scene.status().verified, None, "the host does not show its document yet");
    assert!(scene.keeper.read_at() <= Instant::now() + SETTLE, "it is looked at again soon");
    // Started again meanwhile, it does what it was asked before, and takes nothing for a difference.
    let mut scene = scene.restarted().await;
    scene.watch().await;
    assert_eq!((keepalive(scene.host_state().await), scene.drift().len()), (25, 0));

    let mut scene = Scene::new().await;
    scene.deliver(&document, 1).await;
    scene.watch().await;
    tokio::time::sleep(Duration::from_millis(app::domain::plan::COURTESY)).await;
    scene.watch().await;
    assert_eq!((keepalive(scene.host_state().await), scene.drift().len()), (25, 0), "nobody called");
    scene.watch().await;
    assert_eq!(scene.status().verified, Some(version(&document, 1)));

    let mut scene = Scene::new().await;
    scene.deliver(&document, 1).await;
    scene.host.tamper(|host| host.peers.values_mut().for_each(|peer| peer.handshake = Some(clock::now())));
    scene.watch().await;
    scene.watch().await;
    assert_eq!((keepalive(scene.host_state().await), scene.drift().len()), (25, 0), "it called at once");
    assert_eq!(scene.status().verified, Some(version(&document, 1)));
}

/// What a console sends that knows more: fields, or words, that this agent has never heard of.
fn offered(document: &Document, generation: u64, change: impl FnOnce(&mut serde_json::Value)) -> Offer {
    let full = Delivery::Full { version: version(document, generation), document: document.clone() };
    let mut text = serde_json::to_value(full).expect("plain data");
    change(&mut text["full"]["document"]);
    let hash = serde_json::from_value::<Document>(text["full"]["document"].clone()).map(|document| document.hash());
    if let Ok(hash) = hash {
        text["full"]["version"]["hash"] = hash.0.into();
    }
    Offer::read(text.to_string().as_bytes()).expect("a document")
}

#[tokio::test]
async fn what_a_newer_console_says_beside_is_kept_and_what_must_not_be_ignored_is_refused() {
    let mut scene = Scene::new().await;
    let known = document(3);
    let beside = offered(&known, 1, |document| {
        document["gateway"]["region"] = "north".into();
        document["peers"][1]["colour"] = serde_json::json!({ "hue": 120 });
    });
    assert!(!scene.keeper.deliver(beside).await.refused);
    scene.watch().await;
    assert_eq!((scene.status().verified.as_ref().map(|version| version.generation), scene.drift().len()), (Some(1), 0));
    let mut scene = scene.restarted().await;
    assert_eq!(scene.keeper.have().map(|version| version.generation), Some(1), "and it boots from it");

    for (what, beyond) in [
        ("a format", offered(&known, 2, |document| document["gateway"]["needs"] = 1_000.into())),
        ("a word", offered(&known, 2, |document| document["peers"][0]["kind"] = "satellite".into())),
    ] {
        assert!(scene.keeper.deliver(beyond).await.refused, "{what}");
        let error = scene.status().error.clone().expect("told");
        assert_eq!(error.version.generation, 2);
        assert!(error.message.contains("is older than the console"), "{}", error.message);
        assert!(error.message.contains("Install the console's Causeway"), "{}", error.message);
        assert_eq!(scene.host_state().await.peers.len(), 3, "the tunnels stay");
    }
    assert!(!scene.keeper.deliver(offered(&known, 3, |_| {})).await.refused);
    scene.watch().await;
    assert_eq!(scene.status().error, None, "what came after is understood");
    assert!(Offer::read(b"{\"bill\": 12}").is_err());
}

fn orders(drift_policy: DriftPolicy) -> Document {
    Document::of_node(NodeFirewall {
        id: "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d11".parse().expect("an id"),
        service: "orders".parse().expect("a name"),
        private: Some(Cidr::literal([172, 16, 0, 0], 16)),
        guarded: [5432].into(),
        rules: vec![NodeRule {
            name: "connections".to_owned(),
            to: Destination::Private,
            ports: [5432].into(),
            from: vec!["10.1.0.0/16".parse().expect("a range")],
        }],
        drift_policy,
        repairs: 0,
        needs: 0,
        unknown: Default::default(),
    })
}

#[tokio::test]
async fn a_nodes_document_is_a_firewall_and_an_empty_one_takes_it_off() {
    let mut scene = Scene::new().await;
    let wanted = orders(DriftPolicy::Repair);
    scene.deliver(&wanted, 1).await;
    scene.watch().await;
    assert_eq!(scene.status().verified, Some(version(&wanted, 1)));
    let host = scene.host_state().await;
    assert_eq!((host.device, host.routes.len(), host.firewall.is_some()), (None, 0, true));
    scene.deliver(&Document::empty(), 2).await;
    scene.watch().await;
    assert!(scene.status().cleaned);
    assert_eq!(scene.host_state().await.firewall, None);
    scene.deliver(&wanted, 3).await;
    assert!(!scene.status().cleaned, "as soon as something is asked of it again, read back or not");
}

#[tokio::test]
async fn a_firewall_that_somebody_changed_is_repaired_or_told_and_one_that_is_gone_comes_back() {
    for (policy, left_alone) in [(DriftPolicy::Repair, false), (DriftPolicy::Ask, true)] {
        let mut scene = Scene::new().await;
        scene.deliver(&orders(policy), 1).await;
        scene.watch().await;
        scene.host.tamper(|host| host.firewall.as_mut().expect("a table").chains.clear());
        scene.watch().await;
        assert!(!scene.drift().is_empty());
        scene.watch().await;
        assert_eq!(!scene.drift().is_empty(), left_alone, "{policy:?}");
        scene.host.tamper(|host| host.firewall = None);
        scene.watch().await;
        scene.watch().await;
        assert_eq!(scene.drift(), [""; 0], "a host without its table was restarted");
    }
}

#[tokio::test]
async fn a_host_takes_no_document_that_is_for_another_kind_of_host() {
    let mut scene = Scene::new().await;
    scene.deliver(&document(3), 1).await;
    scene.watch().await;
    let next = scene.deliver(&orders(DriftPolicy::Repair), 2).await;
    assert!(next.refused);
    let error = scene.status().error.clone().expect("it says why").message;
    assert_eq!(error, "Document 1.2 is for the host of a node, and this is the host of a gateway. It was refused.");
    assert_eq!(scene.host_state().await.peers.len(), 3, "nothing was taken off");
}

#[tokio::test]
async fn a_host_that_becomes_a_node_gives_up_the_tunnels_that_it_kept_as_a_gateway() {
    let mut scene = Scene::new().await;
    scene.deliver(&document(3), 1).await;
    scene.keeper.speak_for(HostRole::Node, true).await;
    let host = scene.host_state().await;
    assert_eq!((host.device, host.firewall), (None, None));
    assert!(!scene.deliver(&orders(DriftPolicy::Repair), 1).await.refused);
    assert!(scene.host_state().await.firewall.is_some());
}
