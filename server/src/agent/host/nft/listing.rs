//! What `nft -j` lists, brought into the very form in which it was rendered.
//!
//! Anything that we never render shows as what it is. What a table has counted and noticed is
//! no part of its form: see [`seen`].

use std::{collections::BTreeSet, net::IpAddr};

use app::domain::{
    plan::{Firewall, Set},
    service::node::{DROPPED, NodeReport, REFUSED_SHOWN, RefusedAttempt, RuleCounter},
};
use serde_json::Value;

use super::node::{ADMITS, REFUSED};

/// In the form of [`super::ruleset`].
pub fn canonical(listing: &Value) -> Firewall {
    let mut firewall = Firewall::default();
    for object in listing["nftables"].as_array().into_iter().flatten() {
        if let Some(set) = object.get("set") {
            firewall.sets.insert(name(set, "name"), set_of(set));
        } else if let Some(counter) = object.get("counter") {
            firewall.counters.insert(name(counter, "name"));
        } else if let Some(chain) = object.get("chain") {
            firewall.chains.entry(name(chain, "name")).or_default().hook = hook(chain);
        } else if let Some(rule) = object.get("rule") {
            firewall.chains.entry(name(rule, "chain")).or_default().rules.push(rule_text(rule));
        } else if object.get("metainfo").is_none() && object.get("table").is_none() {
            // A map, a quota, a flow table: nothing that we made.
            firewall.sets.insert(object.to_string(), Set::default());
        }
    }
    firewall
}

/// What a node's table has counted, and whom it has refused lately.
pub fn seen(listing: &Value) -> NodeReport {
    let mut report = NodeReport::default();
    for object in listing["nftables"].as_array().into_iter().flatten() {
        if let Some(counter) = object.get("counter") {
            let name = name(counter, "name");
            let rule = name.strip_prefix(ADMITS).or_else(|| (name == DROPPED).then_some(DROPPED));
            let number = |key: &str| counter[key].as_u64().unwrap_or_default();
            report.counters.extend(rule.map(|rule| RuleCounter {
                rule: rule.to_owned(),
                packets: number("packets"),
                bytes: number("bytes"),
            }));
        } else if let Some(set) = object.get("set").filter(|set| name(set, "name").starts_with(REFUSED)) {
            report.refused.extend(set["elem"].as_array().into_iter().flatten().filter_map(refused));
        }
    }
    // In an order of their own, so that nothing differs where nothing happened.
    report.counters.sort_by(|a, b| a.rule.cmp(&b.rule));
    report.refused.sort_by_key(|attempt| (attempt.from, attempt.port));
    report.refused.truncate(REFUSED_SHOWN);
    report
}

fn refused(element: &Value) -> Option<RefusedAttempt> {
    let element = element.get("elem")?;
    let [from, port] = element["val"]["concat"].as_array()?.as_slice() else { return None };
    let packets = element["counter"]["packets"].as_u64().unwrap_or(1);
    Some(RefusedAttempt { from: from.as_str()?.parse().ok()?, port: port.as_u64()?.try_into().ok()?, packets })
}

fn name(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap_or_default().to_owned()
}

fn set_of(set: &Value) -> Set {
    let words = |key: &str| -> Vec<&str> {
        match &set[key] {
            Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
            word => word.as_str().into_iter().collect(),
        }
    };
    let mut kind = format!("type {};", words("type").join(" . "));
    // The kernel fills it; some versions of nft keep "dynamic" to themselves.
    let dynamic = words("flags").iter().any(|flag| matches!(*flag, "timeout" | "dynamic"));
    let flags = if dynamic { "dynamic,timeout".to_owned() } else { words("flags").join(",") };
    if !flags.is_empty() {
        kind = format!("{kind} flags {flags};");
    }
    for (key, unit) in [("size", ""), ("timeout", "s")] {
        if let Some(number) = set[key].as_u64() {
            kind = format!("{kind} {key} {number}{unit};");
        }
    }
    let elements = set["elem"].as_array().into_iter().flatten().filter(|_| !dynamic).map(element);
    Set { kind, elements: elements.collect::<BTreeSet<_>>() }
}

fn hook(chain: &Value) -> String {
    let text = |key: &str| chain[key].as_str().unwrap_or_default();
    let priority = chain["prio"].as_i64().unwrap_or_default();
    format!("type {} hook {} priority {priority}; policy {};", text("type"), text("hook"), text("policy"))
}

fn element(value: &Value) -> String {
    match range(value) {
        Some(text) => text.parse::<IpAddr>().map_or(text, |address| match address {
            IpAddr::V4(_) => format!("{address}/32"),
            IpAddr::V6(_) => format!("{address}/128"),
        }),
        None => value.to_string(),
    }
}

/// An address, a prefix, a range, a port or a word.
fn range(value: &Value) -> Option<String> {
    if let Some(prefix) = value.get("prefix") {
        return Some(format!("{}/{}", plain(&prefix["addr"])?, prefix["len"].as_u64()?));
    }
    if let Some([first, last]) = value.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        return Some(format!("{}-{}", plain(first)?, plain(last)?));
    }
    plain(value)
}

/// An IPv6 address has more than one text; ours is Rust's.
fn plain(value: &Value) -> Option<String> {
    if let Some(number) = value.as_u64() {
        return Some(number.to_string());
    }
    let text = value.as_str()?;
    Some(text.parse::<IpAddr>().map_or_else(|_| text.to_owned(), |address| address.to_string()))
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
        "counter" => Some(format!("counter name {:?}", value.as_str()?)),
        "set" => {
            let counted = match value["stmt"].as_array().map(Vec::as_slice) {
                None => "",
                Some([stmt]) if stmt.get("counter").is_some() => " counter",
                Some(_) => return None,
            };
            Some(format!(
                "{} {} {{ {}{counted} }}",
                value["op"].as_str()?,
                value["set"].as_str()?,
                left_text(&value["elem"])?
            ))
        }
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
        let key = meta["key"].as_str()?;
        return Some(if key.ends_with("ifname") { key.to_owned() } else { format!("meta {key}") });
    }
    if let Some(parts) = left.get("concat").and_then(Value::as_array) {
        return Some(parts.iter().map(left_text).collect::<Option<Vec<_>>>()?.join(" . "));
    }
    if let Some(fib) = left.get("fib") {
        let flags = fib["flags"].as_array()?.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
        return Some(format!("fib {} {}", flags.join(" . "), fib["result"].as_str()?));
    }
    if let Some([field, mask]) = left.get("&").and_then(Value::as_array).map(Vec::as_slice) {
        let mask = mask.as_array().or_else(|| mask.get("|")?.as_array())?;
        let mut flags = mask.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
        flags.sort_unstable();
        return Some(format!("{} & ({}) ==", left_text(field)?, flags.join(" | ")));
    }
    Some(format!("ct {}", left.get("ct")?["key"].as_str()?))
}

fn right_text(left: &str, right: &Value) -> Option<String> {
    let quoted = |text: String| if left.ends_with("ifname") { format!("{text:?}") } else { text };
    let list = right.as_array().or_else(|| right.get("set").and_then(Value::as_array));
    let Some(list) = list else { return range(right).map(quoted) };
    let mut texts = list.iter().map(|value| range(value).map(&quoted)).collect::<Option<Vec<String>>>()?;
    texts.sort_by_key(|text| (text.parse::<u16>().ok(), text.clone()));
    Some(if left.starts_with("ct ") { texts.join(",") } else { format!("{{ {} }}", texts.join(", ")) })
}
