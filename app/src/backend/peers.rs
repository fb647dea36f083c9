use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{
        GatewayId, PeerId, PeerName, ProjectName, PublicKey,
        peer::{Neighbours, NewRoadWarrior, NewSite, Peer},
        road_warrior::{FileFacts, SiteExport},
    },
};

#[async_trait]
pub trait Peers {
    /// Ordered by kind, then name.
    async fn peers(&self, project: &ProjectName, gateway: GatewayId) -> Result<Vec<Peer>, ApiError>;
    async fn peer(&self, project: &ProjectName, id: PeerId) -> Result<Peer, ApiError>;
    /// What a new peer would meet.
    async fn neighbours(
        &self,
        project: &ProjectName,
        gateway: GatewayId,
        name: &PeerName,
        key: PublicKey,
    ) -> Result<Neighbours, ApiError>;
    async fn create_road_warrior(
        &self,
        project: &ProjectName,
        gateway: GatewayId,
        new: NewRoadWarrior,
    ) -> Result<PeerId, ApiError>;
    /// A new road warrior with its file, in one step: of two people who ask for one name, nobody is left with a peer that has none.
    async fn issue_road_warrior(
        &self,
        project: &ProjectName,
        gateway: GatewayId,
        new: NewRoadWarrior,
    ) -> Result<(PeerId, FileFacts), ApiError>;
    async fn create_site(&self, project: &ProjectName, gateway: GatewayId, new: NewSite) -> Result<PeerId, ApiError>;
    /// Of a VPC peering, both rows.
    async fn enable_peer(&self, project: &ProjectName, id: PeerId, enabled: bool) -> Result<(), ApiError>;
    /// Of a VPC peering, both rows.
    async fn delete_peer(&self, project: &ProjectName, id: PeerId) -> Result<(), ApiError>;
    async fn road_warrior_file(&self, project: &ProjectName, id: PeerId) -> Result<FileFacts, ApiError>;
    async fn site_export(&self, project: &ProjectName, id: PeerId) -> Result<SiteExport, ApiError>;
}
