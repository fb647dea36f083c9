use proptest::prelude::*;

use super::{
    super::{
        ConnectionType, FailureClass,
        fixtures::{AWS, AZURE, GOOGLE, Row, TGW, UPCLOUD, UUID, said, sight},
    },
    *,
};
use ConnectionState::{
    Active, Approved, ApprovedPeerRequested, Deleted, DeletedByPeer, Deleting, Error, InvalidSpecification,
    PendingPeer, RejectedByPeer,
};

const ACTIVE: &str = "The peering connection is active.";
const LEFT: &str = "The connection was deleted on the peer side. Delete it here; create a new one to reconnect.";
const REMOVING: &str = "Removing routes and the console side of the connection.";
const AWS_PENDING: &str = "AWS account 111122223333 has not accepted peering connection pcx-0a yet. Waiting for you to finish the setup in AWS.";
const GOOGLE_PENDING: &str = "Network harbor of project tidewater-prod has no matching peering yet. If this stays pending, check that the project ID and the network name are exact. Waiting for you to finish the setup in Google Cloud.";
const AZURE_PENDING: &str = "Virtual network harbor in resource group quay has no peering back to this VPC yet. Waiting for you to finish the setup in Azure.";
const UPCLOUD_PENDING: &str = "UpCloud network 03a1b2c3-0000-4000-8000-000000000001 has no peering back to this VPC yet. Waiting for you to finish the setup in UpCloud.";

