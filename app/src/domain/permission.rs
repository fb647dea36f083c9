//! What a person may do. `actor.may(permission)` is the only door; today only administrators
//! are made, and the other roles are read as domain 3.9 says.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The exact strings of domain 3.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Permission {
    #[serde(rename = "project:networking:read")]
    NetworkingRead,
    #[serde(rename = "project:networking:write")]
    NetworkingWrite,
    #[serde(rename = "project:services:read")]
    ServicesRead,
    #[serde(rename = "project:services:write")]
    ServicesWrite,
    #[serde(rename = "service:configuration:write")]
    ServiceConfigurationWrite,
    #[serde(rename = "project:event_logs:read")]
    EventLogsRead,
    /// Ours: the clouds' credentials are the operator's.
    #[serde(rename = "organization:cloud_accounts:read")]
    CloudAccountsRead,
    #[serde(rename = "organization:cloud_accounts:write")]
    CloudAccountsWrite,
}

impl Permission {
    /// Whether only a role in the organization counts: a role in one of its projects gives no right to what is everybody's.
    pub fn is_of_organization(self) -> bool {
        matches!(self, Self::CloudAccountsRead | Self::CloudAccountsWrite)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NetworkingRead => "project:networking:read",
            Self::NetworkingWrite => "project:networking:write",
            Self::ServicesRead => "project:services:read",
            Self::ServicesWrite => "project:services:write",
            Self::ServiceConfigurationWrite => "service:configuration:write",
            Self::EventLogsRead => "project:event_logs:read",
            Self::CloudAccountsRead => "organization:cloud_accounts:read",
            Self::CloudAccountsWrite => "organization:cloud_accounts:write",
        })
    }
}

/// Whether a stored role grants a permission in its scope. An unknown role grants nothing.
pub fn grants(role: &str, permission: Permission) -> bool {
    use Permission::{
        CloudAccountsRead, CloudAccountsWrite, EventLogsRead, NetworkingRead, NetworkingWrite,
        ServiceConfigurationWrite, ServicesRead, ServicesWrite,
    };
    match (role, permission) {
        ("admin", _) => true,
        ("operator", NetworkingRead | NetworkingWrite | EventLogsRead | CloudAccountsRead) => true,
        ("operator", ServicesRead | ServicesWrite | ServiceConfigurationWrite) => true,
        ("operator", CloudAccountsWrite) => false,
        ("developer" | "read_only", NetworkingRead | ServicesRead | EventLogsRead) => true,
        _ => false,
    }
}
