//! The event log, which is audit trail and outbox too: written in the transaction of the change itself.

use app::domain::{
    ProjectId, Timestamp,
    change::{Change, ChangeFilter, ChangeKind, Facts, Topic},
    host::HostId,
};
use sqlx::Row;

use super::{Note, Result, Store, StoreError, Tx, transact};

/// The most entries that one read gives.
pub const MOST: u32 = 200;

impl Tx {
    /// Notes a change under the next number, and wakes its topic after the commit.
    pub async fn note(&mut self, note: Note<'_>) -> Result<u64> {
        let row = sqlx::query("update counter set value = value + 1 where name = 'change' returning value")
            .fetch_one(self.connection())
            .await?;
        let seq: i64 = row.try_get("value")?;
        let at = self.at().0;
        sqlx::query(
            "insert into change (seq, at, actor, kind, topic, project_id, object, object_name, before_facts, after_facts)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(seq)
        .bind(at)
        .bind(note.actor)
        .bind(note.kind.as_str())
        .bind(note.topic.as_str())
        .bind(note.project.map_or_else(String::new, |project| project.to_string()))
        .bind(note.object)
        .bind(note.object_name)
        .bind(facts_text(&note.before))
        .bind(facts_text(&note.after))
        .execute(self.connection())
        .await?;
        let seq = seq.unsigned_abs();
        self.seq = Some(seq);
        match note.project {
            Some(project) => self.within(project),
            None => self.common = true,
        }
        self.touch(note.topic);
        Ok(seq)
    }
}

/// More entries about one host in so many seconds come from an agent that is out of its mind, or lies.
const NOISE: (i64, i64) = (60, 600);
/// Entries that are forgotten in one write: others want to write too.
const BATCH: i64 = 1000;

impl Tx {
    /// Whether the event log has been told so much of a host that what its agent sees is left out for a while.
    pub async fn is_noisy(&mut self, host: HostId) -> Result<bool> {
        let (most, seconds) = NOISE;
        let row = sqlx::query("select at from change where object = $1 order by seq desc limit 1 offset $2")
            .bind(host.to_string())
            .bind(most - 1)
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else { return Ok(false) };
        Ok(row.try_get::<i64, _>("at")? > self.at().plus_seconds(-seconds).0)
    }

    async fn forget_some_changes(&mut self, before: Timestamp) -> Result<u64> {
        let done = sqlx::query(
            "delete from change where seq in (
               select seq from (select seq, at from change order by seq limit $2) oldest where at < $1)",
        )
        .bind(before.0)
        .bind(BATCH)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}

fn facts_text(facts: &Facts) -> String {
    serde_json::to_string(facts).expect("a map of texts serializes")
}

impl Store {
    /// Forgets what was noted before a moment; gives how many entries that were.
    pub async fn forget_changes(&self, before: Timestamp) -> Result<u64> {
        let mut forgotten = 0;
        loop {
            let oldest = sqlx::query("select at from change order by seq limit 1").fetch_optional(self.pool()).await?;
            let Some(oldest) = oldest else { return Ok(forgotten) };
            if oldest.try_get::<i64, _>("at")? >= before.0 {
                return Ok(forgotten);
            }
            let now = crate::clock::now();
            forgotten += transact!(self, now, |tx| tx.forget_some_changes(before).await)?;
        }
    }

    /// The number of the last change; 0 before the first.
    pub async fn last_seq(&self) -> Result<u64> {
        let row = sqlx::query("select value from counter where name = 'change'").fetch_one(self.pool()).await?;
        Ok(row.try_get::<i64, _>("value")?.unsigned_abs())
    }

    /// Newest first; entries of the project, and of the installation as a whole if they are asked for.
    pub async fn changes(&self, project: ProjectId, installation: bool, filter: &ChangeFilter) -> Result<Vec<Change>> {
        let limit = filter.limit.clamp(1, MOST);
        let rows = sqlx::query(
            "select seq, at, actor, kind, topic, object, object_name, before_facts, after_facts from change
             where (project_id = $1 or project_id = $7) and seq < $2 and ($3 = '' or object = $3 or also like '% ' || $3 || ' %') and ($4 = '' or kind = $4)
               and ($5 = '' or actor = $5)
             order by seq desc limit $6",
        )
        .bind(project.to_string())
        .bind(filter.before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX))
        .bind(filter.object.clone().unwrap_or_default())
        .bind(filter.kind.map_or("", ChangeKind::as_str))
        .bind(filter.actor.clone().unwrap_or_default())
        .bind(i64::from(limit))
        .bind(if installation { String::new() } else { project.to_string() })
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(change).collect()
    }
}

fn change(row: &sqlx::any::AnyRow) -> Result<Change> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let facts = |column: &'static str| -> Result<Facts> {
        serde_json::from_str(&text(column)?).map_err(|error| StoreError::corrupt("change", column, error))
    };
    let (kind, topic) = (text("kind")?, text("topic")?);
    Ok(Change {
        seq: row.try_get::<i64, _>("seq")?.unsigned_abs(),
        at: Timestamp(row.try_get("at")?),
        actor: text("actor")?,
        kind: ChangeKind::from_text(&kind).ok_or_else(|| StoreError::corrupt("change", "kind", &kind))?,
        topic: Topic::from_text(&topic).ok_or_else(|| StoreError::corrupt("change", "topic", &topic))?,
        object: text("object")?,
        object_name: text("object_name")?,
        before: facts("before_facts")?,
        after: facts("after_facts")?,
    })
}
