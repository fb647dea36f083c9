//! The agent's hands on a real host: WireGuard, nft, routes and sysctls in a network namespace of its own.
//!
//! Each trial is this program again, in new network, mount and process namespaces, as an
//! ordinary user with CAP_NET_ADMIN and nothing else; when it ends, the kernel takes
//! everything away. Skipped where that is not possible; `DATAPLANE_E2E=require` turns a
//! skip into a failure.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    future::Future,
    net::Ipv4Addr,
    process::{Command, ExitCode, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use app::domain::{
    Cidr, PublicKey,
    host::{Delivery, HostRole, Report},
    peer::PeerKind,
    plan::{Frame, HostState, Peers, Step, Surroundings, plan, plan_change},
    tunnel::{Document, TunnelPeer, Version},
};
use libtest_mimic::{Arguments, Failed, Trial};
use server::agent::{
    self, AgentArguments,
    client::ConsoleAddress,
    host::{Host, HostChoice, Question, key::PrivateKey},
};

#[path = "agent_host/console.rs"]
mod console;
#[path = "agent_host/scene.rs"]
mod scene;

use console::Console;
use scene::{Scene, alpha, cidr, now, peer};

const TRIAL: &str = "AGENT_HOST_TRIAL";

/// What each trial does, by name. Every one runs once per way to speak to WireGuard.
const TRIALS: [(&str, Act); 9] = [
    ("row_79_routes_and_firewall_follow_from_the_document_and_read_back_as_it", |scene| Box::pin(applies(scene))),
    ("one_interface_that_is_also_the_way_to_the_internet", |scene| Box::pin(one_interface(scene))),
    ("what_was_done_by_hand_is_named_and_repaired", |scene| Box::pin(repairs(scene))),
    ("a_change_of_one_peer_leads_to_the_same_host_as_all_of_it", |scene| Box::pin(changes(scene))),
    ("a_wireguard_that_was_killed_is_started_and_told_everything_again", |scene| Box::pin(restarts(scene))),
    ("an_empty_document_leaves_nothing_behind", |scene| Box::pin(cleans(scene))),
    ("the_hosts_own_network_is_never_routed_away", |scene| Box::pin(keeps_the_host(scene))),
    ("ten_thousand_peers_are_read_back_and_one_of_them_changes_at_once", |scene| Box::pin(large(scene))),
    ("the_whole_agent_tells_of_drift_repairs_it_and_cleans_up_in_the_end", |scene| Box::pin(whole(scene))),
];

type Act = fn(Scene) -> Boxed;
type Boxed = std::pin::Pin<Box<dyn Future<Output = ()>>>;

fn main() -> ExitCode {
    if let Ok(name) = std::env::var(TRIAL) {
        return inside(&name);
    }
    let arguments = Arguments::from_args();
    let missing = missing();
    if let Some(missing) =
        missing.as_ref().filter(|_| std::env::var("DATAPLANE_E2E").is_ok_and(|value| value == "require"))
    {
        eprintln!("DATAPLANE_E2E=require, but {missing}");
        return ExitCode::FAILURE;
    }
    let trials =
        ["uapi", "wg"].into_iter().flat_map(|wireguard| TRIALS.map(move |(name, _)| format!("{wireguard}::{name}")));
    let trials = trials
        .map(|name| match &missing {
            None => Trial::test(name.clone(), move || outside(&name)),
            Some(missing) => Trial::test(format!("{name} [skipped: {missing}]"), || Ok(())).with_ignored_flag(true),
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Why this machine cannot run any of it.
fn missing() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:\t")).unwrap_or("0");
    let capabilities = u64::from_str_radix(capabilities, 16).unwrap_or_default();
    for (bit, name) in [(12, "CAP_NET_ADMIN"), (21, "CAP_SYS_ADMIN")] {
        if capabilities & (1 << bit) == 0 {
            return Some(format!("no {name}: run as root"));
        }
    }
    if OpenOptions::new().read(true).write(true).open("/dev/net/tun").is_err() {
        return Some("/dev/net/tun cannot be opened".to_owned());
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let absent = ["wg", "wireguard-go", "nft", "ip", "unshare", "setpriv"]
        .into_iter()
        .find(|tool| !path.split(':').any(|folder| std::path::Path::new(folder).join(tool).exists()));
    if let Some(tool) = absent {
        return Some(format!("{tool} is not installed"));
    }
    let allowed = Command::new("unshare").args(["-nmp", "--fork", "true"]).stderr(Stdio::null()).status();
    (!allowed.is_ok_and(|status| status.success())).then(|| "unshare -nmp is refused".to_owned())
}

/// Runs one trial in namespaces of its own.
fn outside(name: &str) -> Result<(), Failed> {
    // A user that is nobody gets a /dev/net/tun that anybody may open, as udev makes it.
    let script = r#"
        set -e
        mount -t tmpfs none /run && mkdir -m 755 /run/wireguard && touch /run/trial && mount --bind "$0" /run/trial
        user=0
        if mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200; then user=1001; fi
        chown $user /run/wireguard
        mkdir -m 777 /run/tmp; export TMPDIR=/run/tmp
        exec setpriv --reuid $user --regid $user --clear-groups --bounding-set=-all,+net_admin \
            --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin -- /run/trial
    "#;
    let this = std::env::current_exe()?;
    let output = Command::new("unshare")
        .args(["-nmp", "--propagation", "private", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script])
        .arg(this)
        .env(TRIAL, name)
        .current_dir("/")
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(String::from_utf8_lossy(&said).into_owned().into())
}

fn inside(name: &str) -> ExitCode {
    let (wireguard, name) = name.split_once("::").expect("a trial of this program");
    let trial = TRIALS.into_iter().find(|(other, _)| *other == name).expect("a trial of this program").1;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let choice = HostChoice::from_str(wireguard).expect("a way to speak to WireGuard");
    runtime.block_on(async {
        trial(Scene::new(choice)).await;
    });
    ExitCode::SUCCESS
}

fn run(line: &str) {
    let status = Command::new("sh").args(["-c", line]).status().expect("a shell");
    assert!(status.success(), "{line}");
}

async fn applies(scene: Scene) {
    let scene = scene.in_vpc("eth1");
    assert_eq!(scene.around().await, Surroundings { lan: Some("eth1".into()), wan: Some("eth0".into()) });
    let document = alpha();
    let frame = scene.frame(&document).await;
    scene.apply(&frame, &document.peers).await;
    assert_eq!(scene.differences(&frame, &document.peers).await, [""; 0]);
    // Again: nothing to do, and nothing breaks when it is done anyway.
    let all = plan(&frame, &document.peers, &HostState::default(), now());
    let again = all.into_iter().filter(|step| !matches!(step, Step::MakeInterface)).collect::<Vec<_>>();
    scene.perform(&again).await;
    assert_eq!(scene.differences(&frame, &document.peers).await, [""; 0]);
}

async fn one_interface(scene: Scene) {
    run("ip addr del 203.0.113.10/24 dev eth0");
    let scene = scene.in_vpc("eth0");
    run("ip route replace default via 172.16.0.1");
    assert_eq!(scene.around().await, Surroundings { lan: Some("eth0".into()), wan: Some("eth0".into()) });
    let mut document = alpha();
    let gateway = document.gateway.as_mut().expect("a gateway");
    (gateway.internet_egress, gateway.masquerade_vpc) = (true, true);
    let frame = scene.frame(&document).await;
    scene.apply(&frame, &document.peers).await;
    assert_eq!(scene.differences(&frame, &document.peers).await, [""; 0]);
}

async fn repairs(scene: Scene) {
    let scene = scene.in_vpc("eth1");
    let document = alpha();
    let frame = scene.frame(&document).await;
    scene.apply(&frame, &document.peers).await;
    let [beta, site] = [2, 3].map(|number| PrivateKey::from_bytes([number; 32]).public());
    for (by_hand, named) in [
        (
            "nft delete rule inet causeway forward handle $(nft -a list chain inet causeway forward | sed -n 's/.*@guarded ip daddr != @local.*handle //p')".to_owned(),
            vec![r#"firewall forward: oifname != "wg0" ip daddr @guarded ip daddr != @local drop: missing"#.to_owned()],
        ),
        ("nft delete element inet causeway peered { 10.0.0.0/16 }".into(), vec!["firewall set peered: 10.0.0.0/16: missing".into()]),
        ("nft insert rule inet causeway forward accept".into(), vec!["firewall forward: accept: present".into()]),
        (
            "nft chain inet causeway forward '{ policy accept; }'".into(),
            vec!["firewall chain forward: type filter hook forward priority 0; policy accept;".into()],
        ),
        ("nft delete table inet causeway".into(), vec!["firewall table inet causeway: missing".into()]),
        (format!("wg set wg0 peer {beta} remove"), vec![format!("peer {beta}: missing")]),
        (
            format!("wg set wg0 peer {beta} allowed-ips 10.0.0.0/16,fd00::/64 persistent-keepalive 0"),
            vec![format!("peer {beta} keepalive: 0"), format!("peer {beta} allowed_ips: 10.0.0.0/16, fd00::/64")],
        ),
        (format!("head -c 32 /dev/zero | base64 | wg set wg0 peer {beta} preshared-key /dev/stdin"), vec![format!("peer {beta} preshared_key: none")]),
        (format!("wg genpsk | wg set wg0 peer {site} preshared-key /dev/stdin"), vec![format!("peer {site} preshared_key: another")]),
        (format!("wg set wg0 peer {beta} endpoint 198.51.100.1:1"), vec![format!("peer {beta} endpoint: 198.51.100.1:1")]),
        ("wg set wg0 listen-port 51999".into(), vec!["interface wg0 listen_port: 51999".into()]),
        ("ip route del 10.0.0.0/16 dev wg0".into(), vec!["route 10.0.0.0/16: missing".into()]),
        (
            "ip route add 10.0.128.0/17 via 203.0.113.1".into(),
            vec!["route 10.0.0.0/16 shadowed: 10.0.128.0/17 via 203.0.113.1 dev eth0 proto 3".into()],
        ),
        (
            "ip route replace 10.0.0.0/16 via 203.0.113.1".into(),
            vec!["route 10.0.0.0/16: missing".into(), "route 10.0.0.0/16 shadowed: 10.0.0.0/16 via 203.0.113.1 dev eth0 proto 3".into()],
        ),
        ("ip route add blackhole 10.0.4.0/24 metric 9".into(), vec!["route 10.0.0.0/16 shadowed: 10.0.4.0/24 metric 9 proto 3".into()]),
        ("ip link set wg0 mtu 1400".into(), vec!["interface wg0 mtu: 1400".into()]),
        ("ip addr add 192.0.2.1/24 dev wg0".into(), vec!["interface wg0 address 192.0.2.1/24: present".into()]),
        ("echo 1 > /proc/sys/net/ipv4/conf/all/send_redirects".into(), vec!["sysctl net/ipv4/conf/all/send_redirects: 1".into()]),
    ] {
        run(&by_hand);
        let found = scene.differences(&frame, &document.peers).await;
        assert_eq!(found, named, "after: {by_hand}");
        scene.apply(&frame, &document.peers).await;
        assert_eq!(scene.differences(&frame, &document.peers).await, [""; 0], "not repaired: {by_hand}");
    }
    // With the link its routes are gone as well.
    run("ip link set wg0 down");
    let found = scene.differences(&frame, &document.peers).await;
    assert!(
        found.contains(&"interface wg0 link: down".to_owned())
            && found.contains(&"route 10.0.0.0/16: missing".to_owned()),
        "{found:?}"
    );
    scene.apply(&frame, &document.peers).await;
    assert_eq!(scene.differences(&frame, &document.peers).await, [""; 0]);
    // A route that does not win is nobody's business.
    run("ip route add 10.0.0.0/16 via 203.0.113.1 metric 4096");
    assert_eq!(scene.differences(&frame, &document.peers).await, [""; 0]);
}

async fn changes(scene: Scene) {
    let scene = scene.in_vpc("eth1");
    let old = alpha();
    let frame = scene.frame(&old).await;
    scene.apply(&frame, &old.peers).await;
    let mut new = old.clone();
    let warrior = PrivateKey::from_bytes([4; 32]).public();
    new.peers.get_mut(&warrior).expect("a road warrior").keepalive = 25;
    new.peers.remove(&PrivateKey::from_bytes([2; 32]).public());
    let mut moved = peer(6, PeerKind::Site, &["10.0.0.0/16"]);
    moved.preshared_key = None;
    new.peers.insert(moved.public_key, moved);
    new.gateway.as_mut().expect("a gateway").mtu = 1380;
    let next = scene.frame(&new).await;
    let change = old.change_to(&new);
    let touched: Vec<PublicKey> = change.set.iter().map(|peer| peer.public_key).chain(change.removed).collect();
    let only = |document: &Document| -> Peers {
        touched.iter().filter_map(|key| document.peers.get(key)).map(|peer| (peer.public_key, peer.clone())).collect()
    };
    scene.perform(&plan_change((&frame, &only(&old)), (&next, &only(&new)), now())).await;
    assert_eq!(scene.differences(&next, &new.peers).await, [""; 0]);
}

async fn restarts(scene: Scene) {
    let scene = scene.in_vpc("eth1");
    let document = alpha();
    let frame = scene.frame(&document).await;
    scene.apply(&frame, &document.peers).await;
    run("kill -9 $(grep -l '^wireguard-go' /proc/[0-9]*/comm | cut -d/ -f3 | head -1)");
    let deadline = Instant::now() + Duration::from_secs(5);
    // The first question may still be hung up on.
    while scene.host.read(&Question::of(HostRole::Gateway)).await.is_ok_and(|reading| reading.state.device.is_some()) {
        assert!(Instant::now() < deadline, "the interface goes with its process");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(scene.read(&frame).await.is_fresh(&frame));
    scene.apply(&frame, &document.peers).await;
    assert_eq!(scene.differences(&frame, &document.peers).await, [""; 0]);
}

async fn cleans(scene: Scene) {
    let scene = scene.in_vpc("eth1");
    let document = alpha();
    let frame = scene.frame(&document).await;
    let before = BTreeMap::from([("net/ipv4/ip_forward".to_owned(), "0".to_owned())]);
    scene.apply(&frame, &document.peers).await;
    let cleaned = Frame::cleaned(before);
    assert!(!scene.differences(&cleaned, &Peers::new()).await.is_empty());
    scene.apply(&cleaned, &Peers::new()).await;
    assert_eq!(scene.differences(&cleaned, &Peers::new()).await, [""; 0]);
    run("! ip link show wg0 2>&- && ! nft list table inet causeway 2>&- && test -z \"$(ip route show proto 201)\"");
    run("test $(cat /proc/sys/net/ipv4/ip_forward) = 0");
}

async fn keeps_the_host(scene: Scene) {
    let scene = scene.in_vpc("eth1");
    let mut document = alpha();
    // The gateway's own uplink: routing it into the tunnel would cut the host off.
    let site = peer(7, PeerKind::Site, &["203.0.113.0/24"]);
    document.peers.insert(site.public_key, site);
    let frame = scene.frame(&document).await;
    let found = scene.read(&frame).await;
    let mut failures = Vec::new();
    for step in plan(&frame, &document.peers, &found, now()) {
        failures.extend(scene.host.perform(&step).await.err().map(|error| error.to_string()));
    }
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(
        failures[0].starts_with(
            "Route 203.0.113.0/24 cannot be added: this host's own route 203.0.113.0/24 dev eth0 proto 2 is in the way."
        ),
        "{}",
        failures[0]
    );
    run("ip route get 203.0.113.1 | grep -q 'dev eth0'");
}

async fn large(scene: Scene) {
    let scene = scene.in_vpc("eth1");
    let mut document = alpha();
    document.gateway.as_mut().expect("a gateway").tunnel = cidr("10.200.0.0/16");
    for number in 0..10_000u32 {
        let mut key = [9; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 200, 2, 0)) + number);
        let warrior = TunnelPeer {
            public_key: PrivateKey::from_bytes(key).public(),
            allowed_ips: vec![Cidr::around(address, 32).expect("a host")],
            ..peer(4, PeerKind::RoadWarrior, &[])
        };
        document.peers.insert(warrior.public_key, warrior);
    }
    // The peering's tunnel subnet lies in there: not this one's subject.
    document.peers.remove(&PrivateKey::from_bytes([2; 32]).public());
    let frame = scene.frame(&document).await;
    scene.apply(&frame, &document.peers).await;
    assert_eq!(scene.differences(&frame, &document.peers).await, [""; 0]);
    let before = Instant::now();
    scene.read(&frame).await;
    let read = before.elapsed();
    let mut changed = document.peers.values().last().expect("a peer").clone();
    let old = Peers::from([(changed.public_key, changed.clone())]);
    changed.keepalive = 25;
    let new = Peers::from([(changed.public_key, changed.clone())]);
    let before = Instant::now();
    scene.perform(&plan_change((&frame, &old), (&frame, &new), now())).await;
    println!("read {read:?}, change {:?}", before.elapsed());
    assert!(
        before.elapsed() < Duration::from_millis(250),
        "a change of one peer does not cost ten thousand: {:?}",
        before.elapsed()
    );
    document.peers.insert(changed.public_key, changed);
    assert_eq!(scene.differences(&frame, &document.peers).await, [""; 0]);
}

/// The agent as it is started on a host, against a console on a socket.
async fn whole(scene: Scene) {
    let scene = scene.in_vpc("eth1");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let console = Console::listen(&path("console.sock"));
    std::fs::write(path("token"), "token").expect("written");
    let arguments = AgentArguments {
        console: ConsoleAddress::Unix(path("console.sock")),
        token_file: Some(path("token")),
        ca: None,
        state: path("state"),
        host: scene.choice.clone(),
    };
    let started = || tokio::spawn(agent::run(arguments.clone()));
    let first = started();
    let document = alpha();
    let version = |document: &Document, generation: u64| Version { epoch: 1, generation, hash: document.hash() };
    let one = version(&document, 1);
    let applied = |wanted: &Version| {
        let wanted = Some(wanted.clone());
        move |report: &Report| report.applied == wanted
    };
    let verified = |wanted: &Version| {
        let wanted = Some(wanted.clone());
        move |report: &Report| report.verified == wanted && report.drift.is_empty()
    };
    let offered = Instant::now();
    console.offer(Delivery::Full { version: one.clone(), document: document.clone() });
    console.reported(offered, "applied", applied(&one)).await;
    console.reported(offered, "verified", verified(&one)).await;

    let beta = PrivateKey::from_bytes([2; 32]).public();
    for (by_hand, subject) in [
        (format!("wg set wg0 peer {beta} remove"), "peer"),
        ("ip route replace 10.0.0.0/16 via 203.0.113.1".to_owned(), "route"),
        ("nft flush chain inet causeway forward".to_owned(), "firewall"),
    ] {
        run(&by_hand);
        let done = Instant::now();
        let seen =
            console.reported(done, &by_hand, |report| report.drift.iter().any(|drift| drift.subject == subject)).await;
        let repaired = console.reported(done + seen, "repaired", verified(&one)).await;
        assert!(
            seen < Duration::from_secs(5) && repaired < Duration::from_secs(2),
            "{by_hand}: seen {seen:?}, repaired {repaired:?}"
        );
    }

    // One peer more, as a change.
    let mut next = document.clone();
    let laptop = peer(8, PeerKind::RoadWarrior, &["10.200.1.8/32"]);
    next.peers.insert(laptop.public_key, laptop);
    let two = version(&next, 2);
    let offered = Instant::now();
    console.offer(Delivery::Changes { from: one.clone(), version: two.clone(), change: document.change_to(&next) });
    let applied = console.reported(offered, "the change", applied(&two)).await;
    let read_back = console.reported(offered, "the change, read back", verified(&two)).await;
    println!("a change is applied after {applied:?}, verified after {read_back:?}");
    assert!(applied < Duration::from_millis(500) && read_back < Duration::from_secs(2), "{applied:?} {read_back:?}");

    // WireGuard is killed; then the agent, whose host keeps its tunnels.
    run("kill -9 $(grep -l '^wireguard-go' /proc/[0-9]*/comm | cut -d/ -f3 | head -1)");
    let killed = Instant::now();
    let seen = console
        .reported(killed, "a missing interface", |report| report.drift.iter().any(|drift| drift.subject == "interface"))
        .await;
    console.reported(killed + seen, "a new WireGuard", verified(&two)).await;
    first.abort();
    let _ = first.await;
    run("wg show wg0 peers | wc -l | grep -qx 5");
    let restarted = Instant::now();
    let second = started();
    console.reported(restarted, "the last document, from disk", verified(&two)).await;

    let deleted = Instant::now();
    console.offer(Delivery::Full { version: version(&Document::empty(), 3), document: Document::empty() });
    console.reported(deleted, "a clean host", |report| report.cleaned).await;
    console.delete_gateway();
    second.await.expect("no panic").expect("a good end");
    run(
        "! ip link show wg0 2>&- && ! nft list table inet causeway 2>&- && test $(cat /proc/sys/net/ipv4/ip_forward) = 0",
    );
}
