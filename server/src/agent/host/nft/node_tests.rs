use app::domain::{AddressRange, NodeId, gateway::DriftPolicy};

use super::*;
use crate::agent::host::nft::{listing, script};

fn rule(name: &str, to: Destination, ports: &[u16], from: &[&str]) -> NodeRule {
    let from: Vec<AddressRange> = from.iter().map(|range| range.parse().expect("a range")).collect();
    NodeRule { name: name.to_owned(), to, ports: ports.iter().copied().collect(), from }
}

fn orders() -> NodeFirewall {
    NodeFirewall {
        id: "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10".parse::<NodeId>().expect("an id"),
        service: "orders".parse().expect("a name"),
        private: Some("10.0.0.0/16".parse().expect("a range")),
        guarded: [5432, 9187].into(),
        rules: vec![
            rule("members", Destination::Any, &[5432, 9187], &["10.0.0.11/32"]),
            rule("filter", Destination::Public, &[5432], &["198.51.100.0/24", "2001:db8::/32"]),
            rule("connections", Destination::Private, &[5432, 9187], &["10.1.0.0/16", "2001:db8:1::/48"]),
            rule("sites", Destination::Private, &[5432], &[]),
        ],
        drift_policy: DriftPolicy::Repair,
        repairs: 0,
        needs: 0,
        unknown: Default::default(),
    }
}

#[test]
fn a_node_in_a_vpc_with_public_access() {
    insta::assert_snapshot!(script(&ruleset(&orders())));
}

#[test]
fn a_node_in_public_judges_by_its_filter_alone() {
    let mut node = orders();
    node.private = None;
    node.rules = vec![rule("filter", Destination::Public, &[5432], &["0.0.0.0/0", "::/0"])];
    let firewall = ruleset(&node);
    let rules: Vec<&String> =
        firewall.chains["prerouting"].rules.iter().filter(|rule| rule.contains("admits-")).collect();
    assert_eq!(
        rules,
        [
            r#"ip saddr @from-filter-4 tcp dport 5432 counter name "admits-filter" accept"#,
            r#"ip6 saddr @from-filter-6 tcp dport 5432 counter name "admits-filter" accept"#
        ]
    );
}

#[test]
fn what_is_for_a_private_address_is_never_asked_of_a_node_that_has_none() {
    let mut node = orders();
    node.private = None;
    assert!(!ruleset(&node).sets.contains_key("from-connections-4"));
}

#[test]
fn nothing_passes_before_the_rules_but_what_is_not_the_services() {
    let rules = &ruleset(&orders()).chains["prerouting"].rules;
    assert!(rules.iter().all(|rule| !rule.contains("established")), "access that is taken away ends at once");
    let first = rules.iter().position(|rule| rule.contains("admits-")).expect("a rule");
    insta::assert_snapshot!(rules[..first].join("\n"), @r#"
    iifname "lo" accept
    fib daddr type != local accept
    meta l4proto != tcp accept
    tcp dport != @guarded accept
    ip saddr . tcp sport . tcp dport @opened-4 ct direction reply accept
    ip6 saddr . tcp sport . tcp dport @opened-6 ct direction reply accept
    "#);
    assert_eq!(rules.last().map(String::as_str), Some(r#"counter name "dropped" drop"#));
}

#[test]
fn what_was_counted_and_refused_is_read_from_the_listing_and_is_no_part_of_the_form() {
    let element = |from: &str, packets: u64| {
        serde_json::json!({ "elem": { "val": { "concat": [from, 5432] }, "timeout": 600, "expires": 7,
            "counter": { "packets": packets, "bytes": 60 * packets } } })
    };
    let set = |elements: Vec<serde_json::Value>| {
        serde_json::json!({ "set": { "name": "refused-4", "type": ["ipv4_addr", "inet_service"], "size": 256,
            "flags": ["timeout"], "timeout": 600, "elem": elements } })
    };
    let counter = |name: &str, packets: u64| serde_json::json!({ "counter": { "name": name, "packets": packets, "bytes": 60 * packets } });
    let listing = serde_json::json!({ "nftables": [
        counter("dropped", 3), counter("admits-members", 9), counter("somebody-elses", 1),
        set(vec![element("198.51.100.7", 2), element("192.0.2.9", 1)]),
    ]});
    let report = listing::seen(&listing);
    let counters: Vec<_> = report.counters.iter().map(|one| (one.rule.as_str(), one.packets, one.bytes)).collect();
    assert_eq!(counters, [("dropped", 3, 180), ("members", 9, 540)]);
    let refused: Vec<_> =
        report.refused.iter().map(|attempt| (attempt.from.to_string(), attempt.port, attempt.packets)).collect();
    assert_eq!(refused, [("192.0.2.9".to_owned(), 5432, 1), ("198.51.100.7".to_owned(), 5432, 2)]);
    let quiet = serde_json::json!({ "nftables": [
        counter("dropped", 0), counter("admits-members", 0), counter("somebody-elses", 0), set(vec![]) ]});
    assert_eq!(listing::canonical(&listing), listing::canonical(&quiet));
    assert_eq!(listing::canonical(&listing).sets["refused-4"], ruleset(&orders()).sets["refused-4"]);
}
