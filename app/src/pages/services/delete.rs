use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    detail::Detail,
    over::{Under, question},
    reading::{last_reading, path},
};
use crate::{
    api::services::DeleteService,
    components::{Button, ButtonLink, Consequences, Kind, PanelBody, PanelFoot, Tone},
    domain::service::Service,
    pages::{
        form::{Memory, beside},
        here::use_project,
    },
    routes,
};

pub struct ServiceDelete;

#[lazy_route]
impl LazyRoute for ServiceDelete {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = last_reading();
        let under = Under { page: view! { <Detail reading/> }.into_any(), close: path(routes::service) };
        question::<DeleteService>("Delete service", under, reading, |_, read, memory, close| {
            view! { <Form service=read.service memory close/> }.into_any()
        })
    }
}

#[component]
fn Form(service: Service, memory: Memory, close: String) -> impl IntoView {
    let delete = ServerAction::<DeleteService>::new();
    let error = memory.error(delete);
    let lines = consequences(&service);
    let reason = service.going().or_else(|| service.deletion_refusal().map(|refusal| refusal.sentence));
    view! {
        <ActionForm action=delete>
            <PanelBody>
                <p>{format!("Delete the service {}?", service.name)}</p>
                <Consequences lines/>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <input type="hidden" name="id" value=service.id.to_string()/>
            </PanelBody>
            <PanelFoot error=beside(&[], error)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Danger reason busy=delete.pending()>"Delete service"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

fn consequences(service: &Service) -> Vec<(Tone, String)> {
    let enrolled = service.nodes.iter().filter(|node| node.sync.is_some()).count();
    let mut lines =
        vec![(Tone::Bad, "Its host names are the console's no longer: take their records out of your DNS.".to_owned())];
    match enrolled {
        0 => {}
        1 => lines.push((Tone::Bad, "Its host takes the firewall off when its agent answers; whatever the host itself lets in then reaches the ports.".to_owned())),
        many => lines.push((Tone::Bad, format!("{many} hosts take the firewall off when their agents answer; whatever the hosts themselves let in then reaches the ports."))),
    }
    if enrolled > 0 {
        lines.push((Tone::Wait, "A silent host keeps its firewall until its agent answers.".to_owned()));
    }
    lines.push((Tone::Off, "The hosts and what runs on them are not touched.".to_owned()));
    if let Some(vpc) = &service.vpc {
        lines.push((Tone::Off, format!("VPC {} can be deleted once no service is in it.", vpc.name)));
    }
    lines
}
