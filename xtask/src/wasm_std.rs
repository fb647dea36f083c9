//! The standard library for the browser, wherever the machine is.
//!
//! The ordinary way is rustup's: one download. Where rustup is missing or cannot reach its server, Debian's compiler
//! (`rustc-web`) comes with the source of its own standard library, from which cargo builds it once, in half a minute.
//! Source and compiler must be of one version, so the other compiler on the machine cannot be used with it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    command::{as_root, command, find, logged, run, succeeds},
    packages,
    toolchain::{LINKED, Toolchain, WASM},
    tree,
};

/// Rustc, cargo, the library's source, the linker; then the linters of the same version.
const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "lld-22", "rust-web-clippy", "rustfmt-web"];

/// Makes some toolchain of the machine compile for the browser.
pub fn ensure() -> Result<Toolchain> {
    if let Some(toolchain) = Toolchain::find() {
        return Ok(toolchain);
    }
    let ordinary = by_rustup();
    if let (Ok(()), Some(toolchain)) = (&ordinary, Toolchain::find()) {
        return Ok(toolchain);
    }
    let debian = by_debian();
    if let (Ok(()), Some(toolchain)) = (&debian, Toolchain::find()) {
        return Ok(toolchain);
    }
    let reason = |outcome: Result<()>| match outcome {
        Ok(()) => String::from("it went through, but no compiler for the browser appeared"),
        Err(error) => format!("{error:#}"),
    };
    bail!(
        "no compiler here compiles for the browser. Install rustup, run `rustup target add {WASM}` and start again.\n\
         By rustup: {}\nBy Debian's packages: {}",
        reason(ordinary),
        reason(debian)
    );
}

fn by_rustup() -> Result<()> {
    if find("rustup").is_none() {
        bail!("rustup is not installed");
    }
    eprintln!("setup: adding the standard library for the browser by rustup");
    logged(command("rustup").args(["target", "add", WASM]), Duration::from_secs(120))
}

fn by_debian() -> Result<()> {
    let library = PathBuf::from("/usr/lib/rustlib").join(WASM).join("lib");
    packages::install(PACKAGES)?;
    if !library.is_dir() {
        build_into(&library)?;
    }
    if find("rustup").is_some() {
        eprintln!("setup: telling rustup about Debian's compiler, under the name {LINKED}");
        run(command("rustup").args(["toolchain", "link", LINKED, "/usr"]))?;
    } else if Toolchain::ambient().is_none_or(|toolchain| !toolchain.sysroot().starts_with("/usr")) {
        bail!("another rustc comes before Debian's in the PATH, and there is no rustup to choose between them");
    }
    Ok(())
}

/// Builds an empty crate with `-Zbuild-std` and copies the libraries that come with it.
fn build_into(library: &Path) -> Result<()> {
    eprintln!("setup: building the standard library for the browser (once, about a minute)");
    let folder = tree::target().join("wasm-std");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "#![no_std]\n")?;
    let manifest = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[profile.release]\n\
                    panic = \"abort\"\n\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest)?;

    let mut cargo = command("/usr/bin/cargo");
    cargo.current_dir(&folder);
    cargo.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", folder.join("target"));
    cargo.env("RUSTFLAGS", "-Cembed-bitcode=yes");
    cargo.args(["build", "--release", "--target", WASM, "-Zbuild-std=std,panic_abort,panic_unwind"]);
    logged(&mut cargo, Duration::from_secs(900))?;

    let built = folder.join("target").join(WASM).join("release/deps");
    let libraries: Vec<PathBuf> = fs::read_dir(&built)
        .with_context(|| format!("reading {}", built.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rlib"))
        .filter(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libempty-")))
        .collect();
    let privileged = |program: &str| as_root(program).context("copying the standard library into /usr needs root");
    // Copied under another name and moved, so that half a library never looks like a whole one.
    let partial = library.with_file_name("lib.partial");
    succeeds(privileged("rm")?.arg("-rf").arg(&partial));
    run(privileged("mkdir")?.arg("-p").arg(&partial))?;
    run(privileged("cp")?.args(&libraries).arg(&partial))?;
    run(privileged("mv")?.arg(&partial).arg(library))
}
