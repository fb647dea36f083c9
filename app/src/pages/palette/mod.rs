//! Finding anything: the box that opens on ⌘K or Ctrl K, and the same as a page.
//!
//! The link in the top bar leads to the page and works without a script. Alive, it opens the
//! box instead, whose code arrives when it is first asked for. Both show what
//! [`crate::api::find`] answers, in the words and with the paths of this module.

mod jump;
mod opened;
mod page;

pub use jump::Jump;
pub use page::FindPage;

use crate::{
    api::find::{FindAnswer, FindDeed, FindHit},
    components::{Aside, Found, FoundGroup, Glyph},
    domain::{
        ProjectName,
        find::{Deed, Noun},
    },
    pages::here::target,
    routes,
};

/// The answer with its paths: what was found first, then what can be done about it, then where else to go.
fn listed(answer: FindAnswer, project: &ProjectName) -> Vec<FoundGroup> {
    let found = answer.groups.into_iter().map(|group| FoundGroup {
        title: group.title,
        found: group.hits.into_iter().map(|hit| entry(hit, project)).collect(),
    });
    let (acts, pages): (Vec<FindDeed>, Vec<FindDeed>) =
        answer.deeds.into_iter().partition(|deed| makes_something(deed.deed));
    let deeds = [("Do", acts), ("Go to", pages)].map(|(title, deeds)| FoundGroup {
        title: title.to_owned(),
        found: deeds.into_iter().map(|deed| offer(deed, project)).collect(),
    });
    found.chain(deeds).filter(|group| !group.found.is_empty()).collect()
}

fn entry(hit: FindHit, project: &ProjectName) -> Found {
    let aside = match (hit.place, hit.standing) {
        (Some(place), _) => Aside::Range(place.range, place.neighbours, Some(place.address)),
        (None, Some(standing)) => {
            let tone = standing.into();
            Aside::State(tone, capitalized(tone.word()))
        }
        (None, None) => Aside::Words(hit.why),
    };
    Found::new(glyph(hit.noun), hit.name, target(project, &hit.target)).fact(hit.fact).aside(aside)
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn offer(offer: FindDeed, project: &ProjectName) -> Found {
    let refused = offer.missing.map(|permission| format!("needs {permission}"));
    Found::new(deed_glyph(offer.deed), offer.label, path(offer.deed, project)).refused(refused)
}

fn glyph(noun: Noun) -> Glyph {
    match noun {
        Noun::Vpc => Glyph::Box,
        Noun::Gateway => Glyph::Router,
        Noun::Peering | Noun::Connection => Glyph::Cable,
        Noun::Service | Noun::Node => Glyph::Database,
        Noun::Site => Glyph::Network,
        Noun::RoadWarrior => Glyph::Laptop,
        Noun::Planned => Glyph::Ruler,
    }
}

fn makes_something(deed: Deed) -> bool {
    matches!(deed, Deed::NewVpc(_) | Deed::NewGateway(_) | Deed::NewPeering(_) | Deed::NewService)
}

fn deed_glyph(deed: Deed) -> Glyph {
    match deed {
        Deed::NewPeering(_) => Glyph::Cable,
        _ if makes_something(deed) => Glyph::Plus,
        _ => Glyph::ArrowRight,
    }
}

fn path(deed: Deed, project: &ProjectName) -> String {
    match deed {
        Deed::Overview => routes::overview(project),
        Deed::Map => routes::map(project),
        Deed::Networking => routes::networking(project),
        Deed::Vpcs => routes::vpcs(project),
        Deed::Peerings => routes::peerings(project),
        Deed::Gateways => routes::gateways(project),
        Deed::Services => routes::services(project),
        Deed::NewService => routes::service_new(project),
        Deed::Planner => routes::planner(project),
        Deed::Accounts => routes::accounts(project),
        Deed::Changes => routes::changes(project),
        Deed::Reconcilers => routes::reconcilers(project),
        Deed::Settings => routes::settings(project),
        Deed::NewVpc(None) => routes::vpc_new(project),
        Deed::NewVpc(Some(range)) => routes::vpc_new_with(project, range),
        Deed::NewGateway(None) => routes::gateway_new(project),
        Deed::NewGateway(Some(vpc)) => routes::gateway_new_in(project, vpc),
        Deed::NewPeering(gateway) => routes::peering_new(project, gateway),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::permission::Permission;

    #[test]
    fn what_can_be_done_stands_before_where_one_can_go_and_names_what_is_missing() {
        let project: ProjectName = "harbor-prod".parse().expect("a name");
        let deed = |deed, label: &str, missing| FindDeed { deed, label: label.to_owned(), missing };
        let range = "10.99.0.0/16".parse().expect("a range");
        let deeds = vec![
            deed(Deed::Planner, "CIDR planner", None),
            deed(Deed::NewVpc(Some(range)), "Create VPC with 10.99.0.0/16", Some(Permission::NetworkingWrite)),
        ];
        let groups = listed(FindAnswer { deeds, ..FindAnswer::default() }, &project);
        assert_eq!(groups.iter().map(|group| group.title.as_str()).collect::<Vec<_>>(), ["Do", "Go to"]);
        let act = &groups[0].found[0];
        assert_eq!(act.href, "/projects/harbor-prod/vpcs/new?cidr=10.99.0.0/16");
        assert_eq!(act.refused.as_deref(), Some("needs project:networking:write"));
    }
}
