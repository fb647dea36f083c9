//! VPCs: declared, shown with what joins them, and deleted once no gateway needs them.

use std::collections::HashMap;

use app::{
    api::ApiError,
    backend::Vpcs,
    domain::{
        Network, ProjectName, VpcId,
        change::{ChangeKind, Facts, Topic},
        gateway::GatewayBrief,
        peering::Peering,
        permission::Permission,
        vpc::{NewVpc, Vpc},
    },
};
use async_trait::async_trait;
use uuid::Uuid;

use super::{Console, facts, failed, picture::Picture};
use crate::{
    clock,
    store::{StoreError, transact, vpcs::VpcRow},
};

#[async_trait]
impl Vpcs for Console {
    async fn vpcs(&self, project: &ProjectName) -> Result<Vec<Vpc>, ApiError> {
        let project = self.enter(project, Permission::NetworkingRead).await?;
        let vantage = self.vantage(clock::now());
        let read = async {
            let mut tx = self.store().snapshot().await?;
            Ok((tx.vpcs(project.id).await?, Picture::read(&mut tx, project.id, &vantage).await?))
        };
        let (rows, picture) = read.await.map_err(failed)?;
        let mut gateways = picture.briefs();
        let mut peerings: HashMap<VpcId, Vec<Peering>> = HashMap::new();
        for peering in picture.peerings() {
            for side in &peering.sides {
                peerings.entry(side.vpc).or_default().push(peering.clone());
            }
        }
        let shown = |row: VpcRow| {
            let (gateway, peerings) = (gateways.remove(&row.id), peerings.remove(&row.id).unwrap_or_default());
            self.shown(row, gateway, peerings)
        };
        Ok(rows.into_iter().map(shown).collect())
    }

    async fn vpc(&self, project: &ProjectName, id: VpcId) -> Result<Vpc, ApiError> {
        self.vpcs(project).await?.into_iter().find(|vpc| vpc.id == id).ok_or(ApiError::NotFound)
    }

    async fn network(&self, project: &ProjectName) -> Result<Network, ApiError> {
        let project = self.enter(project, Permission::NetworkingRead).await?;
        self.store().network(project.id, &self.vantage(clock::now())).await.map_err(failed)
    }

    async fn create_vpc(&self, project: &ProjectName, new: NewVpc) -> Result<VpcId, ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        let id = VpcId::from_uuid(Uuid::now_v7());
        transact!(self.store(), clock::now(), |tx| {
            tx.network(project.id, &self.vantage(tx.at())).await?.admit_vpc(&new.name, &new.cloud, new.cidr)?;
            tx.insert_vpc(project.id, id, &new).await?;
            let mut note = self.note(ChangeKind::ProjectVpcCreate, Topic::Vpcs, project.id, id, &new.name);
            note.after = about(&new);
            tx.note(note).await?;
            tx.touch(Topic::Plan);
            Ok(id)
        })
        .map_err(failed)
    }

    async fn delete_vpc(&self, project: &ProjectName, id: VpcId) -> Result<(), ApiError> {
        let project = self.enter(project, Permission::NetworkingWrite).await?;
        transact!(self.store(), clock::now(), |tx| {
            let network = tx.network(project.id, &self.vantage(tx.at())).await?;
            let vpc = network.vpc(id).ok_or(StoreError::NotFound)?;
            if let Some(gateway) = network.gateways.iter().find(|gateway| gateway.vpc == id) {
                return Err(Vpc::held_by(&vpc.name, &gateway.name).into());
            }
            tx.delete_vpc(id).await?;
            let mut note = self.note(ChangeKind::ProjectVpcDelete, Topic::Vpcs, project.id, id, &vpc.name);
            note.before = about(&NewVpc { name: vpc.name.clone(), cloud: vpc.cloud.clone(), cidr: vpc.cidr });
            tx.note(note).await?;
            tx.touch(Topic::Plan);
            Ok(())
        })
        .map_err(failed)
    }
}

impl Console {
    fn shown(&self, row: VpcRow, gateway: Option<GatewayBrief>, peerings: Vec<Peering>) -> Vpc {
        Vpc {
            id: row.id,
            name: row.name,
            place: self.place(&row.cloud),
            cloud: row.cloud,
            cidr: row.cidr,
            state: row.state,
            created_at: row.created_at,
            gateway,
            peerings,
            connections: Vec::new(),
            build_error: None,
            refresh_pending: false,
            cloud_id: None,
            simulated: false,
        }
    }
}

fn about(vpc: &NewVpc) -> Facts {
    facts([("name", vpc.name.to_string()), ("cloud", vpc.cloud.to_string()), ("cidr", vpc.cidr.to_string())])
}
