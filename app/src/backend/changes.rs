use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{
        ProjectName,
        change::{Change, ChangeFilter},
    },
};

#[async_trait]
pub trait Changes {
    /// Newest first.
    async fn changes(&self, project: &ProjectName, filter: ChangeFilter) -> Result<Vec<Change>, ApiError>;
}