#[test]
fn every_word_of_every_cloud_moves_a_connection_and_says_why() {
    let rejected = "The request was rejected in account 111122223333. Delete it and create a new one.";
    let sent = |cloud: &str| format!("The request was sent to {cloud}; waiting for confirmation.");
    let refused = |cloud: &str, reason: &str| {
        format!(
            "{cloud} refused the request: {reason}. Correct the details, delete this connection and create it again."
        )
    };
    let problem = |reason: &str| format!("Temporary problem on the console side: {reason}. It will be retried.");
    let no_reason = "AWS gave no reason; the account, the VPC or its region does not exist, or the ranges of the two networks overlap";
    let no_attachment = "the attachment could not be made, and AWS gave no reason";
    for (kind, from, word, to, message) in [
        // 4.1
        (AWS, Approved, "initiating-request", ApprovedPeerRequested, sent("AWS")),
        (AWS, ApprovedPeerRequested, "pending-acceptance", PendingPeer, AWS_PENDING.into()),
        (AWS, Approved, "pending-acceptance", PendingPeer, AWS_PENDING.into()),
        (AWS, PendingPeer, "provisioning", PendingPeer, "Accepted; AWS is activating it.".into()),
        (AWS, PendingPeer, "active", Active, ACTIVE.into()),
        (AWS, Approved, "active", Active, ACTIVE.into()),
        (AWS, Error, "active", Active, ACTIVE.into()),
        (AWS, Error, "pending-acceptance", PendingPeer, AWS_PENDING.into()),
        (AWS, ApprovedPeerRequested, "failed", InvalidSpecification, refused("AWS", no_reason)),
        (AWS, PendingPeer, "failed", InvalidSpecification, refused("AWS", no_reason)),
        (AWS, PendingPeer, "rejected", RejectedByPeer, rejected.into()),
        (
            AWS,
            PendingPeer,
            "expired",
            InvalidSpecification,
            "Not accepted within 7 days. Delete this connection and create it again.".into(),
        ),
        (AWS, Active, "deleting", DeletedByPeer, LEFT.into()),
        (AWS, Active, "deleted", DeletedByPeer, LEFT.into()),
        (AWS, PendingPeer, "deleted", DeletedByPeer, LEFT.into()),
        (AWS, Error, "failed", InvalidSpecification, refused("AWS", no_reason)),
        (AWS, Approved, "odd", Error, problem("AWS reports a state that the console does not know: odd")),
        // 4.2
        (TGW, Approved, "initiating", ApprovedPeerRequested, sent("AWS")),
        (TGW, Approved, "initiatingRequest", ApprovedPeerRequested, sent("AWS")),
        (TGW, Approved, "pending", ApprovedPeerRequested, sent("AWS")),
        (
            TGW,
            ApprovedPeerRequested,
            "pendingAcceptance",
            PendingPeer,
            "AWS account 111122223333 has not accepted attachment tgw-attach-0a to tgw-0123456789abcdef0 yet. Waiting for you to finish the setup in AWS.".into(),
        ),
        (TGW, PendingPeer, "pending", ApprovedPeerRequested, sent("AWS")),
        (TGW, PendingPeer, "available", Active, ACTIVE.into()),
        (TGW, ApprovedPeerRequested, "modifying", Active, ACTIVE.into()),
        (TGW, PendingPeer, "rejecting", RejectedByPeer, rejected.into()),
        (TGW, PendingPeer, "rejected", RejectedByPeer, rejected.into()),
        (TGW, ApprovedPeerRequested, "failing", InvalidSpecification, refused("AWS", no_attachment)),
        (TGW, ApprovedPeerRequested, "failed", InvalidSpecification, refused("AWS", no_attachment)),
        (TGW, ApprovedPeerRequested, "rollingBack", InvalidSpecification, refused("AWS", no_attachment)),
        (TGW, Active, "deleting", DeletedByPeer, LEFT.into()),
        (TGW, Active, "deleted", DeletedByPeer, LEFT.into()),
        // 4.3
        (GOOGLE, Approved, "INACTIVE", PendingPeer, GOOGLE_PENDING.into()),
        (GOOGLE, Approved, "ACTIVE", Active, ACTIVE.into()),
        (GOOGLE, PendingPeer, "ACTIVE", Active, ACTIVE.into()),
        (GOOGLE, Active, "INACTIVE", DeletedByPeer, LEFT.into()),
        // 4.4
        (AZURE, ApprovedPeerRequested, "Initiated", PendingPeer, AZURE_PENDING.into()),
        (AZURE, Approved, "Connected", Active, ACTIVE.into()),
        (AZURE, PendingPeer, "Connected", Active, ACTIVE.into()),
        (AZURE, Active, "Disconnected", DeletedByPeer, LEFT.into()),
        (AZURE, PendingPeer, "Disconnected", DeletedByPeer, LEFT.into()),
        // 4.5
        (UPCLOUD, Approved, "provisioning", ApprovedPeerRequested, sent("UpCloud")),
        (UPCLOUD, ApprovedPeerRequested, "pending-peer", PendingPeer, UPCLOUD_PENDING.into()),
        (UPCLOUD, PendingPeer, "active", Active, ACTIVE.into()),
        (UPCLOUD, Approved, "active", Active, ACTIVE.into()),
        (
            UPCLOUD,
            PendingPeer,
            "conflict-subnet",
            InvalidSpecification,
            refused("UpCloud", "the UpCloud network overlaps with the VPC range 10.0.0.0/24"),
        ),
        (
            UPCLOUD,
            ApprovedPeerRequested,
            "missing-local-router",
            Error,
            problem("the VPC's own network has no router; the console attaches one"),
        ),
        (UPCLOUD, Approved, "missing-peer-router", PendingPeer, UPCLOUD_PENDING.into()),
        (UPCLOUD, Active, "deleted-peer-network", DeletedByPeer, LEFT.into()),
        (UPCLOUD, Active, "pending-peer", DeletedByPeer, LEFT.into()),
        (UPCLOUD, Active, "peer-disabled", PendingPeer, UPCLOUD_PENDING.into()),
        (
            UPCLOUD,
            Active,
            "disabled",
            Error,
            problem("its side of the peering was disabled in UpCloud; the console enables it"),
        ),
        (UPCLOUD, Active, "error", Error, problem("UpCloud reports an error")),
    ] {
        assert_eq!(said(Row::new(kind, from).sees(word)), Some((to, message)), "{kind:?} {from} sees {word}");
    }
}

