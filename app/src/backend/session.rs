use async_trait::async_trait;

use crate::{api::ApiError, domain::person::Viewer};

#[async_trait]
pub trait Session {
    async fn viewer(&self) -> Result<Viewer, ApiError>;
    /// Ends every session of this person, this one too.
    async fn sign_out_everywhere(&self) -> Result<(), ApiError>;
}
