//! Cloud accounts. Secrets are sealed before they come here and opened by whoever calls the cloud.

use app::domain::{
    AccountId, OrganizationId, ProjectId, Provider, Timestamp, account::AccountConfig, location::CloudOffer,
};

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
    /// When a person last asked for a check.
    pub check_asked_at: Timestamp,
    /// How many VPCs were made with it and are not deleted.
    pub vpcs: u64,
}

/// What the last check of the credentials told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub at: Timestamp,
    /// Who they belong to, or why they were refused.
    pub outcome: std::result::Result<String, String>,
}

/// What an account's secret is sealed for: it opens for its own account only.
pub fn seal_purpose(id: AccountId) -> String {
    format!("cloud account {id}")
}

impl AccountRow {
    /// Whether the last check was of the account as it is, and nobody has asked for another since.
    pub fn is_checked(&self) -> bool {
        let asked = self.updated_at.max(self.check_asked_at);
        self.check.as_ref().is_some_and(|check| check.at >= asked)
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
    vpcs: i64,
}

impl TryFrom<Raw> for AccountRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self> {
        let provider = Provider::from_text(&raw.provider);
        let outcome = if raw.error.is_empty() { Ok(raw.identity) } else { Err(raw.error) };
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
            check: moment(raw.checked_at).map(|at| Check { at, outcome }),
            vpcs: u64::try_from(raw.vpcs).unwrap_or_default(),
        })
    }
}

macro_rules! select_accounts {
    ($rest:literal) => {
        concat!(
            "select a.id, a.organization_id, a.provider, a.name, a.facts, a.sealed_secret, a.simulated, a.created_at,
             a.updated_at, a.check_asked_at, coalesce(k.checked_at, 0) as checked_at, coalesce(k.identity, '') as identity,
             coalesce(k.error, '') as error,
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

    /// What a check told; observed, so that it is no change.
    pub async fn write_account_check(&self, id: AccountId, check: &Check) -> Result<()> {
        let (identity, error) = match &check.outcome {
            Ok(identity) => (identity.as_str(), ""),
            Err(error) => ("", error.as_str()),
        };
        sqlx::query(
            "insert into cloud_account_check (account_id, checked_at, identity, error) values ($1, $2, $3, $4)
             on conflict (account_id) do update set checked_at = $2, identity = $3, error = $4",
        )
        .bind(id.to_string())
        .bind(check.at.0)
        .bind(identity)
        .bind(error)
        .execute(self.pool())
        .await?;
        Ok(())
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
        // What stood still for want of good credentials is looked at again at once.
        sqlx::query("update vpc set asked_at = $2 where account_id = $1 and tombstone = ''")
            .bind(row.id.to_string())
            .bind(at)
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
