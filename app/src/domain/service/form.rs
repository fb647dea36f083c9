//! What a person asks for when a service is made, as it was typed and as it is meant.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Component, ComponentName, Place, Plan, ServiceType, catalogue::Switch, route};
use crate::domain::{Network, ProjectName, Refusal, Refusals, ServiceName, gateway::checked, refusal::Parse};

use super::placement::admit_place;

/// The most nodes of a service.
pub const MOST_NODES: u16 = 100;
/// The most components of a custom service.
pub const MOST_COMPONENTS: usize = 32;

/// The texts of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceForm {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub plan: String,
    /// Of a custom plan.
    #[serde(default)]
    pub node_count: String,
    #[serde(default)]
    pub place: String,
    /// By component of the type; an empty one is not run.
    #[serde(default)]
    pub ports: BTreeMap<String, String>,
    /// Of a custom service: `name port` per line.
    #[serde(default)]
    pub components: String,
    #[serde(default)]
    pub termination_protection: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewService {
    pub name: ServiceName,
    pub kind: ServiceType,
    pub plan: Plan,
    pub node_count: u16,
    pub place: Place,
    pub components: Vec<Component>,
    pub termination_protection: bool,
}

impl ServiceForm {
    /// Fields carry the names of this struct; of a port, `ports`.
    pub fn parse(&self) -> Result<NewService, Refusals> {
        let mut parse = Parse::default();
        let name = parse.field("name", &self.name);
        let kind: Option<ServiceType> = parse.field("kind", &self.kind);
        let plan: Option<Plan> = parse.field("plan", &self.plan);
        let node_count = plan.and_then(|plan| {
            plan.nodes().or_else(|| {
                let count = self.node_count.trim().parse().ok().filter(|count| (1..=MOST_NODES).contains(count));
                parse.keep("node_count", count.ok_or(format!("Enter a number from 1 to {MOST_NODES}.")))
            })
        });
        let place = parse.field("place", &self.place);
        let components =
            kind.map(|kind| if kind.is_custom() { self.custom(&mut parse) } else { self.known(kind, &mut parse) });
        parse.done()?;
        Ok(NewService {
            name: name.expect("nothing was refused"),
            kind: kind.expect("nothing was refused"),
            plan: plan.expect("nothing was refused"),
            node_count: node_count.expect("nothing was refused"),
            place: place.expect("nothing was refused"),
            components: components.expect("nothing was refused"),
            termination_protection: checked(&self.termination_protection),
        })
    }

    fn known(&self, kind: ServiceType, parse: &mut Parse) -> Vec<Component> {
        let mut listed = Vec::new();
        for (at, component) in kind.components().iter().enumerate() {
            let own = component.port.to_string();
            let text = self.ports.get(component.name).map_or(own.as_str(), |text| text.trim());
            if text.is_empty() && at > 0 {
                continue;
            }
            listed.extend(component_of(component.name, text, "ports", parse));
        }
        distinct(&listed, "ports", parse);
        listed
    }

    fn custom(&self, parse: &mut Parse) -> Vec<Component> {
        let mut listed = Vec::new();
        for line in self.components.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, port) = line.split_once(|c: char| c.is_whitespace() || c == ':').unwrap_or((line, ""));
            listed.extend(component_of(name, port.trim(), "components", parse));
        }
        if self.components.trim().is_empty() {
            parse.refuse(Refusal::malformed(
                "components",
                "List at least one component and its port, such as: api 8443",
            ));
        }
        if listed.len() > MOST_COMPONENTS {
            parse.refuse(Refusal::malformed("components", format!("At most {MOST_COMPONENTS} components.")));
        }
        distinct(&listed, "components", parse);
        listed
    }
}

fn component_of(name: &str, port: &str, field: &'static str, parse: &mut Parse) -> Option<Component> {
    let sentence = format!("{name}: enter a port from 1 to 65535.");
    let port = parse.keep(field, port.parse().ok().filter(|port: &u16| *port > 0).ok_or(sentence));
    let name = parse.keep(field, name.parse::<ComponentName>());
    let (name, port) = (name?, port?);
    Some(Component { name, port, public_access: false, private_access: false, privatelink_access: false })
}

fn distinct(components: &[Component], field: &'static str, parse: &mut Parse) {
    let (mut names, mut ports) = (BTreeSet::new(), BTreeSet::new());
    for component in components {
        if !names.insert(&component.name) {
            parse.refuse(Refusal::malformed(field, format!("{} is listed twice.", component.name)));
        } else if !ports.insert(component.port) {
            parse.refuse(Refusal::malformed(field, format!("Two components have port {}.", component.port)));
        }
    }
}

impl NewService {
    /// Every rule about making a service but the uniqueness of its name, which the database knows.
    pub fn admit(&self, network: &Network, project: &ProjectName) -> Result<(), Refusals> {
        let refusals = [admit_place(network, &self.place).err(), route::admit_host(&self.name, project).err()];
        Refusals::none_of(refusals.into_iter().flatten().collect())
    }

