//! What hangs on a VPC: a site, or a network on the far side of a peering connection.

use super::{CLOUD, CUT, cased, cross};
use crate::{
    components::{
        drawing::{Drawing, short},
        scale,
    },
    domain::{map::Terminus, standing::Standing},
};

/// `tunnel`: WireGuard leads there, and not the cloud's own peering.
pub(super) fn terminus(drawing: &mut Drawing, one: &Terminus, tunnel: bool) {
    let (x, y) = (one.x, one.y);
    // Where no packet arrives, the line ends in a ring.
    let end = if one.simulated { x - RING } else { x };
    let (from, level, to) = (short(one.from_x), short(y), short(end));
    let middle = (one.from_x + end) / 2.0;
    let standing = one.thing.standing;
    let weight = if tunnel { 2.8 } else { CLOUD };
    if matches!(standing, Standing::Failed | Standing::Off) {
        let d = format!("M{from} {level}H{}M{} {level}H{to}", short(middle - CUT), short(middle + CUT));
        cased(drawing, &d, weight, false);
        if standing == Standing::Failed {
            cross(drawing, middle, y);
        }
    } else {
        let up = tunnel && standing == Standing::AsAsked;
        cased(drawing, &format!("M{from} {level}H{to}"), if tunnel { 3.6 } else { CLOUD }, up);
    }
    if one.simulated {
        drawing.circle("bullet", x, y, RING);
    } else {
        drawing.line("term", (x, y - 6.0), (x, y + 6.0));
    }
    let (first, second) = if one.flat { (y + 4.0, None) } else { (y - 2.0, Some(y + 11.5)) };
    drawing.text("peer", one.text_x, first, &one.name);
    if !one.said.is_empty() {
        drawing.text("end said", one.text_end, first, &one.said);
    } else if one.flat && !tunnel {
        drawing.text("end", one.text_end, first, &one.networks);
    }
    if let Some(second) = second {
        let parts = [&one.owner, &one.networks].into_iter().filter(|part| !part.is_empty());
        drawing.text("", one.text_x, second, &parts.map(String::as_str).collect::<Vec<_>>().join(" "));
        ranges(drawing, one, second - 4.0);
    }
}

/// Half of a ring's width.
const RING: f64 = 5.0;

/// Where its ranges lie in the whole private space: the coarse line of every range bar.
fn ranges(drawing: &mut Drawing, one: &Terminus, y: f64) {
    const LONG: f64 = 56.0;
    let left = one.text_end - LONG;
    let places: Vec<_> = one.ranges.iter().filter_map(|range| scale::coarse(*range)).collect();
    if places.is_empty() {
        return;
    }
    for (_, block) in scale::BLOCKS {
        drawing.rect("rail", left + block.at * LONG, y - 1.0, block.length * LONG, 2.0);
    }
    for place in places {
        let x = (place.at * LONG - 1.5).clamp(0.0, LONG - 3.0);
        drawing.rect("slice", left + x, y - 3.0, (place.length * LONG).max(3.0), 6.0);
    }
}
