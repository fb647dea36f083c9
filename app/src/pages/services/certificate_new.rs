use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    detail::Detail,
    over::{Under, panel},
    reading::{path, reading},
};
use crate::{
    api::{certificate_authority::IssueCertificate, services::ServiceReading},
    components::{Button, ButtonLink, Command, Glyph, Kind, PanelBody, PanelFoot, Prose, TextArea},
    domain::{
        certificate_authority::{CERTIFICATE_DAYS, NOT_PUBLIC, request_commands},
        permission::Permission,
        service::route::names,
    },
    pages::{
        form::{Memory, at, beside},
        here::use_project,
    },
    routes,
};

/// A signing request is brought, a certificate is taken away; the key stays on its host.
pub struct CertificateNew;

#[lazy_route]
impl LazyRoute for CertificateNew {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        let under = Under { page: view! { <Detail reading/> }.into_any(), close: path(routes::service_certificates) };
        panel::<IssueCertificate>("Issue certificate", under, true, reading, |_, read, memory, close| {
            view! { <Form read memory close/> }.into_any()
        })
    }
}

#[component]
fn Form(read: ServiceReading, memory: Memory, close: String) -> impl IntoView {
    let issue = ServerAction::<IssueCertificate>::new();
    let remote = memory.error(issue);
    let request = memory.text("request", "");
    let none = Signal::stored(None);
    let service = &read.service;
    let reason = service.going().or_else(|| read.missing(Permission::ServiceConfigurationWrite));
    let commands = request_commands(&service.name, &names(&service.name, &read.project, &service.zone));
    let hint = format!(
        "Only the key and the names are taken from it. The certificate is good for {CERTIFICATE_DAYS} days; ask for the next one in time."
    );
    let id = service.id.to_string();
    view! {
        <ActionForm action=issue>
            <PanelBody>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <input type="hidden" name="id" value=id/>
                <p class="muted">"On a host of the service: make a key, which stays there, and a signing request with the service's names."</p>
                <Command text=commands label="the commands"/>
                <TextArea
                    name="request"
                    label="Signing request"
                    value=request
                    error=at("request", none, remote)
                    hint
                    placeholder="-----BEGIN CERTIFICATE REQUEST-----"
                    rows=10
                    fact=true
                />
                <p class="muted"><Prose text=NOT_PUBLIC/></p>
            </PanelBody>
            <PanelFoot error=beside(&["request"], remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary icon=Glyph::Key busy=issue.pending() reason>"Issue certificate"</Button>
            </PanelFoot>
        </ActionForm>
    }
}
