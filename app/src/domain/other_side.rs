//! The other side of a simulated cloud: the peer's own account there, as its owner sees it (clouds 6, rule 3).
//!
//! What can be done is what the vendor's API offers its user; the console only passes it on, signed in as the peer.

use serde::{Deserialize, Serialize};

use super::{Provider, Timestamp};

/// The peer's account in one cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherSide {
    pub provider: Provider,
    /// Where this cloud's API listens, for whoever wants to use a client of their own.
    pub endpoint: String,
    /// What a person on our side is asked for: account, project, tenant …
    pub account: Vec<(String, String)>,
    /// Where it was looked; empty where the cloud has one place only.
    pub region: String,
    pub regions: Vec<String>,
    pub things: Vec<Thing>,
    /// What can be done in the account as a whole.
    pub deeds: Vec<Deed>,
    /// What is to fail on our side, and what can be made to.
    pub rules: Vec<Thing>,
    pub rule_deeds: Vec<Deed>,
    /// When failure rules struck lately, newest first.
    pub uses: Vec<FailureUse>,
}

/// Something that the peer has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// In the cloud's words: "VPC peering connection".
    pub kind: String,
    pub id: String,
    /// In the cloud's words; empty where it has none.
    pub state: String,
    pub facts: Vec<(String, String)>,
    pub deeds: Vec<Deed>,
}

impl Thing {
    /// Unique on the page.
    pub fn key(&self) -> String {
        format!("{} {}", self.kind, self.id)
    }
}

/// One call of the cloud's API that the peer may make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    pub name: String,
    pub label: String,
    pub fields: Vec<DeedField>,
}

impl Deed {
    /// Whether it takes something away.
    pub fn removes(&self) -> bool {
        ["delete", "remove", "reject", "revoke", "detach", "disable"].iter().any(|word| self.name.starts_with(word))
    }
}

/// Whether a deed is about what is to fail, and not the peer's.
pub fn is_rule(deed: &str) -> bool {
    deed == "remove-rule" || deed.starts_with("rule-")
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeedField {
    pub name: String,
    pub label: String,
    /// What stands in the field before anything is typed.
    pub suggestion: String,
}

/// A failure rule struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureUse {
    pub at: Timestamp,
    /// The call, such as `CreateVpc`.
    pub action: String,
}
