//! The console on a real database: what people ask for, what they are told, and what is written.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use app::{
    api::ApiError,
    backend::{Changes, Gateways, Lab, Peerings, Peers, Planner, Reconcilers, Vpcs},
    domain::{
        GatewayId, PeerId, PublicKey, Timestamp, VpcId,
        change::{Change, ChangeFilter, ChangeKind, Facts},
        gateway::{GatewaySettings, GatewayStatus, free_tunnel_address},
        location::CloudName,
        network::PlannedRange,
        peer::{NewRoadWarrior, NewSite, PeerKind, SiteForm},
        peering::PeeringState,
        road_warrior::Stale,
        tunnel::{Role, derive},
        vpc::NewVpc,
    },
};
use common::{Stage, key_of, name, new_gateway, on_both_engines, refused};
use futures::future::join_all;
use server::clock;
use uuid::Uuid;

on_both_engines! {
    a_vpc_is_shown_as_it_was_asked_for
    row_81_a_vpc_that_breaks_a_rule_is_refused_at_its_field
    a_vpc_with_a_gateway_is_not_deleted
    row_69_a_gateway_is_made_where_locations_allow_it_and_once_per_vpc
    row_82_gateways_without_a_host_are_not_joined
    rows_73_to_77_a_peering_gives_each_side_the_others_key_and_ranges
    row_75_a_preshared_key_is_the_pairs_own_and_never_at_rest_in_clear
    row_81_a_second_peering_is_refused_in_the_guides_words
    rows_85_and_89_both_gateways_show_the_peering_at_once
    row_86_deleting_one_side_removes_both_and_frees_the_addresses
    row_87_deleting_a_gateway_cleans_the_other_gateways_peers
    a_deleted_gateway_frees_its_name_vpc_and_tunnel_at_once
    a_gateway_that_no_host_ever_joined_is_removed_at_once
    row_84_a_road_warriors_file_follows_the_peerings
    a_file_is_refused_until_the_gateway_can_be_reached
    a_peer_is_refused_for_its_name_and_key
    a_site_keeps_its_networks_to_itself
    a_switched_off_peer_leaves_the_document_and_a_pair_goes_together
    settings_reach_the_document_of_the_other_side
    the_planner_lists_what_people_own_elsewhere
    sixteen_people_get_sixteen_addresses
    a_full_tunnel_subnet_refuses_the_rest
    sixteen_clicks_make_one_peering
    the_lowest_free_address_of_the_index_is_the_domains
    row_92_every_change_is_noted_with_its_actor_and_without_secrets
    another_persons_project_does_not_exist
    a_right_to_view_is_no_right_to_act
    a_thousand_edits_are_a_thousand_numbers
    a_commit_whose_caller_hangs_up_wakes_nevertheless
    what_concerns_the_installation_is_shown_to_its_administrators_only
    a_filter_that_postgresql_cannot_read_is_refused_on_both_engines
    the_event_log_forgets_what_is_old_and_nothing_else
    a_file_whose_gateway_has_moved_is_stale
    a_road_warrior_that_gets_no_file_is_not_made
    what_failed_and_why_is_shown_to_administrators_of_the_installation_only
}

async fn a_vpc_is_shown_as_it_was_asked_for(stage: Stage) {
    let beta = stage.vpc("beta", "10.20.0.0/16").await;
    let alpha = stage.vpc("alpha", "10.3.0.0/20").await;
    let shown = stage.ingrid.vpcs(&stage.harbor).await.expect("a list");
    assert_eq!(shown.iter().map(|vpc| vpc.id).collect::<Vec<_>>(), [alpha, beta], "ordered by address");
    assert_eq!((shown[0].name.as_str(), shown[0].cidr.to_string().as_str()), ("alpha", "10.3.0.0/20"));
    assert_eq!((shown[0].place.as_str(), shown[0].sentence()), ("default", "Declared; no gateway yet.".to_owned()));
    assert_eq!(stage.ingrid.vpc(&stage.harbor, beta).await.expect("a VPC"), shown[1]);
    stage.ingrid.delete_vpc(&stage.harbor, beta).await.expect("deleted");
    assert_eq!(stage.ingrid.vpc(&stage.harbor, beta).await, Err(ApiError::NotFound));
    stage.vpc("beta", "10.20.0.0/16").await;
}

