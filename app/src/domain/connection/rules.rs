//! Whether a connection may be asked for, and what to know of one that is there (domain 3.2 to 3.4, 3.8).
//!
//! Asked by the form while a person types and by the server inside the transaction that writes.

use uuid::Uuid;

use super::{ConnectionState, ConnectionType, NewConnection, Peer, PeerCidrs, Sight, Warning, WarningKind, peer};
use crate::domain::{
    Cidr, ConnectionId, Network, Provider, Refusal, Refusals, VpcId,
    network::{ConnectionRange, VpcRange},
    vpc::{NewVpc, VpcState},
};

const CIDRS: &str = "user_peer_network_cidrs";

impl Network {
    pub fn connection(&self, id: ConnectionId) -> Option<&ConnectionRange> {
        self.connections.iter().find(|connection| connection.id == id)
    }

    /// Whether this VPC may get connections at all; the form says it instead of its fields.
    pub fn admit_connections_of(&self, vpc: VpcId) -> Result<&VpcRange, Refusal> {
        let Some(here) = self.vpc(vpc) else {
            return Err(Refusal::conflict("", "This VPC no longer exists."));
        };
        if matches!(here.state, VpcState::Deleting | VpcState::Deleted) {
            return Err(Refusal::conflict("", format!("VPC {} is being deleted.", here.name)));
        }
        if !here.cloud.provider().is_cloud() {
            return Err(peer::another_provider(here.cloud.provider()));
        }
        Ok(here)
    }

    /// Domain 3.2 to 3.4 about a new connection; the formats of its fields are in the parser.
    pub fn admit_connection(&self, vpc: VpcId, new: &NewConnection) -> Result<(), Refusals> {
        let here = self.admit_connections_of(vpc)?;
        let provider = here.cloud.provider();
        if new.peer.provider() != provider {
            return Err(peer::another_provider(provider).into());
        }
        let mut refusals = Vec::new();
        if here.cloud_id.as_deref() == Some(new.peer.vpc()) {
            refusals.push(Refusal::malformed("peer_vpc", "A network cannot be peered with itself."));
        }
        let key = new.peer.key();
        let same = self.connections.iter().find(|one| one.vpc == vpc && one.peer.key() == key);
        refusals.extend(same.map(|same| {
            let sentence = if same.state == ConnectionState::Deleting {
                "The previous peering connection is still being deleted. Try again in a minute.".to_owned()
            } else {
                format!("A peering connection to {} already exists.", new.peer.vpc())
            };
            Refusal::conflict("peer_vpc", sentence)
        }));
        refusals.extend(self.refuse_cidrs(here, None, &new.cidrs));
        Refusals::none_of(refusals)
    }

    /// The same for a connection that is asked for together with its VPC.
    pub fn admit_connection_of_new(&self, vpc: &NewVpc, new: &NewConnection) -> Result<(), Refusals> {
        let id = VpcId::from_uuid(Uuid::nil());
        let mut with = self.clone();
        with.vpcs.push(VpcRange {
            id,
            name: vpc.name.clone(),
            cloud: vpc.cloud.clone(),
            cidr: vpc.cidr,
            state: VpcState::Approved,
            cloud_id: None,
        });
        with.admit_connection(id, new)
    }

    /// Whether these may be the routed ranges of a connection that is there.
    pub fn admit_peer_cidrs(&self, connection: ConnectionId, cidrs: &PeerCidrs) -> Result<(), Refusals> {
        let Some(this) = self.connection(connection) else {
            return Err(Refusal::conflict("", "This peering connection no longer exists.").into());
        };
        let here = self.admit_connections_of(this.vpc)?;
        if !this.state.is_live() {
            let sentence = if this.state == ConnectionState::Deleting {
                "This peering connection is being deleted.".to_owned()
            } else {
                format!(
                    "This peering connection is closed ({}). Delete it and create a new one.",
                    this.state.word().to_lowercase()
                )
            };
            return Err(Refusal::conflict("", sentence).into());
        }
        Refusals::none_of(self.refuse_cidrs(here, Some(connection), cidrs))
    }

