mod legend;
mod terminus;

use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast, web_sys};

use super::{
    Tone, bytes,
    drawing::{Drawing, short},
};
use crate::domain::{
    map::{Block, Heading, Map, Node, Note, People, Port, Said, Thing, Tunnel},
    standing::{Standing, Target},
};
pub use legend::TopologyLegend;
use terminus::terminus;

/// The topology as a line map. What is pointed at or focused lights the way that its packets take; the rest steps back.
///
/// The same facts belong beside it as a table ([`Map::rows`]): the drawing is for the eye. Scrolls in its own frame where
/// it has no room, and begins there with the VPCs.
#[component]
pub fn Topology(
    map: Map,
    /// The path of a page.
    #[prop(into)]
    link: Callback<Target, String>,
) -> impl IntoView {
    let groups = groups(&map, &link);
    let nodes: Vec<Node> = groups.iter().map(|group| group.node).collect();
    let backdrop = backdrop(&map);
    let (width, height) = (short(map.width), short(map.height.max(1.0)));
    let begin = format!("{}rem", short(map.begin() / map.width * LEAST_WIDTH));
    let label = format!("Topology: {}", map.describe());
    let lit = RwSignal::new(None::<Node>);
    let path = Memo::new(move |_| lit.get().map(|node| map.path(node)));
    let point = move |target: Option<web_sys::EventTarget>| {
        let element = target.and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let group = element.and_then(|element| element.closest("[data-group]").ok().flatten());
        let number = group.and_then(|group| group.get_attribute("data-group")?.parse::<usize>().ok());
        let node = number.and_then(|number| nodes.get(number).copied());
        if lit.get_untracked() != node {
            lit.set(node);
        }
    };
    let focus = point.clone();
    let frame = NodeRef::<html::Div>::new();
    // For browsers that do not know `scroll-initial-target`, once for a frame: afterwards it is where somebody left it.
    Effect::new(move || {
        let Some(frame) = frame.get() else { return };
        let fresh = frame.scroll_left() == 0 && !frame.has_attribute("data-begun");
        let begin = frame.query_selector(".begin > span").ok().flatten();
        if let Some(begin) = begin.and_then(|begin| begin.dyn_into::<web_sys::HtmlElement>().ok()).filter(|_| fresh) {
            frame.set_scroll_left(begin.offset_left());
        }
        // An attribute of this name can always be set.
        let _ = frame.set_attribute("data-begun", "");
    });
    view! {
        <div node_ref=frame class="topology-scroll" tabindex="0" role="group" aria-label="Topology, scrolls">
            <div class="begin" aria-hidden="true"><svg width=begin height="0"></svg><span></span></div>
        <svg
            class="topology"
            viewBox=format!("0 0 {width} {height}")
            role="group"
            aria-label=label
            data-path=move || lit.with(|lit| lit.is_some().then_some(""))
            on:pointerover=move |event: ev::PointerEvent| point(event.target())
            on:pointerleave=move |_| lit.set(None)
            on:focusin=move |event: ev::FocusEvent| focus(event.target())
            on:focusout=move |_| lit.set(None)
        >
            <g inner_html=backdrop></g>
            {groups
                .into_iter()
                .enumerate()
                .map(|(number, group)| {
                    let Group { node, standing, inside } = group;
                    view! {
                        <g
                            data-tone=Tone::from(standing).as_str()
                            data-group=number
                            class:lit=move || path.with(|path| path.as_ref().is_some_and(|path| path.contains(&node)))
                            inner_html=inside
                        ></g>
                    }
                })
                .collect_view()}
        </svg>
        </div>
    }
}

/// How thick the line of a cloud's own peering is.
const CLOUD: f64 = 2.5;

/// In rem, as the style sheet has it: narrower than this it scrolls.
const LEAST_WIDTH: f64 = 58.0;

/// Shapes that light up together.
struct Group {
    node: Node,
    standing: Standing,
    inside: String,
}