async fn row_81_a_vpc_that_breaks_a_rule_is_refused_at_its_field(stage: Stage) {
    stage.vpc("alpha", "10.20.0.0/16").await;
    let create = async |called: &str, cloud: &str, cidr: &str| {
        let new = NewVpc { name: name(called), cloud: name(cloud), cidr: name(cidr) };
        stage.ingrid.create_vpc(&stage.harbor, new).await.expect_err("a refusal")
    };
    let error = create("alpha", "local-default", "10.20.9.0/24").await;
    assert_eq!(error.at("name"), Some("A VPC named alpha already exists."));
    assert_eq!(error.at("cidr"), Some("10.20.9.0/24 overlaps with VPC alpha (10.20.0.0/16) in the same region."));
    let error = create("beta", "local-mars", "10.0.0.0/8").await;
    assert_eq!(error.at("cloud"), Some("Choose a location."));
    assert_eq!(error.at("cidr"), Some("The prefix length must be between /16 and /28."));
    assert_eq!(stage.ingrid.vpcs(&stage.harbor).await.expect("a list").len(), 1, "nothing was written");
    // The same range elsewhere is a warning, not an error.
    let new = NewVpc { name: name("beta"), cloud: name("local-bergen"), cidr: name("10.20.0.0/16") };
    stage.ingrid.create_vpc(&stage.harbor, new).await.expect("another region");
}

async fn a_vpc_with_a_gateway_is_not_deleted(stage: Stage) {
    stage.gateway("alpha", "10.20.0.0/16", "10.200.1.0/24").await;
    let vpc = stage.ingrid.vpcs(&stage.harbor).await.expect("a list")[0].clone();
    let sentence = refused(stage.ingrid.delete_vpc(&stage.harbor, vpc.id).await);
    assert_eq!(sentence, "VPC alpha has VPN gateway gw-alpha. Delete the gateway first.");
    assert_eq!(vpc.deletion_refusal().map(|refusal| refusal.sentence), Some(sentence), "the button says the same");
}

