//! What hosts are told: one generation per difference, and the last one in the end, whatever happens in between.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use app::{
    backend::{Peerings, Peers},
    domain::{
        change::ChangeKind,
        tunnel::{Document, Hash, Version, derive},
    },
};
use axum::http::StatusCode;

use crate::{
    common::{self, Stage, key_of, on_both_engines},
    desk::{Agent, Desk, eventually, log},
};

on_both_engines! {
    a_document_and_the_rows_that_it_was_made_from_are_of_one_moment
    an_edit_is_one_generation_and_waiting_agents_get_it_as_a_change
    a_burst_of_a_thousand_edits_ends_with_every_host_at_the_last_generation_though_the_console_is_killed_twice
    a_peering_reaches_both_documents_and_its_deletion_too
    a_restart_of_the_console_gives_nobody_a_new_generation
    an_agent_that_is_ahead_of_a_restored_database_gets_a_higher_epoch_and_stays
    what_is_no_version_is_refused
    a_claim_far_beyond_what_was_ever_given_is_refused_and_changes_nothing
}

async fn an_edit_is_one_generation_and_waiting_agents_get_it_as_a_change(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    agent.catch_up(&stage, &desk).await;
    for number in 1..=30 {
        stage.road_warrior(gateway, &format!("laptop-{number}")).await.expect("a new peer");
    }
    agent.catch_up(&stage, &desk).await;
    let (whole, before) = (agent.whole, agent.held.clone().expect("a document"));

    let mut waiting = agent.clone();
    let (status, peer) = tokio::join!(waiting.fetch(&desk, 10), async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        stage.road_warrior(gateway, "phone").await.expect("a new peer")
    });
    assert_eq!(status, StatusCode::OK);
    assert_eq!(waiting.held.as_ref().expect("a document").generation, before.generation + 1);
    assert_eq!((waiting.document.peers.len(), waiting.whole), (31, whole), "one peer was sent, not thirty-one");

    stage.ingrid.enable_peer(&stage.harbor, peer, false).await.expect("a disabled peer");
    waiting.catch_up(&stage, &desk).await;
    assert_eq!(waiting.document.peers.len(), 30);
    stage.ingrid.road_warrior_file(&stage.harbor, peer).await.expect("a download");
    stage.ingrid.delete_peer(&stage.harbor, peer).await.expect("a deleted peer");
    assert_eq!(
        waiting.fetch(&desk, 1).await,
        StatusCode::NO_CONTENT,
        "neither a download nor the end of a disabled peer concerns the host"
    );
    let there = agent.held.clone();
    assert_eq!(agent.fetch(&desk, 0).await, StatusCode::OK, "there and back again is another version");
    assert_eq!(
        (agent.held.map(|held| held.hash), agent.whole),
        (there.map(|there| there.hash), whole),
        "of the same document"
    );
}

async fn a_burst_of_a_thousand_edits_ends_with_every_host_at_the_last_generation_though_the_console_is_killed_twice(
    stage: Stage,
) {
    let stage = Arc::new(stage);
    let mut desk = Desk::open(&stage).await;
    let mut gateways = Vec::new();
    for (number, called) in ["alpha", "beta", "gamma"].into_iter().enumerate() {
        let gateway =
            stage.gateway(called, &format!("10.{number}.0.0/16"), &format!("10.200.{}.0/22", number * 4)).await;
        gateways.push((gateway, Agent::enrol(&stage, &desk, gateway, key_of(called)).await));
    }
    let done = Arc::new(AtomicBool::new(false));
    let edits = gateways.iter().map(|(gateway, _)| {
        let (stage, gateway) = (Arc::clone(&stage), *gateway);
        tokio::spawn(async move {
            let mut kept = Vec::new();
            for number in 0..180 {
                let peer = stage.road_warrior(gateway, &format!("laptop-{number}")).await.expect("a new peer");
                stage.ingrid.enable_peer(&stage.harbor, peer, number % 3 == 0).await.expect("a switched peer");
                kept.push(peer);
                if number % 2 == 1 {
                    stage
                        .ingrid
                        .delete_peer(&stage.harbor, kept.swap_remove(number / 4))
                        .await
                        .expect("a deleted peer");
                }
            }
        })
    });
    let edits = futures::future::join_all(edits.collect::<Vec<_>>());
    let finished = {
        let done = Arc::clone(&done);
        tokio::spawn(async move {
            let all = edits.await;
            done.store(true, Ordering::Relaxed);
            assert!(all.iter().all(Result::is_ok), "an edit failed");
        })
    };
    let mut kills = 0;
    while !done.load(Ordering::Relaxed) {
        for (_, agent) in &mut gateways {
            agent.fetch(&desk, 0).await;
        }
        let edited = stage.store.last_seq().await.expect("the store answers");
        if edited > 300 * (kills + 1) && kills < 2 {
            // Aborted wherever it is, as a killed process would be.
            drop(desk);
            desk = Desk::open(&stage).await;
            kills += 1;
        }
    }
    finished.await.expect("the edits succeed");
    assert_eq!(kills, 2);
    let edits = stage.store.last_seq().await.expect("the store answers");
    assert!(edits >= 1000, "{edits} edits are no burst of a thousand");
    for (gateway, agent) in &mut gateways {
        // The last edits may give a document that was there before them: a derivation that was under way still brings its own.
        eventually("the host has the last generation", async || {
            agent.fetch(&desk, 0).await;
            agent.catch_up(&stage, &desk).await;
            let host = stage.store.host(*gateway).await.expect("the store answers").expect("a host");
            let last = Some(host.row.wanted);
            (host.row.verified, host.row.applied) == (host.row.wanted, host.row.wanted)
                && agent.held.as_ref().map(|held| held.generation) == last
        })
        .await;
        assert_eq!(agent.document, derive(&stage.wish(*gateway).await.expect("a live gateway")));
    }
}

