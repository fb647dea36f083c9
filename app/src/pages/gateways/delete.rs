use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

use super::{detail::last_reading, over::question};
use crate::{
    api::gateways::{DeleteGateway, GatewayReading},
    components::{Button, ButtonLink, Consequences, Kind, PanelBody, PanelFoot, Tone},
    domain::gateway::GatewayStatus,
    pages::{
        form::{Memory, beside},
        here::use_project,
    },
};

pub struct GatewayDelete;

#[lazy_route]
impl LazyRoute for GatewayDelete {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = last_reading();
        question::<DeleteGateway, _>("Delete VPN gateway", reading, reading, |read, memory, close| {
            view! { <Form read memory close/> }.into_any()
        })
    }
}

#[component]
fn Form(read: GatewayReading, memory: Memory, close: String) -> impl IntoView {
    let delete = ServerAction::<DeleteGateway>::new();
    let error = memory.error(delete);
    let (name, id) = (read.gateway.name.to_string(), read.gateway.id.to_string());
    let lines = consequences(&read);
    let going = (read.gateway.status == GatewayStatus::Deleting).then(|| format!("{name} is being deleted already."));
    view! {
        <ActionForm action=delete>
            <PanelBody>
                <p>{format!("Delete the VPN gateway {name}?")}</p>
                <Consequences lines/>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <input type="hidden" name="id" value=id/>
            </PanelBody>
            <PanelFoot error=beside(&[], error)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Danger reason=going busy=delete.pending()>"Delete VPN gateway"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

/// Everything that goes with it (domain 5.9).
fn consequences(read: &GatewayReading) -> Vec<(Tone, String)> {
    let mut lines = Vec::new();
    for peering in &read.peerings {
        let (here, there) = peering.seen_from(read.gateway.id);
        lines.push((
            Tone::Bad,
            format!(
                "The VPC peering with {} goes on both gateways. Traffic between {} and {} stops.",
                there.gateway_name, here.vpc_name, there.vpc_name
            ),
        ));
    }
    for (peers, one, many) in
        [(&read.peers.sites, "site", "sites"), (&read.peers.people, "road warrior", "road warriors")]
    {
        match peers.count {
            0 => {}
            1 => lines.push((Tone::Bad, format!("1 {one} loses its way in: {}.", peers.listed()))),
            count => lines.push((Tone::Bad, format!("{count} {many} lose their way in: {}.", peers.listed()))),
        }
    }
    if read.gateway.revoked() {
        lines.push((Tone::Wait, "The gateway is removed here at once, since its agent's credential was revoked. The host keeps its tunnels until its agent asks again; it is then told to remove everything.".to_owned()));
    } else if read.gateway.enrolled() {
        lines.push((Tone::Wait, "The host removes its tunnels, routes and rules when its agent answers. A silent host keeps its tunnels until it answers.".to_owned()));
    }
    lines.push((
        Tone::Off,
        format!(
            "Tunnel subnet {} becomes free, and {} may have another gateway.",
            read.gateway.tunnel, read.gateway.vpc_name
        ),
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        fixtures::{NOW, harbor},
        roster::{Asked, Roster},
    };

    #[test]
    fn deleting_a_gateway_names_every_peering_and_peer_that_goes() {
        let mut town = harbor();
        town.road_warrior("hq-oslo", "laptop-mira");
        town.site("hq-oslo", "site-altona", "192.168.88.0/24");
        let gateway = town.gateways[0].clone();
        let peerings = town
            .peerings
            .iter()
            .filter(|peering| peering.sides.iter().any(|side| side.gateway == gateway.id))
            .cloned()
            .collect();
        let peers = Roster::of(town.peers, &[], Asked::default(), NOW);
        let read = GatewayReading { gateway, peers, peerings, network: town.network, now: NOW };
        let text = consequences(&read).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n");
        for part in [
            "The VPC peering with gw-dc-hamburg goes on both gateways. Traffic between hq-oslo and dc-hamburg stops.",
            "The VPC peering with gw-lab-bergen",
            "1 site loses its way in: site-altona.",
            "1 road warrior loses its way in: laptop-mira.",
            "A silent host keeps its tunnels until it answers.",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
