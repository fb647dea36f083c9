//! The other side of a connection, and the form that asks for one (domain 1.4, 3.2).

use serde::{Deserialize, Serialize};

use super::{
    ConnectionType,
    field::{
        AwsAccountId, AwsRegion, AwsVpcId, AzureAppId, AzureSubscriptionId, AzureTenantId, GoogleNetworkName,
        GoogleProjectId, PeerCidrs, ResourceGroup, TransitGatewayId, UpCloudNetworkId, VnetName,
    },
};
use crate::domain::{CloudName, Provider, Refusal, Refusals, refusal::Parse};

/// What UpCloud's connections carry as account (domain 1.4).
pub const UPCLOUD_ACCOUNT: &str = "upcloud";

/// The network that a person owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    AwsVpc {
        account: AwsAccountId,
        vpc: AwsVpcId,
        /// `None`: the region of our own VPC.
        region: Option<AwsRegion>,
    },
    AwsTransitGateway {
        account: AwsAccountId,
        gateway: TransitGatewayId,
    },
    Google {
        project: GoogleProjectId,
        network: GoogleNetworkName,
    },
    Azure {
        subscription: AzureSubscriptionId,
        resource_group: ResourceGroup,
        vnet: VnetName,
        tenant: AzureTenantId,
        app: AzureAppId,
    },
    UpCloud {
        network: UpCloudNetworkId,
    },
}

/// What makes two requests the same one (domain 1.4, uniqueness); the REST paths address by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PeerKey {
    pub peer_cloud_account: String,
    pub peer_resource_group: Option<String>,
    pub peer_vpc: String,
    pub peer_region: Option<String>,
}

impl Peer {
    pub fn provider(&self) -> Provider {
        self.kind().provider()
    }

    pub fn kind(&self) -> ConnectionType {
        match self {
            Self::AwsVpc { .. } => ConnectionType::AwsVpcPeeringConnection,
            Self::AwsTransitGateway { .. } => ConnectionType::AwsTgwVpcAttachment,
            Self::Google { .. } => ConnectionType::GoogleVpcPeering,
            Self::Azure { .. } => ConnectionType::AzureVnetPeering,
            Self::UpCloud { .. } => ConnectionType::UpcloudVpcPeering,
        }
    }

    /// `peer_cloud_account`.
    pub fn cloud_account(&self) -> &str {
        match self {
            Self::AwsVpc { account, .. } | Self::AwsTransitGateway { account, .. } => account.as_str(),
            Self::Google { project, .. } => project.as_str(),
            Self::Azure { subscription, .. } => subscription.as_str(),
            Self::UpCloud { .. } => UPCLOUD_ACCOUNT,
        }
    }

    /// `peer_vpc`: also what people call the connection.
    pub fn vpc(&self) -> &str {
        match self {
            Self::AwsVpc { vpc, .. } => vpc.as_str(),
            Self::AwsTransitGateway { gateway, .. } => gateway.as_str(),
            Self::Google { network, .. } => network.as_str(),
            Self::Azure { vnet, .. } => vnet.as_str(),
            Self::UpCloud { network } => network.as_str(),
        }
    }

    /// `peer_region`.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::AwsVpc { region, .. } => region.as_ref().map(AwsRegion::as_str),
            _ => None,
        }
    }

    /// `peer_resource_group`.
    pub fn resource_group(&self) -> Option<&str> {
        match self {
            Self::Azure { resource_group, .. } => Some(resource_group.as_str()),
            _ => None,
        }
    }

    /// `peer_azure_app_id`.
    pub fn azure_app_id(&self) -> Option<&str> {
        match self {
            Self::Azure { app, .. } => Some(app.as_str()),
            _ => None,
        }
    }

    /// `peer_azure_tenant_id`.
    pub fn azure_tenant_id(&self) -> Option<&str> {
        match self {
            Self::Azure { tenant, .. } => Some(tenant.as_str()),
            _ => None,
        }
    }

    pub fn key(&self) -> PeerKey {
        PeerKey {
            peer_cloud_account: self.cloud_account().to_owned(),
            peer_resource_group: self.resource_group().map(str::to_owned),
            peer_vpc: self.vpc().to_owned(),
            peer_region: self.region().map(str::to_owned),
        }
    }

    /// The fields as the form, the API and the database have them; without the routed ranges.
    pub fn form(&self) -> ConnectionForm {
        let some = |text: Option<&str>| text.unwrap_or_default().to_owned();
        ConnectionForm {
            peer_cloud_account: self.cloud_account().to_owned(),
            peer_vpc: self.vpc().to_owned(),
            peer_region: some(self.region()),
            peer_resource_group: some(self.resource_group()),
            peer_azure_app_id: some(self.azure_app_id()),
            peer_azure_tenant_id: some(self.azure_tenant_id()),
            user_peer_network_cidrs: String::new(),
        }
    }
}

