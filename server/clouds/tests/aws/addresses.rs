//! Elastic IP addresses on the wire: against moto, through the gate that loses answers, and against the look-alike.

use std::time::Duration;

use clouds::{
    AddressStanding, Class,
    aws::Aws,
    lookalike::{Effect, Fault, Lookalikes, Settings, Side},
};
use tempfile::TempDir;

use super::{
    OURS, account, driver,
    gate::{self, Gate},
    keeper::{Keeper, address},
    keys,
    moto::{Moto, element, ours},
};

const HOME: &str = "eu-west-1";

async fn moto_instance(moto: &Moto) -> String {
    let params = [("ImageId", "ami-12c6146b"), ("MinCount", "1"), ("MaxCount", "1")];
    element(&moto.ec2(OURS, HOME, "RunInstances", &params).await, "instanceId")
}

#[tokio::test]
async fn an_address_lives_from_its_allocation_over_two_instances_to_its_release() {
    let Some(moto) = Moto::start(&[]).await else { return };
    let (first, second) = (moto_instance(&moto).await, moto_instance(&moto).await);
    let mut console = Keeper::new(driver(ours(), &moto.base), address(), Some(11_000));
    let told = console.until(|told| told.standing == AddressStanding::Reserved).await;
    let public = told.address.expect("it is told with the standing");
    for instance in [&first, &second] {
        console.wish.instance = Some(instance.clone());
        let told = console.until(|told| told.instance.as_ref() == Some(instance)).await;
        assert_eq!((told.standing, told.address), (AddressStanding::Attached, Some(public)));
        console.quiet().await;
    }
    console.wish.instance = None;
    console.until(|told| told.standing == AddressStanding::Reserved).await;
    console.wish.present = false;
    console.until(|told| told.standing == AddressStanding::Absent).await;
    assert_eq!(moto.count(HOME, "DescribeAddresses", "allocationId").await, 0);
    assert_eq!((console.made("Allocate"), console.made("Release")), (1, 1));
}

#[tokio::test]
async fn an_answer_that_is_lost_at_moto_makes_no_second_address() {
    let Some(moto) = Moto::start(&[]).await else { return };
    let instance = moto_instance(&moto).await;
    for fault in [gate::Fault::Lost, gate::Fault::BrokenAfter, gate::Fault::Broken, gate::Fault::Throttle] {
        let gate = Gate::before(&moto.base).await;
        for action in ["AllocateAddress", "AssociateAddress", "DisassociateAddress", "ReleaseAddress"] {
            gate.once(action, fault);
        }
        let mut console = Keeper::new(driver(ours(), &gate.base), address(), Some(11_000));
        console.wish.instance = Some(instance.clone());
        console.until(|told| told.instance.as_ref() == Some(&instance)).await;
        assert_eq!(moto.count(HOME, "DescribeAddresses", "allocationId").await, 1, "{fault:?}");
        assert_eq!(gate.applied("AllocateAddress"), 1, "{fault:?}");
        console.wish.present = false;
        console.until(|told| told.standing == AddressStanding::Absent).await;
        assert_eq!(moto.count(HOME, "DescribeAddresses", "allocationId").await, 0, "{fault:?}");
    }
}

struct Town {
    clouds: Lookalikes,
    /// The operator, in a console of the vendor's.
    ours: Aws,
    theirs: Aws,
    _folder: TempDir,
}

impl Town {
    async fn new(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("clouds.db").display());
        let clouds = Lookalikes::start(&url, settings).await.expect("the simulated clouds start");
        let (ours, theirs) = (Self::sign_in(&clouds, Side::Ours).await, Self::sign_in(&clouds, Side::Theirs).await);
        Self { clouds, ours, theirs, _folder: folder }
    }

    async fn sign_in(clouds: &Lookalikes, side: Side) -> Aws {
        let of = clouds.aws.account(side).await;
        let account = account(keys(&of.access_key_id, of.secret_access_key.expose()));
        driver(account, &clouds.aws.url()).settling(Duration::from_millis(1_500))
    }

    /// Of a console that was just started.
    async fn console(&self) -> Keeper<clouds::AddressWish> {
        Keeper::new(Self::sign_in(&self.clouds, Side::Ours).await, address(), None)
    }

    /// A running instance in a VPC of its own, behind an internet gateway if it is to be public.
    async fn instance(&self, of: &Aws, public: bool) -> String {
        let vpc = asked(of, "CreateVpc", &[("CidrBlock", "10.50.0.0/16")], "vpcId").await;
        let subnet = asked(of, "CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", "10.50.1.0/24")], "subnetId").await;
        if public {
            let gateway = asked(of, "CreateInternetGateway", &[], "internetGatewayId").await;
            let params = [("InternetGatewayId", gateway.as_str()), ("VpcId", &vpc)];
            asked(of, "AttachInternetGateway", &params, "return").await;
        }
        let params = [("ImageId", "ami-1"), ("MinCount", "1"), ("MaxCount", "1"), ("SubnetId", &subnet)];
        let instance = asked(of, "RunInstances", &params, "instanceId").await;
        for _ in 0..200 {
            let told = of.ask(HOME, "DescribeInstances", &[("InstanceId.1", &instance)]).await;
            if told.is_ok_and(|told| told.contains("<name>running<")) {
                return instance;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        panic!("the instance runs");
    }

    async fn count(&self) -> usize {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let told = self.ours.ask(HOME, "DescribeAddresses", &[]).await.expect("it can be read");
        told.matches("<allocationId>").count()
    }
}

