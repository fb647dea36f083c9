//! The event log, which is audit trail and outbox too: written in the transaction of the change itself.

use app::domain::{
    ProjectId, Timestamp,
    change::{Change, ChangeFilter, ChangeKind, Facts, Topic},
};
use sqlx::Row;

use super::{Note, Result, Store, StoreError, Tx};

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
        self.touch(note.topic);
        Ok(seq)
    }
}

fn facts_text(facts: &Facts) -> String {
    serde_json::to_string(facts).expect("a map of texts serializes")
}

impl Store {
    /// The number of the last change; 0 before the first.
    pub async fn last_seq(&self) -> Result<u64> {
        let row = sqlx::query("select value from counter where name = 'change'").fetch_one(self.pool()).await?;
        Ok(row.try_get::<i64, _>("value")?.unsigned_abs())
    }

    /// Newest first; entries of the project and of the installation as a whole.
    pub async fn changes(&self, project: ProjectId, filter: &ChangeFilter) -> Result<Vec<Change>> {
        let limit = filter.limit.clamp(1, MOST);
        let rows = sqlx::query(
            "select seq, at, actor, kind, topic, object, object_name, before_facts, after_facts from change
             where (project_id = $1 or project_id = '') and seq < $2 and ($3 = '' or object = $3) and ($4 = '' or kind = $4)
               and ($5 = '' or actor = $5)
             order by seq desc limit $6",
        )
        .bind(project.to_string())
        .bind(filter.before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX))
        .bind(filter.object.clone().unwrap_or_default())
        .bind(filter.kind.map_or("", ChangeKind::as_str))
        .bind(filter.actor.clone().unwrap_or_default())
        .bind(i64::from(limit))
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
