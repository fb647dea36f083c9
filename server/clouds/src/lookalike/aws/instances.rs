//! Instances, as far as networks see them: they have an address in a subnet, start, and are terminated.

use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, Refused, Thing, addresses, ec2,
    interfaces::{self, Interface, Purpose},
    networks::{Subnet, Vpc},
    request::{Noun, Owned, Request},
    signature::timestamp,
    tags,
    xml::Xml,
};
use crate::lookalike::World;

/// For so long a terminated instance is still listed.
const REMEMBERED: i64 = 3_600_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instance {
    pub owned: Owned,
    pub reservation: String,
    pub image: String,
    pub kind: String,
    pub vpc: String,
    pub subnet: String,
    /// Gone with the instance.
    pub interface: String,
    pub state: State,
    pub due: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Pending,
    Running,
    ShuttingDown,
    Terminated,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
        }
    }
}

impl Noun for Instance {
    const PREFIX: &'static str = "i-0";
    const NOT_FOUND: &'static str = "InvalidInstanceID.NotFound";

    fn of(thing: &Thing) -> Option<&Self> {
        if let Thing::Instance(instance) = thing { Some(instance) } else { None }
    }

    fn of_mut(thing: &mut Thing) -> Option<&mut Self> {
        if let Thing::Instance(instance) = thing { Some(instance) } else { None }
    }

    fn wrap(self) -> Thing {
        Thing::Instance(self)
    }

    fn owned(&self) -> &Owned {
        &self.owned
    }

    fn owned_mut(&mut self) -> &mut Owned {
        &mut self.owned
    }

    fn field(&self, id: &str, name: &str) -> Option<Vec<String>> {
        Some(match name {
            "instance-id" => vec![id.to_owned()],
            "vpc-id" => vec![self.vpc.clone()],
            "subnet-id" => vec![self.subnet.clone()],
            "instance-state-name" => vec![self.state.name().to_owned()],
            _ => return None,
        })
    }

    fn missing(id: &str) -> String {
        format!("The instance ID '{id}' does not exist")
    }
}

/// One call makes as many as it may, all in one subnet.
pub fn run(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let image = request.text("ImageId")?.to_owned();
    let count = request.text("MaxCount")?.parse::<usize>().ok().filter(|count| (1..=20).contains(count));
    let count = count.ok_or_else(|| Refused::new("InvalidParameterValue", "MaxCount is a number from 1 to 20."))?;
    request.text("MinCount")?;
    let subnet_id = match request.maybe("SubnetId") {
        Some(given) => given.to_owned(),
        None => default_subnet(world, request)?,
    };
    let subnet = request.find::<Subnet>(world, &subnet_id)?.clone();
    let reservation = ec2::id("r-0");
    let mut made = Vec::new();
    for _ in 0..count {
        let id = ec2::id(Instance::PREFIX);
        let purpose = Purpose { kind: "interface", description: String::new(), instance: Some(id.clone()) };
        let interface = interfaces::put(world, &subnet_id, &subnet, purpose)?;
        let due = world.due("Instance/pending");
        let instance = Instance {
            owned: request.owned(world, "instance"),
            reservation: reservation.clone(),
            image: image.clone(),
            kind: request.maybe("InstanceType").unwrap_or("t3.micro").to_owned(),
            vpc: subnet.vpc.clone(),
            subnet: subnet_id.clone(),
            interface,
            state: State::Pending,
            due,
        };
        world.put(&id, instance.clone().wrap());
        made.push((id, instance));
    }
    xml.text("reservationId", reservation);
    xml.text("ownerId", &request.account);
    xml.text("groupSet", "");
    xml.set("instancesSet", &made, |xml, (id, instance)| write(xml, world, id, instance));
    Ok(())
}

fn default_subnet(world: &World<Aws>, request: &Request) -> Answer<String> {
    let own = |owned: &Owned| owned.account == request.account && owned.region == request.region;
    let vpcs = world.under(Vpc::PREFIX).filter_map(|(id, thing)| Some((id, Vpc::of(thing)?)));
    let vpc = vpcs.filter(|(_, vpc)| vpc.is_default && own(&vpc.owned)).map(|(id, _)| id).next();
    let mut subnets = world.under(Subnet::PREFIX).filter_map(|(id, thing)| Some((id, Subnet::of(thing)?)));
    let subnet = subnets.find(|(_, subnet)| Some(subnet.vpc.as_str()) == vpc).map(|(id, _)| id.to_owned());
    subnet.ok_or_else(|| {
        Refused::new(
            "VPCIdNotSpecified",
            "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
        )
    })
}

pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (instances, next) = request.describe::<Instance>(world, "InstanceId")?;
    xml.set("reservationSet", instances, |xml, (id, instance)| {
        xml.text("reservationId", &instance.reservation);
        xml.text("ownerId", &instance.owned.account);
        xml.text("groupSet", "");
        xml.set("instancesSet", [()], |xml, ()| write(xml, world, id, instance));
    });
    xml.maybe("nextToken", next);
    Ok(())
}

fn write(xml: &mut Xml, world: &World<Aws>, id: &str, instance: &Instance) {
    let interface = world.get(&instance.interface).and_then(Interface::of);
    xml.text("instanceId", id);
    xml.text("imageId", &instance.image);
    xml.within("instanceState", |xml| {
        xml.text("code", instance.state.code());
        xml.text("name", instance.state.name());
    });
    xml.text("instanceType", &instance.kind);
    xml.text("launchTime", timestamp(instance.owned.made_at));
    if let Some(interface) = interface {
        xml.within("placement", |xml| xml.text("availabilityZone", &interface.zone));
        xml.text("subnetId", &instance.subnet);
        xml.text("vpcId", &instance.vpc);
        xml.text("privateIpAddress", interface.address);
        let public = addresses::of_interface(world, &instance.interface);
        xml.maybe("ipAddress", public.map(|(_, address)| address.public));
        xml.set("networkInterfaceSet", [()], |xml, ()| interfaces::write(xml, world, &instance.interface, interface));
    }
    tags::write(xml, &instance.owned.tags);
}

pub fn terminate(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let ids = request.list("InstanceId");
    if ids.is_empty() {
        request.text("InstanceId")?;
    }
    let mut changed = Vec::new();
    for id in ids {
        let instance = request.find::<Instance>(world, &id)?.clone();
        let before = instance.state;
        if matches!(before, State::Pending | State::Running) {
            let due = world.due("Instance/shutting-down");
            world.put(&id, Instance { state: State::ShuttingDown, due, ..instance }.wrap());
            changed.push((id, before, State::ShuttingDown));
        } else {
            changed.push((id, before, before));
        }
    }
    xml.set("instancesSet", changed, |xml, (id, before, now)| {
        xml.text("instanceId", id);
        for (name, state) in [("currentState", now), ("previousState", before)] {
            xml.within(name, |xml| {
                xml.text("code", state.code());
                xml.text("name", state.name());
            });
        }
    });
    Ok(())
}

/// What becomes of it by itself.
pub fn ripen(world: &mut World<Aws>, id: &str, instance: &Instance) {
    let now = world.now();
    let next = |state, due| Instance { state, due, ..instance.clone() }.wrap();
    match instance.state {
        State::Pending => world.put(id, next(State::Running, None)),
        State::Running => world.put(id, next(State::Running, None)),
        State::ShuttingDown => {
            addresses::let_go(world, &instance.interface);
            world.remove(&instance.interface);
            world.put(id, next(State::Terminated, Some(now + REMEMBERED)));
        }
        State::Terminated => drop(world.remove(id)),
    }
}
