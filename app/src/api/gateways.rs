//! VPN gateways.

use leptos::prelude::*;
use server_fn::codec::PostUrl;

use super::ApiError;
use crate::domain::{
    GatewayId,
    gateway::{Gateway, GatewayForm},
};

#[server(endpoint = "gateways/list")]
pub async fn list_gateways(project: String) -> Result<Vec<Gateway>, ApiError> {
    crate::backend::backend()?.gateways(&super::path(&project)?).await
}

#[server(endpoint = "gateways/get")]
pub async fn get_gateway(project: String, id: String) -> Result<Gateway, ApiError> {
    crate::backend::backend()?.gateway(&super::path(&project)?, super::path(&id)?).await
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
