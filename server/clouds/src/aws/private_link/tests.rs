use std::{collections::BTreeSet, net::SocketAddrV4};

use uuid::Uuid;

use super::{
    LinkStep, SeenLink,
    plan::plan,
    report::report,
    seen::{LINK_TAG, SERVICE, SeenGroup},
    wire::{Action, Balancer, BalancerState, EndpointConnection, Listener, Members, Service, SupportedRegion},
};
use crate::{
    Class, Failure, LinkPart, LinkStanding, LinkWish, Reference, Subject, Verdict,
    aws::{
        seen::{SUBNETS, VPC},
        trail::Held,
        wire::{DnsEntry, Set, Tag},
    },
};

const NOW: i64 = 1_800_000_000_000;
const ID: Uuid = Uuid::from_u128(0x0123_4567_89ab_cdef);
const FRIEND: &str = "arn:aws:iam::444455556666:root";
const OTHER: &str = "arn:aws:iam::777788889999:root";

fn target(text: &str) -> SocketAddrV4 {
    text.parse().expect("is an address with a port")
}

fn targets(texts: &[&str]) -> BTreeSet<SocketAddrV4> {
    texts.iter().map(|text| target(text)).collect()
}

fn wish() -> LinkWish {
    let mut network = Reference::new();
    network.insert(VPC.into(), "vpc-1".into());
    network.insert(SUBNETS.into(), serde_json::json!(["subnet-a", "subnet-b"]));
    LinkWish {
        id: ID,
        name: "orders".into(),
        region: "eu-west-1".into(),
        present: true,
        network: Uuid::from_u128(0xa),
        network_reference: network,
        range: None,
        ports: [(5432, targets(&["10.20.0.5:5432", "10.20.1.5:5432"]))].into(),
        allowed: [FRIEND.to_owned()].into(),
        regions: BTreeSet::new(),
        verdicts: [].into(),
        reference: Reference::new(),
        asked_at: Some(NOW - 600_000),
        now: NOW,
    }
}

fn known(mut wish: LinkWish) -> LinkWish {
    wish.reference.insert(SERVICE.into(), "vpce-svc-1".into());
    wish
}

fn gone() -> LinkWish {
    LinkWish { present: false, ..known(wish()) }
}

fn nothing() -> SeenLink {
    SeenLink {
        balancer: None,
        cross_zone: false,
        listeners: vec![],
        groups: vec![],
        service: None,
        surplus: vec![],
        principals: BTreeSet::new(),
        connections: Ok(vec![]),
        held: vec![],
        settle: 60_000,
    }
}

fn balancer(state: &str) -> Balancer {
    Balancer {
        load_balancer_arn: "arn:lb".into(),
        load_balancer_name: wish().named(),
        vpc_id: "vpc-1".into(),
        state: BalancerState { code: state.into(), reason: None },
    }
}

fn listener(port: u16) -> Listener {
    Listener {
        listener_arn: format!("arn:listener:{port}"),
        port,
        default_actions: Members { member: vec![Action { target_group_arn: Some(format!("arn:group:{port}")) }] },
    }
}

fn group(port: u16, addresses: &[&str]) -> SeenGroup {
    let targets = addresses.iter().map(|address| (target(address), "healthy".to_owned()));
    SeenGroup { port, arn: format!("arn:group:{port}"), targets: targets.collect() }
}

fn service(state: &str) -> Service {
    Service {
        service_id: "vpce-svc-1".into(),
        service_name: "com.amazonaws.vpce.eu-west-1.vpce-svc-1".into(),
        service_state: state.into(),
        supported_region_set: Set::default(),
        tag_set: Set { item: vec![Tag { key: LINK_TAG.into(), value: ID.to_string() }] },
    }
}

/// Load balancer, group and listener as they should be.
fn balanced() -> SeenLink {
    SeenLink {
        balancer: Some(balancer("active")),
        cross_zone: true,
        listeners: vec![listener(5432)],
        groups: vec![group(5432, &["10.20.0.5:5432", "10.20.1.5:5432"])],
        ..nothing()
    }
}

fn ready() -> SeenLink {
    SeenLink { service: Some(service("Available")), principals: [FRIEND.to_owned()].into(), ..balanced() }
}

fn endpoint(state: &str) -> EndpointConnection {
    EndpointConnection {
        service_id: "vpce-svc-1".into(),
        vpc_endpoint_id: "vpce-1".into(),
        vpc_endpoint_owner: "444455556666".into(),
        vpc_endpoint_state: state.into(),
        dns_entry_set: Set {
            item: vec![DnsEntry { dns_name: "vpce-1.vpce-svc-1.eu-west-1.vpce.amazonaws.com".into() }],
        },
    }
}

fn steps(wish: &LinkWish, seen: &SeenLink) -> Vec<LinkStep> {
    plan(wish, seen).into_iter().map(|(_, step)| step).collect()
}

