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
const KEYS: [(&str, &str, &str, &str); 8] = [
    ("vpc_name_key", "vpc.name", "name", "A VPC of this name already exists."),
    ("gateway_name_key", "gateway.name", "name", "A gateway of this name already exists."),
    ("gateway_vpc_key", "gateway.vpc_id", "vpc", "This VPC already has a VPN gateway."),
    ("peer_name_key", "peer.name", "name", "A peer of this name already exists on this gateway."),
    ("peer_public_key_key", "peer.public_key", "public_key", "Another peer uses this key."),
    (
        "peer_tunnel_address_key",
        "peer.tunnel_address",
        "",
        "Somebody took this tunnel address at the same moment. Try again.",
    ),
    ("cloud_account_name_key", "cloud_account.name", "name", "An account of this name already exists."),
    ("planned_network_pkey", "planned_network.name", "name", "A planned network of this name already exists."),
];

/// The rule inside the transaction answers first; this is what is left if a rule ever forgets.
fn taken(error: &StoreError) -> Option<Refusal> {
    let key = error.taken_key()?;
    let words: Vec<&str> = key.split([' ', ',', ':']).collect();
    let (.., field, sentence) =
        KEYS.into_iter().find(|(name, column, ..)| words.contains(name) || words.contains(column))?;
    Some(Refusal::conflict(field, sentence))
}

#[cfg(test)]
mod tests {
    use app::domain::{ProjectId, VpcId, vpc::NewVpc};

    use super::*;
    use crate::{clock, store::Store};

    /// A VPC is stored twice, past the rule that would have refused the second.
    async fn twice(url: &str) -> ApiError {
        let store = Store::open(url).await.expect("an empty database");
        let new = NewVpc::parse("alpha", "local-default", "10.20.0.0/16").expect("a good form");
        let project = ProjectId::from_uuid(Uuid::nil());
        let mut tx = store.begin(clock::now()).await.expect("a transaction");
        tx.insert_vpc(project, VpcId::from_uuid(Uuid::now_v7()), &new).await.expect("the first");
        failed(tx.insert_vpc(project, VpcId::from_uuid(Uuid::now_v7()), &new).await.expect_err("the second"))
    }

    #[tokio::test]
    async fn a_unique_key_that_sqlite_names_by_its_columns_is_refused_at_its_field() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = twice(&format!("sqlite:{}?mode=rwc", folder.path().join("test.db").display())).await;
        assert_eq!(error.at("name"), Some("A VPC of this name already exists."));
    }

    #[test]
    fn what_is_ours_is_told_by_a_reference_only() {
        let error = failed(StoreError::Seal("the master key has changed".to_owned()));
        let ApiError::Internal(reference) = &error else { panic!("{error:?}") };
        assert!(!error.to_string().contains("master key") && error.to_string().contains(reference));
    }
}
