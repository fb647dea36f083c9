"""Both sides of an AWS peering, played by boto3 against a look-alike of AWS.

usage: aws_clients.py SCENE < {"url": ..., "ours": [account, key, secret], "theirs": [...]}
Fails with a traceback where the look-alike differs from what the scene expects of EC2.
"""

import json
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

HOME, AWAY = "eu-west-1", "us-east-1"
given = json.load(sys.stdin)
OURS, THEIRS = given["ours"][0], given["theirs"][0]


def client(side, service="ec2", region=HOME, keys=None):
    key, secret, token = keys or (given[side][1], given[side][2], None)
    return boto3.client(
        service,
        endpoint_url=given["url"],
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )


def refused(code, call, **arguments):
    try:
        answer = call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(f"expected {code}, got {answer}")


def until(question, wanted):
    """Asks until the answer is the wanted one; what is not known yet is asked for again."""
    seen = None
    for _ in range(400):
        try:
            seen = question()
        except ClientError as error:
            seen = error.response["Error"]["Code"]
            if not seen.endswith(".NotFound"):
                raise
        if seen == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(f"expected {wanted}, got {seen}")


def make_vpc(ec2, cidr, name):
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": name}]}]
    vpc = ec2.create_vpc(CidrBlock=cidr, TagSpecifications=tags)["Vpc"]
    assert vpc["State"] == "pending" and vpc["Tags"] == [{"Key": "Name", "Value": name}], vpc
    until(lambda: ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])["Vpcs"][0]["State"], "available")
    return vpc["VpcId"]


def peering(ec2, pcx):
    return ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[pcx])["VpcPeeringConnections"][0]


def status(ec2, pcx):
    return lambda: peering(ec2, pcx)["Status"]["Code"]


def ask(ec2, vpc, peer, **more):
    made = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer, PeerOwnerId=THEIRS, **more)
    return made["VpcPeeringConnection"]["VpcPeeringConnectionId"]


def across_accounts():
    ours, theirs = client("ours"), client("theirs")
    vpc, peer = make_vpc(ours, "10.20.0.0/16", "alpha"), make_vpc(theirs, "10.30.0.0/16", "beta")
    zones = [zone["ZoneName"] for zone in ours.describe_availability_zones()["AvailabilityZones"]]
    assert len(zones) == 3, zones
    subnet = ours.create_subnet(VpcId=vpc, CidrBlock="10.20.1.0/24", AvailabilityZone=zones[1])["Subnet"]
    assert subnet["AvailabilityZone"] == zones[1] and subnet["AvailableIpAddressCount"] == 251, subnet
    table = ours.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    until(lambda: ours.describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"][0]["State"], "available")
    until(lambda: len(ours.describe_route_tables(RouteTableIds=[table])["RouteTables"]), 1)
    association = ours.associate_route_table(RouteTableId=table, SubnetId=subnet["SubnetId"])["AssociationId"]
    group = ours.create_security_group(VpcId=vpc, GroupName="peers", Description="from peers")["GroupId"]

    tags = [{"ResourceType": "vpc-peering-connection", "Tags": [{"Key": "causeway:connection", "Value": "one"}]}]
    pcx = ask(ours, vpc, peer, TagSpecifications=tags)
    until(status(ours, pcx), "pending-acceptance")
    pending = peering(ours, pcx)
    assert "CidrBlock" not in pending["AccepterVpcInfo"], pending
    assert pending["ExpirationTime"].timestamp() > time.time() + 6 * 86400
    assert peering(theirs, pcx)["Tags"] == [], "tags are one's own"
    accepted = theirs.accept_vpc_peering_connection(VpcPeeringConnectionId=pcx)["VpcPeeringConnection"]
    assert accepted["Status"]["Code"] == "provisioning", accepted
    until(status(ours, pcx), "active")
    found = ours.describe_vpc_peering_connections(
        Filters=[{"Name": "tag:causeway:connection", "Values": ["one"]}, {"Name": "status-code", "Values": ["active"]}]
    )["VpcPeeringConnections"]
    assert [one["VpcPeeringConnectionId"] for one in found] == [pcx]
    assert found[0]["AccepterVpcInfo"]["CidrBlockSet"] == [{"CidrBlock": "10.30.0.0/16"}], found

    route = {"RouteTableId": table, "DestinationCidrBlock": "10.30.0.0/16", "VpcPeeringConnectionId": pcx}
    assert ours.create_route(**route)["Return"]
    ours.replace_route(**route)
    rule = [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5440, "IpRanges": [{"CidrIp": "10.30.0.0/16"}]}]
    until(lambda: len(ours.describe_security_groups(GroupIds=[group])["SecurityGroups"]), 1)
    made = ours.authorize_security_group_ingress(GroupId=group, IpPermissions=rule)["SecurityGroupRules"]
    assert (made[0]["CidrIpv4"], made[0]["FromPort"]) == ("10.30.0.0/16", 5432), made
    refused("InvalidPermission.Duplicate", ours.authorize_security_group_ingress, GroupId=group, IpPermissions=rule)
    seen = ours.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    assert seen[0]["IpRanges"] == [{"CidrIp": "10.30.0.0/16"}] and seen[0]["ToPort"] == 5440, seen

    def route_state():
        routes = ours.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return next(one["State"] for one in routes if one.get("VpcPeeringConnectionId") == pcx)

    assert route_state() == "active"
    assert theirs.delete_vpc_peering_connection(VpcPeeringConnectionId=pcx)["Return"]
    until(status(ours, pcx), "deleted")
    assert peering(ours, pcx)["Status"]["Message"] == f"Deleted by {THEIRS}"
    assert route_state() == "blackhole"
    ours.delete_route(RouteTableId=table, DestinationCidrBlock="10.30.0.0/16")
    ours.revoke_security_group_ingress(GroupId=group, IpPermissions=rule)
    refused("DependencyViolation", ours.delete_vpc, VpcId=vpc)
    ours.disassociate_route_table(AssociationId=association)
    ours.delete_route_table(RouteTableId=table)
    ours.delete_security_group(GroupId=group)
    ours.delete_subnet(SubnetId=subnet["SubnetId"])
    ours.delete_vpc(VpcId=vpc)
    refused("InvalidVpcID.NotFound", ours.describe_vpcs, VpcIds=[vpc])


