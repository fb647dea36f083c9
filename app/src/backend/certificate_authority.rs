use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{
        ProjectName, ServiceId,
        certificate_authority::{CertificateAuthority, ServiceCertificate},
    },
};

#[async_trait]
pub trait Certificates {
    /// The project's; made when it is first asked for.
    async fn certificate_authority(&self, project: &ProjectName) -> Result<CertificateAuthority, ApiError>;
    /// What was issued for a service and has not ended, or only lately; the newest first.
    async fn service_certificates(
        &self,
        project: &ProjectName,
        id: ServiceId,
    ) -> Result<Vec<ServiceCertificate>, ApiError>;
    /// The same of every service that has some.
    async fn project_certificates(
        &self,
        project: &ProjectName,
    ) -> Result<BTreeMap<ServiceId, Vec<ServiceCertificate>>, ApiError>;
    /// A certificate for names of the service, for the key of a signing request in PEM. Refused at the field `request` if
    /// that is not good or asks for a name that is not the service's.
    async fn issue_certificate(
        &self,
        project: &ProjectName,
        id: ServiceId,
        request: &str,
    ) -> Result<ServiceCertificate, ApiError>;
}
