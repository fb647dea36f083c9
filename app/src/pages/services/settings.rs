use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::reading::{Reading, reading};
use crate::{
    api::services::{ProtectService, ServiceReading},
    components::{
        Badge, Block, Button, ButtonLink, Copy, Fact, Facts, Glyph, Kind, Menu, MenuLink, PageHead, Refusal, Tone,
    },
    domain::{
        ProjectName,
        permission::Permission,
        service::{Service, ip_filter},
    },
    pages::{
        form::{Memory, beside, flash},
        fresh::{awaited, living, once},
        here::{project_for_links, use_project},
    },
    routes,
};

pub struct ServiceSettings;

#[lazy_route]
impl LazyRoute for ServiceSettings {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        view! {
            <Title text="Service settings"/>
            <Settings reading/>
        }
        .into_any()
    }
}

/// The page itself; also what lies behind the panels about access and filters.
#[component]
pub fn Settings(reading: Reading) -> impl IntoView {
    living(reading, |read| view! { <Shown read/> }.into_any())
}

#[component]
fn Shown(read: Signal<ServiceReading>) -> impl IntoView {
    let protect = ServerAction::<ProtectService>::new();
    let project = project_for_links(&use_project().get_untracked());
    let service = Memo::new(move |_| read.with(|read| read.service.clone()));
    // Why whoever reads this may not.
    let missing = |permission| Memo::new(move |_| read.with(|read| read.missing(permission)));
    let (write, configure) = (missing(Permission::ServicesWrite), missing(Permission::ServiceConfigurationWrite));
    let flash = flash();
    let refusal = move || {
        awaited(move || async move {
            let error = beside(&[], Memory::of::<ProtectService>(once(flash).await).error(protect));
            view! { <Refusal id="protect-refusal" error/> }.into_any()
        })
    };
    let (of_head, of_network, of_delete) = (project.clone(), project.clone(), project);
    view! {
        {move || service.with(|service| head(service, &of_head))}
        {move || service.with(|service| network(service, &of_network, configure.get(), write.get()))}
        {move || service.with(|service| protection(service, protect, write.get()))}
        {refusal()}
        {move || service.with(|service| deletion(service, &of_delete, write.get()))}
    }
}

fn head(service: &Service, project: &ProjectName) -> impl IntoView + use<> {
    let crumbs = vec![
        ("Services".to_owned(), routes::services(project)),
        (service.name.to_string(), routes::service(project, service.id)),
    ];
    let (tone, word) = (Tone::from(service.standing()), service.word());
    let badge = move || view! { <Badge tone word/> };
    let (title, open) = (format!("Settings of {}", service.name), routes::service(project, service.id));
    view! {
        <PageHead title crumbs lead="Where it is, who gets in from outside, and what protects it." badge>
            <ButtonLink href=open>"Open the service"</ButtonLink>
        </PageHead>
    }
}

