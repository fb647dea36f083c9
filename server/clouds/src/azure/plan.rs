//! What Azure has, what the console says of it, and what is to be done next. Pure.
//!
//! Azure locks a network while one of its peerings changes, so that one change of a peering is planned per pass and
//! none while one is under way. The other side's application is let in before our side of the peering is made: who
//! is told to go on can then do so. An operation that failed is told before anything else is tried.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::{
    AzureAccount,
    group::{self, Rule},
    names,
    seen::{Grant, Network, Operation, Peering, Seen, Version, is_at_rest},
};
use crate::{
    ConnectionReport, ConnectionWish, Failure, NetworkReport, NetworkStanding, Reference, Report, Subject, Wish,
};

/// Absence so shortly after a request is "not visible yet".
const SETTLING: i64 = 60_000;

/// One request that changes something; where, is the driver's to add.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Something went wrong before, or cannot be looked at: no request, only the news.
    Tell {
        subject: Subject,
        failure: Failure,
    },
    PutSecurityGroup {
        rules: Vec<Rule>,
        kept: Vec<Value>,
        version: Version,
    },
    PutNetwork(Version),
    PutSubnet(Version),
    DeleteNetwork,
    DeleteSecurityGroup,
    /// The other side's application becomes known in our tenant.
    CreatePrincipal {
        connection: Uuid,
        application: String,
    },
    DefineRole {
        connection: Uuid,
    },
    Grant {
        connection: Uuid,
        grant: Uuid,
        principal: String,
    },
    Revoke {
        subject: Subject,
        grant: Uuid,
    },
    PutPeering {
        connection: Uuid,
        name: String,
        remote: String,
        tenant: String,
        forwards: bool,
        syncs: bool,
        version: Version,
    },
    DeletePeering {
        subject: Subject,
        name: String,
    },
}

impl Step {
    pub fn subject(&self) -> Subject {
        match self {
            Self::PutSecurityGroup { .. }
            | Self::PutNetwork(_)
            | Self::PutSubnet(_)
            | Self::DeleteNetwork
            | Self::DeleteSecurityGroup => Subject::Network,
            Self::Tell { subject, .. } | Self::Revoke { subject, .. } | Self::DeletePeering { subject, .. } => *subject,
            Self::CreatePrincipal { connection, .. }
            | Self::DefineRole { connection }
            | Self::Grant { connection, .. }
            | Self::PutPeering { connection, .. } => Subject::Connection(*connection),
        }
    }

    /// Azure refuses another one of these meanwhile.
    pub fn locks(&self) -> bool {
        matches!(self, Self::PutPeering { .. } | Self::DeletePeering { .. })
    }

    /// What is there already was made by a request whose answer was lost.
    pub fn makes(&self) -> bool {
        matches!(self, Self::CreatePrincipal { .. } | Self::Grant { .. })
    }

    /// What is gone is as deleted as it can be.
    pub fn removes(&self) -> bool {
        matches!(
            self,
            Self::DeleteNetwork | Self::DeleteSecurityGroup | Self::Revoke { .. } | Self::DeletePeering { .. }
        )
    }
}

pub fn report(account: &AzureAccount, wish: &Wish, seen: &Seen) -> Report {
    let mut reference = Reference::new();
    for (key, value) in [
        ("tenant_id", account.tenant.clone()),
        ("subscription_id", account.subscription.clone()),
        ("resource_group", account.resource_group.clone()),
        ("vnet_name", names::network(wish)),
        ("vnet_id", names::network_id(account, wish)),
    ] {
        reference.insert(key.to_owned(), value.into());
    }
    let standing = match (&seen.network, &seen.group) {
        (None, None) if seen.operations.contains_key(&Subject::Network) => NetworkStanding::Partial,
        (None, None) => NetworkStanding::Absent,
        (Some(network), Some(_)) if is_ready(account, wish, network) => NetworkStanding::Ready,
        _ => NetworkStanding::Partial,
    };
    let tell = |connection: &ConnectionWish| (connection.id, tell(account, wish, seen, connection));
    Report { network: NetworkReport { standing, reference }, connections: wish.connections.iter().map(tell).collect() }
}

fn is_ready(account: &AzureAccount, wish: &Wish, network: &Network) -> bool {
    network.properties.provisioning_state == "Succeeded" && is_guarded(account, wish, network)
}

/// Whether its subnet is there, with the security group.
fn is_guarded(account: &AzureAccount, wish: &Wish, network: &Network) -> bool {
    let group = network.subnet().and_then(|subnet| subnet.properties.network_security_group.as_ref());
    group.is_some_and(|group| names::same(&group.id, &names::security_group_id(account, wish)))
}