/// The flat fields of domain 1.4, as typed. An empty text is an absent field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionForm {
    pub peer_cloud_account: String,
    pub peer_vpc: String,
    pub peer_region: String,
    pub peer_resource_group: String,
    pub peer_azure_app_id: String,
    pub peer_azure_tenant_id: String,
    /// Ranges apart by commas, spaces or line breaks.
    pub user_peer_network_cidrs: String,
}

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewConnection {
    pub peer: Peer,
    pub cidrs: PeerCidrs,
}

impl NewConnection {
    /// Reads the form of a VPC in `cloud`; each refusal carries the name of its field.
    pub fn parse(cloud: &CloudName, form: &ConnectionForm) -> Result<Self, Refusals> {
        let provider = cloud.provider();
        if !provider.is_cloud() || form.guess().is_some_and(|guess| guess != provider) {
            return Err(another_provider(provider).into());
        }
        let mut parse = Parse::default();
        for (field, text, owner) in [
            ("peer_region", &form.peer_region, Provider::Aws),
            ("peer_resource_group", &form.peer_resource_group, Provider::Azure),
            ("peer_azure_app_id", &form.peer_azure_app_id, Provider::Azure),
            ("peer_azure_tenant_id", &form.peer_azure_tenant_id, Provider::Azure),
        ] {
            if owner != provider && !text.trim().is_empty() {
                parse.refuse(Refusal::malformed(field, format!("{field} is only used with {owner}.")));
            }
        }
        let peer = form.peer(cloud, &mut parse);
        let cidrs = parse.field("user_peer_network_cidrs", &form.user_peer_network_cidrs);
        parse.done()?;
        Ok(Self { peer: peer.expect("nothing was refused"), cidrs: cidrs.expect("nothing was refused") })
    }
}

/// Domain 3.2: connections never cross providers.
pub fn another_provider(provider: Provider) -> Refusal {
    if provider.is_cloud() {
        let sentence = format!(
            "A VPC in {provider} can only be peered with a network in {provider}. Use public access to reach it from another cloud."
        );
        return Refusal::malformed("peer_vpc", sentence);
    }
    Refusal::malformed(
        "peer_vpc",
        "A local VPC has no peering connections. Peer its VPN gateway with the gateway of another VPC.",
    )
}

impl ConnectionForm {
    /// The cloud that the fields can only belong to, if they give one away.
    fn guess(&self) -> Option<Provider> {
        let (account, vpc) = (self.peer_cloud_account.trim(), self.peer_vpc.trim());
        if account == UPCLOUD_ACCOUNT {
            Some(Provider::UpCloud)
        } else if vpc.parse::<AwsVpcId>().is_ok() || vpc.parse::<TransitGatewayId>().is_ok() {
            Some(Provider::Aws)
        } else {
            account.parse::<AwsAccountId>().is_ok().then_some(Provider::Aws)
        }
    }

    fn peer(&self, cloud: &CloudName, parse: &mut Parse) -> Option<Peer> {
        let account = &self.peer_cloud_account;
        match cloud.provider() {
            Provider::Aws if self.peer_vpc.trim().starts_with("tgw-") => {
                let account = parse.field("peer_cloud_account", account);
                let gateway = parse.field("peer_vpc", &self.peer_vpc);
                let region: Option<AwsRegion> = parse.optional("peer_region", &self.peer_region);
                if region.is_some_and(|region| region.as_str() != cloud.region()) {
                    let sentence = format!("The transit gateway must be in {}.", cloud.region());
                    parse.refuse(Refusal::malformed("peer_region", sentence));
                }
                Some(Peer::AwsTransitGateway { account: account?, gateway: gateway? })
            }
            Provider::Aws => {
                let account = parse.field("peer_cloud_account", account);
                let vpc = parse.field("peer_vpc", &self.peer_vpc);
                let region: Option<AwsRegion> = parse.optional("peer_region", &self.peer_region);
                let region = region.filter(|region| region.as_str() != cloud.region());
                Some(Peer::AwsVpc { account: account?, vpc: vpc?, region })
            }
            Provider::Google => {
                let project = parse.field("peer_cloud_account", account);
                let network = parse.field("peer_vpc", &self.peer_vpc);
                Some(Peer::Google { project: project?, network: network? })
            }
            Provider::Azure => {
                let subscription = parse.field("peer_cloud_account", account);
                let resource_group = parse.field("peer_resource_group", &self.peer_resource_group);
                let vnet = parse.field("peer_vpc", &self.peer_vpc);
                let tenant = parse.field("peer_azure_tenant_id", &self.peer_azure_tenant_id);
                let app = parse.field("peer_azure_app_id", &self.peer_azure_app_id);
                Some(Peer::Azure {
                    subscription: subscription?,
                    resource_group: resource_group?,
                    vnet: vnet?,
                    tenant: tenant?,
                    app: app?,
                })
            }
            Provider::UpCloud => {
                if !["", UPCLOUD_ACCOUNT].contains(&account.trim()) {
                    parse.refuse(Refusal::malformed("peer_cloud_account", "UpCloud networks have no account field."));
                }
                Some(Peer::UpCloud { network: parse.field("peer_vpc", &self.peer_vpc)? })
            }
            Provider::Local => None,
        }
    }
}

#[cfg(test)]
#[path = "peer_tests.rs"]
mod tests;
