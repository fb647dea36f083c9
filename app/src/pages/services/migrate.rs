//! The window "Migrate service to another cloud": where a service may go, what that means, and what to do before.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, hooks::use_query_map, lazy_route};

use super::{
    place::{Places, Tab, begin},
    reading::{Reading, path, reading},
    settings::Settings,
};
use crate::{
    api::{
        ApiError,
        services::{MigrateService, ServiceGround, ServiceReading, read_service_ground},
    },
    components::{
        Button, ButtonLink, Check, Consequences, Fact, Facts, Kind, Panel, PanelBody, PanelFoot, Refusal, Tone,
    },
    domain::{
        Network, ProjectName,
        change::Topic,
        permission::Permission,
        service::{
            Place, Service,
            migration::{NamesChange, OPENS, checklist, opens},
            placement,
        },
    },
    live::use_live,
    pages::{
        failure::settle,
        form::{Memory, at, beside, flash},
        fresh::{awaited, fresh, once},
        here::{project_for_links, use_project},
    },
    routes,
};

type Ground = Resource<Result<ServiceGround, ApiError>>;

pub struct ServiceMigrate;

#[lazy_route]
impl LazyRoute for ServiceMigrate {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project) = (use_live(), use_project());
        let ground: Ground = Resource::new(
            move || (project.get(), [Topic::Services, Topic::Vpcs].map(|topic| live.version(topic))),
            |(project, _)| read_service_ground(project),
        );
        let (reading, flash, close) = (reading(), flash(), path(routes::service_settings));
        let body = {
            let close = close.clone();
            awaited(move || {
                let close = close.clone();
                async move {
                    let memory = Memory::of::<MigrateService>(flash.await);
                    let (read, first) = (once(reading).await, once(ground).await);
                    settle(read, |read| {
                        settle(first, |first| view! { <Form ground first reading read memory close/> }.into_any())
                    })
                }
            })
        };
        view! {
            <Title text="Migrate service"/>
            <Settings reading/>
            <Panel title="Migrate service to another cloud" close wide=true>{body}</Panel>
        }
        .into_any()
    }
}

const FIELDS: &[&str] = &["place", "open"];

