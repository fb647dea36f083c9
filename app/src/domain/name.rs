//! Names that people give. All are lower-case DNS labels, because they end up in host
//! names, file names and command lines; the kinds differ in length and reserved words.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::text_newtype;

/// The prefix of the peers that a VPC peering makes; no other peer may use it.
pub const RESERVED_PEER_PREFIX: &str = "vpc-peering-";

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("Enter a name.")]
    Empty,
    #[error("A name has at most {most} characters; this one has {length}.")]
    TooLong { length: usize, most: usize },
    #[error("Use lower-case letters, digits and dashes; start with a letter and end with a letter or digit.")]
    Shape,
    #[error("Names that start with vpc-peering- are reserved.")]
    Reserved,
}

fn label(text: &str, most: usize) -> Result<String, InvalidName> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    let length = text.chars().count();
    if length > most {
        return Err(InvalidName::TooLong { length, most });
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(allowed) || text.ends_with('-') {
        return Err(InvalidName::Shape);
    }
    Ok(text.to_owned())
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident <= $most:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The most characters that such a name may have.
            pub const MOST: usize = $most;

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
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                label(text, Self::MOST).map(Self)
            }
        }
        text_newtype!($name, InvalidName);
    )*};
}

names! {
    /// A VPN gateway; 51 characters, so that `vpc-peering-<name>` is a peer name.
    GatewayName <= 51;
    /// A host of a service.
    NodeName <= 70;
    /// A peer of a gateway, also one that a VPC peering made.
    PeerName <= 63;
    /// A project; its name is its path key.
    ProjectName <= 63;
    /// A service; it never changes, since host names are made of it.
    ServiceName <= 64;
    /// A virtual private cloud.
    VpcName <= 63;
}

impl PeerName {
    /// A name that a person chose: the prefix of VPC peerings is refused.
    pub fn chosen(text: &str) -> Result<Self, InvalidName> {
        let name: Self = text.parse()?;
        if name.0.starts_with(RESERVED_PEER_PREFIX) {
            return Err(InvalidName::Reserved);
        }
        Ok(name)
    }

    /// What the row of a VPC peering is called on this side.
    pub fn of_peering_with(remote: &GatewayName) -> Self {
        Self(format!("{RESERVED_PEER_PREFIX}{remote}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_lower_case_label() {
        assert_eq!("alpha-2".parse::<VpcName>().map(|name| name.to_string()), Ok("alpha-2".into()));
        for text in ["Alpha", "2alpha", "alpha-", "al pha", "älpha", "alpha_2"] {
            assert_eq!(text.parse::<VpcName>(), Err(InvalidName::Shape), "{text}");
        }
        assert_eq!(" ".parse::<VpcName>(), Err(InvalidName::Empty));
    }

    #[test]
    fn the_longest_gateway_name_still_makes_a_peer_name() {
        let gateway: GatewayName = "g".repeat(GatewayName::MOST).parse().expect("51 characters");
        let peer = PeerName::of_peering_with(&gateway);
        assert_eq!(peer.as_str().parse::<PeerName>(), Ok(peer.clone()));
        assert_eq!("g".repeat(52).parse::<GatewayName>(), Err(InvalidName::TooLong { length: 52, most: 51 }));
    }

    #[test]
    fn row_85_names_of_vpc_peerings_are_reserved() {
        let error = PeerName::chosen("vpc-peering-oslo").unwrap_err();
        assert_eq!(error.to_string(), "Names that start with vpc-peering- are reserved.");
    }
}
