//! The product built and started: for working on it (`run`), for a machine (`build`), for measuring (`bench`).

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    command::{Background, background, run as execute},
    setup::{self, Need},
    site::{self, Mode},
    toolchain::Toolchain,
    tree::{self, NAME},
};

/// Starts the console in place of this process, so that signals and the exit code are the server's own.
pub fn run(release: bool, options: &[String]) -> Result<()> {
    let toolchain = setup::ensure(Need::Console)?;
    let binary = if release {
        setup::ensure(Need::Release)?;
        build_release(&toolchain)?
    } else {
        site::build(&toolchain, Mode::Dev)?;
        execute(toolchain.cargo().args(["build", "--package", "server", "--bin", NAME]))?;
        tree::target().join("debug").join(NAME)
    };
    let mut serve = crate::command::command(&binary);
    serve.arg("serve");
    if !options.iter().any(|option| option == "--data" || option.starts_with("--data=")) {
        serve.args(["--data", "data"]);
    }
    serve.args(options.iter().filter(|option| *option != "--"));
    Err(serve.exec()).with_context(|| format!("starting {}", binary.display()))
}

/// The self-contained release binary.
pub fn build() -> Result<PathBuf> {
    build_release(&setup::ensure(Need::Release)?)
}

/// The release binary, with a browser to test it in.
pub fn build_for_browser() -> Result<PathBuf> {
    build_release(&setup::ensure(Need::Browser)?)
}

pub fn site(release: bool) -> Result<()> {
    let (need, mode) = if release { (Need::Release, Mode::Release) } else { (Need::Compilers, Mode::Dev) };
    site::build(&setup::ensure(need)?, mode)
}

/// The site first: the server embeds it.
pub fn build_release(toolchain: &Toolchain) -> Result<PathBuf> {
    site::build(toolchain, Mode::Release)?;
    build_server(toolchain)
}

/// The release server around the site that is in `target/site`.
fn build_server(toolchain: &Toolchain) -> Result<PathBuf> {
    execute(&mut server(toolchain))?;
    built_server()
}

/// The same, beside whatever else runs: [`built_server`] once it is finished.
pub fn begin_server(toolchain: &Toolchain) -> Result<Background> {
    background(&mut server(toolchain), tree::target().join("release.log"))
}

fn server(toolchain: &Toolchain) -> Command {
    let mut cargo = toolchain.cargo();
    cargo.args(["build", "--release", "--package", "server", "--bin", NAME]);
    cargo
}

/// The release server's file, which holds the site that was made small.
pub fn built_server() -> Result<PathBuf> {
    refuse_debug_site(&tree::site())?;
    Ok(tree::target().join("release").join(NAME))
}

pub fn bench(options: &[String]) -> Result<()> {
    if !tree::root().join("server/benches/causeway.rs").is_file() {
        bail!("there are no benchmarks: server/benches/causeway.rs is missing");
    }
    let toolchain = setup::ensure(Need::Browser)?;
    let binary = build_release(&toolchain)?;
    let mut cargo = toolchain.cargo();
    cargo.env("CAUSEWAY_BINARY", binary).args(["bench", "--package", "server", "--bench", NAME, "--"]).args(options);
    execute(&mut cargo)
}

/// A release must carry the site that was made small: someone else may have built another one meanwhile.
fn refuse_debug_site(site: &Path) -> Result<()> {
    let compressed = site.join("pkg").join(format!("{NAME}.wasm.br"));
    if fs::metadata(&compressed).is_err() {
        bail!("{} is missing: the site was replaced while the server was built; build again", compressed.display());
    }
    Ok(())
}
