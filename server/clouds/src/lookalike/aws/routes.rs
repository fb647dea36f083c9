//! Route tables: the main one of each VPC, others with their subnets, and routes that turn black holes.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, Refused, Thing, ec2,
    networks::{Subnet, Vpc},
    peering::{self, Peering},
    request::{Noun, Owned, Request},
    tags,
    transit::{self, Gateway},
    xml::Xml,
};
use crate::lookalike::World;

/// The most routes of a table; the vendor's default of 50, raised as far as it raises it.
const MOST_ROUTES: usize = 1_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    pub owned: Owned,
    pub vpc: String,
    pub associations: Vec<Association>,
    /// Without those to the VPC's own ranges.
    pub routes: Vec<Route>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Association {
    pub id: String,
    /// `None`: it is the main table.
    pub subnet: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Route {
    pub to: Ipv4Net,
    pub through: Target,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Peering(String),
    Gateway(String),
}

impl Table {
    fn is_main(&self) -> bool {
        self.associations.iter().any(|association| association.subnet.is_none())
    }
}

impl Noun for Table {
    const PREFIX: &'static str = "rtb-0";
    const NOT_FOUND: &'static str = "InvalidRouteTableID.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Table(table) = thing { Some(table) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Table(table) = thing { Some(table) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Table(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        let associations = self.associations.iter();
        Some(match name {
            "route-table-id" => vec![id.to_owned()],
            "vpc-id" => vec![self.vpc.clone()],
            "association.main" => vec![self.is_main().to_string()],
            "association.route-table-id" => associations.take(1).map(|_| id.to_owned()).collect(),
            "association.route-table-association-id" => associations.map(|one| one.id.clone()).collect(),
            "association.subnet-id" => associations.filter_map(|one| one.subnet.clone()).collect(),
            "route.destination-cidr-block" => self.routes.iter().map(|route| route.to.to_string()).collect(),
            "route.vpc-peering-connection-id" => self.through(|target| matches!(target, Target::Peering(_))),
            "route.transit-gateway-id" => self.through(|target| matches!(target, Target::Gateway(_))),
            _ => return None,
        })
    }

    fn missing(id: &str) -> String {
        format!("The routeTable ID '{id}' does not exist")
    }
}

impl Table {
    fn through(&self, of_kind: impl Fn(&Target) -> bool) -> Vec<String> {
        let targets = self.routes.iter().map(|route| &route.through).filter(|target| of_kind(target));
        targets
            .map(|target| match target {
                Target::Peering(id) | Target::Gateway(id) => id.clone(),
            })
            .collect()
    }
}

fn of_vpc<'a>(world: &'a World<Aws>, vpc: &'a str) -> impl Iterator<Item = (&'a str, &'a Table)> {
    let all = world.under(Table::PREFIX).filter_map(|(id, thing)| Some((id, Table::of(thing)?)));
    all.filter(move |(_, table)| table.vpc == vpc)
}

/// Whether a VPC may not go because of a table.
pub fn hold(world: &World<Aws>, vpc: &str) -> bool {
    of_vpc(world, vpc).any(|(_, table)| !table.is_main())
}

pub fn put_main(world: &mut World<Aws>, owned: Owned, vpc: &str) {
    let association = Association { id: ec2::id("rtbassoc-0"), subnet: None };
    let table = Table { owned, vpc: vpc.to_owned(), associations: vec![association], routes: Vec::new() };
    world.put(ec2::id(Table::PREFIX), table.wrap());
}

pub fn remove_main(world: &mut World<Aws>, vpc: &str) {
    let ids: Vec<_> = of_vpc(world, vpc).map(|(id, _)| id.to_owned()).collect();
    for id in ids {
        world.remove(&id);
    }
}

/// A subnet that goes leaves its table.
pub fn forget_subnet(world: &mut World<Aws>, subnet: &str) {
    let holds = |table: &Table| table.associations.iter().any(|one| one.subnet.as_deref() == Some(subnet));
    let tables = world.under(Table::PREFIX).filter(|(_, thing)| Table::of(thing).is_some_and(holds));
    let ids: Vec<_> = tables.map(|(id, _)| id.to_owned()).collect();
    for id in ids {
        edit(world, &id, |table| table.associations.retain(|one| one.subnet.as_deref() != Some(subnet)));
    }
}

