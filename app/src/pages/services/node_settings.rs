//! Whether an agent keeps a node's firewall, and the addresses that none reports.

use leptos::prelude::*;

use crate::{
    api::{
        ApiError,
        services::{ServiceReading, UpdateNode},
    },
    components::{Block, Button, Check, Field, Kind},
    domain::service::{Node, member::NodeForm},
    pages::{
        form::{FlashResource, Memory, at, beside},
        fresh::{awaited, once},
        here::{use_project, use_segment},
    },
};

#[component]
pub fn Settings(node: Memo<Node>, read: Signal<ServiceReading>, flash: FlashResource) -> impl IntoView {
    view! {
        <Block id="h-settings" title="Addresses and enforcement" lead="What is entered here counts before what an agent reports.">
            {awaited(move || async move {
                let memory = Memory::of::<UpdateNode>(once(flash).await);
                view! { <Form node read memory/> }.into_any()
            })}
        </Block>
    }
}

const FIELDS: &[&str] = &["private_address", "public_address"];

#[component]
fn Form(node: Memo<Node>, read: Signal<ServiceReading>, memory: Memory) -> impl IntoView {
    let update = ServerAction::<UpdateNode>::new();
    let first = node.get_untracked();
    let settings = first.settings;
    let remote = memory.error(update);
    // A box that was unticked sends nothing: only after a refusal does that count.
    let tried = remote.with_untracked(Option::is_some);
    let ticked = |name: &str, own: bool| if tried { memory.ticked(name, own) } else { RwSignal::new(own) };
    let (enforced, translated) =
        (ticked("form[enforced]", settings.enforced), ticked("form[translated]", settings.translated));
    let private = memory
        .text("form[private_address]", settings.private_address.map(|address| address.to_string()).unwrap_or_default());
    let public = memory
        .text("form[public_address]", settings.public_address.map(|address| address.to_string()).unwrap_or_default());
    // While the service moves, the node may be in the other place.
    let place = first.place.clone();
    let range = Memo::new(move |_| read.with(|read| read.service.range_at(&place)));
    let local = Signal::derive(move || {
        let box_text = |ticked: bool| if ticked { "true".to_owned() } else { String::new() };
        let form = NodeForm {
            enforced: box_text(enforced.get()),
            private_address: private.get(),
            public_address: public.get(),
            translated: box_text(translated.get()),
        };
        form.parse(range.get()).err().map(ApiError::Refused)
    });
    let (inside, hint) = match range.get_untracked() {
        Some(range) => (
            true,
            format!("In {range}, the range of the VPC. Left empty, it is the address that the agent finds there."),
        ),
        None => (false, "Where private access leads.".to_owned()),
    };
    let saved = move || matches!(update.value().get(), Some(Ok(()))).then_some("Saved.");
    let public_hint = if inside {
        "Where public access leads. Left empty, it is the address of the host's default route."
    } else {
        "Where clients reach the node. Left empty, it is the address of the host's default route."
    };
    view! {
        <ActionForm action=update attr:class="node-form">
            <input type="hidden" name="project" value=use_project().get_untracked()/>
            <input type="hidden" name="id" value=use_segment("service").get_untracked()/>
            <input type="hidden" name="node" value=first.id.to_string()/>
            <Check
                name="form[enforced]"
                id="enforced"
                label="An agent keeps its firewall"
                checked=enforced
                hint="Without an agent the node is only listed: names lead to it, nobody guards its ports, and its addresses are entered here."
            />
            <Field name="form[private_address]" id="private_address" label="Private address" value=private error=at("private_address", local, remote) hint placeholder="10.0.0.4" fact=true optional=true/>
            <Field name="form[public_address]" id="public_address" label="Public address" value=public error=at("public_address", local, remote) hint=public_hint placeholder="203.0.113.4" fact=true optional=true/>
            <Check
                name="form[translated]"
                id="translated"
                label="The public address is translated before the host"
                checked=translated
                hint="By a cloud's or a router's NAT: the host itself sees such packets at its private address."
            />
            <p class="refusal" role="alert">{move || beside(FIELDS, remote).get()}</p>
            <p class="flow"><Button kind=Kind::Default busy=update.pending() reason=first_going(read)>"Save node"</Button> <span role="status" class="muted">{saved}</span></p>
        </ActionForm>
    }
}

fn first_going(read: Signal<ServiceReading>) -> Signal<Option<String>> {
    Signal::derive(move || read.with(|read| read.service.going()))
}
