//! The event log, for whoever may read it. What concerns the whole installation (who signs in from where) is for its administrators.

use app::{
    api::ApiError,
    backend::Changes,
    domain::{
        ProjectName, Refusal,
        change::{Change, ChangeFilter, Topic},
        permission::Permission,
    },
};
use async_trait::async_trait;

use super::{Console, failed};

#[async_trait]
impl Changes for Console {
    async fn changes(&self, project: &ProjectName, filter: ChangeFilter) -> Result<Vec<Change>, ApiError> {
        let project = self.enter(project, Permission::EventLogsRead).await?;
        for (field, text) in [("object", &filter.object), ("actor", &filter.actor)] {
            if text.as_ref().is_some_and(|text| text.contains(char::is_control)) {
                return Err(Refusal::malformed(field, "Filter by a text without control characters.").into());
            }
        }
        let mut changes = self.store().changes(project.id, self.actor.super_admin, &filter).await.map_err(failed)?;
        if self.actor.may(Permission::CloudAccountsRead, &project).is_err() {
            // They are the organization's, and noted where they were changed.
            changes.retain(|change| change.topic != Topic::Accounts);
        }
        Ok(changes)
    }
}
