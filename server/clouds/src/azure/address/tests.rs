use serde_json::{Value, json};
use uuid::Uuid;

use super::{ADDRESS, AddressStep, Interface, PublicAddress, SeenAddress, plan::plan, report};
use crate::{
    AddressStanding, AddressWish, Class, Failure, Reference, Secret,
    azure::{AzureAccount, seen::Version},
};

const NOW: i64 = 1_800_000_000_000;
const PIP: &str = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/publicIPAddresses/edge";
const OTHER: &str = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/publicIPAddresses/theirs";

fn nic(name: &str) -> String {
    format!("/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/networkInterfaces/{name}")
}

fn account() -> AzureAccount {
    AzureAccount {
        tenant: "T".into(),
        client_id: "C".into(),
        client_secret: Secret::new("s"),
        subscription: "S".into(),
        resource_group: "G".into(),
    }
}

fn wish() -> AddressWish {
    AddressWish {
        id: Uuid::from_u128(0xadd),
        name: "edge".into(),
        region: "westeurope".into(),
        present: true,
        instance: None,
        reference: Reference::new(),
        asked_at: Some(NOW - 600_000),
        now: NOW,
    }
}

fn on(name: &str) -> AddressWish {
    AddressWish { instance: Some(nic(name)), ..wish() }
}

fn known(mut wish: AddressWish) -> AddressWish {
    wish.reference.insert(ADDRESS.into(), "198.51.100.7".into());
    wish
}

fn gone() -> AddressWish {
    AddressWish { present: false, ..known(wish()) }
}

fn interface(public: Option<&str>) -> Interface {
    let mut properties = json!({"primary": true, "privateIPAddress": "10.20.0.4"});
    if let Some(public) = public {
        properties["publicIPAddress"] = json!({"id": public});
    }
    let second = json!({"name": "second", "properties": {"primary": false}});
    let own = json!({"name": "main", "properties": properties});
    Interface(json!({"location": "westeurope", "properties": {"ipConfigurations": [second, own], "x": 1}}))
}

fn seen(state: &str, user: Option<String>) -> SeenAddress {
    let address: PublicAddress = serde_json::from_value(json!({
        "id": PIP,
        "properties": {
            "ipAddress": "198.51.100.7", "provisioningState": state,
            "ipConfiguration": user.map(|id| json!({"id": id})),
        },
    }))
    .expect("an address");
    SeenAddress { address: Some(address), ..SeenAddress::default() }
}

fn reserved() -> SeenAddress {
    seen("Succeeded", None)
}

fn held_by(name: &str) -> SeenAddress {
    let user = format!("{}/ipConfigurations/main", nic(name));
    SeenAddress { holder: Some(interface(Some(PIP))), ..seen("Succeeded", Some(user)) }
}

fn next(wish: &AddressWish, seen: &SeenAddress) -> Option<AddressStep> {
    plan(&account(), wish, seen)
}

fn told(step: Option<AddressStep>) -> Failure {
    let Some(AddressStep::Tell(failure)) = step else { panic!("something is told, not {step:?}") };
    failure
}

fn publics(written: &Interface) -> Vec<Option<&Value>> {
    written.configurations().iter().map(|one| one["properties"].get("publicIPAddress")).collect()
}

#[test]
fn none_to_creating_to_created() {
    assert_eq!(next(&wish(), &SeenAddress::default()), Some(AddressStep::Put(Version::default())));
    let running = SeenAddress { operation: Some(Ok(())), ..SeenAddress::default() };
    assert_eq!(next(&wish(), &running), None);
    assert_eq!(report(&wish(), &running).standing, AddressStanding::Partial);
    assert_eq!(next(&wish(), &seen("Updating", None)), None);
    assert_eq!(report(&wish(), &seen("Updating", None)).standing, AddressStanding::Partial);
    assert_eq!(next(&wish(), &reserved()), None);
    let told = report(&wish(), &reserved());
    assert_eq!((told.standing, told.address), (AddressStanding::Reserved, Some([198, 51, 100, 7].into())));
    assert_eq!(
        (told.words["provisioningState"].as_str(), &told.reference[ADDRESS]),
        ("Succeeded", &"198.51.100.7".into())
    );
}