#[test]
fn the_clouds_own_sentence_is_the_reason_that_a_person_reads() {
    let failed = Sight { message: "VPCs vpc-1 and vpc-2 have overlapping CIDR blocks.".into(), ..sight("failed") };
    let told = Row::new(AWS, ApprovedPeerRequested).told(Event::Sight(&failed)).expect("a move");
    assert_eq!(
        told.message,
        "AWS refused the request: VPCs vpc-1 and vpc-2 have overlapping CIDR blocks. Correct the details, delete this connection and create it again."
    );
    let mut broken = Sight { message: "Peering could not be provisioned.".into(), ..sight("Initiated") };
    broken.details.insert("provisioningState".into(), "Failed".into());
    let told = Row::new(AZURE, ApprovedPeerRequested).told(Event::Sight(&broken)).expect("a move");
    assert_eq!(
        (told.state, told.message.as_str()),
        (Error, "Temporary problem on the console side: Peering could not be provisioned. It will be retried.")
    );
}

#[test]
fn the_moves_that_people_and_the_console_make() {
    let sent = "The request was sent to Azure; waiting for confirmation.";
    let accepted = "The request is accepted. The console is creating its side of the connection.";
    assert_eq!(said(Row::new(AZURE, Approved).told(Event::Sent)), Some((ApprovedPeerRequested, sent.into())));
    assert_eq!(said(Row::new(AZURE, Error).told(Event::Sent)), Some((Approved, accepted.into())));
    assert_eq!(said(Row::new(AZURE, Error).told(Event::Refresh)), Some((Approved, accepted.into())));
    for state in [PendingPeer, Active, ApprovedPeerRequested] {
        assert_eq!(Row::new(AZURE, state).told(Event::Sent), None, "{state}: it was sent long ago");
        assert_eq!(Row::new(AZURE, state).told(Event::Refresh), None, "{state}: the next look decides");
    }
    for state in [Approved, Active, Error] {
        assert_eq!(Row::new(AZURE, state).told(Event::VpcActive), None, "{state}: what waited is sent");
    }
}

#[test]
fn every_state_but_deleted_goes_to_deleting_when_it_or_its_vpc_is_deleted() {
    for state in ConnectionState::ALL {
        for event in [Event::DeleteAsked, Event::VpcDeleting] {
            let told = said(Row::new(AWS, state).told(event));
            let expected = (!matches!(state, Deleting | Deleted)).then(|| (Deleting, REMOVING.to_owned()));
            assert_eq!(told, expected, "{state} {event:?}");
        }
        // A console that was stopped between the two learns it from the row.
        let row = Row { delete_asked: true, ..Row::new(AWS, state) };
        let told = said(row.sees("active")).map(|(state, _)| state);
        let expected = match state {
            Deleted => None,
            _ => Some(Deleting),
        };
        assert_eq!(told, expected, "{state}");
    }
}

#[test]
fn deleting_ends_when_the_cloud_has_nothing_left_of_it() {
    let nothing = Sight::default();
    for kind in ConnectionType::ALL {
        let row = Row::new(kind, Deleting);
        assert_eq!(said(row.told(Event::Sight(&nothing))), Some((Deleted, "Deleted.".into())), "{kind:?}");
        assert_eq!(said(row.fails(FailureClass::Gone, "NotFound", "")), Some((Deleted, "Deleted.".into())));
        let routes = Sight { remains: true, ..Sight::default() };
        assert_ne!(said(row.told(Event::Sight(&routes))).map(|(state, _)| state), Some(Deleted), "routes are left");
        let settling = Sight { settling: true, ..Sight::default() };
        assert_ne!(said(row.told(Event::Sight(&settling))).map(|(state, _)| state), Some(Deleted), "not visible yet");
    }
    for (kind, words) in
        [(AWS, ["deleted", "failed", "rejected", "expired"]), (TGW, ["deleted", "failed", "rejected", "rejected"])]
    {
        for word in words {
            assert_eq!(said(Row::new(kind, Deleting).sees(word)), Some((Deleted, "Deleted.".into())), "{word}");
        }
    }
    for (kind, word) in
        [(AWS, "deleting"), (AWS, "active"), (GOOGLE, "INACTIVE"), (AZURE, "Disconnected"), (UPCLOUD, "disabled")]
    {
        let mut row = Row::new(kind, Deleting);
        row.info.message = REMOVING.into();
        assert_eq!(row.sees(word), None, "{word} is still there");
    }
}

