//! Every path of the console as a function, so that a link is checked by the compiler.

use crate::domain::{
    AccountId, Cidr, ConnectionId, GatewayId, NodeId, PeerId, ProjectName, Provider, ServiceId, VpcId,
    access::choice::Trail,
};

/// Sends people to their first project.
pub const HOME: &str = "/";
pub const SIGN_IN: &str = "/signin";
pub const SET_UP: &str = "/setup";

macro_rules! project_pages {
    ($($(#[$doc:meta])* $name:ident => $path:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name(project: &ProjectName) -> String {
            format!(concat!("/projects/{}", $path), project)
        }
    )*};
}

project_pages! {
    overview => "";
    map => "/map";
    /// The ways to a service, compared.
    networking => "/networking";
    vpcs => "/vpcs";
    vpc_new => "/vpcs/new";
    services => "/services";
    service_new => "/services/new";
    peerings => "/peerings";
    gateways => "/gateways";
    gateway_new => "/gateways/new";
    peers => "/peers";
    planner => "/planner";
    /// The list of ranges on the planner's page, where a new one appears.
    planner_ranges => "/planner#h-ranges";
    /// What the palette answers, as a page.
    find => "/find";
    changes => "/changes";
    reconcilers => "/reconcilers";
    settings => "/settings";
    /// The certificate of the project's CA as a download (plain HTTP, not a page).
    ca_pem => "/ca.pem";
    /// The organization's accounts in the clouds.
    accounts => "/accounts";
    account_new => "/accounts/new";
}

/// The same with questions answered, at the questions.
pub fn networking_for(project: &ProjectName, trail: &Trail) -> String {
    format!("/projects/{project}/networking?for={trail}#h-choose")
}

/// The form for a VPC, with a range to begin with.
pub fn vpc_new_with(project: &ProjectName, range: Cidr) -> String {
    format!("/projects/{project}/vpcs/new?cidr={range}")
}

/// The form for a gateway, with its VPC chosen.
pub fn gateway_new_in(project: &ProjectName, vpc: VpcId) -> String {
    format!("/projects/{project}/gateways/new?vpc={vpc}")
}

pub fn vpc(project: &ProjectName, id: VpcId) -> String {
    format!("/projects/{project}/vpcs/{id}")
}

pub fn vpc_delete(project: &ProjectName, id: VpcId) -> String {
    format!("/projects/{project}/vpcs/{id}/delete")
}

/// Asking for a peering connection of a cloud VPC.
pub fn connection_new(project: &ProjectName, vpc: VpcId) -> String {
    format!("/projects/{project}/vpcs/{vpc}/connections/new")
}

pub fn connection(project: &ProjectName, vpc: VpcId, id: ConnectionId) -> String {
    format!("/projects/{project}/vpcs/{vpc}/connections/{id}")
}

pub fn connection_delete(project: &ProjectName, vpc: VpcId, id: ConnectionId) -> String {
    format!("/projects/{project}/vpcs/{vpc}/connections/{id}/delete")
}

pub fn account_edit(project: &ProjectName, id: AccountId) -> String {
    format!("/projects/{project}/accounts/{id}")
}

/// The peer's account in a simulated cloud.
pub fn other_side(project: &ProjectName, provider: Provider) -> String {
    other_side_of(project, provider.as_str())
}

pub fn other_side_of(project: &ProjectName, cloud: &str) -> String {
    format!("/projects/{project}/other-side/{cloud}")
}

pub fn other_side_in(project: &ProjectName, provider: Provider, region: &str) -> String {
    let path = other_side(project, provider);
    // Regions are the cloud's own names: letters, digits and hyphens. Another text is none.
    let named = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if named { format!("{path}?region={region}") } else { path }
}

pub fn account_delete(project: &ProjectName, id: AccountId) -> String {
    format!("/projects/{project}/accounts/{id}/delete")
}

pub fn service(project: &ProjectName, id: ServiceId) -> String {
    format!("/projects/{project}/services/{id}")
}

