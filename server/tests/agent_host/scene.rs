//! The stage of each trial: a host with two interfaces, and a document for it.

use std::net::Ipv4Addr;

use app::domain::{
    Cidr, GatewayId, PresharedKey, PublicKey, Timestamp,
    gateway::DriftPolicy,
    host::HostRole,
    peer::PeerKind,
    plan::{Frame, HostState, Peers, Step, Surroundings, drift, is_called, plan},
    tunnel::{Document, Interface, TunnelPeer},
};
use server::agent::host::{Host, HostChoice, LiveHost, Question, key::PrivateKey, nft};

use super::run;

pub fn cidr(text: &str) -> Cidr {
    text.parse().expect("a range")
}

/// A gateway's host with an interface to the internet, eth0, and one into its VPC, eth1.
pub struct Scene {
    pub choice: HostChoice,
    pub host: LiveHost,
    pub key: PublicKey,
}

impl Scene {
    pub fn new(choice: HostChoice) -> Self {
        run("ip link set lo up; ip link add eth0 type veth peer name far0; ip link add eth1 type veth peer name far1
             for link in eth0 far0 eth1 far1; do ip link set $link up; done
             ip addr add 203.0.113.10/24 dev eth0; ip route add default via 203.0.113.1");
        // The one that calls: what is planned is all of it.
        let beta = alpha().peers.into_values().find(|peer| peer.kind == PeerKind::VpcPeering).expect("a VPC peering");
        let key = std::iter::repeat_with(PrivateKey::random)
            .find(|key| !is_called(key.public(), &beta))
            .expect("one of many");
        Self { choice: choice.clone(), key: key.public(), host: LiveHost::open(choice, key).expect("a routing socket") }
    }

    pub fn in_vpc(self, interface: &str) -> Self {
        run(&format!("ip addr add 172.16.0.2/16 dev {interface}"));
        self
    }

    pub async fn around(&self) -> Surroundings {
        let facts = self.host.read(&Question::of(HostRole::Gateway)).await.expect("a host").facts;
        Surroundings::of(&facts, cidr("172.16.0.0/16"))
    }

    pub async fn frame(&self, document: &Document) -> Frame {
        let around = self.around().await;
        Frame::of(document, self.key, &around, nft::ruleset(document, &around))
    }

    pub async fn read(&self, frame: &Frame) -> HostState {
        let sysctls = frame.sysctls.keys().cloned().collect();
        self.host.read(&Question { role: HostRole::Gateway, sysctls }).await.expect("a host").state
    }

    pub async fn perform(&self, steps: &[Step]) {
        for step in steps {
            if let Err(error) = self.host.perform(step).await {
                panic!("{step}: {error:#}");
            }
        }
    }

    pub async fn apply(&self, frame: &Frame, peers: &Peers) {
        let found = self.read(frame).await;
        self.perform(&plan(frame, peers, &found, now())).await;
    }

    /// Differences by name; and they are empty exactly when the plan is.
    pub async fn differences(&self, frame: &Frame, peers: &Peers) -> Vec<String> {
        let found = self.read(frame).await;
        let differences = drift(frame, peers, &found, now(), &[]);
        let steps = plan(frame, peers, &found, now());
        assert_eq!(steps.is_empty(), differences.is_empty(), "{steps:?} {differences:?}");
        differences.iter().map(|drift| format!("{} {}: {}", drift.subject, drift.field, drift.found)).collect()
    }
}

pub fn now() -> Timestamp {
    server::clock::now()
}

pub fn alpha() -> Document {
    let gateway = Interface {
        id: "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d10".parse::<GatewayId>().expect("an id"),
        name: "gw-alpha".parse().expect("a name"),
        address: Ipv4Addr::new(10, 200, 1, 1),
        tunnel: cidr("10.200.1.0/24"),
        vpc: cidr("172.16.0.0/16"),
        listen_port: 51820,
        mtu: 1420,
        masquerade_vpc: false,
        internet_egress: false,
        drift_policy: DriftPolicy::Repair,
        repairs: 0,
        guarded: ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "198.18.7.0/24"].map(cidr).to_vec(),
        needs: 0,
        unknown: Default::default(),
    };
    let mut document = Document::of_gateway(gateway, Peers::new());
    let mut beta = peer(2, PeerKind::VpcPeering, &["10.0.0.0/16", "10.200.2.0/24"]);
    (beta.endpoint, beta.keepalive) = (Some("203.0.113.20:51820".parse().expect("an endpoint")), 25);
    // Neighbours that do and that do not merge, a host, and a whole /17.
    let site = peer(
        3,
        PeerKind::Site,
        &["192.168.8.0/24", "192.168.9.0/24", "192.168.10.0/24", "198.18.7.7/32", "192.168.128.0/17"],
    );
    for peer in [
        beta,
        site,
        peer(4, PeerKind::RoadWarrior, &["10.200.1.4/32"]),
        peer(5, PeerKind::RoadWarrior, &["10.200.1.5/32"]),
    ] {
        document.peers.insert(peer.public_key, peer);
    }
    document
}

pub fn peer(number: u8, kind: PeerKind, ranges: &[&str]) -> TunnelPeer {
    let mut allowed_ips: Vec<Cidr> = ranges.iter().map(|range| cidr(range)).collect();
    allowed_ips.sort();
    TunnelPeer {
        name: format!("peer-{number}").parse().expect("a name"),
        kind,
        public_key: PrivateKey::from_bytes([number; 32]).public(),
        preshared_key: number.is_multiple_of(2).then(|| PresharedKey::from_bytes([number; 32])),
        endpoint: None,
        keepalive: 0,
        allowed_ips,
        unknown: Default::default(),
    }
}
