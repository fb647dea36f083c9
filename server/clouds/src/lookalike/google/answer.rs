//! Which request is which, whose project it is about, and how things are named and listed.

use serde_json::{Value, json};

use super::{Answer, Google, Refused, addresses, firewalls, instances, networks, operations, peering};
use crate::lookalike::{Call, Reply, Side, World};

/// How a project's things begin in answers.
const BASE: &str = "https://www.googleapis.com/compute/v1/";

pub fn action(call: &Call) -> String {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let Some(tail) = tail(&parts) else {
        return if call.path == "/token" { "token".to_owned() } else { "unknown".to_owned() };
    };
    let (collection, rest) = match tail {
        ["global", "operations", ..] => return "globalOperations.get".to_owned(),
        ["regions", _, "operations", ..] => return "regionOperations.get".to_owned(),
        ["zones", _, "operations", ..] => return "zoneOperations.get".to_owned(),
        ["zones", _, collection, rest @ ..] => (*collection, rest),
        ["global", collection, rest @ ..] | ["regions", _, collection, rest @ ..] => (*collection, rest),
        _ => return "unknown".to_owned(),
    };
    let verb = match (call.method.as_str(), rest) {
        (_, [_, verb]) => verb,
        ("GET", []) => "list",
        ("GET", _) => "get",
        ("POST", _) => "insert",
        ("PATCH", _) => "patch",
        ("PUT", _) => "update",
        ("DELETE", _) => "delete",
        _ => "unknown",
    };
    format!("{collection}.{verb}")
}

