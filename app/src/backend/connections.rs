use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{
        ConnectionId, ProjectName, VpcId,
        connection::{ConnectionForm, PeerCidrs},
    },
};

#[async_trait]
pub trait Connections {
    /// Asks for a peering connection of a cloud VPC; the form is read by the VPC's cloud.
    async fn create_connection(
        &self,
        project: &ProjectName,
        vpc: VpcId,
        form: ConnectionForm,
    ) -> Result<ConnectionId, ApiError>;
    /// Replaces the ranges that are routed beside the peer's own.
    async fn set_peer_cidrs(
        &self,
        project: &ProjectName,
        vpc: VpcId,
        connection: ConnectionId,
        cidrs: PeerCidrs,
    ) -> Result<(), ApiError>;
    async fn delete_connection(
        &self,
        project: &ProjectName,
        vpc: VpcId,
        connection: ConnectionId,
    ) -> Result<(), ApiError>;
    /// Reads both sides of every connection again; what differs is rebuilt.
    async fn refresh_connections(&self, project: &ProjectName, vpc: VpcId) -> Result<(), ApiError>;
    /// Tries at once what would be tried later.
    async fn retry_vpc(&self, project: &ProjectName, vpc: VpcId) -> Result<(), ApiError>;
}
