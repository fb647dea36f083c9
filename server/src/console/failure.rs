//! What a store's failure is to the person who asked.

use app::{api::ApiError, domain::Refusal};
use uuid::Uuid;

use crate::store::StoreError;

/// Refusals and absences are answers; a unique key that was taken is a refusal; everything else is ours.
pub fn failed(error: StoreError) -> ApiError {
    match error {
        StoreError::Refused(refusals) => refusals.into(),
        StoreError::NotFound => ApiError::NotFound,
        error => match taken(&error) {
            Some(refusal) => refusal.into(),
            None => internal(error),
        },
    }
}

/// Logged once, here, under the reference that the person is given.
pub fn internal(error: impl std::fmt::Display) -> ApiError {
    let reference = Uuid::now_v7().to_string();
    tracing::error!(reference = %reference, error = %error, "a request failed");
    ApiError::Internal(reference)
}

/// PostgreSQL's name of a unique key, SQLite's column that tells it apart, and what is said of whom.
const KEYS: [(&str, &str, &str, &str); 7] = [
    ("vpc_name_key", "vpc.name", "name", "A VPC of this name already exists."),
    ("gateway_name_key", "gateway.name", "name", "A gateway of this name already exists."),
    ("gateway_vpc_key", "gateway.vpc_id", "vpc", "This VPC already has a VPN gateway."),
    ("peer_name_key", "peer.name", "name", "A peer of this name already exists on this gateway."),
    ("peer_public_key_key", "peer.public_key", "public_key", "Another peer uses this key."),
    ("peer_tunnel_address_key", "peer.tunnel_address", "", "Somebody took this tunnel address at the same moment. Try again."),
    ("planned_network_pkey", "planned_network.name", "name", "A planned network of this name already exists."),
];

/// The rule inside the transaction answers first; this is what is left if a rule ever forgets.
fn taken(error: &StoreError) -> Option<Refusal> {
    let StoreError::Sql(sqlx::Error::Database(database)) = error else { return None };
    if !error.is_unique_violation() {
        return None;
    }
    let (name, message) = (database.constraint().unwrap_or_default(), database.message());
    let columns: Vec<&str> = message.split([' ', ',', ':']).collect();
    let (.., field, sentence) = KEYS.into_iter().find(|(key, column, ..)| *key == name || columns.contains(column))?;
    Some(Refusal::conflict(field, sentence))
}
