//! A service with all that its pages show, read again when it changes or what reaches its VPC does.

use leptos::prelude::*;

use crate::{
    api::{
        ApiError,
        services::{ServiceReading, read_service},
    },
    domain::{
        NodeId, ProjectName, ServiceId,
        change::Topic,
        service::{Node, Service},
    },
    live::use_live,
    pages::here::{project_for_links, use_project, use_segment},
    routes,
};

pub type Reading = Resource<Result<ServiceReading, ApiError>>;

const TOPICS: [Topic; 5] = [Topic::Services, Topic::Vpcs, Topic::Gateways, Topic::Peers, Topic::Connections];

pub fn reading() -> Reading {
    let (live, project, id) = (use_live(), use_project(), use_segment("service"));
    Resource::new(
        move || (project.get(), id.get(), TOPICS.map(|topic| live.version(topic))),
        |(project, id, _)| read_service(project, id),
    )
}

/// The same, read once: for a page that ends with what it is about.
pub fn last_reading() -> Reading {
    let (project, id) = (use_project(), use_segment("service"));
    Resource::new(move || (project.get(), id.get()), |(project, id)| read_service(project, id))
}

/// A page of the service of the path; of an id that is none, the list.
pub fn path(page: fn(&ProjectName, ServiceId) -> String) -> String {
    let project = project_for_links(&use_project().get_untracked());
    match use_segment("service").get_untracked().parse() {
        Ok(id) => page(&project, id),
        Err(_) => routes::services(&project),
    }
}

/// The page of the node of the path; of an id that is none, the service's.
pub fn node_path() -> String {
    let project = project_for_links(&use_project().get_untracked());
    let (service, node) = (use_segment("service").get_untracked().parse(), use_segment("node").get_untracked().parse());
    match (service, node) {
        (Ok(service), Ok(node)) => routes::node(&project, service, node),
        _ => path(routes::service),
    }
}

/// The node that a path names.
pub fn node_of(service: &Service, id: &str) -> Option<Node> {
    let id: NodeId = id.parse().ok()?;
    service.nodes.iter().find(|node| node.id == id).cloned()
}
