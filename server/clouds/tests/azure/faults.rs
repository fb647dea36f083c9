//! Throttling, lost answers, operations that fail after they were accepted, tokens that end, and consoles that are killed.

use std::time::Duration;

use clouds::{
    Class, Cloud, NetworkStanding,
    lookalike::{Effect, Fault, Lookalikes, Settings, Side},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    neighbour::Neighbour,
    town::{Town, database, driver},
};

/// Things take a while, and are unknown to a read at first.
fn brisk() -> Settings {
    let delay = Duration::from_millis(30)..=Duration::from_millis(150);
    Settings { delay, settle: Duration::from_millis(100), ..Settings::immediate() }
}

fn lost(action: &str) -> Fault {
    Fault::once(action, Effect::Lose).after_apply()
}

#[tokio::test]
async fn a_lost_answer_creates_nothing_twice() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    let actions = [
        "NetworkSecurityGroups_CreateOrUpdate",
        "VirtualNetworks_CreateOrUpdate",
        "ServicePrincipals_Create",
        "RoleDefinitions_CreateOrUpdate",
        "RoleAssignments_CreateOrUpdate",
        "VirtualNetworkPeerings_CreateOrUpdate",
    ];
    for (index, action) in actions.into_iter().enumerate() {
        let broken = Fault::refuse(action, 502, "BadGateway").after_apply();
        let fault = if index % 2 == 0 { lost(action) } else { broken };
        town.clouds.azure.add_fault(fault.for_side(Side::Ours)).await.expect("a rule");
    }
    let id = town.connect("main");
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Initiated"));
    assert_eq!(town.clouds.azure.uses().await.expect("uses").len(), actions.len());
    town.neighbour_peers(&pass.report.connections[&id]).await;
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Connected"));
    for action in [
        "RoleAssignments_Delete",
        "VirtualNetworkPeerings_Delete",
        "VirtualNetworks_Delete",
        "NetworkSecurityGroups_Delete",
    ] {
        town.clouds.azure.add_fault(lost(action).for_side(Side::Ours)).await.expect("a rule");
    }
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
}

#[tokio::test]
async fn throttling_and_an_outage_are_waited_out() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    let throttled = Effect::Refuse {
        status: 429,
        code: "SubscriptionRequestsThrottled".into(),
        message: "Number of requests for subscription exceeded the limit. Please try again after '1' seconds.".into(),
        retry_after: Some(1),
    };
    for fault in [
        Fault::once("VirtualNetworks_Get", throttled),
        Fault::refuse("VirtualNetworks_CreateOrUpdate", 503, "ServiceUnavailable"),
        Fault::refuse("VirtualNetworkPeerings_CreateOrUpdate", 429, "RetryableErrorDueToAnotherOperation").times(2),
        Fault::refuse("Token", 503, "temporarily_unavailable"),
    ] {
        town.clouds.azure.add_fault(fault).await.expect("a rule");
    }
    let began = std::time::Instant::now();
    let id = town.connect("main");
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Initiated"));
    assert!(began.elapsed() >= Duration::from_secs(1), "Retry-After is honoured");
    assert!(town.clouds.azure.faults().await.is_empty(), "every rule struck");
}

#[tokio::test]
async fn an_operation_that_was_accepted_and_failed_is_no_success() {
    let mut town = Town::new().await;
    let quota = Fault::refuse("Operation/VirtualNetworks_CreateOrUpdate/done", 400, "VnetCountLimitReached");
    town.clouds.azure.add_fault(quota).await.expect("a rule");
    let mut failures = Vec::new();
    for _ in 0..5 {
        failures.extend(town.pass().await.failed);
    }
    let (_, failure) = failures.first().expect("a failure");
    assert_eq!((failure.class, failure.code.as_str()), (Class::Operator, "VnetCountLimitReached"));
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Ready);
}

