//! What is reported and planned, without a cloud.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    AzureAccount, names,
    plan::{Step, plan, report},
    seen::{Grant, Operation, Seen, Version},
};
use crate::{Class, ConnectionWish, Failure, NetworkStanding, Opening, Peer, Reference, Secret, Subject, Wish};

const APP: &str = "0af12345-0000-4000-8000-00000000000b";
const TENANT: &str = "0af12345-0000-4000-8000-00000000000c";
const THEIRS: &str = "/subscriptions/s2/resourceGroups/quay/providers/Microsoft.Network/virtualNetworks/harbor";

fn account() -> AzureAccount {
    AzureAccount {
        tenant: "t".into(),
        client_id: "c".into(),
        client_secret: Secret::new("x"),
        subscription: "s".into(),
        resource_group: "g".into(),
    }
}

fn connection(number: u128) -> ConnectionWish {
    ConnectionWish {
        id: Uuid::from_u128(number),
        peer: Peer::Azure {
            subscription: "s2".into(),
            resource_group: "quay".into(),
            network: "harbor".into(),
            tenant: TENANT.into(),
            app: APP.into(),
        },
        present: true,
        ranges: Vec::new(),
        reference: Reference::new(),
        sent_at: None,
        was_active: false,
    }
}

fn wish(connections: Vec<ConnectionWish>) -> Wish {
    Wish {
        id: Uuid::from_u128(7),
        name: "alpha".into(),
        region: "westeurope".into(),
        cidr: "10.20.0.0/24".parse().expect("a range"),
        present: true,
        reference: Reference::new(),
        connections,
        openings: vec![Opening::Tcp { from: 443, to: 443 }, Opening::Tcp { from: 5432, to: 5440 }],
        now: 1_000_000,
    }
}

fn network(wish: &Wish, peerings: &[Value]) -> Value {
    let group = names::security_group_id(&account(), wish).to_uppercase();
    let subnet = json!({"name": "default", "properties": {"networkSecurityGroup": {"id": group}}});
    json!({"id": names::network_id(&account(), wish), "properties": {
        "provisioningState": "Succeeded", "subnets": [subnet], "virtualNetworkPeerings": peerings}})
}

fn peering(connection: &ConnectionWish, state: &str, level: &str) -> Value {
    json!({"name": connection.name(), "properties": {
        "remoteVirtualNetwork": {"id": THEIRS}, "allowVirtualNetworkAccess": true, "allowForwardedTraffic": false,
        "peeringState": state, "peeringSyncLevel": level, "provisioningState": "Succeeded",
        "remoteAddressSpace": {"addressPrefixes": ["10.94.0.0/20", "fd00::/48"]},
        "remoteVirtualNetworkAddressSpace": {"addressPrefixes": ["10.94.0.0/20", "10.95.0.0/20"]}}})
}

fn granted(name: Uuid, principal: &str, scope: &str) -> Grant {
    Grant { name, principal: principal.into(), role: names::role_id(&account()), scope: scope.to_uppercase() }
}

/// A network that stands, with everything that its peerings need.
fn seen(wish: &Wish, peerings: &[Value]) -> Seen {
    let network = serde_json::from_value(network(wish, peerings)).expect("a network");
    let mut seen = Seen { network: Some(network), ..Seen::default() };
    seen.grants = Ok(vec![granted(names::grant(wish.id, APP), "p", &names::network_id(&account(), wish))]);
    let rules: Vec<Value> = super::group::wanted(wish, &seen).iter().map(super::group::Rule::written).collect();
    let group = json!({"properties": {"provisioningState": "Succeeded", "securityRules": rules}});
    seen.group = serde_json::from_value(group).expect("a group");
    seen
}

fn steps(wish: &Wish, seen: &Seen) -> Vec<Step> {
    plan(&account(), wish, seen).into_iter().map(|(_, step)| step).collect()
}

#[test]
fn the_network_is_made_after_its_security_group_and_a_peering_after_both() {
    let wish = wish(vec![connection(1)]);
    let mut bare = Seen::default();
    assert!(matches!(&steps(&wish, &bare)[..], [Step::PutSecurityGroup { rules, .. }] if rules.len() == 2));
    bare.group = serde_json::from_value(json!({"properties": {"provisioningState": "Updating"}})).expect("a group");
    assert_eq!(steps(&wish, &bare), []);
    bare.group = seen(&wish, &[]).group;
    assert_eq!(steps(&wish, &bare), [Step::PutNetwork(Version::default())]);
    let ready = seen(&wish, &[]);
    assert!(
        matches!(&steps(&wish, &ready)[..], [Step::PutPeering { remote, tenant, syncs: false, forwards: false, .. }]
        if remote == THEIRS && tenant == TENANT)
    );
    assert_eq!(report(&account(), &wish, &ready).network.standing, NetworkStanding::Ready);
}