fn edit(world: &mut World<Aws>, id: &str, edit: impl FnOnce(&mut Table)) {
    world.change(id, |thing| Table::of_mut(thing).map(edit));
}

pub fn create_table(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let vpc = request.text("VpcId")?.to_owned();
    request.find::<Vpc>(world, &vpc)?;
    let owned = request.owned(world, "route-table");
    let (id, table) = (ec2::id(Table::PREFIX), Table { owned, vpc, associations: Vec::new(), routes: Vec::new() });
    xml.within("routeTable", |xml| write(xml, world, &id, &table));
    world.put(id, table.wrap());
    Ok(())
}

pub fn describe_tables(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (tables, next) = request.describe::<Table>(world, "RouteTableId")?;
    xml.set("routeTableSet", tables, |xml, (id, table)| write(xml, world, id, table));
    xml.maybe("nextToken", next);
    Ok(())
}

fn write(xml: &mut Xml, world: &World<Aws>, id: &str, table: &Table) {
    xml.text("routeTableId", id);
    xml.text("vpcId", &table.vpc);
    xml.text("ownerId", &table.owned.account);
    let own = world.get(&table.vpc).and_then(Vpc::of).into_iter().flat_map(Vpc::cidrs);
    let local = own.map(|cidr| (cidr, None));
    let made = table.routes.iter().map(|route| (&route.to, Some(&route.through)));
    xml.set("routeSet", local.chain(made), |xml, (to, through)| {
        xml.text("destinationCidrBlock", to);
        let (reaches, origin) = match through {
            None => {
                xml.text("gatewayId", "local");
                (true, "CreateRouteTable")
            }
            Some(Target::Peering(peering)) => {
                xml.text("vpcPeeringConnectionId", peering);
                (peering::is_active(world, peering), "CreateRoute")
            }
            Some(Target::Gateway(gateway)) => {
                xml.text("transitGatewayId", gateway);
                (transit::joins(world, gateway, &table.vpc), "CreateRoute")
            }
        };
        xml.text("state", if reaches { "active" } else { "blackhole" });
        xml.text("origin", origin);
    });
    xml.set("associationSet", &table.associations, |xml, association| {
        xml.text("routeTableAssociationId", &association.id);
        xml.text("routeTableId", id);
        xml.maybe("subnetId", association.subnet.as_ref());
        xml.text("main", association.subnet.is_none());
        xml.within("associationState", |xml| xml.text("state", "associated"));
    });
    xml.text("propagatingVgwSet", "");
    tags::write(xml, &table.owned.tags);
}

pub fn delete_table(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("RouteTableId")?.to_owned();
    if !request.find::<Table>(world, &id)?.associations.is_empty() {
        let message = format!("The routeTable '{id}' has dependencies and cannot be deleted.");
        return Err(Refused::new("DependencyViolation", message));
    }
    world.remove(&id);
    xml.text("return", true);
    Ok(())
}

pub fn associate(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (id, subnet_id) = (request.text("RouteTableId")?.to_owned(), request.text("SubnetId")?.to_owned());
    let table = request.find::<Table>(world, &id)?;
    let subnet = request.find::<Subnet>(world, &subnet_id)?;
    if subnet.vpc != table.vpc {
        let message = format!("Route table {id} and subnet {subnet_id} belong to different networks");
        return Err(Refused::new("InvalidParameterValue", message));
    }
    let of_subnet = |association: &Association| association.subnet.as_deref() == Some(&*subnet_id);
    let known = table.associations.iter().find(|one| of_subnet(one)).map(|one| one.id.clone());
    if known.is_none() && of_vpc(world, &table.vpc).any(|(_, other)| other.associations.iter().any(of_subnet)) {
        let message = format!("the specified association for route table {id} conflicts with an existing association");
        return Err(Refused::new("Resource.AlreadyAssociated", message));
    }
    let association = known.unwrap_or_else(|| {
        let association = ec2::id("rtbassoc-0");
        let new = Association { id: association.clone(), subnet: Some(subnet_id.clone()) };
        edit(world, &id, |table| table.associations.push(new));
        association
    });
    xml.text("associationId", association);
    xml.within("associationState", |xml| xml.text("state", "associated"));
    Ok(())
}

