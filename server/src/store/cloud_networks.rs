//! What the reconciler has seen of the networks of cloud VPCs, and what it has to look at.

use app::domain::{
    AccountId, Cidr, CloudName, ProjectId, Timestamp, VpcId, VpcName,
    vpc::{BuildError, VpcState},
};
use serde_json::{Map, Value};

use super::{
    Result, Store, StoreError, Tx,
    connections::{column, moment, read, written},
};

/// A cloud VPC as the reconciler sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudVpcRow {
    pub id: VpcId,
    pub project: ProjectId,
    pub account: AccountId,
    pub name: VpcName,
    pub cloud: CloudName,
    pub cidr: Cidr,
    pub deleting: bool,
    pub asked_at: Timestamp,
    pub refresh_asked_at: Option<Timestamp>,
    pub seen: CloudNetworkSeen,
}

/// What the reconciler keeps of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudNetworkSeen {
    pub state: VpcState,
    /// What the cloud calls it, once it is there.
    pub cloud_id: Option<String>,
    pub reference: Map<String, Value>,
    pub error: Option<BuildError>,
    pub failing_since: Option<Timestamp>,
    pub attempt: u32,
    pub looked_at: Option<Timestamp>,
    pub next_look_at: Option<Timestamp>,
    pub refreshed_at: Option<Timestamp>,
}

impl CloudVpcRow {
    /// As people see it: asked away is said at once.
    pub fn state(&self) -> VpcState {
        if self.deleting && self.seen.state != VpcState::Deleted { VpcState::Deleting } else { self.seen.state }
    }

    /// Whether a refresh was asked for and is not done.
    pub fn refresh_pending(&self) -> bool {
        self.refresh_asked_at > self.seen.refreshed_at
    }

    /// When to look at it: at once if something was asked for since the last look.
    pub fn due_at(&self) -> Timestamp {
        match (self.seen.looked_at, self.seen.next_look_at) {
            // A refresh is asked for, too: if its look failed, the next one has its time.
            (Some(looked), Some(next)) if self.asked_at < looked => next,
            _ => Timestamp(0),
        }
    }
}

#[derive(sqlx::FromRow)]
struct Raw {
    #[sqlx(try_from = "String")]
    id: VpcId,
    #[sqlx(try_from = "String")]
    project_id: ProjectId,
    #[sqlx(try_from = "String")]
    account_id: AccountId,
    #[sqlx(try_from = "String")]
    name: VpcName,
    #[sqlx(try_from = "String")]
    cloud: CloudName,
    #[sqlx(try_from = "String")]
    cidr: Cidr,
    deleting_at: i64,
    asked_at: i64,
    refresh_asked_at: i64,
    state: String,
    cloud_id: String,
    reference: String,
    error: String,
    retry_at: i64,
    failing_since: i64,
    attempt: i64,
    looked_at: i64,
    next_look_at: i64,
    refreshed_at: i64,
}

impl TryFrom<Raw> for CloudVpcRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self> {
        const TABLE: &str = "cloud_network";
        let state = VpcState::from_text(&raw.state);
        let error = BuildError { message: raw.error, retry_at: Timestamp(raw.retry_at) };
        let seen = CloudNetworkSeen {
            state: state.ok_or_else(|| StoreError::corrupt(TABLE, "state", raw.state))?,
            cloud_id: (!raw.cloud_id.is_empty()).then_some(raw.cloud_id),
            reference: read(TABLE, "reference", &raw.reference)?,
            error: (!error.message.is_empty()).then_some(error),
            failing_since: moment(raw.failing_since),
            attempt: u32::try_from(raw.attempt).unwrap_or(u32::MAX),
            looked_at: moment(raw.looked_at),
            next_look_at: moment(raw.next_look_at),
            refreshed_at: moment(raw.refreshed_at),
        };
        Ok(Self {
            id: raw.id,
            project: raw.project_id,
            account: raw.account_id,
            name: raw.name,
            cloud: raw.cloud,
            cidr: raw.cidr,
            deleting: raw.deleting_at != 0,
            asked_at: Timestamp(raw.asked_at),
            refresh_asked_at: moment(raw.refresh_asked_at),
            seen,
        })
    }
}

macro_rules! select_cloud_vpcs {
    ($rest:literal) => {
        concat!(
            "select v.id, v.project_id, v.account_id, v.name, v.cloud, v.cidr, v.deleting_at, v.asked_at,
             v.refresh_asked_at, n.state, n.cloud_id, n.reference, n.error, n.retry_at, n.failing_since, n.attempt,
             n.looked_at, n.next_look_at, n.refreshed_at
             from vpc v join cloud_network n on n.vpc_id = v.id where v.tombstone = '' ",
            $rest
        )
    };
}

