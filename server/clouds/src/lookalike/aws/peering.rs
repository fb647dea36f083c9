//! VPC peering connections, with EC2's manners: judged late, accepted in the peer's region, gone after a while.

use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, Refused, Thing, ec2,
    networks::Vpc,
    request::{Noun, Owned, Request, Tags},
    signature::timestamp,
    tags,
    xml::Xml,
};
use crate::lookalike::World;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// A request waits so long for its answer.
const PATIENCE: i64 = 7 * DAY;
/// The most that one VPC may have active; the vendor's default of 50, raised as far as it raises it.
const MOST_ACTIVE: usize = 125;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Peering {
    /// The requester's; the tags are its own.
    pub owned: Owned,
    pub requester: Party,
    pub accepter: Party,
    pub accepter_tags: Tags,
    pub status: Status,
    pub message: String,
    pub expires_at: i64,
    /// Who asked for its deletion.
    pub deleted_by: Option<String>,
    pub ended_at: Option<i64>,
    /// When the status changes by itself, or the row vanishes.
    pub due: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub account: String,
    pub vpc: String,
    pub region: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    InitiatingRequest,
    PendingAcceptance,
    Provisioning,
    Active,
    Deleting,
    Deleted,
    Rejected,
    Failed,
    Expired,
}

impl Status {
    fn code(self) -> &'static str {
        match self {
            Self::InitiatingRequest => "initiating-request",
            Self::PendingAcceptance => "pending-acceptance",
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    /// Still asked for or there.
    fn is_live(self) -> bool {
        matches!(self, Self::InitiatingRequest | Self::PendingAcceptance | Self::Provisioning | Self::Active)
    }
}

impl Peering {
    fn is_requester(&self, request: &Request) -> bool {
        self.requester.account == request.account && self.requester.region == request.region
    }

    fn is_accepter(&self, request: &Request) -> bool {
        self.accepter.account == request.account && self.accepter.region == request.region
    }

    fn joins(&self, vpc: &str) -> bool {
        self.requester.vpc == vpc || self.accepter.vpc == vpc
    }

    pub fn tags_mut(&mut self, request: &Request) -> &mut Tags {
        if self.is_requester(request) { &mut self.owned.tags } else { &mut self.accepter_tags }
    }

    fn now_is(&mut self, status: Status, message: impl Into<String>, due: Option<i64>) {
        (self.status, self.message, self.due) = (status, message.into(), due);
    }

    /// It is over, and shown for as long as the party that sees it longest may.
    fn ended(&mut self, status: Status, message: impl Into<String>, now: i64) {
        let shown = if status == Status::Failed { 2 * HOUR } else { 2 * DAY };
        self.ended_at = Some(now);
        self.now_is(status, message, Some(now + shown));
    }

    /// For how long each side is shown what is over.
    fn shown_to(&self, request: &Request) -> i64 {
        let requester = self.is_requester(request);
        match self.status {
            Status::Failed => 2 * HOUR,
            Status::Rejected if !requester => 2 * HOUR,
            Status::Deleted if self.requester.account == self.accepter.account => 2 * HOUR,
            Status::Deleted if self.deleted_by.as_deref() == Some(&request.account) => 4 * HOUR,
            _ => 2 * DAY,
        }
    }
}

impl Noun for Peering {
    const PREFIX: &'static str = "pcx-0";
    const NOT_FOUND: &'static str = "InvalidVpcPeeringConnectionID.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Peering(peering) = thing { Some(peering) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Peering(peering) = thing { Some(peering) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Peering(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        Some(vec![match name {
            "vpc-peering-connection-id" => id.to_owned(),
            "status-code" => self.status.code().to_owned(),
            "status-message" => self.message.clone(),
            "requester-vpc-info.owner-id" => self.requester.account.clone(),
            "requester-vpc-info.vpc-id" => self.requester.vpc.clone(),
            "accepter-vpc-info.owner-id" => self.accepter.account.clone(),
            "accepter-vpc-info.vpc-id" => self.accepter.vpc.clone(),
            "expiration-time" => timestamp(self.expires_at),
            _ => return None,
        }])
    }

    fn missing(id: &str) -> String {
        format!("The vpcPeeringConnection ID '{id}' does not exist")
    }

    fn seen_by(&self, request: &Request, world: &World<Aws>) -> bool {
        // The accepter hears of a request once it was judged to be possible.
        let reached = !matches!(self.status, Status::InitiatingRequest | Status::Failed);
        let party = self.is_requester(request) || (self.is_accepter(request) && reached);
        party && self.ended_at.is_none_or(|ended| world.now() - ended < self.shown_to(request))
    }

    fn tags<'a>(&'a self, request: &Request) -> &'a Tags {
        if self.is_requester(request) { &self.owned.tags } else { &self.accepter_tags }
    }
}

