use leptos::prelude::*;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::{gateways::GatewayReading, peerings::CreatePeering},
    components::{Button, ButtonLink, Choice, Choices, Empty, Glyph, Kind, PanelBody, PanelFoot, Prose},
    domain::{GatewayId, GatewayName, Network, VpcId, peering::PlannedSide},
    pages::{
        form::{Memory, beside},
        fresh::fresh,
        gateways::{Reading, over::panel},
        here::{project_for_links, use_project},
    },
    routes,
};

pub struct PeeringNew;

#[lazy_route]
impl LazyRoute for PeeringNew {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        panel::<CreatePeering>("Create VPC Peering", "Create VPC Peering", |resource, read, memory, close| {
            view! { <Form resource read memory close/> }.into_any()
        })
    }
}

#[component]
fn Form(resource: Reading, read: GatewayReading, memory: Memory, close: String) -> impl IntoView {
    let create = ServerAction::<CreatePeering>::new();
    let project = use_project().get_untracked();
    let here = read.gateway.id;
    let others = others(&read.network, here).len();
    if others == 0 {
        let href = routes::gateway_new(&project_for_links(&project));
        return view! {
            <PanelBody>
                <Empty what="No other gateway yet." why="A VPC peering joins two gateways of yours in different VPCs.">
                    <ButtonLink href icon=Glyph::Plus>"Create VPN gateway"</ButtonLink>
                </Empty>
            </PanelBody>
        }
        .into_any();
    }
    let intro = format!(
        "Joins {} ({}, {}) with a gateway of yours in another VPC. Keys, addresses, routes and firewall follow on both sides.",
        read.gateway.name, read.gateway.vpc_name, read.gateway.vpc_cidr
    );
    let remote = memory.text("remote", only_one(&read.network, here).map(|id| id.to_string()).unwrap_or_default());
    let error = memory.error(create);
    let read = fresh(resource, read);
    let options = Signal::derive(move || read.with(|read| choices(&read.network, here)));
    let nothing = Signal::derive(move || {
        let all_refused = options.with(|options| options.iter().all(|choice| choice.refused.is_some()));
        all_refused.then(|| "No gateway can be chosen now; each says why in its row.".to_owned())
    });
    // What the console refused, as long as it stands; the rules here speak in the options themselves.
    let refused = Signal::derive(move || {
        error.with(|error| error.as_ref().and_then(|error| error.at("remote").map(ToOwned::to_owned)))
    });
    let planned = Memo::new(move |_| {
        let remote: GatewayId = remote.with(|remote| remote.parse().ok())?;
        read.with(|read| read.network.plan_peering(here, remote).ok())
    });
    let stale = Memo::new(move |_| {
        planned.with(Option::is_some).then(|| read.with(|read| read.peers.with_file)).filter(|count| *count > 0)
    });
    view! {
        <ActionForm action=create>
            <PanelBody>
                <p class="muted"><Prose text=intro/></p>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="gateway" value=here.to_string()/>
                <Choices name="remote" legend="Remote Gateway" options value=remote error=refused/>
                {move || planned.get().map(|sides| view! { <Made sides network=read.with(|read| read.network.clone())/> })}
                {move || stale.get().map(|count| {
                    let who = if count == 1 { "1 road warrior".to_owned() } else { format!("{count} road warriors") };
                    let name = read.with(|read| read.gateway.name.to_string());
                    view! { <p class="muted">{format!("{who} of {name} must download the configuration again to reach the other VPC.")}</p> }
                })}
            </PanelBody>
            <PanelFoot error=beside(&["remote"], error)>
                {move || nothing.get().map(|why| view! { <p class="muted">{why}</p> })}
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary reason=nothing busy=create.pending()>"Create Peering"</Button>
            </PanelFoot>
        </ActionForm>
    }
    .into_any()
}

/// Every other gateway of the same owner; those that are being deleted last.
fn others(network: &Network, here: GatewayId) -> Vec<(GatewayId, &GatewayName, VpcId)> {
    let staying = network.gateways.iter().map(|gateway| (gateway.owner, (gateway.id, &gateway.name, gateway.vpc)));
    let leaving = network.leaving.iter().map(|gateway| (gateway.owner, (gateway.id, &gateway.name, gateway.vpc)));
    let all: Vec<_> = staying.chain(leaving).collect();
    let owner = all.iter().find(|(_, (id, ..))| *id == here).map(|(owner, _)| *owner);
    all.into_iter().filter(|(of, (id, ..))| *id != here && Some(*of) == owner).map(|(_, other)| other).collect()
}