#[component]
fn Form(
    ground: Ground,
    first: ServiceGround,
    reading: Reading,
    read: ServiceReading,
    memory: Memory,
    close: String,
) -> impl IntoView {
    let migrate = ServerAction::<MigrateService>::new();
    let project = use_project().get_untracked();
    let remote = memory.error(migrate);
    let (id, from, label) = (read.service.id, read.service.place.clone(), read.service.place_label.clone());
    let page = routes::service_migrate(&project_for_links(&project), id);
    let query = use_query_map().get_untracked();
    let asked = |name: &str| query.get(name).unwrap_or_default();
    // Whoever is in public comes for a VPC.
    let usual = if from.vpc.is_none() { Tab::Vpc } else { Tab::Cloud };
    let tab = match memory.text("tab", asked("tab")).get_untracked() {
        text if text.is_empty() => usual,
        text => Tab::from_text(&text),
    };
    let place = memory.text("form[place]", asked("form[place]"));
    place.set(begin(&first.network, tab, &place.get_untracked(), Some(&from)));
    let tab = RwSignal::new(tab);
    let open = memory.ticked("form[open]", false);
    let (ground, read) = (fresh(ground, first), fresh(reading, read));
    let network = Signal::derive(move || ground.with(|ground| ground.network.clone()));
    // A VPC of before may be gone, or one that was being made may be there.
    let here = from.clone();
    Effect::new(move || {
        let wanted = network.with(|network| begin(network, tab.get_untracked(), &place.get_untracked(), Some(&here)));
        if place.get_untracked() != wanted {
            place.set(wanted);
        }
    });
    let target = Memo::new(move |_| place.with(|text| text.parse::<Place>().ok()));
    let opened = Memo::new(move |_| {
        read.with(|read| {
            let (from, filter) = (&read.service.place, &read.service.filter);
            target.with(|target| target.as_ref().is_some_and(|to| opens(from, to, filter)))
        })
    });
    let none = Signal::stored(None);
    let confirm = move || {
        opened.get().then(|| {
            view! {
                <div class="field">
                    <Check name="form[open]" id="open" label="Everybody may get in" checked=open hint=OPENS/>
                    <Refusal id="open-refusal" error=at("open", none, remote)/>
                </div>
            }
        })
    };
    let lines = Memo::new(move |_| {
        let target = target.get()?;
        Some(read.with(|read| network.with(|network| consequences(&read.service, &read.project, network, &target))))
    });
    let meaning = move || lines.get().map(|lines| view! { <Consequences lines/> });
    let reason = Signal::derive(move || {
        read.with(|read| {
            let service = &read.service;
            let moving = || service.migration.as_ref().map(|_| Service::moving(&service.name).sentence);
            service.going().or_else(moving).or_else(|| read.missing(Permission::ServicesWrite))
        })
    });
    let list = |title: &'static str, items: &'static [&'static str]| {
        view! {
            <div class="field">
                <h3>{title}</h3>
                <ol class="checklist">{items.iter().map(|item| view! { <li>{*item}</li> }).collect_view()}</ol>
            </div>
        }
    };
    let comes_from = from.clone();
    let seen_to = move || {
        let to_see_to = target.with(|target| target.as_ref().map(|target| checklist(Some(&comes_from), target)));
        to_see_to.map(|checklist| {
            (list("Before you migrate", checklist.before), list("After the names were switched", checklist.after))
        })
    };
    view! {
        <ActionForm action=migrate>
            <PanelBody>
                // Enter migrates; without this the first button below would be pressed.
                <button class="sr" tabindex="-1" aria-hidden="true">"Migrate"</button>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="id" value=id.to_string()/>
                <Facts>
                    <Fact label="Now in">{label}</Fact>
                </Facts>
                <Places network tab place from page error=at("place", none, remote)/>
                {confirm}
                <div class="field" role="status">
                    <h3>"What happens"</h3>
                    {meaning}
                </div>
                {seen_to}
            </PanelBody>
            <PanelFoot error=beside(FIELDS, remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary reason busy=migrate.pending()>"Migrate"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

/// What a move to there means, worst first.
fn consequences(service: &Service, project: &ProjectName, network: &Network, target: &Place) -> Vec<(Tone, String)> {
    let NamesChange { ended, begun } = NamesChange::of(service, project, target);
    let label = placement::label(network, target);
    let hosts = service.nodes.iter().filter(|node| !node.removed).count();
    let mut lines = Vec::new();
    if target.vpc.is_none() {
        let text = "In public every route is public: the IP filter alone decides who gets in.";
        lines.push((Tone::Wait, text.to_owned()));
    } else if service.components.iter().all(|component| !component.public_access) {
        lines.push((Tone::Wait, "Only peered networks reach it there: no component has public access.".to_owned()));
    }
    for host in &ended {
        let text = format!("{host} is gone after the switch: point applications that use it to the plain host name.");
        lines.push((Tone::Wait, text));
    }
    lines
        .push((Tone::Wait, "No data moves by itself: you replicate it from the old hosts to the new ones.".to_owned()));
    let enrol = match hosts {
        1 => format!("A replacement host is enrolled in {label}; until the switch the old one serves."),
        many => format!("{many} replacement hosts are enrolled in {label}; until the switch the old ones serve."),
    };
    lines.push((Tone::Move, enrol));
    let kind = if target.vpc.is_some() { "private" } else { "public" };
    let which = if ended.is_empty() { "Its host names" } else { "Its other host names" };
    lines.push((Tone::Off, format!("{which} stay the same. From the switch on they lead to {kind} addresses there.")));
    lines.extend(begun.iter().map(|host| (Tone::Off, format!("{host} begins with the switch."))));
    lines.push((Tone::Off, "Until the switch it can be called off.".to_owned()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        fixtures::Town,
        service::{
            Component,
            fixtures::{component, service},
        },
    };

    #[test]
    fn row_32_a_host_name_that_the_move_ends_or_begins_is_named() {
        let mut town = Town::default();
        town.vpc("alpha", "oslo", "10.10.0.0/16");
        let inside = Place { cloud: town.network.vpcs[0].cloud.clone(), vpc: Some(town.network.vpcs[0].id) };
        let outside = Place { vpc: None, ..inside.clone() };
        let told = |public_access: bool, from: &Place, to: &Place| {
            let components = vec![Component { public_access, ..component("pg", 5432) }];
            let orders = Service { place: from.clone(), components, ..service("orders") };
            let lines = consequences(&orders, &"shop".parse().expect("a name"), &town.network, to);
            lines
                .into_iter()
                .map(|(_, text)| text)
                .filter(|text| text.contains("host name") || text.contains("public-"))
        };
        let is_told = |public: bool, from: &Place, to: &Place, expected: &[&str]| {
            assert_eq!(told(public, from, to).collect::<Vec<_>>(), expected);
        };
        is_told(
            true,
            &inside,
            &outside,
            &[
                "public-orders-shop.causeway.internal is gone after the switch: point applications that use it to the plain host name.",
                "Its other host names stay the same. From the switch on they lead to public addresses there.",
            ],
        );
        is_told(
            true,
            &outside,
            &inside,
            &[
                "Its host names stay the same. From the switch on they lead to private addresses there.",
                "public-orders-shop.causeway.internal begins with the switch.",
            ],
        );
        let stay = "Its host names stay the same. From the switch on they lead to public addresses there.";
        is_told(false, &inside, &outside, &[stay]);
    }
}
