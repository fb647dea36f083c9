//! Small services for tests.

use std::net::{IpAddr, Ipv4Addr};

use uuid::Uuid;

use super::{Component, Node, NodeState, Place, member::NodeSettings};
use crate::domain::{CloudName, NodeId};

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
