//! Plan and report without a server: every state of domain 4.3.

use ipnet::Ipv4Net;
use uuid::Uuid;

use super::{
    plan::{Step, plan, report},
    seen::{Firewall, Network, Operation, Peering, Seen, network_name},
};
use crate::{Class, ConnectionWish, Failure, NetworkStanding, Opening, Peer, Reference, Subject, Wish};

const FIRST: Uuid = Uuid::from_u128(0x0197_bbbb_0000_4000_8000_0000_0000_0001);
const SECOND: Uuid = Uuid::from_u128(0x0197_bbbb_0000_4000_8000_0000_0000_0002);

fn connection(id: Uuid, project: &str) -> ConnectionWish {
    ConnectionWish {
        id,
        peer: Peer::Google { project: project.to_owned(), network: "main".to_owned() },
        present: true,
        ranges: Vec::new(),
        reference: Reference::new(),
        sent_at: None,
        was_active: false,
    }
}

fn wish() -> Wish {
    Wish {
        id: Uuid::from_u128(0x0197_aaaa_0000_4000_8000_0000_0000_000a),
        name: "alpha".to_owned(),
        region: "europe-west1".to_owned(),
        cidr: range("10.20.0.0/24"),
        present: true,
        reference: Reference::new(),
        connections: vec![connection(FIRST, "customer-1")],
        openings: vec![Opening::Tcp { from: 5432, to: 5432 }],
        now: 1_000_000,
    }
}

fn range(text: &str) -> Ipv4Net {
    text.parse().expect("a range")
}

fn peering(id: Uuid, state: &str) -> Peering {
    Peering {
        name: connection(id, "customer-1").name(),
        network: "https://www.googleapis.com/compute/v1/projects/customer-1/global/networks/main".to_owned(),
        state: state.to_owned(),
        details: "[2026-11-20T11:00:00.000Z]: Waiting for peer network to connect.".to_owned(),
        exchanges_subnet_routes: true,
        imports_custom_routes: false,
    }
}

fn seen(peerings: Vec<Peering>) -> Seen {
    let name = network_name(&wish());
    let subnetworks =
        vec![format!("https://www.googleapis.com/compute/v1/projects/p/regions/europe-west1/subnetworks/{name}")];
    Seen { network: Some(Network { subnetworks, peerings }), ..Seen::default() }
}

fn next(wish: &Wish, seen: &Seen) -> Vec<Step> {
    plan(wish, seen).into_iter().map(|(_, step)| step).collect()
}

fn add(id: Uuid, project: &str) -> Step {
    Step::AddPeering {
        connection: id,
        name: connection(id, project).name(),
        peer: format!("projects/{project}/global/networks/main"),
        imports_custom_routes: false,
    }
}

fn rule(ranges: &[&str]) -> Firewall {
    Firewall {
        name: connection(FIRST, "").name(),
        ranges: ranges.iter().map(|text| range(text)).collect(),
        openings: vec![Opening::Tcp { from: 5432, to: 5432 }],
    }
}

#[test]
fn the_network_is_made_before_its_subnetwork_and_both_before_the_peering() {
    let wish = wish();
    assert_eq!(next(&wish, &Seen::default()), [Step::InsertNetwork]);
    assert_eq!(report("p", &wish, &Seen::default()).network.standing, NetworkStanding::Absent);
    let bare = Seen { network: Some(Network::default()), ..Seen::default() };
    assert_eq!(next(&wish, &bare), [Step::InsertSubnetwork]);
    assert_eq!(report("p", &wish, &bare).network.standing, NetworkStanding::Partial);
    assert_eq!(next(&wish, &seen(Vec::new())), [add(FIRST, "customer-1")]);
    assert_eq!(report("p", &wish, &seen(Vec::new())).network.standing, NetworkStanding::Ready);
}

#[test]
fn what_the_other_side_needs_is_told_before_anything_exists() {
    let told = &report("console-1", &wish(), &Seen::default()).connections[&FIRST];
    assert_eq!(told.identifiers["to_project_id"], "console-1");
    assert_eq!(told.identifiers["to_vpc_network"], "causeway-00000000000a");
    assert_eq!(told.state, None);
}

