//! Takes one thing away at a time, by hand, on hosts that were told to ask, and looks at who is lost.
//!
//! The expectations are dataplane.md 1.2's table. What the agent watches is named in the console
//! within five seconds; Apply puts it back.

use std::time::{Duration, Instant};

use app::domain::GatewayId;

use super::stage::Stage;

/// A to B, B to A, road warrior to A, road warrior to B.
type Ways = [bool; 4];
const ALL: Ways = [true; 4];

struct Case {
    what: &'static str,
    host: &'static str,
    take: &'static str,
    left: Ways,
    after: After,
}

enum After {
    /// The console names a subject and a part of the field, and Apply puts it right.
    Drift(&'static str, &'static str),
    /// Nobody's but the operator's: how he puts it back.
    ByHand(&'static str),
}

use After::{ByHand, Drift};

/// Deletes the rule of `forward` that has this text.
macro_rules! without_rule {
    ($text:literal) => {
        concat!(
            "set -e; handle=$(nft -a list chain inet causeway forward | grep -F '",
            $text,
            "' | sed 's/.*# handle //'); test -n \"$handle\"; nft delete rule inet causeway forward handle $handle"
        )
    };
}

/// `$other` is the other gateway's public key on this host.
const CASES: [Case; 15] = [
    Case { what: "nothing", host: "gw-alpha", take: "true", left: ALL, after: ByHand("true") },
    Case {
        what: "A forwards nothing",
        host: "gw-alpha",
        take: "sysctl -qw net.ipv4.ip_forward=0",
        left: [false; 4],
        after: Drift("sysctl", "net/ipv4/ip_forward"),
    },
    Case {
        what: "B forwards nothing",
        host: "gw-beta",
        take: "sysctl -qw net.ipv4.ip_forward=0",
        left: [false, false, true, false],
        after: Drift("sysctl", "net/ipv4/ip_forward"),
    },
    Case {
        what: "A has no route to B's VPC",
        host: "gw-alpha",
        take: "ip route del 10.0.0.0/16 dev wg0",
        left: [false, false, true, false],
        after: Drift("route", "10.0.0.0/16"),
    },
    Case {
        what: "B has no route to A's tunnel subnet",
        host: "gw-beta",
        take: "ip route del 10.200.1.0/24 dev wg0",
        left: [true, true, true, false],
        after: Drift("route", "10.200.1.0/24"),
    },
    Case {
        what: "B's AllowedIPs of A are without A's tunnel subnet",
        host: "gw-beta",
        take: "wg set wg0 peer $(wg show wg0 peers) allowed-ips 172.16.0.0/16",
        left: [true, true, true, false],
        after: Drift("peer", "allowed_ips"),
    },
    Case {
        what: "B's instance has no route back to VPC A",
        host: "vm-beta",
        take: "ip route del 172.16.0.0/16",
        left: [false, false, true, true],
        after: ByHand("ip route add 172.16.0.0/16 via 10.0.0.2"),
    },
    Case {
        what: "B's instance has no route back to the tunnel subnets",
        host: "vm-beta",
        take: "ip route del 10.200.0.0/16",
        left: [true, true, true, false],
        after: ByHand("ip route add 10.200.0.0/16 via 10.0.0.2"),
    },
    Case {
        what: "the road warrior has no route to VPC B",
        host: "laptop",
        take: "ip route del 10.0.0.0/16 dev wg0",
        left: [true, true, true, false],
        after: ByHand("ip route add 10.0.0.0/16 dev wg0 proto static"),
    },
    Case {
        what: "the road warrior's AllowedIPs are without VPC B",
        host: "laptop",
        take: "wg set wg0 peer $(wg show wg0 peers) allowed-ips 172.16.0.0/16,10.200.1.0/24",
        left: [true, true, true, false],
        after: ByHand("wg set wg0 peer $(wg show wg0 peers) allowed-ips 172.16.0.0/16,10.200.1.0/24,10.0.0.0/16"),
    },
    Case {
        what: "A has no hairpin rule",
        host: "gw-alpha",
        take: without_rule!(r#"iifname "wg0" oifname "wg0" ip saddr 10.200.1.0/24"#),
        left: [true, true, true, false],
        after: Drift("firewall", "oifname \"wg0\" ip saddr 10.200.1.0/24"),
    },
    Case {
        what: "B's set of peered networks is empty",
        host: "gw-beta",
        take: "nft flush set inet causeway peered",
        left: [false, false, true, false],
        after: Drift("firewall", "set peered"),
    },
    Case {
        what: "B's set of peered networks is without A's tunnel subnet",
        host: "gw-beta",
        take: "nft delete element inet causeway peered '{ 10.200.1.0/24 }'",
        left: [true, true, true, false],
        after: Drift("firewall", "set peered: 10.200.1.0/24"),
    },
    Case {
        what: "A has no peer B",
        host: "gw-alpha",
        take: "wg set wg0 peer $(wg show wg0 allowed-ips | grep 10.0.0.0/16 | cut -f1) remove",
        left: [false, false, true, false],
        after: Drift("peer", ""),
    },
    Case {
        what: "the reverse path is checked strictly on A",
        host: "gw-alpha",
        take: "sysctl -qw net.ipv4.conf.wg0.rp_filter=1 net.ipv4.conf.eth1.rp_filter=1",
        left: ALL,
        after: Drift("sysctl", "net/ipv4/conf/wg0/rp_filter"),
    },
];

pub fn each_line_of_the_table() {
    let (stage, alpha, beta) = Stage::joined("ask");
    stage.laptop(alpha);
    stage.lab.reaches("laptop", super::stage::VM_BETA);
    let mut slowest = Duration::ZERO;
    for case in &CASES {
        let leaked = stage.lab.leaks();
        // A flow that is under way: what was established goes nowhere else either.
        let flow = stage.lab.pings("vm-alpha", super::stage::VM_BETA, 0.1, 15);
        std::thread::sleep(Duration::from_millis(250));
        stage.lab.run(case.host, case.take);
        let taken = Instant::now();
        let gateway = if case.host == "gw-beta" { beta } else { alpha };
        if let Drift(subject, field) = case.after {
            seen(&stage, gateway, case.what, subject, field);
            slowest = slowest.max(taken.elapsed());
        }
        expect(&stage, case.what, case.left);
        assert!(flow.answered() > 0, "{}: it was open before", case.what);
        match case.after {
            Drift(..) => {
                // Nobody repaired it: asking is asking.
                assert!(!stage.read(gateway).drift.is_empty(), "{}: it was not asked for", case.what);
                assert_eq!(stage.lab.leaks(), leaked, "{}: something private left for the internet", case.what);
                stage.web.act("gateways/repair", &[("id", &gateway.to_string())]);
                stage.shows(gateway, 15, "put right", |shown| shown.drift.is_empty() && shown.verified == shown.wanted);
            }
            ByHand(line) => drop(stage.lab.run(case.host, line)),
        }
        expect(&stage, &format!("{}, put right", case.what), ALL);
    }
    eprintln!("  the slowest difference was named after {:.1} s", slowest.as_secs_f64());
}

fn seen(stage: &Stage, gateway: GatewayId, what: &str, subject: &str, field: &str) {
    let began = Instant::now();
    while !stage.read(gateway).drift.iter().any(|drift| drift.subject == subject && drift.field.contains(field)) {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{what}: not named within 5 s; the console tells of {:?}",
            stage.read(gateway).drift
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What is lost is lost at the first try; what passes may need a handshake first.
fn expect(stage: &Stage, what: &str, expected: Ways) {
    let began = Instant::now();
    let mut open = stage.ways();
    while open.iter().zip(expected).any(|(open, expected)| expected && !open)
        && began.elapsed() < Duration::from_secs(20)
    {
        let again = stage.ways();
        open.iter_mut().zip(again).for_each(|(open, again)| *open |= again);
    }
    assert_eq!(open, expected, "{what}: A to B, B to A, road warrior to A, road warrior to B\n{}", stage.lab.words());
}
