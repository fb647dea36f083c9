//! How a VPC moves: one pure function (domain 2.1). A VPC has no error state; what went wrong stands beside its state.

use super::{BuildError, VpcState};
use crate::domain::Timestamp;

/// What happened to a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Network, subnets, router and firewall are there.
    Ready,
    /// Some of it is, or a part is still there.
    Partial,
    /// The cloud has nothing of it; `connections`: how many are not deleted yet.
    Absent {
        connections: usize,
    },
    Failed {
        error: &'a str,
        retry_at: Timestamp,
    },
    DeleteAsked,
}

/// What follows; `None` if nothing changes.
pub fn transition(
    state: VpcState,
    error: Option<&BuildError>,
    event: Event<'_>,
) -> Option<(VpcState, Option<BuildError>)> {
    use VpcState::{Active, Approved, Deleted, Deleting};
    let next = match (state, event) {
        (Deleted, _) => return None,
        (Approved | Active, Event::DeleteAsked) => (Deleting, None),
        (Approved | Active, Event::Ready) => (Active, None),
        (Deleting, Event::Absent { connections: 0 }) => (Deleted, None),
        (state, Event::Failed { error, retry_at }) => (state, Some(BuildError { message: error.to_owned(), retry_at })),
        // It answers again: what went wrong is over.
        (state, Event::Partial | Event::Absent { .. } | Event::Ready) => (state, None),
        (Deleting, Event::DeleteAsked) => return None,
    };
    (next != (state, error.cloned())).then_some(next)
}