async fn row_69_a_gateway_is_made_where_locations_allow_it_and_once_per_vpc(stage: Stage) {
    let alpha = stage.gateway("alpha", "10.20.0.0/16", "10.200.1.0/24").await;
    let vpc = stage.ingrid.gateway(&stage.harbor, alpha).await.expect("a gateway").vpc;
    let create = async |gateway| stage.ingrid.create_gateway(&stage.harbor, gateway).await.expect_err("a refusal");
    let error = create(new_gateway("gw-alpha", vpc, "10.200.1.0/25")).await;
    assert_eq!(error.at("name"), Some("A gateway named gw-alpha already exists."));
    assert_eq!(error.at("vpc"), Some("This VPC already has a VPN gateway."));
    assert_eq!(error.at("tunnel"), Some("Tunnel subnet 10.200.1.0/24 is already used by gateway gw-alpha."));

    let attic = NewVpc { name: name("attic"), cloud: name("local-attic"), cidr: name("10.30.0.0/16") };
    let attic = stage.ingrid.create_vpc(&stage.harbor, attic).await.expect("a VPC");
    let error = create(new_gateway("gw-attic", attic, "10.30.9.0/24")).await;
    assert_eq!(error.at("vpc"), Some("VPN gateways are not enabled in attic."));
    assert_eq!(error.at("tunnel"), Some("The tunnel subnet overlaps with the CIDR of the VPC."));
    let nowhere = VpcId::from_uuid(Uuid::now_v7());
    assert_eq!(create(new_gateway("gw-x", nowhere, "10.200.9.0/24")).await.at("vpc"), Some("Choose a VPC."));
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
    assert_eq!(refused(stage.ingrid.create_peering(&stage.harbor, alpha, nowhere).await), "Choose a remote gateway.");
    assert_eq!(stage.ingrid.create_peering(&stage.harbor, nowhere, alpha).await, Err(ApiError::NotFound));
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

async fn a_deleted_gateway_frees_its_name_vpc_and_tunnel_at_once(stage: Stage) {
    let old = stage.active_gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let vpc = stage.ingrid.gateway(&stage.harbor, old).await.expect("a gateway").vpc;
    stage.ingrid.delete_gateway(&stage.harbor, old).await.expect("deleted");
    let new = stage
        .ingrid
        .create_gateway(&stage.harbor, new_gateway("gw-alpha", vpc, "10.200.1.0/24"))
        .await
        .expect("all free again");
    stage.ingrid.delete_gateway(&stage.harbor, new).await.expect("deleted");
    stage.ingrid.delete_vpc(&stage.harbor, vpc).await.expect("the VPC too");
    let gateways = stage.ingrid.gateways(&stage.harbor).await.expect("gateways");
    assert_eq!(
        gateways.iter().map(|gateway| (gateway.id, gateway.vpc_name.as_str())).collect::<Vec<_>>(),
        [(old, "alpha")]
    );
    assert_eq!(
        stage.store.gateway_scope(old).await.expect("the store answers"),
        Some((stage.harbor_id, name("gw-alpha"), true))
    );
    assert!(stage.store.wishing_gateways().await.expect("the store answers").contains(&old));

    let mut tx = stage.store.begin(clock::now()).await.expect("a transaction");
    tx.remove_gateway(old).await.expect("its host has cleaned up");
    tx.commit(()).await.expect("a commit");
    assert_eq!(stage.ingrid.gateways(&stage.harbor).await, Ok(Vec::new()));
    assert!(
        !stage.every_text().await.contains("172.16.0.0/16\nDELETED"),
        "the VPC goes with the last gateway that named it"
    );
}

async fn a_gateway_that_no_host_ever_joined_is_removed_at_once(stage: Stage) {
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    stage.ingrid.issue_enrolment(&stage.harbor, alpha).await.expect("a token");
    stage.ingrid.delete_gateway(&stage.harbor, alpha).await.expect("deleted");
    assert_eq!(stage.ingrid.gateway(&stage.harbor, alpha).await, Err(ApiError::NotFound));

    let beta = stage.active_gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    stage.ingrid.revoke_credential(&stage.harbor, beta).await.expect("revoked");
    stage.ingrid.delete_gateway(&stage.harbor, beta).await.expect("deleted");
    assert_eq!(stage.ingrid.gateway(&stage.harbor, beta).await, Err(ApiError::NotFound), "no agent could ever report");
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

fn site(called: &str, networks: &str) -> NewSite {
    let form = SiteForm {
        name: called.to_owned(),
        public_key: key_of(called).to_string(),
        networks: networks.to_owned(),
        preshared: "on".to_owned(),
        ..SiteForm::default()
    };
    form.parse().expect("a good form")
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
        "peered VPCs are not shared unless asked"
    );
    assert!(export.file.preshared_key.is_some());
    let wish = stage.wish(alpha).await.expect("a live gateway");
    let told = wish.peers.iter().find(|peer| peer.public_key == key_of("office")).expect("the site");
    assert!(matches!(&told.role, Role::Site { networks, endpoint: None } if *networks == export.networks));
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

async fn the_planner_lists_what_people_own_elsewhere(stage: Stage) {
    let range = PlannedRange { name: name("corp"), cidr: name("10.64.0.0/12") };
    stage.ingrid.add_planned_network(&stage.harbor, range.clone()).await.expect("listed");
    let error = stage.ingrid.add_planned_network(&stage.harbor, range.clone()).await.expect_err("a refusal");
    assert_eq!(error.at("name"), Some("A planned network named corp already exists."));
    let network = stage.ingrid.network(&stage.harbor).await.expect("the network");
    assert_eq!(network.planned, [range]);
    let warnings = network.vpc_warnings(&CloudName::default_local(), name("10.65.0.0/16"));
    assert_eq!(
        warnings,
        ["10.65.0.0/16 overlaps with corp (10.64.0.0/12). You will not be able to peer both with the same network."]
    );
    stage.ingrid.remove_planned_network(&stage.harbor, &name("corp")).await.expect("removed");
    assert_eq!(stage.ingrid.remove_planned_network(&stage.harbor, &name("corp")).await, Err(ApiError::NotFound));
}

async fn sixteen_people_get_sixteen_addresses(stage: Stage) {
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let names: Vec<String> = (0..16).map(|number| format!("laptop-{number}")).collect();
    let made = join_all(names.iter().map(|called| stage.road_warrior(alpha, called))).await;
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    let peers = stage.ingrid.peers(&stage.harbor, alpha).await.expect("peers");
    let addresses: BTreeSet<u8> = peers.iter().map(|peer| peer.tunnel_address.octets()[3]).collect();
    assert_eq!(addresses, (2..18).collect());
}

async fn a_full_tunnel_subnet_refuses_the_rest(stage: Stage) {
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/29").await;
    let names: Vec<String> = (0..16).map(|number| format!("laptop-{number}")).collect();
    let made = join_all(names.iter().map(|called| stage.road_warrior(alpha, called))).await;
    let (good, bad): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (5, 11));
    for answer in bad {
        assert_eq!(refused(answer), "No free tunnel address on gateway gw-alpha.");
    }
}

async fn sixteen_clicks_make_one_peering(stage: Stage) {
    let alpha = stage.active_gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let beta = stage.active_gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    let clicks = (0..16).map(|click| {
        let (here, there) = if click % 2 == 0 { (alpha, beta) } else { (beta, alpha) };
        stage.ingrid.create_peering(&stage.harbor, here, there)
    });
    let (good, bad): (Vec<_>, Vec<_>) = join_all(clicks).await.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 1);
    for answer in bad {
        assert_eq!(refused(answer), "A peering already exists between these gateways");
    }
    assert_eq!(stage.ingrid.peerings(&stage.harbor).await.expect("peerings").len(), 1);
    for gateway in [alpha, beta] {
        assert_eq!(stage.ingrid.peers(&stage.harbor, gateway).await.expect("peers").len(), 1);
    }
}

