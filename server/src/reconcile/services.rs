//! Moves services from state to state: running once every node serves, and on from a migration whose old hosts are drained.
//!
//! Names are switched by a person, who alone knows that the data has arrived; everything after that is done here, a step
//! at a time, so that a console that is killed in between goes on where it was.

use std::collections::BTreeSet;

use app::domain::{
    ProjectId,
    change::{ChangeKind, Facts, Topic},
    service::{
        ServiceState,
        migration::{Migration, Phase},
    },
};
use async_trait::async_trait;

use super::{Controller, Next, transitions::AUTOMATION};
use crate::{
    clock,
    store::{
        Note, Result, Store, Tx, firewalls::FirewallScene, network::Vantage, nodes::NodeRow, services::ServiceRow,
        transact,
    },
};

pub struct Lives {
    store: Store,
    silent_after: u64,
}

impl Lives {
    pub fn new(store: Store, silent_after: u64) -> Self {
        Self { store, silent_after }
    }

    fn vantage(&self) -> Vantage<'static> {
        Vantage {
            now: clock::now(),
            silent_after: self.silent_after,
            listening_since: app::domain::Timestamp::default(),
            locations: &[],
        }
    }
}

#[async_trait]
impl Controller for Lives {
    type Key = ProjectId;
    const NAME: &'static str = "services";

    async fn keys(&self) -> anyhow::Result<BTreeSet<ProjectId>> {
        Ok(self.store.projects_with_services().await?)
    }

    async fn reconcile(&self, project: &ProjectId) -> anyhow::Result<Next> {
        let vantage = self.vantage();
        // Looked at without a lock first: most of the time there is nothing to do.
        let scene = self.store.service_scene(*project, &vantage).await?;
        let due = scene.services.iter().filter(|row| row.deleting_at.is_none()).any(|row| {
            let (nodes, migration) = (scene.nodes_of(row, &vantage), scene.migration(row));
            let phase = migration.as_ref().map(|migration| migration.phase(&nodes, vantage.now));
            let step = migration.is_some_and(|migration| migration.is_due(&nodes, vantage.now));
            step || row.next_state(&nodes, phase) != row.state
        });
        if !due {
            return Ok(Next::Settled);
        }
        transact!(self.store, clock::now(), |tx| {
            let scene = tx.service_scene(*project, &vantage).await?;
            for row in scene.services.iter().filter(|row| row.deleting_at.is_none()) {
                let nodes = scene.nodes_of(row, &vantage);
                let migration = scene.migration(row);
                let phase = migration.as_ref().map(|migration| migration.phase(&nodes, vantage.now));
                if let Some(migration) = migration.filter(|migration| migration.is_due(&nodes, vantage.now)) {
                    step(tx, &scene, row, &migration, phase == Some(Phase::Done)).await?;
                }
                let next = row.next_state(&nodes, phase);
                if next != row.state {
                    tx.set_service_state(row.id, next).await?;
                    let word = |state: ServiceState| Facts::from([("state".to_owned(), state.word().to_owned())]);
                    note(tx, row, ChangeKind::ServiceStateChange, word(row.state), word(next)).await?;
                }
            }
            tx.within(*project);
            tx.touch(Topic::Services);
            Ok(())
        })?;
        Ok(Next::Settled)
    }
}

/// Asks the old hosts to go, or ends a migration that none of them holds up any more.
async fn step(tx: &mut Tx, scene: &FirewallScene, row: &ServiceRow, migration: &Migration, done: bool) -> Result<()> {
    let fact = |what: &str, word: String| Facts::from([(what.to_owned(), word)]);
    if done {
        tx.end_migration(row.id).await?;
        let (before, after) = (fact("migration", "under way".to_owned()), fact("migration", "done".to_owned()));
        return note(tx, row, ChangeKind::ServiceMigrate, before, after).await;
    }
    let is_old = |node: &&NodeRow| node.service == row.id && node.place != migration.target && !node.removed;
    let old: Vec<&NodeRow> = scene.nodes.iter().filter(is_old).collect();
    for node in &old {
        tx.dismiss_node(node).await?;
    }
    let names: Vec<&str> = old.iter().map(|node| node.name.as_str()).collect();
    let (before, after) =
        (fact("old hosts", "serving".to_owned()), fact("old hosts", format!("leaving: {}", names.join(", "))));
    note(tx, row, ChangeKind::ServiceMigrate, before, after).await
}

async fn note(tx: &mut Tx, row: &ServiceRow, kind: ChangeKind, before: Facts, after: Facts) -> Result<()> {
    tx.note(Note {
        actor: AUTOMATION,
        kind,
        topic: Topic::Services,
        project: Some(row.project),
        object: row.id.to_string(),
        object_name: row.name.to_string(),
        before,
        after,
    })
    .await
    .map(drop)
}
