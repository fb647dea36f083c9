//! The overview and the map: facts of the whole project, read together.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, lab::LabState};
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

#[server(endpoint = "overview/read")]
pub async fn read_overview(project: String) -> Result<OverviewReading, ApiError> {
    use crate::domain::{attention::Snapshot, change::ChangeFilter};

    let project = super::path(&project)?;
    let backend = crate::backend::backend()?;
    let (vpcs, gateways) = (backend.vpcs(&project).await?, backend.gateways(&project).await?);
    let (peerings, network) = (backend.peerings(&project).await?, backend.network(&project).await?);
    let now = super::now();
    // Road warriors are counted on the gateways; only sites and people of few gateways are drawn one by one.
    let mut peers = Vec::new();
    for gateway in gateways.iter().filter(|gateway| (1..=MOST_DRAWN).contains(&gateway.peers)).take(MOST_DRAWN) {
        peers.extend(backend.peers(&project, gateway.id).await?);
    }
    let map = Map::of(&Snapshot { vpcs: &vpcs, gateways: &gateways, peerings: &peerings, peers: &peers, network: &network, now });
    let changes = backend.changes(&project, ChangeFilter { limit: 8, ..ChangeFilter::default() }).await?;
    let lab = backend.lab(&project).await?;
    Ok(OverviewReading { gateways, map, network, changes, lab, now })
}

/// More peers than this on one gateway are not read for a drawing.
#[cfg(feature = "ssr")]
const MOST_DRAWN: usize = 200;
