//! The pages: one lazy route each.
//!
//! A page reads and shows in `view()`, the part that is split off with all that it alone needs. What `data()` called
//! would be sent with every page: the resource, its server function and the reading of its JSON.

mod access;
mod accounts;
mod connections;
mod enrolment;
pub mod failure;
pub mod form;
pub mod frame;
mod fresh;
mod gateways;
pub mod here;
mod listing;
mod map;
mod other_side;
mod overview;
mod palette;
mod peerings;
mod peers;
mod planner;
mod record;
mod route_list;
mod services;
mod session;
mod settings;
mod support;
mod tones;
mod vpcs;

pub use access::NetworkingOverview;
pub use accounts::{AccountDelete, AccountEdit, AccountList, AccountNew};
pub use connections::{ConnectionDelete, ConnectionDetail, ConnectionNew};
pub use gateways::{
    GatewayDelete, GatewayDetail, GatewayEnrol, GatewayList, GatewayNew, GatewayRevoke, GatewaySettings,
};
pub use map::MapPage;
pub use other_side::OtherSide;
pub use overview::Overview;
pub use palette::FindPage;
pub use peerings::{PeeringList, PeeringNew};
pub use peers::{PeerDelete, PeerDetail, RoadWarriorNew, SiteNew};
pub use planner::PlannerPage;
pub use record::{Changes, Reconcilers};
pub use services::{
    CertificateNew, NodeDetail, NodeRemove, NodeRevoke, ServiceAccess, ServiceDelete, ServiceDetail, ServiceFinish,
    ServiceFirewall, ServiceIpFilter, ServiceList, ServiceMigrate, ServiceMigration, ServiceNew, ServiceReturn,
    ServiceSettings, ServiceSwitch,
};
pub use session::{SetUp, SignIn};
pub use settings::Settings;
pub use vpcs::{VpcDelete, VpcDetail, VpcList, VpcNew};
