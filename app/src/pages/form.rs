//! What every form needs: the values and the refusal of the last try, with WASM and without.
//!
//! With WASM the action holds its answer. Without, the server keeps a refused form as a
//! [`Flash`] and the page reads it back by the `flash` parameter of its address.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;
use serde::de::DeserializeOwned;

use crate::api::{
    ApiError,
    flash::{Flash, get_flash},
};

/// The flash of this page's address, read once.
pub type FlashResource = Resource<Option<Flash>>;

pub fn flash() -> FlashResource {
    let query = use_query_map();
    let id = query.with_untracked(|query| query.get("flash"));
    Resource::new(
        || (),
        move |()| {
            let id = id.clone();
            async move {
                match id {
                    Some(id) => get_flash(id).await.ok().flatten(),
                    None => None,
                }
            }
        },
    )
}

/// The last try of one form.
#[derive(Clone, Debug, Default)]
pub struct Memory(Option<Flash>);

impl Memory {
    /// Keeps the flash only if it is of this form's server function.
    pub fn of<S: ServerFn>(flash: Option<Flash>) -> Self {
        Self(flash.filter(|flash| flash.action == S::PATH))
    }

    /// What was typed into a field, or what it begins with.
    pub fn text(&self, name: &str, default: impl Into<String>) -> RwSignal<String> {
        let typed = self.0.as_ref().and_then(|flash| flash.values.get(name).cloned());
        RwSignal::new(typed.unwrap_or_else(|| default.into()))
    }

    /// Whether a box was ticked. An unticked one sends nothing.
    pub fn ticked(&self, name: &str, default: bool) -> RwSignal<bool> {
        RwSignal::new(self.0.as_ref().map_or(default, |flash| flash.values.contains_key(name)))
    }

    /// Why the last try was refused: the action's own answer, else the flash.
    pub fn error<S>(&self, action: ServerAction<S>) -> Signal<Option<ApiError>>
    where
        S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
        S::Output: Clone + Send + Sync + 'static,
    {
        let before = self.0.as_ref().and_then(|flash| flash.outcome.clone().err());
        Signal::derive(move || match action.value().try_get().flatten() {
            Some(answer) => answer.err(),
            None => before.clone(),
        })
    }

    /// What the last try was answered with: by the action, else in the flash.
    pub fn answer<S>(&self, action: ServerAction<S>) -> Signal<Option<S::Output>>
    where
        S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
        S::Output: DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let before = self.0.as_ref().and_then(|flash| serde_json::from_str(flash.outcome.as_ref().ok()?).ok());
        Signal::derive(move || match action.value().try_get().flatten() {
            Some(answer) => answer.ok(),
            None => before.clone(),
        })
    }
}

/// The sentence for one field: what the domain says of what stands there now, else what the server said.
pub fn at(
    field: &'static str,
    local: Signal<Option<ApiError>>,
    remote: Signal<Option<ApiError>>,
) -> Signal<Option<String>> {
    Signal::derive(move || {
        let said = |error: &Option<ApiError>| error.as_ref().and_then(|error| error.at(field).map(ToOwned::to_owned));
        // A form that is just being left still asks.
        local.try_with(said).flatten().or_else(|| remote.try_with(said).flatten())
    })
}

/// What belongs to the form as a whole.
pub fn beside(fields: &'static [&'static str], remote: Signal<Option<ApiError>>) -> Signal<Option<String>> {
    Signal::derive(move || remote.try_with(|error| error.as_ref().and_then(|error| error.beside(fields))).flatten())
}
