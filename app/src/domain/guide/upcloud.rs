//! UpCloud: the reverse peering, in the Control Panel or by the API, and fresh DHCP leases (domain 4.5).

use super::{Draft, Drawn, Identifier, Part, Stage, quote, some};

/// Shown before the form is sent (domain 3.4).
pub const TRUST: &str = "Peer only with accounts and networks that you trust: all traffic between the two networks is allowed and the UpCloud server firewall does not filter private networks.";

/// Servers that were there before the peering have no route until their lease is renewed.
const LEASES: &str = "Servers that were created before the peering have no route to the VPC until their DHCP lease is renewed. Run both commands on each of them:";

/// What renews the lease of a network interface.
pub fn dhcp_commands(interface: &str) -> [String; 2] {
    let interface = quote(some(interface).unwrap_or("<NIC>"));
    [format!("dhclient -r {interface}"), format!("dhclient {interface}")]
}

pub fn peering(draft: &Draft<'_>) -> Drawn {
    let ours = draft.ours;
    let network = draft.learnt("to_network_uuid").or(ours.cloud_id.as_deref());
    let cidr = ours.cidr.to_string();
    let identifier = |label, value: Option<&str>| Identifier { label, value: value.map(str::to_owned) };
    let identifiers = vec![
        identifier("Causeway network ID", network),
        identifier("Zone", Some(&ours.region)),
        identifier("VPC CIDR", Some(&cidr)),
    ];
    let yours = some(&draft.form.peer_vpc).unwrap_or("<UUID of your network>");
    let body = serde_json::json!({
        "network_peering": {
            "configured_status": "active",
            "name": draft.name(),
            "network": { "uuid": yours },
            "peer_network": { "uuid": network.unwrap_or("<Causeway network ID>") },
        }
    });
    let request =
        format!("POST /1.3/network-peering HTTP/1.1\nHost: api.upcloud.com\nContent-Type: application/json\n\n{body}");
    let curl = format!(
        "curl -H \"Authorization: Bearer $UPCLOUD_TOKEN\" -H 'Content-Type: application/json' -d {} https://api.upcloud.com/1.3/network-peering",
        quote(&body.to_string())
    );
    let panel = vec![
        Part::text(
            "Network, Peering, Create network peering. Any name; source network: yours; target UUID: the Causeway network ID.",
        ),
        Part::value("Target UUID", network),
    ];
    let api = vec![
        Part::command(request),
        Part::noted(curl, "201 with \"state\": \"pending-peer\" while only one side exists"),
        Part::Table { columns: &["Attribute", "Accepted values", "Default", "Required"], rows: ATTRIBUTES },
        Part::Table { columns: &["Status", "Code", "What to do"], rows: ERRORS },
    ];
    let [release, renew] = dhcp_commands("");
    let steps = vec![
        draft.step(
            Stage::Typing,
            "Name your network",
            draft.typed(&["peer_vpc"]),
            vec![Part::text(format!(
                "Control Panel: Network, Private networks; the UUID under the network's name. It has to be of type private, in zone {}, apart from {cidr}, and needs a router.",
                ours.region
            ))],
        ),
        draft.sending(),
        draft.step(
            Stage::Theirs,
            "Create the peering from your side",
            vec![Part::value("Causeway network ID", network)],
            vec![
                Part::Ways(vec![("Control Panel", panel), ("API", api)]),
                Part::noted("upctl network-peering list", "shows UUID, Name, Network, Peer Network, Status"),
            ],
        ),
        draft.step(
            Stage::Up,
            "Renew the leases of your servers",
            Vec::new(),
            vec![Part::text(LEASES), Part::command(format!("{release}\n{renew}"))],
        ),
    ];
    (identifiers, steps, vec![TRUST.to_owned()])
}

const ATTRIBUTES: &[&[&str]] = &[
    &["configured_status", "active, disabled", "active", "no"],
    &["name", "1 to 255 characters", "", "yes"],
    &["network.uuid", "UUID of your network", "", "yes"],
    &["peer_network.uuid", "UUID of the network to peer with", "", "yes"],
];

const ERRORS: &[&[&str]] = &[
    &["404", "NETWORK_NOT_FOUND", "Your network does not exist in this account. Check network.uuid."],
    &["404", "PEER_NETWORK_NOT_FOUND", "The other network does not exist. Copy the Causeway network ID again."],
    &["409", "LOCAL_NETWORK_NO_ROUTER", "Your network has no router. Attach one and send the request again."],
    &["409", "PEERING_CONFLICT", "There is a peering between these networks already. Look for it in Network, Peering."],
];
