//! A small project for tests: what the console shows of it, and the ranges behind it, always in step.

use std::{collections::BTreeMap, net::Ipv4Addr};

use uuid::Uuid;

use super::{
    Cidr, GatewayId, Network, PairId, PeerId, PersonId, PublicKey, ServiceId, Timestamp, VpcId,
    attention::Snapshot,
    certificate_authority::ServiceCertificate,
    gateway::{ConfigSync, Gateway, GatewayBrief, GatewaySettings, GatewayStatus, own_tunnel_address},
    location::Location,
    network::{GatewayRange, RoutedRange, VpcRange},
    peer::{Peer, PeerKind, PeerObserved},
    peering::{Peering, PeeringSide, PeeringState},
    service::Service,
    vpc::{Vpc, VpcState},
};

/// Twelve minutes past three, as in the drawings.
pub const NOW: Timestamp = Timestamp::from_seconds(1_795_144_320);

#[derive(Debug, Default)]
pub struct Town {
    pub vpcs: Vec<Vpc>,
    pub gateways: Vec<Gateway>,
    pub peerings: Vec<Peering>,
    pub peers: Vec<Peer>,
    pub network: Network,
    pub services: Vec<Service>,
    pub certificates: BTreeMap<ServiceId, Vec<ServiceCertificate>>,
}

fn id(number: usize) -> Uuid {
    Uuid::from_u128(u128::try_from(number).expect("128 bits hold a usize"))
}

pub fn minutes_ago(minutes: i64) -> Timestamp {
    NOW.plus_seconds(-60 * minutes)
}

impl Town {
    /// A VPC in `local-<place>`; ids count from 1 in the order of calls.
    pub fn vpc(&mut self, name: &str, place: &str, range: &str) -> &mut Vpc {
        let number = self.vpcs.len() + 1;
        let vpc = Vpc {
            id: VpcId::from_uuid(id(number)),
            name: name.parse().expect("a name"),
            cloud: format!("local-{place}").parse().expect("a place"),
            place: place[..1].to_uppercase() + &place[1..],
            cidr: range.parse().expect("a range"),
            state: VpcState::Active,
            created_at: minutes_ago(60),
            gateway: None,
            peerings: Vec::new(),
            connections: Vec::new(),
            services: Vec::new(),
            build_error: None,
            refresh_pending: false,
            cloud_id: None,
            simulated: false,
        };
        self.network.vpcs.push(VpcRange {
            id: vpc.id,
            name: vpc.name.clone(),
            cloud: vpc.cloud.clone(),
            cidr: vpc.cidr,
            state: VpcState::Active,
            cloud_id: None,
        });
        if self.network.location(&vpc.cloud).is_none() {
            self.network.locations.push(Location {
                cloud: vpc.cloud.clone(),
                label: vpc.place.clone(),
                vpn_gateway_enabled: true,
            });
        }
        self.vpcs.push(vpc);
        self.vpcs.last_mut().expect("just pushed")
    }

    /// An active gateway `gw-<vpc>` in a VPC, counted like it: tunnel 10.200.n.0/24, 203.0.113.n:51820.
    pub fn gateway(&mut self, vpc: &str) -> &mut Gateway {
        let at = self.at(vpc);
        let number = at + 1;
        let last = u8::try_from(number).expect("at most 255 gateways");
        let tunnel = Cidr::around(Ipv4Addr::new(10, 200, last, 0), 24).expect("24 bits");
        let here = &self.vpcs[at];
        let gateway = Gateway {
            id: GatewayId::from_uuid(id(number)),
            name: format!("gw-{vpc}").parse().expect("a name"),
            owner: PersonId::from_uuid(id(1)),
            owner_email: "ingrid@tidewater.example".to_owned(),
            vpc: here.id,
            vpc_name: here.name.clone(),
            vpc_cidr: here.cidr,
            cloud: here.cloud.clone(),
            place: here.place.clone(),
            settings: GatewaySettings::default(),
            tunnel,
            public_address: Some(Ipv4Addr::new(203, 0, 113, last)),
            private_address: Some(Ipv4Addr::from(here.cidr.first() + 4)),
            public_key: Some(PublicKey::from_bytes([last; 32])),
            mute: false,
            status: GatewayStatus::Active,
            sync: ConfigSync::InSync,
            wanted: 1,
            applied: 1,
            verified: 1,
            apply_error: None,
            drift: Vec::new(),
            last_seen: Some(NOW),
            host: None,
            peers: 0,
            peers_connected: 0,
            samples: Vec::new(),
            created_at: minutes_ago(50),
        };
        self.vpcs[at].gateway = Some(GatewayBrief {
            id: gateway.id,
            name: gateway.name.clone(),
            status: gateway.status,
            sync: gateway.sync,
            private_address: gateway.private_address,
        });
        self.network.gateways.push(GatewayRange {
            id: gateway.id,
            name: gateway.name.clone(),
            owner: gateway.owner,
            vpc: gateway.vpc,
            tunnel,
            active: true,
            inactive_because: String::new(),
            public_address: gateway.public_address,
            listen_port: gateway.settings.listen_port,
            next_tunnel_address: Some(Ipv4Addr::from(own_tunnel_address(tunnel).to_bits() + 1)),
            generation: 1,
        });
        self.gateways.push(gateway);
        self.gateways.last_mut().expect("just pushed")
    }

