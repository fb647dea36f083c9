use std::{collections::BTreeMap, sync::Arc};

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, hooks::use_query_map, lazy_route, params::ParamsMap};

use super::{
    list::{List, services},
    place::{Places, Tab, begin},
};
use crate::{
    api::{
        ApiError,
        services::{CreateService, ServiceGround, read_service_ground},
    },
    components::{
        Button, ButtonLink, Check, Choice, Fact, Facts, Field, Kind, Panel, PanelBody, PanelFoot, Refusal,
        SegmentField, Select, TextArea,
    },
    domain::{
        ProjectName, Refusals, ServiceName,
        change::Topic,
        refusal,
        service::{
            Place, Plan, ServiceType,
            form::{MOST_NODES, NewService, ServiceForm},
            placement::admit_place,
            route::{self, Route, admit_host},
        },
    },
    live::use_live,
    pages::{
        failure::settle,
        form::{Memory, at, beside, flash},
        fresh::{fresh, once},
        here::{project_for_links, use_project},
    },
    routes,
};

type Ground = Resource<Result<ServiceGround, ApiError>>;

pub struct ServiceNew;

#[lazy_route]
impl LazyRoute for ServiceNew {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project) = (use_live(), use_project());
        let ground: Ground = Resource::new(
            move || {
                let topics = [Topic::Services, Topic::Vpcs, Topic::Accounts];
                (project.get(), topics.map(|topic| live.version(topic)))
            },
            |(project, _)| read_service_ground(project),
        );
        let services = services();
        let flash = flash();
        let close = routes::services(&project_for_links(&use_project().get_untracked()));
        view! {
            <Title text="Create service"/>
            <List services/>
            <Panel title="Create service" close=close.clone() wide=true>
                <Suspense>
                    {move || {
                        let close = close.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<CreateService>(flash.await);
                            settle(once(ground).await, |first| view! { <Form resource=ground first memory close/> }.into_any())
                        })
                    }}
                </Suspense>
            </Panel>
        }
        .into_any()
    }
}

/// What a form begins with: what was typed at the last try, else what the address says, else what is usual.
struct Begun {
    memory: Memory,
    query: ParamsMap,
}

impl Begun {
    fn text(&self, field: &str, usual: impl Into<String>) -> RwSignal<String> {
        // `?kind=kafka` is easier to write than what the form sends.
        let usual = self.query.get(field).unwrap_or_else(|| usual.into());
        self.named(&format!("form[{field}]"), usual)
    }

    fn named(&self, name: &str, usual: String) -> RwSignal<String> {
        self.memory.text(name, self.query.get(name).unwrap_or(usual))
    }

    fn ticked(&self, field: &str) -> RwSignal<bool> {
        let name = format!("form[{field}]");
        self.memory.ticked(&name, self.query.get(&name).is_some())
    }
}

/// What was typed as the port of each component that a type can have.
type Ports = Arc<BTreeMap<(&'static str, &'static str), RwSignal<String>>>;

fn ports(begun: &Begun, first: &str) -> Ports {
    let of = |kind: ServiceType| {
        kind.components().iter().map(move |component| {
            let own = component.port.to_string();
            // Another type's component of the same name has a port of its own.
            let typed = match kind.as_str() == first {
                true => begun.named(&format!("form[ports][{}]", component.name), own),
                false => RwSignal::new(own),
            };
            ((kind.as_str(), component.name), typed)
        })
    };
    Arc::new(ServiceType::all().flat_map(of).collect())
}

#[derive(Clone)]
struct Typed {
    name: RwSignal<String>,
    kind: RwSignal<String>,
    plan: RwSignal<String>,
    node_count: RwSignal<String>,
    place: RwSignal<String>,
    ports: Ports,
    components: RwSignal<String>,
    protection: RwSignal<bool>,
}

impl Typed {
    fn known(&self) -> Option<ServiceType> {
        self.kind.with(|kind| kind.parse().ok())
    }

    /// As the form would send it. Tracked.
    fn form(&self) -> ServiceForm {
        let components = self.known().map(ServiceType::components).unwrap_or_default();
        let kind = self.kind.get();
        let port = |name: &'static str| {
            let typed = self.ports.iter().find(|((of, component), _)| *of == kind && *component == name);
            typed.map(|(_, typed)| (name.to_owned(), typed.get()))
        };
        ServiceForm {
            name: self.name.get(),
            plan: self.plan.get(),
            node_count: self.node_count.get(),
            place: self.place.get(),
            ports: components.iter().filter_map(|component| port(component.name)).collect(),
            components: self.components.get(),
            termination_protection: if self.protection.get() { "true".to_owned() } else { String::new() },
            kind,
        }
    }
}

