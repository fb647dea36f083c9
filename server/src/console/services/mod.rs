//! Services: placed, given their ports, opened and closed, and taken away once their hosts have cleaned up. Their hosts and
//! their moves have rooms of their own.

mod migration;
mod nodes;

use app::{
    api::{ApiError, enrolment::Enrolment},
    backend::Services,
    domain::{
        NodeId, ProjectName, Refusal, ServiceId,
        change::{ChangeKind, Facts, Topic},
        permission::Permission,
        service::{
            Component, IpFilter, Service,
            form::{AccessForm, NewService},
            member::{NodeForm, next_name},
            migration::NewMigration,
            placement,
            route::Zone,
        },
    },
};
use async_trait::async_trait;
use uuid::Uuid;

use super::{Console, facts, failed};
use crate::{
    clock,
    store::{
        Result as StoreResult, Tx, firewalls::FirewallScene, network::Vantage, nodes::NodeRow, people::Project,
        services::ServiceRow, transact,
    },
};

#[async_trait]
impl Services for Console {
    async fn services(&self, project: &ProjectName) -> Result<Vec<Service>, ApiError> {
        let project = self.enter(project, Permission::ServicesRead).await?;
        let vantage = self.vantage(clock::now());
        let read = async {
            let mut tx = self.store().snapshot().await?;
            tx.service_scene(project.id, &vantage).await
        };
        let scene = read.await.map_err(failed)?;
        Ok(scene.services.iter().map(|row| self.shown_service(row, &scene, &vantage)).collect())
    }

    async fn service(&self, project: &ProjectName, id: ServiceId) -> Result<Service, ApiError> {
        self.services(project).await?.into_iter().find(|service| service.id == id).ok_or(ApiError::NotFound)
    }

    async fn service_zone(&self, project: &ProjectName) -> Result<Zone, ApiError> {
        self.enter(project, Permission::ServicesRead).await?;
        Ok(self.shared.zone.clone())
    }

