//! EC2: which function carries out which action, and the envelope of answers and errors.

use super::{
    Answer, Aws, Refused, addresses, endpoints, groups, instances, interfaces, internet, networks, peering,
    request::Request, routes, services, tags, transit, xml::Xml,
};
use crate::lookalike::{Reply, World};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
const VERSION: &str = "2016-11-15";

type Operation = fn(&mut World<Aws>, &Request, &mut Xml) -> Answer<()>;

pub fn answer(world: &mut World<Aws>, request: &Request) -> Answer<Reply> {
    let action = request.action();
    if request.text("Version")? != VERSION {
        return Err(Refused::new("InvalidParameterValue", "The version is not supported."));
    }
    let Some(operation) = operation(action) else {
        let message = format!("The action {action} is not valid for this web service.");
        return Err(Refused::new("InvalidAction", message));
    };
    let mut inner = Xml::default();
    operation(world, request, &mut inner)?;
    if request.is("DryRun") {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(Refused { status: 412, code: "DryRunOperation".into(), message: message.into() });
    }
    let body = Xml::document(&format!("{action}Response"), NAMESPACE, |xml| {
        xml.text("requestId", uuid::Uuid::new_v4());
        xml.append(inner);
    });
    Ok(Reply::xml(200, body))
}

fn operation(action: &str) -> Option<Operation> {
    Some(match action {
        "DescribeRegions" => networks::describe_regions,
        "DescribeAvailabilityZones" => networks::describe_zones,
        "CreateVpc" => networks::create_vpc,
        "DescribeVpcs" => networks::describe_vpcs,
        "DeleteVpc" => networks::delete_vpc,
        "AssociateVpcCidrBlock" => networks::associate_cidr,
        "DisassociateVpcCidrBlock" => networks::disassociate_cidr,
        "CreateSubnet" => networks::create_subnet,
        "DescribeSubnets" => networks::describe_subnets,
        "DeleteSubnet" => networks::delete_subnet,
        "CreateRouteTable" => routes::create_table,
        "DescribeRouteTables" => routes::describe_tables,
        "DeleteRouteTable" => routes::delete_table,
        "AssociateRouteTable" => routes::associate,
        "DisassociateRouteTable" => routes::disassociate,
        "CreateRoute" => routes::create,
        "ReplaceRoute" => routes::replace,
        "DeleteRoute" => routes::delete,
        "CreateSecurityGroup" => groups::create,
        "DescribeSecurityGroups" => groups::describe,
        "DescribeSecurityGroupRules" => groups::describe_rules,
        "DeleteSecurityGroup" => groups::delete,
        "AuthorizeSecurityGroupIngress" => groups::authorize_ingress,
        "AuthorizeSecurityGroupEgress" => groups::authorize_egress,
        "RevokeSecurityGroupIngress" => groups::revoke_ingress,
        "RevokeSecurityGroupEgress" => groups::revoke_egress,
        "CreateVpcPeeringConnection" => peering::create,
        "DescribeVpcPeeringConnections" => peering::describe,
        "AcceptVpcPeeringConnection" => peering::accept,
        "RejectVpcPeeringConnection" => peering::reject,
        "DeleteVpcPeeringConnection" => peering::delete,
        "CreateTransitGateway" => transit::create_gateway,
        "DescribeTransitGateways" => transit::describe_gateways,
        "DeleteTransitGateway" => transit::delete_gateway,
        "CreateTransitGatewayVpcAttachment" => transit::create_attachment,
        "DescribeTransitGatewayVpcAttachments" => transit::describe_attachments,
        "AcceptTransitGatewayVpcAttachment" => transit::accept_attachment,
        "RejectTransitGatewayVpcAttachment" => transit::reject_attachment,
        "ModifyTransitGatewayVpcAttachment" => transit::modify_attachment,
        "DeleteTransitGatewayVpcAttachment" => transit::delete_attachment,
        "RunInstances" => instances::run,
        "DescribeInstances" => instances::describe,
        "TerminateInstances" => instances::terminate,
        "DescribeNetworkInterfaces" => interfaces::describe,
        "CreateInternetGateway" => internet::create,
        "DescribeInternetGateways" => internet::describe,
        "AttachInternetGateway" => internet::attach,
        "DetachInternetGateway" => internet::detach,
        "DeleteInternetGateway" => internet::delete,
        "AllocateAddress" => addresses::allocate,
        "DescribeAddresses" => addresses::describe,
        "AssociateAddress" => addresses::associate,
        "DisassociateAddress" => addresses::disassociate,
        "ReleaseAddress" => addresses::release,
        "CreateVpcEndpointServiceConfiguration" => services::create,
        "DescribeVpcEndpointServiceConfigurations" => services::describe,
        "ModifyVpcEndpointServiceConfiguration" => services::modify,
        "DeleteVpcEndpointServiceConfigurations" => services::delete,
        "DescribeVpcEndpointServicePermissions" => services::describe_permissions,
        "ModifyVpcEndpointServicePermissions" => services::modify_permissions,
        "DescribeVpcEndpointConnections" => services::describe_connections,
        "AcceptVpcEndpointConnections" => services::accept_connections,
        "RejectVpcEndpointConnections" => services::reject_connections,
        "DescribeVpcEndpointServices" => endpoints::describe_services,
        "CreateVpcEndpoint" => endpoints::create,
        "DescribeVpcEndpoints" => endpoints::describe,
        "DeleteVpcEndpoints" => endpoints::delete,
        "CreateTags" => tags::create,
        "DeleteTags" => tags::delete,
        "DescribeTags" => tags::describe,
        _ => return None,
    })
}

pub fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = Xml::document("Response", "", |xml| {
        xml.within("Errors", |xml| {
            xml.within("Error", |xml| {
                xml.text("Code", code);
                xml.text("Message", message);
            });
        });
        xml.text("RequestID", uuid::Uuid::new_v4());
    });
    Reply::xml(status, body)
}

/// `vpc-0` and sixteen hexadecimal digits.
pub fn id(prefix: &str) -> String {
    format!("{prefix}{}", super::random(b"0123456789abcdef", 16))
}