#[test]
fn a_deletion_that_is_held_up_says_why_until_it_goes_on() {
    let mut row = Row::new(UPCLOUD, Deleting);
    row.info.message = REMOVING.into();
    assert_eq!(row.fails(FailureClass::Retry, "429", "Slow down."), None, "nobody reads of a moment");
    let told = row.fails(FailureClass::Denied, "FORBIDDEN", "No permission.").expect("a sentence");
    assert_eq!(
        (told.state, told.message.as_str()),
        (
            Deleting,
            "Removing routes and the console side of the connection. UpCloud does not let it happen yet: No permission (FORBIDDEN). It will be retried."
        )
    );
    row.info.message = told.message;
    assert_eq!(said(row.sees("disabled")), Some((Deleting, REMOVING.into())));
}

#[test]
fn only_deleting_leads_out_of_a_closed_state_and_nothing_out_of_deleted() {
    for from in ConnectionState::ALL {
        for to in ConnectionState::ALL {
            let legal = match (from, to) {
                (from, to) if from == to => false,
                (Deleted, _) => false,
                (Deleting, to) => to == Deleted,
                (InvalidSpecification | RejectedByPeer | DeletedByPeer, to) => to == Deleting,
                (_, Deleted) => false,
                (from, Approved) => from == Error,
                _ => true,
            };
            assert_eq!(from.may_become(to), legal, "{from} to {to}");
        }
    }
    for closed in [InvalidSpecification, RejectedByPeer, DeletedByPeer, Deleted] {
        for word in ["active", "pending-acceptance", "deleted", "failed"] {
            assert_eq!(Row::new(AWS, closed).sees(word), None, "{closed} sees {word}");
        }
        assert_eq!(Row::new(AWS, closed).fails(FailureClass::Operator, "X", "x"), None);
        assert_eq!(Row::new(AWS, closed).told(Event::Refresh), None);
        assert_eq!(Row::new(AWS, closed).told(Event::Sent), None);
    }
}

#[test]
fn answers_from_before_take_nothing_back() {
    for word in ["initiating-request", "pending-acceptance", "provisioning"] {
        assert_eq!(Row::new(AWS, Active).sees(word), None, "{word} after active");
    }
    assert_eq!(Row::new(AWS, PendingPeer).sees("initiating-request"), None);
    assert_eq!(Row::new(TGW, Active).sees("pendingAcceptance"), None);
    assert_eq!(Row::new(UPCLOUD, Active).sees("provisioning"), None);
    // Active a moment ago: what cannot be taken back waits for the next look.
    let fresh = Row { since: 3, ..Row::new(GOOGLE, Active) };
    assert_eq!(fresh.sees("INACTIVE"), None);
    assert_eq!(said(Row { since: 10, ..fresh }.sees("INACTIVE")), Some((DeletedByPeer, LEFT.into())));
}

#[test]
fn what_was_active_once_is_remembered_through_an_error() {
    let row = Row { was_active: true, ..Row::new(GOOGLE, Error) };
    assert_eq!(said(row.sees("INACTIVE")), Some((DeletedByPeer, LEFT.into())));
    assert_eq!(said(Row::new(GOOGLE, Error).sees("INACTIVE")), Some((PendingPeer, GOOGLE_PENDING.into())));
}

