//! Plan, report and the rules, without a server: every state of domain 4.5.

use ipnet::Ipv4Net;
use serde_json::json;
use uuid::Uuid;

use super::{
    admit, adopt,
    plan::{Seen, Step, plan, report},
    wire::{Network, Peering, Router},
};
use crate::{Class, ConnectionWish, Failure, NetworkStanding, Peer, Reference, Subject, Wish};

const VPC: Uuid = Uuid::from_u128(0x0197_aaaa);
const CONNECTION: Uuid = Uuid::from_u128(0x0197_bbbb_0000_4000_8000_0000_0000_0001);
const NAME: &str = "console-000000000001";
const OURS: Uuid = Uuid::from_u128(0x03_0001);
const THEIRS: Uuid = Uuid::from_u128(0x03_0002);
const ROUTER: Uuid = Uuid::from_u128(0x04_0001);
const PEERING: Uuid = Uuid::from_u128(0x0f_0001);

fn wish() -> Wish {
    Wish {
        id: VPC,
        name: "alpha".to_owned(),
        region: "de-fra1".to_owned(),
        cidr: range("10.20.0.0/24"),
        present: true,
        reference: Reference::new(),
        connections: vec![ConnectionWish {
            id: CONNECTION,
            peer: Peer::UpCloud { network: THEIRS.to_string() },
            present: true,
            ranges: Vec::new(),
            reference: Reference::new(),
            sent_at: None,
            was_active: false,
        }],
        openings: Vec::new(),
        now: 1_000_000,
    }
}

fn range(text: &str) -> Ipv4Net {
    text.parse().expect("a range")
}

fn network(router: Option<Uuid>) -> Network {
    let labels = json!([{"key": "causeway-vpc", "value": VPC}]);
    serde_json::from_value(
        json!({"uuid": OURS, "type": "private", "zone": "de-fra1", "router": router, "labels": labels}),
    )
    .expect("a network")
}

fn peering(configured: &str, state: &str) -> Peering {
    serde_json::from_value(json!({
        "uuid": PEERING, "name": "console-000000000001", "configured_status": configured, "state": state,
        "network": {"uuid": OURS, "ip_networks": {"ip_network": [{"address": "10.20.0.0/24", "family": "IPv4"}]}},
        "peer_network": {"uuid": THEIRS},
        "labels": [{"key": "causeway-vpc", "value": VPC}, {"key": "causeway-connection", "value": CONNECTION}],
    }))
    .expect("a peering")
}

fn standing(peerings: Vec<Peering>) -> Seen {
    Seen { network: Some(network(Some(ROUTER))), router: Some(ROUTER), peerings, ..Seen::default() }
}

fn next(wish: &Wish, seen: &Seen) -> Vec<Step> {
    plan(wish, seen).into_iter().map(|(_, step)| step).collect()
}

#[test]
fn a_network_is_made_after_its_router_and_the_peering_after_both() {
    let wish = wish();
    assert_eq!(next(&wish, &Seen::default()), [Step::CreateRouter]);
    let seen = Seen { router: Some(ROUTER), ..Seen::default() };
    assert_eq!(next(&wish, &seen), [Step::CreateNetwork { router: ROUTER }]);
    assert_eq!(report(&wish, &seen).network.standing, NetworkStanding::Partial);
    let seen = standing(Vec::new());
    assert_eq!(report(&wish, &seen).network.standing, NetworkStanding::Ready);
    assert_eq!(
        next(&wish, &seen),
        [Step::CreatePeering { connection: CONNECTION, name: NAME.to_owned(), network: OURS, peer: THEIRS }]
    );
}

#[test]
fn what_was_asked_for_moments_ago_is_not_asked_for_again() {
    let seen = Seen { settling: true, ..Seen::default() };
    assert_eq!(next(&wish(), &seen), []);
    assert_eq!(report(&wish(), &seen).network.standing, NetworkStanding::Partial);
}

#[test]
fn a_network_that_lost_its_router_gets_it_back_and_needs_a_new_one_where_it_is_gone() {
    let mut seen = standing(vec![peering("active", "missing-local-router")]);
    seen.network = Some(network(None));
    assert_eq!(next(&wish(), &seen), [Step::AttachRouter { network: OURS, router: ROUTER }]);
    assert_eq!(report(&wish(), &seen).network.standing, NetworkStanding::Partial);
    seen.router = None;
    assert_eq!(next(&wish(), &seen), [Step::CreateRouter]);
}

