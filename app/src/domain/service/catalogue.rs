//! The types of services that the console knows, with the components that each has (domain 1.6).
//!
//! Causeway runs none of them: the port is where the operator's software listens, and what is written here is where it
//! does so by custom.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::ComponentName;

/// What kind of software a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceType(&'static Entry);

/// The text names no type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Choose a service type.")]
pub struct UnknownServiceType;

/// A component as the catalogue has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentKind {
    pub name: &'static str,
    /// The port that this software listens on unless it is told otherwise.
    pub port: u16,
    pub public: Switch,
    pub privatelink: Switch,
}

/// Whether a route of a component can be switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Switch {
    Offered,
    Never,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Entry {
    name: &'static str,
    label: &'static str,
    components: &'static [ComponentKind],
    privatelink: Switch,
}

const fn both(name: &'static str, port: u16) -> ComponentKind {
    ComponentKind { name, port, public: Switch::Offered, privatelink: Switch::Offered }
}

const fn public_only(name: &'static str, port: u16) -> ComponentKind {
    ComponentKind { name, port, public: Switch::Offered, privatelink: Switch::Never }
}

const fn privatelink_only(name: &'static str, port: u16) -> ComponentKind {
    ComponentKind { name, port, public: Switch::Never, privatelink: Switch::Offered }
}

const fn private(name: &'static str, port: u16) -> ComponentKind {
    ComponentKind { name, port, public: Switch::Never, privatelink: Switch::Never }
}

const PROMETHEUS: ComponentKind = both("prometheus", 9273);

/// Where a service's own components are listed by whoever makes it.
const CUSTOM: &str = "custom";

const fn entry(name: &'static str, label: &'static str, components: &'static [ComponentKind]) -> Entry {
    Entry { name, label, components, privatelink: Switch::Offered }
}

const fn without_privatelink(name: &'static str, label: &'static str, components: &'static [ComponentKind]) -> Entry {
    Entry { name, label, components, privatelink: Switch::Never }
}

static TYPES: [Entry; 13] = [
    entry("pg", "PostgreSQL", &[both("pg", 5432), both("pgbouncer", 6432), PROMETHEUS]),
    entry("mysql", "MySQL", &[both("mysql", 3306), both("mysqlx", 33060), PROMETHEUS]),
    entry(
        "kafka",
        "Apache Kafka",
        &[
            both("kafka", 9092),
            both("kafka_connect", 8083),
            both("kafka_rest", 8082),
            both("schema_registry", 8081),
            privatelink_only("jolokia", 8778),
            PROMETHEUS,
        ],
    ),
    entry(
        "kafka_connect",
        "Apache Kafka Connect",
        &[both("kafka_connect", 8083), privatelink_only("jolokia", 8778), PROMETHEUS],
    ),
    without_privatelink("kafka_mirrormaker", "Apache Kafka MirrorMaker", &[private("kafka_mirrormaker", 8083)]),
    entry("valkey", "Valkey", &[both("valkey", 6379), PROMETHEUS]),
    entry("dragonfly", "Dragonfly", &[both("dragonfly", 6379), PROMETHEUS]),
    entry("opensearch", "OpenSearch", &[both("opensearch", 9200), both("opensearch_dashboards", 5601), PROMETHEUS]),
    entry(
        "clickhouse",
        "ClickHouse",
        &[
            both("clickhouse", 9440),
            both("clickhouse_https", 8443),
            both("clickhouse_mysql", 9004),
            both("clickhouse_arrowflight", 9090),
            PROMETHEUS,
        ],
    ),
    entry("grafana", "Grafana", &[both("grafana", 3000)]),
    without_privatelink("flink", "Apache Flink", &[public_only("flink", 8081), private("prometheus", 9249)]),
    entry(
        "thanos",
        "Thanos",
        &[
            both("query_frontend", 10902),
            public_only("query", 10912),
            public_only("compactor", 10922),
            public_only("receiver_ingesting", 10901),
            both("receiver_routing", 19291),
            public_only("ruler", 10932),
            public_only("store", 10942),
        ],
    ),
    entry(CUSTOM, "Something else", &[]),
];

impl ServiceType {
    /// In the order in which a form offers them.
    pub fn all() -> impl Iterator<Item = Self> {
        TYPES.iter().map(Self)
    }

    /// Its components are listed by whoever makes the service.
    pub fn custom() -> Self {
        "custom".parse().expect("the catalogue has it")
    }

    pub fn is_custom(self) -> bool {
        self.0.name == CUSTOM
    }

    /// As the API and the database write it.
    pub fn as_str(self) -> &'static str {
        self.0.name
    }

    pub fn label(self) -> &'static str {
        self.0.label
    }

    pub fn supports_privatelink(self) -> bool {
        self.0.privatelink == Switch::Offered
    }

    /// The main one first; none for a custom service.
    pub fn components(self) -> &'static [ComponentKind] {
        self.0.components
    }

    /// Which routes of a component can be switched; a custom service's all can.
    pub fn switches(self, component: &ComponentName) -> (Switch, Switch) {
        let known = self.0.components.iter().find(|kind| kind.name == component.as_str());
        known.map_or((Switch::Offered, Switch::Offered), |kind| (kind.public, kind.privatelink))
    }
}

impl FromStr for ServiceType {
    type Err = UnknownServiceType;
    fn from_str(text: &str) -> Result<Self, UnknownServiceType> {
        let text = text.trim();
        TYPES.iter().find(|entry| entry.name == text).map(Self).ok_or(UnknownServiceType)
    }
}

impl fmt::Display for ServiceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.name)
    }
}

crate::domain::text_newtype!(ServiceType, UnknownServiceType);

/// How many hosts a service has (domain 1.6): a name for the common numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    Startup,
    Business,
    Premium,
    /// As many as a person says.
    Custom,
}

impl Plan {
    pub const ALL: [Self; 4] = [Self::Startup, Self::Business, Self::Premium, Self::Custom];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Business => "business",
            Self::Premium => "premium",
            Self::Custom => "custom",
        }
    }

    /// `None`: the person says.
    pub fn nodes(self) -> Option<u16> {
        match self {
            Self::Startup => Some(1),
            Self::Business => Some(2),
            Self::Premium => Some(3),
            Self::Custom => None,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Startup => "Startup, 1 node",
            Self::Business => "Business, 2 nodes",
            Self::Premium => "Premium, 3 nodes",
            Self::Custom => "Custom",
        }
    }
}

impl FromStr for Plan {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        Self::ALL.into_iter().find(|plan| plan.as_str() == text.trim()).ok_or("Choose a plan.")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_type_has_a_name_of_its_own_and_its_components_have_names_and_ports_of_theirs() {
        let names: BTreeSet<&str> = ServiceType::all().map(ServiceType::as_str).collect();
        assert_eq!(names.len(), TYPES.len());
        for kind in ServiceType::all() {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            let ports: BTreeSet<u16> = kind.components().iter().map(|component| component.port).collect();
            assert_eq!(ports.len(), kind.components().len(), "{kind}");
            assert!(kind.components().iter().all(|component| component.name.parse::<ComponentName>().is_ok()));
        }
    }

    #[test]
    fn row_51_a_type_that_privatelink_does_not_support_has_no_component_that_offers_it() {
        for kind in ServiceType::all().filter(|kind| !kind.supports_privatelink()) {
            assert!(kind.components().iter().all(|component| component.privatelink == Switch::Never), "{kind}");
        }
        let without: Vec<_> = ServiceType::all().filter(|kind| !kind.supports_privatelink()).collect();
        assert_eq!(without.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(), ["kafka_mirrormaker", "flink"]);
    }
}
