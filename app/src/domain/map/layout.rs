//! Where everything lies. Lines leave a gateway in an order that makes none of them cross:
//! upwards the innermost lane first, downwards the outermost; a tunnel takes the innermost
//! lane that is free between its two gateways.
//!
//! Units are pixels at the width of 1024 that the drawings were designed for. What has no
//! room (a terminus too many, a tunnel beyond the last lane) is counted on the map and stands
//! in the table.

mod columns;
mod termini;
mod text;

use std::collections::BTreeMap;

use super::{
    Block, Facts, Heading, Map, Node, Note, People, Port, Said, Thing, Tunnel, TunnelFacts, VpcFacts, people_standing,
    said,
};
use crate::domain::{
    GatewayId, Timestamp,
    peering::PeeringState,
    standing::{Standing, Target},
};
use columns::Columns;
use text::{MONO, NAME, SANS, cut, letters, pair};

const WIDTH: f64 = 1024.0;
/// The baseline of a heading, and where what it heads begins.
const HEADING: f64 = 19.0;
/// From this many VPCs on a block is one line.
const MANY: usize = 40;
/// Between two lines at a gateway.
const STEP: f64 = 9.0;
const INDEX_ROW: f64 = 21.0;
/// Before the names in the index stands the number.
const NUMBER: f64 = 25.0;
/// The index always has room for so many; more if the map is taller.
const INDEX_LEAST: usize = 40;
const MOST_LANES: usize = 14;
/// As many people have a pip each.
const MOST_PIPS: usize = 9;
/// From a VPC to what hangs on it.
const SPAN: f64 = 76.0;

/// What a row of the map needs to know about itself.
struct Line<'a> {
    facts: &'a VpcFacts<'a>,
    y: f64,
    height: f64,
}

impl Line<'_> {
    fn middle(&self) -> f64 {
        self.y + self.height / 2.0
    }
}

/// A tunnel that is drawn: which rows it joins (`from` above `to`), and in which lane.
struct Drawn {
    fact: usize,
    from: usize,
    to: usize,
    lane: usize,
    from_y: f64,
    to_y: f64,
}

pub(super) fn draw(facts: &Facts<'_>, now: Timestamp) -> Map {
    let mut map = Map { width: WIDTH, ..Map::default() };
    if facts.vpcs.is_empty() {
        return map;
    }
    let flat = facts.vpcs.len() >= MANY;
    let groups = grouped(facts);
    let order: Vec<&VpcFacts<'_>> = groups.iter().flat_map(|(_, vpcs)| vpcs.iter().copied()).collect();
    let (mut drawn, undrawn) = lanes(facts, &order);
    let (lines, headings, height) = rows(&groups, &drawn, flat);
    spread(&lines, &mut drawn);
    let columns = Columns::of(facts, &drawn, &lines, flat, now);
    map.width = columns.width;
    for (text, y) in headings {
        map.headings.push(Heading { text, from: columns.vpc, to: columns.width, y });
    }
    tunnels(&mut map, facts, &lines, &drawn, &columns, now);
    for line in &lines {
        vpc(&mut map, line, &columns, &drawn, flat, now);
    }
    if let Some(first) = map.people.first() {
        // Beside the place where the first of them are.
        let y = map.headings.iter().map(|heading| heading.y).filter(|y| *y < first.y).fold(0.0, f64::max);
        map.headings.push(Heading {
            text: "People connected".to_owned(),
            from: columns.people_from,
            to: columns.people,
            y,
        });
    }
    let index = HEADING + 8.0 + INDEX_ROW * map.tunnels.len() as f64;
    map.height = height.max(if map.tunnels.is_empty() { 0.0 } else { index });
    if undrawn > 0 {
        let text = format!("{undrawn} more in the table");
        map.notes.push(Note { x: 0.0, y: index + 12.0, text });
        map.height = map.height.max(index + 18.0);
    }
    map
}

