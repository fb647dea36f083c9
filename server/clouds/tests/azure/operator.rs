//! The operator, who uses the subscription beside the console: what they change at the same moment is not overwritten.

use clouds::{Class, Cloud, Failure, Wish, azure::Step};
use reqwest::Method;
use serde_json::{Value, json};

use super::{neighbour::Neighbour, town::Town};

/// The console's own account, used by hand.
fn operator(town: &Town) -> Neighbour {
    Neighbour::at(&town.clouds.azure.url(), town.neighbour.console.clone(), town.neighbour.account.clone())
}

fn rule(name: &str, priority: u16) -> Value {
    json!({"name": name, "properties": {"priority": priority, "direction": "Inbound", "access": "Allow",
        "protocol": "Tcp", "sourcePortRange": "*", "destinationPortRange": "22", "sourceAddressPrefix": "10.9.9.9",
        "destinationAddressPrefix": "*"}})
}

async fn read(operator: &Neighbour, path: &str) -> Value {
    operator.ask(Method::GET, path, Value::Null).await.1
}

async fn write(operator: &Neighbour, path: &str, thing: Value) {
    let (status, answer) = operator.ask(Method::PUT, path, thing).await;
    assert_eq!(status, 200, "{answer}");
}

/// What the console would do now, by what it reads now.
async fn planned(town: &mut Town) -> (Wish, Step) {
    town.wish.now = town.clouds.now();
    let seen = town.azure.observe(&town.wish).await.expect("it is read");
    let (_, step) = town.azure.plan(&town.wish, &seen).into_iter().next().expect("there is something to do");
    (town.wish.clone(), step)
}

fn was_faster(answer: Result<(), Failure>) {
    let failure = answer.expect_err("it is another by now");
    assert_eq!((failure.class, failure.code.as_str()), (Class::Retry, "PreconditionFailed"), "{failure}");
}

#[tokio::test]
async fn rules_that_the_operator_adds_at_the_same_moment_are_kept() {
    let mut town = Town::new().await;
    let operator = operator(&town);
    let network = town.settle().await.report.network.reference["vnet_id"].as_str().expect("an id").to_owned();
    let path = network.replace("virtualNetworks", "networkSecurityGroups");
    // Something is missing, and while the console is about to mend it, somebody opens port 22.
    let mut group = read(&operator, &path).await;
    group["properties"]["securityRules"].as_array_mut().expect("a list").pop();
    write(&operator, &path, group.clone()).await;
    let (wish, step) = planned(&mut town).await;
    assert!(matches!(step, Step::PutSecurityGroup { .. }), "{step:?}");
    group["properties"]["securityRules"].as_array_mut().expect("a list").push(rule("office", 200));
    write(&operator, &path, group).await;
    was_faster(town.azure.step(&wish, step).await);
    town.settle().await;
    let group = read(&operator, &path).await;
    let rules = group["properties"]["securityRules"].as_array().expect("a list").iter();
    let mut names: Vec<_> = rules.map(|rule| rule["name"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    assert_eq!(names, ["causeway-own", "causeway-rest", "office"]);
}

#[tokio::test]
async fn a_peering_and_a_subnet_that_the_operator_changes_at_the_same_moment_are_read_again() {
    let mut town = Town::new().await;
    let operator = operator(&town);
    town.neighbour.grants().await;
    town.connect("main");
    let network = town.settle().await.report.network.reference["vnet_id"].as_str().expect("an id").to_owned();
    let path = format!("{network}/virtualNetworkPeerings/{}", town.wish.connections[0].name());
    town.wish.connections[0].ranges = vec!["172.16.0.0/16".parse().expect("a range")];
    let (wish, step) = planned(&mut town).await;
    assert!(matches!(step, Step::PutPeering { .. }), "{step:?}");
    // By hand, the second token is of the peer's tenant.
    let (ours, theirs) = (&town.neighbour.console, &town.neighbour.account);
    let secret = ours.client_secret.expose();
    let own = operator.sign_in(&ours.tenant, &ours.client_id, secret, super::neighbour::ARM).await.expect("a token");
    let other =
        operator.sign_in(&theirs.tenant, &ours.client_id, secret, super::neighbour::ARM).await.expect("a token");
    let peering = operator.ask_with(&[&own], Method::GET, &path, Value::Null).await.1;
    assert_eq!(operator.ask_with(&[&own, &other], Method::PUT, &path, peering).await.0, 200);
    was_faster(town.azure.step(&wish, step).await);
    town.settle().await;
    assert_eq!(read(&operator, &path).await["properties"]["allowForwardedTraffic"], true);

    let path = format!("{network}/subnets/default");
    let mut subnet = read(&operator, &path).await;
    subnet["properties"]["networkSecurityGroup"] = Value::Null;
    write(&operator, &path, subnet.clone()).await;
    let (wish, step) = planned(&mut town).await;
    assert!(matches!(step, Step::PutSubnet(_)), "{step:?}");
    write(&operator, &path, subnet).await;
    was_faster(town.azure.step(&wish, step).await);
    town.settle().await;
    let subnet = read(&operator, &path).await;
    assert!(subnet["properties"]["networkSecurityGroup"]["id"].is_string(), "{subnet}");
}
