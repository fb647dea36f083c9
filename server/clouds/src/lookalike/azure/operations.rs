//! Operations: a change is visible at once, and over when it is due; whoever asks by its address is told.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Answer, Azure, Refused, Thing, networks, peerings};
use crate::lookalike::{Call, Reply, World};

/// Azure forgets an operation some time after it is over; in milliseconds.
pub const REMEMBERED: i64 = 600_000;
/// The longest time that a caller is told to wait, in seconds.
const LONGEST_WAIT: i64 = 10;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation {
    pub id: Uuid,
    pub subscription: String,
    pub location: String,
    /// `VirtualNetworkPeerings_CreateOrUpdate` and its kin: what the rules know it by.
    pub kind: String,
    /// The key of what it is about.
    pub target: String,
    pub removes: bool,
    /// The networks that nothing else may change meanwhile.
    pub locks: Vec<String>,
    /// `None`: it is over, or a rule holds it up.
    pub due: Option<i64>,
    pub over_at: Option<i64>,
    /// Code and message.
    pub error: Option<(String, String)>,
}

/// What is asked for, and where its answers are found.
pub struct Asked<'a> {
    pub call: &'a Call,
    pub kind: &'static str,
    pub subscription: &'a str,
}

/// Something of this subscription is changed from now on.
pub fn begin(
    world: &mut World<Azure>,
    asked: &Asked<'_>,
    target: &str,
    removes: bool,
    locks: Vec<String>,
    reply: Reply,
) -> Reply {
    let operation = Operation {
        id: Uuid::new_v4(),
        subscription: asked.subscription.to_owned(),
        location: location(world, target),
        kind: asked.kind.to_owned(),
        target: target.to_owned(),
        removes,
        locks,
        due: world.due(&format!("Operation/{}", asked.kind)),
        over_at: None,
        error: None,
    };
    let version = asked.call.parameter("api-version").unwrap_or_default();
    let address = |what: &str| {
        format!(
            "{}/subscriptions/{}/providers/Microsoft.Network/locations/{}/{what}/{}?api-version={version}",
            asked.call.base(),
            asked.subscription,
            operation.location,
            operation.id
        )
    };
    let wait = wait(world, &operation);
    let mut reply = reply.with("azure-asyncoperation", address("operations")).with("retry-after", wait);
    if removes {
        reply = reply.with("location", address("operationResults"));
    }
    world.put(format!("operation/{}", operation.id), Thing::Operation(operation));
    reply
}

fn location(world: &World<Azure>, target: &str) -> String {
    match world.get(target) {
        Some(Thing::Network(network)) => network.location.clone(),
        Some(Thing::SecurityGroup(group)) => group.location.clone(),
        Some(Thing::Peering(peering)) => location(world, &peering.network),
        _ => "westeurope".to_owned(),
    }
}

/// As long as it takes, as far as it is known; whole seconds.
fn wait(world: &World<Azure>, operation: &Operation) -> String {
    let rest = operation.due.map_or(LONGEST_WAIT * 1_000, |due| due - world.now());
    ((rest + 999) / 1_000).clamp(0, LONGEST_WAIT).to_string()
}

/// One that is not over and keeps others away from this network.
pub fn lock<'a>(world: &'a World<Azure>, network: &str) -> Option<&'a Operation> {
    world.under("operation/").find_map(|(_, thing)| match thing {
        Thing::Operation(operation)
            if operation.over_at.is_none() && operation.locks.iter().any(|key| key == network) =>
        {
            Some(operation)
        }
        _ => None,
    })
}

/// # Errors
/// As Azure says it, if somebody else is changing this network.
pub fn free(world: &World<Azure>, network: &str) -> Result<(), Refused> {
    match lock(world, network) {
        None => Ok(()),
        Some(other) => {
            let message = format!(
                "Operation on resource {network} is preempted by another operation in progress: {} ({}).",
                other.kind, other.id
            );
            Err(Refused::new(429, "RetryableErrorDueToAnotherOperation", message))
        }
    }
}

pub fn get(world: &World<Azure>, subscription: &str, what: &str, id: &str) -> Answer {
    let found = match world.get(&format!("operation/{}", id.to_lowercase())) {
        Some(Thing::Operation(operation)) if operation.subscription.eq_ignore_ascii_case(subscription) => operation,
        _ => return Err(Refused::new(404, "NotFound", format!("The operation '{id}' was not found."))),
    };
    let wait = wait(world, found);
    if what == "operations" {
        let body = match (&found.error, found.over_at) {
            (Some((code, message)), _) => json!({"status": "Failed", "error": {"code": code, "message": message}}),
            (None, Some(_)) => json!({"status": "Succeeded"}),
            (None, None) => return Ok(Reply::json(200, &json!({"status": "InProgress"})).with("retry-after", wait)),
        };
        return Ok(Reply::json(200, &body));
    }
    match (&found.error, found.over_at) {
        (Some((code, message)), _) => Ok(Reply::json(409, &json!({"error": {"code": code, "message": message}}))),
        (None, Some(_)) => Ok(Reply::empty(204)),
        (None, None) => Ok(Reply::empty(202).with("retry-after", wait)),
    }
}

pub fn ripen(world: &mut World<Azure>, id: &str) {
    let Some(Thing::Operation(operation)) = world.get(id).cloned() else { return };
    let refused = world.fails(&format!("Operation/{}/done", operation.kind));
    let now = world.now();
    world.change(id, |thing| {
        if let Thing::Operation(operation) = thing {
            operation.due = None;
            operation.over_at = Some(now);
            operation.error.clone_from(&refused);
        }
    });
    let target = operation.target.as_str();
    let outcome = if refused.is_some() { "Failed" } else { "Succeeded" };
    let removed = operation.removes && refused.is_none();
    match world.get(target) {
        Some(Thing::Peering(_)) if removed => peerings::removed(world, target),
        Some(Thing::Peering(_)) => peerings::over(world, target, outcome),
        Some(_) if removed => networks::removed(world, target),
        Some(_) => networks::over(world, target, outcome),
        None => {}
    }
}

/// Whether a reading shows a thing: a new one only a moment later, and never later than its operation is over.
pub fn visible(world: &World<Azure>, made_at: i64, provisioning: &str) -> bool {
    provisioning != "Updating" || world.settled(made_at)
}
