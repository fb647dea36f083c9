//! Against the simulated cloud, with a clock that runs: late judgements, late visibility, faults by rule.

use std::time::Duration;

use clouds::{
    Class, Cloud, NetworkStanding, Peer, Report,
    aws::{Aws, AwsAccount, AwsRole},
    lookalike::{Effect, Fault, Lookalikes, Settings, Side, aws::Keys},
};
use tempfile::TempDir;
use uuid::Uuid;

use super::{
    account, driver, keys,
    moto::element,
    reconciler::{Reconciler, net},
};

pub const HOME: &str = "eu-west-1";
const AWAY: &str = "us-east-1";

pub struct Town {
    pub clouds: Lookalikes,
    pub console: Reconciler,
    pub peer: Aws,
    pub ours: String,
    pub theirs: String,
    _folder: TempDir,
}

fn quick() -> Settings {
    let delay = Duration::from_millis(30)..=Duration::from_millis(200);
    Settings { delay, settle: Duration::from_millis(300), ..Settings::immediate() }
}

impl Town {
    pub async fn new(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("clouds.db").display());
        let clouds = Lookalikes::start(&url, settings).await.expect("the simulated clouds start");
        let sign_in = |keys_of: &Keys| account(keys(&keys_of.access_key_id, keys_of.secret_access_key.expose()));
        let (ours, theirs) = (clouds.aws.account(Side::Ours).await, clouds.aws.account(Side::Theirs).await);
        let base = clouds.aws.url();
        let role = AwsRole { arn: format!("arn:aws:iam::{}:role/causeway", ours.account_id), external_id: None };
        let settle = settings.settle * 2;
        let aws = driver(AwsAccount { role: Some(role), ..sign_in(&ours) }, &base).settling(settle);
        let mut console = Reconciler::new(aws);
        console.lives = true;
        let peer = driver(sign_in(&theirs), &base);
        Self { clouds, console, peer, ours: ours.account_id, theirs: theirs.account_id, _folder: folder }
    }

    /// As a console that was killed and started again.
    async fn restart(&mut self) {
        let ours = self.clouds.aws.account(Side::Ours).await;
        let settle = Duration::from_secs(6);
        let account = account(keys(&ours.access_key_id, ours.secret_access_key.expose()));
        self.console.aws = driver(account, &self.clouds.aws.url()).settling(settle);
    }

    async fn peer_vpc(&self, region: &str, cidr: &str) -> String {
        let made = self.peer.ask(region, "CreateVpc", &[("CidrBlock", cidr)]).await.expect("the peer may");
        let vpc = element(&made, "vpcId");
        for _ in 0..200 {
            match self.peer.ask(region, "DescribeVpcs", &[("VpcId.1", &vpc)]).await {
                Ok(told) if told.contains("<state>available") => return vpc,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("the peer's VPC became available");
    }

    fn connect(&mut self, vpc: &str, region: Option<&str>) -> Uuid {
        let (account, vpc) = (self.theirs.clone(), vpc.to_owned());
        self.console.connect(Peer::AwsVpc { account, vpc, region: region.map(String::from) })
    }

    pub async fn until_state(&mut self, id: Uuid, state: &str) -> Report {
        self.console.until(|report| report.connections[&id].state.as_deref() == Some(state)).await
    }

    async fn peer_does(&self, action: &str, region: &str, report: &Report, id: Uuid) {
        let pcx = &report.connections[&id].identifiers["aws_vpc_peering_connection_id"];
        for _ in 0..200 {
            // It may be unknown there yet.
            if self.peer.ask(region, action, &[("VpcPeeringConnectionId", pcx)]).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the peer may {action}");
    }

    async fn count(&self, action: &str, of: &str) -> usize {
        // What was made last is visible after a while.
        tokio::time::sleep(Duration::from_secs(4)).await;
        let told = self.console.aws.ask(HOME, action, &[]).await.expect("it can be read");
        told.matches(&format!("<{of}>")).count()
    }
}

#[tokio::test]
async fn the_whole_life_across_accounts_and_regions() {
    let mut town = Town::new(&quick()).await;
    let who = town.console.aws.check().await.expect("the role may be assumed");
    assert!(who.contains(&format!(":{}:assumed-role/causeway/", town.ours)), "{who}");
    let vpc = town.peer_vpc(AWAY, "10.30.0.0/16").await;
    let id = town.connect(&vpc, Some(AWAY));
    let report = town.until_state(id, "pending-acceptance").await;
    assert_eq!(report.connections[&id].peer_ranges, None);
    assert!(report.connections[&id].expires_at.is_some());
    assert_eq!(report.connections[&id].identifiers["requester_account_id"], town.ours);
    town.peer_does("AcceptVpcPeeringConnection", AWAY, &report, id).await;
    let range = [net("10.30.0.0/16")];
    let report = town
        .console
        .until(|report| report.connections[&id].routed == range && report.connections[&id].opened == range)
        .await;
    assert_eq!(report.connections[&id].state.as_deref(), Some("active"));
    town.console.quiet().await;

    let more = [("VpcId", vpc.as_str()), ("CidrBlock", "10.31.0.0/16")];
    town.peer.ask(AWAY, "AssociateVpcCidrBlock", &more).await.expect("the peer may");
    let both = [net("10.30.0.0/16"), net("10.31.0.0/16")];
    town.console.until(|report| report.connections[&id].routed == both && report.connections[&id].opened == both).await;

    town.console.wish.connections[0].present = false;
    town.console.until(|report| report.connections[&id].state.is_none()).await;
    town.console.wish.present = false;
    town.console.until(|report| report.network.standing == NetworkStanding::Absent).await;
    assert_eq!((town.console.made("CreateVpc "), town.console.made("RequestPeering")), (1, 1));
}

#[tokio::test]
async fn a_request_that_cannot_be_fails_with_the_clouds_own_sentence() {
    let mut town = Town::new(&quick()).await;
    let overlapping = town.peer_vpc(HOME, "10.20.0.0/16").await;
    let (overlap, ghost) = (town.connect(&overlapping, None), town.connect("vpc-0123456789abcdef0", None));
    for id in [overlap, ghost] {
        let report = town.until_state(id, "failed").await;
        assert!(!report.connections[&id].message.is_empty());
        assert!(report.connections[&id].identifiers.contains_key("aws_vpc_peering_connection_id"));
    }
    town.console.wish.present = false;
    town.console.until(|report| report.connections.values().all(|told| told.state.is_none())).await;
}

#[tokio::test]
async fn the_peer_may_refuse_and_may_take_it_away() {
    let mut town = Town::new(&quick()).await;
    let (first, second) = (town.peer_vpc(HOME, "10.30.0.0/16").await, town.peer_vpc(HOME, "10.31.0.0/16").await);
    let (refused, withdrawn) = (town.connect(&first, None), town.connect(&second, None));
    let report = town.until_state(refused, "pending-acceptance").await;
    town.peer_does("RejectVpcPeeringConnection", HOME, &report, refused).await;
    let report = town.until_state(withdrawn, "pending-acceptance").await;
    town.peer_does("AcceptVpcPeeringConnection", HOME, &report, withdrawn).await;
    town.until_state(refused, "rejected").await;
    let range = [net("10.31.0.0/16")];
    let report = town.console.until(|report| report.connections[&withdrawn].opened == range).await;
    town.peer_does("DeleteVpcPeeringConnection", HOME, &report, withdrawn).await;
    let report = town
        .console
        .until(|report| {
            let told = &report.connections[&withdrawn];
            told.state.as_deref() == Some("deleted") && told.routed.is_empty() && told.opened.is_empty()
        })
        .await;
    assert!(!report.connections[&withdrawn].message.is_empty());
    town.console.wish.connections.iter_mut().for_each(|connection| connection.present = false);
    town.console.until(|report| report.connections.values().all(|told| told.state.is_none())).await;
    assert_eq!(town.console.made("RequestPeering"), 2);
}

#[tokio::test]
async fn a_request_that_nobody_accepts_expires() {
    let mut town = Town::new(&quick()).await;
    let vpc = town.peer_vpc(HOME, "10.30.0.0/16").await;
    let id = town.connect(&vpc, None);
    town.until_state(id, "pending-acceptance").await;
    town.clouds.advance(Duration::from_secs(7 * 24 * 3600 + 60)).await.expect("the clock moves");
    town.until_state(id, "expired").await;
    town.console.quiet().await;
    assert_eq!(town.console.made("RequestPeering"), 1);
}

#[tokio::test]
async fn a_transit_gateway_is_shared_attached_routed_edited_and_left() {
    let mut town = Town::new(&quick()).await;
    let made = town.peer.ask(HOME, "CreateTransitGateway", &[]).await.expect("the peer may");
    let (gateway, arn) = (element(&made, "transitGatewayId"), element(&made, "transitGatewayArn"));
    let share = serde_json::json!({ "name": "console-tgw", "resourceArns": [arn], "principals": [town.ours] });
    let mut shared = Err(String::new());
    for _ in 0..100 {
        shared = town.peer.ask_ram(HOME, "createresourceshare", &share).await.map_err(|failure| failure.to_string());
        if shared.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    shared.expect("the peer may share");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let account = town.theirs.clone();
    let id = town.console.connect(Peer::AwsTransitGateway { account, gateway });
    town.console.wish.connections[0].ranges = vec![net("10.40.0.0/16")];
    let report = town.until_state(id, "pendingAcceptance").await;
    let attachment = report.connections[&id].identifiers["aws_tgw_vpc_attachment_id"].clone();
    let accept = [("TransitGatewayAttachmentId", attachment.as_str())];
    town.peer.ask(HOME, "AcceptTransitGatewayVpcAttachment", &accept).await.expect("the peer may");
    let range = [net("10.40.0.0/16")];
    town.console
        .until(|report| report.connections[&id].routed == range && report.connections[&id].opened == range)
        .await;

    town.console.wish.connections[0].ranges = vec![net("10.41.0.0/16")];
    let edited = [net("10.41.0.0/16")];
    town.console
        .until(|report| report.connections[&id].routed == edited && report.connections[&id].opened == edited)
        .await;
    town.console.wish.connections[0].present = false;
    town.console.until(|report| report.connections[&id].state.is_none()).await;
    town.console.wish.present = false;
    town.console.until(|report| report.network.standing == NetworkStanding::Absent).await;
}

#[tokio::test]
async fn a_transit_gateway_that_is_not_shared_is_the_persons_to_correct() {
    let mut town = Town::new(&quick()).await;
    let made = town.peer.ask(HOME, "CreateTransitGateway", &[]).await.expect("the peer may");
    let (account, gateway) = (town.theirs.clone(), element(&made, "transitGatewayId"));
    let id = town.console.connect(Peer::AwsTransitGateway { account, gateway });
    town.console.until(|report| report.network.standing == NetworkStanding::Ready).await;
    for _ in 0..50 {
        let failed = town.console.failures().await;
        if let Some((_, failure)) = failed.iter().find(|(of, _)| *of == clouds::Subject::Connection(id)) {
            assert_eq!(failure.class, Class::Specification, "{failure}");
            return;
        }
    }
    panic!("it was refused");
}

#[tokio::test]
async fn another_secret_is_a_matter_of_credentials() {
    let town = Town::new(&Settings::immediate()).await;
    let ours = town.clouds.aws.account(Side::Ours).await;
    let wrong = driver(account(keys(&ours.access_key_id, "another")), &town.clouds.aws.url());
    for failure in [wrong.check().await.map(drop), wrong.observe(&town.console.wish).await.map(drop)] {
        let failure = failure.expect_err("the secret is another");
        assert_eq!(failure.class, Class::Credentials, "{failure}");
    }
}

/// Every kind of trouble, with what was made invisible for three seconds, and a console that is killed meanwhile.
#[tokio::test]
async fn nothing_is_made_twice_nothing_is_lost_and_nothing_gets_stuck() {
    let settle = Duration::from_secs(3);
    let mut town = Town::new(&Settings { settle, ..quick() }).await;
    let vpc = town.peer_vpc(HOME, "10.30.0.0/16").await;
    let changes = [
        "CreateVpc",
        "CreateSubnet",
        "CreateRouteTable",
        "AssociateRouteTable",
        "CreateSecurityGroup",
        "CreateVpcPeeringConnection",
        "CreateRoute",
        "AuthorizeSecurityGroupIngress",
        "DeleteRoute",
        "RevokeSecurityGroupIngress",
        "DeleteVpcPeeringConnection",
        "DeleteSubnet",
        "DeleteVpc",
    ];
    for action in changes {
        let ours = |fault: Fault| fault.for_side(Side::Ours);
        for fault in [
            ours(Fault::refuse(action, 503, "RequestLimitExceeded")),
            ours(Fault::refuse(action, 500, "InternalError")).after_apply(),
            ours(Fault::once(action, Effect::Lose)).after_apply(),
            ours(Fault::once(action, Effect::Delay { ms: 400 })).after_apply(),
        ] {
            town.clouds.aws.add_fault(fault).await.expect("the rule is kept");
        }
    }
    for action in ["DescribeVpcs", "DescribeVpcPeeringConnections", "DescribeRouteTables"] {
        for fault in [Fault::refuse(action, 503, "Unavailable").times(3), Fault::refuse(action, 400, "ExpiredToken")] {
            town.clouds.aws.add_fault(fault.for_side(Side::Ours)).await.expect("the rule is kept");
        }
    }
    let id = town.connect(&vpc, None);
    let report = town.until_state(id, "pending-acceptance").await;
    town.restart().await;
    town.peer_does("AcceptVpcPeeringConnection", HOME, &report, id).await;
    let range = [net("10.30.0.0/16")];
    town.console
        .until(|report| report.connections[&id].routed == range && report.connections[&id].opened == range)
        .await;
    assert_eq!(town.count("DescribeVpcs", "vpcId").await, 1);
    assert_eq!(town.count("DescribeVpcPeeringConnections", "vpcPeeringConnectionId").await, 1);
    town.restart().await;
    town.console.wish.connections[0].present = false;
    town.console.wish.present = false;
    town.console
        .until(|report| {
            report.network.standing == NetworkStanding::Absent
                && report.connections.values().all(|told| told.state.is_none())
        })
        .await;
    assert_eq!(town.count("DescribeVpcs", "vpcId").await, 0);
}
