//! Services: where they are placed, who may reach them, and what a person is told who asks for what cannot be.

use app::{
    backend::Services,
    domain::{
        NodeId, ServiceId,
        service::{
            IpFilter, NodeState, Service, ServiceState,
            form::{AccessForm, ServiceForm},
            member::NodeForm,
            migration::NewMigration,
        },
    },
};

use super::*;

on_both_engines! {
    row_28_two_services_of_a_project_are_one_in_a_vpc_and_one_in_public
    row_29_a_vpc_of_another_project_is_refused
    row_34_a_vpc_is_not_deleted_while_a_service_is_in_it
    row_36_a_service_in_a_vpc_has_private_addresses_only
    row_37_public_access_is_given_and_taken_without_touching_a_node
    row_38_an_ip_filter_is_saved_as_a_whole_and_only_by_who_saw_the_last_one
    a_filter_of_8000_entries_is_saved_and_shown
    a_service_under_termination_protection_stays
    a_name_belongs_to_one_living_service
    nodes_come_and_go_and_their_numbers_do_not_come_again
    who_may_only_look_changes_no_service_and_a_stranger_sees_none
}

pub(super) fn form(called: &str, place: &str) -> ServiceForm {
    ServiceForm {
        name: called.to_owned(),
        kind: "pg".to_owned(),
        plan: "business".to_owned(),
        place: place.to_owned(),
        ..ServiceForm::default()
    }
}

pub(super) async fn service(stage: &Stage, called: &str, place: &str) -> ServiceId {
    let new = form(called, place).parse().expect("a good form");
    stage.ingrid.create_service(&stage.harbor, new).await.expect("a new service")
}

pub(super) async fn shown(stage: &Stage, id: ServiceId) -> Service {
    stage.ingrid.service(&stage.harbor, id).await.expect("a service")
}

pub(super) fn in_vpc(vpc: VpcId) -> String {
    format!("local-default/{vpc}")
}

/// Lists both nodes without an agent, with addresses in 10.20.0.0/16.
pub(super) async fn list_nodes(stage: &Stage, id: ServiceId) {
    for (number, node) in (4..).zip(shown(stage, id).await.nodes) {
        let form = NodeForm {
            private_address: format!("10.20.0.{number}"),
            public_address: format!("203.0.113.{number}"),
            ..NodeForm::default()
        };
        stage.ingrid.update_node(&stage.harbor, id, node.id, form).await.expect("listed");
    }
}

pub(super) fn public(components: &[&str]) -> AccessForm {
    AccessForm { public: components.iter().map(ToString::to_string).collect(), private: Vec::new() }
}

async fn row_28_two_services_of_a_project_are_one_in_a_vpc_and_one_in_public(stage: Stage) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    service(&stage, "orders", &in_vpc(vpc)).await;
    service(&stage, "search", "local-default").await;
    let services = stage.ingrid.services(&stage.harbor).await.expect("a list");
    let words: Vec<(&str, &str, ServiceState)> =
        services.iter().map(|service| (service.name.as_str(), service.placement_word(), service.state)).collect();
    let expected =
        [("orders", "Project VPC", ServiceState::Rebuilding), ("search", "Public Internet", ServiceState::Rebuilding)];
    assert_eq!(words, expected);
    assert_eq!(services[0].nodes.len(), 2, "as the plan says");
    assert!(services[0].nodes.iter().all(|node| node.state == NodeState::SettingUpVm));
}

async fn row_29_a_vpc_of_another_project_is_refused(stage: Stage) {
    let new = NewVpc { name: name("far"), cloud: CloudName::default_local(), cidr: name("10.99.0.0/16") };
    let theirs = stage.olaf.create_vpc(&stage.tundra, new).await.expect("a VPC");
    let new = form("orders", &in_vpc(theirs)).parse().expect("a good form");
    let error = stage.ingrid.create_service(&stage.harbor, new).await.expect_err("a refusal");
    let expected = format!("VPC {theirs} is not in this project. A service can only use VPCs of its own project.");
    assert_eq!(error.at("place"), Some(expected.as_str()));
}

async fn row_34_a_vpc_is_not_deleted_while_a_service_is_in_it(stage: Stage) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    let orders = service(&stage, "orders", &in_vpc(vpc)).await;
    let sentence = refused(stage.ingrid.delete_vpc(&stage.harbor, vpc).await);
    assert_eq!(sentence, format!("VPC {vpc} still has services: orders. Migrate or delete them first."));
    let button = stage.ingrid.vpc(&stage.harbor, vpc).await.expect("a VPC").deletion_refusal();
    assert_eq!(button.map(|refusal| refusal.sentence), Some(sentence), "the button says the same");
    stage.ingrid.delete_service(&stage.harbor, orders).await.expect("deleted");
    stage.ingrid.delete_vpc(&stage.harbor, vpc).await.expect("nothing holds it any more");
}

