//! VPN gateways: the hosts that join a VPC to other VPCs, sites and people.

mod delete;
mod detail;
mod differences;
mod enrol;
mod instruments;
mod list;
mod new;
mod peers;
mod revoke;
mod settings;
mod settings_fields;

use leptos::prelude::*;

pub use delete::GatewayDelete;
pub use detail::{Detail, GatewayDetail, Reading, reading};
pub use enrol::GatewayEnrol;
pub use list::GatewayList;
pub use new::GatewayNew;
pub use revoke::GatewayRevoke;
pub use settings::GatewaySettings;

use crate::{domain::GatewayId, pages::here::project_for_links, routes};

/// The gateway's page, for whatever lies over it; of an id that is none, the list.
pub fn path_of(project: Memo<String>, gateway: Memo<String>) -> String {
    let project = project_for_links(&project.get_untracked());
    match gateway.get_untracked().parse::<GatewayId>() {
        Ok(id) => routes::gateway(&project, id),
        Err(_) => routes::gateways(&project),
    }
}
