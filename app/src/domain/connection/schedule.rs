//! When the cloud is looked at again (domain 2.2). One call serves every connection of a network: these bound its age.

use super::ConnectionState;

/// After this long, ranges of the peer are read again even if nothing seems to have changed.
pub const FULL_REFRESH_SECONDS: u64 = 86_400;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Seconds until the next look; `None` if the cloud has nothing more to say.
///
/// `age`: how long it has been in this state. `attempt`: how often in a row a look or call has failed, or a deletion
/// was not finished, counted from 0.
pub fn poll_after(state: ConnectionState, age: u64, attempt: u32) -> Option<u64> {
    let doubled = |first: u64, most: u64| first.saturating_mul(1 << attempt.min(20)).min(most);
    match state {
        ConnectionState::Approved => Some(doubled(1, 60).saturating_sub(u64::from(attempt == 0))),
        ConnectionState::ApprovedPeerRequested => Some(doubled(5, 60)),
        ConnectionState::PendingPeer if age < HOUR => Some(doubled(15, 60)),
        ConnectionState::PendingPeer if age < DAY => Some(120),
        ConnectionState::PendingPeer => Some(900),
        // What has just begun may still tell its ranges, and what fails is tried again.
        ConnectionState::Active if age < MINUTE || attempt > 0 => Some(doubled(10, 60)),
        ConnectionState::Active => Some(600),
        ConnectionState::Deleting => Some(doubled(5, 60)),
        ConnectionState::Error => Some(doubled(30, 1_800)),
        ConnectionState::InvalidSpecification
        | ConnectionState::RejectedByPeer
        | ConnectionState::DeletedByPeer
        | ConnectionState::Deleted => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_as_often_as_somebody_waits_for_them() {
        use ConnectionState::{Active, Approved, ApprovedPeerRequested, Deleting, Error, PendingPeer};
        for (state, age, seconds) in [
            (Approved, 0, 0),
            (ApprovedPeerRequested, 0, 5),
            (PendingPeer, 0, 15),
            (PendingPeer, HOUR - 1, 15),
            (PendingPeer, HOUR, 120),
            (PendingPeer, DAY, 900),
            (Active, 0, 10),
            (Active, MINUTE, 600),
            (Active, 10 * DAY, 600),
            (Deleting, 0, 5),
            (Error, 0, 30),
        ] {
            assert_eq!(poll_after(state, age, 0), Some(seconds), "{state} after {age} s");
        }
    }

    #[test]
    fn failures_are_tried_again_more_and_more_seldom_up_to_a_bound() {
        let waits = |state| (0..9).map(|attempt| poll_after(state, 0, attempt).expect("live")).collect::<Vec<_>>();
        assert_eq!(waits(ConnectionState::Error), [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]);
        assert_eq!(waits(ConnectionState::Deleting), [5, 10, 20, 40, 60, 60, 60, 60, 60]);
        assert_eq!(poll_after(ConnectionState::Error, 0, u32::MAX), Some(1800));
    }

    #[test]
    fn nothing_is_asked_of_a_connection_that_only_its_deletion_leads_out_of() {
        for state in ConnectionState::ALL {
            assert_eq!(poll_after(state, 0, 0).is_none(), state.is_closed() || state == ConnectionState::Deleted);
        }
    }
}
