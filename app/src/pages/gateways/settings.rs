use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    detail::Reading,
    over::panel,
    settings_fields::{Advanced, PublicAddress, Typed},
};
use crate::{
    api::{
        ApiError,
        gateways::{GatewayReading, UpdateGateway},
    },
    components::{Button, ButtonLink, Copy, Fact, Facts, Kind, PanelBody, PanelFoot},
    domain::{Refusals, gateway::GatewayForm},
    pages::{
        form::{Memory, at, beside},
        fresh::fresh,
        here::{project_for_links, use_project},
    },
    routes,
};

pub struct GatewaySettings;

#[lazy_route]
impl LazyRoute for GatewaySettings {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        panel::<UpdateGateway>("Gateway settings", "Gateway settings", |resource, read, memory, close| {
            view! { <Form resource read memory close/> }.into_any()
        })
    }
}

#[component]
fn Form(resource: Reading, read: GatewayReading, memory: Memory, close: String) -> impl IntoView {
    let update = ServerAction::<UpdateGateway>::new();
    let typed = Typed::of(&memory, &read.gateway.settings);
    let remote = memory.error(update);
    let project = use_project().get_untracked();
    let revoke = routes::gateway_revoke(&project_for_links(&project), read.gateway.id);
    let (id, name, tunnel) =
        (read.gateway.id.to_string(), read.gateway.name.to_string(), read.gateway.tunnel.to_string());
    let vpc = format!("{} ", read.gateway.vpc_name);
    let cidr = read.gateway.vpc_cidr.to_string();
    let not_enrolled = (!read.gateway.enrolled()).then(|| "No host has enrolled yet.".to_owned());
    let read = fresh(resource, read);
    let local = Signal::derive(move || {
        let form = typed.form();
        read.with(|read| local(read, &form).err().map(ApiError::Refused))
    });
    let refused = Callback::new(move |field: &'static str| at(field, local, remote));
    view! {
        <ActionForm action=update>
            <PanelBody>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="id" value=id/>
                <Facts>
                    <Fact label="Name">{name}</Fact>
                    <Fact label="VPC">{vpc} <span class="fact">{cidr}</span></Fact>
                    <Fact label="Tunnel subnet"><Copy value=tunnel/></Fact>
                </Facts>
                <p class="muted">"Name, VPC and tunnel subnet never change: other gateways and people's files hold them."</p>
                <PublicAddress typed refused/>
                <Advanced typed refused/>
                <div class="field">
                    <h3>"Agent credential"</h3>
                    <p class="hint">"If the host was stolen or copied, take its credential away. Its tunnels stay until the host is enrolled again or the gateway is deleted."</p>
                    <p><ButtonLink href=revoke kind=Kind::Danger reason=not_enrolled>"Revoke credential"</ButtonLink></p>
                </div>
            </PanelBody>
            <PanelFoot error=beside(&["public_address", "listen_port", "mtu", "dns", "drift_policy"], remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary busy=update.pending()>"Save settings"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

/// The same rules that the server will ask.
fn local(read: &GatewayReading, form: &GatewayForm) -> Result<(), Refusals> {
    let settings = form.parse_settings()?;
    let reported = read.gateway.host.as_ref().and_then(crate::domain::host::HostFacts::wan_address);
    Ok(read.network.admit_public_address(read.gateway.id, settings.public_address.or(reported))?)
}
