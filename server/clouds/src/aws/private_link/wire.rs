//! The XML of Elastic Load Balancing, and EC2's of endpoint services, as far as the driver reads it.

use serde::{Deserialize, de::DeserializeOwned};

use crate::aws::wire::{DnsEntry, Set, Tags};

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Members<T> {
    #[serde(default = "Vec::new")]
    pub member: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { member: Vec::new() }
    }
}

/// One page of any `Describe...` call of Elastic Load Balancing.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub struct Described<T> {
    #[serde(
        alias = "DescribeListenersResult",
        alias = "DescribeLoadBalancerAttributesResult",
        alias = "DescribeLoadBalancersResult",
        alias = "DescribeTargetGroupsResult",
        alias = "DescribeTargetHealthResult"
    )]
    pub result: Listed<T>,
}

#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub struct Listed<T> {
    #[serde(
        default,
        alias = "Attributes",
        alias = "Listeners",
        alias = "LoadBalancers",
        alias = "TargetGroups",
        alias = "TargetHealthDescriptions"
    )]
    pub members: Members<T>,
    #[serde(default, rename = "NextMarker")]
    pub next_marker: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Balancer {
    pub load_balancer_arn: String,
    pub load_balancer_name: String,
    pub vpc_id: String,
    pub state: BalancerState,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct BalancerState {
    pub code: String,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Attribute {
    pub key: String,
    pub value: String,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct TargetGroup {
    pub target_group_arn: String,
    pub target_group_name: String,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Listener {
    pub listener_arn: String,
    pub port: u16,
    pub default_actions: Members<Action>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Action {
    pub target_group_arn: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Health {
    pub target: Target,
    pub target_health: TargetHealth,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct Target {
    pub id: String,
    pub port: u16,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub struct TargetHealth {
    pub state: String,
}

/// An endpoint service, for its owner.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    pub service_id: String,
    pub service_name: String,
    pub service_state: String,
    pub supported_region_set: Set<SupportedRegion>,
    pub tag_set: Tags,
}

impl Service {
    /// On its way out, or gone and still listed.
    pub fn is_ending(&self) -> bool {
        matches!(self.service_state.as_str(), "Deleting" | "Deleted")
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct SupportedRegion {
    pub region: String,
    pub service_state: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Principal {
    pub principal: String,
}

/// An endpoint of somebody, for the owner of the service.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointConnection {
    pub service_id: String,
    pub vpc_endpoint_id: String,
    pub vpc_endpoint_owner: String,
    pub vpc_endpoint_state: String,
    pub dns_entry_set: Set<DnsEntry>,
}

impl EndpointConnection {
    /// Traffic passes, or soon will.
    pub fn is_live(&self) -> bool {
        let state = self.vpc_endpoint_state.to_ascii_lowercase();
        matches!(state.as_str(), "pendingacceptance" | "pending" | "available")
    }
}

/// Calls about several things succeed although some of them were refused.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Several {
    pub unsuccessful: Set<Unsuccessful>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Unsuccessful {
    pub error: Reason,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reason {
    pub code: String,
    pub message: String,
}
