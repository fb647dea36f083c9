use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    node_enrol::Enrol,
    node_settings::Settings,
    nodes::sentence,
    reading::{Reading, node_of, node_path, reading},
    traffic::{Traffic, TrafficResource, traffic},
};
use crate::{
    api::{
        ApiError,
        services::{RepairNode, ServiceReading},
    },
    components::{
        Badge, Block, Button, ButtonLink, Copy, Drift, DriftRow, Fact, Facts, Glyph, Kind, Menu, MenuLink, MenuRule,
        Notice, PageHead, Refusal, Time, Tone, exact,
    },
    domain::{
        ProjectName, ServiceId,
        gateway::DriftPolicy,
        service::{Node, NodeState, Service},
    },
    pages::{
        failure::Failure,
        form::{FlashResource, Memory, beside, flash},
        fresh::{living, page_name},
        here::{project_for_links, use_project, use_segment},
        tones::{node_sync_tone, node_tone},
    },
    routes,
};

pub struct NodeDetail;

#[lazy_route]
impl LazyRoute for NodeDetail {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (reading, flash) = (reading(), flash());
        view! { <Detail reading flash titled=true/> }.into_any()
    }
}

/// The page itself; also what lies behind the questions about this node.
#[component]
pub fn Detail(
    reading: Reading,
    /// Of all forms of the page, read outside of what waits: an answer is given out once.
    flash: FlashResource,
    /// Whether the page is called by the node's name, and not by what lies over it.
    #[prop(optional)]
    titled: bool,
) -> impl IntoView {
    let (id, traffic) = (use_segment("node"), traffic());
    living(reading, move |read| {
        let found = Memo::new(move |_| read.with(|read| node_of(&read.service, &id.get())));
        let there = Memo::new(move |_| found.with(Option::is_some));
        (move || match found.get_untracked().filter(|_| there.get()) {
            Some(first) => view! { <Shown read found first traffic flash titled/> }.into_any(),
            None => view! { <Failure error=ApiError::NotFound/> }.into_any(),
        })
        .into_any()
    })
}

#[component]
fn Shown(
    read: Signal<ServiceReading>,
    found: Memo<Option<Node>>,
    first: Node,
    traffic: TrafficResource,
    flash: FlashResource,
    titled: bool,
) -> impl IntoView {
    let repair = ServerAction::<RepairNode>::new();
    let project = use_project().get_untracked();
    let links = project_for_links(&project);
    // While the page is being left there may be none.
    let node = Memo::new(move |before: Option<&Node>| {
        found.get().or_else(|| before.cloned()).unwrap_or_else(|| first.clone())
    });
    let service = Memo::new(move |_| read.with(|read| Of::from(&read.service)));
    let error = beside(&[], Memory::default().error(repair));
    let of_drift = project.clone();
    let differs = move || {
        node.with(|node| {
            (!node.drift.is_empty()).then(|| service.with(|service| drift(node, service, &of_drift, repair, error)))
        })
    };
    let enforced = Memo::new(move |_| node.with(|node| node.settings.enforced));
    // Nothing is to be set up on a host that leaves.
    let stays = Memo::new(move |_| node.with(|node| node.state != NodeState::Leaving));
    let of_removed = links.clone();
    let removed = move || {
        node.with(|node| node.removed).then(|| {
            let href = service.with(|service| node.with(|node| routes::node_revoke(&of_removed, service.id, node.id)));
            view! {
                <Notice tone=Tone::Wait title="This node was removed" text="Its agent takes the firewall off when it answers. A host that is gone for good never does: revoke its credential, and the node is let go.">
                    <ButtonLink href small=true icon=Glyph::Key>"Revoke credential"</ButtonLink>
                </Notice>
            }
        })
    };
    view! {
        {titled.then(|| view! { <Title text=page_name(node, |node| node.name.to_string())/> })}
        {move || service.with(|service| node.with(|node| head(node, service, &links)))}
        {move || node.with(|node| node.trouble.clone()).map(|text| view! { <Notice tone=Tone::Bad title="The node is in trouble" text/> })}
        {removed}
        {differs}
        {move || node.with(facts)}
        {move || (enforced.get() && stays.get()).then(|| view! { <Enrol node flash/> })}
        {move || stays.get().then(|| view! { <Settings node read flash/> })}
        <Traffic resource=traffic page=node_path() of_node=true/>
    }
}

/// What the page says of the node's service.
#[derive(Clone, Debug, PartialEq)]
struct Of {
    id: ServiceId,
    name: String,
    asks: bool,
    going: Option<String>,
}

