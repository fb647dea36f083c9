//! VPCs, and the snapshot of all ranges that forms ask their rules about.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, wire::Reading};
use crate::domain::{
    Cidr, GatewayId, GatewayName, Network, Timestamp, VpcId, VpcName, gateway::GatewayStatus, peering::PeeringState,
    standing::Standing, vpc::Vpc,
};

/// A VPC in a line of the list, to show as it stands. What only its own page shows is neither sent nor, in the browser
/// of everybody who opens the list, read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcLine {
    pub id: VpcId,
    pub name: VpcName,
    /// The location's name, such as "Oslo".
    pub place: String,
    /// Of a VPC in a cloud.
    pub cloud: Option<CloudLine>,
    pub cidr: Cidr,
    pub standing: Standing,
    /// Its state in a word, and in a sentence.
    pub word: String,
    pub sentence: String,
    /// The network is being made.
    pub moving: bool,
    pub gateway: Option<(GatewayId, GatewayName, GatewayStatus)>,
    pub peerings: Vec<PeeringState>,
    pub connections: Vec<Standing>,
    /// How many connections are in each state.
    pub by_state: String,
    pub created_at: Timestamp,
    /// Why nothing more can be done with it.
    pub going: Option<String>,
    /// Why it cannot be deleted.
    pub held: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudLine {
    /// As the API and the URL write it.
    pub name: String,
    pub provider: String,
    pub region: String,
    pub label: String,
    pub simulated: bool,
}

#[cfg(feature = "ssr")]
impl From<&Vpc> for VpcLine {
    fn from(vpc: &Vpc) -> Self {
        use crate::domain::vpc::VpcState;

        let cloud = vpc.provider().is_cloud().then(|| CloudLine {
            name: vpc.cloud.to_string(),
            provider: vpc.provider().label().to_string(),
            region: vpc.cloud.provider_region().into_owned(),
            label: vpc.cloud.label().to_string(),
            simulated: vpc.simulated,
        });
        let going = (vpc.state == VpcState::Deleting).then(|| format!("VPC {} is being deleted.", vpc.name));
        Self {
            id: vpc.id,
            name: vpc.name.clone(),
            place: vpc.place.clone(),
            cloud,
            cidr: vpc.cidr,
            standing: vpc.standing(),
            word: vpc.state.word().to_owned(),
            sentence: vpc.sentence(),
            moving: vpc.state == VpcState::Approved,
            gateway: vpc.gateway.as_ref().map(|gateway| (gateway.id, gateway.name.clone(), gateway.status)),
            peerings: vpc.peerings.iter().map(|peering| peering.state).collect(),
            connections: vpc.connections.iter().map(crate::domain::connection::Connection::standing).collect(),
            by_state: vpc.connections_by_state(),
            created_at: vpc.created_at,
            held: going.clone().or_else(|| vpc.deletion_refusal().map(|refusal| refusal.sentence)),
            going,
        }
    }
}

/// What the list shows; [`list_vpcs`] says all.
#[server(endpoint = "vpcs/lines", protocol = Reading)]
pub async fn list_vpc_lines(project: String) -> Result<Vec<VpcLine>, ApiError> {
    Ok(list_vpcs(project).await?.iter().map(VpcLine::from).collect())
}

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
