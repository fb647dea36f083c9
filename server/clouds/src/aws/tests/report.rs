use super::*;
use crate::{
    Class, ConnectionReport, Failure, NetworkStanding, Subject,
    aws::{
        report::report,
        seen::{ATTACHMENT, PEERING},
        trail::Held,
    },
};

fn of(wish: &Wish, seen: &Seen) -> ConnectionReport {
    report(wish, seen).connections.remove(&OLDER).expect("every connection of the wish is in the report")
}

#[test]
fn a_network_is_absent_partial_or_ready() {
    let standing = |seen: &Seen| report(&wish(vec![]), seen).network.standing;
    assert_eq!(standing(&nothing()), NetworkStanding::Absent);
    assert_eq!(standing(&ready()), NetworkStanding::Ready);
    let mut seen = ready();
    seen.vpc.as_mut().expect("it is ready").state = Some("pending".into());
    assert_eq!(standing(&seen), NetworkStanding::Partial);
    let mut seen = ready();
    seen.tables[0].association_set.item.pop();
    assert_eq!(standing(&seen), NetworkStanding::Partial);
    assert_eq!(standing(&Seen { group: None, ..ready() }), NetworkStanding::Partial);
}

#[test]
fn the_network_is_known_by_the_ids_of_its_pieces() {
    let reference = serde_json::Value::Object(report(&wish(vec![]), &ready()).network.reference);
    let meant = serde_json::json!({
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-a", "subnet-b", "subnet-c"],
        "route_table_ids": ["rtb-1"],
        "security_group_id": "sg-1",
    });
    assert_eq!(reference, meant);
}

#[test]
fn every_status_is_told_in_the_clouds_own_words() {
    for state in [
        "initiating-request",
        "pending-acceptance",
        "provisioning",
        "active",
        "failed",
        "rejected",
        "expired",
        "deleting",
        "deleted",
    ] {
        let mut seen = ready();
        seen.peerings = vec![peering(OLDER, state, &[])];
        let told = of(&wish(vec![to_vpc(OLDER)]), &seen);
        assert_eq!((told.state.as_deref(), told.message), (Some(state), format!("It is {state}.")));
        assert_eq!(told.reference.get(PEERING).and_then(|id| id.as_str()), Some("pcx-1"));
    }
    for state in [
        "initiating",
        "initiatingRequest",
        "pending",
        "pendingAcceptance",
        "modifying",
        "available",
        "rejecting",
        "rejected",
        "failing",
        "failed",
        "rollingBack",
        "deleting",
        "deleted",
    ] {
        let seen = Seen { attachments: Ok(vec![attachment(OLDER, state)]), ..ready() };
        let told = of(&wish(vec![to_gateway(OLDER, &[])]), &seen);
        assert_eq!(told.state.as_deref(), Some(state));
        assert_eq!(told.reference.get(ATTACHMENT).and_then(|id| id.as_str()), Some("tgw-attach-1"));
    }
}

#[test]
fn a_pending_request_tells_the_peer_all_that_it_needs() {
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "pending-acceptance", &[])];
    let told = of(&wish(vec![to_vpc(OLDER)]), &seen);
    let identifiers: Vec<(&str, &str)> =
        told.identifiers.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        identifiers,
        [
            ("aws_vpc_peering_connection_id", "pcx-1"),
            ("peer_region", "us-east-1"),
            ("requester_account_id", "111122223333"),
            ("requester_cidr", "10.20.0.0/22"),
            ("requester_region", "eu-west-1"),
            ("requester_vpc_id", "vpc-1"),
        ]
    );
    assert_eq!(told.expires_at, Some(1_800_604_800_000));
}

#[test]
fn the_peers_ranges_are_unknown_until_it_is_active() {
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "pending-acceptance", &["10.30.0.0/16"])];
    assert_eq!(of(&wish(vec![to_vpc(OLDER)]), &seen).peer_ranges, None);
    seen.peerings = vec![peering(OLDER, "active", &["10.30.0.0/16"])];
    assert_eq!(of(&wish(vec![to_vpc(OLDER)]), &seen).peer_ranges, Some(vec![net("10.30.0.0/16")]));
}

