//! Every text in the database that is sealed with the master key, and what it is sealed for.
//!
//! For the key's rotation, which must forget none: a test holds the list against the schema. Agents' credentials are
//! sealed too, but lie with the agents; the database knows their digests, so a new master key ends none of them.

use sqlx::Row;

use super::{Result, Store, Tx, accounts, certificate_authority, peers, people::parsed, transact};

/// A column of sealed texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    PresharedKey,
    AccountSecret,
    AuthorityKey,
}

/// One sealed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub column: Column,
    id: String,
    /// It opens for nothing else.
    pub purpose: String,
    pub text: String,
}

impl Column {
    pub const ALL: [Self; 3] = [Self::PresharedKey, Self::AccountSecret, Self::AuthorityKey];

    /// Table and column, as the schema calls them.
    pub fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::PresharedKey => ("peer", "sealed_preshared_key"),
            Self::AccountSecret => ("cloud_account", "sealed_secret"),
            Self::AuthorityKey => ("project_ca", "sealed_key"),
        }
    }

    fn select(self) -> &'static str {
        match self {
            Self::PresharedKey => {
                "select id, sealed_preshared_key as text from peer where sealed_preshared_key <> '' order by id"
            }
            Self::AccountSecret => {
                "select id, sealed_secret as text from cloud_account where sealed_secret <> '' order by id"
            }
            Self::AuthorityKey => "select project_id as id, sealed_key as text from project_ca order by project_id",
        }
    }

    fn update(self) -> &'static str {
        match self {
            Self::PresharedKey => "update peer set sealed_preshared_key = $2 where id = $1",
            Self::AccountSecret => "update cloud_account set sealed_secret = $2 where id = $1",
            Self::AuthorityKey => "update project_ca set sealed_key = $2 where project_id = $1",
        }
    }
}

impl Store {
    /// All of them at one moment.
    pub async fn sealed(&self) -> Result<Vec<Sealed>> {
        self.snapshot().await?.sealed().await
    }

    /// The same once nobody writes any more: PostgreSQL may still be committing for a process that was killed. Whoever reads
    /// before that would take the key away that everything is about to be sealed with.
    pub async fn sealed_at_rest(&self) -> Result<Vec<Sealed>> {
        transact!(self, crate::clock::now(), |tx| {
            // Every write that is noted holds this row from before its commit.
            sqlx::query("update counter set value = value where name = 'change'").execute(tx.connection()).await?;
            tx.sealed().await
        })
    }
}

impl Tx {
    pub async fn sealed(&mut self) -> Result<Vec<Sealed>> {
        let mut all = Vec::new();
        for column in Column::ALL {
            for row in sqlx::query(column.select()).fetch_all(self.connection()).await? {
                let (table, _) = column.place();
                let purpose = match column {
                    Column::PresharedKey => peers::seal_purpose(parsed(&row, table, "id")?),
                    Column::AccountSecret => accounts::seal_purpose(parsed(&row, table, "id")?),
                    Column::AuthorityKey => certificate_authority::seal_purpose(parsed(&row, table, "id")?),
                };
                all.push(Sealed { column, id: row.try_get("id")?, purpose, text: row.try_get("text")? });
            }
        }
        Ok(all)
    }

    /// Puts another sealed text in the place of this one.
    pub async fn reseal(&mut self, sealed: &Sealed, text: String) -> Result<()> {
        sqlx::query(sealed.column.update()).bind(sealed.id.clone()).bind(text).execute(self.connection()).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_sealed_column_of_the_schema_is_forgotten() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
        let mut found = BTreeSet::new();
        for entry in std::fs::read_dir(folder).expect("the migrations") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a migration");
            let mut table = String::new();
            for line in text.lines().map(str::trim) {
                let mut words = line.split_whitespace();
                if let (Some("create" | "alter"), Some("table"), Some(name)) =
                    (words.next(), words.next(), words.next())
                {
                    name.clone_into(&mut table);
                }
                let column = line.strip_prefix("sealed_").and_then(|_| line.split_whitespace().next());
                let added = line.split_once("add column sealed_").and_then(|(_, rest)| rest.split_whitespace().next());
                found.extend(column.map(|column| (table.clone(), column.to_owned())));
                found.extend(added.map(|column| (table.clone(), format!("sealed_{column}"))));
            }
        }
        let listed = Column::ALL.map(Column::place).map(|(table, column)| (table.to_owned(), column.to_owned()));
        assert_eq!(found, BTreeSet::from(listed));
    }
}
