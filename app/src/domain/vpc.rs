//! Virtual private clouds: what is asked for and what is shown.
//!
//! A local VPC is somebody's existing network: declaring it makes it. A cloud VPC is made by the console, and
//! [`transition`] says how it moves (domain 2.1).

pub mod transition;

use serde::{Deserialize, Serialize};

use super::{
    Cidr, CloudName, GatewayName, Provider, Refusal, Refusals, ServiceId, ServiceName, Timestamp, VpcId, VpcName,
    connection::{Connection, ConnectionState},
    gateway::GatewayBrief,
    refusal::Parse,
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
    /// What a new VPC begins with.
    pub fn at_first(provider: Provider) -> Self {
        if provider.is_cloud() { Self::Approved } else { Self::Active }
    }

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
    /// The peering connections of a cloud VPC, by peer; deleted ones are left out.
    pub connections: Vec<Connection>,
    /// The services that are in it, or still leave it.
    pub services: Vec<Tenant>,
    /// Why the cloud has not made or removed it yet.
    pub build_error: Option<BuildError>,
    /// A refresh of its connections was asked for and is not done (`pending_build_only_peering_connections`).
    pub refresh_pending: bool,
    /// What the cloud calls the network, once it is there.
    pub cloud_id: Option<String>,
    /// Whether a look-alike answers for its cloud: no packets.
    pub simulated: bool,
}

/// A service in a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    pub id: ServiceId,
    pub name: ServiceName,
    /// It was moved out or deleted, and a host of it has not let go yet.
    pub leaving: bool,
}

/// The last failure to make or remove a cloud network, and when it is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildError {
    pub message: String,
    pub retry_at: Timestamp,
}

/// Shown while a cloud VPC has no connection (domain 2.1, checklist 23).
pub const NO_CONNECTION: &str = "No peering connection yet: nothing can reach services in this VPC.";

/// Beside "Refresh VPC connections" (checklist 43).
pub const REFRESH_NOTE: &str = "Changes in a peer network, such as a new subnet, may take up to 24 hours to be picked up automatically. Wait 24 hours before you refresh by hand.";

impl Vpc {
    pub fn provider(&self) -> Provider {
        self.cloud.provider()
    }

    /// Why it cannot be deleted now; the button says it, and the server answers with it.
    pub fn deletion_refusal(&self) -> Option<Refusal> {
        let gateway = || self.gateway.as_ref().map(|gateway| Self::held_by(&self.name, &gateway.name));
        Self::occupied_by(self.id, &self.services).or_else(gateway)
    }

    pub fn held_by(name: &VpcName, gateway: &GatewayName) -> Refusal {
        Refusal::conflict("", format!("VPC {name} has VPN gateway {gateway}. Delete the gateway first."))
    }

    /// Why a VPC with services in it cannot go (domain 3.5).
    pub fn occupied_by(id: VpcId, services: &[Tenant]) -> Option<Refusal> {
        let names: Vec<&str> =
            services.iter().filter(|service| !service.leaving).map(|service| service.name.as_str()).collect();
        let sentence = match (names.as_slice(), services) {
            ([], []) => return None,
            ([], [leaving, ..]) => {
                format!("Service {} is still leaving the VPC. Try again in a few minutes.", leaving.name)
            }
            (names, _) => format!("VPC {id} still has services: {}. Migrate or delete them first.", names.join(", ")),
        };
        Some(Refusal::conflict("", sentence))
    }

    /// Why nothing can be built in it yet (domain 2.1).
    pub fn not_active(&self) -> Option<Refusal> {
        let sentence = format!("Project VPC {} is in state {}, not ACTIVE", self.id, self.state.as_str());
        (self.state != VpcState::Active).then(|| Refusal::conflict("", sentence))
    }

    /// The sentence under the badge (domain 2.1).
    pub fn sentence(&self) -> String {
        let local = !self.provider().is_cloud();
        match (self.state, &self.build_error) {
            (VpcState::Approved, Some(error)) => error.sentence("Creation failed"),
            (VpcState::Approved, None) => {
                format!("Creating the network in {}. This usually takes a few minutes.", self.place)
            }
            (VpcState::Active, _) if local && self.gateway.is_none() => "Declared; no gateway yet.".to_owned(),
            (VpcState::Active, Some(error)) => error.sentence("The last look at the network failed"),
            (VpcState::Active, None) => "Ready. New services and peering connections can use this VPC.".to_owned(),
            (VpcState::Deleting, Some(error)) => error.sentence("Deleting is held up"),
            (VpcState::Deleting, None) => "Deleting peering connections and the network.".to_owned(),
            (VpcState::Deleted, _) => "Deleted.".to_owned(),
        }
    }

    /// "2 active, 1 pending peer": the connections by state, the best first (domain 6.1).
    pub fn connections_by_state(&self) -> String {
        let order = [
            ConnectionState::Active,
            ConnectionState::PendingPeer,
            ConnectionState::ApprovedPeerRequested,
            ConnectionState::Approved,
            ConnectionState::Error,
            ConnectionState::InvalidSpecification,
            ConnectionState::RejectedByPeer,
            ConnectionState::DeletedByPeer,
            ConnectionState::Deleting,
        ];
        let counted = order.map(|state| (state, self.connections.iter().filter(|one| one.state == state).count()));
        let words = counted.into_iter().filter(|(_, count)| *count > 0);
        words.map(|(state, count)| format!("{count} {}", state.word().to_lowercase())).collect::<Vec<_>>().join(", ")
    }

    /// What deleting it does, a sentence per line (domain 6.1).
    pub fn deletion_consequences(&self) -> Vec<String> {
        if !self.provider().is_cloud() {
            return vec![format!("{} is free again. The network itself stays as it is.", self.cidr)];
        }
        let mut lines = vec![format!("The network {} is deleted in {}.", self.cidr, self.provider())];
        match self.connections.len() {
            0 => {}
            1 => lines.push("Its peering connection is deleted with it.".to_owned()),
            count => lines.push(format!("Its {count} peering connections are deleted with it.")),
        }
        for connection in self.connections.iter().filter(|connection| connection.state == ConnectionState::Active) {
            lines.push(format!(
                "Traffic between {} and {} stops; the side in {} becomes inactive or is deleted.",
                self.name,
                connection.name(),
                self.provider()
            ));
        }
        lines
    }
}

impl BuildError {
    fn sentence(&self, what: &str) -> String {
        format!("{what}: {}. Retrying at {}.", self.message.trim().trim_end_matches('.'), self.retry_at)
    }
}

#[cfg(test)]
#[path = "vpc_tests.rs"]
mod tests;