def across_regions():
    ours, away, theirs_here = client("ours"), client("theirs", region=AWAY), client("theirs")
    vpc, peer = make_vpc(ours, "10.20.0.0/16", "alpha"), make_vpc(away, "10.30.0.0/16", "beta")
    pcx = ask(ours, vpc, peer, PeerRegion=AWAY)
    until(status(ours, pcx), "pending-acceptance")
    assert peering(ours, pcx)["AccepterVpcInfo"]["Region"] == AWAY
    missing = "InvalidVpcPeeringConnectionID.NotFound"
    refused(missing, theirs_here.accept_vpc_peering_connection, VpcPeeringConnectionId=pcx)
    away.accept_vpc_peering_connection(VpcPeeringConnectionId=pcx)
    until(status(away, pcx), "active")
    away.associate_vpc_cidr_block(VpcId=peer, CidrBlock="10.31.0.0/16")
    ranges = [one["CidrBlock"] for one in peering(ours, pcx)["AccepterVpcInfo"]["CidrBlockSet"]]
    assert ranges == ["10.30.0.0/16", "10.31.0.0/16"], ranges
    ours.delete_vpc_peering_connection(VpcPeeringConnectionId=pcx)
    until(status(away, pcx), "deleted")


def refusals():
    ours, theirs = client("ours"), client("theirs")
    vpc, peer = make_vpc(ours, "10.20.0.0/16", "alpha"), make_vpc(theirs, "10.30.0.0/16", "beta")
    overlapping = make_vpc(theirs, "10.20.0.0/20", "gamma")
    refused("InvalidVpc.Range", ours.create_vpc, CidrBlock="10.0.0.0/8")
    refused("DryRunOperation", ours.create_vpc, CidrBlock="10.0.0.0/16", DryRun=True)
    refused("InvalidSubnet.Range", ours.create_subnet, VpcId=vpc, CidrBlock="10.99.0.0/24")
    refused("InvalidVpcID.NotFound", ours.describe_vpcs, VpcIds=[peer])
    pcx = ask(ours, vpc, peer)
    until(status(ours, pcx), "pending-acceptance")
    assert ask(ours, vpc, peer) == pcx
    theirs.reject_vpc_peering_connection(VpcPeeringConnectionId=pcx)
    until(status(ours, pcx), "rejected")
    refused("InvalidStateTransition", ours.delete_vpc_peering_connection, VpcPeeringConnectionId=pcx)
    refused("InvalidStateTransition", theirs.accept_vpc_peering_connection, VpcPeeringConnectionId=pcx)
    failed = ask(ours, vpc, overlapping)
    until(status(ours, failed), "failed")
    refused("AuthFailure", client("ours", keys=(given["ours"][1], "wrong", None)).describe_vpcs)
    ghost = client("ours", "sts", keys=("AKIAGHOST", "wrong", None))
    refused("InvalidClientTokenId", ghost.get_caller_identity)


