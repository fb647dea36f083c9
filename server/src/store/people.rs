//! Organizations, projects, people and what they are members of; and the link by which the first of them comes in.

use app::domain::{OrganizationId, PersonId, ProjectId, ProjectName, Timestamp, person::Email};
use sqlx::{Row, any::AnyRow};

use super::{Result, Store, StoreError, Tx};

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    pub email: Email,
    pub is_super_admin: bool,
}

/// A person and what their password is compared with.
#[derive(Clone)]
pub struct Credentials {
    pub person: Person,
    pub password_hash: String,
    /// Neither invited nor deactivated.
    pub active: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub name: ProjectName,
    pub organization: OrganizationId,
    pub organization_name: String,
}

/// Where a role holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Organization(OrganizationId),
    Project(ProjectId),
}

/// The strongest role; the others come with the pages that give them.
pub const ADMIN: &str = "admin";

/// A role of a person, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub scope: Scope,
    pub role: String,
}

pub(in crate::store) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    row: &AnyRow,
    table: &'static str,
    column: &'static str,
) -> Result<T> {
    row.try_get::<String, _>(column)?.parse().map_err(|error| StoreError::corrupt(table, column, error))
}

pub(in crate::store) fn person(row: &AnyRow) -> Result<Person> {
    Ok(Person {
        id: parsed(row, "person", "id")?,
        email: parsed(row, "person", "email")?,
        is_super_admin: row.try_get::<i64, _>("is_super_admin")? != 0,
    })
}

fn project(row: &AnyRow) -> Result<Project> {
    Ok(Project {
        id: parsed(row, "project", "id")?,
        name: parsed(row, "project", "name")?,
        organization: parsed(row, "project", "organization_id")?,
        organization_name: row.try_get("organization_name")?,
    })
}

impl Store {
    /// Whether anybody can administer this installation: until then the set-up link is good, and never again after.
    pub async fn has_administrator(&self) -> Result<bool> {
        let row = sqlx::query("select count(*) as number from person where is_super_admin = 1")
            .fetch_one(self.pool())
            .await?;
        Ok(row.try_get::<i64, _>("number")? > 0)
    }

    pub async fn credentials(&self, email: &Email) -> Result<Option<Credentials>> {
        let row = sqlx::query("select id, email, is_super_admin, password_hash, state from person where email = $1")
            .bind(email.to_string())
            .fetch_optional(self.pool())
            .await?;
        row.map(|row| {
            let active = row.try_get::<String, _>("state")? == "active";
            Ok(Credentials { person: person(&row)?, password_hash: row.try_get("password_hash")?, active })
        })
        .transpose()
    }

    pub async fn memberships(&self, person: PersonId) -> Result<Vec<Membership>> {
        let rows =
            sqlx::query("select scope, scope_id, role from membership where person_id = $1 order by scope, scope_id")
                .bind(person.to_string())
                .fetch_all(self.pool())
                .await?;
        rows.iter()
            .map(|row| {
                let scope = match row.try_get::<String, _>("scope")?.as_str() {
                    "organization" => Scope::Organization(parsed(row, "membership", "scope_id")?),
                    "project" => Scope::Project(parsed(row, "membership", "scope_id")?),
                    other => return Err(StoreError::corrupt("membership", "scope", other)),
                };
                Ok(Membership { scope, role: row.try_get("role")? })
            })
            .collect()
    }

