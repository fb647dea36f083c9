//! Cloud accounts: the operator's way into a cloud. Secrets are sealed before they are stored and never read back to a page.

use app::{
    api::ApiError,
    backend::Accounts,
    domain::{
        AccountId, ProjectName, Timestamp,
        account::{self, AccountConfig, AccountForm, CloudAccount, NewAccount},
        change::{ChangeKind, Facts, Topic},
        permission::Permission,
    },
};
use async_trait::async_trait;
use uuid::Uuid;

use super::{Console, failed};
use crate::{
    clock,
    seal::Sealer,
    store::{
        Note, Result as StoreResult, StoreError, Tx,
        accounts::{AccountRow, seal_purpose},
        people::Project,
        transact,
    },
};

/// How many VPCs of an account are named where it is shown.
const NAMED: usize = 5;

#[async_trait]
impl Accounts for Console {
    async fn accounts(&self, project: &ProjectName) -> Result<Vec<CloudAccount>, ApiError> {
        let project = self.enter(project, Permission::CloudAccountsRead).await?;
        let mut tx = self.store().snapshot().await.map_err(failed)?;
        let mut rows = tx.accounts(project.organization).await.map_err(failed)?;
        let vpcs = tx.vpcs_of_accounts(project.organization).await.map_err(failed)?;
        rows.sort_by_key(|row| row.simulated);
        rows.into_iter().map(|row| shown(row, &vpcs).map_err(failed)).collect()
    }

    async fn create_account(&self, project: &ProjectName, form: AccountForm) -> Result<AccountId, ApiError> {
        let project = self.enter(project, Permission::CloudAccountsWrite).await?;
        let new = NewAccount::parse(&form, None)?;
        let id = AccountId::from_uuid(Uuid::now_v7());
        transact!(self.store(), clock::now(), |tx| {
            let others = tx.accounts(project.organization).await?;
            let provider = new.config.provider();
            if others.iter().any(|other| other.provider == provider && !other.simulated) {
                return Err(CloudAccount::already(provider).into());
            }
            admit_name(&others, None, &new.name)?;
            let row = AccountRow {
                id,
                organization: project.organization,
                provider,
                name: new.name.clone(),
                facts: written(&new.config),
                sealed_secret: sealed(&self.shared.sealer, id, &new),
                simulated: false,
                created_at: tx.at(),
                updated_at: tx.at(),
                check: None,
                known_as: None,
                check_asked_at: Timestamp::default(),
                vpcs: 0,
            };
            tx.insert_account(&row).await?;
            let mut note = self.account_note(ChangeKind::CloudAccountCreate, &project, id, &new.name);
            note.after = about(&new.config);
            self.note_account(tx, &project, note).await?;
            Ok(id)
        })
        .map_err(failed)
    }

    async fn update_account(&self, project: &ProjectName, id: AccountId, form: AccountForm) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::CloudAccountsWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let others = tx.accounts(project.organization).await?;
            let vpcs = tx.vpcs_of_accounts(project.organization).await?;
            let own = others.iter().find(|row| row.id == id && !row.simulated).cloned();
            let mut row = own.ok_or(StoreError::NotFound)?;
            let config = row.config()?;
            let new = NewAccount::parse(&form, Some(&config))?;
            shown(row.clone(), &vpcs)?.admit_change(&new)?;
            admit_name(&others, Some(id), &new.name)?;
            let mut note = self.account_note(ChangeKind::CloudAccountUpdate, &project, id, &new.name);
            note.before = about(&config);
            note.after = about(&new.config);
            if new.secret.is_some() {
                note.after.insert("secret".to_owned(), "replaced".to_owned());
            }
            let former = (row.fingerprint(), row.known_as.clone());
            let owner = owner(&row, &config);
            (row.name, row.facts) = (new.name.clone(), written(&new.config));
            if new.secret.is_some() || !new.config.has_secret() {
                row.sealed_secret = sealed(&self.shared.sealer, id, &new);
            }
            tx.update_account(&row).await?;
            if row.fingerprint() != former.0 && owner != former.1 {
                tx.know_account_as(id, owner.as_deref()).await?;
            }
            self.note_account(tx, &project, note).await
        })
        .map_err(failed)
    }

    async fn confirm_account(&self, project: &ProjectName, id: AccountId, identity: &str) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::CloudAccountsWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = own(tx, &project, id).await?;
            let vpcs = tx.vpcs_of_accounts(project.organization).await?;
            let account = shown(row, &vpcs)?;
            account.admit_confirmation(identity)?;
            tx.know_account_as(id, Some(identity)).await?;
            // What the last check told is answered: the next one says so, and what stood still goes on at once.
            tx.ask_account_check(id).await?;
            tx.look_at_vpcs_of(id).await?;
            tx.touch(Topic::Vpcs);
            let mut note = self.account_note(ChangeKind::CloudAccountUpdate, &project, id, &account.name);
            note.before = Facts::from([("identity".to_owned(), account.known_as.unwrap_or_default())]);
            note.after = Facts::from([
                ("identity".to_owned(), identity.to_owned()),
                ("confirmed".to_owned(), "users of one account".to_owned()),
            ]);
            self.note_account(tx, &project, note).await
        })
        .map_err(failed)
    }

    async fn delete_account(&self, project: &ProjectName, id: AccountId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::CloudAccountsWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = own(tx, &project, id).await?;
            if row.simulated {
                return Err(StoreError::NotFound);
            }
            let vpcs = tx.vpcs_of_accounts(project.organization).await?;
            let account = shown(row, &vpcs)?;
            if let Some(refusal) = account.deletion_refusal() {
                return Err(refusal.into());
            }
            tx.delete_account(id).await?;
            let mut note = self.account_note(ChangeKind::CloudAccountDelete, &project, id, &account.name);
            note.before = about(&account.config);
            self.note_account(tx, &project, note).await
        })
        .map_err(failed)
    }

    async fn check_account(&self, project: &ProjectName, id: AccountId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::CloudAccountsWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = own(tx, &project, id).await?;
            tx.ask_account_check(id).await?;
            let note = self.account_note(ChangeKind::CloudAccountCheck, &project, id, &row.name);
            self.note_account(tx, &project, note).await
        })
        .map_err(failed)
    }
}

