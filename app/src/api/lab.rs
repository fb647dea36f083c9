//! The lab network: namespaces on the console's own machine, made through the ordinary functions and agents.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, wire::Reading};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabState {
    /// This machine cannot: why, in a sentence.
    Unavailable {
        because: String,
    },
    /// It could be built.
    Absent,
    /// Steps done so far, and the one under way.
    Building {
        done: Vec<String>,
        now: String,
    },
    Up {
        hosts: Vec<LabHost>,
    },
    Failed {
        because: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabHost {
    pub name: String,
    /// What it stands for: "gateway host of lab-alpha", "instance in lab-beta", …
    pub role: String,
    pub address: String,
    /// A command that enters it.
    pub enter: String,
}

#[server(endpoint = "lab/get", protocol = Reading)]
pub async fn get_lab(project: String) -> Result<LabState, ApiError> {
    crate::backend::backend()?.lab(&super::path(&project)?).await
}

#[server(endpoint = "lab/build")]
pub async fn build_lab(project: String) -> Result<(), ApiError> {
    let project = super::path(&project)?;
    crate::backend::backend()?.build_lab(&project).await?;
    leptos_axum::redirect(&crate::routes::overview(&project));
    Ok(())
}

#[server(endpoint = "lab/remove")]
pub async fn remove_lab(project: String) -> Result<(), ApiError> {
    let project = super::path(&project)?;
    crate::backend::backend()?.remove_lab(&project).await?;
    leptos_axum::redirect(&crate::routes::overview(&project));
    Ok(())
}
