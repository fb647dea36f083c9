use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn, task::spawn_local};
use leptos_meta::Title;

use crate::{
    api::{
        ApiError,
        connections::{RefreshConnections, refresh_connections},
        vpcs::{VpcLine, list_vpc_lines},
    },
    components::{
        Badge, Column, Copy, Filter, Glyph, Icon, Kind, Menu, MenuButton, MenuLink, MenuRule, Pips, RangeBar, Refusal,
        Table, Time, Tone, each, grouped,
    },
    domain::{Cidr, ProjectName, VpcId, change::Topic},
    live::use_live,
    pages::{
        fresh::living,
        here::{project_for_links, use_project},
        listing::{Listing, listing},
        tones::{gateway_tone, peering_tone},
    },
    routes,
};

pub type VpcResource = Resource<Result<Vec<VpcLine>, ApiError>>;

/// Every VPC of the project, read again when one changes or its gateway does.
pub fn vpcs() -> VpcResource {
    let (live, project) = (use_live(), use_project());
    Resource::new(
        move || {
            let topics = [Topic::Vpcs, Topic::Gateways, Topic::Connections];
            (project.get(), topics.map(|topic| live.version(topic)))
        },
        |(project, _)| list_vpc_lines(project),
    )
}

/// Not split off: the list that people begin with comes with the frame, in one piece, and with it what all lists share.
#[component]
pub fn VpcList() -> impl IntoView {
    view! {
        <Title text="VPCs"/>
        <List vpcs=vpcs()/>
    }
}

/// The page itself; also what lies behind the panel that makes a VPC.
#[component]
pub fn List(vpcs: VpcResource) -> impl IntoView {
    living(vpcs, |vpcs| view! { <Shown vpcs/> }.into_any())
}

#[component]
fn Shown(vpcs: Signal<Vec<VpcLine>>) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let frame = Listing {
        title: "Virtual private clouds",
        href: routes::vpc_new(&project),
        icon: Glyph::Plus,
        kind: Kind::Primary,
        word: "Create VPC",
        reason: None,
        begin: "Create VPC",
        empty: (
            "No VPC yet.",
            "A VPC is a private range of addresses in one place. Declare one for each network that you want to join.",
        ),
    };
    let lead = Signal::derive(move || vpcs.with(|vpcs| lead(vpcs)));
    let empty = Memo::new(move |_| vpcs.with(Vec::is_empty));
    listing(frame, lead, empty, move || view! { <Rows vpcs project=project.clone()/> }.into_any())
}

#[component]
fn Rows(vpcs: Signal<Vec<VpcLine>>, project: ProjectName) -> impl IntoView {
    let query = RwSignal::new(String::new());
    // Why the last wish to refresh was refused.
    let refused = RwSignal::new(None::<String>);
    let found = Memo::new(move |_| {
        let wanted = query.get();
        vpcs.with(|vpcs| vpcs.iter().filter(|vpc| matches(vpc, &wanted)).map(|vpc| vpc.id).collect::<Vec<_>>())
    });
    let all = Memo::new(move |_| vpcs.with(|vpcs| vpcs.iter().map(|vpc| vpc.cidr).collect::<Vec<Cidr>>()));
    let nothing = move || {
        found.with(Vec::is_empty).then(|| {
            let said = format!("No VPC has “{}” in its name, place or range.", query.get());
            view! { <tr><td colspan="11" class="quiet">{said}</td></tr> }
        })
    };
    let shown = move |id: VpcId| {
        let project = project.clone();
        let vpc = Memo::new(move |_| vpcs.with(|vpcs| vpcs.iter().find(|vpc| vpc.id == id).cloned()));
        let shown = move || vpc.get().map(|vpc| all.with(|all| row(&vpc, all, &project, refused)));
        shown.into_any()
    };
    view! {
        <div class="toolbar">
            <Filter label="Filter VPCs" placeholder="Name, range or address" value=query/>
        </div>
        <section class="block" aria-label="VPCs">
            <Refusal id="vpcs-refusal" error=refused/>
            <Table
                label="VPCs"
                columns=vec![
                    Column::text("Name"), Column::text("Place"), Column::text("IP range").ascending(), Column::range("Position"),
                    Column::number("Addresses"), Column::text("State"), Column::text("Gateway"), Column::text("Peerings"),
                    Column::text("Internal ID").wider(), Column::number("Created").wide(), Column::actions(),
                ]
                stack=true
            >
                {each(move || found.get(), |id| id.key(), shown)}
                {nothing}
            </Table>
        </section>
    }
}

fn lead(vpcs: &[VpcLine]) -> String {
    let addresses: u64 = vpcs.iter().map(|vpc| vpc.cidr.size()).sum();
    match vpcs.len() {
        0 => "Private networks of this project.".to_owned(),
        1 => format!("One network, {} addresses.", grouped(addresses)),
        many => format!("{many} networks, ordered by address. {} addresses.", grouped(addresses)),
    }
}

