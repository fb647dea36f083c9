//! The peer in UpCloud: its networks with their routers, and the peerings it makes.

use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::{Value, json};

use super::{Deed, Scene, Thing, Typed, field, unknown};
use crate::{
    Class, Failure, Outcome, Secret,
    http::{Http, Request},
    lookalike::{Lookalikes, Side},
    upcloud::errors,
};

pub(super) struct UpCloudSide {
    http: Http,
    url: String,
    username: String,
    token: Secret,
}

impl UpCloudSide {
    pub(super) async fn sign_in(clouds: &Lookalikes, http: Http) -> Self {
        let theirs = clouds.upcloud.account(Side::Theirs).await;
        Self { http, url: clouds.upcloud.url(), username: theirs.username, token: theirs.token }
    }

    pub(super) async fn look(&self) -> Outcome<Scene> {
        let (networks, peerings) = futures::try_join!(
            self.call(Method::GET, "network?limit=100", None),
            self.call(Method::GET, "network-peering?limit=100", None),
        )?;
        let networks = networks["networks"]["network"].as_array().cloned().unwrap_or_default();
        let private = networks.iter().filter(|network| network["type"] == "private");
        let mut things: Vec<Thing> = private.map(network).collect();
        things.extend(peerings["network_peerings"]["network_peering"].as_array().into_iter().flatten().map(peering));
        let create = Deed::plain("create-network", "Create SDN network")
            .asking("name", "Name", "")
            .asking("zone", "Zone", "de-fra1")
            .asking("cidr", "IPv4 network", "10.93.0.0/24");
        Ok(Scene {
            endpoint: format!("{}/1.3", self.url),
            account: vec![("User name", self.username.clone())],
            things,
            deeds: vec![create],
            ..Scene::default()
        })
    }

    pub(super) async fn act(&self, thing: &str, deed: &str, typed: &Typed) -> Outcome<()> {
        let (of_network, of_peering) = (format!("network/{thing}"), format!("network-peering/{thing}"));
        let configured = |status: &str| Some(json!({"network_peering": {"configured_status": status}}));
        let (method, path, body) = match deed {
            "create-network" => {
                let body = json!({"network": {
                    "name": field(typed, "name"), "zone": field(typed, "zone"),
                    "ip_networks": {"ip_network": [{
                        "address": field(typed, "cidr"), "family": "IPv4", "dhcp": "yes", "dhcp_default_route": "no",
                    }]},
                }});
                (Method::POST, "network".to_owned(), Some(body))
            }
            "delete-network" => (Method::DELETE, of_network, None),
            "attach-router" => return self.attach_router(thing).await,
            "detach-router" => (Method::PUT, of_network, Some(json!({"network": {"router": null}}))),
            "add-peering" => {
                let peer = field(typed, "network");
                let body = json!({"network_peering": {
                    "name": "to the console", "configured_status": "active",
                    "network": {"uuid": thing}, "peer_network": {"uuid": peer},
                }});
                (Method::POST, "network-peering".to_owned(), Some(body))
            }
            "disable" => (Method::PATCH, of_peering, configured("disabled")),
            "enable" => (Method::PATCH, of_peering, configured("active")),
            "delete-peering" => (Method::DELETE, of_peering, None),
            other => return Err(unknown(other)),
        };
        self.call(method, &path, body).await.map(drop)
    }

    async fn attach_router(&self, network: &str) -> Outcome<()> {
        let body = json!({"router": {"name": format!("of {network}")}});
        let router = self.call(Method::POST, "router", Some(body)).await?["router"]["uuid"].clone();
        let body = json!({"network": {"router": router}});
        self.call(Method::PUT, &format!("network/{network}"), Some(body)).await.map(drop)
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Outcome<Value> {
        let build = || {
            let wrong = |_| Failure::new(Class::Specification, "UUID", "This is no UUID of a network.");
            let mut headers = HeaderMap::new();
            let bearer = HeaderValue::from_str(&format!("Bearer {}", self.token.expose()))
                .map_err(|_| Failure::new(Class::Credentials, "credentials", "The token fits no header."))?;
            headers.insert(AUTHORIZATION, bearer);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let url = Url::parse(&format!("{}/1.3/{path}", self.url)).map_err(wrong)?;
            let body = body.as_ref().map(Value::to_string).unwrap_or_default();
            Ok(Request { method: method.clone(), url, headers, body })
        };
        let answer = self.http.send(build, errors::judge).await?;
        Ok(serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn network(network: &Value) -> Thing {
    let router = match network["router"].as_str() {
        Some(_) => Deed::plain("detach-router", "Detach router"),
        None => Deed::plain("attach-router", "Attach router"),
    };
    let peer = Deed::plain("add-peering", "Create peering").asking("network", "Peer network UUID", "");
    Thing {
        kind: "SDN network",
        id: text(&network["uuid"]),
        state: String::new(),
        facts: vec![
            ("Name", text(&network["name"])),
            ("Zone", text(&network["zone"])),
            ("IPv4 network", text(&network["ip_networks"]["ip_network"][0]["address"])),
            ("Router", network["router"].as_str().map_or("none".to_owned(), str::to_owned)),
        ],
        deeds: vec![peer, router, Deed::plain("delete-network", "Delete")],
    }
}

fn peering(peering: &Value) -> Thing {
    // UpCloud deletes disabled peerings only.
    let deeds = match (peering["configured_status"].as_str(), peering["state"].as_str()) {
        (Some("disabled"), Some("disabled")) => {
            vec![Deed::plain("enable", "Enable"), Deed::plain("delete-peering", "Delete")]
        }
        (Some("disabled"), _) => vec![Deed::plain("enable", "Enable")],
        _ => vec![Deed::plain("disable", "Disable")],
    };
    Thing {
        kind: "Network peering",
        id: text(&peering["uuid"]),
        state: text(&peering["state"]),
        facts: vec![
            ("Network", text(&peering["network"]["uuid"])),
            ("Peer network", text(&peering["peer_network"]["uuid"])),
        ],
        deeds,
    }
}
