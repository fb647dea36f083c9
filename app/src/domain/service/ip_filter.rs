//! Who may reach the public routes of a service (domain 1.8, 2.4 and 3.6): a set of ranges, each with a note.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::{AddressRange, Cidr, InvalidAddressRange, Refusal, Refusals, change::Facts};

/// The most entries of a filter.
pub const MOST_ENTRIES: usize = 8000;
/// The most characters of a description.
pub const MOST_DESCRIPTION: usize = 1024;

/// Before an empty list is saved.
pub const EMPTY_WARNING: &str = "No client will be able to connect.";
/// While every address of a family is in the list.
pub const OPEN_HINT: &str = "Open to every address.";
/// Where the list of a service in a VPC decides nothing.
pub const RESTRICTED: &str = "Public IP filters are restricted via VPC";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpFilterEntry {
    pub network: AddressRange,
    pub description: String,
}

/// A list in the order in which a person keeps it. No range is in it twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpFilter {
    entries: Vec<IpFilterEntry>,
    /// Counts the saves: who saves says which one he saw.
    pub version: u64,
}

impl Default for IpFilter {
    /// What a new service has: every address.
    fn default() -> Self {
        let open = |text: &str| IpFilterEntry { network: text.parse().expect("a range"), description: String::new() };
        Self { entries: vec![open("0.0.0.0/0"), open("::/0")], version: 0 }
    }
}

impl IpFilter {
    /// Refused if it is too long, or holds a range twice.
    pub fn new(entries: Vec<IpFilterEntry>, version: u64) -> Result<Self, Refusals> {
        let mut refusals = Vec::new();
        if entries.len() > MOST_ENTRIES {
            refusals.push(Refusal::malformed("filter", format!("At most {MOST_ENTRIES} entries.")));
        }
        let mut seen = BTreeSet::new();
        for entry in &entries {
            if !seen.insert(entry.network) {
                refusals.push(Refusal::malformed("filter", format!("{} is already in the list.", entry.network)));
            }
            if entry.description.chars().count() > MOST_DESCRIPTION {
                let sentence =
                    format!("The description of {} has more than {MOST_DESCRIPTION} characters.", entry.network);
                refusals.push(Refusal::malformed("filter", sentence));
            }
        }
        refusals.truncate(10);
        Refusals::none_of(refusals)?;
        Ok(Self { entries, version })
    }

    /// A pasted list: a range per line or between commas, and whatever follows it on its line is its description.
    pub fn parse(text: &str, version: u64) -> Result<Self, Refusals> {
        let mut entries = Vec::new();
        let mut refusals = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            for (network, description) in fields(line) {
                match network.parse() {
                    Ok(network) => entries.push(IpFilterEntry { network, description: description.to_owned() }),
                    Err(InvalidAddressRange::Shape) => {
                        let sentence = format!("{network}: {}", InvalidAddressRange::Shape);
                        refusals.push(Refusal::malformed("filter", sentence));
                    }
                    Err(error) => refusals.push(Refusal::malformed("filter", error)),
                }
            }
        }
        refusals.truncate(10);
        Refusals::none_of(refusals)?;
        Self::new(entries, version)
    }

    /// The text with the ranges that were meant where host bits are set; `None` if nowhere are any.
    pub fn corrected(text: &str) -> Option<String> {
        let mut any = false;
        let mut right = |line: &str| {
            let mut written = line.to_owned();
            for (network, _) in fields(line.trim()) {
                if line.trim().starts_with('#') {
                    break;
                }
                if let Err(InvalidAddressRange::HostBits { given, canonical }) = network.parse::<AddressRange>() {
                    written = written.replacen(&given, &canonical.to_string(), 1);
                    any = true;
                }
            }
            written
        };
        let lines: Vec<String> = text.lines().map(&mut right).collect();
        any.then(|| lines.join("\n"))
    }

    /// The list as [`IpFilter::parse`] reads it.
    pub fn text(&self) -> String {
        let line = |entry: &IpFilterEntry| format!("{} {}", entry.network, entry.description).trim_end().to_owned();
        self.entries.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub fn entries(&self) -> &[IpFilterEntry] {
        &self.entries
    }

    pub fn networks(&self) -> impl Iterator<Item = AddressRange> + '_ {
        self.entries.iter().map(|entry| entry.network)
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether every IPv4 or every IPv6 address is let in.
    pub fn is_open(&self) -> bool {
        self.networks().any(AddressRange::is_everything)
    }

    /// Ranges of peered networks that the list lets in only in part, or not at all.
    pub fn uncovered<'a>(&self, peered: impl IntoIterator<Item = &'a (String, Cidr)>) -> Vec<(String, Cidr)> {
        let merged = AddressRange::merge(self.networks());
        let uncovered = |range: Cidr| !merged.iter().any(|allowed| allowed.covers(range.into()));
        peered.into_iter().filter(|(_, range)| uncovered(*range)).cloned().collect()
    }

    /// "The allowlist does not include … of peering …" (domain 3.6), for each that is missing.
    pub fn warnings(uncovered: &[(String, Cidr)]) -> Vec<String> {
        let sentence = |(peering, range): &(String, Cidr)| {
            format!("The allowlist does not include {range} of peering {peering}. Its clients will be blocked.")
        };
        uncovered.iter().map(sentence).collect()
    }

    /// With the ranges that are missing, each with its peering as its description.
    pub fn with_peered(&self, uncovered: &[(String, Cidr)]) -> Self {
        let mut entries = self.entries.clone();
        for (peering, range) in uncovered {
            let network = AddressRange::from(*range);
            if !self.networks().any(|other| other == network) && !entries.iter().any(|entry| entry.network == network) {
                entries.push(IpFilterEntry { network, description: format!("Peering {peering}") });
            }
        }
        Self { entries, version: self.version }
    }

    /// For the event log: what was taken out, and what was put in. Of many entries the first, and their number.
    pub fn difference(&self, new: &Self) -> (Facts, Facts) {
        const SHOWN: usize = 20;
        let missing = |from: &Self, other: &Self| {
            let there: BTreeSet<AddressRange> = other.networks().collect();
            let gone: Vec<String> =
                from.networks().filter(|network| !there.contains(network)).map(|network| network.to_string()).collect();
            let more = gone.len().saturating_sub(SHOWN);
            let shown = gone[..gone.len() - more].join(", ");
            let text = if more > 0 { format!("{shown} and {more} more") } else { shown };
            Facts::from([("entries".to_owned(), from.entries.len().to_string()), ("networks".to_owned(), text)])
        };
        (missing(self, new), missing(new, self))
    }

    /// Two people edited one list.
    pub fn changed_meanwhile() -> Refusal {
        Refusal::conflict("filter", "Somebody saved this list since you opened it. Look at it again, then save yours.")
    }

    /// Whether a person must say once more that the list is meant to be empty.
    pub fn admit(&self, allow_empty: bool) -> Result<(), Refusal> {
        if self.is_empty() && !allow_empty { Err(Refusal::conflict("allow_empty", EMPTY_WARNING)) } else { Ok(()) }
    }
}

