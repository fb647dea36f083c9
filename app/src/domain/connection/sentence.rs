//! What a person reads in each state (domain 2.2), with the connection's own names in it.

use super::{Peer, StateInfo};
use crate::domain::{Provider, Timestamp};

pub const APPROVED: &str = "The request is accepted. The console is creating its side of the connection.";
pub const ACTIVE: &str = "The peering connection is active.";
pub const ACCEPTED: &str = "Accepted; AWS is activating it.";
pub const EXPIRED: &str = "Not accepted within 7 days. Delete this connection and create it again.";
pub const DELETED_BY_PEER: &str =
    "The connection was deleted on the peer side. Delete it here; create a new one to reconnect.";
pub const DELETING: &str = "Removing routes and the console side of the connection.";
pub const DELETED: &str = "Deleted.";

pub fn requested(cloud: Provider) -> String {
    format!("The request was sent to {cloud}; waiting for confirmation.")
}

/// Whose turn it is and for what, as far as the identifiers are known.
pub fn pending(peer: &Peer, info: &StateInfo) -> String {
    let known = |key: &str| info.extra.get(key).map_or(String::new(), |id| format!(" {id}"));
    let wait = match peer {
        Peer::AwsVpc { account, .. } => {
            format!(
                "AWS account {account} has not accepted peering connection{} yet.",
                known("aws_vpc_peering_connection_id")
            )
        }
        Peer::AwsTransitGateway { account, gateway } => {
            let attachment = known("aws_tgw_vpc_attachment_id");
            format!("AWS account {account} has not accepted attachment{attachment} to {gateway} yet.")
        }
        Peer::Google { project, network } => format!(
            "Network {network} of project {project} has no matching peering yet. If this stays pending, check that the project ID and the network name are exact."
        ),
        Peer::Azure { vnet, resource_group, .. } => {
            format!("Virtual network {vnet} in resource group {resource_group} has no peering back to this VPC yet.")
        }
        Peer::UpCloud { network } => format!("UpCloud network {network} has no peering back to this VPC yet."),
    };
    format!("{wait} Waiting for you to finish the setup in {}.", peer.provider())
}

pub fn invalid(cloud: Provider, reason: &str) -> String {
    format!(
        "{cloud} refused the request: {}. Correct the details, delete this connection and create it again.",
        bare(reason)
    )
}

pub fn rejected(peer: &Peer) -> String {
    format!("The request was rejected in account {}. Delete it and create a new one.", peer.cloud_account())
}

pub fn error(reason: &str) -> String {
    format!("Temporary problem on the console side: {}. It will be retried.", bare(reason))
}

/// Deleting goes on, and this is why it takes long.
pub fn deleting_despite(cloud: Provider, reason: &str) -> String {
    format!("{DELETING} {cloud} does not let it happen yet: {}. It will be retried.", bare(reason))
}

/// It may be right already and only not be seen yet.
pub fn patience(reason: &str, why: &str, until: Timestamp) -> String {
    format!("{}. {why}; retrying until {until}.", bare(reason))
}

/// Without the full stop that the sentence around it brings.
fn bare(reason: &str) -> &str {
    reason.trim().trim_end_matches('.')
}
