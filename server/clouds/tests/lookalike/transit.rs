//! Transit gateways that one account shares with the other.

use std::time::Duration;

use clouds::lookalike::{Effect, Fault};
use serde_json::{Value, json};

use super::{Town, signed::Answer};

struct Shared {
    town: Town,
    gateway: String,
    arn: String,
    vpc: String,
    subnet: String,
}

fn parsed(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

impl Shared {
    async fn new() -> Self {
        let town = Town::new().await;
        let gateway = town.theirs.ec2("CreateTransitGateway", &[("Description", "hub")]).await;
        let (gateway, arn) = (gateway.ok("transitGatewayId"), gateway.ok("transitGatewayArn"));
        let share = json!({ "name": "hub", "resourceArns": [arn], "principals": [town.ours.account] });
        parsed(&town.theirs.ram("/createresourceshare", &share).await);
        let vpc = town.ours.vpc("10.20.0.0/16").await;
        let fields = [("VpcId", vpc.as_str()), ("CidrBlock", "10.20.0.0/24")];
        let subnet = town.ours.ec2("CreateSubnet", &fields).await.ok("subnetId");
        Self { town, gateway, arn, vpc, subnet }
    }

    async fn attach(&self) -> Answer {
        let fields = [("TransitGatewayId", self.gateway.as_str()), ("VpcId", &self.vpc), ("SubnetIds.1", &self.subnet)];
        self.town.ours.ec2("CreateTransitGatewayVpcAttachment", &fields).await
    }

    async fn invitation(&self) -> Value {
        let answer = parsed(&self.town.ours.ram("/getresourceshareinvitations", &json!({})).await);
        answer["resourceShareInvitations"][0].clone()
    }

    async fn accept_invitation(&self) -> Answer {
        let arn = self.invitation().await["resourceShareInvitationArn"].clone();
        self.town.ours.ram("/acceptresourceshareinvitation", &json!({ "resourceShareInvitationArn": arn })).await
    }

    async fn state(&self) -> Option<String> {
        let seen = self.town.ours.ec2("DescribeTransitGatewayVpcAttachments", &[]).await;
        seen.ok("requestId");
        seen.text("state")
    }
}

const ATTACHMENT: &str = "TransitGatewayAttachmentId";

#[tokio::test]
async fn a_gateway_is_unknown_until_its_invitation_was_accepted() {
    let shared = Shared::new().await;
    assert_eq!(shared.attach().await.code(), "InvalidTransitGatewayID.NotFound");
    let invitation = shared.invitation().await;
    assert_eq!(invitation["status"], "PENDING");
    assert_eq!(invitation["senderAccountId"], shared.town.theirs.account);
    assert_eq!(parsed(&shared.accept_invitation().await)["resourceShareInvitation"]["status"], "ACCEPTED");
    let again = shared.accept_invitation().await;
    assert_eq!(again.status, 400);
    let seen = shared.town.ours.ec2("DescribeTransitGateways", &[]).await;
    assert_eq!((seen.ok("transitGatewayId"), seen.ok("transitGatewayArn")), (shared.gateway, shared.arn));
}

#[tokio::test]
async fn an_attachment_waits_for_the_gateways_owner_and_then_routes() {
    let shared = Shared::new().await;
    shared.accept_invitation().await;
    let made = shared.attach().await;
    assert_eq!(made.ok("state"), "initiatingRequest");
    let id = made.ok("transitGatewayAttachmentId");
    assert_eq!(shared.state().await.as_deref(), Some("pendingAcceptance"));
    let theirs = &shared.town.theirs;
    let table = shared.town.ours.ec2("DescribeRouteTables", &[]).await.ok("routeTableId");
    let route = [
        ("RouteTableId", table.as_str()),
        ("DestinationCidrBlock", "10.99.0.0/16"),
        ("TransitGatewayId", shared.gateway.as_str()),
    ];
    assert_eq!(shared.town.ours.ec2("CreateRoute", &route).await.code(), "InvalidTransitGatewayID.NotFound");
    let ours = shared.town.ours.ec2("AcceptTransitGatewayVpcAttachment", &[(ATTACHMENT, &id)]).await;
    assert_eq!(ours.code(), "UnauthorizedOperation");
    theirs.ec2("AcceptTransitGatewayVpcAttachment", &[(ATTACHMENT, &id)]).await.ok("state");
    assert_eq!(shared.state().await.as_deref(), Some("available"));
    shared.town.ours.ec2("CreateRoute", &route).await.ok("return");
    assert_eq!(shared.attach().await.code(), "DuplicateTransitGatewayAttachment");
    theirs.ec2("DeleteTransitGatewayVpcAttachment", &[(ATTACHMENT, &id)]).await.ok("state");
    assert_eq!(shared.state().await.as_deref(), Some("deleted"));
    let seen = shared.town.ours.ec2("DescribeRouteTables", &[("RouteTableId.1", &table)]).await;
    assert!(seen.body.contains("<state>blackhole</state>"), "{}", seen.body);
    shared.town.pass(Duration::from_secs(2 * 3600)).await;
    assert_eq!(shared.state().await, None);
}

#[tokio::test]
async fn an_attachment_can_be_rejected_or_fail() {
    let shared = Shared::new().await;
    shared.accept_invitation().await;
    let id = shared.attach().await.ok("transitGatewayAttachmentId");
    assert_eq!(shared.state().await.as_deref(), Some("pendingAcceptance"));
    shared.town.theirs.ec2("RejectTransitGatewayVpcAttachment", &[(ATTACHMENT, &id)]).await.ok("state");
    assert_eq!(shared.state().await.as_deref(), Some("rejected"));
    shared.town.pass(3 * super::DAY).await;
    let fails = Fault::refuse("TransitGatewayVpcAttachment/available", 400, "rollingBack");
    shared.town.clouds.aws.add_fault(fails).await.expect("it is kept");
    let slow = Fault::once("TransitGatewayVpcAttachment/rollingBack", Effect::Delay { ms: 60_000 });
    shared.town.clouds.aws.add_fault(slow).await.expect("it is kept");
    let id = shared.attach().await.ok("transitGatewayAttachmentId");
    assert_eq!(shared.state().await.as_deref(), Some("pendingAcceptance"));
    shared.town.theirs.ec2("AcceptTransitGatewayVpcAttachment", &[(ATTACHMENT, &id)]).await.ok("state");
    assert_eq!(shared.state().await.as_deref(), Some("rollingBack"));
    shared.town.pass(Duration::from_secs(60)).await;
    assert_eq!(shared.state().await.as_deref(), Some("failed"));
}

#[tokio::test]
async fn an_invitation_expires_after_seven_days() {
    let shared = Shared::new().await;
    shared.town.pass(7 * super::DAY).await;
    assert_eq!(shared.invitation().await["status"], "EXPIRED");
    assert_eq!(shared.accept_invitation().await.status, 400);
}