/// Places by their first address; in each, VPCs by address.
fn grouped<'a>(facts: &'a Facts<'a>) -> Vec<(&'a str, Vec<&'a VpcFacts<'a>>)> {
    let mut groups: Vec<(&str, Vec<&VpcFacts<'_>>)> = Vec::new();
    for vpc in &facts.vpcs {
        match groups.iter_mut().find(|(_, vpcs)| vpcs[0].vpc.cloud == vpc.vpc.cloud) {
            Some((_, vpcs)) => vpcs.push(vpc),
            None => groups.push((&vpc.vpc.place, vec![vpc])),
        }
    }
    groups
}

/// Which lane each tunnel takes. Worst first, then short ones; what finds no lane is left out and counted.
fn lanes(facts: &Facts<'_>, order: &[&VpcFacts<'_>]) -> (Vec<Drawn>, usize) {
    let at: BTreeMap<GatewayId, usize> =
        order.iter().enumerate().filter_map(|(row, vpc)| Some((vpc.gateway?.id, row))).collect();
    let mut wanted: Vec<(usize, usize, usize)> = Vec::new();
    for (fact, tunnel) in facts.tunnels.iter().enumerate() {
        let [a, b] = &tunnel.peering.sides;
        if let (Some(a), Some(b)) = (at.get(&a.gateway), at.get(&b.gateway)) {
            wanted.push((fact, *a.min(b), *a.max(b)));
        }
    }
    let known = wanted.len();
    // If not all fit the index, the ones that need somebody do.
    let room = INDEX_LEAST.max(order.len());
    wanted.sort_by_key(|(fact, from, to)| (facts.tunnels[*fact].standing, to - from, *from, *fact));
    wanted.truncate(room);
    wanted.sort_by_key(|(fact, from, to)| (to - from, *from, *fact));
    let mut taken: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut drawn = Vec::new();
    for (fact, from, to) in wanted {
        let free = |spans: &Vec<(usize, usize)>| !spans.iter().any(|(a, b)| *a < to && from < *b);
        let lane = taken.iter().position(free).unwrap_or(taken.len());
        if lane == MOST_LANES {
            continue;
        }
        if lane == taken.len() {
            taken.push(Vec::new());
        }
        taken[lane].push((from, to));
        drawn.push(Drawn { fact, from, to, lane, from_y: 0.0, to_y: 0.0 });
    }
    // The index reads downwards as the map does.
    drawn.sort_by_key(|tunnel| (tunnel.from, tunnel.to, tunnel.fact));
    let undrawn = known - drawn.len();
    (drawn, undrawn)
}

/// How many lines a row's gateway has.
fn lines_at(row: usize, vpc: &VpcFacts<'_>, drawn: &[Drawn]) -> usize {
    drawn.iter().filter(|tunnel| tunnel.from == row || tunnel.to == row).count() + usize::from(vpc.people.is_some())
}

