use uuid::Uuid;

use super::{ADDRESS_TAG, ALLOCATION, AddressStep, SeenAddress, no_instance, plan::plan, report};
use crate::{
    AddressPart, AddressStanding, AddressWish, Class, Failure, Reference, Subject,
    aws::{
        trail::Held,
        wire::{Address, Set, Tag},
    },
};

const NOW: i64 = 1_800_000_000_000;
const SETTLE: i64 = 60_000;
const ID: Uuid = Uuid::from_u128(0xadd);

fn wish() -> AddressWish {
    AddressWish {
        id: ID,
        name: "edge one".into(),
        region: "eu-west-1".into(),
        present: true,
        instance: None,
        reference: Reference::new(),
        asked_at: Some(NOW - 600_000),
        now: NOW,
    }
}

fn on(instance: &str) -> AddressWish {
    AddressWish { instance: Some(instance.into()), ..wish() }
}

fn known(mut wish: AddressWish) -> AddressWish {
    wish.reference.insert(ALLOCATION.into(), "eipalloc-1".into());
    wish
}

fn gone(wish: AddressWish) -> AddressWish {
    AddressWish { present: false, ..wish }
}

fn nothing() -> SeenAddress {
    SeenAddress { address: None, surplus: vec![], held: vec![], settle: SETTLE }
}

fn address(id: &str, instance: Option<&str>) -> Address {
    Address {
        public_ip: Some([198, 51, 100, 7].into()),
        allocation_id: id.into(),
        association_id: instance.map(|instance| format!("eipassoc-{instance}")),
        instance_id: instance.map(String::from),
        network_interface_id: instance.map(|instance| format!("eni-{instance}")),
        domain: Some("vpc".into()),
        tag_set: Set { item: vec![Tag { key: ADDRESS_TAG.into(), value: ID.to_string() }] },
    }
}

fn reserved() -> SeenAddress {
    SeenAddress { address: Some(address("eipalloc-1", None)), ..nothing() }
}

fn attached(instance: &str) -> SeenAddress {
    SeenAddress { address: Some(address("eipalloc-1", Some(instance))), ..nothing() }
}

fn steps(wish: &AddressWish, seen: &SeenAddress) -> Vec<AddressStep> {
    plan(wish, seen).into_iter().map(|(_, step)| step).collect()
}

fn disassociate(instance: &str) -> AddressStep {
    AddressStep::Disassociate(format!("eipassoc-{instance}"))
}

fn associate(instance: &str) -> AddressStep {
    AddressStep::Associate { allocation: "eipalloc-1".into(), instance: instance.into() }
}

fn asked_for() -> Held {
    Held { call: format!("{:?}", AddressStep::Allocate), creates: Some(Subject::Network) }
}

#[test]
fn none_to_creating_an_address_is_allocated_once() {
    assert_eq!(steps(&wish(), &nothing()), [AddressStep::Allocate]);
    let asked = SeenAddress { held: vec![asked_for()], ..nothing() };
    assert_eq!(steps(&wish(), &asked), [], "the answer may have been lost, and it is not visible yet");
    let told = report(&wish(), &asked);
    assert_eq!((told.standing, told.settling), (AddressStanding::Partial, true));
}

#[test]
fn creating_to_created_the_address_is_told_as_soon_as_it_is_there() {
    assert_eq!(steps(&wish(), &reserved()), []);
    let told = report(&wish(), &reserved());
    assert_eq!((told.standing, told.address), (AddressStanding::Reserved, Some([198, 51, 100, 7].into())));
    assert_eq!(told.reference[ALLOCATION], "eipalloc-1");
    assert_eq!((told.instance, told.words["allocationId"].as_str()), (None, "eipalloc-1"));
}

#[test]
fn available_to_assigned_it_goes_to_the_instance() {
    assert_eq!(steps(&on("i-1"), &reserved()), [associate("i-1")]);
    assert_eq!(steps(&on("i-1"), &attached("i-1")), []);
    let told = report(&on("i-1"), &attached("i-1"));
    assert_eq!((told.standing, told.instance.as_deref()), (AddressStanding::Attached, Some("i-1")));
    assert_eq!(told.words["associationId"], "eipassoc-i-1");
}

#[test]
fn from_node_to_node_it_is_taken_from_the_old_one_first() {
    assert_eq!(steps(&on("i-2"), &attached("i-1")), [disassociate("i-1")]);
    assert_eq!(steps(&on("i-2"), &reserved()), [associate("i-2")]);
}

#[test]
fn assigned_to_available_it_is_nobodys_again() {
    assert_eq!(steps(&wish(), &attached("i-1")), [disassociate("i-1")]);
}

#[test]
fn created_to_deleted_it_is_taken_from_its_instance_and_released() {
    assert_eq!(steps(&gone(known(wish())), &attached("i-1")), [disassociate("i-1")]);
    assert_eq!(steps(&gone(known(wish())), &reserved()), [AddressStep::Release("eipalloc-1".into())]);
    assert_eq!(steps(&gone(known(wish())), &nothing()), []);
    assert_eq!(report(&gone(known(wish())), &nothing()).standing, AddressStanding::Absent);
}

#[test]
fn an_address_that_was_released_in_the_cloud_is_not_replaced_by_another() {
    assert_eq!(steps(&known(on("i-1")), &nothing()), []);
    let told = report(&known(wish()), &nothing());
    assert_eq!((told.standing, told.settling), (AddressStanding::Absent, false));
    assert_eq!(told.reference[ALLOCATION], "eipalloc-1", "what it was is not forgotten");
}

#[test]
fn a_second_one_that_a_lost_answer_left_is_released_beside_everything_else() {
    let seen = SeenAddress { surplus: vec![address("eipalloc-2", None)], ..reserved() };
    let release = AddressStep::Release("eipalloc-2".into());
    assert_eq!(plan(&on("i-1"), &seen), [(AddressPart::Address, associate("i-1")), (AddressPart::Surplus, release)]);
}

#[test]
fn a_call_that_was_made_moments_ago_is_not_repeated() {
    let held = Held { call: format!("{:?}", associate("i-1")), creates: None };
    assert_eq!(steps(&on("i-1"), &SeenAddress { held: vec![held], ..reserved() }), []);
}

#[test]
fn an_instance_that_is_not_the_accounts_is_named_in_the_failure() {
    let refused = |code: &str| no_instance(Failure::new(Class::Gone, code, "It does not exist"), &on("i-9"), "i-9");
    let failure = refused("InvalidInstanceID.NotFound");
    assert_eq!(failure.class, Class::Specification);
    assert_eq!(failure.message, "i-9 is no instance of this account in eu-west-1: It does not exist");
    // An instance that is starting may have it soon, and so may one whose address is not visible everywhere.
    assert_eq!(refused("InvalidInstanceID").class, Class::Retry);
    assert_eq!(refused("InvalidAllocationID.NotFound").class, Class::Retry);
}

#[test]
fn an_instance_that_has_another_address_keeps_it() {
    let taken = Failure::new(Class::Unexpected, "Resource.AlreadyAssociated", "eni-1 is already associated");
    assert_eq!(no_instance(taken, &on("i-1"), "i-1").class, Class::Specification);
}
