//! What Causeway knows about networks: plain data and pure functions.
//!
//! Compiled into the browser, the server and the agent, so that a form, a server
//! function and a host ask the same question and get the same sentence. No I/O, no
//! clock, no randomness and no framework in here: whoever needs the time or a new
//! id brings it along.

pub mod access;
pub mod account;
pub mod address_range;
pub mod attention;
pub mod catalogue;
pub mod certificate_authority;
pub mod change;
pub mod cidr;
pub mod connection;
pub mod find;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod gateway;
pub mod guide;
pub mod host;
pub mod id;
pub mod key;
pub mod location;
pub mod map;
pub mod name;
pub mod network;
pub mod other_side;
pub mod peer;
pub mod peering;
pub mod permission;
pub mod person;
pub mod plan;
pub mod planner;
pub mod reconciler;
pub mod refusal;
pub mod road_warrior;
pub mod roster;
pub mod service;
pub mod standing;
pub mod support;
pub mod time;
pub mod tunnel;
pub mod vpc;

pub use address_range::{AddressRange, InvalidAddressRange};
pub use cidr::{Cidr, InvalidCidr};
pub use id::{
    AccountId, ConnectionId, GatewayId, InvalidId, NodeId, OrganizationId, PairId, PeerId, PersonId, ProjectId,
    ServiceId, VpcId,
};
pub use key::{PresharedKey, PublicKey};
pub use location::{CloudName, Provider};
pub use name::{GatewayName, NodeName, PeerName, ProjectName, ServiceName, VpcName};
pub use network::Network;
pub use refusal::{Refusal, RefusalKind, Refusals};
pub use time::Timestamp;

/// Implements the string conversions that every parsed newtype has, so that serde, sqlx and forms share one parser.
macro_rules! text_newtype {
    ($type:ty, $error:ty) => {
        impl TryFrom<String> for $type {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    };
}
pub(crate) use text_newtype;
