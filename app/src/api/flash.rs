//! A refused form comes back with its values, without WASM too; so does an answer that is to be read.
//!
//! The server keeps what was typed (never passwords) and the refusal for a few minutes under
//! a random id that belongs to the browser's session, and sends the person back to the page
//! with `?flash=ID`. The page reads it as any other data. A function that answered and
//! redirected nowhere (an enrolment token) is kept the same way, and given out once.

use std::collections::BTreeMap;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, wire::Reading};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// The path of the server function, such as `/api/vpcs/create`.
    pub action: String,
    pub values: BTreeMap<String, String>,
    /// The body of its answer as it stands (JSON), or why it refused.
    pub outcome: Result<String, ApiError>,
}

/// `None` if it is unknown, expired or another browser's.
#[server(endpoint = "flash/get", protocol = Reading)]
pub async fn get_flash(id: String) -> Result<Option<Flash>, ApiError> {
    Ok(crate::backend::door().flash(&id).await)
}
