use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{ProjectName, reconciler::ControllerStatus},
};

#[async_trait]
pub trait Reconcilers {
    async fn controllers(&self, project: &ProjectName) -> Result<Vec<ControllerStatus>, ApiError>;
}
