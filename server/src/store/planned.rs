//! Networks that somebody owns or plans elsewhere.

use app::domain::{Cidr, ProjectId, VpcName, network::PlannedRange};

use super::{Result, Tx};

#[derive(sqlx::FromRow)]
struct Raw {
    #[sqlx(try_from = "String")]
    name: VpcName,
    #[sqlx(try_from = "String")]
    cidr: Cidr,
}

impl Tx {
    /// Ordered by address.
    pub async fn planned(&mut self, project: ProjectId) -> Result<Vec<PlannedRange>> {
        let rows: Vec<Raw> = sqlx::query_as("select name, cidr from planned_network where project_id = $1")
            .bind(project.to_string())
            .fetch_all(self.connection())
            .await?;
        let mut planned: Vec<_> = rows.into_iter().map(|Raw { name, cidr }| PlannedRange { name, cidr }).collect();
        planned.sort_by(|a, b| (a.cidr, &a.name).cmp(&(b.cidr, &b.name)));
        Ok(planned)
    }

    pub async fn insert_planned(&mut self, project: ProjectId, range: &PlannedRange) -> Result<()> {
        sqlx::query("insert into planned_network (project_id, name, cidr) values ($1, $2, $3)")
            .bind(project.to_string())
            .bind(range.name.to_string())
            .bind(range.cidr.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    pub async fn delete_planned(&mut self, project: ProjectId, name: &VpcName) -> Result<()> {
        sqlx::query("delete from planned_network where project_id = $1 and name = $2")
            .bind(project.to_string())
            .bind(name.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
