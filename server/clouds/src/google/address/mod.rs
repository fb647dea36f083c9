//! External addresses of a region: reserved by name, given to an instance as the access configuration of its first
//! interface, released.
//!
//! An instance is `zone/name` in the account's project. One that has an external address already keeps it: only the
//! operator knows whether somebody depends on it.

mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use self::plan::AddressStep;
use super::Google;
use crate::{AddressPart, AddressReport, AddressStanding, AddressWish, Class, Failure, Outcome, Provides, Reference};

/// The key of a [`Reference`]: once it is known, no other address takes its place.
const ADDRESS: &str = "address";
/// Absence so shortly after a request is "not visible yet".
const SETTLING: i64 = 60_000;

/// An address as Google has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reserved {
    pub address: String,
    /// `RESERVING`, `RESERVED` or `IN_USE`.
    pub status: String,
    /// URLs.
    pub users: Vec<String>,
}

/// An instance's first interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    pub interface: String,
    pub nat: Option<Nat>,
}

/// The access configuration of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nat {
    pub name: String,
    pub address: String,
}

/// Where an operation is asked after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Region(String),
    Zone(String),
}

/// An operation that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    pub name: String,
    pub place: Place,
    /// What it came to, if it is over already.
    pub over: Option<Outcome<()>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenAddress {
    reserved: Option<Reserved>,
    /// The instance that should have it, and the one that has it, as far as they are there.
    wanted: Option<Machine>,
    holder: Option<Machine>,
    /// What was begun and is not over, or went wrong after it had been accepted.
    operation: Option<Result<(), Failure>>,
}

/// `zone/name` of a URL or of what an operator wrote.
fn parts(instance: &str) -> Option<(&str, &str)> {
    let short = instance.split("/zones/").last().unwrap_or(instance).trim_start_matches("zones/");
    let (zone, name) = short.split_once('/')?;
    let name = name.trim_start_matches("instances/");
    (!zone.is_empty() && !name.is_empty() && !name.contains('/')).then_some((zone, name))
}

impl Reserved {
    /// Whoever has it, if that is an instance.
    fn holder(&self) -> Option<(&str, &str)> {
        self.users.iter().find(|user| user.contains("/instances/")).and_then(|user| parts(user))
    }
}

impl Google {
    /// Asks after what was begun. What came to a good end is forgotten.
    async fn progress(&self, wish: &AddressWish) -> Outcome<Option<Result<(), Failure>>> {
        let Some((begun, step)) = self.started().get(&wish.id).cloned() else { return Ok(None) };
        let now = match begun.over {
            Some(_) => begun,
            None => match self.calls().await?.progress(&begun).await {
                Ok(now) => now,
                // Google has forgotten it: what is there tells how it ended.
                Err(failure) if failure.class == Class::Gone => Started { over: Some(Ok(())), ..begun },
                Err(failure) => return Err(failure),
            },
        };
        match now.over.clone().map(|over| step.came_to(over)) {
            None => Ok(Some(Ok(()))),
            Some(Ok(())) => {
                self.started().remove(&wish.id);
                Ok(None)
            }
            Some(Err(failure)) => {
                self.started().insert(wish.id, (now, step));
                Ok(Some(Err(failure)))
            }
        }
    }

    async fn machine(&self, place: Option<(&str, &str)>) -> Outcome<Option<Machine>> {
        match place {
            Some((zone, name)) => self.calls().await?.machine(zone, name).await,
            None => Ok(None),
        }
    }

    async fn begin(&self, wish: &AddressWish, step: &AddressStep) -> Outcome<Started> {
        let calls = self.calls().await?;
        match step {
            AddressStep::Tell(failure) => Err(failure.clone()),
            AddressStep::Insert => calls.insert_address(wish).await,
            AddressStep::Delete => calls.delete_address(wish).await,
            AddressStep::Attach { zone, name, interface, address } => {
                calls.attach_address(zone, name, interface, address).await
            }
            AddressStep::Detach { zone, name, interface, nat } => {
                calls.detach_address(zone, name, interface, nat).await
            }
        }
    }
}

impl Provides<AddressWish> for Google {
    type Seen = SeenAddress;
    type Step = AddressStep;

    async fn observe(&self, wish: &AddressWish) -> Outcome<SeenAddress> {
        let operation = self.progress(wish).await?;
        let reserved = self.calls().await?.address(wish).await?;
        let (wanted, held) = (wish.instance.as_deref().and_then(parts), reserved.as_ref().and_then(Reserved::holder));
        let wanted = self.machine(wanted.filter(|_| wish.present && reserved.is_some())).await?;
        let holder = self.machine(held).await?;
        Ok(SeenAddress { wanted, holder, operation, reserved })
    }

    fn report(&self, wish: &AddressWish, seen: &SeenAddress) -> AddressReport {
        report(wish, seen)
    }

    fn plan(&self, wish: &AddressWish, seen: &SeenAddress) -> Vec<(AddressPart, AddressStep)> {
        plan::plan(wish, seen).into_iter().map(|step| (AddressPart::Address, step)).collect()
    }

    async fn step(&self, wish: &AddressWish, step: AddressStep) -> Outcome<()> {
        if matches!(step, AddressStep::Tell(_)) {
            self.started().remove(&wish.id);
        }
        match self.begin(wish, &step).await {
            Ok(begun) => match begun.over.clone() {
                Some(over) => step.came_to(over),
                None => {
                    self.started().insert(wish.id, (begun, step));
                    Ok(())
                }
            },
            Err(failure) => step.came_to(Err(failure)),
        }
    }
}

fn report(wish: &AddressWish, seen: &SeenAddress) -> AddressReport {
    let mut report = AddressReport { reference: wish.reference.clone(), ..AddressReport::default() };
    let under_way = seen.operation == Some(Ok(()));
    let Some(reserved) = &seen.reserved else {
        let recent = wish.asked_at.is_some_and(|asked| wish.now - asked < SETTLING);
        report.settling = wish.present && (under_way || recent);
        report.standing = if under_way { AddressStanding::Partial } else { AddressStanding::Absent };
        return report;
    };
    report.address = reserved.address.parse().ok();
    report.instance = reserved.holder().map(|(zone, name)| format!("{zone}/{name}"));
    report.standing = match reserved.status.as_str() {
        "IN_USE" => AddressStanding::Attached,
        "RESERVED" => AddressStanding::Reserved,
        _ => AddressStanding::Partial,
    };
    let mut words = BTreeMap::from([("status".to_owned(), reserved.status.clone())]);
    if !reserved.users.is_empty() {
        words.insert("users".into(), reserved.users.join(", "));
    }
    report.words = words;
    if report.address.is_some() {
        let mut reference = Reference::new();
        reference.insert(ADDRESS.into(), reserved.address.clone().into());
        report.reference = reference;
    }
    report
}
