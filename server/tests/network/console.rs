//! A console as a process of its own, and somebody signed in to it who calls its functions.

use std::{
    fs::File,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_causeway");
const EMAIL: &str = "ingrid@example.com";
const PASSWORD: &str = "correct horse battery staple";
pub const PROJECT: &str = "default";
/// Names the server for the trials on PostgreSQL.
pub const POSTGRES: &str = "CAUSEWAY_TEST_POSTGRES";

/// The binary without the settings of somebody's console.
pub fn causeway() -> Command {
    without_settings(Command::new(BINARY))
}

fn without_settings(mut command: Command) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CAUSEWAY_")) {
        command.env_remove(name);
    }
    command
}

pub struct Console {
    data: TempDir,
    port: u16,
    options: Vec<String>,
    child: Option<Child>,
}

impl Console {
    /// With somebody who may do everything.
    pub fn start(options: &[&str]) -> Self {
        Self::start_on(None, options)
    }

    /// `database`: where it is, if not in a file of the console's own.
    pub fn start_on(database: Option<String>, options: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let database: Vec<String> = database.into_iter().flat_map(|url| ["--database-url".to_owned(), url]).collect();
        let mut create = causeway();
        create
            .args(["user", "create", "--super-admin", "--password-stdin", "--email", EMAIL, "--data"])
            .arg(data.path())
            .args(&database);
        let mut child = create.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the command runs");
        child.stdin.take().expect("piped").write_all(PASSWORD.as_bytes()).expect("the password");
        assert!(child.wait().expect("it ends").success(), "there is an administrator");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
        let options = database.into_iter().chain(options.iter().map(|option| (*option).to_owned())).collect();
        let mut console = Self { data, port: free.port(), options, child: None };
        console.begin();
        console
    }

    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Where agents of this machine reach it.
    pub fn agents(&self) -> String {
        format!("unix:{}", self.data().join("agent.sock").display())
    }

    fn log_file(&self) -> PathBuf {
        self.data().join("console.log")
    }

    pub fn last_words(&self) -> String {
        last_lines(&self.log_file(), 30)
    }

    /// Starts it and waits until it answers.
    pub fn begin(&mut self) {
        let log = File::options().create(true).append(true).open(self.log_file()).expect("the log");
        // It ends with this program, however that ends.
        let mut command = without_settings(Command::new("setpriv"));
        command.args(["--pdeathsig", "KILL", "--", BINARY]);
        command.args(["serve", "--listen", &format!("127.0.0.1:{}", self.port), "--data"]).arg(self.data());
        // These tests are of hosts; simulated clouds would only take their time.
        command.env("CAUSEWAY_LOOKALIKE", "false");
        command.args(&self.options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().expect("the console starts");
        let patience = Instant::now() + Duration::from_secs(40);
        while !self.healthy() {
            let ended = child.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "the console ended with {ended:?}: {}", self.last_words());
            assert!(Instant::now() < patience, "the console was not healthy in time: {}", self.last_words());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child = Some(child);
    }

    fn healthy(&self) -> bool {
        send(self.port, "GET", "/healthz", &[], "").is_ok_and(|answer| answer.status == 200)
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a child of ours");
            child.wait().expect("it is dead");
        }
    }

    /// Behind the back of a console that does not run.
    pub fn copy_database(&self, to: &Path) {
        assert!(self.child.is_none(), "nobody writes while it is copied");
        for name in ["causeway.db", "causeway.db-wal"] {
            let _ = std::fs::remove_file(to.join(name));
            let from = self.data().join(name);
            if from.exists() {
                std::fs::copy(from, to.join(name)).expect("a copy");
            }
        }
    }

    pub fn put_database_back(&self, from: &Path) {
        assert!(self.child.is_none(), "nobody writes while it is replaced");
        for name in ["causeway.db", "causeway.db-wal", "causeway.db-shm"] {
            let _ = std::fs::remove_file(self.data().join(name));
            if from.join(name).exists() {
                std::fs::copy(from.join(name), self.data().join(name)).expect("a copy");
            }
        }
    }

    pub fn sign_in(&self) -> Web {
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", "")];
        let answer =
            Web { port: self.port, cookie: String::new() }.send("session/sign-in", &fields).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
        Web { port: self.port, cookie: answer.cookies.join("; ") }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An empty database of its own on the server that `CAUSEWAY_TEST_POSTGRES` names.
pub fn postgres_database() -> String {
    let server = std::env::var(POSTGRES).expect("the trial is left out without one");
    let database = format!("causeway_network_{}", uuid::Uuid::now_v7().simple());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let connection = <sqlx::AnyConnection as sqlx::Connection>::connect(&server).await;
        let create = sqlx::AssertSqlSafe(format!("create database {database}"));
        sqlx::query(create).execute(&mut connection.expect("the server answers")).await.expect("a new database");
    });
    let (server, _) = server.rsplit_once('/').expect("an address ends with /DATABASE");
    format!("{server}/{database}")
}

pub fn last_lines(file: &Path, count: usize) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// A browser's session.
#[derive(Clone)]
pub struct Web {
    port: u16,
    cookie: String,
}

pub struct Answer {
    pub status: u16,
    pub body: String,
    cookies: Vec<String>,
}

impl Web {
    /// Calls a server function as WASM does.
    pub fn send(&self, function: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        let body = serde_urlencoded::to_string(fields).expect("texts");
        self.post(function, "application/x-www-form-urlencoded", &body)
    }

    /// The same, for a function that takes JSON.
    pub fn send_json(&self, function: &str, value: &serde_json::Value) -> io::Result<Answer> {
        self.post(function, "application/json", &value.to_string())
    }

    fn post(&self, function: &str, kind: &str, body: &str) -> io::Result<Answer> {
        let headers = [
            ("content-type", kind),
            ("sec-fetch-site", "same-origin"),
            ("accept", "application/json"),
            ("cookie", self.cookie.as_str()),
        ];
        send(self.port, "POST", &format!("/api/{function}"), &headers, body)
    }

    /// What a function that must not refuse answers. The project is added.
    pub fn call<T: DeserializeOwned>(&self, function: &str, fields: &[(&str, &str)]) -> T {
        let answer = self.in_project(function, fields).unwrap_or_else(|error| panic!("{function}: {error}"));
        assert_eq!(answer.status, 200, "{function} {fields:?}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{function}: {error} in {}", answer.body))
    }

    pub fn act(&self, function: &str, fields: &[(&str, &str)]) {
        self.call::<()>(function, fields);
    }

    /// What a function that must refuse says.
    pub fn refused(&self, function: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let answer = self.in_project(function, fields).unwrap_or_else(|error| panic!("{function}: {error}"));
        assert_ne!(answer.status, 200, "{function} {fields:?} was not refused");
        (answer.status, answer.body)
    }

    pub fn in_project(&self, function: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        self.send(function, &[&[("project", PROJECT)], fields].concat())
    }
}

/// HTTP/1.0: the answer ends with the connection. A console that is killed meanwhile is an error.
fn send(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut request =
        format!("{method} {path} HTTP/1.0\r\nhost: 127.0.0.1:{port}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(cut)?;
    let cookies = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        (name.eq_ignore_ascii_case("set-cookie")).then(|| value.split(';').next().unwrap_or_default().to_owned())
    });
    Ok(Answer { status, cookies: cookies.collect(), body: body.to_owned() })
}
