//! The one toolchain that compiles the product.
//!
//! Server and browser must be compiled by the same compiler, or the shared target folder is rebuilt at every switch.
//! Where rustup can download, that is the person's own toolchain with the wasm32 target; elsewhere it is Debian's
//! compiler, linked into rustup under the name `causeway`. Nothing here installs: `setup` does.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    command::{command, find, output},
    tree,
};

/// Under what name rustup knows Debian's compiler.
pub const LINKED: &str = "causeway";

pub const WASM: &str = "wasm32-unknown-unknown";

#[derive(Clone, Debug)]
pub struct Toolchain {
    /// What RUSTUP_TOOLCHAIN must say; None is the default of the machine.
    rustup_name: Option<&'static str>,
    sysroot: PathBuf,
    /// The host's target triple.
    host: String,
    /// The linker for the browser's code, where the compiler brings none of its own.
    wasm_linker: Option<PathBuf>,
    /// A wrapper around `cc` that links with mold, where mold is installed.
    host_linker: Option<PathBuf>,
}

impl Toolchain {
    /// The toolchain that was linked if there is one, else the default; None if neither compiles for the browser.
    pub fn find() -> Option<Self> {
        [Some(LINKED), None].into_iter().find_map(|name| Self::probe(name).filter(Self::compiles_for_the_browser))
    }

    /// The machine's default, whether or not it compiles for the browser.
    pub fn ambient() -> Option<Self> {
        Self::probe(None)
    }

    fn probe(rustup_name: Option<&'static str>) -> Option<Self> {
        if rustup_name.is_some() {
            find("rustup")?;
        }
        let ask = |question: &[&str]| {
            let mut rustc = command("rustc");
            if let Some(name) = rustup_name {
                rustc.env("RUSTUP_TOOLCHAIN", name);
            }
            output(rustc.args(question)).ok()
        };
        let host = ask(&["-vV"])?.lines().find_map(|line| line.strip_prefix("host: "))?.to_owned();
        let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?.trim());
        let brings_linker = sysroot.join("lib/rustlib").join(&host).join("bin/rust-lld").is_file();
        let wasm_linker = if brings_linker { None } else { (15..40).rev().find_map(|n| find(&format!("wasm-ld-{n}"))) };
        let wrapper = host_linker_file();
        let host_linker = (cfg!(target_os = "linux") && find("mold").is_some()).then_some(wrapper);
        Some(Self { rustup_name, sysroot, host, wasm_linker, host_linker })
    }

    pub fn sysroot(&self) -> &Path {
        &self.sysroot
    }

    fn compiles_for_the_browser(&self) -> bool {
        let folder = self.sysroot.join("lib/rustlib").join(WASM).join("lib");
        let libraries = fs::read_dir(folder).into_iter().flatten().flatten();
        libraries.into_iter().any(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("libstd-") && name.ends_with(".rlib")
        })
    }

    /// A program of the toolchain, such as `clippy-driver`; None where it isn't installed.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        Some(self.sysroot.join("bin").join(name)).filter(|file| file.is_file())
    }

    /// Cargo for the product.
    pub fn cargo(&self) -> Command {
        let mut cargo = command("cargo");
        cargo.envs(self.environment());
        cargo
    }

    /// What makes a plain cargo build as xtask does.
    fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut variables = vec![
            (String::from("CARGO_TARGET_DIR"), text(&tree::target())),
            // The splitter needs the relocations. For the browser's code only: other flags would rebuild the rest.
            (String::from("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS"), String::from("-Clink-args=--emit-relocs")),
        ];
        if let Some(name) = self.rustup_name {
            variables.push((String::from("RUSTUP_TOOLCHAIN"), name.to_owned()));
        }
        if let Some(linker) = &self.wasm_linker {
            let name = linker.file_name().expect("a program has a name").to_string_lossy().into_owned();
            variables.push((String::from("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER"), name));
        }
        if let Some(linker) = &self.host_linker {
            let host = self.host.to_uppercase().replace(['-', '.'], "_");
            variables.push((format!("CARGO_TARGET_{host}_LINKER"), text(linker)));
        }
        variables
    }

    /// The environment as lines for a shell: `eval "$(cargo xtask env)"`.
    pub fn exports(&self) -> String {
        self.environment().iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect()
    }
}

/// Writes the wrapper that links with mold. A wrapper rather than flags: flags would also reach build scripts' hashes.
pub fn write_host_linker() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let file = host_linker_file();
    if find("mold").is_none() || file.is_file() {
        return Ok(());
    }
    fs::create_dir_all(tree::target())?;
    fs::write(&file, "#!/bin/sh\nexec cc -fuse-ld=mold \"$@\"\n").context("writing the linker wrapper")?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn host_linker_file() -> PathBuf {
    tree::target().join("linker")
}