def transit_gateway():
    ours, theirs = client("ours"), client("theirs")
    our_ram, their_ram = client("ours", "ram"), client("theirs", "ram")
    gateway = theirs.create_transit_gateway(Description="hub")["TransitGateway"]
    tgw = gateway["TransitGatewayId"]
    gateways = lambda: theirs.describe_transit_gateways(TransitGatewayIds=[tgw])["TransitGateways"][0]["State"]
    until(gateways, "available")
    vpc = make_vpc(ours, "10.20.0.0/16", "alpha")
    subnet = ours.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/24")["Subnet"]["SubnetId"]
    until(lambda: ours.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["State"], "available")
    attach = {"TransitGatewayId": tgw, "VpcId": vpc, "SubnetIds": [subnet]}
    refused("InvalidTransitGatewayID.NotFound", ours.create_transit_gateway_vpc_attachment, **attach)

    share = their_ram.create_resource_share(
        name="hub", resourceArns=[gateway["TransitGatewayArn"]], principals=[OURS]
    )["resourceShare"]
    assert share["status"] == "ACTIVE", share
    invitations = lambda: our_ram.get_resource_share_invitations()["resourceShareInvitations"]
    until(lambda: len(invitations()), 1)
    invitation = invitations()[0]
    assert invitation["senderAccountId"] == THEIRS and invitation["status"] == "PENDING", invitation
    arn = invitation["resourceShareInvitationArn"]
    our_ram.accept_resource_share_invitation(resourceShareInvitationArn=arn)
    refused(
        "ResourceShareInvitationAlreadyAcceptedException",
        our_ram.accept_resource_share_invitation,
        resourceShareInvitationArn=arn,
    )
    shares = our_ram.get_resource_shares(resourceOwner="OTHER-ACCOUNTS")["resourceShares"]
    assert [one["resourceShareArn"] for one in shares] == [share["resourceShareArn"]], shares

    made = ours.create_transit_gateway_vpc_attachment(**attach)["TransitGatewayVpcAttachment"]
    assert made["State"] == "initiatingRequest" and made["SubnetIds"] == [subnet], made
    attachment = made["TransitGatewayAttachmentId"]

    def state(ec2=ours):
        found = ec2.describe_transit_gateway_vpc_attachments(TransitGatewayAttachmentIds=[attachment])
        return found["TransitGatewayVpcAttachments"][0]["State"]

    until(state, "pendingAcceptance")
    theirs.accept_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    until(state, "available")
    main = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
    table = ours.describe_route_tables(Filters=main)["RouteTables"][0]["RouteTableId"]
    ours.create_route(RouteTableId=table, DestinationCidrBlock="10.99.0.0/16", TransitGatewayId=tgw)
    refused("DependencyViolation", ours.delete_vpc, VpcId=vpc)
    refused("IncorrectState", theirs.delete_transit_gateway, TransitGatewayId=tgw)
    ours.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    until(lambda: state(theirs), "deleted")
    their_ram.delete_resource_share(resourceShareArn=share["resourceShareArn"])
    refused("InvalidTransitGatewayID.NotFound", ours.describe_transit_gateways, TransitGatewayIds=[tgw])
    theirs.delete_transit_gateway(TransitGatewayId=tgw)
    until(gateways, "deleted")


def roles_and_pages():
    sts = client("ours", "sts")
    assert sts.get_caller_identity()["Account"] == OURS
    role = sts.assume_role(RoleArn=f"arn:aws:iam::{OURS}:role/console", RoleSessionName="test")["Credentials"]
    keys = (role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"])
    assert client("ours", "sts", keys=keys).get_caller_identity()["Arn"].endswith("assumed-role/console/test")
    ours = client("ours", keys=keys)
    made = sorted(make_vpc(ours, f"10.{index}.0.0/16", "many") for index in range(7))
    pages = ours.get_paginator("describe_vpcs").paginate(PaginationConfig={"PageSize": 5})
    pages = [[vpc["VpcId"] for vpc in page["Vpcs"]] for page in pages]
    assert [len(page) for page in pages] == [5, 2] and sum(pages, []) == made, pages
    ours.create_tags(Resources=made[:2], Tags=[{"Key": "colour", "Value": "red"}])
    tagged = ours.describe_vpcs(Filters=[{"Name": "tag:colour", "Values": ["r*"]}])["Vpcs"]
    assert [vpc["VpcId"] for vpc in tagged] == made[:2]
    ours.delete_tags(Resources=made[:1], Tags=[{"Key": "colour"}])
    tags = ours.describe_tags(Filters=[{"Name": "key", "Values": ["colour"]}])["Tags"]
    assert [tag["ResourceId"] for tag in tags] == made[1:2], tags


def running(ec2, subnet):
    made = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0]
    assert made["State"]["Name"] == "pending", made
    instance = made["InstanceId"]
    seen = lambda: ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    until(lambda: seen()["State"]["Name"], "running")
    return instance, seen


