//! What agents tell: what is believed, what is refused, and what is left of it.

use app::{
    backend::{Gateways, Peers},
    domain::{
        Timestamp,
        change::ChangeKind,
        gateway::{ConfigSync, GatewayStatus},
        host::{Drift, Report},
        tunnel::{Hash, Version},
    },
};
use axum::http::StatusCode;

use crate::{
    common::{self, Stage, key_of, on_both_engines},
    desk::{Agent, Desk, drift, error, eventually, facts, figures, log, now, post},
};

on_both_engines! {
    row_68_a_gateway_turns_active_with_its_first_report_and_error_when_its_host_refuses
    a_difference_is_noted_when_it_appears_and_when_it_is_put_right
    an_agent_that_lies_is_refused_and_nothing_changes
    another_gateways_peers_are_refused_but_a_host_that_is_behind_is_not
    totals_outlive_the_hosts_counters_and_the_console
    figures_of_a_peer_that_was_made_anew_start_anew
    a_new_address_of_one_host_reaches_the_documents_of_the_others
    an_idle_report_writes_nothing
    a_text_that_postgresql_cannot_hold_is_refused_on_both_engines
    an_agent_that_changes_its_mind_all_the_time_does_not_flood_the_event_log
}

async fn one(stage: &Stage, desk: &Desk) -> Agent {
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let mut agent = Agent::enrol(stage, desk, gateway, key_of("alpha")).await;
    agent.fetch(desk, 10).await;
    agent
}

async fn shown(stage: &Stage, agent: &Agent) -> (GatewayStatus, ConfigSync) {
    let gateway = stage.ingrid.gateway(&stage.harbor, agent.gateway()).await.expect("a gateway");
    (gateway.status, gateway.sync)
}

async fn row_68_a_gateway_turns_active_with_its_first_report_and_error_when_its_host_refuses(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let agent = one(&stage, &desk).await;
    assert_eq!(shown(&stage, &agent).await.0, GatewayStatus::Provisioning);
    agent.tell(&desk, &Report { verified: None, ..agent.idle() }).await;
    assert_eq!(
        shown(&stage, &agent).await,
        (GatewayStatus::Active, ConfigSync::Pending),
        "applied, and not read back yet"
    );
    agent.tell(&desk, &agent.idle()).await;
    assert_eq!(shown(&stage, &agent).await, (GatewayStatus::Active, ConfigSync::InSync));

    let failed = Report { error: Some(error(&agent, "nft: table busy. Try again.")), ..agent.idle() };
    agent.tell(&desk, &failed).await;
    assert_eq!(shown(&stage, &agent).await, (GatewayStatus::Error, ConfigSync::Failed));
    agent.tell(&desk, &agent.idle()).await;
    let told: Vec<_> = log(&stage, ChangeKind::VpnGatewayStateChange).await;
    let steps: Vec<_> =
        told.iter().map(|change| (change.before["status"].as_str(), change.after["status"].as_str())).collect();
    assert_eq!(steps, [("Provisioning", "Active"), ("Active", "Error"), ("Error", "Active")]);
    assert_eq!(told[1].after["reason"], "nft: table busy. Try again.");
    assert!(told.iter().all(|change| change.actor == "Automation" && change.object_name == "gw-alpha"));
}

async fn a_difference_is_noted_when_it_appears_and_when_it_is_put_right(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let agent = one(&stage, &desk).await;
    agent.tell(&desk, &agent.idle()).await;
    let found = Report { drift: vec![drift("10.0.0.0/16")], ..agent.idle() };
    agent.tell(&desk, &found).await;
    let gateway = stage.ingrid.gateway(&stage.harbor, agent.gateway()).await.expect("a gateway");
    assert_eq!((gateway.sync, gateway.drift), (ConfigSync::Drift, vec![drift("10.0.0.0/16")]));
    agent.tell(&desk, &found).await;
    agent.tell(&desk, &agent.idle()).await;
    assert_eq!(shown(&stage, &agent).await.1, ConfigSync::InSync);
    let text = "route 10.0.0.0/16: wanted dev wg0, found dev eth0";
    let seen = log(&stage, ChangeKind::VpnGatewayStateChange).await.pop().expect("a note");
    assert_eq!(seen.after["difference"], text);
    let repaired = log(&stage, ChangeKind::VpnGatewayRepair).await;
    assert_eq!(repaired.iter().map(|change| change.before["difference"].as_str()).collect::<Vec<_>>(), [text]);
}

