//! What things are called in Azure. Names are keys there, so that a second request finds what the first one made.

use uuid::Uuid;

use super::AzureAccount;
use crate::{ConnectionWish, Peer, Wish};

pub const SUBNET: &str = "default";

/// What the other side's application may do with our network, and nothing else.
pub const PEER_ACTION: &str = "Microsoft.Network/virtualNetworks/peer/action";

fn short(id: Uuid) -> String {
    id.simple().to_string()[20..].to_owned()
}

/// Of the network and of its security group.
pub fn network(wish: &Wish) -> String {
    format!("causeway-{}", short(wish.id))
}

pub fn group_path(account: &AzureAccount) -> String {
    format!("/subscriptions/{}/resourceGroups/{}", account.subscription, account.resource_group)
}

pub fn network_id(account: &AzureAccount, wish: &Wish) -> String {
    format!("{}/providers/Microsoft.Network/virtualNetworks/{}", group_path(account), network(wish))
}

pub fn security_group_id(account: &AzureAccount, wish: &Wish) -> String {
    format!("{}/providers/Microsoft.Network/networkSecurityGroups/{}", group_path(account), network(wish))
}

/// The peer's network and tenant.
pub fn peer(connection: &ConnectionWish) -> Option<(String, &str)> {
    let Peer::Azure { subscription, resource_group, network, tenant, .. } = &connection.peer else { return None };
    let id = format!(
        "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.Network/virtualNetworks/{network}"
    );
    Some((id, tenant))
}

/// The application that may peer with us.
pub fn application(connection: &ConnectionWish) -> Option<&str> {
    match &connection.peer {
        Peer::Azure { app, .. } => Some(app),
        _ => None,
    }
}

/// The role assignment by which an application may peer with a network: one, however many connections use it.
pub fn grant(vpc: Uuid, application: &str) -> Uuid {
    derived(&format!("causeway grant {vpc} {}", application.to_lowercase()))
}

/// The role in a subscription.
pub fn role(account: &AzureAccount) -> Uuid {
    derived(&format!("causeway role {}", account.subscription.to_lowercase()))
}

pub fn role_id(account: &AzureAccount) -> String {
    let (subscription, role) = (&account.subscription, role(account));
    format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}")
}

pub fn grant_id(account: &AzureAccount, wish: &Wish, grant: Uuid) -> String {
    format!("{}/providers/Microsoft.Authorization/roleAssignments/{grant}", network_id(account, wish))
}

/// The same id for the same text, for ever: a request that comes twice makes one thing.
fn derived(text: &str) -> Uuid {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Azure compares ids without case.
pub fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_one_for_an_application_and_a_network() {
        let (alpha, beta) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let app = "0AF12345-0000-4000-8000-00000000000B";
        assert_eq!(grant(alpha, app), grant(alpha, &app.to_lowercase()));
        assert_ne!(grant(alpha, app), grant(beta, app));
        assert_eq!(grant(alpha, app).get_version_num(), 8);
    }
}
