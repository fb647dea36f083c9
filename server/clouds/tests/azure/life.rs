//! From the request to Connected, through what the other side changes, to nothing being left.

use clouds::{Cloud, NetworkStanding};
use reqwest::Method;
use serde_json::{Value, json};

use super::town::Town;

#[tokio::test]
async fn a_vpc_is_peered_used_and_taken_down_again() {
    let mut town = Town::new().await;
    let ours = town.neighbour.console.clone();
    let checked = town.azure.check().await.expect("credentials");
    assert_eq!(checked, format!("{} in {}", ours.client_id, ours.subscription));
    town.neighbour.grants().await;
    let id = town.connect("main");
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Ready);
    let told = &pass.report.connections[&id];
    assert_eq!(told.state.as_deref(), Some("Initiated"));
    assert_eq!(told.identifiers["to-tenant-id"], ours.tenant);
    assert_eq!(told.identifiers["to-network-id"], pass.report.network.reference["vnet_id"].as_str().expect("an id"));
    assert_eq!((told.routed.len(), told.opened.len()), (0, 0));

    town.neighbour_peers(told).await;
    let pass = town.settle().await;
    let told = &pass.report.connections[&id];
    assert_eq!(told.state.as_deref(), Some("Connected"));
    assert_eq!(told.details["peeringSyncLevel"], "FullyInSync");
    let theirs = vec!["10.94.0.0/20".parse().expect("a range")];
    assert_eq!((told.peer_ranges.as_ref(), &told.routed, &told.opened), (Some(&theirs), &theirs, &theirs));
    assert_eq!(town.neighbour.sees().await["peeringState"], "Connected");

    // The peer's network grows; the peering is brought up to date, and the opening follows.
    town.neighbour.grows(&["10.94.0.0/20", "10.95.0.0/20"]).await;
    let pass = town.pass().await;
    let told = &pass.report.connections[&id];
    assert_eq!(told.details["peeringSyncLevel"], "RemoteNotInSync");
    assert_eq!((told.peer_ranges.as_ref().map(Vec::len), told.routed.len()), (Some(2), 1));
    let pass = town.settle().await;
    let told = &pass.report.connections[&id];
    assert_eq!(told.details["peeringSyncLevel"], "FullyInSync");
    assert_eq!((told.routed.len(), told.opened.len()), (2, 2));

    town.neighbour.leaves().await;
    let pass = town.settle().await;
    let told = &pass.report.connections[&id];
    assert_eq!((told.state.as_deref(), told.routed.len(), told.opened.len()), (Some("Disconnected"), 0, 0));

    town.wish.connections[0].present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state, None);
    town.wish.connections.clear();
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
}

#[tokio::test]
async fn ranges_beyond_the_peers_network_are_let_in_and_may_be_forwarded() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    let id = town.connect("main");
    let pass = town.settle().await;
    town.neighbour_peers(&pass.report.connections[&id]).await;
    town.settle().await;
    town.wish.connections[0].ranges = vec!["172.16.0.0/16".parse().expect("a range")];
    let pass = town.settle().await;
    let told = &pass.report.connections[&id];
    assert_eq!((told.opened.len(), told.state.as_deref()), (2, Some("Connected")));
    town.wish.connections[0].ranges.clear();
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].opened.len(), 1);
}

#[tokio::test]
async fn a_vpc_that_is_deleted_takes_peerings_grants_and_groups_with_it() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    let id = town.connect("main");
    let pass = town.settle().await;
    town.neighbour_peers(&pass.report.connections[&id]).await;
    town.settle().await;
    // The console has forgotten the connection, and finds what belongs to it.
    town.wish.connections.clear();
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
    assert_eq!(town.neighbour.sees().await["peeringState"], "Disconnected");
}

#[tokio::test]
async fn a_side_that_is_missing_is_made_again() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    let id = town.connect("main");
    let pass = town.settle().await;
    let network = pass.report.connections[&id].identifiers["to-network-id"].clone();
    let name = town.wish.connections[0].name();
    // Somebody deletes it in Azure's own portal.
    let ours = &town.neighbour.console;
    let token =
        town.neighbour.sign_in(&ours.tenant, &ours.client_id, ours.client_secret.expose(), super::neighbour::ARM);
    let token = token.await.expect("a token");
    let path = format!("{network}/virtualNetworkPeerings/{name}");
    let (status, _) = town.neighbour.ask_with(&[&token], Method::DELETE, &path, Value::Null).await;
    assert_eq!(status, 202);
    let pass = town.pass().await;
    assert_eq!(pass.report.connections[&id].state, None);
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Initiated"));
    // And a rule of somebody else's in the security group stays.
    let group = network.replace("virtualNetworks", "networkSecurityGroups");
    let (_, mut there) = town.neighbour.ask_with(&[&token], Method::GET, &group, Value::Null).await;
    let rule = json!({"name": "theirs", "properties": {"priority": 200, "direction": "Inbound", "access": "Allow",
        "protocol": "Tcp", "sourcePortRange": "*", "destinationPortRange": "22", "sourceAddressPrefix": "10.9.9.9",
        "destinationAddressPrefix": "*"}});
    there["properties"]["securityRules"] = json!([rule]);
    assert_eq!(town.neighbour.ask_with(&[&token], Method::PUT, &group, there).await.0, 200);
    town.settle().await;
    let (_, there) = town.neighbour.ask_with(&[&token], Method::GET, &group, Value::Null).await;
    let rules = there["properties"]["securityRules"].as_array().expect("rules");
    let names: Vec<&str> = rules.iter().filter_map(|rule| rule["name"].as_str()).collect();
    assert_eq!(names, ["causeway-own", "causeway-rest", "theirs"]);
}

#[tokio::test]
async fn ranges_that_overlap_are_refused_at_once() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    town.neighbour.grows(&["10.94.0.0/20", "10.20.0.0/16"]).await;
    town.connect("main");
    let mut failures = Vec::new();
    for _ in 0..8 {
        failures.extend(town.pass().await.failed);
    }
    let (_, failure) = failures.first().expect("a failure");
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (clouds::Class::Specification, "VnetAddressSpacesOverlap"),
        "{failure}"
    );
    assert!(failure.message.contains("10.20.0.0/24, 10.20.0.0/16"), "{failure}");
}

#[tokio::test]
async fn a_peering_that_is_left_over_on_the_other_side_is_theirs_to_delete() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    let id = town.connect("main");
    let pass = town.settle().await;
    town.neighbour_peers(&pass.report.connections[&id]).await;
    town.settle().await;
    // The connection is deleted and asked for again, and the peer did nothing meanwhile.
    town.wish.connections[0].present = false;
    town.settle().await;
    assert_eq!(town.neighbour.sees().await["peeringState"], "Disconnected");
    town.wish.connections.clear();
    let id = town.connect("main");
    let mut failures = Vec::new();
    for _ in 0..4 {
        failures.extend(town.pass().await.failed);
    }
    let (_, failure) = failures.first().expect("a failure");
    assert_eq!(
        (failure.class, failure.code.as_str()),
        (clouds::Class::Specification, "RemotePeeringIsDisconnected"),
        "{failure}"
    );
    town.neighbour.leaves().await;
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Initiated"));
}
