//! Runs a host's tool and turns what it said into a sentence.
//!
//! Secrets go in by standard input only, so that no list of processes ever shows one.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

/// A tool that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a tool wrote, whether it succeeded or not.
pub struct Said {
    pub success: bool,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Runs a tool to its end. An error only if it could not be run at all.
pub async fn run(program: &str, arguments: &[&str], input: &[u8]) -> Result<Said> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| cannot_run(program, &error))?;
    let mut stdin = child.stdin.take().context("a piped standard input")?;
    let feed = async {
        // A tool that ends without reading everything says why on standard error.
        let _ = stdin.write_all(input).await;
        drop(stdin);
    };
    let whole = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = timeout(PATIENCE, whole).await.with_context(|| format!("{program} did not end within a minute"))??;
    Ok(Said {
        success: output.status.success(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Runs a tool that must succeed.
pub async fn run_well(program: &str, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
    let said = run(program, arguments, input).await?;
    if !said.success {
        bail!("{program} {} failed: {}", arguments.first().unwrap_or(&""), first_line(&said.stderr));
    }
    Ok(said.stdout)
}

fn cannot_run(program: &str, error: &std::io::Error) -> anyhow::Error {
    if error.kind() != std::io::ErrorKind::NotFound {
        return anyhow::anyhow!("{program} cannot be run: {error}");
    }
    let package = match program {
        "nft" => "nftables",
        "wg" => "wireguard-tools",
        other => other,
    };
    anyhow::anyhow!(
        "{program} is not installed on this host. Install the package {package}, then the agent goes on by itself."
    )
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("it did not say why")
}
