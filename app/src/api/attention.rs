//! How the project stands, and the palette's search: computed where the data is.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, wire::Reading};
use crate::domain::{
    Timestamp,
    attention::{Need, Summary},
};

/// What needs a person, and the counts that every page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    pub summary: Summary,
    /// Worst first.
    pub needs: Vec<Need>,
    pub now: Timestamp,
}

#[server(endpoint = "attention/get", protocol = Reading)]
pub async fn get_attention(project: String) -> Result<Attention, ApiError> {
    use crate::domain::attention::{Snapshot, needs};

    let project = super::path(&project)?;
    let backend = crate::backend::backend()?;
    let (vpcs, gateways) = (backend.vpcs(&project).await?, backend.gateways(&project).await?);
    let (peerings, network) = (backend.peerings(&project).await?, backend.network(&project).await?);
    let peers = super::overview::readable_peers(&backend, &project, &gateways).await?;
    let now = super::now();
    let (services, certificates) = (backend.services(&project).await?, backend.project_certificates(&project).await?);
    let seen = Snapshot {
        vpcs: &vpcs,
        gateways: &gateways,
        peerings: &peerings,
        peers: &peers,
        network: &network,
        services: &services,
        certificates: &certificates,
        now,
    };
    let needs = needs(&seen);
    Ok(Attention { summary: Summary::of(&seen, &needs), needs, now })
}

/// The counts alone, for the frame around every page.
#[server(endpoint = "attention/summary", protocol = Reading)]
pub async fn get_summary(project: String) -> Result<Summary, ApiError> {
    Ok(get_attention(project).await?.summary)
}
