//! Small services for tests.

use std::net::{IpAddr, Ipv4Addr};

use uuid::Uuid;

use super::{
    Component, IpFilter, Node, NodeState, Place, Plan, Service, ServiceState, ServiceType, VpcBrief,
    firewall::{Peered, Way},
    member::NodeSettings,
    migration::{Migration, Side},
    route::Zone,
};
use crate::domain::{Cidr, CloudName, NodeId, ServiceId, VpcId, fixtures::NOW, gateway::DriftPolicy, vpc::VpcState};

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

/// One that moves from VPC alpha, which has a VPC peering and no public access, to public: its filter lets in
/// 198.51.100.0/24 there. The second node takes over from the first.
pub fn moving() -> Service {
    let id = VpcId::from_uuid(Uuid::from_u128(7));
    let cidr = Cidr::literal([10, 0, 0, 0], 24);
    let vpc = VpcBrief { id, name: "alpha".parse().expect("a name"), cidr, state: VpcState::Active };
    let target = Place { cloud: CloudName::default_local(), vpc: None };
    let place = Place { vpc: Some(id), ..target.clone() };
    let old = Node { place: place.clone(), ..node(1, Some([10, 0, 0, 4]), None) };
    let replaces = Some(old.id);
    let new = Node { replaces, state: NodeState::SyncingData, ..node(2, None, Some([203, 0, 113, 5])) };
    let label = "Bergen".to_owned();
    let other = Side { place: target.clone(), label: label.clone(), vpc: None, peered: Vec::new() };
    let (target_label, other) = (label, Some(other));
    Service {
        node_count: 1,
        place,
        vpc: Some(vpc),
        nodes: vec![old, new],
        filter: IpFilter::parse("198.51.100.0/24", 0).expect("a list"),
        peered: vec![Peered {
            by: Way::VpcPeering,
            name: "vpc-peering-gw-beta".to_owned(),
            range: Cidr::literal([10, 2, 0, 0], 16),
        }],
        migration: Some(Migration { target, target_label, started_at: NOW, drains_until: None, other }),
        ..service("orders")
    }
}
