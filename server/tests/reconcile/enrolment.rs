//! How a host comes to speak for a gateway, and how it ceases to.

use std::time::Duration;

use app::{
    backend::Gateways,
    domain::{change::ChangeKind, host::Enrolled},
};
use axum::http::StatusCode;
use server::store::hosts::digest;

use crate::{
    common::{self, Stage, key_of, on_both_engines},
    desk::{Agent, Desk, enrol, log, now, post},
};

on_both_engines! {
    of_sixteen_callers_with_one_token_one_enrols
    a_token_ends_after_an_hour_and_when_another_is_issued
    a_key_pair_of_somebody_else_is_refused_and_the_token_stays_good
    a_rotated_credential_takes_over_when_it_is_first_used
    a_revoked_credential_ends_a_waiting_request_at_once
    a_deleted_gateway_ends_when_its_host_has_cleaned_up_and_its_agent_is_told
    a_deleted_gateway_without_a_host_ends_at_once
    a_revoked_credential_is_an_error_at_once_and_its_host_hears_when_the_gateway_is_gone
    a_deleted_gateway_whose_host_is_destroyed_is_removed_by_revoking
    whoever_has_no_good_token_does_not_wait_for_his_turn_to_write
    hostile_bodies_are_refused_and_no_refusal_repeats_a_token
}

async fn of_sixteen_callers_with_one_token_one_enrols(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let token = stage.ingrid.issue_enrolment(&stage.harbor, gateway).await.expect("a token").token;
    let callers = (0..16).map(|number| {
        let (desk, token) = (&desk, &token);
        async move { enrol(desk, token, key_of(&format!("host-{number}"))).await.0 }
    });
    let mut answers = futures::future::join_all(callers).await;
    answers.sort();
    assert_eq!(answers[0], StatusCode::OK);
    assert!(answers[1..].iter().all(|status| *status == StatusCode::UNAUTHORIZED), "{answers:?}");
    assert_eq!(log(&stage, ChangeKind::VpnGatewayEnrol).await.len(), 1);
    let host = stage.store.host(gateway).await.expect("the store answers").expect("a host");
    assert!(host.row.enrolled && host.row.public_key.is_some());
    assert!(!stage.every_text().await.contains(&token), "only its digest is kept");
}

async fn a_token_ends_after_an_hour_and_when_another_is_issued(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let before = now();
    let first = stage.ingrid.issue_enrolment(&stage.harbor, gateway).await.expect("a token");
    let issued = first.expires_at.plus_seconds(-3600);
    assert!((before..=now()).contains(&issued), "an hour from its issue: {issued:?}");
    let second = stage.ingrid.issue_enrolment(&stage.harbor, gateway).await.expect("a token");
    assert_eq!(enrol(&desk, &first.token, key_of("alpha")).await.0, StatusCode::UNAUTHORIZED);

    let mut tx = stage.store.begin(now()).await.expect("a transaction");
    tx.issue_enrolment(gateway, &digest("an hour old"), now().plus_seconds(-1)).await.expect("a token");
    tx.commit(()).await.expect("a commit");
    let (status, answer) = enrol(&desk, "an hour old", key_of("alpha")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        answer["message"],
        "The enrolment token is unknown, used or older than an hour. Issue a new one on the gateway's page, or on the service's."
    );
    assert_eq!(
        enrol(&desk, &second.token, key_of("alpha")).await.0,
        StatusCode::UNAUTHORIZED,
        "a later token has ended it"
    );
}

async fn a_key_pair_of_somebody_else_is_refused_and_the_token_stays_good(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let beta = stage.gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    Agent::enrol(&stage, &desk, alpha, key_of("alpha")).await;
    stage.road_warrior(beta, "laptop").await.expect("a new peer");
    let token = stage.ingrid.issue_enrolment(&stage.harbor, beta).await.expect("a token").token;
    for taken in ["alpha", "laptop"] {
        let (status, answer) = enrol(&desk, &token, key_of(taken)).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert!(
            answer["message"].as_str().is_some_and(|text| text.contains("belongs to another gateway or peer")),
            "{answer}"
        );
    }
    assert_eq!(enrol(&desk, &token, key_of("beta")).await.0, StatusCode::OK);
}

