//! How fast and how large the product is, each figure beside its floor: the least that the same
//! machine needs for the same thing, measured in the same run. Read the ratios before the absolutes.
//!
//! `cargo xtask bench` runs all of it; `cargo xtask bench edit page` only these sections.
//! `CAUSEWAY_BENCH_QUICK=1` makes everything small, to see that it works. Nothing here fails
//! because something was slow: a table is printed, and people judge.

use std::{env, future::Future, process::ExitCode};

use anyhow::{Result, bail};

#[path = "causeway/clouds.rs"]
mod cloud;
#[path = "causeway/console.rs"]
mod console;
#[path = "causeway/edit.rs"]
mod edit;
#[path = "causeway/firewall.rs"]
mod firewall;
#[path = "causeway/gateway.rs"]
mod gateway;
#[path = "causeway/inside.rs"]
mod inside;
#[path = "causeway/lab.rs"]
mod lab;
#[path = "causeway/load.rs"]
mod load;
#[path = "causeway/memory.rs"]
mod memory;
#[path = "causeway/overlap.rs"]
mod overlap;
#[path = "causeway/page.rs"]
mod page;
#[path = "causeway/reconcile.rs"]
mod reconcile;
#[path = "causeway/table.rs"]
mod table;

const SECTIONS: [(&str, &str); 8] = [
    ("overlap", "one CIDR asked among 100,000"),
    ("page", "the VPC list of 500 rows, rendered by the server"),
    ("load", "bytes of the first load of the VPC list"),
    ("memory", "resident memory of the console, idle and with 10,000 peers"),
    ("clouds", "2,000 peering connections in four clouds: a pass, requests, memory, a change to its badge"),
    ("firewall", "the firewall of a service with 8,000 filter entries and 500 peered ranges"),
    ("edit", "an edit in the console to applied and to verified on the gateway"),
    ("reconcile", "a check of a gateway with 10,000 peers that finds nothing to do"),
];

/// How much is done.
#[derive(Clone, Copy)]
pub struct Scale {
    quick: bool,
}

impl Scale {
    /// A number, or a smaller one when only seeing that it works.
    pub fn of(self, whole: usize, quick: usize) -> usize {
        if self.quick { quick } else { whole }
    }
}

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let done = match words.split_first() {
        Some((first, rest)) if first == inside::WORD => runtime.block_on(inside::run(rest)),
        _ => runtime.block_on(until_interrupted(sections(&words))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What was started ends when `work` is dropped, so also when somebody stops us.
async fn until_interrupted(work: impl Future<Output = Result<()>>) -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}

async fn sections(chosen: &[String]) -> Result<()> {
    if let Some(unknown) = chosen.iter().find(|word| SECTIONS.iter().all(|(name, _)| word != name)) {
        let known: Vec<String> = SECTIONS.iter().map(|(name, what)| format!("  {name:<10} {what}")).collect();
        bail!("There is no section {unknown}. The sections:\n{}", known.join("\n"));
    }
    let scale = Scale { quick: env::var("CAUSEWAY_BENCH_QUICK").is_ok_and(|value| value == "1") };
    if scale.quick {
        println!("CAUSEWAY_BENCH_QUICK=1: small sizes and few runs; these figures are no measurement.");
    }
    if cfg!(debug_assertions) {
        println!("A debug build: these figures are no measurement.");
    }
    println!("{}", machine());
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|word| word == name);
    if wanted("overlap") {
        overlap::run(scale)?;
    }
    if wanted("page") {
        page::run(scale).await?;
    }
    if wanted("load") {
        load::run().await?;
    }
    if wanted("memory") {
        memory::run(scale).await?;
    }
    if wanted("clouds") {
        cloud::run(scale).await?;
    }
    if wanted("firewall") {
        firewall::run(scale)?;
    }
    if !wanted("edit") && !wanted("reconcile") {
        return Ok(());
    }
    if let Some(because) = server::lab::unavailable() {
        println!("\nedit and reconcile are skipped: {because}");
        return Ok(());
    }
    let mut lab = lab::Lab::up().await?;
    if wanted("edit") {
        edit::run(scale, &mut lab).await?;
    }
    if wanted("reconcile") {
        reconcile::run(scale, &mut lab).await?;
    }
    Ok(())
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    format!("{cores} cores, load {} before.", load.join(" "))
}
