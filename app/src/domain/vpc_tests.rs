use super::{
    transition::{Event, transition},
    *,
};
use crate::domain::fixtures::harbor;

fn cloud_vpc(state: VpcState) -> Vpc {
    let vpc = harbor().vpcs.remove(0);
    Vpc {
        cloud: "aws-eu-west-1".parse().expect("a region"),
        place: "Ireland - AWS: Ireland".into(),
        gateway: None,
        state,
        ..vpc
    }
}

const AT: Timestamp = Timestamp::from_seconds(1_795_144_320);

/// The state and the sentence after an event.
fn after(state: VpcState, error: Option<&str>, event: Event<'_>) -> Option<(VpcState, String)> {
    let error = error.map(|message| BuildError { message: message.into(), retry_at: AT });
    let (state, build_error) = transition(state, error.as_ref(), event)?;
    Some((state, Vpc { build_error, ..cloud_vpc(state) }.sentence()))
}

#[test]
fn every_edge_of_the_vpc_state_machine_has_its_sentence() {
    use VpcState::{Active, Approved, Deleted, Deleting};
    let failed = Event::Failed { error: "The limit of VPCs is reached.", retry_at: AT };
    let creating = "Creating the network in Ireland - AWS: Ireland. This usually takes a few minutes.";
    let ready = "Ready. New services and peering connections can use this VPC.";
    let deleting = "Deleting peering connections and the network.";
    for (from, error, event, expected) in [
        (Approved, None, Event::Ready, Some((Active, ready))),
        (
            Approved,
            None,
            failed,
            Some((Approved, "Creation failed: The limit of VPCs is reached. Retrying at 2026-11-20T03:12:00Z.")),
        ),
        (Approved, Some("x"), Event::Partial, Some((Approved, creating))),
        (Approved, Some("x"), Event::Ready, Some((Active, ready))),
        (Approved, None, Event::DeleteAsked, Some((Deleting, deleting))),
        (Active, None, Event::DeleteAsked, Some((Deleting, deleting))),
        (Deleting, None, Event::Absent { connections: 0 }, Some((Deleted, "Deleted."))),
        (
            Deleting,
            None,
            failed,
            Some((Deleting, "Deleting is held up: The limit of VPCs is reached. Retrying at 2026-11-20T03:12:00Z.")),
        ),
        (Active, Some("x"), Event::Ready, Some((Active, ready))),
        // And what must not happen.
        (Approved, None, Event::Absent { connections: 0 }, None),
        (Approved, None, Event::Partial, None),
        (Active, None, Event::Absent { connections: 0 }, None),
        (Active, None, Event::Partial, None),
        (Deleting, None, Event::Absent { connections: 1 }, None),
        (Deleting, None, Event::Ready, None),
        (Deleting, None, Event::DeleteAsked, None),
        (Deleted, None, Event::Ready, None),
        (Deleted, None, failed, None),
        (Deleted, None, Event::DeleteAsked, None),
    ] {
        let expected = expected.map(|(state, sentence)| (state, sentence.to_owned()));
        assert_eq!(after(from, error, event), expected, "{from:?} {event:?}");
    }
}

#[test]
fn a_local_vpc_is_there_when_it_is_declared_and_a_cloud_vpc_is_made() {
    assert_eq!(VpcState::at_first(Provider::Local), VpcState::Active);
    for provider in Provider::CLOUDS {
        assert_eq!(VpcState::at_first(provider), VpcState::Approved);
    }
    let local = Vpc { gateway: None, ..harbor().vpcs.remove(0) };
    assert_eq!(local.sentence(), "Declared; no gateway yet.");
    assert_eq!(
        cloud_vpc(VpcState::Approved).sentence(),
        "Creating the network in Ireland - AWS: Ireland. This usually takes a few minutes."
    );
}

#[test]
fn nothing_is_built_in_a_vpc_that_is_not_active() {
    let vpc = cloud_vpc(VpcState::Approved);
    let sentence = format!("Project VPC {} is in state APPROVED, not ACTIVE", vpc.id);
    assert_eq!(vpc.not_active().map(|refusal| refusal.sentence), Some(sentence));
    assert_eq!(cloud_vpc(VpcState::Active).not_active(), None);
}

#[test]
fn the_states_read_as_the_api_writes_them() {
    for state in [VpcState::Approved, VpcState::Active, VpcState::Deleting, VpcState::Deleted] {
        assert_eq!(VpcState::from_text(state.as_str()), Some(state));
    }
}

#[test]
fn row_34_a_vpc_with_services_cannot_be_deleted_and_says_which_they_are() {
    let id = VpcId::from_uuid(uuid::Uuid::from_u128(1));
    let tenant = |name: &str, leaving| super::Tenant {
        id: crate::domain::ServiceId::from_uuid(uuid::Uuid::from_u128(2)),
        name: name.parse().expect("a name"),
        leaving,
    };
    let sentence = |services: &[super::Tenant]| Vpc::occupied_by(id, services).map(|refusal| refusal.sentence);
    assert_eq!(sentence(&[]), None);
    assert_eq!(
        sentence(&[tenant("orders", false), tenant("grafana", true), tenant("search", false)]),
        Some(format!("VPC {id} still has services: orders, search. Migrate or delete them first."))
    );
    let leaving = "Service grafana is still leaving the VPC. Try again in a few minutes.";
    assert_eq!(sentence(&[tenant("grafana", true)]).as_deref(), Some(leaving));
}
