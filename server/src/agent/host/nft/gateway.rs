//! The firewall of a gateway.
//!
//! The guard is the first rule of `forward`: what is private leaves for the tunnel or for
//! where this host really serves it, never for anywhere else. It stands before
//! `established`, so that a live flow whose peer was removed ends there (dataplane 1.4).
//! LAN and WAN may be one interface. There is no `input` chain: the operator's own host is
//! nobody else's business.

use std::collections::{BTreeMap, BTreeSet};

use app::domain::{
    Cidr,
    cidr::merge,
    peer::PeerKind,
    plan::{Chain, Firewall, Set, Surroundings},
    tunnel::{INTERFACE, Interface},
};

use super::{IPV4, Peers};

const FORWARD: &str = "type filter hook forward priority 0; policy drop;";
const POST: &str = "type nat hook postrouting priority 100; policy accept;";

pub fn ruleset(gateway: &Interface, peers: &Peers, around: &Surroundings) -> Firewall {
    let (vpc, tunnel) = (gateway.vpc, gateway.tunnel);
    let lan = around.lan.as_deref();
    let ranges = |kind: PeerKind| {
        let peers = peers.values().filter(move |peer| peer.kind == kind);
        elements(peers.flat_map(|peer| peer.allowed_ips.iter().copied()))
    };
    let sets = BTreeMap::from([
        ("guarded".to_owned(), elements(gateway.guarded.iter().copied())),
        ("local".to_owned(), elements(lan.map(|_| vpc))),
        ("peered".to_owned(), ranges(PeerKind::VpcPeering)),
        ("sites".to_owned(), ranges(PeerKind::Site)),
    ]);
    let egress = lan.zip(around.wan.as_deref()).filter(|_| gateway.internet_egress);

    let mut forward = vec![format!(r#"oifname != "{INTERFACE}" ip daddr @guarded ip daddr != @local drop"#)];
    if let Some(lan) = lan {
        forward.push(format!(r#"oifname != "{lan}" ip daddr @local drop"#));
    }
    forward.push("tcp flags syn tcp option maxseg size set rt mtu".to_owned());
    forward.push("ct state invalid drop".to_owned());
    if egress.is_some() {
        forward.push("ct state established,related accept".to_owned());
    } else {
        // Only what concerns the tunnel: when internet egress is switched off, its live flows end as well.
        forward.push(format!(r#"iifname "{INTERFACE}" ct state established,related accept"#));
        forward.push(format!(r#"oifname "{INTERFACE}" ct state established,related accept"#));
    }
    if let Some(lan) = lan {
        for remote in ["@peered", "@sites"] {
            forward.push(format!(r#"iifname "{lan}" oifname "{INTERFACE}" ip saddr {vpc} ip daddr {remote} accept"#));
            forward.push(format!(r#"iifname "{INTERFACE}" oifname "{lan}" ip saddr {remote} ip daddr {vpc} accept"#));
        }
        forward.push(format!(r#"iifname "{INTERFACE}" oifname "{lan}" ip saddr {tunnel} ip daddr {vpc} accept"#));
    }
    // A road warrior's way to a peered VPC comes in and goes out by the same interface.
    forward.push(format!(r#"iifname "{INTERFACE}" oifname "{INTERFACE}" ip saddr {tunnel} ip daddr @peered accept"#));
    if let Some((lan, wan)) = egress {
        forward.push(format!(r#"iifname "{lan}" oifname "{wan}" ip saddr {vpc} accept"#));
    }

    // The order of domain 5.6: inside the tunnel and from peered networks nothing is ever translated.
    let mut post = vec![format!(r#"oifname "{INTERFACE}" accept"#), "ip saddr @peered accept".to_owned()];
    if let Some(lan) = lan.filter(|_| gateway.masquerade_vpc) {
        post.push(format!(r#"oifname "{lan}" ip saddr {tunnel} ip daddr {vpc} masquerade"#));
        post.push(format!(r#"oifname "{lan}" ip saddr @sites ip daddr {vpc} masquerade"#));
    }
    if let Some((_, wan)) = egress {
        post.push(format!(r#"oifname "{wan}" ip saddr {vpc} ip daddr != @guarded masquerade"#));
    }
    let chain = |hook: &str, rules| Chain { hook: hook.to_owned(), rules };
    let chains =
        BTreeMap::from([("forward".to_owned(), chain(FORWARD, forward)), ("post".to_owned(), chain(POST, post))]);
    Firewall { sets, counters: BTreeSet::new(), chains }
}

/// Interval sets refuse elements that overlap.
fn elements(ranges: impl IntoIterator<Item = Cidr>) -> Set {
    Set { kind: IPV4.to_owned(), elements: merge(ranges).iter().map(ToString::to_string).collect() }
}
