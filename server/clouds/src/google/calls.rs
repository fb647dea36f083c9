//! Google's own client, one call per function: its types go in and out here and nowhere else.
//!
//! It is told not to retry: what is worth a second try, and how long to wait, is decided for all clouds in one
//! place ([`Http`]). Every change carries a request id, so that the second try of a change whose answer was lost
//! is the first one to Google.

mod addresses;

use std::{collections::BTreeMap, time::Duration};

use google_cloud_auth::credentials::{self, Credentials, service_account};
use google_cloud_compute_v1::{
    client::{Addresses, Firewalls, Instances, Networks, Subnetworks},
    model,
};
use google_cloud_gax::{error::Error, retry_policy::NeverRetry};
use ipnet::Ipv4Net;
use uuid::Uuid;

use super::{
    GoogleAccount, GoogleCredentials, GoogleEndpoints, errors,
    seen::{self, network_name},
};
use crate::{
    Class, ConnectionWish, Failure, Opening, Outcome, Wish,
    http::{Http, guard},
};

const SCOPE: &str = "https://www.googleapis.com/auth/compute";
/// As long as for the other clouds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The client's services, signed in.
#[derive(Clone, Debug)]
pub struct Calls {
    pub project: String,
    http: Http,
    networks: Networks,
    subnetworks: Subnetworks,
    firewalls: Firewalls,
    addresses: Addresses,
    instances: Instances,
}

/// An operation that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    pub name: String,
    /// `None`: a global one.
    pub region: Option<String>,
    /// What it came to, if it is over already.
    pub over: Option<Result<(), Failure>>,
}

impl Begun {
    fn of(operation: &model::Operation, region: Option<&str>) -> Self {
        let done = operation.status == Some(model::operation::Status::Done);
        let over = done.then(|| errors::outcome(operation).map_or(Ok(()), Err));
        Self { name: operation.name.clone().unwrap_or_default(), region: region.map(str::to_owned), over }
    }
}

impl Calls {
    /// # Errors
    /// If the credentials are none, or the endpoint is not to be trusted with them.
    pub async fn open(account: &GoogleAccount, endpoints: &GoogleEndpoints, http: &Http) -> Outcome<Self> {
        guard(&endpoints.compute)?;
        let credentials = sign_in(account)?;
        let endpoint = endpoints.compute.as_str().trim_end_matches('/');
        macro_rules! client {
            ($service:ident) => {
                $service::builder()
                    .with_endpoint(endpoint)
                    .with_credentials(credentials.clone())
                    .with_retry_policy(NeverRetry)
                    .build()
                    .await
                    .map_err(|error| Failure::new(Class::Operator, "endpoint", error.to_string()))?
            };
        }
        Ok(Self {
            project: account.project.clone(),
            http: http.clone(),
            networks: client!(Networks),
            subnetworks: client!(Subnetworks),
            firewalls: client!(Firewalls),
            addresses: client!(Addresses),
            instances: client!(Instances),
        })
    }

