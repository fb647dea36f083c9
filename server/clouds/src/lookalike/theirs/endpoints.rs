//! The peer's endpoints in AWS: what a private link needs on the other end.

use super::{Deed, Thing, Typed, field};
use crate::{
    Outcome,
    aws::{Aws, wire},
};

/// The endpoints that there are, each with its addresses.
///
/// # Errors
/// What EC2 refused.
pub(super) async fn look(aws: &Aws, region: &str) -> Outcome<Vec<Thing>> {
    let (endpoints, interfaces) = futures::try_join!(
        aws.every::<wire::VpcEndpoint>(region, "DescribeVpcEndpoints"),
        aws.every::<wire::NetworkInterface>(region, "DescribeNetworkInterfaces"),
    )?;
    let thing = |endpoint: wire::VpcEndpoint| {
        let own =
            |one: &&wire::NetworkInterface| endpoint.network_interface_id_set.item.contains(&one.network_interface_id);
        let addresses: Vec<&str> = interfaces.iter().filter(own).map(|one| one.private_ip_address.as_str()).collect();
        let names = endpoint.dns_entry_set.item.iter().map(|entry| entry.dns_name.as_str());
        Thing {
            kind: "VPC endpoint",
            facts: vec![
                ("Service", endpoint.service_name.clone()),
                ("VPC", endpoint.vpc_id.clone()),
                ("Addresses", addresses.join(", ")),
                ("DNS name", names.collect::<Vec<_>>().join(", ")),
            ],
            deeds: if endpoint.state == "deleting" {
                Vec::new()
            } else {
                vec![Deed::plain("delete-endpoint", "Delete")]
            },
            id: endpoint.vpc_endpoint_id,
            state: endpoint.state,
        }
    };
    Ok(endpoints.into_iter().map(thing).collect())
}

/// In every subnet of the VPC.
///
/// # Errors
/// What EC2 refused.
pub(super) async fn create(aws: &Aws, region: &str, vpc: &str, typed: &Typed) -> Outcome<()> {
    let subnets = aws.every::<wire::Subnet>(region, "DescribeSubnets").await?;
    let service = field(typed, "service");
    let mut params = vec![
        ("VpcEndpointType".to_owned(), "Interface".to_owned()),
        ("VpcId".to_owned(), vpc.to_owned()),
        ("ServiceName".to_owned(), service.to_owned()),
    ];
    // `com.amazonaws.vpce.REGION.vpce-svc-…`
    let home = service.split('.').nth(3).filter(|home| *home != region);
    params.extend(home.map(|home| ("ServiceRegion".to_owned(), home.to_owned())));
    let own = subnets.into_iter().filter(|subnet| subnet.vpc_id.as_deref() == Some(vpc));
    params.extend((1..).zip(own).map(|(index, subnet)| (format!("SubnetId.{index}"), subnet.subnet_id)));
    let params: Vec<(&str, &str)> = params.iter().map(|(name, value)| (&**name, &**value)).collect();
    aws.ask(region, "CreateVpcEndpoint", &params).await.map(drop)
}
