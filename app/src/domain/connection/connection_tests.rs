use super::{
    fixtures::{UUID, connection},
    *,
};

#[test]
fn words_of_the_api_are_read_back() {
    for state in ConnectionState::ALL {
        assert_eq!(ConnectionState::from_text(state.as_str()), Some(state));
        assert_eq!(serde_json::to_value(state).expect("JSON"), state.as_str());
    }
    for kind in ConnectionType::ALL {
        assert_eq!(ConnectionType::from_text(kind.as_str()), Some(kind));
        assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.as_str());
    }
    assert_eq!(ConnectionState::PendingPeer.word(), "Pending peer");
}

#[test]
fn a_connection_stands_as_it_asks_for_somebody() {
    let kind = ConnectionType::AwsVpcPeeringConnection;
    let standing = |state| connection(kind, state).standing();
    assert_eq!(standing(ConnectionState::Approved), Standing::Moving);
    assert_eq!(standing(ConnectionState::PendingPeer), Standing::YourTurn);
    assert_eq!(standing(ConnectionState::Active), Standing::AsAsked);
    assert_eq!(standing(ConnectionState::Error), Standing::Failed);
    assert_eq!(standing(ConnectionState::DeletedByPeer), Standing::Failed);
    let mut accepted = connection(kind, ConnectionState::PendingPeer);
    accepted.cloud_state = Some("provisioning".into());
    assert_eq!(accepted.standing(), Standing::Moving, "AWS is at work, nobody has to act");
    let mut warned = connection(kind, ConnectionState::Active);
    warned.state_info.warnings.push(Warning::new(WarningKind::OverlappingPeerVpcIpRanges, "…"));
    assert_eq!(warned.standing(), Standing::YourTurn);
}

#[test]
fn row_35_deleting_names_what_stops_and_what_is_left_to_do() {
    let told = |kind| connection(kind, ConnectionState::Active).deletion_consequences();
    assert_eq!(
        told(ConnectionType::GoogleVpcPeering),
        [
            "Traffic between the VPC and harbor stops.",
            "The peering in project tidewater-prod becomes INACTIVE; delete it there, too.",
            "Routes and firewall openings for 10.20.0.0/16 are removed.",
            "To connect again, both sides create a new peering in Google Cloud.",
        ]
    );
    let of = |kind| told(kind).remove(1);
    assert!(of(ConnectionType::AwsVpcPeeringConnection).contains("deleted in AWS for account 111122223333"));
    assert!(of(ConnectionType::AwsTgwVpcAttachment).contains("attachment to transit gateway tgw-0123456789abcdef0"));
    assert!(of(ConnectionType::AzureVnetPeering).contains("becomes Disconnected"));
    assert!(of(ConnectionType::UpcloudVpcPeering).contains(UUID));
    let pending = connection(ConnectionType::GoogleVpcPeering, ConnectionState::PendingPeer);
    assert!(!pending.deletion_consequences()[0].contains("Traffic"), "nothing flows yet");
}

#[test]
fn its_ranges_are_what_is_routed_and_what_the_cloud_tells_each_once() {
    let connection = connection(ConnectionType::GoogleVpcPeering, ConnectionState::Active);
    let ranges: Vec<String> = connection.ranges().iter().map(Cidr::to_string).collect();
    assert_eq!(ranges, ["10.20.0.0/16", "10.20.4.0/24"]);
}
