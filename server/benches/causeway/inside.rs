//! What has to be measured on the gateway's host: this program again, inside its namespaces.
//!
//! Writes a list of lists of nanoseconds. The agent does not run meanwhile.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use app::domain::{
    PresharedKey,
    host::HostRole,
    plan::{Frame, Surroundings, plan},
    tunnel::INTERFACE,
};
use server::{
    agent::{
        host::{Host, HostChoice, LiveHost, Question, nft},
        state::StateFolder,
    },
    clock, seal,
};

use super::gateway::random_key;

/// The first argument of this program when it runs inside.
pub const WORD: &str = "inside";
pub const WG_SET: &str = "wg-set";
pub const CHECK: &str = "check";
pub const FIREWALL: &str = "firewall";

const WARM_UP: usize = 3;

pub async fn run(words: &[String]) -> Result<()> {
    let lists = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [WG_SET, count] => vec![wg_set(count.parse()?)?],
        [CHECK, count, state] => check(count.parse()?, Path::new(state)).await?,
        [FIREWALL, entries, peered, runs] => {
            super::firewall::on_a_host(entries.parse()?, peered.parse()?, runs.parse()?).await?
        }
        _ => bail!("{WORD} is for this program's own use"),
    };
    let nanoseconds = |one: &Duration| u64::try_from(one.as_nanos()).unwrap_or(u64::MAX);
    let lists: Vec<Vec<u64>> = lists.iter().map(|list| list.iter().map(nanoseconds).collect()).collect();
    println!("{}", serde_json::to_string(&lists)?);
    Ok(())
}

/// Adds one peer by `wg set`, as often as asked, and removes it again.
fn wg_set(count: usize) -> Result<Vec<Duration>> {
    let mut durations = Vec::with_capacity(count);
    for run in 0..WARM_UP + count {
        let key = random_key().to_string();
        let preshared = PresharedKey::from_bytes(seal::random()).to_string();
        let range = format!("10.201.{}.{}/32", run / 256, run % 256);
        let set = ["set", INTERFACE, "peer", &key, "preshared-key", "/dev/stdin", "allowed-ips", &range];
        let began = Instant::now();
        said("wg", &set, &preshared)?;
        if run >= WARM_UP {
            durations.push(began.elapsed());
        }
        said("wg", &["set", INTERFACE, "peer", &key, "remove"], "")?;
    }
    Ok(durations)
}

/// Reads the host and plans, which finds nothing to do; and, run by run beside it, what the tools alone need.
async fn check(count: usize, state: &Path) -> Result<Vec<Vec<Duration>>> {
    let state = StateFolder::open(state)?;
    let key = state.private_key()?;
    let document = state.document()?.context("the agent has a document")?.document;
    let host = LiveHost::open(HostChoice::Auto, key.clone())?;
    let facts = host.read(&Question::of(HostRole::Gateway)).await?.facts;
    let around = Surroundings::of(&facts, document.gateway.as_ref().context("the gateway is there")?.vpc);
    let frame = Frame::of(&document, key.public(), &around, nft::ruleset(&document, &around));
    let question = Question { role: HostRole::Gateway, sysctls: frame.sysctls.keys().cloned().collect() };
    let (mut checks, mut listings) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for run in 0..WARM_UP + count {
        let began = Instant::now();
        let reading = host.read(&question).await?;
        let steps = plan(&frame, &document.peers, &reading.state, clock::now());
        let checked = began.elapsed();
        ensure!(steps.is_empty(), "there was something to do: {}", steps[0]);
        drop(reading);

        let began = Instant::now();
        said("wg", &["show", INTERFACE, "dump"], "")?;
        said("nft", &["list", "table", "inet", "causeway"], "")?;
        let listed = began.elapsed();
        if run >= WARM_UP {
            checks.push(checked);
            listings.push(listed);
        }
    }
    Ok(vec![checks, listings])
}

/// Runs a tool that must succeed.
fn said(program: &str, arguments: &[&str], input: &str) -> Result<Vec<u8>> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("{program} cannot be run"))?;
    child.stdin.take().context("a piped standard input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(output.stdout)
}
