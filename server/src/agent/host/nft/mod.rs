//! The firewall: our own table, rendered from a document, loaded in one transaction, read back.
//!
//! What is asked of it depends on what the host is for: a file per role. Rules are compared as
//! texts; what `nft -j` lists is brought into the very form in which it was rendered, and
//! anything else shows as what it is.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use app::domain::{
    plan::{Firewall, Peers, Surroundings},
    service::node::NodeReport,
    tunnel::Document,
};

use super::command;

mod gateway;
mod listing;
mod node;

const TABLE: &str = "inet causeway";
/// Ranges of one family; those of a set may not overlap.
const IPV4: &str = "type ipv4_addr; flags interval;";
const IPV6: &str = "type ipv6_addr; flags interval;";

/// The table that a document asks for on this host; `None` for an empty document.
pub fn ruleset(document: &Document, around: &Surroundings) -> Option<Firewall> {
    match (&document.gateway, &document.node) {
        (Some(gateway), _) => Some(gateway::ruleset(gateway, &document.peers, around)),
        (None, Some(node)) => Some(node::ruleset(node)),
        (None, None) => None,
    }
}

/// The whole table as one transaction: the old one is gone when the new one is there, and never before.
pub fn script(firewall: &Firewall) -> String {
    let mut text = format!("table {TABLE}\ndelete table {TABLE}\ntable {TABLE} {{\n");
    for name in &firewall.counters {
        let _ = writeln!(text, "  counter {name} {{\n  }}");
    }
    for (name, set) in &firewall.sets {
        let _ = writeln!(text, "  set {name} {{\n    {}", set.kind);
        if !set.elements.is_empty() {
            let elements: Vec<&str> = set.elements.iter().map(String::as_str).collect();
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

/// Our table as the kernel has it, and what it has counted; `None` if there is none.
pub async fn read_table() -> Result<Option<(Firewall, NodeReport)>> {
    let said = command::run("nft", &["-j", "list", "table", "inet", "causeway"], b"").await?;
    if said.success {
        let listing = serde_json::from_slice(&said.stdout).context("nft -j wrote something that is not JSON")?;
        return Ok(Some((listing::canonical(&listing), listing::seen(&listing))));
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

#[cfg(test)]
#[path = "../nft_tests.rs"]
mod tests;
