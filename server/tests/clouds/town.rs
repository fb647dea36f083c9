//! A console, its reconcilers, four clouds, and somebody on the other side.

use std::{sync::Arc, time::Duration};

use app::{
    backend::{Connections, Vpcs},
    domain::{
        ConnectionId, Provider, VpcId,
        connection::{Connection, ConnectionForm, ConnectionState},
        vpc::{NewVpc, Vpc, VpcState},
    },
};
use clouds::{
    http::Http,
    lookalike::{
        Lookalikes, Settings,
        theirs::{Scene, Theirs, Thing, Typed, Vendor},
    },
};
use server::{
    reconcile::{
        self, CloudSettings, Reconcilers,
        clouds::{Endpoints, RealDrivers},
    },
    seal::Sealer,
};
use tokio::time::Instant;

use crate::common::{SILENT_AFTER, Stage};

/// Things take up to half a second here; what has not come after this will not.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Town {
    pub stage: Stage,
    pub clouds: Arc<Lookalikes>,
    pub theirs: Theirs,
    reconcilers: Option<Reconcilers>,
    interval: Option<Duration>,
    _folder: tempfile::TempDir,
}

impl Town {
    pub async fn open(stage: Stage) -> Self {
        Self::with(stage, Duration::from_millis(50), Some(Duration::from_millis(200))).await
    }

