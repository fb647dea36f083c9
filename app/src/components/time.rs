use leptos::prelude::*;

use super::{age::duration, clock};
use crate::domain::Timestamp;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment: "20 Nov 2026 07:20 UTC" from the server, "3 min ago" once the page is alive, the exact time on hover.
///
/// All moments of the product are in universal time, as are the logs of its hosts.
#[component]
pub fn Time(
    at: Timestamp,
    /// Without "ago" and "UTC", for a column whose header says it.
    #[prop(optional)]
    short: bool,
) -> impl IntoView {
    let now = clock::living();
    let text = Memo::new(move |_| now.get().map_or_else(|| written(at, short), |now| relative(at, now, short)));
    view! { <time class="nowrap" datetime=at.to_string() title=exact(at)>{text}</time> }
}

/// A moment at which something will be done by itself: "in 3 min", and "due now" once it is past.
#[component]
pub fn Due(
    at: Timestamp,
    /// When the page's data was read, where the server knows: so that it writes no past moment as a coming one.
    #[prop(optional_no_strip)]
    read_at: Option<Timestamp>,
) -> impl IntoView {
    let now = clock::living();
    let text = Memo::new(move |_| coming(at, now.get(), read_at));
    view! { <time class="nowrap" datetime=at.to_string() title=exact(at)>{text}</time> }
}

fn coming(at: Timestamp, now: Option<Timestamp>, read_at: Option<Timestamp>) -> String {
    match now.or(read_at) {
        Some(moment) if moment >= at => "due now".to_owned(),
        _ => now.map_or_else(|| written(at, false), |now| relative(at, now, false)),
    }
}

/// "20 Nov 2026 07:20 UTC".
pub fn exact(at: Timestamp) -> String {
    written(at, false)
}

fn written(at: Timestamp, short: bool) -> String {
    let (year, month, day, hour, minute, _) = at.parts();
    let month = MONTHS[month as usize - 1];
    let zone = if short { "" } else { " UTC" };
    format!("{day} {month} {year} {hour:02}:{minute:02}{zone}")
}

fn relative(at: Timestamp, now: Timestamp, short: bool) -> String {
    let (past, ahead) = (at.age_seconds(now), now.age_seconds(at));
    // A browser whose clock is a little behind must not see the future.
    if past == 0 && ahead < 5 {
        return "now".to_owned();
    }
    if ahead > 0 {
        return format!("in {}", coarse(ahead));
    }
    // A date says more than "312 d".
    if past >= 30 * 86_400 {
        let (year, month, day, ..) = at.parts();
        let month = MONTHS[month as usize - 1];
        return if now.parts().0 == year { format!("{day} {month}") } else { format!("{day} {month} {year}") };
    }
    if short { coarse(past) } else { format!("{} ago", coarse(past)) }
}

/// Whole units: a list of changes needs no seconds of a minute.
fn coarse(seconds: u64) -> String {
    if (60..3600).contains(&seconds) { format!("{} min", seconds / 60) } else { duration(seconds) }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    const MARCH: Timestamp = Timestamp::from_seconds(1_772_409_600);

    #[test]
    fn the_server_renders_universal_time() {
        let html = html(|| view! { <Time at=MARCH/> });
        assert!(
            html.contains(r#"datetime="2026-03-02T00:00:00Z""#) && html.contains(">2 Mar 2026 00:00 UTC<"),
            "{html}"
        );
    }

    #[test]
    fn what_was_to_happen_by_now_is_due_and_never_in_the_past() {
        let after = |seconds| MARCH.plus_seconds(seconds);
        assert_eq!(coming(MARCH, Some(after(-180)), None), "in 3 min");
        assert_eq!(coming(MARCH, Some(after(-1)), None), "now");
        assert_eq!(coming(MARCH, Some(MARCH), None), "due now");
        assert_eq!(coming(MARCH, Some(after(900)), Some(after(-60))), "due now");
    }

    #[test]
    fn the_server_writes_a_past_moment_as_due_and_a_coming_one_in_universal_time() {
        let due = |seconds| html(move || view! { <Due at=MARCH read_at=Some(MARCH.plus_seconds(seconds))/> });
        assert!(due(-60).contains(">2 Mar 2026 00:00 UTC<"), "{}", due(-60));
        assert!(due(1).contains(">due now<"), "{}", due(1));
    }

    #[test]
    fn the_past_fades_from_seconds_to_dates() {
        let after = |seconds| relative(MARCH, MARCH.plus_seconds(seconds), false);
        assert_eq!(after(0), "now");
        assert_eq!(after(-4), "now");
        assert_eq!(after(34), "34 s ago");
        assert_eq!(after(150), "2 min ago");
        assert_eq!(after(5 * 86_400), "5 d ago");
        assert_eq!(after(40 * 86_400), "2 Mar");
        assert_eq!(after(400 * 86_400), "2 Mar 2026");
        assert_eq!(after(-7200), "in 2 h");
    }
}
