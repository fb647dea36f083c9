//! The palette's search: the whole project is indexed and asked where the data is.
//!
//! What goes to the browser is owned and small: a few hits, not the index of ten thousand
//! peers. The same function answers the palette and the page that works without a script.

use std::net::Ipv4Addr;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ApiError, wire::Reading};
use crate::domain::{
    Cidr,
    find::{Deed, Noun},
    permission::Permission,
    standing::{Standing, Target},
};

/// What was found, to show as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindAnswer {
    pub groups: Vec<FindGroup>,
    pub deeds: Vec<FindDeed>,
    /// What there is to say beside the list: that nothing was found, that a range is free, what was not searched.
    pub sentence: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindGroup {
    pub title: String,
    pub hits: Vec<FindHit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindHit {
    pub noun: Noun,
    pub name: String,
    pub target: Target,
    pub fact: String,
    /// Why it is here, or where it belongs.
    pub why: String,
    /// How it stands, where that says more than where it belongs.
    pub standing: Option<Standing>,
    pub place: Option<FindPlace>,
}

/// Where an address lies in a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindPlace {
    pub range: Cidr,
    pub address: Ipv4Addr,
    /// What else lies in the same /16, the range itself among it.
    pub neighbours: Vec<Cidr>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindDeed {
    pub deed: Deed,
    pub label: String,
    /// What the person may not do and would have to, for this.
    pub missing: Option<Permission>,
}

#[server(endpoint = "find", protocol = Reading)]
pub async fn find(project: String, text: String) -> Result<FindAnswer, ApiError> {
    use crate::domain::{attention::Snapshot, find::Index};

    let project = super::path(&project)?;
    let backend = crate::backend::backend()?;
    let (vpcs, gateways) = (backend.vpcs(&project).await?, backend.gateways(&project).await?);
    let (peerings, network) = (backend.peerings(&project).await?, backend.network(&project).await?);
    let (searched, left_out) = shared_out(&gateways);
    let mut peers = Vec::new();
    for gateway in searched {
        peers.extend(backend.peers(&project, gateway.id).await?);
    }
    let may_write = backend.viewer().await?.may_write(&project);
    let index = Index::of(&Snapshot {
        vpcs: &vpcs,
        gateways: &gateways,
        peerings: &peerings,
        peers: &peers,
        network: &network,
        services: &backend.services(&project).await?,
        // What a certificate stands for is no place to go to.
        certificates: &std::collections::BTreeMap::new(),
        now: super::now(),
    });
    Ok(answer(&index, &text, &network, may_write, &left_out))
}

/// So many peers are read for one answer; a gateway may have ten thousand.
#[cfg(feature = "ssr")]
const MOST_PEERS: usize = 2_000;

/// The gateways whose peers are searched, small ones first, and the names of those with too many.
#[cfg(feature = "ssr")]
fn shared_out(gateways: &[crate::domain::gateway::Gateway]) -> (Vec<&crate::domain::gateway::Gateway>, Vec<String>) {
    let mut by_size: Vec<_> = gateways.iter().filter(|gateway| gateway.peers > 0).collect();
    by_size.sort_by_key(|gateway| gateway.peers);
    let mut room = MOST_PEERS;
    let (mut searched, mut left_out) = (Vec::new(), Vec::new());
    for gateway in by_size {
        match room.checked_sub(gateway.peers) {
            Some(rest) => {
                room = rest;
                searched.push(gateway);
            }
            None => left_out.push(gateway.name.to_string()),
        }
    }
    (searched, left_out)
}

/// The index's answer, with everything that it borrows.
#[cfg(feature = "ssr")]
fn answer(
    index: &crate::domain::find::Index,
    text: &str,
    network: &crate::domain::Network,
    may_write: bool,
    left_out: &[String],
) -> FindAnswer {
    use crate::domain::find::find;

    // Longer than any key or id, and than anybody's question.
    let text: String = text.chars().take(200).collect();
    let found = find(index, &text);
    let hit = |hit: crate::domain::find::Hit<'_>| FindHit {
        noun: hit.entry.noun,
        name: hit.entry.name.clone(),
        target: hit.entry.target,
        fact: hit.fact,
        standing: Some(hit.entry.standing)
            .filter(|standing| *standing <= Standing::Moving && hit.why == hit.entry.home),
        why: hit.why,
        place: hit.at.map(|(range, address)| FindPlace { range, address, neighbours: neighbours(network, range) }),
    };
    let groups = found
        .groups
        .into_iter()
        .map(|group| FindGroup { title: group.title.to_owned(), hits: group.hits.into_iter().map(hit).collect() });
    let deed = |deed: Deed| FindDeed {
        deed,
        label: deed.label(index),
        missing: Some(deed.needs())
            .filter(|needs| matches!(needs, Permission::NetworkingWrite | Permission::ServicesWrite) && !may_write),
    };
    let unread = (!left_out.is_empty() && !text.trim().is_empty()).then(|| {
        format!("The peers of {} are too many to search here; filter them on the gateway's page.", left_out.join(", "))
    });
    let said: Vec<String> = found.sentence.into_iter().chain(unread).collect();
    FindAnswer {
        groups: groups.collect(),
        deeds: found.deeds.into_iter().map(deed).collect(),
        sentence: (!said.is_empty()).then(|| said.join(" ")),
    }
}

