use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, hooks::use_query_map, lazy_route};

use super::{
    migration::Moves,
    reading::reading,
    traffic::{Traffic, TrafficResource, traffic},
    verdict::TryIt,
};
use crate::{
    api::services::ServiceReading,
    components::{Block, ButtonLink, Column, Copy, Glyph, Mark, PageHead, Table, Tone, grouped},
    domain::{
        AddressRange, ServiceId,
        permission::Permission,
        service::{
            Component, Service,
            firewall::{Firewall, Rule},
            node::Destination,
        },
    },
    pages::{
        fresh::living,
        here::{project_for_links, use_project},
    },
    routes,
};

/// As many sources stand in a rule's own row.
const FEW: usize = 6;
/// As many stand on a page of their own list.
const PAGE: usize = 200;

pub struct ServiceFirewall;

#[lazy_route]
impl LazyRoute for ServiceFirewall {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (reading, traffic) = (reading(), traffic());
        view! {
            <Title text="Effective firewall"/>
            {living(reading, move |read| view! { <Shown read traffic/> }.into_any())}
        }
        .into_any()
    }
}

#[component]
fn Shown(read: Signal<ServiceReading>, traffic: TrafficResource) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let about = Memo::new(move |_| read.with(About::of));
    let page = read.with_untracked(|read| routes::service_firewall(&project, read.service.id));
    let (of_here, of_there) = (page.clone(), page.clone());
    let here = Memo::new(move |_| read.with(|read| Sheet::here(read, &of_here)));
    let there = Memo::new(move |_| read.with(|read| Sheet::elsewhere(read, &of_there)));
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        let number = |name: &str| query.with(|query| query.get(name)).and_then(|text| text.parse::<usize>().ok());
        number("rule").map(|rule| (rule, number("page").unwrap_or(1).max(1)))
    });
    let is_other = Memo::new(move |_| query.with(|query| query.get("place").as_deref() == Some(OTHER)));
    let listed = move || {
        let (rule, at) = asked.get()?;
        if is_other.get() {
            there.with(|there| there.as_ref().and_then(|sheet| sources(sheet, rule, at))).map(IntoAny::into_any)
        } else {
            here.with(|sheet| sources(sheet, rule, at)).map(IntoAny::into_any)
        }
    };
    view! {
        {move || about.with(|about| head(about, &project))}
        <Moves read/>
        {move || here.with(rules)}
        {move || there.with(|there| there.as_ref().map(rules))}
        {listed}
        <TryIt read/>
        <Traffic resource=traffic page/>
    }
}

/// In the query of the page: the place that names do not lead to.
const OTHER: &str = "other";

/// The firewall of one place, with what its table says.
#[derive(Clone, Debug, PartialEq)]
struct Sheet {
    firewall: Firewall,
    /// What people call it: the place that names do not lead to, while the service moves.
    other: Option<String>,
    /// The range of its VPC.
    private: Option<String>,
    components: Vec<Component>,
    /// The page and its query as far as it names the place: a rule's number is added to it.
    address: String,
}

impl Sheet {
    fn here(read: &ServiceReading, page: &str) -> Self {
        Self::of(&read.service, read.firewall.clone(), None, format!("{page}?"))
    }

    /// While the service moves.
    fn elsewhere(read: &ServiceReading, page: &str) -> Option<Self> {
        let there = read.service.elsewhere()?;
        let (label, address) = (there.place_label.clone(), format!("{page}?place={OTHER}&"));
        Some(Self::of(&there, there.firewall(), Some(label), address))
    }

    fn of(service: &Service, firewall: Firewall, other: Option<String>, address: String) -> Self {
        let private = service.vpc.as_ref().map(|vpc| vpc.cidr.to_string());
        Self { firewall, other, private, components: service.components.clone(), address }
    }
}

/// What the page says of the service itself.
#[derive(Clone, Debug, PartialEq)]
struct About {
    id: ServiceId,
    name: String,
    here: String,
    /// The other place of a service that moves.
    elsewhere: Option<String>,
    not_enforced: usize,
    /// Why its IP filter cannot be set by whoever reads this.
    fixed: Option<String>,
}

impl About {
    fn of(read: &ServiceReading) -> Self {
        let service = &read.service;
        Self {
            id: service.id,
            name: service.name.to_string(),
            here: service.place_label.clone(),
            elsewhere: service.elsewhere().map(|there| there.place_label),
            not_enforced: service.not_enforced(),
            fixed: service.going().or_else(|| read.missing(Permission::ServiceConfigurationWrite)),
        }
    }
}

fn head(about: &About, project: &crate::domain::ProjectName) -> impl IntoView + use<> {
    let crumbs = vec![
        ("Services".to_owned(), routes::services(project)),
        (about.name.clone(), routes::service(project, about.id)),
    ];
    let filter = routes::service_ip_filter(project, about.id);
    let lead = lead(about);
    let (title, reason) = (format!("Effective firewall of {}", about.name), about.fixed.clone());
    view! {
        <PageHead title crumbs lead>
            <ButtonLink href=filter icon=Glyph::Users reason>"Set public IP filters"</ButtonLink>
        </PageHead>
    }
}

