//! What changed, who did it, and which pages should look again.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// A wake-up says only which topic to read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    Vpcs,
    Gateways,
    Peers,
    Plan,
    People,
    Reconcilers,
    Lab,
    /// Peering connections of cloud VPCs.
    Connections,
    /// Cloud accounts.
    Accounts,
    /// Services, their nodes and who may reach them.
    Services,
}

impl Topic {
    pub const ALL: [Self; 10] = [
        Self::Vpcs,
        Self::Gateways,
        Self::Peers,
        Self::Plan,
        Self::People,
        Self::Reconcilers,
        Self::Lab,
        Self::Connections,
        Self::Accounts,
        Self::Services,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vpcs => "vpcs",
            Self::Gateways => "gateways",
            Self::Peers => "peers",
            Self::Plan => "plan",
            Self::People => "people",
            Self::Reconcilers => "reconcilers",
            Self::Lab => "lab",
            Self::Connections => "connections",
            Self::Accounts => "accounts",
            Self::Services => "services",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == text)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The names of domain 1.14, and ours in the same hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    ProjectVpcCreate,
    ProjectVpcDelete,
    VpnGatewayCreate,
    VpnGatewayUpdate,
    VpnGatewayDelete,
    VpnGatewayEnrolmentToken,
    VpnGatewayEnrol,
    VpnGatewayCredentialRotate,
    VpnGatewayCredentialRevoke,
    VpnGatewayStateChange,
    VpnGatewayRepair,
    VpnPeerCreate,
    VpnPeerUpdate,
    VpnPeerDelete,
    VpnPeeringCreate,
    VpnPeeringDelete,
    VpnPeeringStateChange,
    VpnConfigDownload,
    PlannedNetworkCreate,
    PlannedNetworkDelete,
    AdministratorCreate,
    PersonCreate,
    PasswordSet,
    SignIn,
    SignOutEverywhere,
    LabBuild,
    LabRemove,
    ProjectVpcStateChange,
    VpcPeeringConnectionCreate,
    VpcPeeringConnectionDelete,
    VpcPeeringConnectionStateChange,
    VpcPeeringConnectionRebuilt,
    VpcPeeringRefresh,
    UserPeerNetworkCidrUpdate,
    CloudAccountCreate,
    CloudAccountUpdate,
    CloudAccountDelete,
    CloudAccountCheck,
    MasterKeyRotate,
    ProjectCaCreate,
    ServiceCertificateIssue,
    ServiceCreate,
    ServiceUpdate,
    ServiceDelete,
    ServiceMigrate,
    ServiceStateChange,
    IpFilterUpdate,
    ServiceNodeCreate,
    ServiceNodeDelete,
    ServiceNodeEnrolmentToken,
    ServiceNodeEnrol,
    ServiceNodeCredentialRotate,
    ServiceNodeCredentialRevoke,
    ServiceNodeStateChange,
    ServiceNodeRepair,
    /// Somebody played the peer of a simulated cloud.
    OtherSideAct,
}

