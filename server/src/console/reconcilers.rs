//! What the reconcilers did last. They belong to the installation; whoever may view a project may see them.

use app::{
    api::ApiError,
    backend::Reconcilers,
    domain::{ProjectName, permission::Permission, reconciler::ControllerStatus},
};
use async_trait::async_trait;

use super::Console;

#[async_trait]
impl Reconcilers for Console {
    async fn controllers(&self, project: &ProjectName) -> Result<Vec<ControllerStatus>, ApiError> {
        self.enter(project, Permission::NetworkingRead).await?;
        Ok(self.shared.statuses.all())
    }
}
