use std::process::Command;

use super::{trouble::Probe, *};
use crate::domain::connection::{NewConnection, Warning, WarningKind, fixtures};

const UUID: &str = "03a1b2c3-0000-4000-8000-000000000001";
const TENANT: &str = "0bbbbbbb-0000-4000-8000-000000000002";

fn cloud(kind: ConnectionType) -> &'static str {
    match kind.provider() {
        Provider::Aws => "aws-eu-west-1",
        Provider::Google => "google-europe-west1",
        Provider::Azure => "azure-westeurope",
        _ => "upcloud-de-fra",
    }
}

fn form(kind: ConnectionType) -> ConnectionForm {
    let (account, vpc) = match kind {
        ConnectionType::AwsVpcPeeringConnection => ("111122223333", "vpc-0123456789abcdef0"),
        ConnectionType::AwsTgwVpcAttachment => ("111122223333", "tgw-0123456789abcdef0"),
        ConnectionType::GoogleVpcPeering => ("tidewater-prod", "harbor"),
        ConnectionType::AzureVnetPeering => (UUID, "hub-vnet"),
        ConnectionType::UpcloudVpcPeering => ("", UUID),
    };
    let mut form = ConnectionForm { peer_cloud_account: account.into(), peer_vpc: vpc.into(), ..Default::default() };
    if kind == ConnectionType::AwsVpcPeeringConnection {
        form.peer_region = "us-east-1".into();
    }
    if kind == ConnectionType::AzureVnetPeering {
        form.peer_resource_group = "quay(1)".into();
        form.peer_azure_app_id = UUID.into();
        form.peer_azure_tenant_id = TENANT.into();
    }
    form
}

fn ours() -> Ours {
    Ours {
        cidr: "10.0.0.0/24".parse().expect("a range"),
        region: "eu-west-1".into(),
        cloud_id: Some("vpc-0aaaaaaaaaaaaaaaa".into()),
        identity: Some("999988887777".into()),
    }
}

/// With the peer of [`form`], and what the cloud has told.
fn connection(kind: ConnectionType, state: ConnectionState, learnt: &[(&str, &str)]) -> Connection {
    let mut connection = fixtures::connection(kind, state);
    connection.peer = NewConnection::parse(&cloud(kind).parse().expect("a region"), &form(kind)).expect("a peer").peer;
    connection.user_peer_network_cidrs = Default::default();
    let learnt = learnt.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    connection.state_info.extra = learnt.collect();
    connection
}

fn guide(kind: ConnectionType, state: ConnectionState, learnt: &[(&str, &str)]) -> Guide {
    Guide::of(&connection(kind, state, learnt), &ours(), &AzureTyped::default())
}

fn commands(parts: &[Part]) -> Vec<String> {
    parts
        .iter()
        .flat_map(|part| match part {
            Part::Command { text, .. } => vec![text.clone()],
            Part::Ways(ways) => ways.iter().flat_map(|(_, parts)| commands(parts)).collect(),
            _ => Vec::new(),
        })
        .collect()
}

fn all_commands(guide: &Guide) -> Vec<String> {
    guide.steps.iter().flat_map(|step| commands(&step.there)).collect()
}

fn identifier<'a>(guide: &'a Guide, label: &str) -> Option<&'a str> {
    let found = guide.identifiers.iter().find(|identifier| identifier.label == label).expect(label);
    found.value.as_deref()
}

fn now(guide: &Guide) -> Option<&str> {
    guide.current().map(|at| guide.steps[at].title.as_str())
}

