//! Peering connections of cloud VPCs: what was asked for, and what the reconciler has seen.

use std::collections::HashMap;

use app::domain::{
    Cidr, ConnectionId, ProjectId, Timestamp, VpcId,
    connection::{ConnectionState, NewConnection, Peer, PeerCidrs, StateInfo},
    network::ConnectionRange,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{Result, StoreError, Tx};

/// A connection with all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionRow {
    pub id: ConnectionId,
    pub vpc: VpcId,
    pub peer: Peer,
    pub ranges: PeerCidrs,
    pub deleting: bool,
    pub created_at: Timestamp,
    pub seen: ConnectionSeen,
}

/// What the reconciler keeps of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSeen {
    pub state: ConnectionState,
    pub since: Timestamp,
    pub was_active: bool,
    pub info: StateInfo,
    pub discovered: Option<Vec<Cidr>>,
    pub routed: Vec<Cidr>,
    pub opened: Vec<Cidr>,
    pub cloud_state: Option<String>,
    pub cloud_message: String,
    pub reference: Map<String, Value>,
    pub sent_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    pub attempt: u32,
    pub looked_at: Option<Timestamp>,
    pub next_look_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

impl ConnectionRow {
    /// As people see it: asked away is said at once.
    pub fn state(&self) -> ConnectionState {
        let asked_away = self.deleting && self.seen.state != ConnectionState::Deleted;
        if asked_away { ConnectionState::Deleting } else { self.seen.state }
    }

    /// What the rules know of it.
    pub fn range(self) -> ConnectionRange {
        const CLOUD_IDS: [&str; 2] = ["aws_vpc_peering_connection_id", "aws_tgw_vpc_attachment_id"];
        let state = self.state();
        let cloud_id = CLOUD_IDS.iter().find_map(|key| self.seen.info.extra.get(*key)).cloned();
        ConnectionRange {
            id: self.id,
            vpc: self.vpc,
            peer: self.peer,
            state,
            cloud_id,
            user: self.ranges.iter().collect(),
            discovered: self.seen.discovered.unwrap_or_default(),
        }
    }
}

impl ConnectionSeen {
    pub fn at_first(info: StateInfo, at: Timestamp) -> Self {
        Self {
            state: ConnectionState::Approved,
            since: at,
            was_active: false,
            info,
            discovered: None,
            routed: Vec::new(),
            opened: Vec::new(),
            cloud_state: None,
            cloud_message: String::new(),
            reference: Map::new(),
            sent_at: None,
            expires_at: None,
            failing_since: None,
            attempt: 0,
            looked_at: None,
            next_look_at: None,
            updated_at: at,
        }
    }
}

#[derive(sqlx::FromRow)]
struct Raw {
    #[sqlx(try_from = "String")]
    id: ConnectionId,
    #[sqlx(try_from = "String")]
    vpc_id: VpcId,
    peer: String,
    ranges: String,
    deleting_at: i64,
    created_at: i64,
    state: String,
    since: i64,
    was_active: i64,
    state_info: String,
    discovered: String,
    routed: String,
    opened: String,
    cloud_state: String,
    cloud_message: String,
    reference: String,
    sent_at: i64,
    expires_at: i64,
    failing_since: i64,
    attempt: i64,
    looked_at: i64,
    next_look_at: i64,
    updated_at: i64,
}

/// What JSON a column holds.
pub(in crate::store) fn read<T: DeserializeOwned>(table: &'static str, column: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(table, column, error))
}

pub(in crate::store) fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data serializes")
}

/// 0 stands for "never".
pub(in crate::store) fn moment(at: i64) -> Option<Timestamp> {
    (at != 0).then_some(Timestamp(at))
}

pub(in crate::store) fn column(at: Option<Timestamp>) -> i64 {
    at.map_or(0, |at| at.0)
}

impl TryFrom<Raw> for ConnectionRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self> {
        const TABLE: &str = "observed_connection";
        let state = ConnectionState::from_text(&raw.state);
        let seen = ConnectionSeen {
            state: state.ok_or_else(|| StoreError::corrupt(TABLE, "state", raw.state))?,
            since: Timestamp(raw.since),
            was_active: raw.was_active != 0,
            info: read(TABLE, "state_info", &raw.state_info)?,
            discovered: read(TABLE, "discovered", &raw.discovered)?,
            routed: read(TABLE, "routed", &raw.routed)?,
            opened: read(TABLE, "opened", &raw.opened)?,
            cloud_state: (!raw.cloud_state.is_empty()).then_some(raw.cloud_state),
            cloud_message: raw.cloud_message,
            reference: read(TABLE, "reference", &raw.reference)?,
            sent_at: moment(raw.sent_at),
            expires_at: moment(raw.expires_at),
            failing_since: moment(raw.failing_since),
            attempt: u32::try_from(raw.attempt).unwrap_or(u32::MAX),
            looked_at: moment(raw.looked_at),
            next_look_at: moment(raw.next_look_at),
            updated_at: Timestamp(raw.updated_at),
        };
        Ok(Self {
            id: raw.id,
            vpc: raw.vpc_id,
            peer: read("connection", "peer", &raw.peer)?,
            ranges: read("connection", "ranges", &raw.ranges)?,
            deleting: raw.deleting_at != 0,
            created_at: Timestamp(raw.created_at),
            seen,
        })
    }
}

