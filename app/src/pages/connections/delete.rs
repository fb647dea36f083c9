use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::detail::Detail;
use crate::{
    api::{ApiError, connections::DeleteConnection},
    components::{Button, ButtonLink, Consequences, Dialog, Kind, PanelBody, PanelFoot, Tone},
    domain::{
        ConnectionId,
        connection::{Connection, ConnectionState},
    },
    pages::{
        failure::settle,
        form::{Memory, beside, flash},
        fresh::once,
        here::{project_for_links, use_project, use_segment},
        vpcs::{path_of, reading},
    },
    routes,
};

pub struct ConnectionDelete;

#[lazy_route]
impl LazyRoute for ConnectionDelete {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (reading, id) = (reading(), use_segment("connection"));
        let flash = flash();
        let close = back();
        view! {
            <Title text="Delete VPC peering"/>
            <Detail reading/>
            <Dialog title="Confirmation" close=close.clone()>
                <Transition>
                    {move || {
                        let close = close.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<DeleteConnection>(flash.await);
                            let id = id.get_untracked().parse::<ConnectionId>().ok();
                            let found = once(reading).await.and_then(|read| {
                                id.and_then(|id| read.connection(id).cloned()).ok_or(ApiError::NotFound)
                            });
                            settle(found, |one| view! { <Form one memory close/> }.into_any())
                        })
                    }}
                </Transition>
            </Dialog>
        }
        .into_any()
    }
}

/// The connection's page; of an id that is none, the VPC's.
fn back() -> String {
    let project = project_for_links(&use_project().get_untracked());
    let (vpc, id) = (use_segment("vpc").get_untracked(), use_segment("connection").get_untracked());
    match (vpc.parse(), id.parse()) {
        (Ok(vpc), Ok(id)) => routes::connection(&project, vpc, id),
        _ => path_of(use_project(), use_segment("vpc")),
    }
}

#[component]
fn Form(one: Connection, memory: Memory, close: String) -> impl IntoView {
    let delete = ServerAction::<DeleteConnection>::new();
    let error = memory.error(delete);
    let going = (one.state == ConnectionState::Deleting).then(|| "It is being deleted already.".to_owned());
    view! {
        <ActionForm action=delete>
            <PanelBody>
                <p>{format!("Delete the peering connection to {}?", one.name())}</p>
                <Consequences lines=consequences(&one)/>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <input type="hidden" name="vpc" value=one.vpc.to_string()/>
                <input type="hidden" name="id" value=one.id.to_string()/>
            </PanelBody>
            <PanelFoot error=beside(&[], error)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Danger reason=going busy=delete.pending()>"Delete VPC peering"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

/// What stops is a loss only where something was running.
fn consequences(one: &Connection) -> Vec<(Tone, String)> {
    let tone = if one.state == ConnectionState::Active { Tone::Bad } else { Tone::Off };
    one.deletion_consequences().into_iter().map(|line| (tone, line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::connection::fixtures::{AWS, connection};

    #[test]
    fn only_what_runs_is_lost_by_deleting_it() {
        let active = consequences(&connection(AWS, ConnectionState::Active));
        assert_eq!(active[0], (Tone::Bad, "Traffic between the VPC and vpc-0123456789abcdef0 stops.".to_owned()));
        let pending = consequences(&connection(AWS, ConnectionState::PendingPeer));
        assert!(pending.iter().all(|(tone, text)| *tone == Tone::Off && !text.contains("stops")));
    }
}
