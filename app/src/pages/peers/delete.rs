use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::peers::{DeletePeer, PeerReading, read_peer},
    components::{Button, ButtonLink, Consequences, Kind, PanelBody, PanelFoot, Prose, Tone, bytes, exact},
    domain::peer::PeerKind,
    pages::{
        form::{Memory, beside},
        gateways::{over::question, reading},
        here::{use_project, use_segment},
    },
};

pub struct PeerDelete;

#[lazy_route]
impl LazyRoute for PeerDelete {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (project, id) = (use_project(), use_segment("peer"));
        let peer = Resource::new(move || (project.get(), id.get()), |(project, id)| read_peer(project, id));
        question::<DeletePeer, _>("Delete peer", reading(), peer, |read, memory, close| {
            view! { <Form read memory close/> }.into_any()
        })
    }
}

#[component]
fn Form(read: PeerReading, memory: Memory, close: String) -> impl IntoView {
    let delete = ServerAction::<DeletePeer>::new();
    let error = memory.error(delete);
    let (question, lines) = words(&read);
    let word = if read.peer.kind == PeerKind::VpcPeering { "Delete VPC peering" } else { "Delete peer" };
    view! {
        <ActionForm action=delete>
            <PanelBody>
                <p><Prose text=question/></p>
                <Consequences lines/>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <input type="hidden" name="gateway" value=read.peer.gateway.to_string()/>
                <input type="hidden" name="id" value=read.peer.id.to_string()/>
            </PanelBody>
            <PanelFoot error=beside(&[], error)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Danger busy=delete.pending()>{word}</Button>
            </PanelFoot>
        </ActionForm>
    }
}

/// The question, and what follows (domain 5.9).
fn words(read: &PeerReading) -> (String, Vec<(Tone, String)>) {
    let peer = &read.peer;
    let behind = peer.allowed_ips.iter().filter(|range| !range.contains(peer.tunnel_address));
    let ranges = behind.map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut lines = Vec::new();
    let question = match (&read.peering, peer.kind) {
        (Some(peering), _) => {
            let (here, there) = peering.seen_from(peer.gateway);
            lines.push((Tone::Bad, peering.deletion_sentence()));
            lines.push((
                Tone::Bad,
                format!(
                    "The peer rows on {} and {} go, with their keys, routes and rules.",
                    here.gateway_name, there.gateway_name
                ),
            ));
            lines.push((
                Tone::Off,
                format!(
                    "People of either gateway lose the other VPC; {} ({}) and {} ({}) stay.",
                    here.vpc_name, here.vpc_cidr, there.vpc_name, there.vpc_cidr
                ),
            ));
            format!("Delete the VPC peering of {} and {}?", here.gateway_name, there.gateway_name)
        }
        (None, PeerKind::Site) => {
            lines.push((Tone::Bad, format!("Traffic to and from {ranges} stops, also that under way.")));
            lines.push((
                Tone::Off,
                "The router at the site keeps its own configuration; nothing answers it any more.".to_owned(),
            ));
            format!("Delete the site {} on {}?", peer.name, read.gateway.name)
        }
        (None, PeerKind::VpcPeering) => {
            lines.push((Tone::Bad, format!("Traffic to and from {ranges} stops.")));
            format!("Delete the peer {} on {}? Its other side is gone already.", peer.name, read.gateway.name)
        }
        (None, PeerKind::RoadWarrior) => {
            lines.push((Tone::Bad, format!("{} is cut off at once, also in the middle of a session.", peer.name)));
            lines.push((
                Tone::Off,
                format!("Its file is worth nothing any more. Its address {} becomes free.", peer.tunnel_address),
            ));
            format!("Delete the peer {} on {}?", peer.name, read.gateway.name)
        }
    };
    let through = peer.observed.received + peer.observed.sent;
    if through > 0 {
        lines.push((Tone::Off, format!("{} went through it since {}.", bytes(through), exact(peer.created_at))));
    }
    (question, lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{NOW, harbor};

    #[test]
    fn deleting_a_peering_names_both_gateways_and_both_vpcs() {
        let mut town = harbor();
        let mut peer = town.road_warrior("hq-oslo", "vpc-peering-gw-dc-hamburg").clone();
        peer.kind = PeerKind::VpcPeering;
        (peer.observed.received, peer.observed.sent) = (40_000_000_000, 1_200_000_000);
        let gateway = town.gateways[0].clone();
        let read =
            PeerReading { peer, gateway, peering: Some(town.peerings[0].clone()), network: town.network, now: NOW };
        let (question, lines) = words(&read);
        assert_eq!(question, "Delete the VPC peering of gw-hq-oslo and gw-dc-hamburg?");
        assert_eq!(
            lines[0].1,
            "This removes the peering on both gateways. Traffic between dc-hamburg and hq-oslo stops."
        );
        assert!(lines.iter().any(|(_, text)| text.starts_with("41.2 GB went through it")), "{lines:?}");
    }
}
