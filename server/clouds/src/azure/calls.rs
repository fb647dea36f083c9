//! The requests about networks, security groups, peerings, grants and applications, one function each.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    arm::{AUTHORIZATIONS, Arm, Begun, Beside, NETWORK},
    errors, names,
    plan::Step,
    seen::{Grant, Network, SecurityGroup, Version},
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

impl From<Assignment> for Grant {
    fn from(Assignment { name, properties }: Assignment) -> Self {
        let AssignmentProperties { principal_id, role_definition_id, scope } = properties;
        Self { name, principal: principal_id, role: role_definition_id, scope }
    }
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
        Ok(unless_gone(found)?.unwrap_or_default().into_iter().map(Grant::from).collect())
    }

    /// Whether the role is defined that lets others peer with us.
    pub async fn role(&self) -> Outcome<bool> {
        let found = self.get::<Value>(&names::role_id(&self.account), AUTHORIZATIONS).await;
        Ok(unless_gone(found)?.is_some())
    }

    /// Takes the role away that lets others peer with us, once nobody in the subscription is granted it: the VPCs of
    /// a subscription share it, and one that needs it again defines it again. Its id is made of the subscription and
    /// of nothing that others choose, so that it is ours and no other.
    ///
    /// Called along with every step that may be the last that needed it, and before those that can be repeated.
    ///
    /// # Errors
    /// If Azure has to be asked again. That the console may not delete roles holds nothing up.
    async fn drop_idle_role(&self, wish: &Wish) -> Outcome<()> {
        let dropped = async {
            let subscription = format!("/subscriptions/{}", self.account.subscription);
            let path = format!("{subscription}/providers/Microsoft.Authorization/roleAssignments");
            if !self.role().await? {
                return Ok(());
            }
            // Without a filter, also those of everything in it.
            let granted = self.list::<Assignment>(&path, AUTHORIZATIONS, &[]).await?;
            let role = names::role(&self.account);
            if granted.into_iter().map(Grant::from).any(|grant| grant.is_of(&role)) {
                return Ok(());
            }
            self.delete(wish, &names::role_id(&self.account), AUTHORIZATIONS).await.map(drop)
        };
        match dropped.await {
            Err(failure) if matches!(failure.class, Class::Retry | Class::Unreachable | Class::Credentials) => {
                Err(failure)
            }
            Err(failure) if failure.class != Class::Gone && failure.code != "RoleDefinitionHasAssignments" => {
                tracing::warn!(code = failure.code, reason = failure.message, "the unused role definition stays");
                Ok(())
            }
            _ => Ok(()),
        }
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

    /// The same of a part of a network that may be there already.
    async fn replace(&self, wish: &Wish, path: &str, read: &Version, body: &Value) -> Outcome<Option<Begun>> {
        let beside = Beside { if_match: read.as_read(), ..Beside::default() };
        self.change(Method::PUT, path, NETWORK, beside, (Some(body), wish.now)).await
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
            Step::PutSecurityGroup { rules, kept, version } => {
                let rules: Vec<Value> = rules.iter().map(super::group::Rule::written).chain(kept.clone()).collect();
                let properties = json!({ "securityRules": rules });
                let path = names::security_group_id(account, wish);
                self.replace(wish, &path, version, &tagged(wish, properties)).await
            }
            Step::PutNetwork(version) => {
                let subnet = json!({"name": names::SUBNET, "properties": self.subnet(wish)});
                let properties =
                    json!({"addressSpace": {"addressPrefixes": [wish.cidr.to_string()]}, "subnets": [subnet]});
                self.replace(wish, &network, version, &tagged(wish, properties)).await
            }
            Step::PutSubnet(version) => {
                let path = format!("{network}/subnets/{}", names::SUBNET);
                self.replace(wish, &path, version, &json!({"properties": self.subnet(wish)})).await
            }
            Step::DeleteNetwork => self.delete(wish, &network, NETWORK).await,
            Step::DeleteSecurityGroup => {
                self.drop_idle_role(wish).await?;
                self.delete(wish, &names::security_group_id(account, wish), NETWORK).await
            }
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
                let revoked = self.delete(wish, &names::grant_id(account, wish, *grant), AUTHORIZATIONS).await?;
                self.drop_idle_role(wish).await?;
                Ok(revoked)
            }
            Step::PutPeering { name, remote, tenant, forwards, syncs, version, .. } => {
                let path = format!("{network}/virtualNetworkPeerings/{name}");
                let properties = json!({
                    "remoteVirtualNetwork": {"id": remote},
                    "allowVirtualNetworkAccess": true,
                    "allowForwardedTraffic": forwards,
                    "allowGatewayTransit": false,
                    "useRemoteGateways": false,
                });
                let query: &[_] = if *syncs { &[("syncRemoteAddressSpace", "true")] } else { &[] };
                let beside = Beside { tenant: Some(tenant), query, if_match: version.as_read() };
                let body = json!({ "properties": properties });
                self.change(Method::PUT, &path, NETWORK, beside, (Some(&body), wish.now)).await
            }
            Step::DeletePeering { name, .. } => {
                // Its grant was taken back before, and may have been shown a moment longer.
                self.drop_idle_role(wish).await?;
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