async fn the_lowest_free_address_of_the_index_is_the_domains(stage: Stage) {
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/28").await;
    let mut made: BTreeMap<u8, PeerId> = BTreeMap::new();
    for number in 0..13 {
        let id = stage.road_warrior(alpha, &format!("laptop-{number}")).await.expect("a free address");
        made.insert(number, id);
    }
    let free = async || {
        let network = stage.ingrid.network(&stage.harbor).await.expect("the network");
        let here = network.gateway(alpha).expect("the gateway").clone();
        let peers = stage.ingrid.peers(&stage.harbor, alpha).await.expect("peers");
        let taken = peers.iter().map(|peer| peer.tunnel_address).collect();
        assert_eq!(here.next_tunnel_address, free_tunnel_address(here.tunnel, &taken));
        here.next_tunnel_address.map(|address| address.octets()[3])
    };
    assert_eq!(free().await, None, "all 13 are taken");
    for (gone, lowest) in [(12, 14), (7, 9), (3, 5), (5, 5), (0, 2)] {
        stage.ingrid.delete_peer(&stage.harbor, made[&gone]).await.expect("deleted");
        assert_eq!(free().await, Some(lowest));
    }
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

/// Every method of the networking traits, asked by somebody about `harbor`: the name, and the error if there was one.
async fn every_method(stage: &Stage, who: &server::console::Console) -> Vec<(&'static str, bool, Option<ApiError>)> {
    let alpha = stage.active_gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let beta = stage.active_gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    let laptop = stage.road_warrior(alpha, "laptop").await.expect("a road warrior");
    let office =
        stage.ingrid.create_site(&stage.harbor, alpha, site("office", "192.168.88.0/24")).await.expect("a site");
    let vpc = stage.vpc("spare", "10.77.0.0/16").await;
    let p = &stage.harbor;
    let new_vpc = NewVpc { name: name("x"), cloud: CloudName::default_local(), cidr: name("10.78.0.0/16") };
    let warrior = NewRoadWarrior { name: name("x"), public_key: PublicKey::from_bytes([9; 32]) };
    let planned = PlannedRange { name: name("x"), cidr: name("10.64.0.0/12") };
    vec![
        ("vpcs", false, who.vpcs(p).await.err()),
        ("vpc", false, who.vpc(p, vpc).await.err()),
        ("network", false, who.network(p).await.err()),
        ("gateways", false, who.gateways(p).await.err()),
        ("gateway", false, who.gateway(p, alpha).await.err()),
        ("peers", false, who.peers(p, alpha).await.err()),
        ("peer", false, who.peer(p, laptop).await.err()),
        ("peerings", false, who.peerings(p).await.err()),
        ("changes", false, who.changes(p, ChangeFilter::default()).await.err()),
        ("controllers", false, who.controllers(p).await.err()),
        ("lab", false, who.lab(p).await.err()),
        ("create_vpc", true, who.create_vpc(p, new_vpc).await.err()),
        ("delete_vpc", true, who.delete_vpc(p, vpc).await.err()),
        ("create_gateway", true, who.create_gateway(p, new_gateway("x", vpc, "10.200.9.0/24")).await.err()),
        ("update_gateway", true, who.update_gateway(p, alpha, GatewaySettings::default()).await.err()),
        ("repair_gateway", true, who.repair_gateway(p, alpha).await.err()),
        ("issue_enrolment", true, who.issue_enrolment(p, alpha).await.err()),
        ("revoke_credential", true, who.revoke_credential(p, alpha).await.err()),
        ("create_peering", true, who.create_peering(p, alpha, beta).await.err()),
        ("create_road_warrior", true, who.create_road_warrior(p, alpha, warrior).await.err()),
        ("create_site", true, who.create_site(p, alpha, site("x", "192.168.1.0/24")).await.err()),
        ("enable_peer", true, who.enable_peer(p, laptop, false).await.err()),
        ("road_warrior_file", true, who.road_warrior_file(p, laptop).await.err()),
        ("site_export", true, who.site_export(p, office).await.err()),
        ("delete_peer", true, who.delete_peer(p, laptop).await.err()),
        ("delete_gateway", true, who.delete_gateway(p, alpha).await.err()),
        ("add_planned_network", true, who.add_planned_network(p, planned).await.err()),
        ("remove_planned_network", true, who.remove_planned_network(p, &name("x")).await.err()),
        ("build_lab", true, who.build_lab(p).await.err()),
        ("remove_lab", true, who.remove_lab(p).await.err()),
    ]
}

async fn another_persons_project_does_not_exist(stage: Stage) {
    for (method, _, error) in every_method(&stage, &stage.olaf).await {
        assert_eq!(error, Some(ApiError::NotFound), "{method}");
    }
    let log = stage
        .ingrid
        .changes(&stage.harbor, ChangeFilter { limit: 200, ..ChangeFilter::default() })
        .await
        .expect("the log");
    assert!(log.iter().all(|change| change.actor != "olaf@example.com"), "nothing was written");
    // Somebody else's ids in one's own project are as unknown.
    let alpha = stage.ingrid.gateways(&stage.harbor).await.expect("gateways").remove(0).id;
    let laptop = stage.ingrid.peers(&stage.harbor, alpha).await.expect("peers").remove(0).id;
    assert_eq!(stage.olaf.gateway(&stage.tundra, alpha).await, Err(ApiError::NotFound));
    assert_eq!(stage.olaf.peers(&stage.tundra, alpha).await, Err(ApiError::NotFound));
    assert_eq!(stage.olaf.delete_gateway(&stage.tundra, alpha).await, Err(ApiError::NotFound));
    assert_eq!(stage.olaf.delete_peer(&stage.tundra, laptop).await, Err(ApiError::NotFound));
    assert_eq!(stage.olaf.road_warrior_file(&stage.tundra, laptop).await, Err(ApiError::NotFound));
}

async fn a_right_to_view_is_no_right_to_act(stage: Stage) {
    let reader = stage.colleague("read_only").await;
    for (method, writes, error) in every_method(&stage, &reader).await {
        if writes {
            let error = error.unwrap_or_else(|| panic!("{method} was done"));
            assert_eq!(error.to_string(), "You need project:networking:write in harbor.", "{method}");
        } else {
            assert_eq!(error, None, "{method}");
        }
    }
    let guest = stage.colleague("guest").await;
    assert_eq!(guest.vpcs(&stage.harbor).await, Err(ApiError::NotFound), "an unknown role grants nothing");
}

async fn a_thousand_edits_are_a_thousand_numbers(stage: Stage) {
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.0.0/20").await;
    let before = stage.store.last_seq().await.expect("a number");
    let edit = async |hand: u32| {
        for turn in 0..50 {
            let peer = stage.road_warrior(alpha, &format!("laptop-{hand}-{turn}")).await.expect("a road warrior");
            if turn % 2 == 0 {
                stage.ingrid.delete_peer(&stage.harbor, peer).await.expect("deleted");
            } else {
                stage.ingrid.enable_peer(&stage.harbor, peer, false).await.expect("switched off");
            }
        }
    };
    join_all((0..10).map(edit)).await;
    assert_eq!(stage.store.last_seq().await.expect("a number"), before + 1000);
    assert_eq!(stage.store.feed().now().seq, before + 1000, "whoever follows the feed has seen the last one");
    let peers = stage.ingrid.peers(&stage.harbor, alpha).await.expect("peers");
    let addresses: BTreeSet<_> = peers.iter().map(|peer| peer.tunnel_address).collect();
    assert_eq!((peers.len(), addresses.len()), (250, 250), "no address was given twice");
    assert!(peers.iter().all(|peer| peer.kind == PeerKind::RoadWarrior && !peer.enabled));
    assert!(peers.iter().all(|peer| peer.created_at > Timestamp(0)));
}

async fn a_commit_whose_caller_hangs_up_wakes_nevertheless(stage: Stage) {
    use futures::FutureExt;
    for _ in 0..20 {
        let mut tx = stage.store.begin(server::clock::now()).await.expect("a transaction");
        tx.note(sign_in()).await.expect("a note");
        let mut commit = Box::pin(tx.commit(()));
        // The browser is gone in the middle of it.
        _ = (&mut commit).now_or_never();
        drop(commit);
    }
    // The next write waits its turn, so that what was on its way has landed or was rolled back.
    stage.store.begin(server::clock::now()).await.expect("a transaction").commit(()).await.expect("a commit");
    let landed = stage.store.last_seq().await.expect("the store answers");
    assert!(landed > 0, "some commits have landed");
    assert_eq!(stage.store.feed().now().seq, landed);
}

fn sign_in() -> server::store::Note<'static> {
    server::store::Note {
        actor: "sigrid@example.com",
        kind: ChangeKind::SignIn,
        topic: app::domain::change::Topic::People,
        project: None,
        object: String::new(),
        object_name: "sigrid@example.com".to_owned(),
        before: Facts::new(),
        after: Facts::from([("address".to_owned(), "203.0.113.7".to_owned())]),
    }
}

