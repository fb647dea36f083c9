//! IPv4 ranges. Domain 3.1, checks 1 and 2; every other rule about ranges is in [`super::network`].

use std::{fmt, net::Ipv4Addr, str::FromStr};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::text_newtype;

/// An IPv4 range in canonical form: no host bits set. Ordered by first address, then by prefix length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr(Ipv4Net);

/// Why a text is not a [`Cidr`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCidr {
    #[error("Enter an IPv4 range in CIDR notation, for example 10.0.0.0/24.")]
    Shape,
    #[error("{given} has host bits set. Use {canonical} instead.")]
    HostBits { given: String, canonical: Cidr },
}

/// The ranges of RFC 1918.
pub const PRIVATE: [Cidr; 3] =
    [Cidr::literal([10, 0, 0, 0], 8), Cidr::literal([172, 16, 0, 0], 12), Cidr::literal([192, 168, 0, 0], 16)];

/// Shared address space of carriers, RFC 6598.
pub const CARRIER: Cidr = Cidr::literal([100, 64, 0, 0], 10);

/// Ranges that no VPC, tunnel or site may use (domain 3.1, check 4).
pub const RESERVED: [Cidr; 5] = [
    Cidr::literal([0, 0, 0, 0], 8),
    Cidr::literal([127, 0, 0, 0], 8),
    Cidr::literal([169, 254, 0, 0], 16),
    Cidr::literal([224, 0, 0, 0], 4),
    Cidr::literal([240, 0, 0, 0], 4),
];

impl Cidr {
    /// A range written in the source; the host bits must be zero.
    pub const fn literal(address: [u8; 4], prefix: u8) -> Self {
        let [a, b, c, d] = address;
        Self(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
    }

    /// The range of this prefix length that holds `address`; `None` if the length is above 32.
    pub fn around(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        Ipv4Net::new(address, prefix).ok().map(|net| Self(net.trunc()))
    }

    /// Parses leniently, as the planner does: host bits are cleared.
    pub fn canonicalize(text: &str) -> Result<Self, InvalidCidr> {
        shape(text).map(|net| Self(net.trunc()))
    }

    pub fn net(self) -> Ipv4Net {
        self.0
    }

    pub fn network(self) -> Ipv4Addr {
        self.0.network()
    }

    /// The lowest address as a number.
    pub fn first(self) -> u32 {
        self.0.network().into()
    }

    /// The highest address as a number.
    pub fn last(self) -> u32 {
        self.0.broadcast().into()
    }

    pub fn prefix(self) -> u8 {
        self.0.prefix_len()
    }

    /// How many addresses the range has: 2^(32 - prefix).
    pub fn size(self) -> u64 {
        1 << (32 - self.prefix())
    }

    /// Whether any address belongs to both. Touching ranges do not overlap, containment does (domain 3.7).
    pub fn overlaps(self, other: Self) -> bool {
        self.first() <= other.last() && other.first() <= self.last()
    }

    pub fn contains(self, address: Ipv4Addr) -> bool {
        self.0.contains(&address)
    }

    /// Whether every address of `other` is in this range.
    pub fn covers(self, other: Self) -> bool {
        self.first() <= other.first() && other.last() <= self.last()
    }

    /// Whether the whole range lies inside RFC 1918.
    pub fn is_private(self) -> bool {
        PRIVATE.into_iter().any(|private| private.covers(self))
    }

    /// The reserved range that this one touches, if any.
    pub fn reserved(self) -> Option<Self> {
        RESERVED.into_iter().find(|reserved| reserved.overlaps(self))
    }
}

/// The fewest ranges that hold exactly the addresses of `ranges`, in order.
pub fn merge(ranges: impl IntoIterator<Item = Cidr>) -> Vec<Cidr> {
    let nets: Vec<Ipv4Net> = ranges.into_iter().map(Cidr::net).collect();
    Ipv4Net::aggregate(&nets).into_iter().map(Cidr).collect()
}

fn shape(text: &str) -> Result<Ipv4Net, InvalidCidr> {
    let text = text.trim();
    // 18 characters are 255.255.255.255/32; anything longer is not worth parsing.
    if text.len() > 18 {
        return Err(InvalidCidr::Shape);
    }
    text.parse().map_err(|_| InvalidCidr::Shape)
}

impl FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let given = shape(text)?;
        let canonical = Self(given.trunc());
        if canonical.0.addr() != given.addr() {
            return Err(InvalidCidr::HostBits { given: given.to_string(), canonical });
        }
        Ok(canonical)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_newtype!(Cidr, InvalidCidr);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().expect("a range")
    }

    #[test]
    fn host_bits_are_refused_with_the_range_that_was_meant() {
        let error = "10.20.0.7/16".parse::<Cidr>().unwrap_err();
        assert_eq!(error.to_string(), "10.20.0.7/16 has host bits set. Use 10.20.0.0/16 instead.");
    }

    #[test]
    fn what_is_not_an_ipv4_range_is_refused_with_an_example() {
        for text in ["", "10.0.0.0", "10.0.0.0/33", "fd00::/64", "10.0.0/24", "ten", "255.255.255.255/0320", " / "] {
            let error = text.parse::<Cidr>().unwrap_err();
            assert_eq!(error.to_string(), "Enter an IPv4 range in CIDR notation, for example 10.0.0.0/24.", "{text}");
        }
    }

    #[test]
    fn touching_ranges_do_not_overlap_and_containment_does() {
        assert!(!cidr("10.0.0.0/24").overlaps(cidr("10.0.1.0/24")));
        assert!(cidr("10.0.0.0/16").overlaps(cidr("10.0.255.0/24")));
        assert!(cidr("0.0.0.0/0").overlaps(cidr("255.255.255.255/32")));
    }

    #[test]
    fn neighbours_merge_into_one_range() {
        assert_eq!(merge([cidr("10.0.1.0/24"), cidr("10.0.0.0/24"), cidr("10.0.0.0/25")]), [cidr("10.0.0.0/23")]);
    }

    fn any_cidr() -> impl Strategy<Value = Cidr> {
        (any::<u32>(), 0u8..=32).prop_map(|(address, prefix)| Cidr::around(address.into(), prefix).expect("0 to 32"))
    }

    proptest! {
        #[test]
        fn a_range_survives_its_text(range in any_cidr()) {
            prop_assert_eq!(range.to_string().parse::<Cidr>(), Ok(range));
        }

        #[test]
        fn overlap_is_symmetric_and_means_a_shared_address(a in any_cidr(), b in any_cidr()) {
            prop_assert_eq!(a.overlaps(b), b.overlaps(a));
            // Two aligned ranges share an address exactly when one holds the other's first.
            prop_assert_eq!(a.overlaps(b), a.contains(b.network()) || b.contains(a.network()));
        }
    }
}
