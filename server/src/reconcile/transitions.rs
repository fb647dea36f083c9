//! What of an observation is worth telling: a state that changed, a difference that appeared or was put right.
//!
//! Noted in the transaction that stores the observation, so that a difference that lasted a
//! second is in the event log too.

use app::domain::{
    Timestamp,
    change::{ChangeKind, Facts, Topic},
    gateway::GatewayStatus,
    host::{Drift, HostFacts, HostRole},
};

use crate::store::{
    Note, Result, Tx,
    hosts::{HostRow, HostScope},
};

pub const AUTOMATION: &str = "Automation";

/// The names that one role's hosts have in the event log.
pub struct Kinds {
    pub state: ChangeKind,
    pub repair: ChangeKind,
    pub enrol: ChangeKind,
    pub rotate: ChangeKind,
    /// What others' documents may follow from.
    pub address: ChangeKind,
    pub topic: Topic,
}

pub fn kinds(host: &HostScope) -> Kinds {
    match host.row.host.role() {
        HostRole::Gateway => Kinds {
            state: ChangeKind::VpnGatewayStateChange,
            repair: ChangeKind::VpnGatewayRepair,
            enrol: ChangeKind::VpnGatewayEnrol,
            rotate: ChangeKind::VpnGatewayCredentialRotate,
            address: ChangeKind::VpnGatewayUpdate,
            topic: Topic::Gateways,
        },
        HostRole::Node => Kinds {
            state: ChangeKind::ServiceNodeStateChange,
            repair: ChangeKind::ServiceNodeRepair,
            enrol: ChangeKind::ServiceNodeEnrol,
            rotate: ChangeKind::ServiceNodeCredentialRotate,
            address: ChangeKind::ServiceNodeStateChange,
            topic: Topic::Services,
        },
    }
}

/// The event log names this many differences and counts the rest.
const NAMED_DRIFT: usize = 5;

/// Notes what differs between two observations of a host, and remembers the status that was told.
///
/// An agent that changes its mind all the time fills no log: what it saw is stored, and told again once it is quieter.
pub async fn note(tx: &mut Tx, before: &HostRow, after: &mut HostScope, silent_after: u64) -> Result<()> {
    if tx.is_noisy(after.row.host).await? {
        return Ok(());
    }
    note_drift(tx, before, after).await?;
    note_address(tx, before.facts.as_ref(), after).await?;
    note_status(tx, after, silent_after).await
}

/// Notes the status if the event log was told another one last.
pub async fn note_status(tx: &mut Tx, host: &mut HostScope, silent_after: u64) -> Result<()> {
    let now = tx.at();
    let status = host.row.observation(host.deleting).status(now, silent_after);
    if status.word() == host.noted_status {
        return Ok(());
    }
    let told = std::mem::replace(&mut host.noted_status, status.word().to_owned());
    // Who creates, enrols or deletes a gateway has noted that already.
    let news = match status {
        GatewayStatus::Provisioning => !told.is_empty(),
        GatewayStatus::Deleting => false,
        GatewayStatus::Active | GatewayStatus::Error | GatewayStatus::Recorded => true,
    };
    if !news {
        return Ok(());
    }
    let before = if told.is_empty() { GatewayStatus::Provisioning.word().to_owned() } else { told };
    let mut after = facts("status", status.word());
    if status == GatewayStatus::Error {
        after.insert("reason".to_owned(), reason(&host.row, now));
    }
    tell(tx, host, kinds(host).state, facts("status", before), after).await
}

fn reason(row: &HostRow, now: Timestamp) -> String {
    if !row.enrolled {
        return "The agent's credential was revoked.".to_owned();
    }
    match (&row.apply_error, row.last_seen) {
        (Some(error), _) => error.clone(),
        (None, Some(seen)) => format!("The agent has been silent for {} s.", seen.age_seconds(now)),
        (None, None) => "The agent has never answered.".to_owned(),
    }
}

async fn note_drift(tx: &mut Tx, before: &HostRow, after: &HostScope) -> Result<()> {
    let (was, is) = (&before.drift, &after.row.drift);
    match (was.is_empty(), is.is_empty()) {
        (true, false) => tell(tx, after, kinds(after).state, Facts::new(), facts("difference", drift_text(is))).await,
        (false, true) => tell(tx, after, kinds(after).repair, facts("difference", drift_text(was)), Facts::new()).await,
        _ => Ok(()),
    }
}

fn drift_text(drift: &[Drift]) -> String {
    let mut texts: Vec<String> = drift
        .iter()
        .take(NAMED_DRIFT)
        .map(|drift| format!("{} {}: wanted {}, found {}", drift.subject, drift.field, drift.wanted, drift.found))
        .collect();
    if drift.len() > NAMED_DRIFT {
        texts.push(format!("{} more", drift.len() - NAMED_DRIFT));
    }
    texts.join("; ")
}

/// Other gateways' documents may hold the address that peers reach this one at, so a new one is a change and not a mere figure.
async fn note_address(tx: &mut Tx, before: Option<&HostFacts>, after: &HostScope) -> Result<()> {
    let (Some(was), Some(is)) = (before, after.row.facts.as_ref()) else { return Ok(()) };
    let (was, is) = (address(was, after), address(is, after));
    if was == is {
        return Ok(());
    }
    let actor = after.actor();
    note_as(tx, &actor, after, kinds(after).address, facts("address", was), facts("address", is)).await
}

/// A gateway is reached at one address; a node may send from any that it has.
fn address(facts: &HostFacts, host: &HostScope) -> String {
    let all: Vec<String> = match host.row.host.role() {
        HostRole::Gateway => facts.wan_address().iter().map(ToString::to_string).collect(),
        HostRole::Node => facts.interfaces.iter().flat_map(|known| &known.addresses).map(ToString::to_string).collect(),
    };
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn facts(name: &str, value: impl Into<String>) -> Facts {
    Facts::from([(name.to_owned(), value.into())])
}

async fn tell(tx: &mut Tx, host: &HostScope, kind: ChangeKind, before: Facts, after: Facts) -> Result<()> {
    note_as(tx, AUTOMATION, host, kind, before, after).await
}

pub async fn note_as(
    tx: &mut Tx,
    actor: &str,
    host: &HostScope,
    kind: ChangeKind,
    before: Facts,
    after: Facts,
) -> Result<()> {
    let note = Note {
        actor,
        kind,
        topic: kinds(host).topic,
        project: Some(host.project),
        object: host.row.host.to_string(),
        object_name: host.name.to_string(),
        before,
        after,
    };
    tx.note(note).await.map(drop)
}
