//! The peer's account in a simulated cloud. It is nobody's network: seeing it takes what seeing ours takes.

use std::collections::BTreeMap;

use app::{
    api::ApiError,
    backend::Neighbour,
    domain::{ProjectName, Provider, change::Topic, other_side::OtherSide, permission::Permission},
};
use async_trait::async_trait;

use super::{Console, failed};
use crate::{clock, store::transact};

#[async_trait]
impl Neighbour for Console {
    async fn other_side(&self, project: &ProjectName, provider: Provider, region: &str) -> Result<OtherSide, ApiError> {
        self.enter(project, Permission::NetworkingRead).await?;
        self.shared.other_sides.look(provider, region).await
    }

    async fn act_as_the_other_side(
        &self,
        project: &ProjectName,
        provider: Provider,
        region: &str,
        thing: &str,
        deed: &str,
        typed: &BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        self.enter(project, Permission::NetworkingWrite).await?;
        self.shared.other_sides.act(provider, region, thing, deed, typed).await?;
        // Whoever looks at the other side sees it; our side hears of it from the cloud alone.
        transact!(self.store(), clock::now(), |tx| {
            tx.touch(Topic::Accounts);
            Ok(())
        })
        .map_err(failed)
    }
}
