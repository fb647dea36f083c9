//! Which request is which, whether its caller may make it, and how lists are paged.

use serde_json::{Value, json};

use super::{
    Answer, Azure, Refused, access, addresses, directory, groups, key, networks,
    operations::{self, Asked},
    peerings,
    tokens::{self, Caller},
};
use crate::lookalike::{Call, Reply, Side, World};

/// How many things a page of a list has.
const PAGE: usize = 50;

/// Where in Resource Manager something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    pub subscription: String,
    pub group: String,
    /// `virtualNetworks` and its kin, in Azure's own spelling.
    pub kind: &'static str,
    pub name: String,
}

impl At {
    pub fn group_id(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.group)
    }

    pub fn group_key(&self) -> String {
        key(&self.group_id())
    }

    pub fn id(&self) -> String {
        format!("{}/providers/Microsoft.Network/{}/{}", self.group_id(), self.kind, self.name)
    }

    pub fn key(&self) -> String {
        key(&self.id())
    }

    pub fn no_group(&self) -> Refused {
        let message = format!("Resource group '{}' could not be found.", self.group);
        Refused::new(404, "ResourceGroupNotFound", message)
    }

    pub fn not_found(&self) -> Refused {
        let message = format!(
            "The Resource 'Microsoft.Network/{}/{}' under resource group '{}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            self.kind, self.name, self.group
        );
        Refused::new(404, "ResourceNotFound", message)
    }

    pub fn no_parent(&self) -> Refused {
        let message = format!(
            "Can not perform requested operation on nested resource. Parent resource '{}' not found.",
            self.name
        );
        Refused::new(404, "ParentResourceNotFound", message)
    }
}

/// What is called for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Subscription,
    Groups,
    Group,
    Operation {
        what: String,
        id: String,
    },
    /// Of a subscription (`group` is empty) or of a group.
    All(&'static str),
    One,
    Subnet(String),
    Peerings,
    Peering(String),
    Roles {
        scope: String,
    },
    Role {
        scope: String,
        name: String,
    },
    Assignments {
        scope: String,
    },
    Assignment {
        scope: String,
        name: String,
    },
}

