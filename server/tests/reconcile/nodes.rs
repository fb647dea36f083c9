//! Hosts of services' nodes: enrolled, told who may reach them, heard, and let go, by the same code as gateways' hosts.

use std::time::{Duration, Instant};

use app::{
    backend::{Gateways, Peers, Services},
    domain::{
        AddressRange, NodeId, ServiceId,
        change::ChangeKind,
        host::{Enrolled, HostId, Report},
        service::{
            IpFilter, Service,
            form::{AccessForm, ServiceForm},
            ip_filter::IpFilterEntry,
            member::NodeForm,
            node::{DROPPED, NodeFirewall, NodeReport, RefusedAttempt, RuleCounter},
        },
    },
};
use axum::http::StatusCode;
use server::store::hosts::ATTEMPTS;

use crate::{
    common::{self, Stage, key_of, on_both_engines},
    desk::{Agent, Desk, enrol, eventually, log, post},
};

on_both_engines! {
    a_node_enrols_is_told_its_firewall_and_hears_of_every_edit
    an_edit_of_a_peering_reaches_every_node_and_touches_nobody_whose_firewall_stays
    a_removed_node_cleans_up_and_its_agent_is_told_that_it_is_gone
    a_deleted_service_goes_when_its_hosts_have_cleaned_up
    a_node_that_shall_have_no_agent_takes_its_firewall_off_and_stays
    a_credential_of_a_node_is_rotated_and_revoked_as_a_gateways_is
    what_nodes_count_and_refuse_is_summed_and_bounded
    a_host_tells_of_what_it_is_for_and_of_nothing_else
    a_gateways_host_keeps_its_rows_when_a_node_is_removed
}

/// A service in VPC alpha, with two nodes.
pub async fn orders(stage: &Stage) -> (ServiceId, [NodeId; 2]) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    let service = placed(stage, "orders", &format!("local-default/{vpc}")).await;
    let nodes: Vec<NodeId> = shown(stage, service).await.nodes.iter().map(|node| node.id).collect();
    (service, nodes.try_into().expect("the plan has two"))
}

pub async fn placed(stage: &Stage, called: &str, place: &str) -> ServiceId {
    let form = ServiceForm {
        name: called.to_owned(),
        kind: "pg".to_owned(),
        plan: "business".to_owned(),
        place: place.to_owned(),
        ..ServiceForm::default()
    };
    let new = form.parse().expect("a good form");
    stage.ingrid.create_service(&stage.harbor, new).await.expect("a new service")
}

pub async fn shown(stage: &Stage, service: ServiceId) -> Service {
    stage.ingrid.service(&stage.harbor, service).await.expect("a service")
}

pub async fn enrolled(stage: &Stage, desk: &Desk, service: ServiceId, node: NodeId, called: &str) -> Agent {
    let token = stage.ingrid.issue_node_enrolment(&stage.harbor, service, node).await.expect("a token").token;
    let (status, answer) = enrol(desk, &token, key_of(called)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let Enrolled { host, credential } = serde_json::from_value(answer).expect("a credential");
    assert_eq!(host, HostId::Node(node));
    Agent::of(host, credential)
}

/// Fetches until the firewall is such a one, and reports it.
pub async fn told(agent: &mut Agent, desk: &Desk, what: &str, is: impl Fn(&NodeFirewall) -> bool) -> NodeFirewall {
    let began = Instant::now();
    while !agent.document.node.as_ref().is_some_and(&is) {
        assert!(began.elapsed() < Duration::from_secs(15), "{what}: {:?}", agent.document.node);
        agent.fetch(desk, 2).await;
    }
    agent.tell(desk, &agent.idle()).await;
    agent.document.node.clone().expect("just seen")
}

/// The document after its enrolment: that the host is there, and where from it sends, is in it.
pub async fn settled(agent: &mut Agent, desk: &Desk) -> NodeFirewall {
    told(agent, desk, "its own address", |firewall| !ranges(firewall, "members").is_empty()).await
}

pub fn ranges<'a>(firewall: &'a NodeFirewall, rule: &str) -> &'a [AddressRange] {
    firewall.rules.iter().find(|known| known.name == rule).map_or(&[], |rule| &rule.from)
}

fn range(text: &str) -> AddressRange {
    text.parse().expect("a range")
}

