//! A service that moves with its hosts: who is told what while two places are one service, and who goes when.

use app::{
    backend::{Services, Vpcs},
    domain::{
        AddressRange, NodeId, ServiceId, VpcId,
        change::ChangeKind,
        host::Report,
        service::{
            Node, NodeState, Service, ServiceState,
            member::NodeForm,
            migration::{NewMigration, Phase},
            node::{NodeFirewall, NodeReport},
        },
    },
};
use axum::http::StatusCode;

use crate::{
    common::{self, Stage, on_both_engines, refused},
    desk::{Agent, Desk, eventually, log},
    nodes::{enrolled, orders, placed, ranges, settled, shown, told},
};

on_both_engines! {
    row_31_each_place_has_a_firewall_of_its_own_while_a_service_moves_and_old_hosts_leave_last
    an_old_host_that_is_dead_is_shown_leaving_until_its_credential_is_revoked
    a_node_whose_agent_comes_back_serves_once_it_shows_its_firewall_again
    a_node_without_an_address_that_clients_reach_does_not_serve
    what_one_host_counts_never_stops_what_the_others_count
}

async fn node(stage: &Stage, service: ServiceId, id: NodeId) -> Node {
    shown(stage, service).await.nodes.into_iter().find(|node| node.id == id).expect("it is listed")
}

async fn declare(stage: &Stage, service: ServiceId, node: NodeId, private: &str) {
    let form = NodeForm { enforced: "on".into(), private_address: private.into(), ..NodeForm::default() };
    stage.ingrid.update_node(&stage.harbor, service, node, form).await.expect("a declared address");
}

async fn migrate(stage: &Stage, service: ServiceId, place: &str) {
    let new = NewMigration { target: place.parse().expect("a place"), open: true };
    stage.ingrid.migrate_service(&stage.harbor, service, new).await.expect("a move");
}

/// Fetches until it is told to remove everything, and says that it did.
async fn clean_up(agent: &mut Agent, desk: &Desk) {
    while !agent.document.is_empty() {
        assert_eq!(agent.fetch(desk, 10).await, StatusCode::OK);
    }
    agent.tell(desk, &Report { cleaned: true, ..agent.idle() }).await;
}

/// A service of one node in VPC alpha, with its agent, that moves to public; and the agent of its replacement.
async fn moving(stage: &Stage, desk: &Desk) -> (ServiceId, VpcId, [NodeId; 2], [Agent; 2]) {
    let (service, [first, second]) = orders(stage).await;
    stage.ingrid.remove_node(&stage.harbor, service, second).await.expect("one is enough");
    declare(stage, service, first, "10.20.0.4").await;
    let mut old = enrolled(stage, desk, service, first, "orders-1").await;
    settled(&mut old, desk).await;
    let vpc = shown(stage, service).await.place.vpc.expect("it is in a VPC");
    migrate(stage, service, "local-default").await;
    let id = shown(stage, service).await.nodes.iter().find(|node| node.replaces.is_some()).expect("a replacement").id;
    let mut new = enrolled(stage, desk, service, id, "orders-3").await;
    settled(&mut new, desk).await;
    (service, vpc, [first, id], [old, new])
}

fn phase(service: &Service) -> Option<Phase> {
    let now = server::clock::now();
    service.migration.as_ref().map(|migration| migration.phase(&service.nodes, now))
}

