//! What Google has, what the console says of it, and what is to be done next. Pure.
//!
//! Google changes one peering of a network at a time and refuses the second ("There is a peering operation in
//! progress"), so that one change of a peering is planned per pass and none while one is under way. An operation
//! that failed is told before anything else is tried.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use uuid::Uuid;

use super::{
    errors,
    seen::{Firewall, Operation, Peering, Seen, network_name, peer_path},
};
use crate::{
    Class, ConnectionReport, ConnectionWish, Failure, NetworkReport, NetworkStanding, Opening, Outcome, Peer,
    Reference, Report, Subject, Wish, wish::is_name_of_a_connection,
};

/// Absence so shortly after a request is "not visible yet".
const SETTLING: i64 = 60_000;

/// One request that changes something; the project and the network are the driver's to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An operation went wrong after it had been accepted: no request, only the news.
    Tell {
        subject: Subject,
        failure: Failure,
    },
    InsertNetwork,
    InsertSubnetwork,
    DeleteSubnetwork,
    DeleteNetwork,
    AddPeering {
        connection: Uuid,
        name: String,
        peer: String,
        imports_custom_routes: bool,
    },
    UpdatePeering {
        connection: Uuid,
        name: String,
        imports_custom_routes: bool,
    },
    RemovePeering {
        subject: Subject,
        name: String,
    },
    InsertFirewall {
        connection: Uuid,
        rule: Firewall,
    },
    UpdateFirewall {
        connection: Uuid,
        rule: Firewall,
    },
    DeleteFirewall {
        subject: Subject,
        name: String,
    },
}

impl Step {
    pub fn subject(&self) -> Subject {
        match self {
            Self::InsertNetwork | Self::InsertSubnetwork | Self::DeleteSubnetwork | Self::DeleteNetwork => {
                Subject::Network
            }
            Self::Tell { subject, .. } | Self::RemovePeering { subject, .. } | Self::DeleteFirewall { subject, .. } => {
                *subject
            }
            Self::AddPeering { connection, .. }
            | Self::UpdatePeering { connection, .. }
            | Self::InsertFirewall { connection, .. }
            | Self::UpdateFirewall { connection, .. } => Subject::Connection(*connection),
        }
    }

    pub fn touches_peering(&self) -> bool {
        matches!(self, Self::AddPeering { .. } | Self::UpdatePeering { .. } | Self::RemovePeering { .. })
    }

    /// What the answer means, be it one to the request or the end of its operation.
    ///
    /// # Errors
    /// If it was not carried out, and is not so already.
    pub fn came_to(&self, answer: Outcome<()>) -> Outcome<()> {
        match answer {
            Err(failure) if self.makes() && errors::is_there_already(&failure) => Ok(()),
            Err(failure) if self.removes() && failure.class == Class::Gone => Ok(()),
            Err(failure) if self.touches_peering() => Err(errors::of_peering(failure)),
            other => other,
        }
    }

    /// What is there already was made by a request whose answer was lost.
    fn makes(&self) -> bool {
        matches!(
            self,
            Self::InsertNetwork | Self::InsertSubnetwork | Self::AddPeering { .. } | Self::InsertFirewall { .. }
        )
    }

    /// What is gone is as deleted as it can be.
    fn removes(&self) -> bool {
        matches!(
            self,
            Self::DeleteSubnetwork | Self::DeleteNetwork | Self::RemovePeering { .. } | Self::DeleteFirewall { .. }
        )
    }
}

pub fn report(project: &str, wish: &Wish, seen: &Seen) -> Report {
    let mut reference = Reference::new();
    reference.insert("project_id".to_owned(), project.into());
    reference.insert("network_name".to_owned(), network_name(wish).into());
    let standing = match &seen.network {
        None if seen.operations.contains_key(&Subject::Network) => NetworkStanding::Partial,
        None => NetworkStanding::Absent,
        Some(network) if network.has_subnetwork(wish) => NetworkStanding::Ready,
        Some(_) => NetworkStanding::Partial,
    };
    let tell = |connection: &ConnectionWish| (connection.id, tell(project, wish, seen, connection));
    Report { network: NetworkReport { standing, reference }, connections: wish.connections.iter().map(tell).collect() }
}

