use app::domain::{OrganizationId, Provider, account::AccountConfig};
use clouds::{Outcome, Pass, Wish};
use uuid::Uuid;

use super::*;

/// Clouds that say one thing of every account, or nothing at all.
struct Told(Option<Outcome<String>>);

#[async_trait]
impl Drivers for Told {
    async fn pass(&self, _: &AccountRow, _: &Wish) -> Outcome<Pass> {
        panic!("nobody looks at VPCs here")
    }

    async fn check(&self, _: &AccountRow) -> Outcome<String> {
        match &self.0 {
            Some(told) => told.clone(),
            None => std::future::pending().await,
        }
    }

    fn keep(&self, _: &BTreeSet<AccountId>) {}

    async fn simulated(&self) -> Vec<AccountConfig> {
        Vec::new()
    }
}

struct Stage {
    store: Store,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}?mode=rwc", folder.path().join("causeway.db").display());
        Self { store: Store::open(&url).await.expect("a database"), _folder: folder }
    }

    async fn account(&self, config: &AccountConfig) -> AccountId {
        let id = AccountId::from_uuid(Uuid::now_v7());
        let row = AccountRow {
            id,
            organization: OrganizationId::from_uuid(Uuid::nil()),
            provider: config.provider(),
            name: id.to_string(),
            facts: serde_json::to_string(config).expect("JSON"),
            sealed_secret: String::new(),
            simulated: false,
            created_at: Timestamp(1),
            updated_at: Timestamp(1),
            check: None,
            known_as: None,
            check_asked_at: Timestamp::default(),
            vpcs: 0,
        };
        let mut tx = self.store.begin(clock::now()).await.expect("a transaction");
        tx.insert_account(&row).await.expect("an account");
        tx.commit(()).await.expect("a commit");
        id
    }

    fn controller(&self, told: Option<Outcome<String>>) -> Accounts {
        Accounts::new(self.store.clone(), Arc::new(Told(told)))
    }

    /// What is known of an account after a check.
    async fn checked(&self, id: AccountId, controller: &Accounts) -> Result<String, Unconfirmed> {
        controller.reconcile(&id).await.expect("a step");
        let row = self.store.account(id).await.expect("the store answers").expect("the account");
        row.check.expect("a check").outcome
    }
}

fn upcloud(username: Option<&str>) -> AccountConfig {
    AccountConfig::UpCloud { username: username.map(str::to_owned) }
}

#[tokio::test]
async fn a_cloud_that_hangs_is_told_of_and_keeps_no_other_account_waiting() {
    let stage = Stage::open().await;
    let (first, second) = (stage.account(&upcloud(None)).await, stage.account(&upcloud(None)).await);
    let hanging = stage.controller(None);
    assert_eq!(hanging.limit, Duration::from_secs(30));
    let lanes = hanging.due().await.expect("both are due");
    assert_eq!(lanes.values().map(|due| due.after).collect::<Vec<_>>(), [Duration::ZERO; 2]);
    assert_ne!(lanes[&first].lane, lanes[&second].lane);

    let hanging = Accounts { limit: Duration::from_secs(1), ..hanging };
    let told = stage.checked(first, &hanging).await.expect_err("no answer");
    assert_eq!(told.doubt, Doubt::Unreachable);
    assert_eq!(told.reason, format!("timeout: {} did not answer within 1 s", Provider::UpCloud));
    let waits = hanging.due().await.expect("both");
    assert!(waits[&first].after > Duration::from_secs(60), "it has its rest: {waits:?}");
    assert_eq!(waits[&second].after, Duration::ZERO);
}

#[tokio::test]
async fn a_check_keeps_what_kind_of_no_it_was_and_whose_the_credentials_are() {
    let stage = Stage::open().await;
    for (class, doubt) in [
        (Class::Denied, Doubt::Denied),
        (Class::Credentials, Doubt::Refused),
        (Class::Retry, Doubt::Unreachable),
        (Class::Operator, Doubt::Unclear),
    ] {
        let id = stage.account(&upcloud(None)).await;
        let told = stage.controller(Some(Err(Failure::new(class, "Code", "said so"))));
        let wanted = Unconfirmed { doubt, reason: "Code: said so".to_owned(), identity: None };
        assert_eq!(stage.checked(id, &told).await, Err(wanted));
    }
    let bjorn = stage.controller(Some(Ok("bjorn".to_owned())));
    let id = stage.account(&upcloud(Some("astrid"))).await;
    let told = stage.checked(id, &bjorn).await.expect_err("somebody else");
    assert_eq!((told.doubt, told.identity.as_deref()), (Doubt::Foreign, Some("bjorn")));
    let id = stage.account(&upcloud(None)).await;
    assert_eq!(stage.checked(id, &bjorn).await.as_deref(), Ok("bjorn"));
}
