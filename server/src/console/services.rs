//! Services: placed, given their ports, opened and closed, and taken away once their hosts have cleaned up.

use app::{
    api::{ApiError, enrolment::Enrolment},
    backend::Services,
    domain::{
        Network, NodeId, NodeName, ProjectName, Refusal, ServiceId, VpcId,
        change::{ChangeKind, Facts, Topic},
        host::TOKEN_SECONDS,
        permission::Permission,
        service::{
            Component, IpFilter, Place, Service, ServiceState, VpcBrief,
            firewall::peered,
            form::{AccessForm, NewService},
            member::{NodeForm, NodeSettings, next_name},
            migration::DRAIN_SECONDS,
            placement,
            route::Zone,
        },
    },
};
use async_trait::async_trait;
use uuid::Uuid;

use super::{Console, door::Token, facts, failed};
use crate::{
    clock,
    store::{
        Result as StoreResult, StoreError, Tx, firewalls::FirewallScene, network::Vantage, nodes::NodeRow,
        people::Project, services::ServiceRow, transact,
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
            for node in nodes_of(tx, &project, id).await? {
                tx.dismiss_node(&node).await?;
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

    async fn migrate_service(&self, project: &ProjectName, id: ServiceId, target: Place) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, &project, id).await?;
            if tx.migrations(project.id).await?.contains_key(&id) {
                return Err(Service::moving(&row.name).into());
            }
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            placement::admit_migration(&network, &row.place, &target)?;
            tx.start_migration(id, &target).await?;
            let nodes = nodes_of(tx, &project, id).await?;
            let mut names: Vec<NodeName> = nodes.iter().map(|node| node.name.clone()).collect();
            for old in nodes.iter().filter(|node| !node.removed) {
                let name = next_name(&row.name, &names);
                tx.insert_node(id, NodeId::from_uuid(Uuid::now_v7()), &name, &target, Some(old.id)).await?;
                names.push(name);
            }
            tx.set_service_state(id, ServiceState::Rebuilding).await?;
            let label = |place: &Place| facts([("place", placement::label(&network, place))]);
            self.note_move(tx, &project, &row, label(&row.place), label(&target)).await
        })
        .map_err(failed)?;
        Ok(())
    }

    async fn switch_service(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        let vantage = self.vantage(clock::now());
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, &project, id).await?;
            let shown = self.shown_service(&row, &tx.service_scene(project.id, &vantage).await?, &vantage);
            let migration = shown.migration.ok_or_else(Service::stays)?;
            migration.admit_switch(&shown.nodes, tx.at())?;
            tx.place_service(id, &migration.target).await?;
            for node in &shown.nodes {
                if migration.is_old(node) {
                    tx.mark_node_leaving(node.id).await?;
                } else {
                    tx.take_over(node.id).await?;
                }
            }
            tx.drain_until(id, tx.at().plus_seconds(DRAIN_SECONDS)).await?;
            let names = |to: &str| facts([("names", to.to_owned())]);
            self.note_move(tx, &project, &row, names(&shown.place_label), names(&migration.target_label)).await
        })
        .map_err(failed)?;
        Ok(())
    }

    async fn return_service(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        let vantage = self.vantage(clock::now());
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, &project, id).await?;
            let shown = self.shown_service(&row, &tx.service_scene(project.id, &vantage).await?, &vantage);
            let migration = shown.migration.ok_or_else(Service::stays)?;
            migration.admit_return()?;
            for node in nodes_of(tx, &project, id).await?.iter().filter(|node| node.replaces.is_some()) {
                tx.dismiss_node(node).await?;
            }
            tx.end_migration(id).await?;
            let place = |label: &str| facts([("place", label.to_owned())]);
            self.note_move(tx, &project, &row, place(&migration.target_label), place(&shown.place_label)).await
        })
        .map_err(failed)?;
        Ok(())
    }

    async fn finish_migration(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, &project, id).await?;
            let migration = tx.migrations(project.id).await?.remove(&id).ok_or_else(Service::stays)?;
            if migration.drains_until.is_none() {
                return Err(Refusal::conflict("", "Switch the names first.").into());
            }
            tx.drain_until(id, tx.at()).await?;
            self.note_move(
                tx,
                &project,
                &row,
                facts([("old hosts", "serving".into())]),
                facts([("old hosts", "leaving".into())]),
            )
            .await
        })
        .map_err(failed)?;
        Ok(())
    }

    async fn add_node(&self, project: &ProjectName, id: ServiceId) -> Result<NodeId, ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        let node = NodeId::from_uuid(Uuid::now_v7());
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, &project, id).await?;
            if tx.migrations(project.id).await?.contains_key(&id) {
                return Err(Service::moving(&row.name).into());
            }
            let nodes = nodes_of(tx, &project, id).await?;
            Service::admit_node(nodes.iter().filter(|node| !node.removed).count())?;
            let name = next_name(&row.name, nodes.iter().map(|node| &node.name));
            tx.insert_node(id, node, &name, &row.place, None).await?;
            let mut note = self.note(ChangeKind::ServiceNodeCreate, Topic::Services, project.id, node, &name);
            note.after = facts([("service", row.name.to_string())]);
            tx.note(note).await
        })
        .map_err(failed)?;
        Ok(node)
    }

    async fn update_node(
        &self,
        project: &ProjectName,
        id: ServiceId,
        node: NodeId,
        form: NodeForm,
    ) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live_node(tx, &project, id, node).await?;
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            let settings = form.parse(range(&network, row.place.vpc))?;
            if settings == row.settings {
                return Ok(());
            }
            tx.update_node(node, &settings).await?;
            let mut note = self.note(ChangeKind::ServiceUpdate, Topic::Services, project.id, id, &row.name);
            (note.before, note.after) = (about(&row.settings), about(&settings));
            tx.note(note).await?;
            Ok(())
        })
        .map_err(failed)
    }

    async fn remove_node(&self, project: &ProjectName, id: ServiceId, node: NodeId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live_node(tx, &project, id, node).await?;
            tx.dismiss_node(&row).await?;
            tx.note(self.note(ChangeKind::ServiceNodeDelete, Topic::Services, project.id, node, &row.name)).await
        })
        .map_err(failed)?;
        Ok(())
    }

    async fn issue_node_enrolment(
        &self,
        project: &ProjectName,
        id: ServiceId,
        node: NodeId,
    ) -> Result<Enrolment, ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        let token = Token::new();
        let expires_at = clock::now().plus_seconds(TOKEN_SECONDS);
        transact!(self.store(), clock::now(), |tx| {
            let row = live_node(tx, &project, id, node).await?;
            if !row.settings.enforced {
                return Err(Refusal::conflict("", "This node is listed without an agent. Change that first.").into());
            }
            tx.issue_enrolment(node, &token.digest, expires_at).await?;
            let mut note =
                self.note(ChangeKind::ServiceNodeEnrolmentToken, Topic::Services, project.id, node, &row.name);
            note.after = facts([("expires_at", expires_at.to_string())]);
            tx.note(note).await
        })
        .map_err(failed)?;
        let address = self.shared.enrolment.clone();
        Ok(Enrolment { token: token.text, expires_at, console: address.console, hint: address.hint })
    }

    async fn revoke_node_credential(&self, project: &ProjectName, id: ServiceId, node: NodeId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = nodes_of(tx, &project, id).await?.into_iter().find(|row| row.id == node);
            let row = row.ok_or(StoreError::NotFound)?;
            tx.revoke_credential(node).await?;
            let kind = ChangeKind::ServiceNodeCredentialRevoke;
            tx.note(self.note(kind, Topic::Services, project.id, node, &row.name)).await
        })
        .map_err(failed)?;
        Ok(())
    }

    async fn repair_node(&self, project: &ProjectName, id: ServiceId, node: NodeId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live_node(tx, &project, id, node).await?;
            tx.ask_node_repair(node).await?;
            tx.note(self.note(ChangeKind::ServiceNodeRepair, Topic::Services, project.id, node, &row.name)).await
        })
        .map_err(failed)?;
        Ok(())
    }
}

