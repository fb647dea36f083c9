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
