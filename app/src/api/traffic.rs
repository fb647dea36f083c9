//! What the nodes of a service let in and refused, for the page of its firewall and for a node's own.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, wire::Reading};
use crate::domain::service::traffic::{Attempt, Lane, Span};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficReading {
    pub span: Span,
    pub lanes: Vec<Lane>,
    /// The latest first.
    pub refused: Vec<Attempt>,
    /// An agent guards at least one node, so that somebody counts.
    pub watched: bool,
}

/// `node`: empty for all nodes of the service. `span`: "day" or "month"; what is neither is a day.
#[server(endpoint = "services/traffic", protocol = Reading)]
pub async fn read_traffic(project: String, id: String, node: String, span: String) -> Result<TrafficReading, ApiError> {
    use crate::domain::{NodeId, service::traffic::chart};

    let (project, id) = (super::path(&project)?, super::path(&id)?);
    let node: Option<NodeId> = if node.is_empty() { None } else { Some(super::path(&node)?) };
    let span = Span::from_text(&span).unwrap_or_default();
    let backend = crate::backend::backend()?;
    let service = backend.service(&project, id).await?;
    let slots = backend.service_traffic(&project, id, node, span).await?;
    let asked = |of: NodeId| node.is_none_or(|node| node == of);
    let mut refused = backend.refused_attempts(&project, id).await?;
    refused.retain(|attempt| asked(attempt.node));
    let watched = service.nodes.iter().any(|of| asked(of.id) && of.sync.is_some());
    Ok(TrafficReading { span, lanes: chart(&service, node, &slots, span, super::now()), refused, watched })
}
