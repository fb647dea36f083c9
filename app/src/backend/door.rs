use async_trait::async_trait;

use crate::{
    api::{ApiError, flash::Flash},
    domain::person::{Password, SetUp},
};

/// What a request may do before anybody is known. Implemented per request: it knows the browser's cookies and sets them on the answer.
#[async_trait]
pub trait Door: Send + Sync {
    /// Starts a session. The same sentence for an unknown address and a wrong password; backs off per address and per source.
    async fn sign_in(&self, email: &str, password: Password) -> Result<(), ApiError>;
    /// Ends this browser's session, if it has one.
    async fn sign_out(&self) -> Result<(), ApiError>;
    async fn set_up_link_is_good(&self, token: &str) -> Result<bool, ApiError>;
    /// Makes the first administrator, organization and project in one transaction, and signs in.
    async fn set_up(&self, token: &str, wanted: SetUp) -> Result<(), ApiError>;
    async fn flash(&self, id: &str) -> Option<Flash>;
}