fn tell(account: &AzureAccount, wish: &Wish, seen: &Seen, connection: &ConnectionWish) -> ConnectionReport {
    let mut report = ConnectionReport::default();
    report.identifiers.insert("to-tenant-id".to_owned(), account.tenant.clone());
    report.identifiers.insert("to-network-id".to_owned(), names::network_id(account, wish));
    report.reference.insert("peering_name".to_owned(), connection.name().into());
    report.opened = group::opened(seen, connection);
    let under_way = matches!(seen.operations.get(&Subject::Connection(connection.id)), Some(Operation::Running { .. }));
    let moments_ago = under_way || connection.sent_at.is_some_and(|sent| wish.now - sent < SETTLING);
    let Some(peering) = seen.network.as_ref().and_then(|network| network.peering(connection)) else {
        report.settling = moments_ago || leaves_a_grant(wish, seen, connection);
        return report;
    };
    report.state = peering.state().map(str::to_owned);
    report.settling = report.state.is_none();
    let properties = &peering.properties;
    for (name, value) in
        [("peeringSyncLevel", &properties.peering_sync_level), ("provisioningState", &properties.provisioning_state)]
    {
        if let Some(value) = value {
            report.details.insert(name.to_owned(), value.clone());
        }
    }
    report.peer_ranges = peering.peer_ranges();
    report.routed = peering.carried();
    report
}

pub fn plan(account: &AzureAccount, wish: &Wish, seen: &Seen) -> Vec<(Subject, Step)> {
    let running = |operation: &Operation| matches!(operation, Operation::Running { locks: true });
    let mut busy =
        seen.operations.values().any(running) || seen.network.as_ref().is_some_and(super::seen::Network::is_locked);
    let mut steps = Vec::new();
    for connection in &wish.connections {
        let subject = Subject::Connection(connection.id);
        let step = match seen.operations.get(&subject) {
            Some(Operation::Failed(failure)) => Some(Step::Tell { subject, failure: failure.clone() }),
            Some(Operation::Running { .. }) => None,
            None if connection.present && wish.present => keep(account, wish, seen, connection),
            None => part(wish, seen, connection),
        };
        // One at a time: the others have their turn in the next pass.
        let step = step.filter(|step| !(busy && step.locks()));
        busy |= step.as_ref().is_some_and(Step::locks);
        steps.extend(step.map(|step| (subject, step)));
    }
    let step = match seen.operations.get(&Subject::Network) {
        Some(Operation::Failed(failure)) => Some(Step::Tell { subject: Subject::Network, failure: failure.clone() }),
        Some(Operation::Running { .. }) => None,
        None if wish.present => raise(account, wish, seen),
        None => raze(account, wish, seen),
    };
    let step = step.filter(|step| !(busy && step.locks()));
    steps.extend(step.map(|step| (Subject::Network, step)));
    steps
}

fn raise(account: &AzureAccount, wish: &Wish, seen: &Seen) -> Option<Step> {
    let rules = group::wanted(wish, seen);
    let version = || seen.group.as_ref().map(|group| group.etag.clone()).unwrap_or_default();
    let put = |rules| Some(Step::PutSecurityGroup { rules, kept: group::kept(seen), version: version() });
    match (&seen.group, &seen.network) {
        (None, _) => put(rules),
        (Some(group), _) if !is_at_rest(&group.properties.provisioning_state) => None,
        (Some(group), _) if group.properties.provisioning_state != "Succeeded" => put(rules),
        (Some(_), None) => Some(Step::PutNetwork(Version::default())),
        (Some(_), Some(network)) => match network.properties.provisioning_state.as_str() {
            state if !is_at_rest(state) => None,
            // A network is written whole, and with it its peerings: only where there are none.
            "Failed" | "Canceled" if network.properties.virtual_network_peerings.is_empty() => {
                Some(Step::PutNetwork(network.etag.clone()))
            }
            _ if !is_guarded(account, wish, network) => {
                Some(Step::PutSubnet(network.subnet().map(|subnet| subnet.etag.clone()).unwrap_or_default()))
            }
            _ if !group::is_as_wished(seen, &rules) => put(rules),
            _ => None,
        },
    }
}

/// Peerings and grants first, also those that the console has forgotten; then the network, then its security group.
fn raze(account: &AzureAccount, wish: &Wish, seen: &Seen) -> Option<Step> {
    let Some(network) = &seen.network else { return seen.group.as_ref().map(|_| Step::DeleteSecurityGroup) };
    let subject = Subject::Network;
    let known: BTreeSet<String> = wish.connections.iter().map(ConnectionWish::name).collect();
    let peerings = &network.properties.virtual_network_peerings;
    if let Some(stray) = peerings.iter().find(|peering| !known.contains(&peering.name.to_lowercase())) {
        return at_rest(stray).map(|name| Step::DeletePeering { subject, name });
    }
    // What is granted above the network is not taken back here, and does not go with it.
    let is_ours = |grant: &&Grant| grant.is_of(&names::role(account)) && names::same(&grant.scope, &network.id);
    let ours = seen.grants.iter().flatten().find(is_ours);
    if let Some(grant) = ours.filter(|_| wish.connections.iter().all(|connection| !holds(wish, seen, connection))) {
        return Some(Step::Revoke { subject, grant: grant.name });
    }
    (peerings.is_empty() && is_at_rest(&network.properties.provisioning_state)).then_some(Step::DeleteNetwork)
}

