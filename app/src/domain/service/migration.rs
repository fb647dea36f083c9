//! A service moves to another place (domain 2.3): replacement hosts are enrolled there, names are switched to them in one
//! step, and the old hosts leave last.
//!
//! Causeway moves no data. The operator replicates from the old hosts to the new ones, which are members of one service
//! meanwhile, and says when the names may be switched. Until then the way back is open.

use serde::{Deserialize, Serialize};

use super::{Node, NodeState, Place};
use crate::domain::{Refusal, Timestamp};

/// How long old hosts go on serving clients that still hold an old address, in seconds: five times the records' TTL.
pub const DRAIN_SECONDS: i64 = 300;

/// What to do before one migrates (domain 2.3).
pub const CHECKLIST: [&str; 7] = [
    "The target VPC and its peering connections are active.",
    "A small service was tried there first.",
    "Public access is on for the components that clients use, so that they have a way while the service moves.",
    "Applications point to the public host.",
    "After the names were switched: the private host answers (nslookup, nc -vz).",
    "Applications point to the private host again.",
    "Public access is off.",
];

/// A migration that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    pub target: Place,
    /// What people call the target.
    pub target_label: String,
    pub started_at: Timestamp,
    /// Until when old hosts go on serving; `None`: names were not switched yet. From the switch on there is no way back.
    pub drains_until: Option<Timestamp>,
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
        let old = nodes.iter().filter(|node| self.is_old(node)).count();
        let Some(until) = self.drains_until else {
            let replacements = nodes.iter().filter(|node| node.replaces.is_some());
            let ready = replacements.filter(|node| node.state == NodeState::SyncingData).count();
            return if ready >= old { Phase::Ready } else { Phase::Enrolling { ready, wanted: old } };
        };
        match old {
            0 => Phase::Done,
            _ if now < until => Phase::Draining { until },
            left => Phase::Leaving { left },
        }
    }

    /// Whether this node is to be gone in the end.
    pub fn is_old(&self, node: &Node) -> bool {
        node.place != self.target
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
}

impl Phase {
    /// What happens now, and what a person can do.
    pub fn sentence(self) -> String {
        match self {
            Self::Enrolling { ready, wanted } => format!(
                "{ready} of {wanted} replacement hosts are ready. Enrol each in the target, and replicate the data to it."
            ),
            Self::Ready => "Every replacement host is ready. Switch the names once the data has arrived.".to_owned(),
            Self::Draining { until } => format!(
                "Names lead to the new hosts. The old ones go on serving until {until}, for clients that still hold an old address."
            ),
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
        let migration = Migration { target, target_label: "alpha".to_owned(), started_at: NOW, drains_until };
        (migration, nodes)
    }

    #[test]
    fn names_are_switched_once_every_replacement_is_ready() {
        let (migration, nodes) = moving(&[NodeState::SyncingData, NodeState::SettingUpVm], None);
        assert_eq!(migration.phase(&nodes, NOW), Phase::Enrolling { ready: 1, wanted: 2 });
        let refusal = migration.admit_switch(&nodes, NOW).unwrap_err();
        assert_eq!(refusal.sentence, "1 of 2 replacement hosts are ready. Enrol the others first.");
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
        let sentence = "The names were switched already. Migrate the service back instead.";
        assert_eq!(migration.admit_return().unwrap_err().sentence, sentence);
    }
}
