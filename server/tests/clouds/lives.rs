//! From the request to the routes and back, in each cloud.

use std::time::Duration;

use app::{
    backend::{Changes, Connections, Vpcs},
    domain::{
        ConnectionId, VpcId,
        change::{ChangeFilter, ChangeKind},
        connection::{Connection, ConnectionForm, ConnectionState, PeerCidrs},
        vpc::VpcState,
    },
};
use clouds::lookalike::theirs::Vendor;

use crate::{
    common::{self, Stage, on_both_engines},
    town::{REGION, Town, account},
};

on_both_engines! {
    rows_2_9_and_35_an_aws_peering_is_accepted_by_its_peer_carries_routes_and_goes
    row_33_a_deleted_vpc_takes_its_connections_with_it_on_both_sides
    row_24_two_aws_peers_one_of_them_in_another_region_are_active_at_once
    rows_42_and_44_a_refresh_reads_the_peers_new_range_at_once_and_notes_that_it_was_rebuilt
    a_rejected_aws_request_says_so_and_a_deleted_one_frees_the_vpc
    rows_58_and_59_a_transit_gateway_takes_the_vpc_in_once_its_owner_agrees
    rows_10_and_22_a_google_peering_is_active_once_both_sides_have_one
    row_11_an_azure_peering_across_tenants_waits_for_the_grant_and_then_for_the_peer
    rows_12_and_22_an_upcloud_peering_needs_a_router_on_the_other_side
}

fn aws_form(account: &str, vpc: &str) -> ConnectionForm {
    ConnectionForm { peer_cloud_account: account.to_owned(), peer_vpc: vpc.to_owned(), ..ConnectionForm::default() }
}

/// A VPC of the peer's own, beside the default ones, which overlap everywhere.
async fn peer_vpc(town: &Town, cidr: &str) -> String {
    town.act(Vendor::Aws, "", "create-vpc", &[("cidr", cidr)]).await;
    town.theirs(Vendor::Aws, "VPC", |vpc| vpc.state == "available" && vpc.facts[0].1 == cidr).await.id
}

async fn rows_2_9_and_35_an_aws_peering_is_accepted_by_its_peer_carries_routes_and_goes(stage: Stage) {
    let town = Town::open(stage).await;
    let vpc = town.vpc("orders", "aws-eu-west-1", "10.20.0.0/22").await;
    let ready = town.until_vpc(vpc, VpcState::Active).await;
    assert!(ready.simulated, "a look-alike answers, and it says so");
    assert!(ready.cloud_id.is_some_and(|id| id.starts_with("vpc-")));

    let theirs = peer_vpc(&town, "10.30.0.0/16").await;
    let peer = account(&town.scene(Vendor::Aws).await);
    let id = town.connect(vpc, aws_form(&peer, &theirs)).await;
    let pending = town.until_state(vpc, id, ConnectionState::PendingPeer).await;
    assert_eq!(pending.cloud_state.as_deref(), Some("pending-acceptance"));
    let pcx = pending.identifier("aws_vpc_peering_connection_id").expect("the popup shows it").to_owned();
    assert!(pending.expires_at.is_some(), "a request lives for seven days");
    assert_eq!(pending.routed_cidrs, []);

    town.theirs(Vendor::Aws, "VPC peering connection", |one| one.id == pcx).await;
    town.act(Vendor::Aws, &pcx, "accept", &[]).await;
    let active = town
        .until_connection(vpc, id, |one| one.state == ConnectionState::Active && !one.opened_cidrs.is_empty(), "routes")
        .await;
    assert_eq!(active.routed_cidrs, [common::name("10.30.0.0/16")]);
    assert_eq!(active.opened_cidrs, active.routed_cidrs);

    town.disconnect(vpc, id).await;
    town.until_disconnected(vpc, id).await;
    town.theirs(Vendor::Aws, "VPC peering connection", |one| one.id == pcx && one.state == "deleted").await;
    town.stage.ingrid.delete_vpc(&town.stage.harbor, vpc).await.expect("it may go");
    town.until_gone(vpc).await;
}

