//! A node of a service, seen from its VPC and from the internet.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use app::domain::{
    AddressRange, NodeId,
    gateway::DriftPolicy,
    host::{Delivery, Report},
    service::node::{Destination, NodeFirewall, NodeRule},
    tunnel::{Document, Version},
};
use tempfile::TempDir;

use super::{
    console::Console,
    people::{ACT, Service},
    soon,
};

pub const PRIVATE: &str = "10.0.0.10";
pub const PUBLIC: &str = "203.0.113.10";
pub const PUBLIC6: &str = "[2001:db8::10]";
/// In the VPC; the first is admitted by the first document.
pub const FRIEND: &str = "10.0.0.20";
pub const STRANGER: &str = "10.0.0.21";
/// On the internet; the first is in the filter.
pub const CUSTOMER: &str = "203.0.113.50";
pub const PASSER_BY: &str = "203.0.113.51";
pub const CUSTOMER6: &str = "[2001:db8::50]";
pub const PASSER_BY6: &str = "[2001:db8::51]";

pub struct Stage {
    pub console: Arc<Console>,
    pub service: Service,
    folder: TempDir,
    vpc: Child,
    internet: Child,
    agent: Option<Child>,
    runtime: tokio::runtime::Runtime,
    generation: u64,
}

/// Runs a shell line on the node's host.
pub fn run(line: &str) {
    let output = Command::new("sh").args(["-ec", line]).output().expect("a shell");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

pub fn says(line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).output().expect("a shell");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Stage {
    pub fn new() -> Self {
        let namespace = || {
            let mut command = Command::new("unshare");
            let child = command.args(["-n", "sleep", "300"]).stdin(Stdio::null()).spawn().expect("a namespace");
            let own = says("readlink /proc/self/ns/net");
            soon("it has a namespace of its own", || {
                let there = says(&format!("readlink /proc/{}/ns/net", child.id()));
                !there.is_empty() && there != own
            });
            child
        };
        let (vpc, internet) = (namespace(), namespace());
        let (inside, outside) = (vpc.id(), internet.id());
        run(&format!(
            "ip link set lo up
             ip link add eth0 type veth peer name eth0 netns {outside}
             ip link add eth1 type veth peer name eth0 netns {inside}
             ip link add wg0 type bridge; ip addr add 192.168.77.1/24 dev wg0; ip link set wg0 up
             ip addr add {PUBLIC}/24 dev eth0; ip -6 addr add 2001:db8::10/64 dev eth0 nodad; ip link set eth0 up
             ip addr add {PRIVATE}/16 dev eth1; ip link set eth1 up
             ip route add default via 203.0.113.1
             nsenter -t {outside} -n sh -ec '
               ip link set lo up; ip addr add 203.0.113.1/24 dev eth0; ip addr add {CUSTOMER}/24 dev eth0
               ip addr add {PASSER_BY}/24 dev eth0; ip link set eth0 up
               for last in 50 51; do ip -6 addr add 2001:db8::$last/64 dev eth0 nodad; done'
             nsenter -t {inside} -n sh -ec '
               ip link set lo up; ip addr add {FRIEND}/16 dev eth0; ip addr add {STRANGER}/16 dev eth0
               ip link set eth0 up; ip route add {PUBLIC} via {PRIVATE}'"
        ));
        let folder = tempfile::tempdir().expect("a folder");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let entered = runtime.enter();
        let console = Console::listen(&folder.path().join("console.sock"));
        drop(entered);
        console.expect("0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d11".parse::<NodeId>().expect("an id"));
        let service = Service::listen(&[5432, 2222]);
        Self { console, service, folder, vpc, internet, agent: None, runtime, generation: 0 }
    }

    pub fn start_agent(&mut self) {
        let path = |name: &str| -> PathBuf { self.folder.path().join(name) };
        std::fs::write(path("token"), "one-time-token").expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
        command.args(["agent", "--console"]).arg(format!("unix:{}", path("console.sock").display()));
        command.arg("--token-file").arg(path("token")).arg("--state").arg(path("state"));
        let log = std::fs::File::options().create(true).append(true).open(path("log")).expect("a log");
        command.stdout(log.try_clone().expect("the same")).stderr(log);
        self.agent = Some(command.spawn().expect("the agent"));
    }

    /// With SIGKILL.
    pub fn kill_agent(&mut self) {
        let mut agent = self.agent.take().expect("an agent");
        agent.kill().expect("it runs");
        agent.wait().expect("it ends");
    }

    /// Whether it ended by itself, and well.
    pub fn agent_ends(&mut self) {
        let mut agent = self.agent.take().expect("an agent");
        soon("the agent ends", || agent.try_wait().expect("it is ours").is_some_and(|status| status.success()));
        let left: Vec<_> = std::fs::read_dir(self.folder.path().join("state")).expect("a folder").flatten().collect();
        assert_eq!(left.iter().map(|entry| entry.file_name()).collect::<Vec<_>>(), ["lock"]);
    }

    /// Offers a document and waits until the host, read back, shows it.
    pub fn offer(&mut self, document: &Document) -> Version {
        self.generation += 1;
        let version = Version { epoch: 1, generation: self.generation, hash: document.hash() };
        let since = Instant::now();
        self.console.offer(Delivery::Full { version: version.clone(), document: document.clone() });
        self.told(since, "the document is verified", |report| report.verified.as_ref() == Some(&version));
        version
    }

    pub fn told(&self, since: Instant, what: &str, is: impl Fn(&Report) -> bool) -> Duration {
        self.runtime.block_on(self.console.reported(since, what, is))
    }

    fn acting(&self, child: &Child, line: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &child.id().to_string(), "-n"]).arg(std::env::current_exe().expect("this program"));
        command.env(ACT, line).stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Where an address lives.
    fn home(&self, from: &str) -> &Child {
        if from.starts_with("10.") { &self.vpc } else { &self.internet }
    }

    /// Whether a connection from there to here gets through.
    pub fn reaches(&self, from: &str, to: &str, port: u16) -> bool {
        let line = format!("reach {from}:0 {to}:{port}");
        self.acting(self.home(from), &line).status().expect("it runs").success()
    }

    /// A connection that lasts.
    pub fn stream(&self, from: &str, to: &str, port: u16) -> Child {
        self.acting(self.home(from), &format!("stream {from}:0 {to}:{port}")).spawn().expect("it runs")
    }

    /// Somebody on the internet who may be called.
    pub fn listener(&self, port: u16) -> Child {
        self.acting(&self.internet, &format!("serve {port}")).spawn().expect("it runs")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}\n{}", self.log(), says("nft list ruleset"));
        }
        for child in [self.agent.as_mut(), Some(&mut self.vpc), Some(&mut self.internet)].into_iter().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn ranges(texts: &[&str]) -> Vec<AddressRange> {
    AddressRange::merge(texts.iter().map(|text| text.parse().expect("a range")))
}

pub fn rule(name: &str, to: Destination, from: &[&str]) -> NodeRule {
    NodeRule { name: name.to_owned(), to, ports: [5432].into(), from: ranges(from) }
}

/// 5499 is guarded too, and nobody listens there.
pub fn orders(rules: Vec<NodeRule>) -> NodeFirewall {
    NodeFirewall {
        id: "0197c1f2-5c1e-7a40-9b1d-3f2a6c8e4d11".parse().expect("an id"),
        service: "orders".parse().expect("a name"),
        private: Some("10.0.0.0/16".parse().expect("a range")),
        guarded: [5432, 5499].into(),
        rules,
        drift_policy: DriftPolicy::Repair,
        repairs: 0,
        needs: 0,
        unknown: Default::default(),
    }
}

pub fn usual() -> NodeFirewall {
    orders(vec![
        rule("connections", Destination::Private, &[FRIEND]),
        rule("filter", Destination::Public, &[CUSTOMER, "2001:db8::50"]),
    ])
}