const FIELDS: &[&str] = &["name", "kind", "plan", "node_count", "place", "ports", "components"];

#[component]
fn Form(resource: Ground, first: ServiceGround, memory: Memory, close: String) -> impl IntoView {
    let create = ServerAction::<CreateService>::new();
    let project = use_project().get_untracked();
    let links = project_for_links(&project);
    let query = use_query_map().get_untracked();
    let tab = Tab::from_text(&memory.text("tab", query.get("tab").unwrap_or_default()).get_untracked());
    let begun = Begun { memory, query };
    let kind = begun.text("kind", "pg");
    let typed = Typed {
        name: begun.text("name", ""),
        plan: begun.text("plan", Plan::Startup.as_str()),
        node_count: begun.text("node_count", ""),
        place: begun.text("place", ""),
        ports: ports(&begun, &kind.get_untracked()),
        components: begun.text("components", ""),
        protection: begun.ticked("termination_protection"),
        kind,
    };
    let place = typed.place;
    place.set(begin(&first.network, tab, &place.get_untracked(), None));
    let tab = RwSignal::new(tab);
    let remote = begun.memory.error(create);
    let ground = fresh(resource, first);
    // A VPC of before may be gone, or one that was being made may be there.
    Effect::new(move || {
        let wanted = ground.with(|ground| begin(&ground.network, tab.get_untracked(), &place.get_untracked(), None));
        if place.get_untracked() != wanted {
            place.set(wanted);
        }
    });

    // The browser asks the same questions that the server will ask.
    let local = {
        let (typed, project) = (typed.clone(), links.clone());
        Signal::derive(move || {
            let form = typed.form();
            ground.with(|ground| local(ground, &project, &form).err().map(ApiError::Refused))
        })
    };
    let refused = move |field: &'static str| at(field, local, remote);
    let network = Signal::derive(move || ground.with(|ground| ground.network.clone()));
    let kinds: Vec<Choice> = ServiceType::all().map(|kind| Choice::new(kind.as_str(), kind.label())).collect();
    let plans: Vec<Choice> = Plan::ALL.map(|plan| Choice::new(plan.as_str(), plan.label())).to_vec();
    let (page, shown) = (routes::service_new(&links), typed.clone());
    let page_of_places = page.clone();
    let components = move || components(&shown, refused);
    view! {
        <ActionForm action=create>
            <PanelBody>
                // Enter creates; without this the first button below would be pressed.
                <button class="sr" tabindex="-1" aria-hidden="true">"Create service"</button>
                <input type="hidden" name="project" value=project/>
                <div class="field">
                    <Select name="form[kind]" id="kind" label="Service type" options=kinds value=typed.kind error=refused("kind")/>
                    <p class="still-only">
                        <button class="button" data-size="small" formmethod="get" formaction=page formnovalidate=true>
                            "Show its components"
                        </button>
                    </p>
                </div>
                <Field
                    name="form[name]"
                    id="name"
                    label="Name"
                    value=typed.name
                    error=refused("name")
                    hint="It becomes part of host names and never changes afterwards."
                    placeholder="orders"
                    autofocus=true
                    required=true
                />
                {move || ground.with(|ground| hosts(ground, &links, &typed.name.get(), &place.get()))}
                <div class="plans">
                    <SegmentField name="form[plan]" legend="Plan" options=plans value=typed.plan error=refused("plan")/>
                    <Field
                        name="form[node_count]"
                        id="node_count"
                        label="Nodes of a custom plan"
                        value=typed.node_count
                        error=refused("node_count")
                        hint=format!("Hosts of yours, from 1 to {MOST_NODES}.")
                        placeholder="5"
                        fact=true
                    />
                </div>
                {components}
                <Places network tab place error=refused("place") page=page_of_places/>
                <Check
                    name="form[termination_protection]"
                    id="termination_protection"
                    label="Termination protection"
                    checked=typed.protection
                    hint="The service cannot be deleted until somebody switches it off."
                />
            </PanelBody>
            <PanelFoot error=beside(FIELDS, remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary busy=create.pending()>"Create service"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

/// Where each component of the type listens, or a list of one's own.
fn components(typed: &Typed, refused: impl Fn(&'static str) -> Signal<Option<String>>) -> AnyView {
    let Some(kind) = typed.known() else { return ().into_any() };
    if kind.is_custom() {
        return view! {
            <TextArea
                name="form[components]"
                id="components"
                label="Components"
                value=typed.components
                error=refused("components")
                hint="One per line: its name, and the TCP port where it listens."
                placeholder="api 8443"
                fact=true
            />
        }
        .into_any();
    }
    let several = kind.components().len() > 1;
    let field = |name: &'static str| {
        let value = typed.ports.get(&(kind.as_str(), name)).copied().unwrap_or_default();
        view! { <Field name=format!("form[ports][{name}]") id=format!("port-{name}") label=name value fact=true/> }
    };
    let fields = kind.components().iter().map(|component| field(component.name)).collect_view();
    view! {
        <fieldset class="field ports" aria-describedby="ports-refusal ports-hint">
            <legend>"Ports of its components"</legend>
            <div>{fields}</div>
            <Refusal id="ports-refusal" error=refused("ports")/>
            <p class="hint" id="ports-hint">
                "Where your software listens; TCP."
                {several.then_some(" Leave the port of a component empty that you do not run; the first is always there.")}
            </p>
        </fieldset>
    }
    .into_any()
}

/// The names that clients will use, as far as one is typed.
fn hosts(ground: &ServiceGround, project: &ProjectName, name: &str, place: &str) -> Option<impl IntoView + use<>> {
    let name: ServiceName = name.parse().ok()?;
    admit_host(&name, project).ok()?;
    let inside = place.parse::<Place>().is_ok_and(|place| place.vpc.is_some());
    let host = |route| route::host(route, &name, project, &ground.zone, 0);
    let (plain, private) = (host(Route::Dynamic), host(Route::Private));
    let named = host(Route::Public);
    let dynamic = if inside { "leads to private addresses" } else { "leads to public addresses" };
    let public = inside.then(move || {
        view! { <Fact label="Public"><span class="fact">{named}</span> " " <span class="quiet">"once public access is on"</span></Fact> }
    });
    Some(view! {
        <div class="field" role="status">
            <h3>"Host names"</h3>
            <Facts>
                <Fact label="Dynamic"><span class="fact">{plain}</span> " " <span class="quiet">{dynamic}</span></Fact>
                <Fact label="Private"><span class="fact">{private}</span> " " <span class="quiet">"once private access is on"</span></Fact>
                {public}
            </Facts>
        </div>
    })
}

/// What can be said of the fields that were filled in.
fn local(ground: &ServiceGround, project: &ProjectName, form: &ServiceForm) -> Result<(), Refusals> {
    let mut said: Vec<refusal::Refusal> = Vec::new();
    match form.parse() {
        Ok(new) => {
            said.extend(new.admit(&ground.network, project).err().map(|refusals| refusals.0).unwrap_or_default())
        }
        Err(refusals) => {
            let untouched = |refusal: &refusal::Refusal| match refusal.field.as_ref() {
                "name" => form.name.is_empty(),
                "node_count" => form.node_count.is_empty(),
                "components" => form.components.is_empty(),
                "place" => form.place.is_empty(),
                _ => false,
            };
            said.extend(refusals.0.into_iter().filter(|refusal| !untouched(refusal)));
            let place: Option<Place> = form.place.parse().ok();
            said.extend(place.and_then(|place| admit_place(&ground.network, &place).err()));
            let name: Option<ServiceName> = form.name.parse().ok();
            said.extend(name.and_then(|name| admit_host(&name, project).err()));
        }
    }
    if let Ok(name) = form.name.parse::<ServiceName>()
        && ground.names.contains(&name)
    {
        said.push(NewService::name_taken(&name));
    }
    Refusals::none_of(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::Town;

    fn ground() -> ServiceGround {
        let mut town = Town::default();
        town.vpc("alpha", "oslo", "10.10.0.0/16");
        let names = vec!["orders".parse().expect("a name")];
        ServiceGround { network: town.network, zone: route::Zone::default(), names }
    }

    fn said(form: &ServiceForm) -> String {
        let project = "shop".parse().expect("a name");
        local(&ground(), &project, form).err().map(|refusals| refusals.to_string()).unwrap_or_default()
    }

    fn form() -> ServiceForm {
        let place = begin(&ground().network, Tab::Cloud, "", None);
        ServiceForm { kind: "pg".into(), plan: "startup".into(), place, ..ServiceForm::default() }
    }

    #[test]
    fn an_empty_form_is_refused_nothing_and_a_taken_name_is_said_before_the_rest_is_there() {
        assert_eq!(said(&form()), "");
        let taken = ServiceForm { name: "orders".into(), plan: "custom".into(), ..form() };
        assert_eq!(said(&taken), "A service named orders already exists.");
        assert_eq!(said(&ServiceForm { name: "stock".into(), ..form() }), "");
    }

    #[test]
    fn a_name_that_would_not_fit_into_the_dns_is_said_while_it_is_typed() {
        let long = ServiceForm { name: "s".repeat(60), ..form() };
        assert!(said(&long).contains("it may have at most 43 characters"), "{}", said(&long));
    }
}