#[test]
fn routes_and_openings_are_told_as_they_are() {
    let wish = wish(vec![to_vpc(OLDER)]);
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "active", &["10.30.0.0/16", "10.31.0.0/16"])];
    let seen = with_route(seen, "10.30.0.0/16", "pcx-1", "active");
    let seen = with_https(with_route(seen, "10.31.0.0/16", "pcx-1", "blackhole"), "10.31.0.0/16", OLDER);
    let told = of(&wish, &seen);
    assert_eq!((told.routed, told.opened), (vec![net("10.30.0.0/16")], vec![net("10.31.0.0/16")]));
    assert_eq!(told.details.get("blackhole").map(String::as_str), Some("10.31.0.0/16"));
}

#[test]
fn a_range_is_routed_if_every_route_table_has_it() {
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "active", &["10.30.0.0/16"])];
    let mut seen = with_route(seen, "10.30.0.0/16", "pcx-1", "active");
    assert_eq!(of(&wish(vec![to_vpc(OLDER)]), &seen).routed, [net("10.30.0.0/16")]);
    seen.tables.push(RouteTable { route_table_id: "rtb-2".into(), ..RouteTable::default() });
    assert_eq!(of(&wish(vec![to_vpc(OLDER)]), &seen).routed, []);
}

#[test]
fn of_two_that_claim_one_range_the_report_tells_whose_it_is() {
    let wish = wish(vec![to_vpc(OLDER), to_vpc(YOUNGER)]);
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "active", &["10.30.0.0/16"]), peering(YOUNGER, "active", &["10.30.0.0/16"])];
    let seen = with_route(seen, "10.30.0.0/16", "pcx-1", "active");
    let told = report(&wish, &seen);
    assert_eq!(told.connections[&OLDER].routed, [net("10.30.0.0/16")]);
    assert_eq!(told.connections[&YOUNGER].routed, []);
}

#[test]
fn what_was_asked_for_within_a_minute_is_settling_and_not_gone() {
    let sent = |ago: i64| ConnectionWish { sent_at: Some(NOW - ago), ..to_vpc(OLDER) };
    assert!(of(&wish(vec![sent(59_999)]), &ready()).settling);
    let late = of(&wish(vec![sent(60_000)]), &ready());
    assert!(!late.settling && late.state.is_none());
    let held = Held { call: "RequestPeering".into(), creates: Some(Subject::Connection(OLDER)) };
    assert!(of(&wish(vec![sent(60_000)]), &Seen { held: vec![held], ..ready() }).settling);
}

#[test]
fn an_id_outlives_its_connection() {
    let told = of(&wish(vec![referring(to_vpc(OLDER), PEERING, "pcx-1")]), &ready());
    assert_eq!((told.state, told.settling), (None, false));
    assert_eq!(told.identifiers.get("aws_vpc_peering_connection_id").map(String::as_str), Some("pcx-1"));
    assert_eq!(told.reference.get(PEERING).and_then(|id| id.as_str()), Some("pcx-1"));
}

#[test]
fn a_deleted_connection_is_gone_once_nothing_leads_there() {
    let wish = wish(vec![ConnectionWish { present: false, ..to_vpc(OLDER) }]);
    for state in ["failed", "rejected", "expired", "deleted"] {
        let mut seen = ready();
        seen.peerings = vec![peering(OLDER, state, &[])];
        let told = of(&wish, &seen);
        assert_eq!(told.state, None, "{state}");
        assert_eq!(told.details.get("last_state").map(String::as_str), Some(state));
        let seen = with_route(seen, "10.30.0.0/16", "pcx-1", "blackhole");
        assert_eq!(of(&wish, &seen).state.as_deref(), Some(state));
    }
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "deleting", &[])];
    assert_eq!(of(&wish, &seen).state.as_deref(), Some("deleting"));
}

#[test]
fn attachments_that_cannot_be_read_are_not_thought_gone() {
    let denied = Failure::new(Class::Denied, "UnauthorizedOperation", "You are not authorized.");
    let told = of(&wish(vec![to_gateway(OLDER, &[])]), &Seen { attachments: Err(denied), ..ready() });
    assert_eq!((told.state, told.settling), (None, true));
}
