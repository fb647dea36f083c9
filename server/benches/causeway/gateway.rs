//! A gateway of a console with as many road warriors as are wanted.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use app::{
    api::enrolment::Enrolment,
    domain::{GatewayId, PeerId, PresharedKey, PublicKey, VpcId, peer::PeerKind},
};
use server::{
    clock, seal,
    store::{Store, hosts::HostRow, peers::PeerRow},
};
use tokio::time::sleep;
use uuid::Uuid;

use super::console::Console;

/// Room for 10,000 peers and more.
const TUNNEL: &str = "10.200.0.0/16";
/// The gateway's own address; peers follow it.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 200, 0, 1);
/// Between two looks at the console's database.
const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Gateway {
    pub console: Console,
    pub id: GatewayId,
    store: Store,
    /// How many peers were made by [`Gateway::edit`].
    edits: usize,
}

/// How long one edit took, each from the moment when it was sent.
pub struct Edit {
    pub peer: PeerId,
    pub answered: Duration,
    /// The console knows that the host's tools accepted it.
    pub applied: Duration,
    /// The console knows that the host, read back, shows it.
    pub verified: Duration,
}

impl Gateway {
    /// A VPC with a gateway, and the token for its host.
    pub async fn new(console: Console) -> Result<(Self, String)> {
        let cloud = ("cloud", "local-default");
        let vpc: VpcId = console.call("vpcs/create", &[("name", "bench"), cloud, ("cidr", "172.16.0.0/16")]).await?;
        let fields = [
            ("form[name]", "gw-bench"),
            ("form[vpc]", &vpc.to_string()),
            ("form[tunnel]", TUNNEL),
            ("form[public_address]", "203.0.113.10"),
            ("form[internet_egress]", "on"),
            ("form[drift_policy]", "repair"),
        ];
        let id: GatewayId = console.call("gateways/create", &fields).await?;
        let enrolment: Enrolment = console.call("gateways/enrolment", &[("id", &id.to_string())]).await?;
        let store = console.store().await?;
        Ok((Self { console, id, store, edits: 0 }, enrolment.token))
    }

    pub async fn host(&self) -> Result<HostRow> {
        Ok(self.store.host(self.id).await?.context("the gateway is there")?.row)
    }

    /// Waits until the host shows a document newer than generation `before`.
    pub async fn in_sync_after(&self, before: u64) -> Result<()> {
        let began = Instant::now();
        loop {
            let host = self.host().await?;
            if host.wanted > before && host.applied == host.wanted && host.verified == host.wanted {
                return Ok(());
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "the gateway is not in sync: wanted {}, applied {}, verified {}, error {:?}",
                host.wanted,
                host.applied,
                host.verified,
                host.apply_error
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Puts in what is missing to so many peers, behind the back of a console that does not run, and starts it again.
    pub async fn fill(&mut self, peers: usize) -> Result<()> {
        let before = self.host().await?.wanted;
        self.console.end();
        let sealer = self.console.sealer()?;
        let mut tx = self.store.begin(clock::now()).await?;
        let there = tx.peers(self.id).await?.len();
        for number in there + 1..=peers {
            let row = road_warrior(self.id, &format!("warrior-{number:05}"), number, &sealer)?;
            tx.insert_peer(&row).await?;
        }
        tx.commit(()).await?;
        self.console.begin().await?;
        self.in_sync_after(if there < peers { before } else { 0 }).await
    }

    /// Adds a road warrior as the form does.
    pub async fn edit(&mut self) -> Result<Edit> {
        self.edits += 1;
        let fields = [
            ("gateway", self.id.to_string()),
            ("name", format!("edit-{:05}", self.edits)),
            ("public_key", random_key().to_string()),
        ];
        let before = self.host().await?.wanted;
        let began = Instant::now();
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let peer: PeerId = self.console.call("peers/create-road-warrior", &fields).await?;
        let answered = began.elapsed();
        let applied = self.until(began, |host| host.applied > before).await?;
        let verified = self.until(began, |host| host.verified > before).await?;
        Ok(Edit { peer, answered, applied, verified })
    }

    /// Deletes what an edit added, so that the next one finds as many peers as this one did.
    pub async fn take_back(&self, edit: &Edit) -> Result<()> {
        let before = self.host().await?.wanted;
        let fields = [("gateway", self.id.to_string()), ("id", edit.peer.to_string())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.console.call::<()>("peers/delete", &fields).await?;
        self.in_sync_after(before).await
    }

    async fn until(&self, began: Instant, is: impl Fn(&HostRow) -> bool) -> Result<Duration> {
        while !is(&self.host().await?) {
            ensure!(began.elapsed() < PATIENCE, "the edit did not reach the gateway");
            sleep(LOOK).await;
        }
        Ok(began.elapsed())
    }

    /// Commits of one peer each in a copy of the console's database.
    pub async fn commits(&self, count: usize) -> Result<Vec<Duration>> {
        let copy = self.console.data().join(format!("copy-{}.db", Uuid::now_v7().simple()));
        let from = format!("sqlite:{}", self.console.database().display());
        let mut connection = <sqlx::AnyConnection as sqlx::Connection>::connect(&from).await?;
        let whole = sqlx::AssertSqlSafe(format!("vacuum into '{}'", copy.display()));
        sqlx::query(whole).execute(&mut connection).await?;
        let store = Store::open(&format!("sqlite:{}", copy.display())).await?;
        let sealer = self.console.sealer()?;
        let mut durations = Vec::with_capacity(count);
        for number in 0..count {
            // From the far end of the subnet: nobody has these addresses.
            let row = road_warrior(self.id, &format!("floor-{number:05}"), 60_000 + number, &sealer)?;
            let began = Instant::now();
            let mut tx = store.begin(clock::now()).await?;
            tx.insert_peer(&row).await?;
            tx.commit(()).await?;
            durations.push(began.elapsed());
        }
        Ok(durations)
    }
}

/// A key that somebody could have.
pub fn random_key() -> PublicKey {
    PublicKey::from_bytes(seal::random())
}

/// The peer with the `number`th address.
fn road_warrior(gateway: GatewayId, name: &str, number: usize, sealer: &seal::Sealer) -> Result<PeerRow> {
    let id = PeerId::from_uuid(Uuid::now_v7());
    Ok(PeerRow {
        id,
        gateway,
        kind: PeerKind::RoadWarrior,
        name: name.parse()?,
        public_key: random_key(),
        sealed_preshared_key: Some(PeerRow::seal(sealer, id, PresharedKey::from_bytes(seal::random()))),
        tunnel_address: Ipv4Addr::from(u32::from(FIRST) + u32::try_from(number)?),
        endpoint: None,
        keepalive: 0,
        pair: None,
        remote: None,
        enabled: true,
        generation: 1,
        downloaded: None,
        created_at: clock::now(),
        networks: Vec::new(),
    })
}