#[test]
fn row_9_aws_has_its_identifiers_and_commands_filled_in() {
    let learnt = [("aws_vpc_peering_connection_id", "pcx-0a1b")];
    let guide = guide(ConnectionType::AwsVpcPeeringConnection, ConnectionState::PendingPeer, &learnt);
    assert_eq!(identifier(&guide, "Peering connection ID"), Some("pcx-0a1b"));
    assert_eq!(identifier(&guide, "Requester account"), Some("999988887777"));
    assert_eq!(identifier(&guide, "Requester VPC ID"), Some("vpc-0aaaaaaaaaaaaaaaa"));
    assert_eq!(identifier(&guide, "Requester region"), Some("eu-west-1"));
    assert_eq!(identifier(&guide, "Requester CIDR"), Some("10.0.0.0/24"));
    assert_eq!(now(&guide), Some("Accept the request"));
    let commands = all_commands(&guide);
    assert!(commands.contains(
        &"aws ec2 accept-vpc-peering-connection --region us-east-1 --vpc-peering-connection-id pcx-0a1b".to_owned()
    ));
    assert!(commands.contains(&"aws ec2 create-route --region us-east-1 --route-table-id '<route table ID>' --destination-cidr-block 10.0.0.0/24 --vpc-peering-connection-id pcx-0a1b".to_owned()), "{commands:#?}");
}

#[test]
fn row_58_the_transit_gateway_is_shared_with_the_consoles_account() {
    let kind = ConnectionType::AwsTgwVpcAttachment;
    let before = Guide::before(kind, &form(kind), &ours(), &AzureTyped::default());
    assert_eq!(now(&before), Some("Share the transit gateway"));
    assert_eq!(identifier(&before, "Account to share with"), Some("999988887777"));
    assert!(all_commands(&before)[0].ends_with("--resource-arns arn:aws:ec2:eu-west-1:111122223333:transit-gateway/tgw-0123456789abcdef0 --principals 999988887777"));
    assert!(before.notices[0].contains("on-premises networks"));
    let learnt = [("aws_tgw_vpc_attachment_id", "tgw-attach-0a")];
    let pending = guide(kind, ConnectionState::PendingPeer, &learnt);
    assert_eq!(now(&pending), Some("Accept the attachment"));
    assert!(
        all_commands(&pending).iter().any(|command| command.ends_with("--transit-gateway-attachment-id tgw-attach-0a"))
    );
}

#[test]
fn row_10_google_names_its_project_and_network() {
    let learnt = [("to_project_id", "causeway-1"), ("to_vpc_network", "vpc-0197")];
    let guide = guide(ConnectionType::GoogleVpcPeering, ConnectionState::PendingPeer, &learnt);
    assert_eq!(identifier(&guide, "Project ID"), Some("causeway-1"));
    assert_eq!(identifier(&guide, "VPC network name"), Some("vpc-0197"));
    assert_eq!(
        identifier(&guide, "Self link"),
        Some("https://www.googleapis.com/compute/v1/projects/causeway-1/global/networks/vpc-0197")
    );
    assert_eq!(
        all_commands(&guide)[0],
        "gcloud compute networks peerings create console-3f2a6c8e4d10 --project=tidewater-prod --network=harbor --peer-project=causeway-1 --peer-network=vpc-0197"
    );
}