async fn a_node_enrols_is_told_its_firewall_and_hears_of_every_edit(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, [first, second]) = orders(&stage).await;
    let mut agent = enrolled(&stage, &desk, service, first, "orders-1").await;
    let firewall = settled(&mut agent, &desk).await;
    assert_eq!((firewall.id, firewall.service.as_str()), (first, "orders"));
    assert_eq!(firewall.private.map(|range| range.to_string()).as_deref(), Some("10.20.0.0/16"));
    assert!(firewall.guarded.contains(&shown(&stage, service).await.components[0].port));
    assert_eq!(agent.held.as_ref().map(|version| version.generation > 0), Some(true));
    let seen = stage.store.host(first).await.expect("the store answers").expect("a host");
    assert_eq!((seen.service, seen.name.as_str()), (Some(service), "orders/orders-1"));
    assert!(seen.row.enrolled && seen.row.verified == seen.row.wanted);

    // The other node's address, as a person declares it.
    let form = NodeForm { enforced: "on".into(), private_address: "10.20.0.9".into(), ..NodeForm::default() };
    stage.ingrid.update_node(&stage.harbor, service, second, form).await.expect("a changed node");
    told(&mut agent, &desk, "the other member", |firewall| ranges(firewall, "members").contains(&range("10.20.0.9")))
        .await;

    let before = agent.held.clone();
    let public = shown(&stage, service).await;
    let access = AccessForm { public: vec![public.components[0].name.to_string()], ..AccessForm::default() };
    stage.ingrid.set_service_access(&stage.harbor, service, access).await.expect("public access");
    let entry = IpFilterEntry { network: range("198.51.100.0/24"), description: String::new() };
    let filter = IpFilter::new(vec![entry], shown(&stage, service).await.filter.version).expect("a filter");
    stage.ingrid.set_ip_filter(&stage.harbor, service, filter, false).await.expect("a saved filter");
    told(&mut agent, &desk, "the filter", |firewall| ranges(firewall, "filter") == [range("198.51.100.0/24")]).await;
    assert_ne!(agent.held, before);
    assert_eq!(log(&stage, ChangeKind::ServiceNodeEnrol).await.len(), 1);
}

async fn an_edit_of_a_peering_reaches_every_node_and_touches_nobody_whose_firewall_stays(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (alpha, ..) = stage.joined().await;
    let vpc = stage.ingrid.gateway(&stage.harbor, alpha).await.expect("a gateway").vpc;
    let [inside, outside] = [
        placed(&stage, "orders", &format!("local-default/{vpc}")).await,
        placed(&stage, "wiki", "local-default").await,
    ];
    let node = async |service| shown(&stage, service).await.nodes[0].id;
    let mut near = enrolled(&stage, &desk, inside, node(inside).await, "orders-1").await;
    let mut far = enrolled(&stage, &desk, outside, node(outside).await, "wiki-1").await;
    let joined = |firewall: &NodeFirewall| ranges(firewall, "vpc-peerings").contains(&range("10.0.0.0/16"));
    settled(&mut near, &desk).await;
    told(&mut near, &desk, "the peered VPC", joined).await;
    assert_eq!(settled(&mut far, &desk).await.private, None, "it is in public");
    let before = far.held.clone();
    let row = stage.ingrid.peers(&stage.harbor, alpha).await.expect("peers")[0].id;
    stage.ingrid.delete_peer(&stage.harbor, row).await.expect("a parted pair");
    told(&mut near, &desk, "it is no longer peered", |firewall| !joined(firewall)).await;
    assert_eq!(far.fetch(&desk, 1).await, StatusCode::NO_CONTENT, "nothing of it has changed");
    assert_eq!(far.held, before);
}

async fn a_removed_node_cleans_up_and_its_agent_is_told_that_it_is_gone(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, [node, _]) = orders(&stage).await;
    let mut agent = enrolled(&stage, &desk, service, node, "orders-1").await;
    settled(&mut agent, &desk).await;
    let early = Report { cleaned: true, ..agent.idle() };
    assert_eq!(agent.report(&desk, &early).await.0, StatusCode::CONFLICT, "nobody asked it to remove anything");
    let (status, removed) = tokio::join!(agent.fetch(&desk, 10), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stage.ingrid.remove_node(&stage.harbor, service, node).await
    });
    removed.expect("a removed node");
    assert_eq!(status, StatusCode::OK);
    assert!(agent.document.is_empty());
    agent.tell(&desk, &Report { cleaned: true, ..agent.idle() }).await;
    eventually("the node is gone", async || stage.store.host(node).await.expect("the store answers").is_none()).await;
    assert_eq!(agent.fetch(&desk, 0).await, StatusCode::GONE);
    assert_eq!(agent.report(&desk, &agent.idle()).await.0, StatusCode::GONE);
    let last = log(&stage, ChangeKind::ServiceNodeStateChange).await.pop().expect("a note");
    assert_eq!((last.actor.as_str(), last.after["status"].as_str()), ("Automation", "Deleted"));
}

