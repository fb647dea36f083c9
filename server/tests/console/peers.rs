//! Road warriors with their files, and sites.

use super::*;

on_both_engines! {
    row_84_a_road_warriors_file_follows_the_peerings
    a_file_is_refused_until_the_gateway_can_be_reached
    a_peer_is_refused_for_its_name_and_key
    a_site_keeps_its_networks_to_itself
    a_file_whose_gateway_has_moved_is_stale
    a_road_warrior_that_gets_no_file_is_not_made
}

async fn row_84_a_road_warriors_file_follows_the_peerings(stage: Stage) {
    let alpha = stage.active_gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let beta = stage.active_gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    let laptop = stage.road_warrior(alpha, "laptop").await.expect("a road warrior");
    let file = stage.ingrid.road_warrior_file(&stage.harbor, laptop).await.expect("a file");
    assert_eq!(file.allowed_ips, [name("10.200.1.0/24"), name("172.16.0.0/16")]);
    assert_eq!((file.address.to_string().as_str(), file.gateway_key), ("10.200.1.2", key_of("alpha")));
    assert_eq!(file.endpoint.port, 51820);
    let wished = stage.wish(alpha).await.expect("a live gateway").peers.remove(0);
    assert_eq!(wished.preshared_key, file.preshared_key, "both ends are given one key");
    let peer = async || stage.ingrid.peer(&stage.harbor, laptop).await.expect("a peer");
    assert!(!peer().await.file_outdated());

    stage.ingrid.create_peering(&stage.harbor, alpha, beta).await.expect("joined");
    assert!(peer().await.file_outdated(), "it does not know the other VPC yet");
    let file = stage.ingrid.road_warrior_file(&stage.harbor, laptop).await.expect("a file");
    assert_eq!(file.allowed_ips, [name("10.0.0.0/16"), name("10.200.1.0/24"), name("172.16.0.0/16")]);
    assert!(!peer().await.file_outdated());
}

async fn a_file_is_refused_until_the_gateway_can_be_reached(stage: Stage) {
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let laptop = stage.road_warrior(alpha, "laptop").await.expect("a road warrior");
    let sentence = refused(stage.ingrid.road_warrior_file(&stage.harbor, laptop).await);
    assert_eq!(
        sentence,
        "Gateway gw-alpha has no key yet: its host makes one when it is enrolled. Enrol a host, then download the file."
    );
    assert_eq!(
        stage.ingrid.site_export(&stage.harbor, laptop).await,
        Err(ApiError::NotFound),
        "a road warrior is no site"
    );
    assert!(stage.ingrid.peer(&stage.harbor, laptop).await.expect("a peer").downloaded.is_none());
}

async fn a_peer_is_refused_for_its_name_and_key(stage: Stage) {
    let alpha = stage.active_gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    stage.road_warrior(alpha, "laptop").await.expect("a road warrior");
    let error = stage.road_warrior(alpha, "laptop").await.expect_err("a refusal");
    assert_eq!(error.at("name"), Some("A peer named laptop already exists on gateway gw-alpha."));
    assert_eq!(error.at("public_key"), Some("Another peer uses this key."));
    let own = NewRoadWarrior { name: name("mirror"), public_key: key_of("alpha") };
    let error = stage.ingrid.create_road_warrior(&stage.harbor, alpha, own).await.expect_err("a refusal");
    assert_eq!(error.at("public_key"), Some("This is the key of the gateway itself."));
}

