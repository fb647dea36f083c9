//! Sessions of browsers. The id is in the browser's cookie only; here is its digest, so that a stolen database opens nothing.

use app::domain::{PersonId, Timestamp, change::Topic};
use sqlx::Row;

use super::{
    Result, Store, Tx,
    people::{Person, person},
};

/// A session that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub person: Person,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
}

impl Store {
    /// The session of this digest. Whether it has grown too old is the console's to say.
    pub async fn session(&self, digest: &str) -> Result<Option<Session>> {
        let row = sqlx::query(
            "select p.id, p.email, p.is_super_admin, s.created_at, s.seen_at
             from session s join person p on p.id = s.person_id
             where s.digest = $1 and p.state = 'active' and s.epoch = (select value from counter where name = 'epoch')",
        )
        .bind(digest)
        .fetch_optional(self.pool())
        .await?;
        row.map(|row| {
            Ok(Session {
                person: person(&row)?,
                created_at: Timestamp(row.try_get("created_at")?),
                seen_at: Timestamp(row.try_get("seen_at")?),
            })
        })
        .transpose()
    }

    /// Notes that a session is used. Outside [`Store::begin`]: nobody waits for it and nothing is told of it.
    pub async fn see_session(&self, digest: &str, now: Timestamp) -> Result<()> {
        sqlx::query("update session set seen_at = $2 where digest = $1")
            .bind(digest)
            .bind(now.0)
            .execute(self.pool())
            .await?;
        Ok(())
    }
}

impl Tx {
    pub async fn insert_session(&mut self, digest: &str, person: PersonId) -> Result<()> {
        let at = self.at().0;
        sqlx::query(
            "insert into session (digest, person_id, epoch, created_at, seen_at)
             values ($1, $2, (select value from counter where name = 'epoch'), $3, $3)",
        )
        .bind(digest)
        .bind(person.to_string())
        .bind(at)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends one session and lets its streams know.
    pub async fn end_session(&mut self, digest: &str) -> Result<()> {
        sqlx::query("delete from session where digest = $1").bind(digest).execute(self.connection()).await?;
        self.touch(Topic::People);
        Ok(())
    }

    /// Ends every session of a person and lets their streams know.
    pub async fn end_sessions_of(&mut self, person: PersonId) -> Result<()> {
        sqlx::query("delete from session where person_id = $1")
            .bind(person.to_string())
            .execute(self.connection())
            .await?;
        self.touch(Topic::People);
        Ok(())
    }

    /// Forgets sessions that are older than any lifetime allows.
    pub async fn sweep_sessions(&mut self, created_before: Timestamp, seen_before: Timestamp) -> Result<u64> {
        let done = sqlx::query("delete from session where created_at < $1 or seen_at < $2")
            .bind(created_before.0)
            .bind(seen_before.0)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected())
    }
}
