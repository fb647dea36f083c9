//! The hosts of a service: listed, described, invited, shut out, taken away.

use app::{
    api::{ApiError, enrolment::Enrolment},
    domain::{
        Network, NodeId, ProjectName, Refusal, ServiceId, VpcId,
        change::{ChangeKind, Facts, Topic},
        host::TOKEN_SECONDS,
        permission::Permission,
        service::{
            Node, Service,
            member::{NodeForm, NodeSettings, next_name},
        },
    },
};
use uuid::Uuid;

use super::{live, nodes_of};
use crate::{
    clock,
    console::{Console, door::Token, facts, failed},
    store::{
        Result as StoreResult, StoreError, Tx,
        nodes::NodeRow,
        people::Project,
        services::{MigrationRow, ServiceRow},
        transact,
    },
};

impl Console {
    pub(super) async fn list_node(&self, project: &ProjectName, id: ServiceId) -> Result<NodeId, ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        let node = NodeId::from_uuid(Uuid::now_v7());
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, &project, id).await?;
            let nodes = nodes_of(tx, &project, id).await?;
            let (place, replaces) = match tx.migrations(project.id).await?.remove(&id) {
                // While a service moves, whoever comes belongs where it goes.
                Some(moving) => {
                    let replaced = replaced(&row, &moving, &nodes)?;
                    (moving.target, replaced)
                }
                None => (row.place.clone(), None),
            };
            Service::admit_node(nodes.iter().filter(|node| !node.removed && node.place == place).count())?;
            let name = next_name(&row.name, nodes.iter().map(|node| &node.name));
            tx.insert_node(id, node, &name, &place, replaces).await?;
            let mut note = self.note(ChangeKind::ServiceNodeCreate, Topic::Services, project.id, node, &name);
            note.after = facts([("service", row.name.to_string())]);
            tx.note(note).await
        })
        .map_err(failed)?;
        Ok(node)
    }

    pub(super) async fn change_node(
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
            if settings.enforced != row.settings.enforced {
                tx.forget_what_node_showed(node).await?;
            }
            let mut note = self.note(ChangeKind::ServiceUpdate, Topic::Services, project.id, id, &row.name);
            (note.before, note.after) = (about(&row.settings), about(&settings));
            tx.note(note).await?;
            Ok(())
        })
        .map_err(failed)
    }

    pub(super) async fn take_node_away(
        &self,
        project: &ProjectName,
        id: ServiceId,
        node: NodeId,
    ) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::ServicesWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live_node(tx, &project, id, node).await?;
            tx.dismiss_node(&row).await?;
            tx.note(self.note(ChangeKind::ServiceNodeDelete, Topic::Services, project.id, node, &row.name)).await
        })
        .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn invite_host(
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

    pub(super) async fn shut_host_out(
        &self,
        project: &ProjectName,
        id: ServiceId,
        node: NodeId,
    ) -> Result<(), ApiError> {
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

    pub(super) async fn ask_for_repair(
        &self,
        project: &ProjectName,
        id: ServiceId,
        node: NodeId,
    ) -> Result<(), ApiError> {
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

fn range(network: &Network, vpc: Option<VpcId>) -> Option<app::domain::Cidr> {
    vpc.and_then(|id| network.vpc(id)).map(|vpc| vpc.cidr)
}

async fn live_node(tx: &mut Tx, project: &Project, id: ServiceId, node: NodeId) -> StoreResult<NodeRow> {
    live(tx, project, id).await?;
    let nodes = nodes_of(tx, project, id).await?;
    let row = nodes.into_iter().find(|row| row.id == node).ok_or(StoreError::NotFound)?;
    if row.removed { Err(Node::leaving(&row.name).into()) } else { Ok(row) }
}

/// Which node a new one takes over from: one that nobody does yet. `None`: the names were switched, and it serves at once.
fn replaced(row: &ServiceRow, moving: &MigrationRow, nodes: &[NodeRow]) -> StoreResult<Option<NodeId>> {
    if moving.drains_until.is_some() {
        return Ok(None);
    }
    let there = || nodes.iter().filter(|node| !node.removed);
    let alone = |old: &&NodeRow| !there().any(|node| node.replaces == Some(old.id));
    let old = || there().filter(|node| node.place != moving.target);
    let found = old().find(alone).or_else(|| old().next_back());
    let nobody = || {
        let sentence =
            format!("Service {} moves, and no node of it is left to be replaced. Switch the names first.", row.name);
        StoreError::from(Refusal::conflict("", sentence))
    };
    found.map(|node| Some(node.id)).ok_or_else(nobody)
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
