//! Operations: a change that was accepted, runs until it is due, and is made or fails then.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Answer, Google, Refused, Thing,
    answer::{About, number, stamp, url},
    instances, networks, peering,
};
use crate::lookalike::{Reply, World};

/// Google forgets an operation that is over after 14 days; in milliseconds.
pub const REMEMBERED: i64 = 14 * 86_400_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation {
    pub project: String,
    pub name: String,
    pub id: u64,
    pub region: Option<String>,
    /// `networks.addPeering` and its kin: what the rules know it by.
    pub kind: String,
    pub user: String,
    pub request_id: Option<String>,
    /// The id of what it is about.
    pub target: String,
    pub change: Change,
    pub began_at: i64,
    /// `None`: it is over, or a rule holds it up.
    pub due: Option<i64>,
    pub over_at: Option<i64>,
    /// Code and message.
    pub error: Option<(String, String)>,
}

/// What is done when it is due.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Makes or replaces it.
    Put(Box<Thing>),
    Remove,
    AddPeering(super::Peering),
    UpdatePeering(super::Peering),
    RemovePeering(String),
    /// The access configuration of an instance.
    SetAccess(Option<super::instances::Nat>),
}

/// Accepts a change of `target`.
pub fn begin(world: &mut World<Google>, about: &About, kind: &str, target: &str, change: Change) -> Reply {
    let region = within(target, "regions").map(str::to_owned);
    let name = format!("operation-{}-{}", world.now(), &uuid::Uuid::new_v4().simple().to_string()[..16]);
    let operation = Operation {
        project: about.project.clone(),
        name,
        id: number(),
        region,
        kind: kind.to_owned(),
        user: about.user.clone(),
        request_id: about.request_id.clone(),
        target: target.to_owned(),
        change,
        began_at: world.now(),
        due: world.due(&format!("Operation/{kind}")),
        over_at: None,
        error: None,
    };
    let reply = Reply::json(200, &shown(&operation));
    world.put(id(&operation.project, &operation.place(), &operation.name), Thing::Operation(operation));
    reply
}

/// `b` of `…/zones/b/…`.
fn within<'a>(target: &'a str, kind: &str) -> Option<&'a str> {
    target.split('/').skip_while(|part| *part != kind).nth(1)
}

impl Operation {
    /// `global`, `regions/…` or `zones/…`.
    fn place(&self) -> String {
        match (&self.region, within(&self.target, "zones")) {
            (Some(region), _) => format!("regions/{region}"),
            (None, Some(zone)) => format!("zones/{zone}"),
            (None, None) => "global".to_owned(),
        }
    }
}

fn id(project: &str, place: &str, name: &str) -> String {
    format!("operations/projects/{project}/{place}/operations/{name}")
}

/// The answer to a request that comes a second time.
pub fn again(world: &World<Google>, about: &About) -> Option<Reply> {
    let wanted = about.request_id.as_ref()?;
    let prefix = format!("operations/projects/{}/", about.project);
    let first = world.under(&prefix).find_map(|(_, thing)| match thing {
        Thing::Operation(operation) if operation.request_id.as_ref() == Some(wanted) => Some(shown(operation)),
        _ => None,
    });
    first.map(|first| Reply::json(200, &first))
}

/// Every operation of both sides that changes peerings and is not over.
pub fn running_peerings(world: &World<Google>) -> impl Iterator<Item = &Operation> {
    world.under("operations/").filter_map(|(_, thing)| match thing {
        Thing::Operation(operation) if operation.over_at.is_none() && operation.kind.ends_with("Peering") => {
            Some(operation)
        }
        _ => None,
    })
}

pub fn get(world: &World<Google>, about: &About, place: &str, name: &str) -> Answer {
    let id = id(&about.project, place, name);
    match world.get(&id) {
        Some(Thing::Operation(operation)) => Ok(Reply::json(200, &shown(operation))),
        _ => Err(Refused::not_found(id.trim_start_matches("operations/"))),
    }
}

fn shown(operation: &Operation) -> Value {
    let done = operation.over_at.is_some();
    let path = id(&operation.project, &operation.place(), &operation.name);
    let verb = operation.kind.split('.').next_back().unwrap_or_default();
    let mut shown = json!({
        "kind": "compute#operation",
        "id": operation.id.to_string(),
        "name": operation.name,
        "operationType": verb,
        "targetLink": url(&operation.target),
        "status": if done { "DONE" } else { "RUNNING" },
        "user": operation.user,
        "progress": if done { 100 } else { 0 },
        "insertTime": stamp(operation.began_at),
        "startTime": stamp(operation.began_at),
        "selfLink": url(path.trim_start_matches("operations/")),
    });
    if let Some(region) = &operation.region {
        shown["region"] = json!(url(&format!("projects/{}/regions/{region}", operation.project)));
    }
    if let Some(zone) = within(&operation.target, "zones") {
        shown["zone"] = json!(url(&format!("projects/{}/zones/{zone}", operation.project)));
    }
    if let Some(over_at) = operation.over_at {
        shown["endTime"] = json!(stamp(over_at));
    }
    if let Some((code, message)) = &operation.error {
        shown["error"] = json!({"errors": [{"code": code, "message": message}]});
        shown["httpErrorStatusCode"] = json!(400);
        shown["httpErrorMessage"] = json!("BAD REQUEST");
    }
    shown
}

pub fn ripen(world: &mut World<Google>, id: &str) {
    let Some(Thing::Operation(operation)) = world.get(id).cloned() else { return };
    let refused = world.fails(&format!("Operation/{}/done", operation.kind));
    let outcome = match refused {
        Some(refused) => Err(refused),
        None => make(world, &operation),
    };
    let now = world.now();
    world.change(id, |thing| {
        if let Thing::Operation(operation) = thing {
            operation.due = None;
            operation.over_at = Some(now);
            operation.error = outcome.err();
        }
    });
}

fn make(world: &mut World<Google>, operation: &Operation) -> Result<(), (String, String)> {
    let target = operation.target.as_str();
    match &operation.change {
        Change::Put(thing) => {
            world.put(target, (**thing).clone());
            Ok(())
        }
        Change::Remove => {
            networks::removed(world, target);
            world.remove(target);
            Ok(())
        }
        Change::AddPeering(peering) => peering::added(world, target, peering.clone()),
        Change::UpdatePeering(peering) => {
            peering::updated(world, target, peering);
            Ok(())
        }
        Change::SetAccess(nat) => instances::set_access(world, target, nat.clone()),
        Change::RemovePeering(name) => {
            peering::removed(world, target, name);
            Ok(())
        }
    }
}
