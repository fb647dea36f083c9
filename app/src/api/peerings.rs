//! VPC peerings between two gateways.

use leptos::prelude::*;

use super::{ApiError, wire::Reading};
use crate::domain::{PairId, Timestamp, peering::Peering};

#[server(endpoint = "peerings/list", protocol = Reading)]
pub async fn list_peerings(project: String) -> Result<Vec<Peering>, ApiError> {
    crate::backend::backend()?.peerings(&super::path(&project)?).await
}

/// With the moment of reading, from which handshakes have an age.
#[server(endpoint = "peerings/read", protocol = Reading)]
pub async fn read_peerings(project: String) -> Result<(Vec<Peering>, Timestamp), ApiError> {
    Ok((crate::backend::backend()?.peerings(&super::path(&project)?).await?, super::now()))
}

/// `remote` is the chosen gateway's id.
#[server(endpoint = "peerings/create")]
pub async fn create_peering(
    project: String,
    gateway: String,
    #[server(default)] remote: String,
) -> Result<PairId, ApiError> {
    use crate::domain::Refusal;

    let (project, gateway) = (super::path(&project)?, super::path(&gateway)?);
    let remote = remote.parse().map_err(|_| Refusal::malformed("remote", "Choose a remote gateway."))?;
    let pair = crate::backend::backend()?.create_peering(&project, gateway, remote).await?;
    leptos_axum::redirect(&crate::routes::gateway(&project, gateway));
    Ok(pair)
}
