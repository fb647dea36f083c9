//! Decisions and reports of the AWS driver, from worlds that are written down here.

mod plan;
mod report;

use ipnet::Ipv4Net;
use uuid::Uuid;

use super::{
    seen::{CONNECTION_TAG, Seen, VPC_TAG, ZONES_TAG},
    wire::{
        Association, Attachment, CidrBlock, IpRange, Peering, Permission, Route, RouteTable, SecurityGroup, Set, Side,
        Status, Subnet, Tag, Tags, Vpc,
    },
};
use crate::{ConnectionWish, Opening, Peer, Reference, Wish};

const NOW: i64 = 1_800_000_000_000;
const SETTLE: i64 = 60_000;
const ALPHA: Uuid = Uuid::from_u128(0xa);
const OLDER: Uuid = Uuid::from_u128(0x1);
const YOUNGER: Uuid = Uuid::from_u128(0x2);
const TABLE: &str = "rtb-1";
const HTTPS: Opening = Opening::Tcp { from: 443, to: 443 };

fn net(text: &str) -> Ipv4Net {
    text.parse().expect("is a range")
}

fn wish(connections: Vec<ConnectionWish>) -> Wish {
    Wish {
        id: ALPHA,
        name: "alpha".into(),
        region: "eu-west-1".into(),
        cidr: net("10.20.0.0/22"),
        present: true,
        reference: Reference::new(),
        connections,
        openings: vec![HTTPS],
        now: NOW,
    }
}

/// A connection that was asked for ten minutes ago.
fn to_vpc(id: Uuid) -> ConnectionWish {
    let peer = Peer::AwsVpc { account: "444455556666".into(), vpc: format!("vpc-peer{}", id.as_u128()), region: None };
    let sent_at = Some(NOW - 600_000 + id.as_u128() as i64);
    ConnectionWish { id, peer, present: true, ranges: vec![], reference: Reference::new(), sent_at, was_active: false }
}

fn to_gateway(id: Uuid, ranges: &[&str]) -> ConnectionWish {
    let peer = Peer::AwsTransitGateway { account: "444455556666".into(), gateway: "tgw-1".into() };
    ConnectionWish { peer, ranges: ranges.iter().map(|range| net(range)).collect(), ..to_vpc(id) }
}

fn referring(mut connection: ConnectionWish, key: &str, id: &str) -> ConnectionWish {
    connection.reference.insert(key.into(), id.into());
    connection
}

fn tags(tags: &[(&str, &str)]) -> Tags {
    let tag = |(key, value): &(&str, &str)| Tag { key: (*key).into(), value: (*value).into() };
    Set { item: tags.iter().map(tag).collect() }
}

/// Nothing, in a region of three zones.
fn nothing() -> Seen {
    Seen {
        vpc: None,
        spare: vec![],
        zones: ["eu-west-1a", "eu-west-1b", "eu-west-1c"].map(String::from).to_vec(),
        subnets: vec![],
        tables: vec![],
        group: None,
        peerings: vec![],
        attachments: Ok(vec![]),
        foreign: vec![],
        held: vec![],
        settle: SETTLE,
    }
}

/// The network as it should be.
fn ready() -> Seen {
    let ours = ALPHA.to_string();
    let own = || tags(&[(VPC_TAG, &ours)]);
    let subnet = |letter: &str, cidr: &str| Subnet {
        subnet_id: format!("subnet-{letter}"),
        vpc_id: Some("vpc-1".into()),
        cidr_block: Some(net(cidr)),
        availability_zone: format!("eu-west-1{letter}"),
        tag_set: own(),
    };
    let associated = |letter: &str| Association {
        route_table_association_id: format!("rtbassoc-{letter}"),
        subnet_id: Some(format!("subnet-{letter}")),
        main: false,
    };
    let local = Route {
        destination_cidr_block: Some(net("10.20.0.0/22")),
        gateway_id: Some("local".into()),
        ..Route::default()
    };
    Seen {
        vpc: Some(Vpc {
            vpc_id: "vpc-1".into(),
            owner_id: Some("111122223333".into()),
            state: Some("available".into()),
            cidr_block: Some(net("10.20.0.0/22")),
            tag_set: tags(&[(VPC_TAG, &ours), (ZONES_TAG, "eu-west-1a,eu-west-1b,eu-west-1c")]),
        }),
        zones: vec![],
        subnets: vec![subnet("a", "10.20.0.0/24"), subnet("b", "10.20.1.0/24"), subnet("c", "10.20.2.0/24")],
        tables: vec![RouteTable {
            route_table_id: TABLE.into(),
            route_set: Set { item: vec![local] },
            association_set: Set { item: ["a", "b", "c"].map(associated).to_vec() },
            tag_set: own(),
        }],
        group: Some(SecurityGroup {
            group_id: "sg-1".into(),
            group_name: "causeway".into(),
            ip_permissions: Set::default(),
            tag_set: own(),
        }),
        ..nothing()
    }
}

fn peering(connection: Uuid, status: &str, ranges: &[&str]) -> Peering {
    let id = connection.as_u128();
    let blocks = ranges.iter().map(|range| CidrBlock { cidr_block: net(range) });
    Peering {
        vpc_peering_connection_id: format!("pcx-{id}"),
        requester_vpc_info: Side { owner_id: "111122223333".into(), vpc_id: "vpc-1".into(), ..Side::default() },
        accepter_vpc_info: Side {
            owner_id: "444455556666".into(),
            vpc_id: format!("vpc-peer{id}"),
            region: Some("us-east-1".into()),
            cidr_block: None,
            cidr_block_set: Set { item: blocks.collect() },
        },
        status: Status { code: status.into(), message: format!("It is {status}.") },
        expiration_time: Some("2027-01-22T08:00:00.000Z".into()),
        tag_set: tags(&[(CONNECTION_TAG, &connection.to_string())]),
    }
}

fn attachment(connection: Uuid, state: &str) -> Attachment {
    Attachment {
        transit_gateway_attachment_id: "tgw-attach-1".into(),
        transit_gateway_id: "tgw-1".into(),
        vpc_id: "vpc-1".into(),
        state: state.into(),
        subnet_ids: Set::default(),
        tag_set: tags(&[(CONNECTION_TAG, &connection.to_string())]),
    }
}

fn with_route(mut seen: Seen, range: &str, target: &str, state: &str) -> Seen {
    let (peering, gateway) =
        if target.starts_with("tgw-") { (None, Some(target.into())) } else { (Some(target.into()), None) };
    seen.tables[0].route_set.item.push(Route {
        destination_cidr_block: Some(net(range)),
        vpc_peering_connection_id: peering,
        transit_gateway_id: gateway,
        gateway_id: None,
        state: Some(state.into()),
    });
    seen
}

fn with_https(mut seen: Seen, range: &str, connection: Uuid) -> Seen {
    let group = seen.group.as_mut().expect("a ready network has a group");
    group.ip_permissions.item.push(Permission {
        ip_protocol: "tcp".into(),
        from_port: Some(443),
        to_port: Some(443),
        ip_ranges: Set {
            item: vec![IpRange {
                cidr_ip: Some(net(range)),
                description: Some(format!("{CONNECTION_TAG}={connection}")),
            }],
        },
    });
    seen
}
