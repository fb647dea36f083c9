//! Services: where each is, how it is reached, which hosts it has, and who gets in.
//!
//! What is chosen on a page (a route, a place's tab, a rule, a question to the firewall) stands in its address, so it works
//! without a script and can be passed on.

mod access;
mod certificate_new;
mod certificates;
mod connection;
mod delete;
mod detail;
mod firewall;
mod ip_filter;
mod list;
mod migrate;
mod migration;
mod migration_over;
mod new;
mod node;
mod node_enrol;
mod node_over;
mod node_settings;
mod nodes;
mod over;
mod place;
mod reading;
mod refused;
mod settings;
mod traffic;
mod verdict;
mod warnings;

pub use access::ServiceAccess;
pub use certificate_new::CertificateNew;
pub use delete::ServiceDelete;
pub use detail::ServiceDetail;
pub use firewall::ServiceFirewall;
pub use ip_filter::ServiceIpFilter;
pub use list::ServiceList;
pub use migrate::ServiceMigrate;
pub use migration::ServiceMigration;
pub use migration_over::{ServiceFinish, ServiceReturn, ServiceSwitch};
pub use new::ServiceNew;
pub use node::NodeDetail;
pub use node_over::{NodeRemove, NodeRevoke};
pub use settings::ServiceSettings;
