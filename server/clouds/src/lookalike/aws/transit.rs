//! Transit gateways and the VPCs that are attached to them, across accounts once the gateway is shared.

use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, Refused, Thing, ec2,
    interfaces::{self, Purpose},
    networks::{Subnet, Vpc},
    ram,
    request::{Noun, Owned, Request},
    signature::timestamp,
    tags,
    xml::Xml,
};
use crate::lookalike::World;

const HOUR: i64 = 3_600_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Gateway {
    pub arn: String,
    pub owned: Owned,
    pub description: String,
    pub auto_accept: bool,
    pub state: State,
    pub due: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attachment {
    /// The VPC's owner.
    pub owned: Owned,
    pub gateway: String,
    pub gateway_account: String,
    pub vpc: String,
    pub subnets: Vec<String>,
    pub state: State,
    pub due: Option<i64>,
}

/// Of an attachment; a gateway knows some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    InitiatingRequest,
    PendingAcceptance,
    RollingBack,
    Pending,
    Available,
    Modifying,
    Deleting,
    Deleted,
    Failing,
    Failed,
    Rejecting,
    Rejected,
}

impl State {
    fn code(self) -> &'static str {
        match self {
            Self::InitiatingRequest => "initiatingRequest",
            Self::PendingAcceptance => "pendingAcceptance",
            Self::RollingBack => "rollingBack",
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Modifying => "modifying",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Failing => "failing",
            Self::Failed => "failed",
            Self::Rejecting => "rejecting",
            Self::Rejected => "rejected",
        }
    }

    /// Only a memory, shown for a while.
    fn is_over(self) -> bool {
        matches!(self, Self::Deleted | Self::Failed | Self::Rejected)
    }
}

impl Noun for Gateway {
    const PREFIX: &'static str = "tgw-0";
    const NOT_FOUND: &'static str = "InvalidTransitGatewayID.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Gateway(gateway) = thing { Some(gateway) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Gateway(gateway) = thing { Some(gateway) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Gateway(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        Some(vec![match name {
            "transit-gateway-id" => id.to_owned(),
            "state" => self.state.code().to_owned(),
            _ => return None,
        }])
    }

    fn missing(id: &str) -> String {
        format!("Transit Gateway {id} was deleted or does not exist.")
    }

    fn seen_by(&self, request: &Request, world: &World<Aws>) -> bool {
        let own = self.owned.account == request.account;
        self.owned.region == request.region && (own || ram::shares(world, &self.arn, &request.account))
    }
}

impl Noun for Attachment {
    const PREFIX: &'static str = "tgw-attach-0";
    const NOT_FOUND: &'static str = "InvalidTransitGatewayAttachmentID.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Attachment(attachment) = thing { Some(attachment) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Attachment(attachment) = thing { Some(attachment) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Attachment(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        Some(vec![match name {
            "transit-gateway-attachment-id" => id.to_owned(),
            "transit-gateway-id" => self.gateway.clone(),
            "vpc-id" => self.vpc.clone(),
            "state" => self.state.code().to_owned(),
            _ => return None,
        }])
    }

    fn missing(id: &str) -> String {
        format!("Transit Gateway Attachment {id} was deleted or does not exist.")
    }

    fn seen_by(&self, request: &Request, _world: &World<Aws>) -> bool {
        let accounts = [&self.owned.account, &self.gateway_account];
        self.owned.region == request.region && accounts.contains(&&request.account)
    }
}

fn attachments(world: &World<Aws>) -> impl Iterator<Item = (&str, &Attachment)> {
    world.under(Attachment::PREFIX).filter_map(|(id, thing)| Some((id, Attachment::of(thing)?)))
}

/// Whether a VPC may not go because of an attachment.
pub fn hold(world: &World<Aws>, vpc: &str) -> bool {
    attachments(world).any(|(_, attachment)| attachment.vpc == vpc && !attachment.state.is_over())
}

pub fn uses_subnet(world: &World<Aws>, subnet: &str) -> bool {
    let uses = |attachment: &Attachment| attachment.subnets.iter().any(|used| used == subnet);
    attachments(world).any(|(_, attachment)| uses(attachment) && !attachment.state.is_over())
}