#[test]
fn everything_of_a_link_is_built_in_its_order() {
    let subnets = vec!["subnet-a".to_owned(), "subnet-b".to_owned()];
    assert_eq!(steps(&wish(), &nothing()), [LinkStep::CreateBalancer { subnets }]);
    let new = SeenLink { balancer: Some(balancer("provisioning")), ..nothing() };
    let name = format!("{}-5432", wish().named());
    assert_eq!(
        steps(&wish(), &new),
        [LinkStep::CrossZone("arn:lb".into()), LinkStep::CreateGroup { name, port: 5432, vpc: "vpc-1".into() },]
    );
    let grouped = SeenLink { cross_zone: true, groups: vec![group(5432, &["10.20.0.5:5432"])], ..new };
    assert_eq!(
        steps(&wish(), &grouped),
        [
            LinkStep::Register { group: "arn:group:5432".into(), targets: vec![target("10.20.1.5:5432")] },
            LinkStep::CreateListener { balancer: "arn:lb".into(), port: 5432, group: "arn:group:5432".into() },
        ]
    );
    assert_eq!(steps(&wish(), &balanced()), [LinkStep::CreateService { balancer: "arn:lb".into() }]);
    assert_eq!(steps(&wish(), &ready()), []);
}

#[test]
fn a_link_waits_for_its_network_and_for_its_load_balancer() {
    let lonely = LinkWish { network_reference: Reference::new(), ..wish() };
    assert_eq!(steps(&lonely, &nothing()), []);
    let starting = SeenLink { balancer: Some(balancer("provisioning")), ..balanced() };
    assert_eq!(steps(&wish(), &starting), [], "AWS takes no load balancer that is not active");
    assert_eq!(report(&wish(), &starting).standing, LinkStanding::Partial);
    assert_eq!(report(&wish(), &starting).words["loadBalancer"], "provisioning");
}

#[test]
fn creating_to_active_once_the_service_is_available_and_its_list_in_place() {
    let told = |seen: &SeenLink| report(&wish(), seen).standing;
    assert_eq!(told(&nothing()), LinkStanding::Absent);
    assert_eq!(told(&balanced()), LinkStanding::Partial);
    assert_eq!(told(&SeenLink { service: Some(service("Pending")), ..ready() }), LinkStanding::Partial);
    assert_eq!(told(&SeenLink { principals: BTreeSet::new(), ..ready() }), LinkStanding::Partial);
    assert_eq!(told(&ready()), LinkStanding::Ready);
    let told = report(&wish(), &ready());
    assert_eq!(told.identifiers["aws_service_id"], "vpce-svc-1");
    assert_eq!(told.identifiers["aws_service_name"], "com.amazonaws.vpce.eu-west-1.vpce-svc-1");
    assert_eq!(
        (told.words["serviceState"].as_str(), told.words["targetHealth.5432"].as_str()),
        ("Available", "healthy")
    );
    assert_eq!(told.reference[SERVICE], "vpce-svc-1");
}

#[test]
fn the_list_of_principals_is_replaced_as_a_whole_and_in_one_call() {
    let wish = LinkWish { allowed: [OTHER.to_owned()].into(), ..wish() };
    let permit =
        LinkStep::Permit { service: "vpce-svc-1".into(), add: vec![OTHER.into()], remove: vec![FRIEND.into()] };
    assert_eq!(plan(&wish, &ready()), [(LinkPart::AllowList, permit)]);
}

#[test]
fn regions_are_added_and_removed_but_never_the_services_own() {
    let region = |name: &str, state: &str| SupportedRegion { region: name.into(), service_state: Some(state.into()) };
    let mut seen = ready();
    let regions =
        vec![region("eu-west-1", "Available"), region("us-west-2", "Available"), region("us-west-1", "Deleting")];
    seen.service.as_mut().expect("it is ready").supported_region_set = Set { item: regions };
    let wish = LinkWish { regions: ["us-east-1".to_owned(), "eu-west-1".to_owned()].into(), ..wish() };
    let spread = LinkStep::Spread {
        service: "vpce-svc-1".into(),
        add: vec!["us-east-1".into()],
        remove: vec!["us-west-2".into()],
    };
    assert_eq!(plan(&wish, &seen), [(LinkPart::Regions, spread)]);
    assert_eq!(report(&wish, &seen).standing, LinkStanding::Ready, "it serves where it is already");
}

#[test]
fn an_endpoint_is_told_with_its_state_and_its_name_and_needs_no_approval() {
    let seen = SeenLink { connections: Ok(vec![endpoint("available")]), ..ready() };
    assert_eq!(steps(&wish(), &seen), []);
    let told = report(&wish(), &seen).connections.expect("they could be read");
    assert_eq!((told[0].id.as_str(), told[0].state.as_str()), ("vpce-1", "available"));
    assert_eq!(told[0].owner.as_deref(), Some("444455556666"));
    assert_eq!(told[0].dns_name.as_deref(), Some("vpce-1.vpce-svc-1.eu-west-1.vpce.amazonaws.com"));
}

