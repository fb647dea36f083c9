//! Differences on live hosts: repaired, told, remembered; and agents that say nothing.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use app::domain::{
    GatewayId,
    change::Change,
    gateway::{ConfigSync, GatewayStatus},
};

use super::{
    console::PROJECT,
    lab::Lab,
    stage::{ALPHA, BETA, Stage, VM_ALPHA, VM_BETA},
};

/// With the policy to repair, each is put right without anybody asking.
pub fn repaired_by_itself() {
    let (stage, alpha, beta) = Stage::joined("repair");
    let delete_hairpin = "set -e; handle=$(nft -a list chain inet causeway forward | grep -F 'iifname \"eth1\" oifname \"wg0\" ip saddr 172.16.0.0/16 ip daddr @peered' | sed 's/.*# handle //'); test -n \"$handle\"; nft delete rule inet causeway forward handle $handle";
    for (what, gateway, host, line) in [
        ("a removed peer", alpha, "gw-alpha", "wg set wg0 peer $(wg show wg0 peers) remove"),
        ("a removed peer on the other side", beta, "gw-beta", "wg set wg0 peer $(wg show wg0 peers) remove"),
        ("a foreign route that shadows", alpha, "gw-alpha", "ip route add 10.0.0.0/24 via 203.0.113.1"),
        ("a black hole that shadows", beta, "gw-beta", "ip route add blackhole 172.16.0.0/24"),
        ("a deleted rule", alpha, "gw-alpha", delete_hairpin),
        ("a rule that was added first", alpha, "gw-alpha", "nft insert rule inet causeway forward drop"),
        ("a deleted table", beta, "gw-beta", "nft delete table inet causeway"),
        ("an interface that is down", beta, "gw-beta", "ip link set wg0 down"),
        ("a switched off sysctl", alpha, "gw-alpha", "sysctl -qw net.ipv4.ip_forward=0"),
    ] {
        assert!(stage.lab.ping("vm-alpha", VM_BETA) || stage.lab.ping("vm-alpha", VM_BETA), "before {what}");
        let before = newest(&stage);
        stage.lab.run(host, line);
        let began = Instant::now();
        // A removed peer's other side may hold its dead session for 15 s.
        while !stage.lab.ping("vm-alpha", VM_BETA) {
            assert!(began.elapsed() < Duration::from_secs(25), "{what} is not repaired\n{}", stage.lab.words());
        }
        let healed = began.elapsed();
        told(&stage, gateway, before, what);
        let shown =
            stage.shows(gateway, 10, "in sync", |shown| shown.sync == ConfigSync::InSync && shown.drift.is_empty());
        assert_eq!(shown.status, GatewayStatus::Active);
        eprintln!("  {what}: carries again after {:.1} s", healed.as_secs_f64());
    }
    assert_eq!(stage.lab.leaks(), 0, "and nothing private left meanwhile");
}

fn changes(stage: &Stage, object: Option<GatewayId>) -> Vec<Change> {
    let filter = serde_json::json!({
        "object": object.map(|id| id.to_string()), "kind": null, "actor": null, "before": null, "limit": 50,
    });
    let answer = stage
        .web
        .send_json("changes/list", &serde_json::json!({ "project": PROJECT, "filter": filter }))
        .expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).expect("changes")
}

fn newest(stage: &Stage) -> u64 {
    changes(stage, None).iter().map(|change| change.seq).max().unwrap_or(0)
}

/// Waits for an entry of the event log about this gateway.
fn told(stage: &Stage, gateway: GatewayId, after: u64, what: &str) {
    let patience = Instant::now() + Duration::from_secs(8);
    while !changes(stage, Some(gateway)).iter().any(|change| change.seq > after) {
        assert!(Instant::now() < patience, "the event log tells of {what}");
        sleep(Duration::from_millis(200));
    }
}

/// Another program has the port: the console shows what the kernel says and what to do, and nothing else is lost.
pub fn a_taken_port() {
    const READY: &str = "for i in $(seq 100); do wg show wg9 >/dev/null 2>&1 && break; sleep 0.05; done";
    let stage = Stage::new();
    let refused = |gateway: GatewayId, port: u16| {
        let shown = stage.shows(gateway, 20, "refused", |shown| shown.apply_error.is_some());
        let error = shown.apply_error.expect("just seen");
        assert_eq!((shown.status, shown.sync), (GatewayStatus::Error, ConfigSync::Failed), "{error}");
        for part in
            [format!("UDP port {port} is taken by another program"), "Address already in use".into(), "Stop it".into()]
        {
            assert!(error.contains(&part), "{part} in {error}");
        }
    };
    let take = |port: u16| {
        stage.lab.must(&["start", "thief", "gw-alpha", "wireguard-go", "-f", "wg9"], "");
        stage.lab.run("gw-alpha", &format!("{READY}; wg set wg9 listen-port {port} && ip link set wg9 up"));
    };
    take(51820);
    let alpha = stage.gateway(&ALPHA, "repair");
    stage.enrol(&ALPHA, alpha);
    refused(alpha, 51820);
    stage.lab.must(&["stop", "thief", "--hard"], "");
    stage.in_sync(alpha);

    // A gateway that is to move to a port that is taken stays where it is, and so do its sessions.
    let beta = stage.gateway(&BETA, "repair");
    stage.enrol(&BETA, beta);
    stage.in_sync(beta);
    stage.join(alpha, beta);
    stage.lab.reaches("vm-alpha", VM_BETA);
    take(51999);
    let move_to = |port: &str| {
        let id = alpha.to_string();
        let fields = [
            ("id", id.as_str()),
            ("form[public_address]", ALPHA.public),
            ("form[internet_egress]", "on"),
            ("form[listen_port]", port),
        ];
        stage.web.act("gateways/update", &fields);
    };
    move_to("51999");
    refused(alpha, 51999);
    assert!(stage.lab.ping("vm-alpha", VM_BETA) && stage.lab.ping("vm-beta", VM_ALPHA), "nothing is cut");
    stage.lab.must(&["stop", "thief", "--hard"], "");
    stage.in_sync(alpha);
    assert_eq!(stage.lab.run("gw-alpha", "wg show wg0 listen-port"), "51999", "it is taken when it is free");
}