#[test]
fn every_state_is_told_in_the_clouds_own_word_and_left_alone_where_it_is_not_ours_to_change() {
    for state in [
        "provisioning",
        "pending-peer",
        "active",
        "conflict-subnet",
        "missing-local-router",
        "missing-peer-router",
        "deleted-peer-network",
        "peer-disabled",
        "error",
    ] {
        let seen = standing(vec![peering("active", state)]);
        let connection = &report(&wish(), &seen).connections[&CONNECTION];
        assert_eq!(connection.state.as_deref(), Some(state));
        assert_eq!(connection.identifiers["to_network_uuid"], OURS.to_string());
        assert_eq!(connection.reference["peering_uuid"], PEERING.to_string());
        assert_eq!(connection.details["configured_status"], "active");
        assert_eq!(next(&wish(), &seen), [], "{state}");
    }
}

#[test]
fn a_peering_that_somebody_disabled_on_our_side_is_enabled_once() {
    assert_eq!(next(&wish(), &standing(vec![peering("disabled", "disabled")])), [Step::EnablePeering(PEERING)]);
    // Already asked for: another PATCH would begin anew.
    assert_eq!(next(&wish(), &standing(vec![peering("active", "disabled")])), []);
    assert_eq!(next(&wish(), &standing(vec![peering("disabled", "provisioning")])), []);
}

#[test]
fn the_peers_ranges_are_unknown_while_it_is_awaited_and_routed_when_it_is_active() {
    let pending = &report(&wish(), &standing(vec![peering("active", "pending-peer")])).connections[&CONNECTION];
    assert_eq!(pending.peer_ranges, None);
    let mut active = peering("active", "active");
    active.peer_network.ip_networks = serde_json::from_value(json!({"ip_network": [
        {"address": "192.168.99.0/24", "family": "IPv4"}, {"address": "fc02:c4f3:99::/64", "family": "IPv6"},
    ]}))
    .expect("two ranges");
    let active = &report(&wish(), &standing(vec![active])).connections[&CONNECTION];
    assert_eq!(active.peer_ranges, Some(vec![range("192.168.99.0/24")]));
    assert_eq!(active.routed, [range("192.168.99.0/24")]);
    assert_eq!(active.opened, active.routed);
}

#[test]
fn a_connection_is_disabled_then_waited_for_then_deleted() {
    let mut wish = wish();
    wish.connections[0].present = false;
    let step = |configured: &str, state: &str| next(&wish, &standing(vec![peering(configured, state)]));
    assert_eq!(step("active", "provisioning"), []);
    assert_eq!(step("active", "active"), [Step::DisablePeering(PEERING)]);
    assert_eq!(step("active", "deleted-peer-network"), [Step::DisablePeering(PEERING)]);
    assert_eq!(step("disabled", "active"), []);
    assert_eq!(step("disabled", "pending-peer"), []);
    assert_eq!(step("disabled", "disabled"), [Step::DeletePeering(PEERING)]);
    assert_eq!(step("disabled", "error"), [Step::DeletePeering(PEERING)]);
    assert_eq!(next(&wish, &standing(Vec::new())), []);
}

#[test]
fn the_network_goes_after_its_peerings_and_its_router_last() {
    let mut wish = wish();
    wish.present = false;
    assert_eq!(next(&wish, &standing(vec![peering("active", "active")])), [Step::DisablePeering(PEERING)]);
    assert_eq!(next(&wish, &standing(Vec::new())), [Step::DeleteNetwork(OURS)]);
    assert_eq!(next(&wish, &Seen { router: Some(ROUTER), ..Seen::default() }), [Step::DeleteRouter(ROUTER)]);
    assert_eq!(next(&wish, &Seen::default()), []);
    assert_eq!(report(&wish, &Seen::default()).network.standing, NetworkStanding::Absent);
}

#[test]
fn a_peering_of_ours_that_the_console_forgot_goes_with_the_network() {
    let mut wish = wish();
    wish.present = false;
    wish.connections.clear();
    let steps = plan(&wish, &standing(vec![peering("active", "pending-peer")]));
    assert_eq!(steps, [(Subject::Network, Step::DisablePeering(PEERING))]);
}