/// Whether a VPC's packets reach a gateway.
pub fn joins(world: &World<Aws>, gateway: &str, vpc: &str) -> bool {
    attachments(world).any(|(_, attachment)| {
        let up = matches!(attachment.state, State::Available | State::Modifying);
        up && attachment.gateway == gateway && attachment.vpc == vpc
    })
}

pub fn create_gateway(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = ec2::id(Gateway::PREFIX);
    let gateway = Gateway {
        arn: format!("arn:aws:ec2:{}:{}:transit-gateway/{id}", request.region, request.account),
        owned: request.owned(world, "transit-gateway"),
        description: request.maybe("Description").unwrap_or_default().to_owned(),
        auto_accept: request.maybe("Options.AutoAcceptSharedAttachments") == Some("enable"),
        state: State::Pending,
        due: world.due("TransitGateway/pending"),
    };
    xml.within("transitGateway", |xml| write_gateway(xml, request, &id, &gateway));
    world.put(id, gateway.wrap());
    Ok(())
}

pub fn describe_gateways(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (gateways, next) = request.describe::<Gateway>(world, "TransitGatewayIds")?;
    xml.set("transitGatewaySet", gateways, |xml, (id, gateway)| write_gateway(xml, request, id, gateway));
    xml.maybe("nextToken", next);
    Ok(())
}

fn write_gateway(xml: &mut Xml, request: &Request, id: &str, gateway: &Gateway) {
    xml.text("transitGatewayId", id);
    xml.text("transitGatewayArn", &gateway.arn);
    xml.text("state", gateway.state.code());
    xml.text("ownerId", &gateway.owned.account);
    xml.text("description", &gateway.description);
    xml.text("creationTime", timestamp(gateway.owned.made_at));
    xml.within("options", |xml| {
        xml.text("amazonSideAsn", 64512);
        xml.text("autoAcceptSharedAttachments", if gateway.auto_accept { "enable" } else { "disable" });
        xml.text("defaultRouteTableAssociation", "enable");
        xml.text("defaultRouteTablePropagation", "enable");
        xml.text("vpnEcmpSupport", "enable");
        xml.text("dnsSupport", "enable");
        xml.text("multicastSupport", "disable");
    });
    if gateway.owned.account == request.account {
        tags::write(xml, &gateway.owned.tags);
    }
}

pub fn delete_gateway(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("TransitGatewayId")?.to_owned();
    let mut gateway = request.find::<Gateway>(world, &id)?.clone();
    if gateway.owned.account != request.account {
        let message = format!("You are not authorized to delete {id}.");
        return Err(Refused { status: 403, code: "UnauthorizedOperation".into(), message });
    }
    if attachments(world).any(|(_, one)| one.gateway == id && !one.state.is_over()) {
        return Err(Refused::new("IncorrectState", format!("{id} has non-deleted attachments.")));
    }
    if gateway.state != State::Available {
        return Err(incorrect(&id, gateway.state));
    }
    (gateway.state, gateway.due) = (State::Deleting, world.due("TransitGateway/deleting"));
    xml.within("transitGateway", |xml| write_gateway(xml, request, &id, &gateway));
    world.put(id, gateway.wrap());
    Ok(())
}

fn incorrect(id: &str, state: State) -> Refused {
    Refused::new("IncorrectState", format!("{id} is in invalid state: {}", state.code()))
}