async fn a_peering_reaches_both_documents_and_its_deletion_too(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let beta = stage.gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    let mut a = Agent::enrol(&stage, &desk, alpha, key_of("alpha")).await;
    let mut b = Agent::enrol(&stage, &desk, beta, key_of("beta")).await;
    a.catch_up(&stage, &desk).await;
    b.catch_up(&stage, &desk).await;

    stage.ingrid.create_peering(&stage.harbor, alpha, beta).await.expect("a new peering");
    a.catch_up(&stage, &desk).await;
    b.catch_up(&stage, &desk).await;
    let (at_a, at_b) = (&a.document.peers[&key_of("beta")], &b.document.peers[&key_of("alpha")]);
    assert_eq!(at_a.preshared_key, at_b.preshared_key);
    assert!(at_a.preshared_key.is_some());

    // A host with another key takes beta over: the mirror on alpha learns it.
    let mut new_b = Agent::enrol(&stage, &desk, beta, key_of("beta-anew")).await;
    new_b.catch_up(&stage, &desk).await;
    a.catch_up(&stage, &desk).await;
    assert_eq!(a.document.peers.keys().collect::<Vec<_>>(), [&key_of("beta-anew")]);
    assert_eq!(b.fetch(&desk, 0).await, StatusCode::UNAUTHORIZED, "the former host's credential has ended");

    let peer = stage.ingrid.peers(&stage.harbor, beta).await.expect("peers").remove(0);
    stage.ingrid.delete_peer(&stage.harbor, peer.id).await.expect("a deleted peering");
    a.catch_up(&stage, &desk).await;
    new_b.catch_up(&stage, &desk).await;
    assert!(a.document.peers.is_empty() && new_b.document.peers.is_empty());
}

async fn a_restart_of_the_console_gives_nobody_a_new_generation(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    stage.road_warrior(gateway, "laptop").await.expect("a new peer");
    agent.catch_up(&stage, &desk).await;
    desk.reconcilers.stop().await;

    let desk = Desk::open(&stage).await;
    assert_eq!(agent.fetch(&desk, 1).await, StatusCode::NO_CONTENT);
    let mut other = agent.clone();
    other.held = None;
    assert_eq!(other.fetch(&desk, 5).await, StatusCode::OK);
    assert_eq!(other.held, agent.held);
}