pub fn create(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let vpc = request.text("VpcId")?.to_owned();
    let peer_vpc = request.text("PeerVpcId")?.to_owned();
    request.find::<Vpc>(world, &vpc)?;
    let region = request.region.clone();
    let requester = Party { account: request.account.clone(), vpc, region: region.clone() };
    let accepter = Party {
        account: request.maybe("PeerOwnerId").unwrap_or(&request.account).to_owned(),
        vpc: peer_vpc,
        region: request.maybe("PeerRegion").map_or(region, str::to_owned),
    };
    check_shape(&accepter)?;
    let same =
        |peering: &Peering| peering.requester == requester && peering.accepter == accepter && peering.status.is_live();
    let known = all(world).find(|(_, peering)| same(peering)).map(|(id, peering)| (id.to_owned(), peering.clone()));
    let (id, peering) = match known {
        Some(known) => known,
        None => {
            let due = world.due("VpcPeeringConnection/initiating-request");
            let peering = Peering {
                owned: request.owned(world, "vpc-peering-connection"),
                message: format!("Initiating Request to {}", accepter.account),
                requester,
                accepter,
                accepter_tags: Tags::new(),
                status: Status::InitiatingRequest,
                expires_at: world.now() + PATIENCE,
                deleted_by: None,
                ended_at: None,
                due,
            };
            let id = ec2::id(Peering::PREFIX);
            world.put(&id, peering.clone().wrap());
            (id, peering)
        }
    };
    xml.within("vpcPeeringConnection", |xml| write(xml, world, request, &id, &peering));
    Ok(())
}

/// What is no account, VPC or region at all is refused at once; one that is not there fails later.
fn check_shape(accepter: &Party) -> Answer<()> {
    if accepter.account.len() != 12 || !accepter.account.bytes().all(|letter| letter.is_ascii_digit()) {
        let message = format!("Value ({}) for parameter peerOwnerId is invalid.", accepter.account);
        return Err(Refused::new("InvalidParameterValue", message));
    }
    if !accepter.vpc.starts_with("vpc-") {
        let message = format!("Invalid id: \"{}\" (expecting \"vpc-...\")", accepter.vpc);
        return Err(Refused::new("InvalidVpcID.Malformed", message));
    }
    if !super::is_region(&accepter.region) {
        let message = format!("Value ({}) for parameter peerRegion is invalid.", accepter.region);
        return Err(Refused::new("InvalidParameterValue", message));
    }
    Ok(())
}

fn all(world: &World<Aws>) -> impl Iterator<Item = (&str, &Peering)> {
    world.under(Peering::PREFIX).filter_map(|(id, thing)| Some((id, Peering::of(thing)?)))
}

/// Whether a VPC may not go because of one.
pub fn hold(world: &World<Aws>, vpc: &str) -> bool {
    all(world).any(|(_, peering)| peering.joins(vpc) && peering.status.is_live())
}

/// Whether a route through it leads anywhere.
pub fn is_active(world: &World<Aws>, id: &str) -> bool {
    world.get(id).and_then(Peering::of).is_some_and(|peering| peering.status == Status::Active)
}

pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (peerings, next) = request.describe::<Peering>(world, "VpcPeeringConnectionId")?;
    xml.set("vpcPeeringConnectionSet", peerings, |xml, (id, peering)| write(xml, world, request, id, peering));
    xml.maybe("nextToken", next);
    Ok(())
}

fn write(xml: &mut Xml, world: &World<Aws>, request: &Request, id: &str, peering: &Peering) {
    // "CIDR block information is only returned when describing an active VPC peering connection."
    let told = peering.status == Status::Active;
    let party = |xml: &mut Xml, party: &Party| {
        xml.text("ownerId", &party.account);
        xml.text("vpcId", &party.vpc);
        xml.text("region", &party.region);
        if let Some(vpc) = world.get(&party.vpc).and_then(Vpc::of).filter(|_| told) {
            xml.maybe("cidrBlock", vpc.cidrs().next());
            xml.set("cidrBlockSet", vpc.cidrs(), |xml, cidr| xml.text("cidrBlock", cidr));
            xml.within("peeringOptions", |xml| xml.text("allowDnsResolutionFromRemoteVpc", false));
        }
    };
    xml.text("vpcPeeringConnectionId", id);
    xml.within("requesterVpcInfo", |xml| party(xml, &peering.requester));
    xml.within("accepterVpcInfo", |xml| party(xml, &peering.accepter));
    xml.within("status", |xml| {
        xml.text("code", peering.status.code());
        xml.text("message", &peering.message);
    });
    if matches!(peering.status, Status::InitiatingRequest | Status::PendingAcceptance) {
        xml.text("expirationTime", timestamp(peering.expires_at));
    }
    tags::write(xml, peering.tags(request));
}

fn invalid_transition(id: &str, from: Status, to: Status) -> Refused {
    let message =
        format!("Invalid state transition for {id}, attempted to transition from {} to {}", from.code(), to.code());
    Refused::new("InvalidStateTransition", message)
}

