//! Sign-in, set-up and sessions on both engines, without HTTP around them.
//!
//! PostgreSQL where `CAUSEWAY_TEST_POSTGRES` names a server on which databases may be created;
//! in CI a missing one is a failure.

use std::{net::IpAddr, sync::Arc};

use app::{
    api::ApiError,
    domain::{
        change::ChangeKind,
        person::{Password, SetUp},
    },
};
use server::{
    config::SessionLifetimes,
    console::door::{Entrance, Token, digest},
    store::{Store, lock::Lock},
};
use sqlx::{AnyConnection, Connection};

const PASSWORD: &str = "correct horse battery staple";
const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

struct Place {
    url: String,
    store: Store,
    entrance: Arc<Entrance>,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn at(url: String, folder: tempfile::TempDir) -> Self {
        let store = Store::open(&url).await.expect("an empty database");
        let entrance = Arc::new(Entrance::new(store.clone(), SessionLifetimes::default()));
        Self { url, store, entrance, _folder: folder }
    }

    async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::at(format!("sqlite:{}?mode=rwc", folder.path().join("causeway.db").display()), folder).await
    }

    async fn on_postgres() -> Option<Self> {
        let Ok(server) = std::env::var("CAUSEWAY_TEST_POSTGRES") else {
            assert!(
                std::env::var("CI").is_err(),
                "CAUSEWAY_TEST_POSTGRES names no PostgreSQL server, and in CI that is a failure"
            );
            return None;
        };
        let database = format!("people_{}", uuid::Uuid::now_v7().simple());
        execute(&server, &format!("create database {database}")).await;
        let (server, _) = server.rsplit_once('/').expect("an address ends with /DATABASE");
        Some(Self::at(format!("{server}/{database}"), tempfile::tempdir().expect("a folder")).await)
    }

    async fn set_up_link(&self) -> Token {
        self.entrance.issue_set_up_link().await.expect("the store answers").expect("there is no administrator yet")
    }

    async fn sign_in(&self, email: &str) -> Result<Token, ApiError> {
        self.entrance.sign_in(email, Password::tried(PASSWORD), HOME).await
    }

    async fn is_signed_in(&self, session: &Token) -> bool {
        self.entrance.session(&digest(&session.text)).await.expect("the store answers").is_some()
    }
}

async fn execute(url: &str, statement: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.expect("the database answers");
    sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.expect("the statement");
}

fn wanted(number: usize) -> SetUp {
    let (email, organization, project) =
        (format!("hand{number}@example.com"), format!("Tidewater {number}"), format!("harbor-{number}"));
    SetUp::parse(&email, PASSWORD, &organization, &project).expect("a good form")
}

macro_rules! on_both_engines {
    ($($name:ident)*) => {
        mod on_sqlite {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Place::on_sqlite().await).await;
            }
        )*}
        mod on_postgres {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(place) = super::Place::on_postgres().await {
                    super::$name(place).await;
                }
            }
        )*}
    };
}

on_both_engines! {
    sixteen_who_use_the_set_up_link_at_once_are_one_administrator
    a_later_link_ends_the_earlier_one
    signing_out_ends_one_session_and_a_new_password_all_of_that_person
    a_raised_epoch_ends_sessions
    an_address_is_taken_once
    a_second_console_is_refused_until_the_first_is_gone
}