/// What follows the project.
fn tail<'a>(parts: &'a [&'a str]) -> Option<&'a [&'a str]> {
    match parts {
        ["compute", "v1", "projects", _, tail @ ..] => Some(tail),
        _ => None,
    }
}

pub fn route(world: &mut World<Google>, side: Side, call: &Call) -> Answer {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (Some(tail), Some(project)) = (tail(&parts), parts.get(3)) else {
        return Err(Refused::new(404, "notFound", "The requested URL is not simulated."));
    };
    let ours = world.account(side).project.clone();
    if *project != ours {
        let permission = format!("Required 'compute.{}' permission for 'projects/{project}'", action(call));
        return Err(Refused::new(403, "forbidden", permission));
    }
    let method = call.method.as_str();
    let about = About {
        project: ours,
        user: world.account(side).client_email.clone(),
        request_id: call.parameter("requestId"),
    };
    if method != "GET"
        && let Some(again) = operations::again(world, &about)
    {
        return Ok(again);
    }
    let body = call.json().map_err(|_| Refused::new(400, "parseError", "Parse Error"))?;
    match (method, tail) {
        ("GET", ["global", "networks"]) => networks::list(world, &about, call),
        ("POST", ["global", "networks"]) => networks::insert(world, &about, &body),
        ("GET", ["global", "networks", name]) => networks::get(world, &about, name),
        ("DELETE", ["global", "networks", name]) => networks::delete(world, &about, name),
        ("POST", ["global", "networks", name, "addPeering"]) => peering::add(world, &about, name, &body),
        ("POST", ["global", "networks", name, "removePeering"]) => peering::remove(world, &about, name, &body),
        ("PATCH", ["global", "networks", name, "updatePeering"]) => peering::update(world, &about, name, &body),
        ("GET", ["global", "networks", name, "listPeeringRoutes"]) => peering::routes(world, &about, name, call),
        ("GET", ["regions", region, "subnetworks"]) => networks::list_subnetworks(world, &about, region, call),
        ("POST", ["regions", region, "subnetworks"]) => networks::insert_subnetwork(world, &about, region, &body),
        ("GET", ["regions", region, "subnetworks", name]) => networks::get_subnetwork(world, &about, region, name),
        ("DELETE", ["regions", region, "subnetworks", name]) => {
            networks::delete_subnetwork(world, &about, region, name)
        }
        ("GET", ["global", "firewalls"]) => firewalls::list(world, &about, call),
        ("POST", ["global", "firewalls"]) => firewalls::insert(world, &about, &body),
        ("GET", ["global", "firewalls", name]) => firewalls::get(world, &about, name),
        ("PATCH" | "PUT", ["global", "firewalls", name]) => firewalls::update(world, &about, name, &body),
        ("DELETE", ["global", "firewalls", name]) => firewalls::delete(world, &about, name),
        ("GET", ["regions", region, "addresses"]) => addresses::list(world, &about, region, call),
        ("POST", ["regions", region, "addresses"]) => addresses::insert(world, &about, region, &body),
        ("GET", ["regions", region, "addresses", name]) => addresses::get(world, &about, region, name),
        ("DELETE", ["regions", region, "addresses", name]) => addresses::delete(world, &about, region, name),
        ("GET", ["zones", zone, "instances"]) => instances::list(world, &about, zone, call),
        ("POST", ["zones", zone, "instances"]) => instances::insert(world, &about, zone, &body),
        ("GET", ["zones", zone, "instances", name]) => instances::get(world, &about, zone, name),
        ("DELETE", ["zones", zone, "instances", name]) => instances::delete(world, &about, zone, name),
        ("POST", ["zones", zone, "instances", name, "addAccessConfig"]) => {
            instances::add_access(world, &about, (zone, name), call, &body)
        }
        ("POST", ["zones", zone, "instances", name, "deleteAccessConfig"]) => {
            instances::delete_access(world, &about, (zone, name), call)
        }
        ("GET", ["global", "operations", name]) | ("POST", ["global", "operations", name, "wait"]) => {
            operations::get(world, &about, "global", name)
        }
        ("GET", ["regions", region, "operations", name])
        | ("POST", ["regions", region, "operations", name, "wait"]) => {
            operations::get(world, &about, &format!("regions/{region}"), name)
        }
        ("GET", ["zones", zone, "operations", name]) | ("POST", ["zones", zone, "operations", name, "wait"]) => {
            operations::get(world, &about, &format!("zones/{zone}"), name)
        }
        _ => Err(Refused::new(404, "notFound", "The requested URL is not simulated.")),
    }
}

/// Who asks for a change, in which project.
#[derive(Clone, Debug)]
pub struct About {
    pub project: String,
    pub user: String,
    /// Two requests with the same one are one.
    pub request_id: Option<String>,
}

pub fn url(id: &str) -> String {
    format!("{BASE}{id}")
}

/// The id in this world of what a URL or a partial path names, such as a peer's network.
pub fn id_of(text: &str) -> Option<String> {
    let at = text.find("projects/")?;
    Some(text[at..].trim_end_matches('/').to_owned())
}

/// RFC 1035.
pub fn name(body: &Value) -> Result<String, Refused> {
    let name = body["name"].as_str().unwrap_or_default();
    let letters = name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    let good = letters
        && name.len() <= 63
        && name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && !name.ends_with('-');
    if good { Ok(name.to_owned()) } else { Err(Refused::invalid("resource.name", &body["name"])) }
}

/// The page of a list that was asked for.
pub fn page(call: &Call, kind: &str, path: &str, all: Vec<Value>) -> Reply {
    let limit = call.parameter("maxResults").and_then(|text| text.parse().ok()).unwrap_or(500_usize).clamp(1, 500);
    let from = call.parameter("pageToken").and_then(|text| text.parse().ok()).unwrap_or(0_usize);
    let more = all.len() > from + limit;
    let items: Vec<Value> = all.into_iter().skip(from).take(limit).collect();
    let mut list = json!({"kind": format!("compute#{kind}"), "id": path, "selfLink": url(path), "items": items});
    if more {
        list["nextPageToken"] = json!((from + limit).to_string());
    }
    Reply::json(200, &list)
}

/// Whether `network eq "…"` or `network="…"` holds; a filter of another kind lets everything through.
pub fn passes(call: &Call, network: &str) -> bool {
    let Some(filter) = call.parameter("filter") else { return true };
    let Some(wanted) = filter.trim().strip_prefix("network").map(str::trim_start) else { return true };
    let wanted = wanted.strip_prefix("eq").or_else(|| wanted.strip_prefix('=')).unwrap_or(wanted);
    let wanted = wanted.trim().trim_matches('"').trim_start_matches(".*");
    network.ends_with(wanted)
}

/// Milliseconds since 1970 as RFC 3339, in UTC.
pub fn stamp(at: i64) -> String {
    let (days, rest) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000));
    // Howard Hinnant's algorithm: years begin in March, so that the leap day is the last.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", rest % 1_000)
}

/// Google's numeric ids.
pub fn number() -> u64 {
    rand::random_range(1_000_000_000_000_000_000..9_000_000_000_000_000_000)
}
