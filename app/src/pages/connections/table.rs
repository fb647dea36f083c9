//! The peering connections of one cloud VPC (domain 6.1), on the VPC's page.

use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};

use super::{
    status::{status, warnings},
    unlooked,
};
use crate::{
    api::connections::RefreshConnections,
    components::{
        Button, ButtonLink, Column, Copy, Empty, Glyph, Kind, Menu, MenuLink, MenuRule, Refusal, Table, Time,
    },
    domain::{
        Cidr, ConnectionId, ProjectName, Provider,
        connection::{Connection, ConnectionState},
        guide::{AzureTyped, Guide, Ours},
        vpc::{NO_CONNECTION, REFRESH_NOTE, Vpc, VpcState},
    },
    pages::{
        form::{Memory, beside},
        vpcs::VpcReading,
    },
    routes,
};

/// More of a peer's ranges than this are counted.
const MOST_RANGES: usize = 3;

#[component]
pub fn Connections(read: Signal<VpcReading>, project: ProjectName) -> impl IntoView {
    let refresh = ServerAction::<RefreshConnections>::new();
    let error = beside(&[], Memory::default().error(refresh));
    let vpc = read.with_untracked(|read| read.vpc.clone());
    let (provider, id) = (vpc.provider(), vpc.id.to_string());
    let new = routes::connection_new(&project, vpc.id);
    let empty = Memo::new(move |_| read.with(|read| read.vpc.connections.is_empty()));
    let ids = Memo::new(move |_| {
        read.with(|read| read.vpc.connections.iter().map(|one| one.id).collect::<Vec<ConnectionId>>())
    });
    let pending = Signal::derive(move || refresh.pending().get() || read.with(|read| read.vpc.refresh_pending));
    let going = Memo::new(move |_| read.with(|read| closed(&read.vpc)));
    let (of_form, of_rows) = (project.to_string(), project.clone());
    let wish = {
        let asked = RefreshConnections { project: of_form.clone(), vpc: id.clone() };
        move |event: SubmitEvent| {
            event.prevent_default();
            refresh.dispatch(asked.clone());
        }
    };
    let row = move |id: ConnectionId| {
        let project = of_rows.clone();
        let one =
            Memo::new(move |_| read.with(|read| read.vpc.connections.iter().find(|one| one.id == id).map(unlooked)));
        let ours = Memo::new(move |_| read.with(VpcReading::ours));
        move || one.try_get().flatten().map(|one| shown(&one, &ours.read(), provider, &project))
    };
    view! {
        <section class="block" aria-labelledby="h-connections">
            <header>
                <h2 id="h-connections">"VPC peering connections"</h2>
                <p>{REFRESH_NOTE}</p>
                <div class="flow">
                    <form method="post" action=RefreshConnections::PATH on:submit=wish>
                        <input type="hidden" name="project" value=of_form/>
                        <input type="hidden" name="vpc" value=id/>
                        <Button small=true icon=Glyph::Refresh busy=pending reason=Signal::derive(move || going.get())>"Refresh VPC connections"</Button>
                    </form>
                </div>
            </header>
            <Refusal id="refresh-refusal" error/>
            {move || {
                let (new, row) = (new.clone(), row.clone());
                if empty.get() {
                    view! {
                        <Empty what=NO_CONNECTION why="A peering connection joins this VPC to a network of yours in the same cloud. Both sides have to agree to it; the console leads you through yours.">
                            <ButtonLink href=new icon=Glyph::Plus reason=Signal::derive(move || going.get())>"Add peering connection"</ButtonLink>
                        </Empty>
                    }
                    .into_any()
                } else {
                    view! {
                        <Table label="VPC peering connections" columns=columns(provider) stack=true>
                            <For each=move || ids.get() key=|id| *id children=row/>
                        </Table>
                    }
                    .into_any()
                }
            }}
        </section>
    }
}

/// Why it may not get connections now.
pub fn closed(vpc: &Vpc) -> Option<String> {
    matches!(vpc.state, VpcState::Deleting | VpcState::Deleted).then(|| format!("VPC {} is being deleted.", vpc.name))
}

fn columns(provider: Provider) -> Vec<Column> {
    let mut columns = vec![Column::text("Peer network"), Column::text("Peer account")];
    match provider {
        Provider::Aws => columns.push(Column::text("Peer region")),
        Provider::Azure => columns.push(Column::text("Resource group")),
        Provider::UpCloud => columns.push(Column::text("Causeway network ID")),
        Provider::Google | Provider::Local => {}
    }
    columns.extend([
        Column::text("Network CIDRs"),
        Column::text("State"),
        Column::text("Warnings"),
        Column::number("Updated").wide(),
        Column::actions(),
    ]);
    columns
}

