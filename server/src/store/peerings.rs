//! The rows of VPC peerings: a peer on each of two gateways, with one pair id.

use app::domain::{PairId, ProjectId};

use super::{
    Result, Tx,
    peers::{PeerRow, Raw, select_peers},
};

impl Tx {
    /// Both rows of every VPC peering of a project, in the order in which they were made.
    pub async fn peering_rows(&mut self, project: ProjectId) -> Result<Vec<PeerRow>> {
        let rows: Vec<Raw> = sqlx::query_as(select_peers!(
            "join gateway g on g.id = p.gateway_id where g.project_id = $1 and p.kind = 'vpc_peering' order by p.created_at, p.id"
        ))
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        rows.into_iter().map(PeerRow::try_from).collect()
    }

    /// Both rows of one VPC peering.
    pub async fn pair_rows(&mut self, pair: PairId) -> Result<Vec<PeerRow>> {
        let rows: Vec<Raw> = sqlx::query_as(select_peers!("where p.pair_id = $1 order by p.name"))
            .bind(pair.to_string())
            .fetch_all(self.connection())
            .await?;
        rows.into_iter().map(PeerRow::try_from).collect()
    }
}
