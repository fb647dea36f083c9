//! The event log.

use leptos::prelude::*;

use super::{ApiError, wire::Reading};
use crate::domain::change::{Change, ChangeFilter};

#[server(endpoint = "changes/list", protocol = Reading)]
pub async fn list_changes(project: String, filter: ChangeFilter) -> Result<Vec<Change>, ApiError> {
    crate::backend::backend()?.changes(&super::path(&project)?, filter).await
}
