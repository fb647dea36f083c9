//! What others put into a VPC of ours: it is never taken away. While it is there, nothing of the VPC is taken down,
//! because what runs in it needs subnets, routes and openings as they are; a person is told what it is and where.

use std::collections::BTreeMap;

use super::{
    form::Form,
    link::{Link, links},
    query::Query,
    seen::Seen,
    wire::{InternetGateway, NetworkInterface, RouteTable, SecurityGroup, Subnet, VpcEndpoint},
};
use crate::{Class, Failure, LinkWish, Outcome, Wish, listed};

/// The parts of a VPC that are listed anyway and are not ours.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub subnets: Vec<Subnet>,
    pub tables: Vec<RouteTable>,
    pub groups: Vec<SecurityGroup>,
}

/// What is in the way of a VPC that should go, each as a person finds it in AWS's own console.
pub(super) async fn observe(query: &Query, wish: &Wish, seen: &Seen, listed: Listed) -> Outcome<Vec<String>> {
    let Some(vpc) = seen.vpc.as_ref().map(|vpc| vpc.vpc_id.as_str()).filter(|_| !wish.present) else {
        return Ok(Vec::new());
    };
    let region = &wish.region;
    let within = |action: &str, filter: &str| Form::ec2(action).filter(filter, [vpc]).with("MaxResults", 1000);
    let (interfaces, endpoints, gateways) = tokio::join!(
        query.pages::<NetworkInterface>(region, within("DescribeNetworkInterfaces", "vpc-id")),
        query.pages::<VpcEndpoint>(region, within("DescribeVpcEndpoints", "vpc-id")),
        query.pages::<InternetGateway>(region, within("DescribeInternetGateways", "attachment.vpc-id")),
    );
    let (interfaces, endpoints, gateways) = (readable(interfaces)?, readable(endpoints)?, readable(gateways)?);
    let of_an_endpoint = |interface: &NetworkInterface| {
        let mut ids = endpoints.iter().flat_map(|endpoint| &endpoint.network_interface_id_set.item);
        ids.any(|id| *id == interface.network_interface_id)
    };
    let ours = links(wish, seen);
    let attached = seen.attachments.iter().flatten();
    let attached = attached.filter(|attachment| {
        let link = Link::Gateway(attachment);
        !link.is_ended() && !link.is_ending() && link.is_of_others(&ours)
    });
    let mut attachments: BTreeMap<&str, &str> =
        attached.map(|one| (one.transit_gateway_attachment_id.as_str(), one.transit_gateway_id.as_str())).collect();
    let mut named = Vec::new();
    for interface in interfaces.iter().filter(|one| !of_an_endpoint(one) && !goes_with_another(seen, one)) {
        match attachment_of(interface) {
            // AWS lets nobody delete the interface itself.
            Some(id) => drop(attachments.entry(id).or_default()),
            None => named.push(described("network interface", &interface.network_interface_id, about(interface))),
        }
    }
    named.extend(attachments.into_iter().map(|(id, gateway)| described("transit gateway attachment", id, gateway)));
    let left = endpoints.iter().filter(|endpoint| endpoint.state != "deleted");
    named.extend(left.map(|endpoint| described("VPC endpoint", &endpoint.vpc_endpoint_id, &endpoint.service_name)));
    named.extend(gateways.iter().map(|gateway| described("internet gateway", &gateway.internet_gateway_id, "")));
    let range = |subnet: &Subnet| subnet.cidr_block.map(|range| range.to_string()).unwrap_or_default();
    named.extend(listed.subnets.iter().map(|subnet| described("subnet", &subnet.subnet_id, &range(subnet))));
    // Every VPC has a main route table and a default security group, which go with it.
    let tables = listed.tables.iter().filter(|table| !table.is_main());
    named.extend(tables.map(|table| described("route table", &table.route_table_id, "")));
    let groups = listed.groups.iter().filter(|group| group.group_name != "default");
    named.extend(groups.map(|group| described("security group", &group.group_id, &group.group_name)));
    Ok(named)
}

/// What the console may not read is told by AWS itself, when it refuses the deletion.
pub(super) fn readable<T>(found: Outcome<Vec<T>>) -> Outcome<Vec<T>> {
    match found {
        Err(failure) if matches!(failure.class, Class::Denied | Class::Unexpected | Class::Gone) => Ok(Vec::new()),
        found => found,
    }
}

/// Of a link that the console takes away by itself, or of an attachment that is told of itself: AWS removes these a
/// while after it.
fn goes_with_another(seen: &Seen, interface: &NetworkInterface) -> bool {
    let of_a_link = interface.description.strip_prefix("ELB net/").is_some_and(LinkWish::is_name_of_one);
    let mut attachments = seen.attachments.iter().flatten();
    let of_one = attachments.any(|one| attachment_of(interface) == Some(&one.transit_gateway_attachment_id));
    of_a_link || of_one
}

/// The transit gateway attachment that AWS made it for, as it says in the description.
fn attachment_of(interface: &NetworkInterface) -> Option<&str> {
    interface.description.split_whitespace().find(|word| word.starts_with("tgw-attach-"))
}

fn about(interface: &NetworkInterface) -> &str {
    let instance = interface.attachment.as_ref().and_then(|attachment| attachment.instance_id.as_deref());
    instance.filter(|instance| !instance.is_empty()).unwrap_or(&interface.description)
}

fn described(kind: &str, id: &str, about: &str) -> String {
    if about.is_empty() { format!("{kind} {id}") } else { format!("{kind} {id} ({about})") }
}

/// The sentence about what is in the way; `None` if nothing is.
pub(super) fn told(seen: &Seen) -> Option<Failure> {
    let vpc = seen.vpc.as_ref()?;
    if seen.foreign.is_empty() {
        return None;
    }
    let named = listed(&seen.foreign);
    let account = vpc.owner_id.as_deref().map(|account| format!(" in the AWS account {account}")).unwrap_or_default();
    let message = format!(
        "The VPC {} still holds what was not made by Causeway: {named}. Delete this{account}; then Causeway deletes the VPC by itself",
        vpc.vpc_id
    );
    // The sentence says it all: there is no code of AWS's.
    Some(Failure::new(Class::Operator, "", message))
}
