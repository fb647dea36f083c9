//! How many static addresses a service needs (domain 3.8).

/// Addresses for the nodes, and as many again for replacements, but never more than six.
pub const fn required(nodes: u16) -> u16 {
    nodes + if nodes < 6 { nodes } else { 6 }
}

#[cfg(test)]
mod tests {
    #[test]
    fn row_55_three_nodes_need_six_addresses_six_need_twelve_and_nine_need_fifteen() {
        assert_eq!([1, 3, 6, 7, 9].map(super::required), [2, 6, 12, 13, 15]);
    }
}
