//! UpCloud: the documented requests of API 1.3 about accounts, networks, routers and network peerings.
//!
//! Who calls is told by a password or a token. A peering's state follows from the two networks, their
//! routers and the peering of the other side (`state`), and changes some time after its causes did.
//! Known of UpCloud are the requests, the states and the codes; assumed are the status codes of some
//! refusals, and that a network may be deleted while it is peered.

mod answer;
mod networks;
mod peerings;
mod state;

#[cfg(test)]
mod tests;

use base64::Engine as _;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, Reply, Side, Vendor, World};
use crate::Secret;

/// The vendor; a name for [`Vendor`].
#[derive(Clone, Copy, Debug)]
pub struct UpCloud;

/// An account with its one user, who may sign in with either.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub username: String,
    #[serde(serialize_with = "super::exposed")]
    pub password: Secret,
    #[serde(serialize_with = "super::exposed")]
    pub token: Secret,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    Router(Router),
    Network(Network),
    Peering(Peering),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Router {
    pub side: Side,
    pub uuid: Uuid,
    pub name: String,
    pub labels: Value,
    pub made_at: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Network {
    /// `None`: UpCloud's own, which everybody sees.
    pub side: Option<Side>,
    pub uuid: Uuid,
    pub name: String,
    pub kind: String,
    pub zone: String,
    pub range: Ipv4Net,
    /// What was asked for of DHCP, as it was sent.
    pub dhcp: Value,
    pub router: Option<Uuid>,
    pub labels: Value,
    pub made_at: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Peering {
    pub side: Side,
    pub uuid: Uuid,
    pub name: String,
    pub network: Uuid,
    pub peer_network: Uuid,
    pub configured_status: String,
    pub state: String,
    /// When `state` follows its causes; `None`: nothing is on the way, or a rule holds it up.
    pub due: Option<i64>,
    pub labels: Value,
    pub made_at: i64,
}

/// An error as the vendor codes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
}

type Answer = Result<Reply, Refused>;

impl Refused {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

impl Vendor for UpCloud {
    const NAME: &'static str = "upcloud";
    type Thing = Thing;
    type Account = Account;

    fn account(side: Side) -> Account {
        Account {
            username: if side == Side::Ours { "causeway".to_owned() } else { "peer".to_owned() },
            password: Secret::new(random()),
            token: Secret::new(format!("ucat_{}", random())),
        }
    }

    fn found(world: &mut World<Self>) {
        networks::found(world);
    }

    fn due(thing: &Thing) -> Option<i64> {
        match thing {
            Thing::Peering(peering) => peering.due,
            Thing::Router(_) | Thing::Network(_) => None,
        }
    }

    fn ripen(world: &mut World<Self>, id: &str) {
        state::ripen(world, id);
    }

    fn authenticate(world: &World<Self>, call: &Call) -> Result<Option<Side>, Reply> {
        let known = |side: &Side| signs_in(world.account(*side), call.header("authorization").unwrap_or_default());
        let message = "Authentication failed using the given username and password.";
        let stranger = || Self::refusal(call, 401, "AUTHENTICATION_FAILED", message);
        Side::BOTH.into_iter().find(known).map(Some).ok_or_else(stranger)
    }

    fn action(call: &Call) -> String {
        answer::action(call)
    }

    fn answer(world: &mut World<Self>, side: Option<Side>, call: &Call) -> Result<Reply, Reply> {
        let answered = match side {
            Some(side) => answer::route(world, side, call),
            None => Err(Refused::new(401, "AUTHENTICATION_FAILED", "Authentication is required.")),
        };
        answered.map_err(|refused| Self::refusal(call, refused.status, refused.code, &refused.message))
    }

    /// Peerings came late to the API and have its newer form of errors.
    fn refusal(call: &Call, status: u16, code: &str, message: &str) -> Reply {
        if !call.path.contains("network-peering") {
            let body = json!({"error": {"error_code": code, "error_message": message}});
            return Reply::json(status, &body);
        }
        let body = json!({
            "type": format!("https://developers.upcloud.com/1.3/errors#ERROR_{code}"),
            "title": message,
            "correlation_id": Uuid::now_v7().simple().to_string().to_uppercase(),
            "status": status,
        });
        let reply = Reply::empty(status).with("content-type", "application/problem+json");
        Reply { body: body.to_string(), ..reply }
    }
}

fn signs_in(account: &Account, authorization: &str) -> bool {
    if let Some(token) = authorization.strip_prefix("Bearer ") {
        return token == account.token.expose();
    }
    let Some(encoded) = authorization.strip_prefix("Basic ") else { return false };
    let pair = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap_or_default();
    pair == format!("{}:{}", account.username, account.password.expose()).into_bytes()
}

/// 26 letters and digits with 122 random bits.
fn random() -> String {
    Uuid::new_v4().simple().to_string()
}
