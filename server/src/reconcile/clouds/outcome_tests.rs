use std::collections::BTreeSet;

use app::domain::{
    AccountId, ProjectId,
    connection::{ConnectionForm, ConnectionType, NewConnection, StateInfo},
};
use clouds::{NetworkReport, Report};
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp(1_795_144_320_000);

fn vpc() -> CloudVpcRow {
    CloudVpcRow {
        id: VpcId::from_uuid(Uuid::now_v7()),
        project: ProjectId::from_uuid(Uuid::now_v7()),
        account: AccountId::from_uuid(Uuid::now_v7()),
        name: "orders".parse().expect("a name"),
        cloud: "aws-eu-west-1".parse().expect("a cloud"),
        cidr: "10.20.0.0/22".parse().expect("a range"),
        deleting: false,
        asked_at: NOW,
        refresh_asked_at: None,
        seen: CloudNetworkSeen {
            state: VpcState::Approved,
            cloud_id: None,
            reference: serde_json::Map::new(),
            error: None,
            failing_since: None,
            attempt: 0,
            looked_at: None,
            next_look_at: None,
            refreshed_at: None,
        },
    }
}

fn connection(vpc: &CloudVpcRow) -> ConnectionRow {
    let form = ConnectionForm {
        peer_cloud_account: "123456789012".into(),
        peer_vpc: "vpc-0123456789abcdef0".into(),
        ..ConnectionForm::default()
    };
    let new = NewConnection::parse(&vpc.cloud, &form).expect("a good form");
    let info = StateInfo::at_first(ConnectionType::AwsVpcPeeringConnection, Vec::new());
    ConnectionRow {
        id: ConnectionId::from_uuid(Uuid::now_v7()),
        vpc: vpc.id,
        peer: new.peer,
        ranges: new.cidrs,
        deleting: false,
        created_at: NOW,
        seen: ConnectionSeen::at_first(info, NOW),
    }
}

fn judged(vpc: &CloudVpcRow, rows: &[ConnectionRow], looked: &Outcome<Pass>, later: i64) -> Verdict {
    let setting = Setting {
        now: NOW.plus_seconds(later),
        looked_at: NOW.plus_seconds(later),
        identity: "210987654321",
        simulated: true,
        warnings: &BTreeMap::new(),
        interval: None,
    };
    judge(vpc, rows, looked, &setting)
}

fn ready() -> Pass {
    let network = NetworkReport { standing: NetworkStanding::Ready, ..NetworkReport::default() };
    Pass { report: Report { network, ..Report::default() }, made: Vec::new(), failed: Vec::new() }
}

fn seen(row: &ConnectionRow, state: Option<&str>) -> Pass {
    let mut pass = ready();
    let report = ConnectionReport { state: state.map(str::to_owned), ..ConnectionReport::default() };
    pass.report.connections.insert(uuid(row.id), report);
    pass
}

fn away() -> Failure {
    Failure::new(Class::Unreachable, "transport", "connection refused")
}

#[test]
fn a_network_that_stands_makes_its_vpc_active_and_the_log_says_that_it_is_simulated() {
    let verdict = judged(&vpc(), &[], &Ok(ready()), 0);
    assert_eq!(verdict.network.state, VpcState::Active);
    let [news] = &verdict.notes[..] else { panic!("one entry: {:?}", verdict.notes) };
    assert_eq!(news.kind, ChangeKind::ProjectVpcStateChange);
    assert_eq!(news.after.get("simulated").map(String::as_str), Some("yes"));
    assert_eq!(verdict.network.next_look_at, Some(NOW.plus_seconds(600)));
}

#[test]
fn a_cloud_that_is_away_for_a_moment_is_asked_again_soon_and_nobody_reads_of_it() {
    let first = judged(&vpc(), &[], &Err(away()), 0);
    assert_eq!((first.network.error, first.network.attempt), (None, 1));
    assert_eq!(first.network.next_look_at, Some(NOW.plus_seconds(10)));
    let mut long = vpc();
    (long.seen.failing_since, long.seen.attempt) = (Some(NOW), 5);
    let later = judged(&long, &[], &Err(away()), 121);
    let error = later.network.error.expect("after two minutes it is said");
    assert!(error.message.contains("connection refused"), "{}", error.message);
    assert!(error.retry_at > NOW.plus_seconds(121));
}

#[test]
fn a_cloud_that_says_how_long_it_is_busy_is_left_alone_for_so_long() {
    let busy = |seconds| {
        let failure = Failure::new(Class::Retry, "TooManyRequests", "later");
        Failure { retry_after: Some(Duration::from_secs(seconds)), ..failure }
    };
    let whole = judged(&vpc(), &[], &Err(busy(90)), 0);
    assert_eq!(whole.network.next_look_at, Some(NOW.plus_seconds(90)));
    let (vpc, mut pass) = (vpc(), ready());
    let row = connection(&vpc);
    pass.failed.push((Subject::Connection(uuid(row.id)), busy(45)));
    pass.made.push((Subject::Network, "CreateSubnet".to_owned()));
    assert!(!pass.moved(), "the rest waits, too: it is the same cloud that is busy");
    let one = judged(&vpc, std::slice::from_ref(&row), &Ok(pass), 0);
    assert_eq!(one.network.next_look_at, Some(NOW.plus_seconds(45)));
    assert_eq!(one.connections[&row.id].next_look_at, Some(NOW.plus_seconds(45)));
    let absurd = judged(&vpc, &[], &Err(busy(u64::MAX)), 0);
    assert_eq!(absurd.network.next_look_at, Some(NOW.plus_seconds(1_800)));
}

