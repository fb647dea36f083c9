//! What goes wrong with a cloud, and what becomes of it: nothing is made twice, nothing is lost, nothing stands still.

use std::time::Duration;

use app::{
    backend::Vpcs,
    domain::{
        connection::{ConnectionForm, ConnectionState},
        vpc::VpcState,
    },
};
use clouds::lookalike::{Effect, Fault, theirs::Vendor};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    common::Stage,
    town::{Town, account},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_is_killed_in_every_state_makes_nothing_twice_and_loses_nothing() {
    let seed = std::env::var("CAUSEWAY_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("CAUSEWAY_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut town =
        Town::with(Stage::on_sqlite().await, Duration::from_millis(300), Some(Duration::from_millis(200))).await;
    let vpc = town.vpc("orders", "google-europe-west1", "10.20.0.0/22").await;
    let peer = account(&town.scene(Vendor::Google).await);
    let form = ConnectionForm { peer_cloud_account: peer, peer_vpc: "main".to_owned(), ..ConnectionForm::default() };
    let id = town.connect(vpc, form).await;
    let scene = town.scene(Vendor::Google).await;
    let deed = scene.things[0].deeds.iter().find(|deed| deed.name == "add-peering").expect("it can be peered");
    let console = deed.fields[0].suggestion.clone();

    let mut pause = async |town: &mut Town| {
        tokio::time::sleep(Duration::from_millis(random.random_range(10..400))).await;
        town.kill().await;
        town.start().await;
    };
    for _ in 0..12 {
        pause(&mut town).await;
    }
    let network = town.until_vpc(vpc, VpcState::Active).await.cloud_id.expect("a name");
    for _ in 0..6 {
        pause(&mut town).await;
    }
    town.until_state(vpc, id, ConnectionState::PendingPeer).await;
    town.act(Vendor::Google, "main", "add-peering", &[("project", &console), ("network", &network)]).await;
    for _ in 0..8 {
        pause(&mut town).await;
    }
    town.until_connection(vpc, id, |one| one.state == ConnectionState::Active && one.opened_cidrs.len() == 1, "rules")
        .await;
    town.disconnect(vpc, id).await;
    for _ in 0..6 {
        pause(&mut town).await;
    }
    town.until_disconnected(vpc, id).await;
    town.stage.ingrid.delete_vpc(&town.stage.harbor, vpc).await.expect("it may go");
    for _ in 0..8 {
        pause(&mut town).await;
    }
    town.until_gone(vpc).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_is_busy_broken_or_loses_its_answer_is_asked_again_and_nothing_is_made_twice() {
    let town = Town::open(Stage::on_sqlite().await).await;
    let refuse =
        |status: u16, code: &str| Effect::Refuse { status, code: code.into(), message: code.into(), retry_after: None };
    for (action, effect, after) in [
        ("CreateVpc", refuse(503, "RequestLimitExceeded"), false),
        ("CreateSubnet", refuse(500, "InternalError"), false),
        ("CreateSubnet", refuse(500, "InternalError"), true),
        ("CreateRouteTable", Effect::Lose, true),
        ("CreateVpcPeeringConnection", Effect::Lose, false),
    ] {
        let fault = Fault { after_apply: after, ..Fault::once(action, effect) };
        town.clouds.aws.add_fault(fault).await.expect("a rule");
    }
    let vpc = town.vpc("orders", "aws-eu-west-1", "10.20.0.0/22").await;
    town.act(Vendor::Aws, "", "create-vpc", &[("cidr", "10.30.0.0/16")]).await;
    let theirs =
        town.theirs(Vendor::Aws, "VPC", |one| one.state == "available" && one.facts[0].1 == "10.30.0.0/16").await.id;
    let form = ConnectionForm {
        peer_cloud_account: account(&town.scene(Vendor::Aws).await),
        peer_vpc: theirs,
        ..ConnectionForm::default()
    };
    let id = town.connect(vpc, form).await;
    town.until_vpc(vpc, VpcState::Active).await;
    town.until_state(vpc, id, ConnectionState::PendingPeer).await;
    let scene = town.scene(Vendor::Aws).await;
    let requests = scene.things.iter().filter(|thing| thing.kind == "VPC peering connection").count();
    assert_eq!(requests, 1, "{:?}", scene.things);
    assert!(scene.uses.len() >= 5, "every use of a rule is shown: {:?}", scene.uses);
}