async fn row_31_each_place_has_a_firewall_of_its_own_while_a_service_moves_and_old_hosts_leave_last(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, _, [first, second], [mut old, mut new]) = moving(&stage, &desk).await;
    let everybody: Vec<AddressRange> = vec!["0.0.0.0/0".parse().expect("a range"), "::/0".parse().expect("a range")];
    let members: Vec<AddressRange> = AddressRange::merge(
        shown(&stage, service).await.nodes.iter().flat_map(Node::addresses).map(AddressRange::alone),
    );
    let all = |firewall: &NodeFirewall| ranges(firewall, "members") == members;
    let inside = told(&mut old, &desk, "everybody in both places", all).await;
    let outside = told(&mut new, &desk, "everybody in both places", all).await;
    assert_eq!((inside.private.is_some(), ranges(&inside, "filter").len()), (true, 0), "the VPC keeps everybody out");
    assert_eq!((outside.private.is_some(), ranges(&outside, "filter")), (false, everybody.as_slice()));
    // What the pages say is what the hosts are told.
    let seen = shown(&stage, service).await;
    let told_old = app::domain::service::firewall::node_firewall(
        &seen.firewall(),
        &seen.name,
        seen.vpc.as_ref().map(|vpc| vpc.cidr),
        &seen.nodes[0],
        seen.drift_policy,
        0,
    );
    let there = seen.elsewhere().expect("two places");
    let told_new = app::domain::service::firewall::node_firewall(
        &there.firewall(),
        &seen.name,
        None,
        &seen.nodes[1],
        seen.drift_policy,
        0,
    );
    assert_eq!((told_old.rules, told_new.rules), (inside.rules, outside.rules));

    eventually("it may be switched", async || phase(&shown(&stage, service).await) == Some(Phase::Ready)).await;
    stage.ingrid.switch_service(&stage.harbor, service).await.expect("switched");
    assert_eq!(node(&stage, service, second).await.state, NodeState::Running);
    let drained = node(&stage, service, first).await;
    assert_eq!((drained.state, drained.removed), (NodeState::Leaving, false));
    assert!(!old.document.is_empty());
    stage.ingrid.finish_migration(&stage.harbor, service).await.expect("finished");
    clean_up(&mut old, &desk).await;
    eventually("the service has moved", async || {
        let service = shown(&stage, service).await;
        service.migration.is_none() && service.nodes.len() == 1
    })
    .await;
    assert_eq!(old.fetch(&desk, 0).await, StatusCode::GONE);
    assert!(!new.document.is_empty());
    let steps: Vec<String> = log(&stage, ChangeKind::ServiceMigrate)
        .await
        .into_iter()
        .map(|change| {
            change.after.into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
        })
        .collect();
    assert_eq!(steps.len(), 5, "{steps:?}");
    assert_eq!(
        (steps[0].as_str(), steps[2].as_str()),
        ("place: default, replacements: orders-2", "old hosts: leaving at once")
    );
    assert_eq!((steps[3].as_str(), steps[4].as_str()), ("old hosts: leaving: orders-1", "migration: done"));
}

async fn an_old_host_that_is_dead_is_shown_leaving_until_its_credential_is_revoked(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, vpc, [first, _], _agents) = moving(&stage, &desk).await;
    stage.ingrid.add_node(&stage.harbor, service).await.expect("a second one for the plan");
    let spare = shown(&stage, service).await.nodes.pop().expect("just added").id;
    let listed = NodeForm { public_address: "198.51.100.9".into(), ..NodeForm::default() };
    stage.ingrid.update_node(&stage.harbor, service, spare, listed).await.expect("listed");
    eventually("it may be switched", async || phase(&shown(&stage, service).await) == Some(Phase::Ready)).await;
    stage.ingrid.switch_service(&stage.harbor, service).await.expect("switched");
    stage.ingrid.finish_migration(&stage.harbor, service).await.expect("finished");
    // The old host is dead: nobody asks for its document any more.
    eventually("it was asked to go", async || node(&stage, service, first).await.removed).await;
    let left = shown(&stage, service).await;
    assert_eq!(phase(&left), Some(Phase::Leaving { left: 1 }));
    eventually("it runs where it shall be", async || shown(&stage, service).await.state == ServiceState::Running).await;
    let gone = node(&stage, service, first).await;
    assert_eq!((gone.state, gone.addresses().count()), (NodeState::Leaving, 0), "and is no member any more");
    let sentence = "Node orders-1 was removed: its host still has to take its firewall off.";
    assert_eq!(refused(stage.ingrid.issue_node_enrolment(&stage.harbor, service, first).await.map(drop)), sentence);
    assert_eq!(refused(stage.ingrid.remove_node(&stage.harbor, service, first).await), sentence);
    let held = "Service orders is still leaving the VPC. Try again in a few minutes.";
    assert_eq!(refused(stage.ingrid.delete_vpc(&stage.harbor, vpc).await), held);
    let notes = log(&stage, ChangeKind::ServiceMigrate).await.len();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(log(&stage, ChangeKind::ServiceMigrate).await.len(), notes, "it is asked once");

    stage.ingrid.revoke_node_credential(&stage.harbor, service, first).await.expect("its host is destroyed");
    eventually("the service has moved", async || {
        let service = shown(&stage, service).await;
        service.migration.is_none() && service.nodes.iter().all(|node| node.id != first)
    })
    .await;
    stage.ingrid.delete_vpc(&stage.harbor, vpc).await.expect("nothing holds it any more");
}

