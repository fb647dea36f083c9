//! AWS: the accepter's side of a peering connection, and a transit gateway that is shared (domain 4.1, 4.2).

use super::{Draft, Drawn, Identifier, Part, Stage, filled, some};

pub fn peering(draft: &Draft<'_>) -> Drawn {
    let ours = draft.ours;
    let pcx = draft.learnt("aws_vpc_peering_connection_id");
    let account = draft.learnt("requester_account_id").or(ours.identity.as_deref());
    let vpc = draft.learnt("requester_vpc_id").or(ours.cloud_id.as_deref());
    let cidr = ours.cidr.to_string();
    let identifier = |label, value: Option<&str>| Identifier { label, value: value.map(str::to_owned) };
    let identifiers = vec![
        identifier("Peering connection ID", pcx),
        identifier("Requester account", account),
        identifier("Requester VPC ID", vpc),
        identifier("Requester region", Some(&ours.region)),
        identifier("Requester CIDR", Some(&cidr)),
        Identifier { label: "Expires", value: draft.expires().map(|at| at.to_string()) },
    ];
    let region = filled(Some(some(&draft.form.peer_region).unwrap_or(&ours.region)), "region");
    let id = filled(pcx, "peering connection ID");
    let accept = format!("aws ec2 accept-vpc-peering-connection --region {region} --vpc-peering-connection-id {id}");
    let route = format!(
        "aws ec2 create-route --region {region} --route-table-id {} --destination-cidr-block {cidr} --vpc-peering-connection-id {id}",
        filled(None, "route table ID")
    );
    let tables = format!(
        "aws ec2 describe-route-tables --region {region} --filters Name=vpc-id,Values={} --query 'RouteTables[].RouteTableId'",
        filled(some(&draft.form.peer_vpc), "VPC ID")
    );
    let steps = vec![
        draft.step(
            Stage::Typing,
            "Name your network",
            draft.typed(&["peer_cloud_account", "peer_region", "peer_vpc"]),
            vec![Part::text("Find your account ID in the profile menu, and the VPC ID and its region in VPC, Your VPCs.")],
        ),
        draft.sending(),
        draft.step(
            Stage::Theirs,
            "Accept the request",
            vec![Part::value("Peering connection ID", pcx), Part::value("Requester account", account)],
            vec![
                Part::text(
                    "AWS console: VPC, Peering connections, select the peering connection, Actions, Accept request. Check that account and VPC match before you accept. AWS gives the request up after 7 days.",
                ),
                Part::command(accept),
            ],
        ),
        draft.step(
            Stage::Finishing,
            "Add a route to every route table",
            vec![Part::value("VPC CIDR", Some(&cidr))],
            vec![
                Part::text("In every route table whose subnets need access:"),
                Part::noted(tables, "lists your route tables"),
                Part::command(route),
            ],
        ),
        draft.step(
            Stage::Finishing,
            "Let your hosts out",
            Vec::new(),
            vec![
                Part::text(format!(
                    "Security groups: allow outbound TCP to {cidr} on the service's port. A group of its own, outbound only, is easiest to take back."
                )),
                Part::text("Wait a few minutes; the badge becomes Active. After you have added a CIDR to your VPC later, use Refresh VPC connections here."),
            ],
        ),
    ];
    (identifiers, unseen(draft, steps), vec![NOT_TRANSITIVE.to_owned()])
}

const NOT_TRANSITIVE: &str = "Peering is not transitive: networks that your VPC is peered with are not reached through it. For those, attach a transit gateway.";

/// The routes and the security groups are the person's own; they can be made while AWS is at work.
fn unseen(draft: &Draft<'_>, mut steps: Vec<super::Step>) -> Vec<super::Step> {
    if draft.stage == Some(Stage::Up) {
        for step in steps.iter_mut().skip(3) {
            step.progress = super::Progress::Unseen;
        }
    }
    steps
}

pub fn transit_gateway(draft: &Draft<'_>) -> Drawn {
    let ours = draft.ours;
    let attachment = draft.learnt("aws_tgw_vpc_attachment_id");
    let operator = draft.learnt("requester_account_id").or(ours.identity.as_deref());
    let cidr = ours.cidr.to_string();
    let identifier = |label, value: Option<&str>| Identifier { label, value: value.map(str::to_owned) };
    let identifiers = vec![
        identifier("Attachment ID", attachment),
        identifier("Account to share with", operator),
        identifier("VPC ID", draft.learnt("requester_vpc_id").or(ours.cloud_id.as_deref())),
        identifier("Region", Some(&ours.region)),
        identifier("VPC CIDR", Some(&cidr)),
    ];
    let region = filled(Some(&ours.region), "region");
    let (account, gateway) = (some(&draft.form.peer_cloud_account), some(&draft.form.peer_vpc));
    let arn = format!(
        "arn:aws:ec2:{}:{}:transit-gateway/{}",
        ours.region,
        account.unwrap_or("<account ID>"),
        gateway.unwrap_or("<transit gateway ID>")
    );
    let share = format!(
        "aws ram create-resource-share --region {region} --name console-tgw --allow-external-principals --resource-arns {} --principals {}",
        filled(Some(&arn), "ARN"),
        filled(operator, "account of the console")
    );
    let accept = format!(
        "aws ec2 accept-transit-gateway-vpc-attachment --region {region} --transit-gateway-attachment-id {}",
        filled(attachment, "attachment ID")
    );
    let back = format!(
        "aws ec2 create-route --region {region} --route-table-id {} --destination-cidr-block {cidr} --transit-gateway-id {}",
        filled(None, "route table ID"),
        filled(gateway, "transit gateway ID")
    );
    let steps = vec![
        draft.step(
            Stage::Typing,
            "Share the transit gateway",
            vec![Part::value("Account to share with", operator)],
            vec![
                Part::text(format!(
                    "Share the transit gateway with the console's account through AWS Resource Access Manager. It must be in {}.",
                    ours.region
                )),
                Part::command(share),
            ],
        ),
        draft.step(
            Stage::Typing,
            "Name the transit gateway and the networks behind it",
            draft.typed(&["peer_cloud_account", "peer_vpc", "user_peer_network_cidrs"]),
            vec![Part::text("AWS console: VPC, Transit gateways. The ranges are those that you reach through it; AWS does not tell them.")],
        ),
        draft.sending(),
        draft.step(
            Stage::Theirs,
            "Accept the attachment",
            vec![Part::value("Attachment ID", attachment)],
            vec![
                Part::text("AWS console: VPC, Transit gateway attachments, select the attachment, Actions, Accept. Not needed if the transit gateway accepts shared attachments by itself."),
                Part::command(accept),
            ],
        ),
        draft.step(
            Stage::Up,
            "Route back to the VPC",
            draft.typed(&["user_peer_network_cidrs"]),
            vec![
                Part::text(format!("In the route tables of your own VPCs, and in the transit gateway's if it does not propagate, route {cidr}:")),
                Part::command(back),
            ],
        ),
    ];
    (identifiers, steps, vec![TRANSIT_GATEWAY.to_owned()])
}

/// What it is for (checklist 58, 59).
const TRANSIT_GATEWAY: &str = "A transit gateway routes in one place for many networks: all your VPCs in this region, VPCs in other regions and on-premises networks that are joined to it, on your side, by further transit gateways or VPNs. The VPC reaches them by the ranges that you enter, and you can change those at any time without making the attachment anew.";
