//! What nodes counted and refused, as a person reads it: summed, bounded, and called by the project's names.

use app::{
    backend::{Services, Traffic},
    domain::{
        NodeId, ServiceId,
        service::{
            form::ServiceForm,
            member::NodeForm,
            migration::NewMigration,
            node::{DROPPED, RefusedAttempt, RuleCounter},
            traffic::{Passed, SAMPLES, Slot, Span},
        },
    },
};
use server::store::hosts::NodeFigures;

use super::{
    services::{in_vpc, list_nodes, service, shown},
    *,
};

on_both_engines! {
    row_64_whom_nodes_refused_is_told_by_name_with_the_reason_the_latest_first
    while_a_service_moves_whom_a_node_refused_is_explained_by_the_firewall_of_its_place
    row_64_traffic_is_summed_over_nodes_and_no_more_than_a_day_and_a_month_is_kept
    traffic_is_read_by_whoever_may_look_and_by_no_stranger
}

async fn orders(stage: &Stage, vpc: VpcId) -> (ServiceId, Vec<NodeId>) {
    let form = ServiceForm {
        name: "orders".to_owned(),
        kind: "pg".to_owned(),
        plan: "business".to_owned(),
        place: format!("local-default/{vpc}"),
        ..ServiceForm::default()
    };
    let id = stage.ingrid.create_service(&stage.harbor, form.parse().expect("a good form")).await.expect("a service");
    let nodes = stage.ingrid.service(&stage.harbor, id).await.expect("a service").nodes;
    (id, nodes.into_iter().map(|node| node.id).collect())
}

async fn write(stage: &Stage, node: NodeId, figures: &NodeFigures, refused: &[(&str, u64)], at: Timestamp) {
    let attempt = |(from, packets): &(&str, u64)| RefusedAttempt { from: name(from), port: 5432, packets: *packets };
    let refused: Vec<RefusedAttempt> = refused.iter().map(attempt).collect();
    let mut tx = stage.store.begin(at).await.expect("a transaction");
    tx.write_node_figures(node, figures, &refused).await.expect("written");
    tx.commit(()).await.expect("a commit");
}

fn counter(rule: &str, packets: u64, bytes: u64) -> RuleCounter {
    RuleCounter { rule: rule.to_owned(), packets, bytes }
}

async fn row_64_whom_nodes_refused_is_told_by_name_with_the_reason_the_latest_first(stage: Stage) {
    let gateway = stage.active_gateway("alpha", "10.20.0.0/16", "10.200.1.0/24").await;
    stage.vpc("beta", "10.21.0.0/16").await;
    let laptop = NewRoadWarrior { name: name("laptop-mira"), public_key: key_of("mira") };
    let peer = stage.ingrid.create_road_warrior(&stage.harbor, gateway, laptop).await.expect("a road warrior");
    let address = stage.ingrid.peer(&stage.harbor, peer).await.expect("a peer").tunnel_address.to_string();
    let vpc = stage.ingrid.gateway(&stage.harbor, gateway).await.expect("a gateway").vpc;
    let (service, nodes) = orders(&stage, vpc).await;
    let listed = NodeForm { private_address: "10.20.0.9".into(), ..NodeForm::default() };
    stage.ingrid.update_node(&stage.harbor, service, nodes[1], listed).await.expect("listed");

    let now = clock::now();
    let none = NodeFigures::default();
    write(&stage, nodes[0], &none, &[("198.51.100.7", 3)], now.plus_seconds(-60)).await;
    write(&stage, nodes[0], &none, &[("10.21.0.4", 2)], now.plus_seconds(-50)).await;
    write(&stage, nodes[1], &none, &[(&address, 1)], now.plus_seconds(-40)).await;
    write(&stage, nodes[0], &none, &[("10.20.0.9", 1)], now.plus_seconds(-30)).await;
    write(&stage, nodes[0], &none, &[("10.99.0.1", 1)], now.plus_seconds(-20)).await;

    let shown = stage.ingrid.refused_attempts(&stage.harbor, service).await.expect("a list");
    let lines: Vec<[String; 3]> = shown
        .iter()
        .map(|attempt| [attempt.from.to_string(), attempt.origin.to_string(), attempt.cause.to_string()])
        .collect();
    let road_warriors = "Let in at private addresses only: Road warriors of the VPN gateway";
    let expected = [
        ["10.99.0.1", "a private address of no network here", "Default deny: no rule lets it in"],
        ["10.20.0.9", "node orders-2 of orders", "Let in by now: Other nodes of this service"],
        [address.as_str(), "road warrior laptop-mira", road_warriors],
        ["10.21.0.4", "VPC beta", "Default deny: no rule lets it in"],
        ["198.51.100.7", "the internet", "Default deny: no rule lets it in"],
    ];
    assert_eq!(lines, expected.map(|line| line.map(str::to_owned)));
    assert_eq!(shown[2].node_name.as_str(), "orders-2");
    assert_eq!(shown[4].component.as_ref().map(|component| component.as_str()), Some("pg"));
    assert_eq!((shown[4].packets, shown[4].last_at), (3, now.plus_seconds(-60)));
}