fn tell(project: &str, wish: &Wish, seen: &Seen, connection: &ConnectionWish) -> ConnectionReport {
    let mut report = ConnectionReport::default();
    report.identifiers.insert("to_project_id".to_owned(), project.to_owned());
    report.identifiers.insert("to_vpc_network".to_owned(), network_name(wish));
    report.reference.insert("peering_name".to_owned(), connection.name().into());
    if let Some(rule) = rule_of(seen, connection) {
        report.opened.clone_from(&rule.ranges);
    }
    let under_way = matches!(seen.operations.get(&Subject::Connection(connection.id)), Some(Operation::Running { .. }));
    let Some(peering) = seen.network.as_ref().and_then(|network| network.peering(connection)) else {
        report.settling = under_way || connection.sent_at.is_some_and(|sent| wish.now - sent < SETTLING);
        return report;
    };
    report.state = Some(peering.state.clone());
    report.message.clone_from(&peering.details);
    if peering.state == "ACTIVE" {
        report.peer_ranges = seen.incoming.get(&connection.id).cloned();
        report.routed = report.peer_ranges.clone().unwrap_or_default();
    }
    report
}

pub fn plan(wish: &Wish, seen: &Seen) -> Vec<(Subject, Step)> {
    let running = |operation: &Operation| matches!(operation, Operation::Running { touches_peering: true });
    let mut busy = seen.operations.values().any(running);
    let mut steps = Vec::new();
    for connection in &wish.connections {
        let subject = Subject::Connection(connection.id);
        let step = match seen.operations.get(&subject) {
            Some(Operation::Failed(failure)) => Some(Step::Tell { subject, failure: failure.clone() }),
            Some(Operation::Running { .. }) => None,
            None if connection.present && wish.present => keep(wish, seen, connection),
            None => part(seen, connection),
        };
        // One at a time: the others have their turn in the next pass.
        let step = step.filter(|step| !(busy && step.touches_peering()));
        busy |= step.as_ref().is_some_and(Step::touches_peering);
        steps.extend(step.map(|step| (subject, step)));
    }
    let step = match seen.operations.get(&Subject::Network) {
        Some(Operation::Failed(failure)) => Some(Step::Tell { subject: Subject::Network, failure: failure.clone() }),
        Some(Operation::Running { .. }) => None,
        None if wish.present => raise(wish, seen).or_else(|| forgotten(wish, seen)),
        None => raze(wish, seen),
    };
    let step = step.filter(|step| !(busy && step.touches_peering()));
    steps.extend(step.map(|step| (Subject::Network, step)));
    steps
}

fn raise(wish: &Wish, seen: &Seen) -> Option<Step> {
    match &seen.network {
        None => Some(Step::InsertNetwork),
        Some(network) if !network.has_subnetwork(wish) => Some(Step::InsertSubnetwork),
        Some(_) => None,
    }
}

/// A rule of a connection that is not asked for: closed, or left behind where an answer was lost. Its peering, if it
/// is there yet, is for a person to delete; what it let in is not for anybody to use.
fn forgotten(wish: &Wish, seen: &Seen) -> Option<Step> {
    let known: BTreeSet<String> = wish.connections.iter().map(ConnectionWish::name).collect();
    let stray = seen.firewalls.iter().find(|rule| is_ours(rule) && !known.contains(&rule.name))?;
    Some(Step::DeleteFirewall { subject: Subject::Network, name: stray.name.clone() })
}

/// Rules of others keep the network, and Google says so: they are for people to take away.
fn is_ours(rule: &Firewall) -> bool {
    is_name_of_a_connection(&rule.name)
}

