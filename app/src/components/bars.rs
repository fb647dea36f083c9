use leptos::prelude::*;

use super::{
    Tone,
    drawing::{Drawing, short},
};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 28.0;
/// The least that is seen: a bar is never rounded away.
const LEAST: f64 = 1.5;

/// How much in each interval, as bars from a common axis; the highest one fills the height.
#[component]
pub fn Bars(
    /// Oldest first.
    bars: Vec<u64>,
    /// Read out: "IP filter, 412 packets in 24 hours".
    #[prop(into)]
    label: String,
    #[prop(optional_no_strip)] tone: Option<Tone>,
) -> impl IntoView {
    view! {
        <svg
            class="bars"
            viewBox="0 0 480 28"
            preserveAspectRatio="none"
            role="img"
            aria-label=label
            data-tone=tone.map(Tone::as_str)
            inner_html=draw(&bars)
        ></svg>
    }
}

/// Words under an axis, at equal distances.
#[component]
pub fn BarsAxis(words: &'static [&'static str]) -> impl IntoView {
    view! { <div class="bars-axis" aria-hidden="true">{words.iter().map(|word| view! { <span>{*word}</span> }).collect_view()}</div> }
}

fn draw(bars: &[u64]) -> String {
    let mut drawing = Drawing::default();
    let most = bars.iter().copied().max().unwrap_or(0);
    let step = WIDTH / bars.len().max(1) as f64;
    for (at, amount) in bars.iter().enumerate().filter(|(_, amount)| **amount > 0) {
        let height = ((HEIGHT - 1.0) * *amount as f64 / most as f64).max(LEAST);
        drawing.rect("bar-of", at as f64 * step, HEIGHT - 1.0 - height, short(step * 0.8), height);
    }
    drawing.line("axis", (0.0, HEIGHT - 0.5), (WIDTH, HEIGHT - 0.5));
    drawing.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_fills_the_height_and_the_lowest_is_still_seen() {
        let text = draw(&[0, 100, 1, 50]);
        assert_eq!(text.matches("<rect").count(), 3, "{text}");
        assert!(text.contains(r#"x="120" y="0" width="96" height="27""#), "{text}");
        assert!(text.contains(r#"height="1.5""#) && text.contains(r#"height="13.5""#), "{text}");
    }

    #[test]
    fn silence_is_a_bare_axis() {
        let text = draw(&[0; 96]);
        assert!(!text.contains("<rect") && text.contains("<line"), "{text}");
    }
}
