//! Peering connections with EC2's manners, and what else a VPC has.

use std::time::Duration;

use clouds::lookalike::Settings;

use super::{AWAY, DAY, Town};

const ACCEPT: &str = "AcceptVpcPeeringConnection";
const DESCRIBE: &str = "DescribeVpcPeeringConnections";
const DELETE: &str = "DeleteVpcPeeringConnection";
const PCX: &str = "VpcPeeringConnectionId";

#[tokio::test]
async fn a_request_is_made_accepted_and_active_in_its_own_time() {
    let town = Town::slow(Duration::from_secs(60)).await;
    let (_, _, pcx) = town.pair().await;
    assert_eq!(town.status(&town.ours, &pcx).await, "initiating-request");
    town.pass(Duration::from_secs(59)).await;
    assert_eq!(town.status(&town.ours, &pcx).await, "initiating-request", "it is not hurried by looking");
    town.pass(Duration::from_secs(2)).await;
    assert_eq!(town.status(&town.ours, &pcx).await, "pending-acceptance");
    assert_eq!(town.theirs.ec2(ACCEPT, &[(PCX, &pcx)]).await.ok("code"), "provisioning");
    town.pass(Duration::from_secs(61)).await;
    assert_eq!(town.status(&town.theirs, &pcx).await, "active");
    town.ours.ec2(DELETE, &[(PCX, &pcx)]).await.ok("return");
    assert_eq!(town.status(&town.theirs, &pcx).await, "deleting");
    town.pass(Duration::from_secs(61)).await;
    assert_eq!(town.status(&town.theirs, &pcx).await, "deleted");
}

#[tokio::test]
async fn what_fell_due_while_nobody_looked_happened_at_its_time() {
    let town = Town::slow(Duration::from_secs(60)).await;
    let (_, _, pcx) = town.pair().await;
    town.pass(8 * DAY).await;
    assert_eq!(town.status(&town.ours, &pcx).await, "expired");
    town.pass(DAY).await;
    let seen = town.ours.ec2(DESCRIBE, &[("VpcPeeringConnectionId.1", &pcx)]).await;
    assert_eq!(seen.code(), "InvalidVpcPeeringConnectionID.NotFound", "two days after the seventh day");
}

#[tokio::test]
async fn ranges_are_told_only_while_a_connection_is_active() {
    let town = Town::new().await;
    let (_, peer, pcx) = town.pair().await;
    let pending = town.ours.ec2(DESCRIBE, &[]).await;
    assert_eq!(pending.text("cidrBlock"), None);
    assert!(pending.text("expirationTime").is_some());
    town.theirs.ec2(ACCEPT, &[(PCX, &pcx)]).await.ok("code");
    town.theirs.ec2("AssociateVpcCidrBlock", &[("VpcId", &peer), ("CidrBlock", "10.31.0.0/16")]).await.ok("vpcId");
    let active = town.ours.ec2(DESCRIBE, &[]).await;
    for range in ["10.20.0.0/16", "10.30.0.0/16", "10.31.0.0/16"] {
        assert!(active.texts("cidrBlock").iter().any(|told| told == range), "{}", active.body);
    }
}

#[tokio::test]
async fn overlapping_ranges_get_an_id_and_fail_afterwards() {
    let town = Town::slow(Duration::from_secs(5)).await;
    let vpc = town.ours.vpc("10.20.0.0/16").await;
    let peer = town.theirs.vpc("10.20.128.0/20").await;
    let pcx = town.asked(&vpc, &peer).await;
    town.pass(Duration::from_secs(6)).await;
    let seen = town.ours.ec2(DESCRIBE, &[]).await;
    assert_eq!(seen.ok("code"), "failed");
    assert_eq!(seen.ok("message"), "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range");
    let deleted = town.ours.ec2(DELETE, &[(PCX, &pcx)]).await;
    assert_eq!(deleted.refused(), (400, "InvalidStateTransition".into()));
    let theirs = town.theirs.ec2(DESCRIBE, &[("VpcPeeringConnectionId.1", &pcx)]).await;
    assert_eq!(theirs.code(), "InvalidVpcPeeringConnectionID.NotFound");
    town.pass(Duration::from_secs(2 * 3600)).await;
    assert_eq!(town.ours.ec2(DESCRIBE, &[]).await.text("code"), None, "it vanishes after two hours");
}

