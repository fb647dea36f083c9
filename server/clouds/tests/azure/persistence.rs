//! The simulated Azure is killed in every state of a peering, and has forgotten nothing that it told.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use clouds::{
    azure::Azure,
    http::Http,
    lookalike::{Lookalikes, Settings, Side, azure::Account},
};
use serde_json::{Value, json};

use super::{
    neighbour::Neighbour,
    town::{Town, account, database, endpoints},
};

/// Set in the process that is to be killed: where its world is.
const DATABASE: &str = "CAUSEWAY_TEST_AZURE";

/// Azure in a process of its own.
struct Process {
    child: Child,
    url: String,
    ours: Account,
    theirs: Account,
}

impl Process {
    fn start(database: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("a test knows its program"))
            .args(["--exact", "persistence::a_kill_in_any_state_loses_and_doubles_nothing", "--nocapture"])
            .env(DATABASE, database)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let told = lines.find_map(|line| Some(line.ok()?.split_once("azure: ")?.1.to_owned()));
        let mut told: Value = serde_json::from_str(&told.expect("it tells how to sign in")).expect("JSON");
        // Whatever else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let mut read = |side: &str| serde_json::from_value(told[side].take()).expect("an account");
        let (ours, theirs) = (read("ours"), read("theirs"));
        Self { child, url: told["url"].as_str().expect("a URL").to_owned(), ours, theirs }
    }

    /// `kill -9`, and another one in its place, on another port.
    fn again(mut self, database: &str) -> Self {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is gone");
        Self::start(database)
    }

    fn settle_in(&self, town: &mut Town) {
        town.azure = Azure::new(account(self.ours.clone()), endpoints(&self.url), Http::new(5).expect("a client"));
        town.neighbour = Neighbour::at(&self.url, self.theirs.clone(), self.ours.clone());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the test below is in the process that it starts of itself: Azure, until it is killed.
async fn be_azure(database: &str) {
    let clouds = Lookalikes::start(database, &Settings::immediate()).await.expect("the clouds start");
    let (ours, theirs) = (clouds.azure.account(Side::Ours).await, clouds.azure.account(Side::Theirs).await);
    println!("azure: {}", json!({"url": clouds.azure.url(), "ours": ours, "theirs": theirs}));
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_kill_in_any_state_loses_and_doubles_nothing() {
    if let Ok(database) = std::env::var(DATABASE) {
        return be_azure(&database).await;
    }
    let mut town = Town::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let database = database(&folder);
    let mut process = Process::start(&database);
    process.settle_in(&mut town);
    town.neighbour.grants().await;
    let id = town.connect("main");
    // After every single pass, both the cloud and the console start anew.
    let mut state = None;
    for _ in 0..14 {
        state = town.pass().await.report.connections[&id].state.clone();
        process = process.again(&database);
        process.settle_in(&mut town);
    }
    assert_eq!(state.as_deref(), Some("Initiated"));
    let pass = town.settle().await;
    town.neighbour_peers(&pass.report.connections[&id]).await;
    process = process.again(&database);
    process.settle_in(&mut town);
    let pass = town.settle().await;
    let told = &pass.report.connections[&id];
    assert_eq!((told.state.as_deref(), told.opened.len()), (Some("Connected"), 1));
    town.neighbour.leaves().await;
    process = process.again(&database);
    process.settle_in(&mut town);
    let pass = town.settle().await;
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Disconnected"));
    town.wish.present = false;
    for _ in 0..6 {
        town.pass().await;
        process = process.again(&database);
        process.settle_in(&mut town);
    }
    let pass = town.settle().await;
    assert_eq!(pass.report.network.standing, clouds::NetworkStanding::Absent);
}
