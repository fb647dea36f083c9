//! Azure Resource Manager: a virtual network with one subnet and one security group, a peering per connection, and what
//! the other side's application needs to peer with it (domain 4.4).

use reqwest::Url;

use crate::{Secret, http::Http};

/// The console's application, and where it makes its networks.
#[derive(Clone, Debug)]
pub struct AzureAccount {
    pub tenant: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub subscription: String,
    /// It exists; the console makes none.
    pub resource_group: String,
}

#[derive(Clone, Debug)]
pub struct AzureEndpoints {
    /// Where tokens come from.
    pub authority: Url,
    pub arm: Url,
    /// Microsoft Graph, without its version.
    pub graph: Url,
}

impl Default for AzureEndpoints {
    fn default() -> Self {
        let own = |address: &str| Url::parse(address).expect("Microsoft's own addresses parse");
        Self {
            authority: own("https://login.microsoftonline.com"),
            arm: own("https://management.azure.com"),
            graph: own("https://graph.microsoft.com"),
        }
    }
}

/// One resource group, as one application sees it. Clones share what they remember.
#[derive(Clone, Debug)]
pub struct Azure {
    account: AzureAccount,
    endpoints: AzureEndpoints,
    http: Http,
}

impl Azure {
    pub fn new(account: AzureAccount, endpoints: AzureEndpoints, http: Http) -> Self {
        Self { account, endpoints, http }
    }
}
