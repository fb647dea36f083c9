//! The site: everything the browser asks for that is not a page.
//!
//! The compiled frontend is split by lazy route, bound to JavaScript, in a release made small, and put with the
//! stylesheet and the public files into `target/site`, which holds exactly that and nothing of an earlier build. Each
//! step is left out when what goes into it has not changed, and a file is written only if its content changed: an edit
//! of a stylesheet costs milliseconds, and the server's embedded files keep their times.

use std::{
    collections::BTreeMap,
    env, fs,
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
    thread,
    time::{Instant, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    command::{command, duration, output, run},
    compress::{self, Cache},
    names::{imported, shorten},
    order::order,
    script::{Slim, squeezed, without_unmade},
    split::split,
    style,
    toolchain::{Toolchain, WASM},
    tree::{self, NAME},
};

/// The folder of the compiled files within the site.
const PKG: &str = "pkg";

/// What the splitter leaves in the JavaScript when it was not run to the end. Such a site never hydrates.
const PLACEHOLDER: &str = "__wasm_split_placeholder__";

/// What Chromium, Firefox and Safari all accept; `--all-features` would emit what they refuse. Inlining makes a module
/// shorter but, compressed, 7 % longer (1,188 against 1,218 kB, 328 against 307 kB of brotli), and takes most of the time.
/// Functions that differ in a constant only, made one with a parameter, are 7 % shorter and compress 1 % worse.
const WASM_OPT: [&str; 11] = [
    "-Oz",
    "--skip-pass=inlining-optimizing",
    "--skip-pass=merge-similar-functions",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-multivalue",
];

#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    /// Quick to build.
    Dev,
    /// Quick to load: optimized, and compressed beforehand.
    Release,
}

impl Mode {
    fn profile(self) -> &'static str {
        match self {
            Self::Dev => "wasm-dev",
            Self::Release => "wasm-release",
        }
    }
}

/// Brings `target/site` up to date.
pub fn build(toolchain: &Toolchain, mode: Mode) -> Result<()> {
    let wasm = compile(toolchain, mode)?;
    let pkg = package(&wasm, mode)?;

    let mut files = BTreeMap::new();
    collect(&pkg, Path::new(PKG), &mut files)?;
    collect(&tree::root().join("style/public"), Path::new(""), &mut files)?;
    let css = style::bundle(&tree::root().join("style/main.css")).context("bundling style/main.css")?;
    files.insert(Path::new(PKG).join(format!("{NAME}.css")), css.into_bytes());
    if mode == Mode::Release {
        compress_all(&mut files)?;
    }
    publish(&tree::site(), &files)
}

fn compile(toolchain: &Toolchain, mode: Mode) -> Result<PathBuf> {
    let mut cargo = toolchain.cargo();
    cargo.args(["build", "--package", "frontend", "--lib", "--target", WASM, "--profile", mode.profile()]);
    run(&mut cargo)?;
    Ok(tree::target().join(WASM).join(mode.profile()).join("frontend.wasm"))
}

/// The folder of the bound modules, made anew if the compiled frontend or this tool is another than last time.
fn package(wasm: &Path, mode: Mode) -> Result<PathBuf> {
    let started = Instant::now();
    let stage = tree::target().join("stage").join(mode.profile());
    let (pkg, mark) = (stage.join(PKG), stage.join("packaged"));
    let content = fs::read(wasm).with_context(|| format!("reading {}", wasm.display()))?;
    let key = format!("{:016x} {}", hash(&content), tool_version()?);
    if pkg.is_dir() && fs::read_to_string(&mark).is_ok_and(|done| done == key) {
        return Ok(pkg);
    }
    for leftover in [&mark, &pkg] {
        if leftover.is_dir() {
            fs::remove_dir_all(leftover)?;
        } else if leftover.exists() {
            fs::remove_file(leftover)?;
        }
    }
    fs::create_dir_all(&pkg)?;
    let mut modules = split_and_bind(&content, &stage.join("unbound.wasm"), &pkg)?;
    refuse_placeholder(&pkg)?;
    if mode == Mode::Release {
        modules.sort();
        squeeze(&pkg)?;
        optimize(&modules)?;
    }
    fs::write(mark, key)?;
    println!("site: {} WASM modules packaged in {}", modules.len(), duration(started.elapsed()));
    Ok(pkg)
}

/// Splits the module at the lazy routes and binds it; gives the paths of all modules.
fn split_and_bind(wasm: &[u8], unbound: &Path, pkg: &Path) -> Result<Vec<PathBuf>> {
    let mut modules = split(wasm, NAME, unbound, pkg)?;
    let mut bindgen = Bindgen::new();
    bindgen.keep_lld_exports(true).demangle(false).input_path(unbound).web(true)?.typescript(false).out_name(NAME);
    bindgen.generate(pkg).context("binding the frontend to JavaScript")?;
    fs::remove_file(unbound)?;

    // A server that was built with LEPTOS_OUTPUT_NAME asks for NAME.wasm.
    let main = pkg.join(format!("{NAME}.wasm"));
    fs::rename(pkg.join(format!("{NAME}_bg.wasm")), &main)?;
    modules.push(main);
    Ok(modules)
}

