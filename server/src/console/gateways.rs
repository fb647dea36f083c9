//! VPN gateways: asked for, changed, joined by a host, and taken away.
//!
//! A gateway whose host holds a credential is deleted in two steps, so that the host can be told
//! to clean up; one without is gone at once, since nobody could ever report for it.

use std::net::Ipv4Addr;

use app::{
    api::{ApiError, enrolment::Enrolment},
    backend::Gateways,
    domain::{
        GatewayId, ProjectId, ProjectName, Refusal,
        change::{ChangeKind, Facts, Topic},
        gateway::{Gateway, GatewaySettings, NewGateway},
        host::TOKEN_SECONDS,
        permission::Permission,
    },
};
use async_trait::async_trait;
use uuid::Uuid;

use super::{Console, door::Token, facts, failed, list, peerings::wake_all, picture::Picture};
use crate::{
    clock,
    store::{Result as StoreResult, Tx, gateways::GatewayRow, network::public_address, peers::Count, transact},
};

#[async_trait]
impl Gateways for Console {
    async fn gateways(&self, project: &ProjectName) -> Result<Vec<Gateway>, ApiError> {
        let project = self.enter(project, Permission::NetworkingRead).await?;
        let vantage = self.vantage(clock::now());
        let read = async {
            let mut tx = self.store().snapshot().await?;
            Ok((Picture::read(&mut tx, project.id, &vantage).await?, tx.peer_counts(project.id).await?))
        };
        let (picture, counts) = read.await.map_err(failed)?;
        let mut samples = self.store().gateway_samples(project.id, vantage.now).await.map_err(failed)?;
        let shown = |row: &GatewayRow| {
            let count = counts.get(&row.id).copied().unwrap_or_default();
            self.shown_gateway(row, &picture, count, samples.remove(&row.id).unwrap_or_default())
        };
        Ok(picture.gateways.iter().map(shown).collect())
    }

    async fn gateway(&self, project: &ProjectName, id: GatewayId) -> Result<Gateway, ApiError> {
        self.gateways(project).await?.into_iter().find(|gateway| gateway.id == id).ok_or(ApiError::NotFound)
    }

    async fn create_gateway(&self, project: &ProjectName, new: NewGateway) -> Result<GatewayId, ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        let (id, owner) = (GatewayId::from_uuid(Uuid::now_v7()), self.actor.person);
        transact!(self.store(), clock::now(), |tx| {
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            network.admit_gateway(&new, owner)?;
            tx.insert_gateway(project.id, id, owner, &new).await?;
            let mut note = self.note(ChangeKind::VpnGatewayCreate, Topic::Gateways, project.id, id, &new.name);
            note.after = about(&new.settings);
            let vpc = network.vpc(new.vpc).map(|vpc| vpc.name.to_string()).unwrap_or_default();
            note.after.extend(facts([("vpc", vpc), ("tunnel", new.tunnel.to_string())]));
            tx.note(note).await?;
            wake_all(tx);
            Ok(id)
        })
        .map_err(failed)
    }

    async fn update_gateway(
        &self,
        project: &ProjectName,
        id: GatewayId,
        settings: GatewaySettings,
    ) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, project.id, id).await?;
            if row.settings == settings {
                return Ok(());
            }
            let host = tx.hosts(project.id).await?.remove(&id);
            let address = public_address(&settings, host.as_ref());
            tx.network(project.id, &self.vantage(tx.at())).await?.admit_public_address(id, address)?;
            tx.update_gateway(id, &settings).await?;
            let mut note = self.note(ChangeKind::VpnGatewayUpdate, Topic::Gateways, project.id, id, &row.name);
            (note.before, note.after) = (about(&row.settings), about(&settings));
            tx.note(note).await?;
            wake_all(tx);
            Ok(())
        })
        .map_err(failed)
    }

    async fn delete_gateway(&self, project: &ProjectName, id: GatewayId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, project.id, id).await?;
            self.part_all(tx, &row).await?;
            tx.delete_peers_with(id).await?;
            let enrolled = tx.hosts(project.id).await?.get(&id).is_some_and(|host| host.enrolled);
            if enrolled {
                tx.mark_gateway_deleting(id).await?;
            } else {
                // Nobody holds a credential for it, so no host will ever say that it has cleaned up. One whose credential was
                // revoked, or that this copy of the database never knew, is told, if it asks, that the gateway is gone.
                tx.bury_credentials(id).await?;
                tx.remove_gateway(id).await?;
            }
            let mut note = self.note(ChangeKind::VpnGatewayDelete, Topic::Gateways, project.id, id, &row.name);
            note.before = facts([("vpc", row.vpc_name.to_string()), ("tunnel", row.tunnel.to_string())]);
            tx.note(note).await?;
            wake_all(tx);
            Ok(())
        })
        .map_err(failed)
    }

    async fn repair_gateway(&self, project: &ProjectName, id: GatewayId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, project.id, id).await?;
            tx.ask_repair(id).await?;
            tx.note(self.note(ChangeKind::VpnGatewayRepair, Topic::Gateways, project.id, id, &row.name)).await?;
            Ok(())
        })
        .map_err(failed)
    }

    async fn issue_enrolment(&self, project: &ProjectName, id: GatewayId) -> Result<Enrolment, ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        let token = Token::new();
        let expires_at = clock::now().plus_seconds(TOKEN_SECONDS);
        transact!(self.store(), clock::now(), |tx| {
            let row = live(tx, project.id, id).await?;
            tx.issue_enrolment(id, &token.digest, expires_at).await?;
            let mut note = self.note(ChangeKind::VpnGatewayEnrolmentToken, Topic::Gateways, project.id, id, &row.name);
            note.after = facts([("expires_at", expires_at.to_string())]);
            tx.note(note).await
        })
        .map_err(failed)?;
        let address = self.shared.enrolment.clone();
        Ok(Enrolment { token: token.text, expires_at, console: address.console, hint: address.hint })
    }

    async fn revoke_credential(&self, project: &ProjectName, id: GatewayId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            // Of one that is being deleted too: its host may be gone for good, and then nobody else ends the wait for it.
            let row = tx.gateway(project.id, id).await?;
            tx.revoke_credential(id).await?;
            tx.note(self.note(ChangeKind::VpnGatewayCredentialRevoke, Topic::Gateways, project.id, id, &row.name))
                .await?;
            Ok(())
        })
        .map_err(failed)
    }
}

