//! Joining a host to a gateway, and taking its credential away.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::ApiError;
use crate::domain::Timestamp;

/// What a person carries to the gateway's host. Shown once; the console keeps a digest of the token only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    pub token: String,
    pub expires_at: Timestamp,
    /// The `--console` argument: `https://host:port#sha256=…` or `unix:PATH`.
    pub console: String,
    /// Why agents cannot reach this console as it is configured, and what to set; `None` if they can.
    pub hint: Option<String>,
}

/// Issues a token for one gateway, good for an hour and one use; earlier unused ones end.
#[server(endpoint = "gateways/enrolment")]
pub async fn issue_enrolment(project: String, id: String) -> Result<Enrolment, ApiError> {
    crate::backend::backend()?.issue_enrolment(&super::path(&project)?, super::path(&id)?).await
}

/// The agent's credential ends at once; its tunnels stay as they are until the host is enrolled again.
#[server(endpoint = "gateways/revoke")]
pub async fn revoke_credential(project: String, id: String) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    let backend = crate::backend::backend()?;
    let deleting = backend.gateway(&project, id).await?.status == crate::domain::gateway::GatewayStatus::Deleting;
    backend.revoke_credential(&project, id).await?;
    // One that was being deleted is gone with its credential.
    leptos_axum::redirect(&if deleting {
        crate::routes::gateways(&project)
    } else {
        crate::routes::gateway(&project, id)
    });
    Ok(())
}
