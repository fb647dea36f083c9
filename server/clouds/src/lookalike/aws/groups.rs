//! Security groups: who may reach what, rule by rule, as EC2 counts them.

use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, Refused, Thing, ec2,
    networks::Vpc,
    request::{Noun, Owned, Request, parse_cidr},
    tags,
    xml::Xml,
};
use crate::lookalike::World;

/// The most rules of a group; the vendor's default of 60, raised as far as it raises it.
const MOST_RULES: usize = 1_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    pub owned: Owned,
    pub vpc: String,
    pub name: String,
    pub description: String,
    pub ingress: Vec<Rule>,
    pub egress: Vec<Rule>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    pub id: String,
    pub reach: Reach,
    pub description: Option<String>,
}

/// What makes two rules the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
    pub protocol: String,
    pub from: Option<i32>,
    pub to: Option<i32>,
    pub source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Range(String),
    Group(String),
}

#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

impl Group {
    fn rules(&mut self, way: Way) -> &mut Vec<Rule> {
        match way {
            Way::In => &mut self.ingress,
            Way::Out => &mut self.egress,
        }
    }
}

impl Noun for Group {
    const PREFIX: &'static str = "sg-0";
    const NOT_FOUND: &'static str = "InvalidGroup.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Group(group) = thing { Some(group) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Group(group) = thing { Some(group) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Group(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        let ranges = |rules: &[Rule]| {
            let range = |rule: &Rule| match &rule.reach.source {
                Source::Range(range) => Some(range.clone()),
                Source::Group(_) => None,
            };
            rules.iter().filter_map(range).collect()
        };
        Some(match name {
            "group-id" => vec![id.to_owned()],
            "group-name" => vec![self.name.clone()],
            "vpc-id" => vec![self.vpc.clone()],
            "description" => vec![self.description.clone()],
            "ip-permission.cidr" => ranges(&self.ingress),
            "egress.ip-permission.cidr" => ranges(&self.egress),
            _ => return None,
        })
    }

    fn missing(id: &str) -> String {
        format!("The security group '{id}' does not exist")
    }
}

fn of_vpc<'a>(world: &'a World<Aws>, vpc: &'a str) -> impl Iterator<Item = (&'a str, &'a Group)> {
    let all = world.under(Group::PREFIX).filter_map(|(id, thing)| Some((id, Group::of(thing)?)));
    all.filter(move |(_, group)| group.vpc == vpc)
}

/// Whether a VPC may not go because of a group.
pub fn hold(world: &World<Aws>, vpc: &str) -> bool {
    of_vpc(world, vpc).any(|(_, group)| group.name != "default")
}

fn everything_out() -> Vec<Rule> {
    let source = Source::Range("0.0.0.0/0".into());
    let reach = Reach { protocol: "-1".into(), from: None, to: None, source };
    vec![Rule { id: ec2::id("sgr-0"), reach, description: None }]
}

pub fn put_default(world: &mut World<Aws>, owned: Owned, vpc: &str) {
    let id = ec2::id(Group::PREFIX);
    let reach = Reach { protocol: "-1".into(), from: None, to: None, source: Source::Group(id.clone()) };
    let group = Group {
        owned,
        vpc: vpc.to_owned(),
        name: "default".into(),
        description: "default VPC security group".into(),
        ingress: vec![Rule { id: ec2::id("sgr-0"), reach, description: None }],
        egress: everything_out(),
    };
    world.put(id, group.wrap());
}

pub fn remove_default(world: &mut World<Aws>, vpc: &str) {
    let ids: Vec<_> = of_vpc(world, vpc).map(|(id, _)| id.to_owned()).collect();
    for id in ids {
        world.remove(&id);
    }
}

pub fn create(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let vpc = request.text("VpcId")?.to_owned();
    let (name, description) = (request.text("GroupName")?.to_owned(), request.text("GroupDescription")?.to_owned());
    request.find::<Vpc>(world, &vpc)?;
    if name.starts_with("sg-") {
        let message = "Group names may not be in the format sg-*.";
        return Err(Refused::new("InvalidParameterValue", message));
    }
    if of_vpc(world, &vpc).any(|(_, group)| group.name == name) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(Refused::new("InvalidGroup.Duplicate", message));
    }
    let owned = request.owned(world, "security-group");
    let (id, egress) = (ec2::id(Group::PREFIX), everything_out());
    let group = Group { owned, vpc, name, description, ingress: Vec::new(), egress };
    xml.text("return", true);
    xml.text("groupId", &id);
    tags::write(xml, &group.owned.tags);
    xml.text("securityGroupArn", arn(&id, &group));
    world.put(id, group.wrap());
    Ok(())
}

fn arn(id: &str, group: &Group) -> String {
    format!("arn:aws:ec2:{}:{}:security-group/{id}", group.owned.region, group.owned.account)
}

pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (groups, next) = request.describe::<Group>(world, "GroupId")?;
    xml.set("securityGroupInfo", groups, |xml, (id, group)| {
        xml.text("ownerId", &group.owned.account);
        xml.text("groupId", id);
        xml.text("groupName", &group.name);
        xml.text("groupDescription", &group.description);
        xml.text("vpcId", &group.vpc);
        write_permissions(xml, "ipPermissions", &group.ingress, &group.owned.account);
        write_permissions(xml, "ipPermissionsEgress", &group.egress, &group.owned.account);
        tags::write(xml, &group.owned.tags);
        xml.text("securityGroupArn", arn(id, group));
    });
    xml.maybe("nextToken", next);
    Ok(())
}

/// Rules of the same protocol and ports are one permission with several sources.
fn write_permissions(xml: &mut Xml, name: &str, rules: &[Rule], account: &str) {
    let mut permissions: Vec<(&Reach, Vec<&Rule>)> = Vec::new();
    for rule in rules {
        let like = |reach: &Reach| {
            (&reach.protocol, reach.from, reach.to) == (&rule.reach.protocol, rule.reach.from, rule.reach.to)
        };
        match permissions.iter_mut().find(|(reach, _)| like(reach)) {
            Some((_, known)) => known.push(rule),
            None => permissions.push((&rule.reach, vec![rule])),
        }
    }
    xml.set(name, permissions, |xml, (reach, rules)| {
        xml.text("ipProtocol", &reach.protocol);
        xml.maybe("fromPort", reach.from);
        xml.maybe("toPort", reach.to);
        let groups = rules.iter().filter(|rule| matches!(rule.reach.source, Source::Group(_)));
        xml.set("groups", groups, |xml, rule| {
            if let Source::Group(group) = &rule.reach.source {
                xml.text("userId", account);
                xml.text("groupId", group);
            }
            xml.maybe("description", rule.description.as_ref());
        });
        let ranges = rules.iter().filter(|rule| matches!(rule.reach.source, Source::Range(_)));
        xml.set("ipRanges", ranges, |xml, rule| {
            if let Source::Range(range) = &rule.reach.source {
                xml.text("cidrIp", range);
            }
            xml.maybe("description", rule.description.as_ref());
        });
        xml.text("ipv6Ranges", "");
        xml.text("prefixListIds", "");
    });
}

fn write_rule(xml: &mut Xml, id: &str, group: &Group, rule: &Rule, way: Way) {
    xml.text("securityGroupRuleId", &rule.id);
    xml.text("groupId", id);
    xml.text("groupOwnerId", &group.owned.account);
    xml.text("isEgress", matches!(way, Way::Out));
    xml.text("ipProtocol", &rule.reach.protocol);
    xml.text("fromPort", rule.reach.from.unwrap_or(-1));
    xml.text("toPort", rule.reach.to.unwrap_or(-1));
    match &rule.reach.source {
        Source::Range(range) => xml.text("cidrIpv4", range),
        Source::Group(other) => xml.within("referencedGroupInfo", |xml| xml.text("groupId", other)),
    }
    xml.maybe("description", rule.description.as_ref());
}

pub fn describe_rules(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (groups, next) = request.describe::<Group>(world, "GroupId")?;
    let ways = |(id, group): (&'_ str, &'_ Group)| {
        let of = |rules: &[Rule], way| rules.iter().map(|rule| (rule.clone(), way)).collect::<Vec<_>>();
        let rules = [of(&group.ingress, Way::In), of(&group.egress, Way::Out)].concat();
        let (id, group) = (id.to_owned(), group.clone());
        rules.into_iter().map(move |(rule, way)| (id.clone(), group.clone(), rule, way)).collect::<Vec<_>>()
    };
    let rules = groups.into_iter().flat_map(ways);
    xml.set("securityGroupRuleSet", rules, |xml, (id, group, rule, way)| write_rule(xml, &id, &group, &rule, way));
    xml.maybe("nextToken", next);
    Ok(())
}

