//! Networks that people own or plan elsewhere, listed beside the project's own.

use app::{
    api::ApiError,
    backend::Planner,
    domain::{
        ProjectName, VpcName,
        change::{ChangeKind, Topic},
        network::PlannedRange,
        permission::Permission,
    },
};
use async_trait::async_trait;

use super::{Console, facts, failed};
use crate::{
    clock,
    store::{StoreError, transact},
};

#[async_trait]
impl Planner for Console {
    async fn add_planned_network(&self, project: &ProjectName, range: PlannedRange) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            tx.network(project.id, &self.vantage(tx.at())).await?.admit_planned(&range)?;
            tx.insert_planned(project.id, &range).await?;
            let mut note = self.note(ChangeKind::PlannedNetworkCreate, Topic::Plan, project.id, "", &range.name);
            note.after = facts([("cidr", range.cidr.to_string())]);
            tx.note(note).await
        })
        .map_err(failed)?;
        Ok(())
    }

    async fn remove_planned_network(&self, project: &ProjectName, name: &VpcName) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let planned = tx.planned(project.id).await?;
            let range = planned.iter().find(|range| range.name == *name).ok_or(StoreError::NotFound)?;
            tx.delete_planned(project.id, name).await?;
            let mut note = self.note(ChangeKind::PlannedNetworkDelete, Topic::Plan, project.id, "", name);
            note.before = facts([("cidr", range.cidr.to_string())]);
            tx.note(note).await
        })
        .map_err(failed)?;
        Ok(())
    }
}
