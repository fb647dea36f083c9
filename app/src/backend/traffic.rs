use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{
        NodeId, ProjectName, ServiceId,
        service::traffic::{Attempt, NodeTraffic, Slot, Span},
    },
};

#[async_trait]
pub trait Traffic {
    /// What each node of a service has counted; those that have never told are left out.
    async fn node_traffic(&self, project: &ProjectName, id: ServiceId) -> Result<Vec<NodeTraffic>, ApiError>;
    /// The slots of its nodes within a span, oldest first; of one node, if that is asked.
    async fn service_traffic(
        &self,
        project: &ProjectName,
        id: ServiceId,
        node: Option<NodeId>,
        span: Span,
    ) -> Result<Vec<Slot>, ApiError>;
    /// Whom its nodes refused, the latest first.
    async fn refused_attempts(&self, project: &ProjectName, id: ServiceId) -> Result<Vec<Attempt>, ApiError>;
}
