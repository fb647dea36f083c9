use super::{
    super::fixtures::{AWS, AZURE, GOOGLE, Row, TGW, UPCLOUD, UUID, said},
    *,
};
use crate::domain::connection::ConnectionState::{Approved, PendingPeer};

#[test]
fn azures_grants_get_ten_minutes() {
    let denied =
        |row: &Row| row.fails(FailureClass::Denied, "LinkedAuthorizationFailed", "The client has no permission.");
    let row = Row::new(AZURE, Approved);
    let told = denied(&row).expect("a sentence");
    assert_eq!(
        (told.state, told.message.as_str()),
        (
            Approved,
            "The console application may not peer with this VNet. Check step 2. A role assignment can take minutes to take effect; retrying until 2026-11-20T03:22:00Z."
        )
    );
    let waited = Row { failing: Some(599), ..row.clone() };
    assert_eq!(said(denied(&waited)).map(|(state, _)| state), Some(Approved));
    let over = Row { failing: Some(600), ..row.clone() };
    assert_eq!(
        said(denied(&over)),
        Some((
            InvalidSpecification,
            "Azure refused the request: The console application may not peer with this VNet. Check step 2. Correct the details, delete this connection and create it again.".into()
        ))
    );
    let stranger = "AADSTS7000229: The client application is missing service principal in the tenant.";
    let long = Row { failing: Some(600), ..row };
    let ours = said(long.fails(FailureClass::Credentials, "AADSTS7000229", stranger)).expect("a move");
    assert_eq!(ours.0, Error, "in its own tenant, it is the console's to mend");
    let unknown = long.fails(FailureClass::Denied, "AADSTS7000229", stranger);
    let message = said(unknown).expect("a move").1;
    assert!(
        message.contains(&format!("The console application is not known in tenant {UUID}. Check step 2.")),
        "{message}"
    );
    // A grant that is taken back later ends no peering.
    let active = Row { failing: Some(600), ..Row::new(AZURE, Active) };
    assert_eq!(said(denied(&active)).map(|(state, _)| state), Some(Error));
}

#[test]
fn failures_are_theirs_or_ours() {
    use FailureClass::{Credentials, Denied, Operator, Retry, Specification, Unexpected, Unreachable};
    let invalid = |cloud: &str, reason: &str| {
        (
            InvalidSpecification,
            format!(
                "{cloud} refused the request: {reason}. Correct the details, delete this connection and create it again."
            ),
        )
    };
    let error = |reason: &str| (Error, format!("Temporary problem on the console side: {reason}. It will be retried."));
    for (kind, class, code, message, expected) in [
        (
            AWS,
            Specification,
            "InvalidVpcID.Malformed",
            "The VPC does not exist.",
            invalid("AWS", "The VPC does not exist (InvalidVpcID.Malformed)"),
        ),
        (
            AWS,
            Operator,
            "ActiveVpcPeeringConnectionPerVpcLimitExceeded",
            "Limit.",
            error(
                "the limit of peering connections per VPC is reached in the console's AWS account (ActiveVpcPeeringConnectionPerVpcLimitExceeded)",
            ),
        ),
        (AWS, Credentials, "AuthFailure", "", error("AWS does not take the console's credentials: AuthFailure")),
        (
            AWS,
            Denied,
            "UnauthorizedOperation",
            "Not allowed.",
            error("the console's account may not do this in AWS: Not allowed (UnauthorizedOperation)"),
        ),
        (
            GOOGLE,
            Specification,
            "INVALID_USAGE",
            "IP range overlaps",
            invalid("Google Cloud", "IP range overlaps (INVALID_USAGE)"),
        ),
        (GOOGLE, Operator, "QUOTA_EXCEEDED", "Quota.", error("Quota (QUOTA_EXCEEDED)")),
        (
            AZURE,
            Specification,
            "VnetAddressSpacesOverlap",
            "They overlap.",
            invalid("Azure", "They overlap (VnetAddressSpacesOverlap)"),
        ),
        (
            AZURE,
            Denied,
            "InvalidResourceReference",
            "No such VNet.",
            invalid("Azure", "No such VNet (InvalidResourceReference)"),
        ),
        (
            AZURE,
            Unexpected,
            "RemotePeeringIsDisconnected",
            "x",
            invalid(
                "Azure",
                "a peering in your virtual network is left over from an earlier one and disconnected; delete it there",
            ),
        ),
        (
            UPCLOUD,
            Specification,
            "PEER_NETWORK_NOT_FOUND",
            "x",
            invalid("UpCloud", &format!("the UpCloud network {UUID} does not exist")),
        ),
        (
            UPCLOUD,
            Unexpected,
            "NETWORK_NOT_FOUND",
            "x",
            error("the VPC's own network is missing in UpCloud (NETWORK_NOT_FOUND)"),
        ),
        (
            UPCLOUD,
            Specification,
            "LOCAL_NETWORK_NO_ROUTER",
            "x",
            error(
                "the VPC's own network has no router; the console attaches one and tries again (LOCAL_NETWORK_NO_ROUTER)",
            ),
        ),
        (
            UPCLOUD,
            Specification,
            "PEERING_CONFLICT",
            "x",
            invalid("UpCloud", "a peering between these two networks exists already"),
        ),
        (UPCLOUD, Unexpected, "418", "I am a teapot", error("UpCloud gave an unexpected answer: I am a teapot (418)")),
    ] {
        assert_eq!(said(Row::new(kind, Approved).fails(class, code, message)), Some(expected), "{kind:?} {code}");
    }
    // A cloud that is away for a moment is nobody's news; for two minutes it is; an active peering goes on without it.
    let away = "The cloud could not be reached: it did not answer in time.";
    for class in [Retry, Unreachable] {
        let row = Row::new(AWS, Approved);
        assert_eq!(row.fails(class, "transport", away), None);
        let lasting = Row { failing: Some(120), ..row };
        assert_eq!(said(lasting.fails(class, "transport", away)).map(|(state, _)| state), Some(Error), "{class:?}");
        let active = Row { failing: Some(3600), ..Row::new(AWS, Active) };
        assert_eq!(active.fails(class, "transport", away), None);
    }
    assert_eq!(Row::new(AWS, PendingPeer).fails(FailureClass::Gone, "NotFound", ""), None);
}