fn shown(one: &Connection, ours: &Ours, provider: Provider, project: &ProjectName) -> impl IntoView + use<> {
    let guide = Guide::of(one, ours, &AzureTyped::default());
    let href = routes::connection(project, one.vpc, one.id);
    let own = |text: Option<&str>| match text {
        Some(text) => view! { <Copy value=text.to_owned()/> }.into_any(),
        None => view! { <span class="quiet">"not known yet"</span> }.into_any(),
    };
    let beside = match provider {
        Provider::Aws => Some(match one.peer.region() {
            Some(region) => view! { <td class="fact nowrap">{region.to_owned()}</td> }.into_any(),
            None => view! { <td class="fact nowrap">{ours.region.clone()}</td> }.into_any(),
        }),
        Provider::Azure => Some(view! { <td>{own(one.peer.resource_group())}</td> }.into_any()),
        Provider::UpCloud => {
            let id = one.identifier("to_network_uuid").or(ours.cloud_id.as_deref());
            Some(view! { <td>{own(id)}</td> }.into_any())
        }
        Provider::Google | Provider::Local => None,
    };
    let (trouble, delete) = (format!("{href}#h-trouble"), routes::connection_delete(project, one.vpc, one.id));
    let going = (one.state == ConnectionState::Deleting).then(|| "It is being deleted.".to_owned());
    let account = one.peer.cloud_account().to_owned();
    view! {
        <tr data-state=(one.state == ConnectionState::Deleting).then_some("going")>
            <th scope="row" data-at="a1" class="fact"><a href=href.clone()>{one.name().to_owned()}</a></th>
            <td data-at="b1"><Copy value=account/></td>
            {beside}
            <td data-at="c1">{ranges(&one.ranges())}</td>
            <td data-at="a2">{status(one, &guide, project)}</td>
            <td data-at="b2">{warnings(one)}</td>
            <td class="num quiet nowrap wide"><Time at=one.updated_at short=true/></td>
            <td class="act">
                <Menu label=format!("Actions for {}", one.name())>
                    <MenuLink href icon=Glyph::ArrowUpRight label="Details"/>
                    <MenuLink href=trouble icon=Glyph::Flask label="Troubleshoot"/>
                    <MenuRule/>
                    <MenuLink href=delete icon=Glyph::Trash label="Delete" kind=Kind::Danger reason=going/>
                </Menu>
            </td>
        </tr>
    }
}

/// The first few, and how many more.
pub fn ranges(all: &[Cidr]) -> impl IntoView + use<> {
    if all.is_empty() {
        return view! { <span class="quiet">"known once active"</span> }.into_any();
    }
    let first = all.iter().take(MOST_RANGES).map(Cidr::to_string).collect::<Vec<_>>().join(" ");
    let more = all.len().saturating_sub(MOST_RANGES);
    view! {
        <span class="fact">{first}</span>
        {(more > 0).then(|| view! { <span class="quiet">{format!(" +{more}")}</span> })}
    }
    .into_any()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::domain::connection::{
        ConnectionType, Warning, WarningKind,
        fixtures::{AWS, UPCLOUD, connection},
    };

    fn html(one: &Connection) -> String {
        let ours = Ours {
            cidr: "10.0.0.0/24".parse().expect("a range"),
            region: "eu-west-1".to_owned(),
            cloud_id: Some("03000000-0000-4000-8000-00000000000a".to_owned()),
            identity: Some("999988887777".to_owned()),
        };
        let project = "harbor".parse().expect("a project");
        let provider = ConnectionType::provider(one.kind());
        Owner::new().with(|| shown(one, &ours, provider, &project).into_view().to_html().replace("<!>", ""))
    }

    #[test]
    fn row_20_the_badge_of_a_pending_connection_opens_everything_that_the_other_side_asks_for() {
        let mut one = connection(AWS, ConnectionState::PendingPeer);
        one.state_info.extra.insert("aws_vpc_peering_connection_id".to_owned(), "pcx-0a".to_owned());
        let html = html(&one);
        for part in ["Accept the request", "Copy pcx-0a", "Copy 999988887777", "Follow the steps", "Requester CIDR"] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn row_13_the_network_id_of_the_console_can_be_copied_while_an_upcloud_connection_waits() {
        assert!(columns(Provider::UpCloud).contains(&Column::text("Causeway network ID")));
        let html = html(&connection(UPCLOUD, ConnectionState::PendingPeer));
        assert!(html.contains("Copy 03000000-0000-4000-8000-00000000000a"), "{html}");
    }

    #[test]
    fn a_warning_is_said_in_its_row_and_what_is_being_deleted_is_not_deleted_again() {
        let mut one = connection(AWS, ConnectionState::Deleting);
        one.state_info.warnings.push(Warning::new(WarningKind::OverlappingPeerVpcIpRanges, "Shared with dock."));
        let html = html(&one);
        assert!(html.contains("1 warning") && html.contains("Shared with dock."), "{html}");
        assert!(html.contains("It is being deleted.") && !html.contains("/delete"), "{html}");
    }

    #[test]
    fn many_ranges_are_counted() {
        let all: Vec<Cidr> = (0..5).map(|at| Cidr::literal([10, at, 0, 0], 16)).collect();
        let html = Owner::new().with(|| ranges(&all).into_view().to_html());
        assert!(html.contains("10.0.0.0/16 10.1.0.0/16 10.2.0.0/16") && html.contains("+2"), "{html}");
    }
}
