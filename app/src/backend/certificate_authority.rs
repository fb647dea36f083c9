use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{ProjectName, certificate_authority::CertificateAuthority},
};

#[async_trait]
pub trait Certificates {
    /// The project's; made when it is first asked for.
    async fn certificate_authority(&self, project: &ProjectName) -> Result<CertificateAuthority, ApiError>;
}