#[tokio::test]
async fn a_vpc_that_is_not_there_gets_an_id_and_fails_afterwards() {
    let town = Town::new().await;
    let vpc = town.ours.vpc("10.20.0.0/16").await;
    let pcx = town.asked(&vpc, "vpc-0123456789abcdef0").await;
    assert_eq!(town.status(&town.ours, &pcx).await, "failed");
}

#[tokio::test]
async fn asking_for_the_same_pair_again_is_asking_for_the_same_connection() {
    let town = Town::new().await;
    let (vpc, peer, pcx) = town.pair().await;
    assert_eq!(town.asked(&vpc, &peer).await, pcx);
    town.theirs.ec2("RejectVpcPeeringConnection", &[(PCX, &pcx)]).await.ok("return");
    assert_eq!(town.status(&town.ours, &pcx).await, "rejected");
    assert_eq!(town.ours.ec2(DELETE, &[(PCX, &pcx)]).await.code(), "InvalidStateTransition");
    assert_ne!(town.asked(&vpc, &peer).await, pcx, "a rejected one is over");
}

#[tokio::test]
async fn the_reverse_of_a_live_connection_cannot_be_accepted() {
    let town = Town::new().await;
    let (vpc, peer, _) = town.joined().await;
    let fields = [("VpcId", peer.as_str()), ("PeerVpcId", &vpc), ("PeerOwnerId", &town.ours.account)];
    let reverse = town.theirs.ec2("CreateVpcPeeringConnection", &fields).await.ok("vpcPeeringConnectionId");
    let accepted = town.ours.ec2(ACCEPT, &[(PCX, &reverse)]).await;
    assert_eq!(accepted.code(), "VpcPeeringConnectionAlreadyExists");
}

#[tokio::test]
async fn only_the_peer_accepts_and_in_its_own_region() {
    let town = Town::new().await;
    let vpc = town.ours.vpc("10.20.0.0/16").await;
    let away = town.theirs.at(AWAY);
    let peer = away.vpc("10.30.0.0/16").await;
    let fields =
        [("VpcId", vpc.as_str()), ("PeerVpcId", &peer), ("PeerOwnerId", &town.theirs.account), ("PeerRegion", AWAY)];
    let pcx = town.ours.ec2("CreateVpcPeeringConnection", &fields).await.ok("vpcPeeringConnectionId");
    assert_eq!(town.status(&town.ours, &pcx).await, "pending-acceptance");
    assert_eq!(town.ours.ec2(ACCEPT, &[(PCX, &pcx)]).await.code(), "OperationNotPermitted");
    let elsewhere = town.theirs.ec2(ACCEPT, &[(PCX, &pcx)]).await;
    assert_eq!(elsewhere.code(), "InvalidVpcPeeringConnectionID.NotFound");
    away.ec2(ACCEPT, &[(PCX, &pcx)]).await.ok("code");
    assert_eq!(town.status(&away, &pcx).await, "active");
    assert_eq!(away.ec2(ACCEPT, &[(PCX, &pcx)]).await.code(), "InvalidStateTransition");
}

#[tokio::test]
async fn a_pending_request_is_withdrawn_by_who_asked_only() {
    let town = Town::new().await;
    let (_, _, pcx) = town.pair().await;
    assert_eq!(town.status(&town.theirs, &pcx).await, "pending-acceptance");
    assert_eq!(town.theirs.ec2(DELETE, &[(PCX, &pcx)]).await.code(), "OperationNotPermitted");
    town.ours.ec2(DELETE, &[(PCX, &pcx)]).await.ok("return");
    let seen = town.ours.ec2(DESCRIBE, &[]).await;
    assert_eq!(seen.ok("message"), format!("Deleted by {}", town.ours.account));
}