async fn row_36_a_service_in_a_vpc_has_private_addresses_only(stage: Stage) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    let orders = service(&stage, "orders", &in_vpc(vpc)).await;
    list_nodes(&stage, orders).await;
    let addresses: BTreeSet<String> = shown(&stage, orders)
        .await
        .accesses(&stage.harbor)
        .iter()
        .flat_map(|access| access.addresses.iter().map(ToString::to_string))
        .collect();
    assert_eq!(addresses, BTreeSet::from(["10.20.0.4".to_owned(), "10.20.0.5".to_owned()]));
}

async fn row_37_public_access_is_given_and_taken_without_touching_a_node(stage: Stage) {
    let vpc = stage.vpc("alpha", "10.20.0.0/16").await;
    let orders = service(&stage, "orders", &in_vpc(vpc)).await;
    list_nodes(&stage, orders).await;
    let before = shown(&stage, orders).await;
    let hosts = |service: &Service| -> Vec<String> {
        service.accesses(&stage.harbor).into_iter().map(|access| access.host).collect()
    };
    let set =
        async |components: &[&str]| stage.ingrid.set_service_access(&stage.harbor, orders, public(components)).await;
    set(&["pg"]).await.expect("given");
    let open = shown(&stage, orders).await;
    assert!(hosts(&open).contains(&"public-orders-harbor.causeway.internal".to_owned()), "{:?}", hosts(&open));
    assert_eq!((open.state, &open.nodes), (before.state, &before.nodes), "no rebuild");
    set(&[]).await.expect("taken");
    assert_eq!(hosts(&shown(&stage, orders).await), hosts(&before));
    assert_eq!(refused(set(&["kafka"]).await), "This service has no component kafka.");
}

async fn row_38_an_ip_filter_is_saved_as_a_whole_and_only_by_who_saw_the_last_one(stage: Stage) {
    let orders = service(&stage, "orders", "local-default").await;
    let set = async |text: &str, version, allow_empty| {
        let filter = IpFilter::parse(text, version).expect("a list");
        stage.ingrid.set_ip_filter(&stage.harbor, orders, filter, allow_empty).await
    };
    set("192.0.2.7 office\n2001:db8::/32", 0, false).await.expect("saved");
    let filter = shown(&stage, orders).await.filter;
    assert_eq!((filter.text().as_str(), filter.version), ("192.0.2.7/32 office\n2001:db8::/32", 1));
    let late = refused(set("198.51.100.1", 0, false).await);
    assert_eq!(late, "Somebody saved this list since you opened it. Look at it again, then save yours.");
    assert_eq!(refused(set("", 1, false).await), "No client will be able to connect.");
    set("", 1, true).await.expect("meant");
    let all = ChangeFilter { limit: 200, ..ChangeFilter::default() };
    let log = stage.ingrid.changes(&stage.harbor, all).await.expect("a log");
    let saved: Vec<&Change> = log.iter().filter(|change| change.kind == ChangeKind::IpFilterUpdate).collect();
    assert_eq!(saved.len(), 2, "refused saves are none");
    assert_eq!(saved[0].before["networks"], "192.0.2.7/32, 2001:db8::/32");
}

async fn a_filter_of_8000_entries_is_saved_and_shown(stage: Stage) {
    let orders = service(&stage, "orders", "local-default").await;
    let lines: Vec<String> = (0..8000).map(|n| format!("10.{}.{}.0/24 host {n}", n / 250, n % 250)).collect();
    let filter = IpFilter::parse(&lines.join("\n"), 0).expect("a list");
    stage.ingrid.set_ip_filter(&stage.harbor, orders, filter.clone(), false).await.expect("saved");
    assert_eq!(shown(&stage, orders).await.filter.entries(), filter.entries());
}

async fn a_service_under_termination_protection_stays(stage: Stage) {
    let orders = service(&stage, "orders", "local-default").await;
    stage.ingrid.set_termination_protection(&stage.harbor, orders, true).await.expect("on");
    let sentence = refused(stage.ingrid.delete_service(&stage.harbor, orders).await);
    assert_eq!(sentence, "Termination protection is on.");
    stage.ingrid.set_termination_protection(&stage.harbor, orders, false).await.expect("off");
    stage.ingrid.delete_service(&stage.harbor, orders).await.expect("deleted");
    assert_eq!(stage.ingrid.service(&stage.harbor, orders).await, Err(ApiError::NotFound));
}

