//! The lab, behind the same door as everything else: it works with the actor's own rights.

use std::sync::Arc;

use app::{
    api::{ApiError, lab::LabState},
    backend::{Lab, SharedBackend},
    domain::{
        ProjectName,
        change::{ChangeKind, Topic},
        permission::Permission,
    },
};
use async_trait::async_trait;

use super::{Console, failed};
use crate::{clock, store::transact};

#[async_trait]
impl Lab for Console {
    async fn lab(&self, project: &ProjectName) -> Result<LabState, ApiError> {
        self.enter(project, Permission::NetworkingRead).await?;
        Ok(self.shared.lab.state().await)
    }

    async fn build_lab(&self, project: &ProjectName) -> Result<(), ApiError> {
        let scope = self.enter(project, Permission::NetworkingWrite).await?;
        self.shared.lab.build(project, self.myself()).await?;
        transact!(self.store(), clock::now(), |tx| tx
            .note(self.note(ChangeKind::LabBuild, Topic::Lab, scope.id, "", "lab"))
            .await)
        .map_err(failed)?;
        Ok(())
    }

    async fn remove_lab(&self, project: &ProjectName) -> Result<(), ApiError> {
        let scope = self.enter(project, Permission::NetworkingWrite).await?;
        self.shared.lab.remove(project, self.myself()).await?;
        transact!(self.store(), clock::now(), |tx| tx
            .note(self.note(ChangeKind::LabRemove, Topic::Lab, scope.id, "", "lab"))
            .await)
        .map_err(failed)?;
        Ok(())
    }
}

impl Console {
    /// The same door for work that outlives the request.
    fn myself(&self) -> SharedBackend {
        Arc::new(Self::for_actor(self.shared.clone(), self.actor.clone()))
    }
}
