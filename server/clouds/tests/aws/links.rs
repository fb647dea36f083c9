//! PrivateLink on the wire: load balancer, endpoint service and its endpoints, against moto and the look-alike.

use std::time::Duration;

use clouds::{
    LinkStanding, LinkWish, NetworkStanding, Reference, Verdict,
    aws::Aws,
    lookalike::{Effect, Fault, Lookalikes, Settings, Side},
};
use tempfile::TempDir;
use uuid::Uuid;

use super::{
    THEIRS, account, driver,
    gate::{self, Gate},
    keeper::{Keeper, link},
    keys,
    moto::{Moto, element, ours},
    reconciler::Reconciler,
};

const HOME: &str = "eu-west-1";

/// Every call of a link's life that changes something.
const CHANGES: [&str; 12] = [
    "CreateLoadBalancer",
    "ModifyLoadBalancerAttributes",
    "CreateTargetGroup",
    "RegisterTargets",
    "CreateListener",
    "CreateVpcEndpointServiceConfiguration",
    "ModifyVpcEndpointServicePermissions",
    "RejectVpcEndpointConnections",
    "DeleteVpcEndpointServiceConfigurations",
    "DeleteListener",
    "DeleteTargetGroup",
    "DeleteLoadBalancer",
];

fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// A network that is ready: its id and what the console keeps of it.
async fn network(aws: Aws, lives: bool) -> (Uuid, Reference) {
    let mut console = Reconciler::new(aws);
    console.lives = lives;
    console.until(|report| report.network.standing == NetworkStanding::Ready).await;
    (console.wish.id, console.wish.reference.clone())
}

fn port(wish: &mut LinkWish, port: u16) {
    let target = format!("10.20.1.9:{port}").parse().expect("is an address with a port");
    wish.ports.insert(port, [target].into());
}

#[tokio::test]
async fn a_link_is_built_changed_and_taken_down_at_moto() {
    let Some(moto) = Moto::start(&[]).await else { return };
    let (id, reference) = network(driver(ours(), &moto.base), false).await;
    let wish = link(id, &reference, &root(THEIRS));
    let mut console = Keeper::new(driver(ours(), &moto.base), wish, Some(11_000));
    let told = console.until(|told| told.standing == LinkStanding::Ready).await;
    assert!(told.identifiers["aws_service_name"].starts_with("com.amazonaws.vpce.eu-west-1.vpce-svc-"), "{told:?}");
    assert!(told.allowed.contains(&root(THEIRS)));

    port(&mut console.wish, 6379);
    console.wish.allowed = [root("777788889999")].into();
    let other = [root("777788889999")].into();
    console.until(|told| told.allowed == other && told.words.contains_key("targetHealth.6379")).await;
    console.wish.ports.remove(&5432);
    console.until(|told| !told.words.contains_key("targetHealth.5432")).await;
    console.until(|told| told.standing == LinkStanding::Ready).await;

    console.wish.present = false;
    console.until(|told| told.standing == LinkStanding::Absent).await;
    assert_eq!(console.made("CreateService"), 1);
    assert_eq!(moto.count(HOME, "DescribeVpcEndpointServiceConfigurations", "serviceId").await, 0);
}

#[tokio::test]
async fn an_answer_that_is_lost_at_moto_makes_nothing_of_a_link_twice() {
    let Some(moto) = Moto::start(&[]).await else { return };
    let (id, reference) = network(driver(ours(), &moto.base), false).await;
    for fault in [gate::Fault::Lost, gate::Fault::BrokenAfter, gate::Fault::Broken] {
        let gate = Gate::before(&moto.base).await;
        for action in CHANGES.into_iter().filter(|action| !action.starts_with("Reject")) {
            gate.once(action, fault);
        }
        let wish = link(id, &reference, &root(THEIRS));
        let mut console = Keeper::new(driver(ours(), &gate.base), wish, Some(11_000));
        console.until(|told| told.standing == LinkStanding::Ready).await;
        assert_eq!(gate.applied("CreateVpcEndpointServiceConfiguration"), 1, "{fault:?}");
        assert_eq!(moto.count(HOME, "DescribeVpcEndpointServiceConfigurations", "serviceId").await, 1, "{fault:?}");
        console.wish.present = false;
        console.until(|told| told.standing == LinkStanding::Absent).await;
        assert_eq!(moto.count(HOME, "DescribeVpcEndpointServiceConfigurations", "serviceId").await, 0, "{fault:?}");
    }
}

struct Town {
    clouds: Lookalikes,
    console: Keeper<LinkWish>,
    peer: Aws,
    theirs: String,
    _folder: TempDir,
}

