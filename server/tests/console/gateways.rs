//! VPCs, their gateways, and ranges that are planned elsewhere.

use super::*;

on_both_engines! {
    a_vpc_is_shown_as_it_was_asked_for
    row_81_a_vpc_that_breaks_a_rule_is_refused_at_its_field
    a_vpc_with_a_gateway_is_not_deleted
    row_69_a_gateway_is_made_where_locations_allow_it_and_once_per_vpc
    a_deleted_gateway_frees_its_name_vpc_and_tunnel_at_once
    a_gateway_that_no_host_ever_joined_is_removed_at_once
    the_planner_lists_what_people_own_elsewhere
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
