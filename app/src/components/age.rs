use leptos::prelude::*;

use super::{Tone, clock, drawing::Drawing};

/// WireGuard starts a new handshake when a session is this old.
pub const REKEY_SECONDS: u64 = 120;
/// WireGuard refuses packets of a session that is older.
pub const REFUSE_SECONDS: u64 = 180;

/// How old a handshake is, on WireGuard's own clock: ticks at rekey and at refuse. Goes on ageing while it is looked at.
#[component]
pub fn Age(
    /// Its age when the page was read; nothing if there never was one.
    seconds: Option<u64>,
    /// Silence is no failure here: a road warrior that is switched off.
    #[prop(optional)]
    idle: bool,
) -> impl IntoView {
    let elapsed = clock::elapsed();
    let age = Memo::new(move |_| seconds.map(|seconds| seconds + elapsed.get()));
    view! {
        <span class="nowrap">
            <svg
                class="age"
                data-tone=move || tone(age.get(), idle).as_str()
                viewBox="0 0 48 12"
                aria-hidden="true"
                inner_html=move || draw(age.get())
            ></svg>
            " "
            <span class="fact">{move || age.get().map_or_else(|| "never".to_owned(), duration)}</span>
        </span>
    }
}

fn tone(age: Option<u64>, idle: bool) -> Tone {
    match age {
        None => Tone::Off,
        Some(age) if age <= REKEY_SECONDS => Tone::Good,
        Some(age) if age <= REFUSE_SECONDS => Tone::Wait,
        Some(_) if idle => Tone::Off,
        Some(_) => Tone::Bad,
    }
}

fn draw(age: Option<u64>) -> String {
    let mut drawing = Drawing::default();
    drawing.rect("track", 0.0, 5.0, 40.0, 2.0);
    match age {
        None => {}
        Some(age) if age > REFUSE_SECONDS => drawing.rect("lost", 0.6, 3.6, 46.8, 4.8),
        Some(age) => drawing.rect("fill", 0.0, 3.0, (age as f64 / REFUSE_SECONDS as f64 * 40.0).max(2.0), 6.0),
    }
    drawing.rect("tick", 26.2, 2.0, 1.0, 8.0);
    drawing.rect("tick", 39.5, 1.0, 1.0, 10.0);
    drawing.done()
}

/// "34 s", "3 min 05", "41 min", "7 h", "2 d": seconds matter up to WireGuard's limit, then ever less.
pub fn duration(seconds: u64) -> String {
    let minutes = seconds / 60;
    match seconds {
        0..=REFUSE_SECONDS => format!("{seconds} s"),
        181..600 if !seconds.is_multiple_of(60) => format!("{minutes} min {:02}", seconds % 60),
        181..3600 => format!("{minutes} min"),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn a_handshake_turns_amber_at_rekey_and_red_at_refuse() {
        let tones = [None, Some(120), Some(121), Some(180), Some(181)].map(|age| tone(age, false));
        assert_eq!(tones, [Tone::Off, Tone::Good, Tone::Wait, Tone::Wait, Tone::Bad]);
        assert_eq!(tone(Some(9000), true), Tone::Off);
    }

    #[test]
    fn the_age_is_also_written() {
        assert!(html(|| view! { <Age seconds=Some(34)/> }).contains("34 s"));
        assert!(html(|| view! { <Age seconds=None/> }).contains("never"));
        let texts = [180, 185, 240, 2472, 7200, 90_000, 172_800].map(duration);
        assert_eq!(texts, ["180 s", "3 min 05", "4 min", "41 min", "2 h", "25 h", "2 d"]);
    }
}
