//! VPCs with their ranges, subnets, zones and regions.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, Refused, Thing, ec2, groups, interfaces, internet, peering,
    request::{Noun, Owned, Request, Tags, overlap},
    routes, tags, transit,
    xml::Xml,
};
use crate::lookalike::World;

/// Where everybody may build.
pub const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vpc {
    pub owned: Owned,
    /// The first is the one that it was made with.
    pub ranges: Vec<Range>,
    pub is_default: bool,
    /// When it becomes available; `None`: it is.
    pub due: Option<i64>,
    pub available: bool,
}

/// A range of a VPC, with the id of its association.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Range {
    pub id: String,
    pub cidr: Ipv4Net,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subnet {
    pub owned: Owned,
    pub vpc: String,
    pub cidr: Ipv4Net,
    pub zone: String,
    pub due: Option<i64>,
    pub available: bool,
}

impl Vpc {
    pub fn cidrs(&self) -> impl Iterator<Item = &Ipv4Net> {
        self.ranges.iter().map(|range| &range.cidr)
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        self.cidrs().any(|one| other.cidrs().any(|another| overlap(one, another)))
    }
}

fn state(available: bool) -> &'static str {
    if available { "available" } else { "pending" }
}

impl Noun for Vpc {
    const PREFIX: &'static str = "vpc-0";
    const NOT_FOUND: &'static str = "InvalidVpcID.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Vpc(vpc) = thing { Some(vpc) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Vpc(vpc) = thing { Some(vpc) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Vpc(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        Some(match name {
            "vpc-id" => vec![id.to_owned()],
            "state" => vec![state(self.available).to_owned()],
            "cidr" | "cidr-block" => self.cidrs().take(1).map(ToString::to_string).collect(),
            "cidr-block-association.cidr-block" => self.cidrs().map(ToString::to_string).collect(),
            "is-default" | "isDefault" => vec![self.is_default.to_string()],
            _ => return None,
        })
    }

    fn missing(id: &str) -> String {
        format!("The vpc ID '{id}' does not exist")
    }
}

impl Noun for Subnet {
    const PREFIX: &'static str = "subnet-0";
    const NOT_FOUND: &'static str = "InvalidSubnetID.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Subnet(subnet) = thing { Some(subnet) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Subnet(subnet) = thing { Some(subnet) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Subnet(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        Some(match name {
            "subnet-id" => vec![id.to_owned()],
            "vpc-id" => vec![self.vpc.clone()],
            "state" => vec![state(self.available).to_owned()],
            "cidr" | "cidr-block" | "cidrBlock" => vec![self.cidr.to_string()],
            "availability-zone" | "availabilityZone" => vec![self.zone.clone()],
            _ => return None,
        })
    }

    fn missing(id: &str) -> String {
        format!("The subnet ID '{id}' does not exist")
    }
}

pub fn describe_regions(_world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let wanted = request.list("RegionName");
    let chosen = REGIONS.iter().filter(|region| wanted.is_empty() || wanted.iter().any(|name| name == *region));
    xml.set("regionInfo", chosen, |xml, region| {
        xml.text("regionName", region);
        xml.text("regionEndpoint", format!("ec2.{region}.amazonaws.com"));
        xml.text("optInStatus", "opt-in-not-required");
    });
    Ok(())
}

pub fn zones(region: &str) -> [String; 3] {
    ["a", "b", "c"].map(|letter| format!("{region}{letter}"))
}

/// `euw1-az1` for the first zone of `eu-west-1`.
fn zone_id(region: &str, index: usize) -> String {
    let short = region.split('-').enumerate().map(|(place, part)| match (place, part) {
        (0, part) => part.to_owned(),
        (_, "northeast") => "ne".into(),
        (_, "northwest") => "nw".into(),
        (_, "southeast") => "se".into(),
        (_, "southwest") => "sw".into(),
        (_, part) => part.chars().take(1).collect(),
    });
    format!("{}-az{}", short.collect::<String>(), index + 1)
}

pub fn describe_zones(_world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let region = &request.region;
    xml.set("availabilityZoneInfo", zones(region).iter().enumerate(), |xml, (index, zone)| {
        xml.text("zoneName", zone);
        xml.text("zoneState", "available");
        xml.text("regionName", region);
        xml.text("messageSet", "");
        xml.text("zoneId", zone_id(region, index));
        xml.text("zoneType", "availability-zone");
        xml.text("groupName", region);
        xml.text("networkBorderGroup", region);
        xml.text("optInStatus", "opt-in-not-required");
    });
    Ok(())
}

pub fn create_vpc(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let given = request.text("CidrBlock")?;
    let cidr = request.cidr("CidrBlock")?;
    if !(16..=28).contains(&cidr.prefix_len()) {
        return Err(Refused::new("InvalidVpc.Range", format!("The CIDR '{given}' is invalid.")));
    }
    let owned = request.owned(world, "vpc");
    let id = put_vpc(world, owned, cidr, false);
    let vpc = world.get(&id).and_then(Vpc::of).ok_or_else(|| Refused::new(Vpc::NOT_FOUND, Vpc::missing(&id)))?;
    xml.within("vpc", |xml| write_vpc(xml, &id, vpc));
    Ok(())
}

