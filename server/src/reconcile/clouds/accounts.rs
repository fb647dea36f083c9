//! Asks every cloud whether it still knows the console, so that a revoked key is seen before somebody needs it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use app::domain::{
    AccountId, Timestamp,
    account::{Doubt, Unconfirmed},
    change::Topic,
};
use async_trait::async_trait;
use clouds::{Class, Failure};

use super::{Drivers, LONGEST_WAIT, simulated, until, within};
use crate::{
    clock,
    reconcile::{Controller, Due, Next},
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
    /// How long a cloud may take to answer.
    limit: Duration,
}

impl Accounts {
    pub fn new(store: Store, drivers: Arc<dyn Drivers>) -> Self {
        Self { store, drivers, limit: LONGEST_WAIT }
    }

    async fn check(&self, account: &AccountRow) -> Result<String, Unconfirmed> {
        let asked = within(self.limit, account.provider.label(), self.drivers.check(account)).await;
        let identity = asked.map_err(|failure| unconfirmed(&failure))?;
        account.admit_identity(&identity).map_err(|reason| Unconfirmed {
            doubt: Doubt::Foreign,
            reason,
            identity: Some(identity.clone()),
        })?;
        Ok(identity)
    }
}

fn unconfirmed(failure: &Failure) -> Unconfirmed {
    let doubt = match failure.class {
        Class::Denied => Doubt::Denied,
        Class::Credentials => Doubt::Refused,
        Class::Retry | Class::Unreachable => Doubt::Unreachable,
        Class::Specification | Class::Operator | Class::Gone | Class::Unexpected => Doubt::Unclear,
    };
    Unconfirmed { doubt, reason: failure.to_string(), identity: None }
}

/// When an account is to be checked again.
fn due(account: &AccountRow) -> Timestamp {
    match &account.check {
        Some(check) if account.is_checked() => {
            check.at.plus_seconds(if check.outcome.is_ok() { GOOD_FOR } else { REFUSED_FOR })
        }
        _ => Timestamp::default(),
    }
}

#[async_trait]
impl Controller for Accounts {
    type Key = AccountId;
    const NAME: &'static str = "cloud-accounts";

    async fn keys(&self) -> anyhow::Result<BTreeSet<AccountId>> {
        Ok(self.due().await?.into_keys().collect())
    }

    /// Each in a lane of its own: a cloud that hangs keeps no other account waiting.
    async fn due(&self) -> anyhow::Result<BTreeMap<AccountId, Due>> {
        simulated::settle(&self.store, &self.drivers.simulated().await).await?;
        let accounts = self.store.all_accounts().await?;
        self.drivers.keep(&accounts.iter().map(|account| account.id).collect());
        let now = clock::now();
        let due =
            |account: AccountRow| (account.id, Due { after: until(now, due(&account)), lane: account.id.to_string() });
        Ok(accounts.into_iter().map(due).collect())
    }

    async fn reconcile(&self, key: &AccountId) -> anyhow::Result<Next> {
        let now = clock::now();
        let Some(account) = self.store.account(*key).await? else { return Ok(Next::Settled) };
        let due = due(&account);
        if due > now {
            return Ok(Next::After(until(now, due)));
        }
        let outcome = self.check(&account).await;
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

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