fn parsed(call: &Call) -> Option<(At, What)> {
    let parts = call.segments();
    let lower: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let mut at = At { subscription: String::new(), group: String::new(), kind: "virtualNetworks", name: String::new() };
    if lower.first() != Some(&"subscriptions") {
        return None;
    }
    at.subscription.clone_from(parts.get(1)?);
    if lower.get(2) == Some(&"resourcegroups") {
        at.group = parts.get(3).cloned().unwrap_or_default();
    }
    // Authorization may be asked of anything, and comes last.
    let authorization = lower.windows(2).rposition(|pair| pair == ["providers", "microsoft.authorization"]);
    if let Some(from) = authorization {
        let scope = format!("/{}", parts[..from].join("/"));
        let name = |at: usize| parts[at].clone();
        return Some((
            at,
            match &lower[from + 2..] {
                ["roledefinitions"] => What::Roles { scope },
                ["roledefinitions", _] => What::Role { scope, name: name(from + 3) },
                ["roleassignments"] => What::Assignments { scope },
                ["roleassignments", _] => What::Assignment { scope, name: name(from + 3) },
                _ => return None,
            },
        ));
    }
    let kind = |word: &str| match word {
        "virtualnetworks" => Some("virtualNetworks"),
        "networksecuritygroups" => Some("networkSecurityGroups"),
        "publicipaddresses" => Some("publicIPAddresses"),
        "networkinterfaces" => Some("networkInterfaces"),
        _ => None,
    };
    let what = match &lower[2..] {
        [] => What::Subscription,
        ["resourcegroups"] => What::Groups,
        ["resourcegroups", _] => What::Group,
        ["providers", "microsoft.network", "locations", _, "operations", _] => {
            What::Operation { what: "operations".to_owned(), id: parts[7].clone() }
        }
        ["providers", "microsoft.network", "locations", _, "operationresults", _] => {
            What::Operation { what: "operationResults".to_owned(), id: parts[7].clone() }
        }
        ["providers", "microsoft.network", word] => What::All(kind(word)?),
        ["resourcegroups", _, "providers", "microsoft.network", word] => What::All(kind(word)?),
        ["resourcegroups", _, "providers", "microsoft.network", word, _, rest @ ..] => {
            at.kind = kind(word)?;
            at.name.clone_from(&parts[7]);
            match rest {
                [] => What::One,
                ["subnets", _] if at.kind == "virtualNetworks" => What::Subnet(parts[9].clone()),
                ["virtualnetworkpeerings"] if at.kind == "virtualNetworks" => What::Peerings,
                ["virtualnetworkpeerings", _] if at.kind == "virtualNetworks" => What::Peering(parts[9].clone()),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some((at, what))
}

/// As Azure's own descriptions name it, such as `VirtualNetworkPeerings_CreateOrUpdate`.
pub fn action(call: &Call) -> String {
    if tokens::is_asked_for(call) {
        return "Token".to_owned();
    }
    if directory::is_asked(call) {
        let noun = if call.path.contains("servicePrincipals") { "ServicePrincipals" } else { "Applications" };
        return format!("{noun}_{}", verb(call, !call.path.contains("'") && call.path.matches('/').count() < 3));
    }
    let Some((at, what)) = parsed(call) else { return "unknown".to_owned() };
    let of = |kind: &str| match kind {
        "virtualNetworks" => "VirtualNetworks",
        "publicIPAddresses" => "PublicIPAddresses",
        "networkInterfaces" => "NetworkInterfaces",
        _ => "NetworkSecurityGroups",
    };
    match what {
        What::Subscription => "Subscriptions_Get".to_owned(),
        What::Groups => "ResourceGroups_List".to_owned(),
        What::Group => format!("ResourceGroups_{}", verb(call, false)),
        What::Operation { .. } => "Operations_Get".to_owned(),
        What::All(kind) => format!("{}_List", of(kind)),
        What::One => format!("{}_{}", of(at.kind), verb(call, false)),
        What::Subnet(_) => format!("Subnets_{}", verb(call, false)),
        What::Peerings => "VirtualNetworkPeerings_List".to_owned(),
        What::Peering(_) => format!("VirtualNetworkPeerings_{}", verb(call, false)),
        What::Roles { .. } => "RoleDefinitions_List".to_owned(),
        What::Role { .. } => format!("RoleDefinitions_{}", verb(call, false)),
        What::Assignments { .. } => "RoleAssignments_ListForScope".to_owned(),
        What::Assignment { .. } => format!("RoleAssignments_{}", verb(call, false)),
    }
}

fn verb(call: &Call, many: bool) -> &'static str {
    match call.method.as_str() {
        "GET" if many => "List",
        "GET" => "Get",
        "PUT" => "CreateOrUpdate",
        "POST" => "Create",
        "DELETE" => "Delete",
        _ => "unknown",
    }
}

/// What a role has to allow, and where.
fn permission(call: &Call, at: &At, what: &What) -> (String, String) {
    let deed = match call.method.as_str() {
        "GET" => "read",
        "DELETE" => "delete",
        _ => "write",
    };
    let (noun, scope) = match what {
        What::Subscription => {
            ("Microsoft.Resources/subscriptions".to_owned(), format!("/subscriptions/{}", at.subscription))
        }
        What::Groups | What::All(_) if at.group.is_empty() => (
            "Microsoft.Resources/subscriptions/resourceGroups".to_owned(),
            format!("/subscriptions/{}", at.subscription),
        ),
        What::Groups | What::Group => ("Microsoft.Resources/subscriptions/resourceGroups".to_owned(), at.group_id()),
        What::Operation { .. } => return (String::new(), String::new()),
        What::All(kind) => (format!("Microsoft.Network/{kind}"), at.group_id()),
        What::One => (format!("Microsoft.Network/{}", at.kind), at.id()),
        What::Subnet(name) => {
            ("Microsoft.Network/virtualNetworks/subnets".to_owned(), format!("{}/subnets/{name}", at.id()))
        }
        What::Peerings => ("Microsoft.Network/virtualNetworks/virtualNetworkPeerings".to_owned(), at.id()),
        What::Peering(name) => (
            "Microsoft.Network/virtualNetworks/virtualNetworkPeerings".to_owned(),
            format!("{}/virtualNetworkPeerings/{name}", at.id()),
        ),
        What::Roles { scope } | What::Role { scope, .. } => {
            ("Microsoft.Authorization/roleDefinitions".to_owned(), scope.clone())
        }
        What::Assignments { scope } | What::Assignment { scope, .. } => {
            ("Microsoft.Authorization/roleAssignments".to_owned(), scope.clone())
        }
    };
    (format!("{noun}/{deed}"), scope)
}

pub fn route(world: &mut World<Azure>, call: &Call) -> Answer {
    let caller = tokens::caller(world, call)?;
    if directory::is_asked(call) {
        return directory::route(world, &caller, call);
    }
    let version = call.parameter("api-version").unwrap_or_default();
    if version.is_empty() {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(Refused::new(400, "MissingApiVersionParameter", message));
    }
    let Some((at, what)) = parsed(call) else {
        return Err(Refused::new(
            404,
            "InvalidResourceType",
            "The resource type could not be found: it is not simulated.",
        ));
    };
    admit(world, &caller, &at)?;
    let (needed, scope) = permission(call, &at, &what);
    if !needed.is_empty() && !access::is_allowed(world, &caller.principal, &needed, &scope) {
        let message = format!(
            "The client '{}' with object id '{}' does not have authorization to perform action '{needed}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
            caller.application, caller.principal
        );
        return Err(Refused::new(403, "AuthorizationFailed", message));
    }
    unchanged(world, call, &at, &what)?;
    let body = call.json().map_err(|_| Refused::malformed("the body is no JSON"))?;
    let asked = &Asked { call, kind: kind_of(call, &at, &what), subscription: &at.subscription };
    let below =
        |group: bool| key(&if group { at.group_id() } else { format!("/subscriptions/{}", at.subscription) }) + "/";
    match (call.method.as_str(), &what) {
        ("GET", What::Subscription) => Ok(subscription(&caller, &at)),
        ("GET", What::Groups) => networks::list_groups(world, &below(false), call),
        ("GET", What::Group) => networks::get_group(world, &at),
        ("PUT", What::Group) => networks::put_group(world, &at, &body),
        ("GET", What::Operation { what, id }) => operations::get(world, &at.subscription, what, id),
        ("GET", What::All("virtualNetworks")) => networks::list(world, &below(!at.group.is_empty()), call),
        ("GET", What::All(kind @ ("publicIPAddresses" | "networkInterfaces"))) => {
            addresses::list(world, &below(!at.group.is_empty()), kind, call)
        }
        ("GET", What::All(_)) => groups::list(world, &below(!at.group.is_empty()), call),
        ("GET", What::One) if at.kind == "virtualNetworks" => networks::get(world, &at),
        ("PUT", What::One) if at.kind == "virtualNetworks" => networks::put(world, asked, &at, &body),
        ("DELETE", What::One) if at.kind == "virtualNetworks" => networks::delete(world, asked, &at),
        ("GET", What::One) if is_address(&at) => addresses::get(world, &at),
        ("PUT", What::One) if is_address(&at) => addresses::put(world, asked, &at, &body),
        ("DELETE", What::One) if is_address(&at) => addresses::delete(world, asked, &at),
        ("GET", What::One) => groups::get(world, &at),
        ("PUT", What::One) => groups::put(world, asked, &at, &body),
        ("DELETE", What::One) => groups::delete(world, asked, &at),
        ("GET", What::Subnet(name)) => networks::get_subnet(world, &at, name),
        ("PUT", What::Subnet(name)) => networks::put_subnet(world, asked, &at, name, &body),
        ("GET", What::Peerings) => peerings::list(world, &at, call),
        ("GET", What::Peering(name)) => peerings::get(world, &at, name),
        ("PUT", What::Peering(name)) => peerings::put(world, &caller, asked, &at, name, &body),
        ("DELETE", What::Peering(name)) => peerings::delete(world, asked, &at, name),
        ("GET", What::Roles { scope }) => access::list_roles(world, scope, call),
        ("GET", What::Role { scope, name }) => access::get_role(world, scope, name),
        ("PUT", What::Role { scope, name }) => access::put_role(world, scope, name, &body),
        ("DELETE", What::Role { name, .. }) => access::delete_role(world, name),
        ("GET", What::Assignments { scope }) => access::list(world, scope, call),
        ("GET", What::Assignment { scope, name }) => access::get(world, scope, name),
        ("PUT", What::Assignment { scope, name }) => access::put(world, &caller, scope, name, &body),
        ("DELETE", What::Assignment { scope, name }) => access::delete(world, scope, name),
        _ => Err(Refused::new(405, "MethodNotAllowed", "The method is not supported for this resource.")),
    }
}

/// A change that says of which version it is, is made of that version only.
fn unchanged(world: &World<Azure>, call: &Call, at: &At, what: &What) -> Result<(), Refused> {
    let Some(wanted) = call.header("if-match").filter(|wanted| *wanted != "*" && call.method == "PUT") else {
        return Ok(());
    };
    let there = match what {
        What::One if at.kind == "virtualNetworks" => networks::get(world, at),
        What::One if is_address(at) => addresses::get(world, at),
        What::One => groups::get(world, at),
        What::Subnet(name) => networks::get_subnet(world, at, name),
        What::Peering(name) => peerings::get(world, at, name),
        _ => return Ok(()),
    };
    let there = there.ok().and_then(|reply| serde_json::from_str::<Value>(&reply.body).ok()).unwrap_or_default();
    if there["etag"] == wanted {
        return Ok(());
    }
    let message = format!(
        "Precondition failed. The etag provided in 'if-match' header {wanted} of the resource {} does not match the etag {} of the resource.",
        at.id(),
        there["etag"]
    );
    Err(Refused::new(412, "PreconditionFailed", message))
}

fn is_address(at: &At) -> bool {
    matches!(at.kind, "publicIPAddresses" | "networkInterfaces")
}

/// The name of the operation that a change begins.
fn kind_of(call: &Call, at: &At, what: &What) -> &'static str {
    match (call.method.as_str(), what) {
        ("DELETE", What::Peering(_)) => "VirtualNetworkPeerings_Delete",
        (_, What::Peering(_)) => "VirtualNetworkPeerings_CreateOrUpdate",
        (_, What::Subnet(_)) => "Subnets_CreateOrUpdate",
        ("DELETE", What::One) if at.kind == "virtualNetworks" => "VirtualNetworks_Delete",
        (_, What::One) if at.kind == "virtualNetworks" => "VirtualNetworks_CreateOrUpdate",
        ("DELETE", What::One) if at.kind == "publicIPAddresses" => "PublicIPAddresses_Delete",
        (_, What::One) if at.kind == "publicIPAddresses" => "PublicIPAddresses_CreateOrUpdate",
        ("DELETE", What::One) if at.kind == "networkInterfaces" => "NetworkInterfaces_Delete",
        (_, What::One) if at.kind == "networkInterfaces" => "NetworkInterfaces_CreateOrUpdate",
        ("DELETE", What::One) => "NetworkSecurityGroups_Delete",
        _ => "NetworkSecurityGroups_CreateOrUpdate",
    }
}

/// A token is good for the subscriptions of its own tenant only.
fn admit(world: &World<Azure>, caller: &Caller, at: &At) -> Result<(), Refused> {
    let is_of = |side: &Side| at.subscription.eq_ignore_ascii_case(&world.account(*side).subscription);
    let Some(side) = Side::BOTH.into_iter().find(is_of) else {
        let message = format!("The subscription '{}' could not be found.", at.subscription);
        return Err(Refused::new(404, "SubscriptionNotFound", message));
    };
    let tenant = &world.account(side).tenant;
    if *tenant == caller.tenant {
        return Ok(());
    }
    let message = format!(
        "The access token is from the wrong issuer 'https://sts.windows.net/{}/'. It must match the tenant 'https://sts.windows.net/{tenant}/' associated with this subscription. Please use the authority (URL) 'https://login.windows.net/{tenant}' to get the token.",
        caller.tenant
    );
    Err(Refused::new(401, "InvalidAuthenticationTokenTenant", message))
}

fn subscription(caller: &Caller, at: &At) -> Reply {
    let At { subscription, .. } = at;
    Reply::json(
        200,
        &json!({
            "id": format!("/subscriptions/{subscription}"),
            "subscriptionId": subscription,
            "tenantId": caller.tenant,
            "displayName": "Simulated",
            "state": "Enabled",
        }),
    )
}

/// One page of a list, with a link to the next.
pub fn page(call: &Call, all: Vec<Value>) -> Reply {
    let from = call.parameter("$skiptoken").and_then(|text| text.parse().ok()).unwrap_or(0_usize);
    let more = all.len() > from + PAGE;
    let items: Vec<Value> = all.into_iter().skip(from).take(PAGE).collect();
    let mut list = json!({ "value": items });
    if more {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for name in ["api-version", "$filter"] {
            if let Some(value) = call.parameter(name) {
                query.append_pair(name, &value);
            }
        }
        query.append_pair("$skiptoken", &(from + PAGE).to_string());
        list["nextLink"] = json!(format!("{}{}?{}", call.base(), call.path, query.finish()));
    }
    Reply::json(200, &list)
}
