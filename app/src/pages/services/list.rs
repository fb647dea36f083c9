use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::{
        ApiError,
        services::{ServiceLine, list_service_lines},
    },
    components::{Badge, Column, Copy, Filter, Glyph, Kind, Menu, MenuLink, MenuRule, Table, Time, Tone, each},
    domain::{ProjectName, ServiceId, change::Topic, permission::Permission, person::Viewer, service::ip_filter},
    live::use_live,
    pages::{
        fresh::{awaited, living, once},
        here::{project_for_links, use_project},
        listing::{Listing, listing},
    },
    routes,
};

pub type ServicesResource = Resource<Result<Vec<ServiceLine>, ApiError>>;

/// Every service of the project, read again when one changes or its VPC does.
pub fn services() -> ServicesResource {
    let (live, project) = (use_live(), use_project());
    Resource::new(
        move || (project.get(), [Topic::Services, Topic::Vpcs].map(|topic| live.version(topic))),
        |(project, _)| list_service_lines(project),
    )
}

pub struct ServiceList;

#[lazy_route]
impl LazyRoute for ServiceList {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let services = services();
        view! {
            <Title text="Services"/>
            <List services/>
        }
        .into_any()
    }
}

/// The page itself; also what lies behind the panel that makes a service.
#[component]
pub fn List(services: ServicesResource) -> impl IntoView {
    let viewer = expect_context::<Resource<Result<Viewer, ApiError>>>();
    awaited(move || async move {
        let viewer = once(viewer).await.ok();
        living(services, move |services| {
            let project = project_for_links(&use_project().get_untracked());
            let reads = viewer.as_ref().is_some_and(|viewer| !viewer.may_write(&project));
            // The sentence of the refusal that the server would answer with.
            let reason = reads.then(|| {
                let (permission, scope) = (Permission::ServicesWrite, project.to_string());
                ApiError::Forbidden { permission, scope }.to_string()
            });
            view! { <Shown services project reason/> }.into_any()
        })
    })
}

#[component]
fn Shown(services: Signal<Vec<ServiceLine>>, project: ProjectName, reason: Option<String>) -> impl IntoView {
    let frame = Listing {
        title: "Services",
        href: routes::service_new(&project),
        icon: Glyph::Plus,
        kind: Kind::Primary,
        word: "Create service",
        reason: reason.clone(),
        begin: "Create service",
        empty: (
            "No service yet.",
            "A service is something that you run on hosts of your own: a database, a broker, a dashboard. Causeway places it in public or in a VPC, names its addresses, and guards its ports on every host.",
        ),
    };
    let lead = Signal::derive(move || services.with(|services| lead(services)));
    let empty = Memo::new(move |_| services.with(Vec::is_empty));
    listing(frame, lead, empty, move || {
        view! { <Rows services project=project.clone() reason=reason.clone()/> }.into_any()
    })
}

#[component]
fn Rows(services: Signal<Vec<ServiceLine>>, project: ProjectName, reason: Option<String>) -> impl IntoView {
    let query = RwSignal::new(String::new());
    let found = Memo::new(move |_| {
        let wanted = query.get();
        services.with(|services| {
            services.iter().filter(|line| matches(line, &wanted)).map(|line| line.id).collect::<Vec<_>>()
        })
    });
    let nothing = move || {
        found.with(Vec::is_empty).then(|| {
            let said = format!("No service has “{}” in its name, type, place or addresses.", query.get());
            view! { <tr><td colspan="9" class="quiet">{said}</td></tr> }
        })
    };
    let shown = move |id: ServiceId| {
        let (project, reason) = (project.clone(), reason.clone());
        let line = Memo::new(move |_| services.with(|services| services.iter().find(|line| line.id == id).cloned()));
        (move || line.get().map(|line| row(&line, &project, reason.clone()))).into_any()
    };
    view! {
        <div class="toolbar">
            <Filter label="Filter services" placeholder="Name, type, place or address" value=query/>
        </div>
        <section class="block" aria-label="Services">
            <Table
                label="Services"
                columns=vec![
                    Column::text("Name").ascending(), Column::text("Type"), Column::text("Placement"), Column::text("Place"),
                    Column::number("Nodes"), Column::text("State"), Column::text("Access"), Column::number("Created").wide(),
                    Column::actions(),
                ]
                stack=true
            >
                {each(move || found.get(), |id| id.key(), shown)}
                {nothing}
            </Table>
        </section>
    }
}

fn lead(services: &[ServiceLine]) -> String {
    let inside = services.iter().filter(|line| line.vpc.is_some()).count();
    let outside = services.len() - inside;
    match services.len() {
        0 => "What runs in your networks, and who may reach it.".to_owned(),
        1 => format!("One service, {}.", if inside == 1 { "in a VPC" } else { "in public" }),
        many => format!("{many} services: {inside} in VPCs, {outside} in public."),
    }
}

