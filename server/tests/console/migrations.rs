//! A service moves: asked for, called off, switched, finished, and what a person is told who asks for a step out of turn.

use app::{
    backend::Services,
    domain::{
        NodeId, ServiceId,
        service::{
            NodeState, Place, Service, ServiceState,
            member::NodeForm,
            migration::{NewMigration, Phase, UNCONFIRMED},
        },
    },
};

use super::{
    services::{in_vpc, list_nodes, service, shown},
    *,
};

on_both_engines! {
    row_31_a_service_moves_from_public_to_a_vpc_and_its_names_lead_to_other_addresses
    row_31_a_service_moves_from_vpc_to_vpc_and_both_stay_while_it_does
    a_move_is_called_off_before_the_switch_and_nothing_is_left_of_it
    a_move_to_public_with_an_open_filter_is_confirmed_and_the_filter_counts_at_once
    a_node_that_is_added_while_a_service_moves_belongs_to_the_target
    what_is_asked_out_of_turn_is_refused_with_the_reason
    two_projects_never_share_a_host_name
}

fn to(place: &str) -> NewMigration {
    NewMigration { target: place.parse().expect("a place"), open: false }
}

async fn migrate(stage: &Stage, id: ServiceId, place: &str) {
    stage.ingrid.migrate_service(&stage.harbor, id, to(place)).await.expect("a move");
}

fn phase(service: &Service) -> Phase {
    service.migration.as_ref().expect("it moves").phase(&service.nodes, clock::now())
}

/// Lists the replacement hosts without an agent, from `first` on in a range.
async fn list_replacements(stage: &Stage, id: ServiceId, range: &str, first: u8) {
    let nodes = shown(stage, id).await.nodes;
    for (number, node) in (first..).zip(nodes.iter().filter(|node| node.replaces.is_some())) {
        let form = NodeForm {
            private_address: format!("{range}.{number}"),
            public_address: format!("198.51.100.{number}"),
            ..NodeForm::default()
        };
        stage.ingrid.update_node(&stage.harbor, id, node.id, form).await.expect("listed");
    }
}

/// The addresses behind the plain name.
fn led_to(service: &Service, stage: &Stage) -> Vec<String> {
    let accesses = service.accesses(&stage.harbor);
    accesses[0].addresses.iter().map(ToString::to_string).collect()
}

fn host_names(service: &Service, stage: &Stage) -> BTreeSet<String> {
    service.accesses(&stage.harbor).into_iter().map(|access| access.host).collect()
}

async fn notes(stage: &Stage) -> Vec<(Facts, Facts)> {
    let filter = ChangeFilter { kind: Some(ChangeKind::ServiceMigrate), limit: 200, ..ChangeFilter::default() };
    let mut log = stage.ingrid.changes(&stage.harbor, filter).await.expect("a log");
    log.reverse();
    log.into_iter().map(|change| (change.before, change.after)).collect()
}