async fn sixteen_who_use_the_set_up_link_at_once_are_one_administrator(place: Place) {
    let link = place.set_up_link().await;
    let hands = (0..16).map(|hand| {
        let (entrance, text) = (Arc::clone(&place.entrance), link.text.clone());
        tokio::spawn(async move { entrance.set_up(&text, wanted(hand), HOME).await })
    });
    let mut won = 0;
    for outcome in futures::future::join_all(hands).await {
        match outcome.expect("no panic") {
            Ok(session) => {
                won += 1;
                assert!(place.is_signed_in(&session).await);
            }
            Err(ApiError::Refused(refusals)) => assert!(refusals.to_string().contains("has been used"), "{refusals}"),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(won, 1);
    assert!(place.entrance.issue_set_up_link().await.expect("the store answers").is_none(), "nobody gets another link");
}

async fn a_later_link_ends_the_earlier_one(place: Place) {
    let earlier = place.set_up_link().await;
    let later = place.set_up_link().await;
    assert!(!place.entrance.set_up_link_is_good(&earlier.text).await.expect("the store answers"));
    assert!(place.entrance.set_up_link_is_good(&later.text).await.expect("the store answers"));
    execute(&place.url, "update set_up_link set expires_at = 1").await;
    assert!(!place.entrance.set_up_link_is_good(&later.text).await.expect("the store answers"));
    assert!(place.entrance.set_up(&later.text, wanted(1), HOME).await.is_err());
}

async fn signing_out_ends_one_session_and_a_new_password_all_of_that_person(place: Place) {
    for email in ["ingrid@example.com", "olaf@example.com"] {
        let email = email.parse().expect("an address");
        place.entrance.create_person(&email, Password::tried(PASSWORD), true).await.expect("a new person");
    }
    let (laptop, phone) = (
        place.sign_in("ingrid@example.com").await.expect("in"),
        place.sign_in("Ingrid@Example.com").await.expect("in"),
    );
    let other = place.sign_in("olaf@example.com").await.expect("in");
    place.entrance.sign_out(&laptop.digest).await.expect("the store answers");
    assert!(!place.is_signed_in(&laptop).await && place.is_signed_in(&phone).await);
    let email = "ingrid@example.com".parse().expect("an address");
    place.entrance.set_password(&email, Password::tried("another long password")).await.expect("she is there");
    assert!(!place.is_signed_in(&phone).await && place.is_signed_in(&other).await);
    assert!(place.sign_in("ingrid@example.com").await.is_err(), "the old password is void");
    place
        .entrance
        .create_person(&"kari@example.com".parse().expect("an address"), Password::tried(PASSWORD), false)
        .await
        .expect("a new person");
    let log = place.store.changes_after(0, 100).await.expect("the log");
    let count = |kind| log.iter().filter(|step| step.kind == kind).count();
    assert_eq!(
        [
            ChangeKind::AdministratorCreate,
            ChangeKind::PersonCreate,
            ChangeKind::PasswordSet,
            ChangeKind::SignOutEverywhere
        ]
        .map(count),
        [2, 1, 1, 0],
        "the log says what was done"
    );
}

async fn a_raised_epoch_ends_sessions(place: Place) {
    let email = "ingrid@example.com".parse().expect("an address");
    place.entrance.create_person(&email, Password::tried(PASSWORD), true).await.expect("a new person");
    let session = place.sign_in("ingrid@example.com").await.expect("in");
    assert!(place.is_signed_in(&session).await);
    execute(&place.url, "update counter set value = value + 1 where name = 'epoch'").await;
    assert!(!place.is_signed_in(&session).await);
}

async fn an_address_is_taken_once(place: Place) {
    let email = "ingrid@example.com".parse().expect("an address");
    place.entrance.create_person(&email, Password::tried(PASSWORD), false).await.expect("a new person");
    let error = place.entrance.create_person(&email, Password::tried(PASSWORD), true).await.expect_err("taken");
    assert!(error.to_string().contains("somebody with the address ingrid@example.com already"), "{error}");
}

async fn a_second_console_is_refused_until_the_first_is_gone(place: Place) {
    let mut first = Lock::take(&place.url).await.expect("nobody has it");
    assert!(first.is_held().await);
    let error = Lock::take(&place.url).await.err().expect("taken").to_string();
    assert!(error.starts_with("Another console is running on this database."), "{error}");
    drop(first);
    // A connection that is dropped ends a moment later.
    for _ in 0..100 {
        if Lock::take(&place.url).await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the lock outlived its holder");
}
