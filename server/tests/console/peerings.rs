//! Two gateways are joined and parted.

use super::*;

on_both_engines! {
    row_82_gateways_without_a_host_are_not_joined
    a_gateway_that_is_being_deleted_is_not_joined_from_either_side
    rows_73_to_77_a_peering_gives_each_side_the_others_key_and_ranges
    row_75_a_preshared_key_is_the_pairs_own_and_never_at_rest_in_clear
    row_81_a_second_peering_is_refused_in_the_guides_words
    rows_85_and_89_both_gateways_show_the_peering_at_once
    row_86_deleting_one_side_removes_both_and_frees_the_addresses
    row_87_deleting_a_gateway_cleans_the_other_gateways_peers
    a_switched_off_peer_leaves_the_document_and_a_pair_goes_together
    settings_reach_the_document_of_the_other_side
}

async fn row_82_gateways_without_a_host_are_not_joined(stage: Stage) {
    let alpha = stage.active_gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let beta = stage.gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    let sentence = refused(stage.ingrid.create_peering(&stage.harbor, alpha, beta).await);
    assert_eq!(sentence, "Both gateways must be active. gw-beta has no host yet. Enrol one first.");
    assert_eq!(stage.ingrid.gateway(&stage.harbor, beta).await.expect("a gateway").status, GatewayStatus::Provisioning);
    assert_eq!(stage.ingrid.gateway(&stage.harbor, alpha).await.expect("a gateway").status, GatewayStatus::Active);
    let same = refused(stage.ingrid.create_peering(&stage.harbor, alpha, alpha).await);
    assert_eq!(same, "Cannot peer gateways in the same VPC");
    let nowhere = GatewayId::from_uuid(Uuid::now_v7());
    let sentence = refused(stage.ingrid.create_peering(&stage.harbor, alpha, nowhere).await);
    assert_eq!(sentence, "This gateway no longer exists. Choose another one.");
    assert_eq!(stage.ingrid.create_peering(&stage.harbor, nowhere, alpha).await, Err(ApiError::NotFound));
}

async fn a_gateway_that_is_being_deleted_is_not_joined_from_either_side(stage: Stage) {
    let alpha = stage.active_gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let beta = stage.active_gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    stage.ingrid.delete_gateway(&stage.harbor, beta).await.expect("begun");
    for (here, there) in [(alpha, beta), (beta, alpha)] {
        let sentence = refused(stage.ingrid.create_peering(&stage.harbor, here, there).await);
        assert_eq!(sentence, "Gateway gw-beta is being deleted.");
    }
}

async fn rows_73_to_77_a_peering_gives_each_side_the_others_key_and_ranges(stage: Stage) {
    let (alpha, beta, pair) = stage.joined().await;
    let [a, b] = [alpha, beta].map(|gateway| stage.ingrid.peers(&stage.harbor, gateway));
    let (a, b) = (a.await.expect("peers"), b.await.expect("peers"));
    let ([a], [b]) = (a.as_slice(), b.as_slice()) else { panic!("one row on each gateway") };
    assert_eq!((a.public_key, b.public_key), (key_of("beta"), key_of("alpha")));
    assert_eq!(
        (a.tunnel_address.to_string(), b.tunnel_address.to_string()),
        ("10.200.1.2".into(), "10.200.2.2".into())
    );
    assert_eq!(a.allowed_ips, [name("10.0.0.0/16"), name("10.200.2.0/24")]);
    assert_eq!(b.allowed_ips, [name("10.200.1.0/24"), name("172.16.0.0/16")]);
    assert_eq!((a.pair, b.pair), (Some(pair), Some(pair)));
    for (row, other) in [(a, beta), (b, alpha)] {
        let other = stage.ingrid.gateway(&stage.harbor, other).await.expect("a gateway");
        let endpoint = row.endpoint.expect("a peering has an endpoint");
        assert_eq!((Some(endpoint.address), endpoint.port), (other.public_address, other.settings.listen_port));
        assert_eq!(row.keepalive, 25);
        let document = derive(&stage.wish(row.gateway).await.expect("a live gateway"));
        let told = &document.peers[&row.public_key];
        assert_eq!((&told.allowed_ips, told.endpoint, told.keepalive), (&row.allowed_ips, row.endpoint, 25));
    }
}

async fn row_75_a_preshared_key_is_the_pairs_own_and_never_at_rest_in_clear(stage: Stage) {
    let (alpha, beta, _) = stage.joined().await;
    let gamma = stage.active_gateway("gamma", "10.9.0.0/16", "10.200.3.0/24").await;
    stage.ingrid.create_peering(&stage.harbor, alpha, gamma).await.expect("a second peering");
    let key = async |gateway, other: &str| {
        let wish = stage.wish(gateway).await.expect("a live gateway");
        let peer = wish.peers.into_iter().find(|peer| peer.public_key == key_of(other)).expect("joined");
        peer.preshared_key.expect("a VPC peering always has a preshared key")
    };
    let ab = key(alpha, "beta").await;
    assert_eq!(ab, key(beta, "alpha").await);
    let ac = key(alpha, "gamma").await;
    assert_ne!(ab, ac);
    let texts = stage.every_text().await;
    assert!(texts.contains("vpc-peering-gw-beta"), "the database is read at all");
    for secret in [ab, ac] {
        assert!(!texts.contains(&secret.to_string()) && !texts.contains(&secret.to_hex()));
    }
}

