//! Tokens: given to an application for its secret, in every tenant that has a service principal of it.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Answer, Azure, Refused, Thing, directory};
use crate::lookalike::{Call, Reply, Side, World};

/// How long a token is good, in seconds.
const LIFE: i64 = 3_599;
/// For so long after its end it is known for what it was; in milliseconds.
pub const REMEMBERED: i64 = 3_600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    Arm,
    Graph,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    pub application: String,
    pub tenant: String,
    pub audience: Audience,
    pub expires_at: i64,
}

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    pub side: Side,
    pub application: String,
    pub tenant: String,
    /// The object id of its service principal in its tenant.
    pub principal: String,
    /// Who it is in other tenants, as far as it has shown: tenant and object id.
    pub elsewhere: Vec<(String, String)>,
}

/// 64 hexadecimal digits.
pub fn random() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

pub fn is_asked_for(call: &Call) -> bool {
    call.path.ends_with("/oauth2/v2.0/token") || call.path.ends_with("/oauth2/token")
}

pub fn caller(world: &World<Azure>, call: &Call) -> Result<Caller, Refused> {
    let stranger = |code, message: &str| Refused::new(401, code, message);
    let missing = "Authentication failed. The 'Authorization' header is missing.";
    let sent = call.header("authorization").ok_or_else(|| stranger("AuthenticationFailed", missing))?;
    let (token, principal) = shown(world, call, sent)?;
    let side = directory::application(world, &token.application).map(|application| application.side);
    let side = side.ok_or_else(|| stranger("InvalidAuthenticationToken", "The application was deleted."))?;
    let mut elsewhere = Vec::new();
    let auxiliary = call.header("x-ms-authorization-auxiliary").unwrap_or_default();
    for sent in auxiliary.split(',').map(str::trim).filter(|sent| !sent.is_empty()) {
        let (other, principal) = shown(world, call, sent)?;
        if other.application != token.application {
            let message = "The auxiliary token is of another application than the token.";
            return Err(stranger("InvalidAuxiliaryTokens", message));
        }
        elsewhere.push((other.tenant.clone(), principal));
    }
    Ok(Caller { side, application: token.application.clone(), tenant: token.tenant.clone(), principal, elsewhere })
}

fn shown<'a>(world: &'a World<Azure>, call: &Call, sent: &str) -> Result<(&'a Token, String), Refused> {
    let stranger = |code, message: &str| Refused::new(401, code, message);
    let invalid = || stranger("InvalidAuthenticationToken", "The access token is invalid.");
    let token = sent.strip_prefix("Bearer ").ok_or_else(invalid)?;
    let Some(Thing::Token(token)) = world.get(&format!("token/{token}")) else { return Err(invalid()) };
    if token.expires_at <= world.now() {
        return Err(stranger(
            "ExpiredAuthenticationToken",
            "The access token expiry UTC time is earlier than current UTC time.",
        ));
    }
    let wanted = if directory::is_asked(call) { Audience::Graph } else { Audience::Arm };
    if token.audience != wanted {
        let message = "The access token has been obtained for wrong audience or resource.";
        return Err(stranger("InvalidAuthenticationTokenAudience", message));
    }
    let principal = directory::principal(world, &token.tenant, &token.application).ok_or_else(invalid)?;
    Ok((token, principal.id.clone()))
}

pub fn give(world: &mut World<Azure>, call: &Call) -> Answer {
    let form = call.form();
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name).map(|(_, value)| value.to_lowercase());
        found.ok_or_else(|| {
            let message = format!("AADSTS900144: The request body must contain the following parameter: '{name}'.");
            Refused::new(400, "invalid_request", message)
        })
    };
    if field("grant_type")? != "client_credentials" {
        let message = "AADSTS70003: The app requested an unsupported grant type.";
        return Err(Refused::new(400, "unsupported_grant_type", message));
    }
    let tenant = call.segments().first().map(|tenant| tenant.to_lowercase()).unwrap_or_default();
    if !Side::BOTH.into_iter().any(|side| world.account(side).tenant == tenant) {
        let message = format!(
            "AADSTS90002: Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
        );
        return Err(Refused::new(400, "invalid_request", message));
    }
    let id = field("client_id")?;
    let application = directory::application(world, &id).ok_or_else(|| {
        let message = format!(
            "AADSTS700016: Application with identifier '{id}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
        );
        Refused::new(400, "unauthorized_client", message)
    })?;
    let sent = form.iter().find(|(key, _)| key == "client_secret").map(|(_, value)| value.as_str());
    if !application.passwords.iter().any(|password| Some(password.secret.expose()) == sent) {
        let message = format!(
            "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{id}'."
        );
        return Err(Refused::new(401, "invalid_client", message));
    }
    let audience = match field("scope")?.replace("//.default", "/.default").as_str() {
        "https://management.azure.com/.default" | "https://management.core.windows.net/.default" => Audience::Arm,
        "https://graph.microsoft.com/.default" => Audience::Graph,
        other => {
            let message =
                format!("AADSTS70011: The provided value for the input parameter 'scope' is not valid: {other}.");
            return Err(Refused::new(400, "invalid_scope", message));
        }
    };
    if directory::principal(world, &tenant, &id).is_none_or(|principal| !world.settled(principal.made_at)) {
        let message = format!(
            "AADSTS7000229: The client application {id} is missing service principal in the tenant {tenant}. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119"
        );
        return Err(Refused::new(401, "invalid_client", message));
    }
    let token = random();
    let expires_at = world.now() + LIFE * 1_000;
    world.put(format!("token/{token}"), Thing::Token(Token { application: id, tenant, audience, expires_at }));
    let body = json!({"token_type": "Bearer", "expires_in": LIFE, "ext_expires_in": LIFE, "access_token": token});
    Ok(Reply::json(200, &body).with("cache-control", "no-store, no-cache"))
}
