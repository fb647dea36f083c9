//! How clients reach a service: by which route, under which name and on which port.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    api::services::ServiceReading,
    components::{Block, ButtonLink, Column, Command, Copy, Glyph, Segment, Segments, Table},
    domain::{
        permission::Permission,
        service::{
            Service,
            route::{Access, Route},
        },
    },
    pages::here::{project_for_links, use_project},
    routes,
};

/// The routes of the switch; PrivateLink has none yet.
const ROUTES: [Route; 3] = [Route::Dynamic, Route::Public, Route::Private];

#[component]
pub fn Connection(read: Signal<ServiceReading>) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let query = use_query_map();
    let chosen = Memo::new(move |_| {
        let asked = query.with(|query| query.get("route")).and_then(|text| Route::from_text(&text));
        asked.filter(|route| ROUTES.contains(route)).unwrap_or(Route::Dynamic)
    });
    let accesses = Memo::new(move |_| {
        read.with(|read| {
            let all = read.accesses.iter().filter(|access| access.route == chosen.get());
            all.cloned().collect::<Vec<Access>>()
        })
    });
    let (of_segments, of_none) = (project.clone(), project);
    let segments = Signal::derive(move || {
        let (now, page) = (chosen.get(), routes::service(&of_segments, read.with(|read| read.service.id)));
        let segment =
            |route: Route| Segment::new(route.word(), format!("{page}?route={}", route.as_str()), route == now);
        ROUTES.map(segment).to_vec()
    });
    let none = move || {
        accesses.with(Vec::is_empty).then(|| {
            let (text, id) = read.with(|read| (absent(&read.service, chosen.get()), read.service.id));
            let fixed = |read: &ServiceReading| {
                read.service.going().or_else(|| read.missing(Permission::ServiceConfigurationWrite))
            };
            let reason = read.with(fixed);
            let href = routes::service_access(&of_none, id);
            view! {
                <p class="muted said">{text}</p>
                <p class="tail"><ButtonLink href icon=Glyph::Network reason>"Public and private access"</ButtonLink></p>
            }
        })
    };
    let rows = move || accesses.with(|accesses| accesses.iter().map(row).collect_view());
    view! {
        <section class="block" aria-labelledby="h-connection">
            <header>
                <h2 id="h-connection">"Connection information"</h2>
                <div class="flow route-switch">
                    <span class="muted">"Access Route"</span>
                    <Segments label="Access Route" segments/>
                </div>
            </header>
            {none}
            {move || (!accesses.with(Vec::is_empty)).then(|| view! {
                <Table
                    label="Connection information"
                    columns=vec![
                        Column::text("Component"), Column::text("Host"), Column::number("Port"), Column::text("Try it"),
                        Column::text("Leads to"),
                    ]
                    stack=true
                >
                    {rows}
                </Table>
            })}
        </section>
    }
}

fn row(access: &Access) -> impl IntoView + use<> {
    let addresses = if access.addresses.is_empty() {
        view! { <span class="quiet">"no node serves yet"</span> }.into_any()
    } else {
        let one = |address: &std::net::IpAddr| view! { <Copy value=address.to_string()/> };
        view! { <span class="many">{access.addresses.iter().map(one).collect_view()}</span> }.into_any()
    };
    view! {
        <tr>
            <th scope="row" data-at="a1">{access.component.to_string()}</th>
            <td data-at="b1"><Copy value=access.host.clone()/></td>
            <td class="num" data-at="a2"><Copy value=access.port.to_string()/></td>
            <td class="probe" data-at="c"><Copy value=access.probe()/></td>
            <td>{addresses}</td>
        </tr>
    }
}

/// Why a route leads nowhere.
fn absent(service: &Service, route: Route) -> &'static str {
    match route {
        Route::Public if service.place.vpc.is_none() => {
            "The service is in public: its dynamic names lead to its public addresses already."
        }
        Route::Public => "No component has public access: only private addresses lead to the service.",
        _ => "No component has private access. It adds names that always lead to private addresses.",
    }
}

/// What to put into one's own DNS.
#[component]
pub fn Records(read: Signal<ServiceReading>) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let records = Memo::new(move |_| read.with(|read| read.records.clone()));
    let zone = read.with_untracked(|read| read.service.zone.to_string());
    let file = read.with_untracked(|read| routes::service_zone(&project, read.service.id));
    let lead = format!("Causeway serves no names. Put these into {zone}, and again when a node comes or goes.");
    let aside = move || {
        view! { <a class="button" data-size="small" rel="external" download="" href=file><crate::components::Icon glyph=Glyph::Download/>"Zone file"</a> }
    };
    view! {
        <Block id="h-records" title="DNS records" lead aside>
            {move || match records.with(Vec::is_empty) {
                true => view! { <p class="muted said">"No node serves yet, so no name leads anywhere."</p> }.into_any(),
                false => view! { <Command text=records.get().join("\n") label="the DNS records"/> }.into_any(),
            }}
        </Block>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_offers_no_route_that_cannot_exist_yet() {
        assert!(!ROUTES.contains(&Route::Privatelink));
        assert_eq!(ROUTES.map(Route::word), ["Dynamic", "Public", "Private"]);
    }
}