impl Town {
    async fn new(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("clouds.db").display());
        let clouds = Lookalikes::start(&url, settings).await.expect("the simulated clouds start");
        let theirs = clouds.aws.account(Side::Theirs).await.account_id;
        let (id, reference) = network(Self::sign_in(&clouds, Side::Ours).await, true).await;
        let wish = link(id, &reference, &root(&theirs));
        let console = Keeper::new(Self::sign_in(&clouds, Side::Ours).await, wish, None);
        let peer = Self::sign_in(&clouds, Side::Theirs).await;
        Self { clouds, console, peer, theirs, _folder: folder }
    }

    async fn sign_in(clouds: &Lookalikes, side: Side) -> Aws {
        let of = clouds.aws.account(side).await;
        let account = account(keys(&of.access_key_id, of.secret_access_key.expose()));
        driver(account, &clouds.aws.url()).settling(Duration::from_millis(1_500))
    }

    async fn ready(&mut self) -> String {
        let told = self.console.until(|told| told.standing == LinkStanding::Ready).await;
        told.identifiers["aws_service_name"].clone()
    }

    /// As the peer would, in one subnet of its default VPC.
    async fn endpoint(&self, service: &str) -> Result<String, clouds::Failure> {
        let subnets = self.peer.ask(HOME, "DescribeSubnets", &[]).await?;
        let params = [
            ("VpcEndpointType", "Interface"),
            ("VpcId", &element(&subnets, "vpcId")),
            ("ServiceName", service),
            ("SubnetId.1", &element(&subnets, "subnetId")),
        ];
        Ok(element(&self.peer.ask(HOME, "CreateVpcEndpoint", &params).await?, "vpcEndpointId"))
    }

    async fn connected(&mut self, endpoint: &str, state: &str) -> clouds::LinkConnection {
        let is = |told: &clouds::LinkReport| {
            let mut all = told.connections.iter().flatten();
            all.find(|one| one.id == endpoint && one.state == state).cloned()
        };
        let told = self.console.until(|told| is(told).is_some()).await;
        is(&told).expect("it was just there")
    }

    async fn services(&self) -> usize {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let told = self.console.aws.ask(HOME, "DescribeVpcEndpointServiceConfigurations", &[]).await;
        told.expect("it can be read").matches("<serviceId>").count()
    }
}

fn brisk() -> Settings {
    let delay = Duration::from_millis(20)..=Duration::from_millis(100);
    Settings { delay, settle: Duration::from_millis(300), ..Settings::immediate() }
}

#[tokio::test]
async fn an_endpoint_of_the_peer_connects_without_approval_and_has_a_name() {
    let mut town = Town::new(&brisk()).await;
    let service = town.ready().await;
    town.console.quiet().await;
    let endpoint = town.endpoint(&service).await.expect("the peer is in the list");
    let told = town.connected(&endpoint, "available").await;
    assert_eq!(told.owner.as_deref(), Some(town.theirs.as_str()));
    let name = told.dns_name.expect("it has a name");
    assert!(name.starts_with(&format!("{endpoint}-")) && name.ends_with(".vpce.amazonaws.com"), "{name}");
    let gone = town.peer.ask(HOME, "DeleteVpcEndpoints", &[("VpcEndpointId.1", &endpoint)]).await;
    let gone = gone.expect("it is the peer's");
    assert!(!gone.contains("<code>"), "{gone}");
    town.console.until(|told| told.connections.as_ref().is_some_and(Vec::is_empty)).await;
}

#[tokio::test]
async fn who_is_not_in_the_list_finds_no_service() {
    let mut town = Town::new(&brisk()).await;
    town.console.wish.allowed = [root("777788889999")].into();
    let service = town.ready().await;
    let refused = town.endpoint(&service).await.expect_err("the peer is not in the list");
    assert_eq!(refused.code, "InvalidServiceName");
    town.console.wish.allowed = [root(&town.theirs)].into();
    let peer = [root(&town.theirs)].into();
    town.console.until(|told| told.allowed == peer).await;
    town.endpoint(&service).await.expect("the peer is in the list now");
}

#[tokio::test]
async fn an_endpoint_that_is_rejected_stays_rejected_and_the_link_can_go() {
    let mut town = Town::new(&brisk()).await;
    let service = town.ready().await;
    let (first, second) = (town.endpoint(&service).await, town.endpoint(&service).await);
    let (first, second) = (first.expect("it may"), second.expect("it may again"));
    town.connected(&first, "available").await;
    town.console.wish.verdicts = [(first.clone(), Verdict::Rejected)].into();
    town.connected(&first, "rejected").await;
    town.connected(&second, "available").await;
    town.console.quiet().await;
    assert_eq!(town.console.made("Reject"), 1);
    // The other one is in the way until it is rejected too.
    town.console.wish.present = false;
    town.console.until(|told| told.standing == LinkStanding::Absent).await;
    assert_eq!(town.services().await, 0);
    let seen = town.peer.ask(HOME, "DescribeVpcEndpoints", &[("VpcEndpointId.1", &second)]).await;
    assert_eq!(element(&seen.expect("the peer still has it"), "state"), "rejected");
}

#[tokio::test]
async fn another_region_is_offered_and_withdrawn() {
    let mut town = Town::new(&brisk()).await;
    town.console.wish.regions = ["us-east-1".to_owned()].into();
    town.console.until(|told| told.words.contains_key("region.us-east-1")).await;
    town.console.wish.regions.clear();
    town.console.until(|told| !told.words.contains_key("region.us-east-1")).await;
}

#[tokio::test]
async fn no_trouble_of_the_look_alike_makes_anything_of_a_link_twice() {
    let mut town = Town::new(&brisk()).await;
    for action in CHANGES {
        for fault in [
            Fault::refuse(action, 503, "Throttling"),
            Fault::refuse(action, 500, "InternalError").after_apply(),
            Fault::once(action, Effect::Lose).after_apply(),
            Fault::once(action, Effect::Lose),
        ] {
            town.clouds.aws.add_fault(fault.for_side(Side::Ours)).await.expect("the rule is kept");
        }
    }
    let service = town.ready().await;
    assert_eq!(town.services().await, 1);
    let endpoint = town.endpoint(&service).await.expect("the peer is in the list");
    town.connected(&endpoint, "available").await;
    // A console that was killed and started again has forgotten what it asked for.
    town.console.aws = Town::sign_in(&town.clouds, Side::Ours).await;
    town.console.wish.present = false;
    town.console.until(|told| told.standing == LinkStanding::Absent).await;
    assert_eq!(town.services().await, 0);
}
