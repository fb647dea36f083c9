//! The only place that speaks SQL: one dialect for SQLite (embedded, WAL) and PostgreSQL, through sqlx's `Any`.
//!
//! Columns are `text` and `bigint`. Every write is one transaction that also takes the next
//! number of the one counter row and notes what changed, so that the order of numbers is the
//! order of commits. Serialization failures are tried again here; a closure given to
//! [`Store::write`] may therefore run more than once and must have no other effect.

mod changes;
mod feed;
pub mod gateways;
pub mod hosts;
pub mod lock;
pub mod network;
pub mod peerings;
pub mod peers;
pub mod people;
pub mod planned;
pub mod sessions;
pub mod vpcs;
pub mod wishes;

use std::{sync::Arc, time::Duration};

use app::domain::{
    Timestamp,
    change::{ChangeKind, Facts, Topic},
};
use sqlx::{Any, AnyPool, Transaction, any::AnyPoolOptions};

pub use self::feed::{Feed, Wake};

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
}

/// A write under way: the transaction, and what it will wake.
pub struct Tx {
    inner: Transaction<'static, Any>,
    topics: Vec<Topic>,
    seq: Option<u64>,
    at: Timestamp,
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
                            sqlx::query(sqlx::AssertSqlSafe(format!("pragma {pragma}"))).execute(&mut *connection).await?;
                        }
                    }
                    Ok(())
                })
            });
        let pool = options.connect(url).await.map_err(cannot_open)?;
        migrate(&pool).await?;
        let store = Self { pool, engine, feed: Arc::new(Feed::new()) };
        let seq = store.last_seq().await?;
        store.feed.start_at(seq);
        Ok(store)
    }

    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// For reads outside a transaction.
    pub(in crate::store) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// What changed, for reconcilers and pages.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Runs a write: begin, the closure, commit, wake. Rolled back if the closure fails.
    ///
    /// ```ignore
    /// store.write(now, async |tx| { insert_vpc(tx, &vpc).await?; tx.note(note).await }).await?;
    /// ```
    pub async fn write<T>(&self, at: Timestamp, mut work: impl AsyncFnMut(&mut Tx) -> Result<T>) -> Result<T> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.try_write(at, &mut work).await {
                Err(error) if error.is_transient() && attempt < TRIES => {
                    let ceiling = 5 * (1 << attempt);
                    tokio::time::sleep(Duration::from_millis(rand::random_range(1..ceiling))).await;
                }
                done => return done,
            }
        }
    }

    async fn try_write<T>(&self, at: Timestamp, work: &mut impl AsyncFnMut(&mut Tx) -> Result<T>) -> Result<T> {
        let begin = match self.engine {
            Engine::Sqlite => "begin immediate",
            Engine::Postgres => "begin isolation level serializable",
        };
        let mut tx = Tx { inner: self.pool.begin_with(begin).await?, topics: Vec::new(), seq: None, at };
        let done = work(&mut tx).await?;
        let Tx { inner, topics, seq, .. } = tx;
        inner.commit().await?;
        self.feed.wake(seq, &topics);
        Ok(done)
    }

    /// Reads several tables at one moment: no write shows in the second that did not show in the first.
    pub async fn read<T>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T>) -> Result<T> {
        let begin = match self.engine {
            Engine::Sqlite => "begin deferred",
            Engine::Postgres => "begin isolation level repeatable read read only",
        };
        let inner = self.pool.begin_with(begin).await?;
        let mut tx = Tx { inner, topics: Vec::new(), seq: None, at: crate::clock::now() };
        let done = work(&mut tx).await?;
        tx.inner.rollback().await?;
        Ok(done)
    }

    /// The schema is there and answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("select value from counter where name = 'change'").fetch_one(&self.pool).await?;
        Ok(())
    }
}

impl Tx {
    /// For statements of this module's children.
    pub(in crate::store) fn connection(&mut self) -> &mut sqlx::AnyConnection {
        &mut self.inner
    }

    /// The moment of this write.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Wakes the pages of a topic after the commit without noting a change: for observed values.
    pub fn touch(&mut self, topic: Topic) {
        if !self.topics.contains(&topic) {
            self.topics.push(topic);
        }
    }
}

fn cannot_open(error: sqlx::Error) -> StoreError {
    StoreError::Open(format!("The database cannot be opened: {error}. Check --database-url and who may read and write there."))
}

async fn migrate(pool: &AnyPool) -> Result<()> {
    sqlx::migrate!("../migrations").run(pool).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::VersionMissing(version) => StoreError::Open(format!(
            "The database was written by a newer Causeway (schema {version}). Start that version, or restore a backup that this one made."
        )),
        other => StoreError::Open(format!("The database's schema could not be brought up to date: {other}")),
    })
}
