//! UpCloud's API 1.3: a router and a network of ours, and a peering per connection (domain 4.5).
//!
//! What was made is found again by its labels; who asks twice because an answer was lost gets
//! `PEERING_CONFLICT` for a peering, and a stray network or router, which the next pass removes.

pub(crate) mod errors;
mod plan;
mod wire;

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use base64::Engine as _;
use ipnet::Ipv4Net;
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::plan::{Seen, Step};
use self::{
    plan::{made_router_of, network_of, peering_of},
    wire::{CONNECTION, List, Network, OneAccount, OneNetwork, OnePeering, OneRouter, Peering, Router, VPC},
};
use crate::{
    Class, Cloud, Failure, Outcome, Report, Secret, Subject, Wish,
    http::{Answer, Http, Request},
};

const PAGE: usize = 100;
/// How long something that was asked for may stay invisible before it is asked for again, in milliseconds.
const PATIENCE: i64 = 60_000;
/// The same where the answer was lost, so that nothing says that it was made.
const PATIENCE_UNTOLD: i64 = 5_000;

#[derive(Clone, Debug)]
pub enum UpCloudAccount {
    Password {
        username: String,
        password: Secret,
    },
    /// An API token, `ucat_…`.
    Token(Secret),
}

#[derive(Clone, Debug)]
pub struct UpCloudEndpoints {
    /// With the version: `https://api.upcloud.com/1.3`.
    pub api: Url,
}

impl Default for UpCloudEndpoints {
    fn default() -> Self {
        Self { api: Url::parse("https://api.upcloud.com/1.3").expect("UpCloud's own address parses") }
    }
}

/// What was asked for and is perhaps not visible yet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: i64,
    /// `None`: the answer was lost.
    made: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Router,
    Network,
}

/// One account. Clones share what they remember.
#[derive(Clone, Debug)]
pub struct UpCloud {
    account: UpCloudAccount,
    endpoints: UpCloudEndpoints,
    http: Http,
    asked: Arc<Mutex<HashMap<(Uuid, Kind), Asked>>>,
}

impl UpCloud {
    pub fn new(account: UpCloudAccount, endpoints: UpCloudEndpoints, http: Http) -> Self {
        Self { account, endpoints, http, asked: Arc::default() }
    }

    async fn send(&self, http: &Http, method: Method, path: &str, body: Option<&Value>) -> Outcome<Answer> {
        let base = self.endpoints.api.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}/{path}"))
            .map_err(|error| Failure::new(Class::Operator, "endpoint", format!("{base}: {error}")))?;
        let build = || {
            let mut headers = HeaderMap::from_iter([(AUTHORIZATION, self.authorization()?)]);
            if body.is_some() {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            let body = body.map(Value::to_string).unwrap_or_default();
            Ok(Request { method: method.clone(), url: url.clone(), headers, body })
        };
        http.send(build, errors::judge).await
    }

    async fn get(&self, path: &str) -> Outcome<Answer> {
        self.send(&self.http, Method::GET, path, None).await
    }

    async fn change(&self, method: Method, path: &str, body: &Value) -> Outcome<Answer> {
        self.send(&self.http, method, path, Some(body)).await
    }

    /// What is gone is as deleted as it can be.
    async fn delete(&self, path: &str) -> Outcome<()> {
        match self.send(&self.http, Method::DELETE, path, None).await {
            Err(failure) if failure.class != Class::Gone => Err(failure),
            _ => Ok(()),
        }
    }

