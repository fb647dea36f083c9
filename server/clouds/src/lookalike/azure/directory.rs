//! Microsoft Graph: applications, and the service principals by which tenants know them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Answer, Azure, Refused, Thing, text,
    tokens::{Caller, random},
};
use crate::{
    Secret,
    lookalike::{Call, Reply, Side, World},
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Application {
    pub side: Side,
    pub id: String,
    pub app_id: String,
    pub tenant: String,
    pub name: String,
    /// Whether other tenants may have a service principal of it.
    pub everywhere: bool,
    pub passwords: Vec<Password>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Password {
    pub key: String,
    #[serde(serialize_with = "crate::lookalike::exposed")]
    pub secret: Secret,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Principal {
    pub id: String,
    pub app_id: String,
    pub name: String,
    /// Where the application is registered.
    pub home: String,
    /// Whether it may change the directory.
    pub administers: bool,
    pub made_at: i64,
}

pub fn is_asked(call: &Call) -> bool {
    call.path.starts_with("/v1.0/")
}

/// The account's own application, which may everything in its tenant.
pub fn found(world: &mut World<Azure>, side: Side) {
    let account = world.account(side).clone();
    let name = if side == Side::Ours { "Causeway" } else { "Harbor" };
    let password = Password { key: Uuid::new_v4().to_string(), secret: account.client_secret.clone() };
    let application = Application {
        side,
        id: Uuid::new_v4().to_string(),
        app_id: account.client_id.clone(),
        tenant: account.tenant.clone(),
        name: name.to_owned(),
        everywhere: true,
        passwords: vec![password],
    };
    let principal = Principal {
        id: Uuid::new_v4().to_string(),
        app_id: account.client_id.clone(),
        name: name.to_owned(),
        home: account.tenant.clone(),
        administers: true,
        made_at: 0,
    };
    world.put(format!("application/{}", account.client_id), Thing::Application(application));
    world.put(format!("principal/{}/{}", account.tenant, account.client_id), Thing::Principal(principal));
}

pub fn application<'a>(world: &'a World<Azure>, app_id: &str) -> Option<&'a Application> {
    match world.get(&format!("application/{app_id}"))? {
        Thing::Application(application) => Some(application),
        _ => None,
    }
}

pub fn principal<'a>(world: &'a World<Azure>, tenant: &str, app_id: &str) -> Option<&'a Principal> {
    match world.get(&format!("principal/{tenant}/{app_id}"))? {
        Thing::Principal(principal) => Some(principal),
        _ => None,
    }
}

/// Of one tenant, by their object ids.
pub fn principal_by_id<'a>(world: &'a World<Azure>, tenant: &str, id: &str) -> Option<&'a Principal> {
    principals(world, tenant).find(|principal| principal.id == id)
}

fn principals<'a>(world: &'a World<Azure>, tenant: &str) -> impl Iterator<Item = &'a Principal> {
    let tenant = format!("principal/{tenant}/");
    let all: Vec<&Principal> = world
        .under(&tenant)
        .filter_map(|(_, thing)| match thing {
            Thing::Principal(principal) => Some(principal),
            _ => None,
        })
        .collect();
    all.into_iter()
}

fn missing(id: &str) -> Refused {
    let message =
        format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
    Refused::new(404, "Request_ResourceNotFound", message)
}

pub fn route(world: &mut World<Azure>, caller: &Caller, call: &Call) -> Answer {
    let administers =
        principal(world, &caller.tenant, &caller.application).is_some_and(|principal| principal.administers);
    if !administers {
        return Err(Refused::new(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        ));
    }
    let body = call.json().map_err(|_| Refused::new(400, "BadRequest", "Unable to read JSON request payload."))?;
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    match (call.method.as_str(), parts.as_slice()) {
        ("POST", ["applications"]) => register(world, caller, &body),
        ("POST", ["applications", id, "addPassword"]) => add_password(world, caller, id),
        ("POST", ["servicePrincipals"]) => install(world, caller, &body),
        ("GET", ["servicePrincipals"]) => {
            let filter = call.parameter("$filter").unwrap_or_default();
            let wanted = filter.strip_prefix("appId eq ").map(|text| text.trim_matches('\'').to_lowercase());
            let fits = |principal: &&Principal| wanted.as_ref().is_none_or(|wanted| principal.app_id == *wanted);
            let found: Vec<Value> = principals(world, &caller.tenant).filter(fits).map(shown).collect();
            Ok(Reply::json(200, &json!({ "value": found })))
        }
        ("GET", ["servicePrincipals", id]) => one(world, caller, id).map(|found| Reply::json(200, &shown(found))),
        ("GET", [named]) => one(world, caller, named).map(|found| Reply::json(200, &shown(found))),
        ("DELETE", ["servicePrincipals", id]) => remove(world, caller, id),
        ("DELETE", [named]) => remove(world, caller, named),
        _ => Err(Refused::new(404, "Request_ResourceNotFound", "The requested URL is not simulated.")),
    }
}

