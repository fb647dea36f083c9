//! The only clock. The domain is told the time; nobody but the machine room reads it.

use std::time::{SystemTime, UNIX_EPOCH};

use app::domain::Timestamp;

pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