impl Store {
    /// Every cloud VPC of every project.
    pub async fn every_cloud_vpc(&self) -> Result<Vec<CloudVpcRow>> {
        let rows: Vec<Raw> = sqlx::query_as(select_cloud_vpcs!("")).fetch_all(self.pool()).await?;
        rows.into_iter().map(CloudVpcRow::try_from).collect()
    }
}

impl Tx {
    /// Those of a project.
    pub async fn cloud_vpcs(&mut self, project: ProjectId) -> Result<Vec<CloudVpcRow>> {
        let rows: Vec<Raw> = sqlx::query_as(select_cloud_vpcs!("and v.project_id = $1"))
            .bind(project.to_string())
            .fetch_all(self.connection())
            .await?;
        rows.into_iter().map(CloudVpcRow::try_from).collect()
    }

    pub async fn cloud_vpc(&mut self, vpc: VpcId) -> Result<Option<CloudVpcRow>> {
        let raw: Option<Raw> = sqlx::query_as(select_cloud_vpcs!("and v.id = $1"))
            .bind(vpc.to_string())
            .fetch_optional(self.connection())
            .await?;
        raw.map(CloudVpcRow::try_from).transpose()
    }

    /// Beside the row of the VPC itself.
    pub async fn insert_cloud_network(&mut self, vpc: VpcId, account: AccountId) -> Result<()> {
        sqlx::query("update vpc set account_id = $2 where id = $1")
            .bind(vpc.to_string())
            .bind(account.to_string())
            .execute(self.connection())
            .await?;
        sqlx::query(
            "insert into cloud_network (vpc_id, state, cloud_id, reference, error, retry_at, failing_since, attempt,
             looked_at, next_look_at, refreshed_at) values ($1, $2, '', '{}', '', 0, 0, 0, 0, 0, 0)",
        )
        .bind(vpc.to_string())
        .bind(VpcState::Approved.as_str())
        .execute(self.connection())
        .await?;
        self.ask_vpc(vpc).await
    }

    /// Something about it was asked for: the reconciler looks at once.
    pub(in crate::store) async fn ask_vpc(&mut self, vpc: VpcId) -> Result<()> {
        let at = self.at().0;
        sqlx::query("update vpc set asked_at = $2 where id = $1")
            .bind(vpc.to_string())
            .bind(at)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// The reconciler looks at once.
    pub async fn ask_now(&mut self, vpc: VpcId) -> Result<()> {
        self.ask_vpc(vpc).await
    }

    pub async fn ask_refresh(&mut self, vpc: VpcId) -> Result<()> {
        let at = self.at().0;
        sqlx::query("update vpc set refresh_asked_at = $2 where id = $1")
            .bind(vpc.to_string())
            .bind(at)
            .execute(self.connection())
            .await?;
        self.ask_vpc(vpc).await
    }

    /// From now on neither it nor any of its connections is wanted.
    pub async fn ask_cloud_vpc_away(&mut self, vpc: VpcId) -> Result<()> {
        let at = self.at().0;
        for statement in [
            "update vpc set deleting_at = $2 where id = $1 and deleting_at = 0",
            "update connection set deleting_at = $2 where vpc_id = $1 and deleting_at = 0 and tombstone = ''",
        ] {
            sqlx::query(statement).bind(vpc.to_string()).bind(at).execute(self.connection()).await?;
        }
        self.ask_vpc(vpc).await
    }

    /// What was seen. A deleted network frees the VPC's name and range.
    pub async fn write_cloud_network_seen(&mut self, vpc: VpcId, seen: &CloudNetworkSeen) -> Result<()> {
        let (error, retry_at) = seen.error.clone().map_or_else(Default::default, |e| (e.message, e.retry_at.0));
        sqlx::query(
            "update cloud_network set state = $2, cloud_id = $3, reference = $4, error = $5, retry_at = $6,
             failing_since = $7, attempt = $8, looked_at = $9, next_look_at = $10, refreshed_at = $11 where vpc_id = $1",
        )
        .bind(vpc.to_string())
        .bind(seen.state.as_str())
        .bind(seen.cloud_id.clone().unwrap_or_default())
        .bind(written(&seen.reference))
        .bind(error)
        .bind(retry_at)
        .bind(column(seen.failing_since))
        .bind(i64::from(seen.attempt))
        .bind(column(seen.looked_at))
        .bind(column(seen.next_look_at))
        .bind(column(seen.refreshed_at))
        .execute(self.connection())
        .await?;
        if seen.state == VpcState::Deleted {
            self.delete_vpc(vpc).await?;
        }
        Ok(())
    }
}