impl Console {
    fn account_note<'a>(&'a self, kind: ChangeKind, project: &Project, id: AccountId, name: &str) -> Note<'a> {
        self.note(kind, Topic::Accounts, project.id, id, name)
    }

    /// Clouds come and go with their accounts, and with them the places for VPCs.
    async fn note_account(&self, tx: &mut Tx, project: &Project, note: Note<'_>) -> StoreResult<()> {
        tx.note(note).await?;
        tx.touch(Topic::Plan);
        tx.within_organization(project.organization).await
    }
}

/// An account of the organization whose project this is; others do not exist.
async fn own(tx: &mut Tx, project: &Project, id: AccountId) -> StoreResult<AccountRow> {
    let row = tx.account(id).await?;
    row.filter(|row| row.organization == project.organization).ok_or(StoreError::NotFound)
}

/// Whose VPCs an account has that gets other credentials; `None` while it has none, so that these may be anybody's.
fn owner(row: &AccountRow, config: &AccountConfig) -> Option<String> {
    let typed = match config {
        AccountConfig::UpCloud { username } => username.clone(),
        _ => None,
    };
    row.known_as.clone().or(typed).filter(|_| row.vpcs > 0)
}

fn written(config: &AccountConfig) -> String {
    serde_json::to_string(config).expect("plain data serializes")
}

fn sealed(sealer: &Sealer, id: AccountId, new: &NewAccount) -> String {
    let secret = new.secret.as_ref();
    secret.map_or_else(String::new, |secret| sealer.seal(&seal_purpose(id), secret.reveal().as_bytes()))
}

fn admit_name(others: &[AccountRow], own: Option<AccountId>, name: &str) -> Result<(), StoreError> {
    if others.iter().any(|other| other.name == name && Some(other.id) != own) {
        let sentence = format!("An account named {name} already exists.");
        return Err(app::domain::Refusal::conflict("name", sentence).into());
    }
    Ok(())
}

/// `vpcs`: those of all accounts.
fn shown(row: AccountRow, vpcs: &[(AccountId, String, String)]) -> StoreResult<CloudAccount> {
    let (config, checking) = (row.config()?, row.check.is_some() && !row.is_checked());
    let own = vpcs.iter().filter(|(account, ..)| *account == row.id);
    let check = row.check.map(|check| account::Check { last_check_at: check.at, outcome: check.outcome });
    Ok(CloudAccount {
        id: row.id,
        name: row.name,
        config,
        simulated: row.simulated,
        check,
        checking,
        known_as: row.known_as,
        some_vpcs: own.take(NAMED).map(|(_, name, project)| format!("{name} in {project}")).collect(),
        vpcs: usize::try_from(row.vpcs).unwrap_or(usize::MAX),
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn about(config: &AccountConfig) -> Facts {
    config.facts().into_iter().map(|(name, value)| (name.to_lowercase().replace(' ', "_"), value)).collect()
}