#[test]
fn available_to_assigned_the_interface_is_written_as_it_was_read_but_for_the_address() {
    let seen = SeenAddress { wanted: Some(interface(None)), ..reserved() };
    let Some(AddressStep::Attach { interface: id, written }) = next(&on("db-1"), &seen) else { panic!("attached") };
    assert_eq!(id, nic("db-1"));
    assert_eq!(publics(&written), [None, Some(&json!({"id": PIP}))], "in the primary configuration");
    assert_eq!((&written.0["location"], &written.0["properties"]["x"]), (&json!("westeurope"), &json!(1)));
    assert_eq!(next(&on("DB-1"), &held_by("db-1")), None, "Azure compares ids without case");
    let told = report(&on("db-1"), &held_by("db-1"));
    assert_eq!((told.standing, told.instance), (AddressStanding::Attached, Some(nic("db-1"))));
}

#[test]
fn from_node_to_node_and_back_to_nobody() {
    for wish in [on("db-2"), wish(), gone()] {
        let Some(AddressStep::Detach { interface: id, written }) = next(&wish, &held_by("db-1")) else {
            panic!("it is taken away")
        };
        assert_eq!((id, publics(&written)), (nic("db-1"), vec![None, None]));
    }
}

#[test]
fn created_to_deleted_it_is_released() {
    assert_eq!(next(&gone(), &reserved()), Some(AddressStep::Delete));
    assert_eq!(next(&gone(), &SeenAddress::default()), None);
    assert_eq!(report(&gone(), &SeenAddress::default()).standing, AddressStanding::Absent);
}

#[test]
fn an_address_that_was_released_in_the_cloud_is_not_replaced_by_another() {
    assert_eq!(next(&known(wish()), &SeenAddress::default()), None);
}

#[test]
fn an_interface_that_is_not_the_accounts_is_named() {
    let foreign = nic("db-1").replace("/S/", "/elsewhere/");
    let failure = told(next(&AddressWish { instance: Some(foreign.clone()), ..wish() }, &reserved()));
    assert_eq!(failure.class, Class::Specification);
    assert_eq!(failure.message, format!("{foreign} is not of this account's subscription S."));
    assert!(told(next(&on("ghost"), &reserved())).message.contains("networkInterfaces/ghost is no network interface"));
    let nameless = AddressWish { instance: Some("db-1".into()), ..wish() };
    assert!(told(next(&nameless, &reserved())).message.contains("write its id"));
}

#[test]
fn an_interface_that_has_another_address_keeps_it() {
    let seen = SeenAddress { wanted: Some(interface(Some(OTHER))), ..reserved() };
    assert!(told(next(&on("db-1"), &seen)).message.contains(OTHER));
}

#[test]
fn what_somebody_gave_to_something_else_is_told_and_left_there() {
    let balancer = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/loadBalancers/theirs";
    let seen = seen("Succeeded", Some(format!("{balancer}/frontendIPConfigurations/public")));
    assert!(told(next(&gone(), &seen)).message.contains("loadBalancers/theirs"));
}

#[test]
fn an_operation_that_went_wrong_is_told_and_what_failed_is_written_again() {
    let failure = Failure::new(Class::Operator, "PublicIPCountLimitReached", "Too many.");
    let seen_failed = SeenAddress { operation: Some(Err(failure.clone())), ..SeenAddress::default() };
    assert_eq!(told(next(&wish(), &seen_failed)), failure);
    assert_eq!(next(&wish(), &seen("Failed", None)), Some(AddressStep::Put(Version::default())));
    assert_eq!(next(&gone(), &seen("Failed", None)), Some(AddressStep::Delete));
}

#[test]
fn a_log_names_the_interface_and_nothing_that_is_in_it() {
    let step = AddressStep::Attach { interface: nic("db-1"), written: interface(None) };
    assert_eq!(format!("{step:?}"), format!("Attach {}", nic("db-1")));
}
