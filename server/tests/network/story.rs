//! The main job of the product, from two empty VPCs to none.

use std::{collections::BTreeSet, net::Ipv4Addr};

use app::domain::{
    Cidr,
    gateway::{ConfigSync, GatewayStatus},
    peer::PeerKind,
    peering::PeeringState,
};

use super::{
    lab::{Lab, counters},
    stage::{ALPHA, BETA, Stage, VM_ALPHA, VM_BETA},
};

/// Echo requests as they arrive at B's instance, by who sent them; the last counts all.
const SEEN_BY_BETA: &str = r#"table inet seen {
    chain input {
        type filter hook input priority 0;
        ip saddr 172.16.0.100 icmp type echo-request counter
        ip saddr 10.200.1.0/24 icmp type echo-request counter
        icmp type echo-request counter
    }
}
"#;

pub fn by_its_socket() {
    two_vpcs_are_joined_and_parted("uapi");
}

pub fn by_its_tool() {
    two_vpcs_are_joined_and_parted("wg");
}

fn two_vpcs_are_joined_and_parted(wireguard: &str) {
    let stage = Stage::with(&[], Lab::with(wireguard));
    let (lab, web) = (&stage.lab, &stage.web);
    lab.feed("vm-beta", "nft -f -", SEEN_BY_BETA).expect("nft takes the counters");
    let forwarded_before = forwarding(lab);

    // Rows 68 and 82: active once an agent was in contact, and nothing is joined before.
    let (alpha, beta) = (stage.gateway(&ALPHA, "repair"), stage.gateway(&BETA, "repair"));
    assert_eq!(stage.read(alpha).status, GatewayStatus::Provisioning);
    let (a, b) = (alpha.to_string(), beta.to_string());
    let (status, sentence) = web.refused("peerings/create", &[("gateway", &a), ("remote", &b)]);
    assert_eq!(status, 409, "{sentence}");
    assert!(sentence.contains("has no host yet"), "{sentence}");
    stage.enrol(&ALPHA, alpha);
    stage.enrol(&BETA, beta);
    assert_eq!(stage.in_sync(alpha).private_address, Some(Ipv4Addr::new(172, 16, 0, 2)));
    let shown = stage.in_sync(beta);
    assert_eq!(shown.private_address, Some(Ipv4Addr::new(10, 0, 0, 2)));
    assert_eq!(serde_json::to_value(shown.host.expect("facts").wireguard).expect("a word"), wireguard);

    let laptop = stage.laptop(alpha);
    lab.reaches("laptop", VM_ALPHA);
    lab.never_reaches("vm-alpha", VM_BETA);
    lab.never_reaches("vm-beta", VM_ALPHA);
    assert_eq!(lab.leaks(), 0, "what is private stays, also before there is a way");

    // Rows 70, 78, 79 and 89: one click, both hosts, no other step.
    let pair = stage.join(alpha, beta);
    lab.reaches("vm-alpha", VM_BETA);
    lab.reaches("vm-beta", VM_ALPHA);
    each_side_has_the_others_keys_and_networks(&stage, lab);
    let (on_alpha, on_beta) = (stage.peers(alpha), stage.peers(beta));
    for (rows, tunnel) in [(&on_alpha, ALPHA.tunnel), (&on_beta, BETA.tunnel)] {
        let row = rows.iter().find(|peer| peer.kind == PeerKind::VpcPeering).expect("row 89: visible on both gateways");
        assert_eq!(row.pair, Some(pair));
        assert!(row.name.as_str().starts_with("vpc-peering-"), "row 85: {}", row.name);
        let tunnel: Cidr = tunnel.parse().expect("a range");
        assert!(
            tunnel.contains(row.tunnel_address),
            "row 74: {} is an address of this gateway's own subnet",
            row.tunnel_address
        );
    }
    let addresses: BTreeSet<_> = on_alpha.iter().chain(&on_beta).map(|peer| peer.tunnel_address).collect();
    assert_eq!(addresses.len(), on_alpha.len() + on_beta.len(), "row 74: no address twice");

    // Row 84: the file, made anew, has the peered range, and reaches both.
    let facts = stage.load_laptop(laptop);
    assert!(facts.allowed_ips.contains(&BETA.cidr.parse().expect("a range")), "row 84: {:?}", facts.allowed_ips);
    lab.reaches("laptop", VM_ALPHA);
    lab.reaches("laptop", VM_BETA);
    lab.never_reaches("vm-beta", &facts.address.to_string());

    // Row 80: B sees who it was.
    let seen = counters(&lab.run("vm-beta", "nft list chain inet seen input"));
    assert!(seen[0] > 0 && seen[1] > 0, "row 80: both arrived as themselves: {seen:?}");
    assert_eq!(seen[0] + seen[1], seen[2], "row 80: nobody arrived as somebody else: {seen:?}");
    lab.run("vm-alpha", &format!("ping -c1 -W2 -M do -s 1372 {VM_BETA}"));

    the_console_tells_of_sessions_and_traffic(&stage, alpha, beta);

    // Row 86: deleted on B's side, gone on both, in the middle of a flow.
    let flow = lab.pings("vm-alpha", VM_BETA, 0.1, 60);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let row = on_beta.iter().find(|peer| peer.pair == Some(pair)).expect("just seen").id.to_string();
    web.act("peers/delete", &[("gateway", &b), ("id", &row)]);
    let answered = flow.answered();
    assert!((5..25).contains(&answered), "row 86: the live flow was cut, {answered} of 60 answered");
    assert!(stage.peerings().is_empty(), "row 86: both rows are gone");
    assert!(stage.peers(alpha).iter().all(|peer| peer.pair.is_none()) && stage.peers(beta).is_empty());
    stage.in_sync(alpha);
    stage.in_sync(beta);
    lab.never_reaches("vm-alpha", VM_BETA);
    lab.never_reaches("vm-beta", VM_ALPHA);
    lab.never_reaches("laptop", VM_BETA);
    lab.reaches("laptop", VM_ALPHA);
    assert_eq!(lab.leaks(), 0, "nothing private left for the internet");

    // Row 87: with a gateway go its peerings, and its host is as it was.
    stage.join(alpha, beta);
    lab.reaches("vm-alpha", VM_BETA);
    web.act("gateways/delete", &[("id", &b)]);
    assert!(stage.peers(alpha).iter().all(|peer| peer.pair.is_none()), "row 87: the remote list has it no longer");
    host_is_clean(lab, BETA.host);
    assert_eq!(forwarding(lab), [String::from("1"), forwarded_before[1].clone()], "the setting is as it was before");
    let gateways: Vec<app::domain::gateway::Gateway> = web.call("gateways/list", &[]);
    assert_eq!(
        gateways.iter().map(|gateway| gateway.id).collect::<Vec<_>>(),
        [alpha],
        "the host told that it is clean"
    );
    stage.in_sync(alpha);
    lab.never_reaches("vm-alpha", VM_BETA);
    assert_eq!(lab.leaks(), 0);
}

