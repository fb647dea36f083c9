//! One console per database: an exclusive lock that ends with the process that holds it.
//!
//! SQLite: `flock` on a file beside the database. PostgreSQL: an advisory lock on a
//! connection of its own. A second console refuses to start with a sentence.

use std::{
    fs::File,
    path::PathBuf,
    time::{Duration, Instant},
};

use sqlx::{AnyConnection, Connection, Row};

use super::{Engine, Result, StoreError};

/// "causeway" as PostgreSQL takes a key.
const KEY: i64 = 0x6361_7573_6577_6179;

/// How long the lock's connection may take to answer, and a killed console's to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Held for as long as the console runs.
pub enum Lock {
    /// Unlocked when the file is closed, however the process ends.
    File(File),
    /// Unlocked when the connection ends.
    Connection(Box<AnyConnection>),
}

fn taken() -> StoreError {
    StoreError::Open("Another console is running on this database. Stop it first, or give this one a --data folder or --database-url of its own.".into())
}

impl Lock {
    /// Takes the lock of a database.
    ///
    /// # Errors
    /// In a sentence, if another console has it.
    pub async fn take(url: &str) -> Result<Self> {
        match Engine::of(url) {
            Engine::Sqlite => Self::take_file(url),
            Engine::Postgres => Self::take_connection(url).await,
        }
    }

    fn take_file(url: &str) -> Result<Self> {
        let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
        let path = PathBuf::from(format!("{}.lock", path.split('?').next().unwrap_or(path)));
        let cannot = |error: std::io::Error| {
            StoreError::Open(format!(
                "{} cannot be written: {error}. Choose a --data folder that this user may write to.",
                path.display()
            ))
        };
        let file = File::options().create(true).append(true).open(&path).map_err(cannot)?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self::File(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(taken()),
            Err(error) => Err(cannot(error.into())),
        }
    }

    async fn take_connection(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(url).await.map_err(super::cannot_open)?;
        let began = Instant::now();
        loop {
            let row = sqlx::query(
                "select case when pg_try_advisory_lock($1) then cast(1 as bigint) else cast(0 as bigint) end as taken",
            )
            .bind(KEY)
            .fetch_one(&mut connection)
            .await?;
            if row.try_get::<i64, _>("taken")? == 1 {
                return Ok(Self::Connection(Box::new(connection)));
            }
            // A console that was killed a moment ago holds it until PostgreSQL has ended what it was doing.
            if began.elapsed() > PATIENCE {
                return Err(taken());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Whether the lock is still ours: a connection may have been cut, and another console may have taken it.
    pub async fn is_held(&mut self) -> bool {
        match self {
            Self::File(_) => true,
            // A connection that is cut without a word never answers.
            Self::Connection(connection) => {
                tokio::time::timeout(PATIENCE, connection.ping()).await.is_ok_and(|answer| answer.is_ok())
            }
        }
    }
}
