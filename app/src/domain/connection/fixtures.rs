//! A connection of each kind for tests, with the seams that they pull at.

use uuid::Uuid;

use super::{
    Connection, ConnectionForm, ConnectionState, ConnectionType, Event, Failed, FailureClass, Known, NewConnection,
    Peer, Sight, StateInfo, Told, Warning, transition,
};
use crate::domain::{CloudName, ConnectionId, Timestamp, VpcId};

pub const NOW: Timestamp = Timestamp::from_seconds(1_795_144_320);
pub const UUID: &str = "03a1b2c3-0000-4000-8000-000000000001";

pub fn peer(kind: ConnectionType) -> Peer {
    let (cloud, account, vpc) = match kind {
        ConnectionType::AwsVpcPeeringConnection => ("aws-eu-west-1", "111122223333", "vpc-0123456789abcdef0"),
        ConnectionType::AwsTgwVpcAttachment => ("aws-eu-west-1", "111122223333", "tgw-0123456789abcdef0"),
        ConnectionType::GoogleVpcPeering => ("google-europe-west1", "tidewater-prod", "harbor"),
        ConnectionType::AzureVnetPeering => ("azure-westeurope", UUID, "harbor"),
        ConnectionType::UpcloudVpcPeering => ("upcloud-de-fra", "upcloud", UUID),
    };
    let mut form =
        ConnectionForm { peer_cloud_account: account.into(), peer_vpc: vpc.into(), ..ConnectionForm::default() };
    if kind == ConnectionType::AzureVnetPeering {
        form.peer_resource_group = "quay".into();
        form.peer_azure_app_id = UUID.into();
        form.peer_azure_tenant_id = UUID.into();
    }
    let cloud: CloudName = cloud.parse().expect("a region");
    NewConnection::parse(&cloud, &form).expect("a peer").peer
}

/// A connection as the console shows it: it routes 10.20.4.0/24, and its cloud has told of 10.20.0.0/16.
pub fn connection(kind: ConnectionType, state: ConnectionState) -> Connection {
    Connection {
        id: ConnectionId::from_uuid(Uuid::from_u128(0x0197_c1f2_5c1e_7a40_9b1d_3f2a_6c8e_4d10)),
        vpc: VpcId::from_uuid(Uuid::from_u128(2)),
        peer: peer(kind),
        state,
        state_info: StateInfo::at_first(kind, Vec::new()),
        user_peer_network_cidrs: "10.20.4.0/24".parse().expect("ranges"),
        discovered_peer_cidrs: Some(vec!["10.20.0.0/16".parse().expect("a range")]),
        routed_cidrs: vec!["10.20.0.0/16".parse().expect("a range")],
        opened_cidrs: Vec::new(),
        cloud_state: None,
        cloud_message: String::new(),
        created_at: NOW,
        updated_at: NOW,
        last_look_at: None,
        next_look_at: None,
        expires_at: None,
        simulated: false,
    }
}

/// What is known, with the seams that tests pull at.
#[derive(Clone)]
pub struct Row {
    pub peer: Peer,
    pub state: ConnectionState,
    pub since: i64,
    pub info: StateInfo,
    pub was_active: bool,
    pub delete_asked: bool,
    pub failing: Option<i64>,
    pub warnings: Vec<Warning>,
}

impl Row {
    pub fn new(kind: ConnectionType, state: ConnectionState) -> Self {
        let mut info = StateInfo::at_first(kind, Vec::new());
        info.message = "before".into();
        info.extra.insert("aws_vpc_peering_connection_id".into(), "pcx-0a".into());
        info.extra.insert("aws_tgw_vpc_attachment_id".into(), "tgw-attach-0a".into());
        let was_active = state == ConnectionState::Active;
        Self {
            peer: peer(kind),
            state,
            since: 600,
            info,
            was_active,
            delete_asked: false,
            failing: None,
            warnings: Vec::new(),
        }
    }

    pub fn told(&self, event: Event<'_>) -> Option<Told> {
        let ago = |seconds: i64| NOW.plus_seconds(-seconds);
        let region = if self.peer.kind() == ConnectionType::UpcloudVpcPeering { "de-fra1" } else { "eu-west-1" };
        let known = Known {
            peer: &self.peer,
            state: self.state,
            since: ago(self.since),
            info: &self.info,
            was_active: self.was_active,
            delete_asked: self.delete_asked,
            failing_since: self.failing.map(ago),
            vpc_cidr: "10.0.0.0/24".parse().expect("a range"),
            region,
            operator_account: "999988887777",
            warnings: &self.warnings,
            now: NOW,
        };
        transition(&known, event)
    }

    pub fn sees(&self, word: &str) -> Option<Told> {
        self.told(Event::Sight(&sight(word)))
    }

    pub fn fails(&self, class: FailureClass, code: &str, message: &str) -> Option<Told> {
        self.told(Event::Failed(&Failed { class, code: code.into(), message: message.into() }))
    }
}

pub fn sight(word: &str) -> Sight {
    Sight { state: Some(word.to_owned()), ..Sight::default() }
}

pub fn said(told: Option<Told>) -> Option<(ConnectionState, String)> {
    told.map(|told| (told.state, told.message))
}

pub const AWS: ConnectionType = ConnectionType::AwsVpcPeeringConnection;
pub const TGW: ConnectionType = ConnectionType::AwsTgwVpcAttachment;
pub const GOOGLE: ConnectionType = ConnectionType::GoogleVpcPeering;
pub const AZURE: ConnectionType = ConnectionType::AzureVnetPeering;
pub const UPCLOUD: ConnectionType = ConnectionType::UpcloudVpcPeering;
