//! Services: where they are, which hosts they have, and who may reach them.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::PostUrl;

use super::{ApiError, enrolment::Enrolment, wire::Reading};
use crate::domain::{
    Cidr, Network, NodeId, ProjectName, ServiceId, ServiceName, Timestamp, VpcId, VpcName,
    certificate_authority::ServiceCertificate,
    permission::Permission,
    service::{
        Service,
        firewall::Firewall,
        form::{AccessForm, ServiceForm},
        member::NodeForm,
        migration::MigrationForm,
        route::{Access, Zone},
        traffic::{Attempt, NodeTraffic},
    },
    standing::Standing,
};

/// A service in a line of the list; what only its own page shows is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLine {
    pub id: ServiceId,
    pub name: ServiceName,
    /// Its type, as people call it.
    pub kind: String,
    /// "Public Internet" or "Project VPC".
    pub placement: String,
    pub place: String,
    pub vpc: Option<(VpcId, VpcName, Cidr)>,
    /// How many nodes serve, of how many.
    pub serving: usize,
    pub node_count: u16,
    pub addresses: Vec<std::net::IpAddr>,
    pub standing: Standing,
    /// Its state in a word, and in a sentence.
    pub word: String,
    pub sentence: String,
    /// Who gets in, in a few words, and whether everybody does.
    pub access: String,
    pub open: bool,
    pub created_at: Timestamp,
    /// Why nothing more can be done with it.
    pub going: Option<String>,
    /// Why it cannot be deleted.
    pub held: Option<String>,
}

#[cfg(feature = "ssr")]
impl From<&Service> for ServiceLine {
    fn from(service: &Service) -> Self {
        let going = service.going();
        Self {
            id: service.id,
            name: service.name.clone(),
            kind: service.kind.label().to_owned(),
            placement: service.placement_word().to_owned(),
            place: service.place_label.clone(),
            vpc: service.vpc.as_ref().map(|vpc| (vpc.id, vpc.name.clone(), vpc.cidr)),
            serving: service.serving(),
            node_count: u16::try_from(service.wanted()).unwrap_or(u16::MAX),
            addresses: service.nodes.iter().flat_map(crate::domain::service::Node::addresses).collect(),
            standing: service.standing(),
            word: service.word().to_owned(),
            sentence: service.sentence(),
            access: service.access_words(),
            open: service.filter_applies() && service.filter.is_open(),
            created_at: service.created_at,
            held: going.clone().or_else(|| service.deletion_refusal().map(|refusal| refusal.sentence)),
            going,
        }
    }
}

/// What the form of a new service asks its rules about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceGround {
    pub network: Network,
    /// The domain of host names.
    pub zone: Zone,
    /// Names that are taken.
    pub names: Vec<ServiceName>,
}

/// A service with everything that its page shows, read together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceReading {
    pub service: Service,
    pub firewall: Firewall,
    pub accesses: Vec<Access>,
    /// The records of its names, one per line.
    pub records: Vec<String>,
    /// Of its nodes that have told.
    pub traffic: Vec<NodeTraffic>,
    /// The latest attempts that its nodes refused, at most [`ATTEMPTS_SHOWN`], and of how many.
    pub refused: Vec<Attempt>,
    pub refused_of: usize,
    /// The newest first.
    pub certificates: Vec<ServiceCertificate>,
    /// The reader may not change services; [`ServiceReading::missing`] says what for.
    pub read_only: bool,
    pub project: ProjectName,
    pub now: Timestamp,
}

impl ServiceReading {
    /// Of a service in project "shop", as somebody reads it who may do everything.
    #[cfg(test)]
    pub(crate) fn fixture(service: Service) -> Self {
        let project: ProjectName = "shop".parse().expect("a name");
        let (firewall, accesses) = (service.firewall(), service.accesses(&project));
        Self {
            service,
            firewall,
            accesses,
            records: Vec::new(),
            traffic: Vec::new(),
            refused: Vec::new(),
            refused_of: 0,
            certificates: Vec::new(),
            read_only: false,
            project,
            now: crate::domain::fixtures::NOW,
        }
    }

    /// Why whoever reads this may not do it; the sentence of the refusal that the server would answer with.
    pub fn missing(&self, permission: Permission) -> Option<String> {
        let scope = self.project.to_string();
        self.read_only.then(|| ApiError::Forbidden { permission, scope }.to_string())
    }
}