impl From<&Service> for Of {
    fn from(service: &Service) -> Self {
        let asks = service.drift_policy == DriftPolicy::Ask;
        Self { id: service.id, name: service.name.to_string(), asks, going: service.going() }
    }
}

fn head(node: &Node, service: &Of, project: &ProjectName) -> impl IntoView + use<> {
    let crumbs = vec![
        ("Services".to_owned(), routes::services(project)),
        (service.name.clone(), routes::service(project, service.id)),
    ];
    let (tone, word, sync) = (node_tone(node), node.state.word(), node.sync);
    let badge = move || {
        view! {
            <Badge tone word/>
            {sync.map(|sync| view! { <Badge tone=node_sync_tone(sync) word=sync.word()/> })}
        }
    };
    let (remove, revoke) =
        (routes::node_remove(project, service.id, node.id), routes::node_revoke(project, service.id, node.id));
    let none = node.sync.is_none().then(|| "No agent holds a credential for it.".to_owned());
    let (open, going) = (routes::service(project, service.id), node.going().or_else(|| service.going.clone()));
    let none = none.filter(|_| !node.removed);
    let menu = format!("More actions for {}", node.name);
    view! {
        <PageHead title=node.name.to_string() crumbs lead=sentence(node) badge>
            <ButtonLink href=open>"Open the service"</ButtonLink>
            <Menu label=menu>
                <MenuLink href=revoke icon=Glyph::Key label="Revoke credential" reason=none/>
                <MenuRule/>
                <MenuLink href=remove icon=Glyph::Trash label="Remove node" kind=Kind::Danger reason=going/>
            </Menu>
        </PageHead>
    }
}

fn facts(node: &Node) -> impl IntoView + use<> {
    let address = |address: Option<String>, declared: bool| match address {
        Some(value) => {
            let by = if declared { "declared" } else { "as reported" };
            view! { <Copy value/> " " <span class="quiet">{by}</span> }.into_any()
        }
        None => view! { <span class="quiet">"none"</span> }.into_any(),
    };
    let private =
        address(node.private_address.map(|address| address.to_string()), node.settings.private_address.is_some());
    let public =
        address(node.public_address.map(|address| address.to_string()), node.settings.public_address.is_some());
    let translated =
        node.settings.translated.then(|| view! { " " <span class="quiet">"translated before the host"</span> });
    let host = node.host_name.clone().map_or_else(
        || view! { <span class="quiet">"not reported"</span> }.into_any(),
        |name| view! { <span class="fact">{name}</span> }.into_any(),
    );
    let seen = match node.last_seen {
        Some(at) => view! { <Time at/> }.into_any(),
        None => view! { <span class="quiet">"never"</span> }.into_any(),
    };
    let id = node.id.to_string();
    let names = if node.serves() { "lead to it" } else { "do not lead to it" };
    view! {
        <Block id="h-node" title="Node">
            <Facts>
                <Fact label="Private address">{private}</Fact>
                <Fact label="Public address">{public}{translated}</Fact>
                <Fact label="Host name">{host}</Fact>
                <Fact label="Last seen">{seen}</Fact>
                <Fact label="Names">{names}</Fact>
                <Fact label="Internal ID"><Copy value=id/></Fact>
            </Facts>
        </Block>
    }
}

/// What the host shows beside what was asked, with a way to put it right where the service asks first.
fn drift(
    node: &Node,
    service: &Of,
    project: &str,
    repair: ServerAction<RepairNode>,
    error: Signal<Option<String>>,
) -> impl IntoView + use<> {
    let rows: Vec<DriftRow> = node
        .drift
        .iter()
        .map(|drift| DriftRow {
            object: drift.subject.clone(),
            field: drift.field.clone(),
            wanted: drift.wanted.clone(),
            found: drift.found.clone(),
            since: exact(drift.since),
        })
        .collect();
    let title = match rows.len() {
        1 => "The host differs in 1 field".to_owned(),
        many => format!("The host differs in {many} fields"),
    };
    let (tone, text) = if service.asks {
        (Tone::Wait, "Found by the agent, which has touched nothing. It waits for you.")
    } else {
        (Tone::Move, "Found by the agent, which puts it right.")
    };
    let (project, id, node) = (project.to_owned(), service.id.to_string(), node.id.to_string());
    let apply = service.asks.then(|| {
        view! {
            <ActionForm action=repair>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="node" value=node/>
                <Button kind=Kind::Primary small=true busy=repair.pending()>"Put it right"</Button>
            </ActionForm>
            <Refusal id="repair-refusal" error/>
        }
    });
    view! {
        <Drift tone title text rows>
            {apply}
        </Drift>
    }
}
