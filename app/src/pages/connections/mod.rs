//! Peering connections of cloud VPCs: asked for in the VPC's cloud, followed through both sides, and deleted.
//!
//! What a person does on the other side is the domain's [`Guide`](crate::domain::guide::Guide); these pages only set it.
//! A page is fed by its VPC's reading, and leaves out of it when the cloud was last looked at: that changes every few
//! seconds, and what somebody has opened must not close then.

mod delete;
mod detail;
mod fields;
mod new;
mod parts;
mod ranges;
mod status;
mod steps;
mod table;
mod trouble;

pub use delete::ConnectionDelete;
pub use detail::ConnectionDetail;
pub use new::ConnectionNew;
pub use table::Connections;

use crate::{components::Tone, domain::connection::Connection};

/// The same connection without the times that every look changes.
pub fn unlooked(connection: &Connection) -> Connection {
    Connection { last_look_at: None, next_look_at: None, ..connection.clone() }
}

pub fn tone(connection: &Connection) -> Tone {
    connection.standing().into()
}
