use leptos::prelude::*;

use super::drawing::Drawing;
use crate::domain::access::Access;

/// A way to a service as a line map: clients left, the service in its VPC right, and between them what lets packets through.
#[component]
pub fn Way(access: Access) -> impl IntoView {
    view! {
        <svg
            class="topology way"
            viewBox="0 0 300 84"
            role="img"
            aria-label=access.drawn()
            inner_html=draw(access)
        ></svg>
    }
}

/// The line on which everything lies that needs no other.
const LINE: f64 = 36.0;
const LABELS: f64 = 80.0;
/// The left edge of the VPC, and of the service in it.
const EDGE: f64 = 196.0;
const SERVICE: f64 = 258.0;
const THIN: f64 = 1.5;

fn draw(access: Access) -> String {
    let mut drawing = Drawing::default();
    drawing.rounded("vpc", (EDGE, 8.0), (100.0, 56.0), 3.0);
    match access {
        Access::Public => public(&mut drawing),
        Access::VpcPeering => peering(&mut drawing),
        Access::PrivateLink => link(&mut drawing),
        Access::StaticIps => fixed(&mut drawing),
        Access::TransitGateway => hub(&mut drawing),
        Access::VpnGateway => tunnels(&mut drawing),
    }
    drawing.done()
}

fn public(drawing: &mut Drawing) {
    for y in [16.0, LINE, 56.0] {
        drawing.circle("pip-off", 12.0, y, 4.0);
    }
    drawing.stroke("line", "M18 16H60L80 36H258M18 36H80M18 56H60L80 36", THIN);
    drawing.line("term", (130.0, 12.0), (130.0, 28.0));
    drawing.line("term", (130.0, 44.0), (130.0, 60.0));
    service(drawing);
    labels(drawing, "internet", "IP filter", "service");
}

fn peering(drawing: &mut Drawing) {
    network(drawing);
    drawing.stroke("line", "M42 36H258", 2.5);
    for x in [104.0, EDGE] {
        drawing.circle("stop", x, LINE, 5.0);
    }
    service(drawing);
    labels(drawing, "your network", "", "service in a VPC");
}

fn link(drawing: &mut Drawing) {
    network(drawing);
    drawing.stroke("line", "M42 36H252M244 30L252 36L244 42", THIN);
    drawing.circle("stop", 84.0, LINE, 5.0);
    service(drawing);
    labels(drawing, "your network, endpoint", "", "service in a VPC");
}

fn fixed(drawing: &mut Drawing) {
    drawing.circle("pip-off", 12.0, LINE, 4.0);
    drawing.stroke("line", "M18 36H258M92 36L112 16H258M92 36L112 56H258", THIN);
    for y in [16.0, LINE, 56.0] {
        drawing.circle("stop", 146.0, y, 5.0);
        // The third node is being replaced; its address is not.
        let class = if y > LINE { "vpc" } else { "self" };
        drawing.rect(class, SERVICE, y - 6.0, 12.0, 12.0);
    }
    labels(drawing, "internet", "addresses", "nodes");
}

fn hub(drawing: &mut Drawing) {
    for y in [14.0, LINE, 58.0] {
        drawing.rounded("vpc", (4.0, y - 8.0), (60.0, 16.0), 3.0);
    }
    drawing.stroke("line", "M64 14H94L116 36H258M64 36H116M64 58H94L116 36", 2.5);
    drawing.rounded("stop", (128.0, 22.0), (14.0, 28.0), 7.0);
    drawing.circle("stop", EDGE, LINE, 5.0);
    service(drawing);
    labels(drawing, "your networks", "hub", "service in a VPC");
}

fn tunnels(drawing: &mut Drawing) {
    drawing.circle("pip-off", 12.0, 18.0, 4.0);
    drawing.rounded("vpc", (4.0, 44.0), (60.0, 20.0), 3.0);
    for d in ["M18 18H100L118 36H190", "M64 54H100L118 36H190"] {
        drawing.stroke("line", d, 5.0);
    }
    for d in ["M18 18H100L118 36H190", "M64 54H100L118 36H190"] {
        drawing.stroke("core", d, 2.0);
    }
    drawing.stroke("line", "M200 36H258", THIN);
    drawing.circle("stop", EDGE, LINE, 6.0);
    service(drawing);
    labels(drawing, "people, offices", "WireGuard", "gateway");
}

/// A network of yours, with an application in it.
fn network(drawing: &mut Drawing) {
    drawing.rounded("vpc", (4.0, 8.0), (100.0, 56.0), 3.0);
    drawing.rect("other", 28.0, LINE - 7.0, 14.0, 14.0);
}

fn service(drawing: &mut Drawing) {
    drawing.rect("self", SERVICE, LINE - 7.0, 14.0, 14.0);
}

fn labels(drawing: &mut Drawing, left: &str, middle: &str, right: &str) {
    drawing.text("zone-name", 4.0, LABELS, left);
    drawing.text("zone-name mid", 134.0, LABELS, middle);
    drawing.text("zone-name end", 296.0, LABELS, right);
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn every_way_is_drawn_and_told() {
        for access in Access::ALL {
            let html = html(|| view! { <Way access/> });
            assert!(html.contains(access.drawn()) && html.contains("<path"), "{html}");
            assert!(!html.contains("style="), "the policy refuses styles: {html}");
        }
    }
}
