//! The next call for an address, decided from what was seen and nothing else.

use super::{ADDRESS, Interface, PublicAddress, SeenAddress, is_interface, is_own};
use crate::{
    AddressWish, Class, Failure,
    azure::{AzureAccount, names, seen::Version},
};

#[derive(Clone, PartialEq)]
pub enum AddressStep {
    Put(Version),
    Delete,
    Attach {
        interface: String,
        written: Interface,
    },
    Detach {
        interface: String,
        written: Interface,
    },
    /// No request, only the news: an operation went wrong, or the interface cannot have the address.
    Tell(Failure),
}

/// Without the interface as a whole: what else is in it is nobody's to read in a log.
impl std::fmt::Debug for AddressStep {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Put(_) => formatter.write_str("Put"),
            Self::Delete => formatter.write_str("Delete"),
            Self::Attach { interface, .. } => write!(formatter, "Attach {interface}"),
            Self::Detach { interface, .. } => write!(formatter, "Detach {interface}"),
            Self::Tell(failure) => write!(formatter, "Tell {failure}"),
        }
    }
}

pub(super) fn plan(account: &AzureAccount, wish: &AddressWish, seen: &SeenAddress) -> Option<AddressStep> {
    match &seen.operation {
        Some(Ok(())) => return None,
        Some(Err(failure)) => return Some(AddressStep::Tell(failure.clone())),
        None => {}
    }
    let Some(address) = &seen.address else {
        // What was known and is gone would be another address if it was asked for again.
        return (wish.present && !wish.reference.contains_key(ADDRESS)).then(|| AddressStep::Put(Version::default()));
    };
    match address.properties.provisioning_state.as_str() {
        "Succeeded" => {}
        "Failed" | "Canceled" if wish.present => return Some(AddressStep::Put(address.etag.clone())),
        "Failed" | "Canceled" => {}
        _ => return None,
    }
    let wanted = wish.instance.as_deref().filter(|_| wish.present);
    if let Some(user) = address.user() {
        return take(wanted, address, user, seen);
    }
    match wanted {
        Some(interface) => Some(give(account, interface, address, seen)),
        None if wish.present => None,
        None => Some(AddressStep::Delete),
    }
}

/// From whoever has it, unless that is who should.
fn take(wanted: Option<&str>, address: &PublicAddress, user: &str, seen: &SeenAddress) -> Option<AddressStep> {
    let Some(holder) = address.holder() else {
        let message = format!("The address is used by {user}, which is no network interface.");
        return Some(AddressStep::Tell(Failure::new(Class::Operator, "inUse", message)));
    };
    if wanted.is_some_and(|wanted| names::same(wanted, holder)) {
        return None;
    }
    let interface = holder.to_owned();
    Some(AddressStep::Detach { interface, written: seen.holder.as_ref()?.with(&address.id, false) })
}

fn give(account: &AzureAccount, interface: &str, address: &PublicAddress, seen: &SeenAddress) -> AddressStep {
    let wrong = |code: &str, message: String| AddressStep::Tell(Failure::new(Class::Specification, code, message));
    if !is_interface(interface) {
        let form = "/subscriptions/…/resourceGroups/…/providers/Microsoft.Network/networkInterfaces/…";
        return wrong("interface", format!("{interface} names no network interface: write its id, as {form}."));
    }
    if !is_own(account, interface) {
        let message = format!("{interface} is not of this account's subscription {}.", account.subscription);
        return wrong("subscription", message);
    }
    let Some(there) = &seen.wanted else {
        return wrong("notFound", format!("{interface} is no network interface of this account."));
    };
    if let Some(other) = there.public() {
        let message = format!("{interface} has the public address {other} already. Take that one away first.");
        return wrong("publicIPAddress", message);
    }
    AddressStep::Attach { interface: interface.to_owned(), written: there.with(&address.id, true) }
}