async fn a_rotated_credential_takes_over_when_it_is_first_used(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let mut old = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    let rotate = async |agent: &Agent| -> Agent {
        let (status, answer) = post(&desk.router, "/agent/v1/credential", Some(&agent.credential), "").await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let Enrolled { credential, .. } = serde_json::from_value(answer).expect("a credential");
        Agent { credential, ..agent.clone() }
    };
    let mut lost = rotate(&old).await;
    let mut new = rotate(&old).await;
    assert_eq!(
        lost.fetch(&desk, 0).await,
        StatusCode::UNAUTHORIZED,
        "a later successor has ended the one that was never used"
    );
    assert_eq!(old.fetch(&desk, 5).await, StatusCode::OK, "the new one may have been lost on its way");
    assert_eq!(new.fetch(&desk, 5).await, StatusCode::OK);
    assert_eq!(old.fetch(&desk, 0).await, StatusCode::UNAUTHORIZED);
    assert_eq!(log(&stage, ChangeKind::VpnGatewayCredentialRotate).await.len(), 2);
    let texts = stage.every_text().await;
    assert!(!texts.contains(&new.credential) && texts.contains(&digest(&new.credential)));
}

async fn a_revoked_credential_ends_a_waiting_request_at_once(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    agent.catch_up(&stage, &desk).await;
    let waiting = tokio::time::timeout(Duration::from_secs(10), agent.fetch(&desk, 50));
    let (status, revoked) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stage.ingrid.revoke_credential(&stage.harbor, gateway).await
    });
    revoked.expect("a revoked credential");
    assert_eq!(status.expect("it does not wait on"), StatusCode::UNAUTHORIZED);
    assert_eq!(agent.report(&desk, &agent.idle()).await.0, StatusCode::UNAUTHORIZED);
}

async fn a_deleted_gateway_ends_when_its_host_has_cleaned_up_and_its_agent_is_told(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    stage.road_warrior(gateway, "laptop").await.expect("a new peer");
    agent.catch_up(&stage, &desk).await;
    let early = app::domain::host::Report { cleaned: true, ..agent.idle() };
    assert_eq!(agent.report(&desk, &early).await.0, StatusCode::CONFLICT, "nobody asked it to remove anything");

    let (status, deleted) = tokio::join!(agent.fetch(&desk, 10), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stage.ingrid.delete_gateway(&stage.harbor, gateway).await
    });
    deleted.expect("a deleted gateway");
    assert_eq!(status, StatusCode::OK);
    assert!(agent.document.is_empty());
    agent.tell(&desk, &agent.idle()).await;
    assert!(stage.store.host(gateway).await.expect("the store answers").is_some_and(|host| host.deleting));

    let mut waiting = agent.clone();
    let (status, ()) = tokio::join!(waiting.fetch(&desk, 10), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        agent.tell(&desk, &app::domain::host::Report { cleaned: true, ..agent.idle() }).await;
    });
    assert_eq!(status, StatusCode::GONE, "who waits is told");
    assert_eq!(agent.fetch(&desk, 0).await, StatusCode::GONE, "and who asks later");
    assert_eq!(agent.report(&desk, &agent.idle()).await.0, StatusCode::GONE);
    assert!(stage.store.host(gateway).await.expect("the store answers").is_none());
    let last = log(&stage, ChangeKind::VpnGatewayStateChange).await.pop().expect("a note");
    assert_eq!((last.actor.as_str(), last.after["status"].as_str()), ("Automation", "Deleted"));
}

async fn a_deleted_gateway_without_a_host_ends_at_once(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let token = stage.ingrid.issue_enrolment(&stage.harbor, gateway).await.expect("a token").token;
    stage.ingrid.delete_gateway(&stage.harbor, gateway).await.expect("a deleted gateway");
    assert_eq!(enrol(&desk, &token, key_of("alpha")).await.0, StatusCode::UNAUTHORIZED);
    crate::desk::eventually("the gateway is gone", async || {
        stage.store.host(gateway).await.expect("the store answers").is_none()
    })
    .await;
}