/// The ranges of a line with their descriptions: `a, b, c` are three, `a office, second floor` is one.
fn fields(line: &str) -> Vec<(&str, &str)> {
    let alone = |text: &str| !text.trim().contains(char::is_whitespace);
    if line.contains(',') && line.split(',').all(alone) {
        return line.split(',').map(str::trim).filter(|text| !text.is_empty()).map(|text| (text, "")).collect();
    }
    let (network, rest) = line.split_once(|c: char| c.is_whitespace() || c == ',').unwrap_or((line, ""));
    vec![(network, rest.trim().trim_start_matches(['#', ';']).trim())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(text: &str) -> String {
        IpFilter::parse(text, 0).unwrap_err().to_string()
    }

    #[test]
    fn row_38_a_pasted_list_keeps_its_order_and_its_descriptions() {
        let text =
            "192.0.2.7 office, second floor\n# a remark\n\n198.51.100.0/24 ; partner\n2001:db8::/32, 203.0.113.9";
        let filter = IpFilter::parse(text, 3).expect("a list");
        let lines: Vec<(String, &str)> =
            filter.entries().iter().map(|entry| (entry.network.to_string(), entry.description.as_str())).collect();
        let expected = [
            ("192.0.2.7/32", "office, second floor"),
            ("198.51.100.0/24", "partner"),
            ("2001:db8::/32", ""),
            ("203.0.113.9/32", ""),
        ];
        assert_eq!(lines, expected.map(|(network, description)| (network.to_owned(), description)));
        assert_eq!(IpFilter::parse(&filter.text(), 3).expect("its own text"), filter);
    }

    #[test]
    fn a_list_is_refused_with_the_entry_that_is_wrong_and_what_to_write() {
        assert_eq!(sentences("10.20.3.4/16"), "10.20.3.4/16 has host bits set. Use 10.20.0.0/16?");
        assert_eq!(sentences("office"), "office: Enter an IP address or a range such as 10.20.0.0/16.");
        assert_eq!(sentences("10.0.0.0/8\n10.0.0.0/8"), "10.0.0.0/8 is already in the list.");
        let many: Vec<String> = (0..=MOST_ENTRIES).map(|n| format!("10.{}.{}.0/24", n / 250, n % 250)).collect();
        assert_eq!(sentences(&many.join("\n")), "At most 8000 entries.");
        assert!(IpFilter::parse(&many[1..].join("\n"), 0).is_ok(), "8000 fit");
    }

    #[test]
    fn host_bits_are_put_right_where_they_stand_and_the_rest_of_the_text_stays() {
        let text = "# 10.1.2.3/8\n10.20.3.4/16 office, 10.20.3.4/16 again\n192.0.2.7, 198.51.100.9/24";
        let right = IpFilter::corrected(text).expect("two have host bits");
        assert_eq!(right, "# 10.1.2.3/8\n10.20.0.0/16 office, 10.20.3.4/16 again\n192.0.2.7, 198.51.100.0/24");
        assert!(IpFilter::parse(&right, 0).is_ok());
        assert_eq!(IpFilter::corrected(&right), None);
    }

    #[test]
    fn an_empty_list_is_saved_only_by_who_says_so() {
        let filter = IpFilter::parse("", 0).expect("a list");
        assert_eq!(filter.admit(false).unwrap_err().sentence, "No client will be able to connect.");
        assert_eq!(filter.admit(true), Ok(()));
        assert!(IpFilter::default().is_open() && !filter.is_open());
    }

    #[test]
    fn row_40_peered_networks_that_are_missing_are_named_and_can_be_added() {
        let peered = [
            ("pcx-1".to_owned(), Cidr::literal([10, 1, 0, 0], 16)),
            ("beta".to_owned(), Cidr::literal([10, 2, 0, 0], 16)),
        ];
        let filter = IpFilter::parse("10.1.0.0/17\n10.1.128.0/17", 0).expect("a list");
        let uncovered = filter.uncovered(&peered);
        assert_eq!(
            IpFilter::warnings(&uncovered),
            ["The allowlist does not include 10.2.0.0/16 of peering beta. Its clients will be blocked."],
            "two halves make a whole"
        );
        let added = filter.with_peered(&uncovered);
        assert_eq!(added.uncovered(&peered), []);
        assert_eq!(added.entries()[2].description, "Peering beta");
        assert_eq!(added.with_peered(&uncovered), added);
    }
}
