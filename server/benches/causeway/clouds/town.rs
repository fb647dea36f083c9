//! The console, its accounts in four clouds, its VPCs and connections.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use app::domain::{
    AccountId, Cidr, ConnectionId, Provider, Timestamp, VpcId,
    account::AccountConfig,
    connection::{ConnectionForm, ConnectionState, NewConnection, StateInfo},
    vpc::NewVpc,
};
use clouds::{
    Secret,
    lookalike::{Lookalikes, Settings, Side},
};
use server::{
    clock,
    store::{
        Store,
        accounts::{AccountRow, seal_purpose},
        cloud_networks::{CloudNetworkSeen, CloudVpcRow},
        connections::{ConnectionRow, ConnectionSeen},
    },
};
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    super::console::{Console, PROJECT},
    PATIENCE,
    peer::{OF_A_PEER, OF_A_VPC, Peers},
};

/// While everything is made.
const HASTE: Duration = Duration::from_millis(500);
const TOLD_EVERY: Duration = Duration::from_secs(20);
/// In the order of every table; the peers are in the same regions.
pub const CLOUDS: [(Provider, &str); 4] = [
    (Provider::Aws, "aws-eu-west-1"),
    (Provider::Google, "google-europe-west1"),
    (Provider::Azure, "azure-westeurope"),
    (Provider::UpCloud, "upcloud-de-fra"),
];

pub struct Town {
    pub console: Console,
    store: Store,
    clouds: Arc<Lookalikes>,
    peers: Peers,
    _folder: tempfile::TempDir,
}

impl Town {
    /// `vpcs`: in each cloud. Nothing is made yet, but the peers' networks.
    pub async fn found(vpcs: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite:{}?mode=rwc", folder.path().join("lookalike.db").display());
        let clouds = Arc::new(Lookalikes::start(&url, &Settings::immediate()).await?);
        let peers = Peers::found(&clouds, (vpcs * OF_A_VPC).div_ceil(OF_A_PEER)).await?;
        let mut console = Console::signed_in().await?;
        console.end();
        for (name, value) in [
            ("CAUSEWAY_AWS_EC2_ENDPOINT", clouds.aws.url()),
            ("CAUSEWAY_AWS_STS_ENDPOINT", clouds.aws.url()),
            ("CAUSEWAY_AWS_RAM_ENDPOINT", clouds.aws.url()),
            ("CAUSEWAY_GCP_ENDPOINT", clouds.google.url()),
            ("CAUSEWAY_AZURE_ENDPOINT", clouds.azure.url()),
            ("CAUSEWAY_AZURE_AUTHORITY", clouds.azure.url()),
            ("CAUSEWAY_AZURE_GRAPH", clouds.azure.url()),
            ("CAUSEWAY_UPCLOUD_ENDPOINT", format!("{}/1.3", clouds.upcloud.url())),
            ("CAUSEWAY_LOOKALIKE", "false".to_owned()),
        ] {
            console.set(name, Some(value));
        }
        let store = console.store().await?;
        let town = Self { console, store, clouds, peers, _folder: folder };
        town.ask_for_all(vpcs).await?;
        Ok(town)
    }

    async fn accounts(&self) -> Result<Vec<(AccountConfig, Secret)>> {
        let aws = self.clouds.aws.account(Side::Ours).await;
        let google = self.clouds.google.account(Side::Ours).await;
        let azure = self.clouds.azure.account(Side::Ours).await;
        let upcloud = self.clouds.upcloud.account(Side::Ours).await;
        let key = google.key_file(&self.clouds.google.url());
        Ok(vec![
            (
                AccountConfig::Aws {
                    account_id: parsed(&aws.account_id)?,
                    access_key_id: Some(aws.access_key_id),
                    role_arn: None,
                },
                aws.secret_access_key,
            ),
            (AccountConfig::Google { project_id: parsed(&google.project)?, client_email: google.client_email }, key),
            (
                AccountConfig::Azure {
                    tenant_id: parsed(&azure.tenant)?,
                    client_id: parsed(&azure.client_id)?,
                    subscription_id: parsed(&azure.subscription)?,
                    resource_group: parsed(&azure.resource_group)?,
                },
                azure.client_secret,
            ),
            (AccountConfig::UpCloud { username: None }, upcloud.token),
        ])
    }