/// Asked for, accepted by its peer, and routed. The connection and what AWS calls it.
async fn joined(town: &Town, vpc: VpcId, region: &str, cidr: &str) -> (ConnectionId, String) {
    let (aws, peering) = (Vendor::Aws, "VPC peering connection");
    town.act_in(region, aws, "", "create-vpc", &[("cidr", cidr)]).await;
    let theirs = town.theirs_in(region, aws, "VPC", |vpc| vpc.state == "available" && vpc.facts[0].1 == cidr).await.id;
    let form = ConnectionForm { peer_region: region.to_owned(), ..aws_form(&account(&town.scene(aws).await), &theirs) };
    let id = town.connect(vpc, form).await;
    let pending = town.until_state(vpc, id, ConnectionState::PendingPeer).await;
    let pcx = pending.identifier("aws_vpc_peering_connection_id").expect("the popup shows it").to_owned();
    town.theirs_in(region, aws, peering, |one| one.id == pcx && one.state == "pending-acceptance").await;
    town.act_in(region, aws, &pcx, "accept", &[]).await;
    town.until_connection(vpc, id, |one| one.state == ConnectionState::Active && one.opened_cidrs.len() == 1, "routes")
        .await;
    (id, pcx)
}

async fn row_33_a_deleted_vpc_takes_its_connections_with_it_on_both_sides(stage: Stage) {
    let town = Town::open(stage).await;
    let vpc = town.vpc("orders", "aws-eu-west-1", "10.20.0.0/22").await;
    let (_, pcx) = joined(&town, vpc, REGION, "10.30.0.0/16").await;
    town.stage.ingrid.delete_vpc(&town.stage.harbor, vpc).await.expect("it may go");
    assert_eq!(town.read(vpc).await.state, VpcState::Deleting, "its row says so until it is gone");
    town.until_gone(vpc).await;
    town.theirs(Vendor::Aws, "VPC peering connection", |one| one.id == pcx && one.state == "deleted").await;
}

async fn row_24_two_aws_peers_one_of_them_in_another_region_are_active_at_once(stage: Stage) {
    let town = Town::open(stage).await;
    let vpc = town.vpc("orders", "aws-eu-west-1", "10.20.0.0/22").await;
    let (here, _) = joined(&town, vpc, REGION, "10.30.0.0/16").await;
    let (there, _) = joined(&town, vpc, "us-east-1", "10.31.0.0/16").await;
    let connections = town.read(vpc).await.connections;
    let told = |id: ConnectionId| {
        let one = connections.iter().find(|one| one.id == id).expect("it is there");
        (one.state, one.peer.region().map(str::to_owned), one.routed_cidrs.clone())
    };
    assert_eq!(told(here), (ConnectionState::Active, None, vec![common::name("10.30.0.0/16")]));
    let elsewhere = Some("us-east-1".to_owned());
    assert_eq!(told(there), (ConnectionState::Active, elsewhere, vec![common::name("10.31.0.0/16")]));
}

async fn rows_42_and_44_a_refresh_reads_the_peers_new_range_at_once_and_notes_that_it_was_rebuilt(stage: Stage) {
    // As in the field: nobody looks every moment.
    let town = Town::with(stage, Duration::from_millis(50), None).await;
    let vpc = town.vpc("orders", "aws-eu-west-1", "10.20.0.0/22").await;
    let theirs = peer_vpc(&town, "10.30.0.0/16").await;
    let id = town.connect(vpc, aws_form(&account(&town.scene(Vendor::Aws).await), &theirs)).await;
    let pending = town.until_state(vpc, id, ConnectionState::PendingPeer).await;
    let pcx = pending.identifier("aws_vpc_peering_connection_id").expect("the popup shows it").to_owned();
    town.theirs(Vendor::Aws, "VPC peering connection", |one| one.id == pcx).await;
    town.act(Vendor::Aws, &pcx, "accept", &[]).await;
    let refresh = async || {
        let asked = town.stage.ingrid.refresh_connections(&town.stage.harbor, vpc).await;
        asked.expect("a refresh may be asked for");
    };
    town.theirs(Vendor::Aws, "VPC peering connection", |one| one.id == pcx && one.state == "active").await;
    refresh().await;
    let opened = |one: &Connection| one.state == ConnectionState::Active && one.opened_cidrs.len() == 1;
    town.until_connection(vpc, id, opened, "routes").await;

    town.act(Vendor::Aws, &theirs, "add-cidr", &[("cidr", "10.31.0.0/16")]).await;
    refresh().await;
    let both = |one: &Connection| one.routed_cidrs.len() == 2 && one.opened_cidrs.len() == 2;
    town.until_connection(vpc, id, both, "both ranges").await;
    assert!(!town.read(vpc).await.refresh_pending, "what was asked for is done");
    let filter =
        ChangeFilter { kind: Some(ChangeKind::VpcPeeringConnectionRebuilt), limit: 50, ..ChangeFilter::default() };
    let rebuilt = town.stage.ingrid.changes(&town.stage.harbor, filter).await.expect("the event log");
    assert!(
        rebuilt.iter().any(|change| change.after.get("opened").is_some_and(|text| text.contains("10.31.0.0/16"))),
        "{rebuilt:?}"
    );
}

