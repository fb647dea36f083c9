use std::collections::BTreeSet;

use super::*;

fn form() -> GatewayForm {
    GatewayForm {
        name: "gw-oslo".into(),
        vpc: "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10".into(),
        tunnel: "10.200.1.0/24".into(),
        ..GatewayForm::default()
    }
}

#[test]
fn an_empty_field_means_the_default() {
    let new = form().parse().expect("a good form");
    assert_eq!(new.settings, GatewaySettings::default());
}

#[test]
fn every_bad_field_has_its_own_sentence() {
    let bad = GatewayForm {
        name: "GW".into(),
        vpc: "oslo".into(),
        public_address: "127.0.0.1".into(),
        tunnel: "10.200.0.0/30".into(),
        listen_port: "0".into(),
        mtu: "1279".into(),
        dns: "10.0.0.1, dns".into(),
        drift_policy: "ignore".into(),
        ..GatewayForm::default()
    };
    let refusals = bad.parse().unwrap_err();
    for (field, sentence) in [
        ("name", "Use lower-case letters, digits and dashes; start with a letter and end with a letter or digit."),
        ("vpc", "Choose a VPC."),
        ("public_address", "127.0.0.1 cannot be reached from another host. Enter the address that peers connect to."),
        ("tunnel", "The prefix length must be between /16 and /29."),
        ("listen_port", "Enter a port from 1 to 65535."),
        ("mtu", "Enter an MTU from 1280 to 9000."),
        ("dns", "dns is not an IPv4 address."),
        ("drift_policy", "Choose whether the agent repairs a difference or asks."),
    ] {
        assert_eq!(refusals.at(field), Some(sentence));
    }
    assert_eq!(refusals.0.len(), 8);
}

#[test]
fn row_74_addresses_are_given_lowest_first_and_never_network_gateway_or_broadcast() {
    let tunnel = Cidr::literal([10, 200, 1, 0], 29);
    assert_eq!(own_tunnel_address(tunnel), Ipv4Addr::new(10, 200, 1, 1));
    let mut taken = BTreeSet::new();
    let mut given = Vec::new();
    while let Some(address) = free_tunnel_address(tunnel, &taken) {
        taken.insert(address);
        given.push(address.octets()[3]);
    }
    assert_eq!(given, [2, 3, 4, 5, 6]);
}

#[test]
fn row_68_a_gateway_is_active_once_its_agent_has_applied_and_while_it_answers() {
    let now = Timestamp::from_seconds(1000);
    let mut seen = GatewayObservation { wanted: 1, ..GatewayObservation::default() };
    assert_eq!(seen.status(now, 300), GatewayStatus::Provisioning);
    (seen.enrolled, seen.last_seen) = (true, Some(now));
    assert_eq!((seen.status(now, 300), seen.sync(now, 300)), (GatewayStatus::Provisioning, ConfigSync::Pending));
    (seen.applied, seen.verified) = (1, 1);
    assert_eq!((seen.status(now, 300), seen.sync(now, 300)), (GatewayStatus::Active, ConfigSync::InSync));
    let later = now.plus_seconds(301);
    assert_eq!((seen.status(later, 300), seen.sync(later, 300)), (GatewayStatus::Error, ConfigSync::Silent));
    seen.recorded = true;
    assert_eq!(seen.status(now, 300), GatewayStatus::Recorded);
}

#[test]
fn a_gateway_whose_credential_was_revoked_is_an_error_at_once_and_claims_nothing() {
    let now = Timestamp::from_seconds(1000);
    let seen = GatewayObservation {
        last_seen: Some(now),
        wanted: 4,
        applied: 3,
        verified: 3,
        ..GatewayObservation::default()
    };
    assert_eq!((seen.status(now, 300), seen.sync(now, 300)), (GatewayStatus::Error, ConfigSync::Silent));
    let why = seen.not_peerable(&"gw-oslo".parse().expect("a name"), now, 300).expect("it cannot be peered");
    assert!(why.contains("was revoked"), "{why}");
}

#[test]
fn a_recording_host_promises_nothing_that_its_silence_could_break() {
    let now = Timestamp::from_seconds(100_000);
    let seen = GatewayObservation {
        enrolled: true,
        recorded: true,
        last_seen: Some(Timestamp::from_seconds(1000)),
        wanted: 3,
        applied: 3,
        verified: 3,
        ..GatewayObservation::default()
    };
    assert_eq!((seen.status(now, 300), seen.sync(now, 300)), (GatewayStatus::Recorded, ConfigSync::InSync));
}

#[test]
fn an_agent_is_not_silent_because_the_console_was_away() {
    let now = Timestamp::from_seconds(100_000);
    let seen = GatewayObservation {
        enrolled: true,
        last_seen: Some(Timestamp::from_seconds(1000)),
        wanted: 1,
        applied: 1,
        verified: 1,
        ..GatewayObservation::default()
    };
    assert_eq!(seen.clone().status(now, 300), GatewayStatus::Error);
    let since_a_minute = seen.clone().listened_to_since(now.plus_seconds(-60));
    assert_eq!(since_a_minute.status(now, 300), GatewayStatus::Active);
    assert_eq!(seen.listened_to_since(now.plus_seconds(-301)).status(now, 300), GatewayStatus::Error);
}

#[test]
fn row_82_a_gateway_that_cannot_be_peered_says_why() {
    let (now, name) = (Timestamp::from_seconds(1000), "gw-oslo".parse().expect("a name"));
    let mut seen = GatewayObservation { wanted: 1, ..GatewayObservation::default() };
    assert_eq!(seen.not_peerable(&name, now, 300).as_deref(), Some("gw-oslo has no host yet. Enrol one first."));
    (seen.enrolled, seen.last_seen) = (true, Some(now));
    assert!(seen.not_peerable(&name, now, 300).is_some_and(|why| why.contains("has not applied")));
    seen.applied = 1;
    assert_eq!(seen.not_peerable(&name, now, 300), None);
    assert!(seen.not_peerable(&name, now.plus_seconds(301), 300).is_some_and(|why| why.contains("is silent")));
}