    fn authorization(&self) -> Outcome<HeaderValue> {
        let text = match &self.account {
            UpCloudAccount::Token(token) => format!("Bearer {}", token.expose()),
            UpCloudAccount::Password { username, password } => {
                let pair = format!("{username}:{}", password.expose());
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
            }
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            Failure::new(Class::Credentials, "credentials", "The token holds characters that no header can carry.")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Every page of a list.
    async fn list<L: List>(&self, query: &str) -> Outcome<Vec<L::Item>> {
        let mut items: Vec<L::Item> = Vec::new();
        loop {
            let path = format!("{}?limit={PAGE}&offset={}{query}", L::PATH, items.len());
            let page = wire::read::<L>(&self.get(&path).await?)?.items();
            let full = page.len() >= PAGE;
            // A server that knows no pages answers the whole list every time.
            let again = page.first().zip(items.first()).is_some_and(|(new, old)| L::uuid(new) == L::uuid(old));
            if again {
                return Ok(items);
            }
            items.extend(page);
            if !full {
                return Ok(items);
            }
        }
    }

    async fn labelled<L: List>(&self, wish: &Wish) -> Outcome<Vec<L::Item>> {
        self.list::<L>(&format!("&label={VPC}%3D{}", wish.id)).await
    }

    /// `None` if it is not there.
    async fn network(&self, uuid: Uuid) -> Outcome<Option<Network>> {
        match self.get(&format!("network/{uuid}")).await {
            Ok(answer) => Ok(Some(wire::read::<OneNetwork>(&answer)?.network)),
            Err(failure) if failure.class == Class::Gone => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn asked(&self, wish: &Wish, kind: Kind) -> Option<Asked> {
        let asked = *self.memory().get(&(wish.id, kind))?;
        let patience = if asked.made.is_some() { PATIENCE } else { PATIENCE_UNTOLD };
        (wish.now - asked.at < patience).then_some(asked)
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, HashMap<(Uuid, Kind), Asked>> {
        self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Makes a thing that has no name of its own in the cloud: sent once only, because a second time makes a second one.
    async fn create(&self, wish: &Wish, kind: Kind, path: &str, body: Value) -> Outcome<()> {
        let answer = self.send(&self.http.single(), Method::POST, path, Some(&body)).await;
        let field = if kind == Kind::Router { "router" } else { "network" };
        let made = match &answer {
            // One that cannot be read was a success all the same.
            Ok(answer) => wire::read::<Value>(answer)
                .ok()
                .and_then(|answer| answer[field]["uuid"].as_str().and_then(|uuid| uuid.parse().ok())),
            Err(failure) if matches!(failure.class, Class::Retry | Class::Unreachable) => None,
            Err(failure) => return Err(failure.clone()),
        };
        self.memory().insert((wish.id, kind), Asked { at: wish.now, made });
        answer.map(|_| ())
    }

    async fn create_peering(
        &self,
        wish: &Wish,
        connection: Uuid,
        name: &str,
        network: Uuid,
        peer: Uuid,
    ) -> Outcome<()> {
        admit(wish, network, peer, self.readable(peer).await?.as_ref())?;
        let labels = labels(wish, Some(connection));
        let body = json!({"network_peering": {
            "name": name, "configured_status": "active", "labels": labels,
            "network": {"uuid": network}, "peer_network": {"uuid": peer},
        }});
        match self.change(Method::POST, wire::Peerings::PATH, &body).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.code == "PEERING_CONFLICT" => {
                let all = self.list::<wire::Peerings>("").await?;
                match adopt(&all, (connection, name), network, peer, failure)? {
                    None => Ok(()),
                    Some(found) => {
                        let path = format!("{}/{found}", wire::Peerings::PATH);
                        let body = json!({"network_peering": {"labels": labels}});
                        self.change(Method::PATCH, &path, &body).await.map(|_| ())
                    }
                }
            }
            Err(failure) => Err(failure),
        }
    }

    /// The peer's network where it is ours to read: that of another account is not.
    async fn readable(&self, peer: Uuid) -> Outcome<Option<Network>> {
        match self.network(peer).await {
            Err(failure) if failure.class == Class::Denied => Ok(None),
            other => other,
        }
    }

    async fn configure(&self, peering: Uuid, status: &str) -> Outcome<()> {
        let body = json!({"network_peering": {"configured_status": status}});
        self.change(Method::PATCH, &format!("{}/{peering}", wire::Peerings::PATH), &body).await.map(|_| ())
    }
}

fn labels(wish: &Wish, connection: Option<Uuid>) -> Value {
    let mut labels = vec![json!({"key": VPC, "value": wish.id})];
    labels.extend(connection.map(|connection| json!({"key": CONNECTION, "value": connection})));
    Value::Array(labels)
}

/// The rules that UpCloud leaves to a state, told at once where the peer's network can be read (domain 3.4).
///
/// # Errors
/// If the two networks can never be peered.
fn admit(wish: &Wish, network: Uuid, peer: Uuid, theirs: Option<&Network>) -> Outcome<()> {
    let refuse = |code: &str, message: String| Err(Failure::new(Class::Specification, code, message));
    if network == peer {
        return refuse("PEERING_WITH_ITSELF", "A network cannot be peered with itself.".to_owned());
    }
    let Some(theirs) = theirs else { return Ok(()) };
    if !theirs.kind.is_empty() && theirs.kind != "private" {
        let kind = &theirs.kind;
        let message = format!("Only networks of type private can be peered. {peer} is of type {kind}.");
        return refuse("NETWORK_TYPE_INVALID", message);
    }
    if !theirs.zone.is_empty() && theirs.zone != wish.region {
        let message = format!(
            "The UpCloud network is in zone {}; the VPC is in zone {}. Both must be in the same zone.",
            theirs.zone, wish.region
        );
        return refuse("ZONE_MISMATCH", message);
    }
    let overlaps = |range: &Ipv4Net| range.contains(&wish.cidr) || wish.cidr.contains(range);
    if let Some(range) = theirs.ip_networks.ranges().into_iter().find(overlaps) {
        let message = format!("The UpCloud network {range} overlaps with the VPC range {}.", wish.cidr);
        return refuse("conflict-subnet", message);
    }
    Ok(())
}

/// Whose the peering is that is in the way: `None` if it is this connection's own already, `Some` if it has only
/// the name of it and needs its labels.
///
/// # Errors
/// If it is somebody else's.
fn adopt(
    all: &[Peering],
    (connection, name): (Uuid, &str),
    network: Uuid,
    peer: Uuid,
    conflict: Failure,
) -> Outcome<Option<Uuid>> {
    let found = all.iter().find(|found| found.network.uuid == network && found.peer_network.uuid == peer);
    match found {
        // It is there, and the list does not show it yet.
        None => Err(Failure { class: Class::Retry, ..conflict }),
        Some(found) => match found.connection() {
            Some(owner) if owner == connection => Ok(None),
            // Of a connection that is being deleted.
            Some(_) => Err(Failure { class: Class::Retry, ..conflict }),
            None if found.name == name => Ok(Some(found.uuid)),
            None => Err(conflict),
        },
    }
}

impl Cloud for UpCloud {
    type Seen = Seen;
    type Step = Step;

    async fn check(&self) -> Outcome<String> {
        Ok(wire::read::<OneAccount>(&self.get("account").await?)?.account.username)
    }

    async fn observe(&self, wish: &Wish) -> Outcome<Seen> {
        let asked = (self.asked(wish, Kind::Network), self.asked(wish, Kind::Router));
        let known = network_of(&wish.reference).or(asked.0.and_then(|asked| asked.made));
        let mut networks = Vec::new();
        if let Some(known) = known {
            networks.extend(self.network(known).await?);
        }
        let attached = networks.first().and_then(Network::router);
        let (mut routers, mut peerings) = (Vec::new(), Vec::new());
        // Without a router, all of ours are looked for: what else a router joins must be known before it is used.
        if attached.is_none() || !wish.present {
            networks.extend(self.labelled::<wire::Networks>(wish).await?);
        }
        if attached.is_none() || !wish.present {
            routers = self.labelled::<wire::Routers>(wish).await?;
            self.look_for_unlabelled_router(wish, &mut routers).await?;
        }
        // A peering may outlive its network.
        if !networks.is_empty() || wish.connections.iter().any(|known| peering_of(&known.reference).is_some()) {
            peerings = self.labelled::<wire::Peerings>(wish).await?;
            self.look_for_unlabelled(wish, &mut peerings).await?;
        }
        let mut seen = Seen::sorted(wish, networks, routers, peerings);
        for (kind, shows) in [(Kind::Network, seen.network.is_some()), (Kind::Router, seen.router.is_some())] {
            if shows {
                self.memory().remove(&(wish.id, kind));
            }
        }
        seen.settling = (seen.network.is_none() && asked.0.is_some()) || (seen.router.is_none() && asked.1.is_some());
        Ok(seen)
    }

    fn report(&self, wish: &Wish, seen: &Seen) -> Report {
        plan::report(wish, seen)
    }

    fn plan(&self, wish: &Wish, seen: &Seen) -> Vec<(Subject, Step)> {
        plan::plan(wish, seen)
    }

    async fn step(&self, wish: &Wish, step: Step) -> Outcome<()> {
        match step {
            Step::CreateRouter => {
                let body = json!({"router": {"name": wish.name, "labels": labels(wish, None)}});
                self.create(wish, Kind::Router, "router", body).await
            }
            Step::CreateNetwork { router } => {
                let range = json!({
                    "address": wish.cidr.to_string(), "dhcp": "yes", "dhcp_default_route": "no", "family": "IPv4",
                });
                let body = json!({"network": {
                    "name": wish.name, "zone": wish.region, "router": router, "labels": labels(wish, None),
                    "ip_networks": {"ip_network": [range]},
                }});
                self.create(wish, Kind::Network, "network/", body).await
            }
            Step::AttachRouter { network, router } => {
                let body = json!({"network": {"router": router}});
                self.change(Method::PUT, &format!("network/{network}"), &body).await.map(|_| ())
            }
            Step::DeleteNetwork(network) => self.delete(&format!("network/{network}")).await,
            Step::DeleteRouter(router) => self.delete(&format!("router/{router}")).await,
            Step::CreatePeering { connection, name, network, peer } => {
                self.create_peering(wish, connection, &name, network, peer).await
            }
            Step::EnablePeering(peering) => self.configure(peering, "active").await,
            Step::DisablePeering(peering) => self.configure(peering, "disabled").await,
            Step::DeletePeering(peering) => self.delete(&format!("{}/{peering}", wire::Peerings::PATH)).await,
            Step::Tell(failure) => Err(failure),
        }
    }
}

impl UpCloud {
    /// Somebody may have taken the label of our router away: what we know that we made is read by its uuid.
    async fn look_for_unlabelled_router(&self, wish: &Wish, routers: &mut Vec<Router>) -> Outcome<()> {
        let Some(made) = made_router_of(&wish.reference) else { return Ok(()) };
        if routers.iter().any(|router| router.uuid == made) {
            return Ok(());
        }
        match self.get(&format!("router/{made}")).await {
            Ok(answer) => routers.push(wire::read::<OneRouter>(&answer)?.router),
            Err(failure) if failure.class == Class::Gone => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// Somebody may have taken our labels away: what we know by its uuid is read by it.
    async fn look_for_unlabelled(&self, wish: &Wish, peerings: &mut Vec<Peering>) -> Outcome<()> {
        for connection in &wish.connections {
            let Some(known) = peering_of(&connection.reference) else { continue };
            if peerings.iter().any(|peering| peering.uuid == known) {
                continue;
            }
            match self.get(&format!("{}/{known}", wire::Peerings::PATH)).await {
                Ok(answer) => peerings.push(wire::read::<OnePeering>(&answer)?.network_peering),
                Err(failure) if failure.class == Class::Gone => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }
}
