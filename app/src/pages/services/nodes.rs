//! The hosts of a service.

use leptos::prelude::*;

use crate::{
    api::services::AddNode,
    components::{
        Badge, Button, Column, Copy, Empty, Glyph, Kind, Menu, MenuLink, MenuRule, Refusal, Spark, Table, Time, Tone,
        each, spark_scale,
    },
    domain::{
        NodeId, ProjectName, ServiceId,
        service::{Node, NodeState, Service, traffic::NodeTraffic},
    },
    pages::{
        form::{Memory, beside, flash},
        fresh::{awaited, once},
        here::{project_for_links, use_project},
        tones::{node_sync_tone, node_tone},
    },
    routes,
};

#[component]
pub fn Nodes(
    service: Memo<Service>,
    traffic: Memo<Vec<NodeTraffic>>,
    /// Why whoever reads this may change none of them.
    missing: Memo<Option<String>>,
) -> impl IntoView {
    let add = ServerAction::<AddNode>::new();
    let project = use_project().get_untracked();
    let links = project_for_links(&project);
    let id = service.with_untracked(|service| service.id);
    let flash = flash();
    let refusal = move || {
        awaited(move || async move {
            let error = beside(&[], Memory::of::<AddNode>(once(flash).await).error(add));
            view! { <Refusal id="add-node-refusal" error/> }.into_any()
        })
    };
    let going = Signal::derive(move || {
        service.with(|service| {
            let missing = || missing.get();
            let there = service.nodes.iter().filter(|node| node.stays()).count();
            service
                .going()
                .or_else(missing)
                .or_else(|| Service::admit_node(there).err().map(|refusal| refusal.sentence))
        })
    });
    let ids =
        Memo::new(move |_| service.with(|service| service.nodes.iter().map(|node| node.id).collect::<Vec<NodeId>>()));
    let fixed = Memo::new(move |_| service.with(Service::going).or_else(|| missing.get()));
    let scale = Memo::new(move |_| traffic.with(|all| spark_scale(all.iter().map(|one| &one.samples[..]))));
    let shown = move |node: NodeId| {
        let links = links.clone();
        let spark = Signal::derive(move || {
            let of = |all: &Vec<NodeTraffic>| all.iter().find(|one| one.node == node).map(|one| one.samples.clone());
            (traffic.with(of).unwrap_or_default(), scale.get())
        });
        let this = Memo::new(move |_| service.with(|service| service.nodes.iter().find(|one| one.id == node).cloned()));
        let reason = move |node: &Node| node.going().or_else(|| fixed.get());
        (move || this.get().map(|node| row(&node, id, reason(&node), &links, spark))).into_any()
    };
    let lead = move || service.with(lead);
    let empty = Memo::new(move |_| ids.with(Vec::is_empty));
    view! {
        <section class="block" aria-labelledby="h-nodes">
            <header>
                <h2 id="h-nodes">"Nodes"</h2>
                <p>{lead}</p>
                <ActionForm action=add>
                    <input type="hidden" name="project" value=project/>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <Button small=true icon=Glyph::Plus reason=going busy=add.pending()>"Add node"</Button>
                </ActionForm>
            </header>
            {refusal()}
            {move || match empty.get() {
                true => view! {
                    <Empty what="No node." why="A node is a host of yours that runs the service. Add one, then enrol it or list it without an agent."/>
                }
                .into_any(),
                false => {
                    let shown = shown.clone();
                    view! {
                    <Table
                        label="Nodes"
                        columns=vec![
                            Column::text("Name"), Column::text("State"), Column::text("Firewall"), Column::text("Private address"),
                            Column::text("Public address"), Column::text("Host name"), Column::text("Traffic · 2 h"),
                            Column::number("Last seen"), Column::actions(),
                        ]
                        stack=true
                    >
                        {each(move || ids.get(), |id| id.key(), shown)}
                    </Table>
                    }
                    .into_any()
                }
            }}
        </section>
    }
}

fn lead(service: &Service) -> String {
    if let Some(migration) = &service.migration {
        return format!("While the service moves, a node that is added belongs to {}.", migration.target_label);
    }
    let (there, wanted) = (service.nodes.iter().filter(|node| node.stays()).count(), usize::from(service.node_count));
    match there {
        _ if there < wanted => format!("{there} of the {wanted} that its plan asks for."),
        1 => "One host.".to_owned(),
        many => format!("{many} hosts; they reach each other on every port of the service."),
    }
}