#[test]
fn row_11_azures_wizard_fills_every_value_that_was_typed() {
    let kind = ConnectionType::AzureVnetPeering;
    let typed = AzureTyped {
        user_sp_id: "user-sp".into(),
        role: "role-id".into(),
        console_sp_id: "console-sp".into(),
        console_role_id: "console-role".into(),
    };
    let before = Guide::before(kind, &form(kind), &ours(), &typed);
    let commands = all_commands(&before);
    let vnet =
        format!("'/subscriptions/{UUID}/resourceGroups/quay(1)/providers/Microsoft.Network/virtualNetworks/hub-vnet'");
    assert!(
        commands
            .contains(&format!("az role assignment create --role role-id --assignee-object-id user-sp --scope {vnet}"))
    );
    assert!(commands.contains(&format!(
        "az role assignment create --role console-role --assignee-object-id console-sp --scope {vnet}"
    )));
    assert!(commands.contains(&"az ad sp create --id 999988887777".to_owned()), "the console's application");
    let learnt = [("to-tenant-id", "tenant-of-console"), ("to-network-id", "/subscriptions/x/vnet")];
    let pending = Guide::of(&connection(kind, ConnectionState::PendingPeer, &learnt), &ours(), &typed);
    assert_eq!(now(&pending), Some("Create the peering from your side"));
    assert_eq!(identifier(&pending, "to-tenant-id"), Some("tenant-of-console"));
    let commands = all_commands(&pending);
    assert!(
        commands
            .iter()
            .any(|command| command.contains(&format!("-u {UUID} -p \"$USER_APP_SECRET\" --tenant {TENANT}")))
    );
    assert!(commands.contains(&format!("az network vnet peering create --name console-3f2a6c8e4d10 --remote-vnet /subscriptions/x/vnet --vnet-name hub-vnet --resource-group 'quay(1)' --subscription {UUID} --allow-vnet-access")), "{commands:#?}");
}

#[test]
fn row_14_upclouds_request_holds_both_networks() {
    let learnt = [("to_network_uuid", "03ffffff-0000-4000-8000-000000000009")];
    let guide = guide(ConnectionType::UpcloudVpcPeering, ConnectionState::PendingPeer, &learnt);
    assert_eq!(identifier(&guide, "Causeway network ID"), Some("03ffffff-0000-4000-8000-000000000009"));
    let request = all_commands(&guide).remove(0);
    let (head, body) = request.split_once("\n\n").expect("a request");
    assert!(head.starts_with("POST /1.3/network-peering HTTP/1.1"));
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["network_peering"]["network"]["uuid"], UUID);
    assert_eq!(body["network_peering"]["peer_network"]["uuid"], "03ffffff-0000-4000-8000-000000000009");
    assert_eq!(body["network_peering"]["configured_status"], "active");
    let Part::Ways(ways) = &guide.steps[2].there[0] else { panic!("tabs") };
    assert_eq!(ways.iter().map(|(title, _)| *title).collect::<Vec<_>>(), ["Control Panel", "API"]);
    assert!(ways[1].1.iter().any(|part| matches!(part, Part::Table { rows, .. } if rows.len() == 4)));
}

#[test]
fn row_16_upclouds_trust_is_asked_for_before_the_form_is_sent() {
    let kind = ConnectionType::UpcloudVpcPeering;
    let before = Guide::before(kind, &ConnectionForm::default(), &ours(), &AzureTyped::default());
    assert_eq!(before.notices, [TRUST]);
}

#[test]
fn row_17_leases_are_renewed_on_the_interface_that_is_typed() {
    assert_eq!(dhcp_commands("eth1"), ["dhclient -r eth1", "dhclient eth1"]);
    assert_eq!(dhcp_commands(" "), ["dhclient -r '<NIC>'", "dhclient '<NIC>'"]);
    assert_eq!(dhcp_commands("eth0; reboot")[1], "dhclient 'eth0; reboot'");
    let active = guide(ConnectionType::UpcloudVpcPeering, ConnectionState::Active, &[]);
    assert!(all_commands(&active).iter().any(|command| command.starts_with("dhclient -r")), "on active rows, too");
}

#[test]
fn row_18_every_input_says_where_its_value_is_found() {
    for kind in ConnectionType::ALL {
        for field in form_fields(kind) {
            assert!(field.find.len() > 40, "{kind:?} {}", field.name);
        }
        let required = form_fields(kind).iter().filter(|field| field.required);
        let form = form(kind);
        for field in required {
            assert!(!field.of(&form).is_empty(), "{kind:?} {} is read from its own field", field.name);
        }
    }
}

