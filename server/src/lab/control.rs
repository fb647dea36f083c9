//! What is asked of a lab's supervisor: a line of JSON over a socket in the lab's folder, a line back.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    Status,
    /// Runs a program in a host, in the background, under a name; ends the one of that name first.
    Start {
        name: String,
        host: String,
        program: Vec<String>,
    },
    /// Ends the program of a name. `hard`: without asking it.
    Stop {
        name: String,
        hard: bool,
    },
    /// Ends the lab.
    Down,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Done,
    Status(Status),
    Failed(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// A host's name and the process that holds its namespaces.
    pub hosts: BTreeMap<String, u32>,
    /// Programs under their names, and whether they run.
    pub programs: BTreeMap<String, bool>,
    /// Whether the lab lives in a user namespace, which must be entered too.
    pub user_namespace: bool,
}

const SOCKET: &str = "control.sock";
const LAPTOP: &str = "laptop.conf";
/// Says that a folder is a lab's own.
const MARKER: &str = ".causeway-lab";

/// A lab's folder.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn socket(&self) -> PathBuf {
        self.0.join(SOCKET)
    }

    /// The laptop's tunnel, as `wg setconf` takes it.
    pub fn laptop(&self) -> PathBuf {
        self.0.join(LAPTOP)
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.log"))
    }

    /// A private folder for what a program keeps: an agent's state.
    pub fn state(&self, name: &str) -> PathBuf {
        self.0.join("state").join(name)
    }

    /// # Errors
    /// [`io::ErrorKind::NotFound`] or `ConnectionRefused` if no lab is up here.
    pub async fn ask(&self, ask: &Ask) -> io::Result<Answer> {
        let mut stream = UnixStream::connect(self.socket()).await?;
        let mut line = serde_json::to_string(ask)?;
        line.push('\n');
        stream.write_all(line.as_bytes()).await?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).await?;
        serde_json::from_str(&answer).map_err(io::Error::from)
    }

    /// `None` if no lab is up.
    pub async fn status(&self) -> Option<Status> {
        match self.ask(&Ask::Status).await {
            Ok(Answer::Status(status)) => Some(status),
            _ => None,
        }
    }

    pub async fn start(&self, name: &str, host: &str, program: Vec<String>) -> anyhow::Result<()> {
        let ask = Ask::Start { name: name.to_owned(), host: host.to_owned(), program };
        match self.ask(&ask).await? {
            Answer::Failed(reason) => anyhow::bail!("{reason}"),
            _ => Ok(()),
        }
    }

    /// Starts the supervisor and waits until every host is up.
    ///
    /// # Errors
    /// In a sentence, with the end of the supervisor's log.
    pub async fn up(&self) -> anyhow::Result<Status> {
        if let Some(status) = self.status().await {
            return Ok(status);
        }
        if let Some(because) = super::unavailable() {
            anyhow::bail!("{because}");
        }
        self.claim()?;
        std::fs::create_dir_all(self.0.join("state"))?;
        let log = std::fs::File::create(self.log("lab"))?;
        let mut command = tokio::process::Command::new("unshare");
        command
            .args(super::hold::namespace_flags())
            .args(["--pid", "--fork", "--kill-child=KILL", "--"])
            .arg(std::env::current_exe()?)
            .args(["lab", "hold", "--dir"])
            .arg(&self.0)
            .stdin(std::process::Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        let mut supervisor = command.spawn()?;
        for _ in 0..300 {
            if let Some(status) = self.status().await {
                return Ok(status);
            }
            if let Some(ended) = supervisor.try_wait()? {
                anyhow::bail!("The lab's supervisor ended ({ended}). {}", self.last_words("lab"));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("The lab's hosts were not up within 30 s. {}", self.last_words("lab"))
    }

    /// Marks the folder as a lab's, so that [`Folder::down`] may clear it.
    fn claim(&self) -> anyhow::Result<()> {
        let marker = self.0.join(MARKER);
        std::fs::create_dir_all(&self.0)?;
        if !marker.exists() && std::fs::read_dir(&self.0)?.next().is_some() {
            anyhow::bail!("{} holds other files. Give the lab an empty folder by --dir.", self.0.display());
        }
        Ok(std::fs::write(marker, "A lab of Causeway lives here; `causeway lab down` clears this folder.\n")?)
    }

    /// Ends the lab and removes what it kept. Nobody else's files are touched.
    ///
    /// # Errors
    /// If the folder is none that a lab has made.
    pub async fn down(&self) -> anyhow::Result<()> {
        if self.0.exists() && !self.0.join(MARKER).exists() && self.status().await.is_none() {
            anyhow::bail!("{} is no lab's folder, so nothing was removed. Name the lab's by --dir.", self.0.display());
        }
        // No lab is what was asked for.
        let _ = self.ask(&Ask::Down).await;
        for _ in 0..100 {
            if self.status().await.is_none() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.clear();
        Ok(())
    }

    /// What is gone already, or was never made, is no trouble.
    fn clear(&self) {
        let _ = std::fs::remove_dir_all(self.0.join("state"));
        for entry in std::fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let is_log = path.extension().is_some_and(|extension| extension == "log");
            if is_log || [MARKER, SOCKET, LAPTOP].iter().any(|own| name == *own) {
                let _ = std::fs::remove_file(path);
            }
        }
        let _ = std::fs::remove_dir(&self.0);
    }

    /// The last lines of a program's log.
    pub fn last_words(&self, name: &str) -> String {
        let log = std::fs::read_to_string(self.log(name)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(4)..].join(" / ")
    }
}

/// What enters a host: put a program after it.
pub fn enter(status: &Status, host: &str) -> Option<Vec<String>> {
    let holder = status.hosts.get(host)?;
    let mut words = vec!["nsenter".to_owned(), "-t".to_owned(), holder.to_string()];
    if status.user_namespace {
        words.extend(["-U".to_owned(), "--preserve-credentials".to_owned()]);
    }
    words.extend(["-n", "-m", "--"].map(str::to_owned));
    Some(words)
}

/// Where a lab lives unless told otherwise.
pub fn default_folder(data: &Path) -> Folder {
    Folder(data.join("lab"))
}
