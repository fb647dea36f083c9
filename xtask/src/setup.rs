//! What has to be on the machine before a command can do its work. Each step looks first, says in one line what it
//! does, asks nothing, and is skipped when its result is already there.

use std::{fs, time::Duration};

use anyhow::Result;

use crate::{
    command::{command, find, logged},
    packages::{self, BROWSER, COMPILING, DATA_PLANE, DATABASE, NODE, PYTHON_ENVIRONMENTS, Program, VENDORS},
    toolchain::{self, Toolchain},
    tree, vendors, wasm_std,
};

/// Each need includes those before it, but for the data plane, which only Linux has.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub enum Need {
    /// To compile for the server and the browser.
    Compilers,
    /// To run the console, with the lab network where the machine can carry one.
    Console,
    /// To make the release site small.
    Release,
    /// To test in a browser.
    Browser,
    /// To test on PostgreSQL too.
    Everything,
    /// To hold drivers and look-alike clouds against the vendors' own clients, too.
    Vendors,
}

pub fn ensure(need: Need) -> Result<Toolchain> {
    let mut programs: Vec<Program> = COMPILING.to_vec();
    if need >= Need::Console && need != Need::Release && cfg!(target_os = "linux") {
        programs.extend(DATA_PLANE);
    }
    if need >= Need::Release {
        programs.extend(NODE);
    }
    if need >= Need::Browser && browser().is_none() {
        programs.extend(BROWSER);
    }
    if need >= Need::Everything {
        programs.extend(DATABASE);
    }
    if need >= Need::Vendors {
        programs.extend(VENDORS);
        programs.push(PYTHON_ENVIRONMENTS);
    }
    // NodeSource's package of node brings npm and conflicts with Debian's.
    if packages::locate("node").is_some() && packages::locate("npm").is_some() {
        programs.retain(|program| !NODE.iter().any(|node| node.name == program.name));
    }
    packages::ensure(&programs)?;
    toolchain::write_host_linker()?;
    let toolchain = wasm_std::ensure()?;
    if need >= Need::Release {
        node_modules()?;
    }
    if need >= Need::Vendors {
        vendors::ensure()?;
    }
    Ok(toolchain)
}

/// The browser of the tests: Debian's Chromium, or what CAUSEWAY_CHROMIUM names.
pub fn browser() -> Option<String> {
    let named = std::env::var("CAUSEWAY_CHROMIUM").ok();
    named.or_else(|| Some(find("chromium")?.to_string_lossy().into_owned()))
}

/// Playwright, axe-core and binaryen's wasm-opt, as `package-lock.json` names them.
fn node_modules() -> Result<()> {
    let folder = tree::end2end();
    let lock = fs::read(folder.join("package-lock.json"))?;
    let mark = folder.join("node_modules/.causeway-lock");
    if fs::read(&mark).is_ok_and(|done| done == lock) {
        return Ok(());
    }
    eprintln!("setup: installing node modules in end2end");
    let mut npm = command("npm");
    npm.current_dir(&folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    logged(&mut npm, Duration::from_secs(600))?;
    fs::write(mark, lock)?;
    Ok(())
}