/// By its object id, or as `servicePrincipals(appId='…')`.
fn one<'a>(world: &'a World<Azure>, caller: &Caller, named: &str) -> Result<&'a Principal, Refused> {
    let by_application = named.strip_prefix("servicePrincipals(appId='").and_then(|rest| rest.strip_suffix("')"));
    let found = match by_application {
        Some(application) => principal(world, &caller.tenant, &application.to_lowercase()),
        None => principal_by_id(world, &caller.tenant, named),
    };
    found.filter(|principal| world.settled(principal.made_at)).ok_or_else(|| missing(by_application.unwrap_or(named)))
}

fn register(world: &mut World<Azure>, caller: &Caller, body: &Value) -> Answer {
    let name = text(&body["displayName"], "");
    if name.is_empty() {
        return Err(Refused::new(
            400,
            "Request_BadRequest",
            "A value is required for property 'displayName' of resource 'Application'.",
        ));
    }
    let everywhere = text(&body["signInAudience"], "AzureADMultipleOrgs").starts_with("AzureADMultipleOrgs");
    let application = Application {
        side: caller.side,
        id: Uuid::new_v4().to_string(),
        app_id: Uuid::new_v4().to_string(),
        tenant: caller.tenant.clone(),
        name: name.to_owned(),
        everywhere,
        passwords: Vec::new(),
    };
    let shown = json!({
        "id": application.id,
        "appId": application.app_id,
        "displayName": application.name,
        "signInAudience": if everywhere { "AzureADMultipleOrgs" } else { "AzureADMyOrg" },
    });
    world.put(format!("application/{}", application.app_id), Thing::Application(application));
    Ok(Reply::json(201, &shown))
}

fn add_password(world: &mut World<Azure>, caller: &Caller, id: &str) -> Answer {
    let found = world.under("application/").find_map(|(key, thing)| match thing {
        Thing::Application(application) if application.id == id && application.tenant == caller.tenant => {
            Some(key.to_owned())
        }
        _ => None,
    });
    let found = found.ok_or_else(|| missing(id))?;
    let (key, secret) = (Uuid::new_v4().to_string(), random());
    world.change(&found, |thing| {
        if let Thing::Application(application) = thing {
            application.passwords.push(Password { key: key.clone(), secret: Secret::new(secret.clone()) });
        }
    });
    Ok(Reply::json(200, &json!({"keyId": key, "secretText": secret})))
}

fn install(world: &mut World<Azure>, caller: &Caller, body: &Value) -> Answer {
    let app_id = text(&body["appId"], "").to_lowercase();
    let known = application(world, &app_id).filter(|known| known.everywhere || known.tenant == caller.tenant);
    let Some(known) = known else {
        let message =
            format!("The appId '{app_id}' of the service principal does not reference a valid application object.");
        return Err(Refused::new(400, "Request_BadRequest", message));
    };
    if principal(world, &caller.tenant, &app_id).is_some() {
        let message = format!(
            "The service principal cannot be created, updated, or restored because the service principal name {app_id} is already in use."
        );
        return Err(Refused::new(409, "Request_MultipleObjectsWithSameKeyValue", message));
    }
    let principal = Principal {
        id: Uuid::new_v4().to_string(),
        app_id: app_id.clone(),
        name: known.name.clone(),
        home: known.tenant.clone(),
        administers: false,
        made_at: world.now(),
    };
    let shown = shown(&principal);
    world.put(format!("principal/{}/{app_id}", caller.tenant), Thing::Principal(principal));
    Ok(Reply::json(201, &shown))
}

fn remove(world: &mut World<Azure>, caller: &Caller, named: &str) -> Answer {
    let app_id = one(world, caller, named)?.app_id.clone();
    world.remove(&format!("principal/{}/{app_id}", caller.tenant));
    Ok(Reply::empty(204))
}

fn shown(principal: &Principal) -> Value {
    json!({
        "id": principal.id,
        "appId": principal.app_id,
        "displayName": principal.name,
        "appOwnerOrganizationId": principal.home,
        "accountEnabled": true,
        "servicePrincipalType": "Application",
    })
}
