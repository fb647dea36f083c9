use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{GatewayId, PairId, ProjectName, peering::Peering},
};

#[async_trait]
pub trait Peerings {
    async fn peerings(&self, project: &ProjectName) -> Result<Vec<Peering>, ApiError>;
    /// Both rows in one transaction (domain 5.3).
    async fn create_peering(
        &self,
        project: &ProjectName,
        gateway: GatewayId,
        remote: GatewayId,
    ) -> Result<PairId, ApiError>;
}