#[test]
fn refused_credentials_are_said_at_once_in_the_clouds_words() {
    let refused =
        Failure::new(Class::Credentials, "AuthFailure", "AWS was not able to validate the access credentials");
    let verdict = judged(&vpc(), &[], &Err(refused), 0);
    assert!(verdict.network.error.is_some_and(|error| error.message.contains("AuthFailure")));
    assert_eq!(verdict.network.state, VpcState::Approved);
}

#[test]
fn a_refresh_is_done_by_the_look_that_began_after_it() {
    let mut row = vpc();
    row.refresh_asked_at = Some(NOW.plus_seconds(5));
    let too_early = judged(&row, &[], &Ok(ready()), 4);
    assert_eq!(too_early.network.refreshed_at, None, "it was asked for while the cloud was being read");
    let done = judged(&row, &[], &Ok(ready()), 6);
    assert_eq!(done.network.refreshed_at, row.refresh_asked_at);
    let failed = judged(&row, &[], &Err(away()), 6);
    assert_eq!(failed.network.refreshed_at, None);
    assert!(failed.network.next_look_at > Some(NOW.plus_seconds(6)), "a cloud that is away is not asked without pause");
}

#[test]
fn what_was_seen_may_be_hidden_for_a_moment_and_not_for_as_long_as_what_nobody_has_seen() {
    let vpc = vpc();
    let mut row = connection(&vpc);
    row.seen.sent_at = Some(NOW);
    let unseen = judged(&vpc, &[row.clone()], &Ok(seen(&row, None)), 2);
    assert_eq!(unseen.connections[&row.id].sent_at, Some(NOW));
    let known = judged(&vpc, &[row.clone()], &Ok(seen(&row, Some("pending-acceptance"))), 2);
    assert_eq!(known.connections[&row.id].state, ConnectionState::PendingPeer);
    assert_eq!(known.connections[&row.id].sent_at, Some(NOW.plus_seconds(2 + 5 - 60)), "five seconds are left");
    row.seen = known.connections[&row.id].clone();
    let later = judged(&vpc, &[row.clone()], &Ok(seen(&row, Some("pending-acceptance"))), 9);
    assert_eq!(later.connections[&row.id].sent_at, row.seen.sent_at, "they are not given anew");
}

#[test]
fn a_peer_that_grows_is_noted_as_rebuilt_with_both_lists() {
    let vpc = vpc();
    let mut row = connection(&vpc);
    (row.seen.state, row.seen.was_active) = (ConnectionState::Active, true);
    row.seen.routed = vec!["10.30.0.0/16".parse().expect("a range")];
    row.seen.opened.clone_from(&row.seen.routed);
    let mut pass = seen(&row, Some("active"));
    let report = pass.report.connections.get_mut(&uuid(row.id)).expect("it was just put there");
    report.routed = vec!["10.30.0.0/16".parse().expect("a range"), "10.31.0.0/16".parse().expect("a range")];
    report.opened.clone_from(&report.routed);
    let verdict = judged(&vpc, std::slice::from_ref(&row), &Ok(pass), 0);
    let kinds: BTreeSet<_> = verdict.notes.iter().map(|news| format!("{:?}", news.kind)).collect();
    assert!(kinds.contains("VpcPeeringConnectionRebuilt"), "{kinds:?}");
    let news = verdict.notes.iter().find(|news| news.kind == ChangeKind::VpcPeeringConnectionRebuilt);
    let news = news.expect("it is there");
    assert_eq!(news.before.get("routed").map(String::as_str), Some("10.30.0.0/16"));
    assert_eq!(news.after.get("routed").map(String::as_str), Some("10.30.0.0/16, 10.31.0.0/16"));
}

#[test]
fn a_vpc_goes_only_after_its_last_connection() {
    let mut vpc = vpc();
    vpc.deleting = true;
    vpc.seen.state = VpcState::Deleting;
    let mut row = connection(&vpc);
    row.deleting = true;
    (row.seen.state, row.seen.since) = (ConnectionState::Deleting, NOW);
    let mut pass = seen(&row, Some("deleting"));
    pass.report.network.standing = NetworkStanding::Absent;
    let waits = judged(&vpc, std::slice::from_ref(&row), &Ok(pass), 0);
    assert_eq!(waits.network.state, VpcState::Deleting);
    let mut pass = seen(&row, None);
    pass.report.network.standing = NetworkStanding::Absent;
    let gone = judged(&vpc, &[row], &Ok(pass), 1);
    assert_eq!(gone.network.state, VpcState::Deleted);
}
