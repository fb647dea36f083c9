//! The one door from the app to the machine room.
//!
//! `server` implements [`Backend`] as a console *for one actor* and hands it over per
//! request: no backend exists without an actor. What happens before anybody is known goes
//! through the [`Door`]. The app knows nothing of SQL, agents or clouds.

mod accounts;
mod certificate_authority;
mod changes;
mod connections;
mod door;
mod gateways;
mod lab;
mod other_side;
mod peerings;
mod peers;
mod planner;
mod reconcilers;
mod services;
mod session;
mod traffic;
mod vpcs;

use std::sync::Arc;

use leptos::prelude::*;

pub use self::{
    accounts::Accounts, certificate_authority::Certificates, changes::Changes, connections::Connections, door::Door,
    gateways::Gateways, lab::Lab, other_side::Neighbour, peerings::Peerings, peers::Peers, planner::Planner,
    reconcilers::Reconcilers, services::Services, session::Session, traffic::Traffic, vpcs::Vpcs,
};
use crate::api::ApiError;

/// A trait per noun.
pub trait Backend:
    Vpcs
    + Connections
    + Accounts
    + Certificates
    + Gateways
    + Peers
    + Peerings
    + Planner
    + Changes
    + Reconcilers
    + Lab
    + Neighbour
    + Services
    + Session
    + Traffic
    + Send
    + Sync
{
}
impl<
    T: Vpcs
        + Connections
        + Accounts
        + Certificates
        + Gateways
        + Peers
        + Peerings
        + Planner
        + Changes
        + Reconcilers
        + Lab
        + Neighbour
        + Services
        + Session
        + Traffic
        + Traffic
        + Send
        + Sync,
> Backend for T
{
}

pub type SharedBackend = Arc<dyn Backend>;
pub type SharedDoor = Arc<dyn Door>;

/// The console of whoever made this request.
///
/// # Errors
/// [`ApiError::Unauthenticated`] if the request has no session.
pub fn backend() -> Result<SharedBackend, ApiError> {
    use_context::<SharedBackend>().ok_or(ApiError::Unauthenticated)
}

/// What anybody may knock at.
pub fn door() -> SharedDoor {
    expect_context::<SharedDoor>()
}
