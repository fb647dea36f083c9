//! Removes what is over: deleted gateways and removed nodes whose host has cleaned up (or that no host can answer for), enrolment tokens that
//! nobody can use any more, and remarks about VPC peerings that are gone.
//!
//! The credential of a removed host is remembered for a year, so that its agent is told to remove everything instead of
//! being turned away. Traffic samples need no cleaning: they are rings.

use std::{collections::BTreeSet, fmt};

use app::domain::{
    change::{Facts, Topic},
    gateway::GatewayStatus,
    host::HostId,
};
use async_trait::async_trait;

use super::{Controller, Next, transitions};
use crate::{
    clock,
    store::{Store, transact},
};

const REMEMBERED_DAYS: i64 = 365;

/// What may be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Host(HostId),
    /// Tokens, old credentials and remarks.
    Leftovers,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(id) => write!(f, "{} {id}", id.role()),
            Self::Leftovers => f.write_str("leftovers"),
        }
    }
}

/// Removes what is over.
pub struct Cleanup {
    store: Store,
}

impl Cleanup {
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    async fn remove_host(&self, id: HostId) -> anyhow::Result<()> {
        let removed = transact!(self.store, clock::now(), |tx| {
            let Some(host) = tx.host(id).await? else { return Ok(false) };
            if !host.deleting || (host.row.enrolled && !host.row.cleaned) {
                return Ok(false);
            }
            tx.bury_credentials(id).await?;
            let status = |word: &str| Facts::from([("status".to_owned(), word.to_owned())]);
            let (before, after) = (status(GatewayStatus::Deleting.word()), status("Deleted"));
            let kind = transitions::kinds(&host).state;
            transitions::note_as(tx, transitions::AUTOMATION, &host, kind, before, after).await?;
            match id {
                HostId::Gateway(gateway) => tx.remove_gateway(gateway).await?,
                HostId::Node(node) => tx.remove_node(node).await?,
            }
            tx.touch(Topic::Vpcs);
            tx.touch(Topic::Peers);
            Ok(true)
        })?;
        if removed {
            tracing::info!(host.id = %id, role = %id.role(), "what was deleted was removed for good");
        }
        Ok(())
    }

    async fn remove_leftovers(&self) -> anyhow::Result<()> {
        let now = clock::now();
        let forget_before = now.plus_seconds(-REMEMBERED_DAYS * 86_400);
        if !self.store.has_leftovers(now, forget_before).await? {
            return Ok(());
        }
        transact!(self.store, now, |tx| tx.remove_leftovers(forget_before).await)?;
        Ok(())
    }
}

#[async_trait]
impl Controller for Cleanup {
    type Key = Subject;
    const NAME: &'static str = "cleanup";

    async fn keys(&self) -> anyhow::Result<BTreeSet<Subject>> {
        let over = self.store.removable_hosts().await?;
        Ok(over.into_iter().map(Subject::Host).chain([Subject::Leftovers]).collect())
    }

    async fn reconcile(&self, key: &Subject) -> anyhow::Result<Next> {
        match key {
            Subject::Host(id) => self.remove_host(*id).await?,
            Subject::Leftovers => self.remove_leftovers().await?,
        }
        Ok(Next::Settled)
    }
}
