//! The project in numbers: the top bar, the navigation and the overview's headline.
//!
//! Counted from the same snapshot as the list of needs, so that the two never contradict each other.

use serde::{Deserialize, Serialize};

use super::{Need, Severity, Snapshot};
use crate::domain::{
    connection::Connection,
    gateway::Gateway,
    peer::PeerKind,
    planner,
    service::Service,
    standing::{Standing, Target},
    vpc::Vpc,
};

/// A noun in the navigation: how many there are, and the worst mark among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub count: usize,
    pub worst: Option<Severity>,
}

impl Tally {
    fn of(standings: &[Standing]) -> Self {
        Self { count: standings.len(), worst: standings.iter().copied().filter_map(Severity::of).min() }
    }
}

/// The state of the whole project: the top bar and the navigation of every page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub failed: usize,
    pub your_turn: usize,
    pub moving: usize,
    /// Things that are what was asked for.
    pub as_asked: usize,
    pub vpcs: Tally,
    pub gateways: Tally,
    pub peerings: Tally,
    /// Road warriors and sites.
    pub peers: Tally,
    pub services: Tally,
    /// Ranges of the address plan.
    pub plan: Tally,
}

impl Summary {
    /// `needs` are those of the same snapshot.
    pub fn of(seen: &Snapshot<'_>, needs: &[Need]) -> Self {
        let vpcs: Vec<Standing> = seen.vpcs.iter().map(Vpc::standing).collect();
        let gateways: Vec<Standing> = seen.gateways.iter().map(Gateway::standing).collect();
        let peerings: Vec<Standing> = seen.peerings.iter().map(|peering| peering.standing(seen.now)).collect();
        let own = seen.peers.iter().filter(|peer| peer.kind != PeerKind::VpcPeering);
        let peers: Vec<Standing> = own.map(|peer| peer.standing(seen.now)).collect();
        let connections = seen.vpcs.iter().flat_map(|vpc| &vpc.connections).map(Connection::standing).collect();
        let services: Vec<Standing> = seen.services.iter().map(Service::standing).collect();
        let all = [&vpcs, &gateways, &peerings, &peers, &connections, &services];
        let count = |severity| needs.iter().filter(|need| need.severity == severity).count();
        Self {
            failed: count(Severity::Failed),
            your_turn: count(Severity::YourTurn),
            moving: count(Severity::Moving),
            as_asked: all.into_iter().flatten().filter(|standing| **standing == Standing::AsAsked).count(),
            vpcs: Tally::of(&vpcs),
            gateways: Tally::of(&gateways),
            peerings: Tally::of(&peerings),
            peers: Tally::of(&peers),
            // Its list marks services; what is to be said of their nodes and certificates counts for them.
            services: Tally {
                count: services.len(),
                worst: worst(needs, |target| matches!(target, Target::Service(_) | Target::Node(..))),
            },
            plan: Tally {
                count: planner::owned(seen.network).len(),
                worst: worst(needs, |target| *target == Target::Plan),
            },
        }
    }

    /// "4 things need you": the answer that the overview is headed by.
    pub fn headline(&self) -> String {
        match self.failed + self.your_turn {
            0 if *self == Self::default() => "Nothing is built yet".to_owned(),
            0 => "Nothing needs you".to_owned(),
            1 => "1 thing needs you".to_owned(),
            many => format!("{many} things need you"),
        }
    }

    /// "Three failed, one waits for you. The other 41 are as you asked."
    pub fn lead(&self) -> String {
        let mut parts = Vec::new();
        for (count, one, many) in [
            (self.failed, "failed", "failed"),
            (self.your_turn, "waits for you", "wait for you"),
            (self.moving, "is moving", "are moving"),
        ] {
            if count > 0 {
                parts.push(format!("{} {}", spelt(count), if count == 1 { one } else { many }));
            }
        }
        let rest = match (self.as_asked, parts.is_empty()) {
            (0, _) => String::new(),
            (1, true) => "The one thing that is here is as you asked.".to_owned(),
            (count, true) => format!("All {count} are as you asked."),
            (1, false) => "Another is as you asked.".to_owned(),
            (count, false) => format!("The other {count} are as you asked."),
        };
        let mut lead = parts.join(", ");
        if let Some(first) = lead.get_mut(..1) {
            first.make_ascii_uppercase();
            lead.push('.');
        }
        format!("{lead} {rest}").trim().to_owned()
    }
}

fn worst(needs: &[Need], about: impl Fn(&Target) -> bool) -> Option<Severity> {
    needs.iter().filter(|need| about(&need.target)).map(|need| need.severity).min()
}

fn spelt(count: usize) -> String {
    const WORDS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    WORDS.get(count.wrapping_sub(1)).map_or_else(|| count.to_string(), |word| (*word).to_owned())
}