/// Lines first, then what they end in, then numbers: later ones lie above.
fn groups(map: &Map, link: &Callback<Target, String>) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut add = |thing: &Thing, linked: bool, draw: &dyn Fn(&mut Drawing)| {
        let mut drawing = Drawing::default();
        drawing.title(&thing.title);
        if linked {
            drawing.link(&link.run(thing.target), |drawing| draw(drawing));
        } else {
            draw(&mut drawing);
        }
        groups.push(Group { node: thing.node, standing: thing.standing, inside: drawing.done() });
    };
    for people in &map.people {
        add(&people.thing, false, &|drawing| crowd(drawing, people));
    }
    // A live line over a broken one hides less.
    let mut tunnels: Vec<&Tunnel> = map.tunnels.iter().collect();
    tunnels.sort_by_key(|tunnel| tunnel.thing.standing);
    for tunnel in tunnels {
        add(&tunnel.thing, false, &|drawing| line(drawing, tunnel));
    }
    for site in &map.sites {
        add(&site.thing, true, &|drawing| terminus(drawing, site, true));
    }
    for network in &map.networks {
        add(&network.thing, true, &|drawing| terminus(drawing, network, false));
    }
    for port in &map.gateways {
        add(&port.thing, true, &|drawing| gateway(drawing, port));
    }
    for block in &map.vpcs {
        add(&block.thing, true, &|drawing| vpc(drawing, block));
    }
    for tunnel in &map.tunnels {
        add(&tunnel.thing, true, &|drawing| index(drawing, tunnel));
    }
    groups
}

fn backdrop(map: &Map) -> String {
    let mut drawing = Drawing::default();
    for Heading { text, from, to, y } in &map.headings {
        drawing.line("zone", (*from, y + 14.5), (*to, y + 14.5));
        drawing.text("zone-name", *from, y + 10.0, text);
    }
    for Note { x, y, text } in &map.notes {
        drawing.text("zone-name", *x, *y, text);
    }
    drawing.done()
}

/// A line with a casing of paper, so that a crossing reads as a bridge; `cased` is WireGuard up and running.
fn cased(drawing: &mut Drawing, d: &str, weight: f64, cased: bool) {
    drawing.stroke("under", d, weight + 5.0);
    drawing.stroke("line", d, if cased { weight } else { weight - 0.8 });
    if cased {
        drawing.stroke("core", d, weight - 2.4);
    }
}

fn cross(drawing: &mut Drawing, x: f64, y: f64) {
    drawing.path("cross", &format!("M{} {}l10 10m0 -10l-10 10", short(x - 5.0), short(y - 5.0)));
}

/// Half the width of what is cut out for a cross.
const CUT: f64 = 9.0;

fn line(drawing: &mut Drawing, tunnel: &Tunnel) {
    const CORNER: f64 = 9.0;
    let (gateway, x) = (short(tunnel.gateway_x), tunnel.lane_x);
    let (from, to) = (tunnel.from_y, tunnel.to_y);
    let lane = format!(
        "H{}L{} {}V{}L{} {}H{gateway}",
        short(x + CORNER),
        short(x),
        short(from + CORNER),
        short(to - CORNER),
        short(x + CORNER),
        short(to)
    );
    let y = short(from);
    let d = match tunnel.cut_x {
        None => format!("M{gateway} {y}{lane}"),
        Some(cut) => format!("M{gateway} {y}H{}M{} {y}{lane}", short(cut + CUT), short(cut - CUT)),
    };
    cased(drawing, &d, tunnel.weight, tunnel.thing.standing == Standing::AsAsked);
    if let Some(cut) = tunnel.cut_x {
        cross(drawing, cut, from);
    }
}

/// The number on the line, and its entry in the index.
fn index(drawing: &mut Drawing, tunnel: &Tunnel) {
    let bullet = |drawing: &mut Drawing, x: f64, y: f64| {
        drawing.circle("bullet", x, y, 8.0);
        drawing.text("mid no", x, y + 4.0, &tunnel.number.to_string());
    };
    bullet(drawing, tunnel.lane_x, tunnel.bullet_y);
    bullet(drawing, 9.5, tunnel.index_y);
    drawing.text("", 25.0, tunnel.index_y + 4.0, &tunnel.name);
    let (class, said) = match &tunnel.said {
        Said::Traffic(count) => ("end rate", bytes(*count)),
        Said::Words(words) => ("end said", words.clone()),
    };
    if !said.is_empty() {
        drawing.text(class, tunnel.index_x, tunnel.index_y + 4.0, &said);
    }
}

