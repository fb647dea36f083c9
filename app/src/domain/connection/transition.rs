//! How a connection moves: one pure function, used by the reconciler and told by the page (domain 2.2).
//!
//! What is known and what happened go in; the state, the sentence and the warnings that follow come out, or nothing if
//! a person would read the same as before. Illegal moves cannot come out: the last thing that happens is the question
//! whether the state may become the next one.

use std::collections::BTreeMap;

use super::{
    ConnectionState, Failed, Peer, StateInfo, Warning, WarningKind, sentence, sight,
    trouble::{self, reason},
};
use crate::domain::{Cidr, Timestamp};

/// What one look at the cloud told of a connection; the words are the cloud's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Such as `pending-acceptance`; `None` if the cloud has no such connection.
    pub state: Option<String>,
    /// Further words that matter: `peeringSyncLevel`, `provisioningState` of Azure; `peer_network_type` and `peer_zone` of
    /// an UpCloud network that the console may read.
    pub details: BTreeMap<String, String>,
    /// The cloud's own sentence; may be empty.
    pub message: String,
    /// Asked for moments ago and not visible yet.
    pub settling: bool,
    /// Routes or firewall openings of it are still in place.
    pub remains: bool,
    /// The other side's ranges, once the cloud tells.
    pub peer_ranges: Option<Vec<Cidr>>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The cloud was read.
    Sight(&'a Sight),
    /// A look or a call failed.
    Failed(&'a Failed),
    /// The call that creates our side was made, and the cloud took it.
    Sent,
    DeleteAsked,
    /// The VPC is there; requests that waited for it are sent from now on.
    VpcActive,
    /// The VPC is being deleted, and everything of it.
    VpcDeleting,
    /// "Refresh VPC connections", or the daily one: everything live is looked at again.
    Refresh,
}

/// What the console knows of a connection when something happens.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub peer: &'a Peer,
    pub state: ConnectionState,
    /// Since when it is in this state.
    pub since: Timestamp,
    pub info: &'a StateInfo,
    /// Google and UpCloud cannot tell "never accepted" from "taken away"; this memory can.
    pub was_active: bool,
    pub delete_asked: bool,
    /// Since when every look or call has failed; `None` if the last one was answered.
    pub failing_since: Option<Timestamp>,
    pub vpc_cidr: Cidr,
    /// The VPC's region as the provider names it.
    pub region: &'a str,
    /// Who the console is in this cloud: the AWS account that a transit gateway is shared with.
    pub operator_account: &'a str,
    /// What [`Network::connection_warnings`](crate::domain::Network::connection_warnings) says of it now.
    pub warnings: &'a [Warning],
    pub now: Timestamp,
}

/// What a person reads from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub state: ConnectionState,
    pub message: String,
    pub warnings: Vec<Warning>,
}

impl Told {
    pub(super) fn new(state: ConnectionState, message: impl Into<String>) -> Self {
        Self { state, message: message.into(), warnings: Vec::new() }
    }

    pub(super) fn warning(mut self, message: &str) -> Self {
        self.warnings.push(Warning::new(WarningKind::UpcloudPeeringInError, message));
        self
    }
}

/// What follows; `None` if nothing that a person reads changes.
pub fn transition(known: &Known<'_>, event: Event<'_>) -> Option<Told> {
    let mut told = next(known, event).unwrap_or_else(|| Told {
        state: known.state,
        message: known.info.message.clone(),
        // What the cloud warned of stands until the cloud says otherwise.
        warnings: clouds_own(&known.info.warnings),
    });
    if told.state != known.state && !known.state.may_become(told.state) {
        return None;
    }
    let routes = matches!(told.state, ConnectionState::Deleting | ConnectionState::Deleted) || told.state.is_closed();
    if !routes {
        told.warnings.splice(0..0, known.warnings.iter().cloned());
    }
    let same = told.state == known.state && told.message == known.info.message && told.warnings == known.info.warnings;
    (!same).then_some(told)
}

fn clouds_own(warnings: &[Warning]) -> Vec<Warning> {
    warnings.iter().filter(|warning| warning.kind == WarningKind::UpcloudPeeringInError).cloned().collect()
}

fn next(known: &Known<'_>, event: Event<'_>) -> Option<Told> {
    use ConnectionState::{Approved, ApprovedPeerRequested, Deleted, Deleting, Error};
    let wanted_away = known.delete_asked || matches!(event, Event::DeleteAsked | Event::VpcDeleting);
    match known.state {
        Deleted => None,
        Deleting => deleting(known, event),
        _ if wanted_away => Some(Told::new(Deleting, sentence::DELETING)),
        closed if closed.is_closed() => None,
        live => match event {
            Event::Sight(sight) => sight::seen(known, sight),
            Event::Failed(failed) => trouble::failed(known, failed),
            Event::Sent if live == Approved => {
                Some(Told::new(ApprovedPeerRequested, sentence::requested(known.peer.provider())))
            }
            Event::Sent | Event::Refresh if live == Error => Some(Told::new(Approved, sentence::APPROVED)),
            Event::Sent | Event::Refresh | Event::VpcActive | Event::DeleteAsked | Event::VpcDeleting => None,
        },
    }
}

/// Until the cloud has nothing of it any more, and no route or opening is left.
fn deleting(known: &Known<'_>, event: Event<'_>) -> Option<Told> {
    let gone = match event {
        Event::Sight(sight) => !sight.remains && sight::is_gone(known.peer, sight),
        Event::Failed(failed) => {
            if failed.class == super::FailureClass::Gone {
                true
            } else {
                let waits = trouble::is_passing(known, failed);
                return (!waits).then(|| {
                    let sentence = sentence::deleting_despite(known.peer.provider(), &reason(failed));
                    Told::new(ConnectionState::Deleting, sentence)
                });
            }
        }
        _ => return None,
    };
    match (gone, event) {
        (true, _) => Some(Told::new(ConnectionState::Deleted, sentence::DELETED)),
        // It answers again: what stood in the way is over.
        (false, Event::Sight(_)) => Some(Told::new(ConnectionState::Deleting, sentence::DELETING)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "transition_tests.rs"]
mod tests;
