//! What the reconcilers do.

use leptos::prelude::*;

use super::ApiError;
use crate::domain::reconciler::ControllerStatus;

#[server(endpoint = "reconcilers/list")]
pub async fn list_controllers(project: String) -> Result<Vec<ControllerStatus>, ApiError> {
    crate::backend::backend()?.controllers(&super::path(&project)?).await
}
