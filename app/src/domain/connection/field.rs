//! The texts that name the other side (domain 3.3). Each is parsed once, at the edge, and answers with the sentence of
//! its field; what is case-insensitive in a cloud is stored in lower case, so that the same network is one text.

use std::{borrow::Cow, collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{Cidr, InvalidCidr, Provider, catalogue, text_newtype};

/// Why a text does not name what it should, in the sentence of its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidField(Cow<'static, str>);

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $parse:expr, $sentence:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = InvalidField;
            fn from_str(text: &str) -> Result<Self, InvalidField> {
                let parse: fn(&str) -> Option<String> = $parse;
                parse(text.trim()).map(Self).ok_or(InvalidField(Cow::Borrowed($sentence)))
            }
        }
        text_newtype!($name, InvalidField);
    )*};
}

fields! {
    /// An AWS account: 12 digits, of which the first may be 0.
    AwsAccountId: |text| keep(text, text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())),
        "The AWS account ID has 12 digits.";
    AwsVpcId: |text| hexadecimal(text, "vpc-", &[8, 17]), "Enter an AWS VPC ID such as vpc-0123456789abcdef0.";
    TransitGatewayId: |text| hexadecimal(text, "tgw-", &[17]),
        "Enter a transit gateway ID such as tgw-0123456789abcdef0.";
    GoogleProjectId: google_project, "Enter the Google Cloud project ID, not its name or number.";
    GoogleNetworkName: google_network, "Enter the VPC network name only, without a path.";
    AzureSubscriptionId: uuid, "Enter the Azure subscription ID as a UUID.";
    AzureTenantId: uuid, "Enter the Active Directory tenant ID as a UUID.";
    AzureAppId: uuid, "Enter the application ID as a UUID.";
    ResourceGroup: |text| azure_name(text, 1..=90), "Enter the resource group name only, not the resource ID.";
    VnetName: |text| azure_name(text, 2..=64), "Enter the virtual network name only, not the resource ID.";
    UpCloudNetworkId: uuid, "Enter the UUID of the UpCloud SDN network.";
}

fn keep(text: &str, valid: bool) -> Option<String> {
    valid.then(|| text.to_owned())
}

fn hexadecimal(text: &str, prefix: &str, lengths: &[usize]) -> Option<String> {
    let digits = text.strip_prefix(prefix)?;
    let hexadecimal = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    keep(text, hexadecimal && lengths.contains(&digits.len()))
}

/// `^[a-z][a-z0-9-]*[a-z0-9]$` with this many characters.
fn label(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
    keep(text, lengths.contains(&text.len()) && starts && !text.ends_with('-') && text.chars().all(allowed))
}

fn google_project(text: &str) -> Option<String> {
    label(text, 6..=30)
}

fn google_network(text: &str) -> Option<String> {
    label(text, 1..=63)
}

fn azure_name(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.()".contains(c);
    (lengths.contains(&text.len()) && text.chars().all(allowed)).then(|| text.to_ascii_lowercase())
}

fn uuid(text: &str) -> Option<String> {
    // Only the hyphenated form: the others are no form that a cloud shows.
    (text.len() == 36).then(|| Uuid::try_parse(text).ok())?.map(|uuid| uuid.hyphenated().to_string())
}

/// A region of AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AwsRegion(String);

impl AwsRegion {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AwsRegion {
    type Err = InvalidField;
    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let text = text.trim();
        let known = catalogue::find(Provider::Aws, text);
        known.map(|region| Self(region.name.to_owned())).ok_or_else(|| {
            // A region has at most 20 characters or so; more of a mistake says no more.
            let given: String = text.chars().take(40).collect();
            InvalidField(format!("Unknown AWS region {given}.").into())
        })
    }
}

impl fmt::Display for AwsRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_newtype!(AwsRegion, InvalidField);

/// The ranges that a person routes through a connection: private, canonical, at most 128, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Cidr>", into = "Vec<Cidr>")]
pub struct PeerCidrs(BTreeSet<Cidr>);

impl PeerCidrs {
    pub const MOST: usize = 128;

    pub fn new(ranges: impl IntoIterator<Item = Cidr>) -> Result<Self, InvalidField> {
        let ranges: BTreeSet<Cidr> = ranges.into_iter().collect();
        if ranges.iter().any(|range| !range.is_private()) {
            return Err(InvalidField("Enter private IPv4 ranges.".into()));
        }
        if ranges.len() > Self::MOST {
            return Err(InvalidField(format!("At most {} ranges per connection.", Self::MOST).into()));
        }
        Ok(Self(ranges))
    }

    pub fn iter(&self) -> impl Iterator<Item = Cidr> + '_ {
        self.0.iter().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn contains(&self, range: Cidr) -> bool {
        self.0.contains(&range)
    }

    /// One range per line, as the form shows them.
    pub fn text(&self) -> String {
        self.0.iter().map(Cidr::to_string).collect::<Vec<_>>().join("\n")
    }
}

impl FromStr for PeerCidrs {
    type Err = InvalidField;

    /// Ranges apart by commas, spaces or line breaks.
    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let words = text.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|word| !word.is_empty());
        let ranges: Result<Vec<Cidr>, InvalidCidr> = words.map(str::parse).collect();
        match ranges {
            Ok(ranges) => Self::new(ranges),
            Err(error @ InvalidCidr::HostBits { .. }) => Err(InvalidField(error.to_string().into())),
            Err(InvalidCidr::Shape) => Err(InvalidField("Enter private IPv4 ranges.".into())),
        }
    }
}

impl TryFrom<Vec<Cidr>> for PeerCidrs {
    type Error = InvalidField;
    fn try_from(ranges: Vec<Cidr>) -> Result<Self, InvalidField> {
        Self::new(ranges)
    }
}

impl From<PeerCidrs> for Vec<Cidr> {
    fn from(ranges: PeerCidrs) -> Self {
        ranges.0.into_iter().collect()
    }
}

#[cfg(test)]
#[path = "field_tests.rs"]
mod tests;
