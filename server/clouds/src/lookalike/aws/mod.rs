//! AWS: EC2's Query API with VPCs, peering connections and transit gateways, STS, and RAM's invitations.
//!
//! Signatures are checked with the accounts' secrets. Peering is judged late, as EC2 does: a request for
//! a VPC that is not there, or whose ranges overlap, gets an id and fails afterwards. One port serves
//! the three services and all regions; which is meant is said by the signature's scope.

mod signature;
mod sts;
mod xml;

use serde::{Deserialize, Serialize};

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
    Session(sts::Session),
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

    fn due(thing: &Thing) -> Option<i64> {
        match thing {
            Thing::Session(session) => Some(session.expires_at + sts::REMEMBERED),
        }
    }

    fn ripen(world: &mut World<Self>, id: &str) {
        match world.get(id) {
            Some(Thing::Session(_)) => drop(world.remove(id)),
            None => {}
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
        let answered = match signed.service.as_str() {
            "sts" => sts::answer(world, side, call),
            _ => Err(Refused::new("InvalidAction", "The service is not simulated.")),
        };
        answered.map_err(|refused| Self::refusal(call, refused.status, &refused.code, &refused.message))
    }

    fn refusal(call: &Call, status: u16, code: &str, message: &str) -> Reply {
        match service(call).as_str() {
            "sts" => sts::refusal(status, code, message),
            _ => sts::refusal(status, code, message),
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

const KEY_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn random(letters: &[u8], length: usize) -> String {
    (0..length).map(|_| char::from(letters[rand::random_range(0..letters.len())])).collect()
}