async fn a_node_whose_agent_comes_back_serves_once_it_shows_its_firewall_again(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, [first, _]) = orders(&stage).await;
    declare(&stage, service, first, "10.20.0.4").await;
    let mut agent = enrolled(&stage, &desk, service, first, "orders-1").await;
    settled(&mut agent, &desk).await;
    eventually("it serves", async || node(&stage, service, first).await.state == NodeState::Running).await;
    let alone = NodeForm { private_address: "10.20.0.4".into(), ..NodeForm::default() };
    stage.ingrid.update_node(&stage.harbor, service, first, alone).await.expect("no agent");
    clean_up(&mut agent, &desk).await;
    assert_eq!(node(&stage, service, first).await.state, NodeState::Unknown);
    declare(&stage, service, first, "10.20.0.4").await;
    assert_eq!(node(&stage, service, first).await.state, NodeState::SettingUpVm, "nobody guards its ports");
    // A late word of what it did before changes nothing.
    eventually("it is wanted otherwise", async || {
        agent.report(&desk, &Report { cleaned: true, ..agent.idle() }).await.0 == StatusCode::CONFLICT
    })
    .await;
    assert_eq!(node(&stage, service, first).await.state, NodeState::SettingUpVm);
    settled(&mut agent, &desk).await;
    eventually("it serves again", async || node(&stage, service, first).await.state == NodeState::Running).await;
    // It was clean once; now it is not, so a removal waits for it.
    stage.ingrid.remove_node(&stage.harbor, service, first).await.expect("removed");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(node(&stage, service, first).await.removed, "its host still has the firewall");
    clean_up(&mut agent, &desk).await;
    eventually("it is gone", async || shown(&stage, service).await.nodes.iter().all(|node| node.id != first)).await;
}

async fn a_node_without_an_address_that_clients_reach_does_not_serve(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let service = placed(&stage, "wiki", "local-default").await;
    let id = shown(&stage, service).await.nodes[0].id;
    let mut agent = enrolled(&stage, &desk, service, id, "wiki-1").await;
    settled(&mut agent, &desk).await;
    eventually("it serves", async || node(&stage, service, id).await.state == NodeState::Running).await;
    let mut facts = crate::desk::facts(7);
    facts.wan = None;
    agent.tell(&desk, &Report { facts: Some(facts), ..agent.idle() }).await;
    let lost = node(&stage, service, id).await;
    assert_eq!(lost.state, NodeState::SettingUpVm);
    assert!(lost.trouble.is_some_and(|why| why.starts_with("The host reports no public address.")));
    assert_eq!(
        shown(&stage, service).await.sentence(),
        "0 of 2 nodes serve. Enrol the others, or list them without an agent."
    );
}

async fn what_one_host_counts_never_stops_what_the_others_count(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, [first, second]) = orders(&stage).await;
    let mut liar = enrolled(&stage, &desk, service, first, "orders-1").await;
    let mut honest = enrolled(&stage, &desk, service, second, "orders-2").await;
    settled(&mut liar, &desk).await;
    settled(&mut honest, &desk).await;
    let most = server::reconcile::LARGEST_NUMBER;
    let tell = async |agent: &Agent, packets| {
        let counted = NodeReport { counters: Vec::new(), refused: vec![crate::nodes::refused(1, packets)] };
        agent.tell(&desk, &Report { node: Some(counted), ..agent.idle() }).await;
        desk.reconcilers.intake.flush().await
    };
    for packets in [most, 1, most, 1, most, 1, most] {
        tell(&liar, packets).await.expect("written");
    }
    tell(&honest, 5).await.expect("written");
    let mut tx = stage.store.snapshot().await.expect("a snapshot");
    let attempts = tx.refused_attempts(service).await.expect("attempts");
    let of = |node| attempts.iter().find(|attempt| attempt.node == node).map(|attempt| attempt.packets);
    assert_eq!((of(first), of(second)), (Some(i64::MAX as u64), Some(5)));
}
