//! What EC2 has of one network: its pieces by their tags, and every connection that it asked for.
//!
//! One list of connections serves all of a network, however many there are. Those that the console knows by id
//! and that the list does not hold are asked for in one more call, so that their last word is not missed.

use std::collections::BTreeSet;

use super::{
    foreign::{self, Listed},
    form::Form,
    query::Query,
    trail::Held,
    wire::{Attachment, Peering, RouteTable, SecurityGroup, Subnet, Tags, Vpc, Zone},
};
use crate::{Class, ConnectionWish, Outcome, Peer, Reference, Wish};

/// On everything of a network: the VPC's id in the console.
pub(super) const VPC_TAG: &str = "causeway:vpc";
/// On every connection: its id in the console.
pub(super) const CONNECTION_TAG: &str = "causeway:connection";
/// On the VPC: the availability zones that it was laid out for, so that a zone that opens later moves nothing.
pub(super) const ZONES_TAG: &str = "causeway:zones";

/// The keys of a [`Reference`].
pub(super) const VPC: &str = "vpc_id";
pub(super) const SUBNETS: &str = "subnet_ids";
pub(super) const TABLES: &str = "route_table_ids";
pub(super) const GROUP: &str = "security_group_id";
pub(super) const PEERING: &str = "vpc_peering_connection_id";
pub(super) const ATTACHMENT: &str = "transit_gateway_attachment_id";

#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub(super) vpc: Option<Vpc>,
    /// Further VPCs with the tag: one of them was made twice, when an answer was lost and the console was killed.
    pub(super) spare: Vec<Vpc>,
    /// Where a VPC could be laid out; only read while there is none.
    pub(super) zones: Vec<String>,
    pub(super) subnets: Vec<Subnet>,
    pub(super) tables: Vec<RouteTable>,
    pub(super) group: Option<SecurityGroup>,
    pub(super) peerings: Vec<Peering>,
    /// To transit gateways; only read where there should be some, or while the VPC should go. That they cannot be
    /// read is no reason to read nothing else.
    pub(super) attachments: Outcome<Vec<Attachment>>,
    /// What others put into the VPC; only read while it should go.
    pub(super) foreign: Vec<String>,
    /// The calls that were made moments ago and may not be visible yet.
    pub(super) held: Vec<Held>,
    /// For how long absence means nothing, in milliseconds.
    pub(super) settle: i64,
}

pub(super) async fn observe(query: &Query, wish: &Wish, held: Vec<Held>, settle: i64) -> Outcome<Seen> {
    let region = &wish.region;
    let mut found = vpcs(query, wish).await?;
    let known = text(&wish.reference, VPC);
    found.sort_by(|one, other| one.vpc_id.cmp(&other.vpc_id));
    let chosen = found.iter().position(|vpc| Some(vpc.vpc_id.as_str()) == known).unwrap_or(0);
    let vpc = (!found.is_empty()).then(|| found.remove(chosen));
    let id = vpc.as_ref().map(|vpc| vpc.vpc_id.clone()).or_else(|| known.map(str::to_owned));
    let mut seen = Seen {
        vpc,
        spare: found,
        zones: Vec::new(),
        subnets: Vec::new(),
        tables: Vec::new(),
        group: None,
        peerings: Vec::new(),
        attachments: Ok(Vec::new()),
        foreign: Vec::new(),
        held,
        settle,
    };
    if seen.vpc.is_none() && wish.present {
        seen.zones = zones(query, region).await?;
    }
    let Some(id) = id else { return Ok(seen) };
    let mut listed = Listed::default();
    let within = |action: &str, most: u32| Form::ec2(action).filter("vpc-id", [&id]).with("MaxResults", most);
    if seen.vpc.is_some() {
        let (subnets, tables, groups) = tokio::try_join!(
            query.pages::<Subnet>(region, within("DescribeSubnets", 1000)),
            query.pages::<RouteTable>(region, within("DescribeRouteTables", 100)),
            query.pages::<SecurityGroup>(region, within("DescribeSecurityGroups", 1000)),
        )?;
        let group;
        (seen.subnets, listed.subnets) = own(subnets, wish, SUBNETS, |subnet| (&subnet.subnet_id, &subnet.tag_set));
        (seen.tables, listed.tables) = own(tables, wish, TABLES, |table| (&table.route_table_id, &table.tag_set));
        (group, listed.groups) = own(groups, wish, GROUP, |group| (&group.group_id, &group.tag_set));
        seen.group = group.into_iter().next();
        seen.subnets.sort_by(|one, other| one.availability_zone.cmp(&other.availability_zone));
    }
    let (peerings, attachments) = tokio::join!(peerings(query, wish, &id), attachments(query, wish, &id));
    seen.peerings = peerings?;
    seen.attachments = attachments;
    seen.foreign = foreign::observe(query, wish, &seen, listed).await?;
    Ok(seen)
}

