use std::net::Ipv4Addr;

use leptos::prelude::*;

use super::{
    drawing::{Drawing, short},
    scale,
};
use crate::domain::Cidr;

/// The signature of this console: where a range lies, seen before it is read.
///
/// Above, a pointer on the whole private space. Below, the /16 that holds the range, with
/// its neighbours; what overlaps is red.
#[component]
pub fn RangeBar(
    own: Cidr,
    /// Everything else that is known. The range itself may be among it once.
    #[prop(optional, into)]
    others: Vec<Cidr>,
    /// Still being made: outlined.
    #[prop(optional)]
    moving: bool,
    /// An address to point at.
    #[prop(optional_no_strip, into)]
    at: Option<Ipv4Addr>,
    /// How wide it is drawn, in units of about a pixel: marks get no thinner than three of them.
    #[prop(default = 200.0)]
    width: f64,
) -> impl IntoView {
    let window = scale::window(own, 16);
    let clashes = clashes(own, &others);
    let label = match clashes.as_slice() {
        [] => format!("{own} in {window}"),
        some => {
            format!("{own} in {window}, overlaps {}", some.iter().map(Cidr::to_string).collect::<Vec<_>>().join(", "))
        }
    };
    view! {
        <svg
            class="range"
            data-state=moving.then_some("move")
            viewBox=format!("0 0 {width} 16")
            preserveAspectRatio="none"
            role="img"
            aria-label=label
            inner_html=draw(own, window, &others, &clashes, at, width)
        ></svg>
    }
}

/// What overlaps a range: everything that meets it, less one entry for the range itself.
fn clashes(own: Cidr, others: &[Cidr]) -> Vec<Cidr> {
    let mut found: Vec<Cidr> = others.iter().copied().filter(|other| other.overlaps(own)).collect();
    if let Some(itself) = found.iter().position(|other| *other == own) {
        found.remove(itself);
    }
    found
}

fn draw(own: Cidr, window: Cidr, others: &[Cidr], clashes: &[Cidr], at: Option<Ipv4Addr>, width: f64) -> String {
    let mut drawing = Drawing::default();
    for (_, block) in scale::BLOCKS {
        drawing.rect("rail", block.at * width, 2.0, block.length * width, 2.0);
    }
    if let Some(place) = scale::coarse(own) {
        let x = (place.at * width - 1.5).clamp(0.0, width - 3.0);
        drawing.rect("bug", x, 0.0, (place.length * width).max(3.0), 6.0);
    }
    drawing.rect("rail", 0.0, 9.0, width, 5.0);
    let others = others.iter().filter(|other| **other != own).filter_map(|other| scale::within(*other, window));
    for (from, to) in joined(others.map(|slice| marked(slice, width)).collect()) {
        drawing.rect("other", from, 9.0, to - from, 5.0);
    }
    if let Some(slice) = scale::within(own, window) {
        drawing.rect("self", slice.at * width, 9.0, (slice.length * width).max(3.0), 5.0);
    }
    if let Some(x) = at.and_then(|address| scale::point(address.into(), window)) {
        drawing.path("needle", &format!("M{} 8l-3.5 -5h7z", short(x * width)));
    }
    for clash in clashes {
        // Two ranges that overlap contain one another, so the smaller is what they share.
        let shared = if clash.size() < own.size() { *clash } else { own };
        if let Some(slice) = scale::within(shared, window) {
            drawing.rect("clash", slice.at * width, 7.0, (slice.length * width).max(4.0), 9.0);
        }
    }
    drawing.done()
}

/// From where to where a neighbour is drawn: with a gap before the next, but never too thin to be seen.
fn marked(slice: scale::Slice, width: f64) -> (f64, f64) {
    let from = slice.at * width;
    (from, from + (slice.length * width - 1.0).max(2.0))
}

/// Marks that run into each other as one: a list of 500 ranges would else hold 250 for every row.
fn joined(mut marks: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    marks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut all: Vec<(f64, f64)> = Vec::new();
    for (from, to) in marks {
        match all.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => all.push((from, to)),
        }
    }
    all
}

/// The header of a column of range bars: where 10, 172 and 192 begin.
#[component]
pub fn RangeAxis() -> impl IntoView {
    view! {
        <span class="axis" aria-hidden="true">
            <span>"10"</span>
            <span>"172"</span>
            <span>"192"</span>
        </span>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    fn cidr(text: &str) -> Cidr {
        text.parse().expect("a range")
    }

    #[test]
    fn an_overlap_is_drawn_and_said() {
        let html = html(
            || view! { <RangeBar own=cidr("10.16.24.0/21") others=vec![cidr("10.16.16.0/20"), cidr("10.20.0.0/16")]/> },
        );
        assert!(html.contains("10.16.24.0/21 in 10.16.0.0/16, overlaps 10.16.16.0/20"), "{html}");
        assert_eq!(html.matches(r#"class="clash""#).count(), 1, "{html}");
        assert_eq!(html.matches(r#"class="other""#).count(), 1, "{html}");
    }

    #[test]
    fn neighbours_too_thin_to_be_told_apart_are_drawn_as_one_and_others_are_not() {
        let dense: Vec<Cidr> = (1..=250).map(|third| cidr(&format!("10.16.{third}.0/24"))).collect();
        let html = html(move || view! { <RangeBar own=cidr("10.16.0.0/24") others=dense.clone()/> });
        assert_eq!(html.matches(r#"class="other""#).count(), 1, "{html}");
        assert_eq!(joined(vec![(5.0, 7.0), (0.0, 2.0), (6.0, 6.5), (7.5, 9.0)]), [(0.0, 2.0), (5.0, 7.0), (7.5, 9.0)]);
    }

    #[test]
    fn a_range_does_not_overlap_with_itself_but_with_its_twin() {
        let own = cidr("10.0.0.0/16");
        assert_eq!(clashes(own, &[own]), []);
        assert_eq!(clashes(own, &[own, own]), [own]);
    }
}
