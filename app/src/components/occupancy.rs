use leptos::prelude::*;

use super::{drawing::Drawing, scale};
use crate::domain::Cidr;

const WIDTH: f64 = 200.0;

/// One block on its own scale: what is used of it, and what is only planned. The number stands beside it.
#[component]
pub fn Occupancy(
    block: Cidr,
    /// What lies in it, and whether it is in use.
    parts: Vec<(Cidr, bool)>,
) -> impl IntoView {
    view! { <svg class="range" viewBox="0 0 200 16" preserveAspectRatio="none" aria-hidden="true" inner_html=draw(block, &parts)></svg> }
}

fn draw(block: Cidr, parts: &[(Cidr, bool)]) -> String {
    let mut drawing = Drawing::default();
    drawing.rect("rail", 0.0, 4.0, WIDTH, 8.0);
    // What is used lies over what is planned around it.
    for used in [false, true] {
        let class = if used { "self" } else { "other" };
        for slice in parts.iter().filter(|(_, is)| *is == used).filter_map(|(range, _)| scale::within(*range, block)) {
            drawing.rect(class, slice.at * WIDTH, 4.0, (slice.length * WIDTH - 0.5).max(2.0), 8.0);
        }
    }
    drawing.done()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_drawn_over_what_is_planned() {
        let cidr = |text: &str| text.parse::<Cidr>().expect("a range");
        let drawn = draw(cidr("10.16.0.0/16"), &[(cidr("10.16.0.0/17"), true), (cidr("10.16.0.0/16"), false)]);
        let at = |class: &str| drawn.find(class).expect("drawn");
        assert!(at("other") < at("self") && drawn.contains(r#"width="99.5""#), "{drawn}");
    }
}
