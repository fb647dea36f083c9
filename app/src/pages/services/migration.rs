//! A service that moves: how far it is, which host takes over from which, and where its names lead before and after.

use std::net::IpAddr;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    detail::let_in,
    reading::{Reading, reading},
};
use crate::{
    api::services::ServiceReading,
    components::{
        Badge, Block, ButtonLink, Column, Copy, Empty, Glyph, Icon, Kind, Notice, PageHead, Progress, Step, Stepper,
        Table, Time, Tone, each,
    },
    domain::{
        NodeId, ProjectName, ServiceId, Timestamp,
        permission::Permission,
        service::{
            Node, NodeState, Service,
            firewall::Firewall,
            migration::{Phase, checklist},
        },
    },
    pages::{
        fresh::{living, page_name},
        here::{project_for_links, use_project},
        tones::node_tone,
    },
    routes,
};

pub struct ServiceMigration;

#[lazy_route]
impl LazyRoute for ServiceMigration {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        view! { <Detail reading=reading() titled=true/> }.into_any()
    }
}

/// The page itself; also what lies behind the questions about the move.
#[component]
pub fn Detail(
    reading: Reading,
    /// Whether the page is called by what it shows, and not by what lies over it.
    #[prop(optional)]
    titled: bool,
) -> impl IntoView {
    living(reading, move |read| view! { <Shown read titled/> }.into_any())
}

/// What the top of the page says; it stands while hosts report.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    id: ServiceId,
    name: String,
    here: String,
    /// Why whoever reads this can do nothing about it.
    fixed: Option<String>,
    moving: Option<Moving>,
}

#[derive(Clone, Debug, PartialEq)]
struct Moving {
    target: String,
    /// What to see to after the switch.
    after: &'static [&'static str],
    started_at: Timestamp,
    phase: Phase,
    /// Why names cannot be switched now.
    blocked: Option<String>,
    /// To try the new way with, once names are switched.
    probe: Option<String>,
}

impl Told {
    fn of(read: &ServiceReading) -> Self {
        let service = &read.service;
        let migration = service.migration.as_ref().filter(|_| !service.deleting);
        let moving = migration.map(|migration| Moving {
            target: migration.target_label.clone(),
            after: checklist(migration.came_from(&service.place), &migration.target).after,
            started_at: migration.started_at,
            phase: migration.phase(&service.nodes, read.now),
            blocked: migration.admit_switch(&service.nodes, read.now).err().map(|refusal| refusal.sentence),
            probe: read.accesses.first().map(crate::domain::service::route::Access::probe),
        });
        let here = service.place_label.clone();
        let fixed = service.going().or_else(|| read.missing(Permission::ServicesWrite));
        Self { id: service.id, name: service.name.to_string(), here, fixed, moving }
    }
}

#[component]
fn Shown(read: Signal<ServiceReading>, titled: bool) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let told = Memo::new(move |_| read.with(Told::of));
    let service = Memo::new(move |_| read.with(|read| read.service.clone()));
    let moves = Memo::new(move |_| told.with(|told| told.moving.is_some()));
    let (of_steps, of_hosts) = (project.clone(), project.clone());
    let names = Memo::new(move |_| read.with(names));
    let elsewhere = Memo::new(move |_| service.with(Service::firewall_elsewhere));
    view! {
        {titled.then(|| view! { <Title text=page_name(told, |told| format!("Migration of {}", told.name))/> })}
        {move || told.with(|told| head(told, &project))}
        {move || told.with(|told| steps(told, &of_steps))}
        {move || {
            let project = of_hosts.clone();
            moves.get().then(|| view! { <Hosts service project/> })
        }}
        {move || names.with(|names| (!names.is_empty()).then(|| of_names(names)))}
        {move || elsewhere.with(|there| there.as_ref().map(|(place, firewall)| of_firewall(place, firewall)))}
    }
}

fn word(phase: Phase) -> (Tone, &'static str) {
    match phase {
        Phase::Enrolling { .. } => (Tone::Wait, "Enrolling"),
        Phase::Ready => (Tone::Wait, "Ready"),
        Phase::Draining { .. } => (Tone::Move, "Draining"),
        Phase::Leaving { .. } => (Tone::Move, "Leaving"),
        Phase::Done => (Tone::Good, "Done"),
    }
}

