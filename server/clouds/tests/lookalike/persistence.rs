//! A world outlives its process, however that ends.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use clouds::lookalike::{Fault, Lookalikes, Settings, Side};

use super::{HOME, Town, signed::Caller};

/// Set in the process that is to be killed: where its world is.
const DATABASE: &str = "CAUSEWAY_TEST_LOOKALIKE";

/// The clouds in a process of their own, to be killed.
struct Process {
    child: Child,
    ours: Caller,
    theirs: Caller,
}

impl Process {
    fn start(database: &str) -> Self {
        let own = std::env::current_exe().expect("a test knows its program");
        let mut child = Command::new(own)
            .args(["--exact", "persistence::a_killed_cloud_has_forgotten_nothing_that_it_told", "--nocapture"])
            .env(DATABASE, database)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut told = lines.find_map(|line| {
            let (_, told) = line.ok()?.split_once("callers: ").map(|(before, told)| (before.len(), told.to_owned()))?;
            Some(told)
        });
        let (ours, theirs) = read(&told.take().expect("it tells how to sign in"));
        // Whatever else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, ours, theirs }
    }

    /// `kill -9`.
    fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is gone");
    }
}

fn read(told: &str) -> (Caller, Caller) {
    let told: serde_json::Value = serde_json::from_str(told).expect("JSON");
    let base = told["url"].as_str().expect("a URL");
    let keys = |side: &str| serde_json::from_value(told[side].clone()).expect("keys");
    (Caller::new(base, &keys("ours"), HOME), Caller::new(base, &keys("theirs"), HOME))
}

/// What the test below is in the process that it starts of itself: the clouds, until they are killed.
async fn be_the_clouds(database: &str) {
    let clouds = Lookalikes::start(database, &Settings::immediate()).await.expect("the clouds start");
    let (ours, theirs) = (clouds.aws.account(Side::Ours).await, clouds.aws.account(Side::Theirs).await);
    let told = serde_json::json!({ "url": clouds.aws.url(), "ours": ours, "theirs": theirs });
    println!("callers: {told}");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_cloud_has_forgotten_nothing_that_it_told() {
    if let Ok(database) = std::env::var(DATABASE) {
        return be_the_clouds(&database).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite://{}", folder.path().join("lookalike.db").display());
    let first = Process::start(&database);
    let vpc = first.ours.vpc("10.20.0.0/16").await;
    let peer = first.theirs.vpc("10.30.0.0/16").await;
    let fields = [("VpcId", vpc.as_str()), ("PeerVpcId", &peer), ("PeerOwnerId", &first.theirs.account)];
    let pcx = first.ours.ec2("CreateVpcPeeringConnection", &fields).await.ok("vpcPeeringConnectionId");
    let ours = first.ours.key.clone();
    first.kill();

    let second = Process::start(&database);
    assert_eq!(second.ours.key, ours, "accounts are made once");
    second.theirs.ec2("AcceptVpcPeeringConnection", &[("VpcPeeringConnectionId", &pcx)]).await.ok("code");
    second.kill();

    let third = Process::start(&database);
    let seen = third.ours.ec2("DescribeVpcPeeringConnections", &[]).await;
    assert_eq!((seen.ok("vpcPeeringConnectionId"), seen.ok("code")), (pcx, "active".into()));
    let defaults =
        third.theirs.ec2("DescribeVpcs", &[("Filter.1.Name", "isDefault"), ("Filter.1.Value.1", "true")]).await;
    assert_eq!(defaults.texts("vpcId").len(), 1, "a world is founded once");
    third.kill();
}

#[tokio::test]
async fn rules_and_the_clock_outlive_the_process() {
    let Town { clouds, folder, ours, .. } = Town::new().await;
    clouds.aws.add_fault(Fault::refuse("CreateVpc", 503, "RequestLimitExceeded").times(2)).await.expect("it is kept");
    ours.ec2("CreateVpc", &[("CidrBlock", "10.20.0.0/16")]).await.refused();
    clouds.advance(super::DAY).await.expect("the clock moves");
    let ahead = clouds.now();
    drop(clouds);
    let database = format!("sqlite://{}", folder.path().join("lookalike.db").display());
    let clouds = Lookalikes::start(&database, &Settings::immediate()).await.expect("the clouds start again");
    assert!(clouds.now() >= ahead);
    assert_eq!(clouds.aws.faults().await.iter().map(|rule| rule.remaining).collect::<Vec<_>>(), [1]);
    assert_eq!(clouds.aws.uses().await.expect("they are kept").len(), 1);
}

/// An empty database of its own on the server that `CAUSEWAY_TEST_POSTGRES` names.
async fn postgres_database() -> Option<String> {
    let server = std::env::var("CAUSEWAY_TEST_POSTGRES").ok()?;
    let database = format!("causeway_clouds_{}", uuid::Uuid::now_v7().simple());
    sqlx::any::install_default_drivers();
    let connection = <sqlx::AnyConnection as sqlx::Connection>::connect(&server).await;
    let create = sqlx::AssertSqlSafe(format!("create database {database}"));
    sqlx::query(create).execute(&mut connection.expect("the server answers")).await.expect("a new database");
    let (server, _) = server.rsplit_once('/').expect("an address ends with /DATABASE");
    Some(format!("{server}/{database}"))
}

#[tokio::test]
async fn a_world_lives_in_postgres_beside_the_consoles_tables() {
    let Some(database) = postgres_database().await else {
        eprintln!("There is no PostgreSQL (CAUSEWAY_TEST_POSTGRES): nothing was tried.");
        return;
    };
    let clouds = Lookalikes::start(&database, &Settings::immediate()).await.expect("the clouds start");
    let keys = clouds.aws.account(Side::Ours).await;
    let ours = Caller::new(&clouds.aws.url(), &keys, HOME);
    clouds.aws.add_fault(Fault::refuse("CreateVpc", 503, "RequestLimitExceeded")).await.expect("it is kept");
    ours.ec2("CreateVpc", &[("CidrBlock", "10.20.0.0/16")]).await.refused();
    let vpc = ours.vpc("10.20.0.0/16").await;
    drop(clouds);
    let clouds = Lookalikes::start(&database, &Settings::immediate()).await.expect("the clouds start again");
    let ours = Caller::new(&clouds.aws.url(), &keys, HOME);
    assert_eq!(ours.ec2("DescribeVpcs", &[("VpcId.1", &vpc)]).await.ok("state"), "available");
    ours.ec2("DeleteVpc", &[("VpcId", &vpc)]).await.ok("return");
}
