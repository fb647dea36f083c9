//! The vendors' own clients and schemas, in folders of their own: nobody who only runs the console needs them.

use std::{fs, path::Path, time::Duration};

use anyhow::Result;

use crate::{
    command::{command, logged},
    tree,
};

const PYTHON_PACKAGES: &str = "requirements.txt";
const NODE_PACKAGES: &str = "package-lock.json";

/// boto3, Google's and Azure's clients and moto in a virtual environment, Prism in node modules beside it.
pub fn ensure() -> Result<()> {
    let (wanted, folder) = (tree::root().join("server/clouds/tests/vendors"), tree::vendors());
    fs::create_dir_all(&folder)?;
    once(&wanted, &folder, PYTHON_PACKAGES, || {
        eprintln!("setup: installing the vendors' Python clients");
        logged(
            command("python3").args(["-m", "venv", "--clear"]).arg(folder.join("python")),
            Duration::from_secs(120),
        )?;
        let mut pip = command(folder.join("python/bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        logged(pip.arg(wanted.join(PYTHON_PACKAGES)), Duration::from_secs(900))
    })?;
    once(&wanted, &folder, NODE_PACKAGES, || {
        eprintln!("setup: installing Prism");
        fs::copy(wanted.join("package.json"), folder.join("package.json"))?;
        fs::copy(wanted.join(NODE_PACKAGES), folder.join(NODE_PACKAGES))?;
        let mut npm = command("npm");
        npm.current_dir(&folder).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
        logged(&mut npm, Duration::from_secs(600))
    })
}

/// Runs `install` unless it was done for this very list.
fn once(wanted: &Path, folder: &Path, list: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let list_now = fs::read(wanted.join(list))?;
    let mark = folder.join(format!("{list}.installed"));
    if fs::read(&mark).is_ok_and(|done| done == list_now) {
        return Ok(());
    }
    install()?;
    fs::write(mark, list_now)?;
    Ok(())
}
