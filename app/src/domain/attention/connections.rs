//! What peering connections of cloud VPCs need.

use super::{Act, Need, Severity, Snapshot};
use crate::domain::{
    connection::{Connection, ConnectionState},
    standing::Target,
    vpc::Vpc,
};

/// One line for every connection that is not as asked.
pub(super) fn connections<'a>(seen: &'a Snapshot<'_>) -> impl Iterator<Item = Need> + 'a {
    seen.vpcs.iter().flat_map(|vpc| vpc.connections.iter().filter_map(|connection| need(vpc, connection)))
}

fn need(vpc: &Vpc, connection: &Connection) -> Option<Need> {
    let severity = Severity::of(connection.standing())?;
    let sentence = match connection.state {
        ConnectionState::Approved | ConnectionState::ApprovedPeerRequested => "is being requested.",
        ConnectionState::PendingPeer if severity == Severity::Moving => "is being activated.",
        ConnectionState::PendingPeer => "waits for its peer.",
        ConnectionState::Active => "has a warning.",
        ConnectionState::InvalidSpecification => "was refused.",
        ConnectionState::RejectedByPeer => "was rejected by its peer.",
        ConnectionState::DeletedByPeer => "was deleted by its peer.",
        ConnectionState::Error => "has failed and is retried.",
        ConnectionState::Deleting => "is being deleted.",
        ConnectionState::Deleted => return None,
    };
    let warning = connection.state_info.warnings.first().filter(|_| connection.state == ConnectionState::Active);
    let detail = warning.map_or(&connection.state_info.message, |warning| &warning.message);
    Some(Need {
        severity,
        subject: format!("{} – {}", vpc.name, connection.name()),
        sentence: sentence.to_owned(),
        detail: detail.clone(),
        since: Some(connection.updated_at),
        target: Target::Connection(connection.id, vpc.id),
        act: Act::Open,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        attention::needs,
        connection::{ConnectionType, Warning, WarningKind, fixtures::connection},
        find::{Index, find},
        fixtures::harbor,
        vpc::{BuildError, VpcState},
    };

    const AWS: ConnectionType = ConnectionType::AwsVpcPeeringConnection;

    /// What is said of one connection of hq-oslo.
    fn said(connection: Connection) -> Option<(Severity, String, String)> {
        let mut town = harbor();
        town.vpcs[0].connections.push(connection);
        let subject = "hq-oslo – vpc-0123456789abcdef0";
        let need = needs(&town.snapshot()).into_iter().find(|need| need.subject == subject)?;
        Some((need.severity, need.sentence, need.detail))
    }

    #[test]
    fn a_pending_peer_waits_for_somebody_and_an_active_one_for_nobody() {
        let (severity, sentence, _) = said(connection(AWS, ConnectionState::PendingPeer)).expect("a line");
        assert_eq!((severity, sentence.as_str()), (Severity::YourTurn, "waits for its peer."));
        assert_eq!(said(connection(AWS, ConnectionState::Active)), None);
        let mut warned = connection(AWS, ConnectionState::Active);
        warned.state_info.warnings.push(Warning::new(WarningKind::OverlappingPeerVpcIpRanges, "The peer range …"));
        let (severity, sentence, detail) = said(warned).expect("a line");
        assert_eq!(severity, Severity::YourTurn);
        assert_eq!((sentence.as_str(), detail.as_str()), ("has a warning.", "The peer range …"));
    }

    #[test]
    fn what_failed_says_why() {
        let mut refused = connection(AWS, ConnectionState::InvalidSpecification);
        refused.state_info.message = "AWS refused the request: …".into();
        let (severity, sentence, detail) = said(refused).expect("a line");
        assert_eq!(severity, Severity::Failed);
        assert_eq!((sentence.as_str(), detail.as_str()), ("was refused.", "AWS refused the request: …"));
    }

    #[test]
    fn a_cloud_vpc_that_cannot_be_made_is_a_failure() {
        let mut town = harbor();
        let retry_at = town.vpcs[0].created_at;
        town.vpcs[0].state = VpcState::Approved;
        town.vpcs[0].build_error = Some(BuildError { message: "The limit is reached.".into(), retry_at });
        let need = needs(&town.snapshot()).remove(0);
        assert_eq!((need.severity, need.sentence.as_str()), (Severity::Failed, "cannot be created."));
        assert!(need.detail.starts_with("Creation failed: The limit is reached. Retrying at "), "{}", need.detail);
    }

    #[test]
    fn a_connection_is_found_by_its_peer_its_cloud_id_and_an_address_behind_it() {
        let mut town = harbor();
        let mut one = connection(AWS, ConnectionState::Active);
        one.state_info.extra.insert("aws_vpc_peering_connection_id".into(), "pcx-0a1b2c3d".into());
        town.vpcs[0].connections.push(one);
        let index = Index::of(&town.snapshot());
        for words in ["vpc-0123", "pcx-0a1b", "10.20.0.7"] {
            let answer = find(&index, words);
            let hits: Vec<&str> =
                answer.groups.iter().flat_map(|group| &group.hits).map(|hit| hit.entry.name.as_str()).collect();
            assert!(hits.contains(&"vpc-0123456789abcdef0"), "{words}: {hits:?}");
        }
    }
}
