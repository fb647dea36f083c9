use async_trait::async_trait;

use crate::{
    api::{ApiError, enrolment::Enrolment},
    domain::{
        NodeId, ProjectName, ServiceId,
        service::{
            IpFilter, Service,
            form::{AccessForm, NewService},
            member::NodeForm,
            migration::NewMigration,
            route::Zone,
        },
    },
};

#[async_trait]
pub trait Services {
    /// Ordered by name; those whose hosts still clean up too.
    async fn services(&self, project: &ProjectName) -> Result<Vec<Service>, ApiError>;
    async fn service(&self, project: &ProjectName, id: ServiceId) -> Result<Service, ApiError>;
    /// The domain below which services have their names.
    async fn service_zone(&self, project: &ProjectName) -> Result<Zone, ApiError>;
    /// With as many nodes as its plan says, each waiting for its host.
    async fn create_service(&self, project: &ProjectName, new: NewService) -> Result<ServiceId, ApiError>;
    /// Refused under termination protection.
    async fn delete_service(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError>;
    async fn set_termination_protection(&self, project: &ProjectName, id: ServiceId, on: bool) -> Result<(), ApiError>;
    /// Public and private access of its components; no node is replaced.
    async fn set_service_access(&self, project: &ProjectName, id: ServiceId, form: AccessForm) -> Result<(), ApiError>;
    /// Refused if somebody saved since `filter.version`.
    async fn set_ip_filter(
        &self,
        project: &ProjectName,
        id: ServiceId,
        filter: IpFilter,
        allow_empty: bool,
    ) -> Result<(), ApiError>;
    /// Asks for a replacement host in the target for every node. Refused while a migration is under way.
    async fn migrate_service(&self, project: &ProjectName, id: ServiceId, new: NewMigration) -> Result<(), ApiError>;
    /// Names lead to the replacement hosts from now on; the old ones go on serving for a while.
    async fn switch_service(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError>;
    /// The service stays where it is; its replacement hosts go. Refused once names were switched.
    async fn return_service(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError>;
    /// The old hosts go at once.
    async fn finish_migration(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError>;
    /// One more than the plan says, or in place of one that was removed; while the service moves, one in the target.
    async fn add_node(&self, project: &ProjectName, id: ServiceId) -> Result<NodeId, ApiError>;
    async fn update_node(
        &self,
        project: &ProjectName,
        id: ServiceId,
        node: NodeId,
        form: NodeForm,
    ) -> Result<(), ApiError>;
    async fn remove_node(&self, project: &ProjectName, id: ServiceId, node: NodeId) -> Result<(), ApiError>;
    async fn issue_node_enrolment(
        &self,
        project: &ProjectName,
        id: ServiceId,
        node: NodeId,
    ) -> Result<Enrolment, ApiError>;
    async fn revoke_node_credential(&self, project: &ProjectName, id: ServiceId, node: NodeId) -> Result<(), ApiError>;
    async fn repair_node(&self, project: &ProjectName, id: ServiceId, node: NodeId) -> Result<(), ApiError>;
}
