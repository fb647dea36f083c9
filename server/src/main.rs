//! `causeway`: the console, the agent, and what an operator does from a shell.

use std::{
    io::{IsTerminal, Read},
    process::ExitCode,
};

use anyhow::{Context, Result, anyhow};
use app::domain::person::{Email, Password};
use clap::{Args, Parser, Subcommand};
use server::{
    agent::{self, AgentArguments},
    config::{Config, LOG_FILTER, Log, LogArguments, LogFormat, ServeArguments, SessionLifetimes, StoreArguments},
    console::door::Entrance,
    lab::command::{self as lab, LabArguments},
    rotation::{self, Rotated},
    serve,
    store::Store,
};
use tracing_subscriber::EnvFilter;

/// A self-hosted console for private networks
#[derive(Parser)]
#[command(name = "causeway", version)]
struct Causeway {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the console
    Serve(Box<ServeArguments>),
    /// Runs the agent of a gateway's host, or of a service node's; its enrolment says which
    #[command(subcommand_negates_reqs = true)]
    Agent {
        #[command(subcommand)]
        instead: Option<AgentCommand>,
        #[command(flatten)]
        arguments: Option<AgentArguments>,
        #[command(flatten)]
        log: LogArguments,
    },
    /// People who can sign in
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// The master key, which seals secrets in the database
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// A small internet of network namespaces on this machine, to try things in
    Lab {
        #[command(flatten)]
        arguments: LabArguments,
        #[command(flatten)]
        log: LogArguments,
    },
}

#[derive(Subcommand)]
enum AgentCommand {
    /// Prints the systemd unit that runs the agent; its settings are in /etc/causeway-agent/agent.environment
    Unit,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Makes somebody who can sign in; also while the console runs
    Create(CreateUser),
    /// Sets a new password and ends every session of that person
    Password(SetPassword),
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Makes a new master key and seals every secret again with it; while the console is stopped
    Rotate {
        #[command(flatten)]
        store: StoreArguments,
    },
}

#[derive(Args)]
struct CreateUser {
    #[arg(long)]
    email: Email,
    /// Somebody who may do everything on this installation
    #[arg(long)]
    super_admin: bool,
    /// Reads the password from standard input: arguments are seen by every user of the machine
    #[arg(long, required = true)]
    password_stdin: bool,
    #[command(flatten)]
    store: StoreArguments,
}

#[derive(Args)]
struct SetPassword {
    #[arg(long)]
    email: Email,
    /// Reads the password from standard input
    #[arg(long, required = true)]
    password_stdin: bool,
    #[command(flatten)]
    store: StoreArguments,
}

/// A gateway's host has this one file only, so the unit is in it.
const AGENT_UNIT: &str = include_str!("../../packaging/systemd/causeway-agent.service");

fn main() -> ExitCode {
    // What the console keeps is for its own user: database, keys, logs of the lab.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let Causeway { command } = Causeway::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started");
    match runtime.block_on(run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("causeway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve(arguments) => {
            let config = Config::load(*arguments)?;
            log_to_stderr(&config.log)?;
            serve::run(config).await
        }
        Command::Agent { instead: Some(AgentCommand::Unit), .. } => {
            print!("{AGENT_UNIT}");
            Ok(())
        }
        Command::Agent { instead: None, arguments, log } => {
            log_to_stderr(&log_of(log))?;
            agent::run(arguments.context("Name the console with --console.")?).await
        }
        Command::User { command: UserCommand::Create(wanted) } => {
            let password = password_from_stdin()?;
            let id = entrance(wanted.store).await?.create_person(&wanted.email, password, wanted.super_admin).await?;
            println!("{id}");
            Ok(())
        }
        Command::User { command: UserCommand::Password(wanted) } => {
            let password = password_from_stdin()?;
            entrance(wanted.store).await?.set_password(&wanted.email, password).await
        }
        Command::Key { command: KeyCommand::Rotate { store } } => {
            let (url, keys) = Config::keys_of(store)?;
            let Rotated { preshared_keys, account_secrets, authority_keys } = rotation::rotate(&keys, &url.0).await?;
            println!(
                "Sealed again: {preshared_keys} preshared keys of peers, {account_secrets} secrets of cloud accounts, {authority_keys} keys of project CAs."
            );
            match keys.given {
                None => println!("The new master key is in {}.", keys.data.join("master.key").display()),
                Some(_) => println!("Give the new key as CAUSEWAY_MASTER_KEY from now on, and the former nowhere."),
            }
            println!("Copies of the database from before need the former key: make a new backup.");
            Ok(())
        }
        Command::Lab { arguments, log } => {
            log_to_stderr(&log_of(log))?;
            lab::run(arguments).await
        }
    }
}

fn log_of(arguments: LogArguments) -> Log {
    Log {
        format: arguments.log_format.unwrap_or_default(),
        filter: arguments.log.unwrap_or_else(|| LOG_FILTER.to_owned()),
    }
}

fn log_to_stderr(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| anyhow!("log.filter cannot be read: {error}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let set = match log.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    set.map_err(|error| anyhow!("logging cannot be started: {error}"))
}

fn password_from_stdin() -> Result<Password> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("The password could not be read from standard input")?;
    Password::chosen(text.trim_end_matches(['\r', '\n'])).map_err(|sentence| anyhow!(sentence))
}

async fn entrance(store: StoreArguments) -> Result<Entrance> {
    let url = Config::database(store)?;
    Ok(Entrance::new(Store::open(&url.0).await?, SessionLifetimes::default()))
}
