//! Azure: tokens, the applications and service principals of Microsoft Graph, role definitions and assignments, and of
//! Resource Manager resource groups, virtual networks, security groups, public addresses with the interfaces that have
//! them, peerings and their operations.
//!
//! The two accounts live in two tenants. Whoever calls is a service principal of an application, and may what its role
//! assignments say; to peer with a network of another tenant takes a second token, of that tenant. A change is visible
//! at once and provisioned some time later. Known of Azure are the requests, the states, the codes and the sentences of
//! refused peerings; assumed are some status codes, how long a network stays locked, and that a network written
//! without its subnets or peerings keeps them.

mod access;
mod addresses;
mod answer;
mod directory;
mod groups;
mod networks;
mod operations;
mod peerings;
mod tokens;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, Reply, Side, Vendor, World};
use crate::Secret;

/// The vendor; a name for [`Vendor`].
#[derive(Clone, Copy, Debug)]
pub struct Azure;

/// A tenant with one subscription, and an application that owns it and may sign in to other tenants that let it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub tenant: String,
    pub subscription: String,
    pub resource_group: String,
    pub client_id: String,
    #[serde(serialize_with = "super::exposed")]
    pub client_secret: Secret,
}

/// Things of Resource Manager are kept by their ids in lower case.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    Application(directory::Application),
    Principal(directory::Principal),
    Role(access::Role),
    Assignment(access::Assignment),
    Group(networks::Group),
    Network(networks::Network),
    SecurityGroup(groups::SecurityGroup),
    Peering(peerings::Peering),
    Operation(operations::Operation),
    Token(tokens::Token),
    Address(addresses::Address),
    Interface(addresses::Interface),
}

/// An error as the vendor words it.
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

    fn not_found(id: &str) -> Self {
        let message = format!(
            "The Resource '{id}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        );
        Self::new(404, "ResourceNotFound", message)
    }

    fn malformed(what: &str) -> Self {
        Self::new(400, "InvalidRequestFormat", format!("Cannot parse the request: {what}."))
    }
}

impl Vendor for Azure {
    const NAME: &'static str = "azure";
    type Thing = Thing;
    type Account = Account;

    fn account(side: Side) -> Account {
        let id = || Uuid::new_v4().to_string();
        Account {
            tenant: id(),
            subscription: id(),
            resource_group: if side == Side::Ours { "causeway".to_owned() } else { "harbor".to_owned() },
            client_id: id(),
            client_secret: Secret::new(tokens::random()),
        }
    }

    fn found(world: &mut World<Self>) {
        for side in Side::BOTH {
            directory::found(world, side);
            access::found(world, side);
        }
        networks::found(world);
    }

    fn due(thing: &Thing) -> Option<i64> {
        match thing {
            Thing::Operation(operation) => operation.over_at.map(|at| at + operations::REMEMBERED).or(operation.due),
            Thing::Token(token) => Some(token.expires_at + tokens::REMEMBERED),
            _ => None,
        }
    }

    fn ripen(world: &mut World<Self>, id: &str) {
        match world.get(id) {
            Some(Thing::Operation(operation)) if operation.over_at.is_none() => operations::ripen(world, id),
            Some(Thing::Operation(_) | Thing::Token(_)) => drop(world.remove(id)),
            _ => {}
        }
    }

    fn authenticate(world: &World<Self>, call: &Call) -> Result<Option<Side>, Reply> {
        if tokens::is_asked_for(call) {
            return Ok(None);
        }
        let caller = tokens::caller(world, call);
        caller.map(|caller| Some(caller.side)).map_err(|Refused { code, message, .. }| {
            let challenge = format!("Bearer authorization_uri=\"{}\", error=\"invalid_token\"", call.base());
            Self::refusal(call, 401, code, &message).with("www-authenticate", challenge)
        })
    }

    fn action(call: &Call) -> String {
        answer::action(call)
    }

    fn answer(world: &mut World<Self>, side: Option<Side>, call: &Call) -> Result<Reply, Reply> {
        let answered = match side {
            None => tokens::give(world, call),
            Some(_) => answer::route(world, call),
        };
        answered.map_err(|Refused { status, code, message }| {
            let refusal = Self::refusal(call, status, code, &message);
            if status == 429 { refusal.with("retry-after", "1") } else { refusal }
        })
    }

    fn refusal(call: &Call, status: u16, code: &str, message: &str) -> Reply {
        let request = Uuid::new_v4().to_string();
        let body = if tokens::is_asked_for(call) {
            let number: Option<u64> =
                message.split(':').next().and_then(|word| word.strip_prefix("AADSTS")?.parse().ok());
            json!({
                "error": code,
                "error_description": format!("{message} Trace ID: {request} Correlation ID: {request}"),
                "error_codes": number.into_iter().collect::<Vec<_>>(),
                "trace_id": request,
                "correlation_id": request,
            })
        } else if directory::is_asked(call) {
            json!({"error": {"code": code, "message": message, "innerError": {"request-id": request}}})
        } else {
            json!({"error": {"code": code, "message": message}})
        };
        Reply::json(status, &body).with("x-ms-request-id", request)
    }
}

/// A key of a thing of Resource Manager.
fn key(id: &str) -> String {
    id.trim_end_matches('/').to_lowercase()
}

fn text<'a>(value: &'a Value, otherwise: &'a str) -> &'a str {
    value.as_str().unwrap_or(otherwise)
}
