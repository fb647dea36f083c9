//! Peers of a gateway: people's devices, sites, and the rows of VPC peerings.

mod browser;
mod delete;
mod detail;
mod handover;
mod renew;
mod road_warrior_new;
mod site_new;

pub use delete::PeerDelete;
pub use detail::PeerDetail;
pub use road_warrior_new::RoadWarriorNew;
pub use site_new::SiteNew;

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};

use crate::{
    api::peers::get_neighbours,
    components::Segment,
    domain::{
        Cidr, GatewayId, Network, PeerName, ProjectName, PublicKey,
        peer::{Neighbours, Peer},
        road_warrior::Stale,
    },
    routes,
};

/// What the owner of a file must do, if the networks that it reaches are others now (domain 5.7).
pub fn outdated(peer: &Peer, network: &Network) -> Option<String> {
    let downloaded = peer.downloaded.as_ref().filter(|_| peer.file_outdated())?;
    if !peer.stale.is_empty() {
        return Some(format!("Download the configuration again. {}", Stale::sentence(&peer.stale)));
    }
    let missing = named(peer.reaches.iter().filter(|range| !downloaded.contains(range)), network);
    if missing.is_empty() {
        let gone = named(downloaded.iter().filter(|range| !peer.reaches.contains(range)), network);
        Some(format!("Download the configuration again: it still lists {gone}"))
    } else {
        Some(format!("Download the configuration again to reach {missing}"))
    }
}

/// Ranges by the names of their VPCs, where they have one.
fn named<'a>(ranges: impl Iterator<Item = &'a Cidr>, network: &Network) -> String {
    let name = |range: &Cidr| {
        network.vpcs.iter().find(|vpc| vpc.cidr == *range).map_or_else(|| range.to_string(), |vpc| vpc.name.to_string())
    };
    ranges.map(name).collect::<Vec<_>>().join(", ")
}

/// So long nothing must be typed before the console is asked.
const PAUSE: Duration = Duration::from_millis(150);

/// What a new peer would meet, asked of the console, since a gateway may have 10,000 peers that no form reads. Nothing
/// until it has answered about what stands there now.
fn neighbours(
    project: String,
    gateway: GatewayId,
    typed: Memo<Option<(PeerName, PublicKey)>>,
) -> Signal<Option<Neighbours>> {
    let answer = RwSignal::new(None);
    Effect::new(move || {
        answer.set(None);
        let Some(about) = typed.get() else { return };
        let project = project.clone();
        let ask = async move || {
            // The form may have gone meanwhile.
            let still = || typed.try_get_untracked().flatten().as_ref() == Some(&about);
            if !still() {
                return;
            }
            let (name, key) = (about.0.to_string(), about.1.to_string());
            // If it does not answer, the console says it all when the form is sent.
            let met = get_neighbours(project, gateway.to_string(), name, key).await.ok();
            if still() {
                answer.try_set(met);
            }
        };
        set_timeout(move || spawn_local(ask()), PAUSE);
    });
    answer.into()
}

/// The two kinds of peer that a person adds, as links between their forms.
fn kinds(project: &ProjectName, gateway: GatewayId, site: bool) -> Vec<Segment> {
    vec![
        Segment::new("Road warrior", routes::road_warrior_new(project, gateway), !site),
        Segment::new("Site", routes::site_new(project, gateway), site),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::harbor;

    #[test]
    fn row_84_a_file_from_before_a_peering_says_which_vpc_it_lacks() {
        let mut town = harbor();
        let network = town.network.clone();
        let peer = town.road_warrior("hq-oslo", "laptop-mira");
        assert_eq!(outdated(peer, &network), None);
        let lab: Cidr = "192.168.40.0/22".parse().expect("a range");
        peer.downloaded.as_mut().expect("it was downloaded").retain(|range| *range != lab);
        assert_eq!(outdated(peer, &network).as_deref(), Some("Download the configuration again to reach lab-bergen"));
        peer.downloaded = Some(peer.reaches.clone());
        peer.reaches.retain(|range| *range != lab);
        assert_eq!(
            outdated(peer, &network).as_deref(),
            Some("Download the configuration again: it still lists lab-bergen")
        );
    }
}
