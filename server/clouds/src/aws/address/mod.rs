//! Elastic IP addresses: allocated with a tag, associated with an instance, released.
//!
//! An address is found by its tag or by the allocation that is known. One that was known and is gone was released
//! by somebody: another one would be another address, so none is allocated in its place.

mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::{
    Aws,
    form::Form,
    query::Query,
    refusal::{self, is},
    seen::text,
    step::{gone_is_done, name_tag},
    trail::Held,
    wire::Address,
};
use crate::{
    AddressPart, AddressReport, AddressStanding, AddressWish, Class, Failure, Outcome, Provides, Reference, Subject,
};

/// On every address: its id in the console.
const ADDRESS_TAG: &str = "causeway:address";
/// The key of a [`Reference`].
const ALLOCATION: &str = "allocation_id";

#[derive(Clone, Debug, PartialEq)]
pub struct SeenAddress {
    address: Option<Address>,
    /// Further ones with the tag.
    surplus: Vec<Address>,
    held: Vec<Held>,
    settle: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AddressStep {
    Allocate,
    Associate { allocation: String, instance: String },
    Disassociate(String),
    Release(String),
}

impl Aws {
    /// Under the id of the address, what was asked for moments ago.
    fn held(step: &AddressStep) -> Held {
        // A trail knows what makes something from what can be repeated, and nothing more of it.
        let creates = matches!(step, AddressStep::Allocate).then_some(Subject::Network);
        Held { call: format!("{step:?}"), creates }
    }
}

impl Provides<AddressWish> for Aws {
    type Seen = SeenAddress;
    type Step = AddressStep;

    async fn observe(&self, wish: &AddressWish) -> Outcome<SeenAddress> {
        let mut found = addresses(&self.query, wish).await?;
        let known = text(&wish.reference, ALLOCATION);
        // The one that is known, else the one that somebody has already, else always the same.
        found.sort_by_key(|one| {
            let is_known = Some(one.allocation_id.as_str()) == known;
            (!is_known, one.association().is_none(), one.allocation_id.clone())
        });
        let mut found = found.into_iter();
        let (address, surplus) = (found.next(), found.collect());
        Ok(SeenAddress { address, surplus, held: self.trail.held(wish.id, wish.now), settle: self.settle })
    }

    fn report(&self, wish: &AddressWish, seen: &SeenAddress) -> AddressReport {
        report(wish, seen)
    }

    fn plan(&self, wish: &AddressWish, seen: &SeenAddress) -> Vec<(AddressPart, AddressStep)> {
        plan::plan(wish, seen)
    }