fn lead(about: &About) -> String {
    let enforced = match about.not_enforced {
        0 if about.elsewhere.is_none() => "This is what its hosts enforce.".to_owned(),
        0 => String::new(),
        1 => "One node has no agent to enforce it.".to_owned(),
        many => format!("{many} nodes have no agent to enforce it."),
    };
    let two = about.elsewhere.as_ref().map(|there| {
        format!("These rules are those of its hosts in {}; those in {there} have the rules below them.", about.here)
    });
    let first = "Default deny: a packet to a port of the service gets in if a rule lets it.".to_owned();
    let said = [first, two.unwrap_or_default(), enforced];
    said.into_iter().filter(|sentence| !sentence.is_empty()).collect::<Vec<_>>().join(" ")
}

fn rules(sheet: &Sheet) -> AnyView {
    match &sheet.other {
        None => view! { <section class="block" aria-label="Rules">{table(sheet, "Rules")}</section> }.into_any(),
        Some(place) => {
            let (title, table) = (format!("Firewall in {place}"), table(sheet, &format!("Rules in {place}")));
            view! {
                <Block id="h-there" title lead="What the service's hosts there enforce while it moves.">
                    {table}
                </Block>
            }
            .into_any()
        }
    }
}

fn table(sheet: &Sheet, label: &str) -> impl IntoView + use<> {
    let (firewall, label) = (&sheet.firewall, label.to_owned());
    let rows = firewall.rules.iter().enumerate().map(|(at, rule)| row(at + 1, rule, sheet)).collect_view();
    let ports: Vec<String> = firewall.guarded.iter().map(ToString::to_string).collect();
    let number = firewall.rules.len() + 1;
    view! {
        <Table
            label
            columns=vec![
                Column::number("Rule"), Column::text("Reason"), Column::text("From"), Column::text("To"), Column::text("Ports"),
            ]
            stack=true
        >
            {rows}
            <tr>
                <th scope="row" class="num fact" data-at="a2">{number}</th>
                <td data-at="a1"><span class="flow nowrap"><Mark tone=Tone::Off/>"Default deny"</span></td>
                <td data-at="b1">"everywhere else"</td>
                <td data-at="b2">"every address"</td>
                <td data-at="c"><span class="fact">{ports.join(", ")}</span></td>
            </tr>
        </Table>
        <p class="muted said">"Refused without an answer. Other ports of a host are its own business."</p>
    }
}

fn row(number: usize, rule: &Rule, sheet: &Sheet) -> impl IntoView + use<> {
    let to = match (rule.to, &sheet.private) {
        (Destination::Any, _) => view! { "every address" }.into_any(),
        (Destination::Private, Some(range)) => {
            view! { "private: " <span class="fact">{range.clone()}</span> }.into_any()
        }
        (Destination::Private, None) => view! { "private addresses" }.into_any(),
        (Destination::Public, _) => view! { "public addresses" }.into_any(),
    };
    let ports = sheet.components.iter().filter(|component| rule.components.contains(&component.name));
    let ports = ports.map(|component| {
        view! { <span class="nowrap">{component.name.to_string()} " " <span class="fact">{component.port}</span></span> }
    });
    let ports = ports.collect_view();
    let narrowed = rule.narrowed.then(|| {
        view! { <small class="muted">"The IP filter takes some of their addresses away: public access asks it on every route."</small> }
    });
    view! {
        <tr>
            <th scope="row" class="num fact" data-at="a2">{number}</th>
            <td data-at="a1">{rule.reason.to_string()}</td>
            <td data-at="b1"><div class="sources">{listed(number, rule, &sheet.address)}{narrowed}</div></td>
            <td data-at="b2">{to}</td>
            <td data-at="c"><span class="many">{ports}</span></td>
        </tr>
    }
}

/// The first sources of a rule, and the way to the others.
fn listed(number: usize, rule: &Rule, address: &str) -> impl IntoView + use<> {
    let sources = named(rule);
    let more = sources.len().saturating_sub(FEW);
    let href = format!("{address}rule={number}#h-sources");
    let more = (more > 0).then(|| view! { <li><a href=href>{format!("and {} more", grouped(more as u64))}</a></li> });
    view! {
        <ul>
            {sources.into_iter().take(FEW).map(|(name, range)| source(name, range)).collect_view()}
            {more}
        </ul>
    }
}

fn source(name: Option<String>, range: AddressRange) -> impl IntoView {
    let family = if range.is_ipv4() { "every IPv4 address" } else { "every IPv6 address" };
    let name = name.or(range.is_everything().then(|| family.to_owned()));
    view! { <li><Copy value=range.to_string()/> " " <span class="muted">{name}</span></li> }
}

