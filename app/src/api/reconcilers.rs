//! What the reconcilers do.

use leptos::prelude::*;

use super::{ApiError, wire::Reading};
use crate::domain::reconciler::ControllerStatus;

#[server(endpoint = "reconcilers/list", protocol = Reading)]
pub async fn list_controllers(project: String) -> Result<Vec<ControllerStatus>, ApiError> {
    crate::backend::backend()?.controllers(&super::path(&project)?).await
}
