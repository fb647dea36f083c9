//! What the host of a service's node is told, and what it tells.
//!
//! A node's agent keeps one thing: which packets may reach the ports of its service. Every other
//! port of the host is the operator's own business and is left alone.

use std::{collections::BTreeSet, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::domain::{AddressRange, Cidr, NodeId, ServiceName, gateway::DriftPolicy, tunnel::Unknown};

/// The firewall of one node, as its agent reads it. Default deny: what no rule admits does not reach a guarded port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFirewall {
    pub id: NodeId,
    pub service: ServiceName,
    /// Which of the host's addresses are private: the range of the service's VPC. `None`: the service is in public.
    pub private: Option<Cidr>,
    /// TCP ports of the service.
    pub guarded: BTreeSet<u16>,
    pub rules: Vec<NodeRule>,
    pub drift_policy: DriftPolicy,
    /// As [`crate::domain::tunnel::Interface::repairs`].
    pub repairs: u64,
    /// As [`crate::domain::tunnel::Interface::needs`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub needs: u32,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What is admitted, and counted under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRule {
    /// A lower-case label, unique in its firewall: the name of its counter.
    #[serde(deserialize_with = "label")]
    pub name: String,
    pub to: Destination,
    /// TCP ports, each of them guarded.
    pub ports: BTreeSet<u16>,
    /// Merged, in order; may be thousands.
    pub from: Vec<AddressRange>,
}

/// Which of the host's addresses a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// One in [`NodeFirewall::private`].
    Private,
    /// One outside of it.
    Public,
    /// Either: the public address is translated before the host, so that the two look alike there.
    Any,
}

/// It becomes part of a script, so whatever is no label is no document.
fn label<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if text.is_empty() || text.len() > LABEL || !text.chars().all(allowed) {
        return Err(serde::de::Error::custom("the name of a rule is no label"));
    }
    Ok(text)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde lends it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What a node counted since its firewall was loaded last; the counters restart at zero with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeReport {
    /// By rule; what was dropped is under [`DROPPED`].
    pub counters: Vec<RuleCounter>,
    /// Connection attempts that were refused in the last minutes, at most [`REFUSED_SHOWN`].
    pub refused: Vec<RefusedAttempt>,
}

/// The most characters of a rule's name.
pub const LABEL: usize = 100;
/// The counter of what no rule admitted.
pub const DROPPED: &str = "dropped";
/// How many refused attempts a host remembers.
pub const REFUSED_SHOWN: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCounter {
    pub rule: String,
    pub packets: u64,
    pub bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedAttempt {
    pub from: IpAddr,
    pub port: u16,
    /// Since the host noticed the source first.
    pub packets: u64,
}
