//! Data under a form that stays current while somebody types.
//!
//! A list may be rendered again whenever its topic wakes; a form may not, or it would lose
//! what its last try was answered. So a form takes what the server rendered it with and
//! replaces the value behind its signals.

use std::future::Future;

use leptos::{prelude::*, task::spawn_local};

use crate::{api::ApiError, domain::change::Topic, live::use_live};

/// `first`, then whatever `read` answers after one of the topics has changed.
pub fn fresh<T, F>(first: T, topics: &'static [Topic], read: impl Fn() -> F + Send + Sync + 'static) -> Signal<T>
where
    T: Clone + PartialEq + Send + Sync + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let live = use_live();
    let value = RwSignal::new(first);
    Effect::new(move |before: Option<()>| {
        for topic in topics {
            live.version(*topic);
        }
        if before.is_none() {
            return;
        }
        let reading = read();
        spawn_local(async move {
            // What cannot be read now is asked of the server anyway when the form is sent.
            if let Ok(new) = reading.await
                && value.try_get_untracked().is_some_and(|old| old != new)
            {
                value.try_set(new);
            }
        });
    });
    value.into()
}
