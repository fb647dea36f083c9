//! Everything that must hold before a change goes out, in one command and one closing line.
//!
//! The lints ride on the build of the tests: clippy's driver is the compiler of the workspace's own crates there, so
//! that the dependencies are compiled once for both. A stage that fails counts as one failure and does not keep the
//! others from running, unless they need its result.

use std::{
    env, fs,
    io::ErrorKind,
    path::Path,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    browser,
    command::{Background, command, duration, lines, output, run as execute},
    postgres::Postgres,
    product,
    setup::{self, Need},
    site::{self, Mode},
    tally::Tally,
    toolchain::{Toolchain, WASM},
    tree,
};

/// Longer than all Rust tests together should ever take.
const LIMIT: Duration = Duration::from_secs(1500);

/// The crates with tests of the product; `ssr` is what the server's build of `app` is.
const TESTED: [&str; 8] = ["--package", "app", "--package", "server", "--package", "clouds", "--features", "app/ssr"];

const TARGETS: [&str; 3] = ["--lib", "--bins", "--tests"];

pub fn run(full: bool) -> Result<ExitCode> {
    let mut report = Report::default();
    let Some(toolchain) = report.stage("set-up", || setup::ensure(Need::Vendors)) else { return report.close() };
    report.stage("format", || format(&toolchain));
    report.stage("house rules", house_rules);
    report.tally("build tool's tests", build_tool);
    report.stage("lint for the browser", || lint_for_the_browser(&toolchain));
    // Before the tests: the served console's tests ask for files of the site.
    let site = report.stage("site", || site::build(&toolchain, Mode::Release));
    let linted = report.stage("lint and build the tests", || build_tests(&toolchain)).is_some();
    // The Rust tests wait most of the time; what they leave of the machine builds the release meanwhile.
    let release = site.map(|()| product::begin_server(&toolchain));
    report.tally("Rust tests", || rust_tests(&toolchain, linted, full));
    if in_ci() {
        report.stage("room on the disk", make_room);
    }
    report.stage("types of the browser tests", browser_types);
    let finished =
        |release: Result<Background>| release.and_then(Background::finish).and_then(|()| product::built_server());
    let binary = release.and_then(|release| report.stage("rest of the release server", || finished(release)));
    if let Some(binary) = binary {
        report.tally("browser tests", || browser::run(&binary, &[]));
    }
    report.close()
}

/// The clouds alone: a crate of its own.
pub fn clouds(options: &[String]) -> Result<ExitCode> {
    let toolchain = setup::ensure(Need::Vendors)?;
    let postgres = Postgres::start()?;
    let mut cargo = toolchain.cargo();
    cargo.env("CAUSEWAY_TEST_POSTGRES", postgres.url()).args(["test", "--package", "clouds", "--no-fail-fast"]);
    if !options.is_empty() {
        cargo.arg("--").args(options);
    }
    let tally = count(&mut cargo)?;
    println!("{tally}");
    Ok(tally.exit_code())
}

/// Stages, their outcomes and their durations.
#[derive(Default)]
struct Report {
    total: Tally,
    lines: Vec<String>,
}

impl Report {
    /// A stage that holds or does not, and what it gives to others.
    fn stage<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Option<T> {
        let started = Self::announce(name);
        let outcome = work();
        let summary = if outcome.is_ok() { "ok" } else { "FAILED" };
        self.note(name, summary, started);
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                println!("{error:#}");
                self.total += Tally::FAILURE;
                None
            }
        }
    }

    /// A stage that counts tests.
    fn tally(&mut self, name: &str, work: impl FnOnce() -> Result<Tally>) {
        let started = Self::announce(name);
        let tally = work().unwrap_or_else(|error| {
            println!("{error:#}");
            Tally::FAILURE
        });
        self.total += tally;
        self.note(name, &format!("{tally}, {} skipped", tally.skipped), started);
    }

    fn announce(name: &str) -> Instant {
        println!("\n=== {name}");
        Instant::now()
    }

    fn note(&mut self, name: &str, summary: &str, started: Instant) {
        let line = format!("{name:<28} {summary:<34} {}", duration(started.elapsed()));
        println!("--- {line}");
        self.lines.push(line);
    }

    /// The summary; its last line is for programs that read it.
    fn close(self) -> Result<ExitCode> {
        println!("\n{}\n\n{}", self.lines.join("\n"), self.total);
        Ok(self.total.exit_code())
    }
}

fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

/// In CI nothing is built twice, and its disk has been full: what the tests and the site were built into goes once they
/// stand.
fn make_room() -> Result<()> {
    for folder in ["debug", WASM, "wasm-release"] {
        match fs::remove_dir_all(tree::target().join(folder)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing target/{folder}"));
            }
            _ => {}
        }
    }
    println!("{}", output(command("df").args(["-h", "."]))?.trim_end());
    Ok(())
}

