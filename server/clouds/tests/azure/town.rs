//! A console with one VPC, and its neighbour.

use std::time::Duration;

use clouds::{
    ConnectionReport, ConnectionWish, Opening, Pass, Peer, Reference, Wish,
    azure::{Azure, AzureAccount, AzureEndpoints},
    http::Http,
    lookalike::{Lookalikes, Settings, Side, azure::Account},
    pass,
};
use reqwest::Url;
use uuid::Uuid;

use super::neighbour::Neighbour;

pub struct Town {
    pub clouds: Lookalikes,
    pub azure: Azure,
    pub wish: Wish,
    pub neighbour: Neighbour,
    pub folder: tempfile::TempDir,
}

pub fn database(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("clouds.db").display())
}

pub fn account(account: Account) -> AzureAccount {
    AzureAccount {
        tenant: account.tenant,
        client_id: account.client_id,
        client_secret: account.client_secret,
        subscription: account.subscription,
        resource_group: account.resource_group,
    }
}

pub fn endpoints(url: &str) -> AzureEndpoints {
    let url = Url::parse(url).expect("a URL");
    AzureEndpoints { authority: url.clone(), arm: url.clone(), graph: url }
}

pub async fn driver(clouds: &Lookalikes) -> Azure {
    let ours = clouds.azure.account(Side::Ours).await;
    Azure::new(account(ours), endpoints(&clouds.azure.url()), Http::new(5).expect("a client"))
}

impl Town {
    pub async fn new() -> Self {
        Self::with(&Settings::immediate()).await
    }

    pub async fn with(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clouds = Lookalikes::start(&database(&folder), settings).await.expect("look-alikes");
        let azure = driver(&clouds).await;
        let neighbour = Neighbour::new(&clouds).await;
        let wish = Wish {
            id: Uuid::now_v7(),
            name: "alpha".to_owned(),
            region: "westeurope".to_owned(),
            cidr: "10.20.0.0/24".parse().expect("a range"),
            present: true,
            reference: Reference::new(),
            connections: Vec::new(),
            openings: vec![Opening::All],
            now: clouds.now(),
        };
        Self { clouds, azure, wish, neighbour, folder }
    }

    /// Asks for a connection with the neighbour's network of this name.
    pub fn connect(&mut self, network: &str) -> Uuid {
        let Account { tenant, subscription, resource_group, client_id, .. } = &self.neighbour.account;
        let peer = Peer::Azure {
            subscription: subscription.clone(),
            resource_group: resource_group.clone(),
            network: network.to_owned(),
            tenant: tenant.clone(),
            app: client_id.clone(),
        };
        let id = Uuid::now_v7();
        self.wish.connections.push(ConnectionWish {
            id,
            peer,
            present: true,
            ranges: Vec::new(),
            reference: Reference::new(),
            sent_at: None,
            was_active: false,
        });
        id
    }

    /// What the reconciler does: a pass, and what it learned is kept.
    pub async fn pass(&mut self) -> Pass {
        self.wish.now = self.clouds.now();
        let pass = pass(&self.azure, &self.wish).await.expect("a pass");
        for connection in &mut self.wish.connections {
            let told = &pass.report.connections[&connection.id];
            connection.was_active |= told.state.as_deref() == Some("Connected");
        }
        pass
    }

    /// Passes until one has nothing to do.
    pub async fn settle(&mut self) -> Pass {
        let mut last = String::new();
        for _ in 0..60 {
            let pass = self.pass().await;
            if !pass.moved() && pass.failed.is_empty() {
                return pass;
            }
            last = format!("{:?} {:?}", pass.made, pass.failed);
        }
        panic!("sixty passes and still not done: {last}");
    }

    /// Passes while the clock runs, until the report is as wanted. Nothing may fail.
    pub async fn until(&mut self, id: Uuid, wanted: impl Fn(&ConnectionReport) -> bool) -> Pass {
        for _ in 0..200 {
            let pass = self.pass().await;
            assert!(pass.failed.is_empty(), "{:?}", pass.failed);
            if wanted(&pass.report.connections[&id]) {
                return pass;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("it never came");
    }

    /// The neighbour does its part with what the report tells it.
    pub async fn neighbour_peers(&self, told: &ConnectionReport) {
        let (tenant, network) = (&told.identifiers["to-tenant-id"], &told.identifiers["to-network-id"]);
        let (status, answer) = self.neighbour.peers(tenant, network).await;
        assert!(status == 201 || status == 200, "{status} {answer}");
    }
}
