//! Networks that are owned or planned elsewhere, beside the project's own.

use leptos::prelude::*;

use super::ApiError;

/// Lenient: host bits are cleared.
#[server(endpoint = "planner/add")]
pub async fn add_planned_network(project: String, name: String, cidr: String) -> Result<(), ApiError> {
    use crate::domain::{Cidr, VpcName, network::PlannedRange, refusal::Parse};

    let project = super::path(&project)?;
    let mut parse = Parse::default();
    let name: Option<VpcName> = parse.field("name", &name);
    let cidr = parse.keep("cidr", Cidr::canonicalize(&cidr));
    parse.done()?;
    let (name, cidr) = (name.expect("nothing was refused"), cidr.expect("nothing was refused"));
    crate::backend::backend()?.add_planned_network(&project, PlannedRange { name, cidr }).await?;
    leptos_axum::redirect(&crate::routes::planner_ranges(&project));
    Ok(())
}

#[server(endpoint = "planner/remove")]
pub async fn remove_planned_network(project: String, name: String) -> Result<(), ApiError> {
    let project = super::path(&project)?;
    crate::backend::backend()?.remove_planned_network(&project, &super::path(&name)?).await?;
    leptos_axum::redirect(&crate::routes::planner_ranges(&project));
    Ok(())
}