async fn a_rejected_aws_request_says_so_and_a_deleted_one_frees_the_vpc(stage: Stage) {
    let town = Town::open(stage).await;
    let vpc = town.vpc("orders", "aws-eu-west-1", "10.20.0.0/22").await;
    let theirs = peer_vpc(&town, "10.30.0.0/16").await;
    let peer = account(&town.scene(Vendor::Aws).await);
    let id = town.connect(vpc, aws_form(&peer, &theirs)).await;
    let pending = town.until_state(vpc, id, ConnectionState::PendingPeer).await;
    let pcx = pending.identifier("aws_vpc_peering_connection_id").expect("the popup shows it").to_owned();
    town.theirs(Vendor::Aws, "VPC peering connection", |one| one.id == pcx).await;
    town.act(Vendor::Aws, &pcx, "reject", &[]).await;
    town.until_state(vpc, id, ConnectionState::RejectedByPeer).await;

    // The whole VPC goes with what is left of its connections.
    town.stage.ingrid.delete_vpc(&town.stage.harbor, vpc).await.expect("it may go");
    town.until_gone(vpc).await;
}

async fn rows_58_and_59_a_transit_gateway_takes_the_vpc_in_once_its_owner_agrees(stage: Stage) {
    let town = Town::open(stage).await;
    let vpc = town.vpc("orders", "aws-eu-west-1", "10.20.0.0/22").await;
    town.until_vpc(vpc, VpcState::Active).await;
    town.act(Vendor::Aws, "", "create-gateway", &[]).await;
    let gateway = town.theirs(Vendor::Aws, "Transit gateway", |one| one.state == "available").await.id;
    let scene = town.scene(Vendor::Aws).await;
    let share = scene.things.iter().flat_map(|thing| &thing.deeds).find(|deed| deed.name == "share");
    let ours = share.expect("its owner may share it").fields[0].suggestion.clone();
    town.act(Vendor::Aws, &gateway, "share", &[("account", &ours)]).await;
    let form = ConnectionForm {
        user_peer_network_cidrs: "10.40.0.0/16 10.41.0.0/16".to_owned(),
        ..aws_form(&account(&scene), &gateway)
    };
    let id = town.connect(vpc, form).await;
    let attachment =
        town.theirs(Vendor::Aws, "Transit gateway attachment", |one| one.state == "pendingAcceptance").await.id;
    town.until_state(vpc, id, ConnectionState::PendingPeer).await;
    town.act(Vendor::Aws, &attachment, "accept-attachment", &[]).await;
    let active = town
        .until_connection(vpc, id, |one| one.state == ConnectionState::Active && one.opened_cidrs.len() == 2, "routes")
        .await;
    assert_eq!(active.routed_cidrs, [common::name("10.40.0.0/16"), common::name("10.41.0.0/16")]);

    // Row 59: its ranges are edited, and it is the same attachment.
    let fewer: PeerCidrs = common::name("10.42.0.0/16");
    town.stage.ingrid.set_peer_cidrs(&town.stage.harbor, vpc, id, fewer).await.expect("they may be edited");
    let moved = |one: &Connection| one.routed_cidrs == [common::name("10.42.0.0/16")] && one.opened_cidrs.len() == 1;
    let edited = town.until_connection(vpc, id, moved, "the other range").await;
    assert_eq!(edited.identifier("aws_tgw_vpc_attachment_id"), active.identifier("aws_tgw_vpc_attachment_id"));
    town.theirs(Vendor::Aws, "Transit gateway attachment", |one| one.id == attachment && one.state == "available")
        .await;
    town.disconnect(vpc, id).await;
    town.until_disconnected(vpc, id).await;
}