fn refuse_placeholder(pkg: &Path) -> Result<()> {
    for entry in fs::read_dir(pkg)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "js") && fs::read_to_string(&path)?.contains(PLACEHOLDER) {
            bail!("{} still has {PLACEHOLDER}: the site would never hydrate", path.display());
        }
    }
    Ok(())
}

/// Makes every module small, as many at a time as there are cores.
fn optimize(modules: &[PathBuf]) -> Result<()> {
    let tool = tree::end2end().join("node_modules/binaryen/bin/wasm-opt");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let one = |module: &PathBuf| -> Result<()> {
        let small = module.with_extension("small");
        let mut node = command("node");
        node.arg(&tool).args(WASM_OPT).arg(module).arg("-o").arg(&small);
        output(&mut node)?;
        fs::write(module, order(&fs::read(&small)?)?)?;
        Ok(fs::remove_file(small)?)
    };
    for batch in modules.chunks(cores) {
        thread::scope(|scope| {
            let running: Vec<_> = batch.iter().map(|module| scope.spawn(move || one(module))).collect();
            running.into_iter().try_for_each(|thread| thread.join().expect("optimizing does not panic"))
        })?;
    }
    Ok(())
}

/// Makes the scripts small, and the main module's seams with its own.
fn squeeze(pkg: &Path) -> Result<()> {
    let (module, script) = (pkg.join(format!("{NAME}.wasm")), pkg.join(format!("{NAME}.js")));
    let slim = without_unmade(&fs::read_to_string(&script)?);
    refuse_mentions(pkg, &slim)?;
    let (wasm, text) = shorten(&fs::read(&module)?, &slim.script, &format!("./{NAME}_bg.js"), &slim.unasked)?;
    fs::write(module, wasm)?;
    fs::write(script, text)?;
    for entry in fs::read_dir(pkg)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "js") {
            fs::write(&path, squeezed(&fs::read_to_string(&path)?))?;
        }
    }
    Ok(())
}

/// Looks for what was left out of the main script in all that ships: comments may speak of it.
fn refuse_mentions(pkg: &Path, slim: &Slim) -> Result<()> {
    let (mut scripts, mut imports) = (BTreeMap::new(), BTreeMap::new());
    for entry in fs::read_dir(pkg)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("js") if name == format!("{NAME}.js") => drop(scripts.insert(name, squeezed(&slim.script))),
            Some("js") => drop(scripts.insert(name, squeezed(&fs::read_to_string(&path)?))),
            Some("wasm") => drop(imports.insert(name, imported(&fs::read(&path)?)?)),
            _ => {}
        }
    }
    slim.refuse_mentions(&scripts, &imports)
}

/// Reads all files of a folder, named from the root of the site.
fn collect(folder: &Path, name: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = name.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &name, files)?;
        } else {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

fn compress_all(files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let mut cache = Cache::open(tree::target().join("stage/compressed"))?;
    let mut compressed = Vec::new();
    for (path, content) in files.iter().filter(|(path, _)| compress::gains(path)) {
        for ending in compress::ENDINGS {
            let mut name = path.clone().into_os_string();
            name.push(".");
            name.push(ending);
            compressed.push((PathBuf::from(name), cache.compressed(content, ending)?));
        }
    }
    files.extend(compressed);
    cache.prune()
}

/// Makes the folder hold exactly these files; what is already right is not touched.
fn publish(site: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let mut present = BTreeMap::new();
    fs::create_dir_all(site)?;
    collect(site, Path::new(""), &mut present)?;
    for stale in present.keys().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(site.join(stale))?;
    }
    for (path, content) in files.iter().filter(|(path, content)| present.get(*path) != Some(*content)) {
        let file = site.join(path);
        fs::create_dir_all(file.parent().expect("a file lies in a folder"))?;
        fs::write(&file, content).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// Tells builds of this tool apart: another splitter or binder makes another site.
fn tool_version() -> Result<String> {
    // The first is this program even if it was built anew since it started; the second is for systems without /proc.
    let running = fs::metadata("/proc/self/exe").or_else(|_| fs::metadata(env::current_exe()?));
    let file = running.context("looking at this program's own file")?;
    let built = file.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{} {}", file.len(), built.as_millis()))
}

/// Names content in caches; nothing hostile is hashed.
pub fn hash(content: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishing_removes_the_chunks_of_an_earlier_build_and_leaves_equal_files_alone() {
        let site = env::temp_dir().join(format!("xtask-site-{}", std::process::id()));
        let file = |name: &str, content: &str| (PathBuf::from(name), content.as_bytes().to_vec());
        publish(&site, &BTreeMap::from([file("pkg/old.wasm", "old"), file("same.txt", "same")])).unwrap();
        let before = fs::metadata(site.join("same.txt")).unwrap().modified().unwrap();
        publish(&site, &BTreeMap::from([file("pkg/new.wasm", "new"), file("same.txt", "same")])).unwrap();

        let mut found = BTreeMap::new();
        collect(&site, Path::new(""), &mut found).unwrap();
        let after = fs::metadata(site.join("same.txt")).unwrap().modified().unwrap();
        fs::remove_dir_all(&site).unwrap();
        assert_eq!(found, BTreeMap::from([file("pkg/new.wasm", "new"), file("same.txt", "same")]));
        assert_eq!(before, after);
    }
}
