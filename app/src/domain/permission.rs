//! What a person may do. `actor.may(permission)` is the only door; today's only role is the
//! administrator, who may do everything.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The exact strings of domain 3.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Permission {
    #[serde(rename = "project:networking:read")]
    NetworkingRead,
    #[serde(rename = "project:networking:write")]
    NetworkingWrite,
    #[serde(rename = "project:event_logs:read")]
    EventLogsRead,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NetworkingRead => "project:networking:read",
            Self::NetworkingWrite => "project:networking:write",
            Self::EventLogsRead => "project:event_logs:read",
        })
    }
}