async fn row_31_a_service_moves_from_public_to_a_vpc_and_its_names_lead_to_other_addresses(stage: Stage) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    let orders = service(&stage, "orders", "local-default").await;
    list_nodes(&stage, orders).await;
    let before = shown(&stage, orders).await;
    assert_eq!(led_to(&before, &stage), ["203.0.113.4", "203.0.113.5"]);

    migrate(&stage, orders, &in_vpc(vpc)).await;
    let asked = shown(&stage, orders).await;
    let target: Place = in_vpc(vpc).parse().expect("a place");
    let pairs: Vec<(&str, bool, Option<NodeId>)> =
        asked.nodes.iter().map(|node| (node.name.as_str(), node.place == target, node.replaces)).collect();
    let old = [asked.nodes[0].id, asked.nodes[1].id];
    let expected = [
        ("orders-1", false, None),
        ("orders-2", false, None),
        ("orders-3", true, Some(old[0])),
        ("orders-4", true, Some(old[1])),
    ];
    assert_eq!(pairs, expected, "a replacement per host");
    assert_eq!((asked.state, phase(&asked)), (ServiceState::Rebuilding, Phase::Enrolling { ready: 0, wanted: 2 }));
    assert_eq!(led_to(&asked, &stage), led_to(&before, &stage), "names stay where they are");

    list_replacements(&stage, orders, "10.20.0", 40).await;
    let ready = shown(&stage, orders).await;
    assert_eq!(phase(&ready), Phase::Ready);
    assert!(ready.nodes[2..].iter().all(|node| node.state == NodeState::SyncingData));
    assert_eq!(led_to(&ready, &stage), led_to(&before, &stage));
    let ahead = ready.switched().expect("it can be seen before");
    assert_eq!(led_to(&ahead, &stage), ["10.20.0.40", "10.20.0.41"]);
    let private =
        |service: &Service| service.firewall().rules.iter().any(|rule| rule.reason.to_string() == "IP filter");
    assert!(private(&ready), "in public the filter lets in");
    assert!(!private(&ready.elsewhere().expect("two places")), "in the VPC nobody public gets in");

    stage.ingrid.switch_service(&stage.harbor, orders).await.expect("switched");
    let switched = shown(&stage, orders).await;
    assert_eq!(switched.place, target);
    assert!(matches!(phase(&switched), Phase::Draining { .. }));
    assert_eq!(led_to(&switched, &stage), ["10.20.0.40", "10.20.0.41"]);
    assert_eq!(host_names(&switched, &stage), host_names(&before, &stage), "the names themselves stay");
    assert!(switched.nodes[..2].iter().all(|node| node.state == NodeState::Leaving && !node.removed), "they serve on");
    assert!(private(&switched.elsewhere().expect("old hosts are left")), "old hosts let in whom they let in before");

    stage.ingrid.finish_migration(&stage.harbor, orders).await.expect("finished");
    assert_eq!(phase(&shown(&stage, orders).await), Phase::Leaving { left: 2 });
    let log = notes(&stage).await;
    assert_eq!(log.len(), 3, "{log:?}");
    assert_eq!(log[0].1["replacements"], "orders-3, orders-4");
    assert_eq!((log[1].0["names"].as_str(), log[1].1["names"].as_str()), ("default", switched.place_label.as_str()));
    assert_eq!(log[2].1["old hosts"], "leaving at once");
}

async fn row_31_a_service_moves_from_vpc_to_vpc_and_both_stay_while_it_does(stage: Stage) {
    let alpha = stage.vpc("alpha", "10.20.0.0/16").await;
    let beta = stage.vpc("beta", "10.30.0.0/16").await;
    let orders = service(&stage, "orders", &in_vpc(alpha)).await;
    list_nodes(&stage, orders).await;
    migrate(&stage, orders, &in_vpc(beta)).await;
    let held = |vpc| format!("VPC {vpc} still has services: orders. Migrate or delete them first.");
    for vpc in [alpha, beta] {
        assert_eq!(refused(stage.ingrid.delete_vpc(&stage.harbor, vpc).await), held(vpc), "it comes or goes");
    }
    // A replacement host is in the target, and says so.
    let replacement = shown(&stage, orders).await.nodes[2].id;
    let stray = NodeForm { private_address: "10.20.0.40".to_owned(), ..NodeForm::default() };
    let sentence = refused(stage.ingrid.update_node(&stage.harbor, orders, replacement, stray).await);
    assert_eq!(sentence, "10.20.0.40 is not in 10.30.0.0/16, the range of the VPC.");
    list_replacements(&stage, orders, "10.30.0", 4).await;
    stage.ingrid.switch_service(&stage.harbor, orders).await.expect("switched");
    assert_eq!(refused(stage.ingrid.delete_vpc(&stage.harbor, beta).await), held(beta));
    let leaving = "Service orders is still leaving the VPC. Try again in a few minutes.";
    assert_eq!(refused(stage.ingrid.delete_vpc(&stage.harbor, alpha).await), leaving);
}

async fn a_move_is_called_off_before_the_switch_and_nothing_is_left_of_it(stage: Stage) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    let orders = service(&stage, "orders", "local-default").await;
    list_nodes(&stage, orders).await;
    let before = shown(&stage, orders).await;
    migrate(&stage, orders, &in_vpc(vpc)).await;
    list_replacements(&stage, orders, "10.20.0", 40).await;
    stage.ingrid.return_service(&stage.harbor, orders).await.expect("it stays");
    let after = shown(&stage, orders).await;
    assert_eq!((after.migration, after.place, after.nodes), (None, before.place, before.nodes));
    stage.ingrid.delete_vpc(&stage.harbor, vpc).await.expect("nothing holds it any more");
    assert_eq!(notes(&stage).await.len(), 2);
}

async fn a_move_to_public_with_an_open_filter_is_confirmed_and_the_filter_counts_at_once(stage: Stage) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    let orders = service(&stage, "orders", &in_vpc(vpc)).await;
    assert!(!shown(&stage, orders).await.filter_applies());
    let new = to("local-default");
    let error = stage.ingrid.migrate_service(&stage.harbor, orders, new.clone()).await.expect_err("a refusal");
    assert_eq!(error.at("open"), Some(UNCONFIRMED));
    assert_eq!(shown(&stage, orders).await.migration, None, "and nothing was done");
    let meant = NewMigration { open: true, ..new };
    stage.ingrid.migrate_service(&stage.harbor, orders, meant).await.expect("meant");
    assert!(shown(&stage, orders).await.filter_applies(), "the hosts in public are asked what it says");
}

