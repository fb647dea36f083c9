//! How a VPC is laid out: a subnet in each of up to four availability zones, one route table for all, one
//! security group.

use ipnet::Ipv4Net;

use super::{
    seen::{Seen, ZONES_TAG},
    step::Step,
};
use crate::Wish;

const MOST_ZONES: usize = 4;
/// AWS makes no smaller subnet.
const SMALLEST: u8 = 28;

/// The zones of a new VPC: the first four by name.
pub(super) fn zones(available: &[String], cidr: Ipv4Net) -> Vec<String> {
    let most = 1_usize << SMALLEST.saturating_sub(cidr.prefix_len()).min(2);
    available.iter().take(MOST_ZONES.min(most)).cloned().collect()
}

/// Equal parts of the range, a zone each; three zones leave the last quarter free.
pub(super) fn parts(cidr: Ipv4Net, zones: &[String]) -> Vec<(String, Ipv4Net)> {
    let bits = zones.len().next_power_of_two().trailing_zeros() as u8;
    let parts = cidr.subnets(cidr.prefix_len() + bits);
    parts.into_iter().flatten().zip(zones).map(|(part, zone)| (zone.clone(), part)).collect()
}

/// The zones that the VPC was laid out for; without the tag, those where it has subnets.
fn planned(seen: &Seen) -> Vec<String> {
    let tag = seen.vpc.as_ref().and_then(|vpc| vpc.tag_set.get(ZONES_TAG)).unwrap_or_default();
    let zones: Vec<String> = tag.split(',').filter(|zone| !zone.is_empty()).map(str::to_owned).collect();
    if zones.is_empty() { seen.subnets.iter().map(|subnet| subnet.availability_zone.clone()).collect() } else { zones }
}

fn is_associated(seen: &Seen, subnet: &str) -> bool {
    let mut associations = seen.tables.iter().flat_map(|table| &table.association_set.item);
    associations.any(|association| association.subnet_id.as_deref() == Some(subnet))
}

pub(super) fn is_ready(wish: &Wish, seen: &Seen) -> bool {
    let is_available =
        seen.vpc.as_ref().is_some_and(|vpc| vpc.state.as_deref().is_none_or(|state| state == "available"));
    is_available && !seen.subnets.is_empty() && missing(wish, seen).is_empty()
}

/// The calls that build what is missing, in their order.
pub(super) fn missing(wish: &Wish, seen: &Seen) -> Vec<Step> {
    let Some(vpc) = &seen.vpc else {
        let zones = zones(&seen.zones, wish.cidr);
        return vec![Step::CreateVpc { cidr: wish.cidr, zones }];
    };
    let vpc = &vpc.vpc_id;
    let mut steps = Vec::new();
    for (zone, cidr) in parts(wish.cidr, &planned(seen)) {
        if !seen.subnets.iter().any(|subnet| subnet.availability_zone == zone) {
            steps.push(Step::CreateSubnet { vpc: vpc.clone(), zone, cidr });
        }
    }
    let Some(table) = seen.tables.first() else {
        steps.push(Step::CreateRouteTable { vpc: vpc.clone() });
        return steps;
    };
    for subnet in seen.subnets.iter().filter(|subnet| !is_associated(seen, &subnet.subnet_id)) {
        let (table, subnet) = (table.route_table_id.clone(), subnet.subnet_id.clone());
        steps.push(Step::AssociateRouteTable { table, subnet });
    }
    if seen.group.is_none() {
        steps.push(Step::CreateSecurityGroup { vpc: vpc.clone() });
    }
    steps
}

/// The calls that take it all down: a VPC goes last, because it may hold nothing then.
pub(super) fn surplus(seen: &Seen) -> Vec<Step> {
    let associations = seen.tables.iter().flat_map(|table| &table.association_set.item);
    let associations = associations.filter(|association| association.subnet_id.is_some());
    let associations = associations.map(|one| Step::DisassociateRouteTable(one.route_table_association_id.clone()));
    let subnets = seen.subnets.iter().map(|subnet| Step::DeleteSubnet(subnet.subnet_id.clone()));
    let tables = seen.tables.iter().map(|table| Step::DeleteRouteTable(table.route_table_id.clone()));
    let group = seen.group.iter().map(|group| Step::DeleteSecurityGroup(group.group_id.clone()));
    let vpc = seen.vpc.iter().chain(&seen.spare).map(|vpc| Step::DeleteVpc(vpc.vpc_id.clone()));
    associations.chain(subnets).chain(tables).chain(group).chain(vpc).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        ["a", "b", "c", "d", "e", "f"][..count].iter().map(|letter| format!("eu-west-1{letter}")).collect()
    }

    fn told(cidr: &str, count: usize) -> Vec<String> {
        let cidr = cidr.parse().expect("is a range");
        let parts = parts(cidr, &zones(&names(count), cidr));
        parts.into_iter().map(|(zone, part)| format!("{zone} {part}")).collect()
    }

    #[test]
    fn three_zones_get_a_quarter_each() {
        assert_eq!(
            told("10.20.0.0/22", 3),
            ["eu-west-1a 10.20.0.0/24", "eu-west-1b 10.20.1.0/24", "eu-west-1c 10.20.2.0/24"]
        );
    }

    #[test]
    fn of_six_zones_four_are_used() {
        assert_eq!(told("10.20.0.0/24", 6).last().map(String::as_str), Some("eu-west-1d 10.20.0.192/26"));
    }

    #[test]
    fn one_zone_gets_everything_and_a_small_range_is_not_split_below_what_aws_takes() {
        assert_eq!(told("10.20.0.0/24", 1), ["eu-west-1a 10.20.0.0/24"]);
        assert_eq!(told("10.20.0.0/27", 3), ["eu-west-1a 10.20.0.0/28", "eu-west-1b 10.20.0.16/28"]);
        assert_eq!(told("10.20.0.0/28", 3), ["eu-west-1a 10.20.0.0/28"]);
    }
}
