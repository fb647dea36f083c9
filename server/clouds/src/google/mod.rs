//! Compute Engine: a network with one subnetwork, a peering per connection, and a firewall rule for each that is active
//! (domain 4.3).
//!
//! Google's own client speaks; what is worth a second try is decided here. A change is an operation, which is not
//! waited for: its name is remembered, and the next look tells whether it is over and how. A console that was
//! killed meanwhile has forgotten the name, and finds what came of it by the names of things.

mod address;
mod calls;
mod errors;
mod plan;
mod seen;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use reqwest::Url;
use tokio::sync::OnceCell;
use uuid::Uuid;

pub use self::{address::AddressStep, plan::Step, seen::Seen};
use self::{
    address::Started,
    calls::{Begun, Calls},
    seen::Operation,
};
use crate::{Class, Cloud, Outcome, Report, Secret, Subject, Wish, http::Http};

#[derive(Clone, Debug)]
pub struct GoogleAccount {
    /// The project's id, in which the console makes its networks.
    pub project: String,
    pub credentials: GoogleCredentials,
}

#[derive(Clone, Debug)]
pub enum GoogleCredentials {
    /// A service account's key, as Google's JSON file has it.
    ServiceAccount(Secret),
    /// What the machine has: `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's login, or the metadata server.
    Default,
}

#[derive(Clone, Debug)]
pub struct GoogleEndpoints {
    pub compute: Url,
}

impl Default for GoogleEndpoints {
    fn default() -> Self {
        Self { compute: Url::parse("https://compute.googleapis.com").expect("Google's own address parses") }
    }
}

/// A change that was accepted.
#[derive(Clone, Debug)]
struct Pending {
    begun: Begun,
    step: Step,
}

/// One project. Clones share what they remember.
#[derive(Clone, Debug)]
pub struct Google {
    account: GoogleAccount,
    endpoints: GoogleEndpoints,
    http: Http,
    calls: Arc<OnceCell<Calls>>,
    pending: Arc<Mutex<HashMap<(Uuid, Subject), Pending>>>,
    /// What was begun for an address.
    started: Arc<Mutex<HashMap<Uuid, (Started, AddressStep)>>>,
}

impl Google {
    pub fn new(account: GoogleAccount, endpoints: GoogleEndpoints, http: Http) -> Self {
        Self { account, endpoints, http, calls: Arc::default(), pending: Arc::default(), started: Arc::default() }
    }

    async fn calls(&self) -> Outcome<&Calls> {
        self.calls.get_or_try_init(|| Calls::open(&self.account, &self.endpoints, &self.http)).await
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<(Uuid, Subject), Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self) -> MutexGuard<'_, HashMap<Uuid, (Started, AddressStep)>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks after every operation of this network that was begun. What came to a good end is forgotten.
    async fn operations(&self, calls: &Calls, wish: &Wish) -> Outcome<BTreeMap<Subject, Operation>> {
        let ours = |((id, subject), pending): (&(Uuid, Subject), &Pending)| {
            (*id == wish.id).then(|| (*subject, pending.clone()))
        };
        let ours: Vec<(Subject, Pending)> = self.pending().iter().filter_map(ours).collect();
        let mut operations = BTreeMap::new();
        for (subject, Pending { mut begun, step }) in ours {
            if begun.over.is_none() {
                begun = match calls.operation(&begun.name, begun.region.as_deref()).await {
                    Ok(now) => now,
                    // Google has forgotten it: what is there tells how it ended.
                    Err(failure) if failure.class == Class::Gone => Begun { over: Some(Ok(())), ..begun },
                    Err(failure) => return Err(failure),
                };
            }
            match begun.over.clone().map(|over| step.came_to(over)) {
                None => {
                    drop(operations.insert(subject, Operation::Running { touches_peering: step.touches_peering() }))
                }
                Some(Ok(())) => drop(self.pending().remove(&(wish.id, subject))),
                Some(Err(failure)) => {
                    self.pending().insert((wish.id, subject), Pending { begun, step });
                    operations.insert(subject, Operation::Failed(failure));
                }
            }
        }
        Ok(operations)
    }

    async fn make(&self, calls: &Calls, wish: &Wish, step: &Step) -> Outcome<Begun> {
        match step {
            Step::Tell { failure, .. } => Err(failure.clone()),
            Step::InsertNetwork => calls.insert_network(wish).await,
            Step::InsertSubnetwork => calls.insert_subnetwork(wish).await,
            Step::DeleteSubnetwork => calls.delete_subnetwork(wish).await,
            Step::DeleteNetwork => calls.delete_network(wish).await,
            Step::AddPeering { name, peer, imports_custom_routes, .. } => {
                calls.add_peering(wish, name, peer, *imports_custom_routes).await
            }
            Step::UpdatePeering { name, imports_custom_routes, .. } => {
                calls.update_peering(wish, name, *imports_custom_routes).await
            }
            Step::RemovePeering { name, .. } => calls.remove_peering(wish, name).await,
            Step::InsertFirewall { rule, .. } => calls.insert_firewall(wish, rule).await,
            Step::UpdateFirewall { rule, .. } => calls.update_firewall(rule).await,
            Step::DeleteFirewall { name, .. } => calls.delete_firewall(name).await,
        }
    }
}

impl Cloud for Google {
    type Seen = Seen;
    type Step = Step;

    async fn check(&self) -> Outcome<String> {
        self.calls().await?.check().await?;
        let email = match &self.account.credentials {
            GoogleCredentials::ServiceAccount(key) => serde_json::from_str::<serde_json::Value>(key.expose())
                .ok()
                .and_then(|key| Some(key.get("client_email")?.as_str()?.to_owned())),
            GoogleCredentials::Default => None,
        };
        let project = &self.account.project;
        Ok(email.map_or_else(|| project.clone(), |email| format!("{email} in {project}")))
    }

    async fn observe(&self, wish: &Wish) -> Outcome<Seen> {
        let calls = self.calls().await?;
        let operations = self.operations(calls, wish).await?;
        let mut seen = Seen { operations, network: calls.network(wish).await?, ..Seen::default() };
        let Some(network) = &seen.network else { return Ok(seen) };
        seen.firewalls = calls.firewalls(wish).await?;
        for connection in &wish.connections {
            if network.peering(connection).is_some_and(|peering| peering.state == "ACTIVE") {
                seen.incoming.insert(connection.id, calls.incoming(wish, connection).await?);
            }
        }
        Ok(seen)
    }

    fn report(&self, wish: &Wish, seen: &Seen) -> Report {
        plan::report(&self.account.project, wish, seen)
    }

    fn plan(&self, wish: &Wish, seen: &Seen) -> Vec<(Subject, Step)> {
        plan::plan(wish, seen)
    }

    async fn step(&self, wish: &Wish, step: Step) -> Outcome<()> {
        let calls = self.calls().await?;
        let key = (wish.id, step.subject());
        if matches!(step, Step::Tell { .. }) {
            self.pending().remove(&key);
        }
        match self.make(calls, wish, &step).await {
            Ok(begun) => match begun.over.clone() {
                Some(over) => step.came_to(over),
                None => {
                    self.pending().insert(key, Pending { begun, step });
                    Ok(())
                }
            },
            Err(failure) => step.came_to(Err(failure)),
        }
    }
}
