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

/// What a page is called while what it shows lives. The server writes the title last, when the page's signals may be gone
/// already: then it is what it was called first.
pub fn page_name<T: Send + Sync + 'static>(
    shown: impl With<Value = T> + WithUntracked<Value = T> + Copy + Send + Sync + 'static,
    name: impl Fn(&T) -> String + Send + Sync + 'static,
) -> impl Fn() -> String + Send + Sync + 'static {
    let first = shown.with_untracked(&name);
    move || shown.try_with(&name).unwrap_or_else(|| first.clone())
}

/// What is shown once it has been read; until then, what was shown before. Of one type for all pages: what waits is boxed
/// here, so that the waiting itself is compiled once and sent once.
pub fn awaited<Shown>(show: impl Fn() -> Shown + Send + 'static) -> AnyView
where
    Shown: Future<Output = AnyView> + Send + 'static,
{
    waiting(Box::new(move || Suspend::new(show())))
}

fn waiting(show: Box<dyn Fn() -> Suspend<AnyView> + Send>) -> AnyView {
    view! { <Transition>{show}</Transition> }.into_any()
}

/// What was first read, and whatever is read later. A failed reading changes nothing: the server is asked again anyway.
pub fn fresh<T: Clone + PartialEq + Send + Sync + 'static>(
    resource: Resource<Result<T, ApiError>>,
    first: T,
) -> Signal<T> {
    followed(resource, first).0
}

/// A page over a resource: built once, fed by a signal. Says so when what it shows is gone; a console that does not
/// answer leaves the last reading standing, and the status line tells.
pub fn living<T, V>(resource: Resource<Result<T, ApiError>>, show: V) -> AnyView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: Fn(Signal<T>) -> AnyView + Clone + Send + Sync + 'static,
{
    awaited(move || {
        let show = show.clone();
        async move {
            match once(resource).await {
                Ok(first) => {
                    let (value, lost) = followed(resource, first);
                    standing(lost, Box::new(move || show(value)))
                }
                Err(error) => {
                    // Nothing stands yet that could be lost by building it later.
                    resource.track();
                    view! { <Failure error/> }.into_any()
                }
            }
        }
    })
}

/// The page, or why it may not be shown any longer.
fn standing(lost: Signal<Option<ApiError>>, show: Box<dyn Fn() -> AnyView + Send>) -> AnyView {
    (move || match lost.get() {
        Some(error) => view! { <Failure error/> }.into_any(),
        None => show(),
    })
    .into_any()
}

/// The last good reading, and why what was shown may not be shown any longer.
fn followed<T: Clone + PartialEq + Send + Sync + 'static>(
    resource: Resource<Result<T, ApiError>>,
    first: T,
) -> (Signal<T>, Signal<Option<ApiError>>) {
    let (value, lost) = (RwSignal::new(first), RwSignal::new(None));
    Effect::new(move || {
        let now = resource.with(|reading| match reading {
            Some(Ok(new)) => {
                if value.with_untracked(|old| old != new) {
                    value.set(new.clone());
                }
                Some(None)
            }
            Some(Err(error @ (ApiError::NotFound | ApiError::Forbidden { .. } | ApiError::Unauthenticated))) => {
                Some(Some(error.clone()))
            }
            Some(Err(_)) | None => None,
        });
        if let Some(now) = now
            && lost.with_untracked(|before| *before != now)
        {
            lost.set(now);
        }
    });
    (value.into(), lost.into())
}
