use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, hooks::use_query_map, lazy_route};

use super::{
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
            Component,
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
    let firewall = Memo::new(move |_| read.with(|read| read.firewall.clone()));
    let page = read.with_untracked(|read| routes::service_firewall(&project, read.service.id));
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        let number = |name: &str| query.with(|query| query.get(name)).and_then(|text| text.parse::<usize>().ok());
        number("rule").map(|rule| (rule, number("page").unwrap_or(1).max(1)))
    });
    let (of_rules, of_traffic) = (page.clone(), page.clone());
    view! {
        {move || about.with(|about| head(about, &project))}
        {move || about.with(|about| firewall.with(|firewall| rules(firewall, about, &of_rules)))}
        {move || asked.get().and_then(|(rule, at)| firewall.with(|firewall| sources(firewall, rule, at, &page)))}
        <TryIt read/>
        <Traffic resource=traffic page=of_traffic/>
    }
}

/// What the page says of the service itself.
#[derive(Clone, Debug, PartialEq)]
struct About {
    id: ServiceId,
    name: String,
    private: Option<String>,
    components: Vec<Component>,
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
            private: service.vpc.as_ref().map(|vpc| vpc.cidr.to_string()),
            components: service.components.clone(),
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
    let lead = match about.not_enforced {
        0 => "Default deny: a packet to a port of the service gets in if a rule lets it. This is what its hosts enforce.".to_owned(),
        1 => "Default deny: a packet to a port of the service gets in if a rule lets it. One node has no agent to enforce it.".to_owned(),
        many => format!("Default deny: a packet to a port of the service gets in if a rule lets it. {many} nodes have no agent to enforce it."),
    };
    let (title, reason) = (format!("Effective firewall of {}", about.name), about.fixed.clone());
    view! {
        <PageHead title crumbs lead>
            <ButtonLink href=filter icon=Glyph::Users reason>"Set public IP filters"</ButtonLink>
        </PageHead>
    }
}

fn rules(firewall: &Firewall, about: &About, page: &str) -> impl IntoView + use<> {
    let rows = firewall.rules.iter().enumerate().map(|(at, rule)| row(at + 1, rule, about, page)).collect_view();
    let ports: Vec<String> = firewall.guarded.iter().map(ToString::to_string).collect();
    let number = firewall.rules.len() + 1;
    view! {
        <section class="block" aria-label="Rules">
            <Table
                label="Rules"
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
        </section>
    }
}

fn row(number: usize, rule: &Rule, about: &About, page: &str) -> impl IntoView + use<> {
    let to = match (rule.to, &about.private) {
        (Destination::Any, _) => view! { "every address" }.into_any(),
        (Destination::Private, Some(range)) => {
            view! { "private: " <span class="fact">{range.clone()}</span> }.into_any()
        }
        (Destination::Private, None) => view! { "private addresses" }.into_any(),
        (Destination::Public, _) => view! { "public addresses" }.into_any(),
    };
    let ports = about.components.iter().filter(|component| rule.components.contains(&component.name));
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
            <td data-at="b1"><div class="sources">{listed(number, rule, page)}{narrowed}</div></td>
            <td data-at="b2">{to}</td>
            <td data-at="c"><span class="many">{ports}</span></td>
        </tr>
    }
}

/// The first sources of a rule, and the way to the others.
fn listed(number: usize, rule: &Rule, page: &str) -> impl IntoView + use<> {
    let sources = named(rule);
    let more = sources.len().saturating_sub(FEW);
    let href = format!("{page}?rule={number}#h-sources");
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
fn sources(firewall: &Firewall, number: usize, at: usize, page: &str) -> Option<impl IntoView + use<>> {
    let rule = firewall.rules.get(number.checked_sub(1)?)?;
    let all = named(rule);
    let pages = all.len().div_ceil(PAGE).max(1);
    let at = at.min(pages);
    let (first, last) = ((at - 1) * PAGE, (at * PAGE).min(all.len()));
    let to = |at: usize| format!("{page}?rule={number}&page={at}#h-sources");
    let back = (at > 1).then(|| view! { <ButtonLink small=true href=to(at - 1)>"Previous sources"</ButtonLink> });
    let on = (at < pages).then(|| view! { <ButtonLink small=true href=to(at + 1)>"More sources"</ButtonLink> });
    let said = format!("{} to {} of {}", grouped(first as u64 + 1), grouped(last as u64), grouped(all.len() as u64));
    let title = format!("Sources of rule {number}");
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
    fn of_a_rule_that_the_filter_cut_only_what_is_left_is_listed() {
        let left: Vec<_> = named(&rule("10.2.0.0/17")).into_iter().map(|(_, range)| range.to_string()).collect();
        assert_eq!(left, ["10.2.0.0/17"]);
    }
}
