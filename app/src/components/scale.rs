//! Where a range lies on the two lines that every drawing of addresses shares.
//!
//! The coarse line is the whole private space: its three blocks side by side, not to
//! scale with each other. The fine line is one window of it, usually a /16.

use crate::domain::{Cidr, cidr::PRIVATE};

/// A place on a line of length 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slice {
    pub at: f64,
    pub length: f64,
}

/// The private blocks on the coarse line.
pub(super) const BLOCKS: [(Cidr, Slice); 3] = [
    (PRIVATE[0], Slice { at: 0.0, length: 0.66 }),
    (PRIVATE[1], Slice { at: 0.685, length: 0.175 }),
    (PRIVATE[2], Slice { at: 0.885, length: 0.115 }),
];

/// The place of a range on the coarse line; nothing for a range that is not private.
pub(super) fn coarse(range: Cidr) -> Option<Slice> {
    let (block, place) = BLOCKS.into_iter().find(|(block, _)| block.overlaps(range))?;
    let inside = within(range, block)?;
    Some(Slice { at: place.at + inside.at * place.length, length: inside.length * place.length })
}

/// The part of a window that a range covers; nothing if they do not meet.
pub(super) fn within(range: Cidr, window: Cidr) -> Option<Slice> {
    let first = range.first().max(window.first());
    let last = range.last().min(window.last());
    let covered = last.checked_sub(first)?;
    let size = length(window);
    Some(Slice { at: f64::from(first - window.first()) / size, length: (f64::from(covered) + 1.0) / size })
}

/// The place of one address in a window.
pub(super) fn point(address: u32, window: Cidr) -> Option<f64> {
    (window.first()..=window.last()).contains(&address).then(|| f64::from(address - window.first()) / length(window))
}

/// The block of at least this prefix around a range: the range's own, if it is larger already.
pub(super) fn window(range: Cidr, prefix: u8) -> Cidr {
    Cidr::around(range.network(), prefix.min(range.prefix())).unwrap_or(range)
}

/// "10.16" of 10.16.0.0/16, and the whole range if it is not a /16.
pub(super) fn title(window: Cidr) -> String {
    let [a, b, ..] = window.network().octets();
    if window.prefix() == 16 { format!("{a}.{b}") } else { window.to_string() }
}

fn length(range: Cidr) -> f64 {
    f64::from(range.last() - range.first()) + 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().expect("a range")
    }

    #[test]
    fn a_range_has_one_place_in_the_private_space() {
        assert_eq!(coarse(cidr("10.0.0.0/8")), Some(Slice { at: 0.0, length: 0.66 }));
        assert_eq!(coarse(cidr("192.168.0.0/16")), Some(Slice { at: 0.885, length: 0.115 }));
        let middle = coarse(cidr("10.128.0.0/9")).expect("private");
        assert!((middle.at - 0.33).abs() < 1e-9 && (middle.length - 0.33).abs() < 1e-9);
    }

    #[test]
    fn a_neighbour_is_cut_at_the_edge_of_the_window() {
        let window = cidr("10.16.0.0/16");
        assert_eq!(within(cidr("10.0.0.0/8"), window), Some(Slice { at: 0.0, length: 1.0 }));
        assert_eq!(within(cidr("10.16.128.0/17"), window), Some(Slice { at: 0.5, length: 0.5 }));
        assert_eq!(within(cidr("10.17.0.0/16"), window), None);
        assert_eq!(point(cidr("10.16.64.0/24").first(), window), Some(0.25));
    }

    #[test]
    fn a_window_never_cuts_its_own_range() {
        assert_eq!(window(cidr("10.16.24.0/21"), 16), cidr("10.16.0.0/16"));
        assert_eq!(window(cidr("172.16.0.0/12"), 16), cidr("172.16.0.0/12"));
    }
}
