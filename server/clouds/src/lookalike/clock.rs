//! The clock of the simulated clouds: the machine's, moved ahead by tests.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

#[derive(Debug, Default)]
pub struct Clock {
    /// Milliseconds ahead of the machine.
    ahead: AtomicI64,
}

impl Clock {
    pub(super) fn at(ahead: Option<i64>) -> Self {
        Self { ahead: AtomicI64::new(ahead.unwrap_or(0)) }
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, milliseconds);
        real + self.ahead.load(Ordering::Relaxed)
    }

    /// Returns how far it is ahead now.
    pub(super) fn advance(&self, by: Duration) -> i64 {
        let by = milliseconds(by);
        self.ahead.fetch_add(by, Ordering::Relaxed) + by
    }
}

pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
