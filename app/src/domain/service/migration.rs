//! A service moves to another place (domain 2.3): replacement hosts are enrolled there, names are switched to them in one
//! step, and the old hosts leave last.
//!
//! Causeway moves no data. The operator replicates from the old hosts to the new ones, which are members of one service
//! meanwhile, and says when the names may be switched. Until then the way back is open.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    IpFilter, Node, NodeState, Place, Service, VpcBrief,
    firewall::Peered,
    placement::{CHOOSE, admit_migration},
};
use crate::domain::{Network, ProjectName, Refusal, Refusals, Timestamp, gateway::checked};

/// How long old hosts go on serving clients that still hold an old address, in seconds: five times the records' TTL.
pub const DRAIN_SECONDS: i64 = 300;

const ACTIVE: &str = "The target VPC and its peering connections are active.";
const TRIED: &str = "A small service was tried there first.";
const ANSWERS: &str = "The private host answers (nslookup, nc -vz).";

/// What to see to before one migrates from VPC to VPC (domain 2.3), and after the names were switched.
const BETWEEN_VPCS: Checklist = Checklist {
    before: &[
        ACTIVE,
        TRIED,
        "Public access is on for the components that clients use, so that they have a way while the service moves.",
        "Applications point to the public host.",
    ],
    after: &[ANSWERS, "Applications point to the private host again.", "Public access is off."],
};

/// The same for a move from the internet: clients come by the plain host, and there is no public one yet.
const INTO_VPC: Checklist = Checklist { before: &[ACTIVE, TRIED], after: &[ANSWERS] };

/// The same for a move to the internet.
const TO_PUBLIC: Checklist = Checklist {
    before: &[TRIED, "The IP filter lets in the ranges of your clients, and nobody else."],
    after: &["The host answers at its public addresses (nslookup, nc -vz)."],
};

/// What a person ticks off in the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checklist {
    pub before: &'static [&'static str],
    /// Once the names were switched.
    pub after: &'static [&'static str],
}

/// `from`: [`Migration::came_from`], or where the service is before it is asked to move.
pub fn checklist(from: Option<&Place>, target: &Place) -> Checklist {
    match (from.and_then(|from| from.vpc), target.vpc) {
        (_, None) => TO_PUBLIC,
        (None, Some(_)) => INTO_VPC,
        (Some(_), Some(_)) => BETWEEN_VPCS,
    }
}

/// The host names that a service has on one side of the switch only, as [`Service::accesses`] has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamesChange {
    pub ended: BTreeSet<String>,
    pub begun: BTreeSet<String>,
}

impl NamesChange {
    /// Of a service that is to move there.
    pub fn of(service: &Service, project: &ProjectName, target: &Place) -> Self {
        let hosts = |place: &Place| -> BTreeSet<String> {
            let there = Service { place: place.clone(), ..service.clone() };
            there.accesses(project).into_iter().map(|access| access.host).collect()
        };
        let (before, after) = (hosts(&service.place), hosts(target));
        Self { ended: &before - &after, begun: &after - &before }
    }
}

/// Beside the box that confirms it.
pub const OPENS: &str = "The IP filter lets in every address, and in public nothing else decides. It can be narrowed as soon as the migration has begun, before the first replacement host is enrolled.";
/// When that box is not ticked.
pub const UNCONFIRMED: &str =
    "In public the IP filter would let everybody in. Tick the box to confirm that you mean it.";

/// Where to, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationForm {
    /// As [`Place::value`] writes it.
    #[serde(default)]
    pub place: String,
    /// A check box: in public everybody may get in.
    #[serde(default)]
    pub open: String,
}

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMigration {
    pub target: Place,
    /// In public everybody may get in.
    pub open: bool,
}

impl MigrationForm {
    /// Fields carry the names of this struct.
    pub fn parse(&self) -> Result<NewMigration, Refusals> {
        let target = self.place.parse().map_err(|_| Refusals::from(Refusal::malformed("place", CHOOSE)))?;
        Ok(NewMigration { target, open: checked(&self.open) })
    }
}

impl NewMigration {
    /// Whether a service that is there, with this filter, may be moved.
    pub fn admit(&self, network: &Network, from: &Place, filter: &IpFilter) -> Result<(), Refusal> {
        admit_migration(network, from, &self.target)?;
        if opens(from, &self.target, filter) && !self.open {
            return Err(Refusal::conflict("open", UNCONFIRMED));
        }
        Ok(())
    }
}

