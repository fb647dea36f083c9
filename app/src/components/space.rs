use std::collections::BTreeSet;

use leptos::prelude::*;

use super::{
    drawing::{Drawing, short},
    legend::{Key, legend},
    scale,
};
use crate::domain::Cidr;

const WIDTH: f64 = 1024.0;
/// Cells narrower than this say nothing; further blocks are counted instead.
const MOST_CELLS: usize = 12;

/// What a range on the strip is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    Vpc,
    Tunnel,
    /// Someone else's: a peer network, a site.
    Peer,
}

/// A range on the strip, with the name of its owner.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub range: Cidr,
    pub name: String,
    pub holding: Holding,
}

impl Held {
    pub fn new(range: Cidr, name: impl Into<String>, holding: Holding) -> Self {
        Self { range, name: name.into(), holding }
    }
}

/// The private address space: a coarse strip, a fan of lens lines, and a cell for each /16 in use. Overlaps are red.
/// Scrolls in its own frame where it has no room.
#[component]
pub fn Space(#[prop(into)] held: Vec<Held>) -> impl IntoView {
    let mut blocks = blocks(&held);
    let hidden = blocks.len().saturating_sub(MOST_CELLS);
    blocks.truncate(MOST_CELLS);
    let clashes = clashes(&held);
    let label = describe(&held, blocks.len() + hidden, &clashes);
    let high = if blocks.is_empty() { 36 } else { 136 };
    view! {
        <div class="topology-scroll" tabindex="0" role="group" aria-label="Address space, scrolls">
            <svg
                class="space"
                viewBox=format!("0 0 {WIDTH} {high}")
                role="img"
                aria-label=label
                inner_html=draw(&held, &blocks, &clashes)
            ></svg>
        </div>
        {(hidden > 0).then(|| view! { <p class="quiet">{format!("{hidden} more blocks are in use.")}</p> })}
    }
}

