//! The console on a real database: what people ask for, what they are told, and what is written.

mod accounts;
mod certificates;
#[path = "../common/mod.rs"]
mod common;
mod gateways;
mod log;
mod migrations;
mod peerings;
mod peers;
mod races;
mod rights;
mod services;
mod traffic;

use std::collections::{BTreeMap, BTreeSet};

use app::{
    api::ApiError,
    backend::{Changes, Gateways, Lab, Peerings, Peers, Planner, Reconcilers, Vpcs},
    domain::{
        GatewayId, PeerId, PublicKey, Timestamp, VpcId,
        change::{Change, ChangeFilter, ChangeKind, Facts},
        gateway::{GatewaySettings, GatewayStatus, free_tunnel_address},
        location::CloudName,
        network::PlannedRange,
        peer::{NewRoadWarrior, NewSite, PeerKind, SiteForm},
        peering::PeeringState,
        road_warrior::Stale,
        tunnel::{Role, derive},
        vpc::NewVpc,
    },
};
use common::{Stage, key_of, name, new_gateway, on_both_engines, refused};
use futures::future::join_all;
use server::clock;
use uuid::Uuid;

fn site(called: &str, networks: &str) -> NewSite {
    let form = SiteForm {
        name: called.to_owned(),
        public_key: key_of(called).to_string(),
        networks: networks.to_owned(),
        preshared: "on".to_owned(),
        ..SiteForm::default()
    };
    form.parse().expect("a good form")
}

fn sign_in() -> server::store::Note<'static> {
    server::store::Note {
        actor: "sigrid@example.com",
        kind: ChangeKind::SignIn,
        topic: app::domain::change::Topic::People,
        project: None,
        object: String::new(),
        object_name: "sigrid@example.com".to_owned(),
        before: Facts::new(),
        after: Facts::from([("address".to_owned(), "203.0.113.7".to_owned())]),
    }
}
