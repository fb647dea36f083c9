use uuid::Uuid;

use super::{ADDRESS, AddressStep, Machine, Nat, Reserved, SeenAddress, parts, plan::plan, report};
use crate::{AddressStanding, AddressWish, Class, Failure, Reference};

const NOW: i64 = 1_800_000_000_000;
const IP: &str = "198.51.100.7";

fn wish() -> AddressWish {
    AddressWish {
        id: Uuid::from_u128(0xadd),
        name: "edge".into(),
        region: "europe-west1".into(),
        present: true,
        instance: None,
        reference: Reference::new(),
        asked_at: Some(NOW - 600_000),
        now: NOW,
    }
}

fn on(name: &str) -> AddressWish {
    AddressWish { instance: Some(format!("europe-west1-b/{name}")), ..wish() }
}

fn known(mut wish: AddressWish) -> AddressWish {
    wish.reference.insert(ADDRESS.into(), IP.into());
    wish
}

fn gone() -> AddressWish {
    AddressWish { present: false, ..known(wish()) }
}

fn bare() -> Option<Machine> {
    Some(Machine { interface: "nic0".into(), nat: None })
}

fn with(address: &str) -> Option<Machine> {
    let nat = Some(Nat { name: "External NAT".into(), address: address.into() });
    Some(Machine { interface: "nic0".into(), nat })
}

fn reserved(status: &str) -> SeenAddress {
    let reserved = Reserved { address: IP.into(), status: status.into(), users: vec![] };
    SeenAddress { reserved: Some(reserved), ..SeenAddress::default() }
}

fn held_by(name: &str) -> SeenAddress {
    let user = format!("https://www.googleapis.com/compute/v1/projects/p/zones/europe-west1-b/instances/{name}");
    let reserved = Reserved { address: IP.into(), status: "IN_USE".into(), users: vec![user] };
    SeenAddress { reserved: Some(reserved), holder: with(IP), ..SeenAddress::default() }
}

fn attach(name: &str) -> AddressStep {
    AddressStep::Attach {
        zone: "europe-west1-b".into(),
        name: name.into(),
        interface: "nic0".into(),
        address: IP.into(),
    }
}

fn detach(name: &str) -> AddressStep {
    let nat = "External NAT".to_owned();
    AddressStep::Detach { zone: "europe-west1-b".into(), name: name.into(), interface: "nic0".into(), nat }
}

fn told(step: Option<AddressStep>) -> Failure {
    let Some(AddressStep::Tell(failure)) = step else { panic!("something is told, not {step:?}") };
    failure
}

#[test]
fn none_to_creating_an_address_is_reserved_by_its_name() {
    assert_eq!(plan(&wish(), &SeenAddress::default()), Some(AddressStep::Insert));
    let running = SeenAddress { operation: Some(Ok(())), ..SeenAddress::default() };
    assert_eq!(plan(&wish(), &running), None);
    let report = report(&wish(), &running);
    assert_eq!((report.standing, report.settling), (AddressStanding::Partial, true));
}

#[test]
fn creating_to_created_once_google_says_reserved() {
    assert_eq!(plan(&wish(), &reserved("RESERVING")), None);
    assert_eq!(report(&wish(), &reserved("RESERVING")).standing, AddressStanding::Partial);
    assert_eq!(plan(&wish(), &reserved("RESERVED")), None);
    let report = report(&wish(), &reserved("RESERVED"));
    assert_eq!((report.standing, report.address), (AddressStanding::Reserved, Some([198, 51, 100, 7].into())));
    assert_eq!((report.words["status"].as_str(), &report.reference[ADDRESS]), ("RESERVED", &IP.into()));
}

#[test]
fn available_to_assigned_it_goes_to_the_instance() {
    let seen = SeenAddress { wanted: bare(), ..reserved("RESERVED") };
    assert_eq!(plan(&on("db-1"), &seen), Some(attach("db-1")));
    assert_eq!(plan(&on("db-1"), &held_by("db-1")), None);
    let report = report(&on("db-1"), &held_by("db-1"));
    assert_eq!(report.instance.as_deref(), Some("europe-west1-b/db-1"));
    assert_eq!(report.standing, AddressStanding::Attached);
}