/// What the caller may answer: it is asked, and nothing was answered yet.
fn asked(world: &World<Aws>, request: &Request, to: Status) -> Answer<(String, Peering)> {
    let id = request.text("VpcPeeringConnectionId")?;
    let peering = request.find::<Peering>(world, id)?;
    if !peering.is_accepter(request) {
        let message = format!("User {} cannot answer the request of peering {id}", request.account);
        return Err(Refused::new("OperationNotPermitted", message));
    }
    if peering.status != Status::PendingAcceptance {
        return Err(invalid_transition(id, peering.status, to));
    }
    Ok((id.to_owned(), peering.clone()))
}

pub fn accept(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (id, mut peering) = asked(world, request, Status::Active)?;
    let (one, other) = (&peering.requester.vpc, &peering.accepter.vpc);
    let joined = |other_peering: &Peering| matches!(other_peering.status, Status::Active | Status::Provisioning);
    if all(world).any(|(_, known)| joined(known) && known.joins(one) && known.joins(other)) {
        let message = format!("A VPC peering connection between {one} and {other} already exists.");
        return Err(Refused::new("VpcPeeringConnectionAlreadyExists", message));
    }
    for vpc in [one, other] {
        if all(world).filter(|(_, known)| joined(known) && known.joins(vpc)).count() >= MOST_ACTIVE {
            let message = format!("{vpc} has reached the limit of active VPC peering connections.");
            return Err(Refused::new("ActiveVpcPeeringConnectionPerVpcLimitExceeded", message));
        }
    }
    let due = world.due("VpcPeeringConnection/provisioning");
    peering.now_is(Status::Provisioning, "Provisioning", due);
    world.put(&id, peering.clone().wrap());
    xml.within("vpcPeeringConnection", |xml| write(xml, world, request, &id, &peering));
    Ok(())
}

pub fn reject(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (id, mut peering) = asked(world, request, Status::Rejected)?;
    peering.ended(Status::Rejected, "Inactive", world.now());
    world.put(id, peering.wrap());
    xml.text("return", true);
    Ok(())
}

pub fn delete(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("VpcPeeringConnectionId")?;
    let mut peering = request.find::<Peering>(world, id)?.clone();
    if !peering.status.is_live() {
        return Err(invalid_transition(id, peering.status, Status::Deleting));
    }
    // Until it is accepted, only who asked may take the request back.
    let accepted = matches!(peering.status, Status::Active | Status::Provisioning);
    if !accepted && !peering.is_requester(request) {
        let message =
            format!("User {} cannot delete peering {id} in status {}", request.account, peering.status.code());
        return Err(Refused::new("OperationNotPermitted", message));
    }
    let due = world.due("VpcPeeringConnection/deleting");
    peering.deleted_by = Some(request.account.clone());
    peering.now_is(Status::Deleting, format!("Deleting by {}", request.account), due);
    world.put(id, peering.wrap());
    xml.text("return", true);
    Ok(())
}

/// What becomes of it by itself.
pub fn ripen(world: &mut World<Aws>, id: &str, peering: &Peering) {
    let (mut next, now) = (peering.clone(), world.now());
    match peering.status {
        Status::InitiatingRequest => match judge(world, peering) {
            Ok(()) => {
                let message = format!("Pending Acceptance by {}", peering.accepter.account);
                next.now_is(Status::PendingAcceptance, message, Some(peering.expires_at));
            }
            Err(reason) => next.ended(Status::Failed, reason, now),
        },
        Status::PendingAcceptance => next.ended(Status::Expired, "Expired", now),
        Status::Provisioning => match world.fails("VpcPeeringConnection/active") {
            Some((_, message)) => next.ended(Status::Failed, message, now),
            None => next.now_is(Status::Active, "Active", None),
        },
        Status::Deleting => {
            let by = peering.deleted_by.as_deref().unwrap_or("the owner");
            next.ended(Status::Deleted, format!("Deleted by {by}"), now);
        }
        Status::Active => next.due = None,
        Status::Deleted | Status::Rejected | Status::Failed | Status::Expired => {
            world.remove(id);
            return;
        }
    }
    world.put(id, next.wrap());
}

/// Whether the two VPCs can be joined; EC2 says the same of everything that hinders it.
fn judge(world: &mut World<Aws>, peering: &Peering) -> Result<(), String> {
    if let Some((_, message)) = world.fails("VpcPeeringConnection/pending-acceptance") {
        return Err(message);
    }
    let party = |party: &Party| {
        world
            .get(&party.vpc)
            .and_then(Vpc::of)
            .filter(|vpc| vpc.owned.account == party.account && vpc.owned.region == party.region)
    };
    match (party(&peering.requester), party(&peering.accepter)) {
        (Some(one), Some(other)) if !one.overlaps(other) => Ok(()),
        _ => Err("Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range".into()),
    }
}

/// Whether it is one of this VPC.
pub fn has(world: &World<Aws>, id: &str, vpc: &str) -> bool {
    world.get(id).and_then(Peering::of).is_some_and(|peering| peering.joins(vpc))
}
