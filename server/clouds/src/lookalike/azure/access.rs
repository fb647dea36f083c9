//! Who may do what: role definitions, role assignments, and the question that every call asks.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Azure, Refused, Thing, answer::page, directory, key, text, tokens::Caller};
use crate::lookalike::{Call, Reply, Side, World};

/// Roles that Azure has by itself: id, name, what they allow and what of that they do not.
const BUILT_IN: [(&str, &str, &[&str], &[&str]); 5] = [
    ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", &["*"], &[]),
    (
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "Contributor",
        &["*"],
        &["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"],
    ),
    ("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", &["*/read"], &[]),
    (
        "4d97b98b-1dc5-4787-a291-c67834d212e7",
        "Network Contributor",
        &[
            "Microsoft.Authorization/*/read",
            "Microsoft.Network/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        &[],
    ),
    (
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "User Access Administrator",
        &["*/read", "Microsoft.Authorization/*"],
        &[],
    ),
];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Role {
    pub name: String,
    pub role_name: String,
    pub description: String,
    pub actions: Vec<String>,
    pub not_actions: Vec<String>,
    pub scopes: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assignment {
    pub name: String,
    pub scope: String,
    pub principal: String,
    /// The role's own id, without where it was found.
    pub role: String,
    /// As it was sent.
    pub role_definition_id: String,
    /// When everybody knows of it; `None`: a rule holds it up.
    pub effective_at: Option<i64>,
    pub made_at: i64,
}

/// Each application owns its subscription.
pub fn found(world: &mut World<Azure>, side: Side) {
    let account = world.account(side).clone();
    let principal = directory::principal(world, &account.tenant, &account.client_id).map(|found| found.id.clone());
    let scope = format!("/subscriptions/{}", account.subscription);
    let assignment = Assignment {
        name: Uuid::new_v4().to_string(),
        scope: scope.clone(),
        principal: principal.unwrap_or_default(),
        role: BUILT_IN[0].0.to_owned(),
        role_definition_id: role_path(&scope, BUILT_IN[0].0),
        effective_at: Some(0),
        made_at: 0,
    };
    world.put(assignment_key(&scope, &assignment.name), Thing::Assignment(assignment));
}

fn role_path(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{name}")
}

fn assignment_key(scope: &str, name: &str) -> String {
    key(&format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"))
}

/// The scope and everything above it.
fn above(scope: &str) -> impl Iterator<Item = String> {
    let parts: Vec<String> = key(scope).split('/').skip(1).map(str::to_owned).collect();
    (1..=parts.len() / 2).map(move |pairs| format!("/{}", parts[..pairs * 2].join("/")))
}

fn assignments<'a>(world: &'a World<Azure>, scope: &str) -> Vec<&'a Assignment> {
    let prefix = format!("{}/", assignment_key(scope, ""));
    let all = world.under(&prefix).filter_map(|(_, thing)| match thing {
        Thing::Assignment(assignment) => Some(assignment),
        _ => None,
    });
    all.collect()
}

pub fn is_allowed(world: &World<Azure>, principal: &str, action: &str, scope: &str) -> bool {
    let effective = |assignment: &&Assignment| assignment.effective_at.is_some_and(|at| at <= world.now());
    above(scope).any(|scope| {
        let mut own = assignments(world, &scope).into_iter().filter(|assignment| assignment.principal == principal);
        own.any(|assignment| effective(&assignment) && grants(world, &assignment.role, action))
    })
}

fn grants(world: &World<Azure>, role: &str, action: &str) -> bool {
    let fits = |patterns: &[&str]| patterns.iter().any(|pattern| covers(pattern, action));
    if let Some((_, _, actions, not)) = BUILT_IN.iter().find(|(id, ..)| *id == role) {
        return fits(actions) && !fits(not);
    }
    custom(world, role).is_some_and(|role| {
        let named = |list: &[String]| list.iter().any(|pattern| covers(pattern, action));
        named(&role.actions) && !named(&role.not_actions)
    })
}

/// `*` stands for anything, also for several parts.
fn covers(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
    match pattern.split_once('*') {
        None => pattern == action,
        Some((start, rest)) => action.strip_prefix(start).is_some_and(|tail| {
            let mut starts = (0..=tail.len()).filter(|at| tail.is_char_boundary(*at));
            starts.any(|at| covers(rest, &tail[at..]))
        }),
    }
}

fn custom<'a>(world: &'a World<Azure>, name: &str) -> Option<&'a Role> {
    match world.get(&format!("role/{name}"))? {
        Thing::Role(role) => Some(role),
        _ => None,
    }
}