fn at_rest(peering: &Peering) -> Option<String> {
    peering.is_at_rest().then(|| peering.name.clone())
}

/// Whether the grant of its application is there.
fn holds(wish: &Wish, seen: &Seen, connection: &ConnectionWish) -> bool {
    let Some(application) = names::application(connection) else { return false };
    let name = names::grant(wish.id, application);
    seen.grants.iter().flatten().any(|grant| grant.name == name)
}

fn keep(account: &AzureAccount, wish: &Wish, seen: &Seen, connection: &ConnectionWish) -> Option<Step> {
    let network = seen.network.as_ref().filter(|network| is_guarded(account, wish, network))?;
    if network.properties.provisioning_state == "Deleting" {
        return None;
    }
    let peering = network.peering(connection);
    let connected = peering.is_some_and(|peering| peering.state() == Some("Connected"));
    match admit(account, wish, seen, connection) {
        // A peering that carries traffic does not need to be let in again today.
        Some(Step::Tell { .. }) if connected => {}
        Some(step) => return Some(step),
        None => {}
    }
    let (remote, tenant) = names::peer(connection)?;
    let (id, name) = (connection.id, connection.name());
    // What comes from beyond the peer's own network is forwarded by something in it.
    let forwards = !connection.ranges.is_empty();
    let put = |syncs| {
        let (remote, tenant) = (remote.clone(), tenant.to_owned());
        let version = peering.map(|peering| peering.etag.clone()).unwrap_or_default();
        Some(Step::PutPeering { connection: id, name, remote, tenant, forwards, syncs, version })
    };
    let Some(peering) = peering else { return put(false) };
    let properties = &peering.properties;
    let failed = matches!(properties.provisioning_state.as_deref(), Some("Failed" | "Canceled"));
    let differs = !properties.allow_virtual_network_access || properties.allow_forwarded_traffic != forwards;
    match peering.state() {
        _ if !peering.is_at_rest() => None,
        // Both sides have to delete theirs, and that is for people to say.
        Some("Disconnected") => None,
        _ if failed || differs => put(false),
        Some("Connected") if peering.is_out_of_date() => put(true),
        _ => None,
    }
}

/// Lets the other side's application peer with our network.
fn admit(account: &AzureAccount, wish: &Wish, seen: &Seen, connection: &ConnectionWish) -> Option<Step> {
    let application = names::application(connection)?;
    let (id, subject) = (connection.id, Subject::Connection(connection.id));
    let tell = |failure: &Failure| Some(Step::Tell { subject, failure: failure.clone() });
    if holds(wish, seen, connection) {
        return None;
    }
    let grants = match &seen.grants {
        Ok(grants) => grants,
        Err(failure) => return tell(failure),
    };
    match (seen.principals.get(application)?, &seen.role) {
        (Err(failure), _) | (Ok(Some(_)), Err(failure)) => tell(failure),
        (Ok(None), _) => Some(Step::CreatePrincipal { connection: id, application: application.to_owned() }),
        (Ok(Some(_)), Ok(false)) => Some(Step::DefineRole { connection: id }),
        (Ok(Some(principal)), Ok(true)) => {
            // Somebody has granted the same by hand.
            let role = names::role(account);
            let granted = grants.iter().any(|grant| grant.is_of(&role) && names::same(&grant.principal, principal));
            let grant = names::grant(wish.id, application);
            (!granted).then(|| Step::Grant { connection: id, grant, principal: principal.clone() })
        }
    }
}

/// Takes the grant back unless another connection uses it, then our side of the peering.
fn part(wish: &Wish, seen: &Seen, connection: &ConnectionWish) -> Option<Step> {
    let subject = Subject::Connection(connection.id);
    let application = names::application(connection)?;
    if holds(wish, seen, connection) && !is_used(wish, application) {
        return Some(Step::Revoke { subject, grant: names::grant(wish.id, application) });
    }
    match (seen.network.as_ref()?.peering(connection), &seen.grants) {
        (Some(peering), _) => at_rest(peering).map(|name| Step::DeletePeering { subject, name }),
        (None, Err(failure)) => Some(Step::Tell { subject, failure: failure.clone() }),
        (None, Ok(_)) => None,
    }
}

/// Whether a connection that stays needs the application's grant.
fn is_used(wish: &Wish, application: &str) -> bool {
    let mut staying = wish.connections.iter().filter(|other| other.present && wish.present);
    staying.any(|other| names::application(other).is_some_and(|theirs| names::same(theirs, application)))
}

/// A connection that goes is not gone while its application may still peer with us, or may for all that is known.
fn leaves_a_grant(wish: &Wish, seen: &Seen, connection: &ConnectionWish) -> bool {
    let Some(application) = names::application(connection) else { return false };
    let goes = !(connection.present && wish.present);
    goes && !is_used(wish, application) && (seen.grants.is_err() || holds(wish, seen, connection))
}