/// By name, type, place, VPC, id or the address of a node.
fn matches(line: &ServiceLine, wanted: &str) -> bool {
    let wanted = wanted.trim().to_lowercase();
    let vpc = line.vpc.as_ref().map(|(_, name, range)| format!("{name} {range}")).unwrap_or_default();
    let address = wanted.parse().is_ok_and(|address| line.addresses.contains(&address));
    let texts = [
        line.name.to_string(),
        line.kind.to_lowercase(),
        line.placement.to_lowercase(),
        line.place.to_lowercase(),
        vpc,
        line.id.to_string(),
    ];
    address || texts.iter().any(|text| text.contains(&wanted))
}

/// `reason`: why whoever reads this may not delete it.
fn row(line: &ServiceLine, project: &ProjectName, reason: Option<String>) -> impl IntoView + use<> {
    let href = routes::service(project, line.id);
    let (firewall, settings) = (routes::service_firewall(project, line.id), routes::service_settings(project, line.id));
    let delete = routes::service_delete(project, line.id);
    let place = match line.vpc.clone() {
        Some((id, name, range)) => {
            let vpc = routes::vpc(project, id);
            view! { <a href=vpc>{name.to_string()}</a> " " <Copy value=range.to_string()/> }.into_any()
        }
        None => line.place.clone().into_any(),
    };
    let access = if line.open {
        view! { <Badge tone=Tone::Wait word=line.access.clone() title=ip_filter::OPEN_HINT/> }.into_any()
    } else {
        view! { <span class="nowrap">{line.access.clone()}</span> }.into_any()
    };
    let nodes = format!("{} of {} nodes serve", line.serving, line.node_count);
    let (menu, going, held) =
        (format!("Actions for {}", line.name), line.going.clone(), reason.or_else(|| line.held.clone()));
    view! {
        <tr data-state=line.going.is_some().then_some("going")>
            <th scope="row" data-at="a1"><a href=href.clone()>{line.name.to_string()}</a></th>
            <td class="nowrap" data-at="b1">{line.kind.clone()}</td>
            <td class="nowrap">{line.placement.clone()}</td>
            <td data-at="c1" title=line.place.clone()>{place}</td>
            <td class="num fact" title=nodes data-at="b2">{format!("{}/{}", line.serving, line.node_count)}</td>
            <td class="nowrap" data-at="a2"><Badge tone=Tone::from(line.standing) word=line.word.clone() title=line.sentence.clone()/></td>
            <td data-at="c2">{access}</td>
            <td class="num quiet nowrap wide"><Time at=line.created_at short=true/></td>
            <td class="act">
                <Menu label=menu>
                    <MenuLink href icon=Glyph::ArrowUpRight label="View"/>
                    <MenuLink href=firewall icon=Glyph::Route label="Effective firewall"/>
                    <MenuLink href=settings icon=Glyph::Pencil label="Service settings" reason=going/>
                    <MenuRule/>
                    <MenuLink href=delete icon=Glyph::Trash label="Delete" kind=Kind::Danger reason=held/>
                </Menu>
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cidr, Timestamp, VpcId, standing::Standing};

    fn line() -> ServiceLine {
        let vpc = VpcId::from_uuid(uuid::Uuid::from_u128(7));
        ServiceLine {
            id: ServiceId::from_uuid(uuid::Uuid::from_u128(1)),
            name: "orders".parse().expect("a name"),
            kind: "PostgreSQL".to_owned(),
            placement: "Project VPC".to_owned(),
            place: "Belgium - Google Cloud: Belgium - Project VPC (alpha, 10.0.0.0/24)".to_owned(),
            vpc: Some((vpc, "alpha".parse().expect("a name"), Cidr::literal([10, 0, 0, 0], 24))),
            serving: 1,
            node_count: 2,
            addresses: vec!["10.0.0.4".parse().expect("an address")],
            standing: Standing::Moving,
            word: "Rebuilding".to_owned(),
            sentence: "1 of 2 nodes serve.".to_owned(),
            access: "Peered networks".to_owned(),
            open: false,
            created_at: Timestamp::from_seconds(1_795_144_320),
            going: None,
            held: None,
        }
    }

    #[test]
    fn a_service_is_found_by_its_name_type_place_vpc_and_the_addresses_of_its_nodes() {
        for wanted in ["", "ord", "postgres", "project vpc", "belgium", "alpha", "10.0.0.0/24", "10.0.0.4"] {
            assert!(matches(&line(), wanted), "{wanted}");
        }
        for wanted in ["kafka", "10.0.0.5", "beta"] {
            assert!(!matches(&line(), wanted), "{wanted}");
        }
    }

    #[test]
    fn the_page_says_how_many_are_where() {
        let public = ServiceLine { vpc: None, ..line() };
        assert_eq!(lead(&[line()]), "One service, in a VPC.");
        assert_eq!(lead(&[line(), public]), "2 services: 1 in VPCs, 1 in public.");
    }
}