/// Row 87, when the host is away: the other side need not wait for it, and it need not be told twice.
pub fn deleted_while_its_agent_is_away() {
    let (mut stage, alpha, beta) = Stage::joined("repair");
    let joined = stage.read(alpha).wanted;
    stage.kill_agent(BETA.host);
    stage.web.act("gateways/delete", &[("id", &beta.to_string())]);
    let shown = stage.shows(alpha, 20, "parted", |shown| shown.sync == ConfigSync::InSync && shown.wanted > joined);
    assert!(stage.peers(alpha).is_empty());
    stage.lab.never_reaches("vm-alpha", VM_BETA);
    stage.lab.never_reaches("vm-beta", VM_ALPHA);
    assert_eq!(stage.read(beta).status, GatewayStatus::Deleting, "its host has not cleaned up yet");
    let sides = [("gateway", alpha.to_string()), ("remote", beta.to_string())];
    stage.web.refused("peerings/create", &sides.each_ref().map(|(name, value)| (*name, value.as_str())));
    stage.console.kill();
    stage.console.begin();
    stage.start_agent(BETA.host, "");
    host_is_clean(&stage.lab, BETA.host);
    let gateways: Vec<app::domain::gateway::Gateway> = stage.web.call("gateways/list", &[]);
    assert_eq!(gateways.iter().map(|gateway| gateway.id).collect::<Vec<_>>(), [alpha], "and then it is gone");
    assert_eq!(stage.in_sync(alpha).wanted, shown.wanted);
    assert_eq!(stage.lab.leaks(), 0);
}

