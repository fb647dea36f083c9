//! How wide each column is: as its longest entry needs, within bounds.

use super::{Drawn, Line, MONO, MOST_PIPS, NUMBER, SPAN, WIDTH, said_width, termini};
use crate::domain::{Timestamp, map::Facts};

/// Where each column begins; columns that hold nothing take no room.
pub(super) struct Columns {
    pub width: f64,
    pub index: f64,
    pub people_from: f64,
    pub people: f64,
    /// The innermost lane, and the distance to the next.
    pub lane: f64,
    pub pitch: f64,
    pub gateway: f64,
    pub vpc: f64,
    pub vpc_end: f64,
    pub terminus: f64,
    /// How long the text beyond a terminus may be.
    pub beyond_text: f64,
}

impl Columns {
    pub fn of(facts: &Facts<'_>, drawn: &[Drawn], lines: &[Line<'_>], flat: bool, now: Timestamp) -> Self {
        let beyond = lines.iter().flat_map(|line| &line.facts.beyond);
        let wanted = beyond.map(|one| one.wanted(flat, now)).reduce(f64::max);
        let beyond = wanted.is_some();
        let beyond_text = wanted.unwrap_or(0.0).clamp(184.0, 330.0);
        let people = lines.iter().filter_map(|line| line.facts.people).map(|(_, all)| all).max();
        let gateways = lines.iter().any(|line| line.facts.gateway.is_some());
        let lanes = drawn.iter().map(|tunnel| tunnel.lane + 1).max().unwrap_or(0);
        let pitch = match lanes {
            0..=3 => 26.0,
            4..=6 => 21.0,
            _ => 17.0,
        };
        let longest = drawn.iter().map(|tunnel| {
            let fact = &facts.tunnels[tunnel.fact];
            let [a, b] = &fact.peering.sides;
            let names = a.vpc_name.as_str().len() + b.vpc_name.as_str().len() + 3;
            NUMBER + names as f64 * MONO + 10.0 + said_width(fact, now)
        });
        let index = match longest.reduce(f64::max) {
            None => 0.0,
            Some(longest) => longest.clamp(180.0, if beyond { 236.0 } else { 300.0 }),
        };
        let mut x = index;
        let people_from = if index > 0.0 { x + 28.0 } else { 0.0 };
        if let Some(most) = people {
            let digits = 2 * most.to_string().len() + 1;
            let pips = most.min(MOST_PIPS) as f64 * 9.0;
            x = people_from + (digits as f64 * MONO + 20.0 + pips).max(104.0);
        }
        let people = x;
        let lane = if lanes == 0 { x } else { x + 30.0 + (lanes - 1) as f64 * pitch };
        let gateway = if !gateways {
            0.0
        } else if lanes > 0 {
            lane + 34.0
        } else if people > 0.0 {
            x + 60.0
        } else {
            6.0
        };
        let names = lines.iter().filter_map(|line| line.facts.gateway).map(|gateway| gateway.name.as_str().len());
        let vpc = match names.max() {
            None => 0.0,
            Some(longest) => gateway + (longest as f64 * MONO + 20.0).clamp(88.0, if beyond { 112.0 } else { 176.0 }),
        };
        let vpc_width = if beyond { 172.0 } else { 232.0 };
        let needed = if beyond { vpc + vpc_width + SPAN + termini::TEXT + beyond_text } else { vpc + vpc_width };
        let width = needed.max(WIDTH);
        // What is left over makes the lines longer, up to where they stop being lines.
        let slack = if lanes > 0 || people > 0.0 { (width - needed).min(120.0) } else { 0.0 };
        let vpc = vpc + slack;
        let vpc_end = vpc + vpc_width;
        Self {
            width,
            index,
            people_from,
            people,
            lane: lane + slack,
            pitch,
            gateway: gateway + slack,
            vpc,
            vpc_end,
            terminus: vpc_end + SPAN,
            beyond_text,
        }
    }

    pub fn lane_x(&self, lane: usize) -> f64 {
        self.lane - lane as f64 * self.pitch
    }
}