/// What the colours of [`Space`] mean; only those that it shows.
#[component]
pub fn SpaceLegend(#[prop(into)] held: Vec<Held>) -> impl IntoView {
    let has = |holding: Holding| held.iter().any(|held| held.holding == holding);
    let keys = [
        (has(Holding::Vpc), "self", "VPC"),
        (has(Holding::Tunnel), "tunnel", "Tunnel subnet"),
        (has(Holding::Peer), "peer", "Site or planned"),
        (!clashes(&held).is_empty(), "clash", "Overlap"),
    ];
    let key = |class| format!(r#"<rect class="{class}" x="1" y="1" width="18" height="10"/>"#);
    let shown = keys.into_iter().filter(|(shown, ..)| *shown);
    legend("space", shown.map(|(_, class, word)| Key { tone: None, inside: key(class), word }).collect())
}

/// The /16s that hold something; a range wider than that counts by its first block.
fn blocks(held: &[Held]) -> Vec<Cidr> {
    let private = held.iter().filter(|held| scale::coarse(held.range).is_some());
    private.filter_map(|held| Cidr::around(held.range.network(), 16)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is held twice: of each two that overlap, the smaller.
fn clashes(held: &[Held]) -> Vec<Cidr> {
    let mut by_start: Vec<Cidr> = held.iter().map(|held| held.range).collect();
    by_start.sort();
    let mut found = BTreeSet::new();
    let mut widest: Option<Cidr> = None;
    for range in by_start {
        match widest {
            Some(open) if open.overlaps(range) => {
                found.insert(range);
            }
            _ => widest = Some(range),
        }
    }
    found.into_iter().collect()
}

fn describe(held: &[Held], blocks: usize, clashes: &[Cidr]) -> String {
    if held.is_empty() {
        return "The private address space, empty".to_owned();
    }
    let count = |holding| held.iter().filter(|held| held.holding == holding).count();
    let (vpcs, tunnels, peers) = (count(Holding::Vpc), count(Holding::Tunnel), count(Holding::Peer));
    let overlaps = match clashes {
        [] => "No overlap".to_owned(),
        some => format!("Overlaps at {}", some.iter().map(Cidr::to_string).collect::<Vec<_>>().join(", ")),
    };
    let some = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let (vpcs, blocks) = (some(vpcs, "VPC", "VPCs"), some(blocks, "block", "blocks"));
    let (tunnels, peers) =
        (some(tunnels, "tunnel subnet", "tunnel subnets"), some(peers, "other network", "other networks"));
    format!("The private address space: {vpcs}, {tunnels} and {peers} in {blocks} of /16. {overlaps}.")
}

fn draw(held: &[Held], blocks: &[Cidr], clashes: &[Cidr]) -> String {
    let mut drawing = Drawing::default();
    strip(&mut drawing, held, clashes);
    let pitch = WIDTH / blocks.len().max(4) as f64;
    for (i, block) in blocks.iter().enumerate() {
        cell(&mut drawing, *block, i as f64 * pitch, pitch - 12.0, held, clashes);
    }
    drawing.done()
}

const TOP: f64 = 16.0;
const HIGH: f64 = 14.0;

/// The coarse line, with its scale.
fn strip(drawing: &mut Drawing, held: &[Held], clashes: &[Cidr]) {
    for (block, place) in scale::BLOCKS {
        drawing.rect("rail", place.at * WIDTH, TOP, place.length * WIDTH, HIGH);
        drawing.text("name", place.at * WIDTH, 10.0, &block.to_string());
    }
    for tenth in (32..=224).step_by(32) {
        let x = f64::from(tenth) / 256.0 * scale::BLOCKS[0].1.length * WIDTH;
        drawing.rect("tick", x, TOP, 1.0, 4.0);
        // The first would touch the block's own name.
        if tenth > 32 {
            drawing.text("mid", x, 10.0, &format!("10.{tenth}"));
        }
    }
    for (holding, class, inset) in
        [(Holding::Peer, "peer", 0.0), (Holding::Tunnel, "tunnel", 2.0), (Holding::Vpc, "self", 0.0)]
    {
        for place in held.iter().filter(|held| held.holding == holding).filter_map(|held| scale::coarse(held.range)) {
            drawing.rect(class, place.at * WIDTH, TOP + inset, (place.length * WIDTH).max(3.0), HIGH - 2.0 * inset);
        }
    }
    for place in clashes.iter().filter_map(|range| scale::coarse(*range)) {
        drawing.rect("clash", place.at * WIDTH, TOP - 3.0, (place.length * WIDTH).max(3.0), HIGH + 6.0);
    }
}

/// One /16 in use, under the lens.
fn cell(drawing: &mut Drawing, block: Cidr, x: f64, width: f64, held: &[Held], clashes: &[Cidr]) {
    const LINE: f64 = 74.0;
    const THICK: f64 = 16.0;
    let Some(place) = scale::coarse(block) else { return };
    let (left, right) = (short(place.at * WIDTH), short(place.at * WIDTH + (place.length * WIDTH).max(2.0)));
    let (near, far, bottom) = (short(x), short(x + width), TOP + HIGH);
    drawing.path("lens-fill", &format!("M{left} {bottom}L{near} {LINE}H{far}L{right} {bottom}Z"));
    drawing.path("lens", &format!("M{left} {bottom}L{near} {LINE}M{right} {bottom}L{far} {LINE}"));
    drawing.rect("rail", x, LINE, width, THICK);
    let mut used = 0.0;
    for (holding, class, inset) in
        [(Holding::Peer, "peer", 0.0), (Holding::Tunnel, "tunnel", 3.0), (Holding::Vpc, "self", 0.0)]
    {
        for slice in
            held.iter().filter(|held| held.holding == holding).filter_map(|held| scale::within(held.range, block))
        {
            // Neighbours are told apart by a sliver of paper, unless there is no room for one.
            let gap = if slice.length < 0.2 { 0.8 } else { 0.0 };
            drawing.rect(
                class,
                x + slice.at * width,
                LINE + inset,
                (slice.length * width - gap).max(2.5),
                THICK - 2.0 * inset,
            );
            if holding != Holding::Peer {
                used += slice.length;
            }
        }
    }
    for slice in clashes.iter().filter_map(|range| scale::within(*range, block)) {
        drawing.rect("clash", x + slice.at * width, LINE - 3.0, (slice.length * width).max(3.0), THICK + 6.0);
    }
    drawing.text("name", x, LINE + THICK + 15.0, &scale::title(block));
    drawing.text("end", x + width, LINE + THICK + 15.0, &percent(used));
    let mut here: Vec<&Held> = held.iter().filter(|held| block.overlaps(held.range)).collect();
    here.sort_by_key(|held| (held.holding != Holding::Vpc, held.range));
    here.dedup_by(|a, b| a.name == b.name);
    for (i, held) in here.into_iter().take(2).enumerate() {
        let class = if clashes.contains(&held.range) { "bad" } else { "" };
        drawing.text(class, x, LINE + THICK + 30.0 + 14.0 * i as f64, &clipped(&held.name, width));
    }
}

fn percent(used: f64) -> String {
    match used {
        u if u >= 0.995 => "100 %".to_owned(),
        u if u <= 0.0 => "0 %".to_owned(),
        u if u < 0.01 => "<1 %".to_owned(),
        u => format!("{:.0} %", u * 100.0),
    }
}

/// As much of a name as its cell has room for, at about seven units a letter.
fn clipped(name: &str, width: f64) -> String {
    let room = (width / 6.7).floor().max(4.0) as usize;
    if name.chars().count() <= room {
        return name.to_owned();
    }
    let mut text: String = name.chars().take(room - 1).collect();
    text.push('…');
    text
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    fn held(range: &str, name: &str, holding: Holding) -> Held {
        Held::new(range.parse().expect("a range"), name, holding)
    }

    #[test]
    fn overlaps_are_counted_and_said() {
        let all = vec![
            held("10.64.0.0/24", "archive-fra", Holding::Vpc),
            held("10.64.0.0/22", "corp-backbone", Holding::Peer),
            held("10.200.1.0/24", "gw-oslo", Holding::Tunnel),
        ];
        let html = html(|| view! { <Space held=all/> });
        assert!(
            html.contains("1 VPC, 1 tunnel subnet and 1 other network in 2 blocks of /16. Overlaps at 10.64.0.0/24."),
            "{html}"
        );
        assert!(html.contains(r#"class="bad""#) && html.contains("archive-fra"), "{html}");
    }

    #[test]
    fn the_legend_has_a_key_for_what_is_there_and_for_nothing_else() {
        let words = |held: Vec<Held>| {
            let html = html(|| view! { <SpaceLegend held/> });
            ["VPC", "Tunnel subnet", "Site or planned", "Overlap"].map(|word| html.contains(word))
        };
        let mut all = vec![held("10.64.0.0/24", "alpha", Holding::Vpc), held("10.200.1.0/24", "gw", Holding::Tunnel)];
        assert_eq!(words(all.clone()), [true, true, false, false]);
        all.push(held("10.64.0.0/22", "corp-backbone", Holding::Peer));
        assert_eq!(words(all), [true; 4]);
    }

    #[test]
    fn an_empty_space_is_drawn_too() {
        let html = html(|| view! { <Space held=vec![]/> });
        assert!(html.contains("0 0 1024 36") && html.contains("192.168.0.0/16"), "{html}");
    }

    #[test]
    fn a_name_with_markup_stays_a_name() {
        let html = html(|| view! { <Space held=vec![held("10.0.0.0/16", "<b>", Holding::Vpc)]/> });
        assert!(html.contains("&lt;b>") && !html.contains("<b>"), "{html}");
    }
}
