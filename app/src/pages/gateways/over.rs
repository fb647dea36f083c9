//! What lies over a gateway's page: a form in a panel, or a question in a dialog.
//!
//! The page behind goes on living. The form begins once, with what was first read and what was typed at the last try
//! (`S`: the function that the form asks), and is given where closing leads.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;

use super::detail::{Detail, Reading, reading};
use crate::{
    api::{ApiError, gateways::GatewayReading},
    components::{Dialog, Panel},
    domain::GatewayId,
    pages::{
        failure::settle,
        form::{Memory, flash},
        fresh::{awaited, once},
        here::{project_for_links, use_project, use_segment},
    },
    routes,
};

/// A form about the gateway, which may change while it is filled in.
pub fn panel<S: ServerFn>(
    title: &'static str,
    heading: &'static str,
    form: fn(Reading, GatewayReading, Memory, String) -> AnyView,
) -> AnyView {
    let reading = reading();
    let (close, body) = begun::<S, _>(reading, move |read, memory, close| form(reading, read, memory, close));
    view! {
        <Title text=title/>
        <Detail reading/>
        <Panel title=heading close>{body}</Panel>
    }
    .into_any()
}

/// A question before something that cannot be taken back; `about`: what it needs to have read.
pub fn question<S: ServerFn, T: Clone + Send + Sync + 'static>(
    title: &'static str,
    behind: Reading,
    about: Resource<Result<T, ApiError>>,
    form: fn(T, Memory, String) -> AnyView,
) -> AnyView {
    let (close, body) = begun::<S, T>(about, form);
    view! {
        <Title text=title/>
        <Detail reading=behind/>
        <Dialog title="Confirmation" close>{body}</Dialog>
    }
    .into_any()
}

/// Where closing leads, and the form.
pub fn begun<S: ServerFn, T: Clone + Send + Sync + 'static>(
    about: Resource<Result<T, ApiError>>,
    form: impl Fn(T, Memory, String) -> AnyView + Copy + Send + Sync + 'static,
) -> (String, AnyView) {
    let flash = flash();
    let close = path_of(use_project(), use_segment("gateway"));
    let back = close.clone();
    let body = awaited(move || {
        let back = back.clone();
        async move {
            let memory = Memory::of::<S>(flash.await);
            settle(once(about).await, |read| form(read, memory, back))
        }
    });
    (close, body)
}

/// The gateway's page; of an id that is none, the list.
fn path_of(project: Memo<String>, gateway: Memo<String>) -> String {
    let project = project_for_links(&project.get_untracked());
    match gateway.get_untracked().parse::<GatewayId>() {
        Ok(id) => routes::gateway(&project, id),
        Err(_) => routes::gateways(&project),
    }
}
