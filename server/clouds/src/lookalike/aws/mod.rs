//! AWS: EC2's Query API with VPCs, peering connections, transit gateways, addresses and endpoints; load balancers,
//! STS, and RAM's invitations.
//!
//! Signatures are checked with the accounts' secrets. Peering is judged late, as EC2 does: a request for
//! a VPC that is not there, or whose ranges overlap, gets an id and fails afterwards. One port serves
//! the four services and all regions; which is meant is said by the signature's scope.

mod addresses;
mod balancing;
mod ec2;
mod endpoints;
mod groups;
mod instances;
mod interfaces;
mod internet;
mod networks;
mod peering;
mod ram;
mod request;
mod routes;
mod services;
mod signature;
mod sts;
mod tags;
mod transit;
mod xml;

use serde::{Deserialize, Serialize};

pub use self::networks::REGIONS;
use self::signature::{Doubt, Signed};
use super::{Call, Reply, Side, Vendor, World};
use crate::Secret;

/// The vendor; a name for [`Vendor`].
#[derive(Clone, Copy, Debug)]
pub struct Aws;

/// An account and the key pair of its one user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Keys {
    /// Twelve digits.
    pub account_id: String,
    pub access_key_id: String,
    #[serde(serialize_with = "super::exposed")]
    pub secret_access_key: Secret,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    Vpc(networks::Vpc),
    Subnet(networks::Subnet),
    Table(routes::Table),
    Group(groups::Group),
    Peering(peering::Peering),
    Gateway(transit::Gateway),
    Attachment(transit::Attachment),
    Share(ram::Share),
    Invitation(ram::Invitation),
    Session(sts::Session),
    Interface(interfaces::Interface),
    Instance(instances::Instance),
    InternetGateway(internet::InternetGateway),
    Address(addresses::Address),
    Balancer(balancing::Balancer),
    TargetGroup(balancing::Group),
    Listener(balancing::Listener),
    Service(services::Service),
    Endpoint(endpoints::Endpoint),
}

/// An error as the vendor codes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub status: u16,
    pub code: String,
    pub message: String,
}

pub type Answer<T> = Result<T, Refused>;

impl Refused {
    /// Status 400, as nearly all of EC2's.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into() }
    }
}

impl Vendor for Aws {
    const NAME: &'static str = "aws";
    type Thing = Thing;
    type Account = Keys;

    fn account(_side: Side) -> Keys {
        Keys {
            account_id: random(b"123456789", 12),
            access_key_id: format!("AKIA{}", random(KEY_LETTERS, 16)),
            secret_access_key: Secret::new(random(SECRET_LETTERS, 40)),
        }
    }

    /// The other side has the default VPC that every new account has; ours begins empty.
    fn found(world: &mut World<Self>) {
        let account = world.account(Side::Theirs).account_id.clone();
        for region in networks::REGIONS {
            networks::put_default(world, &account, region);
        }
    }

    fn due(thing: &Thing) -> Option<i64> {
        match thing {
            Thing::Vpc(vpc) => vpc.due,
            Thing::Subnet(subnet) => subnet.due,
            Thing::Peering(peering) => peering.due,
            Thing::Gateway(gateway) => gateway.due,
            Thing::Attachment(attachment) => attachment.due,
            Thing::Share(share) => share.due,
            Thing::Invitation(invitation) => invitation.due,
            Thing::Session(session) => Some(session.expires_at + sts::REMEMBERED),
            Thing::Instance(instance) => instance.due,
            Thing::Balancer(balancer) => balancer.due,
            Thing::TargetGroup(group) => balancing::due(group),
            Thing::Service(service) => service.due,
            Thing::Endpoint(endpoint) => endpoint.due,
            Thing::Table(_) | Thing::Group(_) | Thing::Interface(_) | Thing::InternetGateway(_) => None,
            Thing::Address(_) | Thing::Listener(_) => None,
        }
    }

