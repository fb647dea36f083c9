//! Pages and forms that stay where they are while what they show changes.
//!
//! A view that is built again at every wake-up closes the menu that somebody has just
//! opened and forgets what a form was answered. So a page is built once, from its first
//! reading, and goes on with a signal that takes over every later one.

use std::{
    future::{IntoFuture, poll_fn},
    pin::pin,
};

use leptos::prelude::*;

use super::failure::Failure;
use crate::api::ApiError;

/// The value of a resource for a view that must not be built again when the value changes.
pub async fn once<T: Clone + Send + Sync + 'static>(resource: Resource<T>) -> T {
    let mut reading = pin!(resource.into_future());
    poll_fn(|context| untrack(|| reading.as_mut().poll(context))).await
}

/// What was first read, and whatever is read later. A failed reading changes nothing: the server is asked again anyway.
pub fn fresh<T: Clone + PartialEq + Send + Sync + 'static>(
    resource: Resource<Result<T, ApiError>>,
    first: T,
) -> Signal<T> {
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

/// A page over a resource: built once, fed by a signal. Says so when what it shows is gone; a console that does not
/// answer leaves the last reading standing, and the status line tells.
pub fn living<T, V>(resource: Resource<Result<T, ApiError>>, show: V) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: Fn(Signal<T>) -> AnyView + Clone + Send + Sync + 'static,
{
    view! {
        <Transition>
            {move || {
                let show = show.clone();
                Suspend::new(async move {
                    match once(resource).await {
                        Ok(first) => {
                            let (value, lost) = (fresh(resource, first), lost(resource));
                            (move || match lost.get() {
                                Some(error) => view! { <Failure error/> }.into_any(),
                                None => show(value),
                            })
                            .into_any()
                        }
                        Err(error) => {
                            // Nothing stands yet that could be lost by building it later.
                            resource.track();
                            view! { <Failure error/> }.into_any()
                        }
                    }
                })
            }}
        </Transition>
    }
}

/// Why what was shown may not be shown any longer.
fn lost<T: Clone + PartialEq + Send + Sync + 'static>(
    resource: Resource<Result<T, ApiError>>,
) -> Signal<Option<ApiError>> {
    let lost = RwSignal::new(None);
    Effect::new(move || {
        let now = match resource.get() {
            None => return,
            Some(Err(error @ (ApiError::NotFound | ApiError::Forbidden { .. } | ApiError::Unauthenticated))) => {
                Some(error)
            }
            Some(Err(_)) => return,
            Some(Ok(_)) => None,
        };
        if lost.with_untracked(|before| *before != now) {
            lost.set(now);
        }
    });
    lost.into()
}