async fn rows_10_and_22_a_google_peering_is_active_once_both_sides_have_one(stage: Stage) {
    let town = Town::open(stage).await;
    let vpc = town.vpc("orders", "google-europe-west1", "10.20.0.0/22").await;
    let ready = town.until_vpc(vpc, VpcState::Active).await;
    let network = ready.cloud_id.expect("the network has a name");
    let scene = town.scene(Vendor::Google).await;
    let form = ConnectionForm {
        peer_cloud_account: account(&scene),
        peer_vpc: "main".to_owned(),
        ..ConnectionForm::default()
    };
    let id = town.connect(vpc, form).await;
    let pending = town.until_state(vpc, id, ConnectionState::PendingPeer).await;
    assert_eq!(pending.cloud_state.as_deref(), Some("INACTIVE"));
    let deed = scene.things[0].deeds.iter().find(|deed| deed.name == "add-peering").expect("it can be peered");
    let console = deed.fields[0].suggestion.clone();
    town.act(Vendor::Google, "main", "add-peering", &[("project", &console), ("network", &network)]).await;
    let active = town
        .until_connection(vpc, id, |one| one.state == ConnectionState::Active && !one.opened_cidrs.is_empty(), "rules")
        .await;
    assert_eq!(active.opened_cidrs, [common::name("10.92.0.0/20")]);

    // The peer takes its side away: the connection is over, and says who ended it.
    town.act(Vendor::Google, &format!("main/to-{network}"), "remove-peering", &[]).await;
    town.until_state(vpc, id, ConnectionState::DeletedByPeer).await;
    town.disconnect(vpc, id).await;
    town.until_disconnected(vpc, id).await;
}

async fn row_11_an_azure_peering_across_tenants_waits_for_the_grant_and_then_for_the_peer(stage: Stage) {
    let town = Town::open(stage).await;
    let vpc = town.vpc("orders", "azure-westeurope", "10.20.0.0/22").await;
    town.until_vpc(vpc, VpcState::Active).await;
    let scene = town.scene(Vendor::Azure).await;
    let fact = |name: &str| scene.account.iter().find(|(fact, _)| *fact == name).expect("a fact").1.clone();
    let network = scene.things[0].id.clone();
    let form = ConnectionForm {
        peer_cloud_account: fact("Subscription ID"),
        peer_resource_group: fact("Resource group"),
        peer_vpc: network.clone(),
        peer_azure_tenant_id: fact("Tenant ID"),
        peer_azure_app_id: fact("Application ID"),
        ..ConnectionForm::default()
    };
    let id = town.connect(vpc, form).await;
    let waits = |one: &Connection| one.state_info.message.contains("Check step 2");
    let told = town.until_connection(vpc, id, waits, "the missing grant").await;
    assert!(told.state.is_live(), "the grant may come yet: {:?}", told.state);

    let deed = scene.things[0].deeds.iter().find(|deed| deed.name == "grant").expect("it can be granted");
    let app = deed.fields[0].suggestion.clone();
    town.act(Vendor::Azure, &network, "grant", &[("app", &app)]).await;
    let pending = town.until_state(vpc, id, ConnectionState::PendingPeer).await;
    let tenant = pending.identifier("to-tenant-id").expect("the popup shows it").to_owned();
    let remote = pending.identifier("to-network-id").expect("the popup shows it").to_owned();
    town.act(Vendor::Azure, &network, "add-peering", &[("tenant", &tenant), ("network", &remote)]).await;
    let opened = |one: &Connection| one.state == ConnectionState::Active && !one.opened_cidrs.is_empty();
    town.until_connection(vpc, id, opened, "rules").await;
    town.disconnect(vpc, id).await;
    town.until_disconnected(vpc, id).await;
}

async fn rows_12_and_22_an_upcloud_peering_needs_a_router_on_the_other_side(stage: Stage) {
    let town = Town::open(stage).await;
    let vpc = town.vpc("orders", "upcloud-de-fra", "10.20.0.0/22").await;
    let ready = town.until_vpc(vpc, VpcState::Active).await;
    let ours = ready.cloud_id.expect("the network has a UUID");
    let lacking = town.theirs(Vendor::UpCloud, "SDN network", |one| one.facts[3].1 == "none").await.id;
    let form = ConnectionForm { peer_vpc: lacking.clone(), ..ConnectionForm::default() };
    let id = town.connect(vpc, form).await;
    let lacks = |one: &Connection| one.cloud_state.as_deref() == Some("missing-peer-router");
    let told = town.until_connection(vpc, id, lacks, "the missing router").await;
    assert!(!told.state_info.message.is_empty());
    town.act(Vendor::UpCloud, &lacking, "attach-router", &[]).await;
    town.act(Vendor::UpCloud, &lacking, "add-peering", &[("network", &ours)]).await;
    let active = town.until_state(vpc, id, ConnectionState::Active).await;
    assert_eq!(active.cloud_state.as_deref(), Some("active"));
    town.disconnect(vpc, id).await;
    town.until_disconnected(vpc, id).await;
}