#[test]
fn the_other_sides_application_is_let_in_before_the_peering_is_made() {
    let wish = wish(vec![connection(1)]);
    let mut seen = seen(&wish, &[]);
    let id = wish.connections[0].id;
    seen.grants = Ok(Vec::new());
    seen.principals.insert(APP.into(), Ok(None));
    assert_eq!(steps(&wish, &seen), [Step::CreatePrincipal { connection: id, application: APP.into() }]);
    seen.principals.insert(APP.into(), Ok(Some("p".into())));
    assert_eq!(steps(&wish, &seen), [Step::DefineRole { connection: id }]);
    seen.role = Ok(true);
    let grant = names::grant(wish.id, APP);
    assert_eq!(steps(&wish, &seen), [Step::Grant { connection: id, grant, principal: "p".into() }]);
    // Somebody has granted the same by hand, and more of it.
    seen.grants = Ok(vec![granted(Uuid::from_u128(9), "P", "/subscriptions/s")]);
    assert!(matches!(&steps(&wish, &seen)[..], [Step::PutPeering { .. }]));
}

#[test]
fn that_grants_cannot_be_read_hinders_what_is_not_connected_yet() {
    let wish = wish(vec![connection(1)]);
    let denied = || Failure::new(Class::Denied, "AuthorizationFailed", "no");
    let mut waiting = seen(&wish, &[]);
    waiting.grants = Err(denied());
    assert!(matches!(&steps(&wish, &waiting)[..], [Step::Tell { failure, .. }] if *failure == denied()));
    let mut connected = seen(&wish, &[peering(&wish.connections[0], "Connected", "FullyInSync")]);
    connected.grants = Err(denied());
    assert_eq!(steps(&wish, &connected), []);
}

#[test]
fn what_is_as_wished_is_not_written_again() {
    let wish = wish(vec![connection(1)]);
    for state in ["Initiated", "Connected", "Disconnected"] {
        let seen = seen(&wish, &[peering(&wish.connections[0], state, "FullyInSync")]);
        assert_eq!(steps(&wish, &seen), [], "{state}");
    }
}

#[test]
fn ranges_that_changed_on_the_other_side_are_taken_over() {
    let wish = wish(vec![connection(1)]);
    for (level, syncs) in [("RemoteNotInSync", true), ("LocalAndRemoteNotInSync", true), ("LocalNotInSync", false)] {
        let seen = seen(&wish, &[peering(&wish.connections[0], "Connected", level)]);
        let planned = steps(&wish, &seen);
        let put = planned.iter().any(|step| matches!(step, Step::PutPeering { syncs: true, .. }));
        assert_eq!(put, syncs, "{level}");
        let told = &report(&account(), &wish, &seen).connections[&wish.connections[0].id];
        // What is there now, and what the peering carries; IPv6 is routed by nothing here.
        assert_eq!((told.peer_ranges.as_ref().map(Vec::len), told.routed.len()), (Some(2), 1));
    }
}

#[test]
fn one_peering_of_a_network_changes_at_a_time() {
    let mut second = connection(2);
    if let Peer::Azure { network, .. } = &mut second.peer {
        *network = "other".into();
    }
    let wish = wish(vec![connection(1), second]);
    let mut seen = seen(&wish, &[]);
    assert_eq!(steps(&wish, &seen).iter().filter(|step| step.locks()).count(), 1);
    let subject = Subject::Connection(wish.connections[0].id);
    seen.operations.insert(subject, Operation::Running { locks: true });
    assert_eq!(steps(&wish, &seen), [], "the second waits for the first");
    assert!(report(&account(), &wish, &seen).connections[&wish.connections[0].id].settling);
    seen.operations.clear();
    if let Some(network) = &mut seen.network {
        network.properties.provisioning_state = "Updating".into();
    }
    assert_eq!(steps(&wish, &seen), [], "somebody else changes the network");
}

#[test]
fn an_operation_that_failed_is_told_before_anything_else_is_tried() {
    let wish = wish(vec![connection(1)]);
    let mut seen = seen(&wish, &[]);
    let (subject, failure) = (Subject::Connection(wish.connections[0].id), Failure::new(Class::Operator, "Quota", "q"));
    seen.operations.insert(subject, Operation::Failed(failure.clone()));
    assert_eq!(steps(&wish, &seen), [Step::Tell { subject, failure }]);
}

