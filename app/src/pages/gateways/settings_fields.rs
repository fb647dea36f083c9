//! The part of the gateway form that can be changed later, shared by the form that makes a gateway and the one that changes it.

use leptos::prelude::*;

use crate::{
    components::{Check, Choice, Field, SegmentField},
    domain::gateway::{GatewayForm, GatewaySettings},
    pages::form::Memory,
};

/// What stands in the fields.
#[derive(Clone, Copy)]
pub struct Typed {
    pub public_address: RwSignal<String>,
    listen_port: RwSignal<String>,
    mtu: RwSignal<String>,
    dns: RwSignal<String>,
    masquerade_vpc: RwSignal<bool>,
    internet_egress: RwSignal<bool>,
    drift_policy: RwSignal<String>,
}

impl Typed {
    /// The last try's values, else the settings'.
    pub fn of(memory: &Memory, settings: &GatewaySettings) -> Self {
        let dns = settings.dns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let public = settings.public_address.map(|address| address.to_string()).unwrap_or_default();
        Self {
            public_address: memory.text("form[public_address]", public),
            listen_port: memory.text("form[listen_port]", settings.listen_port.to_string()),
            mtu: memory.text("form[mtu]", settings.mtu.to_string()),
            dns: memory.text("form[dns]", dns),
            masquerade_vpc: memory.ticked("form[masquerade_vpc]", settings.masquerade_vpc),
            internet_egress: memory.ticked("form[internet_egress]", settings.internet_egress),
            drift_policy: memory.text("form[drift_policy]", settings.drift_policy.as_str()),
        }
    }

    /// As the form would send it. Tracked.
    pub fn form(self) -> GatewayForm {
        let box_text = |ticked: bool| if ticked { "true".to_owned() } else { String::new() };
        GatewayForm {
            public_address: self.public_address.get(),
            listen_port: self.listen_port.get(),
            mtu: self.mtu.get(),
            dns: self.dns.get(),
            masquerade_vpc: box_text(self.masquerade_vpc.get()),
            internet_egress: box_text(self.internet_egress.get()),
            drift_policy: self.drift_policy.get(),
            ..GatewayForm::default()
        }
    }
}

/// The sentence for a field of the form.
pub type Refused = Callback<&'static str, Signal<Option<String>>>;

#[component]
pub fn PublicAddress(typed: Typed, refused: Refused) -> impl IntoView {
    view! {
        <Field
            name="form[public_address]"
            id="public_address"
            label="Public address"
            value=typed.public_address
            error=refused.run("public_address")
            hint="Where peers reach the gateway from outside. Left empty, it is the address of the host's default route, as the agent reports it."
            placeholder="203.0.113.10"
            fact=true
            optional=true
        />
    }
}

/// Port, MTU, DNS, address translation and what happens on a difference.
#[component]
pub fn Advanced(typed: Typed, refused: Refused) -> impl IntoView {
    let policies = vec![Choice::new("repair", "Repair at once"), Choice::new("ask", "Ask first")];
    view! {
        <Field
            name="form[listen_port]"
            id="listen_port"
            label="Listen port"
            value=typed.listen_port
            error=refused.run("listen_port")
            hint="UDP. Open it in the firewalls before the host."
            fact=true
        />
        <Field name="form[mtu]" id="mtu" label="MTU" value=typed.mtu error=refused.run("mtu") hint="The path's MTU less 80 bytes: 1420 on an ordinary network." fact=true/>
        <Field
            name="form[dns]"
            id="dns"
            label="DNS servers"
            value=typed.dns
            error=refused.run("dns")
            hint="Put into the files of people's devices; at most four addresses."
            placeholder="10.10.0.53"
            fact=true
            optional=true
        />
        <Check
            name="form[masquerade_vpc]"
            id="masquerade_vpc"
            label="Translate addresses toward the VPC"
            checked=typed.masquerade_vpc
            hint="Only where the VPC has no route back to people and sites: its hosts then see the gateway's address. Peered VPCs keep their own addresses always."
        />
        <Check
            name="form[internet_egress]"
            id="internet_egress"
            label="The gateway is the VPC's way to the internet"
            checked=typed.internet_egress
            hint="Hosts of the VPC leave with the gateway's public address. Private ranges never leave."
        />
        <SegmentField
            name="form[drift_policy]"
            legend="When the host differs from what was asked"
            options=policies
            value=typed.drift_policy
            error=refused.run("drift_policy")
            hint="Ask first: the agent shows each difference here and touches nothing until somebody applies it."
        />
    }
}
