use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{
        Network, ProjectName, VpcId,
        vpc::{NewVpc, Vpc},
    },
};

#[async_trait]
pub trait Vpcs {
    /// Ordered by address.
    async fn vpcs(&self, project: &ProjectName) -> Result<Vec<Vpc>, ApiError>;
    async fn vpc(&self, project: &ProjectName, id: VpcId) -> Result<Vpc, ApiError>;
    /// Every range of the project, without secrets.
    async fn network(&self, project: &ProjectName) -> Result<Network, ApiError>;
    async fn create_vpc(&self, project: &ProjectName, new: NewVpc) -> Result<VpcId, ApiError>;
    /// Refused while the VPC has a gateway.
    async fn delete_vpc(&self, project: &ProjectName, id: VpcId) -> Result<(), ApiError>;
}
