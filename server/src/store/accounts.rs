//! Cloud accounts. Secrets are sealed before they come here and opened by whoever calls the cloud.

use app::domain::{
    AccountId, OrganizationId, ProjectId, Provider, Timestamp,
    account::{AccountConfig, Doubt, Unconfirmed},
    location::CloudOffer,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use sqlx::Row;

use super::{
    Result, Store, StoreError, Tx,
    connections::{moment, read},
    people::parsed,
};

/// What is stored of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    pub id: AccountId,
    pub organization: OrganizationId,
    pub provider: Provider,
    pub name: String,
    /// JSON of what may be shown.
    pub facts: String,
    pub sealed_secret: String,
    pub simulated: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub check: Option<Check>,
    /// Who the cloud took the console for when it last confirmed the credentials, or who a person says that is.
    pub known_as: Option<String>,
    /// When a person last asked for a check.
    pub check_asked_at: Timestamp,
    /// How many VPCs were made with it and are not deleted.
    pub vpcs: u64,
}

/// What the last check of the credentials told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub at: Timestamp,
    /// [`AccountRow::fingerprint`] of what was checked.
    pub of: String,
    /// Who they belong to.
    pub outcome: std::result::Result<String, Unconfirmed>,
}

/// What an account's secret is sealed for: it opens for its own account only.
pub fn seal_purpose(id: AccountId) -> String {
    format!("cloud account {id}")
}

impl AccountRow {
    /// Whether the last check was of these credentials, and nobody has asked for another since.
    pub fn is_checked(&self) -> bool {
        self.check.as_ref().is_some_and(|check| check.of == self.fingerprint() && check.at >= self.check_asked_at)
    }

    /// The same for as long as the credentials and where they lead are; a name is neither.
    pub fn fingerprint(&self) -> String {
        STANDARD.encode(Sha256::digest([self.facts.as_str(), self.sealed_secret.as_str()].join("\n")))
    }

    /// Whether nothing is at stake if the console acts as this identity.
    ///
    /// # Errors
    /// In a sentence, if the credentials belong to somebody else.
    pub fn admit_identity(&self, identity: &str) -> std::result::Result<(), String> {
        // The account of a look-alike is always the console's own, also when its world was made anew.
        let known_as = self.known_as.as_deref().filter(|_| self.vpcs > 0 && !self.simulated);
        let config = self.config().map_err(|error| error.to_string())?;
        config.admit_identity(identity, known_as)
    }

    /// What may be shown of it.
    pub fn config(&self) -> Result<AccountConfig> {
        read("cloud_account", "facts", &self.facts)
    }
}

/// The account with which a new VPC of this provider is made: the operator's own, else the look-alike's.
pub fn chosen(accounts: &[AccountRow], provider: Provider) -> Option<&AccountRow> {
    accounts.iter().filter(|row| row.provider == provider).min_by_key(|row| row.simulated)
}

/// The clouds in which VPCs can be made.
pub fn offers(accounts: &[AccountRow]) -> Vec<CloudOffer> {
    let offer = |row: &AccountRow| CloudOffer {
        provider: row.provider,
        simulated: row.simulated,
        // Whoever runs a host in a cloud VPC may make a gateway of it.
        vpn_gateway_enabled: true,
        identity: row.config().ok().and_then(|config| config.identity().map(str::to_owned)),
    };
    Provider::CLOUDS.into_iter().filter_map(|provider| chosen(accounts, provider)).map(offer).collect()
}

#[derive(sqlx::FromRow)]
struct Raw {
    #[sqlx(try_from = "String")]
    id: AccountId,
    #[sqlx(try_from = "String")]
    organization_id: OrganizationId,
    provider: String,
    name: String,
    facts: String,
    sealed_secret: String,
    simulated: i64,
    created_at: i64,
    updated_at: i64,
    check_asked_at: i64,
    checked_at: i64,
    identity: String,
    error: String,
    doubt: String,
    known_as: String,
    checked_of: String,
    vpcs: i64,
}