impl ChangeKind {
    pub const ALL: [Self; 56] = [
        Self::ProjectVpcCreate,
        Self::ProjectVpcDelete,
        Self::VpnGatewayCreate,
        Self::VpnGatewayUpdate,
        Self::VpnGatewayDelete,
        Self::VpnGatewayEnrolmentToken,
        Self::VpnGatewayEnrol,
        Self::VpnGatewayCredentialRotate,
        Self::VpnGatewayCredentialRevoke,
        Self::VpnGatewayStateChange,
        Self::VpnGatewayRepair,
        Self::VpnPeerCreate,
        Self::VpnPeerUpdate,
        Self::VpnPeerDelete,
        Self::VpnPeeringCreate,
        Self::VpnPeeringDelete,
        Self::VpnPeeringStateChange,
        Self::VpnConfigDownload,
        Self::PlannedNetworkCreate,
        Self::PlannedNetworkDelete,
        Self::AdministratorCreate,
        Self::PersonCreate,
        Self::PasswordSet,
        Self::SignIn,
        Self::SignOutEverywhere,
        Self::LabBuild,
        Self::LabRemove,
        Self::ProjectVpcStateChange,
        Self::VpcPeeringConnectionCreate,
        Self::VpcPeeringConnectionDelete,
        Self::VpcPeeringConnectionStateChange,
        Self::VpcPeeringConnectionRebuilt,
        Self::VpcPeeringRefresh,
        Self::UserPeerNetworkCidrUpdate,
        Self::CloudAccountCreate,
        Self::CloudAccountUpdate,
        Self::CloudAccountDelete,
        Self::CloudAccountCheck,
        Self::MasterKeyRotate,
        Self::ProjectCaCreate,
        Self::ServiceCertificateIssue,
        Self::ServiceCreate,
        Self::ServiceUpdate,
        Self::ServiceDelete,
        Self::ServiceMigrate,
        Self::ServiceStateChange,
        Self::IpFilterUpdate,
        Self::ServiceNodeCreate,
        Self::ServiceNodeDelete,
        Self::ServiceNodeEnrolmentToken,
        Self::ServiceNodeEnrol,
        Self::ServiceNodeCredentialRotate,
        Self::ServiceNodeCredentialRevoke,
        Self::ServiceNodeStateChange,
        Self::ServiceNodeRepair,
        Self::OtherSideAct,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProjectVpcCreate => "project_vpc_create",
            Self::ProjectVpcDelete => "project_vpc_delete",
            Self::VpnGatewayCreate => "vpn_gateway_create",
            Self::VpnGatewayUpdate => "vpn_gateway_update",
            Self::VpnGatewayDelete => "vpn_gateway_delete",
            Self::VpnGatewayEnrolmentToken => "vpn_gateway_enrolment_token",
            Self::VpnGatewayEnrol => "vpn_gateway_enrol",
            Self::VpnGatewayCredentialRotate => "vpn_gateway_credential_rotate",
            Self::VpnGatewayCredentialRevoke => "vpn_gateway_credential_revoke",
            Self::VpnGatewayStateChange => "vpn_gateway_state_change",
            Self::VpnGatewayRepair => "vpn_gateway_repair",
            Self::VpnPeerCreate => "vpn_peer_create",
            Self::VpnPeerUpdate => "vpn_peer_update",
            Self::VpnPeerDelete => "vpn_peer_delete",
            Self::VpnPeeringCreate => "vpn_peering_create",
            Self::VpnPeeringDelete => "vpn_peering_delete",
            Self::VpnPeeringStateChange => "vpn_peering_state_change",
            Self::VpnConfigDownload => "vpn_config_download",
            Self::PlannedNetworkCreate => "planned_network_create",
            Self::PlannedNetworkDelete => "planned_network_delete",
            Self::AdministratorCreate => "administrator_create",
            Self::PersonCreate => "person_create",
            Self::PasswordSet => "password_set",
            Self::SignIn => "sign_in",
            Self::SignOutEverywhere => "sign_out_everywhere",
            Self::LabBuild => "lab_build",
            Self::LabRemove => "lab_remove",
            Self::ProjectVpcStateChange => "project_vpc_state_change",
            Self::VpcPeeringConnectionCreate => "vpc_peering_connection_create",
            Self::VpcPeeringConnectionDelete => "vpc_peering_connection_delete",
            Self::VpcPeeringConnectionStateChange => "vpc_peering_connection_state_change",
            Self::VpcPeeringConnectionRebuilt => "vpc_peering_connection_rebuilt",
            Self::VpcPeeringRefresh => "vpc_peering_refresh",
            Self::UserPeerNetworkCidrUpdate => "user_peer_network_cidr_update",
            Self::CloudAccountCreate => "cloud_account_create",
            Self::CloudAccountUpdate => "cloud_account_update",
            Self::CloudAccountDelete => "cloud_account_delete",
            Self::CloudAccountCheck => "cloud_account_check",
            Self::MasterKeyRotate => "master_key_rotate",
            Self::ProjectCaCreate => "project_ca_create",
            Self::ServiceCertificateIssue => "service_certificate_issue",
            Self::ServiceCreate => "service_create",
            Self::ServiceUpdate => "service_update",
            Self::ServiceDelete => "service_delete",
            Self::ServiceMigrate => "service_migrate",
            Self::ServiceStateChange => "service_state_change",
            Self::IpFilterUpdate => "ip_filter_update",
            Self::ServiceNodeCreate => "service_node_create",
            Self::ServiceNodeDelete => "service_node_delete",
            Self::ServiceNodeEnrolmentToken => "service_node_enrolment_token",
            Self::ServiceNodeEnrol => "service_node_enrol",
            Self::ServiceNodeCredentialRotate => "service_node_credential_rotate",
            Self::ServiceNodeCredentialRevoke => "service_node_credential_revoke",
            Self::ServiceNodeStateChange => "service_node_state_change",
            Self::ServiceNodeRepair => "service_node_repair",
            Self::OtherSideAct => "other_side_act",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What happened, before the object's name: "VPC created".
    pub fn words(self) -> &'static str {
        match self {
            Self::ProjectVpcCreate => "VPC created",
            Self::ProjectVpcDelete => "VPC deleted",
            Self::VpnGatewayCreate => "VPN gateway created",
            Self::VpnGatewayUpdate => "VPN gateway changed",
            Self::VpnGatewayDelete => "VPN gateway deleted",
            Self::VpnGatewayEnrolmentToken => "Enrolment token issued",
            Self::VpnGatewayEnrol => "Gateway host enrolled",
            Self::VpnGatewayCredentialRotate => "Agent credential rotated",
            Self::VpnGatewayCredentialRevoke => "Agent credential revoked",
            Self::VpnGatewayStateChange => "VPN gateway state",
            Self::VpnGatewayRepair => "Difference on the host put right",
            Self::VpnPeerCreate => "Peer added",
            Self::VpnPeerUpdate => "Peer changed",
            Self::VpnPeerDelete => "Peer deleted",
            Self::VpnPeeringCreate => "VPC peering created",
            Self::VpnPeeringDelete => "VPC peering deleted",
            Self::VpnPeeringStateChange => "VPC peering state",
            Self::VpnConfigDownload => "Configuration downloaded",
            Self::PlannedNetworkCreate => "Planned network added",
            Self::PlannedNetworkDelete => "Planned network removed",
            Self::AdministratorCreate => "Administrator created",
            Self::PersonCreate => "Person created",
            Self::PasswordSet => "Password set, sessions ended",
            Self::SignIn => "Signed in",
            Self::SignOutEverywhere => "Signed out everywhere",
            Self::LabBuild => "Lab network built",
            Self::LabRemove => "Lab network removed",
            Self::ProjectVpcStateChange => "VPC state",
            Self::VpcPeeringConnectionCreate => "Peering connection requested",
            Self::VpcPeeringConnectionDelete => "Peering connection deleted",
            Self::VpcPeeringConnectionStateChange => "Peering connection state",
            Self::VpcPeeringConnectionRebuilt => "Peering connection rebuilt",
            Self::VpcPeeringRefresh => "Refresh of VPC connections asked",
            Self::UserPeerNetworkCidrUpdate => "Peer network ranges changed",
            Self::CloudAccountCreate => "Cloud account added",
            Self::CloudAccountUpdate => "Cloud account changed",
            Self::CloudAccountDelete => "Cloud account removed",
            Self::CloudAccountCheck => "Check of cloud account asked",
            Self::MasterKeyRotate => "Master key changed",
            Self::ProjectCaCreate => "Project CA created",
            Self::ServiceCertificateIssue => "Certificate issued",
            Self::ServiceCreate => "Service created",
            Self::ServiceUpdate => "Service changed",
            Self::ServiceDelete => "Service deleted",
            Self::ServiceMigrate => "Service migration",
            Self::ServiceStateChange => "Service state",
            Self::IpFilterUpdate => "IP filter changed",
            Self::ServiceNodeCreate => "Node added",
            Self::ServiceNodeDelete => "Node removed",
            Self::ServiceNodeEnrolmentToken => "Enrolment token of a node issued",
            Self::ServiceNodeEnrol => "Node enrolled",
            Self::ServiceNodeCredentialRotate => "Credential of a node rotated",
            Self::ServiceNodeCredentialRevoke => "Credential of a node revoked",
            Self::ServiceNodeStateChange => "Node state",
            Self::ServiceNodeRepair => "Difference on a node put right",
            Self::OtherSideAct => "Acted as the other side",
        }
    }
}

/// Fields and their values, without secrets.
pub type Facts = BTreeMap<String, String>;

/// One entry of the event log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Order of commit.
    pub seq: u64,
    pub at: Timestamp,
    /// An e-mail address, or "Automation", or "agent of <gateway>".
    pub actor: String,
    pub kind: ChangeKind,
    pub topic: Topic,
    /// The object's id; `""` if it has none.
    pub object: String,
    pub object_name: String,
    pub before: Facts,
    pub after: Facts,
}

impl Change {
    /// The fields that differ: name, before, after.
    pub fn differences(&self) -> Vec<(String, Option<String>, Option<String>)> {
        let names: std::collections::BTreeSet<&String> = self.before.keys().chain(self.after.keys()).collect();
        names
            .into_iter()
            .map(|name| (name.clone(), self.before.get(name).cloned(), self.after.get(name).cloned()))
            .filter(|(_, before, after)| before != after)
            .collect()
    }
}

/// Which entries to show, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeFilter {
    pub object: Option<String>,
    pub kind: Option<ChangeKind>,
    pub actor: Option<String>,
    /// Only entries before this number.
    pub before: Option<u64>,
    /// At most this many; the console caps it at 200.
    pub limit: u32,
}
