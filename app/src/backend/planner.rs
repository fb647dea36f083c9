use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{ProjectName, VpcName, network::PlannedRange},
};

#[async_trait]
pub trait Planner {
    async fn add_planned_network(&self, project: &ProjectName, range: PlannedRange) -> Result<(), ApiError>;
    async fn remove_planned_network(&self, project: &ProjectName, name: &VpcName) -> Result<(), ApiError>;
}
