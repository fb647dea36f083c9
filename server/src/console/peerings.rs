//! VPC peerings: two rows, one on each gateway, made and removed together (domain 5.3 and 5.9).

use app::{
    api::ApiError,
    backend::Peerings,
    domain::{
        GatewayId, PairId, PeerId, PresharedKey, ProjectId, ProjectName,
        change::{ChangeKind, Facts, Topic},
        peer::{DEFAULT_KEEPALIVE, PeerKind},
        peering::{Peering, PlannedSide},
        permission::Permission,
    },
};
use async_trait::async_trait;
use uuid::Uuid;

use super::{Console, failed, gateways::live, list, picture::Picture};
use crate::{
    clock, seal,
    store::{Result as StoreResult, StoreError, Tx, peers::PeerRow, transact},
};

#[async_trait]
impl Peerings for Console {
    async fn peerings(&self, project: &ProjectName) -> Result<Vec<Peering>, ApiError> {
        let project = self.enter(project, Permission::NetworkingRead).await?;
        let vantage = self.vantage(clock::now());
        let mut tx = self.store().snapshot().await.map_err(failed)?;
        Ok(Picture::read(&mut tx, project.id, &vantage).await.map_err(failed)?.peerings())
    }

    async fn create_peering(
        &self,
        project: &ProjectName,
        gateway: GatewayId,
        remote: GatewayId,
    ) -> Result<PairId, ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        let pair = PairId::from_uuid(Uuid::now_v7());
        transact!(self.store(), clock::now(), |tx| {
            live(tx, project.id, gateway).await?;
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            let sides = network.plan_peering(gateway, remote)?;
            self.join(tx, project.id, pair, &sides).await?;
            Ok(pair)
        })
        .map_err(failed)
    }
}

impl Console {
    /// Domain 5.3: a row on each gateway, with the other's key, one preshared key and one pair id.
    async fn join(&self, tx: &mut Tx, project: ProjectId, pair: PairId, sides: &[PlannedSide; 2]) -> StoreResult<()> {
        let hosts = tx.hosts(project).await?;
        let preshared = PresharedKey::from_bytes(seal::random());
        let [a, b] = sides;
        let mut after = Facts::new();
        for (here, there) in [(a, b), (b, a)] {
            let key = hosts.get(&there.gateway).and_then(|host| host.public_key);
            let public_key = key.ok_or_else(|| {
                StoreError::corrupt("host", "public_key", format!("active gateway {} has none", there.gateway_name))
            })?;
            let id = PeerId::from_uuid(Uuid::now_v7());
            let row = PeerRow {
                id,
                gateway: here.gateway,
                kind: PeerKind::VpcPeering,
                name: here.peer.clone(),
                public_key,
                sealed_preshared_key: Some(PeerRow::seal(&self.shared.sealer, id, preshared)),
                tunnel_address: here.tunnel_address,
                endpoint: Some(here.endpoint),
                keepalive: DEFAULT_KEEPALIVE,
                pair: Some(pair),
                remote: Some((there.gateway, there.gateway_name.clone())),
                enabled: true,
                generation: here.generation,
                downloaded: None,
                created_at: tx.at(),
                networks: Vec::new(),
            };
            tx.insert_peer(&row).await?;
            let ranges = list(&here.allowed_ips);
            after.insert(here.gateway_name.to_string(), format!("{}, which reaches {ranges}", about(&row)));
        }
        let mut note = self.note(ChangeKind::VpnPeeringCreate, Topic::Peers, project, pair, named(&after));
        note.after = after;
        tx.note_pair(note, [a.gateway, b.gateway]).await?;
        wake_all(tx);
        Ok(())
    }

    /// Both rows of a VPC peering go; a missing mirror is no mistake (domain 5.9).
    pub(super) async fn part(&self, tx: &mut Tx, project: ProjectId, pair: PairId) -> StoreResult<()> {
        let rows = tx.pair_rows(pair).await?;
        let mut before = Facts::new();
        for row in &rows {
            tx.delete_peer(row.id).await?;
            let gateway = tx.gateway(project, row.gateway).await?;
            before.insert(gateway.name.to_string(), about(row));
        }
        if let [one, .., other] | [one @ other] = &rows[..] {
            let mut note = self.note(ChangeKind::VpnPeeringDelete, Topic::Peers, project, pair, named(&before));
            note.before = before;
            tx.note_pair(note, [one.gateway, other.gateway]).await?;
        }
        wake_all(tx);
        Ok(())
    }
}

/// The gateways of a deed, which its facts are named by.
fn named(facts: &Facts) -> String {
    facts.keys().map(String::as_str).collect::<Vec<_>>().join(" and ")
}

/// A VPC peering shows on the pages of VPCs, gateways and peers, and takes ranges.
pub(super) fn wake_all(tx: &mut Tx) {
    for topic in [Topic::Vpcs, Topic::Gateways, Topic::Peers, Topic::Plan] {
        tx.touch(topic);
    }
}

fn about(row: &PeerRow) -> String {
    format!("{} at {}", row.name, row.tunnel_address)
}
