//! The supervisor of a lab: process 1 of the lab's PID namespace.
//!
//! Makes the hosts, then runs and ends programs in them as it is asked. Its `/proc` is the
//! machine's own, so that a holder reads there the number by which others find it.

use std::{
    collections::BTreeMap,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

use super::{
    control::{Answer, Ask, Folder, Status},
    layout::{CABLES, HOSTS},
};

/// Flags of `unshare` that make namespaces possible for this user.
pub fn namespace_flags() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() { &[] } else { &["--user", "--map-root-user"] }
}

/// What a host's holder does: a private `/run`, then nothing, under a number that it writes down.
const HOLDER: &str = r#"mount -t tmpfs none /run && mkdir -m 700 /run/wireguard && ip link set lo up && read -r pid rest </proc/self/stat && echo "$pid" && exec sleep infinity"#;

struct Lab {
    folder: Folder,
    status: Status,
    holders: Vec<Child>,
    programs: BTreeMap<String, Child>,
}

/// Runs until it is told to end. Everything in its PID namespace ends with it.
pub async fn hold(dir: PathBuf) -> anyhow::Result<()> {
    std::fs::create_dir_all(&dir)?;
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700))?;
    let folder = Folder(dir);
    let mut lab =
        Lab { folder: folder.clone(), status: Status::default(), holders: Vec::new(), programs: BTreeMap::new() };
    lab.build()?;
    // A socket of a lab that was killed is in the way.
    let _ = std::fs::remove_file(folder.socket());
    let listener = UnixListener::bind(folder.socket()).context("The control socket cannot be made")?;
    let mut reap = tokio::time::interval(Duration::from_secs(1));
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                if lab.answer(stream).await? {
                    return Ok(());
                }
            }
            _ = reap.tick() => lab.reap(),
            _ = term.recv() => return Ok(()),
        }
    }
}

impl Lab {
    fn build(&mut self) -> anyhow::Result<()> {
        self.status.user_namespace = !namespace_flags().is_empty() || in_user_namespace();
        for host in HOSTS {
            let mut holder = Command::new("unshare")
                .args(["--net", "--mount", "--propagation", "private", "sh", "-c", HOLDER])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .with_context(|| format!("host {}", host.name))?;
            let mut line = String::new();
            let out = holder.stdout.take().expect("it is piped");
            std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line)?;
            let Ok(pid) = line.trim().parse() else {
                bail!("Host {} did not come up: unshare, mount or ip refused.", host.name)
            };
            self.status.hosts.insert(host.name.to_owned(), pid);
            self.holders.push(holder);
        }
        for cable in CABLES {
            let pid = |host: &str| self.status.hosts[host].to_string();
            let ((left, left_interface), (right, right_interface)) = (cable.left, cable.right);
            // By its file: a number would be looked up in this PID namespace, where the host has another.
            let (left, right) = (format!("/proc/{}/ns/net", pid(left)), pid(right));
            run(Command::new("nsenter")
                .args([
                    "-t",
                    &right,
                    "-n",
                    "--",
                    "ip",
                    "link",
                    "add",
                    "name",
                    right_interface,
                    "type",
                    "veth",
                    "peer",
                    "name",
                ])
                .args([left_interface, "netns", &left]))?;
        }
        for host in HOSTS {
            feed(&mut self.inside(host.name, &["ip", "-batch", "-"])?, &(host.setup.join("\n") + "\n"))?;
            for setting in host.sysctl {
                let (name, value) = setting.split_once('=').context("a setting is name=value")?;
                let write = format!("echo {value} >/proc/sys/{}", name.replace('.', "/"));
                run(&mut self.inside(host.name, &["sh", "-c", &write])?)?;
            }
            if let Some(rules) = host.nft {
                feed(&mut self.inside(host.name, &["nft", "-f", "-"])?, rules)?;
            }
        }
        Ok(())
    }

    fn inside(&self, host: &str, program: &[&str]) -> anyhow::Result<Command> {
        let holder = self.status.hosts.get(host).with_context(|| format!("The lab has no host {host}."))?;
        let mut command = Command::new("nsenter");
        // Inside the lab's own user namespace already: only network and mounts are entered.
        command.args(["-t", &holder.to_string(), "-n", "-m", "--"]).args(program);
        Ok(command)
    }

    /// Whether the lab should end.
    async fn answer(&mut self, stream: UnixStream) -> anyhow::Result<bool> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        if tokio::time::timeout(Duration::from_secs(5), stream.read_line(&mut line)).await.is_err() {
            return Ok(false);
        }
        let ask = serde_json::from_str::<Ask>(&line);
        let ends = matches!(ask, Ok(Ask::Down));
        let answer = match ask {
            Ok(Ask::Status) => {
                self.reap();
                Answer::Status(self.status.clone())
            }
            Ok(Ask::Start { name, host, program }) => done(self.start(&name, &host, &program).await),
            Ok(Ask::Stop { name, hard }) => done(self.stop(&name, hard).await),
            Ok(Ask::Down) => Answer::Done,
            Err(error) => Answer::Failed(format!("Not a question that a lab answers: {error}")),
        };
        let mut text = serde_json::to_string(&answer)?;
        text.push('\n');
        // Whoever asked may be gone by now.
        let _ = stream.get_mut().write_all(text.as_bytes()).await;
        Ok(ends)
    }

    async fn start(&mut self, name: &str, host: &str, program: &[String]) -> anyhow::Result<()> {
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') || program.is_empty() {
            bail!("A program needs a name of letters, digits and dashes, and a command.");
        }
        self.stop(name, false).await?;
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.log(name))?;
        let words: Vec<&str> = program.iter().map(String::as_str).collect();
        let child = self.inside(host, &words)?.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        self.programs.insert(name.to_owned(), child);
        self.status.programs.insert(name.to_owned(), true);
        Ok(())
    }

    async fn stop(&mut self, name: &str, hard: bool) -> anyhow::Result<()> {
        let Some(mut child) = self.programs.remove(name) else { return Ok(()) };
        self.status.programs.remove(name);
        if !hard && let Ok(pid) = i32::try_from(child.id()) {
            let pid = rustix::process::Pid::from_raw(pid).context("a process number")?;
            // It may have ended by itself.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let patience = Instant::now() + Duration::from_secs(3);
            while child.try_wait()?.is_none() && Instant::now() < patience {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        let _ = child.kill();
        child.wait()?;
        Ok(())
    }

    /// Notes which programs have ended. Orphans of theirs stay as zombies until the lab ends; there are few.
    fn reap(&mut self) {
        for (name, child) in &mut self.programs {
            let runs = matches!(child.try_wait(), Ok(None));
            self.status.programs.insert(name.clone(), runs);
        }
    }
}

fn in_user_namespace() -> bool {
    std::fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.split_whitespace().nth(2) != Some("4294967295"))
}

fn done(result: anyhow::Result<()>) -> Answer {
    match result {
        Ok(()) => Answer::Done,
        Err(error) => Answer::Failed(format!("{error:#}")),
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn feed(command: &mut Command, input: &str) -> anyhow::Result<()> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().expect("it is piped").write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
