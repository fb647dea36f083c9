//! The next call for an address, decided from what was seen and nothing else.

use super::{ADDRESS, Reserved, SeenAddress, parts};
use crate::{AddressWish, Class, Failure, Outcome, google::errors};

#[derive(Clone, Debug, PartialEq)]
pub enum AddressStep {
    Insert,
    Delete,
    Attach {
        zone: String,
        name: String,
        interface: String,
        address: String,
    },
    Detach {
        zone: String,
        name: String,
        interface: String,
        nat: String,
    },
    /// No request, only the news: an operation went wrong, or the instance cannot have the address.
    Tell(Failure),
}

impl AddressStep {
    /// What the answer means, be it one to the request or the end of its operation.
    ///
    /// # Errors
    /// If it was not carried out, and is not so already.
    pub fn came_to(&self, answer: Outcome<()>) -> Outcome<()> {
        match (self, answer) {
            (Self::Insert, Err(failure)) if errors::is_there_already(&failure) => Ok(()),
            (Self::Delete | Self::Detach { .. }, Err(failure)) if failure.class == Class::Gone => Ok(()),
            (_, answer) => answer,
        }
    }
}

pub(super) fn plan(wish: &AddressWish, seen: &SeenAddress) -> Option<AddressStep> {
    match &seen.operation {
        Some(Ok(())) => return None,
        Some(Err(failure)) => return Some(AddressStep::Tell(failure.clone())),
        None => {}
    }
    let Some(reserved) = &seen.reserved else {
        // What was known and is gone would be another address if it was asked for again.
        return (wish.present && !wish.reference.contains_key(ADDRESS)).then_some(AddressStep::Insert);
    };
    if reserved.status == "RESERVING" {
        return None;
    }
    let wanted = wish.instance.as_deref().filter(|_| wish.present);
    if !reserved.users.is_empty() {
        return take(wanted, reserved, seen);
    }
    match wanted {
        Some(instance) => Some(give(instance, reserved, seen)),
        None if wish.present => None,
        None => Some(AddressStep::Delete),
    }
}

/// From whoever has it, unless that is who should.
fn take(wanted: Option<&str>, reserved: &Reserved, seen: &SeenAddress) -> Option<AddressStep> {
    let Some((zone, name)) = reserved.holder() else {
        let message = format!("The address is used by {}, which is no instance.", reserved.users.join(", "));
        return Some(AddressStep::Tell(Failure::new(Class::Operator, "inUse", message)));
    };
    if wanted.and_then(parts) == Some((zone, name)) {
        return None;
    }
    let machine = seen.holder.as_ref()?;
    let nat = machine.nat.as_ref().filter(|nat| nat.address == reserved.address)?;
    let (zone, name) = (zone.to_owned(), name.to_owned());
    Some(AddressStep::Detach { zone, name, interface: machine.interface.clone(), nat: nat.name.clone() })
}

fn give(instance: &str, reserved: &Reserved, seen: &SeenAddress) -> AddressStep {
    let wrong = |code: &str, message: String| AddressStep::Tell(Failure::new(Class::Specification, code, message));
    let Some((zone, name)) = parts(instance) else {
        return wrong("instance", format!("{instance} names no instance: write its zone and its name, as zone/name."));
    };
    let Some(machine) = &seen.wanted else {
        return wrong("notFound", format!("{zone}/{name} is no instance of this account's project."));
    };
    if let Some(nat) = &machine.nat {
        let message = format!(
            "{zone}/{name} has the external address {} already. Remove its access configuration {} first.",
            nat.address, nat.name
        );
        return wrong("accessConfig", message);
    }
    AddressStep::Attach {
        zone: zone.to_owned(),
        name: name.to_owned(),
        interface: machine.interface.clone(),
        address: reserved.address.clone(),
    }
}
