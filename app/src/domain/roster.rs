//! A gateway's peers as its pages need them: a page of rows, and what is said of all.
//!
//! A gateway may have 10,000 peers. Which of them a page shows is decided here and asked by
//! the server, so that a browser is sent a page of them and not all.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{
    PeerName, PublicKey, Timestamp,
    host::Drift,
    peer::{Peer, PeerKind, PeerStatus},
};

/// Rows of a page.
pub const PAGE: usize = 100;
/// More names than this are counted.
const MOST_NAMED: usize = 12;

/// Which rows, as the address of the page says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub text: String,
    /// From 1; what lies behind the last page is the last.
    pub page: usize,
}

/// Peers of a kind: how many, and the first of them by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub count: usize,
    names: Vec<PeerName>,
}

impl Named {
    fn of<'a>(peers: impl Iterator<Item = &'a Peer>) -> Self {
        let mut named = Self::default();
        for peer in peers {
            named.count += 1;
            if named.names.len() < MOST_NAMED {
                named.names.push(peer.name.clone());
            }
        }
        named
    }

    /// "laptop-mira, phone-noor and 3 more".
    pub fn listed(&self) -> String {
        let names = self.names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self.count - self.names.len() {
            0 => names,
            more => format!("{names} and {more} more"),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// As it was answered: its page exists.
    pub asked: Asked,
    /// By kind, then name.
    pub rows: Vec<Peer>,
    /// How many peers match.
    pub found: usize,
    pub all: usize,
    pub connected: usize,
    pub sites: Named,
    pub people: Named,
    /// Road warriors whose file was downloaded.
    pub with_file: usize,
    /// Those that a difference on the host is about.
    pub drifted: Vec<(PublicKey, PeerName)>,
}

impl Roster {
    /// `peers` by kind, then name.
    pub fn of(peers: Vec<Peer>, drift: &[Drift], asked: Asked, now: Timestamp) -> Self {
        let kind = |kind: PeerKind| Named::of(peers.iter().filter(move |peer| peer.kind == kind));
        let (sites, people) = (kind(PeerKind::Site), kind(PeerKind::RoadWarrior));
        let with_file =
            peers.iter().filter(|peer| peer.kind == PeerKind::RoadWarrior && peer.downloaded.is_some()).count();
        let connected = peers.iter().filter(|peer| peer.status(now) == PeerStatus::Connected).count();
        let keys: Vec<PublicKey> =
            drift.iter().filter_map(|drift| drift.field.split(' ').next()?.parse().ok()).collect();
        let drifted = peers.iter().filter(|peer| keys.contains(&peer.public_key));
        let drifted = drifted.map(|peer| (peer.public_key, peer.name.clone())).collect();
        let all = peers.len();
        let search = Search::of(&asked.text);
        let mut rows: Vec<Peer> = peers.into_iter().filter(|peer| search.finds(peer)).collect();
        let found = rows.len();
        let page = asked.page.clamp(1, pages(found));
        rows.drain(..(page - 1) * PAGE);
        rows.truncate(PAGE);
        Self { asked: Asked { page, ..asked }, rows, found, all, connected, sites, people, with_file, drifted }
    }

    pub fn pages(&self) -> usize {
        pages(self.found)
    }

    /// "101 to 200 of 1,234", unless all of them stand there.
    pub fn place(&self) -> Option<(usize, usize, usize)> {
        let first = (self.asked.page.max(1) - 1) * PAGE;
        (self.pages() > 1).then_some((first + 1, first + self.rows.len(), self.found))
    }
}

fn pages(found: usize) -> usize {
    found.div_ceil(PAGE).max(1)
}

/// By name, public key, or an address that a peer has or that lies behind it.
struct Search<'a> {
    text: &'a str,
    lower: String,
    address: Option<Ipv4Addr>,
}

impl<'a> Search<'a> {
    fn of(text: &'a str) -> Self {
        let text = text.trim();
        Self { text, lower: text.to_lowercase(), address: text.parse().ok() }
    }

    fn finds(&self, peer: &Peer) -> bool {
        if self.text.is_empty() || peer.public_key.to_string().starts_with(self.text) {
            return true;
        }
        let behind = self.address.is_some_and(|address| peer.allowed_ips.iter().any(|range| range.contains(address)));
        let endpoint = peer.observed.endpoint.or(peer.endpoint).map(|endpoint| endpoint.to_string());
        let texts = [peer.name.to_string(), peer.kind.word().to_lowercase(), peer.tunnel_address.to_string()];
        let ranges = peer.allowed_ips.iter().map(ToString::to_string);
        behind || texts.into_iter().chain(endpoint).chain(ranges).any(|text| text.contains(&self.lower))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{NOW, Town};

    fn oslo() -> Town {
        let mut town = Town::default();
        town.vpc("oslo", "oslo", "10.10.0.0/16");
        town.gateway("oslo");
        town
    }

    fn roster(town: &Town, text: &str, page: usize) -> Roster {
        Roster::of(town.peers.clone(), &[], Asked { text: text.to_owned(), page }, NOW)
    }

    #[test]
    fn a_peer_is_found_by_its_name_its_key_and_an_address_behind_it() {
        let mut town = oslo();
        let site = town.site("oslo", "altona", "192.168.88.0/24").clone();
        let key = site.public_key.to_string();
        for wanted in ["", " ", "alto", "ALTONA", "site", &key, &key[..6], "192.168.88.7", "192.168.88.0/24"] {
            assert_eq!(roster(&town, wanted, 1).found, 1, "{wanted}");
        }
        for wanted in ["oslo", "192.168.89.7", "zzz"] {
            assert_eq!(roster(&town, wanted, 1).found, 0, "{wanted}");
        }
    }

    #[test]
    fn a_page_is_sent_and_of_the_others_what_is_said_of_all() {
        let mut town = oslo();
        for number in 0..150 {
            town.road_warrior("oslo", &format!("laptop-{number:03}"));
        }
        town.site("oslo", "altona", "192.168.88.0/24");
        let first = roster(&town, "", 0);
        assert_eq!((first.rows.len(), first.found, first.all, first.connected), (PAGE, 151, 151, 151));
        assert_eq!((first.asked.page, first.pages(), first.place()), (1, 2, Some((1, 100, 151))));
        let last = roster(&town, "", 99);
        assert_eq!((last.asked.page, last.rows.len(), last.place()), (2, 51, Some((101, 151, 151))));
        assert_eq!((last.people.count, last.with_file, last.sites.listed()), (150, 150, "altona".to_owned()));
        assert!(last.people.listed().ends_with("laptop-011 and 138 more"), "{}", last.people.listed());
        let one = roster(&town, "laptop-149", 2);
        assert_eq!((one.rows.len(), one.asked.page, one.all, one.place()), (1, 1, 151, None));
    }

    #[test]
    fn whom_a_difference_is_about_is_named_wherever_its_row_stands() {
        let mut town = oslo();
        for number in 0..150 {
            town.road_warrior("oslo", &format!("laptop-{number:03}"));
        }
        let (key, name) = (town.peers[140].public_key, town.peers[140].name.clone());
        let drift = Drift {
            subject: "peer".into(),
            field: format!("{key} allowed_ips"),
            wanted: "a".into(),
            found: "b".into(),
            since: NOW,
        };
        let roster = Roster::of(town.peers.clone(), &[drift], Asked::default(), NOW);
        assert_eq!(roster.drifted, [(key, name)]);
    }
}