/// The height of every row, from top to bottom.
fn rows<'a>(
    groups: &[(&'a str, Vec<&'a VpcFacts<'a>>)],
    drawn: &[Drawn],
    flat: bool,
) -> (Vec<Line<'a>>, Vec<(String, f64)>, f64) {
    let (mut lines, mut headings) = (Vec::new(), Vec::new());
    let (least, gap) = if flat { (20.0, 5.0) } else { (33.0, 7.0) };
    let mut y = 0.0;
    for (place, vpcs) in groups {
        headings.push((heading(place, vpcs), y));
        y += HEADING;
        for facts in vpcs {
            let at_gateway = lines_at(lines.len(), facts, drawn).saturating_sub(1) as f64 * STEP + 18.0;
            let height = f64::max(least, at_gateway).max(termini::height(facts.beyond.len(), flat));
            lines.push(Line { facts, y, height });
            y += height + gap;
        }
        y += 4.0;
    }
    (lines, headings, y - 4.0)
}

/// A place, and whether a look-alike answers for its cloud.
fn heading(place: &str, vpcs: &[&VpcFacts<'_>]) -> String {
    match vpcs.iter().filter(|facts| facts.vpc.simulated).count() {
        0 => place.to_owned(),
        count if count == vpcs.len() => format!("{place} (simulated)"),
        _ => format!("{place} (partly simulated)"),
    }
}

/// Gives each line its place at its gateway: those from above, the people, those from below.
fn spread(lines: &[Line<'_>], drawn: &mut [Drawn]) {
    for (row, line) in lines.iter().enumerate() {
        let (up, down) = order_at(row, drawn);
        let people = line.facts.people.is_some();
        for (place, tunnel) in up.iter().enumerate() {
            drawn[*tunnel].to_y = place_at(line, lines_at(row, line.facts, drawn), place);
        }
        for (place, tunnel) in down.iter().enumerate() {
            let place = up.len() + usize::from(people) + place;
            drawn[*tunnel].from_y = place_at(line, lines_at(row, line.facts, drawn), place);
        }
    }
}

fn order_at(row: usize, drawn: &[Drawn]) -> (Vec<usize>, Vec<usize>) {
    let mut up: Vec<usize> = (0..drawn.len()).filter(|at| drawn[*at].to == row).collect();
    up.sort_by_key(|at| drawn[*at].lane);
    let mut down: Vec<usize> = (0..drawn.len()).filter(|at| drawn[*at].from == row).collect();
    down.sort_by_key(|at| std::cmp::Reverse(drawn[*at].lane));
    (up, down)
}

fn place_at(line: &Line<'_>, count: usize, place: usize) -> f64 {
    line.middle() + (place as f64 - (count - 1) as f64 / 2.0) * STEP
}

fn tunnels(map: &mut Map, facts: &Facts<'_>, lines: &[Line<'_>], drawn: &[Drawn], columns: &Columns, now: Timestamp) {
    if drawn.is_empty() {
        return;
    }
    map.headings.push(Heading { text: "Tunnels".to_owned(), from: 0.0, to: columns.index, y: 0.0 });
    let heaviest = drawn.iter().filter_map(|tunnel| facts.tunnels[tunnel.fact].traffic).max().unwrap_or(0).max(1);
    let mut bullets: Vec<(f64, f64)> = Vec::new();
    for (at, tunnel) in drawn.iter().enumerate() {
        let fact = &facts.tunnels[tunnel.fact];
        let [a, b] = &fact.peering.sides;
        let state = said(fact.peering, now);
        let carried = carried(fact);
        let share = carried.unwrap_or(0) as f64 / heaviest as f64;
        let x = columns.lane_x(tunnel.lane);
        let bullet_y = bullet(x, tunnel, drawn, lines, columns, &bullets);
        bullets.push((x, bullet_y));
        // What is right needs no word.
        let words = if fact.standing == Standing::AsAsked { String::new() } else { state.clone() };
        let room = columns.index - NUMBER - 8.0 - said_width(fact, now);
        map.tunnels.push(Tunnel {
            thing: Thing {
                node: Node::Peering(fact.peering.id),
                standing: fact.standing,
                target: Target::Peering(fact.peering.id, a.gateway),
                title: format!("VPC peering {} – {}: {state}", a.vpc_name, b.vpc_name),
            },
            number: at + 1,
            gateway_x: columns.gateway,
            lane_x: x,
            from_y: tunnel.from_y,
            to_y: tunnel.to_y,
            // The square root: a line ten times as thick would hide the map.
            weight: 3.6 + 2.4 * share.sqrt(),
            bullet_y,
            cut_x: (fact.standing == Standing::Failed).then_some((x + columns.gateway) / 2.0),
            name: pair(a.vpc_name.as_str(), b.vpc_name.as_str(), letters(room, MONO)),
            said: carried.map_or(Said::Words(words), Said::Traffic),
            index_x: columns.index,
            index_y: HEADING + 8.0 + at as f64 * INDEX_ROW,
        });
    }
}

/// What an established tunnel has carried: of any other it is history.
fn carried(fact: &TunnelFacts<'_>) -> Option<u64> {
    fact.traffic.filter(|bytes| *bytes > 0 && fact.peering.state == PeeringState::Established)
}

/// The room that the end of an entry of the index takes.
fn said_width(fact: &TunnelFacts<'_>, now: Timestamp) -> f64 {
    match carried(fact) {
        Some(_) => 8.0 * MONO,
        None if fact.standing == Standing::AsAsked => 0.0,
        None => said(fact.peering, now).chars().count() as f64 * SANS,
    }
}

/// A height for a tunnel's number where nothing else is: no other number, and no line that passes.
fn bullet(
    x: f64,
    tunnel: &Drawn,
    drawn: &[Drawn],
    lines: &[Line<'_>],
    columns: &Columns,
    others: &[(f64, f64)],
) -> f64 {
    let passing: Vec<f64> = drawn
        .iter()
        .filter(|other| columns.lane_x(other.lane) < x)
        .flat_map(|other| [other.from_y, other.to_y])
        .chain(
            lines
                .iter()
                .enumerate()
                .filter(|(_, line)| line.facts.people.is_some())
                .map(|(row, line)| people_y(row, line, drawn)),
        )
        .collect();
    let length = tunnel.to_y - tunnel.from_y;
    let clear = |y: &f64| {
        let apart = others.iter().all(|(other_x, other_y)| (other_x - x).abs() >= 18.0 || (other_y - y).abs() >= 18.0);
        apart
            && passing.iter().all(|line| (line - y).abs() >= 12.0)
            && y - tunnel.from_y >= 17.0
            && tunnel.to_y - y >= 17.0
    };
    let fractions = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.45, 0.55, 0.35, 0.65, 0.25, 0.75, 0.15, 0.85];
    let middle = tunnel.from_y + length * 0.5;
    fractions.into_iter().map(|share| tunnel.from_y + length * share).find(clear).unwrap_or(middle)
}

/// Where the people's line meets its gateway: below the lines that come from above.
fn people_y(row: usize, line: &Line<'_>, drawn: &[Drawn]) -> f64 {
    place_at(line, lines_at(row, line.facts, drawn), order_at(row, drawn).0.len())
}

fn vpc(map: &mut Map, line: &Line<'_>, columns: &Columns, drawn: &[Drawn], flat: bool, now: Timestamp) {
    let facts = line.facts;
    let (vpc, row) = (facts.vpc, map.vpcs.len());
    let word = if vpc.standing() == Standing::AsAsked { "" } else { vpc.state.word() };
    let beside = word.chars().count() as f64 * SANS + if flat { 19.0 * MONO } else { 0.0 };
    map.vpcs.push(Block {
        thing: Thing {
            node: Node::Vpc(vpc.id),
            standing: vpc.standing(),
            target: Target::Vpc(vpc.id),
            title: format!("VPC {}, {}, {}: {}", vpc.name, vpc.cidr, vpc.place, vpc.state.word()),
        },
        x: columns.vpc,
        y: line.y,
        width: columns.vpc_end - columns.vpc,
        height: line.height,
        name: cut(vpc.name.as_str(), letters(columns.vpc_end - columns.vpc - 22.0 - beside, NAME)),
        range: vpc.cidr.to_string(),
        said: word.to_owned(),
        flat,
    });
    termini::draw(map, line, columns, flat, now);
    let Some(gateway) = facts.gateway else { return };
    let count = lines_at(row, facts, drawn);
    map.gateways.push(Port {
        thing: Thing {
            node: Node::Gateway(gateway.id),
            standing: gateway.standing(),
            target: Target::Gateway(gateway.id),
            title: format!("VPN gateway {}: {}, {}", gateway.name, gateway.status.word(), gateway.sync.word()),
        },
        x: columns.gateway,
        y: line.middle(),
        half: count.saturating_sub(1) as f64 * STEP / 2.0,
        vpc_x: columns.vpc,
        name: cut(gateway.name.as_str(), letters(columns.vpc - columns.gateway - 16.0, MONO)),
    });
    if let Some((connected, all)) = facts.people {
        let standing = people_standing(connected.unwrap_or(0));
        let title = match connected {
            Some(connected) => format!("{connected} of {all} people connected to {}", gateway.name),
            None => format!("{all} people of {}, which does not answer", gateway.name),
        };
        let thing = Thing { node: Node::People(gateway.id), standing, target: Target::Gateway(gateway.id), title };
        map.people.push(People {
            thing,
            x: columns.people,
            gateway_x: columns.gateway,
            y: people_y(row, line, drawn),
            connected,
            all,
        });
    }
}