#[test]
fn absence_right_after_the_request_is_not_visible_yet() {
    let settling = Sight { settling: true, ..Sight::default() };
    for state in [Approved, ApprovedPeerRequested, PendingPeer, Active, Error] {
        assert_eq!(Row::new(AWS, state).told(Event::Sight(&settling)), None, "{state}");
    }
    let nothing = Sight::default();
    for state in [Approved, ApprovedPeerRequested, Error] {
        assert_eq!(Row::new(AWS, state).told(Event::Sight(&nothing)), None, "{state}: it is made");
    }
    // One object for both sides: somebody deleted it. With two, ours is made again.
    assert_eq!(said(Row::new(AWS, PendingPeer).told(Event::Sight(&nothing))), Some((DeletedByPeer, LEFT.into())));
    let missing = "Temporary problem on the console side: its side of the peering is missing in Google Cloud. It will be retried.";
    assert_eq!(said(Row::new(GOOGLE, Active).told(Event::Sight(&nothing))), Some((Error, missing.into())));
}

#[test]
fn row_15_upclouds_limits_have_a_sentence_each() {
    let row = Row::new(UPCLOUD, ApprovedPeerRequested);
    let reason = |sight: &Sight| said(row.told(Event::Sight(sight))).expect("a move").1;
    let mut utility = sight("pending-peer");
    utility.details.insert("peer_network_type".into(), "utility".into());
    assert!(
        reason(&utility).contains(&format!("Only networks of type private can be peered. {UUID} is of type utility."))
    );
    let mut elsewhere = sight("pending-peer");
    elsewhere.details.insert("peer_zone".into(), "fi-hel1".into());
    assert!(reason(&elsewhere).contains(
        "The UpCloud network is in zone fi-hel1; the VPC is in zone de-fra1. Both must be in the same zone."
    ));
    let ranges = Some(vec!["10.0.0.0/16".parse().expect("a range")]);
    let overlapping = Sight { peer_ranges: ranges, ..sight("conflict-subnet") };
    assert!(reason(&overlapping).contains("The UpCloud network 10.0.0.0/16 overlaps with the VPC range 10.0.0.0/24."));
}

#[test]
fn upclouds_warnings_come_and_go_with_what_it_says() {
    let mut row = Row::new(UPCLOUD, PendingPeer);
    let told = row.sees("missing-peer-router").expect("a warning");
    assert_eq!(
        told.warnings,
        [Warning::new(WarningKind::UpcloudPeeringInError, "The UpCloud network has no router. Attach a router to it.")]
    );
    row.info = row.info.after(UPCLOUD, &told, &BTreeMap::new());
    assert_eq!(row.sees("missing-peer-router"), None, "told once");
    assert_eq!(row.fails(FailureClass::Retry, "429", ""), None, "a failed look takes no warning back");
    assert_eq!(row.sees("pending-peer").expect("news").warnings, []);
    let disabled = row.sees("peer-disabled").expect("a warning").warnings;
    assert_eq!(disabled[0].message, "The peering is disabled in UpCloud.");
    let broken = row.sees("error").expect("a warning");
    assert_eq!((broken.state, broken.warnings[0].kind), (Error, WarningKind::UpcloudPeeringInError));
}

#[test]
fn warnings_of_the_network_stand_beside_those_of_the_cloud_while_it_routes() {
    let overlap = Warning::new(WarningKind::OverlappingPeerVpcIpRanges, "The peer range …");
    let row = Row { warnings: vec![overlap.clone()], ..Row::new(UPCLOUD, PendingPeer) };
    let told = row.sees("missing-peer-router").expect("news");
    assert_eq!(told.warnings[0], overlap);
    assert_eq!(told.warnings.len(), 2);
    assert_eq!(row.told(Event::DeleteAsked).expect("news").warnings, []);
    let found = row.told(Event::Refresh).expect("a new warning is news").warnings;
    assert_eq!(found, [overlap]);
}

#[test]
fn state_info_is_filled_in_every_state_and_never_forgets_an_identifier() {
    let first = StateInfo::at_first(AWS, Vec::new());
    assert_eq!(first.kind, "aws-vpc-peering-connection-approved");
    assert_eq!(first.message, "The request is accepted. The console is creating its side of the connection.");
    let learnt = |id: &str| BTreeMap::from([("aws_vpc_peering_connection_id".to_owned(), id.to_owned())]);
    let pending = first.after(AWS, &Told::new(PendingPeer, "…"), &learnt("pcx-1"));
    let active = pending.after(AWS, &Told::new(Active, sentence::ACTIVE), &learnt(""));
    assert_eq!(active.kind, "aws-vpc-peering-connection-active");
    assert_eq!(active.extra, learnt("pcx-1"));
}

