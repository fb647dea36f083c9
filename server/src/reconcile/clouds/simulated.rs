//! The accounts of the look-alike clouds, so that every organization has somewhere to try a cloud.
//!
//! They come with the look-alikes and go with them; one that has VPCs stays, and its VPCs say why they stand still.

use app::domain::{AccountId, OrganizationId, account::AccountConfig, change::Topic};

use crate::{
    clock,
    store::{Result, Store, accounts::AccountRow, transact},
};

/// Makes what is missing and removes what nothing needs. Compares before it writes.
pub(super) async fn settle(store: &Store, wanted: &[AccountConfig]) -> Result<()> {
    let accounts = store.all_accounts().await?;
    for organization in store.organizations().await? {
        let present: Vec<_> = accounts.iter().filter(|row| row.simulated && row.organization == organization).collect();
        let done = present.iter().all(|row| row.vpcs > 0 || wanted.iter().any(|config| is(row, config)))
            && wanted.iter().all(|config| present.iter().any(|row| is(row, config)));
        if !done {
            settle_one(store, organization, wanted).await?;
        }
    }
    Ok(())
}

fn is(row: &AccountRow, config: &AccountConfig) -> bool {
    row.config().is_ok_and(|known| known == *config)
}

async fn settle_one(store: &Store, organization: OrganizationId, wanted: &[AccountConfig]) -> Result<()> {
    transact!(store, clock::now(), |tx| {
        let accounts = tx.accounts(organization).await?;
        let simulated =
            |config: &AccountConfig| accounts.iter().find(|row| row.simulated && row.provider == config.provider());
        for row in accounts.iter().filter(|row| row.simulated && row.vpcs == 0) {
            if !wanted.iter().any(|config| config.provider() == row.provider) {
                tx.delete_account(row.id).await?;
            }
        }
        for config in wanted {
            let facts = serde_json::to_string(config).expect("plain data serializes");
            match simulated(config) {
                Some(row) if row.facts == facts => {}
                // The simulated world was made anew, and with it the account.
                Some(row) => tx.update_account(&AccountRow { facts, ..row.clone() }).await?,
                None => {
                    let row = AccountRow {
                        id: AccountId::from_uuid(uuid::Uuid::now_v7()),
                        organization,
                        provider: config.provider(),
                        name: free_name(&accounts, config),
                        facts,
                        sealed_secret: String::new(),
                        simulated: true,
                        created_at: tx.at(),
                        updated_at: tx.at(),
                        check: None,
                        known_as: None,
                        check_asked_at: app::domain::Timestamp::default(),
                        vpcs: 0,
                    };
                    tx.insert_account(&row).await?;
                }
            }
        }
        tx.touch(Topic::Accounts);
        tx.touch(Topic::Plan);
        Ok(())
    })
}

/// A person may have called their own account so.
fn free_name(accounts: &[AccountRow], config: &AccountConfig) -> String {
    let plain = format!("Simulated {}", config.provider());
    let names = std::iter::once(plain.clone()).chain((2..).map(|number| format!("{plain} {number}")));
    let taken = |name: &String| accounts.iter().any(|row| row.name == *name);
    names.into_iter().find(|name| !taken(name)).expect("there are more numbers than accounts")
}
