//! Server functions: the only way a page talks to the server.
//!
//! Strings in, because each is also the target of a plain HTML form; parsed here; one call
//! on the backend; then, for forms, a redirect that works without WASM. What only reads
//! speaks [`wire::Reading`].

pub mod accounts;
pub mod attention;
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
pub mod session;
pub mod vpcs;
pub mod wire;

pub use error::ApiError;

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
