//! The hosts of the lab, their links and addresses, as data.
//!
//! ```text
//!            laptop 198.51.100.10 ── inet ── 203.0.113.10 gw-alpha 172.16.0.2 ── vm-alpha 172.16.0.100
//!                                     │
//!                              203.0.113.20 router-beta 10.0.0.1 ─┬─ gw-beta 10.0.0.2   (one interface)
//!                                                                 └─ vm-beta 10.0.0.100
//! ```
//! `gw-alpha` has two interfaces and is its VPC's way to the internet; `gw-beta` is the usual
//! cloud machine: one interface, a private address, and a public one that a router translates.

/// A host and the lines of `ip -batch` that make it what it is, once its links exist.
pub struct Host {
    pub name: &'static str,
    pub role: &'static str,
    /// What people know it by.
    pub address: &'static str,
    pub setup: &'static [&'static str],
    pub sysctl: &'static [&'static str],
    /// nft rules, if it has any from the start.
    pub nft: Option<&'static str>,
}

/// A cable: interface `left.1` of host `left.0` to interface `right.1` of host `right.0`.
pub struct Cable {
    pub left: (&'static str, &'static str),
    pub right: (&'static str, &'static str),
}

pub const ALPHA: Site =
    Site { vpc: "lab-alpha", cidr: "172.16.0.0/16", gateway: "gw-alpha", public: "203.0.113.10", egress: true };
pub const BETA: Site =
    Site { vpc: "lab-beta", cidr: "10.0.0.0/16", gateway: "gw-beta", public: "203.0.113.20", egress: false };

/// A VPC of the lab and the host that becomes its gateway.
pub struct Site {
    pub vpc: &'static str,
    pub cidr: &'static str,
    pub gateway: &'static str,
    pub public: &'static str,
    /// Whether the gateway is the VPC's way to the internet.
    pub egress: bool,
}

/// What left a site for the internet with a private address, and so should not have.
const COUNT_LEAKS: &str = "table inet lab {
    chain seen {
        type filter hook prerouting priority -300;
        iifname \"br0\" ip daddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 } counter comment \"private destination\"
        iifname \"br0\" ip saddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 } counter comment \"private source\"
    }
}
";

/// 1:1 translation, as clouds do it.
const TRANSLATE: &str = "table ip lab {
    chain in {
        type nat hook prerouting priority dstnat;
        iifname \"eth0\" ip daddr 203.0.113.20 dnat to 10.0.0.2
    }
    chain out {
        type nat hook postrouting priority srcnat;
        oifname \"eth0\" ip saddr 10.0.0.0/16 masquerade
    }
}
";

pub const HOSTS: &[Host] = &[
    Host {
        name: "inet",
        role: "the internet",
        address: "203.0.113.1",
        setup: &[
            "link add name br0 type bridge",
            "link set dev a master br0",
            "link set dev b master br0",
            "link set dev a up",
            "link set dev b up",
            "addr add 203.0.113.1/24 dev br0",
            "link set dev br0 up",
            "addr add 198.51.100.1/24 dev c",
            "link set dev c up",
        ],
        sysctl: &["net.ipv4.ip_forward=1"],
        nft: Some(COUNT_LEAKS),
    },
    Host {
        name: "gw-alpha",
        role: "gateway host of lab-alpha, two interfaces",
        address: "203.0.113.10",
        setup: &[
            "addr add 203.0.113.10/24 dev eth0",
            "link set dev eth0 up",
            "addr add 172.16.0.2/16 dev eth1",
            "link set dev eth1 up",
            "route add default via 203.0.113.1",
        ],
        sysctl: &[],
        nft: None,
    },
    Host {
        name: "vm-alpha",
        role: "instance in lab-alpha",
        address: "172.16.0.100",
        setup: &["addr add 172.16.0.100/16 dev eth0", "link set dev eth0 up", "route add default via 172.16.0.2"],
        sysctl: &[],
        nft: None,
    },
    Host {
        name: "router-beta",
        role: "router of lab-beta, translates 203.0.113.20",
        address: "203.0.113.20",
        setup: &[
            "addr add 203.0.113.20/24 dev eth0",
            "link set dev eth0 up",
            "link add name br0 type bridge",
            "link set dev g master br0",
            "link set dev v master br0",
            "link set dev g up",
            "link set dev v up",
            "addr add 10.0.0.1/16 dev br0",
            "link set dev br0 up",
            "route add default via 203.0.113.1",
        ],
        sysctl: &["net.ipv4.ip_forward=1"],
        nft: Some(TRANSLATE),
    },
    Host {
        name: "gw-beta",
        role: "gateway host of lab-beta, one interface",
        address: "10.0.0.2",
        setup: &["addr add 10.0.0.2/16 dev eth0", "link set dev eth0 up", "route add default via 10.0.0.1"],
        sysctl: &[],
        nft: None,
    },
    Host {
        name: "vm-beta",
        role: "instance in lab-beta",
        address: "10.0.0.100",
        setup: &[
            "addr add 10.0.0.100/16 dev eth0",
            "link set dev eth0 up",
            "route add default via 10.0.0.1",
            "route add 172.16.0.0/16 via 10.0.0.2",
            "route add 10.200.0.0/16 via 10.0.0.2",
        ],
        sysctl: &[],
        nft: None,
    },
    Host {
        name: "laptop",
        role: "road warrior",
        address: "198.51.100.10",
        setup: &["addr add 198.51.100.10/24 dev eth0", "link set dev eth0 up", "route add default via 198.51.100.1"],
        sysctl: &[],
        nft: None,
    },
];

pub const CABLES: &[Cable] = &[
    Cable { left: ("gw-alpha", "eth0"), right: ("inet", "a") },
    Cable { left: ("router-beta", "eth0"), right: ("inet", "b") },
    Cable { left: ("laptop", "eth0"), right: ("inet", "c") },
    Cable { left: ("vm-alpha", "eth0"), right: ("gw-alpha", "eth1") },
    Cable { left: ("gw-beta", "eth0"), right: ("router-beta", "g") },
    Cable { left: ("vm-beta", "eth0"), right: ("router-beta", "v") },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cable_ends_at_two_hosts_and_every_interface_that_is_set_up_has_one() {
        for cable in CABLES {
            for (host, interface) in [cable.left, cable.right] {
                let host = HOSTS.iter().find(|known| known.name == host).expect("a host of the lab");
                assert!(
                    host.setup.iter().any(|line| line.contains(interface)),
                    "{} does nothing with {interface}",
                    host.name
                );
            }
        }
    }
}