#[test]
fn an_endpoint_that_was_rejected_is_rejected_once() {
    let wish = LinkWish { verdicts: [("vpce-1".to_owned(), Verdict::Rejected)].into(), ..wish() };
    let with = |state: &str| SeenLink { connections: Ok(vec![endpoint(state)]), ..ready() };
    let reject = LinkStep::Reject { service: "vpce-svc-1".into(), endpoints: vec!["vpce-1".into()] };
    assert_eq!(plan(&wish, &with("available")), [(LinkPart::Connection("vpce-1".into()), reject)]);
    assert_eq!(steps(&wish, &with("rejected")), []);
}

#[test]
fn connections_that_cannot_be_read_do_not_hold_up_the_service() {
    let failure = Failure::new(Class::Denied, "UnauthorizedOperation", "You may not.");
    let seen = SeenLink { connections: Err(failure.clone()), principals: BTreeSet::new(), ..ready() };
    let steps = plan(&wish(), &seen);
    assert!(matches!(&steps[0], (LinkPart::AllowList, LinkStep::Permit { .. })), "{steps:?}");
    assert_eq!(steps[1], (LinkPart::Connection(String::new()), LinkStep::Unreadable(failure)));
    assert_eq!(report(&wish(), &seen).connections, None, "nobody says that there are none");
}

#[test]
fn targets_come_and_go_and_those_that_drain_are_gone() {
    let mut seen = ready();
    seen.groups = vec![group(5432, &["10.20.0.5:5432", "10.20.0.9:5432"])];
    seen.groups[0].targets.push((target("10.20.0.7:5432"), "draining".into()));
    assert_eq!(
        steps(&wish(), &seen),
        [
            LinkStep::Register { group: "arn:group:5432".into(), targets: vec![target("10.20.1.5:5432")] },
            LinkStep::Deregister { group: "arn:group:5432".into(), targets: vec![target("10.20.0.9:5432")] },
        ]
    );
}

#[test]
fn a_port_that_nobody_wants_any_more_loses_its_listener_and_then_its_group() {
    let mut seen = ready();
    seen.listeners.push(listener(6379));
    seen.groups.push(group(6379, &[]));
    let close = LinkStep::DeleteListener("arn:listener:6379".into());
    assert_eq!(plan(&wish(), &seen), [(LinkPart::Port(6379), close)]);
    seen.listeners.pop();
    assert_eq!(steps(&wish(), &seen), [LinkStep::DeleteGroup("arn:group:6379".into())]);
}

#[test]
fn a_listener_that_leads_elsewhere_is_made_anew() {
    let mut seen = ready();
    seen.listeners[0].default_actions.member[0].target_group_arn = Some("arn:of:somebody".into());
    assert_eq!(steps(&wish(), &seen), [LinkStep::DeleteListener("arn:listener:5432".into())]);
}

#[test]
fn deleting_ends_with_the_load_balancer_and_begins_with_the_endpoints() {
    let with = SeenLink { connections: Ok(vec![endpoint("available")]), ..ready() };
    let reject = LinkStep::Reject { service: "vpce-svc-1".into(), endpoints: vec!["vpce-1".into()] };
    assert_eq!(steps(&gone(), &with), [reject]);
    let without = SeenLink { connections: Ok(vec![endpoint("rejected")]), ..ready() };
    assert_eq!(steps(&gone(), &without), [LinkStep::DeleteService("vpce-svc-1".into())]);
    let deleting = SeenLink { service: Some(service("Deleting")), ..ready() };
    assert_eq!(steps(&gone(), &deleting), [], "AWS refuses the rest until it is gone");
    assert_eq!(report(&gone(), &deleting).standing, LinkStanding::Partial);
    assert_eq!(steps(&gone(), &balanced()), [LinkStep::DeleteListener("arn:listener:5432".into())]);
    let silent = SeenLink { listeners: vec![], ..balanced() };
    assert_eq!(
        steps(&gone(), &silent),
        [LinkStep::DeleteGroup("arn:group:5432".into()), LinkStep::DeleteBalancer("arn:lb".into())]
    );
    assert_eq!(report(&gone(), &nothing()).standing, LinkStanding::Absent);
}

#[test]
fn a_service_that_was_taken_away_is_not_replaced_by_one_with_another_name() {
    assert_eq!(steps(&known(wish()), &balanced()), []);
    assert_eq!(steps(&known(wish()), &nothing()), []);
    assert_eq!(report(&known(wish()), &balanced()).standing, LinkStanding::Partial);
}

#[test]
fn a_second_service_that_a_lost_answer_left_goes() {
    let second = Service { service_id: "vpce-svc-2".into(), ..service("Available") };
    let seen = SeenLink { surplus: vec![second], ..ready() };
    assert_eq!(steps(&wish(), &seen), [LinkStep::DeleteService("vpce-svc-2".into())]);
}

#[test]
fn a_service_that_was_asked_for_moments_ago_is_settling() {
    let held = Held { call: "CreateService".into(), creates: Some(Subject::Network) };
    assert!(report(&wish(), &SeenLink { held: vec![held], ..balanced() }).settling);
    assert!(!report(&wish(), &balanced()).settling);
}
