//! What is of others in an account of ours: shares that nobody asked for, and things in a VPC that should go.

use clouds::{
    Class, Failure, NetworkStanding, Peer, Subject,
    lookalike::{Effect, Fault, Settings, Side},
};
use serde_json::{Value, json};

use super::{
    lookalike::{HOME, Town},
    moto::element,
};

async fn invitations(town: &Town) -> Vec<(String, String)> {
    let told = town.console.aws.ask_ram(HOME, "getresourceshareinvitations", &json!({})).await.expect("they are read");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let told = told["resourceShareInvitations"].as_array().expect("a list").iter();
    let mut told: Vec<_> = told.map(|one| (text(&one["resourceShareName"]), text(&one["status"]))).collect();
    told.sort();
    told
}

#[tokio::test]
async fn of_what_an_account_shares_only_the_gateway_that_was_asked_for_is_accepted() {
    let mut town = Town::new(&Settings::immediate()).await;
    let mut gateways = Vec::new();
    for name in ["another", "wanted"] {
        let made = town.peer.ask(HOME, "CreateTransitGateway", &[]).await.expect("the peer may");
        let (gateway, arn) = (element(&made, "transitGatewayId"), element(&made, "transitGatewayArn"));
        let share = json!({ "name": name, "resourceArns": [arn], "principals": [town.ours] });
        town.peer.ask_ram(HOME, "createresourceshare", &share).await.expect("the peer may share");
        gateways.push(gateway);
    }
    let nothing = json!({ "name": "empty", "resourceArns": [], "principals": [town.ours] });
    town.peer.ask_ram(HOME, "createresourceshare", &nothing).await.expect("the peer may share");
    let (account, gateway) = (town.theirs.clone(), gateways.remove(1));
    let id = town.console.connect(Peer::AwsTransitGateway { account, gateway });
    town.until_state(id, "pendingAcceptance").await;
    let pair = |name: &str, status: &str| (name.to_owned(), status.to_owned());
    let expected = [pair("another", "PENDING"), pair("empty", "PENDING"), pair("wanted", "ACCEPTED")];
    assert_eq!(invitations(&town).await, expected);
}

/// What the next passes say of the network.
async fn refusal(town: &mut Town) -> Failure {
    for _ in 0..20 {
        let failed = town.console.failures().await;
        if let Some((_, failure)) = failed.into_iter().find(|(of, _)| *of == Subject::Network) {
            return failure;
        }
    }
    panic!("it was not refused");
}

#[tokio::test]
async fn a_vpc_with_things_of_others_waits_for_them_names_them_and_then_goes() {
    let mut town = Town::new(&Settings::immediate()).await;
    town.console.until(|report| report.network.standing == NetworkStanding::Ready).await;
    let vpc = town.console.wish.reference["vpc_id"].as_str().expect("an id").to_owned();
    let ours = town.console.wish.reference["subnet_ids"][0].as_str().expect("an id").to_owned();
    let made = |answer: Result<String, Failure>, id: &str| element(&answer.expect("the operator may"), id);
    let aws = &town.console.aws;
    let range = [("VpcId", vpc.as_str()), ("CidrBlock", "10.20.3.0/25")];
    let subnet = made(aws.ask(HOME, "CreateSubnet", &range).await, "subnetId");
    let table = made(aws.ask(HOME, "CreateRouteTable", &[("VpcId", &vpc)]).await, "routeTableId");
    let named = [("VpcId", vpc.as_str()), ("GroupName", "office"), ("GroupDescription", "theirs")];
    let group = made(aws.ask(HOME, "CreateSecurityGroup", &named).await, "groupId");
    let gateway = made(aws.ask(HOME, "CreateInternetGateway", &[]).await, "internetGatewayId");
    let attached = [("InternetGatewayId", gateway.as_str()), ("VpcId", &vpc)];
    aws.ask(HOME, "AttachInternetGateway", &attached).await.expect("the operator may");
    let run = [("ImageId", "ami-1"), ("SubnetId", ours.as_str()), ("MinCount", "1"), ("MaxCount", "1")];
    let instance = made(aws.ask(HOME, "RunInstances", &run).await, "instanceId");

    town.console.wish.present = false;
    let failure = refusal(&mut town).await;
    assert_eq!(failure.class, Class::Operator, "{failure}");
    for id in [&subnet, &table, &group, &gateway, &instance] {
        assert!(failure.message.contains(id.as_str()), "{id}: {failure}");
    }
    assert!(failure.message.contains(&format!("Delete this in the AWS account {}", town.ours)), "{failure}");
    assert!(!failure.message.contains(&ours), "our own subnet is in nobody's way: {failure}");
    // What runs there runs on: nothing was taken from around it.
    assert_eq!(town.console.made("Disassociate") + town.console.made("Delete"), 0);
    let told = town.console.look().await;
    assert_eq!(told.network.standing, NetworkStanding::Ready);

    let aws = &town.console.aws;
    aws.ask(HOME, "TerminateInstances", &[("InstanceId.1", &instance)]).await.expect("the operator may");
    aws.ask(HOME, "DetachInternetGateway", &attached).await.expect("the operator may");
    for (action, key, id) in [
        ("DeleteSubnet", "SubnetId", &subnet),
        ("DeleteRouteTable", "RouteTableId", &table),
        ("DeleteSecurityGroup", "GroupId", &group),
    ] {
        aws.ask(HOME, action, &[(key, id)]).await.expect("the operator may");
    }
    town.console.until(|report| report.network.standing == NetworkStanding::Absent).await;
}