#[test]
fn the_current_step_follows_the_state() {
    use ConnectionState::{Active, Approved, ApprovedPeerRequested, DeletedByPeer, Deleting, Error, PendingPeer};
    for kind in ConnectionType::ALL {
        let before = Guide::before(kind, &form(kind), &ours(), &AzureTyped::default());
        assert_eq!(before.current(), Some(0), "{kind:?}");
        let at_once = before.steps.iter().filter(|step| step.progress == Progress::Now).count();
        assert_eq!(at_once, 1, "{kind:?}: one thing at a time");
        for state in [Approved, ApprovedPeerRequested, Error] {
            assert_eq!(now(&guide(kind, state, &[])), Some("The console creates its side"), "{kind:?} {state}");
        }
        let theirs = guide(kind, PendingPeer, &[]);
        let step = &theirs.steps[theirs.current().expect("theirs")];
        assert!(!step.there.is_empty(), "{kind:?}: there is something to do in the cloud");
        for state in [DeletedByPeer, Deleting, Active] {
            assert_eq!(guide(kind, state, &[]).current(), None, "{kind:?} {state}");
        }
    }
    let mut accepted = connection(ConnectionType::AwsVpcPeeringConnection, PendingPeer, &[]);
    accepted.cloud_state = Some("provisioning".into());
    let guide = Guide::of(&accepted, &ours(), &AzureTyped::default());
    assert_eq!(now(&guide), Some("Add a route to every route table"));
    let active = super::Guide::of(
        &connection(ConnectionType::AwsVpcPeeringConnection, Active, &[]),
        &ours(),
        &AzureTyped::default(),
    );
    assert_eq!(active.steps[3].progress, Progress::Unseen, "nobody but you sees your route tables");
}

#[test]
fn identifiers_are_filled_before_the_peer_is_asked() {
    let guide = guide(ConnectionType::AwsVpcPeeringConnection, ConnectionState::Approved, &[]);
    assert_eq!(identifier(&guide, "Peering connection ID"), None);
    let unknown = guide.identifiers.iter().filter(|identifier| identifier.value.is_none()).count();
    assert_eq!(unknown, 2, "only what AWS has not given yet: the id and the date");
}

#[test]
fn a_shell_reads_every_value_as_one_word() {
    for text in [
        "plain-1.2/3",
        "",
        "two words",
        "it's",
        "$(reboot)",
        "`reboot`",
        "a;b|c&d>e<f",
        "\"quoted\"",
        "back\\slash",
        "*?[x]{a,b}~#!",
        "ends with '",
    ] {
        let script = format!("printf %s {}", quote(text));
        let said = Command::new("sh").arg("-c").arg(script).output().expect("a shell");
        assert_eq!(String::from_utf8_lossy(&said.stdout), text, "{}", quote(text));
    }
    assert_eq!(quote("two\nlines"), "'two lines'", "a line break would end the command");
}

#[test]
fn no_command_is_broken_by_what_was_typed() {
    let nasty = "x'; reboot; '";
    for kind in ConnectionType::ALL {
        let form = ConnectionForm {
            peer_cloud_account: nasty.into(),
            peer_vpc: nasty.into(),
            peer_region: nasty.into(),
            peer_resource_group: nasty.into(),
            peer_azure_app_id: nasty.into(),
            peer_azure_tenant_id: nasty.into(),
            user_peer_network_cidrs: String::new(),
        };
        let typed = AzureTyped {
            user_sp_id: nasty.into(),
            role: nasty.into(),
            console_sp_id: nasty.into(),
            console_role_id: nasty.into(),
        };
        let guide = Guide::before(kind, &form, &ours(), &typed);
        for command in all_commands(&guide).iter().filter(|command| !command.starts_with("POST")) {
            // Every program becomes a function that prints, so that a `reboot` of its own would be heard.
            let script = format!(
                "aws() {{ :; }}; az() {{ :; }}; gcloud() {{ :; }}; curl() {{ :; }}; upctl() {{ :; }}; dhclient() {{ :; }}; read() {{ :; }}; reboot() {{ echo BROKEN; }}; {command}"
            );
            let said = Command::new("sh").arg("-c").arg(script).output().expect("a shell");
            let said = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
            assert_eq!(said, "", "{command}");
        }
    }
}

