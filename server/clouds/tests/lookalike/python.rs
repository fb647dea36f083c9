//! boto3, the vendor's own client, plays the product and the peer.
//!
//! Where it is not installed (`cargo xtask setup` does), these tests say so and pass.

use std::{path::PathBuf, process::Stdio, time::Duration};

use clouds::lookalike::Settings;
use tokio::{io::AsyncWriteExt, process::Command};

use super::Town;

/// The vendors' Python; `None` where there is none.
fn python() -> Option<PathBuf> {
    let given = std::env::var_os("CAUSEWAY_VENDORS").map(PathBuf::from);
    let tree = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/vendors");
    let program = given.unwrap_or(tree).join("python/bin/python");
    if program.exists() {
        return Some(program);
    }
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!in_ci, "the vendors' clients are not installed (CAUSEWAY_VENDORS), and in CI that is a failure");
    eprintln!("The vendors' clients are not installed (CAUSEWAY_VENDORS): nothing was tried.");
    None
}

async fn play(scene: &str) {
    let Some(python) = python() else { return };
    let delay = Duration::from_millis(50)..=Duration::from_millis(250);
    let settle = Duration::from_millis(100);
    let town = Town::paced(&Settings { delay, settle, ..Settings::immediate() }).await;
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python/aws_clients.py");
    let side = |caller: &super::Caller| serde_json::json!([caller.account, caller.key, caller.secret]);
    let given = serde_json::json!({
        "url": town.clouds.aws.url(), "ours": side(&town.ours), "theirs": side(&town.theirs),
    });
    let mut child = Command::new(python)
        .arg(script)
        .arg(scene)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(given.to_string().as_bytes()).await.expect("it reads");
    drop(input);
    let output = tokio::time::timeout(Duration::from_secs(180), child.wait_with_output()).await;
    let output = output.expect("it is done within three minutes").expect("Python runs");
    assert!(output.status.success(), "{scene}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn boto3_peers_across_accounts_with_routes_and_rules_and_takes_it_all_down() {
    play("across_accounts").await;
}

#[tokio::test]
async fn boto3_peers_across_regions_where_only_the_peers_region_accepts() {
    play("across_regions").await;
}

#[tokio::test]
async fn boto3_rejects_and_reads_the_errors_by_their_codes() {
    play("refusals").await;
}

#[tokio::test]
async fn boto3_attaches_to_a_transit_gateway_that_was_shared() {
    play("transit_gateway").await;
}

#[tokio::test]
async fn boto3_assumes_a_role_and_pages_through_lists() {
    play("roles_and_pages").await;
}

#[tokio::test]
async fn boto3_gives_an_address_to_an_instance_and_takes_it_back() {
    play("static_address").await;
}

#[tokio::test]
async fn boto3_offers_a_service_and_the_peers_boto3_connects_to_it() {
    play("private_link").await;
}
