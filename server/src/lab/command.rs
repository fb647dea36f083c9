//! `causeway lab`: the lab from the shell.

use std::{
    io::{IsTerminal, Read},
    os::unix::process::CommandExt,
    path::PathBuf,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::{
    control::{Ask, Folder, Status, enter},
    hold,
    layout::HOSTS,
};

#[derive(Debug, Args)]
pub struct LabArguments {
    /// Where the lab keeps its socket, its logs and its agents' state.
    #[arg(long, env = "CAUSEWAY_LAB_DIR", default_value = "data/lab", global = true)]
    dir: PathBuf,
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Makes the hosts, without any gateway yet.
    Up,
    /// Lists the hosts, what runs in them, and how to enter them.
    Status,
    /// Runs a program in a host and waits for it.
    Exec {
        host: String,
        #[arg(trailing_var_arg = true, required = true)]
        program: Vec<String>,
    },
    /// Starts the agent in a gateway host; reads the enrolment token from standard input unless the host is enrolled already.
    Agent {
        host: String,
        /// As `causeway agent --console`.
        #[arg(long)]
        console: String,
    },
    /// Starts a program in a host, in the background, under a name.
    Start {
        name: String,
        host: String,
        #[arg(trailing_var_arg = true, required = true)]
        program: Vec<String>,
    },
    /// Ends a program that was started under a name; an agent's is `agent-HOST`.
    Stop {
        name: String,
        /// Kills it without asking.
        #[arg(long)]
        hard: bool,
    },
    /// Ends the lab and leaves nothing behind.
    Down,
    /// The supervisor; started by `up`.
    #[command(hide = true)]
    Hold,
}

pub async fn run(arguments: LabArguments) -> anyhow::Result<()> {
    let dir = std::path::absolute(&arguments.dir)?;
    let folder = Folder(dir.clone());
    match arguments.command {
        LabCommand::Up => show(&folder.up().await?),
        LabCommand::Status => show(&up(&folder).await?),
        LabCommand::Exec { host, program } => {
            let status = up(&folder).await?;
            let Some(words) = enter(&status, &host) else {
                bail!("The lab has no host {host}. Its hosts: {}.", names())
            };
            let error = std::process::Command::new(&words[0]).args(&words[1..]).args(program).exec();
            return Err(error).context("The host cannot be entered");
        }
        LabCommand::Agent { host, console } => agent(&folder, &host, &console).await?,
        LabCommand::Start { name, host, program } => folder.start(&name, &host, program).await?,
        LabCommand::Stop { name, hard } => {
            folder.ask(&Ask::Stop { name, hard }).await.context("No lab is up here")?;
        }
        LabCommand::Down => folder.down().await?,
        LabCommand::Hold => hold::hold(dir).await?,
    }
    Ok(())
}

async fn up(folder: &Folder) -> anyhow::Result<Status> {
    folder
        .status()
        .await
        .with_context(|| format!("No lab is up in {}. `causeway lab up` makes one.", folder.0.display()))
}

fn names() -> String {
    HOSTS.iter().map(|host| host.name).collect::<Vec<_>>().join(", ")
}

fn show(status: &Status) {
    for host in HOSTS {
        let enter = enter(status, host.name).unwrap_or_default().join(" ");
        println!("{:<12} {:<16} {:<42} {enter} sh", host.name, host.address, host.role);
    }
    for (name, runs) in &status.programs {
        println!("{name}: {}", if *runs { "runs" } else { "has ended" });
    }
}

async fn agent(folder: &Folder, host: &str, console: &str) -> anyhow::Result<()> {
    let mut token = String::new();
    if !std::io::stdin().is_terminal() {
        std::io::stdin().read_to_string(&mut token)?;
    }
    let token = (!token.trim().is_empty()).then(|| token.trim().to_owned());
    start_agent(folder, host, console, token.as_deref()).await
}

/// Starts the agent in a host; with a token if it is to enrol.
pub async fn start_agent(folder: &Folder, host: &str, console: &str, token: Option<&str>) -> anyhow::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};

    let state = folder.state(host);
    std::fs::create_dir_all(&state)?;
    let exe = std::env::current_exe()?;
    let mut program = [
        exe.as_os_str(),
        "agent".as_ref(),
        "--console".as_ref(),
        console.as_ref(),
        "--state".as_ref(),
        state.as_os_str(),
    ]
    .map(|word| word.to_string_lossy().into_owned())
    .to_vec();
    if let Some(token) = token {
        let path = state.with_extension("token");
        let mut file = std::fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path)?;
        writeln!(file, "{token}")?;
        program.extend(["--token-file".to_owned(), path.to_string_lossy().into_owned()]);
    }
    folder.start(&format!("agent-{host}"), host, program).await
}