#[tokio::test]
async fn what_was_just_made_is_known_a_moment_later() {
    let settings = Settings { settle: Duration::from_secs(3), ..Settings::immediate() };
    let town = Town::paced(&settings).await;
    let vpc = town.ours.vpc("10.20.0.0/16").await;
    let seen = town.ours.ec2("DescribeVpcs", &[("VpcId.1", &vpc)]).await;
    assert_eq!(seen.refused(), (400, "InvalidVpcID.NotFound".into()));
    assert_eq!(town.ours.ec2("DescribeVpcs", &[]).await.text("vpcId"), None);
    town.pass(Duration::from_secs(3)).await;
    assert_eq!(town.ours.ec2("DescribeVpcs", &[("VpcId.1", &vpc)]).await.ok("state"), "available");
}

#[tokio::test]
async fn a_route_through_a_connection_that_the_peer_deleted_is_a_black_hole() {
    let town = Town::new().await;
    let (vpc, _, pcx) = town.joined().await;
    let table = town.ours.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok("routeTableId");
    let route = [("RouteTableId", table.as_str()), ("DestinationCidrBlock", "10.30.0.0/16"), (PCX, &pcx)];
    town.ours.ec2("CreateRoute", &route).await.ok("return");
    assert_eq!(town.ours.ec2("CreateRoute", &route).await.code(), "RouteAlreadyExists");
    let states = async || {
        let seen = town.ours.ec2("DescribeRouteTables", &[("RouteTableId.1", &table)]).await;
        let routes = seen.body.split("<routeSet>").nth(1).expect("routes").split("</routeSet>").next();
        let routes = routes.expect("routes").to_owned();
        (routes.matches("<state>active</state>").count(), routes.matches("<state>blackhole</state>").count())
    };
    assert_eq!(states().await, (2, 0), "the local route and the new one");
    town.theirs.ec2(DELETE, &[(PCX, &pcx)]).await.ok("return");
    assert_eq!(states().await, (1, 1));
    town.ours.ec2("DeleteRoute", &route[..2]).await.ok("return");
    assert_eq!(town.ours.ec2("DeleteRoute", &route[..2]).await.code(), "InvalidRoute.NotFound");
    assert_eq!(town.ours.ec2("ReplaceRoute", &route).await.code(), "InvalidParameterValue");
}

#[tokio::test]
async fn a_vpc_with_anything_in_it_is_not_deleted() {
    let town = Town::new().await;
    let (vpc, _, pcx) = town.joined().await;
    let delete = async || town.ours.ec2("DeleteVpc", &[("VpcId", &vpc)]).await;
    assert_eq!(delete().await.code(), "DependencyViolation");
    town.ours.ec2(DELETE, &[(PCX, &pcx)]).await.ok("return");
    assert_eq!(town.status(&town.ours, &pcx).await, "deleted");
    let fields = [("VpcId", vpc.as_str()), ("CidrBlock", "10.20.1.0/24")];
    let subnet = town.ours.ec2("CreateSubnet", &fields).await.ok("subnetId");
    assert_eq!(delete().await.code(), "DependencyViolation");
    town.ours.ec2("DeleteSubnet", &[("SubnetId", &subnet)]).await.ok("return");
    let fields = [("VpcId", vpc.as_str()), ("GroupName", "peers"), ("GroupDescription", "from peers")];
    let group = town.ours.ec2("CreateSecurityGroup", &fields).await.ok("groupId");
    assert_eq!(delete().await.code(), "DependencyViolation");
    town.ours.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.ok("return");
    delete().await.ok("return");
    assert_eq!(delete().await.code(), "InvalidVpcID.NotFound");
    assert_eq!(town.ours.ec2("DescribeRouteTables", &[]).await.text("routeTableId"), None, "its main table went too");
}

