use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    over::{Under, panel},
    reading::{path, reading},
    settings::Settings,
};
use crate::{
    api::services::SetServiceAccess,
    components::{Button, ButtonLink, Check, Kind, Notice, PanelBody, PanelFoot, Refusal, Tone},
    domain::{
        permission::Permission,
        service::{Component, Service, catalogue::Switch, ip_filter},
    },
    pages::{
        form::{Memory, at, beside},
        here::use_project,
    },
    routes,
};

pub struct ServiceAccess;

#[lazy_route]
impl LazyRoute for ServiceAccess {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        let under = Under { page: view! { <Settings reading/> }.into_any(), close: path(routes::service_settings) };
        panel::<SetServiceAccess>("Public and private access", under, false, reading, |_, read, memory, close| {
            let reason = read.service.going().or_else(|| read.missing(Permission::ServiceConfigurationWrite));
            view! { <Form service=read.service reason memory close/> }.into_any()
        })
    }
}

#[component]
fn Form(service: Service, reason: Option<String>, memory: Memory, close: String) -> impl IntoView {
    let set = ServerAction::<SetServiceAccess>::new();
    let remote = memory.error(set);
    let none = Signal::stored(None);
    let inside = service.place.vpc.is_some();
    let tried = remote.with_untracked(Option::is_some);
    let switch = |at: usize, component: &Component, public: bool| {
        let list = if public { "public" } else { "private" };
        let (name, own) =
            (format!("form[{list}][{at}]"), if public { component.public_access } else { component.private_access });
        // A box that was unticked sends nothing: only after a refusal does that count.
        let ticked = if tried { memory.ticked(&name, own) } else { RwSignal::new(own) };
        let never = public && service.kind.switches(&component.name).0 == Switch::Never;
        let hint = never.then(|| "This component has no public access.".to_owned());
        let label = if public { "Public access" } else { "Private access" };
        let (id, value) = (format!("{list}-{}", component.name), component.name.to_string());
        let described = format!("{label} to {}", component.name);
        let ticked = (ticked, public.then_some(ticked));
        let view = match hint {
            Some(hint) => {
                view! { <Check name id value label=described checked=ticked.0 hint disabled=true/> }.into_any()
            }
            None => view! { <Check name id value label=described checked=ticked.0/> }.into_any(),
        };
        (view, ticked.1)
    };
    let mut publics: Vec<RwSignal<bool>> = Vec::new();
    let rows: Vec<AnyView> = service
        .components
        .iter()
        .enumerate()
        .map(|(at, component)| {
            let (public, ticked) = switch(at, component, true);
            let (private, _) = switch(at, component, false);
            publics.extend(ticked);
            view! {
                <fieldset class="field switches">
                    <legend>{component.name.to_string()} " " <span class="fact quiet">{component.port}</span></legend>
                    <div>{public}{private}</div>
                </fieldset>
            }
            .into_any()
        })
        .collect();
    let open = service.filter.is_open();
    let warned = move || {
        let opens = inside && open && publics.iter().any(|ticked| ticked.get());
        opens.then(|| view! {
            <Notice tone=Tone::Wait title=ip_filter::OPEN_HINT text="With public access the IP filter decides who gets in, and it lets in everybody. Set it next."/>
        })
    };
    let meaning = if inside {
        "Public access adds a host name that begins with public- and leads to public addresses; the IP filter decides who gets in. Private access adds one that begins with private-. No node is replaced and no connection ends."
    } else {
        "The service is in public, where every route is public already. Public access counts once it is in a VPC, so it can be switched on before it moves. Private access adds a host name that leads to private addresses."
    };
    view! {
        <ActionForm action=set>
            <PanelBody>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <input type="hidden" name="id" value=service.id.to_string()/>
                <p class="muted">{meaning}</p>
                {rows}
                <Refusal id="public-refusal" error=at("public", none, remote)/>
                {warned}
            </PanelBody>
            <PanelFoot error=beside(&["public"], remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary busy=set.pending() reason>"Save access"</Button>
            </PanelFoot>
        </ActionForm>
    }
}
