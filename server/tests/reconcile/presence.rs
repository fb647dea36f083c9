//! What time alone changes: silence, and the state of VPC peerings.

use app::{
    backend::{Gateways, Peerings},
    domain::{change::ChangeKind, gateway::GatewayStatus, host::Report, peering::PeeringState},
};

use crate::{
    common::{self, Stage, key_of, on_both_engines},
    desk::{Agent, Desk, eventually, figures, log, now},
};

on_both_engines! {
    a_silent_agent_turns_its_gateway_to_error_and_back
    a_peering_is_noted_as_established_and_as_lost_once
    the_controllers_tell_how_they_are
}

async fn a_silent_agent_turns_its_gateway_to_error_and_back(stage: Stage) {
    let desk = Desk::with(&stage, 1).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    agent.catch_up(&stage, &desk).await;
    let steps = async || -> Vec<String> {
        let changes = log(&stage, ChangeKind::VpnGatewayStateChange).await;
        changes.into_iter().filter_map(|mut change| change.after.remove("status")).collect()
    };
    eventually("the silence is noted", async || steps().await == ["Active", "Error"]).await;
    let silent = log(&stage, ChangeKind::VpnGatewayStateChange).await.pop().expect("a note");
    assert!(silent.after["reason"].starts_with("The agent has been silent for "), "{silent:?}");
    agent.tell(&desk, &agent.idle()).await;
    eventually("the return is noted", async || {
        steps().await.starts_with(&["Active".into(), "Error".into(), "Active".into()])
    })
    .await;
    let shown = stage.ingrid.gateway(&stage.harbor, gateway).await.expect("a gateway");
    assert_eq!(shown.status, GatewayStatus::Active, "pages have a patience of their own");
}

async fn a_peering_is_noted_as_established_and_as_lost_once(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let (alpha, beta, pair) = stage.joined().await;
    let mut agents = Vec::new();
    for (gateway, called, other) in [(alpha, "alpha", "beta"), (beta, "beta", "alpha")] {
        let mut agent = Agent::enrol(&stage, &desk, gateway, key_of(called)).await;
        agent.catch_up(&stage, &desk).await;
        agents.push((agent, key_of(other)));
    }
    let state = async || stage.ingrid.peerings(&stage.harbor).await.expect("peerings").remove(0).state;
    assert_eq!(state().await, PeeringState::Pending);
    // The handshake is nearly too old when it is told, so that it is lost soon after.
    let handshake = now().plus_seconds(-177);
    for (agent, other) in &agents {
        agent.tell(&desk, &Report { peers: vec![figures(*other, Some(handshake), 100, 100)], ..agent.idle() }).await;
    }
    let steps = async || -> Vec<(String, String)> {
        let changes = log(&stage, ChangeKind::VpnPeeringStateChange).await;
        changes
            .into_iter()
            .map(|mut change| {
                (change.before.remove("state").unwrap_or_default(), change.after.remove("state").unwrap_or_default())
            })
            .collect()
    };
    let step = |before: &str, after: &str| (before.to_owned(), after.to_owned());
    eventually("both are noted", async || {
        steps().await == [step("Pending", "Established"), step("Established", "Lost")]
    })
    .await;
    assert_eq!(state().await, PeeringState::Lost);
    let note = log(&stage, ChangeKind::VpnPeeringStateChange).await.remove(0);
    assert_eq!(
        (note.object, note.object_name.as_str(), note.actor.as_str()),
        (pair.to_string(), "gw-alpha and gw-beta", "Automation")
    );
}

async fn the_controllers_tell_how_they_are(stage: Stage) {
    let desk = Desk::open(&stage).await;
    stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    eventually("each has run and knows the gateway", async || {
        let all = desk.reconcilers.statuses.all();
        let names: Vec<&str> = all.iter().map(|status| status.name.as_str()).collect();
        // There is no cloud and no service here, so that those of clouds and services have nothing to answer for.
        let keys = |name: &str| u64::from(matches!(name, "cleanup" | "documents" | "presence"));
        names == ["cleanup", "cloud-accounts", "clouds", "documents", "node-documents", "presence", "services"]
            && all.iter().all(|status| {
                let calm = status.runs > 0 && status.failures.is_empty() && !status.purpose.is_empty();
                calm && status.keys == keys(&status.name)
            })
    })
    .await;
}
