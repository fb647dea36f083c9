//! What UpCloud has, what the console says of it, and what is to be done next. Pure.
//!
//! A peering is changed only when UpCloud is done with the last change (`provisioning` is left alone) and
//! only if it is not configured so already: every PATCH may start its transition anew. It is deleted in two
//! moves, because UpCloud deletes disabled peerings only. The network goes last but one, its router last.
//!
//! A router joins all networks that are attached to it. One of ours that somebody attached their own networks to
//! is therefore never given to our network again, and not taken away from under theirs: while its VPC goes, a person
//! is told which networks are in the way. Without our label it is no longer ours.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use uuid::Uuid;

use super::wire::{Label, Network, Peering, Router, VPC, labelled};
use crate::{
    Class, ConnectionReport, ConnectionWish, Failure, NetworkReport, NetworkStanding, Peer, Reference, Report, Subject,
    Wish, listed,
};

/// Absence so shortly after a request is "not visible yet".
const SETTLING: i64 = 60_000;

#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub network: Option<Network>,
    /// Ours: the one that is attached, else one that carries our label.
    pub router: Option<Uuid>,
    /// The one that we made, so that it is known when its label is lost. The attached one may be a person's own.
    pub made: Option<Uuid>,
    /// The network or the router was asked for moments ago, and the cloud does not show it yet.
    pub settling: bool,
    /// Everything with our label that is in use by nobody: left behind where an answer was lost.
    pub stray_networks: Vec<Uuid>,
    pub stray_routers: Vec<Uuid>,
    /// Those with our label that join networks of others.
    pub shared: Vec<Shared>,
    /// Those of this VPC.
    pub peerings: Vec<Peering>,
}

/// A router with our label, and what is attached to it that is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    pub router: Uuid,
    pub name: String,
    pub networks: Vec<Uuid>,
}

impl Seen {
    /// Sorts what was found into what is used and what was left behind.
    pub fn sorted(wish: &Wish, networks: Vec<Network>, routers: Vec<Router>, peerings: Vec<Peering>) -> Self {
        let ours = |labels: &[Label]| labelled(labels, VPC) == Some(wish.id);
        let known = network_of(&wish.reference);
        let mut networks: Vec<_> =
            networks.into_iter().filter(|network| ours(&network.labels) || Some(network.uuid) == known).collect();
        networks.sort_by_key(|network| (Some(network.uuid) != known, network.router().is_none(), network.uuid));
        networks.dedup_by_key(|network| network.uuid);
        let own: BTreeSet<Uuid> = networks.iter().map(|network| network.uuid).chain(known).collect();
        let mut networks = networks.into_iter();
        let network = networks.next();
        let attached = network.as_ref().and_then(Network::router);
        let mut made = made_router_of(&wish.reference);
        let (mut shared, mut unshared) = (Vec::new(), Vec::new());
        for router in routers {
            let others = router.others(&own);
            match (ours(&router.labels), others.is_empty()) {
                (true, false) => shared.push(Shared { router: router.uuid, name: router.name, networks: others }),
                (false, false) => made = made.filter(|made| *made != router.uuid),
                (true, true) => unshared.push(router.uuid),
                (false, true) if Some(router.uuid) == made => unshared.push(router.uuid),
                (false, true) => {}
            }
        }
        let mut routers = unshared;
        routers.sort_by_key(|router| (Some(*router) != attached, Some(*router) != router_of(&wish.reference), *router));
        routers.dedup();
        let made = routers.first().copied().or(made);
        let router = attached.or_else(|| routers.first().copied());
        routers.retain(|other| Some(*other) != router);
        Self {
            network,
            router,
            made,
            settling: false,
            stray_networks: networks.map(|network| network.uuid).collect(),
            stray_routers: routers,
            shared,
            peerings,
        }
    }

    fn peering(&self, connection: &ConnectionWish) -> Option<&Peering> {
        let known = peering_of(&connection.reference);
        let ours = |peering: &&Peering| peering.connection() == Some(connection.id) || Some(peering.uuid) == known;
        self.peerings.iter().filter(ours).min_by_key(|peering| (Some(peering.uuid) != known, peering.uuid))
    }

    fn attached(&self) -> Option<&Network> {
        self.network.as_ref().filter(|network| network.router().is_some())
    }
}

/// One request that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    CreateRouter,
    CreateNetwork {
        router: Uuid,
    },
    AttachRouter {
        network: Uuid,
        router: Uuid,
    },
    DeleteNetwork(Uuid),
    DeleteRouter(Uuid),
    CreatePeering {
        connection: Uuid,
        name: String,
        network: Uuid,
        peer: Uuid,
    },
    /// Somebody disabled our side by hand.
    EnablePeering(Uuid),
    DisablePeering(Uuid),
    DeletePeering(Uuid),
    /// Nothing is changed, only told: what others put in the way.
    Tell(Failure),
}

pub fn network_of(reference: &Reference) -> Option<Uuid> {
    reference.get("network_uuid")?.as_str()?.parse().ok()
}

pub fn router_of(reference: &Reference) -> Option<Uuid> {
    reference.get("router_uuid")?.as_str()?.parse().ok()
}

/// The router that the console made, as long as it may be there.
pub fn made_router_of(reference: &Reference) -> Option<Uuid> {
    reference.get("made_router_uuid")?.as_str()?.parse().ok()
}

pub fn peering_of(reference: &Reference) -> Option<Uuid> {
    reference.get("peering_uuid")?.as_str()?.parse().ok()
}

