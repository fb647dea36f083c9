//! The other side's page: it connects to a service of the console's account.

use std::{collections::BTreeMap, sync::Arc};

use clouds::{
    http::Http,
    lookalike::{
        Lookalikes, Settings, Side,
        theirs::{Scene, Theirs, Typed, Vendor},
    },
};
use tempfile::TempDir;

use super::{HOME, signed::Caller};

struct Page {
    theirs: Theirs,
    ours: Caller,
    account: String,
    _folder: TempDir,
}

impl Page {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = format!("sqlite://{}", folder.path().join("lookalike.db").display());
        let clouds = Arc::new(Lookalikes::start(&database, &Settings::immediate()).await.expect("the clouds start"));
        let ours = Caller::new(&clouds.aws.url(), &clouds.aws.account(Side::Ours).await, HOME);
        let account = clouds.aws.account(Side::Theirs).await.account_id;
        let theirs = Theirs::sign_in(clouds, Http::new(1).expect("a client")).await.expect("it signs in");
        Self { theirs, ours, account, _folder: folder }
    }

    async fn look(&self) -> Scene {
        self.theirs.look(Vendor::Aws, HOME).await.expect("it can be read")
    }

    async fn act(&self, thing: &str, deed: &str, typed: &[(&str, &str)]) -> Result<(), clouds::Failure> {
        let typed: Typed = typed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        self.theirs.act(Vendor::Aws, HOME, thing, deed, &typed).await
    }

    /// The id of the first thing of this kind, with its state and facts.
    async fn first(&self, kind: &str) -> (String, String, BTreeMap<&'static str, String>) {
        let things = self.look().await.things;
        let found = things.into_iter().find(|thing| thing.kind == kind).unwrap_or_else(|| panic!("no {kind}"));
        (found.id, found.state, found.facts.into_iter().collect())
    }

    /// A service on one load balancer in the zone of each subnet of a default VPC.
    async fn service(&self) -> String {
        let vpc = self.ours.vpc("10.20.0.0/16").await;
        let mut fields = vec![("Name".to_owned(), "orders".to_owned())];
        fields.push(("Type".into(), "network".into()));
        fields.push(("Scheme".into(), "internal".into()));
        for (index, zone) in ["a", "b", "c"].into_iter().enumerate() {
            let (cidr, zone) = (format!("10.20.{index}.0/24"), format!("{HOME}{zone}"));
            let subnet = [("VpcId", vpc.as_str()), ("CidrBlock", &cidr), ("AvailabilityZone", &zone)];
            let subnet = self.ours.ec2("CreateSubnet", &subnet).await.ok("subnetId");
            fields.push((format!("Subnets.member.{}", index + 1), subnet));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let elb = self.ours.query("elasticloadbalancing", "2015-12-01", "CreateLoadBalancer", &fields).await;
        let balancer = elb.expect("it answers").ok("LoadBalancerArn");
        let service = [("NetworkLoadBalancerArn.1", balancer.as_str()), ("AcceptanceRequired", "false")];
        let made = self.ours.ec2("CreateVpcEndpointServiceConfiguration", &service).await;
        let (id, name) = (made.ok("serviceId"), made.ok("serviceName"));
        let principal = format!("arn:aws:iam::{}:root", self.account);
        let permit = [("ServiceId", id.as_str()), ("AddAllowedPrincipals.1", &principal)];
        self.ours.ec2("ModifyVpcEndpointServicePermissions", &permit).await.ok("return");
        name
    }
}

#[tokio::test]
async fn the_peer_connects_to_a_service_sees_its_addresses_and_leaves() {
    let page = Page::open().await;
    let (vpc, ..) = page.first("VPC").await;
    let refused = page.act(&vpc, "create-endpoint", &[("service", "com.amazonaws.vpce.eu-west-1.vpce-svc-0")]).await;
    assert_eq!(refused.map_err(|failure| failure.code), Err("InvalidServiceName".into()));
    let service = page.service().await;
    page.act(&vpc, "create-endpoint", &[("service", &service)]).await.expect("the peer is in the list");
    let (endpoint, state, facts) = page.first("VPC endpoint").await;
    assert_eq!((state.as_str(), facts["Service"].as_str()), ("available", service.as_str()));
    assert_eq!(facts["Addresses"].split(", ").count(), 3, "one in each subnet: {facts:?}");
    assert!(facts["DNS name"].starts_with(&format!("{endpoint}-")), "{facts:?}");
    page.act(&endpoint, "delete-endpoint", &[]).await.expect("it is the peer's");
    assert!(page.look().await.things.iter().all(|thing| thing.kind != "VPC endpoint"));
}
