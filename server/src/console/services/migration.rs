//! A service moves. Every step asks first how far the move is; what is between two steps is the reconciler's.

use app::{
    api::ApiError,
    domain::{
        NodeId, NodeName, ProjectName, ServiceId,
        change::{ChangeKind, Facts, Topic},
        permission::Permission,
        service::{
            Node, Service, ServiceState,
            member::next_name,
            migration::{DRAIN_SECONDS, Migration, NewMigration},
            placement,
        },
    },
};
use uuid::Uuid;

use super::{live, nodes_of};
use crate::{
    clock,
    console::{Console, facts, failed},
    store::{Result as StoreResult, Tx, firewalls::FirewallScene, people::Project, services::ServiceRow, transact},
};

/// A service that moves, as one transaction sees it.
struct Moving {
    row: ServiceRow,
    migration: Migration,
    nodes: Vec<Node>,
    scene: FirewallScene,
}

impl Moving {
    /// What people call the place that names lead to.
    fn label(&self) -> String {
        placement::label(&self.scene.network, &self.row.place)
    }
}

impl Console {
    pub(super) async fn begin_migration(
        &self,
        project: &ProjectName,
        id: ServiceId,
        new: NewMigration,
    ) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, &project, id).await?;
            if tx.migrations(project.id).await?.contains_key(&id) {
                return Err(Service::moving(&row.name).into());
            }
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            new.admit(&network, &row.place, &tx.ip_filter(id).await?)?;
            tx.start_migration(id, &new.target).await?;
            let nodes = nodes_of(tx, &project, id).await?;
            let mut names: Vec<NodeName> = nodes.iter().map(|node| node.name.clone()).collect();
            for old in nodes.iter().filter(|node| !node.removed) {
                let name = next_name(&row.name, &names);
                tx.insert_node(id, NodeId::from_uuid(Uuid::now_v7()), &name, &new.target, Some(old.id)).await?;
                names.push(name);
            }
            tx.set_service_state(id, ServiceState::Rebuilding).await?;
            let before = facts([("place", placement::label(&network, &row.place))]);
            let added: Vec<&str> = names[nodes.len()..].iter().map(NodeName::as_str).collect();
            let target = placement::label(&network, &new.target);
            let after = facts([("place", target), ("replacements", added.join(", "))]);
            self.note_move(tx, &project, &row, before, after).await
        })
        .map_err(failed)
    }

    pub(super) async fn switch_names(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let moving = self.moving(tx, &project, id).await?;
            let Moving { row, migration, nodes, scene } = &moving;
            migration.admit_switch(nodes, tx.at())?;
            placement::admit_place(&scene.network, &migration.target)?;
            tx.place_service(id, &migration.target).await?;
            for node in nodes {
                if migration.is_old(node) {
                    tx.mark_node_leaving(node.id).await?;
                } else {
                    tx.take_over(node.id).await?;
                }
            }
            let until = tx.at().plus_seconds(DRAIN_SECONDS);
            tx.drain_until(id, until).await?;
            let before = facts([("names", moving.label())]);
            let after =
                facts([("names", migration.target_label.clone()), ("old hosts", format!("serving until {until}"))]);
            self.note_move(tx, &project, row, before, after).await
        })
        .map_err(failed)
    }

    pub(super) async fn call_off_migration(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let moving = self.moving(tx, &project, id).await?;
            let Moving { row, migration, scene, .. } = &moving;
            migration.admit_return()?;
            let there = scene.nodes.iter().filter(|node| node.service == id && !node.removed);
            for node in there.filter(|node| node.place == migration.target) {
                tx.dismiss_node(node).await?;
            }
            tx.end_migration(id).await?;
            let before = facts([("place", migration.target_label.clone())]);
            self.note_move(tx, &project, row, before, facts([("place", moving.label())])).await
        })
        .map_err(failed)
    }

    pub(super) async fn end_draining(&self, project: &ProjectName, id: ServiceId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let Moving { row, migration, nodes, .. } = self.moving(tx, &project, id).await?;
            migration.admit_finish(&nodes, tx.at())?;
            tx.drain_until(id, tx.at()).await?;
            let until = migration.drains_until.map(|until| format!("serving until {until}")).unwrap_or_default();
            let (before, after) = (facts([("old hosts", until)]), facts([("old hosts", "leaving at once".to_owned())]));
            self.note_move(tx, &project, &row, before, after).await
        })
        .map_err(failed)
    }

    async fn moving(&self, tx: &mut Tx, project: &Project, id: ServiceId) -> StoreResult<Moving> {
        let row = live(tx, project, id).await?;
        let vantage = self.vantage(tx.at());
        let scene = tx.service_scene(project.id, &vantage).await?;
        let migration = scene.migration(&row).ok_or_else(Service::stays)?;
        let nodes = scene.nodes_of(&row, &vantage);
        Ok(Moving { row, migration, nodes, scene })
    }

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
}
