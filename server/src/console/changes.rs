//! The event log, for whoever may read it.

use app::{
    api::ApiError,
    backend::Changes,
    domain::{
        ProjectName,
        change::{Change, ChangeFilter},
        permission::Permission,
    },
};
use async_trait::async_trait;

use super::{Console, failed};

#[async_trait]
impl Changes for Console {
    async fn changes(&self, project: &ProjectName, filter: ChangeFilter) -> Result<Vec<Change>, ApiError> {
        let project = self.enter(project, Permission::EventLogsRead).await?;
        self.store().changes(project.id, &filter).await.map_err(failed)
    }
}