impl TryFrom<Raw> for AccountRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self> {
        let provider = Provider::from_text(&raw.provider);
        let doubt = Doubt::from_text(&raw.doubt);
        let outcome = match doubt {
            None if raw.error.is_empty() => Ok(raw.identity),
            _ => Err(Unconfirmed {
                doubt: doubt.unwrap_or(Doubt::Unclear),
                reason: raw.error,
                identity: Some(raw.identity).filter(|identity| !identity.is_empty()),
            }),
        };
        Ok(Self {
            id: raw.id,
            organization: raw.organization_id,
            provider: provider.ok_or_else(|| StoreError::corrupt("cloud_account", "provider", raw.provider))?,
            name: raw.name,
            facts: raw.facts,
            sealed_secret: raw.sealed_secret,
            simulated: raw.simulated != 0,
            created_at: Timestamp(raw.created_at),
            updated_at: Timestamp(raw.updated_at),
            check_asked_at: Timestamp(raw.check_asked_at),
            check: moment(raw.checked_at).map(|at| Check { at, of: raw.checked_of, outcome }),
            known_as: Some(raw.known_as).filter(|name| !name.is_empty()),
            vpcs: u64::try_from(raw.vpcs).unwrap_or_default(),
        })
    }
}

macro_rules! select_accounts {
    ($rest:literal) => {
        concat!(
            "select a.id, a.organization_id, a.provider, a.name, a.facts, a.sealed_secret, a.simulated, a.created_at,
             a.updated_at, a.check_asked_at, coalesce(k.checked_at, 0) as checked_at, coalesce(k.identity, '') as identity,
             coalesce(k.error, '') as error, coalesce(k.doubt, '') as doubt, coalesce(k.known_as, '') as known_as,
             coalesce(k.checked_of, '') as checked_of,
             (select count(*) from vpc v where v.account_id = a.id and v.tombstone = '') as vpcs
             from cloud_account a left join cloud_account_check k on k.account_id = a.id where a.tombstone = '' ",
            $rest
        )
    };
}

impl Store {
    /// Every account, in the order in which they were added.
    pub async fn all_accounts(&self) -> Result<Vec<AccountRow>> {
        let rows: Vec<Raw> =
            sqlx::query_as(select_accounts!("order by a.created_at, a.id")).fetch_all(self.pool()).await?;
        rows.into_iter().map(AccountRow::try_from).collect()
    }

    pub async fn account(&self, id: AccountId) -> Result<Option<AccountRow>> {
        self.snapshot().await?.account(id).await
    }

    /// What a check of this account, as it was read, told; observed, so that it is no change. `false`: it is another account
    /// by now, and nothing was written.
    pub async fn write_account_check(
        &self,
        of: &AccountRow,
        at: Timestamp,
        outcome: &std::result::Result<String, Unconfirmed>,
    ) -> Result<bool> {
        let (identity, known_as, error, doubt) = match outcome {
            Ok(identity) => (identity.as_str(), identity.as_str(), "", ""),
            Err(Unconfirmed { doubt, reason, identity }) => {
                (identity.as_deref().unwrap_or_default(), "", reason.as_str(), doubt.as_str())
            }
        };
        let written = sqlx::query(
            "insert into cloud_account_check (account_id, checked_at, identity, error, doubt, known_as, checked_of)
             select a.id, cast($2 as bigint), $3, $4, $5, $6, $7 from cloud_account a
             where a.id = $1 and a.facts = $8 and a.sealed_secret = $9 and a.tombstone = ''
             on conflict (account_id) do update set checked_at = excluded.checked_at, identity = excluded.identity,
             error = excluded.error, doubt = excluded.doubt, checked_of = excluded.checked_of,
             known_as = case when excluded.known_as = '' then cloud_account_check.known_as else excluded.known_as end",
        )
        .bind(of.id.to_string())
        .bind(at.0)
        .bind(identity)
        .bind(error)
        .bind(doubt)
        .bind(known_as)
        .bind(of.fingerprint())
        .bind(of.facts.as_str())
        .bind(of.sealed_secret.as_str())
        .execute(self.pool())
        .await?;
        Ok(written.rows_affected() > 0)
    }
}

impl Tx {
    /// Those of an organization, in the order in which they were added.
    pub async fn accounts(&mut self, organization: OrganizationId) -> Result<Vec<AccountRow>> {
        let rows: Vec<Raw> = sqlx::query_as(select_accounts!("and a.organization_id = $1 order by a.created_at, a.id"))
            .bind(organization.to_string())
            .fetch_all(self.connection())
            .await?;
        rows.into_iter().map(AccountRow::try_from).collect()
    }

