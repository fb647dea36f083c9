use std::net::Ipv4Addr;

use leptos::prelude::*;

use super::{
    drawing::{Drawing, short},
    scale,
};
use crate::domain::Cidr;

const WIDTH: f64 = 440.0;
/// How wide a letter of the axis is, in mono.
const LETTER: f64 = 6.6;

/// Under the input of a range: where it would lie, what is there already, and which ranges near it are free.
///
/// Follows the typing. Draws the whole private space, and through a lens the block of eight
/// times the range's size around it. Suggestions are numbered as in the list below it.
#[component]
pub fn Lens(
    /// What is typed, once it is a range.
    #[prop(into)]
    own: Signal<Option<Cidr>>,
    /// What is known, with a name for each.
    #[prop(into)]
    known: Signal<Vec<(Cidr, String)>>,
    /// Free ranges that are offered, in the order of their numbers.
    #[prop(optional, into)]
    free: Signal<Vec<Cidr>>,
) -> impl IntoView {
    let label = move || own.with(|own| known.with(|known| describe(*own, known)));
    let drawing = move || own.with(|own| known.with(|known| free.with(|free| draw(*own, known, free))));
    // Without a range there is nothing below the upper line.
    let seen = move || own.with(|own| if drawn(*own).is_some() { "0 0 440 98" } else { "0 0 440 27" });
    view! { <svg class="space" viewBox=seen role="img" aria-label=label inner_html=drawing></svg> }
}

fn describe(own: Option<Cidr>, known: &[(Cidr, String)]) -> String {
    let Some(own) = own else { return "The private address space, with what is in use".to_owned() };
    let met: Vec<String> =
        known.iter().filter(|(range, _)| range.overlaps(own)).map(|(range, name)| format!("{name}, {range}")).collect();
    if met.is_empty() { format!("{own} is free") } else { format!("{own} overlaps {}", met.join("; ")) }
}

/// A range of the private space, and its place there.
fn drawn(own: Option<Cidr>) -> Option<(Cidr, scale::Slice)> {
    own.and_then(|own| scale::coarse(own).map(|place| (own, place)))
}

fn draw(own: Option<Cidr>, known: &[(Cidr, String)], free: &[Cidr]) -> String {
    let mut drawing = Drawing::default();
    for ((_, block), name) in scale::BLOCKS.into_iter().zip(["10.0.0.0/8", "172.16/12", "192.168"]) {
        drawing.text("name", block.at * WIDTH, 10.0, name);
        drawing.rect("rail", block.at * WIDTH, 16.0, block.length * WIDTH, 10.0);
    }
    for place in known.iter().filter_map(|(range, _)| scale::coarse(*range)) {
        drawing.rect("other", place.at * WIDTH, 16.0, (place.length * WIDTH).max(3.0), 10.0);
    }
    let Some((own, place)) = drawn(own) else { return drawing.done() };
    let taken = known.iter().any(|(range, _)| range.overlaps(own));
    let (x, thick) = (place.at * WIDTH, (place.length * WIDTH).max(3.0));
    drawing.rect(if taken { "clash" } else { "bug" }, x - 0.5, 13.0, thick + 1.0, 16.0);
    let (left, right) = (short(x), short(x + thick));
    drawing.path("lens-fill", &format!("M{left} 29L0 58H{WIDTH}L{right} 29Z"));
    drawing.path("lens", &format!("M{left} 29L0 58M{right} 29L{WIDTH} 58"));
    inside(&mut drawing, own, taken, known, free);
    drawing.done()
}