/// Peerings and rules first, also those that the console has forgotten; then the subnetwork, then the network.
fn raze(wish: &Wish, seen: &Seen) -> Option<Step> {
    let network = seen.network.as_ref()?;
    if let Some(step) = forgotten(wish, seen) {
        return Some(step);
    }
    let known: BTreeSet<String> = wish.connections.iter().map(ConnectionWish::name).collect();
    if let Some(stray) = network.peerings.iter().find(|peering| !known.contains(&peering.name)) {
        return Some(Step::RemovePeering { subject: Subject::Network, name: stray.name.clone() });
    }
    if !network.peerings.is_empty() || seen.firewalls.iter().any(is_ours) {
        return None;
    }
    if network.has_subnetwork(wish) { Some(Step::DeleteSubnetwork) } else { Some(Step::DeleteNetwork) }
}

fn keep(wish: &Wish, seen: &Seen, connection: &ConnectionWish) -> Option<Step> {
    let Peer::Google { project, network: theirs } = &connection.peer else { return None };
    let network = seen.network.as_ref().filter(|network| network.has_subnetwork(wish))?;
    let (name, id) = (connection.name(), connection.id);
    // Subnet routes are always exchanged; what is beyond the peer's subnets are its custom routes.
    let imports_custom_routes = !connection.ranges.is_empty();
    let peering = network.peering(connection);
    // Nobody is let in for a peering that carries nothing, whatever else has to be done about it.
    let carries = peering.is_some_and(|peering| peering.state == "ACTIVE");
    if let Some(rule) = rule_of(seen, connection).filter(|_| !carries) {
        return Some(Step::DeleteFirewall { subject: Subject::Connection(id), name: rule.name.clone() });
    }
    match peering {
        None => {
            let peer = peer_path(project, theirs);
            Some(Step::AddPeering { connection: id, name, peer, imports_custom_routes })
        }
        Some(peering) if !peering.exchanges_subnet_routes || peering.imports_custom_routes != imports_custom_routes => {
            Some(Step::UpdatePeering { connection: id, name, imports_custom_routes })
        }
        Some(peering) => open(wish, seen, connection, peering),
    }
}

/// Lets in what is routed from the peer while the connection is active, and nothing otherwise.
fn open(wish: &Wish, seen: &Seen, connection: &ConnectionWish, peering: &Peering) -> Option<Step> {
    let wanted = rule(wish, seen, connection, peering);
    let there = rule_of(seen, connection);
    let id = connection.id;
    match (there, wanted) {
        (None, None) => None,
        (Some(there), None) => {
            Some(Step::DeleteFirewall { subject: Subject::Connection(id), name: there.name.clone() })
        }
        (None, Some(rule)) => Some(Step::InsertFirewall { connection: id, rule }),
        (Some(there), Some(rule)) => (*there != rule).then_some(Step::UpdateFirewall { connection: id, rule }),
    }
}

fn rule(wish: &Wish, seen: &Seen, connection: &ConnectionWish, peering: &Peering) -> Option<Firewall> {
    if peering.state != "ACTIVE" || wish.openings.is_empty() {
        return None;
    }
    let told = seen.incoming.get(&connection.id).into_iter().flatten();
    let ranges: BTreeSet<Ipv4Net> = told.chain(&connection.ranges).copied().collect();
    let openings: BTreeSet<Opening> = wish.openings.iter().copied().collect();
    let all = openings.contains(&Opening::All);
    let openings = if all { vec![Opening::All] } else { openings.into_iter().collect() };
    let ranges: Vec<Ipv4Net> = ranges.into_iter().collect();
    (!ranges.is_empty()).then(|| Firewall { name: connection.name(), ranges, openings })
}

fn rule_of<'a>(seen: &'a Seen, connection: &ConnectionWish) -> Option<&'a Firewall> {
    let name = connection.name();
    seen.firewalls.iter().find(|rule| rule.name == name)
}

fn part(seen: &Seen, connection: &ConnectionWish) -> Option<Step> {
    let subject = Subject::Connection(connection.id);
    if let Some(rule) = rule_of(seen, connection) {
        return Some(Step::DeleteFirewall { subject, name: rule.name.clone() });
    }
    let peering = seen.network.as_ref()?.peering(connection)?;
    Some(Step::RemovePeering { subject, name: peering.name.clone() })
}