/// How many refused attempts stand on the service's own page.
pub const ATTEMPTS_SHOWN: usize = 8;

#[server(endpoint = "services/list", protocol = Reading)]
pub async fn list_services(project: String) -> Result<Vec<Service>, ApiError> {
    crate::backend::backend()?.services(&super::path(&project)?).await
}

/// What the list shows; [`list_services`] says all.
#[server(endpoint = "services/lines", protocol = Reading)]
pub async fn list_service_lines(project: String) -> Result<Vec<ServiceLine>, ApiError> {
    Ok(list_services(project).await?.iter().map(ServiceLine::from).collect())
}

#[server(endpoint = "services/read", protocol = Reading)]
pub async fn read_service(project: String, id: String) -> Result<ServiceReading, ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    let backend = crate::backend::backend()?;
    let service = backend.service(&project, id).await?;
    let (firewall, accesses) = (service.firewall(), service.accesses(&project));
    let records = crate::domain::service::route::records(&accesses);
    let traffic = backend.node_traffic(&project, id).await?;
    let mut refused = backend.refused_attempts(&project, id).await?;
    let refused_of = refused.len();
    refused.truncate(ATTEMPTS_SHOWN);
    let certificates = backend.service_certificates(&project, id).await?;
    let read_only = !backend.viewer().await?.may_write(&project);
    Ok(ServiceReading {
        service,
        firewall,
        accesses,
        records,
        traffic,
        refused,
        refused_of,
        certificates,
        read_only,
        project,
        now: super::now(),
    })
}

#[server(endpoint = "services/ground", protocol = Reading)]
pub async fn read_service_ground(project: String) -> Result<ServiceGround, ApiError> {
    let project = super::path(&project)?;
    let backend = crate::backend::backend()?;
    let services = backend.services(&project).await?;
    let names = services.into_iter().filter(|service| !service.deleting).map(|service| service.name).collect();
    Ok(ServiceGround { network: backend.network(&project).await?, zone: backend.service_zone(&project).await?, names })
}

/// Form fields are `project` and `form[name]`, `form[kind]`, `form[ports][pg]`, …
#[server(endpoint = "services/create", input = PostUrl)]
pub async fn create_service(project: String, #[server(default)] form: ServiceForm) -> Result<ServiceId, ApiError> {
    let project = super::path(&project)?;
    let id = crate::backend::backend()?.create_service(&project, form.parse()?).await?;
    leptos_axum::redirect(&crate::routes::service(&project, id));
    Ok(id)
}

#[server(endpoint = "services/delete")]
pub async fn delete_service(project: String, id: String) -> Result<(), ApiError> {
    let project = super::path(&project)?;
    crate::backend::backend()?.delete_service(&project, super::path(&id)?).await?;
    leptos_axum::redirect(&crate::routes::services(&project));
    Ok(())
}

/// `on`: a check box.
#[server(endpoint = "services/protect")]
pub async fn protect_service(project: String, id: String, #[server(default)] on: String) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    let on = crate::domain::gateway::checked(&on);
    crate::backend::backend()?.set_termination_protection(&project, id, on).await?;
    leptos_axum::redirect(&crate::routes::service_settings(&project, id));
    Ok(())
}

/// Form fields are `project`, `id`, and `form[public][]` and `form[private][]` with names of components.
#[server(endpoint = "services/access", input = PostUrl)]
pub async fn set_service_access(
    project: String,
    id: String,
    #[server(default)] form: AccessForm,
) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    crate::backend::backend()?.set_service_access(&project, id, form).await?;
    leptos_axum::redirect(&crate::routes::service(&project, id));
    Ok(())
}

/// `filter`: a range and its description per line. `version`: of the list that was edited.
#[server(endpoint = "services/ip-filter", input = PostUrl)]
pub async fn set_ip_filter(
    project: String,
    id: String,
    #[server(default)] filter: String,
    version: u64,
    #[server(default)] allow_empty: String,
) -> Result<(), ApiError> {
    use crate::domain::{gateway::checked, service::IpFilter};

    let (project, id) = (super::path(&project)?, super::path(&id)?);
    let filter = IpFilter::parse(&filter, version)?;
    crate::backend::backend()?.set_ip_filter(&project, id, filter, checked(&allow_empty)).await?;
    leptos_axum::redirect(&crate::routes::service(&project, id));
    Ok(())
}

