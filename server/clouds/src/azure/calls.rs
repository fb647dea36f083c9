//! The requests about networks, security groups, peerings, grants and applications, one function each.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    arm::{AUTHORIZATIONS, Arm, Begun, Beside, NETWORK},
    errors, names,
    plan::Step,
    seen::{Grant, Network, SecurityGroup},
};
use crate::{Class, Outcome, Wish};

/// What names the VPC in the console.
const TAG: &str = "causeway-vpc";

#[derive(Deserialize)]
struct Assignment {
    name: Uuid,
    properties: AssignmentProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentProperties {
    principal_id: String,
    role_definition_id: String,
    #[serde(default)]
    scope: String,
}

/// `None` if it is not there.
fn unless_gone<T>(answer: Outcome<T>) -> Outcome<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        // Nothing of it is there either where its resource group is missing; making it will say so.
        Err(failure) if failure.class == Class::Gone || failure.code == "ResourceGroupNotFound" => Ok(None),
        Err(failure) => Err(failure),
    }
}

impl Arm {
    pub async fn network(&self, wish: &Wish) -> Outcome<Option<Network>> {
        unless_gone(self.get(&names::network_id(&self.account, wish), NETWORK).await)
    }

    pub async fn group(&self, wish: &Wish) -> Outcome<Option<SecurityGroup>> {
        unless_gone(self.get(&names::security_group_id(&self.account, wish), NETWORK).await)
    }

    /// Who may do what with the network, be it by what is granted above it.
    pub async fn grants(&self, wish: &Wish) -> Outcome<Vec<Grant>> {
        let network = names::network_id(&self.account, wish);
        let path = format!("{network}/providers/Microsoft.Authorization/roleAssignments");
        let found = self.list::<Assignment>(&path, AUTHORIZATIONS, &[("$filter", "atScope()")]).await;
        let grant = |Assignment { name, properties }| Grant {
            name,
            principal: properties.principal_id,
            role: properties.role_definition_id,
            scope: properties.scope,
        };
        Ok(unless_gone(found)?.unwrap_or_default().into_iter().map(grant).collect())
    }

    /// Whether the role is defined that lets others peer with us.
    pub async fn role(&self) -> Outcome<bool> {
        let found = self.get::<Value>(&names::role_id(&self.account), AUTHORIZATIONS).await;
        Ok(unless_gone(found)?.is_some())
    }

    /// The service principal of an application in our tenant.
    pub async fn principal(&self, application: &str) -> Outcome<Option<String>> {
        let path = format!("/v1.0/servicePrincipals(appId='{application}')");
        let found = unless_gone(self.graph(Method::GET, &path, None).await)?;
        Ok(found.and_then(|found| Some(found["id"].as_str()?.to_owned())))
    }

    async fn put(&self, wish: &Wish, path: &str, version: &str, body: &Value) -> Outcome<Option<Begun>> {
        self.change(Method::PUT, path, version, Beside::default(), (Some(body), wish.now)).await
    }

    async fn delete(&self, wish: &Wish, path: &str, version: &str) -> Outcome<Option<Begun>> {
        self.change(Method::DELETE, path, version, Beside::default(), (None, wish.now)).await
    }

    /// Makes one step; `None` if it is over at once.
    pub async fn make(&self, wish: &Wish, step: &Step) -> Outcome<Option<Begun>> {
        let account = &self.account;
        let network = names::network_id(account, wish);
        match step {
            Step::Tell { failure, .. } => Err(failure.clone()),
            Step::PutSecurityGroup { rules, kept } => {
                let rules: Vec<Value> = rules.iter().map(super::group::Rule::written).chain(kept.clone()).collect();
                let properties = json!({ "securityRules": rules });
                self.put(wish, &names::security_group_id(account, wish), NETWORK, &tagged(wish, properties)).await
            }
            Step::PutNetwork => {
                let subnet = json!({"name": names::SUBNET, "properties": self.subnet(wish)});
                let properties =
                    json!({"addressSpace": {"addressPrefixes": [wish.cidr.to_string()]}, "subnets": [subnet]});
                self.put(wish, &network, NETWORK, &tagged(wish, properties)).await
            }
            Step::PutSubnet => {
                let path = format!("{network}/subnets/{}", names::SUBNET);
                self.put(wish, &path, NETWORK, &json!({"properties": self.subnet(wish)})).await
            }
            Step::DeleteNetwork => self.delete(wish, &network, NETWORK).await,
            Step::DeleteSecurityGroup => self.delete(wish, &names::security_group_id(account, wish), NETWORK).await,
            Step::CreatePrincipal { application, .. } => {
                let body = json!({ "appId": application });
                let made = self.graph(Method::POST, "/v1.0/servicePrincipals", Some(&body)).await;
                made.map_err(errors::of_application).map(|_| None)
            }
            Step::DefineRole { .. } => {
                let scope = format!("/subscriptions/{}", account.subscription);
                let properties = json!({
                    // Names of roles are unique in a tenant, which may have several subscriptions.
                    "roleName": format!("Causeway peering {}", names::role(account)),
                    "description": "Peer with networks of Causeway, and nothing else",
                    "type": "CustomRole",
                    "permissions": [{"actions": [names::PEER_ACTION], "notActions": []}],
                    "assignableScopes": [scope],
                });
                self.put(wish, &names::role_id(account), AUTHORIZATIONS, &json!({ "properties": properties })).await
            }
            Step::Grant { grant, principal, .. } => {
                let properties = json!({
                    "roleDefinitionId": names::role_id(account),
                    "principalId": principal,
                    // Without it, one that was just made is not found.
                    "principalType": "ServicePrincipal",
                });
                let path = names::grant_id(account, wish, *grant);
                self.put(wish, &path, AUTHORIZATIONS, &json!({ "properties": properties })).await
            }
            Step::Revoke { grant, .. } => {
                self.delete(wish, &names::grant_id(account, wish, *grant), AUTHORIZATIONS).await
            }
            Step::PutPeering { name, remote, tenant, forwards, syncs, .. } => {
                let path = format!("{network}/virtualNetworkPeerings/{name}");
                let properties = json!({
                    "remoteVirtualNetwork": {"id": remote},
                    "allowVirtualNetworkAccess": true,
                    "allowForwardedTraffic": forwards,
                    "allowGatewayTransit": false,
                    "useRemoteGateways": false,
                });
                let query: &[_] = if *syncs { &[("syncRemoteAddressSpace", "true")] } else { &[] };
                let beside = Beside { tenant: Some(tenant), query };
                let body = json!({ "properties": properties });
                self.change(Method::PUT, &path, NETWORK, beside, (Some(&body), wish.now)).await
            }
            Step::DeletePeering { name, .. } => {
                self.delete(wish, &format!("{network}/virtualNetworkPeerings/{name}"), NETWORK).await
            }
        }
    }

    fn subnet(&self, wish: &Wish) -> Value {
        let group = names::security_group_id(&self.account, wish);
        json!({"addressPrefix": wish.cidr.to_string(), "networkSecurityGroup": {"id": group}})
    }
}

fn tagged(wish: &Wish, properties: Value) -> Value {
    json!({"location": wish.region, "tags": {TAG: wish.id, "causeway-name": wish.name}, "properties": properties})
}
