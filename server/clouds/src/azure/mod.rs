//! Azure Resource Manager: a virtual network with one subnet and one security group, a peering per connection, and what
//! the other side's application needs to peer with it (domain 4.4).
//!
//! Names are keys in Azure, and every change is a PUT or a DELETE of one: a lost answer is found again by looking. A
//! change is an operation, which is not waited for: its address is remembered, and the next look tells whether it is
//! over and how. A console that was killed meanwhile has forgotten the address and reads `provisioningState`.
//! Peering across tenants takes a second token, of the peer's tenant.

mod address;
pub(crate) mod arm;
mod calls;
mod errors;
mod group;
mod names;
mod plan;
mod seen;
mod tokens;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use reqwest::Url;
use serde_json::Value;
use uuid::Uuid;

pub use self::{address::AddressStep, plan::Step, seen::Seen};
use self::{
    arm::{Arm, Begun, Progress},
    seen::Operation,
};
use crate::{Class, Cloud, Failure, Outcome, Report, Secret, Subject, Wish, http::Http};

/// The console's application, and where it makes its networks.
#[derive(Clone, Debug)]
pub struct AzureAccount {
    pub tenant: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub subscription: String,
    /// It exists; the console makes none.
    pub resource_group: String,
}

#[derive(Clone, Debug)]
pub struct AzureEndpoints {
    /// Where tokens come from.
    pub authority: Url,
    pub arm: Url,
    /// Microsoft Graph, without its version.
    pub graph: Url,
}

impl Default for AzureEndpoints {
    fn default() -> Self {
        let own = |address: &str| Url::parse(address).expect("Microsoft's own addresses parse");
        Self {
            authority: own("https://login.microsoftonline.com"),
            arm: own("https://management.azure.com"),
            graph: own("https://graph.microsoft.com"),
        }
    }
}

/// A change that was accepted, and what is known of its end.
#[derive(Clone, Debug)]
struct Pending {
    begun: Begun,
    /// It locks the network against other changes of peerings.
    locks: bool,
}

/// One resource group, as one application sees it. Clones share what they remember.
#[derive(Clone, Debug)]
pub struct Azure {
    arm: Arm,
    pending: Arc<Mutex<HashMap<(Uuid, Subject), Pending>>>,
    /// What was begun for an address.
    started: Arc<Mutex<HashMap<Uuid, Begun>>>,
}

impl Azure {
    pub fn new(account: AzureAccount, endpoints: AzureEndpoints, http: Http) -> Self {
        Self { arm: Arm::new(account, endpoints, http), pending: Arc::default(), started: Arc::default() }
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<(Uuid, Subject), Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self) -> MutexGuard<'_, HashMap<Uuid, Begun>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks after every operation of this network that was begun. What came to a good end is forgotten.
    async fn operations(&self, wish: &Wish) -> Outcome<BTreeMap<Subject, Operation>> {
        let ours = |((id, subject), pending): (&(Uuid, Subject), &Pending)| {
            (*id == wish.id).then(|| (*subject, pending.clone()))
        };
        let ours: Vec<(Subject, Pending)> = self.pending().iter().filter_map(ours).collect();
        let mut operations = BTreeMap::new();
        for (subject, Pending { begun, locks }) in ours {
            let key = (wish.id, subject);
            match self.arm.progress(&begun, wish.now).await? {
                Progress::Running(begun) => {
                    self.pending().insert(key, Pending { begun, locks });
                    operations.insert(subject, Operation::Running { locks });
                }
                Progress::Done => drop(self.pending().remove(&key)),
                // It stays until it was told.
                Progress::Failed(failure) => {
                    let failure = if locks { errors::of_peering(wish, failure) } else { failure };
                    operations.insert(subject, Operation::Failed(failure));
                }
            }
        }
        Ok(operations)
    }
}

impl Cloud for Azure {
    type Seen = Seen;
    type Step = Step;

    async fn check(&self) -> Outcome<String> {
        let AzureAccount { client_id, subscription, resource_group, .. } = &self.arm.account;
        let path = format!("/subscriptions/{subscription}/resourceGroups/{resource_group}");
        self.arm.get::<Value>(&path, arm::RESOURCES).await?;
        // Whether the other side's applications can be found here, too.
        self.arm.principal(client_id).await?;
        Ok(format!("{client_id} in {subscription}"))
    }

    async fn observe(&self, wish: &Wish) -> Outcome<Seen> {
        let operations = self.operations(wish).await?;
        let (network, group) = futures::try_join!(self.arm.network(wish), self.arm.group(wish))?;
        let mut seen = Seen { network, group, operations, ..Seen::default() };
        if seen.network.is_some() && !(wish.present && wish.connections.is_empty()) {
            self.look_at_grants(wish, &mut seen).await?;
        }
        Ok(seen)
    }

    fn report(&self, wish: &Wish, seen: &Seen) -> Report {
        plan::report(&self.arm.account, wish, seen)
    }

    fn plan(&self, wish: &Wish, seen: &Seen) -> Vec<(Subject, Step)> {
        plan::plan(&self.arm.account, wish, seen)
    }

    async fn step(&self, wish: &Wish, step: Step) -> Outcome<()> {
        let (key, locks) = ((wish.id, step.subject()), step.locks());
        if let Step::Tell { failure, .. } = &step {
            self.pending().remove(&key);
            return Err(failure.clone());
        }
        let made = self.arm.make(wish, &step).await;
        let is_peering = matches!(step, Step::PutPeering { .. });
        let made = if is_peering { made.map_err(|failure| errors::of_peering(wish, failure)) } else { made };
        match made {
            Ok(Some(begun)) => drop(self.pending().insert(key, Pending { begun, locks })),
            Ok(None) => {}
            // A first request was carried out and its answer lost.
            Err(failure) if step.makes() && errors::is_there_already(&failure) => {}
            Err(failure) if step.removes() && failure.class == Class::Gone => {}
            // Another VPC that needed the role no more took it away a moment ago, or it was just defined.
            Err(failure) if failure.code == "RoleDefinitionDoesNotExist" => {
                return Err(Failure { class: Class::Retry, ..failure });
            }
            Err(failure) => return Err(failure),
        }
        Ok(())
    }
}

impl Azure {
    /// What the other side's applications may do, and, of those that may nothing yet, who they are here.
    async fn look_at_grants(&self, wish: &Wish, seen: &mut Seen) -> Outcome<()> {
        seen.grants = tolerated(self.arm.grants(wish).await)?;
        let Ok(grants) = &seen.grants else { return Ok(()) };
        let wanted = wish.connections.iter().filter(|connection| connection.present && wish.present);
        let missing = wanted.filter_map(names::application).filter(|application| {
            let name = names::grant(wish.id, application);
            !grants.iter().any(|grant| grant.name == name)
        });
        let missing: BTreeSet<String> = missing.map(str::to_owned).collect();
        if missing.is_empty() {
            return Ok(());
        }
        seen.role = tolerated(self.arm.role().await)?;
        for application in missing {
            let principal = tolerated(self.arm.principal(&application).await)?;
            seen.principals.insert(application, principal);
        }
        Ok(())
    }
}

/// That the console may not read grants hinders those connections that need one; that Azure is away hinders all.
fn tolerated<T>(answer: Outcome<T>) -> Outcome<Outcome<T>> {
    match answer {
        Err(failure) if matches!(failure.class, Class::Retry | Class::Unreachable | Class::Credentials) => Err(failure),
        answer => Ok(answer),
    }
}
