//! What each trial does on its stage.

use std::{collections::BTreeMap, time::Instant};

use app::domain::{
    AddressRange, Timestamp,
    host::HostRole,
    plan::{Frame, HostState, Peers, Surroundings, drift, plan},
    service::node::{DROPPED, Destination, NodeFirewall, NodeReport},
    tunnel::Document,
};
use server::agent::host::{Host, HostChoice, LiveHost, Question, key::PrivateKey, nft};

use super::{
    people::connect,
    soon,
    stage::{
        CUSTOMER, CUSTOMER6, FRIEND, PASSER_BY, PASSER_BY6, PRIVATE, PUBLIC, PUBLIC6, STRANGER, Stage, orders, rule,
        run, says, usual,
    },
};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn frame(node: &NodeFirewall) -> Frame {
    let (document, around) = (Document::of_node(node.clone()), Surroundings::default());
    let key = PrivateKey::random().public();
    Frame::of(&document, key, &around, nft::ruleset(&document, &around))
}

/// Applies it, and reads the host back.
async fn apply(host: &LiveHost, frame: &Frame) -> HostState {
    let read = async || host.read(&Question::of(HostRole::Node)).await.expect("a host").state;
    for step in plan(frame, &Peers::new(), &read().await, Timestamp(0)) {
        host.perform(&step).await.unwrap_or_else(|error| panic!("{step}: {error:#}"));
    }
    read().await
}

pub fn reads_back() {
    runtime().block_on(async {
        let host = LiveHost::open(HostChoice::Auto, PrivateKey::random()).expect("a routing socket");
        let mut node = usual();
        node.guarded = [80, 443, 5432, 65_535].into();
        let all = |name: &str, to, from: &[&str]| {
            let mut rule = rule(name, to, from);
            rule.ports = [443, 5432, 80].into();
            rule
        };
        // Neighbours that do and that do not merge, both ends of each family, and texts of which IPv6 has two.
        let odd = [
            "10.0.0.0/24",
            "10.0.1.0/25",
            "192.0.2.7",
            "192.0.2.8/31",
            "0.0.0.0/8",
            "240.0.0.0/4",
            "::/16",
            "ff00::/8",
            "2001:db8::/32",
            "fe80::1",
            "::ffff:1.2.3.4",
            "2001:db9:0:0:1::/80",
            "2001:0:0:1::/64",
        ];
        for rules in [
            vec![],
            vec![rule("filter", Destination::Any, &["0.0.0.0/0", "::/0"])],
            vec![rule("halves", Destination::Public, &["0.0.0.0/1", "128.0.0.0/2", "8000::/1"])],
            vec![all("members", Destination::Any, &odd), all("integration-orders-2", Destination::Private, &odd)],
        ] {
            node.rules = rules;
            let frame = frame(&node);
            let found = apply(&host, &frame).await;
            let differences = drift(&frame, &Peers::new(), &found, Timestamp(0), &[]);
            assert!(
                differences.is_empty() && plan(&frame, &Peers::new(), &found, Timestamp(0)).is_empty(),
                "{differences:#?}"
            );
        }
        let none = Frame::cleaned(BTreeMap::new());
        assert_eq!(apply(&host, &none).await, HostState::default());
        assert_eq!(says("nft list ruleset"), "");
    });
}

pub fn large() {
    runtime().block_on(async {
        let host = LiveHost::open(HostChoice::Auto, PrivateKey::random()).expect("a routing socket");
        let mut node = usual();
        let range = |number: u32| -> AddressRange { std::net::Ipv4Addr::from(0x0b00_0000 + number * 2).into() };
        node.rules[1].from = AddressRange::merge((0..8000).map(range));
        assert_eq!(node.rules[1].from.len(), 8000, "none of them are neighbours");
        let frame = frame(&node);
        let began = Instant::now();
        let found = apply(&host, &frame).await;
        let applied = began.elapsed();
        let began = Instant::now();
        let again = host.read(&Question::of(HostRole::Node)).await.expect("a host").state;
        assert_eq!(plan(&frame, &Peers::new(), &again, Timestamp(0)), []);
        assert_eq!(found, again);
        eprintln!("8,000 ranges: applied and read back in {applied:?}, checked in {:?}", began.elapsed());
    });
}

fn counted(node: &NodeReport, rule: &str) -> u64 {
    node.counters.iter().find(|counter| counter.rule == rule).map_or(0, |counter| counter.packets)
}

