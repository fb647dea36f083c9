//! A project's certificate authority: made when it is first needed, and asked to sign for services.
//!
//! Its key is opened inside the transaction that signs, and nowhere else; it is in no log, no answer and no page. The
//! private keys of services never come here: whoever runs one brings a signing request.

pub mod signing;

use std::collections::BTreeMap;

use app::{
    api::ApiError,
    backend::Certificates,
    domain::{
        ProjectName, ServiceId,
        certificate_authority::{CertificateAuthority, ServiceCertificate, admit},
        change::{ChangeKind, Topic},
        permission::Permission,
        service::route::names,
    },
};
use async_trait::async_trait;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use sha2::{Digest, Sha256};

use self::signing::{Made, Signer};
use super::{Console, facts, failed, list, services::live};
use crate::{
    clock,
    store::{
        Result as StoreResult, StoreError, Tx,
        certificate_authority::{AuthorityRow, seal_purpose},
        people::Project,
        transact,
    },
};

#[async_trait]
impl Certificates for Console {
    async fn certificate_authority(&self, project: &ProjectName) -> Result<CertificateAuthority, ApiError> {
        let project = self.enter(project, Permission::NetworkingRead).await?;
        let mut tx = self.store().snapshot().await.map_err(failed)?;
        let row = match tx.authority(project.id).await.map_err(failed)? {
            Some(row) => row,
            None => {
                // A snapshot that is held would keep SQLite from clearing its log while the CA is written.
                drop(tx);
                transact!(self.store(), clock::now(), |tx| self.needed(tx, &project).await).map_err(failed)?
            }
        };
        shown(row).map_err(failed)
    }

    async fn service_certificates(
        &self,
        project: &ProjectName,
        id: ServiceId,
    ) -> Result<Vec<ServiceCertificate>, ApiError> {
        let project = self.enter(project, Permission::ServicesRead).await?;
        let read = async {
            let mut tx = self.store().snapshot().await?;
            tx.service(project.id, id).await?;
            tx.service_certificates(id).await
        };
        read.await.map_err(failed)
    }

    async fn project_certificates(
        &self,
        project: &ProjectName,
    ) -> Result<BTreeMap<ServiceId, Vec<ServiceCertificate>>, ApiError> {
        let project = self.enter(project, Permission::ServicesRead).await?;
        let read = async { self.store().snapshot().await?.project_certificates(project.id).await };
        read.await.map_err(failed)
    }

    async fn issue_certificate(
        &self,
        project: &ProjectName,
        id: ServiceId,
        request: &str,
    ) -> Result<ServiceCertificate, ApiError> {
        let project = self.enter(project, Permission::ServiceConfigurationWrite).await?;
        let request = signing::read(request).map_err(|error| app::domain::Refusal::malformed("request", error))?;
        transact!(self.store(), clock::now(), |tx| {
            let service = live(tx, &project, id).await?.name;
            admit(&service, &request.names, &names(&service, &project.name, &self.shared.zone))?;
            let authority = self.needed(tx, &project).await?;
            let opened = self.shared.sealer.open(&seal_purpose(project.id), &authority.sealed_key);
            let key = opened.map_err(|error| StoreError::Seal(error.to_string()))?;
            let signer = Signer { certificate: &authority.certificate, key: &key, not_after: authority.not_after };
            let issued = signing::sign(&signer, &request, tx.at()).map_err(ours)?;
            tx.insert_service_certificate(id, &issued).await?;
            let mut note = self.note(ChangeKind::ServiceCertificateIssue, Topic::Services, project.id, id, &service);
            note.after = facts([
                ("names", list(&issued.names)),
                ("serial", issued.serial.clone()),
                ("not_after", issued.not_after.to_string()),
            ]);
            tx.note(note).await?;
            Ok(issued)
        })
        .map_err(failed)
    }
}

impl Console {
    /// The project's CA inside a write: whoever asks first makes it, and all who ask at that moment get the same.
    async fn needed(&self, tx: &mut Tx, project: &Project) -> StoreResult<AuthorityRow> {
        if let Some(row) = tx.authority(project.id).await? {
            return Ok(row);
        }
        let Made { certificate, key, not_before, not_after } = signing::make(&project.name, tx.at()).map_err(ours)?;
        let sealed_key = self.shared.sealer.seal(&seal_purpose(project.id), &key);
        let row = AuthorityRow { project: project.id, certificate, sealed_key, not_before, not_after };
        tx.insert_authority(&row).await?;
        let mut note = self.note(ChangeKind::ProjectCaCreate, Topic::People, project.id, project.id, &project.name);
        note.after = facts([("fingerprint", fingerprint(&row.certificate)?), ("not_after", not_after.to_string())]);
        tx.note(note).await?;
        Ok(row)
    }
}

fn shown(row: AuthorityRow) -> StoreResult<CertificateAuthority> {
    Ok(CertificateAuthority {
        fingerprint: fingerprint(&row.certificate)?,
        certificate: row.certificate,
        not_before: row.not_before,
        not_after: row.not_after,
    })
}

/// SHA-256 of the DER, as `openssl x509 -fingerprint -sha256` writes it.
fn fingerprint(pem: &str) -> StoreResult<String> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| StoreError::corrupt("project_ca", "certificate", error))?;
    let bytes: Vec<String> = Sha256::digest(&der).iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(bytes.join(":"))
}

/// What went wrong with the CA is ours, and never says what is in its key.
fn ours(error: anyhow::Error) -> StoreError {
    StoreError::Seal(format!("the project's CA: {error:#}"))
}