    /// Every project of the installation, by name.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        let rows = sqlx::query(
            "select p.id, p.name, p.organization_id, o.name as organization_name
             from project p join organization o on o.id = p.organization_id order by p.name",
        )
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(project).collect()
    }

    pub async fn project_named(&self, name: &ProjectName) -> Result<Option<Project>> {
        let row = sqlx::query(
            "select p.id, p.name, p.organization_id, o.name as organization_name
             from project p join organization o on o.id = p.organization_id where p.name = $1",
        )
        .bind(name.to_string())
        .fetch_optional(self.pool())
        .await?;
        row.as_ref().map(project).transpose()
    }

    /// Every organization, in the order in which they were made.
    pub async fn organizations(&self) -> Result<Vec<OrganizationId>> {
        let rows: Vec<(String,)> =
            sqlx::query_as("select id from organization order by created_at, id").fetch_all(self.pool()).await?;
        let read = |(id,): (String,)| id.parse().map_err(|_| StoreError::corrupt("organization", "id", id));
        rows.into_iter().map(read).collect()
    }

    /// Whether the token of this digest still opens the set-up page.
    pub async fn set_up_link_is_good(&self, digest: &str, now: Timestamp) -> Result<bool> {
        let row = sqlx::query(
            "select count(*) as number from set_up_link
             where digest = $1 and expires_at > $2 and not exists (select 1 from person where is_super_admin = 1)",
        )
        .bind(digest)
        .bind(now.0)
        .fetch_one(self.pool())
        .await?;
        Ok(row.try_get::<i64, _>("number")? > 0)
    }
}

impl Tx {
    pub async fn insert_organization(&mut self, id: OrganizationId, name: &str) -> Result<()> {
        let at = self.at().0;
        sqlx::query("insert into organization (id, name, created_at) values ($1, $2, $3)")
            .bind(id.to_string())
            .bind(name)
            .bind(at)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    pub async fn insert_project(
        &mut self,
        id: ProjectId,
        name: &ProjectName,
        organization: OrganizationId,
    ) -> Result<()> {
        let at = self.at().0;
        sqlx::query("insert into project (id, name, organization_id, created_at) values ($1, $2, $3, $4)")
            .bind(id.to_string())
            .bind(name.to_string())
            .bind(organization.to_string())
            .bind(at)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    pub async fn insert_person(&mut self, person: &Person, password_hash: &str) -> Result<()> {
        let at = self.at().0;
        sqlx::query(
            "insert into person (id, email, password_hash, is_super_admin, state, created_at) values ($1, $2, $3, $4, 'active', $5)",
        )
        .bind(person.id.to_string())
        .bind(person.email.to_string())
        .bind(password_hash)
        .bind(i64::from(person.is_super_admin))
        .bind(at)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    pub async fn set_password_hash(&mut self, person: PersonId, password_hash: &str) -> Result<()> {
        sqlx::query("update person set password_hash = $2 where id = $1")
            .bind(person.to_string())
            .bind(password_hash)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    pub async fn insert_membership(&mut self, person: PersonId, membership: &Membership) -> Result<()> {
        let at = self.at().0;
        let (scope, scope_id) = match membership.scope {
            Scope::Organization(id) => ("organization", id.to_string()),
            Scope::Project(id) => ("project", id.to_string()),
        };
        sqlx::query(
            "insert into membership (person_id, scope, scope_id, role, created_at) values ($1, $2, $3, $4, $5)",
        )
        .bind(person.to_string())
        .bind(scope)
        .bind(scope_id)
        .bind(&membership.role)
        .bind(at)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    pub async fn first_project(&mut self) -> Result<Option<Project>> {
        let row = sqlx::query(
            "select p.id, p.name, p.organization_id, o.name as organization_name
             from project p join organization o on o.id = p.organization_id order by p.created_at, p.name limit 1",
        )
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(project).transpose()
    }

    /// Makes the one set-up link; an earlier one ends.
    pub async fn put_set_up_link(&mut self, digest: &str, expires_at: Timestamp) -> Result<()> {
        sqlx::query(
            "insert into set_up_link (name, digest, expires_at) values ('first', $1, $2)
             on conflict (name) do update set digest = excluded.digest, expires_at = excluded.expires_at",
        )
        .bind(digest)
        .bind(expires_at.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Uses the set-up link up. `false` if there is none of this digest, if it is too old, or if an administrator exists already.
    pub async fn take_set_up_link(&mut self, digest: &str) -> Result<bool> {
        let at = self.at().0;
        let done = sqlx::query(
            "delete from set_up_link
             where digest = $1 and expires_at > $2 and not exists (select 1 from person where is_super_admin = 1)",
        )
        .bind(digest)
        .bind(at)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
