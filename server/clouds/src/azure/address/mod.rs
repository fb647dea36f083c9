//! Public IP addresses: static and of the Standard kind, given to a network interface, released.
//!
//! An interface is named by its resource id and has to be of the account's subscription; it is written whole, as it
//! was read, with the address in its primary configuration. One that has an address already keeps it: only the
//! operator knows whether somebody depends on it.

mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::plan::AddressStep;
use super::{
    Azure, AzureAccount,
    arm::{Beside, NETWORK, Progress},
    names,
    seen::Version,
};
use crate::{AddressPart, AddressReport, AddressStanding, AddressWish, Class, Failure, Outcome, Provides, Reference};

/// What names the address in the console.
const TAG: &str = "causeway-address";
/// The key of a [`Reference`]: once it is known, no other address takes its place.
const ADDRESS: &str = "ip_address";
/// Absence so shortly after a request is "not visible yet", in milliseconds.
const SETTLING: i64 = 60_000;

/// A public IP address as Azure has it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct PublicAddress {
    id: String,
    etag: Version,
    properties: Properties,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    ip_address: Option<String>,
    provisioning_state: String,
    ip_configuration: Option<Link>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Link {
    id: String,
}

impl PublicAddress {
    /// The configuration of an interface that has it, or of something else.
    fn user(&self) -> Option<&str> {
        self.properties.ip_configuration.as_ref().map(|link| link.id.as_str())
    }

    /// The interface that has it.
    fn holder(&self) -> Option<&str> {
        let user = self.user()?;
        let end = user.to_ascii_lowercase().find("/ipconfigurations/")?;
        Some(&user[..end]).filter(|id| is_interface(id))
    }
}

/// An interface, whole: what is not ours is sent back as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface(Value);

