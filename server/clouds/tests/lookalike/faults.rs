//! What goes wrong by rule, and that each time is kept.

use std::time::{Duration, Instant};

use clouds::lookalike::{Effect, Fault, Side};

use super::Town;

const PCX: &str = "VpcPeeringConnectionId";

#[tokio::test]
async fn a_throttled_call_is_refused_as_often_as_the_rule_says_and_each_time_is_kept() {
    let town = Town::new().await;
    let effect = Effect::Refuse {
        status: 503,
        code: "RequestLimitExceeded".into(),
        message: "Request limit exceeded.".into(),
        retry_after: Some(2),
    };
    let rule = town.clouds.aws.add_fault(Fault::once("CreateVpc", effect).times(2)).await.expect("it is kept");
    for _ in 0..2 {
        let refused = town.ours.ec2("CreateVpc", &[("CidrBlock", "10.20.0.0/16")]).await;
        assert_eq!(refused.refused(), (503, "RequestLimitExceeded".into()));
        assert_eq!(refused.retry_after.as_deref(), Some("2"));
    }
    town.ours.vpc("10.20.0.0/16").await;
    assert_eq!(town.clouds.aws.faults().await, [], "it is spent");
    let uses = town.clouds.aws.uses().await.expect("they are kept");
    let told: Vec<_> = uses.iter().map(|used| (used.fault.as_str(), used.action.as_str())).collect();
    assert_eq!(told, [(rule.as_str(), "CreateVpc"), (rule.as_str(), "CreateVpc")]);
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_fact_leaves_the_fact() {
    let town = Town::new().await;
    let vpc = town.ours.vpc("10.20.0.0/16").await;
    let peer = town.theirs.vpc("10.30.0.0/16").await;
    let lost = Fault::once("CreateVpcPeeringConnection", Effect::Lose).after_apply();
    town.clouds.aws.add_fault(lost).await.expect("it is kept");
    let fields = [("VpcId", vpc.as_str()), ("PeerVpcId", &peer), ("PeerOwnerId", &town.theirs.account)];
    let answer = town.ours.query("ec2", "2016-11-15", "CreateVpcPeeringConnection", &fields).await;
    assert!(answer.is_err(), "{answer:?}");
    let made = town.ours.ec2("DescribeVpcPeeringConnections", &[]).await.ok("vpcPeeringConnectionId");
    assert_eq!(town.asked(&vpc, &peer).await, made, "and asking again finds it");
}

#[tokio::test]
async fn a_call_that_breaks_beforehand_does_nothing() {
    let town = Town::new().await;
    town.clouds.aws.add_fault(Fault::once("CreateVpc", Effect::Lose)).await.expect("it is kept");
    let fields = [("CidrBlock", "10.20.0.0/16")];
    assert!(town.ours.query("ec2", "2016-11-15", "CreateVpc", &fields).await.is_err());
    assert_eq!(town.ours.ec2("DescribeVpcs", &[]).await.text("vpcId"), None);
    town.clouds.aws.add_fault(Fault::refuse("CreateVpc", 500, "InternalError").after_apply()).await.expect("kept");
    assert_eq!(town.ours.ec2("CreateVpc", &fields).await.refused(), (500, "InternalError".into()));
    assert!(town.ours.ec2("DescribeVpcs", &[]).await.text("vpcId").is_some());
}

#[tokio::test]
async fn revoked_credentials_are_revoked_for_one_side() {
    let town = Town::new().await;
    let rule = Fault::refuse("*", 401, "AuthFailure").for_side(Side::Ours).times(u32::MAX);
    let rule = town.clouds.aws.add_fault(rule).await.expect("it is kept");
    assert_eq!(town.ours.ec2("DescribeVpcs", &[]).await.code(), "AuthFailure");
    assert_eq!(town.ours.sts("GetCallerIdentity", &[]).await.code(), "AuthFailure");
    town.theirs.ec2("DescribeVpcs", &[]).await.ok("vpcId");
    town.clouds.aws.remove_fault(&rule).await.expect("it goes");
    town.ours.ec2("DescribeVpcs", &[]).await.ok("requestId");
}

#[tokio::test]
async fn a_connection_can_be_stuck_in_provisioning() {
    let town = Town::new().await;
    let stuck = Fault::once("VpcPeeringConnection/provisioning", Effect::Lose);
    town.clouds.aws.add_fault(stuck).await.expect("it is kept");
    let (_, _, pcx) = town.pair().await;
    town.theirs.ec2("AcceptVpcPeeringConnection", &[(PCX, &pcx)]).await.ok("code");
    town.pass(Duration::from_secs(3600)).await;
    assert_eq!(town.status(&town.ours, &pcx).await, "provisioning");
}

#[tokio::test]
async fn a_slow_answer_is_overtaken_by_a_later_one() {
    let town = Town::new().await;
    let slow = Fault::once("DescribeVpcs", Effect::Delay { ms: 700 }).after_apply();
    town.clouds.aws.add_fault(slow).await.expect("it is kept");
    let began = Instant::now();
    let old = async {
        let answer = town.ours.ec2("DescribeVpcs", &[]).await;
        (began.elapsed(), answer.text("vpcId"))
    };
    let new = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        town.ours.vpc("10.20.0.0/16").await;
        let answer = town.ours.ec2("DescribeVpcs", &[]).await;
        (began.elapsed(), answer.text("vpcId"))
    };
    let (old, new) = tokio::join!(old, new);
    assert!(new.0 < old.0, "{new:?} {old:?}");
    assert!(new.1.is_some());
    assert_eq!(old.1, None, "it tells of the time before");
}
