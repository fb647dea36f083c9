//! What the event log says of it.

use super::*;

on_both_engines! {
    row_92_every_change_is_noted_with_its_actor_and_without_secrets
    a_filter_that_postgresql_cannot_read_is_refused_on_both_engines
    the_event_log_forgets_what_is_old_and_nothing_else
}

async fn row_92_every_change_is_noted_with_its_actor_and_without_secrets(stage: Stage) {
    let (alpha, beta, _) = stage.joined().await;
    let laptop = stage.road_warrior(alpha, "laptop").await.expect("a road warrior");
    let office =
        stage.ingrid.create_site(&stage.harbor, alpha, site("office", "192.168.88.0/24")).await.expect("a site");
    let file = stage.ingrid.road_warrior_file(&stage.harbor, laptop).await.expect("a file");
    let export = stage.ingrid.site_export(&stage.harbor, office).await.expect("an export");
    let token = stage.ingrid.issue_enrolment(&stage.harbor, beta).await.expect("a token").token;
    stage.ingrid.enable_peer(&stage.harbor, laptop, false).await.expect("switched off");
    stage.ingrid.delete_peer(&stage.harbor, laptop).await.expect("deleted");
    stage.ingrid.repair_gateway(&stage.harbor, alpha).await.expect("asked");
    stage.ingrid.revoke_credential(&stage.harbor, beta).await.expect("revoked");
    let settings = GatewaySettings { mtu: 1380, ..GatewaySettings::default() };
    stage.ingrid.update_gateway(&stage.harbor, alpha, settings).await.expect("changed");
    stage
        .ingrid
        .add_planned_network(&stage.harbor, PlannedRange { name: name("corp"), cidr: name("10.64.0.0/12") })
        .await
        .expect("listed");
    stage.ingrid.remove_planned_network(&stage.harbor, &name("corp")).await.expect("removed");
    stage.ingrid.delete_gateway(&stage.harbor, alpha).await.expect("deleted");
    stage.ingrid.delete_gateway(&stage.harbor, beta).await.expect("deleted");
    let vpc = stage.ingrid.vpcs(&stage.harbor).await.expect("VPCs")[0].id;
    stage.ingrid.delete_vpc(&stage.harbor, vpc).await.expect("deleted");
    stage.ingrid.build_lab(&stage.harbor).await.expect("built");

    let filter = ChangeFilter { limit: 200, ..ChangeFilter::default() };
    // The lab is noted once it is built.
    let lab = ChangeFilter { kind: Some(ChangeKind::LabBuild), ..filter.clone() };
    while stage.ingrid.changes(&stage.harbor, lab.clone()).await.expect("the log").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let log = stage.ingrid.changes(&stage.harbor, filter.clone()).await.expect("the log");
    let ours: Vec<&Change> = log.iter().filter(|change| change.actor == "ingrid@example.com").collect();
    let kinds: BTreeSet<ChangeKind> = ours.iter().map(|change| change.kind).collect();
    let wanted = [
        ChangeKind::ProjectVpcCreate,
        ChangeKind::ProjectVpcDelete,
        ChangeKind::VpnGatewayCreate,
        ChangeKind::VpnGatewayUpdate,
        ChangeKind::VpnGatewayDelete,
        ChangeKind::VpnGatewayEnrolmentToken,
        ChangeKind::VpnGatewayCredentialRevoke,
        ChangeKind::VpnGatewayRepair,
        ChangeKind::VpnPeerCreate,
        ChangeKind::VpnPeerUpdate,
        ChangeKind::VpnPeerDelete,
        ChangeKind::VpnPeeringCreate,
        ChangeKind::VpnPeeringDelete,
        ChangeKind::VpnConfigDownload,
        ChangeKind::PlannedNetworkCreate,
        ChangeKind::PlannedNetworkDelete,
        ChangeKind::LabBuild,
    ];
    assert_eq!(kinds, BTreeSet::from(wanted));
    assert!(log.windows(2).all(|pair| pair[0].seq == pair[1].seq + 1), "no number is missing");
    let mtu = ours.iter().find(|change| change.kind == ChangeKind::VpnGatewayUpdate).expect("an entry");
    assert_eq!(mtu.differences(), [("mtu".to_owned(), Some("1420".to_owned()), Some("1380".to_owned()))]);
    let text = serde_json::to_string(&log).expect("plain data");
    let keys = [file.preshared_key, export.file.preshared_key].map(|key| key.expect("a key").to_string());
    for secret in keys.into_iter().chain([token]) {
        assert!(!text.contains(&secret));
    }
    // One deed is one entry, which names both gateways and is found by either.
    for kind in [ChangeKind::VpnPeeringCreate, ChangeKind::VpnPeeringDelete] {
        let entries: Vec<_> = log.iter().filter(|change| change.kind == kind).cloned().collect();
        assert_eq!(entries.len(), 1, "{kind:?}");
        assert_eq!(entries[0].object_name, "gw-alpha and gw-beta");
        let told: Vec<String> = entries[0].differences().into_iter().map(|(gateway, _, _)| gateway).collect();
        assert_eq!(told, ["gw-alpha", "gw-beta"]);
        for gateway in [alpha, beta] {
            let of_one = ChangeFilter { object: Some(gateway.to_string()), kind: Some(kind), ..filter.clone() };
            assert_eq!(stage.ingrid.changes(&stage.harbor, of_one).await.expect("the log"), entries);
        }
    }
}

async fn a_filter_that_postgresql_cannot_read_is_refused_on_both_engines(stage: Stage) {
    for filter in [
        ChangeFilter { actor: Some("a\0b".into()), ..ChangeFilter::default() },
        ChangeFilter { object: Some("a\0b".into()), ..ChangeFilter::default() },
    ] {
        refused(stage.ingrid.changes(&stage.harbor, filter).await);
    }
}

async fn the_event_log_forgets_what_is_old_and_nothing_else(stage: Stage) {
    for days in (1..=1500).rev() {
        let at = clock::now().plus_seconds(-days * 86_400);
        let mut tx = stage.store.begin(at).await.expect("a transaction");
        tx.note(sign_in()).await.expect("a note");
        tx.commit(()).await.expect("a commit");
    }
    let before = clock::now().plus_seconds(-400 * 86_400 - 60);
    assert_eq!(stage.store.forget_changes(before).await.expect("the store answers"), 1100);
    assert_eq!(stage.store.forget_changes(before).await.expect("the store answers"), 0);
    assert_eq!(stage.store.last_seq().await.expect("the store answers"), 1500, "numbers go on");
    let left = stage.store.changes_after(0, 2000).await.expect("the store answers");
    assert_eq!((left.len(), left[0].seq), (400, 1101));
}
