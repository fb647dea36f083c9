//! Two tenants: who may peer with whose network, and what is said where nobody may.

use clouds::{
    Class, Cloud, ConnectionWish, Secret, Wish,
    azure::Azure,
    http::Http,
    lookalike::{Fault, Settings, Side},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    neighbour::{ARM, GRAPH, Neighbour},
    town::{Town, account, endpoints},
};

/// The failures of some passes.
async fn failures(town: &mut Town) -> Vec<(Class, String, String)> {
    let mut told = Vec::new();
    for _ in 0..8 {
        let failed = town.pass().await.failed;
        told.extend(failed.into_iter().map(|(_, failure)| (failure.class, failure.code, failure.message)));
    }
    told
}

#[tokio::test]
async fn without_the_grant_the_peering_is_refused_and_with_it_goes_on() {
    let mut town = Town::new().await;
    let id = town.connect("main");
    // The console's application is not known in the peer's tenant at all.
    let (class, code, message) = failures(&mut town).await.remove(0);
    assert_eq!((class, code.as_str()), (Class::Denied, "AADSTS7000229"), "{message}");
    assert!(message.contains(&town.neighbour.account.tenant), "{message}");
    // It is known, and may nothing.
    let app = json!({"appId": town.neighbour.console.client_id});
    assert_eq!(town.neighbour.ask(Method::POST, "/v1.0/servicePrincipals", app).await.0, 201);
    let (class, code, message) = failures(&mut town).await.remove(0);
    assert_eq!((class, code.as_str()), (Class::Denied, "LinkedAuthorizationFailed"), "{message}");
    assert!(message.contains("does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/peer/action' on the linked scope(s)"));
    assert!(message.contains(&town.neighbour.network()), "{message}");
    // Whoever does it as the console says finds the principal that is there already.
    let path = format!("/v1.0/servicePrincipals(appId='{}')", town.neighbour.console.client_id);
    let (_, principal) = town.neighbour.ask(Method::GET, &path, Value::Null).await;
    let path = format!("/v1.0/servicePrincipals/{}", principal["id"].as_str().expect("an id"));
    assert_eq!(town.neighbour.ask(Method::DELETE, &path, Value::Null).await.0, 204);
    town.neighbour.grants().await;
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Initiated"));
}

#[tokio::test]
async fn a_grant_takes_a_while_to_be_seen() {
    let mut town = Town::new().await;
    let slow = Fault::once("RoleAssignment/effective", clouds::lookalike::Effect::Delay { ms: 500 });
    town.clouds.azure.add_fault(slow).await.expect("a rule");
    town.neighbour.grants().await;
    let id = town.connect("main");
    let (class, code, _) = failures(&mut town).await.remove(0);
    assert_eq!((class, code.as_str()), (Class::Denied, "LinkedAuthorizationFailed"));
    town.clouds.advance(std::time::Duration::from_secs(1)).await.expect("the clock moves");
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Initiated"));
}

#[tokio::test]
async fn the_other_sides_application_may_peer_to_us_only_while_a_connection_lets_it() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    town.settle().await;
    let (tenant, network) = {
        let report = town.pass().await.report;
        (town.neighbour.console.tenant.clone(), report.network.reference["vnet_id"].as_str().expect("an id").to_owned())
    };
    // Nobody asked for a connection: the application is unknown in our tenant.
    let theirs = town.neighbour.account.clone();
    let secret = theirs.client_secret.expose();
    let refused = town.neighbour.sign_in(&tenant, &theirs.client_id, secret, ARM).await.expect_err("a refusal");
    assert_eq!((&refused["error"], &refused["error_codes"]), (&json!("invalid_client"), &json!([7_000_229])));
    let id = town.connect("main");
    let pass = town.settle().await;
    let (status, answer) = town.neighbour.peers(&tenant, &network).await;
    assert_eq!(status, 201, "{answer}");
    town.settle().await;
    assert!(pass.report.connections[&id].state.is_some());
    // It may peer, and neither read nor change anything.
    let token = town.neighbour.sign_in(&tenant, &theirs.client_id, secret, ARM).await.expect("a token");
    let (status, answer) = town.neighbour.ask_with(&[&token], Method::GET, &network, Value::Null).await;
    assert_eq!((status, &answer["error"]["code"]), (403, &json!("AuthorizationFailed")));
    let graph = town.neighbour.sign_in(&tenant, &theirs.client_id, secret, GRAPH).await.expect("a token");
    let path = "/v1.0/servicePrincipals";
    let (status, answer) = town.neighbour.ask_with(&[&graph], Method::GET, path, Value::Null).await;
    assert_eq!((status, &answer["error"]["code"]), (403, &json!("Authorization_RequestDenied")));
    // With the connection goes the grant.
    town.neighbour.leaves().await;
    town.wish.connections[0].present = false;
    town.settle().await;
    let (status, answer) = town.neighbour.peers(&tenant, &network).await;
    assert_eq!((status, &answer["error"]["code"]), (403, &json!("LinkedAuthorizationFailed")), "{answer}");
}

