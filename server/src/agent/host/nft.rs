//! The firewall: our own table, rendered from a document, loaded in one transaction, read back.
//!
//! The guard is the first rule of `forward`: what is private leaves for the tunnel or for
//! where this host really serves it, never for anywhere else. It stands before
//! `established`, so that a live flow whose peer was removed ends there (dataplane 1.4).
//! LAN and WAN may be one interface. There is no `input` chain: the operator's own host is
//! nobody else's business. Rules are compared as texts; what `nft -j` lists is brought into
//! the very form in which it was rendered, and anything else shows as what it is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use anyhow::{Context, Result, bail};
use app::domain::{
    Cidr,
    cidr::merge,
    peer::PeerKind,
    plan::{Chain, Firewall, Surroundings},
    tunnel::{Document, INTERFACE},
};
use serde_json::Value;

use super::command;

const TABLE: &str = "inet causeway";
const FORWARD: &str = "type filter hook forward priority 0; policy drop;";
const POST: &str = "type nat hook postrouting priority 100; policy accept;";

/// The table that a document asks for on this host; `None` for an empty document.
pub fn ruleset(document: &Document, around: &Surroundings) -> Option<Firewall> {
    let gateway = document.gateway.as_ref()?;
    let (vpc, tunnel) = (gateway.vpc, gateway.tunnel);
    let lan = around.lan.as_deref();
    let ranges = |kind: PeerKind| {
        let peers = document.peers.values().filter(move |peer| peer.kind == kind);
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
    Some(Firewall { sets, chains })
}

/// Interval sets refuse elements that overlap.
fn elements(ranges: impl IntoIterator<Item = Cidr>) -> BTreeSet<String> {
    merge(ranges).iter().map(ToString::to_string).collect()
}

/// The whole table as one transaction: the old one is gone when the new one is there, and never before.
pub fn script(firewall: &Firewall) -> String {
    let mut text = format!("table {TABLE}\ndelete table {TABLE}\ntable {TABLE} {{\n");
    for (name, elements) in &firewall.sets {
        let _ = writeln!(text, "  set {name} {{\n    type ipv4_addr; flags interval;");
        if !elements.is_empty() {
            let elements: Vec<&str> = elements.iter().map(String::as_str).collect();
            let _ = writeln!(text, "    elements = {{ {} }}", elements.join(", "));
        }
        text.push_str("  }\n");
    }
    for (name, chain) in &firewall.chains {
        let _ = writeln!(text, "  chain {name} {{\n    {}", chain.hook);
        for rule in &chain.rules {
            let _ = writeln!(text, "    {rule}");
        }
        text.push_str("  }\n");
    }
    text.push_str("}\n");
    text
}

/// Our table as the kernel has it; `None` if there is none.
pub async fn read_table() -> Result<Option<Firewall>> {
    let said = command::run("nft", &["-j", "list", "table", "inet", "causeway"], b"").await?;
    if said.success {
        let listing = serde_json::from_slice(&said.stdout).context("nft -j wrote something that is not JSON")?;
        return Ok(Some(canonical(&listing)));
    }
    if said.stderr.contains("No such file or directory") {
        return Ok(None);
    }
    bail!("nft cannot list table {TABLE}: {}", said.stderr.lines().next().unwrap_or("it did not say why"))
}

pub async fn ensure_table(firewall: &Firewall) -> Result<()> {
    load(script(firewall)).await
}

pub async fn remove_table() -> Result<()> {
    load(format!("table {TABLE}\ndelete table {TABLE}\n")).await
}

async fn load(script: String) -> Result<()> {
    let said = command::run("nft", &["-f", "-"], script.as_bytes()).await?;
    if !said.success {
        bail!("nft refused the firewall: {}", said.stderr.lines().next().unwrap_or("it did not say why"));
    }
    Ok(())
}

/// What `nft -j` lists, in the form of [`ruleset`].
pub fn canonical(listing: &Value) -> Firewall {
    let mut firewall = Firewall::default();
    for object in listing["nftables"].as_array().into_iter().flatten() {
        let name = |object: &Value, key: &str| object[key].as_str().unwrap_or_default().to_owned();
        if let Some(set) = object.get("set") {
            let elements = set["elem"].as_array().into_iter().flatten().map(element).collect();
            firewall.sets.insert(name(set, "name"), elements);
        } else if let Some(chain) = object.get("chain") {
            firewall.chains.entry(name(chain, "name")).or_default().hook = hook(chain);
        } else if let Some(rule) = object.get("rule") {
            firewall.chains.entry(name(rule, "chain")).or_default().rules.push(rule_text(rule));
        } else if object.get("metainfo").is_none() && object.get("table").is_none() {
            // A map, a counter, a flow table: nothing that we made.
            firewall.sets.insert(object.to_string(), BTreeSet::new());
        }
    }
    firewall
}

fn hook(chain: &Value) -> String {
    let text = |key: &str| chain[key].as_str().unwrap_or_default();
    let priority = chain["prio"].as_i64().unwrap_or_default();
    format!("type {} hook {} priority {priority}; policy {};", text("type"), text("hook"), text("policy"))
}

fn element(value: &Value) -> String {
    match range(value) {
        Some(text) if text.contains(['/', '-']) => text,
        Some(address) => format!("{address}/32"),
        None => value.to_string(),
    }
}

/// An address, a prefix or a range.
fn range(value: &Value) -> Option<String> {
    if let Some(prefix) = value.get("prefix") {
        return Some(format!("{}/{}", prefix["addr"].as_str()?, prefix["len"].as_u64()?));
    }
    if let Some([first, last]) = value.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        return Some(format!("{}-{}", first.as_str()?, last.as_str()?));
    }
    value.as_str().map(str::to_owned)
}