#[test]
fn row_45_troubleshooting_names_the_connection_and_the_way_to_test_it() {
    let learnt = [("aws_vpc_peering_connection_id", "pcx-0a1b")];
    let kind = ConnectionType::AwsVpcPeeringConnection;
    let probe = Probe { host: "pg.harbor.example".into(), port: "5432".into() };
    let pending = trouble::trouble(&connection(kind, ConnectionState::PendingPeer, &learnt), &ours(), &probe);
    assert_eq!(pending[0].title, "The connection stays pending");
    assert!(pending[0].likely && pending.len() == 3);
    assert!(format!("{:?}", pending[0].parts).contains("pcx-0a1b"));
    let active = trouble::trouble(&connection(kind, ConnectionState::Active, &learnt), &ours(), &probe);
    assert_eq!(active[0].title, "Nothing answers over the active connection");
    assert!(commands(&active[0].parts).contains(&"nc -zv pg.harbor.example 5432".to_owned()));
    let empty = trouble::trouble(&connection(kind, ConnectionState::Active, &learnt), &ours(), &Probe::default());
    assert!(commands(&empty[0].parts).contains(&"nc -zv '<service host>' '<port>'".to_owned()));
    let mut warned = connection(kind, ConnectionState::Error, &learnt);
    warned.state_info.warnings.push(Warning::new(WarningKind::OverlappingPeerVpcIpRanges, "The peer range …"));
    assert_eq!(trouble::trouble(&warned, &ours(), &probe)[0].title, "The ranges overlap");
    for kind in ConnectionType::ALL {
        let all = trouble::trouble(&connection(kind, ConnectionState::PendingPeer, &[]), &ours(), &probe);
        let name = connection(kind, ConnectionState::PendingPeer, &[]).name().to_owned();
        assert!(format!("{all:?}").contains(&name), "{kind:?} names {name}");
    }
}

#[test]
fn row_91_the_range_of_a_vpc_never_changes_and_the_way_out_is_a_new_vpc_and_a_migration() {
    let mut warned = connection(ConnectionType::AwsVpcPeeringConnection, ConnectionState::Active, &[]);
    warned.state_info.warnings.push(Warning::new(WarningKind::OverlappingPeerVpcIpRanges, "Shared with dock."));
    let all = trouble::trouble(&warned, &ours(), &Probe::default());
    let overlap = all.iter().find(|trouble| trouble.title == "The ranges overlap").expect("the question");
    assert!(overlap.likely, "it is opened by itself");
    let said = format!("{:?}", overlap.parts);
    for part in [
        "Shared with dock.",
        "The range of a VPC never changes.",
        "10.0.0.0/24",
        "create a second VPC with another range, peer it, migrate the services to it, and delete the first.",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn whoever_adds_ranges_is_told_at_the_field_what_their_cloud_makes_of_them() {
    let hint = |kind| {
        let field = form_fields(kind).iter().find(|field| field.name == "user_peer_network_cidrs").expect("a field");
        field.hint
    };
    assert!(ConnectionType::ALL.into_iter().all(|kind| hint(kind) == of_user_ranges(kind)));
    assert!(hint(ConnectionType::AwsTgwVpcAttachment).starts_with("Routes and openings are added"));
    // Azure's peering carries the peer network alone: to promise a route would be a lie.
    let azure = hint(ConnectionType::AzureVnetPeering);
    assert!(azure.contains("let in, and nothing more") && azure.contains("Azure makes no route to these"), "{azure}");
    assert!(azure.contains("an appliance in the peer network"), "{azure}");
    assert!(hint(ConnectionType::UpcloudVpcPeering).contains("change nothing"), "UpCloud has no filter to open");
}