/// `configure`, `write`: why whoever reads this may not.
fn network(
    service: &Service,
    project: &ProjectName,
    configure: Option<String>,
    write: Option<String>,
) -> impl IntoView + use<> {
    let (going, write) = (service.going().or(configure), service.going().or(write));
    let restricted = (!service.filter_applies()).then(|| ip_filter::RESTRICTED.to_owned());
    let (filter, access) =
        (routes::service_ip_filter(project, service.id), routes::service_access(project, service.id));
    let firewall = routes::service_firewall(project, service.id);
    // While it moves, the way to where that is seen.
    let moving = service.migration.as_ref().map(|migration| migration.target_label.clone());
    let write = write.filter(|_| moving.is_none());
    let (migrate, migrate_label) = match &moving {
        Some(_) => (routes::service_migration(project, service.id), "Open the migration"),
        None => (routes::service_migrate(project, service.id), "Change cloud or region"),
    };
    let of_menu = (filter.clone(), access.clone(), migrate.clone(), going.clone(), restricted.clone(), write.clone());
    let aside = move || {
        let (filter, access, migrate, going, restricted, write) = of_menu;
        view! {
            <Menu label="Actions">
                <MenuLink href=migrate icon=Glyph::ArrowRight label=migrate_label hint="Migrate the service to another region or VPC" reason=write/>
                <MenuLink href=filter icon=Glyph::Users label="Set public IP filters" reason=going.clone().or(restricted)/>
                <MenuLink href=access icon=Glyph::Network label="More network configurations" hint="Public and private access of its components" reason=going/>
            </Menu>
        }
    };
    let vpc = service.vpc.as_ref().map(|vpc| {
        let (href, name, range) = (routes::vpc(project, vpc.id), vpc.name.to_string(), vpc.cidr.to_string());
        view! { <Fact label="VPC"><a href=href>{name}</a> " " <Copy value=range/></Fact> }
    });
    let open = |wanted: fn(&crate::domain::service::Component) -> bool| {
        let names: Vec<String> = service
            .components
            .iter()
            .filter(|component| wanted(component))
            .map(|component| component.name.to_string())
            .collect();
        if names.is_empty() { "no component".to_owned() } else { names.join(", ") }
    };
    let (public, private) = (open(|component| component.public_access), open(|component| component.private_access));
    let dormant = service.place.vpc.is_none() && service.components.iter().any(|component| component.public_access);
    let dormant = dormant.then(|| view! { " " <span class="quiet">"once it is in a VPC"</span> });
    let (placement, place) = (service.placement_word(), service.place_label.clone());
    let moving = moving.map(|target| {
        let href = migrate.clone();
        view! { <Fact label="Migration"><a href=href>{format!("to {target}")}</a></Fact> }
    });
    let filters = if service.filter_applies() {
        let tone = if service.filter.is_open() { Tone::Wait } else { Tone::Off };
        view! { <Badge tone word=service.access_words()/> }.into_any()
    } else {
        view! { <span class="quiet">{ip_filter::RESTRICTED}</span> }.into_any()
    };
    view! {
        <Block id="h-network" title="Cloud and network" aside>
            <Facts>
                <Fact label="Placement">{placement}</Fact>
                <Fact label="Place">{place}</Fact>
                {vpc}
                {moving}
                <Fact label="Public access">{public}{dormant}</Fact>
                <Fact label="Private access">{private}</Fact>
                <Fact label="IP filter">{filters}</Fact>
            </Facts>
            <p class="deeds">
                <ButtonLink href=migrate icon=Glyph::ArrowRight reason=write>{migrate_label}</ButtonLink>
                <ButtonLink href=filter icon=Glyph::Users reason=going.clone().or(restricted)>"Set public IP filters"</ButtonLink>
                <ButtonLink href=access icon=Glyph::Network reason=going>"Public and private access"</ButtonLink>
                <ButtonLink href=firewall icon=Glyph::Route>"Effective firewall"</ButtonLink>
            </p>
        </Block>
    }
}

fn protection(
    service: &Service,
    protect: ServerAction<ProtectService>,
    write: Option<String>,
) -> impl IntoView + use<> {
    let on = service.termination_protection;
    let (lead, word) = if on {
        ("On: the service cannot be deleted.", "Switch off")
    } else {
        ("Off: whoever may write services can delete it.", "Switch on")
    };
    let (id, going) = (service.id.to_string(), service.going().or(write));
    let next = (!on).then(|| view! { <input type="hidden" name="on" value="true"/> });
    view! {
        <Block id="h-protection" title="Termination protection" lead>
            <ActionForm action=protect>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <input type="hidden" name="id" value=id/>
                {next}
                <Button busy=protect.pending() reason=going>{word} <span class="sr">" termination protection"</span></Button>
            </ActionForm>
        </Block>
    }
}

fn deletion(service: &Service, project: &ProjectName, write: Option<String>) -> impl IntoView + use<> {
    let href = routes::service_delete(project, service.id);
    let reason = service.going().or(write).or_else(|| service.deletion_refusal().map(|refusal| refusal.sentence));
    view! {
        <Block id="h-delete" title="Delete service" lead="Its hosts keep running; their agents take the firewall off.">
            <p><ButtonLink href kind=Kind::Danger icon=Glyph::Trash reason>"Delete service"</ButtonLink></p>
        </Block>
    }
}