impl Console {
    async fn note_move(
        &self,
        tx: &mut Tx,
        project: &Project,
        row: &ServiceRow,
        before: Facts,
        after: Facts,
    ) -> StoreResult<()> {
        let mut note = self.note(ChangeKind::ServiceMigrate, Topic::Services, project.id, row.id, &row.name);
        (note.before, note.after) = (before, after);
        tx.note(note).await.map(drop)
    }

    fn shown_service(&self, row: &ServiceRow, scene: &FirewallScene, vantage: &Vantage<'_>) -> Service {
        let vpc = row.place.vpc.and_then(|id| scene.network.vpc(id));
        Service {
            id: row.id,
            name: row.name.clone(),
            kind: row.kind,
            plan: row.plan,
            node_count: row.node_count,
            place: row.place.clone(),
            place_label: placement::label(&scene.network, &row.place),
            vpc: vpc.map(|vpc| VpcBrief { id: vpc.id, name: vpc.name.clone(), cidr: vpc.cidr, state: vpc.state }),
            state: row.state,
            termination_protection: row.termination_protection,
            static_ips: row.static_ips,
            drift_policy: row.drift_policy,
            components: row.components.clone(),
            nodes: scene.nodes_of(row, vantage),
            filter: scene.filters.get(&row.id).cloned().unwrap_or_default(),
            peered: row.place.vpc.map(|vpc| peered(&scene.network, vpc)).unwrap_or_default(),
            zone: self.shared.zone.clone(),
            migration: scene.migration(row.id),
            deleting: row.deleting_at.is_some(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn range(network: &Network, vpc: Option<VpcId>) -> Option<app::domain::Cidr> {
    vpc.and_then(|id| network.vpc(id)).map(|vpc| vpc.cidr)
}

/// One that is not being deleted.
async fn live(tx: &mut Tx, project: &Project, id: ServiceId) -> StoreResult<ServiceRow> {
    let row = tx.service(project.id, id).await?;
    if row.deleting_at.is_some() {
        return Err(Refusal::conflict("", format!("Service {} is being deleted.", row.name)).into());
    }
    Ok(row)
}

async fn nodes_of(tx: &mut Tx, project: &Project, id: ServiceId) -> StoreResult<Vec<NodeRow>> {
    Ok(tx.nodes(project.id).await?.into_iter().filter(|node| node.service == id).collect())
}

async fn live_node(tx: &mut Tx, project: &Project, id: ServiceId, node: NodeId) -> StoreResult<NodeRow> {
    live(tx, project, id).await?;
    let nodes = nodes_of(tx, project, id).await?;
    nodes.into_iter().find(|row| row.id == node && !row.removed).ok_or(StoreError::NotFound)
}

fn about(settings: &NodeSettings) -> Facts {
    let address = |address: Option<String>| address.unwrap_or_else(|| "as reported".to_owned());
    facts([
        ("agent", if settings.enforced { "yes" } else { "no" }.to_owned()),
        ("private_address", address(settings.private_address.map(|address| address.to_string()))),
        ("public_address", address(settings.public_address.map(|address| address.to_string()))),
        ("translated", if settings.translated { "yes" } else { "no" }.to_owned()),
    ])
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