async fn a_deleted_service_goes_when_its_hosts_have_cleaned_up(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, [node, _]) = orders(&stage).await;
    let mut agent = enrolled(&stage, &desk, service, node, "orders-1").await;
    settled(&mut agent, &desk).await;
    stage.ingrid.delete_service(&stage.harbor, service).await.expect("a deleted service");
    while !agent.document.is_empty() {
        assert_eq!(agent.fetch(&desk, 10).await, StatusCode::OK);
    }
    assert!(stage.ingrid.service(&stage.harbor, service).await.is_ok_and(|service| service.deleting));
    agent.tell(&desk, &Report { cleaned: true, ..agent.idle() }).await;
    eventually("the service is gone", async || stage.ingrid.service(&stage.harbor, service).await.is_err()).await;
    assert_eq!(agent.fetch(&desk, 0).await, StatusCode::GONE);
}

async fn a_node_that_shall_have_no_agent_takes_its_firewall_off_and_stays(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, [node, _]) = orders(&stage).await;
    let mut agent = enrolled(&stage, &desk, service, node, "orders-1").await;
    settled(&mut agent, &desk).await;
    let form = NodeForm { private_address: "10.20.0.4".into(), ..NodeForm::default() };
    stage.ingrid.update_node(&stage.harbor, service, node, form).await.expect("a changed node");
    while !agent.document.is_empty() {
        assert_eq!(agent.fetch(&desk, 10).await, StatusCode::OK);
    }
    agent.tell(&desk, &Report { cleaned: true, ..agent.idle() }).await;
    assert!(shown(&stage, service).await.nodes.iter().any(|known| known.id == node), "it is listed");
}

async fn a_credential_of_a_node_is_rotated_and_revoked_as_a_gateways_is(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, [node, _]) = orders(&stage).await;
    let mut old = enrolled(&stage, &desk, service, node, "orders-1").await;
    settled(&mut old, &desk).await;
    let (status, answer) = post(&desk.router, "/agent/v1/credential", Some(&old.credential), "").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["node"], serde_json::json!(node));
    let enrolled: Enrolled = serde_json::from_value(answer).expect("a credential");
    let mut new = Agent { credential: enrolled.credential, ..old.clone() };
    assert_eq!(new.fetch(&desk, 0).await, StatusCode::NO_CONTENT);
    assert_eq!(old.fetch(&desk, 0).await, StatusCode::UNAUTHORIZED);
    let waiting = tokio::time::timeout(Duration::from_secs(10), new.fetch(&desk, 50));
    let (status, revoked) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stage.ingrid.revoke_node_credential(&stage.harbor, service, node).await
    });
    revoked.expect("a revoked credential");
    assert_eq!(status.expect("it does not wait on"), StatusCode::UNAUTHORIZED);
}

fn counted(rule: &str, packets: u64, bytes: u64) -> RuleCounter {
    RuleCounter { rule: rule.to_owned(), packets, bytes }
}

pub fn refused(number: u32, packets: u64) -> RefusedAttempt {
    let from = std::net::Ipv4Addr::from(0xc633_6400 + number).into();
    RefusedAttempt { from, port: 5432, packets }
}

