//! The peer in AWS: its VPCs, the requests it was sent, and the transit gateways it shares.

use serde_json::json;

use super::{Deed, Scene, Thing, Typed, endpoints, field, unknown};
use crate::{
    Class, Failure, Outcome,
    aws::{Aws, AwsAccount, AwsEndpoints, AwsKeys, wire},
    http::Http,
    lookalike::{
        Lookalikes, Side,
        aws::{Keys, REGIONS},
    },
};

/// Where its first VPC of its own is looked for.
const HOME: &str = "eu-west-1";

pub(super) struct AwsSide {
    aws: Aws,
    url: String,
    account: String,
    /// With whom a transit gateway is shared if nothing else is typed.
    console: String,
}

impl AwsSide {
    pub(super) async fn sign_in(clouds: &Lookalikes, http: Http) -> Self {
        let (theirs, ours) = (clouds.aws.account(Side::Theirs).await, clouds.aws.account(Side::Ours).await);
        let url = clouds.aws.url();
        let base = reqwest::Url::parse(&url).ok();
        let endpoints = AwsEndpoints { ec2: base.clone(), sts: base.clone(), ram: base.clone(), elb: base };
        let account = |keys: &Keys| AwsAccount {
            keys: AwsKeys::Given {
                access_key_id: keys.access_key_id.clone(),
                secret_access_key: keys.secret_access_key.clone(),
                session_token: None,
            },
            role: None,
            region: HOME.to_owned(),
        };
        let aws = Aws::new(account(&theirs), endpoints, http);
        Self { aws, url, account: theirs.account_id, console: ours.account_id }
    }

    pub(super) async fn look(&self, region: &str) -> Outcome<Scene> {
        let region = placed(region);
        let (vpcs, gateways, peerings, attachments, endpoints) = futures::try_join!(
            self.aws.every::<wire::Vpc>(region, "DescribeVpcs"),
            self.aws.every::<wire::Gateway>(region, "DescribeTransitGateways"),
            self.aws.every::<wire::Peering>(region, "DescribeVpcPeeringConnections"),
            self.aws.every::<wire::Attachment>(region, "DescribeTransitGatewayVpcAttachments"),
            endpoints::look(&self.aws, region),
        )?;
        let mut things: Vec<Thing> = vpcs.into_iter().map(vpc).collect();
        things.extend(gateways.into_iter().map(|gateway| self.gateway(gateway)));
        things.extend(peerings.into_iter().map(|peering| self.peering(peering)));
        things.extend(attachments.into_iter().map(attachment));
        things.extend(endpoints);
        let create = Deed::plain("create-vpc", "Create VPC").asking("cidr", "IPv4 CIDR", "10.30.0.0/16");
        Ok(Scene {
            endpoint: self.url.clone(),
            account: vec![("Account ID", self.account.clone())],
            region: region.to_owned(),
            regions: REGIONS.map(str::to_owned).to_vec(),
            things,
            deeds: vec![create, Deed::plain("create-gateway", "Create transit gateway")],
            ..Scene::default()
        })
    }

    fn gateway(&self, gateway: wire::Gateway) -> Thing {
        let own = gateway.owner_id == self.account;
        let deeds = if own && gateway.state == "available" {
            vec![
                Deed::plain("share", "Share by RAM").asking("account", "Account ID", self.console.clone()),
                Deed::plain("delete-gateway", "Delete"),
            ]
        } else {
            Vec::new()
        };
        Thing {
            kind: "Transit gateway",
            id: gateway.transit_gateway_id,
            state: gateway.state,
            facts: vec![("Owner", gateway.owner_id)],
            deeds,
        }
    }

    fn peering(&self, peering: wire::Peering) -> Thing {
        let accepts = peering.accepter_vpc_info.owner_id == self.account;
        let deeds = match peering.status.code.as_str() {
            "pending-acceptance" if accepts => {
                vec![Deed::plain("accept", "Accept request"), Deed::plain("reject", "Reject request")]
            }
            "active" => vec![Deed::plain("delete-peering", "Delete")],
            _ => Vec::new(),
        };
        let end = |side: &wire::Side| {
            let ranges = side.ranges().unwrap_or_default();
            let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
            format!("{} of {} {}", side.vpc_id, side.owner_id, ranges.join(", ")).trim_end().to_owned()
        };
        Thing {
            kind: "VPC peering connection",
            facts: vec![
                ("Requester", end(&peering.requester_vpc_info)),
                ("Accepter", end(&peering.accepter_vpc_info)),
                ("Message", peering.status.message),
            ],
            id: peering.vpc_peering_connection_id,
            state: peering.status.code,
            deeds,
        }
    }