/// What was just made may be unknown for a moment.
async fn asked(of: &Aws, action: &str, params: &[(&str, &str)], told: &str) -> String {
    let mut last = String::new();
    for _ in 0..100 {
        match of.ask(HOME, action, params).await {
            Ok(answer) => return element(&answer, told),
            Err(failure) => last = failure.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    panic!("{action}: {last}");
}

fn brisk() -> Settings {
    let delay = Duration::from_millis(20)..=Duration::from_millis(100);
    Settings { delay, settle: Duration::from_millis(300), ..Settings::immediate() }
}

#[tokio::test]
async fn the_look_alike_gives_an_address_to_an_instance_and_takes_it_back() {
    let town = Town::new(&brisk()).await;
    let instance = town.instance(&town.ours, true).await;
    let mut console = town.console().await;
    console.wish.instance = Some(instance.clone());
    let told = console.until(|told| told.standing == AddressStanding::Attached).await;
    assert_eq!(told.instance.as_ref(), Some(&instance));
    let seen = town.ours.ask(HOME, "DescribeInstances", &[("InstanceId.1", &instance)]).await.expect("it is there");
    assert_eq!(element(&seen, "ipAddress"), told.address.expect("it has one").to_string());
    console.quiet().await;
    console.wish.present = false;
    console.until(|told| told.standing == AddressStanding::Absent).await;
    assert_eq!(town.count().await, 0);
}

#[tokio::test]
async fn an_instance_that_is_terminated_leaves_its_address_behind() {
    let town = Town::new(&brisk()).await;
    let instance = town.instance(&town.ours, true).await;
    let mut console = town.console().await;
    console.wish.instance = Some(instance.clone());
    let before = console.until(|told| told.standing == AddressStanding::Attached).await;
    console.wish.instance = None;
    town.ours.ask(HOME, "TerminateInstances", &[("InstanceId.1", &instance)]).await.expect("it may");
    let after = console.until(|told| told.standing == AddressStanding::Reserved).await;
    assert_eq!(after.address, before.address);
}

#[tokio::test]
async fn an_instance_of_another_account_cannot_have_it_and_the_failure_says_which() {
    let town = Town::new(&brisk()).await;
    let instance = town.instance(&town.theirs, true).await;
    let mut console = town.console().await;
    console.wish.instance = Some(instance.clone());
    let failure = console.refusal().await;
    assert_eq!(failure.class, Class::Specification, "{failure}");
    assert!(failure.message.starts_with(&format!("{instance} is no instance of this account in {HOME}")), "{failure}");
    let told = console.pass().await.expect("it can be read");
    assert_eq!(told.standing, AddressStanding::Reserved, "the address is kept meanwhile");
}

#[tokio::test]
async fn an_instance_without_a_way_to_the_internet_is_the_operators_to_mend() {
    let town = Town::new(&brisk()).await;
    let mut console = town.console().await;
    console.wish.instance = Some(town.instance(&town.ours, false).await);
    let failure = console.refusal().await;
    assert_eq!((failure.class, failure.code.as_str()), (Class::Specification, "Gateway.NotAttached"));
}

#[tokio::test]
async fn an_address_that_somebody_else_gave_to_the_instance_stays_there() {
    let town = Town::new(&brisk()).await;
    let instance = town.instance(&town.ours, true).await;
    let foreign = asked(&town.ours, "AllocateAddress", &[("Domain", "vpc")], "allocationId").await;
    let give = [("AllocationId", foreign.as_str()), ("InstanceId", &instance)];
    let association = asked(&town.ours, "AssociateAddress", &give, "associationId").await;
    let mut console = town.console().await;
    console.wish.instance = Some(instance);
    assert_eq!(console.refusal().await.code, "Resource.AlreadyAssociated");
    console.wish.present = false;
    console.until(|told| told.standing == AddressStanding::Absent).await;
    let left = town.ours.ask(HOME, "DescribeAddresses", &[]).await.expect("it can be read");
    assert_eq!(element(&left, "associationId"), association);
}

#[tokio::test]
async fn no_trouble_of_the_look_alike_makes_a_second_address() {
    let town = Town::new(&brisk()).await;
    let instance = town.instance(&town.ours, true).await;
    for action in ["AllocateAddress", "AssociateAddress", "DisassociateAddress", "ReleaseAddress"] {
        for fault in [
            Fault::refuse(action, 503, "RequestLimitExceeded"),
            Fault::refuse(action, 500, "InternalError").after_apply(),
            Fault::once(action, Effect::Lose).after_apply(),
            Fault::once(action, Effect::Lose),
        ] {
            town.clouds.aws.add_fault(fault.for_side(Side::Ours)).await.expect("the rule is kept");
        }
    }
    let mut console = town.console().await;
    console.wish.instance = Some(instance);
    console.until(|told| told.standing == AddressStanding::Attached).await;
    assert_eq!(town.count().await, 1);
    // A console that was killed and started again has forgotten what it asked for.
    console.aws = Town::sign_in(&town.clouds, Side::Ours).await;
    console.wish.present = false;
    console.until(|told| told.standing == AddressStanding::Absent).await;
    assert_eq!(town.count().await, 0);
}