fn head(told: &Told, project: &ProjectName) -> impl IntoView + use<> {
    let crumbs = vec![
        ("Services".to_owned(), routes::services(project)),
        (told.name.clone(), routes::service(project, told.id)),
    ];
    let (title, open) = (format!("Migration of {}", told.name), routes::service(project, told.id));
    let lead = told.moving.as_ref().map_or_else(
        || format!("No migration is under way. The service is in {}.", told.here),
        |moving| moving.phase.sentence(),
    );
    let said = told.moving.as_ref().map(|moving| word(moving.phase));
    let badge = move || said.map(|(tone, word)| view! { <Badge tone word/> });
    view! {
        <PageHead title crumbs lead badge>
            <ButtonLink href=open>"Open the service"</ButtonLink>
        </PageHead>
    }
}

/// Where each of the four steps is.
fn progress(phase: Phase) -> [Progress; 4] {
    let here = match phase {
        Phase::Enrolling { .. } => 0,
        Phase::Ready => 1,
        Phase::Draining { .. } => 2,
        Phase::Leaving { .. } => 3,
        Phase::Done => 4,
    };
    std::array::from_fn(|at| match at.cmp(&here) {
        std::cmp::Ordering::Less => Progress::Done,
        std::cmp::Ordering::Equal => Progress::Here,
        std::cmp::Ordering::Greater => Progress::Ahead,
    })
}

fn steps(told: &Told, project: &ProjectName) -> AnyView {
    let Some(moving) = told.moving.clone() else {
        let (href, reason) = (routes::service_migrate(project, told.id), told.fixed.clone());
        return view! {
            <Empty what="No migration is under way." why="A service moves to another region or VPC step by step: its new hosts are enrolled first, and the old ones leave last.">
                <ButtonLink href icon=Glyph::ArrowRight reason>"Change cloud or region"</ButtonLink>
            </Empty>
        }
        .into_any();
    };
    let Moving { target, after, started_at, phase, blocked, probe } = moving;
    let [first, second, third, fourth] = progress(phase);
    let (to_switch, to_return, to_finish) = (
        routes::service_switch(project, told.id),
        routes::service_return(project, told.id),
        routes::service_finish(project, told.id),
    );
    let (fixed, here) = (told.fixed.clone(), told.here.clone());
    let of_finish = fixed.clone();
    let before = matches!(phase, Phase::Enrolling { .. } | Phase::Ready);
    let enrolled = match phase {
        Phase::Enrolling { ready, wanted } => format!("{ready} of {wanted} ready."),
        _ => "Every replacement host is ready.".to_owned(),
    };
    let switch = move || {
        if !before {
            return view! { <p class="muted">{format!("Names lead to {here}.")}</p> }.into_any();
        }
        view! {
            <p class="deeds">
                <ButtonLink href=to_switch kind=Kind::Primary reason=fixed.clone().or(blocked)>"Switch names"</ButtonLink>
                <ButtonLink href=to_return reason=fixed>"Call it off"</ButtonLink>
            </p>
        }
        .into_any()
    };
    let drain = move || {
        match phase {
        Phase::Draining { until } => view! {
            <p class="muted">"The old hosts are let go " <Time at=until/> "."</p>
            <p class="deeds"><ButtonLink href=to_finish reason=of_finish>"Let them go now"</ButtonLink></p>
        }
        .into_any(),
        Phase::Leaving { .. } | Phase::Done => view! { <p class="muted">"Nobody is sent to them any more."</p> }.into_any(),
        _ => view! { <p class="muted">"For five minutes the old hosts serve clients that still hold an old address."</p> }.into_any(),
    }
    };
    let leave = match phase {
        Phase::Leaving { .. } => phase.sentence(),
        _ => "Their agents take the firewall off, and the migration is done.".to_owned(),
    };
    let after = after.iter().map(|item| view! { <li>{*item}</li> }).collect_view();
    let probe = probe.filter(|_| !before).map(|probe| view! { <p><Copy value=probe/></p> });
    view! {
        <section class="block" aria-labelledby="h-steps">
            <header>
                <h2 id="h-steps">{format!("To {target}")}</h2>
                <p>"Begun " <Time at=started_at/> "."</p>
            </header>
            <Stepper heads=("This console".to_owned(), "On your hosts".to_owned())>
                <Step number=1 progress=first title="Enrol replacement hosts" ours=move || view! { <p class="muted">{enrolled}</p> }>
                    <p class="muted">"Enrol each of those below, and replicate the data to it from the host that it takes over from."</p>
                </Step>
                <Step number=2 progress=second title="Switch the names" ours=switch>
                    <p class="muted">"Once the data has arrived. If you keep the records in a DNS of your own, change them then: the service's page has them."</p>
                </Step>
                <Step number=3 progress=third title="Old hosts drain" ours=drain>
                    <ol class="checklist muted">{after}</ol>
                    {probe}
                </Step>
                <Step number=4 progress=fourth title="Old hosts leave" ours=move || view! { <p class="muted">{leave}</p> }>
                    <p class="muted">"A host that is gone for good never answers: revoke its credential on its page, and it is let go."</p>
                </Step>
            </Stepper>
        </section>
    }
    .into_any()
}