    fn refuse_cidrs(&self, vpc: &VpcRange, own: Option<ConnectionId>, cidrs: &PeerCidrs) -> Vec<Refusal> {
        let others = || self.connections.iter().filter(|one| one.vpc == vpc.id && Some(one.id) != own);
        let gateway = self.gateways.iter().find(|gateway| gateway.vpc == vpc.id);
        let refuse = |range: Cidr| {
            if range.overlaps(vpc.cidr) {
                return Some(overlap(Provider::Local, range, vpc.cidr));
            }
            // The API deletes by the range alone, so a range belongs to one connection.
            if let Some(taken) = others().find(|one| one.routes() && one.user.contains(&range)) {
                return Some(format!("{range} is already routed through connection {}.", taken.peer.vpc()));
            }
            // A VPN gateway in this VPC routes too, and the VPC has one routing table.
            let gateway = gateway?;
            if gateway.tunnel.overlaps(range) {
                return Some(format!(
                    "{range} overlaps with the tunnel subnet {} of gateway {}.",
                    gateway.tunnel, gateway.name
                ));
            }
            let taken = self.routed.iter().find(|one| one.gateway == gateway.id && one.cidr.overlaps(range))?;
            Some(format!("{range} is already routed by peer {} on gateway {}.", taken.peer_name, gateway.name))
        };
        cidrs.iter().filter_map(refuse).map(|sentence| Refusal::conflict(CIDRS, sentence)).collect()
    }

    /// What a person should know before asking anyway: domain 3.2, the last row, and 3.8.
    pub fn new_connection_warnings(&self, vpc: VpcId, new: &NewConnection) -> Vec<Warning> {
        self.warnings_of(vpc, None, new.peer.kind(), &new.cidrs.iter().collect::<Vec<_>>())
    }

    /// What is to be known of a connection that is there.
    pub fn connection_warnings(&self, id: ConnectionId) -> Vec<Warning> {
        let Some(this) = self.connection(id).filter(|this| this.routes()) else { return Vec::new() };
        let ranges: Vec<Cidr> = this.ranges().collect();
        self.warnings_of(this.vpc, Some(id), this.peer.kind(), &ranges)
    }

    fn warnings_of(
        &self,
        vpc: VpcId,
        own: Option<ConnectionId>,
        kind: ConnectionType,
        ranges: &[Cidr],
    ) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let others = self.connections.iter().filter(|one| one.vpc == vpc && Some(one.id) != own && one.routes());
        for other in others {
            // One sentence per other connection: its first range says enough.
            let shared = ranges.iter().find(|range| other.ranges().any(|theirs| theirs.overlaps(**range)));
            if let Some(range) = shared {
                let message = format!(
                    "The peer range {range} is also used by connection {}. Traffic goes to only one of them.",
                    other.peer.vpc()
                );
                warnings.push(conflicting(other, Warning::new(WarningKind::OverlappingPeerVpcIpRanges, message)));
            }
        }
        if kind == ConnectionType::AwsTgwVpcAttachment && ranges.is_empty() {
            let message = "Add at least one peer network range: nothing is routed yet.";
            warnings.push(Warning::new(WarningKind::NoPeerNetworkRanges, message));
        }
        warnings
    }
}

fn conflicting(other: &ConnectionRange, mut warning: Warning) -> Warning {
    if let Peer::AwsVpc { account, vpc, .. } = &other.peer {
        warning.conflicting_aws_account_id = Some(account.to_string());
        warning.conflicting_aws_vpc_id = Some(vpc.to_string());
        warning.conflicting_aws_vpc_peering_connection_id = other.cloud_id.clone();
    }
    warning
}

/// Domain 3.2, and 3.4 in UpCloud's words.
pub fn overlap(provider: Provider, peer: Cidr, vpc: Cidr) -> String {
    let whose = if provider == Provider::UpCloud { "UpCloud" } else { "peer" };
    format!("The {whose} network {peer} overlaps with the VPC range {vpc}.")
}

/// What the console may read of an UpCloud network, if it is in the same account (domain 3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpCloudNetwork {
    pub id: String,
    /// `private`, `utility`, `public`.
    pub kind: Option<String>,
    pub zone: Option<String>,
    pub ranges: Vec<Cidr>,
}

impl UpCloudNetwork {
    pub(super) fn of(id: &str, sight: &Sight) -> Self {
        Self {
            id: id.to_owned(),
            kind: sight.details.get("peer_network_type").cloned(),
            zone: sight.details.get("peer_zone").cloned(),
            ranges: sight.peer_ranges.clone().unwrap_or_default(),
        }
    }

    /// Why it cannot be peered with a VPC in this zone and with this range.
    pub fn refusal(&self, zone: &str, vpc: Cidr) -> Option<Refusal> {
        let refuse = |sentence: String| Some(Refusal::malformed("peer_vpc", sentence));
        if let Some(kind) = self.kind.as_deref().filter(|kind| *kind != "private") {
            return refuse(format!("Only networks of type private can be peered. {} is of type {kind}.", self.id));
        }
        if let Some(theirs) = self.zone.as_deref().filter(|theirs| *theirs != zone) {
            return refuse(format!(
                "The UpCloud network is in zone {theirs}; the VPC is in zone {zone}. Both must be in the same zone."
            ));
        }
        let range = self.ranges.iter().find(|range| range.overlaps(vpc))?;
        Some(Refusal::conflict("peer_vpc", overlap(Provider::UpCloud, *range, vpc)))
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