impl Interface {
    fn configurations(&self) -> &[Value] {
        self.0["properties"]["ipConfigurations"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    fn primary(&self) -> Option<&Value> {
        let all = self.configurations();
        all.iter().find(|one| one["properties"]["primary"] == true).or_else(|| all.first())
    }

    /// The public address of its primary configuration.
    fn public(&self) -> Option<&str> {
        self.primary()?["properties"]["publicIPAddress"]["id"].as_str()
    }

    /// As it should be written: with the address in its primary configuration, or in none.
    fn with(&self, address: &str, given: bool) -> Self {
        let mut body = self.0.clone();
        let primary = self.primary().and_then(|one| one["name"].as_str()).map(str::to_owned);
        for one in body["properties"]["ipConfigurations"].as_array_mut().into_iter().flatten() {
            let is_primary = one["name"].as_str() == primary.as_deref();
            let Some(properties) = one["properties"].as_object_mut() else { continue };
            let has = properties.get("publicIPAddress").and_then(|link| link["id"].as_str()).map(str::to_owned);
            if given && is_primary {
                properties.insert("publicIPAddress".into(), json!({ "id": address }));
            } else if has.is_some_and(|id| names::same(&id, address)) {
                properties.remove("publicIPAddress");
            }
        }
        Self(body)
    }
}

fn is_interface(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    let parts: Vec<&str> = id.split('/').filter(|part| !part.is_empty()).collect();
    matches!(
        parts[..],
        ["subscriptions", _, "resourcegroups", _, "providers", "microsoft.network", "networkinterfaces", _]
    )
}

/// Whether it is one of the account's subscription.
fn is_own(account: &AzureAccount, id: &str) -> bool {
    let start = format!("/subscriptions/{}/", account.subscription).to_ascii_lowercase();
    is_interface(id) && id.to_ascii_lowercase().starts_with(&start)
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenAddress {
    address: Option<PublicAddress>,
    /// The interface that should have it, and the one that has it, as far as they are there.
    wanted: Option<Interface>,
    holder: Option<Interface>,
    /// What was begun and is not over, or went wrong after it had been accepted.
    operation: Option<Result<(), Failure>>,
}

impl Azure {
    fn address_id(&self, wish: &AddressWish) -> String {
        let group = names::group_path(&self.arm.account);
        format!("{group}/providers/Microsoft.Network/publicIPAddresses/{}", wish.named())
    }

    /// Asks after what was begun. What came to a good end is forgotten.
    async fn progress(&self, wish: &AddressWish) -> Outcome<Option<Result<(), Failure>>> {
        let Some(begun) = self.started().get(&wish.id).cloned() else { return Ok(None) };
        Ok(match self.arm.progress(&begun, wish.now).await? {
            Progress::Running(begun) => {
                self.started().insert(wish.id, begun);
                Some(Ok(()))
            }
            Progress::Done => {
                self.started().remove(&wish.id);
                None
            }
            // It stays until it was told.
            Progress::Failed(failure) => Some(Err(failure)),
        })
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, id: &str) -> Outcome<Option<T>> {
        match self.arm.get(id, NETWORK).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.class == Class::Gone || failure.code == "ResourceGroupNotFound" => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn interface(&self, id: Option<&str>) -> Outcome<Option<Interface>> {
        match id.filter(|id| is_own(&self.arm.account, id)) {
            Some(id) => Ok(self.read::<Value>(id).await?.map(Interface)),
            None => Ok(None),
        }
    }
}

impl Provides<AddressWish> for Azure {
    type Seen = SeenAddress;
    type Step = AddressStep;

    async fn observe(&self, wish: &AddressWish) -> Outcome<SeenAddress> {
        let operation = self.progress(wish).await?;
        let address: Option<PublicAddress> = self.read(&self.address_id(wish)).await?;
        let wanted = wish.instance.as_deref().filter(|_| wish.present && address.is_some());
        let wanted = self.interface(wanted).await?;
        let holder = self.interface(address.as_ref().and_then(PublicAddress::holder)).await?;
        Ok(SeenAddress { wanted, holder, operation, address })
    }

    fn report(&self, wish: &AddressWish, seen: &SeenAddress) -> AddressReport {
        report(wish, seen)
    }

    fn plan(&self, wish: &AddressWish, seen: &SeenAddress) -> Vec<(AddressPart, AddressStep)> {
        let next = plan::plan(&self.arm.account, wish, seen);
        next.into_iter().map(|step| (AddressPart::Address, step)).collect()
    }

    async fn step(&self, wish: &AddressWish, step: AddressStep) -> Outcome<()> {
        let id = self.address_id(wish);
        let put = async |id: &str, version: &Version, body: &Value| {
            let beside = Beside { if_match: version.as_read(), ..Beside::default() };
            self.arm.change(Method::PUT, id, NETWORK, beside, (Some(body), wish.now)).await
        };
        let begun = match &step {
            AddressStep::Tell(failure) => {
                self.started().remove(&wish.id);
                return Err(failure.clone());
            }
            AddressStep::Put(version) => {
                let body = json!({
                    "location": wish.region,
                    "sku": { "name": "Standard" },
                    "tags": { TAG: wish.id, "name": wish.name },
                    "properties": { "publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4" },
                });
                put(&id, version, &body).await
            }
            AddressStep::Attach { interface, written } | AddressStep::Detach { interface, written } => {
                put(interface, &Version::from(&written.0), &written.0).await
            }
            AddressStep::Delete => {
                self.arm.change(Method::DELETE, &id, NETWORK, Beside::default(), (None, wish.now)).await
            }
        };
        match begun {
            Ok(Some(begun)) => drop(self.started().insert(wish.id, begun)),
            Ok(None) => {}
            Err(failure) if matches!(step, AddressStep::Delete) && failure.class == Class::Gone => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }
}

fn report(wish: &AddressWish, seen: &SeenAddress) -> AddressReport {
    let mut report = AddressReport { reference: wish.reference.clone(), ..AddressReport::default() };
    let under_way = seen.operation == Some(Ok(()));
    let Some(address) = &seen.address else {
        let recent = wish.asked_at.is_some_and(|asked| wish.now - asked < SETTLING);
        report.settling = wish.present && (under_way || recent);
        report.standing = if under_way { AddressStanding::Partial } else { AddressStanding::Absent };
        return report;
    };
    let properties = &address.properties;
    report.address = properties.ip_address.as_deref().and_then(|text| text.parse().ok());
    report.instance = address.holder().map(str::to_owned);
    report.standing = match (&report.address, properties.provisioning_state.as_str()) {
        (Some(_), "Succeeded" | "Updating") if address.user().is_some() => AddressStanding::Attached,
        (Some(_), "Succeeded") => AddressStanding::Reserved,
        _ => AddressStanding::Partial,
    };
    report.words = BTreeMap::from([("provisioningState".to_owned(), properties.provisioning_state.clone())]);
    if let Some(user) = address.user() {
        report.words.insert("ipConfiguration".into(), user.to_owned());
    }
    if let Some(text) = &properties.ip_address {
        let mut reference = Reference::new();
        reference.insert(ADDRESS.into(), text.clone().into());
        report.reference = reference;
    }
    report
}
