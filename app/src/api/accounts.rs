//! Cloud accounts: how the console signs in to a cloud. Secrets go in and never come out.

use leptos::prelude::*;
use server_fn::codec::PostUrl;

use super::{ApiError, wire::Reading};
use crate::domain::{
    AccountId,
    account::{AccountForm, CloudAccount},
};

#[server(endpoint = "accounts/list", protocol = Reading)]
pub async fn list_accounts(project: String) -> Result<Vec<CloudAccount>, ApiError> {
    crate::backend::backend()?.accounts(&super::path(&project)?).await
}

/// Form fields are `project` and `form[provider]`, `form[name]`, …
#[server(endpoint = "accounts/create", input = PostUrl)]
pub async fn create_account(project: String, form: AccountForm) -> Result<AccountId, ApiError> {
    let project = super::path(&project)?;
    let id = crate::backend::backend()?.create_account(&project, form).await?;
    leptos_axum::redirect(&crate::routes::accounts(&project));
    Ok(id)
}

#[server(endpoint = "accounts/update", input = PostUrl)]
pub async fn update_account(project: String, id: String, form: AccountForm) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    crate::backend::backend()?.update_account(&project, id, form).await?;
    leptos_axum::redirect(&crate::routes::accounts(&project));
    Ok(())
}

#[server(endpoint = "accounts/confirm")]
pub async fn confirm_account(project: String, id: String, identity: String) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    crate::backend::backend()?.confirm_account(&project, id, &identity).await?;
    leptos_axum::redirect(&crate::routes::accounts(&project));
    Ok(())
}

#[server(endpoint = "accounts/delete")]
pub async fn delete_account(project: String, id: String) -> Result<(), ApiError> {
    let project = super::path(&project)?;
    crate::backend::backend()?.delete_account(&project, super::path(&id)?).await?;
    leptos_axum::redirect(&crate::routes::accounts(&project));
    Ok(())
}

#[server(endpoint = "accounts/check")]
pub async fn check_account(project: String, id: String) -> Result<(), ApiError> {
    let project = super::path(&project)?;
    crate::backend::backend()?.check_account(&project, super::path(&id)?).await
}