pub fn delete(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("GroupId")?.to_owned();
    if request.find::<Group>(world, &id)?.name == "default" {
        let message = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(Refused::new("CannotDelete", message));
    }
    let names = |rule: &Rule| matches!(&rule.reach.source, Source::Group(source) if *source == id);
    let others = world.under(Group::PREFIX).filter(|(other, _)| *other != id).filter_map(|(_, thing)| Group::of(thing));
    if others.flat_map(|group| group.ingress.iter().chain(&group.egress)).any(names) {
        return Err(Refused::new("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    world.remove(&id);
    xml.text("return", true);
    xml.text("groupId", &id);
    Ok(())
}

/// The rules of a request, one for each permission and source.
fn asked(request: &Request) -> Answer<Vec<(Reach, Option<String>)>> {
    let mut all = Vec::new();
    for prefix in request.groups("IpPermissions") {
        let text = |name: &str| request.maybe(&format!("{prefix}{name}"));
        let protocol = protocol(text("IpProtocol").unwrap_or("-1"));
        let (from, to) = (port(text("FromPort"))?, port(text("ToPort"))?);
        // "-1" is all protocols, and then all ports, whatever is written.
        let (from, to) = if protocol == "-1" { (None, None) } else { (from, to) };
        check_ports(&protocol, from, to)?;
        let mut add = |source, description: Option<&str>| {
            all.push((Reach { protocol: protocol.clone(), from, to, source }, description.map(str::to_owned)));
        };
        for range in request.groups(&format!("{prefix}IpRanges")) {
            let given = request.text(&format!("{range}CidrIp"))?;
            let net = parse_cidr(given)
                .map_err(|_| Refused::new("InvalidParameterValue", format!("CIDR block {given} is malformed")))?;
            add(Source::Range(net.to_string()), request.maybe(&format!("{range}Description")));
        }
        for group in request.groups(&format!("{prefix}Groups")) {
            let id = request.text(&format!("{group}GroupId"))?.to_owned();
            add(Source::Group(id), request.maybe(&format!("{group}Description")));
        }
    }
    if all.is_empty() {
        let message = "The request must contain the parameter ipPermissions";
        return Err(Refused::new("MissingParameter", message));
    }
    Ok(all)
}

fn protocol(given: &str) -> String {
    match given {
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "all" => "-1",
        other => other,
    }
    .to_owned()
}

fn port(given: Option<&str>) -> Answer<Option<i32>> {
    let read =
        |text: &str| text.parse().map_err(|_| Refused::new("InvalidParameterValue", format!("Invalid port '{text}'")));
    given.map(read).transpose()
}

fn check_ports(protocol: &str, from: Option<i32>, to: Option<i32>) -> Answer<()> {
    if !matches!(protocol, "tcp" | "udp") {
        return Ok(());
    }
    let (Some(from), Some(to)) = (from, to) else {
        return Err(Refused::new("InvalidParameterValue", "Invalid value 'null' for portRange. Ports must be given."));
    };
    if !(0..=65_535).contains(&from) || !(from..=65_535).contains(&to) {
        return Err(Refused::new("InvalidParameterValue", format!("Invalid TCP/UDP port range ({from}:{to})")));
    }
    Ok(())
}

pub fn authorize_ingress(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    authorize(world, request, xml, Way::In)
}

pub fn authorize_egress(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    authorize(world, request, xml, Way::Out)
}

fn authorize(world: &mut World<Aws>, request: &Request, xml: &mut Xml, way: Way) -> Answer<()> {
    let id = request.text("GroupId")?.to_owned();
    let (mut group, asked) = (request.find::<Group>(world, &id)?.clone(), asked(request)?);
    let first_new = group.rules(way).len();
    for (reach, description) in asked {
        let rules = group.rules(way);
        if rules.iter().any(|rule| rule.reach == reach) {
            let message = format!("the specified rule \"{}\" already exists", spoken(&reach));
            return Err(Refused::new("InvalidPermission.Duplicate", message));
        }
        if rules.len() >= MOST_RULES {
            let message = "The maximum number of rules per security group has been reached.";
            return Err(Refused::new("RulesPerSecurityGroupLimitExceeded", message));
        }
        rules.push(Rule { id: ec2::id("sgr-0"), reach, description });
    }
    let new = group.rules(way)[first_new..].to_vec();
    xml.text("return", true);
    xml.set("securityGroupRuleSet", &new, |xml, rule| write_rule(xml, &id, &group, rule, way));
    world.put(&id, group.wrap());
    Ok(())
}

/// `peer: 10.0.0.0/16, TCP, from port: 5432, to port: 5432, ALLOW`
fn spoken(reach: &Reach) -> String {
    let (Source::Range(source) | Source::Group(source)) = &reach.source;
    if reach.protocol == "-1" {
        return format!("peer: {source}, ALL, ALLOW");
    }
    let (from, to) = (reach.from.unwrap_or(-1), reach.to.unwrap_or(-1));
    format!("peer: {source}, {}, from port: {from}, to port: {to}, ALLOW", reach.protocol.to_uppercase())
}

pub fn revoke_ingress(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    revoke(world, request, xml, Way::In)
}

pub fn revoke_egress(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    revoke(world, request, xml, Way::Out)
}

fn revoke(world: &mut World<Aws>, request: &Request, xml: &mut Xml, way: Way) -> Answer<()> {
    let id = request.text("GroupId")?.to_owned();
    let mut group = request.find::<Group>(world, &id)?.clone();
    let rules = group.rules(way);
    let by_id = request.list("SecurityGroupRuleId");
    if by_id.is_empty() {
        for (reach, _) in asked(request)? {
            let Some(place) = rules.iter().position(|rule| rule.reach == reach) else {
                let message = "The specified rule does not exist in this security group.";
                return Err(Refused::new("InvalidPermission.NotFound", message));
            };
            rules.remove(place);
        }
    }
    for rule_id in by_id {
        let Some(place) = rules.iter().position(|rule| rule.id == rule_id) else {
            let message = format!("The security group rule ID '{rule_id}' does not exist");
            return Err(Refused::new("InvalidSecurityGroupRuleId.NotFound", message));
        };
        rules.remove(place);
    }
    xml.text("return", true);
    world.put(id, group.wrap());
    Ok(())
}
