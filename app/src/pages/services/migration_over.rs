//! The questions about a move: whether to switch the names, whether to call it off, whether the old hosts may go at once.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::{LazyRoute, lazy_route};

use super::{
    migration::Detail,
    over::{Under, question},
    reading::{Reading, path, reading},
};
use crate::{
    api::services::{FinishMigration, ReturnService, ServiceReading, SwitchService},
    components::{Button, ButtonLink, Consequences, Kind, PanelBody, PanelFoot, Tone},
    domain::{
        Refusal,
        permission::Permission,
        service::{Service, migration::Migration},
    },
    pages::{
        form::{Memory, beside},
        here::use_project,
    },
    routes,
};

pub struct ServiceSwitch;

#[lazy_route]
impl LazyRoute for ServiceSwitch {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        asked::<SwitchService>("Switch names", |_, read, memory, close| {
            let action = ServerAction::<SwitchService>::new();
            let blocked = reason(&read, |migration, read| migration.admit_switch(&read.service.nodes, read.now));
            let deed =
                view! { <Button kind=Kind::Primary reason=blocked busy=action.pending()>"Switch names"</Button> };
            let asks = format!("Switch the names of {} to {}?", read.service.name, target(&read));
            let lines = vec![
                (Tone::Bad, "There is no way back but to migrate again.".to_owned()),
                (
                    Tone::Wait,
                    "What has not reached the new hosts is missing there: let replication catch up first.".to_owned(),
                ),
                (Tone::Wait, "Expect an interruption of five to ten seconds where one host is the primary.".to_owned()),
                (
                    Tone::Off,
                    "The old hosts serve for five more minutes, for clients that still hold an old address.".to_owned(),
                ),
            ];
            let error = beside(&[], memory.error(action));
            let inside = within(asks, lines, deed.into_any(), error, read.service.id.to_string(), close);
            view! { <ActionForm action=action>{inside}</ActionForm> }.into_any()
        })
    }
}

pub struct ServiceReturn;

#[lazy_route]
impl LazyRoute for ServiceReturn {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        asked::<ReturnService>("Call off migration", |_, read, memory, close| {
            let action = ServerAction::<ReturnService>::new();
            let blocked = reason(&read, |migration, _| migration.admit_return());
            let deed = view! { <Button kind=Kind::Danger reason=blocked busy=action.pending()>"Call it off"</Button> };
            let asks =
                format!("Call off the migration of {}? It stays in {}.", read.service.name, read.service.place_label);
            let lines = vec![
                (
                    Tone::Bad,
                    "Its replacement hosts are removed; their agents take the firewall off when they answer."
                        .to_owned(),
                ),
                (Tone::Off, "Its names, its old hosts and the data on all of them are not touched.".to_owned()),
            ];
            let error = beside(&[], memory.error(action));
            let inside = within(asks, lines, deed.into_any(), error, read.service.id.to_string(), close);
            view! { <ActionForm action=action>{inside}</ActionForm> }.into_any()
        })
    }
}

pub struct ServiceFinish;

#[lazy_route]
impl LazyRoute for ServiceFinish {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        asked::<FinishMigration>("Let old hosts go", |_, read, memory, close| {
            let action = ServerAction::<FinishMigration>::new();
            let blocked = reason(&read, |migration, read| migration.admit_finish(&read.service.nodes, read.now));
            let deed = view! { <Button kind=Kind::Danger reason=blocked busy=action.pending()>"Let them go"</Button> };
            let asks = format!("Let the old hosts of {} go now?", read.service.name);
            let lines = vec![
                (
                    Tone::Bad,
                    "The new hosts no longer let them in, and clients that still hold an old address are on their own."
                        .to_owned(),
                ),
                (
                    Tone::Wait,
                    "Their agents take the firewall off when they answer. A silent host keeps it until then."
                        .to_owned(),
                ),
                (Tone::Off, "The hosts and what runs on them are not touched.".to_owned()),
            ];
            let error = beside(&[], memory.error(action));
            let inside = within(asks, lines, deed.into_any(), error, read.service.id.to_string(), close);
            view! { <ActionForm action=action>{inside}</ActionForm> }.into_any()
        })
    }
}

fn asked<S: ServerFn>(title: &'static str, form: fn(Reading, ServiceReading, Memory, String) -> AnyView) -> AnyView {
    let reading = reading();
    let under = Under { page: view! { <Detail reading/> }.into_any(), close: path(routes::service_migration) };
    question::<S>(title, under, reading, form)
}

/// Why the step cannot be taken now.
fn reason(read: &ServiceReading, admit: impl Fn(&Migration, &ServiceReading) -> Result<(), Refusal>) -> Option<String> {
    let refusal = match &read.service.migration {
        Some(migration) => admit(migration, read).err(),
        None => Some(Service::stays()),
    };
    let fixed = read.service.going().or_else(|| read.missing(Permission::ServicesWrite));
    fixed.or_else(|| refusal.map(|refusal| refusal.sentence))
}

fn target(read: &ServiceReading) -> String {
    read.service.migration.as_ref().map(|migration| migration.target_label.clone()).unwrap_or_default()
}

/// The inside of each question's form.
fn within(
    asks: String,
    lines: Vec<(Tone, String)>,
    deed: AnyView,
    error: Signal<Option<String>>,
    service: String,
    close: String,
) -> impl IntoView {
    view! {
        <PanelBody>
            <p>{asks}</p>
            <Consequences lines/>
            <input type="hidden" name="project" value=use_project().get_untracked()/>
            <input type="hidden" name="id" value=service/>
        </PanelBody>
        <PanelFoot error>
            <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
            {deed}
        </PanelFoot>
    }
}
