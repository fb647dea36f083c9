//! A node's firewall on a real host: the real agent, real packets between network namespaces.
//!
//! Each trial is this program again, in new network, mount and process namespaces; those who
//! connect live in namespaces of their own. When it ends, the kernel takes everything away.
//! Skipped where that is not possible; `DATAPLANE_E2E=require` or `CI=true` turns a skip into a failure.

use std::{
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use libtest_mimic::{Arguments, Failed, Trial};

#[path = "agent_host/console.rs"]
mod console;
#[path = "node_host/people.rs"]
mod people;
#[path = "node_host/stage.rs"]
mod stage;
#[path = "node_host/trials.rs"]
mod trials;

const TRIAL: &str = "NODE_HOST_TRIAL";

const TRIALS: [(&str, fn()); 4] = [
    ("what_a_node_is_told_reads_back_as_it_with_every_kind_of_range", trials::reads_back),
    ("whom_the_rules_admit_connects_and_whoever_else_is_refused_and_told", trials::story),
    ("access_that_is_taken_away_ends_flows_and_so_do_flows_from_before_the_firewall", trials::live_flows),
    ("eight_thousand_ranges_are_loaded_and_found_again", trials::large),
];

fn main() -> ExitCode {
    if let Ok(act) = std::env::var(people::ACT) {
        return people::act(&act);
    }
    if let Ok(name) = std::env::var(TRIAL) {
        let trial = TRIALS.into_iter().find(|(other, _)| *other == name).expect("a trial of this program").1;
        trial();
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let missing = missing();
    let set = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if let Some(missing) = missing.as_ref().filter(|_| set("DATAPLANE_E2E", "require") || set("CI", "true")) {
        eprintln!("The tests of nodes' hosts must run here, but {missing}");
        return ExitCode::FAILURE;
    }
    let trials = TRIALS
        .map(|(name, _)| match &missing {
            None => Trial::test(name, move || outside(name)),
            Some(missing) => Trial::test(format!("{name} [skipped: {missing}]"), || Ok(())).with_ignored_flag(true),
        })
        .into();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Why this machine cannot run any of it.
fn missing() -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let absent = ["nft", "ip", "unshare", "nsenter"]
        .into_iter()
        .find(|tool| !path.split(':').any(|folder| std::path::Path::new(folder).join(tool).exists()));
    if let Some(tool) = absent {
        return Some(format!("{tool} is not installed"));
    }
    let mut command = Command::new("unshare");
    command.args(["-nmp", "--fork", "nft", "list", "ruleset"]).stdout(Stdio::null()).stderr(Stdio::null());
    let allowed = command.status();
    (!allowed.is_ok_and(|status| status.success())).then(|| "unshare -nmp is refused".to_owned())
}

/// Runs one trial in namespaces of its own.
fn outside(name: &str) -> Result<(), Failed> {
    let began = Instant::now();
    let script = "mount -t tmpfs none /run && mkdir -m 777 /run/tmp && export TMPDIR=/run/tmp && exec \"$0\"";
    let output = Command::new("unshare")
        .args(["-nmp", "--propagation", "private", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script])
        .arg(std::env::current_exe()?)
        .env(TRIAL, name)
        .output()?;
    if output.status.success() {
        eprintln!("{name}: {:.1} s", began.elapsed().as_secs_f64());
        return Ok(());
    }
    Err(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned().into())
}

/// Tries until it is so.
fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(10), "10 s later it is still not so that {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