#[component]
fn Hosts(service: Memo<Service>, project: ProjectName) -> impl IntoView {
    let id = service.with_untracked(|service| service.id);
    // New hosts first: something is to be done with them.
    let ids = Memo::new(move |_| {
        service.with(|service| {
            let is_old = |node: &Node| service.migration.as_ref().is_some_and(|migration| migration.is_old(node));
            let mut all: Vec<&Node> = service.nodes.iter().collect();
            all.sort_by_key(|node| is_old(node));
            all.into_iter().map(|node| node.id).collect::<Vec<NodeId>>()
        })
    });
    let shown = move |node: NodeId| {
        let project = project.clone();
        let this = Memo::new(move |_| service.with(|service| Row::of(service, node)));
        (move || this.get().map(|row| host(&row, id, &project))).into_any()
    };
    view! {
        <section class="block" aria-labelledby="h-hosts">
            <header>
                <h2 id="h-hosts">"Hosts"</h2>
                <p>"They are members of one service while it moves: each reaches every other."</p>
            </header>
            <Table
                label="Hosts"
                columns=vec![
                    Column::text("Name"), Column::text("Part"), Column::text("State"), Column::text("Address"), Column::number("Last seen"),
                ]
                stack=true
            >
                {each(move || ids.get(), |id| id.key(), shown)}
            </Table>
        </section>
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    node: Node,
    part: String,
}

impl Row {
    fn of(service: &Service, id: NodeId) -> Option<Self> {
        let node = service.nodes.iter().find(|node| node.id == id)?.clone();
        let is_old = service.migration.as_ref().is_some_and(|migration| migration.is_old(&node));
        let replaced = service.nodes.iter().find(|other| Some(other.id) == node.replaces);
        let part = match replaced {
            Some(old) => format!("Takes over from {}", old.name),
            None if is_old => "Old host".to_owned(),
            None => "New host".to_owned(),
        };
        Some(Self { node, part })
    }
}

fn host(row: &Row, service: ServiceId, project: &ProjectName) -> impl IntoView + use<> {
    let node = &row.node;
    let href = routes::node(project, service, node.id);
    let inside = node.place.vpc.is_some();
    let address = if inside { node.private_address.map(IpAddr::V4) } else { node.public_address };
    let address = match address {
        Some(address) => view! { <Copy value=address.to_string()/> }.into_any(),
        None => view! { <span class="quiet">"none yet"</span> }.into_any(),
    };
    let seen = match node.last_seen {
        Some(at) => view! { <Time at short=true/> }.into_any(),
        None => "never".into_any(),
    };
    let (tone, title) = (node_tone(node), super::nodes::sentence(node));
    let ready = node.replaces.is_some() && node.state == NodeState::SyncingData;
    let word = if ready { "Ready" } else { node.state.word() };
    view! {
        <tr>
            <th scope="row" data-at="a1"><a href=href>{node.name.to_string()}</a></th>
            <td class="nowrap" data-at="b1">{row.part.clone()}</td>
            <td class="nowrap" data-at="a2"><Badge tone word title/></td>
            <td class="nowrap" data-at="c1">{address}</td>
            <td class="num quiet nowrap" data-at="b2">{seen}</td>
        </tr>
    }
}

/// A host name, where it leads, and where it will.
#[derive(Clone, Debug, PartialEq)]
struct Lead {
    host: String,
    /// `None`: it begins with the switch.
    now: Option<Vec<IpAddr>>,
    /// `None`: it ends with the switch.
    then: Option<Vec<IpAddr>>,
}

/// Every name before and after the switch; none once it is done.
fn names(read: &ServiceReading) -> Vec<Lead> {
    let Some(there) = read.service.switched() else { return Vec::new() };
    let then = there.accesses(&read.project);
    let mut leads: Vec<Lead> = Vec::new();
    for access in &read.accesses {
        if leads.iter().all(|lead| lead.host != access.host) {
            leads.push(Lead { host: access.host.clone(), now: Some(access.addresses.clone()), then: None });
        }
    }
    for access in then {
        match leads.iter_mut().find(|lead| lead.host == access.host) {
            Some(lead) => lead.then = Some(access.addresses),
            None => leads.push(Lead { host: access.host, now: None, then: Some(access.addresses) }),
        }
    }
    leads
}

fn of_names(names: &[Lead]) -> impl IntoView + use<> {
    let listed = |addresses: Option<&[IpAddr]>, none: &'static str, missing: &'static str| {
        let Some(addresses) = addresses else { return view! { <span class="quiet">{missing}</span> }.into_any() };
        if addresses.is_empty() {
            return view! { <span class="quiet">{none}</span> }.into_any();
        }
        let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        view! { <span class="fact">{texts.join(", ")}</span> }.into_any()
    };
    let rows = names.iter().map(|lead| {
        let now = listed(lead.now.as_deref(), "nowhere", "begins with the switch");
        let then = listed(lead.then.as_deref(), "nowhere yet", "gone after the switch");
        view! {
            <tr>
                <th scope="row" class="fact" data-at="a1">{lead.host.clone()}</th>
                <td data-at="b1">{now}</td>
                <td data-at="c1"><span class="flow"><Icon glyph=Glyph::ArrowRight/> {then}</span></td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let all_stay = names.iter().all(|lead| lead.now.is_some() && lead.then.is_some());
    let lead = if all_stay {
        "They stay the same; what they lead to changes with the switch."
    } else {
        "What they lead to changes with the switch; the public host name is there in a VPC only."
    };
    view! {
        <Block id="h-names" title="Names" lead>
            <Table
                label="Names"
                columns=vec![Column::text("Host name"), Column::text("Leads to"), Column::text("After the switch")]
                stack=true
            >
                {rows}
            </Table>
        </Block>
    }
}

/// The firewall of the place that names do not lead to.
pub fn of_firewall(place: &str, firewall: &Firewall) -> impl IntoView + use<> {
    let lines = let_in(firewall);
    view! {
        <Block id="h-there" title=format!("Firewall in {place}") lead="What its hosts there let in; the hosts of the other place have the service's effective firewall.">
            {lines}
        </Block>
    }
}

/// On the service's other pages: that it moves, how far it is, and the way here.
#[component]
pub fn Moves(read: Signal<ServiceReading>) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let told = Memo::new(move |_| read.with(Told::of));
    move || {
        told.with(|told| {
            let moving = told.moving.as_ref()?;
            let href = routes::service_migration(&project, told.id);
            let (title, text) = (format!("Migration to {}", moving.target), moving.phase.sentence());
            Some(view! {
                <Notice tone=word(moving.phase).0 title text>
                    <ButtonLink href small=true icon=Glyph::ArrowRight>"Open the migration"</ButtonLink>
                </Notice>
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::service::{Component, fixtures};

    #[test]
    fn row_31_a_public_host_that_is_gone_after_the_switch_is_not_said_to_lead_nowhere_yet() {
        let mut service = fixtures::moving();
        service.components = vec![Component { public_access: true, ..fixtures::component("pg", 5432) }];
        let leads = names(&ServiceReading::fixture(service));
        let lines: Vec<_> =
            leads.iter().map(|lead| (lead.host.as_str(), lead.now.is_some(), lead.then.clone())).collect();
        let expected = [
            ("orders-shop.causeway.internal", true, Some(vec![IpAddr::from([203, 0, 113, 5])])),
            ("public-orders-shop.causeway.internal", true, None),
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn each_phase_is_one_step_and_those_before_it_are_done() {
        use Progress::{Ahead, Done, Here};
        assert_eq!(progress(Phase::Enrolling { ready: 0, wanted: 2 }), [Here, Ahead, Ahead, Ahead]);
        assert_eq!(progress(Phase::Ready), [Done, Here, Ahead, Ahead]);
        assert_eq!(progress(Phase::Leaving { left: 1 }), [Done, Done, Done, Here]);
        assert_eq!(progress(Phase::Done), [Done; 4]);
    }
}