fn words() -> impl Strategy<Value = Option<String>> {
    let words = [
        "initiating-request",
        "pending-acceptance",
        "provisioning",
        "active",
        "failed",
        "rejected",
        "expired",
        "deleting",
        "deleted",
        "initiating",
        "initiatingRequest",
        "pending",
        "pendingAcceptance",
        "modifying",
        "available",
        "rejecting",
        "failing",
        "rollingBack",
        "INACTIVE",
        "ACTIVE",
        "Initiated",
        "Connected",
        "Disconnected",
        "pending-peer",
        "conflict-subnet",
        "missing-local-router",
        "missing-peer-router",
        "deleted-peer-network",
        "peer-disabled",
        "disabled",
        "error",
        "",
        "nonsense",
    ];
    prop::option::weighted(0.9, prop::sample::select(words.to_vec()).prop_map(str::to_owned))
}

#[derive(Clone, Debug)]
enum Happens {
    Sight(Sight),
    Failed(Failed),
    Plain(u8),
}

fn happens() -> impl Strategy<Value = Happens> {
    let classes = vec![
        FailureClass::Retry,
        FailureClass::Unreachable,
        FailureClass::Credentials,
        FailureClass::Denied,
        FailureClass::Specification,
        FailureClass::Operator,
        FailureClass::Gone,
        FailureClass::Unexpected,
    ];
    let codes = vec!["LinkedAuthorizationFailed", "InvalidTransitGatewayID.NotFound", "PEERING_CONFLICT", "X", ""];
    let sights = (words(), any::<bool>(), any::<bool>())
        .prop_map(|(state, settling, remains)| Happens::Sight(Sight { state, settling, remains, ..Sight::default() }));
    let failures = (prop::sample::select(classes), prop::sample::select(codes))
        .prop_map(|(class, code)| Happens::Failed(Failed { class, code: code.into(), message: "It said so.".into() }));
    prop_oneof![6 => sights, 3 => failures, 2 => (0u8..5).prop_map(Happens::Plain)]
}

proptest! {
    #[test]
    fn no_sequence_of_events_makes_an_illegal_move(
        kind in prop::sample::select(ConnectionType::ALL.to_vec()),
        events in prop::collection::vec((happens(), 0i64..2_000), 1..60),
    ) {
        let mut row = Row { since: 0, ..Row::new(kind, Approved) };
        row.info = StateInfo::at_first(kind, Vec::new());
        for (event, seconds) in events {
            row.since += seconds;
            let failed = matches!(event, Happens::Failed(_));
            row.failing = if failed { Some(row.failing.unwrap_or(0) + seconds) } else { None };
            let told = match &event {
                Happens::Sight(sight) => row.told(Event::Sight(sight)),
                Happens::Failed(failed) => row.told(Event::Failed(failed)),
                Happens::Plain(0) => row.told(Event::Sent),
                Happens::Plain(1) => row.told(Event::Refresh),
                Happens::Plain(2) => row.told(Event::VpcActive),
                Happens::Plain(3) => row.told(Event::VpcDeleting),
                Happens::Plain(_) => row.told(Event::DeleteAsked),
            };
            let Some(told) = told else { continue };
            prop_assert!(!told.message.is_empty());
            if told.state == row.state {
                prop_assert!(told.message != row.info.message || told.warnings != row.info.warnings, "nothing new was told");
            } else {
                prop_assert!(row.state.may_become(told.state), "{} to {}", row.state, told.state);
                if row.state.is_closed() {
                    prop_assert_eq!(told.state, Deleting);
                }
                prop_assert_ne!(row.state, Deleted);
                row.since = 0;
            }
            row.was_active |= told.state == Active;
            row.state = told.state;
            row.info = row.info.after(kind, &told, &BTreeMap::new());
        }
    }
}
