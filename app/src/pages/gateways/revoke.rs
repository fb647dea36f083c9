use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::detail::{Detail, reading};
use crate::{
    api::enrolment::RevokeCredential,
    components::{Button, ButtonLink, Consequences, Dialog, Kind, PanelBody, PanelFoot, Tone},
    domain::gateway::Gateway,
    pages::{
        failure::settle,
        form::{Memory, beside, flash},
        fresh::once,
        here::{use_project, use_segment},
    },
};

pub struct GatewayRevoke;

#[lazy_route]
impl LazyRoute for GatewayRevoke {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        let flash = flash();
        let close = super::path_of(use_project(), use_segment("gateway"));
        view! {
            <Title text="Revoke credential"/>
            <Detail reading/>
            <Dialog title="Confirmation" close=close.clone()>
                <Transition>
                    {move || {
                        let close = close.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<RevokeCredential>(flash.await);
                            settle(once(reading).await, |read| view! { <Form gateway=read.gateway memory close/> }.into_any())
                        })
                    }}
                </Transition>
            </Dialog>
        }
        .into_any()
    }
}

#[component]
fn Form(gateway: Gateway, memory: Memory, close: String) -> impl IntoView {
    let revoke = ServerAction::<RevokeCredential>::new();
    let error = memory.error(revoke);
    let host = gateway.host.as_ref().map_or_else(|| "its host".to_owned(), |host| host.host_name.clone());
    let lines = vec![
        (Tone::Bad, format!("The console hears nothing more of {host}: the gateway turns to Error until a host is enrolled again.")),
        (Tone::Wait, "Its tunnels stay as they are, and changes made here wait. To cut them, delete the gateway's peers on the other side.".to_owned()),
    ];
    view! {
        <ActionForm action=revoke>
            <PanelBody>
                <p>{format!("Revoke the agent's credential of {}?", gateway.name)}</p>
                <Consequences lines/>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <input type="hidden" name="id" value=gateway.id.to_string()/>
            </PanelBody>
            <PanelFoot error=beside(&[], error)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Danger busy=revoke.pending()>"Revoke credential"</Button>
            </PanelFoot>
        </ActionForm>
    }
}