async fn vpcs(query: &Query, wish: &Wish) -> Outcome<Vec<Vpc>> {
    let tag = format!("tag:{VPC_TAG}");
    let form = Form::ec2("DescribeVpcs").filter(&tag, [wish.id]).with("MaxResults", 1000);
    let found: Vec<Vpc> = query.pages(&wish.region, form).await?;
    let ours = wish.id.to_string();
    let found: Vec<Vpc> = found.into_iter().filter(|vpc| vpc.tag_set.get(VPC_TAG) == Some(&ours)).collect();
    let Some(known) = text(&wish.reference, VPC) else { return Ok(found) };
    if !found.is_empty() {
        return Ok(found);
    }
    // Somebody may have taken the tag away.
    match query.pages(&wish.region, Form::ec2("DescribeVpcs").list("VpcId", [known])).await {
        Err(failure) if failure.class == Class::Gone => Ok(Vec::new()),
        other => other,
    }
}

async fn zones(query: &Query, region: &str) -> Outcome<Vec<String>> {
    let form = Form::ec2("DescribeAvailabilityZones").filter("zone-type", ["availability-zone"]);
    let found: Vec<Zone> = query.pages(region, form).await?;
    let usable = |zone: &Zone| {
        zone.zone_state.as_deref().is_none_or(|state| state == "available")
            && zone.zone_type.as_deref().is_none_or(|kind| kind == "availability-zone")
    };
    let mut names: Vec<String> = found.into_iter().filter(usable).map(|zone| zone.zone_name).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

async fn peerings(query: &Query, wish: &Wish, vpc: &str) -> Outcome<Vec<Peering>> {
    let form = || Form::ec2("DescribeVpcPeeringConnections").with("MaxResults", 1000);
    let listed = form().filter("requester-vpc-info.vpc-id", [vpc]);
    let mut found: Vec<Peering> = query.pages(&wish.region, listed).await?;
    found.retain(|peering| peering.requester_vpc_info.vpc_id == vpc);
    let is_there: BTreeSet<&str> = found.iter().map(|peering| peering.vpc_peering_connection_id.as_str()).collect();
    let missing: BTreeSet<&str> = known(wish, PEERING).filter(|id| !is_there.contains(id)).collect();
    if missing.is_empty() {
        return Ok(found);
    }
    let asked = form().filter("vpc-peering-connection-id", &missing);
    let mut late: Vec<Peering> = query.pages(&wish.region, asked).await?;
    late.retain(|peering| missing.contains(peering.vpc_peering_connection_id.as_str()));
    found.extend(late);
    Ok(found)
}

async fn attachments(query: &Query, wish: &Wish, vpc: &str) -> Outcome<Vec<Attachment>> {
    let expected = wish.connections.iter().any(is_gateway);
    if !expected && wish.present {
        return Ok(Vec::new());
    }
    let form = || Form::ec2("DescribeTransitGatewayVpcAttachments").with("MaxResults", 1000);
    let answer = query.pages(&wish.region, form().filter("vpc-id", [vpc])).await;
    // Of a VPC that should go, also those that the console has forgotten.
    let mut found: Vec<Attachment> = if expected { answer? } else { foreign::readable(answer)? };
    found.retain(|attachment| attachment.vpc_id == vpc);
    let is_there: BTreeSet<&str> = found.iter().map(|found| found.transit_gateway_attachment_id.as_str()).collect();
    let missing: BTreeSet<&str> = known(wish, ATTACHMENT).filter(|id| !is_there.contains(id)).collect();
    if missing.is_empty() {
        return Ok(found);
    }
    let asked = form().filter("transit-gateway-attachment-id", &missing);
    let mut late: Vec<Attachment> = query.pages(&wish.region, asked).await?;
    late.retain(|attachment| missing.contains(attachment.transit_gateway_attachment_id.as_str()));
    found.extend(late);
    Ok(found)
}

pub(super) fn is_gateway(connection: &ConnectionWish) -> bool {
    matches!(connection.peer, Peer::AwsTransitGateway { .. })
}

pub(super) fn text<'a>(reference: &'a Reference, key: &str) -> Option<&'a str> {
    reference.get(key)?.as_str()
}

fn known<'a>(wish: &'a Wish, key: &str) -> impl Iterator<Item = &'a str> {
    wish.connections.iter().filter_map(move |connection| text(&connection.reference, key))
}

/// Those with the network's tag, with those that are known to be its own although somebody took the tag away; and the
/// others.
fn own<T>(found: Vec<T>, wish: &Wish, key: &str, name: impl Fn(&T) -> (&String, &Tags)) -> (Vec<T>, Vec<T>) {
    let tag = wish.id.to_string();
    let kept = |id: &String| match wish.reference.get(key) {
        Some(serde_json::Value::Array(ids)) => ids.iter().any(|kept| kept.as_str() == Some(id)),
        Some(kept) => kept.as_str() == Some(id),
        None => false,
    };
    let ours = |piece: &T| {
        let (id, tags) = name(piece);
        tags.get(VPC_TAG) == Some(&tag) || kept(id)
    };
    found.into_iter().partition(ours)
}
