//! Moves services from state to state: running once every node serves, and on from a migration whose old hosts are drained.
//!
//! Names are switched by a person, who alone knows that the data has arrived; everything after that is done here, a step
//! at a time, so that a console that is killed in between goes on where it was.

use std::collections::BTreeSet;

use app::domain::{
    ProjectId,
    change::{ChangeKind, Facts, Topic},
    service::{ServiceState, migration::Phase},
};
use async_trait::async_trait;

use super::{Controller, Next, transitions::AUTOMATION};
use crate::{
    clock,
    store::{Note, Result, Store, Tx, network::Vantage, services::ServiceRow, transact},
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
        let due = scene.services.iter().any(|row| {
            let nodes = scene.nodes_of(row, &vantage);
            let phase = scene.migration(row.id).map(|migration| migration.phase(&nodes, vantage.now));
            row.deleting_at.is_none() && (phase.is_some_and(is_due) || row.next_state(&nodes, phase) != row.state)
        });
        if !due {
            return Ok(Next::Settled);
        }
        transact!(self.store, clock::now(), |tx| {
            let scene = tx.service_scene(*project, &vantage).await?;
            for row in scene.services.iter().filter(|row| row.deleting_at.is_none()) {
                let nodes = scene.nodes_of(row, &vantage);
                let migration = scene.migration(row.id);
                let phase = migration.as_ref().map(|migration| migration.phase(&nodes, vantage.now));
                match (phase, &migration) {
                    (Some(Phase::Leaving { .. }), Some(migration)) => {
                        for node in scene
                            .nodes
                            .iter()
                            .filter(|node| node.service == row.id && node.place != migration.target && !node.removed)
                        {
                            tx.dismiss_node(node).await?;
                        }
                    }
                    (Some(Phase::Done), _) => tx.end_migration(row.id).await?,
                    _ => {}
                }
                let next = row.next_state(&nodes, phase.filter(|phase| *phase != Phase::Done));
                if next != row.state {
                    tx.set_service_state(row.id, next).await?;
                    note(tx, row, next).await?;
                }
            }
            tx.within(*project);
            tx.touch(Topic::Services);
            Ok(())
        })?;
        Ok(Next::Settled)
    }
}

/// Whether a phase asks for a step that is not taken yet. Hosts that clean up are waited for.
fn is_due(phase: Phase) -> bool {
    matches!(phase, Phase::Leaving { .. } | Phase::Done)
}

async fn note(tx: &mut Tx, row: &ServiceRow, next: ServiceState) -> Result<()> {
    let word = |state: ServiceState| Facts::from([("state".to_owned(), state.word().to_owned())]);
    tx.note(Note {
        actor: AUTOMATION,
        kind: ChangeKind::ServiceStateChange,
        topic: Topic::Services,
        project: Some(row.project),
        object: row.id.to_string(),
        object_name: row.name.to_string(),
        before: word(row.state),
        after: word(next),
    })
    .await
    .map(drop)
}