fn rule_text(rule: &Value) -> String {
    let expressions = rule["expr"].as_array().into_iter().flatten();
    expressions
        .map(|expression| expression_text(expression).unwrap_or_else(|| expression.to_string()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// `None`: nothing that we ever render.
fn expression_text(expression: &Value) -> Option<String> {
    let (kind, value) = expression.as_object()?.iter().next()?;
    match kind.as_str() {
        "accept" | "drop" | "masquerade" if value.is_null() => Some(kind.clone()),
        "match" => {
            let left = left_text(&value["left"])?;
            let right = right_text(&left, &value["right"])?;
            match value["op"].as_str()? {
                "==" | "in" => Some(format!("{left} {right}")),
                operator => Some(format!("{left} {operator} {right}")),
            }
        }
        "mangle" => {
            let option = &value["key"]["tcp option"];
            let clamps =
                option["name"] == "maxseg" && option["field"] == "size" && value["value"]["rt"]["key"] == "mtu";
            clamps.then(|| "tcp option maxseg size set rt mtu".to_owned())
        }
        _ => None,
    }
}

fn left_text(left: &Value) -> Option<String> {
    if let Some(payload) = left.get("payload") {
        return Some(format!("{} {}", payload["protocol"].as_str()?, payload["field"].as_str()?));
    }
    if let Some(meta) = left.get("meta") {
        return Some(meta["key"].as_str()?.to_owned());
    }
    Some(format!("ct {}", left.get("ct")?["key"].as_str()?))
}

fn right_text(left: &str, right: &Value) -> Option<String> {
    let quoted = |text: String| if left.ends_with("ifname") { format!("{text:?}") } else { text };
    let list = right.as_array().or_else(|| right.get("set").and_then(Value::as_array));
    let Some(list) = list else { return range(right).map(quoted) };
    let mut texts = list.iter().map(|value| range(value).map(&quoted)).collect::<Option<Vec<String>>>()?;
    texts.sort();
    Some(if left.starts_with("ct ") { texts.join(",") } else { format!("{{ {} }}", texts.join(", ")) })
}

#[cfg(test)]
#[path = "nft_tests.rs"]
mod tests;