#[tokio::test]
async fn a_rule_is_authorized_once_and_revoked_once() {
    let town = Town::new().await;
    let vpc = town.ours.vpc("10.20.0.0/16").await;
    let fields = [("VpcId", vpc.as_str()), ("GroupName", "peers"), ("GroupDescription", "from peers")];
    let group = town.ours.ec2("CreateSecurityGroup", &fields).await.ok("groupId");
    assert_eq!(town.ours.ec2("CreateSecurityGroup", &fields).await.code(), "InvalidGroup.Duplicate");
    let rule = [
        ("GroupId", group.as_str()),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "5432"),
        ("IpPermissions.1.ToPort", "5432"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "10.30.0.0/16"),
        ("IpPermissions.1.IpRanges.1.Description", "beta"),
    ];
    town.ours.ec2("AuthorizeSecurityGroupIngress", &rule).await.ok("securityGroupRuleId");
    let again = town.ours.ec2("AuthorizeSecurityGroupIngress", &rule).await;
    assert_eq!(again.code(), "InvalidPermission.Duplicate");
    let seen = town.ours.ec2("DescribeSecurityGroups", &[("GroupId.1", &group)]).await;
    assert_eq!((seen.ok("cidrIp"), seen.ok("fromPort")), ("10.30.0.0/16".into(), "5432".into()));
    town.ours.ec2("RevokeSecurityGroupIngress", &rule).await.ok("return");
    assert_eq!(town.ours.ec2("RevokeSecurityGroupIngress", &rule).await.code(), "InvalidPermission.NotFound");
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let town = Town::new().await;
    let answer = town.ours.ec2("CreateVpc", &[("CidrBlock", "10.20.0.0/16"), ("DryRun", "true")]).await;
    assert_eq!(answer.refused(), (412, "DryRunOperation".into()));
    assert_eq!(town.ours.ec2("DescribeVpcs", &[]).await.text("vpcId"), None);
}

#[tokio::test]
async fn lists_are_filtered_and_told_page_by_page() {
    let town = Town::new().await;
    let mut made = Vec::new();
    for index in 0..12 {
        let (cidr, name) = (format!("10.{index}.0.0/16"), if index == 7 { "alpha" } else { "beta" });
        let fields = [
            ("CidrBlock", cidr.as_str()),
            ("TagSpecification.1.ResourceType", "vpc"),
            ("TagSpecification.1.Tag.1.Key", "Name"),
            ("TagSpecification.1.Tag.1.Value", name),
        ];
        made.push(town.ours.ec2("CreateVpc", &fields).await.ok("vpcId"));
    }
    let filter = [("Filter.1.Name", "tag:Name"), ("Filter.1.Value.1", "alph?")];
    assert_eq!(town.ours.ec2("DescribeVpcs", &filter).await.texts("vpcId"), [made[7].clone()]);
    let unknown = [("Filter.1.Name", "colour"), ("Filter.1.Value.1", "red")];
    assert_eq!(town.ours.ec2("DescribeVpcs", &unknown).await.code(), "InvalidParameterValue");
    let (mut seen, mut token) = (Vec::new(), None::<String>);
    for _ in 0..3 {
        let mut fields = vec![("MaxResults", "5")];
        fields.extend(token.as_deref().map(|token| ("NextToken", token)));
        let page = town.ours.ec2("DescribeVpcs", &fields).await;
        seen.extend(page.texts("vpcId"));
        token = page.text("nextToken");
    }
    assert_eq!(token, None);
    made.sort();
    assert_eq!(seen, made);
    assert_eq!(town.ours.ec2("DescribeVpcs", &[("MaxResults", "3")]).await.code(), "InvalidParameterValue");
}
