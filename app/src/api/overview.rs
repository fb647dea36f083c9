//! The overview and the map: facts of the whole project, read together.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, lab::LabState, wire::Reading};
use crate::domain::{Network, Timestamp, change::Change, gateway::Gateway, map::Map};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverviewReading {
    pub gateways: Vec<Gateway>,
    pub map: Map,
    pub network: Network,
    /// The newest few.
    pub changes: Vec<Change>,
    pub lab: LabState,
    pub now: Timestamp,
}

#[server(endpoint = "overview/read", protocol = Reading)]
pub async fn read_overview(project: String) -> Result<OverviewReading, ApiError> {
    use crate::domain::{attention::Snapshot, change::ChangeFilter};

    let project = super::path(&project)?;
    let backend = crate::backend::backend()?;
    let (vpcs, gateways) = (backend.vpcs(&project).await?, backend.gateways(&project).await?);
    let (peerings, network) = (backend.peerings(&project).await?, backend.network(&project).await?);
    let now = super::now();
    let peers = readable_peers(&backend, &project, &gateways).await?;
    let map = Map::of(&Snapshot {
        vpcs: &vpcs,
        gateways: &gateways,
        peerings: &peerings,
        peers: &peers,
        network: &network,
        // Services are no part of the map.
        services: &[],
        certificates: &std::collections::BTreeMap::new(),
        now,
    });
    let changes = backend.changes(&project, ChangeFilter { limit: 8, ..ChangeFilter::default() }).await?;
    let lab = backend.lab(&project).await?;
    Ok(OverviewReading { gateways, map, network, changes, lab, now })
}

/// The peers of gateways that have few enough to be read for every page; the others are counted on their gateway.
#[cfg(feature = "ssr")]
pub(super) async fn readable_peers(
    backend: &crate::backend::SharedBackend,
    project: &crate::domain::ProjectName,
    gateways: &[Gateway],
) -> Result<Vec<crate::domain::peer::Peer>, ApiError> {
    const MOST: usize = 200;
    let mut peers = Vec::new();
    for gateway in gateways.iter().filter(|gateway| gateway.peers > 0) {
        if peers.len() + gateway.peers <= MOST {
            peers.extend(backend.peers(project, gateway.id).await?);
        }
    }
    Ok(peers)
}