impl Console {
    fn shown_gateway(&self, row: &GatewayRow, picture: &Picture, count: Count, samples: Vec<(u64, u64)>) -> Gateway {
        let (seen, host) = (picture.observation(row), picture.host(row.id));
        let facts = host.and_then(|host| host.facts.clone());
        let private_address: Option<Ipv4Addr> =
            facts.as_ref().and_then(|facts| facts.address_in(row.vpc_cidr)).map(|(_, address)| address);
        Gateway {
            id: row.id,
            name: row.name.clone(),
            owner: row.owner,
            owner_email: row.owner_email.clone(),
            vpc: row.vpc,
            vpc_name: row.vpc_name.clone(),
            vpc_cidr: row.vpc_cidr,
            cloud: row.cloud.clone(),
            place: self.place(&row.cloud),
            settings: row.settings.clone(),
            tunnel: row.tunnel,
            public_address: public_address(&row.settings, host),
            private_address,
            public_key: host.and_then(|host| host.public_key),
            mute: !seen.enrolled,
            status: seen.status(picture.now, picture.silent_after),
            sync: seen.sync(picture.now, picture.silent_after),
            wanted: seen.wanted,
            applied: seen.applied,
            verified: seen.verified,
            apply_error: host.and_then(|host| host.apply_error.clone()),
            drift: host.map(|host| host.drift.clone()).unwrap_or_default(),
            last_seen: host.and_then(|host| host.last_seen),
            host: facts,
            peers: count.peers,
            peers_connected: if seen.recorded { 0 } else { count.connected },
            samples,
            created_at: row.created_at,
        }
    }

    /// Every VPC peering of a gateway goes, on both sides (domain 5.9).
    async fn part_all(&self, tx: &mut Tx, gateway: &GatewayRow) -> StoreResult<()> {
        let pairs: Vec<_> = tx.mirrors(gateway.id).await?.into_iter().filter_map(|row| row.pair).collect();
        for pair in pairs {
            self.part(tx, gateway.project, pair).await?;
        }
        Ok(())
    }
}

/// A gateway that may be acted on.
pub(super) async fn live(tx: &mut Tx, project: ProjectId, id: GatewayId) -> StoreResult<GatewayRow> {
    let row = tx.gateway(project, id).await?;
    if row.deleting_at.is_some() {
        return Err(Refusal::conflict("", format!("Gateway {} is being deleted.", row.name)).into());
    }
    Ok(row)
}

fn about(settings: &GatewaySettings) -> Facts {
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    facts([
        (
            "public_address",
            settings.public_address.map_or_else(|| "as reported".to_owned(), |address| address.to_string()),
        ),
        ("listen_port", settings.listen_port.to_string()),
        ("mtu", settings.mtu.to_string()),
        ("dns", list(&settings.dns)),
        ("masquerade_vpc", switch(settings.masquerade_vpc)),
        ("internet_egress", switch(settings.internet_egress)),
        ("drift_policy", settings.drift_policy.as_str().to_owned()),
    ])
}
