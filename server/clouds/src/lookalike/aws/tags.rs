//! Tags: on whatever is one's own, and on both ends of a peering connection separately.

use super::{
    Answer, Aws, Refused, Thing,
    addresses::Address,
    endpoints::Endpoint,
    groups::Group,
    instances::Instance,
    interfaces::Interface,
    internet::InternetGateway,
    networks::{Subnet, Vpc},
    peering::Peering,
    request::{Noun, Request, Tags},
    routes::Table,
    services::Service,
    transit::{Attachment, Gateway},
    xml::Xml,
};
use crate::lookalike::World;

pub fn write(xml: &mut Xml, tags: &Tags) {
    xml.set("tagSet", tags, |xml, (key, value)| {
        xml.text("key", key);
        xml.text("value", value);
    });
}

/// The vendor's name for a kind, and the things of that kind that the caller may know.
fn kind_of(id: &str) -> Option<&'static str> {
    let kinds = [
        ("vpc-", "vpc"),
        ("subnet-", "subnet"),
        ("rtb-", "route-table"),
        ("sg-", "security-group"),
        ("pcx-", "vpc-peering-connection"),
        ("tgw-attach-", "transit-gateway-attachment"),
        ("tgw-", "transit-gateway"),
        ("i-", "instance"),
        ("eni-", "network-interface"),
        ("igw-", "internet-gateway"),
        ("eipalloc-", "elastic-ip"),
        ("vpce-svc-", "vpc-endpoint-service"),
        ("vpce-", "vpc-endpoint"),
    ];
    kinds.into_iter().find(|(prefix, _)| id.starts_with(prefix)).map(|(_, kind)| kind)
}

/// It is there, and the caller may know of it.
fn check(world: &World<Aws>, request: &Request, id: &str) -> Answer<()> {
    match kind_of(id) {
        Some("vpc") => request.find::<Vpc>(world, id).map(drop),
        Some("subnet") => request.find::<Subnet>(world, id).map(drop),
        Some("route-table") => request.find::<Table>(world, id).map(drop),
        Some("security-group") => request.find::<Group>(world, id).map(drop),
        Some("vpc-peering-connection") => request.find::<Peering>(world, id).map(drop),
        Some("transit-gateway-attachment") => request.find::<Attachment>(world, id).map(drop),
        Some("transit-gateway") => request.find::<Gateway>(world, id).map(drop),
        Some("instance") => request.find::<Instance>(world, id).map(drop),
        Some("network-interface") => request.find::<Interface>(world, id).map(drop),
        Some("internet-gateway") => request.find::<InternetGateway>(world, id).map(drop),
        Some("elastic-ip") => request.find::<Address>(world, id).map(drop),
        Some("vpc-endpoint-service") => request.find::<Service>(world, id).map(drop),
        Some("vpc-endpoint") => request.find::<Endpoint>(world, id).map(drop),
        _ => Err(Refused::new("InvalidID", format!("The ID '{id}' is not valid"))),
    }
}

/// The caller's own tags of a thing.
fn own<'a>(thing: &'a mut Thing, request: &Request) -> Option<&'a mut Tags> {
    if let Thing::Peering(peering) = thing {
        return Some(peering.tags_mut(request));
    }
    let owned = match thing {
        Thing::Vpc(vpc) => vpc.owned_mut(),
        Thing::Subnet(subnet) => subnet.owned_mut(),
        Thing::Table(table) => table.owned_mut(),
        Thing::Group(group) => group.owned_mut(),
        Thing::Gateway(gateway) => gateway.owned_mut(),
        Thing::Attachment(attachment) => attachment.owned_mut(),
        Thing::Instance(instance) => instance.owned_mut(),
        Thing::Interface(interface) => interface.owned_mut(),
        Thing::InternetGateway(gateway) => gateway.owned_mut(),
        Thing::Address(address) => address.owned_mut(),
        Thing::Service(service) => service.owned_mut(),
        Thing::Endpoint(endpoint) => endpoint.owned_mut(),
        Thing::Peering(_) | Thing::Session(_) | Thing::Share(_) | Thing::Invitation(_) => return None,
        Thing::Balancer(_) | Thing::TargetGroup(_) | Thing::Listener(_) => return None,
    };
    (owned.account == request.account).then_some(&mut owned.tags)
}

fn edit(world: &mut World<Aws>, request: &Request, ids: &[String], edit: impl Fn(&mut Tags)) -> Answer<()> {
    for id in ids {
        check(world, request, id)?;
        let edited = world.change(id, |thing| own(thing, request).map(&edit)).flatten();
        edited.ok_or_else(|| Refused::new("UnauthorizedOperation", format!("You do not own the resource {id}.")))?;
    }
    Ok(())
}

pub fn create(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (ids, tags) = (request.list("ResourceId"), request.pairs("Tag"));
    if ids.is_empty() {
        request.text("ResourceId")?;
    }
    edit(world, request, &ids, |own| own.extend(tags.iter().cloned()))?;
    xml.text("return", true);
    Ok(())
}

pub fn delete(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let (ids, tags) = (request.list("ResourceId"), request.pairs("Tag"));
    if ids.is_empty() {
        request.text("ResourceId")?;
    }
    edit(world, request, &ids, |own| own.retain(|key, _| !tags.iter().any(|(gone, _)| gone == key)))?;
    xml.text("return", true);
    Ok(())
}

/// The filters `resource-id`, `resource-type`, `key` and `value`.
pub fn describe(world: &mut World<Aws>, request: &Request, xml: &mut Xml) -> Answer<()> {
    let mut rows = Vec::new();
    for (id, thing) in world.under("") {
        if check(world, request, id).is_err() {
            continue;
        }
        let mut thing = thing.clone();
        for (key, value) in own(&mut thing, request).map(std::mem::take).into_iter().flatten() {
            rows.push((id.to_owned(), kind_of(id).unwrap_or_default(), key, value));
        }
    }
    for (name, wanted) in request.filter_values() {
        rows.retain(|(id, kind, key, value)| {
            let looked_at = match name.as_str() {
                "resource-id" => id.as_str(),
                "resource-type" => kind,
                "key" => key,
                _ => value,
            };
            wanted.iter().any(|text| text == looked_at)
        });
    }
    xml.set("tagSet", rows, |xml, (id, kind, key, value)| {
        xml.text("resourceId", id);
        xml.text("resourceType", kind);
        xml.text("key", key);
        xml.text("value", value);
    });
    Ok(())
}