fn forwarding(lab: &Lab) -> [String; 2] {
    [ALPHA.host, BETA.host].map(|host| lab.run(host, "cat /proc/sys/net/ipv4/ip_forward"))
}

/// Rows 73, 75, 76, 77 and 79, as the hosts' own tools tell them.
fn each_side_has_the_others_keys_and_networks(stage: &Stage, lab: &Lab) {
    let mut shared = BTreeSet::new();
    for (here, there) in [(&ALPHA, &BETA), (&BETA, &ALPHA)] {
        let key = lab.run(there.host, "wg show wg0 public-key");
        let dump = lab.run(here.host, "wg show wg0 dump");
        let line =
            dump.lines().find(|line| line.starts_with(&key)).expect("row 73: each side has the other's public key");
        let fields: Vec<&str> = line.split('\t').collect();
        shared.insert(fields[1].to_owned());
        assert_eq!(fields[2], format!("{}:51820", there.public), "row 77: its endpoint is the other's public address");
        let ranges: BTreeSet<&str> = fields[3].split(',').collect();
        assert_eq!(ranges, BTreeSet::from([there.cidr, there.tunnel]), "row 76: exactly these two");
        assert_eq!(fields[7], "25");
        let routes = lab.run(here.host, "ip -4 route show proto 201");
        assert!(routes.contains(there.cidr) && routes.contains(there.tunnel), "row 79: {routes}");
        let others: Vec<&str> = dump.lines().skip(1).filter(|other| *other != line).collect();
        assert!(others.iter().all(|other| !other.contains(fields[1])), "row 75: each pair has a key of its own");
    }
    assert_eq!(shared.len(), 1, "row 75: both sides have the same preshared key");
    assert!(!shared.contains("(none)"), "row 75: there is one");
    assert_eq!(stage.peerings().len(), 1);
}

fn the_console_tells_of_sessions_and_traffic(
    stage: &Stage,
    alpha: app::domain::GatewayId,
    beta: app::domain::GatewayId,
) {
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(15);
    loop {
        let established = stage.peerings().iter().all(|peering| peering.state == PeeringState::Established);
        let told = [alpha, beta]
            .into_iter()
            .flat_map(|id| stage.peers(id))
            .all(|peer| peer.observed.handshake.is_some() && peer.observed.received > 0 && peer.observed.sent > 0);
        if established && told {
            break;
        }
        assert!(std::time::Instant::now() < patience, "handshakes and counters: {:?}", stage.peers(alpha));
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let shown = stage.read(alpha);
    assert_eq!((shown.sync, shown.peers, shown.peers_connected), (ConfigSync::InSync, 2, 2));
}

/// Interface, firewall, routes and the agent are gone.
fn host_is_clean(lab: &Lab, host: &str) {
    let agent = format!("agent-{host}");
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while lab.runs(&agent) {
        assert!(std::time::Instant::now() < patience, "row 87: the agent ends by itself\n{}", lab.words());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(lab.try_run(host, "ip link show wg0").is_err(), "row 87: the interface is gone");
    assert!(!lab.run(host, "nft list tables").contains("causeway"), "row 87: the firewall is gone");
    assert_eq!(lab.run(host, "ip -4 route show proto 201"), "", "row 87: the routes are gone");
}