fn crowd(drawing: &mut Drawing, people: &People) {
    const PITCH: f64 = 9.0;
    const MOST_PIPS: usize = 9;
    let (x, y) = (people.x, people.y);
    cased(
        drawing,
        &format!("M{} {}H{}", short(x), short(y), short(people.gateway_x)),
        3.6,
        people.thing.standing == Standing::AsAsked,
    );
    drawing.line("term", (x, y - 6.0), (x, y + 6.0));
    let on = people.connected.unwrap_or(0);
    let left = if people.all <= MOST_PIPS {
        for place in 0..people.all {
            let (class, radius) = if place < on { ("pip", 3.0) } else { ("pip-off", 2.5) };
            drawing.circle(class, x - 13.0 - place as f64 * PITCH, y, radius);
        }
        x - 17.0 - people.all as f64 * PITCH
    } else {
        // Too many to count: the share that is connected.
        let long = MOST_PIPS as f64 * PITCH;
        let full = long * on as f64 / people.all as f64;
        drawing.rounded("pip-off", (x - 10.0 - long, y - 3.0), (long, 6.0), 3.0);
        drawing.rounded("pip", (x - 10.0 - full, y - 3.0), (full, 6.0), 3.0);
        x - 17.0 - long
    };
    let count = people.connected.map_or_else(|| format!("?/{}", people.all), |on| format!("{on}/{}", people.all));
    drawing.text("end", left, y + 4.0, &count);
}

fn gateway(drawing: &mut Drawing, port: &Port) {
    let (x, y) = (port.x, port.y);
    cased(drawing, &format!("M{} {}H{}", short(x), short(y), short(port.vpc_x)), 3.3, false);
    drawing.rounded("stop", (x - 6.0, y - port.half - 6.0), (12.0, 2.0 * port.half + 12.0), 6.0);
    drawing.text("halo", x + 12.0, y - 6.0, &port.name);
}

