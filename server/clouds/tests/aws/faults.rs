//! What goes wrong between here and the cloud: nothing is made twice, nothing is lost, nothing gets stuck.

use clouds::{
    Class, Cloud, NetworkStanding, Peer, Report,
    aws::{AwsAccount, AwsRole},
};

use super::{
    OURS, THEIRS, account, driver,
    gate::{Fault, Gate},
    keys,
    moto::Moto,
    reconciler::{Reconciler, net},
};

fn ours() -> AwsAccount {
    let role = AwsRole { arn: format!("arn:aws:iam::{OURS}:role/causeway"), external_id: None };
    AwsAccount { role: Some(role), ..account(keys("AKIAEXAMPLE", "wJalrXUtnFEMI")) }
}

async fn behind_a_gate() -> Option<(Moto, Gate)> {
    let moto = Moto::start(&[]).await?;
    let gate = Gate::before(&moto.base).await;
    Some((moto, gate))
}

fn is_ready(report: &Report) -> bool {
    report.network.standing == NetworkStanding::Ready
}

/// From nothing to active to nothing; whatever the gate does meanwhile.
async fn whole_life(moto: &Moto, gate: &Gate, restart_every: usize) {
    let peer = moto.peer_vpc("us-east-1", "10.30.0.0/16").await;
    let mut console = Reconciler::new(driver(ours(), &gate.base));
    let id = console.connect(Peer::AwsVpc { account: THEIRS.into(), vpc: peer, region: Some("us-east-1".into()) });
    let mut passes = 0;
    let mut pcx = None;
    let mut active = false;
    for _ in 0..600 {
        passes += 1;
        if restart_every > 0 && passes % restart_every == 0 {
            console = console.restarted(driver(ours(), &gate.base));
        }
        let Ok((report, _)) = console.pass().await else { continue };
        let told = &report.connections[&id];
        if pcx.is_none()
            && let Some(known) = told.identifiers.get("aws_vpc_peering_connection_id")
        {
            let accept = [("VpcPeeringConnectionId", known.as_str())];
            moto.ec2(THEIRS, "us-east-1", "AcceptVpcPeeringConnection", &accept).await;
            pcx = Some(known.clone());
        }
        if told.routed == [net("10.30.0.0/16")] && told.opened == [net("10.30.0.0/16")] {
            active = true;
            break;
        }
    }
    assert!(active, "it became active");
    assert_eq!(pcxs(moto).await, 1, "one connection was made");
    assert_eq!(moto.count("eu-west-1", "DescribeVpcs", "vpcId").await, 2, "one VPC was made, beside moto's own");
    console.wish.connections[0].present = false;
    console.wish.present = false;
    for pass in 0..600 {
        if let Ok((report, _)) = console.pass().await
            && report.network.standing == NetworkStanding::Absent
            && report.connections[&id].state.is_none()
        {
            gate.calm();
            console.quiet().await;
            assert_eq!(moto.count("eu-west-1", "DescribeVpcs", "vpcId").await, 1);
            return;
        }
        assert!(pass < 599, "it was deleted");
    }
}

async fn pcxs(moto: &Moto) -> usize {
    moto.count("eu-west-1", "DescribeVpcPeeringConnections", "vpcPeeringConnectionId").await
}

#[tokio::test]
async fn by_chance_everything_goes_wrong_and_all_comes_to_be_once() {
    for seed in 1..=4 {
        let Some((moto, gate)) = behind_a_gate().await else { return };
        gate.by_chance(seed, 0.25);
        whole_life(&moto, &gate, 0).await;
    }
}

