//! VPN gateways.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::PostUrl;

use super::{ApiError, wire::Reading};
use crate::domain::{
    GatewayId, Network, Timestamp,
    gateway::{Gateway, GatewayForm},
    peering::Peering,
    roster::Roster,
};

/// A gateway with everything that its page shows, read together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayReading {
    pub gateway: Gateway,
    pub peers: Roster,
    /// Those of this gateway.
    pub peerings: Vec<Peering>,
    pub network: Network,
    pub now: Timestamp,
}

#[server(endpoint = "gateways/list", protocol = Reading)]
pub async fn list_gateways(project: String) -> Result<Vec<Gateway>, ApiError> {
    crate::backend::backend()?.gateways(&super::path(&project)?).await
}

#[server(endpoint = "gateways/get", protocol = Reading)]
pub async fn get_gateway(project: String, id: String) -> Result<Gateway, ApiError> {
    crate::backend::backend()?.gateway(&super::path(&project)?, super::path(&id)?).await
}

/// `q` and `page` say which of its peers.
#[server(endpoint = "gateways/read", protocol = Reading)]
pub async fn read_gateway(
    project: String,
    id: String,
    #[server(default)] q: String,
    #[server(default)] page: String,
) -> Result<GatewayReading, ApiError> {
    use crate::domain::roster::Asked;

    let (project, id) = (super::path(&project)?, super::path(&id)?);
    let asked = Asked { text: q, page: page.parse().unwrap_or(1) };
    let backend = crate::backend::backend()?;
    let mut peerings = backend.peerings(&project).await?;
    peerings.retain(|peering| peering.sides.iter().any(|side| side.gateway == id));
    let (gateway, now) = (backend.gateway(&project, id).await?, super::now());
    let peers = Roster::of(backend.peers(&project, id).await?, &gateway.drift, asked, now);
    Ok(GatewayReading { gateway, peers, peerings, network: backend.network(&project).await?, now })
}

/// Form fields are `project` and `form[name]`, `form[vpc]`, …
#[server(endpoint = "gateways/create", input = PostUrl)]
pub async fn create_gateway(project: String, form: GatewayForm) -> Result<GatewayId, ApiError> {
    let project = super::path(&project)?;
    let id = crate::backend::backend()?.create_gateway(&project, form.parse()?).await?;
    leptos_axum::redirect(&crate::routes::gateway_enrol(&project, id));
    Ok(id)
}

/// Form fields are `project`, `id` and `form[public_address]`, …
#[server(endpoint = "gateways/update", input = PostUrl)]
pub async fn update_gateway(project: String, id: String, form: GatewayForm) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    crate::backend::backend()?.update_gateway(&project, id, form.parse_settings()?).await?;
    leptos_axum::redirect(&crate::routes::gateway(&project, id));
    Ok(())
}

#[server(endpoint = "gateways/delete")]
pub async fn delete_gateway(project: String, id: String) -> Result<(), ApiError> {
    let project = super::path(&project)?;
    crate::backend::backend()?.delete_gateway(&project, super::path(&id)?).await?;
    leptos_axum::redirect(&crate::routes::gateways(&project));
    Ok(())
}

/// Puts right what the agent found different, on a gateway that asks first.
#[server(endpoint = "gateways/repair")]
pub async fn repair_gateway(project: String, id: String) -> Result<(), ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    crate::backend::backend()?.repair_gateway(&project, id).await?;
    leptos_axum::redirect(&crate::routes::gateway(&project, id));
    Ok(())
}
