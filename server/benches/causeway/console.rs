//! A console as a process of its own, with a folder of its own, and somebody signed in to it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::de::DeserializeOwned;
use server::{seal::Sealer, store::Store};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

pub const PROJECT: &str = "default";
const EMAIL: &str = "ingrid@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// The release binary, without the settings of somebody's console.
pub fn causeway() -> Command {
    let binary = std::env::var("CAUSEWAY_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_causeway").to_owned());
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CAUSEWAY_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end with `input`; what it wrote, if it succeeded.
pub fn feed(command: &mut Command, input: &str) -> Result<String> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // Who reads nothing may have ended already.
    let _ = child.stdin.take().context("a piped standard input")?.write_all(input.as_bytes());
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A process that ends with us.
pub struct Process(Child);

impl Process {
    /// Its log is appended to a file.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        Ok(Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Console {
    process: Option<Process>,
    data: TempDir,
    port: u16,
    cookie: String,
    /// Of its environment, from its next start on.
    settings: BTreeMap<&'static str, String>,
}

impl Console {
    /// Nobody has signed in yet.
    pub async fn start() -> Result<Self> {
        let data = tempfile::tempdir()?;
        let mut create = causeway();
        create.args(["user", "create", "--super-admin", "--password-stdin", "--email", EMAIL, "--data"]);
        feed(create.arg(data.path()), PASSWORD)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut console = Self { process: None, data, port, cookie: String::new(), settings: BTreeMap::new() };
        console.begin().await?;
        Ok(console)
    }

    pub async fn signed_in() -> Result<Self> {
        let mut console = Self::start().await?;
        console.sign_in().await?;
        Ok(console)
    }

    /// Starts the process and waits until it answers.
    pub async fn begin(&mut self) -> Result<()> {
        let mut command = causeway();
        command.args(["serve", "--listen", &format!("127.0.0.1:{}", self.port), "--data"]).arg(self.data());
        command.envs(&self.settings);
        let log = self.data().join("console.log");
        self.process = Some(Process::start(&mut command, &log)?);
        let began = Instant::now();
        while !self.get("/healthz").await.is_ok_and(|answer| answer.status == 200) {
            if began.elapsed() > Duration::from_secs(60) {
                bail!("The console did not start: {}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// A setting from its next start on; `None`: as it comes.
    pub fn set(&mut self, name: &'static str, value: Option<String>) {
        match value {
            Some(value) => self.settings.insert(name, value),
            None => self.settings.remove(name),
        };
    }

    /// Ends the process; sessions outlive it.
    pub fn end(&mut self) {
        self.process = None;
    }

    pub async fn sign_in(&mut self) -> Result<()> {
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", "")];
        let answer = self.post("session/sign-in", &fields).await?;
        ensure!(answer.status == 200, "signing in: {}", answer.text());
        let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        let pairs = cookies.map(|(_, value)| value.split(';').next().unwrap_or_default().to_owned());
        self.cookie = pairs.collect::<Vec<_>>().join("; ");
        Ok(())
    }

    pub fn data(&self) -> &Path {
        self.data.path()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Where agents of this machine reach it.
    pub fn agents(&self) -> String {
        format!("unix:{}", self.data().join("agent.sock").display())
    }

    /// The console's own database, beside it.
    pub async fn store(&self) -> Result<Store> {
        Ok(Store::open(&format!("sqlite:{}", self.database().display())).await?)
    }

    pub fn database(&self) -> std::path::PathBuf {
        self.data().join("causeway.db")
    }

    pub fn sealer(&self) -> Result<Sealer> {
        let text = std::fs::read_to_string(self.data().join("master.key"))?;
        let key = STANDARD.decode(text.trim())?;
        Ok(Sealer::new(key.try_into().map_err(|_| anyhow::anyhow!("a master key has 32 bytes"))?))
    }

    /// Resident memory, in kB.
    pub fn resident(&self) -> Result<u64> {
        let process = self.process.as_ref().context("the console runs")?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a kernel that tells VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// What a function that must not refuse answers. The project is added.
    pub async fn call<T: DeserializeOwned>(&self, function: &str, fields: &[(&str, &str)]) -> Result<T> {
        let answer = self.post(function, &[&[("project", PROJECT)], fields].concat()).await?;
        ensure!(answer.status == 200, "{function}: {}", answer.text());
        Ok(serde_json::from_slice(&answer.body)?)
    }

    async fn post(&self, function: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
            ("accept", "application/json"),
            ("cookie", self.cookie.as_str()),
        ];
        let body = serde_urlencoded::to_string(fields)?;
        send(self.port, "POST", &format!("/api/{function}"), &headers, body.as_bytes()).await
    }

    /// A page as a browser without scripts asks for it.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        let headers = [("accept", "text/html"), ("cookie", self.cookie.as_str())];
        send(self.port, "GET", path, &headers, b"").await
    }
}

pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it was sent: still compressed.
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// HTTP/1.0: the answer ends with the connection. The same for what is measured and for its floor.
pub async fn send(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut request =
        format!("{method} {path} HTTP/1.0\r\nhost: 127.0.0.1:{port}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(&[request.as_bytes(), body].concat()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").context("the answer was cut short")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("an answer without a status")?;
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Ok(Answer { status, headers: head.lines().filter_map(header).collect(), body: bytes.split_off(end + 4) })
}
