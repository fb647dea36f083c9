//! A console as a process of its own, and browsers that remember their cookies.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub const EMAIL: &str = "ingrid@example.com";
pub const PASSWORD: &str = "correct horse battery staple";

const BINARY: &str = env!("CARGO_BIN_EXE_causeway");

pub struct Console {
    pub port: u16,
    data: TempDir,
    child: Child,
    environment: Vec<(String, String)>,
    options: Vec<String>,
}

impl Console {
    /// With an administrator.
    pub fn start() -> Self {
        Self::start_with(&[], &[])
    }

    pub fn start_with(environment: &[(&str, &str)], options: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        create(data.path(), EMAIL, true, environment);
        Self::launch(data, environment, options)
    }

    /// The same on a PostgreSQL database of its own; `None` where `CAUSEWAY_TEST_POSTGRES` names no server.
    pub fn start_on_postgres() -> Option<Self> {
        let url = Self::postgres("http")?;
        Some(Self::start_with(&[("CAUSEWAY_DATABASE_URL", &url)], &[]))
    }

    /// A PostgreSQL database of its own.
    pub fn postgres(called: &str) -> Option<String> {
        let Ok(server) = std::env::var("CAUSEWAY_TEST_POSTGRES") else {
            let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!in_ci, "CAUSEWAY_TEST_POSTGRES names no PostgreSQL server, and in CI that is a failure");
            return None;
        };
        let database = format!("{called}_{}", uuid::Uuid::now_v7().simple());
        execute(&server, &format!("create database {database}"));
        let (server, _) = server.rsplit_once('/').expect("an address ends with /DATABASE");
        Some(format!("{server}/{database}"))
    }

    /// As on a fresh machine: only the set-up link leads in.
    pub fn without_anybody() -> Self {
        Self::launch(tempfile::tempdir().expect("a folder"), &[], &[])
    }

    fn launch(data: TempDir, environment: &[(&str, &str)], options: &[&str]) -> Self {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let child = Command::new("true").spawn().expect("a placeholder");
        let mut console = Self { port: 0, data, child, environment, options };
        console.restart();
        console
    }

    /// Ends the process as an operator would, and starts it again with the same data on the same port.
    pub fn restart(&mut self) {
        self.terminate();
        let log = File::options().create(true).append(true).open(self.log_file()).expect("the log");
        let mut command = command();
        command.arg("serve").args(["--listen", &format!("127.0.0.1:{}", self.port), "--data"]).arg(self.data());
        // Of the clouds there are tests of their own.
        command.env("CAUSEWAY_LOOKALIKE", "false");
        command.args(&self.options).envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.child = command.stdout(Stdio::null()).stderr(log).spawn().expect("the console starts");
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("the console ended with {status}: {}", self.log());
            }
            if self.port == 0 {
                self.port = self.logged_port("http://127.0.0.1:").unwrap_or(0);
            }
            if self.port != 0
                && Answer::over_tcp(self.port, "GET", "/healthz", &[], b"").is_some_and(|answer| answer.status == 200)
            {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the console was not healthy in time: {}", self.log());
    }

    /// The port of the https listener.
    pub fn https_port(&self) -> u16 {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            match self.logged_port("https://127.0.0.1:") {
                Some(port) => return port,
                None if Instant::now() > end => panic!("there is no https listener: {}", self.log()),
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Port 0 was asked for: the log says which it became.
    fn logged_port(&self, address: &str) -> Option<u16> {
        let log = self.log();
        let rest = log.split(address).nth(1)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    fn log_file(&self) -> PathBuf {
        self.data().join("console.log")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Stops the console; it can be started again.
    pub fn halt(&mut self) {
        self.terminate();
    }

    /// Stops the console; gives everything that it logged.
    pub fn stop(mut self) -> String {
        self.terminate();
        self.log()
    }

    fn terminate(&mut self) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        if let (Ok(None), Some(id)) = (self.child.try_wait(), rustix::process::Pid::from_raw(id)) {
            let started = Instant::now();
            _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
            while self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
                assert!(started.elapsed() < Duration::from_secs(12), "the console did not stop when it was told to");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// What a console says that does not start.
    pub fn fails(data: &Path, options: &[&str]) -> (Option<i32>, String) {
        let output = command().arg("serve").arg("--data").arg(data).args(options).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    pub fn set_up_link(&self) -> String {
        std::fs::read_to_string(self.data().join("setup-link")).expect("the link's file").trim().to_owned()
    }

    pub fn create_administrator(&self) {
        create(self.data(), EMAIL, true, &[]);
    }

    pub fn create_stranger_without_membership(&self, email: &str) {
        create(self.data(), email, false, &[]);
        self.sql(&format!("delete from membership where person_id = (select id from person where email = '{email}')"));
    }

    /// As if nobody had used a session for a while.
    pub fn age_sessions(&self, seconds: i64) {
        self.sql(&format!("update session set seen_at = seen_at - {}", seconds * 1000));
    }

    /// Behind the console's back.
    pub fn sql(&self, statement: &str) {
        sql(&self.data().join("causeway.db"), statement);
    }

    pub fn copy_database_with_a_newer_schema(&self, to: &Path) {
        self.sql(&format!("vacuum into '{}'", to.display()));
        sql(
            to,
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'newer', 1, x'00', 0)",
        );
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn sql(database: &Path, statement: &str) {
    execute(&format!("sqlite:{}", database.display()), statement);
}

pub fn execute(url: &str, statement: &str) {
    let (url, statement) = (url.to_owned(), statement.to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut connection = <sqlx::AnyConnection as sqlx::Connection>::connect(&url).await.expect("the database");
        if url.starts_with("sqlite:") {
            sqlx::query("pragma busy_timeout = 10000").execute(&mut connection).await.expect("patience");
        }
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.expect("the statement");
    });
}

/// The binary without the settings of somebody's console.
pub fn command() -> Command {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CAUSEWAY_")) {
        command.env_remove(name);
    }
    command
}

fn create(data: &Path, email: &str, administrator: bool, environment: &[(&str, &str)]) {
    let mut command = command();
    command.envs(environment.iter().copied());
    command.args(["user", "create", "--email", email, "--password-stdin", "--data"]).arg(data);
    if administrator {
        command.arg("--super-admin");
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the command runs");
    child.stdin.take().expect("piped").write_all(PASSWORD.as_bytes()).expect("the password");
    assert!(child.wait().expect("it ends").success());
}

pub fn form(fields: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(fields).expect("texts")
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn location(&self) -> &str {
        self.header("location").unwrap_or("")
    }

    pub fn over_tcp(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        Some(Self::over(stream, method, path, headers, body))
    }

    pub fn over_socket(socket: &Path, method: &str, path: &str, body: &[u8]) -> Self {
        Self::over(UnixStream::connect(socket).expect("the socket"), method, path, &[("host", "agents")], body)
    }

    /// As the agent that holds this credential.
    pub fn over_socket_as(socket: &Path, credential: &str, path: &str) -> Self {
        let bearer = format!("Bearer {credential}");
        let stream = UnixStream::connect(socket).expect("the socket");
        Self::over(stream, "GET", path, &[("host", "agents"), ("authorization", &bearer)], b"")
    }

    /// Over TLS, trusting anybody: the answer, and the SHA-256 of the certificate.
    pub fn over_tls(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (Self, String) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("both versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let connection = ClientConnection::new(Arc::new(client), name).expect("a client");
        let mut stream =
            StreamOwned::new(connection, TcpStream::connect(("127.0.0.1", port)).expect("the console listens"));
        stream.flush().expect("a handshake");
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).expect("a handshake");
        }
        let certificate = stream.conn.peer_certificates().expect("a certificate")[0].clone();
        let digest = Sha256::digest(&certificate).iter().map(|byte| format!("{byte:02x}")).collect();
        (Self::over(stream, method, path, headers, body), digest)
    }

    fn over(mut stream: impl Read + Write, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        ask(&mut stream, method, path, headers, body);
        let mut reader = BufReader::new(stream);
        let (status, headers) = head(&mut reader);
        let mut body = Vec::new();
        // A TLS connection may end without a closing word; the length says whether all is there.
        if let Err(error) = reader.read_to_end(&mut body) {
            assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{error}");
        }
        Self { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
    }
}

/// Trusts every certificate and checks that its key signed.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// HTTP/1.0: the answer ends with the connection.
fn ask(stream: &mut impl Write, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
    let mut text = format!("{method} {path} HTTP/1.0\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes()).expect("the request's head");
    stream.write_all(body).expect("the request's body");
}

fn head(reader: &mut impl BufRead) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a status line");
    let status =
        line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no status in {line:?}"));
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_lowercase(), value.trim().to_owned())),
            None => return (status, headers),
        }
    }
}

/// A browser without WASM and one that calls functions, with one set of cookies.
#[derive(Clone)]
pub struct Browser {
    port: u16,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(console: &Console) -> Self {
        Self { port: console.port, cookies: BTreeMap::new() }
    }

    pub fn signed_in(console: &Console) -> Self {
        let mut browser = Self::new(console);
        let answer = browser.sign_in(EMAIL, PASSWORD);
        assert_eq!(answer.status, 200, "{}", answer.body);
        browser
    }

    pub fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        self.call("session/sign-in", &[("email", email), ("password", password), ("next", "")])
    }

    pub fn create_vpc(&mut self, name: &str, cidr: &str) {
        let fields = [("project", "default"), ("name", name), ("cloud", "local-default"), ("cidr", cidr)];
        let answer = self.call("vpcs/create", &fields);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Opens a page.
    pub fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("accept", "text/html,application/xhtml+xml"), ("sec-fetch-site", "none")], b"")
    }

    /// Calls a server function as WASM does.
    pub fn call(&mut self, function: &str, fields: &[(&str, &str)]) -> Answer {
        let headers = [
            ("accept", "application/json"),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send("POST", &format!("/api/{function}"), &headers, form(fields).as_bytes())
    }

    /// Submits a plain HTML form on a page.
    pub fn submit(&mut self, function: &str, page: &str, fields: &[(&str, &str)]) -> Answer {
        let referer = format!("http://127.0.0.1:{}{page}", self.port);
        let headers = [
            ("accept", "text/html,application/xhtml+xml"),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("referer", referer.as_str()),
        ];
        self.send("POST", &format!("/api/{function}"), &headers, form(fields).as_bytes())
    }

    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let own = self.headers();
        let mut all: Vec<(&str, &str)> = headers.to_vec();
        for (name, value) in &own {
            if !headers.iter().any(|(given, _)| given == name) {
                all.push((name, value));
            }
        }
        let answer = Answer::over_tcp(self.port, method, path, &all, body).expect("the console listens");
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, rest) = cookie.split_once('=').expect("a cookie");
            let value = rest.split(';').next().expect("a value");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("host", format!("127.0.0.1:{}", self.port)),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ];
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.push(("cookie", pairs.join("; ")));
        }
        headers
    }

    /// Opens the event stream.
    pub fn events(&mut self, last: Option<u64>) -> Events {
        self.events_as(last, &[])
    }

    /// As [`Self::events`], with further headers.
    pub fn events_as(&mut self, last: Option<u64>, more: &[(&str, &str)]) -> Events {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the console listens");
        let own = self.headers();
        let mut headers: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let last = last.map(|last| last.to_string());
        headers.extend(last.as_deref().map(|last| ("last-event-id", last)));
        headers.push(("accept", "text/event-stream"));
        headers.extend_from_slice(more);
        ask(&mut stream, "GET", "/events", &headers, b"");
        let mut reader = BufReader::new(stream);
        let (status, _) = head(&mut reader);
        assert_eq!(status, 200);
        Events(reader)
    }

    pub fn events_status(&mut self) -> u16 {
        self.send("GET", "/events", &[("accept", "text/event-stream")], b"").status
    }
}

/// An event stream.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// The next event as it was written; `None` if none comes in time or the stream has ended.
    pub fn next_event(&mut self, patience: Duration) -> Option<String> {
        self.0.get_ref().set_read_timeout(Some(patience)).expect("a timeout");
        let mut event = String::new();
        loop {
            let mut line = String::new();
            match self.0.read_line(&mut line) {
                Ok(0) | Err(_) => return None,
                Ok(_) if line.trim().is_empty() && !event.trim().is_empty() => return Some(event),
                Ok(_) if line.starts_with(':') => {}
                Ok(_) => event.push_str(&line),
            }
        }
    }
}
