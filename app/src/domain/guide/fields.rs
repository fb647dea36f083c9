//! The fields of the forms: what each is called, and where its value is found (domain 4, "Collect").

use crate::domain::connection::{ConnectionForm, ConnectionType};

/// A field of the form for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormField {
    /// As in the API.
    pub name: &'static str,
    pub label: &'static str,
    pub placeholder: &'static str,
    /// What a person has to know while typing; empty: nothing.
    pub hint: &'static str,
    /// "Where do I find this?"
    pub find: &'static str,
    pub required: bool,
}

impl FormField {
    /// What has been typed into it.
    pub fn of<'a>(&self, form: &'a ConnectionForm) -> &'a str {
        match self.name {
            "peer_cloud_account" => &form.peer_cloud_account,
            "peer_vpc" => &form.peer_vpc,
            "peer_region" => &form.peer_region,
            "peer_resource_group" => &form.peer_resource_group,
            "peer_azure_app_id" => &form.peer_azure_app_id,
            "peer_azure_tenant_id" => &form.peer_azure_tenant_id,
            _ => &form.user_peer_network_cidrs,
        }
    }
}

const fn field(
    name: &'static str,
    label: &'static str,
    placeholder: &'static str,
    required: bool,
    find: &'static str,
) -> FormField {
    FormField { name, label, placeholder, hint: "", find, required }
}

const AWS_ACCOUNT: FormField = field(
    "peer_cloud_account",
    "AWS account ID",
    "123456789012",
    true,
    "AWS console: open the menu with your name at the top right; the 12 digits under it. Or run: aws sts get-caller-identity --query Account",
);

const fn cidrs(kind: ConnectionType) -> FormField {
    let find =
        "Private ranges beside the peer network's own, for example of networks behind it. At most 128, one per line.";
    FormField {
        hint: of_user_ranges(kind),
        ..field("user_peer_network_cidrs", "Network CIDRs", "10.20.0.0/16", false, find)
    }
}

/// What comes of the ranges that a person adds to a connection: not every cloud routes to them.
pub const fn of_user_ranges(kind: ConnectionType) -> &'static str {
    match kind {
        ConnectionType::AwsVpcPeeringConnection | ConnectionType::AwsTgwVpcAttachment => {
            "Routes and openings are added and removed without making the connection anew."
        }
        ConnectionType::GoogleVpcPeering => {
            "They are let in, and the routes that the peer network exports are imported: Google makes no other route to them."
        }
        ConnectionType::AzureVnetPeering => {
            "They are let in, and nothing more: a peering carries the peer network's own ranges only, and Azure makes no route to these. Answers reach them only by an appliance in the peer network that translates their addresses."
        }
        ConnectionType::UpcloudVpcPeering => {
            "UpCloud routes between the two networks only: they are kept here and change nothing there."
        }
    }
}

/// The fields of a form, in its order.
pub fn form_fields(kind: ConnectionType) -> &'static [FormField] {
    match kind {
        ConnectionType::AwsVpcPeeringConnection => AWS,
        ConnectionType::AwsTgwVpcAttachment => TRANSIT_GATEWAY,
        ConnectionType::GoogleVpcPeering => GOOGLE,
        ConnectionType::AzureVnetPeering => AZURE,
        ConnectionType::UpcloudVpcPeering => UPCLOUD,
    }
}

const AWS: &[FormField] = &[
    AWS_ACCOUNT,
    field(
        "peer_region",
        "AWS VPC region",
        "",
        false,
        "AWS console: the region at the top right while Your VPCs shows the VPC. Leave it as it is if it is the region of this VPC.",
    ),
    field(
        "peer_vpc",
        "AWS VPC ID",
        "vpc-0123456789abcdef0",
        true,
        "AWS console: VPC, then Your VPCs; the column VPC ID. Or run: aws ec2 describe-vpcs --query Vpcs[].VpcId",
    ),
    cidrs(ConnectionType::AwsVpcPeeringConnection),
];

const TRANSIT_GATEWAY: &[FormField] = &[
    field(
        "peer_cloud_account",
        "AWS account ID",
        "123456789012",
        true,
        "The account that owns the transit gateway. AWS console: open the menu with your name at the top right; the 12 digits under it.",
    ),
    field(
        "peer_vpc",
        "Transit Gateway ID",
        "tgw-0123456789abcdef0",
        true,
        "AWS console: VPC, then Transit gateways; the column Transit gateway ID. It must be in the region of this VPC.",
    ),
    FormField {
        label: "Network cidrs",
        find: "The ranges of the networks behind the transit gateway: other VPCs, other regions, on-premises networks. One per line; without any, nothing is routed. You can change them later.",
        ..cidrs(ConnectionType::AwsTgwVpcAttachment)
    },
];

const GOOGLE: &[FormField] = &[
    field(
        "peer_cloud_account",
        "GCP project ID",
        "my-project-123456",
        true,
        "Google Cloud console: the project picker at the top; the column ID, not the name or the number. Or run: gcloud config get-value project",
    ),
    field(
        "peer_vpc",
        "GCP VPC network name",
        "default",
        true,
        "Google Cloud console: VPC network, then VPC networks; the column Name. Or run: gcloud compute networks list",
    ),
    cidrs(ConnectionType::GoogleVpcPeering),
];

const AZURE: &[FormField] = &[
    field(
        "peer_cloud_account",
        "Azure subscription ID",
        "00000000-0000-0000-0000-000000000000",
        true,
        "Azure portal: Subscriptions; the column Subscription ID. Or run: az account list --query [].id",
    ),
    field(
        "peer_resource_group",
        "Resource group",
        "my-group",
        true,
        "Azure portal: Virtual networks, then your network; Resource group on its overview. Or run: az network vnet list --query [].resourceGroup",
    ),
    field(
        "peer_vpc",
        "Network name",
        "my-vnet",
        true,
        "Azure portal: Virtual networks; the column Name. Or run: az network vnet list --query [].name",
    ),
    field(
        "peer_azure_tenant_id",
        "Active Directory tenant ID",
        "00000000-0000-0000-0000-000000000000",
        true,
        "Azure portal: Microsoft Entra ID; Tenant ID on its overview. Or run: az account list --query [].tenantId",
    ),
    field(
        "peer_azure_app_id",
        "Application object ID",
        "00000000-0000-0000-0000-000000000000",
        true,
        "The appId that az ad app create printed in step 1. Azure portal: App registrations, then your application; Application (client) ID.",
    ),
    cidrs(ConnectionType::AzureVnetPeering),
];

const UPCLOUD: &[FormField] = &[
    field(
        "peer_vpc",
        "Peer network ID",
        "03000000-0000-4000-8000-000000000000",
        true,
        "UpCloud Control Panel: Network, then Private networks; the UUID under the network's name. Or: GET /1.3/network",
    ),
    cidrs(ConnectionType::UpcloudVpcPeering),
];
