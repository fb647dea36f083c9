//! A question to the effective firewall: would this packet get in?
//!
//! A plain GET form, so an answer has an address. What it says is [`Firewall::verdict`], the same list that the hosts
//! enforce.

use std::net::IpAddr;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    api::services::ServiceReading,
    components::{Block, Button, Choice, Field, Glyph, Mark, Prose, Select, Tone},
    domain::service::{
        Service,
        firewall::{Firewall, Rule, Verdict},
        node::Destination,
        route::Route,
    },
    pages::here::{project_for_links, use_project},
    routes,
};

#[component]
pub fn TryIt(read: Signal<ServiceReading>) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let query = use_query_map();
    let asked = |name: &str| query.with_untracked(|query| query.get(name).unwrap_or_default());
    let first = read.with_untracked(|read| read.service.components.first().map(|component| component.port.to_string()));
    let or = |text: String, usual: String| if text.is_empty() { usual } else { text };
    let from = RwSignal::new(asked("from"));
    let route = RwSignal::new(or(asked("route"), Route::Dynamic.as_str().to_owned()));
    let port = RwSignal::new(or(asked("port"), first.unwrap_or_default()));
    let ports = Signal::derive(move || {
        read.with(|read| {
            let option = |component: &crate::domain::service::Component| {
                Choice::new(component.port.to_string(), format!("{} {}", component.port, component.name))
            };
            read.service.components.iter().map(option).collect::<Vec<_>>()
        })
    });
    let routes: Vec<Choice> = [
        (Route::Dynamic, "Dynamic"),
        (Route::Public, "Public: a public address"),
        (Route::Private, "Private: a private address"),
    ]
    .map(|(route, label)| Choice::new(route.as_str(), label))
    .to_vec();
    let question = Memo::new(move |_| Question::read(&from.get(), &route.get(), &port.get()));
    let error = Signal::derive(move || question.with(|question| question.as_ref().err().cloned()));
    let elsewhere = Memo::new(move |_| {
        let there = read.with(|read| read.service.elsewhere())?;
        let firewall = there.firewall();
        Some((there, firewall))
    });
    let answers =
        Memo::new(move |_| {
            let question = question.get().ok().flatten()?;
            Some(read.with(|read| {
                elsewhere.with(|there| answers((&read.service, &read.firewall), there.as_ref(), question))
            }))
        });
    let page = read.with_untracked(|read| routes::service_firewall(&project, read.service.id));
    view! {
        <Block id="h-try" title="Try it" lead="Would a connection get in? Nothing is sent.">
            <form class="asking" method="get" action=format!("{page}#h-try")>
                <Field name="from" label="From" value=from error placeholder="203.0.113.7" fact=true/>
                <Select name="route" label="Route" options=routes value=route/>
                <Select name="port" label="Port" options=ports value=port/>
                <Button icon=Glyph::Search>"Try it"</Button>
            </form>
            <div aria-live="polite">
                {move || answers.get().unwrap_or_default().into_iter().map(|(tone, text)| view! {
                    <p class="verdict flow"><Mark tone/><span><Prose text/></span></p>
                }).collect_view()}
            </div>
        </Block>
    }
}

/// A connection attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Question {
    from: IpAddr,
    route: Route,
    port: u16,
}

impl Question {
    /// `None` while nothing is asked.
    fn read(from: &str, route: &str, port: &str) -> Result<Option<Self>, String> {
        if from.trim().is_empty() {
            return Ok(None);
        }
        let from = from.trim().parse().map_err(|_| "Enter an address such as 203.0.113.7.".to_owned())?;
        let (Some(route), Ok(port)) = (Route::from_text(route), port.trim().parse()) else { return Ok(None) };
        Ok(Some(Self { from, route, port }))
    }
}

/// A sentence; while a service moves one for each place, since the hosts of each have a firewall of their own.
fn answers(
    here: (&Service, &Firewall),
    there: Option<&(Service, Firewall)>,
    question: Question,
) -> Vec<(Tone, String)> {
    let Some((service, firewall)) = there else { return vec![answer(here.0, here.1, question)] };
    let sides = [here, (service, firewall)];
    let said = sides.map(|(service, firewall)| {
        let (tone, text) = answer(service, firewall, question);
        (tone, format!("In {}: {text}", service.place_label))
    });
    said.into()
}

/// What becomes of it and why, in a sentence.
fn answer(service: &Service, firewall: &Firewall, question: Question) -> (Tone, String) {
    let Question { from, route, port } = question;
    let inside = service.place.vpc.is_some();
    let to = match route {
        Route::Private => Destination::Private,
        Route::Dynamic if inside => Destination::Private,
        _ => Destination::Public,
    };
    let at = if to == Destination::Private { "a private address" } else { "a public address" };
    match firewall.verdict(from, to, port) {
        Verdict::Admitted(rule) => {
            let number = firewall.rules.iter().position(|one| one == rule).map_or(0, |at| at + 1);
            let name = rule.whose(from).map(|name| format!(", {name}")).unwrap_or_default();
            (
                Tone::Good,
                format!("Let in: {from} reaches port {port} at {at} by rule {number}, {}{name}.", reason(rule)),
            )
        }
        Verdict::Refused => (Tone::Bad, format!("Refused: {}", refused(service, firewall, question, at))),
        Verdict::NotGuarded => {
            (Tone::Off, format!("Port {port} is no port of this service. The host itself decides about it."))
        }
    }
}