pub fn get_role(world: &World<Azure>, scope: &str, name: &str) -> Answer {
    let name = name.to_lowercase();
    if let Some(built_in) = BUILT_IN.iter().find(|(id, ..)| *id == name) {
        return Ok(Reply::json(200, &shown_built_in(scope, built_in)));
    }
    let within = |role: &&Role| role.scopes.iter().any(|at| above(scope).any(|one| one == key(at)));
    match custom(world, &name).filter(within) {
        Some(role) => Ok(Reply::json(200, &shown_role(scope, role))),
        None => Err(no_role(&name)),
    }
}

fn no_role(name: &str) -> Refused {
    Refused::new(
        404,
        "RoleDefinitionDoesNotExist",
        format!("The specified role definition with ID '{name}' does not exist."),
    )
}

pub fn list_roles(world: &World<Azure>, scope: &str, call: &Call) -> Answer {
    let filter = call.parameter("$filter").unwrap_or_default();
    let wanted = filter.strip_prefix("roleName eq ").map(|text| text.trim_matches('\'').to_owned());
    let built_in = BUILT_IN.iter().map(|role| shown_built_in(scope, role));
    let customs = world.under("role/").filter_map(|(_, thing)| match thing {
        Thing::Role(role) if role.scopes.iter().any(|at| above(scope).any(|one| one == key(at))) => {
            Some(shown_role(scope, role))
        }
        _ => None,
    });
    let fits = |role: &Value| wanted.as_ref().is_none_or(|wanted| role["properties"]["roleName"] == wanted.as_str());
    Ok(page(call, built_in.chain(customs).filter(fits).collect()))
}

pub fn put_role(world: &mut World<Azure>, scope: &str, name: &str, body: &Value) -> Answer {
    let properties = &body["properties"];
    let list = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let role = Role {
        name: name.to_lowercase(),
        role_name: text(&properties["roleName"], "").to_owned(),
        description: text(&properties["description"], "").to_owned(),
        actions: list(&properties["permissions"][0]["actions"]),
        not_actions: list(&properties["permissions"][0]["notActions"]),
        scopes: list(&properties["assignableScopes"]),
    };
    if role.role_name.is_empty() || role.actions.is_empty() || role.scopes.is_empty() {
        let message = "The role definition needs a roleName, permissions with actions, and assignableScopes.";
        return Err(Refused::new(400, "InvalidRoleDefinition", message));
    }
    let twin = world.under("role/").any(|(_, thing)| {
        matches!(thing, Thing::Role(other) if other.role_name == role.role_name && other.name != role.name)
    });
    if twin {
        let message = format!("Role definition with name '{}' already exists.", role.role_name);
        return Err(Refused::new(409, "RoleDefinitionWithSameNameExists", message));
    }
    let shown = shown_role(scope, &role);
    world.put(format!("role/{}", role.name), Thing::Role(role));
    Ok(Reply::json(201, &shown))
}

fn shown_role(scope: &str, role: &Role) -> Value {
    let permissions =
        json!([{"actions": role.actions, "notActions": role.not_actions, "dataActions": [], "notDataActions": []}]);
    json!({
        "id": role_path(scope, &role.name),
        "name": role.name,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": role.role_name, "description": role.description, "type": "CustomRole",
            "permissions": permissions, "assignableScopes": role.scopes,
        },
    })
}

fn shown_built_in(scope: &str, (id, name, actions, not): &(&str, &str, &[&str], &[&str])) -> Value {
    json!({
        "id": role_path(scope, id),
        "name": id,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": name, "description": name, "type": "BuiltInRole", "assignableScopes": ["/"],
            "permissions": [{"actions": actions, "notActions": not, "dataActions": [], "notDataActions": []}],
        },
    })
}

/// At the scope and above it and, unless `$filter` says `atScope()`, below it; it may name a principal.
pub fn list(world: &World<Azure>, scope: &str, call: &Call) -> Answer {
    let filter = call.parameter("$filter").unwrap_or_default();
    let (below, own) = (format!("{}/", key(scope)), assignment_key(scope, ""));
    let deeper = world.under(&below).filter(|(id, _)| !filter.contains("atScope()") && !id.starts_with(&own));
    let deeper = deeper.filter_map(|(_, thing)| match thing {
        Thing::Assignment(assignment) => Some(assignment),
        _ => None,
    });
    let wanted = filter.strip_prefix("principalId eq ").map(|text| text.trim_matches('\'').to_lowercase());
    let fits = |assignment: &&Assignment| {
        world.settled(assignment.made_at) && wanted.as_ref().is_none_or(|wanted| assignment.principal == *wanted)
    };
    let found = above(scope).flat_map(|scope| assignments(world, &scope)).chain(deeper).filter(fits).map(shown);
    Ok(page(call, found.collect()))
}