async fn a_site_keeps_its_networks_to_itself(stage: Stage) {
    let (alpha, _, _) = stage.joined().await;
    let office = stage
        .ingrid
        .create_site(&stage.harbor, alpha, site("office", "192.168.88.0/24, 192.168.10.0/24"))
        .await
        .expect("a site");
    let create = async |new| stage.ingrid.create_site(&stage.harbor, alpha, new).await.expect_err("a refusal");
    for (networks, what) in [
        ("172.16.9.0/24", "VPC alpha (172.16.0.0/16)"),
        ("10.200.1.0/28", "the tunnel subnet 10.200.1.0/24"),
        ("192.168.0.0/16", "peer office (192.168.10.0/24)"),
        ("10.0.7.0/24", "peer vpc-peering-gw-beta (10.0.0.0/16)"),
    ] {
        let sentence = format!("{networks} overlaps with {what}.");
        assert_eq!(create(site("branch", networks)).await.at("networks"), Some(sentence.as_str()));
    }
    let both = create(site("office", "172.16.9.0/24")).await;
    assert!(both.at("name").is_some() && both.at("networks").is_some(), "every reason at once");

    let export = stage.ingrid.site_export(&stage.harbor, office).await.expect("an export");
    assert_eq!(export.networks, [name("192.168.10.0/24"), name("192.168.88.0/24")]);
    assert_eq!(
        export.file.allowed_ips,
        [name("10.200.1.0/24"), name("172.16.0.0/16")],
        "a peered VPC takes nothing from a site"
    );
    assert!(export.file.preshared_key.is_some());
    let wish = stage.wish(alpha).await.expect("a live gateway");
    let told = wish.peers.iter().find(|peer| peer.public_key == key_of("office")).expect("the site");
    let Role::Site { address, networks, endpoint: None } = &told.role else { panic!("a site: {told:?}") };
    assert_eq!((address, networks), (&export.file.address, &export.networks));
    let shown = stage.ingrid.peer(&stage.harbor, office).await.expect("the site");
    let alone = format!("{address}/32");
    assert_eq!(shown.allowed_ips, [name(&alone), name("192.168.10.0/24"), name("192.168.88.0/24")]);
}

async fn a_file_whose_gateway_has_moved_is_stale(stage: Stage) {
    let alpha = stage.active_gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let laptop = stage.road_warrior(alpha, "laptop").await.expect("a road warrior");
    let stale = async || {
        let peer = stage.ingrid.peer(&stage.harbor, laptop).await.expect("a peer");
        assert_eq!(peer.file_outdated(), !peer.stale.is_empty());
        peer.stale
    };
    assert_eq!(stale().await, [], "there is no file yet");
    stage.ingrid.road_warrior_file(&stage.harbor, laptop).await.expect("a file");
    assert_eq!(stale().await, []);
    let mut settings = stage.ingrid.gateway(&stage.harbor, alpha).await.expect("the gateway").settings;
    (settings.listen_port, settings.mtu) = (4500, 1380);
    settings.dns = vec![[10, 0, 0, 53].into()];
    stage.ingrid.update_gateway(&stage.harbor, alpha, settings).await.expect("changed");
    assert_eq!(stale().await, [Stale::Endpoint, Stale::Mtu, Stale::Dns]);
    stage.enrol(alpha, key_of("another-host")).await;
    assert_eq!(stale().await[0], Stale::Key);
    stage.ingrid.road_warrior_file(&stage.harbor, laptop).await.expect("a new file");
    assert_eq!(stale().await, []);
}

async fn a_road_warrior_that_gets_no_file_is_not_made(stage: Stage) {
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let new = NewRoadWarrior { name: name("laptop"), public_key: key_of("laptop") };
    let sentence = refused(stage.ingrid.issue_road_warrior(&stage.harbor, alpha, new.clone()).await);
    assert!(sentence.contains("has no key yet"), "{sentence}");
    assert!(stage.ingrid.peers(&stage.harbor, alpha).await.expect("peers").is_empty(), "all or nothing");
    stage.enrol(alpha, key_of("alpha")).await;
    let (id, file) = stage.ingrid.issue_road_warrior(&stage.harbor, alpha, new).await.expect("a peer with its file");
    let peer = stage.ingrid.peer(&stage.harbor, id).await.expect("a peer");
    assert_eq!((peer.tunnel_address, peer.downloaded), (file.address, Some(file.allowed_ips)));
}
