use std::time::Duration;

use leptos::prelude::*;

use super::dom;
use crate::domain::Timestamp;

/// The browser's time, one tick a second, for everything on a page that ages.
///
/// There is none on the server and none while a page hydrates: both render what the data
/// says, and ageing begins afterwards. So server and browser never disagree.
#[derive(Clone, Copy, Debug)]
pub struct Clock(RwSignal<Option<Timestamp>>);

impl Clock {
    /// Now, tracked: whoever asks is asked again after a second. `None` before the page is alive.
    pub fn now(self) -> Option<Timestamp> {
        self.0.get()
    }
}

/// Starts the clock of a page. Called once, by the shell.
pub fn provide_clock() -> Clock {
    let clock = Clock(RwSignal::new(None));
    Effect::new(move || {
        clock.0.set(dom::now());
        if let Ok(ticking) = set_interval_with_handle(move || clock.0.set(dom::now()), Duration::from_secs(1)) {
            on_cleanup(move || ticking.clear());
        }
    });
    provide_context(clock);
    clock
}

/// The page's time, once this view is alive; `None` until then, and without a clock.
pub(super) fn living() -> Signal<Option<Timestamp>> {
    let clock = use_context::<Clock>();
    let alive = RwSignal::new(false);
    Effect::new(move || alive.set(true));
    Signal::derive(move || if alive.get() { clock.and_then(Clock::now) } else { None })
}

/// Calls `act` when a moment has passed that should have brought news by itself, and again every while until it does.
pub fn once_past(at: Signal<Option<Timestamp>>, act: impl Fn() + 'static) {
    let now = living();
    let asked = StoredValue::new(None::<Timestamp>);
    Effect::new(move || {
        let (Some(now), Some(at)) = (now.get(), at.get()) else { return };
        if overdue(at, asked.get_value(), now) {
            asked.set_value(Some(now));
            act();
        }
    });
}

/// What happens at a moment takes a little; whoever has just asked need not ask again at once.
fn overdue(at: Timestamp, asked: Option<Timestamp>, now: Timestamp) -> bool {
    const TAKES: u64 = 2;
    const PATIENCE: u64 = 15;
    at.age_seconds(now) >= TAKES && asked.is_none_or(|asked| asked.age_seconds(now) >= PATIENCE)
}

/// How many seconds have passed since this view came alive, by the browser's clock alone.
pub(super) fn elapsed() -> Signal<u64> {
    let now = living();
    let start = RwSignal::new(None::<Timestamp>);
    Effect::new(move || {
        if start.get_untracked().is_none() {
            start.set(now.get());
        }
    });
    Signal::derive(move || match (start.get(), now.get()) {
        (Some(start), Some(now)) => start.age_seconds(now),
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_asks_once_a_moment_is_past_and_not_again_at_once() {
        let at = Timestamp::from_seconds(1_795_144_320);
        let after = |seconds| at.plus_seconds(seconds);
        assert!(!overdue(at, None, after(-60)) && !overdue(at, None, after(1)), "it takes a little");
        assert!(overdue(at, None, after(2)));
        assert!(!overdue(at, Some(after(2)), after(16)), "just asked");
        assert!(overdue(at, Some(after(2)), after(17)), "and there was no news");
    }
}