    async fn create_service(&self, project: &ProjectName, new: NewService) -> Result<ServiceId, ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        let id = ServiceId::from_uuid(Uuid::now_v7());
        transact!(self.store(), clock::now(), |tx| {
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            new.admit(&network, &project.name)?;
            let taken = tx.services(project.id).await?;
            if taken.iter().any(|service| service.name == new.name && service.deleting_at.is_none()) {
                return Err(NewService::name_taken(&new.name).into());
            }
            if tx.is_host_elsewhere(project.id, &format!("{}-{}", new.name, project.name)).await? {
                return Err(NewService::host_taken(&new.name, &project.name).into());
            }
            tx.insert_service(project.id, id, &new).await?;
            let mut names = Vec::new();
            for _ in 0..new.node_count {
                let name = next_name(&new.name, &names);
                tx.insert_node(id, NodeId::from_uuid(Uuid::now_v7()), &name, &new.place, None).await?;
                names.push(name);
            }
            let mut note = self.note(ChangeKind::ServiceCreate, Topic::Services, project.id, id, &new.name);
            note.after = facts([
                ("type", new.kind.to_string()),
                ("plan", new.plan.as_str().to_owned()),
                ("nodes", new.node_count.to_string()),
                ("place", placement::label(&network, &new.place)),
            ]);
            note.after.extend(switches(&new.components));
            tx.note(note).await
        })
        .map_err(failed)?;
        Ok(id)
    }

    async fn delete_service(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, &project, id).await?;
            if row.termination_protection {
                return Err(Service::protected().into());
            }
            for node in nodes_of(tx, &project, id).await?.iter().filter(|node| !node.removed) {
                tx.dismiss_node(node).await?;
            }
            tx.mark_service_deleting(id).await?;
            tx.forget_services().await?;
            let mut note = self.note(ChangeKind::ServiceDelete, Topic::Services, project.id, id, &row.name);
            note.before = facts([("type", row.kind.to_string())]);
            tx.note(note).await
        })
        .map_err(failed)?;
        Ok(())
    }

    async fn set_termination_protection(&self, project: &ProjectName, id: ServiceId, on: bool) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, &project, id).await?;
            if row.termination_protection == on {
                return Ok(());
            }
            tx.set_termination_protection(id, on).await?;
            let mut note = self.note(ChangeKind::ServiceUpdate, Topic::Services, project.id, id, &row.name);
            let word = |on: bool| facts([("termination_protection", if on { "on" } else { "off" }.to_owned())]);
            (note.before, note.after) = (word(!on), word(on));
            tx.note(note).await?;
            Ok(())
        })
        .map_err(failed)
    }

    async fn set_service_access(&self, project: &ProjectName, id: ServiceId, form: AccessForm) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServiceConfigurationWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, &project, id).await?;
            let components = form.apply(row.kind, &row.components)?;
            if components == row.components {
                return Ok(());
            }
            tx.set_components(id, &components).await?;
            let mut note = self.note(ChangeKind::ServiceUpdate, Topic::Services, project.id, id, &row.name);
            (note.before, note.after) = (switches(&row.components), switches(&components));
            tx.note(note).await?;
            Ok(())
        })
        .map_err(failed)
    }

    async fn set_ip_filter(
        &self,
        project: &ProjectName,
        id: ServiceId,
        filter: IpFilter,
        allow_empty: bool,
    ) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServiceConfigurationWrite).await?;
        filter.admit(allow_empty)?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, &project, id).await?;
            let before = tx.ip_filter(id).await?;
            if !tx.set_ip_filter(id, &filter).await? {
                return Err(IpFilter::changed_meanwhile().into());
            }
            let mut note = self.note(ChangeKind::IpFilterUpdate, Topic::Services, project.id, id, &row.name);
            (note.before, note.after) = before.difference(&filter);
            tx.note(note).await?;
            Ok(())
        })
        .map_err(failed)
    }

    async fn migrate_service(&self, project: &ProjectName, id: ServiceId, new: NewMigration) -> Result<(), ApiError> {
        self.begin_migration(project, id, new).await
    }

    async fn switch_service(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError> {
        self.switch_names(project, id).await
    }

    async fn return_service(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError> {
        self.call_off_migration(project, id).await
    }

    async fn finish_migration(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError> {
        self.end_draining(project, id).await
    }

    async fn add_node(&self, project: &ProjectName, id: ServiceId) -> Result<NodeId, ApiError> {
        self.list_node(project, id).await
    }

    async fn update_node(
        &self,
        project: &ProjectName,
        id: ServiceId,
        node: NodeId,
        form: NodeForm,
    ) -> Result<(), ApiError> {
        self.change_node(project, id, node, form).await
    }

    async fn remove_node(&self, project: &ProjectName, id: ServiceId, node: NodeId) -> Result<(), ApiError> {
        self.take_node_away(project, id, node).await
    }

    async fn issue_node_enrolment(
        &self,
        project: &ProjectName,
        id: ServiceId,
        node: NodeId,
    ) -> Result<Enrolment, ApiError> {
        self.invite_host(project, id, node).await
    }

    async fn revoke_node_credential(&self, project: &ProjectName, id: ServiceId, node: NodeId) -> Result<(), ApiError> {
        self.shut_host_out(project, id, node).await
    }

    async fn repair_node(&self, project: &ProjectName, id: ServiceId, node: NodeId) -> Result<(), ApiError> {
        self.ask_for_repair(project, id, node).await
    }
}

impl Console {
    pub(in crate::console) fn shown_service(
        &self,
        row: &ServiceRow,
        scene: &FirewallScene,
        vantage: &Vantage<'_>,
    ) -> Service {
        let here = scene.side(&row.place);
        Service {
            id: row.id,
            name: row.name.clone(),
            kind: row.kind,
            plan: row.plan,
            node_count: row.node_count,
            place: here.place,
            place_label: here.label,
            vpc: here.vpc,
            state: row.state,
            termination_protection: row.termination_protection,
            static_ips: row.static_ips,
            drift_policy: row.drift_policy,
            components: row.components.clone(),
            nodes: scene.nodes_of(row, vantage),
            filter: scene.filters.get(&row.id).cloned().unwrap_or_default(),
            peered: here.peered,
            zone: self.shared.zone.clone(),
            migration: scene.migration(row),
            deleting: row.deleting_at.is_some(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// One that is not being deleted.
pub(in crate::console) async fn live(tx: &mut Tx, project: &Project, id: ServiceId) -> StoreResult<ServiceRow> {
    let row = tx.service(project.id, id).await?;
    if row.deleting_at.is_some() {
        return Err(Refusal::conflict("", format!("Service {} is being deleted.", row.name)).into());
    }
    Ok(row)
}

async fn nodes_of(tx: &mut Tx, project: &Project, id: ServiceId) -> StoreResult<Vec<NodeRow>> {
    Ok(tx.nodes(project.id).await?.into_iter().filter(|node| node.service == id).collect())
}

/// The components with their ports and the routes that are switched on.
fn switches(components: &[Component]) -> Facts {
    let line = |component: &Component| {
        let routes = [("public", component.public_access), ("private", component.private_access)];
        let on: Vec<&str> = routes.into_iter().filter_map(|(route, on)| on.then_some(route)).collect();
        format!("{} {}", component.port, on.join(", ")).trim_end().to_owned()
    };
    components.iter().map(|component| (format!("component {}", component.name), line(component))).collect()
}
