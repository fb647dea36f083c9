//! The only place that speaks SQL: one dialect for SQLite (embedded, WAL) and PostgreSQL, through sqlx's `Any`.
//!
//! Columns are `text` and `bigint`. Every write is one transaction that also takes the next
//! number of the one counter row and notes what changed, so that the order of numbers is the
//! order of commits. Serialization failures are tried again here; the work that is given to
//! [`transact`] may therefore run more than once and must have no other effect.

pub mod accounts;
pub mod certificate_authority;
mod changes;
pub mod cloud_networks;
pub mod connections;
mod feed;
pub mod firewalls;
pub mod gateways;
pub mod hosts;
pub mod lock;
pub mod network;
pub mod nodes;
pub mod peerings;
pub mod peers;
pub mod people;
pub mod planned;
pub mod sealed;
pub mod services;
pub mod sessions;
pub mod vpcs;
pub mod wishes;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use app::domain::{
    ProjectId, Timestamp,
    change::{ChangeKind, Facts, Topic},
};
use sqlx::{Any, AnyPool, Transaction, any::AnyPoolOptions};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use self::feed::{Feed, Seen, Wake};
use self::{hosts::number, people::parsed};

/// Which engine is behind `Any`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// Which engine a `sqlite:` or `postgres:` address is for.
    pub fn of(url: &str) -> Self {
        if url.starts_with("postgres") { Self::Postgres } else { Self::Sqlite }
    }
}

