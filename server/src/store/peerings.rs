//! The rows of VPC peerings: a peer on each of two gateways, with one pair id.

use std::collections::HashMap;

use app::domain::{GatewayId, PairId, PeerId, ProjectId, Timestamp};

use super::{
    Note, Result, StoreError, Tx,
    peers::{PeerRow, Raw, select_peers},
};

impl Tx {
    /// Notes a deed about two gateways: one entry, which is found by the id of either.
    pub async fn note_pair(&mut self, note: Note<'_>, gateways: [GatewayId; 2]) -> Result<()> {
        let seq = self.note(note).await?;
        let [one, other] = gateways;
        sqlx::query("update change set also = $2 where seq = $1")
            .bind(i64::try_from(seq).unwrap_or(i64::MAX))
            .bind(format!(" {one} {other} "))
            .execute(self.connection())
            .await?;
        Ok(())
    }

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

    /// When each row of a project's VPC peerings saw its last handshake; those that saw none are left out.
    pub async fn peering_handshakes(&mut self, project: ProjectId) -> Result<HashMap<PeerId, Timestamp>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "select o.peer_id, o.handshake from gateway g join peer p on p.gateway_id = g.id and p.kind = 'vpc_peering'
             join observed_peer o on o.peer_id = p.id where g.project_id = $1 and o.handshake <> 0",
        )
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        let parsed = |(id, at): (String, i64)| {
            Ok((id.parse().map_err(|error| StoreError::corrupt("observed_peer", "peer_id", error))?, Timestamp(at)))
        };
        rows.into_iter().map(parsed).collect()
    }
}