async fn an_agent_that_lies_is_refused_and_nothing_changes(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let agent = one(&stage, &desk).await;
    agent.tell(&desk, &agent.idle()).await;
    let before =
        (stage.store.hosts(stage.harbor_id).await.expect("hosts"), stage.store.last_seq().await.expect("a number"));
    let held = agent.held.clone().expect("a document");
    let named = |version: Version| Report { applied: Some(version.clone()), verified: Some(version), ..agent.idle() };
    let never = Version { generation: held.generation + 1, ..held.clone() };
    let other_epoch = Version { epoch: held.epoch + 1, ..held.clone() };
    let other_hash = Version { hash: Hash("ab".repeat(32)), ..held.clone() };
    let nothing = Version { generation: 0, ..held.clone() };
    for (report, status) in [
        (named(never.clone()), StatusCode::CONFLICT),
        (named(other_epoch), StatusCode::CONFLICT),
        (named(other_hash), StatusCode::CONFLICT),
        (named(nothing), StatusCode::CONFLICT),
        (
            Report {
                error: Some(app::domain::host::ApplyError { version: never, message: "no".into() }),
                ..agent.idle()
            },
            StatusCode::CONFLICT,
        ),
        (Report { applied: None, ..agent.idle() }, StatusCode::BAD_REQUEST),
        (Report { cleaned: true, ..agent.idle() }, StatusCode::CONFLICT),
        (Report { error: Some(error(&agent, &"long ".repeat(2000))), ..agent.idle() }, StatusCode::BAD_REQUEST),
    ] {
        let (answered, answer) = agent.report(&desk, &report).await;
        assert_eq!(answered, status, "{answer}");
        assert!(answer["message"].as_str().is_some_and(|message| message.ends_with('.')));
    }
    let mut extra = serde_json::to_value(agent.idle()).expect("a report");
    extra["gateway"] = serde_json::json!(agent.gateway());
    assert_eq!(
        post(&desk.router, "/agent/v1/report", Some(&agent.credential), extra.to_string()).await.0,
        StatusCode::BAD_REQUEST
    );
    let huge = "x".repeat(9_000_000);
    assert_eq!(
        post(&desk.router, "/agent/v1/report", Some(&agent.credential), huge).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );

    let mut after =
        (stage.store.hosts(stage.harbor_id).await.expect("hosts"), stage.store.last_seq().await.expect("a number"));
    for (gateway, row) in &mut after.0 {
        row.last_seen = before.0[gateway].last_seen;
    }
    assert_eq!(after, before);
}

async fn another_gateways_peers_are_refused_but_a_host_that_is_behind_is_not(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let mut agent = one(&stage, &desk).await;
    let beta = stage.gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    stage.road_warrior(beta, "phone").await.expect("a new peer");
    let laptop = stage.road_warrior(agent.gateway(), "laptop").await.expect("a new peer");
    agent.catch_up(&stage, &desk).await;
    let of = |names: &[&str]| Report {
        peers: names.iter().map(|name| figures(key_of(name), Some(now()), 7, 7)).collect(),
        ..agent.idle()
    };
    let (status, answer) = agent.report(&desk, &of(&["laptop", "phone"])).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(
        answer["message"].as_str().is_some_and(|message| message.contains("is no peer of this gateway")),
        "{answer}"
    );
    desk.reconcilers.intake.flush().await.expect("a write");
    assert!(
        stage.store.observed(stage.harbor_id).await.expect("figures").is_empty(),
        "the laptop's figures were refused with the rest"
    );
    agent.tell(&desk, &of(&["laptop", "nobody-knows"])).await;

    let behind = of(&["laptop"]);
    stage.ingrid.delete_peer(&stage.harbor, laptop).await.expect("a deleted peer");
    stage.road_warrior(beta, "laptop").await.expect("a peer with the same key elsewhere");
    agent.tell(&desk, &behind).await;
    agent.catch_up(&stage, &desk).await;
    agent.tell(&desk, &Report { peers: behind.peers, ..agent.idle() }).await;
}

async fn totals_outlive_the_hosts_counters_and_the_console(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let mut agent = one(&stage, &desk).await;
    let laptop = stage.road_warrior(agent.gateway(), "laptop").await.expect("a new peer");
    agent.catch_up(&stage, &desk).await;
    let handshake = Timestamp(now().0 - 5_000);
    let tell = async |desk: &Desk, received, sent| {
        agent
            .tell(
                desk,
                &Report { peers: vec![figures(key_of("laptop"), Some(handshake), received, sent)], ..agent.idle() },
            )
            .await;
    };
    tell(&desk, 1000, 10).await;
    tell(&desk, 1500, 10).await;
    // The host's WireGuard has restarted.
    tell(&desk, 200, 3).await;
    desk.reconcilers.stop().await;

    let desk = Desk::open(&stage).await;
    let again = agent.report(&desk, &agent.idle()).await.1;
    assert_eq!(again["resend"], true, "a console that has just started asks for everything");
    assert_eq!(agent.report(&desk, &agent.idle()).await.1["resend"], false);
    tell(&desk, 260, 3).await;
    desk.reconcilers.intake.flush().await.expect("a write");
    let seen = stage.store.observed(stage.harbor_id).await.expect("figures")[&laptop];
    assert_eq!((seen.received, seen.sent, seen.handshake), (1760, 13, Some(handshake)));
    let samples = &stage.store.samples(stage.harbor_id, now()).await.expect("samples")[&laptop];
    assert_eq!(samples.len(), 24);
    assert_eq!(samples.iter().fold((0, 0), |sum, slot| (sum.0 + slot.0, sum.1 + slot.1)), (1760, 13));

    // A host whose clock is ahead keeps nobody connected for ever.
    let ahead = figures(key_of("laptop"), Some(now().plus_seconds(86_400)), 260, 3);
    agent.tell(&desk, &Report { peers: vec![ahead], ..agent.idle() }).await;
    desk.reconcilers.intake.flush().await.expect("a write");
    let seen = stage.store.observed(stage.harbor_id).await.expect("figures")[&laptop];
    assert!(seen.handshake.is_some_and(|at| at <= now()));
}