async fn a_node_that_is_added_while_a_service_moves_belongs_to_the_target(stage: Stage) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    let orders = service(&stage, "orders", "local-default").await;
    list_nodes(&stage, orders).await;
    migrate(&stage, orders, &in_vpc(vpc)).await;
    let nodes = shown(&stage, orders).await.nodes;
    stage.ingrid.remove_node(&stage.harbor, orders, nodes[2].id).await.expect("removed");
    let added = stage.ingrid.add_node(&stage.harbor, orders).await.expect("added");
    let find = async |id| shown(&stage, orders).await.nodes.into_iter().find(|node| node.id == id).expect("a node");
    let node = find(added).await;
    assert_eq!((node.place.vpc, node.replaces), (Some(vpc), Some(nodes[0].id)), "in place of the one that was removed");
    list_replacements(&stage, orders, "10.20.0", 40).await;
    stage.ingrid.switch_service(&stage.harbor, orders).await.expect("switched");
    let late = stage.ingrid.add_node(&stage.harbor, orders).await.expect("added");
    let late = find(late).await;
    assert_eq!((late.place.vpc, late.replaces), (Some(vpc), None), "nobody is left to be replaced");
}

async fn what_is_asked_out_of_turn_is_refused_with_the_reason(stage: Stage) {
    let (vpc, p) = (stage.vpc("alpha", "10.20.0.0/16").await, &stage.harbor);
    let orders = service(&stage, "orders", "local-default").await;
    list_nodes(&stage, orders).await;
    let (switch, call_off, finish) = (
        async || stage.ingrid.switch_service(p, orders).await,
        async || stage.ingrid.return_service(p, orders).await,
        async || stage.ingrid.finish_migration(p, orders).await,
    );
    let none = "No migration of this service is under way.";
    assert_eq!(
        (refused(switch().await), refused(call_off().await), refused(finish().await)),
        (none.into(), none.into(), none.into())
    );
    let there = stage.ingrid.migrate_service(p, orders, to("local-default")).await.expect_err("a refusal");
    assert_eq!(there.at("place"), Some("The service is there already."));
    let strange = VpcId::from_uuid(Uuid::now_v7());
    let unknown = stage.ingrid.migrate_service(p, orders, to(&in_vpc(strange))).await.expect_err("a refusal");
    let sentence = format!("VPC {strange} is not in this project. A service can only use VPCs of its own project.");
    assert_eq!(unknown.at("place"), Some(sentence.as_str()));

    migrate(&stage, orders, &in_vpc(vpc)).await;
    let again = refused(stage.ingrid.migrate_service(p, orders, to(&in_vpc(vpc))).await);
    assert_eq!(again, "Service orders is being migrated. Finish that first, or let it stay where it was.");
    assert_eq!(refused(switch().await), "0 of 2 replacement hosts are ready. Enrol the others first.");
    assert_eq!(refused(finish().await), "Switch the names first.");
    list_replacements(&stage, orders, "10.20.0", 40).await;
    switch().await.expect("switched");
    assert_eq!(refused(switch().await), "The names were switched already.");
    assert_eq!(refused(call_off().await), "The names were switched already. Migrate the service back instead.");
    finish().await.expect("finished");
    assert_eq!(refused(finish().await), "The old hosts are leaving already.");
    assert_eq!(notes(&stage).await.len(), 3, "what was refused is not in the log");
}

async fn two_projects_never_share_a_host_name(stage: Stage) {
    let (olga, project) = stage.neighbour("quay-harbor").await;
    let theirs = super::services::form("orders", "local-default").parse().expect("a good form");
    olga.create_service(&project, theirs).await.expect("the name is free");
    let ours = || super::services::form("orders-quay", "local-default").parse().expect("a good form");
    let error = stage.ingrid.create_service(&stage.harbor, ours()).await.expect_err("a refusal");
    let sentence = "The host name orders-quay-harbor belongs to a service of another project. Choose another name.";
    assert_eq!(error.at("name"), Some(sentence));
    let id = olga.services(&project).await.expect("a list")[0].id;
    olga.delete_service(&project, id).await.expect("deleted");
    stage.ingrid.create_service(&stage.harbor, ours()).await.expect("free again");
}
