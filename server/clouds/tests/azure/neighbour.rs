//! The other side: a person with a tenant and a subscription of their own, who does what domain 4.4 tells them to do.

use clouds::lookalike::{Lookalikes, Side, azure::Account};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

pub const ARM: &str = "https://management.azure.com/.default";
pub const GRAPH: &str = "https://graph.microsoft.com/.default";

pub struct Neighbour {
    pub account: Account,
    pub console: Account,
    url: String,
    /// One for all requests of a test: making one reads the system's certificates.
    client: reqwest::Client,
}

impl Neighbour {
    pub async fn new(clouds: &Lookalikes) -> Self {
        let (account, console) = (clouds.azure.account(Side::Theirs).await, clouds.azure.account(Side::Ours).await);
        Self::at(&clouds.azure.url(), account, console)
    }

    pub fn at(url: &str, account: Account, console: Account) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { account, console, url: url.to_owned(), client: reqwest::Client::new() }
    }

    pub fn network(&self) -> String {
        let Account { subscription, resource_group, .. } = &self.account;
        format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.Network/virtualNetworks/main"
        )
    }

    /// A token by client credentials, or what the token endpoint says.
    pub async fn sign_in(&self, tenant: &str, id: &str, secret: &str, scope: &str) -> Result<String, Value> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)])
            .append_pair("scope", scope)
            .finish();
        let asked = self.client.post(format!("{}/{tenant}/oauth2/v2.0/token", self.url)).body(form);
        let (_, answer) = told(asked).await;
        answer["access_token"].as_str().map(str::to_owned).ok_or(answer)
    }

    async fn token(&self, tenant: &str, scope: &str) -> String {
        let secret = self.account.client_secret.expose();
        let token = self.sign_in(tenant, &self.account.client_id, secret, scope).await;
        token.unwrap_or_else(|answer| panic!("{answer}"))
    }

    /// A request in the peer's own subscription or tenant.
    pub async fn ask(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let scope = if path.starts_with("/v1.0/") { GRAPH } else { ARM };
        let token = self.token(&self.account.tenant, scope).await;
        self.ask_with(&[&token], method, path, body).await
    }

    /// The second token is of the other tenant.
    pub async fn ask_with(&self, tokens: &[&str], method: Method, path: &str, body: Value) -> (u16, Value) {
        let mark = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}{path}{mark}api-version=2024-05-01", self.url);
        let mut request = self.client.request(method, url).bearer_auth(tokens[0]);
        if let Some(other) = tokens.get(1) {
            request = request.header("x-ms-authorization-auxiliary", format!("Bearer {other}"));
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        told(request.body(body)).await
    }

    async fn done(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method, path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// Step 2: the console's application gets the right to peer to, not from, the network.
    pub async fn grants(&self) {
        let app = json!({"appId": self.console.client_id});
        let principal = self.done(Method::POST, "/v1.0/servicePrincipals", app).await;
        let subscription = format!("/subscriptions/{}", self.account.subscription);
        let role = format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}", Uuid::new_v4());
        let permissions = json!([{"actions": ["Microsoft.Network/virtualNetworks/peer/action"]}]);
        let properties = json!({"roleName": "causeway-peering", "description": "peering to vnets in scope",
            "permissions": permissions, "assignableScopes": [subscription]});
        self.done(Method::PUT, &role, json!({ "properties": properties })).await;
        let assignment =
            format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", self.network(), Uuid::new_v4());
        let properties =
            json!({"roleDefinitionId": role, "principalId": principal["id"], "principalType": "ServicePrincipal"});
        self.done(Method::PUT, &assignment, json!({ "properties": properties })).await;
    }

    /// Step 4, with what the console shows.
    pub async fn peers(&self, tenant: &str, network: &str) -> (u16, Value) {
        let tokens = (self.token(&self.account.tenant, ARM).await, self.token(tenant, ARM).await);
        let path = format!("{}/virtualNetworkPeerings/to-the-console", self.network());
        let body = json!({"properties": {"remoteVirtualNetwork": {"id": network}, "allowVirtualNetworkAccess": true}});
        self.ask_with(&[&tokens.0, &tokens.1], Method::PUT, &path, body).await
    }

    pub async fn leaves(&self) {
        self.done(Method::DELETE, &format!("{}/virtualNetworkPeerings/to-the-console", self.network()), Value::Null)
            .await;
    }

    /// Its network gets more addresses.
    pub async fn grows(&self, prefixes: &[&str]) {
        let mut network = self.done(Method::GET, &self.network(), Value::Null).await;
        network["properties"]["addressSpace"]["addressPrefixes"] = json!(prefixes);
        self.done(Method::PUT, &self.network(), network).await;
    }

    /// Its peering as it sees it.
    pub async fn sees(&self) -> Value {
        let path = format!("{}/virtualNetworkPeerings/to-the-console", self.network());
        self.ask(Method::GET, &path, Value::Null).await.1["properties"].clone()
    }
}

async fn told(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.text().await.expect("a body");
    (status, if body.is_empty() { Value::Null } else { serde_json::from_str(&body).expect("JSON") })
}
