//! An id type for every noun. In URLs, JSON, logs and the database an id is a bare
//! lower-case UUID, because clients of this field expect one; the kind is the Rust type.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not a UUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This is not an id. An id looks like 0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10.")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that the server has made; the domain makes none.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// What tells it from every other, as a number.
            pub const fn key(self) -> u128 {
                self.0.as_u128()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text.trim()).map(Self).map_err(|_| InvalidId)
            }
        }
        super::text_newtype!($name, InvalidId);
    )*};
}

ids! {
    /// Names an account of the operator's in a cloud.
    AccountId;
    /// Names a peering connection of a cloud VPC.
    ConnectionId;
    /// Names a VPN gateway.
    GatewayId;
    /// Names a node of a service.
    NodeId;
    /// Names an organization.
    OrganizationId;
    /// Names the two rows of a VPC peering, one on each gateway.
    PairId;
    /// Names a peer of a gateway.
    PeerId;
    /// Names a person who can sign in.
    PersonId;
    /// Names a project.
    ProjectId;
    /// Names a service.
    ServiceId;
    /// Names a virtual private cloud.
    VpcId;
}
