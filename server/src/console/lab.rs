//! The lab, behind the same door as everything else: it works with the actor's own rights.

use std::sync::Arc;

use app::{
    api::{ApiError, lab::LabState},
    backend::{Lab, SharedBackend},
    domain::{
        ProjectId, ProjectName,
        change::{ChangeKind, Topic},
        permission::Permission,
    },
};
use async_trait::async_trait;
use tokio::sync::oneshot;

use super::Console;
use crate::{clock, store::transact};

#[async_trait]
impl Lab for Console {
    async fn lab(&self, project: &ProjectName) -> Result<LabState, ApiError> {
        self.enter(project, Permission::NetworkingRead).await?;
        Ok(self.shared.lab.state().await)
    }

    async fn build_lab(&self, project: &ProjectName) -> Result<(), ApiError> {
        let scope = self.enter(project, Permission::NetworkingWrite).await?;
        let built = self.shared.lab.build(project, self.myself()).await?;
        self.note_once(built, ChangeKind::LabBuild, scope.id);
        Ok(())
    }

    async fn remove_lab(&self, project: &ProjectName) -> Result<(), ApiError> {
        let scope = self.enter(project, Permission::NetworkingWrite).await?;
        let removed = self.shared.lab.remove(project, self.myself()).await?;
        self.note_once(removed, ChangeKind::LabRemove, scope.id);
        Ok(())
    }
}

impl Console {
    /// The same door for work that outlives the request.
    fn myself(&self) -> SharedBackend {
        Arc::new(Self::for_actor(self.shared.clone(), self.actor.clone()))
    }

    /// Notes that the lab was built or removed once it is so; nothing if it could not be.
    fn note_once(&self, done: oneshot::Receiver<()>, kind: ChangeKind, project: ProjectId) {
        let console = Self::for_actor(self.shared.clone(), self.actor.clone());
        tokio::spawn(async move {
            if done.await.is_err() {
                return;
            }
            let noted = transact!(console.store(), clock::now(), |tx| tx
                .note(console.note(kind, Topic::Lab, project, "", "lab"))
                .await);
            if let Err(error) = noted {
                tracing::warn!(%error, "that the lab was built or removed could not be noted");
            }
        });
    }
}