pub fn story() {
    let mut stage = Stage::new();
    assert!(stage.reaches(PASSER_BY, PUBLIC, 5432), "nobody guards it yet");
    stage.start_agent();
    let since = Instant::now();
    stage.offer(&Document::of_node(usual()));
    for (from, to, admitted) in [
        (FRIEND, PRIVATE, true),
        (STRANGER, PRIVATE, false),
        (CUSTOMER, PUBLIC, true),
        (PASSER_BY, PUBLIC, false),
        (CUSTOMER6, PUBLIC6, true),
        (PASSER_BY6, PUBLIC6, false),
        // Admitted at the private address, and this is not one.
        (FRIEND, PUBLIC, false),
    ] {
        assert_eq!(stage.reaches(from, to, 5432), admitted, "{from} to {to}");
        assert!(stage.reaches(from, to, 2222), "what is not the service's is not guarded: {from} to {to}");
    }
    stage.told(since, "who was refused", |report| {
        report.node.as_ref().is_some_and(|node| {
            let refused = |address: &str| {
                let address: std::net::IpAddr = address.trim_matches(['[', ']']).parse().expect("an address");
                node.refused
                    .iter()
                    .any(|attempt| attempt.from == address && attempt.port == 5432 && attempt.packets > 0)
            };
            let all = [STRANGER, PASSER_BY, PASSER_BY6].into_iter().all(refused);
            all && !refused(CUSTOMER)
                && counted(node, DROPPED) > 2
                && counted(node, "filter") > 2
                && counted(node, "connections") > 2
        })
    });

    // What the host opens itself is answered, even from a port that is guarded.
    let mut listener = stage.listener(7000);
    soon("the host is answered", || connect(&format!("{PUBLIC}:5499"), &format!("{CUSTOMER}:7000")).is_ok());
    listener.kill().expect("it runs");
    listener.wait().expect("it ends");

    for (what, line) in [
        ("flushed rules", "nft flush table inet causeway"),
        ("a foreign rule", "nft insert rule inet causeway prerouting accept"),
        ("a foreign element", "nft add element inet causeway from-filter-4 '{ 203.0.113.51 }'"),
        ("a deleted table", "nft delete table inet causeway"),
    ] {
        let since = Instant::now();
        run(line);
        stage.told(since, what, |report| report.drift.iter().any(|drift| drift.subject == "firewall"));
        stage.told(since, "the repair", |report| report.drift.is_empty() && report.verified.is_some());
        assert!(!stage.reaches(PASSER_BY, PUBLIC, 5432), "{what}");
        assert!(stage.reaches(CUSTOMER, PUBLIC, 5432), "{what}");
    }

    stage.kill_agent();
    assert!(!stage.reaches(STRANGER, PRIVATE, 5432) && stage.reaches(FRIEND, PRIVATE, 5432), "it needs no agent");
    // What a reboot takes comes back from the host's own disk.
    run("nft delete table inet causeway");
    stage.start_agent();
    soon("it is guarded again", || !stage.reaches(STRANGER, PRIVATE, 5432));

    stage.offer(&Document::empty());
    assert!(stage.reaches(PASSER_BY, PUBLIC, 5432), "nobody guards it any more");
    stage.console.delete_gateway();
    stage.agent_ends();
    assert_eq!(says("nft list ruleset"), "");
    assert!(says("ip -br addr show dev wg0").contains("192.168.77.1"), "a tunnel of that name is somebody else's");
}

pub fn live_flows() {
    let mut stage = Stage::new();
    let streams =
        [(FRIEND, PRIVATE), (STRANGER, PRIVATE), (CUSTOMER, PUBLIC)].map(|(from, to)| stage.stream(from, to, 5432));
    for from in [FRIEND, STRANGER, CUSTOMER] {
        soon("everybody is connected", || stage.service.hears(from));
    }
    stage.start_agent();
    stage.offer(&Document::of_node(usual()));
    soon("a flow that is older than the firewall ends", || !stage.service.hears(STRANGER));
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!stage.service.hears(STRANGER), "and the service's own packets do not bring it back");
    assert!(stage.service.hears(FRIEND) && stage.service.hears(CUSTOMER));

    let since = Instant::now();
    stage.offer(&Document::of_node(orders(vec![rule("filter", Destination::Public, &[CUSTOMER])])));
    soon("a flow whose access was taken away ends", || !stage.service.hears(FRIEND));
    eprintln!("a flow ended {:.1} s after the document was offered", since.elapsed().as_secs_f64());
    assert!(stage.service.hears(CUSTOMER), "nobody else's does");
    assert!(!stage.reaches(FRIEND, PRIVATE, 5432));
    for mut stream in streams {
        let _ = stream.kill();
        let _ = stream.wait();
    }
}
