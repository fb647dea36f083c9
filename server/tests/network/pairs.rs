//! How long two gateways that were just joined need until they talk.

use std::{
    thread::scope,
    time::{Duration, Instant},
};

use app::domain::{GatewayId, gateway::ConfigSync};

use super::{
    campaign::full,
    lab::{Lab, PATIENCE},
    stage::{Stage, VM_ALPHA, VM_BETA},
};

/// What the instances do while their gateways are being joined.
#[derive(Clone, Copy, Debug)]
enum Traffic {
    /// Nothing: the gateways open the session by themselves.
    None,
    /// Both call each other without a pause: the first packet would open it too.
    Both,
}

/// WireGuard sends a lost handshake again after five seconds: whoever needs as long has lost one.
const LOST: Duration = Duration::from_secs(4);

/// Two gateways that hear of each other in the same moment would call at once and hang up on each other.
pub fn fresh_pairs() {
    let pairs = if full() { 40 } else { 12 };
    // Each lab makes keys of its own, so either side may be the one that calls.
    let mut waits: Vec<Duration> = scope(|threads| {
        let halves = [Traffic::None, Traffic::Both]
            .map(|traffic| threads.spawn(move || join_again_and_again(traffic, pairs / 2)));
        halves.into_iter().flat_map(|half| half.join().expect("a half of the pairs")).collect()
    });
    waits.sort();
    let late = waits.iter().filter(|wait| **wait > LOST).count();
    eprintln!("  {pairs} pairs: {}; {late} lost a handshake", histogram(&waits));
    assert!(late * 20 <= pairs, "{late} of {pairs} lost a handshake: {waits:?}");
}

fn join_again_and_again(traffic: Traffic, times: usize) -> Vec<Duration> {
    let stage = Stage::new();
    let (alpha, beta) = stage.gateways("repair");
    let keys = ["gw-alpha", "gw-beta"].map(|host| stage.lab.run(host, "wg show wg0 public-key"));
    (0..times)
        .map(|number| {
            let wait = join(&stage, alpha, beta, traffic);
            eprintln!("  {traffic:?} {number}: {:.2} s, {keys:?}", wait.as_secs_f64());
            part(&stage, alpha, beta);
            wait
        })
        .collect()
}

fn join(stage: &Stage, alpha: GatewayId, beta: GatewayId, traffic: Traffic) -> Duration {
    let lab = &stage.lab;
    scope(|threads| {
        let talking = match traffic {
            Traffic::None => Vec::new(),
            Traffic::Both => vec![("vm-alpha", VM_BETA), ("vm-beta", VM_ALPHA)],
        };
        let talking: Vec<_> =
            talking.into_iter().map(|(from, to)| threads.spawn(move || first_answer(lab, from, to))).collect();
        let began = Instant::now();
        stage.join(alpha, beta);
        let is_open = "until wg show wg0 latest-handshakes | grep -qv '\t0$'; do sleep 0.02; done";
        lab.run("gw-alpha", &format!("timeout {} sh -c \"{is_open}\"", PATIENCE.as_secs()));
        let wait = began.elapsed();
        assert!(talking.into_iter().all(|talk| talk.join().expect("a ping")), "both ways");
        lab.reaches("vm-alpha", VM_BETA);
        lab.reaches("vm-beta", VM_ALPHA);
        wait
    })
}

fn first_answer(lab: &Lab, from: &str, to: &str) -> bool {
    lab.try_run(from, &format!("ping -n -q -i 0.02 -c 1 -w {} {to}", PATIENCE.as_secs())).is_ok()
}

fn part(stage: &Stage, alpha: GatewayId, beta: GatewayId) {
    let row = stage.peers(alpha).into_iter().find(|row| row.pair.is_some()).expect("joined");
    stage.web.act("peers/delete", &[("gateway", &alpha.to_string()), ("id", &row.id.to_string())]);
    for (gateway, host) in [(alpha, "gw-alpha"), (beta, "gw-beta")] {
        stage.shows(gateway, 20, "parted", |shown| {
            shown.sync == ConfigSync::InSync && stage.lab.run(host, "wg show wg0 peers").is_empty()
        });
    }
}

/// How many took how long, in steps of half a second.
fn histogram(waits: &[Duration]) -> String {
    let mut steps = std::collections::BTreeMap::<u128, usize>::new();
    for wait in waits {
        *steps.entry(wait.as_millis() / 500).or_default() += 1;
    }
    let line = |(step, count): (u128, usize)| format!("{:.1} s: {count}", step as f64 / 2.0);
    steps.into_iter().map(line).collect::<Vec<_>>().join(", ")
}
