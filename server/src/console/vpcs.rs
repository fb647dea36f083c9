//! VPCs: declared, shown with what joins them, and deleted once no gateway needs them.

use std::collections::{HashMap, HashSet};

use app::{
    api::ApiError,
    backend::Vpcs,
    domain::{
        AccountId, Network, ProjectName, VpcId,
        change::{ChangeKind, Facts, Topic},
        gateway::GatewayBrief,
        peering::Peering,
        permission::Permission,
        vpc::{NewVpc, Vpc, VpcState},
    },
};
use async_trait::async_trait;
use uuid::Uuid;

use super::{Console, facts, failed, picture::Picture};
use crate::{
    clock,
    store::{
        Result as StoreResult, StoreError, Tx, accounts, cloud_networks::CloudVpcRow, connections::ConnectionRow,
        people::Project, transact, vpcs::VpcRow,
    },
};

#[async_trait]
impl Vpcs for Console {
    async fn vpcs(&self, project: &ProjectName) -> Result<Vec<Vpc>, ApiError> {
        let project = self.enter(project, Permission::NetworkingRead).await?;
        let vantage = self.vantage(clock::now());
        let read = async {
            let mut tx = self.store().snapshot().await?;
            let clouds = InClouds::read(&mut tx, &project).await?;
            let tenants = tx.tenants(project.id).await?;
            Ok((tx.vpcs(project.id).await?, clouds, tenants, Picture::read(&mut tx, project.id, &vantage).await?))
        };
        let (rows, mut clouds, mut tenants, picture) = read.await.map_err(failed)?;
        let mut gateways = picture.briefs();
        let mut peerings: HashMap<VpcId, Vec<Peering>> = HashMap::new();
        for peering in picture.peerings() {
            for side in &peering.sides {
                peerings.entry(side.vpc).or_default().push(peering.clone());
            }
        }
        let shown = |row: VpcRow| {
            let (gateway, peerings) = (gateways.remove(&row.id), peerings.remove(&row.id).unwrap_or_default());
            let services = tenants.remove(&row.id).unwrap_or_default();
            Vpc { services, ..clouds.add(self.shown(row, gateway, peerings)) }
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
            let provider = new.cloud.provider();
            if provider.is_cloud() {
                let accounts = tx.accounts(project.organization).await?;
                // The rule above has asked the same accounts.
                let account = accounts::chosen(&accounts, provider).ok_or(StoreError::NotFound)?;
                tx.insert_cloud_network(id, account.id).await?;
            }
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
            if let Some(occupied) = Vpc::occupied_by(id, &tx.tenants(project.id).await?.remove(&id).unwrap_or_default())
            {
                return Err(occupied.into());
            }
            if let Some(gateway) = network.gateways.iter().find(|gateway| gateway.vpc == id) {
                return Err(Vpc::held_by(&vpc.name, &gateway.name).into());
            }
            if vpc.state == VpcState::Deleting {
                return Ok(());
            }
            if vpc.cloud.provider().is_cloud() {
                tx.ask_cloud_vpc_away(id).await?;
                tx.touch(Topic::Connections);
            } else {
                tx.delete_vpc(id).await?;
            }
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
            services: Vec::new(),
            build_error: None,
            refresh_pending: false,
            cloud_id: None,
            simulated: false,
        }
    }
}

/// What is known of a project's VPCs in clouds.
struct InClouds {
    networks: HashMap<VpcId, CloudVpcRow>,
    connections: HashMap<VpcId, Vec<ConnectionRow>>,
    simulated: HashSet<AccountId>,
}

impl InClouds {
    async fn read(tx: &mut Tx, project: &Project) -> StoreResult<Self> {
        let networks: HashMap<_, _> = tx.cloud_vpcs(project.id).await?.into_iter().map(|row| (row.id, row)).collect();
        if networks.is_empty() {
            return Ok(Self { networks, connections: HashMap::new(), simulated: HashSet::new() });
        }
        let connections = tx.connections(project.id).await?;
        let accounts = tx.accounts(project.organization).await?;
        let simulated = accounts.into_iter().filter(|account| account.simulated).map(|account| account.id).collect();
        Ok(Self { networks, connections, simulated })
    }

    fn add(&mut self, mut vpc: Vpc) -> Vpc {
        let Some(network) = self.networks.remove(&vpc.id) else { return vpc };
        vpc.state = network.state();
        vpc.simulated = self.simulated.contains(&network.account);
        vpc.refresh_pending = network.refresh_pending();
        let rows = self.connections.remove(&vpc.id).unwrap_or_default();
        vpc.connections = rows.into_iter().map(|row| Console::shown_connection(row, vpc.simulated)).collect();
        (vpc.build_error, vpc.cloud_id) = (network.seen.error, network.seen.cloud_id);
        vpc
    }
}

fn about(vpc: &NewVpc) -> Facts {
    facts([("name", vpc.name.to_string()), ("cloud", vpc.cloud.to_string()), ("cidr", vpc.cidr.to_string())])
}