    async fn ask<T, F>(&self, call: impl Fn() -> F + Send + Sync) -> Outcome<T>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let ask = || {
            let called = call();
            async move {
                match tokio::time::timeout(PATIENCE, called).await {
                    Ok(answer) => answer.map_err(|error| errors::failure(&error)),
                    Err(_) => Err(Failure::new(Class::Unreachable, "transport", "Google did not answer in time.")),
                }
            }
        };
        self.http.patiently(ask).await
    }

    /// Every page of a list.
    async fn pages<T, F>(&self, call: impl Fn(String) -> F + Send + Sync) -> Outcome<Vec<T>>
    where
        F: Future<Output = Result<(Vec<T>, Option<String>), Error>> + Send,
        T: Send,
    {
        let (mut items, mut token) = (Vec::new(), String::new());
        loop {
            let (page, next) = self.ask(|| call(token.clone())).await?;
            items.extend(page);
            match next.filter(|next| !next.is_empty() && *next != token) {
                Some(next) => token = next,
                None => return Ok(items),
            }
        }
    }

    /// One network at most: the credentials are good if it answers at all.
    pub async fn check(&self) -> Outcome<()> {
        self.ask(|| self.networks.list().set_project(&self.project).set_max_results(1_u32).send()).await?;
        Ok(())
    }

    /// `None` if it is not there.
    pub async fn network(&self, wish: &Wish) -> Outcome<Option<seen::Network>> {
        let name = network_name(wish);
        let get = || self.networks.get().set_project(&self.project).set_network(&name).send();
        match self.ask(get).await {
            Ok(network) => Ok(Some(seen::Network {
                subnetworks: network.subnetworks,
                peerings: network.peerings.into_iter().map(peering).collect(),
            })),
            Err(failure) if failure.class == Class::Gone => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The rules that let somebody into this network.
    pub async fn firewalls(&self, wish: &Wish) -> Outcome<Vec<seen::Firewall>> {
        let end = format!("/global/networks/{}", network_name(wish));
        let filter = format!("network eq \".*{end}\"");
        let list = |token: String| {
            let list = self.firewalls.list().set_project(&self.project).set_filter(&filter).set_page_token(token);
            async move { list.send().await.map(|page| (page.items, page.next_page_token)) }
        };
        let rules = self.pages(list).await?;
        let ours = |rule: &model::Firewall| rule.network.as_ref().is_some_and(|url| url.ends_with(&end));
        Ok(rules.iter().filter(|rule| ours(rule)).map(firewall).collect())
    }

    /// What an active peering brings in from the other side.
    pub async fn incoming(&self, wish: &Wish, connection: &ConnectionWish) -> Outcome<Vec<Ipv4Net>> {
        let (network, name) = (network_name(wish), connection.name());
        let list = |token: String| {
            let list = self.networks.list_peering_routes().set_project(&self.project).set_network(&network);
            let list = list.set_peering_name(&name).set_region(&wish.region).set_page_token(token);
            let list = list.set_direction(model::networks::list_peering_routes_request::Direction::Incoming);
            async move { list.send().await.map(|page| (page.items, page.next_page_token)) }
        };
        let routes = self.pages(list).await?;
        let imported = routes.into_iter().filter(|route| route.imported != Some(false));
        let mut ranges: Vec<Ipv4Net> = imported.filter_map(|route| route.dest_range?.parse().ok()).collect();
        ranges.sort();
        ranges.dedup();
        Ok(ranges)
    }

    /// # Errors
    /// Of class `Gone` once Google has forgotten it.
    pub async fn operation(&self, name: &str, region: Option<&str>) -> Outcome<Begun> {
        let operation = match region {
            None => {
                let get = self.networks.get_operation().set_project(&self.project).set_operation(name);
                self.ask(|| get.clone().send()).await?
            }
            Some(region) => {
                let get = self.subnetworks.get_operation().set_project(&self.project).set_region(region);
                let get = get.set_operation(name);
                self.ask(|| get.clone().send()).await?
            }
        };
        Ok(Begun::of(&operation, region))
    }

    pub async fn insert_network(&self, wish: &Wish) -> Outcome<Begun> {
        let body = model::Network::new()
            .set_name(network_name(wish))
            .set_description(format!("causeway:vpc={} {}", wish.id, wish.name))
            .set_auto_create_subnetworks(false)
            .set_routing_config(
                model::NetworkRoutingConfig::new().set_routing_mode(model::network_routing_config::RoutingMode::Global),
            );
        let insert = self.networks.insert().set_project(&self.project).set_request_id(request_id()).set_body(body);
        Ok(Begun::of(&self.ask(|| insert.clone().send()).await?, None))
    }

    pub async fn insert_subnetwork(&self, wish: &Wish) -> Outcome<Begun> {
        let name = network_name(wish);
        let body = model::Subnetwork::new()
            .set_name(&name)
            .set_network(seen::peer_path(&self.project, &name))
            .set_ip_cidr_range(wish.cidr.to_string())
            .set_region(&wish.region)
            .set_private_ip_google_access(true);
        let insert = self.subnetworks.insert().set_project(&self.project).set_region(&wish.region);
        let insert = insert.set_request_id(request_id()).set_body(body);
        Ok(Begun::of(&self.ask(|| insert.clone().send()).await?, Some(&wish.region)))
    }

    pub async fn delete_subnetwork(&self, wish: &Wish) -> Outcome<Begun> {
        let delete = self.subnetworks.delete().set_project(&self.project).set_region(&wish.region);
        let delete = delete.set_subnetwork(network_name(wish)).set_request_id(request_id());
        Ok(Begun::of(&self.ask(|| delete.clone().send()).await?, Some(&wish.region)))
    }

    pub async fn delete_network(&self, wish: &Wish) -> Outcome<Begun> {
        let delete = self.networks.delete().set_project(&self.project).set_network(network_name(wish));
        let delete = delete.set_request_id(request_id());
        Ok(Begun::of(&self.ask(|| delete.clone().send()).await?, None))
    }

    pub async fn add_peering(&self, wish: &Wish, name: &str, peer: &str, imports: bool) -> Outcome<Begun> {
        let peering = model::NetworkPeering::new()
            .set_name(name)
            .set_network(peer)
            .set_exchange_subnet_routes(true)
            .set_import_custom_routes(imports);
        let body = model::NetworksAddPeeringRequest::new().set_network_peering(peering);
        let add = self.networks.add_peering().set_project(&self.project).set_network(network_name(wish));
        let add = add.set_request_id(request_id()).set_body(body);
        Ok(Begun::of(&self.ask(|| add.clone().send()).await?, None))
    }

    pub async fn update_peering(&self, wish: &Wish, name: &str, imports: bool) -> Outcome<Begun> {
        let peering = model::NetworkPeering::new()
            .set_name(name)
            .set_exchange_subnet_routes(true)
            .set_import_custom_routes(imports);
        let body = model::NetworksUpdatePeeringRequest::new().set_network_peering(peering);
        let update = self.networks.update_peering().set_project(&self.project).set_network(network_name(wish));
        let update = update.set_request_id(request_id()).set_body(body);
        Ok(Begun::of(&self.ask(|| update.clone().send()).await?, None))
    }

    pub async fn remove_peering(&self, wish: &Wish, name: &str) -> Outcome<Begun> {
        let body = model::NetworksRemovePeeringRequest::new().set_name(name);
        let remove = self.networks.remove_peering().set_project(&self.project).set_network(network_name(wish));
        let remove = remove.set_request_id(request_id()).set_body(body);
        Ok(Begun::of(&self.ask(|| remove.clone().send()).await?, None))
    }

    pub async fn insert_firewall(&self, wish: &Wish, rule: &seen::Firewall) -> Outcome<Begun> {
        let body = written(rule)
            .set_network(seen::peer_path(&self.project, &network_name(wish)))
            .set_direction(model::firewall::Direction::Ingress)
            .set_description(format!("causeway:vpc={} lets peers in", wish.id));
        let insert = self.firewalls.insert().set_project(&self.project).set_request_id(request_id()).set_body(body);
        Ok(Begun::of(&self.ask(|| insert.clone().send()).await?, None))
    }

    pub async fn update_firewall(&self, rule: &seen::Firewall) -> Outcome<Begun> {
        let patch = self.firewalls.patch().set_project(&self.project).set_firewall(&rule.name);
        let patch = patch.set_request_id(request_id()).set_body(written(rule));
        Ok(Begun::of(&self.ask(|| patch.clone().send()).await?, None))
    }

    pub async fn delete_firewall(&self, name: &str) -> Outcome<Begun> {
        let delete = self.firewalls.delete().set_project(&self.project).set_firewall(name);
        let delete = delete.set_request_id(request_id());
        Ok(Begun::of(&self.ask(|| delete.clone().send()).await?, None))
    }
}

fn sign_in(account: &GoogleAccount) -> Outcome<Credentials> {
    let built = match &account.credentials {
        GoogleCredentials::ServiceAccount(key) => {
            let key = serde_json::from_str(key.expose()).map_err(|_| {
                Failure::new(Class::Credentials, "credentials", "The service account's key is no JSON.")
            })?;
            service_account::Builder::new(key)
                .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
                .build()
        }
        GoogleCredentials::Default => credentials::Builder::default().with_scopes([SCOPE]).build(),
    };
    built.map_err(|error| Failure::new(Class::Credentials, "credentials", error.to_string()))
}

/// Google takes a second request with the same id for the first one.
fn request_id() -> String {
    Uuid::new_v4().to_string()
}

fn peering(peering: model::NetworkPeering) -> seen::Peering {
    seen::Peering {
        name: peering.name.unwrap_or_default(),
        network: peering.network.unwrap_or_default(),
        state: peering.state.map(|state| state.to_string()).unwrap_or_default(),
        details: peering.state_details.unwrap_or_default(),
        exchanges_subnet_routes: peering.exchange_subnet_routes.unwrap_or(false),
        imports_custom_routes: peering.import_custom_routes.unwrap_or(false),
    }
}

fn firewall(rule: &model::Firewall) -> seen::Firewall {
    let mut ranges: Vec<Ipv4Net> = rule.source_ranges.iter().filter_map(|range| range.parse().ok()).collect();
    ranges.sort();
    let mut openings: Vec<Opening> = rule.allowed.iter().flat_map(opening).collect();
    openings.sort();
    // One that somebody disabled opens nothing.
    if rule.disabled == Some(true) {
        openings.clear();
    }
    seen::Firewall { name: rule.name.clone().unwrap_or_default(), ranges, openings }
}

fn opening(allowed: &model::firewall::Allowed) -> Vec<Opening> {
    let protocol = allowed.ip_protocol.as_deref().unwrap_or_default();
    if protocol == "all" {
        return vec![Opening::All];
    }
    let port = |text: &String| {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        Some(Opening::Tcp { from: from.parse().ok()?, to: to.parse().ok()? })
    };
    if protocol == "tcp" { allowed.ports.iter().filter_map(port).collect() } else { Vec::new() }
}

fn written(rule: &seen::Firewall) -> model::Firewall {
    let mut allowed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for opening in &rule.openings {
        match opening {
            Opening::All => drop(allowed.entry("all").or_default()),
            Opening::Tcp { from, to } if from == to => allowed.entry("tcp").or_default().push(from.to_string()),
            Opening::Tcp { from, to } => allowed.entry("tcp").or_default().push(format!("{from}-{to}")),
        }
    }
    let allowed = allowed
        .into_iter()
        .map(|(protocol, ports)| model::firewall::Allowed::new().set_ip_protocol(protocol).set_ports(ports));
    model::Firewall::new()
        .set_name(&rule.name)
        .set_disabled(false)
        .set_source_ranges(rule.ranges.iter().map(ToString::to_string))
        .set_allowed(allowed)
}
