//! Where a VPC lives: `<provider>-<region>` (domain 1.2). Today's provider is `local`: a place the operator names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::text_newtype;

/// Who runs the network of a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The operator's own location, joined by WireGuard gateways.
    Local,
}

impl Provider {
    pub fn label(self) -> &'static str {
        match self {
            Self::Local => "Local",
        }
    }

    /// The shortest and the longest prefix of a VPC (domain 3.1, check 3).
    pub fn prefix_bounds(self) -> (u8, u8) {
        match self {
            Self::Local => (16, 28),
        }
    }
}

/// A place as the API names it, such as `local-oslo`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CloudName(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Choose a location.")]
pub struct InvalidCloudName;

impl CloudName {
    /// The location that every installation has.
    pub fn default_local() -> Self {
        Self("local-default".to_owned())
    }

    pub fn provider(&self) -> Provider {
        Provider::Local
    }

    /// What stands after the provider: `oslo` of `local-oslo`.
    pub fn region(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, region)| region)
    }
}

impl FromStr for CloudName {
    type Err = InvalidCloudName;
    fn from_str(text: &str) -> Result<Self, InvalidCloudName> {
        let region = text.trim().strip_prefix("local-").ok_or(InvalidCloudName)?;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.is_empty() || region.len() > 58 || !region.chars().all(allowed) {
            return Err(InvalidCloudName);
        }
        Ok(Self(format!("local-{region}")))
    }
}

impl fmt::Display for CloudName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_newtype!(CloudName, InvalidCloudName);

/// A place that can be chosen, from the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub cloud: CloudName,
    /// What people call it, such as "Oslo".
    pub label: String,
    /// Whether a VPC here may have a VPN gateway.
    pub vpn_gateway_enabled: bool,
}