    pub(super) async fn act(&self, region: &str, thing: &str, deed: &str, typed: &Typed) -> Outcome<()> {
        let region = placed(region);
        let ask = async |action: &str, params: &[(&str, &str)]| self.aws.ask(region, action, params).await.map(drop);
        let peering = [("VpcPeeringConnectionId", thing)];
        let attachment = [("TransitGatewayAttachmentId", thing)];
        let cidr = field(typed, "cidr");
        match deed {
            "create-vpc" => ask("CreateVpc", &[("CidrBlock", cidr)]).await,
            "add-cidr" => ask("AssociateVpcCidrBlock", &[("VpcId", thing), ("CidrBlock", cidr)]).await,
            "delete-vpc" => ask("DeleteVpc", &[("VpcId", thing)]).await,
            "create-gateway" => ask("CreateTransitGateway", &[("Description", "the peer's hub")]).await,
            "delete-gateway" => ask("DeleteTransitGateway", &[("TransitGatewayId", thing)]).await,
            "create-endpoint" => endpoints::create(&self.aws, region, thing, typed).await,
            "delete-endpoint" => {
                self.aws.ask_of_several(region, "DeleteVpcEndpoints", &[("VpcEndpointId.1", thing)]).await
            }
            "share" => self.share(region, thing, field(typed, "account")).await,
            "accept" => ask("AcceptVpcPeeringConnection", &peering).await,
            "reject" => ask("RejectVpcPeeringConnection", &peering).await,
            "delete-peering" => ask("DeleteVpcPeeringConnection", &peering).await,
            "accept-attachment" => ask("AcceptTransitGatewayVpcAttachment", &attachment).await,
            "reject-attachment" => ask("RejectTransitGatewayVpcAttachment", &attachment).await,
            "delete-attachment" => ask("DeleteTransitGatewayVpcAttachment", &attachment).await,
            other => Err(unknown(other)),
        }
    }

    async fn share(&self, region: &str, gateway: &str, account: &str) -> Outcome<()> {
        let gateways = self.aws.every::<wire::Gateway>(region, "DescribeTransitGateways").await?;
        let arn = gateways.into_iter().find(|one| one.transit_gateway_id == gateway).map(|one| one.transit_gateway_arn);
        let gone =
            || Failure::new(Class::Gone, "InvalidTransitGatewayID.NotFound", "The transit gateway does not exist.");
        let arn = arn.ok_or_else(gone)?;
        let share = json!({ "name": gateway, "resourceArns": [arn], "principals": [account] });
        self.aws.ask_ram(region, "/createresourceshare", &share).await.map(drop)
    }
}

/// The region that was asked for, or the first.
fn placed(region: &str) -> &str {
    if REGIONS.contains(&region) { region } else { HOME }
}

fn vpc(vpc: wire::Vpc) -> Thing {
    let cidr = vpc.cidr_block.map(|cidr| cidr.to_string()).unwrap_or_default();
    Thing {
        kind: "VPC",
        id: vpc.vpc_id,
        state: vpc.state.unwrap_or_default(),
        facts: vec![("IPv4 CIDR", cidr)],
        deeds: vec![
            Deed::plain("add-cidr", "Add CIDR").asking("cidr", "IPv4 CIDR", ""),
            Deed::plain("delete-vpc", "Delete"),
        ],
    }
}

fn attachment(attachment: wire::Attachment) -> Thing {
    let deeds = match attachment.state.as_str() {
        "pendingAcceptance" => vec![
            Deed::plain("accept-attachment", "Accept attachment"),
            Deed::plain("reject-attachment", "Reject attachment"),
        ],
        "available" => vec![Deed::plain("delete-attachment", "Delete")],
        _ => Vec::new(),
    };
    Thing {
        kind: "Transit gateway attachment",
        id: attachment.transit_gateway_attachment_id,
        state: attachment.state,
        facts: vec![("Transit gateway", attachment.transit_gateway_id), ("VPC", attachment.vpc_id)],
        deeds,
    }
}
