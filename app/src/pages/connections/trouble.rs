//! "Troubleshoot": three questions with the connection's own names, and a line to test the way with.

use leptos::prelude::*;

use super::parts::parts;
use crate::{
    components::{Block, Button, Command, Field, Glyph, Prose},
    domain::{
        connection::{Connection, ConnectionType},
        guide::{
            Ours, dhcp_commands,
            trouble::{Probe, trouble},
        },
    },
    pages::{here::query, support::SupportLine},
};

#[component]
pub fn Trouble(one: Memo<Option<Connection>>, ours: Memo<Ours>, kind: ConnectionType) -> impl IntoView {
    let typed = |name: &str| RwSignal::new(query::<String>(name).unwrap_or_default());
    let (host, port, interface) = (typed("host"), typed("port"), typed("nic"));
    let all = Memo::new(move |_| {
        let probe = Probe { host: host.get(), port: port.get() };
        one.with(|one| one.as_ref().map(|one| trouble(one, &ours.read(), &probe))).unwrap_or_default()
    });
    // A question that somebody has opened stays open while its words change.
    let questions = Memo::new(move |_| {
        all.with(|all| all.iter().map(|trouble| (trouble.title, trouble.likely)).collect::<Vec<_>>())
    });
    let question = move |(title, likely): (&'static str, bool)| {
        let body = Memo::new(move |_| {
            all.with(|all| all.iter().find(|one| one.title == title).map(|one| one.parts.clone()).unwrap_or_default())
        });
        view! {
            <details class="advanced" open=likely>
                <summary>{title}</summary>
                <div>{move || body.with(|body| parts(body, "trouble"))}</div>
            </details>
        }
    };
    let leases = (kind == ConnectionType::UpcloudVpcPeering).then(|| view! { <Leases interface/> });
    view! {
        <Block id="h-trouble" title="Troubleshoot">
            {move || questions.get().into_iter().map(question).collect_view()}
            <form class="fill" method="get" action="#h-trouble">
                <Field name="host" label="Service host" value=host placeholder="pg-1.example.com" fact=true/>
                <Field name="port" label="Port" value=port placeholder="5432" fact=true/>
                <span class="still-only"><Button icon=Glyph::Terminal>"Fill in"</Button></span>
            </form>
            <SupportLine/>
        </Block>
        {leases}
    }
}

/// Servers that were there before the peering have no route until then (domain 4.5).
#[component]
fn Leases(interface: RwSignal<String>) -> impl IntoView {
    const WHY: &str = "Servers that were created before the peering have no route to the VPC until their DHCP lease is renewed. Run both commands on each of them.";
    let text = Memo::new(move |_| interface.with(|interface| dhcp_commands(interface)).join("\n"));
    view! {
        <Block id="h-leases" title="DHCP leases">
            <p><Prose text=WHY/></p>
            <form class="fill" method="get" action="#h-leases">
                <Field name="nic" label="Network interface" value=interface placeholder="eth2" fact=true/>
                <span class="still-only"><Button icon=Glyph::Terminal>"Fill in"</Button></span>
            </form>
            {move || view! { <Command text=text.get() label="both commands"/> }}
        </Block>
    }
}