    /// An established peering between the gateways of two VPCs, both in Vpcs' lists and in the network's routes.
    pub fn peering(&mut self, a: &str, b: &str) -> &mut Peering {
        let number = self.peerings.len() + 1;
        let pair = PairId::from_uuid(id(number));
        let side = |town: &Self, name: &str, offset: usize| {
            let gateway = town.gateway_of(name);
            PeeringSide {
                gateway: gateway.id,
                gateway_name: gateway.name.clone(),
                vpc: gateway.vpc,
                vpc_name: gateway.vpc_name.clone(),
                vpc_cidr: gateway.vpc_cidr,
                peer: PeerId::from_uuid(id(1000 + 2 * number + offset)),
                applied: true,
                handshake: Some(NOW),
            }
        };
        let sides = [side(self, a, 0), side(self, b, 1)];
        for (here, there) in [(&sides[0], &sides[1]), (&sides[1], &sides[0])] {
            let tunnel = self.gateway_of(there.vpc_name.as_str()).tunnel;
            for cidr in [there.vpc_cidr, tunnel] {
                self.network.routed.push(RoutedRange {
                    gateway: here.gateway,
                    peer: here.peer,
                    peer_name: super::PeerName::of_peering_with(&there.gateway_name),
                    kind: PeerKind::VpcPeering,
                    pair: Some(pair),
                    remote: Some(there.gateway),
                    cidr,
                });
            }
        }
        self.peerings.push(Peering { id: pair, state: PeeringState::Established, sides, created_at: minutes_ago(40) });
        self.peerings.last_mut().expect("just pushed")
    }

    /// A connected road warrior whose downloaded file is current.
    pub fn road_warrior(&mut self, vpc: &str, name: &str) -> &mut Peer {
        let reaches = self.network.reach_of(self.gateway_of(vpc).id);
        let address = self.next_address(vpc);
        let peer = self.peer(vpc, name, PeerKind::RoadWarrior);
        peer.allowed_ips = vec![Cidr::around(address, 32).expect("32 bits")];
        peer.downloaded = Some(reaches.clone());
        peer.reaches = reaches;
        peer
    }

    /// A connected site with one network behind it.
    pub fn site(&mut self, vpc: &str, name: &str, range: &str) -> &mut Peer {
        let cidr: Cidr = range.parse().expect("a range");
        let address = self.next_address(vpc);
        let peer = self.peer(vpc, name, PeerKind::Site);
        peer.allowed_ips = vec![Cidr::around(address, 32).expect("32 bits"), cidr];
        let (gateway, peer_id, peer_name) = (peer.gateway, peer.id, peer.name.clone());
        self.network.routed.push(RoutedRange {
            gateway,
            peer: peer_id,
            peer_name,
            kind: PeerKind::Site,
            pair: None,
            remote: None,
            cidr,
        });
        self.peers.last_mut().expect("just pushed")
    }

    fn peer(&mut self, vpc: &str, name: &str, kind: PeerKind) -> &mut Peer {
        let number = self.peers.len() + 1;
        let peer = Peer {
            id: PeerId::from_uuid(id(number)),
            gateway: self.gateway_of(vpc).id,
            kind,
            name: name.parse().expect("a name"),
            public_key: PublicKey::from_bytes([100 + u8::try_from(number).expect("few peers"); 32]),
            preshared: true,
            tunnel_address: self.next_address(vpc),
            allowed_ips: Vec::new(),
            endpoint: None,
            keepalive: 25,
            pair: None,
            remote: None,
            enabled: true,
            observed: PeerObserved { handshake: Some(NOW.plus_seconds(-20)), ..PeerObserved::default() },
            samples: Vec::new(),
            downloaded: None,
            stale: Vec::new(),
            reaches: Vec::new(),
            recorded: false,
            created_at: minutes_ago(30),
        };
        self.peers.push(peer);
        self.peers.last_mut().expect("just pushed")
    }

    fn next_address(&self, vpc: &str) -> Ipv4Addr {
        let taken = u32::try_from(self.peers.len()).expect("few peers");
        Ipv4Addr::from(self.gateway_of(vpc).tunnel.first() + 10 + taken)
    }

    fn at(&self, vpc: &str) -> usize {
        self.vpcs.iter().position(|one| one.name.as_str() == vpc).expect("a VPC of this town")
    }

    fn gateway_of(&self, vpc: &str) -> &Gateway {
        self.gateways.iter().find(|gateway| gateway.vpc_name.as_str() == vpc).expect("a VPC with a gateway")
    }

    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            vpcs: &self.vpcs,
            gateways: &self.gateways,
            peerings: &self.peerings,
            peers: &self.peers,
            network: &self.network,
            services: &self.services,
            certificates: &self.certificates,
            now: NOW,
        }
    }
}

/// Three VPCs in three places with gateways; oslo is joined with the other two.
pub fn harbor() -> Town {
    let mut town = Town::default();
    for (name, place, range) in [
        ("hq-oslo", "oslo", "172.20.0.0/16"),
        ("dc-hamburg", "hamburg", "172.28.0.0/16"),
        ("lab-bergen", "bergen", "192.168.40.0/22"),
    ] {
        town.vpc(name, place, range);
        town.gateway(name);
    }
    town.peering("dc-hamburg", "hq-oslo");
    town.peering("hq-oslo", "lab-bergen");
    town
}
