//! Running other programs: found, announced, with an environment that cargo and rustup did not leave behind.
//!
//! When cargo runs xtask it sets variables (its own path, the toolchain, the package) that would make a child cargo use
//! the toolchain of xtask instead of the product's. Every child starts without them.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::tree;

/// A command in the checkout, free of what cargo and rustup set for xtask itself.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(tree::root());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|start| text.starts_with(start));
        if ours
            || ["CARGO", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR", "RUSTUP_TOOLCHAIN"].contains(&&*text)
        {
            command.env_remove(&name);
        }
    }
    // Both put the libraries of xtask's toolchain first, where another compiler would find them.
    for variable in ["LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
        let Some(paths) = env::var_os(variable) else { continue };
        let kept: Vec<PathBuf> = env::split_paths(&paths)
            .filter(|path| !path.starts_with(tree::target()) && !path.iter().any(|part| part == "toolchains"))
            .collect();
        match env::join_paths(kept) {
            Ok(joined) if !joined.is_empty() => command.env(variable, joined),
            _ => command.env_remove(variable),
        };
    }
    command
}

/// The path of a program. Debian keeps `nft` and `ip` where an ordinary user's PATH does not look.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

pub fn is_root() -> bool {
    output(command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// A command with root's rights, or None where they cannot be had without asking for a password.
pub fn as_root(program: &str) -> Option<Command> {
    if is_root() {
        return Some(command(program));
    }
    find("sudo")?;
    succeeds(command("sudo").args(["-n", "true"])).then(|| {
        let mut sudo = command("sudo");
        sudo.args(["-n", "--preserve-env=DEBIAN_FRONTEND", program]);
        sudo
    })
}

/// Runs with the terminal's input and output; an error names the command.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// Standard output of a command that succeeded.
pub fn output(command: &mut Command) -> Result<String> {
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("starting {}", shown(command)))?;
    if !done.status.success() {
        bail!("{} failed ({}): {}", shown(command), done.status, String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// Whether a command succeeds; what it says is nobody's business.
pub fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Runs a noisy command into the set-up log, for at most `limit`; an error carries the end of what it said.
pub fn logged(command: &mut Command, limit: Duration) -> Result<()> {
    fs::create_dir_all(tree::target())?;
    let path = tree::setup_log();
    let mut log = OpenOptions::new().create(true).append(true).open(&path)?;
    writeln!(log, "\n$ {}", shown(command))?;
    let start = log.metadata()?.len() as usize;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("starting {}", shown(command)))?;
    let finished = wait(&mut child, limit)?;
    if finished == Some(true) {
        return Ok(());
    }
    let text = fs::read(&path).unwrap_or_default();
    let tail = end_of(text.get(start..).unwrap_or_default(), 15);
    let outcome = if finished.is_none() { "took too long" } else { "failed" };
    bail!("{} {outcome}; the end of what it said ({}):\n{}", shown(command), path.display(), tail);
}

/// Runs a command, handing on each line of its standard output as it comes. Says whether it succeeded; a command that
/// is not done after `limit` is ended with everything it started, and has failed.
pub fn lines(command: &mut Command, limit: Duration, mut each: impl FnMut(&str)) -> Result<bool> {
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("starting {}", shown(command)))?;
    let stdout = child.stdout.take().expect("standard output is piped");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
            line.clear();
            if sender.send(text).is_err() {
                break;
            }
        }
    });
    let end = Instant::now() + limit;
    loop {
        match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => each(&line),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(child.wait()?.success()),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                eprintln!("xtask: {} was not done after {}, ending it", shown(command), duration(limit));
                end_tree(&mut child);
                return Ok(false);
            }
        }
    }
}

/// A command that runs beside everything else, with what the rest leaves of the machine.
pub struct Background {
    child: Child,
    shown: String,
    log: PathBuf,
}

/// Starts a noisy command at the lowest priority; what it says goes into a file.
pub fn background(command: &mut Command, log: PathBuf) -> Result<Background> {
    let shown = shown(command);
    let file = File::create(&log).with_context(|| format!("writing {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let child = command.spawn().with_context(|| format!("starting {shown}"))?;
    let process = child.id().to_string();
    if !succeeds(self::command("chrt").args(["--idle", "--pid", "0", &process])) {
        succeeds(self::command("renice").args(["-n", "19", "-p", &process]));
    }
    Ok(Background { child, shown, log })
}

impl Background {
    /// Waits until it is done; an error carries the end of what it said.
    pub fn finish(mut self) -> Result<()> {
        if self.child.wait()?.success() {
            return Ok(());
        }
        let text = fs::read(&self.log).unwrap_or_default();
        bail!("{} failed; the end of what it said ({}):\n{}", self.shown, self.log.display(), end_of(&text, 60));
    }
}

impl Drop for Background {
    /// Nobody waits for it any more.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            end_tree(&mut self.child);
        }
    }
}

fn end_of(text: &[u8], lines: usize) -> String {
    let said = String::from_utf8_lossy(text).into_owned();
    let all: Vec<&str> = said.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// A duration as a person reads it: `850 ms`, `12.3 s`, `4 min 05 s`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{:.1} s", duration.as_secs_f32()),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// The command as a person would type it, without the folder of the program.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

/// Waits for a child: whether it succeeded, or None if it was ended after `limit`.
fn wait(child: &mut Child, limit: Duration) -> Result<Option<bool>> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        thread::sleep(Duration::from_millis(50));
    }
    end_tree(child);
    Ok(None)
}

/// Ends a child and all that it started: a test binary outlives the cargo that was running it.
fn end_tree(child: &mut Child) {
    let table = output(command("ps").args(["-A", "-o", "pid=,ppid="])).unwrap_or_default();
    let pairs: Vec<(u32, u32)> = table
        .lines()
        .filter_map(|line| {
            let mut columns = line.split_whitespace();
            Some((columns.next()?.parse().ok()?, columns.next()?.parse().ok()?))
        })
        .collect();
    let mut family = vec![child.id()];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(process, _)| *process));
        next += 1;
    }
    for process in family {
        succeeds(command("kill").args(["-KILL", &process.to_string()]));
    }
    _ = child.wait();
}