#[test]
fn a_transit_gateway_that_is_not_shared_is_named_with_the_account_to_share_it_with() {
    let fails =
        |row: &Row| row.fails(FailureClass::Specification, "InvalidTransitGatewayID.NotFound", "No such gateway.");
    let row = Row::new(TGW, Approved);
    assert_eq!(said(fails(&row)).map(|(state, _)| state), Some(Approved), "a share takes a moment");
    let message = said(fails(&Row { failing: Some(60), ..row })).expect("a move").1;
    assert!(
        message.contains("Transit gateway tgw-0123456789abcdef0 is not shared with account 999988887777."),
        "{message}"
    );
}

#[test]
fn a_mistake_after_it_was_active_is_retried_and_ends_nothing() {
    let told = Row::new(AWS, Active).fails(FailureClass::Specification, "InvalidParameterValue", "Bad route.");
    assert_eq!(said(told).map(|(state, _)| state), Some(Error));
}

#[test]
fn a_vpc_that_aws_does_not_show_is_theirs_after_a_minute() {
    let gone = |row: &Row| row.fails(FailureClass::Gone, "InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist.");
    let row = Row::new(AWS, Approved);
    let waiting = said(gone(&row)).expect("a sentence");
    assert_eq!(waiting.0, Approved);
    assert!(
        waiting.1.ends_with("A VPC can take a moment to be seen; retrying until 2026-11-20T03:13:00Z."),
        "{}",
        waiting.1
    );
    let over = said(gone(&Row { failing: Some(60), ..row })).expect("a move");
    assert_eq!(over.0, InvalidSpecification);
    assert!(over.1.contains("The vpc ID 'vpc-1' does not exist (InvalidVpcID.NotFound)."), "{}", over.1);
}

#[test]
fn no_request_waits_for_ever_for_something_that_is_not_there() {
    let gone = |row: &Row| said(row.fails(FailureClass::Gone, "InvalidRouteTableID.NotFound", "No such table."));
    assert_eq!(gone(&Row::new(AWS, Approved)), None);
    let lasting = Row { failing: Some(120), ..Row::new(AWS, Approved) };
    assert_eq!(
        gone(&lasting),
        Some((
            Error,
            "Temporary problem on the console side: AWS does not find what the request needs: No such table (InvalidRouteTableID.NotFound). It will be retried.".into()
        ))
    );
}

#[test]
fn a_peering_that_is_only_in_its_own_way_is_waited_for() {
    let conflict = |class| Row::new(UPCLOUD, Approved).fails(class, "PEERING_CONFLICT", "A peering exists already.");
    assert_eq!(said(conflict(FailureClass::Retry)), None);
    assert_eq!(said(conflict(FailureClass::Specification)).map(|(state, _)| state), Some(InvalidSpecification));
}
