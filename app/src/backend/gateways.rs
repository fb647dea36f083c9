use async_trait::async_trait;

use crate::{
    api::{ApiError, enrolment::Enrolment},
    domain::{
        GatewayId, ProjectName,
        gateway::{Gateway, GatewaySettings, NewGateway},
    },
};

#[async_trait]
pub trait Gateways {
    /// Ordered by name.
    async fn gateways(&self, project: &ProjectName) -> Result<Vec<Gateway>, ApiError>;
    async fn gateway(&self, project: &ProjectName, id: GatewayId) -> Result<Gateway, ApiError>;
    async fn create_gateway(&self, project: &ProjectName, new: NewGateway) -> Result<GatewayId, ApiError>;
    async fn update_gateway(
        &self,
        project: &ProjectName,
        id: GatewayId,
        settings: GatewaySettings,
    ) -> Result<(), ApiError>;
    /// Its peers, its peerings' mirror rows and its document go in one transaction; it stays `deleting` until the host has cleaned up.
    async fn delete_gateway(&self, project: &ProjectName, id: GatewayId) -> Result<(), ApiError>;
    async fn repair_gateway(&self, project: &ProjectName, id: GatewayId) -> Result<(), ApiError>;
    async fn issue_enrolment(&self, project: &ProjectName, id: GatewayId) -> Result<Enrolment, ApiError>;
    async fn revoke_credential(&self, project: &ProjectName, id: GatewayId) -> Result<(), ApiError>;
}
