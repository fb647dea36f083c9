//! Programs that Causeway's build and tests need from the operating system, and how they get here.
//!
//! On Debian and its children, with root or a `sudo` that asks nothing, they are installed; elsewhere the exact list of
//! what is missing is printed. A program that is there is never touched, so that a second run costs a look at the PATH.

use std::{fmt::Write, path::PathBuf, time::Duration};

use anyhow::{Result, bail};

use crate::command::{as_root, command, find, logged, succeeds};

/// A program, the Debian package that brings it, and what it is for.
#[derive(Clone, Copy)]
pub struct Program {
    pub name: &'static str,
    pub package: &'static str,
    pub purpose: &'static str,
    /// Without an optional program something is slower or skipped; without any other the command cannot go on.
    pub optional: bool,
}

const fn needed(name: &'static str, package: &'static str, purpose: &'static str) -> Program {
    Program { name, package, purpose, optional: false }
}

const fn optional(name: &'static str, package: &'static str, purpose: &'static str) -> Program {
    Program { name, package, purpose, optional: true }
}

pub const COMPILING: &[Program] = &[
    needed("cc", "gcc", "compiling SQLite and linking"),
    needed("ar", "binutils", "compiling SQLite"),
    optional("mold", "mold", "linking faster"),
];

/// Without a C library's headers `cc` is of no use, and no program tells that they are missing.
const COMPANIONS: &[(&str, &str)] = &[("gcc", "libc6-dev"), ("chromium", "fonts-liberation")];

pub const NODE: &[Program] = &[
    needed("node", "nodejs", "making the WASM small, and the browser tests"),
    needed("npm", "npm", "making the WASM small, and the browser tests"),
];

/// What the lab network and the agent use. Linux only.
pub const DATA_PLANE: &[Program] = &[
    optional("wireguard-go", "wireguard-go", "the lab network"),
    optional("wg", "wireguard-tools", "the lab network"),
    optional("nft", "nftables", "the lab network"),
    optional("ip", "iproute2", "the lab network"),
    optional("ping", "iputils-ping", "the lab network"),
    optional("conntrack", "conntrack", "cutting live sessions in the lab network"),
    optional("tcpdump", "tcpdump", "counting what leaves the lab network"),
];

pub const BROWSER: &[Program] = &[needed("chromium", "chromium", "the browser tests")];

pub const DATABASE: &[Program] = &[needed("initdb", "postgresql", "the tests on PostgreSQL")];

pub const VENDORS: &[Program] = &[needed("python3", "python3", "the cloud vendors' own clients")];

/// Debian parts it from Python itself.
pub const PYTHON_ENVIRONMENTS: Program =
    needed("ensurepip", "python3-venv", "an environment for the cloud vendors' own clients");

/// Installs what is missing of `programs`, or says exactly what to install.
pub fn ensure(programs: &[Program]) -> Result<()> {
    let missing: Vec<Program> = programs.iter().filter(|program| locate(program.name).is_none()).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = missing.iter().map(|program| program.package).collect();
    for (package, companion) in COMPANIONS {
        if packages.contains(package) {
            packages.push(companion);
        }
    }
    packages.dedup();

    let failure = match install(&packages) {
        Ok(()) if missing.iter().all(|program| locate(program.name).is_some()) => return Ok(()),
        Ok(()) => None,
        Err(error) => Some(error),
    };
    let still: Vec<Program> = missing.into_iter().filter(|program| locate(program.name).is_none()).collect();
    let mut text = String::new();
    for program in &still {
        let Program { name, package, purpose, .. } = program;
        _ = writeln!(text, "  {name:<14} for {purpose} (Debian's package: {package})");
    }
    if find("apt-get").is_some() {
        _ = writeln!(text, "  as root: apt-get install --no-install-recommends {}", packages.join(" "));
    }
    let reason = failure.map(|error| format!("\n{error:#}")).unwrap_or_default();
    if still.iter().all(|program| program.optional) {
        eprintln!("setup: going on without these; install them to have all of Causeway:\n{}", text.trim_end());
        return Ok(());
    }
    bail!("install these, then start again:\n{}{reason}", text.trim_end());
}

/// Installs Debian packages without a question. The package lists are read again once if the first attempt fails.
pub fn install(packages: &[&str]) -> Result<()> {
    const LIMIT: Duration = Duration::from_secs(900);

    let apt = || -> Result<std::process::Command> {
        if find("apt-get").is_none() {
            bail!("this is not Debian: there is no apt-get");
        }
        let Some(mut apt) = as_root("apt-get") else { bail!("installing packages needs root") };
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        Ok(apt)
    };
    let attempt = || {
        let options = ["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"];
        logged(apt()?.args(options).args(packages), LIMIT)
    };
    apt()?;
    eprintln!("setup: installing {}", packages.join(" "));
    if attempt().is_ok() {
        return Ok(());
    }
    if logged(apt()?.args(["update", "-q"]), LIMIT).is_err() {
        logged(apt()?.args(["update", "-q"]), LIMIT)?;
    }
    attempt()
}

/// Where a program is. Debian keeps the server programs of PostgreSQL out of the PATH; `ensurepip` is a module of Python.
pub fn locate(name: &str) -> Option<PathBuf> {
    match name {
        "initdb" => crate::postgres::programs().map(|folder| folder.join(name)),
        "ensurepip" => succeeds(command("python3").args(["-c", "import ensurepip"])).then(PathBuf::new),
        _ => find(name),
    }
}