    /// `settle`: how long what was made is unknown to reads. `interval`: between two looks at most; `None`: as the states want it.
    pub async fn with(stage: Stage, settle: Duration, interval: Option<Duration>) -> Self {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}?mode=rwc", folder.path().join("lookalike.db").display());
        let delay = Duration::from_millis(20)..=Duration::from_millis(500);
        let settings = Settings { delay, settle, ..Settings::default() };
        let clouds = Arc::new(Lookalikes::start(&url, &settings).await.expect("the simulated clouds start"));
        let http = Http::new(5).expect("a client");
        let theirs = Theirs::sign_in(clouds.clone(), http).await.expect("the peer signs in");
        let mut town = Self { stage, clouds, theirs, reconcilers: None, interval, _folder: folder };
        town.start().await;
        town.until(|offers| offers.len() == Provider::CLOUDS.len()).await;
        town
    }

    /// As a console that starts: nothing but the database is remembered.
    pub async fn start(&mut self) {
        let (store, sealer) = (self.stage.store.clone(), Sealer::new([7; 32]));
        let http = Http::new(3).expect("a client");
        let drivers = RealDrivers::new(http, Endpoints::default(), sealer.clone(), Some(self.clouds.clone()));
        let settings = CloudSettings { drivers: Arc::new(drivers), interval: self.interval };
        let reconcilers = reconcile::start(store, sealer, SILENT_AFTER, settings).await;
        self.reconcilers = Some(reconcilers.expect("the reconcilers start"));
    }

    /// Ends them between two steps, wherever they are: dropping a crew aborts it.
    pub async fn kill(&mut self) {
        drop(self.reconcilers.take());
    }

    async fn until(&self, enough: impl Fn(&[Provider]) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let network = self.stage.ingrid.network(&self.stage.harbor).await.expect("the network");
            let offers: Vec<Provider> = network.clouds.iter().map(|offer| offer.provider).collect();
            if enough(&offers) {
                return;
            }
            assert!(Instant::now() < end, "clouds are offered: {offers:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn vpc(&self, name: &str, cloud: &str, cidr: &str) -> VpcId {
        let new = NewVpc::parse(name, cloud, cidr).expect("a good form");
        self.stage.ingrid.create_vpc(&self.stage.harbor, new).await.expect("the VPC is admitted")
    }

    pub async fn read(&self, vpc: VpcId) -> Vpc {
        self.stage.ingrid.vpc(&self.stage.harbor, vpc).await.expect("the VPC is there")
    }

    pub async fn until_vpc(&self, vpc: VpcId, state: VpcState) -> Vpc {
        let end = Instant::now() + PATIENCE;
        loop {
            let now = self.read(vpc).await;
            if now.state == state {
                return now;
            }
            assert!(Instant::now() < end, "{} is {:?}, not {state:?}: {:?}", now.name, now.state, now.build_error);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub async fn until_gone(&self, vpc: VpcId) {
        let end = Instant::now() + PATIENCE;
        while let Ok(now) = self.stage.ingrid.vpc(&self.stage.harbor, vpc).await {
            assert!(Instant::now() < end, "{} is {:?}: {:?}", now.name, now.state, now.build_error);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub async fn connect(&self, vpc: VpcId, form: ConnectionForm) -> ConnectionId {
        self.stage.ingrid.create_connection(&self.stage.harbor, vpc, form).await.expect("the connection is admitted")
    }

    pub async fn disconnect(&self, vpc: VpcId, connection: ConnectionId) {
        let deleted = self.stage.ingrid.delete_connection(&self.stage.harbor, vpc, connection).await;
        deleted.expect("the connection may be deleted");
    }

    /// `None` once it is gone.
    pub async fn connection(&self, vpc: VpcId, id: ConnectionId) -> Option<Connection> {
        self.read(vpc).await.connections.into_iter().find(|one| one.id == id)
    }

    pub async fn until_state(&self, vpc: VpcId, id: ConnectionId, state: ConnectionState) -> Connection {
        self.until_connection(vpc, id, |one| one.state == state, state.as_str()).await
    }

    pub async fn until_connection(
        &self,
        vpc: VpcId,
        id: ConnectionId,
        enough: impl Fn(&Connection) -> bool,
        wanted: &str,
    ) -> Connection {
        let end = Instant::now() + PATIENCE;
        loop {
            let now = self.connection(vpc, id).await.expect("the connection is there");
            if enough(&now) {
                return now;
            }
            assert!(
                Instant::now() < end,
                "{wanted} was awaited; it is {:?}, {:?} ({:?} {})",
                now.state,
                now.state_info,
                now.cloud_state,
                now.cloud_message
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub async fn until_disconnected(&self, vpc: VpcId, id: ConnectionId) {
        let end = Instant::now() + PATIENCE;
        while let Some(now) = self.connection(vpc, id).await {
            assert!(Instant::now() < end, "it is {:?}, {:?}", now.state, now.state_info);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub async fn scene(&self, vendor: Vendor) -> Scene {
        self.scene_in(REGION, vendor).await
    }

    async fn scene_in(&self, region: &str, vendor: Vendor) -> Scene {
        self.theirs.look(vendor, region).await.expect("the peer may look")
    }

    /// The first thing of a kind for which something holds; waited for, because clouds are slow to tell.
    pub async fn theirs(&self, vendor: Vendor, kind: &str, wanted: impl Fn(&Thing) -> bool) -> Thing {
        self.theirs_in(REGION, vendor, kind, wanted).await
    }

    pub async fn theirs_in(&self, region: &str, vendor: Vendor, kind: &str, wanted: impl Fn(&Thing) -> bool) -> Thing {
        let end = Instant::now() + PATIENCE;
        loop {
            let scene = self.scene_in(region, vendor).await;
            if let Some(found) = scene.things.iter().find(|thing| thing.kind == kind && wanted(thing)) {
                return found.clone();
            }
            assert!(Instant::now() < end, "the peer sees no such {kind}: {:?}", scene.things);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub async fn act(&self, vendor: Vendor, thing: &str, deed: &str, typed: &[(&str, &str)]) {
        self.act_in(REGION, vendor, thing, deed, typed).await;
    }

    pub async fn act_in(&self, region: &str, vendor: Vendor, thing: &str, deed: &str, typed: &[(&str, &str)]) {
        let typed: Typed = typed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        self.theirs.act(vendor, region, thing, deed, &typed).await.expect("the peer may");
    }
}

/// Where the peer has its networks in AWS.
pub const REGION: &str = "eu-west-1";

pub fn account(scene: &Scene) -> String {
    scene.account[0].1.clone()
}
