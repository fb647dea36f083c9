//! VPN gateways: the hosts that join a VPC to other VPCs, sites and people.

mod delete;
mod detail;
mod differences;
mod enrol;
mod instruments;
mod list;
mod new;
pub mod over;
mod peers;
mod revoke;
mod settings;
mod settings_fields;

pub use delete::GatewayDelete;
pub use detail::{Detail, GatewayDetail, Reading, reading};
pub use enrol::GatewayEnrol;
pub use list::GatewayList;
pub use new::GatewayNew;
pub use revoke::GatewayRevoke;
pub use settings::GatewaySettings;
