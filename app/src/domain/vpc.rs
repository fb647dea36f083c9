//! Virtual private clouds: what is asked for and what is shown.

use serde::{Deserialize, Serialize};

use super::{
    Cidr, CloudName, GatewayName, Refusal, Refusals, Timestamp, VpcId, VpcName, gateway::GatewayBrief, refusal::Parse,
};

/// What a person asks for. CIDR and location never change afterwards (domain 3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewVpc {
    pub name: VpcName,
    pub cloud: CloudName,
    pub cidr: Cidr,
}

impl NewVpc {
    /// Fields `name`, `cloud` and `cidr` of the form.
    pub fn parse(name: &str, cloud: &str, cidr: &str) -> Result<Self, Refusals> {
        let mut parse = Parse::default();
        let name = parse.field("name", name);
        let cloud = parse.field("cloud", cloud);
        let cidr = parse.field("cidr", cidr);
        parse.done()?;
        Ok(Self {
            name: name.expect("nothing was refused"),
            cloud: cloud.expect("nothing was refused"),
            cidr: cidr.expect("nothing was refused"),
        })
    }
}

/// Ranges that the form offers (domain 3.1): a range and what it is good for.
pub const SUGGESTIONS: [Cidr; 3] =
    [Cidr::literal([10, 0, 0, 0], 24), Cidr::literal([10, 1, 0, 0], 23), Cidr::literal([192, 168, 0, 0], 24)];

/// The states of domain 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VpcState {
    Approved,
    Active,
    Deleting,
    Deleted,
}

impl VpcState {
    /// The badge: sentence case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approved => "Approved",
            Self::Active => "Active",
            Self::Deleting => "Deleting",
            Self::Deleted => "Deleted",
        }
    }

    /// As the API and the database write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::Active => "ACTIVE",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Approved, Self::Active, Self::Deleting, Self::Deleted].into_iter().find(|state| state.as_str() == text)
    }
}

/// A VPC as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    pub id: VpcId,
    pub name: VpcName,
    pub cloud: CloudName,
    /// The location's name, such as "Oslo".
    pub place: String,
    pub cidr: Cidr,
    pub state: VpcState,
    pub created_at: Timestamp,
    /// The VPN gateway of this VPC, if it has one.
    pub gateway: Option<GatewayBrief>,
    /// The VPC peerings of its gateway.
    pub peerings: Vec<super::peering::Peering>,
}

impl Vpc {
    /// Why it cannot be deleted now; the button says it, and the server answers with it.
    pub fn deletion_refusal(&self) -> Option<Refusal> {
        self.gateway.as_ref().map(|gateway| Self::held_by(&self.name, &gateway.name))
    }

    pub fn held_by(name: &VpcName, gateway: &GatewayName) -> Refusal {
        Refusal::conflict("", format!("VPC {name} has VPN gateway {gateway}. Delete the gateway first."))
    }

    /// The sentence under the badge (domain 2.1).
    pub fn sentence(&self) -> &'static str {
        match self.state {
            VpcState::Approved => "The network is being created. This usually takes a few minutes.",
            VpcState::Active if self.gateway.is_none() => "Declared; no gateway yet.",
            VpcState::Active => "Ready. New services and peering connections can use this VPC.",
            VpcState::Deleting => "Deleting peering connections and the network.",
            VpcState::Deleted => "Deleted.",
        }
    }
}
