//! The peer in Google Cloud: its networks and the peerings it adds to them.

use google_cloud_auth::credentials::{AccessTokenCredentials, service_account};
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::{Value, json};

use super::{Deed, Scene, Thing, Typed, field, unknown};
use crate::{
    Class, Failure, Outcome,
    http::{Answer, Http, Request},
    lookalike::{Lookalikes, Side},
};

const SCOPE: &str = "https://www.googleapis.com/auth/compute";
const REGION: &str = "europe-west1";

pub(super) struct GoogleSide {
    http: Http,
    url: String,
    project: String,
    /// With whom a network is peered if nothing else is typed.
    console: String,
    token: AccessTokenCredentials,
}

impl GoogleSide {
    pub(super) async fn sign_in(clouds: &Lookalikes, http: Http) -> Outcome<Self> {
        let (theirs, ours) = (clouds.google.account(Side::Theirs).await, clouds.google.account(Side::Ours).await);
        let url = clouds.google.url();
        let wrong = |error: String| Failure::new(Class::Operator, "credentials", error);
        let key = serde_json::from_str(theirs.key_file(&url).expose()).map_err(|error| wrong(error.to_string()))?;
        let token = service_account::Builder::new(key)
            .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
            .build_access_token_credentials()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { http, url, project: theirs.project, console: ours.project, token })
    }

    pub(super) async fn look(&self) -> Outcome<Scene> {
        let networks = self.call(Method::GET, "global/networks", None).await?;
        let mut things = Vec::new();
        for network in networks["items"].as_array().into_iter().flatten() {
            let name = text(&network["name"]);
            let subnetworks = network["subnetworks"].as_array().into_iter().flatten();
            let subnetworks: Vec<String> =
                subnetworks.filter_map(|url| url.as_str()?.rsplit('/').next().map(str::to_owned)).collect();
            let peer = Deed::plain("add-peering", "Add peering connection")
                .asking("project", "Peered project ID", self.console.clone())
                .asking("network", "Peered VPC network", "");
            let grow =
                Deed::plain("add-subnetwork", "Add subnet").asking("name", "Name", "").asking("cidr", "IPv4 range", "");
            things.push(Thing {
                kind: "VPC network",
                id: name.clone(),
                state: String::new(),
                facts: vec![("Subnets", subnetworks.join(", "))],
                deeds: vec![peer, grow, Deed::plain("delete-network", "Delete")],
            });
            for peering in network["peerings"].as_array().into_iter().flatten() {
                things.push(Thing {
                    kind: "VPC network peering",
                    id: format!("{name}/{}", text(&peering["name"])),
                    state: text(&peering["state"]),
                    facts: vec![
                        ("Peered network", text(&peering["network"])),
                        ("Details", text(&peering["stateDetails"])),
                    ],
                    deeds: vec![Deed::plain("remove-peering", "Delete")],
                });
            }
        }
        let create = Deed::plain("create-network", "Create VPC network").asking("name", "Name", "");
        Ok(Scene {
            endpoint: self.url.clone(),
            account: vec![("Project ID", self.project.clone())],
            things,
            deeds: vec![create],
            ..Scene::default()
        })
    }

    pub(super) async fn act(&self, thing: &str, deed: &str, typed: &Typed) -> Outcome<()> {
        let (network, peering) = thing.split_once('/').unwrap_or((thing, ""));
        let of_network = format!("global/networks/{network}");
        let (method, path, body) = match deed {
            "create-network" => {
                let body = json!({"name": field(typed, "name"), "autoCreateSubnetworks": false});
                (Method::POST, "global/networks".to_owned(), Some(body))
            }
            "delete-network" => (Method::DELETE, of_network, None),
            "add-subnetwork" => {
                let network = format!("projects/{}/{of_network}", self.project);
                let body = json!({
                    "name": field(typed, "name"), "network": network, "ipCidrRange": field(typed, "cidr"),
                });
                (Method::POST, format!("regions/{REGION}/subnetworks"), Some(body))
            }
            "add-peering" => {
                let (project, peer) = (field(typed, "project"), field(typed, "network"));
                let body = json!({"networkPeering": {
                    // A network may be peered with many: each needs a name of its own.
                    "name": format!("to-{peer}"),
                    "network": format!("projects/{project}/global/networks/{peer}"),
                    "exchangeSubnetRoutes": true,
                }});
                (Method::POST, format!("{of_network}/addPeering"), Some(body))
            }
            "remove-peering" => (Method::POST, format!("{of_network}/removePeering"), Some(json!({"name": peering}))),
            other => return Err(unknown(other)),
        };
        self.call(method, &path, body).await.map(drop)
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Outcome<Value> {
        let token = self.token.access_token().await;
        let token = token.map_err(|error| Failure::new(Class::Credentials, "credentials", error.to_string()))?.token;
        let build = || {
            let url = format!("{}/compute/v1/projects/{}/{path}", self.url, self.project);
            let wrong = |_| Failure::new(Class::Specification, "name", "This is no name of a network.");
            let mut headers = HeaderMap::new();
            let bearer = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| Failure::new(Class::Credentials, "credentials", "The token fits no header."))?;
            headers.insert(AUTHORIZATION, bearer);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let body = body.as_ref().map(Value::to_string).unwrap_or_default();
            Ok(Request { method: method.clone(), url: Url::parse(&url).map_err(wrong)?, headers, body })
        };
        let answer = self.http.send(build, refusal).await?;
        Ok(serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn refusal(answer: &Answer) -> Option<Failure> {
    if answer.is_success() {
        return None;
    }
    let body: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    let class = if answer.status >= 500 || answer.status == 429 { Class::Retry } else { Class::Specification };
    Some(Failure::new(class, answer.status.to_string(), text(&body["error"]["message"])))
}
