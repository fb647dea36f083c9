use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

use super::{kinds, neighbours};
use crate::{
    api::{ApiError, gateways::GatewayReading, peers::CreateSite},
    components::{Button, ButtonLink, Check, Field, Kind, PanelBody, PanelFoot, Segments, TextArea},
    domain::{
        Refusal, Refusals,
        peer::{DEFAULT_KEEPALIVE, Neighbours, SiteForm},
    },
    pages::{
        form::{Memory, at, beside},
        fresh::fresh,
        gateways::{Reading, over::panel},
        here::{project_for_links, use_project},
    },
};

pub struct SiteNew;

#[lazy_route]
impl LazyRoute for SiteNew {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        panel::<CreateSite>("Add site", "Add peer", |resource, read, memory, close| {
            view! { <Form resource read memory close/> }.into_any()
        })
    }
}

#[component]
fn Form(resource: Reading, read: GatewayReading, memory: Memory, close: String) -> impl IntoView {
    let create = ServerAction::<CreateSite>::new();
    let project = use_project().get_untracked();
    let gateway = read.gateway.id;
    let segments = kinds(&project_for_links(&project), gateway, true);
    let text = |name: &str, default: &str| memory.text(&format!("form[{name}]"), default);
    let (name, key, endpoint, networks) =
        (text("name", ""), text("public_key", ""), text("endpoint", ""), text("networks", ""));
    let keepalive = text("keepalive", &DEFAULT_KEEPALIVE.to_string());
    let preshared = memory.ticked("form[preshared]", true);
    let remote = memory.error(create);
    let read = fresh(resource, read);
    let form = Memo::new(move |_| SiteForm {
        name: name.get(),
        public_key: key.get(),
        endpoint: endpoint.get(),
        networks: networks.get(),
        keepalive: keepalive.get(),
        ..SiteForm::default()
    });
    let typed = Memo::new(move |_| form.with(|form| form.parse().ok().map(|new| (new.name, new.public_key))));
    let met = neighbours(project.clone(), gateway, typed);
    let local = Signal::derive(move || {
        let met = met.get();
        read.with(|read| form.with(|form| local(read, met.as_ref(), form).err().map(ApiError::Refused)))
    });
    view! {
        <ActionForm action=create>
            <PanelBody>
                <Segments label="Kind of peer" segments/>
                <p class="muted">"A network behind a WireGuard router that this console does not manage. What the router needs is shown afterwards."</p>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="gateway" value=gateway.to_string()/>
                <Field name="form[name]" id="name" label="Name" value=name error=at("name", local, remote) placeholder="site-altona" autofocus=true required=true/>
                <Field
                    name="form[public_key]"
                    id="public_key"
                    label="Public key of the router"
                    value=key
                    error=at("public_key", local, remote)
                    hint="On the router: wg pubkey < private-key"
                    fact=true
                    required=true
                />
                <TextArea
                    name="form[networks]"
                    id="networks"
                    label="Networks behind the site"
                    value=networks
                    error=at("networks", local, remote)
                    hint="One a line, or separated by commas. They overlap neither this VPC nor another peer."
                    placeholder="192.168.88.0/24"
                    fact=true
                    rows=3
                />
                <Field
                    name="form[endpoint]"
                    id="endpoint"
                    label="Endpoint of the router"
                    value=endpoint
                    error=at("endpoint", local, remote)
                    hint="Address and port. Left empty, the site calls the gateway."
                    placeholder="198.51.100.7:51820"
                    fact=true
                    optional=true
                />
                <Field
                    name="form[keepalive]"
                    id="keepalive"
                    label="Keepalive"
                    value=keepalive
                    error=at("keepalive", local, remote)
                    hint="Seconds between packets that keep a way through NAT open; 0 is off."
                    fact=true
                />
                <Check name="form[preshared]" id="preshared" label="Make a preshared key" checked=preshared hint="A second secret for the tunnel. The router gets it with the export."/>
            </PanelBody>
            <PanelFoot error=beside(&["name", "public_key", "networks", "endpoint", "keepalive"], remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary busy=create.pending()>"Add site"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

/// What can be said of the fields that were filled in: the rules that the server will ask, once all can be read.
fn local(read: &GatewayReading, met: Option<&Neighbours>, form: &SiteForm) -> Result<(), Refusals> {
    match form.parse() {
        Ok(new) => {
            let mut refusals = Vec::new();
            let met = met.and_then(|met| met.admit(&new.name, new.public_key).err());
            refusals.extend(met.map(|refusals| refusals.0));
            refusals.extend(read.network.admit_site(read.gateway.id, &new).err().map(|refusals| refusals.0));
            Refusals::none_of(refusals.concat())
        }
        Err(refusals) => {
            let untouched = |refusal: &Refusal| match refusal.field.as_ref() {
                "name" => form.name.is_empty(),
                "public_key" => form.public_key.is_empty(),
                "networks" => form.networks.is_empty(),
                _ => false,
            };
            Refusals::none_of(refusals.0.into_iter().filter(|refusal| !untouched(refusal)).collect())
        }
    }
}