macro_rules! service_pages {
    ($($(#[$doc:meta])* $name:ident => $path:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name(project: &ProjectName, id: ServiceId) -> String {
            format!(concat!("/projects/{}/services/{}", $path), project, id)
        }
    )*};
}

service_pages! {
    /// Who may reach it, rule by rule.
    service_firewall => "/firewall";
    /// Cloud and network, and what can be done there.
    service_settings => "/settings";
    /// Public and private access of its components.
    service_access => "/settings/access";
    service_ip_filter => "/settings/ip-filter";
    /// Where it may go.
    service_migrate => "/settings/migrate";
    /// Which hosts move where, and how far they are.
    service_migration => "/migration";
    service_switch => "/migration/switch";
    service_return => "/migration/return";
    service_finish => "/migration/finish";
    service_delete => "/delete";
    /// The list of its certificates, on its page.
    service_certificates => "#h-certificates";
    service_certificate_new => "/certificates/new";
    /// The records of its names as a download (plain HTTP, not a page).
    service_zone => "/zone.txt";
}

/// A certificate of it with the CA's as a download (plain HTTP, not a page).
pub fn service_certificate(project: &ProjectName, id: ServiceId, serial: &str) -> String {
    format!("/projects/{project}/services/{id}/certificates/{serial}.pem")
}

pub fn node(project: &ProjectName, service: ServiceId, id: NodeId) -> String {
    format!("/projects/{project}/services/{service}/nodes/{id}")
}

pub fn node_remove(project: &ProjectName, service: ServiceId, id: NodeId) -> String {
    format!("/projects/{project}/services/{service}/nodes/{id}/remove")
}

/// Taking the credential of a node's agent away.
pub fn node_revoke(project: &ProjectName, service: ServiceId, id: NodeId) -> String {
    format!("/projects/{project}/services/{service}/nodes/{id}/revoke")
}

pub fn gateway(project: &ProjectName, id: GatewayId) -> String {
    format!("/projects/{project}/gateways/{id}")
}

macro_rules! gateway_pages {
    ($($(#[$doc:meta])* $name:ident => $path:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name(project: &ProjectName, id: GatewayId) -> String {
            format!(concat!("/projects/{}/gateways/{}", $path), project, id)
        }
    )*};
}

gateway_pages! {
    /// Where the enrolment text is issued.
    gateway_enrol => "/enrol";
    gateway_settings => "/settings";
    /// Taking the agent's credential away.
    gateway_revoke => "/revoke";
    gateway_delete => "/delete";
    /// Create VPC Peering.
    peering_new => "/peerings/new";
    road_warrior_new => "/peers/new";
    site_new => "/peers/new-site";
}

pub fn peer(project: &ProjectName, gateway: GatewayId, id: PeerId) -> String {
    format!("/projects/{project}/gateways/{gateway}/peers/{id}")
}

pub fn peer_delete(project: &ProjectName, gateway: GatewayId, id: PeerId) -> String {
    format!("/projects/{project}/gateways/{gateway}/peers/{id}/delete")
}

/// The configuration as a download (plain HTTP, not a page): of a road warrior its file, of a site its export.
pub fn peer_file(project: &ProjectName, gateway: GatewayId, id: PeerId) -> String {
    format!("/projects/{project}/gateways/{gateway}/peers/{id}/file")
}

/// A path on this console and nowhere else: what a sign-in may go on to.
pub fn local_path(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let local = bytes.first() == Some(&b'/')
        && !matches!(bytes.get(1), Some(b'/' | b'\\'))
        && text.len() <= 2048
        && bytes.iter().all(|byte| (0x21..0x7f).contains(byte) && *byte != b'\\');
    local.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_console_is_gone_on_to() {
        assert_eq!(local_path("/projects/a/vpcs?x=1"), Some("/projects/a/vpcs?x=1"));
        for text in ["", "https://example.com", "//example.com", "/\\example.com", "/a\r\nSet-Cookie: x", "vpcs"] {
            assert_eq!(local_path(text), None, "{text}");
        }
    }
}