macro_rules! select_connections {
    ($rest:literal) => {
        concat!(
            "select c.id, c.vpc_id, c.peer, c.ranges, c.deleting_at, c.created_at, o.state, o.since, o.was_active,
             o.state_info, o.discovered, o.routed, o.opened, o.cloud_state, o.cloud_message, o.reference, o.sent_at,
             o.expires_at, o.failing_since, o.attempt, o.looked_at, o.next_look_at, o.updated_at
             from connection c join observed_connection o on o.connection_id = c.id ",
            $rest
        )
    };
}

impl Tx {
    /// Those of a project that are not deleted, by VPC and in the order in which they were asked for.
    pub async fn connections(&mut self, project: ProjectId) -> Result<HashMap<VpcId, Vec<ConnectionRow>>> {
        let rows: Vec<Raw> = sqlx::query_as(select_connections!(
            "join vpc v on v.id = c.vpc_id where v.project_id = $1 and c.tombstone = '' order by c.created_at, c.id"
        ))
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        let mut by_vpc: HashMap<VpcId, Vec<ConnectionRow>> = HashMap::new();
        for raw in rows {
            let row = ConnectionRow::try_from(raw)?;
            by_vpc.entry(row.vpc).or_default().push(row);
        }
        Ok(by_vpc)
    }

    /// Those of one VPC that are not deleted, in the order in which they were asked for.
    pub async fn connections_of(&mut self, vpc: VpcId) -> Result<Vec<ConnectionRow>> {
        let rows: Vec<Raw> =
            sqlx::query_as(select_connections!("where c.vpc_id = $1 and c.tombstone = '' order by c.created_at, c.id"))
                .bind(vpc.to_string())
                .fetch_all(self.connection())
                .await?;
        rows.into_iter().map(ConnectionRow::try_from).collect()
    }

    pub async fn insert_connection(
        &mut self,
        vpc: VpcId,
        id: ConnectionId,
        new: &NewConnection,
        info: StateInfo,
    ) -> Result<()> {
        let at = self.at();
        sqlx::query(
            "insert into connection (id, vpc_id, peer, peer_key, ranges, deleting_at, tombstone, created_at)
             values ($1, $2, $3, $4, $5, 0, '', $6)",
        )
        .bind(id.to_string())
        .bind(vpc.to_string())
        .bind(written(&new.peer))
        .bind(written(&new.peer.key()))
        .bind(written(&new.cidrs))
        .bind(at.0)
        .execute(self.connection())
        .await?;
        sqlx::query(
            "insert into observed_connection (connection_id, state, since, was_active, state_info, discovered, routed,
             opened, cloud_state, cloud_message, reference, sent_at, expires_at, failing_since, attempt, looked_at,
             next_look_at, updated_at)
             values ($1, '', 0, 0, '', '', '', '', '', '', '', 0, 0, 0, 0, 0, 0, 0)",
        )
        .bind(id.to_string())
        .execute(self.connection())
        .await?;
        self.write_connection_seen(id, &ConnectionSeen::at_first(info, at)).await?;
        self.ask_vpc(vpc).await
    }

    /// The ranges that a person routes through it.
    pub async fn write_connection_ranges(&mut self, vpc: VpcId, id: ConnectionId, ranges: &PeerCidrs) -> Result<()> {
        sqlx::query("update connection set ranges = $2 where id = $1")
            .bind(id.to_string())
            .bind(written(ranges))
            .execute(self.connection())
            .await?;
        self.ask_vpc(vpc).await
    }

    /// From now on it is not wanted any more.
    pub async fn ask_connection_away(&mut self, vpc: VpcId, id: ConnectionId) -> Result<()> {
        let at = self.at().0;
        sqlx::query("update connection set deleting_at = $2 where id = $1 and deleting_at = 0")
            .bind(id.to_string())
            .bind(at)
            .execute(self.connection())
            .await?;
        self.ask_vpc(vpc).await
    }

    /// What was seen; a deleted one frees its peer at once and stays for the event log only.
    pub async fn write_connection_seen(&mut self, id: ConnectionId, seen: &ConnectionSeen) -> Result<()> {
        sqlx::query(
            "update observed_connection set state = $2, since = $3, was_active = $4, state_info = $5, discovered = $6,
             routed = $7, opened = $8, cloud_state = $9, cloud_message = $10, reference = $11, sent_at = $12,
             expires_at = $13, failing_since = $14, attempt = $15, looked_at = $16, next_look_at = $17, updated_at = $18
             where connection_id = $1",
        )
        .bind(id.to_string())
        .bind(seen.state.as_str())
        .bind(seen.since.0)
        .bind(i64::from(seen.was_active))
        .bind(written(&seen.info))
        .bind(written(&seen.discovered))
        .bind(written(&seen.routed))
        .bind(written(&seen.opened))
        .bind(seen.cloud_state.clone().unwrap_or_default())
        .bind(seen.cloud_message.clone())
        .bind(written(&seen.reference))
        .bind(column(seen.sent_at))
        .bind(column(seen.expires_at))
        .bind(column(seen.failing_since))
        .bind(i64::from(seen.attempt))
        .bind(column(seen.looked_at))
        .bind(column(seen.next_look_at))
        .bind(seen.updated_at.0)
        .execute(self.connection())
        .await?;
        if seen.state == ConnectionState::Deleted {
            sqlx::query("update connection set tombstone = id where id = $1")
                .bind(id.to_string())
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }
}