/// A moment with half a minute left of its slot: what is written now is read within the same.
async fn early_in_a_slot() -> Timestamp {
    let left = |now: Timestamp| Span::Day.slot_seconds() - now.seconds().rem_euclid(Span::Day.slot_seconds());
    while left(clock::now()) < 30 {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    clock::now()
}

async fn while_a_service_moves_whom_a_node_refused_is_explained_by_the_firewall_of_its_place(stage: Stage) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    let orders = service(&stage, "orders", "local-default").await;
    list_nodes(&stage, orders).await;
    let new = NewMigration { target: in_vpc(vpc).parse().expect("a place"), open: false };
    stage.ingrid.migrate_service(&stage.harbor, orders, new).await.expect("a move");
    let nodes = shown(&stage, orders).await.nodes;
    let (old, replacement) = (nodes[0].id, nodes[2].id);
    let now = clock::now();
    let figures = NodeFigures::default();
    write(&stage, old, &figures, &[("198.51.100.7", 1)], now.plus_seconds(-60)).await;
    write(&stage, replacement, &figures, &[("198.51.100.7", 1)], now.plus_seconds(-50)).await;

    let lines = async || -> Vec<(NodeId, String)> {
        let shown = stage.ingrid.refused_attempts(&stage.harbor, orders).await.expect("a list");
        shown.into_iter().map(|attempt| (attempt.node, attempt.cause.to_string())).collect()
    };
    let expected =
        [(replacement, "Default deny: no rule lets it in".to_owned()), (old, "Let in by now: IP filter".to_owned())];
    assert_eq!(lines().await, expected);
    for node in &nodes[2..] {
        let address = if node.id == replacement { "10.20.0.40" } else { "10.20.0.41" };
        let listed = NodeForm { private_address: address.into(), ..NodeForm::default() };
        stage.ingrid.update_node(&stage.harbor, orders, node.id, listed).await.expect("listed");
    }
    stage.ingrid.switch_service(&stage.harbor, orders).await.expect("switched");
    assert_eq!(lines().await, expected, "the switch moves names, no firewall");
}

async fn row_64_traffic_is_summed_over_nodes_and_no_more_than_a_day_and_a_month_is_kept(stage: Stage) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    let (service, nodes) = orders(&stage, vpc).await;
    let now = early_in_a_slot().await;
    // A packet every five minutes, for 25 hours.
    let mut figures = NodeFigures::default();
    for step in 0..=300_u32 {
        let at = now.plus_seconds(300 * (i64::from(step) - 300));
        figures.count(&[counter("members", u64::from(step + 1), 100 * u64::from(step + 1))], at);
        write(&stage, nodes[0], &figures, &[], at).await;
        figures.closed.clear();
    }
    let mut other = NodeFigures::default();
    other.count(&[counter("members", 5, 50), counter(DROPPED, 2, 80)], now);
    write(&stage, nodes[1], &other, &[], now).await;

    let kept = async |span| {
        let mut tx = stage.store.snapshot().await.expect("a snapshot");
        let slots: Vec<(NodeId, Slot)> = tx.node_traffic(service, span, i64::MIN).await.expect("slots");
        slots.into_iter().filter(|(node, _)| *node == nodes[0]).count()
    };
    assert_eq!(kept(Span::Day).await, 288);
    assert!((25..=26).contains(&kept(Span::Month).await));

    let lines = stage.ingrid.node_traffic(&stage.harbor, service).await.expect("a line per node");
    let line = |node| lines.iter().find(|line| line.node == node).expect("it has told");
    let passed = |rule: &str, packets, bytes| Passed { rule: rule.to_owned(), packets, bytes };
    assert_eq!(line(nodes[0]).totals, [passed("members", 301, 30_100)]);
    assert_eq!(line(nodes[1]).samples.last(), Some(&(5, 2)));
    assert_eq!((line(nodes[0]).samples.len(), line(nodes[0]).samples[3]), (SAMPLES, (1, 0)));

    let read = async |node, span| {
        stage.ingrid.service_traffic(&stage.harbor, service, node, span).await.expect("slots").iter().fold(
            (0, 0),
            |(members, dropped), slot| {
                let of =
                    |rule: &str| slot.passed.iter().filter(|one| one.rule == rule).map(|one| one.packets).sum::<u64>();
                (members + of("members"), dropped + of(DROPPED))
            },
        )
    };
    assert_eq!(read(None, Span::Day).await, (293, 2), "288 slots of one, and one of the other");
    assert_eq!(read(None, Span::Month).await, (306, 2));
    assert_eq!(read(Some(nodes[1]), Span::Month).await, (5, 2));

    // What is gone takes its slots along.
    stage.ingrid.remove_node(&stage.harbor, service, nodes[1]).await.expect("a removed node");
    assert_eq!(read(None, Span::Month).await, (301, 0));
}

async fn traffic_is_read_by_whoever_may_look_and_by_no_stranger(stage: Stage) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    let (service, _) = orders(&stage, vpc).await;
    let reader = stage.colleague("read_only").await;
    assert_eq!(reader.refused_attempts(&stage.harbor, service).await, Ok(Vec::new()));
    assert_eq!(reader.node_traffic(&stage.harbor, service).await, Ok(Vec::new()));
    assert_eq!(stage.olaf.refused_attempts(&stage.harbor, service).await, Err(ApiError::NotFound));
    assert_eq!(stage.olaf.service_traffic(&stage.harbor, service, None, Span::Day).await, Err(ApiError::NotFound));
    // A service of another project, asked for in one's own.
    assert_eq!(stage.olaf.node_traffic(&stage.tundra, service).await, Err(ApiError::NotFound));
    assert_eq!(stage.olaf.refused_attempts(&stage.tundra, service).await, Err(ApiError::NotFound));
}
