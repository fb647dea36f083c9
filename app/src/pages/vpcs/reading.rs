//! A VPC with the rules of its project's network, as its own page and every panel over it read them.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        ApiError, read_at,
        vpcs::{get_network, get_vpc},
    },
    domain::{Network, Provider, Timestamp, VpcId, change::Topic, connection::Connection, vpc::Vpc},
    live::use_live,
    pages::{
        connections::unlooked,
        here::{project_for_links, use_project, use_segment},
    },
    routes,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcReading {
    pub vpc: Vpc,
    pub network: Network,
    /// When it was read, where the server did; a page that is alive has a clock.
    pub read_at: Option<Timestamp>,
}

impl VpcReading {
    /// The VPC without the times that every look at a cloud changes.
    pub fn unlooked(&self) -> Vpc {
        let connections: Vec<Connection> = self.vpc.connections.iter().map(unlooked).collect();
        Vpc { connections, ..self.vpc.clone() }
    }
}

pub type Reading = Resource<Result<VpcReading, ApiError>>;

/// The VPC of the path, read again when it changes, or what is in it.
pub fn reading() -> Reading {
    const TOPICS: [Topic; 6] =
        [Topic::Vpcs, Topic::Gateways, Topic::Peers, Topic::Connections, Topic::Accounts, Topic::Plan];
    let (live, project, id) = (use_live(), use_project(), use_segment("vpc"));
    Resource::new(
        move || (project.get(), id.get(), TOPICS.map(|topic| live.version(topic))),
        |(project, id, _)| async move {
            let (vpc, network) = (get_vpc(project.clone(), id).await?, get_network(project).await?);
            Ok(VpcReading { vpc, network, read_at: read_at() })
        },
    )
}

/// The VPC's page, for whatever lies over it; of an id that is none, the list.
pub fn path_of(project: Memo<String>, vpc: Memo<String>) -> String {
    let project = project_for_links(&project.get_untracked());
    match vpc.get_untracked().parse::<VpcId>() {
        Ok(id) => routes::vpc(&project, id),
        Err(_) => routes::vpcs(&project),
    }
}

/// Beside the state of what a look-alike answers for.
pub fn simulated(provider: Provider) -> impl IntoView {
    let title = format!("A look-alike answers for {provider}: no packet passes.");
    view! { <crate::components::Badge tone=crate::components::Tone::Off word="Simulated" title/> }
}
