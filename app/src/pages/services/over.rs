//! What lies over a page about a service: a form in a panel, or a question in a dialog.
//!
//! The page behind goes on living. The form begins once, with what was first read and what was typed at the last try
//! (`S`: the function that the form asks), and is given where closing leads.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;

use super::reading::Reading;
use crate::{
    api::services::ServiceReading,
    components::{Dialog, Panel},
    pages::{
        failure::settle,
        form::{Memory, flash},
        fresh::{awaited, once},
    },
};

/// The page behind, and where closing leads.
pub struct Under {
    pub page: AnyView,
    pub close: String,
}

/// A form about the service, which may change while it is filled in.
pub fn panel<S: ServerFn>(
    title: &'static str,
    under: Under,
    wide: bool,
    reading: Reading,
    form: fn(Reading, ServiceReading, Memory, String) -> AnyView,
) -> AnyView {
    let Under { page, close } = under;
    let body = begun::<S>(reading, close.clone(), form);
    view! {
        <Title text=title/>
        {page}
        <Panel title close wide>{body}</Panel>
    }
    .into_any()
}

/// A question before something that cannot be taken back.
pub fn question<S: ServerFn>(
    title: &'static str,
    under: Under,
    reading: Reading,
    form: fn(Reading, ServiceReading, Memory, String) -> AnyView,
) -> AnyView {
    let Under { page, close } = under;
    let body = begun::<S>(reading, close.clone(), form);
    view! {
        <Title text=title/>
        {page}
        <Dialog title="Confirmation" close>{body}</Dialog>
    }
    .into_any()
}

fn begun<S: ServerFn>(
    reading: Reading,
    close: String,
    form: fn(Reading, ServiceReading, Memory, String) -> AnyView,
) -> AnyView {
    let flash = flash();
    awaited(move || {
        let close = close.clone();
        async move {
            let memory = Memory::of::<S>(flash.await);
            settle(once(reading).await, |read| form(reading, read, memory, close))
        }
    })
}
