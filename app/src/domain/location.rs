//! Where a VPC lives: `<provider>-<region>` (domain 1.2). A cloud's regions come from the [`catalogue`](super::catalogue),
//! so that no VPC is asked for in a region that does not exist; local places come from the configuration.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Cidr, catalogue, text_newtype};

/// Who runs the network of a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    Aws,
    Google,
    Azure,
    UpCloud,
    /// The operator's own location, joined by WireGuard gateways.
    Local,
}

/// What Google keeps for Private Service Connect in every VPC (domain 3.1, check 5).
pub const SERVICE_CONNECT: Cidr = Cidr::literal([172, 24, 0, 0], 16);

impl Provider {
    pub const ALL: [Self; 5] = [Self::Aws, Self::Google, Self::Azure, Self::UpCloud, Self::Local];
    /// Those that have accounts, regions and peering connections.
    pub const CLOUDS: [Self; 4] = [Self::Aws, Self::Google, Self::Azure, Self::UpCloud];

    pub fn label(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Google => "Google Cloud",
            Self::Azure => "Azure",
            Self::UpCloud => "UpCloud",
            Self::Local => "Local",
        }
    }

    /// As the API and the database write it; also what a cloud name starts with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Google => "google",
            Self::Azure => "azure",
            Self::UpCloud => "upcloud",
            Self::Local => "local",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == text)
    }

    pub fn is_cloud(self) -> bool {
        self != Self::Local
    }

    /// The shortest and the longest prefix of a VPC (domain 3.1, check 3).
    pub fn prefix_bounds(self) -> (u8, u8) {
        if self.is_cloud() { (20, 24) } else { (16, 28) }
    }

    /// A range that this provider's networks may not touch, beside those that nobody's may (domain 3.1, check 4).
    pub fn reserved(self) -> Option<Cidr> {
        // Azure's own services answer at this address inside every network.
        (self == Self::Azure).then_some(Cidr::literal([168, 63, 129, 16], 32))
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// A place as the API names it, such as `aws-eu-west-1`, `upcloud-de-fra` or `local-oslo`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CloudName(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCloudName {
    #[error("Choose a location.")]
    Shape,
    #[error("Unknown {provider} region {region}.")]
    UnknownRegion { provider: Provider, region: String },
}

impl CloudName {
    /// The location that every installation has.
    pub fn default_local() -> Self {
        Self("local-default".to_owned())
    }

    pub fn provider(&self) -> Provider {
        let word = self.0.split_once('-').map_or("", |(provider, _)| provider);
        Provider::from_text(word).unwrap_or(Provider::Local)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands after the provider: `oslo` of `local-oslo`, `de-fra` of `upcloud-de-fra`.
    pub fn region(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, region)| region)
    }

    /// The region as the provider's own API names it: `eu-west-1`, `de-fra1`.
    pub fn provider_region(&self) -> Cow<'_, str> {
        let region = self.region();
        let first_zone = self.provider() == Provider::UpCloud && !region.ends_with(|c: char| c.is_ascii_digit());
        if first_zone { format!("{region}1").into() } else { region.into() }
    }

    /// The catalogue's entry; `None` for a local place.
    pub fn catalogued(&self) -> Option<catalogue::Region> {
        catalogue::find(self.provider(), self.region())
    }

    /// "Belgium - Google Cloud: Belgium"; the name itself for a local place, whose label is in the configuration.
    pub fn label(&self) -> String {
        self.catalogued().map_or_else(|| self.0.clone(), |region| region.label())
    }

    /// The same for what runs in a VPC there: "Belgium - Google Cloud: Belgium - Project VPC".
    pub fn label_of_vpc(&self) -> String {
        format!("{} - Project VPC", self.label())
    }
}

impl FromStr for CloudName {
    type Err = InvalidCloudName;
    fn from_str(text: &str) -> Result<Self, InvalidCloudName> {
        let (word, region) = text.trim().split_once('-').ok_or(InvalidCloudName::Shape)?;
        let provider = Provider::from_text(word).ok_or(InvalidCloudName::Shape)?;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.is_empty() || region.len() > 58 || !region.chars().all(allowed) {
            return Err(InvalidCloudName::Shape);
        }
        if provider == Provider::Local {
            return Ok(Self(format!("local-{region}")));
        }
        let unknown = || InvalidCloudName::UnknownRegion { provider, region: region.to_owned() };
        let known = catalogue::find(provider, region).ok_or_else(unknown)?;
        Ok(Self(format!("{word}-{}", known.name)))
    }
}

impl fmt::Display for CloudName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_newtype!(CloudName, InvalidCloudName);

/// A place that can be chosen, from the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub cloud: CloudName,
    /// What people call it, such as "Oslo".
    pub label: String,
    /// Whether a VPC here may have a VPN gateway.
    pub vpn_gateway_enabled: bool,
}

/// A cloud in which VPCs can be made, from the cloud accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudOffer {
    pub provider: Provider,
    /// Whether a look-alike answers for it.
    pub simulated: bool,
    /// Whether a VPC here may have a VPN gateway.
    pub vpn_gateway_enabled: bool,
    /// Who the console is in this cloud, once a check has told: the AWS account that a transit gateway is shared with.
    pub identity: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> CloudName {
        text.parse().expect("a location")
    }

    #[test]
    fn a_region_that_its_cloud_does_not_have_is_refused_by_name() {
        let sentence = |text: &str| text.parse::<CloudName>().unwrap_err().to_string();
        assert_eq!(sentence("aws-eu-west-9"), "Unknown AWS region eu-west-9.");
        assert_eq!(sentence("google-eu-west-1"), "Unknown Google Cloud region eu-west-1.");
        assert_eq!(sentence("azure-WestEurope"), "Choose a location.");
        assert_eq!(sentence("do-ams"), "Choose a location.");
        assert_eq!(sentence("aws"), "Choose a location.");
    }

    #[test]
    fn a_name_tells_its_provider_and_the_region_as_the_provider_writes_it() {
        for (text, provider, region) in [
            ("aws-eu-west-1", Provider::Aws, "eu-west-1"),
            ("google-europe-west1", Provider::Google, "europe-west1"),
            ("azure-westeurope", Provider::Azure, "westeurope"),
            ("upcloud-de-fra", Provider::UpCloud, "de-fra1"),
            ("upcloud-fi-hel2", Provider::UpCloud, "fi-hel2"),
            ("local-oslo", Provider::Local, "oslo"),
        ] {
            assert_eq!((name(text).provider(), name(text).provider_region().as_ref()), (provider, region));
            assert_eq!(name(text).to_string(), text);
        }
        assert_eq!(name("upcloud-de-fra1"), name("upcloud-de-fra"), "the zone's own name means the same place");
    }

    #[test]
    fn row_27_labels_name_the_country_the_cloud_and_the_place() {
        assert_eq!(name("google-europe-west1").label(), "Belgium - Google Cloud: Belgium");
        assert_eq!(name("aws-eu-central-1").label(), "Germany - AWS: Frankfurt");
        assert_eq!(name("google-europe-west1").label_of_vpc(), "Belgium - Google Cloud: Belgium - Project VPC");
        assert_eq!(name("local-oslo").label(), "local-oslo");
    }
}
