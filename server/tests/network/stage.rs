//! A console, somebody signed in, and a lab; and the steps that most trials begin with.

use std::{
    os::unix::fs::OpenOptionsExt,
    time::{Duration, Instant},
};

use app::{
    api::enrolment::Enrolment,
    domain::{
        GatewayId, PairId, PeerId, VpcId,
        gateway::{ConfigSync, Gateway, GatewayStatus},
        peer::Peer,
        peering::Peering,
        road_warrior::FileFacts,
    },
};

use super::{
    console::{Console, Web},
    lab::Lab,
};

pub struct Site {
    pub vpc: &'static str,
    pub cidr: &'static str,
    pub host: &'static str,
    pub public: &'static str,
    pub tunnel: &'static str,
    pub egress: &'static str,
}

/// Two interfaces, and the VPC's way to the internet.
pub const ALPHA: Site = Site {
    vpc: "lab-alpha",
    cidr: "172.16.0.0/16",
    host: "gw-alpha",
    public: "203.0.113.10",
    tunnel: "10.200.1.0/24",
    egress: "on",
};
/// One interface, a private address, and a public one that a router translates.
pub const BETA: Site = Site {
    vpc: "lab-beta",
    cidr: "10.0.0.0/16",
    host: "gw-beta",
    public: "203.0.113.20",
    tunnel: "10.200.2.0/24",
    egress: "",
};

pub const VM_ALPHA: &str = "172.16.0.100";
pub const VM_BETA: &str = "10.0.0.100";

pub struct Stage {
    pub lab: Lab,
    pub web: Web,
    pub console: Console,
}

impl Stage {
    pub fn new() -> Self {
        Self::with(&[], Lab::up())
    }

    pub fn with(options: &[&str], lab: Lab) -> Self {
        Self::of(Console::start(options), lab)
    }

    pub fn of(console: Console, lab: Lab) -> Self {
        Self { web: console.sign_in(), lab, console }
    }

    /// Both gateways in sync, one joined to the other.
    pub fn joined(policy: &str) -> (Self, GatewayId, GatewayId) {
        Self::new().with_both_joined(policy)
    }

    pub fn with_both_joined(self, policy: &str) -> (Self, GatewayId, GatewayId) {
        let stage = self;
        let (alpha, beta) = stage.gateways(policy);
        stage.join(alpha, beta);
        stage.lab.reaches("vm-alpha", VM_BETA);
        (stage, alpha, beta)
    }

    /// Both gateways, enrolled and in sync.
    pub fn gateways(&self, policy: &str) -> (GatewayId, GatewayId) {
        let [alpha, beta] = [&ALPHA, &BETA].map(|site| {
            let id = self.gateway(site, policy);
            self.enrol(site, id);
            id
        });
        for id in [alpha, beta] {
            self.in_sync(id);
        }
        (alpha, beta)
    }

    /// A VPC with a gateway that no host has enrolled for.
    pub fn gateway(&self, site: &Site, policy: &str) -> GatewayId {
        let vpc: VpcId =
            self.web.call("vpcs/create", &[("name", site.vpc), ("cloud", "local-default"), ("cidr", site.cidr)]);
        let vpc = vpc.to_string();
        let own = [("form[name]", site.host), ("form[vpc]", &vpc), ("form[tunnel]", site.tunnel)];
        self.web.call("gateways/create", &[&own[..], &settings(site, policy)[..]].concat())
    }

    /// Sends the settings form.
    pub fn set(&self, site: &Site, gateway: GatewayId, policy: &str) {
        let id = gateway.to_string();
        self.web.act("gateways/update", &[&[("id", id.as_str())], &settings(site, policy)[..]].concat());
    }

    /// As the page says: a token, and the agent with it on the host.
    pub fn enrol(&self, site: &Site, gateway: GatewayId) {
        let enrolment: Enrolment = self.web.call("gateways/enrolment", &[("id", &gateway.to_string())]);
        self.start_agent(site.host, &enrolment.token);
    }

    /// Without a token for a host that is enrolled.
    pub fn start_agent(&self, host: &str, token: &str) {
        self.lab.must(&["agent", host, "--console", &self.console.agents()], token);
    }

    pub fn kill_agent(&self, host: &str) {
        self.lab.must(&["stop", &format!("agent-{host}"), "--hard"], "");
    }

    pub fn read(&self, gateway: GatewayId) -> Gateway {
        self.web.call("gateways/get", &[("id", &gateway.to_string())])
    }

