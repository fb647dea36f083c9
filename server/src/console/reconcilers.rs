//! What the reconcilers did last. They belong to the installation: whoever may view a project sees how they are,
//! its administrators see what failed and why.

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
        let mut all = self.shared.statuses.all();
        if !self.actor.super_admin {
            // Keys and reasons are those of every project.
            for (key, reason) in all.iter_mut().flat_map(|status| &mut status.failures) {
                "a step".clone_into(key);
                "Administrators of this installation see which one and why.".clone_into(reason);
            }
        }
        Ok(all)
    }
}