async fn what_concerns_the_installation_is_shown_to_its_administrators_only(stage: Stage) {
    let mut tx = stage.store.begin(server::clock::now()).await.expect("a transaction");
    tx.note(sign_in()).await.expect("a note");
    tx.commit(()).await.expect("a commit");
    let entries = async |who: &server::console::Console| {
        let filter = ChangeFilter { kind: Some(ChangeKind::SignIn), limit: 10, ..ChangeFilter::default() };
        who.changes(&stage.harbor, filter).await.expect("the event log").len()
    };
    assert_eq!(entries(&stage.ingrid).await, 0, "who signs in from where is not for everybody in a project");
    assert_eq!(entries(&stage.administrator().await).await, 1);
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

struct Failing;

#[async_trait::async_trait]
impl server::reconcile::Controller for Failing {
    type Key = String;
    const NAME: &'static str = "failing";

    async fn keys(&self) -> anyhow::Result<BTreeSet<String>> {
        Ok(BTreeSet::from(["gateway of tundra".to_owned()]))
    }

    async fn reconcile(&self, _: &String) -> anyhow::Result<server::reconcile::Next> {
        anyhow::bail!("tundra's secrets")
    }
}

async fn what_failed_and_why_is_shown_to_administrators_of_the_installation_only(stage: Stage) {
    use server::reconcile::{Wakes, run};
    let (statuses, wakes) = (stage.shared.statuses.clone(), Wakes::numbered(stage.store.feed()));
    let running = run(std::sync::Arc::new(Failing), "Fails.", wakes, std::time::Duration::from_secs(60), statuses);
    _ = tokio::time::timeout(std::time::Duration::from_millis(300), running).await;
    let shown = async |who: &server::console::Console| {
        let all = who.controllers(&stage.harbor).await.expect("the controllers");
        assert_eq!(all[0].failures.len(), 1, "that something fails is for everybody to see");
        format!("{:?}", all[0].failures)
    };
    assert!(!shown(&stage.ingrid).await.contains("tundra"));
    assert!(shown(&stage.administrator().await).await.contains("tundra's secrets"));
}
