//! The event log.

use leptos::prelude::*;
use server_fn::codec::Json;

use super::ApiError;
use crate::domain::change::{Change, ChangeFilter};

#[server(endpoint = "changes/list", input = Json)]
pub async fn list_changes(project: String, filter: ChangeFilter) -> Result<Vec<Change>, ApiError> {
    crate::backend::backend()?.changes(&super::path(&project)?, filter).await
}