pub fn create_attachment(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (gateway_id, vpc_id) = (request.text("TransitGatewayId")?.to_owned(), request.text("VpcId")?.to_owned());
    let gateway = request.find::<Gateway>(world, &gateway_id)?.clone();
    request.find::<Vpc>(world, &vpc_id)?;
    let subnets = request.list("SubnetIds");
    check_subnets(world, request, &vpc_id, &subnets)?;
    if gateway.state != State::Available {
        return Err(incorrect(&gateway_id, gateway.state));
    }
    let same = |one: &Attachment| one.gateway == gateway_id && one.vpc == vpc_id && !one.state.is_over();
    if let Some((id, _)) = attachments(world).find(|(_, one)| same(one)) {
        let message = format!("{gateway_id} already has attachment {id} with {vpc_id}.");
        return Err(Refused::new("DuplicateTransitGatewayAttachment", message));
    }
    let own = gateway.owned.account == request.account;
    let (state, transition) = if own || gateway.auto_accept {
        (State::Pending, "TransitGatewayVpcAttachment/pending")
    } else {
        (State::InitiatingRequest, "TransitGatewayVpcAttachment/initiatingRequest")
    };
    let attachment = Attachment {
        owned: request.owned(world, "transit-gateway-attachment"),
        gateway: gateway_id,
        gateway_account: gateway.owned.account,
        vpc: vpc_id,
        subnets,
        state,
        due: world.due(transition),
    };
    put(world, request, xml, ec2::id(Attachment::PREFIX), attachment);
    Ok(())
}

/// At least one, of this VPC, each in a zone of its own.
fn check_subnets(world: &World<Aws>, request: &Request, vpc: &str, ids: &[String]) -> Answer<()> {
    if ids.is_empty() {
        request.text("SubnetIds")?;
    }
    let mut zones = Vec::new();
    for id in ids {
        let subnet = request.find::<Subnet>(world, id)?;
        if subnet.vpc != vpc {
            let message = format!("The subnet {id} does not belong to {vpc}.");
            return Err(Refused::new("InvalidParameterValue", message));
        }
        if zones.contains(&&subnet.zone) {
            let message = "Two or more subnets are in the same Availability Zone.";
            return Err(Refused::new("DuplicateSubnetsInSameZone", message));
        }
        zones.push(&subnet.zone);
    }
    Ok(())
}

fn put(world: &mut World<Aws>, request: &Request, xml: &mut Xml, id: String, attachment: Attachment) {
    xml.within("transitGatewayVpcAttachment", |xml| write(xml, request, &id, &attachment));
    world.put(id, attachment.wrap());
}

pub fn describe_attachments(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (attachments, next) = request.describe::<Attachment>(world, "TransitGatewayAttachmentIds")?;
    xml.set("transitGatewayVpcAttachments", attachments, |xml, (id, attachment)| write(xml, request, id, attachment));
    xml.maybe("nextToken", next);
    Ok(())
}

fn write(xml: &mut Xml, request: &Request, id: &str, attachment: &Attachment) {
    xml.text("transitGatewayAttachmentId", id);
    xml.text("transitGatewayId", &attachment.gateway);
    xml.text("vpcId", &attachment.vpc);
    xml.text("vpcOwnerId", &attachment.owned.account);
    xml.text("state", attachment.state.code());
    xml.set("subnetIds", &attachment.subnets, |xml, subnet| xml.raw(subnet));
    xml.text("creationTime", timestamp(attachment.owned.made_at));
    xml.within("options", |xml| {
        xml.text("dnsSupport", "enable");
        xml.text("applianceModeSupport", "disable");
    });
    if attachment.owned.account == request.account {
        tags::write(xml, &attachment.owned.tags);
    }
}

/// An attachment that the gateway's owner is asked about.
fn asked(world: &World<Aws>, request: &Request) -> Answer<(String, Attachment)> {
    let id = request.text("TransitGatewayAttachmentId")?;
    let attachment = request.find::<Attachment>(world, id)?.clone();
    if attachment.gateway_account != request.account {
        let message = format!("You are not authorized to answer {id}.");
        return Err(Refused { status: 403, code: "UnauthorizedOperation".into(), message });
    }
    if attachment.state != State::PendingAcceptance {
        return Err(incorrect(id, attachment.state));
    }
    Ok((id.to_owned(), attachment))
}

pub fn accept_attachment(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (id, mut attachment) = asked(world, request)?;
    (attachment.state, attachment.due) = (State::Pending, world.due("TransitGatewayVpcAttachment/pending"));
    put(world, request, xml, id, attachment);
    Ok(())
}

