use super::*;

fn sentence<T: FromStr<Err = InvalidField> + fmt::Debug>(text: &str) -> String {
    text.parse::<T>().expect_err(text).to_string()
}

#[test]
fn every_field_takes_what_its_cloud_writes_and_says_what_it_wants_otherwise() {
    assert!("012345678901".parse::<AwsAccountId>().is_ok());
    for text in ["", "12345678901", "1234567890123", "12345678901a"] {
        assert_eq!(sentence::<AwsAccountId>(text), "The AWS account ID has 12 digits.");
    }
    for text in ["vpc-01234567", "vpc-0123456789abcdef0", " vpc-0123456789abcdef0 "] {
        assert!(text.parse::<AwsVpcId>().is_ok(), "{text}");
    }
    for text in ["vpc-0123", "vpc-0123456789ABCDEF0", "0123456789abcdef0", "tgw-0123456789abcdef0"] {
        assert_eq!(sentence::<AwsVpcId>(text), "Enter an AWS VPC ID such as vpc-0123456789abcdef0.", "{text}");
    }
    assert!("tgw-0123456789abcdef0".parse::<TransitGatewayId>().is_ok());
    assert_eq!(
        sentence::<TransitGatewayId>("tgw-01234567"),
        "Enter a transit gateway ID such as tgw-0123456789abcdef0."
    );
    assert_eq!(sentence::<AwsRegion>("eu-west-9"), "Unknown AWS region eu-west-9.");
    assert!("eu-west-1".parse::<AwsRegion>().is_ok());
    assert!("tidewater-prod-1".parse::<GoogleProjectId>().is_ok());
    for text in ["short", "1tidewater", "Tidewater Prod", "123456789012", "tidewater-", &"a".repeat(31)] {
        assert_eq!(
            sentence::<GoogleProjectId>(text),
            "Enter the Google Cloud project ID, not its name or number.",
            "{text}"
        );
    }
    assert!("a".parse::<GoogleNetworkName>().is_ok());
    for text in ["projects/x/global/networks/y", "-a", "a-", "A", &"a".repeat(64)] {
        assert_eq!(sentence::<GoogleNetworkName>(text), "Enter the VPC network name only, without a path.");
    }
    for text in ["", "0123", "{0af12345-0000-4000-8000-000000000001}", "0af12345000040008000000000000001"] {
        assert_eq!(sentence::<AzureSubscriptionId>(text), "Enter the Azure subscription ID as a UUID.");
        assert_eq!(sentence::<AzureTenantId>(text), "Enter the Active Directory tenant ID as a UUID.");
        assert_eq!(sentence::<AzureAppId>(text), "Enter the application ID as a UUID.");
        assert_eq!(sentence::<UpCloudNetworkId>(text), "Enter the UUID of the UpCloud SDN network.");
    }
    let path = "/subscriptions/x/resourceGroups/y";
    assert_eq!(sentence::<ResourceGroup>(path), "Enter the resource group name only, not the resource ID.");
    assert_eq!(sentence::<ResourceGroup>(&"a".repeat(91)), sentence::<ResourceGroup>(path));
    assert_eq!(sentence::<VnetName>("a"), "Enter the virtual network name only, not the resource ID.");
    assert_eq!(sentence::<VnetName>(&"a".repeat(65)), sentence::<VnetName>("a"));
}

#[test]
fn what_clouds_compare_without_case_is_stored_in_lower_case() {
    let upper = "0AF12345-0000-4000-8000-00000000000B";
    assert_eq!(upper.parse::<AzureTenantId>().expect("a UUID").as_str(), upper.to_lowercase());
    assert_eq!(upper.parse::<UpCloudNetworkId>().expect("a UUID").as_str(), upper.to_lowercase());
    assert_eq!("My-Group_(1).x".parse::<ResourceGroup>().expect("a name").as_str(), "my-group_(1).x");
    assert_eq!("HubVnet".parse::<VnetName>().expect("a name").as_str(), "hubvnet");
}

#[test]
fn routed_ranges_are_private_canonical_and_at_most_128() {
    let ranges: PeerCidrs = "10.2.0.0/16, 10.1.0.0/16\n192.168.0.0/24;10.1.0.0/16".parse().expect("ranges");
    assert_eq!(ranges.text(), "10.1.0.0/16\n10.2.0.0/16\n192.168.0.0/24");
    assert_eq!("".parse::<PeerCidrs>(), Ok(PeerCidrs::default()));
    assert_eq!(sentence::<PeerCidrs>("8.8.8.0/24"), "Enter private IPv4 ranges.");
    assert_eq!(sentence::<PeerCidrs>("8.0.0.0/5"), "Enter private IPv4 ranges.", "half of it is public");
    assert_eq!(sentence::<PeerCidrs>("fd00::/8"), "Enter private IPv4 ranges.");
    assert_eq!(sentence::<PeerCidrs>("10.1.0.7/16"), "10.1.0.7/16 has host bits set. Use 10.1.0.0/16 instead.");
    let many = |count: u32| (0..count).map(|third| format!("10.0.{third}.0/24 ")).collect::<String>();
    assert_eq!(many(128).parse::<PeerCidrs>().expect("128 fit").len(), 128);
    assert_eq!(sentence::<PeerCidrs>(&many(129)), "At most 128 ranges per connection.");
}