/// Those that cannot be chosen say why, in the words of the refusal.
fn choices(network: &Network, here: GatewayId) -> Vec<Choice> {
    let choice = |(id, name, vpc): (GatewayId, &GatewayName, VpcId)| {
        let vpc = network.vpc(vpc);
        Choice::new(id.to_string(), name.to_string())
            .detail(vpc.map(|vpc| vpc.name.to_string()).unwrap_or_default())
            .fact(vpc.map(|vpc| vpc.cidr.to_string()).unwrap_or_default())
            .refused(network.admit_peering(here, id).err().map(|refusal| refusal.sentence))
    };
    others(network, here).into_iter().map(choice).collect()
}

/// Chosen beforehand, if there is no choice.
fn only_one(network: &Network, here: GatewayId) -> Option<GatewayId> {
    let mut free = others(network, here).into_iter().filter(|(id, ..)| network.admit_peering(here, *id).is_ok());
    free.next().filter(|_| free.next().is_none()).map(|(id, ..)| id)
}

/// What will exist on both gateways before it does.
#[component]
fn Made(sides: [PlannedSide; 2], network: Network) -> impl IntoView {
    let row = |name: &'static str, value: fn(&PlannedSide) -> String| {
        let cell = |side: &PlannedSide| {
            value(side).split('\n').map(|line| view! { <div>{line.to_owned()}</div> }).collect_view()
        };
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td class="fact">{cell(&sides[0])}</td>
                <td class="fact">{cell(&sides[1])}</td>
            </tr>
        }
    };
    let heads =
        sides.iter().map(|side| view! { <th scope="col">{format!("On {}", side.gateway_name)}</th> }).collect_view();
    let [a, b] = sides
        .iter()
        .map(|side| network.gateway(side.gateway).map_or(0, |gateway| gateway.generation))
        .collect::<Vec<_>>()[..]
    else {
        return ().into_any();
    };
    let generations = [a, b]
        .into_iter()
        .zip(&sides)
        .map(|(now, side)| view! { <td class="fact">{format!("{now} → {}", side.generation)}</td> })
        .collect_view();
    view! {
        <section class="field" aria-labelledby="h-made" aria-live="polite">
            <h3 id="h-made">"What will be made"</h3>
            <table class="table">
                <thead>
                    <tr><th scope="col"><span class="sr">"What"</span></th>{heads}</tr>
                </thead>
                <tbody>
                    {row("Peer", |side| side.peer.to_string())}
                    {row("Tunnel IP", |side| side.tunnel_address.to_string())}
                    {row("AllowedIPs", |side| side.allowed_ips.map(|range| range.to_string()).join("\n"))}
                    {row("Endpoint", |side| side.endpoint.to_string())}
                    <tr><th scope="row">"Generation"</th>{generations}</tr>
                </tbody>
            </table>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        fixtures::harbor,
        network::{GatewayRange, LeavingGateway},
    };

    #[test]
    fn row_82_every_other_gateway_is_offered_and_the_ineligible_say_why() {
        let town = harbor();
        let here = town.gateways[0].id;
        let shown: Vec<(String, Option<String>)> =
            choices(&town.network, here).into_iter().map(|choice| (choice.label, choice.refused)).collect();
        let exists = Some("A peering already exists between these gateways".to_owned());
        assert_eq!(shown, [("gw-dc-hamburg".to_owned(), exists.clone()), ("gw-lab-bergen".to_owned(), exists)]);
        assert_eq!(only_one(&town.network, here), None);
        // One that is being deleted stays in the list while its host cleans up.
        let mut going = town.network.clone();
        let bergen = going.gateways.pop().expect("bergen");
        let GatewayRange { id, name, owner, vpc, .. } = bergen;
        going.leaving.push(LeavingGateway { id, name, owner, vpc });
        let last = |here| choices(&going, here).pop().map(|choice| (choice.label, choice.refused));
        let why = Some("Gateway gw-lab-bergen is being deleted.".to_owned());
        assert_eq!(last(here), Some(("gw-lab-bergen".to_owned(), why.clone())));
        assert!(choices(&going, id).iter().all(|choice| choice.refused == why), "and joins nothing itself");
        // From Hamburg only Bergen is left.
        assert_eq!(only_one(&town.network, town.gateways[1].id), Some(town.gateways[2].id));
    }
}
