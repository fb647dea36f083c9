//! The lab itself: it goes up, runs what it is told to, and leaves nothing behind, however it ends.

use std::{
    collections::BTreeSet,
    fs::read_link,
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use app::{
    api::lab::LabState,
    domain::{gateway::Gateway, peering::Peering, vpc::Vpc},
};

use super::{console::Console, lab::Lab};

/// Numbers of the processes that live in the namespace of this kind and name.
fn inhabitants(kind: &str, name: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc")
        .expect("a proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.filter(|process| namespace(*process, kind).is_some_and(|other| other == name)).collect()
}

fn namespace(process: u32, kind: &str) -> Option<std::path::PathBuf> {
    read_link(format!("/proc/{process}/ns/{kind}")).ok()
}

fn parent(process: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
    stat.rsplit(") ")
        .next()
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(|number| number.parse().ok())
        .expect("a parent")
}

/// Interfaces and named network namespaces of this machine.
fn machine() -> (BTreeSet<String>, BTreeSet<String>) {
    let names = |folder: &str| {
        std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    };
    (names("/sys/class/net"), names("/run/netns"))
}

/// A lab in which a tunnel runs, and what must not outlive it.
struct Watched {
    lab: Lab,
    machine: (BTreeSet<String>, BTreeSet<String>),
    processes: std::path::PathBuf,
    networks: Vec<std::path::PathBuf>,
}

impl Watched {
    fn up() -> Self {
        let machine = machine();
        let lab = Lab::up();
        lab.must(&["start", "tunnel", "gw-alpha", "wireguard-go", "-f", "wg0"], "");
        lab.must(&["start", "pings", "vm-alpha", "ping", "-q", "172.16.0.2"], "");
        lab.run("gw-alpha", "until ip link show wg0 >/dev/null 2>&1; do sleep 0.05; done");
        let holder = *lab.status().hosts.values().next().expect("a host");
        let processes = namespace(holder, "pid").expect("a holder");
        let networks: Vec<_> = lab.status().hosts.values().filter_map(|holder| namespace(*holder, "net")).collect();
        assert_eq!(networks.iter().collect::<BTreeSet<_>>().len(), 7, "each host has a network of its own");
        assert!(inhabitants("pid", &processes).len() >= 10, "supervisor, seven holders and two programs");
        assert_eq!(machine, self::machine(), "nothing of a lab is outside of it");
        Self { lab, machine, processes, networks }
    }

    fn supervisor(&self) -> u32 {
        parent(*self.lab.status().hosts.values().next().expect("a host"))
    }

    fn nothing_is_left(&self) {
        let patience = Instant::now() + Duration::from_secs(5);
        let left = || {
            let in_networks = self.networks.iter().flat_map(|network| inhabitants("net", network));
            inhabitants("pid", &self.processes).into_iter().chain(in_networks).collect::<BTreeSet<_>>()
        };
        while !left().is_empty() {
            assert!(Instant::now() < patience, "processes are left: {:?}", left());
            sleep(Duration::from_millis(50));
        }
        assert_eq!(machine(), self.machine, "no interface and no named namespace is left");
        assert!(self.lab.read_status().is_none());
    }
}

fn kill(process: u32) {
    assert!(Command::new("kill").args(["-9", &process.to_string()]).status().expect("kill runs").success());
}

pub fn up_and_down() {
    let watched = Watched::up();
    let lab = &watched.lab;
    let listing = lab.must(&["status"], "");
    for host in ["inet", "gw-alpha", "vm-alpha", "router-beta", "gw-beta", "vm-beta", "laptop"] {
        assert!(listing.lines().any(|line| line.starts_with(host)), "{host} in {listing}");
    }
    assert!(listing.contains("pings: runs"), "{listing}");
    let said = lab.must(&["exec", "vm-beta", "ip", "-4", "-brief", "addr", "show", "dev", "eth0"], "");
    assert!(said.contains("10.0.0.100/16"), "{said}");
    assert_eq!(lab.ask(&["exec", "vm-beta", "false"], "").status.code(), Some(1), "exec ends as its program does");
    assert!(
        lab.ping("vm-alpha", "172.16.0.2") && lab.ping("laptop", "203.0.113.10") && lab.ping("gw-beta", "203.0.113.10")
    );
    assert!(!lab.ping("vm-alpha", "10.0.0.100"), "and nothing joins the two sites yet");
    let again = lab.must(&["up"], "");
    assert_eq!(again, lab.must(&["status"], ""), "up once is up");
    lab.must(&["stop", "pings"], "");
    assert!(!lab.must(&["status"], "").contains("pings"));
    let refused = lab.ask(&["exec", "vm-gamma", "true"], "");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no host vm-gamma"));
    lab.must(&["down"], "");
    watched.nothing_is_left();
    assert!(!lab.folder().0.exists(), "its folder went with it");
    let refused = lab.ask(&["status"], "");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("No lab is up"));
}

pub fn killed() {
    let watched = Watched::up();
    kill(watched.supervisor());
    watched.nothing_is_left();
    // The next one is not disturbed by what the first one left in the folder.
    watched.lab.must(&["up"], "");
    watched.lab.must(&["exec", "vm-alpha", "ping", "-c1", "-W1", "172.16.0.2"], "");
}

pub fn starter_killed() {
    let watched = Watched::up();
    kill(parent(watched.supervisor()));
    watched.nothing_is_left();
}

/// In a user namespace, where /dev/net/tun may be opened by anybody, as udev makes it.
pub fn ordinary_user() {
    let script = r#"
        set -e
        mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200
        mount -t tmpfs -o mode=777 none /run && touch /run/causeway && mount --bind "$0" /run/causeway
        export HOME=/run CAUSEWAY_LAB_DIR=/run/lab
        as() { setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all "$@"; }
        as unshare --user --map-root-user --net true || { echo 'no user namespaces here'; exit 0; }
        as /run/causeway lab up
        as /run/causeway lab start tunnel gw-alpha wireguard-go -f wg0
        as /run/causeway lab exec gw-alpha sh -c 'until ip link show wg0; do sleep 0.05; done'
        as /run/causeway lab exec laptop ping -c1 -W1 203.0.113.10
        as /run/causeway lab down
        echo 'up and down'
    "#;
    if !rustix::process::geteuid().is_root() {
        return eprintln!("  every other trial was one of an ordinary user");
    }
    let output = Command::new("unshare")
        .args(["-m", "--propagation", "private", "sh", "-c", script])
        .arg(super::console::BINARY)
        .output();
    let output = output.expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    eprintln!("  {}", said.lines().last().unwrap_or_default());
}

pub fn two_beside_each_other() {
    let (one, other) = (Lab::up(), Lab::up());
    one.run("gw-alpha", "ip addr add 192.0.2.1/32 dev lo");
    assert!(!other.run("gw-alpha", "ip -4 addr show dev lo").contains("192.0.2.1"));
    one.must(&["down"], "");
    assert!(other.ping("vm-alpha", "172.16.0.2"), "the end of one is not the end of the other");
}

pub fn the_demo() {
    let console = Console::start(&[]);
    let web = console.sign_in();
    let began = Instant::now();
    assert_eq!(web.call::<LabState>("lab/get", &[]), LabState::Absent);
    web.act("lab/build", &[]);
    let (status, sentence) = web.refused("lab/build", &[]);
    assert_eq!(status, 409, "{sentence}");
    let wait = |until: &dyn Fn(&LabState) -> bool| {
        let patience = Instant::now() + Duration::from_secs(90);
        loop {
            let state = web.call::<LabState>("lab/get", &[]);
            if until(&state) {
                return state;
            }
            assert!(!matches!(state, LabState::Failed { .. }), "{state:?}\n{}", console.last_words());
            assert!(Instant::now() < patience, "{state:?}\n{}", console.last_words());
            sleep(Duration::from_millis(200));
        }
    };
    let LabState::Up { hosts } = wait(&|state| matches!(state, LabState::Up { .. })) else {
        unreachable!("waited for it")
    };
    eprintln!("  built in {:.1} s", began.elapsed().as_secs_f64());
    let enter = |name: &str| hosts.iter().find(|host| host.name == name).expect("a host of the lab").enter.clone();
    for (from, to) in
        [("vm-alpha", "10.0.0.100"), ("vm-beta", "172.16.0.100"), ("laptop", "172.16.0.100"), ("laptop", "10.0.0.100")]
    {
        // The very command that the page shows, with a shell that reads.
        let line = format!("echo 'ping -c1 -W1 {to}' | {}", enter(from));
        let patience = Instant::now() + Duration::from_secs(12);
        while !Command::new("sh").args(["-c", &line]).output().expect("a shell").status.success() {
            assert!(Instant::now() < patience, "{from} does not reach {to}");
        }
    }
    let peerings: Vec<Peering> = web.call("peerings/list", &[]);
    assert_eq!(peerings.len(), 1);
    let traffic = || -> u64 {
        let gateways: Vec<Gateway> = web.call("gateways/list", &[]);
        gateways.iter().flat_map(|gateway| &gateway.samples).map(|(received, sent)| received + sent).sum()
    };
    let (before, patience) = (traffic(), Instant::now() + Duration::from_secs(30));
    while traffic() <= before {
        assert!(Instant::now() < patience, "pings flow by themselves, and the console sees it");
        sleep(Duration::from_millis(500));
    }
    // Building what is there changes nothing but the laptop's key.
    web.act("lab/build", &[]);
    wait(&|state| matches!(state, LabState::Up { .. }));
    assert_eq!(web.call::<Vec<Vpc>>("vpcs/list", &[]).len(), 2);
    let again: Vec<Peering> = web.call("peerings/list", &[]);
    assert_eq!(again.iter().map(|peering| peering.id).collect::<Vec<_>>(), [peerings[0].id]);

    web.act("lab/remove", &[]);
    assert_eq!(wait(&|state| *state == LabState::Absent), LabState::Absent);
    assert!(web.call::<Vec<Vpc>>("vpcs/list", &[]).is_empty());
    assert!(web.call::<Vec<Gateway>>("gateways/list", &[]).is_empty());
    let log = std::fs::read_to_string(console.data().join("console.log")).unwrap_or_default();
    assert!(!log.contains("ERROR"), "{}", console.last_words());
}