/// How a node stands, in a sentence.
pub fn sentence(node: &Node) -> String {
    let said = match (node.state, node.sync) {
        _ if node.trouble.is_some() && !node.removed => return node.trouble.clone().unwrap_or_default(),
        (NodeState::SettingUpVm, None) => {
            "Waits for its host. Run the enrolment command there, or list it without an agent."
        }
        (NodeState::SettingUpVm, Some(_)) => "Its host has enrolled and has not shown its firewall yet.",
        (NodeState::SyncingData, _) => "Takes over from another node; names do not lead to it yet.",
        (NodeState::Running, _) => "Names lead to it, and its agent keeps its firewall.",
        (NodeState::Leaving, _) if node.removed => {
            "Removed: its agent takes the firewall off when it answers. If its host is gone for good, revoke its credential."
        }
        (NodeState::Leaving, _) => "Names no longer lead to it; it serves whoever still holds its address.",
        (NodeState::TimingOut, _) => "Its agent is silent. The firewall that it was told last stays in force.",
        (NodeState::Unknown, _) => "Listed without an agent: names lead to it, and nobody guards its ports.",
    };
    said.to_owned()
}

/// `reason`: why it cannot be removed. `spark`: its samples, and the scale of all.
fn row(
    node: &Node,
    service: ServiceId,
    reason: Option<String>,
    project: &ProjectName,
    spark: Signal<(Vec<(u64, u64)>, u64)>,
) -> impl IntoView + use<> {
    let (href, remove) = (routes::node(project, service, node.id), routes::node_remove(project, service, node.id));
    let address = |address: Option<String>| match address {
        Some(value) => view! { <Copy value/> }.into_any(),
        None => view! { <span class="quiet">"none"</span> }.into_any(),
    };
    let (private, public) = (
        address(node.private_address.map(|address| address.to_string())),
        address(node.public_address.map(|address| address.to_string())),
    );
    let firewall = match (node.settings.enforced, node.sync) {
        (false, _) => view! { <span class="quiet">"not enforced"</span> }.into_any(),
        (true, None) => view! { <span class="quiet">"no host yet"</span> }.into_any(),
        (true, Some(sync)) => view! { <Badge tone=node_sync_tone(sync) word=sync.word()/> }.into_any(),
    };
    let drift = match node.drift.len() {
        0 => None,
        1 => Some("1 field differs".to_owned()),
        many => Some(format!("{many} fields differ")),
    };
    let drift = drift.map(|said| view! { " " <small class="muted">{said}</small> });
    let seen = match node.last_seen {
        Some(at) => view! { <Time at short=true/> }.into_any(),
        None => "never".into_any(),
    };
    let (label, word) = if node.settings.enforced && node.sync.is_none() {
        ("Enrol host", Glyph::Terminal)
    } else {
        ("View", Glyph::ArrowUpRight)
    };
    let (tone, title): (Tone, String) = (node_tone(node), sentence(node));
    let spark = move || {
        let (samples, scale) = spark.get();
        view! { <Spark samples scale/> }
    };
    view! {
        <tr>
            <th scope="row" data-at="a1"><a href=href.clone()>{node.name.to_string()}</a></th>
            <td class="nowrap" data-at="a2"><Badge tone word=node.state.word() title/></td>
            <td class="nowrap" data-at="b2">{firewall}{drift}</td>
            <td class="nowrap" data-at="b1">{private}</td>
            <td class="nowrap" data-at="c1">{public}</td>
            <td class="nowrap muted">{node.host_name.clone()}</td>
            <td title="Packets let in above, refused below">{spark}</td>
            <td class="num quiet nowrap" data-at="c2">{seen}</td>
            <td class="act">
                <Menu label=format!("Actions for {}", node.name)>
                    <MenuLink href icon=word label/>
                    <MenuRule/>
                    <MenuLink href=remove icon=Glyph::Trash label="Remove node" kind=Kind::Danger reason/>
                </Menu>
            </td>
        </tr>
    }
}