#[tokio::test]
async fn a_peering_that_could_not_be_provisioned_says_so_and_is_put_again() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    let broken = Fault::refuse("Operation/VirtualNetworkPeerings_CreateOrUpdate/done", 400, "InternalServerError");
    town.clouds.azure.add_fault(broken).await.expect("a rule");
    let id = town.connect("main");
    let mut seen = Vec::new();
    for _ in 0..12 {
        let pass = town.pass().await;
        seen.extend(pass.report.connections[&id].details.get("provisioningState").cloned());
    }
    assert!(seen.contains(&"Failed".to_owned()), "{seen:?}");
    assert_eq!(seen.last().map(String::as_str), Some("Succeeded"));
}

#[tokio::test]
async fn while_the_clock_runs_everything_comes_in_its_time() {
    let mut town = Town::with(&brisk()).await;
    town.neighbour.grants().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let id = town.connect("main");
    let pass = town.until(id, |told| told.state.as_deref() == Some("Initiated")).await;
    for _ in 0..100 {
        let told = &pass.report.connections[&id];
        let (status, answer) =
            town.neighbour.peers(&told.identifiers["to-tenant-id"], &told.identifiers["to-network-id"]).await;
        // Our side may be in provisioning yet, and its grant on the way.
        match (status, answer["error"]["code"].as_str()) {
            (201, _) => break,
            (429, _) | (400, Some("ReferencedResourceNotProvisioned")) | (403, Some("LinkedAuthorizationFailed")) => {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            other => panic!("{other:?} {answer}"),
        }
    }
    let pass = town.until(id, |told| told.state.as_deref() == Some("Connected") && told.opened.len() == 1).await;
    assert_eq!(pass.report.connections[&id].routed.len(), 1);
    town.wish.connections[0].present = false;
    town.until(id, |told| told.state.is_none() && told.opened.is_empty()).await;
    let (status, _) = town.neighbour.ask(Method::GET, &town.neighbour.network(), Value::Null).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_network_that_somebody_else_changes_is_waited_for() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    town.settle().await;
    let slow = Fault::once("Operation/VirtualNetworks_CreateOrUpdate", Effect::Delay { ms: 400 });
    town.clouds.azure.add_fault(slow).await.expect("a rule");
    town.neighbour.grows(&["10.94.0.0/20", "10.95.0.0/20"]).await;
    let id = town.connect("main");
    for _ in 0..60 {
        let pass = town.pass().await;
        for (_, failure) in &pass.failed {
            assert_eq!((failure.class, failure.code.as_str()), (Class::Retry, "ReferencedResourceNotProvisioned"));
        }
        if pass.report.connections[&id].state.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    panic!("it never came");
}

#[tokio::test]
async fn what_is_unknown_for_three_seconds_is_made_once() {
    let settings = Settings { settle: Duration::from_secs(3), ..Settings::immediate() };
    let mut town = Town::with(&settings).await;
    town.neighbour.grants().await;
    let id = town.connect("main");
    let mut pass = None;
    for _ in 0..400 {
        let now = town.pass().await;
        // The peer's tenant knows the console after three seconds, too.
        assert!(now.failed.iter().all(|(_, failure)| failure.class == Class::Denied), "{:?}", now.failed);
        let quiet = !now.moved() && now.failed.is_empty();
        if quiet && now.report.connections[&id].state.is_some() {
            pass = Some(now);
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let told = pass.expect("it came").report.connections[&id].clone();
    assert_eq!(told.state.as_deref(), Some("Initiated"));
    town.neighbour_peers(&told).await;
    let pass = town.until(id, |told| told.opened.len() == 1).await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Connected"));
}

#[tokio::test]
async fn an_answer_that_comes_late_changes_nothing() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    for action in ["VirtualNetworks_Get", "VirtualNetworkPeerings_CreateOrUpdate"] {
        let late = Fault::once(action, Effect::Delay { ms: 300 }).after_apply();
        town.clouds.azure.add_fault(late.for_side(Side::Ours)).await.expect("a rule");
    }
    let id = town.connect("main");
    // Two consoles at once, as after a start beside one that still runs: neither breaks what the other made.
    let (other, wish) = (driver(&town.clouds).await, town.wish.clone());
    let beside = async {
        for _ in 0..12 {
            clouds::pass(&other, &wish).await.expect("a pass");
        }
    };
    tokio::join!(beside, async {
        for _ in 0..12 {
            town.pass().await;
        }
    });
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Initiated"));
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_once() {
    let mut town = Town::new().await;
    town.settle().await;
    // The clock of the clouds runs ahead of the console's: what it holds to be good is over.
    town.clouds.advance(Duration::from_secs(4_000)).await.expect("the clock moves");
    assert!(town.azure.check().await.is_ok());
    let revoked = Fault::refuse("*", 401, "InvalidAuthenticationToken").times(10).for_side(Side::Ours);
    let rule = town.clouds.azure.add_fault(revoked).await.expect("a rule");
    let failure = town.azure.check().await.expect_err("a refusal");
    assert_eq!((failure.class, failure.code.as_str()), (Class::Credentials, "InvalidAuthenticationToken"));
    assert_eq!(town.clouds.azure.faults().await[0].remaining, 8, "asked twice, and no more");
    town.clouds.azure.remove_fault(&rule).await.expect("it is removed");
    assert!(town.azure.check().await.is_ok());
}

#[tokio::test]
async fn a_console_that_forgot_its_operations_finds_what_came_of_them() {
    let mut town = Town::with(&brisk()).await;
    town.neighbour.grants().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let id = town.connect("main");
    for _ in 0..200 {
        // Killed and started anew, before every pass.
        town.azure = driver(&town.clouds).await;
        let pass = town.pass().await;
        assert!(pass.failed.iter().all(|(_, failure)| failure.class == Class::Retry), "{:?}", pass.failed);
        if pass.report.connections[&id].details.get("provisioningState").is_some_and(|state| state == "Succeeded") {
            assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Initiated"));
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it never came");
}

#[tokio::test]
async fn a_world_that_was_stopped_goes_on_where_it_was() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    let id = town.connect("main");
    let pass = town.settle().await;
    let Town { clouds, wish, folder, neighbour, .. } = town;
    drop(clouds);
    let clouds = Lookalikes::start(&database(&folder), &Settings::immediate()).await.expect("they start again");
    let again = Neighbour::new(&clouds).await;
    assert_eq!(again.account.client_id, neighbour.account.client_id, "accounts are made once");
    let azure = driver(&clouds).await;
    let mut town = Town { clouds, azure, wish, neighbour: again, folder };
    let told = town.settle().await;
    assert_eq!(told.report, pass.report);
    town.neighbour_peers(&told.report.connections[&id]).await;
    let told = town.settle().await;
    assert_eq!(told.report.connections[&id].state.as_deref(), Some("Connected"));
}

#[tokio::test]
async fn lists_are_followed_page_by_page() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    town.settle().await;
    let network = town.pass().await.report.network.reference["vnet_id"].as_str().expect("an id").to_owned();
    let ours = town.neighbour.console.clone();
    let sign_in =
        |scope: &'static str| town.neighbour.sign_in(&ours.tenant, &ours.client_id, ours.client_secret.expose(), scope);
    let token = sign_in(super::neighbour::ARM).await.expect("a token");
    let graph = sign_in(super::neighbour::GRAPH).await.expect("a token");
    let reader = format!(
        "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
        ours.subscription
    );
    // More grants than a page has, all of others.
    for index in 0..60 {
        let body = json!({ "displayName": format!("other {index}") });
        let (_, app) = town.neighbour.ask_with(&[&graph], Method::POST, "/v1.0/applications", body).await;
        let body = json!({ "appId": app["appId"] });
        let (_, principal) = town.neighbour.ask_with(&[&graph], Method::POST, "/v1.0/servicePrincipals", body).await;
        // Names that come before ours.
        let name = format!("00000000-0000-4000-8000-{index:012}");
        let path = format!("{network}/providers/Microsoft.Authorization/roleAssignments/{name}");
        let body = json!({"properties": {"roleDefinitionId": reader, "principalId": principal["id"]}});
        assert_eq!(town.neighbour.ask_with(&[&token], Method::PUT, &path, body).await.0, 201);
    }
    let id = town.connect("main");
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Initiated"));
    assert!(!pass.moved(), "the grant is found on the second page");
}