pub fn reject_attachment(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (id, mut attachment) = asked(world, request)?;
    (attachment.state, attachment.due) = (State::Rejecting, world.due("TransitGatewayVpcAttachment/rejecting"));
    put(world, request, xml, id, attachment);
    Ok(())
}

pub fn modify_attachment(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("TransitGatewayAttachmentId")?.to_owned();
    let mut attachment = request.find::<Attachment>(world, &id)?.clone();
    if attachment.owned.account != request.account {
        let message = format!("You are not authorized to modify {id}.");
        return Err(Refused { status: 403, code: "UnauthorizedOperation".into(), message });
    }
    if attachment.state != State::Available {
        return Err(incorrect(&id, attachment.state));
    }
    let (add, remove) = (request.list("AddSubnetIds"), request.list("RemoveSubnetIds"));
    attachment.subnets.retain(|subnet| !remove.contains(subnet));
    attachment.subnets.extend(add);
    check_subnets(world, request, &attachment.vpc, &attachment.subnets)?;
    (attachment.state, attachment.due) = (State::Modifying, world.due("TransitGatewayVpcAttachment/modifying"));
    put(world, request, xml, id, attachment);
    Ok(())
}

pub fn delete_attachment(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("TransitGatewayAttachmentId")?.to_owned();
    let mut attachment = request.find::<Attachment>(world, &id)?.clone();
    if !matches!(attachment.state, State::Available | State::PendingAcceptance | State::Modifying) {
        return Err(incorrect(&id, attachment.state));
    }
    (attachment.state, attachment.due) = (State::Deleting, world.due("TransitGatewayVpcAttachment/deleting"));
    put(world, request, xml, id, attachment);
    Ok(())
}

pub fn ripen_gateway(world: &mut World<Aws>, id: &str, gateway: &Gateway) {
    let mut next = gateway.clone();
    (next.state, next.due) = match gateway.state {
        State::Pending => (State::Available, None),
        State::Deleting => (State::Deleted, Some(world.now() + HOUR)),
        State::Deleted => {
            world.remove(id);
            return;
        }
        other => (other, None),
    };
    world.put(id, next.wrap());
}

pub fn ripen_attachment(world: &mut World<Aws>, id: &str, attachment: &Attachment) {
    let (mut next, now) = (attachment.clone(), world.now());
    (next.state, next.due) = match attachment.state {
        State::InitiatingRequest => (State::PendingAcceptance, None),
        State::Pending => match world.fails("TransitGatewayVpcAttachment/available") {
            Some((code, _)) if code == "rollingBack" => {
                (State::RollingBack, world.due("TransitGatewayVpcAttachment/rollingBack"))
            }
            Some(_) => (State::Failing, world.due("TransitGatewayVpcAttachment/failing")),
            None => (State::Available, None),
        },
        State::Modifying => (State::Available, None),
        State::RollingBack | State::Failing => (State::Failed, Some(now + 2 * HOUR)),
        State::Rejecting => (State::Rejected, Some(now + 48 * HOUR)),
        State::Deleting => (State::Deleted, Some(now + 2 * HOUR)),
        State::Deleted | State::Failed | State::Rejected => {
            world.remove(id);
            return;
        }
        State::PendingAcceptance | State::Available => (attachment.state, None),
    };
    join(world, id, &next);
    world.put(id, next.wrap());
}

/// An attachment that is up has an interface in each of its subnets, which nobody but the vendor takes away.
fn join(world: &mut World<Aws>, id: &str, attachment: &Attachment) {
    let description = format!("Network Interface for Transit Gateway Attachment {id}");
    interfaces::remove_described(world, &description);
    if attachment.state != State::Available {
        return;
    }
    for subnet_id in &attachment.subnets {
        let Some(subnet) = world.get(subnet_id).and_then(Subnet::of).cloned() else { continue };
        let purpose = Purpose { kind: "transit_gateway", description: description.clone(), instance: None };
        // A subnet that is full has none.
        let _ = interfaces::put(world, subnet_id, &subnet, purpose);
    }
}
