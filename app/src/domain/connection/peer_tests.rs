use super::*;
use crate::domain::connection::ConnectionType;

const ID: &str = "0af12345-0000-4000-8000-000000000001";

fn form(account: &str, vpc: &str) -> ConnectionForm {
    ConnectionForm { peer_cloud_account: account.into(), peer_vpc: vpc.into(), ..ConnectionForm::default() }
}

fn parse(cloud: &str, form: &ConnectionForm) -> Result<NewConnection, Refusals> {
    NewConnection::parse(&cloud.parse().expect("a region"), form)
}

fn azure() -> ConnectionForm {
    ConnectionForm {
        peer_resource_group: "Quay".into(),
        peer_azure_app_id: ID.to_uppercase(),
        peer_azure_tenant_id: ID.into(),
        ..form(ID, "HubVnet")
    }
}

#[test]
fn each_cloud_reads_its_own_fields() {
    for (cloud, form, kind) in [
        ("aws-eu-west-1", form("111122223333", "vpc-01234567"), ConnectionType::AwsVpcPeeringConnection),
        ("aws-eu-west-1", form("111122223333", "tgw-0123456789abcdef0"), ConnectionType::AwsTgwVpcAttachment),
        ("google-europe-west1", form("tidewater-prod", "default"), ConnectionType::GoogleVpcPeering),
        ("azure-westeurope", azure(), ConnectionType::AzureVnetPeering),
        ("upcloud-de-fra", form("", ID), ConnectionType::UpcloudVpcPeering),
        ("upcloud-de-fra", form("upcloud", ID), ConnectionType::UpcloudVpcPeering),
    ] {
        let new = parse(cloud, &form).expect(cloud);
        assert_eq!(new.peer.kind(), kind);
        // What is stored flat is read again as the same peer.
        assert_eq!(parse(cloud, &new.peer.form()).expect("its own form").peer, new.peer);
    }
    let key = parse("azure-westeurope", &azure()).expect("a peer").peer.key();
    assert_eq!((key.peer_vpc.as_str(), key.peer_resource_group.as_deref()), ("hubvnet", Some("quay")));
}

#[test]
fn the_vpcs_own_aws_region_is_no_region() {
    let region = |text: &str| ConnectionForm { peer_region: text.into(), ..form("111122223333", "vpc-01234567") };
    let peer = |text: &str| parse("aws-eu-west-1", &region(text)).expect("a peer").peer;
    assert_eq!(peer("eu-west-1").region(), None);
    assert_eq!(peer("").key(), peer("eu-west-1").key());
    assert_eq!(peer("us-east-1").region(), Some("us-east-1"));
    let refusals = parse("aws-eu-west-1", &region("mars")).unwrap_err();
    assert_eq!(refusals.at("peer_region"), Some("Unknown AWS region mars."));
}

#[test]
fn a_transit_gateway_is_in_the_region_of_the_vpc() {
    let form = ConnectionForm { peer_region: "us-east-1".into(), ..form("111122223333", "tgw-0123456789abcdef0") };
    let refusals = parse("aws-eu-west-1", &form).unwrap_err();
    assert_eq!(refusals.at("peer_region"), Some("The transit gateway must be in eu-west-1."));
}

#[test]
fn fields_of_other_clouds_are_refused_by_name() {
    let mut form = form("tidewater-prod", "default");
    form.peer_region = "eu-west-1".into();
    form.peer_resource_group = "quay".into();
    form.peer_azure_app_id = ID.into();
    form.peer_azure_tenant_id = ID.into();
    let refusals = parse("google-europe-west1", &form).unwrap_err();
    assert_eq!(refusals.at("peer_region"), Some("peer_region is only used with AWS."));
    assert_eq!(refusals.at("peer_resource_group"), Some("peer_resource_group is only used with Azure."));
    assert_eq!(refusals.at("peer_azure_app_id"), Some("peer_azure_app_id is only used with Azure."));
    assert_eq!(refusals.at("peer_azure_tenant_id"), Some("peer_azure_tenant_id is only used with Azure."));
    assert_eq!(refusals.status(), 400);
}

#[test]
fn row_90_peering_never_crosses_providers() {
    for (cloud, form) in [
        ("google-europe-west1", form("111122223333", "default")),
        ("azure-westeurope", form(ID, "vpc-0123456789abcdef0")),
        ("aws-eu-west-1", form("upcloud", ID)),
    ] {
        let provider = cloud.parse::<CloudName>().expect("a region").provider();
        let sentence = format!(
            "A VPC in {provider} can only be peered with a network in {provider}. Use public access to reach it from another cloud."
        );
        assert_eq!(parse(cloud, &form).unwrap_err().at("peer_vpc"), Some(sentence.as_str()));
    }
    let refusals = parse("local-oslo", &form("111122223333", "vpc-01234567")).unwrap_err();
    assert!(refusals.at("peer_vpc").is_some_and(|sentence| sentence.contains("VPN gateway")));
}

#[test]
fn every_missing_field_is_told_at_once() {
    let refusals = parse("azure-westeurope", &ConnectionForm::default()).unwrap_err();
    let fields: Vec<&str> = refusals.0.iter().map(|refusal| refusal.field.as_ref()).collect();
    assert_eq!(
        fields,
        ["peer_cloud_account", "peer_resource_group", "peer_vpc", "peer_azure_tenant_id", "peer_azure_app_id"]
    );
}
