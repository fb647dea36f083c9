//! The other side of a simulated cloud.

use std::collections::BTreeMap;

use leptos::prelude::*;
use server_fn::codec::PostUrl;

use super::{ApiError, wire::Reading};
use crate::domain::other_side::OtherSide;

#[server(endpoint = "other-side/read", protocol = Reading)]
pub async fn read_other_side(project: String, cloud: String, region: String) -> Result<OtherSide, ApiError> {
    let provider = crate::domain::Provider::from_text(&cloud).ok_or(ApiError::NotFound)?;
    crate::backend::backend()?.other_side(&super::path(&project)?, provider, &region).await
}

/// Form fields are `project`, `cloud`, `region`, `thing`, `deed` and `typed[cidr]`, …
#[server(endpoint = "other-side/act", input = PostUrl)]
pub async fn act_as_the_other_side(
    project: String,
    cloud: String,
    #[server(default)] region: String,
    #[server(default)] thing: String,
    deed: String,
    #[server(default)] typed: BTreeMap<String, String>,
) -> Result<(), ApiError> {
    let provider = crate::domain::Provider::from_text(&cloud).ok_or(ApiError::NotFound)?;
    let project = super::path(&project)?;
    let backend = crate::backend::backend()?;
    backend.act_as_the_other_side(&project, provider, &region, &thing, &deed, &typed).await?;
    leptos_axum::redirect(&crate::routes::other_side_in(&project, provider, &region));
    Ok(())
}