#[tokio::test]
async fn two_connections_of_one_application_share_a_grant_and_the_last_takes_it_away() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    let more = town.neighbour.network().replace("/main", "/more");
    let body = json!({"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.97.0.0/20"]}}});
    assert_eq!(town.neighbour.ask(Method::PUT, &more, body).await.0, 201);
    let first = town.connect("main");
    // There is no grant for the second network: its connection is refused, and the first goes on.
    let second = town.connect("more");
    let told = failures(&mut town).await;
    assert!(told.iter().all(|(_, code, _)| code == "LinkedAuthorizationFailed"), "{told:?}");
    let report = town.pass().await.report;
    assert_eq!(report.connections[&first].state.as_deref(), Some("Initiated"));
    assert_eq!(report.connections[&second].state, None);
    let network = report.connections[&first].identifiers["to-network-id"].clone();
    town.wish.connections[1].present = false;
    town.settle().await;
    let tenant = town.neighbour.console.tenant.clone();
    assert_eq!(town.neighbour.peers(&tenant, &network).await.0, 201, "the first one's grant is still there");
}

/// The roles that were defined in the console's subscription.
async fn roles(town: &Town) -> Vec<String> {
    let (console, account) = (town.neighbour.console.clone(), town.neighbour.account.clone());
    let path = format!("/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions", console.subscription);
    let operator = Neighbour::at(&town.clouds.azure.url(), console, account);
    let (_, answer) = operator.ask(Method::GET, &path, Value::Null).await;
    let all = answer["value"].as_array().expect("a list").iter();
    let custom = all.filter(|role| role["properties"]["type"] == "CustomRole");
    custom.map(|role| role["properties"]["roleName"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn the_role_goes_with_the_last_grant_of_the_subscription_and_comes_back_with_the_next() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    // A role of the operator's own, called much like ours, is nobody's business.
    let own = {
        let (console, account) = (town.neighbour.console.clone(), town.neighbour.account.clone());
        let scope = format!("/subscriptions/{}", console.subscription);
        let path = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{}", uuid::Uuid::new_v4());
        let operator = Neighbour::at(&town.clouds.azure.url(), console, account);
        let properties = json!({"roleName": "Causeway peering by hand", "assignableScopes": [scope],
            "permissions": [{"actions": ["Microsoft.Network/virtualNetworks/peer/action"]}]});
        assert_eq!(operator.ask(Method::PUT, &path, json!({"properties": properties})).await.0, 201);
        "Causeway peering by hand".to_owned()
    };
    town.connect("main");
    town.settle().await;
    assert_eq!(roles(&town).await.len(), 2);
    // A second VPC of the same subscription uses it, too.
    let first = town.wish.clone();
    let mut second = Wish { id: uuid::Uuid::now_v7(), connections: Vec::new(), ..first.clone() };
    second.connections.push(ConnectionWish { id: uuid::Uuid::now_v7(), ..first.connections[0].clone() });
    town.wish = second;
    town.settle().await;
    town.wish.connections[0].present = false;
    town.settle().await;
    assert_eq!(roles(&town).await.len(), 2, "the first VPC's grant needs it");
    let second = std::mem::replace(&mut town.wish, first);
    town.wish.present = false;
    town.settle().await;
    assert_eq!(roles(&town).await, [own]);
    town.wish = second;
    town.wish.connections[0].present = true;
    town.settle().await;
    assert_eq!(roles(&town).await.len(), 2);
    // That the console may not delete it holds up nothing that is to go.
    let denied = Fault::refuse("RoleDefinitions_Delete", 403, "AuthorizationFailed").for_side(Side::Ours).times(9);
    town.clouds.azure.add_fault(denied).await.expect("a rule");
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, clouds::NetworkStanding::Absent);
}

#[tokio::test]
async fn an_application_that_does_not_exist_is_the_persons_to_correct() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    town.connect("main");
    if let clouds::Peer::Azure { app, .. } = &mut town.wish.connections[0].peer {
        *app = uuid::Uuid::new_v4().to_string();
    }
    let (class, code, message) = failures(&mut town).await.remove(0);
    assert_eq!((class, code.as_str()), (Class::Specification, "Request_BadRequest"), "{message}");
    assert!(message.contains("does not reference a valid application object"), "{message}");
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_never_shown() {
    let town = Town::with(&Settings::immediate()).await;
    let ours = town.clouds.azure.account(Side::Ours).await;
    let wrong = clouds::azure::AzureAccount { client_secret: Secret::new("hunter2-of-azure"), ..account(ours) };
    let azure = Azure::new(wrong, endpoints(&town.clouds.azure.url()), Http::new(2).expect("a client"));
    let failure = azure.check().await.expect_err("a refusal");
    assert_eq!((failure.class, failure.code.as_str()), (Class::Credentials, "AADSTS7000215"), "{failure}");
    assert!(!format!("{azure:?} {failure:?} {failure}").contains("hunter2"));
}

#[tokio::test]
async fn a_subscription_of_another_tenant_is_not_ours_to_change() {
    let town = Town::new().await;
    let (ours, theirs) = (town.neighbour.console.clone(), town.neighbour.account.clone());
    let astray = clouds::azure::AzureAccount { subscription: theirs.subscription, ..account(ours) };
    let azure = Azure::new(astray, endpoints(&town.clouds.azure.url()), Http::new(2).expect("a client"));
    let failure = azure.check().await.expect_err("a refusal");
    assert_eq!((failure.class, failure.code.as_str()), (Class::Credentials, "InvalidAuthenticationTokenTenant"));
}
