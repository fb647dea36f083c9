use async_trait::async_trait;

use crate::{
    api::{ApiError, lab::LabState},
    domain::ProjectName,
};

#[async_trait]
pub trait Lab {
    async fn lab(&self, project: &ProjectName) -> Result<LabState, ApiError>;
    /// Starts building and returns; progress wakes the `lab` topic.
    async fn build_lab(&self, project: &ProjectName) -> Result<(), ApiError>;
    async fn remove_lab(&self, project: &ProjectName) -> Result<(), ApiError>;
}