async fn an_agent_that_is_ahead_of_a_restored_database_gets_a_higher_epoch_and_stays(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let other = stage.gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    let mut bystander = Agent::enrol(&stage, &desk, other, key_of("beta")).await;
    agent.catch_up(&stage, &desk).await;
    bystander.catch_up(&stage, &desk).await;
    let seen = agent.held.clone().expect("a document");

    // What the agent has is of a time that this database has forgotten.
    let ahead = Version { generation: seen.generation + 40, hash: Hash("ab".repeat(32)), ..seen.clone() };
    agent.held = Some(ahead.clone());
    let (status, answer) = agent.report(&desk, &agent.idle()).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(agent.fetch(&desk, 10).await, StatusCode::OK);
    let raised = agent.held.clone().expect("a document");
    assert_eq!(
        (raised.epoch, raised.generation, raised.hash.clone()),
        (seen.epoch + 1, seen.generation + 41, seen.hash.clone())
    );
    agent.tell(&desk, &agent.idle()).await;
    let note = log(&stage, ChangeKind::VpnGatewayStateChange)
        .await
        .into_iter()
        .find(|change| change.after.contains_key("document"));
    assert!(note.expect("a note").after["reason"].contains("an older copy of the database was put back"));
    assert_eq!(bystander.fetch(&desk, 0).await, StatusCode::NO_CONTENT, "only the gateway that was ahead is concerned");

    // The same number with another hash: the restored database has counted up to it in the meantime.
    agent.held = Some(Version { hash: Hash("cd".repeat(32)), ..raised.clone() });
    assert_eq!(agent.fetch(&desk, 10).await, StatusCode::OK);
    assert_eq!(agent.held.as_ref().map(|held| held.epoch), Some(raised.epoch + 1));

    // It survives a restart, and edits go on from there.
    desk.reconcilers.stop().await;
    let desk = Desk::open(&stage).await;
    assert_eq!(agent.fetch(&desk, 1).await, StatusCode::NO_CONTENT);
    stage.road_warrior(gateway, "laptop").await.expect("a new peer");
    agent.catch_up(&stage, &desk).await;
    assert_eq!(agent.document.peers.len(), 1);
}

async fn what_is_no_version_is_refused(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    agent.catch_up(&stage, &desk).await;
    let before = stage.store.versions().await.expect("the store answers");
    let hash = "ab".repeat(32);
    for query in [
        "epoch=1&generation=1".to_owned(),
        format!("epoch=1&generation=0&hash={hash}"),
        format!("epoch=18446744073709551615&generation=1&hash={hash}"),
        format!("epoch=1&generation=9223372036854775807&hash={hash}"),
        format!("epoch=-1&generation=1&hash={hash}"),
        "epoch=1&generation=1&hash=..%2F..%2Fetc".to_owned(),
        "wait=soon".to_owned(),
        "since=1".to_owned(),
    ] {
        let (status, body) = agent.get(&desk, &query).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert!(serde_json::from_slice::<serde_json::Value>(&body).expect("JSON")["message"].is_string());
    }
    assert_eq!(stage.store.versions().await.expect("the store answers"), before, "nothing has changed");
    eventually("a gateway without agent has a document too", async || {
        stage.store.versions().await.expect("the store answers").contains_key(&gateway.into())
    })
    .await;
    assert_ne!(agent.document, Document::empty());
}

async fn a_claim_far_beyond_what_was_ever_given_is_refused_and_changes_nothing(stage: Stage) {
    let desk = Desk::open(&stage).await;
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let mut agent = Agent::enrol(&stage, &desk, gateway, key_of("alpha")).await;
    agent.catch_up(&stage, &desk).await;
    let before = agent.held.clone().expect("a document");
    let beyond = i64::MAX.unsigned_abs() / 2;
    for (epoch, generation) in [(before.epoch, beyond), (beyond, 1)] {
        let query = format!("wait=0&epoch={epoch}&generation={generation}&hash={}", before.hash);
        let (status, body) = agent.get(&desk, &query).await;
        assert_eq!(status, axum::http::StatusCode::CONFLICT, "{}", String::from_utf8_lossy(&body));
    }
    assert_eq!(desk.reconcilers.documents.version(gateway), Some(before));
    stage.road_warrior(gateway, "laptop").await.expect("a new peer");
    agent.catch_up(&stage, &desk).await;
    assert_eq!(agent.document.peers.len(), 1, "the gateway goes on");
}

/// Else a road warrior that is deleted meanwhile would stay in the document: nobody would know whose row it was.
async fn a_document_and_the_rows_that_it_was_made_from_are_of_one_moment(stage: Stage) {
    let gateway = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let (store, sealer) = (stage.store.clone(), stage.shared.sealer.clone());
    let (done, mut edited) = tokio::sync::oneshot::channel();
    let reader = tokio::spawn(async move {
        let mut moments = 0;
        while edited.try_recv().is_err() {
            let (wish, rows) = store.wish_and_road_warriors(gateway, &sealer).await.expect("the store answers");
            let wished: BTreeSet<_> = wish.expect("a gateway").peers.iter().map(|peer| peer.public_key).collect();
            assert_eq!(wished, rows.into_values().collect());
            moments += 1;
        }
        moments
    });
    for number in 0..60 {
        let peer = stage.road_warrior(gateway, &format!("laptop-{number}")).await.expect("a new peer");
        stage.ingrid.delete_peer(&stage.harbor, peer).await.expect("deleted");
    }
    done.send(()).expect("it reads on");
    let moments = reader.await.expect("each time the same");
    assert!(moments > 20, "{moments} readings beside 120 edits");
}