    fn ripen(world: &mut World<Self>, id: &str) {
        match world.get(id).cloned() {
            Some(Thing::Vpc(vpc)) => world.put(id, Thing::Vpc(networks::Vpc { available: true, due: None, ..vpc })),
            Some(Thing::Subnet(subnet)) => {
                world.put(id, Thing::Subnet(networks::Subnet { available: true, due: None, ..subnet }));
            }
            Some(Thing::Peering(peering)) => peering::ripen(world, id, &peering),
            Some(Thing::Gateway(gateway)) => transit::ripen_gateway(world, id, &gateway),
            Some(Thing::Attachment(attachment)) => transit::ripen_attachment(world, id, &attachment),
            Some(Thing::Share(_) | Thing::Invitation(_)) => ram::ripen(world, id),
            Some(Thing::Session(_)) => drop(world.remove(id)),
            Some(Thing::Instance(instance)) => instances::ripen(world, id, &instance),
            Some(Thing::Balancer(balancer)) => balancing::ripen_balancer(world, id, &balancer),
            Some(Thing::TargetGroup(group)) => balancing::ripen_group(world, id, &group),
            Some(Thing::Service(service)) => services::ripen(world, id, &service),
            Some(Thing::Endpoint(endpoint)) => endpoints::ripen(world, id, &endpoint),
            Some(Thing::Table(_) | Thing::Group(_) | Thing::Interface(_) | Thing::InternetGateway(_)) | None => {}
            Some(Thing::Address(_) | Thing::Listener(_)) => {}
        }
    }

    fn authenticate(world: &World<Self>, call: &Call) -> Result<Option<Side>, Reply> {
        let signed = Signed::of(call).map_err(|doubt| stranger(call, doubt))?;
        let side = sts::holder(world, call, &signed).map_err(|doubt| match doubt {
            sts::Stranger::Doubt(doubt) => stranger(call, doubt),
            sts::Stranger::UnknownKey => unknown_key(call),
            sts::Stranger::Expired => expired(call),
        })?;
        Ok(Some(side))
    }

    fn action(call: &Call) -> String {
        let action = call.form().into_iter().find(|(name, _)| name == "Action");
        action.map_or_else(|| call.path.trim_matches('/').to_owned(), |(_, action)| action)
    }

    fn answer(world: &mut World<Self>, side: Option<Side>, call: &Call) -> Result<Reply, Reply> {
        let (Some(side), Ok(signed)) = (side, Signed::of(call)) else {
            return Err(stranger(call, Doubt::Missing));
        };
        let account = world.account(side).account_id.clone();
        let answered = match signed.service.as_str() {
            "sts" => sts::answer(world, side, call),
            "ram" => ram::answer(world, &account, &signed.region, call),
            "ec2" if is_region(&signed.region) => {
                ec2::answer(world, &request::Request::new(account, signed.region, call.form()))
            }
            "elasticloadbalancing" if is_region(&signed.region) => {
                balancing::answer(world, &request::Request::new(account, signed.region, call.form()))
            }
            _ => Err(Refused::new("InvalidAction", "There is no such service in this region.")),
        };
        answered.map_err(|refused| Self::refusal(call, refused.status, &refused.code, &refused.message))
    }

    fn refusal(call: &Call, status: u16, code: &str, message: &str) -> Reply {
        match service(call).as_str() {
            "sts" => sts::refusal(status, code, message),
            "ram" => ram::refusal(status, code, message),
            "elasticloadbalancing" => balancing::refusal(status, code, message),
            _ => ec2::refusal(status, code, message),
        }
    }
}

fn service(call: &Call) -> String {
    Signed::of(call).map_or_else(|_| "ec2".to_owned(), |signed| signed.service)
}

fn stranger(call: &Call, doubt: Doubt) -> Reply {
    let ec2 = service(call) == "ec2";
    let (status, code, message) = match doubt {
        Doubt::Missing if ec2 => (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        Doubt::Missing => (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
        Doubt::Stale if ec2 => (400, "RequestExpired", "Request has expired."),
        Doubt::Stale => (403, "SignatureDoesNotMatch", "Signature expired: the request's date is more than 15 min off"),
        Doubt::Wrong if ec2 => (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        Doubt::Wrong => (
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method.",
        ),
    };
    Aws::refusal(call, status, code, message)
}

fn unknown_key(call: &Call) -> Reply {
    if service(call) == "ec2" {
        return stranger(call, Doubt::Wrong);
    }
    Aws::refusal(call, 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

fn expired(call: &Call) -> Reply {
    if service(call) == "ec2" {
        return Aws::refusal(call, 400, "RequestExpired", "Request has expired.");
    }
    Aws::refusal(call, 403, "ExpiredToken", "The security token included in the request is expired")
}

/// `eu-west-1`, `us-gov-west-1`: whatever the vendor could call a region.
fn is_region(name: &str) -> bool {
    let parts: Vec<_> = name.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|letter| letter.is_ascii_lowercase());
    let number = parts.last().is_some_and(|part| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit()));
    (3..=4).contains(&parts.len()) && number && parts[..parts.len() - 1].iter().all(letters)
}

const KEY_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn random(letters: &[u8], length: usize) -> String {
    (0..length).map(|_| char::from(letters[rand::random_range(0..letters.len())])).collect()
}