    /// Behind the back of a console that does not run.
    async fn ask_for_all(&self, vpcs: usize) -> Result<()> {
        let project = self.store.project_named(&PROJECT.parse()?).await?.context("the first project")?;
        let (sealer, accounts) = (self.console.sealer()?, self.accounts().await?);
        let mut tx = self.store.begin(clock::now()).await?;
        for (place, ((config, secret), (provider, region))) in accounts.iter().zip(CLOUDS).enumerate() {
            let id = AccountId::from_uuid(Uuid::now_v7());
            let row = AccountRow {
                id,
                organization: project.organization,
                provider,
                name: format!("Bench {provider}"),
                facts: serde_json::to_string(config)?,
                sealed_secret: sealer.seal(&seal_purpose(id), secret.expose().as_bytes()),
                simulated: false,
                created_at: tx.at(),
                updated_at: tx.at(),
                check: None,
                known_as: None,
                check_asked_at: Timestamp::default(),
                vpcs: 0,
            };
            tx.insert_account(&row).await?;
            for number in 0..vpcs {
                let vpc = VpcId::from_uuid(Uuid::now_v7());
                let new = NewVpc {
                    name: format!("{provider}-{number:03}").to_lowercase().replace(' ', "-").parse()?,
                    cloud: parsed(region)?,
                    cidr: Cidr::around(range(place * vpcs + number)?, 24).context("24 is a prefix length")?,
                };
                tx.insert_vpc(project.id, vpc, &new).await?;
                tx.insert_cloud_network(vpc, id).await?;
                for one in 0..OF_A_VPC {
                    let form: ConnectionForm = self.peers.form(place, number * OF_A_VPC + one);
                    let new =
                        NewConnection::parse(&new.cloud, &form).map_err(|refused| anyhow::anyhow!("{refused}"))?;
                    let info = StateInfo::at_first(new.peer.kind(), Vec::new());
                    tx.insert_connection(vpc, ConnectionId::from_uuid(Uuid::now_v7()), &new, info).await?;
                }
            }
        }
        tx.commit(()).await?;
        Ok(())
    }

    /// Runs until all connections are active and carry what they should; then they have been so for a while.
    pub async fn settle(&mut self) -> Result<()> {
        self.restart(Some(HASTE)).await?;
        let (mut told, end) = (Instant::now(), Instant::now() + PATIENCE);
        loop {
            let (vpcs, rows) = (self.vpcs().await?, self.connections().await?);
            let waiting: Vec<&ConnectionRow> = rows.iter().filter(|row| !is_settled(row)).collect();
            let Some(first) = waiting.first() else { break };
            if told.elapsed() > TOLD_EVERY {
                told = Instant::now();
                println!("  {} of {} connections are not settled", waiting.len(), rows.len());
            }
            ensure!(Instant::now() < end, "{} connections did not settle, such as {first:?}", waiting.len());
            self.peers.answer(&vpcs, &rows).await?;
            sleep(Duration::from_millis(100)).await;
        }
        // Its last looks find nothing to do any more.
        sleep(HASTE * 6).await;
        self.console.end();
        self.console.set("CAUSEWAY_RECONCILE_INTERVAL_MS", None);
        let past = |at: Timestamp| at.plus_seconds(-600);
        let mut tx = self.store.begin(clock::now()).await?;
        for row in self.connections().await? {
            tx.write_connection_seen(row.id, &ConnectionSeen { since: past(row.seen.since), ..row.seen }).await?;
        }
        tx.commit(()).await?;
        Ok(())
    }