async fn hostile_bodies_are_refused_and_no_refusal_repeats_a_token(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let token = stage.ingrid.issue_enrolment(&stage.harbor, gateway).await.expect("a token").token;
    let good = serde_json::json!({ "token": token, "public_key": key_of("alpha"), "facts": crate::desk::facts(10) });
    let with = |field: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    let mut long = crate::desk::facts(10);
    long.host_name = "h".repeat(300);
    for (body, status) in [
        (String::new(), StatusCode::BAD_REQUEST),
        ("null".to_owned(), StatusCode::BAD_REQUEST),
        ("[".repeat(10_000), StatusCode::BAD_REQUEST),
        (with("public_key", serde_json::json!(token)), StatusCode::BAD_REQUEST),
        (with("token", serde_json::json!([token])), StatusCode::BAD_REQUEST),
        (with("admin", serde_json::json!(true)), StatusCode::BAD_REQUEST),
        (with("facts", serde_json::json!(long)), StatusCode::BAD_REQUEST),
        (with("token", serde_json::json!("x".repeat(10_000_000))), StatusCode::PAYLOAD_TOO_LARGE),
        (with("token", serde_json::json!("' or 1 = 1 --")), StatusCode::UNAUTHORIZED),
    ] {
        let (answered, answer) = post(&desk.router, "/agent/v1/enrol", None, body).await;
        assert_eq!(answered, status, "{answer}");
        let message = answer["message"].as_str().expect("a sentence");
        assert!(!message.contains(&token), "{message}");
    }
    for credential in [None, Some(""), Some("nobody"), Some(token.as_str())] {
        for path in ["/agent/v1/report", "/agent/v1/credential"] {
            assert_eq!(post(&desk.router, path, credential, "{}").await.0, StatusCode::UNAUTHORIZED);
        }
    }
    assert_eq!(enrol(&desk, &token, key_of("alpha")).await.0, StatusCode::OK, "nothing has changed");
}

async fn a_revoked_credential_is_an_error_at_once_and_its_host_hears_when_the_gateway_is_gone(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    agent.catch_up(&stage, &desk).await;
    stage.ingrid.revoke_credential(&stage.harbor, gateway).await.expect("revoked");
    let shown = stage.ingrid.gateway(&stage.harbor, gateway).await.expect("the gateway");
    assert_eq!((shown.status.word(), shown.sync.word()), ("Error", "Silent"));
    crate::desk::eventually("the event log says why", async || {
        let last = log(&stage, ChangeKind::VpnGatewayStateChange).await.pop();
        last.is_some_and(|last| last.after.get("reason").is_some_and(|why| why.contains("was revoked")))
    })
    .await;
    assert_eq!(agent.fetch(&desk, 0).await, StatusCode::UNAUTHORIZED, "while the gateway lives");
    stage.ingrid.delete_gateway(&stage.harbor, gateway).await.expect("deleted");
    assert_eq!(agent.fetch(&desk, 0).await, StatusCode::GONE, "its host is not stranded");
}

async fn a_deleted_gateway_whose_host_is_destroyed_is_removed_by_revoking(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    agent.catch_up(&stage, &desk).await;
    stage.ingrid.delete_gateway(&stage.harbor, gateway).await.expect("deleted");
    stage.ingrid.revoke_credential(&stage.harbor, gateway).await.expect("revoked");
    crate::desk::eventually("the gateway is gone", async || {
        stage.store.host(gateway).await.expect("the store answers").is_none()
    })
    .await;
    assert_eq!(agent.fetch(&desk, 0).await, StatusCode::GONE, "if its host was not destroyed after all, it cleans up");
}

async fn whoever_has_no_good_token_does_not_wait_for_his_turn_to_write(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let writing = stage.store.begin(now()).await.expect("somebody writes");
    let asked = tokio::time::timeout(Duration::from_secs(5), enrol(&desk, "a guess", key_of("alpha"))).await;
    assert_eq!(asked.expect("an answer at once").0, StatusCode::UNAUTHORIZED);
    drop(writing);
}
