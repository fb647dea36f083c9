use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::{
    api::ApiError,
    domain::{ProjectName, Provider, other_side::OtherSide},
};

/// The peer's account in a simulated cloud.
#[async_trait]
pub trait Neighbour {
    /// `region`: where it is looked; empty is the first. Not found where the cloud is not simulated here.
    async fn other_side(&self, project: &ProjectName, provider: Provider, region: &str) -> Result<OtherSide, ApiError>;

    /// Does one deed to a thing, or to the account if `thing` is empty.
    async fn act_as_the_other_side(
        &self,
        project: &ProjectName,
        provider: Provider,
        region: &str,
        thing: &str,
        deed: &str,
        typed: &BTreeMap<String, String>,
    ) -> Result<(), ApiError>;
}
