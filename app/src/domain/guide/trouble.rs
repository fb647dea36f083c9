//! "Troubleshoot": what to look at, with the connection's own names (checklist 45, domain 3.2).

use super::{Ours, Part, filled, quote, some};
use crate::domain::connection::{Connection, ConnectionState, ConnectionType, Peer, WarningKind};

/// A question and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub title: &'static str,
    pub parts: Vec<Part>,
    /// Whether the state says that this is the one.
    pub likely: bool,
}

/// What a person tests with, as typed; empty until then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    pub host: String,
    pub port: String,
}

/// The three questions, the likely one first.
pub fn trouble(connection: &Connection, ours: &Ours, probe: &Probe) -> Vec<Trouble> {
    let mut all = vec![pending(connection), unreachable(connection, ours, probe), overlap(connection, ours)];
    all.sort_by_key(|trouble| !trouble.likely);
    all
}

fn pending(connection: &Connection) -> Trouble {
    let id = connection.cloud_id();
    let parts = match &connection.peer {
        Peer::AwsVpc { account, vpc, region } => vec![
            Part::text(format!(
                "In AWS, open VPC, Peering connections in {} and look for {}.",
                region.as_ref().map_or("the VPC's region", |region| region.as_str()),
                id.unwrap_or("the request")
            )),
            Part::text(format!("If it is not there: is {account} the account, and {vpc} a VPC of it in that region?")),
            Part::text("If it is there: accept it, then wait a few minutes. A request is given up after 7 days."),
        ],
        Peer::AwsTransitGateway { account, gateway } => vec![
            Part::text(format!(
                "In AWS account {account}, open VPC, Transit gateway attachments and look for {}.",
                id.unwrap_or("the attachment")
            )),
            Part::text(format!(
                "If it is not there: is {gateway} shared with the console's account, in the VPC's region?"
            )),
            Part::text("If it is there: accept it, then wait a few minutes."),
        ],
        Peer::Google { project, network } => vec![
            Part::text(
                "In Google Cloud, open VPC network, VPC network peering. The peering from your side has to name exactly the project ID and the network of the status details.",
            ),
            Part::text(format!(
                "Google does not tell whether project {project} and network {network} exist: check the spelling. The project ID is neither the project's name nor its number."
            )),
            Part::text("Then wait a few minutes: Google makes one peering change per network at a time."),
        ],
        Peer::Azure { vnet, resource_group, .. } => vec![
            Part::text(format!(
                "In Azure, open virtual network {vnet} in resource group {resource_group}, Peerings. A peering to the network of the status details has to be there and say Connected."
            )),
            Part::text(
                "If creating it fails for missing authorization: wait a minute, log in again with both tenants, or redo the role assignment of step 1.",
            ),
            Part::text("If it says Disconnected: delete it there and this connection here, and create both anew."),
        ],
        Peer::UpCloud { network } => vec![
            Part::text(format!(
                "In UpCloud, open Network, Peering. A peering from {network} to the network ID of the status details has to be there and be active."
            )),
            Part::text("Both networks need a router, have to be of type private and in the same zone."),
            Part::command("upctl network-peering list"),
        ],
    };
    let likely = matches!(
        connection.state,
        ConnectionState::PendingPeer | ConnectionState::Approved | ConnectionState::ApprovedPeerRequested
    );
    Trouble { title: "The connection stays pending", parts, likely }
}

fn unreachable(connection: &Connection, ours: &Ours, probe: &Probe) -> Trouble {
    let cidr = ours.cidr;
    let mut parts = vec![match connection.kind() {
        ConnectionType::AwsVpcPeeringConnection => Part::text(format!(
            "Route: every route table of {} whose subnets need access has a route to {cidr} by {}.",
            connection.name(),
            connection.cloud_id().unwrap_or("the peering connection")
        )),
        ConnectionType::AwsTgwVpcAttachment => Part::text(format!(
            "Routes: your VPCs route {cidr} to {}, and its route table leads to {}.",
            connection.name(),
            connection.cloud_id().unwrap_or("the attachment")
        )),
        ConnectionType::GoogleVpcPeering | ConnectionType::AzureVnetPeering => Part::text(format!(
            "Route: the cloud routes {cidr} by itself; check that no route or network appliance of yours takes precedence."
        )),
        ConnectionType::UpcloudVpcPeering => Part::text(format!(
            "Route: servers that were created before the peering have no route to {cidr} until their DHCP lease is renewed."
        )),
    }];
    parts.push(Part::text(format!(
        "Firewall: security groups and firewalls on your side allow outbound TCP to {cidr} on the service's port."
    )));
    match &connection.discovered_peer_cidrs {
        Some(ranges) if !ranges.is_empty() => {
            let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
            parts.push(Part::text(format!(
                "Source: your host's address lies in {}. Another range of your network is picked up by Refresh VPC connections.",
                ranges.join(", ")
            )));
        }
        _ => parts
            .push(Part::text("Source: your host's address lies in a range that is routed through this connection.")),
    }
    parts.push(Part::text(
        "Name: use the service's private host name, and see that it resolves to an address of the VPC.",
    ));
    let host = filled(some(&probe.host), "service host");
    let port = filled(some(&probe.port), "port");
    parts.push(Part::noted(format!("nc -zv {host} {port}"), "\"succeeded\" means that the way is open"));
    Trouble {
        title: "Nothing answers over the active connection",
        parts,
        likely: connection.state == ConnectionState::Active,
    }
}

fn overlap(connection: &Connection, ours: &Ours) -> Trouble {
    let warned =
        connection.state_info.warnings.iter().filter(|one| one.kind == WarningKind::OverlappingPeerVpcIpRanges);
    let mut parts: Vec<Part> = warned.map(|warning| Part::text(warning.message.clone())).collect();
    let told = !parts.is_empty();
    parts.push(Part::text(format!(
        "The range of a VPC never changes. If nothing is in the VPC {}, delete it and create one with a range that {} does not use; the planner shows what is free.",
        quote(&ours.cidr.to_string()),
        connection.name()
    )));
    parts.push(Part::text(
        "Otherwise create a second VPC with another range, peer it, migrate the services to it, and delete the first.",
    ));
    let refused = connection.state == ConnectionState::InvalidSpecification;
    Trouble { title: "The ranges overlap", parts, likely: told || refused }
}
