//! The other side of every connection: networks that are there before, and whoever answers to requests.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use app::domain::{
    Provider, VpcId,
    connection::{ConnectionForm, ConnectionState},
};
use clouds::{
    http::Http,
    lookalike::{
        Lookalikes, Side,
        theirs::{Scene, Theirs, Thing, Typed, Vendor},
    },
};
use server::store::{cloud_networks::CloudVpcRow, connections::ConnectionRow};
use tokio::{sync::Mutex, time::sleep};

use super::town::CLOUDS;

/// Connections of a VPC, and of a peer's network: Google allows no more.
pub const OF_A_VPC: usize = 5;
pub const OF_A_PEER: usize = 25;
const REGION: &str = "eu-west-1";
const VENDORS: [Vendor; 4] = [Vendor::Aws, Vendor::Google, Vendor::Azure, Vendor::UpCloud];

pub struct Peers {
    theirs: Theirs,
    /// In each cloud; a connection's peer is the one of its number, around and around.
    networks: [Vec<String>; 4],
    accounts: [HashMap<&'static str, String>; 4],
    /// The console's: Google's project, Azure's tenant.
    project: String,
    tenant: String,
    answered: Mutex<HashSet<app::domain::ConnectionId>>,
}

fn typed(fields: &[(&str, &str)]) -> Typed {
    fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

impl Peers {
    pub async fn found(clouds: &Arc<Lookalikes>, count: usize) -> Result<Self> {
        let count = count.max(OF_A_VPC);
        let theirs = Theirs::sign_in(clouds.clone(), Http::new(3)?).await?;
        let mut peers = Self {
            theirs,
            networks: Default::default(),
            accounts: Default::default(),
            project: clouds.google.account(Side::Ours).await.project,
            tenant: clouds.azure.account(Side::Ours).await.tenant,
            answered: Mutex::default(),
        };
        for (place, vendor) in VENDORS.into_iter().enumerate() {
            peers.accounts[place] = peers.look(vendor).await?.account.into_iter().collect();
            for number in 0..count {
                let (name, cidr) = (format!("peer-{number:02}"), format!("172.{}.{number}.0/24", 20 + place));
                let network = peers.network(vendor, &name, &cidr, clouds).await?;
                peers.networks[place].push(network);
            }
        }
        Ok(peers)
    }

    async fn look(&self, vendor: Vendor) -> Result<Scene> {
        Ok(self.theirs.look(vendor, REGION).await?)
    }

    async fn act(&self, vendor: Vendor, thing: &str, deed: &str, fields: &[(&str, &str)]) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(20);
        // One operation at a time, as in the real ones.
        while let Err(failure) = self.theirs.act(vendor, REGION, thing, deed, &typed(fields)).await {
            ensure!(Instant::now() < end, "the peer's {deed} of {thing}: {failure}");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn made(&self, vendor: Vendor, is: impl Fn(&Thing) -> bool) -> Result<String> {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let found = self.look(vendor).await?.things.into_iter().find(|thing| is(thing));
            if let Some(thing) = found {
                return Ok(thing.id);
            }
            ensure!(Instant::now() < end, "the peer's network in {vendor:?} is not there");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// A network that may be peered with; gives how a form names it.
    async fn network(&self, vendor: Vendor, name: &str, cidr: &str, clouds: &Lookalikes) -> Result<String> {
        match vendor {
            Vendor::Aws => {
                self.act(vendor, "", "create-vpc", &[("cidr", cidr)]).await?;
                self.made(vendor, |vpc| vpc.state == "available" && vpc.facts.iter().any(|(_, fact)| fact == cidr))
                    .await
            }
            Vendor::Google => {
                self.act(vendor, "", "create-network", &[("name", name)]).await?;
                self.act(vendor, name, "add-subnetwork", &[("name", name), ("cidr", cidr)]).await?;
                Ok(name.to_owned())
            }
            Vendor::Azure => {
                self.act(vendor, "", "create-network", &[("name", name), ("cidr", cidr)]).await?;
                let app = clouds.azure.account(Side::Ours).await.client_id;
                self.act(vendor, name, "grant", &[("app", &app)]).await?;
                Ok(name.to_owned())
            }
            Vendor::UpCloud => {
                self.act(vendor, "", "create-network", &[("name", name), ("zone", "de-fra1"), ("cidr", cidr)]).await?;
                let is = |thing: &Thing| thing.facts.iter().any(|(_, fact)| fact == name || fact == cidr);
                let id = self.made(vendor, is).await?;
                self.act(vendor, &id, "attach-router", &[]).await?;
                Ok(id)
            }
        }
    }

    /// What is asked for as the connection of this number in the cloud at this place.
    pub fn form(&self, place: usize, number: usize) -> ConnectionForm {
        let networks = &self.networks[place];
        let fact = |name: &str| self.accounts[place].get(name).cloned().unwrap_or_default();
        let peer_vpc = networks[number % networks.len()].clone();
        match VENDORS[place] {
            Vendor::Aws => {
                ConnectionForm { peer_cloud_account: fact("Account ID"), peer_vpc, ..ConnectionForm::default() }
            }
            Vendor::Google => {
                ConnectionForm { peer_cloud_account: fact("Project ID"), peer_vpc, ..ConnectionForm::default() }
            }
            Vendor::Azure => ConnectionForm {
                peer_cloud_account: fact("Subscription ID"),
                peer_resource_group: fact("Resource group"),
                peer_vpc,
                peer_azure_tenant_id: fact("Tenant ID"),
                peer_azure_app_id: fact("Application ID"),
                ..ConnectionForm::default()
            },
            Vendor::UpCloud => ConnectionForm { peer_vpc, ..ConnectionForm::default() },
        }
    }

    /// Agrees to every request that it can see by now, each once.
    pub async fn answer(&self, vpcs: &[CloudVpcRow], rows: &[ConnectionRow]) -> Result<()> {
        let by_id: HashMap<VpcId, &CloudVpcRow> = vpcs.iter().map(|vpc| (vpc.id, vpc)).collect();
        let of = async |provider: Provider| {
            for row in rows {
                let vpc = by_id.get(&row.vpc).context("its VPC")?;
                let open = row.seen.state == ConnectionState::PendingPeer && vpc.cloud.provider() == provider;
                if !open || self.answered.lock().await.contains(&row.id) {
                    continue;
                }
                if self.agree(vpc, row).await? {
                    self.answered.lock().await.insert(row.id);
                }
            }
            anyhow::Ok(())
        };
        let [aws, google, azure, upcloud] = CLOUDS.map(|(provider, _)| provider);
        tokio::try_join!(of(aws), of(google), of(azure), of(upcloud))?;
        Ok(())
    }

    /// `false`: it cannot be told yet.
    async fn agree(&self, vpc: &CloudVpcRow, row: &ConnectionRow) -> Result<bool> {
        let (Some(ours), theirs) = (vpc.seen.cloud_id.as_deref(), row.peer.vpc()) else { return Ok(false) };
        match vpc.cloud.provider() {
            Provider::Aws => {
                let Some(id) = row.seen.info.extra.get("aws_vpc_peering_connection_id") else { return Ok(false) };
                self.act(Vendor::Aws, id, "accept", &[]).await?;
            }
            Provider::Google => {
                let fields = [("project", self.project.as_str()), ("network", ours)];
                self.act(Vendor::Google, theirs, "add-peering", &fields).await?;
            }
            Provider::Azure => {
                let fields = [("tenant", self.tenant.as_str()), ("network", ours)];
                self.act(Vendor::Azure, theirs, "add-peering", &fields).await?;
            }
            Provider::UpCloud => self.act(Vendor::UpCloud, theirs, "add-peering", &[("network", ours)]).await?,
            Provider::Local => {}
        }
        Ok(true)
    }

    /// The peer deletes its side.
    pub async fn take_away(&self, vpc: &CloudVpcRow, row: &ConnectionRow) -> Result<()> {
        let (ours, theirs) = (vpc.seen.cloud_id.as_deref().context("a network that is there")?, row.peer.vpc());
        match vpc.cloud.provider() {
            Provider::Aws => {
                let id = row.seen.info.extra.get("aws_vpc_peering_connection_id").context("a request's id")?;
                self.act(Vendor::Aws, id, "delete-peering", &[]).await
            }
            Provider::Google => self.act(Vendor::Google, &format!("{theirs}/to-{ours}"), "remove-peering", &[]).await,
            Provider::Azure => {
                let name = ours.rsplit('/').next().unwrap_or_default();
                self.act(Vendor::Azure, &format!("{theirs}/to-{name}"), "delete-peering", &[]).await
            }
            other => anyhow::bail!("{other} is not asked"),
        }
    }
}