async fn a_name_belongs_to_one_living_service(stage: Stage) {
    let orders = service(&stage, "orders", "local-default").await;
    let again = || form("orders", "local-default").parse().expect("a good form");
    let error = stage.ingrid.create_service(&stage.harbor, again()).await.expect_err("a refusal");
    assert_eq!(error.at("name"), Some("A service named orders already exists."));
    stage.ingrid.delete_service(&stage.harbor, orders).await.expect("deleted");
    stage.ingrid.create_service(&stage.harbor, again()).await.expect("free again");
}

async fn nodes_come_and_go_and_their_numbers_do_not_come_again(stage: Stage) {
    let orders = service(&stage, "orders", "local-default").await;
    let names = async || -> Vec<String> {
        shown(&stage, orders).await.nodes.iter().map(|node| node.name.to_string()).collect()
    };
    assert_eq!(names().await, ["orders-1", "orders-2"]);
    let first = shown(&stage, orders).await.nodes[0].id;
    stage.ingrid.remove_node(&stage.harbor, orders, first).await.expect("removed");
    stage.ingrid.add_node(&stage.harbor, orders).await.expect("added");
    assert_eq!(names().await, ["orders-2", "orders-3"]);
    let gone = stage.ingrid.issue_node_enrolment(&stage.harbor, orders, first).await;
    assert_eq!(gone.err(), Some(ApiError::NotFound));
}

async fn who_may_only_look_changes_no_service_and_a_stranger_sees_none(stage: Stage) {
    let orders = service(&stage, "orders", "local-default").await;
    let node = shown(&stage, orders).await.nodes[0].id;
    let auditor = stage.colleague("read_only").await;
    assert!(auditor.service(&stage.harbor, orders).await.is_ok());
    for (method, permission, error) in changes_by(&auditor, &stage, orders, node).await {
        let Some(ApiError::Forbidden { .. }) = &error else { panic!("{method}: {error:?}") };
        let sentence = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(sentence.contains(permission), "{method}: {sentence}");
    }
    for (method, _, error) in changes_by(&stage.olaf, &stage, orders, node).await {
        assert_eq!(error, Some(ApiError::NotFound), "{method}");
    }
    assert_eq!(stage.olaf.services(&stage.harbor).await, Err(ApiError::NotFound));
    // Somebody else's ids in one's own project are as unknown.
    assert_eq!(stage.olaf.service(&stage.tundra, orders).await, Err(ApiError::NotFound));
    assert_eq!(stage.olaf.delete_service(&stage.tundra, orders).await, Err(ApiError::NotFound));
    assert_eq!(stage.olaf.remove_node(&stage.tundra, orders, node).await, Err(ApiError::NotFound));
    assert_eq!(stage.olaf.issue_node_enrolment(&stage.tundra, orders, node).await.err(), Some(ApiError::NotFound));
    assert_eq!(shown(&stage, orders).await.nodes.len(), 2, "nothing was done");
}

/// Everything that changes a service, tried by somebody: the method, the permission that it needs, and what came of it.
async fn changes_by(
    who: &server::console::Console,
    stage: &Stage,
    id: ServiceId,
    node: NodeId,
) -> Vec<(&'static str, &'static str, Option<ApiError>)> {
    const WRITE: &str = "project:services:write";
    const CONFIGURE: &str = "service:configuration:write";
    let p = &stage.harbor;
    let new = form("another", "local-default").parse().expect("a good form");
    let listed = NodeForm { public_address: "203.0.113.9".to_owned(), ..NodeForm::default() };
    let target = NewMigration { target: "local-bergen".parse().expect("a place"), open: true };
    vec![
        ("create_service", WRITE, who.create_service(p, new).await.err()),
        ("delete_service", WRITE, who.delete_service(p, id).await.err()),
        ("set_termination_protection", WRITE, who.set_termination_protection(p, id, true).await.err()),
        ("set_service_access", CONFIGURE, who.set_service_access(p, id, public(&["pg"])).await.err()),
        ("set_ip_filter", CONFIGURE, who.set_ip_filter(p, id, IpFilter::default(), false).await.err()),
        ("migrate_service", WRITE, who.migrate_service(p, id, target).await.err()),
        ("switch_service", WRITE, who.switch_service(p, id).await.err()),
        ("return_service", WRITE, who.return_service(p, id).await.err()),
        ("finish_migration", WRITE, who.finish_migration(p, id).await.err()),
        ("add_node", WRITE, who.add_node(p, id).await.err()),
        ("update_node", WRITE, who.update_node(p, id, node, listed).await.err()),
        ("remove_node", WRITE, who.remove_node(p, id, node).await.err()),
        ("issue_node_enrolment", WRITE, who.issue_node_enrolment(p, id, node).await.err()),
        ("revoke_node_credential", WRITE, who.revoke_node_credential(p, id, node).await.err()),
        ("repair_node", WRITE, who.repair_node(p, id, node).await.err()),
    ]
}
