//! Small services for tests.

use std::net::{IpAddr, Ipv4Addr};

use uuid::Uuid;

use super::{
    Component, IpFilter, Node, NodeState, Place, Plan, Service, ServiceState, ServiceType, member::NodeSettings,
    route::Zone,
};
use crate::domain::{CloudName, NodeId, ServiceId, fixtures::NOW, gateway::DriftPolicy};

pub fn component(name: &str, port: u16) -> Component {
    let name = name.parse().expect("a name");
    Component { name, port, public_access: false, private_access: false, privatelink_access: false }
}

pub fn node(number: u8, private: Option<[u8; 4]>, public: Option<[u8; 4]>) -> Node {
    Node {
        id: NodeId::from_uuid(Uuid::from_u128(u128::from(number))),
        name: format!("orders-{number}").parse().expect("a name"),
        state: NodeState::Running,
        place: Place { cloud: CloudName::default_local(), vpc: None },
        settings: NodeSettings { enforced: true, private_address: None, public_address: None, translated: false },
        private_address: private.map(Ipv4Addr::from),
        public_address: public.map(|address| IpAddr::V4(address.into())),
        replaces: None,
        removed: false,
        host_name: None,
        last_seen: None,
        sync: None,
        trouble: None,
        drift: Vec::new(),
    }
}

/// A running service in public, of one component and without nodes.
pub fn service(name: &str) -> Service {
    Service {
        id: ServiceId::from_uuid(Uuid::from_u128(1)),
        name: name.parse().expect("a name"),
        kind: "pg".parse::<ServiceType>().expect("a type"),
        plan: Plan::Startup,
        node_count: 0,
        place: Place { cloud: CloudName::default_local(), vpc: None },
        place_label: "Oslo".to_owned(),
        vpc: None,
        state: ServiceState::Running,
        termination_protection: false,
        static_ips: false,
        drift_policy: DriftPolicy::Repair,
        components: vec![component("pg", 5432)],
        nodes: Vec::new(),
        filter: IpFilter::default(),
        peered: Vec::new(),
        zone: Zone::default(),
        migration: None,
        deleting: false,
        created_at: NOW,
        updated_at: NOW,
    }
}