/// By name, place, cloud, range or id, or by an address inside the range.
fn matches(vpc: &VpcLine, wanted: &str) -> bool {
    let wanted = wanted.trim().to_lowercase();
    let address = wanted.parse().is_ok_and(|address| vpc.cidr.contains(address));
    let cloud = vpc.cloud.as_ref().map(|cloud| cloud.name.clone()).unwrap_or_default();
    address
        || [vpc.name.to_string(), vpc.place.to_lowercase(), cloud, vpc.cidr.to_string(), vpc.id.to_string()]
            .iter()
            .any(|text| text.contains(&wanted))
}

fn row(vpc: &VpcLine, all: &[Cidr], project: &ProjectName, refused: RwSignal<Option<String>>) -> impl IntoView + use<> {
    let href = routes::vpc(project, vpc.id);
    let gateway = vpc.gateway.as_ref().map_or_else(
        || view! { <span class="quiet">"none"</span> }.into_any(),
        |(id, name, status)| {
            let href = routes::gateway(project, *id);
            view! { <a class="flow nowrap" href=href><Badge tone=gateway_tone(*status) word=name.to_string()/></a> }
                .into_any()
        },
    );
    let (going, reason) = (vpc.going.clone(), vpc.held.clone());
    let delete = routes::vpc_delete(project, vpc.id);
    let own = vpc.id.to_string();
    let again = vpc.cloud.is_some().then(|| {
        let (project, id) = (project.to_string(), own.clone());
        let wish = {
            let (project, id) = (project.clone(), id.clone());
            move |event: SubmitEvent| {
                event.prevent_default();
                let asked = refresh_connections(project.clone(), id.clone());
                spawn_local(async move { refused.set(asked.await.err().map(|error| error.to_string())) });
            }
        };
        view! {
            <form method="post" action=RefreshConnections::PATH on:submit=wish>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="vpc" value=id/>
                <MenuButton icon=Glyph::Refresh label="Refresh VPC connections" reason=going/>
            </form>
        }
    });
    view! {
        <tr>
            <th scope="row" data-at="a1"><a href=href.clone()>{vpc.name.to_string()}</a></th>
            <td class="nowrap" data-at="b2">{place(vpc)}</td>
            <td class="nowrap" data-at="b1"><Copy value=vpc.cidr.to_string()/></td>
            <td class="bar-cell" data-at="c1"><RangeBar own=vpc.cidr others=all.to_vec() moving=vpc.moving/></td>
            <td class="num fact">{grouped(vpc.cidr.size())}</td>
            <td data-at="a2"><Badge tone=Tone::from(vpc.standing) word=vpc.word.clone() title=vpc.sentence.clone()/></td>
            <td class="nowrap">{gateway}</td>
            <td data-at="c2">{joined(vpc)}</td>
            <td class="wider"><Copy shown=shown_id(&own) value=own/></td>
            <td class="num quiet nowrap wide"><Time at=vpc.created_at short=true/></td>
            <td class="act">
                <Menu label=format!("Actions for {}", vpc.name)>
                    <MenuLink href icon=Glyph::ArrowUpRight label="View"/>
                    {again}
                    <MenuRule/>
                    <MenuLink href=delete icon=Glyph::Trash label="Delete" reason/>
                </Menu>
            </td>
        </tr>
    }
}

fn shown_id(id: &str) -> String {
    format!("{}…", &id[..8])
}

fn place(vpc: &VpcLine) -> impl IntoView + use<> {
    let Some(cloud) = vpc.cloud.clone() else { return vpc.place.clone().into_any() };
    view! {
        <span title=cloud.label>{cloud.provider} " " <span class="fact muted">{cloud.region}</span></span>
        {cloud.simulated.then(|| view! {
            " "
            <span class="simulated quiet" title="A look-alike answers for this cloud: no packet passes."><Icon glyph=Glyph::Flask/><span class="sr">"simulated"</span></span>
        })}
    }
    .into_any()
}

/// The peerings of its gateway and the connections of its cloud, the worst first; of connections how many in each state.
fn joined(vpc: &VpcLine) -> impl IntoView + use<> {
    let peerings = vpc.peerings.iter().map(|state| peering_tone(*state));
    let connections = vpc.connections.iter().map(|standing| Tone::from(*standing));
    let (tones, said) = (peerings.chain(connections).collect::<Vec<_>>(), vpc.by_state.clone());
    let shown = (!said.is_empty()).then(|| view! { <small class="muted wider by-state">{said.clone()}</small> });
    view! { <span class="nowrap" title=said><Pips tones/> {shown}</span> }
}