#[tokio::test]
async fn a_vpc_whose_answer_was_lost_is_adopted() {
    for fault in [Fault::Lost, Fault::BrokenAfter] {
        let Some((moto, gate)) = behind_a_gate().await else { return };
        let mut console = Reconciler::new(driver(ours(), &gate.base));
        for action in ["CreateVpc", "CreateSubnet", "CreateRouteTable", "CreateSecurityGroup", "AssociateRouteTable"] {
            gate.once(action, fault);
        }
        console.until(is_ready).await;
        assert_eq!(gate.applied("CreateVpc"), 1, "{fault:?}");
        assert_eq!(gate.applied("CreateSubnet"), 3, "{fault:?}");
        assert_eq!(gate.applied("CreateRouteTable"), 1, "{fault:?}");
        assert_eq!(gate.applied("CreateSecurityGroup"), 1, "{fault:?}");
        console.quiet().await;
        drop(moto);
    }
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_is_adopted_even_by_a_console_that_was_killed() {
    for fault in [Fault::Lost, Fault::BrokenAfter] {
        let Some((moto, gate)) = behind_a_gate().await else { return };
        let peer = moto.peer_vpc("eu-west-1", "10.30.0.0/16").await;
        let mut console = Reconciler::new(driver(ours(), &gate.base));
        console.until(is_ready).await;
        let id = console.connect(Peer::AwsVpc { account: THEIRS.into(), vpc: peer, region: None });
        gate.once("CreateVpcPeeringConnection", fault);
        let _ = console.pass().await;
        let mut console = console.restarted(driver(ours(), &gate.base));
        let report = console.until(|report| report.connections[&id].state.is_some()).await;
        assert_eq!(report.connections[&id].state.as_deref(), Some("pending-acceptance"));
        assert_eq!(gate.asked("CreateVpcPeeringConnection"), 1, "{fault:?}");
        assert_eq!(pcxs(&moto).await, 1);
    }
}

#[tokio::test]
async fn what_was_made_and_is_not_visible_yet_is_not_made_again() {
    let Some((moto, gate)) = behind_a_gate().await else { return };
    let mut console = Reconciler::new(driver(ours(), &gate.base));
    let (_, failed) = console.pass().await.expect("the cloud can be read");
    assert!(failed.is_empty(), "{failed:?}");
    for _ in 0..3 {
        gate.once("DescribeVpcs", Fault::Stale);
        let (report, _) = console.pass().await.expect("the cloud can be read");
        assert_eq!(report.network.standing, NetworkStanding::Partial, "it may be there and not visible yet");
    }
    console.until(is_ready).await;
    assert_eq!(gate.asked("CreateVpc"), 1);
    drop(moto);
}

#[tokio::test]
async fn throttling_is_waited_out_within_a_call() {
    let Some((moto, gate)) = behind_a_gate().await else { return };
    let mut console = Reconciler::new(driver(ours(), &gate.base));
    gate.once("DescribeVpcs", Fault::Throttle);
    gate.once("DescribeVpcs", Fault::Broken);
    assert_eq!(console.look().await.network.standing, NetworkStanding::Absent);
    assert_eq!(gate.asked("DescribeVpcs"), 3);
    for _ in 0..3 {
        gate.once("DescribeVpcs", Fault::Throttle);
    }
    let failure = console.aws.observe(&console.wish).await.expect_err("the attempts are used up");
    assert_eq!((failure.class, failure.code.as_str()), (Class::Retry, "RequestLimitExceeded"));
    drop(moto);
}

#[tokio::test]
async fn a_throttled_creation_is_made_at_the_next_look() {
    let Some((moto, gate)) = behind_a_gate().await else { return };
    let mut console = Reconciler::new(driver(ours(), &gate.base));
    gate.once("CreateVpc", Fault::Throttle);
    assert_eq!(console.failures().await[0].1.class, Class::Retry);
    assert!(console.failures().await.is_empty());
    assert_eq!(gate.applied("CreateVpc"), 1);
    drop(moto);
}

#[tokio::test]
async fn expired_credentials_are_renewed_once() {
    let Some((moto, gate)) = behind_a_gate().await else { return };
    let mut console = Reconciler::new(driver(ours(), &gate.base));
    console.look().await;
    assert_eq!(gate.asked("AssumeRole"), 1);
    gate.once("DescribeVpcs", Fault::ExpiredToken);
    console.look().await;
    assert_eq!(gate.asked("AssumeRole"), 2);
    gate.once("DescribeVpcs", Fault::ExpiredToken);
    gate.once("DescribeVpcs", Fault::ExpiredToken);
    let failure = console.aws.observe(&console.wish).await.expect_err("new ones are refused too");
    assert_eq!(failure.class, Class::Credentials);
    assert_eq!(gate.asked("AssumeRole"), 3);
    let fixed = driver(account(keys("AKIAEXAMPLE", "wJalrXUtnFEMI")), &gate.base);
    gate.once("DescribeVpcs", Fault::ExpiredToken);
    let failure = fixed.observe(&console.wish).await.expect_err("given keys cannot be renewed");
    assert_eq!(failure.class, Class::Credentials);
    drop(moto);
}

#[tokio::test]
async fn a_console_that_is_killed_after_every_few_calls_gets_there_too() {
    let Some((moto, gate)) = behind_a_gate().await else { return };
    whole_life(&moto, &gate, 2).await;
}
