//! Peering connections of cloud VPCs. They are read with their VPC.

use leptos::prelude::*;
use server_fn::codec::PostUrl;

use super::{ApiError, wire::Reading};
use crate::domain::{ConnectionId, connection::ConnectionForm};

/// Form fields are `project`, `vpc` and `form[peer_vpc]`, …
#[server(endpoint = "connections/create", input = PostUrl)]
pub async fn create_connection(
    project: String,
    vpc: String,
    #[server(default)] form: ConnectionForm,
) -> Result<ConnectionId, ApiError> {
    let (project, vpc) = (super::path(&project)?, super::path(&vpc)?);
    let id = crate::backend::backend()?.create_connection(&project, vpc, form).await?;
    leptos_axum::redirect(&crate::routes::connection(&project, vpc, id));
    Ok(id)
}

#[server(endpoint = "connections/set-cidrs")]
pub async fn set_peer_cidrs(
    project: String,
    vpc: String,
    id: String,
    #[server(default)] user_peer_network_cidrs: String,
) -> Result<(), ApiError> {
    use crate::domain::refusal::Parse;

    let mut parse = Parse::default();
    let cidrs = parse.field("user_peer_network_cidrs", &user_peer_network_cidrs);
    parse.done()?;
    let cidrs = cidrs.expect("nothing was refused");
    let (project, vpc, id) = (super::path(&project)?, super::path(&vpc)?, super::path(&id)?);
    crate::backend::backend()?.set_peer_cidrs(&project, vpc, id, cidrs).await?;
    leptos_axum::redirect(&crate::routes::connection(&project, vpc, id));
    Ok(())
}

#[server(endpoint = "connections/delete")]
pub async fn delete_connection(project: String, vpc: String, id: String) -> Result<(), ApiError> {
    let (project, vpc, id) = (super::path(&project)?, super::path(&vpc)?, super::path(&id)?);
    crate::backend::backend()?.delete_connection(&project, vpc, id).await?;
    leptos_axum::redirect(&crate::routes::vpc(&project, vpc));
    Ok(())
}

/// Asked for by a menu entry of the list too, which has no room for what an `ActionForm` is made of.
#[server(endpoint = "connections/refresh", protocol = Reading)]
pub async fn refresh_connections(project: String, vpc: String) -> Result<(), ApiError> {
    let (project, vpc) = (super::path(&project)?, super::path(&vpc)?);
    crate::backend::backend()?.refresh_connections(&project, vpc).await
}

#[server(endpoint = "vpcs/retry")]
pub async fn retry_vpc(project: String, vpc: String) -> Result<(), ApiError> {
    let (project, vpc) = (super::path(&project)?, super::path(&vpc)?);
    crate::backend::backend()?.retry_vpc(&project, vpc).await
}