pub fn report(wish: &Wish, seen: &Seen) -> Report {
    let mut reference = Reference::new();
    if let Some(network) = &seen.network {
        reference.insert("network_uuid".to_owned(), network.uuid.to_string().into());
        reference.insert("zone".to_owned(), network.zone.clone().into());
    }
    if let Some(router) = seen.router {
        reference.insert("router_uuid".to_owned(), router.to_string().into());
    }
    if let Some(made) = seen.made {
        reference.insert("made_router_uuid".to_owned(), made.to_string().into());
    }
    let standing = match (&seen.network, seen.router, wish.present) {
        (None, None, _) if !seen.settling && seen.stray_networks.is_empty() && seen.shared.is_empty() => {
            NetworkStanding::Absent
        }
        (Some(network), ..) if network.router().is_some() => NetworkStanding::Ready,
        _ => NetworkStanding::Partial,
    };
    Report {
        network: NetworkReport { standing, reference },
        connections: wish.connections.iter().map(|connection| (connection.id, tell(wish, seen, connection))).collect(),
    }
}

fn tell(wish: &Wish, seen: &Seen, connection: &ConnectionWish) -> ConnectionReport {
    let mut report = ConnectionReport::default();
    if let Some(network) = &seen.network {
        report.identifiers.insert("to_network_uuid".to_owned(), network.uuid.to_string());
    }
    let Some(peering) = seen.peering(connection) else {
        report.settling = connection.sent_at.is_some_and(|sent| wish.now - sent < SETTLING);
        return report;
    };
    report.reference.insert("peering_uuid".to_owned(), peering.uuid.to_string().into());
    report.state = Some(peering.state.clone());
    report.details.insert("configured_status".to_owned(), peering.configured_status.clone());
    report.peer_ranges = peering.peer_network.ip_networks.as_ref().map(|networks| networks.ranges());
    if peering.state == "active" {
        // UpCloud routes between the two networks by itself, and its firewall does not filter private networks.
        let ranges: Vec<Ipv4Net> = report.peer_ranges.clone().unwrap_or_default();
        report.routed.clone_from(&ranges);
        report.opened = ranges;
    }
    report
}

pub fn plan(wish: &Wish, seen: &Seen) -> Vec<(Subject, Step)> {
    let mut steps = Vec::new();
    for connection in &wish.connections {
        let wanted = connection.present && wish.present;
        let step = match seen.peering(connection) {
            Some(peering) if wanted => keep(peering),
            Some(peering) => part(peering),
            None if wanted => meet(seen, connection),
            None => None,
        };
        steps.extend(step.map(|step| (Subject::Connection(connection.id), step)));
    }
    steps.extend(network(wish, seen).map(|step| (Subject::Network, step)));
    steps
}

fn network(wish: &Wish, seen: &Seen) -> Option<Step> {
    if let Some(stray) = seen.stray_networks.first() {
        return Some(Step::DeleteNetwork(*stray));
    }
    if let Some(stray) = seen.stray_routers.first() {
        return Some(Step::DeleteRouter(*stray));
    }
    if !wish.present {
        let known = |peering: &Peering| wish.connections.iter().any(|known| Some(known.id) == peering.connection());
        if let Some(stray) = seen.peerings.iter().find(|peering| !known(peering)) {
            return part(stray);
        }
        if !seen.peerings.is_empty() {
            return None;
        }
        return match (&seen.network, seen.router) {
            (Some(network), _) => Some(Step::DeleteNetwork(network.uuid)),
            (None, Some(router)) => Some(Step::DeleteRouter(router)),
            (None, None) => seen.shared.first().map(|shared| Step::Tell(in_the_way(shared))),
        };
    }
    match (&seen.network, seen.router) {
        _ if seen.settling => None,
        (None, None) => Some(Step::CreateRouter),
        (None, Some(router)) => Some(Step::CreateNetwork { router }),
        (Some(network), _) if network.router().is_some() => None,
        (Some(_), None) => Some(Step::CreateRouter),
        (Some(network), Some(router)) => Some(Step::AttachRouter { network: network.uuid, router }),
    }
}

fn in_the_way(shared: &Shared) -> Failure {
    let Shared { router, name, networks } = shared;
    let named: Vec<String> = networks.iter().map(|network| format!("network {network}")).collect();
    let message = format!(
        "The router {name} ({router}) of the VPC is attached to what was not made by Causeway: {}. Detach this from the \
         router in the UpCloud account; then Causeway deletes the VPC by itself",
        listed(&named)
    );
    // The sentence says it all: there is no code of UpCloud's.
    Failure::new(Class::Operator, "", message)
}

fn meet(seen: &Seen, connection: &ConnectionWish) -> Option<Step> {
    let Peer::UpCloud { network: peer } = &connection.peer else { return None };
    let network = seen.attached()?;
    Some(Step::CreatePeering {
        connection: connection.id,
        name: connection.name(),
        network: network.uuid,
        peer: peer.parse().ok()?,
    })
}

fn keep(peering: &Peering) -> Option<Step> {
    let ours_is_off = peering.configured_status == "disabled" && peering.state != "provisioning";
    ours_is_off.then_some(Step::EnablePeering(peering.uuid))
}

fn part(peering: &Peering) -> Option<Step> {
    match (peering.configured_status.as_str(), peering.state.as_str()) {
        (_, "provisioning") => None,
        ("disabled", "active" | "pending-peer" | "peer-disabled") => None,
        ("disabled", _) => Some(Step::DeletePeering(peering.uuid)),
        _ => Some(Step::DisablePeering(peering.uuid)),
    }
}