/// What a range bar draws around a range: everything in its /16, as much as can be told apart.
#[cfg(feature = "ssr")]
fn neighbours(network: &crate::domain::Network, range: Cidr) -> Vec<Cidr> {
    let window = Cidr::around(range.network(), range.prefix().min(16)).unwrap_or(range);
    let mut near: Vec<Cidr> = crate::domain::planner::owned(network)
        .into_iter()
        .map(|owned| owned.cidr)
        .filter(|other| other.overlaps(window))
        .collect();
    near.retain(|other| *other != range);
    near.truncate(63);
    near.push(range);
    near
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::domain::{find::Index, fixtures::harbor};

    #[test]
    fn an_address_is_answered_with_its_place_among_its_neighbours() {
        let town = harbor();
        let answer = answer(&Index::of(&town.snapshot()), "172.28.4.7", &town.network, true, &[]);
        let place = answer.groups[0].hits[0].place.as_ref().expect("it lies in a VPC");
        assert_eq!((place.range, place.address), (town.vpcs[1].cidr, Ipv4Addr::new(172, 28, 4, 7)));
        assert_eq!(place.neighbours, [place.range], "nothing else lies in that block");
    }

    #[test]
    fn a_reader_is_told_which_permission_is_missing() {
        let town = harbor();
        let index = Index::of(&town.snapshot());
        let missing = |may_write| {
            answer(&index, "vpc", &town.network, may_write, &[])
                .deeds
                .into_iter()
                .filter_map(|deed| deed.missing)
                .collect::<Vec<_>>()
        };
        assert_eq!(missing(true), []);
        assert!(missing(false).contains(&Permission::NetworkingWrite));
    }

    #[test]
    fn gateways_with_too_many_peers_are_left_out_by_name() {
        let mut town = harbor();
        for (gateway, peers) in town.gateways.iter_mut().zip([10_000, 3, 1_990]) {
            gateway.peers = peers;
        }
        let (searched, left_out) = shared_out(&town.gateways);
        assert_eq!(searched.iter().map(|gateway| gateway.peers).collect::<Vec<_>>(), [3, 1_990]);
        assert_eq!(left_out, [town.gateways[0].name.to_string()]);
        let said =
            answer(&Index::of(&town.snapshot()), "zzz", &town.network, true, &left_out).sentence.expect("a sentence");
        assert!(said.starts_with("Nothing here is called zzz. The peers of "), "{said}");
    }
}
