use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{
        AccountId, ProjectName,
        account::{AccountForm, CloudAccount},
    },
};

/// The organization's accounts in the clouds, reached through any of its projects.
#[async_trait]
pub trait Accounts {
    /// In the order in which they were added; those of look-alike clouds last.
    async fn accounts(&self, project: &ProjectName) -> Result<Vec<CloudAccount>, ApiError>;
    async fn create_account(&self, project: &ProjectName, form: AccountForm) -> Result<AccountId, ApiError>;
    /// Without a secret in the form the account keeps its own.
    async fn update_account(&self, project: &ProjectName, id: AccountId, form: AccountForm) -> Result<(), ApiError>;
    /// A person says that its VPCs and its present credentials, which are `identity`'s, are of one account in the cloud.
    /// Refused where nothing has to be said, or the cloud names somebody else by now.
    async fn confirm_account(&self, project: &ProjectName, id: AccountId, identity: &str) -> Result<(), ApiError>;
    /// Refused while it has VPCs.
    async fn delete_account(&self, project: &ProjectName, id: AccountId) -> Result<(), ApiError>;
    /// Asks for a check of its credentials; the reconciler makes it, and the account shows what came of it.
    async fn check_account(&self, project: &ProjectName, id: AccountId) -> Result<(), ApiError>;
}
