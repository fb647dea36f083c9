//! Server functions: the only way a page talks to the server.
//!
//! Strings in, because each is also the target of a plain HTML form; parsed here; one call
//! on the backend; then, for forms, a redirect that works without WASM. What only reads
//! speaks [`wire::Reading`].

pub mod accounts;
pub mod attention;
pub mod certificate_authority;
pub mod changes;
pub mod connections;
pub mod enrolment;
pub mod error;
pub mod find;
pub mod flash;
pub mod gateways;
pub mod lab;
pub mod other_side;
pub mod overview;
pub mod peerings;
pub mod peers;
pub mod planner;
pub mod reconcilers;
pub mod services;
pub mod session;
pub mod traffic;
pub mod vpcs;
pub mod wire;

pub use error::ApiError;

/// When data is read, where the server reads it; a page that is alive has a clock of its own.
pub(crate) fn read_at() -> Option<crate::domain::Timestamp> {
    #[cfg(feature = "ssr")]
    return Some(now());
    #[cfg(not(feature = "ssr"))]
    None
}

#[cfg(feature = "ssr")]
mod edge {
    use std::str::FromStr;

    use super::ApiError;

    /// The moment at which a page's data is read. Ages are computed from it, so server and browser agree on them.
    pub fn now() -> crate::domain::Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        crate::domain::Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Part of a path: what cannot be parsed does not exist.
    pub fn path<T: FromStr>(text: &str) -> Result<T, ApiError> {
        text.parse().map_err(|_| ApiError::NotFound)
    }
}
#[cfg(feature = "ssr")]
use edge::{now, path};
