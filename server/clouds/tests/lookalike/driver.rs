//! Our own driver, unchanged, against the look-alike: what it does to the real EC2 it does here.

use std::time::Duration;

use clouds::{
    NetworkStanding, Peer, Report,
    aws::{Aws, AwsAccount, AwsEndpoints, AwsKeys},
    http::Http,
    lookalike::{Effect, Fault, Settings, Side},
};
use reqwest::Url;
use serde_json::json;
use uuid::Uuid;

use super::{
    AWAY, HOME, Town,
    reconciler::{Reconciler, net},
};

/// A console whose cloud answers as slowly and as consistently as these settings say.
async fn console(settings: &Settings) -> (Town, Reconciler) {
    let town = Town::paced(settings).await;
    let keys = town.clouds.aws.account(Side::Ours).await;
    let account = AwsAccount {
        keys: AwsKeys::Given {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key,
            session_token: None,
        },
        role: None,
        region: HOME.into(),
    };
    let url = Url::parse(&town.clouds.aws.url()).expect("a URL");
    let own = || Some(url.clone());
    let endpoints = AwsEndpoints { ec2: own(), sts: own(), ram: own(), elb: own() };
    let aws = Aws::new(account, endpoints, Http::new(3).expect("a client")).settling(Duration::from_secs(2));
    (town, Reconciler::new(aws))
}

fn brisk() -> Settings {
    let delay = Duration::from_millis(50)..=Duration::from_millis(300);
    Settings { delay, settle: Duration::from_millis(400), ..Settings::immediate() }
}

fn is(id: Uuid, state: &str) -> impl Fn(&Report) -> bool {
    let state = state.to_owned();
    move |report: &Report| report.connections[&id].state.as_deref() == Some(&*state)
}

fn known(report: &Report, id: Uuid, name: &str) -> String {
    report.connections[&id].identifiers.get(name).cloned().unwrap_or_else(|| panic!("no {name} in {report:?}"))
}

#[tokio::test]
async fn a_connection_across_regions_lives_from_request_to_deletion_by_the_peer() {
    let (town, mut console) = console(&brisk()).await;
    let away = town.theirs.at(AWAY);
    let peer = away.vpc("10.30.0.0/16").await;
    let id =
        console.connect(Peer::AwsVpc { account: town.theirs.account.clone(), vpc: peer, region: Some(AWAY.into()) });
    let report = console.until(is(id, "pending-acceptance")).await;
    assert_eq!(report.connections[&id].peer_ranges, None, "nobody knows the peer's ranges yet");
    let pcx = known(&report, id, "aws_vpc_peering_connection_id");
    away.ec2("AcceptVpcPeeringConnection", &[("VpcPeeringConnectionId", &pcx)]).await.ok("code");
    let range = net("10.30.0.0/16");
    let done = move |report: &Report| {
        let told = &report.connections[&id];
        told.state.as_deref() == Some("active") && told.routed == [range] && told.opened == [range]
    };
    console.until(done).await;
    console.quiet().await;
    away.ec2("DeleteVpcPeeringConnection", &[("VpcPeeringConnectionId", &pcx)]).await.ok("return");
    console.until(is(id, "deleted")).await;
    console.wish.connections[0].present = false;
    console.wish.present = false;
    console.until(|report| report.network.standing == NetworkStanding::Absent).await;
    let left = town.ours.ec2("DescribeVpcs", &[]).await;
    assert_eq!(left.text("vpcId"), None, "{}", left.body);
}

#[tokio::test]
async fn overlapping_ranges_are_told_as_the_cloud_tells_them() {
    let (town, mut console) = console(&brisk()).await;
    let peer = town.theirs.vpc("10.20.0.0/16").await;
    let id = console.connect(Peer::AwsVpc { account: town.theirs.account.clone(), vpc: peer, region: None });
    let report = console.until(is(id, "failed")).await;
    assert!(report.connections[&id].message.contains("overlapping CIDR range"), "{report:?}");
}

#[tokio::test]
async fn lost_answers_and_slow_consistency_make_nothing_twice() {
    let settings = Settings { settle: Duration::from_secs(1), ..brisk() };
    let (town, mut console) = console(&settings).await;
    let peer = town.theirs.vpc("10.30.0.0/16").await;
    for action in ["CreateVpc", "CreateSubnet", "CreateRouteTable", "CreateSecurityGroup", "CreateVpcPeeringConnection"]
    {
        let rule = Fault::once(action, Effect::Lose).after_apply().for_side(Side::Ours);
        town.clouds.aws.add_fault(rule).await.expect("it is kept");
        let rule = Fault::refuse(action, 503, "RequestLimitExceeded").for_side(Side::Ours);
        town.clouds.aws.add_fault(rule).await.expect("it is kept");
    }
    let id = console.connect(Peer::AwsVpc { account: town.theirs.account.clone(), vpc: peer, region: None });
    console.until(is(id, "pending-acceptance")).await;
    console.quiet().await;
    assert_eq!(town.ours.ec2("DescribeVpcs", &[]).await.texts("isDefault").len(), 1);
    let seen = town.ours.ec2("DescribeVpcPeeringConnections", &[]).await;
    assert_eq!(seen.texts("vpcPeeringConnectionId").len(), 1);
    assert_eq!(town.ours.ec2("DescribeSubnets", &[]).await.texts("subnetId").len(), 3);
}

#[tokio::test]
async fn a_shared_transit_gateway_is_joined_and_left() {
    let (town, mut console) = console(&brisk()).await;
    let gateway = town.theirs.ec2("CreateTransitGateway", &[("Description", "hub")]).await;
    let share = json!({
        "name": "hub", "resourceArns": [gateway.ok("transitGatewayArn")], "principals": [town.ours.account],
    });
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(town.theirs.ram("/createresourceshare", &share).await.status, 200);
    let id = console.connect(Peer::AwsTransitGateway {
        account: town.theirs.account.clone(),
        gateway: gateway.ok("transitGatewayId"),
    });
    let range = net("10.99.0.0/16");
    console.wish.connections[0].ranges = vec![range];
    let report = console.until(is(id, "pendingAcceptance")).await;
    let attachment = known(&report, id, "aws_tgw_vpc_attachment_id");
    let accept = [("TransitGatewayAttachmentId", attachment.as_str())];
    town.theirs.ec2("AcceptTransitGatewayVpcAttachment", &accept).await.ok("state");
    let done = move |report: &Report| {
        let told = &report.connections[&id];
        told.state.as_deref() == Some("available") && told.routed == [range] && told.opened == [range]
    };
    console.until(done).await;
    console.wish.connections[0].present = false;
    console.wish.present = false;
    console.until(|report| report.network.standing == NetworkStanding::Absent).await;
}
