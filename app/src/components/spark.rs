use leptos::prelude::*;

use super::drawing::{Drawing, short};

const WIDTH: f64 = 112.0;
const AXIS: f64 = 11.0;
const REACH: f64 = 10.0;

/// Traffic over time: received above the axis, sent below it.
#[component]
pub fn Spark(
    /// Received and sent of each interval, oldest first.
    samples: Vec<(u64, u64)>,
    /// The largest value of the whole table, so that rows can be compared.
    scale: u64,
) -> impl IntoView {
    view! {
        <svg class="spark" viewBox="0 0 112 22" preserveAspectRatio="none" aria-hidden="true" inner_html=draw(&samples, scale)></svg>
    }
}

/// The scale for a table of sparks: the largest amount of any interval of any of them.
pub fn spark_scale<'a>(all: impl IntoIterator<Item = &'a [(u64, u64)]>) -> u64 {
    all.into_iter().flatten().map(|(received, sent)| *received.max(sent)).max().unwrap_or(0)
}

fn draw(samples: &[(u64, u64)], scale: u64) -> String {
    let mut drawing = Drawing::default();
    if scale > 0 && samples.len() > 1 {
        let side = |class: &str, direction: f64, pick: fn(&(u64, u64)) -> u64, drawing: &mut Drawing| {
            let mut d = format!("M0 {AXIS}");
            for (i, sample) in samples.iter().enumerate() {
                let x = i as f64 * WIDTH / (samples.len() - 1) as f64;
                let y = AXIS + direction * REACH * (pick(sample) as f64 / scale as f64).min(1.0);
                d.push_str(&format!("L{} {}", short(x), short(y)));
            }
            d.push_str(&format!("L{WIDTH} {AXIS}Z"));
            drawing.path(class, &d);
        };
        side("rx", -1.0, |sample| sample.0, &mut drawing);
        side("tx", 1.0, |sample| sample.1, &mut drawing);
    }
    drawing.line("axis", (0.0, AXIS), (WIDTH, AXIS));
    drawing.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_sample_reaches_the_edge_and_a_gap_lies_on_the_axis() {
        let text = draw(&[(0, 0), (50, 100), (0, 0)], 100);
        assert!(text.contains(r#"class="rx" d="M0 11L0 11L56 6L112 11L112 11Z""#), "{text}");
        assert!(text.contains(r#"class="tx" d="M0 11L0 11L56 21L112 11L112 11Z""#), "{text}");
    }

    #[test]
    fn silence_is_a_bare_axis() {
        assert_eq!(draw(&[(0, 0); 9], 0).matches("<path").count(), 0);
        assert_eq!(spark_scale([&[(1, 2)][..], &[(7, 3)][..]]), 7);
    }
}
