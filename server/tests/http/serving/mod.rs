//! A console as a process of its own, and who asks it.

mod answer;
mod browser;

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub use self::{
    answer::Answer,
    browser::{Browser, form},
};

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

    /// Ends the process at once, as a power cut would; it can be started again.
    pub fn kill(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
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
