//! Data under a form that stays current while somebody types.
//!
//! A list may be rendered again whenever its topic wakes; a form may not, or it would lose
//! what its last try was answered. So a form is built from the first reading and goes on
//! with signals that take over every later one.

use std::{
    future::{IntoFuture, poll_fn},
    pin::pin,
};

use leptos::prelude::*;

use crate::api::ApiError;

/// The value of a resource for a view that must not be built again when the value changes.
pub async fn once<T: Clone + Send + Sync + 'static>(resource: Resource<T>) -> T {
    let mut reading = pin!(resource.into_future());
    poll_fn(|context| untrack(|| reading.as_mut().poll(context))).await
}

/// What was first read, and whatever is read later. A failed reading changes nothing: the server is asked again anyway.
pub fn fresh<T: Clone + PartialEq + Send + Sync + 'static>(resource: Resource<Result<T, ApiError>>, first: T) -> Signal<T> {
    let value = RwSignal::new(first);
    Effect::new(move || {
        if let Some(Ok(new)) = resource.get()
            && value.with_untracked(|old| *old != new)
        {
            value.set(new);
        }
    });
    value.into()
}
