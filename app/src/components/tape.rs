use leptos::prelude::*;

use super::{Tone, drawing::Drawing, drawing::short};

const WIDTH: f64 = 416.0;
const SHOWN: u64 = 12;

/// How far a gateway is behind: the wanted generation above the tape, the applied and the verified one below it.
#[component]
pub fn Tape(
    wanted: u64,
    /// Nothing before the first report.
    applied: Option<u64>,
    verified: Option<u64>,
) -> impl IntoView {
    let tone = if applied == Some(wanted) && verified == Some(wanted) { Tone::Good } else { Tone::Wait };
    let say = |generation: Option<u64>| generation.map_or_else(|| "none".to_owned(), |number| number.to_string());
    let label = format!("Wanted generation {wanted}, applied {}, verified {}", say(applied), say(verified));
    view! {
        <svg
            class="tape"
            data-tone=tone.as_str()
            viewBox=format!("0 0 {WIDTH} 76")
            role="img"
            aria-label=label
            inner_html=draw(wanted, applied, verified)
        ></svg>
    }
}

fn draw(wanted: u64, applied: Option<u64>, verified: Option<u64>) -> String {
    // The newest is never at the very edge, so that its label has room.
    let last = wanted.max(applied.unwrap_or(0)).max(SHOWN - 2) + 1;
    let first = last + 1 - SHOWN;
    let pitch = WIDTH / SHOWN as f64;
    // What is older than the tape stands at its beginning.
    let place = |generation: u64| (generation.saturating_sub(first) as f64 + 0.5) * pitch;
    let mut drawing = Drawing::default();
    drawing.line("axis", (0.0, 38.0), (WIDTH, 38.0));
    if let Some(reached) = applied.filter(|applied| *applied < wanted) {
        drawing.rect("gap", place(reached), 29.0, place(wanted) - place(reached), 18.0);
    }
    for generation in first..=last {
        let long = if generation.is_multiple_of(5) { 7.0 } else { 4.0 };
        drawing.line("tick", (place(generation), 38.0 - long), (place(generation), 38.0 + long));
        let named = applied.is_some_and(|applied| {
            place(applied) - 76.0 < place(generation) && place(generation) < place(applied) + 76.0
        });
        if generation.is_multiple_of(5) && !named {
            drawing.text("", place(generation), 60.0, &generation.to_string());
        }
    }
    let label = |x: f64, text: &str| x.clamp(text.len() as f64 * 3.4, WIDTH - text.len() as f64 * 3.4);
    let said = format!("wanted {wanted}");
    drawing.path("bug", &format!("M{} 29l-6 -9h12z", short(place(wanted))));
    drawing.text("now", label(place(wanted), &said), 14.0, &said);
    if let Some(applied) = applied {
        let said = match verified {
            Some(verified) if verified == applied => format!("verified {applied}"),
            Some(verified) => format!("applied {applied}, verified {verified}"),
            None => format!("applied {applied}"),
        };
        let class = if applied == wanted && verified == Some(wanted) { "bug" } else { "late" };
        drawing.path(class, &format!("M{} 47l-6 9h12z", short(place(applied))));
        drawing.text("now", label(place(applied), &said), 69.0, &said);
    }
    drawing.done()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn a_generation_behind_is_a_tinted_gap() {
        let html = html(|| view! { <Tape wanted=214 applied=Some(213) verified=Some(213)/> });
        assert!(html.contains("Wanted generation 214, applied 213, verified 213"), "{html}");
        assert!(html.contains(r#"class="gap""#) && html.contains(r#"data-tone="wait""#), "{html}");
    }

    #[test]
    fn what_is_applied_but_not_verified_is_still_waited_for() {
        let html = html(|| view! { <Tape wanted=3 applied=Some(3) verified=Some(2)/> });
        assert!(html.contains("applied 3, verified 2") && html.contains(r#"data-tone="wait""#), "{html}");
    }

    #[test]
    fn a_gateway_that_never_reported_has_no_lower_pointer() {
        let html = html(|| view! { <Tape wanted=0 applied=None verified=None/> });
        assert!(html.contains("wanted 0") && !html.contains("late"), "{html}");
    }
}
