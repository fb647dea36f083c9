//! What the nodes of a service let in and refused, as its pages show it (checklist 64).
//!
//! Agents tell what each rule has counted. That is kept in slots, short ones for a day and longer ones for a month, so
//! that what is kept of a node is bounded however long it lives.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{
    ComponentName, NodeName, Service,
    firewall::{Cause, Firewall},
    node::DROPPED,
    origin::Origin,
};
use crate::domain::{AddressRange, NodeId, Timestamp};

/// How long a drawing reaches back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    #[default]
    Day,
    Month,
}

impl Span {
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.as_str() == text)
    }

    /// The words of the switch.
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Month => "30 days",
        }
    }

    /// How long a slot is.
    pub fn slot_seconds(self) -> i64 {
        match self {
            Self::Day => 300,
            Self::Month => 3600,
        }
    }

    /// How many slots are kept, and shown.
    pub fn slots(self) -> usize {
        match self {
            Self::Day => 288,
            Self::Month => 720,
        }
    }

    /// The slot of a moment, counted since 1970.
    pub fn slot(self, at: Timestamp) -> i64 {
        at.seconds().div_euclid(self.slot_seconds())
    }

    /// The oldest slot that is kept when `newest` is being filled.
    pub fn oldest(self, newest: i64) -> i64 {
        newest - self.slots() as i64 + 1
    }

    /// How many slots one bar of a drawing holds: as many as can be told apart.
    fn slots_per_bar(self) -> usize {
        match self {
            Self::Day => 3,
            Self::Month => 6,
        }
    }

    /// What one bar stands for.
    pub fn bar_words(self) -> &'static str {
        match self {
            Self::Day => "15 min",
            Self::Month => "6 h",
        }
    }

    /// The words under a drawing's axis, oldest first, at equal distances.
    pub fn axis(self) -> &'static [&'static str] {
        match self {
            Self::Day => &["24 h ago", "18 h", "12 h", "6 h", "now"],
            Self::Month => &["30 d ago", "20 d", "10 d", "now"],
        }
    }
}

/// What passed by one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Passed {
    /// The name of its counter; of what none admitted, [`DROPPED`].
    pub rule: String,
    pub packets: u64,
    pub bytes: u64,
}

impl Passed {
    pub fn is_refused(&self) -> bool {
        self.rule == DROPPED
    }
}

/// One slot of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub span: Span,
    /// [`Span::slot`].
    pub number: i64,
    pub passed: Vec<Passed>,
}

/// What a node has counted, in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeTraffic {
    pub node: NodeId,
    /// Packets let in and packets refused in each five minutes of the last two hours, oldest first.
    pub samples: Vec<(u64, u64)>,
    /// Since its host was first heard of.
    pub totals: Vec<Passed>,
}

/// As many slots make two hours.
pub const SAMPLES: usize = 24;

/// Two hours of a node for a line of a table.
pub fn samples(slots: &[Slot], now: Timestamp) -> Vec<(u64, u64)> {
    let newest = Span::Day.slot(now);
    let mut samples = vec![(0_u64, 0_u64); SAMPLES];
    for slot in slots.iter().filter(|slot| slot.span == Span::Day) {
        let Some(at) = place(slot.number, newest, SAMPLES) else { continue };
        for passed in &slot.passed {
            let sum = if passed.is_refused() { &mut samples[at].1 } else { &mut samples[at].0 };
            *sum = sum.saturating_add(passed.packets);
        }
    }
    samples
}

/// Where a slot stands among the `count` latest.
fn place(number: i64, newest: i64, count: usize) -> Option<usize> {
    let back = usize::try_from(newest.checked_sub(number)?).ok()?;
    (count - 1).checked_sub(back)
}

/// One rule of a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// The rule's number on the page of the firewall; `None`: no rule any more, or one of the other place only while
    /// the service moves.
    pub number: Option<usize>,
    pub label: String,
    /// It counts what no rule admitted.
    pub refused: bool,
    /// Packets, oldest first.
    pub bars: Vec<u64>,
    pub packets: u64,
    pub bytes: u64,
}

/// The chart of a service, or of one node by the firewall of its place. While a service moves, its nodes have two.
pub fn chart(service: &Service, node: Option<NodeId>, slots: &[Slot], span: Span, now: Timestamp) -> Vec<Lane> {
    match node.and_then(|node| service.nodes.iter().find(|of| of.id == node)) {
        Some(node) => lanes(&service.at(&node.place).firewall(), None, slots, span, now),
        None => lanes(&service.firewall(), service.firewall_elsewhere().as_ref(), slots, span, now),
    }
}