    pub(in crate::store) async fn accounts_of_project(&mut self, project: ProjectId) -> Result<Vec<AccountRow>> {
        let rows: Vec<Raw> = sqlx::query_as(select_accounts!(
            "and a.organization_id = (select p.organization_id from project p where p.id = $1) order by a.created_at, a.id"
        ))
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        rows.into_iter().map(AccountRow::try_from).collect()
    }

    pub async fn account(&mut self, id: AccountId) -> Result<Option<AccountRow>> {
        let raw: Option<Raw> = sqlx::query_as(select_accounts!("and a.id = $1"))
            .bind(id.to_string())
            .fetch_optional(self.connection())
            .await?;
        raw.map(AccountRow::try_from).transpose()
    }

    pub async fn insert_account(&mut self, row: &AccountRow) -> Result<()> {
        sqlx::query(
            "insert into cloud_account (id, organization_id, provider, name, facts, sealed_secret, simulated, tombstone,
             created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, '', $8, $8)",
        )
        .bind(row.id.to_string())
        .bind(row.organization.to_string())
        .bind(row.provider.as_str())
        .bind(row.name.as_str())
        .bind(row.facts.as_str())
        .bind(row.sealed_secret.as_str())
        .bind(i64::from(row.simulated))
        .bind(row.created_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Name, facts and secret; a provider and its being simulated never change.
    pub async fn update_account(&mut self, row: &AccountRow) -> Result<()> {
        let at = self.at().0;
        sqlx::query(
            "update cloud_account set name = $2, facts = $3, sealed_secret = $4, updated_at = $5
             where id = $1 and tombstone = ''",
        )
        .bind(row.id.to_string())
        .bind(row.name.as_str())
        .bind(row.facts.as_str())
        .bind(row.sealed_secret.as_str())
        .bind(at)
        .execute(self.connection())
        .await?;
        self.look_at_vpcs_of(row.id).await
    }

    /// What stood still for want of good credentials is looked at again at once.
    pub async fn look_at_vpcs_of(&mut self, id: AccountId) -> Result<()> {
        let at = self.at().0;
        sqlx::query("update vpc set asked_at = $2 where account_id = $1 and tombstone = ''")
            .bind(id.to_string())
            .bind(at)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Whose VPCs an account has; `None`: nobody's, so that the next check says it.
    pub async fn know_account_as(&mut self, id: AccountId, identity: Option<&str>) -> Result<()> {
        sqlx::query(
            "insert into cloud_account_check (account_id, checked_at, identity, error, known_as)
             values ($1, 0, '', '', $2) on conflict (account_id) do update set known_as = excluded.known_as",
        )
        .bind(id.to_string())
        .bind(identity.unwrap_or_default())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Somebody wants to know now whether the credentials are good: the reconciler asks the cloud.
    pub async fn ask_account_check(&mut self, id: AccountId) -> Result<()> {
        let at = self.at().0;
        sqlx::query("update cloud_account set check_asked_at = $2 where id = $1 and tombstone = ''")
            .bind(id.to_string())
            .bind(at)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// The VPCs that were made with an organization's accounts and are not deleted: each with its project, by name.
    pub async fn vpcs_of_accounts(&mut self, organization: OrganizationId) -> Result<Vec<(AccountId, String, String)>> {
        let rows = sqlx::query(
            "select v.account_id, v.name, p.name as project from vpc v join project p on p.id = v.project_id
             where p.organization_id = $1 and v.account_id <> '' and v.tombstone = '' order by v.name, p.name",
        )
        .bind(organization.to_string())
        .fetch_all(self.connection())
        .await?;
        rows.iter()
            .map(|row| Ok((parsed(row, "vpc", "account_id")?, row.try_get("name")?, row.try_get("project")?)))
            .collect()
    }

    /// An account is of the whole organization, so that the pages of all its projects show what becomes of it.
    pub async fn within_organization(&mut self, organization: OrganizationId) -> Result<()> {
        let rows = sqlx::query("select id from project where organization_id = $1")
            .bind(organization.to_string())
            .fetch_all(self.connection())
            .await?;
        for row in &rows {
            self.within(parsed(row, "project", "id")?);
        }
        Ok(())
    }

    /// Forgets its secret at once.
    pub async fn delete_account(&mut self, id: AccountId) -> Result<()> {
        sqlx::query("update cloud_account set tombstone = id, sealed_secret = '' where id = $1")
            .bind(id.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
