//! What a person asks of the address plan: how large a range, in which block, and who holds an address.
//!
//! Everything is read leniently, because nothing is made by asking; what was made of it is said.

use std::{net::Ipv4Addr, str::FromStr};

use super::{Cidr, InvalidCidr, Owned, PRIVATE, RESERVED};

/// How large a range is wanted: a prefix length, or a number of addresses that it must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub prefix: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Enter a prefix length such as /24, or how many addresses you need, such as 500.")]
pub struct InvalidSize;

impl Size {
    /// How many addresses a range of this size has.
    pub fn addresses(self) -> u64 {
        1 << (32 - self.prefix)
    }
}

impl FromStr for Size {
    type Err = InvalidSize;

    /// "/24", "24", "500" and "1,000": nobody needs a range of at most 32 addresses so often that 24 should mean them.
    fn from_str(text: &str) -> Result<Self, InvalidSize> {
        let text = text.trim();
        let digits = text.strip_prefix('/').unwrap_or(text).replace([',', ' '], "");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidSize);
        }
        let number: u64 = digits.parse().map_err(|_| InvalidSize)?;
        match number {
            0..=32 => Ok(Self { prefix: u8::try_from(number).expect("at most 32") }),
            _ if text.starts_with('/') || number > 1 << 32 => Err(InvalidSize),
            _ => {
                let bits = number.next_power_of_two().trailing_zeros();
                Ok(Self { prefix: u8::try_from(32 - bits).expect("at most 2 to the 32nd") })
            }
        }
    }
}

/// The block to look in: what was typed, or the whole private space.
pub fn within(text: &str) -> Result<Vec<Cidr>, InvalidCidr> {
    if text.trim().is_empty() { Ok(PRIVATE.to_vec()) } else { Cidr::canonicalize(text).map(|block| vec![block]) }
}

/// Where an address lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Who holds it, the narrowest range first.
    Held(Vec<&'a Owned>),
    /// The widest private range around it in which nothing lies.
    Free(Cidr),
    /// No network may use it.
    Reserved(Cidr),
    /// On the internet, or shared by carriers.
    Public,
}

/// Looks an address up in the plan.
pub fn place(owned: &[Owned], address: Ipv4Addr) -> Place<'_> {
    let mut holders: Vec<&Owned> = owned.iter().filter(|owned| owned.cidr.contains(address)).collect();
    if !holders.is_empty() {
        holders.sort_by_key(|owned| std::cmp::Reverse(owned.cidr.prefix()));
        return Place::Held(holders);
    }
    if let Some(reserved) = RESERVED.into_iter().find(|reserved| reserved.contains(address)) {
        return Place::Reserved(reserved);
    }
    let block = PRIVATE.into_iter().find(|block| block.contains(address));
    let around = |block: Cidr| (block.prefix()..=32).filter_map(|prefix| Cidr::around(address, prefix));
    let free =
        block.and_then(|block| around(block).find(|range| !owned.iter().any(|owned| owned.cidr.overlaps(*range))));
    free.map_or(Place::Public, Place::Free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::planner::Holder;

    fn cidr(text: &str) -> Cidr {
        text.parse().expect("a range")
    }

    fn planned(name: &str, range: &str) -> Owned {
        Owned { cidr: cidr(range), name: name.to_owned(), holder: Holder::Planned }
    }

    #[test]
    fn a_size_is_a_prefix_length_or_a_number_of_addresses() {
        for (text, prefix) in
            [("/24", 24), (" 24 ", 24), ("/0", 0), ("33", 26), ("64", 26), ("500", 23), ("1,000", 22), ("65536", 16)]
        {
            assert_eq!(text.parse::<Size>(), Ok(Size { prefix }), "{text}");
        }
        assert_eq!(Size { prefix: 22 }.addresses(), 1024);
        for text in ["", "/", "/33", "/500", "many", "-1", "4294967297", "99999999999999999999999"] {
            assert_eq!(text.parse::<Size>(), Err(InvalidSize), "{text}");
        }
    }

    #[test]
    fn nothing_typed_means_the_whole_private_space() {
        assert_eq!(within(" "), Ok(PRIVATE.to_vec()));
        assert_eq!(within("10.20.3.0/16"), Ok(vec![cidr("10.20.0.0/16")]));
        assert!(within("somewhere").is_err());
    }

    #[test]
    fn an_address_lies_in_the_narrowest_range_first() {
        let all = [planned("wide", "10.0.0.0/8"), planned("narrow", "10.20.0.0/16")];
        let Place::Held(holders) = place(&all, Ipv4Addr::new(10, 20, 4, 7)) else { panic!("it is held") };
        assert_eq!(holders.iter().map(|owned| owned.name.as_str()).collect::<Vec<_>>(), ["narrow", "wide"]);
    }

    #[test]
    fn a_free_address_names_the_room_around_it() {
        let all = [planned("alpha", "10.20.0.0/16")];
        assert_eq!(place(&all, Ipv4Addr::new(10, 21, 0, 1)), Place::Free(cidr("10.21.0.0/16")));
        assert_eq!(place(&all, Ipv4Addr::new(172, 16, 0, 1)), Place::Free(cidr("172.16.0.0/12")));
        assert_eq!(place(&all, Ipv4Addr::new(8, 8, 8, 8)), Place::Public);
        assert_eq!(place(&all, Ipv4Addr::new(127, 0, 0, 1)), Place::Reserved(cidr("127.0.0.0/8")));
    }
}
