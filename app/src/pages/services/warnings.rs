//! What somebody should know of a service before anything else on its page (domain 3.6).

use leptos::prelude::*;

use crate::{
    components::{ButtonLink, Glyph, Notice, Tone},
    domain::{
        ProjectName,
        service::{IpFilter, Service, ip_filter},
    },
    routes,
};

/// More lines than this are counted.
const MOST: usize = 3;

#[component]
pub fn Warnings(
    service: Memo<Service>,
    project: ProjectName,
    /// Why whoever reads this can do nothing about them.
    reason: Memo<Option<String>>,
) -> impl IntoView {
    let warnings = Memo::new(move |_| service.with(all));
    let id = service.with_untracked(|service| service.id);
    let show = move |(tone, title, text, offer): Warning| {
        let filter = routes::service_ip_filter(&project, id);
        let button = match offer {
            Offer::Nothing => None,
            Offer::Filter => Some((filter, "Set public IP filters", Glyph::Pencil)),
            Offer::AddPeered => Some((format!("{filter}?add=peered"), "Add peered networks", Glyph::Plus)),
        };
        match button {
            Some((href, label, icon)) => view! {
                <Notice tone title text>
                    <ButtonLink href small=true icon reason>{label}</ButtonLink>
                </Notice>
            }
            .into_any(),
            None => view! { <Notice tone title text/> }.into_any(),
        }
    };
    move || warnings.get().into_iter().map(show.clone()).collect_view()
}

type Warning = (Tone, String, String, Offer);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    Nothing,
    Filter,
    AddPeered,
}

/// The worst first.
fn all(service: &Service) -> Vec<Warning> {
    if service.deleting {
        return Vec::new();
    }
    let mut said = Vec::new();
    for node in service.nodes.iter().filter(|node| node.trouble.is_some() && !node.removed) {
        let text = node.trouble.clone().unwrap_or_default();
        said.push((Tone::Bad, format!("{} is in trouble", node.name), text, Offer::Nothing));
    }
    if service.filter_applies() && service.filter.is_empty() {
        let title = "The IP filter is empty".to_owned();
        said.push((Tone::Bad, title, ip_filter::EMPTY_WARNING.to_owned(), Offer::Filter));
    }
    let uncovered = service.uncovered();
    if !uncovered.is_empty() {
        let lines = IpFilter::warnings(&uncovered);
        let mut text = lines[..lines.len().min(MOST)].join(" ");
        if lines.len() > MOST {
            text.push_str(&format!(" {} more are missing.", lines.len() - MOST));
        }
        let title = "Peered networks are not in the allowlist".to_owned();
        said.push((Tone::Wait, title, text, Offer::AddPeered));
    }
    if service.filter_applies() && service.filter.is_open() {
        let text = "Whoever reaches its public addresses gets to its ports. Let in the ranges of your clients, and take 0.0.0.0/0 and ::/0 out.";
        said.push((Tone::Wait, ip_filter::OPEN_HINT.to_owned(), text.to_owned(), Offer::Filter));
    }
    let unguarded: Vec<&str> = service
        .nodes
        .iter()
        .filter(|node| !node.settings.enforced && !node.removed)
        .map(|node| node.name.as_str())
        .collect();
    if !unguarded.is_empty() {
        let title = match unguarded.len() {
            1 => "1 node is not enforced".to_owned(),
            many => format!("{many} nodes are not enforced"),
        };
        let text = format!(
            "No agent keeps the firewall of {}: whatever its host lets in gets in. Enrol it, or see to it yourself.",
            unguarded.join(", ")
        );
        said.push((Tone::Off, title, text, Offer::Nothing));
    }
    said
}