async fn figures_of_a_peer_that_was_made_anew_start_anew(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let mut agent = one(&stage, &desk).await;
    let first = stage.road_warrior(agent.gateway(), "laptop").await.expect("a new peer");
    agent.catch_up(&stage, &desk).await;
    let report =
        |agent: &Agent, received| Report { peers: vec![figures(key_of("laptop"), None, received, 0)], ..agent.idle() };
    agent.tell(&desk, &report(&agent, 500)).await;
    desk.reconcilers.intake.flush().await.expect("a write");
    stage.ingrid.delete_peer(&stage.harbor, first).await.expect("a deleted peer");
    let second = stage.road_warrior(agent.gateway(), "laptop").await.expect("a new peer with the same key");
    agent.catch_up(&stage, &desk).await;
    for received in [20, 30, 40] {
        agent.tell(&desk, &report(&agent, received)).await;
        desk.reconcilers.intake.flush().await.expect("a write");
    }
    let seen = stage.store.observed(stage.harbor_id).await.expect("figures");
    assert_eq!((seen.contains_key(&first), seen[&second].received), (false, 40));
}

async fn a_new_address_of_one_host_reaches_the_documents_of_the_others(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (alpha, _, _) = stage.joined().await;
    let mut agent = Agent::enrol(&stage, &desk, alpha, key_of("alpha")).await;
    agent.catch_up(&stage, &desk).await;
    let endpoint = async || {
        let wish = stage.wish(alpha).await.expect("a live gateway");
        app::domain::tunnel::derive(&wish).peers[&key_of("beta")].endpoint.map(|endpoint| endpoint.to_string())
    };
    let before = endpoint().await;
    let beta = stage
        .store
        .hosts(stage.harbor_id)
        .await
        .expect("hosts")
        .into_keys()
        .find(|id| *id != alpha)
        .expect("two gateways");
    let mut other = Agent::enrol(&stage, &desk, beta, key_of("beta")).await;
    other.catch_up(&stage, &desk).await;
    other.tell(&desk, &Report { facts: Some(facts(222)), ..other.idle() }).await;
    agent.catch_up(&stage, &desk).await;
    assert_ne!(endpoint().await, before);
    assert_eq!(
        agent.document.peers[&key_of("beta")].endpoint.map(|endpoint| endpoint.to_string()),
        Some("203.0.113.222:51820".into())
    );
    let note = log(&stage, ChangeKind::VpnGatewayUpdate).await.pop().expect("a note");
    assert_eq!((note.actor.as_str(), note.after["address"].as_str()), ("agent of gw-beta", "203.0.113.222"));
}

async fn an_idle_report_writes_nothing(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let agent = one(&stage, &desk).await;
    agent.tell(&desk, &agent.idle()).await;
    let seq = stage.store.last_seq().await.expect("a number");
    let row = async || stage.store.host(agent.gateway()).await.expect("the store answers").expect("a host").row;
    let before = row().await;
    for _ in 0..20 {
        agent.tell(&desk, &agent.idle()).await;
    }
    assert_eq!((stage.store.last_seq().await.expect("a number"), row().await.applied), (seq, before.applied));
    eventually("the last contact is written within a few seconds", async || row().await.last_seen > before.last_seen)
        .await;
}

async fn a_text_that_postgresql_cannot_hold_is_refused_on_both_engines(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let agent = one(&stage, &desk).await;
    let refused = crate::desk::error(&agent, "nft said \0");
    for report in [
        Report { error: Some(refused), ..agent.idle() },
        Report { drift: vec![Drift { found: "dev \0".into(), ..drift("metric") }], ..agent.idle() },
    ] {
        let (status, answer) = agent.report(&desk, &report).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    }
}

async fn an_agent_that_changes_its_mind_all_the_time_does_not_flood_the_event_log(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let agent = one(&stage, &desk).await;
    for _ in 0..100 {
        agent.tell(&desk, &Report { drift: vec![drift("device")], ..agent.idle() }).await;
        agent.tell(&desk, &agent.idle()).await;
    }
    let noted = log(&stage, ChangeKind::VpnGatewayStateChange).await.len()
        + log(&stage, ChangeKind::VpnGatewayRepair).await.len();
    assert!((20..100).contains(&noted), "{noted} entries");
    let host = stage.store.host(agent.gateway()).await.expect("the store answers").expect("a host");
    assert!(host.row.drift.is_empty(), "what was seen is stored nevertheless");
}
