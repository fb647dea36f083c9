//! EC2's XML, as far as the driver reads it.

use ipnet::Ipv4Net;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{Class, Failure, Outcome};

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Set<T> {
    #[serde(default = "Vec::new")]
    pub item: Vec<T>,
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

/// One page of any `Describe...` call.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub struct Page<T> {
    #[serde(
        default,
        alias = "addressesSet",
        alias = "allowedPrincipals",
        alias = "availabilityZoneInfo",
        alias = "internetGatewaySet",
        alias = "networkInterfaceSet",
        alias = "reservationSet",
        alias = "routeTableSet",
        alias = "securityGroupInfo",
        alias = "serviceConfigurationSet",
        alias = "subnetSet",
        alias = "transitGatewaySet",
        alias = "transitGatewayVpcAttachments",
        alias = "vpcEndpointConnectionSet",
        alias = "vpcEndpointSet",
        alias = "vpcPeeringConnectionSet",
        alias = "vpcSet"
    )]
    pub set: Set<T>,
    #[serde(default, rename = "nextToken")]
    pub next_token: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Tag {
    pub key: String,
    #[serde(default)]
    pub value: String,
}

pub type Tags = Set<Tag>;

impl Tags {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.item.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Zone {
    pub zone_name: String,
    #[serde(default)]
    pub zone_state: Option<String>,
    #[serde(default)]
    pub zone_type: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Vpc {
    pub vpc_id: String,
    pub owner_id: Option<String>,
    pub state: Option<String>,
    pub cidr_block: Option<Ipv4Net>,
    pub tag_set: Tags,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Subnet {
    pub subnet_id: String,
    pub vpc_id: Option<String>,
    pub cidr_block: Option<Ipv4Net>,
    pub availability_zone: String,
    pub tag_set: Tags,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteTable {
    pub route_table_id: String,
    pub route_set: Set<Route>,
    pub association_set: Set<Association>,
    pub tag_set: Tags,
}

impl RouteTable {
    /// The one that a VPC comes with, and that goes with it.
    pub fn is_main(&self) -> bool {
        self.association_set.item.iter().any(|association| association.main)
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Route {
    pub destination_cidr_block: Option<Ipv4Net>,
    pub vpc_peering_connection_id: Option<String>,
    pub transit_gateway_id: Option<String>,
    pub gateway_id: Option<String>,
    pub state: Option<String>,
}

impl Route {
    /// The peering connection or transit gateway that it leads to.
    pub fn target(&self) -> Option<&str> {
        let target = self.vpc_peering_connection_id.as_deref().or(self.transit_gateway_id.as_deref());
        // Some answers hold every kind of target, and leave empty those that it is not.
        target.filter(|target| !target.is_empty())
    }

    pub fn is_blackhole(&self) -> bool {
        self.state.as_deref() == Some("blackhole")
    }
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Association {
    pub route_table_association_id: String,
    pub subnet_id: Option<String>,
    /// Its table is used by every subnet that has none of its own.
    pub main: bool,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct SecurityGroup {
    pub group_id: String,
    pub group_name: String,
    pub ip_permissions: Set<Permission>,
    pub tag_set: Tags,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Permission {
    pub ip_protocol: String,
    pub from_port: Option<i32>,
    pub to_port: Option<i32>,
    pub ip_ranges: Set<IpRange>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct IpRange {
    pub cidr_ip: Option<Ipv4Net>,
    pub description: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Peering {
    pub vpc_peering_connection_id: String,
    pub requester_vpc_info: Side,
    pub accepter_vpc_info: Side,
    pub status: Status,
    pub expiration_time: Option<String>,
    pub tag_set: Tags,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Side {
    pub owner_id: String,
    pub vpc_id: String,
    pub region: Option<String>,
    pub cidr_block: Option<Ipv4Net>,
    pub cidr_block_set: Set<CidrBlock>,
}

impl Side {
    /// `None` while it is not told.
    pub fn ranges(&self) -> Option<Vec<Ipv4Net>> {
        let told = self.cidr_block_set.item.iter().map(|block| block.cidr_block);
        let mut ranges: Vec<Ipv4Net> = told.chain(self.cidr_block).collect();
        ranges.sort();
        ranges.dedup();
        (!ranges.is_empty()).then_some(ranges)
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CidrBlock {
    pub cidr_block: Ipv4Net,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Status {
    pub code: String,
    pub message: String,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Attachment {
    pub transit_gateway_attachment_id: String,
    pub transit_gateway_id: String,
    pub vpc_id: String,
    pub state: String,
    pub subnet_ids: Set<String>,
    pub tag_set: Tags,
}

/// An Elastic IP address.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    pub public_ip: Option<std::net::Ipv4Addr>,
    pub allocation_id: String,
    pub association_id: Option<String>,
    pub instance_id: Option<String>,
    pub network_interface_id: Option<String>,
    pub domain: Option<String>,
    pub tag_set: Tags,
}

impl Address {
    /// What is absent is left empty by some.
    pub fn association(&self) -> Option<&str> {
        self.association_id.as_deref().filter(|id| !id.is_empty())
    }

    pub fn instance(&self) -> Option<&str> {
        self.instance_id.as_deref().filter(|id| !id.is_empty())
    }
}

/// An endpoint, for whoever made it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct VpcEndpoint {
    pub vpc_endpoint_id: String,
    pub vpc_id: String,
    pub service_name: String,
    pub state: String,
    pub network_interface_id_set: Set<String>,
    pub dns_entry_set: Set<DnsEntry>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct DnsEntry {
    pub dns_name: String,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkInterface {
    pub network_interface_id: String,
    pub private_ip_address: String,
    pub description: String,
    pub attachment: Option<InterfaceAttachment>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct InterfaceAttachment {
    pub instance_id: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct InternetGateway {
    pub internet_gateway_id: String,
}

/// A transit gateway, for its owner.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Gateway {
    pub transit_gateway_id: String,
    pub transit_gateway_arn: String,
    pub state: String,
    pub owner_id: String,
}

#[derive(Debug, Deserialize)]
pub struct AssumedRole {
    #[serde(rename = "AssumeRoleResult")]
    pub result: AssumeRoleResult,
}

#[derive(Debug, Deserialize)]
pub struct AssumeRoleResult {
    #[serde(rename = "Credentials")]
    pub credentials: SessionKeys,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SessionKeys {
    pub access_key_id: String,
    pub secret_access_key: crate::Secret,
    pub session_token: crate::Secret,
    pub expiration: String,
}

#[derive(Debug, Deserialize)]
pub struct CallerIdentity {
    #[serde(rename = "GetCallerIdentityResult")]
    pub result: Caller,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Caller {
    pub arn: String,
}

/// # Errors
/// If the answer is another than the driver knows. The text of the answer is not told: it may hold credentials.
pub fn read<T: DeserializeOwned>(body: &str, action: &str) -> Outcome<T> {
    quick_xml::de::from_str(body).map_err(|error| {
        let reason = match &error {
            quick_xml::DeError::Custom(_) => "a value is of another form".to_owned(),
            other => other.to_string(),
        };
        Failure::new(Class::Unexpected, "answer", format!("AWS's answer to {action} could not be read: {reason}."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_peering_connection_tells_no_range_of_the_other_side() {
        let page: Page<Peering> = read(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeVpcPeeringConnectionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>7a62c442</requestId>
<vpcPeeringConnectionSet><item><vpcPeeringConnectionId>pcx-111aaa22</vpcPeeringConnectionId>
<requesterVpcInfo><ownerId>111122223333</ownerId><vpcId>vpc-1a2b3c4d</vpcId><cidrBlock>10.20.0.0/22</cidrBlock>
<cidrBlockSet><item><cidrBlock>10.20.0.0/22</cidrBlock></item></cidrBlockSet><region>eu-west-1</region></requesterVpcInfo>
<accepterVpcInfo><ownerId>444455556666</ownerId><vpcId>vpc-aa22cc33</vpcId><region>us-east-1</region></accepterVpcInfo>
<status><code>pending-acceptance</code><message>Pending Acceptance by 444455556666</message></status>
<expirationTime>2026-11-27T12:00:00.000Z</expirationTime><tagSet/></item></vpcPeeringConnectionSet><nextToken/>
</DescribeVpcPeeringConnectionsResponse>"#,
            "DescribeVpcPeeringConnections",
        )
        .expect("the answer is as AWS documents it");
        let [peering] = &page.set.item[..] else { panic!("one connection is in the answer") };
        assert_eq!(peering.accepter_vpc_info.ranges(), None);
        assert_eq!(peering.requester_vpc_info.ranges(), Some(vec!["10.20.0.0/22".parse().expect("is a range")]));
        assert_eq!(peering.status.message, "Pending Acceptance by 444455556666");
    }

    #[test]
    fn an_answer_of_another_form_is_told_without_its_text() {
        let body = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKIA</AccessKeyId></Credentials></AssumeRoleResult></AssumeRoleResponse>";
        let failure = read::<AssumedRole>(body, "AssumeRole").expect_err("the keys are missing");
        assert_eq!(failure.class, Class::Unexpected);
        assert!(!failure.message.contains("AKIA"), "{failure}");
    }
}
