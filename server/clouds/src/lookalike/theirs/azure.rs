//! The peer in Azure: its virtual networks, what it grants the console's application, and the peerings it makes.

use reqwest::{Method, Url};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Deed, Scene, Thing, Typed, field, unknown};
use crate::{
    Outcome,
    azure::{
        AzureAccount, AzureEndpoints,
        arm::{Arm, Beside},
    },
    http::Http,
    lookalike::{Lookalikes, Side},
};

const NETWORKS: &str = "2024-05-01";
const ACCESS: &str = "2022-04-01";
const PEER_ACTION: &str = "Microsoft.Network/virtualNetworks/peer/action";
const ROLE: &str = "causeway-peering";

pub(super) struct AzureSide {
    arm: Arm,
    url: String,
    /// The console's application and its tenant.
    console: (String, String),
}

impl AzureSide {
    pub(super) async fn sign_in(clouds: &Lookalikes, http: Http) -> Self {
        let (theirs, ours) = (clouds.azure.account(Side::Theirs).await, clouds.azure.account(Side::Ours).await);
        let url = clouds.azure.url();
        let base = Url::parse(&url).expect("an address on loopback parses");
        let endpoints = AzureEndpoints { authority: base.clone(), arm: base.clone(), graph: base };
        let account = AzureAccount {
            tenant: theirs.tenant,
            client_id: theirs.client_id,
            client_secret: theirs.client_secret,
            subscription: theirs.subscription,
            resource_group: theirs.resource_group,
        };
        Self { arm: Arm::new(account, endpoints, http), url, console: (ours.client_id, ours.tenant) }
    }

    fn networks(&self) -> String {
        let AzureAccount { subscription, resource_group, .. } = &self.arm.account;
        format!(
            "subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.Network/virtualNetworks"
        )
    }

    pub(super) async fn look(&self) -> Outcome<Scene> {
        let networks: Vec<Value> = self.arm.list(&self.networks(), NETWORKS, &[]).await?;
        let mut things = Vec::new();
        for network in &networks {
            let name = text(&network["name"]);
            let granted = self.grants(&name).await?.len();
            things.push(self.network(network, granted > 0));
            for peering in network["properties"]["virtualNetworkPeerings"].as_array().into_iter().flatten() {
                things.push(of_peering(&name, peering));
            }
        }
        let account = &self.arm.account;
        let create = Deed::plain("create-network", "Create virtual network").asking("name", "Name", "").asking(
            "cidr",
            "IPv4 address space",
            "10.96.0.0/20",
        );
        Ok(Scene {
            endpoint: self.url.clone(),
            account: vec![
                ("Subscription ID", account.subscription.clone()),
                ("Resource group", account.resource_group.clone()),
                ("Tenant ID", account.tenant.clone()),
                ("Application ID", account.client_id.clone()),
            ],
            things,
            deeds: vec![create],
            ..Scene::default()
        })
    }

    fn network(&self, network: &Value, granted: bool) -> Thing {
        let prefixes = network["properties"]["addressSpace"]["addressPrefixes"].as_array().into_iter().flatten();
        let prefixes: Vec<&str> = prefixes.filter_map(Value::as_str).collect();
        let grant = match granted {
            true => Deed::plain("revoke", "Revoke grant"),
            false => {
                Deed::plain("grant", "Grant the right to peer").asking("app", "Application ID", self.console.0.clone())
            }
        };
        let peer = Deed::plain("add-peering", "Add peering")
            .asking("tenant", "Remote tenant ID", self.console.1.clone())
            .asking("network", "Remote virtual network ID", "");
        let grow = Deed::plain("add-range", "Add address range").asking("cidr", "IPv4 address space", "");
        Thing {
            kind: "Virtual network",
            id: text(&network["name"]),
            state: text(&network["properties"]["provisioningState"]),
            facts: vec![
                ("Address space", prefixes.join(", ")),
                ("Right to peer", if granted { "granted" } else { "not granted" }.to_owned()),
            ],
            deeds: vec![grant, peer, grow],
        }
    }