/// Of peered networks the ranges by name, unless the filter cut them.
fn named(rule: &Rule) -> Vec<(Option<String>, AddressRange)> {
    if rule.peered.is_empty() || rule.narrowed {
        return rule.from.iter().map(|range| (None, *range)).collect();
    }
    rule.peered.iter().map(|peered| (Some(peered.name.clone()), peered.range.into())).collect()
}

/// All sources of one rule, a page at a time.
fn sources(sheet: &Sheet, number: usize, at: usize) -> Option<impl IntoView + use<>> {
    let address = &sheet.address;
    let rule = sheet.firewall.rules.get(number.checked_sub(1)?)?;
    let all = named(rule);
    let pages = all.len().div_ceil(PAGE).max(1);
    let at = at.min(pages);
    let (first, last) = ((at - 1) * PAGE, (at * PAGE).min(all.len()));
    let to = |at: usize| format!("{address}rule={number}&page={at}#h-sources");
    let back = (at > 1).then(|| view! { <ButtonLink small=true href=to(at - 1)>"Previous sources"</ButtonLink> });
    let on = (at < pages).then(|| view! { <ButtonLink small=true href=to(at + 1)>"More sources"</ButtonLink> });
    let said = format!("{} to {} of {}", grouped(first as u64 + 1), grouped(last as u64), grouped(all.len() as u64));
    let title = match &sheet.other {
        Some(place) => format!("Sources of rule {number} in {place}"),
        None => format!("Sources of rule {number}"),
    };
    let rows = all[first..last].iter().cloned().map(|(name, range)| source(name, range)).collect_view();
    Some(view! {
        <Block id="h-sources" title lead=rule.reason.to_string()>
            <ul class="all-sources">{rows}</ul>
            <nav class="flow tail" aria-label="Pages of sources">{back} {on} <p class="quiet">{said}</p></nav>
        </Block>
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Cidr,
        service::{
            IpFilter,
            firewall::{Around, Peered, Way, effective},
            fixtures::component,
        },
    };

    fn rule(filter: &str) -> Rule {
        let open = crate::domain::service::Component { public_access: !filter.is_empty(), ..component("pg", 5432) };
        let peered = ["beta", "gamma"].map(|name| Peered {
            by: Way::Connection,
            name: name.to_owned(),
            range: Cidr::literal(if name == "beta" { [10, 2, 0, 0] } else { [10, 3, 0, 0] }, 16),
        });
        let filter = IpFilter::parse(filter, 0).expect("a list");
        let around = Around {
            private: Some(Cidr::literal([10, 0, 0, 0], 24)),
            components: &[open],
            peered: &peered,
            filter: &filter,
            nodes: &[],
            integrations: &[],
        };
        effective(&around).rules.into_iter().find(|rule| !rule.peered.is_empty()).expect("a rule")
    }

    #[test]
    fn row_30_peered_networks_stand_in_their_rule_by_name_although_it_merges_them() {
        let names: Vec<_> = named(&rule("")).into_iter().map(|(name, range)| (name, range.to_string())).collect();
        let expected = [("beta", "10.2.0.0/16"), ("gamma", "10.3.0.0/16")];
        assert_eq!(names, expected.map(|(name, range)| (Some(name.to_owned()), range.to_owned())));
    }

    #[test]
    fn while_a_service_moves_the_rules_of_both_places_are_shown_and_said_to_be_theirs() {
        let read = ServiceReading::fixture(crate::domain::service::fixtures::moving());
        let reasons = |sheet: &Sheet| -> Vec<String> {
            sheet.firewall.rules.iter().map(|rule| rule.reason.to_string()).collect()
        };
        let (here, there) = (Sheet::here(&read, "/fw"), Sheet::elsewhere(&read, "/fw").expect("two places"));
        assert_eq!(reasons(&here), ["Other nodes of this service", "VPC peerings of the VPN gateway"]);
        assert_eq!(reasons(&there), ["Other nodes of this service", "IP filter"]);
        assert_eq!((here.private.as_deref(), there.private.as_deref()), (Some("10.0.0.0/24"), None));
        assert_eq!((there.other.as_deref(), there.address.as_str()), (Some("Bergen"), "/fw?place=other&"));
        let said = lead(&About::of(&read));
        assert!(said.ends_with("those of its hosts in Oslo; those in Bergen have the rules below them."), "{said}");
        let settled = crate::domain::service::Service { migration: None, ..read.service.clone() };
        let read = ServiceReading { service: settled, ..read };
        assert_eq!(Sheet::elsewhere(&read, "/fw"), None);
        assert!(lead(&About::of(&read)).ends_with("This is what its hosts enforce."));
    }

    #[test]
    fn of_a_rule_that_the_filter_cut_only_what_is_left_is_listed() {
        let left: Vec<_> = named(&rule("10.2.0.0/17")).into_iter().map(|(_, range)| range.to_string()).collect();
        assert_eq!(left, ["10.2.0.0/17"]);
    }
}