async fn own_gateway(town: &Town) -> String {
    let made = town.console.aws.ask(HOME, "CreateTransitGateway", &[]).await.expect("the operator may");
    element(&made, "transitGatewayId")
}

#[tokio::test]
async fn an_attachment_that_the_console_has_forgotten_goes_with_its_vpc() {
    let mut town = Town::new(&Settings::immediate()).await;
    let gateway = own_gateway(&town).await;
    town.console.until(|report| report.network.standing == NetworkStanding::Ready).await;
    let lost = Fault::once("CreateTransitGatewayVpcAttachment", Effect::Lose).after_apply().for_side(Side::Ours);
    town.clouds.aws.add_fault(lost).await.expect("the rule is kept");
    let id = town.console.connect(Peer::AwsTransitGateway { account: town.ours.clone(), gateway });
    let failed = town.console.failures().await;
    assert!(failed.iter().any(|(of, _)| *of == Subject::Connection(id)), "the answer was lost: {failed:?}");
    town.console.wish.connections.clear();
    let read = town.console.aws.ask(HOME, "DescribeTransitGatewayVpcAttachments", &[]).await.expect("it is read");
    let attachment = element(&read, "transitGatewayAttachmentId");
    assert!(attachment.starts_with("tgw-attach-"), "{read}");

    town.console.wish.present = false;
    for _ in 0..20 {
        let (report, failed) = town.console.pass().await.expect("the cloud can be read");
        let told = failed.iter().find(|(_, failure)| failure.class == Class::Operator);
        assert!(told.is_none(), "nobody has to help: {told:?}");
        if report.network.standing == NetworkStanding::Absent {
            assert_eq!(town.console.made("Detach"), 1);
            return;
        }
    }
    panic!("the VPC stayed");
}

#[tokio::test]
async fn an_attachment_of_others_is_named_as_one_and_not_as_an_interface_that_nobody_can_delete() {
    let mut town = Town::new(&Settings::immediate()).await;
    let gateway = own_gateway(&town).await;
    town.console.until(|report| report.network.standing == NetworkStanding::Ready).await;
    let vpc = town.console.wish.reference["vpc_id"].as_str().expect("an id").to_owned();
    let subnet = town.console.wish.reference["subnet_ids"][0].as_str().expect("an id").to_owned();
    let ask = [("TransitGatewayId", gateway.as_str()), ("VpcId", &vpc), ("SubnetIds.1", &subnet)];
    let made = town.console.aws.ask(HOME, "CreateTransitGatewayVpcAttachment", &ask).await.expect("the operator may");
    let attachment = element(&made, "transitGatewayAttachmentId");
    let named = format!("not made by Causeway: transit gateway attachment {attachment}");

    town.console.wish.present = false;
    let failure = refusal(&mut town).await;
    assert!(failure.message.contains(&format!("{named} ({gateway}). Delete this")), "{failure}");
    // Where the console may not list attachments, the interface tells of it.
    let denied = Fault::refuse("DescribeTransitGatewayVpcAttachments", 403, "UnauthorizedOperation");
    town.clouds.aws.add_fault(denied.for_side(Side::Ours)).await.expect("the rule is kept");
    let failure = refusal(&mut town).await;
    assert!(failure.message.contains(&format!("{named}. Delete this")), "{failure}");
    assert_eq!(town.console.made("Detach") + town.console.made("Delete"), 0);

    let detach = [("TransitGatewayAttachmentId", attachment.as_str())];
    town.console.aws.ask(HOME, "DeleteTransitGatewayVpcAttachment", &detach).await.expect("the operator may");
    town.console.until(|report| report.network.standing == NetworkStanding::Absent).await;
}