/// With its main route table and default security group.
pub fn put_vpc(world: &mut World<Aws>, owned: Owned, cidr: Ipv4Net, is_default: bool) -> String {
    let id = ec2::id("vpc-0");
    let bare = Owned { tags: Tags::new(), ..owned.clone() };
    routes::put_main(world, bare.clone(), &id);
    groups::put_default(world, bare, &id);
    let due = if is_default { None } else { world.due("Vpc/pending") };
    let range = Range { id: ec2::id("vpc-cidr-assoc-0"), cidr };
    world.put(&id, Vpc { owned, ranges: vec![range], is_default, due, available: is_default }.wrap());
    id
}

/// The default VPC that a new account finds in every region.
pub fn put_default(world: &mut World<Aws>, account: &str, region: &str) {
    let owned = Owned { account: account.into(), region: region.into(), made_at: world.now(), tags: Tags::new() };
    let cidr = Ipv4Net::new_assert([172, 31, 0, 0].into(), 16);
    let vpc = put_vpc(world, owned.clone(), cidr, true);
    internet::put_attached(world, owned.clone(), &vpc);
    let parts = cidr.subnets(20).into_iter().flatten();
    for (zone, cidr) in zones(region).into_iter().zip(parts) {
        let subnet = Subnet { owned: owned.clone(), vpc: vpc.clone(), cidr, zone, due: None, available: true };
        world.put(ec2::id("subnet-0"), subnet.wrap());
    }
}

pub fn describe_vpcs(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (vpcs, next) = request.describe::<Vpc>(world, "VpcId")?;
    xml.set("vpcSet", vpcs, |xml, (id, vpc)| write_vpc(xml, id, vpc));
    xml.maybe("nextToken", next);
    Ok(())
}

fn write_vpc(xml: &mut Xml, id: &str, vpc: &Vpc) {
    xml.text("vpcId", id);
    xml.text("ownerId", &vpc.owned.account);
    xml.text("state", state(vpc.available));
    xml.maybe("cidrBlock", vpc.cidrs().next());
    xml.set("cidrBlockAssociationSet", &vpc.ranges, write_range);
    xml.text("dhcpOptionsId", "default");
    tags::write(xml, &vpc.owned.tags);
    xml.text("instanceTenancy", "default");
    xml.text("isDefault", vpc.is_default);
}

fn write_range(xml: &mut Xml, range: &Range) {
    xml.text("associationId", &range.id);
    xml.text("cidrBlock", range.cidr);
    xml.within("cidrBlockState", |xml| xml.text("state", "associated"));
}

pub fn delete_vpc(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("VpcId")?.to_owned();
    request.find::<Vpc>(world, &id)?;
    let in_use = world.under(Subnet::PREFIX).any(|(_, thing)| Subnet::of(thing).is_some_and(|subnet| subnet.vpc == id))
        || routes::hold(world, &id)
        || groups::hold(world, &id)
        || peering::hold(world, &id)
        || transit::hold(world, &id)
        || internet::is_attached(world, &id);
    if in_use {
        let message = format!("The vpc '{id}' has dependencies and cannot be deleted.");
        return Err(Refused::new("DependencyViolation", message));
    }
    routes::remove_main(world, &id);
    groups::remove_default(world, &id);
    world.remove(&id);
    xml.text("return", true);
    Ok(())
}

pub fn associate_cidr(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("VpcId")?;
    let (vpc, cidr) = (request.find::<Vpc>(world, id)?, request.cidr("CidrBlock")?);
    if !(16..=28).contains(&cidr.prefix_len()) {
        return Err(Refused::new("InvalidVpc.Range", format!("The CIDR '{cidr}' is invalid.")));
    }
    if vpc.cidrs().any(|own| overlap(own, &cidr)) {
        let message = format!("The CIDR '{cidr}' conflicts with one of the CIDRs of VPC {id}.");
        return Err(Refused::new("CidrConflict", message));
    }
    let range = Range { id: ec2::id("vpc-cidr-assoc-0"), cidr };
    xml.text("vpcId", id);
    xml.within("cidrBlockAssociation", |xml| write_range(xml, &range));
    world.change(id, |thing| Vpc::of_mut(thing).map(|vpc| vpc.ranges.push(range)));
    Ok(())
}

