//! The networking overview: the ways to a service compared, which one to take, and what shields and encrypts them.
//!
//! What it says is [`crate::domain::access`]'s; what it reads of the project is only how its address plan stands. The
//! questions and the calculator are links and a GET form: an answer has an address, and needs no script.

mod calculator;
mod choose;
mod compare;
mod practices;
mod shields;
mod ways;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use crate::{
    api::vpcs::get_network,
    components::PageHead,
    domain::{Network, change::Topic},
    live::use_live,
    pages::{
        failure::settle,
        fresh::{fresh, once},
        here::use_project,
    },
};

pub struct NetworkingOverview;

#[lazy_route]
impl LazyRoute for NetworkingOverview {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project) = (use_live(), use_project());
        let topics = [Topic::Vpcs, Topic::Gateways, Topic::Peers, Topic::Plan];
        let network = Resource::new(
            move || (project.get(), topics.map(|topic| live.version(topic))),
            |(project, _)| get_network(project),
        );
        view! {
            <Title text="Networking overview"/>
            <Transition>
                {move || Suspend::new(async move {
                    let first = once(network).await;
                    settle(first, |first| view! { <Overview network=fresh(network, first)/> }.into_any())
                })}
            </Transition>
        }
        .into_any()
    }
}

#[component]
fn Overview(network: Signal<Network>) -> impl IntoView {
    view! {
        <PageHead
            title="Networking overview"
            lead="Four ways to reach a service and two that join whole networks: who gets in by each, and what it asks of you."
        />
        <choose::Choose/>
        {compare::compare()}
        {ways::ways()}
        <div class="cols" data-split="main">
            <practices::Practices network/>
            <calculator::Calculator/>
        </div>
        {shields::shields()}
        {shields::encryption()}
    }
}