/// What a store method fails with.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database: {0}")]
    Sql(#[from] sqlx::Error),
    /// A row that does not parse as what it stands for.
    #[error("{table} holds a {column} that cannot be read: {reason}")]
    Corrupt { table: &'static str, column: &'static str, reason: String },
    #[error("{0}")]
    Open(String),
    /// The domain refused; carried through the transaction so that it rolls back.
    #[error("{0}")]
    Refused(#[from] app::domain::Refusals),
    /// Not there, or not in this scope.
    #[error("no such row")]
    NotFound,
    #[error("sealing: {0}")]
    Seal(String),
}

impl StoreError {
    pub fn corrupt(table: &'static str, column: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { table, column, reason: reason.to_string() }
    }

    /// Worth trying again: SQLite was busy, or PostgreSQL found no serial order.
    fn is_transient(&self) -> bool {
        let Self::Sql(sqlx::Error::Database(error)) = self else { return false };
        let code = error.code();
        matches!(code.as_deref(), Some("40001" | "40P01" | "5" | "517" | "261"))
    }

    /// The unique key that was taken, in the engine's words: PostgreSQL names it, SQLite lists its columns.
    pub fn taken_key(&self) -> Option<String> {
        let Self::Sql(sqlx::Error::Database(error)) = self else { return None };
        let words = || error.constraint().map_or_else(|| error.message().to_owned(), str::to_owned);
        error.is_unique_violation().then(words)
    }

    /// A unique key was taken: by whom is for the caller to say.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

impl From<app::domain::Refusal> for StoreError {
    fn from(refusal: app::domain::Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The database and the feed of what changed in it.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    engine: Engine,
    feed: Arc<Feed>,
    /// Whose turn it is to write.
    turn: Arc<Mutex<()>>,
}

/// A write under way: the transaction, and what it will wake.
pub struct Tx {
    inner: Transaction<'static, Any>,
    topics: Vec<Topic>,
    /// Inside which projects, as far as it was said.
    projects: BTreeSet<ProjectId>,
    /// Something of it concerns the whole installation.
    common: bool,
    seq: Option<u64>,
    at: Timestamp,
    feed: Arc<Feed>,
    /// Given on when this is committed or dropped.
    _turn: Option<OwnedMutexGuard<()>>,
}

/// One thing to note in the event log.
pub struct Note<'a> {
    pub actor: &'a str,
    pub kind: ChangeKind,
    pub topic: Topic,
    /// `None`: about the installation as a whole.
    pub project: Option<app::domain::ProjectId>,
    pub object: String,
    pub object_name: String,
    pub before: Facts,
    pub after: Facts,
}

const TRIES: u32 = 8;
static EVERYBODY: BTreeSet<ProjectId> = BTreeSet::new();

/// A write: begin, the work, commit, wake. Rolled back if the work fails. The value is the work's.
///
/// A macro, because the future of an async closure that borrows cannot be shown to be `Send`.
///
/// ```ignore
/// transact!(store, now, |tx| {
///     tx.insert_vpc(project, id, &new).await?;
///     tx.note(note).await
/// })?;
/// ```
macro_rules! transact {
    ($store:expr, $at:expr, |$tx:ident| $work:expr) => {{
        let store: &$crate::store::Store = &$store;
        let attempt = || async {
            let mut transaction = store.begin($at).await?;
            let done: $crate::store::Result<_> = async {
                let $tx = &mut transaction;
                $work
            }
            .await;
            transaction.commit(done?).await
        };
        store.retry(attempt).await
    }};
}
pub(crate) use transact;

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…` and brings its schema up to date.
    ///
    /// # Errors
    /// In a sentence, if it cannot be reached or was written by a newer Causeway.
    pub async fn open(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let engine = Engine::of(url);
        let options = AnyPoolOptions::new()
            .max_connections(if engine == Engine::Sqlite { 8 } else { 16 })
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if engine == Engine::Sqlite {
                        for pragma in
                            ["journal_mode = wal", "synchronous = full", "foreign_keys = on", "busy_timeout = 10000"]
                        {
                            sqlx::query(sqlx::AssertSqlSafe(format!("pragma {pragma}")))
                                .execute(&mut *connection)
                                .await?;
                        }
                    }
                    Ok(())
                })
            });
        let pool = options.connect(url).await.map_err(cannot_open)?;
        migrate(&pool).await?;
        let store = Self { pool, engine, feed: Arc::new(Feed::new()), turn: Arc::default() };
        let seq = store.last_seq().await?;
        store.feed.start_at(seq);
        Ok(store)
    }

    /// For reads outside a transaction.
    pub(in crate::store) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// What changed, for reconcilers and pages.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Runs a write again if the engine found no serial order; [`transact`] is how it is called.
    pub async fn retry<T, F: Future<Output = Result<T>>>(&self, work: impl Fn() -> F) -> Result<T> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match work().await {
                Err(error) if error.is_transient() && attempt < TRIES => {
                    let ceiling = 5 * (1 << attempt);
                    tokio::time::sleep(Duration::from_millis(rand::random_range(1..ceiling))).await;
                }
                done => return done,
            }
        }
    }

    /// Starts a transaction that writes. Rolled back unless it is committed.
    pub async fn begin(&self, at: Timestamp) -> Result<Tx> {
        // One console per database: who waits here does not collide there.
        let turn = self.turn.clone().lock_owned().await;
        let begin = match self.engine {
            Engine::Sqlite => "begin immediate",
            Engine::Postgres => "begin isolation level serializable",
        };
        self.transaction(begin, at, Some(turn)).await
    }

    /// Starts a transaction that reads several tables at one moment. Dropped when done.
    pub async fn snapshot(&self) -> Result<Tx> {
        let begin = match self.engine {
            Engine::Sqlite => "begin deferred",
            Engine::Postgres => "begin isolation level repeatable read read only",
        };
        self.transaction(begin, crate::clock::now(), None).await
    }

    async fn transaction(&self, begin: &'static str, at: Timestamp, turn: Option<OwnedMutexGuard<()>>) -> Result<Tx> {
        // On a task of its own: PostgreSQL's driver forgets a transaction whose beginning is broken off, and the pool would hand
        // out a connection that is still inside it. What nobody waits for any more is rolled back when it is dropped.
        let pool = self.pool.clone();
        let beginning = tokio::spawn(async move { pool.begin_with(begin).await });
        let inner =
            beginning.await.map_err(|error| StoreError::Open(format!("a transaction was broken off: {error}")))??;
        let (projects, common) = (BTreeSet::new(), false);
        Ok(Tx { inner, topics: Vec::new(), projects, common, seq: None, at, feed: self.feed.clone(), _turn: turn })
    }

    /// The schema is there and answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("select value from counter where name = 'change'").fetch_one(&self.pool).await?;
        Ok(())
    }
}

impl Tx {
    /// Commits, then wakes whoever follows what changed. Gives `done` back.
    pub async fn commit<T>(self, done: T) -> Result<T> {
        // On a task of its own: whoever waits may hang up while the commit is on its way, and one that lands must wake.
        let committing = tokio::spawn(async move {
            let Self { inner, topics, projects, common, seq, feed, _turn, .. } = self;
            inner.commit().await?;
            feed.wake_within(seq, &topics, if common { &EVERYBODY } else { &projects });
            Ok::<_, StoreError>(())
        });
        committing.await.map_err(|error| StoreError::Open(format!("the commit was broken off: {error}")))??;
        Ok(done)
    }

    /// For statements of this module's children.
    pub(in crate::store) fn connection(&mut self) -> &mut sqlx::AnyConnection {
        &mut self.inner
    }

    /// The moment of this write.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Says that this write concerns a project; if that is said of none, it concerns everybody.
    pub fn within(&mut self, project: ProjectId) {
        self.projects.insert(project);
    }

    /// Wakes the pages of a topic after the commit without noting a change: for observed values.
    pub fn touch(&mut self, topic: Topic) {
        if !self.topics.contains(&topic) {
            self.topics.push(topic);
        }
    }
}

fn cannot_open(error: sqlx::Error) -> StoreError {
    StoreError::Open(format!(
        "The database cannot be opened: {error}. Check --database-url and who may read and write there."
    ))
}

async fn migrate(pool: &AnyPool) -> Result<()> {
    sqlx::migrate!("../migrations").run(pool).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::VersionMissing(version) => StoreError::Open(format!(
            "The database was written by a newer Causeway (schema {version}). Start that version, or restore a backup that this one made."
        )),
        other => StoreError::Open(format!("The database's schema could not be brought up to date: {other}")),
    })
}

#[cfg(test)]
#[path = "cut_tests.rs"]
mod cut_tests;
