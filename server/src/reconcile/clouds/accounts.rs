//! Asks every cloud whether it still knows the console, so that a revoked key is seen before somebody needs it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use app::domain::{AccountId, change::Topic};
use async_trait::async_trait;

use super::{Drivers, simulated};
use crate::{
    clock,
    reconcile::{Controller, Next},
    store::{Store, accounts::AccountRow, transact},
};

/// How long a check is believed.
const GOOD_FOR: i64 = 3_600;
/// Refused credentials are asked again sooner: somebody may be mending them in the cloud.
const REFUSED_FOR: i64 = 300;

/// Checks the credentials of cloud accounts.
pub struct Accounts {
    store: Store,
    drivers: Arc<dyn Drivers>,
}

impl Accounts {
    pub fn new(store: Store, drivers: Arc<dyn Drivers>) -> Self {
        Self { store, drivers }
    }
}

/// When an account is to be checked again, in milliseconds since 1970.
fn due(account: &AccountRow) -> i64 {
    match &account.check {
        Some(check) if account.is_checked() => {
            check.at.plus_seconds(if check.outcome.is_ok() { GOOD_FOR } else { REFUSED_FOR }).0
        }
        _ => 0,
    }
}

#[async_trait]
impl Controller for Accounts {
    type Key = AccountId;
    const NAME: &'static str = "cloud-accounts";
    const AT_ONCE: usize = 4;

    async fn keys(&self) -> anyhow::Result<BTreeSet<AccountId>> {
        simulated::settle(&self.store, &self.drivers.simulated().await).await?;
        let accounts: BTreeSet<_> = self.store.all_accounts().await?.into_iter().map(|account| account.id).collect();
        self.drivers.keep(&accounts);
        Ok(accounts)
    }

    async fn reconcile(&self, key: &AccountId) -> anyhow::Result<Next> {
        let now = clock::now();
        let Some(account) = self.store.account(*key).await? else { return Ok(Next::Settled) };
        let rest = due(&account) - now.0;
        if rest > 0 {
            return Ok(Next::After(Duration::from_millis(rest.unsigned_abs())));
        }
        let identity = self.drivers.check(&account).await.map_err(|failure| failure.to_string());
        let outcome = identity.and_then(|identity| account.admit_identity(&identity).map(|()| identity));
        // The moment at which it was begun: what is asked for meanwhile is asked anew.
        if !self.store.write_account_check(&account, now, &outcome).await? {
            // Changed while the cloud was asked: what it said was of others.
            return Ok(Next::After(Duration::ZERO));
        }
        let former = account.check.as_ref().map(|check| &check.outcome);
        let turned = former.is_some_and(|former| former.is_ok() != outcome.is_ok());
        // Somebody who asked waits for the answer, also if it is the same as before.
        if !account.is_checked() || former != Some(&outcome) {
            transact!(self.store, now, |tx| {
                if turned {
                    tx.look_at_vpcs_of(account.id).await?;
                    tx.touch(Topic::Vpcs);
                }
                tx.touch(Topic::Accounts);
                Ok(())
            })?;
        }
        Ok(Next::After(Duration::from_secs(60)))
    }
}
