//! The tables of the simulated clouds. SQLite gets a file of its own; in PostgreSQL they lie beside the console's.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{AnyPool, any::AnyPoolOptions};

use super::{Side, Use, Vendor, fault::Standing};

/// The uses of rules that are kept for each vendor.
const USES_KEPT: i64 = 1_000;

#[derive(Clone)]
pub(super) struct Store {
    pool: AnyPool,
}

/// What one call changed.
pub(super) struct Batch<'a> {
    pub things: Vec<(String, Option<String>)>,
    pub faults: &'a [Standing],
    pub uses: &'a [Use],
}

impl Store {
    pub(super) async fn open(url: &str) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        let sqlite = url.starts_with("sqlite:");
        if sqlite {
            private_file(url)?;
        }
        let options = AnyPoolOptions::new().max_connections(4).after_connect(move |connection, _| {
            Box::pin(async move {
                if sqlite {
                    for pragma in ["journal_mode = wal", "synchronous = normal", "busy_timeout = 10000"] {
                        sqlx::query(sqlx::AssertSqlSafe(format!("pragma {pragma}"))).execute(&mut *connection).await?;
                    }
                }
                Ok(())
            })
        });
        let pool = options.connect(url).await.context("The database of the simulated clouds cannot be opened")?;
        let mut migrator = sqlx::migrate!("./migrations");
        // The console has a list of its own in the same PostgreSQL database.
        migrator.dangerous_set_table_name("lookalike_migrations");
        migrator.run(&pool).await.context("The schema of the simulated clouds could not be brought up to date")?;
        Ok(Self { pool })
    }

    pub(super) async fn fact(&self, name: &str) -> anyhow::Result<Option<String>> {
        let row: Option<(String,)> = sqlx::query_as("select value from lookalike_fact where name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|(value,)| value))
    }

    pub(super) async fn note(&self, name: &str, value: &str) -> anyhow::Result<()> {
        let sql = "insert into lookalike_fact (name, value) values ($1, $2) \
                   on conflict (name) do update set value = excluded.value";
        sqlx::query(sql).bind(name).bind(value).execute(&self.pool).await?;
        Ok(())
    }

    /// The account of a side; made and written down if there is none.
    pub(super) async fn account<V: Vendor>(&self, side: Side) -> anyhow::Result<V::Account> {
        let name = format!("{}.account.{}", V::NAME, side.name());
        if let Some(text) = self.fact(&name).await? {
            return serde_json::from_str(&text).with_context(|| format!("The account {name} cannot be read"));
        }
        let account = V::account(side);
        self.note(&name, &serde_json::to_string(&account)?).await?;
        Ok(account)
    }

    pub(super) async fn things<T: DeserializeOwned>(&self, vendor: &str) -> anyhow::Result<BTreeMap<String, T>> {
        let rows: Vec<(String, String)> = sqlx::query_as("select id, body from lookalike_thing where vendor = $1")
            .bind(vendor)
            .fetch_all(&self.pool)
            .await?;
        let read = |(id, body): (String, String)| {
            let thing = serde_json::from_str(&body).with_context(|| format!("{vendor}'s {id} cannot be read"))?;
            Ok((id, thing))
        };
        rows.into_iter().map(read).collect()
    }

    pub(super) async fn faults(&self, vendor: &str) -> anyhow::Result<Vec<Standing>> {
        let sql = "select id, body, remaining from lookalike_fault where vendor = $1 order by id";
        let rows: Vec<(String, String, i64)> = sqlx::query_as(sql).bind(vendor).fetch_all(&self.pool).await?;
        let read = |(id, body, remaining): (String, String, i64)| {
            let fault = serde_json::from_str(&body).with_context(|| format!("The rule {id} cannot be read"))?;
            Ok(Standing { id, fault, remaining: u32::try_from(remaining).unwrap_or(0) })
        };
        rows.into_iter().map(read).collect()
    }

    pub(super) async fn add_fault(&self, vendor: &str, standing: &Standing) -> anyhow::Result<()> {
        sqlx::query("insert into lookalike_fault (vendor, id, body, remaining) values ($1, $2, $3, $4)")
            .bind(vendor)
            .bind(&standing.id)
            .bind(json(&standing.fault)?)
            .bind(i64::from(standing.remaining))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub(super) async fn remove_fault(&self, vendor: &str, id: &str) -> anyhow::Result<()> {
        sqlx::query("delete from lookalike_fault where vendor = $1 and id = $2")
            .bind(vendor)
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Newest first.
    pub(super) async fn uses(&self, vendor: &str) -> anyhow::Result<Vec<Use>> {
        let sql = "select id, fault, action, at from lookalike_use where vendor = $1 order by at desc, id limit 200";
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(sql).bind(vendor).fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|(id, fault, action, at)| Use { id, fault, action, at }).collect())
    }

    /// All of it or nothing.
    pub(super) async fn write(&self, vendor: &str, batch: Batch<'_>) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        for (id, body) in batch.things {
            match body {
                Some(body) => {
                    let sql = "insert into lookalike_thing (vendor, id, body) values ($1, $2, $3) \
                               on conflict (vendor, id) do update set body = excluded.body";
                    sqlx::query(sql).bind(vendor).bind(id).bind(body).execute(&mut *tx).await?;
                }
                None => {
                    let sql = "delete from lookalike_thing where vendor = $1 and id = $2";
                    sqlx::query(sql).bind(vendor).bind(id).execute(&mut *tx).await?;
                }
            }
        }
        if !batch.uses.is_empty() {
            for rule in batch.faults {
                let sql = "update lookalike_fault set remaining = $3 where vendor = $1 and id = $2";
                let remaining = i64::from(rule.remaining);
                sqlx::query(sql).bind(vendor).bind(&rule.id).bind(remaining).execute(&mut *tx).await?;
            }
            sqlx::query("delete from lookalike_fault where vendor = $1 and remaining = 0")
                .bind(vendor)
                .execute(&mut *tx)
                .await?;
        }
        for used in batch.uses {
            sqlx::query("insert into lookalike_use (vendor, id, fault, action, at) values ($1, $2, $3, $4, $5)")
                .bind(vendor)
                .bind(&used.id)
                .bind(&used.fault)
                .bind(&used.action)
                .bind(used.at)
                .execute(&mut *tx)
                .await?;
        }
        if !batch.uses.is_empty() {
            let sql = "delete from lookalike_use where vendor = $1 and at < (select at from lookalike_use \
                       where vendor = $1 order by at desc limit 1 offset $2)";
            sqlx::query(sql).bind(vendor).bind(USES_KEPT).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn json(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value)
}

/// Credentials lie in the file: it is made for its owner only.
fn private_file(url: &str) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;

    let path = url.trim_start_matches("sqlite:").trim_start_matches("//").split('?').next().unwrap_or_default();
    if path.is_empty() || path.contains(":memory:") {
        return Ok(());
    }
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("The file of the simulated clouds, {path}, cannot be made"))?;
    Ok(())
}
