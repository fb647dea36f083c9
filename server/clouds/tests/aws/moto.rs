//! Against moto, which knows nothing of us: VPCs, peering, routes, groups, transit gateways of one account.
//!
//! Where `CAUSEWAY_MOTO` (or the vendors' Python in `target/vendors`) has no moto server, these tests say so and pass; in CI
//! that is a failure.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use clouds::{
    Class, Cloud, NetworkStanding, Opening, Peer,
    aws::{AwsAccount, AwsRole},
};
use uuid::Uuid;

use super::{
    OURS, THEIRS, account, driver, keys,
    reconciler::{Reconciler, net},
};

pub struct Moto {
    process: Child,
    pub base: String,
    client: reqwest::Client,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    /// `None` where there is none.
    pub async fn start(environment: &[(&str, &str)]) -> Option<Self> {
        let given = std::env::var_os("CAUSEWAY_MOTO").map(PathBuf::from);
        let tree = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/vendors/python/bin/moto_server");
        let Some(program) = given.or(Some(tree)).filter(|path| path.exists()) else {
            let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!in_ci, "there is no moto server (CAUSEWAY_MOTO), and in CI that is a failure");
            eprintln!("There is no moto server here (CAUSEWAY_MOTO): nothing was tried.");
            return None;
        };
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.expect("a port of loopback is free").port();
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        command.envs(environment.iter().copied());
        let process = command.spawn().expect("moto starts");
        let moto = Self { process, base: format!("http://127.0.0.1:{port}/"), client: super::client() };
        for _ in 0..600 {
            if moto.client.get(format!("{}moto-api/", moto.base)).send().await.is_ok() {
                return Some(moto);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto did not answer within a minute");
    }

    /// The peer's owner, who signs nothing: moto takes the account from a header.
    pub async fn ec2(&self, account: &str, region: &str, action: &str, params: &[(&str, &str)]) -> String {
        self.ask("ec2", "2016-11-15", account, region, action, params).await
    }

    async fn ask(
        &self,
        service: &str,
        version: &str,
        account: &str,
        region: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> String {
        let scope = format!("AKIAPEER/20261120/{region}/{service}/aws4_request");
        let mut form = vec![("Action", action), ("Version", version)];
        form.extend(params);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .client
            .post(&self.base)
            .header("x-moto-account-id", account)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"))
            .body(body);
        let answer = request.send().await.expect("moto answers");
        let status = answer.status();
        let text = answer.text().await.expect("moto's answer is text");
        assert!(status.is_success(), "{action}: {status} {text}");
        text
    }

    pub async fn peer_vpc(&self, region: &str, cidr: &str) -> String {
        element(&self.ec2(THEIRS, region, "CreateVpc", &[("CidrBlock", cidr)]).await, "vpcId")
    }

    pub async fn count(&self, region: &str, action: &str, of: &str) -> usize {
        self.ec2(OURS, region, action, &[]).await.matches(&format!("<{of}>")).count()
    }
}

/// The text of the first element of this name.
pub fn element(xml: &str, name: &str) -> String {
    let after = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{name} is in {xml}")).1;
    after.split_once('<').expect("elements end").0.to_owned()
}

/// In moto a role is all it takes to be in an account.
pub fn ours() -> AwsAccount {
    let role = AwsRole { arn: format!("arn:aws:iam::{OURS}:role/causeway"), external_id: None };
    AwsAccount { role: Some(role), ..account(keys("AKIAEXAMPLE", "wJalrXUtnFEMI")) }
}

fn to(vpc: &str, region: Option<&str>) -> Peer {
    Peer::AwsVpc { account: THEIRS.into(), vpc: vpc.into(), region: region.map(String::from) }
}

#[tokio::test]
async fn the_role_that_was_assumed_is_who_the_console_is() {
    let Some(moto) = Moto::start(&[]).await else { return };
    let who = driver(ours(), &moto.base).check().await.expect("moto lets everybody in");
    assert!(who.starts_with(&format!("arn:aws:sts::{OURS}:assumed-role/causeway/")), "{who}");
}

#[tokio::test]
async fn a_peering_lives_from_the_request_to_its_end_across_accounts_and_regions() {
    let Some(moto) = Moto::start(&[]).await else { return };
    let peer = moto.peer_vpc("us-east-1", "10.30.0.0/16").await;
    let mut console = Reconciler::new(driver(ours(), &moto.base));
    let id = console.connect(to(&peer, Some("us-east-1")));

    console.until(|report| report.network.standing == NetworkStanding::Ready).await;
    let told = console.until(|report| report.connections[&id].state.is_some()).await.connections.remove(&id);
    let told = told.expect("the connection is in the report");
    assert_eq!(told.state.as_deref(), Some("pending-acceptance"));
    assert_eq!(told.identifiers["requester_account_id"], OURS);
    assert_eq!(told.identifiers["peer_region"], "us-east-1");
    let pcx = told.identifiers["aws_vpc_peering_connection_id"].clone();

    moto.ec2(THEIRS, "us-east-1", "AcceptVpcPeeringConnection", &[("VpcPeeringConnectionId", &pcx)]).await;
    let range = net("10.30.0.0/16");
    let told = console.until(|report| report.connections[&id].opened == [range]).await;
    let told = &told.connections[&id];
    assert_eq!(
        (told.state.as_deref(), &told.routed, &told.peer_ranges),
        (Some("active"), &vec![range], &Some(vec![range]))
    );
    console.quiet().await;

    console.wish.connections[0].ranges = vec![net("192.168.7.0/24")];
    let more = [range, net("192.168.7.0/24")];
    console.until(|report| report.connections[&id].routed == more && report.connections[&id].opened == more).await;
    console.wish.connections[0].ranges.clear();
    console
        .until(|report| report.connections[&id].routed == [range] && report.connections[&id].opened == [range])
        .await;

    console.wish.connections[0].present = false;
    let told = console.until(|report| report.connections[&id].state.is_none()).await;
    assert_eq!((&told.connections[&id].routed, &told.connections[&id].opened), (&vec![], &vec![]));
    console.wish.connections.clear();
    console.quiet().await;

    console.wish.present = false;
    console.until(|report| report.network.standing == NetworkStanding::Absent).await;
    assert_eq!(console.made("CreateVpc "), 1);
    assert_eq!(console.made("RequestPeering"), 1);
    // moto gives every account a VPC of its own.
    assert_eq!(moto.count("eu-west-1", "DescribeVpcs", "vpcId").await, 1);
}

#[tokio::test]
async fn a_refusal_and_a_withdrawal_by_the_peer_are_seen() {
    let Some(moto) = Moto::start(&[]).await else { return };
    let (first, second) =
        (moto.peer_vpc("eu-west-1", "10.30.0.0/16").await, moto.peer_vpc("eu-west-1", "10.31.0.0/16").await);
    let mut console = Reconciler::new(driver(ours(), &moto.base));
    let (refused, withdrawn) = (console.connect(to(&first, None)), console.connect(to(&second, None)));
    let pending = |id: Uuid| move |report: &clouds::Report| report.connections[&id].state.is_some();
    console.until(pending(refused)).await;
    let told = console.until(pending(withdrawn)).await;
    let pcx = |id: Uuid| told.connections[&id].identifiers["aws_vpc_peering_connection_id"].clone();

    moto.ec2(THEIRS, "eu-west-1", "RejectVpcPeeringConnection", &[("VpcPeeringConnectionId", &pcx(refused))]).await;
    moto.ec2(THEIRS, "eu-west-1", "AcceptVpcPeeringConnection", &[("VpcPeeringConnectionId", &pcx(withdrawn))]).await;
    console.until(|report| report.connections[&refused].state.as_deref() == Some("rejected")).await;
    console.until(|report| report.connections[&withdrawn].opened == [net("10.31.0.0/16")]).await;

    moto.ec2(THEIRS, "eu-west-1", "DeleteVpcPeeringConnection", &[("VpcPeeringConnectionId", &pcx(withdrawn))]).await;
    let told = console
        .until(|report| {
            let told = &report.connections[&withdrawn];
            told.state.as_deref() == Some("deleted") && told.routed.is_empty() && told.opened.is_empty()
        })
        .await;
    assert!(told.connections[&withdrawn].message.contains("Deleted by"), "{told:?}");
    console.quiet().await;

    console.wish.present = false;
    console.until(|report| report.network.standing == NetworkStanding::Absent).await;
    assert_eq!(console.made("RequestPeering"), 2);
}

#[tokio::test]
async fn a_range_changes_hands_when_the_older_of_two_connections_goes() {
    let Some(moto) = Moto::start(&[]).await else { return };
    let (first, second) =
        (moto.peer_vpc("eu-west-1", "10.30.0.0/16").await, moto.peer_vpc("eu-west-1", "10.30.0.0/16").await);
    let mut console = Reconciler::new(driver(ours(), &moto.base));
    let (older, younger) = (console.connect(to(&first, None)), console.connect(to(&second, None)));
    for id in [older, younger] {
        let told = console.until(|report| report.connections[&id].state.is_some()).await;
        let pcx = told.connections[&id].identifiers["aws_vpc_peering_connection_id"].clone();
        moto.ec2(THEIRS, "eu-west-1", "AcceptVpcPeeringConnection", &[("VpcPeeringConnectionId", &pcx)]).await;
    }
    let range = [net("10.30.0.0/16")];
    console.until(|report| report.connections[&older].routed == range).await;
    console.quiet().await;
    assert_eq!(console.look().await.connections[&younger].routed, []);
    console.wish.connections[0].present = false;
    let told = console.until(|report| report.connections[&younger].routed == range).await;
    assert_eq!(told.connections[&younger].opened, range);
    console.quiet().await;
}

#[tokio::test]
async fn a_transit_gateway_is_attached_routed_edited_and_left() {
    let Some(moto) = Moto::start(&[]).await else { return };
    let gateway = moto.ec2(OURS, "eu-west-1", "CreateTransitGateway", &[]).await;
    let gateway = element(&gateway, "transitGatewayId");
    let mut console = Reconciler::new(driver(ours(), &moto.base));
    console.wish.openings = vec![Opening::All];
    let id = console.connect(Peer::AwsTransitGateway { account: OURS.into(), gateway });
    console.wish.connections[0].ranges = vec![net("10.40.0.0/16"), net("10.41.0.0/16")];
    let told = console.until(|report| report.connections[&id].opened.len() == 2).await;
    assert_eq!(told.connections[&id].routed, [net("10.40.0.0/16"), net("10.41.0.0/16")]);
    assert!(told.connections[&id].identifiers["aws_tgw_vpc_attachment_id"].starts_with("tgw-attach-"));

    console.wish.connections[0].ranges = vec![net("10.41.0.0/16"), net("10.42.0.0/16")];
    let edited = [net("10.41.0.0/16"), net("10.42.0.0/16")];
    console.until(|report| report.connections[&id].routed == edited && report.connections[&id].opened == edited).await;
    console.quiet().await;

    console.wish.connections[0].present = false;
    console.until(|report| report.connections[&id].state.is_none()).await;
    console.wish.present = false;
    console.until(|report| report.network.standing == NetworkStanding::Absent).await;
    assert_eq!(console.made("Attach "), 1);
}

#[tokio::test]
async fn a_peer_that_does_not_exist_is_the_persons_to_correct() {
    let Some(moto) = Moto::start(&[]).await else { return };
    let mut console = Reconciler::new(driver(ours(), &moto.base));
    let id = console.connect(to("vpc-0123456789abcdef0", None));
    console.until(|report| report.network.standing == NetworkStanding::Ready).await;
    let failures = console.failures().await;
    let failure = &failures.iter().find(|(of, _)| *of == clouds::Subject::Connection(id)).expect("it is refused").1;
    assert_eq!(failure.class, Class::Specification, "{failure}");
}

#[tokio::test]
async fn signatures_and_rights_are_checked_by_somebody_else() {
    let Some(moto) = Moto::start(&[("INITIAL_NO_AUTH_ACTION_COUNT", "3")]).await else { return };
    let iam = async |action: &str, params: &[(&str, &str)]| {
        moto.ask("iam", "2010-05-08", "123456789012", "us-east-1", action, params).await
    };
    iam("CreateUser", &[("UserName", "causeway")]).await;
    let made = iam("CreateAccessKey", &[("UserName", "causeway")]).await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}"#;
    let put = [("UserName", "causeway"), ("PolicyName", "look"), ("PolicyDocument", policy)];
    iam("PutUserPolicy", &put).await;
    let (id, secret) = (element(&made, "AccessKeyId"), element(&made, "SecretAccessKey"));

    let mut console = Reconciler::new(driver(account(keys(&id, &secret)), &moto.base));
    assert_eq!(console.look().await.network.standing, NetworkStanding::Absent);
    let failures = console.failures().await;
    assert_eq!(failures[0].1.class, Class::Denied, "{failures:?}");

    let wrong = Reconciler::new(driver(account(keys(&id, "another")), &moto.base));
    let failure = wrong.aws.observe(&wrong.wish).await.expect_err("the secret is another");
    assert_eq!(failure.class, Class::Credentials, "{failure}");
    let failure = wrong.aws.check().await.expect_err("the secret is another");
    assert_eq!(failure.class, Class::Credentials, "{failure}");
}