    pub fn peers(&self, gateway: GatewayId) -> Vec<Peer> {
        self.web.call("peers/list", &[("gateway", &gateway.to_string())])
    }

    pub fn peerings(&self) -> Vec<Peering> {
        self.web.call("peerings/list", &[])
    }

    /// Waits until the console shows something of a gateway.
    pub fn shows(&self, gateway: GatewayId, seconds: u64, what: &str, is: impl Fn(&Gateway) -> bool) -> Gateway {
        let began = Instant::now();
        loop {
            let shown = self.read(gateway);
            if is(&shown) {
                return shown;
            }
            assert!(
                began.elapsed() < Duration::from_secs(seconds),
                "{} is not {what} after {seconds} s: {:?} {:?}, wanted {}, applied {}, verified {}, error {:?}, drift {:?}\n{}",
                shown.name,
                shown.status,
                shown.sync,
                shown.wanted,
                shown.applied,
                shown.verified,
                shown.apply_error,
                shown.drift,
                self.lab.words()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub fn in_sync(&self, gateway: GatewayId) -> Gateway {
        self.shows(gateway, 40, "in sync", |shown| {
            shown.status == GatewayStatus::Active && shown.sync == ConfigSync::InSync
        })
    }

    pub fn join(&self, alpha: GatewayId, beta: GatewayId) -> PairId {
        let pair = self.web.call("peerings/create", &[("gateway", &alpha.to_string()), ("remote", &beta.to_string())]);
        // What was asked for is a new generation a moment later.
        for id in [alpha, beta] {
            self.shows(id, 20, "joined", |shown| shown.sync == ConfigSync::InSync && shown.wanted > 1);
        }
        pair
    }

    /// A road warrior on `gateway` whose file is on the laptop. The private key never leaves it.
    pub fn laptop(&self, gateway: GatewayId) -> PeerId {
        let lab = &self.lab;
        lab.run("laptop", "umask 077; wg genkey >/run/key");
        let public = lab.run("laptop", "wg pubkey </run/key");
        let fields = [("gateway", gateway.to_string()), ("name", "laptop".to_owned()), ("public_key", public)];
        let peer: PeerId =
            self.web.call("peers/create-road-warrior", &fields.each_ref().map(|(name, value)| (*name, value.as_str())));
        lab.must(&["start", "tunnel-laptop", "laptop", "wireguard-go", "-f", "wg0"], "");
        lab.run("laptop", "until [ -S /run/wireguard/wg0.sock ]; do sleep 0.05; done");
        self.in_sync(gateway);
        self.load_laptop(peer);
        peer
    }

    /// Loads the file as it is now. Its session starts anew.
    pub fn load_laptop(&self, peer: PeerId) -> FileFacts {
        let facts: FileFacts = self.web.call("peers/file", &[("id", &peer.to_string())]);
        let key = self.lab.run("laptop", "cat /run/key");
        let path = self.lab.folder().0.join("laptop.conf");
        let mut options = std::fs::File::options();
        let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(&path).expect("a file");
        std::io::Write::write_all(&mut file, facts.render(Some(&key)).as_bytes()).expect("written");
        let mut line = format!(
            "wg-quick strip {} | wg setconf wg0 /dev/stdin && ip addr replace {}/32 dev wg0 && ip link set wg0 mtu {} up && ip route flush dev wg0 proto static",
            path.display(),
            facts.address,
            facts.mtu
        );
        for range in &facts.allowed_ips {
            line.push_str(&format!(" && ip route replace {range} dev wg0 proto static"));
        }
        self.lab.run("laptop", &line);
        facts
    }

    /// Whether each way of the ablation table is open: A to B, B to A, road warrior to A, road warrior to B.
    pub fn ways(&self) -> [bool; 4] {
        [("vm-alpha", VM_BETA), ("vm-beta", VM_ALPHA), ("laptop", VM_ALPHA), ("laptop", VM_BETA)]
            .map(|(from, to)| self.lab.pings(from, to, 0.3, 1))
            .map(|pings| pings.answered() == 1)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("console:\n{}", self.console.last_words());
        }
    }
}

fn settings<'a>(site: &Site, policy: &'a str) -> [(&'static str, &'a str); 3] {
    [("form[public_address]", site.public), ("form[internet_egress]", site.egress), ("form[drift_policy]", policy)]
}
