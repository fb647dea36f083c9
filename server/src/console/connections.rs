//! Peering connections of cloud VPCs: asked for, changed and asked away here; made and removed by the reconciler.

use std::collections::BTreeMap;

use app::{
    api::ApiError,
    backend::Connections,
    domain::{
        ConnectionId, ProjectName, VpcId,
        change::{ChangeKind, Facts, Topic},
        connection::{Connection, ConnectionForm, NewConnection, Peer, PeerCidrs, StateInfo},
        permission::Permission,
        vpc::VpcState,
    },
};
use async_trait::async_trait;
use uuid::Uuid;

use super::{Console, failed};
use crate::{
    clock,
    store::{Result as StoreResult, StoreError, Tx, connections::ConnectionRow, transact},
};

#[async_trait]
impl Connections for Console {
    async fn create_connection(
        &self,
        project: &ProjectName,
        vpc: VpcId,
        form: ConnectionForm,
    ) -> Result<ConnectionId, ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        let id = ConnectionId::from_uuid(Uuid::now_v7());
        transact!(self.store(), clock::now(), |tx| {
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            let here = network.vpc(vpc).ok_or(StoreError::NotFound)?;
            network.admit_connections_of(vpc)?;
            let new = NewConnection::parse(&here.cloud, &form)?;
            network.admit_connection(vpc, &new)?;
            let warnings = network.new_connection_warnings(vpc, &new);
            tx.insert_connection(vpc, id, &new, StateInfo::at_first(new.peer.kind(), warnings)).await?;
            let mut note =
                self.note(ChangeKind::VpcPeeringConnectionCreate, Topic::Connections, project.id, id, new.peer.vpc());
            note.after = about(&new.peer, &new.cidrs);
            note.after.insert("vpc".to_owned(), here.name.to_string());
            tx.note(note).await?;
            wake_all(tx);
            Ok(id)
        })
        .map_err(failed)
    }

    async fn set_peer_cidrs(
        &self,
        project: &ProjectName,
        vpc: VpcId,
        connection: ConnectionId,
        cidrs: PeerCidrs,
    ) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            let row = row_of(tx, &network, vpc, connection).await?;
            if row.ranges == cidrs {
                return Ok(());
            }
            network.admit_peer_cidrs(connection, &cidrs)?;
            tx.write_connection_ranges(vpc, connection, &cidrs).await?;
            let mut note = self.note(
                ChangeKind::UserPeerNetworkCidrUpdate,
                Topic::Connections,
                project.id,
                connection,
                row.peer.vpc(),
            );
            note.before = ranges(&row.ranges);
            note.after = ranges(&cidrs);
            tx.note(note).await?;
            wake_all(tx);
            Ok(())
        })
        .map_err(failed)
    }

    async fn delete_connection(
        &self,
        project: &ProjectName,
        vpc: VpcId,
        connection: ConnectionId,
    ) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            let row = row_of(tx, &network, vpc, connection).await?;
            if row.deleting {
                return Ok(());
            }
            tx.ask_connection_away(vpc, connection).await?;
            let mut note = self.note(
                ChangeKind::VpcPeeringConnectionDelete,
                Topic::Connections,
                project.id,
                connection,
                row.peer.vpc(),
            );
            note.before = about(&row.peer, &row.ranges);
            note.before.insert("state".to_owned(), row.seen.state.as_str().to_owned());
            tx.note(note).await?;
            wake_all(tx);
            Ok(())
        })
        .map_err(failed)
    }

    async fn refresh_connections(&self, project: &ProjectName, vpc: VpcId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            let here = network.admit_connections_of(vpc)?;
            tx.ask_refresh(vpc).await?;
            let note = self.note(ChangeKind::VpcPeeringRefresh, Topic::Vpcs, project.id, vpc, &here.name);
            tx.note(note).await?;
            wake_all(tx);
            Ok(())
        })
        .map_err(failed)
    }

    async fn retry_vpc(&self, project: &ProjectName, vpc: VpcId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            let here = network.vpc(vpc).ok_or(StoreError::NotFound)?;
            if !here.cloud.provider().is_cloud() || here.state == VpcState::Deleted {
                return Err(StoreError::NotFound);
            }
            // No change of what is wanted: the reconciler is only told to look now.
            tx.ask_now(vpc).await?;
            wake_all(tx);
            Ok(())
        })
        .map_err(failed)
    }
}

impl Console {
    /// As pages show it.
    pub(super) fn shown_connection(row: ConnectionRow, simulated: bool) -> Connection {
        let state = row.state();
        let ConnectionRow { id, vpc, peer, ranges, created_at, seen, .. } = row;
        Connection {
            id,
            vpc,
            peer,
            state,
            state_info: seen.info,
            user_peer_network_cidrs: ranges,
            discovered_peer_cidrs: seen.discovered,
            routed_cidrs: seen.routed,
            opened_cidrs: seen.opened,
            cloud_state: seen.cloud_state,
            cloud_message: seen.cloud_message,
            created_at,
            updated_at: seen.updated_at,
            last_look_at: seen.looked_at,
            next_look_at: seen.next_look_at,
            expires_at: seen.expires_at,
            simulated,
        }
    }
}

async fn row_of(
    tx: &mut Tx,
    network: &app::domain::Network,
    vpc: VpcId,
    connection: ConnectionId,
) -> StoreResult<ConnectionRow> {
    // The network is the project's: what is not in it is not this person's to know of.
    network.vpc(vpc).ok_or(StoreError::NotFound)?;
    let rows = tx.connections_of(vpc).await?;
    rows.into_iter().find(|row| row.id == connection).ok_or(StoreError::NotFound)
}

/// A connection shows with its VPC, and takes ranges.
fn wake_all(tx: &mut Tx) {
    for topic in [Topic::Connections, Topic::Vpcs, Topic::Plan] {
        tx.touch(topic);
    }
}

fn about(peer: &Peer, cidrs: &PeerCidrs) -> Facts {
    let form = peer.form();
    let mut facts: Facts = [
        ("peer_cloud_account", form.peer_cloud_account),
        ("peer_vpc", form.peer_vpc),
        ("peer_region", form.peer_region),
        ("peer_resource_group", form.peer_resource_group),
        ("peer_azure_app_id", form.peer_azure_app_id),
        ("peer_azure_tenant_id", form.peer_azure_tenant_id),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    facts.extend(ranges(cidrs).into_iter().filter(|(_, value)| !value.is_empty()));
    facts
}

fn ranges(cidrs: &PeerCidrs) -> Facts {
    let text = cidrs.iter().map(|cidr| cidr.to_string()).collect::<Vec<_>>().join(", ");
    BTreeMap::from([("user_peer_network_cidrs".to_owned(), text)])
}
