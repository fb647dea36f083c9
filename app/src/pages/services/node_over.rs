//! The questions about a node: whether to remove it, and whether to take its agent's credential away.

use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    node::Detail,
    over::{Under, question},
    reading::{last_reading, node_of, node_path, reading},
};
use crate::{
    api::{
        ApiError,
        services::{RemoveNode, RevokeNodeCredential, ServiceReading},
    },
    components::{Button, ButtonLink, Consequences, Kind, PanelBody, PanelFoot, Tone},
    domain::service::{Node, Service},
    pages::{
        failure::Failure,
        form::{Memory, beside, flash},
        here::{use_project, use_segment},
    },
};

pub struct NodeRemove;

#[lazy_route]
impl LazyRoute for NodeRemove {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = last_reading();
        let under = Under { page: view! { <Detail reading flash=flash()/> }.into_any(), close: node_path() };
        question::<RemoveNode>("Remove node", under, reading, |_, read, memory, close| {
            of_node(read, |read, node| view! { <Remove service=read.service node memory close/> }.into_any())
        })
    }
}

pub struct NodeRevoke;

#[lazy_route]
impl LazyRoute for NodeRevoke {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        let under = Under { page: view! { <Detail reading flash=flash()/> }.into_any(), close: node_path() };
        question::<RevokeNodeCredential>("Revoke credential", under, reading, |_, read, memory, close| {
            of_node(read, |_, node| view! { <Revoke node memory close/> }.into_any())
        })
    }
}

fn of_node(read: ServiceReading, form: impl FnOnce(ServiceReading, Node) -> AnyView) -> AnyView {
    match node_of(&read.service, &use_segment("node").get_untracked()) {
        Some(node) => form(read, node),
        None => view! { <Failure error=ApiError::NotFound/> }.into_any(),
    }
}

#[component]
fn Remove(service: Service, node: Node, memory: Memory, close: String) -> impl IntoView {
    let remove = ServerAction::<RemoveNode>::new();
    let error = memory.error(remove);
    let lines = consequences(&service, &node);
    let going = node.going().or_else(|| service.going());
    view! {
        <ActionForm action=remove>
            <PanelBody>
                <p>{format!("Remove the node {}?", node.name)}</p>
                <Consequences lines/>
                <Hidden node/>
            </PanelBody>
            <PanelFoot error=beside(&[], error)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Danger reason=going busy=remove.pending()>"Remove node"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

fn consequences(service: &Service, node: &Node) -> Vec<(Tone, String)> {
    let mut lines = Vec::new();
    let others = service.nodes.iter().filter(|other| other.id != node.id && other.serves()).count();
    if node.serves() && others == 0 {
        lines.push((Tone::Bad, format!("No other node serves: the names of {} lead nowhere.", service.name)));
    } else if node.serves() {
        lines.push((Tone::Bad, "Names no longer lead to it: take its records out of your DNS.".to_owned()));
    }
    lines.push((Tone::Bad, "The other nodes no longer let it in.".to_owned()));
    if node.sync.is_some() {
        lines.push((
            Tone::Wait,
            "Its host takes the firewall off when its agent answers. A silent host keeps it until then.".to_owned(),
        ));
    }
    lines.push((Tone::Off, "The host and what runs on it are not touched.".to_owned()));
    lines
}

#[component]
fn Revoke(node: Node, memory: Memory, close: String) -> impl IntoView {
    let revoke = ServerAction::<RevokeNodeCredential>::new();
    let error = memory.error(revoke);
    let host = node.host_name.clone().unwrap_or_else(|| "its host".to_owned());
    let lines = if node.removed {
        vec![
            (Tone::Bad, "The node is let go at once, whatever its host still has.".to_owned()),
            (Tone::Wait, format!("If {host} is there after all, its firewall stays until you take it off.")),
        ]
    } else {
        vec![
            (Tone::Bad, format!("The console hears nothing more of {host} until a host is enrolled again.")),
            (Tone::Wait, "Its firewall stays as it is, and changes made here do not reach it.".to_owned()),
        ]
    };
    let none = node.sync.is_none().then(|| "No agent holds a credential for it.".to_owned());
    let question = format!("Revoke the agent's credential of {}?", node.name);
    view! {
        <ActionForm action=revoke>
            <PanelBody>
                <p>{question}</p>
                <Consequences lines/>
                <Hidden node/>
            </PanelBody>
            <PanelFoot error=beside(&[], error)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Danger reason=none busy=revoke.pending()>"Revoke credential"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

/// Which node of which service.
#[component]
fn Hidden(node: Node) -> impl IntoView {
    view! {
        <input type="hidden" name="project" value=use_project().get_untracked()/>
        <input type="hidden" name="id" value=use_segment("service").get_untracked()/>
        <input type="hidden" name="node" value=node.id.to_string()/>
    }
}