fn vpc(drawing: &mut Drawing, block: &Block) {
    let Block { x, y, width, height, .. } = *block;
    let middle = y + height / 2.0;
    drawing.rounded("vpc", (x, y), (width, height), 2.0);
    let right = x + width - 8.0;
    if block.flat {
        drawing.text("name", x + 9.0, middle + 4.0, &block.name);
        let (class, text) = if block.said.is_empty() { ("end", &block.range) } else { ("end said", &block.said) };
        drawing.text(class, right, middle + 4.0, text);
    } else {
        drawing.text("name", x + 9.0, middle - 2.0, &block.name);
        drawing.text("", x + 9.0, middle + 11.5, &block.range);
        if !block.said.is_empty() {
            drawing.text("end said", right, middle - 2.0, &block.said);
        }
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::{
        components::html,
        domain::{
            connection::{
                Connection, ConnectionState,
                fixtures::{AWS, connection},
            },
            fixtures::harbor,
        },
    };

    fn drawn(map: Map) -> String {
        html(|| view! { <Topology map link=|target: Target| format!("/{target:?}")/> })
    }

    #[test]
    fn the_drawing_says_what_it_shows_and_leads_there() {
        let town = harbor();
        let html = drawn(Map::of(&town.snapshot()));
        assert!(html.contains("Topology: 3 VPCs, 3 VPN gateways, 2 VPC peerings"), "{html}");
        assert!(html.contains("172.28.0.0/16") && html.contains(">gw-hq-oslo</text>"), "{html}");
        assert_eq!(html.matches("<a href=\"/Vpc(").count(), 3, "{html}");
        assert_eq!(html.matches("class=\"core\"").count(), 2, "two tunnels are up: {html}");
        assert!(!html.contains("class=\"cross\"") && !html.contains("style="), "{html}");
    }

    #[test]
    fn the_legend_has_a_key_for_each_kind_of_line_that_is_drawn() {
        let mut town = harbor();
        let legend = |town: &crate::domain::fixtures::Town| {
            let lines = Map::of(&town.snapshot()).lines();
            html(|| view! { <TopologyLegend lines/> })
        };
        let up = legend(&town);
        assert!(up.contains("WireGuard") && !up.contains("Lost") && !up.contains("Weight"), "{up}");
        town.peerings[0].state = crate::domain::peering::PeeringState::Lost;
        let lost = legend(&town);
        assert!(lost.contains("WireGuard") && lost.contains(r#"data-tone="bad""#) && lost.contains("Lost"), "{lost}");
    }

    #[test]
    fn a_narrow_frame_begins_with_the_gateways_and_their_vpcs() {
        let town = harbor();
        let map = Map::of(&town.snapshot());
        let begin = map.begin() / map.width * LEAST_WIDTH;
        assert!(map.tunnels.iter().all(|tunnel| tunnel.lane_x < map.begin()), "right of the index and the lanes");
        assert!(map.gateways.iter().all(|port| map.begin() < port.x - 6.0), "left of every gateway");
        let html = drawn(map);
        assert!(html.contains(&format!(r#"<svg width="{}rem""#, short(begin))), "{html}");
    }

    /// Oslo with a network on the far side of a peering connection.
    fn peered(state: ConnectionState, simulated: bool) -> String {
        let mut town = harbor();
        town.vpcs[0].connections.push(Connection { simulated, ..connection(AWS, state) });
        drawn(Map::of(&town.snapshot()))
    }

    #[test]
    fn a_peer_network_is_drawn_with_its_account_its_ranges_and_the_way_to_its_connection() {
        let html = peered(ConnectionState::Active, false);
        for part in
            [">vpc-0123456789abcdef0<", ">111122223333 10.20.0.0/16 +1<", "<a href=\"/Connection(", "class=\"slice\""]
        {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert_eq!(html.matches("class=\"core\"").count(), 2, "a cloud's own peering is solid: {html}");
        assert_eq!(html.matches("class=\"slice\"").count(), 2, "each range has its place on the bar: {html}");
    }

    #[test]
    fn the_line_of_a_connection_looks_as_it_stands() {
        for (state, tone, said, cut) in [
            (ConnectionState::PendingPeer, "wait", ">Pending peer<", 0),
            (ConnectionState::Approved, "move", ">Approved<", 0),
            (ConnectionState::RejectedByPeer, "bad", ">Rejected by peer<", 1),
        ] {
            let html = peered(state, false);
            assert!(html.contains(&format!("data-tone=\"{tone}\"")) && html.contains(said), "{state}: {html}");
            assert_eq!(html.matches("class=\"cross\"").count(), cut, "{state}: {html}");
        }
        assert!(!peered(ConnectionState::Active, false).contains(">Active<"), "what is right needs no word");
    }

    #[test]
    fn what_a_look_alike_answers_for_ends_in_a_ring_and_the_legend_says_why() {
        let rings = |html: &str| html.matches("class=\"bullet\"").count();
        let (real, fake) = (peered(ConnectionState::Active, false), peered(ConnectionState::Active, true));
        assert_eq!(rings(&fake), rings(&real) + 1, "{fake}");
        assert!(fake.contains("10.20.4.0/24: Active, simulated"), "{fake}");
        let mut town = harbor();
        town.vpcs[0].connections.push(Connection { simulated: true, ..connection(AWS, ConnectionState::Active) });
        let legend = html(|| view! { <TopologyLegend lines=Map::of(&town.snapshot()).lines()/> });
        assert!(legend.contains("Cloud peering") && legend.contains("Simulated, no packets"), "{legend}");
    }

    #[test]
    fn a_lost_tunnel_is_cut_with_a_cross() {
        let mut town = harbor();
        town.peerings[0].state = crate::domain::peering::PeeringState::Lost;
        let html = drawn(Map::of(&town.snapshot()));
        assert_eq!((html.matches("class=\"cross\"").count(), html.matches("class=\"core\"").count()), (1, 1), "{html}");
    }
}