    /// `interval`: the longest time between two looks; `None`: each state has its own.
    pub async fn restart(&mut self, interval: Option<Duration>) -> Result<()> {
        self.console.end();
        self.console.set("CAUSEWAY_RECONCILE_INTERVAL_MS", interval.map(|each| each.as_millis().to_string()));
        self.make_due().await?;
        self.console.begin().await
    }

    pub async fn make_due(&self) -> Result<()> {
        let mut tx = self.store.begin(clock::now()).await?;
        for vpc in self.vpcs().await? {
            let seen = CloudNetworkSeen { next_look_at: Some(Timestamp(1)), ..vpc.seen };
            tx.write_cloud_network_seen(vpc.id, &seen).await?;
        }
        tx.commit(()).await?;
        Ok(())
    }

    pub async fn vpcs(&self) -> Result<Vec<CloudVpcRow>> {
        Ok(self.store.every_cloud_vpc().await?)
    }

    pub async fn looked_at(&self) -> Result<Vec<Option<Timestamp>>> {
        Ok(self.vpcs().await?.into_iter().map(|vpc| vpc.seen.looked_at).collect())
    }

    pub async fn connections(&self) -> Result<Vec<ConnectionRow>> {
        let project = self.store.project_named(&PROJECT.parse()?).await?.context("the first project")?;
        let rows = self.store.snapshot().await?.connections(project.id).await?;
        Ok(rows.into_values().flatten().collect())
    }

    pub async fn states(&self) -> Result<HashMap<ConnectionId, ConnectionState>> {
        Ok(self.connections().await?.into_iter().map(|row| (row.id, row.seen.state)).collect())
    }

    /// Active ones of VPCs of their own, of the clouds whose peers can be told in one call, one cloud after the other.
    pub async fn to_take_away(&self, of_each: usize) -> Result<Vec<ConnectionRow>> {
        let (vpcs, mut rows) = (self.vpcs().await?, self.connections().await?);
        rows.retain(|row| row.seen.state == ConnectionState::Active);
        rows.sort_by_key(|row| row.id);
        let mut chosen = Vec::new();
        for (provider, _) in &CLOUDS[..3] {
            let mut taken = Vec::new();
            let own = vpcs.iter().filter(|vpc| vpc.cloud.provider() == *provider);
            for vpc in own {
                taken.extend(rows.iter().find(|row| row.vpc == vpc.id).cloned());
            }
            ensure!(taken.len() >= of_each, "{provider} has too few connections that are active");
            taken.truncate(of_each);
            chosen.push(taken);
        }
        Ok((0..of_each).flat_map(|place| chosen.iter().map(move |taken| taken[place].clone())).collect())
    }

    pub async fn take_away(&self, row: &ConnectionRow) -> Result<()> {
        let vpcs = self.vpcs().await?;
        let vpc = vpcs.iter().find(|vpc| vpc.id == row.vpc).context("its VPC")?;
        self.peers.take_away(vpc, row).await
    }

    /// How often each cloud was asked since it began to listen, by the console's account.
    pub fn calls(&self) -> [u64; 4] {
        let Lookalikes { aws, google, azure, upcloud, .. } = &*self.clouds;
        [aws.calls(Side::Ours), google.calls(Side::Ours), azure.calls(Side::Ours), upcloud.calls(Side::Ours)]
    }

    pub fn calls_since(&self, before: [u64; 4]) -> [u64; 4] {
        let now = self.calls();
        std::array::from_fn(|place| now[place] - before[place])
    }
}

/// Active, and what its ranges need is open; UpCloud has no rules to open.
fn is_settled(row: &ConnectionRow) -> bool {
    let carries = row.peer.provider() == Provider::UpCloud || !row.seen.opened.is_empty();
    row.seen.state == ConnectionState::Active && carries
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T> {
    text.parse().map_err(|error| anyhow::anyhow!("{text}: {error}"))
}

/// One /24 after the other, from 10.0.0.0 on.
fn range(number: usize) -> Result<std::net::Ipv4Addr> {
    Ok((u32::from(std::net::Ipv4Addr::new(10, 0, 0, 0)) + u32::try_from(number)? * 256).into())
}