fn format(toolchain: &Toolchain) -> Result<()> {
    if toolchain.program("cargo-fmt").is_none() {
        println!("rustfmt is not installed");
        return Ok(());
    }
    // A summary: the whole difference of an unformatted tree hides everything else.
    match output(toolchain.cargo().args(["fmt", "--all", "--check", "--", "--files-with-diff"])) {
        Ok(_) => Ok(()),
        Err(_) => {
            _ = execute(toolchain.cargo().args(["fmt", "--all", "--check", "--", "-l"]));
            bail!("these files are not formatted; `cargo fmt --all` formats them")
        }
    }
}

/// What neither compiler nor linter knows.
fn house_rules() -> Result<()> {
    let lock = fs::read_to_string(tree::root().join("Cargo.lock"))?;
    one_wasm_bindgen(&lock)?;
    no_prop_href(&tree::root().join("app/src"))
}

/// Two versions of wasm-bindgen, or another one in this tool, make a site that does not start.
fn one_wasm_bindgen(lock: &str) -> Result<()> {
    let versions = |name: &str| -> Vec<&str> {
        let name = format!("name = \"{name}\"");
        let packages = lock.split("[[package]]").filter(|package| package.lines().any(|line| line == name));
        packages.filter_map(|package| package.lines().find_map(|line| line.strip_prefix("version = "))).collect()
    };
    let (library, tool) = (versions("wasm-bindgen"), versions("wasm-bindgen-cli-support"));
    if library.len() != 1 || library != tool {
        bail!("Cargo.lock must have one version of wasm-bindgen, and the same of its tool: {library:?}, {tool:?}");
    }
    Ok(())
}

/// `prop:href` is empty in a page from the server: the link would lead nowhere without WASM.
fn no_prop_href(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            no_prop_href(&path)?;
        } else if let Some(line) = fs::read_to_string(&path)?.lines().position(|line| line.contains("prop:href")) {
            bail!("{}:{}: write href, not prop:href, which is empty without WASM", path.display(), line + 1);
        }
    }
    Ok(())
}

/// This tool's own tests, with the cargo and the folder that it was built with.
fn build_tool() -> Result<Tally> {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if let Some(toolchain) = env::var_os("RUSTUP_TOOLCHAIN") {
        cargo.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    cargo.args(["test", "--quiet", "--package", "xtask", "--profile", "xtask", "--target-dir"]);
    cargo.arg(tree::target().join("xtask"));
    count(&mut cargo)
}

fn lint_for_the_browser(toolchain: &Toolchain) -> Result<()> {
    if toolchain.program("cargo-clippy").is_none() {
        println!("clippy is not installed");
        return Ok(());
    }
    let mut cargo = toolchain.cargo();
    cargo.args(["clippy", "--package", "frontend", "--target", WASM, "--", "-D", "warnings"]);
    execute(&mut cargo)
}

fn build_tests(toolchain: &Toolchain) -> Result<()> {
    let mut cargo = tests(toolchain, true);
    execute(cargo.arg("--no-run"))
}

/// Code that the linter refused is tested all the same, by the plain compiler.
fn rust_tests(toolchain: &Toolchain, linted: bool, full: bool) -> Result<Tally> {
    let postgres = Postgres::start()?;
    let mut cargo = tests(toolchain, linted);
    cargo.env("CAUSEWAY_TEST_POSTGRES", postgres.url()).arg("--no-fail-fast");
    if full {
        cargo.env("CAUSEWAY_TEST_FULL", "1");
    }
    // In CI a machine that cannot carry packets is a failure, on a person's machine it is not.
    if in_ci() {
        cargo.env("DATAPLANE_E2E", "require");
    }
    count(&mut cargo)
}

/// `cargo test` of the product; linted, clippy's driver is the compiler of its own crates.
fn tests(toolchain: &Toolchain, linted: bool) -> Command {
    let mut cargo = toolchain.cargo();
    if let Some(driver) = toolchain.program("clippy-driver").filter(|_| linted) {
        cargo.env("RUSTC_WORKSPACE_WRAPPER", driver);
        cargo.env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__");
    }
    cargo.arg("test").args(TESTED).args(TARGETS);
    cargo
}

/// Runs test programs and adds up what they say.
fn count(cargo: &mut Command) -> Result<Tally> {
    let mut total = Tally::default();
    let succeeded = lines(cargo, LIMIT, |line| {
        println!("{line}");
        if let Some(tally) = Tally::from_rust(line) {
            total += tally;
        }
    })?;
    Ok(total.with_outcome(succeeded))
}

fn browser_types() -> Result<()> {
    let mut npx = command("npx");
    npx.current_dir(tree::end2end()).args(["--no-install", "tsc", "--noEmit"]);
    execute(&mut npx)
}

#[cfg(test)]
mod tests_of_the_rules {
    use super::one_wasm_bindgen;

    #[test]
    fn two_versions_of_wasm_bindgen_are_refused() {
        let package =
            |name: &str, version: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\n");
        let tool = package("wasm-bindgen-cli-support", "0.2.130");
        let one = package("wasm-bindgen", "0.2.130");
        let two = package("wasm-bindgen", "0.2.131");
        assert!(one_wasm_bindgen(&format!("{one}{tool}")).is_ok());
        assert!(one_wasm_bindgen(&format!("{one}{two}{tool}")).is_err());
        assert!(one_wasm_bindgen(&format!("{two}{tool}")).is_err());
    }
}
