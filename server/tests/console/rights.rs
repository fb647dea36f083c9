//! Who may see and do what.

use super::*;

on_both_engines! {
    another_persons_project_does_not_exist
    a_right_to_view_is_no_right_to_act
    what_concerns_the_installation_is_shown_to_its_administrators_only
    what_failed_and_why_is_shown_to_administrators_of_the_installation_only
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
        ("neighbours", false, who.neighbours(p, alpha, &name("x"), key_of("x")).await.err()),
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
    let met = stage.olaf.neighbours(&stage.tundra, alpha, &name("laptop"), key_of("laptop")).await;
    assert_eq!(met, Err(ApiError::NotFound));
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
