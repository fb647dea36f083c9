//! The look-alike clouds over real HTTP: what they answer to raw signed requests, to the vendors' own clients and
//! to our driver, with what goes wrong by rule, what takes days, and what a `kill -9` must not lose.

mod boundaries;
mod driver;
mod faults;
mod other_side;
mod peering;
mod persistence;
mod python;
mod reconciler;
mod signed;
mod signing;
mod transit;

use std::time::Duration;

use clouds::lookalike::{Lookalikes, Settings, Side};
use tempfile::TempDir;

use self::signed::Caller;

const HOME: &str = "eu-west-1";
const AWAY: &str = "us-east-1";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Clouds in a database of their own, and both accounts of AWS.
struct Town {
    clouds: Lookalikes,
    ours: Caller,
    theirs: Caller,
    folder: TempDir,
}

impl Town {
    /// Everything happens before the next call.
    async fn new() -> Self {
        Self::paced(&Settings::immediate()).await
    }

    async fn paced(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = format!("sqlite://{}", folder.path().join("lookalike.db").display());
        let clouds = Lookalikes::start(&database, settings).await.expect("the clouds start");
        let (ours, theirs) = (clouds.aws.account(Side::Ours).await, clouds.aws.account(Side::Theirs).await);
        let base = clouds.aws.url();
        Self { ours: Caller::new(&base, &ours, HOME), theirs: Caller::new(&base, &theirs, HOME), clouds, folder }
    }

    /// Takes so long each time.
    async fn slow(delay: Duration) -> Self {
        Self::paced(&Settings { delay: delay..=delay, ..Settings::immediate() }).await
    }

    async fn pass(&self, time: Duration) {
        self.clouds.advance(time).await.expect("the clock moves");
    }

    /// A request of ours for a VPC of theirs; the connection's id.
    async fn asked(&self, vpc: &str, peer: &str) -> String {
        let answer = self
            .ours
            .ec2(
                "CreateVpcPeeringConnection",
                &[("VpcId", vpc), ("PeerVpcId", peer), ("PeerOwnerId", &self.theirs.account)],
            )
            .await;
        answer.ok("vpcPeeringConnectionId")
    }

    async fn status(&self, caller: &Caller, pcx: &str) -> String {
        caller.ec2("DescribeVpcPeeringConnections", &[("VpcPeeringConnectionId.1", pcx)]).await.ok("code")
    }

    /// One VPC on each side, and a request between them.
    async fn pair(&self) -> (String, String, String) {
        let vpc = self.ours.vpc("10.20.0.0/16").await;
        let peer = self.theirs.vpc("10.30.0.0/16").await;
        let pcx = self.asked(&vpc, &peer).await;
        (vpc, peer, pcx)
    }

    async fn joined(&self) -> (String, String, String) {
        let (vpc, peer, pcx) = self.pair().await;
        self.theirs.ec2("AcceptVpcPeeringConnection", &[("VpcPeeringConnectionId", &pcx)]).await.ok("code");
        assert_eq!(self.status(&self.ours, &pcx).await, "active");
        (vpc, peer, pcx)
    }
}
