//! VPCs, and the snapshot of all ranges that forms ask their rules about.

use leptos::prelude::*;

use super::{ApiError, wire::Reading};
use crate::domain::{Network, VpcId, vpc::Vpc};

#[server(endpoint = "vpcs/list", protocol = Reading)]
pub async fn list_vpcs(project: String) -> Result<Vec<Vpc>, ApiError> {
    crate::backend::backend()?.vpcs(&super::path(&project)?).await
}

#[server(endpoint = "vpcs/get", protocol = Reading)]
pub async fn get_vpc(project: String, id: String) -> Result<Vpc, ApiError> {
    crate::backend::backend()?.vpc(&super::path(&project)?, super::path(&id)?).await
}

#[server(endpoint = "vpcs/network", protocol = Reading)]
pub async fn get_network(project: String) -> Result<Network, ApiError> {
    crate::backend::backend()?.network(&super::path(&project)?).await
}

/// With `connect` a VPC in a cloud leads on to the form for its first peering connection.
#[server(endpoint = "vpcs/create")]
pub async fn create_vpc(
    project: String,
    name: String,
    cloud: String,
    cidr: String,
    #[server(default)] connect: String,
) -> Result<VpcId, ApiError> {
    use crate::{domain::vpc::NewVpc, routes};

    let project = super::path(&project)?;
    let new = NewVpc::parse(&name, &cloud, &cidr)?;
    let goes_on = !connect.is_empty() && new.cloud.provider().is_cloud();
    let id = crate::backend::backend()?.create_vpc(&project, new).await?;
    let next = if goes_on { routes::connection_new(&project, id) } else { routes::vpc(&project, id) };
    leptos_axum::redirect(&next);
    Ok(id)
}

#[server(endpoint = "vpcs/delete")]
pub async fn delete_vpc(project: String, id: String) -> Result<(), ApiError> {
    let project = super::path(&project)?;
    crate::backend::backend()?.delete_vpc(&project, super::path(&id)?).await?;
    leptos_axum::redirect(&crate::routes::vpcs(&project));
    Ok(())
}