/// Form fields are `project`, `id`, `form[place]` and `form[open]`.
#[server(endpoint = "services/migrate", input = PostUrl)]
pub async fn migrate_service(
    project: String,
    id: String,
    #[server(default)] form: MigrationForm,
) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    crate::backend::backend()?.migrate_service(&project, id, form.parse()?).await?;
    leptos_axum::redirect(&crate::routes::service_migration(&project, id));
    Ok(())
}

/// Names lead to the replacement hosts from now on.
#[server(endpoint = "services/migrate/switch")]
pub async fn switch_service(project: String, id: String) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    crate::backend::backend()?.switch_service(&project, id).await?;
    leptos_axum::redirect(&crate::routes::service_migration(&project, id));
    Ok(())
}

/// The service stays where it was.
#[server(endpoint = "services/migrate/return")]
pub async fn return_service(project: String, id: String) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    crate::backend::backend()?.return_service(&project, id).await?;
    leptos_axum::redirect(&crate::routes::service_settings(&project, id));
    Ok(())
}

/// The old hosts go before their time.
#[server(endpoint = "services/migrate/finish")]
pub async fn finish_migration(project: String, id: String) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    crate::backend::backend()?.finish_migration(&project, id).await?;
    leptos_axum::redirect(&crate::routes::service_migration(&project, id));
    Ok(())
}

#[server(endpoint = "services/nodes/add")]
pub async fn add_node(project: String, id: String) -> Result<NodeId, ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    let node = crate::backend::backend()?.add_node(&project, id).await?;
    leptos_axum::redirect(&crate::routes::node(&project, id, node));
    Ok(node)
}

/// Form fields are `project`, `id`, `node` and `form[private_address]`, …
#[server(endpoint = "services/nodes/update", input = PostUrl)]
pub async fn update_node(
    project: String,
    id: String,
    node: String,
    #[server(default)] form: NodeForm,
) -> Result<(), ApiError> {
    let (project, id, node) = (super::path(&project)?, super::path(&id)?, super::path(&node)?);
    crate::backend::backend()?.update_node(&project, id, node, form).await?;
    leptos_axum::redirect(&crate::routes::node(&project, id, node));
    Ok(())
}

#[server(endpoint = "services/nodes/remove")]
pub async fn remove_node(project: String, id: String, node: String) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    crate::backend::backend()?.remove_node(&project, id, super::path(&node)?).await?;
    leptos_axum::redirect(&crate::routes::service(&project, id));
    Ok(())
}

/// Issues a token for one node, good for an hour and one use; earlier unused ones end.
#[server(endpoint = "services/nodes/enrolment")]
pub async fn issue_node_enrolment(project: String, id: String, node: String) -> Result<Enrolment, ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    crate::backend::backend()?.issue_node_enrolment(&project, id, super::path(&node)?).await
}

/// The agent's credential ends at once; the firewall stays as it is until the host is enrolled again.
#[server(endpoint = "services/nodes/revoke")]
pub async fn revoke_node_credential(project: String, id: String, node: String) -> Result<(), ApiError> {
    let (project, id, node) = (super::path(&project)?, super::path(&id)?, super::path(&node)?);
    let backend = crate::backend::backend()?;
    backend.revoke_node_credential(&project, id, node).await?;
    // One that was removed is gone with it, and the last one takes a service that is being deleted along. The credential
    // ended in any case.
    let service = backend.service(&project, id).await;
    let stays = |service: &Service| service.nodes.iter().any(|known| known.id == node && !known.removed);
    let page = match &service {
        Ok(service) if stays(service) => crate::routes::node(&project, id, node),
        Ok(_) => crate::routes::service(&project, id),
        Err(_) => crate::routes::services(&project),
    };
    leptos_axum::redirect(&page);
    Ok(())
}

/// Puts right what the agent found different, on a node that asks first.
#[server(endpoint = "services/nodes/repair")]
pub async fn repair_node(project: String, id: String, node: String) -> Result<(), ApiError> {
    let (project, id, node) = (super::path(&project)?, super::path(&id)?, super::path(&node)?);
    crate::backend::backend()?.repair_node(&project, id, node).await?;
    leptos_axum::redirect(&crate::routes::node(&project, id, node));
    Ok(())
}
