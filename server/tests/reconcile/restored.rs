//! An older copy of the database is put back, and agents speak to it that it does not know.

use app::{
    backend::Gateways,
    domain::{GatewayId, change::ChangeKind, host::Enrolled},
};
use axum::http::StatusCode;

use crate::{
    common::{self, Stage, key_of, on_both_engines},
    desk::{Agent, Desk, eventually, log, post},
};

on_both_engines! {
    a_host_that_enrolled_after_the_copy_was_made_needs_no_person
    a_credential_that_was_rotated_after_the_copy_was_made_counts_and_ends_the_one_before
    of_two_hosts_that_enrolled_after_the_copy_was_made_the_last_one_counts
    what_is_revoked_or_enrolled_anew_after_the_restore_ends_what_the_copy_never_knew
    a_gateway_that_the_copy_does_not_know_is_not_taken_for_a_deleted_one
    a_gateway_that_is_deleted_after_the_restore_tells_a_host_that_the_copy_never_knew
    a_credential_of_another_console_is_nothing
}

async fn alpha(stage: &Stage) -> GatewayId {
    stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await
}

async fn status_of(agent: &mut Agent, desk: &Desk) -> StatusCode {
    // What follows an enrolment may not be derived yet.
    agent.fetch(desk, 10).await
}

async fn a_host_that_enrolled_after_the_copy_was_made_needs_no_person(stage: Stage) {
    let gateway = alpha(&stage).await;
    stage.copy_database().await;
    let mut agent = {
        let desk = Desk::open(&stage).await;
        let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
        stage.road_warrior(gateway, "laptop").await.expect("a new peer");
        agent.catch_up(&stage, &desk).await;
        agent
    };
    stage.put_back().await;
    let desk = Desk::open(&stage).await;
    agent.catch_up(&stage, &desk).await;
    assert!(agent.document.peers.is_empty(), "what the copy does not know is gone from the host");
    let host = stage.store.host(gateway).await.expect("the store answers").expect("a host");
    assert_eq!((host.row.enrolled, host.row.public_key), (true, Some(key_of("alpha"))));
    let noted = log(&stage, ChangeKind::VpnGatewayEnrol).await;
    assert_eq!(noted.len(), 1, "the copy has forgotten the first one");
    assert_eq!(noted[0].after["reason"], "Issued after this copy of the database was made.");
    let texts = stage.every_text().await;
    assert!(!texts.contains(&agent.credential), "only its digest is kept");
}

async fn rotate(agent: &Agent, desk: &Desk) -> Agent {
    let (status, answer) = post(&desk.router, "/agent/v1/credential", Some(&agent.credential), "").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let Enrolled { credential, .. } = serde_json::from_value(answer).expect("a credential");
    Agent { credential, ..agent.clone() }
}

async fn a_credential_that_was_rotated_after_the_copy_was_made_counts_and_ends_the_one_before(stage: Stage) {
    let gateway = alpha(&stage).await;
    let desk = Desk::open(&stage).await;
    let mut old = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    stage.copy_database().await;
    let mut new = rotate(&old, &desk).await;
    new.catch_up(&stage, &desk).await;
    drop(desk);
    stage.put_back().await;
    let desk = Desk::open(&stage).await;
    assert_ne!(new.fetch(&desk, 5).await, StatusCode::UNAUTHORIZED);
    new.catch_up(&stage, &desk).await;
    assert_eq!(status_of(&mut old, &desk).await, StatusCode::UNAUTHORIZED);
    let mut newest = rotate(&new, &desk).await;
    newest.catch_up(&stage, &desk).await;
    assert_eq!(status_of(&mut new, &desk).await, StatusCode::UNAUTHORIZED, "and it goes on from there");
}

async fn of_two_hosts_that_enrolled_after_the_copy_was_made_the_last_one_counts(stage: Stage) {
    let gateway = alpha(&stage).await;
    stage.copy_database().await;
    let desk = Desk::open(&stage).await;
    let mut first = Agent::enrol(&stage, &desk, gateway, key_of("first")).await;
    let mut second = Agent::enrol(&stage, &desk, gateway, key_of("second")).await;
    drop(desk);
    stage.put_back().await;
    let desk = Desk::open(&stage).await;
    first.catch_up(&stage, &desk).await;
    second.catch_up(&stage, &desk).await;
    assert_eq!(status_of(&mut first, &desk).await, StatusCode::UNAUTHORIZED);
    let host = stage.store.host(gateway).await.expect("the store answers").expect("a host");
    assert_eq!(host.row.public_key, Some(key_of("second")));
}

async fn what_is_revoked_or_enrolled_anew_after_the_restore_ends_what_the_copy_never_knew(stage: Stage) {
    let gateway = alpha(&stage).await;
    stage.copy_database().await;
    let desk = Desk::open(&stage).await;
    let mut lost = Agent::enrol(&stage, &desk, gateway, key_of("lost")).await;
    stage.put_back().await;
    stage.ingrid.revoke_credential(&stage.harbor, gateway).await.expect("revoked, though nobody is known");
    assert_eq!(status_of(&mut lost, &desk).await, StatusCode::UNAUTHORIZED);

    stage.put_back().await;
    let mut new = Agent::enrol(&stage, &desk, gateway, key_of("new")).await;
    assert_eq!(status_of(&mut lost, &desk).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status_of(&mut new, &desk).await, StatusCode::OK);
}

async fn a_gateway_that_the_copy_does_not_know_is_not_taken_for_a_deleted_one(stage: Stage) {
    stage.copy_database().await;
    let gateway = alpha(&stage).await;
    let desk = Desk::open(&stage).await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    stage.put_back().await;
    assert_eq!(status_of(&mut agent, &desk).await, StatusCode::UNAUTHORIZED, "its tunnels stay");
    let (_, answer) = agent.report(&desk, &agent.idle()).await;
    let message = answer["message"].as_str().expect("a sentence");
    assert!(message.contains("an older copy of the database was put back"), "{message}");
}

async fn a_gateway_that_is_deleted_after_the_restore_tells_a_host_that_the_copy_never_knew(stage: Stage) {
    let gateway = alpha(&stage).await;
    stage.copy_database().await;
    let desk = Desk::open(&stage).await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    drop(desk);
    stage.put_back().await;
    let desk = Desk::open(&stage).await;
    stage.ingrid.delete_gateway(&stage.harbor, gateway).await.expect("deleted");
    eventually("the gateway is gone", async || stage.store.host(gateway).await.expect("the store answers").is_none())
        .await;
    assert_eq!(status_of(&mut agent, &desk).await, StatusCode::GONE);
}

async fn a_credential_of_another_console_is_nothing(stage: Stage) {
    let gateway = alpha(&stage).await;
    stage.copy_database().await;
    let ours = Desk::open(&stage).await;
    let mut agent = Agent::enrol(&stage, &ours, gateway, key_of("alpha")).await;
    stage.put_back().await;
    let other = Desk::sealed_with(&stage, [8; 32]).await;
    assert_eq!(status_of(&mut agent, &other).await, StatusCode::UNAUTHORIZED, "it has another master key");
    let (at, changed) = (agent.credential.len() / 2, agent.credential.clone());
    let letter = if &changed[at..=at] == "A" { "B" } else { "A" };
    agent.credential.replace_range(at..=at, letter);
    assert_eq!(status_of(&mut agent, &ours).await, StatusCode::UNAUTHORIZED, "one letter was changed");
    agent.credential = changed;
    assert_eq!(status_of(&mut agent, &ours).await, StatusCode::OK);
}