pub fn a_dead_wireguard() {
    let (stage, alpha, _) = Stage::joined("ask");
    let killed = "for f in /proc/[0-9]*; do [ \"$(readlink $f/ns/net)\" = \"$(readlink /proc/self/ns/net)\" ] && [ \"$(cat $f/comm)\" = wireguard-go ] && kill -9 ${f#/proc/}; done; true";
    stage.lab.run("gw-alpha", killed);
    let began = Instant::now();
    while !stage.lab.ping("vm-alpha", VM_BETA) {
        assert!(began.elapsed() < Duration::from_secs(30), "WireGuard is not back\n{}", stage.lab.words());
    }
    eprintln!("  carries again after {:.1} s", began.elapsed().as_secs_f64());
    stage.in_sync(alpha);
}

/// The last document is on the host's own disk.
pub fn without_its_console() {
    let (mut stage, alpha, _) = Stage::joined("repair");
    stage.console.kill();
    stage.kill_agent(ALPHA.host);
    assert!(stage.lab.ping("vm-alpha", VM_BETA), "tunnels need neither console nor agent");
    // What a reboot takes: the interface and with it the peers and routes, the firewall, the settings.
    stage.lab.run("gw-alpha", "ip link del wg0; nft delete table inet causeway; sysctl -qw net.ipv4.ip_forward=0");
    assert!(!stage.lab.ping("vm-alpha", VM_BETA));
    stage.start_agent(ALPHA.host, "");
    let began = Instant::now();
    while !stage.lab.ping("vm-alpha", VM_BETA) {
        assert!(began.elapsed() < Duration::from_secs(25), "the host comes back by itself\n{}", stage.lab.words());
    }
    eprintln!("  carries again after {:.1} s", began.elapsed().as_secs_f64());
    assert_eq!(stage.lab.leaks(), 0);
    stage.console.begin();
    stage.in_sync(alpha);
}

pub fn first_seen() {
    let (stage, alpha, _) = Stage::joined("ask");
    stage.lab.run("gw-alpha", "ip route del 10.200.2.0/24 dev wg0");
    let since = |field: &str, seconds: u64| {
        let shown = stage.shows(alpha, seconds, field, |shown| shown.drift.iter().any(|drift| drift.field == field));
        assert_eq!((shown.status, shown.sync), (GatewayStatus::Active, ConfigSync::Drift));
        shown.drift.into_iter().find(|drift| drift.field == field).expect("just seen").since
    };
    let first = since("10.200.2.0/24", 5);
    // Three readings and a report later, beside another one.
    stage.lab.run("gw-alpha", "sysctl -qw net.ipv4.conf.all.send_redirects=1");
    let other = since("net/ipv4/conf/all/send_redirects", 5);
    assert!(other > first, "{other:?} is when the second one was seen, after {first:?}");
    sleep(Duration::from_secs(6));
    assert_eq!(since("10.200.2.0/24", 1), first, "seen first is seen first");
    // A change of something else neither repairs it nor forgets when it was seen.
    let wanted = stage.read(alpha).wanted;
    let key = server::agent::host::key::PrivateKey::random().public().to_string();
    let _: app::domain::PeerId = stage.web.call(
        "peers/create-road-warrior",
        &[("gateway", &alpha.to_string()), ("name", "tourist"), ("public_key", &key)],
    );
    stage.shows(alpha, 10, "one generation further", |shown| shown.applied > wanted);
    sleep(Duration::from_secs(3));
    assert_eq!(since("10.200.2.0/24", 5), first, "nor does a new generation change that");
    stage.web.act("gateways/repair", &[("id", &alpha.to_string())]);
    stage.in_sync(alpha);
}

pub fn row_68_a_silent_agent() {
    let stage = Stage::with(&["--agent-silent-after", "15"], Lab::up());
    let (alpha, beta) = stage.gateways("repair");
    stage.join(alpha, beta);
    stage.lab.reaches("vm-alpha", VM_BETA);
    stage.kill_agent(ALPHA.host);
    let silenced = Instant::now();
    let shown = stage
        .shows(alpha, 40, "silent", |shown| shown.status == GatewayStatus::Error && shown.sync == ConfigSync::Silent);
    assert!(silenced.elapsed() >= Duration::from_secs(9), "not before its time");
    assert!(shown.last_seen.is_some());
    assert!(stage.lab.ping("vm-alpha", VM_BETA), "the tunnels need no agent");
    assert_eq!(stage.read(beta).status, GatewayStatus::Active, "only the silent one");
    let noted = |status: &str| {
        let word = status.to_owned();
        let patience = Instant::now() + Duration::from_secs(15);
        while !changes(&stage, Some(alpha))
            .first()
            .is_some_and(|change| change.after.values().any(|value| *value == word))
        {
            assert!(
                Instant::now() < patience,
                "the event log tells of {status}: {:?}",
                changes(&stage, Some(alpha)).first()
            );
            sleep(Duration::from_millis(200));
        }
    };
    noted("Error");
    stage.start_agent(ALPHA.host, "");
    stage.in_sync(alpha);
    noted("Active");
}
