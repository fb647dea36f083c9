use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::{ApiError, vpcs::list_vpcs},
    components::{
        Badge, ButtonLink, Column, Copy, Empty, Filter, Glyph, Kind, Menu, MenuLink, MenuRule, PageHead, Pips, RangeBar, Table, Time, grouped,
    },
    domain::{Cidr, ProjectName, change::Topic, vpc::Vpc},
    live::use_live,
    pages::{
        failure::settle,
        here::{project_for_links, use_project},
        tones::{gateway_tone, peering_tone, vpc_tone},
    },
    routes,
};

pub type VpcResource = Resource<Result<Vec<Vpc>, ApiError>>;

/// Every VPC of the project, read again when one changes or its gateway does.
pub fn vpcs() -> VpcResource {
    let (live, project) = (use_live(), use_project());
    Resource::new(
        move || (project.get(), live.version(Topic::Vpcs), live.version(Topic::Gateways)),
        |(project, ..)| list_vpcs(project),
    )
}

pub struct VpcList {
    vpcs: VpcResource,
}

#[lazy_route]
impl LazyRoute for VpcList {
    fn data() -> Self {
        Self { vpcs: vpcs() }
    }

    fn view(this: Self) -> AnyView {
        view! {
            <Title text="VPCs"/>
            <List vpcs=this.vpcs/>
        }
        .into_any()
    }
}

/// The page itself; also what lies behind the panel that makes a VPC.
#[component]
pub fn List(vpcs: VpcResource) -> impl IntoView {
    let project = use_project();
    let query = RwSignal::new(String::new());
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let name = project_for_links(&project.get_untracked());
                settle(vpcs.await, |vpcs| shown(vpcs, &name, query).into_any())
            })}
        </Transition>
    }
}

fn shown(vpcs: Vec<Vpc>, project: &ProjectName, query: RwSignal<String>) -> impl IntoView + use<> {
    let new = routes::vpc_new(project);
    let first = new.clone();
    let lead = lead(&vpcs);
    let empty = vpcs.is_empty();
    let all: Vec<Cidr> = vpcs.iter().map(|vpc| vpc.cidr).collect();
    let project = project.clone();
    let rows = move || {
        let wanted = query.get();
        let found: Vec<&Vpc> = vpcs.iter().filter(|vpc| matches(vpc, &wanted)).collect();
        if found.is_empty() && !wanted.is_empty() {
            let said = format!("No VPC has “{wanted}” in its name, place or range.");
            return view! { <tr><td colspan="8" class="quiet">{said}</td></tr> }.into_any();
        }
        found.into_iter().map(|vpc| row(vpc, &all, &project)).collect_view().into_any()
    };
    let body = if empty {
        view! {
            <Empty
                what="No VPC yet."
                why="A VPC is a private range of addresses in one place. Declare one for each network that you want to join."
            >
                <ButtonLink href=first icon=Glyph::Plus>"Create VPC"</ButtonLink>
            </Empty>
        }
        .into_any()
    } else {
        view! {
            <div class="toolbar">
                <Filter label="Filter VPCs" placeholder="Name, range or address" value=query/>
            </div>
            <section class="block" aria-label="VPCs">
                <Table
                    label="VPCs"
                    columns=vec![
                        Column::text("Name"), Column::text("Place"), Column::text("IP range").ascending(), Column::range("Position"),
                        Column::number("Addresses"), Column::text("State"), Column::text("Gateway"), Column::text("Peerings"),
                        Column::number("Created").wide(), Column::actions(),
                    ]
                    stack=true
                >
                    {rows}
                </Table>
            </section>
        }
        .into_any()
    };
    view! {
        <PageHead title="Virtual private clouds" lead>
            <ButtonLink kind=Kind::Primary href=new icon=Glyph::Plus>"Create VPC"</ButtonLink>
        </PageHead>
        {body}
    }
}

fn lead(vpcs: &[Vpc]) -> String {
    let addresses: u64 = vpcs.iter().map(|vpc| vpc.cidr.size()).sum();
    match vpcs.len() {
        0 => "Private networks of this project.".to_owned(),
        1 => format!("One network, {} addresses.", grouped(addresses)),
        many => format!("{many} networks, ordered by address. {} addresses.", grouped(addresses)),
    }
}

/// By name, place or range, or by an address inside the range.
fn matches(vpc: &Vpc, wanted: &str) -> bool {
    let wanted = wanted.trim().to_lowercase();
    let address = wanted.parse().is_ok_and(|address| vpc.cidr.contains(address));
    address || [vpc.name.to_string(), vpc.place.to_lowercase(), vpc.cidr.to_string()].iter().any(|text| text.contains(&wanted))
}

fn row(vpc: &Vpc, all: &[Cidr], project: &ProjectName) -> impl IntoView + use<> {
    let href = routes::vpc(project, vpc.id);
    let gateway = vpc.gateway.as_ref().map_or_else(
        || view! { <span class="quiet">"none"</span> }.into_any(),
        |gateway| {
            let href = routes::gateway(project, gateway.id);
            view! { <a class="flow nowrap" href=href><Badge tone=gateway_tone(gateway.status) word=gateway.name.to_string()/></a> }.into_any()
        },
    );
    let (delete, reason) = (routes::vpc_delete(project, vpc.id), vpc.deletion_refusal().map(|refusal| refusal.sentence));
    let tones = vpc.peerings.iter().map(|peering| peering_tone(peering.state)).collect::<Vec<_>>();
    view! {
        <tr>
            <th scope="row" data-at="a1"><a href=href.clone()>{vpc.name.to_string()}</a></th>
            <td class="nowrap" data-at="b2">{vpc.place.clone()}</td>
            <td class="nowrap" data-at="b1"><Copy value=vpc.cidr.to_string()/></td>
            <td class="bar-cell" data-at="c1"><RangeBar own=vpc.cidr others=all.to_vec()/></td>
            <td class="num fact">{grouped(vpc.cidr.size())}</td>
            <td data-at="a2"><Badge tone=vpc_tone(vpc.state) word=vpc.state.word() title=vpc.sentence()/></td>
            <td class="nowrap">{gateway}</td>
            <td data-at="c2"><Pips tones/></td>
            <td class="num quiet nowrap wide"><Time at=vpc.created_at short=true/></td>
            <td class="act">
                <Menu label=format!("Actions for {}", vpc.name)>
                    <MenuLink href icon=Glyph::ArrowUpRight label="View"/>
                    <MenuRule/>
                    <MenuLink href=delete icon=Glyph::Trash label="Delete" reason/>
                </Menu>
            </td>
        </tr>
    }
}