pub fn disassociate(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let wanted = request.text("AssociationId")?;
    let holds = |table: &Table| table.associations.iter().any(|one| one.id == wanted);
    let own = |thing| Table::of(thing).filter(|table| table.seen_by(request, world) && holds(table));
    let found = world.under(Table::PREFIX).find_map(|(id, thing)| Some((id.to_owned(), own(thing)?.is_main())));
    let Some((id, main)) = found else {
        let message = format!("The association ID '{wanted}' does not exist");
        return Err(Refused::new("InvalidAssociationID.NotFound", message));
    };
    if main {
        let message = format!("cannot disassociate the main route table association {wanted}");
        return Err(Refused::new("InvalidParameterValue", message));
    }
    edit(world, &id, |table| table.associations.retain(|one| one.id != wanted));
    xml.text("return", true);
    Ok(())
}

/// Where a route is to lead, if the caller may lead one there.
fn target(world: &World<Aws>, request: &Request) -> Answer<Target> {
    if let Some(id) = request.maybe("VpcPeeringConnectionId") {
        return request.find::<Peering>(world, id).map(|_| Target::Peering(id.to_owned()));
    }
    if let Some(id) = request.maybe("TransitGatewayId") {
        return request.find::<Gateway>(world, id).map(|_| Target::Gateway(id.to_owned()));
    }
    let message = "The request must contain exactly one of vpcPeeringConnectionId, transitGatewayId";
    Err(Refused::new("MissingParameter", message))
}

/// The table, the destination and the target of a route that may be written.
fn wanted(world: &World<Aws>, request: &Request) -> Answer<(String, Table, Route)> {
    let id = request.text("RouteTableId")?.to_owned();
    let table = request.find::<Table>(world, &id)?.clone();
    let route = Route { to: request.cidr("DestinationCidrBlock")?, through: target(world, request)? };
    let own = world.get(&table.vpc).and_then(Vpc::of).into_iter().flat_map(Vpc::cidrs);
    if own.into_iter().any(|cidr| cidr.contains(&route.to)) {
        let message = format!(
            "The destination CIDR block {} is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance.",
            route.to
        );
        return Err(Refused::new("InvalidParameterValue", message));
    }
    match &route.through {
        Target::Peering(peering) if !peering::has(world, peering, &table.vpc) => {
            let message = format!("route table {id} and peering {peering} belong to different networks");
            Err(Refused::new("InvalidParameterValue", message))
        }
        Target::Gateway(gateway) if !transit::joins(world, gateway, &table.vpc) => {
            Err(Refused::new(Gateway::NOT_FOUND, Gateway::missing(gateway)))
        }
        _ => Ok((id, table, route)),
    }
}

pub fn create(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (id, table, route) = wanted(world, request)?;
    if table.routes.iter().any(|known| known.to == route.to) {
        let message = format!("The route identified by {} already exists.", route.to);
        return Err(Refused::new("RouteAlreadyExists", message));
    }
    if table.routes.len() >= MOST_ROUTES {
        let message = format!("The maximum number of routes has been reached for {id}.");
        return Err(Refused::new("RouteLimitExceeded", message));
    }
    edit(world, &id, |table| table.routes.push(route));
    xml.text("return", true);
    Ok(())
}

pub fn replace(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (id, table, route) = wanted(world, request)?;
    let Some(place) = table.routes.iter().position(|known| known.to == route.to) else {
        let message =
            format!("There is no route defined for '{}' in the route table. Use CreateRoute instead.", route.to);
        return Err(Refused::new("InvalidParameterValue", message));
    };
    edit(world, &id, |table| table.routes[place] = route);
    xml.text("return", true);
    Ok(())
}

pub fn delete(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let id = request.text("RouteTableId")?.to_owned();
    let (table, to) = (request.find::<Table>(world, &id)?, request.cidr("DestinationCidrBlock")?);
    if !table.routes.iter().any(|route| route.to == to) {
        let message = format!("no route with destination-cidr-block {to} in route table {id}");
        return Err(Refused::new("InvalidRoute.NotFound", message));
    }
    edit(world, &id, |table| table.routes.retain(|route| route.to != to));
    xml.text("return", true);
    Ok(())
}