    async fn step(&self, wish: &AddressWish, step: AddressStep) -> Outcome<()> {
        let held = Self::held(&step);
        self.trail.keep(wish.id, &held, wish.now, self.settle);
        let answer = make(&self.query, wish, step).await;
        if let Err(failure) = &answer
            && !(held.creates.is_some() && refusal::perhaps_applied(failure))
        {
            self.trail.forget(wish.id, &held);
        }
        answer
    }
}

async fn addresses(query: &Query, wish: &AddressWish) -> Outcome<Vec<Address>> {
    let form = Form::ec2("DescribeAddresses").filter(&format!("tag:{ADDRESS_TAG}"), [wish.id]);
    let mut found: Vec<Address> = query.pages(&wish.region, form).await?;
    let ours = wish.id.to_string();
    found.retain(|address| address.tag_set.get(ADDRESS_TAG) == Some(&ours));
    let Some(known) = text(&wish.reference, ALLOCATION) else { return Ok(found) };
    if found.iter().any(|address| address.allocation_id == known) {
        return Ok(found);
    }
    // Somebody may have taken the tag away.
    let form = Form::ec2("DescribeAddresses").list("AllocationId", [known]);
    match query.pages::<Address>(&wish.region, form).await {
        Ok(untagged) => found.extend(untagged.into_iter().filter(|address| address.allocation_id == known)),
        Err(failure) if failure.class == Class::Gone => {}
        Err(failure) => return Err(failure),
    }
    Ok(found)
}

fn report(wish: &AddressWish, seen: &SeenAddress) -> AddressReport {
    let mut report = AddressReport { reference: wish.reference.clone(), ..AddressReport::default() };
    let recent = wish.asked_at.is_some_and(|asked| wish.now - asked < seen.settle);
    let held = seen.held.iter().any(|held| held.creates.is_some());
    let Some(address) = &seen.address else {
        report.settling = wish.present && (recent || held);
        let may_be_there = held || !seen.surplus.is_empty();
        report.standing = if may_be_there { AddressStanding::Partial } else { AddressStanding::Absent };
        return report;
    };
    report.address = address.public_ip;
    report.instance = address.instance().map(str::to_owned);
    report.standing =
        if address.association().is_some() { AddressStanding::Attached } else { AddressStanding::Reserved };
    let mut reference = Reference::new();
    reference.insert(ALLOCATION.into(), address.allocation_id.clone().into());
    report.reference = reference;
    let words = [
        ("allocationId", Some(address.allocation_id.as_str())),
        ("associationId", address.association()),
        ("instanceId", address.instance()),
        ("networkInterfaceId", address.network_interface_id.as_deref()),
        ("domain", address.domain.as_deref()),
    ];
    let words = words.into_iter().filter_map(|(name, word)| Some((name.to_owned(), word?.to_owned())));
    report.words = words.filter(|(_, word)| !word.is_empty()).collect::<BTreeMap<_, _>>();
    report
}

async fn make(query: &Query, wish: &AddressWish, step: AddressStep) -> Outcome<()> {
    let region = &wish.region;
    match step {
        AddressStep::Allocate => {
            let tags = [(ADDRESS_TAG, wish.id.to_string()), ("Name", name_tag(&wish.name))];
            let form = Form::ec2("AllocateAddress").with("Domain", "vpc").tagged("elastic-ip", &tags);
            query.ec2_once(region, &form).await.map(drop)
        }
        AddressStep::Associate { allocation, instance } => {
            let form = Form::ec2("AssociateAddress").with("AllocationId", allocation).with("InstanceId", &instance);
            // An address that the instance has from somebody else is never taken from it.
            let form = form.with("AllowReassociation", false);
            query.ec2(region, &form).await.map(drop).map_err(|failure| no_instance(failure, wish, &instance))
        }
        AddressStep::Disassociate(association) => {
            let form = Form::ec2("DisassociateAddress").with("AssociationId", association);
            gone_is_done(query.ec2(region, &form).await)
        }
        AddressStep::Release(allocation) => {
            let form = Form::ec2("ReleaseAddress").with("AllocationId", allocation);
            gone_is_done(query.ec2(region, &form).await).map_err(still_used)
        }
    }
}

/// That it was taken from an instance is not everywhere yet.
fn still_used(mut failure: Failure) -> Failure {
    if is(&failure, "InvalidIPAddress.InUse") {
        failure.class = Class::Retry;
    }
    failure
}

/// What EC2 says of an instance that cannot have the address, said of the instance that was chosen.
fn no_instance(mut failure: Failure, wish: &AddressWish, instance: &str) -> Failure {
    let code = failure.code.to_ascii_lowercase();
    if code == "invalidinstanceid.notfound" || code == "invalidinstanceid.malformed" {
        failure.class = Class::Specification;
        failure.message = format!("{instance} is no instance of this account in {}: {}", wish.region, failure.message);
    } else if is(&failure, "Resource.AlreadyAssociated")
        || is(&failure, "Gateway.NotAttached")
        || is(&failure, "InvalidNetworkInterface.InUse")
    {
        failure.class = Class::Specification;
    } else if failure.class == Class::Gone || code == "invalidinstanceid" || code == "incorrectinstancestate" {
        // The address was seen a moment ago, and an instance that starts may have it soon.
        failure.class = Class::Retry;
    }
    failure
}
