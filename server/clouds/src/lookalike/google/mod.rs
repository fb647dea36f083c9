//! Google: Compute Engine's networks, subnetworks, firewall rules, peerings and operations, and the token endpoint.
//!
//! Every change is an operation that runs for a while and may end badly though it was accepted. A peering is
//! active when both networks name each other; its ranges are compared when the second one is added. Who calls is
//! told by a token that a service account signed itself or got for a signed assertion; signatures are checked.
//! Assumed of Google: the codes of operations that fail, and what follows when a peered network is deleted.

mod access;
mod addresses;
mod answer;
mod firewalls;
mod instances;
mod networks;
mod operations;
mod peering;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Call, Reply, Side, Vendor, World};
use crate::Secret;

/// The vendor; a name for [`Vendor`].
#[derive(Clone, Copy, Debug)]
pub struct Google;

/// A project and the key of its one service account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub project: String,
    pub client_email: String,
    pub private_key_id: String,
    /// PKCS #8 in PEM.
    #[serde(serialize_with = "super::exposed")]
    pub private_key: Secret,
    /// Base64 of PKCS #1 in DER.
    pub public_key: String,
}

impl Account {
    /// The service account's key as Google's JSON file has it. `url`: where this look-alike listens.
    pub fn key_file(&self, url: &str) -> Secret {
        let key = json!({
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": self.private_key_id,
            "private_key": self.private_key.expose(),
            "client_email": self.client_email,
            "client_id": "100000000000000000001",
            "token_uri": format!("{url}/token"),
        });
        Secret::new(key.to_string())
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    Network(Network),
    Subnetwork(Subnetwork),
    Firewall(Firewall),
    Operation(operations::Operation),
    Token(access::Token),
    Address(addresses::Address),
    Instance(instances::Instance),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Network {
    pub project: String,
    pub name: String,
    pub id: u64,
    pub description: String,
    pub auto_create_subnetworks: bool,
    pub routing_mode: String,
    pub peerings: Vec<Peering>,
    pub made_at: i64,
}

/// One network's word that it wants to be peered with another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Peering {
    pub name: String,
    /// The id of the other network in this world, whether it is there or not.
    pub peer: String,
    pub import_custom_routes: bool,
    pub export_custom_routes: bool,
    /// When it last became what it is.
    pub changed_at: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subnetwork {
    pub project: String,
    pub region: String,
    pub name: String,
    pub id: u64,
    /// The id of its network in this world.
    pub network: String,
    pub range: Ipv4Net,
    pub made_at: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Firewall {
    pub project: String,
    pub name: String,
    pub id: u64,
    pub network: String,
    /// What was sent, with the fields that Google adds.
    pub rule: Value,
    pub made_at: i64,
}

/// An error as the vendor words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub status: u16,
    pub reason: &'static str,
    pub message: String,
}

type Answer = Result<Reply, Refused>;

impl Refused {
    fn new(status: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }

    fn not_found(path: &str) -> Self {
        Self::new(404, "notFound", format!("The resource '{path}' was not found"))
    }

    fn invalid(field: &str, value: &Value) -> Self {
        Self::new(400, "invalid", format!("Invalid value for field '{field}': '{value}'."))
    }
}

impl Vendor for Google {
    const NAME: &'static str = "google";
    type Thing = Thing;
    type Account = Account;

    fn account(side: Side) -> Account {
        let key = &KEYS[usize::from(side == Side::Theirs)];
        let name = if side == Side::Ours { "console" } else { "customer" };
        let project = format!("{name}-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
        Account {
            client_email: format!("networks@{project}.iam.gserviceaccount.com"),
            private_key_id: uuid::Uuid::new_v4().simple().to_string(),
            private_key: key.private.clone(),
            public_key: key.public.clone(),
            project,
        }
    }

    fn found(world: &mut World<Self>) {
        networks::found(world);
    }

    fn due(thing: &Thing) -> Option<i64> {
        match thing {
            Thing::Operation(operation) => operation.over_at.map(|at| at + operations::REMEMBERED).or(operation.due),
            Thing::Token(token) => Some(token.expires_at),
            Thing::Network(_) | Thing::Subnetwork(_) | Thing::Firewall(_) => None,
            Thing::Address(_) | Thing::Instance(_) => None,
        }
    }

    fn ripen(world: &mut World<Self>, id: &str) {
        match world.get(id) {
            Some(Thing::Operation(operation)) if operation.over_at.is_none() => operations::ripen(world, id),
            Some(Thing::Operation(_)) => drop(world.remove(id)),
            Some(Thing::Token(_)) => drop(world.remove(id)),
            _ => {}
        }
    }

    fn authenticate(world: &World<Self>, call: &Call) -> Result<Option<Side>, Reply> {
        if call.path == "/token" {
            return Ok(None);
        }
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or \
                       other valid authentication credential.";
        let stranger = || Self::refusal(call, 401, "authError", message);
        access::caller(world, call).map(Some).ok_or_else(stranger)
    }

    fn action(call: &Call) -> String {
        answer::action(call)
    }

    fn answer(world: &mut World<Self>, side: Option<Side>, call: &Call) -> Result<Reply, Reply> {
        let answered = match side {
            None => return access::exchange(world, call),
            Some(side) => answer::route(world, side, call),
        };
        answered.map_err(|refused| Self::refusal(call, refused.status, refused.reason, &refused.message))
    }

    fn refusal(_call: &Call, status: u16, reason: &str, message: &str) -> Reply {
        let detail = json!({"message": message, "domain": "global", "reason": reason});
        Reply::json(status, &json!({"error": {"code": status, "message": message, "errors": [detail]}}))
    }
}

struct KeyPair {
    private: Secret,
    public: String,
}

/// Made once in the life of a process, because that takes a while; an installation keeps its own.
static KEYS: LazyLock<[KeyPair; 2]> = LazyLock::new(|| [access::key_pair(), access::key_pair()]);
