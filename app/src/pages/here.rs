//! Where a page is: its project and the ids of its path.

use std::str::FromStr;

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use crate::{
    domain::{ProjectName, standing::Target},
    routes,
};

/// The project of the path; what is no project name is asked for all the same, and answered with "not found".
pub fn use_project() -> Memo<String> {
    let path = use_location().pathname;
    Memo::new(move |_| path.with(|path| path.split('/').nth(2).unwrap_or_default().to_owned()))
}

/// The project for links. Only called where the server has answered for it, so the name is good.
pub fn project_for_links(project: &str) -> ProjectName {
    project.parse().unwrap_or_else(|_| "unknown".parse().expect("a label"))
}

/// A segment of the path. It stays what it was while the page is being left, so that nothing is asked for by no name.
pub fn use_segment(name: &'static str) -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |before: Option<&String>| {
        params.with(|params| params.get(name)).or_else(|| before.cloned()).unwrap_or_default()
    })
}

/// A parameter of the query as a page begins with it, if it is there and can be parsed.
pub fn query<T: FromStr>(name: &str) -> Option<T> {
    leptos_router::hooks::use_query_map().with_untracked(|query| query.get(name)?.parse().ok())
}

/// The page of a thing.
pub fn target(project: &ProjectName, to: &Target) -> String {
    match to {
        Target::Vpc(id) => routes::vpc(project, *id),
        Target::Connection(connection, vpc) => routes::connection(project, *vpc, *connection),
        Target::Gateway(id) | Target::Peering(_, id) => routes::gateway(project, *id),
        Target::Peer(peer, gateway) => routes::peer(project, *gateway, *peer),
        Target::Service(id) => routes::service(project, *id),
        Target::Node(service, id) => routes::node(project, *service, *id),
        Target::Plan => routes::planner(project),
    }
}