#[test]
fn an_inactive_peering_is_waited_for_and_told_in_googles_own_words() {
    let seen = seen(vec![peering(FIRST, "INACTIVE")]);
    let told = &report("p", &wish(), &seen).connections[&FIRST];
    assert_eq!(told.state.as_deref(), Some("INACTIVE"));
    assert!(told.message.ends_with("Waiting for peer network to connect."), "{}", told.message);
    assert_eq!(told.peer_ranges, None);
    assert_eq!(next(&wish(), &seen), []);
}

#[test]
fn an_active_peering_is_opened_for_what_comes_in_and_for_what_the_person_added() {
    let mut seen = seen(vec![peering(FIRST, "ACTIVE")]);
    seen.incoming.insert(FIRST, vec![range("10.92.0.0/20")]);
    let open = Step::InsertFirewall { connection: FIRST, rule: rule(&["10.92.0.0/20"]) };
    assert_eq!(next(&wish(), &seen), [open]);
    let told = &report("p", &wish(), &seen).connections[&FIRST];
    assert_eq!(told.peer_ranges, Some(vec![range("10.92.0.0/20")]));
    assert_eq!((told.routed.as_slice(), told.opened.as_slice()), ([range("10.92.0.0/20")].as_slice(), [].as_slice()));

    seen.firewalls = vec![rule(&["10.92.0.0/20"])];
    assert_eq!(next(&wish(), &seen), []);
    assert_eq!(report("p", &wish(), &seen).connections[&FIRST].opened, [range("10.92.0.0/20")]);

    // The peer got another subnet.
    seen.incoming.insert(FIRST, vec![range("10.92.0.0/20"), range("10.93.0.0/20")]);
    let open = Step::UpdateFirewall { connection: FIRST, rule: rule(&["10.92.0.0/20", "10.93.0.0/20"]) };
    assert_eq!(next(&wish(), &seen), [open]);
}

#[test]
fn ranges_that_a_person_added_need_the_peers_custom_routes() {
    let mut wish = wish();
    wish.connections[0].ranges = vec![range("192.168.7.0/24")];
    let mut seen = seen(vec![peering(FIRST, "ACTIVE")]);
    let update =
        Step::UpdatePeering { connection: FIRST, name: connection(FIRST, "").name(), imports_custom_routes: true };
    assert_eq!(next(&wish, &seen), [update]);
    seen.network.as_mut().expect("a network").peerings[0].imports_custom_routes = true;
    seen.incoming.insert(FIRST, vec![range("10.92.0.0/20")]);
    let open = Step::InsertFirewall { connection: FIRST, rule: rule(&["10.92.0.0/20", "192.168.7.0/24"]) };
    assert_eq!(next(&wish, &seen), [open]);
}

#[test]
fn a_peering_that_the_peer_took_away_lets_nobody_in_any_more() {
    let mut wish = wish();
    wish.connections[0].was_active = true;
    let mut seen = seen(vec![peering(FIRST, "INACTIVE")]);
    seen.firewalls = vec![rule(&["10.92.0.0/20"])];
    let close = Step::DeleteFirewall { subject: Subject::Connection(FIRST), name: connection(FIRST, "").name() };
    assert_eq!(next(&wish, &seen), std::slice::from_ref(&close));
    // Also where our side of it has to be mended, or is gone itself: that may be refused for long.
    wish.connections[0].ranges = vec![range("192.168.7.0/24")];
    assert_eq!(next(&wish, &seen), std::slice::from_ref(&close));
    seen.network.as_mut().expect("a network").peerings.clear();
    assert_eq!(next(&wish, &seen), [close]);
    seen.firewalls.clear();
    assert!(matches!(next(&wish, &seen)[..], [Step::AddPeering { .. }]));
}

#[test]
fn a_connection_that_is_closed_lets_nobody_in_although_nobody_has_deleted_it() {
    // The reconciler no longer asks for what is closed; its peering is left to the person who deletes it.
    let wish = Wish { connections: Vec::new(), ..wish() };
    let mut seen = seen(vec![peering(FIRST, "INACTIVE")]);
    let office = Firewall { name: "console-access".to_owned(), ..rule(&["10.0.0.0/8"]) };
    seen.firewalls = vec![office, rule(&["10.92.0.0/20"])];
    let name = connection(FIRST, "").name();
    assert_eq!(next(&wish, &seen), [Step::DeleteFirewall { subject: Subject::Network, name }]);
    seen.firewalls.pop();
    assert_eq!(next(&wish, &seen), []);
}