#[test]
fn openings_follow_the_peer_and_close_with_it() {
    let wish = wish(vec![connection(1)]);
    let (id, name) = (wish.connections[0].id, wish.connections[0].name());
    let mut seen = seen(&wish, &[peering(&wish.connections[0], "Connected", "FullyInSync")]);
    let told = report(&account(), &wish, &seen).connections[&id].clone();
    assert_eq!(told.opened, told.routed);
    let rules = seen.group.clone().expect("a group").properties.security_rules;
    let rule = rules.iter().find(|rule| rule["name"] == name.as_str()).expect("a rule");
    assert_eq!(rule["properties"]["destinationPortRanges"], json!(["443", "5432-5440"]));
    assert_eq!(rule["properties"]["protocol"], "Tcp");
    // The peer leaves, and nothing is let in from it any more; a rule of somebody else stays.
    if let Some(group) = &mut seen.group {
        let other = json!({"name": "theirs", "properties": {"priority": 1000, "provisioningState": "Succeeded"}});
        group.properties.security_rules.push(other);
    }
    let left = peering(&wish.connections[0], "Disconnected", "FullyInSync");
    let Some(network) = &mut seen.network else { panic!("a network") };
    network.properties.virtual_network_peerings = vec![serde_json::from_value(left).expect("a peering")];
    let planned = steps(&wish, &seen);
    let [Step::PutSecurityGroup { rules, kept, .. }] = &planned[..] else { panic!("{planned:?}") };
    assert!(rules.iter().all(|rule| rule.name != name));
    assert_eq!(kept, &[json!({"name": "theirs", "properties": {"priority": 1000}})]);
}

#[test]
fn a_deleted_connection_takes_its_grant_back_unless_another_one_uses_it() {
    let mut wish = wish(vec![connection(1), connection(2)]);
    let peerings = [peering(&wish.connections[0], "Connected", "FullyInSync")];
    wish.connections[0].present = false;
    let both = seen(&wish, &peerings);
    let subject = Subject::Connection(wish.connections[0].id);
    let planned = steps(&wish, &both);
    assert!(matches!(&planned[0], Step::DeletePeering { subject: of, .. } if *of == subject), "{planned:?}");
    wish.connections.pop();
    let alone = seen(&wish, &peerings);
    assert_eq!(steps(&wish, &alone)[0], Step::Revoke { subject, grant: names::grant(wish.id, APP) });
}

#[test]
fn a_deleted_connection_is_not_gone_while_its_grant_may_be_left() {
    let mut wish = wish(vec![connection(1)]);
    wish.connections[0].present = false;
    let id = wish.connections[0].id;
    let is_settling = |wish: &Wish, seen: &Seen| report(&account(), wish, seen).connections[&id].settling;
    let mut bare = seen(&wish, &[]);
    assert!(is_settling(&wish, &bare), "it is about to be revoked");
    let denied = Failure::new(Class::Denied, "AuthorizationFailed", "no");
    bare.grants = Err(denied.clone());
    assert!(is_settling(&wish, &bare), "nobody knows");
    let told = Step::Tell { subject: Subject::Connection(id), failure: denied };
    assert!(steps(&wish, &bare).contains(&told), "{:?}", steps(&wish, &bare));
    bare.grants = Ok(Vec::new());
    assert!(!is_settling(&wish, &bare));
    bare.grants = seen(&wish, &[]).grants;
    wish.connections.push(connection(2));
    assert!(!is_settling(&wish, &bare), "another connection uses it");
}

#[test]
fn a_vpc_is_taken_down_from_the_outside_in_also_what_the_console_has_forgotten() {
    let mut wish = wish(Vec::new());
    wish.present = false;
    let stray = peering(&connection(3), "Connected", "FullyInSync");
    let mut there = seen(&wish, &[stray]);
    assert!(matches!(&steps(&wish, &there)[..], [Step::DeletePeering { subject: Subject::Network, .. }]));
    if let Some(network) = &mut there.network {
        network.properties.virtual_network_peerings.clear();
    }
    assert!(matches!(&steps(&wish, &there)[..], [Step::Revoke { subject: Subject::Network, .. }]));
    there.grants = Ok(vec![granted(Uuid::from_u128(9), "p", "/subscriptions/s")]);
    assert_eq!(steps(&wish, &there), [Step::DeleteNetwork], "what is granted above it is not its own");
    there.network = None;
    assert_eq!(steps(&wish, &there), [Step::DeleteSecurityGroup]);
    there.group = None;
    assert_eq!(steps(&wish, &there), []);
    assert_eq!(report(&account(), &wish, &there).network.standing, NetworkStanding::Absent);
}

#[test]
fn what_the_other_side_needs_is_known_before_there_is_anything() {
    let wish = wish(vec![connection(1)]);
    let told = report(&account(), &wish, &Seen::default()).connections[&wish.connections[0].id].clone();
    assert_eq!(told.identifiers["to-tenant-id"], "t");
    assert_eq!(
        told.identifiers["to-network-id"],
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/causeway-000000000007"
    );
    assert!(!told.settling && told.state.is_none());
}
