//! A project's certificate authority: what clients need to trust it. Its PEM is a plain download.

use leptos::prelude::*;

use super::{ApiError, wire::Reading};
use crate::domain::certificate_authority::CertificateAuthority;

#[server(endpoint = "certificate-authority/get", protocol = Reading)]
pub async fn get_certificate_authority(project: String) -> Result<CertificateAuthority, ApiError> {
    crate::backend::backend()?.certificate_authority(&super::path(&project)?).await
}

/// `request`: a signing request in PEM. Gives the serial number of what was issued.
#[server(endpoint = "services/certificates/issue")]
pub async fn issue_certificate(
    project: String,
    id: String,
    #[server(default)] request: String,
) -> Result<String, ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    let issued = crate::backend::backend()?.issue_certificate(&project, id, &request).await?;
    leptos_axum::redirect(&crate::routes::service_certificates(&project, id));
    Ok(issued.serial)
}