#[test]
fn the_twin_that_a_lost_answer_left_behind_is_removed() {
    let twin = Uuid::from_u128(0x03_0009);
    let labels = json!([{"key": "causeway-vpc", "value": VPC}]);
    let other: Network = serde_json::from_value(json!({"uuid": twin, "labels": labels})).expect("a network");
    let routers: Vec<Router> = serde_json::from_value(json!([
        {"uuid": ROUTER, "labels": labels}, {"uuid": Uuid::from_u128(0x04_0009), "labels": labels},
        {"uuid": Uuid::from_u128(0x04_000a), "labels": []},
    ]))
    .expect("routers");
    let seen = Seen::sorted(&wish(), vec![other, network(Some(ROUTER))], routers, Vec::new());
    assert_eq!(seen.network.as_ref().map(|network| network.uuid), Some(OURS));
    assert_eq!(seen.router, Some(ROUTER));
    assert_eq!(seen.stray_routers, [Uuid::from_u128(0x04_0009)]);
    let steps = plan(&wish(), &seen);
    assert!(steps.contains(&(Subject::Network, Step::DeleteNetwork(twin))), "{steps:?}");
}

#[test]
fn absence_is_settling_only_just_after_the_request() {
    let mut wish = wish();
    let settling = |wish: &Wish| report(wish, &standing(Vec::new())).connections[&CONNECTION].settling;
    assert!(!settling(&wish));
    wish.connections[0].sent_at = Some(wish.now - 1_000);
    assert!(settling(&wish));
    wish.connections[0].sent_at = Some(wish.now - 61_000);
    assert!(!settling(&wish));
}

fn theirs(kind: &str, zone: &str, cidr: &str) -> Network {
    serde_json::from_value(json!({
        "uuid": THEIRS, "type": kind, "zone": zone,
        "ip_networks": {"ip_network": [{"address": cidr, "family": "IPv4"}]},
    }))
    .expect("a network")
}

#[test]
fn what_can_be_read_of_the_peer_is_checked_before_it_is_asked() {
    let refused = |theirs: Option<Network>, peer: Uuid| {
        admit(&wish(), OURS, peer, theirs.as_ref()).map_err(|failure| (failure.code, failure.message))
    };
    assert_eq!(refused(None, THEIRS), Ok(()));
    assert_eq!(refused(Some(theirs("private", "de-fra1", "10.30.0.0/24")), THEIRS), Ok(()));
    let itself = "A network cannot be peered with itself.";
    assert_eq!(refused(None, OURS), Err(("PEERING_WITH_ITSELF".to_owned(), itself.to_owned())));
    let (code, message) = refused(Some(theirs("public", "de-fra1", "10.30.0.0/24")), THEIRS).expect_err("public");
    assert_eq!(code, "NETWORK_TYPE_INVALID");
    assert_eq!(message, format!("Only networks of type private can be peered. {THEIRS} is of type public."));
    let (code, message) = refused(Some(theirs("private", "fi-hel1", "10.30.0.0/24")), THEIRS).expect_err("zone");
    assert_eq!(code, "ZONE_MISMATCH");
    assert!(message.contains("is in zone fi-hel1; the VPC is in zone de-fra1"), "{message}");
    let (code, message) = refused(Some(theirs("private", "de-fra1", "10.20.0.0/16")), THEIRS).expect_err("overlap");
    assert_eq!(code, "conflict-subnet");
    assert_eq!(message, "The UpCloud network 10.20.0.0/16 overlaps with the VPC range 10.20.0.0/24.");
}

#[test]
fn a_peering_in_the_way_is_adopted_if_it_is_ours_and_refused_if_it_is_not() {
    let conflict = || Failure::new(Class::Specification, "PEERING_CONFLICT", "A peering exists already.");
    let ask = |peering: Peering| adopt(&[peering], (CONNECTION, NAME), OURS, THEIRS, conflict());
    assert_eq!(ask(peering("active", "pending-peer")), Ok(None));
    let mut named = peering("active", "pending-peer");
    named.labels.clear();
    assert_eq!(ask(named.clone()), Ok(Some(PEERING)));
    named.name = "made by hand".to_owned();
    assert_eq!(ask(named).map_err(|failure| failure.class), Err(Class::Specification));
    let mut other = peering("disabled", "disabled");
    other.labels[1].value = Uuid::from_u128(7).to_string();
    assert_eq!(ask(other).map_err(|failure| failure.class), Err(Class::Retry));
    assert_eq!(
        adopt(&[], (CONNECTION, NAME), OURS, THEIRS, conflict()).map_err(|failure| failure.class),
        Err(Class::Retry)
    );
}
