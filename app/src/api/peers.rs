//! Peers of a gateway: road warriors and sites. Those of a VPC peering are made and removed with it.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use server_fn::codec::PostUrl;

use super::{ApiError, wire::Reading};
use crate::domain::{
    Network, PeerId, Timestamp,
    gateway::Gateway,
    peer::{Neighbours, Peer, SiteForm},
    peering::Peering,
    road_warrior::{FileFacts, SiteExport},
};

/// A peer with everything that its page shows, read together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerReading {
    pub peer: Peer,
    pub gateway: Gateway,
    /// Of a VPC peering's row: the pair.
    pub peering: Option<Peering>,
    pub network: Network,
    pub now: Timestamp,
}

#[server(endpoint = "peers/list", protocol = Reading)]
pub async fn list_peers(project: String, gateway: String) -> Result<Vec<Peer>, ApiError> {
    crate::backend::backend()?.peers(&super::path(&project)?, super::path(&gateway)?).await
}

#[server(endpoint = "peers/get", protocol = Reading)]
pub async fn get_peer(project: String, id: String) -> Result<Peer, ApiError> {
    crate::backend::backend()?.peer(&super::path(&project)?, super::path(&id)?).await
}

#[server(endpoint = "peers/read", protocol = Reading)]
pub async fn read_peer(project: String, id: String) -> Result<PeerReading, ApiError> {
    let (project, id) = (super::path(&project)?, super::path(&id)?);
    let backend = crate::backend::backend()?;
    let peer = backend.peer(&project, id).await?;
    let peering = match peer.pair {
        Some(pair) => backend.peerings(&project).await?.into_iter().find(|peering| peering.id == pair),
        None => None,
    };
    Ok(PeerReading {
        gateway: backend.gateway(&project, peer.gateway).await?,
        network: backend.network(&project).await?,
        peer,
        peering,
        now: super::now(),
    })
}

/// What a new peer with this name and key would meet, for a form that is being filled in.
#[server(endpoint = "peers/neighbours", protocol = Reading)]
pub async fn get_neighbours(
    project: String,
    gateway: String,
    name: String,
    public_key: String,
) -> Result<Neighbours, ApiError> {
    use crate::domain::peer::NewRoadWarrior;

    let NewRoadWarrior { name, public_key } = NewRoadWarrior::parse(&name, &public_key)?;
    let backend = crate::backend::backend()?;
    backend.neighbours(&super::path(&project)?, super::path(&gateway)?, &name, public_key).await
}

#[server(endpoint = "peers/create-road-warrior")]
pub async fn create_road_warrior(
    project: String,
    gateway: String,
    name: String,
    public_key: String,
) -> Result<PeerId, ApiError> {
    use crate::{domain::peer::NewRoadWarrior, routes};

    let (project, gateway) = (super::path(&project)?, super::path(&gateway)?);
    let new = NewRoadWarrior::parse(&name, &public_key)?;
    let id = crate::backend::backend()?.create_road_warrior(&project, gateway, new).await?;
    leptos_axum::redirect(&routes::peer(&project, gateway, id));
    Ok(id)
}

/// As [`create_road_warrior`], for the browser that made the key pair: answers with the file's facts, and redirects nowhere.
#[server(endpoint = "peers/issue-road-warrior")]
pub async fn issue_road_warrior(
    project: String,
    gateway: String,
    name: String,
    public_key: String,
) -> Result<(PeerId, FileFacts), ApiError> {
    use crate::domain::peer::NewRoadWarrior;

    let (project, gateway) = (super::path(&project)?, super::path(&gateway)?);
    let new = NewRoadWarrior::parse(&name, &public_key)?;
    crate::backend::backend()?.issue_road_warrior(&project, gateway, new).await
}

/// Form fields are `project`, `gateway` and `form[name]`, …
#[server(endpoint = "peers/create-site", input = PostUrl)]
pub async fn create_site(project: String, gateway: String, form: SiteForm) -> Result<PeerId, ApiError> {
    let (project, gateway) = (super::path(&project)?, super::path(&gateway)?);
    let id = crate::backend::backend()?.create_site(&project, gateway, form.parse()?).await?;
    leptos_axum::redirect(&crate::routes::peer(&project, gateway, id));
    Ok(id)
}

/// `enabled` is `true` or `false`.
#[server(endpoint = "peers/enable")]
pub async fn enable_peer(project: String, gateway: String, id: String, enabled: String) -> Result<(), ApiError> {
    let (project, gateway) = (super::path(&project)?, super::path(&gateway)?);
    crate::backend::backend()?.enable_peer(&project, super::path(&id)?, enabled == "true").await?;
    leptos_axum::redirect(&crate::routes::gateway(&project, gateway));
    Ok(())
}

/// Of a VPC peering, both rows go.
#[server(endpoint = "peers/delete")]
pub async fn delete_peer(project: String, gateway: String, id: String) -> Result<(), ApiError> {
    let (project, gateway) = (super::path(&project)?, super::path(&gateway)?);
    crate::backend::backend()?.delete_peer(&project, super::path(&id)?).await?;
    leptos_axum::redirect(&crate::routes::gateway(&project, gateway));
    Ok(())
}

/// The road warrior's file without its private key. Noted as a download.
#[server(endpoint = "peers/file", protocol = Reading)]
pub async fn get_road_warrior_file(project: String, id: String) -> Result<FileFacts, ApiError> {
    crate::backend::backend()?.road_warrior_file(&super::path(&project)?, super::path(&id)?).await
}

/// What a site's router needs. Noted as a download.
#[server(endpoint = "peers/export")]
pub async fn get_site_export(project: String, id: String) -> Result<SiteExport, ApiError> {
    crate::backend::backend()?.site_export(&super::path(&project)?, super::path(&id)?).await
}