async fn what_nodes_count_and_refuse_is_summed_and_bounded(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, [node, _]) = orders(&stage).await;
    let mut agent = enrolled(&stage, &desk, service, node, "orders-1").await;
    settled(&mut agent, &desk).await;
    let tell = async |counters: Vec<RuleCounter>, attempts: Vec<RefusedAttempt>| {
        let report = Report { node: Some(NodeReport { counters, refused: attempts }), ..agent.idle() };
        agent.tell(&desk, &report).await;
    };
    tell(
        vec![counted("members", 10, 600), counted("nobody-knows", 5, 5), counted(DROPPED, 2, 80)],
        vec![refused(1, 2)],
    )
    .await;
    // The table was loaded anew, and the source came again.
    tell(vec![counted("members", 3, 100), counted(DROPPED, 1, 40)], vec![refused(1, 1)]).await;
    let figures = async || {
        let mut tx = stage.store.snapshot().await.expect("a snapshot");
        let figures = tx.figures_of_node(node, server::clock::now()).await.expect("figures");
        let attempts = tx.refused_attempts(service).await.expect("attempts");
        (figures, attempts)
    };
    eventually("the figures are written", async || figures().await.0.counters.iter().any(|known| known.packets == 13))
        .await;
    let (seen, attempts) = figures().await;
    let totals: Vec<_> = seen.counters.iter().map(|known| (known.rule.as_str(), known.packets, known.bytes)).collect();
    assert_eq!(totals, [("members", 13, 700), (DROPPED, 3, 120)], "and no rule that it was never given");
    assert_eq!(attempts.iter().map(|attempt| (attempt.node, attempt.packets)).collect::<Vec<_>>(), [(node, 3)]);
    // A console that is started anew goes on where the former was: what it is told again has not passed again.
    let restarted = Desk::open(&stage).await;
    let again = NodeReport { counters: vec![counted("members", 4, 150), counted(DROPPED, 1, 40)], refused: Vec::new() };
    eventually("the new console knows the rules", async || {
        agent.tell(&restarted, &Report { node: Some(again.clone()), ..agent.idle() }).await;
        restarted.reconcilers.intake.flush().await.expect("written");
        figures().await.0.counters.iter().any(|known| known.packets > 13)
    })
    .await;
    let (seen, _) = figures().await;
    let totals: Vec<_> = seen.counters.iter().map(|known| (known.rule.as_str(), known.packets, known.bytes)).collect();
    assert_eq!(totals, [("members", 14, 750), (DROPPED, 3, 120)]);
    let hour: u64 = seen.open.iter().flat_map(|slot| &slot.passed).map(|passed| passed.packets).max().unwrap_or(0);
    assert!((1..=14).contains(&hour), "a slot holds no more than has passed: {seen:?}");
    drop(restarted);

    for round in 0..4 {
        tell(vec![], (0..200).map(|number| refused(round * 200 + number, 1)).collect()).await;
        desk.reconcilers.intake.flush().await.expect("written");
    }
    let (_, attempts) = figures().await;
    assert_eq!(attempts.len(), ATTEMPTS);
    let has = |number| attempts.iter().any(|attempt| attempt.source == refused(number, 1).from);
    assert!(has(799) && !has(1), "the latest stay");
}

async fn a_host_tells_of_what_it_is_for_and_of_nothing_else(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, [node, _]) = orders(&stage).await;
    let mut agent = enrolled(&stage, &desk, service, node, "orders-1").await;
    settled(&mut agent, &desk).await;
    let gateway = stage.gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    let mut other = Agent::enrol(&stage, &desk, gateway, key_of("beta")).await;
    other.fetch(&desk, 10).await;
    let report = |refused: Vec<RefusedAttempt>, name: &str| NodeReport { counters: vec![counted(name, 1, 1)], refused };
    let peer = crate::desk::figures(key_of("laptop"), None, 1, 1);
    for (who, wrong) in [
        (&other, Report { node: Some(report(vec![], DROPPED)), ..other.idle() }),
        (&agent, Report { peers: vec![peer], ..agent.idle() }),
        (&agent, Report { node: Some(report(vec![], &"x".repeat(101))), ..agent.idle() }),
        (&agent, Report { node: Some(report((0..257).map(|one| refused(one, 1)).collect(), DROPPED)), ..agent.idle() }),
        (&agent, Report { node: Some(report(vec![refused(1, u64::MAX)], DROPPED)), ..agent.idle() }),
    ] {
        assert_eq!(who.report(&desk, &wrong).await.0, StatusCode::BAD_REQUEST, "{wrong:?}");
    }
    agent.tell(&desk, &Report { node: Some(report(vec![], DROPPED)), ..agent.idle() }).await;
}

async fn a_gateways_host_keeps_its_rows_when_a_node_is_removed(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (service, [node, _]) = orders(&stage).await;
    let gateway = stage.gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    let mut other = Agent::enrol(&stage, &desk, gateway, key_of("beta")).await;
    other.catch_up(&stage, &desk).await;
    let mut agent = enrolled(&stage, &desk, service, node, "orders-1").await;
    settled(&mut agent, &desk).await;
    stage.ingrid.remove_node(&stage.harbor, service, node).await.expect("a removed node");
    stage.ingrid.revoke_node_credential(&stage.harbor, service, node).await.expect("its host is destroyed");
    eventually("the node is gone", async || stage.store.host(node).await.expect("the store answers").is_none()).await;
    assert!(stage.store.host(gateway).await.expect("the store answers").is_some_and(|host| host.row.enrolled));
    assert_eq!(other.fetch(&desk, 0).await, StatusCode::NO_CONTENT);
    stage.ingrid.delete_gateway(&stage.harbor, gateway).await.expect("a deleted gateway");
    stage.ingrid.revoke_credential(&stage.harbor, gateway).await.expect("its host is destroyed");
    eventually("the gateway is gone", async || stage.store.host(gateway).await.expect("the store answers").is_none())
        .await;
    assert!(
        !stage.every_text().await.contains(&server::store::hosts::digest(&other.credential)),
        "nothing is left of it"
    );
}
