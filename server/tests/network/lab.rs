//! A lab and what is done on its hosts.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use server::lab::control::{Folder, Status, enter};
use tempfile::TempDir;

use super::console::{BINARY, causeway, last_lines};

/// WireGuard sends a lost handshake again after 5 s; two gateways that were just joined lose none.
pub const PATIENCE: Duration = Duration::from_secs(12);

pub struct Lab {
    dir: TempDir,
    status: Status,
    /// Takes the lab down when this program is killed: the end of its input tells it.
    guard: Child,
}

const GUARD: &str = r#"read -r never; exec "$0" lab --dir "$1" down"#;

impl Lab {
    pub fn up() -> Self {
        Self::with("auto")
    }

    /// Its agents speak to WireGuard in this way: `uapi`, `wg` or `auto`.
    pub fn with(wireguard: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, BINARY]).arg(dir.path().join("lab")).process_group(0);
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let guard = guard.spawn().expect("a shell");
        let mut lab = Self { dir, status: Status::default(), guard };
        let up = feed(lab.command(&["up"]).env("CAUSEWAY_AGENT_HOST", wireguard), "");
        assert!(up.status.success(), "lab up: {}", String::from_utf8_lossy(&up.stderr));
        lab.status = lab.read_status().expect("a lab that is up answers");
        lab
    }

    pub fn folder(&self) -> Folder {
        Folder(self.dir.path().join("lab"))
    }

    pub fn status(&self) -> &Status {
        &self.status
    }

    pub fn read_status(&self) -> Option<Status> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(self.folder().status())
    }

    /// `causeway lab …`.
    pub fn ask(&self, words: &[&str], input: &str) -> Output {
        feed(&mut self.command(words), input)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = causeway();
        command.args(["lab", "--dir"]).arg(self.folder().0).args(words);
        command
    }

    pub fn must(&self, words: &[&str], input: &str) -> String {
        let output = self.ask(words, input);
        assert!(output.status.success(), "lab {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Whether the program of a name runs.
    pub fn runs(&self, name: &str) -> bool {
        self.read_status().is_some_and(|status| status.programs.get(name) == Some(&true))
    }

    fn inside(&self, host: &str) -> Command {
        let words = enter(&self.status, host).unwrap_or_else(|| panic!("the lab has no host {host}"));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }

    /// A shell line on a host; what it wrote, if it succeeded.
    pub fn try_run(&self, host: &str, line: &str) -> Result<String, String> {
        self.feed(host, line, "")
    }

    pub fn run(&self, host: &str, line: &str) -> String {
        self.try_run(host, line).unwrap_or_else(|error| panic!("on {host}, {line}: {error}"))
    }

    pub fn feed(&self, host: &str, line: &str, input: &str) -> Result<String, String> {
        let output = feed(self.inside(host).args(["sh", "-c", line]), input);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Echo requests at an interval of so many seconds, and how many of them were answered.
    pub fn pings(&self, from: &str, to: &str, interval: f32, count: u32) -> Pings {
        // ping(8) waits for its last answer only as long as the slowest one took: on a busy machine that
        // is too short, so it sends half a second's more than are counted.
        let all = if count > 1 { count + (0.5 / interval) as u32 } else { 1 };
        let mut command = self.inside(from);
        command.args(["ping", "-n", "-W", "1", "-i", &interval.to_string(), "-c", &all.to_string(), to]);
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("ping runs");
        Pings { child, count }
    }

    pub fn ping(&self, from: &str, to: &str) -> bool {
        self.pings(from, to, 0.2, 1).answered() == 1
    }

    /// As soon as a session is there.
    pub fn reaches(&self, from: &str, to: &str) {
        let patience = Instant::now() + PATIENCE;
        while !self.ping(from, to) {
            assert!(Instant::now() < patience, "{from} does not reach {to}\n{}", self.words());
        }
    }

    pub fn never_reaches(&self, from: &str, to: &str) {
        let answered = self.pings(from, to, 0.2, 3).answered();
        assert_eq!(answered, 0, "{from} reaches {to}");
    }

    /// Packets of the sites that were seen on the internet with a private address.
    pub fn leaks(&self) -> u64 {
        counters(&self.run("inet", "nft list chain inet lab seen")).iter().sum()
    }

    /// What the agents said last.
    pub fn words(&self) -> String {
        let log = |host: &str| last_lines(&self.folder().log(&format!("agent-{host}")), 12);
        format!("gw-alpha:\n{}\ngw-beta:\n{}", log("gw-alpha"), log("gw-beta"))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.words());
        }
        self.ask(&["down"], "");
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

pub struct Pings {
    child: Child,
    count: u32,
}

impl Pings {
    /// Waits for the end of it.
    pub fn answered(self) -> u32 {
        let output = self.child.wait_with_output().expect("ping ends");
        let text = String::from_utf8_lossy(&output.stdout);
        let replies = text.lines().filter(|line| line.contains(" bytes from "));
        let numbers = replies.filter_map(|line| line.split("icmp_seq=").nth(1)?.split(' ').next()?.parse::<u32>().ok());
        let answered = numbers.filter(|number| *number <= self.count).collect::<std::collections::BTreeSet<_>>().len();
        answered.try_into().expect("not more than were sent")
    }
}

fn feed(command: &mut Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    // Who reads nothing may have ended already.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

/// The numbers of packets in what nft lists.
pub fn counters(listing: &str) -> Vec<u64> {
    listing
        .split("counter packets ")
        .skip(1)
        .map(|rest| rest.split(' ').next().and_then(|number| number.parse().ok()).expect("a number of packets"))
        .collect()
}