def make_subnet(ec2, vpc, cidr, zone="a"):
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=HOME + zone)["Subnet"]["SubnetId"]
    until(lambda: ec2.describe_subnets(SubnetIds=[made])["Subnets"][0]["State"], "available")
    return made


def static_address():
    ours, theirs = client("ours"), client("theirs")
    vpc = make_vpc(ours, "10.20.0.0/16", "alpha")
    first, seen = running(ours, make_subnet(ours, vpc, "10.20.0.0/24"))
    tags = [{"ResourceType": "elastic-ip", "Tags": [{"Key": "Name", "Value": "edge"}]}]
    made = ours.allocate_address(Domain="vpc", TagSpecifications=tags)
    allocation = made["AllocationId"]
    address = lambda: ours.describe_addresses(AllocationIds=[allocation])["Addresses"][0]
    until(lambda: address()["PublicIp"], made["PublicIp"])
    assert address()["Tags"] == [{"Key": "Name", "Value": "edge"}] and "AssociationId" not in address(), address()
    give = {"AllocationId": allocation, "InstanceId": first}
    refused("Gateway.NotAttached", ours.associate_address, **give)
    gateway = ours.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    gateways = lambda: len(ours.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"])
    until(gateways, 1)
    ours.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    association = ours.associate_address(**give)["AssociationId"]
    assert seen()["PublicIpAddress"] == made["PublicIp"], seen()
    assert address()["InstanceId"] == first and address()["PrivateIpAddress"] == seen()["PrivateIpAddress"]
    refused("InvalidIPAddress.InUse", ours.release_address, AllocationId=allocation)
    refused("DependencyViolation", ours.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    foreign = theirs.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    refused("InvalidInstanceID.NotFound", ours.associate_address, AllocationId=allocation, InstanceId=foreign)
    refused("InvalidAllocationID.NotFound", theirs.release_address, AllocationId=allocation)
    ours.disassociate_address(AssociationId=association)
    refused("InvalidAssociationID.NotFound", ours.disassociate_address, AssociationId=association)
    ours.associate_address(**give)
    ours.terminate_instances(InstanceIds=[first])
    until(lambda: seen()["State"]["Name"], "terminated")
    assert "AssociationId" not in address(), address()
    ours.release_address(AllocationId=allocation)
    refused("InvalidAllocationID.NotFound", ours.describe_addresses, AllocationIds=[allocation])
    ours.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ours.delete_internet_gateway(InternetGatewayId=gateway)


def private_link():
    ours, theirs, elb = client("ours"), client("theirs"), client("ours", "elbv2")
    vpc = make_vpc(ours, "10.20.0.0/16", "alpha")
    subnets = [make_subnet(ours, vpc, f"10.20.{index}.0/24", zone) for index, zone in enumerate("ab")]
    layout = {"Name": "orders", "Type": "network", "Scheme": "internal", "Subnets": subnets}
    made = elb.create_load_balancer(**layout)["LoadBalancers"][0]
    assert made["State"]["Code"] == "provisioning" and made["VpcId"] == vpc, made
    balancer = made["LoadBalancerArn"]
    assert elb.create_load_balancer(**layout)["LoadBalancers"][0]["LoadBalancerArn"] == balancer
    refused("DuplicateLoadBalancerName", elb.create_load_balancer, **{**layout, "Subnets": subnets[:1]})
    service = {"NetworkLoadBalancerArns": [balancer], "AcceptanceRequired": False}
    refused("InvalidParameter", ours.create_vpc_endpoint_service_configuration, **service)
    described = lambda: elb.describe_load_balancers(Names=["orders"])["LoadBalancers"][0]["State"]["Code"]

    def active():
        try:
            return described()
        except ClientError as error:
            return error.response["Error"]["Code"]

    until(active, "active")
    on = [{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=on)
    group = elb.create_target_group(
        Name="orders-5432", Protocol="TCP", Port=5432, VpcId=vpc, TargetType="ip", HealthCheckProtocol="TCP"
    )["TargetGroups"][0]["TargetGroupArn"]
    time.sleep(0.2)
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.20.0.9", "Port": 5432}])
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    listen = {"LoadBalancerArn": balancer, "Protocol": "TCP", "Port": 5432, "DefaultActions": forward}
    listener = elb.create_listener(**listen)["Listeners"][0]["ListenerArn"]
    refused("DuplicateListener", elb.create_listener, **listen)
    health = lambda: elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]["TargetHealth"]
    until(lambda: health()["State"], "unavailable")

    tags = [{"ResourceType": "vpc-endpoint-service", "Tags": [{"Key": "Name", "Value": "orders"}]}]
    offered = {**service, "ClientToken": "once", "TagSpecifications": tags}
    made = ours.create_vpc_endpoint_service_configuration(**offered)["ServiceConfiguration"]
    again = ours.create_vpc_endpoint_service_configuration(**offered)["ServiceConfiguration"]
    assert made["ServiceId"] == again["ServiceId"], (made, again)
    svc, name = made["ServiceId"], made["ServiceName"]
    ask = lambda: ours.describe_vpc_endpoint_service_configurations(ServiceIds=[svc])["ServiceConfigurations"][0]
    until(lambda: ask()["ServiceState"], "Available")
    assert ask()["Tags"] == [{"Key": "Name", "Value": "orders"}] and not ask()["AcceptanceRequired"], ask()

    home = theirs.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    zone = [{"Name": "vpc-id", "Values": [home]}, {"Name": "availability-zone", "Values": [HOME + "a"]}]
    there = theirs.describe_subnets(Filters=zone)["Subnets"][0]["SubnetId"]
    wanted = {"VpcEndpointType": "Interface", "VpcId": home, "ServiceName": name, "SubnetIds": [there]}
    refused("InvalidServiceName", theirs.create_vpc_endpoint, **wanted)
    permit = lambda **more: ours.modify_vpc_endpoint_service_permissions(ServiceId=svc, **more)
    permit(AddAllowedPrincipals=[f"arn:aws:iam::{THEIRS}:root"])
    permissions = ours.describe_vpc_endpoint_service_permissions(ServiceId=svc)["AllowedPrincipals"]
    assert [one["PrincipalType"] for one in permissions] == ["Account"], permissions
    assert theirs.describe_vpc_endpoint_services(ServiceNames=[name])["ServiceDetails"][0]["Owner"] == OURS
    endpoint = theirs.create_vpc_endpoint(**wanted)["VpcEndpoint"]["VpcEndpointId"]
    seen = lambda: theirs.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0]
    until(lambda: seen()["State"], "available")
    interface = theirs.describe_network_interfaces(NetworkInterfaceIds=seen()["NetworkInterfaceIds"])
    address = interface["NetworkInterfaces"][0]["PrivateIpAddress"]
    assert address.startswith("172.31."), interface
    connections = lambda: ours.describe_vpc_endpoint_connections(
        Filters=[{"Name": "service-id", "Values": [svc]}]
    )["VpcEndpointConnections"]
    assert connections()[0]["VpcEndpointOwner"] == THEIRS, connections()
    assert connections()[0]["DnsEntries"] == seen()["DnsEntries"] != [], connections()

    delete = lambda: ours.delete_vpc_endpoint_service_configurations(ServiceIds=[svc])["Unsuccessful"]
    assert delete()[0]["Error"]["Code"] == "ExistingVpcEndpointConnections"
    ours.reject_vpc_endpoint_connections(ServiceId=svc, VpcEndpointIds=[endpoint])
    until(lambda: seen()["State"], "rejected")
    refused("ResourceInUse", elb.delete_load_balancer, LoadBalancerArn=balancer)
    assert delete() == []
    until(lambda: len(ours.describe_vpc_endpoint_service_configurations()["ServiceConfigurations"]), 0)
    refused("ResourceInUse", elb.delete_target_group, TargetGroupArn=group)
    elb.delete_listener(ListenerArn=listener)
    elb.delete_target_group(TargetGroupArn=group)
    refused("DependencyViolation", ours.delete_subnet, SubnetId=subnets[0])
    elb.delete_load_balancer(LoadBalancerArn=balancer)
    ours.delete_subnet(SubnetId=subnets[0])
    theirs.delete_vpc_endpoints(VpcEndpointIds=[endpoint])


globals()[sys.argv[1]]()