/// A lane per rule of the firewall in the firewall's order, then those that only the firewall `elsewhere` has, with the
/// place's label; rules that are gone and have counted within the span; and what was refused last.
fn lanes(
    firewall: &Firewall,
    elsewhere: Option<&(String, Firewall)>,
    slots: &[Slot],
    span: Span,
    now: Timestamp,
) -> Vec<Lane> {
    let newest = span.slot(now);
    let bars = span.slots() / span.slots_per_bar();
    let lane = |number: Option<usize>, label: String, refused: bool| Lane {
        number,
        label,
        refused,
        bars: vec![0; bars],
        packets: 0,
        bytes: 0,
    };
    let mut lanes: Vec<(String, Lane)> = Vec::new();
    for (at, rule) in firewall.rules.iter().enumerate() {
        lanes.push((rule.counter(), lane(Some(at + 1), rule.reason.to_string(), false)));
    }
    if let Some((place, there)) = elsewhere {
        for rule in &there.rules {
            let counter = rule.counter();
            if lanes.iter().all(|(known, _)| *known != counter) {
                lanes.push((counter, lane(None, format!("{}, in {place}", rule.reason), false)));
            }
        }
    }
    let mut gone: BTreeMap<String, Lane> = BTreeMap::new();
    let mut dropped = lane(Some(firewall.rules.len() + 1), "Default deny".to_owned(), true);
    for slot in slots.iter().filter(|slot| slot.span == span) {
        let Some(at) = place(slot.number, newest, span.slots()) else { continue };
        for passed in &slot.passed {
            let known = lanes.iter_mut().find(|(rule, _)| *rule == passed.rule).map(|(_, lane)| lane);
            let lane = match known {
                _ if passed.is_refused() => &mut dropped,
                Some(lane) => lane,
                None => gone
                    .entry(passed.rule.clone())
                    .or_insert_with(|| lane(None, format!("{}, no rule any more", passed.rule), false)),
            };
            let bar = &mut lane.bars[at / span.slots_per_bar()];
            *bar = bar.saturating_add(passed.packets);
            lane.packets = lane.packets.saturating_add(passed.packets);
            lane.bytes = lane.bytes.saturating_add(passed.bytes);
        }
    }
    lanes.into_iter().map(|(_, lane)| lane).chain(gone.into_values()).chain([dropped]).collect()
}

/// Connection attempts from one source at one port of a node, which were refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub node: NodeId,
    pub node_name: NodeName,
    pub from: IpAddr,
    pub origin: Origin,
    pub port: u16,
    /// `None`: the service has no such port any more.
    pub component: Option<ComponentName>,
    pub packets: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// What the firewall says of it as it is now.
    pub cause: Cause,
}

