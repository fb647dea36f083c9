//! The same gateway on a host of the lab: a real agent and a real wireguard-go in a network namespace.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use server::lab::control::{Ask, Folder, Status, enter};
use tempfile::TempDir;

use super::{
    console::{Console, causeway, feed},
    gateway::Gateway,
    inside,
};

const HOST: &str = "gw-alpha";
const AGENT: &str = "agent-gw-alpha";

pub struct Lab {
    pub gateway: Gateway,
    dir: TempDir,
    status: Status,
}

impl Lab {
    /// With a gateway that is in sync and has no peers.
    pub async fn up() -> Result<Self> {
        let (gateway, token) = Gateway::new(Console::signed_in().await?).await?;
        let mut lab = Self { gateway, dir: tempfile::tempdir()?, status: Status::default() };
        lab.ask(&["up"], "")?;
        lab.status = lab.folder().status().await.context("a lab that is up answers")?;
        lab.start_agent(&token)?;
        lab.gateway.in_sync_after(0).await?;
        Ok(lab)
    }

    fn folder(&self) -> Folder {
        Folder(self.dir.path().join("lab"))
    }

    fn ask(&self, words: &[&str], input: &str) -> Result<String> {
        feed(causeway().args(["lab", "--dir"]).arg(self.folder().0).args(words), input)
    }

    /// Without a token: the host has enrolled.
    pub fn start_agent(&self, token: &str) -> Result<()> {
        self.ask(&["agent", HOST, "--console", &self.gateway.console.agents()], token).map(drop)
    }

    /// The tunnels stay up.
    pub async fn stop_agent(&self) -> Result<()> {
        self.folder().ask(&Ask::Stop { name: AGENT.to_owned(), hard: false }).await?;
        Ok(())
    }

    /// Runs a part of this program on the gateway's host; see [`inside`].
    pub async fn inside(&self, words: &[&str]) -> Result<Vec<Vec<Duration>>> {
        let enter = enter(&self.status, HOST).context("the lab has its gateway host")?;
        let mut command = tokio::process::Command::new(&enter[0]);
        command.args(&enter[1..]).arg(std::env::current_exe()?).arg(inside::WORD).args(words);
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
        let nanoseconds: Vec<Vec<u64>> = serde_json::from_slice(&output.stdout)?;
        Ok(nanoseconds.into_iter().map(|one| one.into_iter().map(Duration::from_nanos).collect()).collect())
    }

    /// Where the host's agent keeps what it knows.
    pub fn state(&self) -> std::path::PathBuf {
        self.folder().state(HOST)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Err(error) = self.ask(&["down"], "") {
            eprintln!("The lab could not be taken down: {error:#}");
        }
    }
}