pub fn disassociate_cidr(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let wanted = request.text("AssociationId")?;
    let unknown = || {
        let message = format!("The vpc CIDR block with association ID {wanted} does not exist");
        Refused::new("InvalidVpcCidrBlockAssociationID.NotFound", message)
    };
    let place_of = |vpc: &Vpc| {
        let own = vpc.seen_by(request, world);
        vpc.ranges.iter().position(|range| own && range.id == wanted)
    };
    let found = world.under(Vpc::PREFIX).find_map(|(id, thing)| Some((id.to_owned(), place_of(Vpc::of(thing)?)?)));
    let (id, place) = found.ok_or_else(unknown)?;
    if place == 0 {
        let message = "The vpc CIDR block is the primary one and cannot be disassociated.";
        return Err(Refused::new("OperationNotPermitted", message));
    }
    let range = world.change(&id, |thing| Vpc::of_mut(thing).map(|vpc| vpc.ranges.remove(place))).flatten();
    let range = range.ok_or_else(unknown)?;
    if world
        .under(Subnet::PREFIX)
        .any(|(_, thing)| Subnet::of(thing).is_some_and(|subnet| subnet.vpc == id && range.cidr.contains(&subnet.cidr)))
    {
        let message = format!("The vpc CIDR block {} has subnets and cannot be disassociated.", range.cidr);
        return Err(Refused::new("CidrBlockInUse", message));
    }
    xml.text("vpcId", &id);
    xml.within("cidrBlockAssociation", |xml| {
        xml.text("associationId", &range.id);
        xml.text("cidrBlock", range.cidr);
        xml.within("cidrBlockState", |xml| xml.text("state", "disassociating"));
    });
    Ok(())
}

pub fn create_subnet(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (vpc_id, cidr) = (request.text("VpcId")?.to_owned(), request.cidr("CidrBlock")?);
    let vpc = request.find::<Vpc>(world, &vpc_id)?;
    if !(16..=28).contains(&cidr.prefix_len()) || !vpc.cidrs().any(|range| range.contains(&cidr)) {
        return Err(Refused::new("InvalidSubnet.Range", format!("The CIDR '{cidr}' is invalid.")));
    }
    let siblings = world.under(Subnet::PREFIX).filter_map(|(_, thing)| Subnet::of(thing));
    if siblings.filter(|subnet| subnet.vpc == vpc_id).any(|subnet| overlap(&subnet.cidr, &cidr)) {
        return Err(Refused::new("InvalidSubnet.Conflict", format!("The CIDR '{cidr}' conflicts with another subnet")));
    }
    let zones = zones(&request.region);
    let zone = request.maybe("AvailabilityZone").unwrap_or(&zones[0]).to_owned();
    if !zones.contains(&zone) {
        let message = format!(
            "Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: {}.",
            zones.join(", ")
        );
        return Err(Refused::new("InvalidParameterValue", message));
    }
    let owned = request.owned(world, "subnet");
    let due = world.due("Subnet/pending");
    let (id, subnet) = (ec2::id("subnet-0"), Subnet { owned, vpc: vpc_id, cidr, zone, due, available: false });
    xml.within("subnet", |xml| write_subnet(xml, &id, &subnet));
    world.put(id, subnet.wrap());
    Ok(())
}

pub fn describe_subnets(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (subnets, next) = request.describe::<Subnet>(world, "SubnetId")?;
    xml.set("subnetSet", subnets, |xml, (id, subnet)| write_subnet(xml, id, subnet));
    xml.maybe("nextToken", next);
    Ok(())
}

fn write_subnet(xml: &mut Xml, id: &str, subnet: &Subnet) {
    let Owned { account, region, .. } = &subnet.owned;
    let index = zones(region).iter().position(|zone| *zone == subnet.zone).unwrap_or(0);
    xml.text("subnetId", id);
    xml.text("subnetArn", format!("arn:aws:ec2:{region}:{account}:subnet/{id}"));
    xml.text("state", state(subnet.available));
    xml.text("ownerId", account);
    xml.text("vpcId", &subnet.vpc);
    xml.text("cidrBlock", subnet.cidr);
    // The vendor keeps five addresses of each subnet for itself.
    xml.text("availableIpAddressCount", (1_u32 << (32 - subnet.cidr.prefix_len())) - 5);
    xml.text("availabilityZone", &subnet.zone);
    xml.text("availabilityZoneId", zone_id(region, index));
    xml.text("defaultForAz", false);
    xml.text("mapPublicIpOnLaunch", false);
    tags::write(xml, &subnet.owned.tags);
}

pub fn delete_subnet(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("SubnetId")?.to_owned();
    request.find::<Subnet>(world, &id)?;
    if transit::uses_subnet(world, &id) || interfaces::hold(world, &id) {
        let message = format!("The subnet '{id}' has dependencies and cannot be deleted.");
        return Err(Refused::new("DependencyViolation", message));
    }
    routes::forget_subnet(world, &id);
    world.remove(&id);
    xml.text("return", true);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_the_short_names_that_the_vendor_gives_them() {
        assert_eq!(zone_id("eu-west-1", 0), "euw1-az1");
        assert_eq!(zone_id("ap-southeast-2", 2), "apse2-az3");
        assert_eq!(zone_id("us-east-1", 1), "use1-az2");
    }
}
