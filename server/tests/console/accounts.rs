//! Cloud accounts: whose they are, what is kept of them, and what becomes of their secrets.

use app::{
    backend::Accounts,
    domain::{
        AccountId,
        account::{AccountConfig, AccountForm, Doubt, Unconfirmed},
        permission::Permission,
    },
};
use server::{
    console::{Actor, Console},
    rotation,
    seal::Sealer,
    store::{
        accounts::{AccountRow, seal_purpose},
        people::{Membership, Scope},
    },
};

use super::*;

on_both_engines! {
    an_account_keeps_its_secret_sealed_and_shows_it_to_nobody
    a_change_keeps_the_secret_and_a_removed_account_forgets_it
    one_account_per_cloud_and_one_name_per_account
    an_account_with_vpcs_is_neither_removed_nor_led_elsewhere_and_the_sentence_names_them
    a_role_in_a_project_gives_no_right_to_the_organizations_accounts
    another_organizations_account_does_not_exist
    a_check_is_asked_for_and_its_result_is_shown_verbatim
    a_check_of_credentials_that_were_changed_in_the_same_moment_is_not_recorded
    an_account_with_vpcs_is_held_when_it_signs_in_as_another_user_until_a_person_confirms_it
    an_account_without_vpcs_may_become_anybodys_and_a_typed_name_is_remembered
    an_account_of_a_look_alike_is_checked_but_never_changed
    a_new_master_key_opens_every_secret_and_the_former_none
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn aws() -> AccountForm {
    AccountForm {
        provider: "aws".into(),
        name: "operations".into(),
        aws_account_id: "111122223333".into(),
        aws_access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        aws_secret_access_key: SECRET.into(),
        ..AccountForm::default()
    }
}

/// Somebody with a role in the organization of `harbor`, and in none of its projects.
async fn officer(stage: &Stage, role: &str) -> Console {
    let project = stage.store.project_named(&stage.harbor).await.expect("the store answers").expect("harbor");
    let membership = Membership { scope: Scope::Organization(project.organization), role: role.to_owned() };
    let actor = Actor {
        person: app::domain::PersonId::from_uuid(Uuid::now_v7()),
        email: name("astrid@example.com"),
        super_admin: false,
        memberships: vec![membership],
    };
    Console::for_actor(stage.shared.clone(), actor)
}

async fn only(stage: &Stage, who: &Console) -> app::domain::account::CloudAccount {
    let mut all = who.accounts(&stage.harbor).await.expect("the accounts");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// A VPC that was made with the account, behind the console's back: no cloud is called here.
async fn vpc_of(stage: &Stage, account: AccountId, called: &str, cidr: &str) {
    let vpc = stage.vpc(called, cidr).await;
    stage.execute(&format!("update vpc set account_id = '{account}' where id = '{vpc}'")).await;
}

async fn an_account_keeps_its_secret_sealed_and_shows_it_to_nobody(stage: Stage) {
    let astrid = officer(&stage, "admin").await;
    let id = astrid.create_account(&stage.harbor, aws()).await.expect("an account");
    let shown = only(&stage, &astrid).await;
    assert_eq!((shown.id, shown.name.as_str(), shown.word(), shown.vpcs), (id, "operations", "Not checked yet", 0));
    assert!(!serde_json::to_string(&shown).expect("JSON").contains(SECRET));
    let row = stage.store.account(id).await.expect("the store answers").expect("the account");
    assert!(row.sealed_secret.starts_with("v1."));
    let opened = stage.shared.sealer.open(&seal_purpose(id), &row.sealed_secret).expect("it opens for its account");
    assert_eq!(opened, SECRET.as_bytes());
    assert!(stage.shared.sealer.open(&seal_purpose(name(&Uuid::nil().to_string())), &row.sealed_secret).is_err());
    let texts = stage.every_text().await;
    assert!(texts.contains("AKIAIOSFODNN7EXAMPLE") && !texts.contains(SECRET), "not even in the event log");
}

async fn a_change_keeps_the_secret_and_a_removed_account_forgets_it(stage: Stage) {
    let astrid = officer(&stage, "admin").await;
    let id = astrid.create_account(&stage.harbor, aws()).await.expect("an account");
    let row = async || stage.store.account(id).await.expect("the store answers");
    let before = row().await.expect("the account");
    let renamed = AccountForm { name: "production".into(), aws_secret_access_key: String::new(), ..aws() };
    astrid.update_account(&stage.harbor, id, renamed.clone()).await.expect("a change");
    let after = row().await.expect("the account");
    assert_eq!((after.name.as_str(), &after.sealed_secret), ("production", &before.sealed_secret));
    let another = AccountForm { aws_secret_access_key: "another secret of this key".into(), ..renamed };
    astrid.update_account(&stage.harbor, id, another).await.expect("a change");
    let replaced = row().await.expect("the account").sealed_secret;
    let opened = stage.shared.sealer.open(&seal_purpose(id), &replaced).expect("it opens");
    assert_eq!(opened, b"another secret of this key");
    let machine = AccountForm { aws_access_key_id: String::new(), aws_secret_access_key: String::new(), ..aws() };
    astrid.update_account(&stage.harbor, id, machine).await.expect("a change");
    assert_eq!(row().await.expect("the account").sealed_secret, "", "what is not used is not kept");
    astrid.update_account(&stage.harbor, id, aws()).await.expect("a change");
    astrid.delete_account(&stage.harbor, id).await.expect("removed");
    assert_eq!(row().await, None);
    assert!(stage.store.sealed().await.expect("the store answers").is_empty(), "its secret is gone at once");
    astrid.create_account(&stage.harbor, aws()).await.expect("its name and its cloud are free again");
}

async fn one_account_per_cloud_and_one_name_per_account(stage: Stage) {
    let astrid = officer(&stage, "admin").await;
    astrid.create_account(&stage.harbor, aws()).await.expect("an account");
    let again = AccountForm { name: "another".into(), ..aws() };
    let sentence = refused(astrid.create_account(&stage.harbor, again).await);
    assert_eq!(sentence, "There is an account for AWS already. Change or remove that one.");
    let upcloud = |called: &str| AccountForm {
        provider: "upcloud".into(),
        name: called.into(),
        upcloud_token: "ucat_01ABC".into(),
        ..AccountForm::default()
    };
    let sentence = refused(astrid.create_account(&stage.harbor, upcloud("operations")).await);
    assert_eq!(sentence, "An account named operations already exists.");
    let id = astrid.create_account(&stage.harbor, upcloud("lab")).await.expect("another cloud");
    let sentence = refused(astrid.update_account(&stage.harbor, id, upcloud("operations")).await);
    assert_eq!(sentence, "An account named operations already exists.");
    astrid.update_account(&stage.harbor, id, upcloud("lab")).await.expect("its own name is its own");
}

async fn an_account_with_vpcs_is_neither_removed_nor_led_elsewhere_and_the_sentence_names_them(stage: Stage) {
    let astrid = officer(&stage, "admin").await;
    let id = astrid.create_account(&stage.harbor, aws()).await.expect("an account");
    vpc_of(&stage, id, "alpha", "10.20.0.0/20").await;
    let sentence = refused(astrid.delete_account(&stage.harbor, id).await);
    assert_eq!(
        sentence,
        "This account still has the VPC alpha in harbor. Delete it first: without the account nobody can."
    );
    vpc_of(&stage, id, "beta", "10.21.0.0/20").await;
    let shown = only(&stage, &astrid).await;
    assert_eq!((shown.vpcs, shown.some_vpcs), (2, vec!["alpha in harbor".to_owned(), "beta in harbor".to_owned()]));
    let elsewhere = AccountForm { aws_account_id: "999988887777".into(), ..aws() };
    let sentence = refused(astrid.update_account(&stage.harbor, id, elsewhere).await);
    assert!(sentence.contains("alpha in harbor and beta in harbor"), "{sentence}");
    astrid.update_account(&stage.harbor, id, AccountForm { name: "production".into(), ..aws() }).await.expect("a name");
}

async fn a_role_in_a_project_gives_no_right_to_the_organizations_accounts(stage: Stage) {
    let needs = |permission| Some(ApiError::Forbidden { permission, scope: "Tidewater".to_owned() });
    let id = AccountId::from_uuid(Uuid::now_v7());
    let p = &stage.harbor;
    for (who, reads, writes) in [
        (&stage.ingrid, needs(Permission::CloudAccountsRead), needs(Permission::CloudAccountsWrite)),
        (
            &stage.colleague("operator").await,
            needs(Permission::CloudAccountsRead),
            needs(Permission::CloudAccountsWrite),
        ),
        (&officer(&stage, "operator").await, None, needs(Permission::CloudAccountsWrite)),
        (
            &officer(&stage, "read_only").await,
            needs(Permission::CloudAccountsRead),
            needs(Permission::CloudAccountsWrite),
        ),
        (&stage.olaf, Some(ApiError::NotFound), Some(ApiError::NotFound)),
    ] {
        assert_eq!(who.accounts(p).await.err(), reads);
        assert_eq!(who.create_account(p, aws()).await.err(), writes);
        assert_eq!(who.update_account(p, id, aws()).await.err(), writes);
        assert_eq!(who.delete_account(p, id).await.err(), writes);
        assert_eq!(who.check_account(p, id).await.err(), writes);
        assert_eq!(who.confirm_account(p, id, "bjorn").await.err(), writes);
    }
    assert_eq!(stage.administrator().await.accounts(p).await.expect("everybody's"), []);
}

async fn another_organizations_account_does_not_exist(stage: Stage) {
    let astrid = officer(&stage, "admin").await;
    let id = astrid.create_account(&stage.harbor, aws()).await.expect("an account");
    let sigrid = stage.administrator().await;
    let t = &stage.tundra;
    assert_eq!(sigrid.accounts(t).await.expect("the accounts"), []);
    assert_eq!(sigrid.update_account(t, id, aws()).await, Err(ApiError::NotFound));
    assert_eq!(sigrid.delete_account(t, id).await, Err(ApiError::NotFound));
    assert_eq!(sigrid.check_account(t, id).await, Err(ApiError::NotFound));
    assert_eq!(sigrid.confirm_account(t, id, "bjorn").await, Err(ApiError::NotFound));
}

async fn a_check_is_asked_for_and_its_result_is_shown_verbatim(stage: Stage) {
    let astrid = officer(&stage, "admin").await;
    let id = astrid.create_account(&stage.harbor, aws()).await.expect("an account");
    let row = async || stage.store.account(id).await.expect("the store answers").expect("the account");
    assert!(!row().await.is_checked(), "a new account is due");
    let error = "AuthFailure: AWS was not able to validate the provided access credentials";
    let outcome = Err(Unconfirmed { doubt: Doubt::Refused, reason: error.to_owned(), identity: None });
    assert!(stage.store.write_account_check(&row().await, clock::now(), &outcome).await.expect("a check"));
    assert!(row().await.is_checked());
    let shown = only(&stage, &astrid).await;
    assert_eq!(shown.word(), "Not confirmed");
    assert!(shown.sentence().contains(error), "{}", shown.sentence());
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    astrid.check_account(&stage.harbor, id).await.expect("it is asked for");
    assert!(!row().await.is_checked(), "it is due again");
    assert_eq!(only(&stage, &astrid).await.word(), "Checking");
    let identity = "arn:aws:iam::111122223333:user/causeway";
    let outcome = Ok(identity.to_owned());
    assert!(stage.store.write_account_check(&row().await, clock::now(), &outcome).await.expect("a check"));
    let shown = only(&stage, &astrid).await;
    assert_eq!((shown.word(), shown.sentence()), ("Good", format!("AWS knows the console as {identity}.")));
    let filter = ChangeFilter { kind: Some(ChangeKind::CloudAccountCheck), limit: 10, ..ChangeFilter::default() };
    assert_eq!(astrid.changes(&stage.harbor, filter).await.expect("the log").len(), 1);
}

async fn a_check_of_credentials_that_were_changed_in_the_same_moment_is_not_recorded(stage: Stage) {
    let astrid = officer(&stage, "admin").await;
    let id = astrid.create_account(&stage.harbor, aws()).await.expect("an account");
    let row = async || stage.store.account(id).await.expect("the store answers").expect("the account");
    let (asked, now, good) = (row().await, clock::now(), Ok("arn:aws:iam::111122223333:user/causeway".to_owned()));
    let write =
        async |of: &AccountRow| stage.store.write_account_check(of, now, &good).await.expect("the store answers");
    let change = async |changed: AccountRow| {
        let mut tx = stage.store.begin(now).await.expect("a transaction");
        tx.update_account(&changed).await.expect("a change");
        tx.commit(()).await.expect("a commit");
    };
    change(AccountRow { sealed_secret: "another".to_owned(), ..asked.clone() }).await;
    assert!(!write(&asked).await, "the cloud answered for the former secret");
    assert_eq!(row().await.check, None);
    let present = row().await;
    assert!(write(&present).await);
    change(AccountRow { name: "Another name".to_owned(), ..present.clone() }).await;
    assert!(row().await.is_checked(), "a name is nothing that a cloud knows");
    change(AccountRow { sealed_secret: "a third".to_owned(), ..present }).await;
    let changed = row().await;
    assert!(!changed.is_checked(), "nobody has asked with the present secret");
    assert_eq!(changed.known_as.as_deref(), Some("arn:aws:iam::111122223333:user/causeway"));
    assert_eq!(changed.check.expect("a check").at, now);
}

/// With a password, or with a token where there is no name.
fn upcloud(username: &str) -> AccountForm {
    let form = AccountForm { provider: "upcloud".into(), name: "lab".into(), ..AccountForm::default() };
    if username.is_empty() {
        return AccountForm { upcloud_token: "ucat_01ABC".into(), ..form };
    }
    AccountForm { upcloud_username: username.into(), upcloud_password: "hunter2".into(), ..form }
}

impl Stage {
    async fn account(&self, id: AccountId) -> AccountRow {
        self.store.account(id).await.expect("the store answers").expect("the account")
    }

    /// As the reconciler does, when UpCloud names this user.
    async fn checked(&self, id: AccountId, identity: &str) -> Result<(), String> {
        let row = self.account(id).await;
        let admitted = row.admit_identity(identity);
        let outcome = admitted.clone().map(|()| identity.to_owned()).map_err(|reason| Unconfirmed {
            doubt: Doubt::Foreign,
            reason,
            identity: Some(identity.to_owned()),
        });
        assert!(self.store.write_account_check(&row, clock::now(), &outcome).await.expect("a check"));
        admitted
    }
}

async fn an_account_with_vpcs_is_held_when_it_signs_in_as_another_user_until_a_person_confirms_it(stage: Stage) {
    let astrid = officer(&stage, "admin").await;
    let p = &stage.harbor;
    let id = astrid.create_account(p, upcloud("astrid")).await.expect("an account");
    assert_eq!(stage.checked(id, "astrid").await, Ok(()));
    vpc_of(&stage, id, "alpha", "10.20.0.0/20").await;
    for form in [upcloud("bjorn"), upcloud("")] {
        astrid.update_account(p, id, form).await.expect("a change");
        assert!(stage.account(id).await.admit_identity("bjorn").is_err(), "nothing is done with them before a check");
        assert!(stage.checked(id, "bjorn").await.is_err());
        assert_eq!(stage.account(id).await.known_as.as_deref(), Some("astrid"));
    }
    let shown = only(&stage, &astrid).await;
    assert_eq!(shown.word(), "Not confirmed");
    assert!(shown.sentence().contains("bjorn and astrid are users of one account"), "{}", shown.sentence());
    let sentence = refused(astrid.confirm_account(p, id, "ingrid").await);
    assert!(sentence.starts_with("UpCloud says something else of these credentials by now."), "{sentence}");

    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    astrid.confirm_account(p, id, "bjorn").await.expect("it is confirmed");
    let row = stage.account(id).await;
    assert_eq!((row.known_as.as_deref(), row.is_checked()), (Some("bjorn"), false), "it is checked anew");
    assert_eq!(row.admit_identity("bjorn"), Ok(()), "and its VPCs wait for no check");
    assert!(row.admit_identity("astrid").is_err());
    assert!(astrid.confirm_account(p, id, "bjorn").await.is_err(), "nothing is left to be confirmed");
    assert_eq!(stage.checked(id, "bjorn").await, Ok(()));
    assert_eq!(only(&stage, &astrid).await.word(), "Good");
    let filter = ChangeFilter { kind: Some(ChangeKind::CloudAccountUpdate), limit: 1, ..ChangeFilter::default() };
    let noted = astrid.changes(p, filter).await.expect("the log").remove(0);
    let fact = |facts: &app::domain::change::Facts| facts.get("identity").cloned();
    assert_eq!((fact(&noted.before).as_deref(), fact(&noted.after).as_deref()), (Some("astrid"), Some("bjorn")));
    assert_eq!(noted.after.get("confirmed").map(String::as_str), Some("users of one account"));
}

async fn an_account_without_vpcs_may_become_anybodys_and_a_typed_name_is_remembered(stage: Stage) {
    let astrid = officer(&stage, "admin").await;
    let p = &stage.harbor;
    let id = astrid.create_account(p, upcloud("astrid")).await.expect("an account");
    assert_eq!(stage.checked(id, "astrid").await, Ok(()));
    let renamed = AccountForm { name: "lab 2".into(), upcloud_password: String::new(), ..upcloud("astrid") };
    astrid.update_account(p, id, renamed).await.expect("a name");
    assert_eq!(stage.account(id).await.known_as.as_deref(), Some("astrid"), "a name says nothing of it");
    astrid.update_account(p, id, upcloud("bjorn")).await.expect("a change");
    vpc_of(&stage, id, "alpha", "10.20.0.0/20").await;
    assert_eq!(stage.account(id).await.admit_identity("bjorn"), Ok(()), "the VPC was asked for as bjorn");
    // Before any check, only the form has said who that is.
    astrid.update_account(p, id, upcloud("")).await.expect("a change");
    let row = stage.account(id).await;
    assert_eq!(
        (row.known_as.as_deref(), row.check.clone().and_then(|check| check.outcome.ok())),
        (Some("bjorn"), Some("astrid".to_owned()))
    );
    assert!(row.admit_identity("astrid").is_err());
}

async fn an_account_of_a_look_alike_is_checked_but_never_changed(stage: Stage) {
    let astrid = officer(&stage, "admin").await;
    let project = stage.store.project_named(&stage.harbor).await.expect("the store answers").expect("harbor");
    let config = AccountConfig::UpCloud { username: Some("simulated".to_owned()) };
    let mut tx = stage.store.begin(clock::now()).await.expect("a transaction");
    let row = AccountRow {
        id: AccountId::from_uuid(Uuid::now_v7()),
        organization: project.organization,
        provider: config.provider(),
        name: "Simulated UpCloud".to_owned(),
        facts: serde_json::to_string(&config).expect("JSON"),
        sealed_secret: String::new(),
        simulated: true,
        created_at: tx.at(),
        updated_at: tx.at(),
        check: None,
        known_as: None,
        check_asked_at: Timestamp::default(),
        vpcs: 0,
    };
    tx.insert_account(&row).await.expect("an account");
    tx.commit(()).await.expect("a commit");
    assert!(only(&stage, &astrid).await.simulated);
    astrid.check_account(&stage.harbor, row.id).await.expect("it is asked for");
    assert_eq!(astrid.delete_account(&stage.harbor, row.id).await, Err(ApiError::NotFound));
    assert_eq!(astrid.update_account(&stage.harbor, row.id, aws()).await, Err(ApiError::NotFound));
    let real = AccountForm {
        provider: "upcloud".into(),
        name: "lab".into(),
        upcloud_token: "ucat_01ABC".into(),
        ..AccountForm::default()
    };
    astrid.create_account(&stage.harbor, real).await.expect("an operator's own stands beside it");
    let order: Vec<bool> =
        astrid.accounts(&stage.harbor).await.expect("the accounts").iter().map(|account| account.simulated).collect();
    assert_eq!(order, [false, true]);
}

async fn a_new_master_key_opens_every_secret_and_the_former_none(stage: Stage) {
    let (alpha, ..) = stage.joined().await;
    stage.ingrid.create_site(&stage.harbor, alpha, site("office", "192.168.88.0/24")).await.expect("a site");
    let astrid = officer(&stage, "admin").await;
    let id = astrid.create_account(&stage.harbor, aws()).await.expect("an account");
    let (former, next) = (stage.shared.sealer.clone(), Sealer::new([9; 32]));
    let before = stage.store.wish(alpha, &former).await.expect("the store answers").expect("a gateway");
    let rotated = rotation::reseal(&stage.store, &former, &next).await.expect("sealed again");
    assert_eq!((rotated.preshared_keys, rotated.account_secrets), (3, 1), "both sides of the peering, the site");
    let after = stage.store.wish(alpha, &next).await.expect("the new key opens").expect("a gateway");
    assert_eq!(derive(&before), derive(&after), "no host is told anything new");
    assert!(stage.store.wish(alpha, &former).await.is_err(), "the former key opens nothing");
    let row = stage.store.account(id).await.expect("the store answers").expect("the account");
    assert_eq!(next.open(&seal_purpose(id), &row.sealed_secret).expect("it opens"), SECRET.as_bytes());
    let filter = ChangeFilter { kind: Some(ChangeKind::MasterKeyRotate), limit: 10, ..ChangeFilter::default() };
    let log = stage.administrator().await.changes(&stage.harbor, filter).await.expect("the log");
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].after.get("preshared_keys").map(String::as_str), Some("3"));
}