#[test]
fn peerings_of_a_network_are_changed_one_at_a_time() {
    let mut wish = wish();
    wish.connections.push(connection(SECOND, "customer-2"));
    assert_eq!(next(&wish, &seen(Vec::new())), [add(FIRST, "customer-1")]);
    let mut running = seen(Vec::new());
    running.operations.insert(Subject::Connection(FIRST), Operation::Running { touches_peering: true });
    assert_eq!(next(&wish, &running), []);
    assert!(report("p", &wish, &running).connections[&FIRST].settling);
    // A rule is no peering.
    running.operations.insert(Subject::Connection(FIRST), Operation::Running { touches_peering: false });
    assert_eq!(next(&wish, &running), [add(SECOND, "customer-2")]);
}

#[test]
fn an_operation_that_failed_is_told_before_anything_is_tried_again() {
    let failure = Failure::new(Class::Specification, "INVALID_USAGE", "An IP range in the peer network overlaps.");
    let mut seen = seen(Vec::new());
    seen.operations.insert(Subject::Connection(FIRST), Operation::Failed(failure.clone()));
    assert_eq!(next(&wish(), &seen), [Step::Tell { subject: Subject::Connection(FIRST), failure }]);
}

#[test]
fn a_connection_goes_after_its_rule_and_the_network_after_all_of_them() {
    let mut wish = wish();
    wish.present = false;
    let mut seen = seen(vec![peering(FIRST, "ACTIVE")]);
    seen.firewalls = vec![rule(&["10.92.0.0/20"])];
    let name = connection(FIRST, "").name();
    let subject = Subject::Connection(FIRST);
    assert_eq!(next(&wish, &seen), [Step::DeleteFirewall { subject, name: name.clone() }]);
    seen.firewalls.clear();
    assert_eq!(next(&wish, &seen), [Step::RemovePeering { subject, name }]);
    seen.network.as_mut().expect("a network").peerings.clear();
    assert_eq!(next(&wish, &seen), [Step::DeleteSubnetwork]);
    seen.network.as_mut().expect("a network").subnetworks.clear();
    assert_eq!(next(&wish, &seen), [Step::DeleteNetwork]);
    assert_eq!(next(&wish, &Seen::default()), []);
}

#[test]
fn an_operation_that_found_its_work_done_is_no_failure() {
    let refused = |class, code: &str| Err(Failure::new(class, code, "why"));
    let add = add(FIRST, "customer-1");
    let name = connection(FIRST, "").name();
    let remove = Step::RemovePeering { subject: Subject::Connection(FIRST), name };
    // The first request was carried out, and its answer lost.
    assert_eq!(add.came_to(refused(Class::Unexpected, "RESOURCE_ALREADY_EXISTS")), Ok(()));
    assert_eq!(remove.came_to(refused(Class::Gone, "RESOURCE_NOT_FOUND")), Ok(()));
    let class = |step: &Step, class, code| step.came_to(refused(class, code)).expect_err("it was not done").class;
    assert_eq!(class(&add, Class::Gone, "RESOURCE_NOT_FOUND"), Class::Gone);
    assert_eq!(class(&remove, Class::Retry, "RESOURCE_NOT_READY"), Class::Retry);
    assert_eq!(class(&add, Class::Unexpected, "INVALID_USAGE"), Class::Specification);
    assert_eq!(class(&Step::InsertNetwork, Class::Unexpected, "INVALID_USAGE"), Class::Unexpected);
}

#[test]
fn a_rule_of_somebody_else_is_not_taken_down_with_the_network() {
    let mut wish = wish();
    (wish.present, wish.connections) = (false, Vec::new());
    let mut seen = seen(Vec::new());
    seen.firewalls = vec![Firewall { name: "console-access".to_owned(), ..rule(&["10.0.0.0/8"]) }];
    assert_eq!(next(&wish, &seen), [Step::DeleteSubnetwork]);
    seen.firewalls.push(rule(&["10.92.0.0/20"]));
    let name = connection(FIRST, "").name();
    assert_eq!(next(&wish, &seen), [Step::DeleteFirewall { subject: Subject::Network, name }]);
}

#[test]
fn a_peering_that_the_console_forgot_goes_with_the_network() {
    let mut wish = wish();
    wish.present = false;
    wish.connections.clear();
    let stray = peering(SECOND, "INACTIVE");
    let step = Step::RemovePeering { subject: Subject::Network, name: stray.name.clone() };
    assert_eq!(next(&wish, &seen(vec![stray])), [step]);
}