    pub fn name_taken(name: &ServiceName) -> Refusal {
        Refusal::conflict("name", format!("A service named {name} already exists."))
    }

    /// `a-b` in project `c` and `a` in project `b-c` would have one host name.
    pub fn host_taken(name: &ServiceName, project: &ProjectName) -> Refusal {
        let sentence =
            format!("The host name {name}-{project} belongs to a service of another project. Choose another name.");
        Refusal::conflict("name", sentence)
    }
}

/// Which routes of its components a service has switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessForm {
    /// Names of components with public access.
    #[serde(default)]
    pub public: Vec<String>,
    #[serde(default)]
    pub private: Vec<String>,
}

impl AccessForm {
    /// The components with the switches as they were asked for. What cannot be switched is refused.
    pub fn apply(&self, kind: ServiceType, components: &[Component]) -> Result<Vec<Component>, Refusals> {
        let mut refusals = Vec::new();
        let known = |name: &str| components.iter().any(|component| component.name.as_str() == name);
        for name in self.public.iter().chain(&self.private).filter(|name| !known(name)) {
            refusals.push(Refusal::malformed("public", format!("This service has no component {name}.")));
        }
        let mut changed = components.to_vec();
        for component in &mut changed {
            let asked = |list: &[String]| list.iter().any(|name| name == component.name.as_str());
            let (public, private) = (asked(&self.public), asked(&self.private));
            if public && kind.switches(&component.name).0 == Switch::Never {
                let sentence = format!("{} has no public access.", component.name);
                refusals.push(Refusal::malformed("public", sentence));
            }
            (component.public_access, component.private_access) = (public, private);
        }
        Refusals::none_of(refusals)?;
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(kind: &str) -> ServiceForm {
        ServiceForm {
            name: "orders".to_owned(),
            kind: kind.to_owned(),
            plan: "business".to_owned(),
            place: "local-default".to_owned(),
            ..ServiceForm::default()
        }
    }

    fn sentences(form: &ServiceForm) -> String {
        form.parse().unwrap_err().to_string()
    }

    #[test]
    fn a_service_of_a_known_type_has_its_components_on_the_ports_that_were_typed() {
        let mut form = form("pg");
        form.ports = [("pg", "15432"), ("pgbouncer", "")].map(|(name, port)| (name.into(), port.into())).into();
        let new = form.parse().expect("a service");
        let ports: Vec<(&str, u16)> =
            new.components.iter().map(|component| (component.name.as_str(), component.port)).collect();
        assert_eq!((ports, new.node_count), (vec![("pg", 15432), ("prometheus", 9273)], 2));
        form.ports.insert("pg".into(), String::new());
        assert_eq!(sentences(&form), "pg: enter a port from 1 to 65535.", "the main component is always there");
        form.ports.insert("pg".into(), "9273".into());
        assert_eq!(sentences(&form), "Two components have port 9273.");
    }

    #[test]
    fn the_components_of_a_custom_service_are_listed_by_whoever_makes_it() {
        let mut form = form("custom");
        assert!(sentences(&form).starts_with("List at least one component"));
        form.components = "api 8443\nmetrics: 9100\n".to_owned();
        assert_eq!(form.parse().expect("a service").components.len(), 2);
        form.components = "api 8443\napi 9100\nWeb 80\ndb x".to_owned();
        assert_eq!(
            sentences(&form),
            "A component is named in lower-case letters, digits and underscores, starts with a letter and has at most 40 characters. \
             db: enter a port from 1 to 65535. api is listed twice."
        );
    }

    #[test]
    fn a_custom_plan_asks_for_the_number_of_nodes() {
        let mut form = form("kafka");
        form.plan = "custom".to_owned();
        assert_eq!(sentences(&form), "Enter a number from 1 to 100.");
        form.node_count = "9".to_owned();
        assert_eq!(form.parse().expect("a service").node_count, 9);
        (form.plan, form.kind, form.place) = (String::new(), "oracle".to_owned(), String::new());
        assert_eq!(sentences(&form), "Choose a service type. Choose a plan. Choose a region or a VPC.");
    }

    #[test]
    fn a_component_that_has_no_public_access_cannot_be_given_it() {
        let kafka: ServiceType = "kafka".parse().expect("a type");
        let components = form("kafka").parse().expect("a service").components;
        let asked = |name: &str| AccessForm { public: vec![name.to_owned()], private: Vec::new() };
        let open = asked("kafka").apply(kafka, &components).expect("offered");
        assert!(open[0].public_access && !open[1].public_access);
        let refused = |name: &str| asked(name).apply(kafka, &components).unwrap_err().to_string();
        assert_eq!(refused("jolokia"), "jolokia has no public access.");
        assert_eq!(refused("pgbouncer"), "This service has no component pgbouncer.");
    }
}
