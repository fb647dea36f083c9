//! The next calls for an address, decided from what was seen and nothing else.

use super::{ALLOCATION, AddressStep, SeenAddress};
use crate::{
    AddressPart::{self, Address, Surplus},
    AddressWish,
    aws::{seen::text, wire},
};

pub(super) fn plan(wish: &AddressWish, seen: &SeenAddress) -> Vec<(AddressPart, AddressStep)> {
    let mut steps: Vec<(AddressPart, AddressStep)> = Vec::new();
    match &seen.address {
        // What was known and is gone would be another address if it was asked for again.
        None if wish.present && text(&wish.reference, ALLOCATION).is_none() => {
            steps.push((Address, AddressStep::Allocate));
        }
        None => {}
        Some(address) if wish.present => {
            steps.extend(place(address, wish.instance.as_deref()).map(|step| (Address, step)));
        }
        Some(address) => steps.push((Address, give_up(address))),
    }
    steps.extend(seen.surplus.iter().map(|address| (Surplus, give_up(address))));
    steps.retain(|(_, step)| {
        let call = format!("{step:?}");
        !seen.held.iter().any(|held| held.call == call)
    });
    // Whatever is asked for may be there and not visible yet.
    let asked = seen.held.iter().any(|held| held.creates.is_some());
    steps.retain(|(_, step)| !(asked && matches!(step, AddressStep::Allocate)));
    steps
}

/// From whoever has it to whoever should.
fn place(address: &wire::Address, instance: Option<&str>) -> Option<AddressStep> {
    if let Some(association) = address.association() {
        let stays = instance.is_some() && address.instance() == instance;
        return (!stays).then(|| AddressStep::Disassociate(association.to_owned()));
    }
    let instance = instance?.to_owned();
    Some(AddressStep::Associate { allocation: address.allocation_id.clone(), instance })
}

fn give_up(address: &wire::Address) -> AddressStep {
    match address.association() {
        Some(association) => AddressStep::Disassociate(association.to_owned()),
        None => AddressStep::Release(address.allocation_id.clone()),
    }
}
