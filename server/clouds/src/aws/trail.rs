//! The calls that this process made moments ago.
//!
//! EC2 is consistent eventually: what was made may be invisible for seconds, and what was asked for may have been
//! made although the answer was lost. A call that would make a second thing is not repeated until that has passed;
//! any other is not repeated on every look. Keep one driver per account, or the memory is lost.

use std::{collections::BTreeMap, sync::Mutex};

use uuid::Uuid;

use crate::Subject;

/// For so long a call that can be repeated is not, in milliseconds.
const PAUSE: i64 = 10_000;

#[derive(Debug, Default)]
pub(super) struct Trail(Mutex<BTreeMap<(Uuid, Held), i64>>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    pub call: String,
    /// What it makes something of; `None` if making it twice is making it once.
    pub creates: Option<Subject>,
}

impl Trail {
    /// Remembers that the call may have been made.
    pub fn keep(&self, network: Uuid, held: &Held, now: i64, settle: i64) {
        let until = now.saturating_add(if held.creates.is_some() { settle } else { PAUSE.min(settle) });
        self.lock().insert((network, held.clone()), until);
    }

    /// It was not made, or may be made again.
    pub fn forget(&self, network: Uuid, held: &Held) {
        self.lock().remove(&(network, held.clone()));
    }

    pub fn held(&self, network: Uuid, now: i64) -> Vec<Held> {
        let mut calls = self.lock();
        calls.retain(|_, until| *until > now);
        calls.keys().filter(|(of, _)| *of == network).map(|(_, held)| held.clone()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Uuid, Held), i64>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_creates_is_held_longer_than_one_that_can_be_repeated() {
        let (trail, network) = (Trail::default(), Uuid::from_u128(1));
        let create = Held { call: "CreateVpc".into(), creates: Some(Subject::Network) };
        let repeat = Held { call: "Route".into(), creates: None };
        trail.keep(network, &create, 0, 60_000);
        trail.keep(network, &repeat, 0, 60_000);
        assert_eq!(trail.held(network, 9_999), [create.clone(), repeat]);
        assert_eq!(trail.held(network, 10_000), [create]);
        assert_eq!(trail.held(Uuid::from_u128(2), 10_000), []);
        assert_eq!(trail.held(network, 60_000), []);
    }

    #[test]
    fn a_call_that_was_refused_may_be_made_again_at_once() {
        let (trail, network) = (Trail::default(), Uuid::from_u128(1));
        let held = Held { call: "CreateVpc".into(), creates: Some(Subject::Network) };
        trail.keep(network, &held, 0, 60_000);
        trail.forget(network, &held);
        assert_eq!(trail.held(network, 1), []);
    }
}