/// Whether a move lets everybody in who was kept out: in a VPC the filter decided about public access at most.
pub fn opens(from: &Place, target: &Place, filter: &IpFilter) -> bool {
    from.vpc.is_some() && target.vpc.is_none() && filter.is_open()
}

/// A migration that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    pub target: Place,
    /// What people call the target.
    pub target_label: String,
    pub started_at: Timestamp,
    /// Until when old hosts go on serving; `None`: names were not switched yet. From the switch on there is no way back.
    pub drains_until: Option<Timestamp>,
    /// The place that names do not lead to: the target until they are switched, where the service was after that.
    /// `None`: no host is left there.
    pub other: Option<Side>,
}

/// One of the two places of a service that moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    pub place: Place,
    /// What people call it.
    pub label: String,
    pub vpc: Option<VpcBrief>,
    /// What reaches its VPC; none in public.
    pub peered: Vec<Peered>,
}

/// How far a migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Replacement hosts are missing.
    Enrolling { ready: usize, wanted: usize },
    /// Names may be switched.
    Ready,
    /// Old hosts still serve whoever holds their addresses, until then.
    Draining { until: Timestamp },
    /// Old hosts take their firewalls off.
    Leaving { left: usize },
    /// Nothing is left to do.
    Done,
}

impl Migration {
    pub fn phase(&self, nodes: &[Node], now: Timestamp) -> Phase {
        let old = nodes.iter().filter(|node| self.is_old(node));
        let staying = old.clone().filter(|node| !node.removed).count();
        let Some(until) = self.drains_until else {
            // Also one that takes over from a host that was removed meanwhile: whoever wants fewer removes it.
            let replacements = nodes.iter().filter(|node| node.replaces.is_some() && !node.removed);
            let wanted = staying.max(replacements.clone().count());
            let ready = replacements.filter(|node| node.state == NodeState::SyncingData).count();
            return if ready >= wanted { Phase::Ready } else { Phase::Enrolling { ready, wanted } };
        };
        match old.count() {
            0 => Phase::Done,
            _ if now < until && staying > 0 => Phase::Draining { until },
            left => Phase::Leaving { left },
        }
    }

    /// Where the service comes from, which is `here` until its names are switched; `None`: no host is left there.
    pub fn came_from<'a>(&'a self, here: &'a Place) -> Option<&'a Place> {
        if self.drains_until.is_none() { Some(here) } else { self.other.as_ref().map(|side| &side.place) }
    }

    /// Whether this node is to be gone in the end.
    pub fn is_old(&self, node: &Node) -> bool {
        node.place != self.target
    }

    /// Whether there is a step that no person has to take: hosts that clean up are waited for.
    pub fn is_due(&self, nodes: &[Node], now: Timestamp) -> bool {
        match self.phase(nodes, now) {
            Phase::Leaving { .. } => nodes.iter().any(|node| self.is_old(node) && !node.removed),
            phase => phase == Phase::Done,
        }
    }

    /// Whether names may be switched now.
    pub fn admit_switch(&self, nodes: &[Node], now: Timestamp) -> Result<(), Refusal> {
        match self.phase(nodes, now) {
            Phase::Ready => Ok(()),
            Phase::Enrolling { ready, wanted } => {
                let sentence = format!("{ready} of {wanted} replacement hosts are ready. Enrol the others first.");
                Err(Refusal::conflict("", sentence))
            }
            _ => Err(Refusal::conflict("", "The names were switched already.")),
        }
    }

    /// Whether the service may still stay where it was.
    pub fn admit_return(&self) -> Result<(), Refusal> {
        let sentence = "The names were switched already. Migrate the service back instead.";
        if self.drains_until.is_some() { Err(Refusal::conflict("", sentence)) } else { Ok(()) }
    }

    /// Whether the old hosts may go before their time.
    pub fn admit_finish(&self, nodes: &[Node], now: Timestamp) -> Result<(), Refusal> {
        match self.phase(nodes, now) {
            Phase::Draining { .. } => Ok(()),
            Phase::Enrolling { .. } | Phase::Ready => Err(Refusal::conflict("", "Switch the names first.")),
            Phase::Leaving { .. } | Phase::Done => Err(Refusal::conflict("", "The old hosts are leaving already.")),
        }
    }
}