/// What is built in, nobody deletes; what somebody is granted, neither.
pub fn delete_role(world: &mut World<Azure>, name: &str) -> Answer {
    let name = name.to_lowercase();
    if BUILT_IN.iter().any(|(id, ..)| *id == name) {
        return Err(Refused::new(400, "BuiltInRoleDefinitionCannotBeDeleted", "A built-in role cannot be deleted."));
    }
    let Some(role) = custom(world, &name).cloned() else { return Ok(Reply::empty(204)) };
    let is_granted = |(_, thing): (&str, &Thing)| matches!(thing, Thing::Assignment(one) if one.role == name);
    if world.under("/subscriptions/").any(is_granted) {
        let message = "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments)";
        return Err(Refused::new(400, "RoleDefinitionHasAssignments", message));
    }
    world.remove(&format!("role/{name}"));
    Ok(Reply::json(200, &shown_role(role.scopes.first().map_or("", String::as_str), &role)))
}

pub fn get(world: &World<Azure>, scope: &str, name: &str) -> Answer {
    match world.get(&assignment_key(scope, name)) {
        Some(Thing::Assignment(assignment)) => Ok(Reply::json(200, &shown(assignment))),
        _ => Err(Refused::new(404, "RoleAssignmentNotFound", format!("The role assignment '{name}' is not found."))),
    }
}

pub fn put(world: &mut World<Azure>, caller: &Caller, scope: &str, name: &str, body: &Value) -> Answer {
    let properties = &body["properties"];
    let role_definition_id = text(&properties["roleDefinitionId"], "").to_owned();
    let principal = text(&properties["principalId"], "").to_lowercase();
    let role = role_definition_id.rsplit('/').next().unwrap_or_default().to_lowercase();
    // Whoever makes a group or a network out of nothing grants rights to nothing.
    if scope.to_lowercase().contains("/virtualnetworks/") && world.get(&key(scope)).is_none() {
        return Err(Refused::not_found(scope));
    }
    let assignable = match custom(world, &role) {
        Some(role) => role.scopes.iter().any(|at| above(scope).any(|one| one == key(at))),
        None => BUILT_IN.iter().any(|(id, ..)| *id == role),
    };
    if !assignable {
        return Err(no_role(&role));
    }
    let known = directory::principal_by_id(world, &caller.tenant, &principal);
    let is_told = properties["principalType"] == "ServicePrincipal";
    if known.is_none_or(|known| !is_told && !world.settled(known.made_at)) {
        let message = format!(
            "Principal {principal} does not exist in the directory {}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.",
            caller.tenant
        );
        return Err(Refused::new(400, "PrincipalNotFound", message));
    }
    let same = |other: &&Assignment| other.principal == principal && other.role == role;
    if let Some(Thing::Assignment(there)) = world.get(&assignment_key(scope, name)) {
        if !same(&there) {
            let message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
            return Err(Refused::new(409, "RoleAssignmentUpdateNotPermitted", message));
        }
        return Ok(Reply::json(200, &shown(there)));
    }
    if let Some(twin) = assignments(world, scope).into_iter().find(same) {
        let message = format!(
            "The role assignment already exists. The ID of the conflicting role assignment is {}.",
            twin.name.replace('-', "")
        );
        return Err(Refused::new(409, "RoleAssignmentExists", message));
    }
    let assignment = Assignment {
        name: name.to_lowercase(),
        scope: scope.to_owned(),
        principal,
        role,
        role_definition_id,
        effective_at: world.due("RoleAssignment/effective"),
        made_at: world.now(),
    };
    let reply = Reply::json(201, &shown(&assignment));
    world.put(assignment_key(scope, name), Thing::Assignment(assignment));
    Ok(reply)
}

pub fn delete(world: &mut World<Azure>, scope: &str, name: &str) -> Answer {
    match world.remove(&assignment_key(scope, name)) {
        Some(Thing::Assignment(assignment)) => Ok(Reply::json(200, &shown(&assignment))),
        _ => Ok(Reply::empty(204)),
    }
}

fn shown(assignment: &Assignment) -> Value {
    let Assignment { name, scope, principal, role_definition_id, .. } = assignment;
    json!({
        "id": format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"),
        "name": name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": role_definition_id, "principalId": principal, "principalType": "ServicePrincipal",
            "scope": scope,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_covers_whatever_stands_there() {
        assert!(covers("*", "Microsoft.Network/virtualNetworks/write"));
        assert!(covers("*/read", "Microsoft.Network/virtualNetworks/READ"));
        assert!(covers("Microsoft.Authorization/*/Write", "Microsoft.Authorization/roleAssignments/write"));
        assert!(!covers("*/read", "Microsoft.Network/virtualNetworks/write"));
        assert!(!covers("Microsoft.Network/virtualNetworks/peer/action", "Microsoft.Network/virtualNetworks/read"));
    }

    #[test]
    fn a_scope_lies_in_its_group_and_its_subscription() {
        let all: Vec<String> =
            above("/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/N").collect();
        assert_eq!(all[..2], ["/subscriptions/s", "/subscriptions/s/resourcegroups/g"]);
        assert_eq!(all[3], "/subscriptions/s/resourcegroups/g/providers/microsoft.network/virtualnetworks/n");
    }
}
