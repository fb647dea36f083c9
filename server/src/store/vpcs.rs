//! VPC rows. A deleted VPC stays, hidden, while a gateway of it is still being removed from its host.

use app::domain::{
    Cidr, CloudName, ProjectId, Timestamp, VpcId, VpcName,
    vpc::{NewVpc, VpcState},
};

use super::{Result, StoreError, Tx};

/// What is stored of a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcRow {
    pub id: VpcId,
    pub name: VpcName,
    pub cloud: CloudName,
    pub cidr: Cidr,
    pub state: VpcState,
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Raw {
    #[sqlx(try_from = "String")]
    id: VpcId,
    #[sqlx(try_from = "String")]
    name: VpcName,
    #[sqlx(try_from = "String")]
    cloud: CloudName,
    #[sqlx(try_from = "String")]
    cidr: Cidr,
    state: String,
    created_at: i64,
}

impl TryFrom<Raw> for VpcRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self> {
        let Raw { id, name, cloud, cidr, state, created_at } = raw;
        let state = VpcState::from_text(&state).ok_or_else(|| StoreError::corrupt("vpc", "state", state))?;
        Ok(Self { id, name, cloud, cidr, state, created_at: Timestamp(created_at) })
    }
}

impl Tx {
    /// The live ones, ordered by address.
    pub async fn vpcs(&mut self, project: ProjectId) -> Result<Vec<VpcRow>> {
        let rows: Vec<Raw> = sqlx::query_as(
            "select id, name, cloud, cidr, state, created_at from vpc where project_id = $1 and tombstone = ''",
        )
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        let mut vpcs = rows.into_iter().map(VpcRow::try_from).collect::<Result<Vec<_>>>()?;
        vpcs.sort_by_key(|vpc| (vpc.cidr, vpc.id));
        Ok(vpcs)
    }

    pub async fn insert_vpc(&mut self, project: ProjectId, id: VpcId, new: &NewVpc) -> Result<()> {
        let at = self.at().0;
        sqlx::query(
            "insert into vpc (id, project_id, name, cloud, cidr, state, tombstone, created_at)
             values ($1, $2, $3, $4, $5, $6, '', $7)",
        )
        .bind(id.to_string())
        .bind(project.to_string())
        .bind(new.name.to_string())
        .bind(new.cloud.to_string())
        .bind(new.cidr.to_string())
        // A local VPC is somebody's existing network: declaring it makes it (domain 2.1).
        .bind(VpcState::at_first(new.cloud.provider()).as_str())
        .bind(at)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Frees its name and range at once.
    pub async fn delete_vpc(&mut self, id: VpcId) -> Result<()> {
        sqlx::query("update vpc set tombstone = id, state = $2 where id = $1 and tombstone = ''")
            .bind(id.to_string())
            .bind(VpcState::Deleted.as_str())
            .execute(self.connection())
            .await?;
        self.forget_vpcs().await
    }

    /// Removes deleted VPCs that no gateway refers to any more.
    pub(in crate::store) async fn forget_vpcs(&mut self) -> Result<()> {
        sqlx::query("delete from vpc where tombstone <> '' and not exists (select 1 from gateway where gateway.vpc_id = vpc.id)")
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
