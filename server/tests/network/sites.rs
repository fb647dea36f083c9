//! A site: somebody else's router, with nothing but what the console exports for it.

use app::domain::{PeerId, road_warrior::SiteExport};

use super::{
    lab::counters,
    stage::{Stage, VM_ALPHA, VM_BETA},
};

const NETWORK: &str = "192.168.88.0/24";
const BEHIND: &str = "192.168.88.1";

/// Echo requests of the site as they arrive: from its network, from its router, and all.
const SEEN: &str = r#"table inet seen {
    chain input {
        type filter hook input priority 0;
        ip saddr 192.168.88.0/24 icmp type echo-request counter
        ip saddr 10.200.1.0/24 icmp type echo-request counter
        icmp type echo-request counter
    }
}
"#;

pub fn its_export_works() {
    let (stage, alpha, _) = Stage::joined("repair");
    let (lab, web) = (&stage.lab, &stage.web);
    for vm in ["vm-alpha", "vm-beta"] {
        lab.feed(vm, "nft -f -", SEEN).expect("nft takes the counters");
    }
    lab.run("laptop", "umask 077; wg genkey >/run/key");
    let (id, key) = (alpha.to_string(), lab.run("laptop", "wg pubkey </run/key"));
    let site: PeerId = web.call(
        "peers/create-site",
        &[
            ("gateway", id.as_str()),
            ("form[name]", "site-altona"),
            ("form[public_key]", &key),
            ("form[networks]", NETWORK),
            ("form[preshared]", "on"),
        ],
    );
    let export: SiteExport = web.call("peers/export", &[("id", &site.to_string())]);
    router(&stage, &export);
    stage.in_sync(alpha);

    // The router by itself, which takes the address that the export names, and a host behind it; both ways.
    lab.reaches("laptop", VM_ALPHA);
    lab.run("laptop", &format!("ping -n -c1 -W2 -I {BEHIND} {VM_ALPHA}"));
    lab.reaches("vm-alpha", BEHIND);
    let seen = counters(&lab.run("vm-alpha", "nft list chain inet seen input"));
    assert!(seen[0] > 0 && seen[1] > 0 && seen[0] + seen[1] == seen[2], "each arrived as itself: {seen:?}");

    // Row 76: the other gateway accepts exactly two ranges from this one, so no site gets through to a peered VPC.
    let [vpc, tunnel] = ["172.16.0.0/16", "10.200.1.0/24"];
    lab.run(
        "laptop",
        &format!(
            "wg set wg0 peer $(wg show wg0 peers) allowed-ips {vpc},{tunnel},10.0.0.0/16 && ip route add 10.0.0.0/16 dev wg0"
        ),
    );
    assert!(lab.try_run("laptop", &format!("ping -n -c3 -i0.2 -W1 -I {BEHIND} {VM_BETA}")).is_err());
    let seen = counters(&lab.run("vm-beta", "nft list chain inet seen input"));
    assert_eq!(seen[0], 0, "a peered VPC takes nothing from a site: {seen:?}");
    assert_eq!(lab.leaks(), 0, "and it went nowhere else");
}

/// What its owner does: the peer section below a private key of his own, then the commands as they stand.
fn router(stage: &Stage, export: &SiteExport) {
    let lab = &stage.lab;
    lab.must(&["start", "tunnel-laptop", "laptop", "wireguard-go", "-f", "wg0"], "");
    lab.run("laptop", "until [ -S /run/wireguard/wg0.sock ]; do sleep 0.05; done");
    let key = lab.run("laptop", "cat /run/key");
    let text = export.render();
    let (section, commands) = text.split_once("\n\n").expect("the peer section, then the commands");
    let configuration = format!("[Interface]\nPrivateKey = {key}\n{section}\n");
    lab.feed("laptop", "wg setconf wg0 /dev/stdin", &configuration).expect("wg takes the section");
    lab.feed("laptop", "sh -e", commands).expect("the commands work");
    lab.run("laptop", &format!("ip address add {BEHIND}/24 dev lo"));
}
