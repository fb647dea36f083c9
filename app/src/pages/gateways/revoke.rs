use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

use super::{detail::reading, over::question};
use crate::{
    api::enrolment::RevokeCredential,
    components::{Button, ButtonLink, Consequences, Kind, PanelBody, PanelFoot, Tone},
    domain::gateway::{Gateway, GatewayStatus},
    pages::{
        form::{Memory, beside},
        here::use_project,
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
        question::<RevokeCredential, _>("Revoke credential", reading, reading, |read, memory, close| {
            view! { <Form gateway=read.gateway memory close/> }.into_any()
        })
    }
}

/// Of a gateway that is being deleted, revoking is how one ends the wait for a host that will never answer.
fn consequences(gateway: &Gateway, host: &str) -> Vec<(Tone, String)> {
    let name = &gateway.name;
    if gateway.status == GatewayStatus::Deleting {
        return vec![
            (Tone::Bad, format!("{name} is removed here at once, without a word from {host} that it has cleaned up.")),
            (
                Tone::Wait,
                format!(
                    "If {host} still runs, it keeps its tunnels until its agent asks again; it is then told to remove everything."
                ),
            ),
        ];
    }
    vec![
        (Tone::Bad, format!("The console hears nothing more of {host}: the gateway turns to Error until a host is enrolled again.")),
        (Tone::Wait, "Its tunnels stay as they are, and changes made here wait. To cut them, delete the gateway's peers on the other side.".to_owned()),
    ]
}

#[component]
fn Form(gateway: Gateway, memory: Memory, close: String) -> impl IntoView {
    let revoke = ServerAction::<RevokeCredential>::new();
    let error = memory.error(revoke);
    let host = gateway.host.as_ref().map_or_else(|| "its host".to_owned(), |host| host.host_name.clone());
    let lines = consequences(&gateway, &host);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::harbor;

    #[test]
    fn revoking_says_what_becomes_of_the_host_and_of_a_gateway_that_is_being_deleted() {
        let mut gateway = harbor().gateways[0].clone();
        let text = |gateway: &Gateway| {
            consequences(gateway, "edge-1").into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n")
        };
        assert!(text(&gateway).contains("turns to Error") && text(&gateway).contains("tunnels stay as they are"));
        gateway.status = GatewayStatus::Deleting;
        assert!(text(&gateway).contains("is removed here at once") && text(&gateway).contains("If edge-1 still runs"));
    }
}
