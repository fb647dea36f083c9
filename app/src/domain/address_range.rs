//! IPv4 and IPv6 ranges, for what may reach a service. Networks of the project are IPv4: [`super::Cidr`].

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Cidr, text_newtype};

/// The most characters that a range may have: an IPv6 address of eight groups with its prefix length.
pub const MOST: usize = 43;

/// A range in canonical form: no host bits set. IPv4 before IPv6, then by first address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange(IpNet);

/// Why a text is not an [`AddressRange`] (domain 3.6).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddressRange {
    #[error("Enter an IP address or a range such as 10.20.0.0/16.")]
    Shape,
    #[error("{given} has host bits set. Use {canonical}?")]
    HostBits { given: String, canonical: AddressRange },
}

impl AddressRange {
    pub fn net(self) -> IpNet {
        self.0
    }

    pub fn alone(address: IpAddr) -> Self {
        Self(address.into())
    }

    /// Whether it is every address of its family.
    pub fn is_everything(self) -> bool {
        self.0.prefix_len() == 0
    }

    pub fn is_ipv4(self) -> bool {
        matches!(self.0, IpNet::V4(_))
    }

    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// Whether every address of `other` is in this range.
    pub fn covers(self, other: Self) -> bool {
        self.0.contains(&other.0)
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// The addresses of both: of two ranges that overlap, one lies in the other.
    pub fn shared(self, other: Self) -> Option<Self> {
        if self.covers(other) { Some(other) } else { other.covers(self).then_some(self) }
    }

    /// The fewest ranges that hold exactly the addresses of `ranges`, in order.
    pub fn merge(ranges: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let nets: Vec<IpNet> = ranges.into_iter().map(Self::net).collect();
        let mut merged: Vec<Self> = IpNet::aggregate(&nets).into_iter().map(Self).collect();
        merged.sort();
        merged
    }
}

impl From<Cidr> for AddressRange {
    fn from(cidr: Cidr) -> Self {
        Self(IpNet::V4(cidr.net()))
    }
}

impl From<Ipv4Addr> for AddressRange {
    fn from(address: Ipv4Addr) -> Self {
        Self::alone(address.into())
    }
}

impl FromStr for AddressRange {
    type Err = InvalidAddressRange;

    /// An address, or a range without host bits.
    fn from_str(text: &str) -> Result<Self, InvalidAddressRange> {
        let text = text.trim();
        if text.len() > MOST {
            return Err(InvalidAddressRange::Shape);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::alone(address));
        }
        let net: IpNet = text.parse().map_err(|_| InvalidAddressRange::Shape)?;
        if net.trunc() == net {
            return Ok(Self(net));
        }
        Err(InvalidAddressRange::HostBits { given: text.to_owned(), canonical: Self(net.trunc()) })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl fmt::Debug for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_newtype!(AddressRange, InvalidAddressRange);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_alone_is_a_range_of_one_and_host_bits_offer_the_canonical_range() {
        let sentence = |text: &str| text.parse::<AddressRange>().unwrap_err().to_string();
        assert_eq!("192.0.2.7".parse::<AddressRange>().map(|range| range.to_string()), Ok("192.0.2.7/32".into()));
        assert_eq!("2001:db8::7".parse::<AddressRange>().map(|range| range.to_string()), Ok("2001:db8::7/128".into()));
        assert_eq!(sentence("10.20.3.4/16"), "10.20.3.4/16 has host bits set. Use 10.20.0.0/16?");
        assert_eq!(sentence("ten"), "Enter an IP address or a range such as 10.20.0.0/16.");
        assert_eq!(sentence(&"1".repeat(44)), "Enter an IP address or a range such as 10.20.0.0/16.");
    }

    #[test]
    fn ranges_of_two_families_share_nothing() {
        let range = |text: &str| text.parse::<AddressRange>().expect("a range");
        assert_eq!(range("10.0.0.0/8").shared(range("10.1.0.0/16")), Some(range("10.1.0.0/16")));
        assert_eq!(range("10.1.0.0/16").shared(range("10.0.0.0/8")), Some(range("10.1.0.0/16")));
        assert_eq!(range("0.0.0.0/0").shared(range("::/0")), None);
    }
}