/// The lower line: the block around the range.
fn inside(drawing: &mut Drawing, own: Cidr, taken: bool, known: &[(Cidr, String)], free: &[Cidr]) {
    const TOP: f64 = 58.0;
    const HIGH: f64 = 24.0;
    let block = scale::BLOCKS.into_iter().find(|(block, _)| block.covers(own)).map_or(0, |(block, _)| block.prefix());
    let window = scale::window(own, own.prefix().saturating_sub(3).max(block));
    drawing.rect("rail", 0.0, TOP, WIDTH, HIGH);
    for (range, name) in known {
        let Some(slice) = scale::within(*range, window) else { continue };
        let (x, long) = (slice.at * WIDTH, slice.length * WIDTH);
        drawing.rect("self", x, TOP, (long - 1.0).max(2.0), HIGH);
        // About seven units a letter; a name that does not fit is left to the table.
        if long > 14.0 + 7.0 * name.chars().count() as f64 {
            drawing.text("on", x + 7.0, TOP + 16.0, name);
        }
    }
    for (number, range) in free.iter().enumerate() {
        let Some(slice) = scale::within(*range, window).filter(|slice| slice.length * WIDTH > 5.0) else { continue };
        let (x, long) = (slice.at * WIDTH, slice.length * WIDTH);
        drawing.rect("slot", x + 1.5, TOP + 2.5, long - 3.0, HIGH - 5.0);
        if long > 12.0 {
            drawing.text("mid", x + long / 2.0, TOP + 16.0, &(number + 1).to_string());
        }
    }
    if let Some(slice) = scale::within(own, window) {
        let (x, long) = (slice.at * WIDTH, slice.length * WIDTH);
        drawing.rect(if taken { "clash" } else { "self" }, x, TOP + HIGH - 6.0, (long - 1.0).max(3.0), 14.0);
        let class = if taken { "bad" } else { "now" };
        let said = format!("yours {own}");
        labels(drawing, class, &said, (x, x + long), window, TOP + HIGH + 12.0);
    }
}

/// The range's own words beside it, where they fit; the window's ends where they leave room.
fn labels(drawing: &mut Drawing, class: &str, said: &str, (left, right): (f64, f64), window: Cidr, y: f64) {
    let long = |text: &str| text.len() as f64 * LETTER;
    let (first, last) = (window.network().to_string(), Ipv4Addr::from(window.last()).to_string());
    let behind = right + 5.0 + long(said) <= WIDTH;
    let (mut free_left, mut free_right) = (left, right);
    if behind {
        drawing.text(class, right + 5.0, y, said);
        free_right = right + 5.0 + long(said);
    } else {
        drawing.text(&format!("{class} end"), left - 5.0, y, said);
        free_left = left - 5.0 - long(said);
    }
    if long(&first) + 8.0 < free_left {
        drawing.text("", 0.0, y, &first);
    }
    if free_right + 8.0 + long(&last) < WIDTH {
        drawing.text("end", WIDTH, y, &last);
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    fn cidr(text: &str) -> Cidr {
        text.parse().expect("a range")
    }

    fn shown(own: &str) -> String {
        let known = vec![(cidr("10.16.16.0/20"), "ledger-eu".to_owned())];
        html(|| view! { <Lens own=Some(cidr(own)) known=known free=vec![cidr("10.16.32.0/21")]/> })
    }

    #[test]
    fn a_range_that_is_taken_names_who_has_it() {
        let html = shown("10.16.24.0/21");
        assert!(html.contains("10.16.24.0/21 overlaps ledger-eu, 10.16.16.0/20"), "{html}");
        assert!(html.contains(r#"class="clash""#) && html.contains(r#"class="slot""#), "{html}");
    }

    #[test]
    fn before_a_range_is_typed_nothing_is_left_open_below_the_upper_line() {
        let known = vec![(cidr("10.16.16.0/20"), "ledger-eu".to_owned())];
        let html = html(|| view! { <Lens own=None known=known/> });
        assert!(html.contains(r#"viewBox="0 0 440 27""#), "{html}");
        assert!(shown("10.16.0.0/21").contains(r#"viewBox="0 0 440 98""#));
    }

    #[test]
    fn a_free_range_is_not_red() {
        let html = shown("10.16.0.0/21");
        assert!(html.contains("10.16.0.0/21 is free") && !html.contains("clash"), "{html}");
    }
}
