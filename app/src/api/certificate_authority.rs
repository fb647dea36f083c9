//! A project's certificate authority: what clients need to trust it. Its PEM is a plain download.

use leptos::prelude::*;

use super::{ApiError, wire::Reading};
use crate::domain::certificate_authority::CertificateAuthority;

#[server(endpoint = "certificate-authority/get", protocol = Reading)]
pub async fn get_certificate_authority(project: String) -> Result<CertificateAuthority, ApiError> {
    crate::backend::backend()?.certificate_authority(&super::path(&project)?).await
}
