//! External addresses and the instances that have them.

use google_cloud_compute_v1::model;

use super::{Calls, request_id};
use crate::{
    AddressWish, Class, Outcome,
    google::{
        address::{Machine, Nat, Place, Reserved, Started},
        errors,
    },
};

/// On every address: the beginning of its description.
fn description(wish: &AddressWish) -> String {
    format!("causeway:address={} {}", wish.id, wish.name)
}

fn started(operation: &model::Operation, place: Place) -> Started {
    let done = operation.status == Some(model::operation::Status::Done);
    let over = done.then(|| errors::outcome(operation).map_or(Ok(()), Err));
    Started { name: operation.name.clone().unwrap_or_default(), place, over }
}

impl Calls {
    /// `None` if it is not there.
    pub async fn address(&self, wish: &AddressWish) -> Outcome<Option<Reserved>> {
        let get = self.addresses.get().set_project(&self.project).set_region(&wish.region).set_address(wish.named());
        match self.ask(|| get.clone().send()).await {
            Ok(address) => Ok(Some(Reserved {
                address: address.address.unwrap_or_default(),
                status: address.status.map(|status| status.to_string()).unwrap_or_default(),
                users: address.users,
            })),
            Err(failure) if failure.class == Class::Gone => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// `None` if it is not there.
    pub async fn machine(&self, zone: &str, name: &str) -> Outcome<Option<Machine>> {
        let get = self.instances.get().set_project(&self.project).set_zone(zone).set_instance(name);
        let machine = match self.ask(|| get.clone().send()).await {
            Err(failure) if failure.class == Class::Gone => return Ok(None),
            other => other?,
        };
        let interface = machine.network_interfaces.into_iter().next();
        let (interface, nat) =
            interface.map_or((None, None), |interface| (interface.name, interface.access_configs.into_iter().next()));
        Ok(Some(Machine {
            interface: interface.unwrap_or_else(|| "nic0".to_owned()),
            nat: nat.map(|nat| Nat { name: nat.name.unwrap_or_default(), address: nat.nat_ip.unwrap_or_default() }),
        }))
    }

    /// # Errors
    /// Of class `Gone` once Google has forgotten it.
    pub async fn progress(&self, begun: &Started) -> Outcome<Started> {
        let operation = match &begun.place {
            Place::Region(region) => {
                let get = self.addresses.get_operation().set_project(&self.project).set_region(region);
                let get = get.set_operation(&begun.name);
                self.ask(|| get.clone().send()).await?
            }
            Place::Zone(zone) => {
                let get = self.instances.get_operation().set_project(&self.project).set_zone(zone);
                let get = get.set_operation(&begun.name);
                self.ask(|| get.clone().send()).await?
            }
        };
        Ok(started(&operation, begun.place.clone()))
    }

    pub async fn insert_address(&self, wish: &AddressWish) -> Outcome<Started> {
        let body = model::Address::new()
            .set_name(wish.named())
            .set_description(description(wish))
            .set_address_type(model::address::AddressType::External);
        let insert = self.addresses.insert().set_project(&self.project).set_region(&wish.region);
        let insert = insert.set_request_id(request_id()).set_body(body);
        Ok(started(&self.ask(|| insert.clone().send()).await?, Place::Region(wish.region.clone())))
    }

    pub async fn delete_address(&self, wish: &AddressWish) -> Outcome<Started> {
        let delete = self.addresses.delete().set_project(&self.project).set_region(&wish.region);
        let delete = delete.set_address(wish.named()).set_request_id(request_id());
        Ok(started(&self.ask(|| delete.clone().send()).await?, Place::Region(wish.region.clone())))
    }

    pub async fn attach_address(&self, zone: &str, name: &str, interface: &str, address: &str) -> Outcome<Started> {
        let body = model::AccessConfig::new()
            .set_name("External NAT")
            .set_type(model::access_config::Type::OneToOneNat)
            .set_nat_ip(address);
        let add = self.instances.add_access_config().set_project(&self.project).set_zone(zone).set_instance(name);
        let add = add.set_network_interface(interface).set_request_id(request_id()).set_body(body);
        Ok(started(&self.ask(|| add.clone().send()).await?, Place::Zone(zone.to_owned())))
    }

    pub async fn detach_address(&self, zone: &str, name: &str, interface: &str, nat: &str) -> Outcome<Started> {
        let delete = self.instances.delete_access_config().set_project(&self.project).set_zone(zone);
        let delete = delete.set_instance(name).set_network_interface(interface).set_access_config(nat);
        let delete = delete.set_request_id(request_id());
        Ok(started(&self.ask(|| delete.clone().send()).await?, Place::Zone(zone.to_owned())))
    }
}