#[test]
fn from_node_to_node_and_back_to_nobody() {
    assert_eq!(plan(&on("db-2"), &held_by("db-1")), Some(detach("db-1")));
    assert_eq!(plan(&wish(), &held_by("db-1")), Some(detach("db-1")));
}

#[test]
fn created_to_deleted_it_is_taken_from_its_instance_and_released() {
    assert_eq!(plan(&gone(), &held_by("db-1")), Some(detach("db-1")));
    assert_eq!(plan(&gone(), &reserved("RESERVED")), Some(AddressStep::Delete));
    assert_eq!(plan(&gone(), &SeenAddress::default()), None);
    assert_eq!(report(&gone(), &SeenAddress::default()).standing, AddressStanding::Absent);
}

#[test]
fn an_address_that_was_released_in_the_cloud_is_not_replaced_by_another() {
    assert_eq!(plan(&known(wish()), &SeenAddress::default()), None);
}

#[test]
fn an_instance_that_is_not_the_projects_is_named() {
    let failure = told(plan(&on("db-9"), &reserved("RESERVED")));
    assert_eq!(failure.class, Class::Specification);
    assert_eq!(failure.message, "europe-west1-b/db-9 is no instance of this account's project.");
    let nameless = AddressWish { instance: Some("db-9".into()), ..wish() };
    assert!(told(plan(&nameless, &reserved("RESERVED"))).message.contains("zone/name"));
}

#[test]
fn an_instance_that_has_another_address_keeps_it() {
    let seen = SeenAddress { wanted: with("203.0.113.4"), ..reserved("RESERVED") };
    let failure = told(plan(&on("db-1"), &seen));
    assert!(failure.message.contains("203.0.113.4") && failure.class == Class::Specification, "{failure}");
}

#[test]
fn what_somebody_gave_to_something_else_is_told_and_left_there() {
    let mut seen = held_by("db-1");
    let rule = "https://www.googleapis.com/compute/v1/projects/p/regions/europe-west1/forwardingRules/theirs";
    seen.reserved.as_mut().expect("it is reserved").users = vec![rule.into()];
    assert!(told(plan(&gone(), &seen)).message.contains("forwardingRules/theirs"));
}

#[test]
fn an_operation_that_went_wrong_is_told_before_anything_else() {
    let failure = Failure::new(Class::Operator, "QUOTA_EXCEEDED", "Quota 'STATIC_ADDRESSES' exceeded.");
    let seen = SeenAddress { operation: Some(Err(failure.clone())), ..SeenAddress::default() };
    assert_eq!(told(plan(&wish(), &seen)), failure);
}

#[test]
fn an_answer_that_was_lost_is_adopted() {
    let there = Failure::new(Class::Unexpected, "alreadyExists", "The resource already exists");
    assert_eq!(AddressStep::Insert.came_to(Err(there.clone())), Ok(()));
    assert_eq!(attach("db-1").came_to(Err(there.clone())), Err(there));
    let gone = Failure::new(Class::Gone, "notFound", "The resource was not found");
    assert_eq!(detach("db-1").came_to(Err(gone.clone())), Ok(()));
    assert_eq!(AddressStep::Delete.came_to(Err(gone)), Ok(()));
}

#[test]
fn an_instance_is_named_by_zone_and_name_however_it_is_written() {
    for text in [
        "europe-west1-b/db-1",
        "zones/europe-west1-b/instances/db-1",
        "projects/p/zones/europe-west1-b/instances/db-1",
        "https://www.googleapis.com/compute/v1/projects/p/zones/europe-west1-b/instances/db-1",
    ] {
        assert_eq!(parts(text), Some(("europe-west1-b", "db-1")), "{text}");
    }
    assert_eq!(parts("db-1"), None);
    assert_eq!(parts("a/b/c"), None);
}
