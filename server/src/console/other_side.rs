//! The peer's account in a simulated cloud. It is the installation's and not a project's, so that whoever sees it may
//! see the organization's cloud accounts, too.

use std::collections::BTreeMap;

use app::{
    api::ApiError,
    backend::Neighbour,
    domain::{
        ProjectName, Provider,
        change::{ChangeKind, Topic},
        other_side::{OtherSide, is_rule},
        permission::Permission,
    },
};
use async_trait::async_trait;

use super::{Console, facts, failed};
use crate::{clock, store::transact};

#[async_trait]
impl Neighbour for Console {
    async fn other_side(&self, project: &ProjectName, provider: Provider, region: &str) -> Result<OtherSide, ApiError> {
        self.enter(project, Permission::CloudAccountsRead).await?;
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
        let scope = self.enter(project, Permission::CloudAccountsRead).await?;
        self.actor.may(Permission::NetworkingWrite, &scope)?;
        if is_rule(deed) {
            // It strikes everybody whose VPCs are in the simulated cloud.
            self.actor.may(Permission::CloudAccountsWrite, &scope)?;
        }
        self.shared.other_sides.act(provider, region, thing, deed, typed).await?;
        // Whoever looks at the other side sees it; our side hears of it from the cloud alone.
        transact!(self.store(), clock::now(), |tx| {
            let mut note = self.note(ChangeKind::OtherSideAct, Topic::Accounts, scope.id, thing, provider.label());
            note.after = facts([("deed", deed.to_owned())]);
            note.after.extend(typed.iter().map(|(name, text)| (name.clone(), text.clone())));
            tx.note(note).await.map(drop)
        })
        .map_err(failed)
    }
}
