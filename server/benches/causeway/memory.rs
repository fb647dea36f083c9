//! What the console's process keeps in memory.
//!
//! Its gateway has a recording host: how large a console is does not depend on packets.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::sleep;

use super::{
    Scale,
    console::{Console, Process, causeway},
    gateway::Gateway,
    page,
    table::print_sizes,
};

/// Until whatever a start or a change brings with it is over.
const CALM: Duration = Duration::from_secs(5);

pub async fn run(scale: Scale) -> Result<()> {
    let peers = scale.of(10_000, 200);
    let mut console = Console::start().await?;
    sleep(CALM).await;
    let mut rows = vec![("idle, just started".to_owned(), megabytes(&console)?, "goal ≤ 60 MB")];

    console.sign_in().await?;
    let page = console.get(&page::path()).await?;
    ensure!(page.status == 200, "the page was refused: {}", page.text());
    sleep(CALM).await;
    rows.push(("idle, after a sign-in and a page".to_owned(), megabytes(&console)?, "goal ≤ 60 MB"));

    let (mut gateway, token) = Gateway::new(console).await?;
    let data = gateway.console.data();
    let (state, file) = (data.join("recorded"), data.join("token"));
    std::fs::write(&file, token)?;
    let mut agent = causeway();
    agent.args(["agent", "--console", &gateway.console.agents(), "--host", "recording:203.0.113.10,172.16.0.2"]);
    agent.arg("--state").arg(state).arg("--token-file").arg(file);
    let agent = Process::start(&mut agent, &data.join("agent.log"))?;
    gateway.in_sync_after(0).await?;
    gateway.fill(peers).await?;
    sleep(CALM).await;
    let goal = "goal ≤ 150 MB";
    rows.push((format!("{peers} peers, in sync after a start"), megabytes(&gateway.console)?, goal));

    for _ in 0..scale.of(20, 2) {
        gateway.edit().await?;
    }
    sleep(CALM).await;
    rows.push((format!("{peers} peers, after 20 edits"), megabytes(&gateway.console)?, goal));
    let page = gateway.console.get(&format!("/projects/default/gateways/{}", gateway.id)).await?;
    ensure!(page.status == 200, "the page was refused: {}", page.text());
    sleep(CALM).await;
    rows.push((format!("{peers} peers, after the gateway's page"), megabytes(&gateway.console)?, goal));
    drop(agent);
    print_sizes("memory: VmRSS of the console's process", &rows);
    Ok(())
}

fn megabytes(console: &Console) -> Result<String> {
    let bytes = console.resident()? * 1024;
    Ok(format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10))
}