impl Attempt {
    /// Whether somebody who filters the list means it: by an address, a range, or what the source is called.
    pub fn matches(&self, wanted: &str) -> bool {
        let wanted = wanted.trim().to_lowercase();
        if wanted.is_empty() {
            return true;
        }
        if let Ok(range) = wanted.parse::<AddressRange>() {
            return range.contains(self.from);
        }
        let port = self.port.to_string();
        let component = self.component.as_ref().map(ComponentName::as_str).unwrap_or_default();
        port == wanted
            || [component, self.node_name.as_str()].iter().any(|text| text.contains(&wanted))
            || self.from.to_string().starts_with(&wanted)
            || self.origin.to_string().to_lowercase().contains(&wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        fixtures::NOW,
        service::{
            IpFilter,
            firewall::{Around, effective},
            fixtures::{component, node},
        },
    };

    fn passed(rule: &str, packets: u64, bytes: u64) -> Passed {
        Passed { rule: rule.to_owned(), packets, bytes }
    }

    fn slot(span: Span, back: i64, all: Vec<Passed>) -> Slot {
        Slot { span, number: span.slot(NOW) - back, passed: all }
    }

    #[test]
    fn row_64_a_line_of_the_table_shows_two_hours_of_packets_let_in_and_refused() {
        let slots = [
            slot(Span::Day, 0, vec![passed("members", 4, 400), passed("filter", 2, 80), passed(DROPPED, 3, 120)]),
            slot(Span::Day, 23, vec![passed("filter", 7, 7)]),
            slot(Span::Day, 24, vec![passed("filter", 9, 9)]),
            slot(Span::Month, 0, vec![passed("filter", 9, 9)]),
        ];
        let shown = samples(&slots, NOW);
        assert_eq!((shown.len(), shown[0], shown[23]), (24, (7, 0), (6, 3)));
        assert!(shown[1..23].iter().all(|sample| *sample == (0, 0)));
    }

    #[test]
    fn row_64_a_chart_has_a_lane_per_rule_then_rules_that_are_gone_and_what_was_refused_last() {
        let nodes = [node(1, Some([10, 0, 0, 4]), None), node(2, Some([10, 0, 0, 5]), None)];
        let filter = IpFilter::parse("198.51.100.0/24", 0).expect("a list");
        let components = [component("pg", 5432)];
        let around = Around {
            private: None,
            components: &components,
            peered: &[],
            filter: &filter,
            nodes: &nodes,
            integrations: &[],
        };
        let slots = [
            slot(Span::Day, 0, vec![passed("filter", 2, 80), passed(DROPPED, 3, 120)]),
            slot(Span::Day, 2, vec![passed("filter", 1, 40)]),
            slot(Span::Day, 287, vec![passed("sites", 5, 50), passed("filter", 1, 40)]),
            slot(Span::Day, 288, vec![passed("filter", 100, 100)]),
        ];
        let shown = lanes(&effective(&around), None, &slots, Span::Day, NOW);
        let lines: Vec<_> =
            shown.iter().map(|lane| (lane.number, lane.label.as_str(), lane.packets, lane.bytes)).collect();
        assert_eq!(
            lines,
            [
                (Some(1), "Other nodes of this service", 0, 0),
                (Some(2), "IP filter", 4, 160),
                (None, "sites, no rule any more", 5, 50),
                (Some(3), "Default deny", 3, 120),
            ]
        );
        let filter = &shown[1].bars;
        assert_eq!((filter.len(), filter[0], filter[95]), (96, 1, 3), "a bar holds three slots");
        assert!(shown[3].refused);
    }

    #[test]
    fn while_a_service_moves_a_node_is_drawn_by_the_firewall_of_its_place_and_the_service_by_both() {
        let service = crate::domain::service::fixtures::moving();
        let slots = [slot(Span::Day, 0, vec![passed("vpc-peerings", 3, 120), passed("filter", 2, 80)])];
        let lines = |node: Option<NodeId>| -> Vec<_> {
            let lanes = chart(&service, node, &slots, Span::Day, NOW);
            lanes.into_iter().map(|lane| (lane.number, lane.label, lane.packets)).collect()
        };
        let line = |number, label: &str, packets| (number, label.to_owned(), packets);
        let (members, peerings) = ("Other nodes of this service", "VPC peerings of the VPN gateway");
        let inside = [
            line(Some(1), members, 0),
            line(Some(2), peerings, 3),
            line(None, "filter, no rule any more", 2),
            line(Some(3), "Default deny", 0),
        ];
        assert_eq!(lines(Some(service.nodes[0].id)), inside);
        let outside = [
            line(Some(1), members, 0),
            line(Some(2), "IP filter", 2),
            line(None, "vpc-peerings, no rule any more", 3),
            line(Some(3), "Default deny", 0),
        ];
        assert_eq!(lines(Some(service.nodes[1].id)), outside);
        let both = [
            line(Some(1), members, 0),
            line(Some(2), peerings, 3),
            line(None, "IP filter, in Bergen", 2),
            line(Some(3), "Default deny", 0),
        ];
        assert_eq!(lines(None), both);
    }

    #[test]
    fn a_list_of_refused_attempts_is_narrowed_by_address_range_name_port_and_node() {
        let attempt = Attempt {
            node: NodeId::from_uuid(uuid::Uuid::from_u128(1)),
            node_name: "orders-1".parse().expect("a name"),
            from: [198, 51, 100, 7].into(),
            origin: Origin::Internet,
            port: 5432,
            component: Some("pg".parse().expect("a name")),
            packets: 3,
            first_at: NOW,
            last_at: NOW,
            cause: Cause::Deny { filtered: false },
        };
        for wanted in ["", "198.51.100.7", "198.51.100.0/24", "198.51", "Internet", "pg", "5432", "orders-1"] {
            assert!(attempt.matches(wanted), "{wanted}");
        }
        for wanted in ["198.51.100.8", "10.0.0.0/8", "alpha", "543", "orders-2"] {
            assert!(!attempt.matches(wanted), "{wanted}");
        }
    }
}
