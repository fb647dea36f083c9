use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    certificates::Certificates,
    connection::{Connection, Records},
    migration::{Moves, of_firewall},
    nodes::Nodes,
    reading::{Reading, reading},
    refused::Latest,
    warnings::Warnings,
};
use crate::{
    api::services::ServiceReading,
    components::{
        Badge, Block, ButtonLink, Copy, Fact, Facts, Glyph, Kind, Menu, MenuLink, MenuRule, PageHead, Time, Tone,
        grouped,
    },
    domain::{
        ProjectName,
        permission::Permission,
        service::{Service, firewall::Firewall},
    },
    pages::{
        fresh::{living, page_name},
        here::{project_for_links, use_project},
    },
    routes,
};

pub struct ServiceDetail;

#[lazy_route]
impl LazyRoute for ServiceDetail {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        view! { <Detail reading titled=true/> }.into_any()
    }
}

/// The page itself; also what lies behind the question whether to delete it.
#[component]
pub fn Detail(
    reading: Reading,
    /// Whether the page is called by the service's name, and not by what lies over it.
    #[prop(optional)]
    titled: bool,
) -> impl IntoView {
    living(reading, move |read| view! { <Shown read titled/> }.into_any())
}

#[component]
fn Shown(read: Signal<ServiceReading>, titled: bool) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let service = Memo::new(move |_| read.with(|read| read.service.clone()));
    // What the head shows; its menu stays open while a node reports.
    let above = Memo::new(move |_| read.with(Above::of));
    let firewall = Memo::new(move |_| {
        read.with(|read| {
            let elsewhere = read.service.firewall_elsewhere();
            let here = elsewhere.is_some().then(|| read.service.place_label.clone());
            (read.service.id, read.firewall.clone(), here, elsewhere)
        })
    });
    let missing = |permission| Memo::new(move |_| read.with(|read| read.missing(permission)));
    let (reason, missing) = (missing(Permission::ServiceConfigurationWrite), missing(Permission::ServicesWrite));
    let traffic = Memo::new(move |_| read.with(|read| read.traffic.clone()));
    let (of_head, of_summary) = (project.clone(), project.clone());
    view! {
        {titled.then(|| view! { <Title text=page_name(service, |service| service.name.to_string())/> })}
        {move || above.with(|above| head(above, &of_head))}
        <Moves read/>
        <Warnings service project=project.clone() reason/>
        {move || service.with(|service| overview(service, &project))}
        <Connection read/>
        <Records read/>
        <Nodes service traffic missing/>
        {move || firewall.with(|(id, firewall, here, elsewhere)| {
            let page = routes::service_firewall(&of_summary, *id);
            let there = elsewhere.as_ref().map(|(place, firewall)| of_firewall(place, firewall));
            (summary(firewall, here.as_deref(), &page), there)
        })}
        <Latest read/>
        <Certificates read/>
    }
}

/// What the top of every page of a service shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Above {
    id: crate::domain::ServiceId,
    name: String,
    tone: Tone,
    word: &'static str,
    sentence: String,
    placement: &'static str,
    going: Option<String>,
    /// Why it cannot be configured.
    fixed: Option<String>,
    /// Why it cannot be deleted.
    held: Option<String>,
}

impl Above {
    pub fn of(read: &ServiceReading) -> Self {
        let service = &read.service;
        let held = service.going().or_else(|| read.missing(Permission::ServicesWrite));
        Self {
            id: service.id,
            name: service.name.to_string(),
            tone: service.standing().into(),
            word: service.word(),
            sentence: service.sentence(),
            placement: service.placement_word(),
            going: service.going(),
            fixed: service.going().or_else(|| read.missing(Permission::ServiceConfigurationWrite)),
            held: held.or_else(|| service.deletion_refusal().map(|refusal| refusal.sentence)),
        }
    }
}