/// "the IP filter", within a sentence.
fn reason(rule: &Rule) -> String {
    let said = rule.reason.to_string();
    // Words that stay as they are.
    if said.starts_with("IP ") || said.starts_with("VPC ") {
        return said;
    }
    let mut letters = said.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn refused(service: &Service, firewall: &Firewall, question: Question, at: &str) -> String {
    let Question { from, port, .. } = question;
    if let Some(name) = firewall.narrowed(from) {
        return format!("{from} is in a range of {name}, but the IP filter does not let it in.");
    }
    let public = at == "a public address";
    if public && service.place.vpc.is_some() && !service.has_public_access() {
        return format!("no component has public access, so nothing reaches port {port} at a public address.");
    }
    format!("no rule lets {from} in to port {port} at {at}. What no rule lets in is refused.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Cidr,
        service::{
            Component, IpFilter, Place, VpcBrief,
            firewall::{Peered, Way},
            fixtures::{self, component, node},
        },
        vpc::VpcState,
    };

    fn service(public: bool, filter: &str) -> Service {
        let id = crate::domain::VpcId::from_uuid(uuid::Uuid::from_u128(7));
        let vpc = VpcBrief {
            id,
            name: "alpha".parse().expect("a name"),
            cidr: Cidr::literal([10, 0, 0, 0], 24),
            state: VpcState::Active,
        };
        Service {
            node_count: 1,
            place: Place { cloud: "local-oslo".parse().expect("a place"), vpc: Some(id) },
            vpc: Some(vpc),
            components: vec![Component { public_access: public, ..component("pg", 5432) }],
            nodes: vec![node(1, Some([10, 0, 0, 4]), Some([203, 0, 113, 4]))],
            filter: IpFilter::parse(filter, 0).expect("a list"),
            peered: vec![Peered {
                by: Way::VpcPeering,
                name: "vpc-peering-gw-beta".to_owned(),
                range: Cidr::literal([10, 2, 0, 0], 16),
            }],
            ..fixtures::service("orders")
        }
    }

    fn said(service: &Service, from: &str, route: &str, port: &str) -> String {
        let question = Question::read(from, route, port).expect("a question").expect("asked");
        answer(service, &service.firewall(), question).1
    }

    #[test]
    fn row_60_an_answer_names_the_rule_and_the_peering_that_lets_a_packet_in() {
        assert_eq!(
            said(&service(false, ""), "10.2.3.4", "dynamic", "5432"),
            "Let in: 10.2.3.4 reaches port 5432 at a private address by rule 2, VPC peerings of the VPN gateway, vpc-peering-gw-beta."
        );
        assert_eq!(
            said(&service(true, "198.51.100.0/24"), "198.51.100.7", "public", "5432"),
            "Let in: 198.51.100.7 reaches port 5432 at a public address by rule 2, IP filter."
        );
    }

    #[test]
    fn while_a_service_moves_an_answer_is_given_for_the_hosts_of_each_place() {
        let service = fixtures::moving();
        let there = service.elsewhere().map(|there| (there.clone(), there.firewall()));
        let question = Question::read("198.51.100.7", "dynamic", "5432").expect("a question").expect("asked");
        let said = answers((&service, &service.firewall()), there.as_ref(), question);
        let expected = [
            (
                Tone::Bad,
                "In Oslo: Refused: no rule lets 198.51.100.7 in to port 5432 at a private address. What no rule lets in is refused.",
            ),
            (Tone::Good, "In Bergen: Let in: 198.51.100.7 reaches port 5432 at a public address by rule 2, IP filter."),
        ];
        assert_eq!(said, expected.map(|(tone, text)| (tone, text.to_owned())));
    }

    #[test]
    fn what_is_refused_is_refused_with_the_reason() {
        let pure = service(false, "0.0.0.0/0");
        assert_eq!(
            said(&pure, "198.51.100.7", "public", "5432"),
            "Refused: no component has public access, so nothing reaches port 5432 at a public address."
        );
        assert_eq!(
            said(&pure, "10.9.0.1", "private", "5432"),
            "Refused: no rule lets 10.9.0.1 in to port 5432 at a private address. What no rule lets in is refused."
        );
        assert!(said(&pure, "10.2.3.4", "dynamic", "22").contains("is no port of this service"));
    }

    #[test]
    fn a_peered_network_that_the_filter_leaves_out_is_told_so() {
        assert_eq!(
            said(&service(true, "10.2.0.0/17"), "10.2.200.1", "private", "5432"),
            "Refused: 10.2.200.1 is in a range of vpc-peering-gw-beta, but the IP filter does not let it in."
        );
    }

    #[test]
    fn what_is_no_address_is_no_question() {
        assert_eq!(Question::read("", "dynamic", "5432"), Ok(None));
        assert_eq!(Question::read("me", "dynamic", "5432"), Err("Enter an address such as 203.0.113.7.".to_owned()));
    }
}
