//! Routers that somebody took our label from, or attached their own networks to.

use reqwest::Method;
use serde_json::{Value, json};

use super::Town;
use crate::{Class, NetworkStanding, Subject};

impl Town {
    async fn our_router(&self) -> Value {
        self.operator(Method::GET, &format!("network/{}", self.ours()), Value::Null).await["network"]["router"].clone()
    }

    async fn attach(&self, network: &str, router: &Value) {
        self.operator(Method::PUT, &format!("network/{network}"), json!({"network": {"router": router}})).await;
    }

    async fn unlabel(&self, router: &Value) {
        let path = format!("router/{}", router.as_str().expect("a router"));
        self.operator(Method::PATCH, &path, json!({"router": {"labels": []}})).await;
    }

    /// A network of the operator's own, attached to our router, which ours is taken from.
    async fn lend(&self) -> (Value, String) {
        let router = self.our_router().await;
        let body = json!({"network": {"name": "office", "zone": "de-fra1", "router": router,
            "ip_networks": {"ip_network": [{"address": "10.50.0.0/24", "dhcp": "yes", "family": "IPv4"}]}}});
        let made = self.operator(Method::POST, "network/", body).await;
        self.attach(&self.ours(), &Value::Null).await;
        (router, made["network"]["uuid"].as_str().expect("a UUID").to_owned())
    }
}

#[tokio::test]
async fn a_router_of_ours_that_lost_its_label_is_given_back_and_goes_with_its_vpc() {
    let mut town = Town::new().await;
    town.settle().await;
    let network = format!("network/{}", town.ours());
    let router = town.operator(Method::GET, &network, Value::Null).await["network"]["router"].clone();
    let unlabelled = json!({"router": {"labels": []}});
    let path = format!("router/{}", router.as_str().expect("a router"));
    town.operator(Method::PATCH, &path, unlabelled).await;
    town.operator(Method::PUT, &network, json!({"network": {"router": null}})).await;
    town.settle().await;
    let given = town.operator(Method::GET, &network, Value::Null).await["network"]["router"].clone();
    assert_eq!((given, town.count_of("router").await), (router, 1));
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
    assert_eq!(town.count_of("router").await, 0);
}

#[tokio::test]
async fn a_router_of_the_operators_own_outlives_the_vpc_that_it_was_attached_to() {
    let mut town = Town::new().await;
    town.settle().await;
    let theirs = town.operator(Method::POST, "router", json!({"router": {"name": "own", "labels": []}})).await;
    let attached = json!({"network": {"router": theirs["router"]["uuid"]}});
    town.operator(Method::PUT, &format!("network/{}", town.ours()), attached).await;
    town.settle().await;
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
    assert_eq!((town.count("router").await, town.count_of("router").await), (0, 1));
}

#[tokio::test]
async fn a_router_that_the_operator_took_for_their_own_networks_is_not_joined_again() {
    for labelled in [false, true] {
        let mut town = Town::new().await;
        town.settle().await;
        let (taken, office) = town.lend().await;
        if !labelled {
            town.unlabel(&taken).await;
        }
        let pass = town.settle().await;
        assert_eq!(pass.report.network.standing, NetworkStanding::Ready);
        let given = town.our_router().await;
        assert!(given.is_string() && given != taken, "{given} was {taken}");
        let theirs = town.operator(Method::GET, &format!("network/{office}"), Value::Null).await;
        assert_eq!(theirs["network"]["router"], taken, "their own network keeps it");
    }
}

#[tokio::test]
async fn a_vpc_whose_router_the_operator_took_goes_and_leaves_it_to_them() {
    let mut town = Town::new().await;
    town.settle().await;
    let (taken, _) = town.lend().await;
    town.unlabel(&taken).await;
    town.wish.present = false;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
    assert_eq!((town.count("network").await, town.count_of("router").await), (0, 1));
}

#[tokio::test]
async fn a_vpc_that_goes_names_the_networks_of_others_on_its_router_and_goes_once_they_are_detached() {
    let mut town = Town::new().await;
    town.settle().await;
    let (router, office) = town.lend().await;
    town.attach(&town.ours(), &router).await;
    town.wish.present = false;
    for _ in 0..3 {
        town.pass().await;
    }
    let pass = town.pass().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Partial);
    let (subject, failure) = pass.failed.first().expect("a person is told");
    assert_eq!((*subject, failure.class), (Subject::Network, Class::Operator));
    let router = router.as_str().expect("a UUID");
    let expected = format!(
        "The router alpha ({router}) of the VPC is attached to what was not made by Causeway: network {office}. Detach \
         this from the router in the UpCloud account; then Causeway deletes the VPC by itself"
    );
    assert_eq!(failure.message, expected);
    town.attach(&office, &Value::Null).await;
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, NetworkStanding::Absent);
    assert_eq!(town.count_of("router").await, 0);
}
