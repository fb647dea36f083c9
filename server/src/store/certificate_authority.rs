//! Certificate authorities of projects, and what they have signed. Keys are sealed before they come here.

use std::collections::BTreeMap;

use app::domain::{
    ProjectId, ServiceId, Timestamp,
    certificate_authority::{DnsName, RENEW_DAYS, ServiceCertificate},
};
use sqlx::FromRow as _;

use super::{Result, StoreError, Tx, people::parsed};

/// What is stored of a CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityRow {
    pub project: ProjectId,
    /// PEM.
    pub certificate: String,
    /// PKCS #8, sealed for [`seal_purpose`].
    pub sealed_key: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// What a CA's key is sealed for: it opens for its own project only.
pub fn seal_purpose(project: ProjectId) -> String {
    format!("CA of project {project}")
}

#[derive(sqlx::FromRow)]
struct RawAuthority {
    #[sqlx(try_from = "String")]
    project_id: ProjectId,
    certificate: String,
    sealed_key: String,
    not_before: i64,
    not_after: i64,
}

#[derive(sqlx::FromRow)]
struct RawCertificate {
    serial: String,
    names: String,
    not_before: i64,
    not_after: i64,
    certificate: String,
}

impl TryFrom<RawCertificate> for ServiceCertificate {
    type Error = StoreError;

    fn try_from(raw: RawCertificate) -> Result<Self> {
        let corrupt = |error| StoreError::corrupt("service_certificate", "names", error);
        let names: Vec<DnsName> = serde_json::from_str(&raw.names).map_err(corrupt)?;
        Ok(Self {
            serial: raw.serial,
            names,
            not_before: Timestamp(raw.not_before),
            not_after: Timestamp(raw.not_after),
            certificate: raw.certificate,
        })
    }
}

/// One that ended is remembered as long as it asked for another before.
fn forgotten_before(now: Timestamp) -> Timestamp {
    now.plus_seconds(-RENEW_DAYS * 86_400)
}

impl Tx {
    pub async fn authority(&mut self, project: ProjectId) -> Result<Option<AuthorityRow>> {
        let row: Option<RawAuthority> = sqlx::query_as(
            "select project_id, certificate, sealed_key, not_before, not_after from project_ca where project_id = $1",
        )
        .bind(project.to_string())
        .fetch_optional(self.connection())
        .await?;
        Ok(row.map(|raw| AuthorityRow {
            project: raw.project_id,
            certificate: raw.certificate,
            sealed_key: raw.sealed_key,
            not_before: Timestamp(raw.not_before),
            not_after: Timestamp(raw.not_after),
        }))
    }

    /// Where another made one at this moment, PostgreSQL finds no serial order, and the write is tried again.
    pub async fn insert_authority(&mut self, row: &AuthorityRow) -> Result<()> {
        sqlx::query(
            "insert into project_ca (project_id, certificate, sealed_key, not_before, not_after)
             values ($1, $2, $3, $4, $5) on conflict (project_id) do nothing",
        )
        .bind(row.project.to_string())
        .bind(row.certificate.as_str())
        .bind(row.sealed_key.as_str())
        .bind(row.not_before.0)
        .bind(row.not_after.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Those of a service that have not ended, or only lately, the newest first.
    pub async fn service_certificates(&mut self, service: ServiceId) -> Result<Vec<ServiceCertificate>> {
        let rows: Vec<RawCertificate> = sqlx::query_as(
            "select serial, names, not_before, not_after, certificate from service_certificate
             where service_id = $1 and not_after > $2 order by not_after desc, not_before desc, serial",
        )
        .bind(service.to_string())
        .bind(forgotten_before(self.at()).0)
        .fetch_all(self.connection())
        .await?;
        rows.into_iter().map(ServiceCertificate::try_from).collect()
    }

    /// The same of all services of a project.
    pub async fn project_certificates(
        &mut self,
        project: ProjectId,
    ) -> Result<BTreeMap<ServiceId, Vec<ServiceCertificate>>> {
        let rows = sqlx::query(
            "select c.service_id, c.serial, c.names, c.not_before, c.not_after, c.certificate
             from service_certificate c join service s on s.id = c.service_id
             where s.project_id = $1 and c.not_after > $2 order by c.not_after desc, c.not_before desc, c.serial",
        )
        .bind(project.to_string())
        .bind(forgotten_before(self.at()).0)
        .fetch_all(self.connection())
        .await?;
        let mut all: BTreeMap<ServiceId, Vec<ServiceCertificate>> = BTreeMap::new();
        for row in &rows {
            let certificate = RawCertificate::from_row(row)?.try_into()?;
            all.entry(parsed(row, "service_certificate", "service_id")?).or_default().push(certificate);
        }
        Ok(all)
    }

    /// Keeps what was issued, and forgets what has ended a while ago.
    pub async fn insert_service_certificate(&mut self, service: ServiceId, issued: &ServiceCertificate) -> Result<()> {
        let before = forgotten_before(self.at()).0;
        sqlx::query("delete from service_certificate where service_id = $1 and not_after <= $2")
            .bind(service.to_string())
            .bind(before)
            .execute(self.connection())
            .await?;
        let names = serde_json::to_string(&issued.names).expect("names are text");
        sqlx::query(
            "insert into service_certificate (service_id, serial, names, not_before, not_after, certificate)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(service.to_string())
        .bind(issued.serial.as_str())
        .bind(names)
        .bind(issued.not_before.0)
        .bind(issued.not_after.0)
        .bind(issued.certificate.as_str())
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
