//! What the firewall of one node has counted, between two writes.

use std::collections::HashMap;

use app::domain::{
    NodeId, Timestamp,
    service::node::{DROPPED, NodeFirewall, NodeReport, RefusedAttempt, RuleCounter},
};

use crate::store::{Result, Store, hosts::NodeFigures};

/// What one node's agent has told.
#[derive(Default)]
pub struct NodeDesk {
    /// `None`: not read yet.
    known: Option<NodeFigures>,
    /// What the host's counters of refused attempts showed last; of those that it still tells of.
    refused: HashMap<(std::net::IpAddr, u16), u64>,
    /// Attempts to write.
    news: Vec<RefusedAttempt>,
    dirty: bool,
}

impl NodeDesk {
    /// Takes figures over in memory. Tells whether there is anything to write. Rules that the document does not have are
    /// passed over, so that a host cannot make the console remember what it likes.
    ///
    /// # Errors
    /// If the totals cannot be read.
    pub async fn take(
        &mut self,
        store: &Store,
        node: NodeId,
        told: &NodeReport,
        firewall: Option<&NodeFirewall>,
        now: Timestamp,
    ) -> Result<bool> {
        if self.known.is_none() {
            self.known = Some(store.snapshot().await?.figures_of_node(node, now).await?);
        }
        let figures = self.known.as_mut().expect("just read");
        // A console that has just started does not know the rules yet. To pass all of them over would be to take them for
        // gone, and to count anew what was counted: the next report tells it too.
        if let Some(firewall) = firewall {
            let has = |name: &str| name == DROPPED || firewall.rules.iter().any(|rule| rule.name == name);
            let counters: Vec<RuleCounter> =
                told.counters.iter().filter(|counter| has(&counter.rule)).cloned().collect();
            let before = figures.clone();
            figures.count(&counters, now);
            self.dirty |= *figures != before;
        }

        let refused = told.refused.iter().map(|attempt| ((attempt.from, attempt.port), attempt.packets)).collect();
        let before = std::mem::replace(&mut self.refused, refused);
        let is_new = |attempt: &&RefusedAttempt| before.get(&(attempt.from, attempt.port)) != Some(&attempt.packets);
        self.news.extend(told.refused.iter().filter(is_new).cloned());
        Ok(self.dirty || !self.news.is_empty())
    }

    /// What has to be written. It is no longer due; [`NodeDesk::again`] takes it back.
    pub fn due(&mut self) -> Option<(NodeFigures, Vec<RefusedAttempt>)> {
        if !std::mem::take(&mut self.dirty) && self.news.is_empty() {
            return None;
        }
        let known = self.known.as_mut()?;
        let figures = known.clone();
        known.closed.clear();
        Some((figures, std::mem::take(&mut self.news)))
    }

    /// The write has failed.
    pub fn again(&mut self, figures: NodeFigures, refused: Vec<RefusedAttempt>) {
        self.dirty = true;
        if let Some(known) = &mut self.known {
            known.closed.splice(..0, figures.closed);
        }
        self.news.splice(..0, refused);
        self.news.truncate(app::domain::service::node::REFUSED_SHOWN * 4);
    }
}