    pub(super) async fn act(&self, thing: &str, deed: &str, typed: &Typed) -> Outcome<()> {
        let (network, peering) = thing.split_once('/').unwrap_or((thing, ""));
        let path = format!("{}/{network}", self.networks());
        match deed {
            "create-network" => {
                let path = format!("{}/{}", self.networks(), field(typed, "name"));
                let space = json!({"addressPrefixes": [field(typed, "cidr")]});
                let body = json!({"location": "westeurope", "properties": {"addressSpace": space}});
                self.put(&path, NETWORKS, None, &body).await
            }
            "add-range" => {
                let mut found: Value = self.arm.get(&path, NETWORKS).await?;
                if let Some(prefixes) = found["properties"]["addressSpace"]["addressPrefixes"].as_array_mut() {
                    prefixes.push(field(typed, "cidr").into());
                }
                self.put(&path, NETWORKS, None, &found).await
            }
            "grant" => self.grant(network, field(typed, "app")).await,
            "revoke" => {
                for assignment in self.grants(network).await? {
                    self.delete(&assignment, ACCESS).await?;
                }
                Ok(())
            }
            "add-peering" => {
                let remote = field(typed, "network");
                let name = remote.rsplit('/').next().unwrap_or_default();
                let path = format!("{path}/virtualNetworkPeerings/to-{name}");
                let body =
                    json!({"properties": {"remoteVirtualNetwork": {"id": remote}, "allowVirtualNetworkAccess": true}});
                self.put(&path, NETWORKS, Some(field(typed, "tenant")), &body).await
            }
            "delete-peering" => self.delete(&format!("{path}/virtualNetworkPeerings/{peering}"), NETWORKS).await,
            other => Err(unknown(other)),
        }
    }

    /// Step 2 of the guide: the console's application may peer to this network, and from none.
    async fn grant(&self, network: &str, app: &str) -> Outcome<()> {
        let known = self.arm.graph(Method::GET, &format!("v1.0/servicePrincipals(appId='{app}')"), None).await;
        let principal = match known {
            Ok(found) => found,
            Err(_) => self.arm.graph(Method::POST, "v1.0/servicePrincipals", Some(&json!({"appId": app}))).await?,
        };
        let subscription = format!("subscriptions/{}", self.arm.account.subscription);
        let role = format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}", Uuid::new_v4());
        let properties = json!({
            "roleName": format!("{ROLE}-{}", Uuid::new_v4().simple()), "description": "peering to vnets in scope",
            "permissions": [{"actions": [PEER_ACTION]}], "assignableScopes": [format!("/{subscription}")],
        });
        self.put(&role, ACCESS, None, &json!({"properties": properties})).await?;
        let assignment = format!(
            "{}/{network}/providers/Microsoft.Authorization/roleAssignments/{}",
            self.networks(),
            Uuid::new_v4()
        );
        let properties = json!({
            "roleDefinitionId": format!("/{role}"), "principalId": principal["id"],
            "principalType": "ServicePrincipal",
        });
        self.put(&assignment, ACCESS, None, &json!({"properties": properties})).await
    }

    /// The role assignments that were made for this network.
    async fn grants(&self, network: &str) -> Outcome<Vec<String>> {
        let scope = format!("/{}/{network}", self.networks());
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
        let all: Vec<Value> = self.arm.list(&path, ACCESS, &[("$filter", "atScope()")]).await?;
        let here = |one: &&Value| text(&one["properties"]["scope"]).eq_ignore_ascii_case(&scope);
        Ok(all.iter().filter(here).map(|one| text(&one["id"])).collect())
    }

    async fn put(&self, path: &str, version: &str, tenant: Option<&str>, body: &Value) -> Outcome<()> {
        let beside = Beside { tenant, ..Beside::default() };
        self.arm.change(Method::PUT, path, version, beside, (Some(body), 0)).await.map(drop)
    }

    async fn delete(&self, path: &str, version: &str) -> Outcome<()> {
        self.arm.change(Method::DELETE, path, version, Beside::default(), (None, 0)).await.map(drop)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn of_peering(network: &str, peering: &Value) -> Thing {
    let properties = &peering["properties"];
    Thing {
        kind: "Virtual network peering",
        id: format!("{network}/{}", text(&peering["name"])),
        state: text(&properties["peeringState"]),
        facts: vec![
            ("Remote network", text(&properties["remoteVirtualNetwork"]["id"])),
            ("Sync", text(&properties["peeringSyncLevel"])),
        ],
        deeds: vec![Deed::plain("delete-peering", "Delete")],
    }
}