impl Phase {
    /// What happens now, and what a person can do.
    pub fn sentence(self) -> String {
        match self {
            Self::Enrolling { ready, wanted } => format!(
                "{ready} of {wanted} replacement hosts are ready. Enrol each in the target, and replicate the data to it."
            ),
            Self::Ready => "Every replacement host is ready. Switch the names once the data has arrived.".to_owned(),
            Self::Draining { .. } => {
                "Names lead to the new hosts. The old ones go on serving for a while, for clients that still hold an old address.".to_owned()
            }
            Self::Leaving { left: 1 } => "One old host still has to take its firewall off.".to_owned(),
            Self::Leaving { left } => format!("{left} old hosts still have to take their firewalls off."),
            Self::Done => "The service has moved.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{VpcId, service::fixtures::node};

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    /// Two old hosts in public, and as many replacements in a VPC as are asked for.
    fn moving(replacements: &[NodeState], drains_until: Option<Timestamp>) -> (Migration, Vec<Node>) {
        let mut nodes = vec![node(1, None, Some([203, 0, 113, 1])), node(2, None, Some([203, 0, 113, 2]))];
        let target = Place { vpc: Some(VpcId::from_uuid(uuid::Uuid::from_u128(7))), ..nodes[0].place.clone() };
        for (number, state) in (3..).zip(replacements) {
            let mut replacement = node(number, Some([10, 0, 0, number]), None);
            (replacement.place, replacement.state) = (target.clone(), *state);
            replacement.replaces = Some(nodes[usize::from(number) - 3].id);
            nodes.push(replacement);
        }
        let target_label = "alpha".to_owned();
        let migration = Migration { target, target_label, started_at: NOW, drains_until, other: None };
        (migration, nodes)
    }

    #[test]
    fn names_are_switched_once_every_replacement_is_ready() {
        let (migration, nodes) = moving(&[NodeState::SyncingData, NodeState::SettingUpVm], None);
        assert_eq!(migration.phase(&nodes, NOW), Phase::Enrolling { ready: 1, wanted: 2 });
        let refusal = migration.admit_switch(&nodes, NOW).unwrap_err();
        assert_eq!(refusal.sentence, "1 of 2 replacement hosts are ready. Enrol the others first.");
        let (migration, mut nodes) = moving(&[NodeState::SyncingData, NodeState::SettingUpVm], None);
        nodes[0].removed = true;
        nodes[1].removed = true;
        let waits = Phase::Enrolling { ready: 1, wanted: 2 };
        assert_eq!(migration.phase(&nodes, NOW), waits, "a replacement waits, whatever became of whom it replaces");
        let (migration, nodes) = moving(&[NodeState::SyncingData; 2], None);
        assert_eq!(migration.phase(&nodes, NOW), Phase::Ready);
        assert_eq!(migration.admit_switch(&nodes, NOW), Ok(()));
        assert_eq!(migration.admit_return(), Ok(()));
    }

    #[test]
    fn old_hosts_serve_until_they_are_drained_and_leave_last() {
        let until = NOW.plus_seconds(DRAIN_SECONDS);
        let (migration, mut nodes) = moving(&[NodeState::Running; 2], Some(until));
        nodes[2..].iter_mut().for_each(|node| node.replaces = None);
        assert_eq!(migration.phase(&nodes, NOW), Phase::Draining { until });
        assert_eq!(migration.phase(&nodes, until), Phase::Leaving { left: 2 });
        assert_eq!(migration.phase(&nodes[1..], until).sentence(), "One old host still has to take its firewall off.");
        assert_eq!(migration.phase(&nodes[2..], until), Phase::Done);
        assert!(migration.is_due(&nodes, until) && migration.is_due(&nodes[2..], until));
        assert!(!migration.is_due(&nodes, NOW), "they still serve");
        let sentence = "The names were switched already. Migrate the service back instead.";
        assert_eq!(migration.admit_return().unwrap_err().sentence, sentence);
    }
    #[test]
    fn old_hosts_that_were_asked_to_go_are_waited_for_and_asked_once() {
        let until = NOW.plus_seconds(DRAIN_SECONDS);
        let (migration, mut nodes) = moving(&[NodeState::Running; 2], Some(until));
        nodes[2..].iter_mut().for_each(|node| node.replaces = None);
        nodes[..2].iter_mut().for_each(|node| node.removed = true);
        assert_eq!(migration.phase(&nodes, NOW), Phase::Leaving { left: 2 }, "nobody serves any more");
        assert!(!migration.is_due(&nodes, until), "the rest is theirs");
        let sentence = migration.admit_finish(&nodes, until).unwrap_err().sentence;
        assert_eq!(sentence, "The old hosts are leaving already.");
    }

    #[test]
    fn what_was_removed_before_needs_no_replacement() {
        let (migration, mut nodes) = moving(&[NodeState::SyncingData], None);
        nodes[1].removed = true;
        assert_eq!(migration.phase(&nodes, NOW), Phase::Ready);
        assert_eq!(migration.admit_finish(&nodes, NOW).unwrap_err().sentence, "Switch the names first.");
    }

    /// A place in a VPC of that number; 0: in public.
    fn place(vpc: u128) -> Place {
        let cloud = crate::domain::CloudName::default_local();
        Place { cloud, vpc: (vpc > 0).then(|| VpcId::from_uuid(uuid::Uuid::from_u128(vpc))) }
    }

    #[test]
    fn applications_are_pointed_to_the_public_host_only_where_there_is_one() {
        let points = "Applications point to the public host.";
        let told = |from: u128, to: u128| {
            let list = checklist(Some(&place(from)), &place(to));
            (list.before.contains(&points), list.before.len(), list.after.len())
        };
        assert_eq!(told(7, 8), (true, 4, 3), "from VPC to VPC it leads on");
        assert_eq!(told(0, 7), (false, 2, 1), "in public there is none");
        assert_eq!(told(7, 0), (false, 2, 1), "it would be gone after the switch");
    }

    #[test]
    fn the_checklist_stays_that_of_the_move_once_names_are_switched() {
        let (mut migration, _) = moving(&[], None);
        let here = place(0);
        assert_eq!(migration.came_from(&here), Some(&here));
        migration.drains_until = Some(NOW);
        assert_eq!(migration.came_from(&place(7)), None, "nobody is left there");
        migration.other = Some(Side { place: place(8), label: "beta".to_owned(), vpc: None, peered: Vec::new() });
        assert_eq!(migration.came_from(&place(7)), Some(&place(8)));
    }

    #[test]
    fn a_public_host_ends_where_a_service_leaves_a_vpc_and_begins_where_it_comes_into_one() {
        use crate::domain::service::fixtures::{component, service};

        let change = |open: bool, from: u128, to: u128| {
            let pg = super::super::Component { public_access: open, private_access: true, ..component("pg", 5432) };
            let orders = Service { place: place(from), components: vec![pg], ..service("orders") };
            let change = NamesChange::of(&orders, &"shop".parse().expect("a name"), &place(to));
            [change.ended, change.begun].map(|hosts| hosts.into_iter().collect::<Vec<_>>().join(" "))
        };
        let (public, none) = ("public-orders-shop.causeway.internal".to_owned(), String::new());
        assert_eq!(change(true, 7, 0), [public.clone(), none.clone()]);
        assert_eq!(change(true, 0, 7), [none.clone(), public]);
        assert_eq!(change(true, 7, 8), [none.clone(), none.clone()]);
        assert_eq!(change(false, 7, 0), [none.clone(), none], "without public access there was none");
    }

    #[test]
    fn a_move_to_public_with_an_open_filter_is_confirmed() {
        let mut town = crate::domain::fixtures::Town::default();
        town.vpc("alpha", "oslo", "10.10.0.0/16");
        let inside = Place { cloud: town.network.vpcs[0].cloud.clone(), vpc: Some(town.network.vpcs[0].id) };
        let target = Place { cloud: inside.cloud.clone(), vpc: None };
        let admit = |open, filter: &IpFilter, from: &Place, target: &Place| {
            NewMigration { target: target.clone(), open }.admit(&town.network, from, filter)
        };
        let (open, narrow) = (IpFilter::default(), IpFilter::parse("203.0.113.0/24", 0).expect("a list"));
        let refusal = admit(false, &open, &inside, &target).unwrap_err();
        assert_eq!((refusal.field.as_ref(), refusal.sentence.as_str()), ("open", UNCONFIRMED));
        assert_eq!(admit(true, &open, &inside, &target), Ok(()));
        assert_eq!(admit(false, &narrow, &inside, &target), Ok(()));
        assert_eq!(admit(false, &open, &target, &inside), Ok(()), "a VPC keeps everybody out");
    }
}