async fn row_81_a_second_peering_is_refused_in_the_guides_words(stage: Stage) {
    let (alpha, beta, _) = stage.joined().await;
    for (here, there) in [(alpha, beta), (beta, alpha)] {
        let sentence = refused(stage.ingrid.create_peering(&stage.harbor, here, there).await);
        assert_eq!(sentence, "A peering already exists between these gateways");
    }
}

async fn rows_85_and_89_both_gateways_show_the_peering_at_once(stage: Stage) {
    let (alpha, beta, pair) = stage.joined().await;
    for (gateway, called) in [(alpha, "vpc-peering-gw-beta"), (beta, "vpc-peering-gw-alpha")] {
        let peers = stage.ingrid.peers(&stage.harbor, gateway).await.expect("peers");
        assert_eq!(peers.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), [called]);
        assert_eq!(stage.ingrid.gateway(&stage.harbor, gateway).await.expect("a gateway").peers, 1);
    }
    let peerings = stage.ingrid.peerings(&stage.harbor).await.expect("peerings");
    let [peering] = peerings.as_slice() else { panic!("one peering") };
    assert_eq!((peering.id, peering.state), (pair, PeeringState::Pending));
    assert_eq!(peering.sides.each_ref().map(|side| side.gateway), [alpha, beta]);
    for vpc in stage.ingrid.vpcs(&stage.harbor).await.expect("VPCs") {
        assert_eq!(vpc.peerings, peerings, "{} shows it too", vpc.name);
    }
}

async fn row_86_deleting_one_side_removes_both_and_frees_the_addresses(stage: Stage) {
    let (alpha, beta, _) = stage.joined().await;
    let rows = stage.ingrid.peers(&stage.harbor, beta).await.expect("peers");
    stage.ingrid.delete_peer(&stage.harbor, rows[0].id).await.expect("deleted");
    for gateway in [alpha, beta] {
        assert_eq!(stage.ingrid.peers(&stage.harbor, gateway).await, Ok(Vec::new()));
        assert!(stage.wish(gateway).await.expect("a live gateway").peers.is_empty());
    }
    assert_eq!(stage.ingrid.delete_peer(&stage.harbor, rows[0].id).await, Err(ApiError::NotFound));
    stage.ingrid.create_peering(&stage.harbor, beta, alpha).await.expect("joined again");
    let rows = stage.ingrid.peers(&stage.harbor, beta).await.expect("peers");
    assert_eq!(rows[0].tunnel_address.to_string(), "10.200.2.2", "the address was free again");
}

async fn row_87_deleting_a_gateway_cleans_the_other_gateways_peers(stage: Stage) {
    let (alpha, beta, _) = stage.joined().await;
    stage.road_warrior(alpha, "laptop").await.expect("a road warrior");
    stage.road_warrior(beta, "phone").await.expect("a road warrior");
    stage.ingrid.delete_gateway(&stage.harbor, alpha).await.expect("deleted");
    let left = stage.ingrid.peers(&stage.harbor, beta).await.expect("peers");
    assert_eq!(left.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), ["phone"]);
    assert!(stage.wish(alpha).await.is_none(), "its document becomes empty");
    assert!(stage.ingrid.peerings(&stage.harbor).await.expect("peerings").is_empty());
    assert_eq!(stage.ingrid.gateway(&stage.harbor, alpha).await.expect("a gateway").status, GatewayStatus::Deleting);
    let again = refused(stage.ingrid.delete_gateway(&stage.harbor, alpha).await);
    assert_eq!(again, "Gateway gw-alpha is being deleted.");
}

async fn a_switched_off_peer_leaves_the_document_and_a_pair_goes_together(stage: Stage) {
    let (alpha, beta, _) = stage.joined().await;
    let row = stage.ingrid.peers(&stage.harbor, alpha).await.expect("peers").remove(0);
    stage.ingrid.enable_peer(&stage.harbor, row.id, false).await.expect("switched off");
    for gateway in [alpha, beta] {
        assert!(derive(&stage.wish(gateway).await.expect("a live gateway")).peers.is_empty());
    }
    assert_eq!(stage.ingrid.peerings(&stage.harbor).await.expect("peerings")[0].state, PeeringState::Disabled);
    stage.ingrid.enable_peer(&stage.harbor, row.id, true).await.expect("switched on");
    assert_eq!(derive(&stage.wish(beta).await.expect("a live gateway")).peers.len(), 1);
}

async fn settings_reach_the_document_of_the_other_side(stage: Stage) {
    let (alpha, beta, _) = stage.joined().await;
    let settings = GatewaySettings {
        public_address: Some([198, 51, 100, 7].into()),
        listen_port: 41820,
        ..GatewaySettings::default()
    };
    stage.ingrid.update_gateway(&stage.harbor, beta, settings.clone()).await.expect("changed");
    let told = derive(&stage.wish(alpha).await.expect("a live gateway"));
    let endpoint = told.peers[&key_of("beta")].endpoint.expect("an endpoint").to_string();
    assert_eq!(endpoint, "198.51.100.7:41820");
    let before = stage.store.last_seq().await.expect("a number");
    stage.ingrid.update_gateway(&stage.harbor, beta, settings).await.expect("nothing to do");
    assert_eq!(stage.store.last_seq().await.expect("a number"), before, "no change is no entry");

    // A host with a new key: the other side learns it.
    stage.enrol(beta, key_of("beta-new")).await;
    assert!(derive(&stage.wish(alpha).await.expect("a live gateway")).peers.contains_key(&key_of("beta-new")));
    stage.ingrid.repair_gateway(&stage.harbor, beta).await.expect("asked");
    assert_eq!(stage.wish(beta).await.expect("a live gateway").repairs, 1);
}