fn head(above: &Above, project: &ProjectName) -> impl IntoView + use<> {
    let crumbs = vec![("Services".to_owned(), routes::services(project))];
    let Above { id, name, tone, word, sentence, placement, going, fixed, held } = above.clone();
    let badge = move || {
        view! {
            <Badge tone word/>
            <span class="tag">{placement}</span>
        }
    };
    let (settings, access) = (routes::service_settings(project, id), routes::service_access(project, id));
    let (filter, delete) = (routes::service_ip_filter(project, id), routes::service_delete(project, id));
    let firewall = routes::service_firewall(project, id);
    let menu = format!("More actions for {name}");
    view! {
        <PageHead title=name crumbs lead=sentence badge>
            <ButtonLink href=firewall icon=Glyph::Route>"Effective firewall"</ButtonLink>
            <ButtonLink href=settings icon=Glyph::Pencil reason=going>"Service settings"</ButtonLink>
            <Menu label=menu>
                <MenuLink href=access icon=Glyph::Network label="Public and private access" reason=fixed.clone()/>
                <MenuLink href=filter icon=Glyph::Users label="Set public IP filters" reason=fixed/>
                <MenuRule/>
                <MenuLink href=delete icon=Glyph::Trash label="Delete service" kind=Kind::Danger reason=held/>
            </Menu>
        </PageHead>
    }
}

fn overview(service: &Service, project: &ProjectName) -> impl IntoView + use<> {
    let place = match &service.vpc {
        Some(vpc) => {
            let (href, name, range) = (routes::vpc(project, vpc.id), vpc.name.to_string(), vpc.cidr.to_string());
            view! { <a href=href>{name}</a> " " <Copy value=range/> }.into_any()
        }
        None => view! { <span class="quiet">"none, in public"</span> }.into_any(),
    };
    let nodes = format!("{} of {} serve", service.serving(), service.wanted());
    let (kind, plan, region) = (service.kind.label(), service.plan.label(), service.place_label.clone());
    let protected = if service.termination_protection { "on" } else { "off" };
    let (id, created) = (service.id.to_string(), service.created_at);
    view! {
        <Block id="h-overview" title="Overview">
            <Facts row=true>
                <Fact label="Type">{kind}</Fact>
                <Fact label="Plan">{plan}</Fact>
                <Fact label="Nodes">{nodes}</Fact>
                <Fact label="Place">{region}</Fact>
                <Fact label="VPC">{place}</Fact>
                <Fact label="Termination protection">{protected}</Fact>
                <Fact label="Internal ID"><Copy value=id/></Fact>
                <Fact label="Created"><Time at=created/></Fact>
            </Facts>
        </Block>
    }
}

/// What is let in, in a line per rule.
pub fn let_in(firewall: &Firewall) -> impl IntoView + use<> {
    let lines = firewall.rules.iter().map(|rule| {
        let ranges = match rule.from.len() {
            1 => rule.from[0].to_string(),
            many => format!("{} ranges", grouped(many as u64)),
        };
        let components: Vec<String> = rule.components.iter().map(ToString::to_string).collect();
        view! {
            <li>
                <span>{rule.reason.to_string()}</span>
                <span class="fact">{ranges}</span>
                <span class="fact muted">{components.join(", ")}</span>
            </li>
        }
    });
    let lines = lines.collect_view();
    view! {
        <ul class="let-in">
            {lines}
            <li>
                <span>"Everything else"</span>
                <span class="quiet">"refused"</span>
            </li>
        </ul>
    }
}

/// The effective firewall. `here`: where it holds, while the hosts of another place have one of their own.
fn summary(firewall: &Firewall, here: Option<&str>, page: &str) -> impl IntoView + use<> {
    let lead = match here {
        None => "What the nodes let in; nothing else reaches a port of the service.".to_owned(),
        Some(here) => format!("What the nodes in {here} let in; nothing else reaches a port of the service there."),
    };
    let (lines, page) = (let_in(firewall), page.to_owned());
    let aside = move || view! { <a href=page>"Rule by rule"</a> };
    view! {
        <Block id="h-firewall" title="Effective firewall" lead aside>
            {lines}
        </Block>
    }
}
